//! One run: persons stream from the database into the engine's packed register in memory, pairs come out, and everything is
//! written in one transaction. Nothing personal touches the disk on the way.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Write};
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use linkage::Record;
use linkage::engine::{Batches, Blocks, Columns, DedupeOptions, Deduped, Model, RULES, Register, dedupe};
use uuid::Uuid;

use super::model::{DuplicateReport, Found, Known, Run};
use super::store;
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability};
use crate::compare::matching::{Asks, Feed, READERS, stream};
use crate::compare::weigh::{self, Weighed};
use crate::compare::{CompareError, models, store as compare_store};
use crate::platform::jobs::Progress;
use crate::platform::{App, DbError, ids};

/// Pairs below even odds are not shown: nobody would look at the strangers among them.
const SHOWN_BITS: f64 = 0.0;
/// The columns in which the engine reads a register.
const COLUMNS: &[u8] = b"rid,name,sex,id_no,birth,phone,village,address";

/// Holds the persons of the actor's scope against each other and keeps the pairs that may be one person, all in one
/// transaction. What people have decided about a pair stays; pairs that are none any more say so.
///
/// Memory: about 170 bytes a person while it runs (docs/linkage.md).
///
/// # Errors
/// Not allowed, nobody is registered, somebody cancelled, or the database fails; then nothing was changed.
pub async fn duplicates(app: &App, actor: &Actor, progress: &Progress) -> Result<DuplicateReport, CompareError> {
    if !actor.may(Capability::RunComparison) {
        return Err(CompareError::Forbidden);
    }
    let scope = &actor.scope;
    let model = models::in_force(app).await?;
    let mut readers = app.db.readers(READERS).await?;
    let first = readers.first_mut().ok_or(DbError::Closed)?;
    let total = compare_store::count_persons(first, scope).await?;
    let imports = compare_store::imports_seen(first).await?;
    progress.stage("job-stage-duplicates-read", u64::try_from(total).unwrap_or(0));
    let clock = Instant::now();
    let (to_engine, batches) = sync_channel(8);
    let feed = Feed::new(batches, app.vault.clone(), Asks { id: true, phone: true });
    let packing = tokio::task::spawn_blocking(move || {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let columns = Columns::find(COLUMNS).map_err(|e| CompareError::Broken(e.to_string()))?;
        let packed = Register::read(&Rows(&feed), &columns, threads);
        feed.sound()?;
        packed.map_err(|e| CompareError::Broken(e.to_string()))
    });
    let streamed = stream(readers, scope, to_engine, progress).await;
    let register = packing.await.map_err(|e| CompareError::Broken(e.to_string()))??;
    let (persons, mut reader) = streamed?;
    if persons == 0 {
        return Err(CompareError::EmptyRegister);
    }
    let mut seconds = [clock.elapsed().as_secs_f64(), 0.0];
    if progress.is_cancelled() {
        return Err(CompareError::Cancelled);
    }
    progress.stage("job-stage-duplicates-compare", 0);
    let clock = Instant::now();
    let weights = weigh::for_register(&model.model);
    let search = tokio::task::spawn_blocking(move || search(&register, &weights));
    let (found, mut report) = search.await.map_err(|e| CompareError::Broken(e.to_string()))??;
    seconds[1] = clock.elapsed().as_secs_f64();
    (report.persons, report.model_version, report.seconds) = (persons, model.version, seconds);
    if progress.is_cancelled() {
        return Err(CompareError::Cancelled);
    }
    progress.stage("job-stage-compare-write", found.len() as u64);
    let mut wanted: Vec<Uuid> = found.iter().flat_map(|p| [p.left, p.right]).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let members = store::members(&mut reader, &wanted).await?;
    drop(reader);
    let (actor, now) = (actor.clone(), app.clock.now_ms());
    app.db
        .write_alone::<DuplicateReport, CompareError, _>(move |tx| {
            Box::pin(async move {
                let run = ids::new_id();
                let known: HashMap<(Uuid, Uuid), Known> =
                    store::known(tx, &actor.scope).await?.into_iter().map(|k| ((k.left_id, k.right_id), k)).collect();
                let (mut new, mut seen) = (Vec::new(), HashSet::new());
                for pair in found {
                    match known.get(&(pair.left, pair.right)) {
                        Some(known) => {
                            seen.insert(known.id);
                            let cluster = pair.cluster.and_then(|id| members.get(&id));
                            let cluster = cluster.map_or("", |m| m.person_no.as_str());
                            store::renew(tx, known.id, &pair, cluster, run, report.model_version).await?;
                        }
                        None => new.push(pair),
                    }
                }
                let gone: Vec<Uuid> =
                    known.values().filter(|k| k.present && !seen.contains(&k.id)).map(|k| k.id).collect();
                report.added = crate::compare::count(new.len());
                report.gone = crate::compare::count(gone.len());
                report.run = run;
                store::set_gone(tx, &gone, now).await?;
                store::insert(tx, new, &members, run, report.model_version, now).await.map_err(|e| match e {
                    DbError::Unique(_) => CompareError::Overtaken,
                    other => other.into(),
                })?;
                compare_store::catch_up(tx, imports).await?;
                let row = Run {
                    id: run,
                    division_code: actor.scope.root().to_owned(),
                    persons: report.persons,
                    compared: report.compared,
                    found: report.found,
                    added: report.added,
                    gone: report.gone,
                    clusters: report.clusters,
                    recall: report.recall,
                    model_version: report.model_version,
                    finished_at: now,
                };
                let rules = serde_json::to_string(&report.rules).unwrap_or_else(|_| "{}".to_owned());
                store::insert_run(tx, &row, &rules, actor.user_id).await?;
                let entry = Entry {
                    action: "duplicate.run",
                    object_kind: "duplicate_run",
                    object_id: run.to_string(),
                    division_code: actor.scope.root(),
                    reason: "",
                    detail: serde_json::json!({
                        "persons": report.persons, "found": report.found, "added": report.added, "gone": report.gone,
                        "clusters": report.clusters, "model": report.model_version,
                    }),
                };
                audit::record(tx, &actor, entry, now).await?;
                Ok(report)
            })
        })
        .await
}

