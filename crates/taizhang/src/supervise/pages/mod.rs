//! The pages of supervision.

mod dispatch;
mod effort;
mod four;
mod listed;
mod morning;
mod presence;
mod remind;

use axum::http::StatusCode;
use chrono::NaiveDate;

use crate::access::Capability;
use crate::assess::Profile;
use crate::ledger::model::{State, title_in};
use crate::ledger::pages::tone;
use crate::ledger::words;
use crate::platform::{ErrorKind, UserError, i18n};
use crate::register::pages::dash;
use crate::supervise::SuperviseError;
use crate::supervise::dispatch::ItemLine;
use crate::web::{Ctx, Page, Policy, Routes, WebError, query_encoded};

/// Of the items of a place: not for who helps some households.
const SEE: Policy = Policy::AllOf(&[Capability::ViewItems, Capability::ViewFigures]);
/// Whoever hands items out.
const SUPERVISE: Policy = Policy::AllOf(&[Capability::AssignItems, Capability::ViewFigures]);

/// Lines of a page of a list.
const ROWS: i64 = 50;

/// The routes of this feature.
pub fn routes() -> Routes {
    Routes::new()
        .get("/supervise", SEE, morning::page)
        .get("/supervise/list", SEE, morning::list)
        .post("/supervise/remind", SUPERVISE, remind::preview)
        .post("/supervise/remind/apply", SUPERVISE, remind::apply)
        .get("/supervise/listed", SEE, listed::index)
        .get("/supervise/listed/new", SUPERVISE, listed::new)
        .post("/supervise/listed", SUPERVISE, listed::add)
        .get("/supervise/listed/{id}", SEE, listed::show)
        .get("/supervise/listed/{id}/edit", SUPERVISE, listed::edit)
        .post("/supervise/listed/{id}/edit", SUPERVISE, listed::change)
        .get("/supervise/sessions", SEE, dispatch::index)
        .get("/supervise/sessions/new", SUPERVISE, dispatch::new)
        .post("/supervise/sessions", SUPERVISE, dispatch::record)
        .get("/supervise/sessions/{id}", SEE, dispatch::show)
        .get("/supervise/presence", SEE, presence::page)
        .get("/supervise/presence/{id}", SEE, presence::member)
        .post("/supervise/presence/{id}/leave", SUPERVISE, presence::leave)
        .post("/supervise/leaves/{id}/withdraw", SUPERVISE, presence::withdraw)
        .get("/supervise/effort", SEE, effort::page)
        .get("/supervise/effort/list", SEE, effort::list)
        .get("/supervise/four", SEE, four::page)
        .post("/supervise/four", SUPERVISE, four::record)
}

/// A tab of the room.
struct Tab {
    href: &'static str,
    label: String,
    active: bool,
}

fn tabs(ctx: &Ctx, active: &str) -> Vec<Tab> {
    [
        ("/supervise", "supervise-tab-morning"),
        ("/supervise/listed", "supervise-tab-listed"),
        ("/supervise/sessions", "supervise-tab-sessions"),
        ("/supervise/presence", "supervise-tab-presence"),
        ("/supervise/four", "supervise-tab-four"),
        ("/supervise/effort", "supervise-tab-effort"),
    ]
    .into_iter()
    .map(|(href, key)| Tab { href, label: i18n::text(ctx.lang, key), active: href == active })
    .collect()
}

/// A number that opens its list; no link where it is nought.
struct Figure {
    label: String,
    text: String,
    href: String,
    alarm: bool,
}

/// An address with those of its parts that say something.
fn address(path: &str, parts: &[(&str, &str)]) -> String {
    let query: Vec<String> = parts
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", query_encoded(value)))
        .collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// "第 1–50 条，共 …", and the links to the pages beside it.
fn pager(page: &Page, at: i64, shown: usize, total: i64, href: impl Fn(i64) -> String) -> (String, String, String) {
    let shown = i64::try_from(shown).unwrap_or(0);
    let from = (at - 1) * ROWS + 1;
    let to = from + shown - 1;
    let words = [("from", from.min(to).to_string()), ("to", to.to_string()), ("total", total.to_string())];
    let summary = if shown == 0 { String::new() } else { i18n::text_with(page.lang, "pager-summary", &words) };
    let prev = if at > 1 { href(at - 1) } else { String::new() };
    let next = if to < total && shown > 0 { href(at + 1) } else { String::new() };
    (summary, prev, next)
}

/// A choice of a list.
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

/// Choices whose texts are `prefix` and the value.
fn choices<'a>(page: &Page, prefix: &str, values: impl IntoIterator<Item = &'a str>, chosen: &str) -> Vec<Choice> {
    values
        .into_iter()
        .map(|value| Choice {
            label: page.t(&format!("{prefix}-{value}")),
            chosen: value == chosen,
            value: value.to_owned(),
        })
        .collect()
}

/// A day of a form; none where it is empty or none.
fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok()
}

/// An item that supervision opened, in a table.
struct ItemRow {
    id: uuid::Uuid,
    number: String,
    title: String,
    topic: String,
    place: String,
    unit: String,
    person: String,
    deadline: String,
    state: String,
    tone: &'static str,
}

fn item_row(page: &Page, profile: &Profile, line: ItemLine, today: NaiveDate) -> ItemRow {
    let state = State::from_name(&line.state).unwrap_or(State::ToVerify);
    let late = if state.is_open() { day(&line.deadline).map_or(0, |due| (today - due).num_days()) } else { 0 };
    let word = words::state(profile, &line.ledger, &line.state).get(page.lang).to_owned();
    ItemRow {
        id: line.id,
        title: title_in(&line.title, page.lang),
        topic: page.t(&format!("supervise-topic-{}", line.topic)),
        place: line.place,
        unit: dash(&line.unit),
        person: dash(&line.person),
        deadline: line.deadline,
        state: if late > 0 { page.t2("ledger-late", "state", word, "days", late) } else { word },
        tone: if late > 0 { "danger" } else { tone(state) },
        number: line.number,
    }
}

/// What is wrong with a form, told on the form itself; anything else is an error page.
fn on_the_form(error: SuperviseError, lang: crate::platform::Lang) -> Result<(String, StatusCode), WebError> {
    match error.kind() {
        ErrorKind::Invalid | ErrorKind::Conflict => {
            let message = error.message(lang);
            Ok((message, WebError::from(error).status()))
        }
        _ => Err(error.into()),
    }
}

/// The page of a list that an address asks for.
fn page_number(text: &str) -> i64 {
    text.parse().unwrap_or(1).clamp(1, 100_000)
}

/// The values of a field that may stand in a form several times.
fn fields<'a>(form: &'a [(String, String)], name: &'a str) -> impl Iterator<Item = &'a str> {
    form.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn first<'a>(form: &'a [(String, String)], name: &'a str) -> &'a str {
    fields(form, name).next().unwrap_or_default()
}
