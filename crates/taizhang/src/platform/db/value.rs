//! Values bound to statements, and rows read from them, the same for both databases.

use sqlx::FromRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::DbError;

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

pub(super) fn bind<DB>(args: Vec<Value>) -> Result<DB::Arguments, DbError>
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
            // PostgreSQL has no text with this character, and what one database takes the other has to take too.
            Value::Text(Some(text)) if text.contains('\0') => return Err(DbError::Nul),
            Value::Text(v) => out.add(v),
            Value::Bytes(v) => out.add(v),
            Value::Id(v) => out.add(v),
        }
        .map_err(|e| DbError::Driver(sqlx::Error::Encode(e)))?;
    }
    Ok(out)
}
