//! All SQL of the gap check.

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;

use super::gaps::{Asked, GapLine, State};
use crate::access::Scope;
use crate::args;
use crate::assess::profile::checks::{Checks, Indicator, Outcome};
use crate::platform::{Db, DbError, Value};

fn as_int(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(0)
}

/// Registered households by the division of that length.
pub(super) async fn registered(db: &Db, scope: &Scope, length: usize) -> Result<Vec<(String, i64)>, DbError> {
    db.all(
        "SELECT SUBSTR(division_code, 1, CAST($3 AS INTEGER)) AS code, COUNT(*) AS households FROM household
         WHERE division_code >= $1 AND division_code < $2 GROUP BY 1 ORDER BY 1",
        args![scope.lo(), scope.hi(), as_int(length)],
    )
    .await
}

/// Households of which every indicator was checked since a day.
pub(super) async fn complete(
    db: &Db,
    scope: &Scope,
    length: usize,
    since: NaiveDate,
) -> Result<Vec<(String, i64)>, DbError> {
    db.all(
        "SELECT SUBSTR(division_code, 1, CAST($3 AS INTEGER)) AS code, COUNT(*) AS households FROM household_visited
         WHERE division_code >= $1 AND division_code < $2 AND all_on >= $4 GROUP BY 1",
        args![scope.lo(), scope.hi(), as_int(length), since],
    )
    .await
}

/// Households by indicator and outcome, of checks since a day.
pub(super) async fn known(
    db: &Db,
    scope: &Scope,
    length: usize,
    since: NaiveDate,
) -> Result<Vec<(String, String, String, i64)>, DbError> {
    db.all(
        "SELECT SUBSTR(division_code, 1, CAST($3 AS INTEGER)) AS code, indicator, result, COUNT(*) AS households
         FROM household_check
         WHERE division_code >= $1 AND division_code < $2 AND checked_on >= $4 GROUP BY 1, 2, 3",
        args![scope.lo(), scope.hi(), as_int(length), since],
    )
    .await
}

/// Every household with every indicator and what is known of it.
const LINES: &str = "household h
     JOIN (SELECT 'food' AS indicator, 1 AS at UNION ALL SELECT 'clothing', 2 UNION ALL SELECT 'schooling', 3
           UNION ALL SELECT 'insurance', 4 UNION ALL SELECT 'housing', 5 UNION ALL SELECT 'water', 6) i ON 1 = 1
     LEFT JOIN household_check c ON c.household_id = h.id AND c.indicator = i.indicator
     WHERE h.division_code >= $1 AND h.division_code < $2 AND ($4 = '' OR i.indicator = $4)
       AND CASE $5 WHEN 'unknown' THEN c.checked_on IS NULL OR c.checked_on < $3
                   WHEN '' THEN c.checked_on IS NULL OR c.checked_on < $3 OR c.result = 'short'
                                OR (c.result = 'partly' AND $6 LIKE '%' || i.indicator || '%')
                   ELSE c.checked_on >= $3 AND c.result = $5 END";
const COLUMNS: &str = "h.id, h.household_no, h.head_name, h.division_code, h.member_count, i.indicator,
     COALESCE((SELECT d.name FROM division d WHERE d.code = SUBSTR(h.division_code, 1, 12)), '') AS place,
     COALESCE((SELECT d.name FROM division d WHERE d.code = SUBSTR(h.division_code, 1, 9)), '') AS township,
     COALESCE(c.result, '') AS result, COALESCE(c.since, '') AS since, COALESCE(c.checked_on, '') AS checked_on,
     COALESCE(c.by_name, '') AS by_name, COALESCE(c.by_role, '') AS by_role, COALESCE(c.reasons, '[]') AS reasons";

/// The values that a list is asked with, in the order of their places.
fn values(checks: &Checks, scope: &Scope, asked: &Asked) -> Vec<Value> {
    let gaps: Vec<&str> = Indicator::ALL
        .into_iter()
        .filter(|indicator| checks.is_gap(*indicator, Outcome::Partly))
        .map(Indicator::name)
        .collect();
    args![
        scope.lo(),
        scope.hi(),
        asked.since,
        asked.indicator.map_or("", Indicator::name),
        asked.state.map_or("", State::name),
        gaps.join(" ")
    ]
}

pub(super) async fn list(
    db: &Db,
    checks: &Checks,
    scope: &Scope,
    asked: &Asked,
    offset: i64,
    limit: i64,
) -> Result<Vec<GapLine>, DbError> {
    let sql =
        format!("SELECT {COLUMNS} FROM {LINES} ORDER BY h.division_code, h.household_no, i.at LIMIT $7 OFFSET $8");
    let mut args = values(checks, scope, asked);
    args.extend(args![limit, offset]);
    db.all(AssertSqlSafe(sql), args).await
}

pub(super) async fn count(db: &Db, checks: &Checks, scope: &Scope, asked: &Asked) -> Result<i64, DbError> {
    let sql = format!("SELECT COUNT(*) FROM {LINES}");
    Ok(db.one::<(i64,)>(AssertSqlSafe(sql), values(checks, scope, asked)).await?.0)
}

pub(super) async fn each(
    db: &Db,
    checks: &Checks,
    scope: &Scope,
    asked: &Asked,
    mut each: impl FnMut(GapLine) + Send,
) -> Result<(), DbError> {
    let sql = format!("SELECT {COLUMNS} FROM {LINES} ORDER BY h.division_code, h.household_no, i.at");
    db.each::<GapLine, DbError>(AssertSqlSafe(sql), values(checks, scope, asked), |line| {
        each(line);
        Ok(())
    })
    .await
}
