//! The SQL of the board, the reminders, the month and the public notice.

use uuid::Uuid;

use super::model::{Count, Filter, Line};
use crate::access::Scope;
use crate::args;
use crate::assess::places;
use crate::platform::{Db, DbError, Value};

/// The values that the board's conditions ask for, in their order.
fn asked(scope: &Scope, filter: &Filter, today: &str) -> Vec<Value> {
    args![
        scope.lo(),
        scope.hi(),
        &filter.state,
        &filter.phase,
        &filter.kind,
        &filter.risk,
        filter.late,
        today,
        filter.text.trim(),
        filter.differs,
        &filter.entered,
        &filter.from,
        &filter.to,
        &filter.on,
        filter.green
    ]
}

const BOARD: &str = "FROM monitor_case c LEFT JOIN division d ON d.code = c.division_code
     LEFT JOIN household h ON h.id = c.household_id LEFT JOIN monitoring m ON m.household_id = c.household_id
     WHERE c.division_code >= $1 AND c.division_code < $2
       AND ($3 = '' OR c.state = $3)
       AND ($4 = '' OR c.phase = $4 OR ($4 = 'in' AND c.phase IN ('monitored', 'eliminate')))
       AND ($5 = '' OR c.kind = $5)
       AND ($6 = '' OR c.main_risk = $6)
       AND (NOT $7 OR (c.phase IN ('identify', 'monitored', 'eliminate') AND c.deadline <> '' AND c.deadline < $8))
       AND ($9 = '' OR c.number = $9 OR c.head_name = $9 OR h.household_no = $9)
       AND (NOT $10 OR (m.household_id IS NOT NULL AND (c.phase NOT IN ('identify') AND (
              (m.eliminated AND c.phase IN ('monitored', 'eliminate'))
              OR (NOT m.eliminated AND c.phase NOT IN ('monitored', 'eliminate'))))))
       AND ($11 = '' OR EXISTS (SELECT 1 FROM monitor_event e WHERE e.case_id = c.id AND e.entered = $11
              AND e.day >= $12 AND e.day <= $13))
       AND ($14 = '' OR EXISTS (SELECT 1 FROM monitor_event e WHERE e.case_id = c.id
              AND e.phase IN ('monitored', 'eliminate')
              AND e.seq = (SELECT MAX(x.seq) FROM monitor_event x WHERE x.case_id = c.id AND x.day <= $14)))
       AND (NOT $15 OR c.green)";

/// Cases of a scope as asked for: what is overdue first, then by deadline.
pub(super) async fn list(db: &Db, scope: &Scope, filter: &Filter, today: &str) -> Result<(Vec<Line>, i64), DbError> {
    let sql = format!("SELECT COUNT(*) {BOARD}");
    let (total,): (i64,) = db.one(sqlx::AssertSqlSafe(sql), asked(scope, filter, today)).await?;
    let sql = format!(
        "SELECT c.id, c.number, c.household_id, c.division_code, COALESCE(d.full_name, c.division_code) AS place,
                c.head_name, c.state, c.phase, c.kind, c.main_risk, c.green, c.state_since, c.deadline, c.marked_on,
                c.eliminated_on,
                (m.household_id IS NOT NULL AND c.phase <> 'identify'
                 AND m.eliminated = (c.phase IN ('monitored', 'eliminate'))) AS differs
         {BOARD}
         ORDER BY CASE WHEN c.phase IN ('identify', 'monitored', 'eliminate') AND c.deadline <> '' AND c.deadline < $8
                       THEN 0 ELSE 1 END,
                  CASE WHEN c.deadline = '' THEN 1 ELSE 0 END, c.deadline, c.number
         LIMIT $16 OFFSET $17"
    );
    let mut args = asked(scope, filter, today);
    args.extend(args![filter.per_page, (filter.page.max(1) - 1) * filter.per_page]);
    let lines = db.all(sqlx::AssertSqlSafe(sql), args).await?;
    Ok((lines, total))
}

/// Cases of a scope by state, and how many of each are overdue.
pub(super) async fn counts(db: &Db, scope: &Scope, today: &str) -> Result<Vec<Count>, DbError> {
    db.all(
        "SELECT state, phase, COUNT(*) AS cases,
                COUNT(*) FILTER (WHERE phase IN ('identify', 'monitored', 'eliminate') AND deadline <> ''
                                 AND deadline < $3) AS late
         FROM monitor_case WHERE division_code >= $1 AND division_code < $2 GROUP BY state, phase ORDER BY state",
        args![scope.lo(), scope.hi(), today],
    )
    .await
}

/// How many cases the register says otherwise of.
pub(super) async fn differing(db: &Db, scope: &Scope) -> Result<i64, DbError> {
    let (n,): (i64,) = db
        .one(
            "SELECT COUNT(*) FROM monitor_case c JOIN monitoring m ON m.household_id = c.household_id
             WHERE c.division_code >= $1 AND c.division_code < $2 AND c.phase <> 'identify'
               AND m.eliminated = (c.phase IN ('monitored', 'eliminate'))",
            args![scope.lo(), scope.hi()],
        )
        .await?;
    Ok(n)
}

