//! Rows whose only candidate looks alike, decided together.

use axum::extract::{Path, Query};
use axum::response::Response;
use uuid::Uuid;

use super::super::lists::Field;
use super::super::model::{Group, IN_POINTS};
use super::super::weigh::Part;
use super::super::{CompareError, Content, Verdict, store};
use super::review::level_text;
use super::side::{mask_id, pick, place_text, registered_side};
use super::{NAV, source_text};
use crate::register::Divisions;
use crate::web::{Ctx, Form, Page, WebError};

struct GroupLine {
    tier: String,
    tier_key: String,
    signature: String,
    words: Vec<String>,
    rows: i64,
    /// Bits of the weakest, as text.
    score: String,
    href: String,
}

struct PairPreview {
    row_href: String,
    name: String,
    id: String,
    who: String,
    who_id: String,
    place: String,
}

#[derive(askama::Template)]
#[template(path = "compare_batches.html")]
struct BatchPage {
    page: Page,
    id: Uuid,
    source: String,
    groups: Vec<GroupLine>,
    chosen: Option<GroupLine>,
    members: Vec<PairPreview>,
    pairs_value: String,
}

#[derive(serde::Deserialize)]
pub(super) struct GroupQuery {
    #[serde(default)]
    tier: String,
    #[serde(default)]
    signature: String,
}

fn group_line(page: &Page, id: Uuid, group: Group) -> GroupLine {
    let parts: Vec<Part> = serde_json::from_str(&group.explanation).unwrap_or_default();
    GroupLine {
        tier: page.t(&format!("compare-tier-{}", group.tier)),
        words: parts.iter().filter(|p| says_something(p)).map(|p| level_text(page, p)).collect(),
        href: format!("/comparisons/{id}/batches?tier={}&signature={}", group.tier, group.signature),
        score: if group.signature.starts_with(IN_POINTS) { String::new() } else { format!("{:+.1}", group.score) },
        tier_key: group.tier,
        signature: group.signature,
        rows: group.rows,
    }
}

/// Whether it is one of the levels by which the group looks alike: what is missing and what differs from row to row is not.
fn says_something(part: &Part) -> bool {
    !part.level.is_empty() && part.level != "missing"
}

pub(super) async fn batches(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Query(query): Query<GroupQuery>,
) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let (app, scope) = (&ctx.app, &ctx.actor.scope);
    let comparison = store::comparison(&app.db, id, scope).await?.ok_or(CompareError::NotFound)?;
    let mut groups: Vec<GroupLine> =
        store::groups(&app.db, id, scope).await?.into_iter().map(|g| group_line(&page, id, g)).collect();
    let chosen = groups
        .iter()
        .position(|g| g.tier_key == query.tier && g.signature == query.signature)
        .map(|at| groups.remove(at));
    let mut members = Vec::new();
    let mut pairs = Vec::new();
    if let Some(group) = &chosen {
        let divisions = Divisions::load(&app.db).await?;
        for c in store::group_members(&app.db, id, &group.tier_key, &group.signature, scope).await? {
            let Some(row) = store::row(&app.db, c.list_row_id, scope).await? else {
                continue;
            };
            pairs.push(format!("{}:{}", row.id, c.id));
            // The preview shows examples; the decision is for all of them.
            if members.len() >= 100 {
                continue;
            }
            let content = Content::open(&app.vault, &row.fields_enc)?;
            let side = registered_side(app, &c, scope).await?;
            members.push(PairPreview {
                row_href: format!("/comparisons/rows/{}", row.id),
                id: pick(&content, Field::IdNumber).map(|v| mask_id(&v)).unwrap_or_default(),
                name: row.name,
                who: side.as_ref().map(|s| s.name.clone()).unwrap_or_default(),
                who_id: side.map(|s| s.id).unwrap_or_default(),
                place: place_text(&divisions, &c.division_code),
            });
        }
    }
    let view = BatchPage {
        id,
        source: source_text(&page, &comparison.source),
        groups,
        chosen,
        members,
        pairs_value: pairs.join(","),
        page,
    };
    ctx.render(&view)
}

#[derive(serde::Deserialize)]
pub(super) struct BatchForm {
    verdict: Verdict,
    pairs: String,
    #[serde(default)]
    note: String,
}

pub(super) async fn decide_batch(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(form): Form<BatchForm>,
) -> Result<Response, WebError> {
    store::comparison(&ctx.app.db, id, &ctx.actor.scope).await?.ok_or(CompareError::NotFound)?;
    let pairs: Vec<(Uuid, Uuid)> = form
        .pairs
        .split(',')
        .filter_map(|pair| {
            let (row, candidate) = pair.split_once(':')?;
            Some((row.parse().ok()?, candidate.parse().ok()?))
        })
        .collect();
    let (_, left) = super::super::decide_many(&ctx.app, &ctx.actor, pairs, form.verdict, &form.note).await?;
    let key = if left == 0 { "compare-flash-decided" } else { "compare-flash-some-left" };
    Ok(ctx.redirect_with(&format!("/comparisons/{id}/batches"), if left == 0 { "ok" } else { "warn" }, key))
}
