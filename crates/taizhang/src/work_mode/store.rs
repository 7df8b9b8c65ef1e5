//! All SQL of the work mode.

use uuid::Uuid;

use super::Which;
use crate::access::Scope;
use crate::args;
use crate::assess::modes::{Delayed, Plan};
use crate::platform::{Db, DbError};

/// The time of remote work, as the statements below read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    /// Deadlines from this day on count; empty for all.
    due_from: String,
    /// Deadlines before this day count; a day beyond all where only being open counts.
    due_before: String,
    /// First day after it.
    ended: String,
}

impl Window {
    pub(super) fn of(plan: &Plan, delayed: Delayed) -> Self {
        let ended = plan.begins.to_string();
        match delayed {
            Delayed::Due => Self {
                due_from: plan.remote_from.map(|day| day.to_string()).unwrap_or_default(),
                due_before: ended.clone(),
                ended,
            },
            Delayed::Open => Self { due_from: String::new(), due_before: "9999-12-31".to_owned(), ended },
        }
    }
}

/// Items of a scope that were delayed, and of them those closed since the time ended. An item that was closed before is
/// not delayed, nor is one that was struck: nobody owes it any more.
pub(super) async fn items(db: &Db, scope: &Scope, window: &Window) -> Result<(i64, i64), DbError> {
    db.one(
        "SELECT COUNT(*), COUNT(CASE WHEN state = 'closed' THEN 1 END) FROM item
         WHERE division_code >= $1 AND division_code < $2 AND state <> 'cancelled' AND opened_on < $3
           AND (state <> 'closed' OR closed_on >= $3) AND deadline >= $4 AND deadline < $5",
        args![scope.lo(), scope.hi(), &window.ended, &window.due_from, &window.due_before],
    )
    .await
}

/// A piece of work on a list.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Work {
    pub id: Uuid,
    pub number: String,
    pub title: String,
    pub place: String,
    pub head_name: String,
    pub deadline: String,
    pub state: String,
    pub closed_on: String,
}

/// Items of a list, the one due first at the top.
pub(super) async fn list(
    db: &Db,
    scope: &Scope,
    window: &Window,
    which: Which,
    limit: i64,
    offset: i64,
) -> Result<Vec<Work>, DbError> {
    let (done, rest) = (which != Which::Rest, which != Which::Done);
    db.all(
        "SELECT i.id, i.number, i.title, COALESCE(d.full_name, i.division_code) AS place,
                COALESCE(h.head_name, '') AS head_name, i.deadline, i.state, i.closed_on
         FROM item i LEFT JOIN division d ON d.code = i.division_code LEFT JOIN household h ON h.id = i.household_id
         WHERE i.division_code >= $1 AND i.division_code < $2 AND i.state <> 'cancelled' AND i.opened_on < $3
           AND ((i.state = 'closed' AND i.closed_on >= $3 AND $6) OR (i.state <> 'closed' AND $7))
           AND i.deadline >= $4 AND i.deadline < $5
         ORDER BY i.deadline, i.number LIMIT $8 OFFSET $9",
        args![scope.lo(), scope.hi(), &window.ended, &window.due_from, &window.due_before, done, rest, limit, offset],
    )
    .await
}

/// Codes and names of the counties of a scope.
pub(super) async fn counties(db: &Db, scope: &Scope) -> Result<Vec<(String, String)>, DbError> {
    db.all(
        "SELECT code, full_name FROM division
         WHERE level = 3 AND valid_to = '' AND code >= $1 AND code < $2 ORDER BY code",
        args![scope.lo(), scope.hi()],
    )
    .await
}
