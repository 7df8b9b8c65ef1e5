//! Retention: what an agency gave about people who are nobody's here goes at its day, and abandoned uploads go too.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use uuid::Uuid;

use super::lists::Mapping;
use super::model::CompareError;
use super::{Content, JobParams, source_store, store};
use crate::access::Actor;
use crate::access::audit::{self, Entry};
use crate::platform::{App, Lang, Tx, Vault, ids};

/// How often the running server looks whether a day has begun.
const LOOK: Duration = Duration::from_secs(3_600);
/// An upload that nobody has started a comparison with for so long is abandoned.
const ABANDONED: Duration = Duration::from_secs(24 * 3_600);

/// Matched rows that lose their further columns in one transaction: with many more everybody else would wait.
const TRIMMED_AT_ONCE: i64 = 2_000;

/// What a purge took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Purged {
    /// Rows that matched nobody and lost everything personal.
    pub rows: i64,
    /// Rows that were held back and are gone.
    pub held: i64,
    /// Matched rows that lost the columns that nothing here reads.
    pub trimmed: i64,
}

impl Purged {
    fn add(&mut self, more: Self) {
        self.rows += more.rows;
        self.held += more.held;
        self.trimmed += more.trimmed;
    }
}

/// Takes everything personal out of rows that matched nobody, and rows that were held back away, once their retention
/// day has passed; of matched rows it leaves what their signals and a look at the match need. Each list has its audit
/// entry and its record with the source.
///
/// # Errors
/// The database fails; what was taken until then has its entries.
pub async fn purge(app: &App, actor: &Actor) -> Result<Purged, CompareError> {
    let mut all = Purged::default();
    loop {
        let some = purge_some(app, actor).await?;
        if some == Purged::default() {
            return Ok(all);
        }
        all.add(some);
    }
}

async fn purge_some(app: &App, actor: &Actor) -> Result<Purged, CompareError> {
    let empty = Content::default().seal(&app.vault)?;
    let (today, now, actor, vault) =
        (app.clock.today().to_string(), app.clock.now_ms(), actor.clone(), app.vault.clone());
    app.db
        .write::<Purged, CompareError, _>(move |tx| {
            Box::pin(async move {
                let expired = store::expired(tx, &today, &actor.scope).await?;
                let rows: Vec<Uuid> = expired.iter().map(|(row, _)| *row).collect();
                store::blank_rows(tx, &rows, &empty).await?;
                let mut by_list: BTreeMap<Uuid, Purged> = BTreeMap::new();
                for (_, comparison) in &expired {
                    by_list.entry(*comparison).or_default().rows += 1;
                }
                for (comparison, held) in store::expired_held(tx, &today, &actor.scope).await? {
                    store::delete_held(tx, comparison).await?;
                    by_list.entry(comparison).or_default().held += held;
                }
                for row in store::to_trim(tx, &today, &actor.scope, TRIMMED_AT_ONCE).await? {
                    let sealed = trimmed(&vault, &row.fields_enc)?;
                    store::trim_row(tx, row.id, sealed, &today).await?;
                    // Counted also where there was nothing to take: so the next look goes on with other rows.
                    by_list.entry(row.comparison_id).or_default().trimmed += 1;
                }
                record(tx, &actor, by_list, now).await
            })
        })
        .await
}

/// A matched row without the columns that nothing here reads; none where it has no such column.
fn trimmed(vault: &Vault, sealed: &[u8]) -> Result<Option<Vec<u8>>, CompareError> {
    let mut content = Content::open(vault, sealed)?;
    let all = content.columns.len();
    let headers: Vec<String> = content.columns.keys().cloned().collect();
    let read = Mapping::of(&headers);
    content.columns.retain(|header, _| read.columns.values().any(|(_, known)| known == header));
    if content.columns.len() < all { content.seal(vault).map(Some) } else { Ok(None) }
}

/// Writes down what was taken of each list; what was taken of all.
async fn record(tx: &mut Tx, actor: &Actor, by_list: BTreeMap<Uuid, Purged>, now: i64) -> Result<Purged, CompareError> {
    let mut all = Purged::default();
    for (comparison, purged) in by_list {
        all.add(purged);
        let list = source_store::list_of(tx, comparison).await?;
        let entry = source_store::Purge {
            list_version: list.list_version,
            purged_at: now,
            due_on: list.retention_until.clone(),
            rows_blanked: purged.rows,
            rows_held: purged.held,
            rows_trimmed: purged.trimmed,
        };
        source_store::insert_purge(tx, ids::new_id(), comparison, &list, &entry).await?;
        audit::record(
            tx,
            actor,
            Entry {
                action: "comparison.purge",
                object_kind: "comparison",
                object_id: comparison.to_string(),
                division_code: actor.scope.root(),
                reason: "",
                detail: serde_json::json!({
                    "rows": purged.rows, "held": purged.held, "trimmed": purged.trimmed, "source": list.source,
                    "list": list.list_source, "version": list.list_version, "retention_until": list.retention_until,
                }),
            },
            now,
        )
        .await?;
    }
    Ok(all)
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
                        tracing::info!(
                            rows = purged.rows,
                            held = purged.held,
                            trimmed = purged.trimmed,
                            swept,
                            "retention day passed"
                        );
                    }
                }
                (Err(error), _) | (_, Err(error)) => tracing::warn!(%error, "the daily purge failed"),
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}
