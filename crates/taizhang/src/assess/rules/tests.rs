//! The rules over made-up households: by hand, against the interpreter of the `cel` crate, and against the conditions of
//! profiles of before.

use super::*;
use crate::assess::model::SIGNAL_KINDS;
use crate::assess::model::{PersonView, ServantView};
use crate::assess::profile::view::{Fact, Facts, Kind, OfHousehold, Owner, day_number, iso_day};
use crate::assess::profile::{BUILT_IN, BUILT_IN_FILE, REGULAR, parse};
use crate::platform::{Lang, UserError};
use std::sync::LazyLock;

use proptest::prelude::*;

static BUILT_IN_READ: LazyLock<Profile> = LazyLock::new(|| parse(BUILT_IN_FILE, BUILT_IN).unwrap());
static REGULAR_READ: LazyLock<Profile> = LazyLock::new(|| parse("regular", REGULAR).unwrap());
static BEFORE_READ: LazyLock<Profile> =
    LazyLock::new(|| parse("old", include_str!("../../../tests/fixtures/2020-epidemic-v2.toml")).unwrap());
static ALL_RULES: LazyLock<Vec<Rule>> = LazyLock::new(all_rules);

fn profile() -> Profile {
    BUILT_IN_READ.clone()
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
            PersonView { id: id(11), work_county: "990202".to_owned(), facts: Facts::blank(Owner::Person) },
            PersonView { id: id(12), work_county: String::new(), facts: Facts::blank(Owner::Person) },
        ],
        signals,
        helpers: Vec::new(),
        team: Vec::new(),
        facts: Facts::blank(Owner::Household),
    }
}

