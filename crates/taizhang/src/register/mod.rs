//! The register (底数): divisions, households, persons, with versions; the search box and the household file.
//!
//! Reads what intake has written; writes nothing but the audit of what was shown in full.

pub mod attrs;
pub mod divisions;
pub mod model;
mod organisation_store;
pub mod organisations;
pub mod pages;
pub mod search;
mod store;
mod versions;

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::access::reveal::{self, Reveal};
use crate::access::{Actor, Role, Scope};
use crate::platform::{App, Vault};

pub use divisions::{Division, Divisions, Resolution, province_of};
pub use model::{Field, HouseholdFile, RegisterError, Subject, age};
pub use organisations::organisation_file;
pub use search::{Results, search, search_for};
pub use store::{HouseholdLine, Place};

use model::Member;
use versions::Newest;

/// Opens a sealed field; empty if there is none or it does not open.
fn open(vault: &Vault, place: &str, sealed: Option<&[u8]>) -> String {
    sealed.and_then(|bytes| vault.open_text(place, bytes).ok()).unwrap_or_default()
}

/// An ID number or phone as it may be shown without a reason.
fn mask(field: &str, value: &str) -> String {
    if value.is_empty() {
        String::new()
    } else if field == "phone" {
        codes::phone::mask(value)
    } else {
        codes::citizen_id::mask(value)
    }
}

/// Everything about one household on one page, personal numbers masked.
///
/// # Errors
/// [`RegisterError::NotFound`] where it does not exist within `scope`; the database fails.
pub async fn household_file(app: &App, scope: &Scope, id: Uuid) -> Result<HouseholdFile, RegisterError> {
    let db = &app.db;
    let household = store::household(db, scope, id).await?.ok_or(RegisterError::NotFound)?;
    let village = household.division_code.get(..12).unwrap_or(&household.division_code);
    let (persons, incomes, monitoring, helpers, team, signals, findings, items, old) = tokio::try_join!(
        store::members(db, scope, id),
        store::incomes(db, scope, id),
        store::monitoring(db, scope, id),
        store::helpers(db, scope, id),
        store::team(db, scope, village),
        store::signals(db, scope, id),
        store::findings(db, scope, id),
        store::items(db, scope, id),
        store::versions(db, scope, id),
    )?;
    let organisations = organisations::of_household(app, scope, id, village).await?;
    let mut places = Vec::new();
    for length in divisions::CODE_LENGTHS {
        if let Some(code) = household.division_code.get(..length)
            && let Some(found) = store::division(db, code).await?
        {
            places.push((found.code, found.name));
        }
    }
    let mut newest: HashMap<(&str, Uuid, i64), Newest> = HashMap::new();
    let mut add =
        |entity, id, year: i64, about: String, version, source: model::Source, data: Option<serde_json::Value>| {
            let data = data.unwrap_or(serde_json::Value::Null);
            newest.insert((entity, id, year), Newest { about, version, as_of: source.as_of, file: source.file, data });
        };
    let none = String::new;
    let data = serde_json::to_value(&household).ok();
    add("household", id, 0, none(), household.version, household.source(), data);
    for record in &persons {
        let data = serde_json::to_value(record).ok();
        add("person", record.id, 0, record.name.clone(), record.version, record.source(), data);
    }
    for record in &helpers {
        let data = serde_json::to_value(record).ok();
        add("helper", record.id, 0, record.name.clone(), record.version, record.source(), data);
    }
    for record in &incomes {
        let data = serde_json::to_value(record).ok();
        let about = record.year.to_string();
        add("household_income", id, record.year, about, record.version, record.source(), data);
    }
    if let Some(record) = &monitoring {
        let data = serde_json::to_value(record).ok();
        add("monitoring", id, 0, none(), record.version, record.source(), data);
    }
    let mut chains: HashMap<(&str, Uuid, i64), Vec<model::StoredVersion>> = HashMap::new();
    for version in old {
        // Incomes of all years hang on the household: the year within tells them apart.
        let year = if version.entity == "household_income" {
            serde_json::from_str::<serde_json::Value>(&version.data)
                .ok()
                .and_then(|data| data.get("year")?.as_i64())
                .unwrap_or(0)
        } else {
            0
        };
        let key = newest
            .keys()
            .find(|(entity, id, of)| *entity == version.entity && *id == version.entity_id && *of == year)
            .copied();
        if let Some(key) = key {
            chains.entry(key).or_default().push(version);
        }
    }
    let mut changes: Vec<model::VersionChange> = chains
        .into_iter()
        .filter_map(|(key, chain)| Some(versions::changes(&app.vault, chain, newest.get(&key)?)))
        .flatten()
        .collect();
    changes.sort_by(|a, b| (b.at, &a.entity, &a.about, b.version).cmp(&(a.at, &b.entity, &b.about, a.version)));
    drop(newest);
    let today = app.clock.today();
    let vault = &app.vault;
    Ok(HouseholdFile {
        phone_masked: mask("phone", &open(vault, "household.phone", household.phone_enc.as_deref())),
        members: persons
            .into_iter()
            .map(|person| Member {
                id_masked: mask("id", &open(vault, "person.id", person.id_enc.as_deref())),
                phone_masked: mask("phone", &open(vault, "person.phone", person.phone_enc.as_deref())),
                age: age(&person.birth_date, today),
                person,
            })
            .collect(),
        helpers: helpers
            .into_iter()
            .map(|helper| {
                let phone = open(vault, "helper.phone", helper.phone_enc.as_deref());
                (helper, mask("phone", &phone))
            })
            .collect(),
        team: team
            .into_iter()
            .map(|member| {
                let phone = open(vault, "work_team_member.phone", member.phone_enc.as_deref());
                (member, mask("phone", &phone))
            })
            .collect(),
        household,
        places,
        incomes,
        monitoring,
        signals,
        findings,
        items,
        versions: changes,
        organisations,
    })
}

