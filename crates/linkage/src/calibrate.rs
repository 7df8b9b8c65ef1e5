//! From scores to promises: how many of the pairs above a cut are right, how many below it are missed, and what pairs
//! that people have judged say about that.
//!
//! A score is log-odds in bits ([`engine::Match::bits`](crate::engine::Match::bits)), so that a model that is right
//! promises by itself: of pairs at 10 bits one in a thousand is wrong. [`Scores`] counts pairs by score and adds such
//! promises up. A [`Calibration`] learns from labels how far the promises hold. What people judge is no fair draw (a
//! queue of doubtful pairs shows middle scores), which does no harm to what is learned score by score; where labels are
//! summed, each band of scores counts as its pairs do and not as its labels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Width of a bin of [`Scores`], in bits; cuts are taken at its multiples.
pub const BIN: f64 = 0.25;
/// Scores beyond these are counted at them, in bits.
const RANGE: (f64, f64) = (-32.0, 64.0);
/// Width of the bands in which labels are summed, in bits.
pub const BAND: f64 = 2.0;
/// Bits between two knots of a calibration.
const STEP: f64 = 2.0;
/// The first knot, in bits, and how many there are.
const FIRST: f64 = -12.0;
const KNOTS: usize = 19;
/// How far off a model's scores are thought to be as a whole before there are labels, and how much that may change from
/// one knot to the next: standard deviations in bits.
const PRIOR_LEVEL: f64 = 1.0;
const PRIOR_CHANGE: f64 = 0.5;
/// A calibrated score grows by at least so many bits a bit.
const LEAST_SLOPE: f64 = 0.05;
/// Newton's rounds at most; the problem is convex and ends in about six.
const ROUNDS: usize = 60;
/// The quantile of the normal distribution for 95 % on two sides.
const Z: f64 = 1.959_963_985;

/// The chance that belongs to log-odds in bits.
pub fn chance(bits: f64) -> f64 {
    1.0 / (1.0 + (-bits.clamp(-1_000.0, 1_000.0)).exp2())
}

/// A pair that somebody has judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Label {
    /// Its score when it was judged.
    pub bits: f64,
    /// Whether the two are one person.
    pub same: bool,
}

/// How many pairs have which score.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Scores {
    /// Pairs that are given out where the cut is low enough, by multiples of [`BIN`].
    given: BTreeMap<i32, u64>,
    /// Candidates that are not given out at any cut, since others of the row or the registry are better.
    beside: BTreeMap<i32, u64>,
}

/// What a cut does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Outlook {
    /// The cut in bits: pairs of that score and above are given out.
    pub cut: f64,
    /// How many these are.
    pub pairs: u64,
    /// How many of them are expected to be right.
    pub right: f64,
    /// How many pairs of one person are expected not to be among them.
    pub missed: f64,
}

impl Outlook {
    /// Expected share of right ones among the pairs given out; 1 where there are none.
    pub fn precision(&self) -> f64 {
        if self.pairs == 0 { 1.0 } else { self.right / self.pairs as f64 }
    }

    /// Expected share of the pairs of one person that are given out.
    pub fn recall(&self) -> f64 {
        if self.right + self.missed > 0.0 { self.right / (self.right + self.missed) } else { 1.0 }
    }

    /// Harmonic mean of the two; 0 where nothing is given out.
    pub fn f1(&self) -> f64 {
        if self.pairs == 0 { 0.0 } else { 2.0 * self.right / (self.pairs as f64 + self.right + self.missed) }
    }

    /// Expected wrong ones in a thousand given out.
    pub fn wrong_per_thousand(&self) -> f64 {
        (1.0 - self.precision()) * 1_000.0
    }
}

/// Pairs of one band of scores.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Band {
    /// Where it begins, in bits.
    pub from: f64,
    /// Pairs in it.
    pub pairs: u64,
    /// How many of them are expected to be right.
    pub right: f64,
}

impl Scores {
    fn bin(bits: f64) -> i32 {
        (bits.clamp(RANGE.0, RANGE.1) / BIN).floor() as i32
    }

    /// Counts a pair that is given out if its score reaches the cut.
    pub fn add(&mut self, bits: f64) {
        self.add_many(bits, 1);
    }

