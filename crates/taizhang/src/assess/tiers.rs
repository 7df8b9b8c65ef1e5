//! County tiers (县级疫情风险等级): the published algorithm over the cases of one county, pure.
//!
//! 低 is asked first: no confirmed case ever, or none new within the window; 高: cumulative above the threshold and a
//! cluster within the window; 中: everything else (joint prevention and control mechanism, February 2020).

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::model::Tier;
use super::profile::TierPolicy;

/// How many cases a county had on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayCount {
    /// Newly confirmed.
    pub cases: i64,
    /// Of these, in a cluster (聚集性疫情).
    pub clustered: i64,
}

/// The cases of one county by day. A case without a day counts to date and is never new.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CountyCases {
    /// By day of diagnosis.
    pub days: BTreeMap<NaiveDate, DayCount>,
    /// Without a day.
    pub undated: i64,
}

/// What the algorithm says of a county on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountyTier {
    /// The tier.
    pub tier: Tier,
    /// Confirmed to date.
    pub cumulative: i64,
    /// Newly confirmed within the window.
    pub recent: i64,
    /// Whether a cluster lies within the window.
    pub cluster: bool,
}

/// The tier of a county on `day`. The window is the `window_days` days that end with `day`: fourteen whole days without
/// a new case make a county low on the fourteenth day after its last one.
pub fn tier(cases: &CountyCases, day: NaiveDate, policy: &TierPolicy) -> CountyTier {
    let window = u64::try_from(policy.window_days).unwrap_or(0);
    // A window that reaches before the calendar holds every day up to `day`.
    let outside = day.checked_sub_days(Days::new(window)).unwrap_or(NaiveDate::MIN);
    let mut out = CountyTier { tier: Tier::Medium, cumulative: cases.undated, recent: 0, cluster: false };
    for (date, count) in cases.days.range(..=day) {
        out.cumulative += count.cases;
        if *date > outside {
            out.recent += count.cases;
            out.cluster |= count.clustered > 0;
        }
    }
    if out.recent == 0 {
        out.tier = Tier::Low;
    } else if out.cumulative > policy.threshold && out.cluster {
        out.tier = Tier::High;
    }
    out
}

/// The first day of the tier that a county has on `day`: computed from the cases alone, so that it does not depend on
/// which days somebody happened to ask. None where it has had the tier since before its first case.
pub fn tier_since(cases: &CountyCases, day: NaiveDate, policy: &TierPolicy) -> Option<NaiveDate> {
    let now = tier(cases, day, policy).tier;
    let first = *cases.days.keys().next()?;
    let mut since = day;
    while since > first {
        let before = since.pred_opt()?;
        if tier(cases, before, policy).tier != now {
            return Some(since);
        }
        since = before;
    }
    (since == first && now != Tier::Low).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn policy() -> TierPolicy {
        TierPolicy {
            case_kinds: Vec::new(),
            window_days: 14,
            threshold: 50,
            names: BTreeMap::new(),
            modes: BTreeMap::new(),
        }
    }

    fn day(d: u64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2020, 2, 1).unwrap() + Days::new(d - 1)
    }

    fn county(days: &[(u64, i64, i64)]) -> CountyCases {
        CountyCases {
            days: days
                .iter()
                .map(|(d, cases, clustered)| (day(*d), DayCount { cases: *cases, clustered: *clustered }))
                .collect(),
            undated: 0,
        }
    }

    fn at(cases: &CountyCases, d: u64) -> Tier {
        tier(cases, day(d), &policy()).tier
    }

    #[test]
    fn a_county_without_cases_is_low() {
        assert_eq!(at(&county(&[]), 10), Tier::Low);
        let undated = CountyCases { undated: 80, ..CountyCases::default() };
        let found = tier(&undated, day(10), &policy());
        assert_eq!((found.tier, found.cumulative), (Tier::Low, 80));
    }

    #[test]
    fn exactly_the_threshold_is_not_above_it() {
        assert_eq!(at(&county(&[(1, 50, 3)]), 1), Tier::Medium);
        assert_eq!(at(&county(&[(1, 51, 3)]), 1), Tier::High);
    }

    #[test]
    fn many_cases_without_a_cluster_are_medium() {
        assert_eq!(at(&county(&[(1, 500, 0)]), 2), Tier::Medium);
    }

    #[test]
    fn a_case_is_new_for_fourteen_days_and_not_for_fifteen() {
        let one = county(&[(1, 1, 0)]);
        assert_eq!(at(&one, 14), Tier::Medium);
        assert_eq!(at(&one, 15), Tier::Low);
    }

    #[test]
    fn the_cluster_must_lie_in_the_window_itself() {
        let faded = county(&[(1, 60, 5), (14, 1, 0)]);
        assert_eq!(at(&faded, 14), Tier::High);
        assert_eq!(at(&faded, 15), Tier::Medium);
    }

    #[test]
    fn low_is_asked_before_high() {
        assert_eq!(at(&county(&[(1, 900, 90)]), 15), Tier::Low);
    }

    #[test]
    fn cases_of_later_days_do_not_count() {
        assert_eq!(at(&county(&[(20, 100, 10)]), 10), Tier::Low);
    }

    #[test]
    fn a_tier_knows_its_first_day() {
        let c = county(&[(1, 30, 0), (5, 30, 2)]);
        assert_eq!(tier_since(&c, day(10), &policy()), Some(day(5)));
        assert_eq!(tier_since(&c, day(4), &policy()), Some(day(1)));
        assert_eq!(tier_since(&c, day(30), &policy()), Some(day(19)));
        assert_eq!(tier_since(&county(&[]), day(30), &policy()), None);
    }

    proptest! {
        #[test]
        fn the_three_tiers_follow_their_words(days in proptest::collection::vec((1u64..40, 0i64..40, 0i64..2), 0..12), d in 1u64..60) {
            let mut cases = CountyCases::default();
            for (on, n, c) in &days {
                let entry = cases.days.entry(day(*on)).or_default();
                entry.cases += n;
                entry.clustered += (*c).min(*n);
            }
            let found = tier(&cases, day(d), &policy());
            let new = days.iter().filter(|(on, ..)| *on <= d && on + 14 > d).map(|(_, n, _)| n).sum::<i64>();
            let all = days.iter().filter(|(on, ..)| *on <= d).map(|(_, n, _)| n).sum::<i64>();
            let cluster = days.iter().any(|(on, n, c)| *on <= d && on + 14 > d && (*c).min(*n) > 0);
            let expected = if new == 0 { Tier::Low } else if all > 50 && cluster { Tier::High } else { Tier::Medium };
            prop_assert_eq!(found.tier, expected);
            prop_assert_eq!((found.cumulative, found.recent, found.cluster), (all, new, cluster));
        }
    }
}
