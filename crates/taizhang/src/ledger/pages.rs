//! The Ledger pages: list, item, bulk assignment, reconciliation, export.

use axum::extract::{Path, Query};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use uuid::Uuid;

use super::model::{Action, Filter, Item, Line, Movement, Reconciliation, Sort, State, Step, Which, title_in};
use super::{LedgerError, Whole};
use crate::access::{Capability, Role};
use crate::assess;
use crate::platform::{Lang, UserError, i18n, ids};
use crate::web::{Ctx, Fault, Form, Page, Policy, Routes, Upload, WebError};

const VIEW: Policy = Policy::Needs(Capability::ViewItems);
const ASSIGN: Policy = Policy::Needs(Capability::AssignItems);
/// Lines of a page.
const LINES: i64 = 50;

/// The routes of this feature.
pub fn routes() -> Routes {
    Routes::new()
        .get("/ledger", VIEW, list)
        .get("/ledger/export", Policy::Needs(Capability::Export), export)
        .get("/ledger/balance", VIEW, balance)
        .post("/ledger/assign", ASSIGN, assign_preview)
        .post("/ledger/assign/apply", ASSIGN, assign_apply)
        .get("/ledger/files/{id}", VIEW, file)
        .get("/ledger/{id}", VIEW, item)
        .post("/ledger/{id}/act", VIEW, act)
        .upload(
            "/ledger/{id}/attach",
            Policy::AnyOf(&[Capability::WorkItems, Capability::CheckItems]),
            super::ATTACHMENT_LIMIT + 64 * 1024,
            attach,
        )
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
    sort: String,
    #[serde(default)]
    dir: String,
    #[serde(default)]
    cols: String,
    #[serde(default)]
    page: String,
}

