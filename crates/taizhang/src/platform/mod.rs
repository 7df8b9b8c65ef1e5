//! What every feature stands on and what knows no domain: database, secrets, clock, identifiers, languages, jobs.

pub mod app;
pub mod background;
pub mod clock;
pub mod db;
pub mod error;
pub mod files;
pub mod i18n;
pub mod ids;
pub mod jobs;
pub mod seen;
pub mod settings;
pub mod vault;

pub use app::App;
pub use clock::Clock;
pub use db::{Db, DbError, Reader, Tx, Value};
pub use error::{ErrorKind, UserError};
pub use i18n::Lang;
pub use vault::Vault;
