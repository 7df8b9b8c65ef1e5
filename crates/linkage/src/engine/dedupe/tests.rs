use std::collections::HashSet;

use super::pairs::CROWD;
use super::*;
use crate::engine::BlockReader;
use crate::engine::tests::{Dice, file, world};

fn read(text: &[u8], threads: usize) -> Register {
    let (blocks, columns) = BlockReader::new(text).unwrap();
    Register::read(&blocks, &columns, threads).unwrap()
}

/// Pairs and clusters by their keys, as they are given out.
type Given = (Vec<(String, String, f64, bool)>, Vec<Vec<String>>);

fn given(register: &Register, found: &Deduped) -> Given {
    let key = |row: u32| String::from_utf8_lossy(register.key(row)).into_owned();
    let pairs = found.pairs.iter().map(|p| (key(p.left), key(p.right), p.bits, p.cluster.is_some())).collect();
    (pairs, found.clusters.iter().map(|c| c.iter().map(|m| key(*m)).collect()).collect())
}

fn run(text: &[u8], options: DedupeOptions) -> (Given, Deduped) {
    let register = read(text, options.threads);
    let found = dedupe(&register, &Model::prior(), options).unwrap();
    (given(&register, &found), found)
}

const TRAIN: DedupeOptions = DedupeOptions { threads: 2, train: true, min_bits: 0.0 };

#[test]
fn rows_that_are_alike_are_one_person_however_many() {
    let row = "王建国,男,990101196005061238,1960-05-06,12000000001,990101101201,3组5号";
    let other = "李芳,女,,1971-02-03,,990101101202,1组8号";
    for count in [60, 300, 5_000] {
        let mut rows: Vec<String> = (0..count).map(|n| format!("R{n:05},{row}")).collect();
        rows.push(format!("X1,{other}"));
        // Three hundred of no number and no date, who may be anybody.
        rows.extend((0..300).map(|n| format!("Y{n},张伟,,,,,,")));
        let text = file("rid", &rows);
        let options = DedupeOptions { threads: 2, ..DedupeOptions::default() };
        let ((pairs, clusters), found) = run(&text, options);
        assert_eq!(clusters.len(), 1, "{count}");
        assert_eq!(clusters[0].len(), count);
        assert!(pairs.iter().all(|p| p.3 && p.0.starts_with('R')));
        assert_eq!(found.report.alike, if count > CROWD { count as u64 } else { 0 });
        assert_eq!(found.report.sizes, BTreeMap::from([(count, 1)]));
        let skipped: u64 = found.report.rules.iter().map(|r| r.skipped_pairs).sum();
        assert_eq!(skipped > 0, count > CROWD);
        rows.reverse();
        let (again, _) = run(&file("rid", &rows), DedupeOptions { threads: 1, ..options });
        assert_eq!((pairs, clusters), again);
    }
}

/// The village with the rows of its list registered a second time.
fn twice(households: usize) -> (Vec<String>, HashSet<(String, String)>) {
    let world = world(households);
    let rows = world.registry.into_iter().chain(world.list).collect();
    (rows, world.truth.into_iter().collect())
}

#[test]
fn a_village_finds_whom_it_registered_twice() {
    let (rows, truth) = twice(3_000);
    let ((pairs, clusters), found) = run(&file("rid", &rows), TRAIN);
    let right = pairs.iter().filter(|p| truth.contains(&(p.0.clone(), p.1.clone()))).count();
    assert!(right as f64 > 0.985 * truth.len() as f64, "{right} of {}", truth.len());
    assert!(right as f64 > 0.985 * pairs.len() as f64, "{right} of {} given out", pairs.len());
    assert!(pairs.is_sorted_by(|a, b| (&a.0, &a.1) < (&b.0, &b.1)) && pairs.iter().all(|p| p.0 < p.1));
    let training = found.model.training.as_ref().unwrap();
    assert!(training.converged && training.log_likelihood.1 >= training.log_likelihood.0, "{training:?}");
    // Every duplicate has one other row.
    assert!((found.model.matches_per_row - 2.0 * truth.len() as f64 / rows.len() as f64).abs() < 0.02);
    for (pair, evidence) in found.explain() {
        let sum: f64 = evidence.iter().map(|e| e.bits).sum();
        assert!((sum - pair.bits).abs() < 1e-6);
    }
    assert!(found.report.recall.unwrap() > 0.95);
    assert_eq!(found.report.sizes.iter().map(|(size, n)| size * n).sum::<usize>(), clusters.concat().len());
    let together = pairs.iter().filter(|p| p.3).count();
    assert!(clusters.len() <= together && together as f64 > 0.99 * pairs.len() as f64);
    // What was learned serves without training.
    let register = read(&file("rid", &rows), 1);
    let again = dedupe(&register, &found.model, DedupeOptions { train: false, ..TRAIN }).unwrap();
    let keys = |all: &Given| all.0.iter().map(|p| (p.0.clone(), p.1.clone())).collect::<Vec<_>>();
    assert_eq!(keys(&given(&register, &again)), keys(&(pairs, clusters)));
}

