//! When people are away or leave: proxies (代理) for some days, and the handover (移交) of all open items.

use chrono::{Days, NaiveDate};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::assign::{holders, part_of};
use super::model::{self, Assignable, Item, NOTE_MOST, REASON_CHARS};
use super::{LedgerError, list_store, may_be_assigned, need, stand_in_store, store};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability};
use crate::platform::{App, DbError, Tx, ids};

/// The longest time that one proxy is named for, days.
const LONGEST: u64 = 366;
/// The most items of one handover: one transaction, and a list that somebody can still look through.
pub const HANDOVER_LIMIT: usize = 10_000;

/// Whether somebody sees an item that lies in their scope: everybody does, but a helper only their own and those of whom
/// they stand in for. For whom they stand in, where it is somebody else's.
async fn sees(tx: &mut Tx, actor: &Actor, item: &Item, day: NaiveDate) -> Result<Option<Option<Uuid>>, DbError> {
    let (Some(me), Some(assignee)) = (actor.user_id, item.assignee_id) else {
        return Ok(store::visible(actor, item).then_some(None));
    };
    if me == assignee {
        return Ok(Some(None));
    }
    let stands_in = stand_in_store::stands_in_tx(tx, me, assignee, day).await?;
    Ok((stands_in || store::visible(actor, item)).then_some(stands_in.then_some(assignee)))
}

/// An item that somebody may see, held until the transaction ends; and for whom they stand in.
pub(super) async fn held(
    tx: &mut Tx,
    actor: &Actor,
    item: Uuid,
    day: NaiveDate,
) -> Result<Option<(Item, Option<Uuid>)>, DbError> {
    let Some(item) = store::held(tx, &actor.scope, item).await? else {
        return Ok(None);
    };
    Ok(sees(tx, actor, &item, day).await?.map(|acts_for| (item, acts_for)))
}

/// An item that somebody may see.
pub(super) async fn item(app: &App, actor: &Actor, item: Uuid) -> Result<Option<Item>, DbError> {
    if let Some(found) = store::item(&app.db, actor, item).await? {
        return Ok(Some(found));
    }
    match actor.user_id {
        Some(me) => stand_in_store::item_of_others(&app.db, &actor.scope, me, item, app.clock.today()).await,
        None => Ok(None),
    }
}

/// Name of the person to whom an item is assigned, if the actor stands in for them today.
pub(super) async fn for_whom(app: &App, actor: &Actor, item: &Item) -> Result<Option<String>, DbError> {
    match (actor.user_id, item.assignee_id) {
        (Some(me), Some(assignee)) if me != assignee => {
            stand_in_store::stands_in(&app.db, me, assignee, app.clock.today()).await
        }
        _ => Ok(None),
    }
}

/// A proxy as it is listed.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Proxy {
    /// Its id.
    pub id: Uuid,
    /// Whose items.
    pub user_id: Uuid,
    /// Their name.
    pub user_name: String,
    /// Who acts for them.
    pub proxy_id: Uuid,
    /// Their name.
    pub proxy_name: String,
    /// First day, ISO.
    pub from_day: String,
    /// Last day, ISO.
    pub until_day: String,
    /// Why.
    pub reason: String,
    /// Who named the proxy.
    pub created_name: String,
    /// Open items of whose they are, as far as they lie where the reader may see.
    pub open: i64,
}

/// What somebody asks for who names a proxy.
#[derive(Debug, Clone)]
pub struct NewProxy {
    /// Made by whoever asks: the same twice is done once.
    pub id: Uuid,
    /// Whose items.
    pub user: Uuid,
    /// Who shall act for them.
    pub proxy: Uuid,
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub until: NaiveDate,
    /// Why, at least [`REASON_CHARS`] characters.
    pub reason: String,
}

/// Whether the actor may name a proxy for somebody: for themselves if they work items, or for people of their scope if
/// they assign.
fn may_name(actor: &Actor, user: &Assignable) -> bool {
    let own = actor.user_id == Some(user.id) && actor.may(Capability::WorkItems);
    own || (actor.may(Capability::AssignItems) && actor.scope.contains(&user.division_code))
}

