//! The ledger's table: filters and order in the address, columns as chosen, views kept by name.

use axum::extract::Query;
use axum::response::Response;
use chrono::NaiveDate;
use uuid::Uuid;

use super::address::{Asked, LINES};
use super::columns::Column;
use super::views;
use crate::access::audit::{self, Entry};
use crate::access::{Capability, Role};
use crate::assess::{self, Profile};
use crate::ledger::assign_pages::{Choice, label};
use crate::ledger::export::Edition;
use crate::ledger::model::{Counts, Filter, Line, State, Then, Which};
use crate::ledger::pages::{late_days, tone};
use crate::ledger::{LedgerError, books, table, words};
use crate::platform::{i18n, ids};
use crate::register::pages::grouped;
use crate::web::{Ctx, Page, WebError};

/// The most lines of a printed list.
const PRINTED: usize = 200;

struct Tab {
    href: String,
    label: String,
    count: String,
    active: bool,
}

struct Head {
    label: String,
    href: String,
    /// ascending, descending or none.
    sort: &'static str,
    class: &'static str,
}

/// A cell of a line.
pub(in crate::ledger) struct Cell {
    pub(in crate::ledger) label: String,
    pub(in crate::ledger) class: &'static str,
    pub(in crate::ledger) text: String,
    pub(in crate::ledger) href: String,
    /// The tone of a badge; empty for plain text.
    pub(in crate::ledger) badge: &'static str,
    pub(in crate::ledger) note: String,
}

/// A line of the table.
pub(in crate::ledger) struct Row {
    id: Uuid,
    number: String,
    pub(in crate::ledger) late: bool,
    pub(in crate::ledger) cells: Vec<Cell>,
}

impl Row {
    pub(in crate::ledger) fn of(
        page: &Page,
        profile: &Profile,
        columns: &[Column],
        line: &Line,
        then: &str,
        today: NaiveDate,
    ) -> Self {
        let state = State::from_name(&line.state).unwrap_or(State::ToVerify);
        let days = late_days(&line.deadline, today);
        let late = state.is_open() && days > 0;
        let lead = if columns.contains(&Column::Title) { Column::Title } else { Column::Number };
        let cells = columns.iter().map(|column| {
            let mut cell = Cell {
                label: page.t(&column.key()),
                class: match column {
                    column if *column == lead => "lead",
                    Column::Village => "wide place",
                    Column::Number | Column::Deadline | Column::Opened | Column::Updated => "nowrap",
                    Column::Round => "num",
                    _ => "",
                },
                text: column.text(profile, Edition::Internal, line, page.lang),
                href: String::new(),
                badge: "",
                note: String::new(),
            };
            match column {
                Column::Number | Column::Title => cell.href = format!("/ledger/{}", line.id),
                Column::Household => {
                    cell.href = line.household_id.map(|id| format!("/households/{id}")).unwrap_or_default();
                }
                Column::State => {
                    cell.badge = if late { "danger" } else { tone(state) };
                    if late {
                        cell.text = page.t2("ledger-late", "state", cell.text, "days", days);
                    }
                    if !then.is_empty() && then != line.state {
                        let word = words::state(profile, &line.ledger, then).get(page.lang).to_owned();
                        cell.note = page.t1("ledger-then-state", "state", word);
                    }
                }
                // Where nobody has a name, the unit answers.
                Column::Owner if cell.text.is_empty() && !columns.contains(&Column::Unit) => {
                    cell.text.clone_from(&line.owner_unit);
                }
                _ => {}
            }
            cell
        });
        Self { id: line.id, number: line.number.clone(), late, cells: cells.collect() }
    }
}

/// A filter that is on, and the address without it.
struct Chip {
    text: String,
    href: String,
}

struct ColumnChoice {
    name: &'static str,
    label: String,
    shown: bool,
}

struct ViewLink {
    id: Uuid,
    name: String,
    href: String,
    /// Who shares it; empty for one's own.
    by: String,
    own: bool,
    shared: bool,
    active: bool,
}

/// The choices of the filters.
struct Choices {
    divisions: Vec<Choice>,
    ledgers: Vec<Choice>,
    rules: Vec<Choice>,
    levels: Vec<Choice>,
    sources: Vec<Choice>,
    measures: Vec<Choice>,
}

