//! All SQL of the upkeep: what the installation holds, and how far its schema is.

use crate::args;
use crate::platform::{Db, DbError};

/// How much there is of the main things.
#[derive(Debug, Clone, Default, PartialEq, Eq, sqlx::FromRow, serde::Serialize, serde::Deserialize)]
pub(super) struct Counts {
    pub(super) users: i64,
    pub(super) divisions: i64,
    pub(super) households: i64,
    pub(super) persons: i64,
    pub(super) items: i64,
}

/// Counts everything: seconds at the size of a province.
pub(super) async fn counts(db: &Db) -> Result<Counts, DbError> {
    db.one(
        "SELECT (SELECT COUNT(*) FROM app_user WHERE disabled = FALSE) AS users,
                (SELECT COUNT(*) FROM division) AS divisions,
                (SELECT COUNT(*) FROM household) AS households,
                (SELECT COUNT(*) FROM person) AS persons,
                (SELECT COUNT(*) FROM item) AS items",
        args![],
    )
    .await
}

pub(super) async fn silent_jobs(db: &Db, since: i64) -> Result<i64, DbError> {
    let (count,): (i64,) =
        db.one("SELECT COUNT(*) FROM job WHERE state = 'running' AND heartbeat_at < $1", args![since]).await?;
    Ok(count)
}

pub(super) async fn migrations(db: &Db) -> Result<Vec<(i64, bool)>, DbError> {
    db.all("SELECT version, success FROM _sqlx_migrations ORDER BY version", args![]).await
}
