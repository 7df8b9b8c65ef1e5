//! All SQL of the income estimate.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::{AssertSqlSafe, SqlSafeStr};
use uuid::Uuid;

use super::bands::Pick;
use super::model::{Inputs, Shock, Worker, YearIncome, fen};
use super::tree;
use crate::access::Scope;
use crate::args;
use crate::assess::store::{ids_as_args, places};
use crate::platform::db::Record;
use crate::platform::{Db, DbError, Tx, Value};
use crate::register::attrs;

/// Households of one statement.
const IDS: usize = 500;

/// Where is read from: what is committed, or the transaction at hand.
pub(super) enum Reads<'a> {
    Db(&'a Db),
    Tx(&'a mut Tx),
}

impl Reads<'_> {
    async fn all<T: Record>(&mut self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<Vec<T>, DbError> {
        match self {
            Self::Db(db) => db.all(sql, args).await,
            Self::Tx(tx) => tx.all(sql, args).await,
        }
    }
}

#[derive(Debug, sqlx::FromRow)]
struct IncomeRow {
    household_id: Uuid,
    year: i64,
    net: f64,
    wage: f64,
    operating: f64,
    property: f64,
    transfer: f64,
    cost: f64,
    items: String,
}

impl IncomeRow {
    fn year(&self) -> YearIncome {
        let items = attrs::open(&self.items);
        let amount = |header: &str| -> Option<i64> {
            let value = items.get(header)?;
            let number = value.as_f64().or_else(|| {
                let text: String = value.as_str()?.chars().filter(|c| !matches!(c, ',' | '，' | '元' | ' ')).collect();
                text.parse().ok()
            });
            number.and_then(fen)
        };
        let mut of_tree = BTreeMap::new();
        for branch in tree::TREE {
            let sum = match branch.id {
                "wage" => self.wage,
                "operating" => self.operating,
                "property" => self.property,
                "transfer" => self.transfer,
                _ => self.cost,
            };
            of_tree.extend(fen(sum).map(|sum| (branch.id, sum)));
            of_tree.extend(branch.leaves.iter().filter_map(|leaf| Some((leaf.id, amount(leaf.header)?))));
        }
        YearIncome {
            year: self.year,
            net: fen(self.net).unwrap_or(0),
            tree: of_tree,
            claims: amount(tree::CLAIMS),
            self_pay: amount(tree::SELF_PAY),
        }
    }
}

/// Members, years of income and months of work of some households; the signals are for the caller to add. Who is no
/// longer in the register is left out.
pub(super) async fn inputs(reads: &mut Reads<'_>, ids: &[Uuid]) -> Result<BTreeMap<Uuid, Inputs>, DbError> {
    let mut out: BTreeMap<Uuid, Inputs> = BTreeMap::new();
    for ids in ids.chunks(IDS) {
        let sql = format!("SELECT id, member_count FROM household WHERE id IN ({})", places(1, ids.len()));
        let rows: Vec<(Uuid, i64)> = reads.all(AssertSqlSafe(sql), ids_as_args(ids)).await?;
        out.extend(rows.into_iter().map(|(id, members)| (id, Inputs { members, ..Inputs::default() })));
        let sql = format!(
            "SELECT household_id, year, net, wage, operating, property, transfer, cost, items FROM household_income
             WHERE household_id IN ({}) ORDER BY household_id, year DESC",
            places(1, ids.len())
        );
        let rows: Vec<IncomeRow> = reads.all(AssertSqlSafe(sql), ids_as_args(ids)).await?;
        for row in rows {
            if let Some(inputs) = out.get_mut(&row.household_id) {
                inputs.years.push(row.year());
            }
        }
        let sql = format!(
            "SELECT household_id, id, work_months FROM person
             WHERE work_months >= 1 AND work_months <= 12 AND household_id IN ({}) ORDER BY id",
            places(1, ids.len())
        );
        let rows: Vec<(Uuid, Uuid, i64)> = reads.all(AssertSqlSafe(sql), ids_as_args(ids)).await?;
        for (household, person, months) in rows {
            if let Some(inputs) = out.get_mut(&household) {
                inputs.workers.push(Worker { person, months });
            }
        }
    }
    Ok(out)
}

#[derive(Debug, sqlx::FromRow)]
struct ShockRow {
    household_id: Uuid,
    subject: String,
    subject_id: Uuid,
    person_id: Option<Uuid>,
    kind: String,
    fact_date: String,
    value: String,
    source: String,
    row_key: String,
}

/// The amount that a signal tells, fen.
pub(super) fn amount_of(value: &serde_json::Value) -> Option<i64> {
    value.get("amount").and_then(serde_json::Value::as_f64).and_then(fen)
}

/// The day that a signal is true for.
pub(super) fn day_of(fact_date: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(fact_date.get(..10).unwrap_or(fact_date), "%Y-%m-%d").ok()
}

/// Adds the signals in force of some kinds to what is known of households.
pub(super) async fn add_shocks(
    reads: &mut Reads<'_>,
    ids: &[Uuid],
    kinds: &[&str],
    inputs: &mut BTreeMap<Uuid, Inputs>,
) -> Result<(), DbError> {
    if kinds.is_empty() {
        return Ok(());
    }
    for ids in ids.chunks(IDS) {
        let sql = format!(
            "SELECT household_id, subject, subject_id, person_id, kind, fact_date, value, source, row_key FROM signal
             WHERE state = 'active' AND subject IN ('person', 'household') AND household_id IN ({})
             ORDER BY source, row_key, version, kind",
            places(1, ids.len())
        );
        let rows: Vec<ShockRow> = reads.all(AssertSqlSafe(sql), ids_as_args(ids)).await?;
        for row in rows.into_iter().filter(|row| kinds.contains(&row.kind.as_str())) {
            if let Some(inputs) = inputs.get_mut(&row.household_id) {
                let value: serde_json::Value = serde_json::from_str(&row.value).unwrap_or_default();
                inputs.shocks.push(Shock {
                    person: (row.subject == "person").then(|| row.person_id.unwrap_or(row.subject_id)),
                    kind: row.kind,
                    day: day_of(&row.fact_date),
                    amount: amount_of(&value),
                    source: row.source,
                    row_key: row.row_key,
                });
            }
        }
    }
    Ok(())
}

/// A household with its newest income.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct BaseRow {
    pub(super) id: Uuid,
    pub(super) division_code: String,
    pub(super) member_count: i64,
    pub(super) year: Option<i64>,
    pub(super) net: Option<f64>,
}

