//! What was put off: the list with what is to be answered first, and one with its history.

use axum::extract::{Path, Query};
use axum::response::Response;
use chrono::NaiveDate;
use uuid::Uuid;

use super::super::TaskError;
use super::super::history::Past;
use super::super::model::{TITLE_MOST, read_day};
use super::super::postponed::{self, Activity, Filter, Kind, NewActivity, Step, Urgency};
use super::{Choice, Count, LEAD, NAV, PastLine, Tab, again, id_or_new, past_line, refused, tabs};
use crate::platform::{UserError, ids};
use crate::register::pages::{Badge, dash};
use crate::web::{Ctx, Form, Page, WebError};

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    which: String,
    kind: String,
}

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    id: String,
    kind: String,
    title: String,
    unit: String,
    contact: String,
    reason: String,
    first_on: String,
    new_on: String,
}

struct Row {
    id: Uuid,
    title: String,
    kind: String,
    unit: String,
    place: String,
    first_on: String,
    new_on: String,
    state: Badge,
    alarm: bool,
    moves: i64,
}

#[derive(askama::Template)]
#[template(path = "postponed.html")]
struct IndexPage {
    page: Page,
    tabs: Vec<Tab>,
    as_of: String,
    which: Vec<Count>,
    rows: Vec<Row>,
    passed: usize,
    kinds: Vec<Choice>,
    form_kinds: Vec<Choice>,
    asked_which: String,
    may_add: bool,
    fields: Fields,
    title_most: usize,
    error: String,
}

fn kind_text(page: &Page, kind: &str) -> String {
    page.t(&format!("task-postponed-kind-{kind}"))
}

fn state(page: &Page, one: &Activity, today: NaiveDate) -> Badge {
    let urgency = one.urgency(today);
    let text = match urgency {
        Urgency::Passed | Urgency::Soon => {
            let days = one.new_on.parse::<NaiveDate>().map_or(0, |day| (day - today).num_days().abs());
            page.t1(&format!("task-urgency-{}-days", urgency.name()), "days", days)
        }
        _ => page.t(&format!("task-urgency-{}", urgency.name())),
    };
    Badge { tone: urgency.tone(), text }
}

async fn index_page(ctx: &Ctx, asked: &Asked, fields: Fields, error: String) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let today = ctx.app.clock.today();
    let kind = Kind::from_name(&asked.kind).map(|kind| kind.name().to_owned()).unwrap_or_default();
    let urgency = Urgency::from_name(&asked.which);
    let filter = Filter { urgency, kind: kind.clone(), all: asked.which == "all" };
    let (found, counts) = postponed::list(&ctx.app, &ctx.actor, &filter).await?;
    let of = |one: Urgency| counts.iter().find(|(known, _)| *known == one).map_or(0, |(_, count)| *count);
    let open: usize = [Urgency::Passed, Urgency::Soon, Urgency::Undated, Urgency::Later].into_iter().map(of).sum();
    let link = |which: &str| format!("/tasks/postponed?which={which}&kind={kind}");
    let mut which = vec![Count {
        href: link(""),
        label: page.t("task-urgency-open"),
        count: open.to_string(),
        active: urgency.is_none() && asked.which != "all",
    }];
    which.extend(Urgency::ALL.into_iter().map(|one| Count {
        href: link(one.name()),
        label: page.t(&format!("task-urgency-{}", one.name())),
        count: of(one).to_string(),
        active: urgency == Some(one),
    }));
    let mut kinds = vec![Choice::new("", page.t("filter.all"), &kind)];
    kinds.extend(Kind::ALL.into_iter().map(|one| Choice::new(one.name(), kind_text(&page, one.name()), &kind)));
    ctx.render(&IndexPage {
        tabs: tabs(ctx, "/tasks/postponed"),
        as_of: page.t1("task-as-of", "day", today),
        rows: found
            .into_iter()
            .map(|one| Row {
                id: one.id,
                kind: kind_text(&page, &one.kind),
                new_on: if one.new_on.is_empty() { page.t("task-urgency-undated") } else { one.new_on.clone() },
                state: state(&page, &one, today),
                alarm: one.urgency(today) == Urgency::Passed,
                title: one.title,
                unit: one.unit,
                place: one.place,
                first_on: one.first_on,
                moves: one.moves,
            })
            .collect(),
        passed: of(Urgency::Passed),
        form_kinds: Kind::ALL
            .into_iter()
            .map(|one| Choice::new(one.name(), kind_text(&page, one.name()), &fields.kind))
            .collect(),
        asked_which: asked.which.clone(),
        may_add: LEAD.allows(&ctx.actor),
        title_most: TITLE_MOST,
        which,
        kinds,
        fields,
        error,
        page,
    })
}

