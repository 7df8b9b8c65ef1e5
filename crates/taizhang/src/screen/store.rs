//! All SQL of visits and of where households stand after them.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::model::{CheckRow, Home, Member, Visit, VisitVersion};
use super::walk::{Key, Standing};
use crate::access::Scope;
use crate::args;
use crate::assess::places;
use crate::platform::{Db, DbError, Tx, Value, ids};

/// The columns of a visit.
const VISIT: &str = "id, household_id, division_code, visited_on, channel, spoken_to, note, unchanged, checked, answers, results, \
     by_user, by_name, by_unit, by_role, origin, profile_id, version, fingerprint, recorded_at, updated_at";

/// The source of the signals of visits.
pub(super) const SOURCE: &str = "visit";

pub(super) async fn home(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Home>, DbError> {
    db.maybe(
        "SELECT h.id, h.household_no, h.head_name, h.division_code, COALESCE(d.full_name, '') AS place, h.housing_grade,
                h.member_count
         FROM household h LEFT JOIN division d ON d.code = h.division_code
         WHERE h.id = $3 AND h.division_code >= $1 AND h.division_code < $2",
        args![scope.lo(), scope.hi(), id],
    )
    .await
}

/// Households of a scope by their numbers.
pub(super) async fn homes(db: &Db, scope: &Scope, numbers: &[String]) -> Result<Vec<Home>, DbError> {
    let sql = format!(
        "SELECT h.id, h.household_no, h.head_name, h.division_code, '' AS place, h.housing_grade, h.member_count
         FROM household h WHERE h.division_code >= $1 AND h.division_code < $2 AND h.household_no IN ({})",
        places(3, numbers.len())
    );
    let mut args = args![scope.lo(), scope.hi()];
    args.extend(numbers.iter().map(Value::from));
    db.all(sqlx::AssertSqlSafe(sql), args).await
}

#[derive(Debug, sqlx::FromRow)]
struct MemberOf {
    household_id: Uuid,
    id: Uuid,
    name: String,
    birth_date: String,
    relation: String,
    serious_insured: Option<bool>,
}

/// Members of some households.
pub(super) async fn members_of(db: &Db, households: &[Uuid]) -> Result<Vec<(Uuid, Member)>, DbError> {
    if households.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT household_id, id, name, birth_date, relation, serious_insured FROM person WHERE household_id IN ({})
         ORDER BY is_head DESC, person_no",
        places(1, households.len())
    );
    let rows: Vec<MemberOf> = db.all(sqlx::AssertSqlSafe(sql), households.iter().map(Value::from).collect()).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let MemberOf { household_id, id, name, birth_date, relation, serious_insured } = row;
            (household_id, Member { id, name, birth_date, relation, serious_insured })
        })
        .collect())
}

/// Its members, the head first.
pub(super) async fn members(db: &Db, household: Uuid) -> Result<Vec<Member>, DbError> {
    db.all(
        "SELECT id, name, birth_date, relation, serious_insured FROM person WHERE household_id = $1
         ORDER BY is_head DESC, person_no",
        args![household],
    )
    .await
}

/// The same inside a transaction.
pub(super) async fn members_in(tx: &mut Tx, household: Uuid) -> Result<Vec<Member>, DbError> {
    tx.all(
        "SELECT id, name, birth_date, relation, serious_insured FROM person WHERE household_id = $1
         ORDER BY is_head DESC, person_no",
        args![household],
    )
    .await
}

/// Visits of a household, the newest first.
pub(super) async fn visits(db: &Db, scope: &Scope, household: Uuid) -> Result<Vec<Visit>, DbError> {
    let sql = format!(
        "SELECT {VISIT} FROM visit WHERE household_id = $3 AND division_code >= $1 AND division_code < $2
         ORDER BY visited_on DESC, id DESC"
    );
    db.all(sqlx::AssertSqlSafe(sql), args![scope.lo(), scope.hi(), household]).await
}

