//! `taizhang tasks`.

use clap::Subcommand;

use super::{CliError, Env, Table};
use crate::tasks::model::show_figure;
use crate::tasks::postponed::{self, Urgency};
use crate::tasks::{campaign, look};

/// Look after the tasks that are handed down and reported up.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List tasks with how many units below have reported
    List {
        /// open, closed, all
        #[arg(long, default_value = "open", value_parser = ["open", "closed", "all"])]
        state: String,
        /// The most tasks
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// List who owes a report, what is longest due first
    Owed {
        /// Only what is late
        #[arg(long)]
        late: bool,
        /// Division code [default: everything]
        #[arg(long, value_name = "CODE", default_value = "")]
        division: String,
        /// The most units
        #[arg(long, default_value_t = 1000)]
        limit: u32,
    },
    /// List campaigns against their plans
    Campaigns,
    /// List what was put off, what needs an answer first
    Postponed {
        /// Only what is past its new day
        #[arg(long)]
        passed: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// The database fails.
pub async fn run(args: Args, env: &Env) -> Result<(), CliError> {
    match args.action {
        Action::List { state, limit } => list(env, &state, limit).await,
        Action::Owed { late, division, limit } => owed(env, late, &division, limit).await,
        Action::Campaigns => campaigns(env).await,
        Action::Postponed { passed } => put_off(env, passed).await,
    }
}

/// Hundredths as JSON has them.
fn number(figure: Option<i64>) -> serde_json::Value {
    figure.map_or(serde_json::Value::Null, |figure| serde_json::json!(figure as f64 / 100.0))
}

async fn list(env: &Env, state: &str, limit: u32) -> Result<(), CliError> {
    let which = look::Which::from_name(state);
    let filter = look::Filter { which, limit: i64::from(limit), ..look::Filter::default() };
    let (lines, total) = look::index(&env.app, &env.actor, &filter).await?;
    let json: Vec<_> = lines
        .iter()
        .map(|line| {
            serde_json::json!({
                "id": line.id, "title": line.title, "unit": line.unit, "state": line.state, "due": line.due,
                "campaign": line.campaign,
                "poverty": { "target": number(line.target_poverty), "done": number(line.done_poverty) },
                "epidemic": { "target": number(line.target_epidemic), "done": number(line.done_epidemic) },
                "below": {
                    "units": line.nodes, "unreported": line.unreported, "reported": line.reported,
                    "returned": line.returned, "accepted": line.accepted, "late": line.late,
                },
            })
        })
        .collect();
    env.print(&serde_json::json!({ "total": total, "tasks": json }), || {
        if lines.is_empty() {
            return env.t("task-cli-none");
        }
        let mut table = Table::new([
            env.t("task-column-task"),
            env.t("task-field-unit"),
            env.t("task-column-due"),
            env.t("task-leg-poverty"),
            env.t("task-leg-epidemic"),
            env.t("task-cli-below"),
            env.t("task-late"),
        ]);
        let leg = |asked: &str, done: Option<i64>, target: Option<i64>| {
            if asked.is_empty() {
                return String::new();
            }
            let target = target.map_or_else(|| "—".to_owned(), show_figure);
            format!("{} / {target}", show_figure(done.unwrap_or(0)))
        };
        for line in &lines {
            table.row([
                line.title.clone(),
                line.unit.clone(),
                line.due.clone(),
                leg(&line.poverty, line.done_poverty, line.target_poverty),
                leg(&line.epidemic, line.done_epidemic, line.target_epidemic),
                format!("{} / {}", line.accepted, line.nodes),
                line.late.to_string(),
            ]);
        }
        format!("{table}\n{}", env.tf("task-cli-total", &[("total", total.to_string())]))
    });
    Ok(())
}

async fn owed(env: &Env, late: bool, division: &str, limit: u32) -> Result<(), CliError> {
    let page = (i64::from(limit), 0);
    let (lines, all, overdue) = look::owed(&env.app, &env.actor, division, late, page).await?;
    env.print(&serde_json::json!({ "owed": all, "late": overdue, "units": lines }), || {
        if lines.is_empty() {
            return env.t("task-cli-none");
        }
        let mut table = Table::new([
            env.t("task-column-place"),
            env.t("task-column-task"),
            env.t("task-column-state"),
            env.t("task-column-due"),
            env.t("task-column-above"),
            env.t("task-column-reminders"),
        ]);
        for line in &lines {
            table.row([
                line.place.clone(),
                line.title.clone(),
                env.t(&format!("task-state-{}", line.state)),
                line.due.clone(),
                line.above_place.clone(),
                line.reminders.to_string(),
            ]);
        }
        let total = if late { overdue } else { all };
        format!("{table}\n{}", env.tf("task-cli-total", &[("total", total.to_string())]))
    });
    Ok(())
}

async fn campaigns(env: &Env) -> Result<(), CliError> {
    let mut boards = Vec::new();
    for one in campaign::all(&env.app, &env.actor).await? {
        boards.push(campaign::board(&env.app, &env.actor, one.id, "").await?);
    }
    let json: Vec<_> = boards
        .iter()
        .map(|board| {
            serde_json::json!({
                "id": board.campaign.id, "name": board.campaign.name, "place": board.campaign.place,
                "done_permille": board.permille, "baseline_permille": board.baseline, "plan_permille": board.planned,
                "days_behind": board.days_behind, "plans": board.plans.len(), "places": board.places,
            })
        })
        .collect();
    env.print(&serde_json::json!(json), || {
        if boards.is_empty() {
            return env.t("task-cli-none");
        }
        let mut table = Table::new([
            env.t("task-field-name"),
            env.t("task-column-place"),
            env.t("task-mean-done"),
            env.t("task-baseline-today"),
            env.t("task-days-behind"),
        ]);
        let percent = |share: i64| format!("{}.{}%", share / 10, share % 10);
        for board in &boards {
            table.row([
                board.campaign.name.clone(),
                board.campaign.place.clone(),
                board.permille.map_or_else(|| "—".to_owned(), percent),
                percent(board.baseline),
                board.days_behind.to_string(),
            ]);
        }
        table.to_string()
    });
    Ok(())
}

async fn put_off(env: &Env, passed: bool) -> Result<(), CliError> {
    let filter = postponed::Filter { urgency: passed.then_some(Urgency::Passed), ..postponed::Filter::default() };
    let (found, _) = postponed::list(&env.app, &env.actor, &filter).await?;
    let today = env.app.clock.today();
    env.print(&serde_json::json!(found), || {
        if found.is_empty() {
            return env.t("task-cli-none");
        }
        let mut table = Table::new([
            env.t("task-column-what"),
            env.t("task-field-unit"),
            env.t("task-field-first_on"),
            env.t("task-field-new_on"),
            env.t("task-column-state"),
        ]);
        for one in &found {
            table.row([
                one.title.clone(),
                one.unit.clone(),
                one.first_on.clone(),
                one.new_on.clone(),
                env.t(&format!("task-urgency-{}", one.urgency(today).name())),
            ]);
        }
        table.to_string()
    });
    Ok(())
}