    /// Counts so many pairs of one score that are given out if it reaches the cut.
    pub fn add_many(&mut self, bits: f64, pairs: u64) {
        *self.given.entry(Self::bin(bits)).or_default() += pairs;
    }

    /// Counts so many candidates of one score that are given out at no cut.
    pub fn add_beside(&mut self, bits: f64, pairs: u64) {
        *self.beside.entry(Self::bin(bits)).or_default() += pairs;
    }

    /// Adds what another list showed.
    pub fn merge(&mut self, other: &Self) {
        for (mine, others) in [(&mut self.given, &other.given), (&mut self.beside, &other.beside)] {
            for (bin, n) in others {
                *mine.entry(*bin).or_default() += n;
            }
        }
    }

    /// Pairs counted that some cut gives out.
    pub fn pairs(&self) -> u64 {
        self.given.values().sum()
    }

    /// Expected pairs of one person among all candidates.
    pub fn expected(&self, calibration: &Calibration) -> f64 {
        self.given.iter().chain(&self.beside).map(|(bin, n)| *n as f64 * Self::share(*bin, calibration)).sum()
    }

    /// The chance at the middle of a bin.
    fn share(bin: i32, calibration: &Calibration) -> f64 {
        chance(calibration.bits((f64::from(bin) + 0.5) * BIN))
    }

    /// What a cut does; it is rounded to the nearest multiple of [`BIN`]. `unfound` are pairs of one person that are
    /// thought not even to be candidates.
    pub fn outlook(&self, cut: f64, calibration: &Calibration, unfound: f64) -> Outlook {
        let first = (cut.clamp(RANGE.0, RANGE.1) / BIN).round() as i32;
        let (mut pairs, mut right, mut below) = (0, 0.0, 0.0);
        for (bin, n) in &self.given {
            let expected = *n as f64 * Self::share(*bin, calibration);
            if *bin >= first {
                pairs += n;
                right += expected;
            } else {
                below += expected;
            }
        }
        let beside: f64 = self.beside.iter().map(|(bin, n)| *n as f64 * Self::share(*bin, calibration)).sum();
        Outlook { cut: f64::from(first) * BIN, pairs, right, missed: below + beside + unfound.max(0.0) }
    }

    /// The cuts between which something changes, from low to high.
    fn cuts(&self) -> impl Iterator<Item = f64> + '_ {
        self.given.keys().map(|bin| f64::from(*bin) * BIN)
    }

    /// The lowest cut above which at least this share of pairs is expected to be right; none where no cut has that.
    pub fn cut_for_precision(&self, wanted: f64, calibration: &Calibration) -> Option<f64> {
        // Chances grow with the score, so that the share above a cut grows with the cut.
        self.cuts().find(|cut| self.outlook(*cut, calibration, 0.0).precision() >= wanted)
    }

    /// The cut whose expected F1 is best; of equals the lowest. None where there are no pairs.
    pub fn best_cut(&self, calibration: &Calibration, unfound: f64) -> Option<f64> {
        let mut best: Option<Outlook> = None;
        for cut in self.cuts() {
            let outlook = self.outlook(cut, calibration, unfound);
            if best.is_none_or(|b| outlook.f1() > b.f1()) {
                best = Some(outlook);
            }
        }
        best.map(|b| b.cut)
    }

    /// The pairs that some cut gives out in bands of `width` bits (a multiple of [`BIN`]), lowest first, without gaps;
    /// what lies below `lowest` or above `highest` is in the first and last.
    pub fn bands(&self, width: f64, lowest: f64, highest: f64, calibration: &Calibration) -> Vec<Band> {
        let width = width.max(BIN);
        let count = ((highest - lowest) / width).ceil().max(1.0) as usize;
        let mut bands: Vec<Band> =
            (0..count).map(|i| Band { from: lowest + i as f64 * width, pairs: 0, right: 0.0 }).collect();
        for (bin, n) in &self.given {
            let at = ((f64::from(*bin) * BIN - lowest) / width).floor().clamp(0.0, (count - 1) as f64) as usize;
            bands[at].pairs += n;
            bands[at].right += *n as f64 * Self::share(*bin, calibration);
        }
        bands
    }
}

