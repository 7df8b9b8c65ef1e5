//! The pages of batches: the preview, what became of it, and taking it back.

use axum::extract::Path;
use axum::response::Response;
use uuid::Uuid;

use super::{Batch, BatchLine, Chosen, Give, What, batch, carry_out, places_of, preview, recent, take_back};
use crate::access::Capability;
use crate::ledger::LedgerError;
use crate::ledger::assign_pages::{day, label};
use crate::ledger::model::{REASON_CHARS, title_in};
use crate::ledger::table::address::Asked;
use crate::platform::{UserError, i18n};
use crate::register::pages::grouped;
use crate::web::form::Nothing;
use crate::web::{Ctx, Form, Page, Policy, Routes, WebError};

const ASSIGN: Policy = Policy::Needs(Capability::AssignItems);

pub(in crate::ledger) fn routes() -> Routes {
    Routes::new()
        .post("/ledger/assign", ASSIGN, assign)
        .post("/ledger/remind", ASSIGN, remind)
        .post("/ledger/assign/apply", ASSIGN, apply)
        .get("/ledger/batches", ASSIGN, list)
        .get("/ledger/batches/{id}", ASSIGN, show)
        .post("/ledger/batches/{id}/undo", ASSIGN, undo)
}

type Fields = Vec<(String, String)>;

fn first<'a>(form: &'a [(String, String)], name: &str) -> &'a str {
    form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
}

/// The id of a form's batch; one that is none has nothing to be known by.
fn batch_of(form: &[(String, String)]) -> Result<Uuid, LedgerError> {
    first(form, "batch").parse().map_err(|_| LedgerError::EventTaken)
}

/// What the form chooses: the boxes that are ticked, or all of the view.
fn chosen(form: &[(String, String)]) -> Chosen {
    if first(form, "all") == "1" {
        return Chosen::View(Asked::read(first(form, "view")).filter());
    }
    Chosen::Items(form.iter().filter(|(name, _)| name == "id").filter_map(|(_, value)| value.parse().ok()).collect())
}

