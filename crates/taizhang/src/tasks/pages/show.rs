//! Looking at tasks: the list, one task at a place, the units that have it, one report, and who owes a report.

use axum::extract::{Path, Query};
use axum::response::Response;
use uuid::Uuid;

use super::super::export::{self, Format};
use super::super::look::{self, Filter, IndexLine, NodeFilter, Standing, Which};
use super::super::model::{Event, Figures, Leg, Node, State};
use super::super::{TaskError, postponed};
use super::{
    Choice, Count, LEAD, LegView, NAV, PastLine, ROWS, Tab, again, attached, badge_of, figure, leg_view, leg_views,
    paging, refused, state_badge, summary, tabs, way,
};
use crate::access::Capability;
use crate::platform::{UserError, i18n, ids};
use crate::register::pages::{Badge, Crumb, dash, grouped};
use crate::web::{Ctx, Form, Page, WebError, query_encoded};

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    state: String,
    q: String,
    division: String,
    which: String,
    under: String,
    late: String,
    purpose: String,
    format: String,
    page: i64,
}

struct Row {
    id: Uuid,
    title: String,
    sub: String,
    campaign: String,
    campaign_href: String,
    own: Option<Badge>,
    due: String,
    late: bool,
    legs: Vec<LegView>,
    below: Vec<(String, String, i64)>,
}

#[derive(askama::Template)]
#[template(path = "task_index.html")]
struct IndexPage {
    page: Page,
    tabs: Vec<Tab>,
    as_of: String,
    states: Vec<Count>,
    state: String,
    q: String,
    rows: Vec<Row>,
    may_issue: bool,
    owed: i64,
    late: i64,
    passed: i64,
    summary: String,
    prev: String,
    next: String,
}

fn row(page: &Page, line: IndexLine, today: &str) -> Row {
    let state = State::from_name(&line.own_state);
    let targets = Figures::new(line.target_poverty, line.target_epidemic);
    let done = Figures::new(line.done_poverty, line.done_epidemic);
    let closed = line.state == "closed";
    let late = !closed && state.is_some_and(State::owes) && line.due.as_str() < today;
    let legs =
        [(Leg::Poverty, &line.poverty, &line.poverty_unit), (Leg::Epidemic, &line.epidemic, &line.epidemic_unit)]
            .into_iter()
            .filter(|(_, asked, _)| !asked.is_empty())
            .map(|(leg, _, counts)| leg_view(page, leg, counts, targets.get(leg), done.get(leg)))
            .collect();
    let below = [
        ("unreported", line.unreported),
        ("returned", line.returned),
        ("reported", line.reported),
        ("accepted", line.accepted),
        ("late", line.late),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(which, count)| {
        let key = if which == "late" { "task-late".to_owned() } else { format!("task-state-{which}") };
        (format!("/tasks/{}/units?which={which}", line.id), page.t(&key), count)
    })
    .collect();
    Row {
        own: if closed {
            Some(Badge { tone: "mute", text: page.t("task-closed") })
        } else {
            state.map(|state| {
                let badge = badge_of(page, state);
                if late {
                    Badge { tone: "danger", text: page.t1("task-state-late", "state", badge.text) }
                } else {
                    badge
                }
            })
        },
        id: line.id,
        title: line.title,
        sub: line.unit,
        campaign_href: line.campaign_id.map(|id| format!("/tasks/campaigns/{id}")).unwrap_or_default(),
        campaign: line.campaign,
        due: line.due,
        late,
        legs,
        below,
    }
}

