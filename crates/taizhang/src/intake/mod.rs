//! Files in (数据导入): read, map, check, commit.
//!
//! The first look maps a file's columns and writes nothing. Then the file is read once, checked row by row and household
//! by household, and what passes is written in one transaction: a process that dies in between leaves the register as it
//! was, and the same file brought in again changes nothing.

mod commit;
mod convert;
pub mod fields;
mod flow;
mod look;
mod mask;
pub mod model;
mod organisation_store;
mod organisations;
pub mod pages;
pub mod reader;
mod records;
mod registrar;
pub mod rules;
mod spool;
mod store;
mod succession;
pub mod table;
mod whole;
pub mod workbook;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use uuid::Uuid;

pub use commit::import_file;
pub use fields::Kind;
pub(crate) use look::day_in;
pub use look::preview;
pub(crate) use mask::masked;
pub use model::{ImportOptions, ImportReport, IntakeError, Preview};
pub use reader::{SkipReason, SkippedSheet};
pub use store::{Import, Issue};
pub use whole::check_register;

use self::look::{SAMPLE, look};
use crate::access::{Actor, Capability};
use crate::platform::App;
use crate::platform::jobs::Progress;

/// Hits kept of one rule in one import; more are counted only.
const HITS_KEPT: usize = 50_000;
/// Rows written past which the database refreshes what it knows of its tables.
const LARGE: i64 = 50_000;

/// The name of a file for messages.
fn name_of(path: &Path, given: &str) -> String {
    if given.is_empty() {
        path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    } else {
        given.to_owned()
    }
}

/// Where staged copies of uploads lie.
///
/// # Errors
/// The folder cannot be made.
pub fn staging(app: &App) -> Result<PathBuf, IntakeError> {
    app.sub_folder("imports").map_err(|e| IntakeError::File(e.to_string()))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, IntakeError> + Send + 'static,
) -> Result<T, IntakeError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| IntakeError::File(e.to_string()))?
}

/// The imports of a scope, newest first.
///
/// # Errors
/// The database fails, or the actor may not.
pub async fn imports(app: &App, actor: &Actor, limit: i64, offset: i64) -> Result<Vec<Import>, IntakeError> {
    if !actor.may(Capability::ImportRegister) {
        return Err(IntakeError::Forbidden);
    }
    Ok(store::imports(&app.db, &actor.scope, limit, offset).await?)
}

/// One import.
///
/// # Errors
/// It does not exist, or not for this actor.
pub async fn import(app: &App, actor: &Actor, id: Uuid) -> Result<Import, IntakeError> {
    if !actor.may(Capability::ImportRegister) {
        return Err(IntakeError::Forbidden);
    }
    store::import(&app.db, id, &actor.scope).await?.ok_or(IntakeError::NotFound)
}

/// Hits of an import by rule: rule, severity, hits.
///
/// # Errors
/// It does not exist, or not for this actor.
pub async fn issue_counts(app: &App, actor: &Actor, id: Uuid) -> Result<Vec<(String, String, i64)>, IntakeError> {
    import(app, actor, id).await?;
    Ok(store::issue_counts(&app.db, id).await?)
}

/// Hits of an import, of one rule or (empty) of all.
///
/// # Errors
/// It does not exist, or not for this actor.
pub async fn issues(app: &App, actor: &Actor, id: Uuid, rule: &str, limit: i64) -> Result<Vec<Issue>, IntakeError> {
    import(app, actor, id).await?;
    Ok(store::issues(&app.db, id, rule, limit).await?)
}

/// The order in which files must be brought in: by what they hold.
///
/// # Errors
/// A file cannot be read, or is of no known kind.
pub async fn in_order(paths: Vec<PathBuf>, kind: Option<Kind>) -> Result<Vec<(Kind, PathBuf)>, IntakeError> {
    blocking(move || {
        let mut out = Vec::with_capacity(paths.len());
        for path in paths {
            let file = name_of(&path, "");
            let looked = look(&path, &file, kind, SAMPLE)?;
            out.push((looked.kind, path));
        }
        out.sort_by_key(|(kind, _)| *kind);
        Ok(out)
    })
    .await
}

/// Brings files in one after another, in the order given by [`in_order`], and runs the register-wide rules once at the
/// end: between the files of a batch the register is not whole.
///
/// # Errors
/// The first file that cannot be brought in; the files before it are in.
pub async fn import_batch(
    app: &App,
    actor: &Actor,
    files: Vec<(Kind, PathBuf)>,
    options: &ImportOptions,
    progress: &Progress,
) -> Result<Vec<ImportReport>, IntakeError> {
    let mut reports: Vec<ImportReport> = Vec::with_capacity(files.len());
    for (kind, path) in files {
        let options = ImportOptions { kind: Some(kind), register_rules_later: true, ..options.clone() };
        reports.push(import_file(app, actor, &path, options, progress).await?);
    }
    if let Some(last) = reports.iter_mut().rfind(|r| r.already.is_none()) {
        progress.stage("job-stage-intake-check", 0);
        let day = last.as_of.parse().unwrap_or_else(|_| app.clock.today());
        check_register(app, actor, last.id, day).await?;
        last.rules = store::issue_counts(&app.db, last.id).await?;
    }
    if reports.iter().map(|r| r.rows_new + r.rows_changed).sum::<i64>() > LARGE {
        app.db.settle().await?;
    }
    Ok(reports)
}

/// Which quality rules the imports of a scope found broken: rule and household number, each pair once.
///
/// # Errors
/// The database fails.
pub async fn broken_rules(app: &App, actor: &Actor) -> Result<Vec<(String, String)>, IntakeError> {
    Ok(store::broken_rules(&app.db, &actor.scope).await?)
}

/// Deletes copies of uploads that no staged import claims: left by a process that died.
///
/// # Errors
/// The folder or the database fails.
pub async fn sweep(app: &App) -> Result<(), IntakeError> {
    let folder = staging(app)?;
    let staged: HashSet<String> = store::waiting(&app.db).await?.into_iter().map(|(id,)| id.to_string()).collect();
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !staged.contains(name.split('.').next().unwrap_or_default())
            && let Err(error) = std::fs::remove_file(entry.path())
        {
            tracing::warn!(%error, "a staged file could not be deleted");
        }
    }
    Ok(())
}
