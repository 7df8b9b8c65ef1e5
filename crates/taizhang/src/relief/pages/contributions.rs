//! What households gave: totals by place, the list, and the form of a new contribution.

use axum::extract::{Path, Query};
use axum::response::Response;
use chrono::NaiveDate;
use uuid::Uuid;

use super::super::contributions::{self, Change, Contribution, Filter, Given, Kind, days_text, may_record};
use super::super::model::{Raw, yuan};
use super::super::{Home, ReliefError, home};
use super::{Filled, Opt, fields_of, opts, shown_again, tabs, with_status};
use crate::platform::{UserError, ids};
use crate::register::pages::{Crumb, grouped};
use crate::screen::pages::{Figure, ROWS, Tab, paging, place};
use crate::web::{Ctx, Form, Page, WebError};

/// What the address says.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub(super) struct Address {
    #[serde(default)]
    division: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    unthanked: String,
    #[serde(default)]
    page: String,
}

impl Address {
    fn filter(&self) -> Filter {
        let day = |text: &str| {
            NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").map(|day| day.to_string()).unwrap_or_default()
        };
        Filter {
            kind: Kind::from_name(&self.kind).map(|kind| kind.name().to_owned()).unwrap_or_default(),
            from: day(&self.from),
            to: day(&self.to),
            unthanked: self.unthanked == "1",
        }
    }
}

fn query(filter: &Filter) -> String {
    let unthanked = if filter.unthanked { "1" } else { "" };
    format!("kind={}&from={}&to={}&unthanked={unthanked}", filter.kind, filter.from, filter.to)
}

struct Row {
    name: String,
    href: String,
    figures: Vec<Figure>,
}

struct Line {
    id: Uuid,
    day: String,
    head: String,
    household: String,
    place: String,
    who: String,
    what: String,
    for_whom: String,
    note: String,
    thanks: String,
    thanked: bool,
}

#[derive(askama::Template)]
#[template(path = "contributions.html")]
struct ListPage {
    page: Page,
    tabs: Vec<Tab>,
    crumbs: Vec<Crumb>,
    title: String,
    as_of: String,
    error: String,
    division: String,
    tiles: Vec<Figure>,
    kinds: Vec<Opt>,
    from: String,
    to: String,
    unthanked: bool,
    today: String,
    heads: Vec<String>,
    places: Vec<Row>,
    total: Row,
    rows: Vec<Line>,
    summary: String,
    prev: String,
    next: String,
    may_record: bool,
    back: String,
}

/// What a contribution was, in words.
pub(super) fn what(page: &Page, given: &Contribution) -> String {
    let worth = || page.t1("gift-worth", "yuan", yuan(given.amount_fen));
    match given.kind.as_str() {
        "work" => page.t1("gift-work", "days", days_text(given.half_days)),
        "money" => page.t1("gift-money", "yuan", yuan(given.amount_fen)),
        _ if given.amount_fen > 0 => format!("{} {}", page.t1("gift-goods", "goods", &given.goods), worth()),
        _ => page.t1("gift-goods", "goods", &given.goods),
    }
}

fn line(page: &Page, given: Contribution) -> Line {
    Line {
        what: what(page, &given),
        thanks: if given.thanked_on.is_empty() {
            page.t("gift-unthanked")
        } else {
            page.t2("gift-thanked", "day", &given.thanked_on, "how", &given.thanked_how)
        },
        thanked: !given.thanked_on.is_empty(),
        id: given.id,
        day: given.given_on,
        household: format!("/households/{}", given.household_id),
        head: given.head_name,
        place: given.place,
        who: given.who,
        for_whom: given.for_whom,
        note: given.note,
    }
}

const HEADS: [&str; 5] = ["households", "work", "money", "goods", "unthanked"];

fn figures(page: &Page, given: &Given, href: &dyn Fn(&str, bool) -> String) -> Vec<Figure> {
    HEADS
        .iter()
        .map(|name| {
            let (count, text, kind) = match *name {
                "households" => (given.entries, grouped(given.households), ""),
                "work" => (given.work_n, page.t1("gift-days", "days", days_text(given.half_days)), "work"),
                "money" => (given.money_n, page.t1("gift-yuan", "yuan", yuan(given.money_fen)), "money"),
                "goods" => (given.goods_n, page.t1("gift-entries", "count", grouped(given.goods_n)), "goods"),
                _ => (given.unthanked, grouped(given.unthanked), ""),
            };
            let unthanked = *name == "unthanked";
            Figure {
                label: page.t(&format!("gift-figure-{name}")),
                text: if count == 0 { "0".to_owned() } else { text },
                href: if count == 0 { String::new() } else { href(kind, unthanked) },
                alarm: unthanked && count > 0,
            }
        })
        .collect()
}

