//! The SQL of presence: members of work teams, what they wrote down, their leave.

use chrono::NaiveDate;
use uuid::Uuid;

use super::presence::NewLeave;
use crate::access::{Actor, Scope};
use crate::args;
use crate::platform::{Db, DbError, Tx};

/// A member of a work team.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
#[allow(missing_docs)]
pub struct Member {
    pub id: Uuid,
    pub name: String,
    pub role: String,
    pub team: String,
    pub unit: String,
    pub division_code: String,
    pub place: String,
    pub start_date: String,
    pub end_date: String,
}

pub(super) async fn members(db: &Db, scope: &Scope) -> Result<Vec<Member>, DbError> {
    db.all(
        "SELECT m.id, m.name, m.role, m.team, m.unit, m.division_code, COALESCE(d.full_name, m.division_code) AS place,
                m.start_date, m.end_date
         FROM work_team_member m LEFT JOIN division d ON d.code = m.division_code
         WHERE m.division_code >= $1 AND m.division_code < $2 ORDER BY m.division_code, m.name, m.id",
        args![scope.lo(), scope.hi()],
    )
    .await
}

pub(super) async fn member(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Member>, DbError> {
    db.maybe(
        "SELECT m.id, m.name, m.role, m.team, m.unit, m.division_code, COALESCE(d.full_name, m.division_code) AS place,
                m.start_date, m.end_date
         FROM work_team_member m LEFT JOIN division d ON d.code = m.division_code
         WHERE m.id = $3 AND m.division_code >= $1 AND m.division_code < $2",
        args![scope.lo(), scope.hi(), id],
    )
    .await
}

/// Holds a member until the transaction ends.
pub(super) async fn hold_member(tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    tx.run("UPDATE work_team_member SET version = version WHERE id = $1", args![id]).await?;
    Ok(())
}

/// A member of a work team who was sent to a post against the epidemic (干部抽调).
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Post {
    pub(super) name_folded: String,
    pub(super) unit: String,
    pub(super) division_code: String,
    pub(super) from_day: String,
    /// Empty while it lasts.
    pub(super) to_day: String,
}

/// Posts of the members of a scope that touch a period.
pub(super) async fn posts(db: &Db, scope: &Scope, from: &str, to: &str) -> Result<Vec<Post>, DbError> {
    db.all(
        "SELECT name_folded, unit, division_code, from_day, to_day FROM deployment
         WHERE kind = 'team_member' AND from_day <= $4 AND (to_day = '' OR to_day >= $3)
           AND ((division_code >= $1 AND division_code < $2)
                OR substr($1, 1, CAST(length(division_code) AS INTEGER)) = division_code)",
        args![scope.lo(), scope.hi(), from, to],
    )
    .await
}

/// Members by division.
pub(super) async fn places(db: &Db, scope: &Scope, length: usize) -> Result<Vec<(String, i64)>, DbError> {
    db.all(
        "SELECT substr(division_code, 1, CAST($3 AS INTEGER)) AS code, COUNT(*) FROM work_team_member
         WHERE division_code >= $1 AND division_code < $2
         GROUP BY substr(division_code, 1, CAST($3 AS INTEGER)) ORDER BY substr(division_code, 1, CAST($3 AS INTEGER))",
        args![scope.lo(), scope.hi(), length as i64],
    )
    .await
}

/// What somebody wrote down in a village on a day, of one sort.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Deed {
    pub village: String,
    pub name: String,
    pub day: String,
    /// visit_check | visit | call | case | the action of an item's event.
    pub what: String,
    /// Of an item; empty for visits and cases.
    pub ledger: String,
    pub times: i64,
}

/// Work in the villages of a scope by whoever did it, from a day to a day: visits, work on items, steps of monitoring cases.
pub(super) async fn deeds(db: &Db, scope: &Scope, from: &str, to: &str) -> Result<Vec<Deed>, DbError> {
    db.all(
        "SELECT substr(division_code, 1, 12) AS village, by_name AS name, visited_on AS day,
                CASE WHEN channel <> 'on_site' THEN 'call' WHEN checked THEN 'visit_check' ELSE 'visit' END AS what,
                '' AS ledger, COUNT(*) AS times
         FROM visit WHERE division_code >= $1 AND division_code < $2 AND visited_on >= $3 AND visited_on <= $4
         GROUP BY 1, 2, 3, 4
         UNION ALL
         SELECT substr(division_code, 1, 12), actor_name, day, action, ledger, COUNT(*)
         FROM item_event WHERE division_code >= $1 AND division_code < $2 AND day >= $3 AND day <= $4
           AND action IN ('start', 'progress', 'measure', 'submit', 'check', 'pass', 'fail', 'attach')
         GROUP BY 1, 2, 3, 4, 5
         UNION ALL
         SELECT substr(division_code, 1, 12), actor_name, day, 'case', '', COUNT(*)
         FROM monitor_event WHERE division_code >= $1 AND division_code < $2 AND day >= $3 AND day <= $4
           AND actor_id IS NOT NULL AND action <> 'remind'
         GROUP BY 1, 2, 3",
        args![scope.lo(), scope.hi(), from, to],
    )
    .await
}

/// One piece of work with what it was about.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Trace {
    pub name: String,
    pub day: String,
    pub what: String,
    pub ledger: String,
    /// visit | item | case.
    pub of: String,
    /// Of the visit, item or case.
    pub id: Uuid,
    /// Head of the household or number of the item.
    pub about: String,
}

