//! The order of the road behind register and comparison: records and signals → findings → items. Whoever changes one of
//! them calls this; no feature before it on the road knows what comes after.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use chrono::NaiveDate;
use uuid::Uuid;

use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability, Scope};
use crate::assess::everybody::{self, Part};
use crate::assess::{self, AssessError, FindingChanges, Frame, HouseholdFindings, LoadedProfile};
use crate::ledger::{self, model::ItemChanges};
use crate::monitor::{self, MonitorError};
use crate::platform::jobs::Progress;
use crate::platform::{App, DbError, ErrorKind, Lang, Tx, UserError};

/// Households of one transaction: small enough that others who write do not wait long.
const CHUNK: usize = 500;
/// Findings of one transaction of a run for everybody.
const ROWS: usize = 2_000;

/// Why the road was not gone.
#[derive(Debug, thiserror::Error)]
pub enum RoadError {
    /// The assessment.
    #[error(transparent)]
    Assess(#[from] AssessError),
    /// The monitoring cases.
    #[error(transparent)]
    Monitor(#[from] MonitorError),
}

impl From<DbError> for RoadError {
    fn from(error: DbError) -> Self {
        Self::Assess(error.into())
    }
}

impl UserError for RoadError {
    fn code(&self) -> &'static str {
        match self {
            Self::Assess(inner) => inner.code(),
            Self::Monitor(inner) => inner.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Assess(inner) => inner.kind(),
            Self::Monitor(inner) => inner.kind(),
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Assess(inner) => inner.args(),
            Self::Monitor(inner) => inner.args(),
        }
    }

    fn message(&self, lang: Lang) -> String {
        match self {
            Self::Assess(inner) => inner.message(lang),
            Self::Monitor(inner) => inner.message(lang),
        }
    }
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct RoadReport {
    /// Profile and version that it went by.
    pub profile: String,
    /// ISO day that it speaks of.
    pub day: String,
    /// Counties by tier.
    pub tiers: BTreeMap<String, u64>,
    /// Households asked about.
    pub asked: u64,
    /// What became of the findings.
    pub findings: FindingChanges,
    /// What became of the items.
    pub items: ItemChanges,
    /// What took how long, milliseconds; empty for some households.
    pub took: BTreeMap<&'static str, u64>,
}

/// Assesses the given households, and whomever else the changed facts reach, and brings their items in line.
/// To be called after signals were written, revised or withdrawn; asks for no capability of its own.
///
/// # Errors
/// The stored profile is faulty or the database fails. Calling again later catches up.
pub async fn signals_changed(app: &App, actor: &Actor, household_ids: &[Uuid]) -> Result<RoadReport, RoadError> {
    let began = app.clock.now_ms();
    let loaded = assess::active_profile(app, actor).await?;
    let day = app.clock.today();
    let tiers = assess::tiers_now(app, &loaded, day).await?;
    let households = assess::reached(app, household_ids, day).await?;
    let report = go(app, actor, &loaded, tiers, households.clone(), &Progress::default()).await?;
    assess::income::refresh_some(app, &loaded, &households).await?;
    assess::remember_turn(app, began).await?;
    Ok(report)
}

/// What a write to one household led to.
#[derive(Debug, Clone, Default)]
pub struct HouseholdChange {
    /// Its findings that are new, came back, were raised or ended, for the answer to whoever wrote.
    pub findings: HouseholdFindings,
    /// What became of its items.
    pub items: ItemChanges,
}

/// Assesses one household inside the transaction that changed it, and brings its items in line: a visit or a signal and
/// what follows from them are kept together or not at all, and the answer can show them. `day` is the day that counts,
/// `now` the time of the write in milliseconds. Nothing follows while no profile was ever applied. Asks for no
/// capability of its own; what reaches other households than this one (a helper's signal, a county's cases) is for
/// [`signals_changed`].
///
/// A transaction that changes items besides calls this before it touches them: on PostgreSQL the turn of assessments
/// comes before the locks of items, everywhere.
///
/// # Errors
/// A rule takes too many steps for the household, or the database fails; the caller's transaction must not be kept.
pub async fn household_changed(
    tx: &mut Tx,
    actor: &Actor,
    household: Uuid,
    day: NaiveDate,
    now: i64,
) -> Result<HouseholdChange, RoadError> {
    assess::take_turn(tx).await?;
    let Some(frame) = assess::frame_now(tx, day, now).await? else {
        return Ok(HouseholdChange::default());
    };
    let findings = assess::household_in(tx, &frame, household).await?;
    let items = ledger::follow(tx, &frame, &[household]).await?;
    if items != ItemChanges::default() {
        audit_follow(tx, actor, findings.changes, items, now).await?;
    }
    Ok(HouseholdChange { findings, items })
}

/// Assesses the households of which an import brought a helper and that have an open item, so that the items go to
/// whoever is in charge now. To be called after an import of helpers; asks for no capability of its own.
///
/// # Errors
/// As [`signals_changed`].
pub async fn helpers_changed(app: &App, actor: &Actor, import: Uuid) -> Result<RoadReport, RoadError> {
    let households = ledger::households_helped(&app.db, import).await?;
    if households.is_empty() {
        return Ok(RoadReport::default());
    }
    let loaded = assess::active_profile(app, actor).await?;
    let tiers = assess::run_tiers(app, &loaded, app.clock.today()).await?;
    go(app, actor, &loaded, tiers, households, &Progress::default()).await
}

/// What an import's transaction owes the rest of the road, whatever it wrote: signals, candidates, findings and items go
/// along with people who moved to another household and households that moved to another division, and every household
/// whose findings may be others now is put on the list of the next assessment, which [`register_changed`] makes.
///
/// # Errors
/// The database fails.
pub(crate) async fn follow_register(
    tx: &mut Tx,
    actor: &Actor,
    import: Uuid,
    day: NaiveDate,
    now: i64,
) -> Result<(), DbError> {
    assess::take_turn(tx).await?;
    let moved = crate::compare::follow_register(tx).await?;
    crate::monitor::follow_register(tx).await?;
    crate::screen::follow(tx, import).await?;
    crate::relief::follow(tx, import).await?;
    let found = assess::follow_register(tx, import, &moved, day, now).await?;
    let homes = ledger::problems::follow_homes(tx, import, day, now).await?;
    if homes > 0 {
        audit_follow(tx, actor, FindingChanges::default(), ItemChanges { noted: homes, ..ItemChanges::default() }, now)
            .await?;
    }
    if found.is_empty() {
        return Ok(());
    }
    let Some(frame) = assess::frame_in(tx, day, now).await? else {
        return Ok(());
    };
    for chunk in found.chunks(CHUNK) {
        let items = ledger::follow(tx, &frame, chunk).await?;
        if items != ItemChanges::default() {
            audit_follow(tx, actor, FindingChanges::default(), items, now).await?;
        }
    }
    Ok(())
}

/// Assesses the households that changes of the register have put on the list. Nothing to do is the rule while there
/// are no signals.
///
/// # Errors
/// As [`signals_changed`].
pub async fn register_changed(app: &App, actor: &Actor) -> Result<Option<RoadReport>, RoadError> {
    monitor::take_over(app, actor).await?;
    if assess::waiting(app, &Scope::everything()).await? == 0 {
        return Ok(None);
    }
    signals_changed(app, actor, &[]).await.map(Some)
}

/// Assesses every household of a scope that any rule could say something about, and brings all items in line.
///
/// # Errors
/// The actor may not, the stored profile is faulty, somebody cancelled, or the database fails. What was done stays;
/// running again does the rest.
pub async fn run_all(app: &App, actor: &Actor, scope: &Scope, progress: &Progress) -> Result<RoadReport, RoadError> {
    if !actor.may(Capability::RunAssessment) {
        return Err(AssessError::Forbidden.into());
    }
    let began = app.clock.now_ms();
    let mut watch = Watch::new();
    let scope = actor.scope.narrow(scope.root()).ok_or(AssessError::Forbidden)?;
    progress.stage("job-stage-assess-tiers", 0);
    let loaded = assess::active_profile(app, actor).await?;
    let day = app.clock.today();
    let tiers = assess::run_tiers(app, &loaded, day).await?;
    progress.stage("job-stage-assess-collect", 0);
    let (source, asked) = assess::candidates(app, &loaded, &tiers.map, &scope, day).await?;
    let mut run = Run::new(app, actor, &loaded, tiers, asked)?;
    watch.lap("tiers");
    progress.stage("job-stage-assess-rules", asked);
    let mut parts = everybody::start(app, &run.frame, source);
    let (mut read, mut weight) = (0_u64, 0);
    let mut waiting: Vec<Part> = Vec::new();
    while let Some(part) = parts.next().await {
        if progress.is_cancelled() {
            return Err(AssessError::Cancelled.into());
        }
        let part = part?;
        read += part.len() as u64;
        progress.at(read);
        if part.is_settled() {
            run.report.findings.add(part.counted());
            continue;
        }
        weight += part.weight();
        waiting.push(part);
        if weight >= ROWS {
            run.keep(std::mem::take(&mut waiting)).await?;
            weight = 0;
        }
    }
    run.keep(waiting).await?;
    watch.lap("rules");
    progress.stage("job-stage-assess-follow", 0);
    let (gone, behind) = everybody::left_over(app, &run.frame, &scope).await?;
    run.assess(gone, progress).await?;
    run.follow(behind, progress).await?;
    // An item outlives its finding: whoever answers for it may have changed since.
    let handed = ledger::households_to_hand_over(&app.db, &scope, day).await?;
    run.follow(handed, progress).await?;
    watch.lap("items");
    assess::income::refresh(app, &loaded, &scope, progress).await?;
    watch.lap("income");
    if scope.root().is_empty() {
        everybody::forget(app).await?;
        assess::remember_turn(app, began).await?;
    }
    run.report.took = watch.laps;
    Ok(run.report)
}

/// What each part of a run takes.
struct Watch {
    since: Instant,
    laps: BTreeMap<&'static str, u64>,
}

impl Watch {
    fn new() -> Self {
        Self { since: Instant::now(), laps: BTreeMap::new() }
    }

    /// Ends a part, and begins the next.
    fn lap(&mut self, part: &'static str) {
        self.laps.insert(part, u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX));
        self.since = Instant::now();
    }
}

/// What households are assessed with today.
///
/// # Errors
/// As [`signals_changed`].
pub(crate) async fn frame(app: &App, actor: &Actor) -> Result<Frame, RoadError> {
    let loaded = assess::active_profile(app, actor).await?;
    let day = app.clock.today();
    loaded.profile.deadlines_from(day).map_err(AssessError::from)?;
    let tiers = assess::tiers_now(app, &loaded, day).await?;
    Ok(Frame {
        profile_id: loaded.id,
        profile: Arc::clone(&loaded.profile),
        tiers: tiers.map,
        day,
        now: app.clock.now_ms(),
    })
}

async fn go(
    app: &App,
    actor: &Actor,
    loaded: &LoadedProfile,
    tiers: assess::TierRun,
    households: Vec<Uuid>,
    progress: &Progress,
) -> Result<RoadReport, RoadError> {
    let mut run = Run::new(app, actor, loaded, tiers, households.len() as u64)?;
    progress.stage("job-stage-assess-rules", run.report.asked);
    run.assess(households, progress).await?;
    Ok(run.report)
}

/// One run, and what it has done so far.
struct Run {
    app: App,
    actor: Actor,
    frame: Frame,
    report: RoadReport,
}

impl Run {
    fn new(
        app: &App,
        actor: &Actor,
        loaded: &LoadedProfile,
        tiers: assess::TierRun,
        asked: u64,
    ) -> Result<Self, RoadError> {
        let day = app.clock.today();
        loaded.profile.deadlines_from(day).map_err(AssessError::from)?;
        let frame = Frame {
            profile_id: loaded.id,
            profile: Arc::clone(&loaded.profile),
            tiers: Arc::clone(&tiers.map),
            day,
            now: app.clock.now_ms(),
        };
        let report = RoadReport {
            profile: format!("{} v{}", loaded.profile.key, loaded.profile.version),
            day: day.to_string(),
            tiers: tiers.counts,
            asked,
            ..RoadReport::default()
        };
        Ok(Self { app: app.clone(), actor: actor.clone(), frame, report })
    }

