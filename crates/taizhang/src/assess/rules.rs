//! The evaluator: one household and the tiers in, conclusions out. Pure: the same input gives the same conclusions in
//! the same order, whichever database it came from and whether the run was for everybody or for one household.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::model::{Conclusion, EndReason, Evidence, HouseholdView, SignalView, Tier};
use super::profile::{Condition, Profile, Relation, Rule, Subject, ValueTest};

/// Tiers other than low by county, each with its first day.
pub type TierMap = BTreeMap<String, (Tier, String)>;

/// Everything that the profile's rules conclude about a household, ordered by key.
pub fn evaluate(profile: &Profile, tiers: &TierMap, view: &HouseholdView) -> Vec<Conclusion> {
    let mut out = Vec::new();
    for rule in &profile.rules {
        match rule.subject {
            Subject::Household => {
                let evidence = household_evidence(rule, view);
                out.extend(conclude(rule, view, None, evidence));
            }
            Subject::Person => {
                for person in &view.persons {
                    let evidence = match &rule.when {
                        Condition::WorkTier(wanted) => work_evidence(wanted, tiers, person.id, &person.work_county),
                        Condition::Signals { .. } => carrier_evidence(
                            rule,
                            Some(person.id),
                            view.signals.iter().filter(|signal| signal.person_id == Some(person.id)),
                        ),
                    };
                    out.extend(conclude(rule, view, Some(person.id), evidence));
                }
            }
        }
    }
    out.sort_by(|a, b| a.key.cmp(&b.key));
    out
}

/// The key of a conclusion.
pub fn key(rule_id: &str, subject: Subject, id: Uuid) -> String {
    format!("{rule_id}|{}|{id}", subject.name())
}

fn conclude(
    rule: &Rule,
    view: &HouseholdView,
    person: Option<Uuid>,
    mut evidence: Vec<Evidence>,
) -> Option<Conclusion> {
    if evidence.is_empty() {
        return None;
    }
    evidence.sort();
    evidence.dedup();
    let since = evidence
        .iter()
        .map(|entry| match entry {
            Evidence::Signal { fact_date, .. } => fact_date.as_str(),
            Evidence::WorkTier { since, .. } => since.as_str(),
        })
        .filter(|day| !day.is_empty())
        .min()
        .unwrap_or_default()
        .to_owned();
    Some(Conclusion {
        key: key(&rule.id, rule.subject, person.unwrap_or(view.id)),
        rule_id: rule.id.clone(),
        subject: rule.subject,
        household_id: view.id,
        person_id: person,
        division_code: view.division_code.clone(),
        level: rule.level,
        since,
        evidence,
    })
}

fn household_evidence(rule: &Rule, view: &HouseholdView) -> Vec<Evidence> {
    let Condition::Signals { relation, .. } = &rule.when else {
        return Vec::new();
    };
    match relation {
        Relation::Itself => carrier_evidence(rule, None, view.signals.iter()),
        Relation::HouseholdMember => view
            .persons
            .iter()
            .flat_map(|person| {
                let own = view.signals.iter().filter(|signal| signal.person_id == Some(person.id));
                carrier_evidence(rule, Some(person.id), own)
            })
            .collect(),
        Relation::Helper => servants(rule, &view.helpers),
        Relation::TeamMember => servants(rule, &view.team),
    }
}

fn servants(rule: &Rule, all: &[super::model::ServantView]) -> Vec<Evidence> {
    all.iter().flat_map(|servant| carrier_evidence(rule, Some(servant.id), servant.signals.iter())).collect()
}

/// What of one carrier's signals satisfies the rule; nothing where the rule does not hold for them.
fn carrier_evidence<'a>(
    rule: &Rule,
    carrier: Option<Uuid>,
    signals: impl Iterator<Item = &'a SignalView>,
) -> Vec<Evidence> {
    let Condition::Signals { relation, any, none, value } = &rule.when else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for signal in signals.filter(|signal| signal.is_active()) {
        if none.contains(&signal.kind) {
            return Vec::new();
        }
        if !any.contains(&signal.kind) || !value.as_ref().is_none_or(|test| holds(test, &signal.value)) {
            continue;
        }
        out.push(Evidence::Signal {
            kind: signal.kind.clone(),
            fact_date: signal.fact_date.clone(),
            relation: relation.name().to_owned(),
            carrier: carrier.or(signal.person_id),
            value: value.as_ref().and_then(|test| shown(signal.value.get(&test.field))),
            source: signal.source.clone(),
            row_key: signal.row_key.clone(),
        });
    }
    out
}

