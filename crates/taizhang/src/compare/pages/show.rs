//! One comparison: its rows by what became of them.

use axum::extract::{Path, Query};
use axum::response::Response;
use codes::citizen_id;
use uuid::Uuid;

use super::super::lists::{self, Field};
use super::super::{CompareError, ComparisonRow, Content, Counts, ListRow, store};
use super::side::{bits_text, pick, place_text, registered_side};
use super::{HeldLine, NAV, PAGE, Paging, held_line, source_text};
use crate::access::{Capability, Scope};
use crate::platform::{App, i18n};
use crate::register::Divisions;
use crate::web::{Ctx, Page, WebError};

struct RowLine {
    href: String,
    name: String,
    id: String,
    place: String,
    date: String,
    kind: String,
    line: i64,
    who: String,
    who_place: String,
    tier: String,
    score: String,
}

#[derive(askama::Template)]
#[template(path = "compare_show.html")]
struct ShowPage {
    page: Page,
    id: Uuid,
    source: String,
    comparison: ComparisonRow,
    when: String,
    counts: Counts,
    gone: i64,
    /// The page of its source, for whoever may open it.
    source_href: String,
    tab: String,
    rows: Vec<RowLine>,
    held: Vec<HeldLine>,
    may_review: bool,
    may_export: bool,
    prev: String,
    next: String,
    summary: String,
}

impl ShowPage {
    fn tab_href(&self, tab: &str) -> String {
        format!("/comparisons/{}?tab={tab}", self.id)
    }
}

pub(super) async fn show(ctx: Ctx, Path(id): Path<Uuid>, Query(paging): Query<Paging>) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let scope = &ctx.actor.scope;
    let comparison = store::comparison(&ctx.app.db, id, scope).await?.ok_or(CompareError::NotFound)?;
    let counts = store::counts(&ctx.app.db, id, scope).await?;
    let gone = if comparison.rows_gone > 0 { store::count_gone(&ctx.app.db, id, scope).await? } else { 0 };
    let tab = match paging.tab.as_str() {
        "matched" | "review" | "unmatched" | "withdrawn" | "held" | "gone" => paging.tab.clone(),
        _ if counts.review > 0 => "review".to_owned(),
        _ => "matched".to_owned(),
    };
    let at = paging.page.max(0);
    let divisions = Divisions::load(&ctx.app.db).await?;
    let mut lines = Vec::new();
    let mut held = Vec::new();
    if tab == "held" {
        // What was held back has no residence that could be inside a scope: only whoever sees the whole list sees it.
        if sees_held(scope, &comparison) {
            let all: Vec<lists::Held> = serde_json::from_str(&comparison.held).unwrap_or_default();
            held = all.iter().map(|h| held_line(&page, h)).collect();
        }
    } else {
        let rows = match tab.as_str() {
            "gone" => store::gone_rows(&ctx.app.db, id, scope, PAGE, at * PAGE).await?,
            outcome => store::rows(&ctx.app.db, id, outcome, scope, PAGE, at * PAGE).await?,
        };
        for row in rows {
            lines.push(row_line(&ctx.app, &page, &divisions, scope, row).await?);
        }
    }
    let total = match tab.as_str() {
        "matched" => counts.matched,
        "review" => counts.review,
        "unmatched" => counts.unmatched,
        "withdrawn" => counts.withdrawn,
        "gone" => gone,
        _ => held.len() as i64,
    };
    let link = |to: i64| format!("/comparisons/{id}?tab={tab}&page={to}");
    let first = if total == 0 { 0 } else { at * PAGE + 1 };
    let view = ShowPage {
        id,
        source: source_text(&page, &comparison.source),
        when: page.time(&comparison.created_at),
        counts,
        gone,
        source_href: match super::super::list_source(&ctx.app, &ctx.actor, &comparison.list_source).await {
            Ok(source) => format!("/sources/{}", source.code),
            Err(CompareError::NotFound | CompareError::Forbidden) => String::new(),
            Err(error) => return Err(error.into()),
        },
        may_review: ctx.actor.may(Capability::ReviewMatches),
        may_export: ctx.actor.may(Capability::Export),
        prev: if at > 0 { link(at - 1) } else { String::new() },
        next: if tab != "held" && (at + 1) * PAGE < total { link(at + 1) } else { String::new() },
        summary: i18n::text_with(
            ctx.lang,
            "compare-rows-shown",
            &[
                ("from", first.to_string()),
                ("to", (first + (lines.len() + held.len()) as i64 - i64::from(total > 0)).to_string()),
                ("total", total.to_string()),
            ],
        ),
        tab,
        rows: lines,
        held,
        comparison,
        page,
    };
    ctx.render(&view)
}

/// Whether somebody sees what was held back of a comparison: whoever sees the whole list.
pub(super) fn sees_held(scope: &Scope, comparison: &ComparisonRow) -> bool {
    scope.contains(&comparison.division_code) || scope.root() == comparison.division_code
}

async fn row_line(
    app: &App,
    page: &Page,
    divisions: &Divisions,
    scope: &Scope,
    row: ListRow,
) -> Result<RowLine, WebError> {
    let content = Content::open(&app.vault, &row.fields_enc)?;
    let best = store::candidates(&app.db, row.id, scope).await?.into_iter().next();
    let side = match &best {
        Some(c) => registered_side(app, c, scope).await?,
        None => None,
    };
    Ok(RowLine {
        href: format!("/comparisons/rows/{}", row.id),
        id: pick(&content, Field::IdNumber).map(|v| citizen_id::mask(&v)).unwrap_or_default(),
        place: place_text(divisions, &row.division_code),
        kind: page.t(&format!("compare-kind-{}", row.kind.replace('.', "-"))),
        date: day_text(page, row.fact_date),
        line: row.line,
        who: side.as_ref().map(|s| s.name.clone()).unwrap_or_default(),
        who_place: best.as_ref().map(|c| place_text(divisions, &c.division_code)).unwrap_or_default(),
        tier: best.as_ref().map(|c| page.t(&format!("compare-tier-{}", c.tier))).unwrap_or_default(),
        score: best.as_ref().map(bits_text).unwrap_or_default(),
        name: row.name,
    })
}

/// The day of a row's fact; in words where the row gives none.
fn day_text(page: &Page, day: String) -> String {
    if day.is_empty() { page.t("compare-undated") } else { day }
}
