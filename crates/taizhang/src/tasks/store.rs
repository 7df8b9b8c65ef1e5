//! All SQL of tasks.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::desk::Stamp;
use super::look::{Below, Filter, IndexLine, NodeFilter, OwedLine, Standing, Which};
use super::model::{Event, Node, Report, Task};
use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError, Tx};

const TASK: &str = "t.id, t.title, t.series, t.content, t.basis, t.division_code, t.unit, t.poverty, t.poverty_unit,
     t.epidemic, t.epidemic_unit, t.due, t.campaign_id, t.previous_id, t.state, t.created_by, t.created_name, t.created_at";
const NODE: &str = "n.id, n.task_id, n.parent_id, n.division_code, n.target_poverty, n.target_epidemic, n.due, n.note,
     n.state, n.reports, n.last_report, n.reported_poverty, n.reported_epidemic, n.reported_on, n.accepted_report,
     n.accepted_poverty, n.accepted_epidemic, n.accepted_on, n.reminders, n.version, n.updated_name, n.updated_at,
     COALESCE(d.name, n.division_code) AS place
     FROM task_node n LEFT JOIN division d ON d.code = n.division_code";
const REPORT: &str = "r.id, r.task_id, r.node_id, r.division_code, r.number, r.own_poverty, r.own_epidemic,
     r.below_poverty, r.below_epidemic, r.said_poverty, r.said_epidemic, r.reported_on, r.by_user, r.by_name, r.by_unit, r.at
     FROM task_report r";

/// An event to be written.
pub(super) struct NewEvent<'a> {
    pub(super) id: Uuid,
    pub(super) action: &'a str,
    pub(super) report: Option<Uuid>,
    pub(super) note: &'a str,
    pub(super) data: serde_json::Value,
    pub(super) payload: &'a str,
}

/// Writes a task; false where one of that id is there.
pub(super) async fn insert_task(tx: &mut Tx, task: &Task) -> Result<bool, DbError> {
    let rows = tx
        .run(
            "INSERT INTO task (id, title, series, content, basis, division_code, unit, poverty, poverty_unit, epidemic,
             epidemic_unit, due, campaign_id, previous_id, state, created_by, created_name, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         ON CONFLICT (id) DO NOTHING",
            args![
                task.id,
                &task.title,
                &task.series,
                &task.content,
                &task.basis,
                &task.division_code,
                &task.unit,
                &task.poverty,
                &task.poverty_unit,
                &task.epidemic,
                &task.epidemic_unit,
                &task.due,
                task.campaign_id,
                task.previous_id,
                &task.state,
                task.created_by,
                &task.created_name,
                task.created_at
            ],
        )
        .await?;
    Ok(rows == 1)
}

pub(super) async fn insert_node(tx: &mut Tx, node: &Node) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO task_node (id, task_id, parent_id, division_code, target_poverty, target_epidemic, due, note, state,
             reports, reported_on, accepted_on, reminders, version, updated_name, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, '', '', 0, $10, $11, $12)",
        args![
            node.id,
            node.task_id,
            node.parent_id,
            &node.division_code,
            node.target_poverty,
            node.target_epidemic,
            &node.due,
            &node.note,
            &node.state,
            node.version,
            &node.updated_name,
            node.updated_at
        ],
    )
    .await
    .map(|_| ())
}

/// Counts a version on, if nobody did since it was `seen`. Whoever did this first holds the node until their end.
pub(super) async fn touch(tx: &mut Tx, node: &Node, stamp: &Stamp<'_>) -> Result<bool, DbError> {
    let rows = tx
        .run(
            "UPDATE task_node SET version = version + 1, updated_name = $3, updated_at = $4 WHERE id = $1 AND version = $2",
            args![node.id, node.version, &stamp.actor.name, stamp.now],
        )
        .await?;
    Ok(rows == 1)
}

/// Holds a node until the end of the transaction without changing it.
pub(super) async fn hold(tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    tx.run("UPDATE task_node SET version = version WHERE id = $1", args![id]).await.map(|_| ())
}

