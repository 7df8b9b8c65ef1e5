//! Listed counties and villages: the list, one of them with its battle plan, the forms.

use axum::extract::{Path, Query};
use axum::response::Response;
use uuid::Uuid;

use super::{Figure, ItemRow, Tab, address, day, item_row, on_the_form, tabs};
use crate::access::Capability;
use crate::monitor;
use crate::platform::{i18n, ids};
use crate::register::pages::{Badge, dash, grouped};
use crate::supervise::dispatch::Session;
use crate::supervise::listing::{self, CONTENTS, Change, Entered, Listing, Standing};
use crate::supervise::{self, SuperviseError, may_supervise};
use crate::web::{Ctx, Form, Page, WebError};

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    show: String,
    division: String,
    content: String,
}

struct Line {
    href: String,
    place: String,
    kind: String,
    period: String,
    state: Badge,
    leader: String,
    owner: String,
    reached: String,
    reached_of: i64,
    open: Figure,
    stuck: Figure,
    findings: Figure,
    session: String,
    orange: bool,
}

fn who(name: &str, unit: &str) -> String {
    let parts: Vec<&str> = [unit, name].into_iter().filter(|part| !part.is_empty()).collect();
    dash(&parts.join(" "))
}

fn state(page: &Page, listing: &Listing, today: &str) -> Badge {
    let (tone, key) = if !listing.lifted_on.is_empty() {
        ("ok", "supervise-lifted")
    } else if listing.to_day.as_str() < today {
        ("danger", "supervise-listing-late")
    } else {
        ("warn", "supervise-listing-now")
    };
    Badge { tone, text: page.t1(key, "day", &listing.lifted_on) }
}

fn figure(label: String, n: i64, href: String) -> Figure {
    Figure { label, text: grouped(n), href: if n > 0 { href } else { String::new() }, alarm: false }
}

fn line(page: &Page, standing: &Standing, today: &str) -> Line {
    let listing = &standing.listing;
    let place = listing.division_code.as_str();
    let href = format!("/supervise/listed/{}", listing.id);
    Line {
        place: listing.place.clone(),
        kind: page.t(if place.len() == 6 { "supervise-listing-county" } else { "supervise-listing-village" }),
        period: page.t2("screen-round-period", "from", &listing.from_day, "to", &listing.to_day),
        state: state(page, listing, today),
        leader: who(&listing.leader_name, &listing.leader_unit),
        owner: who(&listing.owner_name, &listing.owner_unit),
        reached: format!("{} / {}", standing.reached, CONTENTS.len()),
        reached_of: standing.reached,
        open: figure(
            page.t("supervise-open"),
            standing.open,
            address("/ledger", &[("mine", "0"), ("state", "open"), ("division", place)]),
        ),
        stuck: figure(page.t("supervise-stuck"), standing.stuck, address("/supervise/list", &[("division", place)])),
        findings: Figure {
            label: page.t("supervise-findings"),
            text: format!("{} / {}", standing.findings.0, standing.findings.1),
            href: if standing.findings.1 > 0 { format!("{href}#findings") } else { String::new() },
            alarm: false,
        },
        session: if standing.sessions.0 == 0 {
            page.t("supervise-no-session")
        } else {
            page.t2("supervise-sessions-of", "count", standing.sessions.0, "day", &standing.sessions.1)
        },
        orange: standing.orange,
        href,
    }
}

#[derive(askama::Template)]
#[template(path = "supervise_listed.html")]
struct IndexPage {
    page: Page,
    tabs: Vec<Tab>,
    as_of: String,
    lifted: bool,
    lines: Vec<Line>,
    may: bool,
}

/// The listed places.
pub(super) async fn index(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let page = ctx.page("nav-supervise");
    let lifted = asked.show == "lifted";
    let (_, policy) = supervise::policy(&ctx.app, &ctx.actor).await?;
    let today = ctx.app.clock.today().to_string();
    let lines = listing::listings(&ctx.app, &ctx.actor, &policy, lifted)
        .await?
        .iter()
        .map(|standing| line(&page, standing, &today))
        .collect();
    let view = IndexPage {
        tabs: tabs(&ctx, "/supervise/listed"),
        as_of: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        lifted,
        lines,
        may: may_supervise(&ctx.actor),
        page,
    };
    ctx.render(&view)
}

