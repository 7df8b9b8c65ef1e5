//! Files in (数据导入): read, map, check, commit.
//!
//! A file is read twice. The first reading maps its columns, checks every row and every household, and writes nothing.
//! The second writes what passed in one transaction: a process that dies in between leaves the register as it was, and
//! the same file brought in again changes nothing.

mod convert;
pub mod fields;
pub mod model;
pub mod pages;
pub mod reader;
mod records;
pub mod rules;
mod store;
pub mod table;
pub mod workbook;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use uuid::Uuid;

pub use fields::Kind;
pub use model::{ImportOptions, ImportReport, IntakeError, Preview};
pub use store::{Import, Issue};

use self::convert::{Context, Converted, Draft};
use self::reader::{Facts, Go};
use self::records::Entity;
use self::rules::{Hit, Severity};
use self::store::Of;
use self::table::{DataRow, Header, Mapping, Preamble, Shaper, Visitor};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability, Scope};
use crate::platform::jobs::Progress;
use crate::platform::{App, DbError, Tx, Value, ids, settings};
use crate::register::{Divisions, province_of};

/// Rows of a preview.
const PREVIEW_ROWS: usize = 20;
/// Rows that travel together from the reader to the writer.
const BATCH: usize = 2_000;
/// Rows looked at to see whether a column holds what its header says.
const SAMPLE: usize = 200;
/// Hits kept of one rule in one import; more are counted only.
const HITS_KEPT: usize = 50_000;
/// Income line where the setting `income_line` is not set, yuan per person and year: the national anchor of 2020 and
/// 2021 for who is to be monitored (监测范围), from which provinces set their own.
const DEFAULT_LINE: f64 = 5_000.0;

/// The name of a file for messages.
fn name_of(path: &Path, given: &str) -> String {
    if given.is_empty() {
        path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    } else {
        given.to_owned()
    }
}

/// Where staged copies of uploads lie.
///
/// # Errors
/// The folder cannot be made.
pub fn staging(app: &App) -> Result<PathBuf, IntakeError> {
    app.sub_folder("imports").map_err(|e| IntakeError::File(e.to_string()))
}

// ---- First look --------------------------------------------------------------------------------------------------

struct Look {
    wanted: Option<Kind>,
    found: Option<(Kind, Mapping, Vec<Header>, Preamble)>,
    rows: Vec<(u64, Vec<String>)>,
    best: Vec<Header>,
    limit: usize,
}

impl Visitor for Look {
    type Error = IntakeError;

    fn headers(&mut self, _: &str, headers: &[Header], preamble: &Preamble) -> Result<(), IntakeError> {
        if self.found.is_some() {
            return Ok(());
        }
        if headers.len() > self.best.len() {
            self.best = headers.to_vec();
        }
        let Some(kind) = self.wanted.or_else(|| Mapping::detect(headers)) else {
            return Ok(());
        };
        let mapping = Mapping::of(kind, headers);
        self.found = Some((kind, mapping, headers.to_vec(), preamble.clone()));
        Ok(())
    }

    fn row(&mut self, row: DataRow<'_>) -> Result<Go, IntakeError> {
        if self.found.is_none() {
            return Ok(Go::On);
        }
        self.rows.push((row.line, row.cells.iter().map(str::to_owned).collect()));
        Ok(if self.rows.len() >= self.limit { Go::Stop } else { Go::On })
    }
}

/// What is known of a file after its first rows.
struct Looked {
    kind: Kind,
    mapping: Mapping,
    headers: Vec<Header>,
    preamble: Preamble,
    rows: Vec<(u64, Vec<String>)>,
    facts: Facts,
}

fn look(path: &Path, file: &str, wanted: Option<Kind>, limit: usize) -> Result<Looked, IntakeError> {
    let mut visitor = Look { wanted, found: None, rows: Vec::new(), best: Vec::new(), limit };
    let facts = table::walk(path, Shaper::default(), &mut visitor).map_err(|e| e.in_file(file))?;
    let Some((kind, mapping, headers, preamble)) = visitor.found else {
        return Err(nearest(file, &visitor.best));
    };
    if !mapping.missing.is_empty() {
        return Err(IntakeError::MissingColumns {
            file: file.to_owned(),
            kind,
            missing: mapping.missing.join("、"),
            extra: mapping.extra.join("、"),
        });
    }
    if !mapping.duplicated.is_empty() {
        return Err(IntakeError::DuplicatedHeaders { file: file.to_owned(), headers: mapping.duplicated.join("、") });
    }
    let looked = Looked { kind, mapping, headers, preamble, rows: visitor.rows, facts };
    swapped(file, &looked)?;
    Ok(looked)
}

/// What to say of a file that fits no kind: what the nearest kind lacks.
fn nearest(file: &str, headers: &[Header]) -> IntakeError {
    let best = Kind::ALL
        .into_iter()
        .map(|kind| (kind, Mapping::of(kind, headers)))
        .filter(|(_, mapping)| !mapping.found.is_empty())
        .max_by_key(|(_, mapping)| mapping.found.len() * 2 / (1 + mapping.missing.len()));
    match best {
        Some((kind, mapping)) if !mapping.missing.is_empty() => IntakeError::MissingColumns {
            file: file.to_owned(),
            kind,
            missing: mapping.missing.join("、"),
            extra: mapping.extra.join("、"),
        },
        _ => IntakeError::NoHeader { file: file.to_owned() },
    }
}

