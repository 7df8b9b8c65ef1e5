//! `taizhang import`.

use std::path::PathBuf;

use chrono::NaiveDate;

use super::error::readable;
use super::{CliError, Env, Table};
use crate::intake::{self, ImportOptions, ImportReport, IntakeError, Kind};
use crate::platform::jobs::Progress;

/// Bring registry files in: divisions, households, persons, income, monitoring, helpers, work teams.
///
/// What a file holds is found from its headers. Several files are brought in in the order that they need. A row with an
/// error is held back and listed, a row with a doubt goes in and is listed, and the rest goes in: all of a file or
/// nothing of it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// CSV (UTF-8, UTF-16, GBK), XLS or XLSX files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What the files hold, where the headers do not say
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<Kind>,
    /// The day that the files speak of [default: from the file or its name, else today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<NaiveDate>,
    /// What it is brought in for; kept in the audit log
    #[arg(long, value_name = "TEXT", default_value = "")]
    purpose: String,
    /// Show what would be read and write nothing
    #[arg(long)]
    preview: bool,
    /// Write the hits of the quality rules to this new workbook; with several files one each, numbered
    #[arg(long, value_name = "FILE.xlsx")]
    issues: Option<PathBuf>,
    /// Show ID numbers and phones in that workbook in full; needs --reason, and is kept in the audit log
    #[arg(long, requires_all = ["issues", "reason"])]
    unmasked: bool,
    /// Why the numbers are needed in full
    #[arg(long, value_name = "TEXT", requires = "unmasked")]
    reason: Option<String>,
}

fn kind(text: &str) -> Result<Kind, String> {
    Kind::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = Kind::ALL.into_iter().map(Kind::name).collect();
        names.join(", ")
    })
}

/// Brings the files in.
pub async fn run(args: Args, env: &Env) -> Result<(), CliError> {
    readable(&args.files)?;
    if let Some(book) = &args.issues {
        unwritten(book, args.files.len())?;
    }
    if args.preview {
        return preview(&args, env).await;
    }
    let progress = Progress::default();
    let (reports, road) = {
        let _bar = env.progress_bar(&progress);
        let reports = import_all(env, &args, &progress).await?;
        (reports, crate::road::register_changed(&env.app, &env.actor).await?)
    };
    for report in reports.iter().filter(|r| r.already.is_none() && r.kind == Kind::Helper.name()) {
        crate::road::helpers_changed(&env.app, &env.actor, report.id).await?;
    }
    if let Some(path) = &args.issues {
        for (number, report) in reports.iter().filter(|r| r.already.is_none()).enumerate() {
            let path = if reports.len() == 1 { path.clone() } else { numbered(path, number + 1) };
            let unmasked = args.reason.as_deref().filter(|_| args.unmasked);
            intake::workbook::write(&env.app, &env.actor, report.id, env.lang, unmasked, &path).await?;
            super::out::complain(env.tf("cli-import-book", &[("path", path.display().to_string())]));
        }
    }
    let json = serde_json::json!({ "imports": reports, "assessed": road });
    env.print(&json, || {
        let mut out = show(env, &reports);
        if let Some(road) = &road {
            out.push('\n');
            out.push_str(&env.tf("cli-import-assessed", &[("count", road.findings.households.to_string())]));
        }
        out
    });
    Ok(())
}

async fn import_all(env: &Env, args: &Args, progress: &Progress) -> Result<Vec<ImportReport>, CliError> {
    let ordered = intake::in_order(args.files.clone(), args.kind).await?;
    let options = ImportOptions { as_of: args.as_of, purpose: args.purpose.clone(), ..ImportOptions::default() };
    Ok(intake::import_batch(&env.app, &env.actor, ordered, &options, progress).await?)
}

/// Makes sure that no workbook of doubts takes the place of a file: of one that is brought in, least of all.
fn unwritten(book: &std::path::Path, files: usize) -> Result<(), IntakeError> {
    let paths = if files == 1 { vec![book.to_owned()] } else { (1..=files).map(|n| numbered(book, n)).collect() };
    match paths.into_iter().find(|path| path.symlink_metadata().is_ok()) {
        Some(path) => Err(IntakeError::BookExists { path: path.display().to_string() }),
        None => Ok(()),
    }
}

fn numbered(path: &std::path::Path, number: usize) -> PathBuf {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!("{stem}-{number}.xlsx"))
}