/// Writes what may change of a node, but its version.
pub(super) async fn set_node(tx: &mut Tx, node: &Node) -> Result<(), DbError> {
    tx.run(
        "UPDATE task_node SET target_poverty = $2, target_epidemic = $3, due = $4, note = $5, state = $6, reports = $7,
             last_report = $8, reported_poverty = $9, reported_epidemic = $10, reported_on = $11, accepted_report = $12,
             accepted_poverty = $13, accepted_epidemic = $14, accepted_on = $15, reminders = $16 WHERE id = $1",
        args![
            node.id,
            node.target_poverty,
            node.target_epidemic,
            &node.due,
            &node.note,
            &node.state,
            node.reports,
            node.last_report,
            node.reported_poverty,
            node.reported_epidemic,
            &node.reported_on,
            node.accepted_report,
            node.accepted_poverty,
            node.accepted_epidemic,
            &node.accepted_on,
            node.reminders
        ],
    )
    .await
    .map(|_| ())
}

pub(super) async fn append(
    tx: &mut Tx,
    node: &Node,
    seq: i64,
    stamp: &Stamp<'_>,
    event: NewEvent<'_>,
) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO task_event (id, task_id, node_id, division_code, seq, at, day, action, report_id, note, data, by_user,
             by_name, by_unit, payload)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        args![
            event.id,
            node.task_id,
            node.id,
            &node.division_code,
            seq,
            stamp.now,
            stamp.day,
            event.action,
            event.report,
            event.note,
            event.data.to_string(),
            stamp.actor.user_id,
            &stamp.actor.name,
            stamp.unit,
            event.payload
        ],
    )
    .await
    .map(|_| ())
}

/// The payload of an event, who wrote it, and when.
pub(super) async fn event_known(tx: &mut Tx, id: Uuid) -> Result<Option<(String, String, i64)>, DbError> {
    tx.maybe("SELECT payload, by_name, at FROM task_event WHERE id = $1", args![id]).await
}

/// Who changed a node last, and when.
pub(super) async fn last_change(tx: &mut Tx, id: Uuid) -> Result<Option<(String, i64)>, DbError> {
    tx.maybe("SELECT updated_name, updated_at FROM task_node WHERE id = $1", args![id]).await
}

pub(super) async fn node_in(tx: &mut Tx, scope: &Scope, id: Uuid) -> Result<Option<Node>, DbError> {
    let sql = format!("SELECT {NODE} WHERE n.id = $3 AND n.division_code >= $1 AND n.division_code < $2");
    tx.maybe(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), id]).await
}

/// A node wherever it lies: the one above another.
pub(super) async fn any_node_in(tx: &mut Tx, id: Uuid) -> Result<Option<Node>, DbError> {
    let sql = format!("SELECT {NODE} WHERE n.id = $1");
    tx.maybe(AssertSqlSafe(sql), args![id]).await
}

pub(super) async fn children_in(tx: &mut Tx, parent: Uuid) -> Result<Vec<Node>, DbError> {
    let sql = format!("SELECT {NODE} WHERE n.parent_id = $1 ORDER BY n.division_code");
    tx.all(AssertSqlSafe(sql), args![parent]).await
}

/// The node of a division, whoever handed it down.
pub(super) async fn of_division_in(tx: &mut Tx, task: Uuid, division: &str) -> Result<Option<Node>, DbError> {
    let sql = format!("SELECT {NODE} WHERE n.task_id = $1 AND n.division_code = $2");
    tx.maybe(AssertSqlSafe(sql), args![task, division]).await
}

pub(super) async fn task_in(tx: &mut Tx, id: Uuid) -> Result<Task, DbError> {
    let sql = format!("SELECT {TASK} FROM task t WHERE t.id = $1");
    tx.one(AssertSqlSafe(sql), args![id]).await
}

pub(super) async fn set_task_state(tx: &mut Tx, id: Uuid, state: &str) -> Result<(), DbError> {
    tx.run("UPDATE task SET state = $2 WHERE id = $1", args![id, state]).await.map(|_| ())
}

/// The same task of the year before, of the same unit.
pub(super) async fn same_last_year(
    tx: &mut Tx,
    division: &str,
    series: &str,
    (from, to): (&str, &str),
) -> Result<Option<Uuid>, DbError> {
    let row: Option<(Uuid,)> = tx
        .maybe(
            "SELECT id FROM task WHERE division_code = $1 AND series = $2 AND due >= $3 AND due <= $4
             ORDER BY due DESC, created_at DESC LIMIT 1",
            args![division, series, from, to],
        )
        .await?;
    Ok(row.map(|row| row.0))
}

