//! The life of a request: asked for by the village, decided by the township or the county, paid, confirmed.

use std::sync::Arc;

use chrono::{Days, NaiveDate};
use uuid::Uuid;

use super::error::{Fault, ReliefError};
use super::model::{
    Entry, Event, Kind, Moves, Payment, REASON_LEAST, REASON_MOST, Raw, Request, STATES, Said, Step, TEXT_MOST, What,
    yuan,
};
use super::{Home, home, need, store};
use crate::access::audit::{self, Entry as AuditEntry};
use crate::access::{Actor, Capability, Role, Scope};
use crate::assess::profile::relief::ReliefPolicy;
use crate::assess::{self, Profile, working_days};
use crate::platform::{App, DbError, Tx, ids};
use crate::register;
use crate::screen::model::Channel;

/// A request made on paper may be written down this many days later.
const PAPER_DAYS: u64 = 92;

/// What a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// State; empty for any.
    pub state: String,
    /// Kind; empty for any.
    pub kind: String,
    /// Only the green channel.
    pub green: bool,
    /// Only what is overdue.
    pub late: bool,
    /// Number, head or household number; empty for any.
    pub text: String,
}

impl Filter {
    /// The same with what is no state or kind left out.
    pub fn known(mut self) -> Self {
        if !STATES.contains(&self.state.as_str()) {
            self.state.clear();
        }
        if Kind::from_name(&self.kind).is_none() {
            self.kind.clear();
        }
        self
    }
}

/// What became of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Id of the request.
    pub id: Uuid,
    /// Its number.
    pub number: String,
    /// Whether the same had been done before.
    pub repeated: bool,
}

/// The rules in force, and the name of the profile that they come from.
///
/// # Errors
/// The stored profile is faulty or the database fails.
pub async fn policy(app: &App, actor: &Actor) -> Result<(ReliefPolicy, Arc<Profile>), ReliefError> {
    let loaded = assess::active_profile(app, actor).await?;
    Ok((ReliefPolicy::of(&loaded.profile), Arc::clone(&loaded.profile)))
}

/// Whether somebody may ask for relief on a household's behalf.
pub fn may_ask(actor: &Actor) -> bool {
    actor.may(Capability::RecordVisits)
}

/// Whether somebody may decide and pay at all; which requests, their level says.
pub fn may_decide(actor: &Actor) -> bool {
    !actor.is_machine && actor.may(Capability::AssignItems) && actor.may(Capability::WorkItems)
}

/// Whether somebody may confirm payments that others wrote down.
pub fn may_confirm(actor: &Actor) -> bool {
    !actor.is_machine && actor.may(Capability::ViewFigures) && actor.may(Capability::WorkItems)
}

/// A working day some days after a day, as ISO; empty where the calendar of that year is not known.
fn due(day: NaiveDate, days: i64) -> String {
    working_days::after(day, days).map(|day| day.to_string()).unwrap_or_default()
}

fn county_of(division: &str) -> &str {
    division.get(..6).unwrap_or(division)
}

