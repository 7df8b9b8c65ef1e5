//! What levels are worth: shares among matches and strangers, learned without labels.

use rustc_hash::FxHashMap;

use super::block::Pair;
use super::compare::{Matchers, level_of};
use super::data::{Data, parallel};
use super::hash::mix;
use super::spec::MOST_COMPARISONS;

/// Pairs drawn to see how often strangers agree.
const DRAWN: usize = 100_000;
/// Rounds after which learning stops in any case.
const ROUNDS: usize = 60;
/// Learning has converged once the number of matches moves by less than this share.
const STILL: f64 = 1e-4;
/// Of the pairs that agree on something, at least this share is taken for strangers: what is learned must never make
/// agreement by chance impossible.
const CHANCE: f64 = 0.02;
/// In one of so many matches a field holds what a stranger's would: somebody else's, or anything. It keeps a difference
/// that was never seen from deciding alone.
const ASTRAY: f64 = 0.001;

/// What all pairs of the data have in common, matches or not.
#[derive(Debug)]
pub(super) struct Base {
    /// Pairs that there are.
    pub(super) pairs: f64,
    /// By comparison and level the share of all pairs; level 0 is missing.
    pub(super) share: Vec<Vec<f64>>,
    /// By comparison and level, where rarity counts, by value: rows that have it, pairs that agree on it.
    pub(super) values: Vec<Vec<Option<Agreeing>>>,
}

#[derive(Debug)]
pub(super) struct Agreeing {
    rows: Vec<f64>,
    pairs: Vec<f64>,
}

impl Base {
    pub(super) fn new(data: &Data, matchers: &Matchers<'_>, threads: usize) -> Self {
        let pairs = data.pairs();
        let comparisons = matchers.all.len();
        let values: Vec<Vec<Option<Agreeing>>> = parallel(comparisons, threads, |c| {
            let matcher = &matchers.all[c];
            matcher.rarity.iter().map(|of| of.as_ref().map(|of| Agreeing::count(data, &matcher.of_row, of))).collect()
        });
        const PART: usize = 10_000;
        let left = data.left as u64;
        let right = (data.rows - data.left) as u64;
        let parts = parallel(if pairs > 0.0 { DRAWN / PART } else { 0 }, threads, |part| {
            let mut counts = vec![[0u32; 16]; comparisons];
            for at in part * PART..(part + 1) * PART {
                let (h, g) = (mix(at as u64), mix(!(at as u64)));
                let a = h % left;
                let b = if right > 0 { left + g % right } else { (a + 1 + g % (left - 1)) % left };
                for ((c, counts), matcher) in counts.iter_mut().enumerate().zip(&matchers.all) {
                    let level = matchers.level(c, matcher.of_row[a as usize], matcher.of_row[b as usize]);
                    counts[usize::from(level)] += 1;
                }
            }
            counts
        });
        let share = (0..comparisons)
            .map(|c| {
                let levels = matchers.all[c].levels;
                let mut share: Vec<f64> = (0..levels + 2)
                    .map(|l| parts.iter().map(|part| f64::from(part[c][l])).sum::<f64>() / DRAWN as f64)
                    .collect();
                // Of the strongest level the count is known.
                if let Some(Some(exact)) = values[c].first()
                    && pairs > 0.0
                {
                    let known = exact.pairs.iter().sum::<f64>() / pairs;
                    let change = known - share[1];
                    share[1] = known;
                    share[levels + 1] = (share[levels + 1] - change).max(0.0);
                }
                share
            })
            .collect();
        Self { pairs, share, values }
    }

    /// Pairs for which a comparison says something.
    fn spoken(&self, c: usize) -> f64 {
        self.pairs * self.share[c].iter().skip(1).sum::<f64>()
    }
}

impl Agreeing {
    fn count(data: &Data, of_row: &[u32], of: &[u32]) -> Self {
        let values = of.iter().max().map_or(0, |m| *m as usize + 1);
        let (mut left, mut right) = (vec![0f64; values], vec![0f64; values]);
        for (row, value) in of_row.iter().enumerate() {
            let side = if row < data.left { &mut left } else { &mut right };
            side[of[*value as usize] as usize] += 1.0;
        }
        if let (Some(l), Some(r)) = (left.first_mut(), right.first_mut()) {
            (*l, *r) = (0.0, 0.0);
        }
        let both = || left.iter().zip(&right);
        let pairs = both().map(|(l, r)| if data.alone() { l * (l - 1.0) / 2.0 } else { l * r }).collect();
        Self { rows: both().map(|(l, r)| l + r).collect(), pairs }
    }
}

/// How many matches show what.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) matches: f64,
    pub(super) levels: Vec<[f64; 16]>,
    /// By comparison and level, where rarity counts, by value.
    pub(super) values: Vec<Vec<Option<Vec<f64>>>>,
}

