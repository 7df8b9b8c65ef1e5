//! Good practice: the library, one with its adoption by area, the forms.

use axum::extract::{Path, Query};
use axum::response::Response;
use uuid::Uuid;

use super::super::measure::PROBLEMS;
use super::super::model::{TITLE_MOST, read_day};
use super::super::practice::{self, ADOPTIONS, Adopt, NewPractice};
use super::measures::problem_text;
use super::{Choice, NAV, PastLine, Tab, again, id_or_new, past_line, refused, tabs, way};
use crate::platform::{UserError, ids};
use crate::register::pages::{Badge, Crumb, dash, grouped};
use crate::web::{Ctx, Form, Page, WebError};

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    state: String,
    problem: String,
    division: String,
}

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    id: String,
    title: String,
    body: String,
    effect: String,
    problem: String,
}

struct Row {
    id: Uuid,
    title: String,
    problem: String,
    place: String,
    state: Badge,
    spread: String,
    adopted: String,
    planned: String,
    unfit: String,
}

#[derive(askama::Template)]
#[template(path = "practices.html")]
struct IndexPage {
    page: Page,
    tabs: Vec<Tab>,
    as_of: String,
    rows: Vec<Row>,
    states: Vec<Choice>,
    problems: Vec<Choice>,
    form_problems: Vec<Choice>,
    fields: Fields,
    title_most: usize,
    error: String,
}

fn state(page: &Page, state: &str) -> Badge {
    let tone = match state {
        "spread" => "ok",
        "proposed" => "info",
        _ => "mute",
    };
    Badge { tone, text: page.t(&format!("task-practice-{state}")) }
}

async fn index_page(ctx: &Ctx, asked: &Asked, fields: Fields, error: String) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let found = practice::list(&ctx.app, &ctx.actor, &asked.state, &asked.problem).await?;
    let mut states = vec![Choice::new("", page.t("filter.all"), &asked.state)];
    states.extend(
        ["spread", "proposed", "ended"]
            .map(|state| Choice::new(state, page.t(&format!("task-practice-{state}")), &asked.state)),
    );
    let all = |chosen: &str| PROBLEMS.map(|problem| Choice::new(problem, problem_text(&page, problem), chosen));
    let mut problems = vec![Choice::new("", page.t("filter.all"), &asked.problem)];
    problems.extend(all(&asked.problem));
    ctx.render(&IndexPage {
        tabs: tabs(ctx, "/tasks/practices"),
        as_of: page.t1("task-as-of", "day", ctx.app.clock.today()),
        rows: found
            .into_iter()
            .map(|line| Row {
                id: line.practice.id,
                problem: problem_text(&page, &line.practice.problem),
                state: state(&page, &line.practice.state),
                spread: if line.practice.spread_to.is_empty() {
                    "—".to_owned()
                } else {
                    format!("{} · {}", line.practice.spread_place, line.practice.spread_on)
                },
                title: line.practice.title,
                place: line.practice.place,
                adopted: grouped(line.adopted),
                planned: grouped(line.planned),
                unfit: grouped(line.unfit),
            })
            .collect(),
        form_problems: all(&fields.problem).into_iter().collect(),
        title_most: TITLE_MOST,
        states,
        problems,
        fields,
        error,
        page,
    })
}

/// The library.
pub(super) async fn index(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let fields = Fields { id: ids::new_id().to_string(), ..Fields::default() };
    index_page(&ctx, &asked, fields, String::new()).await
}

/// Proposes one.
pub(super) async fn propose(ctx: Ctx, Form(fields): Form<Fields>) -> Result<Response, WebError> {
    let new = NewPractice {
        id: id_or_new(&fields.id),
        title: fields.title.clone(),
        body: fields.body.clone(),
        effect: fields.effect.clone(),
        problem: fields.problem.clone(),
    };
    match practice::propose(&ctx.app, &ctx.actor, new).await {
        Ok(id) => Ok(ctx.redirect_with(&format!("/tasks/practices/{id}"), "ok", "task-practice-kept")),
        Err(error) if again(&error) => {
            Ok(refused(index_page(&ctx, &Asked::default(), fields, error.message(ctx.lang)).await?))
        }
        Err(error) => Err(error.into()),
    }
}

struct AreaRow {
    name: String,
    href: String,
    own: Option<Badge>,
    adopted: String,
    villages: String,
    percent: i64,
    planned: String,
    unfit: String,
}

struct SaidRow {
    place: String,
    state: Badge,
    since: String,
    note: String,
    by: String,
}

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct AdoptFields {
    event: String,
    version: i64,
    state: String,
    since: String,
    note: String,
}

#[derive(askama::Template)]
#[template(path = "practice_show.html")]
struct ShowPage {
    page: Page,
    crumbs: Vec<Crumb>,
    id: Uuid,
    title: String,
    sub: String,
    as_of: String,
    state: Badge,
    problem: String,
    spread: String,
    body: String,
    effect: String,
    here: String,
    areas: Vec<AreaRow>,
    said: Vec<SaidRow>,
    events: Vec<PastLine>,
    may_spread: bool,
    may_end: bool,
    may_adopt: bool,
    version: i64,
    event: Uuid,
    adoptions: Vec<Choice>,
    fields: AdoptFields,
    error: String,
}

