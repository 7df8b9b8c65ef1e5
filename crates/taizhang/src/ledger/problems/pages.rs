//! Problem lists on the web: those received, a new one with its preview, one list with its lines, and what may be one problem.

use std::io::Write as _;

use axum::extract::multipart::Field;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::NaiveDate;
use uuid::Uuid;

use super::model::{About, Held, Kind, Looked, ProblemError, ROWS_MOST, TITLE_MOST};
use super::{Document, LineItem, Pair, Progress, Verdict};
use crate::access::Capability;
use crate::assess::{self, Profile};
use crate::ledger::model::{State, title_in};
use crate::ledger::pages::{encoded, late_days, tone};
use crate::ledger::words;
use crate::platform::{UserError, i18n, ids};
use crate::register::Divisions;
use crate::web::{Ctx, Form, Page, Policy, Routes, Upload, WebError};

const SEE: Policy = Policy::AllOf(&[Capability::ViewItems, Capability::ViewFigures]);
const RECEIVE: Policy = Policy::AllOf(&[Capability::AssignItems, Capability::ImportRegister]);
const DECIDE: Policy = Policy::Needs(Capability::AssignItems);
/// The largest list, bytes.
const UPLOAD_LIMIT: usize = 64 << 20;
/// Documents, lines or pairs of a page.
const LINES: i64 = 50;
/// Held rows that a preview shows.
const HELD_SHOWN: usize = 50;
/// Rows that a preview shows.
const ROWS_SHOWN: usize = 8;

pub(crate) fn routes() -> Routes {
    Routes::new()
        .get("/ledger/problems", SEE, index)
        .get("/ledger/problems/new", RECEIVE, new)
        .upload("/ledger/problems/preview", RECEIVE, UPLOAD_LIMIT, preview)
        .post("/ledger/problems", RECEIVE, receive)
        .get("/ledger/problems/pairs", DECIDE, pairs)
        .post("/ledger/problems/pairs", DECIDE, decide)
        .get("/ledger/problems/{id}", SEE, show)
}

fn kind_text(page: &Page, kind: &str) -> String {
    page.t(&format!("ledger-source-{kind}"))
}

#[derive(Debug, Default, serde::Deserialize)]
struct Paging {
    #[serde(default)]
    page: i64,
    #[serde(default)]
    state: String,
}

impl Paging {
    fn at(&self) -> i64 {
        self.page.max(1)
    }

    fn offset(&self) -> i64 {
        (self.at() - 1).saturating_mul(LINES)
    }
}

struct DocumentLine {
    id: Uuid,
    title: String,
    kind: String,
    issuer: String,
    day: String,
    place: String,
    when: String,
    lines: String,
    cleared: bool,
    progress: Progress,
    percent: i64,
}

impl DocumentLine {
    fn of(page: &Page, divisions: &Divisions, (document, progress): (Document, Progress)) -> Self {
        Self {
            kind: kind_text(page, &document.kind),
            place: divisions.full_name(&document.division_code).unwrap_or(&document.division_code).to_owned(),
            when: page.time(&document.created_at),
            lines: format!("{} / {}", progress.cleared, progress.lines),
            cleared: progress.lines > 0 && progress.cleared == progress.lines,
            percent: if progress.lines == 0 { 0 } else { progress.cleared * 100 / progress.lines },
            id: document.id,
            title: document.title,
            issuer: document.issuer,
            day: document.issued_on,
            progress,
        }
    }
}

#[derive(askama::Template)]
#[template(path = "problems.html")]
struct IndexPage {
    page: Page,
    lines: Vec<DocumentLine>,
    may_receive: bool,
    may_decide: bool,
    pending: i64,
    open: i64,
    prev: String,
    next: String,
}

async fn index(ctx: Ctx, Query(paging): Query<Paging>) -> Result<Response, WebError> {
    let page = ctx.page("nav-ledger");
    let mut found = super::documents(&ctx.app, &ctx.actor, LINES + 1, paging.offset()).await?;
    let more = found.len() as i64 > LINES;
    found.truncate(usize::try_from(LINES).unwrap_or(usize::MAX));
    let divisions = Divisions::load(&ctx.app.db).await?;
    let may_decide = ctx.actor.may(Capability::AssignItems);
    let pending = if may_decide { super::pairs(&ctx.app, &ctx.actor, "pending", 1, 0).await?.1 } else { 0 };
    let turn = |at: i64| format!("/ledger/problems?page={at}");
    ctx.render(&IndexPage {
        lines: found.into_iter().map(|one| DocumentLine::of(&page, &divisions, one)).collect(),
        may_receive: RECEIVE.allows(&ctx.actor),
        may_decide,
        pending,
        open: super::open_items(&ctx.app, &ctx.actor).await?,
        prev: if paging.at() > 1 { turn(paging.at() - 1) } else { String::new() },
        next: if more { turn(paging.at() + 1) } else { String::new() },
        page,
    })
}

struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

#[derive(askama::Template)]
#[template(path = "problem_new.html")]
struct NewPage {
    page: Page,
    kinds: Vec<Choice>,
    divisions: Vec<Choice>,
    title: String,
    issuer: String,
    issued_on: String,
    today: String,
    most: usize,
    title_most: usize,
    error: String,
}

async fn new_page(ctx: &Ctx, about: &About, error: String) -> Result<Response, WebError> {
    let page = ctx.page("nav-ledger");
    let kinds = Kind::ALL
        .into_iter()
        .map(|kind| Choice {
            label: kind_text(&page, kind.name()),
            chosen: about.kind == Some(kind),
            value: kind.name().to_owned(),
        })
        .collect();
    let divisions = crate::ledger::sub_divisions(&ctx.app, &ctx.actor)
        .await?
        .into_iter()
        .map(|(value, label)| Choice { chosen: value == about.division, value, label })
        .collect();
    ctx.render(&NewPage {
        kinds,
        divisions,
        title: about.title.clone(),
        issuer: about.issuer.clone(),
        issued_on: about.issued_on.map(|day| day.to_string()).unwrap_or_default(),
        today: ctx.app.clock.today().to_string(),
        most: ROWS_MOST,
        title_most: TITLE_MOST,
        error,
        page,
    })
}

async fn new(ctx: Ctx) -> Result<Response, WebError> {
    new_page(&ctx, &About::default(), String::new()).await
}

struct RowLine {
    line: i64,
    kind: String,
    place: String,
    description: String,
    owner: String,
    due: String,
    about: String,
}

struct HeldLine {
    line: i64,
    column: String,
    value: String,
    why: String,
}

impl HeldLine {
    fn of(page: &Page, held: &Held) -> Self {
        Self { line: held.line, column: held.column.clone(), value: held.value.clone(), why: held.reason(page.lang) }
    }
}

#[derive(askama::Template)]
#[template(path = "problem_preview.html")]
struct PreviewPage {
    page: Page,
    upload: String,
    file: String,
    about: About,
    kind: String,
    kind_name: String,
    issued_on: String,
    place: String,
    total: usize,
    readable: usize,
    items: usize,
    columns: Vec<(String, String)>,
    extra: Vec<String>,
    rows: Vec<RowLine>,
    held: Vec<HeldLine>,
    held_more: usize,
    skipped: Vec<String>,
}

fn broken(error: impl std::fmt::Display) -> ProblemError {
    ProblemError::Broken(error.to_string())
}

async fn text(field: Field<'_>) -> Result<String, ProblemError> {
    field.text().await.map(|text| text.trim().to_owned()).map_err(broken)
}

fn day(raw: &str) -> Result<Option<NaiveDate>, ProblemError> {
    if raw.trim().is_empty() {
        return Ok(None);
    }
    match codes::date::read_date(raw.trim()).ok().and_then(codes::date::PartialDate::to_date) {
        Some(day) => Ok(Some(day)),
        None => Err(ProblemError::Day(raw.chars().take(40).collect())),
    }
}

fn remove(path: &std::path::Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(%error, "an uploaded problem list could not be deleted");
    }
}

