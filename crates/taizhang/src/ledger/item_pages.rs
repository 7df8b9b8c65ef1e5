//! The page of one item: what it is about, what was done, and what the reader may do next.

use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::assign_pages::{Choice, day, label};
use super::life_pages::{Drafts, LifeView, MoneyDraft, money_of, time_of};
use super::model::{Action, Event, Item, State, Step, is_work, title_in};
use super::pages::{encoded, late_days, tone};
use super::problems::{self, LineItem, Pair};
use super::{LedgerError, Photo, Whole, image, life, words};
use crate::access::Capability;
use crate::assess;
use crate::platform::{UserError, i18n, ids};
use crate::web::{Ctx, Fault, Form, Page, Upload, WebError};

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
    event: Uuid,
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
    /// When and where it was taken, as its sender says.
    about: String,
    /// Who took it away, when and why; empty while it is there.
    removed: String,
    may_remove: bool,
    event: Uuid,
}

struct ActionView {
    name: &'static str,
    label: String,
    hint: String,
    note: bool,
    required: bool,
    least: usize,
    place: bool,
    /// Whether it may have been done at another time.
    late: bool,
    style: &'static str,
    event: Uuid,
    /// What was written already, where it could not be taken.
    draft: String,
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
    sources: Vec<SourceView>,
    pairs: Vec<PairView>,
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
    assignees: Vec<String>,
    assign: AssignView,
    may_attach: bool,
    assignee: String,
    deadline: String,
    level: String,
    profile: String,
    rule: String,
    own_work: bool,
    /// What the work mode of its county says of visits, and where it is explained.
    mode: Option<(String, String)>,
    event_measure: Uuid,
    event_attach: Uuid,
    life: LifeView,
}

/// A row of a problem list that the item answers.
struct SourceView {
    kind: String,
    title: String,
    /// The list's page; empty for who may not open it.
    href: String,
    serial: String,
    description: String,
    requirement: String,
    units: String,
    due: String,
    answer: String,
}

impl SourceView {
    fn of(ctx: &Ctx, line: LineItem) -> Self {
        let may_open = ctx.actor.may(Capability::ViewFigures) && ctx.actor.scope.contains(&line.document_division);
        let units = [line.lead_unit, line.owner_unit, line.owner_name];
        Self {
            kind: words::source(&line.kind, ctx.lang),
            title: line.title,
            href: if may_open { format!("/ledger/problems/{}", line.document_id) } else { String::new() },
            serial: line.serial,
            description: line.description,
            requirement: line.requirement,
            units: units.into_iter().filter(|unit| !unit.is_empty()).collect::<Vec<_>>().join(" · "),
            due: line.due_text,
            answer: line.answer,
        }
    }
}

/// An item that may be the same problem, or is joined to this one.
struct PairView {
    id: Uuid,
    number: String,
    text: String,
    percent: i64,
    joined: bool,
}

impl PairView {
    fn of(ctx: &Ctx, item: Uuid, pair: Pair) -> Self {
        let is_newer = pair.item_id == item;
        let (id, number, text) = if is_newer {
            (pair.other_id, pair.other_number, pair.other_text)
        } else {
            (pair.item_id, pair.number, pair.text)
        };
        Self {
            id,
            number,
            text: title_in(&text, ctx.lang),
            percent: (pair.score * 100.0).round() as i64,
            joined: pair.state == "joined",
        }
    }
}

/// The form of the assignment as it is filled in.
struct AssignView {
    event: Uuid,
    who: String,
    deadline: String,
    note: String,
    late: bool,
}

pub(super) async fn item(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    show(&ctx, id, String::new(), None).await
}

