//! What the register says of monitoring: cases are taken over from it as they stand, without steps that nobody took;
//! and a file that says otherwise than a case is shown beside it, and moves nothing.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::error::MonitorError;
use super::flow::Progress;
use super::model::{Case, Given, LINK, Origin, REGISTER};
use super::store::{Registered, TakenOver};
use super::{Desk, clues, flow, settle, store};
use crate::access::Actor;
use crate::assess::profile::monitoring::{Machine, MonitoringPolicy, Phase};
use crate::platform::{App, DbError, Lang, Tx, i18n, ids};

/// Cases of one transaction.
const CHUNK: i64 = 500;

/// Takes cases and clues along with households that an import moved, inside its transaction.
///
/// # Errors
/// The database fails.
pub async fn follow_register(tx: &mut Tx) -> Result<(), DbError> {
    store::follow_households(tx).await
}

/// Takes over every household that the register has as monitored, now or once, and that has no case; and ties the cases
/// of applicants to households that came into the register after them. How many of each.
///
/// # Errors
/// The profile is faulty or the database fails; what was done stays, and asking again does the rest.
pub async fn take_over(app: &App, actor: &Actor) -> Result<(u64, u64), MonitorError> {
    let desk = Desk::open(app).await?;
    let mut taken = 0;
    let linked = link(app, actor, &desk).await?;
    loop {
        let (again, who) = (desk.clone(), actor.clone());
        let done = app
            .db
            .write::<_, MonitorError, _>(move |tx| Box::pin(async move { chunk(tx, &again, &who).await }))
            .await?;
        taken += done;
        if done < CHUNK.unsigned_abs() {
            return Ok((taken, linked));
        }
    }
}

async fn chunk(tx: &mut Tx, desk: &Desk, actor: &Actor) -> Result<u64, MonitorError> {
    let (policy, machine) = desk.policy()?;
    let rows = store::without_case(tx, CHUNK).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let year = i64::from(chrono::Datelike::year(&desk.day));
    let mut wanted: BTreeMap<&str, i64> = BTreeMap::new();
    for row in &rows {
        *wanted.entry(row.division_code.get(..6).unwrap_or(&row.division_code)).or_default() += 1;
    }
    let mut next = BTreeMap::new();
    for (county, n) in wanted {
        next.insert(county, store::take_numbers(tx, county, year, n).await? - n);
    }
    let mut all = Vec::new();
    for row in &rows {
        let county = row.division_code.get(..6).unwrap_or(&row.division_code);
        let Some(number) = next.get_mut(county) else {
            continue;
        };
        *number += 1;
        all.push(case_of(desk, policy, machine, row, format!("监测户-{county}-{year}-{number:04}")));
    }
    store::insert_taken_over(tx, &all, desk.now).await?;
    let detail = serde_json::json!({ "cases": all.len() });
    clues::write_entry(tx, actor, "monitor.take_over", actor.scope.root(), "", detail, desk.now).await?;
    Ok(all.len() as u64)
}

/// The first day of a month of the register; the day of its file where it names none.
fn day_of(month: &str, as_of: &str) -> String {
    if month.len() == 7 { format!("{month}-01") } else { as_of.to_owned() }
}

fn type_of<'p>(policy: &'p MonitoringPolicy, label: &'p str) -> &'p str {
    policy.types.iter().find(|known| known.title.zh == label).map_or(label, |known| known.id.as_str())
}