/// The pieces of work behind [`deeds`], the newest first.
pub(super) async fn traces(db: &Db, scope: &Scope, from: &str, to: &str) -> Result<Vec<Trace>, DbError> {
    db.all(
        "SELECT name, day, what, ledger, of, id, about FROM (
             SELECT v.by_name AS name, v.visited_on AS day,
                    CASE WHEN v.channel <> 'on_site' THEN 'call' WHEN v.checked THEN 'visit_check' ELSE 'visit' END AS what,
                    '' AS ledger, 'visit' AS of, v.id, COALESCE(h.head_name, '') AS about
             FROM visit v LEFT JOIN household h ON h.id = v.household_id
             WHERE v.division_code >= $1 AND v.division_code < $2 AND v.visited_on >= $3 AND v.visited_on <= $4
             UNION ALL
             SELECT e.actor_name, e.day, e.action, e.ledger, 'item', i.id, i.number
             FROM item_event e JOIN item i ON i.id = e.item_id
             WHERE e.division_code >= $1 AND e.division_code < $2 AND e.day >= $3 AND e.day <= $4
               AND e.action IN ('start', 'progress', 'measure', 'submit', 'check', 'pass', 'fail', 'attach')
             UNION ALL
             SELECT e.actor_name, e.day, 'case', '', 'case', c.id, c.number
             FROM monitor_event e JOIN monitor_case c ON c.id = e.case_id
             WHERE e.division_code >= $1 AND e.division_code < $2 AND e.day >= $3 AND e.day <= $4
               AND e.actor_id IS NOT NULL AND e.action <> 'remind') AS everything
         ORDER BY day DESC, of, about",
        args![scope.lo(), scope.hi(), from, to],
    )
    .await
}

/// A leave.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Leave {
    pub id: Uuid,
    pub member_id: Uuid,
    pub from_day: String,
    pub to_day: String,
    pub kind: String,
    pub reason: String,
    pub approved_level: String,
    pub approved_by: String,
    pub recorded_name: String,
    pub recorded_at: i64,
    pub withdrawn_at: Option<i64>,
    pub withdrawn_name: String,
    pub withdrawn_reason: String,
}

/// Leaves of a scope that touch a period, without withdrawn ones.
pub(super) async fn leaves(db: &Db, scope: &Scope, from: &str, to: &str) -> Result<Vec<Leave>, DbError> {
    db.all(
        "SELECT id, member_id, from_day, to_day, kind, reason, approved_level, approved_by, recorded_name, recorded_at,
                withdrawn_at, withdrawn_name, withdrawn_reason
         FROM supervise_leave
         WHERE division_code >= $1 AND division_code < $2 AND from_day <= $4 AND to_day >= $3 AND withdrawn_at IS NULL",
        args![scope.lo(), scope.hi(), from, to],
    )
    .await
}

/// Every leave of a member, the newest first.
pub(super) async fn leaves_of(db: &Db, member: Uuid) -> Result<Vec<Leave>, DbError> {
    db.all(
        "SELECT id, member_id, from_day, to_day, kind, reason, approved_level, approved_by, recorded_name, recorded_at,
                withdrawn_at, withdrawn_name, withdrawn_reason
         FROM supervise_leave WHERE member_id = $1 ORDER BY from_day DESC, recorded_at DESC LIMIT 200",
        args![member],
    )
    .await
}

/// A leave of a member that touches a period.
pub(super) async fn overlap(
    tx: &mut Tx,
    member: Uuid,
    from: &str,
    to: &str,
) -> Result<Option<(String, String)>, DbError> {
    tx.maybe(
        "SELECT from_day, to_day FROM supervise_leave
         WHERE member_id = $1 AND from_day <= $3 AND to_day >= $2 AND withdrawn_at IS NULL ORDER BY from_day LIMIT 1",
        args![member, from, to],
    )
    .await
}

/// What was asked for by a leave, as a hash; none where there is no such leave.
pub(super) async fn leave_known(tx: &mut Tx, id: Uuid) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx.maybe("SELECT payload FROM supervise_leave WHERE id = $1", args![id]).await?;
    Ok(row.map(|row| row.0))
}

/// Whose a leave is, and where.
pub(super) async fn leave_in(tx: &mut Tx, scope: &Scope, id: Uuid) -> Result<Option<(Uuid, String)>, DbError> {
    tx.maybe(
        "SELECT member_id, division_code FROM supervise_leave
         WHERE id = $3 AND division_code >= $1 AND division_code < $2",
        args![scope.lo(), scope.hi(), id],
    )
    .await
}

/// Withdraws a leave; false if it was withdrawn before.
pub(super) async fn withdraw(tx: &mut Tx, id: Uuid, by: &str, reason: &str, now: i64) -> Result<bool, DbError> {
    let touched = tx
        .run(
            "UPDATE supervise_leave SET withdrawn_at = $2, withdrawn_name = $3, withdrawn_reason = $4
             WHERE id = $1 AND withdrawn_at IS NULL",
            args![id, now, by, reason],
        )
        .await?;
    Ok(touched == 1)
}

#[allow(clippy::too_many_arguments)]
pub(super) async fn insert_leave(
    tx: &mut Tx,
    new: &NewLeave,
    member: &Member,
    (from, to): (NaiveDate, NaiveDate),
    level: &str,
    payload: &str,
    actor: &Actor,
    now: i64,
) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO supervise_leave (id, member_id, division_code, from_day, to_day, kind, reason, approved_level, approved_by,
                                      payload, recorded_by, recorded_name, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        args![
            new.id,
            new.member,
            &member.division_code,
            from,
            to,
            &new.kind,
            new.reason.trim(),
            level,
            new.approved_by.trim(),
            payload,
            actor.user_id,
            &actor.name,
            now
        ],
    )
    .await?;
    Ok(())
}