pub(super) async fn insert_report(tx: &mut Tx, report: &Report, parts: &[Uuid]) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO task_report (id, task_id, node_id, division_code, number, own_poverty, own_epidemic, below_poverty,
             below_epidemic, said_poverty, said_epidemic, reported_on, by_user, by_name, by_unit, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        args![
            report.id,
            report.task_id,
            report.node_id,
            &report.division_code,
            report.number,
            report.own_poverty,
            report.own_epidemic,
            report.below_poverty,
            report.below_epidemic,
            &report.said_poverty,
            &report.said_epidemic,
            &report.reported_on,
            report.by_user,
            &report.by_name,
            &report.by_unit,
            report.at
        ],
    )
    .await?;
    let rows = parts.iter().map(|part| args![report.id, part]).collect();
    tx.insert_many("INSERT INTO task_report_part (report_id, part_id)", "", rows).await?;
    Ok(())
}

pub(super) async fn report_in(tx: &mut Tx, id: Uuid) -> Result<Option<Report>, DbError> {
    let sql = format!("SELECT {REPORT} WHERE r.id = $1");
    tx.maybe(AssertSqlSafe(sql), args![id]).await
}

/// What was decided about the reports of a node, the newest verdict first: the report, and whether it was accepted.
pub(super) async fn verdicts_in(tx: &mut Tx, node: Uuid) -> Result<Vec<(Uuid, String, String)>, DbError> {
    tx.all(
        "SELECT report_id, action, day FROM task_event WHERE node_id = $1 AND action IN ('accept', 'return')
           AND report_id IS NOT NULL ORDER BY seq DESC",
        args![node],
    )
    .await
}

// ---- reading ----

/// The task if somebody of the scope has it.
pub(super) async fn task(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Task>, DbError> {
    let sql = format!(
        "SELECT {TASK} FROM task t WHERE t.id = $3 AND EXISTS (SELECT 1 FROM task_node n WHERE n.task_id = t.id
           AND n.division_code >= $1 AND n.division_code < $2)"
    );
    db.maybe(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), id]).await
}

pub(super) async fn node(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Node>, DbError> {
    let sql = format!("SELECT {NODE} WHERE n.id = $3 AND n.division_code >= $1 AND n.division_code < $2");
    db.maybe(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), id]).await
}

/// The node of exactly this division.
pub(super) async fn of_division(db: &Db, task: Uuid, division: &str) -> Result<Option<Node>, DbError> {
    let sql = format!("SELECT {NODE} WHERE n.task_id = $1 AND n.division_code = $2");
    db.maybe(AssertSqlSafe(sql), args![task, division]).await
}

/// The units right below a place: those to whom its unit handed the task, or, where that has it not, those that got it
/// from outside of the place or from the unit in it that issued the task.
pub(super) async fn right_below(db: &Db, scope: &Scope, view: &str, task: Uuid) -> Result<Vec<Node>, DbError> {
    let sql = format!(
        "SELECT {NODE} LEFT JOIN task_node p ON p.id = n.parent_id
         WHERE n.task_id = $3 AND n.division_code >= $1 AND n.division_code < $2 AND n.division_code <> $4
           AND n.parent_id IS NOT NULL
           AND (p.division_code = $4 OR p.parent_id IS NULL OR NOT (p.division_code >= $1 AND p.division_code < $2)) ORDER BY n.division_code"
    );
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), task, view]).await
}

/// [`right_below`] of every task of a campaign.
pub(super) async fn right_below_all(db: &Db, scope: &Scope, view: &str, campaign: Uuid) -> Result<Vec<Node>, DbError> {
    let sql = format!(
        "SELECT {NODE} JOIN task t ON t.id = n.task_id LEFT JOIN task_node p ON p.id = n.parent_id
         WHERE t.campaign_id = $3 AND n.division_code >= $1 AND n.division_code < $2 AND n.division_code <> $4
           AND n.parent_id IS NOT NULL
           AND (p.division_code = $4 OR p.parent_id IS NULL OR NOT (p.division_code >= $1 AND p.division_code < $2))
         ORDER BY n.division_code"
    );
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), campaign, view]).await
}

/// The tasks of a campaign that somebody of the scope has.
pub(super) async fn of_campaign(db: &Db, scope: &Scope, campaign: Uuid) -> Result<Vec<Task>, DbError> {
    let sql = format!(
        "SELECT {TASK} FROM task t WHERE t.campaign_id = $3 AND EXISTS (SELECT 1 FROM task_node n WHERE n.task_id = t.id
           AND n.division_code >= $1 AND n.division_code < $2) ORDER BY t.due, t.title, t.id"
    );
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), campaign]).await
}

