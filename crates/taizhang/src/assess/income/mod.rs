//! Household income now (家庭收入测算): the income tree, its two clocks, and this year's income as far as last year's and
//! the signals tell it, against the line in force there and then.
//!
//! What a rule reads of it lies in the household view; what pages count lies in `income_estimate`, one line a household,
//! written by [`refresh`]. Nothing here writes a record of the register.

pub mod bands;
pub mod clock;
pub mod estimate;
pub mod export;
mod lines_page;
pub mod model;
mod pages;
mod store;
pub mod tree;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use uuid::Uuid;

use super::lines::IncomeLines;
use super::model::HouseholdView;
use super::profile::view::{Fact, Facts, OfHousehold};
use super::{AssessError, LoadedProfile};
use crate::access::{Actor, Capability, Scope};
use crate::args;
use crate::platform::jobs::Progress;
use crate::platform::{App, DbError, Tx, Value};
use crate::register::RegisterError;
use bands::Which;
use store::{BandRow, BaseRow, Reads};

pub use model::{Estimate, EstimatePolicy, Inputs};
pub(super) use pages::{add_to, handlers};
pub use store::ListRow;

/// Households of one transaction of a refresh for some.
const CHUNK: usize = 500;

// ---- the household view ----

/// Puts what the estimate says into the facts of households; nothing where the profile says no formula.
pub(super) async fn fill(
    tx: &mut Tx,
    ids: &[Uuid],
    policy: Option<&EstimatePolicy>,
    views: &mut BTreeMap<Uuid, HouseholdView>,
    day: NaiveDate,
) -> Result<(), DbError> {
    let Some(policy) = policy else {
        return Ok(());
    };
    let mut inputs = store::inputs(&mut Reads::Tx(tx), ids).await?;
    for (id, view) in views.iter_mut() {
        let Some(inputs) = inputs.get_mut(id) else {
            continue;
        };
        inputs.shocks = shocks_of(policy, view);
        put(&mut view.facts, &estimate::estimate(policy, inputs, day));
    }
    Ok(())
}

fn shocks_of(policy: &EstimatePolicy, view: &HouseholdView) -> Vec<model::Shock> {
    let kinds = policy.kinds();
    view.signals
        .iter()
        .filter(|signal| signal.is_active() && kinds.contains(&signal.kind.as_str()))
        .map(|signal| model::Shock {
            kind: signal.kind.clone(),
            person: signal.person_id,
            day: store::day_of(&signal.fact_date),
            amount: store::amount_of(&signal.value),
            source: signal.source.clone(),
            row_key: signal.row_key.clone(),
        })
        .collect()
}

fn put(facts: &mut Facts, found: &Estimate) {
    let yuan = |fen: Option<i64>| Fact::maybe_number(fen.map(model::yuan));
    // Where there is no income on record nobody can say what was lost of it.
    let known = found.base.map(|_| ());
    facts.put(OfHousehold::EstimateYear, Fact::Int(found.year));
    facts.put(OfHousehold::Estimate, yuan(found.income));
    facts.put(OfHousehold::EstimateEach, yuan(found.per_person));
    facts.put(OfHousehold::EstimateWhole, Fact::Bool(found.gaps.is_empty()));
    facts.put(OfHousehold::IncomeLoss, yuan(known.map(|()| found.loss)));
    facts.put(OfHousehold::IncomeSpending, yuan(known.map(|()| found.spent)));
    facts.put(OfHousehold::SelfPay, yuan(Some(found.spent_in_a_year)));
    facts.put(OfHousehold::Reference, yuan(found.reference.as_ref().map(|reference| reference.total)));
    facts.put(OfHousehold::ReferenceEach, yuan(found.reference.as_ref().and_then(|reference| reference.per_person)));
}

// ---- one household ----

/// The income of one household, for its page.
#[derive(Debug, Clone)]
pub struct HouseholdIncome {
    /// Where it is registered.
    pub division_code: String,
    /// Its head.
    pub head_name: String,
    /// Years of income, the newest first.
    pub inputs: Inputs,
    /// The estimate; none where the profile says no formula.
    pub estimate: Option<Estimate>,
    /// The line in force there today, fen.
    pub line: Option<i64>,
    /// The line in force there on the last day of the newest collected year, fen.
    pub line_then: Option<i64>,
}

