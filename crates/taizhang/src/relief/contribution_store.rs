//! All SQL of contributions.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::contributions::{Contribution, Filter, Given};
use crate::access::Scope;
use crate::args;
use crate::assess::places;
use crate::platform::{Db, DbError, Tx, Value};

/// A contribution with the household that gave it.
const LINE: &str = "c.id, c.household_id, c.division_code, COALESCE(h.head_name, '') AS head_name,
            COALESCE(d.name, '') AS place, c.who, c.kind, c.given_on, c.half_days, c.amount_fen, c.goods, c.for_whom, c.note,
            c.thanked_on, c.thanked_how, c.void_why, c.by_user, c.by_name, c.fingerprint
     FROM contribution c LEFT JOIN household h ON h.id = c.household_id LEFT JOIN division d ON d.code = c.division_code";
/// What a list or a total asks: $3 kind, $4 and $5 days, $6 only what nobody said thanks for.
const ASKED: &str = "c.division_code >= $1 AND c.division_code < $2 AND c.void_why = '' AND ($3 = '' OR c.kind = $3)
       AND c.given_on >= $4 AND c.given_on <= $5 AND (NOT $6 OR c.thanked_on = '')";
/// What contributions come to.
const FIGURES: &str = "COUNT(*) AS entries, COUNT(DISTINCT c.household_id) AS households,
        COUNT(CASE WHEN c.kind = 'work' THEN 1 END) AS work_n,
        CAST(COALESCE(SUM(c.half_days), 0) AS BIGINT) AS half_days,
        COUNT(CASE WHEN c.kind = 'money' THEN 1 END) AS money_n,
        CAST(COALESCE(SUM(CASE WHEN c.kind = 'money' THEN c.amount_fen ELSE 0 END), 0) AS BIGINT) AS money_fen,
        COUNT(CASE WHEN c.kind = 'goods' THEN 1 END) AS goods_n,
        CAST(COALESCE(SUM(CASE WHEN c.kind = 'goods' THEN c.amount_fen ELSE 0 END), 0) AS BIGINT) AS goods_fen,
        COUNT(CASE WHEN c.thanked_on = '' THEN 1 END) AS unthanked";

fn asked(scope: &Scope, filter: &Filter) -> Vec<Value> {
    let to = if filter.to.is_empty() { "9999" } else { filter.to.as_str() };
    args![scope.lo(), scope.hi(), &filter.kind, &filter.from, to, filter.unthanked]
}

/// Writes a contribution; false where one of that id is there.
pub(super) async fn insert(tx: &mut Tx, contribution: &Contribution, now: i64) -> Result<bool, DbError> {
    let rows = tx
        .run(
            "INSERT INTO contribution (id, household_id, division_code, who, kind, given_on, half_days, amount_fen, goods,
                 for_whom, note, thanked_on, thanked_how, void_why, by_user, by_name, fingerprint, recorded_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '', '', '', $12, $13, $14, $15) ON CONFLICT (id) DO NOTHING",
            args![
                contribution.id,
                contribution.household_id,
                &contribution.division_code,
                &contribution.who,
                &contribution.kind,
                &contribution.given_on,
                contribution.half_days,
                contribution.amount_fen,
                &contribution.goods,
                &contribution.for_whom,
                &contribution.note,
                contribution.by_user,
                &contribution.by_name,
                contribution.fingerprint,
                now
            ],
        )
        .await?;
    Ok(rows > 0)
}

pub(super) async fn fingerprint(tx: &mut Tx, id: Uuid) -> Result<Option<i64>, DbError> {
    let row: Option<(i64,)> = tx.maybe("SELECT fingerprint FROM contribution WHERE id = $1", args![id]).await?;
    Ok(row.map(|(known,)| known))
}

/// Writes thanks or the reason of a strike; false where it was struck meanwhile.
pub(super) async fn update(tx: &mut Tx, contribution: &Contribution) -> Result<bool, DbError> {
    let rows = tx
        .run(
            "UPDATE contribution SET thanked_on = $2, thanked_how = $3, void_why = $4 WHERE id = $1 AND void_why = ''",
            args![contribution.id, &contribution.thanked_on, &contribution.thanked_how, &contribution.void_why],
        )
        .await?;
    Ok(rows > 0)
}

pub(super) async fn one(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Contribution>, DbError> {
    let sql = format!("SELECT {LINE} WHERE c.id = $3 AND c.division_code >= $1 AND c.division_code < $2");
    db.maybe(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), id]).await
}

pub(super) async fn of_household(db: &Db, scope: &Scope, household: Uuid) -> Result<Vec<Contribution>, DbError> {
    let sql = format!(
        "SELECT {LINE} WHERE c.household_id = $3 AND c.division_code >= $1 AND c.division_code < $2 AND c.void_why = ''
         ORDER BY c.given_on DESC, c.id DESC"
    );
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), household]).await
}

/// What was given by the division of that length.
pub(super) async fn totals(db: &Db, scope: &Scope, filter: &Filter, length: i64) -> Result<Vec<Given>, DbError> {
    let sql = format!(
        "SELECT SUBSTR(c.division_code, 1, CAST($7 AS INTEGER)) AS code, {FIGURES} FROM contribution c WHERE {ASKED}
         GROUP BY 1 ORDER BY 1"
    );
    let mut args = asked(scope, filter);
    args.push(length.into());
    db.all(AssertSqlSafe(sql), args).await
}

/// What some households gave.
pub(super) async fn own_totals(db: &Db, scope: &Scope, filter: &Filter, own: &[Uuid]) -> Result<Vec<Given>, DbError> {
    let mut out: Vec<Given> = Vec::new();
    for chunk in own.chunks(500) {
        let sql = format!(
            "SELECT '' AS code, {FIGURES} FROM contribution c WHERE {ASKED} AND c.household_id IN ({})",
            places(7, chunk.len())
        );
        let mut args = asked(scope, filter);
        args.extend(chunk.iter().map(Value::from));
        out.extend(db.all::<Given>(AssertSqlSafe(sql), args).await?);
    }
    Ok(out)
}

pub(super) async fn list(
    db: &Db,
    scope: &Scope,
    filter: &Filter,
    (offset, limit): (i64, i64),
) -> Result<Vec<Contribution>, DbError> {
    let sql = format!("SELECT {LINE} WHERE {ASKED} ORDER BY c.given_on DESC, c.division_code, c.id LIMIT $7 OFFSET $8");
    let mut args = asked(scope, filter);
    args.extend(args![limit, offset]);
    db.all(AssertSqlSafe(sql), args).await
}

pub(super) async fn count(db: &Db, scope: &Scope, filter: &Filter) -> Result<i64, DbError> {
    let sql = format!("SELECT COUNT(*) FROM contribution c WHERE {ASKED}");
    Ok(db.one::<(i64,)>(AssertSqlSafe(sql), asked(scope, filter)).await?.0)
}

/// Contributions of some households.
pub(super) async fn own_list(
    db: &Db,
    scope: &Scope,
    filter: &Filter,
    own: &[Uuid],
) -> Result<Vec<Contribution>, DbError> {
    let mut out: Vec<Contribution> = Vec::new();
    for chunk in own.chunks(500) {
        let sql = format!("SELECT {LINE} WHERE {ASKED} AND c.household_id IN ({})", places(7, chunk.len()));
        let mut args = asked(scope, filter);
        args.extend(chunk.iter().map(Value::from));
        out.extend(db.all::<Contribution>(AssertSqlSafe(sql), args).await?);
    }
    out.sort_by(|a, b| (&b.given_on, b.id).cmp(&(&a.given_on, a.id)));
    Ok(out)
}
