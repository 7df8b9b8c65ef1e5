//! The sources of lists: which are late, what is held of them until when, and their terms.

use std::collections::HashMap;

use axum::extract::Path;
use axum::response::Response;
use chrono::NaiveDate;

use super::super::source_store::{self, HeldUntil};
use super::super::sources::{self, LONGEST_DAYS, NewListSource, Retention, Schedule, Terms};
use super::super::{CompareError, ListSource, lists};
use super::side::place_text;
use super::{NAV, agency_text, source_text};
use crate::platform::{UserError, i18n};
use crate::register::Divisions;
use crate::web::{Ctx, Form, Page, WebError};

/// Versions and purges that a source's page shows.
const SHOWN: i64 = 50;

struct Line {
    href: String,
    agency: String,
    kind: String,
    code: String,
    place: String,
    purpose: String,
    schedule: String,
    /// The last version, or a dash.
    version: String,
    received: String,
    due: String,
    late: String,
    active: bool,
    held: i64,
    to_go: i64,
    /// The first day on which rows go.
    to_go_on: String,
}

#[derive(askama::Template)]
#[template(path = "compare_sources.html")]
struct ListPage {
    page: Page,
    lines: Vec<Line>,
    late: usize,
}

pub(super) async fn index(ctx: Ctx) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let (db, scope, today) = (&ctx.app.db, &ctx.actor.scope, ctx.app.clock.today());
    let divisions = Divisions::load(db).await?;
    let last: HashMap<String, source_store::Last> = source_store::last_versions(db, scope)
        .await?
        .into_iter()
        .map(|last| (last.list_source.clone(), last))
        .collect();
    let mut held: HashMap<String, Vec<HeldUntil>> = HashMap::new();
    for part in source_store::held_until(db, scope).await? {
        held.entry(part.list_source.clone()).or_default().push(part);
    }
    let mut lines = Vec::new();
    for source in sources::list_sources(&ctx.app, &ctx.actor).await? {
        let parts = held.remove(&source.code).unwrap_or_default();
        let last = last.get(&source.code);
        let late = source.days_late(today);
        lines.push(Line {
            href: format!("/sources/{}", source.code),
            agency: agency_text(&page, &source),
            kind: source_text(&page, &source.kind),
            place: place_text(&divisions, &source.division_code),
            schedule: schedule_text(&page, source.schedule()),
            version: last.map_or_else(|| "—".to_owned(), |l| page.t1("agency.version", "n", l.list_version)),
            received: last.map(|l| l.as_of.clone()).unwrap_or_default(),
            due: source.next_due().map_or_else(|| "—".to_owned(), |day| day.to_string()),
            late: if late > 0 { page.t1("agency.late", "days", late) } else { String::new() },
            active: source.active,
            held: parts.iter().map(|part| part.rows_held).sum(),
            to_go: parts.iter().map(|part| part.rows_to_go).sum(),
            to_go_on: parts.iter().find(|p| p.rows_to_go > 0).map(|p| p.retention_until.clone()).unwrap_or_default(),
            purpose: source.purpose,
            code: source.code,
        });
    }
    let late = lines.iter().filter(|line| !line.late.is_empty()).count();
    ctx.render(&ListPage { page, lines, late })
}

/// A schedule in words.
fn schedule_text(page: &Page, schedule: Schedule) -> String {
    match schedule {
        Schedule::Irregular => page.t("agency.schedule-none"),
        Schedule::Daily => page.t("agency.schedule-daily"),
        Schedule::Weekly(day) => page.t1("agency.schedule-weekly", "day", page.t(&format!("agency-weekday-{day}"))),
        Schedule::Monthly(day) => page.t1("agency.schedule-monthly", "day", day),
        Schedule::Once(day) => page.t1("agency.schedule-once", "day", day),
    }
}

struct Choice {
    key: String,
    label: String,
    chosen: bool,
}

/// What the form shows of a source.
struct Fields {
    action: String,
    /// Empty for a source that is added.
    code: String,
    kinds: Vec<Choice>,
    division: String,
    agency: String,
    agency_hint: String,
    purpose: String,
    basis: String,
    schedules: Vec<Choice>,
    once: String,
    whole: bool,
    days: String,
    until: String,
    contact: String,
    active: bool,
    version: i64,
    error: String,
}

/// The value of the choice that takes its day from the field beside it.
const ONCE: &str = "once";

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct SourceForm {
    kind: String,
    division: String,
    agency: String,
    purpose: String,
    basis: String,
    schedule: String,
    once: String,
    extent: String,
    days: String,
    until: String,
    contact: String,
    state: String,
    version: i64,
}

