//! What is stuck (缓一缓、等一等): items that the rules of the profile find, by place, by who answers for them, one by one.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::{SuperviseError, length_below, may_see, store};
use crate::access::{Actor, Scope};
use crate::assess;
use crate::assess::profile::supervise::{StallKind, SupervisionPolicy};
use crate::platform::App;

pub use store::{Line, OwnerLine};

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;

/// The limits of the rules on a day, as the statements read them. A rule that the profile does not have never holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Limits {
    /// Deadlines before this day are past.
    pub(super) due_before: String,
    /// Last worked on before this day is too long ago.
    pub(super) worked_before: String,
    /// Rounds from which on an item was reopened too often.
    pub(super) rounds: i64,
    /// Closings from this day on are looked at.
    pub(super) closed_since: String,
    /// Closed within fewer milliseconds than this.
    pub(super) fast: i64,
    /// So many closings of one person and day.
    pub(super) bulk: i64,
}

impl Limits {
    pub(super) fn of(policy: &SupervisionPolicy, today: NaiveDate) -> Self {
        let limit = |kind: StallKind| policy.stall(kind).map(|stall| stall.limit);
        let ago = |days: i64| {
            let days = Days::new(u64::try_from(days).unwrap_or(0));
            today.checked_sub_days(days).unwrap_or(NaiveDate::MIN)
        };
        // Today minus ten days and earlier is ten days without work; the comparison is with the day after.
        let idle = limit(StallKind::Idle).map(|days| ago(days - 1).to_string());
        Self {
            due_before: limit(StallKind::Overdue).map(|days| ago(days).to_string()).unwrap_or_default(),
            worked_before: idle.unwrap_or_default(),
            rounds: limit(StallKind::Reopened).map_or(i64::MAX, |times| times + 1),
            closed_since: ago(policy.look_back_days).to_string(),
            fast: limit(StallKind::ClosedFast).map_or(0, |hours| hours * HOUR),
            bulk: limit(StallKind::ClosedBulk).unwrap_or(i64::MAX),
        }
    }
}

/// How a place stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct PlaceLine {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Open items.
    pub open: i64,
    /// Of these stuck by one rule or several.
    pub stuck: i64,
    /// Found by each rule, those closed in a doubtful way too.
    pub found: BTreeMap<StallKind, i64>,
    /// Whether it is warned (橙色预警).
    pub orange: bool,
    /// Work against the epidemic was done of late, other work lies open, and none was done on it (以防控为名弱化工作推进).
    pub only_epidemic: bool,
}

impl PlaceLine {
    /// Stuck of open, percent, to one decimal.
    pub fn percent(&self) -> f64 {
        if self.open == 0 { 0.0 } else { (self.stuck as f64 * 1000.0 / self.open as f64).round() / 10.0 }
    }

    /// Found by a rule.
    pub fn of(&self, kind: StallKind) -> i64 {
        self.found.get(&kind).copied().unwrap_or(0)
    }
}

/// What a supervisor begins the day with.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Morning {
    /// The whole place.
    pub total: PlaceLine,
    /// The places right below it, the worst first.
    pub places: Vec<PlaceLine>,
    /// Who answers for what is stuck, those with most first.
    pub owners: Vec<OwnerLine>,
}

/// Most of those who answer for something that the morning page names.
const OWNERS: i64 = 12;
/// Codes from this length on are told by who answers for something.
const OWNERS_FROM: usize = 6;