/// The tasks of the reader's place.
pub(super) async fn index(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let which = Which::from_name(&asked.state);
    let today = ctx.app.clock.today().to_string();
    let filter = |which: Which, offset: i64| Filter { which, text: asked.q.clone(), limit: ROWS, offset };
    let link = |which: Which, at: i64| format!("/tasks?state={}&q={}&page={at}", which.name(), query_encoded(&asked.q));
    let at = asked.page.clamp(1, 100_000);
    let (lines, total) = look::index(&ctx.app, &ctx.actor, &filter(which, (at - 1) * ROWS)).await?;
    let (offset, prev, next) = paging(at, total, |at| link(which, at));
    let mut states = Vec::new();
    for one in Which::ALL {
        let count = if one == which { total } else { look::count(&ctx.app, &ctx.actor, &filter(one, 0)).await? };
        states.push(Count {
            href: link(one, 1),
            label: page.t(&format!("task-which-{}", one.name())),
            count: grouped(count),
            active: one == which,
        });
    }
    let (_, owed, late) = look::owed(&ctx.app, &ctx.actor, "", false, (0, 0)).await?;
    ctx.render(&IndexPage {
        tabs: tabs(&ctx, "/tasks"),
        as_of: page.t1("task-as-of", "day", &today),
        summary: summary(&page, offset, lines.len(), total),
        rows: lines.into_iter().map(|line| row(&page, line, &today)).collect(),
        may_issue: LEAD.allows(&ctx.actor),
        passed: postponed::passed(&ctx.app, &ctx.actor).await?,
        states,
        state: which.name().to_owned(),
        q: asked.q,
        owed,
        late,
        prev,
        next,
        page,
    })
}

struct UnitRow {
    place: String,
    href: String,
    state: Badge,
    late: bool,
    due: String,
    legs: Vec<LegView>,
    pending: String,
    report_href: String,
    reported_on: String,
    below: String,
    below_href: String,
    /// For the form that accepts many: `node:version:report`.
    pick: String,
}

struct ReportRow {
    id: Uuid,
    number: i64,
    figures: String,
    day: String,
    by: String,
    verdict: Option<Badge>,
}

struct YearView {
    label: String,
    then: String,
    finally: String,
    change: String,
    up: &'static str,
}

#[derive(askama::Template)]
#[template(path = "task_show.html")]
struct ShowPage {
    page: Page,
    crumbs: Vec<Crumb>,
    id: Uuid,
    title: String,
    place: String,
    sub: String,
    as_of: String,
    closed: bool,
    state: Option<Badge>,
    due: String,
    issued_by: String,
    basis: String,
    content: String,
    asked: Vec<(String, String)>,
    note: String,
    campaign: Option<(Uuid, String)>,
    legs: Vec<LegView>,
    own_legs: Vec<LegView>,
    counted_href: String,
    rows: Vec<UnitRow>,
    counts: Vec<(String, String, i64)>,
    year: Vec<YearView>,
    year_href: String,
    year_day: String,
    reports: Vec<ReportRow>,
    events: Vec<PastLine>,
    may_hand: bool,
    may_report: bool,
    may_close: bool,
    any_pick: bool,
    version: i64,
    event: Uuid,
    division: String,
}

fn figures_text(page: &Page, legs: &[Leg], counts: impl Fn(Leg) -> String, figures: Figures) -> String {
    legs.iter()
        .map(|leg| {
            format!("{} {} {}", page.t(&format!("task-leg-{}", leg.name())), figure(figures.get(*leg)), counts(*leg))
        })
        .collect::<Vec<_>>()
        .join(" · ")
}

fn event_line(page: &Page, event: &Event) -> PastLine {
    let tone = match event.action.as_str() {
        "accept" => "ok",
        "return" => "danger",
        "remind" | "retarget" => "mute",
        _ => "",
    };
    PastLine {
        day: event.day.clone(),
        time: page.time(&event.at),
        tone,
        title: page.t(&format!("task-did-{}", event.action)),
        note: event.note.clone(),
        by: [event.by_unit.as_str(), event.by_name.as_str()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" · "),
        href: event.report_id.map(|id| format!("/tasks/reports/{id}")).unwrap_or_default(),
        link: page.t("task-open-report"),
    }
}

