//! The board, the month, and reminders by name.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use uuid::Uuid;

use super::board_store::{self, Duty};
use super::clues::write_entry;
use super::error::MonitorError;
use super::flow::Progress;
use super::model::{Count, Filter, Given, Line, REMIND};
use super::{Desk, Moved, go, need, store};
use crate::access::{Actor, Capability, Scope};
use crate::assess::profile::monitoring::Machine;
use crate::platform::{App, ids};
use crate::register;

/// Cases as asked for, and how many there are; a helper gets those of the households that they help.
///
/// # Errors
/// The actor may not, or the database fails.
pub async fn list(app: &App, actor: &Actor, filter: &Filter) -> Result<(Vec<Line>, i64), MonitorError> {
    need(actor, Capability::ViewItems)?;
    let today = app.clock.today().to_string();
    if let Some(own) = register::own_households(app, actor).await? {
        let own: Vec<Uuid> = own.into_iter().collect();
        let lines = board_store::of_households(&app.db, &actor.scope, &own).await?;
        let total = i64::try_from(lines.len()).unwrap_or(i64::MAX);
        return Ok((lines, total));
    }
    let Some(scope) = actor.scope.narrow(&filter.division) else {
        return Ok((Vec::new(), 0));
    };
    Ok(board_store::list(&app.db, &scope, filter, &today).await?)
}

/// Cases by state within a division of the actor's scope.
///
/// # Errors
/// The actor may not, or the database fails.
pub async fn counts(app: &App, actor: &Actor, division: &str) -> Result<Vec<Count>, MonitorError> {
    need(actor, Capability::ViewItems)?;
    let today = app.clock.today().to_string();
    if let Some(own) = register::own_households(app, actor).await? {
        let own: Vec<Uuid> = own.into_iter().collect();
        let mut by: BTreeMap<String, Count> = BTreeMap::new();
        for line in board_store::of_households(&app.db, &actor.scope, &own).await? {
            let new = Count { state: line.state.clone(), phase: line.phase.clone(), cases: 0, late: 0 };
            let count = by.entry(line.state.clone()).or_insert(new);
            count.cases += 1;
            count.late += i64::from(is_late(&line, &today));
        }
        return Ok(by.into_values().collect());
    }
    match actor.scope.narrow(division) {
        Some(scope) => Ok(board_store::counts(&app.db, &scope, &today).await?),
        None => Ok(Vec::new()),
    }
}

pub(crate) fn is_late(line: &Line, today: &str) -> bool {
    ["identify", "monitored", "eliminate"].contains(&line.phase.as_str())
        && !line.deadline.is_empty()
        && line.deadline.as_str() < today
}

/// How many cases of the actor's scope the register says otherwise of.
///
/// # Errors
/// The database fails.
pub async fn differing(app: &App, actor: &Actor, division: &str) -> Result<i64, MonitorError> {
    match actor.scope.narrow(division) {
        Some(scope) if register::own_households(app, actor).await?.is_none() => {
            Ok(board_store::differing(&app.db, &scope).await?)
        }
        _ => Ok(0),
    }
}

/// The divisions right below the actor's own, for the board's filter.
///
/// # Errors
/// The database fails.
pub async fn sub_divisions(app: &App, actor: &Actor) -> Result<Vec<(String, String)>, MonitorError> {
    let below = register::division_children(app, actor.scope.root()).await?;
    Ok(below.into_iter().map(|division| (division.code, division.name)).collect())
}

/// Villages of the actor's scope that have a notice up today: code, name, how many lines.
///
/// # Errors
/// The database fails.
pub async fn villages_with_notice(app: &App, actor: &Actor) -> Result<Vec<(String, String, i64)>, MonitorError> {
    let today = app.clock.today().to_string();
    Ok(board_store::villages_with_notice(&app.db, &actor.scope, &today).await?)
}

/// Figures of one month (月报): each a type, a main risk, and how many.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Month {
    /// First day.
    pub from: NaiveDate,
    /// Last day, or today where the month has not ended.
    pub to: NaiveDate,
    /// Marked in the month.
    pub marked: Vec<(String, String, i64)>,
    /// Eliminated in the month.
    pub eliminated: Vec<(String, String, i64)>,
    /// Monitored at its end.
    pub monitored: Vec<(String, String, i64)>,
}

/// The figures of the month that a day lies in, for a division of the actor's scope.
///
/// # Errors
/// The actor may not, or the database fails.
pub async fn month(app: &App, actor: &Actor, division: &str, day: NaiveDate) -> Result<Month, MonitorError> {
    need(actor, Capability::ViewFigures)?;
    let from = day.with_day(1).unwrap_or(day);
    let next = from.checked_add_months(chrono::Months::new(1)).and_then(|day| day.pred_opt());
    let to = next.unwrap_or(day).min(app.clock.today());
    let scope = actor.scope.narrow(division).unwrap_or_else(|| actor.scope.clone());
    let (first, last) = (from.to_string(), to.to_string());
    let db = &app.db;
    Ok(Month {
        from,
        to,
        marked: board_store::entered(db, &scope, "marked", (&first, &last)).await?,
        eliminated: board_store::entered(db, &scope, "eliminated", (&first, &last)).await?,
        monitored: board_store::monitored_on(db, &scope, &last).await?,
    })
}

