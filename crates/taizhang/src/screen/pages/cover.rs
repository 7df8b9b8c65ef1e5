//! Who has been visited, by division, and the lists behind the figures.

use axum::extract::Query;
use axum::response::Response;
use chrono::NaiveDate;
use uuid::Uuid;

use super::super::cover::{self, Asked, Cover, Which};
use super::super::model::Channel;
use super::super::rounds;
use super::{Figure, ROWS, Tab, day_or, paging, place, tabs};
use crate::access::Capability;
use crate::register::pages::{Crumb, dash, grouped};
use crate::web::{Ctx, Page, WebError};

/// Days that a visit is looked back for where nobody says.
const LAST_DAYS: u64 = 30;

/// What the address says.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub(super) struct Address {
    #[serde(default)]
    pub(super) division: String,
    #[serde(default)]
    since: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    which: String,
    #[serde(default)]
    round: String,
    #[serde(default)]
    page: String,
}

impl Address {
    fn asked(&self, today: NaiveDate) -> Asked {
        let usual = Asked::last_days(today, LAST_DAYS);
        Asked { since: day_or(&self.since, usual.since), channel: Channel::from_name(&self.channel), ..usual }
    }
}

/// A line of coverage.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) href: String,
    pub(super) percent: String,
    pub(super) figures: Vec<Figure>,
}

const HEADS: [&str; 4] = ["screen-registered", "screen-visited", "screen-unvisited", "screen-never"];

/// The figures of a line with their lists; `list` makes the address of a list.
pub(super) fn row(page: &Page, cover: &Cover, href: String, list: &dyn Fn(&str, Which) -> String) -> Row {
    let figure = |at: usize, number: i64, href: String| Figure {
        label: page.t(HEADS[at]),
        text: grouped(number),
        href: if number == 0 { String::new() } else { href },
        alarm: at >= 2 && number > 0,
    };
    Row {
        name: cover.name.clone(),
        href,
        percent: format!("{:.1}", cover.percent()),
        figures: vec![
            figure(0, cover.registered, String::new()),
            figure(1, cover.visited, list(&cover.code, Which::Visited)),
            figure(2, cover.unvisited(), list(&cover.code, Which::Unvisited)),
            figure(3, cover.never, list(&cover.code, Which::Never)),
        ],
    }
}

pub(super) fn heads(page: &Page) -> Vec<String> {
    HEADS.iter().map(|key| page.t(key)).collect()
}

struct Choice {
    value: &'static str,
    label: String,
    chosen: bool,
}

fn channels(page: &Page, chosen: &str) -> Vec<Choice> {
    Channel::ALL
        .into_iter()
        .map(|channel| Choice {
            value: channel.name(),
            label: page.t(&format!("screen-channel-{}", channel.name())),
            chosen: channel.name() == chosen,
        })
        .collect()
}

#[derive(askama::Template)]
#[template(path = "screen_cover.html")]
struct CoverPage {
    page: Page,
    tabs: Vec<Tab>,
    crumbs: Vec<Crumb>,
    title: String,
    as_of: String,
    division: String,
    since: String,
    today: String,
    channels: Vec<Choice>,
    share: String,
    share_href: String,
    tiles: Vec<Figure>,
    empty: bool,
    total: Row,
    rows: Vec<Row>,
    heads: Vec<String>,
    note: String,
}

