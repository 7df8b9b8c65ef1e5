//! Where we are (情况): what is registered, what the comparisons found, what is on the books, by division.
//!
//! Every figure is counted from roll-ups and indexed tables when it is asked for, and opens the list of what makes it
//! up. "Confirmed" and its kin are persons of the register with a signal in force, not cases of an area.

pub mod model;
pub mod pages;
mod store;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use crate::access::Scope;
use crate::platform::{App, DbError};
use crate::register::divisions::CODE_LENGTHS;

pub use model::{AsOf, Change, Day, Figures, HealthKind, Line, PersonSignal, Situation, Tier, TierCount};

/// The most days that the trend goes back.
const TREND_DAYS: u64 = 45;

/// The length of the codes right below a division: what its figures are broken down by.
fn length_below(code: &str) -> usize {
    CODE_LENGTHS.into_iter().find(|length| *length > code.len()).unwrap_or(code.len().max(1))
}

/// The figures of a division and of each division right below it.
///
/// # Errors
/// The database fails.
pub async fn situation(app: &App, scope: &Scope) -> Result<Situation, DbError> {
    let db = &app.db;
    let today = app.clock.today();
    let length = length_below(scope.root());
    let yesterday_ms = app.clock.now_ms() - 24 * 3_600_000;
    let (registered, health, items, covers, as_of, tiers) = tokio::try_join!(
        store::registered(db, scope, length),
        store::health(db, scope, length, yesterday_ms),
        store::items(db, scope, length, today),
        store::covers(db, scope),
        store::as_of(db, scope),
        store::tiers(db, scope, today),
    )?;
    let names = store::names_below(db, scope.root()).await?;
    let mut lines: BTreeMap<String, Line> = names
        .into_iter()
        .map(|(code, name)| {
            let line = Line { code: code.clone(), name, ..Line::default() };
            (code, line)
        })
        .collect();
    let mut change = Change::default();
    for row in registered {
        let figures = &mut line(&mut lines, row.code).figures;
        figures.households += row.households;
        figures.persons += row.persons;
        figures.monitored += row.monitored;
    }
    for row in health {
        let figures = &mut line(&mut lines, row.code).figures;
        figures.confirmed += row.confirmed;
        figures.cured += row.cured;
        figures.died += row.died;
        figures.in_treatment += row.in_treatment;
        figures.suspected += row.suspected;
        figures.contacts += row.contacts;
        change.confirmed += row.new_confirmed;
        change.cured += row.new_cured;
        change.died += row.new_died;
    }
    for row in items {
        let figures = &mut line(&mut lines, row.code).figures;
        figures.open += row.open;
        figures.overdue += row.overdue;
        figures.due_soon += row.due_soon;
        figures.closed += row.closed;
    }
    screen(app, scope, &covers, &mut lines).await?;
    let mut total = Figures::default();
    for line in lines.values() {
        total.add(&line.figures);
    }
    let (opened, closed) = store::changed_items(db, scope, today).await?;
    change.opened = opened;
    change.closed = closed;
    let mut county_tiers: BTreeMap<String, Tier> =
        tiers.into_iter().map(|tier| (tier.county_code.clone(), tier)).collect();
    let mut tier_counts = [0_i64; 3];
    for tier in county_tiers.values() {
        let at = match tier.tier.as_str() {
            "high" => 0,
            "medium" => 1,
            _ => 2,
        };
        tier_counts[at] += 1;
    }
    for line in lines.values_mut() {
        line.tier = county_tiers.get(&line.code).cloned();
    }
    // A county's tier holds for everything in it.
    let tier = scope.root().get(..6).and_then(|county| county_tiers.remove(county));
    Ok(Situation {
        total,
        lines: lines.into_values().collect(),
        change,
        tier,
        tier_counts: TierCount { high: tier_counts[0], medium: tier_counts[1], low: tier_counts[2] },
        as_of,
    })
}

/// The line of a code. Rows at the division's own code belong to none below and must not be lost: they get a line of
/// their own.
fn line(lines: &mut BTreeMap<String, Line>, code: String) -> &mut Line {
    lines.entry(code.clone()).or_insert_with(|| Line { code, ..Line::default() })
}

