//! What somebody has to do: their own items, what waits for their check, who reminded them; and the same work looked at
//! by state (board) and by deadline (calendar).

use chrono::{Datelike, Days, NaiveDate};
use uuid::Uuid;

use super::list_store;
use super::model::{Filter, Line, SOON_DAYS, State, Which};
use super::table::{self, Slice};
use super::{LedgerError, need};
use crate::access::{Actor, Capability};
use crate::assess::working_days::is_working_day;
use crate::platform::App;

pub(super) mod pages;
mod store;

/// Lines of a part of my work.
const PART: usize = 20;
/// Items of a column of the board.
const CARDS: usize = 8;

/// A reminder that somebody has not yet seen.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Reminder {
    pub id: Uuid,
    pub item_id: Uuid,
    pub number: String,
    pub title: String,
    pub deadline: String,
    pub by_name: String,
    pub note: String,
    pub at: i64,
}

/// What somebody has to do.
#[derive(Debug, Clone, Default)]
pub struct MyWork {
    /// Reminders not yet seen, the newest first.
    pub reminders: Vec<Reminder>,
    /// Theirs and overdue, the longest first.
    pub overdue: Slice,
    /// Theirs and due within the week.
    pub soon: Slice,
    /// Theirs and due later.
    pub later: Slice,
    /// What waits for their check: submitted by others, and without a hand of theirs in it.
    pub to_check: Vec<Line>,
    /// How many of these there are.
    pub checks: i64,
}

/// The question for one part of somebody's own work.
fn mine(which: Which, due_from: Option<NaiveDate>) -> Filter {
    Filter { which, due_from, mine: true, ..Filter::default() }
}

/// The first day after those that are near.
fn after_soon(today: NaiveDate) -> NaiveDate {
    today.checked_add_days(Days::new(SOON_DAYS + 1)).unwrap_or(today)
}

/// What somebody has to do.
///
/// # Errors
/// The actor may not see items, or the database fails.
pub async fn my_work(app: &App, actor: &Actor) -> Result<MyWork, LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    let Some(user) = actor.user_id else {
        return Ok(MyWork::default());
    };
    let profile = table::profile(app, actor).await?;
    let today = app.clock.today();
    let part = async |filter: Filter| table::page(app, actor, &profile, &filter, (None, false), PART).await;
    let (to_check, checks) = if actor.may(Capability::CheckItems) {
        store::to_check(&app.db, &actor.scope, user, PART).await?
    } else {
        (Vec::new(), 0)
    };
    Ok(MyWork {
        reminders: store::reminders(&app.db, &actor.scope, user).await?,
        overdue: part(mine(Which::Overdue, None)).await?,
        soon: part(mine(Which::DueSoon, None)).await?,
        later: part(mine(Which::Open, Some(after_soon(today)))).await?,
        to_check,
        checks,
    })
}

/// Notes that somebody has seen their reminders, as far as they were shown: those that came up to `until`, milliseconds.
///
/// # Errors
/// The actor may not see items, or the database fails.
pub async fn see(app: &App, actor: &Actor, until: i64) -> Result<u64, LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    let Some(user) = actor.user_id else {
        return Ok(0);
    };
    let now = app.clock.now_ms();
    app.db
        .write::<_, LedgerError, _>(move |tx| Box::pin(async move { Ok(store::see(tx, user, until, now).await?) }))
        .await
}

/// A column of the board.
#[derive(Debug, Clone)]
pub struct Column {
    /// The state.
    pub state: State,
    /// How many are in it.
    pub count: i64,
    /// How many of them are overdue.
    pub late: i64,
    /// The first of them by deadline.
    pub lines: Vec<Line>,
}

/// The open items of a place by state.
///
/// # Errors
/// The actor may not see items, or the database fails.
pub async fn board(app: &App, actor: &Actor, division: &str, ledger: &str) -> Result<Vec<Column>, LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    let filter = Filter { division: division.to_owned(), ledger: ledger.to_owned(), ..Filter::default() };
    let Some(scope) = list_store::narrowed(actor, &filter) else {
        return Ok(Vec::new());
    };
    let profile = table::profile(app, actor).await?;
    let counts = store::by_state(&app.db, actor, &scope, ledger, app.clock.today()).await?;
    let mut out = Vec::new();
    for state in State::ALL.into_iter().filter(|state| state.is_open()) {
        let found = counts.iter().find(|(name, ..)| name == state.name());
        let (count, late) = found.map_or((0, 0), |(_, count, late)| (*count, *late));
        let lines = if count == 0 {
            Vec::new()
        } else {
            let filter = Filter { which: Which::One(state), ..filter.clone() };
            table::page(app, actor, &profile, &filter, (None, false), CARDS).await?.lines
        };
        out.push(Column { state, count, late, lines });
    }
    Ok(out)
}

