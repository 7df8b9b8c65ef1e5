//! All SQL of intake: what it knows of the register before, what it writes, its own tables, the register-wide rules.

use uuid::Uuid;

use super::records::Entity;
use super::rules::{self, Severity};
use crate::access::Scope;
use crate::args;
use crate::platform::db::Record;
use crate::platform::{Db, DbError, Tx, Value};

/// An import as listed.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
#[allow(missing_docs)]
pub struct Import {
    pub id: Uuid,
    pub kind: String,
    pub file_name: String,
    pub sha256: String,
    pub bytes: i64,
    pub as_of: String,
    pub source_unit: String,
    pub division_code: String,
    pub state: String,
    pub mapping: String,
    pub rows_total: i64,
    pub rows_held: i64,
    pub rows_doubtful: i64,
    pub rows_new: i64,
    pub rows_changed: i64,
    pub rows_same: i64,
    pub job_id: Option<Uuid>,
    pub error: Option<String>,
    pub created_at: i64,
    pub committed_at: Option<i64>,
}

/// A hit of a quality rule as stored.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
#[allow(missing_docs)]
pub struct Issue {
    pub id: Uuid,
    pub import_id: Uuid,
    pub rule_id: String,
    pub severity: String,
    pub division_code: String,
    pub household_no: String,
    pub person_no: String,
    pub sheet: String,
    pub line: i64,
    pub field: String,
    pub value_masked: String,
    pub detail: String,
}

/// A household as later files need it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct KnownHousehold {
    pub(super) household_no: String,
    pub(super) id: Uuid,
    pub(super) division_code: String,
}

/// What is known of a record before a file: enough to see whether it changes.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Known {
    pub(super) key: String,
    pub(super) id: Uuid,
    pub(super) version: i64,
    pub(super) fingerprint: i64,
    pub(super) as_of: String,
    /// Whether it is somebody with a known ID number, 0 or 1.
    pub(super) has_id: i64,
}

/// The households of a scope: a file brings nothing to a household elsewhere.
pub(super) async fn each_household<E: From<DbError>>(
    db: &Db,
    scope: &Scope,
    each: impl FnMut(KnownHousehold) -> Result<(), E> + Send,
) -> Result<(), E> {
    db.each(
        "SELECT household_no, id, division_code FROM household WHERE division_code >= $1 AND division_code < $2",
        args![scope.lo(), scope.hi()],
        each,
    )
    .await
}

/// Numbers of households or persons that the register holds outside a scope: a file must not take them from there.
pub(super) async fn each_foreign<E: From<DbError>>(
    db: &Db,
    of: Of,
    scope: &Scope,
    each: impl FnMut((String,)) -> Result<(), E> + Send,
) -> Result<(), E> {
    let sql = match of {
        Of::Household => "SELECT household_no FROM household WHERE division_code < $1 OR division_code >= $2",
        Of::Person => "SELECT person_no FROM person WHERE division_code < $1 OR division_code >= $2",
        // Their keys begin with a household or a village, which are looked up in the scope already.
        Of::Income | Of::Monitoring | Of::Helper | Of::WorkTeam => return Ok(()),
        // Nobody's own: see `organisations`.
        Of::Organisation => return Ok(()),
    };
    db.each(sql, args![scope.lo(), scope.hi()], each).await
}

/// Which table's rows are asked for in [`each_known`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Household,
    Person,
    Income,
    Monitoring,
    Helper,
    WorkTeam,
    Organisation,
}

