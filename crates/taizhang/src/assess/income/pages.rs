//! The pages of household income: figures of a place, the lists behind them, one household's estimate, the income lines.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::bands::{self, Which};
use super::export::{self, ExportError, PURPOSE_LEAST, or_dash};
use super::model::divided;
use super::words::{self, Said, money};
use super::{HouseholdIncome, ListRow, Tally, clock, estimate, lines_page, tree};
use crate::access::{Actor, Capability, Role, Scope};
use crate::assess::store;
use crate::platform::jobs::{self, Handler, JobFailure, NewJob};
use crate::platform::{DbError, Lang, UserError, i18n};
use crate::register::{
    self,
    divisions::CODE_LENGTHS,
    pages::{Badge, Crumb, grouped, inside},
};
use crate::web::{Ctx, Form, Page, Policy, Routes, WebError};

const FIGURES: Policy = Policy::Needs(Capability::ViewFigures);
/// A list of who is poor is for those who answer for a place, not for who helps some households.
const LISTS: Policy = Policy::AllOf(&[Capability::ViewFigures, Capability::ViewHouseholds]);
const RUN: Policy = Policy::Needs(Capability::RunAssessment);
const EXPORT: Policy = Policy::AllOf(&[Capability::Export, Capability::ViewHouseholds]);
/// The kind of the estimate's job.
const JOB: &str = "income.run";
/// Households of a page.
const ROWS: i64 = 50;
/// Years of income that a household's page shows.
const YEARS: usize = 3;

/// The routes of these pages.
pub(in crate::assess) fn add_to(routes: Routes) -> Routes {
    routes
        .get("/income", FIGURES, overview)
        .get("/income/lines", FIGURES, lines_page::show)
        .get("/income/households", LISTS, households)
        .post("/income/run", RUN, run)
        .get("/income/export", EXPORT, export_ask)
        .post("/income/export", EXPORT, export_file)
        .get("/households/{id}/income", Policy::Needs(Capability::ViewHouseholds), household)
}

/// The work of these pages' jobs.
pub(in crate::assess) fn handlers() -> Vec<(&'static str, Handler)> {
    let work: Handler = Arc::new(|app, params, progress| {
        Box::pin(async move {
            let text = |name: &str| params.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
            let actor = Actor {
                user_id: text("user").parse().ok(),
                login: text("login"),
                name: text("name"),
                unit: String::new(),
                role: Role::from_name(&text("role")).unwrap_or(Role::Auditor),
                scope: Scope::subtree(&text("scope")),
                lang: Lang::from_tag(&text("lang")).unwrap_or_default(),
                is_machine: false,
            };
            let scope = actor.scope.clone();
            match super::run(&app, &actor, &scope, &progress).await {
                Ok(done) => Ok(serde_json::json!({
                    "households": done.households, "touched": done.touched, "href": "/income",
                })),
                Err(_) if progress.is_cancelled() => Err(JobFailure::Cancelled),
                Err(error) => Err(error.into()),
            }
        })
    });
    vec![(JOB, work)]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    division: String,
    which: String,
    page: i64,
}

impl Asked {
    fn which(&self) -> Which {
        Which::from_name(&self.which).unwrap_or(Which::Below)
    }
}

/// A number that opens its list; no link where it is nought or the reader may open none.
struct Cell {
    label: &'static str,
    text: String,
    href: String,
}

struct Row {
    name: String,
    href: String,
    cells: Vec<Cell>,
}

struct BandRow {
    name: String,
    base: Cell,
    now: Cell,
    base_share: String,
    now_share: String,
    below: bool,
}

struct Tile {
    label: String,
    figure: String,
    unit: String,
    note: String,
    href: String,
    danger: bool,
}

#[derive(askama::Template)]
#[template(path = "income.html")]
struct OverviewPage {
    page: Page,
    crumbs: Vec<Crumb>,
    title: String,
    as_of: String,
    missing: String,
    empty: bool,
    tiles: Vec<Tile>,
    chart: String,
    bands: Vec<BandRow>,
    below: String,
    heads: Vec<String>,
    rows: Vec<Row>,
    formula: Vec<(String, String, String)>,
    formula_source: String,
    lines: Vec<lines_page::LineRow>,
    faults: Vec<String>,
    may_run: bool,
}

