//! Screening (排查): visits of households, the on-site checks of 两不愁三保障 and drinking water made with them, and who has
//! not been visited.
//!
//! A visit is written once, under the id that whoever visits has given it; a repeated or late upload changes nothing that
//! is newer. What falls short becomes a signal; in the same transaction the household is assessed and its items brought
//! in line.

pub mod cover;
mod cover_store;
pub mod entry;
pub mod gap_export;
mod gap_store;
pub mod gaps;
pub mod import;
pub mod judge;
pub mod model;
pub mod pages;
pub mod rounds;
mod store;
pub mod walk;

use std::collections::HashSet;
use std::time::Instant;

use uuid::Uuid;

use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability, Role, Scope};
use crate::assess;
use crate::assess::profile::Profile;
use crate::assess::profile::checks::Checks;
use crate::platform::{App, DbError, Tx, ids};
use crate::{register, road};

use entry::Raw;
use model::{Became, Channel, CheckRow, Draft, Home, Member, Recorded, ScreenError, Visit, VisitVersion, Visitor};
use walk::{Seen, Standing};

/// The fewest characters of the reason of a correction.
const REASON_CHARS: usize = 4;
/// The most characters of a reason.
const REASON_MOST: usize = 500;

/// A household as the form of a visit shows it.
#[derive(Debug, Clone)]
pub struct HomeFile {
    /// The household.
    pub home: Home,
    /// Its members.
    pub members: Vec<Member>,
    /// Its visits, the newest first.
    pub visits: Vec<Visit>,
    /// Where its indicators stand.
    pub checks: Vec<CheckRow>,
    /// Its newest answers, put together.
    pub standing: Standing,
}

/// Whether an actor may record visits.
pub fn may_record(actor: &Actor) -> bool {
    actor.may(Capability::RecordVisits)
}

/// The household of a form, for somebody who may see it.
///
/// # Errors
/// [`ScreenError::NotFound`] where it does not exist or is not for this actor; the database fails.
pub async fn home_file(app: &App, actor: &Actor, household: Uuid, profile: &Profile) -> Result<HomeFile, ScreenError> {
    let home = home_for(app, actor, household).await?;
    let (members, visits, checks) = tokio::try_join!(
        store::members(&app.db, household),
        store::visits(&app.db, &actor.scope, household),
        store::checks(&app.db, &actor.scope, household),
    )?;
    let seen: Vec<Seen> = visits.iter().map(seen).collect();
    let standing = walk::walk(&seen, &members, &Checks::of(profile));
    Ok(HomeFile { home, members, visits, checks, standing })
}

async fn home_for(app: &App, actor: &Actor, household: Uuid) -> Result<Home, ScreenError> {
    if register::own_households(app, actor).await?.is_some_and(|own| !own.contains(&household)) {
        return Err(ScreenError::NotFound);
    }
    store::home(&app.db, &actor.scope, household).await?.ok_or(ScreenError::NotFound)
}

/// A visit with its earlier versions, for somebody who may see its household.
///
/// # Errors
/// As [`home_file`].
pub async fn visit_file(app: &App, actor: &Actor, id: Uuid) -> Result<(Visit, Vec<VisitVersion>), ScreenError> {
    let visit = store::visit(&app.db, &actor.scope, id).await?.ok_or(ScreenError::NotFound)?;
    home_for(app, actor, visit.household_id).await?;
    Ok((visit, store::versions(&app.db, id).await?))
}

fn seen(visit: &Visit) -> Seen {
    Seen {
        id: visit.id,
        on: visit.day(),
        channel: Channel::from_name(&visit.channel).unwrap_or(Channel::OnSite),
        unchanged: visit.unchanged,
        results: visit.results(),
        answers: visit.answers(),
        by_name: visit.by_name.clone(),
        by_role: visit.by_role.clone(),
    }
}

/// What of a visit makes it another one: an upload that says the same again has the same.
fn fingerprint(visit: &Visit) -> i64 {
    let said = serde_json::json!([
        visit.household_id,
        visit.visited_on,
        visit.channel,
        visit.spoken_to,
        visit.note,
        visit.unchanged,
        visit.answers,
    ]);
    ids::fingerprint(said.to_string().as_bytes())
}

