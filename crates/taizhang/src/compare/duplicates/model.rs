//! Pairs of registered persons, and what may be asked and said about them.

use std::collections::BTreeMap;

use uuid::Uuid;

/// Which record of two stays in the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The left one: the right one is to be taken out of its source file.
    Left,
    /// The right one.
    Right,
    /// Nobody has said yet.
    Unsaid,
}

impl Keep {
    /// The value in the database and in forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
            Self::Unsaid => "",
        }
    }

    /// The side of a value; unsaid where it is none.
    pub fn from_name(name: &str) -> Self {
        match name {
            "left" => Self::Left,
            "right" => Self::Right,
            _ => Self::Unsaid,
        }
    }
}

/// What somebody says about a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairVerdict {
    /// One person, and which record stays.
    Same(Keep),
    /// Two persons.
    Different,
    /// As if nobody had said anything.
    Undo,
}

/// A pair as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Pair {
    pub id: Uuid,
    pub left_id: Uuid,
    pub right_id: Uuid,
    pub left_no: String,
    pub right_no: String,
    pub left_division: String,
    pub right_division: String,
    pub tier: String,
    pub score: f64,
    pub explanation: String,
    pub signature: String,
    pub cluster: String,
    pub model_version: i64,
    pub present: bool,
    pub found_at: i64,
    pub gone_at: Option<i64>,
    pub verdict: String,
    pub keep: String,
    pub decided_name: String,
    pub decided_at: Option<i64>,
    pub note: String,
}

/// Which pairs are asked for; empty texts ask for all.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct PairFilter {
    /// pending, same or different.
    pub verdict: String,
    /// The kind of evidence.
    pub tier: String,
    /// present or gone: whether the last run still found it.
    pub present: String,
    /// village, county or across: how far apart the two are registered.
    pub apart: String,
    /// A division one of the two lies in.
    pub division: String,
    /// The levels of the pair, `field=level,…`.
    pub signature: String,
}

/// Undecided pairs that look alike.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct PairGroup {
    pub tier: String,
    pub signature: String,
    pub pairs: i64,
    pub score: f64,
    pub explanation: String,
}

/// A run over the persons of a division.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Run {
    pub id: Uuid,
    pub division_code: String,
    pub persons: i64,
    pub compared: i64,
    pub found: i64,
    pub added: i64,
    pub gone: i64,
    pub clusters: i64,
    pub recall: Option<f64>,
    pub model_version: i64,
    pub finished_at: i64,
}

/// Where the record of a person came from.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Place {
    pub id: Uuid,
    pub file_name: String,
    pub source_unit: String,
    pub sheet: String,
    pub line: i64,
    pub as_of: String,
}

/// What a run did.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct DuplicateReport {
    /// The run.
    pub run: Uuid,
    /// Persons held against each other.
    pub persons: i64,
    /// Pairs compared.
    pub compared: i64,
    /// Pairs that may be one person.
    pub found: i64,
    /// Of these for the first time.
    pub added: i64,
    /// Pairs known before that are none any more.
    pub gone: i64,
    /// Persons who are thought to be registered more than once.
    pub clusters: i64,
    /// Share of the duplicates that the search rules are thought to have found; none where nothing was found.
    pub recall: Option<f64>,
    /// The model that weighed; 0 is the one that comes along.
    pub model_version: i64,
    /// Pairs let go because a person had too many.
    pub dropped: i64,
    /// What each search rule found: pairs, and duplicates that no other rule finds.
    pub rules: BTreeMap<String, [i64; 2]>,
    /// Seconds: reading and packing, then the engine.
    pub seconds: [f64; 2],
}

/// A pair to be written.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) left: Uuid,
    pub(super) right: Uuid,
    pub(super) tier: &'static str,
    pub(super) score: f64,
    pub(super) explanation: String,
    pub(super) signature: String,
    pub(super) cluster: Option<Uuid>,
}

/// A person of a pair, as the pair keeps them.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Member {
    pub(crate) id: Uuid,
    pub(crate) person_no: String,
    pub(crate) division_code: String,
}

/// What a pair was before a run.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Known {
    pub(crate) id: Uuid,
    pub(crate) left_id: Uuid,
    pub(crate) right_id: Uuid,
    pub(crate) present: bool,
}

/// What the import said about one of two persons.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Issue {
    pub(crate) import_id: Uuid,
    pub(crate) rule_id: String,
    pub(crate) person_no: String,
}
