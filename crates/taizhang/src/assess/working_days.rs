//! Working days (工作日) by the yearly notices of the State Council: `policy/holidays-cn.toml`.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use chrono::{Datelike, NaiveDate, Weekday};
use serde::Deserialize;

const TEXT: &str = include_str!("../../../../policy/holidays-cn.toml");

/// The calendar of a year is not known, so that a deadline that reaches into it cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the working days of {0} are not known: add its notice to policy/holidays-cn.toml")]
pub struct UnknownYear(pub i32);

#[derive(Debug, Deserialize)]
struct File {
    years: Vec<Year>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Year {
    year: i32,
    #[serde(rename = "source")]
    _source: String,
    holidays: Vec<String>,
    worked: Vec<String>,
}

/// Days off and days worked.
#[derive(Debug, Default)]
struct Calendar {
    years: BTreeSet<i32>,
    holidays: BTreeSet<NaiveDate>,
    worked: BTreeSet<NaiveDate>,
}

fn read(text: &str) -> Result<Calendar, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut out = Calendar::default();
    let day = |text: &str| text.parse::<NaiveDate>().map_err(|error| format!("{text}: {error}"));
    for year in file.years {
        if !out.years.insert(year.year) {
            return Err(format!("{} stands there twice", year.year));
        }
        for range in &year.holidays {
            let (first, last) = range.split_once('/').unwrap_or((range, range));
            let last = day(last)?;
            out.holidays.extend(day(first)?.iter_days().take_while(|one| *one <= last));
        }
        for one in &year.worked {
            out.worked.insert(day(one)?);
        }
    }
    Ok(out)
}

fn calendar() -> &'static Calendar {
    static READ: OnceLock<Calendar> = OnceLock::new();
    READ.get_or_init(|| {
        read(TEXT).unwrap_or_else(|error| {
            // Without it no year is known, and every working-day deadline is refused.
            tracing::error!(%error, "policy/holidays-cn.toml cannot be read");
            Calendar::default()
        })
    })
}

/// Whether people work on a day.
///
/// # Errors
/// The notice of its year is not known.
pub fn is_working_day(day: NaiveDate) -> Result<bool, UnknownYear> {
    let calendar = calendar();
    if !calendar.years.contains(&day.year()) {
        return Err(UnknownYear(day.year()));
    }
    let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    Ok(calendar.worked.contains(&day) || (!weekend && !calendar.holidays.contains(&day)))
}

/// The working day that is the `days`-th after a day; the day itself does not count (民法典第二百零一条).
///
/// # Errors
/// The notice of a year on the way is not known.
pub fn after(day: NaiveDate, days: i64) -> Result<NaiveDate, UnknownYear> {
    let (mut at, mut left) = (day, days);
    while left > 0 {
        at = at.succ_opt().ok_or(UnknownYear(at.year()))?;
        left -= i64::from(is_working_day(at)?);
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_calendar_is_sound() {
        let calendar = read(TEXT).unwrap();
        assert_eq!(calendar.years.iter().copied().collect::<Vec<_>>(), (2020..=2026).collect::<Vec<_>>());
        assert!(calendar.holidays.is_disjoint(&calendar.worked));
        // Only a weekend is made up for; nobody is told to work on a Monday that is worked anyway.
        assert!(calendar.worked.iter().all(|d| matches!(d.weekday(), Weekday::Sat | Weekday::Sun)));
        // By the Measures on Days Off: 11 days a year, 13 from 2025 on; the notices move them, and 2020 added some.
        for year in 2020..=2026 {
            let weekdays = NaiveDate::from_ymd_opt(year, 1, 1).unwrap().iter_days().take_while(|d| d.year() == year);
            let worked = weekdays.filter(|d| is_working_day(*d).unwrap()).count();
            assert!((247..=252).contains(&worked), "{year}: {worked}");
        }
    }

    #[test]
    fn deadlines_step_over_days_off() {
        assert_eq!(after(day("2020-01-22"), 1), Ok(day("2020-01-23")));
        assert_eq!(after(day("2020-01-23"), 1), Ok(day("2020-02-03")), "the holiday was made longer");
        assert_eq!(after(day("2024-02-09"), 1), Ok(day("2024-02-18")), "a Sunday worked");
        assert_eq!(after(day("2026-02-12"), 3), Ok(day("2026-02-24")));
        assert_eq!(after(day("2026-02-12"), 0), Ok(day("2026-02-12")));
    }

    #[test]
    fn a_year_that_is_not_known_is_not_guessed() {
        assert_eq!(after(day("2026-12-30"), 5), Err(UnknownYear(2027)));
        assert_eq!(is_working_day(day("2019-12-31")), Err(UnknownYear(2019)));
    }
}
