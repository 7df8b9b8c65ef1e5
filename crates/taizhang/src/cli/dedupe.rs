//! `taizhang dedupe`: a register held against itself: who is registered twice. Of a CSV file without an installation, or of
//! an installation's own register.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use linkage::engine::{DedupeOptions, Deduped, Duplicate, Evidence, RULES, Register, dedupe};

use super::link::{at, bits, failed, field, read_model, threads, write_evidence, wrong_model};
use super::outputs::{Named, Outputs, named};
use super::rows::{Warnings, open};
use super::schema_dedupe::SchemaDedupe;
use super::{CliError, Env, Table, Trouble};
use crate::compare::duplicates;
use crate::platform::jobs::Progress;
use crate::platform::{Lang, i18n};

/// Find persons who are registered more than once: in a CSV file, or in the installation's own register
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The installation's own register instead of a file; the pairs wait on the page of duplicates
    #[arg(long, conflicts_with_all = ["input", "out", "schema", "clusters", "model", "train", "explain", "min_weight",
        "threads"])]
    register: bool,
    /// The register
    #[arg(long = "in", value_name = "CSV", required_unless_present = "register")]
    input: Option<PathBuf>,
    /// File to write: rid_a, rid_b, score, cluster; with --schema: id, cluster
    #[arg(long, value_name = "CSV", required_unless_present = "register")]
    out: Option<PathBuf>,
    /// The columns are those that this file describes, not those of persons (docs/schemas.md)
    #[arg(long, value_name = "TOML", conflicts_with_all = ["clusters", "explain"])]
    schema: Option<PathBuf>,
    /// File to write: cluster, rid; the rows of each person who is registered more than once
    #[arg(long, value_name = "CSV")]
    clusters: Option<PathBuf>,
    /// The model to judge by; with --train, the file to save what was learned in [default: the one that comes along]
    #[arg(long, value_name = "TOML")]
    model: Option<PathBuf>,
    /// Learn a model from this very register and judge by it
    #[arg(long)]
    train: bool,
    /// Write a fifth column: what speaks for and against each pair, in bits
    #[arg(long)]
    explain: bool,
    /// Leave out pairs below so many bits [default: 2, with --schema 0]
    #[arg(long, value_name = "BITS", value_parser = bits, allow_negative_numbers = true)]
    min_weight: Option<f64>,
    /// Threads; the result does not depend on it [default: one for each core]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl Args {
    /// Whether it works on files alone, so that no installation is needed.
    pub(super) fn is_about_files(&self) -> bool {
        !self.register
    }

    /// The file to read and the file to write.
    fn files(&self) -> Result<(&PathBuf, &PathBuf), CliError> {
        match (&self.input, &self.out) {
            (Some(input), Some(out)) => Ok((input, out)),
            _ => Err(Trouble::Usage("--in, --out".to_owned()).into()),
        }
    }

    /// What is to be written, before anything is read.
    fn plan<'p>(&'p self, input: &'p Path, out: &'p Path) -> Result<Outputs, CliError> {
        let mut inputs: Vec<Named<'p>> = vec![("--in", input)];
        inputs.extend(named("--schema", &self.schema));
        let mut outputs: Vec<Named<'p>> = vec![("--out", out)];
        outputs.extend(named("--clusters", &self.clusters));
        let model = named("--model", &self.model);
        if self.train {
            outputs.extend(model)
        } else {
            inputs.extend(model)
        }
        Ok(Outputs::plan(&inputs, &outputs)?)
    }
}

