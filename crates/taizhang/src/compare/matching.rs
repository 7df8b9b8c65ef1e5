//! The list against the register: rows become records, the register streams past them, pairs become candidates.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use codes::Sex;
use linkage::engine::{Batches, Evidence, LinkError, List, Match, Model, Options, RULES, Report, link_records};
use linkage::{Birth, Id, Place, Record};
use uuid::Uuid;

use super::lists::{self, digits_of};
use super::model::{CompareError, HouseholdPlace, NewCandidate, Registered, RegistryPerson, Subject};
use super::weigh::{self, HOME_BITS, MOST, Tier, Weighed};
use super::{models, staff, store};
use crate::access::Scope;
use crate::platform::jobs::Progress;
use crate::platform::vault::VaultError;
use crate::platform::{App, DbError, Reader, Vault, ids};

/// Registered persons that travel together from the database to a worker.
const BATCH: usize = 2_000;
/// Connections that read the register beside each other.
pub(super) const READERS: usize = 2;

/// A registered person, household or member of staff that a row may be.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) subject: Subject,
    pub(super) subject_id: Uuid,
    pub(super) household_id: Option<Uuid>,
    /// Of the person's record; 0 where that is not kept.
    pub(super) version: i64,
    pub(super) division: String,
    pub(super) weighed: Weighed,
    pub(super) automatic: bool,
}

impl Found {
    pub(super) fn candidate(self, row: Uuid, comparison: Uuid, model_version: i64) -> NewCandidate {
        NewCandidate {
            id: ids::new_id(),
            list_row_id: row,
            comparison_id: comparison,
            subject: self.subject,
            subject_id: self.subject_id,
            household_id: self.household_id,
            division_code: self.division,
            tier: self.weighed.tier.name().to_owned(),
            score: self.weighed.bits,
            explanation: self.weighed.explanation(),
            signature: self.weighed.signature,
            verdict: if self.automatic { "auto" } else { "pending" }.to_owned(),
            decided_by: None,
            decided_at: None,
            note: String::new(),
            model_version,
            subject_version: self.version,
        }
    }
}

/// What holding a list against the register came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// For each row what it may be, the best first.
    pub(super) found: Vec<Vec<Found>>,
    /// Registered persons that the list was held against.
    pub(super) persons: i64,
    pub(super) rules: RuleFigures,
    /// The model that weighed.
    pub(super) model_version: i64,
    /// The imports that the register was seen with, for [`store::catch_up`].
    pub(super) imports: i64,
}

/// What the search rules did.
#[derive(Debug, Clone, Default)]
pub(super) struct RuleFigures {
    /// Share of matches that they are thought to find; none where nothing was found.
    pub(super) recall: Option<f64>,
    /// Pairs compared.
    pub(super) compared: i64,
    /// Pairs that are more likely one person than not.
    pub(super) likely: i64,
    pub(super) rules: Vec<RuleFigure>,
}

/// What one search rule did.
#[derive(Debug, Clone, Copy)]
pub(super) struct RuleFigure {
    pub(super) rule: &'static str,
    pub(super) pairs: i64,
    pub(super) pairs_alone: i64,
    pub(super) matches: i64,
    pub(super) matches_alone: i64,
    pub(super) crowded_rows: i64,
}

impl RuleFigures {
    fn of(report: &Report, likely: usize) -> Self {
        let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let rules = RULES.iter().zip(&report.rules).map(|(rule, r)| RuleFigure {
            rule,
            pairs: signed(r.pairs),
            pairs_alone: signed(r.alone),
            matches: signed(r.matches),
            matches_alone: signed(r.matches_alone),
            crowded_rows: signed(r.crowded_rows),
        });
        Self {
            recall: report.recall,
            compared: signed(report.pairs),
            likely: signed(likely as u64),
            rules: rules.collect(),
        }
    }
}

pub(super) struct Matcher<'a> {
    app: &'a App,
    scope: &'a Scope,
}

impl<'a> Matcher<'a> {
    pub(super) fn new(app: &'a App, scope: &'a Scope) -> Self {
        Self { app, scope }
    }