impl Choices {
    async fn of(ctx: &Ctx, profile: &Profile, filter: &Filter) -> Result<Self, LedgerError> {
        let lang = ctx.lang;
        let choice =
            |value: &str, label: String, asked: &str| Choice { chosen: value == asked, value: value.to_owned(), label };
        let divisions = crate::ledger::sub_divisions(&ctx.app, &ctx.actor).await?;
        Ok(Self {
            divisions: divisions.into_iter().map(|(code, name)| choice(&code, name, &filter.division)).collect(),
            ledgers: profile
                .ledgers
                .iter()
                .map(|(id, policy)| choice(id, policy.title.get(lang).to_owned(), &filter.ledger))
                .collect(),
            rules: profile
                .rules
                .iter()
                .map(|rule| choice(&rule.id, rule.title.get(lang).to_owned(), &filter.rule))
                .collect(),
            levels: table::levels(profile)
                .iter()
                .map(|level| choice(level, words::level(profile, level).get(lang).to_owned(), &filter.level))
                .collect(),
            sources: table::sources().map(|name| choice(name, words::source(name, lang), &filter.source)).collect(),
            measures: profile
                .measures
                .iter()
                .map(|(id, title)| choice(id, title.get(lang).to_owned(), &filter.measure))
                .collect(),
        })
    }

    /// The filters that are on, each with the address without it. The tab says state and whose.
    fn chips(&self, page: &Page, asked: &Asked, filter: &Filter) -> Vec<Chip> {
        let mut out = Vec::new();
        let mut on = |key: &str, name: &'static str, value: String| {
            if !asked.get(name).is_empty() {
                let text = format!("{}{}{value}", page.t(key), page.t("list-colon"));
                out.push(Chip { text, href: asked.clone().at_top().href("/ledger", &[(name, "")]) });
            }
        };
        let label = |list: &[Choice], asked: &str| {
            list.iter().find(|c| c.chosen).map_or_else(|| asked.to_owned(), |c| c.label.clone())
        };
        on("ledger-filter-division", "division", label(&self.divisions, &filter.division));
        on("ledger-filter-ledger", "ledger", label(&self.ledgers, &filter.ledger));
        on("ledger-filter-rule", "rule", label(&self.rules, &filter.rule));
        on("ledger-column-level", "level", label(&self.levels, &filter.level));
        on("ledger-filter-source", "source", label(&self.sources, &filter.source));
        on("ledger-filter-measure", "measure", label(&self.measures, &filter.measure));
        on("ledger-column-unit", "unit", filter.unit.clone());
        on("ledger-filter-owner", "owner", filter.owner.clone());
        on("ledger-filter-due_from", "due_from", asked.get("due_from").to_owned());
        on("ledger-filter-due_to", "due_to", asked.get("due_to").to_owned());
        on("ledger-filter-text", "q", filter.text.clone());
        if filter.late {
            out.push(Chip {
                text: page.t("ledger-filter-late"),
                href: asked.clone().at_top().href("/ledger", &[("late", "")]),
            });
        }
        if filter.household.is_some() {
            out.push(Chip {
                text: page.t("ledger-filter-household"),
                href: asked.clone().at_top().href("/ledger", &[("household", "")]),
            });
        }
        out
    }
}

#[derive(askama::Template)]
#[template(path = "ledger.html")]
struct TablePage {
    page: Page,
    heading: String,
    asof: String,
    /// The day or period of the books that the list is of; empty for now.
    then: String,
    then_off: String,
    tabs: Vec<Tab>,
    choices: Choices,
    chips: Vec<Chip>,
    asked: Asked,
    /// A filter of the folded ones is on.
    unfolded: bool,
    heads: Vec<Head>,
    rows: Vec<Row>,
    columns: Vec<ColumnChoice>,
    views: Vec<ViewLink>,
    keeps_views: bool,
    query: String,
    summary: String,
    total_text: String,
    /// The whole view may be chosen for a batch, beyond what the page shows.
    offers_all: bool,
    prev: String,
    next: String,
    export: String,
    print: String,
    /// What the work mode of the county that the list is of says of visits, and where it is explained.
    mode: Option<(String, String)>,
    may_lists: bool,
    may_assign: bool,
    assignees: Vec<String>,
    batch: Uuid,
}

