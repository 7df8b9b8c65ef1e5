//! What a household's file shows of this room: one time line of contacts, relief, contributions and stand-ins.

use axum::extract::Path;
use axum::response::Response;
use uuid::Uuid;

use super::super::deployments::{self, Deployment};
use super::super::model::yuan;
use super::super::{contributions, home, requests};
use super::contacts::carer_text;
use super::contributions::what;
use crate::access::Capability;
use crate::register::pages::dash;
use crate::screen;
use crate::web::{Ctx, Page, WebError};

/// Lines of the part on the household file.
const SHOWN: usize = 8;

struct Moment {
    day: String,
    tone: &'static str,
    title: String,
    note: String,
    by: String,
    href: String,
}

struct Care {
    base: String,
    moments: Vec<Moment>,
    more: usize,
    may_record: bool,
    may_ask: bool,
    may_give: bool,
    carers: Vec<Away>,
}

/// Somebody who answers for the household and is away.
struct Away {
    text: String,
    alone: bool,
}

#[derive(askama::Template)]
#[template(path = "carers.html")]
struct CarersPart {
    carers: Vec<Away>,
}

#[derive(askama::Template)]
#[template(path = "care_part.html")]
struct CarePart {
    page: Page,
    care: Care,
}

#[derive(askama::Template)]
#[template(path = "care.html")]
struct CarePage {
    page: Page,
    title: String,
    sub: String,
    care: Care,
}

async fn moments(ctx: &Ctx, page: &Page, id: Uuid) -> Result<Vec<Moment>, WebError> {
    let mut out = Vec::new();
    for visit in screen::visits(&ctx.app, &ctx.actor.scope, id).await? {
        let title = if visit.channel == "on_site" {
            page.t("care-event-visit-on_site")
        } else {
            page.t1("care-event-visit", "channel", page.t(&format!("screen-channel-{}", visit.channel)))
        };
        out.push(Moment {
            day: visit.visited_on.clone(),
            tone: "",
            title,
            note: visit.note.clone(),
            by: dash(&visit.by_name),
            href: format!("/visits/{}", visit.id),
        });
    }
    // What stands in requests is for whoever may see items.
    if ctx.actor.may(Capability::ViewItems) {
        for request in requests::of_household(&ctx.app, &ctx.actor, id).await? {
            let state = page.t(&format!("relief-state-{}", request.state));
            let fen = if request.approved_fen > 0 { request.approved_fen } else { request.asked_fen };
            out.push(Moment {
                day: request.asked_on.clone(),
                tone: match request.state.as_str() {
                    "paid" => "ok",
                    "refused" => "danger",
                    "withdrawn" => "void",
                    _ => "",
                },
                title: page.t2("care-event-relief", "state", state, "yuan", yuan(fen)),
                note: request.reason.clone(),
                by: request.number.clone(),
                href: format!("/relief/{}", request.id),
            });
        }
    }
    if ctx.actor.may(Capability::ViewItems) {
        for given in contributions::of_household(&ctx.app, &ctx.actor, id).await? {
            out.push(Moment {
                day: given.given_on.clone(),
                tone: "ok",
                title: what(page, &given),
                note: page.t2("care-gift-note", "who", &given.who, "whom", &given.for_whom),
                by: if given.thanked_on.is_empty() {
                    page.t("gift-unthanked")
                } else {
                    page.t2("gift-thanked", "day", &given.thanked_on, "how", &given.thanked_how)
                },
                href: String::new(),
            });
        }
    }
    out.sort_by(|a, b| b.day.cmp(&a.day));
    Ok(out)
}

/// Helpers and members of the village's work team who are away today, and who stands in for them.
async fn away(ctx: &Ctx, page: &Page, id: Uuid, division: &str) -> Result<Vec<Away>, WebError> {
    let today = ctx.app.clock.today().to_string();
    let carers = deployments::carers(&ctx.app, &[id], &today).await?.remove(&id).unwrap_or_default();
    let helpers = carers
        .iter()
        .filter(|carer| carer.deployment_id.is_some())
        .map(|carer| Away { text: carer_text(page, carer), alone: carer.stand_in.is_empty() });
    let village = division.get(..12).unwrap_or(division);
    let team = deployments::team_away(&ctx.app, village, &today).await?;
    let of_team = team.iter().map(|one| Away { text: team_text(page, one), alone: one.stand_in.is_empty() });
    Ok(helpers.chain(of_team).collect())
}

fn team_text(page: &Page, one: &Deployment) -> String {
    let carer = deployments::Carer {
        household_id: Uuid::nil(),
        name: one.name.clone(),
        unit: one.unit.clone(),
        deployment_id: Some(one.id),
        post: one.post.clone(),
        from_day: one.from_day.clone(),
        to_day: one.to_day.clone(),
        stand_in: one.stand_in.clone(),
        stand_in_unit: one.stand_in_unit.clone(),
    };
    carer_text(page, &carer)
}

/// Who of those that answer for a household is away: a part of its file.
pub(super) async fn carers(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let home = home(&ctx.app, &ctx.actor, id).await?;
    if !ctx.is_fragment() {
        return Ok(ctx.redirect(&format!("/households/{id}/care")));
    }
    let page = ctx.page("nav-households");
    let carers = away(&ctx, &page, id, &home.division_code).await?;
    ctx.render(&CarersPart { carers })
}

/// The part for the household's file, or a page.
pub(super) async fn care(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let home = home(&ctx.app, &ctx.actor, id).await?;
    let page = ctx.page("nav-households");
    let mut moments = moments(&ctx, &page, id).await?;
    let most = if ctx.is_fragment() { SHOWN } else { usize::MAX };
    let more = moments.len().saturating_sub(most);
    moments.truncate(most);
    let care = Care {
        base: format!("/households/{id}"),
        moments,
        more,
        may_record: screen::may_record(&ctx.actor),
        may_ask: requests::may_ask(&ctx.actor),
        may_give: contributions::may_record(&ctx.actor),
        // The file says it beside the helpers themselves.
        carers: if ctx.is_fragment() { Vec::new() } else { away(&ctx, &page, id, &home.division_code).await? },
    };
    if ctx.is_fragment() {
        return ctx.render(&CarePart { page, care });
    }
    let title = page.t1("care-title", "name", &home.head_name);
    ctx.render(&CarePage { title, sub: format!("{} · {}", home.place, home.household_no), care, page })
}