/// What the register holds of a kind in a scope.
pub(super) async fn each_known<E: From<DbError>>(
    db: &Db,
    of: Of,
    scope: &Scope,
    each: impl FnMut(Known) -> Result<(), E> + Send,
) -> Result<(), E> {
    let sql = match of {
        Of::Household => {
            "SELECT household_no AS key, id, version, fingerprint, as_of, CAST(0 AS BIGINT) AS has_id
             FROM household
             WHERE division_code >= $1 AND division_code < $2"
        }
        Of::Person => {
            "SELECT person_no AS key, id, version, fingerprint, as_of,
                    CAST(CASE WHEN id_enc IS NULL THEN 0 ELSE 1 END AS BIGINT) AS has_id
             FROM person
             WHERE division_code >= $1 AND division_code < $2"
        }
        Of::Income => {
            "SELECT h.household_no || '/' || CAST(i.year AS TEXT) AS key, i.household_id AS id, i.version,
                    i.fingerprint, i.as_of, CAST(0 AS BIGINT) AS has_id
             FROM household_income i JOIN household h ON h.id = i.household_id
             WHERE h.division_code >= $1 AND h.division_code < $2"
        }
        Of::Monitoring => {
            "SELECT h.household_no AS key, m.household_id AS id, m.version, m.fingerprint, m.as_of,
                    CAST(0 AS BIGINT) AS has_id
             FROM monitoring m JOIN household h ON h.id = m.household_id
             WHERE h.division_code >= $1 AND h.division_code < $2"
        }
        Of::Helper => {
            "SELECT h.household_no || '/' || p.name_folded || '/' || p.start_date AS key, p.id, p.version,
                    p.fingerprint, p.as_of, CAST(CASE WHEN p.id_index IS NULL THEN 0 ELSE 1 END AS BIGINT) AS has_id
             FROM helper p JOIN household h ON h.id = p.household_id
             WHERE h.division_code >= $1 AND h.division_code < $2"
        }
        Of::WorkTeam => {
            "SELECT division_code || '/' || team || '/' || name_folded || '/' || start_date AS key, id, version,
                    fingerprint, as_of, CAST(CASE WHEN id_index IS NULL THEN 0 ELSE 1 END AS BIGINT) AS has_id
             FROM work_team_member WHERE division_code >= $1 AND division_code < $2"
        }
        Of::Organisation => return Ok(()),
    };
    db.each(sql, args![scope.lo(), scope.hi()], each).await
}

/// ID indexes of the register with the person that has each.
pub(super) async fn each_id<E: From<DbError>>(
    db: &Db,
    each: impl FnMut((i64, String)) -> Result<(), E> + Send,
) -> Result<(), E> {
    db.each("SELECT id_index, person_no FROM person WHERE id_index IS NOT NULL", args![], each).await
}

/// How many imports are in. What was read of the register holds as long as this number does.
const IMPORTS_IN: &str = "SELECT COUNT(*) FROM import WHERE state = 'committed'";

/// See [`IMPORTS_IN`].
pub(super) async fn imports_in(db: &Db) -> Result<i64, DbError> {
    Ok(db.one::<(i64,)>(IMPORTS_IN, args![]).await?.0)
}

/// Lets one import at a time write, and says how many are in by now. On PostgreSQL a second one waits here for the first
/// to end.
pub(super) async fn take_turn(tx: &mut Tx) -> Result<i64, DbError> {
    tx.run(
        "INSERT INTO import_turn (id, taken) VALUES (1, 1)
         ON CONFLICT (id) DO UPDATE SET taken = import_turn.taken + 1",
        args![],
    )
    .await?;
    Ok(tx.one::<(i64,)>(IMPORTS_IN, args![]).await?.0)
}

pub(super) async fn is_empty(db: &Db, of: Of) -> Result<bool, DbError> {
    let sql = match of {
        Of::Household => "SELECT id FROM household LIMIT 1",
        Of::Person => "SELECT id FROM person LIMIT 1",
        Of::Income => "SELECT household_id FROM household_income LIMIT 1",
        Of::Monitoring => "SELECT household_id FROM monitoring LIMIT 1",
        Of::Helper => "SELECT id FROM helper LIMIT 1",
        Of::WorkTeam => "SELECT id FROM work_team_member LIMIT 1",
        Of::Organisation => "SELECT id FROM organisation LIMIT 1",
    };
    Ok(db.maybe::<(Uuid,)>(sql, args![]).await?.is_none())
}

/// The statements that drop the indexes of a large table before its first load and make them after it: sorting once is
/// several times faster than millions of insertions at random places, and both databases do it inside the transaction.
pub(super) fn indexes_of(of: Of) -> Option<(&'static str, &'static str)> {
    match of {
        Of::Person => Some((
            "DROP INDEX person_household; DROP INDEX person_division; DROP INDEX person_id_index; \
             DROP INDEX person_phone; DROP INDEX person_name; DROP INDEX person_pinyin; DROP INDEX person_initials; \
             DROP INDEX person_work_division; \
             DROP INDEX person_employer;",
            "CREATE INDEX person_household ON person (household_id); \
             CREATE INDEX person_division ON person (division_code); \
             CREATE INDEX person_id_index ON person (id_index); CREATE INDEX person_phone ON person (phone_index); \
             CREATE INDEX person_name ON person (name_folded); CREATE INDEX person_pinyin ON person (pinyin); \
             CREATE INDEX person_initials ON person (initials); \
             CREATE INDEX person_work_division ON person (work_division); \
             CREATE INDEX person_employer ON person (work_employer, division_code) WHERE work_employer <> '';",
        )),
        Of::Household => Some((
            "DROP INDEX household_division; DROP INDEX household_phone;",
            "CREATE INDEX household_division ON household (division_code); \
             CREATE INDEX household_phone ON household (phone_index);",
        )),
        Of::Income | Of::Monitoring | Of::Helper | Of::WorkTeam | Of::Organisation => None,
    }
}