/// Every household of a place with its newest income.
pub(super) async fn bases(tx: &mut Tx, scope: &Scope) -> Result<Vec<BaseRow>, DbError> {
    tx.all(
        "SELECT h.id, h.division_code, h.member_count, i.year, i.net FROM household h
         LEFT JOIN household_income i ON i.household_id = h.id
           AND i.year = (SELECT MAX(y.year) FROM household_income y WHERE y.household_id = h.id)
         WHERE h.division_code >= $1 AND h.division_code < $2 ORDER BY h.division_code, h.id",
        args![scope.lo(), scope.hi()],
    )
    .await
}

/// Some households with their newest income.
pub(super) async fn bases_of(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<BaseRow>, DbError> {
    let sql = format!(
        "SELECT h.id, h.division_code, h.member_count, i.year, i.net FROM household h
         LEFT JOIN household_income i ON i.household_id = h.id
           AND i.year = (SELECT MAX(y.year) FROM household_income y WHERE y.household_id = h.id)
         WHERE h.id IN ({}) ORDER BY h.division_code, h.id",
        places(1, ids.len())
    );
    tx.all(AssertSqlSafe(sql), ids_as_args(ids)).await
}

/// Households of a place with a signal in force of one of some kinds.
pub(super) async fn touched(tx: &mut Tx, scope: &Scope, kinds: &[&str]) -> Result<Vec<(Uuid,)>, DbError> {
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT DISTINCT household_id FROM signal
         WHERE state = 'active' AND subject IN ('person', 'household') AND household_id IS NOT NULL
           AND division_code >= $1 AND division_code < $2 AND kind IN ({}) ORDER BY household_id",
        places(3, kinds.len())
    );
    let mut args = args![scope.lo(), scope.hi()];
    args.extend(kinds.iter().map(|kind| Value::from(*kind)));
    tx.all(AssertSqlSafe(sql), args).await
}

/// Counties that have registered households in a scope.
pub(super) async fn counties(db: &Db, scope: &Scope) -> Result<Vec<(String,)>, DbError> {
    db.all(
        "SELECT DISTINCT substr(division_code, 1, 6) FROM register_rollup
         WHERE division_code >= $1 AND division_code < $2 AND households > 0 ORDER BY 1",
        args![scope.lo(), scope.hi()],
    )
    .await
}

/// Takes out every line of a place.
pub(super) async fn clear(tx: &mut Tx, scope: &Scope) -> Result<(), DbError> {
    tx.run(
        "DELETE FROM income_estimate WHERE division_code >= $1 AND division_code < $2",
        args![scope.lo(), scope.hi()],
    )
    .await?;
    Ok(())
}

