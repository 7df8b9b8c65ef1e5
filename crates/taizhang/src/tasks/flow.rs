//! The life of a task: issued, handed down from unit to unit, reported up, accepted or returned, closed.
//!
//! Every step is one event, written with what it changes and its audit entry in one transaction, against the version
//! of the unit's task that its form showed. The same form sent again is one step; two people at once, or a form shown
//! before somebody else's step, end in one outcome and a message for the other.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use uuid::Uuid;

use super::desk::{Desk, Stamp};
use super::model::{
    Figures, Leg, Node, Report, State, TEXT_MOST, TITLE_MOST, Task, UNIT_MOST, needed, optional, reason, series,
};
use super::store::NewEvent;
use super::{TaskError, campaign_store, may_lead, may_see, store};
use crate::access::Actor;
use crate::access::audit::{self, Entry};
use crate::platform::{App, DbError, Tx, ids};
use crate::register::Divisions;

/// Which task is the same of last year.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub enum Previous {
    /// The one of the same unit and title, if there is one.
    #[default]
    SameTitle,
    /// None.
    None,
    /// This one.
    Task(Uuid),
}

/// A task to be issued.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct NewTask {
    /// Made with the form.
    pub id: Uuid,
    /// What it is called.
    pub title: String,
    /// What is asked.
    pub content: String,
    /// Document, meeting or dispatch session that it comes from.
    pub basis: String,
    /// Issuing unit as it is named; the actor's own if empty.
    pub unit: String,
    /// Its division; the actor's own if empty.
    pub division: String,
    /// What is asked on the poverty side; empty for none.
    pub poverty: String,
    /// What its figure counts.
    pub poverty_unit: String,
    /// What is asked on the epidemic side; empty for none.
    pub epidemic: String,
    /// What its figure counts.
    pub epidemic_unit: String,
    /// What is to be reached in all.
    pub targets: Figures,
    /// By when.
    pub due: NaiveDate,
    /// Campaign that it belongs to.
    pub campaign: Option<Uuid>,
    /// The same task of last year.
    pub previous: Previous,
}

/// What a unit below is asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Hand {
    /// Its division.
    pub division: String,
    /// Its targets.
    pub targets: Figures,
    /// By when.
    pub due: NaiveDate,
    /// What is said besides.
    pub note: String,
}

/// A task handed down.
#[derive(Debug, Clone)]
pub struct HandDown {
    /// Made with the form.
    pub event: Uuid,
    /// The task as the unit has it.
    pub node: Uuid,
    /// Version that the form showed.
    pub version: i64,
    /// To whom.
    pub lines: Vec<Hand>,
}

/// A report up.
#[derive(Debug, Clone)]
pub struct NewReport {
    /// Made with the form.
    pub id: Uuid,
    /// The task as the unit has it.
    pub node: Uuid,
    /// Version that the form showed.
    pub version: i64,
    /// Done by the unit itself; what those below have done is added up from what was accepted of them.
    pub own: Figures,
    /// What is said of the poverty side.
    pub said_poverty: String,
    /// What is said of the epidemic side.
    pub said_epidemic: String,
}

/// What is decided about a report.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Made with the form.
    pub event: Uuid,
    /// The task as the reporting unit has it.
    pub node: Uuid,
    /// Version that the form showed.
    pub version: i64,
    /// The report.
    pub report: Uuid,
    /// Accepted, or returned.
    pub accept: bool,
    /// Why it is returned.
    pub reason: String,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The task.
    pub task: Uuid,
    /// Whether it had been done before by the same form.
    pub repeated: bool,
}

async fn write_entry(
    tx: &mut Tx,
    stamp: &Stamp<'_>,
    action: &'static str,
    node: &Node,
    reason: &str,
    detail: serde_json::Value,
) -> Result<(), DbError> {
    let entry = Entry {
        action,
        object_kind: "task",
        object_id: node.task_id.to_string(),
        division_code: &node.division_code,
        reason,
        detail,
    };
    audit::record(tx, stamp.actor, entry, stamp.now).await
}

/// Whether a form was sent before: done already, or used with other words.
async fn repeated(tx: &mut Tx, event: Uuid, payload: &str) -> Result<bool, TaskError> {
    match store::event_known(tx, event).await? {
        None => Ok(false),
        Some((known, ..)) if known == payload => Ok(true),
        Some((_, who, at)) => Err(TaskError::Resent { who, at }),
    }
}

