//! Long work with progress: kept in the table `job`, shown on pages and terminals, cancellable, and taken up again
//! after a restart. What a job writes is one transaction, so that running it again is safe.
//!
//! A running job may hold the only writer of the database for minutes. So its progress and the wish that it stop are
//! known in the memory of the process that runs it ([`Running`]) and are written down when the writer is free.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::{App, Db, DbError, Lang, i18n, ids};
use crate::args;

/// How often a running job writes its progress and hears of a cancellation.
const BEAT: Duration = Duration::from_millis(400);
/// A running job whose last beat is older than this was left by a process that died, milliseconds.
const LOST_AFTER_MS: i64 = 30_000;

/// What a long operation says of itself while it runs, and hears. Cheap to clone; whoever shows it looks when it likes.
#[derive(Clone, Default)]
pub struct Progress {
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    stage: Mutex<String>,
    done: AtomicU64,
    total: AtomicU64,
    cancelled: AtomicBool,
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Progress({:?})", self.now())
    }
}

impl Progress {
    /// Begins a stage: `name` is a text key (`job-stage-…`), `total` its size in units or 0 if unknown.
    pub fn stage(&self, name: &str, total: u64) {
        *self.state.stage.lock().unwrap_or_else(PoisonError::into_inner) = name.to_owned();
        self.state.total.store(total, Ordering::Relaxed);
        self.state.done.store(0, Ordering::Relaxed);
    }

    /// Says how far the stage is.
    pub fn at(&self, done: u64) {
        self.state.done.store(done, Ordering::Relaxed);
    }

    /// Stage, done, total.
    pub fn now(&self) -> (String, u64, u64) {
        let stage = self.state.stage.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (stage, self.state.done.load(Ordering::Relaxed), self.state.total.load(Ordering::Relaxed))
    }

    /// Asks the work to stop at its next safe point.
    pub fn cancel(&self) {
        self.state.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.state.cancelled.load(Ordering::Relaxed)
    }
}

/// The jobs that this process runs, and those that it was asked not to run on. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Running(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    running: HashMap<Uuid, Progress>,
    unwanted: HashSet<Uuid>,
}

impl Running {
    /// The progress of a job that this process runs.
    pub fn progress(&self, id: Uuid) -> Option<Progress> {
        self.known().running.get(&id).cloned()
    }

    /// Asks a job of this process to stop: at once if it runs, else when its turn comes.
    pub fn stop(&self, id: Uuid) {
        let mut known = self.known();
        match known.running.get(&id) {
            Some(progress) => progress.cancel(),
            None => {
                known.unwanted.insert(id);
            }
        }
    }

    /// Whether a job was asked to stop and has not come to its end.
    pub fn is_stopping(&self, id: Uuid) -> bool {
        let known = self.known();
        known.unwanted.contains(&id) || known.running.get(&id).is_some_and(Progress::is_cancelled)
    }

    fn begin(&self, id: Uuid) -> Progress {
        let progress = Progress::default();
        let mut known = self.known();
        if known.unwanted.remove(&id) {
            progress.cancel();
        }
        known.running.insert(id, progress.clone());
        progress
    }

    fn end(&self, id: Uuid) {
        let mut known = self.known();
        known.running.remove(&id);
        known.unwanted.remove(&id);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a job ended when it did not end well.
#[derive(Debug, Clone)]
pub enum JobFailure {
    /// Somebody cancelled it and nothing was applied.
    Cancelled,
    /// It failed outside of any error of a feature.
    Failed {
        /// Stable code; its text may show `message` as `why`.
        code: &'static str,
        /// What the system said.
        message: String,
    },
    /// It failed with an error that can speak to a person.
    Told(Told),
}

/// An error as the table keeps it: not its text, so that each reader has it in their language.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Told {
    /// Stable code.
    pub code: String,
    /// The values of its text.
    #[serde(default)]
    pub args: BTreeMap<String, String>,
    /// The text by language, for errors that say more than their code and values do.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, String>,
}

impl Told {
    /// What an error says of itself.
    pub fn of(error: &dyn super::UserError) -> Self {
        let args = error.args().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let mut told = Self { code: error.code().to_owned(), args, texts: BTreeMap::new() };
        for lang in Lang::ALL {
            let text = error.message(lang);
            if text != told.text(lang) {
                told.texts.insert(lang.tag().to_owned(), text);
            }
        }
        told
    }

