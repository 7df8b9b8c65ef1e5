//! What has happened to activities, measures and practices. Each row keeps what it replaced, so that nothing is lost.

use uuid::Uuid;

use super::desk::Stamp;
use super::{TaskError, history_store};
use crate::platform::{App, Tx};

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Past {
    pub id: Uuid,
    pub seq: i64,
    pub at: i64,
    pub day: String,
    pub action: String,
    pub note: String,
    /// JSON: what was replaced.
    pub data: String,
    pub by_name: String,
}

/// A row to be written.
pub(super) struct Written<'a> {
    pub(super) event: Uuid,
    pub(super) object: Uuid,
    pub(super) division: &'a str,
    /// The version that it left.
    pub(super) seq: i64,
    pub(super) action: &'a str,
    pub(super) note: &'a str,
    pub(super) data: serde_json::Value,
    pub(super) payload: &'a str,
}

/// Whether a form was sent before: done already, or used with other words.
pub(super) async fn repeated(tx: &mut Tx, event: Uuid, payload: &str) -> Result<bool, TaskError> {
    match history_store::known(tx, event).await? {
        None => Ok(false),
        Some((known, ..)) if known == payload => Ok(true),
        Some((_, who, at)) => Err(TaskError::Resent { who, at }),
    }
}

/// Writes a row.
pub(super) async fn append(tx: &mut Tx, stamp: &Stamp<'_>, written: Written<'_>) -> Result<(), TaskError> {
    Ok(history_store::append(tx, stamp, &written).await?)
}

/// What has happened to an object, the newest first.
pub(super) async fn of(app: &App, object: Uuid) -> Result<Vec<Past>, TaskError> {
    Ok(history_store::of(&app.db, object).await?)
}
