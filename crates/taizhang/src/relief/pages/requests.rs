//! The list of requests, and the form of a new one.

use axum::extract::{Path, Query};
use axum::response::Response;
use uuid::Uuid;

use super::super::model::{Kind, Raw, STATES, yuan};
use super::super::requests::{self, Filter};
use super::super::{Home, ReliefError, home};
use super::{EXPORT, Filled, Line, Opt, fields_of, opts, shown_again, tabs, with_status};
use crate::platform::{UserError, ids};
use crate::register::pages::{Crumb, grouped};
use crate::screen::model::Channel;
use crate::screen::pages::{Figure, ROWS, Tab, paging, place};
use crate::web::{Ctx, Form, Page, WebError, query_encoded};

/// What the address says.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub(super) struct Address {
    #[serde(default)]
    pub(super) division: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    green: String,
    #[serde(default)]
    late: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    page: String,
    #[serde(default)]
    pub(super) edition: String,
    #[serde(default)]
    pub(super) purpose: String,
}

impl Address {
    pub(super) fn filter(&self) -> Filter {
        Filter {
            state: self.state.clone(),
            kind: self.kind.clone(),
            green: self.green == "1",
            late: self.late == "1",
            text: self.q.trim().to_owned(),
        }
        .known()
    }

    /// The filter as a query, without the division.
    pub(super) fn query(&self) -> String {
        let filter = self.filter();
        let flag = |yes: bool| if yes { "1" } else { "" };
        format!(
            "state={}&kind={}&green={}&late={}&q={}",
            filter.state,
            filter.kind,
            flag(filter.green),
            flag(filter.late),
            query_encoded(&filter.text)
        )
    }
}

#[derive(askama::Template)]
#[template(path = "relief.html")]
struct ListPage {
    page: Page,
    tabs: Vec<Tab>,
    crumbs: Vec<Crumb>,
    title: String,
    as_of: String,
    division: String,
    tiles: Vec<Figure>,
    states: Vec<Opt>,
    kinds: Vec<Opt>,
    green: bool,
    late: bool,
    q: String,
    found: String,
    rows: Vec<Line>,
    summary: String,
    prev: String,
    next: String,
    export: String,
}

/// The requests of a division.
pub(super) async fn page(ctx: Ctx, Query(address): Query<Address>) -> Result<Response, WebError> {
    let (scope, title, crumbs) = place(&ctx, &address.division, "/relief").await?;
    let page = ctx.page("nav-relief");
    let today = ctx.app.clock.today().to_string();
    let filter = address.filter();
    let link = |at: i64| format!("/relief?division={}&{}&page={at}", scope.root(), address.query());
    let (offset, ..) = paging(address.page.parse().unwrap_or(1), 0, link);
    let (found, count, sum) = requests::list(&ctx.app, &ctx.actor, &scope, &filter, (offset, ROWS)).await?;
    let (_, prev, next) = paging(address.page.parse().unwrap_or(1), count, link);
    let mut tiles = Vec::new();
    for (key, tile, alarm) in [
        ("relief-state-asked", Filter { state: "asked".to_owned(), ..Filter::default() }, false),
        ("relief-state-approved", Filter { state: "approved".to_owned(), ..Filter::default() }, false),
        ("relief-late", Filter { late: true, ..Filter::default() }, true),
        ("relief-state-paid", Filter { state: "paid".to_owned(), ..Filter::default() }, false),
    ] {
        let (_, count, _) = requests::list(&ctx.app, &ctx.actor, &scope, &tile, (0, 0)).await?;
        let late = if tile.late { "1" } else { "" };
        tiles.push(Figure {
            label: page.t(key),
            text: grouped(count),
            href: if count > 0 {
                format!("/relief?division={}&state={}&late={late}", scope.root(), tile.state)
            } else {
                String::new()
            },
            alarm: alarm && count > 0,
        });
    }
    let to = offset + i64::try_from(found.len()).unwrap_or(0);
    let view = ListPage {
        tabs: tabs(&ctx, "/relief"),
        as_of: page.t1("screen-as-of", "day", &today),
        division: scope.root().to_owned(),
        tiles,
        states: opts(&page, &STATES, "relief-state-", &filter.state),
        kinds: opts(&page, &Kind::ALL.map(Kind::name), "relief-kind-", &filter.kind),
        green: filter.green,
        late: filter.late,
        q: filter.text.clone(),
        found: page.t2("relief-found", "count", grouped(count), "yuan", yuan(sum)),
        rows: found.iter().map(|request| Line::of(&page, request, &today)).collect(),
        summary: page.t2("relief-range", "from", (offset + 1).min(to), "to", to),
        prev,
        next,
        export: if EXPORT.allows(&ctx.actor) {
            format!("/relief/export?division={}&{}", scope.root(), address.query())
        } else {
            String::new()
        },
        crumbs,
        title,
        page,
    };
    ctx.render(&view)
}

