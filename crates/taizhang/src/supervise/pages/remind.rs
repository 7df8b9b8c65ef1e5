//! Reminders by name, many at once: whom they would name, then the reminders.

use std::collections::BTreeMap;

use axum::response::Response;
use uuid::Uuid;

use super::{fields, first};
use crate::ledger::{self, LedgerError};
use crate::platform::i18n;
use crate::register::pages::dash;
use crate::web::{Ctx, Form, Page, WebError};

struct Row {
    id: Uuid,
    version: i64,
    number: String,
    title: String,
    deadline: String,
    refused: String,
}

/// Somebody who is named, with the items that they answer for.
struct Named {
    unit: String,
    person: String,
    rows: Vec<Row>,
}

#[derive(askama::Template)]
#[template(path = "supervise_remind.html")]
struct RemindPage {
    page: Page,
    batch: Uuid,
    people: Vec<Named>,
    ready: usize,
    left: usize,
    next: String,
}

fn batch_of(form: &[(String, String)]) -> Result<Uuid, LedgerError> {
    first(form, "batch").parse().map_err(|_| LedgerError::EventTaken)
}

/// A path of this room to go back to.
fn back(form: &[(String, String)]) -> String {
    let asked = first(form, "next");
    if asked.starts_with("/supervise") { asked.to_owned() } else { "/supervise".to_owned() }
}

pub(super) async fn preview(ctx: Ctx, Form(form): Form<Vec<(String, String)>>) -> Result<Response, WebError> {
    let batch = batch_of(&form)?;
    let mut items: Vec<Uuid> = Vec::new();
    for id in fields(&form, "id").filter_map(|value| value.parse().ok()) {
        if !items.contains(&id) {
            items.push(id);
        }
    }
    let lines = ledger::preview_remind(&ctx.app, &ctx.actor, &items, ctx.lang).await?;
    let page = ctx.page("nav-supervise");
    let mut people: BTreeMap<(String, String), Vec<Row>> = BTreeMap::new();
    let (mut ready, mut left) = (0, 0);
    for line in lines {
        if line.refused.is_some() {
            left += 1;
        } else {
            ready += 1;
        }
        people.entry((line.unit, line.name)).or_default().push(Row {
            id: line.item.id,
            version: line.item.version,
            title: line.item.title(page.lang),
            deadline: line.item.deadline.clone(),
            number: line.item.number,
            refused: line.refused.unwrap_or_default(),
        });
    }
    ctx.render(&RemindPage {
        batch,
        people: people
            .into_iter()
            .map(|((unit, person), rows)| Named { unit: dash(&unit), person: dash(&person), rows })
            .collect(),
        ready,
        left,
        next: back(&form),
        page,
    })
}

pub(super) async fn apply(ctx: Ctx, Form(form): Form<Vec<(String, String)>>) -> Result<Response, WebError> {
    let batch = batch_of(&form)?;
    let items: Vec<(Uuid, i64)> = fields(&form, "item")
        .filter_map(|value| {
            let (id, version) = value.split_once(':')?;
            Some((id.parse().ok()?, version.parse().ok()?))
        })
        .collect();
    let said = first(&form, "note").trim();
    let note = if said.is_empty() { i18n::text(ctx.lang, "supervise-remind-default") } else { said.to_owned() };
    let (done, left) = ledger::remind_many(&ctx.app, &ctx.actor, batch, &items, &note).await?;
    let (tone, key) = match (done, left.is_empty()) {
        (_, true) => ("ok", "supervise-reminded-all"),
        (0, false) => ("danger", "supervise-reminded-none"),
        (_, false) => ("warn", "supervise-reminded-partly"),
    };
    Ok(ctx.redirect_with(&back(&form), tone, key))
}