fn holds(test: &ValueTest, value: &serde_json::Value) -> bool {
    let Some(found) = value.get(&test.field) else {
        return false;
    };
    match test.at_least {
        Some(least) => found.as_f64().is_some_and(|number| number >= least),
        None => found.as_str().is_some_and(|text| test.one_of.iter().any(|one| one == text)),
    }
}

/// A value as evidence and pages show it.
pub(super) fn shown(value: Option<&serde_json::Value>) -> Option<String> {
    match value? {
        serde_json::Value::String(text) => Some(text.clone()),
        // 23100 and 23100.0 are one amount, whichever way a list writes it.
        serde_json::Value::Number(number) => number.as_f64().map(|n| n.to_string()),
        _ => None,
    }
}

fn work_evidence(wanted: &[Tier], tiers: &TierMap, person: Uuid, county: &str) -> Vec<Evidence> {
    let county = county.get(..6).unwrap_or_default();
    match tiers.get(county) {
        Some((tier, since)) if wanted.contains(tier) => {
            vec![Evidence::WorkTier { county: county.to_owned(), tier: *tier, since: since.clone(), carrier: person }]
        }
        _ => Vec::new(),
    }
}

/// What of the evidence of a rule that held already is a new shock and not the same one told again: somebody who was not
/// concerned before; a later bill, grade or loss of work of somebody who was; work in another county. A card revised, or
/// a second card of the same infection, is the same shock.
pub fn news(before: &[Evidence], now: &[Evidence]) -> Vec<Evidence> {
    let carrier = |entry: &Evidence| match entry {
        Evidence::Signal { carrier, .. } => *carrier,
        Evidence::WorkTier { carrier, .. } => Some(*carrier),
    };
    let is_new = |entry: &&Evidence| {
        let mut own = before.iter().filter(|b| carrier(b) == carrier(entry)).peekable();
        if own.peek().is_none() {
            return true;
        }
        match entry {
            Evidence::Signal { kind, .. } if kind.starts_with("epidemic.") => false,
            Evidence::Signal { fact_date, source, row_key, .. } => own.all(|b| match b {
                Evidence::Signal { fact_date: day, source: list, row_key: row, .. } => {
                    (list, row) != (source, row_key) && day < fact_date
                }
                Evidence::WorkTier { .. } => true,
            }),
            Evidence::WorkTier { county, .. } => {
                own.all(|b| !matches!(b, Evidence::WorkTier { county: c, .. } if c == county))
            }
        }
    };
    now.iter().filter(is_new).cloned().collect()
}

