//! All SQL of the comparison.

use std::collections::{BTreeSet, HashMap, HashSet};

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::model::{
    Candidate, CaseKey, ComparisonRow, Counts, Group, HeldSignal, HouseholdPlace, Known, ListRow, NewCandidate, NewRow,
    NewSignal, OpenRow, Person, Registered, RegistryPerson, Staff, Subject,
};
use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError, Reader, Tx, Value};

/// Ids in one `IN (…)`.
const CHUNK: usize = 500;
/// Persons of a scope from which on two connections read it.
const WORTH_DIVIDING: i64 = 20_000;

fn places(from: usize, count: usize) -> String {
    (0..count).map(|i| format!("${}", from + i)).collect::<Vec<_>>().join(", ")
}

/// A scope as two ranges of divisions with about as many registered persons each, so that two connections can read it;
/// one range where that is not worth it.
pub(crate) async fn halves(reader: &mut Reader, scope: &Scope) -> Result<Vec<(String, String)>, DbError> {
    let places: Vec<(String, i64)> = reader
        .all(
            "SELECT division_code, persons FROM register_rollup
             WHERE division_code >= $1 AND division_code < $2 AND persons > 0 ORDER BY division_code",
            args![scope.lo(), scope.hi()],
        )
        .await?;
    let total: i64 = places.iter().map(|(_, persons)| persons).sum();
    let (lo, hi) = (scope.lo().to_owned(), scope.hi().to_owned());
    let mut before = 0;
    let middle = places.into_iter().find_map(|(code, persons)| {
        before += persons;
        (2 * before > total).then_some(code)
    });
    Ok(match middle {
        Some(middle) if total > WORTH_DIVIDING && middle > lo => vec![(lo, middle.clone()), (middle, hi)],
        _ => vec![(lo, hi)],
    })
}

/// Hands over every registered person of a range of divisions.
pub(crate) async fn each_person<E: From<DbError>>(
    reader: &mut Reader,
    (lo, hi): &(String, String),
    each: impl FnMut(RegistryPerson) -> Result<(), E> + Send,
) -> Result<(), E> {
    reader
        .each(
            "SELECT p.id, p.name_folded, p.sex, p.birth_date, p.division_code, p.id_enc, p.phone_enc,
                h.phone_enc AS household_phone_enc, h.household_no
         FROM person p JOIN household h ON h.id = p.household_id
         WHERE p.division_code >= $1 AND p.division_code < $2",
            args![lo, hi],
            each,
        )
        .await
}

/// How many persons a scope has registered.
pub(crate) async fn count_persons(reader: &mut Reader, scope: &Scope) -> Result<i64, DbError> {
    let row: (i64,) = reader
        .one(
            "SELECT CAST(COALESCE(SUM(persons), 0) AS BIGINT) FROM register_rollup
             WHERE division_code >= $1 AND division_code < $2",
            args![scope.lo(), scope.hi()],
        )
        .await?;
    Ok(row.0)
}

/// Where the households of some numbers are registered, as far as it is in a scope.
pub(crate) async fn household_places(
    reader: &mut Reader,
    numbers: &[&str],
    scope: &Scope,
) -> Result<Vec<HouseholdPlace>, DbError> {
    let mut out = Vec::new();
    for chunk in numbers.chunks(CHUNK) {
        let sql = AssertSqlSafe(format!(
            "SELECT household_no, division_code FROM household
             WHERE division_code >= $1 AND division_code < $2 AND household_no IN ({})",
            places(3, chunk.len())
        ));
        let mut values = args![scope.lo(), scope.hi()];
        values.extend(chunk.iter().copied().map(Value::from));
        out.extend(reader.all::<HouseholdPlace>(sql, values).await?);
    }
    Ok(out)
}

/// Hands over the helpers and work-team members of a scope who serve now, in no order.
pub(crate) async fn each_staff<E: From<DbError>>(
    reader: &mut Reader,
    scope: &Scope,
    each: impl FnMut(Staff) -> Result<(), E> + Send,
) -> Result<(), E> {
    reader
        .each(
            "SELECT 'helper' AS subject, id, household_id, division_code, name, name_folded, sex, unit, id_index,
                phone_enc, phone_index
         FROM helper WHERE end_date = '' AND division_code >= $1 AND division_code < $2
         UNION ALL
         SELECT 'team_member', id, NULL, division_code, name, name_folded, '', unit, id_index, phone_enc, phone_index
         FROM work_team_member WHERE end_date = '' AND division_code >= $1 AND division_code < $2",
            args![scope.lo(), scope.hi()],
            each,
        )
        .await
}

/// The helper rows or team rows of the same person as one of them: a cadre helps several households.
pub(crate) async fn same_staff(
    tx: &mut Tx,
    subject: Subject,
    id: Uuid,
) -> Result<Vec<(Uuid, Option<Uuid>, String)>, DbError> {
    let sql = match subject {
        Subject::Helper => {
            "SELECT o.id, o.household_id, o.division_code FROM helper s
             JOIN helper o ON o.name_folded = s.name_folded AND o.end_date = ''
                  AND (o.id = s.id OR o.id_index = s.id_index OR o.phone_index = s.phone_index)
             WHERE s.id = $1 ORDER BY o.id"
        }
        _ => {
            "SELECT o.id, NULL AS household_id, o.division_code FROM work_team_member s
             JOIN work_team_member o ON o.name_folded = s.name_folded AND o.end_date = ''
                  AND (o.id = s.id OR o.id_index = s.id_index OR o.phone_index = s.phone_index)
             WHERE s.id = $1 ORDER BY o.id"
        }
    };
    let rows: Vec<SameStaff> = tx.all(sql, args![id]).await?;
    Ok(rows.into_iter().map(|r| (r.id, r.household_id, r.division_code)).collect())
}

#[derive(sqlx::FromRow)]
struct SameStaff {
    id: Uuid,
    household_id: Option<Uuid>,
    division_code: String,
}

/// Where some persons of a scope are registered, and in which version of their record.
pub(crate) async fn registered(reader: &mut Reader, ids: &[Uuid], scope: &Scope) -> Result<Vec<Registered>, DbError> {
    let mut out = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let sql = AssertSqlSafe(format!(
            "SELECT id, household_id, division_code, version FROM person
             WHERE division_code >= $1 AND division_code < $2 AND id IN ({})",
            places(3, chunk.len())
        ));
        let mut values = args![scope.lo(), scope.hi()];
        values.extend(chunk.iter().map(Value::from));
        out.extend(reader.all::<Registered>(sql, values).await?);
    }
    Ok(out)
}

