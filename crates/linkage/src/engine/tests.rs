use super::*;

/// A small made-up village registry and a list drawn from it, with slips; every choice by a fixed sequence.
pub(super) struct World {
    pub(super) list: Vec<String>,
    pub(super) registry: Vec<String>,
    /// Row of the list by row of the registry that it truly is.
    pub(super) truth: Vec<(String, String)>,
}

pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }
}

const HEADER: &str = "name,sex,id_no,birth,phone,village,address";
const SURNAMES: &str = "王李张刘陈杨黄赵吴周徐孙朱马胡郭何高林郑";
const GIVEN: &str = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀兰霞平刚桂英华玉萍红鹏飞";

fn pick(text: &str, at: usize) -> char {
    let all: Vec<char> = text.chars().collect();
    all[at % all.len()]
}

pub(super) fn world(households: usize) -> World {
    let mut dice = Dice(7);
    let mut world = World { list: Vec::new(), registry: Vec::new(), truth: Vec::new() };
    for h in 0..households {
        let surname = pick(SURNAMES, dice.roll(20));
        let village = 990_101_101_200 + (h / 40) as u64;
        let (group, house) = (1 + dice.roll(9), 1 + dice.roll(150));
        let shared_phone = 12_000_000_000 + dice.roll(1_000_000_000) as u64;
        for member in 0..1 + dice.roll(4) {
            let name: String = [surname, pick(GIVEN, dice.roll(30)), pick(GIVEN, dice.roll(30))].iter().collect();
            let (year, month, day) = (1940 + dice.roll(70), 1 + dice.roll(12), 1 + dice.roll(28));
            let birth = format!("{year}-{month:02}-{day:02}");
            let head = format!("990101{year}{month:02}{day:02}{:03}", dice.roll(1000));
            let id = format!("{head}{}", codes::citizen_id::check_char(&head).unwrap());
            let sex = ["男", "女"][dice.roll(2)];
            let phone = if member > 1 { shared_phone } else { 12_000_000_000 + dice.roll(1_000_000_000) as u64 };
            let address = format!("{group}组{house}号");
            let row = |name: &str, id: &str, birth: &str, phone: &str| {
                format!("{name},{sex},{id},{birth},{phone},{village},{address}")
            };
            let number = world.registry.len();
            let kept_out = dice.roll(12) == 0;
            if !kept_out {
                world.registry.push(format!("R{number:06},{}", row(&name, &id, &birth, &phone.to_string())));
            }
            if dice.roll(4) == 0 || kept_out {
                let q = format!("Q{:06}", world.list.len());
                let slip: String = match dice.roll(8) {
                    0 => [surname, pick(GIVEN, dice.roll(30)), name.chars().last().unwrap()].iter().collect(),
                    _ => name.clone(),
                };
                let listed_id = if dice.roll(2) == 0 { "" } else { &id };
                let listed_phone = if dice.roll(3) == 0 { String::new() } else { phone.to_string() };
                world.list.push(format!("{q},{}", row(&slip, listed_id, &birth, &listed_phone)));
                if !kept_out {
                    world.truth.push((q, format!("R{number:06}")));
                }
            }
        }
    }
    world
}

pub(super) fn file(key: &str, rows: &[String]) -> Vec<u8> {
    format!("{key},{HEADER}\n{}\n", rows.join("\n")).into_bytes()
}

pub(super) fn run(
    list: &[u8],
    registry: &[u8],
    model: &Model,
    options: Options,
) -> (Vec<(String, String, f64)>, Linked) {
    let (blocks, columns) = BlockReader::new(list).unwrap();
    let list = List::read(&blocks, &columns).unwrap();
    let (blocks, columns) = BlockReader::new(registry).unwrap();
    let linked = link(&list, &blocks, &columns, model, options).unwrap();
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    let out = linked.matches.iter().map(|m| (text(list.key(m.left)), text(&m.right), m.bits)).collect();
    (out, linked)
}

pub(super) const TRAIN: Options = Options { threads: 2, one_to_one: true, train: true, min_bits: 0.0 };