/// Refuses a file of which a column holds what belongs elsewhere: most of its filled cells look wrong.
fn swapped(file: &str, looked: &Looked) -> Result<(), IntakeError> {
    type Test = fn(&str) -> bool;
    fn id_like(text: &str) -> bool {
        let text = codes::text::half_width(text);
        text.len() >= 8 && text.bytes().filter(u8::is_ascii_digit).count() * 10 >= text.len() * 8
    }
    fn name_like(text: &str) -> bool {
        !text.chars().any(|c| c.is_ascii_digit())
    }
    fn code_like(text: &str) -> bool {
        codes::text::half_width(text).bytes().filter(u8::is_ascii_digit).count() >= 2
    }
    fn sex_like(text: &str) -> bool {
        codes::Sex::parse(text).is_some()
    }
    fn has_digit(text: &str) -> bool {
        text.chars().any(|c| c.is_ascii_digit())
    }
    const TESTS: [(&str, Test, &str); 10] = [
        ("姓名", name_like, "姓名"),
        ("户主姓名", name_like, "姓名"),
        ("帮扶责任人姓名", name_like, "姓名"),
        ("名称", name_like, "名称"),
        ("证件号码", |t| id_like(t) || codes::citizen_id::read(t).is_ok() || t.contains('*'), "证件号码"),
        ("户编号", has_digit, "编号"),
        ("人口编号", has_digit, "编号"),
        ("行政区划代码", code_like, "行政区划代码"),
        ("性别", sex_like, "男/女"),
        ("出生日期", has_digit, "日期"),
    ];
    for (header, test, expected) in TESTS {
        let column = looked.kind.position(header).and_then(|at| looked.mapping.columns[at]);
        let Some(column) = column else { continue };
        let filled: Vec<(u64, &str)> = looked
            .rows
            .iter()
            .filter_map(|(line, cells)| Some((*line, cells.get(column)?.trim())))
            .filter(|(_, cell)| !cell.is_empty())
            .collect();
        let wrong: Vec<&(u64, &str)> = filled.iter().filter(|(_, cell)| !test(cell)).collect();
        if filled.len() >= 3
            && wrong.len() * 2 > filled.len()
            && let Some((line, cell)) = wrong.first()
        {
            return Err(IntakeError::SwappedColumns {
                file: file.to_owned(),
                column: header.to_owned(),
                value: codes::citizen_id::mask(cell),
                line: *line,
                expected,
            });
        }
    }
    Ok(())
}

/// The day that a file speaks of, where nobody said: what the file says, else a date in its name, else today.
fn day_of(looked: &Looked, file: &str, today: NaiveDate) -> NaiveDate {
    let in_name = || {
        let digits: String =
            file.chars().map(|c| if c.is_ascii_digit() || "-._年月日".contains(c) { c } else { ' ' }).collect();
        digits
            .split(' ')
            .filter(|p| p.bytes().filter(u8::is_ascii_digit).count() >= 6)
            .find_map(|p| codes::date::read_date(p.trim_matches(['-', '.', '_'])).ok()?.to_date())
    };
    looked.preamble.day().or_else(in_name).unwrap_or(today)
}

/// Looks at a file without bringing it in.
///
/// # Errors
/// It is no table, or lacks what its kind requires.
pub async fn preview(app: &App, actor: &Actor, path: &Path, options: &ImportOptions) -> Result<Preview, IntakeError> {
    if !actor.may(Capability::ImportRegister) {
        return Err(IntakeError::Forbidden);
    }
    let file = name_of(path, &options.file_name);
    let (path, kind, name) = (path.to_owned(), options.kind, file.clone());
    let looked = blocking(move || look(&path, &name, kind, SAMPLE)).await?;
    let as_of = options.as_of.unwrap_or_else(|| day_of(&looked, &file, app.clock.today()));
    let personal: HashSet<usize> =
        ["证件号码", "户主证件号码", "户联系电话", "成员联系电话", "联系电话", "银行卡号", "信息采集人电话"]
            .into_iter()
            .filter_map(|h| looked.kind.position(h))
            .filter_map(|at| looked.mapping.columns[at])
            .collect();
    let rows = looked
        .rows
        .iter()
        .take(PREVIEW_ROWS)
        .map(|(_, cells)| {
            (0..looked.headers.len())
                .map(|at| {
                    let cell = cells.get(at).map_or("", |c| c.trim());
                    if personal.contains(&at) { codes::citizen_id::mask(cell) } else { cell.to_owned() }
                })
                .collect()
        })
        .collect();
    Ok(Preview {
        kind: looked.kind,
        encoding: looked.facts.encoding.to_owned(),
        as_of,
        source_unit: looked.preamble.unit().unwrap_or_default(),
        headers: looked.headers.iter().map(Header::name).collect(),
        mapping: looked.mapping,
        rows,
        hidden_sheets: looked.facts.hidden_sheets,
        formulas: looked.facts.formulas,
        file_name: file,
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, IntakeError> + Send + 'static,
) -> Result<T, IntakeError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| IntakeError::File(e.to_string()))?
}

// ---- First reading: check ----------------------------------------------------------------------------------------

/// A hit with its place, as stored.
#[derive(Debug, Clone)]
struct Found {
    hit: Hit,
    severity: Severity,
    division: String,
    household_no: String,
    person_no: String,
    sheet: String,
    line: u64,
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

#[derive(Default)]
struct Checked {
    total: u64,
    held: HashSet<(u32, u64)>,
    held_rows: Vec<(String, u64, String)>,
    doubtful: u64,
    found: Vec<Found>,
    counts: HashMap<&'static str, u64>,
    sha256: String,
}

struct Checker<'a> {
    context: &'a Context,
    progress: &'a Progress,
    out: Checked,
    sheets: Vec<String>,
    keys: HashSet<i64>,
    families: HashMap<i64, Family>,
    numbers: HashMap<i64, (String, String)>,
    ids: HashMap<i64, i64>,
    foreign: HashSet<i64>,
    active: bool,
}

