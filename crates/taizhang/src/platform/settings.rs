//! Settings of an installation, JSON by key.

use super::{Db, DbError, Tx};
use crate::args;

/// The value of a setting, if it was ever set.
///
/// # Errors
/// The database fails.
pub async fn get(db: &Db, key: &str) -> Result<Option<serde_json::Value>, DbError> {
    let row: Option<(String,)> = db.maybe("SELECT value FROM setting WHERE key = $1", args![key]).await?;
    Ok(row.and_then(|(text,)| serde_json::from_str(&text).ok()))
}

/// Sets a setting.
///
/// # Errors
/// The database fails.
pub async fn set(tx: &mut Tx, key: &str, value: &serde_json::Value, now_ms: i64) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO setting (key, value, updated_at) VALUES ($1, $2, $3)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
        args![key, value.to_string(), now_ms],
    )
    .await?;
    Ok(())
}
