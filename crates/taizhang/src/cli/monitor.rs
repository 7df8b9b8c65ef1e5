//! `taizhang monitor`.

use clap::Subcommand;

use super::{CliError, Env, Table};
use crate::monitor::model::Filter;
use crate::monitor::{self, WarnAsked};

/// Look after the monitoring cases.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List cases, what is overdue first
    List {
        /// State: clue, published, monitored …
        #[arg(long, default_value = "")]
        state: String,
        /// Phase: identify, in (monitored), eliminated, ended
        #[arg(long, default_value = "", value_parser = ["", "identify", "in", "eliminate", "monitored", "eliminated", "ended"])]
        phase: String,
        /// Only what is overdue
        #[arg(long)]
        late: bool,
        /// Division code [default: everything]
        #[arg(long, value_name = "CODE", default_value = "")]
        division: String,
        /// The most cases
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Draw departments' warnings; the households that they hold for become clues
    Warn {
        /// Id of a warning of the policy profile [default: all]
        #[arg(default_value = "")]
        warning: String,
        /// Whatever its day, and whether it was drawn for the period before
        #[arg(long)]
        now: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// As [`monitor::list`] and [`monitor::warn`].
pub async fn run(args: Args, env: &Env) -> Result<(), CliError> {
    match args.action {
        Action::List { state, phase, late, division, limit } => {
            let filter =
                Filter { state, phase, late, division, page: 1, per_page: i64::from(limit), ..Filter::default() };
            list(env, &filter).await
        }
        Action::Warn { warning, now } => warn(env, &WarnAsked { warning, now }).await,
    }
}

async fn list(env: &Env, filter: &Filter) -> Result<(), CliError> {
    let (lines, total) = monitor::list(&env.app, &env.actor, filter).await?;
    let profile = monitor::policy(&env.app).await?;
    let policy = profile.monitoring.as_ref();
    let title = |state: &str| {
        let known = policy.and_then(|policy| policy.machine.as_ref()).and_then(|machine| machine.state(state));
        known.map_or_else(|| state.to_owned(), |state| state.title.get(env.lang).to_owned())
    };
    let today = env.app.clock.today().to_string();
    let json: Vec<_> = lines
        .iter()
        .map(|line| {
            serde_json::json!({
                "number": line.number, "household": line.household_id, "division": line.division_code,
                "state": line.state, "phase": line.phase, "type": line.kind, "main_risk": line.main_risk,
                "since": line.state_since, "deadline": line.deadline, "late": monitor::board_is_late(line, &today),
                "green": line.green, "differs": line.differs,
            })
        })
        .collect();
    env.print(&serde_json::json!({ "total": total, "cases": json }), || {
        if lines.is_empty() {
            return env.t("monitor-cli-none");
        }
        let mut table = Table::new([
            env.t("monitor-col-number"),
            env.t("monitor-col-household"),
            env.t("ledger-column-village"),
            env.t("monitor-col-state"),
            env.t("monitor-col-deadline"),
            String::new(),
        ]);
        for line in &lines {
            let late = if monitor::board_is_late(line, &today) { env.t("monitor-cli-late") } else { String::new() };
            table.row([
                line.number.clone(),
                line.head_name.clone(),
                line.place.clone(),
                title(&line.state),
                line.deadline.clone(),
                late,
            ]);
        }
        format!("{table}\n{}", env.tf("monitor-cli-total", &[("total", total.to_string())]))
    });
    Ok(())
}

async fn warn(env: &Env, asked: &WarnAsked) -> Result<(), CliError> {
    let pushes = monitor::warn(&env.app, &env.actor, asked).await?;
    let profile = monitor::policy(&env.app).await?;
    env.print(&serde_json::json!(pushes), || {
        let mut table = Table::new([
            env.t("monitor-warning"),
            env.t("monitor-cli-period"),
            env.t("monitor-cli-drawn"),
            env.t("monitor-cli-households"),
            env.t("monitor-cli-new"),
        ]);
        for push in &pushes {
            let title = profile.warnings.iter().find(|warning| warning.id == push.warning);
            table.row([
                title.map_or_else(|| push.warning.clone(), |warning| warning.title.get(env.lang).to_owned()),
                push.period.clone(),
                env.t(if push.drawn { "words-yes" } else { "words-no" }),
                push.households.to_string(),
                push.clues.to_string(),
            ]);
        }
        table.to_string()
    });
    Ok(())
}
