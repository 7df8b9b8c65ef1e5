//! The pages of my work, the board and the calendar.

use axum::extract::Query;
use axum::response::Response;
use chrono::{Datelike, Months, NaiveDate};
use uuid::Uuid;

use super::{Day, DayKind, board, calendar, my_work, see};
use crate::access::Capability;
use crate::ledger::assign_pages::Choice;
use crate::ledger::model::{Line, State, title_in};
use crate::ledger::pages::{late_days, tone};
use crate::ledger::table::columns::Column;
use crate::ledger::table::pages::Row;
use crate::ledger::{sub_divisions, table, words};
use crate::platform::{Lang, i18n};
use crate::register::pages::grouped;
use crate::web::{Ctx, Form, Page, Policy, Routes, WebError};

const VIEW: Policy = Policy::Needs(Capability::ViewItems);

pub(in crate::ledger) fn routes() -> Routes {
    Routes::new()
        .get("/ledger/mine", VIEW, mine)
        .post("/ledger/mine/seen", VIEW, seen)
        .get("/ledger/board", VIEW, by_state)
        .get("/ledger/calendar", VIEW, by_day)
}

struct ReminderView {
    item: Uuid,
    number: String,
    title: String,
    deadline: String,
    late: bool,
    by: String,
    note: String,
}

struct Part {
    title: String,
    note: String,
    count: String,
    danger: bool,
    href: String,
    rows: Vec<Row>,
    heads: Vec<String>,
    empty: String,
    /// There are more than these.
    more: bool,
}

#[derive(askama::Template)]
#[template(path = "ledger_mine.html")]
struct MinePage {
    page: Page,
    asof: String,
    reminders: Vec<ReminderView>,
    until: i64,
    parts: Vec<Part>,
    may_assign: bool,
}

/// The columns of my work.
const COLUMNS: [Column; 5] = [Column::Number, Column::Title, Column::Household, Column::State, Column::Deadline];

async fn mine(ctx: Ctx) -> Result<Response, WebError> {
    let page = ctx.page("nav-ledger");
    let today = ctx.app.clock.today();
    let profile = table::profile(&ctx.app, &ctx.actor).await?;
    let work = my_work(&ctx.app, &ctx.actor).await?;
    let rows = |lines: &[Line]| -> Vec<Row> {
        lines.iter().map(|line| Row::of(&page, &profile, &COLUMNS, line, "", today)).collect()
    };
    let heads: Vec<String> = COLUMNS.iter().map(|column| page.t(&column.key())).collect();
    let part = |key: &str, lines: &[Line], total: i64, href: String| Part {
        title: page.t(&format!("ledger-mine-{key}")),
        note: page.t(&format!("ledger-mine-{key}-note")),
        count: grouped(total),
        danger: key == "overdue" && total > 0,
        rows: rows(lines),
        heads: heads.clone(),
        empty: page.t(&format!("ledger-mine-{key}-none")),
        more: total > lines.len() as i64,
        href,
    };
    let later = super::after_soon(today);
    let mut parts = vec![
        part("overdue", &work.overdue.lines, work.overdue.total, "/ledger?state=overdue&mine=1".to_owned()),
        part("soon", &work.soon.lines, work.soon.total, "/ledger?state=due_soon&mine=1".to_owned()),
    ];
    if ctx.actor.may(Capability::CheckItems) {
        parts.push(part("check", &work.to_check, work.checks, "/ledger?state=to_check&mine=0".to_owned()));
    }
    parts.push(part(
        "later",
        &work.later.lines,
        work.later.total,
        format!("/ledger?state=open&mine=1&due_from={later}"),
    ));
    ctx.render(&MinePage {
        asof: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        until: work.reminders.iter().map(|one| one.at).max().unwrap_or(0),
        reminders: work
            .reminders
            .into_iter()
            .map(|one| ReminderView {
                item: one.item_id,
                title: title_in(&one.title, page.lang),
                late: late_days(&one.deadline, today) > 0,
                by: page.t2("ledger-reminder-by", "who", one.by_name, "time", page.time(&one.at)),
                deadline: one.deadline,
                number: one.number,
                note: one.note,
            })
            .collect(),
        parts,
        may_assign: ctx.actor.may(Capability::AssignItems),
        page,
    })
}

