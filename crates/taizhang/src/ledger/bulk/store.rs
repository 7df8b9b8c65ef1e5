//! The SQL of batches.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{BatchLine, Desk, Happened, Head, Line, Share};
use crate::access::{Actor, Scope};
use crate::args;
use crate::assess::places;
use crate::ledger::model::{Assignable, Item, moves_on};
use crate::ledger::store::{ITEM_COLUMNS, visible};
use crate::platform::{Db, DbError, Tx, Value, ids};

/// Values of one statement: far below what either database takes.
const CHUNK: usize = 500;
/// Lines of a batch that its page shows.
const SHOWN: i64 = 200;
/// Batches of a person that are offered.
const RECENT: i64 = 30;

const HEAD_COLUMNS: &str = "id, kind, state, by_id, by_name, deadline, note, made_at, done_at, undone_at";

pub(super) async fn head(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Head>, DbError> {
    let sql =
        format!("SELECT {HEAD_COLUMNS} FROM item_batch WHERE id = $1 AND division_code >= $2 AND division_code < $3");
    db.maybe(AssertSqlSafe(sql), args![id, scope.lo(), scope.hi()]).await
}

pub(super) async fn head_in(tx: &mut Tx, id: Uuid) -> Result<Option<Head>, DbError> {
    let sql = format!("SELECT {HEAD_COLUMNS} FROM item_batch WHERE id = $1");
    tx.maybe(AssertSqlSafe(sql), args![id]).await
}

/// The batch, held until the transaction ends.
pub(super) async fn hold(tx: &mut Tx, scope: &Scope, id: Uuid) -> Result<Option<Head>, DbError> {
    let held = tx
        .run(
            "UPDATE item_batch SET state = state WHERE id = $1 AND division_code >= $2 AND division_code < $3",
            args![id, scope.lo(), scope.hi()],
        )
        .await?;
    if held == 0 { Ok(None) } else { head_in(tx, id).await }
}

/// What somebody carried out, the newest first.
pub(super) async fn heads_of(db: &Db, user: Option<Uuid>) -> Result<Vec<Head>, DbError> {
    let sql = format!(
        "SELECT {HEAD_COLUMNS} FROM item_batch WHERE by_id IS NOT DISTINCT FROM $1 AND state <> 'previewed'
         ORDER BY made_at DESC, id LIMIT $2"
    );
    db.all(AssertSqlSafe(sql), args![user, RECENT]).await
}

/// Deletes what was looked at before a time and never done.
pub(super) async fn sweep(tx: &mut Tx, before: i64) -> Result<(), DbError> {
    tx.run(
        "DELETE FROM item_batch_line
         WHERE batch_id IN (SELECT id FROM item_batch WHERE state = 'previewed' AND made_at < $1)",
        args![before],
    )
    .await?;
    tx.run("DELETE FROM item_batch WHERE state = 'previewed' AND made_at < $1", args![before]).await?;
    Ok(())
}

/// Deletes one that was only looked at.
pub(super) async fn forget(tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    tx.run("DELETE FROM item_batch_line WHERE batch_id = $1", args![id]).await?;
    tx.run("DELETE FROM item_batch WHERE id = $1 AND state = 'previewed'", args![id]).await?;
    Ok(())
}

pub(super) async fn insert(tx: &mut Tx, head: &Head, division: &str) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO item_batch (id, kind, state, by_id, by_name, division_code, deadline, note, made_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            head.id,
            &head.kind,
            &head.state,
            head.by_id,
            &head.by_name,
            division,
            &head.deadline,
            &head.note,
            head.made_at
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn set_state(tx: &mut Tx, id: Uuid, state: &str, note: &str, now: i64) -> Result<(), DbError> {
    tx.run(
        "UPDATE item_batch SET state = $2, note = $3, done_at = CASE WHEN $2 = 'done' THEN $4 ELSE done_at END,
                undone_at = CASE WHEN $2 = 'undone' THEN $4 ELSE undone_at END
         WHERE id = $1",
        args![id, state, note, now],
    )
    .await?;
    Ok(())
}

/// Writes lines, or what has become of them.
pub(super) async fn put_lines(tx: &mut Tx, id: Uuid, lines: &[Line]) -> Result<(), DbError> {
    let rows = lines
        .iter()
        .map(|line| {
            args![
                id,
                line.item_id,
                line.place,
                line.user_id,
                line.version,
                &line.outcome,
                &line.why,
                &line.was_state,
                line.was_assignee,
                &line.was_deadline
            ]
        })
        .collect();
    tx.insert_many(
        "INSERT INTO item_batch_line (batch_id, item_id, place, user_id, version, outcome, why, was_state, was_assignee,
                                      was_deadline)",
        "ON CONFLICT (batch_id, item_id) DO UPDATE SET version = excluded.version, outcome = excluded.outcome,
             why = excluded.why",
        rows,
    )
    .await?;
    Ok(())
}

/// The lines of some outcomes, in the order of their items: one order for everybody, so that no two batches wait for each
/// other.
pub(super) async fn lines_in(tx: &mut Tx, id: Uuid, outcomes: &[&str]) -> Result<Vec<Line>, DbError> {
    let sql = format!(
        "SELECT item_id, place, user_id, version, outcome, why, was_state, was_assignee, was_deadline
         FROM item_batch_line WHERE batch_id = $1 AND outcome IN ({}) ORDER BY item_id",
        places(2, outcomes.len())
    );
    let mut args = args![id];
    args.extend(outcomes.iter().map(|outcome| Value::from(*outcome)));
    tx.all(AssertSqlSafe(sql), args).await
}

/// The items that a batch would change.
pub(super) async fn ready(db: &Db, id: Uuid) -> Result<Vec<Uuid>, DbError> {
    let rows: Vec<(Uuid,)> = db
        .all("SELECT item_id FROM item_batch_line WHERE batch_id = $1 AND outcome IN ('ready', 'late')", args![id])
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

const OUTCOMES: &str = "SELECT outcome, COUNT(*) FROM item_batch_line WHERE batch_id = $1 GROUP BY outcome";

pub(super) async fn outcomes(db: &Db, id: Uuid) -> Result<Vec<(String, i64)>, DbError> {
    db.all(OUTCOMES, args![id]).await
}

pub(super) async fn outcomes_in(tx: &mut Tx, id: Uuid) -> Result<Vec<(String, i64)>, DbError> {
    tx.all(OUTCOMES, args![id]).await
}

/// Who gets how many of what is to be changed, or was.
pub(super) async fn shares(db: &Db, id: Uuid) -> Result<Vec<Share>, DbError> {
    db.all(
        "SELECT u.name, u.unit, u.role, COALESCE(d.full_name, u.division_code) AS division_name, x.n AS count
         FROM (SELECT user_id, COUNT(*) AS n FROM item_batch_line
               WHERE batch_id = $1 AND outcome IN ('ready', 'late', 'done', 'undone', 'kept') GROUP BY user_id) AS x
         JOIN app_user u ON u.id = x.user_id LEFT JOIN division d ON d.code = u.division_code
         ORDER BY x.n DESC, u.name, u.id",
        args![id],
    )
    .await
}

const LINE_COLUMNS: &str =
    "l.item_id, i.number, i.title, l.user_id, COALESCE(u.name, '') AS user_name, l.outcome, l.why,
     COALESCE(w.name, '') AS was_name, l.was_deadline";
const LINE_FROM: &str =
    "FROM item_batch_line l JOIN item i ON i.id = l.item_id LEFT JOIN app_user u ON u.id = l.user_id
     LEFT JOIN app_user w ON w.id = l.was_assignee";

/// The lines that were refused, left or kept, in order.
pub(super) async fn unhappy(db: &Db, scope: &Scope, id: Uuid) -> Result<Vec<BatchLine>, DbError> {
    let sql = format!(
        "SELECT {LINE_COLUMNS} {LINE_FROM}
         WHERE l.batch_id = $1 AND l.outcome IN ('refused', 'left', 'kept')
           AND i.division_code >= $2 AND i.division_code < $3 ORDER BY l.place"
    );
    db.all(AssertSqlSafe(sql), args![id, scope.lo(), scope.hi()]).await
}

/// The first lines, those that were not done before the others.
pub(super) async fn lines_shown(db: &Db, scope: &Scope, id: Uuid) -> Result<Vec<BatchLine>, DbError> {
    let sql = format!(
        "SELECT {LINE_COLUMNS} {LINE_FROM}
         WHERE l.batch_id = $1 AND i.division_code >= $2 AND i.division_code < $3
         ORDER BY CASE WHEN l.outcome IN ('refused', 'left', 'kept') THEN 0 ELSE 1 END, l.place LIMIT $4"
    );
    db.all(AssertSqlSafe(sql), args![id, scope.lo(), scope.hi(), SHOWN]).await
}

/// The officers of the villages of a scope, in the order in which they take turns.
pub(super) async fn officers(db: &Db, scope: &Scope) -> Result<Vec<Assignable>, DbError> {
    db.all(
        "SELECT id, login, name, unit, role, division_code FROM app_user
         WHERE disabled = FALSE AND role = 'village_officer' AND division_code >= $1 AND division_code < $2
         ORDER BY division_code, login",
        args![scope.lo(), scope.hi()],
    )
    .await
}

/// Users in use, by id.
pub(super) async fn assignable_in(tx: &mut Tx, users: &[Uuid]) -> Result<HashMap<Uuid, Assignable>, DbError> {
    let mut out = HashMap::new();
    for chunk in users.chunks(CHUNK) {
        let sql = format!(
            "SELECT id, login, name, unit, role, division_code FROM app_user WHERE disabled = FALSE AND id IN ({})",
            places(1, chunk.len())
        );
        let rows: Vec<Assignable> = tx.all(AssertSqlSafe(sql), chunk.iter().map(Value::from).collect()).await?;
        out.extend(rows.into_iter().map(|user| (user.id, user)));
    }
    Ok(out)
}

/// The items of some lines as they are now; those that the actor may not see are left out.
pub(super) async fn items_in(tx: &mut Tx, actor: &Actor, lines: &[Line]) -> Result<HashMap<Uuid, Item>, DbError> {
    let sql = format!(
        "SELECT {ITEM_COLUMNS} FROM item WHERE division_code >= $1 AND division_code < $2 AND id IN ({})",
        places(3, lines.len())
    );
    let mut args = args![actor.scope.lo(), actor.scope.hi()];
    args.extend(lines.iter().map(|line| Value::from(line.item_id)));
    let found: Vec<Item> = tx.all(AssertSqlSafe(sql), args).await?;
    Ok(found.into_iter().filter(|item| visible(actor, item)).map(|item| (item.id, item)).collect())
}

/// Writes to whom an item goes; false if somebody else changed it first. It is held from here on.
pub(super) async fn hand_over(tx: &mut Tx, item: &Item, now: i64) -> Result<bool, DbError> {
    let touched = tx
        .run(
            "UPDATE item SET state = $3, assignee_id = $4, deadline = $5, updated_at = $6, version = version + 1
             WHERE id = $1 AND version = $2",
            args![item.id, item.version, &item.state, item.assignee_id, &item.deadline, now],
        )
        .await?;
    Ok(touched == 1)
}

/// The names of those to whom some items are assigned.
pub(super) async fn names_in(tx: &mut Tx, items: &[Uuid]) -> Result<HashMap<Uuid, String>, DbError> {
    let sql = format!(
        "SELECT i.id, u.name FROM item i JOIN app_user u ON u.id = i.assignee_id WHERE i.id IN ({})",
        places(1, items.len())
    );
    let rows: Vec<(Uuid, String)> = tx.all(AssertSqlSafe(sql), items.iter().map(Value::from).collect()).await?;
    Ok(rows.into_iter().collect())
}

/// The items that somebody reminded of on a day.
pub(super) async fn reminded_on(db: &Db, by: Option<Uuid>, day: NaiveDate) -> Result<HashSet<Uuid>, DbError> {
    let rows: Vec<(Uuid,)> = db
        .all("SELECT item_id FROM item_reminder WHERE by_id IS NOT DISTINCT FROM $1 AND day = $2", args![by, day])
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// [`reminded_on`] of some items.
pub(super) async fn reminded_in(
    tx: &mut Tx,
    by: Option<Uuid>,
    day: NaiveDate,
    items: &[Uuid],
) -> Result<HashSet<Uuid>, DbError> {
    let sql = format!(
        "SELECT item_id FROM item_reminder WHERE by_id IS NOT DISTINCT FROM $1 AND day = $2 AND item_id IN ({})",
        places(3, items.len())
    );
    let mut args = args![by, day];
    args.extend(items.iter().map(Value::from));
    let rows: Vec<(Uuid,)> = tx.all(AssertSqlSafe(sql), args).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Puts reminders where those who have the items see them: (event, item, user).
pub(super) async fn remind(tx: &mut Tx, desk: &Desk, note: &str, new: &[(Uuid, Uuid, Uuid)]) -> Result<(), DbError> {
    let rows = new
        .iter()
        .map(|(_, item, user)| {
            args![ids::new_id(), *item, *user, desk.actor.user_id, &desk.actor.name, note, desk.day, desk.now]
        })
        .collect();
    tx.insert_many("INSERT INTO item_reminder (id, item_id, user_id, by_id, by_name, note, day, at)", "", rows).await?;
    Ok(())
}

/// Appends the events of a batch to items that this transaction holds. None of them moves the books.
pub(super) async fn append(tx: &mut Tx, desk: &Desk, note: &str, happened: &[Happened]) -> Result<(), DbError> {
    for chunk in happened.chunks(CHUNK) {
        let sql = format!(
            "SELECT item_id, CAST(MAX(seq) AS BIGINT) FROM item_event WHERE item_id IN ({}) GROUP BY item_id",
            places(1, chunk.len())
        );
        let last: Vec<(Uuid, i64)> =
            tx.all(AssertSqlSafe(sql), chunk.iter().map(|one| Value::from(one.item.id)).collect()).await?;
        let last: HashMap<Uuid, i64> = last.into_iter().collect();
        let rows = chunk
            .iter()
            .map(|one| {
                let item = &one.item;
                args![
                    one.event,
                    item.id,
                    last.get(&item.id).copied().unwrap_or(0) + 1,
                    item.round,
                    desk.now,
                    desk.day,
                    &item.division_code,
                    desk.actor.user_id,
                    &desk.actor.name,
                    one.action,
                    &one.from,
                    &item.state,
                    note,
                    one.data.to_string(),
                    &item.ledger,
                    &item.source,
                    item.household_id,
                    item.person_id,
                    one.version
                ]
            })
            .collect();
        tx.insert_many(
            "INSERT INTO item_event (id, item_id, seq, round, at, day, division_code, actor_id, actor_name, action,
                                     from_state, to_state, note, data, ledger, source, household_id, person_id, version)",
            "",
            rows,
        )
        .await?;
        let moved: Vec<Uuid> =
            chunk.iter().filter(|one| moves_on(one.action, &one.from)).map(|one| one.item.id).collect();
        if !moved.is_empty() {
            let sql = format!("UPDATE item SET worked_on = $1 WHERE id IN ({})", places(2, moved.len()));
            let mut args = args![desk.day];
            args.extend(moved.iter().map(Value::from));
            tx.run(AssertSqlSafe(sql), args).await?;
        }
    }
    Ok(())
}
