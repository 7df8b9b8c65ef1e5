//! Reminders by name (点名提醒): an event on the item that says whom, by whom and why. It changes nothing of the item, and is
//! no work on it.

use std::collections::HashMap;

use uuid::Uuid;

use super::assign::part_of;
use super::model::{Item, NOTE_MOST, payload};
use super::{LedgerError, list_store, need, store, wrong_state};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability};
use crate::assess;
use crate::platform::{App, Lang, Tx, UserError};

/// The most items of one batch of reminders.
const MOST: usize = 500;
/// What the event is called.
const REMIND: &str = "remind";

/// One line of many reminders.
#[derive(Debug, Clone)]
pub struct RemindLine {
    /// The item.
    pub item: Item,
    /// Who is named: whom it is assigned to, else its owner; empty where only the unit is known.
    pub name: String,
    /// The unit that is named with them.
    pub unit: String,
    /// Why nobody will be reminded of it; none if somebody will.
    pub refused: Option<String>,
}

/// The chosen items in the order of the choice.
async fn chosen(app: &App, actor: &Actor, ids: &[Uuid]) -> Result<Vec<Item>, LedgerError> {
    if ids.is_empty() || ids.len() > MOST {
        return Err(LedgerError::Bulk { count: ids.len(), limit: MOST });
    }
    let found = list_store::items(&app.db, actor, ids).await?;
    let mut found: HashMap<Uuid, Item> = found.into_iter().map(|item| (item.id, item)).collect();
    ids.iter().map(|id| found.remove(id).ok_or(LedgerError::NotFound)).collect()
}

/// Who answers for an item, in one line.
fn who(name: &str, unit: &str) -> String {
    [unit, name].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whom reminders of some items would name, without writing anything.
///
/// # Errors
/// None or too many items, one of them is not for this person, the actor may not, or the database fails.
pub async fn preview_remind(
    app: &App,
    actor: &Actor,
    items: &[Uuid],
    lang: Lang,
) -> Result<Vec<RemindLine>, LedgerError> {
    need(actor, Capability::AssignItems, REMIND)?;
    let items = chosen(app, actor, items).await?;
    let given: Vec<Uuid> = items.iter().filter_map(|item| item.assignee_id).collect();
    let names = store::user_names(&app.db, &given).await?;
    let ids: Vec<Uuid> = items.iter().map(|item| item.id).collect();
    let today = app.clock.today().to_string();
    let reminded = store::reminded_on(&app.db, &ids, &today, actor.user_id).await?;
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        let refused = if !item.state().is_open() {
            let profile = assess::profile_by_id(&app.db, item.profile_id).await?;
            Some(wrong_state(&profile, &item, REMIND).message(lang))
        } else if reminded.contains(&item.id) {
            Some(LedgerError::Reminded { number: item.number.clone() }.message(lang))
        } else {
            None
        };
        let name = item.assignee_id.and_then(|id| names.get(&id).cloned()).unwrap_or_else(|| item.owner_name.clone());
        out.push(RemindLine { name, unit: item.owner_unit.clone(), item, refused });
    }
    Ok(out)
}

/// Reminds of many items in one transaction; those that changed since the preview are left alone and told. `batch` is the
/// id of the whole: the same batch twice is done once. `note` is what is asked.
///
/// # Errors
/// As [`preview_remind`]; the note is too long.
pub async fn remind_many(
    app: &App,
    actor: &Actor,
    batch: Uuid,
    items: &[(Uuid, i64)],
    note: &str,
) -> Result<(u64, Vec<(Uuid, LedgerError)>), LedgerError> {
    need(actor, Capability::AssignItems, REMIND)?;
    let note = note.trim().to_owned();
    if note.chars().count() > NOTE_MOST {
        return Err(LedgerError::NoteLong { most: NOTE_MOST });
    }
    let mut versions: Vec<(Uuid, i64)> = items.to_vec();
    // One order for everybody, so that two batches cannot wait for each other.
    versions.sort_unstable();
    versions.dedup_by_key(|(id, _)| *id);
    let ids: Vec<Uuid> = versions.iter().map(|(id, _)| *id).collect();
    let mut profiles = HashMap::new();
    for item in chosen(app, actor, &ids).await? {
        profiles.insert(item.id, assess::profile_by_id(&app.db, item.profile_id).await?);
    }
    let (actor, day, now) = (actor.clone(), app.clock.today(), app.clock.now_ms());
    app.db
        .write::<_, LedgerError, _>(move |tx| {
            Box::pin(async move {
                let (mut done, mut left) = (0, Vec::new());
                for (id, version) in versions {
                    let Some(profile) = profiles.get(&id) else {
                        continue;
                    };
                    let step = Reminder { event: part_of(batch, id), version, note: &note, day, now };
                    match remind_in(tx, profile, &actor, id, &step).await {
                        Ok(()) => done += 1,
                        // A refusal comes before anything of its item is written; a fault of the database ends it all.
                        Err(LedgerError::Db(error)) => return Err(error.into()),
                        Err(refused) => left.push((id, refused)),
                    }
                }
                Ok((done, left))
            })
        })
        .await
}

struct Reminder<'a> {
    event: Uuid,
    version: i64,
    note: &'a str,
    day: chrono::NaiveDate,
    now: i64,
}

async fn remind_in(
    tx: &mut Tx,
    profile: &assess::Profile,
    actor: &Actor,
    id: Uuid,
    step: &Reminder<'_>,
) -> Result<(), LedgerError> {
    let item = store::held(tx, &actor.scope, id).await?.ok_or(LedgerError::NotFound)?;
    let payload = payload(&serde_json::json!([actor.user_id, REMIND, step.note]));
    if super::repeated(tx, &item, step.event, &payload).await?.is_some() {
        return Ok(());
    }
    if !item.state().is_open() {
        return Err(wrong_state(profile, &item, REMIND));
    }
    if item.version != step.version {
        return Err(super::stale(tx, &item, step.version).await?);
    }
    if store::reminded_today(tx, id, &step.day.to_string(), actor.user_id).await? {
        return Err(LedgerError::Reminded { number: item.number });
    }
    let user = match item.assignee_id {
        Some(id) => store::assignable_in(tx, id).await?,
        None => None,
    };
    if let Some(user) = &user {
        store::put_reminder(tx, &item, user.id, actor, step.note, (step.day, step.now)).await?;
    }
    let name = user.map_or_else(|| item.owner_name.clone(), |user| user.name);
    let event = store::NewEvent {
        id: step.event,
        item: &item,
        at: step.now,
        day: step.day,
        division: &item.division_code,
        household: item.household_id,
        actor_id: actor.user_id,
        actor_name: &actor.name,
        action: REMIND,
        from: &item.state,
        to: &item.state,
        note: step.note,
        data: serde_json::json!({
            "name": who(&name, &item.owner_unit), "unit": item.owner_unit, "user": item.assignee_id,
        }),
        payload: &payload,
    };
    store::append(tx, event).await?;
    let entry = Entry {
        action: "item.remind",
        object_kind: "item",
        object_id: item.id.to_string(),
        division_code: &item.division_code,
        reason: step.note,
        detail: serde_json::json!({ "number": item.number, "unit": item.owner_unit }),
    };
    audit::record(tx, actor, entry, step.now).await?;
    Ok(())
}
