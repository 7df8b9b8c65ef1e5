//! Problems owned, remedied, checked on site and closed (台账).
//!
//! An item is opened by a finding, once and for ever: a finding that comes back opens a new round under the same number.
//! Whoever had a hand in the work of a round cannot check it. Every change is an event, an audit entry and a count in
//! the roll-up, in one transaction.

use std::io::Write as _;
use std::path::PathBuf;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub mod model;
pub mod pages;
mod store;

pub(crate) use store::follow;

use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability, Role, Scope};
use crate::assess::{self, AssessError, Profile};
use crate::platform::{App, DbError, ErrorKind, Lang, Tx, UserError, i18n, ids};
use model::{
    Action, Assignable, Attachment, Counts, Done, Event, Filter, Item, Line, Measure, Movement, Reconciliation, State,
    Step,
};

/// The largest photo or paper, bytes.
pub const ATTACHMENT_LIMIT: usize = 10 * 1024 * 1024;
/// The most attachments of one item.
const ATTACHMENTS_LIMIT: usize = 30;
/// The most items of one bulk assignment.
pub const BULK_LIMIT: usize = 500;

/// Why something was not done to an item.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// No such item, or not for this person.
    #[error("no such item")]
    NotFound,
    /// The person may not do this.
    #[error("may not {action}")]
    Forbidden {
        /// Step.
        action: &'static str,
    },
    /// The item's state does not allow it.
    #[error("{number}: cannot {action} while {state}")]
    WrongState {
        /// Number of the item.
        number: String,
        /// Step.
        action: &'static str,
        /// State of the item.
        state: &'static str,
    },
    /// Somebody changed the item since the form was shown.
    #[error("{number} was changed by {who}")]
    Stale {
        /// Number of the item.
        number: String,
        /// Who changed it; empty for the system.
        who: String,
        /// When, milliseconds.
        at: i64,
    },
    /// The id of the step is taken by another one.
    #[error("the step's id is taken")]
    EventTaken,
    /// Whoever worked on it cannot check it (整改人不得核验).
    #[error("{number}: whoever worked on it cannot check it")]
    SelfCheck {
        /// Number of the item.
        number: String,
    },
    /// Required measures are not done.
    #[error("{number}: measures open: {measures}")]
    MeasuresOpen {
        /// Number of the item.
        number: String,
        /// Ids of the measures.
        measures: String,
    },
    /// The note is too short.
    #[error("a note of at least {least} characters is needed")]
    Note {
        /// Characters.
        least: usize,
        /// Step.
        action: &'static str,
    },
    /// No such measure.
    #[error("no measure {0}")]
    NoMeasure(String),
    /// The measure is already done.
    #[error("measure {0} is done")]
    MeasureDone(String),
    /// Nobody to assign to, or they cannot work there.
    #[error("cannot be assigned to that user")]
    Assignee,
    /// The deadline lies in the past.
    #[error("deadline {0} lies in the past")]
    Deadline(String),
    /// Not a photo or paper of a known type.
    #[error("attachment type")]
    AttachmentType,
    /// Too large or too many.
    #[error("attachment size {bytes}")]
    AttachmentSize {
        /// Bytes.
        bytes: usize,
    },
    /// Too many attachments.
    #[error("too many attachments")]
    AttachmentCount,
    /// The data folder does not take it.
    #[error("attachment folder: {0}")]
    AttachmentStore(std::io::Error),
    /// Too many items at once, or none.
    #[error("{count} items at once")]
    Bulk {
        /// How many.
        count: usize,
    },
    /// The profile of the item.
    #[error(transparent)]
    Profile(#[from] AssessError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl UserError for LedgerError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "ledger.not_found",
            Self::Forbidden { .. } => "ledger.forbidden",
            Self::WrongState { .. } => "ledger.wrong_state",
            Self::Stale { .. } => "ledger.stale",
            Self::EventTaken => "ledger.event_taken",
            Self::SelfCheck { .. } => "ledger.self_check",
            Self::MeasuresOpen { .. } => "ledger.measures_open",
            Self::Note { .. } => "ledger.note",
            Self::NoMeasure(_) => "ledger.no_measure",
            Self::MeasureDone(_) => "ledger.measure_done",
            Self::Assignee => "ledger.assignee",
            Self::Deadline(_) => "ledger.deadline",
            Self::AttachmentType => "ledger.attachment_type",
            Self::AttachmentSize { .. } => "ledger.attachment_size",
            Self::AttachmentCount => "ledger.attachment_count",
            Self::AttachmentStore(_) => "ledger.attachment_store",
            Self::Bulk { .. } => "ledger.bulk",
            Self::Profile(inner) => inner.code(),
            Self::Db(inner) => inner.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Forbidden { .. } | Self::SelfCheck { .. } => ErrorKind::Forbidden,
            Self::WrongState { .. } | Self::Stale { .. } | Self::EventTaken | Self::MeasureDone(_) => {
                ErrorKind::Conflict
            }
            Self::AttachmentStore(_) => ErrorKind::Busy,
            Self::Profile(inner) => inner.kind(),
            Self::Db(inner) => inner.kind(),
            _ => ErrorKind::Invalid,
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::WrongState { number, action, state } => {
                vec![("number", number.clone()), ("action", (*action).to_owned()), ("state", (*state).to_owned())]
            }
            Self::Stale { number, who, at } => vec![
                ("number", number.clone()),
                ("who", who.clone()),
                ("at", crate::platform::clock::local(*at).format("%Y-%m-%d %H:%M").to_string()),
            ],
            Self::SelfCheck { number } => vec![("number", number.clone())],
            Self::MeasuresOpen { number, measures } => {
                vec![("number", number.clone()), ("measures", measures.clone())]
            }
            Self::Note { least, .. } => vec![("least", least.to_string())],
            Self::NoMeasure(id) | Self::MeasureDone(id) => vec![("measure", id.clone())],
            Self::Deadline(day) => vec![("day", day.clone())],
            Self::AttachmentSize { .. } => {
                vec![("limit", (ATTACHMENT_LIMIT / 1024 / 1024).to_string())]
            }
            Self::AttachmentCount => vec![("limit", ATTACHMENTS_LIMIT.to_string())],
            Self::AttachmentStore(why) => vec![("why", why.to_string())],
            Self::Bulk { .. } => vec![("limit", BULK_LIMIT.to_string())],
            Self::Profile(inner) => inner.args(),
            Self::Db(inner) => inner.args(),
            _ => Vec::new(),
        }
    }

    fn message(&self, lang: Lang) -> String {
        match self {
            Self::Profile(inner) => inner.message(lang),
            Self::Db(inner) => inner.message(lang),
            other => {
                let args = other
                    .args()
                    .into_iter()
                    .map(|(name, value)| match name {
                        "action" | "state" => (name, i18n::text(lang, &format!("ledger-{name}-{value}"))),
                        "who" if value.is_empty() => (name, i18n::text(lang, "ledger-system")),
                        _ => (name, value),
                    })
                    .collect::<Vec<_>>();
                i18n::text_with(lang, &format!("error-{}", other.code().replace('.', "-")), &args)
            }
        }
    }
}

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
    need(actor, Capability::ViewItems, step.action.name())?;
    let profile = profile_of(app, actor, item).await?;
    let (actor, day, now) = (actor.clone(), app.clock.today(), app.clock.now_ms());
    app.db
        .write::<_, LedgerError, _>(move |tx| {
            Box::pin(async move { act_in(tx, &profile, &actor, item, &step, day, now).await })
        })
        .await
}

