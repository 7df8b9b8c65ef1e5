//! What another profile would change (试算): which households and persons rules would find that they do not find now, and
//! which no longer. Nothing of it is written: neither findings nor items are touched, and no profile is put in force.
//!
//! Only the rules that differ are asked, with only those parts of the register that they read, and where all of them need a
//! signal only of the households that have one. A first figure is estimated from a sample drawn by a hash of the household;
//! the count that follows asks everybody whom it concerns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::evaluate::Around;
use super::everybody::{self, Reader, Source};
use super::model::{HouseholdView, Tier};
use super::profile::plan::{self, Whose};
use super::profile::view::{self, OfHousehold, OfPerson, Part};
use super::profile::{Profile, Rule};
use super::rules::{self, TierMap};
use super::view_store::{self, Servants};
use super::{AssessError, store, tiers, what_if_store};
use crate::access::Scope;
use crate::platform::jobs::Progress;
use crate::platform::{Db, Tx};

/// Households of the sample that the first figure rests on.
const SAMPLE: u64 = 4_000;
/// A scope with fewer households is counted at once.
const SMALL: u64 = 3 * SAMPLE;
/// Households whose ids are kept for a rule; where more enter or leave, a list finds its next page soon without.
const KEPT: usize = 5_000;

/// What is compared.
#[derive(Clone)]
pub struct Question {
    day: NaiveDate,
    scope: Scope,
    before: Side,
    after: Side,
    /// Ids of the rules that differ, in the order of the profiles.
    rules: Vec<String>,
    /// The parts of the register that either side reads.
    reads: Arc<Profile>,
    /// The same as the other profile sees them, where it estimates incomes in another way.
    reads_after: Option<Arc<Profile>>,
}

/// One of the two profiles: the rules that differ, and what they stand in.
#[derive(Clone)]
struct Side {
    profile: Arc<Profile>,
    rules: Vec<Rule>,
    tiers: Arc<TierMap>,
}

impl Side {
    fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    fn around(&self, day: NaiveDate) -> Around<'_> {
        Around { tiers: &self.tiers, today: view::number_of(day) }
    }
}

/// How many enter and leave. Findings are of persons or households as the rule is; persons are those found by a rule about
/// persons, and the members of the households found by a rule about households.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Count {
    /// Findings of the profile in force.
    pub before: u64,
    /// Findings of the other one.
    pub after: u64,
    /// Households that the other one finds, or finds more of, and this one does not.
    pub households_in: u64,
    /// Households of which the other one finds nothing or less.
    pub households_out: u64,
    /// Persons who enter.
    pub persons_in: u64,
    /// Persons who leave.
    pub persons_out: u64,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.before += other.before;
        self.after += other.after;
        self.households_in += other.households_in;
        self.households_out += other.households_out;
        self.persons_in += other.persons_in;
        self.persons_out += other.persons_out;
    }

    /// Whether nobody enters or leaves.
    pub fn is_nothing(&self) -> bool {
        self.households_in == 0 && self.households_out == 0
    }
}

/// What was counted, or estimated.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answer {
    /// Households that were asked.
    pub asked: u64,
    /// Households that they stand for; as many as were asked where all were that it concerns.
    pub of: u64,
    /// Over all rules, a household once.
    pub all: Count,
    /// By rule.
    pub rules: BTreeMap<String, Count>,
    /// By county of the household, over all rules, a household once.
    pub counties: BTreeMap<String, Count>,
    /// Households that enter or leave by rule, in the order of their ids; none where they are too many to keep.
    pub movers: BTreeMap<String, Option<Vec<Uuid>>>,
}

impl Answer {
    /// Whether everybody was asked whom it concerns.
    pub fn is_exact(&self) -> bool {
        self.asked == self.of
    }

    /// A count of the sample as one of everybody.
    pub fn scaled(&self, counted: u64) -> u64 {
        if self.is_exact() || self.asked == 0 {
            return counted;
        }
        (counted as f64 * self.of as f64 / self.asked as f64).round() as u64
    }

