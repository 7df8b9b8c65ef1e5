//! The SQL of the list: its filters, orders and counts, and who may be chosen on it.
//!
//! A narrow scope is read along the index of divisions and put in order. Of a wide one the open items are read along their
//! own index, which has every column of filters and orders: in order of deadline it stops at the end of a page, in
//! another it reads some hundred thousand short rows at the worst. SQLite cannot be left to guess which: a cast that
//! changes nothing keeps a condition or an order from choosing an index. An order by a column whose values have an order
//! of their own goes through them one after another ([`Stretch`]).

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::model::{Assignable, Counts, Filter, Item, Line, SOON_DAYS, Sort, State, Then, Which};
use super::store::{ITEM_COLUMNS, own_only, visible};
use crate::access::{Actor, Capability, Role, Scope};
use crate::args;
use crate::assess::places;
use crate::platform::{Db, DbError, Value};

/// Names and places of a page of items, once it is known which they are.
const LINE_FROM: &str =
    "FROM item i LEFT JOIN household h ON h.id = i.household_id LEFT JOIN division d ON d.code = i.division_code
     LEFT JOIN app_user u ON u.id = i.assignee_id";

/// Codes shorter than a prefecture's hold so many items that sorting them takes longer than reading them in order.
fn is_wide(scope: &Scope) -> bool {
    scope.root().len() < 4
}

/// A text with a column of the item kept from choosing an index.
fn hidden(text: &str, column: &str) -> String {
    text.replace(&format!("i.{column}"), &format!("CAST(i.{column} AS TEXT)"))
}

/// Everything that begins with a text lies before this.
fn end_of(prefix: &str) -> String {
    format!("{prefix}\u{10FFFF}")
}

/// A text as part of a LIKE pattern.
fn literal(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// What a list of conditions is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    /// Read in order and stop after a page: the order chooses the index.
    Read,
    /// Count all: the conditions choose it.
    Count,
}

/// A part of an order by a column of few values: the items that have one of them. Each part is in order of deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stretch {
    /// The order has no parts.
    Whole,
    /// Of this value.
    Of(String),
    /// Of none of these.
    Rest(Vec<String>),
}

/// The column of few values that an order goes by; empty for the others.
pub(super) fn parted(sort: Sort) -> &'static str {
    match sort {
        Sort::State => "state",
        Sort::Level => "level",
        Sort::Ledger => "ledger",
        Sort::Source => "source",
        _ => "",
    }
}

/// Whether everything that a filter lets through is open.
pub(super) fn is_open_only(filter: &Filter) -> bool {
    filter.late
        || match filter.which {
            Which::Open | Which::Overdue | Which::DueSoon | Which::ToCheck => true,
            Which::One(state) => state.is_open(),
            Which::All => false,
        }
}

/// How a question is read.
struct Way {
    /// The only column of a condition that may choose an index; empty where none may.
    lead: &'static str,
    /// Open items are known by the words of their index.
    open_index: bool,
    /// A range of deadlines may be a stretch of the index.
    by_date: bool,
    /// The order is that of an index.
    in_order: bool,
}

