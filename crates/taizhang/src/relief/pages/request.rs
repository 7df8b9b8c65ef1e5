//! One request: what it says, its payments, its time line, and the steps that the reader may take.

use axum::extract::Path;
use axum::response::Response;
use uuid::Uuid;

use super::super::error::ReliefError;
use super::super::model::{Event, Payment, Raw, Request, Step, What, fen_of, yuan};
use super::super::requests::{self, Whole, may_ask, may_confirm, may_decide};
use super::{Filled, fields_of, shown_again, state_badge, with_status};
use crate::access::Role;
use crate::platform::{UserError, clock, ids};
use crate::register::pages::{Badge, dash};
use crate::web::{Ctx, Form, Page, WebError};

struct PaymentLine {
    id: Uuid,
    day: String,
    amount: String,
    voucher: String,
    payee: String,
    state: Badge,
    who: String,
    note: String,
    confirm: bool,
    void: bool,
    event: String,
    void_event: String,
}

struct Stage {
    label: String,
    note: String,
    state: &'static str,
}

struct EventLine {
    day: String,
    time: String,
    tone: &'static str,
    title: String,
    note: String,
    by: String,
}

#[derive(askama::Template)]
#[template(path = "relief_show.html")]
struct ShowPage {
    page: Page,
    request: Request,
    title: String,
    sub: String,
    household: String,
    state: Badge,
    error: String,
    filled: Filled,
    others: Vec<(String, String)>,
    steps: Vec<Stage>,
    facts: Vec<(String, String)>,
    payments: Vec<PaymentLine>,
    left: String,
    events: Vec<EventLine>,
    may_decide: bool,
    decide_hint: String,
    may_forward: bool,
    may_pay: bool,
    pay_ahead: bool,
    may_withdraw: bool,
    today: String,
    asked_plain: String,
    left_plain: String,
    new_event: String,
    pay_event: String,
    back_event: String,
}

/// An amount as a form field takes it.
fn plain(fen: i64) -> String {
    yuan(fen).replace(',', "")
}

fn payment_line(ctx: &Ctx, page: &Page, payment: &Payment) -> PaymentLine {
    let own = payment.recorded_by == ctx.actor.user_id;
    let mut who = page.t1("relief-recorded-by", "name", &payment.recorded_name);
    if payment.state == "confirmed" || !payment.confirmed_name.is_empty() {
        let said = page.t2("relief-confirmed-by", "name", &payment.confirmed_name, "day", &payment.confirmed_on);
        who = format!("{who} · {said}");
    }
    let mut note = payment.note.clone();
    if payment.state == "void" {
        note = page.t2("relief-void-by", "name", &payment.void_name, "why", &payment.void_why);
    }
    PaymentLine {
        id: payment.id,
        day: payment.paid_on.clone(),
        amount: yuan(payment.amount_fen),
        voucher: payment.voucher.clone(),
        payee: payment.payee.clone(),
        state: Badge {
            tone: match payment.state.as_str() {
                "confirmed" => "ok",
                "void" => "mute",
                _ => "warn",
            },
            text: page.t(&format!("relief-payment-{}", payment.state)),
        },
        who,
        note,
        confirm: payment.state == "recorded" && !own && may_confirm(&ctx.actor),
        void: payment.state != "void"
            && may_decide(&ctx.actor)
            && (payment.confirmed_by.is_none() || payment.confirmed_by != ctx.actor.user_id),
        event: ids::new_id().to_string(),
        void_event: ids::new_id().to_string(),
    }
}

fn event_line(page: &Page, event: &Event) -> EventLine {
    let said = event.said();
    let mut parts = Vec::new();
    if said.fen != 0 {
        parts.push(format!("{} {}", yuan(said.fen), page.t("unit-yuan")));
    }
    if !said.payee.is_empty() {
        parts.push(page.t1("relief-to", "name", &said.payee));
    }
    if !said.voucher.is_empty() {
        parts.push(page.t1("relief-voucher-no", "number", &said.voucher));
    }
    let mut title = page.t(&format!("relief-event-{}", event.action));
    if !parts.is_empty() {
        title = format!("{title} · {}", parts.join(" · "));
    }
    EventLine {
        day: event.day.clone(),
        time: clock::local(event.at).format("%H:%M").to_string(),
        tone: match event.action.as_str() {
            "approve" | "confirm" => "ok",
            "refuse" | "void" => "danger",
            "withdraw" => "void",
            _ => "",
        },
        title,
        note: event.note.clone(),
        by: dash(&event.actor_name),
    }
}

