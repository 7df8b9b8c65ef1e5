//! What the comparison works with and says.

use uuid::Uuid;

use super::lists::Held;
use crate::access::Scope;
use crate::platform::vault::VaultError;
use crate::platform::{DbError, ErrorKind, UserError};

/// What a signal or candidate is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A registered person.
    Person,
    /// A registered household.
    Household,
    /// A helper of a household (帮扶责任人).
    Helper,
    /// A member of a village's work team (驻村工作队员).
    TeamMember,
}

impl Subject {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Household => "household",
            Self::Helper => "helper",
            Self::TeamMember => "team_member",
        }
    }

    /// The subject of a name; a person where it is none of ours.
    pub fn from_name(name: &str) -> Self {
        match name {
            "household" => Self::Household,
            "helper" => Self::Helper,
            "team_member" => Self::TeamMember,
            _ => Self::Person,
        }
    }
}

/// How a list is to be compared.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct CompareOptions {
    /// Kind of list, or the code of the source that it comes from; found from the headers if none.
    pub source: Option<String>,
    /// The day that the list speaks of, ISO; if none, what the file or its name says, else today.
    #[serde(with = "iso_day")]
    pub as_of: Option<chrono::NaiveDate>,
    /// What the list was asked for (使用目的); what the source is for if empty.
    pub purpose: String,
    /// Days after which rows that matched nobody lose everything personal; as the source says if 0.
    pub retention_days: u32,
    /// Name of the file as the user knows it; the path's if empty.
    pub file_name: String,
    /// What the list is taken to be asked for where neither `purpose` nor its source says; empty to refuse it then.
    #[serde(default)]
    pub usual_purpose: String,
}

mod iso_day {
    use chrono::NaiveDate;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(day: &Option<NaiveDate>, to: S) -> Result<S::Ok, S::Error> {
        day.map(|d| d.to_string()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<NaiveDate>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|t| t.parse().map_err(serde::de::Error::custom)).transpose()
    }
}

/// Retention where nobody says otherwise, days.
pub const RETENTION_DAYS: u32 = 30;

/// What a comparison did.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct CompareReport {
    /// The comparison.
    pub id: Uuid,
    /// Kind of list.
    pub source: String,
    /// The source that the list is a version of.
    #[serde(default)]
    pub list_source: String,
    /// Which version.
    #[serde(default)]
    pub list_version: i64,
    /// The day that the list speaks of, ISO.
    pub as_of: String,
    /// Rows of the file.
    pub rows_total: i64,
    /// Rows that could not be read.
    pub rows_held: i64,
    /// Keys seen for the first time.
    pub rows_new: i64,
    /// Newer revisions of known keys.
    pub rows_revised: i64,
    /// Known and unchanged, or older than what is known: nothing written.
    pub rows_same: i64,
    /// Rows that the source held and that this version leaves out; their signals stay.
    #[serde(default)]
    pub rows_gone: i64,
    /// Rows that an earlier version of the source left out and that are in again.
    #[serde(default)]
    pub rows_back: i64,
    /// Rows in whose place another row of the same file counts: the same card again.
    #[serde(default)]
    pub rows_doubled: i64,
    /// Open rows known before for whom the register now, or this actor's register, has other candidates.
    pub rows_again: i64,
    /// 一致.
    pub matched: i64,
    /// 待核实.
    pub review: i64,
    /// 未匹配.
    pub unmatched: i64,
    /// Of these the cards of another disease than the shock's: kept, and held against nobody.
    #[serde(default)]
    pub other_disease: i64,
    /// Cards taken back (排除, 删除).
    pub withdrawn: i64,
    /// Signals added.
    pub signals_added: i64,
    /// Signals superseded or withdrawn.
    pub signals_ended: i64,
    /// Households whose signals changed.
    pub households: Vec<Uuid>,
    /// Registered persons the list was held against.
    pub registry_persons: i64,
    /// The model that weighed; 0 is the one that comes along.
    #[serde(default)]
    pub model_version: i64,
    /// Rows held back, with the reason; the first [`super::HELD_SHOWN`].
    pub held: Vec<Held>,
    /// Rows in whose place another of the file counts; the first [`super::HELD_SHOWN`].
    #[serde(default)]
    pub doubled: Vec<Held>,
    /// Headers found, missing and not understood.
    pub mapping: serde_json::Value,
    /// Sheets that were not read, with the reasons.
    #[serde(default)]
    pub skipped_sheets: Vec<crate::intake::SkippedSheet>,
}

