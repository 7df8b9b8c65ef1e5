//! A register against itself: who is registered twice, and which rows are one person.
//!
//! Every pair counts as two, one from either side, so that the model of a list against a register says the same here:
//! `matches_per_row` is how many other rows of its person a row has, and the strangers are all rows with all others.

mod pairs;
mod register;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Instant;

use rustc_hash::{FxHashMap, FxHashSet};

use super::block::RULES;
use super::levels::{EXACT, HOUSE, LIKE_NAME, NAME, PHONE, PLACE, Pattern, compare_registered};
use super::model::{Expected, Frequency, Model, Shares};
use super::person::{IdKind, Person};
use super::stream::{Found, Hit};
use super::{Evidence, Judged, LinkError, train};
use crate::cluster::{self, Clusters};
use pairs::{Near, Search, shares};

pub use register::Register;

/// Pairs that the prior puts below this many bits are counted and not kept.
const FLOOR: f32 = -12.0;
/// Pairs from so many bits on are rivals of each other.
const RIVAL: f64 = -8.0;
/// Two rows of which so many bits say that they are not one person cannot both be a third.
const APART: f64 = -5.0;
/// Candidates of a row that are looked at as rivals: its best.
const RIVALS: usize = 16;
/// Rows that are drawn for estimating how often strangers agree, about.
const DRAWN: usize = 24_576;

/// How to look for duplicates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DedupeOptions {
    /// Threads; the result does not depend on it.
    pub threads: usize,
    /// Learn the model from this very register.
    pub train: bool,
    /// Pairs below so many bits are neither given out nor put together.
    pub min_bits: f64,
}

impl Default for DedupeOptions {
    fn default() -> Self {
        Self { threads: 1, train: false, min_bits: Self::CUT }
    }
}

impl DedupeOptions {
    /// Where pairs are cut unless asked otherwise, in bits: of what is given out not one in a thousand should be wrong.
    pub const CUT: f64 = 2.0;
}

/// Two rows that may be one person.
#[derive(Debug, Clone, PartialEq)]
pub struct Duplicate {
    /// The row with the lower key, for [`Register::key`].
    pub left: u32,
    /// The other row.
    pub right: u32,
    /// Log-odds in bits that they are one person, all other candidates considered.
    pub bits: f64,
    /// The levels behind it.
    pub pattern: Pattern,
    /// Its place in [`Deduped::clusters`]; none where others speak against putting the two together.
    pub cluster: Option<u32>,
    frequency: Frequency,
    own_bits: f64,
}

/// What one rule of finding pairs did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DedupeRule {
    /// Pairs that it was the first to find.
    pub pairs: u64,
    /// Duplicates that it finds.
    pub matches: u64,
    /// Duplicates that no other rule finds.
    pub matches_alone: u64,
    /// Keys that too many rows share; of those only rows of one name were compared, up to a number, and of more of one name
    /// those that are alike in everything, each with the next.
    pub crowded_keys: u64,
    /// Rows under them.
    pub crowded_rows: u64,
    /// Pairs under them that were left out.
    pub skipped_pairs: u64,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DedupeReport {
    /// Rows of the register.
    pub rows: u64,
    /// Pairs compared.
    pub pairs: u64,
    /// Pairs kept for scoring.
    pub kept: u64,
    /// Pairs worth scoring that were let go because there were too many.
    pub dropped: u64,
    /// Rows that are alike in everything but their keys, too many to compare all with all: they were put together.
    pub alike: u64,
    /// By rule, in the order of [`RULES`].
    pub rules: [DedupeRule; RULES.len()],
    /// Share of duplicates that the rules are thought to have found (Chao's estimate); none where nothing was found.
    pub recall: Option<f64>,
    /// How many persons are registered so many times.
    pub sizes: BTreeMap<usize, usize>,
    /// Rows in the largest group that pairs connect, before it was divided into persons.
    pub largest_component: usize,
    /// Groups too large to find the best division of all.
    pub greedy: usize,
    /// Seconds spent: search, train, score, clusters.
    pub seconds: [f64; 4],
}

