//! Several writers, and writers that are stopped half way.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::super::file;
use super::*;

/// Keys of everybody in the register.
fn keys(register: &Resident) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for (at, segment) in register.segments.iter().enumerate() {
        for row in (0..segment.rows).filter(|row| !register.is_dead(at, *row)) {
            keys.insert(String::from_utf8_lossy(segment.key(row)).into_owned());
        }
    }
    keys
}

fn row(key: &str) -> Vec<u8> {
    file("rid", &[format!("{key},新来,男,,1990-01-01,,990101101201,1组1号")])
}

fn files(folder: &Folder) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(&folder.0).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn updates_at_once_all_count_and_readers_see_one_or_the_other() {
    let folder = Folder::new("at-once");
    let path = folder.file();
    let world = world(200);
    pack(&path, &file("rid", &world.registry));
    let before = Resident::open(&path).unwrap().len();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let path = &path;
                scope.spawn(move || {
                    // Enough of them that the register is written anew in between.
                    for round in 0..8 {
                        let rows: Vec<String> = (0..6).map(|i| format!("N{writer}-{round}-{i},新来,男,,,,,")).collect();
                        update(path, &file("rid", &rows), &[]);
                    }
                })
            })
            .collect();
        let reader = scope.spawn(|| {
            let (mut last, mut looks) = (before, 0);
            while !done.load(Ordering::Relaxed) {
                let register = Resident::open(&path).unwrap();
                let now = register.len();
                assert!(now >= last && (now - before).is_multiple_of(6), "{now} after {last}");
                (last, looks) = (now, looks + 1);
            }
            looks
        });
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 3);
    });
    let register = Resident::open(&path).unwrap();
    assert_eq!(register.len(), before + 4 * 8 * 6);
    assert_eq!(keys(&register).iter().filter(|key| key.starts_with('N')).count(), 4 * 8 * 6);
    assert!(!Resident::is_being_written(&path));
}

#[test]
fn whoever_writes_holds_off_others() {
    let folder = Folder::new("held");
    let path = folder.file();
    pack(&path, &row("R1"));
    let guard = Guard::take(&path).unwrap();
    assert!(Resident::is_being_written(&path));
    assert_eq!(Resident::open(&path).unwrap().len(), 1, "readers do not wait");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| update(&path, &row("R2"), &[]));
        std::thread::sleep(Duration::from_millis(50));
        assert!(!waiting.is_finished());
        drop(guard);
        assert_eq!(waiting.join().unwrap().added, 1);
    });
}

#[test]
fn a_register_that_lost_its_changes_says_so() {
    let folder = Folder::new("lost");
    let (path, beside) = (folder.file(), changes_of(&folder.file()));
    let world = world(100);
    pack(&path, &file("rid", &world.registry));
    let fresh = fs::read(&path).unwrap();
    update(&path, &row("N1"), &[]);
    let first = fs::read(&beside).unwrap();
    update(&path, &row("N2"), &[]);
    let second = fs::read(&beside).unwrap();
    let both = keys(&Resident::open(&path).unwrap());
    // All that was written into the register is which changes it has.
    let marked = fs::read(&path).unwrap();
    assert!(fresh[..4_072] == marked[..4_072] && fresh[4_088..] == marked[4_088..] && fresh != marked);

    fs::remove_file(&beside).unwrap();
    assert!(matches!(Resident::open(&path), Err(ResidentError::Lost { path }) if path == beside));
    let refused = Resident::update(&path, None, &[b"N1"[..].into()], 1);
    assert!(matches!(refused, Err(ResidentError::Lost { .. })), "{refused:?}");
    fs::write(&beside, &first).unwrap();
    assert!(matches!(Resident::open(&path), Err(ResidentError::Behind { path }) if path == beside));
    fs::write(&beside, &second).unwrap();
    assert_eq!(keys(&Resident::open(&path).unwrap()), both);
    // A mark that is none of ours.
    let mut spoilt = marked.clone();
    spoilt[4_075] ^= 1;
    fs::write(&path, &spoilt).unwrap();
    assert!(matches!(Resident::open(&path), Err(ResidentError::Damaged { at: 4_072, .. })));
    // Packed again it needs nothing.
    fs::write(&path, &marked).unwrap();
    fs::remove_file(&beside).unwrap();
    pack(&path, &file("rid", &world.registry));
    assert_eq!(Resident::open(&path).unwrap().len(), world.registry.len() as u64);
    assert!(fresh == fs::read(&path).unwrap());
}