/// Counts the version of a node on, or says who was first; true where the first was this same form.
async fn take(tx: &mut Tx, node: &Node, desk: &Desk, event: Uuid, payload: &str) -> Result<bool, TaskError> {
    if store::touch(tx, node, &desk.stamp()).await? {
        return Ok(false);
    }
    if repeated(tx, event, payload).await? {
        return Ok(true);
    }
    let (who, at) = store::last_change(tx, node.id).await?.unwrap_or_default();
    Err(TaskError::Stale { who, at })
}

/// Issues a task; the same form again changes nothing.
///
/// # Errors
/// The actor may not, what is said of it does not do, or the database fails.
pub async fn issue(app: &App, actor: &Actor, new: NewTask) -> Result<Done, TaskError> {
    may_lead(actor)?;
    let desk = Desk::open(app, actor).await?;
    let division = if new.division.is_empty() { desk.unit.clone() } else { new.division.clone() };
    if !actor.scope.contains(&division) {
        return Err(TaskError::NotFound);
    }
    if !desk.is_unit(&division) {
        return Err(TaskError::Unit { unit: division });
    }
    let task = task_of(&new, &division, &desk)?;
    let (payload, previous) = (serde_json::json!(new).to_string(), new.previous);
    let (targets, scope) = (new.targets, actor.scope.clone());
    app.db
        .write::<_, TaskError, _>(move |tx| {
            Box::pin(async move {
                let mut task = task;
                let id = task.id;
                if repeated(tx, id, &payload).await? {
                    return Ok(Done { task: id, repeated: true });
                }
                if let Some(campaign) = task.campaign_id
                    && campaign_store::campaign_in(tx, &scope, &desk.unit, campaign).await?.is_none()
                {
                    return Err(TaskError::NotFound);
                }
                task.previous_id = match previous {
                    Previous::None => None,
                    Previous::SameTitle => {
                        let year = task.due.get(..4).and_then(|year| year.parse::<i32>().ok()).unwrap_or_default() - 1;
                        let days = (format!("{year}-01-01"), format!("{year}-12-31"));
                        store::same_last_year(tx, &task.division_code, &task.series, (&days.0, &days.1)).await?
                    }
                    Previous::Task(earlier) => {
                        let of = store::of_division_in(tx, earlier, &task.division_code).await?;
                        Some(of.filter(|node| node.parent_id.is_none()).ok_or(TaskError::NotFound)?.task_id)
                    }
                };
                let node = Node {
                    id: ids::new_id(),
                    task_id: id,
                    parent_id: None,
                    division_code: task.division_code.clone(),
                    target_poverty: targets.poverty,
                    target_epidemic: targets.epidemic,
                    due: task.due.clone(),
                    state: State::Issued.name().to_owned(),
                    version: 1,
                    updated_name: desk.actor.name.clone(),
                    updated_at: desk.now,
                    ..blank()
                };
                if !store::insert_task(tx, &task).await? {
                    // The same form, sent twice at the same time.
                    let repeated = repeated(tx, id, &payload).await?;
                    return if repeated { Ok(Done { task: id, repeated }) } else { Err(TaskError::NotFound) };
                }
                store::insert_node(tx, &node).await?;
                let event = NewEvent {
                    id,
                    action: "issue",
                    report: None,
                    note: "",
                    data: serde_json::json!({ "targets": targets, "due": task.due }),
                    payload: &payload,
                };
                store::append(tx, &node, 1, &desk.stamp(), event).await?;
                let detail = serde_json::json!({
                    "title": task.title, "due": task.due, "campaign": task.campaign_id, "previous": task.previous_id,
                    "legs": task.legs().iter().map(|leg| leg.name()).collect::<Vec<_>>(),
                });
                write_entry(tx, &desk.stamp(), "task.issue", &node, "", detail).await?;
                Ok(Done { task: id, repeated: false })
            })
        })
        .await
}

/// A node of nothing, to be filled.
fn blank() -> Node {
    Node {
        id: Uuid::nil(),
        task_id: Uuid::nil(),
        parent_id: None,
        division_code: String::new(),
        target_poverty: None,
        target_epidemic: None,
        due: String::new(),
        note: String::new(),
        state: String::new(),
        reports: 0,
        last_report: None,
        reported_poverty: None,
        reported_epidemic: None,
        reported_on: String::new(),
        accepted_report: None,
        accepted_poverty: None,
        accepted_epidemic: None,
        accepted_on: String::new(),
        reminders: 0,
        version: 1,
        updated_name: String::new(),
        updated_at: 0,
        place: String::new(),
    }
}

