//! `taizhang audit`.

use clap::Subcommand;

use super::{CliError, Env, Trouble};
use crate::access::audit::{self, Break};

/// Look after the audit log.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Walk the whole chain and find an entry that was changed, removed or put in between
    Verify {
        /// Number of entries that there were when --head was written down
        #[arg(long, value_name = "N", requires = "head")]
        entries: Option<i64>,
        /// Hash of the last entry then
        #[arg(long, value_name = "HASH", requires = "entries")]
        head: Option<String>,
    },
}

/// Runs the command.
pub async fn run(args: Args, env: &Env) -> Result<(), CliError> {
    let Action::Verify { entries, head } = args.action;
    let mut found = audit::verify(&env.app.db).await?;
    if let (None, Some(entries), Some(head)) = (&found.fault, entries, &head)
        && audit::hash_at(&env.app.db, entries).await?.as_ref() != Some(head)
    {
        found.fault = Some(Break::Head { seq: found.entries, head: entries });
    }
    let fault = found.fault.as_ref().map(|fault| fault.text(env.lang));
    let json = serde_json::json!({
        "entries": found.entries,
        "head": found.head,
        "whole": fault.is_none(),
        "fault": fault,
    });
    env.print(&json, || {
        let args = [
            ("entries", found.entries.to_string()),
            ("head", found.head.clone()),
            ("fault", fault.clone().unwrap_or_default()),
        ];
        match fault {
            None => env.tf("audit-whole", &args),
            Some(_) => env.tf("audit-broken", &args),
        }
    });
    if found.fault.is_some() {
        return Err(Trouble::ChainBroken.into());
    }
    Ok(())
}
