//! The Import room (导入): upload, preview, progress, result.

use std::io::Write;

use axum::extract::{Path, Query};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::fields::Kind;
use super::model::{ImportOptions, IntakeError, Preview};
use super::table::Mapping;
use super::{Import, Issue, rules, store};
use crate::access::{Actor, Capability, Role, Scope};
use crate::platform::jobs::{self, Handler, JobFailure, NewJob, Progress};
use crate::platform::{App, Lang, UserError, clock, ids};
use crate::web::{Ctx, Fault, Form, Nothing, Page, Policy, Routes, Upload, WebError};

const NAV: &str = "import";
/// Imports of one page.
const PAGE: i64 = 30;
/// The largest file that is taken, bytes: a province's persons as CSV.
const UPLOAD_LIMIT: usize = 2 << 30;
/// The kind of job that brings a staged file in.
pub const JOB: &str = "import";

/// The routes of the room.
pub fn routes() -> Routes {
    let may = Policy::Needs(Capability::ImportRegister);
    Routes::new()
        .get("/imports", may, list)
        .upload("/imports", may, UPLOAD_LIMIT, upload)
        .get("/imports/{id}", may, show)
        .post("/imports/{id}/commit", may, commit)
        .post("/imports/{id}/discard", may, discard)
        .get("/imports/{id}/doubts.xlsx", may, doubts)
        .post("/imports/{id}/doubts.xlsx", may, doubts_in_full)
}

struct Line {
    href: String,
    file: String,
    kind: String,
    tone: &'static str,
    state: String,
    note: String,
}

#[derive(askama::Template)]
#[template(path = "import_list.html")]
struct ListPage {
    page: Page,
    lines: Vec<Line>,
    kinds: Vec<(&'static str, String)>,
    today: String,
    error: String,
    prev: String,
    next: String,
    summary: String,
}

#[derive(serde::Deserialize)]
struct Paging {
    #[serde(default)]
    offset: i64,
}

async fn list(ctx: Ctx, Query(paging): Query<Paging>) -> Result<Response, WebError> {
    list_with(&ctx, paging.offset.max(0), String::new()).await
}

async fn list_with(ctx: &Ctx, offset: i64, error: String) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let mut imports = super::imports(&ctx.app, &ctx.actor, PAGE + 1, offset).await?;
    let more = imports.len() as i64 > PAGE;
    imports.truncate(PAGE as usize);
    let lines = imports.iter().map(|i| line(&page, i)).collect::<Vec<_>>();
    let view = ListPage {
        kinds: Kind::ALL.into_iter().map(|k| (k.name(), page.t(&format!("intake-kind-{}", k.name())))).collect(),
        today: ctx.app.clock.today().to_string(),
        prev: if offset > 0 { format!("/imports?offset={}", (offset - PAGE).max(0)) } else { String::new() },
        next: if more { format!("/imports?offset={}", offset + PAGE) } else { String::new() },
        summary: if lines.is_empty() {
            String::new()
        } else {
            format!("{}–{}", offset + 1, offset + lines.len() as i64)
        },
        error,
        lines,
        page,
    };
    ctx.render(&view)
}

fn tone(state: &str) -> &'static str {
    match state {
        "committed" => "ok",
        "staged" | "committing" => "warn",
        "failed" => "danger",
        _ => "mute",
    }
}

fn line(page: &Page, import: &Import) -> Line {
    let mut note = page.t2("intake.rows-doubts", "rows", import.rows_total, "doubts", import.rows_doubtful);
    if import.rows_held > 0 {
        note = format!("{note} · {}", page.t1("intake.rows-held", "held", import.rows_held));
    }
    Line {
        href: format!("/imports/{}", import.id),
        file: import.file_name.clone(),
        kind: page.t(&format!("intake-kind-{}", import.kind)),
        tone: tone(&import.state),
        state: page.t(&format!("intake-state-{}", import.state)),
        note,
    }
}

