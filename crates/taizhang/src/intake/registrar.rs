//! What becomes of each row, in the order of the file: the rules that need other rows, what is held back, what is new.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDate;
use rustc_hash::{FxHashMap, FxHashSet};
use uuid::Uuid;

use super::HITS_KEPT;
use super::convert::{Context, Converted, DivisionRow, Draft};
use super::fields::Kind;
use super::flow::{self, Row};
use super::model::IntakeError;
use super::organisations::Mention;
use super::records::Entity;
use super::rules::{self, Hit, Severity};
use crate::platform::jobs::Progress;
use crate::platform::{Value, ids};

/// Rows that travel together to the database.
const BATCH: usize = 2_000;

/// A hit with its place, as stored.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) hit: Hit,
    pub(super) severity: Severity,
    pub(super) division: String,
    pub(super) household_no: String,
    pub(super) person_no: String,
    pub(super) sheet: String,
    pub(super) line: u64,
}

/// Heads and spouses of one household, while its rows pass.
#[derive(Debug, Clone, Copy, Default)]
struct Family {
    persons: u16,
    heads: u8,
    spouses: u8,
    head_sex: Option<codes::Sex>,
    spouse_sex: Option<codes::Sex>,
    line: u64,
}

/// What a row becomes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Write {
    /// A row of values for the insert.
    New(Vec<Value>),
    /// A newer version of the record with that id.
    Changed(Uuid, Vec<Value>),
    /// A row that an error holds back, sealed.
    Held(Vec<Value>),
    /// A hit of a rule.
    Issue(Vec<Value>),
}

/// Whoever takes what is to be written.
pub(super) type Sink<'a> = &'a mut dyn FnMut(Vec<Write>) -> Result<(), IntakeError>;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) new: i64,
    pub(super) changed: i64,
    pub(super) same: i64,
    pub(super) older: i64,
}

/// A record of the register before the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    pub(super) id: Uuid,
    pub(super) version: i64,
    pub(super) fingerprint: i64,
    /// The day it speaks of.
    pub(super) as_of: NaiveDate,
    /// Whether it is somebody with a known ID number.
    pub(super) has_id: bool,
}

/// What the register holds before a file, as far as its rows must be held against it. Keys are fingerprints.
#[derive(Default)]
pub(super) struct Register {
    /// Persons by the blind index of their ID number.
    pub(super) ids: FxHashMap<i64, i64>,
    /// Keys that belong to divisions outside the scope.
    pub(super) foreign: FxHashSet<i64>,
    /// Records by their key.
    pub(super) known: FxHashMap<i64, Before>,
}

/// What a whole file came to.
#[derive(Default)]
pub(super) struct Checked {
    pub(super) total: u64,
    pub(super) held: u64,
    pub(super) doubtful: u64,
    /// Hits by rule, also those past the ones that are listed.
    pub(super) counts: BTreeMap<&'static str, i64>,
    pub(super) tally: Tally,
    /// Rows of a division file, which are few and written at once.
    pub(super) divisions: Vec<DivisionRow>,
    /// Employers and helping units by name, where they were first met.
    pub(super) organisations: FxHashMap<String, Mention>,
    /// Rows of a list of organisations, which are few and written at once.
    pub(super) listed: Vec<Mention>,
}

/// Takes the rows of a file one after another.
pub(super) struct Registrar<'a> {
    context: &'a Context,
    register: Register,
    to: Sink<'a>,
    batch: Vec<Write>,
    out: Checked,
    keys: FxHashSet<i64>,
    families: FxHashMap<i64, Family>,
    numbers: FxHashMap<i64, (String, String)>,
}

impl<'a> Registrar<'a> {
    /// Reads a file to its end; what is to be written goes to `to` in batches.
    ///
    /// # Errors
    /// The file cannot be read, or whoever writes has stopped.
    pub(super) fn take(
        context: &'a Context,
        path: &Path,
        register: Register,
        to: Sink<'a>,
        progress: &Progress,
    ) -> Result<Checked, IntakeError> {
        let mut registrar = Self {
            context,
            register,
            to,
            batch: Vec::new(),
            out: Checked::default(),
            keys: FxHashSet::default(),
            families: FxHashMap::default(),
            numbers: FxHashMap::default(),
        };
        flow::each_converted(context, path, progress, |row, converted| {
            registrar.row(&row, converted)?;
            if registrar.out.total.is_multiple_of(1_000) {
                progress.at(registrar.out.total);
            }
            Ok(())
        })?;
        registrar.families()?;
        registrar.send()?;
        Ok(registrar.out)
    }