impl Way {
    fn of(question: &Question<'_>, to: To) -> Self {
        let Question { actor, scope, filter, .. } = question;
        // What names few items is looked up by itself.
        let few = filter.household.is_some()
            || filter.mine
            || filter.then.is_some()
            || own_only(actor).is_some()
            || !filter.text.trim().is_empty()
            || !filter.owner.is_empty();
        let dated = filter.sort == Sort::Deadline || !parted(filter.sort).is_empty();
        let none = Self { lead: "", open_index: false, by_date: false, in_order: false };
        if few || to == To::Count {
            return Self { open_index: to == To::Count, by_date: to == To::Count, ..none };
        }
        if !filter.unit.is_empty() {
            return Self { lead: "owner_unit", in_order: dated, ..none };
        }
        if !is_wide(scope) {
            return Self { lead: "division_code", ..none };
        }
        if is_open_only(filter) {
            // Only where most of what is read is shown: the index of another order has not every column.
            let plain = filter.which == Which::Open
                && !filter.late
                && [&filter.rule, &filter.level, &filter.source, &filter.ledger].iter().all(|asked| asked.is_empty())
                && filter.due_from.is_none()
                && filter.due_to.is_none();
            let along = matches!(
                filter.sort,
                Sort::Number | Sort::Updated | Sort::Title | Sort::Unit | Sort::Owner | Sort::Division
            );
            // No index has the measures: where they are asked for, the fewer items are read the better.
            let in_order = dated || (along && (plain || !filter.measure.is_empty()));
            return Self { open_index: true, by_date: dated, in_order, ..none };
        }
        let lead = if !filter.rule.is_empty() {
            "rule_id"
        } else if matches!(filter.which, Which::One(_)) && dated {
            "state"
        } else {
            ""
        };
        Self { lead, by_date: dated && lead.is_empty(), in_order: true, ..none }
    }

    /// A condition of one column, as this way has it.
    fn say(&self, text: &str, column: &str) -> String {
        let free =
            self.lead == column || (self.by_date && column == "deadline") || (self.open_index && column == "state");
        if free { text.to_owned() } else { hidden(text, column) }
    }
}

/// Who asks for what, of which part of their scope, on which day.
#[derive(Debug, Clone)]
pub(super) struct Question<'q> {
    pub(super) actor: &'q Actor,
    pub(super) scope: Scope,
    pub(super) filter: &'q Filter,
    pub(super) today: NaiveDate,
}

impl<'q> Question<'q> {
    /// None where the scope of whoever asks and the division asked for do not meet.
    pub(super) fn of(actor: &'q Actor, filter: &'q Filter, today: NaiveDate) -> Option<Self> {
        Some(Self { actor, scope: narrowed(actor, filter)?, filter, today })
    }
}

