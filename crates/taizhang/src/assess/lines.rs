//! The income line (监测收入线): who lies below it, for want of income, is to be looked at. Provinces set their own from
//! the national one, and counties theirs, each from a day on; so a line is a question of place and day, never of year.

use chrono::NaiveDate;
use serde::Serialize;

/// A line set for a region from a day on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IncomeLine {
    /// Division code; empty for the whole country.
    pub region: String,
    /// ISO day.
    pub effective_from: String,
    /// Last ISO day; empty where the line runs until another takes its place.
    pub effective_to: String,
    /// Yuan per person and year.
    pub yuan: f64,
    /// Where it comes from; empty where the profile does not say.
    pub source: String,
}

impl IncomeLine {
    fn runs_on(&self, day: &str) -> bool {
        self.effective_from.as_str() <= day && (self.effective_to.is_empty() || day <= self.effective_to.as_str())
    }
}

/// Every line of a profile.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct IncomeLines(pub Vec<IncomeLine>);

impl IncomeLines {
    /// The line in force for a division on a day: of the narrowest region around it that has one by then, the latest.
    pub fn at(&self, division: &str, day: NaiveDate) -> Option<f64> {
        let day = day.to_string();
        self.0
            .iter()
            .filter(|line| division.starts_with(&line.region) && line.runs_on(&day))
            .max_by_key(|line| (line.region.len(), &line.effective_from))
            .map(|line| line.yuan)
    }

    /// Pairs of lines of one region, by their places, of which the earlier ends on a stated day that lies in the later:
    /// which of the two counts would hang on their order. Each with the first day of both.
    pub fn overlaps(&self) -> Vec<(usize, usize, String)> {
        let mut out = Vec::new();
        for (at, line) in self.0.iter().enumerate() {
            for (other, later) in self.0.iter().enumerate() {
                let one_after = line.effective_from < later.effective_from
                    || (line.effective_from == later.effective_from && at < other);
                if line.region == later.region && one_after && later.effective_from <= line.effective_to {
                    out.push((at, other, later.effective_from.clone()));
                }
            }
        }
        out
    }

    /// Regions with lines of their own for which no line is in force on some day from `from` on, neither theirs nor one
    /// around them; each with the first such day.
    pub fn gaps(&self, from: NaiveDate) -> Vec<(String, String)> {
        let mut regions: Vec<&str> = self.0.iter().map(|line| line.region.as_str()).collect();
        regions.sort_unstable();
        regions.dedup();
        // A line ends, or none has begun: nowhere else can a gap begin.
        let ends = self.0.iter().filter_map(|line| line.effective_to.parse::<NaiveDate>().ok()?.succ_opt());
        let mut days: Vec<NaiveDate> = ends.filter(|day| *day > from).chain([from]).collect();
        days.sort_unstable();
        days.dedup();
        regions
            .into_iter()
            .filter_map(|region| {
                let bare = days.iter().find(|day| self.at(region, **day).is_none())?;
                Some((region.to_owned(), bare.to_string()))
            })
            .collect()
    }