pub(super) async fn visits_in(tx: &mut Tx, household: Uuid) -> Result<Vec<Visit>, DbError> {
    let sql = format!("SELECT {VISIT} FROM visit WHERE household_id = $1 ORDER BY visited_on, id");
    tx.all(sqlx::AssertSqlSafe(sql), args![household]).await
}

pub(super) async fn visit(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Visit>, DbError> {
    let sql = format!("SELECT {VISIT} FROM visit WHERE id = $3 AND division_code >= $1 AND division_code < $2");
    db.maybe(sqlx::AssertSqlSafe(sql), args![scope.lo(), scope.hi(), id]).await
}

pub(super) async fn visit_in(tx: &mut Tx, id: Uuid) -> Result<Option<Visit>, DbError> {
    let sql = format!("SELECT {VISIT} FROM visit WHERE id = $1");
    tx.maybe(sqlx::AssertSqlSafe(sql), args![id]).await
}

/// Writes a new visit; false where one of that id is there.
pub(super) async fn insert(tx: &mut Tx, visit: &Visit) -> Result<bool, DbError> {
    let rows = tx
        .run(
            "INSERT INTO visit (id, household_id, division_code, visited_on, channel, spoken_to, note, unchanged, checked,
                 answers, results, by_user, by_name, by_unit, by_role, origin, profile_id, version, fingerprint,
                 recorded_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $20)
             ON CONFLICT (id) DO NOTHING",
            args![
                visit.id,
                visit.household_id,
                &visit.division_code,
                &visit.visited_on,
                &visit.channel,
                &visit.spoken_to,
                &visit.note,
                visit.unchanged,
                visit.checked,
                &visit.answers,
                &visit.results,
                visit.by_user,
                &visit.by_name,
                &visit.by_unit,
                &visit.by_role,
                &visit.origin,
                visit.profile_id,
                visit.version,
                visit.fingerprint,
                visit.recorded_at
            ],
        )
        .await?;
    Ok(rows > 0)
}

/// Puts a corrected visit in the place of version `from`; false where that is not the one that stands.
pub(super) async fn correct(tx: &mut Tx, visit: &Visit, from: i64) -> Result<bool, DbError> {
    let rows = tx
        .run(
            "UPDATE visit SET visited_on = $2, channel = $3, spoken_to = $4, note = $5, unchanged = $6, checked = $7,
                 answers = $8, results = $9, profile_id = $10, version = $11, fingerprint = $12, updated_at = $13
             WHERE id = $1 AND version = $14",
            args![
                visit.id,
                &visit.visited_on,
                &visit.channel,
                &visit.spoken_to,
                &visit.note,
                visit.unchanged,
                visit.checked,
                &visit.answers,
                &visit.results,
                visit.profile_id,
                visit.version,
                visit.fingerprint,
                visit.updated_at,
                from
            ],
        )
        .await?;
    Ok(rows > 0)
}

/// Keeps what a visit said before.
pub(super) async fn keep_version(
    tx: &mut Tx,
    old: &Visit,
    data: String,
    reason: &str,
    by: (Option<Uuid>, &str),
    now: i64,
) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO visit_version (visit_id, version, data, reason, by_user, by_name, superseded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![old.id, old.version, data, reason, by.0, by.1, now],
    )
    .await?;
    Ok(())
}

/// Who corrected a visit last.
pub(super) async fn last_corrector(tx: &mut Tx, id: Uuid) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx
        .maybe("SELECT by_name FROM visit_version WHERE visit_id = $1 ORDER BY version DESC LIMIT 1", args![id])
        .await?;
    Ok(row.map(|(name,)| name))
}

/// Earlier versions of a visit, the newest first.
pub(super) async fn versions(db: &Db, id: Uuid) -> Result<Vec<VisitVersion>, DbError> {
    db.all(
        "SELECT version, data, reason, by_name, superseded_at FROM visit_version WHERE visit_id = $1
         ORDER BY version DESC",
        args![id],
    )
    .await
}

