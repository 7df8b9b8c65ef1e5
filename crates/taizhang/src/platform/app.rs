//! What a running Taizhang is made of, handed to every operation.

use std::path::{Path, PathBuf};

use super::{Clock, Db, DbError, Vault};
use crate::platform::vault::VaultError;

/// Database, secrets, clock and data folder. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// The database.
    pub db: Db,
    /// Field encryption.
    pub vault: Vault,
    /// Now and today.
    pub clock: Clock,
    /// The folder that holds everything of this installation.
    pub folder: PathBuf,
}

/// Why an installation could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data folder cannot be made or read.
    #[error("data folder {path}: {source}")]
    Folder {
        /// The folder.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The key of the encrypted fields.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl super::UserError for OpenError {
    fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "open.folder",
            Self::Db(inner) => inner.code(),
            Self::Vault(_) => "open.key",
        }
    }

    fn kind(&self) -> super::ErrorKind {
        match self {
            Self::Db(inner) => inner.kind(),
            Self::Folder { .. } | Self::Vault(_) => super::ErrorKind::Invalid,
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Folder { path, source } => {
                vec![("path", path.clone()), ("why", source.to_string())]
            }
            Self::Db(inner) => inner.args(),
            Self::Vault(inner) => vec![("why", inner.to_string())],
        }
    }
}

impl App {
    /// Opens the installation in `folder`, making what is missing; `database` is `postgres://…` or none for SQLite.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(folder: &Path, database: Option<&str>, clock: Clock) -> Result<Self, OpenError> {
        std::fs::create_dir_all(folder)
            .map_err(|source| OpenError::Folder { path: folder.display().to_string(), source })?;
        let vault = Vault::open(folder)?;
        let db = Db::open(database, folder).await?;
        Ok(Self { db, vault, clock, folder: folder.to_owned() })
    }

    /// A sub-folder of the data folder, made where it is missing.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn sub_folder(&self, name: &str) -> std::io::Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }
}
