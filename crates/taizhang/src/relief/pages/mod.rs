//! Pages of relief and care.

mod balance;
mod contacts;
mod contributions;
mod deployments;
mod export;
mod household;
mod request;
mod requests;

use axum::http::StatusCode;
use axum::response::Response;

use super::model::{Raw, Request, yuan};
use super::{Fault, ReliefError};
use crate::access::Capability;
use crate::platform::{ErrorKind, Lang, UserError, i18n};
use crate::register::pages::Badge;
use crate::screen::pages::Tab;
use crate::web::{Ctx, Page, Policy, Routes, WebError};

const ITEMS: Policy = Policy::Needs(Capability::ViewItems);
const HOUSEHOLDS: Policy = Policy::Needs(Capability::ViewHouseholds);
const RECORD: Policy = Policy::Needs(Capability::RecordVisits);
const FIGURES: Policy = Policy::AllOf(&[Capability::ViewItems, Capability::ViewFigures]);
const ASSIGN: Policy = Policy::Needs(Capability::AssignItems);
/// Whoever sees figures, and whoever makes contacts: a helper sees those of their own households.
const COVER: Policy = Policy::AnyOf(&[Capability::ViewFigures, Capability::RecordVisits]);
const DECIDE: Policy = Policy::AllOf(&[Capability::AssignItems, Capability::WorkItems]);
const CONFIRM: Policy = Policy::AllOf(&[Capability::ViewFigures, Capability::WorkItems]);
const EXPORT: Policy = Policy::AllOf(&[Capability::Export, Capability::ViewItems]);

/// The routes of this feature.
pub fn routes() -> Routes {
    Routes::new()
        .get("/relief", ITEMS, requests::page)
        .get("/relief/balance", FIGURES, balance::page)
        .get("/relief/balance/list", FIGURES, balance::list)
        .get("/relief/export", EXPORT, export::question)
        .post("/relief/export", EXPORT, export::file)
        .get("/households/{id}/care", HOUSEHOLDS, household::care)
        .get("/households/{id}/relief", RECORD, requests::form)
        .post("/households/{id}/relief", RECORD, requests::ask)
        .get("/relief/{id}", ITEMS, request::page)
        .post("/relief/{id}/decide", DECIDE, request::decide)
        .post("/relief/{id}/pay", DECIDE, request::pay)
        .post("/relief/{id}/confirm", CONFIRM, request::confirm)
        .post("/relief/{id}/void", DECIDE, request::void)
        .post("/relief/{id}/withdraw", RECORD, request::withdraw)
        .get("/contacts", COVER, contacts::page)
        .get("/contacts/list", HOUSEHOLDS, contacts::list)
        .get("/contributions", ITEMS, contributions::page)
        .get("/households/{id}/contributions", RECORD, contributions::form)
        .post("/households/{id}/contributions", RECORD, contributions::record)
        .post("/contributions/{id}/thank", RECORD, contributions::thank)
        .post("/contributions/{id}/void", RECORD, contributions::void)
        .get("/deployments", FIGURES, deployments::page)
        .get("/deployments/new", ASSIGN, deployments::form)
        .post("/deployments", ASSIGN, deployments::record)
        .get("/deployments/{id}", FIGURES, deployments::show)
        .post("/deployments/{id}/change", ASSIGN, deployments::change)
        .get("/households/{id}/carers", HOUSEHOLDS, household::carers)
}

/// The tabs of the room that somebody may open.
fn tabs(ctx: &Ctx, active: &str) -> Vec<Tab> {
    let figures = FIGURES.allows(&ctx.actor);
    let items = ITEMS.allows(&ctx.actor);
    [
        ("/relief", "relief-tab-requests", items),
        ("/relief/balance", "relief-tab-balance", figures),
        ("/contacts", "relief-tab-contacts", true),
        ("/contributions", "relief-tab-gifts", items),
        ("/deployments", "relief-tab-posts", figures),
    ]
    .into_iter()
    .filter(|(.., open)| *open)
    .map(|(href, key, _)| Tab { href, label: i18n::text(ctx.lang, key), active: href == active })
    .collect()
}

/// One of what may be chosen.
struct Opt {
    value: String,
    label: String,
    chosen: bool,
}

fn opts(page: &Page, all: &[&str], prefix: &str, chosen: &str) -> Vec<Opt> {
    all.iter()
        .map(|value| Opt {
            value: (*value).to_owned(),
            label: page.t(&format!("{prefix}{value}")),
            chosen: *value == chosen,
        })
        .collect()
}

/// The fields of a form as they came, with what is wrong beside each of them.
struct Filled {
    raw: Raw,
    faults: Vec<Fault>,
    lang: Lang,
}

impl Filled {
    fn new(lang: Lang, raw: Raw) -> Self {
        Self { raw, faults: Vec::new(), lang }
    }

    fn value(&self, field: &str) -> String {
        self.raw.get(field).cloned().unwrap_or_default()
    }

    fn error(&self, field: &str) -> String {
        let fault = self.faults.iter().find(|fault| fault.field == field);
        fault.map(|fault| fault.message(self.lang)).unwrap_or_default()
    }
}

/// A form's fields without its token.
fn fields_of(form: Vec<(String, String)>) -> Raw {
    form.into_iter().filter(|(name, _)| name != "csrf").collect()
}

/// The status of a page that shows a form again; none where the error is no matter of the form.
fn shown_again(error: &ReliefError) -> Option<StatusCode> {
    match error.kind() {
        ErrorKind::Invalid => Some(StatusCode::UNPROCESSABLE_ENTITY),
        ErrorKind::Conflict => Some(StatusCode::CONFLICT),
        _ => None,
    }
}

fn with_status(made: Result<Response, WebError>, status: StatusCode) -> Result<Response, WebError> {
    let mut response = made?;
    *response.status_mut() = status;
    Ok(response)
}

fn state_badge(page: &Page, request: &Request, today: &str) -> Badge {
    let late = request.is_late(today);
    Badge {
        tone: match (late, request.state.as_str()) {
            (true, _) => "danger",
            (_, "asked") => "warn",
            (_, "approved") => "info",
            (_, "paid") => "ok",
            _ => "mute",
        },
        text: if late {
            page.t(&format!("relief-late-{}", request.state))
        } else if request.state == "asked" {
            page.t(&format!("relief-asked-{}", request.level))
        } else {
            page.t(&format!("relief-state-{}", request.state))
        },
    }
}

/// A line of a list of requests.
struct Line {
    href: String,
    number: String,
    head: String,
    place: String,
    kind: String,
    green: bool,
    again: bool,
    asked_on: String,
    asked: String,
    approved: String,
    paid: String,
    figure: String,
    due: String,
    state: Badge,
}

impl Line {
    fn of(page: &Page, request: &Request, today: &str) -> Self {
        let some = |fen: i64| if fen == 0 { "—".to_owned() } else { yuan(fen) };
        Self {
            href: format!("/relief/{}", request.id),
            number: request.number.clone(),
            head: request.head_name.clone(),
            place: [request.township.as_str(), request.place.as_str()].join(" "),
            kind: page.t(&format!("relief-kind-{}", request.kind)),
            green: request.green,
            again: !request.again.is_empty(),
            asked_on: request.asked_on.clone(),
            asked: yuan(request.asked_fen),
            approved: some(request.approved_fen),
            paid: some(request.paid_fen + request.advanced_fen),
            figure: yuan(request.figure_fen),
            due: crate::register::pages::dash(request.due()),
            state: state_badge(page, request, today),
        }
    }
}
