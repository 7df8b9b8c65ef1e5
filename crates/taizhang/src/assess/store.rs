//! All SQL of assessments.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::changes::Fate;
use super::model::{Evidence, Tier};
use super::profile::Profile;
use super::rules::{self, TierMap};
use super::tiers::{CountyCases, CountyTier};
use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError, Tx, Value};

/// `$from, $from+1, …` for `n` values.
pub(crate) fn places(from: usize, n: usize) -> String {
    (from..from + n).map(|i| format!("${i}")).collect::<Vec<_>>().join(", ")
}

pub(super) fn ids_as_args(ids: &[Uuid]) -> Vec<Value> {
    ids.iter().map(Value::from).collect()
}

/// Takes the turn and the next number: the next transaction that asks for it waits for this one to end.
pub(crate) async fn take_turn(tx: &mut Tx) -> Result<i64, DbError> {
    let row: (i64,) = tx.one("UPDATE assess_turn SET seq = seq + 1 WHERE id = 1 RETURNING since_ms", args![]).await?;
    Ok(row.0)
}

/// Takes the turn without a number: for a run that writes what it read before. The number that was taken last.
pub(super) async fn take_turn_quietly(tx: &mut Tx) -> Result<i64, DbError> {
    let row: (i64,) = tx.one("UPDATE assess_turn SET seq = seq WHERE id = 1 RETURNING seq", args![]).await?;
    Ok(row.0)
}

/// The number that was taken last.
pub(super) async fn turn_now(tx: &mut Tx) -> Result<i64, DbError> {
    let row: (i64,) = tx.one("SELECT seq FROM assess_turn WHERE id = 1", args![]).await?;
    Ok(row.0)
}

/// Leaves the number of this turn at the households that it assesses.
pub(super) async fn mark_seen(tx: &mut Tx, households: &[Uuid], now: i64) -> Result<(), DbError> {
    let seq = turn_now(tx).await?;
    let rows = households.iter().map(|id| args![*id, seq, now]).collect();
    tx.insert_many(
        "INSERT INTO assess_seen (household_id, seq, at)",
        "ON CONFLICT (household_id) DO UPDATE SET seq = excluded.seq, at = excluded.at",
        rows,
    )
    .await?;
    Ok(())
}

/// Households that others assessed after a number was taken.
pub(super) async fn seen_since(tx: &mut Tx, seq: i64) -> Result<Vec<(Uuid,)>, DbError> {
    tx.all("SELECT household_id FROM assess_seen WHERE seq > $1", args![seq]).await
}

/// Forgets the numbers of households that no run of today can have read before.
pub(super) async fn forget_seen(tx: &mut Tx, before_ms: i64) -> Result<(), DbError> {
    tx.run("DELETE FROM assess_seen WHERE at < $1", args![before_ms]).await?;
    Ok(())
}

pub(super) async fn set_turn(tx: &mut Tx, since_ms: i64) -> Result<(), DbError> {
    tx.run("UPDATE assess_turn SET since_ms = $1 WHERE id = 1", args![since_ms]).await?;
    Ok(())
}

/// Cases by county, of the rows in force up to a day.
pub(super) async fn county_cases(
    db: &Db,
    kinds: &[String],
    to: NaiveDate,
) -> Result<BTreeMap<String, CountyCases>, DbError> {
    let sql = format!(
        "SELECT case_county, substr(fact_date, 1, 10) AS day, COUNT(*) AS cases,
                COUNT(CASE WHEN cluster <> '' THEN 1 END) AS clustered
         FROM list_row
         WHERE current = TRUE AND outcome <> 'withdrawn' AND case_county <> '' AND kind IN ({})
           AND substr(fact_date, 1, 10) <= $1
         GROUP BY case_county, substr(fact_date, 1, 10)",
        places(2, kinds.len())
    );
    let mut args = args![to];
    args.extend(kinds.iter().map(Value::from));
    let rows: Vec<(String, String, i64, i64)> = db.all(AssertSqlSafe(sql), args).await?;
    let mut out: BTreeMap<String, CountyCases> = BTreeMap::new();
    for (county, day, cases, clustered) in rows {
        let entry = out.entry(county).or_default();
        match NaiveDate::parse_from_str(&day, "%Y-%m-%d") {
            Ok(day) => {
                let count = entry.days.entry(day).or_default();
                count.cases += cases;
                count.clustered += clustered;
            }
            Err(_) => entry.undated += cases,
        }
    }
    Ok(out)
}

