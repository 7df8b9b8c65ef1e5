//! All SQL of requests for temporary relief.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::model::{Event, Moves, Payment, Request};
use super::requests::Filter;
use crate::access::Scope;
use crate::args;
use crate::assess::places;
use crate::platform::{Db, DbError, Tx, Value};

/// A request; `{figure}` of a list takes the place of its last column.
const COLUMNS: &str = "r.id, r.number, r.household_id, r.division_code, COALESCE(h.head_name, '') AS head_name,
            COALESCE(h.household_no, '') AS household_no, COALESCE(d.name, '') AS place, COALESCE(t.name, '') AS township,
            r.kind, r.channel, r.green, r.reason, r.again, r.asked_on, r.asked_fen, r.asked_by, r.asked_name, r.asked_unit,
            r.level, r.state, r.approved_fen, r.decided_on, r.decided_by, r.decided_name, r.decided_why, r.paid_fen,
            r.advanced_fen, r.decide_by, r.pay_by, r.profile, r.fingerprint, r.version";
/// What a request is joined with.
const JOINED: &str = "LEFT JOIN household h ON h.id = r.household_id
     LEFT JOIN division d ON d.code = r.division_code
     LEFT JOIN division t ON t.code = SUBSTR(r.division_code, 1, 9)";
/// What a list asks: $3 state, $4 kind, $5 only the green channel, $6 only overdue on day $7, $8 household.
const ASKED: &str = "r.division_code >= $1 AND r.division_code < $2 AND ($3 = '' OR r.state = $3)
       AND ($4 = '' OR r.kind = $4) AND (NOT $5 OR r.green)
       AND (NOT $6 OR (r.state = 'asked' AND r.decide_by <> '' AND r.decide_by < $7)
                   OR (r.state = 'approved' AND r.pay_by <> '' AND r.pay_by < $7))
       AND ($8 = '' OR r.number = $8 OR h.head_name = $8 OR h.household_no = $8)";

fn asked(scope: &Scope, filter: &Filter, today: &str) -> Vec<Value> {
    args![scope.lo(), scope.hi(), &filter.state, &filter.kind, filter.green, filter.late, today, filter.text.trim()]
}

/// A household as a form shows it.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Home {
    pub id: Uuid,
    pub household_no: String,
    pub head_name: String,
    pub division_code: String,
    pub place: String,
}

pub(super) async fn home(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Home>, DbError> {
    db.maybe(
        "SELECT h.id, h.household_no, h.head_name, h.division_code, COALESCE(d.full_name, '') AS place
         FROM household h LEFT JOIN division d ON d.code = h.division_code
         WHERE h.id = $3 AND h.division_code >= $1 AND h.division_code < $2",
        args![scope.lo(), scope.hi(), id],
    )
    .await
}

/// The next number of a county's year.
pub(super) async fn take_number(tx: &mut Tx, county: &str, year: i64) -> Result<i64, DbError> {
    let row: (i64,) = tx
        .one(
            "INSERT INTO relief_number (county, year, last) VALUES ($1, $2, 1)
             ON CONFLICT (county, year) DO UPDATE SET last = relief_number.last + 1 RETURNING last",
            args![county, year],
        )
        .await?;
    Ok(row.0)
}

pub(super) async fn request(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Request>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS}, r.asked_fen AS figure_fen FROM relief r {JOINED}
         WHERE r.id = $3 AND r.division_code >= $1 AND r.division_code < $2"
    );
    db.maybe(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), id]).await
}

/// A request that nobody else can change until the transaction ends.
pub(super) async fn hold(tx: &mut Tx, scope: &Scope, id: Uuid) -> Result<Option<Request>, DbError> {
    tx.run("UPDATE relief SET version = version WHERE id = $1", args![id]).await?;
    let sql = format!(
        "SELECT {COLUMNS}, r.asked_fen AS figure_fen FROM relief r {JOINED}
         WHERE r.id = $3 AND r.division_code >= $1 AND r.division_code < $2"
    );
    tx.maybe(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), id]).await
}

pub(super) async fn request_known(tx: &mut Tx, id: Uuid) -> Result<Option<(String, i64, Uuid)>, DbError> {
    tx.maybe("SELECT number, fingerprint, household_id FROM relief WHERE id = $1", args![id]).await
}

/// Requests of a household since a day that were not taken back, the newest first.
pub(super) async fn recent_in(tx: &mut Tx, household: Uuid, since: &str) -> Result<Vec<(String, String)>, DbError> {
    tx.all(
        "SELECT number, asked_on FROM relief WHERE household_id = $1 AND asked_on >= $2 AND state <> 'withdrawn'
         ORDER BY asked_on DESC, number DESC",
        args![household, since],
    )
    .await
}

/// All requests of a household, the newest first.
pub(super) async fn of_household(db: &Db, scope: &Scope, household: Uuid) -> Result<Vec<Request>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS}, r.asked_fen AS figure_fen FROM relief r {JOINED}
         WHERE r.household_id = $3 AND r.division_code >= $1 AND r.division_code < $2
         ORDER BY r.asked_on DESC, r.number DESC"
    );
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), household]).await
}