/// The outcome of [`dedupe`].
#[derive(Debug, Clone, PartialEq)]
pub struct Deduped {
    /// Ordered by their keys.
    pub pairs: Vec<Duplicate>,
    /// Rows that are one person, in order of their keys; clusters in order of their first.
    pub clusters: Vec<Vec<u32>>,
    /// The model that judged.
    pub model: Model,
    /// What was done.
    pub report: DedupeReport,
    shares: Shares,
}

/// Finds out who is in a register more than once.
///
/// Memory: 120 bytes and the key for each row of the register while it is held, and during the search 50 bytes more a
/// row and 16 for each pair kept, of which there are at most 4 a row and thread; 4 MB for each thread.
///
/// # Errors
/// If the model is not valid.
pub fn dedupe(register: &Register, model: &Model, options: DedupeOptions) -> Result<Deduped, LinkError> {
    let mut given = model.shares().map_err(LinkError::Model)?;
    let rows = register.len();
    let mut report = DedupeReport { rows: rows as u64, ..DedupeReport::default() };
    let clock = Instant::now();
    let worth = Expected::new(&Shares::prior(), rows as u64, rows as u64).worth();
    let Search { histogram, hits, rules, others, dropped, chains } =
        pairs::search(register, &worth, FLOOR, options.threads);
    for (into, from) in report.rules.iter_mut().zip(&rules) {
        into.pairs = from.pairs;
        (into.crowded_keys, into.crowded_rows) = (from.crowded_keys, from.crowded_rows);
        into.skipped_pairs = from.skipped_pairs;
    }
    report.pairs = rules.iter().map(|r| r.pairs).sum();
    report.kept = hits.len() as u64;
    report.dropped = dropped;
    report.seconds[0] = clock.elapsed().as_secs_f64();

    let clock = Instant::now();
    let mut found = Found::default();
    found.registry = rows as u64;
    found.pairs = report.pairs;
    found.histogram = histogram.into_iter().map(|n| n.saturating_mul(2)).collect();
    found.hits = hits;
    for hit in &mut found.hits {
        // Of the two names the rarer one tells how likely it is that they agree by chance.
        let rarity = |row: u32| (others[row as usize].name, others[row as usize].sound);
        if rarity(hit.right) < rarity(hit.left) {
            (hit.left, hit.right) = (hit.right, hit.left);
        }
    }
    let (shares, training) = if options.train {
        let (list, lots, sample) = draw(register);
        found.sample = sample;
        let drawn = train::strangers(&list, &lots, &found, options.threads);
        let known = others.iter().filter(|f| f.name > 0).count() as f64;
        let known = (known + 1.0) / (rows as f64 + 2.0);
        // What is learned from sums of shares must not depend on the order in which pairs were found.
        found.hits.sort_unstable_by_key(|h| {
            (h.pattern, others[h.left as usize].name, others[h.left as usize].sound, others[h.left as usize].phone)
        });
        // Two names one character off are known if both are: of the two the rarer one is asked.
        let (shares, training) = train::learn(&drawn, known * known, rows, &found, &others);
        (shares, Some(training))
    } else {
        train::fit_rates(&mut given, rows, &found);
        (given, model.training.clone())
    };
    report.seconds[1] = clock.elapsed().as_secs_f64();

    let clock = Instant::now();
    let judge = Judge {
        register,
        others: &others,
        expected: Expected::new(&shares, rows as u64, rows as u64),
        shares: &shares,
    };
    let candidates = judge.candidates(&found.hits, options.min_bits.min(RIVAL));
    drop(found);
    let order = Order::new(register, &candidates);
    let mut edges: Vec<Edge> = candidates
        .into_iter()
        .map(|(hit, bits)| {
            let (left, right) = (order.place(hit.left), order.place(hit.right));
            let frequency = others[hit.left as usize];
            Edge { left: left.min(right), right: left.max(right), own: bits, bits, pattern: hit.pattern, frequency }
        })
        .collect();
    edges.sort_unstable_by_key(|e| (e.left, e.right));
    compete(&mut edges, &order, &judge);
    report.seconds[2] = clock.elapsed().as_secs_f64();

    let clock = Instant::now();
    let cut = options.min_bits.max(0.0);
    let joins = |e: &&Edge| e.bits > 0.0 && e.bits >= cut;
    let alike = Alike::new(&chains, &order, edges.iter().filter(joins));
    let weights: Vec<(u32, u32, f64)> = edges
        .iter()
        .filter(joins)
        .map(|e| (alike.first(e.left), alike.first(e.right), e.bits))
        .filter(|(a, b, _)| a != b)
        .collect();
    let mut clusters = cluster::cluster(&weights, |a, b| judge.against(order.row(a), order.row(b)));
    alike.join(&mut clusters);
    report.alike = alike.chains.iter().map(|chain| chain.len() as u64).sum();
    let mut of = vec![None; order.rows.len()];
    for (at, members) in clusters.all.iter().enumerate() {
        members.iter().for_each(|m| of[*m as usize] = Some(at as u32));
    }
    let pairs: Vec<Duplicate> = edges
        .iter()
        .filter(|e| e.bits >= options.min_bits)
        .map(|e| Duplicate {
            left: order.row(e.left),
            right: order.row(e.right),
            bits: e.bits,
            pattern: e.pattern,
            cluster: of[e.left as usize].filter(|own| of[e.right as usize] == Some(*own)),
            frequency: e.frequency,
            own_bits: e.own,
        })
        .collect();
    count_rules(register, &pairs, &mut report);
    let Clusters { all, sizes, greedy, largest_component } = clusters;
    (report.sizes, report.greedy, report.largest_component) = (sizes, greedy, largest_component);
    let clusters = all.into_iter().map(|c| c.into_iter().map(|m| order.row(m)).collect()).collect();
    report.seconds[3] = clock.elapsed().as_secs_f64();
    let model = Model::of(&shares, training);
    Ok(Deduped { pairs, clusters, model, report, shares })
}

