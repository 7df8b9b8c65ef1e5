use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::engine::tests::{Dice, TRAIN, file, run, world};
use crate::engine::{BlockReader, Linked, List, Model, Options, Report};

mod writing;

/// A folder of its own that goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("resident-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("register.tzr")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn pack(path: &Path, registry: &[u8]) -> PackReport {
    let (blocks, columns) = BlockReader::new(registry).unwrap();
    Resident::pack(path, &blocks, &columns, 2).unwrap()
}

fn update(path: &Path, rows: &[u8], removed: &[&str]) -> UpdateReport {
    let (blocks, columns) = BlockReader::new(rows).unwrap();
    let removed: Vec<Box<[u8]>> = removed.iter().map(|key| key.as_bytes().into()).collect();
    Resident::update(path, Some((&blocks, &columns)), &removed, 2).unwrap()
}

fn list_of(list: &[u8]) -> List {
    let (blocks, columns) = BlockReader::new(list).unwrap();
    List::read(&blocks, &columns).unwrap()
}

/// The same pairs, bits, patterns, model and report, but for the time it took.
fn same(streamed: &Linked, looked_up: &Linked) {
    let plain = |linked: &Linked| -> Vec<_> {
        linked.matches.iter().map(|m| (m.left, m.right.clone(), m.bits.to_bits(), m.pattern)).collect()
    };
    // Not printed: keys may be long.
    assert!(plain(streamed) == plain(looked_up));
    assert_eq!(streamed.model, looked_up.model);
    let timeless = |linked: &Linked| Report { seconds: [0.0; 4], ..linked.report.clone() };
    assert_eq!(timeless(streamed), timeless(looked_up));
}

fn check(register: &Resident, list: &[u8], registry: &[u8], options: Options) -> Linked {
    let (_, streamed) = run(list, registry, &Model::prior(), options);
    let looked_up = register.link(&list_of(list), &Model::prior(), options).unwrap();
    same(&streamed, &looked_up);
    looked_up
}

/// Nothing is learned: what is looked at is the file.
const GIVEN: Options = Options { train: false, ..TRAIN };

fn all_ways() -> [Options; 3] {
    [TRAIN, Options { train: false, threads: 1, ..TRAIN }, Options { one_to_one: false, min_bits: -12.0, ..TRAIN }]
}

#[test]
fn a_list_meets_the_same_persons_packed_or_streamed() {
    let folder = Folder::new("same");
    let world = world(3_000);
    let (list, registry) = (file("qid", &world.list), file("rid", &world.registry));
    let report = pack(&folder.file(), &registry);
    assert_eq!(report.rows, world.registry.len() as u64);
    assert_eq!(report.bytes, fs::metadata(folder.file()).unwrap().len());
    let register = Resident::open(&folder.file()).unwrap();
    assert_eq!((register.len(), register.bytes()), (report.rows, report.bytes));
    register.check().unwrap();
    for options in all_ways() {
        let linked = check(&register, &list, &registry, options);
        assert!(linked.matches.len() > 500);
        assert!(
            linked
                .explain()
                .all(|(m, evidence)| { (evidence.iter().map(|e| e.bits).sum::<f64>() - m.bits).abs() < 1e-6 })
        );
    }
}

#[test]
fn the_file_is_the_same_for_any_order_of_rows() {
    let folder = Folder::new("order");
    let mut world = world(300);
    pack(&folder.file(), &file("rid", &world.registry));
    let first = fs::read(folder.file()).unwrap();
    let mut dice = Dice(3);
    for i in (1..world.registry.len()).rev() {
        world.registry.swap(i, dice.roll(i + 1));
    }
    pack(&folder.file(), &file("rid", &world.registry));
    assert!(first == fs::read(folder.file()).unwrap());
}

