//! The lists received, and another look at what is open.

use axum::extract::Query;
use axum::response::Response;
use uuid::Uuid;

use super::super::model::Counts;
use super::super::{AGAIN_JOB, CompareOptions, JobParams, store};
use super::{NAV, PAGE, Paging, source_text};
use crate::access::Capability;
use crate::platform::jobs::{self, NewJob};
use crate::platform::{DbError, i18n};
use crate::web::{Ctx, Form, Nothing, Page, WebError};

struct ListLine {
    href: String,
    review_href: String,
    source: String,
    file: String,
    as_of: String,
    purpose: String,
    counts: Counts,
    total: i64,
    when: String,
}

#[derive(askama::Template)]
#[template(path = "compare_list.html")]
struct ListPage {
    page: Page,
    may_run: bool,
    /// Sources whose list is late.
    late: usize,
    lines: Vec<ListLine>,
    prev: String,
    next: String,
    summary: String,
}

pub(super) async fn index(ctx: Ctx, Query(paging): Query<Paging>) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let at = paging.page.max(0);
    let mut rows = store::comparisons(&ctx.app.db, &ctx.actor.scope, PAGE + 1, at * PAGE).await?;
    let more = rows.len() as i64 > PAGE;
    rows.truncate(PAGE as usize);
    let mut lines = Vec::new();
    for row in rows {
        lines.push(ListLine {
            href: format!("/comparisons/{}", row.id),
            review_href: format!("/comparisons/{}/review", row.id),
            source: source_text(&page, &row.source),
            counts: store::counts(&ctx.app.db, row.id, &ctx.actor.scope).await?,
            when: page.time(&row.created_at),
            file: row.file_name,
            as_of: row.as_of,
            purpose: row.purpose,
            total: row.rows_total,
        });
    }
    let may_run = ctx.actor.may(Capability::RunComparison);
    let today = ctx.app.clock.today();
    let late = match may_run {
        true => {
            let sources = super::super::list_sources(&ctx.app, &ctx.actor).await?;
            sources.iter().filter(|source| source.days_late(today) > 0).count()
        }
        false => 0,
    };
    let view = ListPage {
        may_run,
        late,
        summary: page.t1("compare-list-shown", "count", lines.len()),
        prev: if at > 0 { format!("/comparisons?page={}", at - 1) } else { String::new() },
        next: if more { format!("/comparisons?page={}", at + 1) } else { String::new() },
        lines,
        page,
    };
    ctx.render(&view)
}

/// Holds the open rows against the register again, as a job.
pub(super) async fn again(ctx: Ctx, Form(Nothing {}): Form<Nothing>) -> Result<Response, WebError> {
    let job = NewJob {
        kind: AGAIN_JOB,
        title: i18n::text(ctx.lang, "compare-again-job"),
        division_code: ctx.actor.scope.root().to_owned(),
        created_by: ctx.actor.user_id,
        params: serde_json::to_value(JobParams::of(&ctx.actor, String::new(), CompareOptions::default()))
            .unwrap_or_default(),
        idempotency_key: None,
    };
    let now = ctx.app.clock.now_ms();
    let id = ctx
        .app
        .db
        .write::<Uuid, DbError, _>(move |tx| Box::pin(async move { jobs::enqueue(tx, job, now).await }))
        .await?;
    Ok(ctx.redirect(&format!("/jobs/{id}")))
}