/// The tasks of a campaign as the unit of one division has them.
pub(super) async fn own_of_campaign(db: &Db, view: &str, campaign: Uuid) -> Result<Vec<Node>, DbError> {
    let sql =
        format!("SELECT {NODE} JOIN task t ON t.id = n.task_id WHERE t.campaign_id = $1 AND n.division_code = $2");
    db.all(AssertSqlSafe(sql), args![campaign, view]).await
}

/// How those below stand, by who handed down to them.
pub(super) async fn below(db: &Db, scope: &Scope, task: Uuid, today: &str) -> Result<Vec<Below>, DbError> {
    db.all(
        "SELECT parent_id, COUNT(*) AS nodes, COUNT(*) FILTER (WHERE state = 'unreported') AS unreported,
                COUNT(*) FILTER (WHERE state = 'reported') AS reported,
                COUNT(*) FILTER (WHERE state = 'returned') AS returned,
                COUNT(*) FILTER (WHERE state = 'accepted') AS accepted,
                COUNT(*) FILTER (WHERE state IN ('unreported', 'returned') AND due < $4) AS late
         FROM task_node WHERE task_id = $3 AND parent_id IS NOT NULL AND division_code >= $1 AND division_code < $2
         GROUP BY parent_id",
        args![scope.lo(), scope.hi(), task, today],
    )
    .await
}

pub(super) async fn reports(db: &Db, node: Uuid) -> Result<Vec<Report>, DbError> {
    let sql = format!("SELECT {REPORT} WHERE r.node_id = $1 ORDER BY r.number DESC");
    db.all(AssertSqlSafe(sql), args![node]).await
}

pub(super) async fn report(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Report>, DbError> {
    let sql = format!("SELECT {REPORT} WHERE r.id = $3 AND r.division_code >= $1 AND r.division_code < $2");
    db.maybe(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), id]).await
}

/// The reports that a report added up, with the names of their places.
pub(super) async fn parts(db: &Db, scope: &Scope, report: Uuid) -> Result<Vec<Report>, DbError> {
    let sql = format!(
        "SELECT {REPORT} JOIN task_report_part p ON p.part_id = r.id
         WHERE p.report_id = $3 AND r.division_code >= $1 AND r.division_code < $2 ORDER BY r.division_code"
    );
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), report]).await
}

pub(super) async fn events(db: &Db, node: Uuid) -> Result<Vec<Event>, DbError> {
    db.all(
        "SELECT id, node_id, seq, at, day, action, report_id, note, data, by_name, by_unit FROM task_event
         WHERE node_id = $1 ORDER BY seq DESC, at DESC, id DESC",
        args![node],
    )
    .await
}

/// The verdicts of a task up to a day, in their order: node, its division, whether accepted, figures of the report.
pub(super) async fn verdicts_until(
    db: &Db,
    scope: &Scope,
    task: Uuid,
    day: &str,
) -> Result<Vec<(Uuid, String, String, Uuid, Option<i64>, Option<i64>)>, DbError> {
    db.all(
        "SELECT e.node_id, e.division_code, e.action, r.id, COALESCE(r.own_poverty + COALESCE(r.below_poverty, 0), r.below_poverty),
                COALESCE(r.own_epidemic + COALESCE(r.below_epidemic, 0), r.below_epidemic)
         FROM task_event e JOIN task_report r ON r.id = e.report_id
         WHERE e.task_id = $3 AND e.action IN ('accept', 'return') AND e.day <= $4
           AND e.division_code >= $1 AND e.division_code < $2
         ORDER BY e.node_id, e.seq",
        args![scope.lo(), scope.hi(), task, day],
    )
    .await
}

/// The condition on the state of a task of a list.
fn of_state(filter: &Filter) -> &'static str {
    match filter.which {
        Which::Open => "AND t.state = 'open'",
        Which::Closed => "AND t.state = 'closed'",
        Which::All => "",
    }
}

