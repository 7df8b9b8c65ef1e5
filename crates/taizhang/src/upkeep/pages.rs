//! The page System health.

use std::time::Duration;

use axum::response::Response;

use super::{Check, Level, THOROUGH, begin_look, glance, last_look};
use crate::access::Capability;
use crate::access::pages::{Tab, tabs};
use crate::web::{Ctx, Form, Nothing, Page, Policy, Routes, WebError};

const KEEPERS: Policy = Policy::Needs(Capability::ManageUsers);
/// How long an answer waits for a look that may be short.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// The routes of this feature.
pub fn routes() -> Routes {
    Routes::new().get("/settings/health", KEEPERS, show).post("/settings/health", KEEPERS, look)
}

struct Row {
    tone: &'static str,
    state: String,
    title: String,
    text: String,
}

#[derive(askama::Template)]
#[template(path = "health.html")]
struct HealthPage {
    page: Page,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    thorough: Vec<Row>,
    /// When the thorough look was; empty if there was none.
    looked: String,
    looking: bool,
}

async fn show(ctx: Ctx) -> Result<Response, WebError> {
    let page = ctx.page("nav-settings");
    let rows = glance(&ctx.app).await.iter().map(|check| row(&page, check)).collect();
    let last = last_look(&ctx.app.db).await?;
    ctx.render(&HealthPage {
        tabs: tabs(&ctx, &page, "/settings/health"),
        rows,
        looked: last.as_ref().map(|(at, _)| page.time(at)).unwrap_or_default(),
        thorough: last.iter().flat_map(|(_, checks)| checks).map(|check| row(&page, check)).collect(),
        looking: ctx.app.background.is_running(THOROUGH),
        page,
    })
}

async fn look(ctx: Ctx, Form(Nothing {}): Form<Nothing>) -> Result<Response, WebError> {
    begin_look(&ctx.app);
    ctx.app.background.wait(THOROUGH, PATIENCE).await;
    Ok(ctx.redirect("/settings/health"))
}

fn row(page: &Page, check: &Check) -> Row {
    Row {
        tone: match check.level {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fail => "danger",
        },
        state: page.t(&format!("health-level-{}", check.level.name())),
        title: check.title(page.lang),
        text: check.text(page.lang),
    }
}
