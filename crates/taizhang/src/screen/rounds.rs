//! Screening rounds (排查轮次): a name, a place, and from when to when everybody there is to be visited. Nobody who was
//! not stays hidden.

use chrono::NaiveDate;
use uuid::Uuid;

use super::cover::{Asked, Cover, coverage};
use super::cover_store as store;
use super::model::{Channel, ScreenError};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability, Scope};
use crate::platform::App;

/// Most characters of a name.
const NAME_MOST: usize = 60;

/// A round.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Round {
    pub id: Uuid,
    pub name: String,
    pub division_code: String,
    pub place: String,
    pub from_day: String,
    pub to_day: String,
    /// Only visits on site count.
    pub on_site: bool,
    /// Only visits with checks count.
    pub with_checks: bool,
    pub created_by: Option<Uuid>,
    pub created_name: String,
    pub created_at: i64,
}

impl Round {
    /// What counts as visited in it.
    pub fn asked(&self) -> Asked {
        let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap_or_default();
        Asked {
            since: day(&self.from_day),
            until: Some(day(&self.to_day)),
            channel: self.on_site.then_some(Channel::OnSite),
            with_checks: self.with_checks,
        }
    }

    /// Whether it is coming, running or over.
    pub fn state(&self, today: NaiveDate) -> &'static str {
        let today = today.to_string();
        if self.from_day > today {
            "coming"
        } else if self.to_day < today {
            "over"
        } else {
            "running"
        }
    }
}

/// A round to be begun.
#[derive(Debug, Clone)]
pub struct NewRound {
    /// Made by whoever begins it.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// Division that it is for.
    pub division: String,
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// Only visits on site count.
    pub on_site: bool,
    /// Only visits with checks count.
    pub with_checks: bool,
}

/// Whether somebody may begin rounds.
pub fn may_begin(actor: &Actor) -> bool {
    actor.may(Capability::AssignItems)
}

/// Begins a round; the same id again changes nothing.
///
/// # Errors
/// The actor may not, the division is not theirs, the name is empty or too long, it ends before it begins, or the
/// database fails.
pub async fn begin(app: &App, actor: &Actor, new: NewRound) -> Result<Uuid, ScreenError> {
    if !may_begin(actor) {
        return Err(ScreenError::Forbidden);
    }
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > NAME_MOST {
        return Err(ScreenError::Round("name"));
    }
    if new.to < new.from {
        return Err(ScreenError::Round("to"));
    }
    let division = if new.division.is_empty() { actor.scope.root().to_owned() } else { new.division };
    if !actor.scope.contains(&division) && division != actor.scope.root() {
        return Err(ScreenError::NotFound);
    }
    let now = app.clock.now_ms();
    let round = Round {
        id: new.id,
        name,
        division_code: division,
        place: String::new(),
        from_day: new.from.to_string(),
        to_day: new.to.to_string(),
        on_site: new.on_site,
        with_checks: new.with_checks,
        created_by: actor.user_id,
        created_name: actor.name.clone(),
        created_at: now,
    };
    let (id, actor) = (round.id, actor.clone());
    app.db
        .write::<_, ScreenError, _>(move |tx| {
            Box::pin(async move {
                if !store::insert_round(tx, &round).await? {
                    return Ok(());
                }
                let entry = Entry {
                    action: "screen.round",
                    object_kind: "screen_round",
                    object_id: round.id.to_string(),
                    division_code: &round.division_code,
                    reason: "",
                    detail: serde_json::json!({
                        "name": round.name, "from": round.from_day, "to": round.to_day, "on_site": round.on_site,
                        "with_checks": round.with_checks,
                    }),
                };
                Ok(audit::record(tx, &actor, entry, now).await?)
            })
        })
        .await?;
    Ok(id)
}

/// Rounds that concern somebody of a scope: those of places inside it and those of the places around.
///
/// # Errors
/// The database fails.
pub async fn rounds(app: &App, scope: &Scope) -> Result<Vec<Round>, ScreenError> {
    Ok(store::rounds(&app.db, scope).await?)
}

/// One round with its coverage, as far as it lies in the actor's scope.
///
/// # Errors
/// [`ScreenError::NotFound`] where there is none for this actor; the database fails.
pub async fn round(
    app: &App,
    actor: &Actor,
    id: Uuid,
    division: &str,
) -> Result<(Round, Scope, Cover, Vec<Cover>), ScreenError> {
    let round =
        rounds(app, &actor.scope).await?.into_iter().find(|round| round.id == id).ok_or(ScreenError::NotFound)?;
    let whole = actor.scope.narrow(&round.division_code).ok_or(ScreenError::NotFound)?;
    let scope = if division.is_empty() || !whole.contains(division) { whole } else { Scope::subtree(division) };
    let (total, lines) = coverage(app, actor, &scope, &round.asked()).await?;
    Ok((round, scope, total, lines))
}
