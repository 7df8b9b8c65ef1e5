//! A province of several counties, streamed: more data than memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashSet;
use std::io::BufReader;

use synth::{Config, Shape, write_province};

/// The most memory that this process has had, in bytes; none where the system does not tell.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Rows of one of the files, one by one; the second argument finds a column.
fn each(path: &std::path::Path, mut row: impl FnMut(&csv::StringRecord, &dyn Fn(&str) -> usize)) {
    let mut reader = csv::Reader::from_reader(BufReader::new(std::fs::File::open(path).unwrap()));
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| {
        headers.iter().position(|h| h.trim_start_matches('\u{feff}') == name).unwrap_or_else(|| panic!("no {name}"))
    };
    for record in reader.records() {
        row(&record.unwrap(), &column);
    }
}

#[test]
fn several_counties_in_a_stream() {
    const PERSONS: u64 = 240_000;
    let dir = tempfile::tempdir().unwrap();
    let config = Config { persons: PERSONS, seed: 6, ..Config::default() };
    let manifest = write_province(&config, dir.path(), Shape::Bulk, &mut |_| {}).unwrap();
    let most = peak();
    let path = |kind: &str| dir.path().join(&manifest.files.iter().find(|f| f.kind == kind).unwrap().path);
    let bytes: u64 = manifest.files.iter().map(|f| std::fs::metadata(dir.path().join(&f.path)).unwrap().len()).sum();
    if let Some(most) = most {
        assert!(most < 64 << 20 && most < bytes / 2, "{most} bytes of memory for {bytes} bytes of files");
    }

    let mut planted = HashSet::new();
    each(&path("truth_quality"), |r, column| {
        planted.insert(r[column("household_no")].to_owned());
    });
    let (mut codes, mut names) = (HashSet::new(), HashSet::new());
    let mut by_code = std::collections::HashMap::new();
    each(&path("divisions"), |r, column| {
        if r[column("停用日期")].is_empty() {
            let (code, name, parent) = (&r[column("行政区划代码")], &r[column("名称")], &r[column("上级代码")]);
            assert!(codes.insert(code.to_owned()), "{code} twice");
            assert!(names.insert((parent.to_owned(), name.to_owned())), "{name} twice under {parent}");
            by_code.insert(code.to_owned(), name.to_owned());
            if let Some(kind) = codes::division::VillageKind::of(code) {
                assert!(!kind.denied_by(name), "{code} {name}");
            }
            let class = &r[column("城乡分类代码")];
            assert!(class.is_empty() || codes::division::UrbanRural::parse(class).is_some(), "{class}");
        }
    });
    for (parent, name) in &names {
        assert!(parent.is_empty() || codes.contains(parent), "{name} under {parent}, which is not there");
    }
    // Names from the county down, as the households' rows give them.
    let mut paths = HashSet::new();
    for (code, village) in by_code.iter().filter(|(code, _)| code.len() == 12) {
        paths.insert((by_code[&code[..6]].clone(), by_code[&code[..9]].clone(), village.clone()));
    }
    let (mut counties, mut households, mut phones) = (HashSet::new(), HashSet::new(), HashSet::new());
    each(&path("household"), |r, column| {
        let place = (r[column("县")].to_owned(), r[column("乡")].to_owned(), r[column("村")].to_owned());
        assert!(paths.contains(&place), "{place:?} is in no division");
        counties.insert(place.0);
        assert!(households.insert(r[column("户编号")].to_owned()));
        if !planted.contains(&r[column("户编号")]) {
            assert!(phones.insert(r[column("户联系电话")].to_owned()), "a telephone of two households");
        }
    });
    assert!(counties.len() >= 2, "{counties:?}");
    let (mut ids, mut rows, mut own) = (HashSet::new(), 0, HashSet::new());
    each(&path("person"), |r, column| {
        rows += 1;
        if planted.contains(&r[column("户编号")]) {
            return;
        }
        let read = codes::citizen_id::read(&r[column("证件号码")]).unwrap();
        assert!(ids.insert(read.id), "{:?} twice", read.id);
        let phone = &r[column("成员联系电话")];
        assert!(phone.is_empty() || own.insert(phone.to_owned()), "{phone} twice");
    });
    assert!(rows > PERSONS - 3_000 && rows <= PERSONS, "{rows} rows");
}
