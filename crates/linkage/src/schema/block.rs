//! Which pairs are compared at all: rows that share the key of a rule.

use super::compare::{Matchers, Memory};
use super::data::{Data, Feature, parallel, parallel_with};
use super::hash::mix;
use super::spec::{Expr, Kind, Schema};
use super::text::Step;

/// Pairs of one piece of work.
const WORK: u64 = 1 << 15;
/// Pairs that are compared together.
const TOGETHER: usize = 256;
/// Pairs that any data may have, however few rows there are.
const FEW_PAIRS: u64 = 1 << 20;
/// Keys that one row may have under one rule.
const MOST_KEYS: usize = 64;
/// Rows on which rules are tried out before they are chosen.
const TRIED: usize = 6_000;

/// What one rule of finding pairs did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleReport {
    /// How the rule reads.
    pub rule: String,
    /// Whether the schema names it; otherwise it was chosen by the data.
    pub given: bool,
    /// Pairs that it found and no rule before it.
    pub pairs: u64,
    /// Blocks that were left out because too many rows share them.
    pub dropped_blocks: u64,
    /// Pairs in them, as far as no other rule finds them.
    pub dropped_pairs: u64,
}

/// A pair that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) a: u32,
    pub(super) b: u32,
    pub(super) pattern: u64,
}

/// Keys of a row under a rule.
fn keys_of(features: &[&Feature], row: usize, own: &mut Vec<u64>) {
    own.clear();
    own.push(0);
    for feature in features {
        let value = feature.of_row[row];
        let with = |key: u64, value: u32| mix(key ^ u64::from(value)).max(1);
        match &feature.parts {
            None if value == 0 => own.clear(),
            None => own.iter_mut().for_each(|key| *key = with(*key, value)),
            Some(parts) => {
                let parts = &parts[value as usize];
                let all = own.iter().flat_map(|key| parts.iter().filter(|p| **p != 0).map(move |p| with(*key, *p)));
                *own = all.take(MOST_KEYS).collect();
            }
        }
    }
}

/// Keys of all rows under one rule; 0 is none.
#[derive(Debug)]
struct Keyed {
    keys: Vec<u64>,
    /// Where the keys of each row end, if there are several.
    ends: Option<Vec<u32>>,
}

impl Keyed {
    fn new(data: &Data, rule: &[usize]) -> Self {
        let features: Vec<_> = rule.iter().map(|expr| &data.features[*expr]).collect();
        let many = features.iter().any(|f| f.parts.is_some());
        let mut keys = Vec::with_capacity(data.rows);
        if !many {
            for row in 0..data.rows {
                let mut key = 0u64;
                for feature in &features {
                    match feature.of_row[row] {
                        0 => {
                            key = 0;
                            break;
                        }
                        value => key = mix(key ^ u64::from(value)).max(1),
                    }
                }
                keys.push(key);
            }
            return Self { keys, ends: None };
        }
        let mut ends = Vec::with_capacity(data.rows);
        let mut own = Vec::new();
        for row in 0..data.rows {
            keys_of(&features, row, &mut own);
            own.sort_unstable();
            own.dedup();
            keys.extend_from_slice(&own);
            ends.push(keys.len() as u32);
        }
        Self { keys, ends: Some(ends) }
    }

    fn of(&self, row: u32) -> &[u64] {
        let row = row as usize;
        match &self.ends {
            None => std::slice::from_ref(&self.keys[row]),
            Some(ends) => &self.keys[row.checked_sub(1).map_or(0, |r| ends[r] as usize)..ends[row] as usize],
        }
    }

    /// Rows by key, those without one left out.
    fn sorted(&self, rows: usize) -> Vec<(u64, u32)> {
        let mut all: Vec<(u64, u32)> = Vec::with_capacity(self.keys.len());
        for row in 0..rows as u32 {
            all.extend(self.of(row).iter().filter(|key| **key != 0).map(|key| (*key, row)));
        }
        all.sort_unstable();
        all
    }
}

/// The blocks of one rule that are searched.
#[derive(Debug)]
struct Blocks {
    /// Rows by key.
    rows: Vec<(u64, u32)>,
    /// Whether a row may be in several.
    several: bool,
    dropped_blocks: u64,
    dropped_pairs: u64,
}

