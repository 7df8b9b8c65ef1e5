//! The gap check of a county: figures by township and village, the list, the file.

use axum::extract::Query;
use axum::response::Response;
use chrono::NaiveDate;
use uuid::Uuid;

use super::super::gap_export::{self, Edition, state_in_words};
use super::super::gaps::{self, Asked, COUNTY, Place, State};
use super::super::model::ScreenError;
use super::{Figure, ROWS, Tab, attached, day_or, paging, place, tabs, words};
use crate::access::Capability;
use crate::assess;
use crate::assess::profile::checks::{Checks, Indicator};
use crate::platform::{ErrorKind, UserError};
use crate::register;
use crate::register::pages::{Badge, Crumb, dash, grouped};
use crate::web::{Ctx, Form, Page, WebError};

/// What the address says.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub(super) struct Address {
    #[serde(default)]
    division: String,
    #[serde(default)]
    since: String,
    #[serde(default)]
    indicator: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    page: String,
    #[serde(default)]
    purpose: String,
    #[serde(default)]
    edition: String,
    #[serde(default)]
    format: String,
}

impl Address {
    fn asked(&self, checks: &Checks, today: NaiveDate) -> Asked {
        let usual = Asked::all(checks, today);
        Asked {
            since: day_or(&self.since, usual.since),
            indicator: Indicator::from_name(&self.indicator),
            state: State::from_name(&self.state),
        }
    }
}

fn query(asked: &Asked) -> String {
    format!(
        "since={}&indicator={}&state={}",
        asked.since,
        asked.indicator.map_or("", Indicator::name),
        asked.state.map_or("", State::name)
    )
}

struct Row {
    name: String,
    href: String,
    percent: String,
    complete: String,
    figures: Vec<Figure>,
    gaps: Figure,
}

struct County {
    code: String,
    name: String,
}

#[derive(askama::Template)]
#[template(path = "screen_gaps.html")]
struct GapsPage {
    page: Page,
    tabs: Vec<Tab>,
    crumbs: Vec<Crumb>,
    title: String,
    as_of: String,
    division: String,
    since: String,
    today: String,
    counties: Vec<County>,
    heads: Vec<String>,
    total: Option<Row>,
    total_gaps: String,
    total_gaps_href: String,
    total_complete: String,
    rows: Vec<Row>,
    export: String,
    how: String,
}

fn row(
    page: &Page,
    checks: &Checks,
    place: &Place,
    href: String,
    list: &dyn Fn(&str, &Asked) -> String,
    since: NaiveDate,
) -> Row {
    let figure = |label: String, number: i64, asked: Asked, alarm: bool| Figure {
        label,
        text: grouped(number),
        href: if number == 0 { String::new() } else { list(&place.code, &asked) },
        alarm: alarm && number > 0,
    };
    let mut figures = Vec::new();
    for indicator in Indicator::ALL {
        let title = checks.policy(indicator).title.get(page.lang).to_owned();
        for state in [State::Short, State::Partly, State::Unknown] {
            let label = format!("{title} {}", state_in_words(checks, indicator, state, page.lang));
            let asked = Asked { since, indicator: Some(indicator), state: Some(state) };
            figures.push(figure(label, place.counts[indicator as usize].of(state), asked, state == State::Short));
        }
    }
    let all = Asked { since, indicator: None, state: None };
    Row {
        name: place.name.clone(),
        href,
        percent: format!("{:.1}", place.percent()),
        complete: format!("{} / {}", grouped(place.complete), grouped(place.registered)),
        figures,
        gaps: figure(page.t("screen-gaps"), place.gaps(checks), all, false),
    }
}