#[derive(Debug, serde::Deserialize)]
struct Seen {
    #[serde(default)]
    until: i64,
}

async fn seen(ctx: Ctx, Form(form): Form<Seen>) -> Result<Response, WebError> {
    see(&ctx.app, &ctx.actor, form.until).await?;
    Ok(ctx.redirect_with("/ledger/mine", "ok", "ledger-reminders-seen"))
}

#[derive(Debug, Default, serde::Deserialize)]
struct Asked {
    #[serde(default)]
    division: String,
    #[serde(default)]
    ledger: String,
    #[serde(default)]
    mine: String,
    /// 2020-02.
    #[serde(default)]
    month: String,
}

impl Asked {
    fn division(&self) -> String {
        self.division.chars().filter(char::is_ascii_digit).collect()
    }
}

async fn divisions(ctx: &Ctx, chosen: &str) -> Result<Vec<Choice>, WebError> {
    let found = sub_divisions(&ctx.app, &ctx.actor).await?;
    Ok(found.into_iter().map(|(value, label)| Choice { chosen: value == chosen, value, label }).collect())
}

struct Card {
    id: Uuid,
    number: String,
    title: String,
    head: String,
    who: String,
    deadline: String,
    late: bool,
}

struct ColumnView {
    title: String,
    tone: &'static str,
    count: String,
    late: String,
    late_count: i64,
    href: String,
    late_href: String,
    cards: Vec<Card>,
    more: bool,
}

#[derive(askama::Template)]
#[template(path = "ledger_board.html")]
struct BoardPage {
    page: Page,
    heading: String,
    asof: String,
    divisions: Vec<Choice>,
    ledgers: Vec<Choice>,
    columns: Vec<ColumnView>,
    may_assign: bool,
}

async fn by_state(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let page = ctx.page("nav-ledger");
    let today = ctx.app.clock.today();
    let profile = table::profile(&ctx.app, &ctx.actor).await?;
    let division = asked.division();
    let columns = board(&ctx.app, &ctx.actor, &division, &asked.ledger).await?;
    let kind = table::address::encoded(&asked.ledger);
    let href = |state: State, late: &str| {
        format!("/ledger?state={}&mine=0&division={division}&ledger={kind}{late}", state.name())
    };
    ctx.render(&BoardPage {
        heading: words::heading(&profile, page.lang),
        asof: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        divisions: divisions(&ctx, &division).await?,
        ledgers: profile
            .ledgers
            .iter()
            .map(|(id, policy)| Choice {
                value: id.clone(),
                label: policy.title.get(page.lang).to_owned(),
                chosen: *id == asked.ledger,
            })
            .collect(),
        columns: columns
            .into_iter()
            .map(|column| ColumnView {
                title: words::state_of_all(&profile, column.state.name()).get(page.lang).to_owned(),
                tone: tone(column.state),
                count: grouped(column.count),
                late: page.t1("ledger-board-late", "count", grouped(column.late)),
                late_count: column.late,
                href: href(column.state, ""),
                late_href: href(column.state, "&late=1"),
                more: column.count > column.lines.len() as i64,
                cards: column.lines.into_iter().map(|line| card(line, page.lang, today)).collect(),
            })
            .collect(),
        may_assign: ctx.actor.may(Capability::AssignItems),
        page,
    })
}

