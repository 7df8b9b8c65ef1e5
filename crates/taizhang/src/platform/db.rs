//! One door to SQLite and PostgreSQL: the same SQL text, the same typed values, the same rows.
//!
//! Reads go to a pool. Writes on SQLite pass one writer that puts waiting writes into one transaction, each behind a
//! savepoint of its own, and answers them all after the commit: a write that has been answered is durable.
//! This file is the only code that knows which database is behind it.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryStreamExt};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, FromRow, PgConnection, SqlSafeStr, SqliteConnection};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// How many waiting writes one SQLite commit takes at the most.
const GROUP: usize = 256;
/// Connections that read.
const READERS: u32 = 8;
/// The oldest SQLite without the WAL-reset corruption bug.
const SQLITE_AT_LEAST: &str = "3.51.3";

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A unique key already holds that value.
    #[error("already there: {0}")]
    Unique(String),
    /// No such row.
    #[error("no such row")]
    NotFound,
    /// The database address is not understood.
    #[error("database address {address}: {why}")]
    Address {
        /// The address without its password.
        address: String,
        /// What is wrong with it.
        why: String,
    },
    /// The database is of an unsuitable version.
    #[error("{0}")]
    Version(String),
    /// The schema could not be brought up to date.
    #[error("schema: {0}")]
    Schema(#[from] sqlx::migrate::MigrateError),
    /// Anything else that the driver says.
    #[error(transparent)]
    Driver(sqlx::Error),
    /// The writer has stopped: the process is going down.
    #[error("the database is closing")]
    Closed,
    /// The work inside a write panicked; nothing of it was kept.
    #[error("a write failed half way and was undone")]
    Undone,
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::Database(inner) if inner.is_unique_violation() => Self::Unique(inner.message().to_owned()),
            sqlx::Error::PoolClosed => Self::Closed,
            _ => Self::Driver(error),
        }
    }
}

impl super::UserError for DbError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unique(_) => "database.unique",
            Self::NotFound => "database.not_found",
            Self::Address { .. } => "database.address",
            Self::Version(_) => "database.version",
            Self::Schema(_) => "database.schema",
            Self::Driver(_) => "database.failed",
            Self::Closed => "database.closed",
            Self::Undone => "database.undone",
        }
    }

    fn kind(&self) -> super::ErrorKind {
        use super::ErrorKind::{Busy, Conflict, Internal, Invalid, NotFound};
        match self {
            Self::Unique(_) => Conflict,
            Self::NotFound => NotFound,
            Self::Address { .. } | Self::Version(_) => Invalid,
            Self::Closed => Busy,
            Self::Driver(sqlx::Error::PoolTimedOut | sqlx::Error::Io(_)) => Busy,
            Self::Schema(_) | Self::Driver(_) | Self::Undone => Internal,
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Address { address, why } => {
                vec![("address", address.clone()), ("why", why.clone())]
            }
            Self::Version(what) => vec![("what", what.clone())],
            Self::Schema(why) => vec![("why", why.to_string())],
            _ => Vec::new(),
        }
    }
}

/// A value bound to `$n`. Typed even when NULL, because PostgreSQL asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// BIGINT.
    Int(Option<i64>),
    /// DOUBLE PRECISION.
    Real(Option<f64>),
    /// BOOLEAN.
    Bool(Option<bool>),
    /// TEXT.
    Text(Option<String>),
    /// BYTEA.
    Bytes(Option<Vec<u8>>),
    /// UUID.
    Id(Option<Uuid>),
}

macro_rules! value_from {
    ($($from:ty => $variant:ident, $make:expr;)*) => {$(
        impl From<$from> for Value {
            fn from(v: $from) -> Self {
                Value::$variant(Some($make(v)))
            }
        }
        impl From<Option<$from>> for Value {
            fn from(v: Option<$from>) -> Self {
                Value::$variant(v.map($make))
            }
        }
    )*};
}

value_from! {
    i64 => Int, std::convert::identity;
    i32 => Int, i64::from;
    u32 => Int, i64::from;
    f64 => Real, std::convert::identity;
    bool => Bool, std::convert::identity;
    String => Text, std::convert::identity;
    &str => Text, str::to_owned;
    &String => Text, String::clone;
    Vec<u8> => Bytes, std::convert::identity;
    &[u8] => Bytes, <[u8]>::to_vec;
    Uuid => Id, std::convert::identity;
    &Uuid => Id, |id: &Uuid| *id;
    chrono::NaiveDate => Text, |day: chrono::NaiveDate| day.to_string();
}

