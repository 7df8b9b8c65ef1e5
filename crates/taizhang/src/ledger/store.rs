//! All SQL of the ledger.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::error::Since;
use super::model::{self, Assignable, Attachment, Event, Item, Movement, State};
use crate::access::{Actor, Role, Scope};
use crate::args;
use crate::assess::places;
use crate::platform::{Db, DbError, Tx, Value, ids};

pub(super) const ITEM_COLUMNS: &str = "id, number, ledger, source, source_key, finding_id, rule_id, household_id, person_id, division_code, title, level, state, \
     round, owner_unit, owner_division, owner_name, helper_id, assignee_id, deadline, measures, submitted_by, checked_by, \
     version, profile_id, finding_version, episode, opened_on, closed_on, updated_at, finding_evidence";

/// Who may see an item at all: everybody in scope, but a helper only what was assigned to them.
pub(super) fn own_only(actor: &Actor) -> Option<Uuid> {
    (actor.role == Role::Helper && !actor.is_machine).then(|| actor.user_id.unwrap_or_else(Uuid::nil))
}

pub(super) fn visible(actor: &Actor, item: &Item) -> bool {
    actor.scope.contains(&item.division_code) && own_only(actor).is_none_or(|id| item.assignee_id == Some(id))
}

pub(super) async fn item(db: &Db, actor: &Actor, id: Uuid) -> Result<Option<Item>, DbError> {
    let sql = format!("SELECT {ITEM_COLUMNS} FROM item WHERE id = $1 AND division_code >= $2 AND division_code < $3");
    let found: Option<Item> = db.maybe(AssertSqlSafe(sql), args![id, actor.scope.lo(), actor.scope.hi()]).await?;
    Ok(found.filter(|item| visible(actor, item)))
}

pub(super) async fn events(db: &Db, item: Uuid) -> Result<Vec<Event>, DbError> {
    db.all(
        "SELECT id, seq, round, at, actor_id, actor_name, action, from_state, to_state, note, data, acted_at FROM item_event
         WHERE item_id = $1 ORDER BY seq DESC",
        args![item],
    )
    .await
}

/// What is known of an event by its id.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct KnownEvent {
    pub(super) item_id: Uuid,
    pub(super) payload: String,
    pub(super) actor_name: String,
    pub(super) at: i64,
    pub(super) to_state: String,
    /// Of the item after it; none for events of before versions were kept.
    pub(super) version: Option<i64>,
}

pub(super) async fn event_known(tx: &mut Tx, event: Uuid) -> Result<Option<KnownEvent>, DbError> {
    tx.maybe("SELECT item_id, payload, actor_name, at, to_state, version FROM item_event WHERE id = $1", args![event])
        .await
}

/// What changed an item after the version that a form was made of, oldest first.
pub(super) async fn changes_since(tx: &mut Tx, item: Uuid, version: i64) -> Result<Vec<Since>, DbError> {
    tx.all(
        "SELECT actor_name AS who, at, action FROM item_event WHERE item_id = $1 AND version > $2 ORDER BY seq",
        args![item, version],
    )
    .await
}

/// The round that an item of a version was in; none if no event says.
pub(super) async fn round_at(tx: &mut Tx, item: Uuid, version: i64) -> Result<Option<i64>, DbError> {
    let row: Option<(i64,)> = tx
        .maybe(
            "SELECT round FROM item_event WHERE item_id = $1 AND (version IS NULL OR version <= $2)
             ORDER BY seq DESC LIMIT 1",
            args![item, version],
        )
        .await?;
    Ok(row.map(|row| row.0))
}

/// Who changed the item last, and when.
pub(super) async fn last_change(tx: &mut Tx, item: Uuid) -> Result<Option<(String, i64)>, DbError> {
    tx.maybe("SELECT actor_name, at FROM item_event WHERE item_id = $1 ORDER BY seq DESC LIMIT 1", args![item]).await
}

/// Whether a user had a hand in the work of this round: their own, that of a proxy for them, or that of somebody for
/// whom they are proxy on this day.
pub(super) async fn had_a_hand(
    tx: &mut Tx,
    item: Uuid,
    round: i64,
    user: Uuid,
    day: NaiveDate,
) -> Result<bool, DbError> {
    let rows: Vec<(String, String)> = tx
        .all(
            "SELECT action, from_state FROM item_event
             WHERE item_id = $1 AND round = $2
               AND (actor_id = $3 OR for_id = $3
                    OR actor_id IN (SELECT p.user_id FROM item_proxy p
                                    WHERE p.proxy_id = $3 AND p.ended_at IS NULL AND p.from_day <= $4 AND p.until_day >= $4))",
            args![item, round, user, day],
        )
        .await?;
    Ok(rows.iter().any(|(action, from)| model::is_work(action, from)))
}

