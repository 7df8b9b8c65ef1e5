//! What the page of the comparison's quality counts.

use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError};

/// How many candidates lie in a quarter of a bit.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct ScoreCount {
    /// The quarter: scores from a quarter of it upwards, in bits.
    pub(crate) quarter: i64,
    /// auto, confirmed, pending or rejected.
    pub(crate) verdict: String,
    /// 1: the best candidate of its row; 0: one of the others.
    pub(crate) best: i64,
    pub(crate) pairs: i64,
}

/// Candidates of current rows who are persons of a scope, counted by score and verdict; of one kind of list or of all (`""`).
pub(crate) async fn scores(db: &Db, source: &str, scope: &Scope) -> Result<Vec<ScoreCount>, DbError> {
    db.all(
        "SELECT quarter, verdict, best, COUNT(*) AS pairs
         FROM (SELECT CAST(ROUND(CAST(m.score * 4 - 0.5 AS NUMERIC)) AS BIGINT) AS quarter,
                      CASE m.verdict WHEN 'superseded' THEN 'rejected' ELSE m.verdict END AS verdict,
                      CASE WHEN ROW_NUMBER() OVER (PARTITION BY m.list_row_id ORDER BY m.score DESC, m.id) = 1
                           THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END AS best
               FROM match_candidate m JOIN list_row r ON r.id = m.list_row_id
               WHERE r.current AND ($1 = '' OR r.source = $1) AND m.subject = 'person' AND m.verdict <> 'replaced'
                 AND m.signature NOT LIKE 'points:%' AND m.division_code >= $2 AND m.division_code < $3) counted
         GROUP BY quarter, verdict, best ORDER BY quarter DESC, verdict, best",
        args![source, scope.lo(), scope.hi()],
    )
    .await
}

/// What a person decided about one candidate.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Judged {
    /// The levels, `field=level,…`.
    pub signature: String,
    /// The score when it was found.
    pub bits: f64,
    /// Whether the two are one person.
    pub same: bool,
}

/// What people decided about candidates who are persons of a scope; who was passed over for somebody else was rejected
/// with that. `source` is one kind of list, or empty for all.
///
/// # Errors
/// The database fails.
pub async fn judged(db: &Db, source: &str, scope: &Scope) -> Result<Vec<Judged>, DbError> {
    db.all(
        "SELECT m.signature, m.score AS bits, m.verdict = 'confirmed' AS same
         FROM match_candidate m JOIN list_row r ON r.id = m.list_row_id
         WHERE ($1 = '' OR r.source = $1) AND m.subject = 'person' AND m.decided_at IS NOT NULL
           AND m.verdict IN ('confirmed', 'rejected', 'superseded') AND m.signature NOT LIKE 'points:%'
           AND m.division_code >= $2 AND m.division_code < $3
         ORDER BY m.signature, m.score, m.id",
        args![source, scope.lo(), scope.hi()],
    )
    .await
}

/// Rows of the newest revision by outcome, as far as they are visible: outcome and count.
pub(crate) async fn outcomes(db: &Db, source: &str, scope: &Scope) -> Result<Vec<(String, i64)>, DbError> {
    db.all(
        "SELECT r.outcome, COUNT(*) FROM list_row r
         WHERE r.current AND ($1 = '' OR r.source = $1)
           AND ((r.division_code >= $2 AND r.division_code < $3)
                OR EXISTS (SELECT 1 FROM match_candidate m WHERE m.list_row_id = r.id AND m.division_code >= $2
                           AND m.division_code < $3 AND m.verdict IN ('auto', 'pending', 'confirmed')))
         GROUP BY r.outcome ORDER BY r.outcome",
        args![source, scope.lo(), scope.hi()],
    )
    .await
}
