//! The SQL of the register's duplicates.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::model::{Found, Issue, Known, Member, Pair, PairFilter, PairGroup, Place, Run};
use crate::access::{Actor, Scope};
use crate::args;
use crate::platform::{Db, DbError, Reader, Tx, Value, ids};

/// Ids in one `IN (…)`.
const CHUNK: usize = 500;

fn places(from: usize, count: usize) -> String {
    (0..count).map(|i| format!("${}", from + i)).collect::<Vec<_>>().join(", ")
}

const PAIR: &str = "d.id, d.left_id, d.right_id, d.left_no, d.right_no, d.left_division, d.right_division, d.tier, d.score, \
                    d.explanation, d.signature, d.cluster, d.model_version, d.present, d.found_at, d.gone_at, d.verdict, \
                    d.keep, d.decided_name, d.decided_at, d.note";

/// A pair is visible to whoever has one of its persons in scope. `$1`, `$2` are the scope.
const VISIBLE: &str = "((d.left_division >= $1 AND d.left_division < $2) \
                       OR (d.right_division >= $1 AND d.right_division < $2))";

/// Whoever decides a pair has both in scope.
const WHOLE: &str =
    "d.left_division >= $1 AND d.left_division < $2 AND d.right_division >= $1 AND d.right_division < $2";

/// What a [`PairFilter`] asks for. `$3` to `$7`.
const ASKED: &str = "($3 = '' OR d.verdict = $3) AND ($4 = '' OR d.tier = $4) \
    AND ($5 = '' OR d.present = ($5 = 'present')) \
    AND ($6 = '' OR ($6 = 'village' AND substr(d.left_division, 1, 12) = substr(d.right_division, 1, 12)) \
         OR ($6 = 'county' AND substr(d.left_division, 1, 12) <> substr(d.right_division, 1, 12) \
             AND substr(d.left_division, 1, 6) = substr(d.right_division, 1, 6)) \
         OR ($6 = 'across' AND substr(d.left_division, 1, 6) <> substr(d.right_division, 1, 6))) \
    AND ($7 = '' OR d.signature = $7)";

fn asked(scope: &Scope, filter: &PairFilter) -> Vec<Value> {
    args![scope.lo(), scope.hi(), &filter.verdict, &filter.tier, &filter.present, &filter.apart, &filter.signature]
}

/// Pairs with a person in a scope, the likeliest first.
pub(crate) async fn pairs(
    db: &Db,
    scope: &Scope,
    filter: &PairFilter,
    limit: i64,
    offset: i64,
) -> Result<Vec<Pair>, DbError> {
    let sql = AssertSqlSafe(format!(
        "SELECT {PAIR} FROM duplicate_pair d WHERE {VISIBLE} AND {ASKED} ORDER BY d.score DESC, d.id LIMIT $8 OFFSET $9"
    ));
    let mut values = asked(scope, filter);
    values.extend(args![limit, offset]);
    db.all(sql, values).await
}

/// How many such pairs there are.
pub(crate) async fn count(db: &Db, scope: &Scope, filter: &PairFilter) -> Result<i64, DbError> {
    let sql = AssertSqlSafe(format!("SELECT COUNT(*) FROM duplicate_pair d WHERE {VISIBLE} AND {ASKED}"));
    Ok(db.one::<(i64,)>(sql, asked(scope, filter)).await?.0)
}

/// Pairs of a scope by verdict and whether the last run found them.
pub(crate) async fn counts(db: &Db, scope: &Scope) -> Result<Vec<(String, bool, i64)>, DbError> {
    let sql = AssertSqlSafe(format!(
        "SELECT d.verdict, d.present, COUNT(*) FROM duplicate_pair d WHERE {VISIBLE} GROUP BY d.verdict, d.present"
    ));
    db.all(sql, args![scope.lo(), scope.hi()]).await
}

/// The kinds of evidence that pairs of a scope have.
pub(crate) async fn tiers(db: &Db, scope: &Scope) -> Result<Vec<(String,)>, DbError> {
    let sql = AssertSqlSafe(format!("SELECT DISTINCT d.tier FROM duplicate_pair d WHERE {VISIBLE} ORDER BY d.tier"));
    db.all(sql, args![scope.lo(), scope.hi()]).await
}

/// A pair, if a person of it is in scope.
pub(crate) async fn pair(db: &Db, id: Uuid, scope: &Scope) -> Result<Option<Pair>, DbError> {
    let sql = AssertSqlSafe(format!("SELECT {PAIR} FROM duplicate_pair d WHERE {VISIBLE} AND d.id = $3"));
    db.maybe(sql, args![scope.lo(), scope.hi(), id]).await
}

/// The next undecided pair after one, in the order of the list, that a scope may decide.
pub(crate) async fn next_open(db: &Db, scope: &Scope, after: Option<(f64, Uuid)>) -> Result<Option<Uuid>, DbError> {
    let (score, id) = after.unwrap_or((f64::MAX, Uuid::nil()));
    let sql = AssertSqlSafe(format!(
        "SELECT d.id FROM duplicate_pair d
         WHERE {WHOLE} AND d.verdict = 'pending' AND d.present AND (d.score < $3 OR (d.score = $3 AND d.id > $4))
         ORDER BY d.score DESC, d.id LIMIT 1"
    ));
    Ok(db.maybe::<(Uuid,)>(sql, args![scope.lo(), scope.hi(), score, id]).await?.map(|row| row.0))
}

