//! What a shock does to each household, by the policy profile (研判).
//!
//! Records and signals go in, findings come out; nothing else is written. A run for some households and a run for
//! everybody agree: both evaluate the same view of a household with the same pure rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub(crate) mod ask;
mod changes;
pub mod evaluate;
pub(crate) mod everybody;
pub mod income;
pub mod lines;
pub mod model;
pub mod modes;
pub mod modes_words;
pub mod pages;
pub mod profile;
mod profile_pages;
mod profile_store;
pub mod rules;
mod settle_store;
mod store;
pub mod tiers;
mod view_store;
mod visit_view_store;
pub mod what_if;
mod what_if_pages;
mod what_if_store;
pub mod working_days;

pub use changes::Change;
pub(crate) use changes::{changes_in_words, explain};
pub use pages::handlers;
pub use profile::{Profile, ProfileError};
pub use profile_store::Term;
pub(crate) use settle_store::assess_chunk;
pub(crate) use store::{FINDING_COLUMNS, Frame, division_names, mark_due, places, take_turn};
pub use store::{Finding, RuleCount, TierRow, finding, findings_of_household, rule_counts, tiers as county_tiers};

use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability, Scope};
use crate::platform::{App, Db, DbError, ErrorKind, Lang, Tx, UserError, i18n, ids};
use model::{EndReason, Evidence, Tier};
use profile::plan;
use rules::TierMap;

/// A signal may be stamped this long before its transaction ends, milliseconds.
const STAMP_SLACK_MS: i64 = 10 * 60 * 1000;