    /// How far off [`Self::scaled`] may be for a count of households, 19 times out of 20; 0 where it is exact.
    pub fn margin(&self, households: u64) -> u64 {
        if self.is_exact() || self.asked == 0 {
            return 0;
        }
        let (n, of) = (self.asked as f64, self.of as f64);
        // None among n still leaves room for three in n.
        let share = if households == 0 { return (3.0 / n * of).round() as u64 } else { households as f64 / n };
        let rest = (1.0 - n / of).max(0.0);
        (1.96 * of * (share * (1.0 - share).max(0.0) * rest / n).sqrt()).round() as u64
    }

    /// Households that enter or leave by some rules; none where a rule has too many of them.
    pub fn movers_of(&self, rules: &[String]) -> Option<Vec<Uuid>> {
        let mut out = BTreeSet::new();
        for rule in rules {
            match self.movers.get(rule) {
                Some(Some(ids)) => out.extend(ids.iter().copied()),
                Some(None) => return None,
                None => {}
            }
        }
        Some(out.into_iter().collect())
    }

    fn add(&mut self, other: Self) {
        self.asked += other.asked;
        self.all.add(other.all);
        for (rule, count) in other.rules {
            self.rules.entry(rule).or_default().add(count);
        }
        for (county, count) in other.counties {
            self.counties.entry(county).or_default().add(count);
        }
        for (rule, more) in other.movers {
            let all = self.movers.entry(rule).or_insert_with(|| Some(Vec::new()));
            match (all.as_mut(), more) {
                (Some(ids), Some(more)) if ids.len() + more.len() <= KEPT => ids.extend(more),
                _ => *all = None,
            }
        }
    }
}

/// A household that enters or leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mover {
    /// Which.
    pub household: Uuid,
    /// Its division.
    pub division: String,
    /// The rule.
    pub rule: String,
    /// Whether it enters; else it leaves.
    pub enters: bool,
    /// Members that the rule is about; none for a rule about households.
    pub persons: Vec<Uuid>,
}

impl Question {
    /// Compares the profile in force with another on a day, for the households of a scope.
    ///
    /// # Errors
    /// The database fails.
    pub async fn new(
        db: &Db,
        before: &Arc<Profile>,
        after: &Arc<Profile>,
        day: NaiveDate,
        scope: &Scope,
    ) -> Result<Self, AssessError> {
        let map_before = tier_map(db, before, day).await?;
        let map_after = match before.tiers == after.tiers {
            true => Arc::clone(&map_before),
            false => tier_map(db, after, day).await?,
        };
        let lines = before.income_lines != after.income_lines;
        let estimates = before.income_estimate != after.income_estimate;
        let other_tiers = map_before != map_after;
        let differs = |old: &Rule, new: &Rule| {
            let reads = new.when.reads();
            old.when.root != new.when.root
                || old.subject != new.subject
                || (lines && reads.household(OfHousehold::IncomeLine))
                || (estimates && new.when.parts() & Part::Estimate.bit() != 0)
                || (other_tiers && (reads.household(OfHousehold::CountyTier) || reads.person(OfPerson::WorkTier)))
        };
        let pick = |from: &Profile, other: &Profile| -> Vec<Rule> {
            let of = |rule: &&Rule| other.rule(&rule.id).is_none_or(|twin| differs(rule, twin));
            from.rules.iter().filter(of).cloned().collect()
        };
        let (old, new) = (pick(before, after), pick(after, before));
        let mut rules: Vec<String> = old.iter().chain(&new).map(|rule| rule.id.clone()).collect();
        let mut met = BTreeSet::new();
        rules.retain(|id| met.insert(id.clone()));
        let mut reads = Profile::clone(before);
        reads.rules = old.iter().chain(&new).cloned().collect();
        let reads_after = estimates.then(|| Arc::new(seen_by(after, &reads)));
        Ok(Self {
            day,
            scope: scope.clone(),
            before: Side { profile: Arc::clone(before), rules: old, tiers: map_before },
            after: Side { profile: Arc::clone(after), rules: new, tiers: map_after },
            rules,
            reads: Arc::new(reads),
            reads_after,
        })
    }