/// Holds the installation's own register against itself.
///
/// # Errors
/// As [`duplicates::duplicates`].
pub async fn register(env: &Env) -> Result<(), CliError> {
    let progress = Progress::default();
    let bar = env.progress_bar(&progress);
    let report = duplicates::duplicates(&env.app, &env.actor, &progress).await?;
    drop(bar);
    env.print(&serde_json::json!(report), || {
        let mut table = Table::new([env.t("link-what"), env.t("link-count")]);
        for (key, count) in [
            ("link-registry", report.persons),
            ("link-pairs", report.compared),
            ("dedupe-duplicates", report.found),
            ("duplicate-cli-added", report.added),
            ("duplicate-cli-gone", report.gone),
            ("dedupe-persons", report.clusters),
        ] {
            table.row([env.t(key), count.to_string()]);
        }
        if report.dropped > 0 {
            table.row([env.t("dedupe-dropped"), report.dropped.to_string()]);
        }
        if let Some(recall) = report.recall {
            table.row([env.t("link-recall"), format!("{:.2}%", recall * 100.0)]);
        }
        format!("{table}{}\n", env.t("duplicate-nothing-merged"))
    });
    Ok(())
}

/// Runs the command on files.
///
/// # Errors
/// [`super::link::LinkTrouble`] where a file cannot be read, written or understood.
pub fn run(args: &Args, lang: Lang, json: bool) -> Result<(), CliError> {
    let (input, out) = args.files()?;
    let outputs = args.plan(input, out)?;
    let Some(schema) = &args.schema else {
        return persons(args, (input, out), outputs, lang, json);
    };
    let args = SchemaDedupe {
        schema,
        input,
        out,
        model: args.model.as_deref(),
        train: args.train,
        min_weight: args.min_weight.unwrap_or(0.0),
        threads: args.threads,
    };
    super::schema_dedupe::run(&args, outputs, lang, json)
}

/// A register of persons.
fn persons(
    args: &Args,
    (input, out): (&PathBuf, &PathBuf),
    mut outputs: Outputs,
    lang: Lang,
    json: bool,
) -> Result<(), CliError> {
    let mut warnings = Warnings::default();
    let model = read_model(args.model.as_deref().filter(|_| !args.train))?;
    let threads = threads(args.threads, lang);
    let (blocks, columns) = open(input)?;
    let register = Register::read(&blocks, &columns, threads).map_err(at(input))?;
    warnings.table(input, &columns)?;
    warnings.add(input, "repeated", register.repeated_keys(), 0);
    let options = DedupeOptions { threads, train: args.train, min_bits: args.min_weight.unwrap_or(DedupeOptions::CUT) };
    let found = dedupe(&register, &model, options).map_err(|e| failed(e, input))?;
    outputs.write(out, |out| write_pairs(out, args.explain, &register, &found))?;
    if let Some(path) = &args.clusters {
        outputs.write(path, |out| write_clusters(out, &register, &found))?;
    }
    if let (Some(path), true) = (&args.model, args.train) {
        let text = found.model.to_toml().map_err(|problem| wrong_model(path, problem))?;
        outputs.write(path, |out| out.write_all(text.as_bytes()))?;
    }
    outputs.commit()?;
    if json {
        let mut report = report_json(&found);
        report["warnings"] = warnings.json();
        super::out::line(report);
    } else {
        super::out::line(format!("{}{}", report_text(&found, lang), warnings.text(lang)).trim_end());
    }
    Ok(())
}

fn write_pairs(out: &mut impl Write, explained: bool, register: &Register, found: &Deduped) -> io::Result<()> {
    let head: &[u8] = if explained { b"rid_a,rid_b,score,cluster,evidence\n" } else { b"rid_a,rid_b,score,cluster\n" };
    out.write_all(head)?;
    let mut row = |pair: &Duplicate, evidence: &[Evidence]| -> io::Result<()> {
        field(out, register.key(pair.left))?;
        out.write_all(b",")?;
        field(out, register.key(pair.right))?;
        write!(out, ",{:.4},", pair.bits)?;
        let first = pair.cluster.and_then(|at| found.clusters.get(at as usize)?.first());
        field(out, first.map_or(&[], |first| register.key(*first)))?;
        if explained {
            out.write_all(b",")?;
            write_evidence(out, evidence)?;
        }
        out.write_all(b"\n")
    };
    if explained {
        for (pair, evidence) in found.explain() {
            row(pair, &evidence)?;
        }
    } else {
        for pair in &found.pairs {
            row(pair, &[])?;
        }
    }
    Ok(())
}

