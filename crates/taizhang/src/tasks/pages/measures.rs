//! Local measures and policy patches: the register, one with its versions, the form.

use axum::extract::{Path, Query};
use axum::response::Response;
use chrono::NaiveDate;
use uuid::Uuid;

use super::super::TaskError;
use super::super::measure::{self, BODY_MOST, Filter, Given, KINDS, Measure, PROBLEMS, Save};
use super::super::model::{TITLE_MOST, read_day};
use super::{Choice, LEAD, NAV, PastLine, Tab, again, id_or_new, past_line, refused, tabs};
use crate::platform::{UserError, ids};
use crate::register::pages::{Badge, dash};
use crate::web::{Ctx, Form, Page, WebError};

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    state: String,
    kind: String,
    problem: String,
    q: String,
}

struct Row {
    id: Uuid,
    title: String,
    number: String,
    kind: String,
    issuer: String,
    issued_on: String,
    days: String,
    state: Badge,
    problems: Vec<String>,
}

struct Answer {
    label: String,
    count: usize,
    href: String,
    active: bool,
}

#[derive(askama::Template)]
#[template(path = "measures.html")]
struct IndexPage {
    page: Page,
    tabs: Vec<Tab>,
    as_of: String,
    rows: Vec<Row>,
    answers: Vec<Answer>,
    states: Vec<Choice>,
    kinds: Vec<Choice>,
    problem: String,
    q: String,
    may_add: bool,
}

pub(super) fn problem_text(page: &Page, problem: &str) -> String {
    page.t(&format!("task-problem-{problem}"))
}

fn kind_text(page: &Page, kind: &str) -> String {
    page.t(&format!("task-measure-{kind}"))
}

fn state(page: &Page, one: &Measure, today: NaiveDate) -> Badge {
    let state = one.state(today);
    let tone = match state {
        "in_force" => "ok",
        "coming" => "info",
        _ => "mute",
    };
    Badge { tone, text: page.t(&format!("task-measure-state-{state}")) }
}

fn days(page: &Page, one: &Measure) -> String {
    if one.until_day.is_empty() {
        page.t1("task-from-on", "from", &one.from_day)
    } else {
        page.t2("task-plan-days", "from", &one.from_day, "to", &one.until_day)
    }
}

/// The register.
pub(super) async fn index(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let today = ctx.app.clock.today();
    let filter = Filter {
        state: asked.state.clone(),
        kind: asked.kind.clone(),
        problem: asked.problem.clone(),
        text: asked.q.clone(),
    };
    let (found, answered) = measure::list(&ctx.app, &ctx.actor, &filter).await?;
    let mut states = vec![Choice::new("", page.t("filter.all"), &asked.state)];
    states.extend(
        ["in_force", "coming", "over"]
            .map(|state| Choice::new(state, page.t(&format!("task-measure-state-{state}")), &asked.state)),
    );
    let mut kinds = vec![Choice::new("", page.t("filter.all"), &asked.kind)];
    kinds.extend(KINDS.map(|kind| Choice::new(kind, kind_text(&page, kind), &asked.kind)));
    ctx.render(&IndexPage {
        tabs: tabs(&ctx, "/tasks/measures"),
        as_of: page.t1("task-as-of", "day", today),
        rows: found
            .into_iter()
            .map(|one| Row {
                kind: kind_text(&page, &one.kind),
                days: days(&page, &one),
                state: state(&page, &one, today),
                problems: one.answers().iter().map(|problem| problem_text(&page, problem)).collect(),
                id: one.id,
                number: dash(&one.number),
                title: one.title,
                issuer: one.issuer,
                issued_on: one.issued_on,
            })
            .collect(),
        answers: answered
            .into_iter()
            .map(|(problem, count)| Answer {
                label: problem_text(&page, problem),
                count,
                href: format!("/tasks/measures?state=in_force&problem={problem}"),
                active: asked.problem == problem,
            })
            .collect(),
        may_add: LEAD.allows(&ctx.actor),
        problem: asked.problem,
        q: asked.q,
        states,
        kinds,
        page,
    })
}

#[derive(Debug, Clone, Default)]
struct Fields {
    id: String,
    event: String,
    version: i64,
    kind: String,
    title: String,
    number: String,
    issuer: String,
    issued_on: String,
    from: String,
    until: String,
    problems: Vec<String>,
    body: String,
    why: String,
}

impl Fields {
    fn of(sent: &[(String, String)]) -> Self {
        let get =
            |name: &str| sent.iter().find(|(known, _)| known == name).map(|(_, text)| text.clone()).unwrap_or_default();
        Self {
            id: get("id"),
            event: get("event"),
            version: get("version").parse().unwrap_or(0),
            kind: get("kind"),
            title: get("title"),
            number: get("number"),
            issuer: get("issuer"),
            issued_on: get("issued_on"),
            from: get("from"),
            until: get("until"),
            problems: sent.iter().filter(|(name, _)| name == "problem").map(|(_, text)| text.clone()).collect(),
            body: get("body"),
            why: get("why"),
        }
    }

    fn save(&self, id: Uuid, version: i64) -> Result<Save, TaskError> {
        Ok(Save {
            id,
            event: id_or_new(&self.event),
            version,
            given: Given {
                kind: self.kind.clone(),
                title: self.title.clone(),
                number: self.number.clone(),
                issuer: self.issuer.clone(),
                issued_on: read_day("issued_on", &self.issued_on)?,
                from: read_day("from", &self.from)?,
                until: if self.until.trim().is_empty() { None } else { Some(read_day("until", &self.until)?) },
                problems: self.problems.clone(),
                body: self.body.clone(),
            },
            why: self.why.clone(),
        })
    }
}

