//! The SQL of cases: their state, events and measures, and what the register says of them.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::model::{Case, Event, Given, Measure, NewMeasure};
use crate::access::Scope;
use crate::args;
use crate::assess::places;
use crate::platform::{Db, DbError, Tx, Value, ids};

pub(super) const CASE_COLUMNS: &str = "id, number, household_id, division_code, head_name, origin, state, phase, round, kind, main_risk, risks, \
     green, opened_on, state_since, decide_by, deadline, marked_on, eliminated_on, notice_from, notice_to, profile, version, updated_at";
const EVENT_COLUMNS: &str = "id, seq, round, at, day, actor_id, actor_name, action, from_state, to_state, note, data";
const MEASURE_COLUMNS: &str = "id, round, measure, risk, from_day, to_day, ended_on, amount, who, note";

pub(super) async fn case(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Case>, DbError> {
    let sql =
        format!("SELECT {CASE_COLUMNS} FROM monitor_case WHERE id = $1 AND division_code >= $2 AND division_code < $3");
    db.maybe(AssertSqlSafe(sql), args![id, scope.lo(), scope.hi()]).await
}

pub(super) async fn case_in(tx: &mut Tx, scope: &Scope, id: Uuid) -> Result<Option<Case>, DbError> {
    let sql =
        format!("SELECT {CASE_COLUMNS} FROM monitor_case WHERE id = $1 AND division_code >= $2 AND division_code < $3");
    tx.maybe(AssertSqlSafe(sql), args![id, scope.lo(), scope.hi()]).await
}

pub(super) async fn case_of_household(db: &Db, scope: &Scope, household: Uuid) -> Result<Option<Case>, DbError> {
    let sql = format!(
        "SELECT {CASE_COLUMNS} FROM monitor_case
         WHERE household_id = $1 AND division_code >= $2 AND division_code < $3"
    );
    db.maybe(AssertSqlSafe(sql), args![household, scope.lo(), scope.hi()]).await
}

pub(super) async fn case_of_key(tx: &mut Tx, key: &str) -> Result<Option<Case>, DbError> {
    let sql = format!("SELECT {CASE_COLUMNS} FROM monitor_case WHERE subject_key = $1");
    tx.maybe(AssertSqlSafe(sql), args![key]).await
}

/// Holds the case until the transaction ends.
pub(super) async fn hold(tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    tx.run("UPDATE monitor_case SET version = version WHERE id = $1", args![id]).await?;
    Ok(())
}

pub(super) async fn events(db: &Db, case: Uuid) -> Result<Vec<Event>, DbError> {
    let sql = format!("SELECT {EVENT_COLUMNS} FROM monitor_event WHERE case_id = $1 ORDER BY seq");
    db.all(AssertSqlSafe(sql), args![case]).await
}

pub(super) async fn events_in(tx: &mut Tx, case: Uuid) -> Result<Vec<Event>, DbError> {
    let sql = format!("SELECT {EVENT_COLUMNS} FROM monitor_event WHERE case_id = $1 ORDER BY seq");
    tx.all(AssertSqlSafe(sql), args![case]).await
}

/// What is known of an event by its id.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct KnownEvent {
    pub(super) case_id: Uuid,
    pub(super) payload: String,
    pub(super) actor_name: String,
    pub(super) at: i64,
}

pub(super) async fn event_known(tx: &mut Tx, event: Uuid) -> Result<Option<KnownEvent>, DbError> {
    tx.maybe("SELECT case_id, payload, actor_name, at FROM monitor_event WHERE id = $1", args![event]).await
}

/// Who changed the case last, and when.
pub(super) async fn last_change(tx: &mut Tx, case: Uuid) -> Result<Option<(String, i64)>, DbError> {
    tx.maybe("SELECT actor_name, at FROM monitor_event WHERE case_id = $1 ORDER BY seq DESC LIMIT 1", args![case]).await
}

/// An event to be appended.
#[derive(Debug, Clone)]
pub(super) struct NewEvent<'a> {
    pub(super) id: Uuid,
    pub(super) at: i64,
    /// ISO day that it is true for.
    pub(super) day: &'a str,
    pub(super) actor_id: Option<Uuid>,
    pub(super) actor_name: &'a str,
    pub(super) action: &'a str,
    pub(super) from: &'a str,
    pub(super) entered: &'a str,
    pub(super) note: &'a str,
    pub(super) given: &'a Given,
    pub(super) payload: &'a str,
}

