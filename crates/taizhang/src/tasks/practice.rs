//! Good practice (推广有效做法,以点带面): proposed by the place where it was found, spread by a unit above to its whole place,
//! and taken up, planned or found unfit by each place there.

use chrono::NaiveDate;
use uuid::Uuid;

use super::desk::Desk;
use super::history::{self, Past, Written};
use super::look::place_of;
use super::measure::PROBLEMS;
use super::model::{TEXT_MOST, TITLE_MOST, needed, optional, reason};
use super::{TaskError, may_lead, may_see, practice_store as store, unit_of};
use crate::access::Actor;
use crate::access::audit::{self, Entry};
use crate::platform::App;
use crate::register::divisions::CODE_LENGTHS;

/// What a place may make of a practice. Its text is `task-adoption-…`.
pub const ADOPTIONS: [&str; 3] = ["adopted", "planned", "unfit"];

/// A practice.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
#[allow(missing_docs)]
pub struct Practice {
    pub id: Uuid,
    pub title: String,
    pub body: String,
    pub effect: String,
    pub problem: String,
    pub division_code: String,
    pub unit: String,
    /// proposed, spread or ended.
    pub state: String,
    pub spread_to: String,
    pub spread_on: String,
    pub version: i64,
    pub updated_name: String,
    pub updated_at: i64,
    pub place: String,
    /// Name of the place to which it is spread.
    pub spread_place: String,
}

/// What a place made of it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Adoption {
    pub division_code: String,
    pub state: String,
    pub since: String,
    pub note: String,
    pub version: i64,
    pub updated_name: String,
    pub updated_at: i64,
    pub place: String,
}

/// A practice to be proposed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct NewPractice {
    /// Made with the form.
    pub id: Uuid,
    /// What it is called.
    pub title: String,
    /// How it is done.
    pub body: String,
    /// What it has brought.
    pub effect: String,
    /// What it answers; see [`PROBLEMS`].
    pub problem: String,
}

/// Proposes a practice of the actor's own place; the same form again changes nothing.
///
/// # Errors
/// A field is empty, or the database fails.
pub async fn propose(app: &App, actor: &Actor, new: NewPractice) -> Result<Uuid, TaskError> {
    may_see(actor)?;
    let desk = Desk::open(app, actor).await?;
    let payload = serde_json::json!({ "new": new, "by": actor.user_id }).to_string();
    if !PROBLEMS.contains(&new.problem.as_str()) {
        return Err(TaskError::Field("problem"));
    }
    let one = Practice {
        id: new.id,
        title: needed("title", &new.title, TITLE_MOST)?,
        body: needed("body", &new.body, TEXT_MOST)?,
        effect: needed("effect", &new.effect, TEXT_MOST)?,
        problem: new.problem,
        division_code: desk.unit.clone(),
        unit: desk.unit_name.clone(),
        state: "proposed".to_owned(),
        spread_to: String::new(),
        spread_on: String::new(),
        version: 1,
        updated_name: actor.name.clone(),
        updated_at: desk.now,
        place: String::new(),
        spread_place: String::new(),
    };
    app.db
        .write::<_, TaskError, _>(move |tx| {
            Box::pin(async move {
                if history::repeated(tx, one.id, &payload).await? {
                    return Ok(one.id);
                }
                if !store::insert(tx, &one).await? {
                    return if history::repeated(tx, one.id, &payload).await? {
                        Ok(one.id)
                    } else {
                        Err(TaskError::NotFound)
                    };
                }
                let written = Written {
                    event: one.id,
                    object: one.id,
                    division: &one.division_code,
                    seq: 1,
                    action: "propose",
                    note: "",
                    data: serde_json::Value::Null,
                    payload: &payload,
                };
                history::append(tx, &desk.stamp(), written).await?;
                let detail = serde_json::json!({ "title": one.title, "problem": one.problem });
                let entry = Entry {
                    action: "practice.propose",
                    object_kind: "practice",
                    object_id: one.id.to_string(),
                    division_code: &one.division_code,
                    reason: "",
                    detail,
                };
                audit::record(tx, &desk.actor, entry, desk.now).await?;
                Ok(one.id)
            })
        })
        .await
}

