//! Who was sent where, who stands in, and which households that is about.

use axum::extract::{Path, Query};
use axum::response::Response;
use uuid::Uuid;

use super::super::ReliefError;
use super::super::deployments::{self, Deployment, Servant, Which, may_record};
use super::super::model::Raw;
use super::{Filled, fields_of, shown_again, tabs, with_status};
use crate::access::Capability;
use crate::platform::{UserError, ids};
use crate::register::pages::{Badge, Crumb, dash, grouped};
use crate::screen::pages::{Figure, ROWS, Tab, paging, place};
use crate::web::{Ctx, Form, Page, WebError};

/// What the address says.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub(super) struct Address {
    #[serde(default)]
    division: String,
    #[serde(default)]
    which: String,
    #[serde(default)]
    page: String,
}

struct Line {
    href: String,
    name: String,
    unit: String,
    kind: String,
    area: String,
    post: String,
    period: String,
    stand_in: String,
    state: Badge,
    households: String,
}

fn period(page: &Page, deployment: &Deployment) -> String {
    if deployment.to_day.is_empty() {
        page.t1("carer-since", "day", &deployment.from_day)
    } else {
        page.t2("carer-until", "from", &deployment.from_day, "to", &deployment.to_day)
    }
}

fn person(page: &Page, name: &str, unit: &str) -> String {
    if name.is_empty() || unit.is_empty() { dash(name) } else { page.t2("care-person", "name", name, "unit", unit) }
}

fn state(page: &Page, deployment: &Deployment, today: &str) -> Badge {
    let (tone, key) = match (deployment.lasts_on(today), deployment.stand_in.is_empty()) {
        (false, _) => ("mute", "deploy-state-over"),
        (true, true) => ("danger", "deploy-state-uncovered"),
        (true, false) => ("ok", "deploy-state-covered"),
    };
    Badge { tone, text: page.t(key) }
}

fn line(page: &Page, deployment: &Deployment, today: &str) -> Line {
    let post = match deployment.place.as_str() {
        "" => deployment.post.clone(),
        place => format!("{} · {place}", deployment.post),
    };
    Line {
        href: format!("/deployments/{}", deployment.id),
        name: deployment.name.clone(),
        unit: dash(&deployment.unit),
        kind: page.t(&format!("deploy-kind-{}", deployment.kind)),
        area: deployment.full_place.clone(),
        post,
        period: period(page, deployment),
        stand_in: person(page, &deployment.stand_in, &deployment.stand_in_unit),
        state: state(page, deployment, today),
        households: if deployment.kind == "helper" { grouped(deployment.households) } else { "—".to_owned() },
    }
}

#[derive(askama::Template)]
#[template(path = "deployments.html")]
struct ListPage {
    page: Page,
    tabs: Vec<Tab>,
    crumbs: Vec<Crumb>,
    title: String,
    as_of: String,
    tiles: Vec<Figure>,
    rows: Vec<Line>,
    heading: String,
    may_record: bool,
}

