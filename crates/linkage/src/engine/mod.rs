//! The engine that learns: Fellegi and Sunter's weights over packed records.
//!
//! A [`List`] is held under its keys, a registry streams past it once on several threads, every pair found becomes a
//! pattern of levels, and a [`Model`] says in bits what a pattern is worth; the model is given or learned from the very
//! pairs. Results are the same bytes whatever the number of threads and the order of either side.

mod block;
mod chars;
mod csv;
mod dedupe;
mod hash;
mod labels;
mod levels;
mod model;
mod person;
mod records;
mod resident;
pub(crate) mod resolve;
mod stream;
mod train;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

pub use block::RULES;
pub use csv::{BlockReader, Blocks, Columns, Malformed, Notes, Watched, first_lines};
pub use dedupe::{DedupeOptions, DedupeReport, DedupeRule, Deduped, Duplicate, Register, dedupe};
pub use labels::Sighting;
pub use levels::{FIELDS, Field, Pattern};
pub use model::{FieldModel, KnownName, Labelled, LevelModel, Model, ModelFault, ModelProblem, TrainingReport};
pub use person::Row;
pub use records::{Batches, link_records};
pub use resident::{Answer, Finder, PackReport, Resident, ResidentError, UpdateReport};

use crate::calibrate::{Outlook, Scores};
use block::{Index, ROW_BITS, Tally};
use model::{Expected, Frequency, Shares};
use person::Person;
use resolve::Edge;
use stream::{Found, People, Prepared, Text};

/// A registry of this size is assumed until it has been counted.
const ASSUMED_REGISTRY: u64 = 1_000_000;
/// Pairs that the prior puts below this many bits, and below what is asked for, are counted and not kept.
const FLOOR: f32 = -14.0;

/// The small side of a comparison.
#[derive(Debug, Default)]
pub struct List {
    keys: Vec<Box<[u8]>>,
    people: Vec<Person>,
}

impl List {
    /// Reads all rows.
    ///
    /// # Errors
    /// If reading fails, or there are more rows than the engine can number (134 million).
    pub fn read(blocks: &dyn Blocks, columns: &Columns) -> io::Result<Self> {
        Self::read_with(blocks, columns, 1)
    }

    /// Reads all rows on several threads; the list is the same.
    ///
    /// # Errors
    /// As [`List::read`].
    pub fn read_with(blocks: &dyn Blocks, columns: &Columns, threads: usize) -> io::Result<Self> {
        // Rows stay where their block was read: moving them to one place would touch as much memory again.
        let parts: Mutex<Vec<io::Result<Keyed>>> = Mutex::new(Vec::new());
        let total = AtomicUsize::new(0);
        let keep = |part| parts.lock().unwrap_or_else(PoisonError::into_inner).push(part);
        let read = || {
            let mut block = Vec::new();
            let mut room = 0;
            loop {
                match blocks.next_block(&mut block) {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => return keep(Err(error)),
                }
                let mut rows = Keyed::with_capacity(room);
                columns.each(&block, |row| rows.push((row.key.into(), Person::read(row))));
                room = rows.len() + rows.len() / 16;
                if total.fetch_add(rows.len(), Ordering::Relaxed) + rows.len() >= 1 << ROW_BITS {
                    return keep(Err(io::Error::new(io::ErrorKind::InvalidData, TOO_MANY)));
                }
                keep(Ok(rows));
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(read);
            }
            read();
        });
        let mut parts: Vec<Keyed> =
            parts.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect::<io::Result<_>>()?;
        columns.whole()?;
        // Rows are numbered by their keys, so that nothing depends on where they stood. Numbers are sorted rather than
        // rows, which are large.
        let mut order: Vec<(u64, u32, u32)> = Vec::with_capacity(total.into_inner());
        for (rows, part) in parts.iter().zip(0..) {
            order.extend(rows.iter().zip(0..).map(|((key, _), at)| (head(key), part, at)));
        }
        order.sort_unstable_by(|(head_a, part_a, a), (head_b, part_b, b)| {
            let (a, b) = (&parts[*part_a as usize][*a as usize], &parts[*part_b as usize][*b as usize]);
            head_a.cmp(head_b).then_with(|| a.0.cmp(&b.0)).then_with(|| a.1.lot(&a.0).cmp(&b.1.lot(&b.0)))
        });
        let people = order.iter().map(|(_, part, at)| parts[*part as usize][*at as usize].1).collect();
        let keys =
            order.iter().map(|(_, part, at)| std::mem::take(&mut parts[*part as usize][*at as usize].0)).collect();
        Ok(Self { keys, people })
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// The key of a row.
    pub fn key(&self, row: u32) -> &[u8] {
        self.keys.get(row as usize).map_or(&[], |key| key)
    }

