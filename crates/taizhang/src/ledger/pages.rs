//! The Ledger pages: the list, its export, the reconciliation. Items and assignment have rooms of their own.

use axum::extract::Query;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use uuid::Uuid;

use super::assign_pages::{self, Choice, label};
use super::model::{FINDING, Filter, Line, Move, REASON_CHARS, Sort, State, Then, Which, title_in};
use super::problems::model::Kind;
use super::{Edition, LedgerError, books, books_pages, item_pages, words};
use crate::access::{Capability, Role};
use crate::assess::{self, Profile};
use crate::platform::{UserError, i18n, ids};
use crate::web::{Ctx, Form, Page, Policy, Routes, WebError};

const VIEW: Policy = Policy::Needs(Capability::ViewItems);
const ASSIGN: Policy = Policy::Needs(Capability::AssignItems);
const EXPORT: Policy = Policy::Needs(Capability::Export);
/// Lines of a page.
const LINES: i64 = 50;

/// The routes of this feature.
pub fn routes() -> Routes {
    Routes::new()
        .get("/ledger", VIEW, list)
        .get("/ledger/export", EXPORT, export_ask)
        .post("/ledger/export", EXPORT, export)
        .get("/ledger/balance", VIEW, books_pages::balance)
        .get(
            "/ledger/balance/list",
            // Of the people of a place, as on the situation page: not for who helps some households.
            Policy::AllOf(&[Capability::ViewItems, Capability::ViewFigures]),
            books_pages::list,
        )
        .post("/ledger/balance/export", EXPORT, books_pages::export)
        .get("/ledger/assignees", ASSIGN, assign_pages::assignees)
        .post("/ledger/assign", ASSIGN, assign_pages::preview)
        .post("/ledger/assign/apply", ASSIGN, assign_pages::apply)
        .get("/ledger/files/{id}", VIEW, item_pages::file)
        .get("/ledger/{id}", VIEW, item_pages::item)
        .post("/ledger/{id}/act", VIEW, item_pages::act)
        .upload(
            "/ledger/{id}/attach",
            Policy::AnyOf(&[Capability::WorkItems, Capability::CheckItems]),
            super::ATTACHMENT_LIMIT + 64 * 1024,
            item_pages::attach,
        )
        .merge(super::life_pages::routes())
        .merge(super::stand_in_pages::routes())
        .merge(super::notices_pages::routes())
        .merge(super::problems::routes())
}

/// The list's address, so that a view can be sent to somebody.
#[derive(Debug, Clone, Default, serde::Deserialize)]
struct Asked {
    #[serde(default)]
    state: String,
    #[serde(default)]
    division: String,
    #[serde(default)]
    rule: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    household: String,
    #[serde(default)]
    mine: String,
    #[serde(default)]
    ledger: String,
    #[serde(default)]
    source: String,
    /// As of this day.
    #[serde(default)]
    asof: String,
    /// Moved so, from a day to a day.
    #[serde(default)]
    moved: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    sort: String,
    #[serde(default)]
    dir: String,
    #[serde(default)]
    cols: String,
    #[serde(default)]
    page: String,
}

impl Asked {
    /// What of the books was asked for; a day that is none is left out.
    fn then(&self) -> Option<Then> {
        let day = |text: &str| NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok();
        match (Move::from_name(&self.moved), day(&self.to), day(&self.asof)) {
            (Some(how), Some(to), _) => Some(Then::Moved { how, from: day(&self.from), to }),
            (_, _, Some(day)) => Some(Then::OpenOn(day)),
            _ => None,
        }
    }

    fn filter(&self) -> Filter {
        let then = self.then();
        // Where they stand now is no matter of what was open then, unless it is asked for as well.
        let unasked = if then.is_some() { Which::All } else { Which::Open };
        Filter {
            which: Which::from_name(&self.state).unwrap_or(unasked),
            ledger: self.ledger.clone(),
            source: self.source.clone(),
            then,
            division: self.division.chars().filter(char::is_ascii_digit).collect(),
            rule: self.rule.clone(),
            owner: self.owner.trim().to_owned(),
            text: self.q.chars().take(60).collect(),
            household: self.household.parse().ok(),
            mine: self.mine == "1",
            sort: Sort::from_name(&self.sort).unwrap_or_default(),
            descending: self.dir == "desc",
            page: self.page.parse().unwrap_or(1),
            per_page: LINES,
        }
    }