    /// What each row may be (with the division where it says that the person lives). What is found for a row does not
    /// depend on the other rows, unless more of them than the engine looks at share all that could find it. Everything is
    /// read from the register as it is at one moment.
    pub(super) async fn find(
        &self,
        rows: &[(&lists::Row, &str)],
        progress: &Progress,
    ) -> Result<Outcome, CompareError> {
        let model = models::in_force(self.app).await?;
        let mut readers = self.app.db.readers(READERS).await?;
        let first = readers.first_mut().ok_or(DbError::Closed)?;
        let total = store::count_persons(first, self.scope).await?;
        progress.stage("job-stage-compare-registry", u64::try_from(total).unwrap_or(0));
        let imports = store::imports_seen(first).await?;
        let mut outcome = Outcome { model_version: model.version, imports, ..Outcome::default() };
        if rows.is_empty() {
            return Ok(outcome);
        }
        let homes = self.homes(first, rows).await?;
        let vault = &self.app.vault;
        let list: Vec<Record> = rows
            .iter()
            .enumerate()
            .map(|(at, (row, division))| record_of(vault, at as u128, row, division, homes.get(&row.household_no)))
            .collect();
        let (linked, mut first) = self.link(list, readers, &model.model, progress).await?;
        outcome.persons = linked.persons;
        outcome.rules = linked.rules;
        if outcome.persons == 0 {
            return Err(CompareError::EmptyRegister);
        }
        let mut wanted: Vec<Uuid> = linked.candidates.iter().flatten().map(|(id, _)| *id).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let known: HashMap<Uuid, Registered> =
            store::registered(&mut first, &wanted, self.scope).await?.into_iter().map(|p| (p.id, p)).collect();
        outcome.found.reserve(rows.len());
        for candidates in linked.candidates {
            let automatic = weigh::is_automatic(candidates.iter().map(|(_, weighed)| weighed));
            let shown = if automatic { 1 } else { candidates.len() };
            let mut found = Vec::with_capacity(shown);
            for (id, weighed) in candidates.into_iter().take(shown) {
                let Some(person) = known.get(&id) else { continue };
                let subject = if weighed.tier == Tier::Household { Subject::Household } else { Subject::Person };
                let is_person = subject == Subject::Person;
                found.push(Found {
                    subject,
                    subject_id: if is_person { person.id } else { person.household_id },
                    household_id: Some(person.household_id),
                    version: if is_person { person.version } else { 0 },
                    division: person.division_code.clone(),
                    weighed,
                    automatic,
                });
            }
            outcome.found.push(found);
        }
        staff::find(self.app, &mut first, &model.model, self.scope, rows, &mut outcome.found).await?;
        Ok(outcome)
    }

