//! What a supervisor begins the day with: what is stuck, with whom, since when, what to ask; and the lists behind it.

use axum::extract::Query;
use axum::response::Response;
use chrono::NaiveDate;
use uuid::Uuid;

use super::{Figure, ROWS, Tab, address, day, page_number, pager, tabs};
use crate::assess::Profile;
use crate::assess::profile::supervise::{StallKind, SupervisionPolicy};
use crate::ledger::model::{State, title_in};
use crate::ledger::words;
use crate::platform::{i18n, ids};
use crate::register::pages::{Crumb, dash, grouped};
use crate::screen::pages::place;
use crate::supervise::stall::{self, Asked, Line, PlaceLine};
use crate::supervise::{self, listing, may_supervise};
use crate::web::{Ctx, Page, WebError};

/// Items that the morning page shows itself.
const SHOWN: i64 = 10;

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Address {
    division: String,
    rule: String,
    unit: String,
    person: String,
    by: String,
    own: String,
    page: String,
}

impl Address {
    fn asked(&self) -> Asked {
        Asked {
            rule: StallKind::from_name(&self.rule),
            unit: self.unit.trim().to_owned(),
            person: self.person.trim().to_owned(),
            by_person: self.by == "person",
            own: self.own == "1",
        }
    }

    fn href(&self, changes: &[(&'static str, &str)]) -> String {
        let mut parts = vec![
            ("division", self.division.as_str()),
            ("rule", &self.rule),
            ("unit", &self.unit),
            ("person", &self.person),
            ("by", &self.by),
            ("own", &self.own),
        ];
        for (name, value) in changes {
            parts.retain(|(known, _)| known != name);
            parts.push((name, value));
        }
        address("/supervise/list", &parts)
    }
}

/// A row of the table of items.
pub(super) struct Row {
    pub(super) id: Uuid,
    number: String,
    title: String,
    head: String,
    place: String,
    state: String,
    tone: &'static str,
    ledger: String,
    unit: String,
    person: String,
    since: String,
    days: String,
    rules: Vec<String>,
    reminded: String,
    pub(super) open: bool,
}

fn row(page: &Page, profile: &Profile, policy: &SupervisionPolicy, line: Line, today: NaiveDate) -> Row {
    let state = State::from_name(&line.state).unwrap_or(State::ToVerify);
    let days = day(&line.since).map_or(0, |since| (today - since).num_days());
    let rules = stall::rules(&line)
        .into_iter()
        .map(|kind| policy.stall(kind).map_or_else(|| kind.name().to_owned(), |s| s.title.get(page.lang).to_owned()))
        .collect();
    Row {
        id: line.id,
        title: title_in(&line.title, page.lang),
        head: line.head_name,
        place: line.place,
        state: words::state(profile, &line.ledger, &line.state).get(page.lang).to_owned(),
        tone: crate::ledger::pages::tone(state),
        ledger: words::ledger(profile, &line.ledger, page.lang),
        unit: dash(&line.unit),
        person: dash(&line.person),
        days: page.t1("supervise-days", "days", days),
        since: line.since,
        rules,
        reminded: line.reminded,
        open: state.is_open(),
        number: line.number,
    }
}

/// A rule with what it found and what to ask.
struct RuleView {
    title: String,
    words: String,
    ask: String,
    count: i64,
    text: String,
    href: String,
}

struct PlaceRow {
    name: String,
    href: String,
    open: Figure,
    stuck: Figure,
    percent: String,
    figures: Vec<Figure>,
    orange: bool,
    only_epidemic: bool,
}

struct OwnerRow {
    unit: String,
    person: String,
    items: String,
    since: String,
    days: String,
    href: String,
}

#[derive(askama::Template)]
#[template(path = "supervise_morning.html")]
struct MorningPage {
    page: Page,
    tabs: Vec<Tab>,
    crumbs: Vec<Crumb>,
    title: String,
    as_of: String,
    profile: String,
    tiles: Vec<Figure>,
    orange_rule: String,
    warned: String,
    rules: Vec<RuleView>,
    heads: Vec<String>,
    places: Vec<PlaceRow>,
    owners: Vec<OwnerRow>,
    rows: Vec<Row>,
    more: String,
    all: String,
    may_remind: bool,
    batch: Uuid,
    next: String,
    /// Where the place is put on the list; empty where it cannot be.
    to_list: String,
}

/// The line of a place; `root` is the place that the page is of.
fn place_row(page: &Page, policy: &SupervisionPolicy, line: &PlaceLine, root: &str) -> PlaceRow {
    // What lies with the place itself, not with one of those below it, is told apart.
    let own = line.code == root;
    let list = |rule: &str| {
        address("/supervise/list", &[("division", &line.code), ("rule", rule), ("own", if own { "1" } else { "" })])
    };
    let figure = |label: String, n: i64, href: String| Figure {
        label,
        text: grouped(n),
        href: if n > 0 { href } else { String::new() },
        alarm: false,
    };
    let deeper = !own && line.code.len() < 12;
    PlaceRow {
        name: if own { page.t1("supervise-own", "place", &line.name) } else { line.name.clone() },
        href: if deeper { address("/supervise", &[("division", &line.code)]) } else { list("") },
        open: figure(
            page.t("supervise-open"),
            line.open,
            if own {
                String::new()
            } else {
                address("/ledger", &[("mine", "0"), ("state", "open"), ("division", &line.code)])
            },
        ),
        stuck: figure(page.t("supervise-stuck"), line.stuck, list("")),
        percent: format!("{:.1}", line.percent()),
        figures: policy
            .stalls
            .iter()
            .map(|s| figure(s.title.get(page.lang).to_owned(), line.of(s.kind), list(s.kind.name())))
            .collect(),
        orange: line.orange,
        only_epidemic: line.only_epidemic,
    }
}

/// The morning page of a place.
pub(super) async fn page(ctx: Ctx, Query(asked): Query<Address>) -> Result<Response, WebError> {
    let (scope, title, crumbs) = place(&ctx, &asked.division, "/supervise").await?;
    let page = ctx.page("nav-supervise");
    let today = ctx.app.clock.today();
    let (profile, policy) = supervise::policy(&ctx.app, &ctx.actor).await?;
    let found = stall::morning(&ctx.app, &ctx.actor, &policy, &scope).await?;
    let (lines, total) = stall::list(&ctx.app, &ctx.actor, &policy, &scope, &Asked::default(), (0, SHOWN)).await?;
    let root = scope.root();
    let list = |rule: &str| address("/supervise/list", &[("division", root), ("rule", rule)]);
    let tile = |label: &str, n: i64, href: String, alarm: bool| Figure {
        label: page.t(label),
        text: grouped(n),
        href: if n > 0 { href } else { String::new() },
        alarm: alarm && n > 0,
    };
    let closed: i64 = StallKind::ALL.iter().filter(|kind| !kind.is_open()).map(|kind| found.total.of(*kind)).sum();
    let warned: Vec<&str> = found.places.iter().filter(|line| line.orange).map(|line| line.name.as_str()).collect();
    let rules = policy
        .stalls
        .iter()
        .map(|s| {
            let count = found.total.of(s.kind);
            RuleView {
                title: s.title.get(page.lang).to_owned(),
                words: s.in_words(page.lang),
                ask: s.ask.get(page.lang).to_owned(),
                count,
                text: grouped(count),
                href: list(s.kind.name()),
            }
        })
        .collect();
    let view = MorningPage {
        tabs: tabs(&ctx, "/supervise"),
        as_of: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        profile: page.t2("ledger-profile", "key", &profile.key, "version", profile.version),
        tiles: vec![
            tile("supervise-stuck", found.total.stuck, list(""), true),
            tile("supervise-overdue", found.total.of(StallKind::Overdue), list("overdue"), true),
            tile("supervise-idle", found.total.of(StallKind::Idle), list("idle"), true),
            tile("supervise-doubtful", closed, "#rules".to_owned(), false),
            tile(
                "supervise-warned",
                warned.len() as i64,
                if root.len() < 12 { "#places".to_owned() } else { list("") },
                true,
            ),
        ],
        orange_rule: policy.orange.in_words(page.lang),
        warned: if warned.is_empty() {
            String::new()
        } else {
            page.t1("supervise-warned-places", "places", warned.join(&page.t("list-comma")))
        },
        rules,
        heads: policy.stalls.iter().map(|s| s.title.get(page.lang).to_owned()).collect(),
        // A village has no places below it.
        places: found
            .places
            .iter()
            .filter(|_| root.len() < 12)
            .map(|line| place_row(&page, &policy, line, root))
            .collect(),
        owners: found
            .owners
            .iter()
            .map(|owner| OwnerRow {
                unit: dash(&owner.unit),
                person: dash(&owner.person),
                items: grouped(owner.items),
                days: page.t1(
                    "supervise-days",
                    "days",
                    day(&owner.since).map_or(0, |since| (today - since).num_days()),
                ),
                since: owner.since.clone(),
                href: address(
                    "/supervise/list",
                    &[("division", root), ("unit", &owner.unit), ("person", &owner.person), ("by", "person")],
                ),
            })
            .collect(),
        more: if total > SHOWN { page.t1("supervise-more", "count", grouped(total)) } else { String::new() },
        all: list(""),
        rows: lines.into_iter().map(|line| row(&page, &profile, &policy, line, today)).collect(),
        may_remind: may_supervise(&ctx.actor),
        batch: ids::new_id(),
        next: address("/supervise", &[("division", &asked.division)]),
        to_list: if listing::may_list(&ctx.actor, root) && [6, 12].contains(&root.len()) {
            address("/supervise/listed/new", &[("division", root)])
        } else {
            String::new()
        },
        title,
        crumbs,
        page,
    };
    ctx.render(&view)
}

#[derive(askama::Template)]
#[template(path = "supervise_list.html")]
struct ListPage {
    page: Page,
    crumbs: Vec<Crumb>,
    title: String,
    as_of: String,
    back: String,
    tabs: Vec<(String, String, bool)>,
    of: String,
    of_off: String,
    words: String,
    ask: String,
    rows: Vec<Row>,
    summary: String,
    prev: String,
    next_page: String,
    may_remind: bool,
    batch: Uuid,
    next: String,
}

/// The items behind a figure.
pub(super) async fn list(ctx: Ctx, Query(mut at): Query<Address>) -> Result<Response, WebError> {
    let asked = at.asked();
    let (scope, title, crumbs) = place(&ctx, &at.division, "/supervise").await?;
    scope.root().clone_into(&mut at.division);
    let page = ctx.page("nav-supervise");
    let today = ctx.app.clock.today();
    let (profile, policy) = supervise::policy(&ctx.app, &ctx.actor).await?;
    let number = page_number(&at.page);
    let (lines, total) =
        stall::list(&ctx.app, &ctx.actor, &policy, &scope, &asked, ((number - 1) * ROWS, ROWS)).await?;
    let rows: Vec<Row> = lines.into_iter().map(|line| row(&page, &profile, &policy, line, today)).collect();
    let (summary, prev, next_page) =
        pager(&page, number, rows.len(), total, |to| at.href(&[("page", &to.to_string())]));
    let mut tabs = vec![(at.href(&[("rule", "")]), page.t("supervise-stuck"), asked.rule.is_none())];
    for s in &policy.stalls {
        tabs.push((at.href(&[("rule", s.kind.name())]), s.title.get(page.lang).to_owned(), asked.rule == Some(s.kind)));
    }
    let rule = asked.rule.and_then(|kind| policy.stall(kind));
    let of = match (asked.unit.is_empty(), asked.by_person) {
        (true, false) => String::new(),
        _ => {
            let person = if asked.by_person && asked.person.is_empty() {
                page.t("supervise-nobody")
            } else {
                asked.person.clone()
            };
            i18n::text_with(page.lang, "supervise-of", &[("unit", asked.unit.clone()), ("person", person)])
        }
    };
    let view = ListPage {
        title: if asked.own { page.t1("supervise-own", "place", &title) } else { title },
        as_of: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        back: address("/supervise", &[("division", &at.division)]),
        tabs,
        of,
        of_off: at.href(&[("unit", ""), ("person", ""), ("by", "")]),
        words: rule.map(|rule| rule.in_words(page.lang)).unwrap_or_default(),
        ask: rule.map(|rule| rule.ask.get(page.lang).to_owned()).unwrap_or_default(),
        may_remind: may_supervise(&ctx.actor) && rows.iter().any(|row| row.open),
        rows,
        summary,
        prev,
        next_page,
        batch: ids::new_id(),
        next: at.href(&[("page", &number.to_string())]),
        crumbs,
        page,
    };
    ctx.render(&view)
}