impl Blocks {
    fn new(rows: &[(u64, u32)], several: bool, data: &Data, limit: u64) -> Self {
        let mut out = Self { rows: Vec::with_capacity(rows.len()), several, dropped_blocks: 0, dropped_pairs: 0 };
        for block in rows.chunk_by(|a, b| a.0 == b.0) {
            let pairs = pairs_in(block, data);
            if pairs > limit {
                out.dropped_blocks += 1;
                out.dropped_pairs += pairs;
            } else if pairs > 0 {
                out.rows.extend_from_slice(block);
            }
        }
        out
    }
}

/// The blocks of all rows, numbered within each rule in the order of keys, so that whether an earlier rule has found a
/// pair is read from two places in memory.
struct First {
    /// Row by row the block by each rule with one key; what no other row has where there is none.
    flat: Vec<u32>,
    rules: usize,
    several: Vec<(usize, Several)>,
}

/// The blocks of each row by a rule with several keys.
struct Several {
    starts: Vec<usize>,
    blocks: Vec<u32>,
    /// A bit for each block of a row, several blocks to a bit.
    bits: Vec<u64>,
}

impl Several {
    fn new(blocks: &Blocks, rows: usize) -> Self {
        let mut starts = vec![0; rows + 1];
        for (_, row) in &blocks.rows {
            starts[*row as usize + 1] += 1;
        }
        for row in 0..rows {
            starts[row + 1] += starts[row];
        }
        let mut place = starts.clone();
        let mut out = Self { starts, blocks: vec![0; blocks.rows.len()], bits: vec![0; rows] };
        for (number, block) in blocks.rows.chunk_by(|a, b| a.0 == b.0).enumerate() {
            for (_, row) in block {
                let row = *row as usize;
                out.blocks[place[row]] = number as u32;
                place[row] += 1;
                out.bits[row] |= 1 << (mix(number as u64) >> 58);
            }
        }
        out
    }

    fn of(&self, row: u32) -> &[u32] {
        &self.blocks[self.starts[row as usize]..self.starts[row as usize + 1]]
    }

    /// The first block that two rows share.
    #[inline]
    fn shared(&self, a: u32, b: u32) -> Option<u32> {
        if self.bits[a as usize] & self.bits[b as usize] == 0 {
            return None;
        }
        let (mut a, mut b) = (self.of(a), self.of(b));
        while let (Some(x), Some(y)) = (a.first(), b.first()) {
            match x.cmp(y) {
                std::cmp::Ordering::Equal => return Some(*x),
                std::cmp::Ordering::Less => a = &a[1..],
                std::cmp::Ordering::Greater => b = &b[1..],
            }
        }
        None
    }
}

impl First {
    fn new(blocks: &[Blocks], rows: usize) -> Self {
        let rules = blocks.len();
        // Blocks have two rows at least, so that their numbers stay below the bit.
        let mut flat: Vec<u32> = (0..rows as u32).flat_map(|row| (0..rules).map(move |_| 1 << 31 | row)).collect();
        for (rule, of) in blocks.iter().enumerate().filter(|(_, of)| !of.several) {
            for (number, block) in of.rows.chunk_by(|a, b| a.0 == b.0).enumerate() {
                for (_, row) in block {
                    flat[*row as usize * rules + rule] = number as u32;
                }
            }
        }
        let several = blocks.iter().enumerate().filter(|(_, of)| of.several);
        Self { flat, rules, several: several.map(|(rule, of)| (rule, Several::new(of, rows))).collect() }
    }

    /// Whether a rule before this one finds the pair.
    #[inline]
    fn found(&self, rule: usize, a: u32, b: u32) -> bool {
        let own = |row: u32| &self.flat[row as usize * self.rules..][..rule];
        own(a).iter().zip(own(b)).fold(false, |same, (x, y)| same | (x == y))
            || self.several.iter().any(|(earlier, blocks)| *earlier < rule && blocks.shared(a, b).is_some())
    }

    /// Whether another block of the same rule finds the pair.
    #[inline]
    fn elsewhere(&self, rule: usize, block: u32, a: u32, b: u32) -> bool {
        self.several.iter().any(|(own, blocks)| *own == rule && blocks.shared(a, b) != Some(block))
    }
}

/// Pairs in a block.
fn pairs_in(block: &[(u64, u32)], data: &Data) -> u64 {
    let n = block.len() as u64;
    if data.alone() {
        return n * n.saturating_sub(1) / 2;
    }
    let left = block.partition_point(|(_, row)| (*row as usize) < data.left) as u64;
    left * (n - left)
}

/// Blocks of one rule, the first of which bears this number.
#[derive(Debug, Clone, Copy)]
struct Piece {
    rule: usize,
    from: usize,
    end: usize,
    block: u32,
}

