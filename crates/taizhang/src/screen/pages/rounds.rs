//! Screening rounds and their coverage.

use axum::extract::{Path, Query};
use axum::response::Response;
use chrono::NaiveDate;
use uuid::Uuid;

use super::super::cover::Which;
use super::super::model::ScreenError;
use super::super::rounds::{self, NewRound, Round};
use super::cover::{Address, Row, heads, row};
use super::{Tab, place, tabs};
use crate::access::Capability;
use crate::platform::{ErrorKind, UserError, ids};
use crate::register::pages::{Badge, Crumb, grouped};
use crate::web::{Ctx, Form, Page, WebError};

struct Line {
    href: String,
    name: String,
    place: String,
    period: String,
    counts: String,
    state: Badge,
    percent: String,
    covered: String,
}

#[derive(Debug, Clone, Default, serde::Deserialize)]
pub(super) struct Fields {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    division: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    on_site: String,
    #[serde(default)]
    with_checks: String,
}

#[derive(askama::Template)]
#[template(path = "screen_rounds.html")]
struct RoundsPage {
    page: Page,
    tabs: Vec<Tab>,
    as_of: String,
    rows: Vec<Line>,
    may_begin: bool,
    error: String,
    fields: Fields,
    root: String,
}

fn state(page: &Page, round: &Round, today: NaiveDate) -> Badge {
    let name = round.state(today);
    let tone = match name {
        "running" => "info",
        "coming" => "mute",
        _ => "ok",
    };
    Badge { tone, text: page.t(&format!("screen-round-{name}")) }
}

/// What counts in a round.
fn counts(page: &Page, round: &Round) -> String {
    let channel = page.t(if round.on_site { "screen-round-on_site" } else { "screen-round-any" });
    if round.with_checks { format!("{channel} · {}", page.t("screen-round-with_checks")) } else { channel }
}

fn period(page: &Page, round: &Round) -> String {
    page.t2("screen-round-period", "from", &round.from_day, "to", &round.to_day)
}

async fn rounds_page(ctx: &Ctx, fields: Fields, error: String) -> Result<Response, WebError> {
    let page = ctx.page("nav-screen");
    let today = ctx.app.clock.today();
    let mut rows = Vec::new();
    for one in rounds::rounds(&ctx.app, &ctx.actor.scope).await? {
        let (round, _, total, _) = rounds::round(&ctx.app, &ctx.actor, one.id, "").await?;
        rows.push(Line {
            href: format!("/screen/rounds/{}", round.id),
            place: round.place.clone(),
            period: period(&page, &round),
            counts: counts(&page, &round),
            state: state(&page, &round, today),
            percent: format!("{:.1}", total.percent()),
            covered: format!("{} / {}", grouped(total.visited), grouped(total.registered)),
            name: round.name,
        });
    }
    let view = RoundsPage {
        tabs: tabs(ctx, "/screen/rounds"),
        as_of: page.t1("screen-as-of", "day", today),
        rows,
        may_begin: rounds::may_begin(&ctx.actor),
        error,
        fields,
        root: ctx.actor.scope.root().to_owned(),
        page,
    };
    ctx.render(&view)
}

/// Every round that concerns the reader.
pub(super) async fn page(ctx: Ctx) -> Result<Response, WebError> {
    let today = ctx.app.clock.today();
    let fields = Fields {
        id: ids::new_id().to_string(),
        from: today.to_string(),
        to: today.checked_add_days(chrono::Days::new(30)).unwrap_or(today).to_string(),
        ..Fields::default()
    };
    rounds_page(&ctx, fields, String::new()).await
}

/// Begins a round.
pub(super) async fn begin(ctx: Ctx, Form(fields): Form<Fields>) -> Result<Response, WebError> {
    let day = |text: &str, field: &'static str| {
        NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| ScreenError::Round(field))
    };
    let made = async {
        let new = NewRound {
            id: fields.id.parse().unwrap_or_else(|_| ids::new_id()),
            name: fields.name.clone(),
            division: fields.division.chars().filter(char::is_ascii_digit).collect(),
            from: day(&fields.from, "from")?,
            to: day(&fields.to, "to")?,
            on_site: !fields.on_site.is_empty(),
            with_checks: !fields.with_checks.is_empty(),
        };
        rounds::begin(&ctx.app, &ctx.actor, new).await
    };
    match made.await {
        Ok(id) => Ok(ctx.redirect_with(&format!("/screen/rounds/{id}"), "ok", "screen-round-begun")),
        Err(error) if error.kind() == ErrorKind::Invalid => {
            let mut response = rounds_page(&ctx, fields, error.message(ctx.lang)).await?;
            *response.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(askama::Template)]
#[template(path = "screen_round.html")]
struct RoundPage {
    page: Page,
    crumbs: Vec<Crumb>,
    title: String,
    sub: String,
    state: Badge,
    as_of: String,
    total: Row,
    rows: Vec<Row>,
    heads: Vec<String>,
}

/// One round with its coverage by division.
pub(super) async fn show(ctx: Ctx, Path(id): Path<Uuid>, Query(address): Query<Address>) -> Result<Response, WebError> {
    let (round, scope, total, lines) = rounds::round(&ctx.app, &ctx.actor, id, &address.division).await?;
    let page = ctx.page("nav-screen");
    let today = ctx.app.clock.today();
    let (_, where_, crumbs) = place(&ctx, scope.root(), &format!("/screen/rounds/{id}")).await?;
    let may_list = ctx.actor.may(Capability::ViewHouseholds);
    let list = |code: &str, which: Which| {
        if may_list { format!("/screen/list?division={code}&which={}&round={id}", which.name()) } else { String::new() }
    };
    let rows = lines
        .iter()
        .map(|line| {
            let deeper = line.code.len() > scope.root().len() && line.code.len() < 12;
            let href = if deeper {
                format!("/screen/rounds/{id}?division={}", line.code)
            } else {
                list(&line.code, Which::Unvisited)
            };
            row(&page, line, href, &list)
        })
        .collect();
    // What lies above the round is not part of it.
    let crumbs = crumbs
        .into_iter()
        .filter(|crumb| crumb.href.len() >= format!("/screen/rounds/{id}?division={}", round.division_code).len())
        .collect();
    let view = RoundPage {
        title: round.name.clone(),
        sub: format!("{where_} · {} · {}", period(&page, &round), counts(&page, &round)),
        state: state(&page, &round, today),
        as_of: page.t1("screen-as-of", "day", today),
        total: row(&page, &total, String::new(), &list),
        rows,
        heads: heads(&page),
        crumbs,
        page,
    };
    ctx.render(&view)
}