impl Seen {
    pub(super) fn nothing(base: &Base) -> Self {
        let values = base.values.iter().map(|levels| {
            levels.iter().map(|level| level.as_ref().map(|agreeing| vec![0.0; agreeing.rows.len()])).collect()
        });
        Self { matches: 0.0, levels: vec![[0.0; 16]; base.share.len()], values: values.collect() }
    }

    /// Counts a pair that is a match with this probability.
    pub(super) fn add(&mut self, matchers: &Matchers<'_>, a: u32, pattern: u64, share: f64) {
        self.matches += share;
        for (c, matcher) in matchers.all.iter().enumerate() {
            let level = level_of(pattern, c);
            self.levels[c][level] += share;
            if level > 0
                && let Some(Some(of)) = matcher.rarity.get(level - 1)
                && let Some(Some(values)) = self.values[c].get_mut(level - 1)
            {
                values[of[matcher.of_row[a as usize] as usize] as usize] += share;
            }
        }
    }
}

/// Shares by comparison and level (0 is missing and says nothing), and how many matches there are.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shares {
    pub(super) matches: f64,
    pub(super) m: Vec<Vec<f64>>,
    pub(super) u: Vec<Vec<f64>>,
}

/// What matches are thought to show before any has been seen: mostly full agreement, the rest in equal parts.
fn expected(levels: usize) -> Vec<f64> {
    let rest = 0.25 / levels as f64;
    (0..levels + 2)
        .map(|l| {
            if l == 0 {
                0.0
            } else if l == 1 {
                0.75
            } else {
                rest
            }
        })
        .collect()
}

impl Shares {
    pub(super) fn start(base: &Base, rows: usize) -> Self {
        let m = base.share.iter().map(|share| expected(share.len() - 2)).collect();
        let mut shares = Self { matches: (rows as f64 / 4.0).max(1.0), m, u: Vec::new() };
        shares.u = (0..base.share.len()).map(|c| strangers(base, c, &[0.0; 16], 1.0)).collect();
        shares
    }

    /// From what matches show.
    pub(super) fn fit(base: &Base, seen: &Seen, sightings: f64) -> Self {
        let m = base.share.iter().zip(&seen.levels).map(|(share, seen)| {
            let prior = expected(share.len() - 2);
            let all: f64 = seen.iter().take(share.len()).skip(1).sum::<f64>() + sightings;
            prior.iter().enumerate().map(|(l, p)| if l == 0 { 0.0 } else { (seen[l] + sightings * p) / all }).collect()
        });
        let m = m.collect();
        let u = (0..base.share.len()).map(|c| strangers(base, c, &seen.levels[c], sightings)).collect();
        Self { matches: seen.matches.clamp(1e-3, base.pairs.max(1.0) * 0.5), m, u }
    }

    pub(super) fn prior_bits(&self, base: &Base) -> f64 {
        (self.matches.max(1e-6) / (base.pairs - self.matches).max(1.0)).log2()
    }

    /// Bits by level: none is worth more than full agreement or less than plain difference.
    pub(super) fn bits(&self, c: usize) -> Vec<f64> {
        let raw: Vec<f64> =
            self.m[c].iter().zip(&self.u[c]).map(|(m, u)| ((1.0 - ASTRAY) * m / u + ASTRAY).log2()).collect();
        let (best, worst) = (raw.get(1).copied().unwrap_or(0.0), raw.last().copied().unwrap_or(0.0));
        let (low, high) = (worst.min(best), best.max(worst));
        raw.iter().enumerate().map(|(l, b)| if l == 0 { 0.0 } else { b.clamp(low, high) }).collect()
    }
}

/// Shares of levels among strangers: what all pairs show less what matches show.
fn strangers(base: &Base, c: usize, seen: &[f64; 16], sightings: f64) -> Vec<f64> {
    let share = &base.share[c];
    let even = 1.0 / (share.len() - 1) as f64;
    let spoken = base.spoken(c);
    let counts: Vec<f64> = share
        .iter()
        .enumerate()
        .map(|(l, p)| {
            let all = base.pairs * p;
            // A level that none of the pairs drawn showed may be as frequent as the draw could miss.
            let unseen = sightings * even * (spoken / DRAWN as f64).min(1.0);
            if l == 0 { 0.0 } else { (all - seen[l]).max(CHANCE * all) + unseen }
        })
        .collect();
    let sum: f64 = counts.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    counts.iter().map(|n| n / sum).collect()
}

/// What was learned, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Learned {
    pub(super) rounds: usize,
    pub(super) converged: bool,
}

/// Patterns and how many pairs show each.
pub(super) fn patterns(pairs: &[Pair], threads: usize) -> Vec<(u64, f64)> {
    const PART: usize = 1 << 17;
    let parts = parallel(pairs.len().div_ceil(PART), threads, |part| {
        let mut counts: FxHashMap<u64, u64> = FxHashMap::default();
        for pair in pairs.iter().skip(part * PART).take(PART) {
            *counts.entry(pair.pattern).or_default() += 1;
        }
        counts
    });
    let mut counts: FxHashMap<u64, u64> = FxHashMap::default();
    for (pattern, n) in parts.into_iter().flatten() {
        *counts.entry(pattern).or_default() += n;
    }
    let mut all: Vec<(u64, f64)> = counts.into_iter().map(|(pattern, n)| (pattern, n as f64)).collect();
    all.sort_unstable_by_key(|(pattern, _)| *pattern);
    all
}

