//! Helpers and members of work teams who were sent to a post against the epidemic (扶贫干部战“疫”), and who stands in for them
//! with their households meanwhile.

use std::collections::HashMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::deployment_store as store;
pub use super::deployment_store::Household;
use super::error::ReliefError;
use super::model::{Entry, REASON_LEAST, REASON_MOST, Raw, TEXT_MOST};
use super::need;
use crate::access::audit::{self, Entry as AuditEntry};
use crate::access::{Actor, Capability, Scope};
use crate::platform::{App, DbError, Tx, ids};
use crate::register::divisions::CODE_LENGTHS;

/// The first day that a deployment can begin on.
const FIRST_DAY: &str = "2014-01-01";

/// Somebody who cares for households, as the register names them: all of their rows together.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Servant {
    /// helper | team_member
    pub kind: String,
    pub name: String,
    pub unit: String,
    /// Tells people of one name and unit apart; none where the register has no phone.
    pub phone_index: Option<i64>,
    /// Households of a helper, villages of a member of a work team.
    pub cares_for: i64,
    pub first_division: String,
    pub last_division: String,
}

impl Servant {
    /// Tells them apart from others of their kind, name and unit, and says nothing of their phone.
    pub fn key(&self) -> String {
        ids::fingerprint(format!("{}|{}|{}|{:?}", self.kind, self.name, self.unit, self.phone_index).as_bytes())
            .to_string()
    }

    /// The narrowest place that holds everybody they care for.
    fn division(&self) -> String {
        let same = self.first_division.bytes().zip(self.last_division.bytes()).take_while(|(a, b)| a == b).count();
        let length = CODE_LENGTHS.into_iter().filter(|length| *length <= same.min(12)).max().unwrap_or(0);
        self.first_division.get(..length).unwrap_or_default().to_owned()
    }
}

/// A deployment.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Deployment {
    pub id: Uuid,
    pub kind: String,
    pub name: String,
    pub unit: String,
    pub phone_index: Option<i64>,
    pub division_code: String,
    /// Name of the division with those above it.
    pub full_place: String,
    pub post: String,
    pub place: String,
    pub from_day: String,
    /// Last day; empty while it lasts.
    pub to_day: String,
    /// Empty where nobody stands in.
    pub stand_in: String,
    pub stand_in_unit: String,
    pub note: String,
    pub by_name: String,
    pub fingerprint: i64,
    pub version: i64,
    /// Households that the helper cares for, within the reader's scope.
    pub households: i64,
}

impl Deployment {
    /// Whether they are away on an ISO day.
    pub fn lasts_on(&self, day: &str) -> bool {
        self.from_day.as_str() <= day && (self.to_day.is_empty() || self.to_day.as_str() >= day)
    }
}

/// Which deployments a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those who are away today.
    Now,
    /// Of these those for whom nobody stands in.
    Uncovered,
    /// All that there ever were.
    All,
}

impl Which {
    /// Every list.
    pub const ALL: [Self; 3] = [Self::Now, Self::Uncovered, Self::All];

    /// The value in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Uncovered => "uncovered",
            Self::All => "all",
        }
    }

    /// The list of a name; those who are away today where it is none.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|which| which.name() == name).unwrap_or(Self::Now)
    }
}

/// Somebody who answers for a household, and who does so meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Carer {
    pub household_id: Uuid,
    /// Of whom the register says that they care.
    pub name: String,
    pub unit: String,
    /// Deployment that takes them away on the day; none while they are there.
    pub deployment_id: Option<Uuid>,
    pub post: String,
    pub from_day: String,
    pub to_day: String,
    pub stand_in: String,
    pub stand_in_unit: String,
}

/// Whether somebody may write deployments down.
pub fn may_record(actor: &Actor) -> bool {
    actor.may(Capability::AssignItems)
}

/// Those who care for households of a scope and have not ended, by the beginning of their name or their unit; all of
/// them for an empty text. At most fifty.
///
/// # Errors
/// The actor may not, or the database fails.
pub async fn servants(app: &App, actor: &Actor, text: &str) -> Result<Vec<Servant>, ReliefError> {
    need(actor, &[Capability::AssignItems])?;
    Ok(store::servants(&app.db, &actor.scope, text.trim()).await?)
}