/// The households that an actor may open, where that is not every one of the scope: a helper those of the items assigned
/// to them, those that they help, and those of helpers for whom they stand in today.
///
/// # Errors
/// The database fails.
pub async fn own_households(app: &App, actor: &Actor) -> Result<Option<HashSet<Uuid>>, RegisterError> {
    let (Role::Helper, Some(user)) = (actor.role, actor.user_id) else {
        // A helper who is nobody in particular has nobody to help.
        return Ok((actor.role == Role::Helper && !actor.is_machine).then(HashSet::new));
    };
    let today = app.clock.today().to_string();
    let rows = store::helped_by(&app.db, &actor.scope, user, &actor.name, &actor.unit, &today).await?;
    Ok(Some(rows.into_iter().map(|row| row.0).collect()))
}

/// [`household_file`] as `actor` may.
///
/// # Errors
/// As there; [`RegisterError::NotFound`] also where it is not for this actor.
pub async fn household_file_for(app: &App, actor: &Actor, id: Uuid) -> Result<HouseholdFile, RegisterError> {
    if own_households(app, actor).await?.is_some_and(|own| !own.contains(&id)) {
        return Err(RegisterError::NotFound);
    }
    household_file(app, &actor.scope, id).await
}

/// Some households by id, as far as they lie in the scope.
///
/// # Errors
/// The database fails.
pub async fn households_of(app: &App, scope: &Scope, ids: &HashSet<Uuid>) -> Result<Vec<HouseholdLine>, RegisterError> {
    Ok(store::households_of(&app.db, scope, &ids.iter().copied().collect::<Vec<_>>()).await?)
}

/// The id of a household by its 户编号, if it exists within `scope`.
///
/// # Errors
/// The database fails.
pub async fn household_by_no(app: &App, scope: &Scope, no: &str) -> Result<Option<Uuid>, RegisterError> {
    Ok(store::household_by_no(&app.db, scope, no).await?.map(|household| household.id))
}

