//! Listed counties and villages (挂牌督战): the battle plan, the five contents, who supervises and who answers, from when to
//! when. A place is listed from above, once at a time; what it was listed for stays readable after it is taken off.

use chrono::NaiveDate;
use uuid::Uuid;

use super::listing_store as store;
use super::{SuperviseError, dispatch, may_see, may_supervise, said, stall};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Scope};
use crate::assess::profile::supervise::SupervisionPolicy;
use crate::ledger::model::payload;
use crate::platform::{App, Tx};
use crate::register::Divisions;

pub use store::{Content, Event, Listing};

/// The five contents (督战五项内容): 三保障和饮水安全; 务工、公益岗、兜底; 搬迁入住和后续扶持; 不稳定户和边缘户监测; 巡视、考核、排查问题整改.
pub const CONTENTS: [&str; 5] = ["guarantees", "work", "relocation", "monitoring", "rectification"];

/// Most characters of a plan.
pub const PLAN_MOST: usize = 8_000;
/// Most characters of a target, a progress, a reason.
pub const TEXT_MOST: usize = 1_000;
/// Most characters of a name.
pub const NAME_MOST: usize = 60;

/// What a listing says, as it is entered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entered {
    /// Why it is listed.
    pub reason: String,
    /// 作战方案.
    pub plan: String,
    /// 督战责任人 and unit.
    pub leader_name: String,
    /// Of the leader.
    pub leader_unit: String,
    /// 属地责任人 and unit.
    pub owner_name: String,
    /// Of the owner.
    pub owner_unit: String,
    /// First day.
    pub from: Option<NaiveDate>,
    /// Last day.
    pub to: Option<NaiveDate>,
}

impl Entered {
    fn checked(&self) -> Result<(NaiveDate, NaiveDate), SuperviseError> {
        said(&self.reason, "supervise.no_reason", 4, TEXT_MOST)?;
        said(&self.plan, "supervise.no_plan", 4, PLAN_MOST)?;
        said(&self.leader_name, "supervise.no_leader", 1, NAME_MOST)?;
        said(&self.owner_name, "supervise.no_owner", 1, NAME_MOST)?;
        for unit in [&self.leader_unit, &self.owner_unit] {
            said(unit, "supervise.long", 0, NAME_MOST)?;
        }
        match (self.from, self.to) {
            (Some(from), Some(to)) if from <= to => Ok((from, to)),
            (from, to) => {
                let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
                Err(SuperviseError::invalid("supervise.period", &[("from", &day(from)), ("to", &day(to))]))
            }
        }
    }

    fn asked(&self) -> serde_json::Value {
        serde_json::json!([
            self.reason,
            self.plan,
            self.leader_name,
            self.leader_unit,
            self.owner_name,
            self.owner_unit,
            self.from,
            self.to
        ])
    }
}

/// Whether somebody may list a place: one that lies below their own.
pub fn may_list(actor: &Actor, division: &str) -> bool {
    may_supervise(actor) && actor.scope.contains(division) && division != actor.scope.root()
}

/// Lists a place. The same id again changes nothing.
///
/// # Errors
/// The place is no county or village below the actor's, it is listed already, something is missing, or the database fails.
pub async fn add(app: &App, actor: &Actor, id: Uuid, division: &str, entered: Entered) -> Result<Uuid, SuperviseError> {
    if !may_supervise(actor) {
        return Err(SuperviseError::Forbidden);
    }
    let place = Divisions::load(&app.db).await?.get(division).cloned();
    let known = place.filter(|_| may_list(actor, division) && [6, 12].contains(&division.len()));
    let Some(place) = known else {
        return Err(SuperviseError::invalid("supervise.listing_place", &[("code", &division)]));
    };
    let (from, to) = entered.checked()?;
    let (actor, day, now) = (actor.clone(), app.clock.today(), app.clock.now_ms());
    app.db
        .write::<_, SuperviseError, _>(move |tx| {
            Box::pin(async move {
                let asked = payload(&serde_json::json!([actor.user_id, "list", place.code, entered.asked()]));
                if let Some(known) = store::event(tx, id).await? {
                    return if known == asked { Ok(id) } else { Err(SuperviseError::Resent) };
                }
                if store::is_listed(tx, &place.code).await? {
                    return Err(SuperviseError::Listed { place: place.full_name });
                }
                store::insert(tx, id, &place.code, &entered, (&from, &to), &actor.name, now).await?;
                for content in CONTENTS {
                    store::insert_content(tx, id, content, now).await?;
                }
                let done = Done { event: id, action: "list", content: "", note: &entered.reason, payload: &asked };
                note(tx, &actor, id, &place.code, done, (day, now)).await?;
                Ok(id)
            })
        })
        .await
}