impl Checker<'_> {
    fn sheet(&mut self, name: &str) -> u32 {
        match self.sheets.iter().rposition(|s| s == name) {
            Some(at) => at as u32,
            None => {
                self.sheets.push(name.to_owned());
                (self.sheets.len() - 1) as u32
            }
        }
    }

    fn add(&mut self, mut found: Found) {
        found.hit.value = shown(found.hit.value, true);
        found.household_no = shown(found.household_no, false);
        found.person_no = shown(found.person_no, false);
        let count = self.out.counts.entry(found.hit.rule).or_default();
        *count += 1;
        if *count <= HITS_KEPT as u64 {
            self.out.found.push(found);
        }
    }

    /// Rules that need the other rows of the file and the register.
    fn among(&mut self, row: &Converted, line: u64) -> Vec<Hit> {
        let mut hits = Vec::new();
        let key = ids::fingerprint(row.key.as_bytes());
        if row.draft.is_some() && !row.key.is_empty() && !self.keys.insert(key) {
            hits.push(Hit::new("row.key_twice", self.context.kind.key_header(), row.key.as_str()));
        }
        if row.draft.is_some() && self.foreign.contains(&key) {
            hits.push(Hit::new("row.outside_scope", self.context.kind.key_header(), row.key.as_str()));
        }
        if self.context.kind != Kind::Person || row.draft.is_none() || !hits.is_empty() {
            return hits;
        }
        let person = ids::fingerprint(row.person_no.as_bytes());
        if let Some(index) = row.member.id_index {
            match self.ids.get(&index) {
                // The same ID in the province, by its first 18 characters (DOMAIN §2).
                Some(other) if *other != person => hits.push(Hit::new("person.id_duplicate", "证件号码", "")),
                _ => {
                    self.ids.insert(index, person);
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

    fn families(&mut self) {
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
        }
    }
}

impl Visitor for Checker<'_> {
    type Error = IntakeError;

    fn headers(&mut self, _: &str, headers: &[Header], _: &Preamble) -> Result<(), IntakeError> {
        // A second sheet of another shape is no part of this table.
        self.active = Mapping::of(self.context.kind, headers).columns == self.context.mapping.columns;
        Ok(())
    }

    fn row(&mut self, row: DataRow<'_>) -> Result<Go, IntakeError> {
        if !self.active {
            return Ok(Go::On);
        }
        self.out.total += 1;
        if self.out.total.is_multiple_of(1_000) {
            self.progress.at(self.out.total);
            if self.progress.is_cancelled() {
                return Err(IntakeError::Cancelled);
            }
        }
        let mut converted = convert::convert(self.context, row)?;
        let more = self.among(&converted, row.line);
        converted.hits.extend(more);
        if converted.hits.is_empty() {
            return Ok(Go::On);
        }
        let severity = |hit: &Hit| rules::rule(hit.rule).map_or(Severity::Doubt, |r| r.severity);
        let held = converted.hits.iter().any(|h| severity(h) == Severity::Error);
        if held {
            let sheet = self.sheet(row.sheet);
            self.out.held.insert((sheet, row.line));
            let raw: Vec<&str> = row.cells.iter().collect();
            let raw = serde_json::to_string(&raw).unwrap_or_default();
            self.out.held_rows.push((row.sheet.to_owned(), row.line, raw));
        } else {
            self.out.doubtful += 1;
        }
        for hit in std::mem::take(&mut converted.hits) {
            self.add(Found {
                severity: severity(&hit),
                hit,
                division: converted.division.clone(),
                household_no: converted.household_no.clone(),
                person_no: converted.person_no.clone(),
                sheet: row.sheet.to_owned(),
                line: row.line,
            });
        }
        Ok(Go::On)
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

/// The table that a kind is kept in.
fn of(kind: Kind) -> Of {
    match kind {
        Kind::Household | Kind::Division => Of::Household,
        Kind::Person => Of::Person,
        Kind::Income => Of::Income,
        Kind::Monitoring => Of::Monitoring,
        Kind::Helper => Of::Helper,
        Kind::WorkTeam => Of::WorkTeam,
    }
}

fn sha256_of(path: &Path) -> Result<(String, i64), IntakeError> {
    let mut file = std::fs::File::open(path).map_err(|e| reader::ReadError::Open(e.to_string()))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0u8; 1 << 20];
    let mut bytes = 0i64;
    loop {
        match std::io::Read::read(&mut file, &mut buffer).map_err(|e| reader::ReadError::Open(e.to_string()))? {
            0 => break,
            n => {
                hasher.update(&buffer[..n]);
                bytes += n as i64;
            }
        }
    }
    Ok((ids::hex(&hasher.finalize()), bytes))
}

// ---- Second reading: write ---------------------------------------------------------------------------------------

/// What a row becomes.
enum Write {
    /// A row of values for the insert.
    New(Vec<Value>),
    /// A newer version of the record with that id.
    Changed(Uuid, Vec<Value>),
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    new: i64,
    changed: i64,
    same: i64,
    older: i64,
}

struct Sender<'a> {
    context: &'a Context,
    progress: &'a Progress,
    held: &'a HashSet<(u32, u64)>,
    sheets: Vec<String>,
    known: &'a HashMap<i64, (Uuid, i64, i64, String)>,
    to: mpsc::Sender<Vec<Write>>,
    batch: Vec<Write>,
    tally: Tally,
    older: Vec<Found>,
    /// Employers and helping units by name and kind, with the county where they were first met.
    organisations: HashMap<(String, &'static str), String>,
    seen: u64,
    active: bool,
}

impl Sender<'_> {
    fn organisation(&mut self, draft: &Draft) {
        let (name, kind, division) = match draft {
            Draft::Person(p) => (&p.work_employer, "employer", &p.work_division),
            Draft::Helper(h) => (&h.unit, "helper_unit", &h.division_code),
            Draft::WorkTeam(t) => (&t.unit, "helper_unit", &t.division_code),
            _ => return,
        };
        if !name.is_empty() {
            let county = division.get(..6).unwrap_or(division).to_owned();
            self.organisations.entry((name.clone(), kind)).or_insert(county);
        }
    }

    fn send(&mut self) -> Result<(), IntakeError> {
        let batch = std::mem::take(&mut self.batch);
        // The writer is gone only when it has failed; its own error is the one to show.
        self.to.blocking_send(batch).map_err(|_| IntakeError::Cancelled)
    }

    fn put<R: Entity>(
        &mut self,
        key: &str,
        mut record: R,
        identity: impl FnOnce(&mut R) -> (&mut i64, i64),
        keep: impl FnOnce(&mut R, Uuid),
    ) -> Option<Uuid> {
        let (version, fingerprint) = identity(&mut record);
        match self.known.get(&ids::fingerprint(key.as_bytes())) {
            None => {
                self.tally.new += 1;
                self.batch.push(Write::New(record.values()));
                None
            }
            Some((_, _, same, _)) if *same == fingerprint => {
                self.tally.same += 1;
                None
            }
            Some((_, _, _, as_of)) if as_of.as_str() > self.context.as_of.to_string().as_str() => {
                self.tally.older += 1;
                None
            }
            Some((id, before, ..)) => {
                *version = before + 1;
                self.tally.changed += 1;
                keep(&mut record, *id);
                self.batch.push(Write::Changed(*id, record.values()));
                Some(*id)
            }
        }
    }
}

impl Visitor for Sender<'_> {
    type Error = IntakeError;

    fn headers(&mut self, _: &str, headers: &[Header], _: &Preamble) -> Result<(), IntakeError> {
        self.active = Mapping::of(self.context.kind, headers).columns == self.context.mapping.columns;
        Ok(())
    }

    fn row(&mut self, row: DataRow<'_>) -> Result<Go, IntakeError> {
        if !self.active {
            return Ok(Go::On);
        }
        self.seen += 1;
        if self.seen.is_multiple_of(1_000) {
            self.progress.at(self.seen);
            if self.progress.is_cancelled() {
                return Err(IntakeError::Cancelled);
            }
        }
        if !self.held.is_empty() {
            let sheet = self.sheets.iter().rposition(|s| s == row.sheet);
            if sheet.is_some_and(|s| self.held.contains(&(s as u32, row.line))) {
                return Ok(Go::On);
            }
        }
        let converted = convert::convert(self.context, row)?;
        let (key, older) = (converted.key, self.tally.older);
        if let Some(draft) = &converted.draft {
            self.organisation(draft);
        }
        match converted.draft {
            Some(Draft::Household(r)) => {
                self.put(&key, r, |r| (&mut r.version, r.fingerprint), |r, id| r.id = id);
            }
            Some(Draft::Person(r)) => {
                self.put(&key, *r, |r| (&mut r.version, r.fingerprint), |r, id| r.id = id);
            }
            Some(Draft::Income(r)) => {
                self.put(&key, r, |r| (&mut r.version, r.fingerprint), |_, _| ());
            }
            Some(Draft::Monitoring(r)) => {
                self.put(&key, r, |r| (&mut r.version, r.fingerprint), |_, _| ());
            }
            Some(Draft::Helper(r)) => {
                self.put(&key, r, |r| (&mut r.version, r.fingerprint), |r, id| r.id = id);
            }
            Some(Draft::WorkTeam(r)) => {
                self.put(&key, r, |r| (&mut r.version, r.fingerprint), |r, id| r.id = id);
            }
            Some(Draft::Division(_)) | None => {}
        }
        if self.tally.older > older && self.older.len() < HITS_KEPT {
            self.older.push(Found {
                hit: Hit::new("row.older", "", self.context.as_of.to_string()),
                severity: Severity::Doubt,
                division: converted.division,
                household_no: converted.household_no,
                person_no: converted.person_no,
                sheet: row.sheet.to_owned(),
                line: row.line,
            });
        }
        if self.batch.len() >= BATCH {
            self.send()?;
        }
        Ok(Go::On)
    }
}

