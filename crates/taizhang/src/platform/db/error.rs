//! What a database says no with.

use crate::platform::{ErrorKind, UserError};

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A unique key already holds that value.
    #[error("already there: {0}")]
    Unique(String),
    /// No such row.
    #[error("no such row")]
    NotFound,
    /// The database address is not understood.
    #[error("database address {address}: {why}")]
    Address {
        /// The address without its password.
        address: String,
        /// What is wrong with it.
        why: String,
    },
    /// The database address names neither of the databases.
    #[error("database address {0}: expected postgres://user@host/database, or nothing for the built-in SQLite")]
    Scheme(String),
    /// Nobody answers at the database address, or it lets us not in.
    #[error("no database at {address}: {why}")]
    Unreachable {
        /// The address without its password.
        address: String,
        /// What the driver says.
        why: String,
    },
    /// A text holds the character NUL, which no text can.
    #[error("a text holds the character NUL")]
    Nul,
    /// The database is of an unsuitable version.
    #[error("{0}")]
    Version(String),
    /// The schema could not be brought up to date.
    #[error("schema: {0}")]
    Schema(sqlx::migrate::MigrateError),
    /// A newer version of the program has changed the schema.
    #[error("the schema has step {found}, this version knows {known}")]
    Newer {
        /// The step that this version does not know.
        found: i64,
        /// The last step that it knows.
        known: i64,
    },
    /// The database file is no database, or no longer a whole one.
    #[error("the database file is damaged: {0}")]
    Damaged(String),
    /// Somebody else is writing, and did not come to an end while we waited.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// Anything else that the driver says.
    #[error(transparent)]
    Driver(sqlx::Error),
    /// The writer has stopped: the process is going down.
    #[error("the database is closing")]
    Closed,
    /// The work inside a write panicked; nothing of it was kept.
    #[error("a write failed half way and was undone")]
    Undone,
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::Database(inner) if inner.is_unique_violation() => Self::Unique(inner.message().to_owned()),
            sqlx::Error::Database(inner) => match inner.code().as_deref() {
                Some(code) if is_busy(code) => Self::Busy(inner.message().to_owned()),
                Some(code) if is_damage(code) => Self::Damaged(inner.message().to_owned()),
                _ => Self::Driver(error),
            },
            sqlx::Error::PoolTimedOut => Self::Busy(error.to_string()),
            sqlx::Error::PoolClosed => Self::Closed,
            _ => Self::Driver(error),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for DbError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError::{Execute, VersionMissing, VersionTooNew};
        match error {
            VersionMissing(found) | VersionTooNew(found, _) => Self::Newer { found, known: super::newest() },
            Execute(inner) => match Self::from(inner) {
                Self::Driver(inner) => Self::Schema(Execute(inner)),
                told => told,
            },
            other => Self::Schema(other),
        }
    }
}

/// Whether a driver's code says that somebody else is at it. SQLite's codes are numbers of up to four digits with the
/// primary code in the last byte, PostgreSQL's are five characters.
fn is_busy(code: &str) -> bool {
    primary(code).is_some_and(|code| matches!(code, 5 | 6))
        || matches!(code, "40001" | "40P01" | "55P03" | "53300" | "57P03")
}

/// Whether a driver's code says that the file is not what it should be.
fn is_damage(code: &str) -> bool {
    primary(code).is_some_and(|code| matches!(code, 11 | 26)) || matches!(code, "XX001" | "XX002")
}

fn primary(code: &str) -> Option<u32> {
    Some(code).filter(|code| code.len() < 5)?.parse::<u32>().ok().map(|code| code & 0xff)
}

impl UserError for DbError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unique(_) => "database.unique",
            Self::NotFound => "database.not_found",
            Self::Address { .. } => "database.address",
            Self::Scheme(_) => "database.scheme",
            Self::Unreachable { .. } => "database.unreachable",
            Self::Nul => "database.nul",
            Self::Version(_) => "database.version",
            Self::Schema(_) => "database.schema",
            Self::Newer { .. } => "database.newer",
            Self::Damaged(_) => "database.damaged",
            Self::Busy(_) => "database.busy",
            Self::Driver(_) => "database.failed",
            Self::Closed => "database.closed",
            Self::Undone => "database.undone",
        }
    }

    fn kind(&self) -> ErrorKind {
        use ErrorKind::{Busy, Conflict, Internal, Invalid, NotFound};
        match self {
            Self::Unique(_) => Conflict,
            Self::NotFound => NotFound,
            Self::Address { .. } | Self::Scheme(_) | Self::Unreachable { .. } | Self::Version(_) | Self::Nul => Invalid,
            Self::Newer { .. } => Conflict,
            Self::Busy(_) | Self::Closed => Busy,
            Self::Damaged(_) | Self::Schema(_) | Self::Driver(_) | Self::Undone => Internal,
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Scheme(address) => vec![("address", address.clone())],
            Self::Address { address, why } | Self::Unreachable { address, why } => {
                vec![("address", address.clone()), ("why", why.clone())]
            }
            Self::Version(what) => vec![("what", what.clone())],
            Self::Schema(why) => vec![("why", why.to_string())],
            Self::Newer { found, known } => vec![("found", found.to_string()), ("known", known.to_string())],
            Self::Damaged(why) => vec![("why", why.clone())],
            _ => Vec::new(),
        }
    }
}