struct Done<'a> {
    event: Uuid,
    action: &'static str,
    content: &'a str,
    note: &'a str,
    payload: &'a str,
}

async fn note(
    tx: &mut Tx,
    actor: &Actor,
    listing: Uuid,
    division: &str,
    done: Done<'_>,
    (day, now): (NaiveDate, i64),
) -> Result<(), SuperviseError> {
    store::append(
        tx,
        listing,
        store::NewEvent {
            id: done.event,
            at: now,
            day,
            actor_id: actor.user_id,
            actor_name: &actor.name,
            action: done.action,
            content: done.content,
            note: done.note,
            payload: done.payload,
        },
    )
    .await?;
    let entry = Entry {
        action: match done.action {
            "list" => "supervise.list",
            "lift" => "supervise.lift",
            _ => "supervise.plan",
        },
        object_kind: "supervise_listing",
        object_id: listing.to_string(),
        division_code: division,
        reason: if done.action == "lift" { done.note } else { "" },
        detail: serde_json::json!({ "event": done.event, "content": done.content }),
    };
    audit::record(tx, actor, entry, now).await?;
    Ok(())
}

/// What is changed of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Plan, people and period.
    Plan(Entered),
    /// One of the five contents.
    Content {
        /// Which.
        content: String,
        /// What is to be reached.
        target: String,
        /// Who answers for it.
        owner_name: String,
        /// Of the owner.
        owner_unit: String,
        /// By when.
        due: Option<NaiveDate>,
        /// How far it is.
        progress: String,
        /// Reached.
        done: bool,
    },
    /// Taken off the list (摘牌), with the reason.
    Lift(String),
}

impl Change {
    fn payload(&self, by: Option<Uuid>) -> String {
        payload(&match self {
            Self::Plan(entered) => serde_json::json!([by, "plan", entered.asked()]),
            Self::Content { content, target, owner_name, owner_unit, due, progress, done } => {
                serde_json::json!([by, "content", content, target, owner_name, owner_unit, due, progress, done])
            }
            Self::Lift(reason) => serde_json::json!([by, "lift", reason]),
        })
    }
}

/// Changes a listing. The same event twice is done once.
///
/// # Errors
/// The listing is not there for this person, or was taken off; the actor may not; it has been changed since `version`;
/// something is missing; the database fails.
pub async fn change(
    app: &App,
    actor: &Actor,
    id: Uuid,
    (event, version): (Uuid, i64),
    change: Change,
) -> Result<(), SuperviseError> {
    if !may_supervise(actor) {
        return Err(SuperviseError::Forbidden);
    }
    let (actor, day, now) = (actor.clone(), app.clock.today(), app.clock.now_ms());
    app.db
        .write::<_, SuperviseError, _>(move |tx| {
            Box::pin(async move {
                store::hold(tx, id).await?;
                let listing = store::in_scope(tx, &actor.scope, id).await?.ok_or(SuperviseError::NotFound)?;
                let asked = change.payload(actor.user_id);
                if let Some(known) = store::event(tx, event).await? {
                    return if known == asked { Ok(()) } else { Err(SuperviseError::Resent) };
                }
                if listing.version != version || !listing.lifted_on.is_empty() {
                    let (who, at) = store::last_change(tx, id).await?.unwrap_or_default();
                    return Err(SuperviseError::Stale { who, at });
                }
                // The plan and its end are set from above; how far it is, the place itself may say.
                let from_above = may_list(&actor, &listing.division_code);
                let (action, content, words) = match &change {
                    Change::Plan(_) | Change::Lift(_) if !from_above => return Err(SuperviseError::Forbidden),
                    Change::Plan(entered) => {
                        let (from, to) = entered.checked()?;
                        store::update_plan(tx, id, entered, (&from, &to)).await?;
                        ("plan", "", entered.plan.as_str())
                    }
                    Change::Content { content, target, owner_name, owner_unit, due, progress, done } => {
                        let Some(content) = CONTENTS.iter().find(|known| *known == content) else {
                            return Err(SuperviseError::invalid("supervise.content", &[("content", content)]));
                        };
                        for text in [target, progress] {
                            said(text, "supervise.long", 0, TEXT_MOST)?;
                        }
                        for text in [owner_name, owner_unit] {
                            said(text, "supervise.long", 0, NAME_MOST)?;
                        }
                        if *done && progress.trim().chars().count() < 4 {
                            return Err(SuperviseError::invalid("supervise.no_progress", &[("least", &4)]));
                        }
                        let written = store::NewContent {
                            content,
                            target: target.trim(),
                            owner_name: owner_name.trim(),
                            owner_unit: owner_unit.trim(),
                            due: due.map(|day| day.to_string()).unwrap_or_default(),
                            progress: progress.trim(),
                            done: *done,
                        };
                        store::update_content(tx, id, &written, &actor.name, now).await?;
                        ("content", *content, progress.as_str())
                    }
                    Change::Lift(reason) => {
                        said(reason, "supervise.no_reason", 4, TEXT_MOST)?;
                        store::lift(tx, id, &day.to_string()).await?;
                        ("lift", "", reason.as_str())
                    }
                };
                store::touch(tx, id, now).await?;
                let done = Done { event, action, content, note: words, payload: &asked };
                note(tx, &actor, id, &listing.division_code, done, (day, now)).await
            })
        })
        .await
}