/// Rows drawn by lot, in two halves that share none, so that no row is drawn with itself.
fn draw(register: &Register) -> (Vec<Person>, Vec<u64>, Vec<(u64, Person)>) {
    let mask = (register.len() / DRAWN).next_power_of_two() as u64 - 1;
    let mut drawn: Vec<(u64, Person)> = Vec::new();
    for at in 0..register.segments() {
        let (first, people) = register.segment(at);
        for (row, person) in (first..).zip(people) {
            let lot = person.lot(register.key(row));
            // The lowest bit of a lot is always set.
            if (lot >> 2) & mask == 0 {
                drawn.push((lot, *person));
            }
        }
    }
    drawn.sort_unstable_by_key(|(lot, person)| (*lot, person.order()));
    let (list, sample): (Vec<_>, Vec<_>) = drawn.into_iter().partition(|(lot, _)| lot & 2 == 0);
    let (lots, list) = list.into_iter().unzip();
    (list, lots, sample)
}

/// Rows in the order of their keys, those of the candidates only.
struct Order {
    rows: Vec<u32>,
    /// Rows by number, with their place in `rows`.
    places: Vec<(u32, u32)>,
}

impl Order {
    fn new(register: &Register, candidates: &[(Hit, f64)]) -> Self {
        let mut rows: Vec<u32> = candidates.iter().flat_map(|(hit, _)| [hit.left, hit.right]).collect();
        rows.sort_unstable();
        rows.dedup();
        rows.sort_unstable_by(|a, b| {
            register
                .key(*a)
                .cmp(register.key(*b))
                .then_with(|| register.person(*a).order().cmp(&register.person(*b).order()))
        });
        let mut places: Vec<(u32, u32)> = rows.iter().zip(0..).map(|(row, at)| (*row, at)).collect();
        places.sort_unstable();
        Self { rows, places }
    }

