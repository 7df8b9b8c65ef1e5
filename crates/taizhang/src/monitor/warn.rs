//! Departments' warnings (部门筛查预警): thresholds over signals, drawn on their days, each hit a clue.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Datelike, NaiveDate};

use super::clue_store::{self, ClueLine, NewPush};
use super::clues::{Raise, Subject, raise, write_entry};
use super::error::{MonitorError, Refusal};
use super::model::{Origin, WarningCount, hash};
use super::{Desk, need, store};
use crate::access::{Actor, Capability};
use crate::assess::ask;
use crate::assess::model::Evidence;
use crate::assess::profile::monitoring::PushDay;
use crate::platform::{App, ids};

/// Households of one transaction.
const CHUNK: usize = 200;

/// Which warnings are to be drawn.
#[derive(Debug, Clone, Default)]
pub struct WarnAsked {
    /// One of them; empty for every one.
    pub warning: String,
    /// Also those whose day has not come, or that were drawn for the period already.
    pub now: bool,
}

/// What drawing a warning came to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Push {
    /// The warning.
    pub warning: String,
    /// 2026-03, 2026, or the day.
    pub period: String,
    /// Whether it was drawn: its day has come and it was not drawn for the period before.
    pub drawn: bool,
    /// Households that it holds for.
    pub households: i64,
    /// New clues.
    pub clues: i64,
}

/// The period that a warning is drawn for on a day: the last one whose day has come.
pub fn push_due(day: PushDay, today: NaiveDate) -> String {
    let month = |year: i32, month: u32| format!("{year:04}-{month:02}");
    match day {
        PushDay::Event => today.to_string(),
        PushDay::Monthly(of) if today.day() >= of => month(today.year(), today.month()),
        PushDay::Monthly(_) if today.month() == 1 => month(today.year() - 1, 12),
        PushDay::Monthly(_) => month(today.year(), today.month() - 1),
        PushDay::Yearly(m, d) if (today.month(), today.day()) >= (m, d) => today.year().to_string(),
        PushDay::Yearly(..) => (today.year() - 1).to_string(),
    }
}

/// Draws departments' warnings over the actor's scope. Each household that one holds for gets a clue with what it rests
/// on; the same facts never raise a second.
///
/// # Errors
/// The actor may not run assessments, the profile is faulty, there is no such warning, or the database fails. What was
/// drawn stays; asking again does the rest.
pub async fn warn(app: &App, actor: &Actor, asked: &WarnAsked) -> Result<Vec<Push>, MonitorError> {
    need(actor, Capability::RunAssessment)?;
    let desk = Desk::open(app).await?;
    let today = desk.today();
    let feeds: Vec<_> = desk.profile.warnings.iter().filter(|warning| warning.feed.is_some()).collect();
    if !asked.warning.is_empty() && feeds.iter().all(|warning| warning.id != asked.warning) {
        return Err(Refusal::missing("monitor.no_warning").into());
    }
    let mut out = Vec::new();
    let mut drawn = Vec::new();
    for warning in feeds.into_iter().filter(|warning| asked.warning.is_empty() || warning.id == asked.warning) {
        let Some(feed) = &warning.feed else {
            continue;
        };
        let period = push_due(feed.push_day, desk.day);
        let last = clue_store::last_push(&app.db, &warning.id, actor.scope.root()).await?;
        let due = asked.now || last.is_none_or(|(last, _)| last != period);
        if due {
            drawn.push(warning.id.clone());
        }
        out.push(Push { warning: warning.id.clone(), period, drawn: due, households: 0, clues: 0 });
    }
    if drawn.is_empty() {
        return Ok(out);
    }
    let everybody = desk
        .profile
        .warnings
        .iter()
        .filter(|warning| drawn.contains(&warning.id))
        .any(|warning| warning.feed.as_ref().is_some_and(|feed| feed.when.asks_everybody()));
    let tiers = Arc::new(ask::tiers(&app.db).await?);
    let households = ask::households(&app.db, &actor.scope, everybody).await?;
    let drawn = Arc::new(drawn);
    for chunk in households.chunks(CHUNK) {
        let (desk, actor, tiers, drawn, chunk) =
            (desk.clone(), actor.clone(), Arc::clone(&tiers), Arc::clone(&drawn), chunk.to_vec());
        let found: BTreeMap<String, (i64, i64)> = app
            .db
            .write::<_, MonitorError, _>(move |tx| {
                Box::pin(async move {
                    let mut found: BTreeMap<String, (i64, i64)> = BTreeMap::new();
                    let views = ask::views(tx, &chunk, &desk.profile, desk.day).await?;
                    for view in &views {
                        for warning in desk.profile.warnings.iter().filter(|warning| drawn.contains(&warning.id)) {
                            let Some(feed) = &warning.feed else {
                                continue;
                            };
                            let Some(evidence) = ask::why(&feed.when, view, &tiers, desk.day) else {
                                continue;
                            };
                            let known = store::households(tx, &[view.id]).await?.pop();
                            let Some(subject) = known.map(Subject::of) else {
                                continue;
                            };
                            let clue = Raise {
                                key: key(&warning.id, view.id, &evidence, &push_due(feed.push_day, desk.day)),
                                event: ids::new_id(),
                                payload: "",
                                origin: Origin::Warning,
                                warning: &warning.id,
                                risk: &feed.risk,
                                said: "",
                                evidence: serde_json::json!(evidence).to_string(),
                                reply: feed.reply,
                            };
                            let new = raise(tx, &desk, &actor, &subject, &clue).await?.is_some();
                            let count = found.entry(warning.id.clone()).or_default();
                            count.0 += 1;
                            count.1 += i64::from(new);
                        }
                    }
                    Ok(found)
                })
            })
            .await?;
        for push in &mut out {
            if let Some((households, clues)) = found.get(&push.warning) {
                push.households += households;
                push.clues += clues;
            }
        }
    }
    let (actor, pushes, now) = (actor.clone(), out.clone(), desk.now);
    app.db
        .write::<_, MonitorError, _>(move |tx| {
            Box::pin(async move {
                let root = actor.scope.root();
                for push in pushes.iter().filter(|push| push.drawn) {
                    let row = NewPush {
                        id: ids::new_id(),
                        warning: &push.warning,
                        period: &push.period,
                        division: root,
                        day: &today,
                        households: push.households,
                        clues: push.clues,
                    };
                    clue_store::insert_push(tx, &row, now).await?;
                }
                write_entry(tx, &actor, "monitor.warn", root, "", serde_json::json!({ "pushes": pushes }), now).await
            })
        })
        .await?;
    Ok(out)
}