async fn upload(ctx: Ctx, mut upload: Upload) -> Result<Response, WebError> {
    let id = ids::new_id();
    let folder = super::staging(&ctx.app)?;
    let mut stored: Option<(Copy, i64)> = None;
    let mut options = ImportOptions { id: Some(id), ..ImportOptions::default() };
    let mut said = (String::new(), String::new());
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
                let mut copy = Copy::new(folder.join(format!("{id}.upload")));
                let bytes = copy.take(&mut field).await?;
                options.file_name = shown;
                stored = Some((copy, bytes));
            }
            "kind" => said.0 = text(field).await?,
            "as_of" => said.1 = text(field).await?,
            "purpose" => options.purpose = text(field).await?.trim().to_owned(),
            _ => {}
        }
    }
    let looked = match (read_form(said, &mut options), &stored) {
        (Err(error), _) => Err(error),
        (Ok(()), None) => Err(IntakeError::Read { file: String::new(), source: super::reader::ReadError::Empty }),
        (Ok(()), Some((copy, _))) => super::preview(&ctx.app, &ctx.actor, &copy.path, &options).await,
    };
    let preview = match looked {
        Ok(preview) => preview,
        Err(error) => {
            let mut response = list_with(&ctx, 0, error.message(ctx.lang)).await?;
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(response);
        }
    };
    options.kind = Some(preview.kind);
    options.as_of = Some(preview.as_of);
    let bytes = stored.as_ref().map_or(0, |(_, bytes)| *bytes);
    let import = staged(&ctx, id, &preview, bytes);
    let (purpose, by) = (options.purpose.clone(), ctx.actor.user_id);
    let now_import = import.clone();
    ctx.app
        .db
        .write::<(), IntakeError, _>(move |tx| {
            Box::pin(async move { Ok(store::put_import(tx, &now_import, &purpose, by).await?) })
        })
        .await?;
    if let Some((copy, _)) = &mut stored {
        copy.wanted = true;
    }
    Ok(Redirect::to(&format!("/imports/{id}")).into_response())
}

/// Enters the kind and the day that a form says; an empty field says nothing.
fn read_form((kind, day): (String, String), options: &mut ImportOptions) -> Result<(), IntakeError> {
    let (kind, day) = (kind.trim(), day.trim());
    if !kind.is_empty() {
        options.kind = Some(Kind::from_name(kind).ok_or_else(|| IntakeError::UnknownKind { name: kind.to_owned() })?);
    }
    if !day.is_empty() {
        let read = codes::date::read_date(day).ok().and_then(codes::date::PartialDate::to_date);
        options.as_of = Some(read.ok_or_else(|| IntakeError::NotADay { value: day.to_owned() })?);
    }
    Ok(())
}

/// The copy of an upload on disk, which goes unless it turns out to be wanted: not when the connection breaks off, the
/// disk is full, or the file is no table.
struct Copy {
    path: std::path::PathBuf,
    wanted: bool,
}

impl Copy {
    fn new(path: std::path::PathBuf) -> Self {
        Self { path, wanted: false }
    }

    /// Takes a field to its end, chunk by chunk; how many bytes it had.
    async fn take(&mut self, field: &mut axum::extract::multipart::Field<'_>) -> Result<i64, WebError> {
        let fail = |e: std::io::Error| IntakeError::File(e.to_string());
        let mut file = std::io::BufWriter::with_capacity(1 << 18, std::fs::File::create(&self.path).map_err(fail)?);
        let mut bytes = 0;
        loop {
            match field.chunk().await {
                Ok(Some(chunk)) => {
                    bytes += chunk.len() as i64;
                    file.write_all(&chunk).map_err(fail)?;
                }
                Ok(None) => break,
                Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => return Err(Fault::TooLarge.into()),
                Err(error) => return Err(Fault::Form(error.body_text()).into()),
            }
        }
        file.flush().map_err(fail)?;
        Ok(bytes)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if !self.wanted && self.path.exists() {
            remove(&self.path);
        }
    }
}

