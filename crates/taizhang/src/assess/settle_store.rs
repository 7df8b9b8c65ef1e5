//! From conclusions to findings: what the rules conclude is held against what is stored, and what differs is written. The
//! same for a run for everybody, for some households, and for one in the transaction that changed it.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::evaluate::Around;
use super::model::{Conclusion, EndReason, Evidence, HouseholdView, SignalView};
use super::profile::view;
use super::store::{Frame, ids_as_args, mark_seen, places, take_due};
use super::view_store::{Servants, servants_for, views};
use super::{AssessError, FindingChanges, rules};
use crate::args;
use crate::platform::{DbError, Tx, Value, ids};

/// Placeholders of one list.
const LIST: usize = 500;

/// A finding as far as a run asks for it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Stored {
    id: Uuid,
    finding_key: String,
    rule_id: String,
    subject: String,
    household_id: Option<Uuid>,
    person_id: Option<Uuid>,
    division_code: String,
    level: String,
    since: String,
    evidence: String,
    state: String,
    profile_id: Uuid,
    version: i64,
    episode: i64,
    news: String,
}

const STORED_COLUMNS: &str = "id, finding_key, rule_id, subject, household_id, person_id, division_code, level, since, evidence, state, \
                              profile_id, version, episode, news";

/// Findings by their key.
pub(super) type Findings = BTreeMap<String, Stored>;

/// What is to be written so that the findings say what the rules say.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// What that is, counted.
    pub(super) changes: FindingChanges,
    /// Findings that are new or came back.
    pub(super) opened: Vec<Uuid>,
    /// Findings that hold no longer.
    pub(super) ended: Vec<Uuid>,
    /// Households of the findings that are written.
    pub(super) touched: BTreeSet<Uuid>,
    rows: Vec<Vec<Value>>,
}

impl Settled {
    /// Whether everything is as it was.
    pub(super) fn is_nothing(&self) -> bool {
        self.rows.is_empty()
    }

    /// The findings to be written.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds what another part of the register needs.
    pub(super) fn add(&mut self, other: Self) {
        self.changes.add(other.changes);
        self.opened.extend(other.opened);
        self.ended.extend(other.ended);
        self.touched.extend(other.touched);
        self.rows.extend(other.rows);
    }
}

/// Everything that the rules conclude about some households, by key.
///
/// # Errors
/// A rule takes too many steps.
pub(super) fn conclude(
    frame: &Frame,
    views: &[HouseholdView],
) -> Result<BTreeMap<String, Conclusion>, rules::TooManySteps> {
    let around = Around { tiers: &frame.tiers, today: view::number_of(frame.day) };
    let mut out = BTreeMap::new();
    for view in views {
        for conclusion in rules::evaluate(&frame.profile, around, view)? {
            out.insert(conclusion.key.clone(), conclusion);
        }
    }
    Ok(out)
}

/// The findings of some households, and those that a person brought along from another one.
pub(super) async fn stored(
    tx: &mut Tx,
    ids: &[Uuid],
    conclusions: &BTreeMap<String, Conclusion>,
) -> Result<Findings, DbError> {
    let mut out = Findings::new();
    let sql = format!("SELECT {STORED_COLUMNS} FROM finding WHERE household_id IN ({})", places(1, ids.len()));
    let rows: Vec<Stored> = tx.all(AssertSqlSafe(sql), ids_as_args(ids)).await?;
    out.extend(rows.into_iter().map(|finding| (finding.finding_key.clone(), finding)));
    let elsewhere: Vec<&String> = conclusions.keys().filter(|key| !out.contains_key(*key)).collect();
    for keys in elsewhere.chunks(LIST) {
        let sql = format!("SELECT {STORED_COLUMNS} FROM finding WHERE finding_key IN ({})", places(1, keys.len()));
        let rows: Vec<Stored> = tx.all(AssertSqlSafe(sql), keys.iter().map(|key| Value::from(*key)).collect()).await?;
        out.extend(rows.into_iter().map(|finding| (finding.finding_key.clone(), finding)));
    }
    Ok(out)
}

/// What has to be written. `views` are ordered by id. Pure.
pub(super) fn settle(
    frame: &Frame,
    servants: &Servants,
    views: &[HouseholdView],
    conclusions: &BTreeMap<String, Conclusion>,
    stored: &Findings,
) -> Settled {
    let mut out = Settled::default();
    out.changes.households = views.len() as u64;
    for (key, conclusion) in conclusions {
        out.conclusion(frame, conclusion, stored.get(key));
    }
    for (key, old) in stored {
        if old.state != "open" || conclusions.contains_key(key) {
            continue;
        }
        let house = old.household_id.and_then(|id| views.binary_search_by_key(&id, |view| view.id).ok());
        let reason = match house.and_then(|at| views.get(at)) {
            None => EndReason::HouseholdGone,
            Some(view) => {
                let evidence: Vec<Evidence> = serde_json::from_str(&old.evidence).unwrap_or_default();
                let all: Vec<&SignalView> = view.signals.iter().chain(servants.signals()).collect();
                rules::end_reason(&frame.profile, &old.rule_id, &evidence, &all)
            }
        };
        out.changes.ended += 1;
        out.ended.push(old.id);
        out.touched.extend(old.household_id);
        out.rows.push(args![
            old.id,
            &old.finding_key,
            &old.rule_id,
            &old.subject,
            old.person_id.or(old.household_id).map(|id| id.to_string()).unwrap_or_default(),
            old.household_id,
            old.person_id,
            &old.division_code,
            &old.level,
            &old.since,
            frame.day,
            &old.evidence,
            "ended",
            old.profile_id,
            frame.now,
            frame.now,
            reason.to_json(),
            old.version + 1,
            old.episode,
            &old.news
        ]);
    }
    out
}

