//! The comparison on the web: the lists received, a new one with its preview, the result in three tabs, the review.

mod export;
mod quality;

use std::io::Write as _;

use axum::extract::{Path, Query};
use axum::response::Response;
use chrono::NaiveDate;
use codes::citizen_id;
use uuid::Uuid;

use super::lists::{self, Field};
use super::model::{Person, Staff};
use super::{
    AGAIN_JOB, Candidate, CompareError, CompareOptions, ComparisonRow, Content, Counts, JOB, JobParams, ListRow,
    RETENTION_DAYS, Subject, Verdict, matching, store,
};
use crate::access::reveal::REASON_MOST;
use crate::access::{Capability, Scope};
use crate::platform::jobs::{self, NewJob};
use crate::platform::{App, DbError, i18n, ids};
use crate::register::Divisions;
use crate::web::{Ctx, Form, Nothing, Page, Policy, Routes, Upload, WebError};

/// The largest list that is taken, bytes.
const UPLOAD_LIMIT: usize = 256 << 20;
/// Rows on one page.
const PAGE: i64 = 50;
const NAV: &str = "nav-comparisons";
const SEE: Policy = Policy::AnyOf(&[Capability::RunComparison, Capability::ReviewMatches]);
const RUN: Policy = Policy::Needs(Capability::RunComparison);
const REVIEW: Policy = Policy::Needs(Capability::ReviewMatches);

/// The pages of the comparison.
pub fn routes() -> Routes {
    Routes::new()
        .get("/comparisons", SEE, index)
        .get("/comparisons/new", RUN, new)
        .get("/comparisons/quality", SEE, quality::show)
        .upload("/comparisons/preview", RUN, UPLOAD_LIMIT, preview)
        .post("/comparisons", RUN, start)
        .post("/comparisons/again", RUN, again)
        .get("/comparisons/{id}", SEE, show)
        .get("/comparisons/{id}/review", REVIEW, next_open)
        .get("/comparisons/{id}/batches", REVIEW, batches)
        .post("/comparisons/{id}/batches", REVIEW, decide_batch)
        .get("/comparisons/{id}/unmatched.csv", Policy::Needs(Capability::Export), export::unmatched)
        .get("/comparisons/{id}/held.csv", Policy::Needs(Capability::Export), export::held)
        .get("/comparisons/rows/{row}", SEE, review)
        .post("/comparisons/rows/{row}", REVIEW, decide)
}

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
    lines: Vec<ListLine>,
    prev: String,
    next: String,
    summary: String,
}

#[derive(serde::Deserialize)]
struct Paging {
    #[serde(default)]
    page: i64,
    #[serde(default)]
    tab: String,
}

fn source_text(page: &Page, key: &str) -> String {
    page.t(&format!("compare-source-{}", key.replace('.', "-")))
}

async fn index(ctx: Ctx, Query(paging): Query<Paging>) -> Result<Response, WebError> {
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
    let view = ListPage {
        may_run: ctx.actor.may(Capability::RunComparison),
        summary: page.t1("compare-list-shown", "count", lines.len()),
        prev: if at > 0 { format!("/comparisons?page={}", at - 1) } else { String::new() },
        next: if more { format!("/comparisons?page={}", at + 1) } else { String::new() },
        lines,
        page,
    };
    ctx.render(&view)
}

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