/// What was put off in the reader's place.
pub(super) async fn index(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let fields = Fields { id: ids::new_id().to_string(), ..Fields::default() };
    index_page(&ctx, &asked, fields, String::new()).await
}

fn optional_day(field: &'static str, text: &str) -> Result<Option<NaiveDate>, TaskError> {
    if text.trim().is_empty() { Ok(None) } else { read_day(field, text).map(Some) }
}

/// Writes one down.
pub(super) async fn add(ctx: Ctx, Form(fields): Form<Fields>) -> Result<Response, WebError> {
    let made = async {
        let new = NewActivity {
            id: id_or_new(&fields.id),
            kind: fields.kind.clone(),
            title: fields.title.clone(),
            unit: fields.unit.clone(),
            contact: fields.contact.clone(),
            reason: fields.reason.clone(),
            first_on: read_day("first_on", &fields.first_on)?,
            new_on: optional_day("new_on", &fields.new_on)?,
        };
        postponed::add(&ctx.app, &ctx.actor, new).await
    };
    match made.await {
        Ok(id) => Ok(ctx.redirect_with(&format!("/tasks/postponed/{id}"), "ok", "task-postponed-added")),
        Err(error) if again(&error) => {
            Ok(refused(index_page(&ctx, &Asked::default(), fields, error.message(ctx.lang)).await?))
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct StepFields {
    event: String,
    version: i64,
    step: String,
    day: String,
    note: String,
}

#[derive(askama::Template)]
#[template(path = "postponed_show.html")]
struct ShowPage {
    page: Page,
    id: Uuid,
    title: String,
    sub: String,
    state: Badge,
    first_on: String,
    new_on: String,
    held_on: String,
    moves: i64,
    contact: String,
    reason: String,
    events: Vec<PastLine>,
    open: bool,
    may: bool,
    fields: StepFields,
    error: String,
}

fn line(page: &Page, past: &Past) -> PastLine {
    let tone = match past.action.as_str() {
        "hold" => "ok",
        "cancel" => "mute",
        _ => "",
    };
    let mut out = past_line(page, "postponed", past, tone);
    let before: serde_json::Value = serde_json::from_str(&past.data).unwrap_or_default();
    let day = before.get("new_on").and_then(serde_json::Value::as_str).unwrap_or_default();
    if past.action == "move" {
        let day = if day.is_empty() { page.t("task-urgency-undated") } else { day.to_owned() };
        out.note = format!("{} {}", page.t1("task-day-before", "day", day), out.note);
    }
    out
}

async fn show_page(ctx: &Ctx, id: Uuid, fields: StepFields, error: String) -> Result<Response, WebError> {
    let (one, history, may) = postponed::one(&ctx.app, &ctx.actor, id).await?;
    let page = ctx.page(NAV);
    let today = ctx.app.clock.today();
    ctx.render(&ShowPage {
        id,
        title: one.title.clone(),
        sub: format!("{} · {} · {}", kind_text(&page, &one.kind), one.unit, one.place),
        state: state(&page, &one, today),
        first_on: one.first_on.clone(),
        new_on: if one.new_on.is_empty() { page.t("task-urgency-undated") } else { one.new_on.clone() },
        held_on: one.held_on.clone(),
        moves: one.moves,
        contact: dash(&one.contact),
        reason: one.reason.clone(),
        events: history.iter().map(|past| line(&page, past)).collect(),
        open: one.state == "postponed",
        may,
        fields: StepFields {
            version: if error.is_empty() { one.version } else { fields.version },
            event: if error.is_empty() { ids::new_id().to_string() } else { fields.event.clone() },
            ..fields
        },
        error,
        page,
    })
}

/// One with its history.
pub(super) async fn show(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    show_page(&ctx, id, StepFields::default(), String::new()).await
}

/// Takes a step.
pub(super) async fn act(ctx: Ctx, Path(id): Path<Uuid>, Form(fields): Form<StepFields>) -> Result<Response, WebError> {
    // There or not, before what was sent is looked at.
    postponed::one(&ctx.app, &ctx.actor, id).await?;
    let made = async {
        let step = match fields.step.as_str() {
            "move" => Step::Move(optional_day("new_on", &fields.day)?),
            "hold" => Step::Hold(read_day("held_on", &fields.day)?),
            "cancel" => Step::Cancel,
            "restore" => Step::Restore,
            _ => return Err(TaskError::Field("step")),
        };
        let event = id_or_new(&fields.event);
        postponed::act(&ctx.app, &ctx.actor, id, event, fields.version, step, fields.note.clone()).await
    };
    match made.await {
        Ok(()) => Ok(ctx.redirect_with(&format!("/tasks/postponed/{id}"), "ok", "task-postponed-done")),
        Err(error) if again(&error) => Ok(refused(show_page(&ctx, id, fields, error.message(ctx.lang)).await?)),
        Err(error) => Err(error.into()),
    }
}
