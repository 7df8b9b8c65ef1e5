//! The situation page and the lists of persons that its figures open.

use axum::extract::Query;
use axum::response::Response;
use serde::Deserialize;

use super::model::{Figures, HealthKind, Line, Tier};
use crate::access::Capability;
use crate::register::pages::{Badge, Crumb, dash, grouped, inside, sex_text};
use crate::register::{self, divisions::CODE_LENGTHS};
use crate::web::{Ctx, Page, Policy, Routes, WebError};

/// Persons of a page.
const ROWS: i64 = 50;

/// The routes of this feature.
pub fn routes() -> Routes {
    Routes::new().get("/situation", Policy::Needs(Capability::ViewFigures), situation_page).get(
        "/signals",
        // A list of ill people is for those who answer for a place, not for who helps some households.
        Policy::AllOf(&[Capability::ViewFigures, Capability::ViewHouseholds]),
        signals_page,
    )
}

/// What the map and the order of the table go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Confirmed,
    InTreatment,
    Open,
    Overdue,
    Households,
    Monitored,
}

impl Measure {
    const ALL: [Self; 6] =
        [Self::Confirmed, Self::InTreatment, Self::Open, Self::Overdue, Self::Monitored, Self::Households];

    fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::InTreatment => "in_treatment",
            Self::Open => "open",
            Self::Overdue => "overdue",
            Self::Households => "households",
            Self::Monitored => "monitored",
        }
    }

    fn of(self, figures: &Figures) -> i64 {
        match self {
            Self::Confirmed => figures.confirmed,
            Self::InTreatment => figures.in_treatment,
            Self::Open => figures.open,
            Self::Overdue => figures.overdue,
            Self::Households => figures.households,
            Self::Monitored => figures.monitored,
        }
    }
}

/// A number that opens its list; no link where it is nought or the reader may not open lists.
struct Cell {
    text: String,
    href: String,
    label: &'static str,
    alarm: bool,
}

struct Row {
    href: String,
    name: String,
    cells: Vec<Cell>,
    screened: String,
    tier: Option<Badge>,
}

struct Tile {
    label: String,
    figure: String,
    unit: String,
    note: String,
    trend: &'static str,
    href: String,
    danger: bool,
}

struct MapTile {
    href: String,
    name: String,
    value: String,
    shade: usize,
}

struct DayRow {
    day: String,
    values: Vec<i64>,
}

#[derive(askama::Template)]
#[template(path = "situation.html")]
struct SituationPage {
    page: Page,
    crumbs: Vec<Crumb>,
    title: String,
    tier: Option<Badge>,
    tier_note: String,
    /// Where the work mode of the county, or of every county, is told.
    mode_href: String,
    income_href: String,
    as_of: Vec<String>,
    empty: bool,
    health: Vec<Tile>,
    screened: String,
    screened_note: String,
    screened_href: String,
    books: Vec<Tile>,
    epidemic_json: String,
    items_json: String,
    days: Vec<DayRow>,
    measures: Vec<(String, String, bool)>,
    measure_label: String,
    tiles: Vec<MapTile>,
    legend: Vec<(usize, String)>,
    below: String,
    heads: Vec<String>,
    rows: Vec<Row>,
    total: Vec<Cell>,
    total_screened: String,
    shows_tiers: bool,
    may_import: bool,
}

#[derive(Debug, Default, Deserialize)]
struct SituationQuery {
    #[serde(default)]
    division: String,
    #[serde(default)]
    measure: String,
}

/// Where the lists behind the figures are, as far as the reader may open them.
struct Links {
    lists: bool,
    items: bool,
}

impl Links {
    fn of(ctx: &Ctx) -> Self {
        Self { lists: ctx.actor.may(Capability::ViewHouseholds), items: ctx.actor.may(Capability::ViewItems) }
    }

    fn households(&self, code: &str) -> String {
        if self.lists { format!("/households?division={code}") } else { String::new() }
    }

    fn signals(&self, kind: HealthKind, code: &str) -> String {
        if self.lists { format!("/signals?kind={}&division={code}", kind.name()) } else { String::new() }
    }

    fn ledger(&self, state: &str, code: &str) -> String {
        if self.items { format!("/ledger?state={state}&division={code}") } else { String::new() }
    }
}