/// Asks for relief on a household's behalf. The same form twice is one request.
///
/// Fields: `kind`, `channel`, `green`, `asked_on`, `amount` (yuan), `reason`, `again` (why again, where the household asked
/// within the time that the policy profile says).
///
/// # Errors
/// The actor may not, the household is not theirs, fields do not fit (all of them are told), or the database fails.
pub async fn ask(app: &App, actor: &Actor, household: Uuid, id: Uuid, raw: &Raw) -> Result<Done, ReliefError> {
    need(actor, &[Capability::RecordVisits])?;
    let home = home(app, actor, household).await?;
    let (policy, profile) = policy(app, actor).await?;
    let (request, faults) = read(app, actor, &home, id, raw, (&policy, &profile));
    if id.is_nil() {
        return Err(ReliefError::field("reason", "relief-fault-form", ""));
    }
    let (who, today, now) = (actor.clone(), app.clock.today(), app.clock.now_ms());
    app.db
        .write::<_, ReliefError, _>(move |tx| {
            Box::pin(async move {
                // Holds the county's counter, so that two requests of one household come one after the other.
                let year = i64::from(chrono::Datelike::year(&today));
                let county = county_of(&request.division_code).to_owned();
                if let Some((number, fingerprint, of)) = store::request_known(tx, request.id).await? {
                    let same = fingerprint == request.fingerprint && of == request.household_id;
                    return if same {
                        Ok(Done { id: request.id, number, repeated: true })
                    } else {
                        Err(ReliefError::Resent)
                    };
                }
                let taken = store::take_number(tx, &county, year).await?;
                let mut request = request;
                request.number = format!("救助-{county}-{year}-{taken:04}");
                let mut faults = faults;
                let since = policy.repeat_since(today).to_string();
                let before = store::recent_in(tx, request.household_id, &since).await?;
                match before.first() {
                    None => request.again.clear(),
                    Some((number, day)) if request.again.chars().count() < REASON_LEAST => {
                        faults.push(Fault::new("again", "relief-fault-again", format!("{number} ({day})")));
                    }
                    Some(_) => {}
                }
                if !faults.is_empty() {
                    return Err(ReliefError::Fields(faults));
                }
                store::insert(tx, &request, now).await?;
                let event = store::NewEvent {
                    id: ids::new_id(),
                    at: now,
                    day: &today.to_string(),
                    action: "ask",
                    actor: (who.user_id, &who.name),
                    note: &request.reason,
                    data: said(&Said { fen: request.asked_fen, ..Said::default() }),
                    payload: request.fingerprint,
                    moves: Moves { asked: request.asked_fen, ..Moves::default() },
                };
                store::append(tx, &request, event).await?;
                let detail = serde_json::json!({
                    "number": request.number, "household": request.household_id, "kind": request.kind,
                    "channel": request.channel, "green": request.green, "asked_on": request.asked_on,
                    "yuan": yuan(request.asked_fen), "level": request.level, "again": !request.again.is_empty(),
                });
                write_entry(tx, &who, "relief.ask", &request, "", detail, now).await?;
                Ok(Done { id: request.id, number: request.number, repeated: false })
            })
        })
        .await
}

fn said(said: &Said) -> String {
    serde_json::to_string(said).unwrap_or_else(|_| "{}".to_owned())
}

async fn write_entry(
    tx: &mut Tx,
    actor: &Actor,
    action: &'static str,
    request: &Request,
    reason: &str,
    detail: serde_json::Value,
    now: i64,
) -> Result<(), DbError> {
    let entry = AuditEntry {
        action,
        object_kind: "relief",
        object_id: request.id.to_string(),
        division_code: &request.division_code,
        reason,
        detail,
    };
    audit::record(tx, actor, entry, now).await
}

/// What a form asks for, and what of it does not fit.
fn read(
    app: &App,
    actor: &Actor,
    home: &Home,
    id: Uuid,
    raw: &Raw,
    (policy, profile): (&ReliefPolicy, &Profile),
) -> (Request, Vec<Fault>) {
    let today = app.clock.today();
    let first = today.checked_sub_days(Days::new(PAPER_DAYS)).unwrap_or(today);
    let mut entry = Entry::new(raw);
    let kind = entry.choice("kind", &Kind::ALL.map(Kind::name));
    let channel = entry.choice("channel", &Channel::ALL.map(Channel::name));
    let asked_on = entry.day("asked_on", first, today);
    let asked_fen = entry.fen("amount");
    let reason = entry.text("reason", REASON_LEAST, REASON_MOST);
    let again = entry.text("again", 0, REASON_MOST);
    let green = entry.is_set("green");
    if green && kind == Kind::Spending.name() {
        entry.fault("green", "relief-fault-green", "");
    }
    let within = asked_fen <= policy.ceiling_fen(&home.division_code);
    let days = if green { policy.green_days } else { policy.decide_days };
    let words = format!("{kind}|{channel}|{asked_on}|{asked_fen}|{reason}|{again}|{green}|{:?}", actor.user_id);
    let request = Request {
        id,
        number: String::new(),
        household_id: home.id,
        division_code: home.division_code.clone(),
        head_name: home.head_name.clone(),
        household_no: home.household_no.clone(),
        place: home.place.clone(),
        township: String::new(),
        kind: kind.to_owned(),
        channel: channel.to_owned(),
        green,
        reason,
        again,
        asked_on: asked_on.to_string(),
        asked_fen,
        asked_by: actor.user_id,
        asked_name: actor.name.clone(),
        asked_unit: actor.unit.clone(),
        level: if within { "township" } else { "county" }.to_owned(),
        state: "asked".to_owned(),
        approved_fen: 0,
        decided_on: String::new(),
        decided_by: None,
        decided_name: String::new(),
        decided_why: String::new(),
        paid_fen: 0,
        advanced_fen: 0,
        decide_by: due(asked_on, days),
        pay_by: String::new(),
        profile: format!("{} v{}", profile.key, profile.version),
        fingerprint: ids::fingerprint(words.as_bytes()),
        version: 1,
        figure_fen: asked_fen,
    };
    (request, entry.faults)
}

