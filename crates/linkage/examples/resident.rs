//! A packed register by hand:
//!
//!     resident pack   REGISTER.csv REGISTER.tzr
//!     resident update REGISTER.tzr CHANGED.csv|- [REMOVED.csv]
//!     resident link   LIST.csv REGISTER.tzr OUT.csv [--train] [--model MODEL.toml] [--threads N]
//!     resident ask    LIST.csv REGISTER.tzr [--model MODEL.toml]        how long single questions take
//!     resident find   REGISTER.tzr NAME [VILLAGE] [BIRTH] [ID]
//!     resident check  REGISTER.tzr
//!     resident read   REGISTER.csv        how long it takes to find the fields of a CSV: what linking it cannot go below

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use linkage::engine::{BlockReader, Blocks, Finder, List, Model, Options, RULES, Resident, Row};

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let mut options = Options { threads: 2, one_to_one: true, min_bits: -10.0, ..Options::default() };
    let mut model = Model::prior();
    let mut words = Vec::new();
    let mut args = std::env::args().skip(1);
    while let Some(word) = args.next() {
        match word.as_str() {
            "--train" => options.train = true,
            "--model" => model = Model::from_toml(&std::fs::read_to_string(args.next().ok_or("no model")?)?)?,
            "--threads" => options.threads = args.next().ok_or("no number")?.parse()?,
            _ => words.push(word),
        }
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["pack", register, out] => {
            let (blocks, columns) = BlockReader::new(File::open(register)?)?;
            println!("{:?}", Resident::pack(Path::new(out), &blocks, &columns, options.threads)?);
            Ok(())
        }
        ["update", register, changed, removed @ ..] => {
            update(register, changed, removed.first().copied(), options.threads)
        }
        ["link", list, register, out] => link(list, register, out, &model, options),
        ["ask", list, register] => ask(list, register, &model),
        ["find", register, name, rest @ ..] => find(register, name, rest, &model),
        ["read", register] => read(register, options.threads),
        ["check", register] => Ok(Resident::open(Path::new(register))?.check()?),
        _ => Err("pack, update, link, ask, find or check".into()),
    }
}

fn read(register: &str, threads: usize) -> Outcome {
    let clock = Instant::now();
    let (blocks, columns) = BlockReader::new(File::open(register)?)?;
    let rows = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let (mut block, mut own) = (Vec::new(), 0);
                while blocks.next_block(&mut block).is_ok_and(|more| more) {
                    columns.each(&block, |row| own += u64::from(!std::hint::black_box(row).key.is_empty()));
                }
                rows.fetch_add(own, std::sync::atomic::Ordering::Relaxed);
            });
        }
    });
    println!("{} rows, {:.3} s", rows.into_inner(), clock.elapsed().as_secs_f64());
    Ok(())
}

fn update(register: &str, changed: &str, removed: Option<&str>, threads: usize) -> Outcome {
    let changed = if changed == "-" { None } else { Some(BlockReader::new(File::open(changed)?)?) };
    let changed = changed.as_ref().map(|(blocks, columns)| (blocks as &dyn Blocks, columns));
    let mut keys: Vec<Box<[u8]>> = Vec::new();
    if let Some(removed) = removed {
        let (blocks, columns) = BlockReader::new(File::open(removed)?)?;
        let mut block = Vec::new();
        while blocks.next_block(&mut block)? {
            columns.each(&block, |row| keys.push(row.key.into()));
        }
    }
    println!("{:?}", Resident::update(Path::new(register), changed, &keys, threads)?);
    Ok(())
}

