//! Distance to the income line, in bands: a person's income as a part of the line in force there and then.

/// Upper ends of the bands in thousandths of the line, each the first that no longer belongs to the band; the last band
/// is open. The line itself is an end, so that nobody stands across it.
pub const ENDS: [i64; 7] = [500, 750, 1000, 1250, 1500, 2000, 3000];
/// The first band that is not below the line.
pub const FIRST_ABOVE: i64 = 3;
/// The last band of a known distance.
pub const LAST: i64 = ENDS.len() as i64;
/// No income on record, or nobody in the household.
pub const UNKNOWN: i64 = 8;
/// No line in force there and then.
pub const NO_LINE: i64 = 9;
/// How many bands there are, those of the unknown among them.
pub const COUNT: usize = 10;

/// The band of a person's income against a line, both in fen.
pub fn band(per_person: Option<i64>, line: Option<i64>) -> i64 {
    let Some(line) = line.filter(|line| *line > 0) else {
        return NO_LINE;
    };
    let Some(income) = per_person else {
        return UNKNOWN;
    };
    let at = ENDS.iter().position(|end| i128::from(income) * 1000 < i128::from(*end) * i128::from(line));
    at.and_then(|at| i64::try_from(at).ok()).unwrap_or(LAST)
}

/// Whether a band lies below the line.
pub fn is_below(band: i64) -> bool {
    (0..FIRST_ABOVE).contains(&band)
}

/// Whether a band lies at or above the line.
pub fn is_above(band: i64) -> bool {
    (FIRST_ABOVE..=LAST).contains(&band)
}

/// Which households a list shows: bounds of both bands, and whether only those that lost or spent something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pick {
    /// Bands by the estimate, both included.
    pub now: (i64, i64),
    /// Bands by last year's income, both included.
    pub base: (i64, i64),
    /// Least sum of loss and spending, fen.
    pub least: i64,
}

const ANY: (i64, i64) = (0, NO_LINE);

/// Which list: of a band by the estimate or by last year, or one of the lists by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Below the line by the estimate.
    Below,
    /// Above the line by last year's income and below it by the estimate.
    Fell,
    /// With a loss or spending.
    Affected,
    /// Every household that is estimated.
    All,
    /// A band by the estimate.
    Now(i64),
    /// A band by last year's income.
    Base(i64),
}

impl Which {
    /// The lists that have a tab.
    pub const NAMED: [Self; 4] = [Self::Below, Self::Fell, Self::Affected, Self::All];

    /// As in an address: `below`, `now3`, `base0`.
    pub fn name(self) -> String {
        match self {
            Self::Below => "below".to_owned(),
            Self::Fell => "fell".to_owned(),
            Self::Affected => "affected".to_owned(),
            Self::All => "all".to_owned(),
            Self::Now(band) => format!("now{band}"),
            Self::Base(band) => format!("base{band}"),
        }
    }

    /// The list of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        let band = |text: &str| text.parse::<i64>().ok().filter(|band| (0..=NO_LINE).contains(band));
        Self::NAMED
            .into_iter()
            .find(|which| which.name() == name)
            .or_else(|| name.strip_prefix("now").and_then(band).map(Self::Now))
            .or_else(|| name.strip_prefix("base").and_then(band).map(Self::Base))
    }

    /// What it picks.
    pub fn pick(self) -> Pick {
        let below = (0, FIRST_ABOVE - 1);
        match self {
            Self::Below => Pick { now: below, base: ANY, least: 0 },
            Self::Fell => Pick { now: below, base: (FIRST_ABOVE, LAST), least: 0 },
            Self::Affected => Pick { now: ANY, base: ANY, least: 1 },
            Self::All => Pick { now: ANY, base: ANY, least: 0 },
            Self::Now(band) => Pick { now: (band, band), base: ANY, least: 0 },
            Self::Base(band) => Pick { now: ANY, base: (band, band), least: 0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_line_itself_is_not_below_the_line() {
        let line = Some(500_000);
        assert!(is_below(band(Some(499_999), line)) && is_above(band(Some(500_000), line)));
        assert_eq!([band(Some(-1), line), band(Some(249_999), line), band(Some(250_000), line)], [0, 0, 1]);
        assert_eq!([band(Some(1_499_999), line), band(Some(1_500_000), line)], [6, 7]);
        assert_eq!([band(None, line), band(Some(1), None), band(None, None)], [UNKNOWN, NO_LINE, NO_LINE]);
        for which in Which::NAMED.into_iter().chain([Which::Now(3), Which::Base(8)]) {
            assert_eq!(Which::from_name(&which.name()), Some(which));
        }
        assert_eq!(Which::from_name("now10"), None);
    }

    proptest! {
        #[test]
        fn more_income_is_never_a_lower_band(a in -9_000_000_i64..90_000_000, more in 0_i64..9_000_000, line in 1_i64..9_000_000) {
            prop_assert!(band(Some(a), Some(line)) <= band(Some(a + more), Some(line)));
            prop_assert_eq!(is_below(band(Some(a), Some(line))), a < line);
        }
    }
}