/// Rows that meet often: few values of everything, empty and odd ones among them.
fn odd_row() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "王伟",
        "王玮",
        "章伟",
        "张伟",
        "买买提·艾力",
        "艾力",
        "买买提·买买提",
        "王",
        "",
        "Li Wei",
        "𠮷田",
        "王小明",
        "王晓明",
        "\u{0}",
    ]);
    let id = prop::sample::select(vec![
        "340323196503121012",
        "340323196503121013",
        "3403**********1012",
        "340323650312101",
        "34032319650312101",
        "",
        "990101198001010012",
        "************1012",
    ]);
    let birth = prop::sample::select(vec!["1965-03-12", "1965-12-03", "1980-01-01", "", "1966-03-12"]);
    let phone = prop::sample::select(vec!["12000000001", "12000000002", "", "0"]);
    let village = prop::sample::select(vec!["990101101201", "990101101202", "990101101", "990101", "南村", "", "99"]);
    let address = prop::sample::select(vec!["3组5号", "三组5户", "", "4组"]);
    let sex = prop::sample::select(vec!["男", "女", ""]);
    (name, sex, id, birth, phone, village, address)
        .prop_map(|(n, s, i, b, p, v, a)| format!("{n},{s},{i},{b},{p},{v},{a}"))
}

fn numbered(key: &str, rows: &[String]) -> Vec<String> {
    rows.iter().enumerate().map(|(i, row)| format!("{key}{i:03},{row}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_rows_meet_the_same(
        list in prop::collection::vec(odd_row(), 0..80),
        registry in prop::collection::vec(odd_row(), 0..120),
        way in 0usize..3,
    ) {
        let folder = Folder::new("any");
        let (list, registry) = (file("qid", &numbered("Q", &list)), file("rid", &numbered("R", &registry)));
        pack(&folder.file(), &registry);
        check(&Resident::open(&folder.file()).unwrap(), &list, &registry, all_ways()[way]);
    }

    #[test]
    fn updates_are_what_a_fresh_pack_is(
        list in prop::collection::vec(odd_row(), 1..40),
        registry in prop::collection::vec(odd_row(), 40..90),
        changes in prop::collection::vec(prop::collection::vec((0usize..100, prop::option::of(odd_row())), 0..9), 1..4),
        way in 0usize..3,
    ) {
        let folder = Folder::new("update");
        let mut rows: std::collections::BTreeMap<String, String> =
            registry.into_iter().enumerate().map(|(i, row)| (format!("R{i:03}"), row)).collect();
        let text = |rows: &std::collections::BTreeMap<String, String>| {
            file("rid", &rows.iter().map(|(key, row)| format!("{key},{row}")).collect::<Vec<_>>())
        };
        pack(&folder.file(), &text(&rows));
        for step in changes {
            let step: std::collections::BTreeMap<String, Option<String>> =
                step.into_iter().map(|(i, row)| (format!("R{i:03}"), row)).collect();
            let mut expected = UpdateReport::default();
            let (mut put, mut removed) = (Vec::new(), Vec::new());
            for (key, row) in &step {
                let had = match row {
                    Some(row) => {
                        put.push(format!("{key},{row}"));
                        rows.insert(key.clone(), row.clone()).is_some()
                    }
                    None => {
                        removed.push(key.as_str());
                        rows.remove(key).is_some()
                    }
                };
                match (row, had) {
                    (Some(_), true) => expected.changed += 1,
                    (Some(_), false) => expected.added += 1,
                    (None, true) => expected.removed += 1,
                    (None, false) => expected.unknown += 1,
                }
            }
            let report = update(&folder.file(), &file("rid", &put), &removed);
            expected.rows = rows.len() as u64;
            prop_assert_eq!(UpdateReport { bytes: 0, whole: false, seconds: 0.0, ..report }, expected);
        }
        let register = Resident::open(&folder.file()).unwrap();
        register.check().unwrap();
        prop_assert_eq!(register.len(), rows.len() as u64);
        check(&register, &file("qid", &numbered("Q", &list)), &text(&rows), all_ways()[way]);
    }
}

#[test]
fn a_weeks_changes_stay_beside_the_register_until_they_are_many() {
    let folder = Folder::new("week");
    let mut world = world(600);
    let list = file("qid", &world.list);
    pack(&folder.file(), &file("rid", &world.registry));
    let before = fs::read(folder.file()).unwrap();
    let open = Resident::open(&folder.file()).unwrap();
    let first = check(&open, &list, &file("rid", &world.registry), TRAIN);

    // Twenty move and get a phone of all of them, ten are gone, ten are new.
    let changed: Vec<String> = (0..20)
        .map(|i| {
            world.registry[i * 7].split(',').take(5).collect::<Vec<_>>().join(",") + ",12099999999,990101101999,1组1号"
        })
        .collect();
    let gone: Vec<String> = (0..10).map(|i| world.registry[200 + i].split(',').next().unwrap().to_owned()).collect();
    let new: Vec<String> = (0..10).map(|i| format!("N{i},王新人,男,,1990-01-0{},,990101101201,", i % 9 + 1)).collect();
    for row in &changed {
        let key = row.split(',').next().unwrap();
        let at = world.registry.iter().position(|r| r.split(',').next() == Some(key)).unwrap();
        world.registry[at] = row.clone();
    }
    world.registry.retain(|row| !gone.iter().any(|key| row.split(',').next() == Some(key)));
    world.registry.extend(new.iter().cloned());
    let removed: Vec<&str> = gone.iter().map(String::as_str).chain(["nobody"]).collect();
    let report = update(&folder.file(), &file("rid", &[changed, new].concat()), &removed);
    assert_eq!((report.changed, report.added, report.removed, report.unknown), (20, 10, 10, 1));
    assert!(!report.whole && report.bytes < before.len() as u64 / 4);
    let after = fs::read(folder.file()).unwrap();
    assert!(before[..4_000] == after[..4_000] && before[4_096..] == after[4_096..]);
    let now = Resident::open(&folder.file()).unwrap();
    check(&now, &list, &file("rid", &world.registry), TRAIN);
    // Who had it open still sees what was there.
    same(&first, &open.link(&list_of(&list), &Model::prior(), TRAIN).unwrap());

    let many: Vec<String> = (0..600).map(|i| format!("M{i},王许多,男,,1990-01-01,,990101101201,")).collect();
    world.registry.extend(many.iter().cloned());
    assert!(update(&folder.file(), &file("rid", &many), &[]).whole);
    assert!(!changes_of(&folder.file()).exists());
    check(&Resident::open(&folder.file()).unwrap(), &list, &file("rid", &world.registry), TRAIN);
}

#[test]
fn one_person_is_found_by_whatever_is_typed() {
    let folder = Folder::new("find");
    let rows = [
        "R1,王小明,男,340323196503121012,1965-03-12,12000000001,990101101201,3组5号",
        "R2,王晓明,男,,1971-08-09,12000000002,990101101201,3组6号",
        "R3,欧阳娜,女,340323199001010029,1990-01-01,12000000003,990101102201,1组1号",
        "R4,买买提·艾力,男,,1988-02-03,,990101102201,1组2号",
        "R5,王雪梅,女,,1999-09-09,,990102101201,1组2号",
    ]
    .map(str::to_owned);
    pack(&folder.file(), &file("rid", &rows));
    let finder = Finder::new(Arc::new(Resident::open(&folder.file()).unwrap()), &Model::prior()).unwrap();
    let ask = |name: &str, village: &str, birth: &str, id: &str| -> Vec<String> {
        let row = Row {
            name: name.as_bytes(),
            village: village.as_bytes(),
            birth: birth.as_bytes(),
            id_no: id.as_bytes(),
            ..Row::default()
        };
        let answer = finder.find(&row, 10).unwrap();
        for m in &answer.matches {
            let sum: f64 = finder.explain(m).iter().map(|e| e.bits).sum();
            assert!((sum - m.bits).abs() < 1e-3, "{sum} {}", m.bits);
        }
        answer.matches.iter().map(|m| String::from_utf8_lossy(&m.right).into_owned()).collect()
    };
    assert_eq!(ask("王小明", "990101101201", "1965-03-12", "340323196503121012")[0], "R1");
    assert_eq!(ask("王晓明", "990101101201", "", ""), ["R2", "R1"]);
    assert_eq!(ask("王小明", "", "", ""), ["R1", "R2"]);
    assert_eq!(ask("wangxiaoming", "990101", "1971-08-09", ""), ["R2"]);
    assert_eq!(ask("Wang Xiao Ming", "", "", "").len(), 2);
    assert_eq!(ask("wxm", "990101", "", ""), ["R1", "R2"]);
    assert_eq!(ask("wxm", "990102", "", ""), ["R5"]);
    assert_eq!(ask("ouyangna", "990101102", "", ""), ["R3"]);
    assert_eq!(ask("艾力", "990101102201", "", ""), ["R4"]);
    assert_eq!(ask("", "", "", "3403231990"), ["R3"]);
    assert_eq!(ask("", "", "", "340323").len(), 2);
    assert_eq!(ask("", "", "", "34032319650312101"), ["R1"]);
    assert_eq!(ask("", "", "", "110101"), [""; 0]);
    assert_eq!(ask("", "", "", ""), [""; 0]);
    assert_eq!(ask("xqzvvk", "990101", "", ""), [""; 0]);
    assert_eq!(ask(&"an".repeat(24), "990101", "", ""), [""; 0]);
}

#[test]
fn an_answer_says_what_was_too_much() {
    let folder = Folder::new("crowd");
    let same: Vec<String> = (0..9_000)
        .map(|i| format!("R{i:06},王伟,男,340323198001010012,1980-01-01,12000000000,990101101201,3组5号"))
        .collect();
    pack(&folder.file(), &file("rid", &same));
    let register = Resident::open(&folder.file()).unwrap();
    for (rows, kept) in [(1, 48), (60, 0)] {
        let list: Vec<String> = (0..rows)
            .map(|i| format!("Q{i:06},王伟,男,340323198001010012,1980-01-01,12000000000,990101101201,3组5号"))
            .collect();
        let linked = check(&register, &file("qid", &list), &file("rid", &same), Options { train: false, ..TRAIN });
        assert_eq!(linked.report.kept, kept);
        assert_eq!(linked.report.dropped, if rows == 1 { 9_000 - 48 } else { 0 });
    }
    let finder = Finder::new(Arc::new(register), &Model::prior()).unwrap();
    let row = Row { name: "王伟".as_bytes(), birth: b"1980-01-01", ..Row::default() };
    let answer = finder.find(&row, 10).unwrap();
    assert!(answer.matches.is_empty() && answer.crowded.contains(&"given_birth"), "{answer:?}");
    let answer = finder.find(&Row { id_no: b"3403231980", ..Row::default() }, 10).unwrap();
    assert_eq!((answer.pairs, answer.crowded), (0, vec!["id_prefix"]));
}

#[test]
fn a_block_beyond_what_is_taken_together_is_taken_in_parts() {
    let folder = Folder::new("parts");
    let same: Vec<String> = (0..120_000)
        .map(|i| format!("R{i:06},王伟,男,340323198001010012,1980-01-01,12000000000,990101101201,3组5号"))
        .collect();
    let registry = file("rid", &same);
    pack(&folder.file(), &registry);
    let list: Vec<String> =
        (0..3).map(|i| format!("Q{i},王伟,男,340323198001010012,1980-01-01,12000000000,990101101201,3组5号")).collect();
    let register = Resident::open(&folder.file()).unwrap();
    let linked = check(&register, &file("qid", &list), &registry, Options { train: false, ..TRAIN });
    assert_eq!(linked.report.pairs, 360_000);
}

#[test]
fn hostile_registers_are_packed_and_met() {
    let folder = Folder::new("hostile");
    let huge = "王".repeat(350_000);
    let rows = vec![
        format!("A1{huge},{huge},男,{huge},{huge},{huge},{huge},{huge}"),
        "A2,,,,,,,".to_owned(),
        "A3,\0\0,\0,\0,\0,\0,\0,\0".to_owned(),
        "A4,𠮷田·😀,x,999999999999999999,0000-00-00,0,999999999999999,９９组０号".to_owned(),
        "A4,Ωмега·ابن,x,34032319800101001x,1980-02-31,12000000000,北村,3组5号".to_owned(),
    ];
    let registry = file("rid", &rows);
    pack(&folder.file(), &registry);
    let register = Resident::open(&folder.file()).unwrap();
    register.check().unwrap();
    let list = file("qid", &rows);
    for options in all_ways() {
        check(&register, &list, &registry, Options { min_bits: -50.0, ..options });
        check(&register, &file("qid", &[]), &registry, options);
    }
    let finder = Finder::new(Arc::new(register), &Model::prior()).unwrap();
    let row = Row { name: huge.as_bytes(), id_no: huge.as_bytes(), village: huge.as_bytes(), ..Row::default() };
    assert!(finder.find(&row, 10).unwrap().matches.iter().any(|m| m.right.len() == 2 + huge.len()));
    // Nobody at all.
    pack(&folder.file(), &file("rid", &[]));
    let register = Resident::open(&folder.file()).unwrap();
    assert!(register.is_empty());
    check(&register, &list, &file("rid", &[]), TRAIN);
    let finder = Finder::new(Arc::new(register), &Model::prior()).unwrap();
    assert_eq!(finder.find(&row, 10).unwrap(), Answer { asked: 1, ..Answer::default() });
}

#[test]
fn a_file_that_is_not_what_was_written_is_refused() {
    let folder = Folder::new("refused");
    let path = folder.file();
    let open = |path: &Path| Resident::open(path).map(|_| ());
    assert!(matches!(open(&path), Err(ResidentError::File { .. })));
    for text in [&b""[..], b"rid,name\n", &[0; 10_000]] {
        fs::write(&path, text).unwrap();
        assert!(matches!(open(&path), Err(ResidentError::Foreign { .. })));
    }
    let world = world(40);
    pack(&path, &file("rid", &world.registry));
    let sound = fs::read(&path).unwrap();
    for length in [9, 4_095, 4_096, 5_000, sound.len() - 1] {
        fs::write(&path, &sound[..length]).unwrap();
        let wanted = matches!(open(&path), Err(ResidentError::Cut { .. }));
        assert!(wanted, "{length}: {:?}", open(&path));
    }
    fs::write(&path, [&sound[..], b"x"].concat()).unwrap();
    assert!(matches!(open(&path), Err(ResidentError::Damaged { .. })));
    let mut newer = sound.clone();
    newer[8] = 3;
    fs::write(&path, &newer).unwrap();
    assert!(matches!(open(&path), Err(ResidentError::Newer { version: 3, .. })));
    let mut older = sound.clone();
    older[8] = 1;
    fs::write(&path, &older).unwrap();
    assert!(matches!(open(&path), Err(ResidentError::Outdated { .. })));
    // A length that no number holds, under a sum that fits.
    for (at, value) in [(48, u64::MAX), (48, u64::MAX - 4_095), (56, u64::MAX), (16, u64::MAX)] {
        let mut forged = sound.clone();
        forged[at..at + 8].copy_from_slice(&value.to_le_bytes());
        file::sign_header(&mut forged);
        fs::write(&path, &forged).unwrap();
        assert!(matches!(open(&path), Err(ResidentError::Damaged { .. } | ResidentError::Cut { .. })), "{at}");
    }
    // Changes of another register, and a file of changes taken for a register.
    fs::write(&path, &sound).unwrap();
    update(&path, b"rid,name\nN1,\xe7\x8e\x8b\n", &[]);
    let changes = changes_of(&path);
    let kept = fs::read(&changes).unwrap();
    pack(&path, &file("rid", &world.registry[1..]));
    assert!(!changes.exists());
    // Once more, since the first knows whose place it took.
    pack(&path, &file("rid", &world.registry[1..]));
    fs::write(&changes, &kept).unwrap();
    assert!(matches!(open(&path), Err(ResidentError::Stray { .. })));
    fs::write(&changes, &kept[..kept.len() - 8]).unwrap();
    assert!(matches!(open(&path), Err(ResidentError::Cut { .. })));
    fs::remove_file(&changes).unwrap();
    fs::write(&path, &kept).unwrap();
    assert!(matches!(open(&path), Err(ResidentError::Stray { .. })));
    // No trace of half-written files: the register and what is locked for writing it.
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 2);
}