    /// Ids of the rules that differ.
    pub fn rules(&self) -> &[String] {
        &self.rules
    }

    /// The same for a narrower scope and one rule of it.
    #[must_use]
    pub fn narrowed(&self, scope: &Scope, rule: Option<&str>) -> Self {
        let mut out = self.clone();
        out.scope = scope.clone();
        if let Some(id) = rule {
            out.rules.retain(|other| other == id);
            out.before.rules.retain(|rule| rule.id == id);
            out.after.rules.retain(|rule| rule.id == id);
            let mut reads = Profile::clone(&out.reads);
            reads.rules.retain(|rule| rule.id == id);
            out.reads_after = out.reads_after.map(|after| Arc::new(seen_by(&after, &reads)));
            out.reads = Arc::new(reads);
        }
        out
    }

    /// The households whom it concerns: those found by index where every rule needs a signal or a tier, none where no rule
    /// differs, and else everybody of the scope.
    async fn source(&self, db: &Db, servants: &Servants) -> Result<Option<Source>, AssessError> {
        if self.rules.is_empty() {
            return Ok(Some(Source::Given(Vec::new())));
        }
        let mut needs = 0;
        for rule in &self.reads.rules {
            match rule.when.guard() {
                Some(mask) => needs |= mask,
                None => return Ok(None),
            }
        }
        let mut out: BTreeSet<Uuid> = BTreeSet::new();
        let kinds = plan::kinds_of(needs, Whose::House);
        if !kinds.is_empty() {
            let found = what_if_store::households_with(db, &kinds, &self.scope).await?;
            out.extend(found.into_iter().map(|row| row.0));
        }
        out.extend(view_store::households_served(db, servants, self.day).await?);
        for tiers in [&self.before.tiers, &self.after.tiers] {
            for (county, _) in tiers.iter().filter(|(_, (tier, _))| needs & plan::work_bit(*tier) != 0) {
                let rows = view_store::households_working_in(db, county, &self.scope).await?;
                out.extend(rows.into_iter().map(|row| row.0));
            }
        }
        Ok(Some(Source::Given(out.into_iter().collect())))
    }

    async fn servants(&self, db: &Db) -> Result<Arc<Servants>, AssessError> {
        let mut tx = db.snapshot().await?;
        Ok(Arc::new(view_store::servants_for(&mut tx, &self.reads).await?))
    }

    /// The first figure, from a sample; exact where few are concerned.
    ///
    /// # Errors
    /// A rule takes too many steps, or the database fails.
    pub async fn estimate(&self, db: &Db) -> Result<Answer, AssessError> {
        let servants = self.servants(db).await?;
        if let Some(Source::Given(ids)) = self.source(db, &servants).await? {
            if ids.len() as u64 <= SMALL {
                return self.count(db, Source::Given(ids), &servants, &Progress::default()).await;
            }
            // Of those whom it concerns every so many: their ids have nothing to do with what is asked.
            let step = ids.len() / SAMPLE as usize;
            let of = ids.len() as u64;
            let some = ids.into_iter().step_by(step.max(1)).collect();
            let answer = self.count(db, Source::Given(some), &servants, &Progress::default()).await?;
            return Ok(Answer { of, ..answer });
        }
        let of = what_if_store::households(db, &self.scope).await?.0.unsigned_abs();
        let ids = if of <= SMALL {
            view_store::households_in(db, &self.scope).await?
        } else {
            what_if_store::sample(db, share(of), &self.scope).await?
        };
        let ids = ids.into_iter().map(|row| row.0).collect();
        let answer = self.count(db, Source::Given(ids), &servants, &Progress::default()).await?;
        Ok(Answer { of: of.max(answer.asked), ..answer })
    }