/// Why an assessment was not done.
#[derive(Debug, thiserror::Error)]
pub enum AssessError {
    /// The profile is faulty.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// That version of the profile was loaded before with another text.
    #[error("profile {key} version {version} is already loaded with another text")]
    VersionTaken {
        /// Key of the profile.
        key: String,
        /// Its version.
        version: i64,
    },
    /// The actor may not.
    #[error("may not run assessments")]
    Forbidden,
    /// A deadline in working days reaches into a year whose notice is not known.
    #[error(transparent)]
    Calendar(#[from] working_days::UnknownYear),
    /// A rule takes too many steps for a household.
    #[error(transparent)]
    Budget(#[from] rules::TooManySteps),
    /// No such version of a profile.
    #[error("no profile {0}")]
    NoProfile(String),
    /// Not the number of a version.
    #[error("not a version: {0}")]
    Version(String),
    /// A reader ended before everything was read.
    #[error("not everything was read")]
    Lost,
    /// Somebody cancelled the run; whole households were done or left alone.
    #[error("cancelled")]
    Cancelled,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl UserError for AssessError {
    fn code(&self) -> &'static str {
        match self {
            Self::Profile(inner) => inner.code(),
            Self::VersionTaken { .. } => "assess.version_taken",
            Self::Forbidden => "assess.forbidden",
            Self::Calendar(_) => "assess.calendar",
            Self::Budget(_) => "assess.budget",
            Self::NoProfile(_) => "assess.no_profile",
            Self::Version(_) => "assess.version",
            Self::Lost => "assess.lost",
            Self::Cancelled => "assess.cancelled",
            Self::Db(inner) => inner.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Profile(inner) => inner.kind(),
            Self::VersionTaken { .. } | Self::Cancelled => ErrorKind::Conflict,
            Self::Forbidden => ErrorKind::Forbidden,
            Self::Calendar(_) | Self::Budget(_) => ErrorKind::Conflict,
            Self::NoProfile(_) => ErrorKind::NotFound,
            Self::Version(_) => ErrorKind::Invalid,
            Self::Lost => ErrorKind::Internal,
            Self::Db(inner) => inner.kind(),
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Profile(inner) => inner.args(),
            Self::VersionTaken { key, version } => {
                vec![("key", key.clone()), ("version", version.to_string())]
            }
            Self::Db(inner) => inner.args(),
            Self::Calendar(inner) => vec![("year", inner.0.to_string())],
            Self::Budget(inner) => {
                vec![("rule", inner.rule.clone()), ("household", inner.household.to_string())]
            }
            Self::NoProfile(name) => vec![("name", name.clone())],
            Self::Version(value) => vec![("value", value.clone())],
            Self::Forbidden | Self::Lost | Self::Cancelled => Vec::new(),
        }
    }

    fn message(&self, lang: Lang) -> String {
        match self {
            Self::Profile(inner) => inner.message(lang),
            Self::Db(inner) => inner.message(lang),
            other => i18n::text_with(lang, &format!("error-{}", other.code().replace('.', "-")), &other.args()),
        }
    }
}

/// What a run did to the findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct FindingChanges {
    /// Households evaluated.
    pub households: u64,
    /// New findings.
    pub opened: u64,
    /// Findings that came back after they had ended.
    pub returned: u64,
    /// Findings that hold on other evidence.
    pub changed: u64,
    /// Findings that no longer hold.
    pub ended: u64,
    /// Findings that hold as before.
    pub unchanged: u64,
}

impl FindingChanges {
    pub(crate) fn add(&mut self, other: Self) {
        self.households += other.households;
        self.opened += other.opened;
        self.returned += other.returned;
        self.changed += other.changed;
        self.ended += other.ended;
        self.unchanged += other.unchanged;
    }
}

/// A profile in force, with the id of its version.
#[derive(Debug, Clone)]
pub struct LoadedProfile {
    /// Id of the version.
    pub id: Uuid,
    /// The profile.
    pub profile: Arc<Profile>,
    /// Whether this call brought something new.
    pub is_new: bool,
    /// ISO day from which it is in force; empty for from the beginning.
    pub from_day: String,
}

/// Checks a profile and puts it in force from its day on, or from today where that has passed. The same text again
/// changes nothing while it is the last one that was applied.
///
/// # Errors
/// The text is faulty (every fault is told), an example comes out otherwise than it says, its version is taken by another
/// text, the actor may not, or the database fails.
pub async fn load_profile(app: &App, actor: &Actor, toml_text: &str) -> Result<LoadedProfile, AssessError> {
    load_profile_file(app, actor, "profile.toml", toml_text).await
}

/// [`load_profile`] with the file's name for messages.
///
/// # Errors
/// As [`load_profile`].
pub async fn load_profile_file(
    app: &App,
    actor: &Actor,
    file: &str,
    toml_text: &str,
) -> Result<LoadedProfile, AssessError> {
    if !actor.may(Capability::RunAssessment) {
        return Err(AssessError::Forbidden);
    }
    put_in_force(app, actor, file, toml_text, false).await
}

async fn put_in_force(
    app: &App,
    actor: &Actor,
    file: &str,
    text: &str,
    from_the_beginning: bool,
) -> Result<LoadedProfile, AssessError> {
    let profile = Arc::new(profile::check(file, text)?);
    let sha256 = ids::hex(&Sha256::digest(text.as_bytes()));
    let today = app.clock.today().to_string();
    let from = match from_the_beginning {
        true => String::new(),
        false => today.max(profile.effective_from.clone()),
    };
    let (text, parsed, actor, now) = (text.to_owned(), Arc::clone(&profile), actor.clone(), app.clock.now_ms());
    let (id, is_new, from_day) = app
        .db
        .write::<_, AssessError, _>(move |tx| {
            Box::pin(async move {
                take_turn(tx).await?;
                let last = profile_store::last_term(tx).await?;
                let id = match profile_store::find(tx, &parsed.key, parsed.version).await? {
                    Some(row) if row.sha256 != sha256 => {
                        return Err(AssessError::VersionTaken { key: parsed.key.clone(), version: parsed.version });
                    }
                    Some(row) => row.id,
                    None => profile_store::insert(tx, &parsed, &text, &sha256, actor.user_id, now).await?,
                };
                let seq = match last {
                    Some((_, applied, from_day)) if applied == id => return Ok((id, false, from_day)),
                    Some((seq, ..)) => seq + 1,
                    None => 1,
                };
                profile_store::add_term(tx, seq, id, &from, actor.user_id, now).await?;
                let entry = Entry {
                    action: "profile.load",
                    object_kind: "policy_profile",
                    object_id: id.to_string(),
                    division_code: actor.scope.root(),
                    reason: "",
                    detail: serde_json::json!({
                        "key": parsed.key, "version": parsed.version, "sha256": sha256, "from_day": from,
                    }),
                };
                audit::record(tx, &actor, entry, now).await?;
                Ok((id, true, from))
            })
        })
        .await?;
    Ok(LoadedProfile { id, profile, is_new, from_day })
}

/// The profile in force today; the built-in one is put in force where there is none yet.
///
/// # Errors
/// The stored text is faulty or the database fails.
pub async fn active_profile(app: &App, actor: &Actor) -> Result<LoadedProfile, AssessError> {
    match profile_store::in_force(&app.db, app.clock.today()).await? {
        Some(row) => {
            let profile = parsed(row.id, &row.source)?;
            Ok(LoadedProfile { id: row.id, profile, is_new: false, from_day: row.from_day })
        }
        None => put_in_force(app, actor, profile::BUILT_IN_FILE, profile::BUILT_IN, true).await,
    }
}

/// Every time that a profile was applied: those of coming days first, then the one in force, then those before it.
///
/// # Errors
/// The database fails.
pub async fn profile_terms(db: &Db) -> Result<Vec<Term>, DbError> {
    profile_store::terms(db).await
}

/// What each line of [`profile_terms`] is on a day: `coming`, `in_force`, or `past`.
pub fn term_states(terms: &[Term], today: &str) -> Vec<&'static str> {
    let mut found = false;
    terms
        .iter()
        .map(|term| {
            if term.from_day.as_str() > today {
                "coming"
            } else if found {
                "past"
            } else {
                found = true;
                "in_force"
            }
        })
        .collect()
}

