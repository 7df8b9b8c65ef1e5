//! What a problem list holds, and what can be wrong with one.

use chrono::NaiveDate;
use uuid::Uuid;

use super::columns::{Column, Columns};
use crate::assess::AssessError;
use crate::intake::SkippedSheet;
use crate::ledger::LedgerError;
use crate::platform::vault::VaultError;
use crate::platform::{DbError, ErrorKind, Lang, UserError, i18n};

/// The most rows of one list.
pub const ROWS_MOST: usize = 20_000;
/// The longest title or issuer, characters.
pub const TITLE_MOST: usize = 120;
/// The ledger of the policy profile that problem lists open items of (问题整改).
pub const LEDGER: &str = "problem_rectification";

/// Where a list of problems comes from (问题来源).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 专项巡视“回头看”.
    Inspection,
    /// 成效考核.
    Effectiveness,
    /// 年初问题排查.
    Survey,
    /// 审计.
    Audit,
    /// 信访.
    Petition,
    /// 数据比对.
    Comparison,
    /// 督战.
    Dispatch,
    /// 自查.
    SelfCheck,
    /// 其他检查.
    Other,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Inspection,
        Self::Effectiveness,
        Self::Survey,
        Self::Audit,
        Self::Petition,
        Self::Comparison,
        Self::Dispatch,
        Self::SelfCheck,
        Self::Other,
    ];

    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inspection => "inspection",
            Self::Effectiveness => "effectiveness",
            Self::Survey => "survey",
            Self::Audit => "audit",
            Self::Petition => "petition",
            Self::Comparison => "comparison",
            Self::Dispatch => "dispatch",
            Self::SelfCheck => "self_check",
            Self::Other => "other",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind that a cell or title names, by the words that are used for it.
    pub fn in_text(text: &str) -> Option<Self> {
        const WORDS: [(&str, Kind); 14] = [
            ("巡视", Kind::Inspection),
            ("巡察", Kind::Inspection),
            ("回头看", Kind::Inspection),
            ("考核", Kind::Effectiveness),
            ("审计", Kind::Audit),
            ("信访", Kind::Petition),
            ("12317", Kind::Petition),
            ("比对", Kind::Comparison),
            ("督战", Kind::Dispatch),
            ("督查", Kind::Dispatch),
            ("督导", Kind::Dispatch),
            ("自查", Kind::SelfCheck),
            ("排查", Kind::Survey),
            ("其他", Kind::Other),
        ];
        WORDS.iter().find(|(word, _)| text.contains(word)).map(|(_, kind)| *kind)
    }
}

/// What is said of a list beside its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct About {
    /// Where the problems come from; as the title says if none.
    pub kind: Option<Kind>,
    /// What the list is called; the file's name if empty. A list of the same title is a newer version.
    pub title: String,
    /// Who handed it down (下发单位).
    pub issuer: String,
    /// When; as the file says, else today.
    pub issued_on: Option<NaiveDate>,
    /// Division of rows that name no place; the reader's own if empty.
    pub division: String,
}

/// A row that can be taken.
#[derive(Debug, Clone)]
pub struct Row {
    /// Sheet; empty for CSV.
    pub sheet: String,
    /// Line from 1.
    pub line: i64,
    /// 序号.
    pub serial: String,
    /// Where it comes from.
    pub kind: Kind,
    /// ISO day.
    pub found_on: String,
    /// Where it lies.
    pub division: String,
    /// Registered households that it is about.
    pub households: Vec<Home>,
    /// Who it is about where no registered household answers to that.
    pub head: String,
    /// 类别.
    pub category: String,
    /// What is wrong, numbers of persons masked.
    pub description: String,
    /// The same as it came, where something was masked.
    pub original: Option<String>,
    /// Level of the profile.
    pub level: &'static str,
    /// 整改措施.
    pub requirement: String,
    /// 牵头单位.
    pub lead_unit: String,
    /// 责任单位.
    pub owner_unit: String,
    /// 责任人.
    pub owner_name: String,
    /// Deadline, where the row names a day.
    pub due: Option<NaiveDate>,
    /// 整改时限 as written.
    pub due_text: String,
    /// 整改情况 as written.
    pub answer: String,
}

/// A household that a row is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// Which.
    pub id: Uuid,
    /// Where it is registered.
    pub division: String,
}

/// A row that cannot be taken, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Held {
    /// Sheet; empty for CSV.
    pub sheet: String,
    /// Line from 1.
    pub line: i64,
    /// Header as the file has it.
    pub column: String,
    /// The value, masked.
    pub value: String,
    /// What is wrong and what would be right: the text `problem-held-…`.
    pub why: String,
    /// What that text asks for.
    pub detail: String,
}

impl Held {
    /// Why, in a language.
    pub fn reason(&self, lang: Lang) -> String {
        i18n::text_with(lang, &format!("problem-held-{}", self.why), &[("detail", self.detail.clone())])
    }
}

/// A list as it would be taken.
#[derive(Debug)]
pub struct Looked {
    /// What is said of it, nothing left open.
    pub about: About,
    /// Columns of its first table.
    pub columns: Columns,
    /// Rows that can be taken.
    pub rows: Vec<Row>,
    /// Rows that cannot.
    pub held: Vec<Held>,
    /// Sheets that were left out.
    pub skipped: Vec<SkippedSheet>,
}