/// Where the indicators of a household stand.
pub(super) async fn checks(db: &Db, scope: &Scope, household: Uuid) -> Result<Vec<CheckRow>, DbError> {
    db.all(
        "SELECT indicator, result, since, checked_on, by_name, by_role, visit_id, reasons FROM household_check
         WHERE household_id = $3 AND division_code >= $1 AND division_code < $2",
        args![scope.lo(), scope.hi(), household],
    )
    .await
}

/// Writes where a household stands.
pub(super) async fn write_standing(
    tx: &mut Tx,
    household: Uuid,
    division: &str,
    standing: &Standing,
) -> Result<(), DbError> {
    let text = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    let last = |channel| text(standing.last.get(&channel).copied());
    use super::model::Channel;
    tx.run(
        "INSERT INTO household_visited (household_id, division_code, last_on, last_on_site, last_phone, last_wechat, last_video,
             visits, all_on)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (household_id) DO UPDATE SET division_code = excluded.division_code, last_on = excluded.last_on,
             last_on_site = excluded.last_on_site, last_phone = excluded.last_phone, last_wechat = excluded.last_wechat,
             last_video = excluded.last_video, visits = excluded.visits, all_on = excluded.all_on",
        args![
            household,
            division,
            text(standing.last_on()),
            last(Channel::OnSite),
            last(Channel::Phone),
            last(Channel::Wechat),
            last(Channel::Video),
            standing.visits,
            text(standing.all_on())
        ],
    )
    .await?;
    tx.run("DELETE FROM household_check WHERE household_id = $1", args![household]).await?;
    let rows = standing
        .checks
        .iter()
        .map(|(indicator, held)| {
            args![
                household,
                indicator.name(),
                division,
                held.judged.outcome.name(),
                held.since,
                held.on,
                &held.by_name,
                &held.by_role,
                held.visit,
                serde_json::to_string(&held.judged.reasons).unwrap_or_else(|_| "[]".to_owned())
            ]
        })
        .collect();
    tx.insert_many(
        "INSERT INTO household_check (household_id, indicator, division_code, result, since, checked_on, by_name, by_role,
             visit_id, reasons)",
        "",
        rows,
    )
    .await?;
    Ok(())
}

#[derive(Debug, sqlx::FromRow)]
struct SignalRow {
    id: Uuid,
    kind: String,
    person_id: Option<Uuid>,
    fact_date: String,
    value: String,
    version: i64,
    visit_id: Option<Uuid>,
}

/// What a signal of visits is a row of: stays the same over revisions.
fn row_key(household: Uuid, key: &Key) -> String {
    match key.1 {
        Some(person) => format!("{}:{person}", key.0),
        None => format!("{}:{household}", key.0),
    }
}