/// Takes one step with a request. The same step (by its event id) twice is done once.
///
/// # Errors
/// The actor may not, the request is not theirs, the step takes another person, it does not stand where the step is
/// possible, somebody changed it meanwhile, a field does not fit, or the database fails. Nothing was changed then.
pub async fn act(app: &App, actor: &Actor, id: Uuid, step: Step) -> Result<Done, ReliefError> {
    match step.what {
        What::Approve(_) | What::Refuse | What::Forward | What::Pay { .. } | What::Void(_) if !may_decide(actor) => {
            return Err(ReliefError::Forbidden);
        }
        What::Confirm(_) if !may_confirm(actor) => return Err(ReliefError::Forbidden),
        What::Withdraw if !may_ask(actor) => return Err(ReliefError::Forbidden),
        _ => {}
    }
    // Whoever may not see it is told that there is none, before anything else is said of it.
    let seen = store::request(&app.db, &actor.scope, id).await?.ok_or(ReliefError::NotFound)?;
    home(app, actor, seen.household_id).await?;
    let (policy, _) = policy(app, actor).await?;
    let (who, today, now) = (actor.clone(), app.clock.today(), app.clock.now_ms());
    app.db
        .write::<_, ReliefError, _>(move |tx| {
            Box::pin(async move {
                let request = store::hold(tx, &who.scope, id).await?.ok_or(ReliefError::NotFound)?;
                let payload = step.payload(who.user_id);
                if let Some((of, known)) = store::event_known(tx, step.event).await? {
                    return if of == id && known == payload {
                        Ok(Done { id, number: request.number, repeated: true })
                    } else {
                        Err(ReliefError::Resent)
                    };
                }
                if request.version != step.version {
                    let who = store::last_actor(tx, id).await?.unwrap_or_default();
                    return Err(ReliefError::Stale { who });
                }
                let payments = store::payments_in(tx, id).await?;
                let desk = Desk { policy: &policy, today, actor: &who };
                let outcome = desk.judge(request, payments, &step)?;
                desk.write(tx, outcome, &step, payload, now).await
            })
        })
        .await
}

/// What a step is judged by.
struct Desk<'a> {
    policy: &'a ReliefPolicy,
    today: NaiveDate,
    actor: &'a Actor,
}

/// What a step comes to.
struct Outcome {
    request: Request,
    payment: Option<Payment>,
    moves: Moves,
    said: Said,
}

