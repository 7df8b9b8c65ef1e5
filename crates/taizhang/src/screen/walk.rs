//! What stands after all visits of a household, whatever order they came in: visits are walked by their day, and those of
//! one day by their id, which carries the time at which it was made.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde_json::{Value, json};
use uuid::Uuid;

use super::judge::{NOT_ASKED, pupils};
use super::model::{Answers, Channel, Judged, Member, Results};
use crate::assess::profile::checks::{CLINIC, Checks, Indicator, Outcome};

/// A visit as the walk needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Which.
    pub id: Uuid,
    /// When.
    pub on: NaiveDate,
    /// How.
    pub channel: Channel,
    /// Whether it takes over what stood before.
    pub unchanged: bool,
    /// What its checks came to.
    pub results: Results,
    /// What was seen.
    pub answers: Answers,
    /// Who.
    pub by_name: String,
    /// In which role.
    pub by_role: String,
}

/// Where an indicator stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The outcome.
    pub judged: Judged,
    /// First day of the visits that all said so.
    pub since: NaiveDate,
    /// Day of the newest check.
    pub on: NaiveDate,
    /// Who made it.
    pub by_name: String,
    /// In which role.
    pub by_role: String,
    /// The visit whose answers stand.
    pub visit: Uuid,
}

/// What a signal is about: its kind, and the person where it is about one.
pub type Key = (&'static str, Option<Uuid>);

/// A fact that visits state.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// The outcome.
    pub outcome: Outcome,
    /// The value of its signal.
    pub value: Value,
    /// First day of the visits that all said so.
    pub since: NaiveDate,
    /// Whether any visit ever found it short or in doubt: what was always met needs no signal.
    pub ever_bad: bool,
    /// The visit that said it last.
    pub visit: Uuid,
}

/// Where a household stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Standing {
    /// Last day by channel.
    pub last: BTreeMap<Channel, NaiveDate>,
    /// Number of visits.
    pub visits: i64,
    /// Each indicator that was ever checked.
    pub checks: BTreeMap<Indicator, Held>,
    /// Every fact in force.
    pub facts: BTreeMap<Key, Fact>,
    /// Facts that a later visit no longer asks about: a child that is out of school age.
    pub lapsed: BTreeSet<Key>,
    /// The newest answers of every indicator, put together.
    pub answers: Answers,
}

impl Standing {
    /// The last visit of any channel.
    pub fn last_on(&self) -> Option<NaiveDate> {
        self.last.values().max().copied()
    }

    /// The oldest day of the newest checks; none while an indicator was never checked.
    pub fn all_on(&self) -> Option<NaiveDate> {
        let days: Vec<NaiveDate> = self.checks.values().map(|held| held.on).collect();
        if days.len() == Indicator::ALL.len() { days.into_iter().min() } else { None }
    }
}

/// The facts of a check with their values.
fn facts(indicator: Indicator, judged: &Judged) -> Vec<(Key, Outcome, Value)> {
    let kind = indicator.signal_kind();
    let plain = |outcome: Outcome| json!({ "result": outcome.name() });
    match indicator {
        Indicator::Schooling => {
            judged.persons.iter().map(|(id, outcome)| ((kind, Some(*id)), *outcome, plain(*outcome))).collect()
        }
        Indicator::Insurance => {
            let people = judged.persons.iter().map(|(id, outcome)| ((kind, Some(*id)), *outcome, plain(*outcome)));
            people.chain(judged.clinic.map(|outcome| ((CLINIC, None), outcome, plain(outcome)))).collect()
        }
        Indicator::Housing => {
            let value = match &judged.grade {
                Some(grade) => json!({ "result": judged.outcome.name(), "grade": grade }),
                None => plain(judged.outcome),
            };
            vec![((kind, None), judged.outcome, value)]
        }
        Indicator::Water if !judged.reasons.is_empty() => {
            let value = json!({ "result": judged.outcome.name(), "below": judged.reasons });
            vec![((kind, None), judged.outcome, value)]
        }
        _ => vec![((kind, None), judged.outcome, plain(judged.outcome))],
    }
}