/// Deployments of a division.
pub(super) async fn page(ctx: Ctx, Query(address): Query<Address>) -> Result<Response, WebError> {
    let which = Which::from_name(&address.which);
    let (scope, title, crumbs) =
        place(&ctx, &address.division, &format!("/deployments?which={}", which.name())).await?;
    let today = ctx.app.clock.today().to_string();
    let page = ctx.page("nav-relief");
    let all = deployments::list(&ctx.app, &ctx.actor, &scope, Which::All).await?;
    let is = |deployment: &Deployment, which: Which| match which {
        Which::Now => deployment.lasts_on(&today),
        Which::Uncovered => deployment.lasts_on(&today) && deployment.stand_in.is_empty(),
        Which::All => true,
    };
    let mut tiles: Vec<Figure> = Which::ALL
        .into_iter()
        .map(|one| {
            let count = all.iter().filter(|deployment| is(deployment, one)).count();
            Figure {
                label: page.t(&format!("deploy-which-{}", one.name())),
                text: count.to_string(),
                href: if count == 0 {
                    String::new()
                } else {
                    format!("/deployments?division={}&which={}", scope.root(), one.name())
                },
                alarm: one == Which::Uncovered && count > 0,
            }
        })
        .collect();
    let uncovered: i64 = all.iter().filter(|d| is(d, Which::Uncovered)).map(|d| d.households).sum();
    tiles.push(Figure {
        label: page.t("deploy-households-uncovered"),
        text: grouped(uncovered),
        href: if uncovered == 0 {
            String::new()
        } else {
            format!("/deployments?division={}&which=uncovered", scope.root())
        },
        alarm: uncovered > 0,
    });
    let view = ListPage {
        tabs: tabs(&ctx, "/deployments"),
        as_of: page.t1("screen-as-of", "day", &today),
        tiles,
        rows: all.iter().filter(|d| is(d, which)).map(|d| line(&page, d, &today)).collect(),
        heading: page.t(&format!("deploy-which-{}", which.name())),
        may_record: may_record(&ctx.actor),
        crumbs,
        title,
        page,
    };
    ctx.render(&view)
}

struct Candidate {
    servant: Servant,
    kind: String,
    unit: String,
    cares: String,
    key: String,
}

#[derive(askama::Template)]
#[template(path = "deployment_form.html")]
struct FormPage {
    page: Page,
    q: String,
    candidates: Vec<Candidate>,
    chosen: bool,
    who: String,
    id: String,
    error: String,
    filled: Filled,
    today: String,
}

async fn form_page(ctx: &Ctx, q: &str, id: Uuid, filled: Filled, error: String) -> Result<Response, WebError> {
    let page = ctx.page("nav-relief");
    let chosen = !filled.value("name").is_empty();
    let candidates = if chosen {
        Vec::new()
    } else {
        deployments::servants(&ctx.app, &ctx.actor, q)
            .await?
            .into_iter()
            .map(|servant| Candidate {
                kind: page.t(&format!("deploy-kind-{}", servant.kind)),
                unit: dash(&servant.unit),
                cares: page.t1(&format!("deploy-cares-{}", servant.kind), "count", servant.cares_for),
                key: servant.key(),
                servant,
            })
            .collect()
    };
    let view = FormPage {
        q: q.to_owned(),
        candidates,
        chosen,
        who: person(&page, &filled.value("name"), &filled.value("unit")),
        id: id.to_string(),
        today: ctx.app.clock.today().to_string(),
        error,
        filled,
        page,
    };
    ctx.render(&view)
}

/// Whom the form is about: chosen from those of the register.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub(super) struct Chosen {
    #[serde(default)]
    q: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    key: String,
}

/// The form of a deployment: first whom, then where.
pub(super) async fn form(ctx: Ctx, Query(chosen): Query<Chosen>) -> Result<Response, WebError> {
    let raw: Raw = [
        ("kind", chosen.kind),
        ("name", chosen.name),
        ("unit", chosen.unit),
        ("key", chosen.key),
        ("from_day", ctx.app.clock.today().to_string()),
    ]
    .map(|(field, value)| (field.to_owned(), value))
    .into();
    form_page(&ctx, &chosen.q, ids::new_id(), Filled::new(ctx.lang, raw), String::new()).await
}

/// Writes a deployment down.
pub(super) async fn record(ctx: Ctx, Form(form): Form<Vec<(String, String)>>) -> Result<Response, WebError> {
    let mut raw = fields_of(form);
    let id: Uuid = raw.remove("id").and_then(|text| text.parse().ok()).unwrap_or_default();
    match deployments::record(&ctx.app, &ctx.actor, id, &raw).await {
        Ok(id) => Ok(ctx.redirect_with(&format!("/deployments/{id}"), "ok", "deploy-written")),
        Err(error) => {
            let Some(status) = shown_again(&error) else {
                return Err(error.into());
            };
            let said = error.message(ctx.lang);
            let mut filled = Filled::new(ctx.lang, raw);
            if let ReliefError::Fields(faults) = error {
                filled.faults = faults;
            }
            let id = if id.is_nil() { ids::new_id() } else { id };
            with_status(form_page(&ctx, "", id, filled, said).await, status)
        }
    }
}