/// Whether a filter asks for nothing but a tab and a division, of which the tab has the exact count.
fn tab_count(filter: &Filter, counts: &Counts) -> Option<i64> {
    let plain = Filter { which: filter.which, division: filter.division.clone(), ..Filter::default() };
    let same = Filter { sort: plain.sort, descending: false, page: 0, per_page: 0, mine: false, ..filter.clone() };
    if same != plain {
        return None;
    }
    match (filter.mine, filter.which) {
        (true, Which::Open) => Some(counts.mine),
        (true, _) => None,
        (false, Which::Open) => Some(counts.open),
        (false, Which::Overdue) => Some(counts.overdue),
        (false, Which::ToCheck) => Some(counts.to_check),
        (false, Which::One(State::Closed)) => Some(counts.closed),
        (false, Which::One(State::Cancelled)) => Some(counts.cancelled),
        (false, Which::All) => Some(counts.open + counts.closed + counts.cancelled),
        _ => None,
    }
}

pub(in crate::ledger) async fn list(
    ctx: Ctx,
    Query(fields): Query<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let mut asked = Asked::of(&fields);
    // Whoever works items sees their own first.
    let worker = matches!(ctx.actor.role, Role::VillageOfficer | Role::Helper) && !ctx.actor.is_machine;
    let counts = table::counts(&ctx.app, &ctx.actor, &asked.filter().division).await?;
    let unasked = asked.get("state").is_empty() && asked.get("mine").is_empty();
    if worker && asked.then().is_none() && unasked && counts.mine > 0 {
        asked.set("mine", "1");
    }
    let filter = asked.filter();
    let page = ctx.page("nav-ledger");
    let today = ctx.app.clock.today();
    let profile = table::profile(&ctx.app, &ctx.actor).await?;
    let (place, back) = asked.place();
    let slice = table::page(&ctx.app, &ctx.actor, &profile, &filter, (place.as_deref(), back), LINES).await?;
    let (then, states) = match &filter.then {
        None => (String::new(), vec![String::new(); slice.lines.len()]),
        Some(then) => {
            let day = match then {
                Then::OpenOn(day) => *day,
                Then::Moved { to, .. } => *to,
            };
            let states = books::states_on(&ctx.app, &slice.lines, day).await?;
            (then_in_words(&ctx, &page, &profile, &filter).await?, states)
        }
    };
    let total = tab_count(&filter, &counts).unwrap_or(slice.total);
    let top = asked.clone().at_top();
    let tab = |which: Which, mine: bool, label: String, count: i64| Tab {
        href: top.href("/ledger", &[("state", which.name()), ("mine", if mine { "1" } else { "0" })]),
        label,
        count: if which == Which::DueSoon && count >= table::counted(&filter) as i64 {
            page.t1("ledger-total-more", "count", grouped(count))
        } else {
            grouped(count)
        },
        active: filter.mine == mine && (mine || filter.which == which),
    };
    let word = |state: State| words::state_of_all(&profile, state.name()).get(page.lang).to_owned();
    let mut tabs = vec![
        tab(Which::Open, false, page.t("ledger-tab-open"), counts.open),
        tab(Which::Overdue, false, page.t("ledger-tab-overdue"), counts.overdue),
        tab(Which::ToCheck, false, page.t("ledger-tab-to_check"), counts.to_check),
        tab(Which::One(State::Closed), false, word(State::Closed), counts.closed),
        tab(Which::One(State::Cancelled), false, word(State::Cancelled), counts.cancelled),
    ];
    // Reached from other pages only: among the tabs while they are looked at.
    match filter.which {
        Which::DueSoon => tabs.insert(2, tab(Which::DueSoon, false, page.t("ledger-tab-due_soon"), total)),
        Which::One(state) if state.is_open() && !filter.mine => {
            tabs.insert(1, tab(Which::One(state), false, word(state), total));
        }
        _ => {}
    }
    if ctx.actor.user_id.is_some() {
        let mine = tab(Which::Open, true, page.t("ledger-tab-mine"), counts.mine);
        tabs.insert(if worker { 0 } else { tabs.len() }, mine);
    }
    let columns = asked.columns();
    let location = if filter.division.is_empty() { ctx.actor.scope.root() } else { filter.division.as_str() };
    let heads = columns
        .iter()
        .map(|column| {
            let sort = column.sort();
            let active = filter.sort == sort;
            let dir = if active && !filter.descending { "desc" } else { "" };
            Head {
                label: page.t(&column.key()),
                href: if table::is_ordered_by(location, sort) {
                    top.href("/ledger", &[("sort", sort.name()), ("dir", dir)])
                } else {
                    String::new()
                },
                sort: match (active, filter.descending) {
                    (true, false) => "ascending",
                    (true, true) => "descending",
                    _ => "none",
                },
                class: if *column == Column::Round { "num" } else { "" },
            }
        })
        .collect();
    let choices = Choices::of(&ctx, &profile, &filter).await?;
    let chips = choices.chips(&page, &asked, &filter);
    let may_assign = ctx.actor.may(Capability::AssignItems);
    let assignees = if may_assign && !slice.lines.is_empty() {
        let places: Vec<String> = slice.lines.iter().map(|line| line.division_code.clone()).collect();
        let found = crate::ledger::assignees(&ctx.app, &ctx.actor, &places, "").await?;
        found.users.iter().map(|user| label(ctx.lang, user)).collect()
    } else {
        Vec::new()
    };
    let turn = |name: &'static str, place: &Option<Vec<String>>| match place {
        Some(place) => {
            let place = serde_json::to_string(place).unwrap_or_default();
            top.href("/ledger", &[(name, &place)])
        }
        None => String::new(),
    };
    let query = top.query();
    let views = views::views(&ctx.app, &ctx.actor).await?.into_iter().map(|view| ViewLink {
        own: Some(view.owner_id) == ctx.actor.user_id,
        by: if Some(view.owner_id) == ctx.actor.user_id { String::new() } else { view.owner_name },
        active: view.query == query,
        href: if view.query.is_empty() { "/ledger".to_owned() } else { format!("/ledger?{}", view.query) },
        id: view.id,
        name: view.name,
        shared: view.shared,
    });
    let mode = assess::modes_words::notice(&ctx.app, &profile, location, page.lang).await?;
    let more = total >= table::counted(&filter) as i64 && tab_count(&filter, &counts).is_none();
    let total_text = if more {
        page.t1("ledger-total-more", "count", grouped(total))
    } else {
        page.t1("ledger-total", "count", grouped(total))
    };
    let exports = ctx.actor.may(Capability::Export);
    ctx.render(&TablePage {
        mode,
        heading: words::heading(&profile, page.lang),
        asof: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        then_off: top
            .href("/ledger", &["asof", "moved", "from", "to", "ledger", "source", "state"].map(|name| (name, ""))),
        then,
        tabs,
        unfolded: ["ledger", "level", "source", "measure", "unit", "due_from", "due_to", "late", "asof"]
            .iter()
            .any(|name| !asked.get(name).is_empty()),
        choices,
        chips,
        heads,
        rows: slice
            .lines
            .iter()
            .zip(&states)
            .map(|(line, then)| Row::of(&page, &profile, &columns, line, then, today))
            .collect(),
        columns: Column::ALL
            .into_iter()
            .map(|column| ColumnChoice {
                name: column.name(),
                label: page.t(&column.key()),
                shown: columns.contains(&column),
            })
            .collect(),
        views: views.collect(),
        keeps_views: ctx.actor.user_id.is_some(),
        query,
        summary: if total == 0 { String::new() } else { total_text.clone() },
        total_text,
        offers_all: total > slice.lines.len() as i64 && (more || total <= crate::ledger::bulk::MOST as i64),
        prev: turn("before", &slice.before),
        next: turn("after", &slice.after),
        export: if exports { top.href("/ledger/export", &[]) } else { String::new() },
        print: asked.href("/ledger/print", &[]),
        may_lists: ctx.actor.may(Capability::ViewFigures),
        may_assign,
        assignees,
        batch: ids::new_id(),
        asked,
        page,
    })
}

