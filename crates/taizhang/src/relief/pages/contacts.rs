//! Who was kept in touch with, by place and channel, and the households that nobody has reached.

use axum::extract::Query;
use axum::response::Response;
use chrono::NaiveDate;

use super::super::contacts::{self, DAYS, DAYS_MOST, FIGURES, Reach};
use super::super::deployments::Carer;
use super::tabs;
use crate::access::Capability;
use crate::register::pages::{Crumb, grouped};
use crate::screen::pages::{Figure, ROWS, Tab, paging, place};
use crate::web::{Ctx, Page, WebError};

/// What the address says.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub(super) struct Address {
    #[serde(default)]
    division: String,
    #[serde(default)]
    days: String,
    #[serde(default)]
    figure: String,
    #[serde(default)]
    page: String,
}

impl Address {
    fn days(&self) -> u64 {
        self.days.trim().parse().map_or(DAYS, |days: u64| days.clamp(1, DAYS_MOST))
    }
}

struct Row {
    name: String,
    href: String,
    figures: Vec<Figure>,
}

#[derive(askama::Template)]
#[template(path = "contacts.html")]
struct ContactsPage {
    page: Page,
    tabs: Vec<Tab>,
    crumbs: Vec<Crumb>,
    title: String,
    as_of: String,
    division: String,
    days: String,
    tiles: Vec<Figure>,
    heads: Vec<String>,
    rows: Vec<Row>,
    total: Row,
    empty: bool,
}

fn figures(page: &Page, reach: &Reach, names: &[&str], href: &dyn Fn(&str) -> String) -> Vec<Figure> {
    names
        .iter()
        .map(|name| {
            let count = reach.figure(name);
            Figure {
                label: page.t(&format!("contact-figure-{name}")),
                text: grouped(count),
                href: if count == 0 || *name == "registered" { String::new() } else { href(name) },
                alarm: matches!(*name, "missed" | "never") && count > 0,
            }
        })
        .collect()
}

/// How a division was reached.
pub(super) async fn page(ctx: Ctx, Query(address): Query<Address>) -> Result<Response, WebError> {
    let days = address.days();
    let (scope, title, crumbs) = place(&ctx, &address.division, &format!("/contacts?days={days}")).await?;
    let today = ctx.app.clock.today();
    let since = contacts::since(today, days);
    let (total, lines) = contacts::reach(&ctx.app, &ctx.actor, &scope, &since).await?;
    let page = ctx.page("nav-relief");
    let may_list = ctx.actor.may(Capability::ViewHouseholds);
    let list = |code: &str, name: &str| {
        if may_list { format!("/contacts/list?division={code}&days={days}&figure={name}") } else { String::new() }
    };
    let names: Vec<&str> = std::iter::once("registered").chain(FIGURES).collect();
    let rows = lines
        .iter()
        .map(|line| Row {
            name: line.name.clone(),
            href: if line.code.len() > scope.root().len() && line.code.len() < 12 {
                format!("/contacts?division={}&days={days}", line.code)
            } else {
                list(&line.code, "missed")
            },
            figures: figures(&page, line, &names, &|name| list(&line.code, name)),
        })
        .collect();
    let view = ContactsPage {
        tabs: tabs(&ctx, "/contacts"),
        as_of: page.t1("screen-as-of", "day", today),
        division: scope.root().to_owned(),
        days: days.to_string(),
        tiles: figures(&page, &total, &["reached", "remote", "missed", "never"], &|name| list(&total.code, name)),
        heads: names.iter().map(|name| page.t(&format!("contact-figure-{name}"))).collect(),
        rows,
        empty: total.registered == 0,
        total: Row {
            name: page.t("screen-total"),
            href: String::new(),
            figures: figures(&page, &total, &names, &|name| list(&total.code, name)),
        },
        crumbs,
        title,
        page,
    };
    ctx.render(&view)
}

struct Line {
    href: String,
    visit: String,
    head: String,
    no: String,
    place: String,
    last: String,
    carers: Vec<String>,
}

#[derive(askama::Template)]
#[template(path = "contact_list.html")]
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

/// Whoever answers for a household, in words: the helper, and who stands in for them.
pub(super) fn carer_text(page: &Page, carer: &Carer) -> String {
    let of = |name: &str, unit: &str| {
        if unit.is_empty() { name.to_owned() } else { page.t2("care-person", "name", name, "unit", unit) }
    };
    let helper = of(&carer.name, &carer.unit);
    if carer.deployment_id.is_none() {
        helper
    } else if carer.stand_in.is_empty() {
        page.t2("care-away-alone", "name", helper, "post", &carer.post)
    } else {
        let away = page.t2("care-away", "name", helper, "post", &carer.post);
        page.t2("care-away-covered", "away", away, "stand_in", of(&carer.stand_in, &carer.stand_in_unit))
    }
}

/// The households behind a figure, village by village, with whoever answers for them.
pub(super) async fn list(ctx: Ctx, Query(address): Query<Address>) -> Result<Response, WebError> {
    let days = address.days();
    let figure = FIGURES.into_iter().find(|name| *name == address.figure).unwrap_or("missed");
    let base = format!("/contacts/list?days={days}&figure={figure}");
    let (scope, title, crumbs) = place(&ctx, &address.division, &base).await?;
    let today = ctx.app.clock.today();
    let since = contacts::since(today, days);
    let (total, _) = contacts::reach(&ctx.app, &ctx.actor, &scope, &since).await?;
    let count = total.figure(figure);
    let link = |at: i64| format!("{base}&division={}&page={at}", scope.root());
    let (offset, prev, next) = paging(address.page.parse().unwrap_or(1), count, link);
    let found = contacts::list(&ctx.app, &ctx.actor, &scope, &since, figure, (offset, ROWS)).await?;
    let page = ctx.page("nav-relief");
    let to = offset + i64::try_from(found.len()).unwrap_or(0);
    let rows = found
        .iter()
        .map(|(touch, carers)| {
            let ago = NaiveDate::parse_from_str(&touch.last_on, "%Y-%m-%d").map(|day| (today - day).num_days());
            Line {
                href: format!("/households/{}", touch.id),
                visit: format!("/households/{}/visit", touch.id),
                head: touch.head_name.clone(),
                no: touch.household_no.clone(),
                place: [touch.township.as_str(), touch.place.as_str()].join(" "),
                last: match ago {
                    Ok(ago) => {
                        let channel = page.t(&format!("screen-channel-{}", touch.last_channel()));
                        format!("{} · {channel} · {}", touch.last_on, page.t1("contact-ago", "days", ago))
                    }
                    Err(_) => page.t("contact-never"),
                },
                carers: carers.iter().map(|carer| carer_text(&page, carer)).collect(),
            }
        })
        .collect();
    let label = page.t(&format!("contact-figure-{figure}"));
    let view = ListPage {
        title: format!("{title} · {label}"),
        sub: page.t2("contact-found", "count", grouped(count), "days", days),
        back: format!("/contacts?division={}&days={days}", scope.root()),
        rows,
        summary: page.t2("households-range", "from", (offset + 1).min(to), "to", to),
        prev,
        next,
        may_record: crate::screen::may_record(&ctx.actor),
        crumbs,
        page,
    };
    ctx.render(&view)
}
