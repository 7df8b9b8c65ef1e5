//! Data comparison (数据比对): an agency's list held against the register. Rows become signals where they match:
//! by themselves where ID number and name agree, otherwise once a person has looked. A revised row revises its signals.

pub mod lists;
mod matching;
pub mod model;
pub mod pages;
mod store;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use chrono::{Days, NaiveDate};
use uuid::Uuid;

pub use lists::{Held, Source};
pub use model::{
    Candidate, CompareError, CompareOptions, CompareReport, ComparisonRow, Counts, Decided, Group, ListRow,
    RETENTION_DAYS, Subject, Verdict,
};

use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability};
use crate::platform::jobs::Progress;
use crate::platform::{App, Tx, UserError, Vault, ids};
use crate::register::Divisions;
use matching::{Found, Matcher};
use model::{Known, NewCandidate, NewRow, NewSignal};

/// Held rows that a report lists one by one.
pub const HELD_SHOWN: usize = 1_000;
/// Where a row's columns are sealed.
const FIELDS: &str = "list_row.fields";

/// One sheet of a list: lines with their numbers, from 1.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    /// Its name; empty for CSV.
    pub name: String,
    /// Lines in order.
    pub rows: Vec<(i64, Vec<String>)>,
}

/// What is sealed with a row: the columns as they came and what they state.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Content {
    pub(crate) columns: BTreeMap<String, String>,
    pub(crate) facts: Vec<StoredFact>,
    pub(crate) withdrawn: Option<String>,
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct StoredFact {
    pub(crate) kind: String,
    /// ISO day.
    pub(crate) date: String,
    pub(crate) value: serde_json::Value,
}

impl Content {
    fn of(row: &lists::Row) -> Self {
        Self {
            columns: row.fields.clone(),
            facts: row
                .facts
                .iter()
                .map(|f| StoredFact { kind: f.kind.to_owned(), date: f.date.to_string(), value: f.value.clone() })
                .collect(),
            withdrawn: row.withdrawn.map(str::to_owned),
        }
    }

    fn seal(&self, vault: &Vault) -> Result<Vec<u8>, CompareError> {
        let text = serde_json::to_vec(self).map_err(|e| CompareError::Broken(e.to_string()))?;
        Ok(vault.seal(FIELDS, &text)?)
    }

    pub(crate) fn open(vault: &Vault, sealed: &[u8]) -> Result<Self, CompareError> {
        let plain = vault.open_sealed(FIELDS, sealed)?;
        serde_json::from_slice(&plain).map_err(|e| CompareError::Broken(e.to_string()))
    }
}

/// A file as read: what kind of list it is and what its rows say.
#[derive(Debug)]
pub struct Parsed {
    /// The kind of list.
    pub source: &'static Source,
    /// Columns found.
    pub mapping: lists::Mapping,
    /// Header row as the file has it.
    pub headers: Vec<String>,
    /// Rows that could be read.
    pub rows: Vec<lists::Row>,
    /// Rows that could not.
    pub held: Vec<Held>,
}

impl Parsed {
    /// Rows of the file, read or held.
    pub fn total(&self) -> usize {
        self.rows.len() + self.held.len()
    }

    fn mapping_json(&self) -> serde_json::Value {
        let found: Vec<_> = self
            .mapping
            .columns
            .iter()
            .map(|(field, (_, found))| serde_json::json!({"field": lists::header(*field), "header": found}))
            .collect();
        serde_json::json!({
            "found": found,
            "missing": self.mapping.missing(self.source),
            "extra": self.mapping.extra,
            "doubled": self.mapping.doubled,
        })
    }
}