/// Versions read so far. A version never changes, and its id is its own on every machine; so none is read twice.
static PROFILES: Mutex<BTreeMap<Uuid, Arc<Profile>>> = Mutex::new(BTreeMap::new());
/// Versions kept: far more than are in use at once.
const PROFILES_KEPT: usize = 64;

fn known(id: Uuid) -> Option<Arc<Profile>> {
    PROFILES.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
}

fn parsed(id: Uuid, text: &str) -> Result<Arc<Profile>, AssessError> {
    if let Some(profile) = known(id) {
        return Ok(profile);
    }
    let profile = Arc::new(profile::parse("policy_profile", text)?);
    let mut all = PROFILES.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= PROFILES_KEPT {
        all.clear();
    }
    all.insert(id, Arc::clone(&profile));
    Ok(profile)
}

/// The tiers that a county has had up to `day`, the oldest first, from its cases as they are known now.
///
/// # Errors
/// The database fails.
pub async fn tier_history(
    app: &App,
    profile: &Profile,
    county: &str,
    day: NaiveDate,
) -> Result<Vec<modes::Spell>, DbError> {
    let cases = store::cases_of(&app.db, county, &profile.tiers.case_kinds, day).await?;
    Ok(modes::spells(&cases, day, &profile.tiers))
}

/// The income lines of the profile in force on a day; the built-in ones where it has none, or cannot be read.
///
/// # Errors
/// The database fails.
pub async fn income_lines(db: &Db, day: NaiveDate) -> Result<lines::IncomeLines, DbError> {
    let stored = profile_store::in_force(db, day).await?.and_then(|row| parsed(row.id, &row.source).ok());
    let lines = stored.map(|profile| profile.income_lines.clone()).filter(|lines| !lines.0.is_empty());
    Ok(lines.unwrap_or_else(|| {
        profile::parse(profile::BUILT_IN_FILE, profile::BUILT_IN).map(|p| p.income_lines).unwrap_or_default()
    }))
}

/// The profile in force on a day, if one was ever applied; nothing is applied to answer.
///
/// # Errors
/// The stored profile is faulty or the database fails.
pub async fn stored_profile(db: &Db, day: NaiveDate) -> Result<Option<Profile>, AssessError> {
    match profile_store::in_force(db, day).await? {
        Some(row) => Ok(Some(profile::parse("policy_profile", &row.source)?)),
        None => Ok(None),
    }
}