/// The division asked for, or the one of the actor; of the country the only province.
async fn place(ctx: &Ctx, division: &str) -> Result<String, WebError> {
    let mut code = if division.is_empty() { ctx.actor.scope.root().to_owned() } else { division.to_owned() };
    if code.is_empty()
        && let [only] = register::division_children(&ctx.app, "").await?.as_slice()
    {
        code = only.code.clone();
    }
    Ok(code)
}

async fn crumbs(ctx: &Ctx, page: &Page, code: &str, base: &str) -> Result<(Vec<Crumb>, String), WebError> {
    let (mut out, mut title) = (Vec::new(), page.t("division-whole"));
    for length in CODE_LENGTHS {
        if let Some(part) = code.get(..length)
            && let Some(found) = register::division(&ctx.app, part).await?
        {
            title.clone_from(&found.name);
            if ctx.actor.scope.contains(part) {
                out.push(Crumb { href: format!("{base}division={part}"), name: found.name });
            }
        }
    }
    Ok((out, title))
}

const HEADS: [&str; 6] = [
    "income-fig-households",
    "income-fig-below_base",
    "income-fig-below",
    "income-fig-fell",
    "income-fig-affected",
    "income-fig-loss",
];

fn list_href(may: bool, which: Which, code: &str, count: i64) -> String {
    if may && count > 0 { format!("/income/households?division={code}&which={}", which.name()) } else { String::new() }
}

fn cells(tally: &Tally, may: bool) -> Vec<Cell> {
    let (below_base, below) = tally.below();
    let cell = |at: usize, count: i64, which: Option<Which>| Cell {
        label: HEADS.get(at).copied().unwrap_or_default(),
        text: grouped(count),
        href: which.map(|which| list_href(may, which, &tally.code, count)).unwrap_or_default(),
    };
    vec![
        cell(0, tally.households, Some(Which::All)),
        cell(1, below_base, None),
        cell(2, below, Some(Which::Below)),
        cell(3, tally.fell, Some(Which::Fell)),
        cell(4, tally.affected, Some(Which::Affected)),
        Cell {
            label: HEADS[5],
            text: money(tally.loss),
            href: list_href(may, Which::Affected, &tally.code, tally.affected),
        },
    ]
}

/// Of a hundred, with one decimal.
fn percent(part: i64, of: i64) -> String {
    let permille = divided(i128::from(part) * 1000, i128::from(of));
    format!("{}.{}", permille / 10, permille % 10)
}