#[test]
fn an_update_that_stops_before_its_mark_counts() {
    let folder = Folder::new("unmarked");
    let path = folder.file();
    let world = world(100);
    pack(&path, &file("rid", &world.registry));
    for round in ["N1", "N2", "N3"] {
        update(&path, &row(round), &[]);
        // Stopped between the name of the changes and the mark.
        let own = Packed::open(&path).unwrap().own();
        let before = Packed::open(&changes_of(&path)).unwrap().about().before;
        assert_eq!(before == 0, round == "N1");
        file::mark(&path, own, before).unwrap();
        assert!(keys(&Resident::open(&path).unwrap()).contains(round));
    }
    assert_eq!(Resident::open(&path).unwrap().len(), world.registry.len() as u64 + 3);
}

#[test]
fn a_register_that_was_written_anew_ignores_what_it_holds_already() {
    let folder = Folder::new("anew");
    let (path, beside) = (folder.file(), changes_of(&folder.file()));
    let world = world(40);
    pack(&path, &file("rid", &world.registry));
    update(&path, &row("N1"), &[]);
    let left = fs::read(&beside).unwrap();
    let many: Vec<String> = (0..60).map(|i| format!("M{i},王许多,男,,1990-01-01,,990101101201,")).collect();
    assert!(update(&path, &file("rid", &many), &["N1"]).whole);
    let whole = keys(&Resident::open(&path).unwrap());
    assert!(!whole.contains("N1"));
    // Stopped after the register had its name and before the changes were gone.
    fs::write(&beside, &left).unwrap();
    assert_eq!(keys(&Resident::open(&path).unwrap()), whole);
    update(&path, &row("N2"), &[]);
    assert_eq!(Resident::open(&path).unwrap().len(), whole.len() as u64 + 1);
    // The same where somebody packs it.
    let left = fs::read(&beside).unwrap();
    pack(&path, &row("P1"));
    fs::write(&beside, &left).unwrap();
    assert_eq!(keys(&Resident::open(&path).unwrap()).len(), 1);
}

#[test]
fn what_killed_writers_left_is_taken_away_and_nothing_else() {
    let folder = Folder::new("parts");
    let path = folder.file();
    let parts = [".register.tzr.123.part", ".register.tzr.changes.77.part"];
    let others = [".register.tzr.old.123.part", ".register.tzr.part", "register.tzr.123.part", ".other.tzr.1.part"];
    for name in parts.iter().chain(&others) {
        fs::write(folder.0.join(name), "half").unwrap();
    }
    pack(&path, &row("R1"));
    let mut expected: Vec<String> = others.iter().map(|name| (*name).to_owned()).collect();
    expected.extend(["register.tzr".to_owned(), "register.tzr.lock".to_owned()]);
    expected.sort();
    assert_eq!(files(&folder), expected);
}

const KILLED: &str = "LINKAGE_TEST_UPDATE";

/// Run by [`killed_updates_leave_a_register_before_or_after`] in a program of its own; alone it does nothing.
#[test]
fn an_update_to_be_killed() {
    let Ok(path) = std::env::var(KILLED) else {
        return;
    };
    for round in 0.. {
        let rows: Vec<String> = (0..40).map(|i| format!("K{round}-{i},新来,男,,1990-01-01,,990101101201,")).collect();
        update(Path::new(&path), &file("rid", &rows), &[]);
    }
}

#[test]
fn killed_updates_leave_a_register_before_or_after() {
    let folder = Folder::new("killed");
    let path = folder.file();
    let world = world(150);
    let registry = file("rid", &world.registry);
    let mut grown = 0;
    for attempt in 0..12u64 {
        pack(&path, &registry);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "engine::resident::tests::writing::an_update_to_be_killed"])
            .env(KILLED, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(30 + attempt * 13));
        child.kill().unwrap();
        child.wait().unwrap();
        let register = Resident::open(&path).unwrap();
        register.check().unwrap();
        let more = register.len() - world.registry.len() as u64;
        assert_eq!(more % 40, 0, "half an update");
        grown += more;
        // The next one is neither held off nor confused.
        let report = update(&path, &row("after"), &[]);
        assert_eq!((report.added, report.rows), (1, register.len() + 1));
        assert!(files(&folder).iter().all(|name| !name.ends_with(".part")), "{:?}", files(&folder));
    }
    assert!(grown > 0, "no update was ever done");
}
