//! SQL of the books of temporary relief: counted from events alone.

use sqlx::AssertSqlSafe;

use super::balance::{Books, Kept, Period};
use super::model::Request;
use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError};

/// A line of the books over the period from $3 to $4; what came before it makes the openings.
const FIGURES: &str =
    "CAST(SUM(CASE WHEN day < $3 THEN asked_fen - approved_fen - refused_fen - withdrawn_fen ELSE 0 END)
              AS BIGINT) AS pending_before,
        CAST(SUM(CASE WHEN day < $3 THEN approved_fen - paid_fen ELSE 0 END) AS BIGINT) AS unpaid_before,
        CAST(SUM(CASE WHEN day >= $3 THEN asked_fen ELSE 0 END) AS BIGINT) AS asked,
        CAST(SUM(CASE WHEN day >= $3 THEN approved_fen ELSE 0 END) AS BIGINT) AS approved,
        CAST(SUM(CASE WHEN day >= $3 THEN refused_fen ELSE 0 END) AS BIGINT) AS refused,
        CAST(SUM(CASE WHEN day >= $3 THEN withdrawn_fen ELSE 0 END) AS BIGINT) AS withdrawn,
        CAST(SUM(CASE WHEN day >= $3 THEN paid_fen ELSE 0 END) AS BIGINT) AS paid,
        CAST(SUM(asked_fen - approved_fen - refused_fen - withdrawn_fen) AS BIGINT) AS pending,
        CAST(SUM(approved_fen - paid_fen) AS BIGINT) AS unpaid,
        CAST(SUM(advanced_fen) AS BIGINT) AS advanced,
        COUNT(CASE WHEN day >= $3 AND action = 'ask' THEN 1 END) AS asked_n,
        COUNT(CASE WHEN day >= $3 AND action = 'approve' THEN 1 END) AS approved_n,
        COUNT(CASE WHEN day >= $3 AND action = 'refuse' THEN 1 END) AS refused_n,
        COUNT(CASE WHEN day >= $3 AND action = 'withdraw' THEN 1 END) AS withdrawn_n,
        COUNT(CASE WHEN action = 'ask' THEN 1 END)
            - COUNT(CASE WHEN action IN ('approve', 'refuse', 'withdraw') THEN 1 END) AS pending_n";

/// The books by the division of that length.
pub(super) async fn by_division(db: &Db, scope: &Scope, period: &Period, length: i64) -> Result<Vec<Books>, DbError> {
    let sql = format!(
        "SELECT SUBSTR(division_code, 1, CAST($5 AS INTEGER)) AS code, {FIGURES} FROM relief_event
         WHERE division_code >= $1 AND division_code < $2 AND day <= $4 GROUP BY 1 ORDER BY 1"
    );
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), &period.from, &period.to, length]).await
}

/// What moved on each day of the period, with no openings.
pub(super) async fn by_day(db: &Db, scope: &Scope, period: &Period) -> Result<Vec<Books>, DbError> {
    let sql = format!(
        "SELECT day AS code, {FIGURES} FROM relief_event
         WHERE division_code >= $1 AND division_code < $2 AND day >= $3 AND day <= $4 GROUP BY day ORDER BY day"
    );
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), &period.from, &period.to]).await
}

/// What the requests and payments themselves say today.
pub(super) async fn kept(db: &Db, scope: &Scope) -> Result<Kept, DbError> {
    db.one(
        "SELECT CAST(COALESCE(SUM(r.asked_fen), 0) AS BIGINT) AS asked,
                CAST(COALESCE(SUM(r.approved_fen), 0) AS BIGINT) AS approved,
                CAST(COALESCE(SUM(CASE WHEN r.state IN ('approved', 'paid', 'refused') THEN r.asked_fen - r.approved_fen
                     ELSE 0 END), 0) AS BIGINT) AS refused,
                CAST(COALESCE(SUM(CASE WHEN r.state = 'withdrawn' THEN r.asked_fen ELSE 0 END), 0) AS BIGINT) AS withdrawn,
                CAST(COALESCE(SUM(CASE WHEN r.state = 'asked' THEN r.asked_fen ELSE 0 END), 0) AS BIGINT) AS pending,
                CAST(COALESCE(SUM(CASE WHEN r.state IN ('approved', 'paid') THEN COALESCE(p.fen, 0) ELSE 0 END), 0)
                     AS BIGINT) AS paid,
                CAST(COALESCE(SUM(CASE WHEN r.state = 'asked' THEN COALESCE(p.fen, 0) ELSE 0 END), 0) AS BIGINT) AS advanced,
                COUNT(*) AS requests
         FROM relief r
         LEFT JOIN (SELECT request_id, SUM(amount_fen) AS fen FROM relief_payment WHERE state = 'confirmed'
                    GROUP BY request_id) p ON p.request_id = r.id
         WHERE r.division_code >= $1 AND r.division_code < $2",
        args![scope.lo(), scope.hi()],
    )
    .await
}