/// What a day of the calendar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKind {
    /// People work.
    Worked,
    /// A weekend.
    Weekend,
    /// A holiday on a weekday (节假日).
    Holiday,
    /// A weekend that is worked for a holiday (调休上班).
    MadeUp,
    /// The notice of its year is not known.
    Unknown,
}

impl DayKind {
    fn of(day: NaiveDate) -> Self {
        let weekend = day.weekday().number_from_monday() > 5;
        match (is_working_day(day), weekend) {
            (Ok(true), false) => Self::Worked,
            (Ok(true), true) => Self::MadeUp,
            (Ok(false), true) => Self::Weekend,
            (Ok(false), false) => Self::Holiday,
            (Err(_), _) => Self::Unknown,
        }
    }
}

/// A day of the calendar.
#[derive(Debug, Clone, Copy)]
pub struct Day {
    /// Which.
    pub day: NaiveDate,
    /// Whether it lies in the month that was asked for.
    pub inside: bool,
    /// Whether people work.
    pub kind: DayKind,
    /// Open items due on it.
    pub due: i64,
}

/// The weeks of a month, Monday first, with what is due on each day.
///
/// # Errors
/// The actor may not see items, or the database fails.
pub async fn calendar(
    app: &App,
    actor: &Actor,
    division: &str,
    own: bool,
    month: NaiveDate,
) -> Result<Vec<Vec<Day>>, LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    let filter = Filter { division: division.to_owned(), ..Filter::default() };
    let days = days_of(month);
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return Ok(Vec::new());
    };
    let due = match list_store::narrowed(actor, &filter) {
        Some(scope) => store::due(&app.db, actor, &scope, own, (*first, *last)).await?,
        None => Vec::new(),
    };
    let of = |day: NaiveDate| {
        let text = day.to_string();
        due.iter().find(|(known, _)| *known == text).map_or(0, |(_, n)| *n)
    };
    let all: Vec<Day> = days
        .into_iter()
        .map(|day| Day { day, inside: day.month() == month.month(), kind: DayKind::of(day), due: of(day) })
        .collect();
    Ok(all.chunks(7).map(<[Day]>::to_vec).collect())
}

/// The days of the whole weeks that a month lies in.
fn days_of(month: NaiveDate) -> Vec<NaiveDate> {
    let first = month.with_day(1).unwrap_or(month);
    let back = u64::from(first.weekday().num_days_from_monday());
    let begin = first.checked_sub_days(Days::new(back)).unwrap_or(first);
    let inside = |day: &NaiveDate| (day.year(), day.month()) <= (first.year(), first.month());
    begin.iter_days().step_by(7).take_while(inside).flat_map(|monday| monday.iter_days().take(7)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_is_whole_weeks() {
        let february = days_of(day("2020-02-20"));
        assert_eq!((february[0], *february.last().unwrap()), (day("2020-01-27"), day("2020-03-01")));
        let june = days_of(day("2026-06-01"));
        assert_eq!((june[0], *june.last().unwrap(), june.len()), (day("2026-06-01"), day("2026-07-05"), 35));
        let december = days_of(day("2020-12-31"));
        assert_eq!((december[0], *december.last().unwrap()), (day("2020-11-30"), day("2021-01-03")));
    }

    #[test]
    fn days_off_and_days_worked_for_them_are_told_apart() {
        assert_eq!(DayKind::of(day("2020-10-01")), DayKind::Holiday);
        assert_eq!(DayKind::of(day("2020-09-27")), DayKind::MadeUp);
        assert_eq!(DayKind::of(day("2020-03-07")), DayKind::Weekend);
        assert_eq!(DayKind::of(day("2020-03-09")), DayKind::Worked);
        assert_eq!(DayKind::of(day("2001-03-09")), DayKind::Unknown);
    }

    #[test]
    fn what_is_due_is_in_one_part_of_my_work() {
        let today = day("2020-02-20");
        assert_eq!(after_soon(today), day("2020-02-28"));
    }
}
