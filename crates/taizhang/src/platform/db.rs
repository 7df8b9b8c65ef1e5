//! One door to SQLite and PostgreSQL: the same SQL text, the same typed values, the same rows.
//!
//! Reads go to a pool. Writes on SQLite pass one writer that puts waiting writes into one transaction, each behind a
//! savepoint of its own, and answers them all after the commit: a write that has been answered is durable.
//! This file is the only code that knows which database is behind it.

mod error;
mod snapshot;
mod value;
mod writer;

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryStreamExt};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, Postgres, SqlSafeStr, SqlStr, Sqlite, SqliteConnection,
};
use tokio::sync::{mpsc, oneshot};

use super::files;
pub use error::DbError;
pub use snapshot::Reader;
use value::bind;
pub use value::{Record, Value};
use writer::{GROUP, Job, WriteJob, write_loop};

/// The database of an installation with SQLite, in its data folder.
pub const SQLITE_FILE: &str = "taizhang.db";
/// How long a connection of PostgreSQL is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Up to this many placeholders keep their numbers on SQLite.
const NUMBERED: usize = 32;
/// Rows that a connection of SQLite reads ahead of whoever takes them.
const AHEAD: usize = 2_048;
/// Connections that read.
const READERS: u32 = 8;
/// The oldest SQLite without the WAL-reset corruption bug.
const SQLITE_AT_LEAST: &str = "3.51.3";
/// The oldest PostgreSQL that is still cared for and that our SQL is tested on.
const POSTGRES_AT_LEAST: &str = "13";

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
            Some(url) => Self::open_postgres(url).await?,
            None => Self::open_sqlite(&folder.join(SQLITE_FILE)).await?,
        };
        db.check_version().await?;
        Ok(db)
    }

    /// Opens what [`Db::open`] opens to look at it: nothing is made, brought up to date or written, and a database that
    /// is too old or too new opens as well.
    ///
    /// # Errors
    /// The address is wrong, or the database does not answer.
    pub async fn look(address: Option<&str>, folder: &Path) -> Result<Self, DbError> {
        let inner = match address {
            Some(url) => Pools::Postgres(postgres_pool(url).await?),
            None => {
                let file = folder.join(SQLITE_FILE);
                let options = SqliteConnectOptions::new().filename(file).read_only(true).disable_statement_logging();
                let read = SqlitePoolOptions::new().max_connections(2).connect_with(options).await?;
                // Nobody takes from this channel: every write is refused as after the end.
                let (writer, _) = mpsc::channel(1);
                Pools::Sqlite { read, writer }
            }
        };
        let db = Self { inner: Arc::new(inner) };
        db.version().await?;
        Ok(db)
    }

    /// Whether an address is one that [`Db::open`] understands.
    ///
    /// # Errors
    /// [`DbError::Scheme`].
    pub fn check_address(address: Option<&str>) -> Result<(), DbError> {
        match address {
            Some(url) if !url.starts_with("postgres://") && !url.starts_with("postgresql://") => {
                Err(DbError::Scheme(without_password(url)))
            }
            _ => Ok(()),
        }
    }

    /// Whether a PostgreSQL database holds no table yet. Nothing is made or changed.
    ///
    /// # Errors
    /// The address is wrong, or the database does not answer.
    pub async fn is_bare(url: &str) -> Result<bool, DbError> {
        let db = Self { inner: Arc::new(Pools::Postgres(postgres_pool(url).await?)) };
        let (tables,): (i64,) = db
            .one("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema()", Vec::new())
            .await?;
        Ok(tables == 0)
    }

    async fn open_sqlite(file: &Path) -> Result<Self, DbError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            // Of a new file: half the calls into the system for a large load, and small writes stay small.
            .page_size(8192)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(2))
            .disable_statement_logging();
        let writing = options
            .clone()
            .pragma("cache_size", "-163840")
            .pragma("wal_autocheckpoint", "2000")
            .pragma("threads", "2")
            // The log of a large import is cut back by the next write.
            .pragma("journal_size_limit", "67108864");
        // SQLite gives its log and its index the mode of this file.
        files::make_file(file).map_err(sqlx::Error::Io)?;
        let mut writer = writing.connect().await?;
        migrator("TEXT").run(&mut writer).await?;
        let reading =
            options.row_buffer_size(AHEAD).read_only(true).create_if_missing(false).pragma("cache_size", "-32768");
        let read = SqlitePoolOptions::new().max_connections(READERS).connect_with(reading).await?;
        let (sender, receiver) = mpsc::channel(GROUP * 4);
        tokio::spawn(write_loop(Tx(Conn::Sqlite(Box::new(writer))), receiver));
        Ok(Self { inner: Arc::new(Pools::Sqlite { read, writer: sender }) })
    }

    async fn open_postgres(url: &str) -> Result<Self, DbError> {
        let pool = postgres_pool(url).await?;
        migrator("TEXT COLLATE \"C\"").run(&pool).await?;
        Ok(Self { inner: Arc::new(Pools::Postgres(pool)) })
    }

    /// Whether the database is of a version that our SQL is tested on.
    ///
    /// # Errors
    /// [`DbError::Version`], or the database does not answer.
    pub async fn check_version(&self) -> Result<(), DbError> {
        let version = self.version().await?;
        let (name, least) = match *self.inner {
            Pools::Sqlite { .. } => ("SQLite", SQLITE_AT_LEAST),
            Pools::Postgres(_) => ("PostgreSQL", POSTGRES_AT_LEAST),
        };
        if dotted(&version) < dotted(least) {
            return Err(DbError::Version(format!("{name} {version} < {least}")));
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
            // What a server says of its own files, where it was set up with checksums.
            Pools::Postgres(_) => {
                let (failures,): (i64,) = self
                    .one(
                        "SELECT COALESCE(checksum_failures, 0) FROM pg_stat_database WHERE datname = current_database()",
                        Vec::new(),
                    )
                    .await?;
                Ok(if failures == 0 { Vec::new() } else { vec![format!("checksum failures: {failures}")] })
            }
        }
    }

    /// All rows of a query.
    ///
    /// # Errors
    /// As the database says.
    pub async fn all<T: Record>(&self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<Vec<T>, DbError> {
        Ok(match &*self.inner {
            Pools::Sqlite { read, .. } => {
                sqlx::query_as_with::<sqlx::Sqlite, T, _>(for_sqlite(sql, args.len()), bind::<sqlx::Sqlite>(args)?)
                    .fetch_all(read)
                    .await?
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
                sqlx::query_as_with::<sqlx::Sqlite, T, _>(for_sqlite(sql, args.len()), bind::<sqlx::Sqlite>(args)?)
                    .fetch_optional(read)
                    .await?
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
                let query =
                    sqlx::query_as_with::<sqlx::Sqlite, T, _>(for_sqlite(sql, args.len()), bind::<sqlx::Sqlite>(args)?);
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

    /// A transaction that only reads: everything that it is asked is of one moment, the one of its first question. Others
    /// write meanwhile; held for long it keeps the databases from clearing away what they no longer need.
    ///
    /// # Errors
    /// No connection is free in time, or the database does not answer.
    pub async fn snapshot(&self) -> Result<Tx, DbError> {
        Ok(Tx(match &*self.inner {
            Pools::Sqlite { read, .. } => Conn::Reading(read.begin().await?),
            Pools::Postgres(pool) => {
                Conn::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
        }))
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
        self.write_as(work, false).await
    }

    /// [`Db::write`] for work that takes longer than a moment: on SQLite it has a commit of its own, so that no small
    /// write is answered late because it shares one.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn write_alone<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.write_as(work, true).await
    }

    async fn write_as<T, E, F>(&self, work: F, alone: bool) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        match &*self.inner {
            Pools::Sqlite { writer, .. } => {
                let (reply, answer) = oneshot::channel();
                let job: Box<dyn WriteJob> = Box::new(Job::new(work, alone, reply));
                writer.send(job).await.map_err(|_| DbError::Closed)?;
                answer.await.map_err(|_| DbError::Closed)?
            }
            // In a task of its own, as on SQLite: whoever asked may go away in the middle, and the write is whole.
            Pools::Postgres(pool) => {
                tokio::spawn(write_on_postgres(pool.clone(), work)).await.map_err(|_| DbError::Closed)?
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

async fn postgres_pool(url: &str) -> Result<PgPool, DbError> {
    Db::check_address(Some(url))?;
    let refuse = |e: sqlx::Error| DbError::Address { address: without_password(url), why: e.to_string() };
    let options = PgConnectOptions::from_str(url).map_err(refuse)?.disable_statement_logging();
    let unreachable = |why: String| DbError::Unreachable { address: without_password(url), why };
    // A pool asks a server that refuses again and again until its patience ends; one connection is told at once.
    match tokio::time::timeout(PATIENCE, options.connect()).await {
        Ok(Ok(connection)) => drop(connection.close().await),
        Ok(Err(error)) => return Err(unreachable(error.to_string())),
        Err(late) => return Err(unreachable(late.to_string())),
    }
    PgPoolOptions::new()
        .max_connections(READERS * 2)
        .acquire_timeout(PATIENCE)
        .connect_with(options)
        .await
        .map_err(refuse)
}

async fn write_on_postgres<T, E, F>(pool: PgPool, work: F) -> Result<T, E>
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    E: From<DbError>,
{
    // Dropped anywhere below, a transaction of the driver is rolled back before its connection is used again.
    let mut tx = Tx(Conn::Postgres(pool.begin().await.map_err(DbError::from)?));
    let outcome = std::panic::AssertUnwindSafe(work(&mut tx)).catch_unwind().await;
    let Conn::Postgres(tx) = tx.0 else { return Err(DbError::Closed.into()) };
    let error = match outcome {
        Ok(Ok(value)) => {
            tx.commit().await.map_err(DbError::from)?;
            return Ok(value);
        }
        Ok(Err(error)) => error,
        Err(_) => DbError::Undone.into(),
    };
    if let Err(second) = tx.rollback().await {
        // Nothing of it is kept either way; what is told is why the work failed.
        tracing::warn!(error = %second, "a failed write could not be rolled back at once");
    }
    Err(error)
}

/// An open transaction.
pub struct Tx(Conn);

enum Conn {
    Sqlite(Box<SqliteConnection>),
    Reading(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
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
            Conn::Sqlite(conn) => {
                sqlx::query_with::<sqlx::Sqlite, _>(for_sqlite(sql, args.len()), bind::<sqlx::Sqlite>(args)?)
                    .execute(&mut **conn)
                    .await?
                    .rows_affected()
            }
            Conn::Reading(conn) => {
                sqlx::query_with::<sqlx::Sqlite, _>(for_sqlite(sql, args.len()), bind::<sqlx::Sqlite>(args)?)
                    .execute(&mut **conn)
                    .await?
                    .rows_affected()
            }
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
                sqlx::query_as_with::<sqlx::Sqlite, T, _>(for_sqlite(sql, args.len()), bind::<sqlx::Sqlite>(args)?)
                    .fetch_all(&mut **conn)
                    .await?
            }
            Conn::Reading(conn) => {
                sqlx::query_as_with::<sqlx::Sqlite, T, _>(for_sqlite(sql, args.len()), bind::<sqlx::Sqlite>(args)?)
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
            Conn::Reading(conn) => sqlx::raw_sql(sql).execute(&mut **conn).await.map(|_| ())?,
            Conn::Postgres(conn) => {
                let conn: &mut PgConnection = conn;
                sqlx::raw_sql(sql).execute(conn).await.map(|_| ())?;
            }
        }
        Ok(())
    }
}

/// A text as SQLite is given it. A numbered placeholder has a name there, and finding one among hundreds takes a walk
/// through all of them, for each; where they stand in their order they need no number.
fn for_sqlite(sql: impl SqlSafeStr, values: usize) -> SqlStr {
    let sql = sql.into_sql_str();
    if values <= NUMBERED {
        return sql;
    }
    match unnumbered(sql.as_str(), values) {
        // Nothing but placeholders differs.
        Some(text) => AssertSqlSafe(text).into_sql_str(),
        None => sql,
    }
}

/// The text with `?` for `$1`, `$2`, …; nothing where these do not stand in their order, each once.
fn unnumbered(sql: &str, values: usize) -> Option<String> {
    let mut out = String::with_capacity(sql.len());
    let (mut rest, mut next, mut quotes) = (sql, 1, 0);
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        quotes += before.matches('\'').count();
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = after.split_at(digits);
        // Inside a literal it is no placeholder.
        if quotes % 2 == 1 || number.parse() != Ok(next) {
            return None;
        }
        out.push('?');
        next += 1;
        rest = tail;
    }
    out.push_str(rest);
    (next == values + 1).then_some(out)
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

/// The number of the last migration.
pub fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |(version, ..)| *version)
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
    9 "0009_access",
    10 "0010_ledger_list",
    12 "0012_intake",
    13 "0013_organisation",
    14 "0014_compare_bits",
    17 "0017_policy",
    19 "0019_books",
    21 "0021_source",
    22 "0022_linkage",
    23 "0023_engine",
    24 "0024_screen",
    25 "0025_monitor",
    26 "0026_income",
    28 "0028_problems",
    29 "0029_supervise",
    30 "0030_tasks",
    31 "0031_relief",
    32 "0032_ledger_table",
    33 "0033_item_life",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_in_their_order_need_no_number() {
        let plain = "SELECT a FROM t WHERE x >= $1 AND y IN ($2, $3) AND z = 'it''s'";
        assert_eq!(
            unnumbered(plain, 3).as_deref(),
            Some("SELECT a FROM t WHERE x >= ? AND y IN (?, ?) AND z = 'it''s'")
        );
        for other in ["x = $2 AND y = $1", "x = $1 OR y = $1", "x = '$1'", "x = $1"] {
            assert_eq!(unnumbered(other, 2), None, "{other}");
        }
    }
}
