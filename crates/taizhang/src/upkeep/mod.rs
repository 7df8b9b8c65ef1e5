//! Whether the installation is well: what `taizhang doctor` and the page System health show. It looks at everything and
//! changes nothing, and nothing but the doors knows of it.

pub mod pages;
mod store;

use std::path::Path;

use crate::platform::db::{MIGRATIONS, SQLITE_FILE, newest};
use crate::platform::files::open_to_others;
use crate::platform::jobs::Told;
use crate::platform::vault::{KEY_FILE, Vault};
use crate::platform::{App, Clock, Db, DbError, Lang, UserError, i18n, settings};
use crate::{assess, ledger};

/// Free space below which imports are at risk, MiB.
const DISK_FAIL_MIB: u64 = 200;
/// Free space below which somebody should look, MiB.
const DISK_WARN_MIB: u64 = 2_048;
/// A running job silent for so long was left behind, milliseconds. A job that holds the only writer is silent too.
const SILENT_MS: i64 = 15 * 60_000;
/// The name of the thorough check in the background, and the setting that keeps what it found.
const THOROUGH: &str = "upkeep.thorough";

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

/// One thing looked at. Its texts are `health-<name>` (what) and `health-<name>-<how>` (how it is and what to do).
#[derive(Debug, Clone)]
pub struct Check {
    /// Which.
    pub name: &'static str,
    /// How it is.
    pub level: Level,
    /// Which text says so: the level's name, or a special one.
    pub how: &'static str,
    /// Values of its text.
    pub args: Vec<(&'static str, String)>,
    /// The error behind it, which its text shows as `why`.
    pub error: Option<Told>,
}

impl Check {
    fn new(name: &'static str, level: Level, args: Vec<(&'static str, String)>) -> Self {
        Self { name, level, how: level.name(), args, error: None }
    }

    fn fail(name: &'static str, how: &'static str, args: Vec<(&'static str, String)>) -> Self {
        Self { how, ..Self::new(name, Level::Fail, args) }
    }

    fn because(self, error: &dyn UserError) -> Self {
        Self { error: Some(Told::of(error)), ..self }
    }

    /// What was looked at.
    pub fn title(&self, lang: Lang) -> String {
        i18n::text(lang, &format!("health-{}", self.name))
    }

    /// How it is, and what to do about it.
    pub fn text(&self, lang: Lang) -> String {
        let mut args = self.args.clone();
        args.extend(self.error.as_ref().map(|error| ("why", error.text(lang))));
        i18n::text_with(lang, &format!("health-{}-{}", self.name, self.how), &args)
    }
}

/// What takes long to find out: whether the database's files are whole, and how much there is.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Thorough {
    /// When, milliseconds.
    at: i64,
    /// What is damaged.
    faults: Vec<String>,
    /// How much there is, if it could be counted.
    counts: Option<store::Counts>,
    /// Why it could not.
    uncounted: Option<Told>,
    /// Whether the books of the ledger balance, if they could be added up.
    #[serde(default)]
    books: Option<Balance>,
    /// Why they could not.
    #[serde(default)]
    unbooked: Option<Told>,
}

/// What a recount of the ledger's events found.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Balance {
    open: i64,
    compared: usize,
    faults: usize,
}

impl Thorough {
    async fn look(db: &Db, now: i64) -> Self {
        let faults = match db.integrity().await {
            Ok(faults) => faults,
            Err(error) => vec![error.to_string()],
        };
        let (counts, uncounted) = match store::counts(db).await {
            Ok(counts) => (Some(counts), None),
            Err(error) => (None, Some(Told::of(&error))),
        };
        let (books, unbooked) = match ledger::prove(db).await {
            Ok(found) => {
                let (open, compared, faults) = (found.open_by_events, found.compared, found.faults.len());
                (Some(Balance { open, compared, faults }), None)
            }
            Err(error) => (None, Some(Told::of(&error))),
        };
        Self { at: now, faults, counts, uncounted, books, unbooked }
    }

    fn checks(&self) -> Vec<Check> {
        let mut checks = vec![match self.faults.first() {
            None => Check::new("integrity", Level::Ok, Vec::new()),
            Some(first) => Check::new("integrity", Level::Fail, vec![("why", first.clone())]),
        }];
        let Some(counts) = &self.counts else {
            let check = Check::new("counts", Level::Fail, Vec::new());
            checks.push(Check { error: self.uncounted.clone(), ..check });
            return checks;
        };
        let or_warn = |there: bool| if there { Level::Ok } else { Level::Warn };
        checks.push(Check::new("users", or_warn(counts.users > 0), vec![("count", counts.users.to_string())]));
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
        if let Some(books) = &self.books {
            let level = if books.faults == 0 { Level::Ok } else { Level::Fail };
            let args = [("open", books.open.to_string()), ("compared", books.compared.to_string())];
            let faults = ("faults", books.faults.to_string());
            checks.push(Check::new("books", level, args.into_iter().chain([faults]).collect()));
        } else if self.unbooked.is_some() {
            // A database of an earlier version has no such books yet, which the schema's own check says.
            let check = Check { how: "unread", ..Check::new("books", Level::Warn, Vec::new()) };
            checks.push(Check { error: self.unbooked.clone(), ..check });
        }
        checks
    }
}