/// Brings a file in: both readings, one transaction.
///
/// # Errors
/// The file as a whole cannot be brought in; nothing was written then.
pub async fn import_file(
    app: &App,
    actor: &Actor,
    path: &Path,
    options: ImportOptions,
    progress: &Progress,
) -> Result<ImportReport, IntakeError> {
    if !actor.may(Capability::ImportRegister) {
        return Err(IntakeError::Forbidden);
    }
    let file = name_of(path, &options.file_name);
    progress.stage("job-stage-intake-look", 0);
    let (at, kind, name) = (path.to_owned(), options.kind, file.clone());
    let (looked, sha, bytes) = blocking(move || {
        let looked = look(&at, &name, kind, SAMPLE)?;
        let (sha, bytes) = sha256_of(&at).map_err(|e| e.in_file(&name))?;
        Ok((looked, sha, bytes))
    })
    .await?;
    let as_of = options.as_of.unwrap_or_else(|| day_of(&looked, &file, app.clock.today()));
    let kind = looked.kind;
    let mut report = ImportReport {
        id: options.id.unwrap_or_else(ids::new_id),
        kind: kind.name().to_owned(),
        file_name: file.clone(),
        as_of: as_of.to_string(),
        hidden_sheets: looked.facts.hidden_sheets.clone(),
        formulas: looked.facts.formulas,
        ..ImportReport::default()
    };
    if let Some(twin) = store::committed_twin(&app.db, &sha, kind.name(), &actor.scope).await? {
        report.already = Some(twin);
        return Ok(report);
    }
    let now = app.clock.now_ms();
    let mapping_json = serde_json::to_string(&looked.mapping).unwrap_or_default();
    let unit = if options.source_unit.is_empty() {
        looked.preamble.unit().unwrap_or_default()
    } else {
        options.source_unit.clone()
    };
    let divisions = Arc::new(Divisions::load(&app.db).await?);
    if kind != Kind::Division && divisions.is_empty() {
        return Err(IntakeError::NoDivisions);
    }
    let line_yuan = settings::get(&app.db, "income_line").await?.and_then(|v| v.as_f64()).unwrap_or(DEFAULT_LINE);
    let households = if matches!(kind, Kind::Person | Kind::Income | Kind::Monitoring | Kind::Helper) {
        let mut known = HashMap::new();
        store::each_household::<DbError>(&app.db, &actor.scope, |h| {
            known.insert(h.household_no.into_boxed_str(), (h.id, h.division_code.into_boxed_str()));
            Ok(())
        })
        .await?;
        known
    } else {
        HashMap::new()
    };
    let context = Arc::new(Context {
        kind,
        scope: actor.scope.clone(),
        mapping: looked.mapping,
        vault: app.vault.clone(),
        divisions,
        households: Arc::new(households),
        import: report.id,
        as_of,
        now,
        line_yuan,
    });
    let mut ids_before = HashMap::new();
    if kind == Kind::Person {
        store::each_id::<DbError>(&app.db, |(index, person_no)| {
            ids_before.insert(index, ids::fingerprint(person_no.as_bytes()));
            Ok(())
        })
        .await?;
    }
    let mut foreign = HashSet::new();
    if actor.scope != Scope::everything() {
        store::each_foreign::<DbError>(&app.db, of(kind), &actor.scope, |(key,)| {
            foreign.insert(ids::fingerprint(key.as_bytes()));
            Ok(())
        })
        .await?;
    }
    progress.stage("job-stage-intake-check", 0);
    let (checking, at, watch) = (context.clone(), path.to_owned(), progress.clone());
    let (checked, sheets) = blocking(move || {
        let mut checker = Checker {
            context: &checking,
            progress: &watch,
            out: Checked::default(),
            sheets: Vec::new(),
            keys: HashSet::new(),
            families: HashMap::new(),
            numbers: HashMap::new(),
            ids: ids_before,
            foreign,
            active: false,
        };
        table::walk(&at, Shaper::default(), &mut checker)?;
        checker.families();
        checker.out.sha256 = sha256_of(&at)?.0;
        Ok((checker.out, checker.sheets))
    })
    .await
    .map_err(|e| e.in_file(&file))?;
    if checked.sha256 != sha {
        return Err(IntakeError::Changed { file });
    }
    report.rows_total = checked.total as i64;
    report.rows_held = checked.held.len() as i64;
    report.rows_doubtful = checked.doubtful as i64;
    let import = Import {
        id: report.id,
        kind: kind.name().to_owned(),
        file_name: file.clone(),
        sha256: sha,
        bytes,
        as_of: as_of.to_string(),
        source_unit: unit,
        division_code: context.divisions.home(&actor.scope).to_owned(),
        state: "committed".to_owned(),
        mapping: mapping_json,
        rows_total: report.rows_total,
        rows_held: report.rows_held,
        rows_doubtful: report.rows_doubtful,
        rows_new: 0,
        rows_changed: 0,
        rows_same: 0,
        job_id: None,
        error: None,
        created_at: now,
        committed_at: None,
    };
    let tally = if kind == Kind::Division {
        commit_divisions(app, actor, path, &context, checked, import, &options.purpose).await
    } else {
        commit_rows(app, actor, path, &context, (checked, sheets), import, &options, progress).await
    }
    .map_err(|e| e.in_file(&file))?;
    (report.rows_new, report.rows_changed, report.rows_same) = (tally.new, tally.changed, tally.same + tally.older);
    report.rules = store::issue_counts(&app.db, report.id).await?;
    Ok(report)
}

