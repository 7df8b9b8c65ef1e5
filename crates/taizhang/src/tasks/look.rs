//! Looking at tasks: what a unit has, how those below stand, what counts, who owes a report.

use std::collections::HashMap;

use uuid::Uuid;

use super::model::{Event, Figures, Leg, Node, Report, Task};
use super::{TaskError, campaign_store, may_see, store, unit_of};
use crate::access::{Actor, Capability, Scope};
use crate::platform::App;

/// Which tasks a list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Which {
    /// Under way.
    #[default]
    Open,
    /// Closed.
    Closed,
    /// Both.
    All,
}

impl Which {
    /// Every one, in the order of tabs.
    pub const ALL: [Self; 3] = [Self::Open, Self::Closed, Self::All];

    /// As in an address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::All => "all",
        }
    }

    /// Of a name; what is under way where it is none.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|which| which.name() == name).unwrap_or_default()
    }
}

/// Which tasks are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// By state.
    pub which: Which,
    /// Part of the title.
    pub text: String,
    /// How many at most.
    pub limit: i64,
    /// After how many.
    pub offset: i64,
}

/// A line of the list of tasks.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct IndexLine {
    pub id: Uuid,
    pub title: String,
    pub unit: String,
    pub poverty: String,
    pub poverty_unit: String,
    pub epidemic: String,
    pub epidemic_unit: String,
    pub state: String,
    pub campaign_id: Option<Uuid>,
    pub campaign: String,
    pub due: String,
    /// Where it stands with the reader's own unit; empty where that has it not.
    pub own_state: String,
    pub node_id: Option<Uuid>,
    pub target_poverty: Option<i64>,
    pub target_epidemic: Option<i64>,
    pub done_poverty: Option<i64>,
    pub done_epidemic: Option<i64>,
    pub nodes: i64,
    pub unreported: i64,
    pub reported: i64,
    pub returned: i64,
    pub accepted: i64,
    pub late: i64,
}

/// How those stand to whom one unit handed a task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
#[allow(missing_docs)]
pub struct Below {
    pub parent_id: Uuid,
    pub nodes: i64,
    pub unreported: i64,
    pub reported: i64,
    pub returned: i64,
    pub accepted: i64,
    pub late: i64,
}

/// Which units of a task are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeFilter {
    /// The task.
    pub task: Uuid,
    /// Right below this unit; none for everybody of the place.
    pub under: Option<Uuid>,
    /// Where they stand; none for all.
    pub which: Option<Standing>,
    /// How many at most.
    pub limit: i64,
    /// After how many.
    pub offset: i64,
}

/// Where units of a list stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// 未报.
    Unreported,
    /// 退回.
    Returned,
    /// A report is owed and its day has passed.
    Late,
    /// 已报.
    Reported,
    /// 已审.
    Accepted,
    /// A report of theirs counts, whatever has come since.
    Counted,
}

impl Standing {
    /// Every one, in the order of tabs.
    pub const ALL: [Self; 6] =
        [Self::Unreported, Self::Returned, Self::Late, Self::Reported, Self::Accepted, Self::Counted];

    /// As in an address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreported => "unreported",
            Self::Returned => "returned",
            Self::Late => "late",
            Self::Reported => "reported",
            Self::Accepted => "accepted",
            Self::Counted => "counted",
        }
    }

    /// Of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.name() == name)
    }
}

/// Somebody who owes a report.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
#[allow(missing_docs)]
pub struct OwedLine {
    pub node_id: Uuid,
    pub task_id: Uuid,
    pub title: String,
    pub division_code: String,
    pub place: String,
    pub state: String,
    pub due: String,
    pub reminders: i64,
    pub version: i64,
    pub above: String,
    pub above_place: String,
}

/// What a reader may do with a task at one place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct May {
    /// Hand it down.
    pub hand_down: bool,
    /// Report it.
    pub report: bool,
    /// Accept or return what those right below report.
    pub decide: bool,
    /// Close it, or open it again.
    pub close: bool,
}

/// A task as it stands at a place.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The task.
    pub task: Task,
    /// Name of its campaign.
    pub campaign: Option<(Uuid, String)>,
    /// The place that is looked at.
    pub division: String,
    /// The task as the unit there has it.
    pub node: Option<Node>,
    /// The unit that handed it to it, if the reader may look at that.
    pub above: Option<String>,
    /// Those right below.
    pub lines: Vec<Node>,
    /// How those stand to whom each unit handed it on.
    pub below: HashMap<Uuid, Below>,
    /// What counts of `lines`, added up.
    pub sum: Figures,
    /// What was asked of `lines`, added up.
    pub asked: Figures,
    /// The same task of last year.
    pub last_year: Option<LastYear>,
    /// What the unit reported, the newest first.
    pub reports: Vec<Report>,
    /// What has happened to it there, the newest first.
    pub events: Vec<Event>,
    /// What the reader may do.
    pub may: May,
    /// The reader's own unit.
    pub unit: String,
}

