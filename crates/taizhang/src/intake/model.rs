//! What an import is asked for, what it says, and what it fails with.

use chrono::NaiveDate;
use uuid::Uuid;

use super::fields::Kind;
use super::reader::{ReadError, SkipReason, SkippedSheet};
use super::table::Mapping;
use crate::platform::vault::VaultError;
use crate::platform::{DbError, ErrorKind, Lang, UserError, i18n};

/// How a file is to be brought in.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct ImportOptions {
    /// What it holds; found from the headers if none.
    pub kind: Option<Kind>,
    /// The day it speaks of; from the file, its name, else today.
    pub as_of: Option<NaiveDate>,
    /// The reporting unit (填报单位); from the file if empty.
    pub source_unit: String,
    /// What it is brought in for.
    pub purpose: String,
    /// Name as the user knows it; the path's if empty.
    pub file_name: String,
    /// An import that was staged before; a new one if none.
    pub id: Option<Uuid>,
    /// Leave the register-wide rules to the caller, who brings in several files.
    pub register_rules_later: bool,
}

/// What a file looks like before it is brought in.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Preview {
    /// Name.
    pub file_name: String,
    /// What it holds.
    pub kind: Kind,
    /// Encoding or format.
    pub encoding: String,
    /// The day it speaks of.
    pub as_of: NaiveDate,
    /// The reporting unit, where the file names it.
    pub source_unit: String,
    /// Columns found, missing, extra.
    pub mapping: Mapping,
    /// Headers in the file's order.
    pub headers: Vec<String>,
    /// The first rows, personal numbers masked.
    pub rows: Vec<Vec<String>>,
    /// Sheets that are read, of a workbook.
    pub sheets: Vec<String>,
    /// Sheets that are not read, with the reasons.
    pub skipped_sheets: Vec<SkippedSheet>,
    /// Cells with formulas, of which the stored value is taken.
    pub formulas: u64,
}

/// What an import did.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct ImportReport {
    /// The import.
    pub id: Uuid,
    /// What it held.
    pub kind: String,
    /// Name.
    pub file_name: String,
    /// The day it speaks of.
    pub as_of: String,
    /// Rows of data.
    pub rows_total: i64,
    /// Rows held back by an error.
    pub rows_held: i64,
    /// Rows let in with a doubt.
    pub rows_doubtful: i64,
    /// Records new to the register.
    pub rows_new: i64,
    /// Records that became a new version.
    pub rows_changed: i64,
    /// Records that the register already held.
    pub rows_same: i64,
    /// Hits by rule: rule, severity, hits.
    pub rules: Vec<(String, String, i64)>,
    /// The import of the same bytes that was already in: nothing was done.
    pub already: Option<Uuid>,
    /// Sheets that were not read, with the reasons.
    #[serde(default)]
    pub skipped_sheets: Vec<SkippedSheet>,
    /// Cells with formulas, of which the stored value was taken.
    pub formulas: u64,
}

impl SkippedSheet {
    /// That and why the sheet is not read, for a person.
    pub fn text(&self, lang: Lang) -> String {
        let (key, detail) = match self.why {
            SkipReason::Hidden => ("hidden", String::new()),
            SkipReason::Unreadable => ("unreadable", String::new()),
            SkipReason::Empty => ("empty", String::new()),
            SkipReason::NoHeader => ("no-header", String::new()),
            SkipReason::OtherKind => ("other-kind", i18n::text(lang, &format!("intake-kind-{}", self.detail))),
            SkipReason::MissingColumns => ("missing-columns", self.detail.clone()),
        };
        i18n::text_with(lang, &format!("intake-skipped-{key}"), &[("name", self.sheet.clone()), ("detail", detail)])
    }
}

/// Why a file cannot be brought in at all. What is wrong with single rows is no error but an issue.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The file cannot be read as a table.
    #[error("{file}: {source}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: ReadError,
    },
    /// No header row of any kind was found.
    #[error("{file}: no known header row")]
    NoHeader {
        /// The file.
        file: String,
    },
    /// Required columns are missing.
    #[error("{file}: missing columns {missing}")]
    MissingColumns {
        /// The file.
        file: String,
        /// The kind it was taken for.
        kind: Kind,
        /// Standard headers.
        missing: String,
        /// Headers found that mean nothing to us.
        extra: String,
    },
    /// It is the list of an agency, which is held against the register and not brought into it.
    #[error("{file}: this is a list for compare ({list})")]
    AgencyList {
        /// The file.
        file: String,
        /// The kind of list.
        list: &'static str,
    },
    /// The day that a file is said to speak of is after today, or before 1949.
    #[error("{file}: the day {day} cannot be (today is {today})")]
    Day {
        /// The file.
        file: String,
        /// The day.
        day: NaiveDate,
        /// Today.
        today: NaiveDate,
    },
    /// What a form gives as a day is none.
    #[error("{value} is not a day")]
    NotADay {
        /// What was given.
        value: String,
    },
    /// What a form gives as a kind is none.
    #[error("there is no kind {name}")]
    UnknownKind {
        /// What was given.
        name: String,
    },
    /// The workbook of doubts would overwrite a file.
    #[error("{path} exists")]
    BookExists {
        /// Its path.
        path: String,
    },
    /// Two columns carry the same header.
    #[error("{file}: two columns {headers}")]
    DuplicatedHeaders {
        /// The file.
        file: String,
        /// The headers.
        headers: String,
    },
    /// A column holds what belongs under another header.
    #[error("{file}: column {column} does not hold {expected}")]
    SwappedColumns {
        /// The file.
        file: String,
        /// Its header.
        column: String,
        /// Example, masked.
        value: String,
        /// Line of the example.
        line: u64,
        /// What was expected.
        expected: &'static str,
    },
    /// There is no division in the register yet.
    #[error("no divisions: bring in the divisions first")]
    NoDivisions,
    /// The file changed between the two readings.
    #[error("{file} changed while it was read")]
    Changed {
        /// The file.
        file: String,
    },
    /// Another import was committed between the reading of this one and its writing.
    #[error("{file}: another import came first")]
    Overtaken {
        /// The file.
        file: String,
    },
    /// Somebody cancelled.
    #[error("cancelled")]
    Cancelled,
    /// Personal numbers are asked for without a reason.
    #[error("a reason is needed")]
    Reason,
    /// The purpose or the reason is longer than anybody reads.
    #[error("the purpose is too long")]
    PurposeLong,
    /// The actor may not.
    #[error("not allowed")]
    Forbidden,
    /// No such import, or not theirs.
    #[error("no such import")]
    NotFound,
    /// It is no longer waiting to be confirmed.
    #[error("the import is not waiting any more")]
    NotStaged,
    /// The copy or the workbook cannot be written.
    #[error("{0}")]
    File(String),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The key.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl From<ReadError> for IntakeError {
    fn from(source: ReadError) -> Self {
        Self::Read { file: String::new(), source }
    }
}