/// Writes records that are new or changed; the row of the same key is replaced.
pub(super) async fn put<R: Entity>(tx: &mut Tx, rows: Vec<Vec<Value>>, fresh: bool) -> Result<u64, DbError> {
    // Into an empty table nothing can collide but a fault of ours, which must be seen.
    tx.insert_many(R::INSERT, if fresh { "" } else { R::UPSERT }, rows).await
}

/// Keeps the present versions of records before they are replaced: those of the ids, and of what these may name more than
/// once (incomes of several years) the ones that `replaced` says.
pub(super) async fn keep_versions<R: Entity + Record>(
    tx: &mut Tx,
    ids: &[Uuid],
    replaced: impl Fn(&R) -> bool,
    superseded_by: Uuid,
    now: i64,
) -> Result<(), DbError> {
    const AT_ONCE: usize = 20;
    for ids in ids.chunks(AT_ONCE) {
        let Some(last) = ids.last() else { continue };
        // One text for any number of ids: the last one is asked for again where there are fewer.
        let asked = (0..AT_ONCE).map(|at| Value::from(ids.get(at).unwrap_or(last))).collect();
        let mut rows = Vec::with_capacity(ids.len());
        for old in tx.all::<R>(R::SELECT, asked).await?.into_iter().filter(&replaced) {
            let (version, as_of, recorded_at, import) = old.version();
            rows.push(args![
                crate::platform::ids::new_id(),
                R::NAME,
                old.id(),
                version,
                old.division(),
                old.kept(),
                import,
                as_of,
                recorded_at,
                now,
                superseded_by
            ]);
        }
        tx.insert_many(
            "INSERT INTO record_version (id, entity, entity_id, version, division_code, data, import_id, as_of,
                                         recorded_at, superseded_at, superseded_by)",
            "",
            rows,
        )
        .await?;
    }
    Ok(())
}

/// A division as a file states it.
#[derive(Debug, Clone)]
pub(super) struct NewDivision {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) full_name: String,
    pub(super) parent: String,
    pub(super) level: i64,
    pub(super) pinyin: String,
    pub(super) initials: String,
    pub(super) urban_rural: String,
    pub(super) valid_from: String,
    pub(super) valid_to: String,
}

/// Writes divisions; one with the same code takes the new name. How many were new or changed.
pub(super) async fn put_divisions(tx: &mut Tx, rows: Vec<NewDivision>, import: Uuid) -> Result<u64, DbError> {
    let rows = rows
        .into_iter()
        .map(|d| {
            args![
                d.code,
                d.name,
                d.full_name,
                d.parent,
                d.level,
                d.pinyin,
                d.initials,
                d.urban_rural,
                d.valid_from,
                d.valid_to,
                import
            ]
        })
        .collect();
    tx.insert_many(
        "INSERT INTO division (code, name, full_name, parent_code, level, pinyin, initials, urban_rural, valid_from,
                               valid_to, import_id)",
        "ON CONFLICT (code) DO UPDATE SET name = excluded.name, full_name = excluded.full_name,
             parent_code = excluded.parent_code, level = excluded.level, pinyin = excluded.pinyin,
             initials = excluded.initials, urban_rural = excluded.urban_rural, valid_from = excluded.valid_from,
             valid_to = excluded.valid_to, import_id = excluded.import_id
         WHERE division.name <> excluded.name OR division.full_name <> excluded.full_name
            OR division.urban_rural <> excluded.urban_rural OR division.valid_from <> excluded.valid_from
            OR division.valid_to <> excluded.valid_to",
        rows,
    )
    .await
}

/// Which rules were broken in which households.
pub(super) async fn broken_rules(db: &Db, scope: &Scope) -> Result<Vec<(String, String)>, DbError> {
    db.all(
        "SELECT DISTINCT rule_id, household_no FROM import_issue WHERE division_code >= $1 AND division_code < $2
         ORDER BY rule_id, household_no",
        args![scope.lo(), scope.hi()],
    )
    .await
}