/// Conditions of a filter and their values.
fn conditions(question: &Question<'_>, to: To, stretch: &Stretch) -> (String, Vec<Value>) {
    let Question { actor, scope, filter, today } = question;
    let (actor, filter, today) = (*actor, *filter, *today);
    let text = filter.text.trim();
    let way = Way::of(question, to);
    let say = |text: &str, column: &str| if to == To::Count { text.to_owned() } else { way.say(text, column) };
    let mut sql = say("WHERE i.division_code >= $1 AND i.division_code < $2", "division_code");
    // The place of a day that has passed is asked of the events; where the item is now, only whether the actor may see it.
    let seen = if filter.then.is_some() { &actor.scope } else { scope };
    let mut args = args![seen.lo(), seen.hi()];
    sql.push_str(&match filter.which {
        Which::Open | Which::Overdue if to == To::Count => {
            " AND i.state IN ('to_verify', 'assigned', 'in_progress', 'submitted', 'checking', 'returned')".to_owned()
        }
        // The index of open items is known by these very words.
        _ if is_open_only(filter) => say(" AND i.state NOT IN ('closed', 'cancelled')", "state"),
        _ => String::new(),
    });
    if filter.which == Which::ToCheck {
        sql.push_str(&hidden(" AND i.state IN ('submitted', 'checking')", "state"));
    }
    // A state may lead only where it is no part of the words of the open items' index.
    let one = |text: &str, column: &str| {
        if way.open_index && to == To::Read { hidden(text, column) } else { say(text, column) }
    };
    // `?` stands for the values of the condition, one after another.
    let mut and = |text: &str, values: Vec<Value>| {
        sql.push_str(" AND ");
        let mut values = values.into_iter();
        for (i, part) in text.split('?').enumerate() {
            if i > 0
                && let Some(value) = values.next()
            {
                args.push(value);
                sql.push_str(&format!("${}", args.len()));
            }
            sql.push_str(part);
        }
    };
    if filter.which == Which::Overdue || filter.late {
        and(&say("i.deadline < ?", "deadline"), args![today]);
    }
    match filter.which {
        Which::DueSoon => {
            let last = today.checked_add_days(Days::new(SOON_DAYS)).unwrap_or(today);
            and(&say("i.deadline >= ? AND i.deadline <= ?", "deadline"), args![today, last]);
        }
        Which::Open | Which::Overdue | Which::ToCheck | Which::All => {}
        Which::One(state) => and(&one("i.state = ?", "state"), args![state.name()]),
    }
    if let Some(from) = filter.due_from {
        and(&say("i.deadline >= ?", "deadline"), args![from]);
    }
    if let Some(to) = filter.due_to {
        and(&say("i.deadline <= ?", "deadline"), args![to]);
    }
    if let Some(own) = own_only(actor) {
        and("i.assignee_id = ?", args![own]);
    }
    if filter.mine {
        and("i.assignee_id = ?", args![actor.user_id.unwrap_or_else(Uuid::nil)]);
    }
    if !filter.unit.is_empty() {
        and(&say("i.owner_unit = ?", "owner_unit"), args![&filter.unit]);
    }
    if !filter.rule.is_empty() {
        and(&say("i.rule_id = ?", "rule_id"), args![&filter.rule]);
    }
    if !filter.ledger.is_empty() {
        and(&say("i.ledger = ?", "ledger"), args![&filter.ledger]);
    }
    if !filter.source.is_empty() {
        and(&say("i.source = ?", "source"), args![&filter.source]);
    }
    if !filter.level.is_empty() {
        and(&say("i.level = ?", "level"), args![&filter.level]);
    }
    if !filter.measure.is_empty() {
        // The measures of an item are a short JSON list, and the ids of the profile have no characters of a pattern.
        and("i.measures LIKE ? ESCAPE '\\'", args![format!("%\"id\":\"{}\"%", literal(&filter.measure))]);
    }
    match stretch {
        Stretch::Whole => {}
        Stretch::Of(value) => {
            let column = parted(filter.sort);
            and(&hidden(&format!("i.{column} = ?"), column), args![value]);
        }
        Stretch::Rest(known) => {
            let marks = vec!["?"; known.len().max(1)].join(", ");
            let known = if known.is_empty() { args![""] } else { known.iter().map(Value::from).collect() };
            and(&format!("i.{} NOT IN ({marks})", parted(filter.sort)), known);
        }
    }
    match &filter.then {
        Some(Then::OpenOn(day)) => and(
            "i.id IN (SELECT e.item_id FROM item_event e
                      WHERE e.division_code >= ? AND e.division_code < ? AND e.day <= ?
                        AND e.action IN ('open', 'pass', 'cancel', 'reopen', 'move_in', 'move_out')
                      GROUP BY e.item_id
                      HAVING SUM(CASE WHEN e.action IN ('open', 'reopen', 'move_in') THEN 1 ELSE -1 END) > 0)",
            args![scope.lo(), scope.hi(), *day],
        ),
        Some(Then::Moved { how, from, to }) => and(
            "i.id IN (SELECT e.item_id FROM item_event e
                      WHERE e.division_code >= ? AND e.division_code < ? AND e.day >= ? AND e.day <= ? AND e.action = ?)",
            args![scope.lo(), scope.hi(), first(*from), *to, how.action()],
        ),
        None => {}
    }
    if !filter.owner.is_empty() {
        let owner = &filter.owner;
        and(
            "i.id IN (SELECT x.id FROM item x WHERE x.owner_name = ? UNION SELECT x.id FROM item x WHERE x.owner_unit = ?
                      UNION SELECT x.id FROM app_user v JOIN item x ON x.assignee_id = v.id WHERE v.name = ?)",
            args![owner, owner, owner],
        );
    }
    if let Some(household) = filter.household {
        and("i.household_id = ?", args![household]);
    }
    if !text.is_empty() {
        let (lo, hi) = (text.to_owned(), end_of(text));
        let folded = Some(codes::name::fold(text)).filter(|name| !name.is_empty()).unwrap_or_else(|| text.to_owned());
        let folded_hi = end_of(&folded);
        let mut sql = String::from(
            "i.id IN (SELECT x.id FROM item x WHERE x.owner_name >= ? AND x.owner_name < ?
                      UNION SELECT x.id FROM person p JOIN item x ON x.household_id = p.household_id
                            WHERE p.name_folded >= ? AND p.name_folded < ? AND p.is_head = TRUE
                      UNION SELECT x.id FROM household k JOIN item x ON x.household_id = k.id
                            WHERE k.household_no >= ? AND k.household_no < ?
                      UNION SELECT x.id FROM app_user v JOIN item x ON x.assignee_id = v.id
                            WHERE v.name >= ? AND v.name < ?",
        );
        let mut values = args![&lo, &hi, &folded, &folded_hi, &lo, &hi, &lo, &hi];
        // A number is known by any part of it, which no index answers: asked only for what could be one.
        if text.contains(|c: char| c.is_ascii_digit()) {
            sql.push_str(
                " UNION SELECT x.id FROM item x
                  WHERE x.division_code >= ? AND x.division_code < ? AND x.number LIKE ? ESCAPE '\\'",
            );
            values.extend(args![scope.lo(), scope.hi(), format!("%{}%", literal(text))]);
        }
        sql.push(')');
        and(&sql, values);
    }
    (sql, args)
}

