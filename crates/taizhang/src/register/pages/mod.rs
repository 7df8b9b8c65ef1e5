//! The search page, the households of a village, the household file, and what is shown with a reason.

mod household;
mod organisation;

use axum::extract::{Path, Query};
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::organisations::OrganisationLine;
use super::search::{self, Hit, Kind, Results, Via};
use super::{Field, HouseholdLine, Place, RegisterError, Subject};
use crate::access::Capability;
use crate::platform::{ErrorKind, UserError};
use crate::web::{Ctx, Form, Page, Policy, Routes, WebError};

const VIEW: Policy = Policy::Needs(Capability::ViewHouseholds);
const REVEAL: Policy = Policy::Needs(Capability::RevealPersonal);
/// Households of a page.
const ROWS: i64 = 50;
/// Length of a village's code: below it households are listed.
const VILLAGE: usize = 12;

/// The routes of this feature.
pub fn routes() -> Routes {
    Routes::new()
        .get("/search", VIEW, search_page)
        .get("/households", VIEW, households_page)
        .get("/households/{id}", VIEW, household::show)
        .get("/households/{id}/reveal", REVEAL, reveal_question)
        .post("/households/{id}/reveal", REVEAL, reveal)
        .get("/organisations/{id}", VIEW, organisation::show)
}

impl HouseholdsPage {
    fn grouped(&self, number: &i64) -> String {
        grouped(*number)
    }
}

/// A state in words with the tone of its badge.
pub(crate) struct Badge {
    pub(crate) tone: &'static str,
    pub(crate) text: String,
}

/// A link of a breadcrumb.
pub(crate) struct Crumb {
    pub(crate) href: String,
    pub(crate) name: String,
}

/// Thousands apart: 20,008.
pub(crate) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if number < 0 {
        out.insert(0, '−');
    }
    out
}

pub(crate) fn dash(text: &str) -> String {
    if text.is_empty() { "—" } else { text }.to_owned()
}

/// Name and, where the division is inside the actor's scope, link of each division from the province down.
fn crumbs(ctx: &Ctx, places: &[(String, String)], base: &str) -> Vec<Crumb> {
    places
        .iter()
        .filter(|(code, _)| ctx.actor.scope.contains(code))
        .map(|(code, name)| Crumb { href: format!("{base}?division={code}"), name: name.clone() })
        .collect()
}

// ---- search ----

#[derive(Debug, Default, Deserialize)]
struct SearchQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    limit: Option<i64>,
}

struct Row {
    hit: Hit,
    sex: String,
    age: String,
    via: String,
}

#[derive(askama::Template)]
#[template(path = "search.html")]
struct SearchPage {
    page: Page,
    q: String,
    kind: Kind,
    kind_text: String,
    rows: Vec<Row>,
    places: Vec<Place>,
    organisations: Vec<OrganisationLine>,
    within: String,
    more: Option<i64>,
    capped: bool,
    tips: bool,
    scope_name: String,
}

#[derive(askama::Template)]
#[template(path = "search_results.html")]
struct SearchResults {
    page: Page,
    q: String,
    kind: Kind,
    kind_text: String,
    rows: Vec<Row>,
    places: Vec<Place>,
    organisations: Vec<OrganisationLine>,
    within: String,
    more: Option<i64>,
    capped: bool,
    tips: bool,
    scope_name: String,
}