impl Asked {
    fn filter(&self) -> Filter {
        Filter {
            which: Which::from_name(&self.state).unwrap_or_default(),
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

fn encoded(text: &str) -> String {
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

struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

struct Row {
    id: Uuid,
    number: String,
    title: String,
    head: String,
    household: Option<Uuid>,
    place: String,
    state: String,
    tone: &'static str,
    late: bool,
    deadline: String,
    owner: String,
    round: i64,
    level: String,
    updated: String,
}

fn tone(state: State) -> &'static str {
    match state {
        State::ToVerify | State::Cancelled => "mute",
        State::Assigned | State::InProgress => "info",
        State::Submitted | State::Checking => "warn",
        State::Returned => "danger",
        State::Closed => "ok",
    }
}

fn late_days(deadline: &str, today: NaiveDate) -> i64 {
    NaiveDate::parse_from_str(deadline, "%Y-%m-%d").map_or(0, |day| (today - day).num_days())
}

impl Row {
    fn of(page: &Page, line: Line, today: NaiveDate) -> Self {
        let state = State::from_name(&line.state).unwrap_or(State::ToVerify);
        let days = late_days(&line.deadline, today);
        let late = state.is_open() && days > 0;
        Self {
            id: line.id,
            title: title_in(&line.title, page.lang),
            head: line.head_name,
            household: line.household_id,
            place: line.division_name,
            state: if late {
                page.t2("ledger-late", "state", page.t(&format!("ledger-state-{}", line.state)), "days", days)
            } else {
                page.t(&format!("ledger-state-{}", line.state))
            },
            tone: if late { "danger" } else { tone(state) },
            late,
            deadline: line.deadline,
            owner: match (line.assignee_name.is_empty(), line.owner_name.is_empty()) {
                (false, _) => line.assignee_name,
                (true, false) => line.owner_name,
                (true, true) => line.owner_unit,
            },
            round: line.round,
            level: page.t(&format!("ledger-level-{}", line.level)),
            updated: page.time(&line.updated_at),
            number: line.number,
        }
    }
}

#[derive(askama::Template)]
#[template(path = "ledger.html")]
struct ListPage {
    page: Page,
    asof: String,
    tabs: Vec<Tab>,
    divisions: Vec<Choice>,
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
    may_assign: bool,
    assignees: Vec<Choice>,
    batch: Uuid,
}

async fn list(ctx: Ctx, Query(mut asked): Query<Asked>) -> Result<Response, WebError> {
    // Whoever works items sees their own first.
    let worker = matches!(ctx.actor.role, Role::VillageOfficer | Role::Helper) && !ctx.actor.is_machine;
    let counts = super::counts(&ctx.app, &ctx.actor, &asked.filter().division).await?;
    if worker && asked.state.is_empty() && asked.mine.is_empty() && counts.mine > 0 {
        asked.mine = "1".to_owned();
    }
    let filter = asked.filter();
    let page = ctx.page("nav-ledger");
    let today = ctx.app.clock.today();
    let (lines, total) = super::list(&ctx.app, &ctx.actor, &filter).await?;
    let tab = |which: Which, mine: bool, key: &str, count: i64| Tab {
        href: asked.href("/ledger", &[("state", which.name()), ("mine", if mine { "1" } else { "0" }), ("page", "")]),
        label: page.t(key),
        count,
        active: filter.mine == mine && (mine || filter.which == which),
    };
    let mut tabs = vec![
        tab(Which::Open, false, "ledger-tab-open", counts.open),
        tab(Which::Overdue, false, "ledger-tab-overdue", counts.overdue),
        tab(Which::ToCheck, false, "ledger-tab-to_check", counts.to_check),
        tab(Which::One(State::Closed), false, "ledger-tab-closed", counts.closed),
        tab(Which::One(State::Cancelled), false, "ledger-tab-cancelled", counts.cancelled),
    ];
    // Reached from the situation page only: among the tabs while it is looked at.
    if filter.which == Which::DueSoon {
        tabs.insert(2, tab(Which::DueSoon, false, "ledger-tab-due_soon", total));
    }
    if ctx.actor.user_id.is_some() {
        let mine = tab(Which::Open, true, "ledger-tab-mine", counts.mine);
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
    let loaded = assess::active_profile(&ctx.app, &ctx.actor).await?;
    let rules = loaded
        .profile
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
    let may_assign = ctx.actor.may(Capability::AssignItems);
    let assignees = if may_assign && !lines.is_empty() { users_of(&ctx, &lines).await? } else { Vec::new() };
    let from = (filter.page.max(1) - 1) * LINES + 1;
    let to = from + lines.len() as i64 - 1;
    let turn = |wanted: i64| asked.href("/ledger", &[("page", &wanted.to_string())]);
    let full = asked.cols == "full";
    let export = asked.href("/ledger/export", &[]);
    ctx.render(&ListPage {
        asof: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        tabs,
        divisions,
        rules,
        heads: vec![
            head(Sort::Number, "ledger-column-number"),
            head(Sort::Division, "ledger-column-village"),
            head(Sort::Deadline, "ledger-column-deadline"),
            head(Sort::Updated, "ledger-column-updated"),
        ],
        rows: lines.into_iter().map(|line| Row::of(&page, line, today)).collect(),
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

/// Users who may work some item of a page, for the bulk assignment's choice.
async fn users_of(ctx: &Ctx, lines: &[Line]) -> Result<Vec<Choice>, WebError> {
    let mut places: Vec<&str> = lines.iter().map(|line| line.division_code.as_str()).collect();
    places.sort_unstable();
    places.dedup();
    let mut out: Vec<Choice> = Vec::new();
    for place in places {
        for user in super::assignable(&ctx.app, &ctx.actor, place).await? {
            let value = user.id.to_string();
            if !out.iter().any(|choice| choice.value == value) {
                out.push(Choice { label: who(ctx.lang, &user.name, &user.role, &user.unit), value, chosen: false });
            }
        }
    }
    Ok(out)
}

fn who(lang: Lang, name: &str, role: &str, unit: &str) -> String {
    let role = i18n::text(lang, &format!("role-{role}"));
    if unit.is_empty() { format!("{name} · {role}") } else { format!("{name} · {role} · {unit}") }
}

async fn export(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let bytes = super::export_csv(&ctx.app, &ctx.actor, &asked.filter(), ctx.lang).await?;
    let name = format!("attachment; filename=\"ledger-{}.csv\"", ctx.app.clock.today());
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)], bytes).into_response())
}

struct StepView {
    label: String,
    note: String,
    state: &'static str,
}

struct MeasureView {
    id: String,
    title: String,
    done: bool,
    note: String,
}

struct EventView {
    date: String,
    time: String,
    tone: &'static str,
    title: String,
    note: String,
    by: String,
}

struct FileView {
    id: Uuid,
    name: String,
    is_image: bool,
    size: String,
}

struct ActionView {
    name: &'static str,
    label: String,
    hint: String,
    note: bool,
    required: bool,
    least: usize,
    place: bool,
    style: &'static str,
    event: Uuid,
}

#[derive(askama::Template)]
#[template(path = "ledger_item.html")]
struct ItemPage {
    page: Page,
    item: Item,
    title: String,
    state: String,
    tone: &'static str,
    error: String,
    steps: Vec<StepView>,
    household: Option<(Uuid, String, String, String)>,
    evidence: Vec<String>,
    since: String,
    ended: String,
    measures: Vec<MeasureView>,
    measures_done: usize,
    events: Vec<EventView>,
    files: Vec<FileView>,
    actions: Vec<ActionView>,
    may_measure: bool,
    other_measures: Vec<Choice>,
    may_assign: bool,
    assignees: Vec<Choice>,
    may_attach: bool,
    assignee: String,
    deadline: String,
    level: String,
    profile: String,
    rule: String,
    own_work: bool,
    event_assign: Uuid,
    event_measure: Uuid,
    event_attach: Uuid,
}

async fn item(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    show(&ctx, id, String::new()).await
}

async fn show(ctx: &Ctx, id: Uuid, error: String) -> Result<Response, WebError> {
    let whole = super::whole(&ctx.app, &ctx.actor, id, ctx.lang).await?;
    let page = ctx.page("nav-ledger");
    let possible = super::possible(&whole.profile, &ctx.actor, &whole.item);
    let may_assign = possible.contains(&"assign");
    let assignees = if may_assign {
        super::assignable(&ctx.app, &ctx.actor, &whole.item.division_code)
            .await?
            .into_iter()
            .map(|user| Choice {
                chosen: whole.item.assignee_id == Some(user.id),
                value: user.id.to_string(),
                label: who(page.lang, &user.name, &user.role, &user.unit),
            })
            .collect()
    } else {
        Vec::new()
    };
    let today = ctx.app.clock.today();
    let state = whole.item.state();
    let days = late_days(&whole.item.deadline, today);
    let late = state.is_open() && days > 0;
    let measures = whole.item.measures();
    let round = whole.item.round;
    let me = ctx.actor.user_id;
    let own_work = me.is_some()
        && (whole.item.submitted_by == me
            || whole.events.iter().any(|e| {
                e.round == round
                    && e.actor_id == me
                    && matches!(e.action.as_str(), "start" | "progress" | "measure" | "submit")
            }));
    let actions = possible
        .iter()
        .copied()
        .filter(|name| !matches!(*name, "assign" | "measure"))
        .filter(|name| !(own_work && matches!(*name, "check" | "pass" | "fail")))
        .map(|name| action_view(&page, name))
        .collect();
    ctx.render(&ItemPage {
        title: whole.item.title(page.lang),
        state: page.t(&format!("ledger-state-{}", whole.item.state)),
        tone: tone(state),
        error,
        steps: steps(&page, &whole),
        household: whole.household.clone(),
        evidence: whole.evidence.clone(),
        since: whole.since.clone(),
        ended: whole.ended.clone(),
        measures_done: measures.iter().filter(|m| m.done).count(),
        other_measures: whole
            .profile
            .measures
            .iter()
            .filter(|(id, _)| !measures.iter().any(|m| m.id == *id))
            .map(|(id, words)| Choice { value: id.clone(), label: words.get(page.lang).to_owned(), chosen: false })
            .collect(),
        measures: measures
            .into_iter()
            .map(|m| MeasureView {
                title: whole.profile.measure_title(&m.id, page.lang).to_owned(),
                note: match (m.done, m.required) {
                    (true, _) => [m.note, m.done_by, m.done_at.map(|ms| page.time(&ms)).unwrap_or_default()]
                        .into_iter()
                        .filter(|part| !part.is_empty())
                        .collect::<Vec<_>>()
                        .join(" · "),
                    (false, true) => page.t("ledger-measure-required"),
                    (false, false) => String::new(),
                },
                done: m.done,
                id: m.id,
            })
            .collect(),
        events: whole.events.iter().map(|event| event_view(&page, &whole, event)).collect(),
        files: whole
            .attachments
            .iter()
            .map(|file| FileView {
                id: file.id,
                name: file.name.clone(),
                is_image: file.mime.starts_with("image/"),
                size: format!("{} KB", (file.bytes + 1023) / 1024),
            })
            .collect(),
        actions,
        may_measure: possible.contains(&"measure"),
        may_assign,
        assignees,
        may_attach: state.is_open() && (ctx.actor.may(Capability::WorkItems) || ctx.actor.may(Capability::CheckItems)),
        assignee: whole.assignee.clone(),
        deadline: if late {
            page.t2("ledger-deadline-late", "day", &whole.item.deadline, "days", days)
        } else if state.is_open() {
            page.t2("ledger-deadline-left", "day", &whole.item.deadline, "days", -days)
        } else {
            whole.item.deadline.clone()
        },
        level: page.t(&format!("ledger-level-{}", whole.item.level)),
        profile: page.t2("ledger-profile", "key", &whole.profile.key, "version", whole.profile.version),
        rule: whole.profile.rule(&whole.item.rule_id).map(|rule| rule.source.clone()).unwrap_or_default(),
        own_work,
        event_assign: ids::new_id(),
        event_measure: ids::new_id(),
        event_attach: ids::new_id(),
        item: whole.item,
        page,
    })
}

fn action_view(page: &Page, name: &'static str) -> ActionView {
    let action = plain(name);
    let least = action.as_ref().map_or(0, Action::note_chars);
    ActionView {
        name,
        label: page.t(&format!("ledger-action-{name}")),
        hint: page.t(&format!("ledger-hint-{name}")),
        note: !matches!(name, "start" | "check"),
        required: least > 0,
        least,
        place: name == "pass",
        style: match name {
            "cancel" | "fail" => "btn-danger",
            "note" | "progress" => "",
            _ => "btn-primary",
        },
        event: ids::new_id(),
    }
}

fn plain(name: &str) -> Option<Action> {
    Some(match name {
        "start" => Action::Start,
        "progress" => Action::Progress,
        "submit" => Action::Submit,
        "check" => Action::Check,
        "pass" => Action::Pass { place: String::new() },
        "fail" => Action::Fail,
        "reopen" => Action::Reopen,
        "cancel" => Action::Cancel,
        "note" => Action::Note,
        _ => return None,
    })
}

/// The steps of the item's life; the day of each that this round has taken.
fn steps(page: &Page, whole: &Whole) -> Vec<StepView> {
    let state = whole.item.state();
    let line = [State::ToVerify, State::Assigned, State::InProgress, State::Submitted, State::Checking, State::Closed];
    let now = match state {
        State::Returned => State::InProgress,
        State::Cancelled => State::Closed,
        other => other,
    };
    let at = line.iter().position(|s| *s == now).unwrap_or(0);
    line.iter()
        .enumerate()
        .map(|(i, step)| {
            let name = if i == at { state.name() } else { step.name() };
            let reached = whole
                .events
                .iter()
                .find(|e| e.round == whole.item.round && e.to_state == name && e.from_state != name)
                .map(|e| page.time(&e.at).get(5..10).unwrap_or_default().to_owned());
            StepView {
                label: page.t(&format!("ledger-state-{name}")),
                note: if i <= at { reached.unwrap_or_default() } else { String::new() },
                state: match (i.cmp(&at), state.is_open()) {
                    (std::cmp::Ordering::Less, _) | (std::cmp::Ordering::Equal, false) => "done",
                    (std::cmp::Ordering::Equal, true) => "now",
                    (std::cmp::Ordering::Greater, _) => "",
                },
            }
        })
        .collect()
}

fn event_view(page: &Page, whole: &Whole, event: &super::model::Event) -> EventView {
    let data: serde_json::Value = serde_json::from_str(&event.data).unwrap_or_default();
    let text = |name: &str| data.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    let title = match event.action.as_str() {
        "open" => page.t1("ledger-event-open", "rule", &whole.item.rule_id),
        "assign" => page.t2("ledger-event-assign", "name", text("name"), "day", text("deadline")),
        "measure" => {
            page.t1("ledger-event-measure", "measure", whole.profile.measure_title(&text("measure"), page.lang))
        }
        "reopen" => page.t1("ledger-event-reopen", "round", event.round),
        "attach" => page.t1("ledger-event-attach", "name", text("name")),
        other => page.t(&format!("ledger-event-{other}")),
    };
    let end = data.get("end").map(|end| assess::end_reason_in_words(&end.to_string(), page.lang)).unwrap_or_default();
    let place = text("place");
    let note =
        [event.note.clone(), end, if place.is_empty() { place } else { page.t1("ledger-event-place", "place", place) }]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("\n");
    let time = page.time(&event.at);
    EventView {
        date: time.get(..10).unwrap_or_default().to_owned(),
        time: time.get(11..).unwrap_or_default().to_owned(),
        tone: match event.action.as_str() {
            "pass" => "ok",
            "fail" | "reopen" => "danger",
            "cancel" => "void",
            "open" | "signal" | "move_in" | "move_out" => "mute",
            _ => "",
        },
        title,
        note,
        by: if event.actor_name.is_empty() { page.t("ledger-system") } else { event.actor_name.clone() },
    }
}

#[derive(Debug, serde::Deserialize)]
struct ActForm {
    event: Uuid,
    version: i64,
    action: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    assignee: String,
    #[serde(default)]
    deadline: String,
    #[serde(default)]
    measure: String,
    #[serde(default)]
    place: String,
}

fn day(text: &str) -> Result<Option<NaiveDate>, LedgerError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Some).map_err(|_| LedgerError::Deadline(text.to_owned()))
}

async fn act(ctx: Ctx, Path(id): Path<Uuid>, Form(form): Form<ActForm>) -> Result<Response, WebError> {
    let action = match form.action.as_str() {
        "assign" => day(&form.deadline).and_then(|deadline| {
            let assignee = form.assignee.parse().map_err(|_| LedgerError::Assignee)?;
            Ok(Action::Assign { assignee, deadline })
        }),
        "measure" => Ok(Action::Measure { id: form.measure }),
        "pass" => Ok(Action::Pass { place: form.place }),
        other => plain(other).ok_or_else(|| LedgerError::NoMeasure(other.to_owned())),
    };
    let outcome = match action {
        Ok(action) => {
            let name = action.name();
            let step = Step { event_id: form.event, version: form.version, action, note: form.note };
            super::act(&ctx.app, &ctx.actor, id, step).await.map(|_| name)
        }
        Err(error) => Err(error),
    };
    answer(&ctx, id, outcome.map(|name| format!("ledger-done-{name}"))).await
}

/// Back to the item with what was done, or the item as it is now with why it was not.
async fn answer(ctx: &Ctx, id: Uuid, outcome: Result<String, LedgerError>) -> Result<Response, WebError> {
    match outcome {
        Ok(key) => Ok(ctx.redirect_with(&format!("/ledger/{id}"), "ok", &key)),
        Err(error @ (LedgerError::NotFound | LedgerError::Db(_))) => Err(error.into()),
        Err(error) => {
            let message = error.message(ctx.lang);
            let status = WebError::from(error).status();
            let mut response = show(ctx, id, message).await?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}

async fn attach(ctx: Ctx, Path(id): Path<Uuid>, mut upload: Upload) -> Result<Response, WebError> {
    let mut event = None;
    let mut found = None;
    while let Some(field) = upload.next().await? {
        match field.name() {
            Some("event") => {
                let text = field.text().await.map_err(|e| Fault::Form(e.to_string()))?;
                event = text.parse::<Uuid>().ok();
            }
            Some("file") => {
                let name = field.file_name().unwrap_or_default().to_owned();
                let bytes = field.bytes().await.map_err(|_| Fault::TooLarge)?;
                found = Some((name, bytes.to_vec()));
            }
            _ => {}
        }
    }
    let outcome = match (event, found) {
        (Some(event), Some((name, bytes))) => super::attach(&ctx.app, &ctx.actor, id, event, &name, bytes).await,
        _ => Err(LedgerError::AttachmentSize { bytes: 0 }),
    };
    answer(&ctx, id, outcome.map(|()| "ledger-done-attach".to_owned())).await
}

async fn file(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let (found, bytes) = super::attachment(&ctx.app, &ctx.actor, id).await?;
    let how = if found.mime.starts_with("image/") { "inline" } else { "attachment" };
    let disposition = format!("{how}; filename=\"evidence\"; filename*=UTF-8''{}", encoded(&found.name));
    Ok((
        [
            (CONTENT_TYPE, found.mime),
            (CONTENT_DISPOSITION, disposition),
            (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".to_owned()),
            (CACHE_CONTROL, "private, no-store".to_owned()),
        ],
        bytes,
    )
        .into_response())
}

struct PreviewRow {
    id: Uuid,
    version: i64,
    number: String,
    title: String,
    now: String,
    deadline: String,
    refused: String,
}

#[derive(askama::Template)]
#[template(path = "ledger_assign.html")]
struct AssignPage {
    page: Page,
    user: String,
    assignee: Uuid,
    deadline: String,
    batch: Uuid,
    rows: Vec<PreviewRow>,
    ready: usize,
}

fn fields<'a>(form: &'a [(String, String)], name: &'a str) -> impl Iterator<Item = &'a str> {
    form.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn common(form: &[(String, String)]) -> Result<(Uuid, Uuid, Option<NaiveDate>), LedgerError> {
    let assignee = fields(form, "assignee").next().and_then(|v| v.parse().ok()).ok_or(LedgerError::Assignee)?;
    let batch = fields(form, "batch").next().and_then(|v| v.parse().ok()).ok_or(LedgerError::EventTaken)?;
    Ok((assignee, batch, day(fields(form, "deadline").next().unwrap_or_default())?))
}

async fn assign_preview(ctx: Ctx, Form(form): Form<Vec<(String, String)>>) -> Result<Response, WebError> {
    let (assignee, batch, deadline) = common(&form)?;
    let items: Vec<Uuid> = fields(&form, "id").filter_map(|v| v.parse().ok()).collect();
    let (user, lines) = super::preview_assign(&ctx.app, &ctx.actor, &items, assignee, deadline, ctx.lang).await?;
    let page = ctx.page("nav-ledger");
    let rows: Vec<PreviewRow> = lines
        .into_iter()
        .map(|line| PreviewRow {
            id: line.item.id,
            version: line.item.version,
            title: line.item.title(page.lang),
            now: line.assignee,
            deadline: line.item.deadline.clone(),
            number: line.item.number,
            refused: line.refused.unwrap_or_default(),
        })
        .collect();
    ctx.render(&AssignPage {
        user: who(page.lang, &user.name, &user.role, &user.unit),
        assignee,
        deadline: deadline.map(|d| d.to_string()).unwrap_or_default(),
        batch,
        ready: rows.iter().filter(|row| row.refused.is_empty()).count(),
        rows,
        page,
    })
}

async fn assign_apply(ctx: Ctx, Form(form): Form<Vec<(String, String)>>) -> Result<Response, WebError> {
    let (assignee, batch, deadline) = common(&form)?;
    let items: Vec<(Uuid, i64)> = fields(&form, "item")
        .filter_map(|v| {
            let (id, version) = v.split_once(':')?;
            Some((id.parse().ok()?, version.parse().ok()?))
        })
        .collect();
    let (_, left) = super::assign_many(&ctx.app, &ctx.actor, batch, &items, assignee, deadline).await?;
    let (tone, key) =
        if left.is_empty() { ("ok", "ledger-done-assign") } else { ("warn", "ledger-done-assign_partly") };
    Ok(ctx.redirect_with("/ledger", tone, key))
}

#[derive(askama::Template)]
#[template(path = "ledger_balance.html")]
struct BalancePage {
    page: Page,
    asof: String,
    found: Reconciliation,
    days: Vec<(String, Movement)>,
}

#[derive(serde::Deserialize)]
struct BalanceAsked {
    #[serde(default)]
    division: String,
}

async fn balance(ctx: Ctx, Query(asked): Query<BalanceAsked>) -> Result<Response, WebError> {
    let page = ctx.page("nav-ledger");
    let found = super::reconcile(&ctx.app, &ctx.actor, &asked.division).await?;
    let scope = ctx.actor.scope.narrow(&asked.division).ok_or(LedgerError::NotFound)?;
    ctx.render(&BalancePage {
        asof: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        found,
        days: super::days(&ctx.app, &scope, 60).await?,
        page,
    })
}