/// The tasks that the reader's place has, and how many.
///
/// # Errors
/// The reader may not, or the database fails.
pub async fn index(app: &App, actor: &Actor, filter: &Filter) -> Result<(Vec<IndexLine>, i64), TaskError> {
    may_see(actor)?;
    let unit = unit_of(app, actor).await?;
    let today = app.clock.today().to_string();
    let lines = store::index(&app.db, &actor.scope, &unit, &today, filter).await?;
    let count = store::index_count(&app.db, &actor.scope, filter).await?;
    Ok((lines, count))
}

/// How many tasks the reader's place has.
///
/// # Errors
/// The reader may not, or the database fails.
pub async fn count(app: &App, actor: &Actor, filter: &Filter) -> Result<i64, TaskError> {
    may_see(actor)?;
    Ok(store::index_count(&app.db, &actor.scope, filter).await?)
}

/// The part of the reader's scope that a division of an address means; all of it where it is none of theirs.
pub fn place_of(actor: &Actor, unit: &str, division: &str) -> (String, Scope) {
    let own = || (unit.to_owned(), if unit.is_empty() { actor.scope.clone() } else { Scope::subtree(unit) });
    if division.is_empty() || !actor.scope.contains(division) {
        return own();
    }
    (division.to_owned(), Scope::subtree(division))
}

/// One task at a place; the reader's own where none is said.
///
/// # Errors
/// There is none of that id for this reader, or the database fails.
pub async fn whole(app: &App, actor: &Actor, id: Uuid, division: &str) -> Result<Whole, TaskError> {
    may_see(actor)?;
    let task = store::task(&app.db, &actor.scope, id).await?.ok_or(TaskError::NotFound)?;
    let unit = unit_of(app, actor).await?;
    let (division, scope) = place_of(actor, &unit, division);
    let node = store::of_division(&app.db, id, &division).await?;
    let lines = store::right_below(&app.db, &scope, &division, id).await?;
    let today = app.clock.today().to_string();
    let below = store::below(&app.db, &scope, id, &today).await?;
    let (mut reports, mut events, mut above) = (Vec::new(), Vec::new(), None);
    if let Some(node) = &node {
        reports = store::reports(&app.db, node.id).await?;
        events = store::events(&app.db, node.id).await?;
        if let Some(parent) = node.parent_id {
            above = store::node(&app.db, &actor.scope, parent).await?.map(|node| node.division_code);
        }
    }
    let campaign = match task.campaign_id {
        Some(id) => campaign_store::campaign(&app.db, &actor.scope, &unit, id).await?.map(|c| (c.id, c.name)),
        None => None,
    };
    let mine = |code: &str| actor.is_machine || code == unit;
    let leads = actor.may(Capability::AssignItems);
    let own = node.as_ref().is_some_and(|node| mine(&node.division_code)) && task.is_open();
    let is_root = node.as_ref().is_some_and(|node| node.parent_id.is_none());
    let may = May {
        hand_down: own && leads && division.len() < 12,
        report: own && !is_root,
        decide: own && leads,
        close: leads && is_root && mine(&division),
    };
    Ok(Whole {
        sum: lines.iter().fold(Figures::default(), |sum, line| sum.plus(line.accepted())),
        asked: lines.iter().fold(Figures::default(), |sum, line| sum.plus(line.targets())),
        last_year: last_year(app, &scope, &division, &task).await?,
        below: below.into_iter().map(|one| (one.parent_id, one)).collect(),
        task,
        campaign,
        division,
        node,
        above,
        lines,
        reports,
        events,
        may,
        unit,
    })
}

/// Units that have a task, with how many there are and what counts of them.
///
/// # Errors
/// There is no such task for this reader, or the database fails.
pub async fn nodes(
    app: &App,
    actor: &Actor,
    division: &str,
    filter: &NodeFilter,
) -> Result<(Task, Vec<Node>, i64, Figures), TaskError> {
    may_see(actor)?;
    let task = store::task(&app.db, &actor.scope, filter.task).await?.ok_or(TaskError::NotFound)?;
    let unit = unit_of(app, actor).await?;
    let (_, scope) = place_of(actor, &unit, division);
    let today = app.clock.today().to_string();
    let found = store::nodes(&app.db, &scope, &today, filter).await?;
    let (count, poverty, epidemic) = store::nodes_sum(&app.db, &scope, &today, filter).await?;
    Ok((task, found, count, Figures::new(poverty, epidemic)))
}

/// A report with what it was added up from.
#[derive(Debug, Clone)]
pub struct ReportWhole {
    /// The task.
    pub task: Task,
    /// The report.
    pub report: Report,
    /// The task as the reporting unit has it now.
    pub node: Node,
    /// The reports from below that it added up, with the names of their places.
    pub parts: Vec<(Report, String)>,
    /// What was decided about it, the newest first.
    pub verdicts: Vec<Event>,
}