/// Spreads a practice to the actor's whole place, or ends its spreading.
///
/// # Errors
/// The practice is not one of the actor's place, it is spread further already, somebody else was first, no reason is said
/// for an end, or the database fails.
pub async fn spread(
    app: &App,
    actor: &Actor,
    id: Uuid,
    event: Uuid,
    version: i64,
    end: bool,
    why: String,
) -> Result<(), TaskError> {
    may_see(actor)?;
    let desk = Desk::open(app, actor).await?;
    let payload = serde_json::json!({ "on": id, "end": end, "why": why, "by": actor.user_id }).to_string();
    app.db
        .write::<_, TaskError, _>(move |tx| {
            Box::pin(async move {
                let mut one = store::one_in(tx, &desk.actor.scope, &desk.unit, id).await?.ok_or(TaskError::NotFound)?;
                may_lead(&desk.actor)?;
                if history::repeated(tx, event, &payload).await? {
                    return Ok(());
                }
                let before = serde_json::json!({
                    "state": one.state, "spread_to": one.spread_to, "spread_on": one.spread_on,
                });
                if one.version != version {
                    return Err(TaskError::Stale { who: one.updated_name, at: one.updated_at });
                }
                let note = if end {
                    if one.state == "ended" {
                        return Err(TaskError::State { state: "task-practice-ended".to_owned() });
                    }
                    // Whoever spread it ends that; before, the place that it comes from takes it back.
                    let whose = if one.state == "spread" { &one.spread_to } else { &one.division_code };
                    let name = if one.state == "spread" { &one.spread_place } else { &one.place };
                    desk.own(whose, name)?;
                    one.state = "ended".to_owned();
                    reason(&why)?
                } else {
                    // A place that lies inside of the one to which it is spread has it already.
                    if !one.division_code.starts_with(&desk.unit)
                        || (one.state == "spread" && desk.unit.starts_with(&one.spread_to))
                    {
                        return Err(TaskError::State { state: format!("task-practice-{}", one.state) });
                    }
                    one.state = "spread".to_owned();
                    one.spread_to.clone_from(&desk.unit);
                    one.spread_on.clone_from(&desk.day);
                    optional("note", &why, TEXT_MOST)?
                };
                one.updated_name.clone_from(&desk.actor.name);
                one.updated_at = desk.now;
                if !store::set(tx, &one).await? {
                    if history::repeated(tx, event, &payload).await? {
                        return Ok(());
                    }
                    return Err(TaskError::Stale { who: String::new(), at: desk.now });
                }
                let action = if end { "end" } else { "spread" };
                let written = Written {
                    event,
                    object: one.id,
                    division: &one.division_code,
                    seq: version + 1,
                    action,
                    note: &note,
                    data: before,
                    payload: &payload,
                };
                history::append(tx, &desk.stamp(), written).await?;
                let detail = serde_json::json!({ "title": one.title, "to": one.spread_to });
                if end {
                    let entry = Entry {
                        action: "practice.end",
                        object_kind: "practice",
                        object_id: one.id.to_string(),
                        division_code: &one.division_code,
                        reason: &note,
                        detail,
                    };
                    audit::record(tx, &desk.actor, entry, desk.now).await?;
                } else {
                    let entry = Entry {
                        action: "practice.spread",
                        object_kind: "practice",
                        object_id: one.id.to_string(),
                        division_code: &one.division_code,
                        reason: &note,
                        detail,
                    };
                    audit::record(tx, &desk.actor, entry, desk.now).await?;
                }
                Ok(())
            })
        })
        .await
}

/// What a place makes of a practice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopt {
    /// The practice.
    pub id: Uuid,
    /// Made with the form.
    pub event: Uuid,
    /// Version of what the place said before; 0 for nothing.
    pub version: i64,
    /// See [`ADOPTIONS`].
    pub state: String,
    /// Since when.
    pub since: NaiveDate,
    /// How, or why not.
    pub note: String,
}

