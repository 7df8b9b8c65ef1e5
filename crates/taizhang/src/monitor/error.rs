//! What stands against a step, in words.

use crate::assess::AssessError;
use crate::assess::profile::Words;
use crate::platform::vault::VaultError;
use crate::platform::{DbError, ErrorKind, Lang, UserError, clock, i18n};
use crate::register::RegisterError;

/// A value in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// As it is.
    Text(String),
    /// Of the policy profile.
    Words(Words),
    /// The text of a key.
    Key(String),
}

impl Said {
    fn get(&self, lang: Lang) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Words(words) => words.get(lang).to_owned(),
            Self::Key(key) => i18n::text(lang, key),
        }
    }
}

/// Why the rules of a case refuse a step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}")]
pub struct Refusal {
    /// Stable code; its text is `error-` and the code.
    pub code: &'static str,
    /// What sort of refusal it is.
    pub kind: ErrorKind,
    /// Values of the text.
    pub args: Vec<(&'static str, Said)>,
}

impl Refusal {
    /// What was given does not do.
    pub fn invalid(code: &'static str, args: Vec<(&'static str, Said)>) -> Self {
        Self { code, kind: ErrorKind::Invalid, args }
    }

    /// Where the case stands does not allow it.
    pub fn conflict(code: &'static str, args: Vec<(&'static str, Said)>) -> Self {
        Self { code, kind: ErrorKind::Conflict, args }
    }

    /// The person may not.
    pub fn forbidden(code: &'static str, args: Vec<(&'static str, Said)>) -> Self {
        Self { code, kind: ErrorKind::Forbidden, args }
    }

    /// There is no such thing.
    pub fn missing(code: &'static str) -> Self {
        Self { code, kind: ErrorKind::NotFound, args: Vec::new() }
    }
}

/// Why something was not done to a case.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// No such case, or not for this person.
    #[error("no such case")]
    NotFound,
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Somebody changed the case since the form was shown.
    #[error("{number} was changed by {who}")]
    Stale {
        /// Number of the case.
        number: String,
        /// Who changed it; empty for the system.
        who: String,
        /// When, milliseconds.
        at: i64,
    },
    /// The form was sent before, and with other words.
    #[error("{number}: the form was already used")]
    Resent {
        /// Number of the case.
        number: String,
        /// Who used it.
        who: String,
        /// When, milliseconds.
        at: i64,
    },
    /// The file cannot be made.
    #[error("the file cannot be made: {0}")]
    Sheet(#[from] rust_xlsxwriter::XlsxError),
    /// The policy profile.
    #[error(transparent)]
    Profile(#[from] AssessError),
    /// The register.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The secrets.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl UserError for MonitorError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "monitor.not_found",
            Self::Refused(refusal) => refusal.code,
            Self::Stale { .. } => "monitor.stale",
            Self::Resent { .. } => "monitor.resent",
            Self::Sheet(_) => "monitor.sheet",
            Self::Profile(inner) => inner.code(),
            Self::Register(inner) => inner.code(),
            Self::Vault(_) => "monitor.vault",
            Self::Db(inner) => inner.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Refused(refusal) => refusal.kind,
            Self::Stale { .. } | Self::Resent { .. } => ErrorKind::Conflict,
            Self::Sheet(_) | Self::Vault(_) => ErrorKind::Internal,
            Self::Profile(inner) => inner.kind(),
            Self::Register(inner) => inner.kind(),
            Self::Db(inner) => inner.kind(),
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        self.args_in(Lang::En)
    }

    fn message(&self, lang: Lang) -> String {
        match self {
            Self::Profile(inner) => inner.message(lang),
            Self::Register(inner) => inner.message(lang),
            Self::Db(inner) => inner.message(lang),
            other => i18n::text_with(lang, &format!("error-{}", other.code().replace('.', "-")), &other.args_in(lang)),
        }
    }
}

impl MonitorError {
    fn args_in(&self, lang: Lang) -> Vec<(&'static str, String)> {
        match self {
            Self::Refused(refusal) => refusal.args.iter().map(|(name, said)| (*name, said.get(lang))).collect(),
            Self::Stale { number, who, at } | Self::Resent { number, who, at } => vec![
                ("number", number.clone()),
                ("who", if who.is_empty() { i18n::text(lang, "monitor-system") } else { who.clone() }),
                ("at", clock::local(*at).format("%Y-%m-%d %H:%M").to_string()),
            ],
            Self::Sheet(why) => vec![("why", why.to_string())],
            Self::Vault(why) => vec![("why", why.to_string())],
            Self::Profile(inner) => inner.args(),
            Self::Register(inner) => inner.args(),
            Self::Db(inner) => inner.args(),
            Self::NotFound => Vec::new(),
        }
    }
}
