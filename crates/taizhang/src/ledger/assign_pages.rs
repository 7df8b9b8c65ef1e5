//! The choice of whom to assign to.

use axum::extract::Query;
use axum::response::Response;
use chrono::NaiveDate;
use uuid::Uuid;

use super::assign::SEPARATOR;
use super::model::Assignable;
use super::{LedgerError, assign};
use crate::platform::{Lang, i18n};
use crate::web::{Ctx, WebError};

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

/// A day as a form sends it; none where it is empty.
pub(super) fn day(text: &str) -> Result<Option<NaiveDate>, LedgerError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Some).map_err(|_| LedgerError::Deadline(text.to_owned()))
}