#[derive(askama::Template)]
#[template(path = "relief_form.html")]
struct FormPage {
    page: Page,
    title: String,
    sub: String,
    base: String,
    id: String,
    error: String,
    filled: Filled,
    kinds: Vec<Opt>,
    channels: Vec<Opt>,
    green: bool,
    today: String,
    before: Vec<String>,
    rules: String,
}

async fn form_page(ctx: &Ctx, home: &Home, id: Uuid, filled: Filled, error: String) -> Result<Response, WebError> {
    let page = ctx.page("nav-relief");
    let today = ctx.app.clock.today();
    let (policy, _) = requests::policy(&ctx.app, &ctx.actor).await?;
    let since = policy.repeat_since(today).to_string();
    let before = requests::of_household(&ctx.app, &ctx.actor, home.id)
        .await?
        .into_iter()
        .filter(|request| request.state != "withdrawn" && request.asked_on >= since)
        .map(|request| {
            let state = page.t(&format!("relief-state-{}", request.state));
            format!(
                "{} · {} · {} {} · {state}",
                request.asked_on,
                request.number,
                yuan(request.asked_fen),
                page.t("unit-yuan")
            )
        })
        .collect();
    let days = [
        ("ceiling", yuan(policy.ceiling_fen(&home.division_code))),
        ("green", yuan(policy.green_yuan * 100)),
        ("decide", policy.decide_days.to_string()),
        ("pay", policy.pay_days.to_string()),
        ("after", policy.green_days.to_string()),
    ];
    let view = FormPage {
        title: page.t1("relief-form-title", "name", &home.head_name),
        sub: format!("{} · {}", home.place, home.household_no),
        base: format!("/households/{}", home.id),
        id: id.to_string(),
        kinds: opts(&page, &Kind::ALL.map(Kind::name), "relief-kind-", &filled.value("kind")),
        channels: opts(&page, &Channel::ALL.map(Channel::name), "screen-channel-", &filled.value("channel")),
        green: !filled.value("green").is_empty(),
        today: today.to_string(),
        before,
        rules: crate::platform::i18n::text_with(ctx.lang, "relief-rules", &days),
        error,
        filled,
        page,
    };
    ctx.render(&view)
}

/// The form of a request for a household.
pub(super) async fn form(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let home = home(&ctx.app, &ctx.actor, id).await?;
    let raw: Raw = [
        ("asked_on", ctx.app.clock.today().to_string()),
        ("channel", Channel::OnSite.name().to_owned()),
        ("kind", Kind::Urgent.name().to_owned()),
    ]
    .map(|(field, value)| (field.to_owned(), value))
    .into();
    form_page(&ctx, &home, ids::new_id(), Filled::new(ctx.lang, raw), String::new()).await
}

/// Writes a request down.
pub(super) async fn ask(
    ctx: Ctx,
    Path(household): Path<Uuid>,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let mut raw = fields_of(form);
    let id: Uuid = raw.remove("id").and_then(|text| text.parse().ok()).unwrap_or_default();
    match requests::ask(&ctx.app, &ctx.actor, household, id, &raw).await {
        Ok(done) => {
            let key = if done.repeated { "relief-known" } else { "relief-asked" };
            Ok(ctx.redirect_with(&format!("/relief/{}", done.id), "ok", key))
        }
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
            with_status(form_page(&ctx, &home, id, filled, said).await, status)
        }
    }
}
