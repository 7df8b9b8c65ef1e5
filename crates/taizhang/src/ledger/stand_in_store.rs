//! The SQL of proxies and handovers.

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::model::{Assignable, Item, Line};
use super::stand_in::{Holder, NewProxy, Proxy};
use super::store::ITEM_COLUMNS;
use crate::access::{Actor, Scope};
use crate::args;
use crate::platform::{Db, DbError, Tx};

pub(super) async fn stands_in_tx(tx: &mut Tx, me: Uuid, whom: Uuid, day: NaiveDate) -> Result<bool, DbError> {
    let found: Option<(Uuid,)> = tx
        .maybe(
            "SELECT id FROM item_proxy
             WHERE proxy_id = $1 AND user_id = $2 AND ended_at IS NULL AND from_day <= $3 AND until_day >= $3 LIMIT 1",
            args![me, whom, day],
        )
        .await?;
    Ok(found.is_some())
}

/// The name of somebody for whom a user stands in on a day.
pub(super) async fn stands_in(db: &Db, me: Uuid, whom: Uuid, day: NaiveDate) -> Result<Option<String>, DbError> {
    let found: Option<(String,)> = db
        .maybe(
            "SELECT u.name FROM item_proxy p JOIN app_user u ON u.id = p.user_id
             WHERE p.proxy_id = $1 AND p.user_id = $2 AND p.ended_at IS NULL AND p.from_day <= $3 AND p.until_day >= $3
             LIMIT 1",
            args![me, whom, day],
        )
        .await?;
    Ok(found.map(|row| row.0))
}

/// An item of somebody for whom a user stands in on a day.
pub(super) async fn item_of_others(
    db: &Db,
    scope: &Scope,
    me: Uuid,
    item: Uuid,
    day: NaiveDate,
) -> Result<Option<Item>, DbError> {
    let sql = format!(
        "SELECT {ITEM_COLUMNS} FROM item
         WHERE id = $1 AND division_code >= $2 AND division_code < $3
           AND assignee_id IN (SELECT p.user_id FROM item_proxy p
                               WHERE p.proxy_id = $4 AND p.ended_at IS NULL AND p.from_day <= $5 AND p.until_day >= $5)"
    );
    db.maybe(AssertSqlSafe(sql), args![item, scope.lo(), scope.hi(), me, day]).await
}

/// Open items of those for whom a user stands in on a day.
pub(super) async fn lines(db: &Db, scope: &Scope, me: Uuid, day: NaiveDate) -> Result<Vec<Line>, DbError> {
    db.all(
        "SELECT i.id, i.number, i.ledger, i.source, i.rule_id, i.title, i.level, i.state, i.round, i.opened_on,
                i.deadline, i.owner_unit, i.owner_name, u.name AS assignee_name, i.household_id, COALESCE(h.head_name, '') AS head_name,
                i.division_code, COALESCE(d.name, i.division_code) AS division_name, i.updated_at, i.version
         FROM item i JOIN app_user u ON u.id = i.assignee_id
         LEFT JOIN household h ON h.id = i.household_id LEFT JOIN division d ON d.code = i.division_code
         WHERE i.division_code >= $1 AND i.division_code < $2 AND i.state NOT IN ('closed', 'cancelled')
           AND i.assignee_id IN (SELECT p.user_id FROM item_proxy p
                                 WHERE p.proxy_id = $3 AND p.ended_at IS NULL AND p.from_day <= $4 AND p.until_day >= $4)
         ORDER BY i.deadline, i.number LIMIT 500",
        args![scope.lo(), scope.hi(), me, day],
    )
    .await
}

/// Writes a proxy down; false if it was before.
pub(super) async fn insert(tx: &mut Tx, new: &NewProxy, reason: &str, by: &str, now: i64) -> Result<bool, DbError> {
    let written = tx
        .run(
            "INSERT INTO item_proxy (id, user_id, proxy_id, from_day, until_day, reason, created_name, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
            args![new.id, new.user, new.proxy, new.from, new.until, reason, by, now],
        )
        .await?;
    Ok(written == 1)
}

/// Whether a proxy that was written down before says the same.
pub(super) async fn is_same(tx: &mut Tx, new: &NewProxy, reason: &str) -> Result<bool, DbError> {
    let found: Option<(Uuid,)> = tx
        .maybe(
            "SELECT id FROM item_proxy
             WHERE id = $1 AND user_id = $2 AND proxy_id = $3 AND from_day = $4 AND until_day = $5 AND reason = $6",
            args![new.id, new.user, new.proxy, new.from, new.until, reason],
        )
        .await?;
    Ok(found.is_some())
}

/// Whose items a proxy is about.
pub(super) async fn user_of(tx: &mut Tx, proxy: Uuid) -> Result<Option<Assignable>, DbError> {
    tx.maybe(
        "SELECT u.id, u.login, u.name, u.unit, u.role, u.division_code
         FROM item_proxy p JOIN app_user u ON u.id = p.user_id WHERE p.id = $1",
        args![proxy],
    )
    .await
}