/// How scores are to be read: a monotone line through knots. Without labels it leaves every score as it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// What the score at each knot is worth; empty: what it says.
    worth: Vec<f64>,
    /// Labels that it was learned from.
    labels: u64,
}

impl Calibration {
    /// Scores as they are.
    pub fn identity() -> Self {
        Self::default()
    }

    /// Learns from pairs that people have judged.
    ///
    /// A correction at each knot, straight between them, is fitted by penalised likelihood: it is thought to be nothing
    /// (give or take [`PRIOR_LEVEL`] bits) and to change slowly, so that one label moves little and thousands decide. The
    /// result does not depend on the order of labels.
    pub fn learn(labels: &[Label]) -> Self {
        let mut labels: Vec<Label> = labels.iter().copied().filter(|l| l.bits.is_finite()).collect();
        if labels.is_empty() {
            return Self::identity();
        }
        labels.sort_by(|a, b| a.bits.total_cmp(&b.bits).then(a.same.cmp(&b.same)));
        let rows: Vec<Judged> = labels
            .iter()
            .map(|l| {
                let bits = l.bits.clamp(RANGE.0, RANGE.1);
                let (at, share) = place(bits);
                (vec![(at, 1.0 - share), (at + 1, share)], bits * std::f64::consts::LN_2, l.same)
            })
            .collect();
        let nats = |bits: f64| 1.0 / (bits * std::f64::consts::LN_2).powi(2);
        let (level, change) = (nats(PRIOR_LEVEL) / KNOTS as f64, nats(PRIOR_CHANGE));
        let mut penalty = vec![vec![0.0; KNOTS]; KNOTS];
        for k in 0..KNOTS {
            penalty[k][k] += level;
            if k + 1 < KNOTS {
                penalty[k][k] += change;
                penalty[k + 1][k + 1] += change;
                penalty[k][k + 1] -= change;
                penalty[k + 1][k] -= change;
            }
        }
        let (correction, weight) = fit(&rows, &penalty);
        let mut worth: Vec<f64> = correction
            .iter()
            .enumerate()
            .map(|(k, c)| knot(k) * (1.0 - LEAST_SLOPE) + c / std::f64::consts::LN_2)
            .collect();
        pool(&mut worth, &weight);
        for (k, w) in worth.iter_mut().enumerate() {
            *w += knot(k) * LEAST_SLOPE;
        }
        Self { worth, labels: labels.len() as u64 }
    }

    /// What a score is worth, in bits; never less for a higher score.
    pub fn bits(&self, bits: f64) -> f64 {
        if self.worth.len() != KNOTS {
            return bits;
        }
        let (at, share) = place(bits);
        let line = self.worth[at] * (1.0 - share) + self.worth[at + 1] * share;
        // Beyond the knots a bit is a bit.
        line + bits - bits.clamp(FIRST, knot(KNOTS - 1))
    }

    /// How many labels it was learned from.
    pub fn labels(&self) -> u64 {
        self.labels
    }

    /// Whether it can be used: no line at all, or one that never falls.
    pub fn is_valid(&self) -> bool {
        self.worth.is_empty()
            || (self.worth.len() == KNOTS
                && self.worth.iter().all(|w| w.is_finite())
                && self.worth.windows(2).all(|w| w[0] <= w[1]))
    }
}

fn knot(k: usize) -> f64 {
    FIRST + k as f64 * STEP
}

/// The knot below a score, and how far it is to the next.
fn place(bits: f64) -> (usize, f64) {
    let steps = ((bits - FIRST) / STEP).clamp(0.0, (KNOTS - 1) as f64);
    let at = (steps.floor() as usize).min(KNOTS - 2);
    (at, steps - at as f64)
}

/// Least squares under "never falls": neighbours that fall are pooled.
fn pool(values: &mut [f64], weights: &[f64]) {
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for (value, weight) in values.iter().zip(weights) {
        blocks.push((*value, weight.max(1e-9), 1));
        while let [.., a, b] = blocks[..]
            && a.0 > b.0
        {
            blocks.truncate(blocks.len() - 2);
            let weight = a.1 + b.1;
            blocks.push(((a.0 * a.1 + b.0 * b.1) / weight, weight, a.2 + b.2));
        }
    }
    let pooled = blocks.iter().flat_map(|(value, _, n)| std::iter::repeat_n(*value, *n));
    for (value, pooled) in values.iter_mut().zip(pooled) {
        *value = pooled;
    }
}