/// Says what the actor's own place makes of a practice; what it said before stays in the history.
///
/// # Errors
/// The practice is not spread to the place, somebody else was first, no reason is said where it is unfit, or the database
/// fails.
pub async fn adopt(app: &App, actor: &Actor, adopt: Adopt) -> Result<(), TaskError> {
    may_see(actor)?;
    let desk = Desk::open(app, actor).await?;
    let today = app.clock.today();
    let payload = serde_json::json!({
        "on": adopt.id, "state": adopt.state, "since": adopt.since, "note": adopt.note, "unit": desk.unit,
        "by": actor.user_id,
    })
    .to_string();
    app.db
        .write::<_, TaskError, _>(move |tx| {
            Box::pin(async move {
                let one =
                    store::one_in(tx, &desk.actor.scope, &desk.unit, adopt.id).await?.ok_or(TaskError::NotFound)?;
                if history::repeated(tx, adopt.event, &payload).await? {
                    return Ok(());
                }
                if one.state != "spread" || !desk.unit.starts_with(&one.spread_to) {
                    return Err(TaskError::State { state: format!("task-practice-{}", one.state) });
                }
                if !ADOPTIONS.contains(&adopt.state.as_str()) {
                    return Err(TaskError::Field("adoption"));
                }
                if adopt.state == "adopted" && adopt.since > today {
                    return Err(TaskError::Day { field: "since", given: adopt.since.to_string() });
                }
                let note = if adopt.state == "unfit" {
                    reason(&adopt.note)?
                } else {
                    optional("note", &adopt.note, TEXT_MOST)?
                };
                let known = store::adoption_in(tx, one.id, &desk.unit).await?;
                let next = Adoption {
                    division_code: desk.unit.clone(),
                    state: adopt.state.clone(),
                    since: adopt.since.to_string(),
                    note,
                    version: adopt.version,
                    updated_name: desk.actor.name.clone(),
                    updated_at: desk.now,
                    place: String::new(),
                };
                if !store::put_adoption(tx, one.id, &next).await? {
                    if history::repeated(tx, adopt.event, &payload).await? {
                        return Ok(());
                    }
                    let (who, at) =
                        known.as_ref().map_or((String::new(), desk.now), |k| (k.updated_name.clone(), k.updated_at));
                    return Err(TaskError::Stale { who, at });
                }
                let before = known.map_or(
                    serde_json::Value::Null,
                    |known| serde_json::json!({ "state": known.state, "since": known.since, "note": known.note }),
                );
                let written = Written {
                    event: adopt.event,
                    object: one.id,
                    division: &desk.unit,
                    seq: adopt.version + 1,
                    action: "adopt",
                    note: &next.note,
                    data: serde_json::json!({ "state": next.state, "unit": desk.unit_name, "before": before }),
                    payload: &payload,
                };
                history::append(tx, &desk.stamp(), written).await?;
                let detail = serde_json::json!({ "title": one.title, "state": next.state, "unit": desk.unit });
                let entry = Entry {
                    action: "practice.adopt",
                    object_kind: "practice",
                    object_id: one.id.to_string(),
                    division_code: &desk.unit,
                    reason: &next.note,
                    detail,
                };
                audit::record(tx, &desk.actor, entry, desk.now).await?;
                Ok(())
            })
        })
        .await
}

/// A practice with what the places of the reader's own made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The practice.
    pub practice: Practice,
    /// Places that took it up.
    pub adopted: i64,
    /// Places that mean to.
    pub planned: i64,
    /// Places where it does not fit.
    pub unfit: i64,
}

/// Practices of the reader's place, and those spread to it, the newest first.
///
/// # Errors
/// The reader may not, or the database fails.
pub async fn list(app: &App, actor: &Actor, state: &str, problem: &str) -> Result<Vec<Line>, TaskError> {
    may_see(actor)?;
    let unit = unit_of(app, actor).await?;
    let found = store::list(&app.db, &actor.scope, &unit).await?;
    let counts = store::counts(&app.db, &actor.scope).await?;
    let of = |id: Uuid, state: &str| {
        counts.iter().find(|(known, s, _)| *known == id && s == state).map_or(0, |(.., count)| *count)
    };
    Ok(found
        .into_iter()
        .filter(|one| state.is_empty() || one.state == state)
        .filter(|one| problem.is_empty() || one.problem == problem)
        .map(|practice| Line {
            adopted: of(practice.id, "adopted"),
            planned: of(practice.id, "planned"),
            unfit: of(practice.id, "unfit"),
            practice,
        })
        .collect())
}

