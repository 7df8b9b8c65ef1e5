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

/// What becomes of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Opened,
    Returned,
    /// Another shock under a finding that held already.
    Raised,
    Changed,
    Ended,
}

/// A finding as it is to be stored.
#[derive(Debug)]
struct Row {
    id: Uuid,
    household: Uuid,
    what: What,
    values: Vec<Value>,
}

/// What is to be written so that the findings say what the rules say.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// Households that were evaluated.
    pub(super) households: u64,
    /// Findings that hold as before.
    pub(super) unchanged: u64,
    rows: Vec<Row>,
}

impl Settled {
    /// The findings to be written.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Leaves out what would be written of some households.
    pub(super) fn leave_out(&mut self, households: &BTreeSet<Uuid>) {
        self.rows.retain(|row| !households.contains(&row.household));
    }
}

/// What was written.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Counted.
    pub(super) changes: FindingChanges,
    /// Findings that are new, came back, or rest on another shock besides.
    pub(super) opened: Vec<Uuid>,
    /// Findings that hold no longer.
    pub(super) ended: Vec<Uuid>,
    /// Households of the findings.
    pub(super) touched: BTreeSet<Uuid>,
    /// Whether somebody has written one of the findings since they were read: that one was left as it is.
    pub(super) overtaken: bool,
}