/// One task at a place.
pub(super) async fn show(ctx: Ctx, Path(id): Path<Uuid>, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let whole = look::whole(&ctx.app, &ctx.actor, id, &asked.division).await?;
    let page = ctx.page(NAV);
    let today = ctx.app.clock.today().to_string();
    let task = &whole.task;
    let legs = task.legs();
    let (place, crumbs) = way(&ctx, &whole.division, &format!("/tasks/{id}")).await?;
    let is_root = whole.node.as_ref().is_some_and(|node| node.parent_id.is_none());
    let node = whole.node.as_ref();
    // What the unit is to reach: its own target, else what it asked for below.
    let mut targets = whole.asked;
    for leg in Leg::ALL {
        if let Some(own) = node.and_then(|node| node.targets().get(leg)) {
            targets.set(leg, Some(own));
        }
    }
    let division = &whole.division;
    let rows: Vec<UnitRow> = whole
        .lines
        .iter()
        .map(|line| {
            let below = whole.below.get(&line.id).copied().unwrap_or_default();
            let waits = whole.may.decide && line.state() == State::Reported && node.is_some();
            UnitRow {
                href: format!("/tasks/{id}?division={}", line.division_code),
                place: line.place.clone(),
                state: state_badge(&page, line, &today),
                late: line.is_late(&today),
                due: line.due.clone(),
                legs: leg_views(&page, task, line.targets(), line.accepted()),
                pending: if line.state() == State::Accepted || line.last_report.is_none() {
                    String::new()
                } else {
                    figures_text(&page, &legs, |leg| task.counts(leg).to_owned(), line.reported())
                },
                report_href: line.last_report.map(|id| format!("/tasks/reports/{id}")).unwrap_or_default(),
                reported_on: dash(&line.reported_on),
                below: if below.nodes == 0 {
                    String::new()
                } else {
                    page.t2("task-below-owed", "owed", below.unreported + below.returned, "nodes", below.nodes)
                },
                below_href: format!("/tasks/{id}?division={}", line.division_code),
                pick: match (waits, line.last_report) {
                    (true, Some(report)) => format!("{}:{}:{report}", line.id, line.version),
                    _ => String::new(),
                },
            }
        })
        .collect();
    let count =
        |test: &dyn Fn(&Node) -> bool| i64::try_from(whole.lines.iter().filter(|line| test(line)).count()).unwrap_or(0);
    let mut counts: Vec<(String, String, i64)> = State::BELOW
        .into_iter()
        .map(|state| {
            let href = format!("/tasks/{id}/units?division={division}&which={}", state.name());
            (href, page.t(&format!("task-state-{}", state.name())), count(&|line| line.state() == state))
        })
        .collect();
    let late_href = format!("/tasks/{id}/units?division={division}&which=late");
    counts.push((late_href, page.t("task-late"), count(&|line| line.is_late(&today))));
    let verdict = |report: Uuid| {
        let found = whole.events.iter().find(|event| event.report_id == Some(report) && event.action != "report")?;
        Some(badge_of(&page, if found.action == "accept" { State::Accepted } else { State::Returned }))
    };
    let reports = whole
        .reports
        .iter()
        .map(|report| ReportRow {
            id: report.id,
            number: report.number,
            figures: figures_text(&page, &legs, |leg| task.counts(leg).to_owned(), report.total()),
            day: report.reported_on.clone(),
            by: report.by_name.clone(),
            verdict: verdict(report.id),
        })
        .collect();
    let done = if whole.lines.is_empty() { node.map(Node::accepted).unwrap_or_default() } else { whole.sum };
    let year = whole.last_year.as_ref().map(|before| year_views(&page, &legs, before, done)).unwrap_or_default();
    let under = node.map(|node| format!("&under={}", node.id)).unwrap_or_default();
    let view = ShowPage {
        id,
        title: task.title.clone(),
        sub: page.t2("task-issued-sub", "unit", &task.unit, "due", node.map_or(task.due.as_str(), |n| n.due.as_str())),
        as_of: page.t1("task-as-of", "day", &today),
        closed: !task.is_open(),
        state: node.map(|node| state_badge(&page, node, if task.is_open() { &today } else { "" })),
        due: node.map_or_else(|| task.due.clone(), |node| node.due.clone()),
        issued_by: page.t2("task-issued-by", "who", dash(&task.created_name), "at", page.time(&task.created_at)),
        basis: dash(&task.basis),
        content: task.content.clone(),
        asked: legs
            .iter()
            .map(|leg| (page.t(&format!("task-leg-{}", leg.name())), task.asked(*leg).to_owned()))
            .collect(),
        note: node.map(|node| node.note.clone()).unwrap_or_default(),
        campaign: whole.campaign.clone(),
        legs: leg_views(&page, task, targets, done),
        own_legs: match node.filter(|node| !is_root && node.accepted_report.is_some() && !whole.lines.is_empty()) {
            Some(node) => leg_views(&page, task, node.targets(), node.accepted()),
            None => Vec::new(),
        },
        counted_href: if whole.lines.is_empty() {
            String::new()
        } else {
            format!("/tasks/{id}/units?division={division}{under}&which=counted")
        },
        any_pick: rows.iter().any(|row| !row.pick.is_empty()),
        rows,
        counts: counts.into_iter().filter(|(.., count)| *count > 0).collect(),
        year_href: whole.last_year.as_ref().map(|before| format!("/tasks/{}", before.task.id)).unwrap_or_default(),
        year_day: whole.last_year.as_ref().map(|before| before.day.clone()).unwrap_or_default(),
        year,
        reports,
        events: whole.events.iter().map(|event| event_line(&page, event)).collect(),
        may_hand: whole.may.hand_down,
        may_report: whole.may.report,
        may_close: whole.may.close,
        version: node.map_or(0, |node| node.version),
        event: ids::new_id(),
        division: division.clone(),
        place,
        crumbs,
        page,
    };
    ctx.render(&view)
}

