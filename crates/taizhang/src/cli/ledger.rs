//! `taizhang ledger`.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;

use super::{CliError, Env, Table, Trouble};
use crate::assess;
use crate::ledger::books::{self, Account, Asked, Of, Side};
use crate::ledger::model::title_in;
use crate::ledger::notices::{self, DigestLine};
use crate::ledger::problems::model::{About, Held, Kind, Received};
use crate::ledger::{problems, words};

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
    /// Receive a list of problems (XLSX, XLS, CSV) and put every row on the books
    Problems {
        /// The list
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Where it comes from
        #[arg(long, value_name = "SOURCE", value_parser = kinds())]
        source: Option<String>,
        /// Name of the list [default: the file's]
        #[arg(long, value_name = "TITLE")]
        title: Option<String>,
        /// Who handed it down
        #[arg(long, value_name = "UNIT")]
        issuer: Option<String>,
        /// When [default: the reporting day in the file, else today]
        #[arg(long, value_name = "YYYY-MM-DD")]
        issued_on: Option<NaiveDate>,
        /// Division code for rows that name no place
        #[arg(long, value_name = "CODE")]
        division: Option<String>,
        /// Only say what would be taken
        #[arg(long)]
        look: bool,
    },
    /// Write a daily digest: each person's overdue, due and returned items, and look-backs that are due
    Digest {
        /// Division code [default: everything]
        #[arg(long, value_name = "CODE")]
        division: Option<String>,
        /// Of this user only
        #[arg(long, value_name = "LOGIN")]
        login: Option<String>,
        /// Write to this file [default: print]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

fn kinds() -> PossibleValuesParser {
    PossibleValuesParser::new(Kind::ALL.map(Kind::name))
}

/// Runs the command.
pub async fn run(args: Args, env: &Env) -> Result<(), CliError> {
    let (division, from, to, as_of) = match args.action {
        Action::Reconcile { division, from, to, as_of } => (division, from, to, as_of),
        Action::Problems { file, source, title, issuer, issued_on, division, look } => {
            let about = About {
                kind: source.as_deref().and_then(Kind::from_name),
                title: title.unwrap_or_default(),
                issuer: issuer.unwrap_or_default(),
                issued_on,
                division: division.unwrap_or_default(),
            };
            return receive(env, &file, &about, look).await;
        }
        Action::Digest { division, login, out } => {
            return digest(env, &division.unwrap_or_default(), login.as_deref(), out.as_deref()).await;
        }
    };
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

/// Writes the digest of today.
async fn digest(env: &Env, division: &str, login: Option<&str>, out: Option<&Path>) -> Result<(), CliError> {
    let found = notices::digest(&env.app, &env.actor, division, login).await?;
    let profile = assess::active_profile(&env.app, &env.actor).await?.profile;
    let line = |line: &DigestLine| {
        let state = words::state(&profile, &line.ledger, &line.state).get(env.lang).to_owned();
        let told = [
            ("number", line.number.clone()),
            ("title", title_in(&line.title, env.lang)),
            ("place", line.division_name.clone()),
            ("day", line.deadline.clone()),
            ("state", state),
        ];
        format!("- {}\n", env.tf("digest-line", &told))
    };
    let mut text = format!("# {}\n", env.tf("digest-title", &[("day", found.day.to_string())]));
    let mut items = 0;
    for person in &found.people {
        let unit = if person.unit.is_empty() { String::new() } else { format!(" · {}", person.unit) };
        text.push_str(&format!("\n## {}{unit}\n", person.name));
        for (key, lines) in
            [("digest-overdue", &person.overdue), ("digest-due", &person.due), ("digest-returned", &person.returned)]
        {
            if !lines.is_empty() {
                items += lines.len();
                text.push_str(&format!("\n### {}\n\n", env.tf(key, &[("count", lines.len().to_string())])));
                lines.iter().for_each(|one| text.push_str(&line(one)));
            }
        }
    }
    if !found.look_backs.is_empty() {
        text.push_str(&format!("\n## {}\n\n", env.t("digest-look_backs")));
        for (place, count) in &found.look_backs {
            let told = [("place", place.clone()), ("count", count.to_string())];
            text.push_str(&format!("- {}\n", env.tf("digest-place", &told)));
        }
    }
    if found.people.is_empty() && found.look_backs.is_empty() {
        text.push_str(&format!("\n{}\n", env.t("digest-none")));
    }
    let json = serde_json::json!(found);
    let Some(file) = out else {
        env.print(&json, || text.trim_end().to_owned());
        return Ok(());
    };
    let content = if env.json { format!("{json:#}\n") } else { text };
    std::fs::write(file, content).map_err(|e| Trouble::of_file(file, &e))?;
    let told = [
        ("file", file.display().to_string()),
        ("people", found.people.len().to_string()),
        ("items", items.to_string()),
    ];
    let written =
        serde_json::json!({ "file": file.display().to_string(), "people": found.people.len(), "items": items });
    env.print(&written, || env.tf("digest-written", &told));
    Ok(())
}

/// Takes a list, or says what would be taken of it; rows that are held are named either way.
async fn receive(env: &Env, file: &Path, about: &About, look: bool) -> Result<(), CliError> {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let looked = problems::look(&env.app, &env.actor, file, &name, about).await?;
    let done = if look {
        let items = looked.rows.iter().map(|row| row.households.len().max(1) as u64).sum();
        let (rows, held) = (looked.rows.len() as u64, looked.held.len() as u64);
        Received { total: rows + held, held, new: rows, items, ..Received::default() }
    } else {
        problems::receive(&env.app, &env.actor, file, &name, about).await?
    };
    let held: Vec<serde_json::Value> = looked.held.iter().map(|one| held_json(env, one)).collect();
    let json = serde_json::json!({ "about": looked.about, "written": !look, "result": done, "held": held });
    env.print(&json, || {
        let counts = [
            ("title", looked.about.title.clone()),
            ("total", done.total.to_string()),
            ("new", done.new.to_string()),
            ("items", done.items.to_string()),
            ("revised", done.revised.to_string()),
            ("same", done.same.to_string()),
            ("held", done.held.to_string()),
            ("proposed", done.proposed.to_string()),
        ];
        let mut out = env.tf("cli-problems-done", &counts);
        if !looked.held.is_empty() {
            let heads = ["compare-col-line", "compare-col-column", "compare-col-value", "compare-col-why"];
            let mut table = Table::new(heads.map(|key| env.t(key)));
            for one in looked.held.iter().take(100) {
                table.row([one.line.to_string(), one.column.clone(), one.value.clone(), one.reason(env.lang)]);
            }
            out.push_str(&format!("\n\n{table}"));
        }
        out
    });
    Ok(())
}

fn held_json(env: &Env, held: &Held) -> serde_json::Value {
    serde_json::json!({
        "sheet": held.sheet, "line": held.line, "column": held.column, "value": held.value, "why": held.reason(env.lang),
    })
}