/// Features with their values, log-odds before anything is fitted (nats), yes or no.
pub(crate) type Judged = (Vec<(usize, f64)>, f64, bool);

/// Penalised logistic regression around given log-odds: the coefficients, and how much is known of each.
pub(crate) fn fit(rows: &[Judged], penalty: &[Vec<f64>]) -> (Vec<f64>, Vec<f64>) {
    let n = penalty.len();
    let mut now = vec![0.0; n];
    let log_odds =
        |at: &[f64], row: &(Vec<(usize, f64)>, f64, bool)| row.1 + row.0.iter().map(|(k, by)| at[*k] * by).sum::<f64>();
    let loss = |at: &[f64]| {
        let fitted: f64 = rows
            .iter()
            .map(|row| {
                let against = if row.2 { -log_odds(at, row) } else { log_odds(at, row) };
                against.max(0.0) + (-against.abs()).exp().ln_1p()
            })
            .sum();
        let prior: f64 =
            penalty.iter().zip(at).map(|(line, a)| a * line.iter().zip(at).map(|(p, b)| p * b).sum::<f64>()).sum();
        fitted + prior / 2.0
    };
    let mut best = loss(&now);
    let mut known = vec![0.0; n];
    for _ in 0..ROUNDS {
        let mut curve = penalty.to_vec();
        let mut slope: Vec<f64> = penalty.iter().map(|line| line.iter().zip(&now).map(|(p, a)| p * a).sum()).collect();
        for row in rows {
            let p = 1.0 / (1.0 + (-log_odds(&now, row)).exp());
            let off = p - f64::from(u8::from(row.2));
            for (k, by) in &row.0 {
                slope[*k] += off * by;
                for (j, other) in &row.0 {
                    curve[*k][*j] += p * (1.0 - p) * by * other;
                }
            }
        }
        known = (0..n).map(|k| curve[k][k]).collect();
        let Some(step) = solve(curve, slope) else {
            break;
        };
        let mut length = 1.0;
        let mut moved = false;
        while length > 1e-4 {
            let next: Vec<f64> = now.iter().zip(&step).map(|(a, s)| a - length * s).collect();
            let value = loss(&next);
            if value < best {
                moved = best - value > 1e-10 * (1.0 + best.abs());
                (best, now) = (value, next);
                break;
            }
            length /= 2.0;
        }
        if !moved {
            break;
        }
    }
    (now, known)
}

/// Solves a symmetric positive definite system (Cholesky); none where it is not one.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Option<Vec<f64>> {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| a[i][k] * a[j][k]).sum();
            let left = a[i][j] - dot;
            if i == j {
                if left.is_nan() || left <= 0.0 {
                    return None;
                }
                a[i][i] = left.sqrt();
            } else {
                a[i][j] = left / a[j][j];
            }
        }
        let dot: f64 = (0..i).map(|k| a[i][k] * b[k]).sum();
        b[i] = (b[i] - dot) / a[i][i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| a[k][i] * b[k]).sum();
        b[i] = (b[i] - dot) / a[i][i];
    }
    Some(b)
}

/// Wilson's interval (95 %) of a share of which `n` were looked at and `k` had it; 0 to 1 where none was looked at.
/// E. B. Wilson, "Probable inference", JASA 22 (1927).
pub fn wilson(k: f64, n: f64) -> (f64, f64) {
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    let (p, zz) = (k / n, Z * Z);
    let middle = (p + zz / (2.0 * n)) / (1.0 + zz / n);
    let half = Z / (1.0 + zz / n) * (p * (1.0 - p) / n + zz / (4.0 * n * n)).max(0.0).sqrt();
    ((middle - half).clamp(0.0, p), (middle + half).clamp(p, 1.0))
}

/// Labels of one band of scores.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct JudgedBand {
    /// Where it begins, in bits.
    pub from: f64,
    /// Labels in it.
    pub labels: u64,
    /// Of these, one person.
    pub same: u64,
    /// Mean chance that was promised for them.
    pub promised: f64,
}