    /// The text in the reader's language.
    pub fn text(&self, lang: Lang) -> String {
        if let Some(text) = self.texts.get(lang.tag()) {
            return text.clone();
        }
        let args: Vec<(&str, String)> = self.args.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        i18n::text_with(lang, &format!("error-{}", self.code), &args)
    }
}

impl<E: super::UserError> From<E> for JobFailure {
    fn from(error: E) -> Self {
        Self::Told(Told::of(&error))
    }
}

/// The work of one kind of job: the application, its parameters, its progress; the result is JSON.
pub type Handler = Arc<
    dyn Fn(App, serde_json::Value, Progress) -> BoxFuture<'static, Result<serde_json::Value, JobFailure>> + Send + Sync,
>;

/// A job as the table holds it.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Job {
    pub id: Uuid,
    pub kind: String,
    pub state: String,
    pub title: String,
    pub division_code: String,
    pub created_by: Option<Uuid>,
    pub params: String,
    pub stage: String,
    pub progress_done: i64,
    pub progress_total: i64,
    pub result: Option<String>,
    pub error: Option<String>,
    pub cancel_requested: bool,
    pub created_at: i64,
    pub finished_at: Option<i64>,
}

impl Job {
    /// Why it failed, in the reader's language; empty if it did not.
    pub fn error_text(&self, lang: Lang) -> String {
        let stored = self.error.as_deref().unwrap_or_default();
        // What an earlier version stored is the text itself.
        serde_json::from_str::<Told>(stored).map_or_else(|_| stored.to_owned(), |told| told.text(lang))
    }

    /// Whether it has not come to its end.
    pub fn is_live(&self) -> bool {
        matches!(self.state.as_str(), "queued" | "running")
    }
}

const COLUMNS: &str = "id, kind, state, title, division_code, created_by, params, stage, progress_done, progress_total, \
                       result, error, cancel_requested, created_at, finished_at";

/// What a new job is.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Which handler runs it.
    pub kind: &'static str,
    /// What a person sees in the list.
    pub title: String,
    /// What it is about, for scope.
    pub division_code: String,
    /// Who asked.
    pub created_by: Option<Uuid>,
    /// What the handler needs.
    pub params: serde_json::Value,
    /// The same key twice is one job.
    pub idempotency_key: Option<String>,
}

/// Puts a job into the queue; the id of the job already there when the idempotency key is known.
///
/// # Errors
/// The database fails.
pub async fn enqueue(tx: &mut super::Tx, job: NewJob, now_ms: i64) -> Result<Uuid, DbError> {
    let id = ids::new_id();
    let inserted = tx
        .run(
            "INSERT INTO job (id, kind, state, title, division_code, created_by, params, idempotency_key, created_at)
             VALUES ($1, $2, 'queued', $3, $4, $5, $6, $7, $8)
             ON CONFLICT (idempotency_key) DO NOTHING",
            args![
                id,
                job.kind,
                job.title,
                job.division_code,
                job.created_by,
                job.params.to_string(),
                job.idempotency_key.clone(),
                now_ms
            ],
        )
        .await?;
    if inserted == 1 {
        return Ok(id);
    }
    let row: (Uuid,) = tx.one("SELECT id FROM job WHERE idempotency_key = $1", args![job.idempotency_key]).await?;
    Ok(row.0)
}

/// One job of a division subtree, as `lo <= code < hi`, with the progress that this process knows of it.
///
/// # Errors
/// The database fails.
pub async fn find(app: &App, id: Uuid, lo: &str, hi: &str) -> Result<Option<Job>, DbError> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM job WHERE id = $1 AND division_code >= $2 AND division_code < $3"
    ));
    let mut job: Option<Job> = app.db.maybe(sql, args![id, lo, hi]).await?;
    if let Some(job) = &mut job {
        if job.is_live() {
            if let Some(progress) = app.jobs.progress(id) {
                let (stage, done, total) = progress.now();
                "running".clone_into(&mut job.state);
                job.stage = stage;
                job.progress_done = whole(done);
                job.progress_total = whole(total);
            }
            job.cancel_requested |= app.jobs.is_stopping(id);
        } else {
            // Another process may have run a job that this one was asked to stop.
            app.jobs.end(id);
        }
    }
    Ok(job)
}