/// The page; `draft` is the form that could not be taken, so that nothing of it is written twice.
async fn show(ctx: &Ctx, id: Uuid, error: String, draft: Option<&ActForm>) -> Result<Response, WebError> {
    let whole = super::whole(&ctx.app, &ctx.actor, id, ctx.lang).await?;
    let (lines, pairs) = problems::of_item(&ctx.app, &ctx.actor, id).await?;
    let page = ctx.page("nav-ledger");
    let possible = super::possible(&whole.profile, &ctx.actor, &whole.item, whole.stands_in.is_some());
    let life = LifeView::of(ctx, &page, &whole, &possible, &drafts(draft, &possible));
    let may_unfile_all = ctx.actor.may(Capability::AssignItems);
    let may_assign = possible.contains(&"assign");
    let given = draft.filter(|form| form.action == "assign");
    let (mut assignees, mut present) = (Vec::new(), String::new());
    if may_assign {
        if let Some(user) = whole.item.assignee_id {
            let user = super::list_store::assignable(&ctx.app.db, user).await?;
            present = user.map(|user| label(page.lang, &user)).unwrap_or_default();
        }
        let place = [whole.item.division_code.clone()];
        let typed = given.map_or("", |form| form.who.as_str());
        let mut found = super::assignees(&ctx.app, &ctx.actor, &place, typed).await?;
        if found.users.is_empty() {
            found = super::assignees(&ctx.app, &ctx.actor, &place, "").await?;
        }
        assignees = found.users.iter().map(|user| label(page.lang, user)).collect();
    }
    let today = ctx.app.clock.today();
    let state = whole.item.state();
    let days = late_days(&whole.item.deadline, today);
    let late = state.is_open() && days > 0;
    let measures = whole.item.measures();
    let round = whole.item.round;
    let me = ctx.actor.user_id;
    let own_work = me.is_some()
        && (whole.item.submitted_by == me
            || whole.events.iter().any(|e| e.round == round && e.actor_id == me && is_work(&e.action, &e.from_state)));
    let actions = possible
        .iter()
        .copied()
        .filter(|name| !matches!(*name, "assign" | "measure" | "money" | "unfile" | "look_back"))
        .filter(|name| !(own_work && matches!(*name, "check" | "pass" | "fail")))
        .map(|name| action_view(&page, name, draft))
        .collect();
    let mode = if state.is_open() {
        assess::modes_words::notice(&ctx.app, &whole.profile, &whole.item.division_code, page.lang).await?
    } else {
        None
    };
    ctx.render(&ItemPage {
        mode,
        title: whole.item.title(page.lang),
        state: words::state(&whole.profile, &whole.item.ledger, &whole.item.state).get(page.lang).to_owned(),
        tone: tone(state),
        error,
        steps: steps(&page, &whole),
        household: whole.household.clone(),
        sources: lines.into_iter().map(|line| SourceView::of(ctx, line)).collect(),
        pairs: pairs.into_iter().map(|pair| PairView::of(ctx, id, pair)).collect(),
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
                event: ids::new_id(),
            })
            .collect(),
        events: whole
            .events
            .iter()
            .zip(&whole.changes)
            .map(|(event, changes)| event_view(&page, &whole, event, changes))
            .collect(),
        files: whole
            .attachments
            .iter()
            .map(|file| FileView {
                id: file.id,
                name: file.name.clone(),
                is_image: file.mime.starts_with("image/"),
                size: format!("{} KB", (file.bytes + 1023) / 1024),
                about: [file.taken_at.map(|at| page.time(&at)).unwrap_or_default(), file.place.clone()]
                    .into_iter()
                    .filter(|part| !part.is_empty())
                    .collect::<Vec<_>>()
                    .join(" · "),
                removed: match file.removed_at {
                    Some(at) => {
                        let who = format!("{} {}", file.removed_name, page.time(&at));
                        page.t2("ledger-file-removed", "who", who, "why", &file.removed_why)
                    }
                    None => String::new(),
                },
                may_remove: possible.contains(&"unfile")
                    && file.removed_at.is_none()
                    && (may_unfile_all || (me.is_some() && file.uploaded_by == me)),
                event: ids::new_id(),
            })
            .collect(),
        actions,
        may_measure: possible.contains(&"measure"),
        may_assign,
        assignees,
        assign: AssignView {
            event: ids::new_id(),
            who: given.map_or(present, |form| form.who.clone()),
            deadline: given.map_or_else(|| whole.item.deadline.clone(), |form| form.deadline.clone()),
            note: given.map(|form| form.note.clone()).unwrap_or_default(),
            late,
        },
        may_attach: state.is_open() && (ctx.actor.may(Capability::WorkItems) || ctx.actor.may(Capability::CheckItems)),
        assignee: whole.assignee.clone(),
        deadline: if late {
            page.t2("ledger-deadline-late", "day", &whole.item.deadline, "days", days)
        } else if state.is_open() {
            page.t2("ledger-deadline-left", "day", &whole.item.deadline, "days", -days)
        } else {
            whole.item.deadline.clone()
        },
        level: words::level(&whole.profile, &whole.item.level).get(page.lang).to_owned(),
        profile: page.t2("ledger-profile", "key", &whole.profile.key, "version", whole.profile.version),
        rule: whole.profile.rule(&whole.item.rule_id).map(|rule| rule.source.clone()).unwrap_or_default(),
        own_work,
        event_measure: ids::new_id(),
        event_attach: ids::new_id(),
        life,
        item: whole.item,
        page,
    })
}

