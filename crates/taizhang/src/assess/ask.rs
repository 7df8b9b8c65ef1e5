//! Asks one household what a profile says outside of its rules: the types, feeds and conditions of monitoring.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use chrono::NaiveDate;
use uuid::Uuid;

use super::evaluate::{Around, Evaluation};
use super::model::{Evidence, HouseholdView};
use super::profile::plan::Node;
use super::profile::view::{Fact, Owner, Part, iso_day, number_of};
use super::profile::{Expression, MonitoringPolicy, Profile, words};
use super::rules::TierMap;
use super::{AssessError, profile, store, take_turn, view_store};
use crate::access::Scope;
use crate::platform::{App, Db, DbError, Lang, Tx};

/// Every part of the register.
const ALL_PARTS: u16 = u16::MAX;

/// Whether a condition holds for a household; none where it would take too many steps.
pub(crate) fn holds(test: &Expression, view: &HouseholdView, tiers: &TierMap, today: i64) -> Option<bool> {
    Evaluation::new(view, None, Around { tiers, today }).holds(&test.root).ok()
}

/// Whether a condition holds for a household on a day, and what it rests on.
pub(crate) fn why(test: &Expression, view: &HouseholdView, tiers: &TierMap, day: NaiveDate) -> Option<Vec<Evidence>> {
    let around = Around { tiers, today: number_of(day) };
    let mut evaluation = Evaluation::new(view, None, around);
    if evaluation.holds(&test.root) != Ok(true) {
        return None;
    }
    let mut out = evaluation.evidence(&test.root).unwrap_or_default();
    out.sort();
    out.dedup();
    Some(out)
}

/// Every field that a condition reads of the household or its members, with what it says, in words: whether the
/// condition holds or not, the reader sees by which values.
pub(crate) fn read_in_words(
    profile: &Profile,
    test: &Expression,
    view: &HouseholdView,
    lang: Lang,
) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    test.root.any(&mut |node| {
        if let Node::Field(_, field) | Node::Has(_, field) = node
            && matches!(field.owner, Owner::Household | Owner::Person)
            && let Some(known) = field.field()
            && !matches!(known.kind, super::profile::view::Kind::List(_))
            && seen.insert((field.owner, field.at))
        {
            let values: BTreeSet<String> = match field.owner {
                Owner::Person => view.persons.iter().map(|p| text_of(p.facts.get(field.at))).collect(),
                _ => BTreeSet::from([text_of(view.facts.get(field.at))]),
            };
            for value in values {
                out.push(words::fact(profile, field.owner.name(), known.name, &value, lang));
            }
        }
        false
    });
    out
}

fn text_of(fact: &Fact) -> String {
    match fact {
        Fact::Unknown => String::new(),
        Fact::Bool(yes) => yes.to_string(),
        Fact::Int(n) => n.to_string(),
        Fact::Number(n) => n.to_string(),
        Fact::Text(text) => text.clone(),
        Fact::Date(day) => iso_day(*day),
        Fact::Texts(all) => all.join(","),
        Fact::Word(text) => text.to_string(),
        Fact::Words(all) => all.join(","),
    }
}

/// The views of some households with all that is known of them, by the income lines of a profile.
///
/// # Errors
/// The database fails.
pub(crate) async fn views(
    tx: &mut Tx,
    ids: &[Uuid],
    profile: &Profile,
    day: NaiveDate,
) -> Result<Vec<HouseholdView>, DbError> {
    let none = view_store::Servants::default();
    view_store::views_with(tx, ids, &none, (profile, ALL_PARTS), day).await
}

/// The tiers of counties as they were computed last.
///
/// # Errors
/// The database fails.
pub(crate) async fn tiers(db: &Db) -> Result<TierMap, DbError> {
    store::latest_tiers(db).await
}

/// Households of a scope that have a signal in force, or all of them.
///
/// # Errors
/// The database fails.
pub(crate) async fn households(db: &Db, scope: &Scope, everybody: bool) -> Result<Vec<Uuid>, DbError> {
    if everybody {
        return Ok(view_store::households_in(db, scope).await?.into_iter().map(|row| row.0).collect());
    }
    Ok(view_store::households_touched(db, scope).await?.into_iter().collect())
}

/// Puts a household on the list of the next assessment: its case has changed under the rules that read it.
///
/// # Errors
/// The database fails.
pub(crate) async fn mark_due(tx: &mut Tx, household: Uuid, now: i64) -> Result<(), DbError> {
    take_turn(tx).await?;
    store::mark_due(tx, &BTreeSet::from([household]), now).await
}

/// The profile whose monitoring is in force on a day: the one applied, or the one of ordinary years that comes along
/// where that one knows no cases; and whether rules of the one applied read cases.
///
/// # Errors
/// The stored text is faulty or the database fails.
pub(crate) async fn monitoring_profile(app: &App, day: NaiveDate) -> Result<(Arc<Profile>, bool), AssessError> {
    static REGULAR: LazyLock<Option<Arc<Profile>>> =
        LazyLock::new(|| profile::parse("2026-regular", profile::REGULAR).ok().map(Arc::new));
    let knows = |policy: &Option<MonitoringPolicy>| policy.as_ref().is_some_and(|policy| policy.machine.is_some());
    let mut read_by_rules = false;
    if let Some(row) = super::profile_store::in_force(&app.db, day).await? {
        let found = super::parsed(row.id, &row.source)?;
        read_by_rules = found.parts() & Part::Case.bit() != 0;
        if knows(&found.monitoring) {
            return Ok((found, read_by_rules));
        }
    }
    let regular = REGULAR.clone().ok_or_else(|| AssessError::NoProfile("2026-regular".to_owned()))?;
    Ok((regular, read_by_rules))
}