    /// Where the households are registered that rows name by their number.
    async fn homes(
        &self,
        reader: &mut Reader,
        rows: &[(&lists::Row, &str)],
    ) -> Result<HashMap<String, String>, CompareError> {
        let mut numbers: Vec<&str> =
            rows.iter().map(|(row, _)| row.household_no.as_str()).filter(|number| !number.is_empty()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let homes = store::household_places(reader, &numbers, self.scope).await?;
        Ok(homes
            .into_iter()
            .map(|HouseholdPlace { household_no, division_code }| (household_no, division_code))
            .collect())
    }

    /// Streams the register once: the readers read, the engine's threads open the sealed fields and compare. Gives one
    /// of the readers back.
    async fn link(
        &self,
        list: Vec<Record>,
        readers: Vec<Reader>,
        model: &Model,
        progress: &Progress,
    ) -> Result<(Linked, Reader), CompareError> {
        let asks = Asks { id: list.iter().any(|r| !r.id.is_empty()), phone: list.iter().any(|r| r.phone.is_some()) };
        let rows = list.len();
        let people = List::of(&list).map_err(|e| CompareError::Broken(e.to_string()))?;
        drop(list);
        let (to_engine, batches) = sync_channel(8);
        let feed = Feed::new(batches, self.app.vault.clone(), asks);
        let model = model.clone();
        let engine = tokio::task::spawn_blocking(move || {
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let options = Options { threads, min_bits: HOME_BITS, ..Options::default() };
            let linked = link_records(&people, &feed, &model, options);
            feed.sound()?;
            let linked = linked.map_err(|e| match e {
                LinkError::Read(e) => CompareError::Broken(e.to_string()),
                LinkError::Model(e) => CompareError::Broken(e.to_string()),
            })?;
            let mut out: Vec<Vec<(Uuid, Weighed)>> = Vec::new();
            out.resize_with(rows, Vec::new);
            let all: Vec<(&Match, Vec<Evidence>)> = linked.explain().collect();
            for of_row in all.chunk_by(|a, b| a.0.left == b.0.left) {
                let row = of_row.first().map_or(usize::MAX, |(m, _)| m.left as usize);
                if let Some(to) = out.get_mut(row) {
                    *to = candidates(of_row);
                }
            }
            let likely = linked.matches.iter().filter(|m| m.bits > 0.0).count();
            Ok::<_, CompareError>((out, RuleFigures::of(&linked.report, likely)))
        });
        let streamed = stream(readers, self.scope, to_engine, progress).await;
        let (candidates, rules) = engine.await.map_err(|e| CompareError::Broken(e.to_string()))??;
        let (persons, reader) = streamed?;
        Ok((Linked { candidates, rules, persons }, reader))
    }
}

/// The register, streamed once past a list.
struct Linked {
    /// For each row its candidates, the best first.
    candidates: Vec<Vec<(Uuid, Weighed)>>,
    rules: RuleFigures,
    persons: i64,
}

/// Reads every person of a scope once, on as many connections as there are readers, and sends them on in batches: how many
/// there were, and one of the readers, which sees what the others saw.
pub(super) async fn stream(
    mut readers: Vec<Reader>,
    scope: &Scope,
    to_engine: SyncSender<Vec<RegistryPerson>>,
    progress: &Progress,
) -> Result<(i64, Reader), CompareError> {
    let first = readers.first_mut().ok_or(DbError::Closed)?;
    let mut ranges = store::halves(first, scope).await?;
    if ranges.len() > readers.len() {
        ranges = vec![(scope.lo().to_owned(), scope.hi().to_owned())];
    }
    let read = Arc::new(AtomicU64::new(0));
    let mut workers = Vec::new();
    for (range, mut reader) in ranges.into_iter().zip(readers) {
        let (progress, to_engine, read) = (progress.clone(), to_engine.clone(), read.clone());
        let runtime = tokio::runtime::Handle::current();
        // On threads of their own: they wait for the engine, and no page waits for them.
        workers.push(tokio::task::spawn_blocking(move || {
            let done = runtime.block_on(read_persons(&mut reader, &range, &to_engine, &read, &progress));
            done.map(|()| reader)
        }));
    }
    drop(to_engine);
    let mut streamed: Result<Option<Reader>, CompareError> = Ok(None);
    for worker in workers {
        let one = worker.await.map_err(|e| CompareError::Broken(e.to_string())).flatten();
        streamed = match (streamed, one) {
            (Err(error), _) | (Ok(_), Err(error)) => Err(error),
            (Ok(first), Ok(reader)) => Ok(first.or(Some(reader))),
        };
    }
    let reader = streamed?.ok_or(DbError::Closed)?;
    Ok((i64::try_from(read.load(Ordering::Relaxed)).unwrap_or(i64::MAX), reader))
}

/// Reads the persons of a range of divisions and sends them on; `read` counts those of all ranges.
async fn read_persons(
    reader: &mut Reader,
    range: &(String, String),
    to_engine: &SyncSender<Vec<RegistryPerson>>,
    read: &AtomicU64,
    progress: &Progress,
) -> Result<(), CompareError> {
    let mut batch = Vec::with_capacity(BATCH);
    let send = |batch: Vec<RegistryPerson>| {
        let done = read.fetch_add(batch.len() as u64, Ordering::Relaxed) + batch.len() as u64;
        progress.at(done);
        // The engine takes no more only when it has stopped, and then says why.
        to_engine.send(batch).map_err(|_| CompareError::Cancelled)
    };
    store::each_person::<CompareError>(reader, range, |person| {
        batch.push(person);
        if batch.len() == BATCH {
            if progress.is_cancelled() {
                return Err(CompareError::Cancelled);
            }
            send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))?;
        }
        Ok(())
    })
    .await?;
    if batch.is_empty() { Ok(()) } else { send(batch) }
}

/// What is shown of the pairs of one row, which come with the best first: likely ones, whoever bears the very number, and
/// where there is nobody the household of those who share the row's home.
fn candidates(pairs: &[(&Match, Vec<Evidence>)]) -> Vec<(Uuid, Weighed)> {
    let weighed = pairs.iter().filter_map(|(m, evidence)| {
        Some((Uuid::from_u128(Record::key_of(&m.right)?), Weighed::new(m.pattern, m.bits, evidence)))
    });
    let (mut shown, mut home) = (Vec::new(), None);
    for (id, weighed) in weighed {
        if weighed.is_worth_a_look() {
            shown.push((id, weighed));
        } else if weighed.tier == Tier::Household && home.is_none() {
            home = Some((id, weighed));
        }
    }
    if shown.is_empty() {
        shown.extend(home);
    }
    shown.truncate(MOST);
    shown
}

