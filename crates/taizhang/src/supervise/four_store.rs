//! The SQL of the four 不摘.

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::four::NewCheck;
use crate::access::{Actor, Scope};
use crate::args;
use crate::platform::{Db, DbError, Tx};

/// A check with the item that it opened.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct CheckLine {
    pub id: Uuid,
    pub division_code: String,
    pub aspect: String,
    pub checked_on: String,
    /// held | short.
    pub result: String,
    pub found: String,
    pub by_name: String,
    pub item_id: Option<Uuid>,
    pub number: String,
    /// State of the item; empty where there is none.
    pub state: String,
    pub deadline: String,
    pub closed_on: String,
}

const CHECK: &str = "SELECT c.id, c.division_code, c.aspect, c.checked_on, c.result, c.found, c.by_name, c.item_id,
            COALESCE(i.number, '') AS number, COALESCE(i.state, '') AS state, COALESCE(i.deadline, '') AS deadline,
            COALESCE(i.closed_on, '') AS closed_on
     FROM supervise_check c LEFT JOIN item i ON i.id = c.item_id
     WHERE c.division_code >= $1 AND c.division_code < $2";

/// The newest check of each county and aspect.
pub(super) async fn newest(db: &Db, scope: &Scope) -> Result<Vec<CheckLine>, DbError> {
    let sql = format!(
        "{CHECK} AND c.id = (SELECT x.id FROM supervise_check x WHERE x.division_code = c.division_code AND x.aspect = c.aspect
                             ORDER BY x.checked_on DESC, x.recorded_at DESC, x.id DESC LIMIT 1)
         ORDER BY c.division_code, c.aspect"
    );
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi()]).await
}

/// Every check, the newest first.
pub(super) async fn checks(db: &Db, scope: &Scope) -> Result<Vec<CheckLine>, DbError> {
    let sql = format!("{CHECK} ORDER BY c.checked_on DESC, c.recorded_at DESC, c.id DESC LIMIT 200");
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi()]).await
}

/// Codes and names of the counties of a scope.
pub(super) async fn counties(db: &Db, scope: &Scope) -> Result<Vec<(String, String)>, DbError> {
    db.all(
        "SELECT code, full_name FROM division WHERE level = 3 AND valid_to = '' AND code >= $1 AND code < $2 ORDER BY code",
        args![scope.lo(), scope.hi()],
    )
    .await
}

/// What was asked for by a check, as a hash, and its item; none where there is no such check.
pub(super) async fn known(tx: &mut Tx, id: Uuid) -> Result<Option<(String, Option<Uuid>)>, DbError> {
    tx.maybe("SELECT payload, item_id FROM supervise_check WHERE id = $1", args![id]).await
}

pub(super) async fn insert(
    tx: &mut Tx,
    new: &NewCheck,
    (aspect, day): (&str, NaiveDate),
    item: Option<Uuid>,
    payload: &str,
    actor: &Actor,
    now: i64,
) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO supervise_check (id, division_code, aspect, checked_on, result, found, item_id, payload, by_id, by_name,
                                      recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        args![
            new.id,
            &new.county,
            aspect,
            day,
            if new.short { "short" } else { "held" },
            new.found.trim(),
            item,
            payload,
            actor.user_id,
            &actor.name,
            now
        ],
    )
    .await?;
    Ok(())
}
