//! The books (对账): what was open on a day, what came and went in a period, counted from events alone, and the proof
//! that the roll-up and the items themselves say the same.
//!
//! An item counts at each of its movements. A household or person counts once in a period and on each side: it comes
//! when it had nothing open at the start and something opens, it goes when nothing of it is open at the end any more.
//! An item about a whole household names no person.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::books_store::{self, By};
use super::model::{Filter, Line, Move, Movement};
use super::{LedgerError, list_store, need};
use crate::access::{Actor, Capability, Scope};
use crate::platform::{App, Db, DbError};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// 件.
    Items,
    /// 户, with at least one open item.
    Households,
    /// 人, whom at least one open item is about.
    Persons,
}

impl Of {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Items, Self::Households, Self::Persons];

    /// The value in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Items => "items",
            Self::Households => "households",
            Self::Persons => "persons",
        }
    }

    /// What a value in an address counts.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|of| of.name() == name)
    }
}

/// What a figure of the books says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// 期初: open before the first day.
    Start,
    /// What came or went.
    Moved(Move),
    /// 期末: open at the end of the last day.
    End,
}

impl Side {
    /// The value in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Moved(how) => how.name(),
            Self::End => "end",
        }
    }

    /// The side of a value in an address.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "start" => Some(Self::Start),
            "end" => Some(Self::End),
            other => Move::from_name(other).map(Self::Moved),
        }
    }

    /// In the order in which they are read: start, what adds, what takes away, end.
    pub fn all() -> Vec<Self> {
        let moved = Move::ALL.into_iter().map(Self::Moved);
        std::iter::once(Self::Start).chain(moved).chain([Self::End]).collect()
    }
}

/// One line of the books: start + what came − what went = end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Sheet {
    /// 期初未销.
    pub start: i64,
    /// What came and went.
    pub moved: Movement,
    /// 期末未销.
    pub end: i64,
}

impl Sheet {
    /// One of its figures.
    pub fn side(&self, side: Side) -> i64 {
        match side {
            Side::Start => self.start,
            Side::Moved(how) => self.moved.of(how),
            Side::End => self.end,
        }
    }

    /// Whether it adds up.
    pub fn balances(&self) -> bool {
        self.start + self.moved.net() == self.end
    }
}

/// The books of a place, or of one ledger and source of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Account {
    /// Division code.
    pub division: String,
    /// Its name; the code where the register does not know it any more.
    pub name: String,
    /// Kind of ledger; empty for all.
    pub ledger: String,
    /// Source (问题来源); empty for all.
    pub source: String,
    /// 件.
    pub items: Sheet,
    /// 户.
    pub households: Sheet,
    /// 人.
    pub persons: Sheet,
}

impl Account {
    /// The sheet of what is counted.
    pub fn sheet(&self, of: Of) -> &Sheet {
        match of {
            Of::Items => &self.items,
            Of::Households => &self.households,
            Of::Persons => &self.persons,
        }
    }

    fn sheet_mut(&mut self, of: Of) -> &mut Sheet {
        match of {
            Of::Items => &mut self.items,
            Of::Households => &mut self.households,
            Of::Persons => &mut self.persons,
        }
    }
}

/// A period and place that books are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Division code; empty for the actor's own.
    pub division: String,
    /// First day; none for the beginning.
    pub from: Option<NaiveDate>,
    /// Last day.
    pub to: NaiveDate,
}

/// The books of a place and period.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Books {
    /// First day; none for the beginning.
    pub from: Option<NaiveDate>,
    /// Last day.
    pub to: NaiveDate,
    /// All of it.
    pub total: Account,
    /// By kind of ledger and source.
    pub by_source: Vec<Account>,
    /// By division right below.
    pub by_division: Vec<Account>,
    /// Day by day, the newest first; days without movement are left out.
    pub days: Vec<(String, Movement)>,
    /// Whether roll-up, events and items agree up to the last day.
    pub proof: Reconciliation,
}

