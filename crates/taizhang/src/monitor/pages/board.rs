//! The board by state, and the figures of a month.

use axum::extract::Query;
use axum::response::Response;
use chrono::NaiveDate;

use super::super::model::Filter;
use super::{Choice, LINES, address, deadline, pager, tone};
use crate::access::{Capability, Role};
use crate::assess::profile::monitoring::{Machine, MonitoringPolicy, Phase};
use crate::monitor;
use crate::register;
use crate::web::{Ctx, Page, WebError};

/// The board's address, so that a view can be sent to somebody.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    state: String,
    phase: String,
    kind: String,
    risk: String,
    division: String,
    q: String,
    late: String,
    differs: String,
    green: String,
    entered: String,
    from: String,
    to: String,
    on: String,
    page: String,
}

fn day(text: &str) -> String {
    NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").map(|day| day.to_string()).unwrap_or_default()
}

impl Asked {
    fn filter(&self) -> Filter {
        let entered = if ["marked", "eliminated"].contains(&self.entered.as_str()) { &*self.entered } else { "" };
        Filter {
            state: self.state.clone(),
            phase: self.phase.clone(),
            kind: self.kind.clone(),
            risk: self.risk.clone(),
            division: self.division.chars().filter(char::is_ascii_digit).collect(),
            text: self.q.trim().chars().take(60).collect(),
            late: self.late == "1",
            differs: self.differs == "1",
            green: self.green == "1",
            entered: entered.to_owned(),
            from: day(&self.from),
            to: day(&self.to),
            on: day(&self.on),
            page: self.page.parse().unwrap_or(1),
            per_page: LINES,
        }
    }

    fn parts(&self) -> Vec<(&'static str, &str)> {
        vec![
            ("state", &self.state),
            ("phase", &self.phase),
            ("kind", &self.kind),
            ("risk", &self.risk),
            ("division", &self.division),
            ("q", &self.q),
            ("late", &self.late),
            ("differs", &self.differs),
            ("green", &self.green),
            ("entered", &self.entered),
            ("from", &self.from),
            ("to", &self.to),
            ("on", &self.on),
        ]
    }