/// The stages of a request as steps: what is done, what is now.
fn steps(page: &Page, request: &Request) -> Vec<Stage> {
    let ended = matches!(request.state.as_str(), "refused" | "withdrawn");
    let decided = page.t(&match request.state.as_str() {
        "refused" | "withdrawn" => format!("relief-state-{}", request.state),
        "asked" => format!("relief-asked-{}", request.level),
        _ => "relief-step-decided".to_owned(),
    });
    let waiting =
        |day: &str| if day.is_empty() { page.t("relief-no-calendar") } else { page.t1("relief-by", "day", day) };
    let asked = request.state == "asked";
    let mut out = vec![
        Stage { label: page.t("relief-step-asked"), note: request.asked_on.clone(), state: "done" },
        Stage {
            label: decided,
            note: if asked { waiting(&request.decide_by) } else { request.decided_on.clone() },
            state: if asked { "now" } else { "done" },
        },
    ];
    if !ended {
        let (note, state) = match request.state.as_str() {
            "approved" => (waiting(&request.pay_by), "now"),
            "paid" => (String::new(), "done"),
            _ => (String::new(), ""),
        };
        out.push(Stage { label: page.t("relief-step-paid"), note, state });
    }
    out
}

fn show(ctx: &Ctx, whole: Whole, filled: Filled, error: String) -> Result<Response, WebError> {
    let page = ctx.page("nav-relief");
    let today = ctx.app.clock.today().to_string();
    let Whole { request, events, payments, others, policy } = whole;
    let actor = &ctx.actor;
    let given: i64 = payments.iter().filter(|p| p.state != "void").map(|p| p.amount_fen).sum();
    let asked = request.state == "asked";
    let ahead = asked && request.green;
    let most = if ahead { request.asked_fen.min(policy.green_yuan * 100) } else { request.approved_fen };
    let left = (most - given).max(0);
    let self_asked = request.asked_by.is_some() && request.asked_by == actor.user_id;
    let township = actor.role == Role::TownshipStaff;
    let is_county = request.level == "county";
    let may_judge = may_decide(actor) && asked && !self_asked && !(township && is_county);
    let decide_hint = if !(may_decide(actor) && asked) {
        String::new()
    } else if self_asked {
        page.t("error-relief-decide_self")
    } else if township && is_county {
        page.t("error-relief-county")
    } else {
        page.t1("relief-ceiling", "yuan", yuan(policy.ceiling_fen(&request.division_code)))
    };
    let yuan_text = |fen: i64| format!("{} {}", yuan(fen), page.t("unit-yuan"));
    let mut facts = vec![
        (page.t("relief-field-amount"), yuan_text(request.asked_fen)),
        (page.t("relief-field-kind"), page.t(&format!("relief-kind-{}", request.kind))),
        (page.t("relief-field-reason"), request.reason.clone()),
        (page.t("relief-field-channel"), page.t(&format!("screen-channel-{}", request.channel))),
        (page.t("relief-field-asked_on"), request.asked_on.clone()),
        (page.t("relief-column-asked_by"), [request.asked_name.as_str(), request.asked_unit.as_str()].join(" ")),
        (page.t("relief-column-level"), page.t(&format!("relief-level-{}", request.level))),
    ];
    if !request.again.is_empty() {
        facts.push((page.t("relief-field-again"), request.again.clone()));
    }
    if !request.decided_on.is_empty() {
        facts.push((page.t("relief-column-decided_by"), format!("{} {}", request.decided_name, request.decided_on)));
        facts.push((page.t("relief-column-decided_why"), dash(&request.decided_why)));
    }
    if request.approved_fen > 0 {
        facts.push((page.t("relief-field-approved"), yuan_text(request.approved_fen)));
        facts.push((page.t("relief-figure-paid"), yuan_text(request.paid_fen)));
        facts.push((page.t("relief-figure-unpaid"), yuan_text(request.unpaid_fen())));
    }
    if request.advanced_fen > 0 {
        facts.push((page.t("relief-figure-advanced"), yuan_text(request.advanced_fen)));
    }
    let view = ShowPage {
        title: page.t1("relief-title-of", "name", &request.head_name),
        sub: format!("{} {} · {}", request.township, request.place, request.household_no),
        household: format!("/households/{}", request.household_id),
        state: state_badge(&page, &request, &today),
        others: others
            .iter()
            .map(|other| {
                let state = page.t(&format!("relief-state-{}", other.state));
                let text = format!("{} · {} · {} · {state}", other.asked_on, other.number, yuan_text(other.asked_fen));
                (format!("/relief/{}", other.id), text)
            })
            .collect(),
        steps: steps(&page, &request),
        facts,
        payments: payments.iter().map(|payment| payment_line(ctx, &page, payment)).collect(),
        left: if most > 0 { page.t1("relief-left", "yuan", yuan(left)) } else { String::new() },
        events: events.iter().rev().map(|event| event_line(&page, event)).collect(),
        may_decide: may_judge,
        decide_hint,
        may_forward: may_decide(actor) && asked && !is_county,
        may_pay: may_decide(actor) && left > 0 && (ahead || request.state == "approved"),
        pay_ahead: ahead,
        may_withdraw: may_ask(actor) && asked && given == 0,
        asked_plain: plain(request.asked_fen),
        left_plain: plain(left),
        today,
        new_event: ids::new_id().to_string(),
        pay_event: ids::new_id().to_string(),
        back_event: ids::new_id().to_string(),
        request,
        error,
        filled,
        page,
    };
    ctx.render(&view)
}