fn issue_rows(import: Uuid, found: Vec<Found>) -> Vec<Vec<Value>> {
    found
        .into_iter()
        .map(|f| {
            crate::args![
                ids::new_id(),
                import,
                f.hit.rule,
                f.severity.name(),
                f.division,
                f.household_no,
                f.person_no,
                f.sheet,
                i64::try_from(f.line).unwrap_or(i64::MAX),
                f.hit.field,
                f.hit.value,
                "{}"
            ]
        })
        .collect()
}

/// Writes what every import writes besides its records: itself, its hits, its held rows, the audit entry.
async fn close(
    tx: &mut Tx,
    actor: &Actor,
    import: &Import,
    purpose: &str,
    found: Vec<Found>,
    held: Vec<(String, u64, Vec<u8>)>,
    now: i64,
) -> Result<(), IntakeError> {
    store::put_import(tx, import, purpose, actor.user_id).await?;
    store::put_issues(tx, issue_rows(import.id, found)).await?;
    let held = held
        .into_iter()
        .map(|(sheet, line, raw)| crate::args![import.id, sheet, i64::try_from(line).unwrap_or(i64::MAX), raw])
        .collect();
    store::put_held_rows(tx, held).await?;
    audit::record(
        tx,
        actor,
        Entry {
            action: "import.commit",
            object_kind: "import",
            object_id: import.id.to_string(),
            division_code: &import.division_code,
            reason: purpose,
            detail: serde_json::json!({
                "kind": import.kind, "file": import.file_name, "sha256": import.sha256, "rows": import.rows_total,
                "held": import.rows_held, "new": import.rows_new, "changed": import.rows_changed,
            }),
        },
        now,
    )
    .await?;
    Ok(())
}

fn seal_held(context: &Context, rows: Vec<(String, u64, String)>) -> Result<Vec<(String, u64, Vec<u8>)>, IntakeError> {
    rows.into_iter()
        .map(|(sheet, line, raw)| Ok((sheet, line, context.vault.seal("import_held_row.raw", raw.as_bytes())?)))
        .collect()
}

