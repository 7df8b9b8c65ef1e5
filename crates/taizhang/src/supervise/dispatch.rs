//! Dispatch sessions (视频调度、电话调度): who was called up when, what was said, and what was demanded. Each demand is an item
//! of the ledger 督战整改 from the moment on that it is written down.

use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::dispatch_store as store;
use super::listing::{NAME_MOST, PLAN_MOST, TEXT_MOST};
use super::{LEDGER, SuperviseError, four, listing, listing_store, may_see, may_supervise, said};
use crate::access::Actor;
use crate::access::audit::{self, Entry};
use crate::assess::{self, LoadedProfile};
use crate::ledger::model::payload;
use crate::ledger::{self, NewItem};
use crate::platform::{App, Tx};
use crate::register::Divisions;

pub use store::{ItemLine, Session};

/// How a session is held.
pub const CHANNELS: [&str; 3] = ["video", "phone", "on_site"];
/// How severe a demand is, by the levels of the profile.
pub const LEVELS: [&str; 3] = ["severe", "affected", "notice"];
/// The most demands of one form.
pub const DEMANDS_MOST: usize = 20;
/// The source of items that supervision opens (问题来源: 督战).
const SOURCE: &str = "dispatch";

/// What a demand may be about: the five contents, the four 不摘, laxity (弱化推进), absence (不在岗), other things.
pub fn topics() -> impl Iterator<Item = &'static str> {
    listing::CONTENTS.into_iter().chain(four::ASPECTS).chain(["laxity", "absence", "other"])
}

/// A demand as it is entered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demand {
    /// What is to be done.
    pub text: String,
    /// What it is about, of [`topics`]; other where empty.
    pub topic: String,
    /// Where; the place of the session where empty.
    pub division: String,
    /// 责任单位; the township or county where empty.
    pub unit: String,
    /// 责任人.
    pub person: String,
    /// severe | affected | notice; affected where empty.
    pub level: String,
    /// By when; the ledger's term of the level where none.
    pub due: Option<NaiveDate>,
}

impl Demand {
    fn asked(&self) -> serde_json::Value {
        serde_json::json!([self.text, self.topic, self.division, self.unit, self.person, self.level, self.due])
    }
}

/// A session as it is entered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewSession {
    /// Made by whoever writes it down: the same session twice is written once.
    pub id: Uuid,
    /// The listing that it belongs to; then the place is the listed one.
    pub listing: Option<Uuid>,
    /// Who was called up.
    pub division: String,
    /// video | phone | on_site.
    pub channel: String,
    /// When.
    pub held_on: Option<NaiveDate>,
    /// What it is called.
    pub title: String,
    /// 主持人.
    pub chair: String,
    /// 参加人员.
    pub attendees: String,
    /// 纪要.
    pub minutes: String,
    /// What was demanded.
    pub demands: Vec<Demand>,
}

/// What supervision opens an item out of.
pub(super) struct Origin<'a> {
    /// dispatch | check.
    pub(super) kind: &'static str,
    /// What it is called.
    pub(super) title: &'a str,
    pub(super) session: Option<Uuid>,
    pub(super) check: Option<Uuid>,
    pub(super) listing: Option<Uuid>,
}

/// What opening items needs from outside of the transaction.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) loaded: LoadedProfile,
    pub(super) divisions: std::sync::Arc<Divisions>,
    pub(super) day: NaiveDate,
    pub(super) now: i64,
}

impl Desk {
    pub(super) async fn open(app: &App, actor: &Actor) -> Result<Self, SuperviseError> {
        let loaded = assess::active_profile(app, actor).await?;
        if !loaded.profile.ledgers.contains_key(LEDGER) {
            let profile = format!("{} {}", loaded.profile.key, loaded.profile.version);
            return Err(SuperviseError::NoLedger { profile });
        }
        Ok(Self {
            loaded,
            divisions: std::sync::Arc::new(Divisions::load(&app.db).await?),
            day: app.clock.today(),
            now: app.clock.now_ms(),
        })
    }