/// What the forms of a listing send.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    event: String,
    version: String,
    what: String,
    division: String,
    reason: String,
    plan: String,
    leader_name: String,
    leader_unit: String,
    owner_name: String,
    owner_unit: String,
    from: String,
    to: String,
    content: String,
    target: String,
    due: String,
    progress: String,
    done: String,
    lift: String,
}

impl Fields {
    fn entered(&self) -> Entered {
        Entered {
            reason: self.reason.clone(),
            plan: self.plan.clone(),
            leader_name: self.leader_name.clone(),
            leader_unit: self.leader_unit.clone(),
            owner_name: self.owner_name.clone(),
            owner_unit: self.owner_unit.clone(),
            from: day(&self.from),
            to: day(&self.to),
        }
    }

    fn change(&self) -> Change {
        match self.what.as_str() {
            "content" => Change::Content {
                content: self.content.clone(),
                target: self.target.clone(),
                owner_name: self.owner_name.clone(),
                owner_unit: self.owner_unit.clone(),
                due: day(&self.due),
                progress: self.progress.clone(),
                done: self.done == "1",
            },
            "lift" => Change::Lift(self.lift.clone()),
            _ => Change::Plan(self.entered()),
        }
    }
}

#[derive(askama::Template)]
#[template(path = "supervise_listing_form.html")]
struct FormPage {
    page: Page,
    title: String,
    action: String,
    back: String,
    /// new | plan | content.
    mode: &'static str,
    fields: Fields,
    content_title: String,
    contents_hint: String,
    error: String,
}

fn form_page(ctx: &Ctx, title: String, id: Option<Uuid>, fields: Fields, error: String) -> Result<Response, WebError> {
    let page = ctx.page("nav-supervise");
    let mode = match (id, fields.what.as_str()) {
        (None, _) => "new",
        (_, "content") => "content",
        _ => "plan",
    };
    let (content_title, contents_hint) =
        match CONTENTS.iter().find(|known| mode == "content" && **known == fields.content) {
            Some(content) => {
                (page.t(&format!("supervise-topic-{content}")), page.t(&format!("supervise-content-{content}-hint")))
            }
            None => Default::default(),
        };
    ctx.render(&FormPage {
        title,
        action: id.map_or_else(|| "/supervise/listed".to_owned(), |id| format!("/supervise/listed/{id}/edit")),
        back: id.map_or_else(|| "/supervise/listed".to_owned(), |id| format!("/supervise/listed/{id}")),
        mode,
        fields,
        content_title,
        contents_hint,
        error,
        page,
    })
}

/// The form of a new listing.
pub(super) async fn new(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let today = ctx.app.clock.today();
    let fields = Fields {
        event: ids::new_id().to_string(),
        division: asked.division.chars().take(80).collect(),
        from: today.to_string(),
        to: today.checked_add_months(chrono::Months::new(3)).unwrap_or(today).to_string(),
        ..Fields::default()
    };
    form_page(&ctx, i18n::text(ctx.lang, "supervise-listing-new"), None, fields, String::new())
}