/// The gap check of a county or of what is below it; above it the counties to choose from.
pub(super) async fn page(ctx: Ctx, Query(address): Query<Address>) -> Result<Response, WebError> {
    let (scope, title, crumbs) = place(&ctx, &address.division, "/screen/gaps").await?;
    let checks = Checks::of(&assess::active_profile(&ctx.app, &ctx.actor).await?.profile);
    let today = ctx.app.clock.today();
    let asked = Asked { indicator: None, state: None, ..address.asked(&checks, today) };
    let page = ctx.page("nav-screen");
    let may_list = ctx.actor.may(Capability::ViewHouseholds);
    let list = |code: &str, asked: &Asked| {
        if may_list { format!("/screen/gaps/list?division={code}&{}", query(asked)) } else { String::new() }
    };
    let mut view = GapsPage {
        tabs: tabs(&ctx, "/screen/gaps"),
        as_of: page.t1("screen-as-of", "day", today),
        division: scope.root().to_owned(),
        since: asked.since.to_string(),
        today: today.to_string(),
        counties: Vec::new(),
        heads: Vec::new(),
        total: None,
        total_gaps: String::new(),
        total_gaps_href: String::new(),
        total_complete: String::new(),
        rows: Vec::new(),
        export: String::new(),
        how: page.t1("screen-gaps-how", "since", asked.since),
        crumbs,
        title,
        page,
    };
    if scope.root().len() < COUNTY {
        let mut open = vec![scope.root().to_owned()];
        while let Some(code) = open.pop() {
            for place in register::places_below(&ctx.app, &scope, &code).await? {
                if place.households == 0 {
                    continue;
                }
                if place.code.len() < COUNTY {
                    open.push(place.code);
                } else {
                    view.counties.push(County { code: place.code, name: place.full_name });
                }
            }
        }
        view.counties.sort_by(|a, b| a.code.cmp(&b.code));
        return ctx.render(&view);
    }
    let (total, places) = gaps::check(&ctx.app, &scope, &asked).await?;
    for indicator in Indicator::ALL {
        view.heads.push(checks.policy(indicator).title.get(ctx.lang).to_owned());
    }
    view.rows = places
        .iter()
        .map(|place| {
            let deeper = place.code.len() > scope.root().len() && place.code.len() <= 12;
            let href = if deeper {
                format!("/screen/gaps?division={}&since={}", place.code, asked.since)
            } else {
                list(&place.code, &Asked { since: asked.since, indicator: None, state: None })
            };
            row(&view.page, &checks, place, href, &list, asked.since)
        })
        .collect();
    let sum = row(&view.page, &checks, &total, String::new(), &list, asked.since);
    view.total_gaps.clone_from(&sum.gaps.text);
    view.total_gaps_href.clone_from(&sum.gaps.href);
    view.total_complete.clone_from(&sum.complete);
    view.total = Some(sum);
    if ctx.actor.may(Capability::Export) && may_list {
        view.export = format!("/screen/gaps/export?division={}&{}", scope.root(), query(&asked));
    }
    ctx.render(&view)
}

struct Line {
    id: Uuid,
    name: String,
    place: String,
    indicator: String,
    badge: Badge,
    reasons: String,
    since: String,
    checked: String,
    checker: String,
}

struct Choice {
    value: &'static str,
    label: String,
    chosen: bool,
}

#[derive(askama::Template)]
#[template(path = "screen_gap_list.html")]
struct ListPage {
    page: Page,
    crumbs: Vec<Crumb>,
    title: String,
    sub: String,
    division: String,
    since: String,
    today: String,
    indicators: Vec<Choice>,
    states: Vec<Choice>,
    back: String,
    export: String,
    rows: Vec<Line>,
    summary: String,
    prev: String,
    next: String,
}

/// The lines behind a figure.
pub(super) async fn list(ctx: Ctx, Query(address): Query<Address>) -> Result<Response, WebError> {
    let checks = Checks::of(&assess::active_profile(&ctx.app, &ctx.actor).await?.profile);
    let today = ctx.app.clock.today();
    let asked = address.asked(&checks, today);
    let base = format!("/screen/gaps/list?{}", query(&asked));
    let (scope, title, crumbs) = place(&ctx, &address.division, &base).await?;
    let page = ctx.page("nav-screen");
    let lang = ctx.lang;
    let link = |at: i64| format!("{base}&division={}&page={at}", scope.root());
    let at = address.page.parse().unwrap_or(1);
    let (offset, ..) = paging(at, 0, link);
    let (lines, count) = gaps::list(&ctx.app, &checks, &scope, &asked, (offset, ROWS)).await?;
    let (_, prev, next) = paging(at, count, link);
    let to = offset + i64::try_from(lines.len()).unwrap_or(0);
    let rows = lines
        .into_iter()
        .map(|line| {
            let indicator = Indicator::from_name(&line.indicator).unwrap_or(Indicator::Food);
            let state = line.state(asked.since);
            let codes: Vec<String> = serde_json::from_str(&line.reasons).unwrap_or_default();
            let reasons: Vec<String> =
                codes.iter().map(|code| super::super::judge::reason(&checks, indicator, code, lang)).collect();
            let tone = match state.outcome() {
                Some(outcome) => words::tone(&checks, indicator, outcome),
                None => "mute",
            };
            Line {
                id: line.id,
                name: line.head_name,
                place: line.place,
                indicator: checks.policy(indicator).title.get(lang).to_owned(),
                badge: Badge { tone, text: state_in_words(&checks, indicator, state, lang) },
                reasons: if state == State::Met { String::new() } else { reasons.join(&page.t("list-comma")) },
                since: dash(&line.since),
                checked: dash(&line.checked_on),
                checker: dash(&line.by_name),
            }
        })
        .collect();
    let indicators = Indicator::ALL
        .into_iter()
        .map(|indicator| Choice {
            value: indicator.name(),
            label: checks.policy(indicator).title.get(lang).to_owned(),
            chosen: asked.indicator == Some(indicator),
        })
        .collect();
    let of = asked.indicator.unwrap_or(Indicator::Food);
    let states = State::ALL
        .into_iter()
        .map(|state| Choice {
            value: state.name(),
            label: state_in_words(&checks, of, state, lang),
            chosen: asked.state == Some(state),
        })
        .collect();
    let view = ListPage {
        title: format!("{title} · {}", page.t("screen-tab-gaps")),
        sub: page.t2("screen-gap-count", "count", grouped(count), "since", asked.since),
        division: scope.root().to_owned(),
        since: asked.since.to_string(),
        today: today.to_string(),
        back: format!("/screen/gaps?division={}&since={}", scope.root(), asked.since),
        export: if ctx.actor.may(Capability::Export) {
            format!("/screen/gaps/export?division={}&{}", scope.root(), query(&asked))
        } else {
            String::new()
        },
        summary: page.t2("households-range", "from", (offset + 1).min(to), "to", to),
        crumbs,
        indicators,
        states,
        rows,
        prev,
        next,
        page,
    };
    ctx.render(&view)
}