async fn situation_page(ctx: Ctx, Query(query): Query<SituationQuery>) -> Result<Response, WebError> {
    let mut code = if query.division.is_empty() { ctx.actor.scope.root().to_owned() } else { query.division };
    // One province only: the country would be one line.
    if code.is_empty()
        && let [only] = register::division_children(&ctx.app, "").await?.as_slice()
    {
        code = only.code.clone();
    }
    let scope = inside(&ctx, &code)?;
    let situation = super::situation(&ctx.app, &scope).await?;
    let days = super::trend(&ctx.app, &scope).await?;
    let page = ctx.page("nav-situation");
    let links = Links::of(&ctx);
    let mut crumbs = Vec::new();
    let mut title = page.t("division-whole");
    for length in CODE_LENGTHS {
        if let Some(part) = code.get(..length)
            && let Some(found) = register::division(&ctx.app, part).await?
        {
            title.clone_from(&found.name);
            if ctx.actor.scope.contains(part) {
                crumbs.push(Crumb { href: format!("/situation?division={part}"), name: found.name });
            }
        }
    }
    let measure =
        Measure::ALL.into_iter().find(|measure| measure.name() == query.measure).unwrap_or(Measure::Confirmed);
    let total = situation.total;
    let change = situation.change;
    let health = vec![
        Tile {
            label: page.t("figure-households"),
            figure: grouped(total.households),
            unit: page.t("unit-households"),
            note: page.t2(
                "figure-registered-note",
                "persons",
                grouped(total.persons),
                "monitored",
                grouped(total.monitored),
            ),
            trend: "",
            href: links.households(&code),
            danger: false,
        },
        person_tile(
            &page,
            "figure-confirmed",
            total.confirmed,
            change.confirmed,
            links.signals(HealthKind::Confirmed, &code),
        ),
        person_tile(&page, "figure-cured", total.cured, change.cured, links.signals(HealthKind::Cured, &code)),
        person_tile(&page, "figure-died", total.died, change.died, links.signals(HealthKind::Died, &code)),
        person_tile(
            &page,
            "figure-in_treatment",
            total.in_treatment,
            change.in_treatment(),
            links.signals(HealthKind::InTreatment, &code),
        ),
    ];
    let item_tile = |key: &str, figure: i64, note: String, state: &str, danger: bool| Tile {
        label: page.t(key),
        figure: grouped(figure),
        unit: page.t("unit-items"),
        note,
        trend: "",
        href: links.ledger(state, &code),
        danger,
    };
    let books = vec![
        item_tile("figure-open", total.open, page.t1("figure-opened-today", "count", change.opened), "open", false),
        item_tile("figure-overdue", total.overdue, String::new(), "overdue", total.overdue > 0),
        item_tile("figure-due_soon", total.due_soon, String::new(), "due_soon", false),
        item_tile(
            "figure-closed",
            total.closed,
            page.t1("figure-closed-today", "count", change.closed),
            "closed",
            false,
        ),
    ];
    let labels: Vec<String> = days.iter().map(|day| day.date.format("%-m-%d").to_string()).collect();
    let series = |key: &str, tone: &str, kind: &str, data: Vec<i64>| serde_json::json!({"name": page.t(key), "tone": tone, "kind": kind, "data": data});
    let epidemic_json = script_json(&serde_json::json!({
        "kind": "line", "x": labels,
        "label": page.t1("trend-epidemic-label", "place", &title),
        "series": [
            series("figure-confirmed", "accent", "line", days.iter().map(|d| d.confirmed).collect()),
            series("trend-new", "warn", "bar", days.iter().map(|d| d.new_confirmed).collect()),
            series("figure-cured", "ok", "line", days.iter().map(|d| d.cured).collect()),
            series("figure-in_treatment", "ink", "line", days.iter().map(super::Day::in_treatment).collect()),
        ]
    }));
    let items_json = script_json(&serde_json::json!({
        "kind": "bar", "x": labels,
        "label": page.t1("trend-items-label", "place", &title),
        "series": [
            series("trend-opened", "warn", "bar", days.iter().map(|d| d.opened).collect()),
            series("trend-closed", "ok", "bar", days.iter().map(|d| d.closed).collect()),
        ]
    }));
    let day_rows = days
        .iter()
        .rev()
        .map(|d| DayRow {
            day: d.date.to_string(),
            values: vec![d.new_confirmed, d.confirmed, d.cured, d.in_treatment(), d.opened, d.closed],
        })
        .collect();
    let below: Vec<&Line> =
        situation.lines.iter().filter(|line| !(line.name.is_empty() && line.figures == Figures::default())).collect();
    let values: Vec<i64> = below.iter().map(|line| measure.of(&line.figures)).collect();
    let classes = classes(&values);
    let name_of = |line: &Line| {
        if !line.name.is_empty() {
            line.name.clone()
        } else if line.code == code {
            page.t("situation-own-level")
        } else {
            line.code.clone()
        }
    };
    let tiles = below
        .iter()
        .map(|line| {
            let value = measure.of(&line.figures);
            MapTile {
                href: drill(line, &code, &links),
                name: name_of(line),
                value: grouped(value),
                shade: shade(&classes, value),
            }
        })
        .collect();
    let rows: Vec<Row> = below
        .iter()
        .map(|line| Row {
            href: drill(line, &code, &links),
            name: name_of(line),
            cells: cells(&line.figures, &line.code, &links),
            screened: percent(&line.figures),
            tier: line.tier.as_ref().map(|tier| tier_badge(&page, tier)),
        })
        .collect();
    let heads = HEADS.iter().map(|key| page.t(key)).collect();
    let counts = situation.tier_counts;
    let tier_note = match (&situation.tier, counts.high + counts.medium + counts.low) {
        (Some(tier), _) => page.t2("tier-note", "cumulative", tier.cumulative, "recent", tier.recent),
        (None, 0) => String::new(),
        (None, _) => crate::platform::i18n::text_with(
            page.lang,
            "tier-counts",
            &[
                ("high", counts.high.to_string()),
                ("medium", counts.medium.to_string()),
                ("low", counts.low.to_string()),
            ],
        ),
    };
    let mut as_of = Vec::new();
    if !situation.as_of.register.is_empty() {
        as_of.push(page.t1("as-of-register", "day", &situation.as_of.register));
    }
    if !situation.as_of.comparison.is_empty() {
        as_of.push(page.t1("as-of-comparison", "day", &situation.as_of.comparison));
    }
    as_of.push(page.t1("as-of-items", "time", page.time(&ctx.app.clock.now_ms())));
    ctx.render(&SituationPage {
        tier: situation.tier.as_ref().map(|tier| tier_badge(&page, tier)),
        tier_note,
        mode_href: code
            .get(..6)
            .map_or_else(|| "/work-mode".to_owned(), |county| format!("/work-mode?county={county}")),
        income_href: format!("/income?division={code}"),
        as_of,
        empty: total == Figures::default(),
        health,
        screened: percent(&total),
        screened_note: page.t2(
            "figure-screened-note",
            "households",
            grouped(total.screened_households),
            "rest",
            grouped(total.persons - total.screened_persons),
        ),
        screened_href: if ctx.actor.may(Capability::RunComparison) {
            "/comparisons".to_owned()
        } else {
            links.households(&code)
        },
        books,
        epidemic_json,
        items_json,
        days: day_rows,
        measures: Measure::ALL
            .into_iter()
            .map(|m| {
                let href = format!("/situation?division={code}&measure={}", m.name());
                let label = page.t(&format!("figure-{}", m.name()));
                (href, label, m == measure)
            })
            .collect(),
        measure_label: page.t(&format!("figure-{}", measure.name())),
        tiles,
        legend: legend(&classes),
        below: page.t(&format!("below-{}", code.len())),
        heads,
        shows_tiers: rows.iter().any(|row| row.tier.is_some()),
        rows,
        total: cells(&total, &code, &links),
        total_screened: percent(&total),
        may_import: ctx.actor.may(Capability::ImportRegister),
        crumbs,
        title,
        page,
    })
}

