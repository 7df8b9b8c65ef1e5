//! What the page of the comparison's quality counts, and the models that verdicts made.

use uuid::Uuid;

use super::matching::RuleFigure;
use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError, Tx};

/// How many candidates lie in a quarter of a bit.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct ScoreCount {
    /// The quarter: scores from a quarter of it upwards, in bits.
    pub(crate) quarter: i64,
    /// auto, confirmed, pending or rejected.
    pub(crate) verdict: String,
    /// 1: the best candidate of its row; 0: one of the others.
    pub(crate) best: i64,
    /// The model that weighed them.
    pub(crate) model_version: i64,
    pub(crate) pairs: i64,
}

/// Candidates of current rows who are persons of a scope, counted by score and verdict; of one kind of list or of all (`""`).
pub(crate) async fn scores(db: &Db, source: &str, scope: &Scope) -> Result<Vec<ScoreCount>, DbError> {
    db.all(
        "SELECT quarter, verdict, best, model_version, COUNT(*) AS pairs
         FROM (SELECT CAST(ROUND(CAST(m.score * 4 - 0.5 AS NUMERIC)) AS BIGINT) AS quarter,
                      CASE m.verdict WHEN 'superseded' THEN 'rejected' ELSE m.verdict END AS verdict,
                      CASE WHEN ROW_NUMBER() OVER (PARTITION BY m.list_row_id ORDER BY m.score DESC, m.id) = 1
                           THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END AS best, m.model_version
               FROM match_candidate m JOIN list_row r ON r.id = m.list_row_id
               WHERE r.current AND ($1 = '' OR r.source = $1) AND m.subject = 'person' AND m.verdict <> 'replaced'
                 AND m.signature NOT LIKE 'points:%' AND m.signature NOT LIKE 'named:%' AND m.division_code >= $2 AND m.division_code < $3) counted
         GROUP BY quarter, verdict, best, model_version ORDER BY quarter DESC, verdict, best, model_version",
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
    /// The model that weighed it; 0 is the one that comes along.
    pub model_version: i64,
}

/// What people decided about candidates who are persons of a scope; who was passed over for somebody else was rejected
/// with that. `source` is one kind of list, or empty for all.
///
/// # Errors
/// The database fails.
pub async fn judged(db: &Db, source: &str, scope: &Scope) -> Result<Vec<Judged>, DbError> {
    db.all(
        "SELECT m.signature, m.score AS bits, m.verdict = 'confirmed' AS same, m.model_version
         FROM match_candidate m JOIN list_row r ON r.id = m.list_row_id
         WHERE ($1 = '' OR r.source = $1) AND m.subject = 'person' AND m.decided_at IS NOT NULL
           AND m.verdict IN ('confirmed', 'rejected', 'superseded') AND m.signature NOT LIKE 'points:%' AND m.signature NOT LIKE 'named:%'
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

/// A model that verdicts made, as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct StoredModel {
    pub(crate) version: i64,
    pub(crate) model: String,
    pub(crate) base: i64,
    pub(crate) labels: i64,
    pub(crate) same: i64,
    pub(crate) report: String,
    pub(crate) made_by: Option<Uuid>,
    pub(crate) made_name: String,
    pub(crate) made_at: i64,
}

/// When a model was put in force.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct StoredUse {
    pub(crate) version: i64,
    pub(crate) reason: String,
    pub(crate) used_by: Option<Uuid>,
    pub(crate) used_name: String,
    pub(crate) used_at: i64,
}

/// Every model that verdicts made, the newest first.
pub(crate) async fn models(db: &Db) -> Result<Vec<StoredModel>, DbError> {
    db.all(
        "SELECT version, model, base, labels, same, report, made_by, made_name, made_at FROM linkage_model
         ORDER BY version DESC",
        args![],
    )
    .await
}

/// The model of a version.
pub(crate) async fn model(db: &Db, version: i64) -> Result<Option<StoredModel>, DbError> {
    db.maybe(
        "SELECT version, model, base, labels, same, report, made_by, made_name, made_at FROM linkage_model
         WHERE version = $1",
        args![version],
    )
    .await
}

/// The version that is in force; 0 is the one that comes along.
pub(crate) async fn version_in_force(db: &Db) -> Result<i64, DbError> {
    let used: Option<(i64,)> =
        db.maybe("SELECT version FROM linkage_model_use ORDER BY seq DESC LIMIT 1", args![]).await?;
    Ok(used.map_or(0, |row| row.0))
}

/// Every time that a model was put in force, the last first.
pub(crate) async fn uses(db: &Db) -> Result<Vec<StoredUse>, DbError> {
    db.all("SELECT version, reason, used_by, used_name, used_at FROM linkage_model_use ORDER BY seq DESC", args![])
        .await
}

/// Keeps a model under the next version, which it answers.
pub(crate) async fn insert_model(tx: &mut Tx, model: StoredModel) -> Result<i64, DbError> {
    let (version,): (i64,) = tx
        .one(
            "INSERT INTO linkage_model (version, model, base, labels, same, report, made_by, made_name, made_at)
             SELECT COALESCE(MAX(version), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8 FROM linkage_model RETURNING version",
            args![
                model.model,
                model.base,
                model.labels,
                model.same,
                model.report,
                model.made_by,
                model.made_name,
                model.made_at
            ],
        )
        .await?;
    Ok(version)
}

/// Puts a version in force.
pub(crate) async fn insert_use(tx: &mut Tx, used: StoredUse) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO linkage_model_use (seq, version, reason, used_by, used_name, used_at)
         SELECT COALESCE(MAX(seq), 0) + 1, $1, $2, $3, $4, $5 FROM linkage_model_use",
        args![used.version, used.reason, used.used_by, used.used_name, used.used_at],
    )
    .await?;
    Ok(())
}

