//! One comparison: which rows are new, whom they match, and everything written in one transaction.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use uuid::Uuid;

use super::lists::{self, Belongs, Source};
use super::matching::{Found, Matcher};
use super::model::{
    Candidate, CompareError, CompareOptions, CompareReport, ComparisonRow, Known, NewCandidate, NewRow, Subject,
};
use super::reading::{Parsed, file_name, parse};
use super::signals::{Wanted, apply_signals, targets_of};
use super::sources::{self, ListSource, Named, Retention};
use super::{Content, HELD_SHOWN, again, count, files, model_store, source_store, store};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability};
use crate::platform::jobs::Progress;
use crate::platform::{App, Vault, ids};
use crate::register::Divisions;
use crate::register::divisions::Resolution;

/// A row that will be written.
struct Planned {
    row: lists::Row,
    key: String,
    division: String,
    case_county: String,
    fingerprint: i64,
    identity: i64,
    revision: i64,
    current: bool,
    id: Uuid,
    /// The row whose place it takes.
    before: Option<Uuid>,
    /// Whether the match of `before` stays as it is: it is about whom it was about.
    carries: bool,
    /// Whether what people decided about `before` stays for whoever is a candidate still: the same name, with more or
    /// other particulars.
    keeps: bool,
}

/// Compares a file with the register inside the actor's scope. Everything is written in one transaction: rows,
/// candidates, signals, the record of the comparison and its audit entry; after an error nothing of it is there. Open rows
/// that are looked at again by the way stand for themselves, as after [`again()`](super::again()).
///
/// # Errors
/// The file is not such a list, nobody is registered, or the database fails.
pub async fn run(
    app: &App,
    actor: &Actor,
    path: &Path,
    mut options: CompareOptions,
    progress: &Progress,
) -> Result<CompareReport, CompareError> {
    if !actor.may(Capability::RunComparison) {
        return Err(CompareError::Forbidden);
    }
    let named = sources::named(app, actor, options.source.as_deref()).await?;
    progress.stage("job-stage-compare-read", 0);
    let name = if options.file_name.is_empty() { file_name(path) } else { options.file_name.clone() };
    let parsed = parse(path, &name, named.kind(), options.as_of, app.clock.today()).await?;
    let sha256 = files::sha256(path).await?;
    let source = parsed.source;
    let list = match named {
        Named::One(list) => *list,
        Named::Kind(_) => sources::guess(app, actor, source.key).await?,
    };
    if options.purpose.trim().is_empty() {
        options.purpose.clone_from(if list.purpose.is_empty() { &options.usual_purpose } else { &list.purpose });
    }
    if options.purpose.trim().is_empty() {
        return Err(CompareError::NoPurpose);
    }
    if options.purpose.trim().chars().count() > crate::access::reveal::REASON_MOST {
        return Err(CompareError::PurposeLong);
    }
    // Whoever was registered or corrected since a row was last looked at may be the one that it is about.
    let newer = store::register_changed_at(&app.db).await?;
    // Before anything is weighed against what is known: a card that another unit brought in first, whose person only
    // this actor's register knows, becomes this actor's to revise by being matched here.
    let first = match to_ask(app, actor, &parsed, newer).await? {
        ids if ids.is_empty() => again::AgainReport::default(),
        ids => again::rows_of(app, actor, &ids, progress).await?,
    };
    let mut report = run_parsed(app, actor, parsed, list, &name, sha256, options, progress).await?;
    add_again(&mut report, first);
    let due = store::has_open_before(&app.db, source.key, newer, &actor.scope).await?
        || !store::due_matched(&app.db, Some(source.key), &actor.scope).await?.is_empty();
    if report.rows_same > 0 && due {
        let more = again::rows(app, actor, Some(source.key), Some(newer), progress).await?;
        add_again(&mut report, more);
    }
    Ok(report)
}

fn add_again(report: &mut CompareReport, more: again::AgainReport) {
    report.rows_again += more.changed;
    report.signals_added += more.signals_added;
    report.signals_ended += more.signals_ended;
    report.households.extend(more.households);
    report.households.sort_unstable();
    report.households.dedup();
}

