//! The SQL of dispatch sessions and of the items that supervision opens.

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::dispatch::{NewSession, Origin};
use crate::access::{Actor, Scope};
use crate::args;
use crate::platform::{Db, DbError, Tx};

/// A dispatch session.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Session {
    pub id: Uuid,
    pub listing_id: Option<Uuid>,
    pub division_code: String,
    pub place: String,
    pub channel: String,
    pub held_on: String,
    pub title: String,
    pub chair: String,
    pub attendees: String,
    pub minutes: String,
    pub created_name: String,
    pub created_at: i64,
    /// Items that it demanded.
    pub items: i64,
    /// Of these open.
    pub open: i64,
}

const SESSION: &str =
    "SELECT s.id, s.listing_id, s.division_code, COALESCE(d.full_name, s.division_code) AS place, s.channel, s.held_on,
            s.title, s.chair, s.attendees, s.minutes, s.created_name, s.created_at,
            (SELECT COUNT(*) FROM supervise_item x WHERE x.session_id = s.id) AS items,
            (SELECT COUNT(*) FROM supervise_item x JOIN item i ON i.id = x.item_id
             WHERE x.session_id = s.id AND i.state NOT IN ('closed', 'cancelled')) AS open
     FROM supervise_session s LEFT JOIN division d ON d.code = s.division_code
     WHERE s.division_code >= $1 AND s.division_code < $2";

pub(super) async fn sessions(db: &Db, scope: &Scope, offset: i64, limit: i64) -> Result<Vec<Session>, DbError> {
    let sql = format!("{SESSION} ORDER BY s.held_on DESC, s.created_at DESC, s.id LIMIT $3 OFFSET $4");
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), limit, offset]).await
}

pub(super) async fn count(db: &Db, scope: &Scope) -> Result<i64, DbError> {
    let row: (i64,) = db
        .one(
            "SELECT COUNT(*) FROM supervise_session WHERE division_code >= $1 AND division_code < $2",
            args![scope.lo(), scope.hi()],
        )
        .await?;
    Ok(row.0)
}

pub(super) async fn session(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Session>, DbError> {
    db.maybe(AssertSqlSafe(format!("{SESSION} AND s.id = $3")), args![scope.lo(), scope.hi(), id]).await
}

pub(super) async fn of_listing(db: &Db, scope: &Scope, listing: Uuid) -> Result<Vec<Session>, DbError> {
    let sql = format!("{SESSION} AND s.listing_id = $3 ORDER BY s.held_on DESC, s.created_at DESC LIMIT 200");
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), listing]).await
}

/// What was asked for by a session, as a hash; none where there is no such session.
pub(super) async fn known(tx: &mut Tx, id: Uuid) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx.maybe("SELECT payload FROM supervise_session WHERE id = $1", args![id]).await?;
    Ok(row.map(|row| row.0))
}

pub(super) async fn insert(
    tx: &mut Tx,
    new: &NewSession,
    held_on: NaiveDate,
    payload: &str,
    actor: &Actor,
    now: i64,
) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO supervise_session (id, listing_id, division_code, channel, held_on, title, chair, attendees, minutes,
                                        payload, created_by, created_name, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        args![
            new.id,
            new.listing,
            &new.division,
            &new.channel,
            held_on,
            new.title.trim(),
            new.chair.trim(),
            new.attendees.trim(),
            new.minutes.trim(),
            payload,
            actor.user_id,
            &actor.name,
            now
        ],
    )
    .await?;
    Ok(())
}

/// Says out of what an item was opened.
pub(super) async fn tie(
    tx: &mut Tx,
    item: Uuid,
    origin: &Origin<'_>,
    topic: &str,
    division: &str,
) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO supervise_item (item_id, session_id, check_id, listing_id, topic, division_code)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![item, origin.session, origin.check, origin.listing, topic, division],
    )
    .await?;
    Ok(())
}

/// An item that supervision opened.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct ItemLine {
    pub id: Uuid,
    pub number: String,
    pub ledger: String,
    pub title: String,
    pub state: String,
    pub deadline: String,
    pub closed_on: String,
    pub unit: String,
    pub person: String,
    pub place: String,
    pub topic: String,
}

const ITEM: &str = "SELECT i.id, i.number, i.ledger, i.title, i.state, i.deadline, i.closed_on, i.owner_unit AS unit,
            COALESCE(u.name, i.owner_name) AS person, COALESCE(d.full_name, i.division_code) AS place, s.topic
     FROM supervise_item s JOIN item i ON i.id = s.item_id LEFT JOIN app_user u ON u.id = i.assignee_id
          LEFT JOIN division d ON d.code = i.division_code
     WHERE i.division_code >= $1 AND i.division_code < $2";

pub(super) async fn items_of_session(db: &Db, scope: &Scope, session: Uuid) -> Result<Vec<ItemLine>, DbError> {
    let sql = format!("{ITEM} AND s.session_id = $3 ORDER BY i.number");
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), session]).await
}

pub(super) async fn items_of_listing(db: &Db, scope: &Scope, listing: Uuid) -> Result<Vec<ItemLine>, DbError> {
    let sql = format!("{ITEM} AND s.listing_id = $3 ORDER BY i.deadline, i.number LIMIT 500");
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), listing]).await
}
