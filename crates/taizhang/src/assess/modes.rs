//! The work mode that a county's tier demands (分类施策): remote work while it is high, catching up once it has fallen. Pure:
//! from the cases of one county and the policy, so that the history does not hang on which days somebody asked.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use serde::Serialize;

use super::model::Tier;
use super::profile::{TierPolicy, Words};
use super::tiers::{self, CountyCases};

/// What the mode is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ModeKind {
    /// 工作不断、力度不减、责任不松, at a distance.
    Remote,
    /// 把耽误的时间补回来，把落后的进度补起来.
    CatchUp,
    /// As always.
    Normal,
}

impl ModeKind {
    /// Every kind with its name in a profile.
    pub const ALL: [(&'static str, Self); 3] =
        [("remote", Self::Remote), ("catch_up", Self::CatchUp), ("normal", Self::Normal)];

    /// The name in a profile and in texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Remote => "remote",
            Self::CatchUp => "catch_up",
            Self::Normal => "normal",
        }
    }
}

/// Channels through which a household may be reached, as visits and profiles name them.
pub const CHANNELS: [&str; 5] = ["on_site", "phone", "wechat", "video", "electronic"];

/// Which work counts as delayed by the time of remote work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Delayed {
    /// What was due within that time and was not done by its end.
    Due,
    /// Whatever was open at its end.
    Open,
}

impl Delayed {
    /// Both with their names in a profile.
    pub const ALL: [(&'static str, Self); 2] = [("due", Self::Due), ("open", Self::Open)];
}

/// What work is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Items of the ledgers.
    Items,
}

impl Counted {
    /// Every sort with its name in a profile.
    pub const ALL: [(&'static str, Self); 1] = [("items", Self::Items)];

    /// The name in a profile and in texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Items => "items",
        }
    }
}

/// How the delay is to be made good.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CatchUp {
    /// Which work counts as delayed.
    pub delayed: Delayed,
    /// What it is counted from.
    pub counts: Vec<Counted>,
    /// How much of it is to be done, percent.
    pub target_percent: i64,
    /// Within how many days after the tier fell.
    pub within_days: i64,
    /// Where it comes from.
    pub source: String,
}

/// The work mode of a tier.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkMode {
    /// What it is called.
    pub title: Words,
    /// What it is about.
    pub kind: ModeKind,
    /// Whether visits are made by call.
    pub visits_by_call: bool,
    /// Whether meetings are held remotely.
    pub meetings_remote: bool,
    /// Channels that count as having reached a household.
    pub channels: Vec<String>,
    /// The plan to catch up, of the kind that has one.
    pub catch_up: Option<CatchUp>,
    /// Where it comes from.
    pub source: String,
}

/// A time with one tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Spell {
    /// The tier.
    pub tier: Tier,
    /// First day; none for the time before the first case.
    pub from: Option<NaiveDate>,
    /// Last day; none for the time that has not ended.
    pub to: Option<NaiveDate>,
    /// Confirmed to date on its first day.
    pub cumulative: i64,
    /// New within the window on its first day.
    pub recent: i64,
    /// Whether a cluster lay within the window on its first day.
    pub cluster: bool,
}

/// Every time with one tier up to `day`, the oldest first: from the cases as they are known now.
pub fn spells(cases: &CountyCases, day: NaiveDate, policy: &TierPolicy) -> Vec<Spell> {
    let window = Days::new(u64::try_from(policy.window_days).unwrap_or(0));
    // A tier changes on a day with a case or on the day that one leaves the window: on no other.
    let days: BTreeSet<NaiveDate> = cases
        .days
        .keys()
        .flat_map(|of| [Some(*of), of.checked_add_days(window)])
        .flatten()
        .filter(|of| *of <= day)
        .collect();
    let first = days.first().and_then(|first| first.pred_opt()).unwrap_or(day).min(day);
    let mut out: Vec<Spell> = Vec::new();
    for at in std::iter::once(first).chain(days) {
        let found = tiers::tier(cases, at, policy);
        let (from, last) = match out.last_mut() {
            None => (None, None),
            Some(last) if last.tier == found.tier => continue,
            Some(last) => (Some(at), Some(last)),
        };
        if let Some(last) = last {
            last.to = at.pred_opt();
        }
        let (tier, cumulative, recent, cluster) = (found.tier, found.cumulative, found.recent, found.cluster);
        out.push(Spell { tier, from, to: None, cumulative, recent, cluster });
    }
    out
}

