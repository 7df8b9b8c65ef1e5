//! `taizhang model`: models of the comparison trained, looked at, and held against answers.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use linkage::calibrate::{self, Calibration, JudgedBand, Label, Measured, Outlook, chance};
use linkage::engine::{
    Blocks, Linked, List, Match, Model, Options, Sighting, TrainingReport, Watched, link, link_and_keep,
};

use super::link;
use super::outputs::{Outputs, named};
use super::rows::{Warnings, open, open_keys};
use super::{CliError, Env, Table};
use crate::compare;
use crate::platform::{ErrorKind, Lang, UserError, i18n};

/// Train a model of the comparison, look at it, hold it against answers, or choose which one weighs
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Learn a model from a list and a register
    Train(Train),
    /// Show what a model believes
    Show(Show),
    /// Say how good a model's matches are, with answers or without
    Evaluate(Evaluate),
    /// List the models of an installation, and which one is in force
    List,
    /// Put a model of an installation in force for later comparisons
    Use(Use),
}

#[derive(Debug, clap::Args)]
struct Use {
    /// Its number in the list; 0 is the one that comes along
    #[arg(value_name = "VERSION", required_unless_present = "learned")]
    number: Option<i64>,
    /// Make a model of the verdicts of the installation and put that in force
    #[arg(long, conflicts_with = "number")]
    learned: bool,
    /// Why; stands in the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Args {
    /// Whether it works on files alone, so that no installation is needed.
    pub(super) fn is_about_files(&self) -> bool {
        !matches!(self.action, Action::List | Action::Use(_))
    }
}

/// Runs a command about an installation.
///
/// # Errors
/// As [`compare::versions`], [`compare::adopt`] and [`compare::choose`].
pub async fn on_installation(args: &Args, env: &Env) -> Result<(), CliError> {
    match &args.action {
        Action::Use(Use { number, reason, .. }) => {
            let version = match number {
                Some(version) => {
                    compare::choose(&env.app, &env.actor, *version, reason).await?;
                    *version
                }
                None => compare::adopt(&env.app, &env.actor, reason).await?,
            };
            env.print(&serde_json::json!({ "version": version }), || {
                env.tf("model-now-in-force", &[("version", version.to_string())])
            });
            Ok(())
        }
        _ => {
            let (versions, uses) = compare::versions(&env.app).await?;
            env.print(&serde_json::json!({ "versions": versions, "uses": uses }), || versions_text(&versions, env));
            Ok(())
        }
    }
}

fn versions_text(versions: &[compare::ModelVersion], env: &Env) -> String {
    let keys = [
        "quality-model-col",
        "quality-made",
        "quality-verdicts",
        "quality-lesson-precision",
        "quality-lesson-missed",
        "quality-lesson-surprise",
    ];
    let mut table = Table::new(keys.map(|key| env.t(key)));
    for v in versions {
        let name = match v.version {
            0 => env.t("quality-version-shipped"),
            n => env.tf("quality-version", &[("n", n.to_string())]),
        };
        let mark = if v.in_force { format!(" *{}", env.t("quality-is-in-force")) } else { String::new() };
        let made = match v.made_at {
            0 => String::new(),
            at => format!("{} {}", crate::platform::clock::local(at).format("%Y-%m-%d %H:%M"), v.made_by),
        };
        let from_to = |from: String, to: String| env.tf("quality-from-to", &[("from", from), ("to", to)]);
        let share = |share: Option<f64>| share.map_or_else(|| "—".to_owned(), |s| format!("{:.1}%", s * 100.0));
        let [labels, precision, missed, surprise] = v.lesson.as_ref().map_or_else(Default::default, |l| {
            [
                l.labels.to_string(),
                from_to(share(l.before.precision()), share(l.held_out.precision())),
                from_to(l.before.missed.to_string(), l.held_out.missed.to_string()),
                from_to(format!("{:.2}", l.before.surprise), format!("{:.2}", l.held_out.surprise)),
            ]
        });
        table.row([format!("{name}{mark}"), made, labels, precision, missed, surprise]);
    }
    table.to_string()
}