/// Looks at everything of an installation, also of one that does not open, and changes nothing.
pub async fn diagnose(folder: &Path, database: Option<&str>, clock: Clock) -> Vec<Check> {
    let (key, vault) = key(folder);
    let mut checks = vec![self::folder(folder), key, disk(folder).await];
    let missing = folder.join(SQLITE_FILE);
    // An empty file is what a program makes that was looking for one.
    if database.is_none() && std::fs::metadata(&missing).map_or(true, |meta| meta.len() == 0) {
        checks.push(Check::fail("database", "missing", vec![("path", missing.display().to_string())]));
        return checks;
    }
    match Db::look(database, folder).await {
        Ok(db) => {
            let found = in_database(&db, vault.as_ref(), clock).await;
            // What the database says of the key counts for more than how its file looks.
            checks.retain(|check| !found.iter().any(|other| other.name == check.name));
            checks.extend(found);
            checks.extend(Thorough::look(&db, clock.now_ms()).await.checks());
        }
        Err(error) => checks.push(Check::fail("database", "closed", Vec::new()).because(&error)),
    }
    checks
}

/// What can be seen at a glance of an installation that is open.
pub(crate) async fn glance(app: &App) -> Vec<Check> {
    let mut checks = vec![folder(&app.folder), key(&app.folder).0, disk(&app.folder).await];
    checks.extend(in_database(&app.db, Some(&app.vault), app.clock).await);
    checks
}

/// What the last thorough look found, and when.
pub(crate) async fn last_look(db: &Db) -> Result<Option<(i64, Vec<Check>)>, DbError> {
    let kept = settings::get(db, THOROUGH).await?;
    let found: Option<Thorough> = kept.and_then(|value| serde_json::from_value(value).ok());
    Ok(found.map(|found| (found.at, found.checks())))
}

/// Begins a thorough look in the background, unless one is under way.
pub(crate) fn begin_look(app: &App) {
    let at_work = app.clone();
    app.background.start(THOROUGH, async move {
        let found = Thorough::look(&at_work.db, at_work.clock.now_ms()).await;
        let (value, now) = (serde_json::json!(found), at_work.clock.now_ms());
        let kept = at_work
            .db
            .write::<(), DbError, _>(move |tx| Box::pin(async move { settings::set(tx, THOROUGH, &value, now).await }))
            .await;
        if let Err(error) = kept {
            tracing::error!(%error, "what the thorough check found could not be kept");
        }
    });
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

fn key(folder: &Path) -> (Check, Option<Vault>) {
    let path = folder.join(KEY_FILE);
    let args = vec![("path", path.display().to_string())];
    match Vault::read(folder) {
        Ok(None) => (Check::new("key", Level::Fail, args), None),
        Err(error) => {
            let mut args = args;
            args.push(("why", error.to_string()));
            (Check::fail("key", "unreadable", args), None)
        }
        Ok(vault) => {
            let level = if open_to_others(&path) { Level::Warn } else { Level::Ok };
            (Check::new("key", level, args), vault)
        }
    }
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

async fn in_database(db: &Db, vault: Option<&Vault>, clock: Clock) -> Vec<Check> {
    let version = match db.version().await {
        Ok(version) => version,
        Err(error) => {
            let args = vec![("name", db.name().to_owned())];
            return vec![Check::new("database", Level::Fail, args).because(&error)];
        }
    };
    let args = vec![("name", db.name().to_owned()), ("version", version)];
    let mut checks = vec![match db.check_version().await {
        Ok(()) => Check::new("database", Level::Ok, args),
        Err(error) => Check::fail("database", "closed", args).because(&error),
    }];
    checks.push(Check::new("program", Level::Ok, vec![("version", env!("CARGO_PKG_VERSION").to_owned())]));
    checks.push(schema(db).await);
    if let Some(vault) = vault {
        // A database that does not say is one of an earlier version, or not readable: the schema tells.
        if let Ok(Some(false)) = App::key_fits(db, vault).await {
            checks.push(Check::fail("key", "other", Vec::new()));
        }
    }
    checks.push(profile(db, clock.today()).await);
    match store::silent_jobs(db, clock.now_ms() - SILENT_MS).await {
        Ok(count) => {
            let level = if count == 0 { Level::Ok } else { Level::Warn };
            checks.push(Check::new("jobs", level, vec![("count", count.to_string())]));
        }
        Err(error) => checks.push(Check::fail("jobs", "fail", Vec::new()).because(&error)),
    }
    checks
}

async fn schema(db: &Db) -> Check {
    let known = MIGRATIONS.len();
    let rows = match store::migrations(db).await {
        Ok(rows) => rows,
        Err(error) => return Check::fail("schema", "unread", Vec::new()).because(&error),
    };
    let done = rows.iter().filter(|(_, success)| *success).count();
    let newest_done = rows.last().map_or(0, |(version, _)| *version);
    let args = vec![
        ("done", done.to_string()),
        ("known", known.to_string()),
        ("found", newest_done.to_string()),
        ("newest", newest().to_string()),
    ];
    let unknown = rows.iter().any(|(version, _)| !MIGRATIONS.iter().any(|(known, ..)| known == version));
    if unknown {
        Check::fail("schema", "newer", args)
    } else if done < rows.len() {
        Check::new("schema", Level::Fail, args)
    } else if done < known {
        Check::new("schema", Level::Warn, args)
    } else {
        Check::new("schema", Level::Ok, args)
    }
}

async fn profile(db: &Db, day: chrono::NaiveDate) -> Check {
    match assess::stored_profile(db, day).await {
        Ok(Some(profile)) => Check::new(
            "profile",
            Level::Ok,
            vec![("key", profile.key.clone()), ("version", profile.version.to_string())],
        ),
        Ok(None) => Check::new("profile", Level::Warn, Vec::new()),
        Err(error) => Check::new("profile", Level::Fail, Vec::new()).because(&error),
    }
}
