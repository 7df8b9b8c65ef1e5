//! What can go wrong in supervision, in words.

use crate::assess::AssessError;
use crate::ledger::LedgerError;
use crate::platform::{DbError, ErrorKind, Lang, UserError, clock, i18n};

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum SuperviseError {
    /// It is not there, or not for this person.
    #[error("not found")]
    NotFound,
    /// The person may not.
    #[error("forbidden")]
    Forbidden,
    /// What was entered cannot be taken.
    #[error("{code}")]
    Invalid {
        /// Which entry: `supervise.…`.
        code: &'static str,
        /// What was entered, and what would be right.
        args: Vec<(&'static str, String)>,
    },
    /// Somebody changed it since the form was shown.
    #[error("changed by {who}")]
    Stale {
        /// Who changed it.
        who: String,
        /// When, milliseconds.
        at: i64,
    },
    /// The form was sent before, with other words.
    #[error("the form was already used")]
    Resent,
    /// The place is listed already.
    #[error("{place} is listed already")]
    Listed {
        /// The place.
        place: String,
    },
    /// The policy in force has no ledger of supervision findings.
    #[error("profile {profile} has no ledger supervision_finding")]
    NoLedger {
        /// Profile and version.
        profile: String,
    },
    /// An item.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The profile.
    #[error(transparent)]
    Profile(#[from] AssessError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl SuperviseError {
    pub(super) fn invalid(code: &'static str, args: &[(&'static str, &dyn std::fmt::Display)]) -> Self {
        Self::Invalid { code, args: args.iter().map(|(name, value)| (*name, value.to_string())).collect() }
    }
}

impl UserError for SuperviseError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "supervise.not_found",
            Self::Forbidden => "supervise.forbidden",
            Self::Invalid { code, .. } => code,
            Self::Stale { .. } => "supervise.stale",
            Self::Resent => "supervise.resent",
            Self::Listed { .. } => "supervise.listed",
            Self::NoLedger { .. } => "supervise.no_ledger",
            Self::Ledger(inner) => inner.code(),
            Self::Profile(inner) => inner.code(),
            Self::Db(inner) => inner.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Forbidden => ErrorKind::Forbidden,
            Self::Stale { .. } | Self::Resent | Self::Listed { .. } => ErrorKind::Conflict,
            Self::Invalid { .. } | Self::NoLedger { .. } => ErrorKind::Invalid,
            Self::Ledger(inner) => inner.kind(),
            Self::Profile(inner) => inner.kind(),
            Self::Db(inner) => inner.kind(),
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Invalid { args, .. } => args.clone(),
            Self::Stale { who, at } => {
                vec![("who", who.clone()), ("at", clock::local(*at).format("%Y-%m-%d %H:%M").to_string())]
            }
            Self::Listed { place } => vec![("place", place.clone())],
            Self::NoLedger { profile } => vec![("profile", profile.clone())],
            Self::Ledger(inner) => inner.args(),
            Self::Profile(inner) => inner.args(),
            Self::Db(inner) => inner.args(),
            _ => Vec::new(),
        }
    }

    fn message(&self, lang: Lang) -> String {
        match self {
            Self::Ledger(inner) => inner.message(lang),
            Self::Profile(inner) => inner.message(lang),
            Self::Db(inner) => inner.message(lang),
            other => i18n::text_with(lang, &format!("error-{}", other.code().replace('.', "-")), &other.args()),
        }
    }
}
