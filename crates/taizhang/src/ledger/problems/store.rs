//! The SQL of problem lists.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::model::LEDGER;
use crate::access::{Actor, Scope};
use crate::args;
use crate::assess::places;
use crate::ledger::model::Item;
use crate::ledger::store::{ITEM_COLUMNS, visible};
use crate::platform::{Db, DbError, Tx, Value};

/// Values of one IN list.
const CHUNK: usize = 500;

/// A registered household under what it was asked for by.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Registered {
    pub(super) key: String,
    pub(super) id: Uuid,
    pub(super) division_code: String,
}

fn once(mut values: Vec<String>) -> Vec<String> {
    values.retain(|value| !value.is_empty());
    values.sort_unstable();
    values.dedup();
    values
}

fn scoped(scope: &Scope, values: &[impl Into<Value> + Clone]) -> Vec<Value> {
    let mut args = args![scope.lo(), scope.hi()];
    args.extend(values.iter().cloned().map(Into::into));
    args
}

pub(super) async fn households_by_no(db: &Db, scope: &Scope, nos: Vec<String>) -> Result<Vec<Registered>, DbError> {
    let mut out = Vec::new();
    for chunk in once(nos).chunks(CHUNK) {
        let sql = format!(
            "SELECT household_no AS key, id, division_code FROM household
             WHERE division_code >= $1 AND division_code < $2 AND household_no IN ({})",
            places(3, chunk.len())
        );
        out.extend(db.all::<Registered>(AssertSqlSafe(sql), scoped(scope, chunk)).await?);
    }
    Ok(out)
}

/// Households by the folded names of their heads.
pub(super) async fn households_by_head(db: &Db, scope: &Scope, heads: Vec<String>) -> Result<Vec<Registered>, DbError> {
    let mut out = Vec::new();
    for chunk in once(heads).chunks(CHUNK) {
        let sql = format!(
            "SELECT p.name_folded AS key, h.id, h.division_code FROM person p JOIN household h ON h.id = p.household_id
             WHERE h.division_code >= $1 AND h.division_code < $2 AND p.is_head = TRUE AND p.name_folded IN ({})",
            places(3, chunk.len())
        );
        out.extend(db.all::<Registered>(AssertSqlSafe(sql), scoped(scope, chunk)).await?);
    }
    Ok(out)
}

/// The household of a person, under the person's blind index.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct OfPerson {
    pub(super) id_index: i64,
    pub(super) id: Uuid,
    pub(super) division_code: String,
}

pub(super) async fn households_by_person(
    db: &Db,
    scope: &Scope,
    mut indexes: Vec<i64>,
) -> Result<Vec<OfPerson>, DbError> {
    indexes.sort_unstable();
    indexes.dedup();
    let mut out = Vec::new();
    for chunk in indexes.chunks(CHUNK) {
        let sql = format!(
            "SELECT p.id_index, h.id, h.division_code FROM person p JOIN household h ON h.id = p.household_id
             WHERE h.division_code >= $1 AND h.division_code < $2 AND p.id_index IN ({})",
            places(3, chunk.len())
        );
        out.extend(db.all::<OfPerson>(AssertSqlSafe(sql), scoped(scope, chunk)).await?);
    }
    Ok(out)
}

/// A line that is known already.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct KnownLine {
    pub(super) id: Uuid,
    pub(super) line_key: i64,
    pub(super) fingerprint: i64,
    pub(super) version: i64,
}

pub(super) async fn known_lines(tx: &mut Tx, title: &str) -> Result<Vec<KnownLine>, DbError> {
    tx.all("SELECT id, line_key, fingerprint, version FROM problem_line WHERE title = $1", args![title]).await
}

pub(super) const DOCUMENT_HEAD: &str =
    "INSERT INTO problem_document (id, kind, title, issuer, issued_on, division_code, file_name, sha256, rows_total,
                                   rows_held, rows_new, rows_revised, rows_same, held, created_by, created_name, created_at)";