/// Enters the first day on which divisions no longer hold. How many held until now.
pub(super) async fn end_divisions(
    tx: &mut Tx,
    ended: &std::collections::BTreeMap<String, String>,
    import: Uuid,
) -> Result<u64, DbError> {
    let mut touched = 0;
    for (code, day) in ended {
        touched += tx
            .run(
                "UPDATE division SET valid_to = $2, import_id = $3 WHERE code = $1 AND valid_to = ''",
                args![code.as_str(), day.as_str(), import],
            )
            .await?;
    }
    Ok(touched)
}

/// Joined names that follow from another division's new name.
pub(super) async fn put_full_names(tx: &mut Tx, names: &[(String, String)]) -> Result<(), DbError> {
    for (code, name) in names {
        tx.run("UPDATE division SET full_name = $2 WHERE code = $1", args![code.as_str(), name.as_str()]).await?;
    }
    Ok(())
}

/// Households with a code from `lo` up to `hi`: id and division.
pub(super) async fn households_under(tx: &mut Tx, lo: &str, hi: &str) -> Result<Vec<(Uuid, String)>, DbError> {
    tx.all(
        "SELECT id, division_code FROM household WHERE division_code >= $1 AND division_code < $2 ORDER BY id",
        args![lo, hi],
    )
    .await
}

/// Members of work teams with a code from `lo` up to `hi`: id and division.
pub(super) async fn work_team_under(tx: &mut Tx, lo: &str, hi: &str) -> Result<Vec<(Uuid, String)>, DbError> {
    tx.all(
        "SELECT id, division_code FROM work_team_member WHERE division_code >= $1 AND division_code < $2 ORDER BY id",
        args![lo, hi],
    )
    .await
}

/// Makes the next version of a household, in another division.
pub(super) async fn move_household(tx: &mut Tx, id: Uuid, to: &str, import: Uuid, now: i64) -> Result<(), DbError> {
    tx.run(
        "UPDATE household SET division_code = $2, version = version + 1, import_id = $3, recorded_at = $4 WHERE id = $1",
        args![id, to, import, now],
    )
    .await?;
    Ok(())
}

/// Makes the next version of a work team's member, in another division.
pub(super) async fn move_work_team_member(
    tx: &mut Tx,
    id: Uuid,
    to: &str,
    import: Uuid,
    now: i64,
) -> Result<(), DbError> {
    tx.run(
        "UPDATE work_team_member SET division_code = $2, version = version + 1, import_id = $3, recorded_at = $4
         WHERE id = $1",
        args![id, to, import, now],
    )
    .await?;
    Ok(())
}

/// Writes former codes and names: alias code, alias name, code that followed, first day, first day no longer.
pub(super) async fn put_aliases(tx: &mut Tx, rows: Vec<[String; 5]>) -> Result<u64, DbError> {
    let rows = rows.into_iter().map(|r| r.into_iter().map(Value::from).collect()).collect();
    tx.insert_many(
        "INSERT INTO division_alias (alias_code, alias_name, code, valid_from, valid_to)",
        "ON CONFLICT (alias_code, alias_name, code) DO UPDATE SET valid_from = excluded.valid_from,
             valid_to = excluded.valid_to
         WHERE division_alias.valid_from <> excluded.valid_from OR division_alias.valid_to <> excluded.valid_to",
        rows,
    )
    .await
}

pub(super) async fn count_aliases(tx: &mut Tx) -> Result<i64, DbError> {
    Ok(tx.one::<(i64,)>("SELECT COUNT(*) FROM division_alias", args![]).await?.0)
}

pub(super) async fn put_issues(tx: &mut Tx, rows: Vec<Vec<Value>>) -> Result<u64, DbError> {
    tx.insert_many(
        "INSERT INTO import_issue (id, import_id, rule_id, severity, division_code, household_no, person_no, sheet, line,
                                   field, value_masked, detail)",
        "",
        rows,
    )
    .await
}

pub(super) async fn put_held_rows(tx: &mut Tx, rows: Vec<Vec<Value>>) -> Result<u64, DbError> {
    tx.insert_many(
        "INSERT INTO import_held_row (import_id, sheet, line, raw_enc)",
        "ON CONFLICT (import_id, sheet, line) DO NOTHING",
        rows,
    )
    .await
}

