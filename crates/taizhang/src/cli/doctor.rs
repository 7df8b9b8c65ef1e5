//! `taizhang doctor`.

use std::path::Path;

use super::{CliError, Trouble, out};
use crate::platform::vault::KEY_FILE;
use crate::platform::{Clock, Lang, db};
use crate::upkeep::{self, Level};

/// Check the installation and say what to do.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Looks at an installation, also at one that no other command can open.
pub async fn run(
    _: Args,
    folder: &Path,
    database: Option<String>,
    (lang, json): (Lang, bool),
    clock: Clock,
) -> Result<(), CliError> {
    let there = [KEY_FILE, db::SQLITE_FILE].iter().any(|name| folder.join(name).exists());
    if !there && (database.is_none() || !folder.exists()) {
        return Err(Trouble::NoInstallation(folder.display().to_string()).into());
    }
    let checks = upkeep::diagnose(folder, database.as_deref(), clock).await;
    if json {
        let list: Vec<_> = checks
            .iter()
            .map(|check| {
                serde_json::json!({
                    "check": check.name,
                    "level": check.level,
                    "how": check.how,
                    "text": check.text(lang),
                })
            })
            .collect();
        out::line(serde_json::Value::from(list));
    } else {
        for check in &checks {
            let mark = match check.level {
                Level::Ok => "✓",
                Level::Warn => "!",
                Level::Fail => "✗",
            };
            out::line(format!("{mark} {}: {}", check.title(lang), check.text(lang)));
        }
    }
    if checks.iter().any(|check| check.level == Level::Fail) {
        return Err(Trouble::Unwell.into());
    }
    Ok(())
}
