//! All SQL of good practice.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::practice::{Adoption, Practice};
use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError, Tx};

/// A practice is seen in its own place, and in all of the place to which it is spread.
const PRACTICE: &str =
    "g.id, g.title, g.body, g.effect, g.problem, g.division_code, g.unit, g.state, g.spread_to, g.spread_on,
            g.version, g.updated_name, g.updated_at, COALESCE(d.full_name, g.division_code) AS place,
            COALESCE(s.full_name, g.spread_to) AS spread_place
     FROM good_practice g LEFT JOIN division d ON d.code = g.division_code LEFT JOIN division s ON s.code = g.spread_to
     WHERE ((g.division_code >= $1 AND g.division_code < $2)
            OR (g.spread_to <> '' AND g.spread_to = SUBSTR($3, 1, CAST(LENGTH(g.spread_to) AS INTEGER))))";
const ADOPTION: &str = "a.division_code, a.state, a.since, a.note, a.version, a.updated_name, a.updated_at,
            COALESCE(d.full_name, a.division_code) AS place
     FROM practice_adoption a LEFT JOIN division d ON d.code = a.division_code";

/// Writes a new one; false where one of that id is there.
pub(super) async fn insert(tx: &mut Tx, one: &Practice) -> Result<bool, DbError> {
    let rows = tx
        .run(
            "INSERT INTO good_practice (id, title, body, effect, problem, division_code, unit, state, spread_to, spread_on,
                 version, updated_name, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (id) DO NOTHING",
            args![
                one.id,
                &one.title,
                &one.body,
                &one.effect,
                &one.problem,
                &one.division_code,
                &one.unit,
                &one.state,
                &one.spread_to,
                &one.spread_on,
                one.version,
                &one.updated_name,
                one.updated_at
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// Writes where it stands and counts its version on, if nobody did since it was seen.
pub(super) async fn set(tx: &mut Tx, one: &Practice) -> Result<bool, DbError> {
    let rows = tx
        .run(
            "UPDATE good_practice SET state = $3, spread_to = $4, spread_on = $5, version = version + 1, updated_name = $6,
                 updated_at = $7 WHERE id = $1 AND version = $2",
            args![
                one.id,
                one.version,
                &one.state,
                &one.spread_to,
                &one.spread_on,
                &one.updated_name,
                one.updated_at
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// Writes what a place says, if nobody said something since what was seen.
pub(super) async fn put_adoption(tx: &mut Tx, practice: Uuid, one: &Adoption) -> Result<bool, DbError> {
    let args = args![
        practice,
        &one.division_code,
        &one.state,
        &one.since,
        &one.note,
        one.version,
        &one.updated_name,
        one.updated_at
    ];
    let rows = if one.version == 0 {
        tx.run(
            "INSERT INTO practice_adoption (practice_id, division_code, state, since, note, version, updated_name, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6 + 1, $7, $8) ON CONFLICT (practice_id, division_code) DO NOTHING",
            args,
        )
        .await?
    } else {
        tx.run(
            "UPDATE practice_adoption SET state = $3, since = $4, note = $5, version = version + 1, updated_name = $7,
                 updated_at = $8 WHERE practice_id = $1 AND division_code = $2 AND version = $6",
            args,
        )
        .await?
    };
    Ok(rows == 1)
}

pub(super) async fn one_in(tx: &mut Tx, scope: &Scope, unit: &str, id: Uuid) -> Result<Option<Practice>, DbError> {
    let sql = format!("SELECT {PRACTICE} AND g.id = $4");
    tx.maybe(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), unit, id]).await
}

pub(super) async fn one(db: &Db, scope: &Scope, unit: &str, id: Uuid) -> Result<Option<Practice>, DbError> {
    let sql = format!("SELECT {PRACTICE} AND g.id = $4");
    db.maybe(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), unit, id]).await
}

pub(super) async fn list(db: &Db, scope: &Scope, unit: &str) -> Result<Vec<Practice>, DbError> {
    let sql = format!("SELECT {PRACTICE} ORDER BY g.updated_at DESC, g.id LIMIT 2000");
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), unit]).await
}

pub(super) async fn adoption_in(tx: &mut Tx, practice: Uuid, division: &str) -> Result<Option<Adoption>, DbError> {
    let sql = format!("SELECT {ADOPTION} WHERE a.practice_id = $1 AND a.division_code = $2");
    tx.maybe(AssertSqlSafe(sql), args![practice, division]).await
}

pub(super) async fn adoptions(db: &Db, scope: &Scope, practice: Uuid) -> Result<Vec<Adoption>, DbError> {
    let sql = format!(
        "SELECT {ADOPTION} WHERE a.practice_id = $3 AND a.division_code >= $1 AND a.division_code < $2
         ORDER BY a.division_code"
    );
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), practice]).await
}

/// How many places of a scope said what of each practice.
pub(super) async fn counts(db: &Db, scope: &Scope) -> Result<Vec<(Uuid, String, i64)>, DbError> {
    db.all(
        "SELECT practice_id, state, COUNT(*) FROM practice_adoption WHERE division_code >= $1 AND division_code < $2
         GROUP BY practice_id, state",
        args![scope.lo(), scope.hi()],
    )
    .await
}

/// Divisions in force of one length with how many villages lie in each.
pub(super) async fn areas(db: &Db, scope: &Scope, length: i64) -> Result<Vec<(String, String, i64)>, DbError> {
    db.all(
        "SELECT d.code, d.name, COUNT(v.code) FROM division d
         LEFT JOIN division v ON SUBSTR(v.code, 1, CAST($3 AS INTEGER)) = d.code AND LENGTH(v.code) = 12
              AND v.valid_to = '' AND v.code >= $1 AND v.code < $2
         WHERE d.code >= $1 AND d.code < $2 AND d.valid_to = '' AND LENGTH(d.code) = CAST($3 AS INTEGER)
         GROUP BY d.code, d.name ORDER BY d.code",
        args![scope.lo(), scope.hi(), length],
    )
    .await
}

/// What of the history of a practice places of a scope wrote.
pub(super) async fn history_within(db: &Db, scope: &Scope, practice: Uuid) -> Result<Vec<Uuid>, DbError> {
    let rows: Vec<(Uuid,)> = db
        .all(
            "SELECT id FROM tasks_history WHERE object_id = $3 AND division_code >= $1 AND division_code < $2",
            args![scope.lo(), scope.hi(), practice],
        )
        .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}
