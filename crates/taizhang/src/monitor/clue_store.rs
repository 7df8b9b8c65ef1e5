//! The SQL of clues and of departments' warnings.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::model::{Clue, WarningCount};
use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError, Tx};

const CLUE_COLUMNS: &str = "id, case_id, division_code, round, source, warning_id, risk, said, evidence, raised_on, reply_by, verdict, replied_on, \
     replied_by, reply";

/// Whether a clue of that key was raised before; its case.
pub(super) async fn known(tx: &mut Tx, key: &str) -> Result<Option<(Uuid,)>, DbError> {
    tx.maybe("SELECT case_id FROM monitor_clue WHERE clue_key = $1", args![key]).await
}

pub(super) async fn insert(tx: &mut Tx, key: &str, clue: &Clue, household: Option<Uuid>) -> Result<bool, DbError> {
    let touched = tx
        .run(
            "INSERT INTO monitor_clue (id, clue_key, case_id, household_id, division_code, round, source, warning_id, risk, said,
                                       evidence, raised_on, reply_by, verdict, replied_on, replied_by, reply)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '', '', '', '')
             ON CONFLICT (clue_key) DO NOTHING",
            args![
                clue.id,
                key,
                clue.case_id,
                household,
                &clue.division_code,
                clue.round,
                &clue.source,
                &clue.warning_id,
                &clue.risk,
                &clue.said,
                &clue.evidence,
                &clue.raised_on,
                &clue.reply_by
            ],
        )
        .await?;
    Ok(touched == 1)
}

pub(super) async fn of_case(db: &Db, case: Uuid) -> Result<Vec<Clue>, DbError> {
    let sql = format!("SELECT {CLUE_COLUMNS} FROM monitor_clue WHERE case_id = $1 ORDER BY raised_on, id");
    db.all(AssertSqlSafe(sql), args![case]).await
}

pub(super) async fn one(tx: &mut Tx, case: Uuid, clue: Uuid) -> Result<Option<Clue>, DbError> {
    let sql = format!("SELECT {CLUE_COLUMNS} FROM monitor_clue WHERE id = $1 AND case_id = $2");
    tx.maybe(AssertSqlSafe(sql), args![clue, case]).await
}

/// Clues of a round: how many, and how many of them proved wrong.
pub(super) async fn verdicts(tx: &mut Tx, case: Uuid, round: i64) -> Result<(i64, i64), DbError> {
    tx.one(
        "SELECT COUNT(*), COUNT(*) FILTER (WHERE verdict = 'false_alarm') FROM monitor_clue
         WHERE case_id = $1 AND round = $2",
        args![case, round],
    )
    .await
}

pub(super) async fn answer(
    tx: &mut Tx,
    clue: Uuid,
    (verdict, reply): (&str, &str),
    (day, by): (&str, &str),
) -> Result<(), DbError> {
    tx.run(
        "UPDATE monitor_clue SET verdict = $2, reply = $3, replied_on = $4, replied_by = $5 WHERE id = $1",
        args![clue, verdict, reply, day, by],
    )
    .await?;
    Ok(())
}

/// What the warnings of a scope came to, by warning.
pub(super) async fn counts(db: &Db, scope: &Scope, today: &str) -> Result<Vec<WarningCount>, DbError> {
    db.all(
        "SELECT warning_id, COUNT(*) AS clues, COUNT(*) FILTER (WHERE verdict = '') AS open,
                COUNT(*) FILTER (WHERE verdict = '' AND reply_by <> '' AND reply_by < $3) AS late,
                COUNT(*) FILTER (WHERE verdict = 'confirmed') AS confirmed,
                COUNT(*) FILTER (WHERE verdict = 'false_alarm') AS false_alarms
         FROM monitor_clue WHERE source = 'warning' AND division_code >= $1 AND division_code < $2
         GROUP BY warning_id ORDER BY warning_id",
        args![scope.lo(), scope.hi(), today],
    )
    .await
}

