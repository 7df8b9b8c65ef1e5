//! What a running Taizhang is made of, handed to every operation.

use std::path::{Path, PathBuf};

use super::background::Background;
use super::jobs::Running;
use super::seen::Seen;
use super::vault::{KEY_FILE, VaultError};
use super::{Clock, Db, DbError, Vault, files, settings};

/// The setting that only the key of this installation opens.
const PROOF: &str = "vault.proof";

/// Database, secrets, clock, data folder, and what only this process knows. Cheap to clone.
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
    /// The jobs that this process runs.
    pub jobs: Running,
    /// When sessions were last used, as far as it is not yet written down.
    pub seen: Seen,
    /// Checks that run beside the requests.
    pub background: Background,
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
    /// There is a database and no key for it.
    #[error("{0} is missing")]
    KeyMissing(String),
    /// The key is not the one that the database was written with.
    #[error("{0} is the key of another installation")]
    KeyOther(String),
}

impl super::UserError for OpenError {
    fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "open.folder",
            Self::Db(inner) => inner.code(),
            Self::Vault(_) => "open.key",
            Self::KeyMissing(_) => "open.key_missing",
            Self::KeyOther(_) => "open.key_other",
        }
    }

    fn kind(&self) -> super::ErrorKind {
        match self {
            Self::Db(inner) => inner.kind(),
            Self::Folder { .. } | Self::Vault(_) => super::ErrorKind::Invalid,
            Self::KeyMissing(_) | Self::KeyOther(_) => super::ErrorKind::Conflict,
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Folder { path, source } => {
                vec![("path", path.clone()), ("why", source.to_string())]
            }
            Self::Db(inner) => inner.args(),
            Self::Vault(inner) => vec![("why", inner.to_string())],
            Self::KeyMissing(path) | Self::KeyOther(path) => vec![("path", path.clone())],
        }
    }
}

impl App {
    /// Opens the installation in `folder`, making what is missing; `database` is `postgres://…` or none for SQLite.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(folder: &Path, database: Option<&str>, clock: Clock) -> Result<Self, OpenError> {
        Db::check_address(database)?;
        files::make_folder(folder)
            .map_err(|source| OpenError::Folder { path: folder.display().to_string(), source })?;
        let key = folder.join(KEY_FILE);
        let mut known = Vault::read(folder)?;
        if known.is_none() && database.is_none() {
            // A new key for a database that has one already would lock its fields for good.
            if folder.join(super::db::SQLITE_FILE).exists() {
                return Err(OpenError::KeyMissing(key.display().to_string()));
            }
            known = Some(Vault::open(folder)?);
        }
        let db = Db::open(database, folder).await?;
        let proof = settings::get(&db, PROOF).await?;
        let vault = match known {
            Some(vault) => vault,
            None if proof.is_some() => return Err(OpenError::KeyMissing(key.display().to_string())),
            None => Vault::open(folder)?,
        };
        match proof {
            Some(proof) if proves(&vault, &proof) => {}
            Some(_) => return Err(OpenError::KeyOther(key.display().to_string())),
            None => {
                let sealed = serde_json::json!(super::ids::hex(&vault.seal(PROOF, b"taizhang")?));
                let now = clock.now_ms();
                db.write::<(), DbError, _>(move |tx| {
                    Box::pin(async move { settings::set(tx, PROOF, &sealed, now).await })
                })
                .await?;
            }
        }
        Ok(Self {
            db,
            vault,
            clock,
            folder: folder.to_owned(),
            jobs: Running::default(),
            seen: Seen::default(),
            background: Background::default(),
        })
    }

    /// Whether the key of a data folder is the one that a database was written with; none if the database does not say.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn key_fits(db: &Db, vault: &Vault) -> Result<Option<bool>, DbError> {
        Ok(settings::get(db, PROOF).await?.map(|proof| proves(vault, &proof)))
    }

    /// A sub-folder of the data folder, made where it is missing.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn sub_folder(&self, name: &str) -> std::io::Result<PathBuf> {
        let path = self.folder.join(name);
        files::make_folder(&path)?;
        Ok(path)
    }
}

/// Whether a vault opens what the vault of the installation has sealed.
fn proves(vault: &Vault, proof: &serde_json::Value) -> bool {
    proof.as_str().and_then(super::ids::unhex).is_some_and(|sealed| vault.open_sealed(PROOF, &sealed).is_ok())
}
