//! Whether the installation is well: what `taizhang doctor` and the page System health show.

use std::path::Path;

use super::store;
use crate::platform::db::MIGRATIONS;
use crate::platform::{App, Lang, i18n};

/// Free space below which imports are at risk, MiB.
const DISK_FAIL_MIB: u64 = 200;
/// Free space below which somebody should look, MiB.
const DISK_WARN_MIB: u64 = 2_048;
/// A running job silent for so long was left behind, milliseconds.
const SILENT_MS: i64 = 120_000;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Works, but somebody should look.
    Warn,
    /// Does not work.
    Fail,
}

impl Level {
    /// `ok`, `warn` or `fail`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing looked at. Its texts are `health-<name>` (what) and `health-<name>-<level>` (how it is and what to do).
#[derive(Debug, Clone)]
pub struct Check {
    /// Which.
    pub name: &'static str,
    /// How it is.
    pub level: Level,
    /// Values of its text.
    pub args: Vec<(&'static str, String)>,
}

impl Check {
    fn new(name: &'static str, level: Level, args: Vec<(&'static str, String)>) -> Self {
        Self { name, level, args }
    }

    /// What was looked at.
    pub fn title(&self, lang: Lang) -> String {
        i18n::text(lang, &format!("health-{}", self.name))
    }

    /// How it is, and what to do about it.
    pub fn text(&self, lang: Lang) -> String {
        let key = format!("health-{}-{}", self.name, self.level.name());
        i18n::text_with(lang, &key, &self.args)
    }
}

/// Looks at everything.
pub async fn examine(app: &App) -> Vec<Check> {
    let mut checks = vec![folder(&app.folder), key(&app.folder), disk(&app.folder).await];
    checks.extend(database(app).await);
    checks
}

fn folder(folder: &Path) -> Check {
    let path = folder.display().to_string();
    let probe = folder.join(".write-probe");
    if let Err(error) = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe)) {
        let args = vec![("path", path), ("why", error.to_string())];
        return Check::new("folder", Level::Fail, args);
    }
    let level = if open_to_others(folder) { Level::Warn } else { Level::Ok };
    Check::new("folder", level, vec![("path", path)])
}

fn key(folder: &Path) -> Check {
    let path = folder.join("field.key");
    let level = match std::fs::metadata(&path) {
        Err(_) => Level::Fail,
        Ok(_) if open_to_others(&path) => Level::Warn,
        Ok(_) => Level::Ok,
    };
    Check::new("key", level, vec![("path", path.display().to_string())])
}

/// Whether other users of the machine may read it.
#[cfg(unix)]
fn open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> bool {
    false
}

async fn disk(folder: &Path) -> Check {
    let Some(free) = free_mib(folder).await else {
        return Check::new("disk", Level::Warn, vec![("free", "?".to_owned())]);
    };
    let level = match free {
        _ if free < DISK_FAIL_MIB => Level::Fail,
        _ if free < DISK_WARN_MIB => Level::Warn,
        _ => Level::Ok,
    };
    Check::new("disk", level, vec![("free", format!("{free} MiB"))])
}

/// Free space of the file system of `folder`, MiB, as `df` says.
async fn free_mib(folder: &Path) -> Option<u64> {
    let output = tokio::process::Command::new("df").arg("-Pk").arg(folder).output().await.ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let kib: u64 = text.lines().last()?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kib / 1024)
}

async fn database(app: &App) -> Vec<Check> {
    let name = app.db.name();
    let version = match app.db.version().await {
        Ok(version) => version,
        Err(error) => {
            let args = vec![("name", name.to_owned()), ("why", error.to_string())];
            return vec![Check::new("database", Level::Fail, args)];
        }
    };
    let args = vec![("name", name.to_owned()), ("version", version)];
    let mut checks = vec![Check::new("database", Level::Ok, args)];
    let faults = match app.db.integrity().await {
        Ok(faults) => faults,
        Err(error) => vec![error.to_string()],
    };
    checks.push(match faults.first() {
        None => Check::new("integrity", Level::Ok, Vec::new()),
        Some(first) => Check::new("integrity", Level::Fail, vec![("why", first.clone())]),
    });
    let known = MIGRATIONS.len().to_string();
    checks.push(match store::migrations(&app.db).await {
        Ok(rows) => {
            let done = rows.iter().filter(|(_, success)| *success).count();
            let level = if done == MIGRATIONS.len() && rows.len() == done { Level::Ok } else { Level::Fail };
            let args = vec![("done", done.to_string()), ("known", known)];
            Check::new("schema", level, args)
        }
        Err(_) => {
            let args = vec![("done", "0".to_owned()), ("known", known)];
            Check::new("schema", Level::Fail, args)
        }
    });
    match store::counts(&app.db, app.clock.now_ms() - SILENT_MS).await {
        Err(error) => {
            let args = vec![("why", error.to_string())];
            checks.push(Check::new("counts", Level::Fail, args));
        }
        Ok(counts) => {
            let or_warn = |there: bool| if there { Level::Ok } else { Level::Warn };
            let one = |name, count: i64| Check::new(name, or_warn(count > 0), vec![("count", count.to_string())]);
            checks.push(one("users", counts.users));
            checks.push(one("profile", counts.profiles));
            checks.push(Check::new(
                "counts",
                or_warn(counts.households > 0),
                vec![
                    ("divisions", counts.divisions.to_string()),
                    ("households", counts.households.to_string()),
                    ("persons", counts.persons.to_string()),
                    ("items", counts.items.to_string()),
                ],
            ));
            let jobs = vec![("count", counts.stuck_jobs.to_string())];
            checks.push(Check::new("jobs", or_warn(counts.stuck_jobs == 0), jobs));
        }
    }
    checks
}