/// Persons by id, with what a review shows.
pub(crate) async fn persons(db: &Db, ids: &[Uuid], scope: &Scope) -> Result<Vec<Person>, DbError> {
    let mut out = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let sql = AssertSqlSafe(format!(
            "SELECT p.id, p.person_no, p.household_id, h.household_no, h.head_name, p.division_code, p.name, p.sex,
                    p.birth_date, p.id_enc, p.phone_enc, h.phone_enc AS household_phone_enc, p.relation, p.is_head
             FROM person p JOIN household h ON h.id = p.household_id
             WHERE p.division_code >= $1 AND p.division_code < $2 AND p.id IN ({})",
            places(3, chunk.len())
        ));
        let mut values = args![scope.lo(), scope.hi()];
        values.extend(chunk.iter().map(Value::from));
        out.extend(db.all::<Person>(sql, values).await?);
    }
    Ok(out)
}

/// The members of a household.
pub(crate) async fn members(db: &Db, household: Uuid, scope: &Scope) -> Result<Vec<Person>, DbError> {
    db.all(
        "SELECT p.id, p.person_no, p.household_id, h.household_no, h.head_name, p.division_code, p.name, p.sex,
                p.birth_date, p.id_enc, p.phone_enc, h.phone_enc AS household_phone_enc, p.relation, p.is_head
         FROM person p JOIN household h ON h.id = p.household_id
         WHERE p.household_id = $1 AND p.division_code >= $2 AND p.division_code < $3
         ORDER BY p.is_head DESC, p.birth_date, p.id",
        args![household, scope.lo(), scope.hi()],
    )
    .await
}

/// One helper or team member, with what a review shows.
pub(crate) async fn one_staff(db: &Db, subject: Subject, id: Uuid, scope: &Scope) -> Result<Option<Staff>, DbError> {
    let sql = match subject {
        Subject::Helper => {
            "SELECT 'helper' AS subject, id, household_id, division_code, name, name_folded, sex, unit, id_index,
                    phone_enc, phone_index
             FROM helper WHERE id = $1 AND division_code >= $2 AND division_code < $3"
        }
        _ => {
            "SELECT 'team_member' AS subject, id, NULL AS household_id, division_code, name, name_folded, '' AS sex,
                    unit, id_index, phone_enc, phone_index
             FROM work_team_member WHERE id = $1 AND division_code >= $2 AND division_code < $3"
        }
    };
    db.maybe(sql, args![id, scope.lo(), scope.hi()]).await
}

/// The newest revision of every row of a source, and whether it is a scope's to revise: whom it is about lives there or is
/// registered there, or it came from there; and nobody outside is matched with it.
pub(crate) async fn known(db: &Db, source: &str, scope: &Scope) -> Result<HashMap<String, Known>, DbError> {
    let mut out = HashMap::new();
    db.each::<Known, DbError>(
        "SELECT r.row_key, r.id, r.revision, r.fingerprint, r.identity, c.as_of, r.filled_on, r.name,
                r.kind, r.outcome, r.matched_at, c.division_code AS home,
                (NOT ((r.division_code >= $2 AND r.division_code < $3)
                   OR (c.division_code >= $2 AND c.division_code < $3)
                   OR EXISTS (SELECT 1 FROM match_candidate m
                              WHERE m.list_row_id = r.id AND m.verdict IN ('auto', 'confirmed')
                                AND m.division_code >= $2 AND m.division_code < $3))
                 OR EXISTS (SELECT 1 FROM match_candidate m
                            WHERE m.list_row_id = r.id AND m.verdict IN ('auto', 'pending', 'confirmed')
                              AND (m.division_code < $2 OR m.division_code >= $3))
                 OR EXISTS (SELECT 1 FROM signal s
                            WHERE s.source = r.source AND s.row_key = r.row_key AND s.state = 'active'
                              AND (s.division_code < $2 OR s.division_code >= $3))) AS outside
         FROM list_row r JOIN comparison c ON c.id = r.comparison_id
         WHERE r.source = $1 AND r.current",
        args![source, scope.lo(), scope.hi()],
        |row| {
            out.insert(row.row_key.clone(), row);
            Ok(())
        },
    )
    .await?;
    Ok(out)
}

/// Keys and fingerprints of the revisions of a source that newer ones have replaced.
pub(crate) async fn former(db: &Db, source: &str) -> Result<HashSet<(String, i64)>, DbError> {
    let rows: Vec<(String, i64)> =
        db.all("SELECT row_key, fingerprint FROM list_row WHERE source = $1 AND NOT current", args![source]).await?;
    Ok(rows.into_iter().collect())
}

const CHANGED_AT: &str = "SELECT COALESCE(MAX(committed_at), 0) FROM import
     WHERE state = 'committed' AND kind IN ('household', 'person', 'helper', 'work_team')";

/// When the register last changed in a way that matters to whom a row may match; 0 if never.
pub(crate) async fn register_changed_at(db: &Db) -> Result<i64, DbError> {
    Ok(db.one::<(i64,)>(CHANGED_AT, args![]).await?.0)
}

/// The imports of register files that a reader sees, counted: another number means another register.
pub(crate) async fn imports_seen(reader: &mut Reader) -> Result<i64, DbError> {
    Ok(reader.one::<(i64,)>(IMPORTS, args![]).await?.0)
}

const IMPORTS: &str = "SELECT COUNT(*) FROM import WHERE state = 'committed'";

/// Takes what was just written along to where people are by now, if the register has changed since a reader that saw
/// `seen` imports began; whether it has.
pub(crate) async fn catch_up(tx: &mut Tx, seen: i64) -> Result<bool, DbError> {
    let (now,): (i64,) = tx.one(IMPORTS, args![]).await?;
    if now != seen {
        follow_register(tx).await?;
    }
    Ok(now != seen)
}

const OPEN_COLUMNS: &str =
    "r.id, r.comparison_id, r.source, r.row_key, r.division_code, r.fields_enc, r.sheet, r.line, c.as_of,
     c.division_code AS home, r.outcome";

