//! All SQL of contacts: who was reached, from where households stand after their visits.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::contacts::{Reach, Touch};
use crate::access::Scope;
use crate::args;
use crate::assess::places;
use crate::platform::{Db, DbError, Value};

/// Figures of registered households since day $3.
const FIGURES: &str = "COUNT(*) AS registered, COUNT(CASE WHEN s.last_on >= $3 THEN 1 END) AS reached,
        COUNT(CASE WHEN s.last_on_site >= $3 THEN 1 END) AS on_site, COUNT(CASE WHEN s.last_phone >= $3 THEN 1 END) AS phone,
        COUNT(CASE WHEN s.last_wechat >= $3 THEN 1 END) AS wechat, COUNT(CASE WHEN s.last_video >= $3 THEN 1 END) AS video,
        COUNT(CASE WHEN s.last_on >= $3 AND s.last_on_site < $3 THEN 1 END) AS remote,
        COUNT(CASE WHEN s.household_id IS NULL OR s.last_on < $3 THEN 1 END) AS missed,
        COUNT(CASE WHEN s.household_id IS NULL OR s.last_on = '' THEN 1 END) AS never
     FROM household h LEFT JOIN household_visited s ON s.household_id = h.id
     WHERE h.division_code >= $1 AND h.division_code < $2";
/// A household in a list.
const LINE: &str = "h.id, h.household_no, h.head_name, h.division_code, COALESCE(d.name, '') AS place,
            COALESCE(t.name, '') AS township, COALESCE(s.last_on, '') AS last_on, COALESCE(s.last_on_site, '') AS last_on_site,
            COALESCE(s.last_phone, '') AS last_phone, COALESCE(s.last_wechat, '') AS last_wechat,
            COALESCE(s.last_video, '') AS last_video
     FROM household h LEFT JOIN household_visited s ON s.household_id = h.id
     LEFT JOIN division d ON d.code = SUBSTR(h.division_code, 1, 12)
     LEFT JOIN division t ON t.code = SUBSTR(h.division_code, 1, 9)
     WHERE h.division_code >= $1 AND h.division_code < $2
       AND CASE $4 WHEN 'reached' THEN COALESCE(s.last_on, '') >= $3
                   WHEN 'on_site' THEN COALESCE(s.last_on_site, '') >= $3
                   WHEN 'phone' THEN COALESCE(s.last_phone, '') >= $3
                   WHEN 'wechat' THEN COALESCE(s.last_wechat, '') >= $3
                   WHEN 'video' THEN COALESCE(s.last_video, '') >= $3
                   WHEN 'remote' THEN COALESCE(s.last_on, '') >= $3 AND COALESCE(s.last_on_site, '') < $3
                   WHEN 'missed' THEN COALESCE(s.last_on, '') < $3
                   ELSE COALESCE(s.last_on, '') = '' END";

/// Figures by the division of that length.
pub(super) async fn reach(db: &Db, scope: &Scope, since: &str, length: i64) -> Result<Vec<Reach>, DbError> {
    let sql =
        format!("SELECT SUBSTR(h.division_code, 1, CAST($4 AS INTEGER)) AS code, {FIGURES} GROUP BY 1 ORDER BY 1");
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), since, length]).await
}

/// Figures of some households.
pub(super) async fn own_reach(db: &Db, scope: &Scope, since: &str, own: &[Uuid]) -> Result<Vec<Reach>, DbError> {
    let mut out: Vec<Reach> = Vec::new();
    for chunk in own.chunks(500) {
        let sql = format!("SELECT '' AS code, {FIGURES} AND h.id IN ({})", places(4, chunk.len()));
        let mut args = args![scope.lo(), scope.hi(), since];
        args.extend(chunk.iter().map(Value::from));
        out.extend(db.all::<Reach>(AssertSqlSafe(sql), args).await?);
    }
    Ok(out)
}

/// One page of the households behind a figure.
pub(super) async fn list(
    db: &Db,
    scope: &Scope,
    since: &str,
    figure: &str,
    (offset, limit): (i64, i64),
) -> Result<Vec<Touch>, DbError> {
    let sql = format!("SELECT {LINE} ORDER BY h.division_code, h.household_no LIMIT $5 OFFSET $6");
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), since, figure, limit, offset]).await
}

/// Those of some households that are behind a figure.
pub(super) async fn own_list(
    db: &Db,
    scope: &Scope,
    since: &str,
    figure: &str,
    own: &[Uuid],
) -> Result<Vec<Touch>, DbError> {
    let mut out: Vec<Touch> = Vec::new();
    for chunk in own.chunks(500) {
        let sql = format!("SELECT {LINE} AND h.id IN ({})", places(5, chunk.len()));
        let mut args = args![scope.lo(), scope.hi(), since, figure];
        args.extend(chunk.iter().map(Value::from));
        out.extend(db.all::<Touch>(AssertSqlSafe(sql), args).await?);
    }
    out.sort_by(|a, b| (&a.division_code, &a.household_no).cmp(&(&b.division_code, &b.household_no)));
    Ok(out)
}
