//! `taizhang compare`.

use std::path::PathBuf;

use chrono::NaiveDate;

use super::error::readable;
use super::{CliError, Env, Table};
use crate::compare::{self, CompareOptions};
use crate::platform::jobs::Progress;

/// Hold an agency's list against the register.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The list: CSV, XLSX or XLS
    #[arg(required_unless_present_any = ["again", "purge"])]
    file: Option<PathBuf>,
    /// Hold unmatched and doubtful rows against the register again; what is decided stays
    #[arg(long, conflicts_with_all = ["file", "purge"])]
    again: bool,
    /// Take away what matched nobody and is past its retention day
    #[arg(long, conflicts_with = "file")]
    purge: bool,
    /// Kind of list, or the code of its source [default: found from the headers and the division]
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// The day that the list speaks of [default: from the file or its name, else today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<NaiveDate>,
    /// What the list was asked for; stands in the audit log [default: what its source is for, else 防返贫监测]
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    /// Days after which rows that matched nobody lose everything personal [default: as its source says, else 30]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    retention_days: Option<u32>,
}

/// What a list is taken to be asked for where neither the command nor its source says.
const USUAL_PURPOSE: &str = "防返贫监测";

/// Runs the command.
///
/// # Errors
/// As [`compare::run`].
pub async fn run(args: Args, env: &Env) -> Result<(), CliError> {
    if args.purge {
        return purge(env).await;
    }
    let Some(file) = args.file else {
        return again(args.source.as_deref(), env).await;
    };
    readable([&file])?;
    let options = CompareOptions {
        source: args.source,
        as_of: args.as_of,
        purpose: args.purpose.unwrap_or_default(),
        retention_days: args.retention_days.unwrap_or(0),
        usual_purpose: USUAL_PURPOSE.to_owned(),
        file_name: String::new(),
    };
    let progress = Progress::default();
    let bar = env.progress_bar(&progress);
    let report = compare::run(&env.app, &env.actor, &file, options, &progress).await?;
    drop(bar);
    let json = serde_json::json!(report);
    env.print(&json, || {
        let source = env.t(&format!("compare-source-{}", report.source.replace('.', "-")));
        let mut table = Table::new([source, env.t("compare-col-rows")]);
        table.row([env.t("compare-cli-asof"), report.as_of.clone()]);
        if report.list_version > 0 {
            let version = env.tf("agency-version", &[("n", report.list_version.to_string())]);
            table.row([env.t("agency-code"), format!("{} {version}", report.list_source)]);
        }
        // None where no row had to be looked up: then the register was not read.
        if report.registry_persons > 0 {
            table.row([env.t("compare-cli-registry"), report.registry_persons.to_string()]);
        }
        for (key, count) in [
            ("compare-cli-new", report.rows_new),
            ("compare-cli-revised", report.rows_revised),
            ("compare-cli-same", report.rows_same),
            ("compare-cli-gone", report.rows_gone),
            ("compare-cli-doubled", report.rows_doubled),
            ("compare-cli-again", report.rows_again),
            ("compare-held", report.rows_held),
            ("compare-outcome-matched", report.matched),
            ("compare-outcome-review", report.review),
            ("compare-outcome-unmatched", report.unmatched),
            ("compare-cli-other-disease", report.other_disease),
            ("compare-outcome-withdrawn", report.withdrawn),
        ] {
            table.row([env.t(key), count.to_string()]);
        }
        table.row([env.t("compare-cli-signals"), format!("{} / {}", report.signals_added, report.signals_ended)]);
        table.row([env.t("compare-cli-households"), report.households.len().to_string()]);
        let mut out = table.to_string();
        if !report.held.is_empty() || !report.doubled.is_empty() {
            let mut held = Table::new([
                env.t("compare-col-line"),
                env.t("compare-col-column"),
                env.t("compare-col-value"),
                env.t("compare-col-why"),
            ]);
            for h in report.held.iter().take(20).chain(report.doubled.iter().take(20)) {
                held.row([h.line.to_string(), h.column.clone(), h.value.clone(), env.t(&h.why)]);
            }
            out.push('\n');
            out.push_str(&held.to_string());
        }
        for sheet in &report.skipped_sheets {
            out.push_str(&sheet.text(env.lang));
            out.push('\n');
        }
        if report.rows_new + report.rows_revised + report.rows_again == 0 {
            out.push_str(&env.t("compare-cli-nothing-new"));
        }
        out
    });
    Ok(())
}

async fn again(source: Option<&str>, env: &Env) -> Result<(), CliError> {
    let progress = Progress::default();
    let bar = env.progress_bar(&progress);
    let report = compare::again(&env.app, &env.actor, source, &progress).await?;
    drop(bar);
    env.print(&serde_json::json!(report), || {
        table(
            env,
            [
                ("compare-cli-again-rows", report.rows),
                ("compare-cli-again-changed", report.changed),
                ("compare-outcome-matched", report.matched),
                ("compare-cli-again-reopened", report.reopened),
            ],
        )
    });
    Ok(())
}

async fn purge(env: &Env) -> Result<(), CliError> {
    let purged = compare::purge(&env.app, &env.actor).await?;
    let swept = i64::try_from(compare::sweep_uploads(&env.app).await?).unwrap_or(i64::MAX);
    let json =
        serde_json::json!({ "rows": purged.rows, "held": purged.held, "trimmed": purged.trimmed, "uploads": swept });
    env.print(&json, || {
        table(
            env,
            [
                ("compare-cli-purged", purged.rows),
                ("compare-cli-purged-held", purged.held),
                ("compare-cli-purged-trimmed", purged.trimmed),
                ("compare-cli-swept", swept),
            ],
        )
    });
    Ok(())
}

fn table<const N: usize>(env: &Env, lines: [(&str, i64); N]) -> String {
    let mut table = Table::new([String::new(), env.t("compare-col-rows")]);
    for (key, count) in lines {
        table.row([env.t(key), count.to_string()]);
    }
    table.to_string()
}