async fn assign(ctx: Ctx, Form(form): Form<Fields>) -> Result<Response, WebError> {
    let (id, chosen) = (batch_of(&form)?, chosen(&form));
    let outcome = match day(first(&form, "deadline")) {
        Err(error) => Err(error),
        Ok(deadline) if first(&form, "villages") == "1" => {
            preview(&ctx.app, &ctx.actor, id, &chosen, What::Assign { give: Give::Villages, deadline }).await
        }
        Ok(deadline) => {
            let places = places_of(&ctx.app, &ctx.actor, &chosen).await?;
            match crate::ledger::find_assignee(&ctx.app, &ctx.actor, &places, first(&form, "who")).await {
                Ok(user) => {
                    let what = What::Assign { give: Give::To(user.id), deadline };
                    preview(&ctx.app, &ctx.actor, id, &chosen, what).await
                }
                Err(error) => Err(error),
            }
        }
    };
    match outcome {
        Ok(batch) => shown(&ctx, batch, String::new()),
        Err(error @ (LedgerError::Assignee | LedgerError::Assignees { .. } | LedgerError::Deadline(_))) => {
            who(&ctx, &form, &chosen, error).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn remind(ctx: Ctx, Form(form): Form<Fields>) -> Result<Response, WebError> {
    let id = batch_of(&form)?;
    let found = preview(&ctx.app, &ctx.actor, id, &chosen(&form), What::Remind).await?;
    shown(&ctx, found, String::new())
}

/// Asks again whom to give the chosen items to; nothing of the choice is lost.
#[derive(askama::Template)]
#[template(path = "ledger_assign_who.html")]
struct WhoPage {
    page: Page,
    /// What was chosen, as the form sent it.
    fields: Fields,
    count: String,
    typed: String,
    users: Vec<String>,
    deadline: String,
    back: String,
    error: String,
}

async fn who(ctx: &Ctx, form: &Fields, chosen: &Chosen, error: LedgerError) -> Result<Response, WebError> {
    let page = ctx.page("nav-ledger");
    let typed = first(form, "who").to_owned();
    let places = places_of(&ctx.app, &ctx.actor, chosen).await?;
    let mut found = crate::ledger::assignees(&ctx.app, &ctx.actor, &places, &typed).await?;
    if found.users.is_empty() {
        found = crate::ledger::assignees(&ctx.app, &ctx.actor, &places, "").await?;
    }
    let message = error.message(ctx.lang);
    let status = WebError::from(error).status();
    let kept = |name: &str| ["batch", "id", "all", "view"].contains(&name);
    let fields: Fields = form.iter().filter(|(name, _)| kept(name)).cloned().collect();
    let mut response = ctx.render(&WhoPage {
        count: match chosen {
            Chosen::Items(ids) => page.t1("ledger-assign-count", "count", ids.len()),
            Chosen::View(_) => page.t("ledger-bulk-all-chosen"),
        },
        fields,
        users: found.users.iter().map(|user| label(ctx.lang, user)).collect(),
        deadline: first(form, "deadline").to_owned(),
        back: back_of(form),
        typed,
        error: message,
        page,
    })?;
    *response.status_mut() = status;
    Ok(response)
}

/// The view from which a form was sent.
fn back_of(form: &[(String, String)]) -> String {
    Asked::read(first(form, "view")).href("/ledger", &[])
}

struct LineView {
    item: Uuid,
    number: String,
    title: String,
    was: String,
    deadline: String,
    user: String,
    tone: &'static str,
    outcome: String,
    why: String,
}

struct ShareView {
    name: String,
    role: String,
    unit: String,
    place: String,
    count: String,
}

struct ReasonView {
    count: String,
    why: String,
}

#[derive(askama::Template)]
#[template(path = "ledger_batch.html")]
struct BatchPage {
    page: Page,
    batch: Uuid,
    title: String,
    sub: String,
    is_preview: bool,
    is_reminder: bool,
    ready: i64,
    /// The main figures: label, figure, tone.
    tiles: Vec<(String, String, String)>,
    shares: Vec<ShareView>,
    reasons: Vec<ReasonView>,
    lines: Vec<LineView>,
    lines_note: String,
    needs_reason: bool,
    least: usize,
    note: String,
    error: String,
    undo: String,
}

/// A kept reason in a language.
fn why_in(why: &str, page: &Page) -> String {
    if why.is_empty() { String::new() } else { title_in(why, page.lang) }
}

fn line_of(page: &Page, line: BatchLine, deadline: &str) -> LineView {
    let (tone, key) = match line.outcome.as_str() {
        "ready" | "late" => ("ok", "ready"),
        "done" => ("ok", "done"),
        "undone" => ("info", "undone"),
        "left" => ("warn", "left"),
        "kept" => ("warn", "kept"),
        _ => ("mute", "refused"),
    };
    let changes = !deadline.is_empty() && deadline != line.was_deadline && matches!(key, "ready" | "done");
    LineView {
        item: line.item_id,
        title: title_in(&line.title, page.lang),
        was: line.was_name,
        deadline: if changes { format!("{} → {deadline}", line.was_deadline) } else { line.was_deadline },
        user: line.user_name,
        tone,
        outcome: page.t(&format!("ledger-outcome-{key}")),
        why: why_in(&line.why, page),
        number: line.number,
    }
}

fn shown(ctx: &Ctx, batch: Batch, error: String) -> Result<Response, WebError> {
    let page = ctx.page("nav-ledger");
    let now = ctx.app.clock.now_ms();
    let head = &batch.head;
    let ready = batch.count("ready") + batch.count("late");
    let total: i64 = batch.outcomes.values().sum();
    let is_preview = head.state == "previewed";
    let mut tiles = vec![(page.t("ledger-bulk-chosen"), grouped(total), String::new())];
    for (outcome, count, tone) in [
        ("ready", ready, ""),
        ("done", batch.count("done"), ""),
        ("undone", batch.count("undone"), ""),
        ("refused", batch.count("refused"), "danger"),
        ("left", batch.count("left"), "danger"),
        ("kept", batch.count("kept"), "danger"),
    ] {
        if count > 0 {
            tiles.push((page.t(&format!("ledger-outcome-{outcome}")), grouped(count), tone.to_owned()));
        }
    }
    let sub = match (head.done_at, head.undone_at) {
        (_, Some(at)) => page.t1("ledger-batch-undone-at", "time", page.time(&at)),
        (Some(at), None) => page.t2("ledger-batch-done-at", "time", page.time(&at), "who", &head.by_name),
        _ => page.t("ledger-assign-note"),
    };
    let shown = batch.lines.len() as i64;
    ctx.render(&BatchPage {
        title: page.t(&format!("ledger-batch-{}{}", head.kind, if is_preview { "-preview" } else { "" })),
        sub,
        is_preview,
        is_reminder: head.kind == "remind",
        ready,
        tiles,
        shares: batch
            .shares
            .into_iter()
            .map(|share| ShareView {
                role: i18n::text(page.lang, &format!("role-{}", share.role)),
                name: share.name,
                unit: share.unit,
                place: share.division_name,
                count: grouped(share.count),
            })
            .collect(),
        reasons: batch
            .reasons
            .into_iter()
            .map(|(count, line)| ReasonView { count: grouped(count), why: why_in(&line.why, &page) })
            .collect(),
        lines_note: if shown < total {
            page.t2("ledger-bulk-shown", "shown", grouped(shown), "total", grouped(total))
        } else {
            String::new()
        },
        needs_reason: is_preview && batch.outcomes.get("late").is_some_and(|n| *n > 0),
        least: REASON_CHARS,
        note: head.note.clone(),
        undo: head
            .undo_until(now)
            .map(|until| page.t1("ledger-batch-undo-until", "time", page.time(&until)))
            .unwrap_or_default(),
        lines: batch.lines.into_iter().map(|line| line_of(&page, line, &batch.head.deadline)).collect(),
        batch: batch.head.id,
        error,
        page,
    })
}

async fn show(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let found = batch(&ctx.app, &ctx.actor, id).await?;
    shown(&ctx, found, String::new())
}

async fn apply(ctx: Ctx, Form(form): Form<Fields>) -> Result<Response, WebError> {
    let id = batch_of(&form)?;
    let outcome = carry_out(&ctx.app, &ctx.actor, id, first(&form, "note")).await?;
    let reminds = first(&form, "kind") == "remind";
    let (tone, key) = match (outcome.done, outcome.left) {
        (_, 0) if reminds => ("ok", "ledger-done-remind"),
        (0, _) if reminds => ("danger", "ledger-done-remind_none"),
        _ if reminds => ("warn", "ledger-done-remind_partly"),
        (_, 0) => ("ok", "ledger-done-assign"),
        (0, _) => ("danger", "ledger-done-assign_none"),
        _ => ("warn", "ledger-done-assign_partly"),
    };
    Ok(ctx.redirect_with(&format!("/ledger/batches/{id}"), tone, key))
}

async fn undo(ctx: Ctx, Path(id): Path<Uuid>, Form(Nothing {}): Form<Nothing>) -> Result<Response, WebError> {
    let outcome = take_back(&ctx.app, &ctx.actor, id).await?;
    let (tone, key) = match (outcome.done, outcome.left) {
        (_, 0) => ("ok", "ledger-batch-back"),
        (0, _) => ("danger", "ledger-batch-back-none"),
        _ => ("warn", "ledger-batch-back-partly"),
    };
    Ok(ctx.redirect_with(&format!("/ledger/batches/{id}"), tone, key))
}

struct HeadView {
    id: Uuid,
    kind: String,
    state: String,
    tone: &'static str,
    count: String,
    at: String,
    undo: String,
}

#[derive(askama::Template)]
#[template(path = "ledger_batches.html")]
struct BatchesPage {
    page: Page,
    heads: Vec<HeadView>,
}

async fn list(ctx: Ctx) -> Result<Response, WebError> {
    let page = ctx.page("nav-ledger");
    let now = ctx.app.clock.now_ms();
    let heads = recent(&ctx.app, &ctx.actor).await?;
    ctx.render(&BatchesPage {
        heads: heads
            .into_iter()
            .map(|(head, count)| HeadView {
                kind: page.t(&format!("ledger-batch-{}", head.kind)),
                state: page.t(&format!("ledger-batch-state-{}", head.state)),
                tone: if head.state == "done" { "ok" } else { "mute" },
                count: grouped(count),
                at: page.time(&head.done_at.unwrap_or(head.made_at)),
                undo: head
                    .undo_until(now)
                    .map(|until| page.t1("ledger-batch-undo-until", "time", page.time(&until)))
                    .unwrap_or_default(),
                id: head.id,
            })
            .collect(),
        page,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::ids;

    #[test]
    fn boxes_or_the_whole_view_are_chosen() {
        let id = ids::new_id();
        let boxes = vec![("id".to_owned(), id.to_string()), ("id".to_owned(), "nonsense".to_owned())];
        assert!(matches!(chosen(&boxes), Chosen::Items(ids) if ids == [id]));
        let all = vec![("all".to_owned(), "1".to_owned()), ("view".to_owned(), "state=overdue&q=%E8%B5%B5".to_owned())];
        assert!(matches!(chosen(&all), Chosen::View(filter) if filter.text == "赵"));
        assert_eq!(back_of(&all), "/ledger?state=overdue&q=%E8%B5%B5");
    }
}