/// The cases of one county, from the lists as they stand.
pub(super) async fn cases_of(db: &Db, county: &str, kinds: &[String], to: NaiveDate) -> Result<CountyCases, DbError> {
    let sql = format!(
        "SELECT substr(fact_date, 1, 10) AS day, COUNT(*) AS cases, COUNT(CASE WHEN cluster <> '' THEN 1 END) AS clustered
         FROM list_row
         WHERE current = TRUE AND outcome <> 'withdrawn' AND case_county = $2 AND kind IN ({})
           AND substr(fact_date, 1, 10) <= $1
         GROUP BY substr(fact_date, 1, 10)",
        places(3, kinds.len())
    );
    let mut args = args![to, county];
    args.extend(kinds.iter().map(Value::from));
    let rows: Vec<(String, i64, i64)> = db.all(AssertSqlSafe(sql), args).await?;
    let mut out = CountyCases::default();
    for (day, cases, clustered) in rows {
        match NaiveDate::parse_from_str(&day, "%Y-%m-%d") {
            Ok(day) => {
                let count = out.days.entry(day).or_default();
                count.cases += cases;
                count.clustered += clustered;
            }
            Err(_) => out.undated += cases,
        }
    }
    Ok(out)
}

/// The newest tier of a county up to a day.
pub(super) async fn tier_of(db: &Db, county: &str, day: NaiveDate) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = db
        .maybe(
            "SELECT tier FROM county_tier WHERE county_code = $1 AND on_date <= $2 ORDER BY on_date DESC LIMIT 1",
            args![county, day],
        )
        .await?;
    Ok(row.map(|row| row.0))
}

/// Codes of the counties in force.
pub(super) async fn counties(db: &Db) -> Result<Vec<(String,)>, DbError> {
    db.all("SELECT code FROM division WHERE level = 3 AND valid_to = '' ORDER BY code", args![]).await
}

const LATEST_TIERS: &str = "SELECT county_code, tier, since FROM county_tier
     WHERE tier <> 'low' AND on_date = (SELECT MAX(on_date) FROM county_tier)";

fn tier_map(rows: Vec<(String, String, String)>) -> TierMap {
    rows.into_iter().filter_map(|(county, tier, since)| Some((county, (Tier::from_name(&tier)?, since)))).collect()
}

/// The tiers of the newest day that has any.
pub(super) async fn latest_tiers(db: &Db) -> Result<TierMap, DbError> {
    db.all(LATEST_TIERS, args![]).await.map(tier_map)
}

/// [`latest_tiers`], as a transaction sees them.
pub(super) async fn latest_tiers_in(tx: &mut Tx) -> Result<TierMap, DbError> {
    tx.all(LATEST_TIERS, args![]).await.map(tier_map)
}

/// From what the tiers were last computed: changes of lists now and then, day, profile.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct TierBasis {
    pub(super) lists: i64,
    pub(super) done: i64,
    pub(super) on_date: String,
    pub(super) profile_id: Option<Uuid>,
}

pub(super) async fn tier_basis(db: &Db) -> Result<TierBasis, DbError> {
    db.one("SELECT lists, done, on_date, profile_id FROM tier_basis WHERE id = 1", args![]).await
}

pub(super) async fn set_tier_basis(tx: &mut Tx, lists: i64, day: NaiveDate, profile: Uuid) -> Result<(), DbError> {
    tx.run("UPDATE tier_basis SET done = $1, on_date = $2, profile_id = $3 WHERE id = 1", args![lists, day, profile])
        .await?;
    Ok(())
}

/// How many counties have each tier on a day.
pub(super) async fn tier_counts(db: &Db, day: NaiveDate) -> Result<Vec<(String, i64)>, DbError> {
    db.all("SELECT tier, COUNT(*) FROM county_tier WHERE on_date = $1 GROUP BY tier", args![day]).await
}