async fn profile_of(app: &App, actor: &Actor, item: Uuid) -> Result<Profile, LedgerError> {
    let item = store::item(&app.db, actor, item).await?.ok_or(LedgerError::NotFound)?;
    Ok(assess::profile_by_id(&app.db, item.profile_id).await?)
}

async fn act_in(
    tx: &mut Tx,
    profile: &Profile,
    actor: &Actor,
    id: Uuid,
    step: &Step,
    day: NaiveDate,
    now: i64,
) -> Result<Done, LedgerError> {
    let action = step.action.name();
    let mut item = store::item_in(tx, actor, id).await?.ok_or(LedgerError::NotFound)?;
    // Held from here on, and read again: what follows is judged on what nobody else can change meanwhile.
    store::hold(tx, item.id, now).await?;
    item = store::item_in(tx, actor, id).await?.ok_or(LedgerError::NotFound)?;
    if let Some((of, known)) = store::event_item(tx, step.event_id).await? {
        if of == item.id && known == action {
            return Ok(Done { version: item.version, state: item.state(), repeated: true });
        }
        return Err(LedgerError::EventTaken);
    }
    allowed(profile, actor, &item, &step.action)?;
    if item.version != step.version {
        let (who, at) = store::last_change(tx, item.id).await?.unwrap_or_default();
        return Err(LedgerError::Stale { number: item.number, who, at });
    }
    let from = item.state();
    let to = target(profile, &item, &step.action)?;
    let note = step.note.trim();
    if note.chars().count() < step.action.note_chars() {
        return Err(LedgerError::Note { least: step.action.note_chars(), action });
    }
    if step.action.is_check() {
        let Some(me) = actor.user_id else {
            return Err(LedgerError::Forbidden { action });
        };
        if item.submitted_by == Some(me) || store::had_a_hand(tx, item.id, item.round, me).await? {
            return Err(LedgerError::SelfCheck { number: item.number });
        }
    }
    let seen = item.version;
    let mut data = serde_json::json!({});
    match &step.action {
        Action::Assign { assignee, deadline } => {
            let user = store::assignable_in(tx, *assignee).await?;
            let user = user.filter(|u| may_be_assigned(u, &item.division_code)).ok_or(LedgerError::Assignee)?;
            if let Some(deadline) = deadline {
                if *deadline < day {
                    return Err(LedgerError::Deadline(deadline.to_string()));
                }
                item.deadline = deadline.to_string();
            }
            item.assignee_id = Some(user.id);
            data = serde_json::json!({ "assignee": user.id, "name": user.name, "deadline": item.deadline });
        }
        Action::Measure { id } => {
            let mut measures = item.measures();
            match measures.iter_mut().find(|m| m.id == *id) {
                Some(measure) if measure.done => return Err(LedgerError::MeasureDone(id.clone())),
                Some(measure) => done(measure, actor, note, now),
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
                    done(&mut measure, actor, note, now);
                    measures.push(measure);
                }
                None => return Err(LedgerError::NoMeasure(id.clone())),
            }
            item.measures = serde_json::to_string(&measures).unwrap_or_else(|_| item.measures.clone());
            data = serde_json::json!({ "measure": id });
        }
        Action::Submit => {
            measures_done(&item)?;
            item.submitted_by = actor.user_id;
        }
        Action::Pass { place } => {
            measures_done(&item)?;
            item.checked_by = actor.user_id;
            item.closed_on = day.to_string();
            data = serde_json::json!({ "place": place.trim() });
        }
        Action::Fail => item.checked_by = actor.user_id,
        Action::Cancel => item.closed_on = day.to_string(),
        Action::Reopen => {
            item.round += 1;
            item.assignee_id = None;
            item.submitted_by = None;
            item.checked_by = None;
            item.closed_on = String::new();
            item.measures = again(&item);
            let days = profile.ledgers.get(&item.ledger).and_then(|l| l.deadline_days.get(&item.level)).copied();
            let days = chrono::Days::new(days.and_then(|d| u64::try_from(d).ok()).unwrap_or(0));
            item.deadline = day.checked_add_days(days).unwrap_or(day).to_string();
        }
        Action::Start | Action::Progress | Action::Check | Action::Note => {}
    }
    item.state = to.name().to_owned();
    if !store::update(tx, &item, seen, now).await? {
        let (who, at) = store::last_change(tx, item.id).await?.unwrap_or_default();
        return Err(LedgerError::Stale { number: item.number, who, at });
    }
    let event = store::NewEvent {
        id: step.event_id,
        item: item.id,
        round: item.round,
        at: now,
        day,
        division: &item.division_code,
        actor_id: actor.user_id,
        actor_name: &actor.name,
        action,
        from: from.name(),
        to: to.name(),
        note,
        data,
    };
    store::append(tx, &item.ledger, event).await?;
    let entry = Entry {
        action: audit_action(&step.action),
        object_kind: "item",
        object_id: item.id.to_string(),
        division_code: &item.division_code,
        reason: note,
        detail: serde_json::json!({
            "number": item.number, "event": step.event_id, "from": from.name(), "to": to.name(), "round": item.round,
        }),
    };
    audit::record(tx, actor, entry, now).await?;
    Ok(Done { version: seen + 1, state: to, repeated: false })
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