/// Names a proxy: from one day until another they see and work the items of somebody else as that person would. What
/// they do counts as a hand in the work of both.
///
/// # Errors
/// The actor may not name one for this person, the proxy cannot work everywhere where that person does, the days lie in
/// the past or the wrong way round, the reason is too short, or the database fails.
pub async fn name_proxy(app: &App, actor: &Actor, new: NewProxy) -> Result<(), LedgerError> {
    need(actor, Capability::ViewItems, "assign")?;
    let today = app.clock.today();
    let reason = new.reason.trim().to_owned();
    if reason.chars().count() < REASON_CHARS {
        return Err(LedgerError::Note { least: REASON_CHARS, action: "proxy" });
    }
    if reason.chars().count() > NOTE_MOST {
        return Err(LedgerError::NoteLong { most: NOTE_MOST });
    }
    let longest = new.from.checked_add_days(Days::new(LONGEST)).unwrap_or(new.from);
    if new.until < new.from || new.until < today || new.until > longest {
        return Err(LedgerError::ProxyDays { from: new.from.to_string(), until: new.until.to_string() });
    }
    let (by, now) = (actor.clone(), app.clock.now_ms());
    app.db
        .write::<_, LedgerError, _>(move |tx| {
            Box::pin(async move {
                let user = store::assignable_in(tx, new.user).await?.ok_or(LedgerError::ProxyFor)?;
                if new.user == new.proxy || !may_name(&by, &user) {
                    return Err(LedgerError::ProxyFor);
                }
                let proxy = store::assignable_in(tx, new.proxy).await?;
                let proxy = proxy.filter(|proxy| may_be_assigned(proxy, &user.division_code));
                let proxy = proxy.ok_or(LedgerError::Assignee)?;
                if !stand_in_store::insert(tx, &new, &reason, &by.name, now).await? {
                    let same = stand_in_store::is_same(tx, &new, &reason).await?;
                    return if same { Ok(()) } else { Err(LedgerError::EventTaken) };
                }
                let entry = Entry {
                    action: "proxy.name",
                    object_kind: "user",
                    object_id: user.id.to_string(),
                    division_code: &user.division_code,
                    reason: &reason,
                    detail: serde_json::json!({
                        "proxy": proxy.login, "from": new.from.to_string(), "until": new.until.to_string(),
                    }),
                };
                audit::record(tx, &by, entry, now).await?;
                Ok(())
            })
        })
        .await
}