    /// How many rows have a key that another row had before.
    pub fn repeated_keys(&self) -> u64 {
        self.keys.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64
    }
}

/// Persons under the keys of their rows.
type Keyed = Vec<(Box<[u8]>, Person)>;

const TOO_MANY: &str = "more than 134 million rows in the list";

/// The first bytes of a key, as a number that is ordered as they are.
fn head(key: &[u8]) -> u64 {
    let mut head = [0; 8];
    let len = key.len().min(8);
    head[..len].copy_from_slice(&key[..len]);
    u64::from_be_bytes(head)
}

/// How to link.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Threads; the result does not depend on it.
    pub threads: usize,
    /// Each row is one registered person at most, and each registered person one row.
    pub one_to_one: bool,
    /// Learn the model from these very files.
    pub train: bool,
    /// Pairs below so many bits are not given out.
    pub min_bits: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: 1, one_to_one: false, train: false, min_bits: 0.0 }
    }
}

/// A row of the list and a registered person that may be the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The row of the list, for [`List::key`].
    pub left: u32,
    /// The key in the registry.
    pub right: Box<[u8]>,
    /// Log-odds in bits that it is the same person, all other candidates considered.
    pub bits: f64,
    /// The levels behind it.
    pub pattern: Pattern,
    frequency: Frequency,
    own_bits: f64,
}

/// One part of a match's bits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// A field of [`FIELDS`], or `start` (how rare a match is before anything is compared), `rarity` (of the name and
    /// phone) or `rivals` (what other candidates take).
    pub field: &'static str,
    /// The level; empty where there is none.
    pub level: &'static str,
    /// Bits for (above 0) or against.
    pub bits: f64,
}

/// What one rule of finding pairs did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RuleReport {
    /// Pairs that it found.
    pub pairs: u64,
    /// Pairs that no other rule found.
    pub alone: u64,
    /// Matches that it found.
    pub matches: u64,
    /// Matches that no other rule found.
    pub matches_alone: u64,
    /// Keys that too many rows of the list share, so that they were left out.
    pub crowded_keys: u64,
    /// Rows of the list under those keys, each once.
    pub crowded_rows: u64,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// Rows of the list.
    pub list: u64,
    /// Rows of the registry.
    pub registry: u64,
    /// Pairs compared.
    pub pairs: u64,
    /// Pairs kept for scoring.
    pub kept: u64,
    /// Candidates let go because one row had too many better ones.
    pub dropped: u64,
    /// Rows of the list that were not looked for: too many others share each of their keys.
    pub unsought: u64,
    /// Registered rows among the candidates whose key another of them has, too.
    pub repeated_keys: u64,
    /// By rule, in the order of [`RULES`].
    pub rules: [RuleReport; RULES.len()],
    /// Share of matches that the rules are thought to have found, from how many were found by one rule only and by two
    /// (Chao's estimate); none where nothing was found.
    pub recall: Option<f64>,
    /// The scores of what is given out at some cut, and of the candidates beside it.
    pub scores: Scores,
    /// Seconds spent: index, stream, train, score.
    pub seconds: [f64; 4],
}

/// The outcome of [`link`].
#[derive(Debug, Clone, PartialEq)]
pub struct Linked {
    /// Ordered by the key of the list, then the best first.
    pub matches: Vec<Match>,
    /// The model that judged.
    pub model: Model,
    /// What was done.
    pub report: Report,
    shares: Shares,
}

/// Why linking failed.
#[derive(Debug)]
pub enum LinkError {
    /// Reading the registry failed.
    Read(io::Error),
    /// The model is none.
    Model(ModelProblem),
}

