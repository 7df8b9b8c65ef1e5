use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::model::{Worker, fen};
use super::*;
use crate::assess::profile::Words;

fn part(id: &str, signal: &str, method: Method, base: Option<&str>, effect: Effect) -> Part {
    Part {
        id: id.to_owned(),
        title: Words { zh: id.to_owned(), en: id.to_owned() },
        signals: vec![signal.to_owned()],
        method,
        base: base.map(str::to_owned),
        effect,
        share: 1000,
        source: "x".to_owned(),
    }
}

fn policy() -> EstimatePolicy {
    EstimatePolicy {
        days_per_month: 30,
        parts: vec![
            part("wage", "jobs.ended", Method::Months, Some("wage.work"), Effect::Income),
            part("sales", "sales.lost", Method::Amount, Some("operating"), Effect::Income),
            part("dividend", "dividend.missed", Method::Whole, Some("property.dividend"), Effect::Income),
            part("self_pay", "medical.self_pay", Method::Amount, None, Effect::Spending),
        ],
        source: "x".to_owned(),
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn person(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn shock(kind: &str, who: Option<u128>, on: &str, amount: Option<i64>) -> Shock {
    Shock {
        kind: kind.to_owned(),
        person: who.map(person),
        day: (!on.is_empty()).then(|| day(on)),
        amount,
        source: kind.to_owned(),
        row_key: format!("{on}{who:?}{amount:?}"),
    }
}

fn year(year: i64, net: i64, tree: &[(&'static str, i64)]) -> YearIncome {
    YearIncome { year, net, tree: tree.iter().copied().collect::<BTreeMap<_, _>>(), ..YearIncome::default() }
}

/// 24,000 yuan of wages over ten months, 6,000 of crops, 1,200 of dividends.
fn household(shocks: Vec<Shock>) -> Inputs {
    Inputs {
        members: 4,
        years: vec![year(
            2019,
            3_000_000,
            &[("wage.work", 2_400_000), ("operating", 600_000), ("property.dividend", 120_000)],
        )],
        workers: vec![Worker { person: person(1), months: 10 }],
        shocks,
    }
}

#[test]
fn the_formula_of_the_wages_is_the_one_in_words() {
    // 24,000 ÷ 10 × 2.5 months (75 days) = 6,000.
    let of = household(vec![shock("jobs.ended", Some(1), "2019-12-01", None)]);
    let found = estimate(&policy(), &of, day("2020-02-14"));
    let how = How::Months { base: 2_400_000, worked: 10, tenths: 25 };
    assert_eq!((found.lines[0].amount, &found.lines[0].how), (600_000, &how));
    assert_eq!((found.loss, found.spent, found.income, found.per_person), (600_000, 0, Some(2_400_000), Some(600_000)));
    assert_eq!((found.year, found.from, found.base), (2020, day("2019-10-01"), Some((2019, 3_000_000))));
    assert!(found.gaps.is_empty());
}

#[test]
fn who_stopped_longer_than_they_ever_worked_loses_no_more_than_they_earned() {
    let of = household(vec![shock("jobs.ended", Some(1), "2019-10-01", None)]);
    let found = estimate(&policy(), &of, day("2020-09-30"));
    assert_eq!(
        (found.loss, found.lines[0].how.clone()),
        (2_400_000, How::Months { base: 2_400_000, worked: 10, tenths: 100 })
    );
}

#[test]
fn a_job_that_ended_last_year_is_missing_from_the_first_day_of_this_one() {
    let of = household(vec![shock("jobs.ended", Some(1), "2019-05-01", None)]);
    assert_eq!(estimate(&policy(), &of, day("2019-10-31")).loss, 240_000);
    let of = household(vec![shock("jobs.ended", Some(1), "2018-05-01", None)]);
    assert_eq!(estimate(&policy(), &of, day("2019-10-31")).loss, 0, "last year's income knows it");
}

#[test]
fn two_workers_share_the_wages_by_their_months() {
    let mut of = household(vec![
        shock("jobs.ended", Some(1), "2020-01-01", None),
        shock("jobs.ended", Some(1), "2020-01-16", None),
    ]);
    of.workers.push(Worker { person: person(2), months: 6 });
    let found = estimate(&policy(), &of, day("2020-01-31"));
    assert_eq!(found.lines.len(), 1, "one job, told twice");
    assert_eq!(found.loss, 150_000, "24,000 ÷ 16 × 1");
}

#[test]
fn what_is_not_known_is_said_and_lowers_nothing() {
    let mut of = household(vec![
        shock("jobs.ended", Some(9), "2020-01-01", None),
        shock("sales.lost", None, "2020-01-05", None),
        shock("medical.self_pay", Some(1), "", Some(9_900)),
    ]);
    let found = estimate(&policy(), &of, day("2020-02-14"));
    assert_eq!((found.income, found.lines.len()), (Some(3_000_000), 0));
    assert_eq!(
        found.gaps,
        [
            Gap::NoMonths { part: "wage".to_owned(), person: Some(person(9)) },
            Gap::NoAmount { part: "sales".to_owned(), person: None },
            Gap::NoDay { part: "self_pay".to_owned(), person: Some(person(1)) },
        ]
    );
    assert_eq!(persons(&found), [person(1), person(9)]);
    of.years[0].tree.clear();
    of.shocks =
        vec![shock("jobs.ended", Some(1), "2020-01-01", None), shock("dividend.missed", None, "2020-01-01", None)];
    let found = estimate(&policy(), &of, day("2020-02-14"));
    assert_eq!(
        found.gaps,
        [
            Gap::NoBase { part: "dividend".to_owned() },
            Gap::NoBase { part: "wage".to_owned() },
            Gap::NoAmount { part: "dividend".to_owned(), person: None }
        ]
    );
    of.years.clear();
    of.members = 0;
    let found = estimate(&policy(), &of, day("2020-02-14"));
    assert_eq!((found.income, found.reference, found.gaps), (None, None, vec![Gap::NoIncome, Gap::NoMembers]));
}

#[test]
fn sales_end_at_what_was_sold_and_a_missed_dividend_is_whole_where_no_amount_is_told() {
    let of = household(vec![
        shock("sales.lost", None, "2020-01-05", Some(500_000)),
        shock("sales.lost", None, "2020-01-06", Some(200_000)),
        shock("dividend.missed", None, "2020-01-10", None),
        shock("dividend.missed", None, "2020-01-11", Some(50_000)),
    ]);
    let found = estimate(&policy(), &of, day("2020-02-14"));
    let amounts: Vec<(i64, bool)> = found.lines.iter().map(|line| (line.amount, line.capped)).collect();
    assert_eq!(amounts, [(500_000, false), (100_000, true), (50_000, false), (70_000, false)]);
    assert_eq!(found.loss, 720_000);
}

#[test]
fn a_year_that_is_collected_stands() {
    let mut of = household(vec![shock("jobs.ended", Some(1), "2020-01-01", None)]);
    of.years.insert(0, year(2020, 1_000_000, &[]));
    let found = estimate(&policy(), &of, day("2020-02-14"));
    assert_eq!((found.collected, found.income, found.loss), (true, Some(1_000_000), 0));
    of.years = vec![year(2017, 900_000, &[])];
    assert!(estimate(&policy(), &of, day("2020-02-14")).gaps.contains(&Gap::Stale { year: 2017 }));
}

#[test]
fn the_reference_for_entry_goes_by_the_twelve_months() {
    let mut of = household(vec![
        shock("jobs.ended", Some(1), "2019-12-02", None),
        shock("medical.self_pay", Some(1), "2019-01-31", Some(10_000_000)),
        shock("medical.self_pay", Some(1), "2019-02-01", Some(1_000_000)),
        shock("medical.self_pay", Some(1), "2020-01-31", Some(200_000)),
        shock("medical.self_pay", Some(1), "2020-02-10", Some(30_000)),
    ]);
    of.years.push(year(2018, 2_000_000, &[]));
    of.years[0].claims = Some(80_000);
    let found = estimate(&policy(), &of, day("2020-02-15"));
    let reference = found.reference.unwrap();
    assert_eq!((reference.from, reference.to), (day("2019-02-01"), day("2020-01-31")));
    let pieces: Vec<(i64, i64, i64, i64)> =
        reference.pieces.iter().map(|p| (p.year, p.months, p.of_year, p.amount)).collect();
    assert_eq!(pieces, [(2019, 8, 2019, 2_000_000), (2020, 4, 2019, 1_000_000)]);
    // 60 days of December and January: 24,000 ÷ 10 × 2.
    assert_eq!((reference.lost, reference.self_pay), (480_000, SelfPay::Signals { amount: 1_200_000 }));
    assert_eq!(reference.total, 3_000_000 - 480_000 + 80_000 - 1_200_000);
    assert_eq!(reference.per_person, Some(350_000));
    assert_eq!(found.spent_in_a_year, 230_000, "from 2019-02-16 to the day itself");
    of.shocks.clear();
    of.years[0].self_pay = Some(70_000);
    let reference = estimate(&policy(), &of, day("2020-02-15")).reference.unwrap();
    assert_eq!((reference.lost, reference.self_pay), (0, SelfPay::Register { year: 2019, amount: 70_000 }));
}

#[test]
fn money_is_rounded_once_halves_away_from_nought() {
    assert_eq!([divided(5, 2), divided(-5, 2), divided(4, 3), divided(1, 0)], [3, -3, 1, 0]);
    assert_eq!([fen(0.005), fen(12.345_6), fen(f64::NAN), fen(1.0e15)], [Some(1), Some(1_235), None, None]);
}

const KINDS: [&str; 4] = ["jobs.ended", "sales.lost", "dividend.missed", "medical.self_pay"];

fn shocks() -> impl Strategy<Value = Vec<Shock>> {
    let one = (0..4_usize, 0..4_u128, 0..500_u64, proptest::option::of(0..9_000_000_i64), any::<bool>());
    proptest::collection::vec(one, 0..8).prop_map(|all| {
        all.into_iter()
            .enumerate()
            .map(|(at, (kind, who, offset, amount, dated))| Shock {
                kind: KINDS[kind].to_owned(),
                person: (who > 0).then(|| person(who)),
                day: (dated || kind != 3).then(|| day("2018-10-01") + chrono::Days::new(offset)),
                amount,
                source: KINDS[kind].to_owned(),
                row_key: at.to_string(),
            })
            .collect()
    })
}

fn inputs() -> impl Strategy<Value = Inputs> {
    let tree = (
        proptest::option::of(0..9_000_000_i64),
        proptest::option::of(0..9_000_000_i64),
        proptest::option::of(0..900_000_i64),
    );
    (0..8_i64, -500_000..9_000_000_i64, tree, proptest::collection::btree_map(1..4_u128, 0..14_i64, 0..3), shocks())
        .prop_map(|(members, net, (wage, operating, dividend), workers, shocks)| {
            let tree = [("wage.work", wage), ("operating", operating), ("property.dividend", dividend)];
            let tree: Vec<(&'static str, i64)> = tree.into_iter().filter_map(|(id, n)| Some((id, n?))).collect();
            Inputs {
                members,
                years: vec![year(2019, net, &tree)],
                workers: workers.into_iter().map(|(who, months)| Worker { person: person(who), months }).collect(),
                shocks,
            }
        })
}

proptest! {
    #[test]
    fn sums_add_up_to_the_fen(of in inputs(), offset in 0..364_u64, share in 0..=1000_i64) {
        let mut policy = policy();
        policy.parts.iter_mut().for_each(|part| part.share = share);
        let today = day("2019-10-01") + chrono::Days::new(offset);
        let found = estimate(&policy, &of, today);
        let sum = |effect| found.lines.iter().filter(|l| l.effect == effect).map(|l| l.amount).sum::<i64>();
        prop_assert_eq!(found.loss, sum(Effect::Income));
        prop_assert_eq!(found.spent, sum(Effect::Spending));
        prop_assert_eq!(found.income, Some(of.years[0].net - found.loss - found.spent));
        prop_assert!(found.lines.iter().all(|line| line.amount >= 0));
        if let Some(each) = found.per_person {
            let off = i128::from(each) * i128::from(of.members) - i128::from(found.income.unwrap());
            prop_assert!(2 * off.abs() <= i128::from(of.members), "more than half a fen a person: {off}");
        }
        let wage = of.years[0].tree.get("wage.work").copied().unwrap_or(0);
        let lost: i64 = found.lines.iter().filter(|l| l.part == "wage").map(|l| l.amount).sum();
        prop_assert!(lost <= wage, "no more wages are lost than there were");
    }

    #[test]
    fn another_loss_never_raises_the_income(of in inputs(), more in shocks(), offset in 0..364_u64) {
        let today = day("2019-10-01") + chrono::Days::new(offset);
        let before = estimate(&policy(), &of, today);
        let mut worse = of.clone();
        worse.shocks.extend(more.into_iter().map(|shock| Shock { row_key: format!("+{}", shock.row_key), ..shock }));
        let after = estimate(&policy(), &worse, today);
        prop_assert!(after.income <= before.income, "{before:?} {after:?}");
        prop_assert!(after.per_person <= before.per_person);
        let of = |found: &Estimate| found.reference.as_ref().map(|r| r.lost);
        prop_assert!(of(&after) >= of(&before));
    }

    #[test]
    fn a_later_day_or_a_greater_amount_never_raises_the_income(of in inputs(), at in 0..8_usize, by in 1..90_i64, offset in 100..364_u64) {
        let today = day("2019-10-01") + chrono::Days::new(offset);
        let before = estimate(&policy(), &of, today);
        let mut worse = of.clone();
        if let Some(shock) = worse.shocks.get_mut(at) {
            shock.amount = shock.amount.map(|amount| amount + by * 100);
        }
        prop_assert!(estimate(&policy(), &worse, today).income <= before.income);
        // The longer it lasts, the more is lost: the same signals, a later day of the same year.
        let later = (today + chrono::Days::new(by.unsigned_abs())).min(day("2020-09-30"));
        prop_assert!(estimate(&policy(), &of, later).income <= before.income);
    }

    #[test]
    fn the_order_of_the_signals_does_not_matter(of in inputs(), offset in 0..364_u64) {
        let today = day("2019-10-01") + chrono::Days::new(offset);
        let mut turned = of.clone();
        turned.shocks.reverse();
        prop_assert_eq!(estimate(&policy(), &of, today), estimate(&policy(), &turned, today));
    }
}
