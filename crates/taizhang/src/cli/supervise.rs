//! `taizhang supervise`.

use chrono::NaiveDate;
use clap::Subcommand;

use super::{CliError, Env, Table, Trouble};
use crate::access::Scope;
use crate::assess::profile::supervise::StallKind;
use crate::ledger::model::title_in;
use crate::supervise;
use crate::supervise::presence::{self, Month, Verdict};
use crate::supervise::stall::{self, Asked};

/// See what is stuck, and whether work teams are on post.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what is stuck by place, and the items that are stuck longest
    Stuck {
        /// Division code [default: everything]
        #[arg(long, value_name = "CODE", default_value = "")]
        division: String,
        /// Only of this rule: overdue, idle, reopened, closed_fast, closed_bulk
        #[arg(long, value_name = "RULE", default_value = "", value_parser = ["", "overdue", "idle", "reopened", "closed_fast", "closed_bulk"])]
        rule: String,
        /// The most items
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Show the days on post of the members of work teams in a month
    Presence {
        /// Division code of a county or of what is below it
        division: String,
        /// The month [default: this one]
        #[arg(long, value_name = "YYYY-MM")]
        month: Option<String>,
        /// Only those who stand so: absent, short, on_leave, met
        #[arg(long, value_name = "HOW", default_value = "", value_parser = ["", "absent", "short", "on_leave", "met"])]
        only: String,
    },
}

/// Runs the command.
///
/// # Errors
/// As the operations behind it say.
pub async fn run(args: Args, env: &Env) -> Result<(), CliError> {
    match args.action {
        Action::Stuck { division, rule, limit } => stuck(env, &division, &rule, i64::from(limit)).await,
        Action::Presence { division, month, only } => on_post(env, &division, month, &only).await,
    }
}

async fn stuck(env: &Env, division: &str, rule: &str, limit: i64) -> Result<(), CliError> {
    let (_, policy) = supervise::policy(&env.app, &env.actor).await?;
    let scope = Scope::subtree(division);
    let asked = Asked { rule: StallKind::from_name(rule), ..Asked::default() };
    let morning = stall::morning(&env.app, &env.actor, &policy, &scope).await?;
    let (lines, count) = stall::list(&env.app, &env.actor, &policy, &scope, &asked, (0, limit)).await?;
    let items: Vec<_> = lines
        .iter()
        .map(|line| {
            serde_json::json!({
                "number": line.number, "ledger": line.ledger, "title": title_in(&line.title, env.lang),
                "place": line.place, "unit": line.unit, "person": line.person, "since": line.since,
                "rules": stall::rules(line), "state": line.state, "deadline": line.deadline, "reminded": line.reminded,
            })
        })
        .collect();
    env.print(&serde_json::json!({ "morning": morning, "count": count, "items": items }), || {
        let mut places = Table::new([
            env.t("supervise-place"),
            env.t("supervise-open"),
            env.t("supervise-stuck"),
            env.t("supervise-share"),
            env.t("supervise-warning"),
        ]);
        for place in morning.places.iter().chain([&morning.total]) {
            places.row([
                place.name.clone(),
                place.open.to_string(),
                place.stuck.to_string(),
                format!("{:.1}%", place.percent()),
                if place.orange { env.t("supervise-orange") } else { String::new() },
            ]);
        }
        let mut table = Table::new([
            env.t("supervise-cli-number"),
            env.t("supervise-place"),
            env.t("supervise-why"),
            env.t("supervise-since"),
            env.t("supervise-unit"),
            env.t("supervise-person"),
        ]);
        for line in &lines {
            let why: Vec<&str> = stall::rules(line)
                .into_iter()
                .filter_map(|kind| policy.stall(kind))
                .map(|rule| rule.title.get(env.lang))
                .collect();
            table.row([
                line.number.clone(),
                line.place.clone(),
                why.join(&env.t("list-comma")),
                line.since.clone(),
                line.unit.clone(),
                line.person.clone(),
            ]);
        }
        format!("{places}\n{table}\n{}", env.tf("supervise-cli-count", &[("count", count.to_string())]))
    });
    Ok(())
}

async fn on_post(env: &Env, division: &str, month: Option<String>, only: &str) -> Result<(), CliError> {
    let today = env.app.clock.today();
    let asked = match &month {
        None => today,
        Some(text) => NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d")
            .map_err(|_| Trouble::Usage(env.tf("supervise-cli-month", &[("month", text.clone())])))?,
    };
    let month = Month::of(asked.min(today), today);
    let (_, policy) = supervise::policy(&env.app, &env.actor).await?;
    let mut rows = presence::grid(&env.app, &env.actor, &policy.presence, &Scope::subtree(division), month).await?;
    if let Some(only) = Verdict::from_name(only) {
        rows.retain(|row| row.verdict == only);
    }
    env.print(&serde_json::json!({ "from": month.first, "through": month.through, "members": rows }), || {
        let mut table = Table::new([
            env.t("supervise-member"),
            env.t("supervise-place"),
            env.t("supervise-present"),
            env.t("supervise-mark-leave"),
            env.t("supervise-last"),
            env.t("supervise-verdict"),
        ]);
        for row in &rows {
            table.row([
                row.member.name.clone(),
                row.member.place.clone(),
                format!("{} / {}", row.present(), row.asked),
                row.leave.to_string(),
                row.last.map(|day| day.to_string()).unwrap_or_default(),
                env.t(&format!("supervise-verdict-{}", row.verdict.name())),
            ]);
        }
        format!("{table}\n{}", policy.presence.in_words(env.lang))
    });
    Ok(())
}