async fn search_page(ctx: Ctx, Query(query): Query<SearchQuery>) -> Result<Response, WebError> {
    let limit = query.limit.unwrap_or(search::PAGE);
    let q: String = query.q.trim().chars().take(60).collect();
    let results = super::search_for(&ctx.app, &ctx.actor, &q, limit).await?;
    // A number that means one household opens it at once.
    if !ctx.is_fragment()
        && matches!(results.kind, Kind::CitizenId | Kind::Number)
        && results.places.is_empty()
        && results.organisations.is_empty()
        && let [only] = results.persons.as_slice()
    {
        return Ok(ctx.redirect(&format!("/households/{}", only.household_id)));
    }
    if !ctx.is_fragment()
        && results.kind == Kind::CreditCode
        && let [only] = results.organisations.as_slice()
    {
        return Ok(ctx.redirect(&format!("/organisations/{}", only.id)));
    }
    let page = ctx.page("nav-households");
    let Results { kind, persons, places, organisations, more, within } = results;
    let rows: Vec<Row> = persons
        .into_iter()
        .map(|hit| Row {
            sex: sex_text(&page, &hit.sex),
            age: hit.age.map_or_else(|| "—".to_owned(), |age| age.to_string()),
            via: match hit.via {
                Via::Input => String::new(),
                Via::HouseholdPhone => page.t("search-via-household-phone"),
                Via::HelperPhone => page.t("search-via-helper-phone"),
                Via::HouseholdNo => page.t("search-via-household-no"),
            },
            hit,
        })
        .collect();
    let capped = more && limit >= search::MOST;
    let more = (more && !capped).then(|| (limit * 4).min(search::MOST));
    let within = within.iter().map(|place| place.full_name.as_str()).collect::<Vec<_>>().join(&page.t("list-comma"));
    let kind_text = page.t(kind.key());
    let scope_name = page.user.as_ref().map(|user| user.division_name.clone()).unwrap_or_default();
    let tips = rows.is_empty() && places.is_empty() && organisations.is_empty();
    if ctx.is_fragment() {
        return ctx.render(&SearchResults {
            page,
            q,
            kind,
            kind_text,
            rows,
            places,
            organisations,
            within,
            more,
            capped,
            tips,
            scope_name,
        });
    }
    ctx.render(&SearchPage {
        page,
        q,
        kind,
        kind_text,
        rows,
        places,
        organisations,
        within,
        more,
        capped,
        tips,
        scope_name,
    })
}

pub(crate) fn sex_text(page: &Page, sex: &str) -> String {
    match sex {
        "male" => page.t("sex-male"),
        "female" => page.t("sex-female"),
        _ => "—".to_owned(),
    }
}

// ---- households of a place ----

#[derive(Debug, Default, Deserialize)]
struct ListQuery {
    #[serde(default)]
    division: String,
    #[serde(default)]
    page: i64,
}

#[derive(askama::Template)]
#[template(path = "households.html")]
struct HouseholdsPage {
    page: Page,
    crumbs: Vec<Crumb>,
    title: String,
    places: Vec<Place>,
    households: Vec<HouseholdLine>,
    lists_households: bool,
    summary: String,
    prev: String,
    next: String,
}

async fn households_page(ctx: Ctx, Query(query): Query<ListQuery>) -> Result<Response, WebError> {
    let code = if query.division.is_empty() { ctx.actor.scope.root().to_owned() } else { query.division };
    let scope = inside(&ctx, &code)?;
    let page = ctx.page("nav-households");
    let mut path = Vec::new();
    for length in super::divisions::CODE_LENGTHS {
        if let Some(part) = code.get(..length)
            && let Some(found) = super::division(&ctx.app, part).await?
        {
            path.push((found.code, found.name));
        }
    }
    let title = path.last().map_or_else(|| page.t("division-whole"), |(_, name)| name.clone());
    let own = super::own_households(&ctx.app, &ctx.actor).await?;
    let lists_households = own.is_some() || code.len() >= VILLAGE;
    let (mut places, mut households) = (Vec::new(), Vec::new());
    let (mut summary, mut prev, mut next) = (String::new(), String::new(), String::new());
    if let Some(own) = own {
        households = super::households_of(&ctx.app, &scope, &own).await?;
        let count = households.len();
        summary = page.t2("households-range", "from", count.min(1), "to", count);
    } else if lists_households {
        let at = query.page.clamp(1, 100_000);
        households = super::households_in(&ctx.app, &scope, (at - 1) * ROWS, ROWS + 1).await?;
        let link = |to: i64| format!("/households?division={code}&page={to}");
        if households.len() > usize::try_from(ROWS).unwrap_or(50) {
            households.pop();
            next = link(at + 1);
        }
        if at > 1 {
            prev = link(at - 1);
        }
        let from = (at - 1) * ROWS + 1;
        let to = from + i64::try_from(households.len()).unwrap_or(0) - 1;
        summary = page.t2("households-range", "from", from, "to", to);
    } else {
        places = super::places_below(&ctx.app, &scope, &code).await?;
    }
    ctx.render(&HouseholdsPage {
        crumbs: crumbs(&ctx, &path, "/households"),
        page,
        title,
        places,
        households,
        lists_households,
        summary,
        prev,
        next,
    })
}