fn year_views(page: &Page, legs: &[Leg], before: &look::LastYear, now: Figures) -> Vec<YearView> {
    legs.iter()
        .filter_map(|leg| {
            let then = before.then.get(*leg).or_else(|| before.finally.get(*leg).map(|_| 0))?;
            let now = now.get(*leg).unwrap_or(0);
            let change = now - then;
            Some(YearView {
                label: page.t(&format!("task-leg-{}", leg.name())),
                then: figure(Some(then)),
                finally: figure(before.finally.get(*leg)),
                change: if then > 0 {
                    let permille = change.unsigned_abs() * 1000 / then.unsigned_abs();
                    format!("{} ({}.{}%)", figure(Some(change.abs())), permille / 10, permille % 10)
                } else {
                    figure(Some(change.abs()))
                },
                up: match change {
                    0 => "flat",
                    change if change > 0 => "up",
                    _ => "down",
                },
            })
        })
        .collect()
}

struct NodeRow {
    code: String,
    place: String,
    href: String,
    state: Badge,
    late: bool,
    due: String,
    legs: Vec<LegView>,
    report_href: String,
    reported_on: String,
    reminders: i64,
}

#[derive(askama::Template)]
#[template(path = "task_units.html")]
struct UnitsPage {
    page: Page,
    crumbs: Vec<Crumb>,
    title: String,
    place: String,
    as_of: String,
    tabs: Vec<Count>,
    sums: Vec<(String, String)>,
    rows: Vec<NodeRow>,
    back: String,
    export: String,
    summary: String,
    prev: String,
    next: String,
}

fn node_filter(id: Uuid, asked: &Asked, offset: i64) -> NodeFilter {
    NodeFilter {
        task: id,
        under: asked.under.parse().ok(),
        which: Standing::from_name(&asked.which),
        limit: ROWS,
        offset,
    }
}