    /// Asks everybody whom it concerns.
    ///
    /// # Errors
    /// A rule takes too many steps, somebody cancelled, or the database fails.
    pub async fn exact(&self, db: &Db, progress: &Progress) -> Result<Answer, AssessError> {
        let servants = self.servants(db).await?;
        let source = match self.source(db, &servants).await? {
            Some(source) => source,
            None if self.scope.root().is_empty() => Source::Register,
            None => {
                let ids = view_store::households_in(db, &self.scope).await?;
                Source::Given(ids.into_iter().map(|row| row.0).collect())
            }
        };
        let of = match &source {
            Source::Given(ids) => ids.len() as u64,
            Source::Register => what_if_store::households(db, &self.scope).await?.0.unsigned_abs(),
        };
        progress.stage("job-stage-what-if", of);
        let answer = self.count(db, source, &servants, progress).await?;
        Ok(Answer { of: answer.asked, ..answer })
    }

    async fn count(
        &self,
        db: &Db,
        source: Source,
        servants: &Arc<Servants>,
        progress: &Progress,
    ) -> Result<Answer, AssessError> {
        let asker = || Counter { question: self.clone(), servants: Arc::clone(servants) };
        let mut parts = everybody::in_parts(db, source, asker);
        let mut out = Answer::default();
        while let Some(part) = parts.next().await {
            if progress.is_cancelled() {
                return Err(AssessError::Cancelled);
            }
            out.add(part?);
            progress.at(out.asked);
        }
        out.of = out.asked;
        // The parts came in no order.
        out.movers.values_mut().flatten().for_each(|ids| ids.sort_unstable());
        Ok(out)
    }

    /// Who enters or leaves, in the order of their ids after one: about `limit`, and where to go on from; none where
    /// there are no more. `among`: those who are known to move, in the order of their ids; all are asked without.
    ///
    /// # Errors
    /// A rule takes too many steps, or the database fails.
    pub async fn movers(
        &self,
        db: &Db,
        among: Option<Vec<Uuid>>,
        enters: bool,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<(Vec<Mover>, Option<Uuid>), AssessError> {
        let servants = self.servants(db).await?;
        let given = match (among, self.source(db, &servants).await?) {
            (Some(ids), _) | (None, Some(Source::Given(ids))) => ids,
            _ => view_store::households_in(db, &self.scope).await?.into_iter().map(|row| row.0).collect(),
        };
        let rest = &given[given.partition_point(|id| after.is_some_and(|after| *id <= after))..];
        let mut out = Vec::new();
        for ids in rest.chunks(1000) {
            let mut tx = db.snapshot().await?;
            for (view, after) in self.views(&mut tx, ids, &servants).await? {
                let moved = self.moved(&view, after.as_ref())?;
                out.extend(moved.into_iter().filter(|mover| mover.enters == enters));
                if out.len() >= limit {
                    return Ok((out, Some(view.id)));
                }
            }
        }
        Ok((out, None))
    }

    /// Households as the profile in force sees them, and as the other one does where it sees them otherwise.
    async fn views(
        &self,
        tx: &mut Tx,
        ids: &[Uuid],
        servants: &Servants,
    ) -> Result<Vec<(HouseholdView, Option<HouseholdView>)>, AssessError> {
        let mut views = view_store::views(tx, ids, servants, &self.reads, self.day).await?;
        views.retain(|view| self.scope.contains(&view.division_code));
        if let Some(reads) = &self.reads_after {
            // Both are in the order of their ids.
            let mut after = view_store::views(tx, ids, servants, reads, self.day).await?;
            after.retain(|view| self.scope.contains(&view.division_code));
            return Ok(views.into_iter().zip(after.into_iter().map(Some)).collect());
        }
        let lines = &self.after.profile.income_lines;
        let other = self.before.profile.income_lines != *lines && self.reads.reads().household(OfHousehold::IncomeLine);
        let see = |view: HouseholdView| {
            let after = other.then(|| {
                let mut after = view.clone();
                let line = lines.at(&view.division_code, self.day);
                after.facts.put(OfHousehold::IncomeLine, view::Fact::maybe_number(line));
                after
            });
            (view, after)
        };
        Ok(views.into_iter().map(see).collect())
    }

    /// What each side finds of a household, rule by rule: those whom only the first finds, those whom only the second
    /// finds, and how many each does.
    fn asked(&self, view: &HouseholdView, after: Option<&HouseholdView>) -> Result<Vec<Difference<'_>>, AssessError> {
        let seen_after = after.unwrap_or(view);
        let (mask_before, mask_after) = (rules::mask(&self.before.tiers, view), rules::mask(&self.after.tiers, view));
        let mut out = Vec::new();
        for id in &self.rules {
            let before = match self.before.rule(id) {
                Some(rule) => rules::found(rule, self.before.around(self.day), view, mask_before)?,
                None => Vec::new(),
            };
            let after = match self.after.rule(id) {
                Some(rule) => rules::found(rule, self.after.around(self.day), seen_after, mask_after)?,
                None => Vec::new(),
            };
            if before.is_empty() && after.is_empty() {
                continue;
            }
            let enter: Vec<Uuid> = after.iter().filter(|id| !before.contains(id)).copied().collect();
            let leave: Vec<Uuid> = before.iter().filter(|id| !after.contains(id)).copied().collect();
            out.push(Difference { rule: id, before: before.len() as u64, after: after.len() as u64, enter, leave });
        }
        Ok(out)
    }

