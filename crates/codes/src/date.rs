//! Dates as people type them and as spreadsheets store them.

use chrono::{Datelike, NaiveDate, NaiveTime};

use crate::text;

/// A date of which the day, or day and month, may be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartialDate {
    /// 1900-2199.
    pub year: i32,
    /// 1-12.
    pub month: Option<u32>,
    /// 1-31, existing.
    pub day: Option<u32>,
}

/// Why a text is not a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateProblem {
    /// Nothing there.
    #[error("no date")]
    Empty,
    /// It does not look like a date.
    #[error("not a date; 2020-02-05, 2020.2.5 or 2020年2月5日 would be")]
    Form,
    /// It looks like one, and that day or month does not exist.
    #[error("that day does not exist")]
    Nonexistent,
    /// Before 1900 or after 2199.
    #[error("year out of range 1900-2199")]
    Year,
}

impl DateProblem {
    /// Stable name of the problem.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Form => "form",
            Self::Nonexistent => "nonexistent",
            Self::Year => "year",
        }
    }
}

impl PartialDate {
    /// The day, where it is known whole.
    pub fn to_date(self) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(self.year, self.month?, self.day?)
    }

    /// The first day that it can mean.
    pub fn first_day(self) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1)).unwrap_or_default()
    }

    /// `2020-02-05`, `2020-02` or `2020`.
    pub fn iso(self) -> String {
        match (self.month, self.day) {
            (Some(month), Some(day)) => format!("{:04}-{month:02}-{day:02}", self.year),
            (Some(month), None) => format!("{:04}-{month:02}", self.year),
            _ => format!("{:04}", self.year),
        }
    }

    fn new(year: i32, month: Option<u32>, day: Option<u32>) -> Result<Self, DateProblem> {
        if !(1900..2200).contains(&year) {
            return Err(DateProblem::Year);
        }
        NaiveDate::from_ymd_opt(year, month.unwrap_or(1), day.unwrap_or(1)).ok_or(DateProblem::Nonexistent)?;
        Ok(Self { year, month, day })
    }
}

impl From<NaiveDate> for PartialDate {
    fn from(day: NaiveDate) -> Self {
        Self { year: day.year(), month: Some(day.month()), day: Some(day.day()) }
    }
}

/// Reads a date.
///
/// ```
/// use codes::date::read_date;
/// for text in ["2020-02-05", "2020.2.5", "2020/2/5", "2020年2月5日", "20200205", "43866", "2020-02-05 08:30", "２０２０．２．５"] {
///     assert_eq!(read_date(text).unwrap().iso(), "2020-02-05", "{text}");
/// }
/// assert_eq!(read_date("2020年2月").unwrap().iso(), "2020-02");
/// assert_eq!(read_date("202002").unwrap().iso(), "2020-02");
/// ```
///
/// # Errors
/// Why not.
pub fn read_date(raw: &str) -> Result<PartialDate, DateProblem> {
    let clean = text::half_width(raw);
    if clean.is_empty() {
        return Err(DateProblem::Empty);
    }
    if let Ok(number) = clean.parse::<f64>()
        && clean.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    {
        let dots = clean.bytes().filter(|b| *b == b'.').count();
        let whole = clean.split('.').next().unwrap_or_default();
        if dots == 0 || whole.len() == 5 || clean.ends_with(".0") {
            return read_number(whole, number);
        }
    }
    let date = clean.split(['T', ' ']).next().unwrap_or_default();
    let rest = clean[date.len()..].trim_start_matches(['T', ' ']);
    // `2020 年 2 月 5 日` has blanks of its own; what follows a date otherwise is a time of day.
    let date = if rest.is_empty() || is_time(rest) { date.to_owned() } else { clean.replace(' ', "") };
    let parts: Vec<&str> = date
        .trim_end_matches(['日', '号', '.', '-', '/'])
        .split(['-', '.', '/', '年', '月', '、'])
        .filter(|p| !p.is_empty())
        .collect();
    if parts.len() > 3 || parts.is_empty() {
        return Err(DateProblem::Form);
    }
    let mut numbers = [None; 3];
    for (slot, part) in numbers.iter_mut().zip(&parts) {
        if part.len() > 4 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return Err(DateProblem::Form);
        }
        *slot = part.parse::<u32>().ok();
    }
    if parts[0].len() != 4 {
        return Err(DateProblem::Form);
    }
    let year = numbers[0].and_then(|y| i32::try_from(y).ok()).ok_or(DateProblem::Form)?;
    PartialDate::new(year, numbers[1], numbers[2])
}