/// JSON for a script element: no text of the data can end the element.
fn script_json(value: &serde_json::Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

async fn overview(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let code = place(&ctx, &asked.division).await?;
    let scope = inside(&ctx, &code)?;
    let page = ctx.page("nav-situation");
    let found = super::overview(&ctx.app, &scope).await?;
    let loaded = crate::assess::active_profile(&ctx.app, &ctx.actor).await?;
    let (crumbs, title) = crumbs(&ctx, &page, &code, "/income?").await?;
    let may = LISTS.allows(&ctx.actor);
    let total = Tally { code: code.clone(), ..found.total };
    let (below_base, below) = total.below();
    let tile = |key: &str, figure: String, unit: &str, note: String, href: String, danger: bool| Tile {
        label: page.t(key),
        figure,
        unit: page.t(unit),
        note,
        href,
        danger,
    };
    let tiles = vec![
        tile(
            "income-fig-households",
            grouped(total.households),
            "unit-households",
            page.t1("income-note-persons", "persons", grouped(total.persons)),
            list_href(may, Which::All, &code, total.households),
            false,
        ),
        tile(
            "income-fig-below",
            grouped(below),
            "unit-households",
            page.t1("income-note-below", "base", grouped(below_base)),
            list_href(may, Which::Below, &code, below),
            below > below_base,
        ),
        tile(
            "income-fig-fell",
            grouped(total.fell),
            "unit-households",
            page.t("income-note-fell"),
            list_href(may, Which::Fell, &code, total.fell),
            total.fell > 0,
        ),
        tile(
            "income-fig-affected",
            grouped(total.affected),
            "unit-households",
            page.t2("income-note-affected", "loss", money(total.loss), "spent", money(total.spent)),
            list_href(may, Which::Affected, &code, total.affected),
            false,
        ),
    ];
    let name = |band: i64| page.t(&format!("income-band-{band}"));
    let all = 0..=bands::NO_LINE;
    let band_rows: Vec<BandRow> = all
        .map(|band| {
            let (base, now) = (total.count(Which::Base(band)), total.count(Which::Now(band)));
            let cell = |label: &'static str, count: i64, which: Which| Cell {
                label,
                text: grouped(count),
                href: list_href(may, which, &code, count),
            };
            BandRow {
                name: name(band),
                base: cell("income-by-base", base, Which::Base(band)),
                now: cell("income-by-now", now, Which::Now(band)),
                base_share: percent(base, total.households),
                now_share: percent(now, total.households),
                below: bands::is_below(band),
            }
        })
        .collect();
    let series = |key: &str, tone: &str, all: &[i64]| serde_json::json!({"name": page.t(key), "tone": tone, "kind": "bar", "data": &all[..=bands::LAST as usize]});
    let chart = script_json(&serde_json::json!({
        "kind": "bar",
        "x": (0..=bands::LAST).map(|band| page.t(&format!("income-band-short-{band}"))).collect::<Vec<_>>(),
        "label": page.t1("income-chart-label", "place", &title),
        "series": [series("income-by-base", "mute", &total.base), series("income-by-now", "accent", &total.now)],
    }));
    let rows = found
        .below
        .iter()
        .filter(|tally| tally.households > 0 || !tally.name.is_empty())
        .map(|tally| Row {
            name: match (tally.name.is_empty(), tally.code == code) {
                (false, _) => tally.name.clone(),
                (true, true) => page.t("situation-own-level"),
                (true, false) => tally.code.clone(),
            },
            href: if tally.code == code || tally.code.len() > 12 {
                list_href(may, Which::All, &tally.code, tally.households)
            } else {
                format!("/income?division={}", tally.code)
            },
            cells: cells(tally, may),
        })
        .chain([Row { name: page.t("situation-total"), href: String::new(), cells: cells(&total, may) }])
        .collect();
    let policy = loaded.profile.income_estimate.as_ref();
    let income_lines = crate::assess::income_lines(&ctx.app.db, ctx.app.clock.today()).await?;
    let (lines, faults) = lines_page::rows(&ctx.app, &page, &income_lines).await?;
    ctx.render(&OverviewPage {
        as_of: if found.as_of.is_empty() { page.t("income-never") } else { page.t1("income-day", "day", &found.as_of) },
        missing: if found.missing > 0 && !found.as_of.is_empty() {
            page.t1("income-missing", "count", found.missing)
        } else {
            String::new()
        },
        empty: total.households == 0,
        tiles,
        chart,
        bands: band_rows,
        below: page.t(&format!("below-{}", code.len())),
        heads: HEADS.iter().map(|key| page.t(key)).collect(),
        rows,
        formula: policy.map_or_else(Vec::new, |policy| {
            let parts = policy.parts.iter();
            parts
                .map(|part| {
                    let title = format!("{} · {}", part.title.get(page.lang), words::effect(part.effect, page.lang));
                    (title, words::part(part, page.lang), part.source.clone())
                })
                .collect()
        }),
        formula_source: policy.map(|policy| policy.source.clone()).unwrap_or_default(),
        lines,
        faults,
        may_run: ctx.actor.may(Capability::RunAssessment),
        crumbs,
        title,
        page,
    })
}

struct HouseholdRow {
    href: String,
    name: String,
    no: String,
    place: String,
    members: i64,
    base: String,
    income: String,
    lowered: String,
    line: String,
    band: Badge,
    gaps: String,
}

#[derive(askama::Template)]
#[template(path = "income_households.html")]
struct ListPage {
    page: Page,
    crumbs: Vec<Crumb>,
    title: String,
    tabs: Vec<(String, String, String, bool)>,
    rows: Vec<HouseholdRow>,
    summary: String,
    prev: String,
    next: String,
    export: String,
    back: String,
}

fn which_name(page: &Page, which: Which) -> String {
    match which {
        Which::Now(band) => page.t1("income-which-now", "band", page.t(&format!("income-band-{band}"))),
        Which::Base(band) => page.t1("income-which-base", "band", page.t(&format!("income-band-{band}"))),
        named => page.t(&format!("income-which-{}", named.name())),
    }
}

