//! Groups of rows that are one: clusters grow by what all their rows say together.

use rustc_hash::{FxHashMap, FxHashSet};

use super::compare::{Matchers, Memory};
use super::train::Weights;

/// Rounds in which single rows may move to a cluster that suits them better.
const MOVES: usize = 3;
/// Clusters do not grow beyond this.
const LARGEST: usize = 1_000;
/// Distinct values of a cluster that are looked at in one comparison.
const PROFILE: usize = 32;

/// Two rows and the bits between them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bond {
    pub(super) a: u32,
    pub(super) b: u32,
    pub(super) bits: f32,
}

/// Comparison, value, and how many rows of a cluster bear it; by comparison, missing ones left out.
type Profile = Vec<(u32, u32, u32)>;

struct Clusters<'a> {
    matchers: &'a Matchers<'a>,
    weights: &'a Weights,
    /// What a level multiplies the odds by.
    odds: Vec<Vec<f32>>,
    /// What a value multiplies them by, where rarity counts.
    rarity: Vec<Vec<Option<Vec<f32>>>>,
    memory: Memory,
    of_row: Vec<u32>,
    members: Vec<Vec<u32>>,
    profiles: Vec<Profile>,
}

impl<'a> Clusters<'a> {
    fn new(matchers: &'a Matchers<'a>, weights: &'a Weights, rows: usize) -> Self {
        Self {
            matchers,
            weights,
            odds: weights.bits.iter().map(|bits| bits.iter().map(|b| b.exp2()).collect()).collect(),
            rarity: weights
                .rarity
                .iter()
                .map(|levels| {
                    let odds = |bits: &Vec<f32>| bits.iter().map(|b| b.exp2()).collect();
                    levels.iter().map(|level| level.as_ref().map(odds)).collect()
                })
                .collect(),
            memory: Memory::new(matchers.all.len()),
            of_row: (0..rows as u32).collect(),
            members: (0..rows as u32).map(|row| vec![row]).collect(),
            profiles: (0..rows).map(|row| single(matchers, row)).collect(),
        }
    }

    /// Log-odds that two sets of rows are one person's: in each comparison a row is thought to repeat what one row of the
    /// other side says, any of them with equal chance.
    fn bits(&mut self, a: &[(u32, u32, u32)], b: &[(u32, u32, u32)]) -> f64 {
        let mut sum = self.weights.prior;
        let (mut a, mut b) = (a, b);
        for c in 0..self.matchers.all.len() {
            let (xs, ys);
            (xs, a) = a.split_at(a.iter().take_while(|entry| entry.0 == c as u32).count());
            (ys, b) = b.split_at(b.iter().take_while(|entry| entry.0 == c as u32).count());
            let (mut odds, mut pairs) = (0.0f64, 0.0f64);
            for (_, x, n) in xs.iter().take(PROFILE) {
                for (_, y, k) in ys.iter().take(PROFILE) {
                    let level = usize::from(self.memory.level(self.matchers, c, *x, *y));
                    if level == 0 {
                        continue;
                    }
                    let both = f64::from(*n) * f64::from(*k);
                    let rare = match (self.rarity[c].get(level - 1), self.matchers.all[c].rarity.get(level - 1)) {
                        (Some(Some(odds)), Some(Some(of))) => odds[of[*x as usize] as usize],
                        _ => 1.0,
                    };
                    odds += both * f64::from(self.odds[c][level] * rare);
                    pairs += both;
                }
            }
            if pairs > 0.0 {
                sum += (odds / pairs).max(1e-30).log2();
            }
        }
        sum
    }

    fn between(&mut self, a: u32, b: u32) -> f64 {
        let (x, y) =
            (std::mem::take(&mut self.profiles[a as usize]), std::mem::take(&mut self.profiles[b as usize]));
        let bits = self.bits(&x, &y);
        (self.profiles[a as usize], self.profiles[b as usize]) = (x, y);
        bits
    }

    fn merge(&mut self, a: u32, b: u32) {
        let (into, from) =
            if self.members[a as usize].len() >= self.members[b as usize].len() { (a, b) } else { (b, a) };
        let rows = std::mem::take(&mut self.members[from as usize]);
        for row in &rows {
            self.of_row[*row as usize] = into;
        }
        self.members[into as usize].extend(rows);
        let profile = std::mem::take(&mut self.profiles[from as usize]);
        for (comparison, value, n) in profile {
            enter(&mut self.profiles[into as usize], comparison, value, n);
        }
    }

    fn take_out(&mut self, row: u32) {
        let cluster = self.of_row[row as usize] as usize;
        self.members[cluster].retain(|r| *r != row);
        let profile = &mut self.profiles[cluster];
        for (c, value, _) in single(self.matchers, row as usize) {
            if let Some(entry) = profile.iter_mut().find(|entry| (entry.0, entry.1) == (c, value)) {
                entry.2 -= 1;
            }
        }
        profile.retain(|(_, _, n)| *n > 0);
    }