/// Reads a file and says what it is, without writing anything: the preview.
///
/// # Errors
/// The file is not readable or not such a list.
pub async fn parse(path: &Path, source: Option<&str>, as_of: NaiveDate) -> Result<Parsed, CompareError> {
    let file = file_name(path);
    let sheets = matching::read_sheets(path).await?;
    parse_sheets(&file, &sheets, source, as_of)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// [`parse`] for sheets already read.
///
/// # Errors
/// As there.
pub fn parse_sheets(
    file: &str,
    sheets: &[Sheet],
    wanted: Option<&str>,
    as_of: NaiveDate,
) -> Result<Parsed, CompareError> {
    let wanted = match wanted {
        None | Some("") => None,
        Some(key) => Some(lists::source(key).ok_or_else(|| CompareError::UnknownSource { name: key.to_owned() })?),
    };
    let mut parsed: Option<Parsed> = None;
    let mut best_headers: Vec<String> = Vec::new();
    for sheet in sheets {
        // Titles stand above the headers: the header row is the one among the first in which most columns are known.
        let header_at = sheet
            .rows
            .iter()
            .take(10)
            .enumerate()
            .map(|(at, (_, cells))| (lists::Mapping::of(cells).columns.len(), at))
            .filter(|(known, _)| *known >= 2)
            .max_by_key(|(known, at)| (*known, usize::MAX - at))
            .map(|(_, at)| at);
        let Some(at) = header_at else { continue };
        let (headers, last) = header_of(&sheet.rows, at);
        let mapping = lists::Mapping::of(&headers);
        if headers.len() > best_headers.len() {
            best_headers.clone_from(&headers);
        }
        let source = match (wanted, &parsed) {
            (Some(source), _) => Some(source),
            (None, Some(before)) => Some(before.source),
            (None, None) => mapping.detect(&headers),
        };
        let Some(source) = source.filter(|s| mapping.missing(s).is_empty()) else {
            continue;
        };
        let mut rows = Vec::new();
        let mut held = Vec::new();
        for (line, cells) in &sheet.rows[last + 1..] {
            let mut filled = cells.iter().map(|c| c.trim()).filter(|c| !c.is_empty());
            let Some(first) = filled.next() else { continue };
            if ["合计", "总计", "小计", "填表说明", "备注", "注:", "注："].iter().any(|w| first.starts_with(w))
            {
                continue;
            }
            match lists::read_row(source, &mapping, &headers, &sheet.name, *line, cells, as_of) {
                Ok(row) => rows.push(row),
                Err(why) => held.push(why),
            }
        }
        match &mut parsed {
            Some(parsed) => {
                parsed.rows.extend(rows);
                parsed.held.extend(held);
            }
            None => {
                parsed = Some(Parsed { source, mapping, headers, rows, held });
            }
        }
    }
    if let Some(parsed) = parsed {
        return Ok(parsed);
    }
    if best_headers.is_empty() {
        return Err(CompareError::NoHeader { file: file.to_owned() });
    }
    let found = best_headers.iter().filter(|h| !h.is_empty()).cloned().collect::<Vec<_>>().join("、");
    Err(match wanted {
        Some(source) => CompareError::MissingColumns {
            file: file.to_owned(),
            missing: lists::Mapping::of(&best_headers).missing(source).join("、"),
            found,
        },
        None => CompareError::UnknownList { file: file.to_owned(), found },
    })
}

/// The headers that begin in row `at`, and the last row of them. Where a second row divides merged headers (现住址 into
/// 省, 市, 县) the two are joined: 现住址省.
fn header_of(rows: &[(i64, Vec<String>)], at: usize) -> (Vec<String>, usize) {
    let upper = &rows[at].1;
    let single = lists::Mapping::of(upper).columns.len();
    let Some((_, lower)) = rows.get(at + 1) else {
        return (upper.clone(), at);
    };
    let width = upper.len().max(lower.len());
    let mut joined = Vec::with_capacity(width);
    let mut group = "";
    for i in 0..width {
        let top = upper.get(i).map_or("", |c| c.trim());
        let sub = lower.get(i).map_or("", |c| c.trim());
        if !top.is_empty() {
            group = top;
        }
        joined.push(match (top.is_empty(), sub.is_empty()) {
            (_, true) => top.to_owned(),
            (_, false) if sub == group => group.to_owned(),
            (_, false) => format!("{group}{sub}"),
        });
    }
    if lists::Mapping::of(&joined).columns.len() > single { (joined, at + 1) } else { (upper.clone(), at) }
}

/// A row that will be written.
struct Planned {
    row: lists::Row,
    key: String,
    division: String,
    fingerprint: i64,
    identity: i64,
    revision: i64,
    current: bool,
    id: Uuid,
    /// The row whose place it takes.
    before: Option<Uuid>,
    /// Whether the match of `before` stays.
    carries: bool,
}

/// Compares a file with the register inside the actor's scope. Everything is written in one transaction: rows,
/// candidates, signals, the record of the comparison and its audit entry; after an error nothing is there.
///
/// # Errors
/// The file is not such a list, nobody is registered, or the database fails.
pub async fn run(
    app: &App,
    actor: &Actor,
    path: &Path,
    options: CompareOptions,
    progress: &Progress,
) -> Result<CompareReport, CompareError> {
    if !actor.may(Capability::RunComparison) {
        return Err(CompareError::Forbidden);
    }
    if options.purpose.trim().is_empty() {
        return Err(CompareError::NoPurpose);
    }
    progress.stage("job-stage-compare-read", 0);
    let as_of = options.as_of.unwrap_or_else(|| app.clock.today());
    let parsed = parse(path, options.source.as_deref(), as_of).await?;
    let sha256 = matching::sha256(path).await?;
    let name = if options.file_name.is_empty() { file_name(path) } else { options.file_name.clone() };
    run_parsed(app, actor, parsed, &name, sha256, as_of, options, progress).await
}

#[allow(clippy::too_many_arguments)]
async fn run_parsed(
    app: &App,
    actor: &Actor,
    parsed: Parsed,
    file: &str,
    sha256: String,
    as_of: NaiveDate,
    options: CompareOptions,
    progress: &Progress,
) -> Result<CompareReport, CompareError> {
    let source = parsed.source;
    let divisions = Divisions::load(&app.db).await?;
    let known = store::known(&app.db, source.key).await?;
    let mut report = CompareReport {
        source: source.key.to_owned(),
        rows_total: count(parsed.total()),
        rows_held: count(parsed.held.len()),
        mapping: parsed.mapping_json(),
        held: parsed.held.iter().take(HELD_SHOWN).cloned().collect(),
        ..CompareReport::default()
    };
    let mut planned = plan(app, actor, source, parsed.rows, &known, as_of, &divisions, &mut report);
    if planned.is_empty()
        && let Some(before) = store::same_file(&app.db, source.key, &sha256, divisions.home(&actor.scope)).await?
    {
        report.id = before;
        return Ok(report);
    }

    let before: Vec<Uuid> = planned.iter().filter(|p| p.carries).filter_map(|p| p.before).collect();
    let matched_before = store::rows_with_candidates(&app.db, &before).await?;
    for plan in &mut planned {
        plan.carries &= plan.before.is_some_and(|id| matched_before.contains(&id));
    }
    let matcher = Matcher::new(app, &actor.scope);
    let to_match: Vec<&Planned> =
        planned.iter().filter(|p| p.current && !p.carries && p.row.withdrawn.is_none()).collect();
    let wanted: Vec<(&lists::Row, &str)> = to_match.iter().map(|p| (&p.row, p.division.as_str())).collect();
    let (found, registry) = matcher.find(&wanted, progress).await?;
    report.registry_persons = registry;
    let mut found: HashMap<Uuid, Vec<Found>> = to_match.iter().map(|p| p.id).zip(found).collect();
    if progress.is_cancelled() {
        return Err(CompareError::Cancelled);
    }

    progress.stage("job-stage-compare-write", count(planned.len()) as u64);
    let id = ids::new_id();
    let now = app.clock.now_ms();
    let retention = if options.retention_days == 0 { RETENTION_DAYS } else { options.retention_days };
    let until =
        app.clock.today().checked_add_days(Days::new(u64::from(retention))).unwrap_or_else(|| app.clock.today());
    let mut rows = Vec::with_capacity(planned.len());
    for plan in &planned {
        rows.push(NewRow {
            id: plan.id,
            comparison_id: id,
            source: source.key.to_owned(),
            row_key: plan.key.clone(),
            revision: plan.revision,
            current: plan.current,
            division_code: plan.division.clone(),
            kind: plan.row.kind(source).to_owned(),
            fact_date: plan.row.facts.first().map_or(as_of, |f| f.date).to_string(),
            name: plan.row.name.clone(),
            cluster: plan.row.cluster.clone(),
            fields_enc: Content::of(&plan.row).seal(&app.vault)?,
            fingerprint: plan.fingerprint,
            identity: plan.identity,
            outcome: String::new(),
            sheet: plan.row.sheet.clone(),
            line: plan.row.line,
            recorded_at: now,
        });
    }
    let mut comparison = ComparisonRow {
        id,
        source: source.key.to_owned(),
        file_name: file.to_owned(),
        sha256,
        as_of: as_of.to_string(),
        purpose: options.purpose.trim().to_owned(),
        retention_until: until.to_string(),
        division_code: divisions.home(&actor.scope).to_owned(),
        state: "done".to_owned(),
        mapping: report.mapping.to_string(),
        rows_total: report.rows_total,
        rows_held: report.rows_held,
        rows_new: report.rows_new,
        rows_revised: report.rows_revised,
        rows_same: report.rows_same,
        held: serde_json::to_string(&report.held).unwrap_or_else(|_| "[]".to_owned()),
        created_by: actor.user_id,
        created_at: now,
        finished_at: Some(now),
        ..ComparisonRow::default()
    };
    let new_candidates: HashMap<Uuid, Vec<NewCandidate>> =
        found.drain().map(|(row, found)| (row, found.into_iter().map(|f| f.candidate(row, id)).collect())).collect();
    let actor = actor.clone();
    let mut report = app
        .db
        .write_alone::<CompareReport, CompareError, _>(move |tx| {
            Box::pin(async move {
                let retired: Vec<Uuid> = planned.iter().filter(|p| p.current).filter_map(|p| p.before).collect();
                let touched = store::retire_rows(tx, &retired).await?;
                if touched != retired.len() as u64 {
                    return Err(CompareError::Overtaken);
                }
                let mut carried: HashMap<Uuid, Vec<Candidate>> = HashMap::new();
                for old in store::candidates_of_rows(tx, &retired).await? {
                    carried.entry(old.list_row_id).or_default().push(old);
                }
                let replaced: Vec<Uuid> = carried.values().flatten().map(|c| c.id).collect();
                let mut new_candidates = new_candidates;
                for plan in planned.iter().filter(|p| p.carries && p.current) {
                    let old = plan.before.and_then(|b| carried.get(&b)).into_iter().flatten();
                    let kept = old
                        .filter(|c| c.verdict != "replaced")
                        .map(|c| NewCandidate {
                            id: ids::new_id(),
                            list_row_id: plan.id,
                            comparison_id: id,
                            subject: Subject::from_name(&c.subject),
                            subject_id: c.subject_id,
                            household_id: c.household_id,
                            division_code: c.division_code.clone(),
                            tier: c.tier.clone(),
                            score: c.score,
                            explanation: c.explanation.clone(),
                            signature: c.signature.clone(),
                            verdict: c.verdict.clone(),
                            decided_by: c.decided_by,
                            decided_at: c.decided_at,
                            note: c.note.clone(),
                        })
                        .collect();
                    new_candidates.insert(plan.id, kept);
                }
                store::replace_candidates(tx, &replaced).await?;
                let mut wanted = Vec::new();
                for (row, plan) in rows.iter_mut().zip(&planned) {
                    let candidates = new_candidates.get(&plan.id).map_or(&[][..], Vec::as_slice);
                    row.outcome = match plan.row.withdrawn {
                        Some(_) => "withdrawn",
                        None => outcome(candidates.iter().map(|c| c.verdict.as_str())),
                    }
                    .to_owned();
                    if !plan.current {
                        continue;
                    }
                    match row.outcome.as_str() {
                        "matched" => report.matched += 1,
                        "review" => report.review += 1,
                        "unmatched" => report.unmatched += 1,
                        _ => report.withdrawn += 1,
                    }
                    let content = Content::of(&plan.row);
                    let mut targets = Vec::new();
                    if plan.row.withdrawn.is_none() {
                        for c in candidates {
                            if matches!(c.verdict.as_str(), "auto" | "confirmed") {
                                targets.extend(targets_of(tx, source, c).await?);
                            }
                        }
                    }
                    // A row seen for the first time that matches nobody has no signals, before or after.
                    if plan.before.is_some() || !targets.is_empty() {
                        wanted.push(Wanted {
                            row_key: plan.key.clone(),
                            list_row_id: plan.id,
                            facts: content.facts,
                            targets,
                            withdrawn: content.withdrawn,
                            unmatched: "identity_revised",
                        });
                    }
                }
                comparison.rows_matched = report.matched;
                comparison.rows_review = report.review;
                comparison.rows_unmatched = report.unmatched;
                store::insert_comparison(tx, &comparison).await?;
                store::insert_rows(tx, rows).await.map_err(|e| match e {
                    crate::platform::DbError::Unique(_) => CompareError::Overtaken,
                    other => other.into(),
                })?;
                store::insert_candidates(tx, new_candidates.into_values().flatten().collect()).await?;
                let changed = apply_signals(tx, source.key, wanted, now).await?;
                report.signals_added = changed.added;
                report.signals_ended = changed.ended;
                report.households = changed.households.into_iter().collect();
                report.id = id;
                audit::record(
                    tx,
                    &actor,
                    Entry {
                        action: "comparison.run",
                        object_kind: "comparison",
                        object_id: id.to_string(),
                        division_code: actor.scope.root(),
                        reason: &comparison.purpose,
                        detail: serde_json::json!({
                            "source": comparison.source, "sha256": comparison.sha256, "rows": report.rows_total,
                            "held": report.rows_held, "matched": report.matched, "review": report.review,
                            "unmatched": report.unmatched, "retention_until": comparison.retention_until,
                        }),
                    },
                    now,
                )
                .await?;
                Ok(report)
            })
        })
        .await?;
    report.households.sort_unstable();
    Ok(report)
}

/// Which rows are new, which revise a known one, and which say nothing new.
#[allow(clippy::too_many_arguments)]
fn plan(
    app: &App,
    actor: &Actor,
    source: &'static Source,
    rows: Vec<lists::Row>,
    known: &HashMap<String, Known>,
    as_of: NaiveDate,
    divisions: &Divisions,
    report: &mut CompareReport,
) -> Vec<Planned> {
    let mut by_key: BTreeMap<String, Vec<lists::Row>> = BTreeMap::new();
    for row in rows {
        by_key.entry(row_key(&app.vault, source, &row)).or_default().push(row);
    }
    let as_of = as_of.to_string();
    let mut planned = Vec::new();
    for (key, mut revisions) in by_key {
        // A card that stands twice in a file: the one filled in later counts, and of one day the lower line.
        revisions.sort_by_key(|r| (r.filled, r.line));
        let old = known.get(&key);
        let stale = old.is_some_and(|old| old.as_of > as_of);
        let last = revisions.len() - 1;
        let mut revision = old.map_or(0, |o| o.revision);
        let mut fingerprint_before = old.map(|o| o.fingerprint);
        let mut fresh = Vec::new();
        for (at, row) in revisions.into_iter().enumerate() {
            let columns = serde_json::to_vec(&row.fields).unwrap_or_default();
            let fingerprint = app.vault.index("list_row.fields", &String::from_utf8_lossy(&columns));
            if stale || fingerprint_before == Some(fingerprint) {
                report.rows_same += 1;
                continue;
            }
            // An earlier state of the same card inside a file that ends in the known state says nothing new either.
            fingerprint_before = Some(fingerprint);
            revision += 1;
            let identity = app.vault.index("list_row.identity", &row.identity());
            fresh.push(Planned {
                division: residence(divisions, actor, &row),
                key: key.clone(),
                fingerprint,
                identity,
                revision,
                current: at == last,
                id: ids::new_id(),
                before: None,
                carries: false,
                row,
            });
        }
        if fresh.last().is_some_and(|p| old.is_some_and(|o| o.fingerprint == p.fingerprint)) {
            report.rows_same += count(fresh.len());
            continue;
        }
        let Some(newest) = fresh.last_mut() else {
            continue;
        };
        newest.current = true;
        newest.before = old.map(|o| o.id);
        newest.carries = old.is_some_and(|o| o.identity == newest.identity);
        match old {
            Some(_) => report.rows_revised += 1,
            None => report.rows_new += 1,
        }
        planned.extend(fresh);
    }
    planned.sort_by(|a, b| (&a.row.sheet, a.row.line).cmp(&(&b.row.sheet, b.row.line)));
    planned
}

/// The key that stays the same over the revisions of a row. Where the list has none it is made from whom the row is
/// about, through a keyed hash so that it cannot be turned back into a person.
fn row_key(vault: &Vault, source: &Source, row: &lists::Row) -> String {
    if let Some(card) = &row.card {
        return card.clone();
    }
    let mut who = row.identity();
    if source.key == "medical.self_pay" {
        who.push_str(&row.facts.first().map_or_else(String::new, |f| f.date.to_string()));
    }
    if row.id.is_empty() && row.birth.is_none() && row.phone.is_none() {
        who.push_str(&row.address);
        who.push_str(&row.place_names.concat());
    }
    format!("#{:016x}", vault.index("list_row.key", &who))
}

fn residence(divisions: &Divisions, actor: &Actor, row: &lists::Row) -> String {
    let names: Vec<&str> = row.place_names.iter().map(String::as_str).collect();
    let by_names = if names.iter().any(|n| !n.is_empty()) { divisions.resolve_names(&names) } else { None };
    let by_text = || (!row.address.is_empty()).then(|| divisions.find_in_text(&row.address)).flatten();
    match (by_names, by_text()) {
        (Some(a), Some(b)) if b.starts_with(a) => b,
        (Some(a), _) => a,
        (None, Some(b)) => b,
        (None, None) => divisions.home(&actor.scope),
    }
    .to_owned()
}

/// What the verdicts of its candidates make of a row.
fn outcome<'a>(verdicts: impl Iterator<Item = &'a str>) -> &'static str {
    let mut out = "unmatched";
    for verdict in verdicts {
        match verdict {
            "pending" => return "review",
            "auto" | "confirmed" => out = "matched",
            _ => {}
        }
    }
    out
}