#[test]
fn every_flipped_bit_is_found_where_it_is_used_and_nothing_panics() {
    let folder = Folder::new("flipped");
    let world = world(40);
    let (list, registry) = (file("qid", &world.list), file("rid", &world.registry));
    pack(&folder.file(), &registry);
    let list = list_of(&list);
    let sound = fs::read(folder.file()).unwrap();
    let right = Resident::open(&folder.file()).unwrap().link(&list, &Model::prior(), GIVEN).unwrap();
    let mut dice = Dice(17);
    let (mut refused, mut late) = (0, 0);
    for round in 0..120 {
        let mut bytes = sound.clone();
        let at = if round < 30 { dice.roll(4_096) } else { dice.roll(bytes.len()) };
        bytes[at] ^= 1 << dice.roll(8);
        fs::write(folder.file(), &bytes).unwrap();
        let Ok(register) = Resident::open(&folder.file()) else {
            refused += 1;
            continue;
        };
        match register.link(&list, &Model::prior(), GIVEN) {
            Err(_) => late += 1,
            Ok(linked) => same(&right, &linked),
        }
        assert!(matches!(register.check(), Err(ResidentError::Damaged { .. })), "byte {at}");
        let finder = Finder::new(Arc::new(register), &Model::prior()).unwrap();
        let _ = finder.find(&Row { name: "王伟".as_bytes(), id_no: b"990101", ..Row::default() }, 10);
    }
    assert!(refused > 30 && late > 20, "{refused} {late}");
}