fn task_of(new: &NewTask, division: &str, desk: &Desk) -> Result<Task, TaskError> {
    let title = needed("title", &new.title, TITLE_MOST)?;
    let poverty = optional("poverty", &new.poverty, TEXT_MOST)?;
    let epidemic = optional("epidemic", &new.epidemic, TEXT_MOST)?;
    if poverty.is_empty() && epidemic.is_empty() {
        return Err(TaskError::NoLeg);
    }
    let counts = |text: &str, field: &'static str, leg: &str, target: Option<i64>| {
        if !leg.is_empty() {
            return needed(field, text, UNIT_MOST);
        }
        // A target of a leg that is not asked for would be lost without a word.
        if target.is_some() {
            Err(TaskError::Field(if field == "poverty_unit" { "poverty" } else { "epidemic" }))
        } else {
            Ok(String::new())
        }
    };
    if !(2000..2100).contains(&new.due.year()) {
        return Err(TaskError::Day { field: "due", given: new.due.to_string() });
    }
    let unit = optional("unit", &new.unit, TITLE_MOST)?;
    Ok(Task {
        id: new.id,
        series: series(&title),
        content: needed("content", &new.content, TEXT_MOST)?,
        basis: optional("basis", &new.basis, TEXT_MOST)?,
        division_code: division.to_owned(),
        unit: if unit.is_empty() { desk.unit_name.clone() } else { unit },
        poverty_unit: counts(&new.poverty_unit, "poverty_unit", &poverty, new.targets.poverty)?,
        epidemic_unit: counts(&new.epidemic_unit, "epidemic_unit", &epidemic, new.targets.epidemic)?,
        poverty,
        epidemic,
        due: new.due.to_string(),
        campaign_id: new.campaign,
        previous_id: None,
        state: "open".to_owned(),
        created_by: desk.actor.user_id,
        created_name: desk.actor.name.clone(),
        created_at: desk.now,
        title,
    })
}

/// Hands a task down to units below, or changes what was asked of them.
///
/// # Errors
/// It is another unit's, a place does not lie below or has the task from elsewhere, somebody else was first, or the
/// database fails; nothing is changed then.
pub async fn hand_down(app: &App, actor: &Actor, hand: HandDown) -> Result<Done, TaskError> {
    may_see(actor)?;
    let desk = Desk::open(app, actor).await?;
    let divisions = Divisions::load(&app.db).await?;
    let payload = serde_json::json!({ "hand_down": hand.node, "lines": hand.lines, "by": actor.user_id }).to_string();
    app.db
        .write::<_, TaskError, _>(move |tx| {
            Box::pin(async move {
                let node = store::node_in(tx, &desk.actor.scope, hand.node).await?.ok_or(TaskError::NotFound)?;
                may_lead(&desk.actor)?;
                let done = Done { task: node.task_id, repeated: false };
                if repeated(tx, hand.event, &payload).await? {
                    return Ok(Done { repeated: true, ..done });
                }
                desk.own(&node.division_code, &node.place)?;
                let node = Node { version: hand.version, ..node };
                if take(tx, &node, &desk, hand.event, &payload).await? {
                    return Ok(Done { repeated: true, ..done });
                }
                let task = store::task_in(tx, node.task_id).await?;
                if !task.is_open() {
                    return Err(TaskError::Closed);
                }
                if hand.lines.is_empty() {
                    return Err(TaskError::Field("places"));
                }
                let (new, changed) = hand_to(tx, &desk, &task, &node, &divisions, &hand.lines).await?;
                let data = serde_json::json!({ "new": new, "changed": changed });
                let event = NewEvent {
                    id: hand.event,
                    action: "hand_down",
                    report: None,
                    note: "",
                    data: data.clone(),
                    payload: &payload,
                };
                store::append(tx, &node, node.version + 1, &desk.stamp(), event).await?;
                write_entry(tx, &desk.stamp(), "task.hand_down", &node, "", data).await?;
                Ok(done)
            })
        })
        .await
}