pub(super) const LINE_HEAD: &str =
    "INSERT INTO problem_line (id, kind, title, line_key, document_id, sheet, line, serial, found_on, division_code, category,
                               description, text_enc, requirement, lead_unit, owner_unit, owner_name, due_text, answer,
                               head, fingerprint, version, recorded_at)";

/// The newest version of a line in the place of the one before. The key, and so place, households and description, is the
/// same.
pub(super) const LINE_TAIL: &str =
    "ON CONFLICT (title, line_key) DO UPDATE SET document_id = excluded.document_id, sheet = excluded.sheet,
     line = excluded.line, serial = excluded.serial, found_on = excluded.found_on, category = excluded.category,
     requirement = excluded.requirement, lead_unit = excluded.lead_unit, owner_unit = excluded.owner_unit,
     owner_name = excluded.owner_name, due_text = excluded.due_text, answer = excluded.answer, head = excluded.head,
     fingerprint = excluded.fingerprint, version = excluded.version, recorded_at = excluded.recorded_at";

pub(super) const TIE_HEAD: &str = "INSERT INTO problem_item (id, line_id, item_id, household_id, opened_item)";

pub(super) const PAIR_HEAD: &str = "INSERT INTO problem_pair (id, item_id, other_id, division_code, score, why, state)";
pub(super) const PAIR_TAIL: &str = "ON CONFLICT (item_id, other_id) DO NOTHING";

/// The items of some lines, whatever became of them.
pub(super) async fn items_of_lines(tx: &mut Tx, lines: &[Uuid]) -> Result<Vec<(Uuid, Uuid)>, DbError> {
    let mut out = Vec::new();
    for chunk in lines.chunks(CHUNK) {
        let sql = format!(
            "SELECT DISTINCT line_id, item_id FROM problem_item WHERE line_id IN ({}) ORDER BY line_id, item_id",
            places(1, chunk.len())
        );
        out.extend(tx.all::<(Uuid, Uuid)>(AssertSqlSafe(sql), chunk.iter().map(Value::from).collect()).await?);
    }
    Ok(out)
}

/// Items as they are now, held until the transaction ends.
pub(super) async fn items(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<Item>, DbError> {
    let mut out = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let sql = format!("UPDATE item SET version = version WHERE id IN ({})", places(1, chunk.len()));
        tx.run(AssertSqlSafe(sql), chunk.iter().map(Value::from).collect()).await?;
        let sql = format!("SELECT {ITEM_COLUMNS} FROM item WHERE id IN ({}) ORDER BY id", places(1, chunk.len()));
        out.extend(tx.all::<Item>(AssertSqlSafe(sql), chunk.iter().map(Value::from).collect()).await?);
    }
    Ok(out)
}

/// An item that a new one is held against.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Older {
    pub(super) id: Uuid,
    pub(super) household_id: Option<Uuid>,
    pub(super) title: String,
    pub(super) measures: String,
    pub(super) description: String,
}

/// What is on the books of one place, struck items left out.
pub(super) async fn on_the_books(tx: &mut Tx, division: &str) -> Result<Vec<Older>, DbError> {
    tx.all(
        "SELECT i.id, i.household_id, i.title, i.measures, COALESCE(l.description, '') AS description
         FROM item i LEFT JOIN problem_item p ON p.opened_item = i.id LEFT JOIN problem_line l ON l.id = p.line_id
         WHERE i.division_code = $1 AND i.state <> 'cancelled' ORDER BY i.id",
        args![division],
    )
    .await
}

/// A document as listed.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Document {
    pub id: Uuid,
    pub kind: String,
    pub title: String,
    pub issuer: String,
    pub issued_on: String,
    pub division_code: String,
    pub file_name: String,
    pub rows_total: i64,
    pub rows_held: i64,
    pub rows_new: i64,
    pub rows_revised: i64,
    pub rows_same: i64,
    pub held: String,
    pub created_name: String,
    pub created_at: i64,
}