#[derive(Debug, clap::Args)]
struct Train {
    /// The list
    #[arg(long, value_name = "CSV")]
    left: PathBuf,
    /// The register
    #[arg(long, value_name = "CSV")]
    right: PathBuf,
    /// File to write the model to
    #[arg(long, value_name = "TOML")]
    out: PathBuf,
    /// Judged pairs: qid, rid, same (yes or no)
    #[arg(long, value_name = "CSV")]
    labels: Option<PathBuf>,
    /// Start from this model and change only what the judged pairs say; needs --labels
    #[arg(long, value_name = "TOML", requires = "labels")]
    from: Option<PathBuf>,
    /// Threads; the result does not depend on it [default: one for each core]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

#[derive(Debug, clap::Args)]
struct Show {
    /// The model [default: the one that comes along]
    #[arg(value_name = "TOML")]
    model: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Evaluate {
    /// The list
    #[arg(long, value_name = "CSV")]
    left: PathBuf,
    /// The register
    #[arg(long, value_name = "CSV")]
    right: PathBuf,
    /// The model [default: the one that comes along]
    #[arg(long, value_name = "TOML")]
    model: Option<PathBuf>,
    /// The answers: qid, rid (empty: not registered)
    #[arg(long, value_name = "CSV", conflicts_with = "labels")]
    truth: Option<PathBuf>,
    /// Judged pairs: qid, rid, same (yes or no)
    #[arg(long, value_name = "CSV")]
    labels: Option<PathBuf>,
    /// Let rows and persons have several matches each
    #[arg(long)]
    many: bool,
    /// Threads; the result does not depend on it [default: one for each core]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

/// What is wrong with a file of answers.
#[derive(Debug, thiserror::Error)]
pub enum AnswerTrouble {
    /// A column is not there.
    #[error("{path} has no column {column}")]
    Column {
        /// The file.
        path: String,
        /// The column.
        column: &'static str,
    },
    /// A verdict is none.
    #[error("{path}, line {line}: same is {value:?}")]
    Verdict {
        /// The file.
        path: String,
        /// The line, from 1.
        line: u64,
        /// What stands there.
        value: String,
    },
    /// None of the judged pairs was weighed.
    #[error("{path}: none of the {pairs} judged pairs is a candidate")]
    NoneKnown {
        /// The file.
        path: String,
        /// How many there are.
        pairs: usize,
    },
}

impl UserError for AnswerTrouble {
    fn code(&self) -> &'static str {
        match self {
            Self::Column { .. } => "cli.answers_column",
            Self::Verdict { .. } => "cli.answers_verdict",
            Self::NoneKnown { .. } => "cli.answers_unknown",
        }
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Column { path, column } => vec![("path", path.clone()), ("column", (*column).to_owned())],
            Self::Verdict { path, line, value } => {
                vec![("path", path.clone()), ("line", line.to_string()), ("value", value.clone())]
            }
            Self::NoneKnown { path, pairs } => vec![("path", path.clone()), ("pairs", pairs.to_string())],
        }
    }
}

/// Runs the command.
///
/// # Errors
/// [`link::LinkTrouble`] and [`AnswerTrouble`] where a file cannot be read, written or understood.
pub fn run(args: &Args, lang: Lang, json: bool) -> Result<(), CliError> {
    match &args.action {
        Action::Train(args) => train(args, lang, json),
        Action::Show(args) => show(args, lang, json),
        Action::Evaluate(args) => evaluate(args, lang, json),
        // These are about an installation.
        Action::List | Action::Use(_) => Ok(()),
    }
}

fn options(threads: usize, one_to_one: bool, train: bool) -> Options {
    Options { threads, one_to_one, train, min_bits: 0.0 }
}

fn train(args: &Train, lang: Lang, json: bool) -> Result<(), CliError> {
    let mut inputs = vec![("--left", args.left.as_path()), ("--right", args.right.as_path())];
    inputs.extend(named("--labels", &args.labels));
    inputs.extend(named("--from", &args.from));
    let mut outputs = Outputs::plan(&inputs, &[("--out", args.out.as_path())])?;
    let mut warnings = Warnings::default();
    let threads = link::threads(args.threads, lang);
    let list = link::read_list(&args.left, threads, &mut warnings)?;
    let (blocks, columns) = open(&args.right)?;
    let start = link::read_model(args.from.as_deref())?;
    let options = options(threads, true, args.from.is_none());
    let failed = |e| link::failed(e, &args.right);
    let model = match &args.labels {
        None => link(&list, &blocks, &columns, &start, options).map_err(failed)?.model,
        Some(path) => {
            let judged = read_labels(path)?;
            let (linked, all) = link_and_keep(&list, &blocks, &columns, &start, options).map_err(failed)?;
            let seen = sightings(&list, &all, &judged);
            if seen.is_empty() {
                return Err(AnswerTrouble::NoneKnown { path: path.display().to_string(), pairs: judged.len() }.into());
            }
            linked.model.with_labels(&seen).map_err(|problem| link::wrong_model(path, problem))?
        }
    };
    warnings.table(&args.right, &columns)?;
    let text = model.to_toml().map_err(|problem| link::wrong_model(&args.out, problem))?;
    outputs.write(&args.out, |out| out.write_all(text.as_bytes()))?;
    outputs.commit()?;
    if json {
        super::out::line(serde_json::json!({
            "model": args.out.display().to_string(), "training": model.training, "labelled": model.labelled,
            "matches_per_row": model.matches_per_row, "kin_per_row": model.kin_per_row,
            "warnings": warnings.json(),
        }));
    } else {
        super::out::line(format!("{}{}", training_text(&model, lang), warnings.text(lang)).trim_end());
    }
    Ok(())
}

/// By the keys of both sides, whether they are one person.
type JudgedPairs = HashMap<(Vec<u8>, Vec<u8>), bool>;

/// Judged pairs as far as they were weighed.
fn sightings(list: &List, all: &[Match], judged: &JudgedPairs) -> Vec<Sighting> {
    all.iter()
        .filter_map(|m| {
            let same = judged.get(&(list.key(m.left).to_vec(), m.right.to_vec()))?;
            Some(Sighting { pattern: m.pattern, bits: m.bits, same: *same })
        })
        .collect()
}

/// The rows of a file of answers, with the numbers of their lines.
fn answers<const N: usize>(path: &Path, wanted: [&'static str; N]) -> Result<Vec<(u64, [String; N])>, CliError> {
    let name = || path.display().to_string();
    let wrong = |e: csv::Error| match e.into_kind() {
        csv::ErrorKind::Io(error) => link::at(path)(error),
        other => link::at(path)(std::io::Error::other(format!("{other:?}"))),
    };
    let file = std::fs::File::open(path).map_err(link::at(path))?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(Watched::new(file));
    let headers = reader.headers().map_err(wrong)?.clone();
    let mut at = [0; N];
    for (at, column) in at.iter_mut().zip(wanted) {
        *at = headers
            .iter()
            .position(|h| h.trim().trim_start_matches('\u{feff}') == column)
            .ok_or_else(|| AnswerTrouble::Column { path: name(), column })?;
    }
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.map_err(wrong)?;
        let line = row.position().map_or(0, csv::Position::line);
        rows.push((line, at.map(|at| row.get(at).unwrap_or("").trim().to_owned())));
    }
    Ok(rows)
}

fn read_labels(path: &Path) -> Result<JudgedPairs, CliError> {
    let mut out = HashMap::new();
    for (line, [qid, rid, same]) in answers(path, ["qid", "rid", "same"])? {
        let verdict = match same.to_lowercase().as_str() {
            "yes" | "y" | "true" | "1" | "是" => true,
            "no" | "n" | "false" | "0" | "否" => false,
            _ => return Err(AnswerTrouble::Verdict { path: path.display().to_string(), line, value: same }.into()),
        };
        out.insert((qid.into_bytes(), rid.into_bytes()), verdict);
    }
    Ok(out)
}

fn show(args: &Show, lang: Lang, json: bool) -> Result<(), CliError> {
    let model = link::read_model(args.model.as_deref())?;
    if json {
        super::out::line(model_json(&model));
        return Ok(());
    }
    let t = |key: &str| i18n::text(lang, key);
    let mut text = String::new();
    for field in &model.field {
        text.push_str(&format!("{}\n", t(&format!("model-field-{}", field.name))));
        let mut table = Table::new(
            ["model-level", "model-same", "model-kin", "model-stranger", "model-bits-stranger", "model-bits-kin"]
                .map(t)
                .into_iter()
                .chain([String::new()]),
        );
        for level in &field.level {
            let (bits, kin) = ((level.same / level.stranger).log2(), (level.same / level.kin).log2());
            table.row([
                t(&format!("model-level-{}-{}", field.name, level.name)),
                percent(level.same),
                percent(level.kin),
                percent(level.stranger),
                format!("{bits:+.1}"),
                format!("{kin:+.1}"),
                bar(bits),
            ]);
        }
        text.push_str(&format!("{table}\n"));
    }
    text.push_str(&training_text(&model, lang));
    super::out::line(text.trim_end());
    Ok(())
}

/// A bar to the right for what speaks for one person and to the left for what speaks against, a sign for two bits.
fn bar(bits: f64) -> String {
    const LEFT: usize = 8;
    const RIGHT: usize = 16;
    let signs = (bits.abs() / 2.0).round() as usize;
    if bits < 0.0 {
        let signs = signs.min(LEFT);
        format!("{}{}│", " ".repeat(LEFT - signs), "▒".repeat(signs))
    } else {
        format!("{}│{}", " ".repeat(LEFT), "█".repeat(signs.min(RIGHT)))
    }
}

/// A share as people read it: small ones keep two figures that say something.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 10.0 {
        format!("{percent:.1}%")
    } else if percent >= 0.1 {
        format!("{percent:.2}%")
    } else if percent > 0.0 {
        let places = (1.0 - percent.log10().floor()).clamp(0.0, 12.0) as usize;
        format!("{percent:.places$}%")
    } else {
        "0%".to_owned()
    }
}

