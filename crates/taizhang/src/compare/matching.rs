//! The list against the register: rows become records, the register streams past them, links become candidates.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use codes::Sex;
use linkage::{Birth, Id, IdLevel, Link, Linker, Place, Record, Tier, TieredLinker};
use uuid::Uuid;

use super::lists::{self, digits_of};
use super::model::{CompareError, NewCandidate, Person, RegistryPerson, Staff, Subject};
use super::{Sheet, store};
use crate::access::Scope;
use crate::platform::jobs::Progress;
use crate::platform::vault::VaultError;
use crate::platform::{App, Lang, UserError, Vault, ids};

/// Registered persons that travel together from the database to a worker.
const BATCH: usize = 2_000;

/// A registered person, household or member of staff that a row may be.
#[derive(Debug, Clone)]
pub(super) struct Found {
    subject: Subject,
    subject_id: Uuid,
    household_id: Option<Uuid>,
    division: String,
    link: Link,
    automatic: bool,
}

impl Found {
    pub(super) fn candidate(self, row: Uuid, comparison: Uuid) -> NewCandidate {
        let fields: Vec<_> = self
            .link
            .agreement
            .iter()
            .map(|f| serde_json::json!({"field": f.field, "level": f.level, "points": f.points}))
            .collect();
        let signature = self
            .link
            .agreement
            .iter()
            .filter(|f| f.level != "missing")
            .map(|f| format!("{}={}", f.field, f.level))
            .collect::<Vec<_>>()
            .join(",");
        NewCandidate {
            id: ids::new_id(),
            list_row_id: row,
            comparison_id: comparison,
            subject: self.subject,
            subject_id: self.subject_id,
            household_id: self.household_id,
            division_code: self.division,
            tier: self.link.tier.name().to_owned(),
            score: self.link.score,
            explanation: serde_json::Value::Array(fields).to_string(),
            signature,
            verdict: if self.automatic { "auto" } else { "pending" }.to_owned(),
            decided_by: None,
            decided_at: None,
            note: String::new(),
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

    /// For each row (with the division where it says the person lives) what it may be, the best first; and how many
    /// registered persons it was held against.
    pub(super) async fn find(
        &self,
        rows: &[(&lists::Row, &str)],
        progress: &Progress,
    ) -> Result<(Vec<Vec<Found>>, i64), CompareError> {
        let total = store::count_persons(&self.app.db, self.scope).await?;
        progress.stage("job-stage-compare-registry", u64::try_from(total).unwrap_or(0));
        if rows.is_empty() {
            return Ok((Vec::new(), 0));
        }
        let list: Vec<Record> = rows
            .iter()
            .enumerate()
            .map(|(at, (row, division))| record_of(&self.app.vault, at as u64, row, division))
            .collect();
        let (links, people) = self.link_people(list.clone(), progress).await?;
        if people.is_empty() {
            return Err(CompareError::EmptyRegister);
        }
        let mut wanted: Vec<Uuid> = links.iter().map(|l| people[l.right as usize]).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let known: HashMap<Uuid, Person> =
            store::persons(&self.app.db, &wanted, self.scope).await?.into_iter().map(|p| (p.id, p)).collect();
        let mut out: Vec<Vec<Found>> = rows.iter().map(|_| Vec::new()).collect();
        for group in links.chunk_by(|a, b| a.left == b.left) {
            let automatic = automatic(group);
            for link in &group[..if automatic { 1 } else { group.len() }] {
                let Some(person) = known.get(&people[link.right as usize]) else {
                    continue;
                };
                let subject = if link.tier == Tier::Household { Subject::Household } else { Subject::Person };
                out[link.left as usize].push(Found {
                    subject,
                    subject_id: if subject == Subject::Person { person.id } else { person.household_id },
                    household_id: Some(person.household_id),
                    division: person.division_code.clone(),
                    link: link.clone(),
                    automatic,
                });
            }
        }
        self.find_staff(&list, &mut out).await?;
        Ok((out, super::count(people.len())))
    }

    /// Helpers and team members: their numbers are kept as blind indexes only, so that a number is either equal or unknown.
    async fn find_staff(&self, list: &[Record], out: &mut [Vec<Found>]) -> Result<(), CompareError> {
        let staff = store::staff(&self.app.db, self.scope).await?;
        if staff.is_empty() {
            return Ok(());
        }
        let vault = &self.app.vault;
        let by_index: HashMap<i64, Id> = list
            .iter()
            .filter(|r| matches!(r.id, Id::Valid { .. }))
            .filter_map(|r| Some((vault.index("citizen_id", std::str::from_utf8(r.id.digits()?).ok()?), r.id)))
            .collect();
        let mut seen = std::collections::HashSet::new();
        let mut registry = Vec::new();
        for (at, one) in staff.iter().enumerate() {
            // One cadre stands once for each household helped.
            if !seen.insert((one.subject.as_str(), one.name_folded.as_str(), one.id_index, one.phone_index)) {
                continue;
            }
            let phone = match &one.phone_enc {
                Some(sealed) => digits_of(&vault.open_text(staff_phone_place(one), sealed)?),
                None => None,
            };
            let id = one.id_index.and_then(|index| by_index.get(&index)).map_or(Id::Missing, |id| match id {
                Id::Valid { digits, .. } => Id::Valid { digits: *digits, source: linkage::IdSource::Clean },
                other => *other,
            });
            registry.push(Record {
                key: at as u64,
                id,
                pinyin: codes::name::pinyin(&one.name_folded).into(),
                name: one.name_folded.as_str().into(),
                phone,
                ..Record::default()
            });
        }
        let links = TieredLinker::default().link(list, &mut registry.into_iter());
        for group in links.chunk_by(|a, b| a.left == b.left) {
            let automatic = automatic(group);
            for link in &group[..if automatic { 1 } else { group.len() }] {
                let one = &staff[link.right as usize];
                out[link.left as usize].push(Found {
                    subject: Subject::from_name(&one.subject),
                    subject_id: one.id,
                    household_id: one.household_id,
                    division: one.division_code.clone(),
                    link: link.clone(),
                    automatic,
                });
            }
        }
        Ok(())
    }

    /// Streams the register once: the database reads, workers open the sealed fields, the linker compares. The `right`
    /// of a link is a position in the returned ids.
    async fn link_people(
        &self,
        list: Vec<Record>,
        progress: &Progress,
    ) -> Result<(Vec<Link>, Vec<Uuid>), CompareError> {
        type Batch = (u64, Vec<RegistryPerson>);
        let (to_workers, from_database): (SyncSender<Batch>, Receiver<Batch>) = sync_channel(8);
        let (to_linker, from_workers) = sync_channel::<Result<Vec<Record>, VaultError>>(8);
        let from_database = Arc::new(Mutex::new(from_database));
        let workers = std::thread::available_parallelism().map_or(1, |n| n.get().saturating_sub(1).max(1));
        for _ in 0..workers {
            let (input, output, vault) = (from_database.clone(), to_linker.clone(), self.app.vault.clone());
            std::thread::spawn(move || {
                loop {
                    let next = input.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((first, batch)) = next else { return };
                    let records = batch
                        .iter()
                        .enumerate()
                        .map(|(i, person)| registered(&vault, first + i as u64, person))
                        .collect();
                    if output.send(records).is_err() {
                        return;
                    }
                }
            });
        }
        drop((to_linker, from_database));
        let linker = tokio::task::spawn_blocking(move || {
            let mut failed = None;
            let mut registry =
                from_workers.into_iter().map_while(|batch| batch.map_err(|e| failed = Some(e)).ok()).flatten();
            let links = TieredLinker::default().link(&list, &mut registry);
            drop(registry);
            match failed {
                Some(error) => Err(CompareError::from(error)),
                None => Ok(links),
            }
        });
        let mut people = Vec::new();
        let mut batch = Vec::with_capacity(BATCH);
        let streamed = store::each_person::<CompareError>(&self.app.db, self.scope, |person| {
            people.push(person.id);
            batch.push(person);
            if batch.len() == BATCH {
                if progress.is_cancelled() {
                    return Err(CompareError::Cancelled);
                }
                progress.at(people.len() as u64);
                let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
                let first = (people.len() - full.len()) as u64;
                // Fails only when the linker has stopped; its own error says why.
                let _ = to_workers.send((first, full));
            }
            Ok(())
        })
        .await;
        if streamed.is_ok() && !batch.is_empty() {
            let first = (people.len() - batch.len()) as u64;
            let _ = to_workers.send((first, batch));
        }
        drop(to_workers);
        let links = linker.await.map_err(|e| CompareError::Broken(e.to_string()))?;
        streamed?;
        Ok((links?, people))
    }
}

/// Whether the best of a row's links needs nobody to look: the number equal and the name too, the number changed at
/// most in its form, and nobody else with as good a claim.
fn automatic(links: &[Link]) -> bool {
    let sure = |link: &Link| match link.tier {
        Tier::IdExact => true,
        Tier::IdRepaired => {
            matches!(link.pattern.id, IdLevel::Format | IdLevel::From15)
                && link.pattern.birth == linkage::BirthLevel::Exact
        }
        _ => false,
    };
    match links {
        [] => false,
        [best, rest @ ..] => sure(best) && !rest.iter().any(sure),
    }
}

pub(super) fn staff_phone_place(staff: &Staff) -> &'static str {
    if staff.subject == "helper" { "helper.phone" } else { "work_team_member.phone" }
}

/// The number that names a household alike on both sides.
fn household_key(vault: &Vault, household_no: &str) -> Option<u64> {
    (!household_no.is_empty()).then(|| vault.index("household_no", household_no).cast_unsigned())
}

/// Birth and sex as the number says them, where it is whole.
fn told_by(id: &Id) -> (Option<Birth>, Option<Sex>) {
    let Id::Valid { digits, .. } = id else {
        return (None, None);
    };
    let digit = |at: usize| u32::from(digits[at].wrapping_sub(b'0'));
    let number = |range: std::ops::Range<usize>| range.fold(0, |n, at| n * 10 + digit(at));
    let sex = if digit(16) % 2 == 1 { Sex::Male } else { Sex::Female };
    (Some(Birth(number(6..14))), Some(sex))
}

fn record_of(vault: &Vault, key: u64, row: &lists::Row, division: &str) -> Record {
    use chrono::Datelike;
    let id = Id::read(&row.id);
    let (born, sex) = told_by(&id);
    let name = codes::name::fold(&row.name);
    Record {
        key,
        id,
        pinyin: codes::name::pinyin(&name).into(),
        name: name.into(),
        sex: row.sex.or(sex),
        birth: row.birth.map(|d| Birth::new(d.year(), d.month(), d.day())).or(born),
        phone: row.phone,
        place: Place::new(division),
        household: household_key(vault, &row.household_no),
    }
}

fn registered(vault: &Vault, key: u64, person: &RegistryPerson) -> Result<Record, VaultError> {
    let open = |place, sealed: &Option<Vec<u8>>| match sealed {
        Some(sealed) => vault.open_text(place, sealed).map(Some),
        None => Ok(None),
    };
    let id = open("person.id", &person.id_enc)?.map_or(Id::Missing, |raw| Id::read(&raw));
    let phone = match open("person.phone", &person.phone_enc)? {
        Some(phone) => Some(phone),
        None => open("household.phone", &person.household_phone_enc)?,
    };
    let (born, told) = told_by(&id);
    let digits: String = person.birth_date.chars().filter(char::is_ascii_digit).collect();
    Ok(Record {
        key,
        // What was wrapped or 15 digits in the register is as good as the list's clean number: the form that counts
        // for the decision is that of the list.
        id: match id {
            Id::Valid { digits, source: linkage::IdSource::Format } => {
                Id::Valid { digits, source: linkage::IdSource::Clean }
            }
            other => other,
        },
        name: person.name_folded.as_str().into(),
        pinyin: person.pinyin.as_str().into(),
        sex: match person.sex.as_str() {
            "male" => Some(Sex::Male),
            "female" => Some(Sex::Female),
            _ => told,
        },
        birth: digits.parse().ok().filter(|_| digits.len() == 8).map(Birth).or(born),
        phone: phone.and_then(|p| digits_of(&p)),
        place: Place::new(&person.division_code),
        household: household_key(vault, &person.household_no),
    })
}

/// SHA-256 of a file, in hexadecimal.
pub(super) async fn sha256(path: &Path) -> Result<String, CompareError> {
    use sha2::{Digest, Sha256};
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        let mut hasher = Sha256::new();
        let mut file = std::fs::File::open(&path)?;
        std::io::copy(&mut file, &mut Sink(&mut hasher))?;
        Ok(ids::hex(&hasher.finalize()))
    })
    .await
    .map_err(|e| CompareError::Broken(e.to_string()))?
    .map_err(|e: std::io::Error| CompareError::Broken(e.to_string()))
}