const OPEN_ROW: &str = "FROM list_row r JOIN comparison c ON c.id = r.comparison_id
     WHERE r.current AND r.outcome IN ('unmatched', 'review') AND r.name <> ''
       AND r.kind <> 'disease.other' AND ($1 = '' OR r.source = $1)
       AND r.matched_at < $2 AND r.division_code >= $3 AND r.division_code < $4";

/// Rows of a scope that are open, as far as they were last held against the register before a time.
pub(crate) async fn open_rows(
    db: &Db,
    source: Option<&str>,
    before: Option<i64>,
    scope: &Scope,
) -> Result<Vec<OpenRow>, DbError> {
    let sql = AssertSqlSafe(format!("SELECT {OPEN_COLUMNS} {OPEN_ROW} ORDER BY r.id"));
    db.all(sql, args![source.unwrap_or(""), before.unwrap_or(i64::MAX), scope.lo(), scope.hi()]).await
}

/// Some rows as far as they are open, wherever they lie.
pub(crate) async fn open_rows_of(db: &Db, ids: &[Uuid]) -> Result<Vec<OpenRow>, DbError> {
    let mut out = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let sql = AssertSqlSafe(format!(
            "SELECT {OPEN_COLUMNS} FROM list_row r JOIN comparison c ON c.id = r.comparison_id
             WHERE r.current AND r.outcome IN ('unmatched', 'review') AND r.name <> '' AND r.id IN ({}) ORDER BY r.id",
            places(1, chunk.len())
        ));
        out.extend(db.all::<OpenRow>(sql, chunk.iter().map(Value::from).collect()).await?);
    }
    Ok(out)
}

/// Whether there is any such row.
pub(crate) async fn has_open_before(db: &Db, source: &str, before: i64, scope: &Scope) -> Result<bool, DbError> {
    let sql = AssertSqlSafe(format!("SELECT r.id {OPEN_ROW} LIMIT 1"));
    let row: Option<(Uuid,)> = db.maybe(sql, args![source, before, scope.lo(), scope.hi()]).await?;
    Ok(row.is_some())
}

/// Matched rows whose person, registered in a scope when last seen, is registered no more or in another version, and those
/// that somebody who was registered or changed since may fit as well: with the number or the name of the person or the name
/// on the list.
pub(crate) async fn due_matched(db: &Db, source: Option<&str>, scope: &Scope) -> Result<Vec<OpenRow>, DbError> {
    let sql = AssertSqlSafe(format!(
        "WITH held AS (
             SELECT r.id AS row_id, r.name, r.matched_at, m.subject_id, m.subject_version
             FROM match_candidate m JOIN list_row r ON r.id = m.list_row_id
             WHERE m.verdict IN ('auto', 'confirmed') AND m.division_code >= $2 AND m.division_code < $3
               AND m.subject = 'person' AND r.current AND r.outcome = 'matched' AND r.name <> ''
               AND ($1 = '' OR r.source = $1)),
         due AS (
             SELECT h.row_id FROM held h LEFT JOIN person p ON p.id = h.subject_id
             WHERE p.id IS NULL OR (h.subject_version > 0 AND p.version <> h.subject_version)
             UNION
             SELECT h.row_id FROM held h JOIN person p ON p.id = h.subject_id
             JOIN person n ON n.id_index = p.id_index
             WHERE n.id <> p.id AND n.recorded_at > h.matched_at AND n.division_code >= $2 AND n.division_code < $3
             UNION
             SELECT h.row_id FROM held h JOIN person p ON p.id = h.subject_id
             JOIN person n ON n.name_folded = p.name_folded
             WHERE n.id <> p.id AND n.recorded_at > h.matched_at AND n.division_code >= $2 AND n.division_code < $3
             UNION
             SELECT h.row_id FROM held h JOIN person n ON n.name_folded = h.name
             WHERE n.id <> h.subject_id AND n.recorded_at > h.matched_at AND n.division_code >= $2
               AND n.division_code < $3)
         SELECT {OPEN_COLUMNS} FROM due JOIN list_row r ON r.id = due.row_id JOIN comparison c ON c.id = r.comparison_id
         ORDER BY r.id"
    ));
    db.all(sql, args![source.unwrap_or(""), scope.lo(), scope.hi()]).await
}

/// Takes rows for another look, of the time `now` (0 leaves the time of the last one); those that meanwhile were decided or
/// revised are left out. What is to be true of their outcome stays: `open` for rows that wait or match nobody, else matched.
pub(crate) async fn hold_rows(tx: &mut Tx, ids: &[Uuid], now: i64, open: bool) -> Result<HashSet<Uuid>, DbError> {
    let mut out = HashSet::new();
    for chunk in ids.chunks(CHUNK) {
        let sql = AssertSqlSafe(format!(
            "UPDATE list_row SET matched_at = CASE WHEN $1 > matched_at THEN $1 ELSE matched_at END
             WHERE current AND (outcome IN ('unmatched', 'review')) = $2 AND outcome <> 'withdrawn'
               AND id IN ({}) RETURNING id",
            places(3, chunk.len())
        ));
        let mut values = args![now, open];
        values.extend(chunk.iter().map(Value::from));
        let held: Vec<(Uuid,)> = tx.all(sql, values).await?;
        out.extend(held.into_iter().map(|row| row.0));
    }
    Ok(out)
}

/// Which of some persons are registered.
pub(crate) async fn still_registered(tx: &mut Tx, ids: &[Uuid]) -> Result<HashSet<Uuid>, DbError> {
    let mut out = HashSet::new();
    for chunk in ids.chunks(CHUNK) {
        let sql = AssertSqlSafe(format!("SELECT id FROM person WHERE id IN ({})", places(1, chunk.len())));
        let found: Vec<(Uuid,)> = tx.all(sql, chunk.iter().map(Value::from).collect()).await?;
        out.extend(found.into_iter().map(|row| row.0));
    }
    Ok(out)
}

/// Says why rows wait for a person again.
pub(crate) async fn set_reopened(tx: &mut Tx, row: Uuid, reason: &'static str) -> Result<(), DbError> {
    tx.run("UPDATE list_row SET reopened = $2 WHERE id = $1", args![row, reason]).await?;
    Ok(())
}

/// Says which version of a person's record a candidate stands for.
pub(crate) async fn set_subject_version(tx: &mut Tx, candidate: Uuid, version: i64) -> Result<(), DbError> {
    tx.run("UPDATE match_candidate SET subject_version = $2 WHERE id = $1", args![candidate, version]).await?;
    Ok(())
}

