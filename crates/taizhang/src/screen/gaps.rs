//! The gap check (查缺补漏): every household and indicator that is short, in doubt or unknown, and how complete the checks
//! of a county are. Each figure is the length of a list.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use uuid::Uuid;

use super::cover::length_below;
use super::gap_store as store;
use super::model::ScreenError;
use crate::access::Scope;
use crate::assess;
use crate::assess::profile::checks::{Checks, Indicator, Outcome};
use crate::platform::App;

/// A gap check is asked of a county or of what is below it.
pub const COUNTY: usize = 6;

/// Where a household stands with an indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// 不达标.
    Short,
    /// 存疑; of water 基本安全.
    Partly,
    /// Never checked, or too long ago.
    Unknown,
    /// 达标.
    Met,
}

impl State {
    /// Every state, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Short, Self::Partly, Self::Unknown, Self::Met];

    /// The value in addresses and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Partly => "partly",
            Self::Unknown => "unknown",
            Self::Met => "met",
        }
    }

    /// The state of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The outcome of that name.
    pub fn outcome(self) -> Option<Outcome> {
        Outcome::from_name(self.name())
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Checks before this day count as unknown.
    pub since: NaiveDate,
    /// Only this indicator; none for all.
    pub indicator: Option<Indicator>,
    /// Only this state; none for every gap: short, unknown, and in doubt where that is a gap.
    pub state: Option<State>,
}

impl Asked {
    /// Every gap as of a day, by what the checks say of how long one is good for.
    pub fn all(checks: &Checks, today: NaiveDate) -> Self {
        let days = u64::try_from(checks.valid_days).unwrap_or(365);
        Self { since: today.checked_sub_days(Days::new(days)).unwrap_or(today), indicator: None, state: None }
    }
}

/// Households of a division by state, for one indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counts {
    /// 达标.
    pub met: i64,
    /// 存疑; of water 基本安全.
    pub partly: i64,
    /// 不达标.
    pub short: i64,
    /// Never checked, or too long ago.
    pub unknown: i64,
}

impl Counts {
    /// How many are in a state.
    pub fn of(&self, state: State) -> i64 {
        match state {
            State::Short => self.short,
            State::Partly => self.partly,
            State::Unknown => self.unknown,
            State::Met => self.met,
        }
    }

    /// How many are a gap.
    pub fn gaps(&self, partly_is_gap: bool) -> i64 {
        self.short + self.unknown + if partly_is_gap { self.partly } else { 0 }
    }

    fn add(&mut self, other: &Self) {
        self.met += other.met;
        self.partly += other.partly;
        self.short += other.short;
        self.unknown += other.unknown;
    }
}

/// Where a division stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Place {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Registered households.
    pub registered: i64,
    /// Households of which every indicator is known.
    pub complete: i64,
    /// By indicator, in the order of [`Indicator::ALL`].
    pub counts: [Counts; 6],
}

impl Place {
    /// Lines of the list of all gaps.
    pub fn gaps(&self, checks: &Checks) -> i64 {
        let of = |indicator: Indicator| self.counts[indicator as usize].gaps(checks.is_gap(indicator, Outcome::Partly));
        Indicator::ALL.into_iter().map(of).sum()
    }

    /// Households whose every indicator is known, percent of those registered.
    pub fn percent(&self) -> f64 {
        if self.registered == 0 { 0.0 } else { self.complete as f64 * 100.0 / self.registered as f64 }
    }
}

/// The gap check of a division and those right below it.
///
/// # Errors
/// The database fails.
pub async fn check(app: &App, scope: &Scope, asked: &Asked) -> Result<(Place, Vec<Place>), ScreenError> {
    let length = length_below(scope.root());
    let mut places: BTreeMap<String, Place> = store::registered(&app.db, scope, length)
        .await?
        .into_iter()
        .map(|(code, registered)| {
            let place = Place { code: code.clone(), registered, ..Place::default() };
            (code, place)
        })
        .collect();
    for (code, households) in store::complete(&app.db, scope, length, asked.since).await? {
        if let Some(place) = places.get_mut(&code) {
            place.complete = households;
        }
    }
    for (code, indicator, result, households) in store::known(&app.db, scope, length, asked.since).await? {
        let (Some(place), Some(indicator)) = (places.get_mut(&code), Indicator::from_name(&indicator)) else {
            continue;
        };
        let counts = &mut place.counts[indicator as usize];
        match Outcome::from_name(&result) {
            Some(Outcome::Met) => counts.met += households,
            Some(Outcome::Partly) => counts.partly += households,
            Some(Outcome::Short) => counts.short += households,
            None => {}
        }
    }
    let mut codes: Vec<String> = places.keys().cloned().collect();
    codes.push(scope.root().to_owned());
    let names = assess::division_names(&app.db, &codes).await?;
    let name_of = |code: &str| names.get(code).cloned().unwrap_or_else(|| code.to_owned());
    let mut total = Place { code: scope.root().to_owned(), name: name_of(scope.root()), ..Place::default() };
    let mut lines: Vec<Place> = places.into_values().filter(|place| place.registered > 0).collect();
    for place in &mut lines {
        place.name = name_of(&place.code);
        for counts in &mut place.counts {
            counts.unknown = place.registered - counts.met - counts.partly - counts.short;
        }
        total.registered += place.registered;
        total.complete += place.complete;
        for (sum, counts) in total.counts.iter_mut().zip(&place.counts) {
            sum.add(counts);
        }
    }
    Ok((total, lines))
}

/// A household and an indicator.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct GapLine {
    pub id: Uuid,
    pub household_no: String,
    pub head_name: String,
    pub division_code: String,
    pub place: String,
    pub township: String,
    pub member_count: i64,
    pub indicator: String,
    /// Empty where it was never checked.
    pub result: String,
    pub since: String,
    pub checked_on: String,
    pub by_name: String,
    pub by_role: String,
    /// JSON array of what falls short.
    pub reasons: String,
}

impl GapLine {
    /// Where the household stands, checks before `since` being unknown.
    pub fn state(&self, since: NaiveDate) -> State {
        if self.checked_on.is_empty() || self.checked_on < since.to_string() {
            return State::Unknown;
        }
        match Outcome::from_name(&self.result) {
            Some(Outcome::Met) => State::Met,
            Some(Outcome::Partly) => State::Partly,
            _ => State::Short,
        }
    }
}

/// The list behind a figure of [`check`], by village and household; one page of it, and how many lines there are.
///
/// # Errors
/// The database fails.
pub async fn list(
    app: &App,
    checks: &Checks,
    scope: &Scope,
    asked: &Asked,
    (offset, limit): (i64, i64),
) -> Result<(Vec<GapLine>, i64), ScreenError> {
    let lines = store::list(&app.db, checks, scope, asked, offset, limit).await?;
    let count = store::count(&app.db, checks, scope, asked).await?;
    Ok((lines, count))
}

/// Hands every line of a list to `each`, in its order.
///
/// # Errors
/// The database fails.
pub async fn each(
    app: &App,
    checks: &Checks,
    scope: &Scope,
    asked: &Asked,
    each: impl FnMut(GapLine) + Send,
) -> Result<(), ScreenError> {
    Ok(store::each(&app.db, checks, scope, asked, each).await?)
}