/// Cases of some households, for whoever helps them.
pub(super) async fn of_households(db: &Db, scope: &Scope, ids: &[Uuid]) -> Result<Vec<Line>, DbError> {
    let mut out = Vec::new();
    for chunk in ids.chunks(500) {
        let sql = format!(
            "SELECT c.id, c.number, c.household_id, c.division_code, COALESCE(d.full_name, c.division_code) AS place,
                    c.head_name, c.state, c.phase, c.kind, c.main_risk, c.green, c.state_since, c.deadline, c.marked_on,
                    c.eliminated_on, FALSE AS differs
             FROM monitor_case c LEFT JOIN division d ON d.code = c.division_code
             WHERE c.division_code >= $1 AND c.division_code < $2 AND c.household_id IN ({})
             ORDER BY c.deadline, c.number",
            places(3, chunk.len())
        );
        let mut args = args![scope.lo(), scope.hi()];
        args.extend(chunk.iter().map(Value::from));
        let rows: Vec<Line> = db.all(sqlx::AssertSqlSafe(sql), args).await?;
        out.extend(rows);
    }
    Ok(out)
}

/// Somebody who may be reminded.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Duty {
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) role: String,
    pub(super) division_code: String,
}

/// Who works on cases above or inside of a scope.
pub(super) async fn people(db: &Db, scope: &Scope) -> Result<Vec<Duty>, DbError> {
    db.all(
        "SELECT name, unit, role, division_code FROM app_user
         WHERE disabled = FALSE AND role IN ('county_staff', 'township_staff', 'village_officer')
           AND ((division_code >= $1 AND division_code < $2)
                OR (division_code <> '' AND substr($1, 1, length(division_code)) = division_code))
         ORDER BY division_code, name",
        args![scope.lo(), scope.hi()],
    )
    .await
}

/// What entered which state between two days: type, main risk, how often.
pub(super) async fn entered(
    db: &Db,
    scope: &Scope,
    what: &str,
    (from, to): (&str, &str),
) -> Result<Vec<(String, String, i64)>, DbError> {
    db.all(
        "SELECT c.kind, c.main_risk, COUNT(DISTINCT c.id) FROM monitor_case c JOIN monitor_event e ON e.case_id = c.id
         WHERE c.division_code >= $1 AND c.division_code < $2 AND e.entered = $3 AND e.day >= $4 AND e.day <= $5
         GROUP BY c.kind, c.main_risk ORDER BY c.kind, c.main_risk",
        args![scope.lo(), scope.hi(), what, from, to],
    )
    .await
}

/// What was monitored at the end of a day: type, main risk, how many.
pub(super) async fn monitored_on(db: &Db, scope: &Scope, day: &str) -> Result<Vec<(String, String, i64)>, DbError> {
    db.all(
        "SELECT c.kind, c.main_risk, COUNT(*) FROM monitor_case c
         WHERE c.division_code >= $1 AND c.division_code < $2
           AND EXISTS (SELECT 1 FROM monitor_event e WHERE e.case_id = c.id AND e.phase IN ('monitored', 'eliminate')
                 AND e.seq = (SELECT MAX(x.seq) FROM monitor_event x WHERE x.case_id = c.id AND x.day <= $3))
         GROUP BY c.kind, c.main_risk ORDER BY c.kind, c.main_risk",
        args![scope.lo(), scope.hi(), day],
    )
    .await
}

/// A line of a notice.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct NoticeRow {
    pub(super) id: Uuid,
    pub(super) number: String,
    pub(super) head_name: String,
    pub(super) group_name: String,
    pub(super) members: Option<i64>,
    pub(super) phase: String,
    pub(super) kind: String,
    pub(super) risks: String,
    pub(super) notice_from: String,
    pub(super) notice_to: String,
    pub(super) household_id: Option<Uuid>,
}

/// Cases of one village whose notice is up on a day.
pub(super) async fn notices(db: &Db, scope: &Scope, day: &str) -> Result<Vec<NoticeRow>, DbError> {
    db.all(
        "SELECT c.id, c.number, c.head_name, CASE WHEN length(c.division_code) > 12 THEN COALESCE(d.name, '') ELSE '' END
                AS group_name, h.member_count AS members, c.phase, c.kind, c.risks, c.notice_from, c.notice_to,
                c.household_id
         FROM monitor_case c LEFT JOIN division d ON d.code = c.division_code
         LEFT JOIN household h ON h.id = c.household_id
         WHERE c.division_code >= $1 AND c.division_code < $2 AND c.phase IN ('identify', 'eliminate')
           AND c.notice_from <> '' AND c.notice_from <= $3 AND c.notice_to >= $3
         ORDER BY c.phase, c.division_code, c.number",
        args![scope.lo(), scope.hi(), day],
    )
    .await
}

/// The head's sealed number and phone, for the office's own edition.
pub(super) async fn head_numbers(
    db: &Db,
    household: Uuid,
) -> Result<Option<(Option<Vec<u8>>, Option<Vec<u8>>)>, DbError> {
    db.maybe(
        "SELECT id_enc, phone_enc FROM person WHERE household_id = $1 AND is_head ORDER BY id LIMIT 1",
        args![household],
    )
    .await
}

/// Villages of a scope that have a notice up on a day.
pub(super) async fn villages_with_notice(
    db: &Db,
    scope: &Scope,
    day: &str,
) -> Result<Vec<(String, String, i64)>, DbError> {
    db.all(
        "SELECT d.code, d.full_name, COUNT(*) FROM monitor_case c JOIN division d ON d.code = substr(c.division_code, 1, 12)
         WHERE c.division_code >= $1 AND c.division_code < $2 AND c.phase IN ('identify', 'eliminate')
           AND c.notice_from <> '' AND c.notice_from <= $3 AND c.notice_to >= $3
         GROUP BY d.code, d.full_name ORDER BY d.code LIMIT 200",
        args![scope.lo(), scope.hi(), day],
    )
    .await
}
