//! Rows of one CSV file of any kind that are the same, found by what a schema file says of its columns.

use std::io::{self, Write};
use std::path::Path;

use linkage::schema::{DedupeOptions, Deduped, Rows, dedupe};

use super::CliError;
use super::link::{field, threads};
use super::outputs::Outputs;
use super::rows::Warnings;
use super::schema_link::{Told, model_trouble, read_model, read_rows, read_schema, report, write_model};
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
pub(super) fn run(args: &SchemaDedupe<'_>, mut outputs: Outputs, lang: Lang, json: bool) -> Result<(), CliError> {
    let mut warnings = Warnings::default();
    let schema = read_schema(args.schema)?;
    let model = read_model(args.model, args.train)?;
    let rows = read_rows(&schema, 0, args.input, &mut warnings)?;
    let options = DedupeOptions { threads: threads(args.threads, lang), min_bits: args.min_weight, model };
    let found = dedupe(&schema, &rows, &options).map_err(model_trouble(args.model.unwrap_or(args.input)))?;
    outputs.write(args.out, |out| write(out, &rows, &found))?;
    write_model(&mut outputs, args.model, args.train, &found.model)?;
    outputs.commit()?;
    let clusters = found.clusters.iter().enumerate().filter(|(row, cluster)| *row == **cluster as usize).count();
    let told = Told { outcome: ("schema-clusters", clusters), warnings: &warnings };
    super::out::line(report(&found.report, &found.model, &told, lang, json));
    Ok(())
}

fn write(out: &mut impl Write, rows: &Rows, found: &Deduped) -> io::Result<()> {
    out.write_all(b"id,cluster\n")?;
    for (row, cluster) in found.clusters.iter().enumerate() {
        field(out, rows.key(row as u32))?;
        out.write_all(b",")?;
        field(out, rows.key(*cluster))?;
        out.write_all(b"\n")?;
    }
    Ok(())
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
        let outputs = |train: bool| {
            let model = ("--model", model.as_path());
            let (inputs, outputs) = if train { (vec![], vec![model]) } else { (vec![model], vec![]) };
            let all = [&[("--out", out.as_path())][..], &outputs].concat();
            Outputs::plan(&[&[("--in", input.as_path())][..], &inputs].concat(), &all).unwrap()
        };
        run(&args, outputs(true), Lang::En, true).unwrap();
        let clusters = std::fs::read_to_string(&out).unwrap();
        assert_eq!(clusters.lines().count(), 401);
        assert!(clusters.contains("\n7x,7\n"), "{clusters}");
        // The model that was saved judges the same way.
        run(&SchemaDedupe { train: false, ..args }, outputs(false), Lang::En, false).unwrap();
        assert_eq!(std::fs::read_to_string(&out).unwrap(), clusters);
    }
}
