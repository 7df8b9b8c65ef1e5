//! Dispatch sessions: the list, one of them with what it demanded, the form.

use axum::extract::{Path, Query};
use axum::response::Response;
use uuid::Uuid;

use super::listed::{SessionRow, session_row};
use super::{Choice, ItemRow, ROWS, Tab, choices, day, fields, first, item_row, on_the_form, page_number, pager, tabs};
use crate::platform::ids;
use crate::supervise::dispatch::{self, CHANNELS, Demand, LEVELS, NewSession, Session, topics};
use crate::supervise::{self, SuperviseError, listing, may_supervise};
use crate::web::{Ctx, Form, Page, WebError};

/// Empty demands that the form begins with.
const BLANK: usize = 3;

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    page: String,
    listing: String,
    division: String,
}

#[derive(askama::Template)]
#[template(path = "supervise_sessions.html")]
struct IndexPage {
    page: Page,
    tabs: Vec<Tab>,
    as_of: String,
    rows: Vec<SessionRow>,
    summary: String,
    prev: String,
    next: String,
    may: bool,
}

/// The sessions of the reader's area.
pub(super) async fn index(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let page = ctx.page("nav-supervise");
    let at = page_number(&asked.page);
    let (found, total) = dispatch::sessions(&ctx.app, &ctx.actor, ((at - 1) * ROWS, ROWS)).await?;
    let rows: Vec<SessionRow> = found.into_iter().map(|session| session_row(&page, session)).collect();
    let (summary, prev, next) = pager(&page, at, rows.len(), total, |to| format!("/supervise/sessions?page={to}"));
    let view = IndexPage {
        tabs: tabs(&ctx, "/supervise/sessions"),
        as_of: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        rows,
        summary,
        prev,
        next,
        may: may_supervise(&ctx.actor),
        page,
    };
    ctx.render(&view)
}

/// A demand as the form shows it.
#[derive(Default)]
struct Blank {
    text: String,
    unit: String,
    person: String,
    due: String,
    place: String,
    topics: Vec<Choice>,
    levels: Vec<Choice>,
}

/// The form as it is filled in.
#[derive(Debug, Clone, Default)]
struct Draft {
    id: String,
    listing: String,
    division: String,
    channel: String,
    held_on: String,
    title: String,
    chair: String,
    attendees: String,
    minutes: String,
    /// Text, topic, level, unit, person, place, day of each demand.
    demands: Vec<[String; 7]>,
}

const DEMAND: [&str; 7] =
    ["demand_text", "demand_topic", "demand_level", "demand_unit", "demand_person", "demand_place", "demand_due"];

impl Draft {
    fn of(form: &[(String, String)]) -> Self {
        let text = |name: &str| first(form, name).to_owned();
        let columns = DEMAND.map(|name| fields(form, name).map(str::to_owned).collect::<Vec<_>>());
        let most = columns.iter().map(Vec::len).max().unwrap_or(0);
        let mut demands = Vec::with_capacity(most);
        for at in 0..most {
            demands.push(columns.each_ref().map(|column| column.get(at).cloned().unwrap_or_default()));
        }
        Self {
            id: text("id"),
            listing: text("listing"),
            division: text("division"),
            channel: text("channel"),
            held_on: text("held_on"),
            title: text("title"),
            chair: text("chair"),
            attendees: text("attendees"),
            minutes: text("minutes"),
            demands,
        }
    }
}

#[derive(askama::Template)]
#[template(path = "supervise_session_form.html")]
struct FormPage {
    page: Page,
    draft: Draft,
    place: String,
    channels: Vec<Choice>,
    demands: Vec<Blank>,
    today: String,
    error: String,
}