/// The tasks that somebody of the scope has: as the unit itself has it, how those below stand, and what counts of those
/// right below. These hang on the unit's own node, on one around it, or on the one that issued the task: few, so that the
/// sum need not look at whoever handed each of many on.
pub(super) async fn index(
    db: &Db,
    scope: &Scope,
    unit: &str,
    today: &str,
    filter: &Filter,
) -> Result<Vec<IndexLine>, DbError> {
    let sql = format!(
        "SELECT t.id, t.title, t.unit, t.poverty, t.poverty_unit, t.epidemic, t.epidemic_unit, t.state, t.campaign_id,
                COALESCE(g.name, '') AS campaign, COALESCE(n.due, t.due) AS due, COALESCE(n.state, '') AS own_state,
                n.id AS node_id, COALESCE(n.target_poverty, s.asked_poverty) AS target_poverty,
                COALESCE(n.target_epidemic, s.asked_epidemic) AS target_epidemic,
                CASE WHEN n.parent_id IS NULL THEN s.sum_poverty ELSE n.accepted_poverty END AS done_poverty,
                CASE WHEN n.parent_id IS NULL THEN s.sum_epidemic ELSE n.accepted_epidemic END AS done_epidemic,
                COALESCE(c.nodes, 0) AS nodes, COALESCE(c.unreported, 0) AS unreported, COALESCE(c.reported, 0) AS reported,
                COALESCE(c.returned, 0) AS returned, COALESCE(c.accepted, 0) AS accepted, COALESCE(c.late, 0) AS late
         FROM task t
         LEFT JOIN task_node n ON n.task_id = t.id AND n.division_code = $3
         LEFT JOIN (
             SELECT k.task_id, COUNT(*) FILTER (WHERE k.parent_id IS NOT NULL) AS nodes,
                    COUNT(*) FILTER (WHERE k.state = 'unreported') AS unreported,
                    COUNT(*) FILTER (WHERE k.state = 'reported') AS reported,
                    COUNT(*) FILTER (WHERE k.state = 'returned') AS returned,
                    COUNT(*) FILTER (WHERE k.state = 'accepted') AS accepted,
                    COUNT(*) FILTER (WHERE k.state IN ('unreported', 'returned') AND k.due < $4) AS late
             FROM task_node k WHERE k.division_code >= $1 AND k.division_code < $2 AND k.division_code <> $3
             GROUP BY k.task_id
         ) c ON c.task_id = t.id
         LEFT JOIN (
             SELECT k.task_id, CAST(SUM(k.accepted_poverty) AS BIGINT) AS sum_poverty,
                    CAST(SUM(k.accepted_epidemic) AS BIGINT) AS sum_epidemic,
                    CAST(SUM(k.target_poverty) AS BIGINT) AS asked_poverty,
                    CAST(SUM(k.target_epidemic) AS BIGINT) AS asked_epidemic
             FROM task_node p JOIN task_node k ON k.parent_id = p.id
             WHERE (p.division_code IN ($3, SUBSTR($3, 1, 2), SUBSTR($3, 1, 4), SUBSTR($3, 1, 6), SUBSTR($3, 1, 9))
                    OR p.parent_id IS NULL)
               AND k.division_code >= $1 AND k.division_code < $2 AND k.division_code <> $3
             GROUP BY k.task_id
         ) s ON s.task_id = t.id
         LEFT JOIN campaign g ON g.id = t.campaign_id
         WHERE (n.id IS NOT NULL OR c.task_id IS NOT NULL) AND LOWER(t.title) LIKE $5 ESCAPE '!' {}
         ORDER BY CASE t.state WHEN 'open' THEN 0 ELSE 1 END, due, t.created_at DESC, t.id LIMIT $6 OFFSET $7",
        of_state(filter)
    );
    let mut args = args![scope.lo(), scope.hi(), unit, today, like(&filter.text)];
    args.extend(args![filter.limit, filter.offset]);
    db.all(AssertSqlSafe(sql), args).await
}

pub(super) async fn index_count(db: &Db, scope: &Scope, filter: &Filter) -> Result<i64, DbError> {
    let sql = format!(
        "SELECT COUNT(*) FROM task t WHERE EXISTS (SELECT 1 FROM task_node n WHERE n.task_id = t.id
           AND n.division_code >= $1 AND n.division_code < $2) AND LOWER(t.title) LIKE $3 ESCAPE '!' {}",
        of_state(filter)
    );
    Ok(db.one::<(i64,)>(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), like(&filter.text)]).await?.0)
}

fn like(text: &str) -> String {
    let mut out = "%".to_owned();
    for c in text.trim().to_lowercase().chars().take(60) {
        if matches!(c, '%' | '_' | '!') {
            out.push('!');
        }
        out.push(c);
    }
    out.push('%');
    out
}

/// The condition of a list of units.
fn of_nodes(filter: &NodeFilter) -> &'static str {
    match filter.which {
        Some(Standing::Unreported) => "AND n.state = 'unreported'",
        Some(Standing::Reported) => "AND n.state = 'reported'",
        Some(Standing::Returned) => "AND n.state = 'returned'",
        Some(Standing::Accepted) => "AND n.state = 'accepted'",
        Some(Standing::Late) => "AND n.state IN ('unreported', 'returned') AND n.due < $5",
        Some(Standing::Counted) => "AND n.accepted_report IS NOT NULL",
        None => "",
    }
}

