//! Work put off because of the epidemic (因疫延后的调研督导、会议培训、评估、普查): what, the day first planned, the day now
//! planned, what became of it, and a reminder once the new day has passed.

use chrono::{Days, NaiveDate};
use uuid::Uuid;

use super::desk::Desk;
use super::history::{self, Past, Written};
use super::model::{TEXT_MOST, TITLE_MOST, needed, optional, reason};
use super::{TaskError, may_lead, may_see, postponed_store as store};
use crate::access::Actor;
use crate::access::audit::{self, Entry};
use crate::platform::App;

/// Days before a new day on which it is told.
pub const SOON: u64 = 7;

/// What is put off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 调研督导.
    Inspection,
    /// 会议培训.
    Meeting,
    /// 评估考核, e.g. the assessment on site before a county is de-listed.
    Assessment,
    /// 普查.
    Census,
    /// 其他.
    Other,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Inspection, Self::Meeting, Self::Assessment, Self::Census, Self::Other];

    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inspection => "inspection",
            Self::Meeting => "meeting",
            Self::Assessment => "assessment",
            Self::Census => "census",
            Self::Other => "other",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Something that was put off.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
#[allow(missing_docs)]
pub struct Activity {
    pub id: Uuid,
    pub kind: String,
    pub title: String,
    pub division_code: String,
    pub unit: String,
    pub contact: String,
    pub reason: String,
    pub first_on: String,
    /// Empty while no day is set.
    pub new_on: String,
    /// postponed, held or cancelled.
    pub state: String,
    pub held_on: String,
    pub moves: i64,
    pub version: i64,
    pub updated_name: String,
    pub updated_at: i64,
    pub place: String,
}

/// How urgent it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// The new day has passed and nobody says what became of it.
    Passed,
    /// The new day is near.
    Soon,
    /// No day is set.
    Undated,
    /// The new day is some way off.
    Later,
    /// It took place.
    Held,
    /// It was given up.
    Cancelled,
}

impl Urgency {
    /// Every one, in the order of tabs.
    pub const ALL: [Self; 6] = [Self::Passed, Self::Soon, Self::Undated, Self::Later, Self::Held, Self::Cancelled];

    /// As in an address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Soon => "soon",
            Self::Undated => "undated",
            Self::Later => "later",
            Self::Held => "held",
            Self::Cancelled => "cancelled",
        }
    }

    /// Of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The tone of its badge.
    pub fn tone(self) -> &'static str {
        match self {
            Self::Passed => "danger",
            Self::Soon | Self::Undated => "warn",
            Self::Later => "info",
            Self::Held => "ok",
            Self::Cancelled => "mute",
        }
    }
}

/// The last day that counts as near.
pub(super) fn soon(today: NaiveDate) -> NaiveDate {
    today.checked_add_days(Days::new(SOON)).unwrap_or(today)
}

impl Activity {
    /// How urgent it is on a day.
    pub fn urgency(&self, today: NaiveDate) -> Urgency {
        match self.state.as_str() {
            "held" => Urgency::Held,
            "cancelled" => Urgency::Cancelled,
            _ if self.new_on.is_empty() => Urgency::Undated,
            _ if self.new_on < today.to_string() => Urgency::Passed,
            _ if self.new_on <= soon(today).to_string() => Urgency::Soon,
            _ => Urgency::Later,
        }
    }
}

/// Something to be written down as put off.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct NewActivity {
    /// Made with the form.
    pub id: Uuid,
    /// What sort of thing; see [`Kind`].
    pub kind: String,
    /// What it is.
    pub title: String,
    /// Who holds it; the actor's own unit if empty.
    pub unit: String,
    /// Whom to ask.
    pub contact: String,
    /// Why it is put off.
    pub reason: String,
    /// The day first planned.
    pub first_on: NaiveDate,
    /// The day now planned, if one is.
    pub new_on: Option<NaiveDate>,
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Step {
    /// Another day; none where it is open again.
    Move(Option<NaiveDate>),
    /// It took place on a day.
    Hold(NaiveDate),
    /// It is given up.
    Cancel,
    /// It is taken up again.
    Restore,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Move(_) => "move",
            Self::Hold(_) => "hold",
            Self::Cancel => "cancel",
            Self::Restore => "restore",
        }
    }
}