/// Coverage of a division.
pub(super) async fn page(ctx: Ctx, Query(address): Query<Address>) -> Result<Response, WebError> {
    let (scope, title, crumbs) = place(&ctx, &address.division, "/screen").await?;
    let today = ctx.app.clock.today();
    let asked = address.asked(today);
    let (total, lines) = cover::coverage(&ctx.app, &ctx.actor, &scope, &asked).await?;
    let page = ctx.page("nav-screen");
    let may_list = ctx.actor.may(Capability::ViewHouseholds);
    let channel = asked.channel.map_or("", Channel::name);
    let list = |code: &str, which: Which| {
        if !may_list {
            return String::new();
        }
        format!("/screen/list?division={code}&which={}&since={}&channel={channel}", which.name(), asked.since)
    };
    let rows = lines
        .iter()
        .map(|line| {
            let deeper = line.code.len() > scope.root().len() && line.code.len() < 12;
            let href = if deeper {
                format!("/screen?division={}&since={}&channel={channel}", line.code, asked.since)
            } else {
                list(&line.code, Which::Unvisited)
            };
            row(&page, line, href, &list)
        })
        .collect();
    let view = CoverPage {
        tabs: tabs(&ctx, "/screen"),
        as_of: page.t1("screen-as-of", "day", today),
        division: scope.root().to_owned(),
        since: asked.since.to_string(),
        today: today.to_string(),
        channels: channels(&page, channel),
        note: page.t2("screen-cover-note", "visited", grouped(total.visited), "registered", grouped(total.registered)),
        share: format!("{:.1}", total.percent()),
        share_href: if total.visited > 0 { list(&total.code, Which::Visited) } else { String::new() },
        tiles: row(&page, &total, String::new(), &list).figures.into_iter().skip(1).collect(),
        empty: total.registered == 0,
        total: row(&page, &total, String::new(), &list),
        rows,
        heads: heads(&page),
        crumbs,
        title,
        page,
    };
    ctx.render(&view)
}

struct Line {
    id: Uuid,
    name: String,
    no: String,
    place: String,
    members: i64,
    last: String,
    on_site: String,
    visits: i64,
}

#[derive(askama::Template)]
#[template(path = "screen_list.html")]
struct ListPage {
    page: Page,
    crumbs: Vec<Crumb>,
    title: String,
    sub: String,
    back: String,
    rows: Vec<Line>,
    summary: String,
    prev: String,
    next: String,
    may_record: bool,
}

/// The households behind a figure.
pub(super) async fn list(ctx: Ctx, Query(address): Query<Address>) -> Result<Response, WebError> {
    let today = ctx.app.clock.today();
    let mut asked = address.asked(today);
    let mut round_name = String::new();
    let mut back = format!("/screen?division={}&since={}&channel={}", address.division, asked.since, address.channel);
    if let Ok(id) = address.round.parse::<Uuid>() {
        let (round, ..) = rounds::round(&ctx.app, &ctx.actor, id, &address.division).await?;
        asked = round.asked();
        round_name = round.name;
        back = format!("/screen/rounds/{id}?division={}", address.division);
    }
    let which = Which::from_name(&address.which);
    let base = format!(
        "/screen/list?which={}&since={}&channel={}&round={}",
        which.name(),
        asked.since,
        address.channel,
        address.round
    );
    let (scope, title, crumbs) = place(&ctx, &address.division, &base).await?;
    let page = ctx.page("nav-screen");
    let link = |at: i64| format!("{base}&division={}&page={at}", scope.root());
    let at = address.page.parse().unwrap_or(1);
    let (offset, ..) = paging(at, 0, link);
    let (lines, count) = cover::list(&ctx.app, &ctx.actor, &scope, &asked, which, (offset, ROWS)).await?;
    let (_, prev, next) = paging(at, count, link);
    let to = offset + i64::try_from(lines.len()).unwrap_or(0);
    let what = page.t2(&format!("screen-list-{}", which.name()), "since", asked.since, "count", grouped(count));
    let rows = lines
        .into_iter()
        .map(|line| Line {
            id: line.id,
            name: line.head_name,
            no: line.household_no,
            place: line.place,
            members: line.member_count,
            last: dash(&line.last_on),
            on_site: dash(&line.last_on_site),
            visits: line.visits,
        })
        .collect();
    let view = ListPage {
        title: format!("{title} · {what}"),
        sub: round_name,
        summary: page.t2("households-range", "from", (offset + 1).min(to), "to", to),
        crumbs,
        back,
        rows,
        prev,
        next,
        may_record: super::super::may_record(&ctx.actor),
        page,
    };
    ctx.render(&view)
}