fn staged(ctx: &Ctx, id: Uuid, preview: &Preview, bytes: i64) -> Import {
    Import {
        id,
        kind: preview.kind.name().to_owned(),
        file_name: preview.file_name.clone(),
        sha256: String::new(),
        bytes,
        as_of: preview.as_of.to_string(),
        source_unit: preview.source_unit.clone(),
        division_code: ctx.actor.scope.root().to_owned(),
        state: "staged".to_owned(),
        mapping: serde_json::to_string(&preview.mapping).unwrap_or_default(),
        rows_total: 0,
        rows_held: 0,
        rows_doubtful: 0,
        rows_new: 0,
        rows_changed: 0,
        rows_same: 0,
        job_id: None,
        error: None,
        created_at: ctx.app.clock.now_ms(),
        committed_at: None,
    }
}

async fn text(field: axum::extract::multipart::Field<'_>) -> Result<String, IntakeError> {
    field.text().await.map_err(|e| IntakeError::File(e.to_string()))
}

fn remove(path: &std::path::Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(%error, "a staged file could not be deleted");
    }
}

struct Column {
    header: String,
    field: String,
    found: bool,
}

struct RuleLine {
    id: String,
    text: String,
    severity: String,
    tone: &'static str,
    hits: i64,
    href: String,
}

struct IssueLine {
    place: String,
    household: String,
    person: String,
    line: String,
    field: String,
    value: String,
}

#[derive(askama::Template)]
#[template(path = "import_show.html")]
struct ShowPage {
    page: Page,
    import: Import,
    kind: String,
    state: String,
    tone: &'static str,
    when: String,
    preview: Option<Preview>,
    columns: Vec<Column>,
    missing: String,
    sheets: String,
    skipped: Vec<String>,
    no_rows: bool,
    formulas: u64,
    may_reveal: bool,
    least: usize,
    rules: Vec<RuleLine>,
    chosen: String,
    chosen_text: String,
    issues: Vec<IssueLine>,
    job: String,
    error: String,
}

#[derive(serde::Deserialize)]
struct ShowQuery {
    #[serde(default)]
    rule: String,
}

async fn show(ctx: Ctx, Path(id): Path<Uuid>, Query(query): Query<ShowQuery>) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let import = super::import(&ctx.app, &ctx.actor, id).await?;
    let (mut preview, mut error) = (None, import.error.clone().unwrap_or_default());
    if import.state == "staged" {
        let path = super::staging(&ctx.app)?.join(format!("{id}.upload"));
        let options = ImportOptions {
            kind: Kind::from_name(&import.kind),
            as_of: import.as_of.parse().ok(),
            file_name: import.file_name.clone(),
            ..ImportOptions::default()
        };
        match super::preview(&ctx.app, &ctx.actor, &path, &options).await {
            Ok(found) => preview = Some(found),
            Err(why) => error = why.message(ctx.lang),
        }
    }
    let mut columns = Vec::new();
    let mut missing = String::new();
    if let Some(found) = &preview {
        let by_header: std::collections::HashMap<&str, &str> =
            found.mapping.found.iter().map(|(h, f)| (h.as_str(), f.as_str())).collect();
        for header in found.headers.iter().filter(|h| !h.is_empty()) {
            let field = by_header.get(header.as_str());
            columns.push(Column {
                header: header.clone(),
                field: field.map_or("—", |f| f).to_owned(),
                found: field.is_some(),
            });
        }
        missing = found.mapping.absent.join("、");
    }
    let notes: Mapping = serde_json::from_str(&import.mapping).unwrap_or_default();
    let (skipped, formulas) = match &preview {
        Some(found) => (&found.skipped_sheets, found.formulas),
        None => (&notes.skipped, notes.formulas),
    };
    let skipped: Vec<String> = skipped.iter().map(|s| s.text(ctx.lang)).collect();
    let no_rows = preview.as_ref().map_or(import.state == "committed" && import.rows_total == 0, |p| p.rows.is_empty());
    let rules = store::issue_counts(&ctx.app.db, id)
        .await?
        .into_iter()
        .map(|(rule, severity, hits)| RuleLine {
            text: page.t(&format!("rule-{rule}")),
            tone: if severity == "error" { "danger" } else { "warn" },
            severity: page.t(&format!("intake-severity-{severity}")),
            href: format!("/imports/{id}?rule={rule}#hits"),
            id: rule,
            hits,
        })
        .collect::<Vec<_>>();
    let chosen = if rules::rule(&query.rule).is_some() { query.rule } else { String::new() };
    let issues = if chosen.is_empty() { Vec::new() } else { issue_lines(&ctx, id, &chosen).await? };
    let view = ShowPage {
        kind: page.t(&format!("intake-kind-{}", import.kind)),
        state: page.t(&format!("intake-state-{}", import.state)),
        tone: tone(&import.state),
        when: clock::local(import.committed_at.unwrap_or(import.created_at)).format("%Y-%m-%d %H:%M").to_string(),
        chosen_text: if chosen.is_empty() { String::new() } else { page.t(&format!("rule-{chosen}")) },
        job: import.job_id.filter(|_| import.state == "committing").map(|j| j.to_string()).unwrap_or_default(),
        sheets: preview.as_ref().map(|p| p.sheets.join("、")).unwrap_or_default(),
        may_reveal: ctx.actor.may(Capability::RevealPersonal),
        least: crate::access::reveal::REASON_CHARS,
        preview,
        columns,
        missing,
        no_rows,
        skipped,
        formulas,
        rules,
        chosen,
        issues,
        error,
        import,
        page,
    };
    ctx.render(&view)
}