/// Names of users.
pub(super) async fn user_names(db: &Db, users: &[Uuid]) -> Result<HashMap<Uuid, String>, DbError> {
    let mut out = HashMap::new();
    for chunk in users.chunks(500) {
        let sql = format!("SELECT id, name FROM app_user WHERE id IN ({})", places(1, chunk.len()));
        out.extend(db.all::<(Uuid, String)>(AssertSqlSafe(sql), chunk.iter().map(Value::from).collect()).await?);
    }
    Ok(out)
}

/// Which of some items a user reminded of on a day.
pub(super) async fn reminded_on(
    db: &Db,
    items: &[Uuid],
    day: &str,
    user: Option<Uuid>,
) -> Result<HashSet<Uuid>, DbError> {
    let mut out = HashSet::new();
    for chunk in items.chunks(500) {
        let sql = format!(
            "SELECT item_id FROM item_event WHERE action = 'remind' AND day = $1 AND actor_id IS NOT DISTINCT FROM $2
               AND item_id IN ({})",
            places(3, chunk.len())
        );
        let mut args = args![day, user];
        args.extend(chunk.iter().map(Value::from));
        out.extend(db.all::<(Uuid,)>(AssertSqlSafe(sql), args).await?.into_iter().map(|row| row.0));
    }
    Ok(out)
}

/// Puts a reminder where whoever has the item sees it.
pub(super) async fn put_reminder(
    tx: &mut Tx,
    item: &Item,
    user: Uuid,
    by: &Actor,
    note: &str,
    (day, now): (NaiveDate, i64),
) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO item_reminder (id, item_id, user_id, by_id, by_name, note, day, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![ids::new_id(), item.id, user, by.user_id, &by.name, note, day, now],
    )
    .await?;
    Ok(())
}

/// Whether a user reminded of an item on a day.
pub(super) async fn reminded_today(tx: &mut Tx, item: Uuid, day: &str, user: Option<Uuid>) -> Result<bool, DbError> {
    let row: Option<(i64,)> = tx
        .maybe(
            "SELECT seq FROM item_event WHERE action = 'remind' AND item_id = $1 AND day = $2
               AND actor_id IS NOT DISTINCT FROM $3 LIMIT 1",
            args![item, day, user],
        )
        .await?;
    Ok(row.is_some())
}

pub(super) async fn assignable_in(tx: &mut Tx, user: Uuid) -> Result<Option<Assignable>, DbError> {
    tx.maybe(
        "SELECT id, login, name, unit, role, division_code FROM app_user WHERE id = $1 AND disabled = FALSE",
        args![user],
    )
    .await
}

pub(super) async fn user_name(db: &Db, id: Option<Uuid>) -> Result<String, DbError> {
    let Some(id) = id else {
        return Ok(String::new());
    };
    let row: Option<(String,)> = db.maybe("SELECT name FROM app_user WHERE id = $1", args![id]).await?;
    Ok(row.map(|r| r.0).unwrap_or_default())
}

pub(super) async fn user_name_in(tx: &mut Tx, id: Uuid) -> Result<String, DbError> {
    let row: Option<(String,)> = tx.maybe("SELECT name FROM app_user WHERE id = $1", args![id]).await?;
    Ok(row.map(|r| r.0).unwrap_or_default())
}

/// Writes the changed item; false if somebody else changed it first.
pub(super) async fn update(tx: &mut Tx, item: &Item, seen: i64, now: i64) -> Result<bool, DbError> {
    let touched = tx
        .run(
            "UPDATE item SET state = $3, round = $4, owner_unit = $5, owner_division = $6, owner_name = $7, helper_id = $8,
                    assignee_id = $9, deadline = $10, measures = $11, submitted_by = $12, checked_by = $13,
                    submitted_at = CASE WHEN $3 = 'submitted' THEN $14 ELSE submitted_at END,
                    checked_at = CASE WHEN $3 IN ('closed', 'returned') THEN $14 ELSE checked_at END,
                    finding_version = $15, episode = $16, closed_on = $17, division_code = $18, level = $19,
                    household_id = $20, finding_evidence = $21, updated_at = $14, version = version + 1
             WHERE id = $1 AND version = $2",
            args![
                item.id,
                seen,
                &item.state,
                item.round,
                &item.owner_unit,
                &item.owner_division,
                &item.owner_name,
                item.helper_id,
                item.assignee_id,
                &item.deadline,
                &item.measures,
                item.submitted_by,
                item.checked_by,
                now,
                item.finding_version,
                item.episode,
                &item.closed_on,
                &item.division_code,
                &item.level,
                item.household_id,
                &item.finding_evidence
            ],
        )
        .await?;
    Ok(touched == 1)
}