/// Fills in who has been screened: those registered in a division for which a comparison is done. Whoever moved in
/// after the comparison counts as screened until the next one: the roll-up does not know single persons.
async fn screen(
    app: &App,
    scope: &Scope,
    covers: &[String],
    lines: &mut BTreeMap<String, Line>,
) -> Result<(), DbError> {
    for line in lines.values_mut() {
        let whole = covers.iter().any(|cover| line.code.starts_with(cover));
        if whole {
            line.figures.screened_households = line.figures.households;
            line.figures.screened_persons = line.figures.persons;
            continue;
        }
        let own_level = line.code == scope.root();
        let inside = covers.iter().filter(|cover| {
            !own_level
                && cover.len() > line.code.len()
                && cover.starts_with(&line.code)
                && !covers.iter().any(|wider| wider.len() < cover.len() && cover.starts_with(wider.as_str()))
        });
        for cover in inside {
            let (households, persons) = store::registered_in(&app.db, &Scope::subtree(cover)).await?;
            line.figures.screened_households += households;
            line.figures.screened_persons += persons;
        }
    }
    Ok(())
}

/// Day by day: persons confirmed and cured by the date of the fact, items opened and closed. Up to 45 days, ending
/// on the last day that something is known of, at the latest today.
///
/// # Errors
/// The database fails.
pub async fn trend(app: &App, scope: &Scope) -> Result<Vec<Day>, DbError> {
    let (confirmed, cured, died, items) = tokio::try_join!(
        store::firsts(&app.db, scope, "epidemic.confirmed"),
        store::firsts(&app.db, scope, "epidemic.cured"),
        store::firsts(&app.db, scope, "epidemic.died"),
        store::item_days(&app.db, scope),
    )?;
    let today = app.clock.today();
    let known = |day: &String| day.parse::<NaiveDate>().ok().filter(|day| *day <= today);
    let days: Vec<NaiveDate> = confirmed
        .iter()
        .chain(&cured)
        .chain(&died)
        .map(|row| &row.0)
        .chain(items.iter().map(|row| &row.0))
        .filter_map(known)
        .collect();
    let (Some(first), Some(last)) = (days.iter().min(), days.iter().max()) else {
        return Ok(Vec::new());
    };
    let start = last.checked_sub_days(Days::new(TREND_DAYS - 1)).map_or(*first, |start| start.max(*first));
    let count =
        |rows: &[(String, i64)], day: &str| rows.iter().filter(|row| row.0 == day).map(|row| row.1).sum::<i64>();
    let up_to = |rows: &[(String, i64)], day: &str| {
        rows.iter().filter(|row| row.0.as_str() <= day).map(|row| row.1).sum::<i64>()
    };
    Ok(start
        .iter_days()
        .take_while(|day| day <= last)
        .map(|date| {
            let day = date.to_string();
            let (opened, closed) =
                items.iter().filter(|row| row.0 == day).fold((0, 0), |sum, row| (sum.0 + row.1, sum.1 + row.2));
            Day {
                new_confirmed: count(&confirmed, &day),
                confirmed: up_to(&confirmed, &day),
                cured: up_to(&cured, &day),
                died: up_to(&died, &day),
                opened,
                closed,
                date,
            }
        })
        .collect())
}

/// Persons with a signal of a kind in force, the newest fact first.
///
/// # Errors
/// The database fails.
pub async fn persons_with(
    app: &App,
    scope: &Scope,
    kind: HealthKind,
    offset: i64,
    limit: i64,
) -> Result<Vec<PersonSignal>, DbError> {
    store::persons_with(&app.db, scope, kind, offset, limit).await
}

/// How many persons have a signal of each kind in force.
///
/// # Errors
/// The database fails.
pub async fn counts_with(app: &App, scope: &Scope) -> Result<BTreeMap<HealthKind, i64>, DbError> {
    let rows = store::counts_with(&app.db, scope).await?;
    let of = |kind: HealthKind| {
        let found = rows.iter().find(|(signal, ..)| signal == kind.signal());
        found.map_or(0, |(_, all, ill)| if kind == HealthKind::InTreatment { *ill } else { *all })
    };
    Ok(HealthKind::ALL.into_iter().map(|kind| (kind, of(kind))).collect())
}