/// Open rows known before that a file brings in again and this actor's register was not asked about: those that the
/// file says nothing new of, and those that lie outside. A revision that will be taken is matched for itself.
async fn to_ask(app: &App, actor: &Actor, parsed: &Parsed, newer: i64) -> Result<Vec<Uuid>, CompareError> {
    let known = store::known(&app.db, parsed.source.key, &actor.scope).await?;
    let mut ids: Vec<Uuid> = parsed
        .rows
        .iter()
        .filter_map(|row| {
            let old = known.get(&row_key(&app.vault, parsed.source, row))?;
            let same_person = || old.identity == app.vault.index("list_row.identity", &row.identity());
            let due = old.is_to_ask(&actor.scope, newer)
                && (old.fingerprint == fingerprint_of(&app.vault, row) || (old.outside && same_person()));
            due.then_some(old.id)
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn fingerprint_of(vault: &Vault, row: &lists::Row) -> i64 {
    let columns = serde_json::to_vec(&row.fields).unwrap_or_default();
    vault.index("list_row.fields", &String::from_utf8_lossy(&columns))
}

#[allow(clippy::too_many_arguments)]
async fn run_parsed(
    app: &App,
    actor: &Actor,
    parsed: Parsed,
    list: ListSource,
    file: &str,
    sha256: String,
    options: CompareOptions,
    progress: &Progress,
) -> Result<CompareReport, CompareError> {
    let (source, as_of) = (parsed.source, parsed.as_of);
    let divisions = Divisions::load(&app.db).await?;
    let known = KnownRows {
        newest: store::known(&app.db, source.key, &actor.scope).await?,
        // Where nothing says of which day the file speaks, a state that a card has left behind makes it an old one.
        former: if parsed.as_of_said { HashSet::new() } else { store::former(&app.db, source.key).await? },
    };
    let mut report = CompareReport {
        source: source.key.to_owned(),
        rows_total: count(parsed.total()),
        as_of: as_of.to_string(),
        mapping: parsed.mapping_json(),
        skipped_sheets: parsed.skipped_sheets.clone(),
        ..CompareReport::default()
    };
    let mut keys: HashSet<String> = parsed.rows.iter().map(|row| row_key(&app.vault, source, row)).collect();
    // A row that cannot be read is on the list all the same.
    if let Some((_, card)) = parsed.mapping.columns.get(&lists::Field::Card) {
        let cards = parsed.held.iter().filter_map(|held| held.raw.get(card));
        keys.extend(cards.map(|card| codes::text::half_width(card).trim().to_owned()));
    }
    let mut held = parsed.held;
    let mut planned = plan(app, actor, source, parsed.rows, &known, &divisions, &mut held, &mut report);
    report.rows_held = count(held.len());
    report.held = held.iter().take(HELD_SHOWN).cloned().collect();
    if planned.is_empty()
        && let Some(before) = store::same_file(&app.db, source.key, &sha256, divisions.home(&actor.scope)).await?
    {
        report.id = before;
        report.list_source.clone_from(&list.code);
        let today = app.clock.today().to_string();
        app.db
            .write::<(), CompareError, _>(move |tx| {
                Box::pin(async move { Ok(source_store::received(tx, &list.code, &today).await?) })
            })
            .await?;
        return Ok(report);
    }
    let difference = sources::difference(app, &list, as_of, &keys).await?;
    report.rows_gone = count(difference.gone.len());
    report.rows_back = count(difference.back.len());

    let before: Vec<Uuid> = planned.iter().filter(|p| p.carries).filter_map(|p| p.before).collect();
    let matched_before = store::rows_with_candidates(&app.db, &before).await?;
    for plan in &mut planned {
        plan.carries &= plan.before.is_some_and(|id| matched_before.contains(&id));
    }
    let matcher = Matcher::new(app, &actor.scope);
    let to_match: Vec<&Planned> =
        planned.iter().filter(|p| p.current && !p.carries && p.row.withdrawn.is_none()).collect();
    let wanted: Vec<(&lists::Row, &str)> = to_match.iter().map(|p| (&p.row, p.division.as_str())).collect();
    let held_against = matcher.find(&wanted, progress).await?;
    report.registry_persons = held_against.persons;
    report.model_version = held_against.model_version;
    let (rules, imports) = (held_against.rules, held_against.imports);
    let model_version = held_against.model_version;
    let mut found: HashMap<Uuid, Vec<Found>> = to_match.iter().map(|p| p.id).zip(held_against.found).collect();
    if progress.is_cancelled() {
        return Err(CompareError::Cancelled);
    }

    progress.stage("job-stage-compare-write", count(planned.len()) as u64);
    let id = ids::new_id();
    let now = app.clock.now_ms();
    let today = app.clock.today();
    let retention = match options.retention_days {
        0 => list.retention(),
        days => Retention::Days(days),
    };
    let until = retention.until(today);
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
            case_county: plan.case_county.clone(),
            fact_date: plan.row.facts.first().filter(|f| f.dated).map(|f| f.date.to_string()).unwrap_or_default(),
            filled_on: plan.row.filled.map(|d| d.to_string()).unwrap_or_default(),
            name: plan.row.name.clone(),
            cluster: plan.row.cluster.clone(),
            fields_enc: Content::of(&plan.row).seal(&app.vault)?,
            fingerprint: plan.fingerprint,
            identity: plan.identity,
            outcome: String::new(),
            sheet: plan.row.sheet.clone(),
            line: plan.row.line,
            recorded_at: now,
            matched_at: now,
        });
    }
    let mut held_rows = Vec::with_capacity(held.len());
    for row in &held {
        let raw = serde_json::to_vec(&row.raw).map_err(|e| CompareError::Broken(e.to_string()))?;
        held_rows.push((row.sheet.clone(), row.line, app.vault.seal("list_held_row.raw", &raw)?));
    }
    let shown: Vec<&lists::Held> = report.held.iter().chain(&report.doubled).collect();
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
        rows_held: report.rows_held + report.rows_doubled,
        rows_new: report.rows_new,
        rows_revised: report.rows_revised,
        rows_same: report.rows_same,
        held: serde_json::to_string(&shown).unwrap_or_else(|_| "[]".to_owned()),
        created_by: actor.user_id,
        created_at: now,
        finished_at: Some(now),
        list_source: list.code.clone(),
        rows_gone: report.rows_gone,
        rows_back: report.rows_back,
        came_on: today.to_string(),
        recall: rules.recall,
        pairs_compared: rules.compared,
        pairs_likely: rules.likely,
        ..ComparisonRow::default()
    };
    let mut list = list;
    if list.purpose.is_empty() {
        list.purpose.clone_from(&comparison.purpose);
    }
    let new_candidates: HashMap<Uuid, Vec<NewCandidate>> = found
        .drain()
        .map(|(row, found)| (row, found.into_iter().map(|f| f.candidate(row, id, model_version)).collect()))
        .collect();
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
                        .map(|c| NewCandidate::again(c, ids::new_id(), plan.id, id))
                        .collect();
                    new_candidates.insert(plan.id, kept);
                }
                for plan in planned.iter().filter(|p| p.keeps && p.current) {
                    let old = plan.before.and_then(|b| carried.get(&b)).map_or(&[][..], Vec::as_slice);
                    if let Some(found) = new_candidates.get_mut(&plan.id) {
                        keep_decisions(old, found);
                    }
                }
                store::replace_candidates(tx, &replaced).await?;
                let mut wanted = Vec::new();
                for (row, plan) in rows.iter_mut().zip(&planned) {
                    let candidates = new_candidates.get(&plan.id).map_or(&[][..], Vec::as_slice);
                    row.outcome = match plan.row.withdrawn {
                        Some(_) if plan.row.is_other_disease() => "unmatched",
                        Some(_) => "withdrawn",
                        None => outcome(candidates.iter().map(|c| c.verdict.as_str())),
                    }
                    .to_owned();
                    if !plan.current {
                        continue;
                    }
                    report.other_disease += i64::from(plan.row.is_other_disease());
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
                if !list.is_stored() {
                    list.version = 1;
                    source_store::insert(tx, &list).await?;
                }
                source_store::received(tx, &list.code, &today.to_string()).await?;
                comparison.list_version = source_store::next_version(tx, &list.code).await?;
                report.list_source.clone_from(&list.code);
                report.list_version = comparison.list_version;
                store::insert_comparison(tx, &comparison).await?;
                store::set_gone(tx, &difference.gone, Some(id)).await?;
                store::set_gone(tx, &difference.back, None).await?;
                store::insert_rows(tx, rows).await.map_err(|e| match e {
                    crate::platform::DbError::Unique(_) => CompareError::Overtaken,
                    other => other.into(),
                })?;
                store::insert_held_rows(tx, id, held_rows).await?;
                model_store::insert_rules(tx, id, rules.rules).await?;
                store::insert_candidates(tx, new_candidates.into_values().flatten().collect()).await?;
                store::lists_changed(tx).await?;
                let changed = apply_signals(tx, source.key, wanted, now).await?;
                if store::catch_up(tx, imports).await? {
                    store::make_due(tx, id).await?;
                }
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
                            "source": comparison.source, "list": comparison.list_source,
                            "version": comparison.list_version, "gone": comparison.rows_gone, "sha256": comparison.sha256, "rows": report.rows_total,
                            "held": report.rows_held, "matched": report.matched, "review": report.review,
                            "unmatched": report.unmatched, "other_disease": report.other_disease,
                            "doubled": report.rows_doubled, "retention_until": comparison.retention_until,
                            "model": report.model_version,
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

/// What is known of a source before a file.
struct KnownRows {
    newest: HashMap<String, Known>,
    /// Keys with the fingerprints of their earlier revisions.
    former: HashSet<(String, i64)>,
}

impl KnownRows {
    /// Whether a row says what was known before and has been revised since: by the day of its card where both versions
    /// have one, else by the day of the file.
    fn is_past(&self, key: &str, row: &lists::Row, fingerprint: i64, as_of: &str) -> bool {
        let Some(old) = self.newest.get(key) else {
            return false;
        };
        match row.filled.map(|day| day.to_string()) {
            Some(filled) if !old.filled_on.is_empty() && filled != old.filled_on => filled < old.filled_on,
            _ => old.as_of.as_str() > as_of || self.former.contains(&(key.to_owned(), fingerprint)),
        }
    }
}

/// Which rows are new, which revise a known one, which say nothing new, and which are not this actor's to revise.
#[allow(clippy::too_many_arguments)]
fn plan(
    app: &App,
    actor: &Actor,
    source: &'static Source,
    rows: Vec<lists::Row>,
    known: &KnownRows,
    divisions: &Divisions,
    held: &mut Vec<lists::Held>,
    report: &mut CompareReport,
) -> Vec<Planned> {
    let mut by_key: BTreeMap<String, Vec<lists::Row>> = BTreeMap::new();
    for row in rows {
        by_key.entry(row_key(&app.vault, source, &row)).or_default().push(row);
    }
    let mut planned = Vec::new();
    for (key, mut revisions) in by_key {
        // A card that stands twice in a file: the one filled in later counts, and of one day the lower line.
        revisions.sort_by_key(|r| (r.filled, r.line));
        let old = known.newest.get(&key);
        let erased = old.is_some_and(|o| o.is_erased_for(&actor.scope));
        let last = revisions.len() - 1;
        let mut revision = old.map_or(0, |o| o.revision);
        let mut fingerprint_before = old.filter(|_| !erased).map(|o| o.fingerprint);
        let mut fresh = Vec::new();
        for (at, row) in revisions.into_iter().enumerate() {
            let fingerprint = fingerprint_of(&app.vault, &row);
            if at < last {
                report.rows_doubled += 1;
                if report.doubled.len() < HELD_SHOWN {
                    report.doubled.push(lists::doubled_row(&row));
                }
            }
            if fingerprint_before == Some(fingerprint)
                || (!erased && known.is_past(&key, &row, fingerprint, &report.as_of))
            {
                report.rows_same += 1;
                continue;
            }
            // Another unit's card, or one that somebody outside is matched with: withdrawing or revising it would
            // change what is none of this actor's business.
            if !erased && old.is_some_and(|o| o.outside) {
                held.push(lists::held_row(row, "outside"));
                continue;
            }
            // An earlier state of the same card inside a file that ends in the known state says nothing new either.
            fingerprint_before = Some(fingerprint);
            revision += 1;
            let identity = app.vault.index("list_row.identity", &row.identity());
            fresh.push(Planned {
                division: residence(divisions, &row)
                    .map_or_else(|| divisions.home(&actor.scope).to_owned(), str::to_owned),
                case_county: case_county(divisions, actor, &row),
                key: key.clone(),
                fingerprint,
                identity,
                revision,
                current: at == last,
                id: ids::new_id(),
                before: None,
                carries: false,
                keeps: false,
                row,
            });
        }
        if !erased && fresh.last().is_some_and(|p| old.is_some_and(|o| o.fingerprint == p.fingerprint)) {
            report.rows_same += count(fresh.len());
            continue;
        }
        let Some(newest) = fresh.last_mut() else {
            continue;
        };
        newest.current = true;
        newest.before = old.map(|o| o.id);
        // Of a match that stands only who it is about matters; candidates that wait are weighed anew by whatever the
        // revision says, as they would be if it had come first.
        newest.carries = old.is_some_and(|o| o.identity == newest.identity && o.outcome != "review");
        newest.keeps = old.is_some_and(|o| codes::name::fold(&o.name) == codes::name::fold(&newest.row.name));
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
    match &row.card {
        Some(card) => card.clone(),
        None => format!("#{:016x}", vault.index("list_row.key", &row.own_key(source))),
    }
}

/// Where a row says that the person lives, as far as it resolves: by code, by names, by the address.
fn residence<'d>(divisions: &'d Divisions, row: &lists::Row) -> Option<&'d str> {
    let by_code = || {
        crate::register::divisions::CODE_LENGTHS
            .iter()
            .rev()
            .filter_map(|length| row.place_code.get(..*length))
            .find_map(|code| divisions.resolve_code(code, None))
    };
    let names: Vec<&str> = row.place_names.iter().map(String::as_str).collect();
    let by_names = match divisions.resolve(&names, None) {
        Resolution::Found(code) => Some(code),
        Resolution::Unknown { within, .. } => Some(within),
        Resolution::Ambiguous { .. } | Resolution::Empty => None,
    };
    let by_text = || (!row.address.is_empty()).then(|| divisions.find_in_text(&row.address)).flatten();
    match (by_names, by_text()) {
        // A province or city that is not in the table lies outside, whatever a street there is called.
        (Some(""), _) => None,
        (Some(a), Some(b)) if b.starts_with(a) => Some(b),
        (Some(a), _) => Some(a),
        (None, Some(b)) => Some(b),
        (None, None) => by_code(),
    }
}