const DOCUMENT: &str =
    "SELECT id, kind, title, issuer, issued_on, division_code, file_name, rows_total, rows_held, rows_new,
            rows_revised, rows_same, held, created_name, created_at
     FROM problem_document WHERE division_code >= $1 AND division_code < $2";

pub(super) async fn documents(db: &Db, scope: &Scope, limit: i64, offset: i64) -> Result<Vec<Document>, DbError> {
    let sql = format!("{DOCUMENT} ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4");
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), limit, offset]).await
}

pub(super) async fn document(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Document>, DbError> {
    db.maybe(AssertSqlSafe(format!("{DOCUMENT} AND id = $3")), args![scope.lo(), scope.hi(), id]).await
}

/// How far the lines of a title are: lines, lines of which everything is closed, items, items closed, struck, households.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Progress {
    pub title: String,
    pub lines: i64,
    pub cleared: i64,
    pub items: i64,
    pub closed: i64,
    pub overdue: i64,
    pub households: i64,
}

/// A line is cleared (清零) only when every item of it is closed.
pub(super) async fn progress(db: &Db, scope: &Scope, titles: &[String], today: &str) -> Result<Vec<Progress>, DbError> {
    if titles.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "WITH one AS (
             SELECT l.title, l.id, COUNT(*) AS items,
                    SUM(CASE WHEN i.state = 'closed' THEN 1 ELSE 0 END) AS closed,
                    SUM(CASE WHEN i.state IN ('closed', 'cancelled') THEN 1 ELSE 0 END) AS done,
                    SUM(CASE WHEN i.state NOT IN ('closed', 'cancelled') AND i.deadline < $3 THEN 1 ELSE 0 END) AS overdue,
                    COUNT(DISTINCT p.household_id) AS households
             FROM problem_line l JOIN problem_item p ON p.line_id = l.id JOIN item i ON i.id = p.item_id
             WHERE l.division_code >= $1 AND l.division_code < $2 AND l.title IN ({})
             GROUP BY l.title, l.id)
         SELECT title, COUNT(*) AS lines, CAST(SUM(CASE WHEN done = items THEN 1 ELSE 0 END) AS BIGINT) AS cleared,
                CAST(SUM(items) AS BIGINT) AS items, CAST(SUM(closed) AS BIGINT) AS closed,
                CAST(SUM(overdue) AS BIGINT) AS overdue, CAST(SUM(households) AS BIGINT) AS households
         FROM one GROUP BY title",
        places(4, titles.len())
    );
    let mut args = args![scope.lo(), scope.hi(), today];
    args.extend(titles.iter().map(Value::from));
    db.all(AssertSqlSafe(sql), args).await
}

/// A line with one of its items.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct LineItem {
    pub id: Uuid,
    pub kind: String,
    pub title: String,
    pub document_id: Uuid,
    pub document_division: String,
    pub line: i64,
    pub serial: String,
    pub found_on: String,
    pub division_code: String,
    pub place: String,
    pub category: String,
    pub description: String,
    pub requirement: String,
    pub lead_unit: String,
    pub owner_unit: String,
    pub owner_name: String,
    pub due_text: String,
    pub answer: String,
    pub head: String,
    pub version: i64,
    pub item_id: Uuid,
    pub number: String,
    pub state: String,
    pub deadline: String,
    pub ledger: String,
    pub closed_on: String,
    pub joined: bool,
    pub household_id: Option<Uuid>,
    pub head_name: String,
}

const LINE_ITEM: &str = "SELECT l.id, l.kind, l.title, l.document_id,
            c.division_code AS document_division, l.line, l.serial, l.found_on, l.division_code,
            COALESCE(d.full_name, l.division_code) AS place, l.category, l.description, l.requirement, l.lead_unit,
            l.owner_unit, l.owner_name, l.due_text, l.answer, l.head, l.version, p.item_id, i.number, i.state, i.deadline,
            i.ledger, i.closed_on, p.item_id <> p.opened_item AS joined, p.household_id,
            COALESCE(h.head_name, '') AS head_name
     FROM problem_line l JOIN problem_item p ON p.line_id = l.id JOIN item i ON i.id = p.item_id
          JOIN problem_document c ON c.id = l.document_id
          LEFT JOIN household h ON h.id = p.household_id LEFT JOIN division d ON d.code = l.division_code";