/// Makes the rows that a comparison brought due for another look.
pub(crate) async fn make_due(tx: &mut Tx, comparison: Uuid) -> Result<(), DbError> {
    tx.run("UPDATE list_row SET matched_at = 0 WHERE comparison_id = $1", args![comparison]).await?;
    Ok(())
}

/// Says that rows of lists changed: whoever computes from them does so anew.
pub(crate) async fn lists_changed(tx: &mut Tx) -> Result<(), DbError> {
    tx.run("UPDATE tier_basis SET lists = lists + 1 WHERE id = 1", args![]).await?;
    Ok(())
}

/// Keeps held rows as they came, sealed: sheet, line, text.
pub(crate) async fn insert_held_rows(
    tx: &mut Tx,
    comparison: Uuid,
    rows: Vec<(String, i64, Vec<u8>)>,
) -> Result<(), DbError> {
    let values = rows.into_iter().map(|(sheet, line, raw)| args![comparison, sheet, line, raw]).collect();
    tx.insert_many(
        "INSERT INTO list_held_row (comparison_id, sheet, line, raw_enc)",
        "ON CONFLICT (comparison_id, sheet, line) DO NOTHING",
        values,
    )
    .await?;
    Ok(())
}

/// The held rows of a comparison, still sealed: sheet, line, text.
pub(crate) async fn held_rows(db: &Db, comparison: Uuid) -> Result<Vec<(String, i64, Vec<u8>)>, DbError> {
    db.all(
        "SELECT sheet, line, raw_enc FROM list_held_row WHERE comparison_id = $1 ORDER BY sheet, line",
        args![comparison],
    )
    .await
}

/// Comparisons past their retention day that still have held rows, and how many.
pub(crate) async fn expired_held(tx: &mut Tx, today: &str, scope: &Scope) -> Result<Vec<(Uuid, i64)>, DbError> {
    tx.all(
        "SELECT c.id, COUNT(*) FROM comparison c JOIN list_held_row h ON h.comparison_id = c.id
         WHERE c.retention_until < $1 AND c.division_code >= $2 AND c.division_code < $3 GROUP BY c.id ORDER BY c.id",
        args![today, scope.lo(), scope.hi()],
    )
    .await
}

pub(crate) async fn delete_held(tx: &mut Tx, comparison: Uuid) -> Result<(), DbError> {
    tx.run("DELETE FROM list_held_row WHERE comparison_id = $1", args![comparison]).await?;
    Ok(())
}

/// Parameters of comparisons that wait or run.
pub(crate) async fn waiting_jobs(db: &Db) -> Result<Vec<(String,)>, DbError> {
    db.all("SELECT params FROM job WHERE kind = 'compare' AND state IN ('queued', 'running')", args![]).await
}

/// Takes signals and candidates along to where the people they are about are now; the households that lost or gained a
/// signal so.
pub(crate) async fn follow_register(tx: &mut Tx) -> Result<BTreeSet<Uuid>, DbError> {
    let mut moved = BTreeSet::new();
    let left: Vec<(Option<Uuid>, Uuid)> = tx
        .all(
            "SELECT s.household_id, p.household_id FROM signal s JOIN person p ON p.id = s.subject_id
             WHERE s.subject = 'person' AND (s.household_id IS DISTINCT FROM p.household_id
                                             OR s.division_code <> p.division_code)
             UNION
             SELECT s.household_id, k.household_id FROM signal s JOIN helper k ON k.id = s.subject_id
             WHERE s.subject = 'helper' AND (s.household_id IS DISTINCT FROM k.household_id
                                             OR s.division_code <> k.division_code)
             UNION
             SELECT s.household_id, h.id FROM signal s JOIN household h ON h.id = s.subject_id
             WHERE s.subject = 'household' AND s.division_code <> h.division_code",
            args![],
        )
        .await?;
    for (from, to) in left {
        moved.extend(from);
        moved.insert(to);
    }
    for sql in [
        "UPDATE signal SET household_id = p.household_id, division_code = p.division_code FROM person p
         WHERE signal.subject = 'person' AND p.id = signal.subject_id
           AND (signal.household_id IS DISTINCT FROM p.household_id OR signal.division_code <> p.division_code)",
        "UPDATE signal SET household_id = k.household_id, division_code = k.division_code FROM helper k
         WHERE signal.subject = 'helper' AND k.id = signal.subject_id
           AND (signal.household_id IS DISTINCT FROM k.household_id OR signal.division_code <> k.division_code)",
        "UPDATE signal SET division_code = h.division_code FROM household h
         WHERE signal.subject = 'household' AND h.id = signal.subject_id AND signal.division_code <> h.division_code",
        "UPDATE signal SET division_code = t.division_code FROM work_team_member t
         WHERE signal.subject = 'team_member' AND t.id = signal.subject_id
           AND signal.division_code <> t.division_code",
        "UPDATE match_candidate SET household_id = p.household_id, division_code = p.division_code FROM person p
         WHERE match_candidate.subject = 'person' AND p.id = match_candidate.subject_id
           AND (match_candidate.household_id IS DISTINCT FROM p.household_id
                OR match_candidate.division_code <> p.division_code)",
        "UPDATE match_candidate SET household_id = k.household_id, division_code = k.division_code FROM helper k
         WHERE match_candidate.subject = 'helper' AND k.id = match_candidate.subject_id
           AND (match_candidate.household_id IS DISTINCT FROM k.household_id
                OR match_candidate.division_code <> k.division_code)",
        "UPDATE match_candidate SET division_code = h.division_code FROM household h
         WHERE match_candidate.subject = 'household' AND h.id = match_candidate.subject_id
           AND match_candidate.division_code <> h.division_code",
        "UPDATE match_candidate SET division_code = t.division_code FROM work_team_member t
         WHERE match_candidate.subject = 'team_member' AND t.id = match_candidate.subject_id
           AND match_candidate.division_code <> t.division_code",
        "UPDATE duplicate_pair SET left_division = p.division_code FROM person p
         WHERE p.id = duplicate_pair.left_id AND duplicate_pair.left_division <> p.division_code",
        "UPDATE duplicate_pair SET right_division = p.division_code FROM person p
         WHERE p.id = duplicate_pair.right_id AND duplicate_pair.right_division <> p.division_code",
    ] {
        tx.run(sql, args![]).await?;
    }
    Ok(moved)
}