pub(super) async fn insert(tx: &mut Tx, request: &Request, now: i64) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO relief (id, number, household_id, division_code, kind, channel, green, reason, again, asked_on,
             asked_fen, asked_by, asked_name, asked_unit, level, state, approved_fen, decided_on, decided_by, decided_name,
             decided_why, paid_fen, advanced_fen, decide_by, pay_by, profile, fingerprint, version, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0, '', NULL, '', '', 0, 0, $17, '',
             $18, $19, 1, $20, $20)",
        args![
            request.id,
            &request.number,
            request.household_id,
            &request.division_code,
            &request.kind,
            &request.channel,
            request.green,
            &request.reason,
            &request.again,
            &request.asked_on,
            request.asked_fen,
            request.asked_by,
            &request.asked_name,
            &request.asked_unit,
            &request.level,
            &request.state,
            &request.decide_by,
            &request.profile,
            request.fingerprint,
            now
        ],
    )
    .await?;
    Ok(())
}

/// Writes what a step made of a request, which is held.
pub(super) async fn update(tx: &mut Tx, request: &Request, now: i64) -> Result<(), DbError> {
    tx.run(
        "UPDATE relief SET level = $2, state = $3, approved_fen = $4, decided_on = $5, decided_by = $6, decided_name = $7,
             decided_why = $8, paid_fen = $9, advanced_fen = $10, pay_by = $11, version = version + 1, updated_at = $12
         WHERE id = $1",
        args![
            request.id,
            &request.level,
            &request.state,
            request.approved_fen,
            &request.decided_on,
            request.decided_by,
            &request.decided_name,
            &request.decided_why,
            request.paid_fen,
            request.advanced_fen,
            &request.pay_by,
            now
        ],
    )
    .await?;
    Ok(())
}

/// An event to be written.
pub(super) struct NewEvent<'a> {
    pub(super) id: Uuid,
    pub(super) at: i64,
    pub(super) day: &'a str,
    pub(super) action: &'a str,
    pub(super) actor: (Option<Uuid>, &'a str),
    pub(super) note: &'a str,
    pub(super) data: String,
    pub(super) payload: i64,
    pub(super) moves: Moves,
}

pub(super) async fn append(tx: &mut Tx, request: &Request, event: NewEvent<'_>) -> Result<(), DbError> {
    let moves = event.moves;
    tx.run(
        "INSERT INTO relief_event (id, request_id, seq, at, day, division_code, action, actor_id, actor_name, note, data,
             payload, asked_fen, approved_fen, refused_fen, withdrawn_fen, paid_fen, advanced_fen)
         VALUES ($1, $2, (SELECT COALESCE(MAX(seq), 0) + 1 FROM relief_event WHERE request_id = $2), $3, $4, $5, $6, $7, $8,
             $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        args![
            event.id,
            request.id,
            event.at,
            event.day,
            &request.division_code,
            event.action,
            event.actor.0,
            event.actor.1,
            event.note,
            event.data,
            event.payload,
            moves.asked,
            moves.approved,
            moves.refused,
            moves.withdrawn,
            moves.paid,
            moves.advanced
        ],
    )
    .await?;
    Ok(())
}

/// The request and payload of an event.
pub(super) async fn event_known(tx: &mut Tx, id: Uuid) -> Result<Option<(Uuid, i64)>, DbError> {
    tx.maybe("SELECT request_id, payload FROM relief_event WHERE id = $1", args![id]).await
}

pub(super) async fn last_actor(tx: &mut Tx, request: Uuid) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx
        .maybe("SELECT actor_name FROM relief_event WHERE request_id = $1 ORDER BY seq DESC LIMIT 1", args![request])
        .await?;
    Ok(row.map(|(name,)| name))
}

pub(super) async fn events(db: &Db, request: Uuid) -> Result<Vec<Event>, DbError> {
    db.all(
        "SELECT id, seq, at, day, action, actor_name, note, data FROM relief_event WHERE request_id = $1 ORDER BY seq",
        args![request],
    )
    .await
}

pub(super) async fn payments(db: &Db, request: Uuid) -> Result<Vec<Payment>, DbError> {
    db.all(
        "SELECT id, request_id, paid_on, amount_fen, voucher, payee, note, ahead, state, recorded_by, recorded_name,
                confirmed_by, confirmed_name, confirmed_on, void_name, void_why
         FROM relief_payment WHERE request_id = $1 ORDER BY paid_on, recorded_at, id",
        args![request],
    )
    .await
}

pub(super) async fn payments_in(tx: &mut Tx, request: Uuid) -> Result<Vec<Payment>, DbError> {
    tx.all(
        "SELECT id, request_id, paid_on, amount_fen, voucher, payee, note, ahead, state, recorded_by, recorded_name,
                confirmed_by, confirmed_name, confirmed_on, void_name, void_why
         FROM relief_payment WHERE request_id = $1 ORDER BY paid_on, recorded_at, id",
        args![request],
    )
    .await
}