/// Which sealed fields the list has at all: what it cannot be compared in is not opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asks {
    pub(super) id: bool,
    pub(super) phone: bool,
}

/// The register on its way from the database to the engine.
pub(super) struct Feed {
    batches: Mutex<Receiver<Vec<RegistryPerson>>>,
    vault: Vault,
    asks: Asks,
    failed: Mutex<Option<VaultError>>,
}

impl Feed {
    /// What the readers send through `batches`, with the sealed fields that are asked for.
    pub(super) fn new(batches: Receiver<Vec<RegistryPerson>>, vault: Vault, asks: Asks) -> Self {
        Self { batches: Mutex::new(batches), vault, asks, failed: Mutex::default() }
    }

    /// Whether everything sealed could be opened.
    pub(super) fn sound(&self) -> Result<(), CompareError> {
        match self.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(sealed) => Err(sealed.into()),
            None => Ok(()),
        }
    }
}

impl Batches for Feed {
    fn next_batch(&self, batch: &mut Vec<Record>) -> std::io::Result<bool> {
        let next = self.batches.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(people) = next else { return Ok(false) };
        for person in &people {
            match registered(&self.vault, person, self.asks) {
                Ok(record) => batch.push(record),
                Err(error) => {
                    let text = error.to_string();
                    *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    return Err(std::io::Error::other(text));
                }
            }
        }
        Ok(true)
    }
}

/// The number that names a household alike on both sides.
fn household_key(vault: &Vault, household_no: &str) -> Option<u64> {
    (!household_no.is_empty()).then(|| vault.index("household_no", household_no).cast_unsigned())
}

/// The sex that a whole number says.
fn sex_of(id: &str) -> Option<Sex> {
    match Id::read(id) {
        Id::Valid { digits, .. } if (digits[16] - b'0') % 2 == 1 => Some(Sex::Male),
        Id::Valid { .. } => Some(Sex::Female),
        _ => None,
    }
}

fn record_of(vault: &Vault, key: u128, row: &lists::Row, division: &str, home: Option<&String>) -> Record {
    use chrono::Datelike;
    let day = row.birth.map(|d| Birth::new(d.year(), d.month(), d.day()));
    Record {
        key,
        sex: row.sex.or_else(|| sex_of(&row.id)),
        id: row.id.clone(),
        name: row.name.clone(),
        // A year alone would keep a whole number from saying the day.
        birth: day.or_else(|| row.birth_year.filter(|_| row.id.is_empty()).map(Birth::of_year)),
        phone: row.phone,
        // A household's number says where it is registered, wherever the row says that it lives.
        place: Place::new(home.map_or(division, String::as_str)),
        address: String::new(),
        household: household_key(vault, &row.household_no),
    }
}

fn registered(vault: &Vault, person: &RegistryPerson, asks: Asks) -> Result<Record, VaultError> {
    let open = |place, sealed: &Option<Vec<u8>>| match sealed {
        Some(sealed) => vault.open_text(place, sealed),
        None => Ok(String::new()),
    };
    let sex = match person.sex.as_str() {
        "male" => Some(Sex::Male),
        "female" => Some(Sex::Female),
        _ => None,
    };
    let mut digits = person.birth_date.bytes().filter(u8::is_ascii_digit);
    let number = digits.by_ref().take(8).fold((0u32, 0), |(n, len), c| (n * 10 + u32::from(c - b'0'), len + 1));
    let birth = match number {
        (day, 8) => Some(Birth(day)),
        (year, 4) => Some(Birth::of_year(year.cast_signed())),
        _ => None,
    };
    // What the columns do not say the number may.
    let id =
        if asks.id || sex.is_none() || birth.is_none() { open("person.id", &person.id_enc)? } else { String::new() };
    let mut phone = String::new();
    if asks.phone {
        phone = open("person.phone", &person.phone_enc)?;
        if phone.is_empty() {
            phone = open("household.phone", &person.household_phone_enc)?;
        }
    }
    Ok(Record {
        key: person.id.as_u128(),
        sex: sex.or_else(|| sex_of(&id)),
        id,
        name: person.name_folded.clone(),
        birth,
        phone: digits_of(&phone),
        place: Place::new(&person.division_code),
        address: String::new(),
        household: household_key(vault, &person.household_no),
    })
}