/// Adoption in one place right below.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Area {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Villages in it.
    pub villages: i64,
    /// Places in it that took the practice up, itself among them.
    pub adopted: i64,
    /// Of these, villages.
    pub villages_adopted: i64,
    /// Places that mean to.
    pub planned: i64,
    /// Places where it does not fit.
    pub unfit: i64,
    /// What the unit of the place itself says; empty for nothing.
    pub own: String,
}

/// A practice, and what became of it at a place.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The practice.
    pub practice: Practice,
    /// The place that is looked at.
    pub division: String,
    /// What the places right below it made of the practice.
    pub areas: Vec<Area>,
    /// What the reader's own unit said of it.
    pub own: Option<Adoption>,
    /// What is said in the place, place by place.
    pub said: Vec<Adoption>,
    /// What has happened to it, the newest first.
    pub history: Vec<Past>,
    /// Whether the reader may spread it.
    pub may_spread: bool,
    /// Whether the reader may end it.
    pub may_end: bool,
    /// Whether the reader's unit may say what it makes of it.
    pub may_adopt: bool,
}

/// One practice with its adoption by area.
///
/// # Errors
/// There is none of that id for this reader, or the database fails.
pub async fn one(app: &App, actor: &Actor, id: Uuid, division: &str) -> Result<Whole, TaskError> {
    may_see(actor)?;
    let desk = Desk::open(app, actor).await?;
    let practice = store::one(&app.db, &actor.scope, &desk.unit, id).await?.ok_or(TaskError::NotFound)?;
    let (view, scope) = place_of(actor, &desk.unit, division);
    let said = store::adoptions(&app.db, &scope, id).await?;
    let length = CODE_LENGTHS.into_iter().find(|length| *length > view.len()).unwrap_or(12).min(12);
    let mut areas: Vec<Area> = Vec::new();
    if view.len() < 12 {
        for (code, name, villages) in store::areas(&app.db, &scope, i64::try_from(length).unwrap_or(12)).await? {
            let inside: Vec<&Adoption> = said.iter().filter(|one| one.division_code.starts_with(&code)).collect();
            let count =
                |state: &str| i64::try_from(inside.iter().filter(|one| one.state == state).count()).unwrap_or(i64::MAX);
            let in_villages = inside.iter().filter(|one| one.state == "adopted" && one.division_code.len() >= 12);
            areas.push(Area {
                villages,
                adopted: count("adopted"),
                villages_adopted: i64::try_from(in_villages.count()).unwrap_or(i64::MAX),
                planned: count("planned"),
                unfit: count("unfit"),
                own: inside
                    .iter()
                    .find(|one| one.division_code == code)
                    .map(|one| one.state.clone())
                    .unwrap_or_default(),
                code,
                name,
            });
        }
    }
    // What places outside of the reader's own say is theirs.
    let mut history = history::of(app, id).await?;
    let known: Vec<Uuid> = store::history_within(&app.db, &actor.scope, id).await?;
    history.retain(|past| past.action != "adopt" || known.contains(&past.id));
    let leads = may_lead(actor).is_ok();
    let spread = practice.state == "spread";
    let whose = if spread { &practice.spread_to } else { &practice.division_code };
    Ok(Whole {
        own: store::adoptions(&app.db, &actor.scope, id).await?.into_iter().find(|one| one.division_code == desk.unit),
        may_spread: leads
            && practice.division_code.starts_with(&desk.unit)
            && !(spread && desk.unit.starts_with(&practice.spread_to)),
        may_end: leads && practice.state != "ended" && desk.is_unit(whose),
        may_adopt: spread && desk.unit.starts_with(&practice.spread_to),
        practice,
        division: view,
        areas,
        said,
        history,
    })
}
