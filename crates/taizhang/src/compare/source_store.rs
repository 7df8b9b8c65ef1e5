//! All SQL of the sources of lists.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::sources::ListSource;
use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError, Tx};

const SOURCE: &str = "code, kind, agency, division_code, purpose, basis, schedule, scheduled_on, extent, retention_days, \
                      retention_until, contact_enc, active, received_on, version, updated_at";

/// The sources of a scope, those of the whole first.
pub(crate) async fn all(db: &Db, scope: &Scope) -> Result<Vec<ListSource>, DbError> {
    let sql = AssertSqlSafe(format!(
        "SELECT {SOURCE} FROM list_source WHERE division_code >= $1 AND division_code < $2
         ORDER BY active DESC, division_code, kind, code"
    ));
    db.all(sql, args![scope.lo(), scope.hi()]).await
}

pub(crate) async fn one(db: &Db, code: &str, scope: &Scope) -> Result<Option<ListSource>, DbError> {
    let sql = AssertSqlSafe(format!(
        "SELECT {SOURCE} FROM list_source WHERE code = $1 AND division_code >= $2 AND division_code < $3"
    ));
    db.maybe(sql, args![code, scope.lo(), scope.hi()]).await
}

/// The active source of a kind for exactly this division; of several the one added first.
pub(crate) async fn of_division(db: &Db, kind: &str, division: &str) -> Result<Option<ListSource>, DbError> {
    let sql = AssertSqlSafe(format!(
        "SELECT {SOURCE} FROM list_source WHERE kind = $1 AND division_code = $2
         ORDER BY active DESC, length(code), code LIMIT 1"
    ));
    db.maybe(sql, args![kind, division]).await
}

/// Adds a source; false where its code is taken.
pub(crate) async fn insert(tx: &mut Tx, s: &ListSource) -> Result<bool, DbError> {
    let added = tx
        .run(
            "INSERT INTO list_source (code, kind, agency, division_code, purpose, basis, schedule, scheduled_on, extent,
                 retention_days, retention_until, contact_enc, active, received_on, version, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
             ON CONFLICT (code) DO NOTHING",
            args![
                &s.code,
                &s.kind,
                &s.agency,
                &s.division_code,
                &s.purpose,
                &s.basis,
                &s.schedule,
                &s.scheduled_on,
                &s.extent,
                s.retention_days,
                &s.retention_until,
                s.contact_enc.clone(),
                s.active,
                &s.received_on,
                s.version,
                s.updated_at
            ],
        )
        .await?;
    Ok(added > 0)
}

/// Writes what was changed of a source; false where it is not the version that was read.
pub(crate) async fn update(tx: &mut Tx, s: &ListSource, read: i64) -> Result<bool, DbError> {
    let changed = tx
        .run(
            "UPDATE list_source SET agency = $2, purpose = $3, basis = $4, schedule = $5, scheduled_on = $6, extent = $7,
                 retention_days = $8, retention_until = $9, contact_enc = $10, active = $11, version = $12,
                 updated_at = $13
             WHERE code = $1 AND version = $14",
            args![
                &s.code,
                &s.agency,
                &s.purpose,
                &s.basis,
                &s.schedule,
                &s.scheduled_on,
                &s.extent,
                s.retention_days,
                &s.retention_until,
                s.contact_enc.clone(),
                s.active,
                s.version,
                s.updated_at,
                read
            ],
        )
        .await?;
    Ok(changed > 0)
}

/// Says that a file of a source came on a day.
pub(crate) async fn received(tx: &mut Tx, code: &str, day: &str) -> Result<(), DbError> {
    tx.run("UPDATE list_source SET received_on = $2 WHERE code = $1 AND received_on < $2", args![code, day]).await?;
    Ok(())
}

/// The number of a source's next version.
pub(crate) async fn next_version(tx: &mut Tx, code: &str) -> Result<i64, DbError> {
    let row: (i64,) =
        tx.one("SELECT COALESCE(MAX(list_version), 0) + 1 FROM comparison WHERE list_source = $1", args![code]).await?;
    Ok(row.0)
}

/// The latest day that a version of a source speaks of; empty if there is none.
pub(crate) async fn last_day(db: &Db, code: &str) -> Result<String, DbError> {
    let row: (String,) =
        db.one("SELECT COALESCE(MAX(as_of), '') FROM comparison WHERE list_source = $1", args![code]).await?;
    Ok(row.0)
}

/// A source's versions: the day on which each came, empty for an old one, and when it was compared.
pub(crate) async fn arrivals(tx: &mut Tx, code: &str) -> Result<Vec<(Uuid, String, i64)>, DbError> {
    tx.all("SELECT id, came_on, created_at FROM comparison WHERE list_source = $1 ORDER BY id", args![code]).await
}

