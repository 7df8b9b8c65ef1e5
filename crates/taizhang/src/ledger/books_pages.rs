//! The page of the books (对账), and the lists of households and persons that its figures open.

use axum::extract::Query;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use chrono::{Datelike as _, NaiveDate};
use uuid::Uuid;

use super::books::{self, Account, Asked, Books, Of, Side};
use super::books_export::{self, FileKind};
use super::model::{Move, REASON_CHARS};
use super::pages::encoded;
use super::{LedgerError, books_store, words};
use crate::access::Capability;
use crate::assess::{self, Profile};
use crate::platform::{UserError, i18n};
use crate::register::divisions::CODE_LENGTHS;
use crate::register::pages::{Crumb, dash, grouped};
use crate::web::{Ctx, Form, Page, WebError};

/// Households or persons of a page.
const LINES: i64 = 50;

/// What the address says.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub(super) struct Address {
    #[serde(default)]
    division: String,
    /// Left out: the first of the month. Empty: the beginning.
    from: Option<String>,
    #[serde(default)]
    to: String,
    #[serde(default)]
    ledger: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    of: String,
    #[serde(default)]
    side: String,
    #[serde(default)]
    page: String,
}

impl Address {
    fn asked(&self, today: NaiveDate) -> Result<Asked, LedgerError> {
        let day = |text: &str| match text.trim() {
            "" => Ok(None),
            text => NaiveDate::parse_from_str(text, "%Y-%m-%d")
                .map(Some)
                .map_err(|_| LedgerError::Day(text.chars().take(20).collect())),
        };
        let to = day(&self.to)?.unwrap_or(today);
        let from = match &self.from {
            Some(from) => day(from)?,
            None => to.with_day(1),
        };
        Ok(Asked { division: self.division.chars().filter(char::is_ascii_digit).collect(), from, to })
    }
}

fn text_of(day: Option<NaiveDate>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

/// A figure that opens its list; no link where it is nought or the reader may open none.
struct Figure {
    label: String,
    text: String,
    href: String,
}

struct Row {
    name: String,
    href: String,
    unit: String,
    first: bool,
    figures: Vec<Figure>,
}

struct Section {
    title: String,
    note: String,
    rows: Vec<Row>,
}

struct Day {
    day: String,
    figures: Vec<Figure>,
}

struct Fault {
    what: String,
    place: String,
    day: String,
    book: String,
    recount: String,
}

struct FormatChoice {
    value: &'static str,
    label: String,
    chosen: bool,
}

#[derive(askama::Template)]
#[template(path = "ledger_balance.html")]
struct BalancePage {
    page: Page,
    asof: String,
    title: String,
    crumbs: Vec<Crumb>,
    division: String,
    from: String,
    to: String,
    today: String,
    balanced: bool,
    verdict: String,
    heads: Vec<String>,
    sections: Vec<Section>,
    day_heads: Vec<String>,
    days: Vec<Day>,
    faults: Vec<Fault>,
    may_export: bool,
    formats: Vec<FormatChoice>,
    purpose: String,
    least: usize,
    error: String,
}

/// What links are made of.
struct Links<'a> {
    page: &'a Page,
    asked: &'a Asked,
    items: bool,
    people: bool,
}

impl Links<'_> {
    fn figure(&self, account: &Account, of: Of, side: Side) -> Figure {
        let value = account.sheet(of).side(side);
        let may = if of == Of::Items { self.items } else { self.people };
        Figure {
            label: self.page.t(&format!("ledger-moved-{}", side.name())),
            text: grouped(value),
            href: if may && value > 0 { self.href(account, of, side) } else { String::new() },
        }
    }

    fn href(&self, account: &Account, of: Of, side: Side) -> String {
        let (from, to) = (self.asked.from, self.asked.to);
        let place = format!(
            "division={}&ledger={}&source={}",
            encoded(&account.division),
            encoded(&account.ledger),
            encoded(&account.source)
        );
        let (how, from_text) = (side.name(), text_of(from));
        match (of, side) {
            (Of::Items, Side::Start) => {
                let before = text_of(from.and_then(|day| day.pred_opt()));
                format!("/ledger?state=all&mine=0&{place}&asof={before}")
            }
            (Of::Items, Side::End) => format!("/ledger?state=all&mine=0&{place}&asof={to}"),
            (Of::Items, Side::Moved(_)) => {
                format!("/ledger?state=all&mine=0&{place}&moved={how}&from={from_text}&to={to}")
            }
            _ => format!("/ledger/balance/list?{place}&of={}&side={how}&from={from_text}&to={to}", of.name()),
        }
    }

    fn rows(&self, account: &Account, name: &str, href: &str) -> Vec<Row> {
        Of::ALL
            .into_iter()
            .map(|of| Row {
                name: name.to_owned(),
                href: href.to_owned(),
                unit: self.page.t(&format!("ledger-of-{}", of.name())),
                first: of == Of::Items,
                figures: Side::all().into_iter().map(|side| self.figure(account, of, side)).collect(),
            })
            .collect()
    }
}