/// All pairs that the rules find, each once, with their levels.
pub(super) fn find(
    schema: &Schema,
    rules: &[Vec<usize>],
    data: &Data,
    matchers: &Matchers<'_>,
    threads: usize,
) -> (Vec<Pair>, Vec<RuleReport>) {
    let mut reports: Vec<RuleReport> = rules
        .iter()
        .map(|rule| RuleReport {
            rule: schema.rule_name(rule),
            given: !schema.rules.is_empty(),
            ..RuleReport::default()
        })
        .collect();
    let sorted: Vec<(Vec<(u64, u32)>, bool)> = parallel(rules.len(), threads, |at| {
        let keyed = Keyed::new(data, &rules[at]);
        (keyed.sorted(data.rows), keyed.ends.is_some())
    });
    let limit = limit(schema, data, &sorted);
    let blocks = parallel(rules.len(), threads, |at| Blocks::new(&sorted[at].0, sorted[at].1, data, limit));
    drop(sorted);
    for (report, blocks) in reports.iter_mut().zip(&blocks) {
        (report.dropped_blocks, report.dropped_pairs) = (blocks.dropped_blocks, blocks.dropped_pairs);
    }
    let first = First::new(&blocks, data.rows);
    // Pieces of about equal work, cut at the ends of blocks.
    let mut pieces: Vec<Piece> = Vec::new();
    for (rule, blocks) in blocks.iter().enumerate() {
        let (mut piece, mut load) = (Piece { rule, from: 0, end: 0, block: 0 }, 0);
        for (number, block) in blocks.rows.chunk_by(|a, b| a.0 == b.0).enumerate() {
            piece.end += block.len();
            load += pairs_in(block, data);
            if load >= WORK {
                pieces.push(piece);
                piece = Piece { from: piece.end, block: number as u32 + 1, ..piece };
                load = 0;
            }
        }
        if piece.from < piece.end {
            pieces.push(piece);
        }
    }
    let comparisons = matchers.all.len();
    let found = parallel_with(
        pieces.len(),
        threads,
        || Memory::new(comparisons),
        |memory, piece| {
            let Piece { rule, from, end, block: number } = pieces[piece];
            let several = blocks[rule].several;
            let mut pairs = Vec::with_capacity(WORK as usize);
            let mut compared = 0;
            for (at, block) in blocks[rule].rows[from..end].chunk_by(|a, b| a.0 == b.0).enumerate() {
                let left = block.partition_point(|(_, row)| (*row as usize) < data.left);
                for (i, (_, a)) in block[..left].iter().enumerate() {
                    let others = if data.alone() { &block[i + 1..] } else { &block[left..] };
                    for (_, b) in others {
                        if first.found(rule, *a, *b) || (several && first.elsewhere(rule, number + at as u32, *a, *b)) {
                            continue;
                        }
                        pairs.push(Pair { a: *a, b: *b, pattern: 0 });
                    }
                    if pairs.len() - compared >= TOGETHER {
                        memory.compare(matchers, &mut pairs[compared..]);
                        compared = pairs.len();
                    }
                }
            }
            memory.compare(matchers, &mut pairs[compared..]);
            pairs
        },
    );
    for (piece, pairs) in pieces.iter().zip(&found) {
        reports[piece.rule].pairs += pairs.len() as u64;
    }
    (found.concat(), reports)
}

/// Pairs of the largest block that is searched: what the schema allows, and less where all blocks together would be too
/// many pairs; then the largest go first.
fn limit(schema: &Schema, data: &Data, sorted: &[(Vec<(u64, u32)>, bool)]) -> u64 {
    let rows = schema.largest as u64;
    let most = if data.alone() { rows * (rows - 1) / 2 } else { rows * rows / 4 };
    let mut sizes: Vec<u64> = sorted
        .iter()
        .flat_map(|(rows, _)| rows.chunk_by(|a, b| a.0 == b.0).map(|block| pairs_in(block, data)))
        .filter(|pairs| (1..=most).contains(pairs))
        .collect();
    sizes.sort_unstable();
    let budget = FEW_PAIRS + (data.rows * schema.pairs_per_row) as u64;
    let mut sum = 0;
    for (at, pairs) in sizes.iter().enumerate() {
        sum += pairs;
        if sum > budget {
            // All blocks of this size go, so that it does not matter in which order they come.
            return if at == 0 { 0 } else { pairs - 1 };
        }
    }
    most
}

