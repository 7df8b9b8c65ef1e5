//! A clue that a household or a cadre brings (一码申报、走访排查).

use axum::extract::Query;
use axum::response::Response;
use uuid::Uuid;

use super::Choice;
use crate::monitor::{self, MonitorError, NewClue};
use crate::platform::{UserError, ids};
use crate::register;
use crate::web::{Ctx, Form, Page, WebError};

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    event: Option<Uuid>,
    origin: String,
    head_name: String,
    phone: String,
    id_number: String,
    said: String,
    division: String,
    risk: String,
    household: String,
}

#[derive(askama::Template)]
#[template(path = "monitor_new.html")]
struct NewPage {
    page: Page,
    error: String,
    sent: Sent,
    event: Uuid,
    /// The registered household, where it was chosen there.
    chosen: String,
    risks: Vec<Choice>,
    villages: Vec<Choice>,
}

/// Villages that a select still shows; of a wider place the code is written.
const VILLAGES_MOST: usize = 400;

pub(super) async fn form(ctx: Ctx, Query(sent): Query<Sent>) -> Result<Response, WebError> {
    page_of(&ctx, sent, String::new()).await
}

async fn page_of(ctx: &Ctx, sent: Sent, error: String) -> Result<Response, WebError> {
    let page = ctx.page("nav-monitor");
    let profile = monitor::policy(&ctx.app).await?;
    let risks = profile.monitoring.as_ref().map(|policy| policy.risks.clone()).unwrap_or_default();
    let mut chosen = String::new();
    if let Ok(id) = sent.household.parse::<Uuid>() {
        let file = register::household_file_for(&ctx.app, &ctx.actor, id).await?;
        chosen = format!("{}（{}）", file.household.head_name, file.household.household_no);
    }
    let root = ctx.actor.scope.root().to_owned();
    let mut villages = Vec::new();
    if root.len() >= 6 && chosen.is_empty() {
        let divisions = register::Divisions::load(&ctx.app.db).await.map_err(MonitorError::from)?;
        let of = divisions.all().iter().filter(|d| d.code.len() == 12 && ctx.actor.scope.contains(&d.code));
        villages = of
            .take(VILLAGES_MOST + 1)
            .map(|d| Choice { value: d.code.clone(), label: d.full_name.clone(), chosen: d.code == sent.division })
            .collect();
        if root.len() > 12 || villages.len() > VILLAGES_MOST {
            villages.clear();
        }
    }
    ctx.render(&NewPage {
        error,
        event: ids::new_id(),
        chosen,
        risks: risks
            .into_iter()
            .map(|risk| Choice { chosen: risk == sent.risk, label: risk.clone(), value: risk })
            .collect(),
        villages,
        sent,
        page,
    })
}

pub(super) async fn send(ctx: Ctx, Form(sent): Form<Sent>) -> Result<Response, WebError> {
    let new = NewClue {
        event_id: sent.event.unwrap_or_else(ids::new_id),
        by_visit: sent.origin == "visit",
        head_name: sent.head_name.clone(),
        phone: sent.phone.clone(),
        id_number: sent.id_number.clone(),
        said: sent.said.clone(),
        division: sent.division.trim().to_owned(),
        risk: sent.risk.clone(),
        household: sent.household.parse().ok(),
    };
    match monitor::apply(&ctx.app, &ctx.actor, new).await {
        Ok(case) => Ok(ctx.redirect_with(&format!("/monitor/{}", case.id), "ok", "monitor-clue-taken")),
        Err(error @ MonitorError::Db(_)) => Err(error.into()),
        Err(error) => {
            let message = error.message(ctx.lang);
            let status = WebError::from(error).status();
            let mut response = page_of(&ctx, sent, message).await?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}