impl SourceForm {
    fn of(source: &ListSource, terms: &Terms) -> Self {
        let (schedule, once) = match terms.schedule {
            Schedule::Once(day) => (ONCE.to_owned(), day.to_string()),
            other => (other.to_string(), String::new()),
        };
        let (days, until) = match terms.retention {
            Retention::Days(days) => (days.to_string(), String::new()),
            Retention::Until(day) => (String::new(), day.to_string()),
        };
        Self {
            kind: source.kind.clone(),
            division: source.division_code.clone(),
            agency: terms.agency.clone(),
            purpose: terms.purpose.clone(),
            basis: terms.basis.clone(),
            schedule,
            once,
            extent: source.extent.clone(),
            days,
            until,
            contact: terms.contact.clone(),
            state: if terms.active { "active" } else { "stopped" }.to_owned(),
            version: source.version,
        }
    }

    fn terms(&self) -> Result<Terms, CompareError> {
        let bad = |field, value: &str| CompareError::SourceField { field, value: value.to_owned() };
        let day = |field, text: &str| -> Result<NaiveDate, CompareError> {
            NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").map_err(|_| bad(field, text))
        };
        Ok(Terms {
            agency: self.agency.clone(),
            purpose: self.purpose.clone(),
            basis: self.basis.clone(),
            schedule: match self.schedule.as_str() {
                ONCE => Schedule::Once(day("schedule", &self.once)?),
                text => Schedule::read(text).ok_or_else(|| bad("schedule", text))?,
            },
            whole: self.extent != "part",
            retention: match self.until.trim() {
                "" => Retention::Days(self.days.trim().parse().map_err(|_| bad("retention", &self.days))?),
                text => Retention::Until(day("retention", text)?),
            },
            contact: self.contact.clone(),
            active: self.state != "stopped",
        })
    }

    fn fields(self, page: &Page, code: &str, error: String) -> Fields {
        let simple = [Schedule::Irregular, Schedule::Daily];
        let weekly = (1..=7).map(Schedule::Weekly);
        let monthly = (1..=31).map(Schedule::Monthly);
        let mut schedules: Vec<Choice> = simple
            .into_iter()
            .chain(weekly)
            .chain(monthly)
            .map(|schedule| {
                let key = schedule.to_string();
                Choice { label: schedule_text(page, schedule), chosen: key == self.schedule, key }
            })
            .collect();
        schedules.push(Choice {
            key: ONCE.to_owned(),
            label: page.t("agency.schedule-once-on"),
            chosen: self.schedule == ONCE,
        });
        Fields {
            action: if code.is_empty() { "/sources".to_owned() } else { format!("/sources/{code}") },
            code: code.to_owned(),
            kinds: lists::SOURCES
                .iter()
                .map(|s| Choice { key: s.key.to_owned(), label: source_text(page, s.key), chosen: s.key == self.kind })
                .collect(),
            agency_hint: if code.is_empty() {
                page.t("agency.agency-hint")
            } else {
                page.t1("agency.agency-usual", "name", page.t(&format!("agency-usual-{}", self.kind.replace('.', "-"))))
            },
            division: self.division,
            agency: self.agency,
            purpose: self.purpose,
            basis: self.basis,
            schedules,
            once: self.once,
            whole: self.extent != "part",
            days: self.days,
            until: self.until,
            contact: self.contact,
            active: self.state != "stopped",
            version: self.version,
            error,
        }
    }
}

#[derive(askama::Template)]
#[template(path = "compare_source_new.html")]
struct NewPage {
    page: Page,
    form: Fields,
    longest: u32,
}

pub(super) async fn new(ctx: Ctx) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let divisions = Divisions::load(&ctx.app.db).await?;
    let form = SourceForm {
        division: divisions.home(&ctx.actor.scope).to_owned(),
        schedule: Schedule::Irregular.to_string(),
        days: super::super::RETENTION_DAYS.to_string(),
        ..SourceForm::default()
    };
    let form = form.fields(&page, "", String::new());
    ctx.render(&NewPage { form, page, longest: LONGEST_DAYS })
}

