//! The four 不摘 by county, and the checks of one county with the form of a new one.

use axum::extract::Query;
use axum::response::Response;

use super::{Choice, Tab, address, choices, day, on_the_form, tabs};
use crate::assess::Profile;
use crate::ledger::model::State;
use crate::ledger::pages::tone;
use crate::ledger::words;
use crate::platform::ids;
use crate::register::pages::Badge;
use crate::supervise::four::{self, ASPECTS, CheckLine, NewCheck};
use crate::supervise::{self, SuperviseError, may_supervise};
use crate::web::{Ctx, Form, Page, WebError};

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    id: String,
    county: String,
    aspect: String,
    checked_on: String,
    result: String,
    found: String,
    unit: String,
    person: String,
    due: String,
}

struct Cell {
    label: String,
    badge: Badge,
    day: String,
    item: String,
}

struct CountyRow {
    name: String,
    href: String,
    cells: Vec<Cell>,
}

struct CheckRow {
    aspect: String,
    badge: Badge,
    day: String,
    found: String,
    by: String,
    item: String,
    number: String,
    state: Option<Badge>,
}

/// What a check says today: held, falls short, or put right since.
fn badge(page: &Page, check: &CheckLine) -> Badge {
    let (tone, key) = match (check.result.as_str(), check.state.as_str()) {
        ("held", _) => ("ok", "supervise-check-held"),
        (_, "closed") => ("info", "supervise-check-righted"),
        (_, "cancelled") => ("mute", "supervise-check-struck"),
        _ => ("danger", "supervise-check-short"),
    };
    Badge { tone, text: page.t(key) }
}

fn item(check: &CheckLine) -> String {
    check.item_id.map(|id| format!("/ledger/{id}")).unwrap_or_default()
}

#[derive(askama::Template)]
#[template(path = "supervise_four.html")]
struct FourPage {
    page: Page,
    tabs: Vec<Tab>,
    as_of: String,
    heads: Vec<String>,
    counties: Vec<CountyRow>,
    /// The county that is looked at; empty for all of them.
    county: String,
    county_name: String,
    checks: Vec<CheckRow>,
    may: bool,
    fields: Fields,
    aspects: Vec<Choice>,
    today: String,
    error: String,
}

fn check_row(page: &Page, profile: &Profile, check: CheckLine) -> CheckRow {
    CheckRow {
        aspect: page.t(&format!("supervise-topic-{}", check.aspect)),
        badge: badge(page, &check),
        item: item(&check),
        state: State::from_name(&check.state).map(|state| Badge {
            tone: tone(state),
            text: words::state(profile, supervise::LEDGER, &check.state).get(page.lang).to_owned(),
        }),
        day: check.checked_on,
        found: check.found,
        by: check.by_name,
        number: check.number,
    }
}

async fn four_page(ctx: &Ctx, fields: Fields, error: String) -> Result<Response, WebError> {
    let (profile, _) = supervise::policy(&ctx.app, &ctx.actor).await?;
    let counties = four::counties(&ctx.app, &ctx.actor).await?;
    let page = ctx.page("nav-supervise");
    let county: String = fields.county.chars().filter(char::is_ascii_digit).collect();
    // Who sees one county sees it at once.
    let county = match (county.is_empty(), counties.as_slice()) {
        (true, [only]) => only.code.clone(),
        _ => county,
    };
    let known = counties.iter().find(|one| one.code == county);
    if known.is_none() && !county.is_empty() {
        return Err(SuperviseError::NotFound.into());
    }
    let county_name = known.map(|one| one.name.clone()).unwrap_or_default();
    let checks = if county.is_empty() { Vec::new() } else { four::checks(&ctx.app, &ctx.actor, &county).await? };
    let rows = counties
        .iter()
        .filter(|one| county.is_empty() || one.code == county)
        .map(|one| CountyRow {
            name: one.name.clone(),
            href: address("/supervise/four", &[("county", &one.code)]),
            cells: ASPECTS
                .iter()
                .zip(&one.newest)
                .map(|(aspect, check)| {
                    let label = page.t(&format!("supervise-topic-{aspect}"));
                    match check {
                        Some(check) => {
                            Cell { badge: badge(&page, check), day: check.checked_on.clone(), item: item(check), label }
                        }
                        None => Cell {
                            badge: Badge { tone: "mute", text: page.t("supervise-check-none") },
                            day: String::new(),
                            item: String::new(),
                            label,
                        },
                    }
                })
                .collect(),
        })
        .collect();
    let view = FourPage {
        tabs: tabs(ctx, "/supervise/four"),
        as_of: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        heads: ASPECTS.iter().map(|aspect| page.t(&format!("supervise-topic-{aspect}"))).collect(),
        counties: rows,
        may: may_supervise(&ctx.actor) && !county.is_empty(),
        county,
        county_name,
        checks: checks.into_iter().map(|check| check_row(&page, &profile, check)).collect(),
        aspects: choices(&page, "supervise-topic", ASPECTS, &fields.aspect),
        fields,
        today: ctx.app.clock.today().to_string(),
        error,
        page,
    };
    ctx.render(&view)
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    county: String,
    aspect: String,
}

/// The counties, or one of them.
pub(super) async fn page(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let fields = Fields {
        id: ids::new_id().to_string(),
        county: asked.county,
        aspect: asked.aspect,
        checked_on: ctx.app.clock.today().to_string(),
        ..Fields::default()
    };
    four_page(&ctx, fields, String::new()).await
}

/// Writes a check down.
pub(super) async fn record(ctx: Ctx, Form(fields): Form<Fields>) -> Result<Response, WebError> {
    let new = NewCheck {
        id: fields.id.parse().unwrap_or_else(|_| ids::new_id()),
        county: fields.county.clone(),
        aspect: fields.aspect.clone(),
        checked_on: day(&fields.checked_on),
        short: fields.result != "held",
        found: fields.found.clone(),
        unit: fields.unit.clone(),
        person: fields.person.clone(),
        due: day(&fields.due),
    };
    match four::record(&ctx.app, &ctx.actor, new).await {
        Ok(_) => {
            let back = address("/supervise/four", &[("county", &fields.county)]);
            Ok(ctx.redirect_with(&back, "ok", "supervise-check-recorded"))
        }
        Err(error) => {
            let (message, status) = on_the_form(error, ctx.lang)?;
            // What is no county of the reader's cannot be shown again.
            let mut fields = fields;
            if !ctx.actor.scope.contains(&fields.county) || fields.county.len() != 6 {
                fields.county.clear();
            }
            let mut response = four_page(&ctx, fields, message).await?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}