    /// The address of the same list with some of its parts changed.
    fn href(&self, path: &str, changes: &[(&str, &str)]) -> String {
        let mut parts: Vec<(&str, &str)> = vec![
            ("state", &self.state),
            ("division", &self.division),
            ("rule", &self.rule),
            ("owner", &self.owner),
            ("q", &self.q),
            ("household", &self.household),
            ("mine", &self.mine),
            ("ledger", &self.ledger),
            ("source", &self.source),
            ("asof", &self.asof),
            ("moved", &self.moved),
            ("from", &self.from),
            ("to", &self.to),
            ("sort", &self.sort),
            ("dir", &self.dir),
            ("cols", &self.cols),
        ];
        for (name, value) in changes {
            parts.retain(|(known, _)| known != name);
            parts.push((name, value));
        }
        let query: Vec<String> = parts
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
    }
}

pub(super) fn encoded(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

struct Tab {
    href: String,
    label: String,
    count: i64,
    active: bool,
}

struct Head {
    label: String,
    href: String,
    /// ascending, descending or none.
    sort: &'static str,
}

struct Row {
    id: Uuid,
    number: String,
    title: String,
    head: String,
    household: Option<Uuid>,
    place: String,
    state: String,
    /// Where it stood on the day that was asked for.
    then: String,
    tone: &'static str,
    late: bool,
    deadline: String,
    owner: String,
    round: i64,
    level: String,
    updated: String,
}

pub(crate) fn tone(state: State) -> &'static str {
    match state {
        State::ToVerify | State::Cancelled => "mute",
        State::Assigned | State::InProgress => "info",
        State::Submitted | State::Checking => "warn",
        State::Returned => "danger",
        State::Closed => "ok",
    }
}

pub(super) fn late_days(deadline: &str, today: NaiveDate) -> i64 {
    NaiveDate::parse_from_str(deadline, "%Y-%m-%d").map_or(0, |day| (today - day).num_days())
}

impl Row {
    fn of(page: &Page, profile: &Profile, line: Line, then: &str, today: NaiveDate) -> Self {
        let state = State::from_name(&line.state).unwrap_or(State::ToVerify);
        let days = late_days(&line.deadline, today);
        let late = state.is_open() && days > 0;
        let word = words::state(profile, &line.ledger, &line.state).get(page.lang).to_owned();
        let then = if then.is_empty() || then == line.state {
            String::new()
        } else {
            words::state(profile, &line.ledger, then).get(page.lang).to_owned()
        };
        Self {
            then,
            id: line.id,
            title: title_in(&line.title, page.lang),
            head: line.head_name,
            household: line.household_id,
            place: line.division_name,
            state: if late { page.t2("ledger-late", "state", word, "days", days) } else { word },
            tone: if late { "danger" } else { tone(state) },
            late,
            deadline: line.deadline,
            owner: match (line.assignee_name.is_empty(), line.owner_name.is_empty()) {
                (false, _) => line.assignee_name,
                (true, false) => line.owner_name,
                (true, true) => line.owner_unit,
            },
            round: line.round,
            level: words::level(profile, &line.level).get(page.lang).to_owned(),
            updated: page.time(&line.updated_at),
            number: line.number,
        }
    }
}

#[derive(askama::Template)]
#[template(path = "ledger.html")]
struct ListPage {
    page: Page,
    heading: String,
    asof: String,
    /// The day or period of the books that the list is of; empty for now.
    then: String,
    then_off: String,
    tabs: Vec<Tab>,
    divisions: Vec<Choice>,
    ledgers: Vec<Choice>,
    sources: Vec<Choice>,
    may_lists: bool,
    rules: Vec<Choice>,
    asked: Asked,
    heads: Vec<Head>,
    rows: Vec<Row>,
    full: bool,
    columns_href: String,
    summary: String,
    prev: String,
    next: String,
    export: String,
    /// What the work mode of the county that the list is of says of visits, and where it is explained.
    mode: Option<(String, String)>,
    may_assign: bool,
    assignees: Vec<String>,
    batch: Uuid,
}