fn case_of(desk: &Desk, policy: &MonitoringPolicy, machine: &Machine, row: &Registered, number: String) -> TakenOver {
    let given = Given {
        kind: type_of(policy, &row.kind).to_owned(),
        risks: serde_json::from_str(&row.risks).unwrap_or_default(),
        ..Given::default()
    };
    let mut steps = vec![(day_of(&row.identified_month, &row.as_of), Phase::Monitored)];
    if row.eliminated {
        let marked = steps.first().map(|step| step.0.clone()).unwrap_or_default();
        steps.push((day_of(&row.eliminated_month, &row.as_of).max(marked), Phase::Eliminated));
    }
    let mut case = Case {
        id: ids::new_id(),
        number,
        household_id: Some(row.household_id),
        division_code: row.division_code.clone(),
        head_name: row.head_name.clone(),
        origin: Origin::Register.name().to_owned(),
        state: String::new(),
        phase: Phase::Ended.name().to_owned(),
        round: 1,
        kind: String::new(),
        main_risk: String::new(),
        risks: "[]".to_owned(),
        green: false,
        opened_on: String::new(),
        state_since: String::new(),
        decide_by: String::new(),
        deadline: String::new(),
        marked_on: String::new(),
        eliminated_on: String::new(),
        notice_from: String::new(),
        notice_to: String::new(),
        profile: desk.name(),
        version: 1,
        updated_at: desk.now,
    };
    let mut progress = Progress::default();
    let mut events = Vec::new();
    for (day, phase) in steps {
        let Some(state) = machine.first_of(phase) else {
            continue;
        };
        let entered = flow::entered(machine, &progress.state, &state.id);
        progress.follow(machine, REGISTER, &state.id, &day, &given);
        events.push((day, state.id.clone(), phase.name().to_owned(), entered, given.clone()));
    }
    settle(&mut case, &progress, policy, machine);
    TakenOver { case, events }
}

/// Ties applicants to the households that they are in by now.
async fn link(app: &App, actor: &Actor, desk: &Desk) -> Result<u64, MonitorError> {
    let (desk, actor) = (desk.clone(), actor.clone());
    app.db
        .write::<_, MonitorError, _>(move |tx| {
            Box::pin(async move {
                let (_, machine) = desk.policy()?;
                let mut by_case: BTreeMap<Uuid, Vec<(Uuid, String, String)>> = BTreeMap::new();
                for (case, household, division, head) in store::found_applicants(tx).await? {
                    by_case.entry(case).or_default().push((household, division, head));
                }
                let mut linked = 0;
                for (id, households) in by_case {
                    let [(household, division, head)] = households.as_slice() else {
                        continue;
                    };
                    if !store::link(tx, id, (*household, division, head)).await? {
                        continue;
                    }
                    let everywhere = crate::access::Scope::everything();
                    let case = store::case_in(tx, &everywhere, id).await?.ok_or(MonitorError::NotFound)?;
                    let progress = Progress::of(machine, &store::events_in(tx, id).await?);
                    let state = case.state.clone();
                    let moved = super::Moved {
                        action: LINK,
                        to: &state,
                        given: Given::default(),
                        note: "",
                        event: ids::new_id(),
                        payload: "",
                    };
                    super::go(tx, &desk, &actor, case, progress, moved).await?;
                    linked += 1;
                }
                store::follow_households(tx).await?;
                Ok(linked)
            })
        })
        .await
}

/// What the register says otherwise than a case: text key, the register's word, the case's.
pub(super) fn differences(
    said: &Registered,
    case: &Case,
    policy: &MonitoringPolicy,
    lang: Lang,
) -> Vec<(&'static str, String, String)> {
    let mut out = Vec::new();
    let phase = case.phase();
    let word = |monitored: bool| i18n::text(lang, if monitored { "monitor-is-monitored" } else { "monitor-is-not" });
    if phase != Phase::Identify && said.eliminated == phase.is_monitored() {
        out.push(("monitor-differs-state", word(!said.eliminated), word(phase.is_monitored())));
    }
    if phase == Phase::Identify || phase == Phase::Ended {
        return out;
    }
    let kind = type_of(policy, &said.kind);
    if kind != case.kind {
        let title = |id: &str| policy.type_title(id, lang).to_owned();
        out.push(("monitor-differs-kind", title(kind), title(&case.kind)));
    }
    let comma = i18n::text(lang, "list-comma");
    let (theirs, ours): (Vec<String>, Vec<String>) =
        (serde_json::from_str(&said.risks).unwrap_or_default(), case.risk_list());
    let same = theirs.len() == ours.len() && theirs.iter().all(|risk| ours.contains(risk));
    if !same {
        out.push(("monitor-differs-risks", theirs.join(&comma), ours.join(&comma)));
    }
    out
}
