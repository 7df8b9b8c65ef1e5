//! Linkage of any data that a [`Schema`] describes: columns, comparisons with levels, rules for what may be a pair.
//!
//! Fellegi and Sunter's model without labels: what strangers share is counted (equal values exactly, likeness on drawn
//! pairs), what matches share is learned by expectation-maximisation over the pairs that the rules find, every level has
//! a prior, and agreement on a rare value counts for more. Pure: rows are read from anything that can be read, nothing is
//! opened or stored. The outcome does not depend on the number of threads or the order of the rows.
//!
//! ```
//! use linkage::schema::{DedupeOptions, Rows, Schema, dedupe};
//! let schema = Schema::from_toml("key = 'id'\n[[column]]\nname = 'name'\nkind = 'name'\n[[column]]\nname = 'born'\nkind = 'date'\n")?;
//! let rows = Rows::read(&schema, 0, "id,name,born\n1,ann lee,1990-01-02\n2,ann lee,1990-01-02\n3,bo tan,1970-05-06\n".as_bytes())?;
//! let found = dedupe(&schema, &rows, &DedupeOptions::default())?;
//! assert_eq!(found.clusters.len(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod block;
mod cluster;
mod compare;
mod data;
mod hash;
mod model;
mod spec;
mod text;
mod train;

use std::time::Instant;

use crate::engine::resolve::{self, Edge};

pub use block::RuleReport;
pub use data::{DataProblem, Rows};
pub use model::{ComparisonModel, LevelShares, SchemaModel, SchemaModelProblem};
pub use spec::{Column, Comparison, Fault, Kind, Level, Schema, SchemaProblem};

use block::Pair;
use cluster::Bond;
use compare::{Matchers, level_of};
use data::{Data, parallel};
use train::{Base, Learned, Seen, Shares, Weights};

/// Bits below which a pair is no reason to ask whether two clusters are one.
const WEAKEST: f64 = -4.0;

/// Pairs of one piece of work.
const PART: usize = 1 << 16;

/// Bits below which a pair is a match in less than one case of ten thousand, with a margin.
const SLIGHT: f64 = -13.3;

/// How to link two files.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkOptions {
    /// Threads; the result does not depend on it.
    pub threads: usize,
    /// Each row has one partner at most, on either side.
    pub one_to_one: bool,
    /// Pairs below so many bits are not given out.
    pub min_bits: f64,
    /// Judge by this model instead of learning one from the data.
    pub model: Option<SchemaModel>,
}

impl Default for LinkOptions {
    fn default() -> Self {
        Self { threads: 1, one_to_one: false, min_bits: 0.0, model: None }
    }
}

/// How to find the rows of one file that are the same.
#[derive(Debug, Clone, PartialEq)]
pub struct DedupeOptions {
    /// Threads; the result does not depend on it.
    pub threads: usize,
    /// What joins a cluster must reach so many bits.
    pub min_bits: f64,
    /// Judge by this model instead of learning one from the data.
    pub model: Option<SchemaModel>,
}

impl Default for DedupeOptions {
    fn default() -> Self {
        Self { threads: 1, min_bits: 0.0, model: None }
    }
}

/// Two rows that are probably the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Row of the left side, for [`Rows::key`].
    pub left: u32,
    /// Row of the right side.
    pub right: u32,
    /// Log-odds in bits that they are the same, rivals considered where the assignment is one to one.
    pub bits: f64,
    own_bits: f64,
    pattern: u64,
}

/// One part of a pair's bits.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaEvidence {
    /// A comparison of the schema, or `start` (how rare a match is before anything is compared) or `rivals`.
    pub part: String,
    /// The level that holds; empty where there is none, `-` where a value is missing.
    pub level: String,
    /// Bits for or against.
    pub bits: f64,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SchemaReport {
    /// Rows of the left or only side.
    pub left: u64,
    /// Rows of the right side; 0 if there is none.
    pub right: u64,
    /// Rows whose key another row bears, too.
    pub repeated_keys: u64,
    /// Pairs compared.
    pub pairs: u64,
    /// By rule.
    pub rules: Vec<RuleReport>,
    /// Seconds spent: preparing, finding and comparing pairs, learning, deciding.
    pub seconds: [f64; 4],
}

/// The outcome of [`link`].
#[derive(Debug)]
pub struct SchemaLinked {
    /// By row of the left side, then the best first.
    pub pairs: Vec<Scored>,
    /// The model that judged.
    pub model: SchemaModel,
    /// What was done.
    pub report: SchemaReport,
    /// Bits that speak before anything is compared.
    start: f64,
    /// Bits by pair and comparison.
    evidence: Vec<f32>,
}