/// How a listed place stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Of the place.
    pub listing: Listing,
    /// Contents reached, of five.
    pub reached: i64,
    /// Open items of the place.
    pub open: i64,
    /// Of these stuck.
    pub stuck: i64,
    /// Whether it is warned.
    pub orange: bool,
    /// Items of the ledger 督战整改 that this listing opened: open, and all.
    pub findings: (i64, i64),
    /// Dispatch sessions, and the day of the last one.
    pub sessions: (i64, String),
}

async fn standing(app: &App, policy: &SupervisionPolicy, listing: Listing) -> Result<Standing, SuperviseError> {
    let (stuck, open, orange) = stall::share(app, &Scope::subtree(&listing.division_code), policy).await?;
    Ok(Standing {
        reached: store::reached(&app.db, listing.id).await?,
        findings: store::findings(&app.db, listing.id).await?,
        sessions: store::sessions(&app.db, listing.id).await?,
        open,
        stuck,
        orange,
        listing,
    })
}

/// The listed places of a scope: those listed now, or with `lifted` those taken off, the newest first.
///
/// # Errors
/// The actor may not, or the database fails.
pub async fn listings(
    app: &App,
    actor: &Actor,
    policy: &SupervisionPolicy,
    lifted: bool,
) -> Result<Vec<Standing>, SuperviseError> {
    may_see(actor)?;
    let mut out = Vec::new();
    for listing in store::listings(&app.db, &actor.scope, lifted).await? {
        out.push(standing(app, policy, listing).await?);
    }
    Ok(out)
}

/// A listing with everything that its page shows.
#[derive(Debug, Clone)]
pub struct Whole {
    /// How the place stands.
    pub standing: Standing,
    /// The five contents in their order.
    pub contents: Vec<Content>,
    /// What was done, the newest first.
    pub events: Vec<Event>,
    /// Its sessions, the newest first.
    pub sessions: Vec<dispatch::Session>,
    /// Items that its sessions demanded.
    pub items: Vec<dispatch::ItemLine>,
}

/// A listing.
///
/// # Errors
/// It is not there for this person, or the database fails.
pub async fn whole(app: &App, actor: &Actor, policy: &SupervisionPolicy, id: Uuid) -> Result<Whole, SuperviseError> {
    may_see(actor)?;
    let listing = store::listing(&app.db, &actor.scope, id).await?.ok_or(SuperviseError::NotFound)?;
    let mut contents = store::contents(&app.db, id).await?;
    contents.sort_by_key(|one| CONTENTS.iter().position(|known| *known == one.content));
    Ok(Whole {
        standing: standing(app, policy, listing).await?,
        contents,
        events: store::events(&app.db, id).await?,
        sessions: dispatch::of_listing(app, actor, id).await?,
        items: dispatch::items_of_listing(app, actor, id).await?,
    })
}