impl Settled {
    fn conclusion(&mut self, frame: &Frame, conclusion: &Conclusion, old: Option<&Stored>) {
        let evidence = conclusion.evidence_json();
        let (id, version, episode, news) = match old {
            None => {
                self.changes.opened += 1;
                let id = ids::new_id();
                self.opened.push(id);
                (id, 1, 1, "[]".to_owned())
            }
            Some(old) => {
                let back = old.state != "open";
                let same = !back
                    && old.level == conclusion.level.name()
                    && old.since == conclusion.since
                    && old.evidence == evidence
                    && old.division_code == conclusion.division_code
                    && old.household_id == Some(conclusion.household_id);
                if same {
                    self.changes.unchanged += 1;
                    return;
                }
                // A new shock under a rule that held already: whoever closed the item has not seen it.
                let news = if back {
                    conclusion.evidence.clone()
                } else {
                    let before: Vec<Evidence> = serde_json::from_str(&old.evidence).unwrap_or_default();
                    rules::news(&before, &conclusion.evidence)
                };
                if back {
                    self.changes.returned += 1;
                    self.opened.push(old.id);
                } else {
                    self.changes.changed += 1;
                }
                let raised = !news.is_empty();
                let told = if raised { serde_json::to_string(&news).unwrap_or_default() } else { old.news.clone() };
                (old.id, old.version + 1, old.episode + i64::from(back || raised), told)
            }
        };
        self.touched.insert(conclusion.household_id);
        self.rows.push(args![
            id,
            &conclusion.key,
            &conclusion.rule_id,
            conclusion.subject.name(),
            conclusion.person_id.unwrap_or(conclusion.household_id).to_string(),
            conclusion.household_id,
            conclusion.person_id,
            &conclusion.division_code,
            conclusion.level.name(),
            &conclusion.since,
            "",
            evidence,
            "open",
            frame.profile_id,
            frame.now,
            frame.now,
            "",
            version,
            episode,
            news
        ]);
    }
}

/// Writes what differs. False where somebody has written one of the findings since they were read: that one was left as
/// it is.
pub(super) async fn write(tx: &mut Tx, settled: &mut Settled) -> Result<bool, DbError> {
    let rows = std::mem::take(&mut settled.rows);
    let wanted = rows.len() as u64;
    let done = tx
        .insert_many(
            "INSERT INTO finding (id, finding_key, rule_id, subject, subject_id, household_id, person_id, division_code,
                                  level, since, until, evidence, state, profile_id, first_at, changed_at, end_reason,
                                  version, episode, news)",
            "ON CONFLICT (finding_key) DO UPDATE SET household_id = excluded.household_id,
                 division_code = excluded.division_code, level = excluded.level, since = excluded.since,
                 until = excluded.until, evidence = excluded.evidence, state = excluded.state,
                 profile_id = excluded.profile_id, changed_at = excluded.changed_at, end_reason = excluded.end_reason,
                 version = excluded.version, episode = excluded.episode, news = excluded.news
             WHERE finding.version = excluded.version - 1",
            rows,
        )
        .await?;
    Ok(done == wanted)
}

/// Evaluates some households and writes what changed. The caller has the turn.
///
/// # Errors
/// A rule takes too many steps, or the database fails.
pub(crate) async fn assess_chunk(tx: &mut Tx, frame: &Frame, ids: &[Uuid]) -> Result<FindingChanges, AssessError> {
    let servants = servants_for(tx, &frame.profile).await?;
    Ok(assess_ids(tx, frame, &servants, ids).await?.changes)
}

/// [`assess_chunk`] for one household after another, with the servants that were read before.
pub(super) async fn assess_ids(
    tx: &mut Tx,
    frame: &Frame,
    servants: &Servants,
    ids: &[Uuid],
) -> Result<Settled, AssessError> {
    let mut out = Settled::default();
    for ids in ids.chunks(LIST) {
        // Before they are read: what changes after is put on the list anew.
        take_due(tx, ids).await?;
        let views = views(tx, ids, servants, &frame.profile, frame.day).await?;
        let conclusions = conclude(frame, &views)?;
        let stored = stored(tx, ids, &conclusions).await?;
        let mut settled = settle(frame, servants, &views, &conclusions, &stored);
        write(tx, &mut settled).await?;
        out.add(settled);
    }
    mark_seen(tx, ids, frame.now).await?;
    Ok(out)
}