impl Desk<'_> {
    fn judge(&self, mut request: Request, payments: Vec<Payment>, step: &Step) -> Result<Outcome, ReliefError> {
        let stands: Vec<&Payment> = payments.iter().filter(|payment| payment.state != "void").collect();
        let given: i64 = stands.iter().map(|payment| payment.amount_fen).sum();
        let wrong_state = || ReliefError::State { number: request.number.clone() };
        let mut moves = Moves::default();
        let mut told = Said::default();
        let mut touched = None;
        match &step.what {
            What::Approve(fen) => {
                self.may_judge(&request)?;
                if request.state != "asked" {
                    return Err(wrong_state());
                }
                if *fen < given.max(1) || *fen > request.asked_fen {
                    let range = format!("{} – {}", yuan(given.max(1)), yuan(request.asked_fen));
                    return Err(ReliefError::field("approved", "relief-fault-approved", range));
                }
                if self.actor.role == Role::TownshipStaff && *fen > self.policy.ceiling_fen(&request.division_code) {
                    return Err(ReliefError::County);
                }
                let least = if *fen < request.asked_fen { REASON_LEAST } else { 0 };
                note(step, least)?;
                moves = Moves {
                    approved: *fen,
                    refused: request.asked_fen - fen,
                    paid: request.advanced_fen,
                    advanced: -request.advanced_fen,
                    ..Moves::default()
                };
                self.decided(&mut request, step);
                request.approved_fen = *fen;
                request.pay_by = due(self.today, self.policy.pay_days);
                told.fen = *fen;
            }
            What::Refuse => {
                self.may_judge(&request)?;
                if request.state != "asked" {
                    return Err(wrong_state());
                }
                if given > 0 {
                    return Err(ReliefError::field("approved", "relief-fault-advanced", yuan(given)));
                }
                note(step, REASON_LEAST)?;
                moves.refused = request.asked_fen;
                self.decided(&mut request, step);
                request.state = "refused".to_owned();
                told.fen = request.asked_fen;
            }
            What::Forward => {
                if request.state != "asked" || request.level != "township" {
                    return Err(wrong_state());
                }
                note(step, REASON_LEAST)?;
                request.level = "county".to_owned();
            }
            What::Withdraw => {
                if request.state != "asked" {
                    return Err(wrong_state());
                }
                if given > 0 {
                    return Err(ReliefError::field("note", "relief-fault-advanced", yuan(given)));
                }
                note(step, REASON_LEAST)?;
                moves.withdrawn = request.asked_fen;
                request.state = "withdrawn".to_owned();
                told.fen = request.asked_fen;
            }
            What::Pay { paid_on, fen, voucher, payee } => {
                let ahead = request.state == "asked" && request.green;
                if request.state != "approved" && !ahead {
                    return Err(wrong_state());
                }
                let most =
                    if ahead { request.asked_fen.min(self.policy.green_yuan * 100) } else { request.approved_fen };
                self.payment_fits(&request, ahead, paid_on, *fen, most - given)?;
                note(step, 0)?;
                touched = Some(Payment {
                    id: step.event,
                    request_id: request.id,
                    paid_on: paid_on.clone(),
                    amount_fen: *fen,
                    voucher: voucher.clone(),
                    payee: payee.clone(),
                    note: step.note.trim().to_owned(),
                    ahead,
                    state: "recorded".to_owned(),
                    recorded_by: self.actor.user_id,
                    recorded_name: self.actor.name.clone(),
                    confirmed_by: None,
                    confirmed_name: String::new(),
                    confirmed_on: String::new(),
                    void_name: String::new(),
                    void_why: String::new(),
                });
                told = Said { fen: *fen, voucher: voucher.clone(), payee: payee.clone() };
            }
            What::Confirm(id) => {
                let payment = payments.iter().find(|p| p.id == *id).ok_or(ReliefError::NotFound)?;
                if payment.state != "recorded" {
                    return Err(wrong_state());
                }
                if payment.recorded_by == self.actor.user_id {
                    return Err(ReliefError::Person("relief.confirm_self"));
                }
                note(step, 0)?;
                if request.state == "asked" {
                    moves.advanced = payment.amount_fen;
                } else {
                    moves.paid = payment.amount_fen;
                }
                told = Said { fen: payment.amount_fen, voucher: payment.voucher.clone(), payee: payment.payee.clone() };
                touched = Some(Payment {
                    state: "confirmed".to_owned(),
                    confirmed_by: self.actor.user_id,
                    confirmed_name: self.actor.name.clone(),
                    confirmed_on: self.today.to_string(),
                    ..payment.clone()
                });
            }
            What::Void(id) => {
                let payment = payments.iter().find(|p| p.id == *id).ok_or(ReliefError::NotFound)?;
                if payment.state == "void" {
                    return Err(wrong_state());
                }
                // What two people have said stands cannot be struck by one of them.
                if payment.confirmed_by.is_some() && payment.confirmed_by == self.actor.user_id {
                    return Err(ReliefError::Person("relief.void_self"));
                }
                note(step, REASON_LEAST)?;
                if payment.state == "confirmed" {
                    if request.state == "asked" {
                        moves.advanced = -payment.amount_fen;
                    } else {
                        moves.paid = -payment.amount_fen;
                    }
                }
                told = Said { fen: payment.amount_fen, voucher: payment.voucher.clone(), payee: payment.payee.clone() };
                touched = Some(Payment {
                    state: "void".to_owned(),
                    void_name: self.actor.name.clone(),
                    void_why: step.note.trim().to_owned(),
                    ..payment.clone()
                });
            }
        }
        request.paid_fen += moves.paid;
        request.advanced_fen += moves.advanced;
        if request.approved_fen > 0 {
            request.state = if request.unpaid_fen() == 0 { "paid" } else { "approved" }.to_owned();
        }
        Ok(Outcome { request, payment: touched, moves, said: told })
    }

    /// Who may decide a request: the level that it stands at, and not whoever asked.
    fn may_judge(&self, request: &Request) -> Result<(), ReliefError> {
        if request.asked_by.is_some() && request.asked_by == self.actor.user_id {
            return Err(ReliefError::Person("relief.decide_self"));
        }
        if self.actor.role == Role::TownshipStaff && request.level != "township" {
            return Err(ReliefError::County);
        }
        Ok(())
    }

    fn decided(&self, request: &mut Request, step: &Step) {
        request.decided_on = self.today.to_string();
        request.decided_by = self.actor.user_id;
        request.decided_name.clone_from(&self.actor.name);
        request.decided_why = step.note.trim().to_owned();
    }

    fn payment_fits(
        &self,
        request: &Request,
        ahead: bool,
        paid_on: &str,
        fen: i64,
        left: i64,
    ) -> Result<(), ReliefError> {
        let mut faults = Vec::new();
        let today = self.today.to_string();
        let least = if ahead { &request.asked_on } else { &request.decided_on };
        let known = NaiveDate::parse_from_str(paid_on, "%Y-%m-%d").is_ok();
        if !known || paid_on < least.as_str() || *paid_on > *today {
            faults.push(Fault::new("paid_on", "relief-fault-day", format!("{least} – {today}")));
        }
        if !(1..=left).contains(&fen) {
            faults.push(Fault::new("fen", "relief-fault-left", yuan(left.max(0))));
        }
        if faults.is_empty() { Ok(()) } else { Err(ReliefError::Fields(faults)) }
    }

    async fn write(
        &self,
        tx: &mut Tx,
        outcome: Outcome,
        step: &Step,
        payload: i64,
        now: i64,
    ) -> Result<Done, ReliefError> {
        let Outcome { request, payment, moves, said: told } = outcome;
        let county = county_of(&request.division_code);
        match (&step.what, &payment) {
            (What::Pay { voucher, .. }, Some(payment)) => {
                if let Some(number) = store::voucher_of(tx, county, voucher).await? {
                    return Err(ReliefError::field("voucher", "relief-fault-voucher", number));
                }
                store::insert_payment(tx, payment, county, now).await?;
            }
            (_, Some(payment)) => store::update_payment(tx, payment).await?,
            (_, None) => {}
        }
        store::update(tx, &request, now).await?;
        let event = store::NewEvent {
            id: step.event,
            at: now,
            day: &self.today.to_string(),
            action: step.what.name(),
            actor: (self.actor.user_id, &self.actor.name),
            note: step.note.trim(),
            data: said(&told),
            payload,
            moves,
        };
        store::append(tx, &request, event).await?;
        let action = match step.what {
            What::Approve(_) | What::Refuse | What::Forward => "relief.decide",
            What::Withdraw => "relief.withdraw",
            What::Pay { .. } => "relief.pay",
            What::Confirm(_) => "relief.confirm",
            What::Void(_) => "relief.void",
        };
        let detail = serde_json::json!({
            "number": request.number, "step": step.what.name(), "state": request.state, "yuan": yuan(told.fen),
            "voucher": told.voucher,
        });
        write_entry(tx, self.actor, action, &request, step.note.trim(), detail, now).await?;
        Ok(Done { id: request.id, number: request.number, repeated: false })
    }
}