async fn list(ctx: Ctx, Query(mut asked): Query<Asked>) -> Result<Response, WebError> {
    // Whoever works items sees their own first.
    let worker = matches!(ctx.actor.role, Role::VillageOfficer | Role::Helper) && !ctx.actor.is_machine;
    let counts = super::counts(&ctx.app, &ctx.actor, &asked.filter().division).await?;
    if worker && asked.then().is_none() && asked.state.is_empty() && asked.mine.is_empty() && counts.mine > 0 {
        asked.mine = "1".to_owned();
    }
    let filter = asked.filter();
    let page = ctx.page("nav-ledger");
    let today = ctx.app.clock.today();
    let profile = assess::active_profile(&ctx.app, &ctx.actor).await?.profile;
    let (lines, total) = super::list(&ctx.app, &ctx.actor, &filter).await?;
    let (then, states) = match &filter.then {
        None => (String::new(), vec![String::new(); lines.len()]),
        Some(then) => {
            let day = match then {
                Then::OpenOn(day) => *day,
                Then::Moved { to, .. } => *to,
            };
            (then_in_words(&ctx, &page, &profile, &filter).await?, books::states_on(&ctx.app, &lines, day).await?)
        }
    };
    let then_off = asked
        .href("/ledger", &["asof", "moved", "from", "to", "ledger", "source", "state", "page"].map(|name| (name, "")));
    let tab = |which: Which, mine: bool, label: String, count: i64| Tab {
        href: asked.href("/ledger", &[("state", which.name()), ("mine", if mine { "1" } else { "0" }), ("page", "")]),
        label,
        count,
        active: filter.mine == mine && (mine || filter.which == which),
    };
    let word = |state: State| words::state_of_all(&profile, state.name()).get(page.lang).to_owned();
    let mut tabs = vec![
        tab(Which::Open, false, page.t("ledger-tab-open"), counts.open),
        tab(Which::Overdue, false, page.t("ledger-tab-overdue"), counts.overdue),
        tab(Which::ToCheck, false, page.t("ledger-tab-to_check"), counts.to_check),
        tab(Which::One(State::Closed), false, word(State::Closed), counts.closed),
        tab(Which::One(State::Cancelled), false, word(State::Cancelled), counts.cancelled),
    ];
    // Reached from the situation page only: among the tabs while it is looked at.
    if filter.which == Which::DueSoon {
        tabs.insert(2, tab(Which::DueSoon, false, page.t("ledger-tab-due_soon"), total));
    }
    if ctx.actor.user_id.is_some() {
        let mine = tab(Which::Open, true, page.t("ledger-tab-mine"), counts.mine);
        tabs.insert(if worker { 0 } else { tabs.len() }, mine);
    }
    let head = |sort: Sort, key: &str| {
        let active = filter.sort == sort;
        let dir = if active && !filter.descending { "desc" } else { "" };
        Head {
            label: page.t(key),
            href: asked.href("/ledger", &[("sort", sort.name()), ("dir", dir), ("page", "")]),
            sort: match (active, filter.descending) {
                (true, false) => "ascending",
                (true, true) => "descending",
                _ => "none",
            },
        }
    };
    let rules = profile
        .rules
        .iter()
        .map(|rule| Choice {
            value: rule.id.clone(),
            label: rule.title.get(page.lang).to_owned(),
            chosen: rule.id == filter.rule,
        })
        .collect();
    let divisions = super::sub_divisions(&ctx.app, &ctx.actor)
        .await?
        .into_iter()
        .map(|(value, label)| Choice { chosen: value == filter.division, value, label })
        .collect();
    let ledgers = profile
        .ledgers
        .iter()
        .map(|(id, policy)| Choice {
            value: id.clone(),
            label: policy.title.get(page.lang).to_owned(),
            chosen: *id == filter.ledger,
        })
        .collect();
    let sources = [FINDING]
        .into_iter()
        .chain(Kind::ALL.map(Kind::name))
        .map(|name| Choice {
            value: name.to_owned(),
            label: words::source(name, page.lang),
            chosen: name == filter.source,
        })
        .collect();
    let may_assign = ctx.actor.may(Capability::AssignItems);
    let assignees = if may_assign && !lines.is_empty() {
        let places: Vec<String> = lines.iter().map(|line| line.division_code.clone()).collect();
        let found = super::assignees(&ctx.app, &ctx.actor, &places, "").await?;
        found.users.iter().map(|user| label(ctx.lang, user)).collect()
    } else {
        Vec::new()
    };
    let from = (filter.page.max(1) - 1) * LINES + 1;
    let to = from + lines.len() as i64 - 1;
    let turn = |wanted: i64| asked.href("/ledger", &[("page", &wanted.to_string())]);
    let full = asked.cols == "full";
    let export = asked.href("/ledger/export", &[]);
    let place = if filter.division.is_empty() { ctx.actor.scope.root() } else { filter.division.as_str() };
    let mode = assess::modes_words::notice(&ctx.app, &profile, place, page.lang).await?;
    ctx.render(&ListPage {
        mode,
        heading: words::heading(&profile, page.lang),
        asof: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        tabs,
        divisions,
        ledgers,
        sources,
        may_lists: ctx.actor.may(Capability::ViewFigures),
        rules,
        heads: vec![
            head(Sort::Number, "ledger-column-number"),
            head(Sort::Division, "ledger-column-village"),
            head(Sort::Deadline, "ledger-column-deadline"),
            head(Sort::Updated, "ledger-column-updated"),
        ],
        rows: lines.into_iter().zip(&states).map(|(line, then)| Row::of(&page, &profile, line, then, today)).collect(),
        then,
        then_off,
        full,
        columns_href: asked.href("/ledger", &[("cols", if full { "" } else { "full" })]),
        summary: if total == 0 {
            String::new()
        } else {
            i18n::text_with(
                page.lang,
                "pager-summary",
                &[("from", from.to_string()), ("to", to.to_string()), ("total", total.to_string())],
            )
        },
        prev: if filter.page > 1 { turn(filter.page - 1) } else { String::new() },
        next: if to < total { turn(filter.page.max(1) + 1) } else { String::new() },
        export: if ctx.actor.may(Capability::Export) { export } else { String::new() },
        may_assign,
        assignees,
        batch: ids::new_id(),
        asked,
        page,
    })
}