fn whole(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Asks a job of a division subtree to stop.
///
/// # Errors
/// The database fails.
pub async fn request_cancel(tx: &mut super::Tx, id: Uuid, lo: &str, hi: &str) -> Result<bool, DbError> {
    let touched = tx
        .run(
            "UPDATE job SET cancel_requested = TRUE
             WHERE id = $1 AND division_code >= $2 AND division_code < $3 AND state IN ('queued', 'running')",
            args![id, lo, hi],
        )
        .await?;
    Ok(touched == 1)
}

/// Runs the queued jobs of the known kinds, one after another, until the process ends.
pub async fn run_forever(app: App, handlers: HashMap<&'static str, Handler>) {
    loop {
        match run_next(&app, &handlers).await {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(BEAT).await,
            Err(error) => {
                tracing::error!(%error, "the job queue failed");
                tokio::time::sleep(BEAT * 5).await;
            }
        }
    }
}

/// Takes one job, also one that a dead process left, and runs it to its end; false if there was none.
///
/// # Errors
/// The database fails.
pub async fn run_next(app: &App, handlers: &HashMap<&'static str, Handler>) -> Result<bool, DbError> {
    let now = app.clock.now_ms();
    let job: Option<Job> = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let sql = sqlx::AssertSqlSafe(format!(
                    "UPDATE job SET state = 'running', started_at = $1, heartbeat_at = $1
                     WHERE id = (SELECT id FROM job
                                 WHERE state = 'queued' OR (state = 'running' AND heartbeat_at < $2)
                                 ORDER BY created_at LIMIT 1)
                     RETURNING {COLUMNS}"
                ));
                tx.maybe::<Job>(sql, args![now, now - LOST_AFTER_MS]).await
            })
        })
        .await?;
    let Some(job) = job else { return Ok(false) };
    let progress = app.jobs.begin(job.id);
    let outcome = if job.cancel_requested || progress.is_cancelled() {
        Err(JobFailure::Cancelled)
    } else {
        match handlers.get(job.kind.as_str()) {
            None => Err(JobFailure::Failed { code: "job.unknown_kind", message: job.kind.clone() }),
            Some(handler) => {
                let params = serde_json::from_str(&job.params).unwrap_or_default();
                watch(app, job.id, &progress, handler(app.clone(), params, progress.clone())).await
            }
        }
    };
    let finished = finish(app, job.id, outcome).await;
    app.jobs.end(job.id);
    finished.map(|()| true)
}

/// Runs the work to its end. Its beats are written beside it, one at a time: the work itself may hold the only writer.
async fn watch(
    app: &App,
    id: Uuid,
    progress: &Progress,
    work: BoxFuture<'static, Result<serde_json::Value, JobFailure>>,
) -> Result<serde_json::Value, JobFailure> {
    let mut work = tokio::spawn(std::panic::AssertUnwindSafe(work).catch_unwind());
    let mut beat: Option<tokio::task::JoinHandle<()>> = None;
    loop {
        tokio::select! {
            ended = &mut work => {
                return match ended {
                    Ok(Ok(outcome)) => outcome,
                    _ => Err(JobFailure::Failed { code: "job.crashed", message: String::new() }),
                };
            }
            () = tokio::time::sleep(BEAT) => {}
        }
        if beat.as_ref().is_none_or(tokio::task::JoinHandle::is_finished) {
            beat = Some(tokio::spawn(write_beat(app.clone(), id, progress.clone())));
        }
        // Asked of another process: to read it waits for nobody.
        match cancel_requested(&app.db, id).await {
            Ok(true) => progress.cancel(),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, job = %id, "a job could not ask whether it should stop"),
        }
    }
}

async fn cancel_requested(db: &Db, id: Uuid) -> Result<bool, DbError> {
    let row: Option<(bool,)> = db.maybe("SELECT cancel_requested FROM job WHERE id = $1", args![id]).await?;
    Ok(row.is_some_and(|(asked,)| asked))
}

async fn write_beat(app: App, id: Uuid, progress: Progress) {
    let (stage, done, total) = progress.now();
    let now = app.clock.now_ms();
    let written = app
        .db
        .write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                tx.run(
                    "UPDATE job SET stage = $2, progress_done = $3, progress_total = $4, heartbeat_at = $5
                     WHERE id = $1 AND state = 'running'",
                    args![id, stage, whole(done), whole(total), now],
                )
                .await
            })
        })
        .await;
    if let Err(error) = written {
        tracing::warn!(%error, job = %id, "the progress of a job could not be written");
    }
}

async fn finish(app: &App, id: Uuid, outcome: Result<serde_json::Value, JobFailure>) -> Result<(), DbError> {
    let now = app.clock.now_ms();
    let told = match &outcome {
        Ok(_) | Err(JobFailure::Cancelled) => None,
        Err(JobFailure::Failed { code, message }) => {
            let args = BTreeMap::from([("why".to_owned(), message.clone())]);
            Some(Told { code: (*code).to_owned(), args, texts: BTreeMap::new() })
        }
        Err(JobFailure::Told(told)) => Some(told.clone()),
    };
    let error = told.map(|told| serde_json::json!(told).to_string());
    let (state, result) = match outcome {
        Ok(result) => ("done", Some(result.to_string())),
        Err(JobFailure::Cancelled) => ("cancelled", None),
        Err(_) => ("failed", None),
    };
    app.db
        .write::<(), DbError, _>(move |tx| {
            Box::pin(async move {
                tx.run(
                    "UPDATE job SET state = $2, result = $3, error = $4, finished_at = $5, heartbeat_at = $5 WHERE id = $1",
                    args![id, state, result, error, now],
                )
                .await?;
                Ok(())
            })
        })
        .await
}