/// A clue in a list.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct ClueLine {
    pub id: Uuid,
    pub case_id: Uuid,
    pub number: String,
    pub head_name: String,
    pub place: String,
    pub warning_id: String,
    pub evidence: String,
    pub raised_on: String,
    pub reply_by: String,
    pub verdict: String,
    pub reply: String,
}

/// Clues of departments' warnings; `which` is open, late, confirmed, false_alarm or empty. What is overdue comes first.
pub(super) async fn list(
    db: &Db,
    scope: &Scope,
    (warning, which, today): (&str, &str, &str),
    (offset, limit): (i64, i64),
) -> Result<(Vec<ClueLine>, i64), DbError> {
    let (total,): (i64,) = db
        .one(
            "SELECT COUNT(*) FROM monitor_clue k
             WHERE k.source = 'warning' AND k.division_code >= $1 AND k.division_code < $2
               AND ($3 = '' OR k.warning_id = $3)
               AND ($4 = '' OR k.verdict = $4 OR ($4 = 'open' AND k.verdict = '')
                    OR ($4 = 'late' AND k.verdict = '' AND k.reply_by <> '' AND k.reply_by < $5))",
            args![scope.lo(), scope.hi(), warning, which, today],
        )
        .await?;
    let lines = db
        .all(
            "SELECT k.id, k.case_id, c.number, c.head_name, COALESCE(d.full_name, k.division_code) AS place, k.warning_id,
                    k.evidence, k.raised_on, k.reply_by, k.verdict, k.reply
             FROM monitor_clue k JOIN monitor_case c ON c.id = k.case_id LEFT JOIN division d ON d.code = k.division_code
             WHERE k.source = 'warning' AND k.division_code >= $1 AND k.division_code < $2
               AND ($3 = '' OR k.warning_id = $3)
               AND ($4 = '' OR k.verdict = $4 OR ($4 = 'open' AND k.verdict = '')
                    OR ($4 = 'late' AND k.verdict = '' AND k.reply_by <> '' AND k.reply_by < $5))
             ORDER BY CASE WHEN k.verdict = '' THEN 0 ELSE 1 END, k.reply_by, c.number LIMIT $6 OFFSET $7",
            args![scope.lo(), scope.hi(), warning, which, today, limit, offset],
        )
        .await?;
    Ok((lines, total))
}

/// The last push of a warning over a scope: period and day.
pub(super) async fn last_push(db: &Db, warning: &str, division: &str) -> Result<Option<(String, String)>, DbError> {
    db.maybe(
        "SELECT period, pushed_on FROM monitor_push
         WHERE warning_id = $1 AND (division_code = '' OR substr($2, 1, length(division_code)) = division_code)
         ORDER BY at DESC, id DESC LIMIT 1",
        args![warning, division],
    )
    .await
}

/// One push: its warning, period, place and day.
#[derive(Debug, Clone)]
pub(super) struct NewPush<'a> {
    pub(super) id: Uuid,
    pub(super) warning: &'a str,
    pub(super) period: &'a str,
    pub(super) division: &'a str,
    pub(super) day: &'a str,
    pub(super) households: i64,
    pub(super) clues: i64,
}

pub(super) async fn insert_push(tx: &mut Tx, push: &NewPush<'_>, now: i64) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO monitor_push (id, warning_id, period, division_code, pushed_on, households, clues, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![push.id, push.warning, push.period, push.division, push.day, push.households, push.clues, now],
    )
    .await?;
    Ok(())
}

/// Households that a warning raised a clue about, by their numbers.
pub(super) async fn households_warned(db: &Db, warning: &str) -> Result<Vec<(String,)>, DbError> {
    db.all(
        "SELECT DISTINCT h.household_no FROM monitor_clue k JOIN household h ON h.id = k.household_id
         WHERE k.warning_id = $1 ORDER BY h.household_no",
        args![warning],
    )
    .await
}