/// The lines of a title, each with its items; with `open` only what is not done.
pub(super) async fn lines(
    db: &Db,
    scope: &Scope,
    title: &str,
    open: bool,
    limit: i64,
    offset: i64,
) -> Result<Vec<LineItem>, DbError> {
    let only = if open { " AND i.state NOT IN ('closed', 'cancelled')" } else { "" };
    let sql = format!(
        "{LINE_ITEM} WHERE l.division_code >= $1 AND l.division_code < $2 AND l.title = $3{only}
         ORDER BY l.document_id, l.sheet, l.line, p.id LIMIT $4 OFFSET $5"
    );
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), title, limit, offset]).await
}

/// What the sources of an item say; the caller has seen to it that the reader may see the item.
pub(super) async fn lines_of_item(db: &Db, item: Uuid) -> Result<Vec<LineItem>, DbError> {
    let sql = format!("{LINE_ITEM} WHERE p.item_id = $1 ORDER BY l.recorded_at, l.id");
    db.all(AssertSqlSafe(sql), args![item]).await
}

/// A pair with what both sides say.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Pair {
    pub id: Uuid,
    pub item_id: Uuid,
    pub other_id: Uuid,
    pub division_code: String,
    pub place: String,
    pub score: f64,
    pub why: String,
    pub state: String,
    pub decided_name: String,
    pub decided_at: Option<i64>,
    pub number: String,
    pub item_state: String,
    pub item_ledger: String,
    pub text: String,
    pub source: String,
    pub deadline: String,
    pub head_name: String,
    pub other_number: String,
    pub other_state: String,
    pub other_ledger: String,
    pub other_text: String,
    pub other_source: String,
    pub other_deadline: String,
}

/// Both items must lie in the scope: of what lies elsewhere nothing is said.
const PAIR: &str =
    "SELECT s.id, s.item_id, s.other_id, s.division_code, COALESCE(d.full_name, s.division_code) AS place, s.score,
            s.why, s.state, s.decided_name, s.decided_at, i.number, i.state AS item_state, i.ledger AS item_ledger,
            COALESCE(l.description, i.title) AS text, i.source, i.deadline, COALESCE(h.head_name, '') AS head_name,
            o.number AS other_number, o.state AS other_state, o.ledger AS other_ledger,
            COALESCE(m.description, o.title) AS other_text, o.source AS other_source, o.deadline AS other_deadline
     FROM problem_pair s JOIN item i ON i.id = s.item_id JOIN item o ON o.id = s.other_id
          LEFT JOIN problem_item p ON p.opened_item = i.id LEFT JOIN problem_line l ON l.id = p.line_id
          LEFT JOIN problem_item q ON q.opened_item = o.id LEFT JOIN problem_line m ON m.id = q.line_id
          LEFT JOIN household h ON h.id = i.household_id LEFT JOIN division d ON d.code = s.division_code
     WHERE i.division_code >= $1 AND i.division_code < $2 AND o.division_code >= $1 AND o.division_code < $2";

pub(super) async fn pairs(db: &Db, scope: &Scope, state: &str, limit: i64, offset: i64) -> Result<Vec<Pair>, DbError> {
    let sql = format!("{PAIR} AND s.state = $3 ORDER BY s.score DESC, s.id LIMIT $4 OFFSET $5");
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), state, limit, offset]).await
}

pub(super) async fn pair(tx: &mut Tx, scope: &Scope, id: Uuid) -> Result<Option<Pair>, DbError> {
    tx.maybe(AssertSqlSafe(format!("{PAIR} AND s.id = $3")), args![scope.lo(), scope.hi(), id]).await
}