/// The other pairs of the persons of a cluster, as far as they are visible.
pub(crate) async fn siblings(db: &Db, pair: &Pair, scope: &Scope) -> Result<Vec<Pair>, DbError> {
    let sql = AssertSqlSafe(format!(
        "SELECT {PAIR} FROM duplicate_pair d
         WHERE {VISIBLE} AND d.id <> $3
           AND (d.left_id = $4 OR d.left_id = $5 OR d.right_id = $4 OR d.right_id = $5)
         ORDER BY d.score DESC, d.id LIMIT 20"
    ));
    db.all(sql, args![scope.lo(), scope.hi(), pair.id, pair.left_id, pair.right_id]).await
}

/// Undecided pairs that a scope may decide, by how they look, where there is more than one of a kind.
pub(crate) async fn groups(db: &Db, scope: &Scope) -> Result<Vec<PairGroup>, DbError> {
    let sql = AssertSqlSafe(format!(
        "SELECT d.tier, d.signature, COUNT(*) AS pairs, MIN(d.score) AS score, MIN(d.explanation) AS explanation
         FROM duplicate_pair d WHERE {WHOLE} AND d.verdict = 'pending' AND d.present
         GROUP BY d.tier, d.signature HAVING COUNT(*) > 1 ORDER BY COUNT(*) DESC, d.tier, d.signature"
    ));
    db.all(sql, args![scope.lo(), scope.hi()]).await
}

/// The pairs of one such group.
pub(crate) async fn group_members(db: &Db, signature: &str, scope: &Scope) -> Result<Vec<Pair>, DbError> {
    let sql = AssertSqlSafe(format!(
        "SELECT {PAIR} FROM duplicate_pair d
         WHERE {WHOLE} AND d.verdict = 'pending' AND d.present AND d.signature = $3 ORDER BY d.score DESC, d.id"
    ));
    db.all(sql, args![scope.lo(), scope.hi(), signature]).await
}

/// The last run over a division or one above it, so that it spoke of all of a scope.
pub(crate) async fn last_run(db: &Db, scope: &Scope) -> Result<Option<Run>, DbError> {
    db.maybe(
        "SELECT id, division_code, persons, compared, found, added, gone, clusters, recall, model_version, finished_at
         FROM duplicate_run WHERE substr($1, 1, length(division_code)) = division_code
         ORDER BY finished_at DESC, id DESC LIMIT 1",
        args![scope.root()],
    )
    .await
}

/// Where the records of some persons of a scope came from.
pub(crate) async fn record_places(db: &Db, ids: &[Uuid], scope: &Scope) -> Result<Vec<Place>, DbError> {
    let mut out = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let sql = AssertSqlSafe(format!(
            "SELECT p.id, COALESCE(i.file_name, '') AS file_name, COALESCE(i.source_unit, '') AS source_unit, p.sheet,
                    p.line, p.as_of
             FROM person p LEFT JOIN import i ON i.id = p.import_id
             WHERE p.division_code >= $1 AND p.division_code < $2 AND p.id IN ({})",
            places(3, chunk.len())
        ));
        let mut values = args![scope.lo(), scope.hi()];
        values.extend(chunk.iter().map(Value::from));
        out.extend(db.all::<Place>(sql, values).await?);
    }
    Ok(out)
}

/// What imports said about the numbers of two persons, as far as a scope may see it; the last of each rule.
pub(crate) async fn issues(db: &Db, pair: &Pair, scope: &Scope) -> Result<Vec<Issue>, DbError> {
    db.all(
        "SELECT s.import_id, s.rule_id, s.person_no FROM import_issue s JOIN import i ON i.id = s.import_id
         WHERE s.person_no IN ($3, $4) AND s.person_no <> '' AND s.division_code >= $1 AND s.division_code < $2
           AND s.rule_id LIKE 'person.%' AND i.state = 'committed'
         GROUP BY s.import_id, s.rule_id, s.person_no ORDER BY MAX(i.created_at) DESC, s.rule_id, s.person_no LIMIT 12",
        args![scope.lo(), scope.hi(), &pair.left_no, &pair.right_no],
    )
    .await
}

/// Numbers and divisions of some persons.
pub(crate) async fn members(reader: &mut Reader, ids: &[Uuid]) -> Result<HashMap<Uuid, Member>, DbError> {
    let mut out = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let sql = AssertSqlSafe(format!(
            "SELECT id, person_no, division_code FROM person WHERE id IN ({})",
            places(1, chunk.len())
        ));
        let found = reader.all::<Member>(sql, chunk.iter().map(Value::from).collect()).await?;
        out.extend(found.into_iter().map(|m| (m.id, m)));
    }
    Ok(out)
}

