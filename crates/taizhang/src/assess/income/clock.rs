//! The two clocks of income (DOMAIN §2): the collection year, 1 October to 30 September, and the twelve months before
//! somebody is identified, from the first day of the same month last year to the end of the previous month
//! (Anhui, June 2020).

use chrono::{Datelike, Days, Months, NaiveDate};

fn first_of(year: i32, month: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, 1).unwrap_or(NaiveDate::MIN)
}

/// The collection year (收入采集年度) that a day lies in: that of 2020 begins on 1 October 2019.
pub fn collection_year(day: NaiveDate) -> i64 {
    i64::from(day.year()) + i64::from(day.month() >= 10)
}

/// First and last day of a collection year; none for a year outside the calendar.
pub fn collection_days(year: i64) -> Option<(NaiveDate, NaiveDate)> {
    let year = i32::try_from(year).ok()?;
    Some((NaiveDate::from_ymd_opt(year.checked_sub(1)?, 10, 1)?, NaiveDate::from_ymd_opt(year, 9, 30)?))
}

/// First and last day of the twelve whole months before identification (识别前 12 个月).
pub fn twelve_months(day: NaiveDate) -> (NaiveDate, NaiveDate) {
    let month = first_of(day.year(), day.month());
    let from = month.checked_sub_months(Months::new(12)).unwrap_or(month);
    (from, month.checked_sub_days(Days::new(1)).unwrap_or(month))
}

/// How many of the twelve months lie in each collection year, the earliest first.
pub fn months_by_year(from: NaiveDate, to: NaiveDate) -> Vec<(i64, i64)> {
    let mut out: Vec<(i64, i64)> = Vec::new();
    let mut at = first_of(from.year(), from.month());
    while at <= to {
        let year = collection_year(at);
        match out.last_mut() {
            Some((last, months)) if *last == year => *months += 1,
            _ => out.push((year, 1)),
        }
        let Some(next) = at.checked_add_months(Months::new(1)) else {
            break;
        };
        at = next;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_collection_year_begins_in_october() {
        assert_eq!(collection_year(day("2019-09-30")), 2019);
        assert_eq!(collection_year(day("2019-10-01")), 2020);
        assert_eq!(collection_days(2020), Some((day("2019-10-01"), day("2020-09-30"))));
        assert_eq!(collection_days(i64::MAX), None);
    }

    #[test]
    fn twelve_months_end_with_the_month_before() {
        assert_eq!(twelve_months(day("2020-02-15")), (day("2019-02-01"), day("2020-01-31")));
        assert_eq!(twelve_months(day("2020-03-01")), (day("2019-03-01"), day("2020-02-29")));
        assert_eq!(months_by_year(day("2019-02-01"), day("2020-01-31")), [(2019, 8), (2020, 4)]);
        assert_eq!(months_by_year(day("2018-10-01"), day("2019-09-30")), [(2019, 12)]);
    }

    proptest::proptest! {
        #[test]
        fn the_twelve_months_are_twelve(offset in 0_u64..20_000) {
            let day = day("1990-01-01") + Days::new(offset);
            let (from, to) = twelve_months(day);
            proptest::prop_assert_eq!(months_by_year(from, to).iter().map(|(_, n)| n).sum::<i64>(), 12);
            proptest::prop_assert!(to < day && from < to);
        }
    }
}