/// Puts households on the list of those that the next assessment must take.
pub(crate) async fn mark_due(tx: &mut Tx, households: &BTreeSet<Uuid>, now: i64) -> Result<(), DbError> {
    let rows = households.iter().map(|id| args![*id, now]).collect();
    tx.insert_many("INSERT INTO assess_due (household_id, since_ms)", "ON CONFLICT (household_id) DO NOTHING", rows)
        .await?;
    Ok(())
}

/// Takes households off that list. Before they are read: what changes after is put on it anew.
pub(super) async fn take_due(tx: &mut Tx, ids: &[Uuid]) -> Result<(), DbError> {
    for chunk in ids.chunks(500) {
        let sql = format!("DELETE FROM assess_due WHERE household_id IN ({})", places(1, chunk.len()));
        tx.run(AssertSqlSafe(sql), ids_as_args(chunk)).await?;
    }
    Ok(())
}

/// Households of a scope with an open finding or on that list that are not in the register any more.
pub(super) async fn households_gone(db: &Db, scope: &Scope) -> Result<Vec<(Uuid,)>, DbError> {
    db.all(
        "SELECT f.household_id FROM finding f
         WHERE f.state = 'open' AND f.household_id IS NOT NULL AND f.division_code >= $1 AND f.division_code < $2
           AND NOT EXISTS (SELECT 1 FROM household h WHERE h.id = f.household_id)
         UNION
         SELECT q.household_id FROM assess_due q
         WHERE $1 = '' AND NOT EXISTS (SELECT 1 FROM household h WHERE h.id = q.household_id)",
        args![scope.lo(), scope.hi()],
    )
    .await
}

/// Households of a scope with a finding of some rules that has no item, or an item that has not seen its finding.
pub(super) async fn items_behind(db: &Db, rules: &[&str], scope: &Scope) -> Result<Vec<(Uuid,)>, DbError> {
    let mut out: Vec<(Uuid,)> = db
        .all(
            "SELECT f.household_id FROM item i JOIN finding f ON f.finding_key = i.source_key
             WHERE i.finding_version <> f.version AND f.household_id IS NOT NULL
               AND f.division_code >= $1 AND f.division_code < $2",
            args![scope.lo(), scope.hi()],
        )
        .await?;
    if !rules.is_empty() {
        let sql = format!(
            "SELECT f.household_id FROM finding f
             WHERE f.state = 'open' AND f.household_id IS NOT NULL AND f.division_code >= $1 AND f.division_code < $2
               AND f.rule_id IN ({}) AND NOT EXISTS (SELECT 1 FROM item i WHERE i.source_key = f.finding_key)",
            places(3, rules.len())
        );
        let mut args = args![scope.lo(), scope.hi()];
        args.extend(rules.iter().map(|id| Value::from(*id)));
        out.extend(db.all::<(Uuid,)>(AssertSqlSafe(sql), args).await?);
    }
    Ok(out)
}