/// Writes down that somebody was sent. The same form twice is one deployment.
///
/// Fields: `kind`, `name`, `unit`, `key` (as [`Servant`] has them; without a key whoever is the only one of that
/// name and unit), `post`, `place`, `from_day`, `to_day` (empty
/// while it lasts), `stand_in`, `stand_in_unit` (empty where nobody does yet), `note`.
///
/// # Errors
/// The actor may not, nobody of that name cares for a household of theirs, fields do not fit (all of them are told), or the
/// database fails.
pub async fn record(app: &App, actor: &Actor, id: Uuid, raw: &Raw) -> Result<Uuid, ReliefError> {
    need(actor, &[Capability::AssignItems])?;
    let today = app.clock.today();
    let first = NaiveDate::parse_from_str(FIRST_DAY, "%Y-%m-%d").unwrap_or(today);
    let mut entry = Entry::new(raw);
    let kind = entry.choice("kind", &["helper", "team_member"]);
    let name = entry.text("name", 1, TEXT_MOST);
    let unit = entry.text("unit", 0, TEXT_MOST);
    let key = entry.value("key").to_owned();
    let post = entry.text("post", 1, TEXT_MOST);
    let place = entry.text("place", 0, TEXT_MOST);
    let from_day = entry.day("from_day", first, today).to_string();
    let to_day = last_day(&mut entry, &from_day);
    let stand_in = stand_in(&mut entry, (&name, &unit));
    let note = entry.text("note", 0, REASON_MOST);
    if id.is_nil() {
        entry.fault("note", "relief-fault-form", "");
    }
    let mut named = store::servants_named(&app.db, &actor.scope, (kind, &name, &unit)).await?;
    if !(key.is_empty() && named.len() == 1) {
        named.retain(|servant| servant.key() == key);
    }
    let servant = named.pop();
    if servant.is_none() && !name.is_empty() && !kind.is_empty() {
        entry.fault("name", "relief-fault-servant", "");
    }
    let (Some(servant), true) = (servant, entry.faults.is_empty()) else {
        return Err(ReliefError::Fields(entry.faults));
    };
    let words = format!(
        "{kind}|{name}|{unit}|{key}|{post}|{place}|{from_day}|{to_day}|{stand_in:?}|{note}|{:?}",
        actor.user_id
    );
    let deployment = Deployment {
        id,
        kind: kind.to_owned(),
        name,
        unit,
        phone_index: servant.phone_index,
        division_code: servant.division(),
        full_place: String::new(),
        post,
        place,
        from_day,
        to_day,
        stand_in: stand_in.0,
        stand_in_unit: stand_in.1,
        note,
        by_name: actor.name.clone(),
        fingerprint: ids::fingerprint(words.as_bytes()),
        version: 1,
        households: 0,
    };
    let (actor, now) = (actor.clone(), app.clock.now_ms());
    app.db
        .write::<_, ReliefError, _>(move |tx| {
            Box::pin(async move {
                if let Some(known) = store::fingerprint(tx, id).await? {
                    return if known == deployment.fingerprint { Ok(id) } else { Err(ReliefError::Resent) };
                }
                fits(tx, &deployment).await?;
                store::insert(tx, &deployment, actor.user_id, now).await?;
                let detail = serde_json::json!({
                    "kind": deployment.kind, "post": deployment.post, "from": deployment.from_day,
                    "to": deployment.to_day, "cares_for": servant.cares_for,
                    "stand_in": !deployment.stand_in.is_empty(),
                });
                write_entry(tx, &actor, "deployment.record", &deployment, "", detail, now).await?;
                Ok(id)
            })
        })
        .await
}

fn last_day(entry: &mut Entry<'_>, from_day: &str) -> String {
    let text = entry.value("to_day").to_owned();
    let known = text.is_empty() || NaiveDate::parse_from_str(&text, "%Y-%m-%d").is_ok();
    if !known || (!text.is_empty() && text.as_str() < from_day) {
        entry.fault("to_day", "relief-fault-day", format!("{from_day} –"));
    }
    text
}

/// Who stands in; not the one who is away.
fn stand_in(entry: &mut Entry<'_>, away: (&str, &str)) -> (String, String) {
    let name = entry.text("stand_in", 0, TEXT_MOST);
    let unit = entry.text("stand_in_unit", 0, TEXT_MOST);
    if !name.is_empty() && (name.as_str(), unit.as_str()) == away {
        entry.fault("stand_in", "relief-fault-stand_in_self", "");
    }
    // Without the unit the name could be anybody's, and nobody is found by it.
    if name.is_empty() != unit.is_empty() {
        entry.fault("stand_in_unit", "relief-fault-stand_in_unit", "");
    }
    (name, unit)
}

/// Whether a deployment fits beside the others: nobody is at two posts on one day, and whoever stands in is there.
async fn fits(tx: &mut Tx, deployment: &Deployment) -> Result<(), ReliefError> {
    if let Some((post, from, to)) = store::overlapping(tx, deployment, (&deployment.name, &deployment.unit)).await? {
        return Err(ReliefError::field("from_day", "relief-fault-overlap", format!("{post} {from} – {to}")));
    }
    if deployment.stand_in.is_empty() {
        return Ok(());
    }
    let by = (deployment.stand_in.as_str(), deployment.stand_in_unit.as_str());
    if let Some((post, from, to)) = store::overlapping(tx, deployment, by).await? {
        return Err(ReliefError::field("stand_in", "relief-fault-stand_in_away", format!("{post} {from} – {to}")));
    }
    Ok(())
}

async fn write_entry(
    tx: &mut Tx,
    actor: &Actor,
    action: &'static str,
    deployment: &Deployment,
    reason: &str,
    detail: serde_json::Value,
    now: i64,
) -> Result<(), DbError> {
    let entry = AuditEntry {
        action,
        object_kind: "deployment",
        object_id: deployment.id.to_string(),
        division_code: &deployment.division_code,
        reason,
        detail,
    };
    audit::record(tx, actor, entry, now).await
}