/// An earlier comparison of the very same file that wrote all it had.
pub(crate) async fn same_file(db: &Db, source: &str, sha256: &str, division: &str) -> Result<Option<Uuid>, DbError> {
    let row: Option<(Uuid,)> = db
        .maybe(
            "SELECT id FROM comparison WHERE sha256 = $1 AND source = $2 AND state = 'done'
               AND division_code = $3 ORDER BY created_at DESC LIMIT 1",
            args![sha256, source, division],
        )
        .await?;
    Ok(row.map(|r| r.0))
}

pub(crate) async fn insert_comparison(tx: &mut Tx, c: &ComparisonRow) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO comparison (id, source, file_name, sha256, as_of, purpose, retention_until, division_code, state,
             mapping, rows_total, rows_held, rows_new, rows_revised, rows_same, held, rows_matched, rows_review,
             rows_unmatched, created_by, created_at, finished_at, list_source, list_version, rows_gone, rows_back,
             came_on, recall, pairs_compared, pairs_likely)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
             $24, $25, $26, $27, $28, $29, $30)",
        args![
            c.id,
            &c.source,
            &c.file_name,
            &c.sha256,
            &c.as_of,
            &c.purpose,
            &c.retention_until,
            &c.division_code,
            &c.state,
            &c.mapping,
            c.rows_total,
            c.rows_held,
            c.rows_new,
            c.rows_revised,
            c.rows_same,
            &c.held,
            c.rows_matched,
            c.rows_review,
            c.rows_unmatched,
            c.created_by,
            c.created_at,
            c.finished_at,
            &c.list_source,
            c.list_version,
            c.rows_gone,
            c.rows_back,
            &c.came_on,
            c.recall,
            c.pairs_compared,
            c.pairs_likely
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn retire_rows(tx: &mut Tx, ids: &[Uuid]) -> Result<u64, DbError> {
    let mut touched = 0;
    for chunk in ids.chunks(CHUNK) {
        let sql = AssertSqlSafe(format!(
            "UPDATE list_row SET current = FALSE WHERE current AND id IN ({})",
            places(1, chunk.len())
        ));
        touched += tx.run(sql, chunk.iter().map(Value::from).collect()).await?;
    }
    Ok(touched)
}

pub(crate) async fn insert_rows(tx: &mut Tx, rows: Vec<NewRow>) -> Result<(), DbError> {
    let values = rows
        .into_iter()
        .map(|r| {
            args![
                r.id,
                r.comparison_id,
                r.source,
                r.row_key,
                r.revision,
                r.current,
                r.division_code,
                r.case_county,
                r.kind,
                r.fact_date,
                r.filled_on,
                r.name,
                r.cluster,
                r.fields_enc,
                r.fingerprint,
                r.identity,
                r.outcome,
                r.sheet,
                r.line,
                r.recorded_at,
                r.matched_at
            ]
        })
        .collect();
    tx.insert_many(
        "INSERT INTO list_row (id, comparison_id, source, row_key, revision, current, division_code, case_county, kind,
             fact_date, filled_on, name, cluster, fields_enc, fingerprint, identity, outcome, sheet, line, recorded_at,
             matched_at)",
        "",
        values,
    )
    .await?;
    Ok(())
}

pub(crate) async fn insert_candidates(tx: &mut Tx, candidates: Vec<NewCandidate>) -> Result<(), DbError> {
    let values = candidates
        .into_iter()
        .map(|c| {
            args![
                c.id,
                c.list_row_id,
                c.comparison_id,
                c.subject.name(),
                c.subject_id,
                c.household_id,
                c.division_code,
                c.tier,
                c.score,
                c.explanation,
                c.signature,
                c.verdict,
                c.decided_by,
                c.decided_at,
                c.note,
                c.model_version,
                c.subject_version
            ]
        })
        .collect();
    tx.insert_many(
        "INSERT INTO match_candidate (id, list_row_id, comparison_id, subject, subject_id, household_id, division_code,
             tier, score, explanation, signature, verdict, decided_by, decided_at, note, model_version, subject_version)",
        "",
        values,
    )
    .await?;
    Ok(())
}

/// Candidates of rows whose place a newer revision took.
pub(crate) async fn replace_candidates(tx: &mut Tx, ids: &[Uuid]) -> Result<(), DbError> {
    for chunk in ids.chunks(CHUNK) {
        let sql = AssertSqlSafe(format!(
            "UPDATE match_candidate SET verdict = 'replaced' WHERE id IN ({})",
            places(1, chunk.len())
        ));
        tx.run(sql, chunk.iter().map(Value::from).collect()).await?;
    }
    Ok(())
}

/// Which of some rows have ever had a candidate.
pub(crate) async fn rows_with_candidates(db: &Db, rows: &[Uuid]) -> Result<BTreeSet<Uuid>, DbError> {
    let mut out = BTreeSet::new();
    for chunk in rows.chunks(CHUNK) {
        let sql = AssertSqlSafe(format!(
            "SELECT DISTINCT list_row_id FROM match_candidate WHERE verdict <> 'replaced' AND list_row_id IN ({})",
            places(1, chunk.len())
        ));
        let found: Vec<(Uuid,)> = db.all(sql, chunk.iter().map(Value::from).collect()).await?;
        out.extend(found.into_iter().map(|r| r.0));
    }
    Ok(out)
}

const CANDIDATE: &str = "id, list_row_id, comparison_id, subject, subject_id, household_id, division_code, tier, score, \
                         explanation, signature, verdict, decided_by, decided_at, note, model_version, subject_version";

/// Candidates of some rows, wherever their registered side lies: for carrying decisions to a newer revision.
pub(crate) async fn candidates_of_rows(tx: &mut Tx, rows: &[Uuid]) -> Result<Vec<Candidate>, DbError> {
    let mut out = Vec::new();
    for chunk in rows.chunks(CHUNK) {
        let sql = AssertSqlSafe(format!(
            "SELECT {CANDIDATE} FROM match_candidate WHERE list_row_id IN ({}) ORDER BY list_row_id, score DESC, id",
            places(1, chunk.len())
        ));
        out.extend(tx.all::<Candidate>(sql, chunk.iter().map(Value::from).collect()).await?);
    }
    Ok(out)
}