/// Which of some households are on that list.
pub(super) async fn due_of(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<(Uuid,)>, DbError> {
    let sql = format!("SELECT household_id FROM assess_due WHERE household_id IN ({})", places(1, ids.len()));
    tx.all(AssertSqlSafe(sql), ids_as_args(ids)).await
}

/// Every household on that list.
pub(super) async fn due(db: &Db) -> Result<Vec<(Uuid,)>, DbError> {
    db.all("SELECT household_id FROM assess_due ORDER BY household_id", args![]).await
}

/// Households of a scope on that list.
pub(super) async fn due_in(db: &Db, scope: &Scope) -> Result<Vec<(Uuid,)>, DbError> {
    db.all(
        "SELECT q.household_id FROM assess_due q JOIN household h ON h.id = q.household_id
         WHERE h.division_code >= $1 AND h.division_code < $2 ORDER BY q.household_id",
        args![scope.lo(), scope.hi()],
    )
    .await
}

/// Puts the households that an import brought or changed, and that a rule may read otherwise for it, on that list: those
/// with a signal or a finding, those with somebody who works in a county of a raised tier, those served by somebody
/// with a signal. `CROSS JOIN` tells SQLite to begin with the few and not to go through the register for each of them.
pub(super) async fn mark_imported(tx: &mut Tx, import: Uuid, everybody: bool, now: i64) -> Result<u64, DbError> {
    let mut marked = 0;
    if everybody {
        // Some rule reads the register itself: whatever was brought may change what it says.
        for sql in [
            "INSERT INTO assess_due (household_id, since_ms)
             SELECT id, CAST($2 AS BIGINT) FROM household WHERE import_id = $1 ON CONFLICT (household_id) DO NOTHING",
            "INSERT INTO assess_due (household_id, since_ms)
             SELECT DISTINCT household_id, CAST($2 AS BIGINT) FROM person WHERE import_id = $1
             ON CONFLICT (household_id) DO NOTHING",
            "INSERT INTO assess_due (household_id, since_ms)
             SELECT DISTINCT household_id, CAST($2 AS BIGINT) FROM household_income WHERE import_id = $1
             ON CONFLICT (household_id) DO NOTHING",
            "INSERT INTO assess_due (household_id, since_ms)
             SELECT household_id, CAST($2 AS BIGINT) FROM monitoring WHERE import_id = $1
             ON CONFLICT (household_id) DO NOTHING",
            "INSERT INTO assess_due (household_id, since_ms)
             SELECT DISTINCT household_id, CAST($2 AS BIGINT) FROM helper WHERE import_id = $1
             ON CONFLICT (household_id) DO NOTHING",
            "INSERT INTO assess_due (household_id, since_ms)
             SELECT DISTINCT h.id, CAST($2 AS BIGINT) FROM work_team_member t
             CROSS JOIN household h
             WHERE h.division_code >= t.division_code AND h.division_code < t.division_code || ':' AND t.import_id = $1
             ON CONFLICT (household_id) DO NOTHING",
        ] {
            marked += tx.run(sql, args![import, now]).await?;
        }
        return Ok(marked);
    }
    for sql in [
        "INSERT INTO assess_due (household_id, since_ms)
         SELECT DISTINCT s.household_id, CAST($2 AS BIGINT) FROM signal s JOIN household h ON h.id = s.household_id
         WHERE h.import_id = $1 ON CONFLICT (household_id) DO NOTHING",
        "INSERT INTO assess_due (household_id, since_ms)
         SELECT DISTINCT s.household_id, CAST($2 AS BIGINT) FROM signal s JOIN person p ON p.household_id = s.household_id
         WHERE p.import_id = $1 ON CONFLICT (household_id) DO NOTHING",
        "INSERT INTO assess_due (household_id, since_ms)
         SELECT DISTINCT f.household_id, CAST($2 AS BIGINT) FROM finding f JOIN household h ON h.id = f.household_id
         WHERE h.import_id = $1 ON CONFLICT (household_id) DO NOTHING",
        "INSERT INTO assess_due (household_id, since_ms)
         SELECT DISTINCT f.household_id, CAST($2 AS BIGINT) FROM finding f JOIN person p ON p.household_id = f.household_id
         WHERE p.import_id = $1 ON CONFLICT (household_id) DO NOTHING",
        "INSERT INTO assess_due (household_id, since_ms)
         SELECT DISTINCT f.household_id, CAST($2 AS BIGINT) FROM finding f JOIN helper k ON k.household_id = f.household_id
         WHERE k.import_id = $1 ON CONFLICT (household_id) DO NOTHING",
        "INSERT INTO assess_due (household_id, since_ms)
         SELECT DISTINCT s.household_id, CAST($2 AS BIGINT) FROM signal s
         JOIN household_income i ON i.household_id = s.household_id
         WHERE i.import_id = $1 ON CONFLICT (household_id) DO NOTHING",
        "INSERT INTO assess_due (household_id, since_ms)
         SELECT DISTINCT f.household_id, CAST($2 AS BIGINT) FROM finding f
         JOIN household_income i ON i.household_id = f.household_id
         WHERE i.import_id = $1 ON CONFLICT (household_id) DO NOTHING",
        "INSERT INTO assess_due (household_id, since_ms)
         SELECT DISTINCT s.household_id, CAST($2 AS BIGINT) FROM signal s
         JOIN monitoring m ON m.household_id = s.household_id
         WHERE m.import_id = $1 ON CONFLICT (household_id) DO NOTHING",
        "INSERT INTO assess_due (household_id, since_ms)
         SELECT DISTINCT f.household_id, CAST($2 AS BIGINT) FROM finding f
         JOIN monitoring m ON m.household_id = f.household_id
         WHERE m.import_id = $1 ON CONFLICT (household_id) DO NOTHING",
        "INSERT INTO assess_due (household_id, since_ms)
         SELECT DISTINCT p.household_id, CAST($2 AS BIGINT) FROM county_tier t
         CROSS JOIN person p
         WHERE p.work_division >= t.county_code AND p.work_division < t.county_code || ':' AND t.tier <> 'low'
           AND t.on_date = (SELECT MAX(on_date) FROM county_tier) AND p.import_id = $1
         ON CONFLICT (household_id) DO NOTHING",
        "INSERT INTO assess_due (household_id, since_ms)
         SELECT DISTINCT k.household_id, CAST($2 AS BIGINT) FROM helper k
         WHERE k.import_id = $1 AND k.name_folded IN (
             SELECT o.name_folded FROM signal s JOIN helper o ON o.id = s.subject_id WHERE s.subject = 'helper')
         ON CONFLICT (household_id) DO NOTHING",
        "INSERT INTO assess_due (household_id, since_ms)
         SELECT DISTINCT h.id, CAST($2 AS BIGINT) FROM work_team_member t
         CROSS JOIN household h
         WHERE h.division_code >= t.division_code AND h.division_code < t.division_code || ':' AND t.import_id = $1
           AND t.name_folded IN (
             SELECT o.name_folded FROM signal s JOIN work_team_member o ON o.id = s.subject_id
             WHERE s.subject = 'team_member')
         ON CONFLICT (household_id) DO NOTHING",
    ] {
        marked += tx.run(sql, args![import, now]).await?;
    }
    Ok(marked)
}

/// Takes findings along to where their persons and households are now; the households where they are.
pub(super) async fn move_findings(tx: &mut Tx, now: i64) -> Result<BTreeSet<Uuid>, DbError> {
    let mut moved = BTreeSet::new();
    for sql in [
        "UPDATE finding SET household_id = p.household_id, division_code = p.division_code, changed_at = $1,
                version = finding.version + 1
         FROM person p WHERE p.id = finding.person_id
           AND (finding.household_id IS DISTINCT FROM p.household_id OR finding.division_code <> p.division_code)
         RETURNING finding.household_id",
        "UPDATE finding SET division_code = h.division_code, changed_at = $1, version = finding.version + 1
         FROM household h WHERE finding.person_id IS NULL AND h.id = finding.household_id
           AND finding.division_code <> h.division_code
         RETURNING finding.household_id",
    ] {
        let rows: Vec<(Option<Uuid>,)> = tx.all(sql, args![now]).await?;
        moved.extend(rows.into_iter().filter_map(|row| row.0));
    }
    Ok(moved)
}

/// Writes the tiers of a day; equal ones are left alone.
pub(super) async fn write_tiers(
    tx: &mut Tx,
    day: NaiveDate,
    tiers: &BTreeMap<String, (CountyTier, String)>,
    profile: Uuid,
) -> Result<u64, DbError> {
    let stored: Vec<(String, String, String, i64, i64, bool)> = tx
        .all(
            "SELECT county_code, tier, since, cumulative, recent, cluster FROM county_tier WHERE on_date = $1",
            args![day],
        )
        .await?;
    let stored: HashMap<String, (String, String, i64, i64, bool)> =
        stored.into_iter().map(|(county, a, b, c, d, e)| (county, (a, b, c, d, e))).collect();
    let rows: Vec<Vec<Value>> = tiers
        .iter()
        .filter(|(county, (found, since))| {
            let new = (found.tier.name().to_owned(), since.clone(), found.cumulative, found.recent, found.cluster);
            stored.get(*county) != Some(&new)
        })
        .map(|(county, (found, since))| {
            args![county, day, found.tier.name(), since, found.cumulative, found.recent, found.cluster, profile]
        })
        .collect();
    tx.insert_many(
        "INSERT INTO county_tier (county_code, on_date, tier, since, cumulative, recent, cluster, profile_id)",
        "ON CONFLICT (county_code, on_date) DO UPDATE SET tier = excluded.tier, since = excluded.since,
             cumulative = excluded.cumulative, recent = excluded.recent, cluster = excluded.cluster,
             profile_id = excluded.profile_id",
        rows,
    )
    .await
}

/// A county's tier with its name, for pages.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
#[allow(missing_docs)]
pub struct TierRow {
    pub county_code: String,
    pub name: String,
    pub on_date: String,
    pub tier: String,
    pub since: String,
    pub cumulative: i64,
    pub recent: i64,
    pub cluster: bool,
}

/// Tiers of the newest day for the counties of a scope; a village officer sees the tier of the county around.
///
/// # Errors
/// The database fails.
pub async fn tiers(db: &Db, scope: &Scope) -> Result<Vec<TierRow>, DbError> {
    let around = Scope::subtree(scope.root().get(..6).unwrap_or(scope.root()));
    db.all(
        "SELECT t.county_code, COALESCE(d.full_name, t.county_code) AS name, t.on_date, t.tier, t.since, t.cumulative,
                t.recent, t.cluster
         FROM county_tier t LEFT JOIN division d ON d.code = t.county_code
         WHERE t.on_date = (SELECT MAX(on_date) FROM county_tier) AND t.county_code >= $1 AND t.county_code < $2
         ORDER BY CASE t.tier WHEN 'high' THEN 0 WHEN 'medium' THEN 1 ELSE 2 END, t.recent DESC, t.county_code",
        args![around.lo(), around.hi()],
    )
    .await
}

/// A finding as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Finding {
    pub id: Uuid,
    pub finding_key: String,
    pub rule_id: String,
    pub subject: String,
    pub household_id: Option<Uuid>,
    pub person_id: Option<Uuid>,
    pub division_code: String,
    pub level: String,
    pub since: String,
    pub until: String,
    pub evidence: String,
    pub state: String,
    pub profile_id: Uuid,
    pub end_reason: String,
    pub version: i64,
    pub episode: i64,
    pub news: String,
}