/// Expectation-maximisation over the patterns of the pairs found. Because it is known how many of all pairs show a level,
/// the rules that found the pairs bias nothing. With `fixed` only the number of matches is fitted.
pub(super) fn learn(
    base: &Base,
    patterns: &[(u64, f64)],
    mut shares: Shares,
    sightings: f64,
    fixed: bool,
) -> (Shares, Learned) {
    let comparisons = base.share.len().min(MOST_COMPARISONS);
    let mut learned = Learned { rounds: 0, converged: false };
    let mut seen = Seen { matches: 0.0, levels: vec![[0.0; 16]; comparisons], values: Vec::new() };
    while learned.rounds < ROUNDS && !learned.converged {
        learned.rounds += 1;
        let bits: Vec<Vec<f64>> = (0..comparisons).map(|c| shares.bits(c)).collect();
        let prior = shares.prior_bits(base);
        seen.matches = 0.0;
        seen.levels.iter_mut().for_each(|levels| *levels = [0.0; 16]);
        for (pattern, count) in patterns {
            let sum: f64 = bits.iter().enumerate().map(|(c, bits)| bits[level_of(*pattern, c)]).sum();
            let share = count / (1.0 + (-(prior + sum)).exp2());
            seen.matches += share;
            for (c, levels) in seen.levels.iter_mut().enumerate() {
                levels[level_of(*pattern, c)] += share;
            }
        }
        let before = shares.matches;
        if fixed {
            shares.matches = seen.matches.clamp(1e-3, base.pairs.max(1.0) * 0.5);
        } else {
            shares = Shares::fit(base, &seen, sightings);
        }
        learned.converged = (shares.matches - before).abs() <= STILL * before;
    }
    (shares, learned)
}

/// Weights ready for use.
#[derive(Debug)]
pub(super) struct Weights {
    pub(super) prior: f64,
    /// Bits by comparison and level.
    pub(super) bits: Vec<Vec<f32>>,
    /// Bits that a value adds, by comparison and level.
    pub(super) rarity: Vec<Vec<Option<Vec<f32>>>>,
}

impl Weights {
    pub(super) fn new(base: &Base, shares: &Shares, seen: &Seen) -> Self {
        let bits = (0..base.share.len()).map(|c| shares.bits(c).iter().map(|b| *b as f32).collect()).collect();
        let rarity = base.values.iter().zip(&seen.values).map(|(levels, seen)| {
            let one = |(level, seen): (&Option<Agreeing>, &Option<Vec<f64>>)| {
                let (level, seen) = (level.as_ref()?, seen.as_ref()?);
                let rows: f64 = level.rows.iter().sum::<f64>().max(1.0);
                // Pairs of strangers that agree on the value: all less the matches, and always some.
                let chance: Vec<f64> = level
                    .pairs
                    .iter()
                    .zip(seen)
                    .map(|(all, same)| (all - same).max(0.0) + CHANCE * all + 0.5)
                    .collect();
                let all: f64 = level
                    .rows
                    .iter()
                    .zip(&chance)
                    .map(|(rows, chance)| if *rows > 0.0 { *chance } else { 0.0 })
                    .sum::<f64>()
                    .max(1.0);
                let bits =
                    level.rows.iter().zip(&chance).map(|(own, chance)| {
                        if *own > 0.0 { ((own / rows) / (chance / all)).log2() as f32 } else { 0.0 }
                    });
                Some(bits.collect())
            };
            levels.iter().zip(seen).map(one).collect()
        });
        Self { prior: shares.prior_bits(base), bits, rarity: rarity.collect() }
    }

    /// Bits of a level between two numbers of a comparison, of which `x` is one.
    #[inline]
    pub(super) fn of(&self, matchers: &Matchers<'_>, c: usize, level: usize, x: u32) -> [f32; 2] {
        let plain = self.bits[c][level];
        let rare = match level.checked_sub(1).and_then(|l| self.rarity[c].get(l)) {
            Some(Some(bits)) => match &matchers.all[c].rarity[level - 1] {
                Some(of) => bits[of[x as usize] as usize],
                None => 0.0,
            },
            _ => 0.0,
        };
        [plain, rare]
    }

    /// Log-odds of a pair.
    #[inline]
    pub(super) fn pair(&self, matchers: &Matchers<'_>, pair: &Pair) -> f64 {
        let mut sum = self.prior;
        for (c, matcher) in matchers.all.iter().enumerate() {
            let level = level_of(pair.pattern, c);
            if level > 0 {
                let [plain, rare] = self.of(matchers, c, level, matcher.of_row[pair.a as usize]);
                sum += f64::from(plain + rare);
            }
        }
        sum
    }
}
