//! The books of temporary relief, and the lists behind their figures.

use axum::extract::Query;
use axum::response::Response;
use chrono::NaiveDate;

use super::super::balance::{self, Books, FIGURES, Period};
use super::super::model::yuan;
use super::{Line, tabs};
use crate::register::pages::{Crumb, grouped};
use crate::screen::pages::{Figure, ROWS, Tab, paging, place};
use crate::web::{Ctx, Page, WebError};

/// What the address says.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub(super) struct Address {
    #[serde(default)]
    division: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    figure: String,
    #[serde(default)]
    page: String,
}

impl Address {
    /// Until today, since the first request, where nothing else is said.
    fn period(&self, today: NaiveDate) -> Period {
        let day = |text: &str| NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok().map(|day| day.to_string());
        Period { from: day(&self.from).unwrap_or_default(), to: day(&self.to).unwrap_or_else(|| today.to_string()) }
    }
}

struct Row {
    name: String,
    href: String,
    figures: Vec<Figure>,
}

#[derive(askama::Template)]
#[template(path = "relief_balance.html")]
struct BalancePage {
    page: Page,
    tabs: Vec<Tab>,
    crumbs: Vec<Crumb>,
    title: String,
    as_of: String,
    division: String,
    from: String,
    to: String,
    today: String,
    balanced: bool,
    verdict: String,
    equations: Vec<String>,
    faults: Vec<(String, String, String)>,
    heads: Vec<String>,
    total: Row,
    rows: Vec<Row>,
    day_heads: Vec<String>,
    days: Vec<Row>,
}

/// What the columns show: without a first day there is nothing before it.
fn columns(period: &Period) -> Vec<&'static str> {
    FIGURES.into_iter().filter(|name| !(period.from.is_empty() && name.ends_with("_before"))).collect()
}