/// Brings the signals of a household's visits in line with where it stands: a fact that was revised is superseded, one
/// that was a mistake is withdrawn, what is new is added. A fact that was always met has none.
pub(super) async fn write_signals(
    tx: &mut Tx,
    household: Uuid,
    division: &str,
    members: &[Member],
    visits: &HashSet<Uuid>,
    standing: &Standing,
    now: i64,
) -> Result<(), DbError> {
    let rows: Vec<SignalRow> = tx
        .all(
            "SELECT id, kind, person_id, fact_date, value, version, visit_id FROM signal
             WHERE household_id = $1 AND source = $2 AND state = 'active' AND subject IN ('person', 'household')",
            args![household, SOURCE],
        )
        .await?;
    let mut held: BTreeMap<(String, Option<Uuid>), SignalRow> =
        rows.into_iter().map(|row| ((row.kind.clone(), row.person_id), row)).collect();
    let here: HashSet<Uuid> = members.iter().map(|member| member.id).collect();
    let mut ends: Vec<(Uuid, &str, &str)> = Vec::new();
    let mut new: Vec<(&Key, &super::walk::Fact, i64)> = Vec::new();
    for (key, fact) in &standing.facts {
        // Somebody who has left takes their signals along.
        if key.1.is_some_and(|person| !here.contains(&person)) {
            continue;
        }
        let old = held.remove(&(key.0.to_owned(), key.1));
        let foreign = old.as_ref().is_some_and(|old| old.visit_id.is_some_and(|visit| !visits.contains(&visit)));
        match old {
            Some(old) if fact.ever_bad || foreign => {
                let same = serde_json::from_str::<serde_json::Value>(&old.value).ok().as_ref() == Some(&fact.value);
                if same && old.fact_date == fact.since.to_string() {
                    continue;
                }
                ends.push((old.id, "superseded", "revised"));
                new.push((key, fact, old.version + 1));
            }
            Some(old) => ends.push((old.id, "withdrawn", "corrected")),
            None if fact.ever_bad => new.push((key, fact, 0)),
            None => {}
        }
    }
    for ((kind, person), old) in held {
        let own = old.visit_id.is_none_or(|visit| visits.contains(&visit));
        if !own {
            continue;
        }
        let lapsed = standing.lapsed.iter().any(|key| key.0 == kind && key.1 == person);
        ends.push(if lapsed { (old.id, "superseded", "lapsed") } else { (old.id, "withdrawn", "corrected") });
    }
    for (id, state, reason) in ends {
        tx.run(
            "UPDATE signal SET state = $2, state_reason = $3, state_at = $4 WHERE id = $1",
            args![id, state, reason, now],
        )
        .await?;
    }
    // A fact that was withdrawn once goes on counting where it stopped.
    let mut versions: HashMap<String, i64> = HashMap::new();
    let fresh: Vec<String> =
        new.iter().filter(|(.., version)| *version == 0).map(|(key, ..)| row_key(household, key)).collect();
    for key in fresh {
        let (last,): (i64,) = tx
            .one("SELECT COALESCE(MAX(version), 0) FROM signal WHERE source = $1 AND row_key = $2", args![SOURCE, &key])
            .await?;
        versions.insert(key, last + 1);
    }
    let rows = new
        .into_iter()
        .map(|(key, fact, version)| {
            let row_key = row_key(household, key);
            let version = if version == 0 { versions.get(&row_key).copied().unwrap_or(1) } else { version };
            args![
                ids::new_id(),
                key.0,
                if key.1.is_some() { "person" } else { "household" },
                key.1.unwrap_or(household),
                key.1,
                household,
                division,
                fact.since,
                now,
                fact.value.to_string(),
                1.0,
                SOURCE,
                row_key,
                version,
                "active",
                now,
                fact.visit
            ]
        })
        .collect();
    tx.insert_many(
        "INSERT INTO signal (id, kind, subject, subject_id, person_id, household_id, division_code, fact_date, learnt_at,
             value, probability, source, row_key, version, state, state_at, visit_id)",
        "",
        rows,
    )
    .await?;
    Ok(())
}

/// Takes visits and where households stand along with households that an import moved to another division.
pub(super) async fn follow(tx: &mut Tx, import: Uuid) -> Result<(), DbError> {
    for sql in [
        "UPDATE visit SET division_code = h.division_code FROM household h
         WHERE h.id = visit.household_id AND h.import_id = $1 AND visit.division_code <> h.division_code",
        "UPDATE household_visited SET division_code = h.division_code FROM household h
         WHERE h.id = household_visited.household_id AND h.import_id = $1
           AND household_visited.division_code <> h.division_code",
        "UPDATE household_check SET division_code = h.division_code FROM household h
         WHERE h.id = household_check.household_id AND h.import_id = $1
           AND household_check.division_code <> h.division_code",
    ] {
        tx.run(sql, args![import]).await?;
    }
    Ok(())
}
