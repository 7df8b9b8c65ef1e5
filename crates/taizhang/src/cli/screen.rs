//! `taizhang screen`.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::Subcommand;

use super::{CliError, Env, Table, Trouble};
use crate::access::Scope;
use crate::assess;
use crate::assess::profile::checks::{Checks, Indicator};
use crate::platform::jobs::Progress;
use crate::screen::gap_export::{self, Edition};
use crate::screen::{cover, gaps, import};

/// Visits of households: bring past ones in, see who was not visited, check a county for gaps.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Bring a table of past visits in: CSV, XLS or XLSX
    Import {
        /// The file
        file: PathBuf,
    },
    /// Show how many households were visited, by division
    Coverage {
        /// Division code [default: the whole installation]
        #[arg(long, value_name = "CODE", default_value = "")]
        division: String,
        /// Visits from this day on [default: the last 30 days]
        #[arg(long, value_name = "YYYY-MM-DD")]
        since: Option<NaiveDate>,
    },
    /// Show what is short, in doubt or unknown in a county, and write the list as a file
    Gaps {
        /// Division code of the county or of what is below it
        division: String,
        /// Checks before this day count as unknown [default: as the policy profile says]
        #[arg(long, value_name = "YYYY-MM-DD")]
        since: Option<NaiveDate>,
        /// Write figures and list to this XLSX or CSV file
        #[arg(long, value_name = "FILE", requires = "purpose")]
        out: Option<PathBuf>,
        /// What the file is for; goes into the audit log
        #[arg(long, value_name = "TEXT")]
        purpose: Option<String>,
        /// public: names masked; internal: in full
        #[arg(long, default_value = "public", value_parser = ["public", "internal"])]
        edition: String,
    },
}

/// Runs the command.
///
/// # Errors
/// As the operations behind it say.
pub async fn run(args: Args, env: &Env) -> Result<(), CliError> {
    match args.action {
        Action::Import { file } => {
            let progress = Progress::default();
            let bar = env.progress_bar(&progress);
            let report = import::import_file(&env.app, &env.actor, &file, true, &progress).await?;
            drop(bar);
            env.print(&serde_json::json!(report), || show(env, &report));
            Ok(())
        }
        Action::Coverage { division, since } => coverage(env, &division, since).await,
        Action::Gaps { division, since, out, purpose, edition } => {
            let file = out.map(|path| (path, purpose.unwrap_or_default()));
            let edition = Edition::from_name(&edition).unwrap_or(Edition::Public);
            show_gaps(env, &division, since, file, edition).await
        }
    }
}

pub(super) fn show(env: &Env, report: &import::Report) -> String {
    let mut out = env.tf(
        "screen-cli-imported",
        &[
            ("file", report.file.clone()),
            ("rows", report.rows.to_string()),
            ("new", report.new.to_string()),
            ("known", report.known.to_string()),
            ("held", report.held.to_string()),
            ("households", report.households.to_string()),
        ],
    );
    if !report.extra.is_empty() {
        out.push('\n');
        out.push_str(&env.tf("screen-cli-extra", &[("columns", report.extra.join("、"))]));
    }
    if !report.held_rows.is_empty() {
        out.push_str(&format!("\n{}\n", env.t("screen-cli-held")));
        let mut table =
            Table::new(["sheet", "line", "column", "value", "why"].map(|key| env.t(&format!("screen-cli-{key}"))));
        for held in &report.held_rows {
            table.row([
                held.sheet.clone(),
                held.line.to_string(),
                held.column.clone(),
                held.value.clone(),
                held.why(env.lang).to_owned(),
            ]);
        }
        out.push_str(&table.to_string());
    }
    out
}

async fn coverage(env: &Env, division: &str, since: Option<NaiveDate>) -> Result<(), CliError> {
    let usual = cover::Asked::last_days(env.app.clock.today(), 30);
    let asked = cover::Asked { since: since.unwrap_or(usual.since), ..usual };
    let (total, lines) = cover::coverage(&env.app, &env.actor, &Scope::subtree(division), &asked).await?;
    env.print(&serde_json::json!({ "since": asked.since, "total": total, "divisions": lines }), || {
        let heads = [
            "screen-column-place",
            "screen-registered",
            "screen-visited",
            "screen-unvisited",
            "screen-never",
            "screen-covered-share",
        ];
        let mut table = Table::new(heads.map(|key| env.t(key)));
        let sum = cover::Cover { name: env.t("screen-total"), ..total.clone() };
        for line in lines.iter().chain([&sum]) {
            table.row([
                line.name.clone(),
                line.registered.to_string(),
                line.visited.to_string(),
                line.unvisited().to_string(),
                line.never.to_string(),
                format!("{:.1}%", line.percent()),
            ]);
        }
        table.to_string()
    });
    Ok(())
}

async fn show_gaps(
    env: &Env,
    division: &str,
    since: Option<NaiveDate>,
    file: Option<(PathBuf, String)>,
    edition: Edition,
) -> Result<(), CliError> {
    let checks = Checks::of(&assess::active_profile(&env.app, &env.actor).await?.profile);
    let usual = gaps::Asked::all(&checks, env.app.clock.today());
    let asked = gaps::Asked { since: since.unwrap_or(usual.since), ..usual };
    let scope = Scope::subtree(division);
    if let Some((path, purpose)) = &file {
        let csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        let (app, actor) = (&env.app, &env.actor);
        let bytes = if csv {
            gap_export::csv(app, actor, &scope, &asked, edition, purpose, env.lang).await?
        } else {
            gap_export::xlsx(app, actor, &scope, &asked, edition, purpose, env.lang).await?
        };
        std::fs::write(path, bytes).map_err(|error| Trouble::of_file(path, &error))?;
    }
    let (total, places) = gaps::check(&env.app, &scope, &asked).await?;
    env.print(
        &serde_json::json!({ "since": asked.since, "total": total, "divisions": places, "gaps": total.gaps(&checks) }),
        || {
            let mut heads = vec![env.t("screen-column-place"), env.t("screen-column-complete")];
            heads.extend(Indicator::ALL.map(|indicator| checks.policy(indicator).title.get(env.lang).to_owned()));
            heads.push(env.t("screen-gaps"));
            let mut table = Table::new(heads);
            let sum = gaps::Place { name: env.t("screen-total"), ..total.clone() };
            for place in places.iter().chain([&sum]) {
                let mut cells = vec![place.name.clone(), format!("{} / {}", place.complete, place.registered)];
                cells.extend(Indicator::ALL.map(|indicator| {
                    let counts = &place.counts[indicator as usize];
                    format!("{} / {} / {}", counts.short, counts.partly, counts.unknown)
                }));
                cells.push(place.gaps(&checks).to_string());
                table.row(cells);
            }
            let mut out = table.to_string();
            if let Some((path, _)) = &file {
                out.push_str(&env.tf("screen-cli-written", &[("path", path.display().to_string())]));
            }
            out
        },
    );
    Ok(())
}
