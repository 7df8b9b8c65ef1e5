//! `taizhang assess`.

use std::path::PathBuf;

use super::{CliError, Env, Table, Trouble};
use crate::access::Scope;
use crate::platform::jobs::Progress;
use crate::{assess, road};

/// Load a policy profile, find out whom the shock has touched, and open items for them.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Policy profile (TOML) to put in force first
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Only households whose signals or records have changed since the last assessment
    #[arg(long, conflicts_with = "profile")]
    changed: bool,
}

/// Runs the command.
pub async fn run(args: Args, env: &Env) -> Result<(), CliError> {
    if let Some(path) = args.profile {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(&path).map_err(|e| Trouble::of_file(&path, &e))?;
        assess::load_profile_file(&env.app, &env.actor, &shown, &text).await?;
    }
    let progress = Progress::default();
    let bar = env.progress_bar(&progress);
    let report = if args.changed {
        road::signals_changed(&env.app, &env.actor, &[]).await?
    } else {
        road::run_all(&env.app, &env.actor, &Scope::everything(), &progress).await?
    };
    drop(bar);
    let rules = assess::rule_counts(&env.app.db, &env.actor.scope).await?;
    let mut json = serde_json::to_value(&report).unwrap_or_default();
    if let Some(object) = json.as_object_mut() {
        object.insert("rules".to_owned(), serde_json::to_value(&rules).unwrap_or_default());
    }
    let loaded = assess::active_profile(&env.app, &env.actor).await?;
    env.print(&json, || {
        let mut sums = Table::new([env.t("assess-cli-what"), env.t("assess-cli-count")]);
        let tier = |name: &str| report.tiers.get(name).copied().unwrap_or(0);
        for (key, count) in [
            ("assess-cli-high", tier("high")),
            ("assess-cli-medium", tier("medium")),
            ("assess-cli-households", report.findings.households),
            ("assess-cli-found", report.findings.opened + report.findings.returned),
            ("assess-cli-changed", report.findings.changed),
            ("assess-cli-ended", report.findings.ended),
            ("assess-cli-opened", report.items.opened),
            ("assess-cli-reopened", report.items.reopened),
            ("assess-cli-cancelled", report.items.cancelled),
            ("assess-cli-noted", report.items.noted),
        ] {
            sums.row([env.t(key), count.to_string()]);
        }
        let mut table =
            Table::new([env.t("assess-rule"), String::new(), env.t("assess-findings"), env.t("assess-households")]);
        for count in &rules {
            let title = loaded.profile.rule(&count.rule_id).map(|rule| rule.title.get(env.lang).to_owned());
            table.row([
                count.rule_id.clone(),
                title.unwrap_or_default(),
                count.findings.to_string(),
                count.households.to_string(),
            ]);
        }
        format!("{} · {}\n\n{sums}\n{table}", report.profile, report.day)
    });
    Ok(())
}