fn adoption(page: &Page, state: &str) -> Badge {
    let tone = match state {
        "adopted" => "ok",
        "planned" => "info",
        _ => "mute",
    };
    Badge { tone, text: page.t(&format!("task-adoption-{state}")) }
}

async fn show_page(
    ctx: &Ctx,
    id: Uuid,
    division: &str,
    sent: Option<AdoptFields>,
    error: String,
) -> Result<Response, WebError> {
    let whole = practice::one(&ctx.app, &ctx.actor, id, division).await?;
    let page = ctx.page(NAV);
    let one = &whole.practice;
    let (here, crumbs) = way(ctx, &whole.division, &format!("/tasks/practices/{id}")).await?;
    let fields = sent.unwrap_or_else(|| AdoptFields {
        event: ids::new_id().to_string(),
        version: whole.own.as_ref().map_or(0, |own| own.version),
        state: whole.own.as_ref().map(|own| own.state.clone()).unwrap_or_default(),
        since: whole.own.as_ref().map_or_else(|| ctx.app.clock.today().to_string(), |own| own.since.clone()),
        note: whole.own.as_ref().map(|own| own.note.clone()).unwrap_or_default(),
    });
    ctx.render(&ShowPage {
        id,
        title: one.title.clone(),
        sub: format!("{} · {}", one.place, one.unit),
        as_of: page.t1("task-as-of", "day", ctx.app.clock.today()),
        state: state(&page, &one.state),
        problem: problem_text(&page, &one.problem),
        spread: if one.spread_to.is_empty() {
            "—".to_owned()
        } else {
            format!("{} · {}", one.spread_place, one.spread_on)
        },
        body: one.body.clone(),
        effect: one.effect.clone(),
        areas: whole
            .areas
            .iter()
            .map(|area| AreaRow {
                name: area.name.clone(),
                href: format!("/tasks/practices/{id}?division={}", area.code),
                own: (!area.own.is_empty()).then(|| adoption(&page, &area.own)),
                adopted: grouped(area.adopted),
                villages: format!("{} / {}", grouped(area.villages_adopted), grouped(area.villages)),
                percent: if area.villages == 0 { 0 } else { area.villages_adopted * 100 / area.villages },
                planned: grouped(area.planned),
                unfit: grouped(area.unfit),
            })
            .collect(),
        said: whole
            .said
            .iter()
            .take(200)
            .map(|one| SaidRow {
                place: one.place.clone(),
                state: adoption(&page, &one.state),
                since: one.since.clone(),
                note: dash(&one.note),
                by: one.updated_name.clone(),
            })
            .collect(),
        events: whole
            .history
            .iter()
            .map(|past| {
                let mut out = past_line(&page, "practice", past, if past.action == "spread" { "ok" } else { "" });
                let data: serde_json::Value = serde_json::from_str(&past.data).unwrap_or_default();
                if let Some(unit) = data.get("unit").and_then(serde_json::Value::as_str) {
                    let said = data.get("state").and_then(serde_json::Value::as_str).unwrap_or_default();
                    out.title = format!("{unit} · {}", page.t(&format!("task-adoption-{said}")));
                }
                out
            })
            .collect(),
        may_spread: whole.may_spread,
        may_end: whole.may_end,
        may_adopt: whole.may_adopt,
        version: one.version,
        event: ids::new_id(),
        adoptions: ADOPTIONS
            .map(|state| Choice::new(state, page.t(&format!("task-adoption-{state}")), &fields.state))
            .into_iter()
            .collect(),
        here,
        crumbs,
        fields,
        error,
        page,
    })
}

/// One with its adoption by area.
pub(super) async fn show(ctx: Ctx, Path(id): Path<Uuid>, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    show_page(&ctx, id, &asked.division, None, String::new()).await
}

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct SpreadFields {
    event: String,
    version: i64,
    end: String,
    why: String,
}

/// Spreads it to the reader's place, or ends that.
pub(super) async fn spread(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(fields): Form<SpreadFields>,
) -> Result<Response, WebError> {
    let end = !fields.end.is_empty();
    let event = id_or_new(&fields.event);
    let made = practice::spread(&ctx.app, &ctx.actor, id, event, fields.version, end, fields.why).await;
    match made {
        Ok(()) => {
            let said = if end { "task-practice-ended-now" } else { "task-practice-spread-now" };
            Ok(ctx.redirect_with(&format!("/tasks/practices/{id}"), "ok", said))
        }
        Err(error) if again(&error) => Ok(refused(show_page(&ctx, id, "", None, error.message(ctx.lang)).await?)),
        Err(error) => Err(error.into()),
    }
}

/// Says what the reader's place makes of it.
pub(super) async fn adopt(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(fields): Form<AdoptFields>,
) -> Result<Response, WebError> {
    practice::one(&ctx.app, &ctx.actor, id, "").await?;
    let made = async {
        let adopt = Adopt {
            id,
            event: id_or_new(&fields.event),
            version: fields.version,
            state: fields.state.clone(),
            since: read_day("since", &fields.since)?,
            note: fields.note.clone(),
        };
        practice::adopt(&ctx.app, &ctx.actor, adopt).await
    };
    match made.await {
        Ok(()) => Ok(ctx.redirect_with(&format!("/tasks/practices/{id}"), "ok", "task-practice-said")),
        Err(error) if again(&error) => {
            Ok(refused(show_page(&ctx, id, "", Some(fields), error.message(ctx.lang)).await?))
        }
        Err(error) => Err(error.into()),
    }
}