fn model_json(model: &Model) -> serde_json::Value {
    let fields: Vec<_> = model
        .field
        .iter()
        .map(|field| {
            let levels: Vec<_> = field
                .level
                .iter()
                .map(|l| {
                    serde_json::json!({
                        "name": l.name, "same": l.same, "kin": l.kin, "stranger": l.stranger,
                        "bits": (l.same / l.stranger).log2(), "bits_against_kin": (l.same / l.kin).log2(),
                    })
                })
                .collect();
            serde_json::json!({ "name": field.name, "levels": levels })
        })
        .collect();
    serde_json::json!({
        "fields": fields, "matches_per_row": model.matches_per_row, "kin_per_row": model.kin_per_row,
        "known_name": model.known_name, "training": model.training, "labelled": model.labelled,
        "calibration": model.calibration,
    })
}

fn training_text(model: &Model, lang: Lang) -> String {
    let t = |key: &str| i18n::text(lang, key);
    let mut table = Table::new([t("model-training"), String::new()]);
    table.row([t("model-matches-per-row"), format!("{:.3}", model.matches_per_row)]);
    table.row([t("model-kin-per-row"), format!("{:.3}", model.kin_per_row)]);
    let mut unseen = String::new();
    match &model.training {
        None => table.row([t("model-untrained"), String::new()]),
        Some(training) => unseen = training_rows(training, &mut table, lang),
    }
    if let Some(labelled) = &model.labelled {
        table.row([t("model-labels"), labelled.pairs.to_string()]);
        table.row([t("model-labels-same"), labelled.same.to_string()]);
        table.row([t("model-surprise"), format!("{:.3} → {:.3}", labelled.surprise_before, labelled.surprise)]);
    }
    format!("{table}{unseen}")
}

