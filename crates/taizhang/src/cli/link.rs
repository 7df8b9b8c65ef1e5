//! `taizhang link`: two CSV files linked by themselves, without an installation.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use linkage::calibrate::Outlook;
use linkage::engine::{
    Evidence, LinkError, Linked, List, Malformed, Match, Model, ModelFault, ModelProblem, Options, RULES, Resident,
    ResidentError, link,
};

use super::outputs::{Named, Outputs, named};
use super::rows::{Warnings, guess, located, open};
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
    #[arg(long, value_name = "BITS", value_parser = bits, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(super) min_weight: f64,
    /// Threads; the result does not depend on it [default: one for each core]
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<usize>,
}

/// What goes wrong with the files. Lines are counted from 1; none where the file cannot be read once more to count them.
#[derive(Debug, thiserror::Error)]
pub enum LinkTrouble {
    /// A file cannot be read.
    #[error("reading {path}: {error}")]
    Read {
        /// The file.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// A file cannot be written.
    #[error("writing {path}: {error}")]
    Write {
        /// The file.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// A file to write is a file to read, or another file to write.
    #[error("{option} and {other} are the same file {path}")]
    Same {
        /// The file.
        path: String,
        /// The option that names it.
        option: &'static str,
        /// The other option that does.
        other: &'static str,
    },
    /// A file is not the table that is wanted.
    #[error("{path}: {fault}")]
    Table {
        /// The file.
        path: String,
        /// What is wrong.
        fault: Malformed,
        /// What text that is not UTF-8 seems to be: `gb18030`, `utf16` or `other`.
        looks: &'static str,
    },
    /// The model file is none.
    #[error("{path}: {problem}")]
    Model {
        /// The file.
        path: String,
        /// What is wrong.
        problem: ModelProblem,
    },
    /// A model of a schema does not fit this schema.
    #[error("{path} lacks {comparison} {level}")]
    Misfit {
        /// The file.
        path: String,
        /// The comparison.
        comparison: String,
        /// The level; empty where the comparison as a whole is meant.
        level: String,
    },
    /// A packed register cannot be used.
    #[error(transparent)]
    Packed(ResidentError),
}

/// Why the system refuses, in a word that the texts know.
fn reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "missing",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "denied",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "full",
        io::ErrorKind::IsADirectory => "folder",
        io::ErrorKind::NotADirectory => "no_folder",
        _ => "other",
    }
}

