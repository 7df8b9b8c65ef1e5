//! The SQL of listed places.

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::listing::Entered;
use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError, Tx};

/// A listed county or village.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Listing {
    pub id: Uuid,
    pub division_code: String,
    pub place: String,
    pub reason: String,
    pub plan: String,
    pub leader_name: String,
    pub leader_unit: String,
    pub owner_name: String,
    pub owner_unit: String,
    pub from_day: String,
    pub to_day: String,
    /// Empty while listed.
    pub lifted_on: String,
    pub version: i64,
}

const LISTING: &str =
    "SELECT l.id, l.division_code, COALESCE(d.full_name, l.division_code) AS place, l.reason, l.plan, l.leader_name,
            l.leader_unit, l.owner_name, l.owner_unit, l.from_day, l.to_day, l.lifted_on, l.version
     FROM supervise_listing l LEFT JOIN division d ON d.code = l.division_code
     WHERE l.division_code >= $1 AND l.division_code < $2";

pub(super) async fn listings(db: &Db, scope: &Scope, lifted: bool) -> Result<Vec<Listing>, DbError> {
    let sql = format!(
        "{LISTING} AND (l.lifted_on <> '') = $3 ORDER BY length(l.division_code), l.from_day DESC, l.division_code LIMIT 500"
    );
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), lifted]).await
}

pub(super) async fn listing(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Listing>, DbError> {
    db.maybe(AssertSqlSafe(format!("{LISTING} AND l.id = $3")), args![scope.lo(), scope.hi(), id]).await
}

pub(super) async fn in_scope(tx: &mut Tx, scope: &Scope, id: Uuid) -> Result<Option<Listing>, DbError> {
    tx.maybe(AssertSqlSafe(format!("{LISTING} AND l.id = $3")), args![scope.lo(), scope.hi(), id]).await
}

/// Holds the listing until the transaction ends.
pub(super) async fn hold(tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    tx.run("UPDATE supervise_listing SET version = version WHERE id = $1", args![id]).await?;
    Ok(())
}

pub(super) async fn is_listed(tx: &mut Tx, division: &str) -> Result<bool, DbError> {
    let row: Option<(i64,)> = tx
        .maybe("SELECT version FROM supervise_listing WHERE division_code = $1 AND lifted_on = ''", args![division])
        .await?;
    Ok(row.is_some())
}

pub(super) async fn insert(
    tx: &mut Tx,
    id: Uuid,
    division: &str,
    entered: &Entered,
    (from, to): (&NaiveDate, &NaiveDate),
    by: &str,
    now: i64,
) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO supervise_listing (id, division_code, reason, plan, leader_name, leader_unit, owner_name, owner_unit,
                                        from_day, to_day, lifted_on, version, created_name, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', 1, $11, $12, $12)",
        args![
            id,
            division,
            entered.reason.trim(),
            entered.plan.trim(),
            entered.leader_name.trim(),
            entered.leader_unit.trim(),
            entered.owner_name.trim(),
            entered.owner_unit.trim(),
            from.to_string(),
            to.to_string(),
            by,
            now
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn insert_content(tx: &mut Tx, listing: Uuid, content: &str, now: i64) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO supervise_content (listing_id, content, target, owner_name, owner_unit, due_on, progress, done,
                                        updated_by, updated_at)
         VALUES ($1, $2, '', '', '', '', '', FALSE, '', $3)",
        args![listing, content, now],
    )
    .await?;
    Ok(())
}

pub(super) async fn update_plan(
    tx: &mut Tx,
    id: Uuid,
    entered: &Entered,
    (from, to): (&NaiveDate, &NaiveDate),
) -> Result<(), DbError> {
    tx.run(
        "UPDATE supervise_listing SET reason = $2, plan = $3, leader_name = $4, leader_unit = $5, owner_name = $6,
                owner_unit = $7, from_day = $8, to_day = $9 WHERE id = $1",
        args![
            id,
            entered.reason.trim(),
            entered.plan.trim(),
            entered.leader_name.trim(),
            entered.leader_unit.trim(),
            entered.owner_name.trim(),
            entered.owner_unit.trim(),
            from.to_string(),
            to.to_string()
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn lift(tx: &mut Tx, id: Uuid, day: &str) -> Result<(), DbError> {
    tx.run("UPDATE supervise_listing SET lifted_on = $2 WHERE id = $1", args![id, day]).await?;
    Ok(())
}

pub(super) async fn touch(tx: &mut Tx, id: Uuid, now: i64) -> Result<(), DbError> {
    tx.run("UPDATE supervise_listing SET version = version + 1, updated_at = $2 WHERE id = $1", args![id, now]).await?;
    Ok(())
}

/// One of the five contents.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Content {
    pub content: String,
    pub target: String,
    pub owner_name: String,
    pub owner_unit: String,
    pub due_on: String,
    pub progress: String,
    pub done: bool,
    pub updated_by: String,
    pub updated_at: i64,
}

pub(super) async fn contents(db: &Db, listing: Uuid) -> Result<Vec<Content>, DbError> {
    db.all(
        "SELECT content, target, owner_name, owner_unit, due_on, progress, done, updated_by, updated_at
         FROM supervise_content WHERE listing_id = $1 ORDER BY content",
        args![listing],
    )
    .await
}

/// A content as it is written.
pub(super) struct NewContent<'a> {
    pub(super) content: &'a str,
    pub(super) target: &'a str,
    pub(super) owner_name: &'a str,
    pub(super) owner_unit: &'a str,
    pub(super) due: String,
    pub(super) progress: &'a str,
    pub(super) done: bool,
}

pub(super) async fn update_content(
    tx: &mut Tx,
    listing: Uuid,
    new: &NewContent<'_>,
    by: &str,
    now: i64,
) -> Result<(), DbError> {
    tx.run(
        "UPDATE supervise_content SET target = $3, owner_name = $4, owner_unit = $5, due_on = $6, progress = $7, done = $8,
                updated_by = $9, updated_at = $10 WHERE listing_id = $1 AND content = $2",
        args![
            listing,
            new.content,
            new.target,
            new.owner_name,
            new.owner_unit,
            &new.due,
            new.progress,
            new.done,
            by,
            now
        ],
    )
    .await?;
    Ok(())
}

/// How many contents are reached.
pub(super) async fn reached(db: &Db, listing: Uuid) -> Result<i64, DbError> {
    let row: (i64,) =
        db.one("SELECT COUNT(*) FROM supervise_content WHERE listing_id = $1 AND done = TRUE", args![listing]).await?;
    Ok(row.0)
}

/// Items that a listing opened: open ones, and all.
pub(super) async fn findings(db: &Db, listing: Uuid) -> Result<(i64, i64), DbError> {
    db.one(
        "SELECT COUNT(CASE WHEN i.state NOT IN ('closed', 'cancelled') THEN 1 END), COUNT(*)
         FROM supervise_item s JOIN item i ON i.id = s.item_id WHERE s.listing_id = $1",
        args![listing],
    )
    .await
}

/// Sessions of a listing, and the day of the last.
pub(super) async fn sessions(db: &Db, listing: Uuid) -> Result<(i64, String), DbError> {
    db.one("SELECT COUNT(*), COALESCE(MAX(held_on), '') FROM supervise_session WHERE listing_id = $1", args![listing])
        .await
}

/// Something that was done to a listing.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Event {
    pub at: i64,
    pub actor_name: String,
    pub action: String,
    pub content: String,
    pub note: String,
}

pub(super) async fn events(db: &Db, listing: Uuid) -> Result<Vec<Event>, DbError> {
    db.all(
        "SELECT at, actor_name, action, content, note FROM supervise_event WHERE listing_id = $1 ORDER BY seq DESC LIMIT 200",
        args![listing],
    )
    .await
}

/// What was asked for by an event, as a hash; none where there is no such event.
pub(super) async fn event(tx: &mut Tx, id: Uuid) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx.maybe("SELECT payload FROM supervise_event WHERE id = $1", args![id]).await?;
    Ok(row.map(|row| row.0))
}