fn training_rows(training: &TrainingReport, table: &mut Table, lang: Lang) -> String {
    let t = |key: &str| i18n::text(lang, key);
    for (key, count) in [
        ("link-list", training.list),
        ("link-registry", training.registry),
        ("link-pairs", training.pairs),
        ("model-patterns", training.patterns),
        ("model-drawn", training.drawn),
        ("model-certain", training.certain),
        ("link-rounds", u64::from(training.rounds)),
    ] {
        table.row([t(key), count.to_string()]);
    }
    let state = if training.converged { "link-converged" } else { "link-not-converged" };
    table.row([t(state), format!("{:.1e}", training.last_change)]);
    let (first, last) = training.log_likelihood;
    table.row([t("model-likelihood"), format!("{first:.0} → {last:.0}")]);
    if training.unseen.is_empty() {
        return String::new();
    }
    let levels: Vec<String> = training
        .unseen
        .iter()
        .map(|level| {
            let (field, name) = level.split_once('.').unwrap_or((level, ""));
            format!("{}: {}", t(&format!("model-field-{field}")), t(&format!("model-level-{field}-{name}")))
        })
        .collect();
    format!("{}\n  {}\n", t("model-unseen"), levels.join("\n  "))
}

/// One line of the table of cuts.
struct CutLine {
    why: &'static str,
    outlook: Outlook,
    real: Option<Real>,
    measured: Option<Measured>,
}