/// Something of which the books do not balance.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Imbalance {
    /// What differs: a movement, or `open`, `households`, `persons`.
    pub what: &'static str,
    /// Kind of ledger; empty where it is not told apart.
    pub ledger: String,
    /// Source; empty where it is not told apart.
    pub source: String,
    /// Village; empty where it is not told apart.
    pub division_code: String,
    /// Day; empty where what is open now differs.
    pub day: String,
    /// By the roll-up, or by the items themselves where there is no day.
    pub rollup: i64,
    /// By recount of the events.
    pub recount: i64,
}

/// 对账: opened + reopened − closed − cancelled = open, by roll-up, by recount of the events and by the items themselves.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Reconciliation {
    /// Sum over the scope.
    pub total: Movement,
    /// Open items by the roll-up.
    pub open_by_rollup: i64,
    /// Open items by recount of the events.
    pub open_by_events: i64,
    /// Open items counted; none for a day that has passed, of which the items themselves say nothing.
    pub open_by_items: Option<i64>,
    /// Ledgers, sources, villages and days compared.
    pub compared: usize,
    /// Where they differ; empty when the books balance.
    pub faults: Vec<Imbalance>,
}

/// A household or person of a figure.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Subject {
    pub household_id: Option<uuid::Uuid>,
    pub household_no: String,
    pub name: String,
    pub place: String,
    /// Items open before the first day.
    pub before: i64,
    /// Items open at the end of the last day.
    pub after: i64,
}

fn may_look(actor: &Actor) -> Result<(), LedgerError> {
    if actor.may(Capability::ViewItems) { Ok(()) } else { need(actor, Capability::ViewFigures, "view") }
}

async fn scope_of(db: &Db, actor: &Actor, asked: &Asked) -> Result<Scope, LedgerError> {
    if let Some(from) = asked.from.filter(|from| *from > asked.to) {
        return Err(LedgerError::Period { from: from.to_string(), to: asked.to.to_string() });
    }
    if asked.division.is_empty() {
        return Ok(actor.scope.clone());
    }
    let nowhere = || LedgerError::Place(asked.division.clone());
    let scope = actor.scope.narrow(&asked.division).ok_or_else(nowhere)?;
    let known = books_store::name_of(db, &asked.division).await?.is_some() || scope.root() != asked.division;
    if known { Ok(scope) } else { Err(nowhere()) }
}

/// The books of a place and period, counted from events, with their proof.
///
/// # Errors
/// The actor may not see figures or the place, the period ends before it begins, or the database fails.
pub async fn books(app: &App, actor: &Actor, asked: &Asked) -> Result<Books, LedgerError> {
    may_look(actor)?;
    let scope = scope_of(&app.db, actor, asked).await?;
    let (db, from, to) = (&app.db, asked.from, asked.to);
    let length = crate::register::divisions::CODE_LENGTHS.into_iter().find(|length| *length > scope.root().len());
    let by_division = async {
        match length {
            Some(length) => three(db, &scope, (from, to), By::Division(length)).await,
            None => Ok(Default::default()),
        }
    };
    let (below, root, whole, by_source, by_division, days, proof) = tokio::try_join!(
        list_store::sub_divisions(db, &scope),
        books_store::name_of(db, scope.root()),
        three(db, &scope, (from, to), By::Whole),
        three(db, &scope, (from, to), By::Source),
        by_division,
        books_store::days(db, &scope, (from, to)),
        books_store::prove(db, &scope, to, to >= app.clock.today()),
    )?;
    let total = Account {
        division: scope.root().to_owned(),
        name: root.unwrap_or_else(|| scope.root().to_owned()),
        ..Account::default()
    };
    let mut out = Books { from, to, days, proof, ..Books::default() };
    out.by_source = accounts(by_source, |line| {
        let (ledger, source) = line.split_once('|').unwrap_or((line, ""));
        Account { ledger: ledger.to_owned(), source: source.to_owned(), ..total.clone() }
    });
    out.by_division = accounts(by_division, |code| {
        let name = below.iter().find(|(known, _)| known == code).map_or(code, |(_, name)| name);
        Account { division: code.to_owned(), name: name.to_owned(), ..Account::default() }
    });
    out.total = accounts(whole, |_| total.clone()).pop().unwrap_or(total);
    Ok(out)
}