/// The actor's scope narrowed to a division; not found where it lies outside or is no code.
pub(crate) fn inside(ctx: &Ctx, code: &str) -> Result<crate::access::Scope, WebError> {
    let is_code = code.len() <= 14 && code.bytes().all(|b| b.is_ascii_digit());
    if is_code && ctx.actor.scope.contains(code) {
        Ok(crate::access::Scope::subtree(code))
    } else {
        Err(WebError::not_found())
    }
}

// ---- reveal ----

#[derive(Debug, Deserialize)]
struct RevealQuery {
    #[serde(default = "household_itself")]
    subject: String,
    #[serde(default = "its_phone")]
    field: String,
}

fn household_itself() -> String {
    "household".to_owned()
}

fn its_phone() -> String {
    "phone".to_owned()
}

#[derive(Debug, Deserialize)]
struct RevealForm {
    subject: String,
    field: String,
    #[serde(default)]
    reason: String,
}

#[derive(askama::Template)]
#[template(path = "reveal.html")]
struct RevealPage {
    page: Page,
    base: String,
    head: String,
    who: String,
    label: String,
    subject: String,
    field: String,
    reason: String,
    error: String,
    value: String,
}

/// Whose field it is, for the page that asks and the page that shows.
async fn reveal_view(
    ctx: &Ctx,
    id: Uuid,
    subject: &str,
    field: &str,
) -> Result<(RevealPage, Subject, Field), WebError> {
    let file = super::household_file_for(&ctx.app, &ctx.actor, id).await?;
    let (Some(whose), Some(which)) = (Subject::parse(subject), Field::parse(field)) else {
        return Err(WebError::not_found());
    };
    let page = ctx.page("nav-households");
    let head = page.t1("file-title", "name", &file.household.head_name);
    let who = match whose {
        Subject::Household => Some(head.clone()),
        Subject::Person(id) => file.members.iter().find(|m| m.person.id == id).map(|m| m.person.name.clone()),
        Subject::Helper(id) => file.helpers.iter().find(|(h, _)| h.id == id).map(|(h, _)| h.name.clone()),
        Subject::TeamMember(id) => file.team.iter().find(|(t, _)| t.id == id).map(|(t, _)| t.name.clone()),
    }
    .ok_or_else(WebError::not_found)?;
    let label = page.t(&format!("field-{}", which.name()));
    let view = RevealPage {
        page,
        base: format!("/households/{id}"),
        head,
        who,
        label,
        subject: subject.to_owned(),
        field: field.to_owned(),
        reason: String::new(),
        error: String::new(),
        value: String::new(),
    };
    Ok((view, whose, which))
}

async fn reveal_question(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Query(query): Query<RevealQuery>,
) -> Result<Response, WebError> {
    let (view, _, _) = reveal_view(&ctx, id, &query.subject, &query.field).await?;
    ctx.render(&view)
}

async fn reveal(ctx: Ctx, Path(id): Path<Uuid>, Form(form): Form<RevealForm>) -> Result<Response, WebError> {
    let (mut view, subject, field) = reveal_view(&ctx, id, &form.subject, &form.field).await?;
    let shown = super::reveal(&ctx.app, &ctx.actor, id, subject, field, &form.reason).await;
    match shown {
        Ok(value) => {
            view.value = value;
            ctx.render(&view)
        }
        // What the person can put right is said beside the form; the rest is an error page.
        Err(RegisterError::Access(error)) if error.kind() == ErrorKind::Invalid => {
            view.error = error.message(ctx.lang);
            view.reason = form.reason;
            let mut response = ctx.render(&view)?;
            *response.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_read_them() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(20_008), "20,008");
        assert_eq!(grouped(-1_234_567), "−1,234,567");
    }
}
