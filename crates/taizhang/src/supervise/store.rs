//! The SQL of what is stuck.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::stall::{Asked, Limits};
use crate::access::Scope;
use crate::args;
use crate::assess::profile::supervise::StallKind;
use crate::platform::{Db, DbError, Value};

/// Every item that a rule finds, once for each rule, with the day since when. $1 and $2 the scope, $3 deadlines before this
/// day, $4 worked on before this day, $5 rounds, $6 closed since this day, $7 closed within milliseconds, $8 closings of one
/// person and day. How much one person closed on a day is asked of all places, so that it is the same wherever one looks from.
const STALLED: &str = "SELECT i.id, i.division_code, 'overdue' AS rule, i.deadline AS since FROM item i
     WHERE i.state NOT IN ('closed', 'cancelled') AND i.division_code >= $1 AND i.division_code < $2 AND i.deadline < $3
     UNION ALL
     SELECT i.id, i.division_code, 'idle', CASE WHEN i.worked_on = '' THEN i.opened_on ELSE i.worked_on END FROM item i
     WHERE i.state NOT IN ('closed', 'cancelled') AND i.division_code >= $1 AND i.division_code < $2
       AND CASE WHEN i.worked_on = '' THEN i.opened_on ELSE i.worked_on END < $4
     UNION ALL
     SELECT i.id, i.division_code, 'reopened',
            COALESCE((SELECT MAX(e.day) FROM item_event e WHERE e.item_id = i.id AND e.action = 'reopen'), i.opened_on)
     FROM item i
     WHERE i.state NOT IN ('closed', 'cancelled') AND i.division_code >= $1 AND i.division_code < $2 AND i.round >= $5
     UNION ALL
     SELECT i.id, i.division_code, 'closed_fast', i.closed_on FROM item i
     WHERE i.state = 'closed' AND i.closed_on >= $6 AND i.division_code >= $1 AND i.division_code < $2
       AND i.checked_at - CASE WHEN i.round = 1 THEN i.opened_at
               ELSE COALESCE((SELECT MAX(e.at) FROM item_event e WHERE e.item_id = i.id AND e.action = 'reopen'),
                             i.opened_at) END < $7
     UNION ALL
     SELECT i.id, i.division_code, 'closed_bulk', i.closed_on FROM item i
     WHERE i.state = 'closed' AND i.closed_on >= $6 AND i.division_code >= $1 AND i.division_code < $2
       AND (i.checked_by, i.closed_on) IN (
               SELECT e.actor_id, e.day FROM item_event e WHERE e.action = 'pass' AND e.day >= $6
               GROUP BY e.actor_id, e.day HAVING COUNT(DISTINCT e.item_id) >= $8)";

fn asked_of(scope: &Scope, limits: &Limits) -> Vec<Value> {
    args![
        scope.lo(),
        scope.hi(),
        &limits.due_before,
        &limits.worked_before,
        limits.rounds,
        &limits.closed_since,
        limits.fast,
        limits.bulk
    ]
}

/// How many items each rule finds, by the divisions whose codes are `length` long; by the division itself where it is above
/// these.
pub(super) async fn found(
    db: &Db,
    scope: &Scope,
    limits: &Limits,
    length: usize,
) -> Result<Vec<(String, String, i64)>, DbError> {
    let sql = format!(
        "WITH stalled AS ({STALLED})
         SELECT substr(division_code, 1, CAST($9 AS INTEGER)) AS code, rule, COUNT(*) FROM stalled
         GROUP BY substr(division_code, 1, CAST($9 AS INTEGER)), rule"
    );
    let mut args = asked_of(scope, limits);
    args.push(Value::from(length as i64));
    db.all(AssertSqlSafe(sql), args).await
}

/// How many open items are stuck by some rule, by division as in [`found`].
pub(super) async fn stuck(
    db: &Db,
    scope: &Scope,
    limits: &Limits,
    length: usize,
) -> Result<Vec<(String, i64)>, DbError> {
    let sql = format!(
        "WITH stalled AS ({STALLED})
         SELECT substr(division_code, 1, CAST($9 AS INTEGER)) AS code, COUNT(DISTINCT id) FROM stalled
         WHERE rule IN ('overdue', 'idle', 'reopened') GROUP BY substr(division_code, 1, CAST($9 AS INTEGER))"
    );
    let mut args = asked_of(scope, limits);
    args.push(Value::from(length as i64));
    db.all(AssertSqlSafe(sql), args).await
}

/// Open items by division and ledger.
pub(super) async fn open(db: &Db, scope: &Scope, length: usize) -> Result<Vec<(String, String, i64)>, DbError> {
    db.all(
        "SELECT substr(division_code, 1, CAST($3 AS INTEGER)) AS code, ledger, COUNT(*) FROM item
         WHERE state NOT IN ('closed', 'cancelled') AND division_code >= $1 AND division_code < $2
         GROUP BY substr(division_code, 1, CAST($3 AS INTEGER)), ledger",
        args![scope.lo(), scope.hi(), length as i64],
    )
    .await
}