    fn row(&mut self, row: &Row, mut converted: Converted) -> Result<(), IntakeError> {
        self.out.total += 1;
        let key = ids::fingerprint(converted.key.as_bytes());
        let more = self.among(&converted, key, row.line);
        converted.hits.extend(more);
        let severity = |hit: &Hit| rules::rule(hit.rule).map_or(Severity::Doubt, |r| r.severity);
        let held = converted.hits.iter().any(|h| severity(h) == Severity::Error);
        if held {
            self.out.held += 1;
            let raw: Vec<&str> = row.cells.borrow().iter().collect();
            let raw = serde_json::to_string(&raw).unwrap_or_default();
            let sealed = self.context.vault.seal("import_held_row.raw", raw.as_bytes())?;
            let line = i64::try_from(row.line).unwrap_or(i64::MAX);
            self.batch.push(Write::Held(crate::args![self.context.import, &*row.sheet, line, sealed]));
        } else {
            if let Some(draft) = converted.draft.take() {
                self.organisation(row, &mut converted, &draft);
                self.write(key, &mut converted.hits, draft);
            }
            self.out.doubtful += u64::from(!converted.hits.is_empty());
        }
        for hit in std::mem::take(&mut converted.hits) {
            self.add(Found {
                severity: severity(&hit),
                hit,
                division: converted.division.clone(),
                household_no: converted.household_no.clone(),
                person_no: converted.person_no.clone(),
                sheet: row.sheet.to_string(),
                line: row.line,
            });
        }
        if self.batch.len() >= BATCH {
            self.send()?;
        }
        Ok(())
    }

    fn write(&mut self, key: i64, hits: &mut Vec<Hit>, draft: Draft) {
        let (older, changed) = (self.out.tally.older, self.out.tally.changed);
        // The register keeps the number that it knows (see the record of a person), and somebody should look.
        let without = match &draft {
            Draft::Person(p) => p.id_enc.is_none(),
            Draft::Helper(h) => h.id_index.is_none(),
            Draft::WorkTeam(t) => t.id_index.is_none(),
            _ => false,
        };
        let keeps_id = without && self.register.known.get(&key).is_some_and(|before| before.has_id);
        match draft {
            Draft::Household(r) => self.put(key, r, |r| (&mut r.version, r.fingerprint), |r, id| r.id = id),
            Draft::Person(r) => self.put(key, *r, |r| (&mut r.version, r.fingerprint), |r, id| r.id = id),
            Draft::Income(r) => self.put(key, r, |r| (&mut r.version, r.fingerprint), |_, _| ()),
            Draft::Monitoring(r) => self.put(key, r, |r| (&mut r.version, r.fingerprint), |_, _| ()),
            Draft::Helper(r) => self.put(key, r, |r| (&mut r.version, r.fingerprint), |r, id| r.id = id),
            Draft::WorkTeam(r) => self.put(key, r, |r| (&mut r.version, r.fingerprint), |r, id| r.id = id),
            Draft::Division(r) => self.out.divisions.push(r),
            Draft::Organisation(r) => self.out.listed.push(Mention { at: self.out.total, ..r }),
        }
        if keeps_id && self.out.tally.changed > changed {
            hits.push(Hit::new("person.id_kept", "证件号码", ""));
        }
        if self.out.tally.older > older {
            hits.push(Hit::new("row.older", "", self.context.as_of.to_string()));
        }
    }

    fn add(&mut self, mut found: Found) {
        found.hit.value = shown(found.hit.value, true);
        found.household_no = shown(found.household_no, false);
        found.person_no = shown(found.person_no, false);
        let count = self.out.counts.entry(found.hit.rule).or_default();
        *count += 1;
        if *count <= HITS_KEPT as i64 {
            self.batch.push(Write::Issue(found.values(self.context.import)));
        }
    }

    /// Notes the organisation that a row names, once for each way of writing its name.
    fn organisation(&mut self, row: &Row, converted: &mut Converted, draft: &Draft) {
        let (name, division) = match draft {
            Draft::Person(p) => (&p.work_employer, &p.work_division),
            Draft::Helper(h) => (&h.unit, &h.division_code),
            Draft::WorkTeam(t) => (&t.unit, &t.division_code),
            _ => return,
        };
        if rules::nothing(name) {
            return;
        }
        let code = std::mem::take(&mut converted.credit_code);
        if let Some(known) = self.out.organisations.get_mut(name) {
            if known.code.is_empty() {
                known.code = code;
            } else if !code.is_empty() && code != known.code {
                let value = format!("{code} ≠ {}", known.code);
                converted.hits.push(Hit::new("organisation.code_differs", super::fields::CREDIT_CODE, value));
            }
            return;
        }
        let mention = Mention {
            at: self.out.total,
            name: name.clone(),
            code,
            division: division.get(..6).unwrap_or(division).to_owned(),
            sheet: row.sheet.to_string(),
            line: i64::try_from(row.line).unwrap_or(i64::MAX),
            facts: None,
        };
        self.out.organisations.insert(name.clone(), mention);
    }

    fn send(&mut self) -> Result<(), IntakeError> {
        (self.to)(std::mem::take(&mut self.batch))
    }

