//! Pages of tasks, campaigns, what was put off, measures and good practice.

mod campaigns;
mod forms;
mod measures;
mod postponed;
mod practices;
mod show;

use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::TaskError;
use super::history::Past;
use super::model::{Figures, Leg, Node, State, Task, permille, show_figure};
use crate::access::Capability;
use crate::platform::{ErrorKind, UserError, i18n, ids};
use crate::register;
use crate::register::divisions::CODE_LENGTHS;
use crate::register::pages::{Badge, Crumb, dash};
use crate::web::{Ctx, Page, Policy, Routes, WebError};

/// Whoever sees figures and items of whole places.
const SEE: Policy = Policy::AllOf(&[Capability::ViewItems, Capability::ViewFigures]);
const LEAD: Policy = Policy::AllOf(&[Capability::AssignItems, Capability::ViewFigures]);
const EXPORT: Policy = Policy::AllOf(&[Capability::Export, Capability::ViewItems, Capability::ViewFigures]);
const NAV: &str = "nav-tasks";
/// Lines of a page of a list.
const ROWS: i64 = 50;

/// The routes of this feature.
pub fn routes() -> Routes {
    Routes::new()
        .get("/tasks", SEE, show::index)
        .post("/tasks", LEAD, forms::issue)
        .get("/tasks/new", LEAD, forms::new)
        .get("/tasks/owed", SEE, show::owed)
        .post("/tasks/remind", LEAD, forms::remind)
        .get("/tasks/reports/{id}", SEE, show::report)
        .get("/tasks/campaigns", SEE, campaigns::index)
        .post("/tasks/campaigns", LEAD, campaigns::begin)
        .get("/tasks/campaigns/new", LEAD, campaigns::new)
        .get("/tasks/campaigns/{id}", SEE, campaigns::show)
        .get("/tasks/campaigns/{id}/plan", LEAD, campaigns::plan)
        .post("/tasks/campaigns/{id}/plan", LEAD, campaigns::replan)
        .get("/tasks/postponed", SEE, postponed::index)
        .post("/tasks/postponed", LEAD, postponed::add)
        .get("/tasks/postponed/{id}", SEE, postponed::show)
        .post("/tasks/postponed/{id}", LEAD, postponed::act)
        .get("/tasks/measures", SEE, measures::index)
        .post("/tasks/measures", LEAD, measures::add)
        .get("/tasks/measures/new", LEAD, measures::new)
        .get("/tasks/measures/{id}", SEE, measures::show)
        .get("/tasks/measures/{id}/edit", LEAD, measures::edit)
        .post("/tasks/measures/{id}/edit", LEAD, measures::save)
        .get("/tasks/practices", SEE, practices::index)
        .post("/tasks/practices", SEE, practices::propose)
        .get("/tasks/practices/{id}", SEE, practices::show)
        .post("/tasks/practices/{id}/spread", LEAD, practices::spread)
        .post("/tasks/practices/{id}/adopt", SEE, practices::adopt)
        .get("/tasks/{id}", SEE, show::show)
        .get("/tasks/{id}/units", SEE, show::units)
        .get("/tasks/{id}/export", EXPORT, show::export_question)
        .post("/tasks/{id}/export", EXPORT, show::export)
        .get("/tasks/{id}/hand", LEAD, forms::hand)
        .post("/tasks/{id}/hand", LEAD, forms::hand_down)
        .get("/tasks/{id}/report", SEE, forms::report)
        .post("/tasks/{id}/report", SEE, forms::send_report)
        .post("/tasks/{id}/decide", LEAD, forms::decide)
        .post("/tasks/{id}/accept", LEAD, forms::accept)
        .post("/tasks/{id}/close", LEAD, forms::close)
}

/// A tab of the room.
struct Tab {
    href: &'static str,
    label: String,
    active: bool,
}

fn tabs(ctx: &Ctx, active: &str) -> Vec<Tab> {
    [
        ("/tasks", "task-tab-tasks"),
        ("/tasks/owed", "task-tab-owed"),
        ("/tasks/campaigns", "task-tab-campaigns"),
        ("/tasks/postponed", "task-tab-postponed"),
        ("/tasks/measures", "task-tab-measures"),
        ("/tasks/practices", "task-tab-practices"),
    ]
    .into_iter()
    .map(|(href, key)| Tab { href, label: i18n::text(ctx.lang, key), active: href == active })
    .collect()
}

/// One of several to choose from.
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

impl Choice {
    fn new(value: impl Into<String>, label: String, chosen: &str) -> Self {
        let value = value.into();
        Self { chosen: value == chosen, value, label }
    }
}

/// A tab with how many lines are behind it.
struct Count {
    href: String,
    label: String,
    count: String,
    active: bool,
}

