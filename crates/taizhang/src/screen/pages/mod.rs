//! Pages of screening: visits of a household, who has not been visited, the gap check, rounds.

mod cover;
mod gaps;
mod rounds;
mod visit;
mod words;

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::access::{Capability, Scope};
use crate::register::{self, divisions::CODE_LENGTHS, pages::Crumb, pages::inside};
use crate::web::{Ctx, Policy, Routes, WebError};

const VIEW: Policy = Policy::Needs(Capability::ViewHouseholds);
const RECORD: Policy = Policy::Needs(Capability::RecordVisits);
const FIGURES: Policy = Policy::Needs(Capability::ViewFigures);
/// Whoever sees figures, and whoever visits: a helper sees those of their own households.
const COVER: Policy = Policy::AnyOf(&[Capability::ViewFigures, Capability::RecordVisits]);
const LISTS: Policy = Policy::AllOf(&[Capability::ViewFigures, Capability::ViewHouseholds]);
const EXPORT: Policy = Policy::AllOf(&[Capability::Export, Capability::ViewHouseholds]);

/// Lines of a page of a list.
pub(crate) const ROWS: i64 = 50;

/// The routes of this feature.
pub fn routes() -> Routes {
    Routes::new()
        .get("/screen", COVER, cover::page)
        .get("/screen/list", VIEW, cover::list)
        .get("/screen/gaps", FIGURES, gaps::page)
        .get("/screen/gaps/list", LISTS, gaps::list)
        .get("/screen/gaps/export", EXPORT, gaps::export_question)
        .post("/screen/gaps/export", EXPORT, gaps::export)
        .get("/screen/rounds", COVER, rounds::page)
        .post("/screen/rounds", Policy::Needs(Capability::AssignItems), rounds::begin)
        .get("/screen/rounds/{id}", COVER, rounds::show)
        .get("/households/{id}/visit", RECORD, visit::form)
        .get("/households/{id}/visits", VIEW, visit::of_household)
        .post("/households/{id}/visits", RECORD, visit::record)
        .get("/households/{id}/checks", VIEW, visit::sheet)
        .get("/visits/{id}", VIEW, visit::show)
        .get("/visits/{id}/edit", RECORD, visit::edit)
        .post("/visits/{id}/correct", RECORD, visit::correct)
}

/// A tab of the room.
pub(crate) struct Tab {
    pub(crate) href: &'static str,
    pub(crate) label: String,
    pub(crate) active: bool,
}

/// The tabs of the room that somebody may open.
fn tabs(ctx: &Ctx, active: &str) -> Vec<Tab> {
    let figures = ctx.actor.may(Capability::ViewFigures);
    [
        ("/screen", "screen-tab-cover", true),
        ("/screen/gaps", "screen-tab-gaps", figures),
        ("/screen/rounds", "screen-tab-rounds", true),
    ]
    .into_iter()
    .filter(|(.., open)| *open)
    .map(|(href, key, _)| Tab { href, label: crate::platform::i18n::text(ctx.lang, key), active: href == active })
    .collect()
}

/// A number that opens its list; no link where it is nought or the reader may open none.
pub(crate) struct Figure {
    pub(crate) label: String,
    pub(crate) text: String,
    pub(crate) href: String,
    pub(crate) alarm: bool,
}

/// The division asked for, its scope and the way down to it.
pub(crate) async fn place(ctx: &Ctx, division: &str, base: &str) -> Result<(Scope, String, Vec<Crumb>), WebError> {
    let mut code = if division.is_empty() { ctx.actor.scope.root().to_owned() } else { division.to_owned() };
    // One province only: the country would be one line.
    if code.is_empty()
        && let [only] = register::division_children(&ctx.app, "").await?.as_slice()
    {
        code.clone_from(&only.code);
    }
    let scope = inside(ctx, &code)?;
    let mut crumbs = Vec::new();
    let mut title = crate::platform::i18n::text(ctx.lang, "division-whole");
    for length in CODE_LENGTHS {
        if let Some(part) = code.get(..length)
            && let Some(found) = register::division(&ctx.app, part).await?
        {
            title.clone_from(&found.name);
            if ctx.actor.scope.contains(part) {
                let joint = if base.contains('?') { '&' } else { '?' };
                crumbs.push(Crumb { href: format!("{base}{joint}division={part}"), name: found.name });
            }
        }
    }
    Ok((scope, title, crumbs))
}

/// A day of an address; another one where it is none.
pub(crate) fn day_or(text: &str, other: chrono::NaiveDate) -> chrono::NaiveDate {
    chrono::NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").unwrap_or(other)
}

/// Where a page of a list begins, and the links to the pages beside it.
pub(crate) fn paging(page: i64, count: i64, link: impl Fn(i64) -> String) -> (i64, String, String) {
    let at = page.clamp(1, 100_000);
    let offset = (at - 1) * ROWS;
    let prev = if at > 1 { link(at - 1) } else { String::new() };
    let next = if offset + ROWS < count { link(at + 1) } else { String::new() };
    (offset, prev, next)
}

/// A file for the browser to keep.
pub(crate) fn attached(name: &str, mime: &'static str, bytes: Vec<u8>) -> Response {
    let named = format!("attachment; filename*=UTF-8''{}", crate::web::query_encoded(name));
    ([(CONTENT_TYPE, mime.to_owned()), (CONTENT_DISPOSITION, named)], bytes).into_response()
}