async fn form_page(ctx: &Ctx, draft: Draft, error: String) -> Result<Response, WebError> {
    let page = ctx.page("nav-supervise");
    let (_, policy) = supervise::policy(&ctx.app, &ctx.actor).await?;
    let place = match draft.listing.parse::<Uuid>() {
        Ok(id) => listing::whole(&ctx.app, &ctx.actor, &policy, id).await?.standing.listing.place,
        Err(_) => String::new(),
    };
    let blank = |[text, topic, level, unit, person, place, due]: [String; 7]| Blank {
        topics: choices(&page, "supervise-topic", topics(), if topic.is_empty() { "other" } else { &topic }),
        levels: choices(&page, "supervise-level", LEVELS, if level.is_empty() { "affected" } else { &level }),
        text,
        unit,
        person,
        due,
        place,
    };
    let mut demands: Vec<Blank> = draft.demands.iter().cloned().map(blank).collect();
    while demands.len() < BLANK {
        demands.push(blank(Default::default()));
    }
    let view = FormPage {
        channels: choices(&page, "supervise-channel", CHANNELS, &draft.channel),
        place,
        demands,
        today: ctx.app.clock.today().to_string(),
        draft,
        error,
        page,
    };
    ctx.render(&view)
}

/// The form of a new session.
pub(super) async fn new(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let listing = asked.listing.parse::<Uuid>().map(|id| id.to_string()).unwrap_or_default();
    let draft = Draft {
        id: ids::new_id().to_string(),
        listing,
        division: asked.division.chars().take(80).collect(),
        channel: "video".to_owned(),
        held_on: ctx.app.clock.today().to_string(),
        chair: ctx.actor.name.clone(),
        ..Draft::default()
    };
    form_page(&ctx, draft, String::new()).await
}

/// Writes a session down.
pub(super) async fn record(ctx: Ctx, Form(form): Form<Vec<(String, String)>>) -> Result<Response, WebError> {
    let draft = Draft::of(&form);
    let made = async {
        let listing = draft.listing.parse::<Uuid>().ok();
        let code = async |typed: &str| -> Result<String, SuperviseError> {
            if typed.trim().is_empty() {
                return Ok(String::new());
            }
            Ok(supervise::find_place(&ctx.app, &ctx.actor, typed).await?.unwrap_or_else(|| typed.to_owned()))
        };
        let mut demands = Vec::new();
        for [text, topic, level, unit, person, place, due] in &draft.demands {
            // A line in which nothing was written is none.
            if [text, unit, person, place, due].iter().all(|part| part.trim().is_empty()) {
                continue;
            }
            if !due.trim().is_empty() && day(due).is_none() {
                return Err(SuperviseError::invalid("supervise.due", &[("day", due)]));
            }
            demands.push(Demand {
                text: text.clone(),
                topic: topic.clone(),
                level: level.clone(),
                unit: unit.clone(),
                person: person.clone(),
                division: code(place).await?,
                due: day(due),
            });
        }
        let new = NewSession {
            id: draft.id.parse().unwrap_or_else(|_| ids::new_id()),
            division: if listing.is_some() { String::new() } else { code(&draft.division).await? },
            listing,
            channel: draft.channel.clone(),
            held_on: day(&draft.held_on),
            title: draft.title.clone(),
            chair: draft.chair.clone(),
            attendees: draft.attendees.clone(),
            minutes: draft.minutes.clone(),
            demands,
        };
        dispatch::record(&ctx.app, &ctx.actor, new).await
    };
    match made.await {
        Ok(id) => Ok(ctx.redirect_with(&format!("/supervise/sessions/{id}"), "ok", "supervise-session-recorded")),
        Err(error) => {
            let (message, status) = on_the_form(error, ctx.lang)?;
            let mut response = form_page(&ctx, draft, message).await?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}

#[derive(askama::Template)]
#[template(path = "supervise_session.html")]
struct ShowPage {
    page: Page,
    row: SessionRow,
    session: Session,
    listing: String,
    items: Vec<ItemRow>,
    recorded: String,
}

/// One session.
pub(super) async fn show(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let (profile, _) = supervise::policy(&ctx.app, &ctx.actor).await?;
    let (session, items) = dispatch::session(&ctx.app, &ctx.actor, id).await?;
    let page = ctx.page("nav-supervise");
    let today = ctx.app.clock.today();
    let view = ShowPage {
        listing: session.listing_id.map(|id| format!("/supervise/listed/{id}")).unwrap_or_default(),
        recorded: page.t2(
            "supervise-recorded-by",
            "who",
            &session.created_name,
            "when",
            page.time(&session.created_at),
        ),
        row: session_row(&page, session.clone()),
        items: items.into_iter().map(|item| item_row(&page, &profile, item, today)).collect(),
        session,
        page,
    };
    ctx.render(&view)
}
