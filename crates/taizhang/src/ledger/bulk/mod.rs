//! Something done to many items at once: first looked at line by line, then done in one transaction, and an assignment
//! taken back as long as nobody has acted since.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use uuid::Uuid;

use super::assign::part_of;
use super::list_store::{self, Question};
use super::model::{Action, Assignable, Filter, Item, REASON_CHARS};
use super::{LedgerError, allowed, may_be_assigned, need, new_deadline, stale, target, words};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability, Scope};
use crate::assess::{self, Profile};
use crate::platform::{App, Lang, Tx, UserError};

pub(super) mod pages;
mod store;

/// The most items of one batch.
pub const MOST: usize = 10_000;
/// For how many hours an assignment of many can be taken back.
pub const UNDO_HOURS: i64 = 24;
const HOUR_MS: i64 = 3_600_000;
/// Items that are read at once.
const CHUNK: usize = 500;

/// Which items.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // There is one at a time.
pub enum Chosen {
    /// These.
    Items(Vec<Uuid>),
    /// All that a view shows, in its order.
    View(Filter),
}

/// To whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Give {
    /// All to one person.
    To(Uuid),
    /// Each to an officer of the village it lies in, the officers of a village taking turns.
    Villages,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// 批量交办, with a new deadline where one is given.
    Assign {
        /// To whom.
        give: Give,
        /// New deadline; each keeps its own where none.
        deadline: Option<NaiveDate>,
    },
    /// 批量催办 of whoever has them.
    Remind,
}

/// A batch as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Head {
    pub id: Uuid,
    pub kind: String,
    pub state: String,
    pub by_id: Option<Uuid>,
    pub by_name: String,
    pub deadline: String,
    pub note: String,
    pub made_at: i64,
    pub done_at: Option<i64>,
    pub undone_at: Option<i64>,
}

impl Head {
    /// Until when it can be taken back, milliseconds; none where it cannot.
    pub fn undo_until(&self, now: i64) -> Option<i64> {
        let until = self.done_at? + UNDO_HOURS * HOUR_MS;
        (self.kind == "assign" && self.state == "done" && now <= until).then_some(until)
    }
}

/// A line of a batch, with what the page shows of its item.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct BatchLine {
    pub item_id: Uuid,
    pub number: String,
    pub title: String,
    pub user_id: Option<Uuid>,
    pub user_name: String,
    pub outcome: String,
    pub why: String,
    pub was_name: String,
    pub was_deadline: String,
}

/// Who gets how many.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Share {
    pub name: String,
    pub unit: String,
    pub role: String,
    pub division_name: String,
    pub count: i64,
}

/// A batch with its lines.
#[derive(Debug, Clone)]
pub struct Batch {
    /// What it is.
    pub head: Head,
    /// How many lines have each outcome.
    pub outcomes: HashMap<String, i64>,
    /// Who gets how many of those that are ready or done.
    pub shares: Vec<Share>,
    /// Why lines are refused, left or kept: the code of the reason, how many, and the first of them.
    pub reasons: Vec<(i64, BatchLine)>,
    /// Its first lines.
    pub lines: Vec<BatchLine>,
}

impl Batch {
    /// How many lines have an outcome.
    pub fn count(&self, outcome: &str) -> i64 {
        self.outcomes.get(outcome).copied().unwrap_or(0)
    }
}

/// What was done, and what was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Items that were changed.
    pub done: u64,
    /// Items that were left as they are, each with its reason in the batch.
    pub left: u64,
}

/// A line under way.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Line {
    pub(super) item_id: Uuid,
    pub(super) place: i64,
    pub(super) user_id: Option<Uuid>,
    pub(super) version: i64,
    pub(super) outcome: String,
    pub(super) why: String,
    pub(super) was_state: String,
    pub(super) was_assignee: Option<Uuid>,
    pub(super) was_deadline: String,
}

impl Line {
    fn of(item: &Item, place: i64) -> Self {
        Self {
            item_id: item.id,
            place,
            user_id: None,
            version: item.version,
            outcome: "ready".to_owned(),
            why: String::new(),
            was_state: item.state.clone(),
            was_assignee: item.assignee_id,
            was_deadline: item.deadline.clone(),
        }
    }

