//! The SQL of money, look-backs, attachments that were taken away, and what was kept.

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::life::{Kept, LookBack, LookBackLine, LookBacks, Money};
use super::model::{Item, NewMoney};
use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError, Tx};

pub(super) async fn money(db: &Db, item: Uuid) -> Result<Vec<Money>, DbError> {
    db.all(
        "SELECT id, round, kind, source, fen, day, note, by_name, recorded_at, struck_at, struck_name, struck_why
         FROM item_money WHERE item_id = $1 ORDER BY recorded_at, id",
        args![item],
    )
    .await
}

pub(super) async fn insert_money(
    tx: &mut Tx,
    item: &Item,
    id: Uuid,
    money: &NewMoney,
    note: &str,
    by: &str,
    now: i64,
) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO item_money (id, item_id, round, kind, source, fen, day, note, by_name, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        args![id, item.id, item.round, money.kind.name(), &money.source, money.fen, money.day, note, by, now],
    )
    .await?;
    Ok(())
}

/// Strikes an entry that stands; the entry.
pub(super) async fn strike_money(
    tx: &mut Tx,
    item: Uuid,
    id: Uuid,
    by: &str,
    why: &str,
    now: i64,
) -> Result<Option<Money>, DbError> {
    tx.maybe(
        "UPDATE item_money SET struck_at = $3, struck_name = $4, struck_why = $5
         WHERE id = $1 AND item_id = $2 AND struck_at IS NULL
         RETURNING id, round, kind, source, fen, day, note, by_name, recorded_at, struck_at, struck_name, struck_why",
        args![id, item, now, by, why],
    )
    .await
}

/// Takes an attachment away that is there, of one sender or of anybody; its name and hash.
pub(super) async fn remove_attachment(
    tx: &mut Tx,
    item: Uuid,
    id: Uuid,
    sender: Option<Uuid>,
    by: &str,
    why: &str,
    now: i64,
) -> Result<Option<(String, String)>, DbError> {
    tx.maybe(
        "UPDATE attachment SET removed_at = $3, removed_name = $4, removed_why = $5
         WHERE id = $1 AND item_id = $2 AND removed_at IS NULL AND ($6 IS NULL OR uploaded_by = $6)
         RETURNING name, sha256",
        args![id, item, now, by, why, sender],
    )
    .await
}

pub(super) async fn plan_look_back(
    tx: &mut Tx,
    id: Uuid,
    item: Uuid,
    round: i64,
    due: NaiveDate,
) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO item_look_back (id, item_id, round, due, state) VALUES ($1, $2, $3, $4, 'due')
         ON CONFLICT (item_id, round) DO NOTHING",
        args![id, item, round, due],
    )
    .await?;
    Ok(())
}

pub(super) async fn look_back_in(tx: &mut Tx, item: Uuid, round: i64) -> Result<Option<LookBack>, DbError> {
    tx.maybe(
        "SELECT round, due, state, done_on, done_name FROM item_look_back WHERE item_id = $1 AND round = $2",
        args![item, round],
    )
    .await
}

pub(super) async fn look_back(db: &Db, item: Uuid, round: i64) -> Result<Option<LookBack>, DbError> {
    db.maybe(
        "SELECT round, due, state, done_on, done_name FROM item_look_back WHERE item_id = $1 AND round = $2",
        args![item, round],
    )
    .await
}

pub(super) async fn end_look_back(
    tx: &mut Tx,
    id: Uuid,
    item: Uuid,
    round: i64,
    state: &str,
    day: NaiveDate,
    by: &str,
) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO item_look_back (id, item_id, round, due, state, done_on, done_name)
         VALUES ($1, $2, $3, $4, $5, $4, $6)
         ON CONFLICT (item_id, round) DO UPDATE
         SET state = excluded.state, done_on = excluded.done_on, done_name = excluded.done_name",
        args![id, item, round, day, state, by],
    )
    .await?;
    Ok(())
}

