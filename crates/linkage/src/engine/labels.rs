//! What people judged, put into a model: pairs seen for certain move the shares that the pairs found before only
//! suggested.

use super::levels::{FIELDS, Pattern};
use super::model::{Labelled, Model, ModelProblem, Shares};
use super::train::PRIOR_SEEN;
use crate::calibrate::{self, Calibration, Label};

/// A pair that somebody has judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sighting {
    /// Its levels.
    pub pattern: Pattern,
    /// Its score when it was judged, in bits.
    pub bits: f64,
    /// Whether the two are one person.
    pub same: bool,
}

/// How many sightings of a model's own training a level's share counts for at most, when labels speak: these are of
/// other lists, and of pairs that nobody looked at.
const OWN_SEEN: f64 = 40.0;
/// How far off the start of all scores may be, standard deviation in bits.
const START_OFF: f64 = 2.0;

impl Pattern {
    /// The levels in one text: `id=missing,name=exact,…` in the order of [`FIELDS`].
    pub fn signature(self) -> String {
        let levels = FIELDS.iter().zip(self.levels());
        let texts: Vec<String> = levels
            .map(|(field, level)| format!("{}={}", field.name, field.levels.get(level).copied().unwrap_or_default()))
            .collect();
        texts.join(",")
    }

    /// The pattern of such a text; fields that it leaves out are missing. None where it names a field or level that is
    /// none of [`FIELDS`].
    pub fn from_signature(text: &str) -> Option<Self> {
        let mut levels = [0; FIELDS.len()];
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, level) = part.split_once('=')?;
            let at = FIELDS.iter().position(|f| f.name == name.trim())?;
            levels[at] = FIELDS[at].levels.iter().position(|l| *l == level.trim())?;
        }
        Some(Self::new(levels))
    }
}

impl Model {
    /// The model as pairs that people judged would have it, and how its scores are to be read then.
    ///
    /// The shares of the levels among records of one person are fitted so that the labels become likely, each share with
    /// a prior: what it is now, worth as many sightings as it was learned from, [`OWN_SEEN`] at most, and three more as in
    /// training. Only what a label says beyond its score counts, so that it does no harm that people are shown doubtful
    /// pairs and not any. What is left between scores and labels goes into the [`Calibration`].
    ///
    /// # Errors
    /// If the model is not valid.
    pub fn with_labels(&self, seen: &[Sighting]) -> Result<Self, ModelProblem> {
        let mut shares = self.shares()?;
        let mut seen: Vec<Sighting> = seen.iter().copied().filter(|s| s.bits.is_finite()).collect();
        if seen.is_empty() {
            return Ok(self.clone());
        }
        seen.sort_by(|a, b| a.pattern.cmp(&b.pattern).then(a.bits.total_cmp(&b.bits)).then(a.same.cmp(&b.same)));
        let starts: Vec<usize> = shares
            .of
            .iter()
            .scan(1, |next, field| {
                let start = *next;
                *next += field.len() - 1;
                Some(start)
            })
            .collect();
        let features = |pattern: Pattern| -> Vec<(usize, f64)> {
            let levels = starts.iter().zip(pattern.levels()).filter(|(_, level)| *level > 0);
            std::iter::once((0, 1.0)).chain(levels.map(|(start, level)| (start + level - 1, 1.0))).collect()
        };
        let nats = std::f64::consts::LN_2;
        let rows: Vec<_> =
            seen.iter().map(|s| (features(s.pattern), s.bits.clamp(-60.0, 60.0) * nats, s.same)).collect();
        let (by, _) = calibrate::fit(&rows, &self.penalty(&shares));
        for (field, start) in shares.of.iter_mut().zip(&starts) {
            for (level, share) in field.iter_mut().enumerate().skip(1) {
                share[0] *= by[start + level - 1].exp();
            }
        }
        shares.normalise();
        shares.make_monotone();
        shares.matches_per_row = (shares.matches_per_row * by[0].exp()).clamp(1e-6, 1.0);
        // The same pairs under the new shares: what these still get wrong is the calibration's.
        let old = self.shares()?;
        let moved = |s: &Sighting| {
            let fields = old.of.iter().zip(&shares.of).zip(s.pattern.levels());
            let by: f64 = fields.map(|((before, now), level)| (now[level][0] / before[level][0]).log2()).sum();
            s.bits + by + (shares.matches_per_row / old.matches_per_row).log2()
        };
        let before: Vec<Label> = seen.iter().map(|s| Label { bits: s.bits, same: s.same }).collect();
        let after: Vec<Label> = seen.iter().map(|s| Label { bits: moved(s), same: s.same }).collect();
        let mut model = Self::of(&shares, self.training.clone());
        model.calibration = Some(Calibration::learn(&after)).filter(Calibration::is_valid);
        model.labelled = Some(Labelled {
            pairs: seen.len() as u64,
            same: seen.iter().filter(|s| s.same).count() as u64,
            surprise_before: surprise(&before),
            surprise: surprise(&after),
        });
        Ok(model)
    }