async fn preview(ctx: Ctx, mut upload: Upload) -> Result<Response, WebError> {
    let mut stored: Option<(String, String)> = None;
    let mut about = About::default();
    let mut issued = Ok(None);
    let folder = ctx.app.sub_folder("uploads").map_err(broken)?;
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
                let ending: String = shown
                    .rsplit_once('.')
                    .map_or("", |(_, ending)| ending)
                    .chars()
                    .filter(char::is_ascii_alphanumeric)
                    .take(5)
                    .collect();
                let name = format!("{}.{ending}", ids::new_id());
                let mut file = std::fs::File::create(folder.join(&name)).map_err(broken)?;
                let mut bytes = 0usize;
                while let Some(chunk) = field.chunk().await.map_err(broken)? {
                    bytes += chunk.len();
                    file.write_all(&chunk).map_err(broken)?;
                }
                if bytes > 0 {
                    stored = Some((name, shown));
                } else {
                    remove(&folder.join(&name));
                }
            }
            "kind" => about.kind = Kind::from_name(&text(field).await?),
            "title" => about.title = text(field).await?,
            "issuer" => about.issuer = text(field).await?,
            "issued_on" => issued = day(&text(field).await?),
            "division" => about.division = text(field).await?.chars().filter(char::is_ascii_digit).collect(),
            _ => {}
        }
    }
    let looked = match (&stored, issued) {
        (None, _) => Err(ProblemError::UploadGone),
        (_, Err(error)) => Err(error),
        (Some((name, shown)), Ok(issued)) => {
            about.issued_on = issued;
            super::look(&ctx.app, &ctx.actor, &folder.join(name), shown, &about).await
        }
    };
    match (looked, stored) {
        (Ok(looked), Some((upload, file))) => preview_page(&ctx, looked, upload, file).await,
        (result, stored) => {
            if let Some((name, _)) = &stored {
                remove(&folder.join(name));
            }
            let error = result.err().map(|error| error.message(ctx.lang)).unwrap_or_default();
            let mut response = new_page(&ctx, &about, error).await?;
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(response)
        }
    }
}

async fn preview_page(ctx: &Ctx, looked: Looked, upload: String, file: String) -> Result<Response, WebError> {
    let page = ctx.page("nav-ledger");
    let divisions = Divisions::load(&ctx.app.db).await?;
    let place = |code: &str| divisions.full_name(code).unwrap_or(code).to_owned();
    let Looked { about, columns, rows, held, skipped } = looked;
    ctx.render(&PreviewPage {
        upload,
        file,
        kind: about.kind.map_or_else(|| page.t("problem-kind-by-row"), |kind| kind_text(&page, kind.name())),
        kind_name: about.kind.map(|kind| kind.name().to_owned()).unwrap_or_default(),
        issued_on: about.issued_on.map(|day| day.to_string()).unwrap_or_default(),
        place: place(&about.division),
        total: rows.len() + held.len(),
        readable: rows.len(),
        items: rows.iter().map(|row| row.households.len().max(1)).sum(),
        columns: columns.found.iter().map(|(column, _, header)| (header.clone(), column.header().to_owned())).collect(),
        extra: columns.extra,
        rows: rows
            .iter()
            .take(ROWS_SHOWN)
            .map(|row| RowLine {
                line: row.line,
                kind: kind_text(&page, row.kind.name()),
                place: place(&row.division),
                description: row.description.clone(),
                owner: [row.owner_unit.as_str(), row.owner_name.as_str()]
                    .into_iter()
                    .filter(|part| !part.is_empty())
                    .collect::<Vec<_>>()
                    .join(" "),
                due: row.due.map_or_else(|| row.due_text.clone(), |day| day.to_string()),
                about: match (row.households.len(), row.head.as_str()) {
                    (0, "") => page.t("problem-no-household"),
                    (0, head) => page.t1("problem-unknown-household", "head", head),
                    (count, _) => page.t1("problem-households", "count", count),
                },
            })
            .collect(),
        held: held.iter().take(HELD_SHOWN).map(|one| HeldLine::of(&page, one)).collect(),
        held_more: held.len().saturating_sub(HELD_SHOWN),
        skipped: skipped.iter().map(|sheet| sheet.text(ctx.lang)).collect(),
        about,
        page,
    })
}

#[derive(Debug, serde::Deserialize)]
struct ReceiveForm {
    upload: String,
    file: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    issuer: String,
    #[serde(default)]
    issued_on: String,
    #[serde(default)]
    division: String,
}

async fn receive(ctx: Ctx, Form(form): Form<ReceiveForm>) -> Result<Response, WebError> {
    // The name was made by us: letters, digits, hyphens and one dot. Anything else did not come from the preview.
    let path = ctx.app.folder.join("uploads").join(&form.upload);
    let ours = form.upload.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
        && !form.upload.contains("..")
        && path.is_file();
    if !ours {
        return Err(ProblemError::UploadGone.into());
    }
    let about = About {
        kind: Kind::from_name(&form.kind),
        title: form.title,
        issuer: form.issuer,
        issued_on: day(&form.issued_on)?,
        division: form.division.chars().filter(char::is_ascii_digit).collect(),
    };
    let done = super::receive(&ctx.app, &ctx.actor, &path, &form.file, &about).await?;
    remove(&path);
    Ok(ctx.redirect(&format!("/ledger/problems/{}", done.document)))
}