/// Whom a row's facts become signals of.
#[derive(Debug, Clone)]
struct Target {
    subject: Subject,
    subject_id: Uuid,
    person_id: Option<Uuid>,
    household_id: Option<Uuid>,
    division_code: String,
    probability: f64,
    match_id: Uuid,
}

async fn targets_of(tx: &mut Tx, source: &Source, c: &NewCandidate) -> Result<Vec<Target>, CompareError> {
    let probability = if matches!(c.verdict.as_str(), "auto" | "confirmed") { 1.0 } else { c.score / 100.0 };
    let target = |subject, subject_id, person_id, household_id, division_code: String| Target {
        subject,
        subject_id,
        person_id,
        household_id,
        division_code,
        probability,
        match_id: c.id,
    };
    Ok(match c.subject {
        Subject::Helper | Subject::TeamMember => store::same_staff(tx, c.subject, c.subject_id)
            .await?
            .into_iter()
            .map(|(id, household, division)| target(c.subject, id, None, household, division))
            .collect(),
        Subject::Household => vec![target(c.subject, c.subject_id, None, c.household_id, c.division_code.clone())],
        Subject::Person => {
            let household_fact = c.household_id.filter(|_| source.about_household);
            let (subject, id) = match household_fact {
                Some(household) => (Subject::Household, household),
                None => (Subject::Person, c.subject_id),
            };
            vec![target(subject, id, Some(c.subject_id), c.household_id, c.division_code.clone())]
        }
    })
}