/// Writes something down as put off; the same form again changes nothing.
///
/// # Errors
/// The actor may not, a field is empty, or the database fails.
pub async fn add(app: &App, actor: &Actor, new: NewActivity) -> Result<Uuid, TaskError> {
    may_lead(actor)?;
    let desk = Desk::open(app, actor).await?;
    let payload = serde_json::json!({ "new": new, "by": actor.user_id }).to_string();
    let kind = Kind::from_name(&new.kind).ok_or(TaskError::Field("kind"))?;
    let unit = optional("unit", &new.unit, TITLE_MOST)?;
    let one = Activity {
        id: new.id,
        kind: kind.name().to_owned(),
        title: needed("title", &new.title, TITLE_MOST)?,
        division_code: desk.unit.clone(),
        unit: if unit.is_empty() { desk.unit_name.clone() } else { unit },
        contact: optional("contact", &new.contact, TITLE_MOST)?,
        reason: reason(&new.reason)?,
        first_on: new.first_on.to_string(),
        new_on: new.new_on.map(|day| day.to_string()).unwrap_or_default(),
        state: "postponed".to_owned(),
        held_on: String::new(),
        moves: 0,
        version: 1,
        updated_name: actor.name.clone(),
        updated_at: desk.now,
        place: String::new(),
    };
    if !one.new_on.is_empty() && one.new_on <= one.first_on {
        return Err(TaskError::Day { field: "new_on", given: one.new_on });
    }
    app.db
        .write::<_, TaskError, _>(move |tx| {
            Box::pin(async move {
                if history::repeated(tx, one.id, &payload).await? {
                    return Ok(one.id);
                }
                if !store::insert(tx, &one).await? {
                    return if history::repeated(tx, one.id, &payload).await? {
                        Ok(one.id)
                    } else {
                        Err(TaskError::NotFound)
                    };
                }
                let data = serde_json::json!({ "first_on": one.first_on, "new_on": one.new_on });
                let written = Written {
                    event: one.id,
                    object: one.id,
                    division: &one.division_code,
                    seq: 1,
                    action: "add",
                    note: &one.reason,
                    data: data.clone(),
                    payload: &payload,
                };
                history::append(tx, &desk.stamp(), written).await?;
                let entry = Entry {
                    action: "postponed.add",
                    object_kind: "postponed",
                    object_id: one.id.to_string(),
                    division_code: &one.division_code,
                    reason: &one.reason,
                    detail: data,
                };
                audit::record(tx, &desk.actor, entry, desk.now).await?;
                Ok(one.id)
            })
        })
        .await
}

/// Takes a step; the same form again changes nothing.
///
/// # Errors
/// It is another unit's, where it stands does not allow it, somebody else was first, no reason is said, or the database
/// fails.
pub async fn act(
    app: &App,
    actor: &Actor,
    id: Uuid,
    event: Uuid,
    version: i64,
    step: Step,
    note: String,
) -> Result<(), TaskError> {
    may_see(actor)?;
    let desk = Desk::open(app, actor).await?;
    let today = app.clock.today();
    let payload = serde_json::json!({ "on": id, "step": step, "note": note, "by": actor.user_id }).to_string();
    app.db
        .write::<_, TaskError, _>(move |tx| {
            Box::pin(async move {
                let mut one = store::one_in(tx, &desk.actor.scope, id).await?.ok_or(TaskError::NotFound)?;
                may_lead(&desk.actor)?;
                if history::repeated(tx, event, &payload).await? {
                    return Ok(());
                }
                desk.own(&one.division_code, &one.place)?;
                let before = serde_json::json!({
                    "state": one.state, "new_on": one.new_on, "held_on": one.held_on,
                });
                one.version = version;
                if !store::touch(tx, &one, &desk.stamp()).await? {
                    if history::repeated(tx, event, &payload).await? {
                        return Ok(());
                    }
                    return Err(TaskError::Stale { who: one.updated_name, at: one.updated_at });
                }
                let note = follow(&mut one, step, &note, today)?;
                store::set(tx, &one).await?;
                let written = Written {
                    event,
                    object: one.id,
                    division: &one.division_code,
                    seq: version + 1,
                    action: step.name(),
                    note: &note,
                    data: before,
                    payload: &payload,
                };
                history::append(tx, &desk.stamp(), written).await?;
                let detail = serde_json::json!({
                    "step": step.name(), "state": one.state, "new_on": one.new_on, "held_on": one.held_on,
                });
                let entry = Entry {
                    action: "postponed.step",
                    object_kind: "postponed",
                    object_id: one.id.to_string(),
                    division_code: &one.division_code,
                    reason: &note,
                    detail,
                };
                Ok(audit::record(tx, &desk.actor, entry, desk.now).await?)
            })
        })
        .await
}