pub(crate) const FINDING_COLUMNS: &str = "id, finding_key, rule_id, subject, household_id, person_id, division_code, level, since, until, \
                                          evidence, state, profile_id, end_reason, version, episode, news";

/// Findings about a household, those in force first.
///
/// # Errors
/// The database fails.
pub async fn findings_of_household(db: &Db, scope: &Scope, household: Uuid) -> Result<Vec<Finding>, DbError> {
    let sql = format!(
        "SELECT {FINDING_COLUMNS} FROM finding
         WHERE household_id = $1 AND division_code >= $2 AND division_code < $3
         ORDER BY CASE state WHEN 'open' THEN 0 ELSE 1 END, since DESC, finding_key"
    );
    db.all(AssertSqlSafe(sql), args![household, scope.lo(), scope.hi()]).await
}

/// Some findings, in the order of their keys.
pub(super) async fn findings_by_id(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<Finding>, DbError> {
    let sql =
        format!("SELECT {FINDING_COLUMNS} FROM finding WHERE id IN ({}) ORDER BY finding_key", places(1, ids.len()));
    tx.all(AssertSqlSafe(sql), ids_as_args(ids)).await
}

/// One finding.
///
/// # Errors
/// The database fails.
pub async fn finding(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Finding>, DbError> {
    let sql =
        format!("SELECT {FINDING_COLUMNS} FROM finding WHERE id = $1 AND division_code >= $2 AND division_code < $3");
    db.maybe(AssertSqlSafe(sql), args![id, scope.lo(), scope.hi()]).await
}

/// How many findings in force each rule has in a scope.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
#[allow(missing_docs)]
pub struct RuleCount {
    pub rule_id: String,
    pub findings: i64,
    pub households: i64,
}

/// Findings in force by rule.
///
/// # Errors
/// The database fails.
pub async fn rule_counts(db: &Db, scope: &Scope) -> Result<Vec<RuleCount>, DbError> {
    db.all(
        "SELECT rule_id, COUNT(*) AS findings, COUNT(DISTINCT household_id) AS households FROM finding
         WHERE state = 'open' AND division_code >= $1 AND division_code < $2 GROUP BY rule_id ORDER BY rule_id",
        args![scope.lo(), scope.hi()],
    )
    .await
}

/// Names of persons, helpers and team members by id, for evidence in words.
pub(super) async fn names(db: &Db, scope: &Scope, wanted: &[Uuid]) -> Result<HashMap<Uuid, String>, DbError> {
    let mut out = HashMap::new();
    if wanted.is_empty() {
        return Ok(out);
    }
    for table in ["person", "helper", "work_team_member"] {
        let sql = format!(
            "SELECT id, name FROM {table} WHERE division_code >= $1 AND division_code < $2 AND id IN ({})",
            places(3, wanted.len())
        );
        let mut args = args![scope.lo(), scope.hi()];
        args.extend(ids_as_args(wanted));
        let rows: Vec<(Uuid, String)> = db.all(AssertSqlSafe(sql), args).await?;
        out.extend(rows);
    }
    Ok(out)
}

/// Names of divisions by code.
pub(crate) async fn division_names(db: &Db, codes: &[String]) -> Result<HashMap<String, String>, DbError> {
    let mut out = HashMap::new();
    for chunk in codes.chunks(500) {
        let sql = format!("SELECT code, name FROM division WHERE code IN ({})", places(1, chunk.len()));
        let rows: Vec<(String, String)> = db.all(AssertSqlSafe(sql), chunk.iter().map(Value::from).collect()).await?;
        out.extend(rows);
    }
    Ok(out)
}

/// What an evaluation is made with.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Version of the profile.
    pub(crate) profile_id: Uuid,
    /// The profile.
    pub(crate) profile: std::sync::Arc<Profile>,
    /// Tiers other than low.
    pub(crate) tiers: std::sync::Arc<TierMap>,
    /// The day that the run speaks of.
    pub(crate) day: NaiveDate,
    /// Milliseconds.
    pub(crate) now: i64,
}

/// A signal as far as a fate needs it.
#[derive(Debug, Clone, sqlx::FromRow)]
struct FateRow {
    kind: String,
    subject_id: Uuid,
    fact_date: String,
    value: String,
    source: String,
    row_key: String,
    version: i64,
    state: String,
    state_reason: String,
}

/// What became of a fact that a rule once read. `against`: kinds of signals that rule the rule out; `field`: the member
/// of the value that the rule tests.
pub(super) async fn fate(
    tx: &mut Tx,
    old: &Evidence,
    against: &[String],
    field: Option<&str>,
) -> Result<Fate, DbError> {
    let Evidence::Signal { kind, relation, carrier, source, row_key, .. } = old else {
        return Ok(Fate::Standing(Vec::new()));
    };
    let as_evidence = |row: &FateRow| Evidence::Signal {
        kind: row.kind.clone(),
        fact_date: row.fact_date.clone(),
        relation: relation.clone(),
        carrier: *carrier,
        value: field.and_then(|field| {
            let value: serde_json::Value = serde_json::from_str(&row.value).ok()?;
            rules::shown(value.get(field))
        }),
        source: row.source.clone(),
        row_key: row.row_key.clone(),
    };
    let rows: Vec<FateRow> = tx
        .all(
            "SELECT kind, subject_id, fact_date, value, source, row_key, version, state, state_reason FROM signal
             WHERE source = $1 AND row_key = $2 ORDER BY version, kind, subject_id",
            args![source, row_key],
        )
        .await?;
    let newest = rows
        .iter()
        .filter(|row| row.kind == *kind)
        .max_by_key(|row| (row.version, row.state == "active", row.state.clone()));
    match newest {
        Some(row) if row.state == "withdrawn" => Ok(Fate::Withdrawn(row.state_reason.clone())),
        Some(row) if row.state == "superseded" => {
            let other = rows.iter().rfind(|other| other.state == "active" && other.subject_id == row.subject_id);
            Ok(other.map_or_else(|| Fate::Withdrawn(row.state_reason.clone()), |now| Fate::Replaced(as_evidence(now))))
        }
        Some(row) if !against.is_empty() => {
            let sql = format!(
                "SELECT kind, subject_id, fact_date, value, source, row_key, version, state, state_reason FROM signal
                 WHERE subject_id = $1 AND state = 'active' AND kind IN ({}) ORDER BY fact_date, kind, id",
                places(2, against.len())
            );
            let mut args = args![row.subject_id];
            args.extend(against.iter().map(Value::from));
            let others: Vec<FateRow> = tx.all(AssertSqlSafe(sql), args).await?;
            Ok(Fate::Standing(others.iter().map(as_evidence).collect()))
        }
        _ => Ok(Fate::Standing(Vec::new())),
    }
}
