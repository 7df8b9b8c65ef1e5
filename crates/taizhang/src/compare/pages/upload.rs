//! A new list: the form, what would be read of it, and the start.

use std::io::Write as _;

use axum::extract::multipart::Field;
use axum::response::Response;
use chrono::NaiveDate;
use uuid::Uuid;

use super::super::{CompareError, CompareOptions, JOB, JobParams, RETENTION_DAYS, lists};
use super::side::masked_cell;
use super::{HeldLine, NAV, held_line, source_text};
use crate::access::reveal::REASON_MOST;
use crate::platform::jobs::{self, NewJob};
use crate::platform::{DbError, UserError, ids};
use crate::web::{Ctx, Form, Page, Upload, WebError};

struct Choice {
    key: &'static str,
    label: String,
    chosen: bool,
}

#[derive(askama::Template)]
#[template(path = "compare_new.html")]
struct NewPage {
    page: Page,
    sources: Vec<Choice>,
    as_of: String,
    today: String,
    purpose: String,
    retention: u32,
    error: String,
}

fn choices(page: &Page, chosen: &str) -> Vec<Choice> {
    lists::SOURCES
        .iter()
        .map(|s| Choice { key: s.key, label: source_text(page, s.key), chosen: s.key == chosen })
        .collect()
}

pub(super) async fn new(ctx: Ctx) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let today = ctx.app.clock.today().to_string();
    let view = NewPage {
        sources: choices(&page, ""),
        as_of: String::new(),
        today,
        purpose: String::new(),
        retention: RETENTION_DAYS,
        error: String::new(),
        page,
    };
    ctx.render(&view)
}

struct ColumnLine {
    header: String,
    field: String,
    sample: String,
    state: &'static str,
}

#[derive(askama::Template)]
#[template(path = "compare_preview.html")]
struct PreviewPage {
    page: Page,
    upload: String,
    file: String,
    source_key: &'static str,
    source: String,
    as_of: String,
    /// What the form sends on: empty where neither the user nor the file says a day.
    as_of_said: String,
    purpose: String,
    retention: u32,
    total: usize,
    readable: usize,
    columns: Vec<ColumnLine>,
    held: Vec<HeldLine>,
    held_more: usize,
    skipped: Vec<String>,
}

pub(super) async fn preview(ctx: Ctx, mut upload: Upload) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let mut stored: Option<(String, String)> = None;
    let mut options = CompareOptions { retention_days: RETENTION_DAYS, ..CompareOptions::default() };
    let today = ctx.app.clock.today();
    let mut as_of = Ok(None);
    let folder = ctx.app.sub_folder("uploads").map_err(|e| CompareError::Broken(e.to_string()))?;
    while let Some(mut field) = upload.next().await? {
        match field.name().unwrap_or_default().to_owned().as_str() {
            "file" => {
                let shown: String = field
                    .file_name()
                    .unwrap_or_default()
                    .chars()
                    .filter(|c| !c.is_control() && !matches!(c, '/' | '\\'))
                    .take(120)
                    .collect();
                let kind: String = shown
                    .rsplit_once('.')
                    .map_or("", |(_, kind)| kind)
                    .chars()
                    .filter(char::is_ascii_alphanumeric)
                    .take(5)
                    .collect();
                let name = format!("{}.{kind}", ids::new_id());
                let mut file =
                    std::fs::File::create(folder.join(&name)).map_err(|e| CompareError::Broken(e.to_string()))?;
                let mut bytes = 0usize;
                while let Some(chunk) = field.chunk().await.map_err(|e| CompareError::Broken(e.to_string()))? {
                    bytes += chunk.len();
                    file.write_all(&chunk).map_err(|e| CompareError::Broken(e.to_string()))?;
                }
                if bytes > 0 {
                    stored = Some((name, shown));
                } else {
                    remove(&folder.join(&name));
                }
            }
            "source" => options.source = Some(text(field).await?).filter(|s| !s.is_empty()),
            "as_of" => {
                let raw = text(field).await?;
                as_of = day(&raw);
            }
            "purpose" => options.purpose = text(field).await?.trim().to_owned(),
            "retention" => options.retention_days = text(field).await?.trim().parse().unwrap_or(RETENTION_DAYS),
            _ => {}
        }
    }
    let parsed = match &stored {
        None => Err(CompareError::NoHeader { file: String::new() }),
        Some(_) if options.purpose.is_empty() => Err(CompareError::NoPurpose),
        Some(_) if options.purpose.chars().count() > REASON_MOST => Err(CompareError::PurposeLong),
        Some((name, shown)) => match &as_of {
            Ok(day) => super::super::parse(&folder.join(name), shown, options.source.as_deref(), *day, today).await,
            Err(value) => Err(CompareError::NotADay { value: value.clone() }),
        },
    };
    let (parsed, (name, shown)) = match (parsed, stored) {
        (Ok(parsed), Some(stored)) => (parsed, stored),
        (result, stored) => {
            if let Some((name, _)) = &stored {
                remove(&folder.join(name));
            }
            let error = match result {
                Err(error) => error.message(ctx.lang),
                Ok(_) => String::new(),
            };
            let view = NewPage {
                sources: choices(&page, options.source.as_deref().unwrap_or("")),
                as_of: as_of.ok().flatten().map(|day| day.to_string()).unwrap_or_default(),
                today: today.to_string(),
                purpose: options.purpose,
                retention: options.retention_days,
                error,
                page,
            };
            let mut response = ctx.render(&view)?;
            *response.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(response);
        }
    };
    let sample = |header: &str| {
        parsed.rows.iter().find_map(|r| r.fields.get(header)).map(|v| masked_cell(header, v)).unwrap_or_default()
    };
    let mut columns: Vec<ColumnLine> = parsed
        .mapping
        .columns
        .iter()
        .map(|(field, (_, header))| ColumnLine {
            header: header.clone(),
            field: lists::header(*field).to_owned(),
            sample: sample(header),
            state: "found",
        })
        .collect();
    let others = |list: &[String], state| -> Vec<ColumnLine> {
        list.iter().map(|h| ColumnLine { header: h.clone(), field: "—".to_owned(), sample: sample(h), state }).collect()
    };
    columns.extend(others(&parsed.mapping.doubled, "doubled"));
    columns.extend(others(&parsed.mapping.extra, "extra"));
    let shown_held = 20;
    let view = PreviewPage {
        upload: name,
        file: shown,
        source_key: parsed.source.key,
        source: source_text(&page, parsed.source.key),
        as_of: if parsed.as_of_said {
            parsed.as_of.to_string()
        } else {
            page.t1("compare-asof-unsaid", "day", parsed.as_of)
        },
        as_of_said: if parsed.as_of_said { parsed.as_of.to_string() } else { String::new() },
        purpose: options.purpose,
        retention: options.retention_days,
        total: parsed.total(),
        readable: parsed.rows.len(),
        columns,
        held: parsed.held.iter().take(shown_held).map(|h| held_line(&page, h)).collect(),
        held_more: parsed.held.len().saturating_sub(shown_held),
        skipped: parsed.skipped_sheets.iter().map(|sheet| sheet.text(ctx.lang)).collect(),
        page,
    };
    ctx.render(&view)
}