impl JudgedBand {
    /// Share of one person among the labels, with its interval (95 %).
    pub fn share(&self) -> (f64, f64, f64) {
        let (k, n) = (self.same as f64, self.labels as f64);
        let (low, high) = wilson(k, n);
        (if self.labels == 0 { 0.0 } else { k / n }, low, high)
    }
}

/// Labels by bands of [`BAND`] bits, lowest first; bands without labels are left out.
pub fn judged(labels: &[Label], calibration: &Calibration) -> Vec<JudgedBand> {
    let mut bands: BTreeMap<i32, (u64, u64, Vec<f64>)> = BTreeMap::new();
    for l in labels.iter().filter(|l| l.bits.is_finite()) {
        let band = bands.entry((l.bits.clamp(RANGE.0, RANGE.1) / BAND).floor() as i32).or_default();
        band.0 += 1;
        band.1 += u64::from(l.same);
        band.2.push(chance(calibration.bits(l.bits)));
    }
    bands
        .into_iter()
        .map(|(at, (labels, same, mut promised))| {
            promised.sort_by(f64::total_cmp);
            let mean = promised.iter().sum::<f64>() / labels.max(1) as f64;
            JudgedBand { from: f64::from(at) * BAND, labels, same, promised: mean }
        })
        .collect()
}

/// Expected calibration error: by how much, on average, the promised share of a band is off what its labels say. Bands
/// count as their pairs in `scores` do, or as their labels where there are no scores; none without labels.
pub fn calibration_error(labels: &[Label], calibration: &Calibration, scores: Option<&Scores>) -> Option<f64> {
    let (mut sum, mut all) = (0.0, 0.0);
    for band in judged(labels, calibration) {
        let weight = scores.map_or(band.labels as f64, |s| pairs_in(s, band.from) as f64);
        sum += weight * (band.share().0 - band.promised).abs();
        all += weight;
    }
    (all > 0.0).then(|| sum / all)
}

fn pairs_in(scores: &Scores, from: f64) -> u64 {
    let (low, high) = (Scores::bin(from), Scores::bin(from + BAND));
    scores.given.range(low..high.max(low + 1)).map(|(_, n)| n).sum()
}

/// What labels say about a cut.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measured {
    /// Labels of that score and above.
    pub labels: u64,
    /// Share of right ones among the pairs above the cut.
    pub precision: f64,
    /// The interval of it (95 %).
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Share of the pairs above the cut that lie in bands of scores with labels; of the others the promise counts.
    pub covered: f64,
}