/// The signals that a row should have.
struct Wanted {
    row_key: String,
    list_row_id: Uuid,
    facts: Vec<StoredFact>,
    targets: Vec<Target>,
    /// Why the row states nothing any more.
    withdrawn: Option<String>,
    /// The reason when a fact stands but its subject is not the same any more.
    unmatched: &'static str,
}

#[derive(Default)]
struct Changed {
    added: i64,
    ended: i64,
    households: BTreeSet<Uuid>,
}

/// Brings the signals of some rows to what they should be: what is not wanted any more is superseded (the card was
/// revised) or withdrawn (it was taken back, or is about somebody else), what is new is added, the rest stays.
async fn apply_signals(tx: &mut Tx, source: &str, wanted: Vec<Wanted>, now: i64) -> Result<Changed, CompareError> {
    let keys: Vec<String> = wanted.iter().map(|w| w.row_key.clone()).collect();
    let mut held: HashMap<String, Vec<model::HeldSignal>> = HashMap::new();
    for signal in store::active_signals(tx, source, &keys).await? {
        held.entry(signal.row_key.clone()).or_default().push(signal);
    }
    let mut changed = Changed::default();
    let mut new = Vec::new();
    for want in wanted {
        let mut old = held.remove(&want.row_key).unwrap_or_default();
        for fact in &want.facts {
            for target in &want.targets {
                let (date, value) = (fact.date.clone(), fact.value.to_string());
                let at = old.iter().position(|s| {
                    s.kind == fact.kind && s.subject == target.subject.name() && s.subject_id == target.subject_id
                });
                let version = match at.map(|at| old.swap_remove(at)) {
                    Some(same) if same.fact_date == date && same.value == value => continue,
                    Some(earlier) => {
                        store::end_signal(tx, earlier.id, "superseded", "revised", now).await?;
                        changed.ended += 1;
                        earlier.version + 1
                    }
                    None => 1,
                };
                changed.households.extend(target.household_id);
                changed.added += 1;
                new.push(NewSignal {
                    id: ids::new_id(),
                    kind: fact.kind.clone(),
                    subject: target.subject,
                    subject_id: target.subject_id,
                    person_id: target.person_id,
                    household_id: target.household_id,
                    division_code: target.division_code.clone(),
                    fact_date: date,
                    learnt_at: now,
                    value,
                    probability: target.probability,
                    source: source.to_owned(),
                    row_key: want.row_key.clone(),
                    list_row_id: want.list_row_id,
                    match_id: target.match_id,
                    version,
                });
            }
        }
        for gone in old {
            let fact_stands = want.facts.iter().any(|f| f.kind == gone.kind);
            let (state, reason) = match &want.withdrawn {
                Some(why) => ("withdrawn", why.as_str()),
                None if fact_stands || want.targets.is_empty() => ("withdrawn", want.unmatched),
                None => ("superseded", "revised"),
            };
            store::end_signal(tx, gone.id, state, reason, now).await?;
            changed.ended += 1;
            changed.households.extend(gone.household_id);
        }
    }
    store::insert_signals(tx, new).await?;
    Ok(changed)
}