#[test]
fn a_village_is_linked_and_the_model_explains_itself() {
    let world = world(3_000);
    let (list, registry) = (file("qid", &world.list), file("rid", &world.registry));
    let (found, linked) = run(&list, &registry, &Model::prior(), TRAIN);
    let truth: std::collections::HashSet<_> = world.truth.iter().cloned().collect();
    let right = found.iter().filter(|(q, r, _)| truth.contains(&(q.clone(), r.clone()))).count();
    assert!(right as f64 > 0.985 * truth.len() as f64, "{right} of {}", truth.len());
    assert!(right as f64 > 0.985 * found.len() as f64, "{right} of {} given out", found.len());
    let training = linked.model.training.as_ref().unwrap();
    assert!(training.converged && training.log_likelihood.1 >= training.log_likelihood.0, "{training:?}");
    assert!((linked.model.matches_per_row - truth.len() as f64 / world.list.len() as f64).abs() < 0.05);
    for (m, evidence) in linked.explain() {
        let sum: f64 = evidence.iter().map(|e| e.bits).sum();
        assert!((sum - m.bits).abs() < 1e-6);
        assert_eq!(evidence.len(), FIELDS.len() + 3);
    }
    assert!(linked.report.recall.unwrap() > 0.95);
    // What the scores promise is what is true.
    let outlook = linked.report.outlook(0.0, &linked.model);
    assert_eq!(outlook.pairs, found.len() as u64);
    assert!((outlook.right - right as f64).abs() < 0.01 * right as f64, "{outlook:?}, {right} right");
    let missed = (truth.len() - right) as f64;
    assert!((outlook.missed - missed).abs() < 0.01 * truth.len() as f64, "{outlook:?}, {missed} missed");
    assert!(outlook.f1() > 0.98 && outlook.precision() < 1.0);
    assert!(linked.report.rules.iter().any(|r| r.matches > 0 && r.pairs >= r.matches));
    // What was learned serves without training.
    let saved = Model::from_toml(&linked.model.to_toml().unwrap()).unwrap();
    let (again, _) = run(&list, &registry, &saved, Options { train: false, ..TRAIN });
    let pairs = |all: &[(String, String, f64)]| all.iter().map(|(q, r, _)| (q.clone(), r.clone())).collect::<Vec<_>>();
    assert_eq!(pairs(&found), pairs(&again));
}

#[test]
fn every_candidate_that_was_weighed_can_be_looked_up() {
    let world = world(1_500);
    let (list, registry) = (file("qid", &world.list), file("rid", &world.registry));
    let (blocks, columns) = BlockReader::new(&list[..]).unwrap();
    let list = List::read(&blocks, &columns).unwrap();
    let (blocks, columns) = BlockReader::new(&registry[..]).unwrap();
    let (linked, all) = link_and_keep(&list, &blocks, &columns, &Model::prior(), TRAIN).unwrap();
    assert!(all.len() > linked.matches.len());
    assert!(linked.matches.iter().all(|m| all.contains(m)));
    let given = linked.report.scores.pairs();
    assert!(given >= linked.matches.len() as u64 && given <= all.len() as u64, "{given} of {}", all.len());
    // A model that labels have changed is taken as it is and judges again.
    let truth: std::collections::HashSet<_> = world.truth.iter().cloned().collect();
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    let seen: Vec<Sighting> = all
        .iter()
        .map(|m| Sighting {
            pattern: m.pattern,
            bits: m.bits,
            same: truth.contains(&(text(list.key(m.left)), text(&m.right))),
        })
        .collect();
    let labelled = linked.model.with_labels(&seen).unwrap();
    let said = labelled.labelled.unwrap();
    assert!(said.pairs == all.len() as u64 && said.surprise <= said.surprise_before, "{said:?}");
    let (blocks, columns) = BlockReader::new(&registry[..]).unwrap();
    let again = link(&list, &blocks, &columns, &labelled, Options { train: false, ..TRAIN }).unwrap();
    assert_eq!(again.model.labelled, Some(said));
    let right =
        |l: &Linked| l.matches.iter().filter(|m| truth.contains(&(text(list.key(m.left)), text(&m.right)))).count();
    assert!(right(&again) + 3 >= right(&linked), "{} after {}", right(&again), right(&linked));
}

#[test]
fn results_depend_neither_on_threads_nor_on_the_order_of_rows() {
    let mut world = world(800);
    let (list, registry) = (file("qid", &world.list), file("rid", &world.registry));
    for options in [TRAIN, Options { one_to_one: false, min_bits: -8.0, ..TRAIN }] {
        let (first, linked) = run(&list, &registry, &Model::prior(), Options { threads: 1, ..options });
        assert!(first.len() > 100);
        let mut dice = Dice(99);
        for _ in 0..3 {
            for rows in [&mut world.list, &mut world.registry] {
                for i in (1..rows.len()).rev() {
                    rows.swap(i, dice.roll(i + 1));
                }
            }
            let (list, registry) = (file("qid", &world.list), file("rid", &world.registry));
            let (other, relinked) = run(&list, &registry, &Model::prior(), Options { threads: 3, ..options });
            assert_eq!(first, other);
            assert_eq!(linked.model, relinked.model);
        }
    }
}