/// What was typed and not taken, for the forms that show it again; what no form of the page has a place for is left.
fn drafts<'a>(draft: Option<&'a ActForm>, possible: &[&str]) -> Drafts<'a> {
    let mut out = Drafts::default();
    let Some(form) = draft else {
        return out;
    };
    match form.action.as_str() {
        "money" if possible.contains(&"money") => {
            out.money = MoneyDraft {
                kind: &form.kind,
                source: &form.source,
                amount: &form.amount,
                day: &form.day,
                note: &form.note,
            };
        }
        "look_back" if possible.contains(&"look_back") => out.look_back = (&form.note, &form.place),
        "assign" if possible.contains(&"assign") => {}
        name if plain(name).is_some() && possible.contains(&name) => {}
        _ => out.left = form.note.trim(),
    }
    out
}

fn action_view(page: &Page, name: &'static str, draft: Option<&ActForm>) -> ActionView {
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
        late: action.as_ref().is_some_and(Action::adds) && name != "note",
        style: match name {
            "cancel" | "fail" => "btn-danger",
            "note" | "progress" => "",
            _ => "btn-primary",
        },
        event: ids::new_id(),
        draft: draft.filter(|form| form.action == name).map(|form| form.note.clone()).unwrap_or_default(),
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
                label: words::state(&whole.profile, &whole.item.ledger, name).get(page.lang).to_owned(),
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

fn event_view(page: &Page, whole: &Whole, event: &Event, changes: &[String]) -> EventView {
    let data: serde_json::Value = serde_json::from_str(&event.data).unwrap_or_default();
    let text = |name: &str| data.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    let title = match event.action.as_str() {
        "open" if !text("document").is_empty() => page.t1("ledger-event-open-list", "document", text("document")),
        "open" if !text("supervise").is_empty() => {
            page.t1(&format!("ledger-event-open-{}", text("supervise")), "title", text("title"))
        }
        "remind" => page.t1("ledger-event-remind", "name", text("name")),
        "source" => page.t1("ledger-event-source", "document", text("document")),
        "deadline" => page.t("ledger-event-deadline-earlier"),
        "open" => page.t1("ledger-event-open", "rule", whole.item.title(page.lang)),
        "assign" => page.t2("ledger-event-assign", "name", text("name"), "day", text("deadline")),
        "measure" => {
            page.t1("ledger-event-measure", "measure", whole.profile.measure_title(&text("measure"), page.lang))
        }
        "reopen" => page.t1("ledger-event-reopen", "round", event.round),
        "attach" => page.t1("ledger-event-attach", "name", text("name")),
        "unfile" => page.t1("ledger-event-unfile", "name", text("name")),
        "money" | "money_strike" => {
            let source = page.t(&format!("ledger-money-source-{}", text("source")));
            let what = page.t2(&format!("ledger-money-{}-of", text("kind")), "source", source, "day", text("day"));
            let yuan = life::yuan(data.get("fen").and_then(serde_json::Value::as_i64).unwrap_or_default());
            page.t2(&format!("ledger-event-{}", event.action), "what", what, "yuan", yuan)
        }
        "look_back" => page.t(&format!("ledger-event-look_back-{}", text("result"))),
        "handover" => page.t2("ledger-event-handover", "before", text("from"), "after", text("to")),
        "owner" => {
            let or_none = |name: String| if name.is_empty() { page.t("ledger-nobody") } else { name };
            page.t2("ledger-event-owner", "before", or_none(text("from")), "after", or_none(text("to")))
        }
        "move_out" | "move_in" if data.get("household").and_then(|v| v.as_bool()) == Some(true) => {
            page.t(&format!("ledger-event-{}-household", event.action))
        }
        other => page.t(&format!("ledger-event-{other}")),
    };
    let mut lines = vec![event.note.clone()];
    if event.action == "source" {
        let or_dash = |text: String| if text.is_empty() { "—".to_owned() } else { text };
        let said = [
            ("requirement", or_dash(text("requirement"))),
            ("due", or_dash(text("due"))),
            ("answer", or_dash(text("answer"))),
        ];
        lines.push(i18n::text_with(page.lang, "ledger-event-source-line", &said));
    }
    let was = text("was");
    if !was.is_empty() {
        lines.push(page.t2("ledger-event-deadline", "before", was, "after", text("deadline")));
    }
    lines.push(data.get("end").map(|end| assess::end_reason_in_words(&end.to_string(), page.lang)).unwrap_or_default());
    lines.extend(changes.iter().cloned());
    if event.action == "open" {
        lines.push(text("text"));
    }
    let place = text("place");
    if !place.is_empty() {
        let key = if event.action == "attach" { "ledger-event-file-place" } else { "ledger-event-place" };
        lines.push(page.t1(key, "place", place));
    }
    let whom = text("for");
    if !whom.is_empty() {
        lines.push(page.t1("ledger-event-for", "name", whom));
    }
    if let Some(at) = event.acted_at {
        let key = if event.action == "attach" { "ledger-event-taken" } else { "ledger-event-acted" };
        lines.push(page.t1(key, "time", page.time(&at)));
    }
    let note = lines.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n");
    let time = page.time(&event.at);
    EventView {
        date: time.get(..10).unwrap_or_default().to_owned(),
        time: time.get(11..).unwrap_or_default().to_owned(),
        tone: match event.action.as_str() {
            "pass" => "ok",
            "fail" | "reopen" | "remind" => "danger",
            "cancel" => "void",
            "look_back" if text("result") == "held" => "ok",
            "look_back" => "danger",
            "money_strike" | "unfile" => "void",
            "open" | "signal" | "owner" | "move_in" | "move_out" | "handover" => "mute",
            _ => "",
        },
        title,
        note,
        by: if event.actor_name.is_empty() { page.t("ledger-system") } else { event.actor_name.clone() },
    }
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct ActForm {
    event: Uuid,
    version: i64,
    action: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    who: String,
    #[serde(default)]
    deadline: String,
    #[serde(default)]
    measure: String,
    #[serde(default)]
    place: String,
    /// When it was done, where that was before (补录).
    #[serde(default)]
    acted: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    amount: String,
    #[serde(default)]
    day: String,
    /// The entry of money or the attachment that is meant.
    #[serde(default)]
    target: Uuid,
    #[serde(default)]
    result: String,
    /// What was kept, and is written down in another way by this step.
    #[serde(default)]
    kept: Option<Uuid>,
}

pub(super) async fn act(ctx: Ctx, Path(id): Path<Uuid>, Form(form): Form<ActForm>) -> Result<Response, WebError> {
    let action = match form.action.as_str() {
        "assign" => assignment(&ctx, id, &form).await,
        "measure" => Ok(Action::Measure { id: form.measure.clone() }),
        "pass" => Ok(Action::Pass { place: form.place.clone() }),
        "money" => money_of(&form.kind, &form.source, &form.amount, &form.day).map(Action::Money),
        "money_strike" => Ok(Action::MoneyStrike { id: form.target }),
        "unfile" => Ok(Action::Unfile { id: form.target }),
        "look_back" => Ok(Action::LookBack { holds: form.result != "relapsed", place: form.place.clone() }),
        other => plain(other).ok_or_else(|| LedgerError::NoMeasure(other.to_owned())),
    };
    let outcome = match (action, time_of(&form.acted)) {
        (Ok(action), Ok(acted_at)) => {
            let name = match &action {
                Action::LookBack { holds: false, .. } => "look_back_relapsed",
                other => other.name(),
            };
            let step = Step { event_id: form.event, version: form.version, action, note: form.note.clone() };
            super::act_at(&ctx.app, &ctx.actor, id, step, acted_at).await.map(|done| (name, done))
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    if let (Ok(_), Some(kept)) = (&outcome, form.kept) {
        super::life::settle_kept(&ctx.app, &ctx.actor, id, kept).await?;
    }
    if let (Ok((_, done)), true) = (&outcome, ctx.wants_json()) {
        let told = serde_json::json!({
            "version": done.version, "state": done.state.name(), "repeated": done.repeated,
        });
        return Ok(axum::Json(told).into_response());
    }
    answer(&ctx, id, outcome.map(|(name, _)| format!("ledger-done-{name}")), Some(&form)).await
}

async fn assignment(ctx: &Ctx, id: Uuid, form: &ActForm) -> Result<Action, LedgerError> {
    let deadline = day(&form.deadline)?;
    let places = super::assign::divisions_of(&ctx.app, &ctx.actor, &[id]).await?;
    let user = super::find_assignee(&ctx.app, &ctx.actor, &places, &form.who).await?;
    Ok(Action::Assign { assignee: user.id, deadline })
}

/// Back to the item with what was done, or the item as it is now with why it was not.
async fn answer(
    ctx: &Ctx,
    id: Uuid,
    outcome: Result<String, LedgerError>,
    draft: Option<&ActForm>,
) -> Result<Response, WebError> {
    match outcome {
        Ok(key) => Ok(ctx.redirect_with(&format!("/ledger/{id}"), "ok", &key)),
        Err(error @ (LedgerError::NotFound | LedgerError::Db(_))) => Err(error.into()),
        // A program is told in its own words, a person on the page that they came from.
        Err(error) if ctx.wants_json() => Err(error.into()),
        Err(error) => {
            let message = error.message(ctx.lang);
            let status = WebError::from(error).status();
            let mut response = show(ctx, id, message, draft).await?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}

pub(super) async fn attach(ctx: Ctx, Path(id): Path<Uuid>, mut upload: Upload) -> Result<Response, WebError> {
    let (mut event, mut found) = (None, None);
    let (mut taken, mut place) = (String::new(), String::new());
    while let Some(field) = upload.next().await? {
        match field.name() {
            Some("event") => {
                let text = field.text().await.map_err(|e| Fault::Form(e.to_string()))?;
                event = text.parse::<Uuid>().ok();
            }
            Some("taken") => taken = field.text().await.map_err(|e| Fault::Form(e.to_string()))?,
            Some("place") => place = field.text().await.map_err(|e| Fault::Form(e.to_string()))?,
            Some("file") => {
                let name = field.file_name().unwrap_or_default().to_owned();
                let bytes = field.bytes().await.map_err(|_| Fault::TooLarge)?;
                found = Some((name, bytes.to_vec()));
            }
            _ => {}
        }
    }
    let outcome = match (event, found, time_of(&taken)) {
        (_, _, Err(error)) => Err(error),
        (Some(event_id), Some((name, bytes)), Ok(taken_at)) => {
            let photo = Photo { event_id, name, bytes, taken_at, place };
            super::attach_with(&ctx.app, &ctx.actor, id, photo).await
        }
        _ => Err(LedgerError::AttachmentSize { bytes: 0 }),
    };
    answer(&ctx, id, outcome.map(|()| "ledger-done-attach".to_owned()), None).await
}

pub(super) async fn file(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let (found, bytes) = super::attachment(&ctx.app, &ctx.actor, id).await?;
    // Shown only where it is one whole image and nothing else; all other files are taken out.
    let how = if image::is_whole(&found.mime, &bytes) { "inline" } else { "attachment" };
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