/// What answers say about a cut.
#[derive(Debug, Clone, Copy, serde::Serialize)]
struct Real {
    right: u64,
    precision: f64,
    recall: f64,
    f1: f64,
}

/// A list's matches held against what is known of them.
struct Verdicts {
    /// Of each match whether it is right, where the truth is known.
    given: Vec<Label>,
    /// Pairs of one person by the truth.
    truth: Option<u64>,
    /// Judged pairs as far as they were weighed, and how many there are.
    judged: (Vec<Label>, usize),
}

impl Verdicts {
    fn real(&self, cut: f64) -> Option<Real> {
        let truth = self.truth?;
        let above = self.given.iter().filter(|l| l.bits >= cut);
        let (n, right) = above.fold((0u64, 0u64), |(n, right), l| (n + 1, right + u64::from(l.same)));
        let share = |of: u64| if of == 0 { 1.0 } else { right as f64 / of as f64 };
        let f1 = if n + truth == 0 { 1.0 } else { 2.0 * right as f64 / (n + truth) as f64 };
        Some(Real { right, precision: share(n), recall: share(truth), f1 })
    }

    /// The cut that is best by the truth.
    fn best(&self) -> Option<f64> {
        let truth = self.truth?;
        let mut sorted = self.given.clone();
        sorted.sort_by(|a, b| b.bits.total_cmp(&a.bits));
        let (mut right, mut best) = (0u64, (0.0, None));
        for (n, label) in sorted.iter().enumerate() {
            right += u64::from(label.same);
            let f1 = 2.0 * right as f64 / (n as u64 + 1 + truth) as f64;
            let last_of_equals = sorted.get(n + 1).is_none_or(|next| next.bits < label.bits);
            if last_of_equals && f1 > best.0 {
                best = (f1, Some(label.bits));
            }
        }
        best.1
    }

    fn labels(&self) -> &[Label] {
        if self.truth.is_some() { &self.given } else { &self.judged.0 }
    }
}