    fn place(&self, row: u32) -> u32 {
        self.places.binary_search_by_key(&row, |p| p.0).map_or(0, |at| self.places[at].1)
    }

    fn row(&self, place: u32) -> u32 {
        self.rows.get(place as usize).copied().unwrap_or(0)
    }
}

/// Rows that are alike in everything but their keys, by places in the [`Order`]: where persons are divided, the first of
/// them stands for all.
struct Alike {
    chains: Vec<Vec<u32>>,
    first: FxHashMap<u32, u32>,
}

impl Alike {
    /// Of chains whose rows belong together by their pairs.
    fn new<'a>(chains: &[Vec<u32>], order: &Order, joined: impl Iterator<Item = &'a Edge>) -> Self {
        let mut out = Self { chains: Vec::new(), first: FxHashMap::default() };
        if chains.is_empty() {
            return out;
        }
        let joined: FxHashSet<(u32, u32)> = joined.map(|e| (e.left, e.right)).collect();
        for chain in chains {
            let mut places: Vec<u32> = chain.iter().map(|row| order.place(*row)).collect();
            if places.windows(2).all(|pair| joined.contains(&(pair[0].min(pair[1]), pair[0].max(pair[1])))) {
                places.sort_unstable();
                out.first.extend(places.iter().map(|place| (*place, places[0])));
                out.chains.push(places);
            }
        }
        out
    }

    fn first(&self, place: u32) -> u32 {
        self.first.get(&place).copied().unwrap_or(place)
    }

    /// Adds all of them to the cluster of the first.
    fn join(&self, clusters: &mut Clusters) {
        if self.chains.is_empty() {
            return;
        }
        let mut of: FxHashMap<u32, usize> = FxHashMap::default();
        for (at, cluster) in clusters.all.iter().enumerate() {
            of.extend(cluster.iter().map(|member| (*member, at)));
        }
        for chain in &self.chains {
            match chain.first().and_then(|first| of.get(first)) {
                Some(at) => clusters.all[*at].extend(&chain[1..]),
                None => clusters.all.push(chain.clone()),
            }
        }
        clusters.sizes.clear();
        for cluster in &mut clusters.all {
            cluster.sort_unstable();
            *clusters.sizes.entry(cluster.len()).or_default() += 1;
            clusters.largest_component = clusters.largest_component.max(cluster.len());
        }
        clusters.all.sort_unstable();
    }
}

/// A candidate, by places in the [`Order`].
struct Edge {
    left: u32,
    right: u32,
    own: f64,
    bits: f64,
    pattern: Pattern,
    frequency: Frequency,
}

/// Says what any two rows are worth.
struct Judge<'a> {
    register: &'a Register,
    others: &'a [Frequency],
    expected: Expected,
    shares: &'a Shares,
}

impl Judge<'_> {
    /// Pairs of `lowest` bits or more that can be one person.
    fn candidates(&self, hits: &[Hit], lowest: f64) -> Vec<(Hit, f64)> {
        let rows = self.register.len() as u64;
        hits.iter()
            .filter_map(|hit| {
                let frequency = self.others[hit.left as usize];
                let adjusted = frequency.adjust(hit.pattern.levels(), self.shares, rows);
                let bits = f64::from(self.expected.bits(hit.pattern, adjusted));
                (bits >= lowest && !self.never(hit.left, hit.right, hit.pattern)).then_some((*hit, bits))
            })
            .collect()
    }

    /// Two of one household with different names and different numbers that check are two; so are two anywhere whose
    /// names are not even alike.
    fn never(&self, a: u32, b: u32, pattern: Pattern) -> bool {
        let (p, q) = (self.register.person(a), self.register.person(b));
        let whole = |p: &Person| p.id.kind == IdKind::Valid;
        if !whole(p) || !whole(q) || p.id.part(6, 17) == q.id.part(6, 17) {
            return false;
        }
        let levels = pattern.levels();
        let together = levels[PLACE] == HOUSE || levels[PHONE] == EXACT;
        levels[NAME] > EXACT && (together || !LIKE_NAME.contains(&levels[NAME]))
    }

    /// What speaks against two rows being one person, in bits; 0 where nothing does.
    fn against(&self, a: u32, b: u32) -> f64 {
        let (p, q) = (self.register.person(a), self.register.person(b));
        let pattern = compare_registered(p, q);
        if self.never(a, b, pattern) {
            return cluster::NEVER;
        }
        let (f, g) = (self.others[a as usize], self.others[b as usize]);
        let rarer = if (g.name, g.sound) < (f.name, f.sound) { g } else { f };
        let adjusted = rarer.adjust(pattern.levels(), self.shares, self.register.len() as u64);
        f64::from(self.expected.evidence(pattern, adjusted)).min(0.0)
    }
}