fn household_row(page: &Page, row: &ListRow) -> HouseholdRow {
    let each = |fen: Option<i64>| {
        let fen = fen.filter(|_| row.members > 0)?;
        Some(divided(i128::from(fen), i128::from(row.members)))
    };
    let tone = match (bands::is_below(row.band_now), bands::is_above(row.band_now)) {
        (true, _) => "danger",
        (_, true) if row.band_now <= bands::FIRST_ABOVE + 1 => "warn",
        (_, true) => "ok",
        _ => "mute",
    };
    HouseholdRow {
        href: format!("/households/{}/income", row.household_id),
        name: row.head_name.clone(),
        no: row.household_no.clone(),
        place: row.place.clone(),
        members: row.members,
        base: or_dash(each(row.base_fen)),
        income: or_dash(each(row.income_fen)),
        lowered: if row.loss_fen + row.spent_fen > 0 {
            format!("−{}", money(row.loss_fen + row.spent_fen))
        } else {
            "—".to_owned()
        },
        line: or_dash(row.line_fen),
        band: Badge { tone, text: page.t(&format!("income-band-{}", row.band_now)) },
        gaps: if row.gaps > 0 { page.t1("income-gaps-count", "count", row.gaps) } else { "—".to_owned() },
    }
}

async fn households(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let code = place(&ctx, &asked.division).await?;
    let scope = inside(&ctx, &code)?;
    let page = ctx.page("nav-situation");
    let which = asked.which();
    let total = super::overview(&ctx.app, &scope).await?.total;
    let count = total.count(which);
    let last = (count.max(1) - 1) / ROWS + 1;
    let at = asked.page.clamp(1, last);
    let found = super::list(&ctx.app, &scope, which, ROWS, (at - 1) * ROWS).await?;
    let link = |to: i64| format!("/income/households?division={code}&which={}&page={to}", which.name());
    let (crumbs, place) = crumbs(&ctx, &page, &code, &format!("/income/households?which={}&", which.name())).await?;
    let (from, to) = ((at - 1) * ROWS + 1, (at - 1) * ROWS + i64::try_from(found.len()).unwrap_or(0));
    let mut named: Vec<Which> = Which::NAMED.to_vec();
    if !named.contains(&which) {
        named.push(which);
    }
    ctx.render(&ListPage {
        title: page.t2("income-list-title", "place", place, "which", which_name(&page, which)),
        tabs: named
            .into_iter()
            .map(|one| {
                let href = format!("/income/households?division={code}&which={}", one.name());
                (href, which_name(&page, one), grouped(total.count(one)), one == which)
            })
            .collect(),
        rows: found.iter().map(|row| household_row(&page, row)).collect(),
        summary: i18n::text_with(
            page.lang,
            "pager-summary",
            &[("from", from.min(to).to_string()), ("to", to.to_string()), ("total", count.to_string())],
        ),
        prev: if at > 1 { link(at - 1) } else { String::new() },
        next: if at < last { link(at + 1) } else { String::new() },
        export: if EXPORT.allows(&ctx.actor) && count > 0 {
            format!("/income/export?division={code}&which={}", which.name())
        } else {
            String::new()
        },
        back: format!("/income?division={code}"),
        crumbs,
        page,
    })
}

async fn run(ctx: Ctx, Form(crate::web::Nothing {}): Form<crate::web::Nothing>) -> Result<Response, WebError> {
    let actor = &ctx.actor;
    let job = NewJob {
        kind: JOB,
        title: i18n::text(ctx.lang, "income-job"),
        division_code: actor.scope.root().to_owned(),
        created_by: actor.user_id,
        params: serde_json::json!({
            "user": actor.user_id.map(|id| id.to_string()), "login": actor.login, "name": actor.name,
            "role": actor.role.name(), "scope": actor.scope.root(), "lang": ctx.lang.tag(),
        }),
        idempotency_key: None,
    };
    let now = ctx.app.clock.now_ms();
    let id =
        ctx.app.db.write::<_, DbError, _>(move |tx| Box::pin(async move { jobs::enqueue(tx, job, now).await })).await?;
    Ok(ctx.redirect(&format!("/jobs/{id}")))
}

#[derive(askama::Template)]
#[template(path = "income_export.html")]
struct ExportPage {
    page: Page,
    division: String,
    which: String,
    what: String,
    back: String,
    purpose: String,
    least: usize,
    error: String,
}

async fn export_ask(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    ask(&ctx, &asked, String::new(), String::new()).await
}