fn evaluate(args: &Evaluate, lang: Lang, json: bool) -> Result<(), CliError> {
    let mut warnings = Warnings::default();
    let threads = link::threads(args.threads, lang);
    let model = link::read_model(args.model.as_deref())?;
    let list = link::read_list(&args.left, threads, &mut warnings)?;
    let (blocks, columns) = open(&args.right)?;
    let options = Options { min_bits: -32.0, ..options(threads, !args.many, false) };
    let (mut linked, all) =
        link_and_keep(&list, &blocks, &columns, &model, options).map_err(|e| link::failed(e, &args.right))?;
    warnings.table(&args.right, &columns)?;
    let mut verdicts = Verdicts { given: Vec::new(), truth: None, judged: (Vec::new(), 0) };
    if let Some(path) = &args.truth {
        let rows = answers(path, ["qid", "rid"])?;
        unknown_answers(path, &rows, &list, &args.right, &mut warnings)?;
        let truth: HashMap<String, String> = rows.into_iter().map(|(_, [qid, rid])| (qid, rid)).collect();
        verdicts.truth = Some(truth.values().filter(|rid| !rid.is_empty()).count() as u64);
        verdicts.given = linked
            .matches
            .iter()
            .map(|m| {
                let key = String::from_utf8_lossy(list.key(m.left));
                let same = truth.get(key.as_ref()).is_some_and(|rid| rid.as_bytes() == &*m.right);
                Label { bits: m.bits, same }
            })
            .collect();
    }
    if let Some(path) = &args.labels {
        let judged = read_labels(path)?;
        let seen = sightings(&list, &all, &judged);
        verdicts.judged = (seen.iter().map(|s| Label { bits: s.bits, same: s.same }).collect(), judged.len());
    }
    // What is below even odds is needed for the cuts there; the report counts matches as `taizhang link` gives them out.
    linked.matches.retain(|m| m.bits >= 0.0);
    let calibration = match verdicts.judged.0.as_slice() {
        [] => model.calibration.clone().unwrap_or_default(),
        labels => Calibration::learn(labels),
    };
    let lines = cut_lines(&linked, &verdicts, &calibration);
    if json {
        let mut report = evaluation_json(&linked, &verdicts, &calibration, &lines);
        report["warnings"] = warnings.json();
        super::out::line(report);
    } else {
        let text = evaluation_text(&linked, &verdicts, &calibration, &lines, lang);
        super::out::line(format!("{text}{}", warnings.text(lang)).trim_end());
    }
    Ok(())
}

/// Tells of answers about rows that the list or the register does not have: they count as missed.
fn unknown_answers(
    path: &Path,
    rows: &[(u64, [String; 2])],
    list: &List,
    register: &Path,
    warnings: &mut Warnings,
) -> Result<(), CliError> {
    let listed: HashSet<&[u8]> = (0..list.len() as u32).map(|row| list.key(row)).collect();
    let mut wanted: HashSet<&[u8]> = rows.iter().map(|(_, [_, rid])| rid.as_bytes()).collect();
    wanted.remove(&b""[..]);
    let (blocks, columns) = open_keys(register)?;
    let mut block = Vec::new();
    while !wanted.is_empty() && blocks.next_block(&mut block).map_err(link::at(register))? {
        columns.each(&block, |row| {
            wanted.remove(row.key);
        });
    }
    let mut tell = |kind, is: &dyn Fn(&[String; 2]) -> bool| {
        let mut lines = rows.iter().filter(|(_, row)| is(row)).map(|(line, _)| *line);
        if let Some(first) = lines.next() {
            warnings.add(path, kind, 1 + lines.count() as u64, first);
        }
    };
    tell("truth-list", &|[qid, _]| !listed.contains(qid.as_bytes()));
    tell("truth-register", &|[_, rid]| wanted.contains(rid.as_bytes()));
    Ok(())
}

fn cut_lines(linked: &Linked, verdicts: &Verdicts, calibration: &Calibration) -> Vec<CutLine> {
    let scores = &linked.report.scores;
    let unfound = linked.report.unfound(&linked.model);
    let wanted = [
        ("even", Some(0.0)),
        ("best", scores.best_cut(calibration, unfound)),
        ("p99", scores.cut_for_precision(0.99, calibration)),
        ("p999", scores.cut_for_precision(0.999, calibration)),
        ("real", verdicts.best()),
    ];
    wanted
        .into_iter()
        .filter_map(|(why, cut)| {
            let cut = cut?;
            let mut outlook = scores.outlook(cut, calibration, unfound);
            outlook.cut = cut;
            let measured = verdicts
                .truth
                .is_none()
                .then(|| calibrate::measured(&verdicts.judged.0, calibration, scores, cut))
                .flatten();
            Some(CutLine { why, outlook, real: verdicts.real(cut), measured })
        })
        .collect()
}

/// Where the histogram begins and ends, bits.
const HISTOGRAM: (f64, f64) = (-10.0, 40.0);