/// The item of the scope, held until the transaction ends: nobody changes it between this look and what follows.
/// Whether a helper may see it is for the caller to say ([`super::stand_in::held`]).
pub(super) async fn held(tx: &mut Tx, scope: &Scope, item: Uuid) -> Result<Option<Item>, DbError> {
    let sql = format!(
        "UPDATE item SET version = version WHERE id = $1 AND division_code >= $2 AND division_code < $3 RETURNING {ITEM_COLUMNS}"
    );
    tx.maybe(AssertSqlSafe(sql), args![item, scope.lo(), scope.hi()]).await
}

/// Notes that something was added to the item, which leaves it as it is.
pub(super) async fn touch(tx: &mut Tx, item: Uuid, now: i64) -> Result<(), DbError> {
    tx.run("UPDATE item SET updated_at = $2 WHERE id = $1", args![item, now]).await?;
    Ok(())
}

/// What an event says.
#[derive(Debug, Clone)]
pub(super) struct NewEvent<'a> {
    pub(super) id: Uuid,
    /// The item as the event leaves it.
    pub(super) item: &'a Item,
    pub(super) at: i64,
    pub(super) day: NaiveDate,
    pub(super) division: &'a str,
    pub(super) household: Option<Uuid>,
    pub(super) actor_id: Option<Uuid>,
    pub(super) actor_name: &'a str,
    pub(super) action: &'a str,
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) note: &'a str,
    pub(super) data: serde_json::Value,
    /// Hash of what was asked for; empty for what the system does.
    pub(super) payload: &'a str,
}

/// What some events say beside [`NewEvent`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Aside {
    /// When it was done, where that was before it was recorded; milliseconds.
    pub(super) acted_at: Option<i64>,
    /// For whom a proxy acted.
    pub(super) acts_for: Option<Uuid>,
}

/// Appends an event to an item that this transaction holds and has written, and counts it.
pub(super) async fn append(tx: &mut Tx, event: NewEvent<'_>) -> Result<(), DbError> {
    append_with(tx, event, Aside::default()).await
}

/// [`append`] with what only some events say.
pub(super) async fn append_with(tx: &mut Tx, event: NewEvent<'_>, aside: Aside) -> Result<(), DbError> {
    let item = event.item;
    tx.run(
        "INSERT INTO item_event (id, item_id, seq, round, at, day, division_code, actor_id, actor_name, action, from_state,
                                 to_state, note, data, payload, ledger, source, household_id, person_id, acted_at, for_id,
                                 version)
         VALUES ($1, $2, (SELECT COALESCE(MAX(e.seq), 0) + 1 FROM item_event e WHERE e.item_id = $2), $3, $4, $5, $6, $7,
                 $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                 (SELECT i.version FROM item i WHERE i.id = $2))",
        args![
            event.id,
            item.id,
            item.round,
            event.at,
            event.day,
            event.division,
            event.actor_id,
            event.actor_name,
            event.action,
            event.from,
            event.to,
            event.note,
            event.data.to_string(),
            event.payload,
            &item.ledger,
            &item.source,
            event.household,
            item.person_id,
            aside.acted_at,
            aside.acts_for
        ],
    )
    .await?;
    if model::moves_on(event.action, event.from) {
        tx.run("UPDATE item SET worked_on = $2 WHERE id = $1", args![item.id, event.day]).await?;
    }
    let movement = movement_of(event.action, event.from, event.to);
    count(tx, item, event.division, event.day, &movement).await
}