/// The precision above a cut as labels have it: each band of scores counts as its pairs do, however many of them were
/// judged. None where nothing above the cut was judged.
pub fn measured(labels: &[Label], calibration: &Calibration, scores: &Scores, cut: f64) -> Option<Measured> {
    let above: Vec<Label> = labels.iter().copied().filter(|l| l.bits >= cut).collect();
    let bands = judged(&above, calibration);
    let all = scores.outlook(cut, calibration, 0.0);
    if bands.is_empty() || all.pairs == 0 {
        return None;
    }
    let total = all.pairs as f64;
    let (mut covered, mut right, mut smooth, mut variance) = (0.0, 0.0, 0.0, 0.0);
    for band in &bands {
        let first = Scores::bin(band.from.max(all.cut));
        let in_band: f64 = scores
            .given
            .range(first..Scores::bin(band.from + BAND).max(first + 1))
            .map(|(bin, n)| {
                right -= *n as f64 * Scores::share(*bin, calibration);
                *n as f64
            })
            .sum();
        let (share, n) = (in_band / total, band.labels as f64);
        right += in_band * band.share().0;
        // A band in which all agree is not known for certain: Jeffreys' half a label for either.
        let p = (band.same as f64 + 0.5) / (n + 1.0);
        covered += share;
        smooth += share * p;
        variance += share * share * p * (1.0 - p) / n;
    }
    let precision = ((all.right + right) / total).clamp(0.0, 1.0);
    let (low, high) = if covered > 0.0 && variance > 0.0 {
        let p = smooth / covered;
        let n = p * (1.0 - p) * covered * covered / variance;
        let (low, high) = wilson(precision * n, n);
        // What was not judged may be anything between what it promises and nothing known: only the judged part is bounded.
        (low, high)
    } else {
        (0.0, 1.0)
    };
    Some(Measured { labels: above.len() as u64, precision, low, high, covered: covered.min(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Dice(u64);

    impl Dice {
        fn roll(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    /// Labels whose truth is another line than the scores say, drawn from some scores only.
    fn drawn(n: usize, from: f64, to: f64, truth: impl Fn(f64) -> f64) -> Vec<Label> {
        let mut dice = Dice(5);
        (0..n)
            .map(|_| {
                let bits = from + (to - from) * dice.roll();
                Label { bits, same: dice.roll() < chance(truth(bits)) }
            })
            .collect()
    }

    #[test]
    fn promises_add_up() {
        let mut scores = Scores::default();
        for _ in 0..1_000 {
            scores.add(10.0);
        }
        scores.add(-2.0);
        scores.add_beside(-4.0, 1);
        let none = Calibration::identity();
        let at_zero = scores.outlook(0.0, &none, 3.0);
        assert_eq!(at_zero.pairs, 1_000);
        assert!((at_zero.wrong_per_thousand() - 0.9).abs() < 0.1, "{at_zero:?}");
        let below = chance(-1.875) + chance(-3.875);
        assert!((at_zero.missed - 3.0 - below).abs() < 1e-9, "{at_zero:?}");
        assert!(at_zero.f1() > scores.outlook(-10.0, &none, 3.0).f1());
        assert_eq!(scores.best_cut(&none, 0.0), Some(10.0));
        assert_eq!(scores.cut_for_precision(0.999, &none), Some(10.0));
        assert_eq!(scores.cut_for_precision(0.99, &none), Some(-2.0));
        assert_eq!(scores.cut_for_precision(0.999_99, &none), None);
        let bands = scores.bands(2.0, -4.0, 12.0, &none);
        assert_eq!((bands.len(), bands[1].pairs, bands[7].pairs), (8, 1, 1_000));
        // Nothing at all.
        let empty = Scores::default().outlook(0.0, &none, 0.0);
        assert_eq!((empty.precision(), empty.recall(), empty.f1()), (1.0, 1.0, 0.0));
        assert_eq!(Scores::default().best_cut(&none, 0.0), None);
    }

    #[test]
    fn thousands_of_labels_from_some_scores_find_the_truth_there() {
        let truths: [fn(f64) -> f64; 4] =
            [|b| 0.5 * b - 1.0, |b| b + 3.0, |b| 1.6 * b, |b| if b < 2.0 { b - 3.0 } else { 1.5 * b - 4.0 }];
        for truth in truths {
            let learned = Calibration::learn(&drawn(20_000, -6.0, 8.0, truth));
            for tenth in -55..75 {
                let bits = f64::from(tenth) / 10.0;
                let (got, wanted) = (chance(learned.bits(bits)), chance(truth(bits)));
                assert!((got - wanted).abs() < 0.05, "at {bits}: {got} for {wanted}");
            }
            let error = |c: &Calibration| calibration_error(&drawn(5_000, -6.0, 8.0, truth), c, None).unwrap();
            assert!(error(&learned) < error(&Calibration::identity()).min(0.03));
        }
    }

    #[test]
    fn a_few_labels_change_little() {
        let one = Calibration::learn(&[Label { bits: 4.0, same: false }]);
        assert!(one.bits(4.0) < 4.0 && one.bits(4.0) > 2.5, "{}", one.bits(4.0));
        let as_promised = Calibration::learn(&drawn(40, -6.0, 10.0, |b| b));
        for bits in [-10.0, -3.0, 0.0, 5.0, 20.0] {
            assert!((as_promised.bits(bits) - bits).abs() < 2.0, "{bits}: {}", as_promised.bits(bits));
        }
    }

    #[test]
    fn labels_count_as_the_pairs_that_they_stand_for() {
        // 9,900 sure pairs of which ten were judged, 100 doubtful ones of which all were: half of these are wrong.
        let mut scores = Scores::default();
        (0..9_900).for_each(|_| scores.add(20.5));
        (0..100).for_each(|_| scores.add(0.5));
        let mut labels = vec![Label { bits: 20.5, same: true }; 10];
        labels.extend((0..100).map(|i| Label { bits: 0.5, same: i % 2 == 0 }));
        let m = measured(&labels, &Calibration::identity(), &scores, 0.0).unwrap();
        assert!((m.precision - 0.995).abs() < 1e-9 && m.labels == 110, "{m:?}");
        assert!(m.low < 0.95 && m.high > m.precision && (m.covered - 1.0).abs() < 1e-9, "{m:?}");
        let error = calibration_error(&labels, &Calibration::identity(), Some(&scores)).unwrap();
        assert!(error < 0.002, "{error}");
        let unweighted = calibration_error(&labels, &Calibration::identity(), None).unwrap();
        assert!(unweighted > 0.05, "{unweighted}");
        // Without a label of the sure ones, what they promise stands.
        let middle = measured(&labels[10..], &Calibration::identity(), &scores, 0.0).unwrap();
        assert!((middle.precision - 0.995).abs() < 1e-5 && middle.covered < 0.02, "{middle:?}");
        assert_eq!(measured(&[], &Calibration::identity(), &scores, 0.0), None);
    }

    #[test]
    fn wilson_is_as_published() {
        // Newcombe (1998), table I: 81 of 263; 15 of 148; 0 of 20.
        for ((k, n), (low, high)) in
            [((81.0, 263.0), (0.2553, 0.3662)), ((15.0, 148.0), (0.0624, 0.1605)), ((0.0, 20.0), (0.0, 0.1611))]
        {
            let (l, h) = wilson(k, n);
            assert!((l - low).abs() < 1e-4 && (h - high).abs() < 1e-4, "{k} of {n}: {l} {h}");
        }
        assert_eq!(wilson(0.0, 0.0), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn a_calibration_never_falls_and_depends_on_no_order(
            raw in proptest::collection::vec((-40i32..80, any::<bool>()), 0..200),
            turn in 0usize..200,
        ) {
            let mut labels: Vec<Label> =
                raw.iter().map(|(b, same)| Label { bits: f64::from(*b) / 2.0, same: *same }).collect();
            let learned = Calibration::learn(&labels);
            prop_assert!(learned.is_valid());
            let mut before = f64::NEG_INFINITY;
            for half in -80..160 {
                let bits = learned.bits(f64::from(half) / 2.0);
                prop_assert!(bits.is_finite() && bits > before, "{} after {}", bits, before);
                before = bits;
            }
            if !labels.is_empty() {
                let len = labels.len();
                labels.rotate_left(turn % len);
                prop_assert_eq!(&Calibration::learn(&labels), &learned);
            } else {
                prop_assert_eq!(learned.bits(3.25), 3.25);
            }
        }

        #[test]
        fn a_higher_cut_is_never_less_precise(
            raw in proptest::collection::vec((-60i32..120, 1u32..50), 1..40),
            unfound in 0.0f64..50.0,
        ) {
            let mut scores = Scores::default();
            for (bits, n) in &raw {
                (0..*n).for_each(|_| scores.add(f64::from(*bits) / 4.0));
            }
            let none = Calibration::identity();
            let cuts: Vec<f64> = (-64..128).map(|q| f64::from(q) / 4.0).collect();
            for pair in cuts.windows(2) {
                let (low, high) = (scores.outlook(pair[0], &none, unfound), scores.outlook(pair[1], &none, unfound));
                prop_assert!(high.precision() >= low.precision() - 1e-12);
                prop_assert!(high.missed >= low.missed - 1e-9);
                prop_assert!((low.right + low.missed - high.right - high.missed).abs() < 1e-6);
            }
            let best = scores.best_cut(&none, unfound).unwrap();
            let top = scores.outlook(best, &none, unfound).f1();
            prop_assert!(cuts.iter().all(|c| scores.outlook(*c, &none, unfound).f1() <= top + 1e-12));
        }

        #[test]
        fn intervals_hold_the_share(k in 0u32..500, more in 0u32..500) {
            let n = k + more;
            let (low, high) = wilson(f64::from(k), f64::from(n));
            prop_assert!((0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high) && low <= high);
            if n > 0 {
                let p = f64::from(k) / f64::from(n);
                prop_assert!(low <= p && p <= high);
            }
        }
    }
}