/// Decides a row. Of two people who decide at once one is first; the other is told what was decided.
/// `candidate` is needed for [`Verdict::Confirm`] and [`Verdict::Reject`].
///
/// # Errors
/// Not visible, not allowed, already decided, or revised in the meantime.
pub async fn decide(
    app: &App,
    actor: &Actor,
    row: Uuid,
    candidate: Option<Uuid>,
    verdict: Verdict,
    note: &str,
) -> Result<Decided, CompareError> {
    let done = decide_quietly(app, actor, row, candidate, verdict, note).await?;
    onward(app, actor, &done.households).await?;
    Ok(done)
}

async fn decide_quietly(
    app: &App,
    actor: &Actor,
    row: Uuid,
    candidate: Option<Uuid>,
    verdict: Verdict,
    note: &str,
) -> Result<Decided, CompareError> {
    if !actor.may(Capability::ReviewMatches) {
        return Err(CompareError::Forbidden);
    }
    let (vault, now, actor, note) = (app.vault.clone(), app.clock.now_ms(), actor.clone(), note.trim().to_owned());
    app.db
        .write::<Decided, CompareError, _>(move |tx| {
            Box::pin(async move { decide_in(tx, &vault, &actor, row, candidate, verdict, &note, now).await })
        })
        .await
}