fn is_of(indicator: Indicator, key: &Key) -> bool {
    key.0 == indicator.signal_kind() || (indicator == Indicator::Insurance && key.0 == CLINIC)
}

/// Walks the visits of a household; they may come in any order.
pub fn walk(visits: &[Seen], members: &[Member], checks: &Checks) -> Standing {
    let mut ordered: Vec<&Seen> = visits.iter().collect();
    ordered.sort_by_key(|seen| (seen.on, seen.id));
    let mut standing = Standing::default();
    for seen in ordered {
        standing.visits += 1;
        standing.last.insert(seen.channel, seen.on);
        if seen.unchanged {
            take_over(&mut standing, seen, members, checks);
        }
        for (indicator, judged) in &seen.results {
            standing.answers.take(&seen.answers, *indicator);
            let since = match standing.checks.get(indicator) {
                Some(held) if held.judged.outcome == judged.outcome => held.since,
                _ => seen.on,
            };
            let held = Held {
                judged: judged.clone(),
                since,
                on: seen.on,
                by_name: seen.by_name.clone(),
                by_role: seen.by_role.clone(),
                visit: seen.id,
            };
            standing.checks.insert(*indicator, held);
            let stated = facts(*indicator, judged);
            let gone: Vec<Key> = standing
                .facts
                .keys()
                .filter(|key| is_of(*indicator, key) && stated.iter().all(|(stated, ..)| stated != *key))
                .copied()
                .collect();
            for key in gone {
                standing.facts.remove(&key);
                standing.lapsed.insert(key);
            }
            for (key, outcome, value) in stated {
                let before = standing.facts.get(&key);
                let since = before.filter(|fact| fact.value == value).map_or(seen.on, |fact| fact.since);
                let ever_bad = before.is_some_and(|fact| fact.ever_bad) || outcome != Outcome::Met;
                standing.lapsed.remove(&key);
                standing.facts.insert(key, Fact { outcome, value, since, ever_bad, visit: seen.id });
            }
        }
    }
    standing
}