struct Home {
    href: String,
    head: String,
    no: String,
    place: String,
    last: String,
}

#[derive(askama::Template)]
#[template(path = "deployment_show.html")]
struct ShowPage {
    page: Page,
    deployment: Deployment,
    title: String,
    state: Badge,
    facts: Vec<(String, String)>,
    homes: Vec<Home>,
    count: String,
    summary: String,
    prev: String,
    next: String,
    error: String,
    filled: Filled,
    may_change: bool,
}

async fn show_page(ctx: &Ctx, id: Uuid, at: i64, filled: Filled, error: String) -> Result<Response, WebError> {
    let deployment = deployments::one(&ctx.app, &ctx.actor.scope, id).await?;
    let page = ctx.page("nav-relief");
    let today = ctx.app.clock.today().to_string();
    let link = |at: i64| format!("/deployments/{id}?page={at}");
    let (offset, prev, next) = paging(at, deployment.households, link);
    // Whose households these are is for whoever may see households.
    let found = if ctx.actor.may(Capability::ViewHouseholds) && deployment.kind == "helper" {
        deployments::households(&ctx.app, &ctx.actor.scope, &deployment, (offset, ROWS)).await?
    } else {
        Vec::new()
    };
    let to = offset + i64::try_from(found.len()).unwrap_or(0);
    let facts = vec![
        (page.t("deploy-field-kind"), page.t(&format!("deploy-kind-{}", deployment.kind))),
        (page.t("relief-field-unit"), dash(&deployment.unit)),
        (page.t("search-place"), deployment.full_place.clone()),
        (page.t("relief-field-post"), deployment.post.clone()),
        (page.t("relief-field-place"), dash(&deployment.place)),
        (page.t("deploy-period"), period(&page, &deployment)),
        (page.t("relief-field-stand_in"), person(&page, &deployment.stand_in, &deployment.stand_in_unit)),
        (page.t("relief-field-note"), dash(&deployment.note)),
        (page.t("deploy-by"), dash(&deployment.by_name)),
    ];
    let view = ShowPage {
        title: page.t1("deploy-title-of", "name", &deployment.name),
        state: state(&page, &deployment, &today),
        facts,
        homes: found
            .into_iter()
            .map(|home| Home {
                href: format!("/households/{}", home.id),
                head: home.head_name,
                no: home.household_no,
                place: home.place,
                last: dash(&home.last_on),
            })
            .collect(),
        count: grouped(deployment.households),
        summary: page.t2("households-range", "from", (offset + 1).min(to), "to", to),
        prev,
        next,
        may_change: may_record(&ctx.actor),
        error,
        filled,
        deployment,
        page,
    };
    ctx.render(&view)
}

/// One deployment with its households.
pub(super) async fn show(ctx: Ctx, Path(id): Path<Uuid>, Query(address): Query<Address>) -> Result<Response, WebError> {
    show_page(&ctx, id, address.page.parse().unwrap_or(1), Filled::new(ctx.lang, Raw::new()), String::new()).await
}

/// Ends a deployment, or says who stands in.
pub(super) async fn change(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let raw = fields_of(form);
    match deployments::change(&ctx.app, &ctx.actor, id, &raw).await {
        Ok(()) => Ok(ctx.redirect_with(&format!("/deployments/{id}"), "ok", "deploy-changed")),
        Err(error) => {
            let Some(status) = shown_again(&error) else {
                return Err(error.into());
            };
            let said = error.message(ctx.lang);
            let mut filled = Filled::new(ctx.lang, raw);
            if let ReliefError::Fields(faults) = error {
                filled.faults = faults;
            }
            with_status(show_page(&ctx, id, 1, filled, said).await, status)
        }
    }
}