/// The plan to catch up of a county on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// First day of the remote work; none where it has no beginning.
    pub remote_from: Option<NaiveDate>,
    /// First day after it: work counts as made good from here on.
    pub begins: NaiveDate,
    /// Last day to make it good.
    pub by: NaiveDate,
    /// Whether that day has passed.
    pub over: bool,
}

/// The plan that a county is under: its last time of remote work has ended, and the mode now is one of catching up.
pub fn plan(modes: &BTreeMap<String, WorkMode>, spells: &[Spell], day: NaiveDate) -> Option<Plan> {
    let kind = |spell: &Spell| modes.get(spell.tier.name()).map(|mode| mode.kind);
    let now = modes.get(spells.last()?.tier.name())?;
    let within = now.catch_up.as_ref()?.within_days;
    let last = spells.iter().rposition(|spell| kind(spell) == Some(ModeKind::Remote))?;
    let mut first = last;
    while first > 0 && spells.get(first - 1).and_then(kind) == Some(ModeKind::Remote) {
        first -= 1;
    }
    let begins = spells.get(last)?.to?.succ_opt()?;
    let by = begins.checked_add_days(Days::new(u64::try_from(within).unwrap_or(0)))?.pred_opt()?;
    Some(Plan { remote_from: spells.get(first)?.from, begins, by, over: day > by })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::profile;
    use crate::assess::tiers::DayCount;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static POLICY: LazyLock<TierPolicy> =
        LazyLock::new(|| profile::parse("built in", profile::BUILT_IN).unwrap().tiers);

    fn day(d: u64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2020, 1, 1).unwrap() + Days::new(d)
    }

    fn county(days: &[(u64, i64, i64)]) -> CountyCases {
        let days =
            days.iter().map(|(d, cases, clustered)| (day(*d), DayCount { cases: *cases, clustered: *clustered }));
        CountyCases { days: days.collect(), undated: 0 }
    }

    #[test]
    fn a_county_goes_up_and_comes_down() {
        let cases = county(&[(10, 30, 2), (15, 30, 0)]);
        let found = spells(&cases, day(60), &POLICY);
        let told: Vec<(Tier, Option<NaiveDate>, Option<NaiveDate>)> =
            found.iter().map(|spell| (spell.tier, spell.from, spell.to)).collect();
        assert_eq!(
            told,
            [
                (Tier::Low, None, Some(day(9))),
                (Tier::Medium, Some(day(10)), Some(day(14))),
                (Tier::High, Some(day(15)), Some(day(23))),
                (Tier::Medium, Some(day(24)), Some(day(28))),
                (Tier::Low, Some(day(29)), None),
            ]
        );
        assert_eq!((found[2].cumulative, found[2].recent, found[2].cluster), (60, 60, true));
        let modes = &POLICY.modes;
        let plan = |d: u64| super::plan(modes, &spells(&cases, day(d), &POLICY), day(d));
        assert_eq!(plan(20), None, "still remote");
        let now = plan(30).unwrap();
        assert_eq!((now.remote_from, now.begins, now.over), (Some(day(15)), day(24), false));
        let within = modes["low"].catch_up.as_ref().unwrap().within_days.unsigned_abs();
        assert_eq!(now.by, day(23 + within));
        assert!(plan(24 + within).unwrap().over);
        assert_eq!(super::plan(modes, &spells(&county(&[(1, 3, 0)]), day(40), &POLICY), day(40)), None);
    }

    #[test]
    fn a_county_without_cases_has_always_been_low() {
        let found = spells(&CountyCases::default(), day(5), &POLICY);
        assert_eq!((found.len(), found[0].tier, found[0].from, found[0].to), (1, Tier::Low, None, None));
    }

    proptest! {
        #[test]
        fn every_day_lies_in_the_time_of_its_tier(days in proptest::collection::vec((1_u64..70, 0_i64..40, 0_i64..2), 0..12), until in 1_u64..100) {
            let mut cases = CountyCases::default();
            for (on, n, c) in &days {
                let entry = cases.days.entry(day(*on)).or_default();
                entry.cases += n;
                entry.clustered += (*c).min(*n);
            }
            let found = spells(&cases, day(until), &POLICY);
            for at in 0..=until {
                let at = day(at);
                let inside: Vec<&Spell> = found
                    .iter()
                    .filter(|s| s.from.is_none_or(|from| from <= at) && s.to.is_none_or(|to| at <= to))
                    .collect();
                prop_assert_eq!(inside.len(), 1);
                prop_assert_eq!(inside[0].tier, tiers::tier(&cases, at, &POLICY).tier);
            }
            prop_assert!(found.windows(2).all(|pair| pair[0].tier != pair[1].tier));
        }
    }
}
