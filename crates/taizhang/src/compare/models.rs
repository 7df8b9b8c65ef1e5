//! The models that lists are compared with: the one that comes along, and those that verdicts made. One is in force; every
//! candidate says by which it was weighed.

use std::collections::BTreeMap;

use linkage::calibrate::{Calibration, Label, chance};
use linkage::engine::{Model, Pattern, Sighting};

use super::model_store::{self, Judged, StoredModel, StoredUse};
use super::{CompareError, weigh};
use crate::access::audit::{self, Entry};
use crate::access::reveal::REASON_MOST;
use crate::access::{Actor, Capability, Role, Scope};
use crate::platform::{App, DbError};

/// From so many verdicts on a model may be made of them.
pub const ENOUGH: usize = 50;
/// Parts into which verdicts are divided for a check: each is judged by a model that the others made.
const PARTS: usize = 5;

/// A model with its version; 0 is the one that comes along.
#[derive(Debug, Clone)]
pub(super) struct Versioned {
    pub(super) version: i64,
    pub(super) model: Model,
}

/// How scores hold against verdicts, at even odds.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Measure {
    /// Verdicts on pairs of 0 bits and more.
    pub above: u64,
    /// Of these one person.
    pub right: u64,
    /// Of these one person, as the scores promise.
    pub promised_right: f64,
    /// Pairs of one person below 0 bits.
    pub missed: u64,
    /// The same, as the scores promise.
    pub promised_missed: f64,
    /// How surprising verdicts are to the scores: mean bits a verdict; knowing nothing costs 1.
    pub surprise: f64,
}

impl Measure {
    fn of(scored: &[(f64, bool)]) -> Self {
        let mut out = Self::default();
        let mut sum = 0.0;
        for (bits, same) in scored {
            let chance_same = chance(*bits);
            if *bits >= 0.0 {
                out.above += 1;
                out.right += u64::from(*same);
                out.promised_right += chance_same;
            } else {
                out.missed += u64::from(*same);
                out.promised_missed += chance_same;
            }
            sum -= (if *same { chance_same } else { 1.0 - chance_same }).max(1e-9).log2();
        }
        out.surprise = sum / scored.len().max(1) as f64;
        out
    }

    /// Share of one person among the pairs of 0 bits and more, by verdict; none without such a pair.
    pub fn precision(&self) -> Option<f64> {
        (self.above > 0).then(|| self.right as f64 / self.above as f64)
    }

    /// The same, as the scores promise.
    pub fn promised_precision(&self) -> Option<f64> {
        (self.above > 0).then(|| self.promised_right / self.above as f64)
    }
}

/// What a model that verdicts made does on them.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Lesson {
    /// Verdicts.
    pub labels: u64,
    /// Of these one person.
    pub same: u64,
    /// The model before, on these verdicts.
    pub before: Measure,
    /// The model that they made, on the same verdicts: it has seen them.
    pub after: Measure,
    /// Models made without a fifth of the verdicts, each on the fifth that it has not seen.
    pub held_out: Measure,
}

impl Lesson {
    /// Whether verdicts that it has not seen surprise the new model less than they did the one before.
    pub fn is_better(&self) -> bool {
        self.held_out.surprise < self.before.surprise
    }
}

/// A model that verdicts would make, with what it does on them.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The version that the verdicts are put into.
    pub base: i64,
    /// The model.
    pub model: Model,
    /// What it does.
    pub lesson: Lesson,
}

/// A version as it is listed.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ModelVersion {
    /// The version; 0 is the one that comes along.
    pub version: i64,
    /// Whether it is in force.
    pub in_force: bool,
    /// The version that its verdicts were put into.
    pub base: i64,
    /// Who made it; empty for the one that comes along.
    pub made_by: String,
    /// When, milliseconds; 0 for the one that comes along.
    pub made_at: i64,
    /// What it does on its verdicts; none for the one that comes along.
    pub lesson: Option<Lesson>,
}

/// A time that a model was put in force.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ModelUse {
    /// The version.
    pub version: i64,
    /// Who.
    pub by: String,
    /// When, milliseconds.
    pub at: i64,
    /// Why.
    pub reason: String,
}

/// Whether somebody may put a model in force: it weighs for every division, as a policy profile does.
pub fn may_choose(actor: &Actor) -> bool {
    actor.may(Capability::RunAssessment) && (actor.is_machine || actor.role == Role::Analyst)
}

/// The model in force.
pub(super) async fn in_force(app: &App) -> Result<Versioned, CompareError> {
    of_version(app, model_store::version_in_force(&app.db).await?).await
}