    fn moved(&self, view: &HouseholdView, after: Option<&HouseholdView>) -> Result<Vec<Mover>, AssessError> {
        let mut out = Vec::new();
        for one in self.asked(view, after)? {
            for (who, enters) in [(&one.enter, true), (&one.leave, false)] {
                if who.is_empty() {
                    continue;
                }
                out.push(Mover {
                    household: view.id,
                    division: view.division_code.clone(),
                    rule: one.rule.to_owned(),
                    enters,
                    persons: who.iter().filter(|id| **id != view.id).copied().collect(),
                });
            }
        }
        Ok(out)
    }
}

struct Difference<'a> {
    rule: &'a str,
    before: u64,
    after: u64,
    enter: Vec<Uuid>,
    leave: Vec<Uuid>,
}

/// The rules of one profile with all else of another.
fn seen_by(profile: &Profile, rules: &Profile) -> Profile {
    Profile { rules: rules.rules.clone(), ..Profile::clone(profile) }
}

/// The tiers of a day by a profile, computed and not stored.
async fn tier_map(db: &Db, profile: &Profile, day: NaiveDate) -> Result<Arc<TierMap>, AssessError> {
    let policy = &profile.tiers;
    let cases = store::county_cases(db, &policy.case_kinds, day).await?;
    let mut out = TierMap::new();
    for (county, of) in &cases {
        let found = tiers::tier(of, day, policy).tier;
        if found != Tier::Low {
            let since = tiers::tier_since(of, day, policy).map(|since| since.to_string()).unwrap_or_default();
            out.insert(county.clone(), (found, since));
        }
    }
    Ok(Arc::new(out))
}

/// The upper end of fingerprints that [`SAMPLE`] of so many households lie below.
fn share(of: u64) -> i64 {
    let part = u128::from(u64::MAX) * u128::from(SAMPLE) / u128::from(of.max(SAMPLE));
    let end = i128::from(i64::MIN) + i128::try_from(part).unwrap_or(i128::MAX);
    i64::try_from(end).unwrap_or(i64::MAX)
}

/// Counts a part.
struct Counter {
    question: Question,
    servants: Arc<Servants>,
}

impl Reader for Counter {
    type Out = Answer;