/// The rules of the schema, or those that suit the data: as coarse as can be afforded, on one column or on two.
pub(super) fn rules(schema: &mut Schema) -> Vec<Vec<Vec<usize>>> {
    if !schema.rules.is_empty() {
        return vec![schema.rules.clone()];
    }
    // By column the ways of making a key, from the coarsest to the finest.
    (0..schema.columns.len())
        .map(|column| {
            let steps: Vec<Vec<Step>> = match schema.columns[column].kind {
                Kind::Name => vec![vec![Step::First(2)], vec![Step::Soundex], vec![Step::First(4)], vec![]],
                Kind::Text => vec![vec![Step::First(5)], vec![Step::Sorted]],
                Kind::Words => vec![vec![Step::Words], vec![Step::Sorted]],
                Kind::Code => vec![vec![Step::First(3)], vec![Step::Last(4)], vec![]],
                Kind::Category | Kind::Number => vec![vec![]],
                Kind::Date => vec![vec![Step::Year], vec![Step::MonthDay], vec![]],
                Kind::Array => vec![vec![Step::Each], vec![]],
            };
            steps.into_iter().map(|steps| vec![schema.intern(Expr { column, steps })]).collect()
        })
        .collect()
}

/// Chooses among the keys by column: every single key that is rare enough, and of two columns the coarsest keys that
/// are rare enough together.
pub(super) fn choose(schema: &Schema, atoms: &[Vec<Vec<usize>>], data: &Data, threads: usize) -> Vec<Vec<usize>> {
    // Rows drawn evenly over the order of keys; pairs grow with the square of the rows.
    let step = data.rows.div_ceil(TRIED).max(1);
    let drawn: Vec<u32> =
        (0..data.rows as u32).filter(|row| mix(u64::from(*row)).is_multiple_of(step as u64)).collect();
    let scale = (data.rows as f64 / drawn.len().max(1) as f64).powi(2);
    let count = |rule: &[usize]| {
        let mut keys: Vec<(u64, u32)> = Vec::with_capacity(drawn.len());
        let features: Vec<&Feature> = rule.iter().map(|expr| &data.features[*expr]).collect();
        let mut own = Vec::new();
        for row in &drawn {
            keys_of(&features, *row as usize, &mut own);
            keys.extend(own.iter().map(|key| (*key, *row)));
        }
        keys.sort_unstable();
        scale * keys.chunk_by(|a, b| a.0 == b.0).map(|block| pairs_in(block, data) as f64).sum::<f64>()
    };
    let budget = (FEW_PAIRS / 8) as f64 + data.rows as f64 * schema.pairs_per_row as f64 / 6.0;
    let each = budget / 6.0;
    let singles: Vec<&Vec<usize>> = atoms.iter().flatten().collect();
    let sizes = parallel(singles.len(), threads, |at| count(singles[at]));
    let alone: Vec<(f64, Vec<usize>)> = atoms
        .iter()
        .filter_map(|ways| {
            let of = |way: &Vec<usize>| singles.iter().position(|s| *s == way).map_or(f64::INFINITY, |at| sizes[at]);
            ways.iter().map(|way| (of(way), way.clone())).find(|(pairs, _)| *pairs > 0.0 && *pairs <= each)
        })
        .collect();
    let mut two: Vec<(usize, usize)> = Vec::new();
    for a in 0..atoms.len() {
        two.extend((a + 1..atoms.len()).map(|b| (a, b)));
    }
    let together = parallel(two.len(), threads, |at| {
        let (a, b) = two[at];
        let mut ways: Vec<(usize, usize)> =
            (0..atoms[a].len()).flat_map(|i| (0..atoms[b].len()).map(move |j| (i, j))).collect();
        ways.sort_by_key(|(i, j)| (i + j, *i));
        let rule = |(i, j): &(usize, usize)| [atoms[a][*i].clone(), atoms[b][*j].clone()].concat();
        let covered = |rule: &[usize]| rule.iter().any(|e| alone.iter().any(|(_, s)| s == &[*e]));
        ways.iter()
            .map(rule)
            .filter(|rule| !covered(rule))
            .map(|rule| (count(&rule), rule))
            .find(|(pairs, _)| *pairs > 0.0 && *pairs <= each)
    });
    let by_size = |mut rules: Vec<(f64, Vec<usize>)>| {
        rules.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        rules
    };
    // One column alone forgives what is wrong in all others, so that such rules come first.
    let mut all = by_size(alone);
    all.extend(by_size(together.into_iter().flatten().collect()));
    let mut sum = 0.0;
    all.retain(|(pairs, _)| {
        sum += pairs;
        sum <= budget
    });
    all.truncate(32);
    all.into_iter().map(|(_, rule)| rule).collect()
}
