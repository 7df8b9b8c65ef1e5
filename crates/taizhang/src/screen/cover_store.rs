//! All SQL of coverage and of screening rounds.

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::cover::{Asked, CoverLine, Which};
use super::model::Channel;
use super::rounds::Round;
use crate::access::Scope;
use crate::args;
use crate::assess::places;
use crate::platform::{Db, DbError, Tx, Value};

/// A line of a list of households.
const LINE: &str = "h.id, h.household_no, h.head_name, h.division_code, COALESCE(d.name, '') AS place, h.member_count,
            COALESCE(s.last_on, '') AS last_on, COALESCE(s.last_on_site, '') AS last_on_site, COALESCE(s.visits, 0) AS visits
     FROM household h LEFT JOIN household_visited s ON s.household_id = h.id
     LEFT JOIN division d ON d.code = h.division_code
     WHERE h.division_code >= $1 AND h.division_code < $2";
/// The same households, to be counted.
const COUNTED: &str = "household h LEFT JOIN household_visited s ON s.household_id = h.id
     WHERE h.division_code >= $1 AND h.division_code < $2";
/// Somebody visited them as asked.
const MATCHES: &str =
    "EXISTS (SELECT 1 FROM visit v WHERE v.household_id = h.id AND v.visited_on >= $3 AND v.visited_on <= $4
      AND ($5 = '' OR v.channel = $5) AND (NOT $6 OR v.checked))";

/// Every day as text lies between these.
const FIRST: &str = "0000";
const LAST: &str = "9999";

fn from(asked: &Asked) -> String {
    if asked.since == NaiveDate::MIN { FIRST.to_owned() } else { asked.since.to_string() }
}

fn to(asked: &Asked) -> String {
    asked.until.map_or_else(|| LAST.to_owned(), |day| day.to_string())
}

fn channel(asked: &Asked) -> &'static str {
    asked.channel.map_or("", Channel::name)
}

/// The condition of a list.
fn condition(which: Which) -> &'static str {
    match which {
        Which::Unvisited => "AND NOT",
        Which::Visited => "AND",
        // What is asked is bound all the same, so that a page and its count take the same values.
        Which::Never => "AND s.household_id IS NULL AND NOT",
    }
}

/// Registered households by the division of that length.
pub(super) async fn registered(db: &Db, scope: &Scope, length: usize) -> Result<Vec<(String, i64)>, DbError> {
    db.all(
        "SELECT SUBSTR(division_code, 1, CAST($3 AS INTEGER)) AS code, COUNT(*) AS households FROM household
         WHERE division_code >= $1 AND division_code < $2 GROUP BY 1 ORDER BY 1",
        args![scope.lo(), scope.hi(), as_int(length)],
    )
    .await
}

fn as_int(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(0)
}

/// Households whose last visit lies on or after a day, by division.
pub(super) async fn visited_plain(
    db: &Db,
    scope: &Scope,
    length: usize,
    asked: &Asked,
) -> Result<Vec<(String, i64)>, DbError> {
    db.all(
        "SELECT SUBSTR(division_code, 1, CAST($3 AS INTEGER)) AS code, COUNT(*) AS households FROM household_visited
         WHERE division_code >= $1 AND division_code < $2
           AND CASE $5 WHEN 'on_site' THEN last_on_site WHEN 'phone' THEN last_phone
               WHEN 'wechat' THEN last_wechat WHEN 'video' THEN last_video
               ELSE last_on END >= $4
         GROUP BY 1",
        args![scope.lo(), scope.hi(), as_int(length), from(asked), channel(asked)],
    )
    .await
}

/// Households ever visited, by division.
pub(super) async fn ever(db: &Db, scope: &Scope, length: usize) -> Result<Vec<(String, i64)>, DbError> {
    db.all(
        "SELECT SUBSTR(division_code, 1, CAST($3 AS INTEGER)) AS code, COUNT(*) AS households FROM household_visited
         WHERE division_code >= $1 AND division_code < $2 GROUP BY 1",
        args![scope.lo(), scope.hi(), as_int(length)],
    )
    .await
}

/// Households with a visit as asked, by division.
pub(super) async fn visited(
    db: &Db,
    scope: &Scope,
    length: usize,
    asked: &Asked,
) -> Result<Vec<(String, i64)>, DbError> {
    db.all(
        "SELECT SUBSTR(division_code, 1, CAST($7 AS INTEGER)) AS code, COUNT(DISTINCT household_id) AS households FROM visit
         WHERE division_code >= $1 AND division_code < $2 AND visited_on >= $3 AND visited_on <= $4
           AND ($5 = '' OR channel = $5) AND (NOT $6 OR checked) GROUP BY 1",
        args![scope.lo(), scope.hi(), from(asked), to(asked), channel(asked), asked.with_checks, as_int(length)],
    )
    .await
}