/// What the books say of the day or period that a list is of.
async fn then_in_words(ctx: &Ctx, page: &Page, profile: &Profile, filter: &Filter) -> Result<String, WebError> {
    let mut parts = Vec::new();
    match &filter.then {
        None => {}
        Some(Then::OpenOn(day)) => parts.push(page.t1("ledger-then-open", "day", day)),
        Some(Then::Moved { how, from, to }) => {
            let times = books::times(&ctx.app, &ctx.actor, filter).await?;
            let from = from.map_or_else(|| page.t("ledger-beginning"), |day| day.to_string());
            let words = [
                ("from", from),
                ("to", to.to_string()),
                ("how", page.t(&format!("ledger-moved-{}", how.name()))),
                ("times", times.to_string()),
            ];
            parts.push(i18n::text_with(page.lang, "ledger-then-moved", &words));
        }
    }
    if !filter.ledger.is_empty() {
        parts.push(words::ledger(profile, &filter.ledger, page.lang));
    }
    if !filter.source.is_empty() {
        parts.push(page.t1("ledger-then-source", "source", words::source(&filter.source, page.lang)));
    }
    Ok(parts.join(" · "))
}

#[derive(askama::Template)]
#[template(path = "ledger_print.html")]
struct PrintPage {
    page: Page,
    heading: String,
    asof: String,
    which: String,
    filters: Vec<String>,
    heads: Vec<String>,
    rows: Vec<Row>,
    count: String,
    back: String,
}