/// Candidates of a row whose registered side lies inside the scope, the best first.
pub(crate) async fn candidates(db: &Db, row: Uuid, scope: &Scope) -> Result<Vec<Candidate>, DbError> {
    let sql = AssertSqlSafe(format!(
        "SELECT {CANDIDATE} FROM match_candidate
         WHERE list_row_id = $1 AND division_code >= $2 AND division_code < $3 AND verdict <> 'replaced'
         ORDER BY CASE verdict WHEN 'confirmed' THEN 0 WHEN 'auto' THEN 0 WHEN 'pending' THEN 1 ELSE 2 END,
                  score DESC, id"
    ));
    db.all(sql, args![row, scope.lo(), scope.hi()]).await
}

pub(crate) async fn set_verdict(
    tx: &mut Tx,
    ids: &[Uuid],
    verdict: &'static str,
    by: Option<Uuid>,
    at: Option<i64>,
    note: &str,
) -> Result<u64, DbError> {
    let mut touched = 0;
    for chunk in ids.chunks(CHUNK) {
        let sql = AssertSqlSafe(format!(
            "UPDATE match_candidate SET verdict = $1, decided_by = $2, decided_at = $3, note = $4 WHERE id IN ({})",
            places(5, chunk.len())
        ));
        let mut values = args![verdict, by, at, note];
        values.extend(chunk.iter().map(Value::from));
        touched += tx.run(sql, values).await?;
    }
    Ok(touched)
}

const ROW: &str = "id, comparison_id, source, row_key, revision, current, division_code, kind, fact_date, name, cluster, \
                   fields_enc, outcome, sheet, line, recorded_at, reopened";

/// A row is visible to whoever has its residence or a registered side of it in scope. `$2`, `$3` are the scope.
const VISIBLE: &str = "((r.division_code >= $2 AND r.division_code < $3) OR EXISTS (SELECT 1 FROM match_candidate m \
                       WHERE m.list_row_id = r.id AND m.division_code >= $2 AND m.division_code < $3 \
                       AND m.verdict IN ('auto', 'pending', 'confirmed')))";

pub(crate) async fn row(db: &Db, id: Uuid, scope: &Scope) -> Result<Option<ListRow>, DbError> {
    let sql = AssertSqlSafe(format!("SELECT {ROW} FROM list_row r WHERE r.id = $1 AND {VISIBLE}"));
    db.maybe(sql, args![id, scope.lo(), scope.hi()]).await
}

/// Takes a row for deciding: a second decider waits here until the first is done.
pub(crate) async fn lock_row(tx: &mut Tx, id: Uuid, scope: &Scope) -> Result<Option<ListRow>, DbError> {
    let sql = AssertSqlSafe(format!(
        "UPDATE list_row SET outcome = outcome WHERE id = $1 AND id IN (SELECT r.id FROM list_row r WHERE r.id = $1 AND {VISIBLE})
         RETURNING {ROW}"
    ));
    tx.maybe(sql, args![id, scope.lo(), scope.hi()]).await
}

/// Says what became of a row; one that waits for nobody any more has no reason to.
pub(crate) async fn set_outcome(tx: &mut Tx, row: Uuid, outcome: &'static str) -> Result<(), DbError> {
    tx.run(
        "UPDATE list_row SET outcome = $2, reopened = CASE WHEN $2 = 'review' THEN reopened ELSE '' END WHERE id = $1",
        args![row, outcome],
    )
    .await?;
    Ok(())
}

/// Rows of a comparison with one outcome, in the file's order.
pub(crate) async fn rows(
    db: &Db,
    comparison: Uuid,
    outcome: &str,
    scope: &Scope,
    limit: i64,
    offset: i64,
) -> Result<Vec<ListRow>, DbError> {
    let sql = AssertSqlSafe(format!(
        "SELECT {ROW} FROM list_row r
         WHERE r.comparison_id = $1 AND {VISIBLE} AND r.outcome = $4 AND r.current
         ORDER BY r.sheet, r.line, r.id LIMIT $5 OFFSET $6"
    ));
    db.all(sql, args![comparison, scope.lo(), scope.hi(), outcome, limit, offset]).await
}

/// Rows that a version of its source leaves out, as far as they are visible.
pub(crate) async fn gone_rows(
    db: &Db,
    comparison: Uuid,
    scope: &Scope,
    limit: i64,
    offset: i64,
) -> Result<Vec<ListRow>, DbError> {
    let sql = AssertSqlSafe(format!(
        "SELECT {ROW} FROM list_row r WHERE r.gone_in = $1 AND {VISIBLE} AND r.current
         ORDER BY r.sheet, r.line, r.id LIMIT $4 OFFSET $5"
    ));
    db.all(sql, args![comparison, scope.lo(), scope.hi(), limit, offset]).await
}

/// How many such rows are visible.
pub(crate) async fn count_gone(db: &Db, comparison: Uuid, scope: &Scope) -> Result<i64, DbError> {
    let sql =
        AssertSqlSafe(format!("SELECT COUNT(*) FROM list_row r WHERE r.gone_in = $1 AND {VISIBLE} AND r.current"));
    let row: (i64,) = db.one(sql, args![comparison, scope.lo(), scope.hi()]).await?;
    Ok(row.0)
}

/// A row that a source holds.
#[derive(sqlx::FromRow)]
pub(crate) struct SourceRow {
    pub(crate) id: Uuid,
    pub(crate) row_key: String,
    /// The version that left it out.
    pub(crate) gone_in: Option<Uuid>,
}

/// The newest revisions of the rows that a source's versions brought, as far as they are not erased.
pub(crate) async fn rows_of_source(db: &Db, kind: &str, code: &str) -> Result<Vec<SourceRow>, DbError> {
    db.all(
        "SELECT r.id, r.row_key, r.gone_in FROM list_row r JOIN comparison c ON c.id = r.comparison_id
         WHERE r.source = $1 AND r.current AND r.name <> '' AND c.list_source = $2 ORDER BY r.id",
        args![kind, code],
    )
    .await
}