/// The import of the same bytes that is already in, if any. One of which rows are held back only because a household or
/// a village was not there yet does not count: they may be there now.
pub(super) async fn committed_twin(db: &Db, sha256: &str, kind: &str, scope: &Scope) -> Result<Option<Uuid>, DbError> {
    let row: Option<(Uuid,)> = db
        .maybe(
            "SELECT id FROM import
             WHERE sha256 = $1 AND kind = $2 AND state = 'committed' AND division_code >= $3 AND division_code < $4
               AND NOT EXISTS (SELECT 1 FROM import_issue s
                               WHERE s.import_id = import.id
                                 AND s.rule_id IN ('row.household_unknown', 'row.village_unknown'))
             LIMIT 1",
            args![sha256, kind, scope.lo(), scope.hi()],
        )
        .await?;
    Ok(row.map(|r| r.0))
}

pub(super) async fn put_import(tx: &mut Tx, import: &Import, purpose: &str, by: Option<Uuid>) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO import (id, kind, file_name, sha256, bytes, as_of, source_unit, purpose, division_code, state, mapping,
                             rows_total, rows_held, rows_doubtful, rows_new, rows_changed, rows_same, job_id, error,
                             created_by, created_at, committed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, mapping = excluded.mapping, kind = excluded.kind,
             as_of = excluded.as_of, rows_total = excluded.rows_total, rows_held = excluded.rows_held,
             rows_doubtful = excluded.rows_doubtful, rows_new = excluded.rows_new,
             rows_changed = excluded.rows_changed, rows_same = excluded.rows_same, job_id = excluded.job_id,
             error = excluded.error, committed_at = excluded.committed_at, sha256 = excluded.sha256",
        args![
            import.id, import.kind.as_str(), import.file_name.as_str(), import.sha256.as_str(), import.bytes,
            import.as_of.as_str(), import.source_unit.as_str(), purpose, import.division_code.as_str(),
            import.state.as_str(), import.mapping.as_str(), import.rows_total, import.rows_held, import.rows_doubtful,
            import.rows_new, import.rows_changed, import.rows_same, import.job_id, import.error.clone(), by,
            import.created_at, import.committed_at
        ],
    )
    .await?;
    Ok(())
}

/// The imports of a scope, newest first.
pub(super) async fn imports(db: &Db, scope: &Scope, limit: i64, offset: i64) -> Result<Vec<Import>, DbError> {
    db.all(
        "SELECT id, kind, file_name, sha256, bytes, as_of, source_unit, division_code, state, mapping, rows_total,
                rows_held, rows_doubtful, rows_new, rows_changed, rows_same, job_id, error, created_at, committed_at
         FROM import WHERE division_code >= $1 AND division_code < $2
         ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4",
        args![scope.lo(), scope.hi(), limit, offset],
    )
    .await
}

pub(super) async fn import(db: &Db, id: Uuid, scope: &Scope) -> Result<Option<Import>, DbError> {
    db.maybe(
        "SELECT id, kind, file_name, sha256, bytes, as_of, source_unit, division_code, state, mapping, rows_total,
                rows_held, rows_doubtful, rows_new, rows_changed, rows_same, job_id, error, created_at, committed_at
         FROM import WHERE id = $1 AND division_code >= $2 AND division_code < $3",
        args![id, scope.lo(), scope.hi()],
    )
    .await
}

pub(super) async fn set_state(tx: &mut Tx, id: Uuid, state: &str, job: Option<Uuid>) -> Result<u64, DbError> {
    tx.run(
        "UPDATE import SET state = $2, job_id = COALESCE($3, job_id) WHERE id = $1 AND state = 'staged'",
        args![id, state, job],
    )
    .await
}

/// Hits of one import, or of the given ones, by rule.
pub(super) async fn issues(db: &Db, import: Uuid, rule: &str, limit: i64) -> Result<Vec<Issue>, DbError> {
    db.all(
        "SELECT id, import_id, rule_id, severity, division_code, household_no, person_no, sheet, line, field,
                value_masked, detail
         FROM import_issue WHERE import_id = $1 AND ($2 = '' OR rule_id = $2)
         ORDER BY rule_id, sheet, line, id LIMIT $3",
        args![import, rule, limit],
    )
    .await
}

