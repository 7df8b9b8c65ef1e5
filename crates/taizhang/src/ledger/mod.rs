//! Problems owned, remedied, checked on site and closed (台账).
//!
//! An item is opened by a finding, once and for ever: a finding that comes back opens a new round under the same number.
//! Whoever had a hand in the work of a round cannot check it. Every change is an event, an audit entry and a count in
//! the roll-up, in one transaction.

use std::sync::Arc;

use chrono::NaiveDate;
use uuid::Uuid;

mod assign;
mod assign_pages;
pub mod books;
mod books_export;
mod books_pages;
mod books_store;
pub mod bulk;
pub mod desk;
mod error;
mod evidence;
mod export;
mod follow_store;
mod image;
mod item_pages;
pub mod life;
mod life_pages;
mod life_store;
mod list_store;
mod manual;
pub mod model;
pub mod notices;
mod notices_pages;
mod notices_store;
mod open_store;
pub mod pages;
pub mod problems;
mod remind;
pub mod stand_in;
mod stand_in_pages;
mod stand_in_store;
mod store;
pub mod table;
pub mod words;

pub use assign::{Assignees, assignees, find_assignee};
pub use books::{prove, reconcile};
pub use books_export::{FileKind, export_books};
pub use error::{LedgerError, Since};
pub use evidence::{ATTACHMENT_LIMIT, Photo, attach, attach_with, attachment, sniff};
pub use export::{Edition, Sheet, export_csv, export_table, mask_name};
pub(crate) use follow_store::{follow, households_helped, households_to_hand_over};
pub(crate) use manual::{NewItem, open_items};
pub use remind::{RemindLine, preview_remind, remind_many};

use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability, Role, Scope};
use crate::assess::{self, AssessError, Profile};
use crate::platform::{App, Lang, Tx, clock};
use model::{
    Action, Assignable, Attachment, Counts, Done, Event, Filter, Item, Line, Measure, NOTE_MOST, REASON_CHARS, State,
    Step,
};

fn need(actor: &Actor, capability: Capability, action: &'static str) -> Result<(), LedgerError> {
    if actor.may(capability) { Ok(()) } else { Err(LedgerError::Forbidden { action }) }
}

/// Whether items of a division may be assigned to a user.
pub(crate) fn may_be_assigned(user: &Assignable, division: &str) -> bool {
    let role = Role::from_name(&user.role);
    role.is_some_and(|role| role.may(Capability::WorkItems)) && Scope::subtree(&user.division_code).contains(division)
}

/// Does one step of an item's life. The same step (by its event id) twice is done once.
///
/// # Errors
/// See [`LedgerError`]; nothing was changed then.
pub async fn act(app: &App, actor: &Actor, item: Uuid, step: Step) -> Result<Done, LedgerError> {
    act_at(app, actor, item, step, None).await
}

/// [`act`] for what was done at another time than it is recorded: a phone without a network, a book kept by hand. Both
/// times are kept; the books count the day of the recording, for what a past day's books said was true then. A step that
/// only adds to the work ([`Action::adds`]) is not refused for what others changed meanwhile, unless the item began a
/// new round; what the item's state does not allow is kept for the sender ([`life::kept`]).
///
/// # Errors
/// As [`act`]; the time lies in the future or before the item was opened.
pub async fn act_at(
    app: &App,
    actor: &Actor,
    item: Uuid,
    step: Step,
    acted_at: Option<i64>,
) -> Result<Done, LedgerError> {
    need(actor, Capability::ViewItems, step.action.name())?;
    let profile = profile_of(app, actor, item).await?;
    let when = When { day: app.clock.today(), now: app.clock.now_ms(), acted_at };
    let by = actor.clone();
    let sent = acted_at.map(|at| (step.clone(), at));
    let outcome = app
        .db
        .write::<_, LedgerError, _>(move |tx| {
            Box::pin(async move { act_when(tx, &profile, &by, item, &step, when).await })
        })
        .await;
    if let (Err(error), Some((step, at))) = (&outcome, sent) {
        life::keep_refused(app, actor, item, &step, at, error).await?;
    }
    outcome
}

