//! Groups of rows that are one: clusters grow by what all their rows say together.

use std::sync::Mutex;

use rustc_hash::{FxHashMap, FxHashSet};

use super::compare::{Matchers, Memory};
use super::data::{parallel, parallel_with};
use super::train::Weights;

/// Rounds in which single rows may move to a cluster that suits them better.
const MOVES: usize = 3;
/// Clusters do not grow beyond this.
const LARGEST: usize = 1_000;
/// Bits to another row of its cluster that hold a row there, if no other cluster is near.
const HELD: f32 = 10.0;
/// Bits of bonds that tie few rows together that are not one.
const STRONG: f32 = 8.0;
/// Bonds of which is found out at once what they ask.
const AHEAD: usize = 1 << 13;
/// Distinct values of a cluster that are looked at in one comparison.
const PROFILE: usize = 32;

/// Two rows and the bits between them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bond {
    pub(super) a: u32,
    pub(super) b: u32,
    pub(super) bits: f32,
}

impl Bond {
    /// From the strongest to the weakest.
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        other.bits.total_cmp(&self.bits).then(self.a.cmp(&other.a)).then(self.b.cmp(&other.b))
    }
}

/// Comparison, value, and how many rows of a cluster bear it; by comparison, missing ones left out.
type Profile = Vec<(u32, u32, u32)>;

/// What levels and values multiply the odds by.
struct Odds<'a> {
    matchers: &'a Matchers<'a>,
    prior: f64,
    levels: Vec<Vec<f32>>,
    /// Where rarity counts.
    values: Vec<Vec<Option<Vec<f32>>>>,
    /// Memories of levels that no thread uses at the moment.
    memories: Mutex<Vec<Memory>>,
}

/// A memory of levels that returns to its place when it is no longer used.
struct Lent<'a> {
    memory: Memory,
    to: &'a Mutex<Vec<Memory>>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Ok(mut memories) = self.to.lock() {
            memories.push(std::mem::take(&mut self.memory));
        }
    }
}

impl<'a> Odds<'a> {
    fn new(matchers: &'a Matchers<'a>, weights: &Weights) -> Self {
        let odds = |bits: &Vec<f32>| bits.iter().map(|b| b.exp2()).collect::<Vec<f32>>();
        let values = weights.rarity.iter().map(|levels| levels.iter().map(|level| level.as_ref().map(odds)).collect());
        Self {
            matchers,
            prior: weights.prior,
            levels: weights.bits.iter().map(odds).collect(),
            values: values.collect(),
            memories: Mutex::default(),
        }
    }

    fn memory(&self) -> Lent<'_> {
        let kept = self.memories.lock().ok().and_then(|mut memories| memories.pop());
        Lent { memory: kept.unwrap_or_else(|| Memory::new(self.matchers.all.len())), to: &self.memories }
    }

    /// Log-odds that two sets of rows are one person's: in each comparison a row is thought to repeat what one row of the
    /// other side says, any of them with equal chance.
    fn bits(&self, memory: &mut Memory, a: &[(u32, u32, u32)], b: &[(u32, u32, u32)]) -> f64 {
        let mut sum = self.prior;
        let (mut a, mut b) = (a, b);
        for (c, matcher) in self.matchers.all.iter().enumerate() {
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
                    let rare = match (self.values[c].get(level - 1), matcher.rarity.get(level - 1)) {
                        (Some(Some(odds)), Some(Some(of))) => odds[of[*x as usize] as usize],
                        _ => 1.0,
                    };
                    odds += both * f64::from(self.levels[c][level] * rare);
                    pairs += both;
                }
            }
            if pairs > 0.0 {
                sum += (odds / pairs).max(1e-30).log2();
            }
        }
        sum
    }
}