/// Hits counted by rule, errors first: rule, severity, hits.
pub(super) async fn issue_counts(db: &Db, import: Uuid) -> Result<Vec<(String, String, i64)>, DbError> {
    let counted: Vec<(String, i64)> = db
        .all(
            "SELECT rule_id, hits FROM import_rule WHERE import_id = $1 AND hits > 0 ORDER BY hits DESC, rule_id",
            args![import],
        )
        .await?;
    let severity = |rule: &str| rules::rule(rule).map_or(Severity::Doubt, |r| r.severity);
    let mut counted: Vec<_> =
        counted.into_iter().map(|(rule, hits)| (severity(&rule).name().to_owned(), rule, hits)).collect();
    counted.sort_by_key(|(severity, ..)| severity != Severity::Error.name());
    Ok(counted.into_iter().map(|(severity, rule, hits)| (rule, severity, hits)).collect())
}

/// Enters how often rules were hit in an import.
pub(super) async fn put_counts(
    tx: &mut Tx,
    import: Uuid,
    counts: impl IntoIterator<Item = (&'static str, i64)>,
) -> Result<u64, DbError> {
    let rows = counts.into_iter().map(|(rule, hits)| args![import, rule, hits]).collect();
    tx.insert_many(
        "INSERT INTO import_rule (import_id, rule_id, hits)",
        "ON CONFLICT (import_id, rule_id) DO UPDATE SET hits = excluded.hits",
        rows,
    )
    .await
}

/// Hits counted by rule and township: rule, township code, hits.
pub(super) async fn issue_townships(db: &Db, import: Uuid) -> Result<Vec<(String, String, i64)>, DbError> {
    db.all(
        "SELECT rule_id, substr(division_code, 1, 9), COUNT(*) FROM import_issue WHERE import_id = $1
         GROUP BY rule_id, substr(division_code, 1, 9) ORDER BY 1, 2",
        args![import],
    )
    .await
}

/// Takes everything of a household along when it has moved to another village.
pub(super) async fn follow_households(tx: &mut Tx) -> Result<(), DbError> {
    for sql in [
        "UPDATE person SET division_code = h.division_code FROM household h
         WHERE h.id = person.household_id AND person.division_code <> h.division_code",
        "UPDATE household_income SET division_code = h.division_code FROM household h
         WHERE h.id = household_income.household_id AND household_income.division_code <> h.division_code",
        "UPDATE monitoring SET division_code = h.division_code FROM household h
         WHERE h.id = monitoring.household_id AND monitoring.division_code <> h.division_code",
        "UPDATE helper SET division_code = h.division_code FROM household h
         WHERE h.id = helper.household_id AND helper.division_code <> h.division_code",
    ] {
        tx.run(sql, args![]).await?;
    }
    Ok(())
}

/// Counts households, persons and monitored households of every village anew.
pub(super) async fn roll_up(tx: &mut Tx) -> Result<(), DbError> {
    tx.run("DELETE FROM register_rollup", args![]).await?;
    tx.run(
        "INSERT INTO register_rollup (division_code, households, persons, monitored)
         SELECT village, CAST(SUM(households) AS BIGINT), CAST(SUM(persons) AS BIGINT), CAST(SUM(monitored) AS BIGINT)
         FROM (SELECT substr(division_code, 1, 12) AS village, COUNT(*) AS households, 0 AS persons, 0 AS monitored
               FROM household GROUP BY substr(division_code, 1, 12)
               UNION ALL
               SELECT substr(division_code, 1, 12), 0, COUNT(*), 0 FROM person GROUP BY substr(division_code, 1, 12)
               UNION ALL
               SELECT substr(division_code, 1, 12), 0, 0, COUNT(*) FROM monitoring WHERE NOT eliminated
               GROUP BY substr(division_code, 1, 12)) counted
         GROUP BY village",
        args![],
    )
    .await?;
    Ok(())
}

/// Takes away the hits of the register-wide rules in a scope, before they are found anew.
pub(super) async fn clear_register_rules(tx: &mut Tx, scope: &Scope) -> Result<(), DbError> {
    let listed: Vec<(Uuid, String, i64)> = tx
        .all(
            "SELECT import_id, rule_id, COUNT(*) FROM import_issue
             WHERE rule_id LIKE 'register.%' AND division_code >= $1 AND division_code < $2
             GROUP BY import_id, rule_id",
            args![scope.lo(), scope.hi()],
        )
        .await?;
    for (import, rule, hits) in listed {
        tx.run(
            "UPDATE import_rule SET hits = hits - $3 WHERE import_id = $1 AND rule_id = $2",
            args![import, rule, hits],
        )
        .await?;
    }
    tx.run(
        "DELETE FROM import_issue WHERE rule_id LIKE 'register.%' AND division_code >= $1 AND division_code < $2",
        args![scope.lo(), scope.hi()],
    )
    .await?;
    Ok(())
}

/// A hit of a register-wide rule: division, household number, person number, value.
pub(super) type RegisterHit = (String, String, String, String);

/// The register-wide rules that are one question each: rule, column, and the question about the divisions from `$1` up to
/// before `$2`.
pub(super) const REGISTER_RULES: &[(&str, &str, &str)] = &[
    (
        "register.house_not_monitored",
        "是否危房户",
        "SELECT h.division_code, h.household_no, '', h.housing_grade
         FROM household h LEFT JOIN monitoring m ON m.household_id = h.id AND NOT m.eliminated
         WHERE (h.dangerous_house OR (h.dangerous_house IS NULL AND h.housing_grade IN ('C', 'D'))) AND m.household_id IS NULL AND h.division_code >= $1 AND h.division_code < $2
         ORDER BY h.household_no",
    ),
    (
        "register.water_not_monitored",
        "是否解决安全饮用水",
        "SELECT h.division_code, h.household_no, '', '否'
         FROM household h LEFT JOIN monitoring m ON m.household_id = h.id AND NOT m.eliminated
         WHERE NOT h.safe_water AND m.household_id IS NULL AND h.division_code >= $1 AND h.division_code < $2
         ORDER BY h.household_no",
    ),
    (
        "register.persons_none",
        "家庭人口数",
        "SELECT h.division_code, h.household_no, '', CAST(h.member_count AS TEXT)
         FROM household h
         WHERE h.division_code >= $1 AND h.division_code < $2
           AND NOT EXISTS (SELECT 1 FROM person p WHERE p.household_id = h.id)
         ORDER BY h.household_no",
    ),
    (
        "register.members_differ",
        "家庭人口数",
        "SELECT h.division_code, h.household_no, '', CAST(h.member_count AS TEXT)
         FROM household h JOIN (SELECT household_id, COUNT(*) AS n FROM person GROUP BY household_id) p
           ON p.household_id = h.id
         WHERE h.member_count > 0 AND h.member_count <> p.n AND h.division_code >= $1 AND h.division_code < $2
         ORDER BY h.household_no",
    ),
    (
        "register.serious_insurance",
        "是否参加大病保险",
        "SELECT p.division_code, h.household_no, p.person_no, '否'
         FROM person p JOIN household h ON h.id = p.household_id
         WHERE NOT p.serious_insured AND (h.registration LIKE '已脱贫%' OR h.kind LIKE '%脱贫户')
           AND p.division_code >= $1 AND p.division_code < $2
         ORDER BY p.person_no",
    ),
    (
        "register.eco_without_fallow",
        "生态补偿金",
        "SELECT h.division_code, h.household_no, '', CAST(CAST(ROUND(i.eco_compensation) AS BIGINT) AS TEXT)
         FROM household_income i JOIN household h ON h.id = i.household_id
         WHERE i.eco_compensation > 0 AND h.fallow_area <= 0 AND i.division_code >= $1 AND i.division_code < $2
         ORDER BY h.household_no",
    ),
];

/// Households whose income per person lies below the line of `$3` yuan and that are not monitored.
pub(super) const INCOME_RULE: &str =
    "SELECT h.division_code, h.household_no, '', CAST(CAST(ROUND(i.per_capita) AS BIGINT) AS TEXT)
     FROM household_income i JOIN household h ON h.id = i.household_id
     LEFT JOIN monitoring m ON m.household_id = h.id AND NOT m.eliminated
     WHERE i.per_capita < $3 AND m.household_id IS NULL AND h.division_code >= $1 AND h.division_code < $2
       AND i.year = (SELECT MAX(y.year) FROM household_income y WHERE y.household_id = h.id)
     ORDER BY h.household_no";

pub(super) async fn hits(tx: &mut Tx, sql: &'static str, args: Vec<Value>) -> Result<Vec<RegisterHit>, DbError> {
    tx.all(sql, args).await
}

/// A monitored household with what the rules on its members need.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct MonitoredMember {
    pub(super) division_code: String,
    pub(super) household_no: String,
    pub(super) identified_month: String,
    pub(super) risks: String,
    pub(super) eliminated: bool,
    pub(super) attrs: String,
    pub(super) health: String,
    pub(super) birth_date: String,
    pub(super) labour: String,
    pub(super) schooling: String,
    pub(super) subsistence: Option<bool>,
    pub(super) destitute: Option<bool>,
}