    fn end(&mut self, outcome: &str, error: Option<&LedgerError>) {
        self.outcome = outcome.to_owned();
        self.why = error.map(told).unwrap_or_default();
    }
}

/// A reason as it is kept: its code, and its words in both languages.
fn told(error: &LedgerError) -> String {
    serde_json::json!({
        "code": error.code(), "zh-CN": error.message(Lang::Zh), "en": error.message(Lang::En),
    })
    .to_string()
}

fn kind_of(what: What) -> &'static str {
    match what {
        What::Assign { .. } => "assign",
        What::Remind => "remind",
    }
}

/// The profiles of some items.
async fn profiles(app: &App, items: &[Item]) -> Result<HashMap<Uuid, std::sync::Arc<Profile>>, LedgerError> {
    let ids: BTreeSet<Uuid> = items.iter().map(|item| item.profile_id).collect();
    let mut out = HashMap::new();
    for id in ids {
        out.insert(id, assess::profile_by_id(&app.db, id).await?);
    }
    Ok(out)
}

/// The officers of villages, by village, in the order in which they take turns.
struct Officers {
    of: HashMap<String, Vec<Assignable>>,
    turns: HashMap<String, usize>,
}

impl Officers {
    /// Whose turn it is.
    fn next(&self, village: &str) -> Option<&Assignable> {
        let officers = self.of.get(village)?;
        let turn = self.turns.get(village).copied().unwrap_or_default();
        officers.get(turn % officers.len().max(1))
    }

    /// The one whose turn it was has got one.
    fn turn(&mut self, village: &str) {
        *self.turns.entry(village.to_owned()).or_default() += 1;
    }
}