    fn href(&self, changes: &[(&'static str, &str)]) -> String {
        let mut parts = self.parts();
        for (name, value) in changes {
            parts.retain(|(known, _)| known != name);
            parts.push((name, value));
        }
        address("/monitor", &parts)
    }
}

struct Tile {
    label: String,
    count: i64,
    note: String,
    href: String,
    tone: &'static str,
}

struct StateView {
    label: String,
    count: i64,
    late: i64,
    href: String,
    late_href: String,
    active: bool,
}

struct Group {
    label: String,
    states: Vec<StateView>,
}

struct Row {
    href: String,
    number: String,
    head: String,
    place: String,
    state: String,
    tone: &'static str,
    late: bool,
    green: bool,
    differs: bool,
    kind: String,
    risk: String,
    since: String,
    deadline: String,
}

#[derive(askama::Template)]
#[template(path = "monitor_board.html")]
struct BoardPage {
    page: Page,
    asof: String,
    profile: String,
    tiles: Vec<Tile>,
    groups: Vec<Group>,
    asked: Asked,
    divisions: Vec<Choice>,
    kinds: Vec<Choice>,
    risks: Vec<Choice>,
    heading: String,
    rows: Vec<Row>,
    summary: String,
    prev: String,
    next: String,
    reset: String,
    may_work: bool,
    may_remind: bool,
    of_a_place: bool,
}

pub(super) fn words(policy: &MonitoringPolicy) -> Option<&Machine> {
    policy.machine.as_ref()
}

fn policy_of(profile: &crate::assess::Profile) -> Result<(&MonitoringPolicy, &Machine), WebError> {
    let policy = profile.monitoring.as_ref();
    let machine = policy.and_then(words);
    policy
        .zip(machine)
        .ok_or_else(|| monitor::MonitorError::from(monitor::Refusal::missing("monitor.no_policy")).into())
}

pub(super) async fn board(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let page = ctx.page("nav-monitor");
    let lang = page.lang;
    let profile = monitor::policy(&ctx.app).await?;
    let (policy, machine) = policy_of(&profile)?;
    let filter = asked.filter();
    let today = ctx.app.clock.today();
    let counts = monitor::counts(&ctx.app, &ctx.actor, &filter.division).await?;
    let (lines, total) = monitor::list(&ctx.app, &ctx.actor, &filter).await?;
    let differing = monitor::differing(&ctx.app, &ctx.actor, &filter.division).await?;
    let sum = |phases: &[Phase]| -> i64 {
        counts.iter().filter(|c| phases.iter().any(|p| p.name() == c.phase)).map(|c| c.cases).sum()
    };
    let late: i64 = counts.iter().map(|c| c.late).sum();
    let of = |parts: &[(&'static str, &str)]| {
        let mut all = vec![("division", asked.division.as_str())];
        all.extend_from_slice(parts);
        address("/monitor", &all)
    };
    let tile = |label: &str, count: i64, note: String, href: String, danger: bool| Tile {
        label: page.t(label),
        count,
        note,
        href,
        tone: if danger { "danger" } else { "" },
    };
    let mut tiles = vec![
        tile("monitor-tile-late", late, page.t("monitor-tile-late-note"), of(&[("late", "1")]), late > 0),
        tile("monitor-tile-identify", sum(&[Phase::Identify]), String::new(), of(&[("phase", "identify")]), false),
        tile(
            "monitor-tile-in",
            sum(&[Phase::Monitored, Phase::Eliminate]),
            String::new(),
            of(&[("phase", "in")]),
            false,
        ),
        tile(
            "monitor-tile-eliminated",
            sum(&[Phase::Eliminated]),
            String::new(),
            of(&[("phase", "eliminated")]),
            false,
        ),
    ];
    if differing > 0 {
        let note = page.t("monitor-tile-differs-note");
        tiles.push(tile("monitor-tile-differs", differing, note, of(&[("differs", "1")]), false));
    }
    let groups = Phase::ALL
        .into_iter()
        .map(|phase| Group {
            label: page.t(&format!("monitor-phase-{}", phase.name())),
            states: machine
                .states
                .iter()
                .filter(|state| state.phase == phase)
                .map(|state| {
                    let count = counts.iter().find(|count| count.state == state.id);
                    StateView {
                        label: state.title.get(lang).to_owned(),
                        count: count.map_or(0, |count| count.cases),
                        late: count.map_or(0, |count| count.late),
                        href: of(&[("state", &state.id)]),
                        late_href: of(&[("state", &state.id), ("late", "1")]),
                        active: filter.state == state.id,
                    }
                })
                .collect(),
        })
        .collect();
    let rows: Vec<Row> = lines
        .iter()
        .map(|line| {
            let is_late = monitor::board_is_late(line, &today.to_string());
            Row {
                href: format!("/monitor/{}", line.id),
                number: line.number.clone(),
                head: line.head_name.clone(),
                place: line.place.clone(),
                state: machine.state(&line.state).map_or_else(|| line.state.clone(), |s| s.title.get(lang).to_owned()),
                tone: tone(&line.phase, is_late),
                late: is_late,
                green: line.green,
                differs: line.differs,
                kind: if line.kind.is_empty() {
                    "—".to_owned()
                } else {
                    policy.type_title(&line.kind, lang).to_owned()
                },
                risk: if line.main_risk.is_empty() { "—".to_owned() } else { line.main_risk.clone() },
                since: line.state_since.clone(),
                deadline: if Phase::from_name(&line.phase).is_some_and(Phase::is_open) {
                    deadline(&page, &line.deadline, today)
                } else {
                    "—".to_owned()
                },
            }
        })
        .collect();
    let (summary, prev, next) =
        pager(&page, filter.page, rows.len(), total, |wanted| asked.href(&[("page", &wanted.to_string())]));
    let divisions = monitor::sub_divisions(&ctx.app, &ctx.actor).await?;
    let helper = ctx.actor.role == Role::Helper && !ctx.actor.is_machine;
    ctx.render(&BoardPage {
        asof: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        profile: page.t2("ledger-profile", "key", &profile.key, "version", profile.version),
        tiles,
        groups,
        divisions: divisions
            .into_iter()
            .map(|(value, label)| Choice { chosen: value == filter.division, value, label })
            .collect(),
        kinds: policy
            .types
            .iter()
            .map(|of| Choice {
                value: of.id.clone(),
                label: of.title.get(lang).to_owned(),
                chosen: of.id == filter.kind,
            })
            .collect(),
        risks: policy
            .risks
            .iter()
            .map(|risk| Choice { value: risk.clone(), label: risk.clone(), chosen: *risk == filter.risk })
            .collect(),
        heading: heading(&page, machine, &filter),
        rows,
        summary,
        prev,
        next,
        reset: "/monitor".to_owned(),
        may_work: ctx.actor.may(Capability::WorkItems),
        may_remind: ctx.actor.may(Capability::AssignItems),
        of_a_place: !helper && ctx.actor.may(Capability::ViewFigures),
        asked,
        page,
    })
}

/// What the list is of, in words.
fn heading(page: &Page, machine: &Machine, filter: &Filter) -> String {
    let mut parts = Vec::new();
    if let Some(state) = machine.state(&filter.state) {
        parts.push(state.title.get(page.lang).to_owned());
    }
    if !filter.phase.is_empty() {
        parts.push(page.t(&format!("monitor-phase-{}", filter.phase)));
    }
    if filter.late {
        parts.push(page.t("monitor-tile-late"));
    }
    if filter.differs {
        parts.push(page.t("monitor-tile-differs"));
    }
    if filter.green {
        parts.push(page.t("monitor-green"));
    }
    if !filter.entered.is_empty() {
        let key = format!("monitor-entered-{}", filter.entered);
        parts.push(page.t2(&key, "from", &filter.from, "to", &filter.to));
    }
    if !filter.on.is_empty() {
        parts.push(page.t1("monitor-on", "day", &filter.on));
    }
    if parts.is_empty() { page.t("monitor-all") } else { parts.join(" · ") }
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct MonthAsked {
    month: String,
    division: String,
}

struct Figure {
    count: i64,
    href: String,
}

struct MonthRow {
    label: String,
    marked: Figure,
    eliminated: Figure,
    monitored: Figure,
}

struct MonthTable {
    title: String,
    rows: Vec<MonthRow>,
}

#[derive(askama::Template)]
#[template(path = "monitor_month.html")]
struct MonthPage {
    page: Page,
    asof: String,
    month: String,
    divisions: Vec<Choice>,
    tiles: Vec<Tile>,
    tables: Vec<MonthTable>,
    sub: String,
}

pub(super) async fn month(ctx: Ctx, Query(asked): Query<MonthAsked>) -> Result<Response, WebError> {
    let page = ctx.page("nav-monitor");
    let profile = monitor::policy(&ctx.app).await?;
    let (policy, _) = policy_of(&profile)?;
    let today = ctx.app.clock.today();
    let wanted =
        NaiveDate::parse_from_str(&format!("{}-01", asked.month.trim()), "%Y-%m-%d").unwrap_or(today).min(today);
    let division: String = asked.division.chars().filter(char::is_ascii_digit).collect();
    let found = monitor::month(&ctx.app, &ctx.actor, &division, wanted).await?;
    let (from, to) = (found.from.to_string(), found.to.to_string());
    let sum = |all: &[(String, String, i64)], of: &dyn Fn(&(String, String, i64)) -> bool| -> i64 {
        all.iter().filter(|row| of(row)).map(|row| row.2).sum()
    };
    let href = |what: &str, kind: &str, risk: &str| {
        let mut parts = vec![("division", division.as_str()), ("kind", kind), ("risk", risk)];
        if what == "on" {
            parts.push(("on", &to));
        } else {
            parts.extend([("entered", what), ("from", from.as_str()), ("to", to.as_str())]);
        }
        address("/monitor", &parts)
    };
    let row = |label: String, kind: &str, risk: &str| {
        let of = |r: &(String, String, i64)| (kind.is_empty() || r.0 == kind) && (risk.is_empty() || r.1 == risk);
        let figure =
            |all: &[(String, String, i64)], what: &str| Figure { count: sum(all, &of), href: href(what, kind, risk) };
        MonthRow {
            label,
            marked: figure(&found.marked, "marked"),
            eliminated: figure(&found.eliminated, "eliminated"),
            monitored: figure(&found.monitored, "on"),
        }
    };
    let everything = [&found.marked, &found.eliminated, &found.monitored];
    let mut kinds: Vec<String> = policy.types.iter().map(|of| of.id.clone()).collect();
    let mut risks: Vec<String> = policy.risks.clone();
    for (kind, risk, _) in everything.into_iter().flatten() {
        // What the register writes otherwise than the profile is a line of its own.
        if !kind.is_empty() && !kinds.contains(kind) {
            kinds.push(kind.clone());
        }
        if !risk.is_empty() && !risks.contains(risk) {
            risks.push(risk.clone());
        }
    }
    risks.retain(|risk| everything.into_iter().flatten().any(|row| row.1 == *risk));
    let total = row(page.t("monitor-total"), "", "");
    let tiles = vec![
        (page.t("monitor-month-marked"), total.marked),
        (page.t("monitor-month-eliminated"), total.eliminated),
        (page.t("monitor-month-monitored"), total.monitored),
    ];
    let divisions = monitor::sub_divisions(&ctx.app, &ctx.actor).await?;
    let place = if division.is_empty() { ctx.actor.scope.root().to_owned() } else { division.clone() };
    let place = register::division(&ctx.app, &place).await?.map(|d| d.full_name).unwrap_or_default();
    ctx.render(&MonthPage {
        asof: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        month: from.get(..7).unwrap_or_default().to_owned(),
        sub: format!("{place} {}", page.t2("monitor-month-period", "from", &from, "to", &to)),
        tiles: tiles
            .into_iter()
            .map(|(label, figure)| Tile {
                label,
                count: figure.count,
                note: String::new(),
                href: figure.href,
                tone: "",
            })
            .collect(),
        tables: vec![
            MonthTable {
                title: page.t("monitor-by-kind"),
                rows: kinds.iter().map(|id| row(policy.type_title(id, page.lang).to_owned(), id, "")).collect(),
            },
            MonthTable {
                title: page.t("monitor-by-risk"),
                rows: risks.iter().map(|risk| row(risk.clone(), "", risk)).collect(),
            },
        ],
        divisions: divisions
            .into_iter()
            .map(|(value, label)| Choice { chosen: value == division, value, label })
            .collect(),
        page,
    })
}