async fn of_version(app: &App, version: i64) -> Result<Versioned, CompareError> {
    if version == 0 {
        return Ok(Versioned { version, model: weigh::shipped()? });
    }
    let stored = model_store::model(&app.db, version).await?.ok_or(CompareError::NoModel { version })?;
    read(stored)
}

fn read(stored: StoredModel) -> Result<Versioned, CompareError> {
    let version = stored.version;
    let model = Model::from_toml(&stored.model).map_err(|e| CompareError::Broken(format!("model {version}: {e}")))?;
    Ok(Versioned { version, model })
}

/// Every model by its version.
pub(super) struct Models(BTreeMap<i64, Model>);

impl Models {
    pub(super) async fn load(app: &App) -> Result<Self, CompareError> {
        let mut all = BTreeMap::from([(0, weigh::shipped()?)]);
        for stored in model_store::models(&app.db).await? {
            let Versioned { version, model } = read(stored)?;
            all.insert(version, model);
        }
        Ok(Self(all))
    }

    /// Verdicts as sightings in the bits of one version; those whose levels nobody knows any more are left out.
    pub(super) fn sightings(&self, judged: &[Judged], version: i64) -> Vec<Sighting> {
        let Some(to) = self.0.get(&version) else { return Vec::new() };
        judged
            .iter()
            .filter_map(|j| {
                let pattern = Pattern::from_signature(&j.signature)?;
                let from = self.0.get(&j.model_version)?;
                let moved = if j.model_version == version { 0.0 } else { weigh::shift(from, to, pattern) };
                Some(Sighting { pattern, bits: j.bits + moved, same: j.same })
            })
            .collect()
    }

    /// What verdicts say about the scores of one version.
    pub(super) fn calibration(&self, judged: &[Judged], version: i64) -> Calibration {
        let seen = self.sightings(judged, version);
        Calibration::learn(&seen.iter().map(|s| Label { bits: s.bits, same: s.same }).collect::<Vec<_>>())
    }
}

/// What verdicts of a scope would make of the model in force; none where there are fewer than [`ENOUGH`].
///
/// # Errors
/// A stored model cannot be read, or the database fails.
pub async fn proposal(app: &App, scope: &Scope) -> Result<Option<Proposal>, CompareError> {
    let judged = model_store::judged(&app.db, "", scope).await?;
    let models = Models::load(app).await?;
    propose(&models, &judged, model_store::version_in_force(&app.db).await?)
}

pub(super) fn propose(models: &Models, judged: &[Judged], base: i64) -> Result<Option<Proposal>, CompareError> {
    let seen = models.sightings(judged, base);
    let Some(before) = models.0.get(&base) else {
        return Err(CompareError::NoModel { version: base });
    };
    if seen.len() < ENOUGH {
        return Ok(None);
    }
    let model = weigh::learned(before, &seen)?;
    let mut held_out = Vec::with_capacity(seen.len());
    for part in 0..PARTS {
        // Verdicts come in the order of their patterns: every part has some of each.
        let (out, kept): (Vec<_>, Vec<_>) = seen.iter().enumerate().partition(|(at, _)| at % PARTS == part);
        let kept: Vec<Sighting> = kept.into_iter().map(|(_, s)| *s).collect();
        let without = weigh::learned(before, &kept)?;
        held_out.extend(out.into_iter().map(|(_, s)| scored(before, &without, s)));
    }
    let on = |model: &Model| Measure::of(&seen.iter().map(|s| scored(before, model, s)).collect::<Vec<_>>());
    let lesson = Lesson {
        labels: seen.len() as u64,
        same: seen.iter().filter(|s| s.same).count() as u64,
        before: on(before),
        after: on(&model),
        held_out: Measure::of(&held_out),
    };
    Ok(Some(Proposal { base, model, lesson }))
}

/// A verdict with what a model and its calibration make of its score.
fn scored(before: &Model, model: &Model, seen: &Sighting) -> (f64, bool) {
    let bits = seen.bits + weigh::shift(before, model, seen.pattern);
    (model.calibration.as_ref().map_or(bits, |c| c.bits(bits)), seen.same)
}