fn evaluation_text(
    linked: &Linked,
    verdicts: &Verdicts,
    calibration: &Calibration,
    lines: &[CutLine],
    lang: Lang,
) -> String {
    let t = |key: &str| i18n::text(lang, key);
    let report = &linked.report;
    let mut text = String::new();
    let with_truth = verdicts.truth.is_some();
    let mut table = Table::new(
        [t("model-band"), t("link-matches"), t("model-promised")]
            .into_iter()
            .chain(with_truth.then(|| t("model-real")))
            .chain([String::new()]),
    );
    let bands = report.scores.bands(calibrate::BAND, HISTOGRAM.0, HISTOGRAM.1, calibration);
    let most = bands.iter().map(|b| b.pairs).max().unwrap_or(0).max(1) as f64;
    let last = bands.len().saturating_sub(1);
    for (at, band) in bands.iter().enumerate().filter(|(_, b)| b.pairs > 0) {
        let to = band.from + calibrate::BAND;
        let range = match at {
            0 => format!("< {to:.0}"),
            at if at == last => format!("≥ {:.0}", band.from),
            _ => format!("{:.0} – {to:.0}", band.from),
        };
        let (low, high) = (if at == 0 { f64::MIN } else { band.from }, if at == last { f64::MAX } else { to });
        let right = verdicts.given.iter().filter(|l| l.same && l.bits >= low && l.bits < high).count();
        // A logarithmic bar: the few doubtful pairs are what one looks for beside thousands of sure ones.
        let length = ((band.pairs as f64 + 1.0).ln() / (most + 1.0).ln() * 30.0).round() as usize;
        table.row(
            [range, band.pairs.to_string(), format!("{:.1}", band.right)]
                .into_iter()
                .chain(with_truth.then(|| right.to_string()))
                .chain([format!("│{}", "█".repeat(length))]),
        );
    }
    text.push_str(&format!("{}\n{table}\n", t("model-histogram")));
    text.push_str(&format!("{}\n", cuts_table(verdicts, lines, lang)));
    if !with_truth && verdicts.judged.1 > 0 {
        text.push_str(&judged_text(&calibrate::judged(&verdicts.judged.0, calibration), verdicts, lang));
    }
    if let Some(error) = calibrate::calibration_error(verdicts.labels(), calibration, Some(&report.scores)) {
        text.push_str(&format!("{}\n", i18n::text_with(lang, "model-ece", &[("error", percent(error))])));
    }
    let mut said: Vec<f64> = Vec::new();
    for line in lines {
        if !said.contains(&line.outlook.cut) {
            said.push(line.outlook.cut);
            text.push_str(&format!("{}\n", sentence(&line.outlook, lang)));
        }
    }
    text.push_str(&format!("\n{}", link::report_text(linked, lang)));
    text
}

/// What a cut does, in the words of whoever works with it.
pub(super) fn sentence(outlook: &Outlook, lang: Lang) -> String {
    let wrong = outlook.wrong_per_thousand();
    i18n::text_with(
        lang,
        "model-sentence",
        &[
            ("cut", format!("{:.1}", outlook.cut)),
            ("pairs", outlook.pairs.to_string()),
            ("wrong", if wrong < 1.0 { format!("{wrong:.2}") } else { format!("{wrong:.1}") }),
            ("missed", format!("{:.0}", outlook.missed)),
        ],
    )
}

fn cuts_table(verdicts: &Verdicts, lines: &[CutLine], lang: Lang) -> Table {
    let t = |key: &str| i18n::text(lang, key);
    let mut heads: Vec<String> =
        ["model-cut", "model-bits", "link-matches", "model-precision", "model-missed"].map(t).into();
    if verdicts.truth.is_some() {
        heads.extend(["model-real-precision", "model-real-recall", "model-real-f1"].map(t));
    } else if !verdicts.judged.0.is_empty() {
        heads.extend(["model-judged-precision", "model-interval", "model-covered"].map(t));
    }
    let mut table = Table::new(heads);
    for line in lines {
        let o = &line.outlook;
        let mut cells = vec![
            t(&format!("model-cut-{}", line.why)),
            format!("{:.1}", o.cut),
            o.pairs.to_string(),
            format!("{:.3}%", o.precision() * 100.0),
            format!("{:.0}", o.missed),
        ];
        if let Some(real) = line.real {
            cells.extend([real.precision, real.recall, real.f1].map(|share| format!("{:.3}%", share * 100.0)));
        } else if let Some(m) = line.measured {
            cells.extend([
                percent(m.precision),
                format!("{} – {}", percent(m.low), percent(m.high)),
                percent(m.covered),
            ]);
        }
        table.row(cells);
    }
    table
}