/// How many look-backs of a scope are due, due later, done and held, done and relapsed. One whose item was reopened
/// meanwhile by something else is due no more.
pub(super) async fn look_back_counts(db: &Db, scope: &Scope, today: NaiveDate) -> Result<[i64; 4], DbError> {
    let (due, later, held, relapsed): (i64, i64, i64, i64) = db
        .one(
            "SELECT COUNT(CASE WHEN b.state = 'due' AND i.state = 'closed' AND b.round = i.round AND b.due <= $3 THEN 1 END),
                    COUNT(CASE WHEN b.state = 'due' AND i.state = 'closed' AND b.round = i.round AND b.due > $3 THEN 1 END),
                    COUNT(CASE WHEN b.state = 'held' THEN 1 END),
                    COUNT(CASE WHEN b.state = 'relapsed' THEN 1 END)
             FROM item_look_back b JOIN item i ON i.id = b.item_id
             WHERE i.division_code >= $1 AND i.division_code < $2",
            args![scope.lo(), scope.hi(), today],
        )
        .await?;
    Ok([due, later, held, relapsed])
}

pub(super) async fn look_backs(
    db: &Db,
    scope: &Scope,
    me: Option<Uuid>,
    which: LookBacks,
    today: NaiveDate,
) -> Result<Vec<LookBackLine>, DbError> {
    let sql = format!(
        "SELECT b.item_id, i.number, i.title, COALESCE(d.name, i.division_code) AS division_name, i.closed_on, b.due,
                b.done_on, b.done_name,
                (COALESCE(i.checked_by = $4, FALSE) OR COALESCE(i.submitted_by = $4, FALSE)) AS own
         FROM item_look_back b JOIN item i ON i.id = b.item_id LEFT JOIN division d ON d.code = i.division_code
         WHERE i.division_code >= $1 AND i.division_code < $2 AND {} ORDER BY {} LIMIT 200",
        listed(which),
        order(which)
    );
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), today, me]).await
}

fn listed(which: LookBacks) -> &'static str {
    match which {
        LookBacks::Due => "b.state = 'due' AND i.state = 'closed' AND b.round = i.round AND b.due <= $3",
        LookBacks::Later => "b.state = 'due' AND i.state = 'closed' AND b.round = i.round AND b.due > $3",
        LookBacks::Held => "b.state = 'held' AND CAST($3 AS TEXT) <> ''",
        LookBacks::Relapsed => "b.state = 'relapsed' AND CAST($3 AS TEXT) <> ''",
    }
}

fn order(which: LookBacks) -> &'static str {
    match which {
        LookBacks::Due | LookBacks::Later => "b.due, i.number",
        LookBacks::Held | LookBacks::Relapsed => "b.done_on DESC, i.number",
    }
}

pub(super) async fn keep(tx: &mut Tx, kept: &Kept, item: Uuid, user: Uuid) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO item_kept (id, item_id, user_id, action, note, acted_at, why, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
        args![kept.id, item, user, &kept.action, &kept.note, kept.acted_at, &kept.why, kept.at],
    )
    .await?;
    Ok(())
}

pub(super) async fn kept(db: &Db, item: Uuid, user: Uuid) -> Result<Vec<Kept>, DbError> {
    db.all(
        "SELECT id, action, note, acted_at, why, at FROM item_kept
         WHERE item_id = $1 AND user_id = $2 AND settled_at IS NULL ORDER BY at, id",
        args![item, user],
    )
    .await
}

pub(super) async fn settle(tx: &mut Tx, kept: Uuid, item: Uuid, user: Uuid, now: i64) -> Result<(), DbError> {
    tx.run(
        "UPDATE item_kept SET settled_at = $4 WHERE id = $1 AND item_id = $2 AND user_id = $3 AND settled_at IS NULL",
        args![kept, item, user, now],
    )
    .await?;
    Ok(())
}