async fn issue_lines(ctx: &Ctx, id: Uuid, rule: &str) -> Result<Vec<IssueLine>, WebError> {
    let divisions = crate::register::Divisions::load(&ctx.app.db).await?;
    let found: Vec<Issue> = store::issues(&ctx.app.db, id, rule, 200).await?;
    Ok(found
        .into_iter()
        .map(|i| IssueLine {
            place: divisions.full_name(&i.division_code).unwrap_or("—").to_owned(),
            household: i.household_no,
            person: i.person_no,
            line: if i.line > 0 { i.line.to_string() } else { "—".to_owned() },
            field: i.field,
            value: i.value_masked,
        })
        .collect())
}

async fn commit(ctx: Ctx, Path(id): Path<Uuid>, _: Form<Nothing>) -> Result<Response, WebError> {
    let import = super::import(&ctx.app, &ctx.actor, id).await?;
    let purpose = store::purpose(&ctx.app.db, id).await?;
    let actor = &ctx.actor;
    let job = NewJob {
        kind: JOB,
        title: import.file_name.clone(),
        division_code: import.division_code.clone(),
        created_by: actor.user_id,
        params: serde_json::json!({
            "import": id, "kind": import.kind, "as_of": import.as_of, "file_name": import.file_name,
            "source_unit": import.source_unit, "purpose": purpose, "login": actor.login, "name": actor.name, "unit": actor.unit,
            "role": actor.role.name(), "user_id": actor.user_id, "division": actor.scope.root(),
        }),
        idempotency_key: Some(format!("import-{id}")),
    };
    let now = ctx.app.clock.now_ms();
    ctx.app
        .db
        .write::<(), IntakeError, _>(move |tx| {
            Box::pin(async move {
                let job = jobs::enqueue(tx, job, now).await?;
                match store::set_state(tx, id, "committing", Some(job)).await? {
                    0 => Err(IntakeError::NotStaged),
                    _ => Ok(()),
                }
            })
        })
        .await?;
    Ok(Redirect::to(&format!("/imports/{id}")).into_response())
}

async fn discard(ctx: Ctx, Path(id): Path<Uuid>, _: Form<Nothing>) -> Result<Response, WebError> {
    super::import(&ctx.app, &ctx.actor, id).await?;
    ctx.app
        .db
        .write::<(), IntakeError, _>(move |tx| {
            Box::pin(async move {
                match store::set_state(tx, id, "discarded", None).await? {
                    0 => Err(IntakeError::NotStaged),
                    _ => Ok(()),
                }
            })
        })
        .await?;
    remove(&super::staging(&ctx.app)?.join(format!("{id}.upload")));
    Ok(Redirect::to("/imports").into_response())
}

async fn doubts(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    workbook(&ctx, id, None).await
}