/// The columns of an order, the last of them unique. Of an order by a column of few values, those within its parts.
fn keys(sort: Sort) -> &'static [&'static str] {
    match sort {
        Sort::Deadline | Sort::State | Sort::Level | Sort::Ledger | Sort::Source => &["i.deadline", "i.number"],
        Sort::Title => &["i.rule_id", "i.deadline", "i.number"],
        Sort::Number => &["i.number"],
        Sort::Updated => &["i.updated_at", "i.number"],
        Sort::Division => &["i.division_code", "i.deadline", "i.number"],
        Sort::Household => &["COALESCE(h.head_name, '')", "i.number"],
        Sort::Unit => &["i.owner_unit", "i.deadline", "i.number"],
        Sort::Owner => &["i.owner_name", "i.deadline", "i.number"],
        Sort::Assignee => &["COALESCE(u.name, '')", "i.number"],
        Sort::Round => &["i.round", "i.deadline", "i.number"],
        Sort::Opened => &["i.opened_on", "i.number"],
    }
}

/// Whether an order goes from the greatest value down: what changed last comes first unless it is asked for otherwise.
fn is_falling(filter: &Filter, back: bool) -> bool {
    (filter.sort == Sort::Updated) != (filter.descending != back)
}

/// A column of an order, as it is read: kept from choosing an index unless the order is that of one.
fn key(column: &str, in_order: bool) -> String {
    match column {
        _ if in_order => column.to_owned(),
        "i.updated_at" | "i.round" => format!("{column} + 0"),
        text if text.starts_with("COALESCE") => text.to_owned(),
        text => format!("CAST({text} AS TEXT)"),
    }
}

fn order(filter: &Filter, back: bool, in_order: bool) -> String {
    let way = if is_falling(filter, back) { " DESC" } else { "" };
    let keys: Vec<String> = keys(filter.sort).iter().map(|column| format!("{}{way}", key(column, in_order))).collect();
    format!("ORDER BY {}", keys.join(", "))
}

/// What the columns of an order need besides the item.
fn joins(sort: Sort) -> &'static str {
    match sort {
        Sort::Household => " LEFT JOIN household h ON h.id = i.household_id",
        Sort::Assignee => " LEFT JOIN app_user u ON u.id = i.assignee_id",
        _ => "",
    }
}

