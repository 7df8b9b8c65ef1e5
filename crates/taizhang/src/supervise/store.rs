//! The SQL of what is stuck.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::stall::{Asked, Limits};
use crate::access::Scope;
use crate::args;
use crate::assess::profile::supervise::StallKind;
use crate::platform::{Db, DbError, Value};

/// Open items, each with the day since when it is stuck by a rule, or `~`, which lies behind every day. $1 and $2 the scope,
/// $3 deadlines before this day, $4 worked on before this day, $5 rounds.
const OPEN: &str =
    "SELECT i.id, i.division_code, i.ledger, CASE WHEN i.deadline < $3 THEN i.deadline ELSE '~' END AS overdue,
            CASE WHEN CASE WHEN i.worked_on = '' THEN i.opened_on ELSE i.worked_on END < $4
                 THEN CASE WHEN i.worked_on = '' THEN i.opened_on ELSE i.worked_on END ELSE '~' END AS idle,
            CASE WHEN i.round >= $5
                 THEN COALESCE((SELECT MAX(e.day) FROM item_event e WHERE e.item_id = i.id AND e.action = 'reopen'),
                               i.opened_on) ELSE '~' END AS reopened
     FROM item i
     WHERE i.state NOT IN ('closed', 'cancelled') AND i.division_code >= $1 AND i.division_code < $2";

/// Items closed of late, each with whether it was in a doubtful way. $1 and $2 the scope, $3 closed since this day, $4 closed
/// within milliseconds, $5 closings of one person and day. How much one person closed on a day is asked of all places, so
/// that it is the same wherever one looks from. `|| ''` leaves the choice of the index to the divisions.
const CLOSED: &str = "SELECT i.id, i.division_code, i.closed_on AS since,
            CASE WHEN i.checked_at - CASE WHEN i.round = 1 THEN i.opened_at
                          ELSE COALESCE((SELECT MAX(e.at) FROM item_event e
                                         WHERE e.item_id = i.id AND e.action = 'reopen'), i.opened_at) END < $4
                 THEN 1 ELSE 0 END AS fast,
            CASE WHEN (i.checked_by, i.closed_on) IN (
                          SELECT e.actor_id, e.day FROM item_event e WHERE e.action = 'pass' AND e.day >= $3
                          GROUP BY e.actor_id, e.day HAVING COUNT(DISTINCT e.item_id) >= $5)
                 THEN 1 ELSE 0 END AS bulk
     FROM item i
     WHERE i.closed_on <> '' AND i.closed_on >= $3 AND i.state || '' = 'closed' AND i.division_code >= $1
       AND i.division_code < $2";

fn open_args(scope: &Scope, limits: &Limits) -> Vec<Value> {
    args![scope.lo(), scope.hi(), &limits.due_before, &limits.worked_before, limits.rounds]
}

fn closed_args(scope: &Scope, limits: &Limits) -> Vec<Value> {
    args![scope.lo(), scope.hi(), &limits.closed_since, limits.fast, limits.bulk]
}

/// How the open items of a place and ledger stand.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Standing {
    pub(super) code: String,
    pub(super) ledger: String,
    pub(super) open: i64,
    /// By one rule or several.
    pub(super) stuck: i64,
    pub(super) overdue: i64,
    pub(super) idle: i64,
    pub(super) reopened: i64,
}

/// How open items stand, by ledger and by the divisions whose codes are `length` long; by the division itself where it is
/// above these.
pub(super) async fn standing(db: &Db, scope: &Scope, limits: &Limits, length: usize) -> Result<Vec<Standing>, DbError> {
    let sql = format!(
        "WITH x AS ({OPEN})
         SELECT substr(division_code, 1, CAST($6 AS INTEGER)) AS code, ledger, COUNT(*) AS open,
                COUNT(CASE WHEN overdue <> '~' OR idle <> '~' OR reopened <> '~' THEN 1 END) AS stuck,
                COUNT(CASE WHEN overdue <> '~' THEN 1 END) AS overdue, COUNT(CASE WHEN idle <> '~' THEN 1 END) AS idle,
                COUNT(CASE WHEN reopened <> '~' THEN 1 END) AS reopened
         FROM x GROUP BY substr(division_code, 1, CAST($6 AS INTEGER)), ledger"
    );
    let mut args = open_args(scope, limits);
    args.push(Value::from(length as i64));
    db.all(AssertSqlSafe(sql), args).await
}

/// How many items were closed too fast, and in bulk, by division as in [`standing`].
pub(super) async fn closings(
    db: &Db,
    scope: &Scope,
    limits: &Limits,
    length: usize,
) -> Result<Vec<(String, i64, i64)>, DbError> {
    let sql = format!(
        "WITH x AS ({CLOSED})
         SELECT substr(division_code, 1, CAST($6 AS INTEGER)) AS code, CAST(SUM(fast) AS BIGINT), CAST(SUM(bulk) AS BIGINT)
         FROM x GROUP BY substr(division_code, 1, CAST($6 AS INTEGER))"
    );
    let mut args = closed_args(scope, limits);
    args.push(Value::from(length as i64));
    db.all(AssertSqlSafe(sql), args).await
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
        "WITH x AS ({OPEN}), {ONE_OPEN}
         SELECT i.owner_unit AS unit, COALESCE(u.name, i.owner_name) AS person, COUNT(*) AS items, MIN(o.since) AS since
         FROM one o JOIN item i ON i.id = o.id LEFT JOIN app_user u ON u.id = i.assignee_id
         GROUP BY i.owner_unit, COALESCE(u.name, i.owner_name) ORDER BY COUNT(*) DESC, MIN(o.since), i.owner_unit LIMIT $8"
    );
    let mut args = open_args(scope, limits);
    args.extend(args!["", "", most]);
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

