//! All SQL of what was put off.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::desk::Stamp;
use super::postponed::Activity;
use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError, Tx};

const ACTIVITY: &str =
    "p.id, p.kind, p.title, p.division_code, p.unit, p.contact, p.reason, p.first_on, p.new_on, p.state,
            p.held_on, p.moves, p.version, p.updated_name, p.updated_at, COALESCE(d.full_name, p.division_code) AS place
     FROM postponed p LEFT JOIN division d ON d.code = p.division_code
     WHERE p.division_code >= $1 AND p.division_code < $2";

/// Writes one; false where one of that id is there.
pub(super) async fn insert(tx: &mut Tx, one: &Activity) -> Result<bool, DbError> {
    let rows = tx
        .run(
            "INSERT INTO postponed (id, kind, title, division_code, unit, contact, reason, first_on, new_on, state, held_on,
                 moves, version, updated_name, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT (id) DO NOTHING",
            args![
                one.id,
                &one.kind,
                &one.title,
                &one.division_code,
                &one.unit,
                &one.contact,
                &one.reason,
                &one.first_on,
                &one.new_on,
                &one.state,
                &one.held_on,
                one.moves,
                one.version,
                &one.updated_name,
                one.updated_at
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// Counts the version on, if nobody did since it was seen.
pub(super) async fn touch(tx: &mut Tx, one: &Activity, stamp: &Stamp<'_>) -> Result<bool, DbError> {
    let rows = tx
        .run(
            "UPDATE postponed SET version = version + 1, updated_name = $3, updated_at = $4 WHERE id = $1 AND version = $2",
            args![one.id, one.version, &stamp.actor.name, stamp.now],
        )
        .await?;
    Ok(rows == 1)
}

pub(super) async fn set(tx: &mut Tx, one: &Activity) -> Result<(), DbError> {
    tx.run(
        "UPDATE postponed SET new_on = $2, state = $3, held_on = $4, moves = $5 WHERE id = $1",
        args![one.id, &one.new_on, &one.state, &one.held_on, one.moves],
    )
    .await
    .map(|_| ())
}

pub(super) async fn one_in(tx: &mut Tx, scope: &Scope, id: Uuid) -> Result<Option<Activity>, DbError> {
    let sql = format!("SELECT {ACTIVITY} AND p.id = $3");
    tx.maybe(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), id]).await
}

pub(super) async fn one(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Activity>, DbError> {
    let sql = format!("SELECT {ACTIVITY} AND p.id = $3");
    db.maybe(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), id]).await
}

pub(super) async fn list(db: &Db, scope: &Scope, kind: &str) -> Result<Vec<Activity>, DbError> {
    let sql = format!("SELECT {ACTIVITY} AND ($3 = '' OR p.kind = $3) ORDER BY p.first_on, p.id");
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), kind]).await
}

pub(super) async fn passed(db: &Db, scope: &Scope, today: &str) -> Result<i64, DbError> {
    let row: (i64,) = db
        .one(
            "SELECT COUNT(*) FROM postponed WHERE division_code >= $1 AND division_code < $2 AND state = 'postponed'
               AND new_on <> '' AND new_on < $3",
            args![scope.lo(), scope.hi(), today],
        )
        .await?;
    Ok(row.0)
}