#[derive(askama::Template)]
#[template(path = "screen_export.html")]
struct ExportPage {
    page: Page,
    title: String,
    rows: String,
    back: String,
    error: String,
    division: String,
    since: String,
    indicator: String,
    state: String,
    editions: Vec<(String, String, String, bool)>,
    formats: Vec<(String, bool)>,
    purpose: String,
}

async fn export_page(ctx: &Ctx, address: &Address, error: String) -> Result<Response, WebError> {
    let checks = Checks::of(&assess::active_profile(&ctx.app, &ctx.actor).await?.profile);
    let asked = address.asked(&checks, ctx.app.clock.today());
    let (scope, title, _) = place(ctx, &address.division, "/screen/gaps").await?;
    let (_, count) = gaps::list(&ctx.app, &checks, &scope, &asked, (0, 1)).await?;
    let page = ctx.page("nav-screen");
    let edition = Edition::from_name(&address.edition).unwrap_or(Edition::Public);
    let view = ExportPage {
        title: format!("{title} · {}", page.t("screen-export")),
        rows: page.t2("screen-gap-count", "count", grouped(count), "since", asked.since),
        back: format!("/screen/gaps/list?division={}&{}", scope.root(), query(&asked)),
        division: scope.root().to_owned(),
        since: asked.since.to_string(),
        indicator: address.indicator.clone(),
        state: address.state.clone(),
        editions: Edition::ALL
            .into_iter()
            .map(|e| {
                let name = e.name();
                let words = (page.t(&format!("screen-edition-{name}")), page.t(&format!("screen-edition-{name}-hint")));
                (name.to_owned(), words.0, words.1, e == edition)
            })
            .collect(),
        formats: ["xlsx", "csv"]
            .map(|f| (f.to_owned(), f == if address.format == "csv" { "csv" } else { "xlsx" }))
            .to_vec(),
        purpose: address.purpose.clone(),
        error,
        page,
    };
    ctx.render(&view)
}

/// What is to be taken out, for whom and what for.
pub(super) async fn export_question(ctx: Ctx, Query(address): Query<Address>) -> Result<Response, WebError> {
    export_page(&ctx, &address, String::new()).await
}

/// The file.
pub(super) async fn export(ctx: Ctx, Form(address): Form<Address>) -> Result<Response, WebError> {
    let checks = Checks::of(&assess::active_profile(&ctx.app, &ctx.actor).await?.profile);
    let asked = address.asked(&checks, ctx.app.clock.today());
    let (scope, title, _) = place(&ctx, &address.division, "/screen/gaps").await?;
    let edition = Edition::from_name(&address.edition).unwrap_or(Edition::Public);
    let csv = address.format == "csv";
    let (app, actor, lang) = (&ctx.app, &ctx.actor, ctx.lang);
    let made = if csv {
        gap_export::csv(app, actor, &scope, &asked, edition, &address.purpose, lang).await
    } else {
        gap_export::xlsx(app, actor, &scope, &asked, edition, &address.purpose, lang).await
    };
    match made {
        Ok(bytes) => {
            let page = ctx.page("nav-screen");
            let (ending, mime) = if csv {
                ("csv", "text/csv; charset=utf-8")
            } else {
                ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
            };
            let name = format!("{title}-{}-{}.{ending}", page.t("screen-tab-gaps"), ctx.app.clock.today());
            Ok(attached(&name, mime, bytes))
        }
        Err(error @ ScreenError::Purpose) if error.kind() == ErrorKind::Invalid => {
            let mut response = export_page(&ctx, &address, error.message(ctx.lang)).await?;
            *response.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}