pub(super) async fn balance(ctx: Ctx, Query(query): Query<Address>) -> Result<Response, WebError> {
    let asked = query.asked(ctx.app.clock.today())?;
    show(&ctx, &asked, FileKind::Xlsx, String::new(), String::new()).await
}

async fn crumbs(ctx: &Ctx, root: &str, tail: &str) -> Result<Vec<Crumb>, WebError> {
    let mut out = Vec::new();
    for code in CODE_LENGTHS.into_iter().filter_map(|length| root.get(..length)) {
        if ctx.actor.scope.contains(code) {
            let name = books_store::name_of(&ctx.app.db, code).await?.unwrap_or_else(|| code.to_owned());
            out.push(Crumb { href: format!("/ledger/balance?division={code}{tail}"), name });
        }
    }
    Ok(out)
}

async fn show(
    ctx: &Ctx,
    asked: &Asked,
    format: FileKind,
    purpose: String,
    error: String,
) -> Result<Response, WebError> {
    let page = ctx.page("nav-ledger");
    let profile = assess::active_profile(&ctx.app, &ctx.actor).await?.profile;
    let found = books::books(&ctx.app, &ctx.actor, asked).await?;
    let items = ctx.actor.may(Capability::ViewItems);
    let people = items && ctx.actor.may(Capability::ViewFigures);
    let links = Links { page: &page, asked, items, people };
    let tail = format!("&from={}&to={}", text_of(asked.from), asked.to);
    let mut sections = vec![Section {
        title: page.t("ledger-books-total"),
        note: page.t("ledger-balance-formula"),
        rows: links.rows(&found.total, &found.total.name, ""),
    }];
    let by_source = found.by_source.iter().flat_map(|account| {
        let name = books_export::title(&profile, account, page.lang);
        links.rows(account, &name, "")
    });
    sections.push(Section {
        title: page.t("ledger-books-by-source"),
        note: page.t("ledger-books-by-source-note"),
        rows: by_source.collect(),
    });
    let by_division = found.by_division.iter().flat_map(|account| {
        links.rows(account, &account.name, &format!("/ledger/balance?division={}{tail}", account.division))
    });
    sections.push(Section {
        title: page.t("ledger-books-by-division"),
        note: page.t("ledger-books-by-division-note"),
        rows: by_division.collect(),
    });
    sections.retain(|section| !section.rows.is_empty());
    let days = found.days.iter().map(|(day, movement)| {
        let date = NaiveDate::parse_from_str(day, "%Y-%m-%d").unwrap_or(asked.to);
        let of_day = Asked { from: Some(date), to: date, ..asked.clone() };
        let links = Links { asked: &of_day, ..links };
        let figures = Move::ALL.into_iter().map(|how| {
            let value = movement.of(how);
            let href = links.href(&found.total, Of::Items, Side::Moved(how));
            Figure {
                label: page.t(&format!("ledger-moved-{}", how.name())),
                text: grouped(value),
                href: if items && value > 0 { href } else { String::new() },
            }
        });
        Day { day: day.clone(), figures: figures.collect() }
    });
    let days: Vec<Day> = days.collect();
    let proof = &found.proof;
    let balanced = proof.faults.is_empty();
    let verdict = if balanced {
        page.t1("ledger-balance-ok", "compared", proof.compared)
    } else {
        page.t1("ledger-balance-bad", "faults", proof.faults.len())
    };
    let faults = faults(&page, &profile, &found);
    ctx.render(&BalancePage {
        asof: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        title: title(&page, &found),
        crumbs: crumbs(ctx, &found.total.division, &tail).await?,
        division: found.total.division.clone(),
        from: text_of(asked.from),
        to: asked.to.to_string(),
        today: ctx.app.clock.today().to_string(),
        balanced,
        verdict,
        heads: Side::all().into_iter().map(|side| page.t(&format!("ledger-moved-{}", side.name()))).collect(),
        sections,
        day_heads: Move::ALL.into_iter().map(|how| page.t(&format!("ledger-moved-{}", how.name()))).collect(),
        days,
        faults,
        may_export: ctx.actor.may(Capability::Export),
        formats: FileKind::ALL
            .into_iter()
            .map(|kind| FormatChoice {
                value: kind.name(),
                label: page.t(&format!("ledger-format-{}", kind.name())),
                chosen: kind == format,
            })
            .collect(),
        purpose,
        least: REASON_CHARS,
        error,
        page,
    })
}

fn title(page: &Page, found: &Books) -> String {
    let from = found.from.map_or_else(|| page.t("ledger-beginning"), |day| day.to_string());
    let words = [("place", found.total.name.clone()), ("from", from), ("to", found.to.to_string())];
    i18n::text_with(page.lang, "ledger-books-title", &words)
}

