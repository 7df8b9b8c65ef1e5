//! What somebody is told inside the program (消息), and the daily digest (每日提醒).
//!
//! Nothing is sent and nothing is stored but how far somebody has read: what there is to tell is asked of the items each
//! time, so that it can neither be lost nor outlive its reason.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::{LedgerError, need, notices_store, store};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability, Scope};
use crate::platform::App;

/// How long it is told that an item was assigned or came back, days.
const TOLD_DAYS: i64 = 30;
/// Milliseconds of a day.
const DAY: i64 = 24 * 3600 * 1000;

/// What somebody is told about an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// It was assigned or handed over to them by somebody else.
    Assigned,
    /// A supervisor reminded them of it by name.
    Reminded,
    /// It did not pass its check.
    Returned,
    /// Today is its last day: tomorrow it is overdue.
    Due,
    /// It was closed some time ago and wants a second look.
    LookBack,
}

impl Kind {
    /// In the order of the page.
    pub const ALL: [Self; 5] = [Self::Reminded, Self::Returned, Self::Due, Self::Assigned, Self::LookBack];

    /// The end of its text keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Reminded => "reminded",
            Self::Returned => "returned",
            Self::Due => "due",
            Self::LookBack => "look_back",
        }
    }
}

/// One thing to tell.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Told {
    pub item_id: Uuid,
    pub number: String,
    pub title: String,
    pub deadline: String,
    pub division_name: String,
    /// Whose item it is.
    pub assignee_id: Option<Uuid>,
    pub assignee_name: String,
    /// Who did what is told; empty for a day that has come.
    pub by_name: String,
    /// When that was, milliseconds; 0 for a day that has come.
    pub at: i64,
}

/// A thing to tell, and whether it is new to the reader.
#[derive(Debug, Clone)]
pub struct Notice {
    /// What.
    pub kind: Kind,
    /// About which item.
    pub told: Told,
    /// Whether they have not said yet that they read it.
    pub unread: bool,
}

/// What there is to tell to somebody, newest first within each kind. What the actor is told as a proxy is among it.
///
/// # Errors
/// The actor may not see items, or the database fails.
pub async fn notices(app: &App, actor: &Actor) -> Result<Vec<Notice>, LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    let Some(me) = actor.user_id else {
        return Ok(Vec::new());
    };
    let (today, now) = (app.clock.today(), app.clock.now_ms());
    let (read_at, read_on) = notices_store::read(&app.db, me).await?.unwrap_or_default();
    let people = notices_store::people(&app.db, me, today).await?;
    let mut all = Vec::new();
    let mut add = |kind: Kind, told: Vec<Told>| {
        all.extend(told.into_iter().map(|told| {
            let unread = if told.at > 0 { told.at > read_at } else { read_on < today.to_string() };
            Notice { kind, told, unread }
        }));
    };
    let since = now - TOLD_DAYS * DAY;
    add(Kind::Reminded, notices_store::reminded(&app.db, &actor.scope, &people, since).await?);
    add(Kind::Returned, notices_store::returned(&app.db, &actor.scope, &people, since).await?);
    add(Kind::Due, notices_store::due(&app.db, &actor.scope, &people, today).await?);
    add(Kind::Assigned, notices_store::assigned(&app.db, &actor.scope, &people, me, since).await?);
    if actor.may(Capability::CheckItems) && store::own_only(actor).is_none() {
        add(Kind::LookBack, notices_store::look_backs(&app.db, &actor.scope, me, today).await?);
    }
    Ok(all)
}

/// Says that the actor has read all that there is to tell by now.
///
/// # Errors
/// The database fails.
pub async fn mark_read(app: &App, actor: &Actor) -> Result<(), LedgerError> {
    let Some(me) = actor.user_id else {
        return Ok(());
    };
    let (today, now) = (app.clock.today(), app.clock.now_ms());
    Ok(app.db.write(move |tx| Box::pin(async move { notices_store::mark(tx, me, now, today).await })).await?)
}

/// One line of a digest.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct DigestLine {
    #[serde(skip)]
    pub user_id: Uuid,
    #[serde(skip)]
    pub login: String,
    #[serde(skip)]
    pub name: String,
    #[serde(skip)]
    pub unit: String,
    pub number: String,
    /// JSON {"zh-CN": .., "en": ..}.
    #[serde(serialize_with = "as_json")]
    pub title: String,
    pub division_name: String,
    pub ledger: String,
    pub state: String,
    pub deadline: String,
}

/// Words that are JSON already, as such.
fn as_json<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let words: serde_json::Value = serde_json::from_str(text).unwrap_or_else(|_| text.into());
    serde::Serialize::serialize(&words, serializer)
}

/// What one person has to know today.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Digest {
    /// Login.
    pub login: String,
    /// Name.
    pub name: String,
    /// Unit.
    pub unit: String,
    /// Items past their last day.
    pub overdue: Vec<DigestLine>,
    /// Items whose last day is today.
    pub due: Vec<DigestLine>,
    /// Items that did not pass their check.
    pub returned: Vec<DigestLine>,
}

/// A digest of a place.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Digests {
    /// Day.
    pub day: NaiveDate,
    /// Each person with something to know, in the order of their names.
    pub people: Vec<Digest>,
    /// Look-backs that are due, by village.
    pub look_backs: BTreeMap<String, i64>,
}

/// The digest of a day for everybody who has overdue, due or returned items under a division, or for one login. It
/// names items and no households.
///
/// # Errors
/// The actor may not see items or the division, or the database fails.
pub async fn digest(app: &App, actor: &Actor, division: &str, login: Option<&str>) -> Result<Digests, LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    let scope = actor.scope.narrow(division).ok_or_else(|| LedgerError::Place(division.to_owned()))?;
    let day = app.clock.today();
    let lines = notices_store::digest(&app.db, &scope, login.unwrap_or_default(), day).await?;
    let mut people: Vec<(Uuid, Digest)> = Vec::new();
    for line in lines {
        if people.last().is_none_or(|(id, _)| *id != line.user_id) {
            let (login, name, unit) = (line.login.clone(), line.name.clone(), line.unit.clone());
            people.push((
                line.user_id,
                Digest { login, name, unit, overdue: Vec::new(), due: Vec::new(), returned: Vec::new() },
            ));
        }
        let Some((_, person)) = people.last_mut() else { continue };
        let today = day.to_string();
        match line.deadline.cmp(&today) {
            std::cmp::Ordering::Less => person.overdue.push(line),
            std::cmp::Ordering::Equal => person.due.push(line),
            std::cmp::Ordering::Greater => person.returned.push(line),
        }
    }
    let look_backs = match login {
        Some(_) => BTreeMap::new(),
        None => notices_store::look_backs_by_place(&app.db, &scope, day).await?.into_iter().collect(),
    };
    note_digest(app, actor, &scope, people.len()).await?;
    Ok(Digests { day, people: people.into_iter().map(|(_, digest)| digest).collect(), look_backs })
}

/// A digest leaves the house with people's names on it.
async fn note_digest(app: &App, actor: &Actor, scope: &Scope, people: usize) -> Result<(), LedgerError> {
    let (actor, scope, now) = (actor.clone(), scope.clone(), app.clock.now_ms());
    app.db
        .write::<_, LedgerError, _>(move |tx| {
            Box::pin(async move {
                let entry = Entry {
                    action: "ledger.digest",
                    object_kind: "ledger",
                    object_id: scope.root().to_owned(),
                    division_code: scope.root(),
                    reason: "",
                    detail: serde_json::json!({ "people": people }),
                };
                audit::record(tx, &actor, entry, now).await?;
                Ok(())
            })
        })
        .await
}
