//! `taizhang link`: two CSV files linked by themselves, without an installation.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use linkage::engine::{
    BlockReader, Columns, Evidence, LinkError, Linked, List, Malformed, Match, Model, ModelProblem, Options, RULES,
    Resident, ResidentError, link,
};

use super::{CliError, Table};
use crate::compare::DEFAULT_MODEL;
use crate::platform::{ErrorKind, Lang, UserError, i18n};

/// Link two CSV files: who on the list is who in the register
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The list
    #[arg(long, value_name = "CSV")]
    pub(super) left: PathBuf,
    /// The register
    #[arg(long, value_name = "CSV", required_unless_present = "register", conflicts_with = "register")]
    pub(super) right: Option<PathBuf>,
    /// The register, packed by `taizhang pack`
    #[arg(long, value_name = "TZR", conflicts_with = "schema")]
    register: Option<PathBuf>,
    /// File to write: qid, rid, score
    #[arg(long, value_name = "CSV")]
    pub(super) out: PathBuf,
    /// What other columns there are and how they are compared, where the files do not hold persons of a register
    #[arg(long, value_name = "TOML")]
    schema: Option<PathBuf>,
    /// Give each row one person at most, and each person one row: the best assignment as a whole
    #[arg(long)]
    pub(super) one_to_one: bool,
    /// The model to judge by; with --train, the file to save what was learned in [default: the one that comes along]
    #[arg(long, value_name = "TOML")]
    pub(super) model: Option<PathBuf>,
    /// Learn a model from these two files and judge by it
    #[arg(long)]
    pub(super) train: bool,
    /// Write a fourth column: what speaks for and against each pair, in bits
    #[arg(long)]
    pub(super) explain: bool,
    /// Leave out pairs below so many bits
    #[arg(long, value_name = "BITS", default_value_t = 0.0, allow_negative_numbers = true)]
    pub(super) min_weight: f64,
    /// Threads; the result does not depend on it [default: one for each core]
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<usize>,
}

/// What goes wrong with the files.
#[derive(Debug, thiserror::Error)]
pub enum LinkTrouble {
    /// A file cannot be read or written.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        why: String,
    },
    /// A column is not there.
    #[error("{path} has no column {column}")]
    Column {
        /// The file.
        path: String,
        /// The column.
        column: String,
    },
    /// A row does not end.
    #[error("{path} has a row that does not end")]
    LongRow {
        /// The file.
        path: String,
    },
    /// The model file is none.
    #[error("{path}: {why}")]
    Model {
        /// The file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// A packed register cannot be used.
    #[error(transparent)]
    Packed(ResidentError),
}

impl UserError for LinkTrouble {
    fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "cli.link_file",
            Self::Column { .. } => "cli.link_column",
            Self::LongRow { .. } => "cli.link_row",
            Self::Model { .. } => "cli.link_model",
            Self::Packed(problem) => match problem {
                ResidentError::File { .. } => "cli.link_file",
                ResidentError::Foreign { .. } => "cli.packed_foreign",
                ResidentError::Newer { .. } => "cli.packed_newer",
                ResidentError::Outdated { .. } => "cli.packed_outdated",
                ResidentError::Cut { .. } => "cli.packed_cut",
                ResidentError::Stray { .. } => "cli.packed_stray",
                ResidentError::Lost { .. } => "cli.packed_lost",
                ResidentError::Behind { .. } => "cli.packed_behind",
                ResidentError::Damaged { .. } | ResidentError::Read(_) | ResidentError::Model(_) => {
                    "cli.packed_damaged"
                }
            },
        }
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::File { path, why } | Self::Model { path, why } => vec![("path", path.clone()), ("why", why.clone())],
            Self::Column { path, column } => vec![("path", path.clone()), ("column", column.clone())],
            Self::LongRow { path } => vec![("path", path.clone())],
            Self::Packed(problem) => {
                let path = |path: &Path| ("path", path.display().to_string());
                match problem {
                    ResidentError::File { path: file, error } => vec![path(file), ("why", error.to_string())],
                    ResidentError::Cut { path: file, length, wanted } => {
                        vec![path(file), ("length", length.to_string()), ("wanted", wanted.to_string())]
                    }
                    ResidentError::Damaged { path: file, at } => vec![path(file), ("at", at.to_string())],
                    ResidentError::Foreign { path: file }
                    | ResidentError::Newer { path: file, .. }
                    | ResidentError::Outdated { path: file }
                    | ResidentError::Stray { path: file }
                    | ResidentError::Lost { path: file }
                    | ResidentError::Behind { path: file } => vec![path(file)],
                    ResidentError::Read(_) | ResidentError::Model(_) => Vec::new(),
                }
            }
        }
    }
}