/// What became of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Received {
    /// The document.
    pub document: Uuid,
    /// Rows read or held.
    pub total: u64,
    /// Rows held.
    pub held: u64,
    /// Rows that opened items.
    pub new: u64,
    /// Rows known before that say something else now.
    pub revised: u64,
    /// Rows known and unchanged.
    pub same: u64,
    /// Items opened.
    pub items: u64,
    /// Items that may be about a problem already on the books.
    pub proposed: u64,
}

/// Why a list is not taken, or a pair not decided.
#[derive(Debug, thiserror::Error)]
pub enum ProblemError {
    /// The file cannot be read as a table.
    #[error("{text}")]
    File {
        /// Of the reader's error.
        code: &'static str,
        /// The reader's words, Chinese.
        text_zh: String,
        /// And English.
        text: String,
    },
    /// The file has no column that says what the problem is.
    #[error("{file} has no column {missing}")]
    MissingColumn {
        /// The file.
        file: String,
        /// What is missing.
        missing: String,
        /// Headers that were found.
        found: String,
    },
    /// Too many rows.
    #[error("{file} has more than {most} rows")]
    TooMany {
        /// The file.
        file: String,
        /// The most.
        most: usize,
    },
    /// Nobody says where the problems come from.
    #[error("the source of the problems is not said")]
    NoKind,
    /// A title or issuer is too long.
    #[error("a title has at most {most} characters")]
    Long {
        /// Characters.
        most: usize,
    },
    /// The day is none, or one to come.
    #[error("{0} is no day on which a list can have come")]
    Day(String),
    /// The policy in force has no such ledger.
    #[error("profile {profile} has no ledger problem_rectification")]
    NoLedger {
        /// Profile and version.
        profile: String,
    },
    /// The uploaded file is not there any more.
    #[error("the uploaded file is gone")]
    UploadGone,
    /// No such list or pair, or not for this person.
    #[error("not found")]
    NotFound,
    /// The pair was decided before.
    #[error("decided by {who}")]
    Decided {
        /// Who.
        who: String,
    },
    /// The person may not.
    #[error("forbidden")]
    Forbidden,
    /// The data folder does not take the file.
    #[error("{0}")]
    Broken(String),
    /// An item.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The profile.
    #[error(transparent)]
    Profile(#[from] AssessError),
    /// The data folder's keys.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl UserError for ProblemError {
    fn code(&self) -> &'static str {
        match self {
            Self::File { code, .. } => code,
            Self::MissingColumn { .. } => "problem.missing_column",
            Self::TooMany { .. } => "problem.too_many",
            Self::NoKind => "problem.no_kind",
            Self::Long { .. } => "problem.long",
            Self::Day(_) => "problem.day",
            Self::NoLedger { .. } => "problem.no_ledger",
            Self::UploadGone => "problem.upload_gone",
            Self::NotFound => "problem.not_found",
            Self::Decided { .. } => "problem.decided",
            Self::Forbidden => "problem.forbidden",
            Self::Broken(_) => "problem.broken",
            Self::Ledger(inner) => inner.code(),
            Self::Profile(inner) => inner.code(),
            Self::Vault(_) => "problem.vault",
            Self::Db(inner) => inner.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Forbidden => ErrorKind::Forbidden,
            Self::Decided { .. } | Self::UploadGone => ErrorKind::Conflict,
            Self::Broken(_) | Self::Vault(_) => ErrorKind::Internal,
            Self::Ledger(inner) => inner.kind(),
            Self::Profile(inner) => inner.kind(),
            Self::Db(inner) => inner.kind(),
            _ => ErrorKind::Invalid,
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::MissingColumn { file, missing, found } => {
                vec![("file", file.clone()), ("missing", missing.clone()), ("found", found.clone())]
            }
            Self::TooMany { file, most } => vec![("file", file.clone()), ("most", most.to_string())],
            Self::Long { most } => vec![("most", most.to_string())],
            Self::Day(day) => vec![("day", day.clone())],
            Self::NoLedger { profile } => vec![("profile", profile.clone())],
            Self::Decided { who } => vec![("who", who.clone())],
            Self::Broken(why) => vec![("why", why.clone())],
            Self::Vault(why) => vec![("why", why.to_string())],
            Self::Ledger(inner) => inner.args(),
            Self::Profile(inner) => inner.args(),
            Self::Db(inner) => inner.args(),
            _ => Vec::new(),
        }
    }

    fn message(&self, lang: Lang) -> String {
        match self {
            Self::File { text_zh, text, .. } => match lang {
                Lang::Zh => text_zh.clone(),
                Lang::En => text.clone(),
            },
            Self::Ledger(inner) => inner.message(lang),
            Self::Profile(inner) => inner.message(lang),
            Self::Db(inner) => inner.message(lang),
            other => i18n::text_with(lang, &format!("error-{}", other.code().replace(['.', '_'], "-")), &other.args()),
        }
    }
}

/// The words for a row that is held: column, value and reason.
pub(super) struct Fault {
    pub(super) column: Column,
    pub(super) value: String,
    pub(super) why: &'static str,
    pub(super) detail: String,
}

impl Fault {
    pub(super) fn new(column: Column, value: &str, why: &'static str, detail: impl Into<String>) -> Self {
        let value = crate::intake::masked(value, true).chars().take(60).collect();
        Self { column, value, why, detail: detail.into() }
    }
}
