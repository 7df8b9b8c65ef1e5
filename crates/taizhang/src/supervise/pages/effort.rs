//! This year's effort against last year's, and the lists behind the figures.

use axum::extract::Query;
use axum::response::Response;
use chrono::NaiveDate;

use super::{Figure, ROWS, Tab, address, day, page_number, pager, tabs};
use crate::register::pages::{Badge, Crumb, dash, grouped};
use crate::screen::pages::place;
use crate::supervise::effort::{self, MEASURES, Pair, Periods, PlaceLine};
use crate::web::{Ctx, Page, WebError};

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    division: String,
    what: String,
    from: String,
    to: String,
    page: String,
}

struct MeasureRow {
    name: String,
    now: Figure,
    before: Figure,
    change: Badge,
}

struct PlaceRow {
    name: String,
    href: String,
    figures: Vec<(Figure, Figure, bool)>,
    weaker: usize,
}

#[derive(askama::Template)]
#[template(path = "supervise_effort.html")]
struct EffortPage {
    page: Page,
    tabs: Vec<Tab>,
    crumbs: Vec<Crumb>,
    title: String,
    as_of: String,
    now: String,
    before: String,
    measures: Vec<MeasureRow>,
    heads: Vec<String>,
    places: Vec<PlaceRow>,
}

/// The list behind a figure.
fn list_of(what: &str, division: &str, (from, to): (NaiveDate, NaiveDate)) -> String {
    let (from, to) = (from.to_string(), to.to_string());
    match what {
        "opened" | "closed" => address(
            "/ledger",
            &[("state", "all"), ("mine", "0"), ("moved", what), ("from", &from), ("to", &to), ("division", division)],
        ),
        _ => address("/supervise/effort/list", &[("what", what), ("from", &from), ("to", &to), ("division", division)]),
    }
}

fn pair(page: &Page, what: &str, division: &str, pair: Pair, periods: Periods) -> (Figure, Figure) {
    let figure = |n: i64, period| Figure {
        label: page.t(&format!("supervise-effort-{what}")),
        text: grouped(n),
        href: if n > 0 { list_of(what, division, period) } else { String::new() },
        alarm: false,
    };
    (figure(pair.now, periods.now), figure(pair.before, periods.before))
}

fn change(page: &Page, pair: Pair) -> Badge {
    let (tone, key) = match (pair.before, pair.now - pair.before) {
        (0, 0) => ("mute", "supervise-effort-none"),
        (0, _) => ("mute", "supervise-effort-new"),
        (_, 0) => ("ok", "supervise-effort-same"),
        (_, more) if more > 0 => ("ok", "supervise-effort-more"),
        _ => ("danger", "supervise-effort-less"),
    };
    Badge { tone, text: page.t1(key, "percent", pair.percent().unwrap_or(0).abs()) }
}

fn place_row(page: &Page, line: &PlaceLine, root: &str, periods: Periods) -> PlaceRow {
    let own = line.code == root;
    PlaceRow {
        name: if own { page.t1("supervise-own", "place", &line.name) } else { line.name.clone() },
        href: if own || line.code.len() >= 12 {
            String::new()
        } else {
            address("/supervise/effort", &[("division", &line.code)])
        },
        figures: MEASURES
            .iter()
            .zip(line.pairs)
            .map(|(what, of)| {
                let (now, before) = pair(page, what, &line.code, of, periods);
                let (now, before) = if own {
                    (Figure { href: String::new(), ..now }, Figure { href: String::new(), ..before })
                } else {
                    (now, before)
                };
                (now, before, of.is_weaker())
            })
            .collect(),
        weaker: line.weaker(),
    }
}

/// The effort of a place.
pub(super) async fn page(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let (scope, title, crumbs) = place(&ctx, &asked.division, "/supervise/effort").await?;
    let page = ctx.page("nav-supervise");
    let periods = Periods::of(ctx.app.clock.today());
    let (total, lines) = effort::effort(&ctx.app, &ctx.actor, &scope, periods).await?;
    let period = |(from, to): (NaiveDate, NaiveDate)| page.t2("screen-round-period", "from", from, "to", to);
    let root = scope.root();
    let view = EffortPage {
        tabs: tabs(&ctx, "/supervise/effort"),
        as_of: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        now: period(periods.now),
        before: period(periods.before),
        measures: MEASURES
            .iter()
            .zip(total.pairs)
            .map(|(what, of)| {
                let (now, before) = pair(&page, what, root, of, periods);
                MeasureRow { name: now.label.clone(), now, before, change: change(&page, of) }
            })
            .collect(),
        heads: MEASURES.iter().map(|what| page.t(&format!("supervise-effort-{what}"))).collect(),
        places: lines.iter().map(|line| place_row(&page, line, root, periods)).collect(),
        title,
        crumbs,
        page,
    };
    ctx.render(&view)
}

struct DeedRow {
    href: String,
    about: String,
    what: String,
    day: String,
    name: String,
    place: String,
}

#[derive(askama::Template)]
#[template(path = "supervise_effort_list.html")]
struct ListPage {
    page: Page,
    crumbs: Vec<Crumb>,
    title: String,
    period: String,
    back: String,
    rows: Vec<DeedRow>,
    summary: String,
    prev: String,
    next: String,
}

/// The pieces behind a figure.
pub(super) async fn list(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let (scope, title, crumbs) = place(&ctx, &asked.division, "/supervise/effort").await?;
    let page = ctx.page("nav-supervise");
    let usual = Periods::of(ctx.app.clock.today()).now;
    let period = (day(&asked.from).unwrap_or(usual.0), day(&asked.to).unwrap_or(usual.1));
    let what = MEASURES.into_iter().find(|known| *known == asked.what).unwrap_or("visits");
    let at = page_number(&asked.page);
    let (lines, total) = effort::list(&ctx.app, &ctx.actor, &scope, what, period, ((at - 1) * ROWS, ROWS)).await?;
    let rows: Vec<DeedRow> = lines
        .into_iter()
        .map(|line| DeedRow {
            href: match line.what.as_str() {
                "worked" => format!("/ledger/{}", line.id),
                "sessions" => format!("/supervise/sessions/{}", line.id),
                _ => format!("/visits/{}", line.id),
            },
            what: if line.action.is_empty() {
                page.t(&format!("supervise-effort-{}", line.what))
            } else {
                page.t(&format!("supervise-deed-{}", line.action))
            },
            about: dash(&line.about),
            day: line.day,
            name: dash(&line.name),
            place: line.place,
        })
        .collect();
    let root = scope.root().to_owned();
    let (summary, prev, next) =
        pager(&page, at, rows.len(), total, |to| format!("{}&page={to}", list_of(what, &root, period)));
    let view = ListPage {
        title: format!("{title} · {}", page.t(&format!("supervise-effort-{what}"))),
        period: page.t2("screen-round-period", "from", period.0, "to", period.1),
        back: address("/supervise/effort", &[("division", &root)]),
        rows,
        summary,
        prev,
        next,
        crumbs,
        page,
    };
    ctx.render(&view)
}