/// Where a line stands in an order, as the address of a page says it: the part, and the values of the columns.
pub(super) fn place_of(filter: &Filter, line: &Line) -> Vec<String> {
    let part = match parted(filter.sort) {
        "state" => &line.state,
        "level" => &line.level,
        "ledger" => &line.ledger,
        "source" => &line.source,
        _ => "",
    };
    let values = keys(filter.sort).iter().map(|key| match *key {
        "i.deadline" => line.deadline.clone(),
        "i.updated_at" => line.updated_at.to_string(),
        "i.division_code" => line.division_code.clone(),
        "i.rule_id" => line.rule_id.clone(),
        "i.owner_unit" => line.owner_unit.clone(),
        "i.owner_name" => line.owner_name.clone(),
        "i.round" => line.round.to_string(),
        "i.opened_on" => line.opened_on.clone(),
        "COALESCE(h.head_name, '')" => line.head_name.clone(),
        "COALESCE(u.name, '')" => line.assignee_name.clone(),
        _ => line.number.clone(),
    });
    std::iter::once(part.to_owned()).chain(values).collect()
}

/// The condition that a line lies beyond a place of the order; none where the place does not belong to this order.
fn beyond(question: &Question<'_>, back: bool, place: &[String], args: &mut Vec<Value>) -> Option<String> {
    let filter = question.filter;
    let keys = keys(filter.sort);
    let values = place.get(1..).filter(|values| values.len() == keys.len())?;
    let before = args.len();
    for (key, value) in keys.iter().zip(values) {
        args.push(match *key {
            "i.updated_at" | "i.round" => Value::from(value.parse::<i64>().ok()?),
            _ => Value::from(value),
        });
    }
    let sign = if is_falling(filter, back) { "<" } else { ">" };
    let in_order = Way::of(question, To::Read).in_order;
    let keys: Vec<String> = keys.iter().map(|column| key(column, in_order)).collect();
    Some(format!(" AND ({}) {sign} ({})", keys.join(", "), places(before + 1, keys.len())))
}

const LINE_COLUMNS: &str =
    "i.id, i.number, i.ledger, i.source, i.rule_id, i.title, i.level, i.state, i.round, i.opened_on, i.deadline,
     i.owner_unit, i.owner_name,
     COALESCE(u.name, '') AS assignee_name, i.household_id, COALESCE(h.head_name, '') AS head_name, i.division_code,
     COALESCE(d.name, i.division_code) AS division_name, i.updated_at, i.version";

/// The part of the actor's scope that a filter speaks of; none where they do not meet.
pub(super) fn narrowed(actor: &Actor, filter: &Filter) -> Option<Scope> {
    if filter.division.is_empty() { Some(actor.scope.clone()) } else { actor.scope.narrow(&filter.division) }
}

pub(super) async fn list(
    db: &Db,
    actor: &Actor,
    filter: &Filter,
    today: NaiveDate,
) -> Result<(Vec<Line>, i64), DbError> {
    let Some(question) = Question::of(actor, filter, today) else {
        return Ok((Vec::new(), 0));
    };
    let (wheres, args) = conditions(&question, To::Read, &Stretch::Whole);
    let (limit, page) = (filter.per_page.clamp(1, 500), filter.page.max(1));
    let order = order(filter, false, Way::of(&question, To::Read).in_order);
    let (joins, offset) = (joins(filter.sort), (page - 1).saturating_mul(limit));
    // A search finds few and reads much: which they are and how many is one question, asked once.
    if !filter.text.trim().is_empty() {
        let sql = format!("SELECT i.id FROM item i{joins} {wheres} {order}");
        let found: Vec<(Uuid,)> = db.all(AssertSqlSafe(sql), args).await?;
        let total = found.len() as i64;
        let skip = usize::try_from(offset).unwrap_or(usize::MAX);
        let shown: Vec<Value> =
            found.into_iter().skip(skip).take(limit as usize).map(|(id,)| Value::from(id)).collect();
        if shown.is_empty() {
            return Ok((Vec::new(), total));
        }
        let sql = format!("SELECT {LINE_COLUMNS} {LINE_FROM} WHERE i.id IN ({}) {order}", places(1, shown.len()));
        return Ok((db.all(AssertSqlSafe(sql), shown).await?, total));
    }
    let (counted, values) = conditions(&question, To::Count, &Stretch::Whole);
    let (total,): (i64,) = db.one(AssertSqlSafe(format!("SELECT COUNT(*) FROM item i {counted}")), values).await?;
    // Which items first, from the index alone where it can be; their names and places for those few.
    let sql = format!(
        "SELECT {LINE_COLUMNS} {LINE_FROM}
         WHERE i.id IN (SELECT i.id FROM item i{joins} {wheres} {order} LIMIT {limit} OFFSET {offset}) {order}"
    );
    Ok((db.all(AssertSqlSafe(sql), args).await?, total))
}

