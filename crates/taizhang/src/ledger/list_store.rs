//! The SQL of the list: its filters, orders and counts, and who may be chosen on it.
//!
//! A wide scope is read along the index of the order that is asked for, and a narrow one along the index of divisions.
//! Neither database can be left to guess which: `|| ''` keeps a condition from choosing the index.

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

/// Codes shorter than a county's hold so many items that sorting them takes longer than reading them in order.
fn is_wide(scope: &Scope) -> bool {
    scope.root().len() < 6
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

/// Conditions of a filter and their values.
fn conditions(actor: &Actor, scope: &Scope, filter: &Filter, today: NaiveDate, to: To) -> (String, Vec<Value>) {
    let text = filter.text.trim();
    // What names few items is looked up by itself; only then may the order choose the index.
    let few = filter.household.is_some()
        || filter.mine
        || filter.then.is_some()
        || own_only(actor).is_some()
        || !text.is_empty()
        || !filter.owner.is_empty();
    let by_order = if to == To::Read && is_wide(scope) && !few { " || ''" } else { "" };
    let mut sql = format!("WHERE i.division_code{by_order} >= $1 AND i.division_code{by_order} < $2");
    // The place of a day that has passed is asked of the events; where the item is now, only whether the actor may see it.
    let seen = if filter.then.is_some() { &actor.scope } else { scope };
    let mut args = args![seen.lo(), seen.hi()];
    sql.push_str(match filter.which {
        Which::Open | Which::Overdue if to == To::Count && !few => {
            " AND i.state IN ('to_verify', 'assigned', 'in_progress', 'submitted', 'checking', 'returned')"
        }
        Which::Open | Which::Overdue | Which::DueSoon => " AND i.state NOT IN ('closed', 'cancelled')",
        Which::ToCheck => " AND i.state IN ('submitted', 'checking')",
        Which::All | Which::One(_) => "",
    });
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
    match filter.which {
        Which::Overdue if filter.sort == Sort::Deadline => and("i.deadline < ?", args![today]),
        Which::Overdue => and(&format!("i.deadline{by_order} < ?"), args![today]),
        Which::DueSoon => {
            let last = today.checked_add_days(Days::new(SOON_DAYS)).unwrap_or(today);
            and("i.deadline >= ? AND i.deadline <= ?", args![today, last]);
        }
        Which::Open | Which::ToCheck | Which::All => {}
        Which::One(state) => and(&format!("i.state{by_order} = ?"), args![state.name()]),
    }
    if let Some(own) = own_only(actor) {
        and("i.assignee_id = ?", args![own]);
    }
    if filter.mine {
        and("i.assignee_id = ?", args![actor.user_id.unwrap_or_else(Uuid::nil)]);
    }
    if !filter.rule.is_empty() {
        and(&format!("i.rule_id{by_order} = ?"), args![&filter.rule]);
    }
    if !filter.ledger.is_empty() {
        and("i.ledger = ?", args![&filter.ledger]);
    }
    if !filter.source.is_empty() {
        and("i.source = ?", args![&filter.source]);
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

fn order(filter: &Filter) -> &'static str {
    match (filter.sort, filter.descending) {
        (Sort::Deadline, false) => "ORDER BY i.deadline, i.number",
        (Sort::Deadline, true) => "ORDER BY i.deadline DESC, i.number DESC",
        (Sort::Number, false) => "ORDER BY i.number",
        (Sort::Number, true) => "ORDER BY i.number DESC",
        (Sort::Updated, false) => "ORDER BY i.updated_at DESC, i.number",
        (Sort::Updated, true) => "ORDER BY i.updated_at, i.number",
        (Sort::Division, false) => "ORDER BY i.division_code, i.deadline, i.number",
        (Sort::Division, true) => "ORDER BY i.division_code DESC, i.deadline, i.number",
    }
}

const LINE_COLUMNS: &str =
    "i.id, i.number, i.ledger, i.rule_id, i.title, i.level, i.state, i.round, i.deadline, i.owner_unit, i.owner_name,
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
    let Some(scope) = narrowed(actor, filter) else {
        return Ok((Vec::new(), 0));
    };
    let (wheres, args) = conditions(actor, &scope, filter, today, To::Read);
    let (limit, page) = (filter.per_page.clamp(1, 500), filter.page.max(1));
    let (order, offset) = (order(filter), (page - 1).saturating_mul(limit));
    // A search finds few and reads much: which they are and how many is one question, asked once.
    if !filter.text.trim().is_empty() {
        let sql = format!("SELECT i.id FROM item i {wheres} {order}");
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
    let (counted, values) = conditions(actor, &scope, filter, today, To::Count);
    let (total,): (i64,) = db.one(AssertSqlSafe(format!("SELECT COUNT(*) FROM item i {counted}")), values).await?;
    // Which items first, from the index alone where it can be; their names and places for those few.
    let sql = format!(
        "SELECT {LINE_COLUMNS} {LINE_FROM}
         WHERE i.id IN (SELECT i.id FROM item i {wheres} {order} LIMIT {limit} OFFSET {offset}) {order}"
    );
    Ok((db.all(AssertSqlSafe(sql), args).await?, total))
}

pub(super) async fn each_line(
    db: &Db,
    actor: &Actor,
    filter: &Filter,
    today: NaiveDate,
    mut take: impl FnMut(Line) + Send,
) -> Result<(), DbError> {
    let Some(scope) = narrowed(actor, filter) else {
        return Ok(());
    };
    let (wheres, args) = conditions(actor, &scope, filter, today, To::Read);
    let sql = format!("SELECT {LINE_COLUMNS} {LINE_FROM} {wheres} {}", order(filter));
    db.each::<Line, DbError>(AssertSqlSafe(sql), args, |line| {
        take(line);
        Ok(())
    })
    .await
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

/// Names of users by id.
pub(super) async fn user_names(db: &Db, ids: &[Uuid]) -> Result<HashMap<Uuid, String>, DbError> {
    let mut out = HashMap::new();
    for chunk in ids.chunks(500) {
        let sql = format!("SELECT id, name FROM app_user WHERE id IN ({})", places(1, chunk.len()));
        let rows: Vec<(Uuid, String)> = db.all(AssertSqlSafe(sql), chunk.iter().map(Value::from).collect()).await?;
        out.extend(rows);
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
        let (sql, _) = conditions(&actor, &scope, &Filter::default(), NaiveDate::default(), To::Count);
        for state in State::ALL {
            assert_eq!(sql.contains(&format!("'{}'", state.name())), state.is_open(), "{}", state.name());
        }
    }

    #[test]
    fn what_is_typed_is_no_pattern() {
        assert_eq!(literal("a%b_c\\d"), "a\\%b\\_c\\\\d");
    }
}
