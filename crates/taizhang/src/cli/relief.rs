//! `taizhang relief`.

use chrono::NaiveDate;
use clap::Subcommand;

use super::{CliError, Env, Table, Trouble};
use crate::access::Scope;
use crate::relief::balance::{self, Balance, Books, FIGURES, Period};
use crate::relief::contacts::{self, Reach};
use crate::relief::model::yuan;

/// Temporary relief and contacts: prove the books, see who was not reached.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add the books of temporary relief up, and prove them against requests and payments
    Balance {
        /// Division code [default: everything]
        #[arg(long, value_name = "CODE", default_value = "")]
        division: String,
        /// First day [default: the first request]
        #[arg(long, value_name = "YYYY-MM-DD")]
        from: Option<NaiveDate>,
        /// Last day [default: today]
        #[arg(long, value_name = "YYYY-MM-DD")]
        to: Option<NaiveDate>,
    },
    /// Show how households were reached, by division and channel
    Contacts {
        /// Division code [default: everything]
        #[arg(long, value_name = "CODE", default_value = "")]
        division: String,
        /// Within so many days
        #[arg(long, value_name = "DAYS", default_value_t = contacts::DAYS, value_parser = clap::value_parser!(u64).range(1..=contacts::DAYS_MOST))]
        days: u64,
    },
}

/// Runs the command.
///
/// # Errors
/// As the operations behind it say; the books do not balance.
pub async fn run(args: Args, env: &Env) -> Result<(), CliError> {
    match args.action {
        Action::Balance { division, from, to } => {
            let period = Period {
                from: from.map(|day| day.to_string()).unwrap_or_default(),
                to: to.unwrap_or_else(|| env.app.clock.today()).to_string(),
            };
            let found = balance::balance(&env.app, &env.actor, &Scope::subtree(&division), &period).await?;
            show(env, &found);
            if found.total.balances() && found.faults.is_empty() {
                Ok(())
            } else {
                Err(Trouble::BooksUnbalanced.into())
            }
        }
        Action::Contacts { division, days } => {
            let since = contacts::since(env.app.clock.today(), days);
            let scope = Scope::subtree(&division);
            let (total, lines) = contacts::reach(&env.app, &env.actor, &scope, &since).await?;
            env.print(&serde_json::json!({ "since": since, "total": total, "divisions": lines }), || {
                let names: Vec<&str> = std::iter::once("registered").chain(contacts::FIGURES).collect();
                let mut heads = vec![env.t("screen-column-place")];
                heads.extend(names.iter().map(|name| env.t(&format!("contact-figure-{name}"))));
                let mut table = Table::new(heads);
                let sum = Reach { name: env.t("screen-total"), ..total.clone() };
                for line in lines.iter().chain([&sum]) {
                    let mut cells = vec![line.name.clone()];
                    cells.extend(names.iter().map(|name| line.figure(name).to_string()));
                    table.row(cells);
                }
                table.to_string()
            });
            Ok(())
        }
    }
}

fn show(env: &Env, found: &Balance) {
    let json = serde_json::json!({ "balanced": found.total.balances() && found.faults.is_empty(), "books": found });
    env.print(&json, || {
        let names: Vec<&str> =
            FIGURES.into_iter().filter(|name| !(found.period.from.is_empty() && name.ends_with("_before"))).collect();
        let mut heads = vec![env.t("screen-column-place")];
        heads.extend(names.iter().map(|name| env.t(&format!("relief-figure-{name}"))));
        let mut table = Table::new(heads);
        let sum = Books { name: env.t("screen-total"), ..found.total.clone() };
        for line in found.divisions.iter().chain([&sum]) {
            let mut cells = vec![line.name.clone()];
            cells.extend(names.iter().map(|name| yuan(line.figure(name))));
            table.row(cells);
        }
        let mut out = table.to_string();
        if found.faults.is_empty() {
            out.push_str(&env.t("relief-cli-balanced"));
            return out;
        }
        out.push_str(&env.t("relief-cli-faults"));
        out.push('\n');
        let heads = ["relief-fault-figure", "relief-fault-events", "relief-fault-kept"];
        let mut table = Table::new(heads.map(|key| env.t(key)));
        for (name, by_events, by_rows) in &found.faults {
            let said = |n: &i64| if name == "requests" { n.to_string() } else { yuan(*n) };
            table.row([env.t(&format!("relief-figure-{name}")), said(by_events), said(by_rows)]);
        }
        out.push_str(&table.to_string());
        out
    });
}