async fn list_page(ctx: &Ctx, address: &Address, error: String) -> Result<Response, WebError> {
    let filter = address.filter();
    let base = format!("/contributions?{}", query(&filter));
    let (scope, title, crumbs) = place(ctx, &address.division, &base).await?;
    let today = ctx.app.clock.today().to_string();
    let page = ctx.page("nav-relief");
    // The totals are of the days asked about; kind and thanks only choose what is listed.
    let of_days = Filter { kind: String::new(), unthanked: false, ..filter.clone() };
    let (total, lines) = contributions::totals(&ctx.app, &ctx.actor, &scope, &of_days).await?;
    let link = |at: i64| format!("{base}&division={}&page={at}", scope.root());
    let at = address.page.parse().unwrap_or(1);
    let (offset, ..) = paging(at, 0, link);
    let (found, count) = contributions::list(&ctx.app, &ctx.actor, &scope, &filter, (offset, ROWS)).await?;
    let (_, prev, next) = paging(at, count, link);
    let to = offset + i64::try_from(found.len()).unwrap_or(0);
    let list = |code: &str, kind: &str, unthanked: bool| {
        let of = Filter { kind: kind.to_owned(), unthanked, ..of_days.clone() };
        format!("/contributions?division={code}&{}#list", query(&of))
    };
    let places = lines
        .iter()
        .map(|line| Row {
            name: line.name.clone(),
            href: format!("/contributions?division={}&{}", line.code, query(&of_days)),
            figures: figures(&page, line, &|kind, unthanked| list(&line.code, kind, unthanked)),
        })
        .collect();
    let total_figures = || figures(&page, &total, &|kind, unthanked| list(scope.root(), kind, unthanked));
    let view = ListPage {
        tabs: tabs(ctx, "/contributions"),
        as_of: page.t1("screen-as-of", "day", &today),
        division: scope.root().to_owned(),
        tiles: total_figures(),
        kinds: opts(&page, &Kind::ALL.map(Kind::name), "gift-kind-", &filter.kind),
        from: filter.from.clone(),
        to: filter.to.clone(),
        unthanked: filter.unthanked,
        today,
        heads: HEADS.iter().map(|name| page.t(&format!("gift-figure-{name}"))).collect(),
        places,
        total: Row { name: page.t("screen-total"), href: String::new(), figures: total_figures() },
        rows: found.into_iter().map(|given| line(&page, given)).collect(),
        summary: page.t2("relief-range", "from", (offset + 1).min(to), "to", to),
        prev,
        next,
        may_record: may_record(&ctx.actor),
        back: format!("{base}&division={}", scope.root()),
        error,
        crumbs,
        title,
        page,
    };
    ctx.render(&view)
}

/// What a division gave.
pub(super) async fn page(ctx: Ctx, Query(address): Query<Address>) -> Result<Response, WebError> {
    list_page(&ctx, &address, String::new()).await
}

#[derive(askama::Template)]
#[template(path = "contribution_form.html")]
struct FormPage {
    page: Page,
    title: String,
    sub: String,
    base: String,
    id: String,
    error: String,
    filled: Filled,
    kinds: Vec<Opt>,
    today: String,
}

fn form_page(ctx: &Ctx, home: &Home, id: Uuid, filled: Filled, error: String) -> Result<Response, WebError> {
    let page = ctx.page("nav-relief");
    let view = FormPage {
        title: page.t1("gift-form-title", "name", &home.head_name),
        sub: format!("{} · {}", home.place, home.household_no),
        base: format!("/households/{}", home.id),
        id: id.to_string(),
        kinds: opts(&page, &Kind::ALL.map(Kind::name), "gift-kind-", &filled.value("kind")),
        today: ctx.app.clock.today().to_string(),
        error,
        filled,
        page,
    };
    ctx.render(&view)
}

/// The form of a contribution.
pub(super) async fn form(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let home = home(&ctx.app, &ctx.actor, id).await?;
    let raw: Raw = [
        ("given_on", ctx.app.clock.today().to_string()),
        ("kind", Kind::Work.name().to_owned()),
        ("who", home.head_name.clone()),
    ]
    .map(|(field, value)| (field.to_owned(), value))
    .into();
    form_page(&ctx, &home, ids::new_id(), Filled::new(ctx.lang, raw), String::new())
}

/// Writes a contribution down.
pub(super) async fn record(
    ctx: Ctx,
    Path(household): Path<Uuid>,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let mut raw = fields_of(form);
    let id: Uuid = raw.remove("id").and_then(|text| text.parse().ok()).unwrap_or_default();
    match contributions::record(&ctx.app, &ctx.actor, household, id, &raw).await {
        Ok(_) => Ok(ctx.redirect_with(&format!("/households/{household}/care"), "ok", "gift-written")),
        Err(error) => {
            let Some(status) = shown_again(&error) else {
                return Err(error.into());
            };
            let home = home(&ctx.app, &ctx.actor, household).await?;
            let mut filled = Filled::new(ctx.lang, raw);
            let mut said = String::new();
            match error {
                ReliefError::Fields(faults) => filled.faults = faults,
                other => said = other.message(ctx.lang),
            }
            let id = if id.is_nil() { ids::new_id() } else { id };
            with_status(form_page(&ctx, &home, id, filled, said), status)
        }
    }
}

async fn changed(
    ctx: Ctx,
    id: Uuid,
    form: Vec<(String, String)>,
    flash: &str,
    what: impl FnOnce(&Raw) -> Change,
) -> Result<Response, WebError> {
    let raw = fields_of(form);
    // Back to the list that the button was on; a path of ours in any case.
    let back = raw.get("back").filter(|path| path.starts_with("/contributions")).cloned();
    match contributions::change(&ctx.app, &ctx.actor, id, what(&raw)).await {
        Ok(()) => Ok(ctx.redirect_with(back.as_deref().unwrap_or("/contributions"), "ok", flash)),
        Err(error) => {
            let Some(status) = shown_again(&error) else {
                return Err(error.into());
            };
            with_status(list_page(&ctx, &Address::default(), error.message(ctx.lang)).await, status)
        }
    }
}

/// Writes down that somebody said thanks.
pub(super) async fn thank(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    changed(ctx, id, form, "gift-thanks-written", |raw| {
        let text = |field: &str| raw.get(field).cloned().unwrap_or_default();
        Change::Thank(text("thanked_on"), text("thanked_how"))
    })
    .await
}

/// Strikes a contribution.
pub(super) async fn void(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    changed(ctx, id, form, "gift-struck", |raw| Change::Void(raw.get("note").cloned().unwrap_or_default())).await
}