/// Pairs that may be one person, and what the search did.
fn search(register: &Register, model: &Model) -> Result<(Vec<Found>, DuplicateReport), CompareError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let options = DedupeOptions { threads, min_bits: SHOWN_BITS, ..DedupeOptions::default() };
    let deduped = dedupe(register, model, options).map_err(|e| CompareError::Broken(e.to_string()))?;
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let report = DuplicateReport {
        compared: signed(deduped.report.pairs),
        found: crate::compare::count(deduped.pairs.len()),
        clusters: crate::compare::count(deduped.clusters.len()),
        recall: deduped.report.recall,
        dropped: signed(deduped.report.dropped),
        rules: RULES
            .iter()
            .zip(&deduped.report.rules)
            .map(|(name, r)| ((*name).to_owned(), [signed(r.pairs), signed(r.matches_alone)]))
            .collect::<BTreeMap<_, _>>(),
        ..DuplicateReport::default()
    };
    Ok((pairs(register, &deduped), report))
}

fn pairs(register: &Register, deduped: &Deduped) -> Vec<Found> {
    let id = |row: u32| Uuid::try_parse_ascii(register.key(row)).ok();
    let pair = |(pair, evidence): (&linkage::engine::Duplicate, Vec<linkage::engine::Evidence>)| {
        let (a, b) = (id(pair.left)?, id(pair.right)?);
        let weighed = Weighed::new(pair.pattern, pair.bits, &evidence);
        let first = pair.cluster.and_then(|at| deduped.clusters.get(at as usize)?.first());
        Some(Found {
            left: a.min(b),
            right: a.max(b),
            tier: weighed.tier.name(),
            score: weighed.bits,
            explanation: weighed.explanation(),
            signature: weighed.signature,
            cluster: first.and_then(|row| id(*row)),
        })
    };
    deduped.explain().filter_map(pair).collect()
}

/// The persons that a feed hands out, as the rows that the engine packs.
struct Rows<'a>(&'a Feed);

impl Blocks for Rows<'_> {
    fn next_block(&self, block: &mut Vec<u8>) -> io::Result<bool> {
        block.clear();
        let mut batch = Vec::new();
        let more = self.0.next_batch(&mut batch)?;
        for record in &batch {
            row(record, block)?;
        }
        Ok(more)
    }
}

fn row(record: &Record, out: &mut Vec<u8>) -> io::Result<()> {
    // A separator inside a cell is nothing that a name or number is told apart by.
    let cell = |text: &str| -> String {
        text.chars().map(|c| if matches!(c, ',' | '"' | '\n' | '\r' | '\0') { ' ' } else { c }).collect()
    };
    write!(out, "{:032x},{},", record.key, cell(&record.name))?;
    write!(out, "{},{},", record.sex.map_or("", codes::Sex::zh), cell(&record.id))?;
    if let Some(birth) = record.birth {
        write!(out, "{:04}-{:02}-{:02}", birth.0 / 10_000, birth.0 / 100 % 100, birth.0 % 100)?;
    }
    out.push(b',');
    if let Some(phone) = record.phone {
        write!(out, "{phone}")?;
    }
    out.push(b',');
    out.extend_from_slice(record.place.digits().0);
    out.push(b',');
    if let Some(household) = record.household {
        // What tells households of one village apart takes the place of group and house.
        write!(out, "{}组{}号", 1 + (household >> 48) % 9_999, 1 + (household >> 16) % 9_999)?;
    }
    out.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkage::{Birth, Place};

    #[test]
    fn a_record_is_one_row_whatever_its_name_holds() {
        let record = Record {
            key: 0x1234,
            name: "王,\"小\n明".to_owned(),
            sex: Some(codes::Sex::Male),
            birth: Some(Birth::new(1965, 3, 12)),
            phone: Some(13_900_000_001),
            place: Place::new("990101001001"),
            household: Some(u64::MAX),
            ..Record::default()
        };
        let mut out = Vec::new();
        row(&record, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches('\n').count(), 1);
        assert_eq!(text.trim_end().split(',').count(), 8);
        assert!(
            text.starts_with("00000000000000000000000000001234,王  小 明,男,,1965-03-12,13900000001,990101001001,")
        );
    }
}
