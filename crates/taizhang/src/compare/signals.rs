//! From matched rows to signals: whom a row's facts are about, and what becomes of the signals that it had before.

use std::collections::{BTreeSet, HashMap};

use linkage::calibrate::chance;
use uuid::Uuid;

use super::lists::Source;
use super::model::{CompareError, HeldSignal, NewCandidate, NewSignal, Subject};
use super::{StoredFact, store};
use crate::platform::{Tx, ids};

/// Whom a row's facts become signals of.
#[derive(Debug, Clone)]
pub(super) struct Target {
    subject: Subject,
    subject_id: Uuid,
    person_id: Option<Uuid>,
    household_id: Option<Uuid>,
    division_code: String,
    probability: f64,
    match_id: Uuid,
}

pub(super) async fn targets_of(tx: &mut Tx, source: &Source, c: &NewCandidate) -> Result<Vec<Target>, CompareError> {
    let probability = if matches!(c.verdict.as_str(), "auto" | "confirmed") { 1.0 } else { chance(c.score) };
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
pub(super) struct Wanted {
    pub(super) row_key: String,
    pub(super) list_row_id: Uuid,
    pub(super) facts: Vec<StoredFact>,
    pub(super) targets: Vec<Target>,
    /// Why the row states nothing any more.
    pub(super) withdrawn: Option<String>,
    /// The reason when a fact stands but its subject is not the same any more.
    pub(super) unmatched: &'static str,
}

#[derive(Default)]
pub(super) struct Changed {
    pub(super) added: i64,
    pub(super) ended: i64,
    pub(super) households: BTreeSet<Uuid>,
}

/// Brings the signals of some rows to what they should be: what is not wanted any more is superseded (the card was
/// revised) or withdrawn (it was taken back, or is about somebody else), what is new is added, the rest stays.
pub(super) async fn apply_signals(
    tx: &mut Tx,
    source: &str,
    wanted: Vec<Wanted>,
    now: i64,
) -> Result<Changed, CompareError> {
    let keys: Vec<String> = wanted.iter().map(|w| w.row_key.clone()).collect();
    let mut held: HashMap<String, Vec<HeldSignal>> = HashMap::new();
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
