//! The SQL of what somebody is told.

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::notices::{DigestLine, Told};
use crate::access::Scope;
use crate::args;
use crate::assess::places;
use crate::platform::{Db, DbError, Tx, Value};

/// How far somebody has read: milliseconds and calendar day.
pub(super) async fn read(db: &Db, me: Uuid) -> Result<Option<(i64, String)>, DbError> {
    db.maybe("SELECT read_at, read_on FROM notice_read WHERE user_id = $1", args![me]).await
}

pub(super) async fn mark(tx: &mut Tx, me: Uuid, now: i64, today: NaiveDate) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO notice_read (user_id, read_at, read_on) VALUES ($1, $2, $3)
         ON CONFLICT (user_id) DO UPDATE SET read_at = excluded.read_at, read_on = excluded.read_on",
        args![me, now, today],
    )
    .await?;
    Ok(())
}

/// A user and those for whom they stand in on a day.
pub(super) async fn people(db: &Db, me: Uuid, day: NaiveDate) -> Result<Vec<Uuid>, DbError> {
    let rows: Vec<(Uuid,)> = db
        .all(
            "SELECT user_id FROM item_proxy
             WHERE proxy_id = $1 AND ended_at IS NULL AND from_day <= $2 AND until_day >= $2 ORDER BY from_day LIMIT 50",
            args![me, day],
        )
        .await?;
    Ok(std::iter::once(me).chain(rows.into_iter().map(|row| row.0)).collect())
}

fn with_people(mut args: Vec<Value>, people: &[Uuid]) -> Vec<Value> {
    args.extend(people.iter().map(Value::from));
    args
}

/// Items that came back from their check since.
pub(super) async fn returned(db: &Db, scope: &Scope, people: &[Uuid], since: i64) -> Result<Vec<Told>, DbError> {
    let sql = format!(
        "SELECT i.id AS item_id, i.number, i.title, i.deadline, COALESCE(d.name, i.division_code) AS division_name,
                i.assignee_id, u.name AS assignee_name, COALESCE(c.name, '') AS by_name,
                COALESCE(i.checked_at, i.updated_at) AS at
         FROM item i JOIN app_user u ON u.id = i.assignee_id LEFT JOIN app_user c ON c.id = i.checked_by
         LEFT JOIN division d ON d.code = i.division_code
         WHERE i.division_code >= $1 AND i.division_code < $2 AND i.state = 'returned' AND i.updated_at > $3
           AND i.assignee_id IN ({}) ORDER BY at DESC, i.number LIMIT 100",
        places(4, people.len())
    );
    db.all(AssertSqlSafe(sql), with_people(args![scope.lo(), scope.hi(), since], people)).await
}

/// Open items of which somebody reminded these people by name since, in the round of now.
pub(super) async fn reminded(db: &Db, scope: &Scope, people: &[Uuid], since: i64) -> Result<Vec<Told>, DbError> {
    let sql = format!(
        "SELECT i.id AS item_id, i.number, i.title, i.deadline, COALESCE(d.name, i.division_code) AS division_name,
                i.assignee_id, u.name AS assignee_name, e.actor_name AS by_name, e.at AS at
         FROM item i JOIN item_event e ON e.item_id = i.id AND e.round = i.round AND e.action = 'remind'
         JOIN app_user u ON u.id = i.assignee_id LEFT JOIN division d ON d.code = i.division_code
         WHERE i.division_code >= $1 AND i.division_code < $2 AND i.state NOT IN ('closed', 'cancelled') AND e.at > $3
           AND e.seq = (SELECT MAX(l.seq) FROM item_event l WHERE l.item_id = i.id AND l.action = 'remind')
           AND i.assignee_id IN ({}) ORDER BY at DESC, i.number LIMIT 100",
        places(4, people.len())
    );
    db.all(AssertSqlSafe(sql), with_people(args![scope.lo(), scope.hi(), since], people)).await
}

/// Open items whose last day this is.
pub(super) async fn due(db: &Db, scope: &Scope, people: &[Uuid], today: NaiveDate) -> Result<Vec<Told>, DbError> {
    let sql = format!(
        "SELECT i.id AS item_id, i.number, i.title, i.deadline, COALESCE(d.name, i.division_code) AS division_name,
                i.assignee_id, u.name AS assignee_name, '' AS by_name, CAST(0 AS BIGINT) AS at
         FROM item i JOIN app_user u ON u.id = i.assignee_id LEFT JOIN division d ON d.code = i.division_code
         WHERE i.division_code >= $1 AND i.division_code < $2 AND i.deadline = $3
           AND i.state IN ('to_verify', 'assigned', 'in_progress', 'returned')
           AND i.assignee_id IN ({}) ORDER BY i.number LIMIT 100",
        places(4, people.len())
    );
    db.all(AssertSqlSafe(sql), with_people(args![scope.lo(), scope.hi(), today], people)).await
}