/// Ends a deployment, or says who stands in now.
///
/// Fields: `version`, `to_day`, `stand_in`, `stand_in_unit`, `note` (why).
///
/// # Errors
/// The actor may not, it is not theirs, somebody changed it meanwhile, fields do not fit, or the database fails.
pub async fn change(app: &App, actor: &Actor, id: Uuid, raw: &Raw) -> Result<(), ReliefError> {
    need(actor, &[Capability::AssignItems])?;
    let mut deployment = one(app, &actor.scope, id).await?;
    let before = deployment.clone();
    let mut entry = Entry::new(raw);
    deployment.to_day = last_day(&mut entry, &deployment.from_day);
    (deployment.stand_in, deployment.stand_in_unit) = stand_in(&mut entry, (&before.name, &before.unit));
    let why = entry.text("note", REASON_LEAST, REASON_MOST);
    let version: i64 = entry.value("version").parse().unwrap_or(0);
    if !entry.faults.is_empty() {
        return Err(ReliefError::Fields(entry.faults));
    }
    let (actor, now) = (actor.clone(), app.clock.now_ms());
    app.db
        .write::<_, ReliefError, _>(move |tx| {
            Box::pin(async move {
                fits(tx, &deployment).await?;
                if !store::update(tx, &deployment, version, now).await? {
                    return Err(ReliefError::Stale { who: before.by_name });
                }
                let detail = serde_json::json!({
                    "to_before": before.to_day, "to": deployment.to_day,
                    "stand_in_changed": (&before.stand_in, &before.stand_in_unit)
                        != (&deployment.stand_in, &deployment.stand_in_unit),
                });
                Ok(write_entry(tx, &actor, "deployment.change", &deployment, &why, detail, now).await?)
            })
        })
        .await
}

/// One deployment of a scope, or of a place around it.
///
/// # Errors
/// [`ReliefError::NotFound`]; the database fails.
pub async fn one(app: &App, scope: &Scope, id: Uuid) -> Result<Deployment, ReliefError> {
    store::one(&app.db, scope, id).await?.ok_or(ReliefError::NotFound)
}

/// Deployments of a scope, and of the places around it, the newest first.
///
/// # Errors
/// The actor may not see them, or the database fails.
pub async fn list(app: &App, actor: &Actor, scope: &Scope, which: Which) -> Result<Vec<Deployment>, ReliefError> {
    need(actor, &[Capability::ViewItems, Capability::ViewFigures])?;
    let today = app.clock.today().to_string();
    let mut all = store::all(&app.db, scope).await?;
    all.retain(|deployment| match which {
        Which::Now => deployment.lasts_on(&today),
        Which::Uncovered => deployment.lasts_on(&today) && deployment.stand_in.is_empty(),
        Which::All => true,
    });
    Ok(all)
}

/// The households of a scope whose helper was sent, one page, by their villages.
///
/// # Errors
/// The database fails.
pub async fn households(
    app: &App,
    scope: &Scope,
    deployment: &Deployment,
    (offset, limit): (i64, i64),
) -> Result<Vec<Household>, ReliefError> {
    Ok(store::households(&app.db, scope, deployment.id, (offset, limit)).await?)
}

/// Who answers for each of some households on an ISO day: the helpers who serve, with whoever stands in for those who
/// are away.
///
/// # Errors
/// The database fails.
pub async fn carers(app: &App, households: &[Uuid], day: &str) -> Result<HashMap<Uuid, Vec<Carer>>, ReliefError> {
    let mut out: HashMap<Uuid, Vec<Carer>> = HashMap::new();
    for carer in store::carers(&app.db, households, day).await? {
        let of = out.entry(carer.household_id).or_default();
        // Two deployments of one person on one day are one absence.
        if of.iter().all(|known| (&known.name, &known.unit) != (&carer.name, &carer.unit)) {
            of.push(carer);
        }
    }
    Ok(out)
}

/// Members of a village's work team who are away on an ISO day.
///
/// # Errors
/// The database fails.
pub async fn team_away(app: &App, village: &str, day: &str) -> Result<Vec<Deployment>, ReliefError> {
    Ok(store::team_away(&app.db, village, day).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servant_belongs_to_the_narrowest_place_that_holds_everybody() {
        let of = |first: &str, last: &str| {
            Servant {
                kind: String::new(),
                name: String::new(),
                unit: String::new(),
                phone_index: None,
                cares_for: 2,
                first_division: first.to_owned(),
                last_division: last.to_owned(),
            }
            .division()
        };
        assert_eq!(of("990101001001", "990101001001"), "990101001001");
        assert_eq!(of("99010100100101", "99010100100102"), "990101001001");
        assert_eq!(of("990101001001", "990101001002"), "990101001");
        assert_eq!(of("990101001001", "990101002001"), "990101");
        assert_eq!(of("990101001001", "990201002001"), "99");
    }
}