async fn profile_of(app: &App, actor: &Actor, item: Uuid) -> Result<Arc<Profile>, LedgerError> {
    let item = stand_in::item(app, actor, item).await?.ok_or(LedgerError::NotFound)?;
    Ok(assess::profile_by_id(&app.db, item.profile_id).await?)
}

/// When a step is recorded, and when it was done.
#[derive(Debug, Clone, Copy)]
pub(super) struct When {
    day: NaiveDate,
    now: i64,
    acted_at: Option<i64>,
}

/// How far a sender's clock may run ahead of ours, milliseconds.
const AHEAD: i64 = 5 * 60 * 1000;

async fn act_in(
    tx: &mut Tx,
    profile: &Profile,
    actor: &Actor,
    id: Uuid,
    step: &Step,
    day: NaiveDate,
    now: i64,
) -> Result<Done, LedgerError> {
    act_when(tx, profile, actor, id, step, When { day, now, acted_at: None }).await
}

async fn act_when(
    tx: &mut Tx,
    profile: &Profile,
    actor: &Actor,
    id: Uuid,
    step: &Step,
    when: When,
) -> Result<Done, LedgerError> {
    let action = step.action.name();
    let When { day, now, acted_at } = when;
    let (mut item, acts_for) = stand_in::held(tx, actor, id, day).await?.ok_or(LedgerError::NotFound)?;
    let payload = step.payload(actor.user_id);
    if let Some(known) = repeated(tx, &item, step.event_id, &payload).await? {
        let state = match &step.action {
            // Its event ends where it looked; what followed from it is an event of its own.
            Action::LookBack { holds: false, .. } => State::ToVerify,
            _ => State::from_name(&known.to_state).unwrap_or_else(|| item.state()),
        };
        return Ok(Done { version: known.version.unwrap_or(item.version), state, repeated: true });
    }
    allowed_as(profile, actor, &item, &step.action, acts_for.is_some())?;
    if let Some(at) = acted_at
        && (at > now + AHEAD || clock::local(at).date_naive().to_string() < item.opened_on)
    {
        return Err(LedgerError::ActedAt { at, opened: item.opened_on });
    }
    if item.version != step.version {
        if acted_at.is_none() || !step.action.adds() || step.version > item.version {
            return Err(stale(tx, &item, step.version).await?);
        }
        let round = store::round_at(tx, item.id, step.version).await?.unwrap_or(item.round);
        if round != item.round {
            return Err(LedgerError::OtherRound { number: item.number, then: round, now: item.round });
        }
    }
    let from = item.state();
    let to = target(profile, &item, &step.action)?;
    let note = step.note.trim();
    if note.chars().count() < step.action.note_chars() {
        return Err(LedgerError::Note { least: step.action.note_chars(), action });
    }
    if note.chars().count() > NOTE_MOST {
        return Err(LedgerError::NoteLong { most: NOTE_MOST });
    }
    if step.action.is_check() {
        let Some(me) = actor.user_id else {
            return Err(LedgerError::Forbidden { action });
        };
        if item.submitted_by == Some(me) || store::had_a_hand(tx, item.id, item.round, me, day).await? {
            return Err(LedgerError::SelfCheck { number: item.number });
        }
    }
    let before = item.clone();
    let mut data = serde_json::json!({});
    match &step.action {
        Action::Assign { assignee, deadline } => {
            let user = store::assignable_in(tx, *assignee).await?;
            let user = user.filter(|u| may_be_assigned(u, &item.division_code)).ok_or(LedgerError::Assignee)?;
            let was = item.deadline.clone();
            if let Some(deadline) = new_deadline(&item, *deadline, day)? {
                if deadline.late && note.chars().count() < REASON_CHARS {
                    return Err(LedgerError::DeadlineReason { number: item.number, was });
                }
                item.deadline = deadline.day;
            }
            item.assignee_id = Some(user.id);
            data = serde_json::json!({ "assignee": user.id, "name": user.name, "deadline": item.deadline });
            if item.deadline != was {
                data["was"] = was.into();
            }
        }
        Action::Measure { id } => {
            let mut measures = item.measures();
            match measures.iter_mut().find(|m| m.id == *id) {
                Some(measure) if measure.done => return Err(LedgerError::MeasureDone(words::measure(profile, id))),
                Some(measure) => done(measure, actor, note, acted_at.unwrap_or(now)),
                // A measure that nobody asked for is welcome, if the profile knows it.
                None if profile.measures.iter().any(|(known, _)| known == id) => {
                    let mut measure = Measure {
                        id: id.clone(),
                        required: false,
                        done: true,
                        done_by: String::new(),
                        done_at: None,
                        note: String::new(),
                    };
                    done(&mut measure, actor, note, acted_at.unwrap_or(now));
                    measures.push(measure);
                }
                None => return Err(LedgerError::NoMeasure(id.clone())),
            }
            item.measures = serde_json::to_string(&measures).unwrap_or_else(|_| item.measures.clone());
            data = serde_json::json!({ "measure": id });
        }
        Action::Submit => {
            measures_done(profile, &item)?;
            item.submitted_by = actor.user_id;
        }
        Action::Pass { place } => {
            measures_done(profile, &item)?;
            item.checked_by = actor.user_id;
            item.closed_on = day.to_string();
            data = serde_json::json!({ "place": place.trim() });
            life::plan_look_back(tx, profile, &item, day).await?;
        }
        Action::Fail => item.checked_by = actor.user_id,
        Action::Cancel => item.closed_on = day.to_string(),
        Action::Reopen => begin_round(profile, &mut item, day)?,
        Action::Money(money) => data = life::add_money(tx, &item, actor, step.event_id, money, note, now).await?,
        Action::MoneyStrike { id } => data = life::strike_money(tx, &item, actor, *id, note, now).await?,
        Action::Unfile { id } => data = life::unfile(tx, &item, actor, *id, note, now).await?,
        Action::LookBack { holds, place } => {
            data = life::look_back(tx, &item, actor, *holds, place, day).await?;
            if !*holds {
                begin_round(profile, &mut item, day)?;
            }
        }
        Action::Start | Action::Progress | Action::Check | Action::Note => {}
    }
    item.state = to.name().to_owned();
    if !store::update(tx, &item, before.version, now).await? {
        return Err(stale(tx, &before, step.version).await?);
    }
    if let Some(person) = acts_for {
        data["for"] = store::user_name_in(tx, person).await?.into();
    }
    let aside = store::Aside { acted_at, acts_for };
    let event = store::NewEvent {
        id: step.event_id,
        item: &item,
        at: now,
        day,
        division: &item.division_code,
        household: item.household_id,
        actor_id: actor.user_id,
        actor_name: &actor.name,
        action,
        from: from.name(),
        to: to.name(),
        note,
        data,
        payload: &payload,
    };
    // A look-back that finds the problem again is an event of the round that it looked at; what it leads to is another.
    let relapse = matches!(step.action, Action::LookBack { holds: false, .. });
    let mut steps = vec![event];
    if relapse {
        let again = steps.iter().map(|event| store::NewEvent {
            id: assign::part_of(step.event_id, item.id),
            action: "reopen",
            payload: "",
            data: serde_json::json!({ "look_back": true }),
            ..event.clone()
        });
        let again: Vec<store::NewEvent<'_>> = again.collect();
        for event in &mut steps {
            event.item = &before;
            event.to = from.name();
        }
        steps.extend(again);
    }
    for event in steps {
        let entry = Entry {
            action: audit_action(if event.action == "reopen" { &Action::Reopen } else { &step.action }),
            object_kind: "item",
            object_id: item.id.to_string(),
            division_code: &item.division_code,
            reason: note,
            detail: serde_json::json!({
                "number": item.number, "event": event.id, "from": event.from, "to": event.to, "round": event.item.round,
            }),
        };
        store::append_with(tx, event, aside).await?;
        audit::record(tx, actor, entry, now).await?;
    }
    Ok(Done { version: before.version + 1, state: to, repeated: false })
}

