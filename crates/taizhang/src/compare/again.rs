//! Rows that matched nobody, or wait for a person, held against the register as it is now: whoever was registered or
//! corrected in the meantime may be the one. What people have decided stays. So do matches, unless the person was taken out
//! of the register, is described otherwise than when they were matched, or somebody new fits as well: then the row waits
//! for a person again, and says why.

use std::collections::{BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use super::lists::{self, Source};
use super::matching::{Matcher, Outcome};
use super::model::{Candidate, CompareError, NewCandidate, OpenRow, Subject};
use super::run::outcome;
use super::signals::{Wanted, apply_signals, targets_of};
use super::{Content, count, store};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability};
use crate::platform::jobs::Progress;
use crate::platform::{App, Tx};

/// What another look at the open rows did.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct AgainReport {
    /// Open rows held against the register again.
    pub rows: i64,
    /// Of these, rows with other candidates than before.
    pub changed: i64,
    /// Rows that are matched now.
    pub matched: i64,
    /// Rows that were matched and wait for a person again, or match nobody any more.
    pub reopened: i64,
    /// Signals added.
    pub signals_added: i64,
    /// Signals ended.
    pub signals_ended: i64,
    /// Households whose signals changed.
    pub households: Vec<Uuid>,
}

/// A row read again from what was sealed with it.
struct Again {
    open: OpenRow,
    source: &'static Source,
    content: Content,
    row: lists::Row,
}

/// Holds every open row of a kind of list (of all, if none) that lies in the actor's scope against the register again, and
/// the matched ones for which it has changed.
///
/// # Errors
/// Not allowed, no such kind of list, somebody cancelled, or the database fails; then nothing was changed.
pub async fn again(
    app: &App,
    actor: &Actor,
    source: Option<&str>,
    progress: &Progress,
) -> Result<AgainReport, CompareError> {
    if !actor.may(Capability::RunComparison) {
        return Err(CompareError::Forbidden);
    }
    if let Some(name) = source.filter(|key| lists::source(key).is_none()) {
        return Err(CompareError::UnknownSource { name: name.to_owned() });
    }
    rows(app, actor, source, None, progress).await
}

/// [`again`] for rows last held against the register before `before`.
pub(super) async fn rows(
    app: &App,
    actor: &Actor,
    source: Option<&str>,
    before: Option<i64>,
    progress: &Progress,
) -> Result<AgainReport, CompareError> {
    let mut open = store::open_rows(&app.db, source, before, &actor.scope).await?;
    open.extend(store::due_matched(&app.db, source, &actor.scope).await?);
    look(app, actor, open, progress).await
}

/// [`again`] for some rows, wherever they lie.
pub(super) async fn rows_of(
    app: &App,
    actor: &Actor,
    ids: &[Uuid],
    progress: &Progress,
) -> Result<AgainReport, CompareError> {
    let open = store::open_rows_of(&app.db, ids).await?;
    look(app, actor, open, progress).await
}

async fn look(app: &App, actor: &Actor, open: Vec<OpenRow>, progress: &Progress) -> Result<AgainReport, CompareError> {
    progress.stage("job-stage-compare-read", 0);
    let mut rows = Vec::new();
    for open in open {
        if let Some(again) = read_again(app, open)? {
            rows.push(again);
        }
    }
    let mut report = AgainReport { rows: count(rows.len()), ..AgainReport::default() };
    if rows.is_empty() {
        return Ok(report);
    }
    let wanted: Vec<(&lists::Row, &str)> = rows.iter().map(|a| (&a.row, a.open.division_code.as_str())).collect();
    let now = app.clock.now_ms();
    let against = Matcher::new(app, &actor.scope).find(&wanted, progress).await?;
    if progress.is_cancelled() {
        return Err(CompareError::Cancelled);
    }
    progress.stage("job-stage-compare-write", count(rows.len()).unsigned_abs());
    let actor = actor.clone();
    report = app
        .db
        .write_alone::<AgainReport, CompareError, _>(move |tx| {
            Box::pin(async move {
                write(tx, &actor, rows, against, now, &mut report).await?;
                Ok(report)
            })
        })
        .await?;
    Ok(report)
}

/// The row as it was read at first; none where it could not be read so today.
fn read_again(app: &App, open: OpenRow) -> Result<Option<Again>, CompareError> {
    let Some(source) = lists::source(&open.source) else {
        return Ok(None);
    };
    let content = Content::open(&app.vault, &open.fields_enc)?;
    let (headers, cells): (Vec<String>, Vec<String>) = content.columns.clone().into_iter().unzip();
    let mapping = lists::Mapping::of(&headers);
    let as_of = open.as_of.parse().unwrap_or_else(|_| app.clock.today());
    let row = lists::read_row(source, &mapping, &headers, &open.sheet, open.line, &cells, as_of);
    Ok(row.ok().filter(|row| row.withdrawn.is_none()).map(|row| Again { open, source, content, row }))
}