    fn read<'a>(&'a mut self, tx: &'a mut Tx, ids: Vec<Uuid>) -> BoxFuture<'a, Result<Answer, AssessError>> {
        Box::pin(async move {
            let mut out = Answer { asked: ids.len() as u64, ..Answer::default() };
            for (view, after) in self.question.views(tx, &ids, &self.servants).await? {
                let differences = self.question.asked(&view, after.as_ref())?;
                if differences.is_empty() {
                    continue;
                }
                let mut whole = Count::default();
                let (mut enter, mut leave) = (BTreeSet::new(), BTreeSet::new());
                for one in differences {
                    let members = |who: &[Uuid]| -> BTreeSet<Uuid> {
                        if who.contains(&view.id) {
                            view.persons.iter().map(|person| person.id).collect()
                        } else {
                            who.iter().copied().collect()
                        }
                    };
                    let (come, go) = (members(&one.enter), members(&one.leave));
                    let count = Count {
                        before: one.before,
                        after: one.after,
                        households_in: u64::from(!one.enter.is_empty()),
                        households_out: u64::from(!one.leave.is_empty()),
                        persons_in: come.len() as u64,
                        persons_out: go.len() as u64,
                    };
                    out.rules.entry(one.rule.to_owned()).or_default().add(count);
                    if !count.is_nothing() {
                        let of_rule = out.movers.entry(one.rule.to_owned()).or_insert_with(|| Some(Vec::new()));
                        of_rule.get_or_insert_default().push(view.id);
                    }
                    whole.before += count.before;
                    whole.after += count.after;
                    whole.households_in |= count.households_in;
                    whole.households_out |= count.households_out;
                    enter.extend(come);
                    leave.extend(go);
                }
                whole.persons_in = enter.len() as u64;
                whole.persons_out = leave.len() as u64;
                out.all.add(whole);
                let county = view.division_code.get(..6).unwrap_or(&view.division_code).to_owned();
                out.counties.entry(county).or_default().add(whole);
            }
            Ok(out)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_says_how_far_off_it_may_be() {
        let some = Answer { asked: 4_000, of: 1_600_000, ..Answer::default() };
        assert!(!some.is_exact());
        assert_eq!(some.scaled(40), 16_000);
        // 1.96 standard errors of 1 % among 4,000, times 1.6 million.
        assert_eq!(some.margin(40), 4_927);
        // Nobody among 4,000 is not nobody: up to 3 in 4,000.
        assert_eq!((some.scaled(0), some.margin(0)), (0, 1_200));
        let all = Answer { asked: 4_000, of: 4_000, ..Answer::default() };
        assert_eq!((all.is_exact(), all.scaled(40), all.margin(40)), (true, 40, 0));
        assert_eq!(Answer::default().scaled(0), 0);
    }

    #[test]
    fn those_who_move_are_kept_while_they_are_few() {
        let part = |from: u128, n: u128| {
            let ids = (from..from + n).map(Uuid::from_u128).collect();
            Answer { movers: BTreeMap::from([("R01".to_owned(), Some(ids))]), ..Answer::default() }
        };
        let mut all = part(0, 3);
        all.add(part(10, 2));
        let rules = ["R01".to_owned(), "R02".to_owned()];
        assert_eq!(all.movers_of(&rules).unwrap().len(), 5);
        all.add(part(100, KEPT as u128));
        assert_eq!(all.movers_of(&rules), None);
        all.add(part(10_000, 1));
        assert_eq!((all.movers_of(&rules), all.movers_of(&rules[1..])), (None, Some(Vec::new())));
    }

    #[test]
    fn the_sample_is_as_large_as_it_is_said_to_be() {
        let part = |of| (share(of) as f64 - i64::MIN as f64) / u64::MAX as f64 * of as f64;
        assert!((part(1_600_000) - SAMPLE as f64).abs() < 1.0);
        assert_eq!(share(100), i64::MAX);
    }
}