/// What somebody is told whose form is older than the item.
async fn stale(tx: &mut Tx, item: &Item, seen: i64) -> Result<LedgerError, LedgerError> {
    let (who, at) = store::last_change(tx, item.id).await?.unwrap_or_default();
    let since = store::changes_since(tx, item.id, seen).await?;
    Ok(LedgerError::Stale { number: item.number.clone(), who, at, since })
}

/// A new round under the same number.
fn begin_round(profile: &Profile, item: &mut Item, day: NaiveDate) -> Result<(), LedgerError> {
    item.round += 1;
    item.assignee_id = None;
    item.submitted_by = None;
    item.checked_by = None;
    item.closed_on = String::new();
    item.measures = again(item);
    let told = match profile.ledgers.get(&item.ledger) {
        Some(ledger) => ledger.deadline(&item.level, day).map_err(AssessError::from)?,
        None => None,
    };
    item.deadline = told.unwrap_or(day).to_string();
    Ok(())
}

fn audit_action(action: &Action) -> &'static str {
    match action {
        Action::Assign { .. } => "item.assign",
        Action::Start => "item.start",
        Action::Progress => "item.progress",
        Action::Measure { .. } => "item.measure",
        Action::Submit => "item.submit",
        Action::Check => "item.check",
        Action::Pass { .. } => "item.pass",
        Action::Fail => "item.fail",
        Action::Reopen => "item.reopen",
        Action::Cancel => "item.cancel",
        Action::Note => "item.note",
        Action::Money(_) => "item.money",
        Action::MoneyStrike { .. } => "item.money_strike",
        Action::Unfile { .. } => "item.unfile",
        Action::LookBack { .. } => "item.look_back",
    }
}

