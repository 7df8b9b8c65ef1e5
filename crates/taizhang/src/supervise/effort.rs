//! This year's effort against last year's (只能加强、不能减弱): visits, calls, items opened, worked on and closed, dispatch
//! sessions, from New Year to today and in the same days of the year before. What was not yet written down here a year ago
//! cannot be compared, and is said.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};

use super::effort_store as store;
use super::{SuperviseError, length_below, may_see};
use crate::access::{Actor, Scope};
use crate::assess;
use crate::platform::App;

pub use store::DeedLine;

/// What is compared: visits on site, calls, items opened, pieces of work on items, items closed, dispatch sessions.
pub const MEASURES: [&str; 6] = ["visits", "calls", "opened", "worked", "closed", "sessions"];

/// Two periods of as many days, a year apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Periods {
    /// New Year to today.
    pub now: (NaiveDate, NaiveDate),
    /// The same days of the year before.
    pub before: (NaiveDate, NaiveDate),
}

impl Periods {
    /// The periods as they stand on a day.
    pub fn of(today: NaiveDate) -> Self {
        let first = NaiveDate::from_ymd_opt(today.year(), 1, 1).unwrap_or(today);
        let year_before = |day: NaiveDate| {
            // The 29th of February has the 28th before it.
            day.checked_sub_months(chrono::Months::new(12)).unwrap_or(day)
        };
        Self { now: (first, today), before: (year_before(first), year_before(today)) }
    }
}

/// One measure of a place in both periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pair {
    /// This year.
    pub now: i64,
    /// Last year.
    pub before: i64,
}

impl Pair {
    /// Whether it became less. Where nothing was written down before, nothing can be said.
    pub fn is_weaker(self) -> bool {
        self.now < self.before
    }

    /// The change in percent; none where nothing was written down before.
    pub fn percent(self) -> Option<i64> {
        (self.before > 0).then(|| (self.now - self.before) * 100 / self.before)
    }
}

/// A place with its measures, in the order of [`MEASURES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceLine {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// In both periods.
    pub pairs: [Pair; 6],
}

impl PlaceLine {
    /// How many measures became less.
    pub fn weaker(&self) -> usize {
        self.pairs.iter().filter(|pair| pair.is_weaker()).count()
    }
}

/// The effort of a scope and of the places right below it, those with most that became less first.
///
/// # Errors
/// The actor may not, or the database fails.
pub async fn effort(
    app: &App,
    actor: &Actor,
    scope: &Scope,
    periods: Periods,
) -> Result<(PlaceLine, Vec<PlaceLine>), SuperviseError> {
    may_see(actor)?;
    let length = length_below(scope.root());
    let mut places: BTreeMap<String, [Pair; 6]> = BTreeMap::new();
    for (this_year, (from, to)) in [(true, periods.now), (false, periods.before)] {
        for (code, what, n) in store::counts(&app.db, scope, (&from.to_string(), &to.to_string()), length).await? {
            let pairs = places.entry(code).or_default();
            let at = MEASURES.iter().position(|known| *known == what);
            if let Some(at) = at
                && let Some(pair) = pairs.get_mut(at)
            {
                if this_year {
                    pair.now += n;
                } else {
                    pair.before += n;
                }
            }
        }
    }
    let mut codes: Vec<String> = places.keys().cloned().collect();
    codes.push(scope.root().to_owned());
    let names = assess::division_names(&app.db, &codes).await?;
    let name = |code: &str| names.get(code).cloned().unwrap_or_else(|| code.to_owned());
    let mut total = PlaceLine { code: scope.root().to_owned(), name: name(scope.root()), pairs: Default::default() };
    for pairs in places.values() {
        for (sum, pair) in total.pairs.iter_mut().zip(pairs) {
            sum.now += pair.now;
            sum.before += pair.before;
        }
    }
    let mut lines: Vec<PlaceLine> =
        places.into_iter().map(|(code, pairs)| PlaceLine { name: name(&code), code, pairs }).collect();
    lines.sort_by(|a, b| b.weaker().cmp(&a.weaker()).then(a.code.cmp(&b.code)));
    Ok((total, lines))
}

/// What a figure of [`effort`] is made of, the newest first: visits, calls or work on items of a scope and period; one page
/// of them, and how many there are. Items opened and closed are lists of the ledger, sessions a list of their own.
///
/// # Errors
/// As [`effort`].
pub async fn list(
    app: &App,
    actor: &Actor,
    scope: &Scope,
    what: &str,
    (from, to): (NaiveDate, NaiveDate),
    (offset, limit): (i64, i64),
) -> Result<(Vec<DeedLine>, i64), SuperviseError> {
    may_see(actor)?;
    let period = (from.to_string(), to.to_string());
    let lines = store::list(&app.db, scope, what, (&period.0, &period.1), offset, limit).await?;
    Ok((lines, store::count(&app.db, scope, what, (&period.0, &period.1)).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_days_of_the_year_before() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let periods = Periods::of(day("2020-02-29"));
        assert_eq!(periods.now, (day("2020-01-01"), day("2020-02-29")));
        assert_eq!(periods.before, (day("2019-01-01"), day("2019-02-28")));
        let of = |now, before| Pair { now, before };
        assert_eq!((of(3, 4).percent(), of(3, 4).is_weaker()), (Some(-25), true));
        assert_eq!((of(3, 0).percent(), of(3, 0).is_weaker()), (None, false));
    }
}