/// Brings the retention day of a list forward; never back.
pub(crate) async fn keep_no_longer(tx: &mut Tx, comparison: Uuid, until: &str) -> Result<(), DbError> {
    tx.run(
        "UPDATE comparison SET retention_until = $2 WHERE id = $1 AND retention_until > $2",
        args![comparison, until],
    )
    .await?;
    Ok(())
}

/// One version of a source.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Version {
    pub(crate) id: Uuid,
    pub(crate) list_version: i64,
    pub(crate) file_name: String,
    pub(crate) sha256: String,
    pub(crate) as_of: String,
    pub(crate) created_at: i64,
    pub(crate) rows_total: i64,
    pub(crate) rows_new: i64,
    pub(crate) rows_revised: i64,
    pub(crate) rows_same: i64,
    pub(crate) rows_gone: i64,
    pub(crate) rows_held: i64,
}

/// The versions of a source, the newest first.
pub(crate) async fn versions(db: &Db, code: &str, limit: i64) -> Result<Vec<Version>, DbError> {
    db.all(
        "SELECT id, list_version, file_name, sha256, as_of, created_at, rows_total, rows_new, rows_revised, rows_same,
                rows_gone, rows_held
         FROM comparison WHERE list_source = $1 ORDER BY list_version DESC, id DESC LIMIT $2",
        args![code, limit],
    )
    .await
}

/// The last version of each source of a scope.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Last {
    pub(crate) list_source: String,
    pub(crate) list_version: i64,
    pub(crate) as_of: String,
}

pub(crate) async fn last_versions(db: &Db, scope: &Scope) -> Result<Vec<Last>, DbError> {
    db.all(
        "SELECT c.list_source, MAX(c.list_version) AS list_version, MAX(c.as_of) AS as_of
         FROM comparison c JOIN list_source s ON s.code = c.list_source
         WHERE s.division_code >= $1 AND s.division_code < $2 GROUP BY c.list_source",
        args![scope.lo(), scope.hi()],
    )
    .await
}

/// Rows of a source that are held with what the agency gave, by the day until which.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct HeldUntil {
    pub(crate) list_source: String,
    pub(crate) retention_until: String,
    /// Rows, earlier revisions too.
    pub(crate) rows_held: i64,
    /// Of these, rows that matched nobody: they go on that day.
    pub(crate) rows_to_go: i64,
    /// Of these, rows that somebody has yet to decide.
    pub(crate) rows_open: i64,
}

pub(crate) async fn held_until(db: &Db, scope: &Scope) -> Result<Vec<HeldUntil>, DbError> {
    db.all(
        "SELECT c.list_source, c.retention_until, COUNT(*) AS rows_held,
                CAST(SUM(CASE WHEN r.outcome IN ('unmatched', 'withdrawn') THEN 1 ELSE 0 END) AS BIGINT) AS rows_to_go,
                CAST(SUM(CASE WHEN r.outcome = 'review' AND r.current THEN 1 ELSE 0 END) AS BIGINT) AS rows_open
         FROM list_row r JOIN comparison c ON c.id = r.comparison_id JOIN list_source s ON s.code = c.list_source
         WHERE r.name <> '' AND s.division_code >= $1 AND s.division_code < $2
         GROUP BY c.list_source, c.retention_until ORDER BY c.list_source, c.retention_until",
        args![scope.lo(), scope.hi()],
    )
    .await
}

/// What was purged of a version of a source.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Purge {
    pub(crate) list_version: i64,
    pub(crate) purged_at: i64,
    pub(crate) due_on: String,
    pub(crate) rows_blanked: i64,
    pub(crate) rows_held: i64,
    pub(crate) rows_trimmed: i64,
}

/// What was purged of a source, the latest first.
pub(crate) async fn purges(db: &Db, code: &str, limit: i64) -> Result<Vec<Purge>, DbError> {
    db.all(
        "SELECT list_version, purged_at, due_on, rows_blanked, rows_held, rows_trimmed FROM list_purge
         WHERE list_source = $1 ORDER BY purged_at DESC, id DESC LIMIT $2",
        args![code, limit],
    )
    .await
}

/// Which list a comparison is of.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct ListOf {
    pub(crate) source: String,
    pub(crate) list_source: String,
    pub(crate) list_version: i64,
    pub(crate) retention_until: String,
}

pub(crate) async fn list_of(tx: &mut Tx, comparison: Uuid) -> Result<ListOf, DbError> {
    tx.one("SELECT source, list_source, list_version, retention_until FROM comparison WHERE id = $1", args![comparison])
        .await
}

pub(crate) async fn insert_purge(
    tx: &mut Tx,
    id: Uuid,
    comparison: Uuid,
    of: &ListOf,
    p: &Purge,
) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO list_purge (id, list_source, comparison_id, list_version, purged_at, due_on, rows_blanked, rows_held,
             rows_trimmed)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            id,
            &of.list_source,
            comparison,
            of.list_version,
            p.purged_at,
            &of.retention_until,
            p.rows_blanked,
            p.rows_held,
            p.rows_trimmed
        ],
    )
    .await?;
    Ok(())
}