impl SchemaLinked {
    /// What speaks for and against the pair of this number, in bits that add up to its own.
    #[must_use]
    pub fn explain(&self, pair: usize) -> Vec<SchemaEvidence> {
        let Some(scored) = self.pairs.get(pair) else {
            return Vec::new();
        };
        let part = |part: &str, level: &str, bits: f64| SchemaEvidence {
            part: part.to_owned(),
            level: level.to_owned(),
            bits,
        };
        let mut out = vec![part("start", "", self.start)];
        let comparisons = &self.model.comparison;
        for (c, (comparison, bits)) in comparisons.iter().zip(&self.evidence[pair * comparisons.len()..]).enumerate() {
            let level = level_of(scored.pattern, c).checked_sub(1).and_then(|level| comparison.level.get(level));
            out.push(part(&comparison.name, level.map_or("-", |level| &level.level), f64::from(*bits)));
        }
        if scored.bits != scored.own_bits {
            out.push(part("rivals", "", scored.bits - scored.own_bits));
        }
        out
    }
}

/// The outcome of [`dedupe`].
#[derive(Debug)]
pub struct Deduped {
    /// The cluster of each row (rows in the order of [`Rows::key`]): the number of its first row.
    pub clusters: Vec<u32>,
    /// The model that judged.
    pub model: SchemaModel,
    /// What was done.
    pub report: SchemaReport,
}

/// Everything that is known before a decision.
struct Trained<'a> {
    data: &'a Data,
    matchers: &'a Matchers<'a>,
    pairs: Vec<Pair>,
    shares: Shares,
    learned: Learned,
    weights: Weights,
    report: SchemaReport,
    clock: Instant,
}

fn lap(clock: &mut Instant) -> f64 {
    let spent = clock.elapsed().as_secs_f64();
    *clock = Instant::now();
    spent
}