async fn hand_to(
    tx: &mut Tx,
    desk: &Desk,
    task: &Task,
    node: &Node,
    divisions: &Divisions,
    lines: &[Hand],
) -> Result<(Vec<String>, Vec<String>), TaskError> {
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    let name = |code: &str| divisions.name(code).unwrap_or(code).to_owned();
    let mut siblings: BTreeMap<String, Node> =
        store::children_in(tx, node.id).await?.into_iter().map(|child| (child.division_code.clone(), child)).collect();
    for line in lines {
        let code = line.division.as_str();
        let known = divisions.get(code).is_some_and(|division| division.valid_to.is_empty());
        if !known || code == node.division_code || !code.starts_with(&node.division_code) {
            return Err(TaskError::Place { place: name(code) });
        }
        let due = line.due.to_string();
        if due > node.due {
            return Err(TaskError::DueLater { given: due, most: node.due.clone() });
        }
        let mut targets = Figures::default();
        for leg in Leg::ALL {
            match (line.targets.get(leg), task.asked(leg).is_empty()) {
                (Some(_), true) => return Err(TaskError::Field(leg.name())),
                (None, false) => return Err(TaskError::Field(leg.target())),
                (target, _) => targets.set(leg, target),
            }
        }
        let note = optional("note", &line.note, TEXT_MOST)?;
        if let Some(mut child) = siblings.get(code).cloned() {
            if child.targets() == targets && child.due == due && child.note == note {
                continue;
            }
            store::hold(tx, child.id).await?;
            let before = serde_json::json!({ "targets": child.targets(), "due": child.due, "note": child.note });
            // Read again: who held it before may have reported.
            child = store::any_node_in(tx, child.id).await?.ok_or(TaskError::NotFound)?;
            (child.target_poverty, child.target_epidemic) = (targets.poverty, targets.epidemic);
            (child.due, child.note) = (due.clone(), note.clone());
            if !store::touch(tx, &child, &desk.stamp()).await? {
                return Err(TaskError::Stale { who: child.updated_name, at: child.updated_at });
            }
            store::set_node(tx, &child).await?;
            let data = serde_json::json!({ "before": before, "targets": targets, "due": due });
            let event =
                NewEvent { id: ids::new_id(), action: "retarget", report: None, note: &note, data, payload: "" };
            store::append(tx, &child, child.version + 1, &desk.stamp(), event).await?;
            changed.push(code.to_owned());
            continue;
        }
        if let Some(other) = siblings.keys().find(|other| other.starts_with(code) || code.starts_with(other.as_str())) {
            let (inner, outer) = if other.starts_with(code) { (other.as_str(), code) } else { (code, other.as_str()) };
            return Err(TaskError::Nested { place: name(inner), other: name(outer) });
        }
        if store::of_division_in(tx, task.id, code).await?.is_some() {
            return Err(TaskError::Handed { place: name(code) });
        }
        let child = Node {
            id: ids::new_id(),
            task_id: task.id,
            parent_id: Some(node.id),
            division_code: code.to_owned(),
            target_poverty: targets.poverty,
            target_epidemic: targets.epidemic,
            due,
            note,
            state: State::Unreported.name().to_owned(),
            version: 1,
            updated_name: desk.actor.name.clone(),
            updated_at: desk.now,
            ..blank()
        };
        store::insert_node(tx, &child).await?;
        let data = serde_json::json!({ "targets": targets, "due": child.due });
        let event =
            NewEvent { id: ids::new_id(), action: "receive", report: None, note: &child.note, data, payload: "" };
        store::append(tx, &child, 1, &desk.stamp(), event).await?;
        new.push(code.to_owned());
        siblings.insert(code.to_owned(), child);
    }
    Ok((new, changed))
}