/// Why a finding that rested on `evidence` no longer holds, judged by the present state of its signals.
pub fn end_reason(profile: &Profile, rule_id: &str, evidence: &[Evidence], signals: &[&SignalView]) -> EndReason {
    if profile.rule(rule_id).is_none() {
        return EndReason::RuleGone;
    }
    let mut withdrawn = None;
    let mut superseded = None;
    let mut standing = false;
    for entry in evidence {
        let Evidence::Signal { kind: wanted, source: list, row_key: row, .. } = entry else {
            standing = true;
            continue;
        };
        let newest = signals
            .iter()
            .filter(|s| s.kind == *wanted && s.source == *list && s.row_key == *row)
            .max_by(|a, b| (a.version, a.is_active(), &a.state).cmp(&(b.version, b.is_active(), &b.state)));
        match newest {
            Some(s) if s.state == "withdrawn" => {
                withdrawn.get_or_insert((wanted.clone(), s.state_reason.clone()));
            }
            Some(s) if s.state == "superseded" => {
                superseded.get_or_insert((wanted.clone(), s.state_reason.clone()));
            }
            _ => standing = true,
        }
    }
    match (standing, superseded, withdrawn) {
        (false, None, Some((kind, reason))) => EndReason::Withdrawn { kind, reason },
        (false, Some((kind, reason)), _) => EndReason::Superseded { kind, reason },
        _ => EndReason::Changed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::model::{PersonView, ServantView};
    use crate::assess::profile::{BUILT_IN, BUILT_IN_FILE, parse};
    use proptest::prelude::*;

    fn profile() -> Profile {
        parse(BUILT_IN_FILE, BUILT_IN).unwrap()
    }

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn signal(kind: &str, person: Option<u128>, value: serde_json::Value) -> SignalView {
        SignalView {
            kind: kind.to_owned(),
            person_id: person.map(id),
            fact_date: "2020-02-10".to_owned(),
            value,
            source: "health.cases".to_owned(),
            row_key: format!("{kind}-{person:?}"),
            version: 1,
            state: "active".to_owned(),
            state_reason: String::new(),
        }
    }

    fn view(signals: Vec<SignalView>) -> HouseholdView {
        HouseholdView {
            id: id(1),
            division_code: "990101001001".to_owned(),
            persons: vec![
                PersonView { id: id(11), work_county: "990202".to_owned() },
                PersonView { id: id(12), work_county: String::new() },
            ],
            signals,
            helpers: Vec::new(),
            team: Vec::new(),
        }
    }

    fn rules_of(view: &HouseholdView, tiers: &TierMap) -> Vec<String> {
        evaluate(&profile(), tiers, view).into_iter().map(|c| c.rule_id).collect()
    }

    fn none() -> serde_json::Value {
        serde_json::json!({})
    }

    #[test]
    fn a_case_touches_the_person_and_the_household() {
        let v = view(vec![signal("epidemic.confirmed", Some(11), none())]);
        assert_eq!(rules_of(&v, &TierMap::new()), ["E01", "E07"]);
    }

    #[test]
    fn a_cured_case_asks_for_a_visit_and_not_for_treatment() {
        let v = view(vec![signal("epidemic.confirmed", Some(11), none()), signal("epidemic.cured", Some(11), none())]);
        assert_eq!(rules_of(&v, &TierMap::new()), ["E05"]);
        let two = view(vec![
            signal("epidemic.confirmed", Some(11), none()),
            signal("epidemic.cured", Some(11), none()),
            signal("epidemic.confirmed", Some(12), none()),
        ]);
        assert_eq!(rules_of(&two, &TierMap::new()), ["E01", "E05", "E07"], "one cure does not end another's case");
    }

    #[test]
    fn thresholds_and_grades() {
        for (amount, rules) in [(4999.99, 0), (5000.0, 1), (23100.0, 1)] {
            let v = view(vec![signal("medical.self_pay", Some(11), serde_json::json!({ "amount": amount }))]);
            assert_eq!(rules_of(&v, &TierMap::new()).len(), rules, "{amount}");
        }
        for (grade, rules) in [("A", 0), ("B", 0), ("C", 1), ("D", 1)] {
            let v = view(vec![signal("housing.dangerous", None, serde_json::json!({ "grade": grade }))]);
            assert_eq!(rules_of(&v, &TierMap::new()).len(), rules, "{grade}");
        }
        let v = view(vec![signal("medical.self_pay", Some(11), none())]);
        assert!(rules_of(&v, &TierMap::new()).is_empty(), "no amount is no amount above the line");
    }

    #[test]
    fn work_in_a_high_county_counts_and_in_a_medium_one_does_not() {
        let tier = |tier| TierMap::from([("990202".to_owned(), (tier, "2020-02-08".to_owned()))]);
        let high = evaluate(&profile(), &tier(Tier::High), &view(Vec::new()));
        assert_eq!(high.len(), 1);
        assert_eq!(
            (high[0].rule_id.as_str(), high[0].person_id, high[0].since.as_str()),
            ("E08", Some(id(11)), "2020-02-08")
        );
        assert!(evaluate(&profile(), &tier(Tier::Medium), &view(Vec::new())).is_empty());
    }

    #[test]
    fn helper_and_team_touch_the_household() {
        let mut v = view(Vec::new());
        v.helpers = vec![ServantView { id: id(21), signals: vec![signal("epidemic.close_contact", None, none())] }];
        v.team = vec![ServantView { id: id(22), signals: vec![signal("epidemic.confirmed", None, none())] }];
        assert_eq!(rules_of(&v, &TierMap::new()), ["E09", "E10"]);
    }

    #[test]
    fn signals_no_longer_in_force_say_nothing() {
        let mut gone = signal("epidemic.confirmed", Some(11), none());
        gone.state = "withdrawn".to_owned();
        assert!(rules_of(&view(vec![gone]), &TierMap::new()).is_empty());
    }

    #[test]
    fn the_reason_of_an_end_is_read_from_the_signals() {
        let p = profile();
        let v = view(vec![signal("epidemic.confirmed", Some(11), none())]);
        let evidence = evaluate(&p, &TierMap::new(), &v).remove(0).evidence;
        let mut after = v.signals.clone();
        assert_eq!(end_reason(&p, "E01", &evidence, &after.iter().collect::<Vec<_>>()), EndReason::Changed);
        after[0].state = "withdrawn".to_owned();
        after[0].state_reason = "excluded".to_owned();
        assert_eq!(
            end_reason(&p, "E01", &evidence, &after.iter().collect::<Vec<_>>()),
            EndReason::Withdrawn { kind: "epidemic.confirmed".to_owned(), reason: "excluded".to_owned() }
        );
        after[0].state = "superseded".to_owned();
        assert!(matches!(
            end_reason(&p, "E01", &evidence, &after.iter().collect::<Vec<_>>()),
            EndReason::Superseded { .. }
        ));
        assert_eq!(end_reason(&p, "X99", &evidence, &[]), EndReason::RuleGone);
    }

    #[test]
    fn news_is_who_or_what_was_not_there_before() {
        let entry = |kind: &str, who: u128, day: &str, row: &str| Evidence::Signal {
            kind: kind.to_owned(),
            fact_date: day.to_owned(),
            relation: "household_member".to_owned(),
            carrier: Some(id(who)),
            value: None,
            source: "list".to_owned(),
            row_key: row.to_owned(),
        };
        let sick = entry("epidemic.suspected", 1, "2020-02-01", "K1");
        let surer = entry("epidemic.confirmed", 1, "2020-02-05", "K1");
        let twice = entry("epidemic.confirmed", 1, "2020-02-06", "K9");
        let second = entry("epidemic.confirmed", 2, "2020-02-07", "K2");
        assert!(news(std::slice::from_ref(&sick), &[surer.clone(), twice]).is_empty());
        assert_eq!(news(&[sick], &[surer, second.clone()]), [second]);
        let bill = entry("medical.self_pay", 1, "2020-02-01", "B1");
        let corrected = entry("medical.self_pay", 1, "2020-02-03", "B1");
        let earlier = entry("medical.self_pay", 1, "2020-01-01", "B0");
        let later = entry("medical.self_pay", 1, "2020-03-01", "B2");
        assert!(news(std::slice::from_ref(&bill), &[corrected, earlier]).is_empty());
        assert_eq!(news(std::slice::from_ref(&bill), &[bill.clone(), later.clone()]), [later]);
        let work = |county: &str| Evidence::WorkTier {
            county: county.to_owned(),
            tier: Tier::High,
            since: String::new(),
            carrier: id(1),
        };
        assert!(news(&[work("990101")], &[work("990101")]).is_empty());
        assert_eq!(news(&[work("990101")], &[work("990202")]).len(), 1);
    }

    proptest! {
        #[test]
        fn the_order_of_the_input_does_not_matter(picks in proptest::collection::vec((0usize..10, 11u128..13, 0i64..9000), 0..12), seed in 0usize..12) {
            let mut signals: Vec<SignalView> = picks
                .iter()
                .map(|(kind, person, amount)| {
                    let mut s = signal(crate::assess::model::SIGNAL_KINDS[*kind], Some(*person), serde_json::json!({ "amount": amount, "grade": "D" }));
                    s.row_key = format!("{amount}");
                    s
                })
                .collect();
            let p = profile();
            let a = evaluate(&p, &TierMap::new(), &view(signals.clone()));
            let n = signals.len().max(1);
            signals.rotate_left(seed % n);
            signals.reverse();
            let mut turned = view(signals);
            turned.persons.reverse();
            let b = evaluate(&p, &TierMap::new(), &turned);
            prop_assert_eq!(serde_json::to_string(&a).unwrap(), serde_json::to_string(&b).unwrap());
            let mut keys: Vec<&str> = a.iter().map(|c| c.key.as_str()).collect();
            keys.dedup();
            prop_assert_eq!(keys.len(), a.len());
        }
    }
}
