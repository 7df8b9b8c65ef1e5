//! Progress of long work, and stopping it.

use std::time::Duration;

use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::form::Nothing;
use super::{Ctx, Form, Page, Policy, Routes, WebError};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability};
use crate::platform::jobs::{self, Job};
use crate::platform::{App, DbError, i18n};

/// How long an answer waits for the books to be written.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whoever may start long work may see it, within their scope.
const POLICY: Policy =
    Policy::AnyOf(&[Capability::ImportRegister, Capability::RunComparison, Capability::RunAssessment]);

pub(super) fn routes() -> Routes {
    Routes::new().get("/jobs/{id}", POLICY, show).post("/jobs/{id}/cancel", POLICY, cancel)
}

#[derive(askama::Template)]
#[template(path = "job.html")]
struct JobPage {
    page: Page,
    job: JobView,
}

#[derive(askama::Template)]
#[template(path = "job_part.html")]
struct JobPart {
    page: Page,
    job: JobView,
}

struct JobView {
    id: Uuid,
    title: String,
    state_text: String,
    stage: String,
    /// `done / total`, or empty while unknown.
    count: String,
    done: i64,
    total: i64,
    /// Whether it will still change.
    live: bool,
    /// Whether it can still be asked to stop.
    stoppable: bool,
    error: String,
    /// Where the result is shown: the job's result may name a page as `href`.
    href: String,
}

impl JobView {
    fn new(page: &Page, job: &Job) -> Self {
        let live = job.is_live();
        let state = if live && job.cancel_requested { "stopping" } else { &job.state };
        let total = job.progress_total.max(1);
        let result = job.result.as_deref().and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
        Self {
            id: job.id,
            title: job.title.clone(),
            state_text: page.t(&format!("job-state-{state}")),
            stage: if job.stage.is_empty() || !live { String::new() } else { page.t(&job.stage) },
            count: if live && job.progress_total > 0 {
                format!("{} / {}", job.progress_done, job.progress_total)
            } else {
                String::new()
            },
            done: if job.state == "done" { total } else { job.progress_done.min(total) },
            total,
            live,
            stoppable: live && !job.cancel_requested,
            error: job.error_text(page.lang),
            href: result.and_then(|value| Some(value.get("href")?.as_str()?.to_owned())).unwrap_or_default(),
        }
    }
}

async fn show(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let scope = &ctx.actor.scope;
    let job = jobs::find(&ctx.app, id, scope.lo(), scope.hi()).await?.ok_or_else(WebError::not_found)?;
    if ctx.wants_json() {
        let result: Option<serde_json::Value> = job.result.as_deref().and_then(|text| serde_json::from_str(text).ok());
        return Ok(Json(serde_json::json!({
            "id": job.id,
            "kind": job.kind,
            "title": job.title,
            "state": job.state,
            "stage": job.stage,
            "stage_text": if job.stage.is_empty() { String::new() } else { i18n::text(ctx.lang, &job.stage) },
            "done": job.progress_done,
            "total": job.progress_total,
            "result": result,
            "error": job.error.as_ref().map(|_| job.error_text(ctx.lang)),
            "stopping": job.is_live() && job.cancel_requested,
        }))
        .into_response());
    }
    let page = ctx.page("");
    let view = JobView::new(&page, &job);
    if ctx.is_fragment() { ctx.render(&JobPart { page, job: view }) } else { ctx.render(&JobPage { page, job: view }) }
}

async fn cancel(ctx: Ctx, Path(id): Path<Uuid>, Form(Nothing {}): Form<Nothing>) -> Result<Response, WebError> {
    let scope = &ctx.actor.scope;
    let job = jobs::find(&ctx.app, id, scope.lo(), scope.hi()).await?.ok_or_else(WebError::not_found)?;
    // Already at its end, or asked before, is no error.
    if job.is_live() && !job.cancel_requested {
        // The job may hold the only writer itself: it hears of it at once, and the books are written when they can be.
        ctx.app.jobs.stop(id);
        let written = tokio::spawn(write_cancel(ctx.app.clone(), ctx.actor.clone(), id));
        if let Ok(Ok(outcome)) = tokio::time::timeout(PATIENCE, written).await {
            outcome?;
        }
    }
    Ok(ctx.redirect(&format!("/jobs/{id}")))
}

async fn write_cancel(app: App, actor: Actor, id: Uuid) -> Result<(), DbError> {
    let now = app.clock.now_ms();
    let written = app
        .db
        .write::<(), DbError, _>(move |tx| {
            Box::pin(async move {
                jobs::request_cancel(tx, id, actor.scope.lo(), actor.scope.hi()).await?;
                let entry = Entry {
                    action: "job.cancel",
                    object_kind: "job",
                    object_id: id.to_string(),
                    division_code: actor.scope.root(),
                    reason: "",
                    detail: serde_json::json!({}),
                };
                audit::record(tx, &actor, entry, now).await
            })
        })
        .await;
    if let Err(error) = &written {
        tracing::error!(%error, job = %id, "the stop of a job could not be written down");
    }
    written
}