/// One request.
pub(super) async fn page(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let whole = requests::whole(&ctx.app, &ctx.actor, id).await?;
    show(&ctx, whole, Filled::new(ctx.lang, Raw::new()), String::new())
}

/// Takes a step; what `what` cannot make of the fields is told like what the request refuses.
async fn step(
    ctx: Ctx,
    id: Uuid,
    form: Vec<(String, String)>,
    flash: &str,
    what: impl FnOnce(&Raw) -> Result<What, ReliefError>,
) -> Result<Response, WebError> {
    let raw = fields_of(form);
    // Whether there is such a request for this reader comes before what the form says.
    requests::whole(&ctx.app, &ctx.actor, id).await?;
    let text = |field: &str| raw.get(field).cloned().unwrap_or_default();
    let done = match what(&raw) {
        Ok(what) => {
            let step = Step {
                event: text("event").parse().unwrap_or_else(|_| ids::new_id()),
                version: text("version").parse().unwrap_or(0),
                note: text("note"),
                what,
            };
            requests::act(&ctx.app, &ctx.actor, id, step).await
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(_) => Ok(ctx.redirect_with(&format!("/relief/{id}"), "ok", flash)),
        Err(error) => {
            let Some(status) = shown_again(&error) else {
                return Err(error.into());
            };
            let whole = requests::whole(&ctx.app, &ctx.actor, id).await?;
            let said = error.message(ctx.lang);
            let mut filled = Filled::new(ctx.lang, raw);
            if let ReliefError::Fields(faults) = error {
                filled.faults = faults;
            }
            with_status(show(&ctx, whole, filled, said), status)
        }
    }
}

/// Approves, refuses, or hands up to the county.
pub(super) async fn decide(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    step(ctx, id, form, "relief-decided", |raw| {
        let text = |field: &str| raw.get(field).map_or("", String::as_str);
        match text("verdict") {
            "approve" => {
                let example = || ReliefError::field("approved", "relief-fault-yuan", "1500 / 1500.50");
                Ok(What::Approve(fen_of(text("approved")).ok_or_else(example)?))
            }
            "refuse" => Ok(What::Refuse),
            "forward" => Ok(What::Forward),
            _ => Err(ReliefError::field("verdict", "relief-fault-choice", "")),
        }
    })
    .await
}

/// Writes a payment down.
pub(super) async fn pay(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    step(ctx, id, form, "relief-payment-written", requests::payment).await
}

fn payment_of(raw: &Raw) -> Result<Uuid, ReliefError> {
    raw.get("payment")
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| ReliefError::field("payment", "relief-fault-choice", ""))
}

/// Confirms a payment.
pub(super) async fn confirm(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    step(ctx, id, form, "relief-payment-checked", |raw| Ok(What::Confirm(payment_of(raw)?))).await
}

/// Strikes a payment.
pub(super) async fn void(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    step(ctx, id, form, "relief-payment-struck", |raw| Ok(What::Void(payment_of(raw)?))).await
}

/// Takes the request back.
pub(super) async fn withdraw(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    step(ctx, id, form, "relief-taken-back", |_| Ok(What::Withdraw)).await
}