/// Rows in clusters; both are numbered from 0 within the part that is looked at.
struct Clusters<'a> {
    odds: &'a Odds<'a>,
    /// The rows of the data.
    rows: &'a [u32],
    of_row: Vec<u32>,
    members: Vec<Vec<u32>>,
    profiles: Vec<Profile>,
    /// Clusters and their size together that were found not to be one.
    refused: FxHashSet<(u32, u32, u32)>,
}

impl<'a> Clusters<'a> {
    /// Each row alone.
    fn new(odds: &'a Odds<'a>, rows: &'a [u32]) -> Self {
        let mut clusters = Self::empty(odds, rows);
        clusters.fill();
        clusters
    }

    fn empty(odds: &'a Odds<'a>, rows: &'a [u32]) -> Self {
        let count = rows.len();
        Self {
            odds,
            rows,
            of_row: (0..count as u32).collect(),
            members: vec![Vec::new(); count],
            profiles: vec![Vec::new(); count],
            refused: FxHashSet::default(),
        }
    }

    /// Rows that are in no cluster yet become one each.
    fn fill(&mut self) {
        for row in 0..self.rows.len() {
            if self.of_row[row] as usize == row && self.members[row].is_empty() {
                self.members[row].push(row as u32);
                self.profiles[row] = self.single(row as u32);
            }
        }
    }

    /// What one row says.
    fn single(&self, row: u32) -> Profile {
        single(self.odds.matchers, self.rows[row as usize])
    }

    fn between(&self, memory: &mut Memory, a: u32, b: u32) -> f64 {
        self.odds.bits(memory, &self.profiles[a as usize], &self.profiles[b as usize])
    }

    /// The two clusters that a bond asks to be one and their size together, if it is not known what to answer.
    fn asked(&self, bond: &Bond) -> Option<(u32, u32, u32)> {
        let (a, b) = (self.of_row[bond.a as usize], self.of_row[bond.b as usize]);
        if a == b {
            return None;
        }
        let size = self.members[a as usize].len() + self.members[b as usize].len();
        let open = size <= LARGEST && !self.refused.contains(&(a.min(b), a.max(b), size as u32));
        open.then_some((a, b, size as u32))
    }

    /// Takes over what was found for a part of the rows.
    fn take_over(&mut self, part: Grown, rows: &[u32]) {
        let whole = |own: u32| rows[own as usize];
        for (row, cluster) in part.of_row.into_iter().enumerate() {
            self.of_row[rows[row] as usize] = whole(cluster);
        }
        for (cluster, (members, profile)) in part.members.into_iter().zip(part.profiles).enumerate() {
            let cluster = rows[cluster] as usize;
            self.members[cluster] = members.into_iter().map(whole).collect();
            self.profiles[cluster] = profile;
        }
        self.refused.extend(part.refused.into_iter().map(|(a, b, size)| (whole(a), whole(b), size)));
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
        let single = self.single(row);
        leave(&mut self.profiles[cluster], &single);
    }

    fn put_in(&mut self, row: u32, cluster: u32) {
        self.of_row[row as usize] = cluster;
        self.members[cluster as usize].push(row);
        for (comparison, value, n) in self.single(row) {
            enter(&mut self.profiles[cluster as usize], comparison, value, n);
        }
    }
}

/// Clusters of a part of the rows, for the whole to take over.
struct Grown {
    of_row: Vec<u32>,
    members: Vec<Vec<u32>>,
    profiles: Vec<Profile>,
    refused: FxHashSet<(u32, u32, u32)>,
}