async fn ask(ctx: &Ctx, asked: &Asked, purpose: String, error: String) -> Result<Response, WebError> {
    let code = place(ctx, &asked.division).await?;
    let scope = inside(ctx, &code)?;
    let page = ctx.page("nav-situation");
    let which = asked.which();
    let count = super::overview(&ctx.app, &scope).await?.total.count(which);
    ctx.render(&ExportPage {
        what: page.t2("income-export-what", "which", which_name(&page, which), "count", grouped(count)),
        back: format!("/income/households?division={code}&which={}", which.name()),
        division: code,
        which: which.name(),
        purpose,
        least: PURPOSE_LEAST,
        error,
        page,
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ExportForm {
    purpose: String,
    division: String,
    which: String,
}

async fn export_file(ctx: Ctx, Form(form): Form<ExportForm>) -> Result<Response, WebError> {
    let asked = Asked { division: form.division, which: form.which, page: 1 };
    let code = place(&ctx, &asked.division).await?;
    let scope = inside(&ctx, &code)?;
    let which = asked.which();
    match export::export(&ctx.app, &ctx.actor, &scope, which, &form.purpose, ctx.lang).await {
        Ok(bytes) => {
            let name = format!("attachment; filename=\"income-{}-{}.xlsx\"", which.name(), ctx.app.clock.today());
            let mime = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet".to_owned();
            Ok(([(CONTENT_TYPE, mime), (CONTENT_DISPOSITION, name)], bytes).into_response())
        }
        Err(error @ ExportError::Purpose) => {
            let message = error.message(ctx.lang);
            let status = WebError::from(error).status();
            let mut response = ask(&ctx, &asked, form.purpose, message).await?;
            *response.status_mut() = status;
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

// ---- one household ----

struct TreeRow {
    name: String,
    class: &'static str,
    amounts: Vec<String>,
}

struct ClockRow {
    name: String,
    days: String,
    income: String,
    line: String,
    verdict: Option<Badge>,
}

/// What the page and the part of the household file both show.
struct Card {
    known: bool,
    formula: bool,
    sum: String,
    said: Vec<Said>,
    gaps: Vec<String>,
    clocks: Vec<ClockRow>,
    reference: Vec<String>,
}

#[derive(askama::Template)]
#[template(path = "household_income.html")]
struct HouseholdPage {
    page: Page,
    title: String,
    back: String,
    as_of: String,
    card: Card,
    years: Vec<i64>,
    tree: Vec<TreeRow>,
    faults: Vec<String>,
}

#[derive(askama::Template)]
#[template(path = "household_income_part.html")]
struct HouseholdPart {
    page: Page,
    card: Card,
    href: String,
}

fn against(page: &Page, each: Option<i64>, line: Option<i64>) -> Option<Badge> {
    let (each, line) = (each?, line?);
    let (tone, key) = if each < line { ("danger", "income-below") } else { ("ok", "income-not_below") };
    Some(Badge { tone, text: page.t1(key, "yuan", money((each - line).abs())) })
}

fn card(
    page: &Page,
    found: &HouseholdIncome,
    policy: Option<&super::EstimatePolicy>,
    names: &HashMap<Uuid, String>,
) -> Card {
    let each =
        |fen: i64| (found.inputs.members > 0).then(|| divided(i128::from(fen), i128::from(found.inputs.members)));
    let mut clocks = Vec::new();
    if let Some(year) = found.inputs.years.first() {
        let days = clock::collection_days(year.year).map(|(from, to)| format!("{from} – {to}")).unwrap_or_default();
        clocks.push(ClockRow {
            name: page.t1("income-clock-base", "year", year.year),
            days,
            income: or_dash(each(year.net)),
            line: found.line_then.map_or_else(|| page.t("income-no-line-then"), money),
            verdict: against(page, each(year.net), found.line_then),
        });
    }
    if let Some(estimate) = &found.estimate {
        clocks.push(ClockRow {
            name: page.t1("income-clock-now", "year", estimate.year),
            days: page.t2("income-clock-upto", "from", estimate.from, "day", estimate.upto),
            income: or_dash(estimate.per_person),
            line: or_dash(found.line),
            verdict: against(page, estimate.per_person, found.line),
        });
        if let Some(reference) = &estimate.reference {
            clocks.push(ClockRow {
                name: page.t("income-clock-reference"),
                days: format!("{} – {}", reference.from, reference.to),
                income: or_dash(reference.per_person),
                line: or_dash(found.line),
                verdict: against(page, reference.per_person, found.line),
            });
        }
    }
    let (estimate, lang) = (found.estimate.as_ref(), page.lang);
    let with = policy.zip(estimate);
    Card {
        known: !found.inputs.years.is_empty(),
        formula: policy.is_some(),
        sum: estimate.map(|estimate| words::sum(estimate, lang)).unwrap_or_default(),
        said: with.map(|(policy, estimate)| words::lines(policy, estimate, names, lang)).unwrap_or_default(),
        gaps: with.map(|(policy, estimate)| words::gaps(policy, estimate, names, lang)).unwrap_or_default(),
        clocks,
        reference: estimate
            .and_then(|estimate| estimate.reference.as_ref())
            .map(|reference| words::reference(reference, found.inputs.members, lang))
            .unwrap_or_default(),
    }
}

/// The tree year by year; leaves that no year has are left out.
fn tree_rows(page: &Page, found: &HouseholdIncome) -> (Vec<i64>, Vec<TreeRow>, Vec<String>) {
    let years: Vec<&super::model::YearIncome> = found.inputs.years.iter().take(YEARS).collect();
    let amounts = |id: &str, sign: i64| -> Vec<String> {
        years.iter().map(|year| or_dash(year.tree.get(id).map(|amount| amount * sign))).collect()
    };
    let mut rows = Vec::new();
    for branch in tree::TREE {
        let sign = if branch.lowers { -1 } else { 1 };
        let name = words::base_name(branch.id, page.lang);
        rows.push(TreeRow { name, class: "is-branch", amounts: amounts(branch.id, sign) });
        for leaf in branch.leaves.iter().filter(|leaf| years.iter().any(|year| year.tree.contains_key(leaf.id))) {
            rows.push(TreeRow {
                name: words::base_name(leaf.id, page.lang),
                class: "is-leaf",
                amounts: amounts(leaf.id, 1),
            });
        }
    }
    let money_of = |of: &dyn Fn(&super::model::YearIncome) -> Option<i64>| -> Vec<String> {
        years.iter().map(|year| or_dash(of(year))).collect()
    };
    let members = found.inputs.members;
    rows.push(TreeRow { name: page.t("field-net"), class: "is-total", amounts: money_of(&|year| Some(year.net)) });
    rows.push(TreeRow {
        name: page.t("income-net-each"),
        class: "is-total",
        amounts: money_of(&|year| (members > 0).then(|| divided(i128::from(year.net), i128::from(members)))),
    });
    rows.push(TreeRow { name: page.t("income-row-claims"), class: "is-leaf", amounts: money_of(&|year| year.claims) });
    rows.push(TreeRow {
        name: page.t("income-row-self_pay"),
        class: "is-leaf",
        amounts: money_of(&|year| year.self_pay),
    });
    let mut faults = Vec::new();
    for year in &years {
        let counted: i64 = tree::TREE
            .iter()
            .map(|branch| year.tree.get(branch.id).copied().unwrap_or(0) * if branch.lowers { -1 } else { 1 })
            .sum();
        // The register's own rule: rounding of the parts to whole yuan can move the sum by a few.
        if (counted - year.net).abs() > 500 {
            faults.push(i18n::text_with(
                page.lang,
                "income-sum-differs",
                &[("year", year.year.to_string()), ("net", money(year.net)), ("counted", money(counted))],
            ));
        }
    }
    (years.iter().map(|year| year.year).collect(), rows, faults)
}

async fn household(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let found = super::of_household(&ctx.app, &ctx.actor, id).await?;
    let page = ctx.page("nav-households");
    let loaded = crate::assess::active_profile(&ctx.app, &ctx.actor).await?;
    let persons = found.estimate.as_ref().map(estimate::persons).unwrap_or_default();
    let names = store::names(&ctx.app.db, &ctx.actor.scope, &persons).await?;
    let card = card(&page, &found, loaded.profile.income_estimate.as_ref(), &names);
    if ctx.is_fragment() {
        return ctx.render(&HouseholdPart { href: format!("/households/{id}/income"), card, page });
    }
    let (years, tree, faults) = tree_rows(&page, &found);
    ctx.render(&HouseholdPage {
        title: page.t1("income-of", "name", &found.head_name),
        back: format!("/households/{id}"),
        as_of: page.t1("income-day", "day", ctx.app.clock.today()),
        card,
        years,
        tree,
        faults,
        page,
    })
}