#[allow(clippy::too_many_arguments)]
async fn commit_rows(
    app: &App,
    actor: &Actor,
    path: &Path,
    context: &Arc<Context>,
    (checked, sheets): (Checked, Vec<String>),
    mut import: Import,
    options: &ImportOptions,
    progress: &Progress,
) -> Result<Tally, IntakeError> {
    let of = of(context.kind);
    let fresh = store::is_empty(&app.db, of).await?;
    let mut known: HashMap<i64, (Uuid, i64, i64, String)> = HashMap::new();
    if !fresh {
        store::each_known::<DbError>(&app.db, of, |k| {
            known.insert(ids::fingerprint(k.key.as_bytes()), (k.id, k.version, k.fingerprint, k.as_of));
            Ok(())
        })
        .await?;
    }
    let Checked { held, held_rows, found, .. } = checked;
    let held_rows = seal_held(context, held_rows)?;
    progress.stage("job-stage-intake-write", u64::try_from(import.rows_total).unwrap_or(0));
    let (to, mut from) = mpsc::channel::<Vec<Write>>(4);
    let (reading, at, watch) = (context.clone(), path.to_owned(), progress.clone());
    let reader = tokio::task::spawn_blocking(move || {
        let mut sender = Sender {
            context: &reading,
            progress: &watch,
            held: &held,
            sheets,
            known: &known,
            to,
            batch: Vec::new(),
            tally: Tally::default(),
            older: Vec::new(),
            organisations: HashMap::new(),
            seen: 0,
            active: false,
        };
        table::walk(&at, Shaper::default(), &mut sender)?;
        sender.send()?;
        Ok::<_, IntakeError>((sender.tally, sender.older, sender.organisations))
    });
    let (actor, kind, now) = (actor.clone(), context.kind, context.now);
    let (purpose, later) = (options.purpose.clone(), options.register_rules_later);
    let (line_yuan, day, committed_at) = (context.line_yuan, context.as_of, app.clock.now_ms());
    app.db
        .write::<Tally, IntakeError, _>(move |tx| {
            Box::pin(async move {
                let heavy = fresh && kind == Kind::Person;
                if heavy {
                    tx.command(store::DROP_PERSON_INDEXES).await?;
                }
                while let Some(batch) = from.recv().await {
                    match kind {
                        Kind::Household | Kind::Division => {
                            write_batch::<records::Household>(tx, batch, fresh, import.id, now).await?
                        }
                        Kind::Person => write_batch::<records::Person>(tx, batch, fresh, import.id, now).await?,
                        Kind::Income => write_batch::<records::Income>(tx, batch, fresh, import.id, now).await?,
                        Kind::Monitoring => {
                            write_batch::<records::Monitoring>(tx, batch, fresh, import.id, now).await?
                        }
                        Kind::Helper => write_batch::<records::Helper>(tx, batch, fresh, import.id, now).await?,
                        Kind::WorkTeam => {
                            write_batch::<records::WorkTeamMember>(tx, batch, fresh, import.id, now).await?
                        }
                    }
                }
                // The channel is closed: the reader has ended, well or not; if not, nothing is kept.
                let (tally, older, organisations) = reader.await.map_err(|e| IntakeError::File(e.to_string()))??;
                if heavy {
                    tx.command(store::MAKE_PERSON_INDEXES).await?;
                }
                (import.rows_new, import.rows_changed) = (tally.new, tally.changed);
                import.rows_same = tally.same + tally.older;
                import.rows_doubtful += tally.older;
                import.committed_at = Some(committed_at);
                if kind == Kind::Household && tally.changed > 0 {
                    store::follow_households(tx).await?;
                }
                if matches!(kind, Kind::Household | Kind::Person | Kind::Monitoring) {
                    store::roll_up(tx).await?;
                }
                let organisations = organisations
                    .into_iter()
                    .map(|((name, kind), county)| crate::args![ids::new_id(), "", name, kind, county, import.id, now])
                    .collect();
                store::put_organisations(tx, organisations).await?;
                let mut found = found;
                found.extend(older);
                close(tx, &actor, &import, &purpose, found, held_rows, now).await?;
                if !later {
                    register_rules(tx, import.id, &actor.scope, line_yuan, day).await?;
                }
                Ok(tally)
            })
        })
        .await
}

async fn write_batch<R>(tx: &mut Tx, batch: Vec<Write>, fresh: bool, import: Uuid, now: i64) -> Result<(), IntakeError>
where
    R: Entity + crate::platform::db::Record,
{
    let mut rows = Vec::with_capacity(batch.len());
    for write in batch {
        match write {
            Write::New(values) => rows.push(values),
            Write::Changed(id, values) => {
                store::keep_version::<R>(tx, id, import, now).await?;
                rows.push(values);
            }
        }
    }
    store::put::<R>(tx, rows, fresh).await?;
    Ok(())
}

struct DivisionRows<'a> {
    context: &'a Context,
    held: &'a HashSet<(u32, u64)>,
    rows: Vec<convert::DivisionRow>,
    active: bool,
}

impl Visitor for DivisionRows<'_> {
    type Error = IntakeError;

    fn headers(&mut self, _: &str, headers: &[Header], _: &Preamble) -> Result<(), IntakeError> {
        self.active = Mapping::of(self.context.kind, headers).columns == self.context.mapping.columns;
        Ok(())
    }

    fn row(&mut self, row: DataRow<'_>) -> Result<Go, IntakeError> {
        if self.active
            && !self.held.contains(&(0, row.line))
            && let Some(Draft::Division(division)) = convert::convert(self.context, row)?.draft
        {
            self.rows.push(division);
        }
        Ok(Go::On)
    }
}