fn measures_done(item: &Item) -> Result<(), LedgerError> {
    let open: Vec<String> = item.measures().into_iter().filter(|m| m.required && !m.done).map(|m| m.id).collect();
    if open.is_empty() {
        return Ok(());
    }
    Err(LedgerError::MeasuresOpen { number: item.number.clone(), measures: open.join(", ") })
}

/// Whether the person may do this kind of step to this item: capability, the profile's roles, and for a helper only
/// what was assigned to them.
fn allowed(profile: &Profile, actor: &Actor, item: &Item, action: &Action) -> Result<(), LedgerError> {
    let forbidden = LedgerError::Forbidden { action: action.name() };
    if !actor.may(action.capability()) {
        return Err(forbidden);
    }
    if actor.is_machine {
        return Ok(());
    }
    if actor.role == Role::Helper && item.assignee_id != actor.user_id {
        return Err(forbidden);
    }
    let asked = match action {
        Action::Progress | Action::Measure { .. } => "start",
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

fn target(profile: &Profile, item: &Item, action: &Action) -> Result<State, LedgerError> {
    let from = item.state();
    let wrong = LedgerError::WrongState { number: item.number.clone(), action: action.name(), state: from.name() };
    match action {
        Action::Progress | Action::Measure { .. } => {
            if from == State::InProgress {
                Ok(from)
            } else {
                Err(wrong)
            }
        }
        Action::Note => Ok(from),
        other => {
            let step = profile
                .ledgers
                .get(&item.ledger)
                .and_then(|ledger| ledger.transitions.iter().find(|t| t.action == other.name()))
                .filter(|t| t.from.iter().any(|name| name == from.name()));
            step.and_then(|t| State::from_name(&t.to)).ok_or(wrong)
        }
    }
}

/// The steps that this person could take now, for the page. Who had a hand in the work is judged when the step is taken.
pub fn possible(profile: &Profile, actor: &Actor, item: &Item) -> Vec<&'static str> {
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
    ]
    .iter()
    .filter(|action| allowed(profile, actor, item, action).is_ok() && target(profile, item, action).is_ok())
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
    pub profile: Profile,
    /// What happened to it, newest first.
    pub events: Vec<Event>,
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
}