/// The view as a sheet of paper: its first lines from where the page begins, with what was asked for above them. Who
/// printed what is in the audit log.
pub(in crate::ledger) async fn print(
    ctx: Ctx,
    Query(fields): Query<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let asked = Asked::of(&fields);
    let filter = asked.filter();
    let page = ctx.page("nav-ledger");
    let today = ctx.app.clock.today();
    let profile = table::profile(&ctx.app, &ctx.actor).await?;
    let (place, back) = asked.place();
    let slice = table::page(&ctx.app, &ctx.actor, &profile, &filter, (place.as_deref(), back), PRINTED).await?;
    let columns = asked.columns();
    let choices = Choices::of(&ctx, &profile, &filter).await?;
    let rows = slice.lines.len();
    let detail = serde_json::json!({ "rows": rows, "which": filter.which.name(), "division": filter.division,
        "searched": !filter.text.trim().is_empty(), "columns": columns.iter().map(|c| c.name()).collect::<Vec<_>>() });
    let (actor, now) = (ctx.actor.clone(), ctx.app.clock.now_ms());
    ctx.app
        .db
        .write::<_, LedgerError, _>(move |tx| {
            Box::pin(async move {
                let entry = Entry {
                    action: "ledger.print",
                    object_kind: "ledger",
                    object_id: String::new(),
                    division_code: actor.scope.root(),
                    reason: "",
                    detail,
                };
                Ok(audit::record(tx, &actor, entry, now).await?)
            })
        })
        .await?;
    let mut which = match filter.which {
        Which::One(state) => words::state_of_all(&profile, state.name()).get(page.lang).to_owned(),
        other => page.t(&format!("ledger-tab-{}", other.name())),
    };
    if filter.mine {
        which = format!("{which} · {}", page.t("ledger-tab-mine"));
    }
    let then = then_in_words(&ctx, &page, &profile, &filter).await?;
    ctx.render(&PrintPage {
        heading: words::heading(&profile, page.lang),
        asof: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        which,
        filters: choices
            .chips(&page, &asked, &filter)
            .into_iter()
            .map(|chip| chip.text)
            .chain((!then.is_empty()).then_some(then))
            .collect(),
        heads: columns.iter().map(|column| page.t(&column.key())).collect(),
        rows: slice.lines.iter().map(|line| Row::of(&page, &profile, &columns, line, "", today)).collect(),
        count: page.t2("ledger-print-count", "shown", rows, "most", PRINTED),
        back: asked.href("/ledger", &[]),
        page,
    })
}