/// Appends an event to a case as the event leaves it; this transaction holds the case.
pub(super) async fn append(tx: &mut Tx, case: &Case, event: NewEvent<'_>) -> Result<(), DbError> {
    let (seq,): (i64,) = tx
        .one("SELECT CAST(COALESCE(MAX(seq), 0) + 1 AS BIGINT) FROM monitor_event WHERE case_id = $1", args![case.id])
        .await?;
    tx.run(
        "INSERT INTO monitor_event (id, case_id, seq, round, at, day, division_code, actor_id, actor_name, action, from_state,
                                    to_state, phase, entered, note, data, payload)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        args![
            event.id,
            case.id,
            seq,
            case.round,
            event.at,
            event.day,
            &case.division_code,
            event.actor_id,
            event.actor_name,
            event.action,
            event.from,
            &case.state,
            &case.phase,
            event.entered,
            event.note,
            serde_json::json!(event.given).to_string(),
            event.payload
        ],
    )
    .await?;
    Ok(())
}

/// Writes the changed case; false if somebody else changed it first.
pub(super) async fn update(tx: &mut Tx, case: &Case, seen: i64, now: i64) -> Result<bool, DbError> {
    let touched = tx
        .run(
            "UPDATE monitor_case SET state = $3, phase = $4, round = $5, kind = $6, main_risk = $7, risks = $8, green = $9,
                    opened_on = $10, state_since = $11, decide_by = $12, deadline = $13, marked_on = $14,
                    eliminated_on = $15, notice_from = $16, notice_to = $17, profile = $18, updated_at = $19,
                    version = version + 1
             WHERE id = $1 AND version = $2",
            args![
                case.id,
                seen,
                &case.state,
                &case.phase,
                case.round,
                &case.kind,
                &case.main_risk,
                &case.risks,
                case.green,
                &case.opened_on,
                &case.state_since,
                &case.decide_by,
                &case.deadline,
                &case.marked_on,
                &case.eliminated_on,
                &case.notice_from,
                &case.notice_to,
                &case.profile,
                now
            ],
        )
        .await?;
    Ok(touched == 1)
}

const CASE_HEAD: &str = "INSERT INTO monitor_case (id, number, subject_key, household_id, division_code, head_name, id_enc, id_index, phone_enc,
     origin, state, phase, round, kind, main_risk, risks, green, opened_on, state_since, decide_by, deadline, marked_on,
     eliminated_on, notice_from, notice_to, profile, version, updated_at)";
const CASE_TAIL: &str = "ON CONFLICT (subject_key) DO NOTHING";

/// The numbers of an applicant who is not in the register, sealed.
#[derive(Debug, Clone, Default)]
pub(super) struct Sealed {
    pub(super) id_enc: Option<Vec<u8>>,
    pub(super) id_index: Option<i64>,
    pub(super) phone_enc: Option<Vec<u8>>,
}

fn row(case: &Case, key: &str, sealed: &Sealed, now: i64) -> Vec<Value> {
    args![
        case.id,
        &case.number,
        key,
        case.household_id,
        &case.division_code,
        &case.head_name,
        sealed.id_enc.clone(),
        sealed.id_index,
        sealed.phone_enc.clone(),
        &case.origin,
        &case.state,
        &case.phase,
        case.round,
        &case.kind,
        &case.main_risk,
        &case.risks,
        case.green,
        &case.opened_on,
        &case.state_since,
        &case.decide_by,
        &case.deadline,
        &case.marked_on,
        &case.eliminated_on,
        &case.notice_from,
        &case.notice_to,
        &case.profile,
        case.version,
        now
    ]
}

/// Adds a case; false where its household has one.
pub(super) async fn insert(tx: &mut Tx, case: &Case, key: &str, sealed: &Sealed, now: i64) -> Result<bool, DbError> {
    Ok(tx.insert_many(CASE_HEAD, CASE_TAIL, vec![row(case, key, sealed, now)]).await? == 1)
}

/// Takes `n` running numbers; the last of them.
pub(super) async fn take_numbers(tx: &mut Tx, county: &str, year: i64, n: i64) -> Result<i64, DbError> {
    let row: (i64,) = tx
        .one(
            "INSERT INTO monitor_number (county_code, year, last) VALUES ($1, $2, $3)
             ON CONFLICT (county_code, year) DO UPDATE SET last = monitor_number.last + excluded.last
             RETURNING last",
            args![county, year, n],
        )
        .await?;
    Ok(row.0)
}