/// The row of a draft.
fn row(
    draft: &Draft,
    home: &Home,
    members: &[Member],
    checks: &Checks,
    by: (Option<Uuid>, &Visitor),
    origin: &str,
    (profile_id, now): (Uuid, i64),
) -> Visit {
    let results = judge::judge(checks, &draft.answers, members, draft.visited_on);
    let json = |value: serde_json::Result<String>| value.unwrap_or_else(|_| "{}".to_owned());
    let mut visit = Visit {
        id: draft.id,
        household_id: home.id,
        division_code: home.division_code.clone(),
        visited_on: draft.visited_on.to_string(),
        channel: draft.channel.name().to_owned(),
        spoken_to: draft.spoken_to.clone(),
        note: draft.note.clone(),
        unchanged: draft.unchanged,
        checked: draft.unchanged || !results.is_empty(),
        answers: json(serde_json::to_string(&draft.answers)),
        results: json(serde_json::to_string(&results)),
        by_user: by.0,
        by_name: by.1.name.clone(),
        by_unit: by.1.unit.clone(),
        by_role: by.1.role.clone(),
        origin: origin.to_owned(),
        profile_id: Some(profile_id),
        version: 1,
        fingerprint: 0,
        recorded_at: now,
        updated_at: now,
    };
    visit.fingerprint = fingerprint(&visit);
    visit
}

/// Who acts, as a visit keeps them.
fn visitor(actor: &Actor) -> Visitor {
    Visitor { name: actor.name.clone(), unit: actor.unit.clone(), role: actor.role.name().to_owned() }
}

/// Records a visit of a household with what was checked. The same again changes nothing.
///
/// # Errors
/// The actor may not record visits, the household is not theirs, fields do not fit (all of them are told), another visit
/// has this id, or the database fails.
pub async fn record(app: &App, actor: &Actor, household: Uuid, id: Uuid, raw: &Raw) -> Result<Recorded, ScreenError> {
    write(app, actor, household, id, raw, None).await
}

/// A correction of a visit: which version is corrected, and why.
#[derive(Debug, Clone)]
pub struct Correction {
    /// The version that the form showed.
    pub version: i64,
    /// Why.
    pub reason: String,
}

/// Puts a visit right: what it said before is kept as a version. A fact that was a mistake is withdrawn.
///
/// # Errors
/// As [`record`]; no reason, somebody else has corrected it meanwhile, or it is somebody else's and the actor does not
/// stand above the village.
pub async fn correct(
    app: &App,
    actor: &Actor,
    id: Uuid,
    raw: &Raw,
    correction: Correction,
) -> Result<Recorded, ScreenError> {
    let visit = store::visit(&app.db, &actor.scope, id).await?.ok_or(ScreenError::NotFound)?;
    write(app, actor, visit.household_id, id, raw, Some(correction)).await
}

/// Whether somebody may put a visit right: whoever made it, and the township.
pub fn may_correct(actor: &Actor, visit: &Visit) -> bool {
    let own = actor.user_id.is_some() && actor.user_id == visit.by_user;
    may_record(actor) && (own || actor.is_machine || actor.role == Role::TownshipStaff)
}

async fn write(
    app: &App,
    actor: &Actor,
    household: Uuid,
    id: Uuid,
    raw: &Raw,
    correction: Option<Correction>,
) -> Result<Recorded, ScreenError> {
    if !may_record(actor) {
        return Err(ScreenError::Forbidden);
    }
    let home = home_for(app, actor, household).await?;
    let members = store::members(&app.db, household).await?;
    let frame = road::frame(app, actor).await?;
    let checks = Checks::of(&frame.profile);
    let draft = entry::draft(raw, id, &checks, &members, app.clock.today()).map_err(ScreenError::Fields)?;
    if let Some(correction) = &correction {
        let length = correction.reason.trim().chars().count();
        if !(REASON_CHARS..=REASON_MOST).contains(&length) {
            return Err(ScreenError::Reason);
        }
    }
    let visit =
        row(&draft, &home, &members, &checks, (actor.user_id, &visitor(actor)), "page", (frame.profile_id, frame.now));
    let who = actor.clone();
    app.db
        .write::<_, ScreenError, _>(move |tx| {
            Box::pin(async move {
                // One after the other: what stands after a visit hangs on all of them.
                assess::take_turn(tx).await?;
                let became = put(tx, &who, visit, correction, frame.now).await?;
                if became == Became::Known {
                    return Ok(Recorded { became, opened: Vec::new(), ended: Vec::new(), follow_micros: 0 });
                }
                settle(tx, &home, &checks, frame.now).await?;
                let begun = Instant::now();
                let found = road::household_changed(tx, &who, household, frame.day, frame.now).await?.findings;
                let follow_micros = begun.elapsed().as_micros();
                Ok(Recorded { became, opened: found.opened, ended: found.ended, follow_micros })
            })
        })
        .await
}