/// The values of a statement, in order: `args![id, "name", 3_i64]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::platform::Value::from($value)),*]
    };
}

/// A row type that reads from both databases; derive `sqlx::FromRow`.
pub trait Record: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static {}
impl<T> Record for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static {}

fn bind<DB>(args: Vec<Value>) -> Result<DB::Arguments, DbError>
where
    DB: sqlx::Database,
    Option<i64>: for<'q> sqlx::Encode<'q, DB> + sqlx::Type<DB>,
    Option<f64>: for<'q> sqlx::Encode<'q, DB> + sqlx::Type<DB>,
    Option<bool>: for<'q> sqlx::Encode<'q, DB> + sqlx::Type<DB>,
    Option<String>: for<'q> sqlx::Encode<'q, DB> + sqlx::Type<DB>,
    Option<Vec<u8>>: for<'q> sqlx::Encode<'q, DB> + sqlx::Type<DB>,
    Option<Uuid>: for<'q> sqlx::Encode<'q, DB> + sqlx::Type<DB>,
{
    use sqlx::Arguments;
    let mut out = DB::Arguments::default();
    out.reserve(args.len(), args.len() * 16);
    for arg in args {
        match arg {
            Value::Int(v) => out.add(v),
            Value::Real(v) => out.add(v),
            Value::Bool(v) => out.add(v),
            Value::Text(v) => out.add(v),
            Value::Bytes(v) => out.add(v),
            Value::Id(v) => out.add(v),
        }
        .map_err(|e| DbError::Driver(sqlx::Error::Encode(e)))?;
    }
    Ok(out)
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Pools>,
}

enum Pools {
    Sqlite { read: SqlitePool, writer: mpsc::Sender<Box<dyn WriteJob>> },
    Postgres(PgPool),
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match *self.inner {
            Pools::Sqlite { .. } => "Db(sqlite)",
            Pools::Postgres(_) => "Db(postgres)",
        })
    }
}

