//! `taizhang source`.

use chrono::NaiveDate;
use clap::Subcommand;

use super::{CliError, Env, Table};
use crate::compare::{self, ListSource, NewListSource, Retention, Schedule, Terms};

/// Look after the sources of agencies' lists.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the sources: what is due, what is late
    List,
    /// Add a source
    Add {
        /// Kind of list: health.cases, medical.self_pay …
        kind: String,
        /// Division code that the lists are for [default: the whole installation]
        #[arg(long, value_name = "CODE", default_value = "")]
        division: String,
        #[command(flatten)]
        terms: Said,
    },
    /// Change a source
    Set {
        /// The source's code, as `source list` shows it
        code: String,
        #[command(flatten)]
        terms: Said,
        /// No more lists are expected
        #[arg(long, conflicts_with = "resume")]
        stop: bool,
        /// Lists are expected again
        #[arg(long)]
        resume: bool,
    },
}

/// What is said of a source; what is not said stays.
#[derive(Debug, clap::Args)]
struct Said {
    /// The agency that gives the lists
    #[arg(long)]
    agency: Option<String>,
    /// What the lists are asked for
    #[arg(long)]
    purpose: Option<String>,
    /// The rule or agreement by which they are given
    #[arg(long)]
    basis: Option<String>,
    /// none, daily, weekly:1 to weekly:7, monthly:1 to monthly:31, or once:YYYY-MM-DD
    #[arg(long)]
    schedule: Option<String>,
    /// whole: every list holds all rows; part: only what is new
    #[arg(long, value_parser = ["whole", "part"])]
    extent: Option<String>,
    /// Days after which rows that matched nobody lose everything personal
    #[arg(long, value_name = "DAYS", conflicts_with = "retention_until")]
    retention_days: Option<u32>,
    /// The day after which they do, whenever they came
    #[arg(long, value_name = "YYYY-MM-DD")]
    retention_until: Option<NaiveDate>,
    /// Whom to ask: name and office phone
    #[arg(long)]
    contact: Option<String>,
}

impl Said {
    fn over(self, mut terms: Terms) -> Result<Terms, CliError> {
        let put = |on: &mut String, said: Option<String>| {
            if let Some(said) = said {
                *on = said;
            }
        };
        put(&mut terms.agency, self.agency);
        put(&mut terms.purpose, self.purpose);
        put(&mut terms.basis, self.basis);
        put(&mut terms.contact, self.contact);
        if let Some(text) = self.schedule {
            terms.schedule = Schedule::read(&text)
                .ok_or_else(|| compare::CompareError::SourceField { field: "schedule", value: text.clone() })?;
        }
        if let Some(extent) = self.extent {
            terms.whole = extent == "whole";
        }
        match (self.retention_days, self.retention_until) {
            (Some(days), _) => terms.retention = Retention::Days(days),
            (None, Some(day)) => terms.retention = Retention::Until(day),
            (None, None) => {}
        }
        Ok(terms)
    }
}

/// Runs the command.
///
/// # Errors
/// As [`compare::add_source`] and [`compare::edit_source`].
pub async fn run(args: Args, env: &Env) -> Result<(), CliError> {
    let (app, actor) = (&env.app, &env.actor);
    match args.action {
        Action::List => list(env).await?,
        Action::Add { kind, division, terms } => {
            let terms = terms.over(Terms::usual(&kind))?;
            let code = compare::add_source(app, actor, NewListSource { kind, division, terms }).await?;
            say(env, "agency-cli-added", &code);
        }
        Action::Set { code, terms, stop, resume } => {
            let source = compare::list_source(app, actor, &code).await?;
            let mut terms = terms.over(Terms::of(app, &source)?)?;
            terms.active = (terms.active || resume) && !stop;
            compare::edit_source(app, actor, &code, source.version, terms).await?;
            say(env, "agency-cli-saved", &code);
        }
    }
    Ok(())
}

fn say(env: &Env, key: &str, code: &str) {
    env.print(&serde_json::json!({ "code": code }), || env.tf(key, &[("code", code.to_owned())]));
}

async fn list(env: &Env) -> Result<(), CliError> {
    let sources = compare::list_sources(&env.app, &env.actor).await?;
    let today = env.app.clock.today();
    let json: Vec<_> = sources
        .iter()
        .map(|s| {
            serde_json::json!({
                "code": s.code, "kind": s.kind, "agency": s.agency, "division": s.division_code, "purpose": s.purpose,
                "basis": s.basis, "schedule": s.schedule, "extent": s.extent, "retention_days": s.retention_days,
                "retention_until": s.retention_until, "active": s.active, "received_on": s.received_on,
                "next_due": s.next_due(), "days_late": s.days_late(today),
            })
        })
        .collect();
    env.print(&serde_json::json!(json), || {
        let mut table = Table::new([
            env.t("agency-code"),
            env.t("agency-agency"),
            env.t("agency-schedule"),
            env.t("agency-received"),
            env.t("agency-due"),
            env.t("compare-col-state"),
        ]);
        for source in &sources {
            let late = source.days_late(today);
            let state = match (source.active, late) {
                (false, _) => env.t("agency-stopped"),
                (true, 0) => String::new(),
                (true, days) => env.tf("agency-late", &[("days", days.to_string())]),
            };
            table.row([
                source.code.clone(),
                agency(env, source),
                source.schedule.clone(),
                source.received_on.clone(),
                source.next_due().map(|day| day.to_string()).unwrap_or_default(),
                state,
            ]);
        }
        table.to_string()
    });
    Ok(())
}

fn agency(env: &Env, source: &ListSource) -> String {
    match source.agency.as_str() {
        "" => env.t(&format!("agency-usual-{}", source.kind.replace('.', "-"))),
        name => name.to_owned(),
    }
}