pub(super) async fn monitored_members(tx: &mut Tx, scope: &Scope) -> Result<Vec<MonitoredMember>, DbError> {
    tx.all(
        "SELECT h.division_code, h.household_no, m.identified_month, m.risks, m.eliminated, m.attrs, p.health,
                p.birth_date, p.labour, p.schooling, p.subsistence, p.destitute
         FROM monitoring m JOIN household h ON h.id = m.household_id JOIN person p ON p.household_id = h.id
         WHERE m.division_code >= $1 AND m.division_code < $2
         ORDER BY h.household_no, p.person_no",
        args![scope.lo(), scope.hi()],
    )
    .await
}

/// Every hit of an import, in the order of rules, handed on one by one.
pub(super) async fn each_issue<E: From<DbError>>(
    db: &Db,
    import: Uuid,
    each: impl FnMut(Issue) -> Result<(), E> + Send,
) -> Result<(), E> {
    db.each(
        "SELECT id, import_id, rule_id, severity, division_code, household_no, person_no, sheet, line, field,
                value_masked, detail
         FROM import_issue WHERE import_id = $1 ORDER BY rule_id, sheet, line, id",
        args![import],
        each,
    )
    .await
}

/// Rows of an import that were held back: sheet, line, and the cells, sealed.
pub(super) async fn each_held_row<E: From<DbError>>(
    db: &Db,
    import: Uuid,
    each: impl FnMut((String, i64, Vec<u8>)) -> Result<(), E> + Send,
) -> Result<(), E> {
    db.each("SELECT sheet, line, raw_enc FROM import_held_row WHERE import_id = $1", args![import], each).await
}

