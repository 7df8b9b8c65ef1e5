//! The ledger as a table: any filter, any order, page by page from a place in it, and the counts above it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::list_store::{self, Question, Stretch};
use super::model::{Counts, FINDING, Filter, Line, Sort, State, Which};
use super::problems::model::Kind;
use super::{LedgerError, need};
use crate::access::{Actor, Capability};
use crate::assess::{self, Profile};
use crate::platform::App;

pub(super) mod address;
pub mod columns;
pub(super) mod export_pages;
pub(super) mod pages;
pub mod views;
pub(super) mod views_pages;
mod views_store;

/// The most lines that a filter is counted to: beyond, the page says that there are more.
const COUNTED: usize = 1_000;
/// The same of a filter by measure, for which the items themselves have to be read.
const COUNTED_BY_MEASURE: usize = 300;

/// How far what a filter lets through is counted.
pub fn counted(filter: &Filter) -> usize {
    if filter.measure.is_empty() { COUNTED } else { COUNTED_BY_MEASURE }
}

/// A page of the table.
#[derive(Debug, Clone, Default)]
pub struct Slice {
    /// Its lines, in order.
    pub lines: Vec<Line>,
    /// The place of the first line, if something comes before it.
    pub before: Option<Vec<String>>,
    /// The place of the last line, if something comes after it.
    pub after: Option<Vec<String>>,
    /// How many the filter lets through; [`counted`] stands for as many or more.
    pub total: i64,
}

/// The parts of an order, as the profile has the values of its column.
fn stretches(profile: &Profile, filter: &Filter) -> Vec<Stretch> {
    let known: Vec<String> = match filter.sort {
        Sort::State => states(filter).map(|state| state.name().to_owned()).collect(),
        Sort::Level => levels(profile),
        Sort::Ledger => profile.ledgers.keys().cloned().collect(),
        Sort::Source => sources().map(str::to_owned).collect(),
        _ => return vec![Stretch::Whole],
    };
    let mut out: Vec<Stretch> = known.iter().cloned().map(Stretch::Of).collect();
    if filter.descending {
        out.reverse();
    }
    // States are the program's own; of the others, items may be older than what the profile knows.
    if filter.sort != Sort::State {
        out.push(Stretch::Rest(known));
    }
    // What the filter asks for is the only part.
    let asked = match filter.sort {
        Sort::Level => &filter.level,
        Sort::Ledger => &filter.ledger,
        Sort::Source => &filter.source,
        _ => "",
    };
    if asked.is_empty() { out } else { vec![Stretch::Of(asked.to_owned())] }
}

/// The states that a filter lets through.
fn states(filter: &Filter) -> impl Iterator<Item = State> {
    let (which, open) = (filter.which, list_store::is_open_only(filter));
    State::ALL.into_iter().filter(move |state| match which {
        Which::One(one) => *state == one,
        Which::ToCheck => matches!(state, State::Submitted | State::Checking),
        _ => !open || state.is_open(),
    })
}

/// The levels, the most severe first.
pub(super) fn levels(profile: &Profile) -> Vec<String> {
    let usual = ["severe", "affected", "notice"];
    let known = |level: &&str| profile.levels.is_empty() || profile.levels.contains_key(*level);
    let mut out: Vec<String> = usual.into_iter().filter(known).map(str::to_owned).collect();
    out.extend(profile.levels.keys().filter(|level| !usual.contains(&level.as_str())).cloned());
    out
}

/// The sources that items come from, findings first.
pub(super) fn sources() -> impl Iterator<Item = &'static str> {
    [FINDING].into_iter().chain(Kind::ALL.map(Kind::name))
}

/// Whether the items of a place can be put in an order: over more than a county not by names that the items themselves do
/// not have.
pub fn is_ordered_by(place: &str, sort: Sort) -> bool {
    place.len() >= 6 || !matches!(sort, Sort::Household | Sort::Assignee)
}

/// A filter in an order that its place can be put in.
fn ordered(actor: &Actor, filter: &Filter) -> Filter {
    let place = list_store::narrowed(actor, filter).map_or(String::new(), |scope| scope.root().to_owned());
    let sort = if is_ordered_by(&place, filter.sort) { filter.sort } else { Sort::default() };
    Filter { sort, ..filter.clone() }
}

