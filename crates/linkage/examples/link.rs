//! Links two CSV files: `link LIST REGISTRY OUT [--train] [--one-to-one] [--model FILE] [--save FILE] [--threads N]`.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};

use linkage::engine::{BlockReader, List, Model, Options, RULES, link};

fn main() -> Result<(), Box<dyn Error>> {
    let mut files = Vec::new();
    let mut options = Options { threads: 2, min_bits: -10.0, ..Options::default() };
    let (mut model, mut save, mut explain) = (None, None, false);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--train" => options.train = true,
            "--one-to-one" => options.one_to_one = true,
            "--model" => model = words.next(),
            "--save" => save = words.next(),
            "--explain" => explain = true,
            "--threads" => options.threads = words.next().ok_or("no number of threads")?.parse()?,
            _ => files.push(word),
        }
    }
    let [list, registry, out] = files.as_slice() else {
        return Err("LIST REGISTRY OUT".into());
    };
    let clock = std::time::Instant::now();
    let (blocks, columns) = BlockReader::new(File::open(list)?)?;
    let list = List::read_with(&blocks, &columns, options.threads)?;
    let read = clock.elapsed().as_secs_f64();
    let (blocks, columns) = BlockReader::new(File::open(registry)?)?;
    let model = model.map_or_else(
        || Ok(Model::prior()),
        |f| Ok::<_, Box<dyn Error>>(Model::from_toml(&std::fs::read_to_string(f)?)?),
    )?;
    let linked = link(&list, &blocks, &columns, &model, options)?;
    let mut file = BufWriter::new(File::create(out)?);
    writeln!(file, "qid,rid,score")?;
    for (m, evidence) in linked.explain() {
        file.write_all(list.key(m.left))?;
        file.write_all(b",")?;
        file.write_all(&m.right)?;
        write!(file, ",{:.3}", m.bits)?;
        if explain {
            let parts: Vec<String> =
                evidence.iter().map(|e| format!("{}:{}:{:.1}", e.field, e.level, e.bits)).collect();
            write!(file, ",{}", parts.join(" "))?;
        }
        writeln!(file)?;
    }
    file.flush()?;
    if let Some(save) = save {
        std::fs::write(save, linked.model.to_toml()?)?;
    }
    let r = &linked.report;
    eprintln!(
        "{} x {}: {} pairs, {} kept, {} dropped, {} matches, recall {:?}; read {read:.2} s, index/stream/train/score {:.2?} s, all {:.2} s",
        r.list,
        r.registry,
        r.pairs,
        r.kept,
        r.dropped,
        linked.matches.len(),
        r.recall,
        r.seconds,
        clock.elapsed().as_secs_f64()
    );
    for (name, rule) in RULES.iter().zip(&r.rules) {
        eprintln!("{name:20} {rule:?}");
    }
    if let Some(t) = &linked.model.training {
        eprintln!("{t:?} matches/row {:.4} kin/row {:.4}", linked.model.matches_per_row, linked.model.kin_per_row);
    }
    Ok(())
}