/// Of a packed register; `rows` is the CSV that was read, where one was.
pub(super) fn packed(rows: &Path) -> impl Fn(ResidentError) -> LinkTrouble {
    move |problem| match problem {
        ResidentError::Read(error) => at(rows)(error),
        ResidentError::Model(e) => LinkTrouble::Model { path: String::new(), why: e.to_string() },
        problem => LinkTrouble::Packed(problem),
    }
}

/// As many as were asked for, or one for each core.
pub(super) fn threads(wanted: Option<usize>) -> usize {
    wanted.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

pub(super) fn at(path: &Path) -> impl Fn(std::io::Error) -> LinkTrouble {
    let path = path.display().to_string();
    move |error| {
        let path = path.clone();
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Malformed>()) {
            Some(Malformed::Column(column)) => LinkTrouble::Column { path, column: (*column).to_owned() },
            Some(Malformed::LongRow) => LinkTrouble::LongRow { path },
            None => LinkTrouble::File { path, why: error.to_string() },
        }
    }
}

pub(super) fn open(path: &Path) -> Result<(BlockReader<File>, Columns), LinkTrouble> {
    let file = File::open(path).map_err(at(path))?;
    BlockReader::new(file).map_err(at(path))
}

/// The model of a file, else the one that comes along.
pub(super) fn read_model(path: Option<&Path>) -> Result<Model, LinkTrouble> {
    let (name, text) = match path {
        Some(path) => (path, std::fs::read_to_string(path).map_err(at(path))?),
        None => (Path::new("default.toml"), DEFAULT_MODEL.to_owned()),
    };
    Model::from_toml(&text).map_err(|e| wrong_model(name, &e))
}

pub(super) fn wrong_model(path: &Path, why: &ModelProblem) -> LinkTrouble {
    LinkTrouble::Model { path: path.display().to_string(), why: why.to_string() }
}

pub(super) fn read_list(path: &Path, threads: usize) -> Result<List, LinkTrouble> {
    let (blocks, columns) = open(path)?;
    List::read_with(&blocks, &columns, threads).map_err(at(path))
}

/// Why linking to the register of this file failed.
pub(super) fn failed(error: LinkError, register: &Path) -> LinkTrouble {
    match error {
        LinkError::Read(error) => at(register)(error),
        LinkError::Model(e) => LinkTrouble::Model { path: String::new(), why: e.to_string() },
    }
}

/// Runs the command.
///
/// # Errors
/// [`LinkTrouble`] where a file cannot be read, written or understood.
pub fn run(args: &Args, lang: Lang, json: bool) -> Result<(), CliError> {
    if let Some(schema) = &args.schema {
        return super::schema_link::run(args, schema, lang, json);
    }
    let model = read_model(args.model.as_deref().filter(|_| !args.train))?;
    let options = Options {
        threads: threads(args.threads),
        one_to_one: args.one_to_one,
        train: args.train,
        min_bits: args.min_weight,
    };
    let list = read_list(&args.left, options.threads)?;
    let linked = match (&args.register, &args.right) {
        (Some(path), _) => {
            let register = Resident::open(path).map_err(packed(path))?;
            register.link(&list, &model, options).map_err(packed(path))?
        }
        (None, Some(path)) => {
            let (blocks, columns) = open(path)?;
            link(&list, &blocks, &columns, &model, options).map_err(|e| failed(e, path))?
        }
        (None, None) => return Err(super::Trouble::Usage(i18n::text(lang, "link-usage")).into()),
    };
    write(args, &list, &linked).map_err(at(&args.out))?;
    if let (Some(path), true) = (&args.model, args.train) {
        let text = linked.model.to_toml().map_err(|e| wrong_model(path, &e))?;
        std::fs::write(path, text).map_err(at(path))?;
    }
    if json {
        let mut report = report_json(&linked);
        report["outlook"] = super::model::outlook_json(&linked.report.outlook(args.min_weight, &linked.model));
        super::out::line(report);
    } else {
        super::out::line(report_text(&linked, lang));
        let outlook = linked.report.outlook(args.min_weight, &linked.model);
        super::out::line(super::model::sentence(&outlook, lang));
    }
    Ok(())
}

/// A number with four decimals, as `{:.4}` writes it but for ties; formatting exactly takes as long as judging.
fn ten_thousandths(out: &mut impl Write, value: f64) -> std::io::Result<()> {
    let scaled = (value * 10_000.0).round();
    if scaled.abs() >= 1e15 || scaled.is_nan() {
        return write!(out, "{value:.4}");
    }
    let all = scaled.abs() as u64;
    let sign = if scaled < 0.0 { "-" } else { "" };
    write!(out, "{sign}{}.{:04}", all / 10_000, all % 10_000)
}