pub(super) async fn insert_measure(
    tx: &mut Tx,
    event: Uuid,
    case: &Case,
    measure: &NewMeasure,
    note: &str,
    now: i64,
) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO monitor_measure (id, case_id, round, measure, risk, from_day, to_day, ended_on, amount, who, note,
                                      recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, '', $8, $9, $10, $11)",
        args![
            event,
            case.id,
            case.round,
            &measure.measure,
            &measure.risk,
            &measure.from,
            &measure.to,
            measure.amount,
            measure.who.trim(),
            note,
            now
        ],
    )
    .await?;
    Ok(())
}

/// Notes the day on which a measure ended; false where it is none of the case, has ended, or began later.
pub(super) async fn end_measure(tx: &mut Tx, case: Uuid, measure: Uuid, day: &str) -> Result<bool, DbError> {
    let touched = tx
        .run(
            "UPDATE monitor_measure SET ended_on = $3
             WHERE id = $1 AND case_id = $2 AND ended_on = '' AND from_day <= $3",
            args![measure, case, day],
        )
        .await?;
    Ok(touched == 1)
}

pub(super) async fn measures(db: &Db, case: Uuid) -> Result<Vec<Measure>, DbError> {
    let sql = format!("SELECT {MEASURE_COLUMNS} FROM monitor_measure WHERE case_id = $1 ORDER BY recorded_at, id");
    db.all(AssertSqlSafe(sql), args![case]).await
}

/// What the register says of a household's monitoring.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub(super) struct Registered {
    pub(super) household_id: Uuid,
    pub(super) division_code: String,
    pub(super) head_name: String,
    pub(super) kind: String,
    pub(super) identified_month: String,
    pub(super) risks: String,
    pub(super) eliminated: bool,
    pub(super) eliminated_month: String,
    pub(super) as_of: String,
}

pub(super) async fn registered(db: &Db, household: Uuid) -> Result<Option<Registered>, DbError> {
    db.maybe(
        "SELECT m.household_id, h.division_code, h.head_name, m.kind, m.identified_month, m.risks, m.eliminated,
                m.eliminated_month, m.as_of
         FROM monitoring m JOIN household h ON h.id = m.household_id WHERE m.household_id = $1",
        args![household],
    )
    .await
}

/// Households that the register has as monitored, now or once, and that have no case.
pub(super) async fn without_case(tx: &mut Tx, limit: i64) -> Result<Vec<Registered>, DbError> {
    tx.all(
        "SELECT m.household_id, h.division_code, h.head_name, m.kind, m.identified_month, m.risks, m.eliminated,
                m.eliminated_month, m.as_of
         FROM monitoring m JOIN household h ON h.id = m.household_id
         WHERE NOT EXISTS (SELECT 1 FROM monitor_case c WHERE c.household_id = m.household_id)
         ORDER BY h.division_code, m.household_id LIMIT $1",
        args![limit],
    )
    .await
}

/// A case taken over from the register, and its events: day, state, phase, what it entered, and what was given.
pub(super) struct TakenOver {
    pub(super) case: Case,
    pub(super) events: Vec<(String, String, String, &'static str, Given)>,
}

pub(super) async fn insert_taken_over(tx: &mut Tx, all: &[TakenOver], now: i64) -> Result<(), DbError> {
    let sealed = Sealed::default();
    let rows = all
        .iter()
        .map(|one| row(&one.case, &one.case.household_id.map(|id| format!("h:{id}")).unwrap_or_default(), &sealed, now))
        .collect();
    tx.insert_many(CASE_HEAD, CASE_TAIL, rows).await?;
    let mut rows = Vec::new();
    for one in all {
        let mut from = String::new();
        for (seq, (day, to, phase, entered, given)) in (1_i64..).zip(&one.events) {
            rows.push(args![
                ids::new_id(),
                one.case.id,
                seq,
                1_i64,
                now,
                day,
                &one.case.division_code,
                None::<Uuid>,
                "",
                super::model::REGISTER,
                &from,
                to,
                phase,
                *entered,
                "",
                serde_json::json!(given).to_string(),
                ""
            ]);
            from.clone_from(to);
        }
    }
    tx.insert_many(
        "INSERT INTO monitor_event (id, case_id, seq, round, at, day, division_code, actor_id, actor_name, action, from_state,
                                    to_state, phase, entered, note, data, payload)",
        "",
        rows,
    )
    .await?;
    Ok(())
}