/// A page of at most `limit` lines: from the top, or from a place on, forwards or `back`. A place that belongs to another
/// order begins at the top.
///
/// # Errors
/// The actor may not see items, or the database fails.
pub async fn page(
    app: &App,
    actor: &Actor,
    profile: &Profile,
    filter: &Filter,
    (place, back): (Option<&[String]>, bool),
    limit: usize,
) -> Result<Slice, LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    let filter = &ordered(actor, filter);
    let Some(question) = Question::of(actor, filter, app.clock.today()) else {
        return Ok(Slice::default());
    };
    let parts = stretches(profile, filter);
    let at = place.map_or(0, |place| {
        let name = place.first().map_or("", String::as_str);
        let of = parts.iter().position(|part| matches!(part, Stretch::Of(value) if value == name));
        of.or_else(|| parts.iter().position(|part| matches!(part, Stretch::Rest(_)))).unwrap_or(0)
    });
    let way: Vec<(usize, &Stretch)> = if back {
        parts.iter().enumerate().take(at + 1).rev().collect()
    } else {
        parts.iter().enumerate().skip(at).collect()
    };
    let mut lines = Vec::new();
    for (i, part) in way {
        let missing = limit + 1 - lines.len();
        // Only the part that the place lies in is entered in its middle.
        let place = place.filter(|_| i == at);
        lines.extend(list_store::lines_from(&app.db, &question, part, (place, back), missing).await?);
        if lines.len() > limit {
            break;
        }
    }
    let more = lines.len() > limit;
    lines.truncate(limit);
    if back {
        lines.reverse();
    }
    let of = |line: Option<&Line>| line.map(|line| list_store::place_of(filter, line));
    let (before, after) = match (place.is_some(), back) {
        (false, _) => (None, more.then(|| of(lines.last())).flatten()),
        (true, false) => (of(lines.first()), more.then(|| of(lines.last())).flatten()),
        (true, true) => (more.then(|| of(lines.first())).flatten(), of(lines.last())),
    };
    let total = if place.is_none() && !more {
        lines.len() as i64
    } else {
        list_store::count_to(&app.db, &question, counted(filter)).await?
    };
    Ok(Slice { lines, before, after, total })
}

/// The lines of a filter one after another, in its order.
pub(super) async fn each(
    app: &App,
    actor: &Actor,
    profile: &Profile,
    filter: &Filter,
    take: impl FnMut(Line) + Send,
) -> Result<(), LedgerError> {
    let filter = &ordered(actor, filter);
    let parts = stretches(profile, filter);
    Ok(list_store::each_line(&app.db, actor, filter, app.clock.today(), &parts, take).await?)
}

/// Above so many items the counts of a scope take long enough to be kept for a moment.
const MANY: i64 = 20_000;
/// How long they are shown before they are counted anew, behind the page.
const FRESH: Duration = Duration::from_secs(2);
/// How long they may be shown at all.
const STALE: Duration = Duration::from_secs(60);

struct Kept {
    at: Instant,
    counts: Counts,
    /// Somebody is counting anew.
    counting: bool,
}

/// By data folder, scope and day.
type Key = (PathBuf, String, String);

static KEPT: LazyLock<Mutex<HashMap<Key, Kept>>> = LazyLock::new(Mutex::default);

/// Counts for tabs, of the part of the scope under `division`: exact where there are few items, and where there are many
/// at most some seconds old.
///
/// # Errors
/// The actor may not see items or figures, or the database fails.
pub async fn counts(app: &App, actor: &Actor, division: &str) -> Result<Counts, LedgerError> {
    let filter = Filter { division: division.to_owned(), ..Filter::default() };
    let Some(scope) = list_store::narrowed(actor, &filter) else {
        return super::counts(app, actor, division).await;
    };
    // A helper's counts are of the few items that are theirs.
    if super::store::own_only(actor).is_some() {
        return super::counts(app, actor, division).await;
    }
    need(actor, Capability::ViewItems, "view")?;
    let key = (app.folder.clone(), scope.root().to_owned(), app.clock.today().to_string());
    let mut old = None;
    {
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, one| one.at.elapsed() < STALE);
        if let Some(one) = kept.get_mut(&key) {
            if one.at.elapsed() < FRESH || one.counting {
                old = Some((one.counts, false));
            } else {
                one.counting = true;
                old = Some((one.counts, true));
            }
        }
    }
    let mut counts = match old {
        Some((counts, false)) => counts,
        Some((counts, true)) => {
            let (app, actor, division) = (app.clone(), actor.clone(), division.to_owned());
            tokio::spawn(async move {
                match super::counts(&app, &actor, &division).await {
                    Ok(counts) => keep(key, counts),
                    Err(error) => {
                        tracing::warn!(%error, "the ledger's counts could not be brought up to date");
                        KEPT.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
                    }
                }
            });
            counts
        }
        None => {
            let counts = super::counts(app, actor, division).await?;
            keep(key, counts);
            counts
        }
    };
    if old.is_some() {
        counts.mine = match actor.user_id {
            Some(user) => list_store::open_of(&app.db, &scope, user).await?,
            None => 0,
        };
    }
    Ok(counts)
}

fn keep(key: Key, counts: Counts) {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if counts.open + counts.closed + counts.cancelled >= MANY {
        kept.insert(key, Kept { at: Instant::now(), counts, counting: false });
    } else {
        kept.remove(&key);
    }
}

/// The profile in force.
pub(super) async fn profile(app: &App, actor: &Actor) -> Result<std::sync::Arc<Profile>, LedgerError> {
    Ok(assess::active_profile(app, actor).await?.profile)
}