/// The day that a list is said to speak of; nothing where nobody says one, and what was typed where it is no day.
fn day(raw: &str) -> Result<Option<NaiveDate>, String> {
    let said = raw.trim();
    if said.is_empty() {
        return Ok(None);
    }
    // A whole day far off is a day too, and is refused for what it is.
    let whole = NaiveDate::parse_from_str(said, "%Y-%m-%d").ok();
    whole
        .or_else(|| codes::date::read_date(said).ok()?.to_date())
        .map(Some)
        .ok_or_else(|| said.chars().take(40).collect())
}

async fn text(field: Field<'_>) -> Result<String, CompareError> {
    field.text().await.map_err(|e| CompareError::Broken(e.to_string()))
}

fn remove(path: &std::path::Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(%error, "an uploaded list could not be deleted");
    }
}

#[derive(serde::Deserialize)]
pub(super) struct StartForm {
    upload: String,
    file: String,
    source: String,
    as_of: String,
    purpose: String,
    retention: u32,
}

pub(super) async fn start(ctx: Ctx, Form(form): Form<StartForm>) -> Result<Response, WebError> {
    // The name was made by us: letters, digits, hyphens and one dot. Anything else did not come from the preview.
    let ours = form.upload.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
        && !form.upload.contains("..")
        && ctx.app.folder.join("uploads").join(&form.upload).is_file();
    if !ours {
        return Err(CompareError::UploadGone.into());
    }
    let source =
        lists::source(&form.source).ok_or_else(|| CompareError::UnknownSource { name: form.source.clone() })?;
    let page = ctx.page(NAV);
    let actor = &ctx.actor;
    let options = CompareOptions {
        source: Some(source.key.to_owned()),
        as_of: day(&form.as_of).map_err(|value| CompareError::NotADay { value })?,
        purpose: form.purpose,
        retention_days: form.retention,
        file_name: form.file.clone(),
    };
    let params = JobParams::of(actor, form.upload.clone(), options);
    let job = NewJob {
        kind: JOB,
        title: page.t2("compare-job-title", "source", source_text(&page, source.key), "file", form.file),
        division_code: actor.scope.root().to_owned(),
        created_by: actor.user_id,
        params: serde_json::to_value(params).unwrap_or_default(),
        idempotency_key: Some(format!("compare:{}", form.upload)),
    };
    let now = ctx.app.clock.now_ms();
    let id = ctx
        .app
        .db
        .write::<Uuid, DbError, _>(move |tx| Box::pin(async move { jobs::enqueue(tx, job, now).await }))
        .await?;
    Ok(ctx.redirect(&format!("/jobs/{id}")))
}