struct Sink<'a>(&'a mut sha2::Sha256);

impl std::io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        sha2::Digest::update(self.0, bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The sheets of a list file, named `file` by who brought it in, read as every file is read: text in its encoding,
/// spreadsheets in a child process; and those that were left out.
pub(super) async fn read_sheets(
    path: &Path,
    file: &str,
) -> Result<(Vec<Sheet>, Vec<crate::intake::SkippedSheet>), CompareError> {
    let (path, file) = (path.to_owned(), file.to_owned());
    tokio::task::spawn_blocking(move || {
        let mut sheets: Vec<Sheet> = Vec::new();
        let facts = crate::intake::reader::read::<crate::intake::IntakeError>(&path, |row| {
            if sheets.last().is_none_or(|s| s.name != row.sheet) {
                sheets.push(Sheet { name: row.sheet.to_owned(), rows: Vec::new() });
            }
            if let Some(sheet) = sheets.last_mut() {
                let line = i64::try_from(row.line).unwrap_or(i64::MAX);
                sheet.rows.push((line, row.cells.iter().map(str::to_owned).collect()));
            }
            Ok(crate::intake::reader::Go::On)
        })
        .map_err(|error| {
            let error = error.in_file(&file);
            CompareError::File { code: error.code(), text_zh: error.message(Lang::Zh), text: error.message(Lang::En) }
        })?;
        Ok((sheets, facts.skipped))
    })
    .await
    .map_err(|e| CompareError::Broken(e.to_string()))?
}