/// The chosen items in their order.
///
/// # Errors
/// None, too many, or one that does not exist or is not for this person.
async fn items_of(app: &App, actor: &Actor, chosen: &Chosen) -> Result<Vec<Item>, LedgerError> {
    let ids = match chosen {
        Chosen::Items(ids) => ids.clone(),
        Chosen::View(filter) => match Question::of(actor, filter, app.clock.today()) {
            Some(question) => list_store::ids_of(&app.db, &question, MOST + 1).await?,
            None => Vec::new(),
        },
    };
    let distinct: BTreeSet<Uuid> = ids.iter().copied().collect();
    if ids.is_empty() || distinct.len() > MOST {
        return Err(LedgerError::Bulk { count: ids.len(), limit: MOST });
    }
    let mut found: HashMap<Uuid, Item> =
        list_store::items(&app.db, actor, &ids).await?.into_iter().map(|item| (item.id, item)).collect();
    if found.len() < distinct.len() {
        return Err(LedgerError::NotFound);
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// The divisions of the chosen items, for the choice of who may work them.
///
/// # Errors
/// As [`preview`].
pub(super) async fn places_of(app: &App, actor: &Actor, chosen: &Chosen) -> Result<Vec<String>, LedgerError> {
    let places: BTreeSet<String> =
        items_of(app, actor, chosen).await?.into_iter().map(|item| item.division_code).collect();
    Ok(places.into_iter().collect())
}

/// Looks at what a batch would do, line by line: who gets what, and what is refused and why. Nothing is changed but the
/// batch itself, which is kept so that it can be carried out as it was looked at. The same id with other items is looked
/// at anew until it is carried out.
///
/// # Errors
/// None or too many items, a deadline in the past, an unknown user, a batch that was carried out or is somebody else's,
/// or the database fails.
pub async fn preview(app: &App, actor: &Actor, id: Uuid, chosen: &Chosen, what: What) -> Result<Batch, LedgerError> {
    need(actor, Capability::AssignItems, "assign")?;
    let today = app.clock.today();
    if let What::Assign { deadline: Some(day), .. } = what
        && day < today
    {
        return Err(LedgerError::Deadline(day.to_string()));
    }
    let items = items_of(app, actor, chosen).await?;
    let profiles = profiles(app, &items).await?;
    let to = match what {
        What::Assign { give: Give::To(user), .. } => {
            let found = list_store::assignable(&app.db, user).await?.filter(|user| {
                actor.scope.contains(&user.division_code)
                    || Scope::subtree(&user.division_code).contains(actor.scope.root())
            });
            Some(found.ok_or(LedgerError::Assignee)?)
        }
        _ => None,
    };
    let mut officers = Officers { of: HashMap::new(), turns: HashMap::new() };
    if matches!(what, What::Assign { give: Give::Villages, .. }) {
        let scope = list_store::narrowed(actor, &Filter::default()).unwrap_or_else(|| actor.scope.clone());
        for user in store::officers(&app.db, &scope).await? {
            officers.of.entry(user.division_code.clone()).or_default().push(user);
        }
    }
    let reminded = match what {
        What::Remind => store::reminded_on(&app.db, actor.user_id, today).await?,
        What::Assign { .. } => Default::default(),
    };
    let mut lines = Vec::with_capacity(items.len());
    for (place, item) in (0..).zip(&items) {
        let mut line = Line::of(item, place);
        let Some(profile) = profiles.get(&item.profile_id) else {
            continue;
        };
        let outcome = match what {
            What::Assign { deadline, .. } => {
                let user = to.as_ref().or_else(|| officers.next(&item.division_code));
                match user {
                    None => Err(LedgerError::NoOfficer { number: item.number.clone() }),
                    Some(user) => {
                        line.user_id = Some(user.id);
                        assignable(profile, actor, item, user, deadline, today)
                    }
                }
            }
            What::Remind => {
                line.user_id = item.assignee_id;
                remindable(profile, item, reminded.contains(&item.id)).map(|()| false)
            }
        };
        match outcome {
            Ok(late) => {
                line.end(if late { "late" } else { "ready" }, None);
                officers.turn(&item.division_code);
            }
            Err(error) => line.end("refused", Some(&error)),
        }
        lines.push(line);
    }
    let deadline = match what {
        What::Assign { deadline: Some(day), .. } => day.to_string(),
        _ => String::new(),
    };
    let head = Head {
        id,
        kind: kind_of(what).to_owned(),
        state: "previewed".to_owned(),
        by_id: actor.user_id,
        by_name: actor.name.clone(),
        deadline,
        note: String::new(),
        made_at: app.clock.now_ms(),
        done_at: None,
        undone_at: None,
    };
    let division = actor.scope.root().to_owned();
    app.db
        .write::<_, LedgerError, _>(move |tx| {
            Box::pin(async move {
                if let Some(known) = store::head_in(tx, id).await?
                    && (known.state != "previewed" || known.by_id != head.by_id)
                {
                    return Err(LedgerError::EventTaken);
                }
                // What was only looked at, and never done.
                store::sweep(tx, head.made_at - UNDO_HOURS * HOUR_MS).await?;
                store::forget(tx, id).await?;
                store::insert(tx, &head, &division).await?;
                Ok(store::put_lines(tx, id, &lines).await?)
            })
        })
        .await?;
    batch(app, actor, id).await
}

/// Whether an item may be assigned so; true where its later deadline needs a reason.
fn assignable(
    profile: &Profile,
    actor: &Actor,
    item: &Item,
    user: &Assignable,
    deadline: Option<NaiveDate>,
    today: NaiveDate,
) -> Result<bool, LedgerError> {
    let action = Action::Assign { assignee: user.id, deadline };
    allowed(profile, actor, item, &action)?;
    target(profile, item, &action)?;
    if !may_be_assigned(user, &item.division_code) {
        return Err(LedgerError::Assignee);
    }
    Ok(new_deadline(item, deadline, today)?.is_some_and(|new| new.late))
}

fn remindable(profile: &Profile, item: &Item, reminded: bool) -> Result<(), LedgerError> {
    if !item.state().is_open() {
        let state = words::state(profile, &item.ledger, &item.state);
        return Err(LedgerError::WrongState { number: item.number.clone(), action: "remind", state });
    }
    if item.assignee_id.is_none() {
        return Err(LedgerError::Nobody { number: item.number.clone() });
    }
    if reminded {
        return Err(LedgerError::Reminded { number: item.number.clone() });
    }
    Ok(())
}

/// A batch as it stands, for whoever may assign in all of the place that it was made for.
///
/// # Errors
/// There is none, or it is of another place; or the database fails.
pub async fn batch(app: &App, actor: &Actor, id: Uuid) -> Result<Batch, LedgerError> {
    need(actor, Capability::AssignItems, "assign")?;
    let head = store::head(&app.db, &actor.scope, id).await?.ok_or(LedgerError::NoBatch)?;
    let outcomes = store::outcomes(&app.db, id).await?.into_iter().collect();
    let mut reasons: Vec<(i64, String, BatchLine)> = Vec::new();
    for line in store::unhappy(&app.db, &actor.scope, id).await? {
        let code = reason_code(&line.why);
        match reasons.iter_mut().find(|(_, known, _)| *known == code) {
            Some((count, ..)) => *count += 1,
            None => reasons.push((1, code, line)),
        }
    }
    reasons.sort_by_key(|(count, ..)| -count);
    Ok(Batch {
        outcomes,
        shares: store::shares(&app.db, id).await?,
        reasons: reasons.into_iter().map(|(count, _, line)| (count, line)).collect(),
        lines: store::lines_shown(&app.db, &actor.scope, id).await?,
        head,
    })
}

/// The code of a kept reason.
fn reason_code(why: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(why).unwrap_or_default();
    value.get("code").and_then(|code| code.as_str()).unwrap_or_default().to_owned()
}

/// The last batches that somebody carried out, the newest first.
///
/// # Errors
/// The actor may not assign, or the database fails.
pub async fn recent(app: &App, actor: &Actor) -> Result<Vec<(Head, i64)>, LedgerError> {
    need(actor, Capability::AssignItems, "assign")?;
    let heads = store::heads_of(&app.db, actor.user_id).await?;
    let mut out = Vec::with_capacity(heads.len());
    for head in heads {
        let count = store::outcomes(&app.db, head.id).await?.into_iter().map(|(_, n)| n).sum();
        out.push((head, count));
    }
    Ok(out)
}

/// What happened to an item, to be written after all items of the batch are held: the head of the audit chain is held
/// last and for a moment, as single steps do it, so that the two never wait for each other.
struct Happened {
    item: Item,
    event: Uuid,
    action: &'static str,
    audited: &'static str,
    /// Of the item after it.
    version: i64,
    from: String,
    data: serde_json::Value,
}

/// What one call of [`carry_out`] or [`take_back`] stands on.
struct Desk {
    actor: Actor,
    day: NaiveDate,
    now: i64,
}

impl Desk {
    fn of(app: &App, actor: &Actor) -> Self {
        Self { actor: actor.clone(), day: app.clock.today(), now: app.clock.now_ms() }
    }
}

/// Does what was looked at, in one transaction. Lines whose item somebody changed since are left as they are, with the
/// reason. The same batch again is done once. `note` is the reason where an overdue item gets a later deadline, or what a
/// reminder says.
///
/// # Errors
/// There is no such batch, it was taken back, or the database fails; then nothing was done.
pub async fn carry_out(app: &App, actor: &Actor, id: Uuid, note: &str) -> Result<Outcome, LedgerError> {
    need(actor, Capability::AssignItems, "assign")?;
    let note = note.trim().to_owned();
    if note.chars().count() > super::model::NOTE_MOST {
        return Err(LedgerError::NoteLong { most: super::model::NOTE_MOST });
    }
    let items: Vec<Uuid> = store::ready(&app.db, id).await?;
    let found = list_store::items(&app.db, actor, &items).await?;
    let profiles = profiles(app, &found).await?;
    let desk = Desk::of(app, actor);
    app.db
        .write_alone::<_, LedgerError, _>(move |tx| {
            Box::pin(async move {
                let head = store::hold(tx, &desk.actor.scope, id).await?;
                // Carried out by whoever looked at it.
                let head = head.filter(|head| head.by_id == desk.actor.user_id).ok_or(LedgerError::NoBatch)?;
                if head.state != "previewed" {
                    return outcome_of(tx, id, &["done", "undone", "kept"], &["left"]).await;
                }
                let mut lines = store::lines_in(tx, id, &["ready", "late"]).await?;
                let mut happened = Vec::new();
                for chunk in lines.chunks_mut(CHUNK) {
                    match head.kind.as_str() {
                        "assign" => assign_chunk(tx, &desk, &profiles, &head, &note, chunk, &mut happened).await?,
                        _ => remind_chunk(tx, &desk, &profiles, &head, &note, chunk, &mut happened).await?,
                    }
                }
                store::put_lines(tx, id, &lines).await?;
                store::set_state(tx, id, "done", &note, desk.now).await?;
                finish(tx, &desk, &head, "done", &note, &happened).await?;
                outcome_of(tx, id, &["done"], &["left"]).await
            })
        })
        .await
}

async fn outcome_of(tx: &mut Tx, id: Uuid, done: &[&str], left: &[&str]) -> Result<Outcome, LedgerError> {
    let mut out = Outcome::default();
    for (outcome, n) in store::outcomes_in(tx, id).await? {
        let n = u64::try_from(n).unwrap_or(0);
        if done.contains(&outcome.as_str()) {
            out.done += n;
        }
        if left.contains(&outcome.as_str()) {
            out.left += n;
        }
    }
    Ok(out)
}

/// The events and audit entries of a batch, and one entry for the whole.
async fn finish(
    tx: &mut Tx,
    desk: &Desk,
    head: &Head,
    state: &str,
    note: &str,
    happened: &[Happened],
) -> Result<(), LedgerError> {
    store::append(tx, desk, note, happened).await?;
    let entries = happened.iter().map(|one| Entry {
        action: one.audited,
        object_kind: "item",
        object_id: one.item.id.to_string(),
        division_code: &one.item.division_code,
        reason: note,
        detail: serde_json::json!({
            "number": one.item.number, "event": one.event, "from": one.from, "to": one.item.state,
            "round": one.item.round, "batch": head.id,
        }),
    });
    audit::record_many(tx, &desk.actor, entries.collect(), desk.now).await?;
    let entry = Entry {
        action: "ledger.batch",
        object_kind: "item_batch",
        object_id: head.id.to_string(),
        division_code: desk.actor.scope.root(),
        reason: note,
        detail: serde_json::json!({ "kind": head.kind, "state": state, "items": happened.len() }),
    };
    Ok(audit::record(tx, &desk.actor, entry, desk.now).await?)
}

type Profiles = HashMap<Uuid, std::sync::Arc<Profile>>;

/// The profile of an item; one that was put in force since the batch was looked at makes the item another one.
async fn profile_of<'p>(tx: &mut Tx, profiles: &'p Profiles, item: &Item) -> Result<&'p Profile, LedgerError> {
    match profiles.get(&item.profile_id) {
        Some(profile) => Ok(profile),
        None => Err(stale(tx, item, item.version).await?),
    }
}

