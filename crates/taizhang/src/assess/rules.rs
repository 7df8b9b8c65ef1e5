//! The rules over one household: its view and what lies around it in, conclusions out. Pure: the same input gives the
//! same conclusions in the same order, whichever database it came from and whether the run was for everybody or for one
//! household.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::evaluate::{Around, Evaluation, OverBudget};
use super::model::{Conclusion, EndReason, Evidence, HouseholdView, PersonView, SignalView, Tier};
use super::profile::plan::{Mask, Whose, signal_bit, work_bit};
use super::profile::{Profile, Rule, Subject};

/// Tiers other than low by county, each with its first day.
pub type TierMap = BTreeMap<String, (Tier, String)>;

/// A rule took more steps for a household than it may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule} takes too many steps for household {household}")]
pub struct TooManySteps {
    /// The rule.
    pub rule: String,
    /// The household.
    pub household: Uuid,
}

/// Everything that the profile's rules conclude about a household, ordered by key.
///
/// # Errors
/// A rule takes too many steps: the household has far more signals than any real one.
pub fn evaluate(profile: &Profile, around: Around<'_>, view: &HouseholdView) -> Result<Vec<Conclusion>, TooManySteps> {
    let has = mask(around.tiers, view);
    // Of a hundred households ninety have no signal and nobody away in a county at risk: most rules need not be asked.
    conclusions(
        profile.rules.iter().filter(|rule| rule.when.guard().is_none_or(|needs| needs & has != 0)),
        around,
        view,
    )
}

fn conclusions<'p>(
    rules: impl Iterator<Item = &'p Rule>,
    around: Around<'_>,
    view: &HouseholdView,
) -> Result<Vec<Conclusion>, TooManySteps> {
    let mut out = Vec::new();
    for rule in rules {
        let over = |_: OverBudget| TooManySteps { rule: rule.id.clone(), household: view.id };
        match rule.subject {
            Subject::Household => out.extend(conclude(rule, around, view, None).map_err(over)?),
            Subject::Person => {
                for person in &view.persons {
                    out.extend(conclude(rule, around, view, Some(person)).map_err(over)?);
                }
            }
        }
    }
    out.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(out)
}

/// Whom of a household a rule finds: itself, or members of it. As [`evaluate`], without what it rests on.
///
/// # Errors
/// The rule takes too many steps.
pub(super) fn found(
    rule: &Rule,
    around: Around<'_>,
    view: &HouseholdView,
    has: Mask,
) -> Result<Vec<Uuid>, TooManySteps> {
    let mut out = Vec::new();
    if rule.when.guard().is_some_and(|needs| needs & has == 0) {
        return Ok(out);
    }
    let mut ask = |person: Option<&PersonView>| {
        let holds = Evaluation::new(view, person, around).holds(&rule.when.root);
        match holds {
            Ok(true) => out.push(person.map_or(view.id, |person| person.id)),
            Ok(false) => {}
            Err(OverBudget) => return Err(TooManySteps { rule: rule.id.clone(), household: view.id }),
        }
        Ok(())
    };
    match rule.subject {
        Subject::Household => ask(None)?,
        Subject::Person => view.persons.iter().try_for_each(|person| ask(Some(person)))?,
    }
    Ok(out)
}

/// What a household has that rules may need.
pub(super) fn mask(tiers: &TierMap, view: &HouseholdView) -> Mask {
    let signals = |whose, all: &[SignalView]| {
        all.iter().filter(|s| s.is_active()).fold(0, |mask, s| mask | signal_bit(whose, &s.kind))
    };
    let mut out = signals(Whose::House, &view.signals);
    out |= view.helpers.iter().fold(0, |mask, helper| mask | signals(Whose::Helper, &helper.signals));
    out |= view.team.iter().fold(0, |mask, member| mask | signals(Whose::Team, &member.signals));
    if tiers.is_empty() {
        return out;
    }
    for person in view.persons.iter().filter(|person| !person.work_county.is_empty()) {
        let county = person.work_county.get(..6).unwrap_or_default();
        out |= tiers.get(county).map_or(0, |(tier, _)| work_bit(*tier));
    }
    out
}

/// The key of a conclusion.
pub fn key(rule_id: &str, subject: Subject, id: Uuid) -> String {
    format!("{rule_id}|{}|{id}", subject.name())
}