/// Ends a proxy; false if it had ended.
pub(super) async fn end(tx: &mut Tx, proxy: Uuid, by: &str, now: i64) -> Result<bool, DbError> {
    let ended = tx
        .run(
            "UPDATE item_proxy SET ended_at = $2, ended_name = $3 WHERE id = $1 AND ended_at IS NULL",
            args![proxy, now, by],
        )
        .await?;
    Ok(ended == 1)
}

/// Proxies that have not ended by a day: of one's own, and where `all` of everybody in the scope.
pub(super) async fn proxies(
    db: &Db,
    scope: &Scope,
    me: Option<Uuid>,
    all: bool,
    day: NaiveDate,
) -> Result<Vec<Proxy>, DbError> {
    db.all(
        "SELECT p.id, p.user_id, u.name AS user_name, p.proxy_id, x.name AS proxy_name, p.from_day, p.until_day, p.reason,
                p.created_name,
                (SELECT COUNT(*) FROM item i WHERE i.assignee_id = p.user_id AND i.state NOT IN ('closed', 'cancelled')
                    AND i.division_code >= $1 AND i.division_code < $2) AS open
         FROM item_proxy p JOIN app_user u ON u.id = p.user_id JOIN app_user x ON x.id = p.proxy_id
         WHERE p.ended_at IS NULL AND p.until_day >= $5
           AND (p.user_id = $3 OR p.proxy_id = $3 OR ($4 AND u.division_code >= $1 AND u.division_code < $2))
         ORDER BY p.from_day, u.name, p.id LIMIT 200",
        args![scope.lo(), scope.hi(), me, all, day],
    )
    .await
}

/// Who has open items in a scope.
pub(super) async fn holders(db: &Db, scope: &Scope) -> Result<Vec<Holder>, DbError> {
    db.all(
        "SELECT u.id, u.login, u.name, u.unit, u.role, u.division_code, u.disabled, h.open
         FROM (SELECT i.assignee_id, COUNT(*) AS open FROM item i
               WHERE i.state NOT IN ('closed', 'cancelled') AND i.division_code >= $1 AND i.division_code < $2
                 AND i.assignee_id IS NOT NULL
               GROUP BY i.assignee_id) h
         JOIN app_user u ON u.id = h.assignee_id
         ORDER BY u.disabled DESC, h.open DESC, u.name, u.id LIMIT 300",
        args![scope.lo(), scope.hi()],
    )
    .await
}

/// Somebody with their open items in a scope; none who has none there.
pub(super) async fn holder(db: &Db, scope: &Scope, user: Uuid) -> Result<Option<Holder>, DbError> {
    db.maybe(
        "SELECT u.id, u.login, u.name, u.unit, u.role, u.division_code, u.disabled,
                (SELECT COUNT(*) FROM item i WHERE i.assignee_id = u.id AND i.state NOT IN ('closed', 'cancelled')
                    AND i.division_code >= $1 AND i.division_code < $2) AS open
         FROM app_user u
         WHERE u.id = $3
           AND ((u.division_code >= $1 AND u.division_code < $2)
                OR EXISTS (SELECT 1 FROM item i WHERE i.assignee_id = u.id AND i.division_code >= $1 AND i.division_code < $2))",
        args![scope.lo(), scope.hi(), user],
    )
    .await
}

/// Open items of somebody in a scope.
pub(super) async fn items(db: &Db, scope: &Scope, user: Uuid) -> Result<Vec<Item>, DbError> {
    let sql = format!(
        "SELECT {ITEM_COLUMNS} FROM item
         WHERE assignee_id = $1 AND state NOT IN ('closed', 'cancelled') AND division_code >= $2 AND division_code < $3
         ORDER BY id LIMIT 10001"
    );
    db.all(AssertSqlSafe(sql), args![user, scope.lo(), scope.hi()]).await
}

/// [`items`], held until the transaction ends.
pub(super) async fn items_held(tx: &mut Tx, scope: &Scope, user: Uuid) -> Result<Vec<Item>, DbError> {
    tx.run(
        "UPDATE item SET version = version
         WHERE assignee_id = $1 AND state NOT IN ('closed', 'cancelled') AND division_code >= $2 AND division_code < $3",
        args![user, scope.lo(), scope.hi()],
    )
    .await?;
    let sql = format!(
        "SELECT {ITEM_COLUMNS} FROM item
         WHERE assignee_id = $1 AND state NOT IN ('closed', 'cancelled') AND division_code >= $2 AND division_code < $3
         ORDER BY id LIMIT 10001"
    );
    tx.all(AssertSqlSafe(sql), args![user, scope.lo(), scope.hi()]).await
}

/// Hash and count of a handover that was done before.
pub(super) async fn handover_known(tx: &mut Tx, batch: Uuid) -> Result<Option<(String, i64)>, DbError> {
    tx.maybe("SELECT payload, moved FROM item_handover WHERE id = $1", args![batch]).await
}

#[allow(clippy::too_many_arguments)]
pub(super) async fn insert_handover(
    tx: &mut Tx,
    batch: Uuid,
    from: Uuid,
    to: Uuid,
    by: &Actor,
    payload: &str,
    moved: u64,
    now: i64,
) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO item_handover (id, from_id, to_id, division_code, payload, moved, by_name, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![batch, from, to, by.scope.root(), payload, moved as i64, &by.name, now],
    )
    .await?;
    Ok(())
}