#[derive(askama::Template)]
#[template(path = "measure_form.html")]
struct FormPage {
    page: Page,
    title: String,
    action: String,
    back: String,
    is_new: bool,
    kinds: Vec<Choice>,
    problems: Vec<(String, String, bool)>,
    fields: Fields,
    title_most: usize,
    body_most: usize,
    error: String,
}

fn form_page(ctx: &Ctx, id: Option<Uuid>, fields: Fields, error: String) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    ctx.render(&FormPage {
        title: page.t(if id.is_none() { "task-measure-new" } else { "task-measure-edit" }),
        action: id.map_or_else(|| "/tasks/measures".to_owned(), |id| format!("/tasks/measures/{id}/edit")),
        back: id.map_or_else(|| "/tasks/measures".to_owned(), |id| format!("/tasks/measures/{id}")),
        is_new: id.is_none(),
        kinds: KINDS.map(|kind| Choice::new(kind, kind_text(&page, kind), &fields.kind)).into_iter().collect(),
        problems: PROBLEMS
            .iter()
            .map(|problem| {
                let chosen = fields.problems.iter().any(|known| known == problem);
                ((*problem).to_owned(), problem_text(&page, problem), chosen)
            })
            .collect(),
        title_most: TITLE_MOST,
        body_most: BODY_MOST,
        fields,
        error,
        page,
    })
}

/// A new measure.
pub(super) async fn new(ctx: Ctx) -> Result<Response, WebError> {
    let today = ctx.app.clock.today().to_string();
    let fields = Fields {
        id: ids::new_id().to_string(),
        event: ids::new_id().to_string(),
        issued_on: today.clone(),
        from: today,
        ..Fields::default()
    };
    form_page(&ctx, None, fields, String::new())
}

/// Writes it down.
pub(super) async fn add(ctx: Ctx, Form(sent): Form<Vec<(String, String)>>) -> Result<Response, WebError> {
    let fields = Fields::of(&sent);
    let made = async {
        let save = fields.save(id_or_new(&fields.id), 0)?;
        measure::save(&ctx.app, &ctx.actor, save).await
    };
    match made.await {
        Ok(id) => Ok(ctx.redirect_with(&format!("/tasks/measures/{id}"), "ok", "task-measure-saved")),
        Err(error) if again(&error) => Ok(refused(form_page(&ctx, None, fields, error.message(ctx.lang))?)),
        Err(error) => Err(error.into()),
    }
}

/// Another version.
pub(super) async fn edit(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let (one, _, may) = measure::one(&ctx.app, &ctx.actor, id).await?;
    if !may {
        return Err(TaskError::Unit { unit: one.place }.into());
    }
    let fields = Fields {
        id: id.to_string(),
        event: ids::new_id().to_string(),
        version: one.version,
        problems: one.answers(),
        kind: one.kind,
        title: one.title,
        number: one.number,
        issuer: one.issuer,
        issued_on: one.issued_on,
        from: one.from_day,
        until: one.until_day,
        body: one.body,
        why: String::new(),
    };
    form_page(&ctx, Some(id), fields, String::new())
}

/// Writes another version.
pub(super) async fn save(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    measure::one(&ctx.app, &ctx.actor, id).await?;
    let fields = Fields::of(&sent);
    let made = async {
        // A version of nought would be a new one.
        let save = fields.save(id, fields.version.max(1))?;
        measure::save(&ctx.app, &ctx.actor, save).await
    };
    match made.await {
        Ok(id) => Ok(ctx.redirect_with(&format!("/tasks/measures/{id}"), "ok", "task-measure-saved")),
        Err(error) if again(&error) => Ok(refused(form_page(&ctx, Some(id), fields, error.message(ctx.lang))?)),
        Err(error) => Err(error.into()),
    }
}

#[derive(askama::Template)]
#[template(path = "measure_show.html")]
struct ShowPage {
    page: Page,
    id: Uuid,
    title: String,
    sub: String,
    state: Badge,
    number: String,
    kind: String,
    issuer: String,
    issued_on: String,
    days: String,
    place: String,
    problems: Vec<String>,
    body: String,
    events: Vec<PastLine>,
    may: bool,
}

/// One with its versions.
pub(super) async fn show(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let (one, history, may) = measure::one(&ctx.app, &ctx.actor, id).await?;
    let page = ctx.page(NAV);
    let events = history
        .iter()
        .map(|past| {
            let mut out = past_line(&page, "measure", past, "");
            // What stood there before the change, for who asks what was in force then.
            if let Ok(before) = serde_json::from_str::<serde_json::Value>(&past.data)
                && let Some(title) = before.get("title").and_then(serde_json::Value::as_str)
            {
                let text = |name: &str| before.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
                let days = [text("from_day"), text("until_day")].join(" – ");
                let was = page.t2("task-measure-was", "title", title, "days", days);
                out.note = format!("{} {was} {}", out.note, text("body"));
            }
            out
        })
        .collect();
    ctx.render(&ShowPage {
        id,
        sub: format!("{} · {}", one.issuer, one.place),
        state: state(&page, &one, ctx.app.clock.today()),
        kind: kind_text(&page, &one.kind),
        days: days(&page, &one),
        problems: one.answers().iter().map(|problem| problem_text(&page, problem)).collect(),
        number: dash(&one.number),
        title: one.title,
        issuer: one.issuer,
        issued_on: one.issued_on,
        place: one.place,
        body: one.body,
        events,
        may,
        page,
    })
}
