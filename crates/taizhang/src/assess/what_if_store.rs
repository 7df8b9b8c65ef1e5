//! The SQL of what-if: whom it concerns, and a sample of everybody. It reads and never writes.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::store::{ids_as_args, places};
use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError, Value};

/// How many households a scope has.
pub(super) async fn households(db: &Db, scope: &Scope) -> Result<(i64,), DbError> {
    db.one(
        "SELECT COUNT(*) FROM household WHERE division_code >= $1 AND division_code < $2",
        args![scope.lo(), scope.hi()],
    )
    .await
}

/// Households of a scope whose fingerprint, a hash of all that the register says of them, lies below `end`: the same ones
/// while the register stays as it is, and no others than chance would pick.
pub(super) async fn sample(db: &Db, end: i64, scope: &Scope) -> Result<Vec<(Uuid,)>, DbError> {
    db.all(
        "SELECT id FROM household WHERE fingerprint < $1 AND division_code || '' >= $2 AND division_code || '' < $3
         ORDER BY id",
        args![end, scope.lo(), scope.hi()],
    )
    .await
}

/// Households of a scope with a signal in force of some kinds.
pub(super) async fn households_with(db: &Db, kinds: &[String], scope: &Scope) -> Result<Vec<(Uuid,)>, DbError> {
    let sql = format!(
        "SELECT DISTINCT household_id FROM signal
         WHERE state = 'active' AND household_id IS NOT NULL AND division_code >= $1 AND division_code < $2
           AND kind IN ({})",
        places(3, kinds.len())
    );
    let mut args = args![scope.lo(), scope.hi()];
    args.extend(kinds.iter().map(Value::from));
    db.all(AssertSqlSafe(sql), args).await
}

/// A household for a list.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Home {
    pub(super) id: Uuid,
    pub(super) household_no: String,
    pub(super) head_name: String,
    pub(super) place: String,
}

/// Some households of a scope, with where they are.
pub(super) async fn homes(db: &Db, ids: &[Uuid], scope: &Scope) -> Result<Vec<Home>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT h.id, h.household_no, h.head_name, COALESCE(d.full_name, h.division_code) AS place
         FROM household h LEFT JOIN division d ON d.code = h.division_code
         WHERE h.division_code >= $1 AND h.division_code < $2 AND h.id IN ({})",
        places(3, ids.len())
    );
    let mut args = args![scope.lo(), scope.hi()];
    args.extend(ids_as_args(ids));
    db.all(AssertSqlSafe(sql), args).await
}