    /// What a line is on a day to the division that it was set for: `coming`, `in_force`, `past`.
    pub fn state(&self, at: usize, day: NaiveDate) -> &'static str {
        let iso = day.to_string();
        let Some(line) = self.0.get(at) else {
            return "past";
        };
        if line.effective_from > iso {
            return "coming";
        }
        let taken_over = self.0.iter().enumerate().any(|(other, later)| {
            other != at
                && later.region == line.region
                && later.runs_on(&iso)
                && (&later.effective_from, other) > (&line.effective_from, at)
        });
        if !line.runs_on(&iso) || taken_over { "past" } else { "in_force" }
    }

    /// The parts of a division that a line is in force for on a day, each with its line, and inside it the narrower
    /// regions that have their own.
    pub fn parts(&self, division: &str, day: NaiveDate) -> Vec<(String, f64, Vec<String>)> {
        let iso = day.to_string();
        let mut regions: Vec<&str> = self
            .0
            .iter()
            .filter(|line| line.runs_on(&iso) && line.region.starts_with(division))
            .map(|line| line.region.as_str())
            .chain([division])
            .collect();
        regions.sort_unstable();
        regions.dedup();
        regions
            .iter()
            .filter_map(|region| {
                let inside = regions.iter().filter(|r| r.len() > region.len() && r.starts_with(region));
                Some(((*region).to_owned(), self.at(region, day)?, inside.map(|r| (*r).to_owned()).collect()))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(region: &str, effective_from: &str, yuan: f64) -> IncomeLine {
        until(region, effective_from, "", yuan)
    }

    fn until(region: &str, from: &str, to: &str, yuan: f64) -> IncomeLine {
        let (region, effective_from, effective_to) = (region.to_owned(), from.to_owned(), to.to_owned());
        IncomeLine { region, effective_from, effective_to, yuan, source: String::new() }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_narrowest_region_and_the_latest_day_by_then_count() {
        let lines = IncomeLines(vec![
            line("", "2020-01-01", 5_000.0),
            line("99", "2023-01-01", 7_300.0),
            line("99", "2024-03-14", 8_800.0),
            line("990101", "2020-06-01", 4_000.0),
        ]);
        assert_eq!(lines.at("990102001", day("2019-12-31")), None);
        assert_eq!(lines.at("990102001", day("2020-02-20")), Some(5_000.0));
        assert_eq!(lines.at("990102001", day("2024-03-13")), Some(7_300.0));
        assert_eq!(lines.at("990102001", day("2024-03-14")), Some(8_800.0));
        assert_eq!(lines.at("990101001001", day("2024-03-14")), Some(4_000.0));
        assert_eq!(lines.at("980101", day("2024-03-14")), Some(5_000.0));
        assert_eq!(
            lines.parts("99", day("2023-05-01")),
            [("99".to_owned(), 7_300.0, vec!["990101".to_owned()]), ("990101".to_owned(), 4_000.0, Vec::new())]
        );
        assert_eq!(lines.parts("990101001", day("2023-05-01")), [("990101001".to_owned(), 4_000.0, Vec::new())]);
    }

    #[test]
    fn a_line_that_ends_gives_way_to_the_one_around_it() {
        let lines = IncomeLines(vec![
            line("", "2020-01-01", 5_000.0),
            until("99", "2021-01-01", "2021-12-31", 6_000.0),
            line("99", "2022-03-01", 6_500.0),
        ]);
        assert_eq!(lines.at("9901", day("2021-12-31")), Some(6_000.0));
        assert_eq!(lines.at("9901", day("2022-01-01")), Some(5_000.0));
        assert_eq!(lines.at("9901", day("2022-03-01")), Some(6_500.0));
        assert_eq!(["coming", "coming"], [lines.state(1, day("2020-05-01")), lines.state(2, day("2021-05-01"))]);
        assert_eq!(["in_force", "past", "in_force"], [0, 1, 2].map(|at| lines.state(at, day("2022-05-01"))));
        assert!(lines.gaps(day("2020-01-01")).is_empty() && lines.overlaps().is_empty());
    }

    #[test]
    fn overlaps_and_gaps_are_found() {
        let lines = IncomeLines(vec![
            until("99", "2020-01-01", "2021-12-31", 5_000.0),
            until("99", "2021-06-01", "2022-12-31", 6_000.0),
            line("98", "2020-01-01", 5_000.0),
            line("98", "2021-01-01", 5_500.0),
            line("97", "2020-03-01", 5_000.0),
        ]);
        assert_eq!(lines.overlaps(), [(0, 1, "2021-06-01".to_owned())]);
        assert_eq!(
            lines.gaps(day("2020-02-04")),
            [("97".to_owned(), "2020-02-04".to_owned()), ("99".to_owned(), "2023-01-01".to_owned())]
        );
    }
}