/// Work on items and visits since a day, by division and ledger; visits are of no ledger.
pub(super) async fn worked(
    db: &Db,
    scope: &Scope,
    since: &str,
    length: usize,
) -> Result<Vec<(String, String, i64)>, DbError> {
    db.all(
        "SELECT substr(division_code, 1, CAST($4 AS INTEGER)) AS code, ledger, COUNT(*) FROM item_event
         WHERE division_code >= $1 AND division_code < $2 AND day >= $3
           AND action IN ('start', 'progress', 'measure', 'submit', 'check', 'pass', 'fail', 'attach')
         GROUP BY substr(division_code, 1, CAST($4 AS INTEGER)), ledger
         UNION ALL
         SELECT substr(division_code, 1, CAST($4 AS INTEGER)), '', COUNT(*) FROM visit
         WHERE division_code >= $1 AND division_code < $2 AND visited_on >= $3
         GROUP BY substr(division_code, 1, CAST($4 AS INTEGER))",
        args![scope.lo(), scope.hi(), since, length as i64],
    )
    .await
}

/// Somebody who answers for items that are stuck.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
#[allow(missing_docs)]
pub struct OwnerLine {
    pub unit: String,
    /// Whom the items are assigned to, else their owner; empty where nobody is named.
    pub person: String,
    pub items: i64,
    /// The day since when the oldest is stuck.
    pub since: String,
}

/// Who answers for most of what is stuck.
pub(super) async fn owners(db: &Db, scope: &Scope, limits: &Limits, most: i64) -> Result<Vec<OwnerLine>, DbError> {
    let sql = format!(
        "WITH stalled AS ({STALLED}),
              one AS (SELECT id, MIN(since) AS since FROM stalled WHERE rule IN ('overdue', 'idle', 'reopened') GROUP BY id)
         SELECT i.owner_unit AS unit, COALESCE(u.name, i.owner_name) AS person, COUNT(*) AS items, MIN(o.since) AS since
         FROM one o JOIN item i ON i.id = o.id LEFT JOIN app_user u ON u.id = i.assignee_id
         GROUP BY i.owner_unit, COALESCE(u.name, i.owner_name) ORDER BY COUNT(*) DESC, MIN(o.since), i.owner_unit LIMIT $9"
    );
    let mut args = asked_of(scope, limits);
    args.push(Value::from(most));
    db.all(AssertSqlSafe(sql), args).await
}

/// An item on a list of what the rules find.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Line {
    pub id: Uuid,
    pub number: String,
    pub ledger: String,
    pub title: String,
    pub state: String,
    pub level: String,
    pub round: i64,
    pub deadline: String,
    pub closed_on: String,
    pub unit: String,
    pub person: String,
    pub head_name: String,
    pub place: String,
    /// The day since when it is stuck, the earliest of its rules.
    pub since: String,
    /// Names of the rules, between commas.
    pub rules: String,
    /// The day of the last reminder; empty where there was none.
    pub reminded: String,
}

/// The items that were asked for: $9 the rule, $10 unit, $11 person, $12 whether the person counts, $13 the place alone.
const CHOSEN: &str = "one AS (SELECT id, MIN(since) AS since, string_agg(rule, ',' ORDER BY rule) AS rules FROM stalled GROUP BY id
              HAVING COUNT(CASE WHEN rule = $9 OR ($9 = '' AND rule IN ('overdue', 'idle', 'reopened')) THEN 1 END) > 0)";

const CHOSEN_FROM: &str = "FROM one o JOIN item i ON i.id = o.id LEFT JOIN app_user u ON u.id = i.assignee_id
         WHERE ($10 = '' OR i.owner_unit = $10) AND ($12 = FALSE OR COALESCE(u.name, i.owner_name) = $11)
           AND ($13 = '' OR i.division_code = $13)";

fn chosen(scope: &Scope, limits: &Limits, asked: &Asked) -> Vec<Value> {
    let mut args = asked_of(scope, limits);
    args.extend(args![
        asked.rule.map_or("", StallKind::name),
        &asked.unit,
        &asked.person,
        asked.by_person,
        if asked.own { scope.root() } else { "" }
    ]);
    args
}

pub(super) async fn list(
    db: &Db,
    scope: &Scope,
    limits: &Limits,
    asked: &Asked,
    offset: i64,
    limit: i64,
) -> Result<Vec<Line>, DbError> {
    let sql = format!(
        "WITH stalled AS ({STALLED}), {CHOSEN},
              page AS (SELECT i.id, o.since, o.rules, COALESCE(u.name, i.owner_name) AS person {CHOSEN_FROM}
                       ORDER BY o.since, i.number LIMIT $14 OFFSET $15)
         SELECT i.id, i.number, i.ledger, i.title, i.state, i.level, i.round, i.deadline, i.closed_on, i.owner_unit AS unit,
                p.person, COALESCE(h.head_name, '') AS head_name, COALESCE(d.full_name, i.division_code) AS place, p.since,
                p.rules, COALESCE((SELECT MAX(e.day) FROM item_event e WHERE e.action = 'remind' AND e.item_id = i.id), '')
                AS reminded
         FROM page p JOIN item i ON i.id = p.id LEFT JOIN household h ON h.id = i.household_id
              LEFT JOIN division d ON d.code = i.division_code
         ORDER BY p.since, i.number"
    );
    let mut args = chosen(scope, limits, asked);
    args.extend(args![limit, offset]);
    db.all(AssertSqlSafe(sql), args).await
}

pub(super) async fn count(db: &Db, scope: &Scope, limits: &Limits, asked: &Asked) -> Result<i64, DbError> {
    let sql = format!("WITH stalled AS ({STALLED}), {CHOSEN} SELECT COUNT(*) {CHOSEN_FROM}");
    let row: (i64,) = db.one(AssertSqlSafe(sql), chosen(scope, limits, asked)).await?;
    Ok(row.0)
}