#[test]
fn results_depend_neither_on_threads_nor_on_the_order_of_rows() {
    let (mut rows, _) = twice(700);
    // Numbers that were given out twice, once to two persons and once to two rows of one.
    let copies: Vec<String> = rows.iter().take(40).map(|row| row.replacen("R0000", "X0000", 1)).collect();
    rows.extend(copies.clone());
    rows.extend(copies);
    rows.push("X000000,李芳,女,,1970-01-02,,990101101201,3组5号".to_owned());
    // More of one phone than are compared.
    rows.extend(
        (0..300).map(|i| format!("Z{i:04},王{},女,,19{}0-01-0{},12000000001,,", ["芳", "伟"][i % 2], i % 7, 1 + i % 9)),
    );
    for options in [TRAIN, DedupeOptions { train: false, min_bits: -8.0, ..TRAIN }] {
        let (first, found) = run(&file("rid", &rows), DedupeOptions { threads: 1, ..options });
        assert!(first.0.len() > 100);
        assert!(found.report.rules[2].crowded_rows == 300 && found.report.rules[2].skipped_pairs > 0);
        let mut dice = Dice(99);
        for _ in 0..3 {
            for i in (1..rows.len()).rev() {
                rows.swap(i, dice.roll(i + 1));
            }
            let (other, again) = run(&file("rid", &rows), DedupeOptions { threads: 3, ..options });
            assert_eq!(first, other);
            assert_eq!(found.model, again.model);
            let counts = |d: &Deduped| (d.report.rules, d.report.pairs, d.report.kept);
            assert_eq!(counts(&found), counts(&again));
        }
    }
}

#[test]
fn every_pair_is_compared_once_by_the_first_rule_that_finds_it() {
    let (mut rows, _) = twice(150);
    // Names with a dot are under several keys of one rule, one of them twice.
    for (at, name) in ["艾力·艾力", "艾力", "艾力·买买提", "买买提·艾力", "买买提"].iter().enumerate()
    {
        rows.push(format!("D{at},{name},男,,1980-01-0{},,990101101201,", at + 1));
    }
    rows.extend((0..CROWD + 9).map(|i| format!("Z{i:04},王{},女,,,12000000001,,", ["芳", "伟", "军"][i % 3])));
    rows.extend((0..CROWD + 9).map(|i| format!("Y{i:04},赵平,女,,,12000000002,,")));
    let register = read(&file("rid", &rows), 2);
    let worth = vec![0.0; crate::engine::levels::PATTERNS];
    let all = pairs::search(&register, &worth, -1.0, 2);
    let found: Vec<(u32, u32)> = all.hits.iter().map(|h| (h.left.min(h.right), h.left.max(h.right))).collect();
    let once: HashSet<(u32, u32)> = found.iter().copied().collect();
    assert_eq!(once.len(), found.len());
    assert!(found.iter().all(|(a, b)| a != b));
    let near: Vec<Near> = (0..register.len() as u32).map(|row| Near::new(*register.person(row))).collect();
    let mut by_rule = [0u64; RULES.len()];
    // Too many of one name, alike in everything: each with the next.
    let chain = all.chains.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(chain, [CROWD + 9]);
    by_rule[2] += chain[0] as u64 - 1;
    for a in 0..near.len() {
        for b in a + 1..near.len() {
            let first = (0..RULES.len()).find(|rule| shares(*rule, &near[a], &near[b]));
            // Of the crowds those of one name are compared, where they are not a crowd themselves.
            let crowd = |row: &Near| matches!(row.person.phone, 12_000_000_001 | 12_000_000_002);
            let (p, q) = (&near[a], &near[b]);
            let left_out = crowd(p) && crowd(q) && (p.person.name != q.person.name || p.person.phone % 10 == 2);
            if let Some(rule) = first.filter(|_| !left_out) {
                by_rule[rule] += 1;
                assert!(once.contains(&(a as u32, b as u32)));
            }
        }
    }
    assert_eq!(all.rules.map(|r| r.pairs), by_rule);
    assert_eq!(all.rules[2].crowded_keys, 2);
    let pairs_of = |n: usize| (n * (n - 1) / 2) as u64;
    let of_one_name: u64 = (0..3).map(|k| pairs_of((CROWD + 9 - k).div_ceil(3))).sum();
    assert_eq!(all.rules[2].skipped_pairs, 2 * pairs_of(CROWD + 9) - of_one_name - (CROWD as u64 + 8));
    assert_eq!(all.histogram.iter().map(|n| u64::from(*n)).sum::<u64>(), found.len() as u64);
    // How many others have the same.
    let dilbar = near.iter().position(|n| n.person.phone == 12_000_000_002).unwrap();
    assert_eq!(all.others[dilbar].phone as usize, CROWD + 8);
}