/// Brings an activity where a step leads; the note as it is kept.
fn follow(one: &mut Activity, step: Step, note: &str, today: NaiveDate) -> Result<String, TaskError> {
    let open = one.state == "postponed";
    if open == (step == Step::Restore) {
        return Err(TaskError::State { state: format!("task-postponed-{}", one.state) });
    }
    match step {
        Step::Move(day) => {
            let day = day.map(|day| day.to_string()).unwrap_or_default();
            if day == one.new_on || (!day.is_empty() && day <= one.first_on) {
                return Err(TaskError::Day { field: "new_on", given: day });
            }
            one.new_on = day;
            one.moves += 1;
            reason(note)
        }
        Step::Hold(day) => {
            if day > today {
                return Err(TaskError::Day { field: "held_on", given: day.to_string() });
            }
            one.held_on = day.to_string();
            one.state = "held".to_owned();
            optional("note", note, TEXT_MOST)
        }
        Step::Cancel => {
            one.state = "cancelled".to_owned();
            reason(note)
        }
        Step::Restore => {
            one.state = "postponed".to_owned();
            one.held_on.clear();
            reason(note)
        }
    }
}

/// Which are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// How urgent; none for all that are open.
    pub urgency: Option<Urgency>,
    /// Of a kind; empty for all.
    pub kind: String,
    /// Also those that are over.
    pub all: bool,
}

/// What was put off in the reader's place, the most urgent first, and how many there are of each urgency.
///
/// # Errors
/// The reader may not, or the database fails.
pub async fn list(
    app: &App,
    actor: &Actor,
    filter: &Filter,
) -> Result<(Vec<Activity>, Vec<(Urgency, usize)>), TaskError> {
    may_see(actor)?;
    let today = app.clock.today();
    let found = store::list(&app.db, &actor.scope, &filter.kind).await?;
    let counts = Urgency::ALL
        .into_iter()
        .map(|one| (one, found.iter().filter(|activity| activity.urgency(today) == one).count()))
        .collect();
    let over = |one: &Activity| one.state != "postponed";
    let mut shown: Vec<Activity> = found
        .into_iter()
        .filter(|one| match filter.urgency {
            Some(urgency) => one.urgency(today) == urgency,
            None => filter.all || !over(one),
        })
        .collect();
    shown.sort_by_key(|one| {
        let order = Urgency::ALL.into_iter().position(|urgency| urgency == one.urgency(today));
        (order, one.new_on.clone(), one.first_on.clone())
    });
    Ok((shown, counts))
}

/// How many of the reader's place need an answer: their new day has passed.
///
/// # Errors
/// The database fails.
pub async fn passed(app: &App, actor: &Actor) -> Result<i64, TaskError> {
    Ok(store::passed(&app.db, &actor.scope, &app.clock.today().to_string()).await?)
}

/// One with its history, the newest first.
///
/// # Errors
/// There is none of that id for this reader, or the database fails.
pub async fn one(app: &App, actor: &Actor, id: Uuid) -> Result<(Activity, Vec<Past>, bool), TaskError> {
    may_see(actor)?;
    let one = store::one(&app.db, &actor.scope, id).await?.ok_or(TaskError::NotFound)?;
    let desk = Desk::open(app, actor).await?;
    let may = may_lead(actor).is_ok() && desk.is_unit(&one.division_code);
    let history = history::of(app, id).await?;
    Ok((one, history, may))
}