async fn write(
    tx: &mut Tx,
    actor: &Actor,
    rows: Vec<Again>,
    against: Outcome,
    now: i64,
    report: &mut AgainReport,
) -> Result<(), CompareError> {
    let ids: Vec<Uuid> = rows.iter().map(|a| a.open.id).collect();
    // What was read is not the register any more: the rows stay due.
    let asked_at = if store::catch_up(tx, against.imports).await? { 0 } else { now };
    let held = hold(tx, actor, &rows, asked_at).await?;
    let mut before: HashMap<Uuid, Vec<Candidate>> = HashMap::new();
    for candidate in store::candidates_of_rows(tx, &ids).await?.into_iter().filter(|c| c.verdict != "replaced") {
        before.entry(candidate.list_row_id).or_default().push(candidate);
    }
    let matched = before.values().flatten().filter(|c| c.subject == "person").map(|c| c.subject_id);
    let present = store::still_registered(tx, &matched.collect::<Vec<_>>()).await?;
    let mut wanted: HashMap<&'static str, Vec<Wanted>> = HashMap::new();
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    for (again, found) in rows.into_iter().zip(against.found) {
        if !held.contains(&again.open.id) {
            continue;
        }
        let old = before.remove(&again.open.id).unwrap_or_default();
        let version = against.model_version;
        let found: Vec<NewCandidate> =
            found.into_iter().map(|f| f.candidate(again.open.id, again.open.comparison_id, version)).collect();
        let was_matched = again.open.outcome == "matched";
        let (merged, reason) = if was_matched {
            match reopen(actor, &old, found, &present) {
                Stands::No(merged, reason) => (merged, Some(reason)),
                Stands::Yes(seen) => {
                    for (candidate, version) in seen {
                        store::set_subject_version(tx, candidate, version).await?;
                    }
                    continue;
                }
            }
        } else {
            match merge(actor, &old, found) {
                Some(merged) => (merged, None),
                None => continue,
            }
        };
        report.changed += 1;
        report.reopened += i64::from(was_matched);
        let kept = |o: &&Candidate| !merged.gone.contains(&o.id);
        let verdicts = old.iter().filter(kept).map(|o| o.verdict.as_str());
        let outcome = outcome(verdicts.chain(merged.new.iter().map(|n| n.verdict.as_str())));
        store::set_outcome(tx, again.open.id, outcome).await?;
        if let Some(reason) = reason {
            store::set_reopened(tx, again.open.id, reason).await?;
        }
        report.matched += i64::from(outcome == "matched");
        let mut targets = Vec::new();
        for candidate in merged.new.iter().filter(|c| c.verdict == "auto") {
            targets.extend(targets_of(tx, again.source, candidate).await?);
        }
        // A match that fell takes its signals with it; those of others that stand, such as a helper's, stay.
        for c in old.iter().filter(kept).filter(|c| was_matched && matches!(c.verdict.as_str(), "auto" | "confirmed")) {
            let candidate = NewCandidate::again(c, c.id, c.list_row_id, c.comparison_id);
            targets.extend(targets_of(tx, again.source, &candidate).await?);
        }
        if was_matched || !targets.is_empty() {
            wanted.entry(again.source.key).or_default().push(Wanted {
                row_key: again.open.row_key,
                list_row_id: again.open.id,
                facts: again.content.facts,
                targets,
                withdrawn: None,
                unmatched: if was_matched { "match_reopened" } else { "identity_revised" },
            });
        }
        gone.extend(merged.gone);
        new.extend(merged.new);
    }
    store::replace_candidates(tx, &gone.into_iter().collect::<Vec<_>>()).await?;
    store::insert_candidates(tx, new).await?;
    let mut households = BTreeSet::new();
    for (source, wanted) in wanted {
        let changed = apply_signals(tx, source, wanted, now).await?;
        report.signals_added += changed.added;
        report.signals_ended += changed.ended;
        households.extend(changed.households);
    }
    report.households = households.into_iter().collect();
    if report.changed > 0 {
        audit::record(
            tx,
            actor,
            Entry {
                action: "comparison.again",
                object_kind: "comparison",
                object_id: String::new(),
                division_code: actor.scope.root(),
                reason: "",
                detail: serde_json::json!({
                    "rows": report.rows, "changed": report.changed, "matched": report.matched,
                    "reopened": report.reopened, "signals_added": report.signals_added,
                    "signals_ended": report.signals_ended,
                }),
            },
            now,
        )
        .await?;
    }
    Ok(())
}