async fn commit_divisions(
    app: &App,
    actor: &Actor,
    path: &Path,
    context: &Arc<Context>,
    checked: Checked,
    mut import: Import,
    purpose: &str,
) -> Result<Tally, IntakeError> {
    let Checked { held, held_rows, found, .. } = checked;
    let held_rows = seal_held(context, held_rows)?;
    let (reading, at) = (context.clone(), path.to_owned());
    let rows = blocking(move || {
        let mut visitor = DivisionRows { context: &reading, held: &held, rows: Vec::new(), active: false };
        table::walk(&at, Shaper::default(), &mut visitor)?;
        Ok(visitor.rows)
    })
    .await?;
    // What the register knows already gives names to codes whose parents are not in this file.
    let mut names: HashMap<String, String> =
        context.divisions.all().iter().map(|d| (d.code.clone(), d.name.clone())).collect();
    let day = context.as_of.to_string();
    let in_force = |d: &convert::DivisionRow| d.valid_to.is_empty() || d.valid_to > day;
    for row in rows.iter().filter(|r| in_force(r)) {
        names.insert(row.code.clone(), row.name.clone());
    }
    let mut news = Vec::new();
    let mut aliases: Vec<[String; 5]> = Vec::new();
    let mut retired: Vec<[String; 5]> = Vec::new();
    let successor: HashMap<&str, &convert::DivisionRow> =
        rows.iter().filter(|r| in_force(r) && !r.former.is_empty()).map(|r| (r.former.as_str(), r)).collect();
    for row in &rows {
        if !in_force(row) {
            // A code that no longer holds leads to the one that took its place, if the file names it.
            let to = successor.get(row.code.as_str()).map_or(row.code.as_str(), |s| s.code.as_str());
            retired.push([
                row.code.clone(),
                row.name.clone(),
                to.to_owned(),
                row.valid_from.clone(),
                row.valid_to.clone(),
            ]);
            continue;
        }
        if !row.former.is_empty() && !rows.iter().any(|r| !in_force(r) && r.code == row.former) {
            aliases.push([row.former.clone(), String::new(), row.code.clone(), String::new(), row.valid_from.clone()]);
        }
        let Ok(code) = codes::division::DivisionCode::parse(&row.code) else {
            continue;
        };
        let mut full_name = String::new();
        for above in code.ancestors() {
            full_name.push_str(names.get(above.as_str()).map_or("", String::as_str));
        }
        full_name.push_str(&row.name);
        let folded = codes::name::fold(&row.name);
        news.push(store::NewDivision {
            parent: code.parent().map(|p| p.as_str().to_owned()).unwrap_or_default(),
            level: code.level().number(),
            pinyin: codes::name::pinyin(&folded),
            initials: codes::name::initials(&folded),
            code: row.code.clone(),
            name: row.name.clone(),
            full_name,
            urban_rural: row.urban_rural.clone(),
            valid_from: row.valid_from.clone(),
            valid_to: row.valid_to.clone(),
        });
    }
    if import.division_code.is_empty() {
        let codes = names.keys().map(String::as_str);
        import.division_code = province_of(codes).unwrap_or_default().to_owned();
    }
    let before: HashSet<String> = context.divisions.all().iter().map(|d| d.code.clone()).collect();
    let (actor, purpose, now) = (actor.clone(), purpose.to_owned(), context.now);
    app.db
        .write::<Tally, IntakeError, _>(move |tx| {
            Box::pin(async move {
                let total = news.len() as i64;
                let new = news.iter().filter(|d| !before.contains(&d.code)).count() as i64;
                let touched = store::put_divisions(tx, news, import.id).await? as i64;
                store::put_aliases(tx, aliases).await?;
                let (old, had) = (retired.len() as i64, store::count_aliases(tx).await?);
                let moved = store::put_aliases(tx, retired).await? as i64;
                let added = store::count_aliases(tx).await? - had;
                let tally = Tally {
                    new: new + added,
                    changed: (touched - new).max(0) + (moved - added).max(0),
                    same: total - touched + old - moved,
                    older: 0,
                };
                (import.rows_new, import.rows_changed, import.rows_same) = (tally.new, tally.changed, tally.same);
                import.committed_at = Some(now);
                close(tx, &actor, &import, &purpose, found, held_rows, now).await?;
                Ok(tally)
            })
        })
        .await
}

// ---- Rules on the whole register -----------------------------------------------------------------------------------

/// Runs the register-wide rules anew as of `day` in the actor's scope; their hits belong to `import`, the last of its
/// batch.
///
/// # Errors
/// The database fails.
pub async fn check_register(app: &App, actor: &Actor, import: Uuid, day: NaiveDate) -> Result<(), IntakeError> {
    let scope = actor.scope.clone();
    let line = settings::get(&app.db, "income_line").await?.and_then(|v| v.as_f64()).unwrap_or(DEFAULT_LINE);
    app.db.write(move |tx| Box::pin(async move { register_rules(tx, import, &scope, line, day).await })).await
}

async fn register_rules(
    tx: &mut Tx,
    import: Uuid,
    scope: &Scope,
    line_yuan: f64,
    day: NaiveDate,
) -> Result<(), IntakeError> {
    store::clear_register_rules(tx, scope).await?;
    let (lo, hi) = (scope.lo(), scope.hi());
    for (rule, field, sql) in store::REGISTER_RULES {
        let hits = store::hits(tx, sql, crate::args![lo, hi]).await?;
        register_hits(tx, import, rule, field, hits).await?;
    }
    let hits = store::hits(tx, store::INCOME_RULE, crate::args![lo, hi, line_yuan]).await?;
    register_hits(tx, import, "register.income_not_monitored", "人均纯收入", hits).await?;
    let hits = store::hits(tx, store::SERIOUS_RULE, crate::args![lo, hi]).await?;
    register_hits(tx, import, "register.serious_insurance", "是否参加大病保险", hits).await?;
    let mut eco = Vec::new();
    for (division, household, items, attrs) in store::eco_incomes(tx, scope).await? {
        let get = |text: &str, header: &str| {
            serde_json::from_str::<serde_json::Value>(text)
                .ok()
                .and_then(|v| v.get(header).and_then(|v| v.as_str()).and_then(rules::number))
                .unwrap_or(0.0)
        };
        let paid = get(&items, "生态补偿金");
        if paid > 0.0 && get(&attrs, "退耕还林面积(亩)") <= 0.0 {
            eco.push((division, household, String::new(), format!("{paid:.0}")));
        }
    }
    register_hits(tx, import, "register.eco_without_fallow", "生态补偿金", eco).await?;
    monitored_rules(tx, import, scope, day).await
}

async fn register_hits(
    tx: &mut Tx,
    import: Uuid,
    rule: &'static str,
    field: &'static str,
    hits: Vec<store::RegisterHit>,
) -> Result<(), IntakeError> {
    let found = hits
        .into_iter()
        .take(HITS_KEPT)
        .map(|(division, household_no, person_no, value)| Found {
            hit: Hit::new(rule, field, value),
            severity: Severity::Doubt,
            division,
            household_no,
            person_no,
            sheet: String::new(),
            line: 0,
        })
        .collect();
    store::put_issues(tx, issue_rows(import, found)).await?;
    Ok(())
}