/// A leg with its figures.
struct LegView {
    label: String,
    counts: String,
    target: String,
    done: String,
    percent: i64,
    percent_text: String,
}

fn figure(figure: Option<i64>) -> String {
    figure.map_or_else(|| "—".to_owned(), show_figure)
}

/// Tenths of a percent as text.
fn percent_text(share: Option<i64>) -> String {
    share.map_or_else(|| "—".to_owned(), |share| format!("{}.{}%", share / 10, share % 10))
}

/// For a bar, which ends at all.
fn bar(share: Option<i64>) -> i64 {
    share.map_or(0, |share| (share / 10).min(100))
}

fn leg_view(page: &Page, leg: Leg, counts: &str, target: Option<i64>, done: Option<i64>) -> LegView {
    let share = permille(done, target);
    LegView {
        label: page.t(&format!("task-leg-{}", leg.name())),
        counts: counts.to_owned(),
        target: figure(target),
        done: figure(done.or(Some(0))),
        percent: bar(share),
        percent_text: percent_text(share),
    }
}

fn leg_views(page: &Page, task: &Task, targets: Figures, done: Figures) -> Vec<LegView> {
    task.legs().into_iter().map(|leg| leg_view(page, leg, task.counts(leg), targets.get(leg), done.get(leg))).collect()
}

fn state_badge(page: &Page, node: &Node, today: &str) -> Badge {
    let state = node.state();
    let word = page.t(&format!("task-state-{}", state.name()));
    if node.is_late(today) {
        return Badge { tone: "danger", text: page.t1("task-state-late", "state", word) };
    }
    Badge { tone: state.tone(), text: word }
}

fn badge_of(page: &Page, state: State) -> Badge {
    Badge { tone: state.tone(), text: page.t(&format!("task-state-{}", state.name())) }
}

/// Where a page of a list begins, and the links to the pages beside it.
fn paging(page: i64, count: i64, link: impl Fn(i64) -> String) -> (i64, String, String) {
    let at = page.clamp(1, 100_000);
    let offset = (at - 1) * ROWS;
    let prev = if at > 1 { link(at - 1) } else { String::new() };
    let next = if offset + ROWS < count { link(at + 1) } else { String::new() };
    (offset, prev, next)
}

fn summary(page: &Page, offset: i64, shown: usize, total: i64) -> String {
    let to = offset + i64::try_from(shown).unwrap_or(0);
    let args = [("from", (offset + 1).min(to).to_string()), ("to", to.to_string()), ("total", total.to_string())];
    i18n::text_with(page.lang, "pager-summary", &args)
}

/// The way from the reader's place down to a division, and its name.
async fn way(ctx: &Ctx, division: &str, base: &str) -> Result<(String, Vec<Crumb>), WebError> {
    let joint = if base.contains('?') { '&' } else { '?' };
    let (mut crumbs, mut title) = (Vec::new(), i18n::text(ctx.lang, "division-whole"));
    for length in CODE_LENGTHS {
        if let Some(part) = division.get(..length)
            && ctx.actor.scope.contains(part)
            && let Some(found) = register::division(&ctx.app, part).await?
        {
            title.clone_from(&found.name);
            crumbs.push(Crumb { href: format!("{base}{joint}division={part}"), name: found.name });
        }
    }
    Ok((title, crumbs))
}

/// An id of a form; a new one where it is none.
fn id_or_new(text: &str) -> Uuid {
    text.parse().unwrap_or_else(|_| ids::new_id())
}

/// Whether a form is shown again with what is wrong, rather than a page of its own for the error.
fn again(error: &TaskError) -> bool {
    error.kind() == ErrorKind::Invalid
}

/// A form shown again is no success.
fn refused(mut response: Response) -> Response {
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    response
}

/// A line of a history.
struct PastLine {
    day: String,
    time: String,
    tone: &'static str,
    title: String,
    note: String,
    by: String,
    href: String,
    link: String,
}

fn past_line(page: &Page, of: &str, past: &Past, tone: &'static str) -> PastLine {
    PastLine {
        day: past.day.clone(),
        time: page.time(&past.at),
        tone,
        title: page.t(&format!("task-{of}-did-{}", past.action)),
        note: past.note.clone(),
        by: dash(&past.by_name),
        href: String::new(),
        link: String::new(),
    }
}

/// A file for the browser to keep.
fn attached(name: &str, ending: &str, bytes: Vec<u8>) -> Response {
    let mime = if ending == "csv" {
        "text/csv; charset=utf-8"
    } else {
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    };
    let name = crate::web::query_encoded(&format!("{name}.{ending}"));
    let named = format!("attachment; filename=\"tasks.{ending}\"; filename*=UTF-8''{name}");
    ([(CONTENT_TYPE, mime.to_owned()), (CONTENT_DISPOSITION, named)], bytes).into_response()
}