/// A file whose sums fit and whose offsets do not: made by somebody who means harm.
#[test]
fn offsets_that_lead_nowhere_are_damage() {
    let folder = Folder::new("forged");
    let world = world(30);
    let list = list_of(&file("qid", &world.list));
    pack(&folder.file(), &file("rid", &world.registry));
    let sound = fs::read(folder.file()).unwrap();
    let sums = u64::from_le_bytes(sound[48..56].try_into().unwrap()) as usize;
    let mut dice = Dice(5);
    for _ in 0..80 {
        let mut bytes = sound.clone();
        // Noise over a part of the sections, then sums that say that all is well.
        let from = 4_096 + dice.roll(sums - 4_096);
        let to = (from + 1 + dice.roll(2_000)).min(sums);
        for byte in &mut bytes[from..to] {
            *byte = dice.roll(256) as u8;
        }
        file::sign(&mut bytes);
        fs::write(folder.file(), &bytes).unwrap();
        let Ok(register) = Resident::open(&folder.file()) else {
            continue;
        };
        register.check().unwrap();
        let _ = register.link(&list, &Model::prior(), GIVEN);
        let _ = Resident::update(&folder.file(), None, &[b"R000001"[..].into()], 2);
        let _ = fs::remove_file(changes_of(&folder.file()));
        let finder = Finder::new(Arc::new(register), &Model::prior()).unwrap();
        let _ = finder.find(&Row { name: "王伟".as_bytes(), id_no: b"990101", ..Row::default() }, 10);
    }
}
