//! The books of temporary relief (对账): asked = approved + refused + withdrawn + pending, approved = paid + unpaid, by
//! division and by day, also as of a past day; and the proof that requests and payments say the same.

use super::model::Request;
use super::{ReliefError, balance_store as store, need};
use crate::access::{Actor, Capability, Scope};
use crate::assess;
use crate::platform::App;
use crate::screen::cover::length_below;

/// Every figure of the books that opens its list.
pub const FIGURES: [&str; 10] = [
    "pending_before",
    "asked",
    "approved",
    "refused",
    "withdrawn",
    "pending",
    "unpaid_before",
    "paid",
    "unpaid",
    "advanced",
];

/// Days that the books are asked about, ISO; both count.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Period {
    /// Empty for since the first request.
    pub from: String,
    /// Last day.
    pub to: String,
}

/// A line of the books, fen.
#[derive(Debug, Clone, PartialEq, Eq, Default, sqlx::FromRow, serde::Serialize)]
#[allow(missing_docs)]
pub struct Books {
    /// Division code, or day.
    pub code: String,
    #[sqlx(default)]
    pub name: String,
    pub pending_before: i64,
    pub unpaid_before: i64,
    pub asked: i64,
    pub approved: i64,
    /// Refused as a whole, and what approvals left out.
    pub refused: i64,
    pub withdrawn: i64,
    pub paid: i64,
    pub pending: i64,
    pub unpaid: i64,
    /// Paid before the approval and not approved yet.
    pub advanced: i64,
    pub asked_n: i64,
    pub approved_n: i64,
    pub refused_n: i64,
    pub withdrawn_n: i64,
    pub pending_n: i64,
}

impl Books {
    /// A figure by its name, fen.
    pub fn figure(&self, name: &str) -> i64 {
        match name {
            "pending_before" => self.pending_before,
            "unpaid_before" => self.unpaid_before,
            "asked" => self.asked,
            "approved" => self.approved,
            "refused" => self.refused,
            "withdrawn" => self.withdrawn,
            "paid" => self.paid,
            "pending" => self.pending,
            "unpaid" => self.unpaid,
            "advanced" => self.advanced,
            _ => 0,
        }
    }

    /// How many requests a figure is, where that is counted.
    pub fn requests(&self, name: &str) -> Option<i64> {
        match name {
            "asked" => Some(self.asked_n),
            "approved" => Some(self.approved_n),
            "refused" => Some(self.refused_n),
            "withdrawn" => Some(self.withdrawn_n),
            "pending" => Some(self.pending_n),
            _ => None,
        }
    }

    /// Whether both equations hold.
    pub fn balances(&self) -> bool {
        self.pending_before + self.asked == self.approved + self.refused + self.withdrawn + self.pending
            && self.unpaid_before + self.approved == self.paid + self.unpaid
    }

    fn add(&mut self, other: &Self) {
        self.pending_before += other.pending_before;
        self.unpaid_before += other.unpaid_before;
        self.asked += other.asked;
        self.approved += other.approved;
        self.refused += other.refused;
        self.withdrawn += other.withdrawn;
        self.paid += other.paid;
        self.pending += other.pending;
        self.unpaid += other.unpaid;
        self.advanced += other.advanced;
        self.asked_n += other.asked_n;
        self.approved_n += other.approved_n;
        self.refused_n += other.refused_n;
        self.withdrawn_n += other.withdrawn_n;
        self.pending_n += other.pending_n;
    }
}

/// What requests and payments themselves add up to, fen.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
#[allow(missing_docs)]
pub struct Kept {
    pub asked: i64,
    pub approved: i64,
    pub refused: i64,
    pub withdrawn: i64,
    pub pending: i64,
    pub paid: i64,
    pub advanced: i64,
    pub requests: i64,
}

/// The books of a division.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Balance {
    /// The days asked about.
    pub period: Period,
    /// All of the division.
    pub total: Books,
    /// The divisions right below it.
    pub divisions: Vec<Books>,
    /// The days of the period on which something moved, each with what stood at its end.
    pub days: Vec<Books>,
    /// Figures that the events give otherwise than requests and payments do today: name, by events, by what is kept; none
    /// where the books are right.
    pub faults: Vec<(String, i64, i64)>,
}

/// The books of a scope, proven against requests and payments.
///
/// # Errors
/// The actor may not see figures, or the database fails.
pub async fn balance(app: &App, actor: &Actor, scope: &Scope, period: &Period) -> Result<Balance, ReliefError> {
    need(actor, &[Capability::ViewItems, Capability::ViewFigures])?;
    let length = i64::try_from(length_below(scope.root())).unwrap_or(12);
    let mut divisions = store::by_division(&app.db, scope, period, length).await?;
    let names = assess::division_names(
        &app.db,
        &divisions.iter().map(|line| line.code.clone()).chain([scope.root().to_owned()]).collect::<Vec<_>>(),
    )
    .await?;
    let name_of = |code: &str| names.get(code).cloned().unwrap_or_else(|| code.to_owned());
    let mut total = Books { code: scope.root().to_owned(), name: name_of(scope.root()), ..Books::default() };
    for line in &mut divisions {
        line.name = name_of(&line.code);
        total.add(line);
    }
    let days = running(&total, store::by_day(&app.db, scope, period).await?);
    // All events of today's books, whatever period is shown.
    let whole = Period { from: String::new(), to: "9999".to_owned() };
    let mut now = Books::default();
    for line in store::by_division(&app.db, scope, &whole, length).await? {
        now.add(&line);
    }
    let kept = store::kept(&app.db, scope).await?;
    let said = [
        ("asked", now.asked, kept.asked),
        ("approved", now.approved, kept.approved),
        ("refused", now.refused, kept.refused),
        ("withdrawn", now.withdrawn, kept.withdrawn),
        ("pending", now.pending, kept.pending),
        ("paid", now.paid, kept.paid),
        ("advanced", now.advanced, kept.advanced),
        ("requests", now.asked_n, kept.requests),
    ];
    let faults = said
        .into_iter()
        .filter(|(_, by_events, by_rows)| by_events != by_rows)
        .map(|(name, by_events, by_rows)| (name.to_owned(), by_events, by_rows))
        .collect();
    Ok(Balance { period: period.clone(), total, divisions, days, faults })
}

/// Gives each day what stood at its beginning and its end.
fn running(total: &Books, mut days: Vec<Books>) -> Vec<Books> {
    let (mut pending, mut unpaid) = (total.pending_before, total.unpaid_before);
    for day in &mut days {
        day.name.clone_from(&day.code);
        (day.pending_before, day.unpaid_before) = (pending, unpaid);
        pending += day.asked - day.approved - day.refused - day.withdrawn;
        unpaid += day.approved - day.paid;
        (day.pending, day.unpaid) = (pending, unpaid);
    }
    days
}

/// The requests behind a figure; how many there are, and what they add up to.
///
/// # Errors
/// The actor may not see them, or the database fails.
pub async fn behind(
    app: &App,
    actor: &Actor,
    scope: &Scope,
    period: &Period,
    figure: &str,
    page: (i64, i64),
) -> Result<(Vec<Request>, i64, i64), ReliefError> {
    need(actor, &[Capability::ViewItems, Capability::ViewFigures])?;
    let lines = store::behind(&app.db, scope, period, figure, page).await?;
    let (count, sum) = store::behind_count(&app.db, scope, period, figure).await?;
    Ok((lines, count, sum))
}