impl Db {
    /// Opens `postgres://…`, or the SQLite file `taizhang.db` of a data folder, and brings the schema up to date.
    ///
    /// # Errors
    /// The address is wrong, the database is not reachable or too old, or a migration fails.
    pub async fn open(address: Option<&str>, folder: &Path) -> Result<Self, DbError> {
        let db = match address {
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Self::open_postgres(url).await?
            }
            Some(other) => {
                return Err(DbError::Address {
                    address: without_password(other),
                    why: "expected postgres://user@host/database, or nothing for the built-in SQLite".to_owned(),
                });
            }
            None => Self::open_sqlite(&folder.join("taizhang.db")).await?,
        };
        db.check_version().await?;
        Ok(db)
    }

    async fn open_sqlite(file: &Path) -> Result<Self, DbError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            .disable_statement_logging();
        let writing =
            options.clone().pragma("cache_size", "-262144").pragma("wal_autocheckpoint", "4000").pragma("threads", "2");
        let mut writer = writing.connect().await?;
        migrator("TEXT").run(&mut writer).await?;
        let reading = options.read_only(true).create_if_missing(false).pragma("cache_size", "-32768");
        let read = SqlitePoolOptions::new().max_connections(READERS).connect_with(reading).await?;
        let (sender, receiver) = mpsc::channel(GROUP * 4);
        tokio::spawn(write_loop(Tx(Conn::Sqlite(Box::new(writer))), receiver));
        Ok(Self { inner: Arc::new(Pools::Sqlite { read, writer: sender }) })
    }

    async fn open_postgres(url: &str) -> Result<Self, DbError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|e| DbError::Address { address: without_password(url), why: e.to_string() })?
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(READERS * 2)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await
            .map_err(|e| DbError::Address { address: without_password(url), why: e.to_string() })?;
        migrator("TEXT COLLATE \"C\"").run(&pool).await?;
        Ok(Self { inner: Arc::new(Pools::Postgres(pool)) })
    }

    async fn check_version(&self) -> Result<(), DbError> {
        let version = self.version().await?;
        if matches!(*self.inner, Pools::Sqlite { .. }) && dotted(&version) < dotted(SQLITE_AT_LEAST) {
            return Err(DbError::Version(format!("SQLite {version}; at least {SQLITE_AT_LEAST} is needed")));
        }
        Ok(())
    }

    /// The version of the database behind, as it says itself.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn version(&self) -> Result<String, DbError> {
        let sql = match *self.inner {
            Pools::Sqlite { .. } => "SELECT sqlite_version()",
            Pools::Postgres(_) => "SELECT current_setting('server_version')",
        };
        Ok(self.one::<(String,)>(sql, Vec::new()).await?.0)
    }

    /// `sqlite` or `postgres`, for a person who asks.
    pub fn name(&self) -> &'static str {
        match *self.inner {
            Pools::Sqlite { .. } => "sqlite",
            Pools::Postgres(_) => "postgres",
        }
    }

    /// Asks the database whether its own files are whole; empty when they are.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn integrity(&self) -> Result<Vec<String>, DbError> {
        match *self.inner {
            Pools::Sqlite { .. } => {
                let rows: Vec<(String,)> = self.all("PRAGMA quick_check", Vec::new()).await?;
                Ok(rows.into_iter().map(|r| r.0).filter(|r| r != "ok").collect())
            }
            Pools::Postgres(_) => Ok(Vec::new()),
        }
    }

    /// All rows of a query.
    ///
    /// # Errors
    /// As the database says.
    pub async fn all<T: Record>(&self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<Vec<T>, DbError> {
        Ok(match &*self.inner {
            Pools::Sqlite { read, .. } => {
                sqlx::query_as_with::<sqlx::Sqlite, T, _>(sql, bind::<sqlx::Sqlite>(args)?).fetch_all(read).await?
            }
            Pools::Postgres(pool) => {
                sqlx::query_as_with::<sqlx::Postgres, T, _>(sql, bind::<sqlx::Postgres>(args)?).fetch_all(pool).await?
            }
        })
    }

    /// The first row, if any.
    ///
    /// # Errors
    /// As the database says.
    pub async fn maybe<T: Record>(&self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<Option<T>, DbError> {
        Ok(match &*self.inner {
            Pools::Sqlite { read, .. } => {
                sqlx::query_as_with::<sqlx::Sqlite, T, _>(sql, bind::<sqlx::Sqlite>(args)?).fetch_optional(read).await?
            }
            Pools::Postgres(pool) => {
                sqlx::query_as_with::<sqlx::Postgres, T, _>(sql, bind::<sqlx::Postgres>(args)?)
                    .fetch_optional(pool)
                    .await?
            }
        })
    }

    /// The first row.
    ///
    /// # Errors
    /// [`DbError::NotFound`] where there is none.
    pub async fn one<T: Record>(&self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<T, DbError> {
        self.maybe(sql, args).await?.ok_or(DbError::NotFound)
    }

    /// Hands every row to `each` as it arrives, without holding them all.
    ///
    /// # Errors
    /// As the database or `each` says; the stream ends there.
    pub async fn each<T: Record, E: From<DbError>>(
        &self,
        sql: impl SqlSafeStr,
        args: Vec<Value>,
        mut each: impl FnMut(T) -> Result<(), E> + Send,
    ) -> Result<(), E> {
        match &*self.inner {
            Pools::Sqlite { read, .. } => {
                let query = sqlx::query_as_with::<sqlx::Sqlite, T, _>(sql, bind::<sqlx::Sqlite>(args)?);
                let mut rows = query.fetch(read);
                while let Some(row) = rows.try_next().await.map_err(DbError::from)? {
                    each(row)?;
                }
            }
            Pools::Postgres(pool) => {
                let query = sqlx::query_as_with::<sqlx::Postgres, T, _>(sql, bind::<sqlx::Postgres>(args)?);
                let mut rows = query.fetch(pool);
                while let Some(row) = rows.try_next().await.map_err(DbError::from)? {
                    each(row)?;
                }
            }
        }
        Ok(())
    }

    /// Runs `work` in a transaction and answers once it is durable. Either all of it is kept or nothing.
    ///
    /// `work` must not call `write` itself: on SQLite there is one writer, and it would wait for itself.
    ///
    /// # Errors
    /// What `work` says (then nothing was kept), or that the commit failed.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        match &*self.inner {
            Pools::Sqlite { writer, .. } => {
                let (reply, answer) = oneshot::channel();
                let job: Box<dyn WriteJob> = Box::new(Job { work: Some(work), outcome: None, reply });
                writer.send(job).await.map_err(|_| DbError::Closed)?;
                answer.await.map_err(|_| DbError::Closed)?
            }
            Pools::Postgres(pool) => {
                let mut tx = Tx(Conn::Postgres(pool.acquire().await.map_err(DbError::from)?));
                tx.command("BEGIN").await?;
                let outcome = std::panic::AssertUnwindSafe(work(&mut tx)).catch_unwind().await;
                match outcome {
                    Ok(Ok(value)) => {
                        tx.command("COMMIT").await?;
                        Ok(value)
                    }
                    Ok(Err(error)) => {
                        tx.command("ROLLBACK").await?;
                        Err(error)
                    }
                    Err(_) => {
                        tx.command("ROLLBACK").await?;
                        Err(DbError::Undone.into())
                    }
                }
            }
        }
    }

    /// Lets the database move its write-ahead log into the file and refresh its statistics after a large load.
    ///
    /// # Errors
    /// As the database says.
    pub async fn settle(&self) -> Result<(), DbError> {
        match &*self.inner {
            Pools::Sqlite { .. } => self.write(|tx| Box::pin(async move { tx.command("PRAGMA optimize").await })).await,
            Pools::Postgres(pool) => {
                sqlx::query("ANALYZE").execute(pool).await?;
                Ok(())
            }
        }
    }
}