/// A person's ID number, sealed.
pub(super) async fn person_id(db: &Db, person_no: &str, scope: &Scope) -> Result<Option<Vec<u8>>, DbError> {
    let row: Option<(Option<Vec<u8>>,)> = db
        .maybe(
            "SELECT id_enc FROM person WHERE person_no = $1 AND division_code >= $2 AND division_code < $3",
            args![person_no, scope.lo(), scope.hi()],
        )
        .await?;
    Ok(row.and_then(|r| r.0))
}

/// A person's phone, sealed.
pub(super) async fn person_phone(db: &Db, person_no: &str, scope: &Scope) -> Result<Option<Vec<u8>>, DbError> {
    let row: Option<(Option<Vec<u8>>,)> = db
        .maybe(
            "SELECT phone_enc FROM person WHERE person_no = $1 AND division_code >= $2 AND division_code < $3",
            args![person_no, scope.lo(), scope.hi()],
        )
        .await?;
    Ok(row.and_then(|r| r.0))
}

/// A household's phone, sealed.
pub(super) async fn household_phone(db: &Db, household_no: &str, scope: &Scope) -> Result<Option<Vec<u8>>, DbError> {
    let row: Option<(Option<Vec<u8>>,)> = db
        .maybe(
            "SELECT phone_enc FROM household WHERE household_no = $1 AND division_code >= $2 AND division_code < $3",
            args![household_no, scope.lo(), scope.hi()],
        )
        .await?;
    Ok(row.and_then(|r| r.0))
}

/// What an import is for, as its user said.
pub(super) async fn purpose(db: &Db, id: Uuid) -> Result<String, DbError> {
    let row: Option<(String,)> = db.maybe("SELECT purpose FROM import WHERE id = $1", args![id]).await?;
    Ok(row.map(|r| r.0).unwrap_or_default())
}

/// Imports whose copy of the file is still needed.
pub(super) async fn waiting(db: &Db) -> Result<Vec<(Uuid,)>, DbError> {
    db.all("SELECT id FROM import WHERE state IN ('staged', 'committing')", args![]).await
}

/// Ends a staged import without its rows.
pub(super) async fn end(tx: &mut Tx, id: Uuid, state: &str, why: &str) -> Result<(), DbError> {
    tx.run("UPDATE import SET state = $2, error = $3 WHERE id = $1 AND state <> 'committed'", args![id, state, why])
        .await?;
    Ok(())
}