/// What the books say of the day or period that a list is of.
async fn then_in_words(ctx: &Ctx, page: &Page, profile: &Profile, filter: &Filter) -> Result<String, WebError> {
    let mut parts = Vec::new();
    match &filter.then {
        None => {}
        Some(Then::OpenOn(day)) => parts.push(page.t1("ledger-then-open", "day", day)),
        Some(Then::Moved { how, from, to }) => {
            let times = books::times(&ctx.app, &ctx.actor, filter).await?;
            let from = from.map_or_else(|| page.t("ledger-beginning"), |day| day.to_string());
            let words = [
                ("from", from),
                ("to", to.to_string()),
                ("how", page.t(&format!("ledger-moved-{}", how.name()))),
                ("times", times.to_string()),
            ];
            parts.push(i18n::text_with(page.lang, "ledger-then-moved", &words));
        }
    }
    if !filter.ledger.is_empty() {
        parts.push(words::ledger(profile, &filter.ledger, page.lang));
    }
    if !filter.source.is_empty() {
        parts.push(page.t1("ledger-then-source", "source", words::source(&filter.source, page.lang)));
    }
    Ok(parts.join(" · "))
}

struct EditionChoice {
    value: &'static str,
    label: String,
    hint: String,
    chosen: bool,
}

#[derive(askama::Template)]
#[template(path = "ledger_export.html")]
struct ExportPage {
    page: Page,
    heading: String,
    rows: String,
    asked: Asked,
    back: String,
    editions: Vec<EditionChoice>,
    purpose: String,
    least: usize,
    error: String,
}

/// Asks what the file is for, and says which rows it will hold.
async fn export_ask(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    ask(&ctx, asked, Edition::Public, String::new(), String::new()).await
}

async fn ask(ctx: &Ctx, asked: Asked, edition: Edition, purpose: String, error: String) -> Result<Response, WebError> {
    let page = ctx.page("nav-ledger");
    let profile = assess::active_profile(&ctx.app, &ctx.actor).await?.profile;
    let (_, total) = super::list(&ctx.app, &ctx.actor, &Filter { per_page: 1, page: 1, ..asked.filter() }).await?;
    ctx.render(&ExportPage {
        heading: words::heading(&profile, page.lang),
        rows: page.t1("ledger-export-rows", "count", total),
        back: asked.href("/ledger", &[]),
        editions: Edition::ALL
            .into_iter()
            .map(|choice| EditionChoice {
                value: choice.name(),
                label: page.t(&format!("ledger-edition-{}", choice.name())),
                hint: page.t(&format!("ledger-edition-{}-hint", choice.name())),
                chosen: choice == edition,
            })
            .collect(),
        purpose,
        least: REASON_CHARS,
        error,
        asked,
        page,
    })
}

#[derive(Debug, serde::Deserialize)]
struct ExportForm {
    #[serde(default)]
    purpose: String,
    #[serde(default)]
    edition: String,
    #[serde(flatten)]
    asked: Asked,
}

async fn export(ctx: Ctx, Form(form): Form<ExportForm>) -> Result<Response, WebError> {
    let edition = Edition::from_name(&form.edition).unwrap_or(Edition::Public);
    let outcome = super::export_csv(&ctx.app, &ctx.actor, &form.asked.filter(), edition, &form.purpose, ctx.lang).await;
    let bytes = match outcome {
        Ok(bytes) => bytes,
        Err(error @ LedgerError::Purpose) => {
            let message = error.message(ctx.lang);
            let status = WebError::from(error).status();
            let mut response = ask(&ctx, form.asked, edition, form.purpose, message).await?;
            *response.status_mut() = status;
            return Ok(response);
        }
        Err(error) => return Err(error.into()),
    };
    let name = format!("attachment; filename=\"ledger-{}-{}.csv\"", ctx.app.clock.today(), edition.name());
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)], bytes).into_response())
}