/// A person's decision about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The row is this candidate (确认一致).
    Confirm,
    /// The row is not this candidate (排除该候选).
    Reject,
    /// The row is none of the candidates (均不是).
    None,
    /// Take the decisions about the row back (撤销判定).
    Undo,
}

/// What a decision did.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The row.
    pub row: Uuid,
    /// Its outcome now: matched, review, unmatched.
    pub outcome: &'static str,
    /// Households whose signals changed.
    pub households: Vec<Uuid>,
}

/// Why a comparison or a decision was not possible.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The file could not be read; the reader's own code and text.
    #[error("{text}")]
    File {
        /// Code of the reader's error.
        code: &'static str,
        /// Its text in English.
        text: String,
        /// Its text in Chinese.
        text_zh: String,
    },
    /// The file has no table.
    #[error("{file}: no row looks like a header row")]
    NoHeader {
        /// The file.
        file: String,
    },
    /// The headers are of no kind of list that we know.
    #[error("{file}: not a list that we know; found {found}")]
    UnknownList {
        /// The file.
        file: String,
        /// The headers found.
        found: String,
    },
    /// There is no such source.
    #[error("no source {name}")]
    UnknownSource {
        /// What was asked for.
        name: String,
    },
    /// What is said of a source cannot be.
    #[error("the {field} of a source cannot be {value}")]
    SourceField {
        /// `division`, `retention`, `schedule` or `text`.
        field: &'static str,
        /// What was said.
        value: String,
    },
    /// Somebody else has changed the source since it was read.
    #[error("somebody else has changed the source")]
    SourceChanged,
    /// The file is not of the kind that somebody named.
    #[error("{file}: not a list of {asked}")]
    WrongSource {
        /// The file.
        file: String,
        /// The kind named.
        asked: &'static str,
        /// The kind that it is of, where that is clear.
        fits: Option<&'static str>,
    },
    /// The day that a list is said to speak of cannot be.
    #[error("no list speaks of {day}")]
    AsOf {
        /// The day given.
        day: chrono::NaiveDate,
        /// The last day that can be.
        today: chrono::NaiveDate,
    },
    /// Needed columns are missing.
    #[error("{file}: missing columns {missing}; found {found}")]
    MissingColumns {
        /// The file.
        file: String,
        /// Their standard headers.
        missing: String,
        /// The headers found.
        found: String,
    },
    /// Nobody is registered within the scope: there is nothing to compare with.
    #[error("the register is empty here")]
    EmptyRegister,
    /// The day that a list is said to speak of is none.
    #[error("{value} is no day")]
    NotADay {
        /// What was given.
        value: String,
    },
    /// The purpose is longer than anybody reads.
    #[error("the purpose is too long")]
    PurposeLong,
    /// A purpose must be given.
    #[error("no purpose given")]
    NoPurpose,
    /// A reason must be given: what is done concerns everybody.
    #[error("no reason given")]
    NoReason,
    /// There is no model of this version.
    #[error("no model {version}")]
    NoModel {
        /// The version asked for.
        version: i64,
    },
    /// Somebody else put a model in force at the same time.
    #[error("another model was put in force at the same time")]
    ModelOvertaken,
    /// There are too few verdicts to make a model of.
    #[error("fewer than {least} verdicts")]
    FewVerdicts {
        /// So many are needed.
        least: usize,
    },
    /// The uploaded file is not there any more: it was compared already, or the server's folder was cleared.
    #[error("the uploaded file is gone")]
    UploadGone,
    /// Somebody else brought in a revision of the same rows at the same time.
    #[error("another comparison of the same rows ran at the same time")]
    Overtaken,
    /// No such comparison, row or candidate, or not for this person.
    #[error("not found")]
    NotFound,
    /// The actor may not decide matches.
    #[error("not allowed")]
    Forbidden,
    /// What was said of somebody cannot be read.
    #[error("the {field} {value} cannot be read")]
    Detail {
        /// `birth` or `phone`.
        field: &'static str,
        /// What was said; phones masked.
        value: String,
    },
    /// Somebody is named whom the details do not lead to.
    #[error("the person is none of those found")]
    NotAmong,
    /// It is not known in which county to look.
    #[error("no county to look in")]
    NoCounty,
    /// Somebody has already decided.
    #[error("already decided as {outcome}")]
    AlreadyDecided {
        /// The outcome that stands: matched, review, unmatched.
        outcome: String,
    },
    /// A newer revision has taken the row's place.
    #[error("a newer revision of this card has come in")]
    Superseded,
    /// The work was cancelled; nothing was written.
    #[error("cancelled")]
    Cancelled,
    /// The file of answers is not as expected.
    #[error("{file}: {why}")]
    Truth {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A field does not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A thread died.
    #[error("the comparison broke off: {0}")]
    Broken(String),
    /// What follows on the signals failed; the decision itself stands.
    #[error("{text}")]
    Onward {
        /// Code of its error.
        code: &'static str,
        /// Its text.
        text: String,
    },
}