impl std::fmt::Display for LinkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Read(e) => e.fmt(f),
            Self::Model(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for LinkError {}

/// Links a list to a registry that is read once.
///
/// Memory: about 350 bytes a row of the list, and 16 bytes plus the registry's key for each kept candidate, of which a
/// row of the list has 48 at most; the registry itself is not kept.
///
/// # Errors
/// If reading fails or the model is not valid.
pub fn link(
    list: &List,
    registry: &dyn Blocks,
    columns: &Columns,
    model: &Model,
    options: Options,
) -> Result<Linked, LinkError> {
    judge(list, &Text { blocks: registry, columns }, model, options, true, false).map(|(linked, _)| linked)
}

/// [`link()`], and every candidate that it weighed, also those that others were better than: what judged pairs are
/// looked up in.
///
/// # Errors
/// As [`link()`].
pub fn link_and_keep(
    list: &List,
    registry: &dyn Blocks,
    columns: &Columns,
    model: &Model,
    options: Options,
) -> Result<(Linked, Vec<Match>), LinkError> {
    judge(list, &Text { blocks: registry, columns }, model, options, true, true)
}

/// Unless the model is to be trained, `fit` says whether its numbers of matches and kin are fitted to the pairs; `keep`
/// whether all candidates are wanted.
fn judge<P: People>(
    list: &List,
    registry: &P,
    model: &Model,
    options: Options,
    fit: bool,
    keep: bool,
) -> Result<(Linked, Vec<Match>), LinkError> {
    let given = model.shares().map_err(LinkError::Model)?;
    let mut report = Report { list: list.len() as u64, ..Report::default() };
    let clock = Instant::now();
    let worth = Expected::new(&Shares::prior(), list.len() as u64, ASSUMED_REGISTRY).worth();
    let (counted, mut index) = std::thread::scope(|scope| {
        let index = scope.spawn(|| Index::new(&list.people));
        let counted = countable(&list.people);
        (counted, index.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    // Names and sounds lie in the same lines of the bitmap as the keys that hold them: one fetch answers for all.
    for key in &counted.name_keys {
        index.table.mark(*key);
    }
    let phones_from = counted.names.counts().count();
    let floor = FLOOR.min(options.min_bits as f32);
    let prepared = Prepared {
        list: &list.people,
        index,
        names: counted.names,
        phones: counted.phones,
        worth: &worth,
        floor,
        draw: options.train,
    };
    report.seconds[0] = clock.elapsed().as_secs_f64();

    let clock = Instant::now();
    let found = stream::stream(&prepared, registry, options.threads).map_err(LinkError::Read)?;
    let count = |place: Option<u32>, from: usize| place.map_or(0, |place| found.counts[from + place as usize]);
    let frequencies: Vec<Frequency> = counted
        .of_row
        .iter()
        .map(|[name, sound, phone]| Frequency {
            name: count(*name, 0),
            sound: count(*sound, 0),
            phone: count(*phone, phones_from),
        })
        .collect();
    report.seconds[1] = clock.elapsed().as_secs_f64();
    for (at, rule) in report.rules.iter_mut().enumerate() {
        let crowd = prepared.index.crowds[at];
        (rule.crowded_keys, rule.crowded_rows) = (crowd.keys, crowd.rows);
    }
    report.unsought = prepared.index.unsought;
    Ok(conclude(list, found, &frequencies, (model, given), options, (fit, keep), report))
}

/// From what one pass found to decisions: a model is learned or fitted, and judges.
fn conclude(
    list: &List,
    found: Found,
    frequencies: &[Frequency],
    (model, mut given): (&Model, Shares),
    options: Options,
    (fit, keep): (bool, bool),
    mut report: Report,
) -> (Linked, Vec<Match>) {
    let clock = Instant::now();
    let (shares, training) = if options.train {
        let lots: Vec<u64> = list.people.iter().zip(&list.keys).map(|(p, key)| p.lot(key)).collect();
        let (shares, training) = train::train(&list.people, &lots, &found, frequencies, options.threads);
        (shares, Some(training))
    } else {
        if fit {
            train::fit_rates(&mut given, list.len(), &found);
        }
        (given, model.training.clone())
    };
    report.seconds[2] = clock.elapsed().as_secs_f64();

    let clock = Instant::now();
    report.registry = found.registry;
    report.pairs = found.pairs;
    report.dropped = found.dropped;
    report.repeated_keys = found.rows.repeated();
    report.kept = found.hits.len() as u64;
    for (rule, pairs) in report.rules.iter_mut().zip(found.rule_pairs) {
        (rule.pairs, rule.alone) = pairs;
    }
    let (matches, candidates) = decide(list, &found, frequencies, &shares, options, keep, &mut report);
    report.seconds[3] = clock.elapsed().as_secs_f64();
    let mut judged_by = Model::of(&shares, training);
    if !options.train {
        (judged_by.labelled, judged_by.calibration) = (model.labelled, model.calibration.clone());
    }
    (Linked { matches, model: judged_by, report, shares }, candidates)
}

/// What is counted for a list.
struct Counted {
    /// Names and sounds.
    names: Tally,
    /// The keys of these, each once.
    name_keys: Vec<u64>,
    phones: Tally,
    /// Where name, sound and phone of each row are counted.
    of_row: Vec<[Option<u32>; 3]>,
}

/// Names, sounds and phones of the list, with a count for each.
fn countable(list: &[Person]) -> Counted {
    let keys: Vec<[u64; 3]> = list.iter().map(block::counted).collect();
    let distinct = |kinds: &[usize]| {
        let mut all: Vec<u64> = keys.iter().flat_map(|own| kinds.iter().map(|kind| own[*kind])).collect();
        all.sort_unstable();
        all.dedup();
        all.retain(|key| *key != 0);
        let mut tally = Tally::new(all.len());
        for key in &all {
            tally.count_too(*key);
        }
        (all, tally)
    };
    let (name_keys, mut names) = distinct(&[0, 1]);
    let (_, mut phones) = distinct(&[2]);
    let place = |tally: &mut Tally, key: u64| (key != 0).then(|| tally.count_too(key));
    let of_row = keys
        .iter()
        .map(|own| [place(&mut names, own[0]), place(&mut names, own[1]), place(&mut phones, own[2])])
        .collect();
    Counted { names, name_keys, phones, of_row }
}

fn decide(
    list: &List,
    found: &Found,
    frequencies: &[Frequency],
    shares: &Shares,
    options: Options,
    keep: bool,
    report: &mut Report,
) -> (Vec<Match>, Vec<Match>) {
    let expected = Expected::new(shares, list.len() as u64, found.registry);
    let lowest = options.min_bits.min(-8.0);
    let mut edges = Vec::new();
    let mut hits = Vec::new();
    for (at, hit) in found.hits.iter().enumerate() {
        let adjusted = frequencies[hit.left as usize].adjust(hit.pattern.levels(), shares, found.registry);
        let bits = f64::from(expected.bits(hit.pattern, adjusted));
        if bits >= lowest {
            edges.push(Edge { left: hit.left, right: hit.right, bits });
            hits.push(at);
        }
    }
    let bits = resolve::compete(&edges, options.one_to_one);
    let chosen: Vec<usize> = if options.one_to_one { resolve::assign(&edges) } else { (0..edges.len()).collect() };
    count_rules(&bits, &chosen, |i| found.hits[hits[i]].rules, report);
    let mut given = vec![false; edges.len()];
    for i in &chosen {
        given[*i] = true;
    }
    for (bits, given) in bits.iter().zip(&given) {
        if *given {
            report.scores.add(*bits);
        } else {
            report.scores.add_beside(*bits, 1);
        }
    }
    let a_match = |i: usize| {
        let hit = found.hits[hits[i]];
        Match {
            left: hit.left,
            right: found.rows.get(hit.right).into(),
            bits: bits[i],
            pattern: hit.pattern,
            frequency: frequencies[hit.left as usize],
            own_bits: edges[i].bits,
        }
    };
    let order = |a: &Match, b: &Match| a.left.cmp(&b.left).then(b.bits.total_cmp(&a.bits)).then(a.right.cmp(&b.right));
    let mut matches: Vec<Match> = chosen.into_iter().filter(|i| bits[*i] >= options.min_bits).map(a_match).collect();
    matches.sort_by(order);
    let mut candidates: Vec<Match> = if keep { (0..edges.len()).map(a_match).collect() } else { Vec::new() };
    candidates.sort_by(order);
    (matches, candidates)
}

/// What the rules found of what is more likely a match than not, and what they may have missed.
fn count_rules(bits: &[f64], chosen: &[usize], rules: impl Fn(usize) -> u16, report: &mut Report) {
    let (mut all, mut once, mut twice) = (0.0, 0.0, 0.0);
    for i in chosen.iter().filter(|i| bits[**i] > 0.0) {
        let found_by = rules(*i);
        let alone = u64::from(found_by.count_ones() == 1);
        for (rule, count) in report.rules.iter_mut().enumerate() {
            if found_by & (1 << rule) != 0 {
                count.matches += 1;
                count.matches_alone += alone;
            }
        }
        all += 1.0;
        once += f64::from(u8::from(found_by.count_ones() == 1));
        twice += f64::from(u8::from(found_by.count_ones() == 2));
    }
    let missed = once * once / (2.0 * f64::max(twice, 1.0));
    report.recall = (all > 0.0).then(|| all / (all + missed));
}

impl Report {
    /// What a cut in bits does, by a model's own scores and what labels made of them: right and wrong ones expected above
    /// it, and expected missed ones, those that the rules do not find among them.
    pub fn outlook(&self, cut: f64, model: &Model) -> Outlook {
        let calibration = model.calibration.clone().unwrap_or_default();
        self.scores.outlook(cut, &calibration, self.unfound(model))
    }

    /// Pairs of one person that the rules are thought not to have found.
    pub fn unfound(&self, model: &Model) -> f64 {
        let calibration = model.calibration.clone().unwrap_or_default();
        self.recall.filter(|r| *r > 0.0).map_or(0.0, |recall| self.scores.expected(&calibration) * (1.0 / recall - 1.0))
    }
}

impl Linked {
    /// What speaks for and against each match, in bits that add up to [`Match::bits`].
    pub fn explain(&self) -> impl Iterator<Item = (&Match, Vec<Evidence>)> {
        let expected = Expected::new(&self.shares, self.report.list, self.report.registry);
        self.matches.iter().map(move |m| (m, explain(m, &self.shares, &expected, self.report.registry)))
    }
}

fn explain(m: &Match, shares: &Shares, expected: &Expected, registry: u64) -> Vec<Evidence> {
    let judged = Judged { pattern: m.pattern, frequency: m.frequency, own_bits: m.own_bits, bits: m.bits };
    judged.explain(shares, expected, registry)
}

/// A pair with its verdict.
struct Judged {
    pattern: Pattern,
    frequency: Frequency,
    /// By itself.
    own_bits: f64,
    /// With all others considered.
    bits: f64,
}

impl Judged {
    /// What speaks for and against it, in bits that add up to its bits.
    fn explain(&self, shares: &Shares, expected: &Expected, registry: u64) -> Vec<Evidence> {
        let adjusted = self.frequency.adjust(self.pattern.levels(), shares, registry);
        let kin = f64::from(expected.kin_part(self.pattern, adjusted));
        let mut out = Vec::with_capacity(FIELDS.len() + 3);
        let mut sum = 0.0;
        for ((field, shares), level) in FIELDS.iter().zip(&shares.of).zip(self.pattern.levels()) {
            let bits =
                shares.get(level).map_or(0.0, |[same, k, u]| same.log2() - kin * k.log2() - (1.0 - kin) * u.log2());
            sum += bits;
            out.push(Evidence { field: field.name, level: field.levels.get(level).copied().unwrap_or(""), bits });
        }
        let [same, k, u] = adjusted.map(f64::from);
        let rarity = same - kin * k - (1.0 - kin) * u;
        let start = self.own_bits - sum - rarity;
        out.insert(0, Evidence { field: "start", level: "", bits: start });
        out.push(Evidence { field: "rarity", level: "", bits: rarity });
        out.push(Evidence { field: "rivals", level: "", bits: self.bits - self.own_bits });
        out
    }
}

#[cfg(test)]
mod tests;
