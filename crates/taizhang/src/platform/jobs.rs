//! Long work with progress: kept in the table `job`, shown on pages and terminals, cancellable, and taken up again
//! after a restart. What a job writes is one transaction, so that running it again is safe.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::{App, Db, DbError, ids};
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

/// How a job ended when it did not end well.
#[derive(Debug, Clone)]
pub enum JobFailure {
    /// Somebody cancelled it and nothing was applied.
    Cancelled,
    /// It failed; the code and the text to show (in Chinese first).
    Failed {
        /// The error's stable code.
        code: &'static str,
        /// What to show.
        message: String,
    },
}

impl<E: super::UserError> From<E> for JobFailure {
    fn from(error: E) -> Self {
        Self::Failed { code: error.code(), message: error.message(super::Lang::Zh) }
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
    pub created_at: i64,
    pub finished_at: Option<i64>,
}

const COLUMNS: &str = "id, kind, state, title, division_code, created_by, params, stage, progress_done, progress_total, \
                       result, error, created_at, finished_at";

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

/// One job of a division subtree, as `lo <= code < hi`.
///
/// # Errors
/// The database fails.
pub async fn find(db: &Db, id: Uuid, lo: &str, hi: &str) -> Result<Option<Job>, DbError> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM job WHERE id = $1 AND division_code >= $2 AND division_code < $3"
    ));
    db.maybe(sql, args![id, lo, hi]).await
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
    let progress = Progress::default();
    let outcome = match handlers.get(job.kind.as_str()) {
        None => Err(JobFailure::Failed { code: "job.unknown_kind", message: job.kind.clone() }),
        Some(handler) => {
            let params = serde_json::from_str(&job.params).unwrap_or_default();
            let work = handler(app.clone(), params, progress.clone());
            watch(app, job.id, &progress, work).await?
        }
    };
    finish(app, job.id, outcome).await?;
    Ok(true)
}

async fn watch(
    app: &App,
    id: Uuid,
    progress: &Progress,
    work: BoxFuture<'static, Result<serde_json::Value, JobFailure>>,
) -> Result<Result<serde_json::Value, JobFailure>, DbError> {
    let mut work = tokio::spawn(std::panic::AssertUnwindSafe(work).catch_unwind());
    loop {
        tokio::select! {
            ended = &mut work => {
                return Ok(match ended {
                    Ok(Ok(outcome)) => outcome,
                    _ => Err(JobFailure::Failed { code: "job.crashed", message: super::i18n::text(super::Lang::Zh, "error-job-crashed") }),
                });
            }
            () = tokio::time::sleep(BEAT) => {}
        }
        let (stage, done, total) = progress.now();
        let now = app.clock.now_ms();
        let beat = app.db.write::<Option<(bool,)>, DbError, _>(move |tx| {
            Box::pin(async move {
                tx.maybe(
                    "UPDATE job SET stage = $2, progress_done = $3, progress_total = $4, heartbeat_at = $5
                     WHERE id = $1 RETURNING cancel_requested",
                    args![
                        id,
                        stage,
                        i64::try_from(done).unwrap_or(i64::MAX),
                        i64::try_from(total).unwrap_or(i64::MAX),
                        now
                    ],
                )
                .await
            })
        });
        // The job itself may hold the only writer for a long commit: its beat waits behind it, and so must not block it.
        tokio::select! {
            beaten = beat => if matches!(beaten?, Some((true,))) { progress.cancel() },
            ended = &mut work => {
                return Ok(match ended {
                    Ok(Ok(outcome)) => outcome,
                    _ => Err(JobFailure::Failed { code: "job.crashed", message: super::i18n::text(super::Lang::Zh, "error-job-crashed") }),
                });
            }
        }
    }
}

async fn finish(app: &App, id: Uuid, outcome: Result<serde_json::Value, JobFailure>) -> Result<(), DbError> {
    let now = app.clock.now_ms();
    let (state, result, error) = match outcome {
        Ok(result) => ("done", Some(result.to_string()), None),
        Err(JobFailure::Cancelled) => ("cancelled", None, None),
        Err(JobFailure::Failed { message, .. }) => ("failed", None, Some(message)),
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