impl UserError for CompareError {
    fn code(&self) -> &'static str {
        match self {
            Self::File { code, .. } | Self::Onward { code, .. } => code,
            Self::NoHeader { .. } => "compare.no_header",
            Self::UnknownList { .. } => "compare.unknown_list",
            Self::UnknownSource { .. } => "compare.unknown_source",
            Self::SourceField { field: "division", .. } => "compare.source_division",
            Self::SourceField { field: "retention", .. } => "compare.source_retention",
            Self::SourceField { field: "schedule", .. } => "compare.source_schedule",
            Self::SourceField { .. } => "compare.source_text",
            Self::SourceChanged => "compare.source_changed",
            Self::MissingColumns { .. } => "compare.missing_columns",
            Self::WrongSource { fits: Some(_), .. } => "compare.wrong_source",
            Self::WrongSource { fits: None, .. } => "compare.untold_source",
            Self::AsOf { .. } => "compare.as_of",
            Self::EmptyRegister => "compare.empty_register",
            Self::NoPurpose => "compare.no_purpose",
            Self::NotADay { .. } => "compare.not_a_day",
            Self::NoReason => "compare.no_reason",
            Self::NoModel { .. } => "compare.no_model",
            Self::ModelOvertaken => "compare.model_overtaken",
            Self::FewVerdicts { .. } => "compare.few_verdicts",
            Self::PurposeLong => "compare.purpose_long",
            Self::UploadGone => "compare.upload_gone",
            Self::Overtaken => "compare.overtaken",
            Self::Detail { field: "birth", .. } => "compare.detail_birth",
            Self::Detail { .. } => "compare.detail_phone",
            Self::NotAmong => "compare.not_among",
            Self::NoCounty => "compare.no_county",
            Self::NotFound => "compare.not_found",
            Self::Forbidden => "compare.forbidden",
            Self::AlreadyDecided { .. } => "compare.already_decided",
            Self::Superseded => "compare.superseded",
            Self::Cancelled => "compare.cancelled",
            Self::Truth { .. } => "compare.truth",
            Self::Db(inner) => inner.code(),
            Self::Vault(_) => "open.key",
            Self::Broken(_) => "compare.broken",
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::File { .. }
            | Self::NoHeader { .. }
            | Self::UnknownList { .. }
            | Self::UnknownSource { .. }
            | Self::SourceField { .. }
            | Self::MissingColumns { .. }
            | Self::WrongSource { .. }
            | Self::AsOf { .. }
            | Self::EmptyRegister
            | Self::NoPurpose
            | Self::NotADay { .. }
            | Self::NoReason
            | Self::NoModel { .. }
            | Self::FewVerdicts { .. }
            | Self::PurposeLong
            | Self::Detail { .. }
            | Self::NotAmong
            | Self::NoCounty
            | Self::UploadGone
            | Self::Truth { .. } => ErrorKind::Invalid,
            Self::NotFound => ErrorKind::NotFound,
            Self::Forbidden => ErrorKind::Forbidden,
            Self::Overtaken
            | Self::ModelOvertaken
            | Self::SourceChanged
            | Self::AlreadyDecided { .. }
            | Self::Superseded
            | Self::Cancelled => ErrorKind::Conflict,
            Self::Db(inner) => inner.kind(),
            Self::Vault(_) | Self::Broken(_) | Self::Onward { .. } => ErrorKind::Internal,
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NoHeader { file } => vec![("file", file.clone())],
            Self::UnknownList { file, found } => {
                vec![("file", file.clone()), ("found", found.clone())]
            }
            Self::UnknownSource { name } => vec![("name", name.clone())],
            Self::SourceField { value, .. } | Self::Detail { value, .. } => vec![("value", value.clone())],
            Self::MissingColumns { file, missing, found } => {
                vec![("file", file.clone()), ("missing", missing.clone()), ("found", found.clone())]
            }
            Self::WrongSource { file, asked, fits } => vec![
                ("file", file.clone()),
                ("asked", (*asked).to_owned()),
                ("fits", fits.unwrap_or_default().to_owned()),
                ("words", super::columns::telling(asked).join("、")),
            ],
            Self::AsOf { day, today } => vec![("day", day.to_string()), ("today", today.to_string())],
            Self::NoModel { version } => vec![("version", version.to_string())],
            Self::FewVerdicts { least } => vec![("least", least.to_string())],
            Self::NotADay { value } => vec![("value", value.clone())],
            Self::PurposeLong => vec![("most", crate::access::reveal::REASON_MOST.to_string())],
            Self::AlreadyDecided { outcome } => vec![("outcome", outcome.clone())],
            Self::Truth { file, why } => vec![("file", file.clone()), ("why", why.clone())],
            Self::Broken(why) => vec![("why", why.clone())],
            Self::Vault(inner) => vec![("why", inner.to_string())],
            Self::Db(inner) => inner.args(),
            _ => Vec::new(),
        }
    }

    fn message(&self, lang: crate::platform::Lang) -> String {
        use crate::platform::{Lang, i18n};
        match (self, lang) {
            (Self::File { text_zh, .. }, Lang::Zh) => text_zh.clone(),
            (Self::File { text, .. }, Lang::En) | (Self::Onward { text, .. }, _) => text.clone(),
            (Self::AlreadyDecided { outcome }, _) => i18n::text_with(
                lang,
                "error-compare-already_decided",
                &[("outcome", i18n::text(lang, &format!("compare-outcome-{outcome}")))],
            ),
            (Self::WrongSource { .. }, _) => {
                let key = format!("error-{}", self.code().replace('.', "-"));
                let comma = i18n::text(lang, "list-comma");
                let named = |(name, value): (&'static str, String)| match name {
                    "asked" | "fits" if !value.is_empty() => {
                        let text = i18n::text(lang, &format!("compare-source-{}", value.replace('.', "-")));
                        (name, format!("{text} ({value})"))
                    }
                    _ => (name, value.replace('、', &comma)),
                };
                i18n::text_with(lang, &key, &self.args().into_iter().map(named).collect::<Vec<_>>())
            }
            _ => {
                let key = format!("error-{}", self.code().replace('.', "-"));
                let comma = i18n::text(lang, "list-comma");
                let args: Vec<_> =
                    self.args().into_iter().map(|(name, value)| (name, value.replace('、', &comma))).collect();
                i18n::text_with(lang, &key, &args)
            }
        }
    }
}