/// The income of a household that the actor may see.
///
/// # Errors
/// It does not exist for them, or the database fails.
pub async fn of_household(app: &App, actor: &Actor, id: Uuid) -> Result<HouseholdIncome, AssessError> {
    let own = crate::register::own_households(app, actor).await.map_err(|error| match error {
        RegisterError::Db(error) => error,
        _ => DbError::NotFound,
    })?;
    if own.is_some_and(|own| !own.contains(&id)) {
        return Err(DbError::NotFound.into());
    }
    let (division_code, head_name) = store::place_of(&app.db, &actor.scope, id).await?.ok_or(DbError::NotFound)?;
    let loaded = super::active_profile(app, actor).await?;
    let policy = loaded.profile.income_estimate.as_ref();
    let day = app.clock.today();
    let lines = super::income_lines(&app.db, day).await?;
    let mut reads = Reads::Db(&app.db);
    let mut all = store::inputs(&mut reads, &[id]).await?;
    let kinds = policy.map(EstimatePolicy::kinds).unwrap_or_default();
    store::add_shocks(&mut reads, &[id], &kinds, &mut all).await?;
    let inputs = all.remove(&id).unwrap_or_default();
    let then = inputs.years.first().and_then(|year| clock::collection_days(year.year)).map(|(_, last)| last);
    let at = |day: NaiveDate| lines.at(&division_code, day).and_then(model::fen);
    Ok(HouseholdIncome {
        estimate: policy.map(|policy| estimate::estimate(policy, &inputs, day)),
        line: at(day),
        line_then: then.and_then(at),
        division_code,
        head_name,
        inputs,
    })
}

// ---- all households ----

/// What a refresh did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Refreshed {
    /// Households estimated.
    pub households: u64,
    /// Of them, those that some signal takes income from.
    pub touched: u64,
}

/// The columns of `income_estimate` of a household that no signal touches: last year's income stands.
fn plain(row: &BaseRow, line: Option<i64>, year: i64) -> Vec<Value> {
    let net = row.net.and_then(model::fen);
    let each = net.filter(|_| row.member_count > 0);
    let each = each.map(|net| model::divided(i128::from(net), i128::from(row.member_count)));
    let band = bands::band(each, line);
    let stale = row.year.is_some_and(|known| known < year - 1);
    let gaps = i64::from(row.year.is_none()) + i64::from(row.member_count <= 0) + i64::from(stale);
    args![row.id, &row.division_code, row.member_count, row.year, net, net, 0_i64, 0_i64, line, band, band, gaps]
}

fn estimated(row: &BaseRow, line: Option<i64>, found: &Estimate) -> Vec<Value> {
    args![
        row.id,
        &row.division_code,
        row.member_count,
        found.base.map(|(year, _)| year),
        found.base.map(|(_, net)| net),
        found.income,
        found.loss,
        found.spent,
        line,
        bands::band(found.base_per_person, line),
        bands::band(found.per_person, line),
        i64::try_from(found.gaps.len()).unwrap_or(i64::MAX)
    ]
}

/// Estimates rows and writes their lines; how many some signal touches.
async fn write(
    tx: &mut Tx,
    rows: &[BaseRow],
    touched: &[Uuid],
    policy: Option<&EstimatePolicy>,
    lines: &IncomeLines,
    day: NaiveDate,
) -> Result<u64, DbError> {
    let mut inputs = BTreeMap::new();
    if let Some(policy) = policy {
        inputs = store::inputs(&mut Reads::Tx(tx), touched).await?;
        store::add_shocks(&mut Reads::Tx(tx), touched, &policy.kinds(), &mut inputs).await?;
    }
    let year = clock::collection_year(day);
    let mut place = (String::new(), None);
    let mut count = 0;
    for rows in rows.chunks(10_000) {
        let columns = rows
            .iter()
            .map(|row| {
                // Rows come by division: its line is looked up once.
                if place.0 != row.division_code {
                    let line = lines.at(&row.division_code, day).and_then(model::fen);
                    place = (row.division_code.clone(), line);
                }
                match (policy, inputs.get(&row.id)) {
                    (Some(policy), Some(inputs)) => {
                        count += 1;
                        estimated(row, place.1, &estimate::estimate(policy, inputs, day))
                    }
                    _ => plain(row, place.1, year),
                }
            })
            .collect();
        store::insert(tx, columns).await?;
    }
    Ok(count)
}

