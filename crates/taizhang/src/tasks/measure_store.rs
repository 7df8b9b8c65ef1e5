//! All SQL of measures.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::measure::Measure;
use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError, Tx};

/// A measure holds for every place inside its own, so that whoever lies inside sees it too.
const MEASURE: &str =
    "m.id, m.kind, m.title, m.number, m.issuer, m.division_code, m.issued_on, m.from_day, m.until_day,
            m.problems, m.body, m.version, m.updated_name, m.updated_at, COALESCE(d.full_name, m.division_code) AS place
     FROM policy_measure m LEFT JOIN division d ON d.code = m.division_code
     WHERE ((m.division_code >= $1 AND m.division_code < $2)
            OR m.division_code = SUBSTR($3, 1, CAST(LENGTH(m.division_code) AS INTEGER)))";

/// Writes a new one; false where one of that id is there.
pub(super) async fn insert(tx: &mut Tx, one: &Measure) -> Result<bool, DbError> {
    let rows = tx
        .run(
            "INSERT INTO policy_measure (id, kind, title, number, issuer, division_code, issued_on, from_day, until_day,
                 problems, body, version, updated_name, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $13) ON CONFLICT (id) DO NOTHING",
            args![
                one.id,
                &one.kind,
                &one.title,
                &one.number,
                &one.issuer,
                &one.division_code,
                &one.issued_on,
                &one.from_day,
                &one.until_day,
                &one.problems,
                &one.body,
                &one.updated_name,
                one.updated_at
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// Writes another version, if nobody did since the one that was seen.
pub(super) async fn replace(tx: &mut Tx, one: &Measure) -> Result<bool, DbError> {
    let rows = tx
        .run(
            "UPDATE policy_measure SET kind = $3, title = $4, number = $5, issuer = $6, issued_on = $7, from_day = $8,
                 until_day = $9, problems = $10, body = $11, version = version + 1, updated_name = $12, updated_at = $13
             WHERE id = $1 AND version = $2",
            args![
                one.id,
                one.version,
                &one.kind,
                &one.title,
                &one.number,
                &one.issuer,
                &one.issued_on,
                &one.from_day,
                &one.until_day,
                &one.problems,
                &one.body,
                &one.updated_name,
                one.updated_at
            ],
        )
        .await?;
    Ok(rows == 1)
}

pub(super) async fn one_in(tx: &mut Tx, scope: &Scope, unit: &str, id: Uuid) -> Result<Option<Measure>, DbError> {
    let sql = format!("SELECT {MEASURE} AND m.id = $4");
    tx.maybe(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), unit, id]).await
}

pub(super) async fn one(db: &Db, scope: &Scope, unit: &str, id: Uuid) -> Result<Option<Measure>, DbError> {
    let sql = format!("SELECT {MEASURE} AND m.id = $4");
    db.maybe(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), unit, id]).await
}

pub(super) async fn list(db: &Db, scope: &Scope, unit: &str) -> Result<Vec<Measure>, DbError> {
    let sql = format!("SELECT {MEASURE} ORDER BY m.from_day DESC, m.title, m.id LIMIT 2000");
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), unit]).await
}
