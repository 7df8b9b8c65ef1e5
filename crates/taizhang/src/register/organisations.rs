//! Organisations (单位): what is known of one, who of the registered work there, whom its people help.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use uuid::Uuid;

use super::model::{RegisterError, Source, VersionChange};
use super::versions::{self, Newest};
use super::{mask, open, organisation_store as store};
use crate::access::{Actor, Scope};
use crate::platform::App;

pub(super) use super::model::StoredVersion as OrganisationVersion;

/// The most lines of one list on an organisation's page.
pub const LINES: i64 = 200;
/// Lines that are sifted for somebody who may see a few households only.
const SIFTED: i64 = 5_000;

/// An organisation, newest version.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Organisation {
    #[serde(skip)]
    pub id: Uuid,
    pub name: String,
    /// GB 32100; empty if unknown.
    pub credit_code: String,
    pub kind: String,
    pub division_code: String,
    pub address: String,
    pub contact: String,
    #[serde(serialize_with = "super::model::sealed")]
    pub phone_enc: Option<Vec<u8>>,
    #[serde(skip)]
    pub version: i64,
    #[serde(skip)]
    pub sheet: String,
    #[serde(skip)]
    pub line: i64,
    #[serde(skip)]
    pub as_of: String,
    #[serde(skip)]
    pub recorded_at: i64,
    #[serde(skip)]
    pub file_name: String,
    /// Full name of its division; empty if unknown.
    #[serde(skip)]
    pub place: String,
}

impl Organisation {
    /// Where this version came from.
    pub fn source(&self) -> Source {
        Source {
            file: self.file_name.clone(),
            sheet: self.sheet.clone(),
            line: self.line,
            as_of: self.as_of.clone(),
            recorded_at: self.recorded_at,
        }
    }
}

/// An organisation in the results of the search box.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct OrganisationLine {
    pub id: Uuid,
    pub name: String,
    pub credit_code: String,
    pub place: String,
}

/// An organisation as a household's records name it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Named {
    /// As written there.
    pub spelling: String,
    pub id: Uuid,
    pub name: String,
    pub credit_code: String,
}

/// A registered person who works there.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Worker {
    pub household_id: Uuid,
    pub name: String,
    pub relation: String,
    pub head_name: String,
    pub work_place: String,
    pub place: String,
}

/// A household helped by somebody from there.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Helped {
    pub household_id: Uuid,
    /// The helper.
    pub name: String,
    pub head_name: String,
    pub household_no: String,
    pub start_date: String,
    pub end_date: String,
    pub place: String,
}

/// A member of a work team sent from there.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct TeamOf {
    pub name: String,
    pub team: String,
    pub role: String,
    pub start_date: String,
    pub end_date: String,
    pub place: String,
}

/// Everything about one organisation, as far as the actor may see it.
#[derive(Debug, Clone)]
pub struct OrganisationFile {
    /// The organisation.
    pub organisation: Organisation,
    /// Its phone, masked.
    pub phone: String,
    /// Other spellings of its name.
    pub spellings: Vec<String>,
    /// Registered persons who work there.
    pub workers: Vec<Worker>,
    /// Households helped from there.
    pub helped: Vec<Helped>,
    /// Members of work teams.
    pub teams: Vec<TeamOf>,
    /// Persons, households and members of teams in all; the lists may be cut.
    pub figures: (i64, i64, i64),
    /// What changed, newest first.
    pub versions: Vec<VersionChange>,
}

/// One organisation as `actor` may see it.
///
/// # Errors
/// [`RegisterError::NotFound`] where it does not exist or nobody of theirs has to do with it; the database fails.
pub async fn organisation_file(app: &App, actor: &Actor, id: Uuid) -> Result<OrganisationFile, RegisterError> {
    let own = super::own_households(app, actor).await?;
    file_among(app, &actor.scope, own.as_ref(), id).await
}

async fn file_among(
    app: &App,
    scope: &Scope,
    own: Option<&HashSet<Uuid>>,
    id: Uuid,
) -> Result<OrganisationFile, RegisterError> {
    let db = &app.db;
    let organisation = store::organisation(db, scope, id).await?.ok_or(RegisterError::NotFound)?;
    let limit = if own.is_some() { SIFTED } else { LINES };
    let (mut workers, mut helped, mut teams, mut figures, spellings, old) = tokio::try_join!(
        store::workers(db, scope, id, limit),
        store::helped(db, scope, id, limit),
        store::sent(db, scope, id, limit),
        store::figures(db, scope, id),
        store::spellings(db, id),
        store::versions(db, id),
    )?;
    if let Some(own) = own {
        workers.retain(|w| own.contains(&w.household_id));
        helped.retain(|h| own.contains(&h.household_id));
        teams.clear();
        if workers.is_empty() && helped.is_empty() {
            return Err(RegisterError::NotFound);
        }
        let households: HashSet<Uuid> = helped.iter().map(|h| h.household_id).collect();
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        figures = (count(workers.len()), count(households.len()), 0);
    }
    let newest = Newest {
        about: String::new(),
        version: organisation.version,
        as_of: organisation.as_of.clone(),
        file: organisation.file_name.clone(),
        data: serde_json::to_value(&organisation).unwrap_or_default(),
    };
    let phone = open(&app.vault, "organisation.phone", organisation.phone_enc.as_deref());
    Ok(OrganisationFile {
        phone: mask("phone", &phone),
        spellings: spellings.into_iter().map(|row| row.0).filter(|name| *name != organisation.name).collect(),
        workers,
        helped,
        teams,
        figures,
        versions: versions::changes(&app.vault, old, &newest),
        organisation,
    })
}

/// The organisations that a household's members, helpers and work team name, by the name as written there.
pub(super) async fn of_household(
    app: &App,
    scope: &Scope,
    household: Uuid,
    village: &str,
) -> Result<HashMap<String, Named>, RegisterError> {
    let found = store::of_household(&app.db, scope, household, village).await?;
    Ok(found.into_iter().map(|named| (named.spelling.clone(), named)).collect())
}

/// How organisations are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum By<'a> {
    /// A part of the name, as written.
    Name(&'a str),
    /// The beginning of the name in letters or of its initials.
    Letters(&'a str),
    /// The beginning of the credit code.
    Code(&'a str),
}

/// Looks for organisations; of those found, for somebody with a few households, the ones that these have to do with.
pub(super) async fn find(
    app: &App,
    scope: &Scope,
    own: Option<&HashSet<Uuid>>,
    by: By<'_>,
    limit: i64,
) -> Result<Vec<OrganisationLine>, RegisterError> {
    let db = &app.db;
    let mut found = match by {
        By::Name(text) => {
            let folded = codes::name::fold(text);
            // One character is in nearly every name.
            if folded.chars().count() < 2 {
                return Ok(Vec::new());
            }
            store::named(db, scope, &folded, limit).await?
        }
        By::Letters(text) => store::sounding(db, scope, text, limit).await?,
        By::Code(text) => store::coded(db, scope, text, limit).await?,
    };
    if own.is_some() {
        let mut theirs = Vec::new();
        for line in found {
            match file_among(app, scope, own, line.id).await {
                Ok(_) => theirs.push(line),
                Err(RegisterError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        found = theirs;
    }
    Ok(found)
}