/// Estimates every household of a scope anew, county by county, each in one transaction.
///
/// # Errors
/// Somebody cancelled, or the database fails. Counties that were done stay done.
pub async fn refresh(
    app: &App,
    loaded: &LoadedProfile,
    scope: &Scope,
    progress: &Progress,
) -> Result<Refreshed, AssessError> {
    let day = app.clock.today();
    let lines = super::income_lines(&app.db, day).await?;
    let counties = store::counties(&app.db, scope).await?;
    progress.stage("job-stage-income", counties.len() as u64);
    let mut out = Refreshed::default();
    for (done, (county,)) in counties.into_iter().enumerate() {
        if progress.is_cancelled() {
            return Err(AssessError::Cancelled);
        }
        // A scope inside a county is done alone; the county's figures are counted anew all the same.
        let whole = county.len() >= scope.root().len();
        let place = if whole { Scope::subtree(&county) } else { scope.clone() };
        let (profile, id, lines, now) = (loaded.profile.clone(), loaded.id, lines.clone(), app.clock.now_ms());
        let (households, touched) = app
            .db
            .write_alone::<_, AssessError, _>(move |tx| {
                Box::pin(async move {
                    super::take_turn(tx).await?;
                    let policy = profile.income_estimate.as_ref();
                    store::clear(tx, &place).await?;
                    let rows = store::bases(tx, &place).await?;
                    let kinds = policy.map(EstimatePolicy::kinds).unwrap_or_default();
                    let ids: Vec<Uuid> =
                        store::touched(tx, &place, &kinds).await?.into_iter().map(|row| row.0).collect();
                    let touched = write(tx, &rows, &ids, policy, &lines, day).await?;
                    store::roll_up(tx, &Scope::subtree(&county)).await?;
                    if whole {
                        let households = i64::try_from(rows.len()).unwrap_or(i64::MAX);
                        store::note_run(tx, &county, day, id, households, now).await?;
                    }
                    Ok((rows.len() as u64, touched))
                })
            })
            .await?;
        out.households += households;
        out.touched += touched;
        progress.at(done as u64 + 1);
    }
    Ok(out)
}

/// Estimates some households anew, after their signals or records changed; nothing while there never was a whole run.
///
/// # Errors
/// The database fails.
pub async fn refresh_some(app: &App, loaded: &LoadedProfile, ids: &[Uuid]) -> Result<Refreshed, AssessError> {
    let day = app.clock.today();
    let lines = super::income_lines(&app.db, day).await?;
    let mut out = Refreshed::default();
    for chunk in ids.chunks(CHUNK) {
        let (profile, ids, lines) = (loaded.profile.clone(), chunk.to_vec(), lines.clone());
        let (households, touched) = app
            .db
            .write::<_, AssessError, _>(move |tx| {
                Box::pin(async move {
                    super::take_turn(tx).await?;
                    if !store::has_run(tx).await? {
                        return Ok((0, 0));
                    }
                    let mut counties: BTreeSet<String> = store::clear_ids(tx, &ids).await?.into_iter().collect();
                    let rows = store::bases_of(tx, &ids).await?;
                    let policy = profile.income_estimate.as_ref();
                    let touched = write(tx, &rows, &ids, policy, &lines, day).await?;
                    counties.extend(rows.iter().filter_map(|row| row.division_code.get(..6).map(str::to_owned)));
                    for county in counties {
                        store::roll_up(tx, &Scope::subtree(&county)).await?;
                    }
                    Ok((rows.len() as u64, touched))
                })
            })
            .await?;
        out.households += households;
        out.touched += touched;
    }
    Ok(out)
}

// ---- figures ----

/// Households of a division by band.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Code of the division.
    pub code: String,
    /// Its name; empty where the division table has none, and for the own level.
    pub name: String,
    /// Households.
    pub households: i64,
    /// Persons.
    pub persons: i64,
    /// Households by band of last year's income.
    pub base: [i64; bands::COUNT],
    /// Households by band of the estimate.
    pub now: [i64; bands::COUNT],
    /// Households that were not below the line and are by the estimate.
    pub fell: i64,
    /// Households with a loss or spending.
    pub affected: i64,
    /// Lost, fen.
    pub loss: i64,
    /// Spent, fen.
    pub spent: i64,
}