/// Holds rows from here on: nobody decides one of them between this look and what follows from it. Those that somebody
/// decided meanwhile are left out.
async fn hold(tx: &mut Tx, actor: &Actor, rows: &[Again], now: i64) -> Result<HashSet<Uuid>, CompareError> {
    // The register of a part of the area that a row came from does not speak for the whole: the row stays due there.
    let whole = |again: &Again| actor.scope.root().is_empty() || again.open.home.starts_with(actor.scope.root());
    let mut held = HashSet::new();
    for open in [true, false] {
        for asked in [true, false] {
            let of = |again: &&Again| (again.open.outcome != "matched") == open && whole(again) == asked;
            let ids: Vec<Uuid> = rows.iter().filter(of).map(|again| again.open.id).collect();
            held.extend(store::hold_rows(tx, &ids, if asked { now } else { 0 }, open).await?);
        }
    }
    Ok(held)
}

/// Whether a match stands after another look.
enum Stands {
    /// It does: candidates with the version of their person's record that they were seen with.
    Yes(Vec<(Uuid, i64)>),
    /// It does not, and why: gone, changed or rival.
    No(Merged, &'static str),
}

/// Whether the persons that a row is matched with still are who they were. A match that nobody looked at stands while it
/// needs nobody; one that somebody confirmed while the evidence is the same or stronger and nobody else is likelier. Else
/// everybody who may be the one waits for a person; who was ruled out stays so.
fn reopen(actor: &Actor, old: &[Candidate], found: Vec<NewCandidate>, present: &HashSet<Uuid>) -> Stands {
    let same = |o: &Candidate, n: &NewCandidate| o.subject == n.subject.name() && o.subject_id == n.subject_id;
    let is_match = |o: &&Candidate| {
        o.subject == Subject::Person.name()
            && matches!(o.verdict.as_str(), "auto" | "confirmed")
            && actor.scope.contains(&o.division_code)
    };
    let ruled_out = |n: &NewCandidate| old.iter().any(|o| o.verdict == "rejected" && same(o, n));
    let people = |n: &NewCandidate| matches!(n.subject, Subject::Person | Subject::Household) && !ruled_out(n);
    let found: Vec<NewCandidate> = found.into_iter().filter(people).collect();
    let (mut seen, mut reason) = (Vec::new(), None);
    for o in old.iter().filter(is_match) {
        let now = found.iter().find(|n| same(o, n));
        let others = || found.iter().filter(|n| !same(o, n));
        let rival = others().any(|n| now.is_none_or(|now| n.score > now.score));
        let alike = others().any(|n| matches!(n.tier.as_str(), "id_exact" | "id_repaired"));
        let why = match now {
            _ if !present.contains(&o.subject_id) => Some("gone"),
            Some(n) if o.verdict == "auto" && n.verdict == "auto" => None,
            Some(n) if o.verdict == "confirmed" && !rival && (n.signature == o.signature || n.score >= o.score) => None,
            _ if rival || alike => Some("rival"),
            _ => Some("changed"),
        };
        match (why, now) {
            (None, Some(n)) => seen.push((o.id, n.subject_version)),
            (why, _) => reason = reason.or(why),
        }
    }
    let Some(reason) = reason else {
        return Stands::Yes(seen);
    };
    let falls = |o: &&Candidate| {
        let of_people = matches!(o.subject.as_str(), "person" | "household");
        of_people && o.verdict != "rejected" && actor.scope.contains(&o.division_code)
    };
    let gone: HashSet<Uuid> = old.iter().filter(falls).map(|o| o.id).collect();
    let new = found.into_iter().map(|n| NewCandidate { verdict: "pending".to_owned(), ..n }).collect();
    Stands::No(Merged { gone, new }, reason)
}

/// What another look changes about the candidates of a row.
struct Merged {
    /// Candidates that nobody decided and that are none any more.
    gone: HashSet<Uuid>,
    new: Vec<NewCandidate>,
}

/// Holds the candidates found now against those that a row has. What somebody decided stays and is not asked again; so
/// does what lies outside the actor's scope, which the actor's register cannot speak for. None where nothing changes.
fn merge(actor: &Actor, old: &[Candidate], found: Vec<NewCandidate>) -> Option<Merged> {
    let same = |o: &Candidate, n: &NewCandidate| o.subject == n.subject.name() && o.subject_id == n.subject_id;
    let decided = |o: &Candidate| matches!(o.verdict.as_str(), "confirmed" | "rejected" | "superseded");
    let undecided: Vec<&Candidate> =
        old.iter().filter(|o| !decided(o) && actor.scope.contains(&o.division_code)).collect();
    let found: Vec<NewCandidate> =
        found.into_iter().filter(|n| !old.iter().any(|o| decided(o) && same(o, n))).collect();
    let stands = |o: &Candidate, n: &NewCandidate| {
        same(o, n) && o.verdict == n.verdict && o.tier == n.tier && o.signature == n.signature
    };
    let gone: HashSet<Uuid> = undecided.iter().filter(|o| !found.iter().any(|n| stands(o, n))).map(|o| o.id).collect();
    let new: Vec<NewCandidate> = found.into_iter().filter(|n| !undecided.iter().any(|o| stands(o, n))).collect();
    (!gone.is_empty() || !new.is_empty()).then_some(Merged { gone, new })
}
