//! `taizhang doctor`.

use super::{CliError, Env, Trouble};
use crate::access::health::{self, Level};

/// Check the installation and say what to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Looks at the data folder, its key, free space, the database with its version, files and schema, users, the policy
profile, what the register holds, and jobs. Exit code 0 if nothing failed (warnings do not count), 6 if something did.

Examples:
  taizhang doctor
  taizhang doctor --json | jq '.[] | select(.level != \"ok\")'")]
pub struct Args {}

/// Runs the command.
pub async fn run(_: Args, env: &Env) -> Result<(), CliError> {
    let checks = health::examine(&env.app).await;
    let json: Vec<_> = checks
        .iter()
        .map(|check| {
            serde_json::json!({
                "check": check.name,
                "level": check.level,
                "text": check.text(env.lang),
            })
        })
        .collect();
    env.print(&serde_json::Value::from(json), || {
        let lines: Vec<String> = checks
            .iter()
            .map(|check| {
                let mark = match check.level {
                    Level::Ok => "✓",
                    Level::Warn => "!",
                    Level::Fail => "✗",
                };
                let (title, text) = (check.title(env.lang), check.text(env.lang));
                format!("{mark} {title}: {text}")
            })
            .collect();
        lines.join("\n")
    });
    if checks.iter().any(|check| check.level == Level::Fail) {
        return Err(Trouble::Unwell.into());
    }
    Ok(())
}