    fn put_in(&mut self, row: u32, cluster: u32) {
        self.of_row[row as usize] = cluster;
        self.members[cluster as usize].push(row);
        for (comparison, value, n) in single(self.matchers, row as usize) {
            enter(&mut self.profiles[cluster as usize], comparison, value, n);
        }
    }
}

/// What one row says.
fn single(matchers: &Matchers<'_>, row: usize) -> Profile {
    let values = matchers.all.iter().enumerate().map(|(c, matcher)| (c as u32, matcher.of_row[row], 1));
    values.filter(|(_, value, _)| *value != 0).collect()
}

fn enter(profile: &mut Profile, comparison: u32, value: u32, n: u32) {
    let start = profile.partition_point(|entry| entry.0 < comparison);
    let end = profile.partition_point(|entry| entry.0 <= comparison);
    match profile[start..end].iter_mut().find(|entry| entry.1 == value) {
        Some(entry) => entry.2 += n,
        None => profile.insert(end, (comparison, value, n)),
    }
}

/// The cluster of each row, named by its first row. `bonds` come from the strongest to the weakest. What is not to be
/// thorough is only to learn from.
pub(super) fn cluster(
    matchers: &Matchers<'_>,
    weights: &Weights,
    bonds: &[Bond],
    rows: usize,
    min_bits: f64,
    thorough: bool,
) -> Vec<u32> {
    let mut clusters = Clusters::new(matchers, weights, rows);
    let mut refused: FxHashSet<(u32, u32, u32)> = FxHashSet::default();
    for _ in 0..if thorough { 2 } else { 1 } {
        for bond in bonds {
            let (a, b) = (clusters.of_row[bond.a as usize], clusters.of_row[bond.b as usize]);
            if a == b {
                continue;
            }
            let size = clusters.members[a as usize].len() + clusters.members[b as usize].len();
            if size > LARGEST || refused.contains(&(a.min(b), a.max(b), size as u32)) {
                continue;
            }
            COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let near = (clusters.members[a as usize].len().max(clusters.members[b as usize].len()) as f64).log2() * knob("K1", 0.0);
            if clusters.between(a, b) + near >= min_bits {
                clusters.merge(a, b);
            } else {
                refused.insert((a.min(b), a.max(b), size as u32));
            }
        }
    }
    eprintln!("bonds {} evals {}", bonds.len(), COUNT.load(std::sync::atomic::Ordering::Relaxed));
    if thorough {
        settle(&mut clusters, bonds, rows, min_bits);
    }
    let mut first: FxHashMap<u32, u32> = FxHashMap::default();
    (0..rows as u32).map(|row| *first.entry(clusters.of_row[row as usize]).or_insert(row)).collect()
}

/// Rows that suit another cluster better than their own move there, those that suit none stand alone.
fn settle(clusters: &mut Clusters<'_>, bonds: &[Bond], rows: usize, min_bits: f64) {
    let mut starts = vec![0u32; rows + 1];
    for bond in bonds {
        starts[bond.a as usize + 1] += 1;
        starts[bond.b as usize + 1] += 1;
    }
    for row in 0..rows {
        starts[row + 1] += starts[row];
    }
    let mut place = starts.clone();
    let mut near = vec![0u32; bonds.len() * 2];
    for bond in bonds {
        for (from, to) in [(bond.a, bond.b), (bond.b, bond.a)] {
            near[place[from as usize] as usize] = to;
            place[from as usize] += 1;
        }
    }
    for _ in 0..MOVES {
        let mut moved = 0;
        for row in 0..rows as u32 {
            let own = clusters.of_row[row as usize];
            let around = &near[starts[row as usize] as usize..starts[row as usize + 1] as usize];
            let mut others: Vec<u32> =
                around.iter().map(|r| clusters.of_row[*r as usize]).filter(|c| *c != own).collect();
            others.sort_unstable();
            others.dedup();
            let alone = clusters.members[own as usize].len() == 1;
            if others.is_empty() && alone {
                continue;
            }
            let single = single(clusters.matchers, row as usize);
            clusters.take_out(row);
            let score = |clusters: &mut Clusters<'_>, cluster: u32| {
                let profile = std::mem::take(&mut clusters.profiles[cluster as usize]);
                let bits = clusters.bits(&single, &profile);
                clusters.profiles[cluster as usize] = profile;
                bits
            };
            let mut best = if alone { (min_bits, own) } else { (score(clusters, own), own) };
            for other in others {
                if clusters.members[other as usize].len() < LARGEST {
                    let bits = score(clusters, other);
                    if bits > best.0 {
                        best = (bits, other);
                    }
                }
            }
            let (bits, mut target) = best;
            if bits < min_bits
                && !alone
                && let Some(empty) = (clusters.members[row as usize].is_empty()).then_some(row)
            {
                target = empty;
            }
            moved += usize::from(target != own);
            clusters.put_in(row, target);
        }
        if moved == 0 {
            break;
        }
    }
}

static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
pub(super) fn knob(name: &str, d: f64) -> f64 { std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(d) }