/// A comparison as stored.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct ComparisonRow {
    pub id: Uuid,
    pub source: String,
    pub file_name: String,
    pub sha256: String,
    pub as_of: String,
    pub purpose: String,
    pub retention_until: String,
    pub division_code: String,
    pub state: String,
    pub mapping: String,
    pub rows_total: i64,
    pub rows_held: i64,
    pub rows_new: i64,
    pub rows_revised: i64,
    pub rows_same: i64,
    pub held: String,
    pub rows_matched: i64,
    pub rows_review: i64,
    pub rows_unmatched: i64,
    pub created_by: Option<Uuid>,
    pub created_at: i64,
    pub finished_at: Option<i64>,
    pub list_source: String,
    pub list_version: i64,
    pub rows_gone: i64,
    pub rows_back: i64,
    pub came_on: String,
    pub recall: Option<f64>,
    pub pairs_compared: i64,
    pub pairs_likely: i64,
}

/// A row of a list as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct ListRow {
    pub id: Uuid,
    pub comparison_id: Uuid,
    pub source: String,
    pub row_key: String,
    pub revision: i64,
    pub current: bool,
    pub division_code: String,
    pub kind: String,
    pub fact_date: String,
    pub name: String,
    pub cluster: String,
    pub fields_enc: Vec<u8>,
    pub outcome: String,
    pub sheet: String,
    pub line: i64,
    pub recorded_at: i64,
    /// Why it waits for a person again although it was matched: gone, changed or rival; empty for other rows.
    pub reopened: String,
}