async fn new(ctx: Ctx) -> Result<Response, WebError> {
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

struct HeldLine {
    line: i64,
    column: String,
    value: String,
    why: String,
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

fn held_line(page: &Page, held: &lists::Held) -> HeldLine {
    HeldLine { line: held.line, column: held.column.clone(), value: held.value.clone(), why: page.t(&held.why) }
}

async fn preview(ctx: Ctx, mut upload: Upload) -> Result<Response, WebError> {
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
            Ok(day) => super::parse(&folder.join(name), shown, options.source.as_deref(), *day, today).await,
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
                Err(error) => crate::platform::UserError::message(&error, ctx.lang),
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

async fn text(field: axum::extract::multipart::Field<'_>) -> Result<String, CompareError> {
    field.text().await.map_err(|e| CompareError::Broken(e.to_string()))
}

fn remove(path: &std::path::Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(%error, "an uploaded list could not be deleted");
    }
}

#[derive(serde::Deserialize)]
struct StartForm {
    upload: String,
    file: String,
    source: String,
    as_of: String,
    purpose: String,
    retention: u32,
}

async fn start(ctx: Ctx, Form(form): Form<StartForm>) -> Result<Response, WebError> {
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

/// Holds the open rows against the register again, as a job.
async fn again(ctx: Ctx, Form(Nothing {}): Form<Nothing>) -> Result<Response, WebError> {
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

async fn show(ctx: Ctx, Path(id): Path<Uuid>, Query(paging): Query<Paging>) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let scope = &ctx.actor.scope;
    let comparison = store::comparison(&ctx.app.db, id, scope).await?.ok_or(CompareError::NotFound)?;
    let counts = store::counts(&ctx.app.db, id, scope).await?;
    let tab = match paging.tab.as_str() {
        "matched" | "review" | "unmatched" | "withdrawn" | "held" => paging.tab.clone(),
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
        for row in store::rows(&ctx.app.db, id, &tab, scope, PAGE, at * PAGE).await? {
            lines.push(row_line(&ctx.app, &page, &divisions, scope, row).await?);
        }
    }
    let total = match tab.as_str() {
        "matched" => counts.matched,
        "review" => counts.review,
        "unmatched" => counts.unmatched,
        "withdrawn" => counts.withdrawn,
        _ => held.len() as i64,
    };
    let link = |to: i64| format!("/comparisons/{id}?tab={tab}&page={to}");
    let first = if total == 0 { 0 } else { at * PAGE + 1 };
    let view = ShowPage {
        id,
        source: source_text(&page, &comparison.source),
        when: page.time(&comparison.created_at),
        counts,
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
fn sees_held(scope: &Scope, comparison: &ComparisonRow) -> bool {
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
        score: best.as_ref().map(|c| format!("{:.0}", c.score)).unwrap_or_default(),
        name: row.name,
    })
}

/// The day of a row's fact; in words where the row gives none.
fn day_text(page: &Page, day: String) -> String {
    if day.is_empty() { page.t("compare-undated") } else { day }
}

fn place_text(divisions: &Divisions, code: &str) -> String {
    divisions.full_name(code).unwrap_or(code).to_owned()
}

fn pick(content: &Content, field: Field) -> Option<String> {
    let headers: Vec<String> = content.columns.keys().cloned().collect();
    let mapping = lists::Mapping::of(&headers);
    let (_, header) = mapping.columns.get(&field)?;
    content.columns.get(header).cloned()
}

/// A cell of a list as a page may show it: numbers that name a person are masked.
fn masked_cell(header: &str, value: &str) -> String {
    let mapping = lists::Mapping::of(&[header.to_owned()]);
    if mapping.columns.contains_key(&Field::Phone) {
        codes::phone::mask(value)
    } else if mapping.columns.contains_key(&Field::IdNumber) || value.chars().filter(char::is_ascii_digit).count() >= 14
    {
        citizen_id::mask(value)
    } else {
        value.to_owned()
    }
}

/// The registered side of a candidate, masked.
struct Side {
    name: String,
    id: String,
    sex: String,
    birth: String,
    phone: String,
    household_id: Option<Uuid>,
    household_no: String,
    head: String,
    unit: String,
}

async fn registered_side(app: &App, c: &Candidate, scope: &Scope) -> Result<Option<Side>, WebError> {
    let open = |place, sealed: &Option<Vec<u8>>| -> Result<String, CompareError> {
        Ok(match sealed {
            Some(sealed) => app.vault.open_text(place, sealed)?,
            None => String::new(),
        })
    };
    let person_side = |p: Person| -> Result<Side, CompareError> {
        let mut phone = open("person.phone", &p.phone_enc)?;
        if phone.is_empty() {
            phone = open("household.phone", &p.household_phone_enc)?;
        }
        Ok(Side {
            id: mask_id(&open("person.id", &p.id_enc)?),
            phone: mask_phone(&phone),
            name: p.name,
            sex: p.sex,
            birth: p.birth_date,
            household_id: Some(p.household_id),
            household_no: p.household_no,
            head: p.head_name,
            unit: String::new(),
        })
    };
    Ok(match Subject::from_name(&c.subject) {
        Subject::Person => match store::persons(&app.db, &[c.subject_id], scope).await?.into_iter().next() {
            Some(person) => Some(person_side(person)?),
            None => None,
        },
        Subject::Household => {
            let members = store::members(&app.db, c.subject_id, scope).await?;
            match members.into_iter().next() {
                Some(person) => Some(person_side(person)?),
                None => None,
            }
        }
        subject => match store::one_staff(&app.db, subject, c.subject_id, scope).await? {
            Some(staff) => Some(staff_side(app, staff)?),
            None => None,
        },
    })
}

fn staff_side(app: &App, staff: Staff) -> Result<Side, CompareError> {
    let phone = match &staff.phone_enc {
        Some(sealed) => app.vault.open_text(matching::staff_phone_place(&staff), sealed)?,
        None => String::new(),
    };
    Ok(Side {
        name: staff.name,
        id: String::new(),
        sex: staff.sex,
        birth: String::new(),
        phone: mask_phone(&phone),
        household_id: staff.household_id,
        household_no: String::new(),
        head: String::new(),
        unit: staff.unit,
    })
}

fn mask_id(raw: &str) -> String {
    if raw.is_empty() { String::new() } else { citizen_id::mask(raw) }
}

fn mask_phone(raw: &str) -> String {
    if raw.is_empty() { String::new() } else { codes::phone::mask(raw) }
}

struct PairLine {
    label: String,
    left: String,
    right: String,
    mark: &'static str,
    mark_text: String,
    score: String,
}

struct MemberLine {
    name: String,
    relation: String,
    birth: String,
    this: bool,
}

struct CandidateView {
    id: Uuid,
    chosen: bool,
    href: String,
    name: String,
    place: String,
    subject: String,
    tier: String,
    verdict: String,
    verdict_key: String,
    score: i64,
}

struct FieldLine {
    header: String,
    value: String,
}

#[derive(askama::Template)]
#[template(path = "compare_review.html")]
struct ReviewPage {
    page: Page,
    row: Uuid,
    comparison: Uuid,
    source: String,
    line: i64,
    name: String,
    outcome: String,
    outcome_text: String,
    current: bool,
    facts: Vec<String>,
    position: String,
    prev: String,
    next: String,
    others: Vec<CandidateView>,
    chosen: Option<CandidateView>,
    pairs: Vec<PairLine>,
    why: Vec<String>,
    side_title: String,
    household_href: String,
    household_title: String,
    members: Vec<MemberLine>,
    fields: Vec<FieldLine>,
    may_decide: bool,
    open: bool,
    decided: String,
}

#[derive(serde::Deserialize)]
struct Picked {
    candidate: Option<Uuid>,
}

async fn review(ctx: Ctx, Path(id): Path<Uuid>, Query(picked): Query<Picked>) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let (app, scope) = (&ctx.app, &ctx.actor.scope);
    let row = store::row(&app.db, id, scope).await?.ok_or(CompareError::NotFound)?;
    let content = Content::open(&app.vault, &row.fields_enc)?;
    let divisions = Divisions::load(&app.db).await?;
    let all = store::candidates(&app.db, id, scope).await?;
    let queue = store::queue(&app.db, row.comparison_id, scope).await?;
    let at = queue.iter().position(|r| *r == id);
    let link = |to: Option<&Uuid>| to.map_or_else(String::new, |id| format!("/comparisons/rows/{id}"));
    let (prev, next) = match at {
        Some(at) => (link(at.checked_sub(1).and_then(|i| queue.get(i))), link(queue.get(at + 1))),
        None => (String::new(), link(queue.first())),
    };
    let chosen = picked.candidate.and_then(|id| all.iter().position(|c| c.id == id)).or(if all.is_empty() {
        None
    } else {
        Some(0)
    });
    let mut views = Vec::new();
    for (i, c) in all.iter().enumerate() {
        let side = registered_side(app, c, scope).await?;
        views.push(CandidateView {
            id: c.id,
            chosen: Some(i) == chosen,
            href: format!("/comparisons/rows/{id}?candidate={}", c.id),
            name: side.map(|s| s.name).unwrap_or_default(),
            place: place_text(&divisions, &c.division_code),
            subject: page.t(&format!("compare-subject-{}", c.subject)),
            tier: page.t(&format!("compare-tier-{}", c.tier)),
            verdict: page.t(&format!("compare-verdict-{}", c.verdict)),
            verdict_key: c.verdict.clone(),
            score: c.score as i64,
        });
    }
    let mut pairs = Vec::new();
    let mut why = Vec::new();
    let mut members = Vec::new();
    let (mut household_href, mut household_title, mut side_title, mut decided) =
        (String::new(), String::new(), String::new(), String::new());
    if let Some(c) = chosen.map(|at| &all[at]) {
        if let Some(side) = registered_side(app, c, scope).await? {
            side_title = place_text(&divisions, &c.division_code);
            (pairs, why) = explain(&page, &content, &row, c, &side, &divisions);
            if let Some(household) = side.household_id {
                household_href = format!("/households/{household}");
                household_title = page.t2("compare-household-of", "name", &side.head, "number", &side.household_no);
                if !side.unit.is_empty() {
                    household_title = side.unit.clone();
                }
                for m in store::members(&app.db, household, scope).await? {
                    members.push(MemberLine {
                        this: m.id == c.subject_id,
                        name: m.name,
                        relation: m.relation,
                        birth: m.birth_date.get(..4).unwrap_or("").to_owned(),
                    });
                }
            }
        }
        if let Some(when) = c.decided_at {
            decided = page.t2(
                "compare-decided-when",
                "verdict",
                page.t(&format!("compare-verdict-{}", c.verdict)),
                "when",
                page.time(&when),
            );
            if !c.note.is_empty() {
                decided = format!("{decided}　{}", c.note);
            }
        }
    }
    let facts = content
        .facts
        .iter()
        .map(|f| format!("{} {}", page.t(&format!("compare-kind-{}", f.kind.replace('.', "-"))), f.date))
        .collect();
    let open = row.outcome == "review" && row.current;
    let view = ReviewPage {
        row: id,
        comparison: row.comparison_id,
        source: source_text(&page, &row.source),
        line: row.line,
        outcome_text: page.t(&format!("compare-outcome-{}", row.outcome)),
        position: match at {
            Some(at) => page.t2("compare-position", "at", at + 1, "total", queue.len()),
            None => page.t1("compare-left-open", "total", queue.len()),
        },
        prev,
        next,
        others: views,
        chosen: None,
        pairs,
        why,
        side_title,
        household_href,
        household_title,
        members,
        fields: content
            .columns
            .iter()
            .map(|(header, value)| FieldLine { header: header.clone(), value: masked_cell(header, value) })
            .collect(),
        may_decide: ctx.actor.may(Capability::ReviewMatches) && row.current,
        open,
        decided,
        facts,
        current: row.current,
        name: row.name,
        outcome: row.outcome,
        page,
    };
    let mut view = view;
    view.chosen = view.others.iter().position(|c| c.chosen).map(|at| view.others.remove(at));
    ctx.render(&view)
}

#[derive(serde::Deserialize)]
struct Explained {
    field: String,
    level: String,
    points: i64,
}

/// The two records line by line with their marks, and the reasons in words.
fn explain(
    page: &Page,
    content: &Content,
    row: &ListRow,
    c: &Candidate,
    side: &Side,
    divisions: &Divisions,
) -> (Vec<PairLine>, Vec<String>) {
    let levels: Vec<Explained> = serde_json::from_str(&c.explanation).unwrap_or_default();
    let get = |field| pick(content, field).unwrap_or_default();
    let mut pairs = Vec::new();
    let mut why = Vec::new();
    for e in &levels {
        let (left, right) = match e.field.as_str() {
            "name" => (row.name.clone(), side.name.clone()),
            "id" => (mask_id(&get(Field::IdNumber)), side.id.clone()),
            "sex" => (
                get(Field::Sex),
                if side.sex.is_empty() { String::new() } else { page.t(&format!("compare-sex-{}", side.sex)) },
            ),
            "birth" => (get(Field::Birth), side.birth.clone()),
            "phone" => (mask_phone(&get(Field::Phone)), side.phone.clone()),
            "place" => (
                Some(get(Field::Address))
                    .filter(|a| !a.is_empty())
                    .unwrap_or_else(|| place_text(divisions, &row.division_code)),
                place_text(divisions, &c.division_code),
            ),
            _ => (get(Field::HouseholdNo), side.household_no.clone()),
        };
        if e.field == "household" && e.level == "missing" {
            continue;
        }
        let mark = match e.level.as_str() {
            "missing" => "absent",
            "exact" | "same" | "format" | "village" => "agree",
            "differ" | "surname" | "near_year" => "differ",
            _ => "near",
        };
        let text = page.t(&format!("compare-level-{}-{}", e.field, e.level));
        if e.level != "missing" {
            why.push(page.t2("compare-why-points", "text", text, "points", format!("{:+}", e.points)));
        }
        let dash = |v: String| if v.is_empty() { "—".to_owned() } else { v };
        pairs.push(PairLine {
            label: page.t(&format!("compare-field-{}", e.field)),
            left: dash(left),
            right: dash(right),
            mark,
            mark_text: page.t(&format!("compare-mark-{mark}")),
            score: if e.level == "missing" { String::new() } else { format!("{:+}", e.points) },
        });
    }
    // Name first: it is what a person reads first.
    pairs.sort_by_key(|p| p.label != page.t("compare-field-name"));
    (pairs, why)
}

#[derive(serde::Deserialize)]
struct DecideForm {
    verdict: Verdict,
    candidate: Option<Uuid>,
    #[serde(default)]
    note: String,
}

async fn decide(ctx: Ctx, Path(id): Path<Uuid>, Form(form): Form<DecideForm>) -> Result<Response, WebError> {
    let here = store::row(&ctx.app.db, id, &ctx.actor.scope).await?.ok_or(CompareError::NotFound)?;
    let done = super::decide(&ctx.app, &ctx.actor, id, form.candidate, form.verdict, &form.note).await;
    let path = format!("/comparisons/rows/{id}");
    match done {
        Ok(done) if done.outcome == "review" || form.verdict == Verdict::Undo => {
            Ok(ctx.redirect_with(&path, "ok", "compare-flash-decided"))
        }
        Ok(_) => {
            let queue = store::queue(&ctx.app.db, here.comparison_id, &ctx.actor.scope).await?;
            let next = queue.first().map_or_else(
                || format!("/comparisons/{}", here.comparison_id),
                |next| format!("/comparisons/rows/{next}"),
            );
            Ok(ctx.redirect_with(&next, "ok", "compare-flash-decided"))
        }
        // Somebody was first: show what they decided.
        Err(CompareError::AlreadyDecided { .. }) => Ok(ctx.redirect_with(&path, "warn", "compare-flash-already")),
        Err(error) => Err(error.into()),
    }
}

async fn next_open(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let comparison = store::comparison(&ctx.app.db, id, &ctx.actor.scope).await?.ok_or(CompareError::NotFound)?;
    let queue = store::queue(&ctx.app.db, comparison.id, &ctx.actor.scope).await?;
    Ok(match queue.first() {
        Some(row) => ctx.redirect(&format!("/comparisons/rows/{row}")),
        None => ctx.redirect_with(&format!("/comparisons/{id}"), "ok", "compare-flash-all-done"),
    })
}

struct GroupLine {
    tier: String,
    tier_key: String,
    signature: String,
    words: Vec<String>,
    rows: i64,
    score: i64,
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
struct GroupQuery {
    #[serde(default)]
    tier: String,
    #[serde(default)]
    signature: String,
}

fn group_line(page: &Page, id: Uuid, group: super::Group) -> GroupLine {
    let levels: Vec<Explained> = serde_json::from_str(&group.explanation).unwrap_or_default();
    GroupLine {
        tier: page.t(&format!("compare-tier-{}", group.tier)),
        words: levels
            .iter()
            .filter(|e| e.level != "missing")
            .map(|e| page.t(&format!("compare-level-{}-{}", e.field, e.level)))
            .collect(),
        href: format!("/comparisons/{id}/batches?tier={}&signature={}", group.tier, group.signature),
        tier_key: group.tier,
        signature: group.signature,
        rows: group.rows,
        score: group.score as i64,
    }
}

async fn batches(ctx: Ctx, Path(id): Path<Uuid>, Query(query): Query<GroupQuery>) -> Result<Response, WebError> {
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
struct BatchForm {
    verdict: Verdict,
    pairs: String,
    #[serde(default)]
    note: String,
}

async fn decide_batch(ctx: Ctx, Path(id): Path<Uuid>, Form(form): Form<BatchForm>) -> Result<Response, WebError> {
    store::comparison(&ctx.app.db, id, &ctx.actor.scope).await?.ok_or(CompareError::NotFound)?;
    let pairs: Vec<(Uuid, Uuid)> = form
        .pairs
        .split(',')
        .filter_map(|pair| {
            let (row, candidate) = pair.split_once(':')?;
            Some((row.parse().ok()?, candidate.parse().ok()?))
        })
        .collect();
    let (_, left) = super::decide_many(&ctx.app, &ctx.actor, pairs, form.verdict, &form.note).await?;
    let key = if left == 0 { "compare-flash-decided" } else { "compare-flash-some-left" };
    Ok(ctx.redirect_with(&format!("/comparisons/{id}/batches"), if left == 0 { "ok" } else { "warn" }, key))
}
