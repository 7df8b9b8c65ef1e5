//! Local measures and policy patches (本地相关措施、政策补丁): what was decided where, in force from when to when, and which
//! problems it answers. Every version is kept.

use chrono::NaiveDate;
use uuid::Uuid;

use super::desk::Desk;
use super::history::{self, Past, Written};
use super::model::{TITLE_MOST, needed, optional, reason};
use super::{TaskError, may_lead, may_see, measure_store as store, unit_of};
use crate::access::Actor;
use crate::access::audit::{self, Entry};
use crate::platform::App;

/// What a measure or a practice may answer: the three impacts and the three difficulties of the time, and what the
/// assistance is for. Its text is `task-problem-…`.
pub const PROBLEMS: [&str; 13] = [
    "out",
    "in",
    "down",
    "living",
    "health",
    "guarantees",
    "labour",
    "stock",
    "projects",
    "environment",
    "laxity",
    "relapse",
    "other",
];

/// Sorts of measures. Its text is `task-measure-…`.
pub const KINDS: [&str; 3] = ["measure", "patch", "package"];

/// The longest text of a measure, characters.
pub const BODY_MOST: usize = 20_000;

/// A measure.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
#[allow(missing_docs)]
pub struct Measure {
    pub id: Uuid,
    pub kind: String,
    pub title: String,
    pub number: String,
    pub issuer: String,
    pub division_code: String,
    pub issued_on: String,
    pub from_day: String,
    /// Empty where it has no end.
    pub until_day: String,
    /// JSON array of [`PROBLEMS`].
    pub problems: String,
    pub body: String,
    pub version: i64,
    pub updated_name: String,
    pub updated_at: i64,
    pub place: String,
}

impl Measure {
    /// Whether it is to come, in force, or over.
    pub fn state(&self, today: NaiveDate) -> &'static str {
        let today = today.to_string();
        if self.from_day > today {
            "coming"
        } else if !self.until_day.is_empty() && self.until_day < today {
            "over"
        } else {
            "in_force"
        }
    }

    /// What it answers.
    pub fn answers(&self) -> Vec<String> {
        serde_json::from_str(&self.problems).unwrap_or_default()
    }
}

/// What a form says of a measure.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Given {
    /// See [`KINDS`].
    pub kind: String,
    /// What it is called.
    pub title: String,
    /// 文号.
    pub number: String,
    /// Who issued it; the actor's own unit if empty.
    pub issuer: String,
    /// When.
    pub issued_on: NaiveDate,
    /// In force from.
    pub from: NaiveDate,
    /// In force until, if it ends.
    pub until: Option<NaiveDate>,
    /// What it answers; see [`PROBLEMS`].
    pub problems: Vec<String>,
    /// Its text.
    pub body: String,
}

/// A form sent for a new measure, or for another version of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Save {
    /// The measure: made with the form for a new one.
    pub id: Uuid,
    /// Made with the form.
    pub event: Uuid,
    /// Version that the form showed; 0 for a new one.
    pub version: i64,
    /// What it says.
    pub given: Given,
    /// Why it is changed; not asked of a new one.
    pub why: String,
}

fn checked(desk: &Desk, save: &Save) -> Result<Measure, TaskError> {
    let given = &save.given;
    if !KINDS.contains(&given.kind.as_str()) {
        return Err(TaskError::Field("kind"));
    }
    let problems: Vec<&str> =
        PROBLEMS.into_iter().filter(|problem| given.problems.iter().any(|given| given == problem)).collect();
    if problems.is_empty() {
        return Err(TaskError::Field("problems"));
    }
    if given.until.is_some_and(|until| until < given.from) {
        return Err(TaskError::Day {
            field: "until",
            given: given.until.map(|day| day.to_string()).unwrap_or_default(),
        });
    }
    let issuer = optional("issuer", &given.issuer, TITLE_MOST)?;
    Ok(Measure {
        id: save.id,
        kind: given.kind.clone(),
        title: needed("title", &given.title, TITLE_MOST)?,
        number: optional("number", &given.number, TITLE_MOST)?,
        issuer: if issuer.is_empty() { desk.unit_name.clone() } else { issuer },
        division_code: desk.unit.clone(),
        issued_on: given.issued_on.to_string(),
        from_day: given.from.to_string(),
        until_day: given.until.map(|day| day.to_string()).unwrap_or_default(),
        problems: serde_json::json!(problems).to_string(),
        body: needed("body", &given.body, BODY_MOST)?,
        version: save.version,
        updated_name: desk.actor.name.clone(),
        updated_at: desk.now,
        place: String::new(),
    })
}