/// Some lines of one part of an order, from a place on, in that direction.
pub(super) async fn lines_from(
    db: &Db,
    question: &Question<'_>,
    stretch: &Stretch,
    (place, back): (Option<&[String]>, bool),
    limit: usize,
) -> Result<Vec<Line>, DbError> {
    let filter = question.filter;
    let (mut wheres, mut args) = conditions(question, To::Read, stretch);
    if let Some(beyond) = place.and_then(|place| beyond(question, back, place, &mut args)) {
        wheres.push_str(&beyond);
    }
    let (order, joins) = (order(filter, back, Way::of(question, To::Read).in_order), joins(filter.sort));
    let sql = format!(
        "SELECT {LINE_COLUMNS} {LINE_FROM}
         WHERE i.id IN (SELECT i.id FROM item i{joins} {wheres} {order} LIMIT {limit}) {order}"
    );
    db.all(AssertSqlSafe(sql), args).await
}

/// The lines of some items, by deadline. Which of them somebody may see is for the caller to know.
pub(super) async fn lines_of(db: &Db, ids: &[Uuid]) -> Result<Vec<Line>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT {LINE_COLUMNS} {LINE_FROM} WHERE i.id IN ({}) ORDER BY i.deadline, i.number",
        places(1, ids.len())
    );
    db.all(AssertSqlSafe(sql), ids.iter().map(Value::from).collect()).await
}

/// How many items a filter lets through, counted as far as `most`.
pub(super) async fn count_to(db: &Db, question: &Question<'_>, most: usize) -> Result<i64, DbError> {
    let (wheres, args) = conditions(question, To::Read, &Stretch::Whole);
    let sql = format!("SELECT COUNT(*) FROM (SELECT i.id FROM item i {wheres} LIMIT {most}) AS found");
    let (n,): (i64,) = db.one(AssertSqlSafe(sql), args).await?;
    Ok(n)
}

/// The ids of what a filter lets through, in its order, up to `most`.
pub(super) async fn ids_of(db: &Db, question: &Question<'_>, most: usize) -> Result<Vec<Uuid>, DbError> {
    let filter = question.filter;
    let (wheres, args) = conditions(question, To::Read, &Stretch::Whole);
    let order = order(filter, false, Way::of(question, To::Read).in_order);
    let (joins, limit) = (joins(filter.sort), most);
    let sql = format!("SELECT i.id FROM item i{joins} {wheres} {order} LIMIT {limit}");
    let found: Vec<(Uuid,)> = db.all(AssertSqlSafe(sql), args).await?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// Every line of a filter in its order, part by part.
pub(super) async fn each_line(
    db: &Db,
    actor: &Actor,
    filter: &Filter,
    today: NaiveDate,
    stretches: &[Stretch],
    mut take: impl FnMut(Line) + Send,
) -> Result<(), DbError> {
    let Some(question) = Question::of(actor, filter, today) else {
        return Ok(());
    };
    for stretch in stretches {
        let (wheres, args) = conditions(&question, To::Read, stretch);
        let order = order(filter, false, Way::of(&question, To::Read).in_order);
        let sql = format!("SELECT {LINE_COLUMNS} {LINE_FROM} {wheres} {order}");
        db.each::<Line, DbError>(AssertSqlSafe(sql), args, |line| {
            take(line);
            Ok(())
        })
        .await?;
    }
    Ok(())
}

pub(super) async fn counts(db: &Db, actor: &Actor, scope: &Scope, today: NaiveDate) -> Result<Counts, DbError> {
    let me = actor.user_id.unwrap_or_else(Uuid::nil);
    let own = if own_only(actor).is_some() { " AND assignee_id = $4" } else { "" };
    // By the names of the states, each of which is a stretch of one index.
    let sql = format!(
        "SELECT state, COUNT(*), COUNT(CASE WHEN deadline < $3 THEN 1 END), COUNT(CASE WHEN assignee_id = $4 THEN 1 END)
         FROM item
         WHERE state IN ('to_verify', 'assigned', 'in_progress', 'submitted', 'checking', 'returned', 'closed', 'cancelled')
           AND division_code >= $1 AND division_code < $2{own} GROUP BY state"
    );
    let rows: Vec<(String, i64, i64, i64)> =
        db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), today, me]).await?;
    let mut out = Counts::default();
    for (state, n, late, mine) in rows {
        match State::from_name(&state) {
            Some(State::Closed) => out.closed += n,
            Some(State::Cancelled) => out.cancelled += n,
            Some(state) => {
                out.open += n;
                out.overdue += late;
                out.mine += mine;
                if matches!(state, State::Submitted | State::Checking) {
                    out.to_check += n;
                }
            }
            None => {}
        }
    }
    Ok(out)
}