#[allow(clippy::too_many_arguments)]
async fn decide_in(
    tx: &mut Tx,
    vault: &Vault,
    actor: &Actor,
    row: Uuid,
    candidate: Option<Uuid>,
    verdict: Verdict,
    note: &str,
    now: i64,
) -> Result<Decided, CompareError> {
    let row = store::lock_row(tx, row, &actor.scope).await?.ok_or(CompareError::NotFound)?;
    if !row.current {
        return Err(CompareError::Superseded);
    }
    let source = lists::source(&row.source).ok_or(CompareError::NotFound)?;
    let mut all = store::candidates_of_rows(tx, &[row.id]).await?;
    all.retain(|c| c.verdict != "replaced");
    let mine = |c: &Candidate| actor.scope.contains(&c.division_code);
    let chosen = match candidate {
        Some(id) => Some(all.iter().position(|c| c.id == id && mine(c)).ok_or(CompareError::NotFound)?),
        None => None,
    };
    let decided = || CompareError::AlreadyDecided { outcome: row.outcome.clone() };
    // Verdict, and the candidates that it falls on.
    let mut changes: Vec<(usize, &'static str)> = Vec::new();
    match (verdict, chosen) {
        (Verdict::Confirm, Some(at)) => {
            if all[at].verdict != "pending" {
                return Err(decided());
            }
            changes.push((at, "confirmed"));
            // A card can be of one person only; that the same person also serves as a helper is another question.
            let staff = |c: &Candidate| matches!(c.subject.as_str(), "helper" | "team_member");
            for (other, c) in all.iter().enumerate() {
                if other != at && c.verdict == "pending" && staff(c) == staff(&all[at]) {
                    changes.push((other, "superseded"));
                }
            }
        }
        (Verdict::Reject, Some(at)) => {
            if !matches!(all[at].verdict.as_str(), "pending" | "auto") {
                return Err(decided());
            }
            changes.push((at, "rejected"));
        }
        (Verdict::None, _) => {
            for (at, c) in all.iter().enumerate() {
                if c.verdict == "pending" && mine(c) {
                    changes.push((at, "rejected"));
                }
            }
            if changes.is_empty() {
                return Err(decided());
            }
        }
        (Verdict::Undo, _) => {
            for (at, c) in all.iter().enumerate() {
                if matches!(c.verdict.as_str(), "confirmed" | "rejected" | "superseded") && mine(c) {
                    changes.push((at, "pending"));
                }
            }
            if changes.is_empty() {
                return Err(decided());
            }
        }
        (Verdict::Confirm | Verdict::Reject, None) => return Err(CompareError::NotFound),
    }
    for (at, to) in &changes {
        all[*at].verdict = (*to).to_owned();
    }
    for to in ["confirmed", "rejected", "superseded", "pending"] {
        let ids: Vec<Uuid> = changes.iter().filter(|(_, t)| *t == to).map(|(at, _)| all[*at].id).collect();
        let (by, when) = if to == "pending" { (None, None) } else { (actor.user_id, Some(now)) };
        store::set_verdict(tx, &ids, to, by, when, note).await?;
    }
    let new_outcome = outcome(all.iter().map(|c| c.verdict.as_str()));
    store::set_outcome(tx, row.id, new_outcome).await?;
    let content = Content::open(vault, &row.fields_enc)?;
    let mut targets = Vec::new();
    for c in all.iter().filter(|c| matches!(c.verdict.as_str(), "auto" | "confirmed")) {
        let candidate = NewCandidate {
            id: c.id,
            list_row_id: c.list_row_id,
            comparison_id: c.comparison_id,
            subject: Subject::from_name(&c.subject),
            subject_id: c.subject_id,
            household_id: c.household_id,
            division_code: c.division_code.clone(),
            tier: c.tier.clone(),
            score: c.score,
            explanation: String::new(),
            signature: String::new(),
            verdict: c.verdict.clone(),
            decided_by: None,
            decided_at: None,
            note: String::new(),
        };
        targets.extend(targets_of(tx, source, &candidate).await?);
    }
    let wanted = Wanted {
        row_key: row.row_key.clone(),
        list_row_id: row.id,
        facts: content.facts,
        targets,
        withdrawn: content.withdrawn,
        unmatched: "match_undone",
    };
    let changed = apply_signals(tx, source.key, vec![wanted], now).await?;
    let division = chosen.map_or(row.division_code.as_str(), |at| all[at].division_code.as_str());
    audit::record(
        tx,
        actor,
        Entry {
            action: match verdict {
                Verdict::Confirm => "match.confirm",
                Verdict::Reject => "match.reject",
                Verdict::None => "match.none",
                Verdict::Undo => "match.undo",
            },
            object_kind: "list_row",
            object_id: row.id.to_string(),
            division_code: division,
            reason: note,
            detail: serde_json::json!({
                "candidate": candidate, "outcome": new_outcome,
                "signals_added": changed.added, "signals_ended": changed.ended,
            }),
        },
        now,
    )
    .await?;
    Ok(Decided { row: row.id, outcome: new_outcome, households: changed.households.into_iter().collect() })
}

/// One decision for many rows whose only candidate looks alike: `candidates` as the preview listed them. What has been
/// decided meanwhile is left as it is. Returns the decided rows and how many were left.
///
/// # Errors
/// Not allowed, or the database fails; then none is decided.
pub async fn decide_many(
    app: &App,
    actor: &Actor,
    candidates: Vec<(Uuid, Uuid)>,
    verdict: Verdict,
    note: &str,
) -> Result<(Vec<Decided>, usize), CompareError> {
    if !actor.may(Capability::ReviewMatches) {
        return Err(CompareError::Forbidden);
    }
    let (vault, now, who, note) = (app.vault.clone(), app.clock.now_ms(), actor.clone(), note.trim().to_owned());
    let (done, left) = app
        .db
        .write::<(Vec<Decided>, usize), CompareError, _>(move |tx| {
            Box::pin(async move {
                let mut done = Vec::new();
                let mut left = 0;
                for (row, candidate) in candidates {
                    match decide_in(tx, &vault, &who, row, Some(candidate), verdict, &note, now).await {
                        Ok(one) => done.push(one),
                        Err(
                            CompareError::AlreadyDecided { .. } | CompareError::Superseded | CompareError::NotFound,
                        ) => {
                            left += 1;
                        }
                        Err(other) => return Err(other),
                    }
                }
                Ok((done, left))
            })
        })
        .await?;
    let households: BTreeSet<Uuid> = done.iter().flat_map(|d| d.households.iter().copied()).collect();
    onward(app, actor, &households.into_iter().collect::<Vec<_>>()).await?;
    Ok((done, left))
}

/// What follows on changed signals down the road: assessment and ledger of the households touched.
async fn onward(app: &App, actor: &Actor, households: &[Uuid]) -> Result<(), CompareError> {
    use crate::platform::UserError;
    if households.is_empty() {
        return Ok(());
    }
    crate::road::signals_changed(app, actor, households)
        .await
        .map_err(|error| CompareError::Onward { code: error.code(), text: error.message(actor.lang) })?;
    Ok(())
}

/// Takes everything personal out of rows that matched nobody and are past their retention day; how many.
///
/// # Errors
/// The database fails.
pub async fn purge(app: &App, actor: &Actor) -> Result<i64, CompareError> {
    let empty = Content::default().seal(&app.vault)?;
    let (today, now, actor) = (app.clock.today().to_string(), app.clock.now_ms(), actor.clone());
    app.db
        .write::<i64, CompareError, _>(move |tx| {
            Box::pin(async move {
                let expired = store::expired(tx, &today, &actor.scope).await?;
                let mut by_comparison: BTreeMap<Uuid, i64> = BTreeMap::new();
                for (row, comparison) in &expired {
                    store::blank_row(tx, *row, empty.clone()).await?;
                    *by_comparison.entry(*comparison).or_default() += 1;
                }
                for (comparison, rows) in by_comparison {
                    audit::record(
                        tx,
                        &actor,
                        Entry {
                            action: "comparison.purge",
                            object_kind: "comparison",
                            object_id: comparison.to_string(),
                            division_code: actor.scope.root(),
                            reason: "",
                            detail: serde_json::json!({ "rows": rows }),
                        },
                        now,
                    )
                    .await?;
                }
                Ok(count(expired.len()))
            })
        })
        .await
}

/// How good the matches of a source are, measured against known answers.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub struct Quality {
    /// Rows whose person is registered, by the answers.
    pub truth: i64,
    /// Matches made without a person, or confirmed by one.
    pub decided: i64,
    /// Of these the right ones.
    pub decided_right: i64,
    /// Matches if each open row were given its best candidate.
    pub best: i64,
    /// Of these the right ones.
    pub best_right: i64,
}