fn write(args: &Args, list: &List, linked: &Linked) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 18, File::create(&args.out)?);
    out.write_all(if args.explain { b"qid,rid,score,evidence\n" } else { b"qid,rid,score\n" })?;
    let mut row = |m: &Match, evidence: &[Evidence]| -> std::io::Result<()> {
        field(&mut out, list.key(m.left))?;
        out.write_all(b",")?;
        field(&mut out, &m.right)?;
        out.write_all(b",")?;
        ten_thousandths(&mut out, m.bits)?;
        if args.explain {
            out.write_all(b",")?;
            write_evidence(&mut out, evidence)?;
        }
        out.write_all(b"\n")
    };
    if args.explain {
        for (m, evidence) in linked.explain() {
            row(m, &evidence)?;
        }
    } else {
        for m in &linked.matches {
            row(m, &[])?;
        }
    }
    out.flush()
}

/// What speaks for and against a pair: field=level:bits, separated by blanks.
pub(super) fn write_evidence(out: &mut impl Write, evidence: &[Evidence]) -> std::io::Result<()> {
    for (at, e) in evidence.iter().enumerate() {
        let gap = if at == 0 { "" } else { " " };
        let level = if e.level.is_empty() { String::new() } else { format!("={}", e.level) };
        write!(out, "{gap}{}{level}:{:+.1}", e.field, e.bits)?;
    }
    Ok(())
}

/// A field as RFC 4180 wants it.
pub(super) fn field(out: &mut impl Write, text: &[u8]) -> std::io::Result<()> {
    if !text.iter().any(|c| matches!(c, b',' | b'"' | b'\n' | b'\r')) {
        return out.write_all(text);
    }
    out.write_all(b"\"")?;
    for part in text.split_inclusive(|c| *c == b'"') {
        out.write_all(part)?;
        if part.ends_with(b"\"") {
            out.write_all(b"\"")?;
        }
    }
    out.write_all(b"\"")
}

/// The report for machines.
pub(super) fn report_json(linked: &Linked) -> serde_json::Value {
    let r = &linked.report;
    let rules: Vec<_> = RULES
        .iter()
        .zip(&r.rules)
        .map(|(name, rule)| {
            serde_json::json!({
                "rule": name, "pairs": rule.pairs, "pairs_alone": rule.alone, "matches": rule.matches,
                "matches_alone": rule.matches_alone, "crowded_keys": rule.crowded_keys, "crowded_rows": rule.crowded_rows,
            })
        })
        .collect();
    serde_json::json!({
        "list": r.list, "registry": r.registry, "pairs": r.pairs, "candidates": r.kept, "dropped": r.dropped,
        "matches": linked.matches.len(), "rules": rules, "recall_of_rules": r.recall,
        "matches_per_row": linked.model.matches_per_row, "training": linked.model.training,
        "seconds": { "index": r.seconds[0], "stream": r.seconds[1], "train": r.seconds[2], "score": r.seconds[3] },
    })
}

/// The report for people.
pub(super) fn report_text(linked: &Linked, lang: Lang) -> String {
    let t = |key: &str| i18n::text(lang, key);
    let r = &linked.report;
    let mut table = Table::new([t("link-what"), t("link-count")]);
    for (key, count) in [
        ("link-list", r.list),
        ("link-registry", r.registry),
        ("link-pairs", r.pairs),
        ("link-matches", linked.matches.len() as u64),
        ("link-dropped", r.dropped),
    ] {
        table.row([t(key), count.to_string()]);
    }
    if let Some(recall) = r.recall {
        table.row([t("link-recall"), format!("{:.2}%", recall * 100.0)]);
    }
    if let Some(training) = &linked.model.training {
        table.row([t("link-rounds"), training.rounds.to_string()]);
        let key = if training.converged { "link-converged" } else { "link-not-converged" };
        table.row([t(key), String::new()]);
    }
    let mut rules = Table::new([
        t("link-rule"),
        t("link-pairs"),
        t("link-rule-alone"),
        t("link-rule-matches"),
        t("link-rule-matches-alone"),
        t("link-rule-crowded"),
    ]);
    for (name, rule) in RULES.iter().zip(&r.rules) {
        rules.row([
            t(&format!("link-rule-{}", name.replace('_', "-"))),
            rule.pairs.to_string(),
            rule.alone.to_string(),
            rule.matches.to_string(),
            rule.matches_alone.to_string(),
            rule.crowded_rows.to_string(),
        ]);
    }
    format!("{table}\n{rules}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_that_comes_along_is_one() {
        let model = Model::from_toml(DEFAULT_MODEL).unwrap();
        assert!(model.training.unwrap().converged);
    }

    #[test]
    fn keys_are_quoted_where_they_must_be() {
        let text = |key: &str| {
            let mut out = Vec::new();
            field(&mut out, key.as_bytes()).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text("R1"), "R1");
        assert_eq!(text("a,\"b\""), "\"a,\"\"b\"\"\"");
    }

    #[test]
    fn every_rule_has_a_name_in_both_languages() {
        for name in RULES {
            let key = format!("link-rule-{}", name.replace('_', "-"));
            for lang in [Lang::Zh, Lang::En] {
                assert_ne!(i18n::text(lang, &key), key);
            }
        }
    }
}
