//! Groups of rows that are one: clusters grow by what all their rows say together.

use rustc_hash::{FxHashMap, FxHashSet};

use super::compare::{Matchers, Memory};
use super::data::parallel_with;
use super::train::Weights;

/// Rounds in which single rows may move to a cluster that suits them better.
const MOVES: usize = 3;
/// Clusters do not grow beyond this.
const LARGEST: usize = 1_000;
/// Bits to another row of its cluster that hold a row there, if no other cluster is near.
const HELD: f32 = 10.0;
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
    /// What each row says; rows are numbered from 0 within the part that is looked at.
    singles: Vec<Profile>,
    of_row: Vec<u32>,
    members: Vec<Vec<u32>>,
    profiles: Vec<Profile>,
}

impl<'a> Clusters<'a> {
    fn new(matchers: &'a Matchers<'a>, weights: &'a Weights, rows: &[u32], memory: Memory) -> Self {
        let singles: Vec<Profile> = rows.iter().map(|row| single(matchers, *row as usize)).collect();
        let rows = rows.len() as u32;
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
            memory,
            profiles: singles.clone(),
            singles,
            of_row: (0..rows).collect(),
            members: (0..rows).map(|row| vec![row]).collect(),
        }
    }

    /// Log-odds that two sets of rows are one person's: in each comparison a row is thought to repeat what one row of the
    /// other side says, any of them with equal chance.
    fn bits(&self, memory: &mut Memory, a: &[(u32, u32, u32)], b: &[(u32, u32, u32)]) -> f64 {
        let mut sum = self.weights.prior;
        let (mut a, mut b) = (a, b);
        for c in 0..self.matchers.all.len() {
            let (xs, ys);
            (xs, a) = a.split_at(a.iter().take_while(|entry| entry.0 == c as u32).count());
            (ys, b) = b.split_at(b.iter().take_while(|entry| entry.0 == c as u32).count());
            let (mut odds, mut pairs) = (0.0f64, 0.0f64);
            for (_, x, n) in xs.iter().take(PROFILE) {
                for (_, y, k) in ys.iter().take(PROFILE) {
                    let level = usize::from(memory.level(self.matchers, c, *x, *y));
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
        let mut memory = std::mem::take(&mut self.memory);
        let bits = self.bits(&mut memory, &self.profiles[a as usize], &self.profiles[b as usize]);
        self.memory = memory;
        bits
    }

    fn with(&mut self, row: &[(u32, u32, u32)], cluster: u32) -> f64 {
        let mut memory = std::mem::take(&mut self.memory);
        let bits = self.bits(&mut memory, row, &self.profiles[cluster as usize]);
        self.memory = memory;
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
        leave(&mut self.profiles[cluster], &self.singles[row as usize]);
    }

    fn put_in(&mut self, row: u32, cluster: u32) {
        self.of_row[row as usize] = cluster;
        self.members[cluster as usize].push(row);
        for (comparison, value, n) in &self.singles[row as usize] {
            enter(&mut self.profiles[cluster as usize], *comparison, *value, *n);
        }
    }
}

/// What one row says.
fn single(matchers: &Matchers<'_>, row: usize) -> Profile {
    let values = matchers.all.iter().enumerate().map(|(c, matcher)| (c as u32, matcher.of_row[row], 1));
    values.filter(|(_, value, _)| *value != 0).collect()
}

fn leave(profile: &mut Profile, row: &[(u32, u32, u32)]) {
    for (c, value, _) in row {
        if let Some(entry) = profile.iter_mut().find(|entry| (entry.0, entry.1) == (*c, *value)) {
            entry.2 -= 1;
        }
    }
    profile.retain(|(_, _, n)| *n > 0);
}

fn enter(profile: &mut Profile, comparison: u32, value: u32, n: u32) {
    let start = profile.partition_point(|entry| entry.0 < comparison);
    let end = profile.partition_point(|entry| entry.0 <= comparison);
    match profile[start..end].iter_mut().find(|entry| entry.1 == value) {
        Some(entry) => entry.2 += n,
        None => profile.insert(end, (comparison, value, n)),
    }
}

/// The cluster of each row, named by its first row. `bonds` come from the strongest to the weakest.
pub(super) fn cluster(
    matchers: &Matchers<'_>,
    weights: &Weights,
    bonds: &[Bond],
    rows: usize,
    min_bits: f64,
    threads: usize,
) -> Vec<u32> {
    let parts = parts(bonds, rows);
    let memory = || Memory::new(matchers.all.len());
    let found = parallel_with(parts.len(), threads, memory, |memory, part| {
        let Part { rows, bonds } = &parts[part];
        let mut clusters = Clusters::new(matchers, weights, rows, std::mem::take(memory));
        grow(&mut clusters, bonds, min_bits);
        settle(&mut clusters, bonds, min_bits);
        *memory = std::mem::take(&mut clusters.memory);
        let mut first: FxHashMap<u32, u32> = FxHashMap::default();
        let named = rows.iter().zip(&clusters.of_row);
        named.map(|(row, cluster)| (*row, *first.entry(*cluster).or_insert(*row))).collect::<Vec<_>>()
    });
    let mut all: Vec<u32> = (0..rows as u32).collect();
    for (row, cluster) in found.into_iter().flatten() {
        all[row as usize] = cluster;
    }
    all
}

/// Rows that no bond ties to others, in ascending order, and their bonds by the place of the rows in it.
struct Part {
    rows: Vec<u32>,
    bonds: Vec<Bond>,
}

/// Parts of the data between which there is no bond, put together to pieces of work.
fn parts(bonds: &[Bond], rows: usize) -> Vec<Part> {
    let mut parent: Vec<u32> = (0..rows as u32).collect();
    fn root(parent: &mut [u32], mut at: u32) -> u32 {
        while parent[at as usize] != at {
            parent[at as usize] = parent[parent[at as usize] as usize];
            at = parent[at as usize];
        }
        at
    }
    for bond in bonds {
        let (a, b) = (root(&mut parent, bond.a), root(&mut parent, bond.b));
        parent[a.max(b) as usize] = a.min(b);
    }
    let mut load = vec![0usize; rows];
    for bond in bonds {
        load[root(&mut parent, bond.a) as usize] += 1;
    }
    // The root is the first row of its component, so that pieces follow the order of rows.
    const WORK: usize = 1 << 13;
    let mut piece_of = vec![u32::MAX; rows];
    let mut parts: Vec<Part> = Vec::new();
    let mut sum = WORK;
    for row in (0..rows).filter(|row| load[*row] > 0) {
        if sum >= WORK {
            parts.push(Part { rows: Vec::new(), bonds: Vec::new() });
            sum = 0;
        }
        sum += load[row];
        piece_of[row] = parts.len() as u32 - 1;
    }
    let mut place = vec![0u32; rows];
    for row in 0..rows as u32 {
        let piece = piece_of[root(&mut parent, row) as usize];
        if let Some(part) = parts.get_mut(piece as usize) {
            place[row as usize] = part.rows.len() as u32;
            part.rows.push(row);
        }
    }
    for bond in bonds {
        let piece = piece_of[root(&mut parent, bond.a) as usize];
        if let Some(part) = parts.get_mut(piece as usize) {
            part.bonds.push(Bond { a: place[bond.a as usize], b: place[bond.b as usize], bits: bond.bits });
        }
    }
    parts
}

/// Merges clusters along the bonds as long as all their rows together say so.
fn grow(clusters: &mut Clusters<'_>, bonds: &[Bond], min_bits: f64) {
    let mut refused: FxHashSet<(u32, u32, u32)> = FxHashSet::default();
    for _ in 0..2 {
        for bond in bonds {
            let (a, b) = (clusters.of_row[bond.a as usize], clusters.of_row[bond.b as usize]);
            if a == b {
                continue;
            }
            let size = clusters.members[a as usize].len() + clusters.members[b as usize].len();
            if size > LARGEST || refused.contains(&(a.min(b), a.max(b), size as u32)) {
                continue;
            }
            let bits = if size == 2 { f64::from(bond.bits) } else { clusters.between(a, b) };
            if bits >= min_bits {
                clusters.merge(a, b);
            } else {
                refused.insert((a.min(b), a.max(b), size as u32));
            }
        }
    }
}

/// Rows that suit another cluster better than their own move there, those that suit none stand alone.
fn settle(clusters: &mut Clusters<'_>, bonds: &[Bond], min_bits: f64) {
    let rows = clusters.of_row.len();
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
    let of = |clusters: &Clusters<'_>, row: u32| -> Vec<u32> {
        let own = clusters.of_row[row as usize];
        let around = &near[starts[row as usize] as usize..starts[row as usize + 1] as usize];
        let mut others: Vec<u32> = around.iter().map(|r| clusters.of_row[*r as usize]).filter(|c| *c != own).collect();
        others.sort_unstable();
        others.dedup();
        others
    };
    // Most rows fit well where they are and have nowhere else to go, which is seen without moving anything.
    let mut held = vec![false; rows];
    for bond in bonds.iter().take_while(|bond| bond.bits >= HELD) {
        if clusters.of_row[bond.a as usize] == clusters.of_row[bond.b as usize] {
            held[bond.a as usize] = true;
            held[bond.b as usize] = true;
        }
    }
    let mut memory = std::mem::take(&mut clusters.memory);
    let unsettled = |row: &u32| {
        let own = clusters.of_row[*row as usize] as usize;
        !of(clusters, *row).is_empty()
            || (clusters.members[own].len() > 1 && !held[*row as usize] && {
                let single = &clusters.singles[*row as usize];
                let mut rest = clusters.profiles[own].clone();
                leave(&mut rest, single);
                clusters.bits(&mut memory, single, &rest) < min_bits
            })
    };
    let mut open: Vec<u32> = (0..rows as u32).filter(unsettled).collect();
    clusters.memory = memory;
    for _ in 0..MOVES {
        let mut moved: FxHashSet<u32> = FxHashSet::default();
        for row in &open {
            let row = *row;
            let own = clusters.of_row[row as usize];
            let others = of(clusters, row);
            let alone = clusters.members[own as usize].len() == 1;
            if others.is_empty() && alone {
                continue;
            }
            let single = clusters.singles[row as usize].clone();
            clusters.take_out(row);
            let mut best = if alone { (min_bits, own) } else { (clusters.with(&single, own), own) };
            for other in others {
                if clusters.members[other as usize].len() < LARGEST {
                    let bits = clusters.with(&single, other);
                    if bits > best.0 {
                        best = (bits, other);
                    }
                }
            }
            let (bits, mut target) = best;
            // The cluster that bore this row's number may hold others by now; then the row stays.
            if bits < min_bits && !alone && clusters.members[row as usize].is_empty() {
                target = row;
            }
            if target != own {
                moved.extend([own, target]);
            }
            clusters.put_in(row, target);
        }
        if moved.is_empty() {
            break;
        }
        open.retain(|row| {
            moved.contains(&clusters.of_row[*row as usize]) || of(clusters, *row).iter().any(|c| moved.contains(c))
        });
    }
}