impl Written {
    /// Adds what was written of other households.
    pub(super) fn add(&mut self, other: Self) {
        self.changes.add(other.changes);
        self.opened.extend(other.opened);
        self.ended.extend(other.ended);
        self.touched.extend(other.touched);
        self.overtaken |= other.overtaken;
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

/// A finding as far as it takes to see that it is as it should be: key, household, and what may change in one text.
type Seen = (String, Option<Uuid>, String);

/// What lies between the parts of that text.
const BETWEEN: &str = "\u{1f}";

/// The findings of some households that are not as the rules conclude, and how many are: most of a register is as it was,
/// and is not read for it.
pub(super) async fn differing(
    tx: &mut Tx,
    ids: &[Uuid],
    conclusions: &mut BTreeMap<String, Conclusion>,
) -> Result<(Findings, u64), DbError> {
    let sql = format!(
        "SELECT finding_key, household_id, concat_ws($1, state, level, since, division_code, evidence) FROM finding
         WHERE household_id IN ({})",
        places(2, ids.len())
    );
    let mut args = args![BETWEEN];
    args.extend(ids_as_args(ids));
    let rows: Vec<Seen> = tx.all(AssertSqlSafe(sql), args).await?;
    let (mut unchanged, mut differ) = (0, Vec::new());
    for (key, household, said) in rows {
        let Some(conclusion) = conclusions.get(&key) else {
            if said.starts_with("open") {
                differ.push(key);
            }
            continue;
        };
        let (level, division, evidence) =
            (conclusion.level.name(), conclusion.division_code.as_str(), conclusion.evidence_json());
        let now = ["open", level, &conclusion.since, division, &evidence].join(BETWEEN);
        if household == Some(conclusion.household_id) && said == now {
            unchanged += 1;
            conclusions.remove(&key);
        } else {
            differ.push(key);
        }
    }
    let mut out = Findings::new();
    for keys in differ.chunks(LIST) {
        out.extend(by_key(tx, keys).await?);
    }
    Ok((out, unchanged))
}

async fn by_key(tx: &mut Tx, keys: &[String]) -> Result<Findings, DbError> {
    let sql = format!("SELECT {STORED_COLUMNS} FROM finding WHERE finding_key IN ({})", places(1, keys.len()));
    let rows: Vec<Stored> = tx.all(AssertSqlSafe(sql), keys.iter().map(Value::from).collect()).await?;
    Ok(rows.into_iter().map(|finding| (finding.finding_key.clone(), finding)).collect())
}

/// The findings of some households.
async fn stored(tx: &mut Tx, ids: &[Uuid]) -> Result<Findings, DbError> {
    let sql = format!("SELECT {STORED_COLUMNS} FROM finding WHERE household_id IN ({})", places(1, ids.len()));
    let rows: Vec<Stored> = tx.all(AssertSqlSafe(sql), ids_as_args(ids)).await?;
    Ok(rows.into_iter().map(|finding| (finding.finding_key.clone(), finding)).collect())
}

/// [`stored`], and those that a person brings along from another household.
async fn stored_anywhere(
    tx: &mut Tx,
    ids: &[Uuid],
    conclusions: &BTreeMap<String, Conclusion>,
) -> Result<Findings, DbError> {
    let mut out = stored(tx, ids).await?;
    let elsewhere: Vec<String> = conclusions.keys().filter(|key| !out.contains_key(*key)).cloned().collect();
    for keys in elsewhere.chunks(LIST) {
        out.extend(by_key(tx, keys).await?);
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
    let mut out = Settled { households: views.len() as u64, ..Settled::default() };
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
        let values = args![
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
        ];
        let household = old.household_id.unwrap_or_default();
        out.rows.push(Row { id: old.id, household, what: What::Ended, values });
    }
    out
}

impl Settled {
    fn conclusion(&mut self, frame: &Frame, conclusion: &Conclusion, old: Option<&Stored>) {
        let evidence = conclusion.evidence_json();
        let (id, what, version, episode, news) = match old {
            None => (ids::new_id(), What::Opened, 1, 1, "[]".to_owned()),
            Some(old) => {
                let back = old.state != "open";
                let same = !back
                    && old.level == conclusion.level.name()
                    && old.since == conclusion.since
                    && old.evidence == evidence
                    && old.division_code == conclusion.division_code
                    && old.household_id == Some(conclusion.household_id);
                if same {
                    self.unchanged += 1;
                    return;
                }
                // A new shock under a rule that held already: whoever closed the item has not seen it.
                let news = if back {
                    conclusion.evidence.clone()
                } else {
                    let before: Vec<Evidence> = serde_json::from_str(&old.evidence).unwrap_or_default();
                    rules::news(&before, &conclusion.evidence)
                };
                let raised = !news.is_empty();
                let what = match (back, raised) {
                    (true, _) => What::Returned,
                    (false, true) => What::Raised,
                    (false, false) => What::Changed,
                };
                let told = if raised { serde_json::to_string(&news).unwrap_or_default() } else { old.news.clone() };
                (old.id, what, old.version + 1, old.episode + i64::from(back || raised), told)
            }
        };
        let values = args![
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
        ];
        self.rows.push(Row { id, household: conclusion.household_id, what, values });
    }
}

/// Writes what differs.
pub(super) async fn write(tx: &mut Tx, settled: Settled) -> Result<Written, DbError> {
    let mut out = Written::default();
    out.changes.households = settled.households;
    out.changes.unchanged = settled.unchanged;
    let wanted = settled.rows.len() as u64;
    let mut rows = Vec::with_capacity(settled.rows.len());
    for row in settled.rows {
        match row.what {
            What::Opened => out.changes.opened += 1,
            What::Returned => out.changes.returned += 1,
            What::Raised | What::Changed => out.changes.changed += 1,
            What::Ended => out.changes.ended += 1,
        }
        match row.what {
            What::Opened | What::Returned | What::Raised => out.opened.push(row.id),
            What::Ended => out.ended.push(row.id),
            What::Changed => {}
        }
        out.touched.insert(row.household);
        rows.push(row.values);
    }
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
    out.overtaken = done != wanted;
    Ok(out)
}

/// Evaluates some households and writes what changed. The caller has the turn.
///
/// # Errors
/// A rule takes too many steps, or the database fails.
pub(crate) async fn assess_chunk(tx: &mut Tx, frame: &Frame, ids: &[Uuid]) -> Result<FindingChanges, AssessError> {
    let servants = servants_for(tx, &frame.profile).await?;
    Ok(assess_ids(tx, frame, &servants, ids).await?.changes)
}

/// [`assess_chunk`] with the servants that were read before; what was written.
pub(super) async fn assess_ids(
    tx: &mut Tx,
    frame: &Frame,
    servants: &Servants,
    ids: &[Uuid],
) -> Result<Written, AssessError> {
    let mut out = Written::default();
    for ids in ids.chunks(LIST) {
        // Before they are read: what changes after is put on the list anew.
        take_due(tx, ids).await?;
        let views = views(tx, ids, servants, &frame.profile, frame.day).await?;
        let conclusions = conclude(frame, &views)?;
        let stored = stored_anywhere(tx, ids, &conclusions).await?;
        let settled = settle(frame, servants, &views, &conclusions, &stored);
        out.add(write(tx, settled).await?);
    }
    mark_seen(tx, ids, frame.now).await?;
    Ok(out)
}