/// Reports up: what the unit did itself, and what it has accepted from below by now.
///
/// # Errors
/// It is another unit's, a figure or text is missing, the task is closed, somebody else was first, or the database
/// fails.
pub async fn report(app: &App, actor: &Actor, new: NewReport) -> Result<Done, TaskError> {
    may_see(actor)?;
    let desk = Desk::open(app, actor).await?;
    let payload = serde_json::json!({
        "report": new.node, "own": new.own, "poverty": new.said_poverty, "epidemic": new.said_epidemic,
        "by": actor.user_id,
    })
    .to_string();
    app.db
        .write::<_, TaskError, _>(move |tx| {
            Box::pin(async move {
                let mut node = store::node_in(tx, &desk.actor.scope, new.node).await?.ok_or(TaskError::NotFound)?;
                let done = Done { task: node.task_id, repeated: false };
                if repeated(tx, new.id, &payload).await? {
                    return Ok(Done { repeated: true, ..done });
                }
                desk.own(&node.division_code, &node.place)?;
                if node.parent_id.is_none() {
                    return Err(TaskError::State { state: "task-state-issued".to_owned() });
                }
                node.version = new.version;
                if take(tx, &node, &desk, new.id, &payload).await? {
                    return Ok(Done { repeated: true, ..done });
                }
                let task = store::task_in(tx, node.task_id).await?;
                if !task.is_open() {
                    return Err(TaskError::Closed);
                }
                let report = report_of(tx, &desk, &task, &node, &new).await?;
                node.state = State::Reported.name().to_owned();
                node.reports = report.0.number;
                node.last_report = Some(report.0.id);
                let total = report.0.total();
                (node.reported_poverty, node.reported_epidemic) = (total.poverty, total.epidemic);
                node.reported_on.clone_from(&desk.day);
                store::insert_report(tx, &report.0, &report.1).await?;
                store::set_node(tx, &node).await?;
                let data = serde_json::json!({ "number": report.0.number, "figures": total });
                let event = NewEvent {
                    id: new.id,
                    action: "report",
                    report: Some(report.0.id),
                    note: "",
                    data: data.clone(),
                    payload: &payload,
                };
                store::append(tx, &node, node.version + 1, &desk.stamp(), event).await?;
                write_entry(tx, &desk.stamp(), "task.report", &node, "", data).await?;
                Ok(done)
            })
        })
        .await
}

async fn report_of(
    tx: &mut Tx,
    desk: &Desk,
    task: &Task,
    node: &Node,
    new: &NewReport,
) -> Result<(Report, Vec<Uuid>), TaskError> {
    let below = store::children_in(tx, node.id).await?;
    let counted = below.iter().filter(|child| child.accepted_report.is_some());
    let sum = counted.clone().fold(Figures::default(), |sum, child| sum.plus(child.accepted()));
    let parts = counted.filter_map(|child| child.accepted_report).collect();
    let (mut own, mut under) = (Figures::default(), Figures::default());
    for leg in Leg::ALL {
        let given = new.own.get(leg);
        if task.asked(leg).is_empty() {
            if given.is_some() {
                return Err(TaskError::Field(leg.name()));
            }
            continue;
        }
        // Whoever handed the task on may have done nothing of it alone.
        let given = if below.is_empty() { given } else { Some(given.unwrap_or(0)) };
        own.set(leg, Some(given.ok_or(TaskError::Field(leg.name()))?));
        if !below.is_empty() {
            under.set(leg, Some(sum.get(leg).unwrap_or(0)));
        }
    }
    let said = |leg: Leg, text: &str| {
        if task.asked(leg).is_empty() { Ok(String::new()) } else { needed(leg.said(), text, TEXT_MOST) }
    };
    let report = Report {
        id: new.id,
        task_id: task.id,
        node_id: node.id,
        division_code: node.division_code.clone(),
        number: node.reports + 1,
        own_poverty: own.poverty,
        own_epidemic: own.epidemic,
        below_poverty: under.poverty,
        below_epidemic: under.epidemic,
        said_poverty: said(Leg::Poverty, &new.said_poverty)?,
        said_epidemic: said(Leg::Epidemic, &new.said_epidemic)?,
        reported_on: desk.day.clone(),
        by_user: desk.actor.user_id,
        by_name: desk.actor.name.clone(),
        by_unit: desk.unit_name.clone(),
        at: desk.now,
    };
    Ok((report, parts))
}

/// Accepts a report, or returns it with a reason; also one accepted before may be returned.
///
/// # Errors
/// The report is not for this unit to decide, is not the newest, or is decided; somebody else was first; no reason is
/// said; or the database fails.
pub async fn decide(app: &App, actor: &Actor, verdict: Verdict) -> Result<Done, TaskError> {
    may_see(actor)?;
    let desk = Desk::open(app, actor).await?;
    app.db.write::<_, TaskError, _>(move |tx| Box::pin(async move { decide_in(tx, &desk, verdict).await })).await
}