/// Keeps what the search rules did for a comparison.
pub(crate) async fn insert_rules(tx: &mut Tx, comparison: Uuid, rules: Vec<RuleFigure>) -> Result<(), DbError> {
    let rows = rules
        .into_iter()
        .map(|r| args![comparison, r.rule, r.pairs, r.pairs_alone, r.matches, r.matches_alone, r.crowded_rows])
        .collect();
    tx.insert_many(
        "INSERT INTO comparison_rule (comparison_id, rule, pairs, pairs_alone, matches, matches_alone, crowded_rows)",
        "",
        rows,
    )
    .await?;
    Ok(())
}

/// What a search rule did over several comparisons.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct RuleSum {
    pub(crate) rule: String,
    pub(crate) pairs: i64,
    pub(crate) pairs_alone: i64,
    pub(crate) matches: i64,
    pub(crate) matches_alone: i64,
    pub(crate) crowded_rows: i64,
}

/// What the search rules did for the comparisons that a scope's units made, of one kind of list or of all (`""`).
pub(crate) async fn rules(db: &Db, source: &str, scope: &Scope) -> Result<Vec<RuleSum>, DbError> {
    db.all(
        "SELECT u.rule, CAST(SUM(u.pairs) AS BIGINT) AS pairs, CAST(SUM(u.pairs_alone) AS BIGINT) AS pairs_alone,
                CAST(SUM(u.matches) AS BIGINT) AS matches, CAST(SUM(u.matches_alone) AS BIGINT) AS matches_alone,
                CAST(SUM(u.crowded_rows) AS BIGINT) AS crowded_rows
         FROM comparison_rule u JOIN comparison c ON c.id = u.comparison_id
         WHERE ($1 = '' OR c.source = $1) AND c.division_code >= $2 AND c.division_code < $3
         GROUP BY u.rule ORDER BY u.rule",
        args![source, scope.lo(), scope.hi()],
    )
    .await
}

/// What the search of several comparisons came to.
#[derive(Debug, Clone, Copy, Default, sqlx::FromRow)]
pub(crate) struct SearchSum {
    /// Comparisons that say how much they are thought to have found.
    pub(crate) comparisons: i64,
    pub(crate) compared: i64,
    pub(crate) likely: i64,
    /// Pairs of one person that there are thought to be.
    pub(crate) expected: f64,
}

/// [`rules`] for all rules together.
pub(crate) async fn search(db: &Db, source: &str, scope: &Scope) -> Result<SearchSum, DbError> {
    db.one(
        "SELECT COUNT(*) AS comparisons, CAST(COALESCE(SUM(pairs_compared), 0) AS BIGINT) AS compared,
                CAST(COALESCE(SUM(pairs_likely), 0) AS BIGINT) AS likely,
                CAST(COALESCE(SUM(pairs_likely / recall), 0) AS DOUBLE PRECISION) AS expected
         FROM comparison c
         WHERE recall > 0 AND ($1 = '' OR c.source = $1) AND c.division_code >= $2 AND c.division_code < $3",
        args![source, scope.lo(), scope.hi()],
    )
    .await
}