/// Candidates of one row that cannot be the same person take from each other: of two brothers at most one is the row.
fn compete(edges: &mut [Edge], order: &Order, judge: &Judge<'_>) {
    let mut ends: Vec<(u32, u32)> = Vec::with_capacity(edges.len() * 2);
    for (at, edge) in edges.iter().enumerate() {
        ends.push((edge.left, at as u32));
        ends.push((edge.right, at as u32));
    }
    ends.sort_unstable();
    let mut rivals = vec![0.0f64; edges.len()];
    for of_row in ends.chunk_by(|a, b| a.0 == b.0).filter(|of_row| of_row.len() > 1) {
        let own = of_row[0].0;
        let mut best: Vec<u32> = of_row.iter().map(|(_, at)| *at).collect();
        best.sort_by(|a, b| edges[*b as usize].own.total_cmp(&edges[*a as usize].own).then(a.cmp(b)));
        let other =
            |at: u32| if edges[at as usize].left == own { edges[at as usize].right } else { edges[at as usize].left };
        let strong = &best[..best.len().min(RIVALS)];
        for at in &best {
            for rival in strong.iter().filter(|rival| *rival != at) {
                let bits = edges[*rival as usize].own;
                // What takes less than a hundredth of a bit is not looked at.
                if bits > RIVAL && judge.against(order.row(other(*at)), order.row(other(*rival))) < APART {
                    rivals[*at as usize] += bits.min(1_000.0).exp2();
                }
            }
        }
    }
    for (edge, rivals) in edges.iter_mut().zip(rivals) {
        edge.bits = edge.own - rivals.ln_1p() / std::f64::consts::LN_2;
    }
}

/// Which rules find the duplicates, and how many all of them may have missed.
fn count_rules(register: &Register, pairs: &[Duplicate], report: &mut DedupeReport) {
    let (mut all, mut once, mut twice) = (0.0, 0.0, 0.0);
    for pair in pairs.iter().filter(|p| p.bits > 0.0) {
        let (a, b) = (Near::new(*register.person(pair.left)), Near::new(*register.person(pair.right)));
        let by: Vec<usize> = (0..RULES.len()).filter(|rule| shares(*rule, &a, &b)).collect();
        for rule in &by {
            report.rules[*rule].matches += 1;
            report.rules[*rule].matches_alone += u64::from(by.len() == 1);
        }
        all += 1.0;
        once += f64::from(u8::from(by.len() == 1));
        twice += f64::from(u8::from(by.len() == 2));
    }
    let missed = once * once / (2.0 * f64::max(twice, 1.0));
    report.recall = (all > 0.0).then(|| all / (all + missed));
}

impl Deduped {
    /// What speaks for and against each pair, in bits that add up to [`Duplicate::bits`].
    pub fn explain(&self) -> impl Iterator<Item = (&Duplicate, Vec<Evidence>)> {
        let expected = Expected::new(&self.shares, self.report.rows, self.report.rows);
        self.pairs.iter().map(move |pair| {
            let Duplicate { pattern, frequency, own_bits, bits, .. } = *pair;
            (pair, Judged { pattern, frequency, own_bits, bits }.explain(&self.shares, &expected, self.report.rows))
        })
    }
}