async fn decide_in(tx: &mut Tx, desk: &Desk, verdict: Verdict) -> Result<Done, TaskError> {
    let payload = serde_json::json!({
        "report": verdict.report, "accept": verdict.accept, "reason": verdict.reason, "by": desk.actor.user_id,
    })
    .to_string();
    let mut node = store::node_in(tx, &desk.actor.scope, verdict.node).await?.ok_or(TaskError::NotFound)?;
    may_lead(&desk.actor)?;
    let done = Done { task: node.task_id, repeated: false };
    if repeated(tx, verdict.event, &payload).await? {
        return Ok(Done { repeated: true, ..done });
    }
    let above = match node.parent_id {
        Some(parent) => store::any_node_in(tx, parent).await?.ok_or(TaskError::NotFound)?,
        None => return Err(TaskError::State { state: "task-state-issued".to_owned() }),
    };
    desk.own(&above.division_code, &above.place)?;
    // Nothing is written before everything is judged: where many are decided at once, one that does not pass leaves
    // nothing behind.
    if node.version != verdict.version {
        if repeated(tx, verdict.event, &payload).await? {
            return Ok(Done { repeated: true, ..done });
        }
        return Err(TaskError::Stale { who: node.updated_name, at: node.updated_at });
    }
    if !store::task_in(tx, node.task_id).await?.is_open() {
        return Err(TaskError::Closed);
    }
    let open = match node.state() {
        State::Reported => true,
        // What was accepted in error can be given back, and is not accepted twice.
        State::Accepted => !verdict.accept,
        _ => false,
    };
    if !open {
        return Err(TaskError::State { state: format!("task-state-{}", node.state) });
    }
    if node.last_report != Some(verdict.report) {
        return Err(TaskError::Stale { who: node.updated_name, at: node.updated_at });
    }
    let why = if verdict.accept { optional("reason", &verdict.reason, TEXT_MOST)? } else { reason(&verdict.reason)? };
    if take(tx, &node, desk, verdict.event, &payload).await? {
        return Ok(Done { repeated: true, ..done });
    }
    if verdict.accept {
        node.state = State::Accepted.name().to_owned();
        let reported = node.reported();
        count(&mut node, Some((verdict.report, reported, desk.day.clone())));
    } else {
        node.state = State::Returned.name().to_owned();
        let counted = still_accepted(tx, node.id, verdict.report).await?;
        count(&mut node, counted);
    }
    store::set_node(tx, &node).await?;
    let action = if verdict.accept { "accept" } else { "return" };
    let data = serde_json::json!({ "number": node.reports, "figures": node.reported() });
    let event = NewEvent {
        id: verdict.event,
        action,
        report: Some(verdict.report),
        note: &why,
        data: data.clone(),
        payload: &payload,
    };
    store::append(tx, &node, node.version + 1, &desk.stamp(), event).await?;
    if verdict.accept {
        write_entry(tx, &desk.stamp(), "task.accept", &node, &why, data).await?;
    } else {
        write_entry(tx, &desk.stamp(), "task.return", &node, &why, data).await?;
    }
    Ok(done)
}

/// Writes which report counts.
fn count(node: &mut Node, counted: Option<(Uuid, Figures, String)>) {
    let (report, figures, day) = match counted {
        Some((report, figures, day)) => (Some(report), figures, day),
        None => (None, Figures::default(), String::new()),
    };
    node.accepted_report = report;
    (node.accepted_poverty, node.accepted_epidemic) = (figures.poverty, figures.epidemic);
    node.accepted_on = day;
}

/// The newest report that stays accepted once `returned` is given back.
async fn still_accepted(tx: &mut Tx, node: Uuid, returned: Uuid) -> Result<Option<(Uuid, Figures, String)>, TaskError> {
    let mut seen = vec![returned];
    for (report, action, day) in store::verdicts_in(tx, node).await? {
        if seen.contains(&report) {
            continue;
        }
        seen.push(report);
        if action == "accept"
            && let Some(found) = store::report_in(tx, report).await?
        {
            return Ok(Some((report, found.total(), day)));
        }
    }
    Ok(None)
}

/// What came of many decisions at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Many {
    /// Accepted.
    pub accepted: usize,
    /// Left as they were, because somebody had been there since or they are not this unit's.
    pub left: usize,
}

/// Accepts many reports, each as its line showed it; what has changed since is left alone and counted.
///
/// # Errors
/// The actor may not, or the database fails; nothing is accepted then.
pub async fn accept_many(app: &App, actor: &Actor, lines: Vec<(Uuid, i64, Uuid)>) -> Result<Many, TaskError> {
    may_lead(actor)?;
    let desk = Desk::open(app, actor).await?;
    app.db
        .write::<_, TaskError, _>(move |tx| {
            Box::pin(async move {
                let mut many = Many::default();
                for (node, version, report) in lines {
                    let verdict =
                        Verdict { event: ids::new_id(), node, version, report, accept: true, reason: String::new() };
                    match decide_in(tx, &desk, verdict).await {
                        Ok(_) => many.accepted += 1,
                        Err(TaskError::Db(error)) => return Err(error.into()),
                        Err(_) => many.left += 1,
                    }
                }
                Ok(many)
            })
        })
        .await
}