/// One report.
///
/// # Errors
/// There is none of that id for this reader, or the database fails.
pub async fn report(app: &App, actor: &Actor, id: Uuid) -> Result<ReportWhole, TaskError> {
    may_see(actor)?;
    let report = store::report(&app.db, &actor.scope, id).await?.ok_or(TaskError::NotFound)?;
    let task = store::task(&app.db, &actor.scope, report.task_id).await?.ok_or(TaskError::NotFound)?;
    let node = store::node(&app.db, &actor.scope, report.node_id).await?.ok_or(TaskError::NotFound)?;
    let found = store::parts(&app.db, &actor.scope, id).await?;
    let names: HashMap<Uuid, String> =
        store::right_below(&app.db, &Scope::subtree(&node.division_code), &node.division_code, task.id)
            .await?
            .into_iter()
            .map(|n| (n.id, n.place))
            .collect();
    let parts = found
        .into_iter()
        .map(|part| {
            let name = names.get(&part.node_id).cloned().unwrap_or_else(|| part.division_code.clone());
            (part, name)
        })
        .collect();
    let mut verdicts = store::events(&app.db, node.id).await?;
    verdicts.retain(|event| event.report_id == Some(id) && event.action != "report");
    Ok(ReportWhole { task, report, node, parts, verdicts })
}

/// Who owes a report on any open task of a place, with how many do and how many of them are late.
///
/// # Errors
/// The reader may not, or the database fails.
pub async fn owed(
    app: &App,
    actor: &Actor,
    division: &str,
    late_only: bool,
    page: (i64, i64),
) -> Result<(Vec<OwedLine>, i64, i64), TaskError> {
    may_see(actor)?;
    let unit = unit_of(app, actor).await?;
    let (_, scope) = place_of(actor, &unit, division);
    let today = app.clock.today().to_string();
    let lines = store::owed(&app.db, &scope, &today, late_only, page).await?;
    let (all, late) = store::owed_count(&app.db, &scope, &today).await?;
    Ok((lines, all, late))
}

/// What counted on a past day, by division: of each unit the newest report that was accepted by then.
///
/// # Errors
/// The database fails.
pub(super) async fn counted_on(
    app: &App,
    scope: &Scope,
    task: Uuid,
    day: &str,
) -> Result<HashMap<String, Figures>, TaskError> {
    /// A report, whether it was accepted, and its figures.
    type Verdict = (Uuid, bool, Figures);
    let mut by_node: HashMap<Uuid, (String, Vec<Verdict>)> = HashMap::new();
    for (node, division, action, report, poverty, epidemic) in store::verdicts_until(&app.db, scope, task, day).await? {
        let entry = by_node.entry(node).or_insert_with(|| (division, Vec::new()));
        // A later verdict on the same report takes the place of the one before.
        entry.1.retain(|(known, ..)| *known != report);
        entry.1.push((report, action == "accept", Figures::new(poverty, epidemic)));
    }
    Ok(by_node
        .into_values()
        .filter_map(|(division, verdicts)| {
            let counted = verdicts.iter().rev().find(|(_, accepted, _)| *accepted)?;
            Some((division, counted.2))
        })
        .collect())
}

/// The same task of last year at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastYear {
    /// The task.
    pub task: Task,
    /// The day last year that is compared with today.
    pub day: String,
    /// What counted on that day.
    pub then: Figures,
    /// What counts of it now that it is over.
    pub finally: Figures,
}

/// What the same task had come to by this day last year; none where there is no such task or it is not the reader's to
/// see. A leg is left out whose figure counted something else.
///
/// # Errors
/// The database fails.
pub async fn last_year(app: &App, scope: &Scope, view: &str, task: &Task) -> Result<Option<LastYear>, TaskError> {
    let Some(id) = task.previous_id else {
        return Ok(None);
    };
    let Some(before) = store::task(&app.db, scope, id).await? else {
        return Ok(None);
    };
    let today = app.clock.today();
    let day = today.checked_sub_months(chrono::Months::new(12)).unwrap_or(today).to_string();
    let counted = counted_on(app, scope, id, &day).await?;
    let (mut then, mut finally) = (Figures::default(), Figures::default());
    for node in store::right_below(&app.db, scope, view, id).await? {
        then = then.plus(counted.get(&node.division_code).copied().unwrap_or_default());
        finally = finally.plus(node.accepted());
    }
    for leg in Leg::ALL {
        if before.counts(leg) != task.counts(leg) || task.asked(leg).is_empty() {
            then.set(leg, None);
            finally.set(leg, None);
        }
    }
    Ok(Some(LastYear { task: before, day, then, finally }))
}

/// Lengths of codes to which a unit may hand a task: right below, and below a province its counties too.
///
/// # Errors
/// The database fails.
pub async fn places_below(app: &App, unit: &str, counties: bool) -> Result<Vec<(String, String)>, TaskError> {
    let length = match unit.len() {
        0 | 1 => 2,
        2 if counties => 6,
        2 => 4,
        3 | 4 => 6,
        5 | 6 => 9,
        _ => 12,
    };
    Ok(store::places_below(&app.db, &Scope::subtree(unit), length).await?)
}

/// Tasks of the reader's unit that were due before a day: one may be the same of last year.
///
/// # Errors
/// The database fails.
pub async fn earlier(app: &App, unit: &str) -> Result<Vec<(Uuid, String, String)>, TaskError> {
    Ok(store::earlier(&app.db, unit, &app.clock.today().to_string()).await?)
}