/// Who changed a listing last, and when.
pub(super) async fn last_change(tx: &mut Tx, listing: Uuid) -> Result<Option<(String, i64)>, DbError> {
    tx.maybe(
        "SELECT actor_name, at FROM supervise_event WHERE listing_id = $1 ORDER BY seq DESC LIMIT 1",
        args![listing],
    )
    .await
}

/// An event as it is written.
pub(super) struct NewEvent<'a> {
    pub(super) id: Uuid,
    pub(super) at: i64,
    pub(super) day: NaiveDate,
    pub(super) actor_id: Option<Uuid>,
    pub(super) actor_name: &'a str,
    pub(super) action: &'a str,
    pub(super) content: &'a str,
    pub(super) note: &'a str,
    pub(super) payload: &'a str,
}

pub(super) async fn append(tx: &mut Tx, listing: Uuid, new: NewEvent<'_>) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO supervise_event (id, listing_id, seq, at, day, actor_id, actor_name, action, content, note, payload)
         VALUES ($1, $2, (SELECT CAST(COALESCE(MAX(seq), 0) + 1 AS BIGINT) FROM supervise_event WHERE listing_id = $2),
                 $3, $4, $5, $6, $7, $8, $9, $10)",
        args![
            new.id,
            listing,
            new.at,
            new.day,
            new.actor_id,
            new.actor_name,
            new.action,
            new.content,
            new.note,
            new.payload
        ],
    )
    .await?;
    Ok(())
}