/// A profile version by its id: the one that made a finding or item.
///
/// # Errors
/// The database fails or does not know it.
pub async fn profile_by_id(db: &Db, id: Uuid) -> Result<Arc<Profile>, AssessError> {
    if let Some(profile) = known(id) {
        return Ok(profile);
    }
    let (text,) = profile_store::text(db, id).await?.ok_or(DbError::NotFound)?;
    parsed(id, &text)
}

/// The text of a profile version.
///
/// # Errors
/// The database fails or does not know it.
pub(crate) async fn profile_text(db: &Db, id: Uuid) -> Result<String, AssessError> {
    Ok(profile_store::text(db, id).await?.ok_or(DbError::NotFound)?.0)
}

/// County tiers of a day.
#[derive(Debug, Clone, Default)]
pub(crate) struct TierRun {
    pub(crate) map: Arc<TierMap>,
    pub(crate) counts: BTreeMap<String, u64>,
}

/// The tiers of `day`: those computed before where neither a list nor the profile has changed since.
pub(crate) async fn tiers_now(app: &App, loaded: &LoadedProfile, day: NaiveDate) -> Result<TierRun, AssessError> {
    let basis = store::tier_basis(&app.db).await?;
    if basis.lists != basis.done || basis.on_date != day.to_string() || basis.profile_id != Some(loaded.id) {
        return run_tiers(app, loaded, day).await;
    }
    let map = store::latest_tiers(&app.db).await?;
    let mut counts: BTreeMap<String, u64> = Tier::ALL.iter().map(|tier| (tier.name().to_owned(), 0)).collect();
    for (tier, n) in store::tier_counts(&app.db, day).await? {
        counts.insert(tier, n.unsigned_abs());
    }
    Ok(TierRun { map: Arc::new(map), counts })
}

/// Computes the tiers of `day` from the lists and stores them. The households of those who work in a county whose tier
/// has changed are put on the list of the next assessment with it.
pub(crate) async fn run_tiers(app: &App, loaded: &LoadedProfile, day: NaiveDate) -> Result<TierRun, AssessError> {
    let policy = &loaded.profile.tiers;
    // Before the lists are read: what changes after them is computed again.
    let basis = store::tier_basis(&app.db).await?.lists;
    let cases = store::county_cases(&app.db, &policy.case_kinds, day).await?;
    let before = store::latest_tiers(&app.db).await?;
    let none = tiers::CountyCases::default();
    let mut all: BTreeMap<String, (tiers::CountyTier, String)> = BTreeMap::new();
    let known = store::counties(&app.db).await?.into_iter().map(|row| row.0);
    for county in known.chain(cases.keys().cloned()) {
        let of = cases.get(&county).unwrap_or(&none);
        let since = tiers::tier_since(of, day, policy).map(|d| d.to_string()).unwrap_or_default();
        all.insert(county, (tiers::tier(of, day, policy), since));
    }
    let map: TierMap = all
        .iter()
        .filter(|(_, (found, _))| found.tier != Tier::Low)
        .map(|(county, (found, since))| (county.clone(), (found.tier, since.clone())))
        .collect();
    let changed: BTreeSet<&String> =
        before.keys().chain(map.keys()).filter(|county| before.get(*county) != map.get(*county)).collect();
    let mut workers = BTreeSet::new();
    for county in changed {
        let rows = view_store::households_working_in(&app.db, county, &Scope::everything()).await?;
        workers.extend(rows.into_iter().map(|row| row.0));
    }
    let mut counts: BTreeMap<String, u64> = Tier::ALL.iter().map(|tier| (tier.name().to_owned(), 0)).collect();
    for (found, _) in all.values() {
        *counts.entry(found.tier.name().to_owned()).or_default() += 1;
    }
    let (profile_id, now) = (loaded.id, app.clock.now_ms());
    app.db
        .write::<_, AssessError, _>(move |tx| {
            Box::pin(async move {
                take_turn(tx).await?;
                store::write_tiers(tx, day, &all, profile_id).await?;
                store::set_tier_basis(tx, basis, day, profile_id).await?;
                store::mark_due(tx, &workers, now).await?;
                Ok(())
            })
        })
        .await?;
    Ok(TierRun { map: Arc::new(map), counts })
}