/// The lines of items, households and persons.
async fn three(
    db: &Db,
    scope: &Scope,
    period: books_store::Period,
    by: By,
) -> Result<[Vec<(String, Sheet)>; 3], DbError> {
    let [items, households, persons] = Of::ALL.map(|of| books_store::sheets(db, scope, period, by, of));
    let (items, households, persons) = tokio::try_join!(items, households, persons)?;
    Ok([items, households, persons])
}

/// One account for each line that any of the three has, in the order of the lines.
fn accounts(lines: [Vec<(String, Sheet)>; 3], new: impl Fn(&str) -> Account) -> Vec<Account> {
    let mut out: BTreeMap<String, Account> = BTreeMap::new();
    for (of, lines) in Of::ALL.into_iter().zip(lines) {
        for (line, sheet) in lines {
            let account = out.entry(line).or_insert_with_key(|line| new(line));
            *account.sheet_mut(of) = sheet;
        }
    }
    out.into_values().collect()
}

/// The households or persons of one figure of the books, and how many there are.
///
/// # Errors
/// As [`books`]; and whoever helps some households is shown no list of the others.
pub async fn subjects(
    app: &App,
    actor: &Actor,
    asked: &Asked,
    (ledger, source): (&str, &str),
    (of, side): (Of, Side),
    (limit, offset): (i64, i64),
) -> Result<(Vec<Subject>, i64), LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    need(actor, Capability::ViewFigures, "view")?;
    let scope = scope_of(&app.db, actor, asked).await?;
    let figure = books_store::Figure { period: (asked.from, asked.to), ledger, source, of, side };
    Ok(books_store::subjects(&app.db, &scope, &figure, limit, offset).await?)
}

/// How often the items of a filter by period moved so: an item that was closed twice is one line and two movements.
///
/// # Errors
/// The actor may not see items, or the database fails.
pub async fn times(app: &App, actor: &Actor, filter: &Filter) -> Result<i64, LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    match list_store::narrowed(actor, filter) {
        Some(scope) => Ok(list_store::times(&app.db, &scope, filter).await?),
        None => Ok(0),
    }
}

/// Where each of some items of the list stood at the end of a day, in their order.
///
/// # Errors
/// The database fails.
pub(super) async fn states_on(app: &App, lines: &[Line], day: NaiveDate) -> Result<Vec<String>, LedgerError> {
    let ids: Vec<uuid::Uuid> = lines.iter().map(|line| line.id).collect();
    let known = list_store::states_on(&app.db, &ids, day).await?;
    Ok(ids.iter().map(|id| known.get(id).cloned().unwrap_or_default()).collect())
}

/// 对账: proves the roll-up against a recount of every event and against the items themselves.
///
/// # Errors
/// The actor may not see figures, or the database fails.
pub async fn reconcile(app: &App, actor: &Actor, division: &str) -> Result<Reconciliation, LedgerError> {
    may_look(actor)?;
    let filter = Filter { division: division.to_owned(), ..Filter::default() };
    match list_store::narrowed(actor, &filter) {
        Some(scope) => Ok(books_store::prove(&app.db, &scope, NaiveDate::MAX, true).await?),
        None => Ok(Reconciliation::default()),
    }
}

/// [`reconcile`] of a whole database that need not be that of a running installation.
///
/// # Errors
/// The database fails.
pub async fn prove(db: &Db) -> Result<Reconciliation, DbError> {
    books_store::prove(db, &Scope::everything(), NaiveDate::MAX, true).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_balances_only_when_every_side_is_counted() {
        let moved = Movement { opened: 5, reopened: 1, closed: 3, cancelled: 1, moved_in: 2, moved_out: 1 };
        assert!(Sheet { start: 10, moved, end: 13 }.balances());
        assert!(!Sheet { start: 10, moved, end: 12 }.balances());
        let sum: i64 = Move::ALL.into_iter().map(|how| if how.adds() { moved.of(how) } else { -moved.of(how) }).sum();
        assert_eq!(sum, moved.net());
    }

    #[test]
    fn sides_come_back_from_their_addresses() {
        for side in Side::all() {
            assert_eq!(Side::from_name(side.name()), Some(side));
        }
        assert_eq!(Side::all().len(), 8);
        for of in Of::ALL {
            assert_eq!(Of::from_name(of.name()), Some(of));
        }
    }
}