/// Reads an item.
///
/// # Errors
/// It does not exist or is not for this person, or the database fails.
pub async fn whole(app: &App, actor: &Actor, id: Uuid, lang: Lang) -> Result<Whole, LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    let item = store::item(&app.db, actor, id).await?.ok_or(LedgerError::NotFound)?;
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
    let mut events = store::events(&app.db, item.id).await?;
    for event in &mut events {
        // What came up anew and reopened the item stands in the event; in words only for who may see it.
        let data: serde_json::Value = serde_json::from_str(&event.data).unwrap_or_default();
        if let Some(news) = data.get("news").filter(|news| news.as_array().is_some_and(|list| !list.is_empty())) {
            let words = assess::evidence_in_words(app, &actor.scope, &profile, &news.to_string(), lang).await?;
            let because = i18n::text_with(lang, "ledger-event-because", &[("news", words.join("\n"))]);
            event.note = if event.note.is_empty() { because } else { format!("{}\n{because}", event.note) };
        }
    }
    Ok(Whole {
        events,
        attachments: store::attachments(&app.db, item.id).await?,
        assignee: store::user_name(&app.db, item.assignee_id).await?,
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
    Ok(store::list(&app.db, actor, filter, app.clock.today()).await?)
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
    match store::narrowed(actor, &filter) {
        Some(scope) => Ok(store::counts(&app.db, actor, &scope, app.clock.today()).await?),
        None => Ok(Counts::default()),
    }
}

/// Divisions right under the actor's own, by code and name.
///
/// # Errors
/// The database fails.
pub async fn sub_divisions(app: &App, actor: &Actor) -> Result<Vec<(String, String)>, LedgerError> {
    Ok(store::sub_divisions(&app.db, &actor.scope).await?)
}

/// Users who may work an item of a division.
///
/// # Errors
/// The actor may not assign, or the database fails.
pub async fn assignable(app: &App, actor: &Actor, division: &str) -> Result<Vec<Assignable>, LedgerError> {
    need(actor, Capability::AssignItems, "assign")?;
    Ok(store::assignable(&app.db, division).await?)
}

/// One line of a bulk assignment.
#[derive(Debug, Clone)]
pub struct BulkLine {
    /// The item.
    pub item: Item,
    /// Whom it is assigned to now.
    pub assignee: String,
    /// Why it will be left as it is; none if it will be assigned.
    pub refused: Option<String>,
}

/// What a bulk assignment would do, item by item, without doing it.
///
/// # Errors
/// None or too many items, a deadline in the past, an unknown user, or the database fails.
pub async fn preview_assign(
    app: &App,
    actor: &Actor,
    items: &[Uuid],
    assignee: Uuid,
    deadline: Option<NaiveDate>,
    lang: Lang,
) -> Result<(Assignable, Vec<BulkLine>), LedgerError> {
    need(actor, Capability::AssignItems, "assign")?;
    if items.is_empty() || items.len() > BULK_LIMIT {
        return Err(LedgerError::Bulk { count: items.len() });
    }
    if let Some(deadline) = deadline.filter(|d| *d < app.clock.today()) {
        return Err(LedgerError::Deadline(deadline.to_string()));
    }
    let user = app
        .db
        .write::<_, LedgerError, _>(move |tx| Box::pin(async move { Ok(store::assignable_in(tx, assignee).await?) }))
        .await?
        .filter(|user| {
            actor.scope.contains(&user.division_code)
                || Scope::subtree(&user.division_code).contains(actor.scope.root())
        })
        .ok_or(LedgerError::Assignee)?;
    let mut out = Vec::new();
    for id in items {
        let Some(item) = store::item(&app.db, actor, *id).await? else {
            return Err(LedgerError::NotFound);
        };
        let profile = assess::profile_by_id(&app.db, item.profile_id).await?;
        let action = Action::Assign { assignee, deadline };
        let refused = allowed(&profile, actor, &item, &action)
            .and_then(|()| target(&profile, &item, &action).map(|_| ()))
            .and_then(
                |()| {
                    if may_be_assigned(&user, &item.division_code) { Ok(()) } else { Err(LedgerError::Assignee) }
                },
            )
            .err()
            .map(|error| error.message(lang));
        out.push(BulkLine { assignee: store::user_name(&app.db, item.assignee_id).await?, item, refused });
    }
    Ok((user, out))
}

/// Assigns many items in one transaction; those that changed since the preview are left as they are and told.
/// `batch` is the id of the whole: the same batch twice is done once.
///
/// # Errors
/// As [`preview_assign`].
pub async fn assign_many(
    app: &App,
    actor: &Actor,
    batch: Uuid,
    items: &[(Uuid, i64)],
    assignee: Uuid,
    deadline: Option<NaiveDate>,
) -> Result<(u64, Vec<(Uuid, LedgerError)>), LedgerError> {
    need(actor, Capability::AssignItems, "assign")?;
    if items.is_empty() || items.len() > BULK_LIMIT {
        return Err(LedgerError::Bulk { count: items.len() });
    }
    let mut work = Vec::new();
    for (id, version) in items {
        let step = Step {
            event_id: part_of(batch, *id),
            version: *version,
            action: Action::Assign { assignee, deadline },
            note: String::new(),
        };
        work.push((*id, profile_of(app, actor, *id).await?, step));
    }
    // One order for everybody, so that two batches cannot wait for each other.
    work.sort_by_key(|(id, ..)| *id);
    let (actor, day, now) = (actor.clone(), app.clock.today(), app.clock.now_ms());
    app.db
        .write::<_, LedgerError, _>(move |tx| {
            Box::pin(async move {
                let mut assigned = 0;
                let mut left = Vec::new();
                for (id, profile, step) in &work {
                    match act_in(tx, profile, &actor, *id, step, day, now).await {
                        Ok(_) => assigned += 1,
                        // A refusal comes before anything of its item is written; a fault of the database ends it all.
                        Err(LedgerError::Db(error)) => return Err(error.into()),
                        Err(refused) => left.push((*id, refused)),
                    }
                }
                Ok((assigned, left))
            })
        })
        .await
}

/// The event id of one item in a batch: always the same for the same two.
fn part_of(batch: Uuid, item: Uuid) -> Uuid {
    let digest = Sha256::new().chain_update(batch.as_bytes()).chain_update(item.as_bytes()).finalize();
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// The type of a photo or paper by its first bytes; what a name says is not believed.
pub fn sniff(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => Some(("image/jpeg", "jpg")),
        _ if bytes.starts_with(b"\x89PNG\r\n\x1a\n") => Some(("image/png", "png")),
        _ if webp => Some(("image/webp", "webp")),
        _ if bytes.starts_with(b"%PDF-") => Some(("application/pdf", "pdf")),
        _ => None,
    }
}

/// Adds a photo or paper to an item.
///
/// # Errors
/// Its type or size is not taken, the item is closed or not for this person, or the folder or database fails.
pub async fn attach(
    app: &App,
    actor: &Actor,
    item: Uuid,
    event_id: Uuid,
    name: &str,
    bytes: Vec<u8>,
) -> Result<(), LedgerError> {
    if !actor.may(Capability::WorkItems) {
        need(actor, Capability::CheckItems, "attach")?;
    }
    if bytes.is_empty() || bytes.len() > ATTACHMENT_LIMIT {
        return Err(LedgerError::AttachmentSize { bytes: bytes.len() });
    }
    let (mime, extension) = sniff(&bytes).ok_or(LedgerError::AttachmentType)?;
    let found = store::item(&app.db, actor, item).await?.ok_or(LedgerError::NotFound)?;
    if !found.state().is_open() {
        let state = found.state().name();
        return Err(LedgerError::WrongState { number: found.number, action: "attach", state });
    }
    let sha256 = ids::hex(&Sha256::digest(&bytes));
    let folder = folder_of(app, &sha256)?;
    let (digest, length) = (sha256.clone(), bytes.len());
    let kept = tokio::task::spawn_blocking(move || keep(&folder, &digest, &bytes)).await;
    kept.map_err(|e| LedgerError::AttachmentStore(std::io::Error::other(e)))?.map_err(LedgerError::AttachmentStore)?;
    let (actor, day, now) = (actor.clone(), app.clock.today(), app.clock.now_ms());
    let name = file_name(name, extension);
    app.db
        .write::<_, LedgerError, _>(move |tx| {
            Box::pin(async move {
                store::hold(tx, item, now).await?;
                let found = store::item_in(tx, &actor, item).await?.ok_or(LedgerError::NotFound)?;
                if let Some((of, _)) = store::event_item(tx, event_id).await? {
                    return if of == item { Ok(()) } else { Err(LedgerError::EventTaken) };
                }
                let state = found.state();
                if !state.is_open() {
                    return Err(LedgerError::WrongState {
                        number: found.number,
                        action: "attach",
                        state: state.name(),
                    });
                }
                let attachment = Attachment {
                    id: ids::new_id(),
                    item_id: item,
                    sha256: sha256.clone(),
                    name: name.clone(),
                    mime: mime.to_owned(),
                    bytes: i64::try_from(length).unwrap_or(i64::MAX),
                    uploaded_at: now,
                };
                if store::attachment_count(tx, item).await? >= ATTACHMENTS_LIMIT as i64 {
                    return Err(LedgerError::AttachmentCount);
                }
                store::insert_attachment(tx, &attachment, event_id, actor.user_id).await?;
                let event = store::NewEvent {
                    id: event_id,
                    item,
                    round: found.round,
                    at: now,
                    day,
                    division: &found.division_code,
                    actor_id: actor.user_id,
                    actor_name: &actor.name,
                    action: "attach",
                    from: state.name(),
                    to: state.name(),
                    note: "",
                    data: serde_json::json!({ "attachment": attachment.id, "name": name }),
                };
                store::append(tx, &found.ledger, event).await?;
                let entry = Entry {
                    action: "item.attach",
                    object_kind: "item",
                    object_id: item.to_string(),
                    division_code: &found.division_code,
                    reason: "",
                    detail: serde_json::json!({ "number": found.number, "sha256": sha256, "bytes": length }),
                };
                audit::record(tx, &actor, entry, now).await?;
                Ok(())
            })
        })
        .await
}

/// A name for a downloaded file: the last part of what was said, without what a header or folder could misread.
fn file_name(said: &str, extension: &str) -> String {
    let last = said.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    let stem: String = stem.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ')).take(60).collect();
    let stem = stem.trim();
    format!("{}.{extension}", if stem.is_empty() { "evidence" } else { stem })
}

fn folder_of(app: &App, sha256: &str) -> Result<PathBuf, LedgerError> {
    let first = sha256.get(..2).unwrap_or("00");
    app.sub_folder(&format!("attachments/{first}")).map_err(LedgerError::AttachmentStore)
}

/// Writes the bytes under their hash: whole or not at all, and durable before the database names them.
fn keep(folder: &std::path::Path, sha256: &str, bytes: &[u8]) -> std::io::Result<()> {
    let path = folder.join(sha256);
    if path.exists() {
        return Ok(());
    }
    let part = folder.join(format!("{sha256}.{}.part", ids::new_id()));
    let mut file = std::fs::File::create_new(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&part, &path)?;
    std::fs::File::open(folder)?.sync_all()
}

/// An attachment's bytes, checked against their hash.
///
/// # Errors
/// It does not exist or is not for this person, or the file is gone or changed.
pub async fn attachment(app: &App, actor: &Actor, id: Uuid) -> Result<(Attachment, Vec<u8>), LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    let found = store::attachment(&app.db, id).await?.ok_or(LedgerError::NotFound)?;
    store::item(&app.db, actor, found.item_id).await?.ok_or(LedgerError::NotFound)?;
    let path = folder_of(app, &found.sha256)?.join(&found.sha256);
    let bytes = tokio::fs::read(path).await.map_err(LedgerError::AttachmentStore)?;
    if ids::hex(&Sha256::digest(&bytes)) != found.sha256 {
        return Err(LedgerError::AttachmentStore(std::io::Error::other("the file was changed after it was stored")));
    }
    Ok((found, bytes))
}