/// Makes a model of the verdicts that the actor may see and puts it in force for later comparisons; its version.
///
/// # Errors
/// Not allowed, no reason, too few verdicts, or the database fails.
pub async fn adopt(app: &App, actor: &Actor, reason: &str) -> Result<i64, CompareError> {
    let reason = stated(actor, reason)?;
    let proposal = proposal(app, &actor.scope).await?.ok_or(CompareError::FewVerdicts { least: ENOUGH })?;
    let broken = |e: String| CompareError::Broken(e);
    let stored = StoredModel {
        version: 0,
        model: proposal.model.to_toml().map_err(|e| broken(e.to_string()))?,
        base: proposal.base,
        labels: super::count(usize::try_from(proposal.lesson.labels).unwrap_or(usize::MAX)),
        same: super::count(usize::try_from(proposal.lesson.same).unwrap_or(usize::MAX)),
        report: serde_json::to_string(&proposal.lesson).map_err(|e| broken(e.to_string()))?,
        made_by: actor.user_id,
        made_name: actor.name.clone(),
        made_at: app.clock.now_ms(),
    };
    let (actor, now) = (actor.clone(), app.clock.now_ms());
    app.db
        .write::<i64, CompareError, _>(move |tx| {
            Box::pin(async move {
                let detail = serde_json::json!({ "base": stored.base, "labels": stored.labels, "same": stored.same });
                let version = model_store::insert_model(tx, stored).await.map_err(overtaken)?;
                put_in_force(tx, &actor, version, &reason, detail, now).await?;
                Ok(version)
            })
        })
        .await
}

/// Puts a version in force for later comparisons; 0 is the one that comes along. What was weighed before stays.
///
/// # Errors
/// Not allowed, no reason, no such version, or the database fails.
pub async fn choose(app: &App, actor: &Actor, version: i64, reason: &str) -> Result<(), CompareError> {
    let reason = stated(actor, reason)?;
    of_version(app, version).await?;
    if model_store::version_in_force(&app.db).await? == version {
        return Ok(());
    }
    let (actor, now) = (actor.clone(), app.clock.now_ms());
    app.db
        .write::<(), CompareError, _>(move |tx| {
            Box::pin(async move { put_in_force(tx, &actor, version, &reason, serde_json::json!({}), now).await })
        })
        .await
}

/// Two who number a version at once: one is first, the other is told.
fn overtaken(error: DbError) -> CompareError {
    match error {
        DbError::Unique(_) => CompareError::ModelOvertaken,
        other => other.into(),
    }
}

fn stated(actor: &Actor, reason: &str) -> Result<String, CompareError> {
    if !may_choose(actor) {
        return Err(CompareError::Forbidden);
    }
    match reason.trim() {
        "" => Err(CompareError::NoReason),
        long if long.chars().count() > REASON_MOST => Err(CompareError::PurposeLong),
        reason => Ok(reason.to_owned()),
    }
}

async fn put_in_force(
    tx: &mut crate::platform::Tx,
    actor: &Actor,
    version: i64,
    reason: &str,
    detail: serde_json::Value,
    now: i64,
) -> Result<(), CompareError> {
    let used = StoredUse {
        version,
        reason: reason.to_owned(),
        used_by: actor.user_id,
        used_name: actor.name.clone(),
        used_at: now,
    };
    model_store::insert_use(tx, used).await.map_err(overtaken)?;
    let entry = Entry {
        action: "model.use",
        object_kind: "linkage_model",
        object_id: version.to_string(),
        division_code: actor.scope.root(),
        reason,
        detail,
    };
    Ok(audit::record(tx, actor, entry, now).await?)
}

/// Every version, the newest first and the one that comes along last, and every time that one was put in force.
///
/// # Errors
/// The database fails.
pub async fn versions(app: &App) -> Result<(Vec<ModelVersion>, Vec<ModelUse>), CompareError> {
    let now = model_store::version_in_force(&app.db).await?;
    let mut all: Vec<ModelVersion> = model_store::models(&app.db)
        .await?
        .into_iter()
        .map(|m| ModelVersion {
            version: m.version,
            in_force: m.version == now,
            base: m.base,
            made_by: m.made_name,
            made_at: m.made_at,
            lesson: serde_json::from_str(&m.report).ok(),
        })
        .collect();
    all.push(ModelVersion {
        version: 0,
        in_force: now == 0,
        base: 0,
        made_by: String::new(),
        made_at: 0,
        lesson: None,
    });
    let uses = model_store::uses(&app.db).await?;
    let uses =
        uses.into_iter().map(|u| ModelUse { version: u.version, by: u.used_name, at: u.used_at, reason: u.reason });
    Ok((all, uses.collect()))
}

/// What verdicts say about the score of a candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reading {
    /// Chance that the two are one person.
    pub(super) same: f64,
    /// Verdicts in all.
    pub(super) labels: usize,
    /// Verdicts within [`NEAR`] bits of the score.
    pub(super) near: usize,
}

/// Verdicts so near to a score speak of it.
const NEAR: f64 = 4.0;
/// Fewer verdicts near a score say nothing about it.
pub(super) const FEW: usize = 10;

