//! Links or dedupes CSV files by a schema: `schema SCHEMA OUT LEFT [RIGHT] [--one-to-one] [--min BITS] [--threads N]`.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::Instant;

use linkage::schema::{DedupeOptions, LinkOptions, Rows, Schema, dedupe, link};

fn main() -> Result<(), Box<dyn Error>> {
    let mut files = Vec::new();
    let (mut one_to_one, mut explain, mut min_bits, mut threads) = (false, false, 0.0, 2);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--one-to-one" => one_to_one = true,
            "--explain" => explain = true,
            "--min" => min_bits = words.next().ok_or("no bits")?.parse()?,
            "--threads" => threads = words.next().ok_or("no number of threads")?.parse()?,
            _ => files.push(word),
        }
    }
    let clock = Instant::now();
    let [schema, out, data @ ..] = files.as_slice() else {
        return Err("SCHEMA OUT LEFT [RIGHT]".into());
    };
    let schema = Schema::from_toml(&std::fs::read_to_string(schema)?)?;
    let sides: Vec<Rows> = data
        .iter()
        .enumerate()
        .map(|(side, file)| Ok::<_, Box<dyn Error>>(Rows::read(&schema, side, File::open(file)?)?))
        .collect::<Result<_, _>>()?;
    let read = clock.elapsed().as_secs_f64();
    let mut file = BufWriter::new(File::create(out)?);
    let (report, model) = match sides.as_slice() {
        [rows] => {
            let found = dedupe(&schema, rows, &DedupeOptions { threads, min_bits, model: None })?;
            writeln!(file, "id,cluster")?;
            for (row, cluster) in found.clusters.iter().enumerate() {
                file.write_all(rows.key(row as u32))?;
                file.write_all(b",")?;
                file.write_all(rows.key(*cluster))?;
                file.write_all(b"\n")?;
            }
            (found.report, found.model)
        }
        [left, right] => {
            let found = link(&schema, left, right, &LinkOptions { threads, one_to_one, min_bits, model: None })?;
            writeln!(file, "qid,rid,score")?;
            for (at, pair) in found.pairs.iter().enumerate() {
                file.write_all(left.key(pair.left))?;
                file.write_all(b",")?;
                file.write_all(right.key(pair.right))?;
                write!(file, ",{:.4}", pair.bits)?;
                if explain {
                    let parts = found.explain(at);
                    let parts = parts.iter().map(|e| format!("{}={}:{:+.1}", e.part, e.level, e.bits));
                    write!(file, ",{}", parts.collect::<Vec<_>>().join(" | "))?;
                }
                writeln!(file)?;
            }
            (found.report, found.model)
        }
        _ => return Err("one or two files".into()),
    };
    file.flush()?;
    eprintln!(
        "read {read:.3} s, prepare/find/learn/decide {:.3?} s, all {:.3} s",
        report.seconds,
        clock.elapsed().as_secs_f64()
    );
    for rule in &report.rules {
        eprintln!(
            "  {:50} {:>9} pairs, {} blocks with {} pairs left out",
            rule.rule, rule.pairs, rule.dropped_blocks, rule.dropped_pairs
        );
    }
    eprintln!(
        "{} pairs, {:.0} matches, {} rounds, converged {}",
        report.pairs, model.matches, model.rounds, model.converged
    );
    if explain {
        for c in &model.comparison {
            for l in &c.level {
                eprintln!("  {:20} {:50} m {:.5} u {:.7} {:+.2}", c.name, l.level, l.m, l.u, l.bits);
            }
        }
    }
    Ok(())
}