/// An open transaction.
pub struct Tx(Conn);

enum Conn {
    Sqlite(Box<SqliteConnection>),
    Postgres(sqlx::pool::PoolConnection<sqlx::Postgres>),
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tx")
    }
}

impl Tx {
    /// Runs a statement; how many rows it touched.
    ///
    /// # Errors
    /// As the database says.
    pub async fn run(&mut self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<u64, DbError> {
        Ok(match &mut self.0 {
            Conn::Sqlite(conn) => sqlx::query_with::<sqlx::Sqlite, _>(sql, bind::<sqlx::Sqlite>(args)?)
                .execute(&mut **conn)
                .await?
                .rows_affected(),
            Conn::Postgres(conn) => sqlx::query_with::<sqlx::Postgres, _>(sql, bind::<sqlx::Postgres>(args)?)
                .execute(&mut **conn)
                .await?
                .rows_affected(),
        })
    }

    /// All rows of a query, seeing what this transaction has written.
    ///
    /// # Errors
    /// As the database says.
    pub async fn all<T: Record>(&mut self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<Vec<T>, DbError> {
        Ok(match &mut self.0 {
            Conn::Sqlite(conn) => {
                sqlx::query_as_with::<sqlx::Sqlite, T, _>(sql, bind::<sqlx::Sqlite>(args)?)
                    .fetch_all(&mut **conn)
                    .await?
            }
            Conn::Postgres(conn) => {
                sqlx::query_as_with::<sqlx::Postgres, T, _>(sql, bind::<sqlx::Postgres>(args)?)
                    .fetch_all(&mut **conn)
                    .await?
            }
        })
    }

    /// The first row, if any.
    ///
    /// # Errors
    /// As the database says.
    pub async fn maybe<T: Record>(&mut self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<Option<T>, DbError> {
        Ok(self.all(sql, args).await?.into_iter().next())
    }

    /// The first row.
    ///
    /// # Errors
    /// [`DbError::NotFound`] where there is none.
    pub async fn one<T: Record>(&mut self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<T, DbError> {
        self.maybe(sql, args).await?.ok_or(DbError::NotFound)
    }

    /// Inserts many rows with as few statements as the databases allow.
    /// `head` is `INSERT INTO t (a, b)`, `tail` an `ON CONFLICT …` clause or nothing, neither with a placeholder; each
    /// row has one value a column.
    ///
    /// # Errors
    /// As the database says.
    pub async fn insert_many(
        &mut self,
        head: &'static str,
        tail: &'static str,
        rows: Vec<Vec<Value>>,
    ) -> Result<u64, DbError> {
        let Some(width) = rows.first().map(Vec::len).filter(|w| *w > 0) else {
            return Ok(0);
        };
        // PostgreSQL takes 65,535 values a statement and SQLite 32,766; past some thousands nothing is gained.
        let batch = (8_000 / width).clamp(1, 500);
        // A numbered placeholder has a name in SQLite, and finding one among thousands takes a walk through all of them.
        let numbered = matches!(self.0, Conn::Postgres(_));
        let full = insert_text(head, tail, width, batch, numbered);
        let mut touched = 0;
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let chunk: Vec<Vec<Value>> = rows.by_ref().take(batch).collect();
            let sql =
                if chunk.len() == batch { full.clone() } else { insert_text(head, tail, width, chunk.len(), numbered) };
            // The text is made of literals of this program and of placeholders only.
            touched += self.run(AssertSqlSafe(sql), chunk.into_iter().flatten().collect()).await?;
        }
        Ok(touched)
    }

    /// Runs statements without values, several in one text: schema changes inside a load.
    ///
    /// # Errors
    /// As the database says.
    pub async fn command(&mut self, sql: &'static str) -> Result<(), DbError> {
        match &mut self.0 {
            Conn::Sqlite(conn) => sqlx::raw_sql(sql).execute(&mut **conn).await.map(|_| ())?,
            Conn::Postgres(conn) => {
                let conn: &mut PgConnection = conn;
                sqlx::raw_sql(sql).execute(conn).await.map(|_| ())?;
            }
        }
        Ok(())
    }
}

fn insert_text(head: &str, tail: &str, width: usize, rows: usize, numbered: bool) -> String {
    use std::fmt::Write;
    let mut sql = String::with_capacity(head.len() + tail.len() + rows * width * 7 + 16);
    sql.push_str(head);
    sql.push_str(" VALUES ");
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..width {
            let separator = if column == 0 { "" } else { ", " };
            sql.push_str(separator);
            if numbered {
                let _ = write!(sql, "${}", row * width + column + 1);
            } else {
                sql.push('?');
            }
        }
        sql.push(')');
    }
    sql.push(' ');
    sql.push_str(tail);
    sql
}

/// One waiting write, its types forgotten.
trait WriteJob: Send {
    /// Runs it; whether its changes are to be kept.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool>;
    /// Answers whoever waits, after the commit.
    fn answer(self: Box<Self>, committed: Option<DbError>);
}

struct Job<F, T, E> {
    work: Option<F>,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
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

async fn write_loop(mut tx: Tx, mut waiting: mpsc::Receiver<Box<dyn WriteJob>>) {
    while let Some(first) = waiting.recv().await {
        let mut done = Vec::new();
        let failure = write_group(&mut tx, first, &mut waiting, &mut done).await.err();
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
    done: &mut Vec<Box<dyn WriteJob>>,
) -> Result<(), DbError> {
    let begun = tx.command("BEGIN IMMEDIATE").await;
    let mut next = Some(first);
    while let Some(mut job) = next.take() {
        if begun.is_ok() {
            tx.command("SAVEPOINT one_write").await?;
            let keep = job.run(tx).await;
            let end = if keep { "RELEASE one_write" } else { "ROLLBACK TO one_write; RELEASE one_write" };
            let ended = tx.command(end).await;
            done.push(job);
            ended?;
        } else {
            done.push(job);
        }
        if done.len() < GROUP {
            next = waiting.try_recv().ok();
        }
    }
    begun?;
    tx.command("COMMIT").await
}

/// The same failure for each of the writes that shared a commit; the driver's error cannot be cloned.
fn again(error: &DbError) -> DbError {
    DbError::Driver(sqlx::Error::Protocol(error.to_string()))
}

fn dotted(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

/// The address with its password replaced, for messages.
pub fn without_password(address: &str) -> String {
    match (address.find("://"), address.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 < at => {
            let who = &address[scheme + 3..at];
            let user = who.split(':').next().unwrap_or_default();
            let password = if who.contains(':') { ":***" } else { "" };
            format!("{}{user}{password}{}", &address[..scheme + 3], &address[at..])
        }
        _ => address.to_owned(),
    }
}

macro_rules! migrations {
    ($($version:literal $name:literal),* $(,)?) => {
        /// Every migration in order: version, name, text.
        pub const MIGRATIONS: &[(i64, &str, &str)] = &[
            $(($version, $name, include_str!(concat!("../../migrations/", $name, ".sql")))),*
        ];
    };
}

migrations! {
    1 "0001_platform",
    2 "0002_access",
    3 "0003_register",
    4 "0004_intake",
    5 "0005_compare",
    6 "0006_assess",
    7 "0007_ledger",
    8 "0008_follow",
    10 "0010_ledger_list",
    12 "0012_intake",
}

/// The migrations, with the type of text columns as the database needs it: ranges of text (division codes, the prefixes
/// of a search) are by code point on both, whatever collation a PostgreSQL server was set up with.
fn migrator(text_type: &str) -> Migrator {
    Migrator::with_migrations(
        MIGRATIONS
            .iter()
            .map(|(version, name, sql)| {
                let sql = AssertSqlSafe(sql.replace(" TEXT", &format!(" {text_type}"))).into_sql_str();
                Migration::new(*version, (*name).into(), MigrationType::Simple, sql, false)
            })
            .collect(),
    )
}