/// Prepares, finds pairs, learns, and hands what it knows to `decide`.
fn run<T>(
    schema: &Schema,
    sides: &[&Rows],
    threads: usize,
    model: Option<&SchemaModel>,
    decide: impl FnOnce(&Schema, Trained<'_>) -> T,
) -> Result<T, SchemaModelProblem> {
    let given = model.map(|model| model.shares(schema)).transpose()?;
    let mut clock = Instant::now();
    let mut schema = schema.clone();
    let atoms = block::rules(&mut schema);
    let data = Data::new(&schema, sides, threads);
    let rules =
        if schema.rules.is_empty() { block::choose(&schema, &atoms, &data, threads) } else { schema.rules.clone() };
    let matchers = Matchers::new(&schema, &data, threads);
    let mut report = SchemaReport {
        left: data.left as u64,
        right: (data.rows - data.left) as u64,
        repeated_keys: sides.iter().map(|side| side.repeated_keys() as u64).sum(),
        ..SchemaReport::default()
    };
    report.seconds[0] = lap(&mut clock);
    let (pairs, reports) = block::find(&schema, &rules, &data, &matchers, threads);
    (report.pairs, report.rules) = (pairs.len() as u64, reports);
    report.seconds[1] = lap(&mut clock);
    let base = Base::new(&data, &matchers, threads);
    let fixed = given.is_some();
    let start = given.unwrap_or_else(|| Shares::start(&base, data.rows));
    let (shares, learned) = train::learn(&base, &train::patterns(&pairs, threads), start, schema.sightings, fixed);
    let mut weights = Weights::new(&base, &shares, &Seen::nothing(&base));
    // Once with every value worth the same, then by what matches were found under it.
    let mut seen = Seen::nothing(&base);
    weights.rarity.iter_mut().flatten().for_each(|bits| *bits = None);
    let likely = parallel(pairs.len().div_ceil(PART), threads, |part| {
        let pairs = &pairs[part * PART..pairs.len().min((part + 1) * PART)];
        let share = |pair: &Pair| {
            let bits = weights.pair(&matchers, pair);
            let share = if bits < SLIGHT { 0.0 } else { 1.0 / (1.0 + (-bits).exp2()) };
            (share > 1e-4).then_some((*pair, share))
        };
        pairs.iter().filter_map(share).collect::<Vec<_>>()
    });
    for (pair, share) in likely.iter().flatten() {
        seen.add(&matchers, pair.a, pair.pattern, *share);
    }
    let weights = Weights::new(&base, &shares, &seen);
    report.seconds[2] = lap(&mut clock);
    let trained = Trained { data: &data, matchers: &matchers, pairs, shares, learned, weights, report, clock };
    Ok(decide(&schema, trained))
}

/// Links two files.
///
/// Memory: the values of both, 16 bytes a pair compared, 4 bytes a row and expression.
///
/// # Errors
/// If the model given does not fit the schema.
pub fn link(
    schema: &Schema,
    left: &Rows,
    right: &Rows,
    options: &LinkOptions,
) -> Result<SchemaLinked, SchemaModelProblem> {
    if left.is_empty() || right.is_empty() {
        let report = SchemaReport { left: left.len() as u64, right: right.len() as u64, ..SchemaReport::default() };
        let model = SchemaModel { matches: 0.0, rounds: 0, converged: false, comparison: Vec::new() };
        return Ok(SchemaLinked { pairs: Vec::new(), model, report, start: 0.0, evidence: Vec::new() });
    }
    run(schema, &[left, right], options.threads, options.model.as_ref(), |schema, mut t| {
        let offset = t.data.left as u32;
        let lowest = if options.one_to_one { options.min_bits.min(-8.0) } else { options.min_bits };
        let mut scored: Vec<Scored> = t
            .pairs
            .iter()
            .map(|pair| {
                let bits = t.weights.pair(t.matchers, pair);
                Scored { left: pair.a, right: pair.b - offset, bits, own_bits: bits, pattern: pair.pattern }
            })
            .filter(|s| s.bits >= lowest)
            .collect();
        scored.sort_by(|a, b| a.left.cmp(&b.left).then(b.bits.total_cmp(&a.bits)).then(a.right.cmp(&b.right)));
        if options.one_to_one {
            let edges: Vec<Edge> = scored.iter().map(|s| Edge { left: s.left, right: s.right, bits: s.bits }).collect();
            let bits = resolve::compete(&edges, true);
            scored = resolve::assign(&edges)
                .into_iter()
                .map(|at| Scored { bits: bits[at], ..scored[at] })
                .filter(|s| s.bits >= options.min_bits)
                .collect();
        }
        let evidence = scored.iter().flat_map(|s| evidence(schema, &t, s)).collect();
        t.report.seconds[3] = lap(&mut t.clock);
        let model = SchemaModel::of(schema, &t.shares, t.learned);
        SchemaLinked { pairs: scored, model, report: t.report, start: t.weights.prior, evidence }
    })
}

/// Bits of a pair by comparison.
fn evidence(schema: &Schema, t: &Trained<'_>, scored: &Scored) -> Vec<f32> {
    let bits = (0..schema.comparisons.len()).map(|c| match level_of(scored.pattern, c) {
        0 => 0.0,
        level => {
            let [plain, rare] = t.weights.of(t.matchers, c, level, t.matchers.all[c].of_row[scored.left as usize]);
            plain + rare
        }
    });
    bits.collect()
}

/// Finds which rows of a file are the same.
///
/// Memory as for [`link`], and about 200 bytes a row for the clusters.
///
/// # Errors
/// If the model given does not fit the schema.
pub fn dedupe(schema: &Schema, rows: &Rows, options: &DedupeOptions) -> Result<Deduped, SchemaModelProblem> {
    if rows.len() < 2 {
        let report = SchemaReport { left: rows.len() as u64, ..SchemaReport::default() };
        let model = SchemaModel { matches: 0.0, rounds: 0, converged: false, comparison: Vec::new() };
        return Ok(Deduped { clusters: (0..rows.len() as u32).collect(), model, report });
    }
    run(schema, &[rows], options.threads, options.model.as_ref(), |schema, mut t| {
        let clusters = grow(&t, options);
        t.report.seconds[3] = lap(&mut t.clock);
        let model = SchemaModel::of(schema, &t.shares, t.learned);
        Deduped { clusters, model, report: t.report }
    })
}

fn grow(t: &Trained<'_>, options: &DedupeOptions) -> Vec<u32> {
    // One piece of work for each thread, since sorted pieces are soon one.
    let most = t.pairs.len().div_ceil(options.threads.clamp(1, 16)).max(1);
    let parts = parallel(t.pairs.len().div_ceil(most), options.threads, |part| {
        let pairs = &t.pairs[part * most..t.pairs.len().min((part + 1) * most)];
        let bonds =
            pairs.iter().map(|pair| Bond { a: pair.a, b: pair.b, bits: t.weights.pair(t.matchers, pair) as f32 });
        let mut bonds: Vec<Bond> = bonds.filter(|bond| f64::from(bond.bits) >= WEAKEST).collect();
        bonds.sort_unstable_by(Bond::order);
        bonds
    });
    let mut bonds = parts.concat();
    bonds.sort_by(Bond::order);
    cluster::cluster(t.matchers, &t.weights, &bonds, t.data.rows, options.min_bits, options.threads)
}

#[cfg(test)]
mod tests;