pub(super) async fn add(ctx: Ctx, Form(form): Form<SourceForm>) -> Result<Response, WebError> {
    let added = match form.terms() {
        Ok(terms) => {
            let new = NewListSource { kind: form.kind.clone(), division: form.division.clone(), terms };
            sources::add_source(&ctx.app, &ctx.actor, new).await
        }
        Err(error) => Err(error),
    };
    let error = match added {
        Ok(code) => return Ok(ctx.redirect_with(&format!("/sources/{code}"), "ok", "agency-flash-added")),
        Err(error @ (CompareError::SourceField { .. } | CompareError::UnknownSource { .. })) => error.message(ctx.lang),
        Err(error) => return Err(error.into()),
    };
    let page = ctx.page(NAV);
    let mut response = ctx.render(&NewPage { form: form.fields(&page, "", error), page, longest: LONGEST_DAYS })?;
    *response.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

struct VersionLine {
    href: String,
    number: String,
    file: String,
    /// The beginning of the file's hash.
    hash: String,
    as_of: String,
    when: String,
    total: i64,
    new: i64,
    changed: i64,
    same: i64,
    gone: i64,
    held: i64,
}

struct PurgeLine {
    when: String,
    number: String,
    due_on: String,
    blanked: i64,
    held: i64,
    trimmed: i64,
}

#[derive(askama::Template)]
#[template(path = "compare_source.html")]
struct ShowPage {
    page: Page,
    title: String,
    sub: String,
    upload_href: String,
    place: String,
    purpose: String,
    basis: String,
    schedule: String,
    due: String,
    late: String,
    contact: String,
    whole: bool,
    active: bool,
    retention: String,
    rows_held: i64,
    held: Vec<HeldUntil>,
    versions: Vec<VersionLine>,
    purges: Vec<PurgeLine>,
    form: Fields,
    longest: u32,
}

pub(super) async fn show(ctx: Ctx, Path(code): Path<String>) -> Result<Response, WebError> {
    let source = sources::list_source(&ctx.app, &ctx.actor, &code).await?;
    let terms = Terms::of(&ctx.app, &source)?;
    let form = SourceForm::of(&source, &terms);
    render(&ctx, source, terms, form, String::new()).await
}

pub(super) async fn edit(
    ctx: Ctx,
    Path(code): Path<String>,
    Form(form): Form<SourceForm>,
) -> Result<Response, WebError> {
    // Whoever may not see it learns nothing from what is wrong with the form.
    let source = sources::list_source(&ctx.app, &ctx.actor, &code).await?;
    let edited = match form.terms() {
        Ok(terms) => sources::edit_source(&ctx.app, &ctx.actor, &code, form.version, terms).await,
        Err(error) => Err(error),
    };
    let error = match edited {
        Ok(_) => return Ok(ctx.redirect_with(&format!("/sources/{code}"), "ok", "agency-flash-saved")),
        Err(error @ CompareError::SourceField { .. }) => error.message(ctx.lang),
        Err(error) => return Err(error.into()),
    };
    let terms = Terms::of(&ctx.app, &source)?;
    let form = SourceForm { kind: source.kind.clone(), division: source.division_code.clone(), ..form };
    let mut response = render(&ctx, source, terms, form, error).await?;
    *response.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

async fn render(
    ctx: &Ctx,
    source: ListSource,
    terms: Terms,
    form: SourceForm,
    error: String,
) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let db = &ctx.app.db;
    let divisions = Divisions::load(db).await?;
    let late = source.days_late(ctx.app.clock.today());
    let held: Vec<HeldUntil> = source_store::held_until(db, &ctx.actor.scope)
        .await?
        .into_iter()
        .filter(|part| part.list_source == source.code)
        .collect();
    let number = |n: i64| page.t1("agency.version", "n", n);
    let versions = source_store::versions(db, &source.code, SHOWN).await?;
    let purges = source_store::purges(db, &source.code, SHOWN).await?;
    let view = ShowPage {
        title: agency_text(&page, &source),
        sub: format!("{} · {}", source_text(&page, &source.kind), source.code),
        upload_href: format!("/comparisons/new?source={}", source.code),
        place: place_text(&divisions, &source.division_code),
        schedule: schedule_text(&page, terms.schedule),
        due: source.next_due().map_or_else(|| "—".to_owned(), |day| day.to_string()),
        late: if late > 0 {
            let values = [("agency", agency_text(&page, &source)), ("days", late.to_string())];
            i18n::text_with(page.lang, "agency-late-list", &values)
        } else {
            String::new()
        },
        retention: match terms.retention {
            Retention::Days(days) => page.t1("agency.retention-days", "days", days),
            Retention::Until(day) => page.t1("agency.retention-until", "day", day),
        },
        purpose: terms.purpose,
        basis: terms.basis,
        contact: terms.contact,
        whole: terms.whole,
        active: terms.active,
        rows_held: held.iter().map(|part| part.rows_held).sum(),
        held,
        versions: versions
            .into_iter()
            .map(|v| VersionLine {
                href: format!("/comparisons/{}", v.id),
                number: number(v.list_version),
                file: v.file_name,
                hash: v.sha256.chars().take(12).collect(),
                as_of: v.as_of,
                when: page.time(&v.created_at),
                total: v.rows_total,
                new: v.rows_new,
                changed: v.rows_revised,
                same: v.rows_same,
                gone: v.rows_gone,
                held: v.rows_held,
            })
            .collect(),
        purges: purges
            .into_iter()
            .map(|p| PurgeLine {
                when: page.time(&p.purged_at),
                number: number(p.list_version),
                due_on: p.due_on,
                blanked: p.rows_blanked,
                held: p.rows_held,
                trimmed: p.rows_trimmed,
            })
            .collect(),
        form: form.fields(&page, &source.code, error),
        longest: LONGEST_DAYS,
        page,
    };
    ctx.render(&view)
}