/// The units of a place that have a task: all, or those of a state.
pub(super) async fn units(ctx: Ctx, Path(id): Path<Uuid>, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let at = asked.page.clamp(1, 100_000);
    let filter = node_filter(id, &asked, (at - 1) * ROWS);
    let (task, nodes, total, sum) = look::nodes(&ctx.app, &ctx.actor, &asked.division, &filter).await?;
    let page = ctx.page(NAV);
    let today = ctx.app.clock.today().to_string();
    let unit = super::super::unit_of(&ctx.app, &ctx.actor).await?;
    let (division, _) = look::place_of(&ctx.actor, &unit, &asked.division);
    let named = |which: Option<Standing>| which.map_or("", Standing::name);
    let shown = named(filter.which);
    let (place, crumbs) = way(&ctx, &division, &format!("/tasks/{id}/units?which={shown}")).await?;
    let under = filter.under.map(|under| format!("&under={under}")).unwrap_or_default();
    let base = format!("/tasks/{id}/units?division={division}{under}");
    let mut tabs = Vec::new();
    for which in [None].into_iter().chain(Standing::ALL.map(Some)) {
        let count = if which == filter.which {
            total
        } else {
            let other = NodeFilter { which, limit: 0, offset: 0, ..filter.clone() };
            look::nodes(&ctx.app, &ctx.actor, &asked.division, &other).await?.2
        };
        let label = match which {
            None => page.t("task-which-all"),
            Some(Standing::Late) => page.t("task-late"),
            Some(Standing::Counted) => page.t("task-counted"),
            Some(state) => page.t(&format!("task-state-{}", state.name())),
        };
        tabs.push(Count {
            href: format!("{base}&which={}", named(which)),
            label,
            count: grouped(count),
            active: which == filter.which,
        });
    }
    let link = |at: i64| format!("{base}&which={shown}&page={at}");
    let (offset, prev, next) = paging(at, total, link);
    let legs = task.legs();
    let rows: Vec<NodeRow> = nodes
        .iter()
        .map(|node| NodeRow {
            code: node.division_code.clone(),
            place: node.place.clone(),
            href: format!("/tasks/{id}?division={}", node.division_code),
            state: state_badge(&page, node, &today),
            late: node.is_late(&today),
            due: node.due.clone(),
            legs: leg_views(&page, &task, node.targets(), node.accepted()),
            report_href: node.last_report.map(|id| format!("/tasks/reports/{id}")).unwrap_or_default(),
            reported_on: dash(&node.reported_on),
            reminders: node.reminders,
        })
        .collect();
    let export = if ctx.actor.may(Capability::Export) {
        format!("/tasks/{id}/export?division={division}{under}&which={shown}")
    } else {
        String::new()
    };
    ctx.render(&UnitsPage {
        title: task.title.clone(),
        as_of: page.t1("task-as-of", "day", &today),
        // Units of one parent add up; a county and its townships do not.
        sums: if filter.under.is_some() {
            legs.iter()
                .map(|leg| {
                    let label = page.t1("task-sum", "leg", page.t(&format!("task-leg-{}", leg.name())));
                    (label, format!("{} {}", figure(sum.get(*leg).or(Some(0))), task.counts(*leg)))
                })
                .collect()
        } else {
            Vec::new()
        },
        summary: summary(&page, offset, rows.len(), total),
        back: format!("/tasks/{id}?division={division}"),
        place,
        crumbs,
        tabs,
        rows,
        export,
        prev,
        next,
        page,
    })
}

#[derive(askama::Template)]
#[template(path = "task_export.html")]
struct ExportPage {
    page: Page,
    id: Uuid,
    title: String,
    rows: String,
    division: String,
    under: String,
    which: String,
    back: String,
    formats: Vec<Choice>,
    purpose: String,
    error: String,
}

async fn export_page(ctx: &Ctx, id: Uuid, asked: &Asked, error: String) -> Result<Response, WebError> {
    let filter = NodeFilter { limit: 0, ..node_filter(id, asked, 0) };
    let (task, _, count, _) = look::nodes(&ctx.app, &ctx.actor, &asked.division, &filter).await?;
    let page = ctx.page(NAV);
    let unit = super::super::unit_of(&ctx.app, &ctx.actor).await?;
    let (division, _) = look::place_of(&ctx.actor, &unit, &asked.division);
    let under = filter.under.map(|id| id.to_string()).unwrap_or_default();
    let which = filter.which.map_or("", Standing::name);
    ctx.render(&ExportPage {
        title: task.title,
        rows: page.t1("task-export-rows", "count", grouped(count)),
        back: format!("/tasks/{id}/units?division={division}&under={under}&which={which}"),
        formats: ["xlsx", "csv"]
            .map(|format| Choice::new(format, format.to_uppercase(), Format::from_name(&asked.format).ending()))
            .into_iter()
            .collect(),
        purpose: asked.purpose.clone(),
        id,
        division,
        under,
        which: which.to_owned(),
        error,
        page,
    })
}