impl Quality {
    /// Share of right ones among the matches made: automatic, and with best candidates.
    pub fn precision(&self) -> (f64, f64) {
        (ratio(self.decided_right, self.decided), ratio(self.best_right, self.best))
    }

    /// Share of the registered persons on the list that were found: automatic, and with best candidates.
    pub fn recall(&self) -> (f64, f64) {
        (ratio(self.decided_right, self.truth), ratio(self.best_right, self.truth))
    }
}

fn ratio(part: i64, whole: i64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// Measures the matches of `source` against `answers`: row key (卡片编号) to 人口编号, or none for a stranger.
///
/// # Errors
/// The database fails.
pub async fn evaluate(
    app: &App,
    source: &str,
    answers: &HashMap<String, Option<String>>,
) -> Result<Quality, CompareError> {
    let mut quality = Quality { truth: count(answers.values().flatten().count()), ..Quality::default() };
    let mut seen = BTreeSet::new();
    for found in store::matches_by_key(&app.db, source).await? {
        let Some(answer) = answers.get(&found.row_key) else {
            continue;
        };
        if !seen.insert(found.row_key) {
            continue;
        }
        let right = i64::from(answer.as_deref() == Some(found.person_no.as_str()));
        quality.best += 1;
        quality.best_right += right;
        if found.verdict != "pending" {
            quality.decided += 1;
            quality.decided_right += right;
        }
    }
    Ok(quality)
}

/// Measures the matches of one list against `answers`: line of the file to 人口编号, or none for a stranger.
///
/// # Errors
/// The database fails.
pub async fn evaluate_lines(
    app: &App,
    file_name: &str,
    answers: &HashMap<i64, Option<String>>,
) -> Result<Quality, CompareError> {
    let mut quality = Quality { truth: count(answers.values().flatten().count()), ..Quality::default() };
    let mut seen = BTreeSet::new();
    for (line, verdict, person_no) in store::matches_by_line(&app.db, file_name).await? {
        let Some(answer) = answers.get(&line).filter(|_| seen.insert(line)) else {
            continue;
        };
        let right = i64::from(answer.as_deref() == Some(person_no.as_str()));
        quality.best += 1;
        quality.best_right += right;
        if verdict != "pending" {
            quality.decided += 1;
            quality.decided_right += right;
        }
    }
    Ok(quality)
}

/// [`evaluate`] against a CSV file with the columns `card_no`, `role` and `person_no`, where a role other than
/// `registered` means that the person is not in the register.
///
/// # Errors
/// The file is not readable or has other columns; the database fails.
pub async fn evaluate_file(app: &App, source: &str, file: &Path) -> Result<Quality, CompareError> {
    let fail = |why: String| CompareError::Truth { file: file_name(file), why };
    let sheets = matching::read_sheets(file).await?;
    let rows = sheets.first().map_or(&[][..], |s| s.rows.as_slice());
    let Some(((_, headers), rows)) = rows.split_first() else {
        return Err(fail("no rows".to_owned()));
    };
    let column =
        |name: &str| headers.iter().position(|h| h.trim() == name).ok_or_else(|| fail(format!("no column {name}")));
    let (card, role, person) = (column("card_no")?, column("role")?, column("person_no")?);
    let mut answers = HashMap::new();
    for (_, cells) in rows {
        let get = |at: usize| cells.get(at).map_or("", |c| c.trim());
        let registered = get(role) == "registered" && !get(person).is_empty();
        answers.insert(get(card).to_owned(), registered.then(|| get(person).to_owned()));
    }
    evaluate(app, source, &answers).await
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The kind of job that [`run`] is started as from a page.
pub const JOB: &str = "compare";

/// What a comparison job needs.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct JobParams {
    /// File inside the data folder's `uploads`.
    pub upload: String,
    /// How to compare.
    pub options: CompareOptions,
    /// Who asked: login, role and scope as they were.
    pub user_id: Option<Uuid>,
    /// Login.
    pub login: String,
    /// Name.
    pub name: String,
    /// Unit.
    pub unit: String,
    /// Role by name.
    pub role: String,
    /// Root of the scope.
    pub division: String,
}

impl JobParams {
    fn actor(&self) -> Option<Actor> {
        Some(Actor {
            user_id: self.user_id,
            login: self.login.clone(),
            name: self.name.clone(),
            unit: self.unit.clone(),
            role: crate::access::Role::from_name(&self.role)?,
            scope: crate::access::Scope::subtree(&self.division),
            lang: crate::platform::Lang::Zh,
            is_machine: false,
        })
    }
}

/// The work of [`JOB`]; the uploaded file is deleted at the end, whatever the end.
pub fn job_handlers() -> Vec<(&'static str, crate::platform::jobs::Handler)> {
    use crate::platform::jobs::JobFailure;
    let handler: crate::platform::jobs::Handler = std::sync::Arc::new(|app, params, progress| {
        Box::pin(async move {
            let params: JobParams = serde_json::from_value(params)
                .map_err(|e| JobFailure::Failed { code: "compare.broken", message: e.to_string() })?;
            let actor = params.actor().ok_or_else(|| JobFailure::from(CompareError::Forbidden))?;
            let path = app.folder.join("uploads").join(&params.upload);
            let result = run(&app, &actor, &path, params.options, &progress).await;
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(%error, "an uploaded list could not be deleted");
            }
            match result {
                Ok(report) => {
                    onward(&app, &actor, &report.households).await?;
                    Ok(serde_json::json!({ "href": format!("/comparisons/{}", report.id), "id": report.id }))
                }
                Err(CompareError::Cancelled) => Err(JobFailure::Cancelled),
                Err(error) => {
                    tracing::warn!(code = error.code(), "a comparison failed");
                    Err(error.into())
                }
            }
        })
    });
    vec![(JOB, handler)]
}