fn figures(page: &Page, books: &Books, columns: &[&'static str], href: &dyn Fn(&str) -> String) -> Vec<Figure> {
    columns
        .iter()
        .map(|name| {
            let fen = books.figure(name);
            let mut text = yuan(fen);
            if let Some(count) = books.requests(name).filter(|count| *count > 0) {
                text = page.t2("relief-with-count", "yuan", text, "count", grouped(count));
            }
            Figure {
                label: page.t(&format!("relief-figure-{name}")),
                text,
                href: if fen == 0 { String::new() } else { href(name) },
                alarm: false,
            }
        })
        .collect()
}

/// The books of a division.
pub(super) async fn page(ctx: Ctx, Query(address): Query<Address>) -> Result<Response, WebError> {
    let (scope, title, crumbs) = place(&ctx, &address.division, "/relief/balance").await?;
    let today = ctx.app.clock.today();
    let period = address.period(today);
    let found = balance::balance(&ctx.app, &ctx.actor, &scope, &period).await?;
    let page = ctx.page("nav-relief");
    let list = |code: &str, from: &str, to: &str, name: &str| {
        format!("/relief/balance/list?division={code}&from={from}&to={to}&figure={name}")
    };
    let columns = columns(&period);
    let of_place =
        |books: &Books| figures(&page, books, &columns, &|name| list(&books.code, &period.from, &period.to, name));
    let rows = found
        .divisions
        .iter()
        .map(|line| Row {
            name: line.name.clone(),
            href: if line.code.len() > scope.root().len() && line.code.len() < 12 {
                format!("/relief/balance?division={}&from={}&to={}", line.code, period.from, period.to)
            } else {
                String::new()
            },
            figures: of_place(line),
        })
        .collect();
    let day_columns: Vec<&'static str> =
        FIGURES.into_iter().filter(|name| !name.ends_with("_before") && *name != "advanced").collect();
    let days = found
        .days
        .iter()
        .rev()
        .map(|day| {
            // What stood at the end of a day is of all the days before it.
            let since = |name: &str| if matches!(name, "pending" | "unpaid") { "" } else { day.code.as_str() };
            let mut books = day.clone();
            books.pending_n = 0;
            Row {
                name: day.name.clone(),
                href: String::new(),
                figures: figures(&page, &books, &day_columns, &|name| list(scope.root(), since(name), &day.code, name)),
            }
        })
        .collect();
    let total = &found.total;
    let balanced = total.balances() && found.faults.is_empty();
    let amounts: Vec<(&'static str, String)> = [
        ("asked", total.pending_before + total.asked),
        ("approved", total.approved),
        ("refused", total.refused),
        ("withdrawn", total.withdrawn),
        ("pending", total.pending),
        ("due", total.unpaid_before + total.approved),
        ("paid", total.paid),
        ("unpaid", total.unpaid),
    ]
    .map(|(name, fen)| (name, yuan(fen)))
    .to_vec();
    let say = |key: &str| crate::platform::i18n::text_with(ctx.lang, key, &amounts);
    let view = BalancePage {
        tabs: tabs(&ctx, "/relief/balance"),
        as_of: page.t1("screen-as-of", "day", &period.to),
        division: scope.root().to_owned(),
        from: period.from.clone(),
        to: period.to.clone(),
        today: today.to_string(),
        balanced,
        verdict: page.t(if balanced { "relief-balanced" } else { "relief-unbalanced" }),
        equations: vec![say("relief-equation-asked"), say("relief-equation-approved")],
        faults: found
            .faults
            .iter()
            .map(|(name, by_events, by_rows)| {
                let show = |n: &i64| if name == "requests" { n.to_string() } else { yuan(*n) };
                (page.t(&format!("relief-figure-{name}")), show(by_events), show(by_rows))
            })
            .collect(),
        heads: columns.iter().map(|name| page.t(&format!("relief-figure-{name}"))).collect(),
        total: Row { name: page.t("screen-total"), href: String::new(), figures: of_place(total) },
        rows,
        day_heads: day_columns.iter().map(|name| page.t(&format!("relief-figure-{name}"))).collect(),
        days,
        crumbs,
        title,
        page,
    };
    ctx.render(&view)
}

#[derive(askama::Template)]
#[template(path = "relief_behind.html")]
struct BehindPage {
    page: Page,
    crumbs: Vec<Crumb>,
    title: String,
    sub: String,
    back: String,
    figure: String,
    rows: Vec<Line>,
    summary: String,
    prev: String,
    next: String,
}

/// The requests behind a figure, with how much of it each of them is.
pub(super) async fn list(ctx: Ctx, Query(address): Query<Address>) -> Result<Response, WebError> {
    let today = ctx.app.clock.today();
    let period = address.period(today);
    let figure = FIGURES.into_iter().find(|name| *name == address.figure).unwrap_or("asked");
    let base = format!("/relief/balance/list?from={}&to={}&figure={figure}", period.from, period.to);
    let (scope, title, crumbs) = place(&ctx, &address.division, &base).await?;
    let link = |at: i64| format!("{base}&division={}&page={at}", scope.root());
    let at = address.page.parse().unwrap_or(1);
    let (offset, ..) = paging(at, 0, link);
    let (found, count, sum) = balance::behind(&ctx.app, &ctx.actor, &scope, &period, figure, (offset, ROWS)).await?;
    let (_, prev, next) = paging(at, count, link);
    let to = offset + i64::try_from(found.len()).unwrap_or(0);
    let page = ctx.page("nav-relief");
    let label = page.t(&format!("relief-figure-{figure}"));
    let day = today.to_string();
    let days = match (period.from.is_empty(), period.to == day) {
        (true, _) => page.t1("screen-as-of", "day", &period.to),
        (false, _) => page.t2("screen-round-period", "from", &period.from, "to", &period.to),
    };
    let view = BehindPage {
        title: format!("{title} · {label}"),
        sub: format!("{days} · {}", page.t2("relief-found-figure", "count", grouped(count), "yuan", yuan(sum))),
        back: format!("/relief/balance?division={}&from={}&to={}", scope.root(), period.from, period.to),
        figure: label,
        rows: found.iter().map(|request| Line::of(&page, request, &day)).collect(),
        summary: page.t2("relief-range", "from", (offset + 1).min(to), "to", to),
        prev,
        next,
        crumbs,
        page,
    };
    ctx.render(&view)
}