fn done(measure: &mut Measure, actor: &Actor, note: &str, now: i64) {
    measure.done = true;
    measure.done_by = actor.name.clone();
    measure.done_at = Some(now);
    measure.note = note.to_owned();
}

/// The required measures once more, for a new round.
fn again(item: &Item) -> String {
    let list: Vec<Measure> = item
        .measures()
        .into_iter()
        .filter(|m| m.required)
        .map(|m| Measure { done: false, done_by: String::new(), done_at: None, note: String::new(), ..m })
        .collect();
    serde_json::to_string(&list).unwrap_or_else(|_| item.measures.clone())
}

fn measures_done(profile: &Profile, item: &Item) -> Result<(), LedgerError> {
    let open: Vec<_> = item.measures().into_iter().filter(|m| m.required && !m.done).collect();
    if open.is_empty() {
        return Ok(());
    }
    let measures = open.iter().map(|m| words::measure(profile, &m.id)).collect();
    Err(LedgerError::MeasuresOpen { number: item.number.clone(), measures })
}

/// The event if it was recorded before with the same payload. With another one, the form of a page that is out of date
/// was sent again with other words, and nothing may be taken for done.
async fn repeated(
    tx: &mut Tx,
    item: &Item,
    event: Uuid,
    payload: &str,
) -> Result<Option<store::KnownEvent>, LedgerError> {
    match store::event_known(tx, event).await? {
        None => Ok(None),
        Some(known) if known.item_id != item.id => Err(LedgerError::EventTaken),
        Some(known) if known.payload == payload => Ok(Some(known)),
        Some(known) => Err(LedgerError::Resent { number: item.number.clone(), who: known.actor_name, at: known.at }),
    }
}

/// A deadline that differs from the one an item has.
struct NewDeadline {
    day: String,
    /// The old one has passed: putting it off needs a reason.
    late: bool,
}

/// The deadline that an assignment brings; none where it leaves the item's own, be it past or not.
fn new_deadline(item: &Item, wanted: Option<NaiveDate>, today: NaiveDate) -> Result<Option<NewDeadline>, LedgerError> {
    let Some(wanted) = wanted.filter(|day| day.to_string() != item.deadline) else {
        return Ok(None);
    };
    if wanted < today {
        return Err(LedgerError::Deadline(wanted.to_string()));
    }
    Ok(Some(NewDeadline { day: wanted.to_string(), late: item.deadline < today.to_string() }))
}