/// How many open items of a scope are assigned to somebody.
pub(super) async fn open_of(db: &Db, scope: &Scope, user: Uuid) -> Result<i64, DbError> {
    let (n,): (i64,) = db
        .one(
            "SELECT COUNT(*) FROM item
             WHERE assignee_id = $1 AND CAST(division_code AS TEXT) >= $2 AND CAST(division_code AS TEXT) < $3
               AND CAST(state AS TEXT) NOT IN ('closed', 'cancelled')",
            args![user, scope.lo(), scope.hi()],
        )
        .await?;
    Ok(n)
}

/// The day from which a period runs; before all others where it has no beginning.
fn first(from: Option<NaiveDate>) -> String {
    from.map(|day| day.to_string()).unwrap_or_default()
}

/// How many movements the period of a filter has; of its other conditions, only ledger and source count.
pub(super) async fn times(db: &Db, scope: &Scope, filter: &Filter) -> Result<i64, DbError> {
    let Some(Then::Moved { how, from, to }) = &filter.then else {
        return Ok(0);
    };
    let (n,): (i64,) = db
        .one(
            "SELECT COUNT(*) FROM item_event
             WHERE division_code >= $1 AND division_code < $2 AND day >= $3 AND day <= $4 AND action = $5
               AND (ledger = $6 OR $6 = '') AND (source = $7 OR $7 = '')",
            args![scope.lo(), scope.hi(), first(*from), *to, how.action(), &filter.ledger, &filter.source],
        )
        .await?;
    Ok(n)
}

/// The state of each of some items at the end of a day; those that were not there yet are left out.
pub(super) async fn states_on(db: &Db, ids: &[Uuid], day: NaiveDate) -> Result<HashMap<Uuid, String>, DbError> {
    let mut out = HashMap::new();
    for chunk in ids.chunks(500) {
        let sql = format!(
            "SELECT item_id, to_state FROM item_event WHERE day <= $1 AND item_id IN ({}) ORDER BY item_id, seq",
            places(2, chunk.len())
        );
        let mut args = args![day];
        args.extend(chunk.iter().map(Value::from));
        let rows: Vec<(Uuid, String)> = db.all(AssertSqlSafe(sql), args).await?;
        out.extend(rows);
    }
    Ok(out)
}

/// Divisions right under the root of a scope, for the filter.
pub(super) async fn sub_divisions(db: &Db, scope: &Scope) -> Result<Vec<(String, String)>, DbError> {
    db.all(
        "SELECT code, name FROM division WHERE parent_code = $1 AND valid_to = '' AND code >= $2 AND code < $3 ORDER BY code",
        args![scope.root(), scope.lo(), scope.hi()],
    )
    .await
}