/// Nothing changed: what stood before is as of this day. Somebody who has come of school age or joined the household
/// since was not asked about, and that is not passed over.
fn take_over(standing: &mut Standing, seen: &Seen, members: &[Member], checks: &Checks) {
    for (indicator, held) in &mut standing.checks {
        held.on = seen.on;
        held.by_name.clone_from(&seen.by_name);
        held.by_role.clone_from(&seen.by_role);
        let wanted: Vec<Uuid> = match indicator {
            Indicator::Schooling => pupils(&checks.schooling, members, seen.on),
            Indicator::Insurance => members.iter().map(|member| member.id).collect(),
            _ => Vec::new(),
        };
        if wanted.iter().any(|id| !held.judged.persons.contains_key(id)) {
            if held.judged.outcome == Outcome::Met {
                held.judged.outcome = Outcome::Partly;
                held.since = seen.on;
            }
            if !held.judged.reasons.iter().any(|reason| reason == NOT_ASKED) {
                held.judged.reasons.push(NOT_ASKED.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::profile::{BUILT_IN, BUILT_IN_FILE, parse};
    use proptest::prelude::*;

    fn checks() -> Checks {
        parse(BUILT_IN_FILE, BUILT_IN).unwrap().checks.unwrap()
    }

    fn day(n: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2020, 2, n).unwrap()
    }

    fn judged(outcome: Outcome) -> Judged {
        Judged { outcome, reasons: Vec::new(), persons: BTreeMap::new(), clinic: None, grade: None }
    }

    fn visit(n: u128, on: u32, food: Option<Outcome>) -> Seen {
        Seen {
            id: Uuid::from_u128(n),
            on: day(on),
            channel: Channel::OnSite,
            unchanged: food.is_none(),
            results: food.map(|outcome| (Indicator::Food, judged(outcome))).into_iter().collect(),
            answers: Answers::default(),
            by_name: format!("干部{n}"),
            by_role: "helper".to_owned(),
        }
    }

    #[test]
    fn a_late_visit_never_overwrites_a_newer_one() {
        let new = visit(1, 15, Some(Outcome::Met));
        let late = visit(2, 3, Some(Outcome::Short));
        let standing = walk(&[new, late], &[], &checks());
        let held = &standing.checks[&Indicator::Food];
        assert_eq!((held.judged.outcome, held.on, held.visit), (Outcome::Met, day(15), Uuid::from_u128(1)));
        let fact = &standing.facts[&("check.food", None)];
        assert!(fact.ever_bad, "that it was short once is not forgotten");
        assert_eq!((fact.outcome, fact.since), (Outcome::Met, day(15)));
    }

    #[test]
    fn nothing_changed_moves_the_day_and_not_the_beginning() {
        let visits = [visit(1, 3, Some(Outcome::Short)), visit(2, 9, None), visit(3, 12, None)];
        let standing = walk(&visits, &[], &checks());
        let held = &standing.checks[&Indicator::Food];
        assert_eq!((held.since, held.on, held.by_name.as_str()), (day(3), day(12), "干部3"));
        assert_eq!(standing.facts[&("check.food", None)].since, day(3));
        assert_eq!(standing.visits, 3);
        // One that comes before there is anything to take over is a visit and no check.
        assert!(walk(&[visit(4, 2, None)], &[], &checks()).checks.is_empty());
    }

    #[test]
    fn a_child_that_has_come_of_age_is_not_passed_over() {
        let child = Member {
            id: Uuid::from_u128(9),
            name: "小明".to_owned(),
            birth_date: "2013-08-31".to_owned(),
            relation: "之子".to_owned(),
            serious_insured: None,
        };
        let mut first = visit(1, 3, None);
        first.unchanged = false;
        first.results = [(Indicator::Schooling, judged(Outcome::Met))].into_iter().collect();
        let standing = walk(&[first, visit(2, 9, None)], &[child], &checks());
        let held = &standing.checks[&Indicator::Schooling];
        assert_eq!((held.judged.outcome, held.since), (Outcome::Partly, day(9)));
        assert_eq!(held.judged.reasons, [NOT_ASKED]);
    }

    #[test]
    fn a_person_no_longer_asked_about_lapses() {
        let child = Uuid::from_u128(9);
        let with = |n, on, persons: &[(Uuid, Outcome)]| {
            let mut seen = visit(n, on, None);
            seen.unchanged = false;
            let mut one = judged(Outcome::Met);
            one.persons.extend(persons.iter().copied());
            seen.results = [(Indicator::Schooling, one)].into_iter().collect();
            seen
        };
        let visits = [with(1, 3, &[(child, Outcome::Short)]), with(2, 9, &[])];
        let standing = walk(&visits, &[], &checks());
        assert!(standing.facts.is_empty());
        assert!(standing.lapsed.contains(&("check.schooling", Some(child))));
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_says_nothing(
            visits in prop::collection::vec((1_u32..28, 0_usize..4, 0_usize..3), 1..9).prop_flat_map(|all| {
                let made: Vec<Seen> = all.into_iter().enumerate().map(|(n, (on, food, channel))| {
                    let outcome = Outcome::ALL.get(food).copied();
                    Seen { channel: Channel::ALL[channel], ..visit(n as u128 + 1, on, outcome) }
                }).collect();
                (Just(made.clone()), Just(made).prop_shuffle())
            })
        ) {
            let checks = checks();
            let standing = walk(&visits.0, &[], &checks);
            prop_assert_eq!(&walk(&visits.1, &[], &checks), &standing);
            // The newest check is the one that stands.
            let newest = visits.0.iter().filter(|seen| !seen.results.is_empty()).max_by_key(|seen| (seen.on, seen.id));
            if let Some(newest) = newest {
                prop_assert_eq!(standing.checks[&Indicator::Food].visit, newest.id);
            }
        }
    }
}