const HEADS: [&str; 9] = [
    "figure-households",
    "figure-persons",
    "figure-confirmed",
    "figure-cured",
    "figure-died",
    "figure-in_treatment",
    "figure-open",
    "figure-overdue",
    "figure-closed",
];

fn cells(figures: &Figures, code: &str, links: &Links) -> Vec<Cell> {
    use HealthKind::{Confirmed, Cured, Died, InTreatment};
    let cell = |at: usize, number: i64, href: String| Cell {
        text: grouped(number),
        href: if number == 0 { String::new() } else { href },
        label: HEADS[at],
        alarm: at == 7 && number > 0,
    };
    vec![
        cell(0, figures.households, links.households(code)),
        cell(1, figures.persons, links.households(code)),
        cell(2, figures.confirmed, links.signals(Confirmed, code)),
        cell(3, figures.cured, links.signals(Cured, code)),
        cell(4, figures.died, links.signals(Died, code)),
        cell(5, figures.in_treatment, links.signals(InTreatment, code)),
        cell(6, figures.open, links.ledger("open", code)),
        cell(7, figures.overdue, links.ledger("overdue", code)),
        cell(8, figures.closed, links.ledger("closed", code)),
    ]
}

/// One level deeper; the households of a group or of the own level.
fn drill(line: &Line, code: &str, links: &Links) -> String {
    if line.code == code || line.code.len() > 12 {
        links.households(&line.code)
    } else {
        format!("/situation?division={}", line.code)
    }
}