/// Reminds units that owe a report (催报); those that owe none or are not this unit's to ask are left out. How many were.
///
/// # Errors
/// The actor may not, or the database fails.
pub async fn remind(app: &App, actor: &Actor, nodes: Vec<Uuid>) -> Result<usize, TaskError> {
    may_lead(actor)?;
    let desk = Desk::open(app, actor).await?;
    app.db
        .write::<_, TaskError, _>(move |tx| {
            Box::pin(async move {
                let mut reminded = 0;
                for id in nodes {
                    let Some(node) = store::node_in(tx, &desk.actor.scope, id).await? else {
                        continue;
                    };
                    let Some(parent) = node.parent_id else {
                        continue;
                    };
                    let above = store::any_node_in(tx, parent).await?;
                    let asks = above.is_some_and(|above| desk.is_unit(&above.division_code));
                    if !asks || !node.state().owes() || !store::task_in(tx, node.task_id).await?.is_open() {
                        continue;
                    }
                    if !store::touch(tx, &node, &desk.stamp()).await? {
                        continue;
                    }
                    let node = Node { reminders: node.reminders + 1, ..node };
                    store::set_node(tx, &node).await?;
                    let data = serde_json::json!({ "due": node.due, "times": node.reminders });
                    let event = NewEvent {
                        id: ids::new_id(),
                        action: "remind",
                        report: None,
                        note: "",
                        data: data.clone(),
                        payload: "",
                    };
                    store::append(tx, &node, node.version + 1, &desk.stamp(), event).await?;
                    write_entry(tx, &desk.stamp(), "task.remind", &node, "", data).await?;
                    reminded += 1;
                }
                Ok(reminded)
            })
        })
        .await
}

/// Closes a task, or opens it again, with a reason. Only the unit that issued it.
///
/// # Errors
/// It is another unit's, it is so already, no reason is said, somebody else was first, or the database fails.
pub async fn close(
    app: &App,
    actor: &Actor,
    id: Uuid,
    event: Uuid,
    version: i64,
    open: bool,
    why: String,
) -> Result<Done, TaskError> {
    may_see(actor)?;
    let desk = Desk::open(app, actor).await?;
    let task = store::task(&app.db, &actor.scope, id).await?.ok_or(TaskError::NotFound)?;
    may_lead(actor)?;
    let payload = serde_json::json!({ "close": id, "open": open, "why": why, "by": actor.user_id }).to_string();
    app.db
        .write::<_, TaskError, _>(move |tx| {
            Box::pin(async move {
                let done = Done { task: id, repeated: false };
                if repeated(tx, event, &payload).await? {
                    return Ok(Done { repeated: true, ..done });
                }
                let node = store::of_division_in(tx, id, &task.division_code).await?.ok_or(TaskError::NotFound)?;
                desk.own(&node.division_code, &node.place)?;
                let node = Node { version, ..node };
                if take(tx, &node, &desk, event, &payload).await? {
                    return Ok(Done { repeated: true, ..done });
                }
                let now = store::task_in(tx, id).await?;
                match (open, now.is_open()) {
                    (true, true) => return Err(TaskError::Open),
                    (false, false) => return Err(TaskError::Closed),
                    _ => {}
                }
                let why = reason(&why)?;
                store::set_task_state(tx, id, if open { "open" } else { "closed" }).await?;
                let action = if open { "reopen" } else { "close" };
                let written = NewEvent {
                    id: event,
                    action,
                    report: None,
                    note: &why,
                    data: serde_json::json!({}),
                    payload: &payload,
                };
                store::append(tx, &node, node.version + 1, &desk.stamp(), written).await?;
                let detail = serde_json::json!({ "title": now.title });
                if open {
                    write_entry(tx, &desk.stamp(), "task.reopen", &node, &why, detail).await?;
                } else {
                    write_entry(tx, &desk.stamp(), "task.close", &node, &why, detail).await?;
                }
                Ok(done)
            })
        })
        .await
}