#[derive(serde::Deserialize)]
struct Reason {
    #[serde(default)]
    reason: String,
}

/// The workbook with personal numbers in full; the reason comes in a form, so that it stands in no address.
async fn doubts_in_full(ctx: Ctx, Path(id): Path<Uuid>, form: Form<Reason>) -> Result<Response, WebError> {
    workbook(&ctx, id, Some(&form.0.reason)).await
}

async fn workbook(ctx: &Ctx, id: Uuid, unmasked: Option<&str>) -> Result<Response, WebError> {
    let bytes = super::workbook::bytes(&ctx.app, &ctx.actor, id, ctx.lang, unmasked).await?;
    let version = if unmasked.is_some() { "-internal" } else { "" };
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"doubts{version}-{id}.xlsx\"")),
    ];
    Ok((headers, bytes).into_response())
}

#[derive(serde::Deserialize)]
struct Params {
    import: Uuid,
    kind: String,
    as_of: String,
    file_name: String,
    source_unit: String,
    purpose: String,
    login: String,
    name: String,
    unit: String,
    role: String,
    user_id: Option<Uuid>,
    division: String,
}

/// The work of [`JOB`].
pub fn job_handlers() -> Vec<(&'static str, Handler)> {
    let handler: Handler = std::sync::Arc::new(|app, params, progress| {
        Box::pin(async move {
            let params: Params = serde_json::from_value(params)
                .map_err(|e| JobFailure::Failed { code: "intake.file", message: e.to_string() })?;
            run(app, params, progress).await
        })
    });
    vec![(JOB, handler)]
}

async fn run(app: App, params: Params, progress: Progress) -> Result<serde_json::Value, JobFailure> {
    let role = Role::from_name(&params.role).ok_or(IntakeError::Forbidden)?;
    let actor = Actor {
        user_id: params.user_id,
        login: params.login,
        name: params.name,
        unit: params.unit,
        role,
        scope: Scope::subtree(&params.division),
        lang: Lang::Zh,
        is_machine: false,
    };
    let id = params.import;
    let path = super::staging(&app)?.join(format!("{id}.upload"));
    let options = ImportOptions {
        id: Some(id),
        kind: Kind::from_name(&params.kind),
        as_of: params.as_of.parse().ok(),
        file_name: params.file_name,
        source_unit: params.source_unit,
        purpose: params.purpose,
        ..ImportOptions::default()
    };
    let outcome = super::import_file(&app, &actor, &path, options, &progress).await;
    let failed = match &outcome {
        Ok(report) if report.already.is_some() => {
            Some(("discarded", crate::platform::i18n::text(Lang::Zh, "intake-already")))
        }
        Ok(_) => None,
        Err(error) => Some(("failed", error.message(Lang::Zh))),
    };
    if let Some((state, why)) = failed {
        app.db
            .write::<(), IntakeError, _>(move |tx| Box::pin(async move { Ok(store::end(tx, id, state, &why).await?) }))
            .await?;
    }
    remove(&path);
    if let Ok(report) = &outcome
        && report.already.is_none()
        && report.kind == Kind::Helper.name()
        && let Err(error) = crate::road::helpers_changed(&app, &actor, report.id).await
    {
        // The import stands; the next assessment hands the items over.
        tracing::warn!(%error, import = %report.id, "the items of new helpers were not handed over");
    }
    match outcome {
        Ok(report) => {
            // The file is in, whatever follows: households left waiting are taken by the next assessment.
            if let Err(error) = crate::road::register_changed(&app, &actor).await {
                tracing::warn!(%error, "the assessment after an import failed");
            }
            let mut told = serde_json::to_value(&report)
                .map_err(|e| JobFailure::Failed { code: "intake.file", message: e.to_string() })?;
            if let Some(told) = told.as_object_mut() {
                // Where the page of the job leads to when it is done.
                told.insert("href".to_owned(), format!("/imports/{id}").into());
            }
            Ok(told)
        }
        Err(IntakeError::Cancelled) => Err(JobFailure::Cancelled),
        Err(error) => Err(error.into()),
    }
}