/// Takes out the lines of some households; where they stood.
pub(super) async fn clear_ids(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<String>, DbError> {
    let sql = format!(
        "DELETE FROM income_estimate WHERE household_id IN ({}) RETURNING substr(division_code, 1, 6)",
        places(1, ids.len())
    );
    let rows: Vec<(String,)> = tx.all(AssertSqlSafe(sql), ids_as_args(ids)).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Writes lines, each as the columns of the table.
pub(super) async fn insert(tx: &mut Tx, rows: Vec<Vec<Value>>) -> Result<u64, DbError> {
    tx.insert_many(
        "INSERT INTO income_estimate (household_id, division_code, members, base_year, base_fen, income_fen, loss_fen,
             spent_fen, line_fen, band_base, band_now, gaps)",
        "ON CONFLICT (household_id) DO UPDATE SET division_code = excluded.division_code, members = excluded.members,
             base_year = excluded.base_year, base_fen = excluded.base_fen, income_fen = excluded.income_fen,
             loss_fen = excluded.loss_fen, spent_fen = excluded.spent_fen, line_fen = excluded.line_fen,
             band_base = excluded.band_base, band_now = excluded.band_now, gaps = excluded.gaps",
        rows,
    )
    .await
}

/// Counts a county anew.
pub(super) async fn roll_up(tx: &mut Tx, county: &Scope) -> Result<(), DbError> {
    tx.run(
        "DELETE FROM income_rollup WHERE division_code >= $1 AND division_code < $2",
        args![county.lo(), county.hi()],
    )
    .await?;
    for sql in [
        "INSERT INTO income_rollup (level, division_code, band_base, band_now, households, persons, affected, loss_fen, spent_fen)
         SELECT 3, substr(division_code, 1, 6), band_base, band_now, COUNT(*), CAST(SUM(members) AS BIGINT),
                COUNT(CASE WHEN loss_fen + spent_fen > 0 THEN 1 END), CAST(SUM(loss_fen) AS BIGINT),
                CAST(SUM(spent_fen) AS BIGINT)
         FROM income_estimate WHERE division_code >= $1 AND division_code < $2
         GROUP BY substr(division_code, 1, 6), band_base, band_now",
        "INSERT INTO income_rollup (level, division_code, band_base, band_now, households, persons, affected, loss_fen, spent_fen)
         SELECT 4, substr(division_code, 1, 9), band_base, band_now, COUNT(*), CAST(SUM(members) AS BIGINT),
                COUNT(CASE WHEN loss_fen + spent_fen > 0 THEN 1 END), CAST(SUM(loss_fen) AS BIGINT),
                CAST(SUM(spent_fen) AS BIGINT)
         FROM income_estimate WHERE division_code >= $1 AND division_code < $2
         GROUP BY substr(division_code, 1, 9), band_base, band_now",
    ] {
        tx.run(sql, args![county.lo(), county.hi()]).await?;
    }
    Ok(())
}

/// Writes down that a county was estimated as a whole.
pub(super) async fn note_run(
    tx: &mut Tx,
    county: &str,
    day: NaiveDate,
    profile: Uuid,
    households: i64,
    now: i64,
) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO income_run (county_code, on_date, profile_id, households, run_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (county_code) DO UPDATE SET on_date = excluded.on_date, profile_id = excluded.profile_id,
             households = excluded.households, run_at = excluded.run_at",
        args![county, day, profile, households, now],
    )
    .await?;
    Ok(())
}

/// Whether any county was ever estimated.
pub(super) async fn has_run(tx: &mut Tx) -> Result<bool, DbError> {
    let (runs,): (i64,) = tx.one("SELECT COUNT(*) FROM income_run", args![]).await?;
    Ok(runs > 0)
}

/// Counties of a scope, or the one around it, that were estimated, with the day that it was for.
pub(super) async fn runs(db: &Db, scope: &Scope) -> Result<Vec<(String, String)>, DbError> {
    let around = Scope::subtree(scope.root().get(..6).unwrap_or(scope.root()));
    db.all(
        "SELECT county_code, on_date FROM income_run WHERE county_code >= $1 AND county_code < $2 ORDER BY county_code",
        args![around.lo(), around.hi()],
    )
    .await
}

/// Households by both bands.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct BandRow {
    pub(super) code: String,
    pub(super) band_base: i64,
    pub(super) band_now: i64,
    pub(super) households: i64,
    pub(super) persons: i64,
    pub(super) affected: i64,
    pub(super) loss_fen: i64,
    pub(super) spent_fen: i64,
}