/// Units that have a task, of a place or right below one unit.
pub(super) async fn nodes(db: &Db, scope: &Scope, today: &str, filter: &NodeFilter) -> Result<Vec<Node>, DbError> {
    let sql = format!(
        "SELECT {NODE} WHERE n.task_id = $3 AND n.parent_id IS NOT NULL AND n.division_code >= $1 AND n.division_code < $2
           AND (NOT $4 OR n.parent_id = $6) AND $5 = $5 {} ORDER BY n.division_code LIMIT $7 OFFSET $8",
        of_nodes(filter)
    );
    let mut args = args![scope.lo(), scope.hi(), filter.task, filter.under.is_some(), today, filter.under];
    args.extend(args![filter.limit, filter.offset]);
    db.all(AssertSqlSafe(sql), args).await
}

/// How many [`nodes`] there are, and what counts of them added up.
pub(super) async fn nodes_sum(
    db: &Db,
    scope: &Scope,
    today: &str,
    filter: &NodeFilter,
) -> Result<(i64, Option<i64>, Option<i64>), DbError> {
    let sql = format!(
        "SELECT COUNT(*), CAST(SUM(n.accepted_poverty) AS BIGINT), CAST(SUM(n.accepted_epidemic) AS BIGINT) FROM task_node n
         WHERE n.task_id = $3 AND n.parent_id IS NOT NULL AND n.division_code >= $1 AND n.division_code < $2
           AND (NOT $4 OR n.parent_id = $6) AND $5 = $5 {}",
        of_nodes(filter)
    );
    let args = args![scope.lo(), scope.hi(), filter.task, filter.under.is_some(), today, filter.under];
    db.one(AssertSqlSafe(sql), args).await
}

/// Who owes a report on any open task, what is longest due first.
pub(super) async fn owed(
    db: &Db,
    scope: &Scope,
    today: &str,
    late_only: bool,
    (limit, offset): (i64, i64),
) -> Result<Vec<OwedLine>, DbError> {
    db.all(
        "SELECT n.id AS node_id, n.task_id, t.title, n.division_code, COALESCE(d.full_name, n.division_code) AS place,
                n.state, n.due, n.reminders, n.version, COALESCE(p.division_code, '') AS above,
                COALESCE(pd.name, '') AS above_place
         FROM task_node n JOIN task t ON t.id = n.task_id LEFT JOIN division d ON d.code = n.division_code
         LEFT JOIN task_node p ON p.id = n.parent_id LEFT JOIN division pd ON pd.code = p.division_code
         WHERE n.division_code >= $1 AND n.division_code < $2 AND n.parent_id IS NOT NULL AND t.state = 'open'
           AND n.state IN ('unreported', 'returned') AND (NOT $4 OR n.due < $3)
         ORDER BY n.due, n.division_code, t.title, n.id LIMIT $5 OFFSET $6",
        args![scope.lo(), scope.hi(), today, late_only, limit, offset],
    )
    .await
}

/// How many owe a report, and how many of them are late.
pub(super) async fn owed_count(db: &Db, scope: &Scope, today: &str) -> Result<(i64, i64), DbError> {
    db.one(
        "SELECT COUNT(*), COUNT(*) FILTER (WHERE n.due < $3) FROM task_node n JOIN task t ON t.id = n.task_id
         WHERE n.division_code >= $1 AND n.division_code < $2 AND n.parent_id IS NOT NULL AND t.state = 'open'
           AND n.state IN ('unreported', 'returned')",
        args![scope.lo(), scope.hi(), today],
    )
    .await
}

/// Divisions in force of one length below a code.
pub(super) async fn places_below(db: &Db, scope: &Scope, length: i64) -> Result<Vec<(String, String)>, DbError> {
    db.all(
        "SELECT code, name FROM division WHERE code >= $1 AND code < $2 AND valid_to = '' AND LENGTH(code) = $3 ORDER BY code",
        args![scope.lo(), scope.hi(), length],
    )
    .await
}

/// Tasks of a unit that may be the same of last year.
pub(super) async fn earlier(db: &Db, division: &str, before: &str) -> Result<Vec<(Uuid, String, String)>, DbError> {
    db.all(
        "SELECT id, title, due FROM task WHERE division_code = $1 AND due < $2 ORDER BY due DESC, title LIMIT 200",
        args![division, before],
    )
    .await
}