/// Open items that somebody else gave to one of these people since, in the round of now.
pub(super) async fn assigned(
    db: &Db,
    scope: &Scope,
    people: &[Uuid],
    me: Uuid,
    since: i64,
) -> Result<Vec<Told>, DbError> {
    let sql = format!(
        "SELECT i.id AS item_id, i.number, i.title, i.deadline, COALESCE(d.name, i.division_code) AS division_name,
                i.assignee_id, u.name AS assignee_name, e.actor_name AS by_name, e.at AS at
         FROM item i JOIN item_event e ON e.item_id = i.id AND e.round = i.round
         JOIN app_user u ON u.id = i.assignee_id LEFT JOIN division d ON d.code = i.division_code
         WHERE i.division_code >= $1 AND i.division_code < $2 AND i.state NOT IN ('closed', 'cancelled', 'returned')
           AND i.updated_at > $3 AND e.at > $3 AND (e.actor_id IS NULL OR e.actor_id <> $4)
           AND e.seq = (SELECT MAX(l.seq) FROM item_event l WHERE l.item_id = i.id AND l.action IN ('assign', 'handover'))
           AND i.assignee_id IN ({}) ORDER BY at DESC, i.number LIMIT 100",
        places(5, people.len())
    );
    db.all(AssertSqlSafe(sql), with_people(args![scope.lo(), scope.hi(), since, me], people)).await
}

/// Closed items whose look-back is due and which the reader neither worked on nor closed.
pub(super) async fn look_backs(db: &Db, scope: &Scope, me: Uuid, today: NaiveDate) -> Result<Vec<Told>, DbError> {
    db.all(
        "SELECT i.id AS item_id, i.number, i.title, b.due AS deadline, COALESCE(d.name, i.division_code) AS division_name,
                i.assignee_id, '' AS assignee_name, '' AS by_name, CAST(0 AS BIGINT) AS at
         FROM item_look_back b JOIN item i ON i.id = b.item_id AND i.round = b.round
         LEFT JOIN division d ON d.code = i.division_code
         WHERE b.state = 'due' AND b.due <= $3 AND i.state = 'closed'
           AND i.division_code >= $1 AND i.division_code < $2
           AND (i.checked_by IS NULL OR i.checked_by <> $4) AND (i.submitted_by IS NULL OR i.submitted_by <> $4)
         ORDER BY b.due, i.number LIMIT 100",
        args![scope.lo(), scope.hi(), today, me],
    )
    .await
}

/// Items past or on their last day, or returned, person by person; of one login where one is given.
pub(super) async fn digest(db: &Db, scope: &Scope, login: &str, today: NaiveDate) -> Result<Vec<DigestLine>, DbError> {
    db.all(
        "SELECT u.id AS user_id, u.login, u.name, u.unit, i.number, i.title,
                COALESCE(d.name, i.division_code) AS division_name, i.ledger, i.state, i.deadline
         FROM item i JOIN app_user u ON u.id = i.assignee_id LEFT JOIN division d ON d.code = i.division_code
         WHERE i.division_code >= $1 AND i.division_code < $2 AND i.state NOT IN ('closed', 'cancelled')
           AND (i.deadline <= $3 OR i.state = 'returned') AND u.disabled = FALSE AND ($4 = '' OR u.login = $4)
         ORDER BY u.name, u.id, i.deadline, i.number",
        args![scope.lo(), scope.hi(), today, login],
    )
    .await
}

/// Look-backs that are due, by the name of the place.
pub(super) async fn look_backs_by_place(
    db: &Db,
    scope: &Scope,
    today: NaiveDate,
) -> Result<Vec<(String, i64)>, DbError> {
    db.all(
        "SELECT COALESCE(d.full_name, i.division_code), COUNT(*)
         FROM item_look_back b JOIN item i ON i.id = b.item_id AND i.round = b.round
         LEFT JOIN division d ON d.code = i.division_code
         WHERE b.state = 'due' AND b.due <= $3 AND i.state = 'closed'
           AND i.division_code >= $1 AND i.division_code < $2
         GROUP BY COALESCE(d.full_name, i.division_code) ORDER BY 1",
        args![scope.lo(), scope.hi(), today],
    )
    .await
}