/// A possible match as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Candidate {
    pub id: Uuid,
    pub list_row_id: Uuid,
    pub comparison_id: Uuid,
    pub subject: String,
    pub subject_id: Uuid,
    pub household_id: Option<Uuid>,
    pub division_code: String,
    pub tier: String,
    pub score: f64,
    pub explanation: String,
    pub signature: String,
    pub verdict: String,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<i64>,
    pub note: String,
    /// The model that weighed it; 0 is the one that comes along.
    pub model_version: i64,
    /// The version of the person's record that it was weighed with; 0 where that is not kept.
    pub subject_version: i64,
}

/// How the signature of a candidate begins that was given points before candidates were weighed in bits.
pub(crate) const IN_POINTS: &str = "points:";
/// How the signature of a candidate begins whom a clerk named with details of their own.
pub(crate) const NAMED: &str = "named:";

impl Candidate {
    /// Whether its score is in bits, and not in the points of an earlier version.
    pub fn is_in_bits(&self) -> bool {
        !self.signature.starts_with(IN_POINTS)
    }
}

/// Current rows of a comparison by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Counts {
    pub matched: i64,
    pub review: i64,
    pub unmatched: i64,
    pub withdrawn: i64,
}

/// Open rows whose only candidate looks alike.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Group {
    pub tier: String,
    pub signature: String,
    pub rows: i64,
    pub score: f64,
    pub explanation: String,
}

/// A registered person as the review shows them.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Person {
    pub id: Uuid,
    pub person_no: String,
    pub household_id: Uuid,
    pub household_no: String,
    pub head_name: String,
    pub division_code: String,
    pub name: String,
    pub sex: String,
    pub birth_date: String,
    pub id_enc: Option<Vec<u8>>,
    pub phone_enc: Option<Vec<u8>>,
    pub household_phone_enc: Option<Vec<u8>>,
    pub relation: String,
    pub is_head: bool,
}

/// A helper or team member.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Staff {
    pub subject: String,
    pub id: Uuid,
    pub household_id: Option<Uuid>,
    pub division_code: String,
    pub name: String,
    pub name_folded: String,
    pub sex: String,
    pub unit: String,
    pub id_index: Option<i64>,
    pub phone_enc: Option<Vec<u8>>,
    pub phone_index: Option<i64>,
}

#[derive(Debug, sqlx::FromRow)]
pub(crate) struct RegistryPerson {
    pub(crate) id: Uuid,
    pub(crate) name_folded: String,
    pub(crate) sex: String,
    pub(crate) birth_date: String,
    pub(crate) division_code: String,
    pub(crate) id_enc: Option<Vec<u8>>,
    pub(crate) phone_enc: Option<Vec<u8>>,
    pub(crate) household_phone_enc: Option<Vec<u8>>,
    pub(crate) household_no: String,
}

/// Where a person is registered.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Registered {
    pub(crate) id: Uuid,
    pub(crate) household_id: Uuid,
    pub(crate) division_code: String,
    pub(crate) version: i64,
}

/// Where the household of a number is registered.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct HouseholdPlace {
    pub(crate) household_no: String,
    pub(crate) division_code: String,
}

#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Known {
    pub(crate) row_key: String,
    pub(crate) id: Uuid,
    pub(crate) revision: i64,
    pub(crate) fingerprint: i64,
    pub(crate) identity: i64,
    pub(crate) as_of: String,
    pub(crate) filled_on: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) outcome: String,
    pub(crate) matched_at: i64,
    /// The division of whoever brought it in: whose register it was held against.
    pub(crate) home: String,
    /// Whether it is another unit's, or matched with somebody outside the scope.
    pub(crate) outside: bool,
}

impl Known {
    /// Whether the row was held against the register of a scope, as that was at `newer` or later.
    fn covers(&self, scope: &Scope, newer: i64) -> bool {
        // What the command line brings in, which sees everything, is the province's.
        let inside = if scope.root().is_empty() { self.home.len() <= 2 } else { scope.root().starts_with(&self.home) };
        inside && self.matched_at >= newer
    }

    /// Whether the row is still open and a scope's register was never asked about it, or has changed since.
    pub(crate) fn is_to_ask(&self, scope: &Scope, newer: i64) -> bool {
        matches!(self.outcome.as_str(), "unmatched" | "review")
            && self.kind != super::lists::OTHER_DISEASE
            && !self.name.is_empty()
            && !self.covers(scope, newer)
    }