/// What is to be taken out, and what for.
pub(super) async fn export_question(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    export_page(&ctx, id, &asked, String::new()).await
}

/// The file.
pub(super) async fn export(ctx: Ctx, Path(id): Path<Uuid>, Form(asked): Form<Asked>) -> Result<Response, WebError> {
    let format = Format::from_name(&asked.format);
    let filter = node_filter(id, &asked, 0);
    let made = export::units(&ctx.app, &ctx.actor, &asked.division, &filter, &asked.purpose, format, ctx.lang).await;
    match made {
        Ok(sheet) => Ok(attached(&sheet.title, format.ending(), sheet.file(format)?)),
        Err(error) if again(&error) => Ok(refused(export_page(&ctx, id, &asked, error.message(ctx.lang)).await?)),
        Err(error) => Err(error.into()),
    }
}

struct LegSaid {
    label: String,
    counts: String,
    total: String,
    own: String,
    below: String,
    said: String,
}

struct PartRow {
    id: Uuid,
    place: String,
    number: i64,
    figures: String,
    day: String,
}

#[derive(askama::Template)]
#[template(path = "task_report.html")]
struct ReportPage {
    page: Page,
    title: String,
    number: i64,
    place: String,
    task_href: String,
    by: String,
    state: Option<Badge>,
    newest: bool,
    legs: Vec<LegSaid>,
    has_below: bool,
    parts: Vec<PartRow>,
    verdicts: Vec<PastLine>,
    may_decide: bool,
    may_accept: bool,
    decide: String,
    node: Uuid,
    report: Uuid,
    version: i64,
    event: Uuid,
}

/// One report, with what it was added up from and what was decided about it.
pub(super) async fn report(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let found = look::report(&ctx.app, &ctx.actor, id).await?;
    let page = ctx.page(NAV);
    let (task, report, node) = (&found.task, &found.report, &found.node);
    let legs = task.legs();
    let above = match node.parent_id {
        Some(_) => {
            let above = look::whole(&ctx.app, &ctx.actor, task.id, "").await?;
            above.may.decide && above.node.as_ref().map(|node| node.id) == node.parent_id
        }
        None => false,
    };
    let newest = node.last_report == Some(id);
    let may_decide = newest && (above || (ctx.actor.is_machine && task.is_open()));
    let state = found
        .verdicts
        .first()
        .map(|event| badge_of(&page, if event.action == "accept" { State::Accepted } else { State::Returned }))
        .unwrap_or_else(|| badge_of(&page, State::Reported));
    let by = [report.by_unit.as_str(), report.by_name.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" · ");
    ctx.render(&ReportPage {
        title: task.title.clone(),
        number: report.number,
        place: node.place.clone(),
        task_href: format!("/tasks/{}?division={}", task.id, node.division_code),
        by: page.t2("task-reported-by", "who", dash(&by), "at", page.time(&report.at)),
        state: Some(state),
        newest,
        has_below: legs.iter().any(|leg| report.below().get(*leg).is_some()),
        legs: legs
            .iter()
            .map(|leg| LegSaid {
                label: page.t(&format!("task-leg-{}", leg.name())),
                counts: task.counts(*leg).to_owned(),
                total: figure(report.total().get(*leg)),
                own: figure(report.own().get(*leg)),
                below: figure(report.below().get(*leg)),
                said: report.said(*leg).to_owned(),
            })
            .collect(),
        parts: found
            .parts
            .iter()
            .map(|(part, place)| PartRow {
                id: part.id,
                place: place.clone(),
                number: part.number,
                figures: figures_text(&page, &legs, |leg| task.counts(leg).to_owned(), part.total()),
                day: part.reported_on.clone(),
            })
            .collect(),
        verdicts: found
            .verdicts
            .iter()
            .map(|event| PastLine { href: String::new(), ..event_line(&page, event) })
            .collect(),
        may_decide: may_decide && matches!(node.state(), State::Reported | State::Accepted),
        may_accept: node.state() == State::Reported,
        decide: format!("/tasks/{}/decide", task.id),
        node: node.id,
        report: id,
        version: node.version,
        event: ids::new_id(),
        page,
    })
}