/// Whether the person may do this kind of step to this item: capability, the profile's roles, and for a helper only
/// what was assigned to them.
fn allowed(profile: &Profile, actor: &Actor, item: &Item, action: &Action) -> Result<(), LedgerError> {
    allowed_as(profile, actor, item, action, false)
}

/// [`allowed`]; `stands_in`: the person is today's proxy (代理) of whom the item was assigned to.
fn allowed_as(
    profile: &Profile,
    actor: &Actor,
    item: &Item,
    action: &Action,
    stands_in: bool,
) -> Result<(), LedgerError> {
    let forbidden = LedgerError::Forbidden { action: action.name() };
    if !actor.may(action.capability()) {
        return Err(forbidden);
    }
    if actor.is_machine {
        return Ok(());
    }
    if actor.role == Role::Helper && item.assignee_id != actor.user_id && !stands_in {
        return Err(forbidden);
    }
    let asked = match action {
        Action::Progress
        | Action::Measure { .. }
        | Action::Money(_)
        | Action::MoneyStrike { .. }
        | Action::Unfile { .. } => "start",
        Action::LookBack { .. } => "check",
        Action::Note => return Ok(()),
        other => other.name(),
    };
    let roles = profile
        .ledgers
        .get(&item.ledger)
        .and_then(|ledger| ledger.transitions.iter().find(|t| t.action == asked))
        .map(|t| t.roles.as_slice())
        .unwrap_or_default();
    if roles.iter().any(|role| role == actor.role.name()) { Ok(()) } else { Err(forbidden) }
}

fn wrong_state(profile: &Profile, item: &Item, action: &'static str) -> LedgerError {
    let state = words::state(profile, &item.ledger, &item.state);
    LedgerError::WrongState { number: item.number.clone(), action, state }
}

fn target(profile: &Profile, item: &Item, action: &Action) -> Result<State, LedgerError> {
    let from = item.state();
    let wrong = || wrong_state(profile, item, action.name());
    match action {
        Action::Progress | Action::Measure { .. } => {
            if from == State::InProgress {
                Ok(from)
            } else {
                Err(wrong())
            }
        }
        Action::Note => Ok(from),
        // What was paid is often known after the closing.
        Action::Money(_) | Action::MoneyStrike { .. } if from != State::Cancelled => Ok(from),
        // While an item waits for its check its evidence stays as it was handed in.
        Action::Unfile { .. }
            if matches!(from, State::ToVerify | State::Assigned | State::InProgress | State::Returned) =>
        {
            Ok(from)
        }
        Action::LookBack { holds, .. } if from == State::Closed => {
            Ok(if *holds { State::Closed } else { State::ToVerify })
        }
        Action::Money(_) | Action::MoneyStrike { .. } | Action::Unfile { .. } | Action::LookBack { .. } => Err(wrong()),
        other => {
            let step = profile
                .ledgers
                .get(&item.ledger)
                .and_then(|ledger| ledger.transitions.iter().find(|t| t.action == other.name()))
                .filter(|t| t.from.iter().any(|name| name == from.name()));
            step.and_then(|t| State::from_name(&t.to)).ok_or_else(wrong)
        }
    }
}

/// The steps that this person could take now, for the page. Who had a hand in the work is judged when the step is taken.
/// `stands_in`: the person is today's proxy of whom it was assigned to.
pub fn possible(profile: &Profile, actor: &Actor, item: &Item, stands_in: bool) -> Vec<&'static str> {
    let nobody = Uuid::nil();
    [
        Action::Assign { assignee: nobody, deadline: None },
        Action::Start,
        Action::Progress,
        Action::Measure { id: String::new() },
        Action::Submit,
        Action::Check,
        Action::Pass { place: String::new() },
        Action::Fail,
        Action::Reopen,
        Action::Cancel,
        Action::Note,
        life::any_money(),
        Action::Unfile { id: nobody },
        Action::LookBack { holds: true, place: String::new() },
    ]
    .iter()
    .filter(|action| allowed_as(profile, actor, item, action, stands_in).is_ok())
    .filter(|action| target(profile, item, action).is_ok())
    .filter(|action| !action.is_check() || (actor.user_id.is_some() && item.submitted_by != actor.user_id))
    .map(Action::name)
    .collect()
}