async fn servants(app: &App) -> Result<view_store::Servants, AssessError> {
    app.db.write::<_, AssessError, _>(|tx| Box::pin(async move { Ok(view_store::servants(tx).await?) })).await
}

/// Counties whose tier some rule needs to hold.
fn counties_asked_for<'a>(profile: &Profile, map: &'a TierMap) -> Vec<&'a String> {
    let needed = profile.rules.iter().fold(0, |mask, rule| mask | rule.when.guard().unwrap_or(0));
    map.iter().filter(|(_, (tier, _))| needed & plan::work_bit(*tier) != 0).map(|(county, _)| county).collect()
}

/// Households of a scope that any rule could say something about, and how many: found by index, and the whole scope
/// only for a rule that asks everybody by reading the register.
pub(crate) async fn candidates(
    app: &App,
    loaded: &LoadedProfile,
    map: &TierMap,
    scope: &Scope,
    day: NaiveDate,
) -> Result<(everybody::Source, u64), AssessError> {
    let everybody = loaded.profile.asks_everybody();
    if everybody && scope.root().is_empty() {
        let (count,) = view_store::households_in_all(&app.db).await?;
        return Ok((everybody::Source::Register, count.unsigned_abs()));
    }
    let mut out = view_store::households_touched(&app.db, scope).await?;
    out.extend(store::due_in(&app.db, scope).await?.into_iter().map(|row| row.0));
    if everybody {
        out.extend(view_store::households_in(&app.db, scope).await?.into_iter().map(|row| row.0));
    } else {
        out.extend(view_store::households_served(&app.db, &servants(app).await?, day).await?);
        for county in counties_asked_for(&loaded.profile, map) {
            out.extend(view_store::households_working_in(&app.db, county, scope).await?.into_iter().map(|row| row.0));
        }
    }
    let count = out.len() as u64;
    Ok((everybody::Source::Given(out.into_iter().collect()), count))
}

/// The given households and those that changed facts reach beyond them: other households of the same helper or team, and
/// those put on the list by a change of the register or of a county's tier.
pub(crate) async fn reached(app: &App, given: &[Uuid], day: NaiveDate) -> Result<Vec<Uuid>, AssessError> {
    let since: i64 = app.db.write::<_, AssessError, _>(|tx| Box::pin(async move { Ok(take_turn(tx).await?) })).await?;
    let (mut out, servants_changed) = view_store::changed_since(&app.db, since - STAMP_SLACK_MS).await?;
    out.extend(given.iter().copied());
    if servants_changed {
        out.extend(view_store::households_served(&app.db, &servants(app).await?, day).await?);
    }
    out.extend(store::due(&app.db).await?.into_iter().map(|row| row.0));
    Ok(out.into_iter().collect())
}

/// How many households of a scope wait for an assessment because the register changed under their signals.
///
/// # Errors
/// The database fails.
pub async fn waiting(app: &App, scope: &Scope) -> Result<usize, AssessError> {
    Ok(store::due_in(&app.db, scope).await?.len())
}

/// Takes findings along with the people and households that an import moved, and puts every household that a rule may
/// now see otherwise on the list of the next assessment; `moved` are those whose signals moved. Returns the households
/// with a finding that moved.
pub(crate) async fn follow_register(
    tx: &mut Tx,
    import: Uuid,
    moved: &BTreeSet<Uuid>,
    day: NaiveDate,
    now: i64,
) -> Result<Vec<Uuid>, DbError> {
    let found = store::move_findings(tx, now).await?;
    store::mark_due(tx, moved, now).await?;
    store::mark_due(tx, &found, now).await?;
    let profile = match profile_store::in_force_in(tx, day).await? {
        Some(row) => parsed(row.id, &row.source).ok(),
        None => None,
    };
    // Rules that need a signal are touched through signals, also where they read the register besides; the others by
    // whatever the register says.
    let everybody = profile.is_some_and(|profile| profile.asks_everybody());
    store::mark_imported(tx, import, everybody, now).await?;
    Ok(found.into_iter().collect())
}