/// A fault of the database ends the whole; any other error is of its line.
fn of_the_line<T>(outcome: Result<T, LedgerError>) -> Result<Result<T, LedgerError>, LedgerError> {
    match outcome {
        Err(LedgerError::Db(error)) => Err(error.into()),
        other => Ok(other),
    }
}

async fn assign_chunk(
    tx: &mut Tx,
    desk: &Desk,
    profiles: &Profiles,
    head: &Head,
    note: &str,
    lines: &mut [Line],
    happened: &mut Vec<Happened>,
) -> Result<(), LedgerError> {
    let users: BTreeSet<Uuid> = lines.iter().filter_map(|line| line.user_id).collect();
    let users = store::assignable_in(tx, &users.into_iter().collect::<Vec<_>>()).await?;
    let mut items = store::items_in(tx, &desk.actor, lines).await?;
    let giving = Giving { profiles, users, deadline: head.deadline.parse().ok(), note };
    for line in lines {
        let Some(mut item) = items.remove(&line.item_id) else {
            line.end("left", Some(&LedgerError::NotFound));
            continue;
        };
        let outcome = of_the_line(assign_one(tx, desk, &giving, line, &mut item).await)?;
        match outcome {
            Ok(one) => {
                line.version += 1;
                line.end("done", None);
                happened.push(Happened { event: part_of(head.id, item.id), item, ..one });
            }
            Err(error) => line.end("left", Some(&error)),
        }
    }
    Ok(())
}