fn note(step: &Step, least: usize) -> Result<(), ReliefError> {
    if (least..=REASON_MOST).contains(&step.note.trim().chars().count()) {
        Ok(())
    } else {
        Err(ReliefError::field("note", "relief-fault-length", format!("{least}–{REASON_MOST}")))
    }
}

/// A payment as a form says it.
///
/// # Errors
/// Fields that do not fit; whether the day and the amount fit the request is seen when it is written down.
pub fn payment(raw: &Raw) -> Result<What, ReliefError> {
    let mut entry = Entry::new(raw);
    let paid_on = entry.value("paid_on").to_owned();
    let fen = entry.fen("fen");
    let voucher = entry.text("voucher", 1, TEXT_MOST);
    let payee = entry.text("payee", 1, TEXT_MOST);
    if entry.faults.is_empty() {
        Ok(What::Pay { paid_on, fen, voucher, payee })
    } else {
        Err(ReliefError::Fields(entry.faults))
    }
}

/// Everything about one request.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The request.
    pub request: Request,
    /// Its events, the first first.
    pub events: Vec<Event>,
    /// Its payments.
    pub payments: Vec<Payment>,
    /// Other requests of the household within the time that the policy profile says, not taken back.
    pub others: Vec<Request>,
    /// The rules in force.
    pub policy: ReliefPolicy,
}

