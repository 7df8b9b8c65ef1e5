//! All SQL of the history.

use uuid::Uuid;

use super::desk::Stamp;
use super::history::{Past, Written};
use crate::args;
use crate::platform::{Db, DbError, Tx};

pub(super) async fn known(tx: &mut Tx, event: Uuid) -> Result<Option<(String, String, i64)>, DbError> {
    tx.maybe("SELECT payload, by_name, at FROM tasks_history WHERE id = $1", args![event]).await
}

pub(super) async fn append(tx: &mut Tx, stamp: &Stamp<'_>, written: &Written<'_>) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO tasks_history (id, object_id, division_code, seq, at, day, action, note, data, by_user, by_name, payload)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        args![
            written.event,
            written.object,
            written.division,
            written.seq,
            stamp.now,
            stamp.day,
            written.action,
            written.note,
            written.data.to_string(),
            stamp.actor.user_id,
            &stamp.actor.name,
            written.payload
        ],
    )
    .await
    .map(|_| ())
}

pub(super) async fn of(db: &Db, object: Uuid) -> Result<Vec<Past>, DbError> {
    db.all(
        "SELECT id, seq, at, day, action, note, data, by_name FROM tasks_history WHERE object_id = $1
         ORDER BY at DESC, seq DESC, id DESC",
        args![object],
    )
    .await
}
