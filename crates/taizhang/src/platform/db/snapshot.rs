//! Several readers that see the database as it is at one moment, whatever is written while they read.

use futures_util::TryStreamExt;
use sqlx::{Postgres, SqlSafeStr, Sqlite, Transaction};

use super::value::bind;
use super::{Db, DbError, Pools, Record, Value};

/// How often readers of SQLite are begun anew because something was written between one and the next.
const ATTEMPTS: usize = 8;

/// A connection in a transaction of its own that only reads.
pub struct Reader(Conn);

enum Conn {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

impl Db {
    /// Up to `count` readers, one at least, all of which see what was committed at one and the same moment. On SQLite
    /// there is only one where so much is written that no two could be begun between two commits.
    ///
    /// # Errors
    /// As the database says.
    pub async fn readers(&self, count: usize) -> Result<Vec<Reader>, DbError> {
        match &*self.inner {
            Pools::Sqlite { read, .. } => {
                // What this connection says of commits by others is comparable with itself alone.
                let mut watch = read.acquire().await?;
                for _ in 0..ATTEMPTS {
                    let before = commits(&mut watch).await?;
                    let mut readers = Vec::with_capacity(count);
                    for _ in 0..count.max(1) {
                        let mut tx = read.begin().await?;
                        // A transaction sees the database as it is at its first statement.
                        sqlx::query("SELECT COUNT(*) FROM sqlite_schema").execute(&mut *tx).await?;
                        readers.push(Reader(Conn::Sqlite(tx)));
                    }
                    if readers.len() == 1 || commits(&mut watch).await? == before {
                        return Ok(readers);
                    }
                }
                let mut tx = read.begin().await?;
                sqlx::query("SELECT COUNT(*) FROM sqlite_schema").execute(&mut *tx).await?;
                Ok(vec![Reader(Conn::Sqlite(tx))])
            }
            Pools::Postgres(pool) => {
                const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                let mut first = pool.begin_with(BEGIN).await?;
                let (snapshot,): (String,) =
                    sqlx::query_as("SELECT pg_export_snapshot()").fetch_one(&mut *first).await?;
                let mut readers = vec![Reader(Conn::Postgres(first))];
                for _ in 1..count {
                    let mut tx = pool.begin_with(BEGIN).await?;
                    // The name is the server's own: hexadecimal digits and dashes.
                    let name: String = snapshot.chars().filter(|c| c.is_ascii_hexdigit() || *c == '-').collect();
                    let take = sqlx::AssertSqlSafe(format!("SET TRANSACTION SNAPSHOT '{name}'"));
                    sqlx::query(take).execute(&mut *tx).await?;
                    readers.push(Reader(Conn::Postgres(tx)));
                }
                Ok(readers)
            }
        }
    }
}

/// A number that changes with every commit of another connection, as one connection sees it.
async fn commits(watch: &mut sqlx::SqliteConnection) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar("PRAGMA data_version").fetch_one(watch).await?)
}

impl Reader {
    /// All rows of a query.
    ///
    /// # Errors
    /// As the database says.
    pub async fn all<T: Record>(&mut self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<Vec<T>, DbError> {
        Ok(match &mut self.0 {
            Conn::Sqlite(tx) => {
                sqlx::query_as_with::<Sqlite, T, _>(sql, bind::<Sqlite>(args)?).fetch_all(&mut **tx).await?
            }
            Conn::Postgres(tx) => {
                sqlx::query_as_with::<Postgres, T, _>(sql, bind::<Postgres>(args)?).fetch_all(&mut **tx).await?
            }
        })
    }

    /// The first row.
    ///
    /// # Errors
    /// [`DbError::NotFound`] where there is none.
    pub async fn one<T: Record>(&mut self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<T, DbError> {
        self.all(sql, args).await?.into_iter().next().ok_or(DbError::NotFound)
    }

    /// Hands every row to `each` as it arrives, without holding them all.
    ///
    /// # Errors
    /// As the database or `each` says; the stream ends there.
    pub async fn each<T: Record, E: From<DbError>>(
        &mut self,
        sql: impl SqlSafeStr,
        args: Vec<Value>,
        mut each: impl FnMut(T) -> Result<(), E> + Send,
    ) -> Result<(), E> {
        match &mut self.0 {
            Conn::Sqlite(tx) => {
                let mut rows = sqlx::query_as_with::<Sqlite, T, _>(sql, bind::<Sqlite>(args)?).fetch(&mut **tx);
                while let Some(row) = rows.try_next().await.map_err(DbError::from)? {
                    each(row)?;
                }
            }
            Conn::Postgres(tx) => {
                let mut rows = sqlx::query_as_with::<Postgres, T, _>(sql, bind::<Postgres>(args)?).fetch(&mut **tx);
                while let Some(row) = rows.try_next().await.map_err(DbError::from)? {
                    each(row)?;
                }
            }
        }
        Ok(())
    }
}