/// One request, for somebody who may see its household.
///
/// # Errors
/// [`ReliefError::NotFound`]; the database fails.
pub async fn whole(app: &App, actor: &Actor, id: Uuid) -> Result<Whole, ReliefError> {
    need(actor, &[Capability::ViewItems])?;
    let request = store::request(&app.db, &actor.scope, id).await?.ok_or(ReliefError::NotFound)?;
    home(app, actor, request.household_id).await?;
    let (policy, _) = policy(app, actor).await?;
    let others = others(app, &actor.scope, &request, &policy).await?;
    let (events, payments) = tokio::try_join!(store::events(&app.db, id), store::payments(&app.db, id))?;
    Ok(Whole { request, events, payments, others, policy })
}

async fn others(
    app: &App,
    scope: &Scope,
    request: &Request,
    policy: &ReliefPolicy,
) -> Result<Vec<Request>, ReliefError> {
    let day = NaiveDate::parse_from_str(&request.asked_on, "%Y-%m-%d").unwrap_or_else(|_| app.clock.today());
    let since = policy.repeat_since(day).to_string();
    let all = store::of_household(&app.db, scope, request.household_id).await?;
    Ok(all
        .into_iter()
        .filter(|other| other.id != request.id && other.state != "withdrawn")
        .filter(|other| {
            other.asked_on >= since && (&other.asked_on, &other.number) < (&request.asked_on, &request.number)
        })
        .collect())
}

/// Requests of a household, the newest first, for somebody who may see it.
///
/// # Errors
/// [`ReliefError::NotFound`]; the database fails.
pub async fn of_household(app: &App, actor: &Actor, household: Uuid) -> Result<Vec<Request>, ReliefError> {
    home(app, actor, household).await?;
    Ok(store::of_household(&app.db, &actor.scope, household).await?)
}

/// One page of requests; how many there are, and how many fen they ask for. A helper sees those of their own households.
///
/// # Errors
/// The database fails.
pub async fn list(
    app: &App,
    actor: &Actor,
    scope: &Scope,
    filter: &Filter,
    (offset, limit): (i64, i64),
) -> Result<(Vec<Request>, i64, i64), ReliefError> {
    need(actor, &[Capability::ViewItems])?;
    let today = app.clock.today().to_string();
    if let Some(own) = register::own_households(app, actor).await? {
        let own: Vec<Uuid> = own.into_iter().collect();
        let all = store::own_list(&app.db, scope, filter, &today, &own).await?;
        let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let sum = all.iter().map(|request| request.asked_fen).sum();
        let at = usize::try_from(offset).unwrap_or(0);
        return Ok((all.into_iter().skip(at).take(usize::try_from(limit).unwrap_or(0)).collect(), count, sum));
    }
    let (count, sum) = store::count(&app.db, scope, filter, &today).await?;
    Ok((store::list(&app.db, scope, filter, &today, (offset, limit)).await?, count, sum))
}