/// Somebody with the cases that wait for them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reminder {
    /// Name; empty where nobody is there for the role.
    pub name: String,
    /// Working unit.
    pub unit: String,
    /// Role.
    pub role: String,
    /// Place.
    pub division: String,
}

/// One overdue case and who has to act.
#[derive(Debug, Clone)]
pub struct Overdue {
    /// The case.
    pub line: Line,
    /// Days past the deadline.
    pub days: i64,
    /// Who may take the next step there.
    pub people: Vec<Reminder>,
}

/// The most overdue cases of one list.
const OVERDUE_MOST: i64 = 500;

/// Overdue cases of the actor's scope with the people who have to act, the longest overdue first (逾期橙色预警).
///
/// # Errors
/// The actor may not, or the database fails.
pub async fn overdue(app: &App, actor: &Actor, division: &str) -> Result<Vec<Overdue>, MonitorError> {
    need(actor, Capability::AssignItems)?;
    let desk = Desk::open(app).await?;
    let (_, machine) = desk.policy()?;
    let Some(scope) = actor.scope.narrow(division) else {
        return Ok(Vec::new());
    };
    let filter = Filter { late: true, page: 1, per_page: OVERDUE_MOST, ..Filter::default() };
    let (lines, _) = board_store::list(&app.db, &scope, &filter, &desk.today()).await?;
    let people = board_store::people(&app.db, &scope).await?;
    Ok(lines
        .into_iter()
        .map(|line| {
            let days =
                NaiveDate::parse_from_str(&line.deadline, "%Y-%m-%d").map_or(0, |due| (desk.day - due).num_days());
            Overdue { days, people: responsible(machine, &people, &line), line }
        })
        .collect())
}

/// The nearest people whose role takes a case onward from its state.
fn responsible(machine: &Machine, people: &[Duty], line: &Line) -> Vec<Reminder> {
    let onward: Vec<&str> = machine
        .transitions
        .iter()
        .filter(|step| step.from.contains(&line.state))
        .filter(|step| step.to.as_ref().is_some_and(|to| machine.phase(to).is_open()) || step.needs("measure"))
        .flat_map(|step| step.roles.iter().map(String::as_str))
        .collect();
    let fits =
        |duty: &&Duty| onward.contains(&duty.role.as_str()) && line.division_code.starts_with(&duty.division_code);
    let nearest = people.iter().filter(fits).map(|duty| duty.division_code.len()).max();
    people
        .iter()
        .filter(fits)
        .filter(|duty| Some(duty.division_code.len()) == nearest)
        .map(|duty| Reminder {
            name: duty.name.clone(),
            unit: duty.unit.clone(),
            role: duty.role.clone(),
            division: duty.division_code.clone(),
        })
        .collect()
}

/// Reminds by name: each overdue case keeps who was reminded, and by whom. How many cases; one that somebody changed
/// meanwhile, or that this person reminded of today, is left alone.
///
/// # Errors
/// The actor may not, or the database fails.
pub async fn remind(app: &App, actor: &Actor, division: &str) -> Result<u64, MonitorError> {
    let desk = Desk::open(app).await?;
    let all = overdue(app, actor, division).await?;
    let mut done = 0;
    for one in all {
        let (desk, actor) = (desk.clone(), actor.clone());
        let reminded = app
            .db
            .write::<_, MonitorError, _>(move |tx| {
                Box::pin(async move {
                    let id = one.line.id;
                    store::hold(tx, id).await?;
                    let Some(case) = store::case_in(tx, &actor.scope, id).await? else {
                        return Ok(false);
                    };
                    if !case.is_late(&desk.today()) {
                        return Ok(false);
                    }
                    let (_, machine) = desk.policy()?;
                    let events = store::events_in(tx, id).await?;
                    let today = desk.today();
                    if events.iter().any(|e| e.action == REMIND && e.day == today && e.actor_id == actor.user_id) {
                        return Ok(false);
                    }
                    let progress = Progress::of(machine, &events);
                    let names = one.people.iter().map(|person| person.name.clone()).collect();
                    let state = case.state.clone();
                    let moved = Moved {
                        action: REMIND,
                        to: &state,
                        given: Given { names, ..Given::default() },
                        note: "",
                        event: ids::new_id(),
                        payload: "",
                    };
                    go(tx, &desk, &actor, case, progress, moved).await?;
                    Ok(true)
                })
            })
            .await?;
        done += u64::from(reminded);
    }
    let (actor, now, place) = (actor.clone(), desk.now, division.to_owned());
    app.db
        .write::<_, MonitorError, _>(move |tx| {
            Box::pin(async move {
                let place = if place.is_empty() { actor.scope.root().to_owned() } else { place };
                write_entry(tx, &actor, "monitor.remind", &place, "", serde_json::json!({ "cases": done }), now).await
            })
        })
        .await?;
    Ok(done)
}

/// The scope of one village of an actor; none where it is no village or not theirs.
pub(super) fn village(actor: &Actor, code: &str) -> Option<Scope> {
    (code.len() == 12 && actor.scope.narrow(code).is_some()).then(|| Scope::subtree(code))
}