    fn put<R: Entity>(
        &mut self,
        key: i64,
        mut record: R,
        identity: impl FnOnce(&mut R) -> (&mut i64, i64),
        keep: impl FnOnce(&mut R, Uuid),
    ) {
        let (version, fingerprint) = identity(&mut record);
        match self.register.known.get(&key) {
            None => {
                self.out.tally.new += 1;
                self.batch.push(Write::New(record.values()));
            }
            Some(before) if before.fingerprint == fingerprint => self.out.tally.same += 1,
            Some(before) if before.as_of > self.context.as_of => self.out.tally.older += 1,
            Some(before) => {
                *version = before.version + 1;
                self.out.tally.changed += 1;
                keep(&mut record, before.id);
                self.batch.push(Write::Changed(before.id, record.values()));
            }
        }
    }

    /// Rules that need the other rows of the file and the register.
    fn among(&mut self, row: &Converted, key: i64, line: u64) -> Vec<Hit> {
        let mut hits = Vec::new();
        if row.draft.is_some() && !row.key.is_empty() && !self.keys.insert(key) {
            hits.push(Hit::new("row.key_twice", self.context.kind.key_header(), row.key.as_str()));
        }
        if row.draft.is_some() && self.register.foreign.contains(&key) {
            hits.push(Hit::new("row.outside_scope", self.context.kind.key_header(), row.key.as_str()));
        }
        if self.context.kind != Kind::Person || row.draft.is_none() || !hits.is_empty() {
            return hits;
        }
        if let Some(index) = row.member.id_index {
            match self.register.ids.get(&index) {
                // The same ID in the province, by its first 18 characters (DOMAIN §2). A person's key is the number.
                Some(other) if *other != key => hits.push(Hit::new("person.id_duplicate", "证件号码", "")),
                _ => {
                    self.register.ids.insert(index, key);
                }
            }
        }
        let key = ids::fingerprint(row.household_no.as_bytes());
        let family = self.families.entry(key).or_default();
        if row.member.head {
            if family.heads > 0 {
                hits.push(Hit::new("household.heads_many", "与户主关系", "户主"));
            } else {
                family.heads = 1;
                family.head_sex = row.member.sex;
            }
        }
        if hits.is_empty() {
            family.persons = family.persons.saturating_add(1);
            family.line = line;
            if row.member.spouse {
                family.spouses = family.spouses.saturating_add(1);
                family.spouse_sex = row.member.sex;
            }
            if family.heads == 0 || family.spouses > 1 || (family.spouses == 1 && family.spouse_sex == family.head_sex)
            {
                self.numbers.entry(key).or_insert_with(|| (row.household_no.clone(), row.division.clone()));
            }
        }
        hits
    }

    fn families(&mut self) -> Result<(), IntakeError> {
        let mut ended: Vec<(String, String, Family)> = self
            .families
            .drain()
            .filter_map(|(key, family)| {
                let (number, division) = self.numbers.get(&key)?.clone();
                Some((number, division, family))
            })
            .collect();
        ended.sort_by(|a, b| a.0.cmp(&b.0));
        for (household_no, division, family) in ended {
            let mut hits = Vec::new();
            if family.heads == 0 {
                hits.push(Hit::new("household.head_none", "与户主关系", family.persons.to_string()));
            }
            if family.spouses > 1 {
                hits.push(Hit::new("household.spouses_many", "与户主关系", family.spouses.to_string()));
            }
            if family.spouses == 1
                && let (Some(head), Some(spouse)) = (family.head_sex, family.spouse_sex)
                && head == spouse
            {
                hits.push(Hit::new("household.couple_same_sex", "性别", head.zh()));
            }
            for hit in hits {
                self.add(Found {
                    hit,
                    severity: Severity::Doubt,
                    division: division.clone(),
                    household_no: household_no.clone(),
                    person_no: String::new(),
                    sheet: String::new(),
                    line: family.line,
                });
            }
            if self.batch.len() >= BATCH {
                self.send()?;
            }
        }
        Ok(())
    }
}

impl Found {
    /// The row of `import_issue`.
    pub(super) fn values(self, import: Uuid) -> Vec<Value> {
        crate::args![
            ids::new_id(),
            import,
            self.hit.rule,
            self.severity.name(),
            self.division,
            self.household_no,
            self.person_no,
            self.sheet,
            i64::try_from(self.line).unwrap_or(i64::MAX),
            self.hit.field,
            self.hit.value,
            "{}"
        ]
    }
}

/// A value fit to be listed: what turns out to be an ID number (or a phone) stands in no list in full, whatever column
/// it was found in.
fn shown(value: String, phones: bool) -> String {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    if digits >= 17 && codes::citizen_id::read(&value).is_ok() {
        codes::citizen_id::mask(&value)
    } else if phones && digits == 11 && matches!(codes::phone::read(&value), Ok(codes::phone::Phone::Mobile(_))) {
        codes::phone::mask(&value)
    } else {
        value
    }
}
