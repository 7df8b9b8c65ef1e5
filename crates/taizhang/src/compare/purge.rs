//! Retention: what an agency gave about people who are nobody's here goes at its day, and abandoned uploads go too.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use uuid::Uuid;

use super::model::CompareError;
use super::{Content, JobParams, count, store};
use crate::access::Actor;
use crate::access::audit::{self, Entry};
use crate::platform::{App, Lang};

/// How often the running server looks whether a day has begun.
const LOOK: Duration = Duration::from_secs(3_600);
/// An upload that nobody has started a comparison with for so long is abandoned.
const ABANDONED: Duration = Duration::from_secs(24 * 3_600);

/// What a purge took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Purged {
    /// Rows that matched nobody and lost everything personal.
    pub rows: i64,
    /// Rows that were held back and are gone.
    pub held: i64,
}

/// Takes everything personal out of rows that matched nobody, and rows that were held back away, once their retention
/// day has passed. Each comparison has its audit entry.
///
/// # Errors
/// The database fails; then nothing is taken.
pub async fn purge(app: &App, actor: &Actor) -> Result<Purged, CompareError> {
    let empty = Content::default().seal(&app.vault)?;
    let (today, now, actor) = (app.clock.today().to_string(), app.clock.now_ms(), actor.clone());
    app.db
        .write::<Purged, CompareError, _>(move |tx| {
            Box::pin(async move {
                let expired = store::expired(tx, &today, &actor.scope).await?;
                let rows: Vec<Uuid> = expired.iter().map(|(row, _)| *row).collect();
                store::blank_rows(tx, &rows, &empty).await?;
                let mut by_comparison: BTreeMap<Uuid, Purged> = BTreeMap::new();
                for (_, comparison) in &expired {
                    by_comparison.entry(*comparison).or_default().rows += 1;
                }
                for (comparison, held) in store::expired_held(tx, &today, &actor.scope).await? {
                    store::delete_held(tx, comparison).await?;
                    by_comparison.entry(comparison).or_default().held += held;
                }
                let mut all = Purged { rows: count(expired.len()), held: 0 };
                for (comparison, purged) in by_comparison {
                    all.held += purged.held;
                    audit::record(
                        tx,
                        &actor,
                        Entry {
                            action: "comparison.purge",
                            object_kind: "comparison",
                            object_id: comparison.to_string(),
                            division_code: actor.scope.root(),
                            reason: "",
                            detail: serde_json::json!({ "rows": purged.rows, "held": purged.held }),
                        },
                        now,
                    )
                    .await?;
                }
                Ok(all)
            })
        })
        .await
}

/// Deletes uploads that were previewed and then left for a day; how many. What a job still waits for stays.
///
/// # Errors
/// The database fails.
pub async fn sweep_uploads(app: &App) -> Result<usize, CompareError> {
    let Ok(entries) = std::fs::read_dir(app.folder.join("uploads")) else {
        return Ok(0);
    };
    let claimed: HashSet<String> = store::waiting_jobs(&app.db)
        .await?
        .iter()
        .filter_map(|(params,)| serde_json::from_str::<JobParams>(params).ok())
        .map(|params| params.upload)
        .collect();
    let mut swept = 0;
    for entry in entries.flatten() {
        let old =
            entry.metadata().and_then(|m| m.modified()).is_ok_and(|at| at.elapsed().is_ok_and(|age| age >= ABANDONED));
        if !old || claimed.contains(entry.file_name().to_string_lossy().as_ref()) {
            continue;
        }
        match std::fs::remove_file(entry.path()) {
            Ok(()) => swept += 1,
            Err(error) => tracing::warn!(%error, "an abandoned upload could not be deleted"),
        }
    }
    Ok(swept)
}

/// Purges and sweeps once a day, for as long as the process lives; what fails is tried again an hour later.
pub async fn every_day(app: App) {
    let actor = Actor::machine(Lang::default());
    let mut done = None;
    loop {
        let today = app.clock.today();
        if done != Some(today) {
            match (purge(&app, &actor).await, sweep_uploads(&app).await) {
                (Ok(purged), Ok(swept)) => {
                    done = Some(today);
                    if purged != Purged::default() || swept > 0 {
                        tracing::info!(rows = purged.rows, held = purged.held, swept, "retention day passed");
                    }
                }
                (Err(error), _) | (_, Err(error)) => tracing::warn!(%error, "the daily purge failed"),
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}