fn judged_text(bands: &[JudgedBand], verdicts: &Verdicts, lang: Lang) -> String {
    let t = |key: &str| i18n::text(lang, key);
    let mut table = Table::new(
        [
            "model-band",
            "model-labels",
            "model-labels-same",
            "model-promised-share",
            "model-judged-share",
            "model-interval",
        ]
        .map(t),
    );
    for band in bands {
        let (share, low, high) = band.share();
        table.row([
            format!("{:.0} – {:.0}", band.from, band.from + calibrate::BAND),
            band.labels.to_string(),
            band.same.to_string(),
            percent(band.promised),
            percent(share),
            format!("{} – {}", percent(low), percent(high)),
        ]);
    }
    let weighed = i18n::text_with(
        lang,
        "model-judged-weighed",
        &[("weighed", verdicts.judged.0.len().to_string()), ("all", verdicts.judged.1.to_string())],
    );
    format!("{weighed}\n{table}\n")
}

fn evaluation_json(
    linked: &Linked,
    verdicts: &Verdicts,
    calibration: &Calibration,
    lines: &[CutLine],
) -> serde_json::Value {
    let scores = &linked.report.scores;
    let cuts: Vec<_> = lines
        .iter()
        .map(|line| {
            let mut out = outlook_json(&line.outlook);
            out["why"] = line.why.into();
            out["real"] = serde_json::to_value(line.real).unwrap_or_default();
            out["judged"] = serde_json::to_value(line.measured).unwrap_or_default();
            out
        })
        .collect();
    serde_json::json!({
        "histogram": scores.bands(calibrate::BAND, HISTOGRAM.0, HISTOGRAM.1, calibration),
        "cuts": cuts,
        "truth": verdicts.truth,
        "judged": { "pairs": verdicts.judged.1, "weighed": verdicts.judged.0.len(),
                    "bands": calibrate::judged(&verdicts.judged.0, calibration) },
        "calibration_error": calibrate::calibration_error(verdicts.labels(), calibration, Some(scores)),
        "expected_matches": scores.expected(calibration) + linked.report.unfound(&linked.model),
        "link": link::report_json(linked),
    })
}

/// A cut's outlook for machines.
pub(super) fn outlook_json(o: &Outlook) -> serde_json::Value {
    serde_json::json!({
        "cut": o.cut, "pairs": o.pairs, "right": o.right, "missed": o.missed, "precision": o.precision(),
        "recall": o.recall(), "f1": o.f1(), "wrong_per_thousand": o.wrong_per_thousand(),
        "chance_at_cut": chance(o.cut),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkage::engine::FIELDS;

    #[test]
    fn every_field_and_level_has_a_name_in_both_languages() {
        for field in FIELDS {
            let levels = field.levels[1..].iter().map(|level| format!("model-level-{}-{level}", field.name));
            for key in levels.chain([format!("model-field-{}", field.name)]) {
                for lang in Lang::ALL {
                    assert!(i18n::has(lang, &key), "{} {key}", lang.tag());
                }
            }
        }
    }

    #[test]
    fn shares_keep_what_they_say() {
        assert_eq!(percent(0.931), "93.1%");
        assert_eq!(percent(0.0123), "1.23%");
        assert_eq!(percent(2.5e-7), "0.000025%");
        assert_eq!(percent(0.0), "0%");
    }

    #[test]
    fn the_best_cut_is_the_best() {
        let label = |bits: f64, same| Label { bits, same };
        let verdicts = Verdicts {
            given: vec![label(9.0, true), label(5.0, true), label(3.0, false), label(3.0, true), label(-2.0, false)],
            truth: Some(4),
            judged: (Vec::new(), 0),
        };
        assert_eq!(verdicts.best(), Some(3.0));
        let real = verdicts.real(3.0).unwrap();
        assert_eq!((real.right, real.precision, real.recall, real.f1), (3, 0.75, 0.75, 0.75));
    }
}