/// An item with everything that its page shows.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The item.
    pub item: Item,
    /// The profile that made it.
    pub profile: Arc<Profile>,
    /// What happened to it, newest first.
    pub events: Vec<Event>,
    /// What each event says of the finding behind the item, in words.
    pub changes: Vec<Vec<String>>,
    /// Photos and papers.
    pub attachments: Vec<Attachment>,
    /// Name of the user that it is assigned to.
    pub assignee: String,
    /// Household number, head, place; none where it lies outside the actor's scope.
    pub household: Option<(Uuid, String, String, String)>,
    /// The finding behind it, in words.
    pub evidence: Vec<String>,
    /// Why the finding no longer holds; empty while it does.
    pub ended: String,
    /// First day of the finding.
    pub since: String,
    /// Money, look-back and what was kept for the reader.
    pub life: life::Life,
    /// For whom the reader stands in today, where the item is assigned to them.
    pub stands_in: Option<String>,
}

/// Reads an item.
///
/// # Errors
/// It does not exist or is not for this person, or the database fails.
pub async fn whole(app: &App, actor: &Actor, id: Uuid, lang: Lang) -> Result<Whole, LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    let item = stand_in::item(app, actor, id).await?.ok_or(LedgerError::NotFound)?;
    let profile = assess::profile_by_id(&app.db, item.profile_id).await?;
    let household = match item.household_id {
        Some(id) => store::household(&app.db, &actor.scope, id).await?,
        None => None,
    };
    let finding = match item.finding_id {
        Some(id) => assess::finding(&app.db, &actor.scope, id).await?,
        None => None,
    };
    let (evidence, ended, since) = match finding {
        Some(finding) => (
            assess::evidence_in_words(app, &actor.scope, &profile, &finding.evidence, lang).await?,
            assess::end_reason_in_words(&finding.end_reason, lang),
            finding.since,
        ),
        None => Default::default(),
    };
    let events = store::events(&app.db, item.id).await?;
    Ok(Whole {
        changes: words::changes(app, &actor.scope, &profile, &item, &events, lang).await?,
        events,
        attachments: store::attachments(&app.db, item.id).await?,
        assignee: store::user_name(&app.db, item.assignee_id).await?,
        life: life::of(app, actor, &item).await?,
        stands_in: stand_in::for_whom(app, actor, &item).await?,
        household: household.map(|h| (h.id, h.household_no, h.head_name, h.place)),
        item,
        profile,
        evidence,
        ended,
        since,
    })
}

/// A page of the list and how many lines there are in all.
///
/// # Errors
/// The actor may not see items, or the database fails.
pub async fn list(app: &App, actor: &Actor, filter: &Filter) -> Result<(Vec<Line>, i64), LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    Ok(list_store::list(&app.db, actor, filter, app.clock.today()).await?)
}

/// Counts for tabs and tiles, of the part of the scope under `division`.
///
/// # Errors
/// The actor may not see items or figures, or the database fails.
pub async fn counts(app: &App, actor: &Actor, division: &str) -> Result<Counts, LedgerError> {
    if !actor.may(Capability::ViewItems) {
        need(actor, Capability::ViewFigures, "view")?;
    }
    let filter = Filter { division: division.to_owned(), ..Filter::default() };
    match list_store::narrowed(actor, &filter) {
        Some(scope) => Ok(list_store::counts(&app.db, actor, &scope, app.clock.today()).await?),
        None => Ok(Counts::default()),
    }
}

/// Divisions right under the actor's own, by code and name.
///
/// # Errors
/// The database fails.
pub async fn sub_divisions(app: &App, actor: &Actor) -> Result<Vec<(String, String)>, LedgerError> {
    Ok(list_store::sub_divisions(&app.db, &actor.scope).await?)
}
