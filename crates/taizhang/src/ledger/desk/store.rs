//! The SQL of somebody's work, of the board and of the calendar.

use chrono::NaiveDate;
use uuid::Uuid;

use super::Reminder;
use crate::access::{Actor, Scope};
use crate::args;
use crate::ledger::list_store::lines_of;
use crate::ledger::model::Line;
use crate::ledger::store::own_only;
use crate::platform::{Db, DbError, Tx};

/// Reminders that are shown.
const REMINDERS: i64 = 50;

/// What of a scope waits for a check of somebody who had no hand in its work; the first lines by deadline, and how many.
pub(super) async fn to_check(db: &Db, scope: &Scope, user: Uuid, limit: usize) -> Result<(Vec<Line>, i64), DbError> {
    let rows: Vec<(Uuid,)> = db
        .all(
            "SELECT i.id FROM item i
             WHERE i.state IN ('submitted', 'checking') AND i.division_code >= $1 AND i.division_code < $2
               AND i.submitted_by IS DISTINCT FROM $3
               AND NOT EXISTS (SELECT 1 FROM item_event e
                               WHERE e.item_id = i.id AND e.round = i.round AND (e.actor_id = $3 OR e.for_id = $3)
                                 AND (e.action IN ('start', 'progress', 'measure', 'submit')
                                      OR (e.action = 'attach' AND e.from_state NOT IN ('submitted', 'checking'))))
             ORDER BY i.deadline, i.number",
            args![scope.lo(), scope.hi(), user],
        )
        .await?;
    let shown: Vec<Uuid> = rows.iter().take(limit).map(|(id,)| *id).collect();
    Ok((lines_of(db, &shown).await?, rows.len() as i64))
}

pub(super) async fn reminders(db: &Db, scope: &Scope, user: Uuid) -> Result<Vec<Reminder>, DbError> {
    db.all(
        "SELECT r.id, r.item_id, i.number, i.title, i.deadline, r.by_name, r.note, r.at
         FROM item_reminder r JOIN item i ON i.id = r.item_id
         WHERE r.user_id = $1 AND r.seen_at IS NULL AND i.assignee_id = $1
           AND i.state NOT IN ('closed', 'cancelled') AND i.division_code >= $2 AND i.division_code < $3
         ORDER BY r.at DESC, i.deadline, i.number LIMIT $4",
        args![user, scope.lo(), scope.hi(), REMINDERS],
    )
    .await
}

pub(super) async fn see(tx: &mut Tx, user: Uuid, until: i64, now: i64) -> Result<u64, DbError> {
    tx.run(
        "UPDATE item_reminder SET seen_at = $3 WHERE user_id = $1 AND seen_at IS NULL AND at <= $2",
        args![user, until, now],
    )
    .await
}

/// Open items by state: how many, and how many are overdue.
pub(super) async fn by_state(
    db: &Db,
    actor: &Actor,
    scope: &Scope,
    ledger: &str,
    today: NaiveDate,
) -> Result<Vec<(String, i64, i64)>, DbError> {
    db.all(
        "SELECT state, COUNT(*), COUNT(CASE WHEN deadline < $3 THEN 1 END) FROM item
         WHERE state NOT IN ('closed', 'cancelled') AND division_code >= $1 AND division_code < $2
           AND ($4 = '' OR ledger = $4) AND (assignee_id = $5 OR $5 IS NULL) GROUP BY state",
        args![scope.lo(), scope.hi(), today, ledger, own_only(actor)],
    )
    .await
}

/// Open items of a scope by deadline, between two days; of somebody's own only where `own`.
pub(super) async fn due(
    db: &Db,
    actor: &Actor,
    scope: &Scope,
    own: bool,
    (first, last): (NaiveDate, NaiveDate),
) -> Result<Vec<(String, i64)>, DbError> {
    let user = if own { actor.user_id.or(Some(Uuid::nil())) } else { own_only(actor) };
    db.all(
        "SELECT deadline, COUNT(*) FROM item
         WHERE state NOT IN ('closed', 'cancelled') AND deadline >= $3 AND deadline <= $4
           AND CAST(division_code AS TEXT) >= $1 AND CAST(division_code AS TEXT) < $2 AND (assignee_id = $5 OR $5 IS NULL)
         GROUP BY deadline",
        args![scope.lo(), scope.hi(), first, last, user],
    )
    .await
}
