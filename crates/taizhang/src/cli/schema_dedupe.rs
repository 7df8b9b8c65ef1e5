//! Rows of one CSV file of any kind that are the same, found by what a schema file says of its columns.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use linkage::schema::{DedupeOptions, Deduped, Rows, dedupe};

use super::CliError;
use super::link::{at, field};
use super::schema_link::{model_trouble, read_model, read_rows, read_schema, report, threads, write_model};
use crate::platform::Lang;

/// What to dedupe, and how.
#[derive(Debug, Clone, Copy)]
pub struct SchemaDedupe<'a> {
    /// What columns there are and how they are compared.
    pub schema: &'a Path,
    /// The CSV file.
    pub input: &'a Path,
    /// File to write: id, cluster (the key of the cluster's first row).
    pub out: &'a Path,
    /// The model to judge by; with `train` the file to save what was learned in.
    pub model: Option<&'a Path>,
    /// Learn a model, even where one is given.
    pub train: bool,
    /// Bits that what joins a cluster must reach.
    pub min_weight: f64,
    /// Threads; none: one for each core.
    pub threads: Option<usize>,
}

/// Runs it.
///
/// # Errors
/// Where a file cannot be read, written or understood.
pub fn run(args: &SchemaDedupe<'_>, lang: Lang, json: bool) -> Result<(), CliError> {
    let schema = read_schema(args.schema)?;
    let model = read_model(args.model, args.train)?;
    let rows = read_rows(&schema, 0, args.input)?;
    let options = DedupeOptions { threads: threads(args.threads), min_bits: args.min_weight, model };
    let found = dedupe(&schema, &rows, &options).map_err(model_trouble(args.model.unwrap_or(args.input)))?;
    write(args.out, &rows, &found).map_err(at(args.out))?;
    write_model(args.model, args.train, &found.model)?;
    let clusters = found.clusters.iter().enumerate().filter(|(row, cluster)| *row == **cluster as usize).count();
    super::out::line(report(&found.report, &found.model, ("schema-clusters", clusters), lang, json));
    Ok(())
}

fn write(path: &Path, rows: &Rows, found: &Deduped) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 18, File::create(path)?);
    out.write_all(b"id,cluster\n")?;
    for (row, cluster) in found.clusters.iter().enumerate() {
        field(&mut out, rows.key(row as u32))?;
        out.write_all(b",")?;
        field(&mut out, rows.key(*cluster))?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_and_clusters_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let schema = "key = 'id'\n[[column]]\nname = 'name'\nkind = 'name'\n[[column]]\nname = 'born'\nkind = 'date'\n";
        std::fs::write(path("s.toml"), schema).unwrap();
        let mut data = "id,name,born\n".to_owned();
        for i in 0..200 {
            let name = format!("{}{}", ["ann", "berta", "carl", "dora"][i % 4], (b'a' + (i / 8) as u8) as char);
            data += &format!("{i},{name},19{:02}-0{}-1{}\n{i}x,{name},19{0:02}-0{1}-1{2}\n", i / 2, 1 + i % 9, i % 10);
        }
        std::fs::write(path("in.csv"), data).unwrap();
        let (schema, input, out, model) = (path("s.toml"), path("in.csv"), path("out.csv"), path("m.toml"));
        let args = SchemaDedupe {
            schema: &schema,
            input: &input,
            out: &out,
            model: Some(&model),
            train: true,
            min_weight: 0.0,
            threads: Some(2),
        };
        run(&args, Lang::En, true).unwrap();
        let clusters = std::fs::read_to_string(&out).unwrap();
        assert_eq!(clusters.lines().count(), 401);
        assert!(clusters.contains("\n7x,7\n"), "{clusters}");
        // The model that was saved judges the same way.
        run(&SchemaDedupe { train: false, ..args }, Lang::En, false).unwrap();
        assert_eq!(std::fs::read_to_string(&out).unwrap(), clusters);
    }
}