/// Lists a place.
pub(super) async fn add(ctx: Ctx, Form(fields): Form<Fields>) -> Result<Response, WebError> {
    let made = async {
        let id = fields.event.parse().unwrap_or_else(|_| ids::new_id());
        let place = supervise::find_place(&ctx.app, &ctx.actor, &fields.division).await?;
        let place = place.unwrap_or_else(|| fields.division.clone());
        listing::add(&ctx.app, &ctx.actor, id, &place, fields.entered()).await
    };
    match made.await {
        Ok(id) => Ok(ctx.redirect_with(&format!("/supervise/listed/{id}"), "ok", "supervise-listing-added")),
        Err(error) => {
            let (message, status) = on_the_form(error, ctx.lang)?;
            let mut response = form_page(&ctx, i18n::text(ctx.lang, "supervise-listing-new"), None, fields, message)?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}

/// The form of the plan, or of one of the contents.
pub(super) async fn edit(ctx: Ctx, Path(id): Path<Uuid>, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let (_, policy) = supervise::policy(&ctx.app, &ctx.actor).await?;
    let whole = listing::whole(&ctx.app, &ctx.actor, &policy, id).await?;
    let listing = whole.standing.listing;
    let mut fields = Fields {
        event: ids::new_id().to_string(),
        version: listing.version.to_string(),
        what: "plan".to_owned(),
        reason: listing.reason,
        plan: listing.plan,
        leader_name: listing.leader_name,
        leader_unit: listing.leader_unit,
        owner_name: listing.owner_name,
        owner_unit: listing.owner_unit,
        from: listing.from_day,
        to: listing.to_day,
        ..Fields::default()
    };
    if let Some(content) = whole.contents.into_iter().find(|one| one.content == asked.content) {
        fields.what = "content".to_owned();
        fields.content = content.content;
        fields.target = content.target;
        fields.owner_name = content.owner_name;
        fields.owner_unit = content.owner_unit;
        fields.due = content.due_on;
        fields.progress = content.progress;
        fields.done = if content.done { "1" } else { "" }.to_owned();
    } else if !listing::may_list(&ctx.actor, &listing.division_code) {
        return Err(SuperviseError::Forbidden.into());
    }
    form_page(&ctx, listing.place, Some(id), fields, String::new())
}

/// Changes a listing.
pub(super) async fn change(ctx: Ctx, Path(id): Path<Uuid>, Form(fields): Form<Fields>) -> Result<Response, WebError> {
    let event = fields.event.parse().unwrap_or_else(|_| ids::new_id());
    let version = fields.version.parse().unwrap_or_default();
    match listing::change(&ctx.app, &ctx.actor, id, (event, version), fields.change()).await {
        Ok(()) => Ok(ctx.redirect_with(&format!("/supervise/listed/{id}"), "ok", "supervise-listing-changed")),
        Err(error) => {
            let (message, status) = on_the_form(error, ctx.lang)?;
            let (_, policy) = supervise::policy(&ctx.app, &ctx.actor).await?;
            let whole = listing::whole(&ctx.app, &ctx.actor, &policy, id).await?;
            let place = whole.standing.listing.place;
            let mut response = form_page(&ctx, place, Some(id), fields, message)?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}

struct ContentRow {
    title: String,
    target: String,
    owner: String,
    due: String,
    progress: String,
    state: Badge,
    by: String,
    edit: String,
    figure: Option<Figure>,
}

struct EventRow {
    date: String,
    time: String,
    title: String,
    note: String,
    by: String,
}

pub(super) struct SessionRow {
    pub(super) href: String,
    pub(super) title: String,
    pub(super) channel: String,
    pub(super) place: String,
    pub(super) held_on: String,
    pub(super) chair: String,
    pub(super) items: String,
    pub(super) open: i64,
}

pub(super) fn session_row(page: &Page, session: Session) -> SessionRow {
    SessionRow {
        href: format!("/supervise/sessions/{}", session.id),
        channel: page.t(&format!("supervise-channel-{}", session.channel)),
        title: session.title,
        place: session.place,
        held_on: session.held_on,
        chair: session.chair,
        items: format!("{} / {}", session.open, session.items),
        open: session.open,
    }
}

#[derive(askama::Template)]
#[template(path = "supervise_listing.html")]
struct ShowPage {
    page: Page,
    as_of: String,
    line: Line,
    listing: Listing,
    tiles: Vec<Figure>,
    contents: Vec<ContentRow>,
    sessions: Vec<SessionRow>,
    items: Vec<ItemRow>,
    events: Vec<EventRow>,
    may_plan: bool,
    may_call: bool,
    call: String,
    event: Uuid,
}

/// One listed place.
pub(super) async fn show(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let (profile, policy) = supervise::policy(&ctx.app, &ctx.actor).await?;
    let whole = listing::whole(&ctx.app, &ctx.actor, &policy, id).await?;
    let page = ctx.page("nav-supervise");
    let today = ctx.app.clock.today();
    let now = today.to_string();
    let found = whole.standing.listing.clone();
    let place = found.division_code.clone();
    let listed = found.lifted_on.is_empty();
    let monitored: i64 = monitor::counts(&ctx.app, &ctx.actor, &place)
        .await?
        .iter()
        .filter(|count| ["monitored", "eliminate"].contains(&count.phase.as_str()))
        .map(|count| count.cases)
        .sum();
    let rectification = crate::ledger::list(
        &ctx.app,
        &ctx.actor,
        &crate::ledger::model::Filter {
            division: place.clone(),
            ledger: "problem_rectification".to_owned(),
            page: 1,
            per_page: 1,
            ..Default::default()
        },
    )
    .await?
    .1;
    let contents = whole
        .contents
        .into_iter()
        .map(|one| {
            let late = !one.done && !one.due_on.is_empty() && one.due_on < now;
            let (tone, key) = match (one.done, late, one.progress.is_empty()) {
                (true, ..) => ("ok", "supervise-content-done"),
                (_, true, _) => ("danger", "supervise-content-late"),
                (.., true) => ("mute", "supervise-content-none"),
                _ => ("info", "supervise-content-going"),
            };
            ContentRow {
                title: page.t(&format!("supervise-topic-{}", one.content)),
                target: dash(&one.target),
                owner: who(&one.owner_name, &one.owner_unit),
                due: dash(&one.due_on),
                progress: dash(&one.progress),
                state: Badge { tone, text: page.t(key) },
                by: if one.updated_by.is_empty() {
                    String::new()
                } else {
                    format!("{} {}", one.updated_by, page.time(&one.updated_at))
                },
                edit: if listed && may_supervise(&ctx.actor) {
                    format!("/supervise/listed/{id}/edit?content={}", one.content)
                } else {
                    String::new()
                },
                figure: match one.content.as_str() {
                    "monitoring" => Some(figure(
                        page.t("supervise-monitored-now"),
                        monitored,
                        address("/monitor", &[("phase", "in"), ("division", &place)]),
                    )),
                    "rectification" => Some(figure(
                        page.t("supervise-problems-now"),
                        rectification,
                        address(
                            "/ledger",
                            &[
                                ("mine", "0"),
                                ("state", "open"),
                                ("ledger", "problem_rectification"),
                                ("division", &place),
                            ],
                        ),
                    )),
                    "guarantees" => Some(Figure {
                        label: String::new(),
                        text: page.t("supervise-gaps-now"),
                        href: address("/screen/gaps", &[("division", &place)]),
                        alarm: false,
                    }),
                    _ => None,
                },
            }
        })
        .collect();
    let events = whole
        .events
        .into_iter()
        .map(|event| {
            let time = page.time(&event.at);
            let title = page.t(&format!("supervise-event-{}", event.action));
            EventRow {
                date: time.get(..10).unwrap_or_default().to_owned(),
                time: time.get(11..).unwrap_or_default().to_owned(),
                title: if event.content.is_empty() {
                    title
                } else {
                    format!("{title} · {}", page.t(&format!("supervise-topic-{}", event.content)))
                },
                // The plan itself stands above.
                note: if event.action == "plan" { String::new() } else { event.note },
                by: event.actor_name,
            }
        })
        .collect();
    let line = line(&page, &whole.standing, &now);
    let tile = |of: &Figure, alarm: bool| Figure {
        label: of.label.clone(),
        text: of.text.clone(),
        href: of.href.clone(),
        alarm: alarm && !of.href.is_empty(),
    };
    let view = ShowPage {
        as_of: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        tiles: vec![tile(&line.open, false), tile(&line.stuck, true), tile(&line.findings, false)],
        line,
        contents,
        sessions: whole.sessions.into_iter().map(|session| session_row(&page, session)).collect(),
        items: whole.items.into_iter().map(|item| item_row(&page, &profile, item, today)).collect(),
        events,
        may_plan: listed && listing::may_list(&ctx.actor, &place),
        may_call: listed && may_supervise(&ctx.actor) && ctx.actor.may(Capability::AssignItems),
        call: format!("/supervise/sessions/new?listing={id}"),
        event: ids::new_id(),
        listing: found,
        page,
    };
    ctx.render(&view)
}