/// Items by their ids; those that the actor may not see are left out.
pub(super) async fn items(db: &Db, actor: &Actor, ids: &[Uuid]) -> Result<Vec<Item>, DbError> {
    let mut out = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(500) {
        let sql = format!(
            "SELECT {ITEM_COLUMNS} FROM item WHERE division_code >= $1 AND division_code < $2 AND id IN ({})",
            places(3, chunk.len())
        );
        let mut args = args![actor.scope.lo(), actor.scope.hi()];
        args.extend(chunk.iter().map(Value::from));
        let found: Vec<Item> = db.all(AssertSqlSafe(sql), args).await?;
        out.extend(found.into_iter().filter(|item| visible(actor, item)));
    }
    Ok(out)
}

const ASSIGNABLE: &str = "SELECT id, login, name, unit, role, division_code FROM app_user WHERE disabled = FALSE";

pub(super) async fn assignable(db: &Db, user: Uuid) -> Result<Option<Assignable>, DbError> {
    db.maybe(
        "SELECT id, login, name, unit, role, division_code FROM app_user WHERE id = $1 AND disabled = FALSE",
        args![user],
    )
    .await
}

/// That a user's role works items, and that name or login is what was typed.
fn fitting(args: &mut Vec<Value>, typed: &str) -> String {
    let roles = Role::ALL.into_iter().filter(|role| role.may(Capability::WorkItems)).map(Role::name);
    let before = args.len();
    args.extend(roles.map(Value::from));
    let mut sql = format!(" AND role IN ({})", places(before + 1, args.len() - before));
    if !typed.is_empty() {
        args.push(Value::from(format!("%{}%", literal(typed))));
        args.push(Value::from(format!("{}%", literal(&typed.to_lowercase()))));
        let n = args.len();
        sql.push_str(&format!(" AND (name LIKE ${} ESCAPE '\\' OR LOWER(login) LIKE ${n} ESCAPE '\\')", n - 1));
    }
    sql
}

/// Users of exactly the given divisions, the lowest division first.
pub(super) async fn assignable_over(
    db: &Db,
    divisions: &[String],
    typed: &str,
    limit: i64,
) -> Result<Vec<Assignable>, DbError> {
    if divisions.is_empty() {
        return Ok(Vec::new());
    }
    let mut args: Vec<Value> = divisions.iter().map(Value::from).collect();
    let codes = places(1, divisions.len());
    let fitting = fitting(&mut args, typed);
    let sql = format!(
        "{ASSIGNABLE} AND division_code IN ({codes}){fitting}
         ORDER BY LENGTH(division_code) DESC, name, login LIMIT {limit}"
    );
    db.all(AssertSqlSafe(sql), args).await
}

/// Users of a scope, in the order of its divisions.
pub(super) async fn assignable_under(
    db: &Db,
    scope: &Scope,
    typed: &str,
    limit: i64,
) -> Result<Vec<Assignable>, DbError> {
    let mut args = args![scope.lo(), scope.hi()];
    let fitting = fitting(&mut args, typed);
    let sql = format!(
        "{ASSIGNABLE} AND division_code >= $1 AND division_code < $2{fitting} ORDER BY division_code, name, login LIMIT {limit}"
    );
    db.all(AssertSqlSafe(sql), args).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_states_that_count_as_open_are_those_that_are() {
        let scope = Scope::subtree("99");
        let actor = Actor::machine(crate::platform::Lang::Zh);
        let filter = Filter::default();
        let question = Question { actor: &actor, scope, filter: &filter, today: NaiveDate::default() };
        let (sql, _) = conditions(&question, To::Count, &Stretch::Whole);
        for state in State::ALL {
            assert_eq!(sql.contains(&format!("'{}'", state.name())), state.is_open(), "{}", state.name());
        }
    }

    #[test]
    fn what_is_typed_is_no_pattern() {
        assert_eq!(literal("a%b_c\\d"), "a\\%b\\_c\\\\d");
    }
}
