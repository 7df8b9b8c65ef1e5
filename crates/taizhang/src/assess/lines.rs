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
    /// Yuan per person and year.
    pub yuan: f64,
    /// Where it comes from; empty where the profile does not say.
    pub source: String,
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
            .filter(|line| division.starts_with(&line.region) && line.effective_from <= day)
            .max_by_key(|line| (line.region.len(), &line.effective_from))
            .map(|line| line.yuan)
    }

    /// The parts of a division that a line is in force for on a day, each with its line, and inside it the narrower
    /// regions that have their own.
    pub fn parts(&self, division: &str, day: NaiveDate) -> Vec<(String, f64, Vec<String>)> {
        let iso = day.to_string();
        let mut regions: Vec<&str> = self
            .0
            .iter()
            .filter(|line| line.effective_from <= iso && line.region.starts_with(division))
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
        IncomeLine { region: region.to_owned(), effective_from: effective_from.to_owned(), yuan, source: String::new() }
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
}