/// Ends a proxy before its last day. One that has ended stays ended.
///
/// # Errors
/// There is none for this person to end, or the database fails.
pub async fn end_proxy(app: &App, actor: &Actor, id: Uuid) -> Result<(), LedgerError> {
    need(actor, Capability::ViewItems, "assign")?;
    let (by, now) = (actor.clone(), app.clock.now_ms());
    app.db
        .write::<_, LedgerError, _>(move |tx| {
            Box::pin(async move {
                let user = stand_in_store::user_of(tx, id).await?.ok_or(LedgerError::NotFound)?;
                if !may_name(&by, &user) {
                    return Err(LedgerError::NotFound);
                }
                if stand_in_store::end(tx, id, &by.name, now).await? {
                    let entry = Entry {
                        action: "proxy.end",
                        object_kind: "user",
                        object_id: user.id.to_string(),
                        division_code: &user.division_code,
                        reason: "",
                        detail: serde_json::json!({ "proxy": id }),
                    };
                    audit::record(tx, &by, entry, now).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Proxies of today and of days to come: the actor's own, those that they are, and for who assigns those of everybody in
/// their scope.
///
/// # Errors
/// The actor may not see items, or the database fails.
pub async fn proxies(app: &App, actor: &Actor) -> Result<Vec<Proxy>, LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    let all = actor.may(Capability::AssignItems);
    Ok(stand_in_store::proxies(&app.db, &actor.scope, actor.user_id, all, app.clock.today()).await?)
}

/// Whether the actor may end a proxy of the list.
pub fn may_end(actor: &Actor, proxy: &Proxy) -> bool {
    actor.user_id == Some(proxy.user_id) || actor.may(Capability::AssignItems)
}

/// Open items of those for whom the actor stands in today.
///
/// # Errors
/// The database fails.
pub async fn items_stood_in_for(app: &App, actor: &Actor) -> Result<Vec<model::Line>, LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    match actor.user_id {
        Some(me) => Ok(stand_in_store::lines(&app.db, &actor.scope, me, app.clock.today()).await?),
        None => Ok(Vec::new()),
    }
}

/// Users who may work all that a division holds, by what was typed of name or login.
///
/// # Errors
/// The database fails.
pub(super) async fn who_holds(app: &App, division: &str, typed: &str) -> Result<Vec<Assignable>, DbError> {
    list_store::assignable_over(&app.db, &holders(&[division.to_owned()]), typed.trim(), 20).await
}

/// Somebody with open items, for the choice of whose shall be handed over.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Holder {
    pub id: Uuid,
    pub login: String,
    pub name: String,
    pub unit: String,
    pub role: String,
    pub division_code: String,
    pub disabled: bool,
    /// Open items in the scope of who asks.
    pub open: i64,
}

/// Who has open items in the actor's scope: those who cannot sign in any more first, then whoever has most.
///
/// # Errors
/// The actor may not assign, or the database fails.
pub async fn holders_of_items(app: &App, actor: &Actor) -> Result<Vec<Holder>, LedgerError> {
    need(actor, Capability::AssignItems, "assign")?;
    Ok(stand_in_store::holders(&app.db, &actor.scope).await?)
}

/// What a handover would do.
#[derive(Debug, Clone)]
pub struct Handover {
    /// Whose items.
    pub from: Holder,
    /// Who gets them.
    pub to: Assignable,
    /// Items that will move.
    pub moving: Vec<Item>,
    /// Items that stay, for the other cannot work where they lie.
    pub staying: Vec<Item>,
    /// What was seen, for [`handover`].
    pub seen: String,
}

/// Which items move, and a hash of them as they are.
fn split(items: Vec<Item>, to: &Assignable) -> (Vec<Item>, Vec<Item>, String) {
    let (moving, staying): (Vec<Item>, Vec<Item>) =
        items.into_iter().partition(|item| may_be_assigned(to, &item.division_code));
    let digest = moving.iter().fold(Sha256::new(), |digest, item| {
        digest.chain_update(item.id.as_bytes()).chain_update(item.version.to_be_bytes())
    });
    (moving, staying, ids::hex(&digest.finalize()))
}

/// What handing all open items of somebody to somebody else would do, without doing it. Only items in the actor's scope
/// are meant; those that an assignment could not give to the other stay.
///
/// # Errors
/// The actor may not assign, one of the two is not there or both are one, there are too many items, or the database
/// fails.
pub async fn preview_handover(app: &App, actor: &Actor, from: Uuid, to: Uuid) -> Result<Handover, LedgerError> {
    need(actor, Capability::AssignItems, "assign")?;
    let from = stand_in_store::holder(&app.db, &actor.scope, from).await?.ok_or(LedgerError::Assignee)?;
    let to = list_store::assignable(&app.db, to).await?.ok_or(LedgerError::Assignee)?;
    if from.id == to.id {
        return Err(LedgerError::Assignee);
    }
    let items = stand_in_store::items(&app.db, &actor.scope, from.id).await?;
    if items.len() > HANDOVER_LIMIT {
        return Err(LedgerError::Bulk { count: items.len(), limit: HANDOVER_LIMIT });
    }
    let (moving, staying, seen) = split(items, &to);
    Ok(Handover { from, to, moving, staying, seen })
}

/// Hands all open items of somebody to somebody else, one event on each, whatever their state: the state stays. `batch`
/// is the id of the request: the same twice is done once and answered alike. `seen` comes from the preview.
///
/// # Errors
/// As [`preview_handover`]; an item changed, came or went since the preview, or the reason is too short.
pub async fn handover(
    app: &App,
    actor: &Actor,
    batch: Uuid,
    from: Uuid,
    to: Uuid,
    seen: &str,
    note: &str,
) -> Result<u64, LedgerError> {
    need(actor, Capability::AssignItems, "assign")?;
    let note = note.trim().to_owned();
    if note.chars().count() < REASON_CHARS {
        return Err(LedgerError::Note { least: REASON_CHARS, action: "handover" });
    }
    if note.chars().count() > NOTE_MOST {
        return Err(LedgerError::NoteLong { most: NOTE_MOST });
    }
    let whose = stand_in_store::holder(&app.db, &actor.scope, from).await?.ok_or(LedgerError::Assignee)?;
    let payload = model::payload(&serde_json::json!([actor.user_id, "handover", from, to, seen, note]));
    let (actor, seen) = (actor.clone(), seen.to_owned());
    let (day, now) = (app.clock.today(), app.clock.now_ms());
    app.db
        .write::<_, LedgerError, _>(move |tx| {
            Box::pin(async move {
                if let Some((known, moved)) = stand_in_store::handover_known(tx, batch).await? {
                    return if known == payload { Ok(moved.unsigned_abs()) } else { Err(LedgerError::EventTaken) };
                }
                let to = store::assignable_in(tx, to).await?.filter(|to| to.id != from).ok_or(LedgerError::Assignee)?;
                let items = stand_in_store::items_held(tx, &actor.scope, from).await?;
                let (moving, _, now_seen) = split(items, &to);
                if now_seen != seen {
                    return Err(LedgerError::HandoverChanged);
                }
                for before in &moving {
                    let mut item = before.clone();
                    item.assignee_id = Some(to.id);
                    if !store::update(tx, &item, before.version, now).await? {
                        return Err(LedgerError::HandoverChanged);
                    }
                    let event = store::NewEvent {
                        id: part_of(batch, item.id),
                        item: &item,
                        at: now,
                        day,
                        division: &item.division_code,
                        household: item.household_id,
                        actor_id: actor.user_id,
                        actor_name: &actor.name,
                        action: "handover",
                        from: &item.state,
                        to: &item.state,
                        note: &note,
                        data: serde_json::json!({ "from": whose.name, "to": to.name, "assignee": to.id }),
                        payload: &payload,
                    };
                    store::append(tx, event).await?;
                    let entry = Entry {
                        action: "item.handover",
                        object_kind: "item",
                        object_id: item.id.to_string(),
                        division_code: &item.division_code,
                        reason: &note,
                        detail: serde_json::json!({ "number": item.number, "from": whose.login, "to": to.login }),
                    };
                    audit::record(tx, &actor, entry, now).await?;
                }
                let moved = moving.len() as u64;
                stand_in_store::insert_handover(tx, batch, from, to.id, &actor, &payload, moved, now).await?;
                Ok(moved)
            })
        })
        .await
}