struct ItemLine {
    id: Uuid,
    number: String,
    state: String,
    tone: &'static str,
    deadline: String,
    household: Option<Uuid>,
    head: String,
    joined: bool,
}

struct Line {
    serial: String,
    kind: String,
    place: String,
    category: String,
    description: String,
    requirement: String,
    units: String,
    due: String,
    answer: String,
    cleared: bool,
    items: Vec<ItemLine>,
}

/// Lines of one document, items of the same line together.
fn grouped(page: &Page, profile: &Profile, found: Vec<LineItem>, today: NaiveDate) -> Vec<Line> {
    let mut out: Vec<(Uuid, Line)> = Vec::new();
    for one in found {
        let state = State::from_name(&one.state).unwrap_or(State::ToVerify);
        let days = late_days(&one.deadline, today);
        let late = state.is_open() && days > 0;
        let word = words::state(profile, &one.ledger, &one.state).get(page.lang).to_owned();
        let item = ItemLine {
            id: one.item_id,
            number: one.number,
            state: if late { page.t2("ledger-late", "state", word, "days", days) } else { word },
            tone: if late { "danger" } else { tone(state) },
            deadline: one.deadline,
            household: one.household_id,
            head: if one.head_name.is_empty() { one.head } else { one.head_name },
            joined: one.joined,
        };
        if let Some((id, line)) = out.last_mut()
            && *id == one.id
        {
            line.cleared &= !state.is_open();
            line.items.push(item);
            continue;
        }
        let units = [one.lead_unit, one.owner_unit, one.owner_name];
        out.push((
            one.id,
            Line {
                serial: if one.serial.is_empty() { one.line.to_string() } else { one.serial },
                kind: kind_text(page, &one.kind),
                place: one.place,
                category: one.category,
                description: one.description,
                requirement: one.requirement,
                units: units.into_iter().filter(|unit| !unit.is_empty()).collect::<Vec<_>>().join(" · "),
                due: one.due_text,
                answer: one.answer,
                cleared: !state.is_open(),
                items: vec![item],
            },
        ));
    }
    out.into_iter().map(|(_, line)| line).collect()
}

#[derive(askama::Template)]
#[template(path = "problem_document.html")]
struct DocumentPage {
    page: Page,
    line: DocumentLine,
    file: String,
    by: String,
    counts: String,
    only_open: bool,
    lines: Vec<Line>,
    held: Vec<HeldLine>,
    ledger_href: String,
    prev: String,
    next: String,
}

async fn show(ctx: Ctx, Path(id): Path<Uuid>, Query(paging): Query<Paging>) -> Result<Response, WebError> {
    let (document, progress) = super::document(&ctx.app, &ctx.actor, id).await?;
    let page = ctx.page("nav-ledger");
    let only_open = paging.state == "open";
    let mut found = super::lines(&ctx.app, &ctx.actor, &document.title, only_open, LINES + 1, paging.offset()).await?;
    let more = found.len() as i64 > LINES;
    found.truncate(usize::try_from(LINES).unwrap_or(usize::MAX));
    let divisions = Divisions::load(&ctx.app.db).await?;
    let profile = assess::active_profile(&ctx.app, &ctx.actor).await?.profile;
    let held: Vec<Held> = serde_json::from_str(&document.held).unwrap_or_default();
    let turn = |at: i64| format!("/ledger/problems/{id}?state={}&page={at}", if only_open { "open" } else { "" });
    let counts = [
        ("total", document.rows_total.to_string()),
        ("new", document.rows_new.to_string()),
        ("revised", document.rows_revised.to_string()),
        ("same", document.rows_same.to_string()),
        ("held", document.rows_held.to_string()),
    ];
    let ledger_href = format!("/ledger?state=all&source={}", encoded(&document.kind));
    let view = DocumentPage {
        file: document.file_name.clone(),
        by: document.created_name.clone(),
        counts: i18n::text_with(page.lang, "problem-counts", &counts),
        only_open,
        lines: grouped(&page, &profile, found, ctx.app.clock.today()),
        held: held.iter().take(HELD_SHOWN).map(|one| HeldLine::of(&page, one)).collect(),
        ledger_href,
        prev: if paging.at() > 1 { turn(paging.at() - 1) } else { String::new() },
        next: if more { turn(paging.at() + 1) } else { String::new() },
        line: DocumentLine::of(&page, &divisions, (document, progress)),
        page,
    };
    ctx.render(&view)
}