    /// Checks demands before anything is written; each with the place that it is about.
    pub(super) fn checked(
        &self,
        actor: &Actor,
        division: &str,
        demands: &[Demand],
    ) -> Result<Vec<String>, SuperviseError> {
        if demands.len() > DEMANDS_MOST {
            return Err(SuperviseError::invalid("supervise.demands", &[("most", &DEMANDS_MOST)]));
        }
        let mut out = Vec::with_capacity(demands.len());
        for demand in demands {
            said(&demand.text, "supervise.no_demand", 4, TEXT_MOST)?;
            for text in [&demand.unit, &demand.person] {
                said(text, "supervise.long", 0, NAME_MOST)?;
            }
            if !demand.topic.is_empty() && topics().all(|known| known != demand.topic) {
                return Err(SuperviseError::invalid("supervise.topic", &[("topic", &demand.topic)]));
            }
            if !demand.level.is_empty() && !LEVELS.contains(&demand.level.as_str()) {
                return Err(SuperviseError::invalid("supervise.level", &[("level", &demand.level)]));
            }
            if let Some(due) = demand.due.filter(|due| *due < self.day) {
                return Err(SuperviseError::invalid("supervise.due", &[("day", &due)]));
            }
            let place = if demand.division.is_empty() { division } else { demand.division.as_str() };
            // An item lies in a county, or below one.
            let fits = place.len() >= 6
                && place.starts_with(division)
                && actor.scope.contains(place)
                && self.divisions.get(place).is_some();
            if !fits {
                return Err(SuperviseError::invalid("supervise.place", &[("code", &place)]));
            }
            out.push(place.to_owned());
        }
        Ok(out)
    }

    /// Opens the items of checked demands. `form` is the id of the form: the same form gives the same items.
    pub(super) async fn demand(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        form: Uuid,
        origin: &Origin<'_>,
        demands: &[Demand],
        places: &[String],
    ) -> Result<Vec<Uuid>, SuperviseError> {
        let mut items = Vec::with_capacity(demands.len());
        let mut ids = Vec::with_capacity(demands.len());
        for (at, (demand, place)) in demands.iter().zip(places).enumerate() {
            let id = part_of(form, at);
            let level = LEVELS.into_iter().find(|known| *known == demand.level).unwrap_or("affected");
            items.push(NewItem {
                id,
                ledger: LEDGER,
                source: SOURCE,
                division: place.clone(),
                text: demand.text.trim().to_owned(),
                level,
                owner_unit: demand.unit.trim().to_owned(),
                owner_name: demand.person.trim().to_owned(),
                due: demand.due,
                data: serde_json::json!({ "supervise": origin.kind, "title": origin.title }),
            });
            ids.push(id);
        }
        ledger::open_items(tx, &self.loaded, &self.divisions, actor, items, (self.day, self.now)).await?;
        for ((id, demand), place) in ids.iter().zip(demands).zip(places) {
            let topic = if demand.topic.is_empty() { "other" } else { demand.topic.as_str() };
            store::tie(tx, *id, origin, topic, place).await?;
        }
        Ok(ids)
    }
}