/// Households of a scope by band and by the first `length` digits of their division: from the roll-up of counties
/// (`level` 3) or townships (4).
pub(super) async fn by_band(db: &Db, scope: &Scope, level: i64, length: i64) -> Result<Vec<BandRow>, DbError> {
    db.all(
        "SELECT substr(division_code, 1, CAST($4 AS INTEGER)) AS code, band_base, band_now,
                CAST(SUM(households) AS BIGINT) AS households, CAST(SUM(persons) AS BIGINT) AS persons,
                CAST(SUM(affected) AS BIGINT) AS affected, CAST(SUM(loss_fen) AS BIGINT) AS loss_fen,
                CAST(SUM(spent_fen) AS BIGINT) AS spent_fen
         FROM income_rollup WHERE level = $3 AND division_code >= $1 AND division_code < $2
         GROUP BY substr(division_code, 1, CAST($4 AS INTEGER)), band_base, band_now
         ORDER BY code, band_base, band_now",
        args![scope.lo(), scope.hi(), level, length],
    )
    .await
}

/// The same of a township or less, from the lines themselves.
pub(super) async fn by_band_near(db: &Db, scope: &Scope, length: i64) -> Result<Vec<BandRow>, DbError> {
    db.all(
        "SELECT substr(division_code, 1, CAST($3 AS INTEGER)) AS code, band_base, band_now, COUNT(*) AS households,
                CAST(SUM(members) AS BIGINT) AS persons,
                COUNT(CASE WHEN loss_fen + spent_fen > 0 THEN 1 END) AS affected,
                CAST(SUM(loss_fen) AS BIGINT) AS loss_fen, CAST(SUM(spent_fen) AS BIGINT) AS spent_fen
         FROM income_estimate WHERE division_code >= $1 AND division_code < $2
         GROUP BY substr(division_code, 1, CAST($3 AS INTEGER)), band_base, band_now
         ORDER BY code, band_base, band_now",
        args![scope.lo(), scope.hi(), length],
    )
    .await
}

/// A household on a list.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct ListRow {
    pub household_id: Uuid,
    pub household_no: String,
    pub head_name: String,
    pub place: String,
    pub members: i64,
    pub base_year: Option<i64>,
    pub base_fen: Option<i64>,
    pub income_fen: Option<i64>,
    pub loss_fen: i64,
    pub spent_fen: i64,
    pub line_fen: Option<i64>,
    pub band_base: i64,
    pub band_now: i64,
    pub gaps: i64,
}

/// Households of a scope that a list shows, by place.
pub(super) async fn list(db: &Db, scope: &Scope, pick: Pick, limit: i64, offset: i64) -> Result<Vec<ListRow>, DbError> {
    db.all(
        "SELECT e.household_id, h.household_no, h.head_name, COALESCE(d.full_name, e.division_code) AS place, e.members,
                e.base_year, e.base_fen, e.income_fen, e.loss_fen, e.spent_fen, e.line_fen, e.band_base, e.band_now, e.gaps
         FROM income_estimate e JOIN household h ON h.id = e.household_id
         LEFT JOIN division d ON d.code = e.division_code
         WHERE e.division_code >= $1 AND e.division_code < $2 AND e.band_now >= $3 AND e.band_now <= $4
           AND e.band_base >= $5 AND e.band_base <= $6 AND e.loss_fen + e.spent_fen >= $7
         ORDER BY e.division_code, e.household_id LIMIT $8 OFFSET $9",
        args![
            scope.lo(),
            scope.hi(),
            pick.now.0,
            pick.now.1,
            pick.base.0,
            pick.base.1,
            pick.least,
            limit,
            offset
        ],
    )
    .await
}

/// Where a household is registered, and its head; none outside the scope.
pub(super) async fn place_of(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<(String, String)>, DbError> {
    db.maybe(
        "SELECT division_code, head_name FROM household WHERE id = $1 AND division_code >= $2 AND division_code < $3",
        args![id, scope.lo(), scope.hi()],
    )
    .await
}

/// Which of some division codes the register knows, with their full names.
pub(super) async fn divisions(db: &Db, codes: &[String]) -> Result<BTreeMap<String, String>, DbError> {
    let mut out = BTreeMap::new();
    for codes in codes.chunks(IDS) {
        let sql = format!("SELECT code, full_name FROM division WHERE code IN ({})", places(1, codes.len()));
        let rows: Vec<(String, String)> = db.all(AssertSqlSafe(sql), codes.iter().map(Value::from).collect()).await?;
        out.extend(rows);
    }
    Ok(out)
}

/// Codes and names of the divisions right below one.
pub(super) async fn names_below(db: &Db, parent: &str) -> Result<Vec<(String, String)>, DbError> {
    db.all("SELECT code, name FROM division WHERE parent_code = $1 AND valid_to = '' ORDER BY code", args![parent])
        .await
}
