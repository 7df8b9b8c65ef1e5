//! The SQL of kept views.

use uuid::Uuid;

use super::views::View;
use crate::args;
use crate::platform::{Db, DbError, Tx};

pub(super) struct NewView {
    pub(super) id: Uuid,
    pub(super) user: Uuid,
    pub(super) name: String,
    pub(super) query: String,
    pub(super) shared: bool,
    pub(super) unit: String,
    pub(super) division: String,
}

pub(super) async fn of(db: &Db, user: Uuid, division: &str, unit: &str) -> Result<Vec<View>, DbError> {
    db.all(
        "SELECT v.id, v.owner_id, u.name AS owner_name, v.name, v.query, v.shared
         FROM ledger_view v JOIN app_user u ON u.id = v.owner_id
         WHERE v.owner_id = $1
            OR (v.shared = TRUE AND v.division_code = $2 AND v.unit = $3 AND u.division_code = $2 AND u.unit = $3
                AND u.disabled = FALSE)
         ORDER BY CASE WHEN v.owner_id = $1 THEN 0 ELSE 1 END, v.name, v.id",
        args![user, division, unit],
    )
    .await
}

/// How many views of other names somebody has.
pub(super) async fn count_others(tx: &mut Tx, user: Uuid, name: &str) -> Result<i64, DbError> {
    let (n,): (i64,) =
        tx.one("SELECT COUNT(*) FROM ledger_view WHERE owner_id = $1 AND name <> $2", args![user, name]).await?;
    Ok(n)
}

pub(super) async fn keep(tx: &mut Tx, new: NewView, now: i64) -> Result<Uuid, DbError> {
    let (id,): (Uuid,) = tx
        .one(
            "INSERT INTO ledger_view (id, owner_id, name, query, shared, unit, division_code, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (owner_id, name) DO UPDATE SET query = excluded.query, shared = excluded.shared,
                 unit = excluded.unit, division_code = excluded.division_code, updated_at = excluded.updated_at
             RETURNING id",
            args![new.id, new.user, new.name, new.query, new.shared, new.unit, new.division, now],
        )
        .await?;
    Ok(id)
}

pub(super) async fn drop_view(tx: &mut Tx, user: Uuid, id: Uuid) -> Result<bool, DbError> {
    Ok(tx.run("DELETE FROM ledger_view WHERE id = $1 AND owner_id = $2", args![id, user]).await? == 1)
}