    /// How firmly the shares stand: the sightings that each is worth.
    fn penalty(&self, shares: &Shares) -> Vec<Vec<f64>> {
        let matches = self.training.as_ref().map_or(0.0, |t| t.list as f64 * self.matches_per_row);
        let mut firm = vec![1.0 / (START_OFF * std::f64::consts::LN_2).powi(2)];
        for field in &shares.of {
            firm.extend(field.iter().skip(1).map(|share| (share[0] * matches).min(OWN_SEEN) + PRIOR_SEEN[0]));
        }
        let n = firm.len();
        firm.into_iter()
            .enumerate()
            .map(|(at, worth)| {
                let mut line = vec![0.0; n];
                line[at] = worth;
                line
            })
            .collect()
    }
}

/// How surprising labels are to their scores: mean bits a label; 1 is what knowing nothing costs.
fn surprise(labels: &[Label]) -> f64 {
    let sum: f64 = labels
        .iter()
        .map(|l| -calibrate::chance(if l.same { l.bits } else { -l.bits }).max(f64::MIN_POSITIVE).log2())
        .sum();
    sum / labels.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::model::Expected;

    #[test]
    fn a_signature_is_read_back() {
        for levels in [[0; 6], [1, 1, 1, 1, 1, 1], [12, 13, 10, 2, 3, 7], [0, 4, 0, 1, 0, 5]] {
            let pattern = Pattern::new(levels);
            assert_eq!(Pattern::from_signature(&pattern.signature()), Some(pattern));
        }
        assert_eq!(Pattern::from_signature("name=exact").map(Pattern::levels), Some([0, 1, 0, 0, 0, 0]));
        assert_eq!(Pattern::from_signature("name=exakt"), None);
        assert_eq!(Pattern::from_signature("nom=exact"), None);
    }

    /// Labels by a truth in which one level of the name is worth more or less than the model says.
    fn labels(model: &Model, off: f64, n: usize) -> Vec<Sighting> {
        let expected = Expected::new(&model.shares().unwrap(), 1_000, 100_000);
        let mut state = 11u64;
        let mut dice = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        let mut out = Vec::new();
        while out.len() < n {
            let roll = |dice: &mut dyn FnMut() -> f64, n: usize| (dice() * n as f64) as usize;
            let name = if dice() < 0.5 { 8 } else { 1 + roll(&mut dice, 13) };
            let pattern = Pattern::new([
                0,
                name,
                roll(&mut dice, 11),
                roll(&mut dice, 3),
                roll(&mut dice, 4),
                roll(&mut dice, 8),
            ]);
            let bits = f64::from(expected.bits(pattern, [0.0; 3]));
            // What a queue of doubtful pairs shows.
            if bits.abs() > 6.0 {
                continue;
            }
            let truly = bits + if name == 8 { off } else { 0.0 };
            out.push(Sighting { pattern, bits, same: dice() < calibrate::chance(truly) });
        }
        out
    }

    #[test]
    fn labels_move_the_level_that_they_speak_of() {
        let model = Model::prior();
        let weight = |m: &Model, level: usize| {
            let l = &m.field[1].level[level - 1];
            (l.same / l.stranger).log2()
        };
        for off in [-3.0, 3.0] {
            let seen = labels(&model, off, 3_000);
            let learned = model.with_labels(&seen).unwrap();
            let moved = weight(&learned, 8) - weight(&model, 8);
            assert!((moved - off).abs() < 1.2, "{off}: {moved}");
            assert!((weight(&learned, 1) - weight(&model, 1)).abs() < 1.0);
            let said = learned.labelled.unwrap();
            assert_eq!(said.pairs, 3_000);
            assert!(said.surprise < said.surprise_before, "{said:?}");
            let turned: Vec<Sighting> = seen.iter().rev().copied().collect();
            assert_eq!(model.with_labels(&turned).unwrap(), learned);
            assert_eq!(Model::from_toml(&learned.to_toml().unwrap()).unwrap(), learned);
        }
    }

    #[test]
    fn labels_as_promised_and_no_labels_change_nothing_that_matters() {
        let model = Model::prior();
        assert_eq!(model.with_labels(&[]).unwrap(), model);
        let learned = model.with_labels(&labels(&model, 0.0, 3_000)).unwrap();
        let levels = |m: &Model| -> Vec<f64> { m.field.iter().flat_map(|f| &f.level).map(|l| l.same.log2()).collect() };
        let moved: Vec<f64> = levels(&model).iter().zip(levels(&learned)).map(|(a, b)| (a - b).abs()).collect();
        assert!(moved.iter().sum::<f64>() / (moved.len() as f64) < 0.4, "{moved:?}");
        assert!(moved.iter().all(|m| *m < 2.0), "{moved:?}");
    }
}