/// What an assignment of many gives, and to whom it may.
struct Giving<'g> {
    profiles: &'g Profiles,
    users: HashMap<Uuid, Assignable>,
    deadline: Option<NaiveDate>,
    note: &'g str,
}

async fn assign_one(
    tx: &mut Tx,
    desk: &Desk,
    giving: &Giving<'_>,
    line: &Line,
    item: &mut Item,
) -> Result<Happened, LedgerError> {
    let Giving { profiles, users, deadline, note } = giving;
    let deadline = *deadline;
    if item.version != line.version {
        return Err(stale(tx, item, line.version).await?);
    }
    let user = line.user_id.and_then(|id| users.get(&id)).ok_or(LedgerError::Assignee)?;
    let profile = profile_of(tx, profiles, item).await?;
    let action = Action::Assign { assignee: user.id, deadline };
    let late = assignable(profile, &desk.actor, item, user, deadline, desk.day)?;
    if late && note.chars().count() < REASON_CHARS {
        return Err(LedgerError::DeadlineReason { number: item.number.clone(), was: item.deadline.clone() });
    }
    let to = target(profile, item, &action)?;
    let (from, was) = (std::mem::replace(&mut item.state, to.name().to_owned()), item.deadline.clone());
    if let Some(new) = new_deadline(item, deadline, desk.day)? {
        item.deadline = new.day;
    }
    item.assignee_id = Some(user.id);
    if !store::hand_over(tx, item, desk.now).await? {
        return Err(stale(tx, item, line.version).await?);
    }
    let mut data = serde_json::json!({ "assignee": user.id, "name": user.name, "deadline": item.deadline });
    if item.deadline != was {
        data["was"] = was.into();
    }
    Ok(Happened {
        item: item.clone(),
        event: Uuid::nil(),
        action: "assign",
        audited: "item.assign",
        version: item.version + 1,
        from,
        data,
    })
}