/// Takes cases and clues along with households that moved to another division or have another head.
pub(super) async fn follow_households(tx: &mut Tx) -> Result<(), DbError> {
    tx.run(
        "UPDATE monitor_case SET division_code = h.division_code, head_name = h.head_name, version = monitor_case.version + 1
         FROM household h
         WHERE h.id = monitor_case.household_id
           AND (h.division_code <> monitor_case.division_code OR h.head_name <> monitor_case.head_name)",
        args![],
    )
    .await?;
    tx.run(
        "UPDATE monitor_clue SET division_code = c.division_code, household_id = c.household_id
         FROM monitor_case c
         WHERE c.id = monitor_clue.case_id
           AND (c.division_code <> monitor_clue.division_code
                OR c.household_id IS DISTINCT FROM monitor_clue.household_id)",
        args![],
    )
    .await?;
    Ok(())
}

/// Cases of applicants who are in the register by now, with every household that one of that number is in.
pub(super) async fn found_applicants(tx: &mut Tx) -> Result<Vec<(Uuid, Uuid, String, String)>, DbError> {
    tx.all(
        "SELECT DISTINCT c.id, h.id, h.division_code, h.head_name
         FROM monitor_case c JOIN person p ON p.id_index = c.id_index JOIN household h ON h.id = p.household_id
         WHERE c.household_id IS NULL AND c.id_index IS NOT NULL ORDER BY c.id, h.id",
        args![],
    )
    .await
}

/// Ties a case to the household of its applicant; false where that household has a case of its own.
pub(super) async fn link(
    tx: &mut Tx,
    case: Uuid,
    (household, division, head): (Uuid, &str, &str),
) -> Result<bool, DbError> {
    let touched = tx
        .run(
            "UPDATE monitor_case SET household_id = $2, subject_key = $3, division_code = $4, head_name = $5,
                    version = version + 1
             WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM monitor_case o WHERE o.household_id = $2)",
            args![case, household, format!("h:{household}"), division, head],
        )
        .await?;
    Ok(touched == 1)
}

/// A registered household as a clue finds it.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub(super) struct Found {
    pub(super) id: Uuid,
    pub(super) division_code: String,
    pub(super) head_name: String,
}

/// Households with a person of that number.
pub(super) async fn households_by_id(tx: &mut Tx, index: i64) -> Result<Vec<Found>, DbError> {
    tx.all(
        "SELECT DISTINCT h.id, h.division_code, h.head_name FROM person p JOIN household h ON h.id = p.household_id
         WHERE p.id_index = $1 ORDER BY h.id LIMIT 3",
        args![index],
    )
    .await
}

/// Households whose head has that name and that phone.
pub(super) async fn households_by_phone(tx: &mut Tx, index: i64, head: &str) -> Result<Vec<Found>, DbError> {
    tx.all(
        "SELECT DISTINCT h.id, h.division_code, h.head_name FROM household h
         LEFT JOIN person p ON p.household_id = h.id AND p.phone_index = $1
         WHERE (h.phone_index = $1 OR p.id IS NOT NULL) AND h.head_name = $2 ORDER BY h.id LIMIT 3",
        args![index, head],
    )
    .await
}

pub(super) async fn households(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<Found>, DbError> {
    let sql = format!("SELECT id, division_code, head_name FROM household WHERE id IN ({})", places(1, ids.len()));
    tx.all(AssertSqlSafe(sql), ids.iter().map(Value::from).collect()).await
}

pub(super) async fn division_known(tx: &mut Tx, code: &str) -> Result<bool, DbError> {
    let row: (i64,) = tx.one("SELECT COUNT(*) FROM division WHERE code = $1", args![code]).await?;
    Ok(row.0 > 0)
}

/// The sealed numbers of an applicant.
pub(super) async fn sealed(db: &Db, case: Uuid) -> Result<Option<(Option<Vec<u8>>, Option<Vec<u8>>)>, DbError> {
    db.maybe("SELECT id_enc, phone_enc FROM monitor_case WHERE id = $1", args![case]).await
}