/// What is stuck in a scope.
///
/// # Errors
/// The actor may not, the stored profile is faulty, or the database fails.
pub async fn morning(
    app: &App,
    actor: &Actor,
    policy: &SupervisionPolicy,
    scope: &Scope,
) -> Result<Morning, SuperviseError> {
    may_see(actor)?;
    let today = app.clock.today();
    let limits = Limits::of(policy, today);
    let length = length_below(scope.root());
    let idle = policy.stall(StallKind::Idle).map_or(policy.look_back_days, |stall| stall.limit);
    let since = today.checked_sub_days(Days::new(u64::try_from(idle).unwrap_or(0))).unwrap_or(today).to_string();
    let worked = store::worked(&app.db, scope, &since, length).await?;
    let mut places: BTreeMap<String, PlaceLine> = BTreeMap::new();
    let mut other_open: BTreeMap<String, i64> = BTreeMap::new();
    let epidemic = |ledger: &str| policy.presence.epidemic_ledgers.iter().any(|known| known == ledger);
    for row in store::standing(&app.db, scope, &limits, length).await? {
        let line = places.entry(row.code.clone()).or_default();
        line.open += row.open;
        line.stuck += row.stuck;
        let rules = [StallKind::Overdue, StallKind::Idle, StallKind::Reopened];
        for (kind, n) in rules.into_iter().zip([row.overdue, row.idle, row.reopened]) {
            *line.found.entry(kind).or_default() += n;
        }
        if !epidemic(&row.ledger) {
            *other_open.entry(row.code).or_default() += row.open;
        }
    }
    for (code, fast, bulk) in store::closings(&app.db, scope, &limits, length).await? {
        if fast + bulk > 0 {
            let line = places.entry(code).or_default();
            line.found.insert(StallKind::ClosedFast, fast);
            line.found.insert(StallKind::ClosedBulk, bulk);
        }
    }
    let mut total = PlaceLine { code: scope.root().to_owned(), ..PlaceLine::default() };
    for (code, line) in &mut places {
        line.code.clone_from(code);
        let work = |of_epidemic: bool| -> i64 {
            let fits = |ledger: &str| epidemic(ledger) == of_epidemic;
            worked.iter().filter(|(place, ledger, _)| place == code && fits(ledger)).map(|(.., n)| n).sum()
        };
        let others = other_open.get(code).copied().unwrap_or(0);
        line.only_epidemic = others > 0 && work(true) > 0 && work(false) == 0;
        line.orange = policy.orange.holds(line.stuck, line.open);
        total.open += line.open;
        total.stuck += line.stuck;
        for (kind, n) in &line.found {
            *total.found.entry(*kind).or_default() += n;
        }
    }
    total.orange = policy.orange.holds(total.stuck, total.open);
    let mut codes: Vec<String> = places.keys().cloned().collect();
    codes.push(total.code.clone());
    let names = assess::division_names(&app.db, &codes).await?;
    let name = |code: &str| names.get(code).cloned().unwrap_or_else(|| code.to_owned());
    total.name = name(&total.code);
    let mut places: Vec<PlaceLine> =
        places.into_values().map(|line| PlaceLine { name: name(&line.code), ..line }).collect();
    places.sort_by(|a, b| {
        (b.orange, b.stuck)
            .cmp(&(a.orange, a.stuck))
            .then(b.percent().total_cmp(&a.percent()))
            .then(a.code.cmp(&b.code))
    });
    // Of more than a county the places are told, not each of the many people.
    let owners = if scope.root().len() < OWNERS_FROM {
        Vec::new()
    } else {
        store::owners(&app.db, scope, &limits, OWNERS).await?
    };
    Ok(Morning { total, places, owners })
}

/// Which items a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Of this rule; what is stuck by any where none.
    pub rule: Option<StallKind>,
    /// Of this unit; empty for all.
    pub unit: String,
    /// Of this person, with the unit; only asked where `by_person`.
    pub person: String,
    /// Whether the person counts: an empty one means nobody.
    pub by_person: bool,
    /// Of the place itself, not of those below it.
    pub own: bool,
}

/// Items that the rules find, those longest stuck first; one page of them, and how many there are.
///
/// # Errors
/// As [`morning`].
pub async fn list(
    app: &App,
    actor: &Actor,
    policy: &SupervisionPolicy,
    scope: &Scope,
    asked: &Asked,
    (offset, limit): (i64, i64),
) -> Result<(Vec<Line>, i64), SuperviseError> {
    may_see(actor)?;
    let limits = Limits::of(policy, app.clock.today());
    let lines = store::list(&app.db, scope, &limits, asked, offset, limit).await?;
    let count = store::count(&app.db, scope, &limits, asked).await?;
    Ok((lines, count))
}

/// The rules that found an item, in their order.
pub fn rules(line: &Line) -> Vec<StallKind> {
    let mut all: Vec<StallKind> = line.rules.split(',').filter_map(StallKind::from_name).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether a place of a listing or page is warned: stuck and open items of its subtree.
///
/// # Errors
/// The database fails.
pub async fn share(app: &App, scope: &Scope, policy: &SupervisionPolicy) -> Result<(i64, i64, bool), SuperviseError> {
    let limits = Limits::of(policy, app.clock.today());
    let rows = store::standing(&app.db, scope, &limits, 1).await?;
    let (stuck, open) = rows.iter().fold((0, 0), |(stuck, open), row| (stuck + row.stuck, open + row.open));
    Ok((stuck, open, policy.orange.holds(stuck, open)))
}
