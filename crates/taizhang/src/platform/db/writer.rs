//! The one writer of SQLite: it puts waiting writes into one transaction, each behind a savepoint of its own, and
//! answers all of them after the commit.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{Conn, DbError, Tx};

/// How many waiting writes one commit takes at the most.
pub(super) const GROUP: usize = 256;
/// How long a group takes further writes in: whoever is in it is answered when all of it is.
const GATHER: Duration = Duration::from_millis(20);
/// How long the writer waits for another process that is writing.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// How long it rests between two attempts, beyond the wait that SQLite itself makes.
const REST: Duration = Duration::from_millis(50);

/// One waiting write, its types forgotten.
pub(super) trait WriteJob: Send {
    /// Runs it; whether its changes are to be kept.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool>;
    /// Whether it takes long, and so has a commit of its own.
    fn alone(&self) -> bool;
    /// Answers whoever waits, after the commit.
    fn answer(self: Box<Self>, failed: Option<DbError>);
}

pub(super) struct Job<F, T, E> {
    work: Option<F>,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
    alone: bool,
}

impl<F, T, E> Job<F, T, E> {
    pub(super) fn new(work: F, alone: bool, reply: oneshot::Sender<Result<T, E>>) -> Self {
        Self { work: Some(work), outcome: None, reply, alone }
    }
}

impl<F, T, E> WriteJob for Job<F, T, E>
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool> {
        Box::pin(async move {
            let Some(work) = self.work.take() else {
                return false;
            };
            let outcome = std::panic::AssertUnwindSafe(work(tx)).catch_unwind().await;
            let outcome = outcome.unwrap_or_else(|_| Err(DbError::Undone.into()));
            let keep = outcome.is_ok();
            self.outcome = Some(outcome);
            keep
        })
    }

    fn alone(&self) -> bool {
        self.alone
    }

    fn answer(self: Box<Self>, failed: Option<DbError>) {
        let outcome = match (self.outcome, failed) {
            (Some(Err(error)), _) => Err(error),
            (_, Some(error)) => Err(error.into()),
            (Some(done), None) => done,
            (None, None) => Err(DbError::Closed.into()),
        };
        // A caller that has gone away still had its write done: nobody to tell.
        let _ = self.reply.send(outcome);
    }
}

pub(super) async fn write_loop(mut tx: Tx, mut waiting: mpsc::Receiver<Box<dyn WriteJob>>) {
    // What a group did not take in, in order.
    let mut held = VecDeque::new();
    loop {
        let first = match held.pop_front() {
            Some(first) => first,
            None => match waiting.recv().await {
                Some(first) => first,
                None => break,
            },
        };
        let mut done = Vec::new();
        let failure = write_group(&mut tx, first, &mut waiting, &mut held, &mut done).await.err();
        if let Some(error) = &failure {
            tracing::error!(%error, writes = done.len(), "group commit failed");
            // Whatever state the transaction is in, it ends here; an error means that there was none open.
            let _ = tx.command("ROLLBACK").await;
        }
        for job in done {
            job.answer(failure.as_ref().map(again));
        }
    }
    if let Conn::Sqlite(conn) = tx.0 {
        let _ = conn.close().await;
    }
}

async fn write_group(
    tx: &mut Tx,
    first: Box<dyn WriteJob>,
    waiting: &mut mpsc::Receiver<Box<dyn WriteJob>>,
    held: &mut VecDeque<Box<dyn WriteJob>>,
    done: &mut Vec<Box<dyn WriteJob>>,
) -> Result<(), DbError> {
    if let Err(error) = begin(tx, PATIENCE).await {
        done.push(first);
        return Err(error);
    }
    let begun = Instant::now();
    let mut next = Some(first);
    while let Some(mut job) = next.take() {
        let alone = job.alone();
        let started = tx.command("SAVEPOINT one_write").await;
        if let Err(error) = started {
            done.push(job);
            return Err(error);
        }
        let keep = job.run(tx).await;
        let end = if keep { "RELEASE one_write" } else { "ROLLBACK TO one_write; RELEASE one_write" };
        let ended = tx.command(end).await;
        done.push(job);
        ended?;
        if !alone && done.len() < GROUP && begun.elapsed() < GATHER {
            next = held.pop_front().or_else(|| waiting.try_recv().ok());
            if next.as_ref().is_some_and(|job| job.alone()) {
                held.extend(next.take());
            }
        }
    }
    tx.command("COMMIT").await
}

/// Opens the transaction; while another process writes it waits and asks again, up to `patience`.
async fn begin(tx: &mut Tx, patience: Duration) -> Result<(), DbError> {
    let asked = Instant::now();
    loop {
        match tx.command("BEGIN IMMEDIATE").await {
            Err(DbError::Busy(_)) if asked.elapsed() < patience => tokio::time::sleep(REST).await,
            other => return other,
        }
    }
}

/// The same failure for each of the writes that shared a commit; the driver's error cannot be cloned.
fn again(error: &DbError) -> DbError {
    match error {
        DbError::Busy(why) => DbError::Busy(why.clone()),
        DbError::Damaged(why) => DbError::Damaged(why.clone()),
        other => DbError::Driver(sqlx::Error::Protocol(other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::ConnectOptions;
    use sqlx::sqlite::SqliteConnectOptions;

    async fn connection(file: &std::path::Path) -> Tx {
        let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
        let options = options.busy_timeout(Duration::from_millis(20));
        Tx(Conn::Sqlite(Box::new(options.connect().await.unwrap())))
    }

    #[tokio::test]
    async fn a_writer_waits_for_another_process_for_so_long_and_says_that_it_is_busy() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.db");
        let (mut ours, mut theirs) = (connection(&file).await, connection(&file).await);
        theirs.command("BEGIN IMMEDIATE").await.unwrap();
        let asked = Instant::now();
        let refused = begin(&mut ours, Duration::from_millis(300)).await;
        assert!(matches!(refused, Err(DbError::Busy(_))), "{refused:?}");
        assert!(asked.elapsed() >= Duration::from_millis(300));

        let freed = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            theirs.command("COMMIT").await.unwrap();
        });
        begin(&mut ours, Duration::from_secs(20)).await.unwrap();
        freed.await.unwrap();
    }
}