#[test]
fn two_of_one_household_with_numbers_of_their_own_are_two() {
    let id = |head: &str| format!("{head}{}", codes::citizen_id::check_char(head).unwrap());
    let home = "12000000001,990101101201,3组5号";
    let row = |key: &str, name: &str, head: &str, birth: &str| format!("{key},{name},男,{},{birth},{home}", id(head));
    let rows = [
        // Twins: one character and one digit.
        row("T1", "王建国", "99010119800506101", "1980-05-06"),
        row("T2", "王建军", "99010119800506103", "1980-05-06"),
        // Sounds alike, numbers apart.
        row("H1", "李伟", "99010119830101011", "1983-01-01"),
        row("H2", "李玮", "99010119830101015", "1983-01-01"),
        // One of the twins again, without a number, and with a slip in it.
        format!("T3,王建国,男,,1980-05-06,{home}"),
        format!("T4,王建国,男,{},1980-05-06,{home}", id("99010119800506101").replacen("050", "060", 1)),
    ];
    for train in [false, true] {
        let ((pairs, clusters), _) = run(&file("rid", &rows), DedupeOptions { train, min_bits: -30.0, ..TRAIN });
        for (a, b) in [("T1", "T2"), ("H1", "H2")] {
            assert!(!pairs.iter().any(|p| (p.0.as_str(), p.1.as_str()) == (a, b)), "{pairs:?}");
            assert!(!clusters.iter().any(|c| c.iter().any(|k| k == a) && c.iter().any(|k| k == b)), "{clusters:?}");
        }
        assert!(pairs.iter().any(|p| p.0 == "T1" && p.1 == "T3" && p.2 > 5.0), "{pairs:?}");
        assert!(clusters.contains(&vec!["T1".to_owned(), "T3".to_owned(), "T4".to_owned()]), "{clusters:?}");
    }
}

#[test]
fn hostile_input_neither_panics_nor_grows() {
    let huge = "王".repeat(350_000);
    let rows = [
        format!("A1,{huge},男,{huge},{huge},{huge},{huge},{huge}"),
        format!("A1,{huge},男,{huge},{huge},{huge},{huge},{huge}"),
        "A2,,,,,,,".to_owned(),
        "A2,,,,,,,".to_owned(),
        "A3,\0\0,\0,\0,\0,\0,\0,\0".to_owned(),
        "A4,𠮷田·😀,x,999999999999999999,0000-00-00,0,999999999999999,９９组０号".to_owned(),
        "A5,\"quo\"\"ted\",男".to_owned(),
    ];
    for rows in [&rows[..], &rows[..1], &[], &rows[2..3]] {
        for train in [false, true] {
            let options = DedupeOptions { train, min_bits: -50.0, ..TRAIN };
            let ((pairs, _), found) = run(&file("rid", rows), options);
            assert!(pairs.iter().all(|p| p.2.is_finite()));
            assert!(rows.len() > 1 || pairs.is_empty());
            assert!(Model::from_toml(&found.model.to_toml().unwrap()).is_ok());
        }
    }
}

#[test]
fn all_rows_equal_are_compared_with_the_next_and_the_rest_is_reported() {
    let same = |n: usize| -> Vec<String> {
        (0..n).map(|i| format!("R{i:06},王伟,男,,1980-01-01,12000000000,990101101201,3组5号")).collect()
    };
    let (given, found) = run(&file("rid", &same(5_000)), TRAIN);
    assert_eq!((given.0.len(), found.report.pairs, found.report.sizes), (4_999, 4_999, BTreeMap::from([(5_000, 1)])));
    assert!(found.report.rules.iter().any(|r| r.crowded_rows == 5_000 && r.skipped_pairs == 5_000 * 4_999 / 2));
    // As many as may share a key are all one person.
    let (given, found) = run(&file("rid", &same(CROWD)), DedupeOptions { train: false, ..TRAIN });
    assert_eq!(found.report.pairs, (CROWD * (CROWD - 1) / 2) as u64);
    assert_eq!(found.report.sizes, BTreeMap::from([(CROWD, 1)]), "{:?}", given.0.first());
}

#[test]
fn fifty_thousand_of_one_name_do_not_explode() {
    let rows: Vec<String> = (0..50_000)
        .map(|i| {
            let (year, month, day) = (1940 + i % 70, 1 + i / 70 % 12, 1 + i / 840 % 28);
            format!("R{i:06},王伟,男,,{year}-{month:02}-{day:02},,990101101{:03},", 200 + i % 90)
        })
        .collect();
    let (_, found) = run(&file("rid", &rows), TRAIN);
    assert!(found.report.pairs < 50_000 * CROWD as u64);
    assert!(found.report.rules.iter().any(|r| r.skipped_pairs > 1_000_000));
}

#[test]
fn too_many_good_pairs_leave_the_best() {
    // Sixty rows of each of 90 persons, all alike within a person: more pairs than are kept.
    let rows: Vec<String> = (0..9_000)
        .map(|i| format!("R{i:06},王{},男,,1980-01-{:02},12{:09},,", ["伟", "芳", "军"][i % 3], 1 + i % 28, i % 90))
        .collect();
    let ((pairs, _), found) = run(&file("rid", &rows), DedupeOptions { train: false, ..TRAIN });
    assert!(found.report.kept <= 1 << 18);
    assert!(found.report.pairs > 1 << 18 && found.report.dropped > 0, "{:?}", found.report);
    assert!(pairs.len() as u64 <= found.report.kept);
}