/// How scores are read: by the verdicts of the whole installation, as the model weighs for all of it.
pub(super) struct Reader {
    models: Models,
    judged: Vec<Judged>,
    calibrations: BTreeMap<i64, (Calibration, Vec<f64>)>,
}

impl Reader {
    pub(super) async fn load(app: &App) -> Result<Self, CompareError> {
        let judged = model_store::judged(&app.db, "", &Scope::everything()).await?;
        Ok(Self { models: Models::load(app).await?, judged, calibrations: BTreeMap::new() })
    }

    /// What a score that a version gave is worth.
    pub(super) fn read(&mut self, bits: f64, version: i64) -> Reading {
        let (calibration, scores) = self.calibrations.entry(version).or_insert_with(|| {
            let seen = self.models.sightings(&self.judged, version);
            let labels: Vec<Label> = seen.iter().map(|s| Label { bits: s.bits, same: s.same }).collect();
            (Calibration::learn(&labels), seen.iter().map(|s| s.bits).collect())
        });
        Reading {
            same: chance(calibration.bits(bits)),
            labels: scores.len(),
            near: scores.iter().filter(|s| (*s - bits).abs() <= NEAR).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(signature: &str, bits: f64, same: bool, model_version: i64) -> Judged {
        Judged { signature: signature.to_owned(), bits, same, model_version }
    }

    /// Homophones in the own village that the model thinks even, and that are one person in nine of ten.
    fn verdicts(version: i64, bits: f64) -> Vec<Judged> {
        let mut out = Vec::new();
        for n in 0..100 {
            out.push(judged("name=homophone,birth=exact,place=village", bits, n % 10 != 0, version));
            out.push(judged("name=exact,birth=digit,place=township", -4.0, n % 17 == 0, version));
        }
        out
    }

    #[test]
    fn a_model_is_held_against_verdicts_that_it_has_not_seen() {
        let models = Models(BTreeMap::from([(0, weigh::shipped().unwrap())]));
        assert!(propose(&models, &verdicts(0, 0.0)[..ENOUGH - 1], 0).unwrap().is_none());
        let made = propose(&models, &verdicts(0, 0.0), 0).unwrap().unwrap();
        let lesson = made.lesson;
        assert_eq!((lesson.labels, lesson.same, lesson.before.above, lesson.before.right), (200, 96, 100, 90));
        assert!(lesson.is_better() && lesson.held_out.surprise >= lesson.after.surprise, "{lesson:?}");
        let (promised, real) = (lesson.before.promised_precision().unwrap(), lesson.before.precision().unwrap());
        assert!((promised - 0.5).abs() < 0.01 && (real - 0.9).abs() < 0.01);
        assert!((lesson.held_out.promised_precision().unwrap() - 0.9).abs() < 0.06, "{lesson:?}");
        // Verdicts that say nothing but noise make no model that does better on others.
        let noise: Vec<Judged> = (0..400)
            .map(|n: usize| {
                let level = ["homophone", "look_alike", "exact", "last_off", "dropped"][n % 5];
                let same = (n.wrapping_mul(2_654_435_761) >> 7).is_multiple_of(2);
                judged(&format!("name={level},birth=exact,place=village"), 0.0, same, 0)
            })
            .collect();
        let made = propose(&models, &noise, 0).unwrap().unwrap();
        assert!(made.lesson.held_out.surprise > 0.97, "{:?}", made.lesson);
    }

    #[test]
    fn verdicts_on_the_scores_of_one_model_speak_of_those_of_another() {
        let shipped = weigh::shipped().unwrap();
        let first = Models(BTreeMap::from([(0, shipped.clone())]));
        let made = propose(&first, &verdicts(0, 0.0), 0).unwrap().unwrap().model;
        let models = Models(BTreeMap::from([(0, shipped.clone()), (1, made.clone())]));
        let moved = models.sightings(&verdicts(0, 0.0), 1);
        let by = weigh::shift(&shipped, &made, moved[0].pattern);
        assert!(by > 0.8 && (moved[0].bits - by).abs() < 1e-9, "{by}");
        // Read as the new model scores, its own word needs less correction than read as the old one does.
        let off = |version, bits: f64| (models.calibration(&verdicts(0, 0.0), version).bits(bits) - bits).abs();
        assert!(off(0, 0.0) > off(1, by) + 0.5, "{} {}", off(0, 0.0), off(1, by));
        assert!(models.sightings(&verdicts(7, 0.0), 0).is_empty(), "a version that nobody knows");
    }
}