impl IntakeError {
    /// The same with the name of the file, where it lacks one.
    #[must_use]
    pub fn in_file(self, name: &str) -> Self {
        match self {
            Self::Read { file, source } if file.is_empty() => Self::Read { file: name.to_owned(), source },
            Self::NoHeader { file } if file.is_empty() => Self::NoHeader { file: name.to_owned() },
            other => other,
        }
    }
}

impl UserError for IntakeError {
    fn code(&self) -> &'static str {
        match self {
            Self::Read { source, .. } => source.code(),
            Self::NoHeader { .. } => "intake.no_header",
            Self::MissingColumns { .. } => "intake.missing_columns",
            Self::AgencyList { .. } => "intake.agency_list",
            Self::Day { .. } => "intake.day",
            Self::NotADay { .. } => "intake.not_a_day",
            Self::UnknownKind { .. } => "intake.unknown_kind",
            Self::BookExists { .. } => "intake.book_exists",
            Self::DuplicatedHeaders { .. } => "intake.duplicated_headers",
            Self::SwappedColumns { .. } => "intake.swapped_columns",
            Self::NoDivisions => "intake.no_divisions",
            Self::Changed { .. } => "intake.changed",
            Self::Overtaken { .. } => "intake.overtaken",
            Self::Cancelled => "intake.cancelled",
            Self::Reason => "intake.reason",
            Self::PurposeLong => "intake.purpose_long",
            Self::Forbidden => "intake.forbidden",
            Self::NotFound => "intake.not_found",
            Self::NotStaged => "intake.not_staged",
            Self::File(_) => "intake.file",
            Self::Db(inner) => inner.code(),
            Self::Vault(_) => "open.key",
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Forbidden => ErrorKind::Forbidden,
            Self::NotFound => ErrorKind::NotFound,
            Self::NotStaged | Self::Changed { .. } | Self::Overtaken { .. } | Self::Cancelled => ErrorKind::Conflict,
            Self::Db(inner) => inner.kind(),
            Self::Vault(_) => ErrorKind::Internal,
            _ => ErrorKind::Invalid,
        }
    }

    fn message(&self, lang: Lang) -> String {
        let named = match self {
            Self::MissingColumns { kind, .. } => Some(("kind", format!("intake-kind-{}", kind.name()))),
            Self::AgencyList { list, .. } => Some(("list", format!("compare-source-{}", list.replace('.', "-")))),
            _ => None,
        };
        let mut args = self.args();
        if let Some((name, key)) = named {
            args.retain(|(arg, _)| *arg != name);
            args.push((name, i18n::text(lang, &key)));
        }
        i18n::text_with(lang, &format!("error-{}", self.code().replace('.', "-")), &args)
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::PurposeLong => vec![("most", crate::access::reveal::REASON_MOST.to_string())],
            Self::Read { file, source } => {
                let mut args = source.args();
                args.push(("file", file.clone()));
                args
            }
            Self::NoHeader { file } | Self::Changed { file } | Self::Overtaken { file } => vec![("file", file.clone())],
            Self::MissingColumns { file, kind, missing, extra } => vec![
                ("file", file.clone()),
                ("kind", kind.name().to_owned()),
                ("missing", missing.clone()),
                ("extra", if extra.is_empty() { "—".to_owned() } else { extra.clone() }),
            ],
            Self::AgencyList { file, list } => {
                vec![("file", file.clone()), ("list", (*list).to_owned())]
            }
            Self::Day { file, day, today } => {
                vec![("file", file.clone()), ("day", day.to_string()), ("today", today.to_string())]
            }
            Self::NotADay { value } => vec![("value", value.clone())],
            Self::UnknownKind { name } => {
                vec![("name", name.clone()), ("kinds", Kind::ALL.map(Kind::name).join(", "))]
            }
            Self::BookExists { path } => vec![("path", path.clone())],
            Self::DuplicatedHeaders { file, headers } => {
                vec![("file", file.clone()), ("headers", headers.clone())]
            }
            Self::SwappedColumns { file, column, value, line, expected } => vec![
                ("file", file.clone()),
                ("column", column.clone()),
                ("value", value.clone()),
                ("line", line.to_string()),
                ("expected", (*expected).to_owned()),
            ],
            Self::File(why) => vec![("why", why.clone())],
            Self::Db(inner) => inner.args(),
            Self::Vault(inner) => vec![("why", inner.to_string())],
            _ => Vec::new(),
        }
    }
}