/// How much of a figure ($5) each request is.
const PARTS: &str = "SELECT e.request_id, CAST(SUM(CASE $5
            WHEN 'asked' THEN CASE WHEN e.day >= $3 THEN e.asked_fen ELSE 0 END
            WHEN 'approved' THEN CASE WHEN e.day >= $3 THEN e.approved_fen ELSE 0 END
            WHEN 'refused' THEN CASE WHEN e.day >= $3 THEN e.refused_fen ELSE 0 END
            WHEN 'withdrawn' THEN CASE WHEN e.day >= $3 THEN e.withdrawn_fen ELSE 0 END
            WHEN 'paid' THEN CASE WHEN e.day >= $3 THEN e.paid_fen ELSE 0 END
            WHEN 'pending_before' THEN CASE WHEN e.day < $3
                 THEN e.asked_fen - e.approved_fen - e.refused_fen - e.withdrawn_fen ELSE 0 END
            WHEN 'unpaid_before' THEN CASE WHEN e.day < $3 THEN e.approved_fen - e.paid_fen ELSE 0 END
            WHEN 'pending' THEN e.asked_fen - e.approved_fen - e.refused_fen - e.withdrawn_fen
            WHEN 'unpaid' THEN e.approved_fen - e.paid_fen
            WHEN 'advanced' THEN e.advanced_fen
            ELSE 0 END) AS BIGINT) AS fen
     FROM relief_event e WHERE e.division_code >= $1 AND e.division_code < $2 AND e.day <= $4 GROUP BY e.request_id";
/// A request with what it is of the figure.
const LINE: &str = "r.id, r.number, r.household_id, r.division_code, COALESCE(h.head_name, '') AS head_name,
            COALESCE(h.household_no, '') AS household_no, COALESCE(d.name, '') AS place, COALESCE(t.name, '') AS township,
            r.kind, r.channel, r.green, r.reason, r.again, r.asked_on, r.asked_fen, r.asked_by, r.asked_name, r.asked_unit,
            r.level, r.state, r.approved_fen, r.decided_on, r.decided_by, r.decided_name, r.decided_why, r.paid_fen,
            r.advanced_fen, r.decide_by, r.pay_by, r.profile, r.fingerprint, r.version, f.fen AS figure_fen";

/// The requests behind a figure, one page.
pub(super) async fn behind(
    db: &Db,
    scope: &Scope,
    period: &Period,
    figure: &str,
    (offset, limit): (i64, i64),
) -> Result<Vec<Request>, DbError> {
    let sql = format!(
        "SELECT {LINE} FROM ({PARTS}) f JOIN relief r ON r.id = f.request_id
         LEFT JOIN household h ON h.id = r.household_id
         LEFT JOIN division d ON d.code = r.division_code
         LEFT JOIN division t ON t.code = SUBSTR(r.division_code, 1, 9)
         WHERE f.fen <> 0 ORDER BY r.division_code, r.number LIMIT $6 OFFSET $7"
    );
    let args = args![scope.lo(), scope.hi(), &period.from, &period.to, figure, limit, offset];
    db.all(AssertSqlSafe(sql), args).await
}

/// How many requests are behind a figure, and what they add up to.
pub(super) async fn behind_count(db: &Db, scope: &Scope, period: &Period, figure: &str) -> Result<(i64, i64), DbError> {
    let sql = format!("SELECT COUNT(*), CAST(COALESCE(SUM(f.fen), 0) AS BIGINT) FROM ({PARTS}) f WHERE f.fen <> 0");
    db.one(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), &period.from, &period.to, figure]).await
}
