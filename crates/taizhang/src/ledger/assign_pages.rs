//! The pages of assignment: whom to choose, the preview of many, and doing it.

use axum::extract::Query;
use axum::response::Response;
use chrono::NaiveDate;
use uuid::Uuid;

use super::assign::SEPARATOR;
use super::model::{Assignable, REASON_CHARS};
use super::{LedgerError, assign};
use crate::platform::{Lang, UserError, i18n};
use crate::web::{Ctx, Form, Page, WebError};

/// An option of a choice.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

/// A user as the choice shows them and as [`super::find_assignee`] knows them again: the login comes last.
pub(super) fn label(lang: Lang, user: &Assignable) -> String {
    let role = i18n::text(lang, &format!("role-{}", user.role));
    let parts = [user.name.as_str(), &role, &user.unit, &user.login];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(SEPARATOR)
}

#[derive(askama::Template)]
#[template(path = "ledger_assignees.html")]
struct AssigneesPart {
    users: Vec<String>,
    more: String,
}

#[derive(serde::Deserialize)]
pub(super) struct AssigneesAsked {
    #[serde(default)]
    who: String,
    #[serde(default)]
    item: String,
    #[serde(default)]
    division: String,
}

/// The options that fit what was typed so far: of those who may work one item, or somewhere under a division.
pub(super) async fn assignees(ctx: Ctx, Query(asked): Query<AssigneesAsked>) -> Result<Response, WebError> {
    let typed: String = asked.who.chars().take(60).collect();
    let found = if asked.item.is_empty() {
        let division: String = asked.division.chars().filter(char::is_ascii_digit).collect();
        assign::assignees_under(&ctx.app, &ctx.actor, &division, &typed).await?
    } else {
        let item: Uuid = asked.item.parse().map_err(|_| LedgerError::NotFound)?;
        let places = assign::divisions_of(&ctx.app, &ctx.actor, &[item]).await?;
        super::assignees(&ctx.app, &ctx.actor, &places, &typed).await?
    };
    ctx.render(&AssigneesPart {
        users: found.users.iter().map(|user| label(ctx.lang, user)).collect(),
        more: if found.more { i18n::text(ctx.lang, "ledger-assign-more") } else { String::new() },
    })
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
    needs_reason: bool,
    least: usize,
}

/// Asks again whom to give the chosen items to; nothing of the choice is lost.
#[derive(askama::Template)]
#[template(path = "ledger_assign_who.html")]
struct WhoPage {
    page: Page,
    ids: Vec<Uuid>,
    count: String,
    batch: Uuid,
    typed: String,
    users: Vec<String>,
    deadline: String,
    error: String,
}

fn fields<'a>(form: &'a [(String, String)], name: &'a str) -> impl Iterator<Item = &'a str> {
    form.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn first<'a>(form: &'a [(String, String)], name: &'a str) -> &'a str {
    fields(form, name).next().unwrap_or_default()
}

fn batch_of(form: &[(String, String)]) -> Result<Uuid, LedgerError> {
    first(form, "batch").parse().map_err(|_| LedgerError::EventTaken)
}

/// A day as a form sends it; none where it is empty.
pub(super) fn day(text: &str) -> Result<Option<NaiveDate>, LedgerError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Some).map_err(|_| LedgerError::Deadline(text.to_owned()))
}

pub(super) async fn preview(ctx: Ctx, Form(form): Form<Vec<(String, String)>>) -> Result<Response, WebError> {
    let batch = batch_of(&form)?;
    let items: Vec<Uuid> = fields(&form, "id").filter_map(|v| v.parse().ok()).collect();
    let typed = first(&form, "who");
    let places = assign::divisions_of(&ctx.app, &ctx.actor, &items).await?;
    let outcome = match day(first(&form, "deadline")) {
        Ok(deadline) => match super::find_assignee(&ctx.app, &ctx.actor, &places, typed).await {
            Ok(user) => {
                let lines = super::preview_assign(&ctx.app, &ctx.actor, &items, user.id, deadline, ctx.lang).await;
                lines.map(|(user, lines)| (user, deadline, lines))
            }
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    let (user, deadline, lines) = match outcome {
        Ok(found) => found,
        Err(error @ (LedgerError::Assignee | LedgerError::Assignees { .. } | LedgerError::Deadline(_))) => {
            return who(&ctx, &form, items, &places, batch, error).await;
        }
        Err(error) => return Err(error.into()),
    };
    let page = ctx.page("nav-ledger");
    let needs_reason = lines.iter().any(|line| line.needs_reason);
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
        user: label(page.lang, &user),
        assignee: user.id,
        deadline: deadline.map(|d| d.to_string()).unwrap_or_default(),
        batch,
        ready: rows.iter().filter(|row| row.refused.is_empty()).count(),
        rows,
        needs_reason,
        least: REASON_CHARS,
        page,
    })
}

async fn who(
    ctx: &Ctx,
    form: &[(String, String)],
    ids: Vec<Uuid>,
    places: &[String],
    batch: Uuid,
    error: LedgerError,
) -> Result<Response, WebError> {
    let page = ctx.page("nav-ledger");
    let typed = first(form, "who").to_owned();
    let mut found = super::assignees(&ctx.app, &ctx.actor, places, &typed).await?;
    if found.users.is_empty() {
        found = super::assignees(&ctx.app, &ctx.actor, places, "").await?;
    }
    let message = error.message(ctx.lang);
    let status = WebError::from(error).status();
    let mut response = ctx.render(&WhoPage {
        count: page.t1("ledger-assign-count", "count", ids.len()),
        ids,
        batch,
        users: found.users.iter().map(|user| label(ctx.lang, user)).collect(),
        deadline: first(form, "deadline").to_owned(),
        typed,
        error: message,
        page,
    })?;
    *response.status_mut() = status;
    Ok(response)
}

pub(super) async fn apply(ctx: Ctx, Form(form): Form<Vec<(String, String)>>) -> Result<Response, WebError> {
    let batch = batch_of(&form)?;
    let assignee = first(&form, "assignee").parse().map_err(|_| LedgerError::Assignee)?;
    let deadline = day(first(&form, "deadline"))?;
    let items: Vec<(Uuid, i64)> = fields(&form, "item")
        .filter_map(|v| {
            let (id, version) = v.split_once(':')?;
            Some((id.parse().ok()?, version.parse().ok()?))
        })
        .collect();
    let note = first(&form, "note");
    let (assigned, left) = super::assign_many(&ctx.app, &ctx.actor, batch, &items, assignee, deadline, note).await?;
    let (tone, key) = match (assigned, left.is_empty()) {
        (_, true) => ("ok", "ledger-done-assign"),
        (0, false) => ("danger", "ledger-done-assign_none"),
        (_, false) => ("warn", "ledger-done-assign_partly"),
    };
    Ok(ctx.redirect_with("/ledger", tone, key))
}