/// The table of what was brought in, and the hits by rule.
fn show(env: &Env, reports: &[ImportReport]) -> String {
    let mut out = show_files(env, reports);
    let mut rules: std::collections::BTreeMap<(&str, &str), i64> = std::collections::BTreeMap::new();
    for (rule, severity, hits) in reports.iter().filter(|r| r.already.is_none()).flat_map(|r| &r.rules) {
        *rules.entry((severity, rule)).or_default() += hits;
    }
    if !rules.is_empty() {
        let mut table = Table::new([env.t("cli-import-rule"), env.t("intake-col-severity"), env.t("cli-import-hits")]);
        for ((severity, rule), hits) in rules.iter().rev() {
            let severity = env.t(&format!("intake-severity-{severity}"));
            table.row([env.t(&format!("rule-{rule}")), severity, hits.to_string()]);
        }
        out.push('\n');
        out.push_str(&table.to_string());
    }
    out
}

/// The table of what was brought in.
pub fn show_files(env: &Env, reports: &[ImportReport]) -> String {
    let mut table = Table::new([
        env.t("cli-import-file"),
        env.t("cli-import-kind"),
        env.t("cli-import-rows"),
        env.t("cli-import-new"),
        env.t("cli-import-changed"),
        env.t("cli-import-same"),
        env.t("cli-import-doubts"),
        env.t("cli-import-held"),
    ]);
    let mut out = String::new();
    for report in reports {
        if report.already.is_some() {
            out.push_str(&env.tf("cli-import-already", &[("file", report.file_name.clone())]));
            out.push('\n');
            continue;
        }
        table.row([
            report.file_name.clone(),
            env.t(&format!("intake-kind-{}", report.kind)),
            report.rows_total.to_string(),
            report.rows_new.to_string(),
            report.rows_changed.to_string(),
            report.rows_same.to_string(),
            report.rows_doubtful.to_string(),
            report.rows_held.to_string(),
        ]);
    }
    if reports.iter().any(|r| r.already.is_none()) {
        out.push_str(&table.to_string());
    }
    for report in reports.iter().filter(|r| r.already.is_none()) {
        said_of(env, &mut out, &report.file_name, &report.skipped_sheets, report.formulas, report.rows_total == 0);
    }
    out
}

/// What a person must know of a workbook that was not read as it stands.
fn said_of(env: &Env, out: &mut String, file: &str, skipped: &[intake::SkippedSheet], formulas: u64, no_rows: bool) {
    let formulas = (formulas > 0).then(|| env.tf("intake-formulas", &[("count", formulas.to_string())]));
    let no_rows = no_rows.then(|| env.t("intake-no-rows"));
    for line in skipped.iter().map(|s| s.text(env.lang)).chain(formulas).chain(no_rows) {
        out.push_str(&format!("{file}: {line}\n"));
    }
}

async fn preview(args: &Args, env: &Env) -> Result<(), CliError> {
    let mut all = Vec::new();
    for path in &args.files {
        let options = ImportOptions { kind: args.kind, as_of: args.as_of, ..ImportOptions::default() };
        all.push(intake::preview(&env.app, &env.actor, path, &options).await?);
    }
    let json = serde_json::json!({ "previews": all });
    env.print(&json, || {
        let mut out = String::new();
        for p in &all {
            out.push_str(&env.tf(
                "cli-import-preview",
                &[
                    ("file", p.file_name.clone()),
                    ("kind", env.t(&format!("intake-kind-{}", p.kind.name()))),
                    ("encoding", p.encoding.clone()),
                    ("day", p.as_of.to_string()),
                ],
            ));
            out.push('\n');
            let mut table = Table::new([env.t("intake-col-header"), env.t("intake-col-field")]);
            for (header, field) in &p.mapping.found {
                table.row([header.as_str(), field.as_str()]);
            }
            out.push_str(&table.to_string());
            for (key, headers) in [("cli-import-missing", &p.mapping.absent), ("cli-import-extra", &p.mapping.extra)] {
                if !headers.is_empty() {
                    out.push_str(&env.tf(key, &[("headers", headers.join("、"))]));
                    out.push('\n');
                }
            }
            said_of(env, &mut out, &p.file_name, &p.skipped_sheets, p.formulas, p.rows.is_empty());
        }
        out
    });
    Ok(())
}

impl From<std::io::Error> for IntakeError {
    fn from(error: std::io::Error) -> Self {
        Self::File(error.to_string())
    }
}