/// The key of a clue: the warning, the household, and the signals that it rests on; where it rests on none, the period.
fn key(warning: &str, household: uuid::Uuid, evidence: &[Evidence], period: &str) -> String {
    let mut signals: Vec<String> = evidence
        .iter()
        .filter_map(|entry| match entry {
            Evidence::Signal { kind, source, row_key, .. } => Some(format!("{kind}|{source}|{row_key}")),
            _ => None,
        })
        .collect();
    signals.sort();
    signals.dedup();
    if signals.is_empty() {
        signals.push(period.to_owned());
    }
    let signals: Vec<&str> = signals.iter().map(String::as_str).collect();
    format!("w:{warning}:{household}:{}", hash(&signals))
}

/// What the warnings of the actor's scope came to, by warning.
///
/// # Errors
/// The database fails.
pub async fn warning_counts(app: &App, actor: &Actor) -> Result<Vec<WarningCount>, MonitorError> {
    need(actor, Capability::ViewItems)?;
    Ok(clue_store::counts(&app.db, &actor.scope, &app.clock.today().to_string()).await?)
}

/// Clues of warnings, those that wait for an answer first; `which` is open, late, confirmed, false_alarm or empty.
///
/// # Errors
/// The database fails.
pub async fn warning_clues(
    app: &App,
    actor: &Actor,
    (warning, which): (&str, &str),
    (page, per_page): (i64, i64),
) -> Result<(Vec<ClueLine>, i64), MonitorError> {
    need(actor, Capability::ViewItems)?;
    let today = app.clock.today().to_string();
    let at = ((page.max(1) - 1) * per_page, per_page);
    Ok(clue_store::list(&app.db, &actor.scope, (warning, which, &today), at).await?)
}

/// The period and day of the last push of a warning over the actor's place.
///
/// # Errors
/// The database fails.
pub async fn last_push(app: &App, actor: &Actor, warning: &str) -> Result<Option<(String, String)>, MonitorError> {
    Ok(clue_store::last_push(&app.db, warning, actor.scope.root()).await?)
}

/// Numbers of the households that a warning raised a clue about, in order.
///
/// # Errors
/// The database fails.
pub async fn households_warned(app: &App, warning: &str) -> Result<Vec<String>, MonitorError> {
    let rows = clue_store::households_warned(&app.db, warning).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}
