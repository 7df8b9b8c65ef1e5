//! Who has been visited (排查覆盖): households visited since a day, of all that are registered, by division; and the list
//! of those who have not been.

use chrono::{Days, NaiveDate};
use uuid::Uuid;

use super::cover_store as store;
use super::model::{Channel, ScreenError};
use crate::access::{Actor, Scope};
use crate::assess;
use crate::platform::App;
use crate::register::{self, divisions::CODE_LENGTHS};

/// What counts as visited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// From this day on.
    pub since: NaiveDate,
    /// Up to this day; none for until today.
    pub until: Option<NaiveDate>,
    /// By this channel; none for any.
    pub channel: Option<Channel>,
    /// Only with checks.
    pub with_checks: bool,
}

impl Asked {
    /// Visits of the last days, of any channel.
    pub fn last_days(today: NaiveDate, days: u64) -> Self {
        let since = today.checked_sub_days(Days::new(days)).unwrap_or(today);
        Self { since, until: None, channel: None, with_checks: false }
    }

    /// Whether where households stand answers it without looking at every visit.
    fn is_plain(&self) -> bool {
        self.until.is_none() && !self.with_checks
    }
}

/// Which households a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Not visited.
    Unvisited,
    /// Visited.
    Visited,
    /// Never visited at all, whatever the day.
    Never,
}

impl Which {
    /// Every list.
    pub const ALL: [Self; 3] = [Self::Unvisited, Self::Visited, Self::Never];

    /// The value in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unvisited => "unvisited",
            Self::Visited => "visited",
            Self::Never => "never",
        }
    }

    /// The list of a name; those not visited where it is none.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|which| which.name() == name).unwrap_or(Self::Unvisited)
    }
}

/// Coverage of a division.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Cover {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Registered households.
    pub registered: i64,
    /// Of these visited.
    pub visited: i64,
    /// Of these never visited at all.
    pub never: i64,
}

impl Cover {
    /// Households that have not been visited.
    pub fn unvisited(&self) -> i64 {
        self.registered - self.visited
    }

    /// Visited of registered, percent.
    pub fn percent(&self) -> f64 {
        if self.registered == 0 { 0.0 } else { self.visited as f64 * 100.0 / self.registered as f64 }
    }
}

/// A household in a list.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct CoverLine {
    pub id: Uuid,
    pub household_no: String,
    pub head_name: String,
    pub division_code: String,
    pub place: String,
    pub member_count: i64,
    /// Last visit of any channel; empty where there was none.
    pub last_on: String,
    pub last_on_site: String,
    pub visits: i64,
}

/// The codes right below a division are this long; a village's groups are not told apart.
pub(crate) fn length_below(code: &str) -> usize {
    CODE_LENGTHS.into_iter().find(|length| *length > code.len()).unwrap_or(12).min(12)
}

/// Coverage of a division and of those right below it. A helper sees one line: their own households.
///
/// # Errors
/// The database fails.
pub async fn coverage(
    app: &App,
    actor: &Actor,
    scope: &Scope,
    asked: &Asked,
) -> Result<(Cover, Vec<Cover>), ScreenError> {
    if let Some(own) = register::own_households(app, actor).await? {
        let ids: Vec<Uuid> = own.into_iter().collect();
        let registered = store::of_own(&app.db, scope, &ids).await?;
        let visited = store::own_visited(&app.db, scope, &ids, asked).await?;
        let ever = store::own_visited(&app.db, scope, &ids, &ever()).await?;
        let total =
            Cover { code: scope.root().to_owned(), registered, visited, never: registered - ever, ..Cover::default() };
        return Ok((total, Vec::new()));
    }
    let length = length_below(scope.root());
    let registered = store::registered(&app.db, scope, length).await?;
    let visited = if asked.is_plain() {
        store::visited_plain(&app.db, scope, length, asked).await?
    } else {
        store::visited(&app.db, scope, length, asked).await?
    };
    let ever = store::ever(&app.db, scope, length).await?;
    let mut codes: Vec<String> = registered.iter().map(|(code, _)| code.clone()).collect();
    codes.push(scope.root().to_owned());
    let names = assess::division_names(&app.db, &codes).await?;
    let name_of = |code: &str| names.get(code).cloned().unwrap_or_else(|| code.to_owned());
    let of = |all: &[(String, i64)], code: &str| all.iter().find(|(c, _)| c == code).map_or(0, |(_, n)| *n);
    let lines: Vec<Cover> = registered
        .iter()
        .filter(|(_, households)| *households > 0)
        .map(|(code, households)| Cover {
            code: code.clone(),
            name: name_of(code),
            registered: *households,
            visited: of(&visited, code),
            never: *households - of(&ever, code),
        })
        .collect();
    let sum = |of: fn(&Cover) -> i64| lines.iter().map(of).sum();
    let total = Cover {
        code: scope.root().to_owned(),
        name: name_of(scope.root()),
        registered: sum(|line| line.registered),
        visited: sum(|line| line.visited),
        never: sum(|line| line.never),
    };
    Ok((total, lines))
}

/// Visits since the registers began.
fn ever() -> Asked {
    Asked { since: NaiveDate::MIN, until: None, channel: None, with_checks: false }
}

/// The households behind a figure of [`coverage`], in the order of their villages and numbers; one page of them, and how
/// many there are.
///
/// # Errors
/// The database fails.
pub async fn list(
    app: &App,
    actor: &Actor,
    scope: &Scope,
    asked: &Asked,
    which: Which,
    (offset, limit): (i64, i64),
) -> Result<(Vec<CoverLine>, i64), ScreenError> {
    if let Some(own) = register::own_households(app, actor).await? {
        let ids: Vec<Uuid> = own.into_iter().collect();
        let all = store::own_list(&app.db, scope, &ids, asked, which).await?;
        let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let page = all
            .into_iter()
            .skip(usize::try_from(offset).unwrap_or(0))
            .take(usize::try_from(limit).unwrap_or(0))
            .collect();
        return Ok((page, count));
    }
    let lines = store::list(&app.db, scope, asked, which, offset, limit).await?;
    let count = store::list_count(&app.db, scope, asked, which).await?;
    Ok((lines, count))
}