pub(super) async fn list(
    db: &Db,
    scope: &Scope,
    asked: &Asked,
    which: Which,
    offset: i64,
    limit: i64,
) -> Result<Vec<CoverLine>, DbError> {
    let sql = format!(
        "SELECT {LINE} {} {MATCHES} ORDER BY h.division_code, h.household_no LIMIT $7 OFFSET $8",
        condition(which)
    );
    let mut args = args![scope.lo(), scope.hi(), from(asked), to(asked), channel(asked), asked.with_checks];
    args.extend(args![limit, offset]);
    db.all(AssertSqlSafe(sql), args).await
}

pub(super) async fn list_count(db: &Db, scope: &Scope, asked: &Asked, which: Which) -> Result<i64, DbError> {
    let sql = format!("SELECT COUNT(*) FROM {COUNTED} {} {MATCHES}", condition(which));
    let args = args![scope.lo(), scope.hi(), from(asked), to(asked), channel(asked), asked.with_checks];
    Ok(db.one::<(i64,)>(AssertSqlSafe(sql), args).await?.0)
}

/// Some households of a scope, as far as they fit a list.
pub(super) async fn own_list(
    db: &Db,
    scope: &Scope,
    ids: &[Uuid],
    asked: &Asked,
    which: Which,
) -> Result<Vec<CoverLine>, DbError> {
    let mut out: Vec<CoverLine> = Vec::new();
    for chunk in ids.chunks(500) {
        let sql = format!("SELECT {LINE} {} {MATCHES} AND h.id IN ({})", condition(which), places(7, chunk.len()));
        let mut args = args![scope.lo(), scope.hi(), from(asked), to(asked), channel(asked), asked.with_checks];
        args.extend(chunk.iter().map(Value::from));
        out.extend(db.all::<CoverLine>(AssertSqlSafe(sql), args).await?);
    }
    out.sort_by(|a, b| (&a.division_code, &a.household_no).cmp(&(&b.division_code, &b.household_no)));
    Ok(out)
}

/// How many of some households lie in a scope.
pub(super) async fn of_own(db: &Db, scope: &Scope, ids: &[Uuid]) -> Result<i64, DbError> {
    let all = Asked { since: NaiveDate::MIN, until: None, channel: None, with_checks: false };
    let mut count = 0;
    for which in [Which::Unvisited, Which::Visited] {
        count += own_list(db, scope, ids, &all, which).await?.len();
    }
    Ok(as_int(count))
}

/// How many of some households were visited as asked.
pub(super) async fn own_visited(db: &Db, scope: &Scope, ids: &[Uuid], asked: &Asked) -> Result<i64, DbError> {
    Ok(as_int(own_list(db, scope, ids, asked, Which::Visited).await?.len()))
}

/// Rounds whose division lies in a scope or around it, the newest first.
pub(super) async fn rounds(db: &Db, scope: &Scope) -> Result<Vec<Round>, DbError> {
    db.all(
        "SELECT r.id, r.name, r.division_code, COALESCE(d.full_name, '') AS place, r.from_day, r.to_day, r.on_site,
                r.with_checks, r.created_by, r.created_name, r.created_at
         FROM screen_round r LEFT JOIN division d ON d.code = r.division_code
         WHERE (r.division_code >= $1 AND r.division_code < $2)
            OR r.division_code = SUBSTR($3, 1, CAST(LENGTH(r.division_code) AS INTEGER))
         ORDER BY r.from_day DESC, r.created_at DESC, r.id",
        args![scope.lo(), scope.hi(), scope.root()],
    )
    .await
}

/// Writes a round; false where one of that id is there.
pub(super) async fn insert_round(tx: &mut Tx, round: &Round) -> Result<bool, DbError> {
    let rows = tx
        .run(
            "INSERT INTO screen_round (id, name, division_code, from_day, to_day, on_site, with_checks, created_by,
                 created_name, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING",
            args![
                round.id,
                &round.name,
                &round.division_code,
                &round.from_day,
                &round.to_day,
                round.on_site,
                round.with_checks,
                round.created_by,
                &round.created_name,
                round.created_at
            ],
        )
        .await?;
    Ok(rows > 0)
}