fn faults(page: &Page, profile: &Profile, found: &Books) -> Vec<Fault> {
    let one = |fault: &books::Imbalance| {
        let mut place = vec![fault.division_code.clone()];
        if !fault.ledger.is_empty() {
            place.push(words::ledger(profile, &fault.ledger, page.lang));
        }
        if !fault.source.is_empty() {
            place.push(words::source(&fault.source, page.lang));
        }
        place.retain(|part| !part.is_empty());
        Fault {
            what: page.t(&format!("ledger-fault-{}", fault.what)),
            place: dash(&place.join(" · ")),
            day: dash(&fault.day),
            book: grouped(fault.rollup),
            recount: grouped(fault.recount),
        }
    };
    found.proof.faults.iter().take(200).map(one).collect()
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct ExportForm {
    #[serde(default)]
    division: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    format: String,
    #[serde(default)]
    purpose: String,
}

pub(super) async fn export(ctx: Ctx, Form(form): Form<ExportForm>) -> Result<Response, WebError> {
    let query = Address { division: form.division, from: Some(form.from), to: form.to, ..Address::default() };
    let asked = query.asked(ctx.app.clock.today())?;
    let kind = FileKind::from_name(&form.format).unwrap_or(FileKind::Xlsx);
    let outcome = books_export::export_books(&ctx.app, &ctx.actor, &asked, kind, &form.purpose, ctx.lang).await;
    let bytes = match outcome {
        Ok(bytes) => bytes,
        Err(error @ (LedgerError::Purpose | LedgerError::PurposeLong)) => {
            let message = error.message(ctx.lang);
            let status = WebError::from(error).status();
            let mut response = show(&ctx, &asked, kind, form.purpose, message).await?;
            *response.status_mut() = status;
            return Ok(response);
        }
        Err(error) => return Err(error.into()),
    };
    let name = format!("attachment; filename=\"books-{}.{}\"", asked.to, kind.name());
    Ok(([(CONTENT_TYPE, kind.mime().to_owned()), (CONTENT_DISPOSITION, name)], bytes).into_response())
}

struct SubjectRow {
    id: Option<Uuid>,
    no: String,
    name: String,
    place: String,
    before: String,
    after: String,
}

#[derive(askama::Template)]
#[template(path = "ledger_balance_list.html")]
struct SubjectsPage {
    page: Page,
    title: String,
    heading: String,
    back: String,
    persons: bool,
    rows: Vec<SubjectRow>,
    summary: String,
    prev: String,
    next: String,
}

/// The households or persons behind a figure.
pub(super) async fn list(ctx: Ctx, Query(query): Query<Address>) -> Result<Response, WebError> {
    let asked = query.asked(ctx.app.clock.today())?;
    let of = Of::from_name(&query.of).filter(|of| *of != Of::Items).unwrap_or(Of::Households);
    let side = Side::from_name(&query.side).unwrap_or(Side::End);
    let number: i64 = query.page.parse().unwrap_or(1).clamp(1, 1_000_000);
    let (rows, total) = books::subjects(
        &ctx.app,
        &ctx.actor,
        &asked,
        (&query.ledger, &query.source),
        (of, side),
        (LINES, (number - 1) * LINES),
    )
    .await?;
    let page = ctx.page("nav-ledger");
    let profile = assess::active_profile(&ctx.app, &ctx.actor).await?.profile;
    let scope = ctx.actor.scope.narrow(&asked.division).unwrap_or_else(|| ctx.actor.scope.clone());
    let root = scope.root();
    let account = Account {
        division: root.to_owned(),
        name: books_store::name_of(&ctx.app.db, root).await?.unwrap_or_else(|| root.to_owned()),
        ledger: query.ledger.clone(),
        source: query.source.clone(),
        ..Account::default()
    };
    let links = Links { page: &page, asked: &asked, items: true, people: true };
    let own = links.href(&account, of, side);
    let from = (number - 1) * LINES + 1;
    let to = from + rows.len() as i64 - 1;
    let heading = [
        account.name.clone(),
        if query.ledger.is_empty() { String::new() } else { books_export::title(&profile, &account, page.lang) },
        page.t(&format!("ledger-of-{}", of.name())),
        page.t(&format!("ledger-moved-{}", side.name())),
    ];
    let period = Books { from: asked.from, to: asked.to, total: account, ..Books::default() };
    ctx.render(&SubjectsPage {
        title: heading.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "),
        heading: title(&page, &period),
        back: format!(
            "/ledger/balance?division={}&from={}&to={}",
            encoded(&asked.division),
            text_of(asked.from),
            asked.to
        ),
        persons: of == Of::Persons,
        rows: rows
            .into_iter()
            .map(|row| SubjectRow {
                id: row.household_id,
                no: dash(&row.household_no),
                name: dash(&row.name),
                place: dash(&row.place),
                before: grouped(row.before),
                after: grouped(row.after),
            })
            .collect(),
        summary: if total == 0 {
            String::new()
        } else {
            let words = [("from", from.to_string()), ("to", to.to_string()), ("total", total.to_string())];
            i18n::text_with(page.lang, "pager-summary", &words)
        },
        prev: if number > 1 { format!("{own}&page={}", number - 1) } else { String::new() },
        next: if to < total { format!("{own}&page={}", number + 1) } else { String::new() },
        page,
    })
}