    /// Whether the row was erased at its day before a scope's register was asked: for that scope it is as if new.
    pub(crate) fn is_erased_for(&self, scope: &Scope) -> bool {
        self.outcome == "unmatched" && self.name.is_empty() && !self.covers(scope, 0)
    }
}

/// A current row to be held against the register again: it is open, or what it is matched with has changed.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct OpenRow {
    pub(crate) id: Uuid,
    pub(crate) comparison_id: Uuid,
    pub(crate) source: String,
    pub(crate) row_key: String,
    pub(crate) division_code: String,
    pub(crate) fields_enc: Vec<u8>,
    pub(crate) sheet: String,
    pub(crate) line: i64,
    pub(crate) as_of: String,
    /// The division of whoever brought it in.
    pub(crate) home: String,
    /// matched, review or unmatched.
    pub(crate) outcome: String,
}

#[derive(Debug)]
pub(crate) struct NewRow {
    pub(crate) id: Uuid,
    pub(crate) comparison_id: Uuid,
    pub(crate) source: String,
    pub(crate) row_key: String,
    pub(crate) revision: i64,
    pub(crate) current: bool,
    pub(crate) division_code: String,
    pub(crate) case_county: String,
    pub(crate) kind: String,
    pub(crate) fact_date: String,
    pub(crate) filled_on: String,
    pub(crate) name: String,
    pub(crate) cluster: String,
    pub(crate) fields_enc: Vec<u8>,
    pub(crate) fingerprint: i64,
    pub(crate) identity: i64,
    pub(crate) outcome: String,
    pub(crate) sheet: String,
    pub(crate) line: i64,
    pub(crate) recorded_at: i64,
    /// The moment of which the register was that it was held against; 0 makes it due.
    pub(crate) matched_at: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct NewCandidate {
    pub(crate) id: Uuid,
    pub(crate) list_row_id: Uuid,
    pub(crate) comparison_id: Uuid,
    pub(crate) subject: Subject,
    pub(crate) subject_id: Uuid,
    pub(crate) household_id: Option<Uuid>,
    pub(crate) division_code: String,
    pub(crate) tier: String,
    pub(crate) score: f64,
    pub(crate) explanation: String,
    pub(crate) signature: String,
    pub(crate) verdict: String,
    pub(crate) decided_by: Option<Uuid>,
    pub(crate) decided_at: Option<i64>,
    pub(crate) note: String,
    pub(crate) model_version: i64,
    pub(crate) subject_version: i64,
}

impl NewCandidate {
    /// A stored candidate under another row: what was weighed and decided stays.
    pub(crate) fn again(old: &Candidate, id: Uuid, list_row_id: Uuid, comparison_id: Uuid) -> Self {
        Self {
            id,
            list_row_id,
            comparison_id,
            subject: Subject::from_name(&old.subject),
            subject_id: old.subject_id,
            household_id: old.household_id,
            division_code: old.division_code.clone(),
            tier: old.tier.clone(),
            score: old.score,
            explanation: old.explanation.clone(),
            signature: old.signature.clone(),
            verdict: old.verdict.clone(),
            decided_by: old.decided_by,
            decided_at: old.decided_at,
            note: old.note.clone(),
            model_version: old.model_version,
            subject_version: old.subject_version,
        }
    }
}

#[derive(Debug, sqlx::FromRow)]
pub(crate) struct HeldSignal {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) subject_id: Uuid,
    pub(crate) household_id: Option<Uuid>,
    pub(crate) fact_date: String,
    pub(crate) value: String,
    pub(crate) row_key: String,
    pub(crate) version: i64,
}

#[derive(Debug)]
pub(crate) struct NewSignal {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) subject: Subject,
    pub(crate) subject_id: Uuid,
    pub(crate) person_id: Option<Uuid>,
    pub(crate) household_id: Option<Uuid>,
    pub(crate) division_code: String,
    pub(crate) fact_date: String,
    pub(crate) learnt_at: i64,
    pub(crate) value: String,
    pub(crate) probability: f64,
    pub(crate) source: String,
    pub(crate) row_key: String,
    pub(crate) list_row_id: Uuid,
    pub(crate) match_id: Uuid,
    pub(crate) version: i64,
}

#[derive(Debug, sqlx::FromRow)]
pub(crate) struct CaseKey {
    pub(crate) row_key: String,
    pub(crate) verdict: String,
    pub(crate) person_no: String,
}