/// What items are brought in line with inside a transaction that changes the register; none while there is no profile,
/// and so neither finding nor item. A stored profile that this version cannot read must not keep files out of the
/// register: the items follow when the next assessment says what is wrong with it.
pub(crate) async fn frame_in(tx: &mut Tx, day: NaiveDate, now: i64) -> Result<Option<Frame>, DbError> {
    let Some(id) = profile_store::id_in_force(tx, day).await? else {
        return Ok(None);
    };
    let read = match known(id) {
        Some(profile) => Ok(profile),
        None => match profile_store::text_in(tx, id).await? {
            Some(text) => parsed(id, &text),
            None => return Ok(None),
        },
    };
    let read = read.and_then(|profile| {
        profile.deadlines_from(day)?;
        Ok(profile)
    });
    match read {
        Ok(profile) => Ok(Some(Frame { profile_id: id, profile, tiers: Arc::default(), day, now })),
        Err(error) => {
            tracing::warn!(%error, "the profile in force cannot be used");
            Ok(None)
        }
    }
}

/// What one household is assessed with inside the transaction that changed it: the profile in force and the tiers as they
/// were last computed. None while no profile was ever applied, or the stored one cannot be used.
pub(crate) async fn frame_now(tx: &mut Tx, day: NaiveDate, now: i64) -> Result<Option<Frame>, DbError> {
    let Some(mut frame) = frame_in(tx, day, now).await? else {
        return Ok(None);
    };
    frame.tiers = Arc::new(store::latest_tiers_in(tx).await?);
    Ok(Some(frame))
}

/// The findings of one household that a write has changed.
#[derive(Debug, Clone, Default)]
pub struct HouseholdFindings {
    /// What became of its findings.
    pub changes: FindingChanges,
    /// Those that are new, came back, or rest on another shock besides.
    pub opened: Vec<Finding>,
    /// Those that hold no longer.
    pub ended: Vec<Finding>,
}

/// Assesses one household inside the transaction that changed it. The caller has the turn.
///
/// # Errors
/// A rule takes too many steps, or the database fails.
pub(crate) async fn household_in(
    tx: &mut Tx,
    frame: &Frame,
    household: Uuid,
) -> Result<HouseholdFindings, AssessError> {
    let servants = view_store::servants_for(tx, &frame.profile).await?;
    let written = settle_store::assess_ids(tx, frame, &servants, &[household]).await?;
    let mut out = HouseholdFindings { changes: written.changes, ..HouseholdFindings::default() };
    if written.opened.is_empty() && written.ended.is_empty() {
        return Ok(out);
    }
    for finding in store::findings_by_id(tx, &[written.opened.as_slice(), &written.ended].concat()).await? {
        let list = if written.ended.contains(&finding.id) { &mut out.ended } else { &mut out.opened };
        list.push(finding);
    }
    Ok(out)
}

/// Remembers when a run began, so that the next one for some households looks no further back.
pub(crate) async fn remember_turn(app: &App, began_ms: i64) -> Result<(), AssessError> {
    app.db.write::<_, AssessError, _>(move |tx| Box::pin(async move { Ok(store::set_turn(tx, began_ms).await?) })).await
}