/// Whether a rule holds for a household, or for its first member where it is about persons.
pub(super) fn holds(rule: &Rule, around: Around<'_>, view: &HouseholdView) -> Result<bool, OverBudget> {
    let person = match rule.subject {
        Subject::Household => None,
        Subject::Person => view.persons.first(),
    };
    Evaluation::new(view, person, around).holds(&rule.when.root)
}

fn conclude(
    rule: &Rule,
    around: Around<'_>,
    view: &HouseholdView,
    person: Option<&PersonView>,
) -> Result<Option<Conclusion>, OverBudget> {
    let mut evaluation = Evaluation::new(view, person, around);
    if !evaluation.holds(&rule.when.root)? {
        return Ok(None);
    }
    let mut evidence = evaluation.evidence(&rule.when.root)?;
    evidence.sort();
    evidence.dedup();
    let since = evidence.iter().map(Evidence::day).filter(|day| !day.is_empty()).min().unwrap_or_default().to_owned();
    Ok(Some(Conclusion {
        key: key(&rule.id, rule.subject, person.map_or(view.id, |person| person.id)),
        rule_id: rule.id.clone(),
        subject: rule.subject,
        household_id: view.id,
        person_id: person.map(|person| person.id),
        division_code: view.division_code.clone(),
        level: rule.level,
        since,
        evidence,
    }))
}

/// A value as evidence and pages show it.
pub(super) fn shown(value: Option<&serde_json::Value>) -> Option<String> {
    match value? {
        serde_json::Value::String(text) => Some(text.clone()),
        // 23100 and 23100.0 are one amount, whichever way a list writes it.
        serde_json::Value::Number(number) => number.as_f64().map(|n| n.to_string()),
        _ => None,
    }
}

/// What of the evidence of a rule that held already is a new shock and not the same one told again: somebody who was not
/// concerned before; a later bill, grade or loss of work of somebody who was; work in another county. A card revised, or
/// a second card of the same infection, is the same shock.
pub fn news(before: &[Evidence], now: &[Evidence]) -> Vec<Evidence> {
    let carrier = Evidence::carrier;
    let is_new = |entry: &&Evidence| {
        let mut own = before.iter().filter(|b| carrier(b) == carrier(entry)).peekable();
        if own.peek().is_none() {
            return true;
        }
        match entry {
            Evidence::Signal { kind, .. } if kind.starts_with("epidemic.") => false,
            Evidence::Signal { fact_date, source, row_key, .. } => own.all(|b| match b {
                Evidence::Signal { fact_date: day, source: list, row_key: row, .. } => {
                    (list, row) != (source, row_key) && day < fact_date
                }
                Evidence::WorkTier { .. } | Evidence::Fact { .. } => true,
            }),
            Evidence::WorkTier { county, .. } => {
                own.all(|b| !matches!(b, Evidence::WorkTier { county: c, .. } if c == county))
            }
            // A figure of the register that moves is the same trouble told again.
            Evidence::Fact { field, .. } => own.all(|b| !matches!(b, Evidence::Fact { field: f, .. } if f == field)),
        }
    };
    now.iter().filter(is_new).cloned().collect()
}

/// Why a finding that rested on `evidence` no longer holds, judged by the present state of its signals.
pub fn end_reason(profile: &Profile, rule_id: &str, evidence: &[Evidence], signals: &[&SignalView]) -> EndReason {
    if profile.rule(rule_id).is_none() {
        return EndReason::RuleGone;
    }
    let mut withdrawn = None;
    let mut superseded = None;
    let mut standing = false;
    for entry in evidence {
        let Evidence::Signal { kind: wanted, source: list, row_key: row, .. } = entry else {
            standing = true;
            continue;
        };
        let newest = signals
            .iter()
            .filter(|s| s.kind == *wanted && s.source == *list && s.row_key == *row)
            .max_by(|a, b| (a.version, a.is_active(), &a.state).cmp(&(b.version, b.is_active(), &b.state)));
        match newest {
            Some(s) if s.state == "withdrawn" => {
                withdrawn.get_or_insert((wanted.clone(), s.state_reason.clone()));
            }
            Some(s) if s.state == "superseded" => {
                superseded.get_or_insert((wanted.clone(), s.state_reason.clone()));
            }
            _ => standing = true,
        }
    }
    match (standing, superseded, withdrawn) {
        (false, None, Some((kind, reason))) => EndReason::Withdrawn { kind, reason },
        (false, Some((kind, reason)), _) => EndReason::Superseded { kind, reason },
        _ => EndReason::Changed,
    }
}

#[cfg(test)]
mod tests;