impl UserError for LinkTrouble {
    fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "cli.link_read",
            Self::Write { .. } => "cli.link_write",
            Self::Same { .. } => "cli.link_same",
            Self::Misfit { .. } => "cli.model_misfit",
            Self::Table { fault, .. } => match fault {
                Malformed::Column(name) if *name == KEY => "cli.link_key",
                Malformed::Column(_) => "cli.link_column",
                Malformed::LongRow(_) => "cli.link_row",
                Malformed::OpenQuote(_) => "cli.link_quote",
                Malformed::NotUtf8(_) => "cli.link_encoding",
                Malformed::CarriageReturns => "cli.link_cr",
                Malformed::NotText => "cli.link_text",
            },
            Self::Model { problem, .. } => match problem.fault {
                ModelFault::Toml => "cli.model_toml",
                ModelFault::Kind => "cli.model_kind",
                ModelFault::UnknownKey => "cli.model_unknown_key",
                ModelFault::Missing => "cli.model_missing",
                ModelFault::Type => "cli.model_type",
                ModelFault::Range => "cli.model_range",
            },
            Self::Packed(problem) => match problem {
                ResidentError::File { .. } => "cli.packed_file",
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
        let refused = |error: &io::Error| [("reason", reason(error).to_owned()), ("why", error.to_string())];
        match self {
            Self::Read { path, error } | Self::Write { path, error } => {
                [vec![("path", path.clone())], refused(error).to_vec()].concat()
            }
            Self::Same { path, option, other } => {
                vec![("path", path.clone()), ("option", (*option).to_owned()), ("other", (*other).to_owned())]
            }
            Self::Misfit { path, comparison, level } => {
                vec![("path", path.clone()), ("comparison", comparison.clone()), ("level", or_none(level))]
            }
            Self::Table { path, fault, looks } => {
                let path = ("path", path.clone());
                match fault {
                    Malformed::Column(column) => vec![path, ("column", (*column).to_owned())],
                    Malformed::LongRow(line) | Malformed::OpenQuote(line) => {
                        vec![path, ("line", line.unwrap_or(0).to_string())]
                    }
                    Malformed::NotUtf8(line) => {
                        vec![path, ("line", line.unwrap_or(0).to_string()), ("looks", (*looks).to_owned())]
                    }
                    Malformed::CarriageReturns | Malformed::NotText => vec![path],
                }
            }
            Self::Model { path, problem } => vec![
                ("path", path.clone()),
                ("line", problem.line.to_string()),
                ("key", problem.key.clone()),
                ("value", problem.value.clone()),
                ("want", problem.want.clone()),
            ],
            Self::Packed(problem) => {
                let path = |path: &Path| ("path", path.display().to_string());
                match problem {
                    ResidentError::File { path: file, error } => [vec![path(file)], refused(error).to_vec()].concat(),
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

/// A text for a selector in which 0 stands for none.
fn or_none(text: &str) -> String {
    if text.is_empty() { "0".to_owned() } else { text.to_owned() }
}

/// The first of the names for the column of the row's number.
const KEY: &str = "qid";

/// Of a packed register; `rows` is the CSV that was read, where one was.
pub(super) fn packed(rows: &Path) -> impl Fn(ResidentError) -> LinkTrouble {
    move |problem| match problem {
        ResidentError::Read(error) => at(rows)(error),
        ResidentError::Model(problem) => wrong_model(rows, problem),
        problem => LinkTrouble::Packed(problem),
    }
}

/// Threads for each core at most: more of them only take memory.
const THREADS_PER_CORE: usize = 4;

/// As many as were asked for, or one for each core; of more than are of use, and it is said, as many as are.
pub(super) fn threads(wanted: Option<usize>, lang: Lang) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let most = cores * THREADS_PER_CORE;
    match wanted {
        Some(wanted) if wanted > most => {
            let values = [("wanted", wanted.to_string()), ("most", most.to_string())];
            super::out::complain(i18n::text_with(lang, "link-threads-cut", &values));
            most
        }
        Some(wanted) => wanted.max(1),
        None => cores,
    }
}

/// A number of bits: any that can be compared.
pub(super) fn bits(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(bits) if bits.is_finite() => Ok(bits),
        _ => Err(String::new()),
    }
}

/// Why a file could not be read.
pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> LinkTrouble {
    let file = path;
    move |error| {
        let path = file.display().to_string();
        match error.downcast::<Malformed>() {
            Ok(fault) => {
                let fault = located(file, &fault);
                let looks = if let Malformed::NotUtf8(line) = fault { guess(file, line) } else { "other" };
                LinkTrouble::Table { path, fault, looks }
            }
            Err(error) => LinkTrouble::Read { path, error },
        }
    }
}

/// Why a file could not be written.
pub(super) fn writing(path: &Path) -> impl Fn(io::Error) -> LinkTrouble {
    move |error| LinkTrouble::Write { path: path.display().to_string(), error }
}

/// The model of a file, else the one that comes along.
pub(super) fn read_model(path: Option<&Path>) -> Result<Model, LinkTrouble> {
    let (name, text) = match path {
        Some(path) => (path, read_text(path)?),
        None => (Path::new("default.toml"), DEFAULT_MODEL.to_owned()),
    };
    Model::from_toml(&text).map_err(|problem| wrong_model(name, problem))
}

/// A small file of text.
pub(super) fn read_text(path: &Path) -> Result<String, LinkTrouble> {
    let bytes = std::fs::read(path).map_err(at(path))?;
    String::from_utf8(bytes).map_err(|_| at(path)(Malformed::NotUtf8(None).into()))
}

pub(super) fn wrong_model(path: &Path, problem: ModelProblem) -> LinkTrouble {
    LinkTrouble::Model { path: path.display().to_string(), problem }
}

/// The rows of a list; what is odd about them goes to the warnings.
pub(super) fn read_list(path: &Path, threads: usize, warnings: &mut Warnings) -> Result<List, LinkTrouble> {
    let (blocks, columns) = open(path)?;
    let list = List::read_with(&blocks, &columns, threads).map_err(at(path))?;
    warnings.table(path, &columns)?;
    warnings.add(path, "repeated", list.repeated_keys(), 0);
    Ok(list)
}

/// Why linking to the register of this file failed.
pub(super) fn failed(error: LinkError, register: &Path) -> LinkTrouble {
    match error {
        LinkError::Read(error) => at(register)(error),
        LinkError::Model(problem) => wrong_model(register, problem),
    }
}

/// The files that are read and those that are written.
type Files<'p> = (Vec<Named<'p>>, Vec<Named<'p>>);

impl Args {
    /// Under the options that name them.
    fn files(&self) -> Files<'_> {
        let mut inputs = vec![("--left", self.left.as_path())];
        inputs.extend(named("--right", &self.right));
        inputs.extend(named("--register", &self.register));
        inputs.extend(named("--schema", &self.schema));
        let mut outputs = vec![("--out", self.out.as_path())];
        let model = named("--model", &self.model);
        if self.train {
            outputs.extend(model)
        } else {
            inputs.extend(model)
        }
        (inputs, outputs)
    }

    /// What is to be written, before anything is read.
    pub(super) fn plan(&self) -> Result<Outputs, LinkTrouble> {
        let (inputs, outputs) = self.files();
        Outputs::plan(&inputs, &outputs)
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
    let mut outputs = args.plan()?;
    let mut warnings = Warnings::default();
    let model = read_model(args.model.as_deref().filter(|_| !args.train))?;
    let options = Options {
        threads: threads(args.threads, lang),
        one_to_one: args.one_to_one,
        train: args.train,
        min_bits: args.min_weight,
    };
    let list = read_list(&args.left, options.threads, &mut warnings)?;
    let (register, linked) = match (&args.register, &args.right) {
        (Some(path), _) => {
            let register = Resident::open(path).map_err(packed(path))?;
            (path, register.link(&list, &model, options).map_err(packed(path))?)
        }
        (None, Some(path)) => {
            let (blocks, columns) = open(path)?;
            let linked = link(&list, &blocks, &columns, &model, options).map_err(|e| failed(e, path))?;
            warnings.table(path, &columns)?;
            (path, linked)
        }
        (None, None) => return Err(super::Trouble::Usage(i18n::text(lang, "link-usage")).into()),
    };
    warnings.add(register, "repeated-candidates", linked.report.repeated_keys, 0);
    outputs.write(&args.out, |out| write(out, args.explain, &list, &linked))?;
    if let (Some(path), true) = (&args.model, args.train) {
        let text = linked.model.to_toml().map_err(|problem| wrong_model(path, problem))?;
        outputs.write(path, |out| out.write_all(text.as_bytes()))?;
    }
    outputs.commit()?;
    let outlook = linked.report.outlook(args.min_weight, &linked.model);
    if json {
        let mut report = report_json(&linked);
        report["outlook"] = super::model::outlook_json(&outlook);
        report["warnings"] = warnings.json();
        super::out::line(report);
    } else {
        super::out::line(report_text(&linked, lang));
        let text = format!("{}{}", outlook_text(&linked, &outlook, lang), warnings.text(lang));
        super::out::line(text.trim_end());
    }
    Ok(())
}

/// What the cut does, and of whom that says nothing because nobody was looked for.
fn outlook_text(linked: &Linked, outlook: &Outlook, lang: Lang) -> String {
    let unsought = linked.report.unsought;
    let mut text = String::new();
    // Where nothing was found among rows that were not looked for, no number of missed ones is known.
    if unsought == 0 || outlook.pairs > 0 {
        text = format!("{}\n", super::model::sentence(outlook, lang));
    }
    if unsought > 0 {
        text.push_str(&i18n::text_with(lang, "link-unsought-sentence", &[("rows", unsought.to_string())]));
        text.push('\n');
    }
    text
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

fn write(out: &mut impl Write, explained: bool, list: &List, linked: &Linked) -> io::Result<()> {
    out.write_all(if explained { b"qid,rid,score,evidence\n" } else { b"qid,rid,score\n" })?;
    let mut row = |m: &Match, evidence: &[Evidence]| -> io::Result<()> {
        field(out, list.key(m.left))?;
        out.write_all(b",")?;
        field(out, &m.right)?;
        out.write_all(b",")?;
        ten_thousandths(out, m.bits)?;
        if explained {
            out.write_all(b",")?;
            write_evidence(out, evidence)?;
        }
        out.write_all(b"\n")
    };
    if explained {
        for (m, evidence) in linked.explain() {
            row(m, &evidence)?;
        }
    } else {
        for m in &linked.matches {
            row(m, &[])?;
        }
    }
    Ok(())
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
        "unsought": r.unsought, "matches": linked.matches.len(), "rules": rules, "recall_of_rules": r.recall,
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
    if r.unsought > 0 {
        table.row([t("link-unsought"), r.unsought.to_string()]);
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