/// Pairs of which both are in a scope, as a run there finds or no longer finds them.
pub(crate) async fn known(tx: &mut Tx, scope: &Scope) -> Result<Vec<Known>, DbError> {
    let sql = AssertSqlSafe(format!(
        "SELECT d.id, d.left_id, d.right_id, d.present FROM duplicate_pair d WHERE {WHOLE} ORDER BY d.id"
    ));
    tx.all(sql, args![scope.lo(), scope.hi()]).await
}

/// Keeps pairs that a run found for the first time.
pub(super) async fn insert(
    tx: &mut Tx,
    pairs: Vec<Found>,
    members: &HashMap<Uuid, Member>,
    run: Uuid,
    model_version: i64,
    now: i64,
) -> Result<(), DbError> {
    let of = |id: &Uuid| members.get(id).map(|m| (m.person_no.as_str(), m.division_code.as_str())).unwrap_or_default();
    let rows = pairs
        .iter()
        .map(|p| {
            let ((left_no, left), (right_no, right)) = (of(&p.left), of(&p.right));
            let cluster = p.cluster.as_ref().map(of).unwrap_or_default().0;
            args![
                ids::new_id(),
                p.left,
                p.right,
                left_no,
                right_no,
                left,
                right,
                p.tier,
                p.score,
                &p.explanation,
                &p.signature,
                cluster,
                model_version,
                true,
                run,
                run,
                now,
                "pending",
                "",
                "",
                ""
            ]
        })
        .collect();
    tx.insert_many(
        "INSERT INTO duplicate_pair (id, left_id, right_id, left_no, right_no, left_division, right_division, tier, score,
             explanation, signature, cluster, model_version, present, first_run, last_run, found_at, verdict, keep,
             decided_name, note)",
        "",
        rows,
    )
    .await?;
    Ok(())
}

/// Says of a pair what a later run found; what people decided stays.
pub(super) async fn renew(
    tx: &mut Tx,
    id: Uuid,
    pair: &Found,
    cluster: &str,
    run: Uuid,
    model_version: i64,
) -> Result<(), DbError> {
    tx.run(
        "UPDATE duplicate_pair SET tier = $2, score = $3, explanation = $4, signature = $5, cluster = $6,
             model_version = $7, present = TRUE, gone_at = NULL, last_run = $8
         WHERE id = $1",
        args![id, pair.tier, pair.score, &pair.explanation, &pair.signature, cluster, model_version, run],
    )
    .await?;
    Ok(())
}

/// Says that pairs are none any more.
pub(crate) async fn set_gone(tx: &mut Tx, ids: &[Uuid], now: i64) -> Result<(), DbError> {
    for chunk in ids.chunks(CHUNK) {
        let sql = AssertSqlSafe(format!(
            "UPDATE duplicate_pair SET present = FALSE, gone_at = $1 WHERE present AND id IN ({})",
            places(2, chunk.len())
        ));
        let mut values = args![now];
        values.extend(chunk.iter().map(Value::from));
        tx.run(sql, values).await?;
    }
    Ok(())
}

pub(crate) async fn insert_run(tx: &mut Tx, run: &Run, rules: &str, by: Option<Uuid>) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO duplicate_run (id, division_code, persons, compared, found, added, gone, clusters, recall, rules,
             model_version, created_by, finished_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        args![
            run.id,
            &run.division_code,
            run.persons,
            run.compared,
            run.found,
            run.added,
            run.gone,
            run.clusters,
            run.recall,
            rules,
            run.model_version,
            by,
            run.finished_at
        ],
    )
    .await?;
    Ok(())
}

/// Takes a pair for deciding, if both of its persons are in scope: a second decider waits here until the first is done.
pub(crate) async fn lock(tx: &mut Tx, id: Uuid, scope: &Scope) -> Result<Option<Pair>, DbError> {
    tx.run(
        "UPDATE duplicate_pair SET verdict = verdict
         WHERE id = $3 AND left_division >= $1 AND left_division < $2 AND right_division >= $1 AND right_division < $2",
        args![scope.lo(), scope.hi(), id],
    )
    .await?;
    let sql = AssertSqlSafe(format!("SELECT {PAIR} FROM duplicate_pair d WHERE {WHOLE} AND d.id = $3"));
    tx.maybe(sql, args![scope.lo(), scope.hi(), id]).await
}

/// Writes down what somebody said about a pair; nobody where it was taken back.
pub(crate) async fn set_verdict(
    tx: &mut Tx,
    id: Uuid,
    verdict: &'static str,
    keep: &'static str,
    by: Option<(&Actor, i64)>,
    note: &str,
) -> Result<(), DbError> {
    tx.run(
        "UPDATE duplicate_pair SET verdict = $2, keep = $3, decided_by = $4, decided_name = $5, decided_at = $6, note = $7
         WHERE id = $1",
        args![
            id,
            verdict,
            keep,
            by.and_then(|(actor, _)| actor.user_id),
            by.map_or("", |(actor, _)| actor.name.as_str()),
            by.map(|(_, now)| now),
            note
        ],
    )
    .await?;
    Ok(())
}