/// Rules that hold a monitored household's risks and measures against its members.
async fn monitored_rules(tx: &mut Tx, import: Uuid, scope: &Scope, day: NaiveDate) -> Result<(), IntakeError> {
    use codes::lists::Labour;
    let members = store::monitored_members(tx, scope).await?;
    let mut out: HashMap<&'static str, Vec<store::RegisterHit>> = HashMap::new();
    for family in members.chunk_by(|a, b| a.household_no == b.household_no) {
        let first = &family[0];
        let risks: Vec<String> = serde_json::from_str(&first.risks).unwrap_or_default();
        let risk = |word: &str| risks.iter().any(|r| r.contains(word));
        let attrs: serde_json::Value = serde_json::from_str(&first.attrs).unwrap_or_default();
        let measures: Vec<&str> = rules::MEASURE_HEADERS
            .into_iter()
            .filter(|m| attrs.get(*m).and_then(|v| v.as_str()).is_some_and(rules::has_measure))
            .collect();
        let able: Vec<bool> = family
            .iter()
            .map(|p| Labour::parse(&p.labour).is_some_and(Labour::able) && !rules::in_school(&p.schooling))
            .collect();
        let any_able = able.contains(&true);
        let all_able = !able.contains(&false);
        let mut hit = |rule, value: &str| {
            out.entry(rule).or_default().push((
                first.division_code.clone(),
                first.household_no.clone(),
                String::new(),
                value.to_owned(),
            ));
        };
        if risk("因残") && !family.iter().any(|p| p.health.contains("残疾")) {
            hit("register.disability_risk", "因残");
        }
        if risk("务工就业不稳") && !any_able {
            hit("register.work_risk", "因务工就业不稳");
        }
        if risk("缺劳动力") && all_able {
            hit("register.labour_risk", "因缺劳动力");
        }
        let developing = measures.iter().any(|m| rules::DEVELOPING.contains(m));
        let old = rules::months_since(&first.identified_month, day).is_some_and(|m| m > 6);
        if !first.eliminated && any_able && old && !developing {
            hit("register.measure_not_developing", &first.identified_month);
        }
        if any_able && !measures.is_empty() && measures.iter().all(|m| *m == "综合保障") {
            hit("register.only_general_measure", "综合保障");
        }
        let listed = family.iter().any(|p| {
            p.person_attrs.contains("\"是否享受低保\":\"是\"") || p.person_attrs.contains("\"是否特困供养人员\":\"是\"")
        });
        let claims =
            attrs.get("综合保障").and_then(|v| v.as_str()).is_some_and(|t| t.contains("低保") || t.contains("特困"));
        if claims && !listed {
            hit("register.support_not_listed", "综合保障");
        }
    }
    for (rule, hits) in out {
        let field = match rule {
            "register.measure_not_developing" => "实施开发式帮扶措施情况",
            "register.only_general_measure" | "register.support_not_listed" => "综合保障",
            _ => "致贫/返贫风险1",
        };
        register_hits(tx, import, rule, field, hits).await?;
    }
    Ok(())
}

// ---- Reading what was brought in -----------------------------------------------------------------------------------

/// The imports of a scope, newest first.
///
/// # Errors
/// The database fails, or the actor may not.
pub async fn imports(app: &App, actor: &Actor, limit: i64, offset: i64) -> Result<Vec<Import>, IntakeError> {
    if !actor.may(Capability::ImportRegister) {
        return Err(IntakeError::Forbidden);
    }
    Ok(store::imports(&app.db, &actor.scope, limit, offset).await?)
}

/// One import.
///
/// # Errors
/// It does not exist, or not for this actor.
pub async fn import(app: &App, actor: &Actor, id: Uuid) -> Result<Import, IntakeError> {
    if !actor.may(Capability::ImportRegister) {
        return Err(IntakeError::Forbidden);
    }
    store::import(&app.db, id, &actor.scope).await?.ok_or(IntakeError::NotFound)
}

/// Hits of an import by rule: rule, severity, hits.
///
/// # Errors
/// It does not exist, or not for this actor.
pub async fn issue_counts(app: &App, actor: &Actor, id: Uuid) -> Result<Vec<(String, String, i64)>, IntakeError> {
    import(app, actor, id).await?;
    Ok(store::issue_counts(&app.db, id).await?)
}

/// Hits of an import, of one rule or (empty) of all.
///
/// # Errors
/// It does not exist, or not for this actor.
pub async fn issues(app: &App, actor: &Actor, id: Uuid, rule: &str, limit: i64) -> Result<Vec<Issue>, IntakeError> {
    import(app, actor, id).await?;
    Ok(store::issues(&app.db, id, rule, limit).await?)
}

/// The order in which files must be brought in: by what they hold.
///
/// # Errors
/// A file cannot be read, or is of no known kind.
pub async fn in_order(paths: Vec<PathBuf>, kind: Option<Kind>) -> Result<Vec<(Kind, PathBuf)>, IntakeError> {
    blocking(move || {
        let mut out = Vec::with_capacity(paths.len());
        for path in paths {
            let file = name_of(&path, "");
            let looked = look(&path, &file, kind, SAMPLE)?;
            out.push((looked.kind, path));
        }
        out.sort_by_key(|(kind, _)| *kind);
        Ok(out)
    })
    .await
}

/// Brings files in one after another, in the order given by [`in_order`], and runs the register-wide rules once at the
/// end: between the files of a batch the register is not whole.
///
/// # Errors
/// The first file that cannot be brought in; the files before it are in.
pub async fn import_batch(
    app: &App,
    actor: &Actor,
    files: Vec<(Kind, PathBuf)>,
    options: &ImportOptions,
    progress: &Progress,
) -> Result<Vec<ImportReport>, IntakeError> {
    let mut reports: Vec<ImportReport> = Vec::with_capacity(files.len());
    for (kind, path) in files {
        let options = ImportOptions { kind: Some(kind), register_rules_later: true, ..options.clone() };
        reports.push(import_file(app, actor, &path, options, progress).await?);
    }
    if let Some(last) = reports.iter_mut().rfind(|r| r.already.is_none()) {
        progress.stage("job-stage-intake-check", 0);
        let day = last.as_of.parse().unwrap_or_else(|_| app.clock.today());
        check_register(app, actor, last.id, day).await?;
        last.rules = store::issue_counts(&app.db, last.id).await?;
    }
    Ok(reports)
}

/// Deletes copies of uploads that no staged import claims: left by a process that died.
///
/// # Errors
/// The folder or the database fails.
pub async fn sweep(app: &App) -> Result<(), IntakeError> {
    let folder = staging(app)?;
    let staged: HashSet<String> = store::waiting(&app.db).await?.into_iter().map(|(id,)| id.to_string()).collect();
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !staged.contains(name.split('.').next().unwrap_or_default())
            && let Err(error) = std::fs::remove_file(entry.path())
        {
            tracing::warn!(%error, "a staged file could not be deleted");
        }
    }
    Ok(())
}