fn evaluate(profile: &Profile, tiers: &TierMap, view: &HouseholdView) -> Vec<Conclusion> {
    super::evaluate(profile, Around { tiers, today: 737_475 }, view).unwrap()
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

const LABOUR: [&str; 3] = ["普通劳动力", "无劳动力", "丧失劳动力"];

fn any_signal() -> impl Strategy<Value = SignalView> {
    (
        0_usize..SIGNAL_KINDS.len(),
        proptest::option::of(11_u128..14),
        proptest::option::of(0_i64..60_000),
        proptest::option::of(0_usize..4),
        proptest::option::of(0_usize..3),
        0_i64..400,
        0_u8..4,
    )
        .prop_map(|(kind, person, amount, grade, result, days, state)| {
            let mut value = serde_json::Map::new();
            if let Some(amount) = amount {
                value.insert("amount".to_owned(), amount.into());
            }
            if let Some(grade) = grade {
                value.insert("grade".to_owned(), ["A", "B", "C", "D"][grade].into());
            }
            if let Some(result) = result {
                value.insert("result".to_owned(), ["met", "partly", "short"][result].into());
            }
            let mut out = signal(SIGNAL_KINDS[kind], person, value.into());
            out.fact_date = iso_day(TODAY - days);
            out.row_key = format!("{kind}-{person:?}-{amount:?}-{days}");
            if state == 0 {
                out.state = "withdrawn".to_owned();
            }
            out
        })
}

/// Facts of any sort: open where they may be.
fn any_facts(owner: Owner) -> impl Strategy<Value = Facts> {
    let n = owner.fields().len();
    proptest::collection::vec((0_u8..4, 0_i64..20_000, any::<bool>()), n).prop_map(move |picks| {
        let mut facts = Facts::blank(owner);
        for (at, (field, (open, number, yes))) in owner.fields().iter().zip(picks).enumerate() {
            if field.open && open == 0 {
                continue;
            }
            let number = if field.name == "age" || field.name.ends_with("count") { number % 20 } else { number };
            facts.set(
                at,
                match field.kind {
                    Kind::Bool => Fact::Bool(yes),
                    Kind::Int => Fact::Int(number),
                    Kind::Number => Fact::Number(number as f64),
                    Kind::Date => Fact::Date(TODAY - number % 400),
                    Kind::Text if field.name == "labour" => Fact::Text(LABOUR[number as usize % 3].to_owned()),
                    Kind::Text if yes => Fact::Text("已脱贫(享受政策)".to_owned()),
                    Kind::Text => Fact::Text("一般农户".to_owned()),
                    Kind::Choice(all) => Fact::Text(all[number as usize % all.len()].to_owned()),
                    Kind::Texts => Fact::Texts((0..number % 3).map(|n| format!("因病{n}")).collect()),
                    Kind::List(_) => continue,
                },
            );
        }
        facts
    })
}

fn any_view() -> impl Strategy<Value = HouseholdView> {
    let person = (prop_oneof![Just(""), Just("990202"), Just("990203"), Just("990204")], any_facts(Owner::Person));
    let signals = || proptest::collection::vec(any_signal(), 0..4);
    (
        any_facts(Owner::Household),
        proptest::collection::vec(person, 0..3),
        proptest::collection::vec(any_signal(), 0..6),
        proptest::option::of(signals()),
        proptest::option::of(signals()),
    )
        .prop_map(|(facts, persons, signals, helper, member)| HouseholdView {
            id: id(1),
            division_code: "990101001001".to_owned(),
            persons: persons
                .into_iter()
                .zip(11_u128..)
                .map(|((county, facts), n)| PersonView { id: id(n), work_county: county.to_owned(), facts })
                .collect(),
            signals,
            helpers: helper.into_iter().map(|signals| ServantView { id: id(21), signals }).collect(),
            team: member.into_iter().map(|signals| ServantView { id: id(22), signals }).collect(),
            facts,
        })
}

const TODAY: i64 = 737_475;

fn world() -> TierMap {
    TierMap::from([
        ("990202".to_owned(), (Tier::High, "2020-02-08".to_owned())),
        ("990203".to_owned(), (Tier::Medium, "2020-02-09".to_owned())),
    ])
}

/// Every rule that ships, and some that no profile has, so that every construct is met.
fn all_rules() -> Vec<Rule> {
    let mut out = profile().rules;
    out.extend(REGULAR_READ.clone().rules);
    let mut more = String::from(BUILT_IN.split("[[rules]]").next().unwrap());
    for (n, when) in [
        "size(household.signals.filter(s, s.amount > 1000)) >= 2",
        "household.persons.exists_one(p, p.head && p.age % 2 == 0)",
        "household.persons.all(p, p.work_tier != \"high\" || has(p.work_months))",
        "max(household.signals.map(s, s.day)) > date(\"2020-01-20\") ? household.members > 3 : household.monitored",
        "household.risks.exists(r, r == \"因病1\") && !(\"因病7\" in household.risks)",
        "-household.income + 3.0 * household.income_line / 2.0 > min(household.signals.map(s, s.amount))",
        "size(household.ended_signals) > 0 && household.county_tier == \"low\"",
        "sum(household.persons.map(p, p.work_months)) > 12 || int(household.income) > 9000",
        "household.persons.exists(p, p.signals.exists(s, s.kind == \"jobs.ended\")) && double(household.members) >= 1.0",
        "household.signals.exists(s, s.kind in [\"jobs.ended\"] || s.kind == \"medical.self_pay\")",
        "household.team.exists(t, size(t.signals) > 0) || household.helpers.exists(h, h.signals.exists(s, true))",
        "household.type.contains(\"农\") && household.registration.endsWith(\")\")",
    ]
    .into_iter()
    .enumerate()
    {
        more.push_str(&format!(
            "[[rules]]\nid = \"X{n}\"\ntitle = {{ zh = \"x\", en = \"x\" }}\nlevel = \"notice\"\nsubject = \"household\"\n\
             measures = []\nwhen_ended = \"check\"\nsource = \"x\"\nwhen = '{when}'\n"
        ));
    }
    out.extend(parse("more", &more).unwrap_or_else(|e| panic!("{}", e.message(Lang::En))).rules);
    out
}

/// The household as values of the `cel` crate's own interpreter; what is open is left out.
mod reference {
    use std::collections::HashMap;

    use cel::{Context, Value};

    use super::*;

    fn fact(value: &Fact) -> Option<Value> {
        Some(match value {
            Fact::Unknown => return None,
            Fact::Bool(yes) => (*yes).into(),
            Fact::Int(n) | Fact::Date(n) => (*n).into(),
            Fact::Number(n) => (*n).into(),
            Fact::Text(text) => text.clone().into(),
            Fact::Texts(all) => all.iter().map(|t| Value::from(t.clone())).collect::<Vec<_>>().into(),
            Fact::Word(text) => text.to_string().into(),
            Fact::Words(all) => all.iter().map(|t| Value::from(t.clone())).collect::<Vec<_>>().into(),
        })
    }

    fn facts(owner: Owner, all: &Facts) -> HashMap<String, Value> {
        let each = owner.fields().iter().enumerate().filter(|(_, f)| !matches!(f.kind, Kind::List(_)));
        each.filter_map(|(at, f)| Some((f.name.to_owned(), fact(all.get(at))?))).collect()
    }

    fn signals<'a>(all: impl Iterator<Item = &'a SignalView>) -> Value {
        all.map(|s| {
            let mut out: HashMap<String, Value> = HashMap::from([
                ("kind".to_owned(), s.kind.clone().into()),
                ("source".to_owned(), s.source.clone().into()),
                ("day".to_owned(), day_number(&s.fact_date).unwrap().into()),
            ]);
            if let Some(amount) = s.value.get("amount").and_then(|v| v.as_f64()) {
                out.insert("amount".to_owned(), amount.into());
            }
            if let Some(grade) = s.value.get("grade").and_then(|v| v.as_str()) {
                out.insert("grade".to_owned(), grade.to_owned().into());
            }
            if let Some(result) = s.value.get("result").and_then(|v| v.as_str()) {
                out.insert("result".to_owned(), result.to_owned().into());
            }
            Value::from(out)
        })
        .collect::<Vec<_>>()
        .into()
    }

    fn tier(tiers: &TierMap, county: &str) -> Value {
        tiers.get(&county[..6]).map_or("low", |(tier, _)| tier.name()).to_owned().into()
    }

    fn person(view: &HouseholdView, tiers: &TierMap, person: &PersonView) -> Value {
        let mut out = facts(Owner::Person, &person.facts);
        let own = view.signals.iter().filter(|s| s.is_active() && s.person_id == Some(person.id));
        out.insert("signals".to_owned(), signals(own));
        out.remove("work_tier");
        if !person.work_county.is_empty() {
            out.insert("work_tier".to_owned(), tier(tiers, &person.work_county));
        }
        out.into()
    }

    fn servants(all: &[ServantView]) -> Value {
        let each = all.iter().map(|s| {
            let own = signals(s.signals.iter().filter(|s| s.is_active()));
            Value::from(HashMap::from([("signals".to_owned(), own)]))
        });
        each.collect::<Vec<_>>().into()
    }

    fn household(view: &HouseholdView, tiers: &TierMap) -> Value {
        let mut out = facts(Owner::Household, &view.facts);
        let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
        put("signals", signals(view.signals.iter().filter(|s| s.is_active())));
        put("ended_signals", signals(view.signals.iter().filter(|s| !s.is_active())));
        put("persons", view.persons.iter().map(|p| person(view, tiers, p)).collect::<Vec<_>>().into());
        put("helpers", servants(&view.helpers));
        put("team", servants(&view.team));
        put("county_tier", tier(tiers, &view.division_code));
        out.into()
    }

    fn numbers(list: &[Value]) -> Vec<f64> {
        list.iter()
            .map(|v| match v {
                Value::Int(n) => *n as f64,
                Value::Float(n) => *n,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    /// The condition with what the interpreter does not know of a profile written out.
    fn text(profile: &Profile, rule: &Rule) -> String {
        let mut out = rule.when.text().to_owned();
        let mut definitions: Vec<(&String, &String)> = profile.definitions.iter().collect();
        // One name may be the beginning of another.
        definitions.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        for (name, value) in definitions {
            out = out.replace(name, &format!("({value})"));
        }
        for warning in &profile.warnings {
            out = out.replace(&format!("warning.{}", warning.id), &format!("{:?}", warning.threshold));
        }
        out
    }

    pub(super) fn program(profile: &Profile, rule: &Rule) -> cel::Program {
        cel::Program::compile(&text(profile, rule)).unwrap()
    }

    /// The household and its persons in the interpreter's values.
    pub(super) fn values(view: &HouseholdView, tiers: &TierMap) -> (Value, Vec<Value>) {
        (household(view, tiers), view.persons.iter().map(|p| person(view, tiers, p)).collect())
    }

    pub(super) fn holds(program: &cel::Program, household: &Value, about: Option<&Value>) -> bool {
        let mut context = Context::default();
        context.add_variable_from_value("household", household.clone());
        if let Some(person) = about {
            context.add_variable_from_value("person", person.clone());
        }
        context.add_variable_from_value("today", TODAY);
        context.add_function("days", |a: i64, b: i64| b - a).unwrap();
        context.add_function("date", |text: std::sync::Arc<String>| day_number(&text).unwrap()).unwrap();
        context
            .add_function("sum", |list: std::sync::Arc<Vec<Value>>| {
                let mut all = numbers(&list);
                all.sort_by(f64::total_cmp);
                all.iter().sum::<f64>()
            })
            .unwrap();
        let best = |list: &[Value], sign: f64| -> Result<Value, cel::ExecutionError> {
            let all = numbers(list);
            let at = (0..all.len()).max_by(|a, b| (sign * all[*a]).total_cmp(&(sign * all[*b])));
            at.map(|at| list[at].clone()).ok_or_else(|| cel::ExecutionError::function_error("best", "empty"))
        };
        context.add_function("max", move |list: std::sync::Arc<Vec<Value>>| best(&list, 1.0)).unwrap();
        context.add_function("min", move |list: std::sync::Arc<Vec<Value>>| best(&list, -1.0)).unwrap();
        // An error is what is open here.
        matches!(program.execute(&context), Ok(Value::Bool(true)))
    }
}

/// The rules of a profile with their reference programs.
fn with_reference() -> Vec<(Rule, cel::Program)> {
    let (built_in, regular) = (profile(), REGULAR_READ.clone());
    all_rules()
        .into_iter()
        .map(|rule| {
            let from = if rule.id.starts_with('R') { &regular } else { &built_in };
            let program = reference::program(from, &rule);
            (rule, program)
        })
        .collect()
}

#[test]
fn the_evaluator_agrees_with_the_interpreter_of_the_cel_crate() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let (all, tiers) = (with_reference(), world());
    let around = Around { tiers: &tiers, today: TODAY };
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for _ in 0..1_500 {
        let view = any_view().new_tree(&mut runner).unwrap().current();
        let (household, members) = reference::values(&view, &tiers);
        for (rule, program) in &all {
            let persons: Vec<Option<(&PersonView, &cel::Value)>> = match rule.subject {
                Subject::Household => vec![None],
                Subject::Person => view.persons.iter().zip(&members).map(Some).collect(),
            };
            for about in persons {
                let ours = Evaluation::new(&view, about.map(|a| a.0), around).holds(&rule.when.root).unwrap();
                let theirs = reference::holds(program, &household, about.map(|a| a.1));
                assert_eq!(ours, theirs, "{} {}\n{view:#?}", rule.id, rule.when.text());
                let count = seen.entry(&rule.id).or_default();
                if ours { count.0 += 1 } else { count.1 += 1 }
            }
        }
    }
    assert_eq!(seen.len(), all.len());
    let idle: Vec<_> = seen.iter().filter(|(_, (yes, no))| *yes == 0 || *no == 0).collect();
    assert!(idle.is_empty(), "too little chance to differ: {idle:?}");
}

proptest! {
    #[test]
    fn a_rule_that_is_passed_over_would_not_have_held(view in any_view()) {
        let (rules, tiers) = (&*ALL_RULES, world());
        let around = Around { tiers: &tiers, today: TODAY };
        let has = mask(&tiers, &view);
        let asked = conclusions(rules.iter(), around, &view).unwrap();
        let needed = |rule: &&Rule| rule.when.guard().is_none_or(|needs| needs & has != 0);
        let filtered = conclusions(rules.iter().filter(needed), around, &view).unwrap();
        prop_assert_eq!(filtered, asked);
    }

    #[test]
    fn conditions_of_before_say_the_same_as_the_expressions_of_today(view in any_view()) {
        let old = &*BEFORE_READ;
        let tiers = world();
        let conclude = |profile: &Profile| serde_json::to_string(&evaluate(profile, &tiers, &view)).unwrap();
        // Rules over facts that profiles of before could not read say nothing here.
        let mut today = BUILT_IN_READ.clone();
        today.rules.retain(|rule| old.rule(&rule.id).is_some());
        prop_assert_eq!(conclude(old), conclude(&today));
    }
}

#[test]
fn most_rules_are_passed_over_where_nothing_has_happened() {
    let guarded: Vec<String> = all_rules().into_iter().filter(|r| !r.when.asks_everybody()).map(|r| r.id).collect();
    let asked: Vec<String> = all_rules().into_iter().filter(|r| r.when.asks_everybody()).map(|r| r.id).collect();
    assert_eq!(
        asked,
        [
            "R01", "R02", "R07", "R08", "R09", "R10", "R12", "R13", "R14", "RC08", "R17", "R18", "R19", "R20", "X1",
            "X2", "X3", "X4", "X5", "X6", "X7", "X11"
        ]
    );
    assert_eq!(guarded.len(), 27 + 30 + 12 - asked.len());
}

#[test]
fn evidence_names_what_was_read() {
    let regular = REGULAR_READ.clone();
    let mut v = view(Vec::new());
    v.facts.put(OfHousehold::IncomePerPerson, Fact::Number(4200.5));
    v.facts.put(OfHousehold::IncomeLine, Fact::Number(5000.0));
    let found = evaluate(&regular, &TierMap::new(), &v);
    let fact = |field: &str, value: &str| Evidence::Fact {
        of: "household".to_owned(),
        field: field.to_owned(),
        value: value.to_owned(),
        carrier: None,
    };
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        found[0].evidence,
        [fact("income_line", "5000"), fact("income_per_person", "4200.5"), fact("monitored", "false")]
    );
    let bills = |amounts: &[i64]| -> Vec<SignalView> {
        amounts
            .iter()
            .map(|amount| {
                let mut s = signal("medical.self_pay", Some(11), serde_json::json!({ "amount": amount }));
                s.row_key = amount.to_string();
                s
            })
            .collect()
    };
    let mut v = view(bills(&[3000, 4000, 100]));
    v.facts.put(OfHousehold::Income, Fact::Number(7000.0));
    let found = evaluate(&regular, &TierMap::new(), &v);
    assert_eq!((found.len(), found[0].rule_id.as_str()), (1, "R05"));
    let values: Vec<Option<String>> = found[0]
        .evidence
        .iter()
        .filter_map(|e| match e {
            Evidence::Signal { value, .. } => Some(value.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(values, [Some("100".to_owned()), Some("3000".to_owned()), Some("4000".to_owned())]);
}

#[test]
fn a_household_with_endless_signals_is_an_error_and_no_endless_run() {
    let text = BUILT_IN.replace(
        "'person.signals.exists(s, s.kind == \"jobs.ended\")'",
        "'person.signals.exists(a, household.signals.exists(b, a.day > b.day && a.amount > b.amount))'",
    );
    let profile = parse("slow", &text).unwrap_or_else(|e| panic!("{}", e.message(Lang::En)));
    let many = (0..3000).map(|_| signal("jobs.ended", Some(11), none())).collect();
    let error = super::evaluate(&profile, Around { tiers: &TierMap::new(), today: TODAY }, &view(many)).unwrap_err();
    assert_eq!(error.rule, "W04");
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
