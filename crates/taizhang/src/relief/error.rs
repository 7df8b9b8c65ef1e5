//! What stands against a step, in words.

use crate::assess::AssessError;
use crate::platform::{DbError, ErrorKind, Lang, UserError, i18n};
use crate::register::RegisterError;

/// One field that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Name of the field in the form.
    pub field: &'static str,
    /// Text key of what is wrong: `relief-fault-…`.
    pub key: &'static str,
    /// What would be right, or with what it collides.
    pub expected: String,
}

impl Fault {
    pub(super) fn new(field: &'static str, key: &'static str, expected: impl Into<String>) -> Self {
        Self { field, key, expected: expected.into() }
    }

    /// What is wrong, in the reader's language.
    pub fn message(&self, lang: Lang) -> String {
        i18n::text_with(lang, self.key, &[("expected", self.expected.clone())])
    }
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum ReliefError {
    /// The actor may not.
    #[error("not permitted")]
    Forbidden,
    /// No such thing, or not for this actor.
    #[error("not found")]
    NotFound,
    /// Fields that do not fit; all of them.
    #[error("{} fields do not fit", .0.len())]
    Fields(Vec<Fault>),
    /// Where the request stands does not allow it.
    #[error("{number} does not stand where this is possible")]
    State {
        /// Number of the request.
        number: String,
    },
    /// It takes another person: stable code of which rule says so.
    #[error("another person has to do it ({0})")]
    Person(&'static str),
    /// The amount is the county's to decide.
    #[error("beyond what a township decides")]
    County,
    /// Somebody changed it since the form was shown.
    #[error("changed by {who} meanwhile")]
    Stale {
        /// Who.
        who: String,
    },
    /// The same form was sent before, with other words.
    #[error("the form was already used")]
    Resent,
    /// No purpose for an export, or too long a one.
    #[error("the purpose does not fit")]
    Purpose,
    /// A file cannot be made.
    #[error("the file cannot be made: {0}")]
    Made(#[from] rust_xlsxwriter::XlsxError),
    /// The policy profile.
    #[error(transparent)]
    Assess(#[from] AssessError),
    /// The register.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl ReliefError {
    pub(super) fn field(field: &'static str, key: &'static str, expected: impl Into<String>) -> Self {
        Self::Fields(vec![Fault::new(field, key, expected)])
    }
}

impl UserError for ReliefError {
    fn code(&self) -> &'static str {
        match self {
            Self::Forbidden => "relief.forbidden",
            Self::NotFound => "relief.not_found",
            Self::Fields(_) => "relief.fields",
            Self::State { .. } => "relief.state",
            Self::Person(code) => code,
            Self::County => "relief.county",
            Self::Stale { .. } => "relief.stale",
            Self::Resent => "relief.resent",
            Self::Purpose => "relief.purpose",
            Self::Made(_) => "relief.made",
            Self::Assess(inner) => inner.code(),
            Self::Register(inner) => inner.code(),
            Self::Db(inner) => inner.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Forbidden => ErrorKind::Forbidden,
            Self::NotFound => ErrorKind::NotFound,
            Self::Fields(_) | Self::Purpose => ErrorKind::Invalid,
            Self::State { .. } | Self::Person(_) | Self::County | Self::Stale { .. } | Self::Resent => {
                ErrorKind::Conflict
            }
            Self::Made(_) => ErrorKind::Internal,
            Self::Assess(inner) => inner.kind(),
            Self::Register(inner) => inner.kind(),
            Self::Db(inner) => inner.kind(),
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Fields(all) => vec![("count", all.len().to_string())],
            Self::State { number } => vec![("number", number.clone())],
            Self::Stale { who } => vec![("who", who.clone())],
            Self::Made(why) => vec![("why", why.to_string())],
            Self::Assess(inner) => inner.args(),
            Self::Register(inner) => inner.args(),
            Self::Db(inner) => inner.args(),
            _ => Vec::new(),
        }
    }

    fn message(&self, lang: Lang) -> String {
        match self {
            Self::Assess(inner) => inner.message(lang),
            Self::Register(inner) => inner.message(lang),
            Self::Db(inner) => inner.message(lang),
            Self::Fields(all) => {
                let head = i18n::text_with(lang, "error-relief-fields", &self.args());
                let lines: Vec<String> = all
                    .iter()
                    .map(|fault| {
                        let field = i18n::text(lang, &format!("relief-field-{}", fault.field));
                        format!("\n  {field}{}{}", i18n::text(lang, "colon"), fault.message(lang))
                    })
                    .collect();
                format!("{head}{}", lines.concat())
            }
            other => i18n::text_with(lang, &format!("error-{}", other.code().replace('.', "-")), &other.args()),
        }
    }
}
