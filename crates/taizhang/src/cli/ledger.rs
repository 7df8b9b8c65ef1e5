//! `taizhang ledger`.

use chrono::NaiveDate;
use clap::Subcommand;

use super::{CliError, Env, Table, Trouble};
use crate::assess;
use crate::ledger::books::{self, Account, Asked, Of, Side};
use crate::ledger::words;

/// Look after the ledger.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add the books up for a place and period, and prove them by a recount of every event
    Reconcile {
        /// Division code [default: everything]
        #[arg(long, value_name = "CODE")]
        division: Option<String>,
        /// First day [default: the beginning]
        #[arg(long, value_name = "YYYY-MM-DD")]
        from: Option<NaiveDate>,
        /// Last day [default: today]
        #[arg(long, value_name = "YYYY-MM-DD")]
        to: Option<NaiveDate>,
        /// The books as they stood at the end of this day
        #[arg(long, value_name = "YYYY-MM-DD", conflicts_with_all = ["from", "to"])]
        as_of: Option<NaiveDate>,
    },
}

/// Runs the command.
pub async fn run(args: Args, env: &Env) -> Result<(), CliError> {
    let Action::Reconcile { division, from, to, as_of } = args.action;
    let to = as_of.or(to).unwrap_or_else(|| env.app.clock.today());
    let asked = Asked { division: division.unwrap_or_default(), from, to };
    let found = books::books(&env.app, &env.actor, &asked).await?;
    let profile = assess::active_profile(&env.app, &env.actor).await?.profile;
    let faults = &found.proof.faults;
    let json = serde_json::json!({ "balanced": faults.is_empty(), "books": found });
    env.print(&json, || {
        let heads = Side::all().into_iter().map(|side| env.t(&format!("ledger-moved-{}", side.name())));
        let first = [env.t("ledger-books-name"), env.t("ledger-books-unit")];
        let mut table = Table::new(first.into_iter().chain(heads));
        let mut add = |name: &str, account: &Account| {
            for of in Of::ALL {
                let unit = env.t(&format!("ledger-of-{}", of.name()));
                let figures = Side::all().into_iter().map(|side| account.sheet(of).side(side).to_string());
                table.row([name.to_owned(), unit].into_iter().chain(figures));
            }
        };
        let all = if found.total.name.is_empty() { env.t("ledger-books-total") } else { found.total.name.clone() };
        add(&all, &found.total);
        for account in &found.by_source {
            let ledger = words::ledger(&profile, &account.ledger, env.lang);
            add(&format!("{ledger} · {}", words::source(&account.source, env.lang)), account);
        }
        for account in &found.by_division {
            add(&format!("{} {}", account.division, account.name), account);
        }
        let from = from.map_or_else(|| env.t("ledger-beginning"), |day| day.to_string());
        let title = [("place", all.clone()), ("from", from), ("to", to.to_string())];
        let mut out = format!("{}\n\n{table}\n", env.tf("ledger-books-title", &title));
        if faults.is_empty() {
            out.push_str(&env.tf("ledger-balance-ok", &[("compared", found.proof.compared.to_string())]));
        } else {
            let mut list = Table::new([
                env.t("ledger-fault-what"),
                env.t("ledger-books-name"),
                env.t("ledger-day"),
                env.t("ledger-fault-book"),
                env.t("ledger-fault-recount"),
            ]);
            for fault in faults.iter().take(50) {
                list.row([
                    env.t(&format!("ledger-fault-{}", fault.what)),
                    [fault.division_code.as_str(), &fault.ledger, &fault.source].join(" "),
                    fault.day.clone(),
                    fault.rollup.to_string(),
                    fault.recount.to_string(),
                ]);
            }
            out.push_str(&env.tf("ledger-balance-bad", &[("faults", faults.len().to_string())]));
            out.push_str(&format!("\n\n{list}"));
        }
        out
    });
    if faults.is_empty() { Ok(()) } else { Err(Trouble::BooksUnbalanced.into()) }
}