struct OwedRow {
    node: Uuid,
    task: Uuid,
    title: String,
    place: String,
    state: Badge,
    late: bool,
    due: String,
    days: String,
    above: String,
    reminders: i64,
    may_remind: bool,
}

#[derive(askama::Template)]
#[template(path = "task_owed.html")]
struct OwedPage {
    page: Page,
    tabs: Vec<Tab>,
    as_of: String,
    crumbs: Vec<Crumb>,
    which: Vec<Count>,
    rows: Vec<OwedRow>,
    may_remind: bool,
    back: String,
    summary: String,
    prev: String,
    next: String,
}

/// Who owes a report.
pub(super) async fn owed(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let late_only = asked.late == "1";
    let at = asked.page.clamp(1, 100_000);
    let (lines, all, late) =
        look::owed(&ctx.app, &ctx.actor, &asked.division, late_only, (ROWS, (at - 1) * ROWS)).await?;
    let page = ctx.page(NAV);
    let today = ctx.app.clock.today();
    let unit = super::super::unit_of(&ctx.app, &ctx.actor).await?;
    let (division, _) = look::place_of(&ctx.actor, &unit, &asked.division);
    let (_, crumbs) = way(&ctx, &division, "/tasks/owed").await?;
    let link = |late: bool, at: i64| format!("/tasks/owed?division={division}&late={}&page={at}", i32::from(late));
    let total = if late_only { late } else { all };
    let (offset, prev, next) = paging(at, total, |at| link(late_only, at));
    let leads = LEAD.allows(&ctx.actor);
    let rows: Vec<OwedRow> = lines
        .into_iter()
        .map(|line| {
            let days = line.due.parse::<chrono::NaiveDate>().map_or(0, |due| (today - due).num_days());
            let state = State::from_name(&line.state).unwrap_or(State::Unreported);
            let badge = badge_of(&page, state);
            OwedRow {
                may_remind: leads && (ctx.actor.is_machine || line.above == unit),
                node: line.node_id,
                task: line.task_id,
                title: line.title,
                place: line.place,
                state: if days > 0 { Badge { tone: "danger", ..badge } } else { badge },
                late: days > 0,
                days: if days > 0 { page.t1("task-days-late", "days", days) } else { String::new() },
                due: line.due,
                above: dash(&line.above_place),
                reminders: line.reminders,
            }
        })
        .collect();
    ctx.render(&OwedPage {
        tabs: tabs(&ctx, "/tasks/owed"),
        as_of: page.t1("task-as-of", "day", today),
        which: [(false, "task-owed-all", all), (true, "task-owed-late", late)]
            .into_iter()
            .map(|(one, key, count)| Count {
                href: link(one, 1),
                label: page.t(key),
                count: grouped(count),
                active: one == late_only,
            })
            .collect(),
        may_remind: rows.iter().any(|row| row.may_remind),
        summary: summary(&page, offset, rows.len(), total),
        back: link(late_only, at),
        crumbs,
        rows,
        prev,
        next,
        page,
    })
}

/// The error of a step that concerns another unit, for a place that has the task not.
pub(super) fn not_here(ctx: &Ctx) -> TaskError {
    TaskError::Unit { unit: i18n::text(ctx.lang, "task-another-unit") }
}