/// The open items that were asked for: $6 the rule, $7 the place alone.
const ONE_OPEN: &str = "one AS (
    SELECT id, CASE WHEN earlier <= reopened THEN earlier ELSE reopened END AS since, rules FROM (
        SELECT id, CASE WHEN overdue <= idle THEN overdue ELSE idle END AS earlier, reopened,
               CASE WHEN overdue <> '~' THEN 'overdue,' ELSE '' END || CASE WHEN idle <> '~' THEN 'idle,' ELSE '' END
               || CASE WHEN reopened <> '~' THEN 'reopened,' ELSE '' END AS rules
        FROM x
        WHERE (($6 = '' AND (overdue <> '~' OR idle <> '~' OR reopened <> '~')) OR ($6 = 'overdue' AND overdue <> '~')
               OR ($6 = 'idle' AND idle <> '~') OR ($6 = 'reopened' AND reopened <> '~'))
          AND ($7 = '' OR division_code = $7)) AS y)";

/// The closed items that were asked for, as [`ONE_OPEN`].
const ONE_CLOSED: &str = "one AS (
    SELECT id, since, CASE WHEN fast = 1 THEN 'closed_fast,' ELSE '' END || CASE WHEN bulk = 1 THEN 'closed_bulk,' ELSE '' END
                      AS rules
    FROM x
    WHERE (($6 = 'closed_fast' AND fast = 1) OR ($6 = 'closed_bulk' AND bulk = 1)) AND ($7 = '' OR division_code = $7))";

/// Of these the ones of a unit and person: $8 unit, $9 person, $10 whether the person counts.
const OF: &str = "FROM one o JOIN item i ON i.id = o.id LEFT JOIN app_user u ON u.id = i.assignee_id
     WHERE ($8 = '' OR i.owner_unit = $8) AND ($10 = FALSE OR COALESCE(u.name, i.owner_name) = $9)";

/// One page of them: names and places only of what is shown.
const PAGE: &str = "page AS (SELECT id, since, rules FROM one ORDER BY since, id LIMIT $8 OFFSET $9)";

const COLUMNS: &str = "i.id, i.number, i.ledger, i.title, i.state, i.level, i.round, i.deadline, i.closed_on, i.owner_unit AS unit,
            COALESCE(u.name, i.owner_name) AS person, COALESCE(h.head_name, '') AS head_name,
            COALESCE(d.full_name, i.division_code) AS place, p.since, p.rules,
            COALESCE((SELECT MAX(e.day) FROM item_event e WHERE e.action = 'remind' AND e.item_id = i.id), '') AS reminded
     FROM page p JOIN item i ON i.id = p.id LEFT JOIN app_user u ON u.id = i.assignee_id
          LEFT JOIN household h ON h.id = i.household_id LEFT JOIN division d ON d.code = i.division_code
     ORDER BY p.since, p.id";

/// Whether the rule looks at closed items, the arguments of either, and whether a unit or person is asked for.
fn chosen(scope: &Scope, limits: &Limits, asked: &Asked) -> (bool, Vec<Value>, bool) {
    let closed = asked.rule.is_some_and(|rule| !rule.is_open());
    let mut args = if closed { closed_args(scope, limits) } else { open_args(scope, limits) };
    args.extend(args![asked.rule.map_or("", StallKind::name), if asked.own { scope.root() } else { "" }]);
    let of = !asked.unit.is_empty() || asked.by_person;
    if of {
        args.extend(args![&asked.unit, &asked.person, asked.by_person]);
    }
    (closed, args, of)
}

pub(super) async fn list(
    db: &Db,
    scope: &Scope,
    limits: &Limits,
    asked: &Asked,
    offset: i64,
    limit: i64,
) -> Result<Vec<Line>, DbError> {
    let (closed, mut args, of) = chosen(scope, limits, asked);
    let sql = match (closed, of) {
        (false, false) => format!("WITH x AS ({OPEN}), {ONE_OPEN}, {PAGE} SELECT {COLUMNS}"),
        (true, false) => format!("WITH x AS ({CLOSED}), {ONE_CLOSED}, {PAGE} SELECT {COLUMNS}"),
        (false, true) => format!(
            "WITH x AS ({OPEN}), {ONE_OPEN}, page AS (SELECT o.id, o.since, o.rules {OF} ORDER BY o.since, o.id
                                                      LIMIT $11 OFFSET $12) SELECT {COLUMNS}"
        ),
        (true, true) => format!(
            "WITH x AS ({CLOSED}), {ONE_CLOSED}, page AS (SELECT o.id, o.since, o.rules {OF} ORDER BY o.since, o.id
                                                          LIMIT $11 OFFSET $12) SELECT {COLUMNS}"
        ),
    };
    args.extend(args![limit, offset]);
    db.all(AssertSqlSafe(sql), args).await
}

pub(super) async fn count(db: &Db, scope: &Scope, limits: &Limits, asked: &Asked) -> Result<i64, DbError> {
    let (closed, args, of) = chosen(scope, limits, asked);
    let sql = match (closed, of) {
        (false, false) => format!("WITH x AS ({OPEN}), {ONE_OPEN} SELECT COUNT(*) FROM one"),
        (true, false) => format!("WITH x AS ({CLOSED}), {ONE_CLOSED} SELECT COUNT(*) FROM one"),
        (false, true) => format!("WITH x AS ({OPEN}), {ONE_OPEN} SELECT COUNT(*) {OF}"),
        (true, true) => format!("WITH x AS ({CLOSED}), {ONE_CLOSED} SELECT COUNT(*) {OF}"),
    };
    let row: (i64,) = db.one(AssertSqlSafe(sql), args).await?;
    Ok(row.0)
}