/// One division, its names public.
///
/// # Errors
/// The database fails.
pub async fn division(app: &App, code: &str) -> Result<Option<Division>, RegisterError> {
    Ok(store::division(&app.db, code).await?)
}

/// The divisions right below one; of "" the provinces.
///
/// # Errors
/// The database fails.
pub async fn division_children(app: &App, code: &str) -> Result<Vec<Division>, RegisterError> {
    Ok(store::division_children(&app.db, code).await?)
}

/// The divisions right below one with what is registered there.
///
/// # Errors
/// The database fails.
pub async fn places_below(app: &App, scope: &Scope, code: &str) -> Result<Vec<Place>, RegisterError> {
    Ok(store::places_below(&app.db, scope, code, 2_000).await?)
}

/// Households of a scope, for villages.
///
/// # Errors
/// The database fails.
pub async fn households_in(
    app: &App,
    scope: &Scope,
    offset: i64,
    limit: i64,
) -> Result<Vec<HouseholdLine>, RegisterError> {
    Ok(store::households_in(&app.db, scope, offset, limit).await?)
}

/// Shows one masked field in full: the audit entry and the reading are one transaction, and the value is opened only
/// once that is durable.
///
/// # Errors
/// [`RegisterError::NotFound`] where the subject does not belong to the household within the actor's scope,
/// [`RegisterError::EmptyField`], and what [`reveal::record`] refuses: right, reason, quota.
pub async fn reveal(
    app: &App,
    actor: &Actor,
    household_id: Uuid,
    subject: Subject,
    field: Field,
    reason: &str,
) -> Result<String, RegisterError> {
    let (actor, reason, now) = (actor.clone(), reason.to_owned(), app.clock.now_ms());
    let (place, sealed) = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let (home, _) = store::sealed_household_phone(tx, household_id)
                    .await?
                    .filter(|(division, _)| actor.scope.contains(division))
                    .ok_or(RegisterError::NotFound)?;
                let (kind, id, place, found) = match (subject, field) {
                    (Subject::Household, Field::Phone) => (
                        "household",
                        household_id,
                        "household.phone",
                        store::sealed_household_phone(tx, household_id).await?,
                    ),
                    (Subject::Person(id), Field::Id) => {
                        ("person", id, "person.id", store::sealed_person_id(tx, household_id, id).await?)
                    }
                    (Subject::Person(id), Field::Phone) => {
                        ("person", id, "person.phone", store::sealed_person_phone(tx, household_id, id).await?)
                    }
                    (Subject::Helper(id), Field::Phone) => {
                        ("helper", id, "helper.phone", store::sealed_helper_phone(tx, household_id, id).await?)
                    }
                    (Subject::TeamMember(id), Field::Phone) => (
                        "work_team_member",
                        id,
                        "work_team_member.phone",
                        // Of the household's own village only.
                        store::sealed_team_phone(tx, id)
                            .await?
                            .filter(|(division, _)| home.starts_with(division.as_str())),
                    ),
                    (_, Field::Id) => return Err(RegisterError::NotFound),
                };
                let (division_code, sealed) =
                    found.filter(|(division, _)| actor.scope.contains(division)).ok_or(RegisterError::NotFound)?;
                let sealed = sealed.ok_or(RegisterError::EmptyField)?;
                let entry =
                    Reveal { object_kind: kind, object_id: id.to_string(), division_code, field: field.name(), reason };
                reveal::record(tx, &actor, entry, now).await?;
                Ok((place, sealed))
            })
        })
        .await?;
    Ok(app.vault.open_text(place, &sealed)?)
}

/// A person's sealed ID number as it may be shown without a reason; empty if there is none.
pub fn masked_id(app: &App, sealed: Option<&[u8]>) -> String {
    mask("id", &open(&app.vault, "person.id", sealed))
}