async fn remind_chunk(
    tx: &mut Tx,
    desk: &Desk,
    profiles: &Profiles,
    head: &Head,
    note: &str,
    lines: &mut [Line],
    happened: &mut Vec<Happened>,
) -> Result<(), LedgerError> {
    // Held one after another in the order of their ids.
    let mut items = HashMap::new();
    for line in lines.iter() {
        let held = super::store::held(tx, &desk.actor.scope, line.item_id).await?;
        items.extend(held.filter(|item| super::store::visible(&desk.actor, item)).map(|item| (item.id, item)));
    }
    let ids: Vec<Uuid> = lines.iter().map(|line| line.item_id).collect();
    let names = store::names_in(tx, &ids).await?;
    let reminded = store::reminded_in(tx, desk.actor.user_id, desk.day, &ids).await?;
    let mut new = Vec::new();
    for line in lines {
        let Some(item) = items.remove(&line.item_id) else {
            line.end("left", Some(&LedgerError::NotFound));
            continue;
        };
        let outcome = match (profiles.get(&item.profile_id), line.user_id) {
            // Somebody else has it by now.
            (Some(_), user) if user != item.assignee_id => Err(stale(tx, &item, line.version).await?),
            (Some(profile), Some(user)) => remindable(profile, &item, reminded.contains(&item.id)).map(|()| user),
            _ => Err(stale(tx, &item, line.version).await?),
        };
        match outcome {
            Ok(user) => {
                line.end("done", None);
                let event = part_of(head.id, item.id);
                new.push((event, item.id, user));
                let data = serde_json::json!({ "name": names.get(&item.id) });
                let from = item.state.clone();
                let version = item.version;
                happened.push(Happened { item, event, action: "remind", audited: "item.remind", version, from, data });
            }
            Err(error) => line.end("left", Some(&error)),
        }
    }
    Ok(store::remind(tx, desk, note, &new).await?)
}