fn card(line: Line, lang: Lang, today: NaiveDate) -> Card {
    Card {
        id: line.id,
        title: title_in(&line.title, lang),
        late: late_days(&line.deadline, today) > 0,
        who: match (line.assignee_name.is_empty(), line.owner_name.is_empty()) {
            (false, _) => line.assignee_name,
            (true, false) => line.owner_name,
            (true, true) => line.owner_unit,
        },
        head: line.head_name,
        deadline: line.deadline,
        number: line.number,
    }
}

struct DayView {
    number: u32,
    label: String,
    outside: bool,
    today: bool,
    /// off, worked or empty.
    class: &'static str,
    /// 休 or 班.
    mark: String,
    count: String,
    due: i64,
    /// The day has passed, and what is due on it is overdue.
    late: bool,
    href: String,
}

#[derive(askama::Template)]
#[template(path = "ledger_calendar.html")]
struct CalendarPage {
    page: Page,
    heading: String,
    asof: String,
    month: String,
    prev: String,
    next: String,
    this: String,
    weekdays: Vec<String>,
    weeks: Vec<Vec<DayView>>,
    divisions: Vec<Choice>,
    mine: bool,
    /// 2020-02, for the form.
    value: String,
    total: String,
    unknown: String,
    may_assign: bool,
}

async fn by_day(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let page = ctx.page("nav-ledger");
    let today = ctx.app.clock.today();
    let first = NaiveDate::parse_from_str(&format!("{}-01", asked.month.trim()), "%Y-%m-%d")
        .unwrap_or_else(|_| today.with_day(1).unwrap_or(today));
    let division = asked.division();
    let own = asked.mine == "1";
    let weeks = calendar(&ctx.app, &ctx.actor, &division, own, first).await?;
    let whose = if own { "1" } else { "0" };
    let to_month = |day: Option<NaiveDate>| {
        let day = day.unwrap_or(first);
        format!("/ledger/calendar?month={}&division={division}&mine={whose}", day.format("%Y-%m"))
    };
    let inside = || weeks.iter().flatten().filter(|day| day.inside);
    let total: i64 = inside().map(|day| day.due).sum();
    let unknown = inside().any(|day| day.kind == DayKind::Unknown);
    let view = |day: &Day| {
        let text = day.day.to_string();
        let (class, mark) = match day.kind {
            DayKind::Holiday => ("is-off", page.t("ledger-calendar-holiday")),
            DayKind::Weekend => ("is-off", String::new()),
            DayKind::MadeUp => ("is-made-up", page.t("ledger-calendar-made-up")),
            DayKind::Worked | DayKind::Unknown => ("", String::new()),
        };
        DayView {
            number: day.day.day(),
            outside: !day.inside,
            today: day.day == today,
            class,
            mark,
            count: page.t1("ledger-calendar-due", "count", grouped(day.due)),
            due: day.due,
            late: day.day < today && day.due > 0,
            href: format!("/ledger?state=open&mine={whose}&division={division}&due_from={text}&due_to={text}"),
            label: text,
        }
    };
    let weeks = weeks.iter().map(|week| week.iter().map(view).collect()).collect();
    let profile = table::profile(&ctx.app, &ctx.actor).await?;
    ctx.render(&CalendarPage {
        heading: words::heading(&profile, page.lang),
        asof: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        month: i18n::text_with(
            page.lang,
            "ledger-calendar-month",
            &[("year", first.year().to_string()), ("month", first.month().to_string())],
        ),
        prev: to_month(first.checked_sub_months(Months::new(1))),
        next: to_month(first.checked_add_months(Months::new(1))),
        this: to_month(Some(today)),
        weekdays: (1..=7).map(|n| page.t(&format!("ledger-weekday-{n}"))).collect(),
        weeks,
        divisions: divisions(&ctx, &division).await?,
        mine: own,
        value: first.format("%Y-%m").to_string(),
        total: page.t1("ledger-calendar-total", "count", grouped(total)),
        unknown: if unknown { page.t1("ledger-calendar-unknown", "year", first.year()) } else { String::new() },
        may_assign: ctx.actor.may(Capability::AssignItems),
        page,
    })
}
