//! Finds duplicates: `dedupe REGISTER OUT [CLUSTERS] [--train] [--model FILE] [--save FILE] [--min BITS] [--threads N]`.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};

use linkage::engine::{BlockReader, DedupeOptions, Model, RULES, Register, dedupe};

fn main() -> Result<(), Box<dyn Error>> {
    let mut files = Vec::new();
    let mut options = DedupeOptions { threads: 2, ..DedupeOptions::default() };
    let (mut model, mut save, mut explain) = (None, None, false);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--train" => options.train = true,
            "--model" => model = words.next(),
            "--save" => save = words.next(),
            "--explain" => explain = true,
            "--min" => options.min_bits = words.next().ok_or("no number of bits")?.parse()?,
            "--threads" => options.threads = words.next().ok_or("no number of threads")?.parse()?,
            _ => files.push(word),
        }
    }
    let [register, out, clusters @ ..] = files.as_slice() else {
        return Err("REGISTER OUT [CLUSTERS]".into());
    };
    let clock = std::time::Instant::now();
    let (blocks, columns) = BlockReader::new(File::open(register)?)?;
    let register = Register::read(&blocks, &columns, options.threads)?;
    let read = clock.elapsed().as_secs_f64();
    let model = model.map_or_else(
        || Ok(Model::prior()),
        |f| Ok::<_, Box<dyn Error>>(Model::from_toml(&std::fs::read_to_string(f)?)?),
    )?;
    let found = dedupe(&register, &model, options)?;
    let mut file = BufWriter::new(File::create(out)?);
    writeln!(file, "rid_a,rid_b,score")?;
    let line = |file: &mut BufWriter<File>, pair: &linkage::engine::Duplicate| -> std::io::Result<()> {
        file.write_all(register.key(pair.left))?;
        file.write_all(b",")?;
        file.write_all(register.key(pair.right))?;
        write!(file, ",{:.4}", pair.bits)
    };
    if explain {
        for (pair, evidence) in found.explain() {
            line(&mut file, pair)?;
            let parts: Vec<String> =
                evidence.iter().map(|e| format!("{}:{}:{:.1}", e.field, e.level, e.bits)).collect();
            writeln!(file, ",{}", parts.join(" "))?;
        }
    } else {
        for pair in &found.pairs {
            line(&mut file, pair)?;
            writeln!(file)?;
        }
    }
    file.flush()?;
    if let Some(path) = clusters.first() {
        let mut file = BufWriter::new(File::create(path)?);
        writeln!(file, "cluster,rid")?;
        for cluster in &found.clusters {
            for member in cluster {
                file.write_all(register.key(cluster[0]))?;
                file.write_all(b",")?;
                file.write_all(register.key(*member))?;
                file.write_all(b"\n")?;
            }
        }
        file.flush()?;
    }
    if let Some(save) = save {
        std::fs::write(save, found.model.to_toml()?)?;
    }
    let r = &found.report;
    eprintln!(
        "{} rows: {} pairs, {} kept, {} dropped, {} duplicates, recall {:?}, sizes {:?}, largest {}, greedy {}; read {read:.2} s, search/train/score/cluster {:.2?} s, all {:.2} s",
        r.rows,
        r.pairs,
        r.kept,
        r.dropped,
        found.pairs.len(),
        r.recall,
        r.sizes,
        r.largest_component,
        r.greedy,
        r.seconds,
        clock.elapsed().as_secs_f64()
    );
    for (name, rule) in RULES.iter().zip(&r.rules) {
        eprintln!("{name:20} {rule:?}");
    }
    if let Some(t) = &found.model.training {
        eprintln!("{t:?}");
    }
    eprintln!("matches/row {:.5} kin/row {:.4}", found.model.matches_per_row, found.model.kin_per_row);
    Ok(())
}