/// How an event moves the books.
fn movement_of(action: &str, from: &str, to: &str) -> Movement {
    let open = |state: &str| State::from_name(state).is_some_and(State::is_open);
    let mut out = Movement::default();
    match action {
        "open" => out.opened = 1,
        "move_in" => out.moved_in = 1,
        "move_out" => out.moved_out = 1,
        _ if !open(from) && open(to) => out.reopened = 1,
        _ if open(from) && to == "closed" => out.closed = 1,
        _ if open(from) && to == "cancelled" => out.cancelled = 1,
        _ => {}
    }
    out
}

async fn count(tx: &mut Tx, item: &Item, division: &str, day: NaiveDate, m: &Movement) -> Result<(), DbError> {
    if *m == Movement::default() {
        return Ok(());
    }
    let row = args![
        &item.ledger,
        &item.source,
        division,
        day,
        m.opened,
        m.reopened,
        m.closed,
        m.cancelled,
        m.moved_in,
        m.moved_out
    ];
    tx.insert_many(ROLLUP_HEAD, ROLLUP_TAIL, vec![row]).await?;
    Ok(())
}

pub(super) const ROLLUP_HEAD: &str = "INSERT INTO item_rollup (ledger, source, division_code, day, opened, reopened, closed, cancelled, moved_in, moved_out)";
pub(super) const ROLLUP_TAIL: &str = "ON CONFLICT (ledger, source, division_code, day) DO UPDATE SET
    opened = item_rollup.opened + excluded.opened, reopened = item_rollup.reopened + excluded.reopened,
    closed = item_rollup.closed + excluded.closed, cancelled = item_rollup.cancelled + excluded.cancelled,
    moved_in = item_rollup.moved_in + excluded.moved_in, moved_out = item_rollup.moved_out + excluded.moved_out";

/// Takes `n` running numbers; the last of them.
pub(super) async fn take_numbers(tx: &mut Tx, ledger: &str, county: &str, year: i64, n: i64) -> Result<i64, DbError> {
    let row: (i64,) = tx
        .one(
            "INSERT INTO item_number (ledger, county_code, year, last) VALUES ($1, $2, $3, $4)
             ON CONFLICT (ledger, county_code, year) DO UPDATE SET last = item_number.last + excluded.last
             RETURNING last",
            args![ledger, county, year, n],
        )
        .await?;
    Ok(row.0)
}

/// What the item page says of a household.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct HouseholdLine {
    pub(super) id: Uuid,
    pub(super) household_no: String,
    pub(super) head_name: String,
    pub(super) place: String,
}

pub(super) async fn household(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<HouseholdLine>, DbError> {
    db.maybe(
        "SELECT h.id, h.household_no, h.head_name, COALESCE(d.full_name, h.division_code) AS place
         FROM household h LEFT JOIN division d ON d.code = h.division_code
         WHERE h.id = $1 AND h.division_code >= $2 AND h.division_code < $3",
        args![id, scope.lo(), scope.hi()],
    )
    .await
}

pub(super) async fn attachments(db: &Db, item: Uuid) -> Result<Vec<Attachment>, DbError> {
    db.all(
        "SELECT id, item_id, sha256, name, mime, bytes, uploaded_at, uploaded_by, taken_at, place, removed_at, removed_name,
                removed_why
         FROM attachment WHERE item_id = $1 ORDER BY uploaded_at, id",
        args![item],
    )
    .await
}

pub(super) async fn attachment(db: &Db, id: Uuid) -> Result<Option<Attachment>, DbError> {
    db.maybe(
        "SELECT id, item_id, sha256, name, mime, bytes, uploaded_at, uploaded_by, taken_at, place, removed_at, removed_name,
                removed_why
         FROM attachment WHERE id = $1 AND removed_at IS NULL",
        args![id],
    )
    .await
}

pub(super) async fn insert_attachment(tx: &mut Tx, attachment: &Attachment, event: Uuid) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO attachment (id, item_id, event_id, sha256, name, mime, bytes, uploaded_by, uploaded_at, taken_at, place)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        args![
            attachment.id,
            attachment.item_id,
            event,
            &attachment.sha256,
            &attachment.name,
            &attachment.mime,
            attachment.bytes,
            attachment.uploaded_by,
            attachment.uploaded_at,
            attachment.taken_at,
            &attachment.place
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn attachment_count(tx: &mut Tx, item: Uuid) -> Result<i64, DbError> {
    let row: (i64,) =
        tx.one("SELECT COUNT(*) FROM attachment WHERE item_id = $1 AND removed_at IS NULL", args![item]).await?;
    Ok(row.0)
}
