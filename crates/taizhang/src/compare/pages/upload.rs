//! A new list: the form, what would be read of it, and the start.

use std::io::Write as _;

use axum::extract::Query;
use axum::extract::multipart::Field;
use axum::response::Response;
use chrono::NaiveDate;
use uuid::Uuid;

use super::super::sources::{self, ListSource, Named, Retention};
use super::super::{CompareError, CompareOptions, JOB, JobParams, Parsed, lists};
use super::side::{masked_cell, place_text};
use super::{HeldLine, NAV, agency_text, held_line, source_text};
use crate::access::reveal::REASON_MOST;
use crate::platform::jobs::{self, NewJob};
use crate::platform::{DbError, UserError, i18n, ids};
use crate::register::Divisions;
use crate::web::{Ctx, Form, Page, Upload, WebError};

struct Choice {
    key: String,
    label: String,
    chosen: bool,
}

#[derive(askama::Template)]
#[template(path = "compare_new.html")]
struct NewPage {
    page: Page,
    known: Vec<Choice>,
    sources: Vec<Choice>,
    as_of: String,
    today: String,
    purpose: String,
    retention: String,
    error: String,
}

/// The sources of the scope, and the kinds of list for what comes from none of them.
async fn choices(ctx: &Ctx, page: &Page, chosen: &str) -> Result<(Vec<Choice>, Vec<Choice>), WebError> {
    let divisions = Divisions::load(&ctx.app.db).await?;
    let known = super::super::list_sources(&ctx.app, &ctx.actor).await?;
    let known = known.iter().filter(|source| source.active || source.code == chosen).map(|source| Choice {
        label: i18n::text_with(
            page.lang,
            "agency-choice",
            &[
                ("place", place_text(&divisions, &source.division_code)),
                ("agency", agency_text(page, source)),
                ("kind", source_text(page, &source.kind)),
            ],
        ),
        chosen: source.code == chosen,
        key: source.code.clone(),
    });
    let kinds = lists::SOURCES.iter().map(|s| Choice {
        key: s.key.to_owned(),
        label: source_text(page, s.key),
        chosen: s.key == chosen,
    });
    Ok((known.collect(), kinds.collect()))
}

#[derive(serde::Deserialize)]
pub(super) struct NewQuery {
    /// Kind of list or source that is chosen already.
    #[serde(default)]
    source: String,
}

pub(super) async fn new(ctx: Ctx, Query(query): Query<NewQuery>) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let today = ctx.app.clock.today().to_string();
    let (known, sources) = choices(&ctx, &page, &query.source).await?;
    let view = NewPage {
        known,
        sources,
        as_of: String::new(),
        today,
        purpose: String::new(),
        retention: String::new(),
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
    source_key: String,
    source: String,
    agency: String,
    as_of: String,
    /// What the form sends on: empty where neither the user nor the file says a day.
    as_of_said: String,
    purpose: String,
    retention: u32,
    until: String,
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
    let mut options = CompareOptions::default();
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
            "retention" => options.retention_days = text(field).await?.trim().parse().unwrap_or(0),
            _ => {}
        }
    }
    let parsed = match &stored {
        None => Err(CompareError::NoHeader { file: String::new() }),
        Some(_) if options.purpose.chars().count() > REASON_MOST => Err(CompareError::PurposeLong),
        Some((name, shown)) => look(&ctx, &folder.join(name), shown, &options, &as_of).await,
    };
    let ((parsed, list), (name, shown)) = match (parsed, stored) {
        (Ok(read), Some(stored)) => (read, stored),
        (result, stored) => {
            if let Some((name, _)) = &stored {
                remove(&folder.join(name));
            }
            let error = match result {
                Err(error) => error.message(ctx.lang),
                Ok(_) => String::new(),
            };
            let (known, sources) = choices(&ctx, &page, options.source.as_deref().unwrap_or("")).await?;
            let view = NewPage {
                known,
                sources,
                as_of: as_of.ok().flatten().map(|day| day.to_string()).unwrap_or_default(),
                today: today.to_string(),
                purpose: options.purpose,
                retention: if options.retention_days > 0 { options.retention_days.to_string() } else { String::new() },
                error,
                page,
            };
            let mut response = ctx.render(&view)?;
            *response.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(response);
        }
    };
    if options.purpose.is_empty() {
        options.purpose.clone_from(&list.purpose);
    }
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
        source_key: if list.is_stored() { list.code.clone() } else { parsed.source.key.to_owned() },
        agency: agency_text(&page, &list),
        source: source_text(&page, parsed.source.key),
        as_of: if parsed.as_of_said {
            parsed.as_of.to_string()
        } else {
            page.t1("compare-asof-unsaid", "day", parsed.as_of)
        },
        as_of_said: if parsed.as_of_said { parsed.as_of.to_string() } else { String::new() },
        until: match options.retention_days {
            0 => list.retention(),
            days => Retention::Days(days),
        }
        .until(today)
        .to_string(),
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

/// What is read of a file and the source that it is a version of; the purpose is the source's where none is given.
async fn look(
    ctx: &Ctx,
    path: &std::path::Path,
    file: &str,
    options: &CompareOptions,
    as_of: &Result<Option<NaiveDate>, String>,
) -> Result<(Parsed, ListSource), CompareError> {
    let named = sources::named(&ctx.app, &ctx.actor, options.source.as_deref()).await?;
    let as_of = as_of.clone().map_err(|value| CompareError::NotADay { value })?;
    let parsed = super::super::parse(path, file, named.kind(), as_of, ctx.app.clock.today()).await?;
    let list = match named {
        Named::One(list) => *list,
        Named::Kind(_) => sources::guess(&ctx.app, &ctx.actor, parsed.source.key).await?,
    };
    if options.purpose.is_empty() && list.purpose.is_empty() {
        return Err(CompareError::NoPurpose);
    }
    Ok((parsed, list))
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
    let named = sources::named(&ctx.app, &ctx.actor, Some(&form.source)).await?;
    let kind = named.kind().ok_or_else(|| CompareError::UnknownSource { name: form.source.clone() })?;
    let page = ctx.page(NAV);
    let actor = &ctx.actor;
    let options = CompareOptions {
        source: Some(form.source.clone()),
        as_of: day(&form.as_of).map_err(|value| CompareError::NotADay { value })?,
        purpose: form.purpose,
        retention_days: form.retention,
        file_name: form.file.clone(),
        usual_purpose: String::new(),
    };
    let params = JobParams::of(actor, form.upload.clone(), options);
    let job = NewJob {
        kind: JOB,
        title: page.t2("compare-job-title", "source", source_text(&page, kind), "file", form.file),
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