/// Writes a measure down, or another version of it; the same form again changes nothing.
///
/// # Errors
/// The actor may not, it is another unit's, a field is empty, somebody else was first, or the database fails.
pub async fn save(app: &App, actor: &Actor, save: Save) -> Result<Uuid, TaskError> {
    may_see(actor)?;
    let desk = Desk::open(app, actor).await?;
    let payload =
        serde_json::json!({ "of": save.id, "given": save.given, "why": save.why, "by": actor.user_id }).to_string();
    app.db
        .write::<_, TaskError, _>(move |tx| {
            Box::pin(async move {
                let known = store::one_in(tx, &desk.actor.scope, &desk.unit, save.id).await?;
                if save.version > 0 && known.is_none() {
                    return Err(TaskError::NotFound);
                }
                may_lead(&desk.actor)?;
                if history::repeated(tx, save.event, &payload).await? {
                    return Ok(save.id);
                }
                let (mut next, mut before, mut why) = (checked(&desk, &save)?, serde_json::Value::Null, String::new());
                if save.version == 0 {
                    if !store::insert(tx, &next).await? {
                        return if history::repeated(tx, save.event, &payload).await? {
                            Ok(save.id)
                        } else {
                            Err(TaskError::NotFound)
                        };
                    }
                } else if let Some(known) = known {
                    desk.own(&known.division_code, &known.place)?;
                    why = reason(&save.why)?;
                    before = serde_json::json!(known);
                    next.division_code.clone_from(&known.division_code);
                    if !store::replace(tx, &next).await? {
                        if history::repeated(tx, save.event, &payload).await? {
                            return Ok(save.id);
                        }
                        return Err(TaskError::Stale { who: known.updated_name, at: known.updated_at });
                    }
                }
                let written = Written {
                    event: save.event,
                    object: save.id,
                    division: &next.division_code,
                    seq: save.version + 1,
                    action: if save.version == 0 { "add" } else { "edit" },
                    note: &why,
                    data: before,
                    payload: &payload,
                };
                history::append(tx, &desk.stamp(), written).await?;
                let detail = serde_json::json!({
                    "title": next.title, "number": next.number, "from": next.from_day, "until": next.until_day,
                    "version": save.version + 1,
                });
                let entry = Entry {
                    action: "measure.save",
                    object_kind: "measure",
                    object_id: save.id.to_string(),
                    division_code: &next.division_code,
                    reason: &why,
                    detail,
                };
                audit::record(tx, &desk.actor, entry, desk.now).await?;
                Ok(save.id)
            })
        })
        .await
}

/// Which are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// coming, in_force, over; empty for all.
    pub state: String,
    /// Of a kind; empty for all.
    pub kind: String,
    /// Answering a problem; empty for all.
    pub problem: String,
    /// Part of title, number or issuer.
    pub text: String,
}

/// Measures of the reader's place and of those around it, with how many in force answer each problem.
///
/// # Errors
/// The reader may not, or the database fails.
pub async fn list(
    app: &App,
    actor: &Actor,
    filter: &Filter,
) -> Result<(Vec<Measure>, Vec<(&'static str, usize)>), TaskError> {
    may_see(actor)?;
    let unit = unit_of(app, actor).await?;
    let today = app.clock.today();
    let found = store::list(&app.db, &actor.scope, &unit).await?;
    let answers = |one: &Measure, problem: &str| one.answers().iter().any(|known| known == problem);
    let answered = PROBLEMS
        .into_iter()
        .map(|problem| {
            let count = found.iter().filter(|one| one.state(today) == "in_force" && answers(one, problem)).count();
            (problem, count)
        })
        .collect();
    let text = filter.text.trim().to_lowercase();
    let shown = found
        .into_iter()
        .filter(|one| filter.state.is_empty() || one.state(today) == filter.state)
        .filter(|one| filter.kind.is_empty() || one.kind == filter.kind)
        .filter(|one| filter.problem.is_empty() || answers(one, &filter.problem))
        .filter(|one| {
            text.is_empty()
                || [&one.title, &one.number, &one.issuer].iter().any(|field| field.to_lowercase().contains(&text))
        })
        .collect();
    Ok((shown, answered))
}

/// One with its history, the newest first, and whether the reader may change it.
///
/// # Errors
/// There is none of that id for this reader, or the database fails.
pub async fn one(app: &App, actor: &Actor, id: Uuid) -> Result<(Measure, Vec<Past>, bool), TaskError> {
    may_see(actor)?;
    let desk = Desk::open(app, actor).await?;
    let one = store::one(&app.db, &actor.scope, &desk.unit, id).await?.ok_or(TaskError::NotFound)?;
    let may = may_lead(actor).is_ok() && desk.is_unit(&one.division_code);
    let history = history::of(app, id).await?;
    Ok((one, history, may))
}