/// Writes a visit or its correction, with the audit.
async fn put(
    tx: &mut Tx,
    actor: &Actor,
    mut visit: Visit,
    correction: Option<Correction>,
    now: i64,
) -> Result<Became, ScreenError> {
    let stored = store::visit_in(tx, visit.id).await?;
    let (became, reason) = match (stored, correction) {
        (Some(old), _) if old.fingerprint == visit.fingerprint => return Ok(Became::Known),
        (Some(_), None) => return Err(ScreenError::Taken(visit.id)),
        (Some(old), Some(correction)) => {
            if !may_correct(actor, &old) {
                return Err(ScreenError::NotOwn);
            }
            visit.version = correction.version + 1;
            visit.updated_at = now;
            if !store::correct(tx, &visit, correction.version).await? {
                let by = store::last_corrector(tx, visit.id).await?.unwrap_or_else(|| old.by_name.clone());
                return Err(ScreenError::Stale { by });
            }
            let data = serde_json::json!({
                "visited_on": old.visited_on, "channel": old.channel, "spoken_to": old.spoken_to, "note": old.note,
                "unchanged": old.unchanged, "answers": old.answers(), "results": old.results(),
            });
            let by = (actor.user_id, actor.name.as_str());
            store::keep_version(tx, &old, data.to_string(), correction.reason.trim(), by, now).await?;
            (Became::Corrected, correction.reason)
        }
        (None, Some(_)) => return Err(ScreenError::NotFound),
        (None, None) => {
            store::insert(tx, &visit).await?;
            (Became::New, String::new())
        }
    };
    let results = visit.results();
    let outcomes: serde_json::Map<String, serde_json::Value> =
        results.iter().map(|(indicator, judged)| (indicator.name().to_owned(), judged.outcome.name().into())).collect();
    let entry = Entry {
        action: if became == Became::New { "visit.record" } else { "visit.correct" },
        object_kind: "visit",
        object_id: visit.id.to_string(),
        division_code: &visit.division_code,
        reason: reason.trim(),
        detail: serde_json::json!({
            "household": visit.household_id, "day": visit.visited_on, "channel": visit.channel,
            "unchanged": visit.unchanged, "checks": outcomes, "version": visit.version,
        }),
    };
    audit::record(tx, actor, entry, now).await?;
    Ok(became)
}

/// Works out anew where a household stands after its visits, and brings the signals of visits in line.
async fn settle(tx: &mut Tx, home: &Home, checks: &Checks, now: i64) -> Result<(), DbError> {
    let visits = store::visits_in(tx, home.id).await?;
    let members = store::members_in(tx, home.id).await?;
    let seen: Vec<Seen> = visits.iter().map(seen).collect();
    let standing = walk::walk(&seen, &members, checks);
    store::write_standing(tx, home.id, &home.division_code, &standing).await?;
    let own: HashSet<Uuid> = visits.iter().map(|visit| visit.id).collect();
    store::write_signals(tx, home.id, &home.division_code, &members, &own, &standing, now).await
}

/// Takes visits along with households that an import moved to another division.
///
/// # Errors
/// The database fails.
pub async fn follow(tx: &mut Tx, import: Uuid) -> Result<(), DbError> {
    store::follow(tx, import).await
}

/// Visits of a household within a scope, the newest first.
///
/// # Errors
/// The database fails.
pub async fn visits(app: &App, scope: &Scope, household: Uuid) -> Result<Vec<Visit>, ScreenError> {
    Ok(store::visits(&app.db, scope, household).await?)
}