    /// Writes what readers found to differ, and what follows from it.
    async fn keep(&mut self, parts: Vec<Part>) -> Result<(), RoadError> {
        if parts.is_empty() {
            return Ok(());
        }
        let (frame, actor) = (self.frame.clone(), self.actor.clone());
        let work = self.app.db.write::<_, RoadError, _>(move |tx| {
            Box::pin(async move {
                let kept = everybody::keep(tx, &frame, parts).await?;
                let touched: Vec<Uuid> = kept.touched.into_iter().collect();
                let mut items = ItemChanges::default();
                for chunk in touched.chunks(CHUNK) {
                    items.add(ledger::follow(tx, &frame, chunk).await?);
                }
                if items != ItemChanges::default() {
                    audit_follow(tx, &actor, kept.changes, items, frame.now).await?;
                }
                Ok((kept.changes, items))
            })
        });
        let (findings, items) = work.await?;
        self.report.findings.add(findings);
        self.report.items.add(items);
        Ok(())
    }

    /// Assesses households and brings their items in line, some in each transaction.
    async fn assess(&mut self, households: Vec<Uuid>, progress: &Progress) -> Result<(), RoadError> {
        for (done, chunk) in households.chunks(CHUNK).enumerate() {
            if progress.is_cancelled() {
                return Err(AssessError::Cancelled.into());
            }
            let (frame, ids, actor) = (self.frame.clone(), chunk.to_vec(), self.actor.clone());
            let work = self.app.db.write::<_, RoadError, _>(move |tx| {
                Box::pin(async move {
                    assess::take_turn(tx).await?;
                    let findings = assess::assess_chunk(tx, &frame, &ids).await?;
                    let items = ledger::follow(tx, &frame, &ids).await?;
                    if items != ItemChanges::default() {
                        audit_follow(tx, &actor, findings, items, frame.now).await?;
                    }
                    Ok((findings, items))
                })
            });
            let (findings, items) = work.await?;
            self.report.findings.add(findings);
            self.report.items.add(items);
            progress.at(((done + 1) * CHUNK).min(households.len()) as u64);
        }
        Ok(())
    }