/// The request whose payment has a voucher number in a county.
pub(super) async fn voucher_of(tx: &mut Tx, county: &str, voucher: &str) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx
        .maybe(
            "SELECT r.number FROM relief_payment p JOIN relief r ON r.id = p.request_id
             WHERE p.county = $1 AND p.voucher = $2 AND p.state <> 'void'",
            args![county, voucher],
        )
        .await?;
    Ok(row.map(|(number,)| number))
}

pub(super) async fn insert_payment(tx: &mut Tx, payment: &Payment, county: &str, now: i64) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO relief_payment (id, request_id, county, paid_on, amount_fen, voucher, payee, note, ahead, state,
             recorded_by, recorded_name, recorded_at, confirmed_by, confirmed_name, confirmed_on, void_name, void_why)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'recorded', $10, $11, $12, NULL, '', '', '', '')",
        args![
            payment.id,
            payment.request_id,
            county,
            &payment.paid_on,
            payment.amount_fen,
            &payment.voucher,
            &payment.payee,
            &payment.note,
            payment.ahead,
            payment.recorded_by,
            &payment.recorded_name,
            now
        ],
    )
    .await?;
    Ok(())
}

/// Writes what became of a payment.
pub(super) async fn update_payment(tx: &mut Tx, payment: &Payment) -> Result<(), DbError> {
    tx.run(
        "UPDATE relief_payment SET state = $2, confirmed_by = $3, confirmed_name = $4, confirmed_on = $5, void_name = $6,
             void_why = $7 WHERE id = $1",
        args![
            payment.id,
            &payment.state,
            payment.confirmed_by,
            &payment.confirmed_name,
            &payment.confirmed_on,
            &payment.void_name,
            &payment.void_why
        ],
    )
    .await?;
    Ok(())
}

/// One page of requests, what is due first on top.
pub(super) async fn list(
    db: &Db,
    scope: &Scope,
    filter: &Filter,
    today: &str,
    (offset, limit): (i64, i64),
) -> Result<Vec<Request>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS}, r.asked_fen AS figure_fen FROM relief r {JOINED} WHERE {ASKED}
         ORDER BY CASE r.state WHEN 'asked' THEN 0 WHEN 'approved' THEN 1 ELSE 2 END,
                  CASE r.state WHEN 'asked' THEN r.decide_by WHEN 'approved' THEN r.pay_by ELSE '' END,
                  r.asked_on DESC, r.number DESC LIMIT $9 OFFSET $10"
    );
    let mut args = asked(scope, filter, today);
    args.extend(args![limit, offset]);
    db.all(AssertSqlSafe(sql), args).await
}

/// How many requests that are, and how many fen were asked for in them.
pub(super) async fn count(db: &Db, scope: &Scope, filter: &Filter, today: &str) -> Result<(i64, i64), DbError> {
    let sql =
        format!("SELECT COUNT(*), CAST(COALESCE(SUM(r.asked_fen), 0) AS BIGINT) FROM relief r {JOINED} WHERE {ASKED}");
    db.one(AssertSqlSafe(sql), asked(scope, filter, today)).await
}

/// The requests of some households.
pub(super) async fn own_list(
    db: &Db,
    scope: &Scope,
    filter: &Filter,
    today: &str,
    own: &[Uuid],
) -> Result<Vec<Request>, DbError> {
    let mut out: Vec<Request> = Vec::new();
    for chunk in own.chunks(500) {
        let sql = format!(
            "SELECT {COLUMNS}, r.asked_fen AS figure_fen FROM relief r {JOINED}
             WHERE {ASKED} AND r.household_id IN ({})",
            places(9, chunk.len())
        );
        let mut args = asked(scope, filter, today);
        args.extend(chunk.iter().map(Value::from));
        out.extend(db.all::<Request>(AssertSqlSafe(sql), args).await?);
    }
    out.sort_by(|a, b| (&b.asked_on, &b.number).cmp(&(&a.asked_on, &a.number)));
    Ok(out)
}

/// Takes everything of this room along with households that an import moved to another division.
pub(super) async fn follow(tx: &mut Tx, import: Uuid) -> Result<(), DbError> {
    for sql in [
        "UPDATE relief SET division_code = h.division_code FROM household h
         WHERE h.id = relief.household_id AND h.import_id = $1 AND relief.division_code <> h.division_code",
        "UPDATE relief_event SET division_code = r.division_code FROM relief r JOIN household h ON h.id = r.household_id
         WHERE r.id = relief_event.request_id AND h.import_id = $1 AND relief_event.division_code <> r.division_code",
        "UPDATE contribution SET division_code = h.division_code FROM household h
         WHERE h.id = contribution.household_id AND h.import_id = $1 AND contribution.division_code <> h.division_code",
    ] {
        tx.run(sql, args![import]).await?;
    }
    Ok(())
}