/// Says which version of their source left rows out; none where they are in again.
pub(crate) async fn set_gone(tx: &mut Tx, ids: &[Uuid], version: Option<Uuid>) -> Result<(), DbError> {
    for chunk in ids.chunks(CHUNK) {
        let sql = AssertSqlSafe(format!("UPDATE list_row SET gone_in = $1 WHERE id IN ({})", places(2, chunk.len())));
        let mut values = args![version];
        values.extend(chunk.iter().map(Value::from));
        tx.run(sql, values).await?;
    }
    Ok(())
}

/// The rows before and after one in the review queue of a comparison: those still open, in the file's order.
pub(crate) async fn queue(db: &Db, comparison: Uuid, scope: &Scope) -> Result<Vec<Uuid>, DbError> {
    let sql = AssertSqlSafe(format!(
        "SELECT r.id FROM list_row r
         WHERE r.comparison_id = $1 AND {VISIBLE} AND r.outcome = 'review' AND r.current
         ORDER BY r.sheet, r.line, r.id"
    ));
    let rows: Vec<(Uuid,)> = db.all(sql, args![comparison, scope.lo(), scope.hi()]).await?;
    Ok(rows.into_iter().map(|r| r.0).collect())
}

/// Current rows of a comparison by outcome, as far as they are visible.
pub(crate) async fn counts(db: &Db, comparison: Uuid, scope: &Scope) -> Result<Counts, DbError> {
    let sql = AssertSqlSafe(format!(
        "SELECT r.outcome, COUNT(*) FROM list_row r
         WHERE r.comparison_id = $1 AND {VISIBLE} AND r.current GROUP BY r.outcome"
    ));
    let rows: Vec<(String, i64)> = db.all(sql, args![comparison, scope.lo(), scope.hi()]).await?;
    let mut out = Counts::default();
    for (outcome, count) in rows {
        match outcome.as_str() {
            "matched" => out.matched = count,
            "review" => out.review = count,
            "unmatched" => out.unmatched = count,
            _ => out.withdrawn = count,
        }
    }
    Ok(out)
}

const COMPARISON: &str = "c.id, c.source, c.file_name, c.sha256, c.as_of, c.purpose, c.retention_until, \
    c.division_code, c.state, c.mapping, c.rows_total, c.rows_held, c.rows_new, c.rows_revised, c.rows_same, c.held, \
    c.rows_matched, c.rows_review, c.rows_unmatched, c.created_by, c.created_at, c.finished_at, c.list_source, \
    c.list_version, c.rows_gone, c.rows_back, c.came_on, c.recall, c.pairs_compared, c.pairs_likely";

/// A comparison is visible to whoever may see all of it or one of its rows. `$1`, `$2` are the scope.
const OPEN: &str = "((c.division_code >= $1 AND c.division_code < $2) \
    OR EXISTS (SELECT 1 FROM list_row r WHERE r.comparison_id = c.id AND r.division_code >= $1 AND r.division_code < $2) \
    OR EXISTS (SELECT 1 FROM match_candidate m WHERE m.comparison_id = c.id AND m.division_code >= $1 \
               AND m.division_code < $2 AND m.verdict IN ('auto', 'pending', 'confirmed')))";

pub(crate) async fn comparison(db: &Db, id: Uuid, scope: &Scope) -> Result<Option<ComparisonRow>, DbError> {
    let sql = AssertSqlSafe(format!("SELECT {COMPARISON} FROM comparison c WHERE {OPEN} AND c.id = $3"));
    db.maybe(sql, args![scope.lo(), scope.hi(), id]).await
}

pub(crate) async fn comparisons(
    db: &Db,
    scope: &Scope,
    limit: i64,
    offset: i64,
) -> Result<Vec<ComparisonRow>, DbError> {
    let sql = AssertSqlSafe(format!(
        "SELECT {COMPARISON} FROM comparison c WHERE {OPEN} ORDER BY c.created_at DESC, c.id DESC LIMIT $3 OFFSET $4"
    ));
    db.all(sql, args![scope.lo(), scope.hi(), limit, offset]).await
}

/// Open rows with exactly one candidate, counted by how that candidate looks.
pub(crate) async fn groups(db: &Db, comparison: Uuid, scope: &Scope) -> Result<Vec<Group>, DbError> {
    db.all(
        "SELECT m.tier, m.signature, COUNT(*) AS rows, MIN(m.score) AS score, MIN(m.explanation) AS explanation
         FROM match_candidate m JOIN list_row r ON r.id = m.list_row_id
         WHERE m.comparison_id = $1 AND m.verdict = 'pending' AND r.current AND r.outcome = 'review'
           AND m.division_code >= $2 AND m.division_code < $3
           AND NOT EXISTS (SELECT 1 FROM match_candidate o WHERE o.list_row_id = m.list_row_id AND o.id <> m.id
                           AND o.verdict IN ('pending', 'auto', 'confirmed'))
         GROUP BY m.tier, m.signature HAVING COUNT(*) > 1
         ORDER BY COUNT(*) DESC, m.tier, m.signature",
        args![comparison, scope.lo(), scope.hi()],
    )
    .await
}

/// The candidates of one such group.
pub(crate) async fn group_members(
    db: &Db,
    comparison: Uuid,
    tier: &str,
    signature: &str,
    scope: &Scope,
) -> Result<Vec<Candidate>, DbError> {
    db.all(
        "SELECT m.id, m.list_row_id, m.comparison_id, m.subject, m.subject_id, m.household_id, m.division_code, m.tier,
                m.score, m.explanation, m.signature, m.verdict, m.decided_by, m.decided_at, m.note, m.model_version,
                m.subject_version
         FROM match_candidate m JOIN list_row r ON r.id = m.list_row_id
         WHERE m.comparison_id = $1 AND m.verdict = 'pending' AND r.current AND r.outcome = 'review'
           AND m.division_code >= $2 AND m.division_code < $3 AND m.tier = $4 AND m.signature = $5
           AND NOT EXISTS (SELECT 1 FROM match_candidate o WHERE o.list_row_id = m.list_row_id AND o.id <> m.id
                           AND o.verdict IN ('pending', 'auto', 'confirmed'))
         ORDER BY r.sheet, r.line, m.id",
        args![comparison, scope.lo(), scope.hi(), tier, signature],
    )
    .await
}