struct Side {
    id: Uuid,
    number: String,
    text: String,
    source: String,
    state: String,
    tone: &'static str,
    deadline: String,
}

struct PairLine {
    id: Uuid,
    newer: Side,
    older: Side,
    place: String,
    head: String,
    percent: i64,
    why: String,
    state: String,
    decided: String,
}

fn pair_line(page: &Page, profile: &Profile, pair: Pair) -> PairLine {
    let side = |id, number, text: &str, source: &str, ledger: &str, state: &str, deadline| {
        let now = State::from_name(state).unwrap_or(State::ToVerify);
        Side {
            id,
            number,
            text: title_in(text, page.lang),
            source: words::source(source, page.lang),
            state: words::state(profile, ledger, state).get(page.lang).to_owned(),
            tone: tone(now),
            deadline,
        }
    };
    PairLine {
        newer: side(
            pair.item_id,
            pair.number,
            &pair.text,
            &pair.source,
            &pair.item_ledger,
            &pair.item_state,
            pair.deadline,
        ),
        older: side(
            pair.other_id,
            pair.other_number,
            &pair.other_text,
            &pair.other_source,
            &pair.other_ledger,
            &pair.other_state,
            pair.other_deadline,
        ),
        id: pair.id,
        place: pair.place,
        head: pair.head_name,
        percent: (pair.score * 100.0).round() as i64,
        why: page.t(&format!("problem-why-{}", pair.why)),
        decided: match pair.decided_at {
            Some(at) => page.t2("problem-decided", "who", pair.decided_name, "at", page.time(&at)),
            None => String::new(),
        },
        state: pair.state,
    }
}

#[derive(askama::Template)]
#[template(path = "problem_pairs.html")]
struct PairsPage {
    page: Page,
    tabs: Vec<(String, String, i64, bool)>,
    pairs: Vec<PairLine>,
    prev: String,
    next: String,
}

const STATES: [&str; 3] = ["pending", "joined", "apart"];

async fn pairs(ctx: Ctx, Query(paging): Query<Paging>) -> Result<Response, WebError> {
    let page = ctx.page("nav-ledger");
    let state = STATES.into_iter().find(|state| *state == paging.state).unwrap_or("pending");
    let profile = assess::active_profile(&ctx.app, &ctx.actor).await?.profile;
    let mut tabs = Vec::new();
    for name in STATES {
        let (_, count) = super::pairs(&ctx.app, &ctx.actor, name, 0, 0).await?;
        let href = format!("/ledger/problems/pairs?state={name}");
        tabs.push((href, page.t(&format!("problem-pairs-{name}")), count, name == state));
    }
    let (found, count) = super::pairs(&ctx.app, &ctx.actor, state, LINES, paging.offset()).await?;
    let turn = |at: i64| format!("/ledger/problems/pairs?state={state}&page={at}");
    ctx.render(&PairsPage {
        tabs,
        pairs: found.into_iter().map(|pair| pair_line(&page, &profile, pair)).collect(),
        prev: if paging.at() > 1 { turn(paging.at() - 1) } else { String::new() },
        next: if paging.offset() + LINES < count { turn(paging.at() + 1) } else { String::new() },
        page,
    })
}

#[derive(Debug, serde::Deserialize)]
struct DecideForm {
    pair: Uuid,
    verdict: String,
    #[serde(default)]
    back: String,
}

async fn decide(ctx: Ctx, Form(form): Form<DecideForm>) -> Result<Response, WebError> {
    let verdict = if form.verdict == "join" { Verdict::Join } else { Verdict::Apart };
    super::decide(&ctx.app, &ctx.actor, form.pair, verdict).await?;
    // Back to where the pair was looked at: the list, or one of its items.
    let item: Option<Uuid> = form.back.parse().ok();
    let to = item.map_or_else(|| "/ledger/problems/pairs".to_owned(), |id| format!("/ledger/{id}"));
    Ok(ctx.redirect_with(&to, "ok", if verdict == Verdict::Join { "problem-joined" } else { "problem-kept-apart" }))
}