/// The id of one item of a form: always the same for the same two.
fn part_of(form: Uuid, at: usize) -> Uuid {
    let digest = Sha256::new().chain_update(form.as_bytes()).chain_update((at as u64).to_be_bytes()).finalize();
    let mut bytes = [0_u8; 16];
    for (to, from) in bytes.iter_mut().zip(digest.iter()) {
        *to = *from;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Writes a session down and opens an item for each demand. The same session twice is written once.
///
/// # Errors
/// The place is not the actor's or above every county; something is missing or too long; a day is to come or past; the
/// policy has no ledger for it; the database fails. Nothing is written then.
pub async fn record(app: &App, actor: &Actor, mut new: NewSession) -> Result<Uuid, SuperviseError> {
    if !may_supervise(actor) {
        return Err(SuperviseError::Forbidden);
    }
    let desk = Desk::open(app, actor).await?;
    if let Some(id) = new.listing {
        let listing = listing_store::listing(&app.db, &actor.scope, id).await?.ok_or(SuperviseError::NotFound)?;
        new.division = listing.division_code;
    }
    let known = desk.divisions.get(&new.division).is_some() && actor.scope.contains(&new.division);
    if !known || new.division.len() < 6 {
        return Err(SuperviseError::invalid("supervise.place", &[("code", &new.division)]));
    }
    if !CHANNELS.contains(&new.channel.as_str()) {
        return Err(SuperviseError::invalid("supervise.channel", &[("channel", &new.channel)]));
    }
    let Some(held_on) = new.held_on.filter(|day| *day <= desk.day) else {
        let day = new.held_on.map(|day| day.to_string()).unwrap_or_default();
        return Err(SuperviseError::invalid("supervise.held_on", &[("day", &day), ("today", &desk.day)]));
    };
    said(&new.title, "supervise.no_title", 2, NAME_MOST)?;
    said(&new.chair, "supervise.no_chair", 1, NAME_MOST)?;
    said(&new.attendees, "supervise.long", 0, TEXT_MOST)?;
    said(&new.minutes, "supervise.no_minutes", 4, PLAN_MOST)?;
    let places = desk.checked(actor, &new.division, &new.demands)?;
    let actor = actor.clone();
    app.db
        .write::<_, SuperviseError, _>(move |tx| {
            Box::pin(async move {
                let demands: Vec<serde_json::Value> = new.demands.iter().map(Demand::asked).collect();
                let asked = payload(&serde_json::json!([
                    actor.user_id,
                    new.listing,
                    new.division,
                    new.channel,
                    held_on,
                    new.title,
                    new.chair,
                    new.attendees,
                    new.minutes,
                    demands
                ]));
                if let Some(known) = store::known(tx, new.id).await? {
                    return if known == asked { Ok(new.id) } else { Err(SuperviseError::Resent) };
                }
                store::insert(tx, &new, held_on, &asked, &actor, desk.now).await?;
                let origin = Origin {
                    kind: "dispatch",
                    title: new.title.trim(),
                    session: Some(new.id),
                    check: None,
                    listing: new.listing,
                };
                let items = desk.demand(tx, &actor, new.id, &origin, &new.demands, &places).await?;
                let entry = Entry {
                    action: "supervise.session",
                    object_kind: "supervise_session",
                    object_id: new.id.to_string(),
                    division_code: &new.division,
                    reason: "",
                    detail: serde_json::json!({
                        "title": new.title, "channel": new.channel, "held_on": held_on, "items": items,
                    }),
                };
                audit::record(tx, &actor, entry, desk.now).await?;
                Ok(new.id)
            })
        })
        .await
}

/// Sessions of a scope, the newest first, and how many there are.
///
/// # Errors
/// The actor may not, or the database fails.
pub async fn sessions(
    app: &App,
    actor: &Actor,
    (offset, limit): (i64, i64),
) -> Result<(Vec<Session>, i64), SuperviseError> {
    may_see(actor)?;
    Ok((store::sessions(&app.db, &actor.scope, offset, limit).await?, store::count(&app.db, &actor.scope).await?))
}

/// A session with the items that it demanded.
///
/// # Errors
/// It is not there for this person, or the database fails.
pub async fn session(app: &App, actor: &Actor, id: Uuid) -> Result<(Session, Vec<ItemLine>), SuperviseError> {
    may_see(actor)?;
    let found = store::session(&app.db, &actor.scope, id).await?.ok_or(SuperviseError::NotFound)?;
    Ok((found, store::items_of_session(&app.db, &actor.scope, id).await?))
}

pub(super) async fn of_listing(app: &App, actor: &Actor, listing: Uuid) -> Result<Vec<Session>, SuperviseError> {
    Ok(store::of_listing(&app.db, &actor.scope, listing).await?)
}

pub(super) async fn items_of_listing(app: &App, actor: &Actor, listing: Uuid) -> Result<Vec<ItemLine>, SuperviseError> {
    Ok(store::items_of_listing(&app.db, &actor.scope, listing).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::ids;

    #[test]
    fn a_form_gives_each_demand_its_own_fixed_item() {
        let (one, other) = (ids::new_id(), ids::new_id());
        assert_eq!(part_of(one, 0), part_of(one, 0));
        assert_ne!(part_of(one, 0), part_of(one, 1));
        assert_ne!(part_of(one, 0), part_of(other, 0));
    }
}