/// The county that a case counts for: where the person lives, and of a patient of the reporting county itself that
/// county. Empty for who lives outside or where the row does not say, or says two things: no county's tier may rise by a
/// case of another.
fn case_county(divisions: &Divisions, actor: &Actor, row: &lists::Row) -> String {
    let lives = residence(divisions, row).and_then(|code| code.get(..6));
    let home = divisions.home(&actor.scope);
    let elsewhere = |digits: usize| lives.filter(|code| home.get(..digits).is_none_or(|own| !code.starts_with(own)));
    match row.belongs {
        Some(Belongs::Outside) => None,
        Some(Belongs::County) => lives.or_else(|| home.get(..6)),
        Some(Belongs::City) => elsewhere(6),
        Some(Belongs::Province) => elsewhere(4),
        None => lives,
    }
    .unwrap_or_default()
    .to_owned()
}

/// Puts what people decided about the earlier revision of a row on those of its new candidates that were candidates
/// before. A match that was confirmed settles the others with it; one that was ruled out and now agrees to the letter is
/// asked about again.
fn keep_decisions(old: &[Candidate], new: &mut [NewCandidate]) {
    let before = |c: &NewCandidate| {
        old.iter().find(|o| {
            o.subject == c.subject.name()
                && o.subject_id == c.subject_id
                && o.decided_at.is_some()
                && matches!(o.verdict.as_str(), "confirmed" | "rejected")
        })
    };
    let staff = |subject: Subject| matches!(subject, Subject::Helper | Subject::TeamMember);
    let mut settled: Vec<(bool, Candidate)> = Vec::new();
    for c in new.iter_mut() {
        let Some(was) = before(c) else { continue };
        if was.verdict == "rejected" && c.verdict == "auto" {
            c.verdict = "pending".to_owned();
            continue;
        }
        c.verdict.clone_from(&was.verdict);
        (c.decided_by, c.decided_at) = (was.decided_by, was.decided_at);
        c.note.clone_from(&was.note);
        if was.verdict == "confirmed" {
            settled.push((staff(c.subject), was.clone()));
        }
    }
    for c in new.iter_mut().filter(|c| c.verdict == "pending") {
        if let Some((_, was)) = settled.iter().find(|(of_staff, _)| *of_staff == staff(c.subject)) {
            c.verdict = "superseded".to_owned();
            (c.decided_by, c.decided_at) = (was.decided_by, was.decided_at);
        }
    }
}

/// What the verdicts of its candidates make of a row.
pub(super) fn outcome<'a>(verdicts: impl Iterator<Item = &'a str>) -> &'static str {
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