impl Tally {
    fn add(&mut self, row: &BandRow) {
        self.households += row.households;
        self.persons += row.persons;
        for (all, band) in [(&mut self.base, row.band_base), (&mut self.now, row.band_now)] {
            if let Some(count) = usize::try_from(band).ok().and_then(|at| all.get_mut(at)) {
                *count += row.households;
            }
        }
        if bands::is_above(row.band_base) && bands::is_below(row.band_now) {
            self.fell += row.households;
        }
        self.affected += row.affected;
        self.loss += row.loss_fen;
        self.spent += row.spent_fen;
    }

    /// Households below the line: by last year's income, by the estimate.
    pub fn below(&self) -> (i64, i64) {
        let sum = |all: &[i64]| all.iter().take(bands::FIRST_ABOVE as usize).sum();
        (sum(&self.base), sum(&self.now))
    }

    /// How many a list shows.
    pub fn count(&self, which: Which) -> i64 {
        let at = |all: &[i64], band: i64| usize::try_from(band).ok().and_then(|at| all.get(at)).copied().unwrap_or(0);
        match which {
            Which::Below => self.below().1,
            Which::Fell => self.fell,
            Which::Affected => self.affected,
            Which::All => self.households,
            Which::Now(band) => at(&self.now, band),
            Which::Base(band) => at(&self.base, band),
        }
    }
}

/// The income of the households of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// All of them.
    pub total: Tally,
    /// By the divisions right below, in the order of codes.
    pub below: Vec<Tally>,
    /// The oldest day that a county of the place was estimated for; empty where none ever was.
    pub as_of: String,
    /// Counties of the place that have households and were never estimated.
    pub missing: usize,
}

/// Figures of a place and of each division right below it.
///
/// # Errors
/// The database fails.
pub async fn overview(app: &App, scope: &Scope) -> Result<Overview, DbError> {
    let db = &app.db;
    let root = scope.root();
    let length = crate::register::divisions::CODE_LENGTHS.into_iter().find(|l| *l > root.len()).unwrap_or(14);
    let length = i64::try_from(length).unwrap_or(14);
    let rows = match root.len() {
        0..=4 => store::by_band(db, scope, 3, length).await?,
        5..=8 => store::by_band(db, scope, 4, length).await?,
        _ => store::by_band_near(db, scope, length).await?,
    };
    let names = store::names_below(db, root).await?.into_iter();
    let mut below: BTreeMap<String, Tally> =
        names.map(|(code, name)| (code.clone(), Tally { code, name, ..Tally::default() })).collect();
    let mut total = Tally { code: root.to_owned(), ..Tally::default() };
    for row in &rows {
        total.add(row);
        let code = row.code.clone();
        below.entry(code.clone()).or_insert_with(|| Tally { code, ..Tally::default() }).add(row);
    }
    let runs = store::runs(db, scope).await?;
    let known: BTreeSet<&str> = runs.iter().map(|(county, _)| county.as_str()).collect();
    let counties = store::counties(db, scope).await?;
    Ok(Overview {
        total,
        below: below.into_values().collect(),
        as_of: runs.iter().map(|(_, day)| day.clone()).min().unwrap_or_default(),
        missing: counties.iter().filter(|(county,)| !known.contains(county.as_str())).count(),
    })
}

/// Households that a list shows, by place.
///
/// # Errors
/// The database fails.
pub async fn list(app: &App, scope: &Scope, which: Which, limit: i64, offset: i64) -> Result<Vec<ListRow>, DbError> {
    store::list(&app.db, scope, which.pick(), limit, offset).await
}

/// Runs [`refresh`] for an actor.
///
/// # Errors
/// They may not, or as [`refresh`].
pub async fn run(app: &App, actor: &Actor, scope: &Scope, progress: &Progress) -> Result<Refreshed, AssessError> {
    if !actor.may(Capability::RunAssessment) {
        return Err(AssessError::Forbidden);
    }
    let scope = actor.scope.narrow(scope.root()).ok_or(AssessError::Forbidden)?;
    let loaded = super::active_profile(app, actor).await?;
    refresh(app, &loaded, &scope, progress).await
}