/// Evidence in words, one line each, for somebody of that scope: a name outside it stays out.
///
/// # Errors
/// The database fails.
pub async fn evidence_in_words(
    app: &App,
    scope: &Scope,
    profile: &Profile,
    evidence_json: &str,
    lang: Lang,
) -> Result<Vec<String>, AssessError> {
    let evidence: Vec<Evidence> = serde_json::from_str(evidence_json).unwrap_or_default();
    let mut carriers = Vec::new();
    let mut counties = Vec::new();
    for entry in &evidence {
        match entry {
            Evidence::Signal { carrier, .. } | Evidence::Fact { carrier, .. } => carriers.extend(*carrier),
            Evidence::WorkTier { carrier, county, .. } => {
                carriers.push(*carrier);
                counties.push(county.clone());
            }
        }
    }
    let names = store::names(&app.db, scope, &carriers).await?;
    let divisions = division_names(&app.db, &counties).await?;
    let who = |carrier: Option<&Uuid>| {
        carrier.and_then(|id| names.get(id).cloned()).unwrap_or_else(|| i18n::text(lang, "evidence-somebody"))
    };
    Ok(evidence
        .iter()
        .map(|entry| match entry {
            Evidence::Signal { kind, fact_date, relation, carrier, value, source, .. } => {
                let key = match (relation.as_str(), carrier.is_some()) {
                    ("helper", _) => "evidence-helper",
                    ("team_member", _) => "evidence-team",
                    (_, true) => "evidence-person",
                    (_, false) => "evidence-household",
                };
                let fact = match value {
                    // What a check came to is called as the profile calls it.
                    Some(value) if kind.starts_with("check.") => format!(
                        "{}{}{}",
                        i18n::text(lang, &format!("signal-{}", kind.replace('.', "-"))),
                        i18n::text(lang, "colon"),
                        profile::checks::Checks::of(profile).signal_value(kind, value, lang).unwrap_or_default()
                    ),
                    Some(value) => i18n::text_with(
                        lang,
                        &format!("signal-value-{}", kind.replace('.', "-")),
                        &[("value", value_in_words(value))],
                    ),
                    None => i18n::text(lang, &format!("signal-{}", kind.replace('.', "-"))),
                };
                i18n::text_with(
                    lang,
                    key,
                    &[
                        ("who", who(carrier.as_ref())),
                        ("fact", fact),
                        ("day", fact_date.clone()),
                        ("source", i18n::text(lang, &format!("list-{}", source.replace('.', "-")))),
                    ],
                )
            }
            Evidence::WorkTier { county, tier, since, carrier } => i18n::text_with(
                lang,
                "evidence-work",
                &[
                    ("who", who(Some(carrier))),
                    ("county", divisions.get(county).cloned().unwrap_or_else(|| county.clone())),
                    (
                        "tier",
                        profile
                            .tiers
                            .names
                            .get(tier.name())
                            .map_or_else(|| tier.name().to_owned(), |w| w.get(lang).to_owned()),
                    ),
                    ("day", since.clone()),
                ],
            ),
            Evidence::Fact { of, field, value, carrier } => {
                let (name, said) = profile::words::fact(profile, of, field, value, lang);
                match carrier {
                    Some(id) => i18n::text_with(
                        lang,
                        "evidence-fact-person",
                        &[("who", who(Some(id))), ("field", name), ("value", said)],
                    ),
                    None => i18n::text_with(lang, "evidence-fact-household", &[("field", name), ("value", said)]),
                }
            }
        })
        .collect())
}

/// An amount as people write it: thousands apart; anything else as it is.
pub(crate) fn value_in_words(value: &str) -> String {
    let (whole, rest) = value.split_once('.').unwrap_or((value, ""));
    if whole.is_empty() || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return value.to_owned();
    }
    let mut out = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if rest.is_empty() { out } else { format!("{out}.{rest}") }
}

/// An end reason in words; nothing where there is none.
pub fn end_reason_in_words(end_reason_json: &str, lang: Lang) -> String {
    let signal = |kind: &str| i18n::text(lang, &format!("signal-{}", kind.replace('.', "-")));
    let because = |reason: &str| {
        let key = format!("signal-reason-{reason}");
        if !reason.is_empty() && i18n::has(lang, &key) {
            i18n::text(lang, &key)
        } else {
            i18n::text(lang, "signal-reason-other")
        }
    };
    match serde_json::from_str(end_reason_json) {
        Ok(EndReason::Withdrawn { kind, reason }) => {
            i18n::text_with(lang, "end-withdrawn", &[("fact", signal(&kind)), ("reason", because(&reason))])
        }
        Ok(EndReason::Superseded { kind, reason }) => {
            i18n::text_with(lang, "end-superseded", &[("fact", signal(&kind)), ("reason", because(&reason))])
        }
        Ok(EndReason::Changed) => i18n::text(lang, "end-changed"),
        Ok(EndReason::RuleGone) => i18n::text(lang, "end-rule_gone"),
        Ok(EndReason::HouseholdGone) => i18n::text(lang, "end-household_gone"),
        Err(_) => String::new(),
    }
}