fn write_clusters(out: &mut impl Write, register: &Register, found: &Deduped) -> io::Result<()> {
    out.write_all(b"cluster,rid\n")?;
    for cluster in &found.clusters {
        let first = cluster.first().map_or(&[][..], |first| register.key(*first));
        for member in cluster {
            field(out, first)?;
            out.write_all(b",")?;
            field(out, register.key(*member))?;
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}

fn report_json(found: &Deduped) -> serde_json::Value {
    let r = &found.report;
    let rules: Vec<_> = RULES
        .iter()
        .zip(&r.rules)
        .map(|(name, rule)| {
            serde_json::json!({
                "rule": name, "pairs": rule.pairs, "matches": rule.matches, "matches_alone": rule.matches_alone,
                "crowded_keys": rule.crowded_keys, "crowded_rows": rule.crowded_rows,
                "skipped_pairs": rule.skipped_pairs,
            })
        })
        .collect();
    let sizes: Vec<_> = r.sizes.iter().map(|(rows, persons)| serde_json::json!([rows, persons])).collect();
    serde_json::json!({
        "rows": r.rows, "pairs": r.pairs, "candidates": r.kept, "dropped": r.dropped, "duplicates": found.pairs.len(),
        "alike": r.alike, "skipped_pairs": skipped(found),
        "clusters": found.clusters.len(), "cluster_sizes": sizes, "largest_component": r.largest_component,
        "greedy_components": r.greedy, "rules": rules, "recall_of_rules": r.recall,
        "matches_per_row": found.model.matches_per_row, "training": found.model.training,
        "seconds": { "search": r.seconds[0], "train": r.seconds[1], "score": r.seconds[2], "clusters": r.seconds[3] },
    })
}

/// Pairs that no rule compared because too many rows share the value, each counted under every rule that would have.
fn skipped(found: &Deduped) -> u64 {
    found.report.rules.iter().map(|rule| rule.skipped_pairs).sum()
}

fn report_text(found: &Deduped, lang: Lang) -> String {
    let t = |key: &str| i18n::text(lang, key);
    let r = &found.report;
    let mut table = Table::new([t("link-what"), t("link-count")]);
    for (key, count) in [
        ("link-registry", r.rows),
        ("link-pairs", r.pairs),
        ("dedupe-duplicates", found.pairs.len() as u64),
        ("dedupe-persons", found.clusters.len() as u64),
    ] {
        table.row([t(key), count.to_string()]);
    }
    for (rows, persons) in &r.sizes {
        let key = i18n::text_with(lang, "dedupe-size", &[("rows", rows.to_string())]);
        table.row([key, persons.to_string()]);
    }
    if r.dropped > 0 {
        table.row([t("dedupe-dropped"), r.dropped.to_string()]);
    }
    if r.alike > 0 {
        table.row([t("dedupe-alike"), r.alike.to_string()]);
    }
    if let Some(recall) = r.recall {
        table.row([t("link-recall"), format!("{:.2}%", recall * 100.0)]);
    }
    if let Some(training) = &found.model.training {
        table.row([t("link-rounds"), training.rounds.to_string()]);
        let key = if training.converged { "link-converged" } else { "link-not-converged" };
        table.row([t(key), String::new()]);
    }
    let mut rules = Table::new([
        t("link-rule"),
        t("dedupe-rule-pairs"),
        t("dedupe-rule-matches"),
        t("dedupe-rule-alone"),
        t("link-rule-crowded"),
        t("dedupe-rule-skipped"),
    ]);
    for (name, rule) in RULES.iter().zip(&r.rules) {
        rules.row([
            t(&format!("link-rule-{}", name.replace('_', "-"))),
            rule.pairs.to_string(),
            rule.matches.to_string(),
            rule.matches_alone.to_string(),
            rule.crowded_rows.to_string(),
            rule.skipped_pairs.to_string(),
        ]);
    }
    let mut text = format!("{table}\n{rules}");
    if skipped(found) > 0 {
        let values = [("pairs", skipped(found).to_string()), ("alike", r.alike.to_string())];
        text.push_str(&format!("\n{}\n", i18n::text_with(lang, "dedupe-skipped-sentence", &values)));
    }
    text
}