fn percent(figures: &Figures) -> String {
    format!("{:.1}", figures.screened_percent())
}

fn person_tile(page: &Page, key: &str, figure: i64, change: i64, href: String) -> Tile {
    let (trend, note) = match change {
        0 => ("flat", page.t("change-flat")),
        more if more > 0 => ("up", page.t1("change-up", "count", more)),
        less => ("down", page.t1("change-down", "count", -less)),
    };
    Tile { label: page.t(key), figure: grouped(figure), unit: page.t("unit-persons"), note, trend, href, danger: false }
}

fn tier_badge(page: &Page, tier: &Tier) -> Badge {
    let tone = match tier.tier.as_str() {
        "high" => "danger",
        "medium" => "warn",
        _ => "ok",
    };
    Badge { tone, text: page.t(&format!("tier-{}", tier.tier)) }
}

/// JSON for a script element: no text of the data can end the element.
fn script_json(value: &serde_json::Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// The highest value of each of up to five classes with about as many divisions each; nought is a class of its own.
fn classes(values: &[i64]) -> Vec<i64> {
    let mut some: Vec<i64> = values.iter().copied().filter(|v| *v > 0).collect();
    some.sort_unstable();
    let mut tops: Vec<i64> =
        (1..=5).filter_map(|class| some.get((some.len() * class / 5).checked_sub(1)?).copied()).collect();
    tops.dedup();
    tops
}

/// 0 for nought; else the class, spread so that the last class has the darkest shade.
fn shade(classes: &[i64], value: i64) -> usize {
    if value <= 0 || classes.is_empty() {
        return 0;
    }
    let at = classes.partition_point(|top| *top < value).min(classes.len() - 1) + 1;
    at * 5 / classes.len()
}

fn legend(classes: &[i64]) -> Vec<(usize, String)> {
    let mut out = vec![(0, "0".to_owned())];
    let mut from = 1;
    for (at, top) in classes.iter().enumerate() {
        let text = if from >= *top { grouped(*top) } else { format!("{}–{}", grouped(from), grouped(*top)) };
        out.push(((at + 1) * 5 / classes.len(), text));
        from = top + 1;
    }
    out
}

// ---- lists of persons ----

#[derive(Debug, Default, Deserialize)]
struct SignalsQuery {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    division: String,
    #[serde(default)]
    page: i64,
}

struct PersonRow {
    href: String,
    name: String,
    sex: String,
    age: String,
    id_masked: String,
    place: String,
    fact_date: String,
    tone: &'static str,
    state: String,
    open_items: i64,
}

#[derive(askama::Template)]
#[template(path = "signals.html")]
struct SignalsPage {
    page: Page,
    crumbs: Vec<Crumb>,
    title: String,
    tabs: Vec<(String, String, String, bool)>,
    rows: Vec<PersonRow>,
    summary: String,
    prev: String,
    next: String,
}

async fn signals_page(ctx: Ctx, Query(query): Query<SignalsQuery>) -> Result<Response, WebError> {
    let kind = HealthKind::from_name(&query.kind).unwrap_or(HealthKind::Confirmed);
    let code = if query.division.is_empty() { ctx.actor.scope.root().to_owned() } else { query.division };
    let scope = inside(&ctx, &code)?;
    let page = ctx.page("nav-situation");
    let counts = super::counts_with(&ctx.app, &scope).await?;
    let total = counts.get(&kind).copied().unwrap_or(0);
    let tabs = HealthKind::ALL
        .into_iter()
        .map(|one| {
            (
                format!("/signals?kind={}&division={code}", one.name()),
                page.t(&format!("kind-{}", one.name())),
                grouped(counts.get(&one).copied().unwrap_or(0)),
                one == kind,
            )
        })
        .collect();
    let last = (total.max(1) - 1) / ROWS + 1;
    let at = query.page.clamp(1, last);
    let found = super::persons_with(&ctx.app, &scope, kind, (at - 1) * ROWS, ROWS).await?;
    let today = ctx.app.clock.today();
    let link = |to: i64| format!("/signals?kind={}&division={code}&page={to}", kind.name());
    let (from, to) = ((at - 1) * ROWS + 1, (at - 1) * ROWS + i64::try_from(found.len()).unwrap_or(0));
    let summary = crate::platform::i18n::text_with(
        page.lang,
        "pager-summary",
        &[("from", from.min(to).to_string()), ("to", to.to_string()), ("total", total.to_string())],
    );
    let mut crumbs = Vec::new();
    let mut place = page.t("division-whole");
    for length in CODE_LENGTHS {
        if let Some(part) = code.get(..length)
            && let Some(division) = register::division(&ctx.app, part).await?
        {
            place.clone_from(&division.name);
            if ctx.actor.scope.contains(part) {
                crumbs.push(Crumb {
                    href: format!("/signals?kind={}&division={part}", kind.name()),
                    name: division.name,
                });
            }
        }
    }
    let rows = found
        .into_iter()
        .map(|row| {
            let (tone, state) = match (row.died, row.cured, kind) {
                (true, _, _) => ("danger", page.t("kind-died")),
                (_, true, _) => ("ok", page.t("kind-cured")),
                (_, _, HealthKind::Confirmed | HealthKind::InTreatment) => ("warn", page.t("kind-in_treatment")),
                _ => ("info", page.t(&format!("kind-{}", kind.name()))),
            };
            PersonRow {
                href: format!("/households/{}", row.household_id),
                sex: sex_text(&page, &row.sex),
                age: register::age(&row.birth_date, today).map_or_else(|| "—".to_owned(), |age| age.to_string()),
                id_masked: dash(&register::masked_id(&ctx.app, row.id_enc.as_deref())),
                name: row.name,
                place: row.place,
                fact_date: row.fact_date,
                tone,
                state,
                open_items: row.open_items,
            }
        })
        .collect();
    ctx.render(&SignalsPage {
        title: page.t2("signals-title", "place", place, "kind", page.t(&format!("kind-{}", kind.name()))),
        page,
        crumbs,
        tabs,
        rows,
        summary,
        prev: if at > 1 { link(at - 1) } else { String::new() },
        next: if at < last { link(at + 1) } else { String::new() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn classes_hold_about_as_many_each() {
        assert_eq!(classes(&[0, 0]), Vec::<i64>::new());
        assert_eq!(classes(&[3]), [3]);
        assert_eq!(classes(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), [2, 4, 6, 8, 10]);
        assert_eq!(shade(&[3], 3), 5);
        assert_eq!(shade(&[3], 0), 0);
        assert_eq!(legend(&[2, 4]), [(0, "0".to_owned()), (2, "1–2".to_owned()), (5, "3–4".to_owned())]);
    }

    #[test]
    fn a_name_cannot_end_the_script_element() {
        let text = script_json(&serde_json::json!({"name": "</script><b>&"}));
        assert!(!text.contains('<') && !text.contains('>') && !text.contains('&'));
        let back: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["name"], "</script><b>&");
    }

    proptest! {
        #[test]
        fn more_is_never_lighter(mut values in proptest::collection::vec(0_i64..500, 1..60)) {
            let tops = classes(&values);
            values.sort_unstable();
            let shades: Vec<usize> = values.iter().map(|v| shade(&tops, *v)).collect();
            prop_assert!(shades.is_sorted());
            prop_assert!(shades.iter().all(|s| *s <= 5));
            let most = values.last().copied().unwrap_or(0);
            prop_assert_eq!(shade(&tops, most), if most > 0 { 5 } else { 0 });
        }
    }
}