fn single(matchers: &Matchers<'_>, row: u32) -> Profile {
    let values = matchers.all.iter().enumerate().map(|(c, matcher)| (c as u32, matcher.of_row[row as usize], 1));
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
    let odds = Odds::new(matchers, weights);
    // The strongest bonds come first in any case and tie few rows together, so that each such part grows on its own.
    let strong = &bonds[..bonds.partition_point(|bond| bond.bits >= STRONG)];
    let parts = parts(strong, rows);
    let grown = parallel(parts.len(), threads, |part| {
        let Part { rows, bonds } = &parts[part];
        let mut clusters = Clusters::new(&odds, rows);
        grow(&mut clusters, bonds, min_bits, 1);
        let Clusters { of_row, members, profiles, refused, .. } = clusters;
        Grown { of_row, members, profiles, refused }
    });
    let all: Vec<u32> = (0..rows as u32).collect();
    let mut clusters = Clusters::empty(&odds, &all);
    for (part, grown) in parts.iter().zip(grown) {
        clusters.take_over(grown, &part.rows);
    }
    clusters.fill();
    grow(&mut clusters, &bonds[strong.len()..], min_bits, threads);
    grow(&mut clusters, bonds, min_bits, threads);
    settle(&mut clusters, bonds, min_bits, threads);
    let mut first = vec![u32::MAX; rows];
    let named = clusters.of_row.iter().zip(0..).map(|(cluster, row)| {
        let name = &mut first[*cluster as usize];
        *name = row.min(*name);
        *name
    });
    named.collect()
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
fn grow(clusters: &mut Clusters<'_>, bonds: &[Bond], min_bits: f64, threads: usize) {
    let odds = clusters.odds;
    let mut lent = odds.memory();
    let mut foreseen: FxHashMap<(u32, u32), (u32, f64)> = FxHashMap::default();
    for bonds in bonds.chunks(AHEAD) {
        foreseen.clear();
        if threads > 1 {
            foresee(clusters, bonds, threads, &mut foreseen);
        }
        for bond in bonds {
            let Some((a, b, size)) = clusters.asked(bond) else {
                continue;
            };
            // Clusters only grow here: those of the same size are as they were foreseen.
            let bits = match foreseen.get(&(a, b)) {
                _ if size == 2 => f64::from(bond.bits),
                Some((then, bits)) if *then == size => *bits,
                _ => clusters.between(&mut lent.memory, a, b),
            };
            if bits >= min_bits {
                clusters.merge(a, b);
            } else {
                clusters.refused.insert((a.min(b), a.max(b), size));
            }
        }
    }
}

/// What the bonds will ask, answered by several threads at once; most of it is still so when its turn comes.
fn foresee(clusters: &Clusters<'_>, bonds: &[Bond], threads: usize, answers: &mut FxHashMap<(u32, u32), (u32, f64)>) {
    let mut asked: Vec<(u32, u32, u32)> = Vec::new();
    for (a, b, size) in bonds.iter().filter_map(|bond| clusters.asked(bond)).filter(|(.., size)| *size > 2) {
        // Whichever way round is asked first.
        if !answers.contains_key(&(a, b)) && !answers.contains_key(&(b, a)) {
            answers.insert((a, b), (size, f64::NAN));
            asked.push((a, b, size));
        }
    }
    const WORK: usize = 64;
    let found = parallel_with(
        asked.len().div_ceil(WORK),
        threads,
        || clusters.odds.memory(),
        |lent, part| {
            let asked = asked.iter().skip(part * WORK).take(WORK);
            asked.map(|(a, b, _)| clusters.between(&mut lent.memory, *a, *b)).collect::<Vec<f64>>()
        },
    );
    for ((a, b, size), bits) in asked.into_iter().zip(found.into_iter().flatten()) {
        answers.insert((a, b), (size, bits));
    }
}

/// Rows that suit another cluster better than their own move there, those that suit none stand alone.
fn settle(clusters: &mut Clusters<'_>, bonds: &[Bond], min_bits: f64, threads: usize) {
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
    let near = Near { starts, rows: near };
    // Most rows fit well where they are and have nowhere else to go, which is seen without moving anything.
    let mut held = vec![false; rows];
    for bond in bonds.iter().take_while(|bond| bond.bits >= HELD) {
        if clusters.of_row[bond.a as usize] == clusters.of_row[bond.b as usize] {
            held[bond.a as usize] = true;
            held[bond.b as usize] = true;
        }
    }
    const WORK: usize = 1 << 10;
    let odds = clusters.odds;
    let open = parallel_with(
        rows.div_ceil(WORK),
        threads,
        || odds.memory(),
        |lent, part| {
            let unsettled = |row: &u32| {
                let own = clusters.of_row[*row as usize];
                near.of(*row).iter().any(|other| clusters.of_row[*other as usize] != own)
                    || (clusters.members[own as usize].len() > 1 && !held[*row as usize] && {
                        let single = clusters.single(*row);
                        let mut rest = clusters.profiles[own as usize].clone();
                        leave(&mut rest, &single);
                        odds.bits(&mut lent.memory, &single, &rest) < min_bits
                    })
            };
            let range = (part * WORK) as u32..(part * WORK + WORK).min(rows) as u32;
            range.filter(unsettled).collect::<Vec<u32>>()
        },
    );
    let mut open: Vec<u32> = open.concat();
    let mut lent = odds.memory();
    for _ in 0..MOVES {
        // Few rows move, so that most of what suits them can be found out at once.
        let targets = parallel_with(
            open.len().div_ceil(WORK),
            threads,
            || odds.memory(),
            |lent, part| {
                let open = &open[part * WORK..open.len().min(part * WORK + WORK)];
                open.iter().map(|row| near.target(clusters, &mut lent.memory, *row, min_bits)).collect::<Vec<u32>>()
            },
        );
        let mut moved: FxHashSet<u32> = FxHashSet::default();
        for (row, target) in open.iter().zip(targets.into_iter().flatten()) {
            let own = clusters.of_row[*row as usize];
            let stale = !moved.is_empty() && near.touches(clusters, *row, &moved);
            let target = if stale { near.target(clusters, &mut lent.memory, *row, min_bits) } else { target };
            if target != own {
                moved.extend([own, target]);
                clusters.take_out(*row);
                clusters.put_in(*row, target);
            }
        }
        if moved.is_empty() {
            break;
        }
        open.retain(|row| near.touches(clusters, *row, &moved));
    }
}

/// The rows to which each row has a bond.
struct Near {
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl Near {
    fn of(&self, row: u32) -> &[u32] {
        &self.rows[self.starts[row as usize] as usize..self.starts[row as usize + 1] as usize]
    }

    /// Whether a row or one near it is in one of these clusters.
    fn touches(&self, clusters: &Clusters<'_>, row: u32, some: &FxHashSet<u32>) -> bool {
        some.contains(&clusters.of_row[row as usize])
            || self.of(row).iter().any(|other| some.contains(&clusters.of_row[*other as usize]))
    }

    /// The cluster that suits a row best: its own, one that is near, or itself alone.
    fn target(&self, clusters: &Clusters<'_>, memory: &mut Memory, row: u32, min_bits: f64) -> u32 {
        let own = clusters.of_row[row as usize];
        let alone = clusters.members[own as usize].len() == 1;
        let mut others: Vec<u32> =
            self.of(row).iter().map(|other| clusters.of_row[*other as usize]).filter(|other| *other != own).collect();
        others.sort_unstable();
        others.dedup();
        if others.is_empty() && alone {
            return own;
        }
        let single = clusters.single(row);
        let mut best = (min_bits, own);
        if !alone {
            let mut rest = clusters.profiles[own as usize].clone();
            leave(&mut rest, &single);
            best.0 = clusters.odds.bits(memory, &single, &rest);
        }
        for other in others {
            if clusters.members[other as usize].len() < LARGEST {
                let bits = clusters.odds.bits(memory, &single, &clusters.profiles[other as usize]);
                if bits > best.0 {
                    best = (bits, other);
                }
            }
        }
        // The cluster that bore this row's number may hold others by now; then the row stays.
        let (bits, target) = best;
        if bits < min_bits && !alone && clusters.members[row as usize].is_empty() { row } else { target }
    }
}