fn link(list: &str, register: &str, out: &str, model: &Model, options: Options) -> Outcome {
    let clock = Instant::now();
    let (blocks, columns) = BlockReader::new(File::open(list)?)?;
    let list = List::read_with(&blocks, &columns, options.threads)?;
    let read = clock.elapsed().as_secs_f64();
    let register = Resident::open(Path::new(register))?;
    let opened = clock.elapsed().as_secs_f64() - read;
    let linked = register.link(&list, model, options)?;
    let mut file = BufWriter::with_capacity(1 << 18, File::create(out)?);
    writeln!(file, "qid,rid,score")?;
    for m in &linked.matches {
        file.write_all(list.key(m.left))?;
        file.write_all(b",")?;
        file.write_all(&m.right)?;
        writeln!(file, ",{:.3}", m.bits)?;
    }
    file.flush()?;
    let r = &linked.report;
    eprintln!(
        "{} x {}: {} pairs, {} kept, {} dropped, {} matches; list {read:.3} s, open {opened:.3} s, index/look up/train/score {:.3?} s, all {:.3} s",
        r.list,
        r.registry,
        r.pairs,
        r.kept,
        r.dropped,
        linked.matches.len(),
        r.seconds,
        clock.elapsed().as_secs_f64()
    );
    for (name, rule) in RULES.iter().zip(&r.rules) {
        eprintln!("{name:20} {rule:?}");
    }
    Ok(())
}

/// What of a row is asked for.
type Part = fn(Row<'_>) -> Row<'_>;

fn ask(list: &str, register: &str, model: &Model) -> Outcome {
    let finder = Finder::new(Arc::new(Resident::open(Path::new(register))?), model)?;
    let (blocks, columns) = BlockReader::new(File::open(list)?)?;
    let mut block = Vec::new();
    let kinds: [(&str, Part); 4] = [
        ("the whole row", |row| row),
        ("name and village", |row| Row { key: row.key, name: row.name, village: row.village, ..Row::default() }),
        ("name only", |row| Row { key: row.key, name: row.name, ..Row::default() }),
        ("first 10 digits of the ID", |row| Row { id_no: row.id_no.get(..10).unwrap_or_default(), ..Row::default() }),
    ];
    let mut times = kinds.map(|_| (Vec::new(), 0u64, 0u64));
    while blocks.next_block(&mut block)? {
        columns.each(&block, |row| {
            for ((_, of), (times, pairs, crowded)) in kinds.iter().zip(&mut times) {
                if times.len() == 12_000 {
                    continue;
                }
                let clock = Instant::now();
                if let Ok(answer) = finder.find(&of(*row), 10) {
                    times.push(clock.elapsed().as_secs_f64() * 1e6);
                    *pairs += answer.pairs;
                    *crowded += u64::from(!answer.crowded.is_empty());
                }
            }
        });
    }
    for ((what, _), (times, pairs, crowded)) in kinds.iter().zip(&mut times) {
        // The first fetch what lies on disk or was not mapped yet.
        let mut warm = times.split_off(2_000.min(times.len()));
        warm.sort_by(f64::total_cmp);
        let at = |share: f64| warm.get((warm.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
        println!(
            "{what}: {} questions, p50 {:.0} us, p99 {:.0} us, slowest {:.0} us; {:.0} compared each, {crowded} crowded",
            warm.len(),
            at(0.5),
            at(0.99),
            warm.last().copied().unwrap_or(f64::NAN),
            *pairs as f64 / 12_000.0
        );
    }
    Ok(())
}

fn find(register: &str, name: &str, rest: &[&str], model: &Model) -> Outcome {
    let finder = Finder::new(Arc::new(Resident::open(Path::new(register))?), model)?;
    let part = |at: usize| rest.get(at).map_or(&[][..], |text| text.as_bytes());
    let row = Row { name: name.as_bytes(), village: part(0), birth: part(1), id_no: part(2), ..Row::default() };
    let answer = finder.find(&row, 10)?;
    println!("{} compared, left out: {:?}", answer.pairs, answer.crowded);
    for m in &answer.matches {
        let evidence: Vec<String> =
            finder.explain(m).iter().map(|e| format!("{} {} {:+.1}", e.field, e.level, e.bits)).collect();
        println!("{} {:.1}: {}", String::from_utf8_lossy(&m.right), m.bits, evidence.join(", "));
    }
    Ok(())
}