/// The list as CSV (UTF-8 with a mark, names masked, no cell that a spreadsheet would run as a formula); audited.
///
/// # Errors
/// The actor may not export, or the database fails.
pub async fn export_csv(app: &App, actor: &Actor, filter: &Filter, lang: Lang) -> Result<Vec<u8>, LedgerError> {
    need(actor, Capability::ViewItems, "export")?;
    need(actor, Capability::Export, "export")?;
    let mut out = vec![0xEF, 0xBB, 0xBF];
    let columns =
        ["number", "title", "level", "state", "round", "deadline", "village", "household", "unit", "owner", "assignee"];
    let head: Vec<String> = columns.iter().map(|c| i18n::text(lang, &format!("ledger-column-{c}"))).collect();
    csv_line(&mut out, &head);
    let mut rows = 0_i64;
    store::each_line(&app.db, actor, filter, app.clock.today(), |line| {
        rows += 1;
        let state = i18n::text(lang, &format!("ledger-state-{}", line.state));
        let level = i18n::text(lang, &format!("ledger-level-{}", line.level));
        csv_line(
            &mut out,
            &[
                line.number,
                model::title_in(&line.title, lang),
                level,
                state,
                line.round.to_string(),
                line.deadline,
                line.division_name,
                mask_name(&line.head_name),
                line.owner_unit,
                line.owner_name,
                line.assignee_name,
            ],
        );
    })
    .await?;
    let (actor, now) = (actor.clone(), app.clock.now_ms());
    let detail = serde_json::json!({
        "rows": rows, "which": filter.which.name(), "division": filter.division, "rule": filter.rule,
    });
    app.db
        .write::<_, LedgerError, _>(move |tx| {
            Box::pin(async move {
                let entry = Entry {
                    action: "ledger.export",
                    object_kind: "ledger",
                    object_id: "epidemic_assistance".to_owned(),
                    division_code: actor.scope.root(),
                    reason: "",
                    detail,
                };
                Ok(audit::record(tx, &actor, entry, now).await?)
            })
        })
        .await?;
    Ok(out)
}

