//! Rows of a comparison taken out as files, personal numbers masked, each time with an audit entry.

use std::collections::{BTreeSet, HashMap};

use axum::extract::Path;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::super::lists::{self, Field};
use super::super::{CompareError, ComparisonRow, Content, store};
use super::NAV;
use super::show::sees_held;
use super::side::{mask_id, mask_phone, masked_cell, pick, place_text};
use crate::access::audit::{self, Entry};
use crate::platform::DbError;
use crate::register::Divisions;
use crate::web::{Ctx, WebError};

/// A cell that no spreadsheet takes for a formula.
fn safe_cell(value: &str) -> String {
    if value.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{value}") } else { value.to_owned() }
}

/// Rows that matched nobody.
pub(super) async fn unmatched(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let (app, scope) = (&ctx.app, &ctx.actor.scope);
    let page = ctx.page(NAV);
    let comparison = store::comparison(&app.db, id, scope).await?.ok_or(CompareError::NotFound)?;
    let divisions = Divisions::load(&app.db).await?;
    let broken = |e: csv::Error| CompareError::Broken(e.to_string());
    let mut writer = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    writer
        .write_record([
            page.t("compare-col-line"),
            page.t("compare-field-name"),
            page.t("compare-field-id"),
            page.t("compare-field-phone"),
            page.t("compare-col-place"),
            page.t("compare-col-kind"),
            page.t("compare-col-date"),
        ])
        .map_err(broken)?;
    let mut written = 0i64;
    loop {
        let rows = store::rows(&app.db, id, "unmatched", scope, 1_000, written).await?;
        if rows.is_empty() {
            break;
        }
        written += rows.len() as i64;
        for row in rows {
            let content = Content::open(&app.vault, &row.fields_enc)?;
            writer
                .write_record([
                    row.line.to_string(),
                    safe_cell(&row.name),
                    pick(&content, Field::IdNumber).map(|v| mask_id(&v)).unwrap_or_default(),
                    pick(&content, Field::Phone).map(|v| mask_phone(&v)).unwrap_or_default(),
                    place_text(&divisions, &row.division_code),
                    page.t(&format!("compare-kind-{}", row.kind.replace('.', "-"))),
                    row.fact_date,
                ])
                .map_err(broken)?;
        }
    }
    finish(&ctx, &comparison, writer, "unmatched", written).await
}

/// Rows that were held back, with the reason, as they came: to be put right and brought in again.
pub(super) async fn held(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let (app, page) = (&ctx.app, ctx.page(NAV));
    let comparison = store::comparison(&app.db, id, &ctx.actor.scope).await?.ok_or(CompareError::NotFound)?;
    if !sees_held(&ctx.actor.scope, &comparison) {
        return Err(CompareError::NotFound.into());
    }
    let told: Vec<lists::Held> = serde_json::from_str(&comparison.held).unwrap_or_default();
    let why: HashMap<(&str, i64), &lists::Held> = told.iter().map(|h| ((h.sheet.as_str(), h.line), h)).collect();
    let mut rows = Vec::new();
    for (sheet, line, sealed) in store::held_rows(&app.db, id).await? {
        let raw = app.vault.open_text("list_held_row.raw", &sealed).map_err(CompareError::from)?;
        let cells: HashMap<String, String> = serde_json::from_str(&raw).unwrap_or_default();
        rows.push((sheet, line, cells));
    }
    let headers: BTreeSet<&String> = rows.iter().flat_map(|(_, _, cells)| cells.keys()).collect();
    let broken = |e: csv::Error| CompareError::Broken(e.to_string());
    let mut writer = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    let first = [page.t("compare-col-line"), page.t("compare-col-column"), page.t("compare-col-why")];
    writer.write_record(first.into_iter().chain(headers.iter().map(|h| safe_cell(h)))).map_err(broken)?;
    for (sheet, line, cells) in &rows {
        let told = why.get(&(sheet.as_str(), *line));
        let first = [
            line.to_string(),
            told.map(|h| safe_cell(&h.column)).unwrap_or_default(),
            told.map(|h| page.t(&h.why)).unwrap_or_default(),
        ];
        let cell = |header: &&String| {
            cells.get(*header).map(|value| safe_cell(&masked_cell(header, value))).unwrap_or_default()
        };
        writer.write_record(first.into_iter().chain(headers.iter().map(cell))).map_err(broken)?;
    }
    let written = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    finish(&ctx, &comparison, writer, "held", written).await
}

/// Enters the export in the audit log and hands the file over.
async fn finish(
    ctx: &Ctx,
    comparison: &ComparisonRow,
    writer: csv::Writer<Vec<u8>>,
    part: &'static str,
    rows: i64,
) -> Result<Response, WebError> {
    let bytes = writer.into_inner().map_err(|e| CompareError::Broken(e.to_string()))?;
    let (actor, now, id) = (ctx.actor.clone(), ctx.app.clock.now_ms(), comparison.id);
    ctx.app
        .db
        .write::<(), DbError, _>(move |tx| {
            Box::pin(async move {
                let entry = Entry {
                    action: "comparison.export",
                    object_kind: "comparison",
                    object_id: id.to_string(),
                    division_code: actor.scope.root(),
                    reason: "",
                    detail: serde_json::json!({ "rows": rows, "part": part, "masked": true }),
                };
                audit::record(tx, &actor, entry, now).await
            })
        })
        .await?;
    let name = format!("attachment; filename=\"{part}-{}.csv\"", comparison.as_of);
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)], bytes).into_response())
}