    /// Brings the items of households in line whose findings are as they should be.
    async fn follow(&mut self, households: Vec<Uuid>, progress: &Progress) -> Result<(), RoadError> {
        for chunk in households.chunks(CHUNK) {
            if progress.is_cancelled() {
                return Err(AssessError::Cancelled.into());
            }
            let (frame, ids, actor) = (self.frame.clone(), chunk.to_vec(), self.actor.clone());
            let work = self.app.db.write::<_, RoadError, _>(move |tx| {
                Box::pin(async move {
                    assess::take_turn(tx).await?;
                    let items = ledger::follow(tx, &frame, &ids).await?;
                    if items != ItemChanges::default() {
                        audit_follow(tx, &actor, FindingChanges::default(), items, frame.now).await?;
                    }
                    Ok(items)
                })
            });
            self.report.items.add(work.await?);
        }
        Ok(())
    }
}

async fn audit_follow(
    tx: &mut Tx,
    actor: &Actor,
    findings: FindingChanges,
    items: ItemChanges,
    now: i64,
) -> Result<(), DbError> {
    let entry = Entry {
        action: "ledger.follow",
        object_kind: "ledger",
        object_id: String::new(),
        division_code: actor.scope.root(),
        reason: "",
        detail: serde_json::json!({ "findings": findings, "items": items }),
    };
    audit::record(tx, actor, entry, now).await
}