fn is_time(text: &str) -> bool {
    let text = text.trim_end_matches('Z');
    ["%H:%M:%S%.f", "%H:%M", "%H时%M分", "%H时%M分%S秒"]
        .iter()
        .any(|form| NaiveTime::parse_from_str(text, form).is_ok())
        || text.strip_suffix('时').is_some_and(|h| h.parse::<u32>().is_ok_and(|h| h < 24))
}

fn read_number(whole: &str, number: f64) -> Result<PartialDate, DateProblem> {
    let part = |range: std::ops::Range<usize>| whole.get(range).and_then(|t| t.parse::<u32>().ok());
    match whole.len() {
        8 => PartialDate::new(part(0..4).unwrap_or(0) as i32, part(4..6), part(6..8)),
        6 => PartialDate::new(part(0..4).unwrap_or(0) as i32, part(4..6), None),
        4 => PartialDate::new(part(0..4).unwrap_or(0) as i32, None, None),
        5 => from_excel_serial(number).map(PartialDate::from).ok_or(DateProblem::Form),
        _ => Err(DateProblem::Form),
    }
}

/// Reads a month: `202002`, `2020-02`, `2020年2月`, or any whole date; the answer is `YYYY-MM`.
///
/// ```
/// assert_eq!(codes::date::read_month("2020年2月"), Ok("2020-02".to_owned()));
/// ```
///
/// # Errors
/// Why not; a year alone is not a month.
pub fn read_month(raw: &str) -> Result<String, DateProblem> {
    let date = read_date(raw)?;
    let month = date.month.ok_or(DateProblem::Form)?;
    Ok(format!("{:04}-{month:02}", date.year))
}

/// The day of a spreadsheet's serial number (1900 system). Serial 60 is the 29 February 1900 that never was: refused,
/// and the days before it are counted as the spreadsheet shows them. Days past 2199 are refused.
///
/// ```
/// assert_eq!(codes::date::from_excel_serial(43866.5).unwrap().to_string(), "2020-02-05");
/// assert_eq!(codes::date::from_excel_serial(1.0).unwrap().to_string(), "1900-01-01");
/// assert_eq!(codes::date::from_excel_serial(60.0), None);
/// ```
pub fn from_excel_serial(serial: f64) -> Option<NaiveDate> {
    if !serial.is_finite() || !(1.0..109_575.0).contains(&serial) {
        return None;
    }
    let days = serial.floor() as u64;
    let base = match days {
        60 => return None,
        0..60 => NaiveDate::from_ymd_opt(1899, 12, 31)?,
        _ => NaiveDate::from_ymd_opt(1899, 12, 30)?,
    };
    base.checked_add_days(chrono::Days::new(days))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day() -> impl Strategy<Value = NaiveDate> {
        (61u64..90_000).prop_map(|d| NaiveDate::from_ymd_opt(1899, 12, 30).unwrap() + chrono::Days::new(d))
    }

    proptest! {
        #[test]
        fn every_way_of_typing_a_day_reads(day in day(), form in 0..9) {
            let (y, m, d) = (day.year(), day.month(), day.day());
            let typed = match form {
                0 => day.to_string(),
                1 => format!("{y}.{m}.{d}"),
                2 => format!("{y}/{m}/{d}"),
                3 => format!("{y}年{m}月{d}日"),
                4 => day.format("%Y%m%d").to_string(),
                5 => (day - NaiveDate::from_ymd_opt(1899, 12, 30).unwrap()).num_days().to_string(),
                6 => format!("{day} 23:59:59"),
                7 => format!("{y}.{m:02}.{d:02}"),
                _ => format!("{y} 年 {m} 月 {d} 日"),
            };
            // Five digits are a serial number; earlier ones look like nothing else either.
            prop_assume!(form != 5 || typed.len() == 5);
            prop_assert_eq!(read_date(&typed).map(PartialDate::to_date), Ok(Some(day)), "{}", typed);
        }

        #[test]
        fn nothing_panics(raw in "\\PC{0,20}") {
            let _ = read_date(&raw);
            let _ = read_month(&raw);
        }

        #[test]
        fn serials_never_panic(serial in proptest::num::f64::ANY) {
            let _ = from_excel_serial(serial);
        }
    }

    #[test]
    fn what_is_not_a_date_is_refused() {
        assert_eq!(read_date("2020-02-30"), Err(DateProblem::Nonexistent));
        assert_eq!(read_date("1899-12-31"), Err(DateProblem::Year));
        assert_eq!(read_date("18991231"), Err(DateProblem::Year));
        assert_eq!(read_date("202013"), Err(DateProblem::Nonexistent));
        assert_eq!(read_date("不详"), Err(DateProblem::Form));
        assert_eq!(read_date("2.5"), Err(DateProblem::Form));
        assert_eq!(read_date("-5"), Err(DateProblem::Form));
        assert_eq!(read_month("2020"), Err(DateProblem::Form));
    }
}