#[test]
fn kin_at_the_same_address_and_phone_is_no_match() {
    let registry = b"rid,name,sex,id_no,birth,phone,village,address\n\
        R1,\xe7\x8e\x8b\xe5\xbb\xba\xe5\x9b\xbd,\xe7\x94\xb7,,1960-05-06,12000000001,990101101201,3\xe7\xbb\x845\xe5\x8f\xb7\n";
    let list = "qid,name,sex,id_no,birth,phone,village,address\n\
        Q1,王建国,男,,1960-05-06,,990101101201,三组5户\n\
        Q2,王芳,女,,1988-11-20,12000000001,990101101201,3组5号\n";
    let options = Options { min_bits: -20.0, ..Options::default() };
    let (found, _) = run(list.as_bytes(), registry, &Model::prior(), options);
    let bits = |q: &str| found.iter().find(|(k, _, _)| k == q).map(|(_, _, b)| *b);
    assert!(bits("Q1").unwrap() > 5.0, "{found:?}");
    assert!(bits("Q2").is_none_or(|b| b < -5.0), "{found:?}");
}

#[test]
fn hostile_input_neither_panics_nor_grows() {
    let huge = "王".repeat(350_000);
    let mut rows = vec![
        format!("A1,{huge},男,{huge},{huge},{huge},{huge},{huge}"),
        "A2,,,,,,,".to_owned(),
        "A3,\0\0,\0,\0,\0,\0,\0,\0".to_owned(),
        "A4,𠮷田·😀,x,999999999999999999,0000-00-00,0,999999999999999,９９组０号".to_owned(),
        "A5,\"quo\"\"ted\",男".to_owned(),
    ];
    let list = file("qid", &rows);
    rows.rotate_left(2);
    let registry = file("rid", &rows[..4]);
    for (a, b) in [(&list, &registry), (&registry, &list)] {
        for train in [false, true] {
            let key = |text: &[u8]| String::from_utf8_lossy(&text[..3]).into_owned();
            let _ = key(a);
            let fixed = String::from_utf8_lossy(b).replacen("qid", "rid", 1);
            let (found, linked) =
                run(a, fixed.as_bytes(), &Model::prior(), Options { train, min_bits: -50.0, ..TRAIN });
            assert!(found.iter().all(|(_, _, bits)| bits.is_finite()));
            assert!(linked.report.list > 0);
        }
    }
    // Nothing on one side or both.
    let empty = file("qid", &[]);
    for (a, b) in [(&empty, &registry), (&list, &empty), (&empty, &empty)] {
        let (found, linked) = run(a, b, &Model::prior(), TRAIN);
        assert!(found.is_empty());
        assert!(Model::from_toml(&linked.model.to_toml().unwrap()).is_ok());
    }
}

#[test]
fn one_giant_block_is_left_out_and_reported() {
    let same = |key: char, n: usize| -> Vec<String> {
        (0..n).map(|i| format!("{key}{i:06},王伟,男,,1980-01-01,12000000000,990101101201,3组5号")).collect()
    };
    let (list, registry) = (file("qid", &same('Q', 5_000)), file("rid", &same('R', 5_000)));
    let (found, linked) = run(&list, &registry, &Model::prior(), TRAIN);
    assert!(found.is_empty() && linked.report.pairs == 0);
    assert!(linked.report.rules.iter().any(|r| r.crowded_rows == 5_000));
    // One row against as many: candidates are sifted, and that is said.
    let (_, linked) = run(&file("qid", &same('Q', 1)), &registry, &Model::prior(), Options { train: false, ..TRAIN });
    assert_eq!(linked.report.kept, stream::MOST as u64);
    assert_eq!(linked.report.dropped, 5_000 - stream::MOST as u64);
}

#[test]
fn a_row_that_never_ends_is_an_error() {
    struct Endless;
    impl std::io::Read for Endless {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            into.fill(b'a');
            Ok(into.len())
        }
    }
    use std::io::Read;
    let start: &[u8] = b"rid,name\nR1,\"";
    let (blocks, _) = BlockReader::new(start.chain(Endless)).unwrap();
    let error = blocks.next_block(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
}
