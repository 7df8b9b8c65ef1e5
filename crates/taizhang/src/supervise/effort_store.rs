//! The SQL of the effort of this year and last.

use uuid::Uuid;

use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError};

/// What was done in a period, by division and measure.
pub(super) async fn counts(
    db: &Db,
    scope: &Scope,
    (from, to): (&str, &str),
    length: usize,
) -> Result<Vec<(String, String, i64)>, DbError> {
    db.all(
        "SELECT substr(division_code, 1, CAST($5 AS INTEGER)) AS code,
                CASE WHEN channel = 'on_site' THEN 'visits' ELSE 'calls' END AS what, COUNT(*)
         FROM visit WHERE division_code >= $1 AND division_code < $2 AND visited_on >= $3 AND visited_on <= $4
         GROUP BY 1, 2
         UNION ALL
         SELECT substr(division_code, 1, CAST($5 AS INTEGER)),
                CASE WHEN action = 'open' THEN 'opened' WHEN action = 'pass' THEN 'closed' ELSE 'worked' END, COUNT(*)
         FROM item_event WHERE division_code >= $1 AND division_code < $2 AND day >= $3 AND day <= $4
           AND action IN ('open', 'pass', 'start', 'progress', 'measure', 'submit', 'attach')
         GROUP BY 1, 2
         UNION ALL
         SELECT substr(division_code, 1, CAST($5 AS INTEGER)), 'sessions', COUNT(*)
         FROM supervise_session WHERE division_code >= $1 AND division_code < $2 AND held_on >= $3 AND held_on <= $4
         GROUP BY 1",
        args![scope.lo(), scope.hi(), from, to, length as i64],
    )
    .await
}

/// A visit, a call or a piece of work on an item.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct DeedLine {
    /// Of the visit or item.
    pub id: Uuid,
    /// visits | calls | worked | sessions.
    pub what: String,
    /// The action of an item's event; empty for visits.
    pub action: String,
    pub day: String,
    pub name: String,
    /// Head of the household, number of the item, or title of the session.
    pub about: String,
    pub place: String,
}

pub(super) async fn list(
    db: &Db,
    scope: &Scope,
    what: &str,
    (from, to): (&str, &str),
    offset: i64,
    limit: i64,
) -> Result<Vec<DeedLine>, DbError> {
    db.all(
        "SELECT x.id, x.what, x.action, x.day, x.name, x.about, COALESCE(d.full_name, x.division_code) AS place FROM (
             SELECT v.id, CASE WHEN v.channel = 'on_site' THEN 'visits' ELSE 'calls' END AS what, '' AS action,
                    v.visited_on AS day, v.by_name AS name, COALESCE(h.head_name, '') AS about, v.division_code, v.recorded_at
                    AS at
             FROM visit v LEFT JOIN household h ON h.id = v.household_id
             WHERE v.division_code >= $1 AND v.division_code < $2 AND v.visited_on >= $3 AND v.visited_on <= $4
               AND $5 IN ('visits', 'calls')
             UNION ALL
             SELECT i.id, 'worked', e.action, e.day, e.actor_name, i.number, e.division_code, e.at
             FROM item_event e JOIN item i ON i.id = e.item_id
             WHERE e.division_code >= $1 AND e.division_code < $2 AND e.day >= $3 AND e.day <= $4 AND $5 = 'worked'
               AND e.action IN ('start', 'progress', 'measure', 'submit', 'attach')
             UNION ALL
             SELECT s.id, 'sessions', '', s.held_on, s.chair, s.title, s.division_code, s.created_at
             FROM supervise_session s
             WHERE s.division_code >= $1 AND s.division_code < $2 AND s.held_on >= $3 AND s.held_on <= $4
               AND $5 = 'sessions') AS x
         LEFT JOIN division d ON d.code = x.division_code
         WHERE x.what = $5 ORDER BY x.day DESC, x.at DESC, x.id LIMIT $6 OFFSET $7",
        args![scope.lo(), scope.hi(), from, to, what, limit, offset],
    )
    .await
}

pub(super) async fn count(db: &Db, scope: &Scope, what: &str, (from, to): (&str, &str)) -> Result<i64, DbError> {
    let row: (i64,) = db
        .one(
            "SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM (
                 SELECT COUNT(*) AS n FROM visit
                 WHERE division_code >= $1 AND division_code < $2 AND visited_on >= $3 AND visited_on <= $4
                   AND $5 = CASE WHEN channel = 'on_site' THEN 'visits' ELSE 'calls' END
                 UNION ALL
                 SELECT COUNT(*) FROM item_event
                 WHERE division_code >= $1 AND division_code < $2 AND day >= $3 AND day <= $4 AND $5 = 'worked'
                   AND action IN ('start', 'progress', 'measure', 'submit', 'attach')
                 UNION ALL
                 SELECT COUNT(*) FROM supervise_session
                 WHERE division_code >= $1 AND division_code < $2 AND held_on >= $3 AND held_on <= $4
                   AND $5 = 'sessions') AS x",
            args![scope.lo(), scope.hi(), from, to, what],
        )
        .await?;
    Ok(row.0)
}