fn csv_line(out: &mut Vec<u8>, cells: &[String]) {
    for (i, cell) in cells.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(csv_cell(cell).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// A cell that no spreadsheet takes for a formula.
fn csv_cell(text: &str) -> String {
    let risky = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
        || text.starts_with(['\t', '\r', '\n']);
    let text = if risky { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// A name with its first character only.
pub fn mask_name(name: &str) -> String {
    let mut chars = name.chars();
    match chars.next() {
        Some(first) => std::iter::once(first).chain(chars.map(|_| '*')).collect(),
        None => String::new(),
    }
}

/// 对账: proves the roll-up against a recount of every event and against the items themselves.
///
/// # Errors
/// The actor may not see figures, or the database fails.
pub async fn reconcile(app: &App, actor: &Actor, division: &str) -> Result<Reconciliation, LedgerError> {
    if !actor.may(Capability::ViewItems) {
        need(actor, Capability::ViewFigures, "view")?;
    }
    let filter = Filter { division: division.to_owned(), ..Filter::default() };
    match store::narrowed(actor, &filter) {
        Some(scope) => Ok(store::reconcile(&app.db, &scope).await?),
        None => Ok(Reconciliation::default()),
    }
}

/// How the items of a scope moved, day by day, the newest first.
///
/// # Errors
/// The database fails.
pub async fn days(app: &App, scope: &Scope, limit: i64) -> Result<Vec<(String, Movement)>, LedgerError> {
    Ok(store::days(&app.db, scope, limit).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_told_by_their_bytes() {
        assert_eq!(sniff(b"\xFF\xD8\xFF\xE0..").unwrap().0, "image/jpeg");
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n..").unwrap().0, "image/png");
        assert_eq!(sniff(b"RIFF\0\0\0\0WEBPVP8 ").unwrap().0, "image/webp");
        assert_eq!(sniff(b"%PDF-1.7").unwrap().0, "application/pdf");
        for bad in [&b"<html>"[..], b"", b"GIF89a", b"<?xml version", b"RIFF\0\0\0\0WAVE", b"PK\x03\x04", b"\xFF\xD8"] {
            assert_eq!(sniff(bad), None);
        }
    }

    #[test]
    fn names_of_files_cannot_leave_their_place() {
        assert_eq!(file_name("../../etc/pass\r\nwd.html", "jpg"), "passwd.jpg");
        assert_eq!(file_name("C:\\照片\\入户 1.JPG", "jpg"), "入户 1.jpg");
        assert_eq!(file_name("\"; x=\"", "png"), "x.png");
        assert_eq!(file_name("", "pdf"), "evidence.pdf");
    }

    #[test]
    fn cells_are_never_formulas() {
        for bad in ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "＝1"] {
            assert!(csv_cell(bad).trim_start_matches('"').starts_with('\''), "{bad:?}");
        }
        assert_eq!(csv_cell("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(csv_cell("张*"), "张*");
    }

    #[test]
    fn names_keep_their_first_character() {
        assert_eq!(mask_name("欧阳娜娜"), "欧***");
        assert_eq!(mask_name(""), "");
    }

    #[test]
    fn a_batch_gives_each_item_its_own_fixed_event() {
        let (batch, a, b) = (ids::new_id(), ids::new_id(), ids::new_id());
        assert_eq!(part_of(batch, a), part_of(batch, a));
        assert_ne!(part_of(batch, a), part_of(batch, b));
    }
}