/// Takes an assignment of many back within [`UNDO_HOURS`] hours, in one transaction: each item is again with whom and as
/// it was before. An item on which somebody has acted since is kept as it is, with the reason.
///
/// # Errors
/// There is no such batch, it cannot be taken back (any more), or the database fails; then nothing was done.
pub async fn take_back(app: &App, actor: &Actor, id: Uuid) -> Result<Outcome, LedgerError> {
    need(actor, Capability::AssignItems, "assign")?;
    let desk = Desk::of(app, actor);
    app.db
        .write_alone::<_, LedgerError, _>(move |tx| {
            Box::pin(async move {
                let head = store::hold(tx, &desk.actor.scope, id).await?.ok_or(LedgerError::NoBatch)?;
                if head.state == "undone" {
                    return outcome_of(tx, id, &["undone"], &["kept"]).await;
                }
                if head.undo_until(desk.now).is_none() {
                    return Err(LedgerError::BatchUndo { hours: UNDO_HOURS });
                }
                let mut lines = store::lines_in(tx, id, &["done"]).await?;
                let mut happened = Vec::new();
                for chunk in lines.chunks_mut(CHUNK) {
                    let mut items = store::items_in(tx, &desk.actor, chunk).await?;
                    let before: BTreeSet<Uuid> = chunk.iter().filter_map(|line| line.was_assignee).collect();
                    let names = store::assignable_in(tx, &before.into_iter().collect::<Vec<_>>()).await?;
                    for line in chunk {
                        let Some(mut item) = items.remove(&line.item_id) else {
                            line.end("kept", Some(&LedgerError::NotFound));
                            continue;
                        };
                        let back = of_the_line(back_one(tx, &desk, &names, line, &mut item).await)?;
                        match back {
                            Ok(one) => {
                                line.end("undone", None);
                                happened.push(Happened { event: part_of(part_of(id, id), item.id), item, ..one });
                            }
                            Err(error) => line.end("kept", Some(&error)),
                        }
                    }
                }
                store::put_lines(tx, id, &lines).await?;
                store::set_state(tx, id, "undone", &head.note, desk.now).await?;
                finish(tx, &desk, &head, "undone", "", &happened).await?;
                outcome_of(tx, id, &["undone"], &["kept"]).await
            })
        })
        .await
}

async fn back_one(
    tx: &mut Tx,
    desk: &Desk,
    names: &HashMap<Uuid, Assignable>,
    line: &Line,
    item: &mut Item,
) -> Result<Happened, LedgerError> {
    if item.version != line.version {
        return Err(stale(tx, item, line.version).await?);
    }
    // Whoever had it before may have left, or may not work there any more.
    if let Some(user) = line.was_assignee {
        names.get(&user).filter(|user| may_be_assigned(user, &item.division_code)).ok_or(LedgerError::Assignee)?;
    }
    let from = std::mem::replace(&mut item.state, line.was_state.clone());
    let was = std::mem::replace(&mut item.deadline, line.was_deadline.clone());
    item.assignee_id = line.was_assignee;
    if !store::hand_over(tx, item, desk.now).await? {
        return Err(stale(tx, item, line.version).await?);
    }
    let name = line.was_assignee.and_then(|id| names.get(&id)).map_or("", |user| user.name.as_str());
    let mut data = serde_json::json!({ "assignee": line.was_assignee, "name": name, "deadline": item.deadline });
    if item.deadline != was {
        data["was"] = was.into();
    }
    Ok(Happened {
        item: item.clone(),
        event: Uuid::nil(),
        action: "take_back",
        audited: "item.take_back",
        version: item.version + 1,
        from,
        data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Role;

    #[test]
    fn a_reason_is_kept_in_both_languages_under_its_code() {
        let error = LedgerError::Nobody { number: "N-1".to_owned() };
        let kept = told(&error);
        assert_eq!(reason_code(&kept), "ledger.nobody");
        assert!(kept.contains("N-1") && kept.contains(&error.message(Lang::En)), "{kept}");
        assert_eq!(reason_code(""), "");
    }

    #[test]
    fn officers_of_a_village_take_turns() {
        let user = |n: u128| Assignable {
            id: Uuid::from_u128(n),
            login: String::new(),
            name: String::new(),
            unit: String::new(),
            role: Role::VillageOfficer.name().to_owned(),
            division_code: "990101001001".to_owned(),
        };
        let of = HashMap::from([("990101001001".to_owned(), vec![user(1), user(2)])]);
        let mut officers = Officers { of, turns: HashMap::new() };
        let mut got = Vec::new();
        for _ in 0..3 {
            got.extend(officers.next("990101001001").map(|user| user.id.as_u128()));
            officers.turn("990101001001");
        }
        assert_eq!(got, [1, 2, 1]);
        assert!(officers.next("990101001002").is_none());
    }
}