/// The profiles that the newer and the older item of a pair were opened by.
pub(super) async fn profiles_of_pair(db: &Db, id: Uuid) -> Result<Option<(Uuid, Uuid)>, DbError> {
    db.maybe(
        "SELECT i.profile_id, o.profile_id FROM problem_pair s JOIN item i ON i.id = s.item_id JOIN item o ON o.id = s.other_id
         WHERE s.id = $1",
        args![id],
    )
    .await
}

/// Pairs to decide in which an item is the newer or the older.
pub(super) async fn pairs_of_item(db: &Db, scope: &Scope, item: Uuid) -> Result<Vec<Pair>, DbError> {
    let sql =
        format!("{PAIR} AND s.state <> 'apart' AND (s.item_id = $3 OR s.other_id = $3) ORDER BY s.score DESC, s.id");
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), item]).await
}

pub(super) async fn pair_count(db: &Db, scope: &Scope, state: &str) -> Result<i64, DbError> {
    let row: (i64,) = db
        .one(
            "SELECT COUNT(*) FROM problem_pair s JOIN item i ON i.id = s.item_id JOIN item o ON o.id = s.other_id
             WHERE s.state = $3 AND i.division_code >= $1 AND i.division_code < $2
               AND o.division_code >= $1 AND o.division_code < $2",
            args![scope.lo(), scope.hi(), state],
        )
        .await?;
    Ok(row.0)
}

/// Writes a decision; false if somebody else decided first.
pub(super) async fn decide(tx: &mut Tx, pair: &Pair, state: &str, actor: &Actor, now: i64) -> Result<bool, DbError> {
    let touched = tx
        .run(
            "UPDATE problem_pair SET state = $3, decided_by = $4, decided_name = $5, decided_at = $6
             WHERE id = $1 AND state = $2",
            args![pair.id, &pair.state, state, actor.user_id, &actor.name, now],
        )
        .await?;
    Ok(touched == 1)
}

/// The lines that an item opened answer to another item from now on.
pub(super) async fn retie(tx: &mut Tx, opened: Uuid, item: Uuid) -> Result<(), DbError> {
    tx.run("UPDATE problem_item SET item_id = $2 WHERE opened_item = $1", args![opened, item]).await?;
    Ok(())
}

/// Whoever was joined to an item goes along with it when it is joined to another.
pub(super) async fn retie_joined(tx: &mut Tx, item: Uuid, to: Uuid) -> Result<(), DbError> {
    tx.run("UPDATE problem_item SET item_id = $2 WHERE item_id = $1", args![item, to]).await?;
    Ok(())
}

/// Items of no finding whose household an import moved: the item and where the household is now.
pub(super) async fn moved(tx: &mut Tx, import: Uuid) -> Result<Vec<(Uuid, String)>, DbError> {
    tx.all(
        "SELECT i.id, h.division_code FROM item i JOIN household h ON h.id = i.household_id
         WHERE i.source_key IS NULL AND h.import_id = $1 AND i.division_code <> h.division_code ORDER BY i.id",
        args![import],
    )
    .await
}

/// The item if the actor may see it.
pub(super) async fn seen(tx: &mut Tx, actor: &Actor, id: Uuid) -> Result<Option<Item>, DbError> {
    Ok(items(tx, &[id]).await?.pop().filter(|item| visible(actor, item)))
}

/// How many items of the ledger a scope has, open ones.
pub(super) async fn open_items(db: &Db, scope: &Scope) -> Result<i64, DbError> {
    let row: (i64,) = db
        .one(
            "SELECT COUNT(*) FROM item WHERE ledger = $3 AND state NOT IN ('closed', 'cancelled')
               AND division_code >= $1 AND division_code < $2",
            args![scope.lo(), scope.hi(), LEDGER],
        )
        .await?;
    Ok(row.0)
}