/// The active signals of some rows of a source.
pub(crate) async fn active_signals(tx: &mut Tx, source: &str, keys: &[String]) -> Result<Vec<HeldSignal>, DbError> {
    let mut out = Vec::new();
    for chunk in keys.chunks(CHUNK) {
        let sql = AssertSqlSafe(format!(
            "SELECT id, kind, subject, subject_id, household_id, fact_date, value, row_key, version
             FROM signal WHERE source = $1 AND state = 'active' AND row_key IN ({}) ORDER BY id",
            places(2, chunk.len())
        ));
        let mut values = args![source];
        values.extend(chunk.iter().map(Value::from));
        out.extend(tx.all::<HeldSignal>(sql, values).await?);
    }
    Ok(out)
}

pub(crate) async fn end_signal(
    tx: &mut Tx,
    id: Uuid,
    state: &'static str,
    reason: &str,
    now: i64,
) -> Result<(), DbError> {
    tx.run(
        "UPDATE signal SET state = $2, state_reason = $3, state_at = $4 WHERE id = $1 AND state = 'active'",
        args![id, state, reason, now],
    )
    .await?;
    Ok(())
}

pub(crate) async fn insert_signals(tx: &mut Tx, signals: Vec<NewSignal>) -> Result<(), DbError> {
    let values = signals
        .into_iter()
        .map(|s| {
            args![
                s.id,
                s.kind,
                s.subject.name(),
                s.subject_id,
                s.person_id,
                s.household_id,
                s.division_code,
                s.fact_date,
                s.learnt_at,
                s.value,
                s.probability,
                s.source,
                s.row_key,
                s.list_row_id,
                s.match_id,
                s.version,
                "active",
                s.learnt_at
            ]
        })
        .collect();
    tx.insert_many(
        "INSERT INTO signal (id, kind, subject, subject_id, person_id, household_id, division_code, fact_date,
             learnt_at, value, probability, source, row_key, list_row_id, match_id, version, state, state_at)",
        "",
        values,
    )
    .await?;
    Ok(())
}

/// Rows past their retention day that matched nobody and still hold what the agency gave; earlier revisions of such a
/// row too.
pub(crate) async fn expired(tx: &mut Tx, today: &str, scope: &Scope) -> Result<Vec<(Uuid, Uuid)>, DbError> {
    tx.all(
        "SELECT r.id, r.comparison_id FROM list_row r JOIN comparison c ON c.id = r.comparison_id
         WHERE c.retention_until < $1 AND r.name <> ''
           AND (r.outcome IN ('unmatched', 'withdrawn')
                OR (NOT r.current AND NOT EXISTS (
                        SELECT 1 FROM list_row n WHERE n.source = r.source AND n.row_key = r.row_key AND n.current
                          AND n.outcome IN ('matched', 'review'))))
           AND r.division_code >= $2 AND r.division_code < $3 ORDER BY r.id",
        args![today, scope.lo(), scope.hi()],
    )
    .await
}

/// Matched rows past their retention day that still hold every column that the agency gave.
pub(crate) async fn to_trim(tx: &mut Tx, today: &str, scope: &Scope, limit: i64) -> Result<Vec<ToTrim>, DbError> {
    tx.all(
        "SELECT r.id, r.comparison_id, r.fields_enc FROM list_row r JOIN comparison c ON c.id = r.comparison_id
         WHERE c.retention_until < $1 AND r.outcome = 'matched' AND r.name <> '' AND r.trimmed_on = ''
           AND r.division_code >= $2 AND r.division_code < $3 ORDER BY r.id LIMIT $4",
        args![today, scope.lo(), scope.hi(), limit],
    )
    .await
}

/// A row to be trimmed.
#[derive(sqlx::FromRow)]
pub(crate) struct ToTrim {
    pub(crate) id: Uuid,
    pub(crate) comparison_id: Uuid,
    pub(crate) fields_enc: Vec<u8>,
}

/// Leaves of a row only what `fields` has; unchanged where that is none.
pub(crate) async fn trim_row(tx: &mut Tx, id: Uuid, fields: Option<Vec<u8>>, today: &str) -> Result<(), DbError> {
    tx.run(
        "UPDATE list_row SET fields_enc = COALESCE($2, fields_enc), trimmed_on = $3 WHERE id = $1",
        args![id, fields, today],
    )
    .await?;
    Ok(())
}

/// Takes everything personal out of rows; kind, day, place and cluster stay for the counts of cases.
pub(crate) async fn blank_rows(tx: &mut Tx, ids: &[Uuid], empty: &[u8]) -> Result<(), DbError> {
    for chunk in ids.chunks(CHUNK) {
        let mut values = args![empty.to_vec()];
        values.extend(chunk.iter().map(Value::from));
        let sql = AssertSqlSafe(format!(
            "UPDATE list_row SET name = '', fields_enc = $1 WHERE id IN ({})",
            places(2, chunk.len())
        ));
        tx.run(sql, values).await?;
        let sql =
            AssertSqlSafe(format!("DELETE FROM match_candidate WHERE list_row_id IN ({})", places(1, chunk.len())));
        tx.run(sql, chunk.iter().map(Value::from).collect()).await?;
    }
    Ok(())
}

/// For each row of a list that this file brought: its line and the persons it is matched with or may be, the best first.
pub(crate) async fn matches_by_line(db: &Db, file_name: &str) -> Result<Vec<(i64, String, String)>, DbError> {
    db.all(
        "SELECT r.line, m.verdict, p.person_no
         FROM list_row r
         JOIN comparison c ON c.id = r.comparison_id
         JOIN match_candidate m ON m.list_row_id = r.id AND m.subject IN ('person', 'household')
              AND m.verdict IN ('auto', 'confirmed', 'pending')
         JOIN person p ON p.id = m.subject_id
         WHERE c.file_name = $1
         ORDER BY r.line, m.score DESC, m.id",
        args![file_name],
    )
    .await
}

/// For each current row of a source: its key and the persons it is matched with or may be, the best first.
pub(crate) async fn matches_by_key(db: &Db, source: &str) -> Result<Vec<CaseKey>, DbError> {
    db.all(
        "SELECT r.row_key, m.verdict, p.person_no
         FROM list_row r
         JOIN match_candidate m ON m.list_row_id = r.id AND m.subject IN ('person', 'household')
              AND m.verdict IN ('auto', 'confirmed', 'pending')
         JOIN person p ON p.id = m.subject_id
         WHERE r.source = $1 AND r.current
         ORDER BY r.row_key, m.score DESC, m.id",
        args![source],
    )
    .await
}
