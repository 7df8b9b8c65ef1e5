//! Which pairs are compared at all: rows that share the key of a rule.

use super::compare::{Matchers, Memory};
use super::data::{Data, parallel, parallel_with};
use super::hash::mix;
use super::spec::{Expr, Kind, Schema};
use super::text::Step;

/// Pairs of one piece of work.
const WORK: u64 = 1 << 15;
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
        for row in 0..data.rows {
            let mut own = vec![0u64];
            for feature in &features {
                let value = feature.of_row[row];
                let single = [value];
                let parts: &[u32] = match &feature.parts {
                    Some(parts) => &parts[value as usize],
                    None => &single,
                };
                own = own
                    .iter()
                    .flat_map(|key| parts.iter().filter(|p| **p != 0).map(move |p| mix(key ^ u64::from(*p)).max(1)))
                    .take(MOST_KEYS)
                    .collect();
            }
            own.sort_unstable();
            own.dedup();
            keys.extend(own);
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

    /// The first key that two rows share.
    fn shared(&self, a: u32, b: u32) -> Option<u64> {
        if self.ends.is_none() {
            let key = self.keys[a as usize];
            return (key != 0 && key == self.keys[b as usize]).then_some(key);
        }
        let theirs = self.of(b);
        self.of(a).iter().copied().find(|key| *key != 0 && theirs.contains(key))
    }

    /// Rows by key, those without one left out.
    fn sorted(&self, rows: usize) -> Vec<(u64, u32)> {
        let mut all: Vec<(u64, u32)> = (0..rows as u32)
            .flat_map(|row| self.of(row).iter().filter(|key| **key != 0).map(move |key| (*key, row)))
            .collect();
        all.sort_unstable();
        all
    }

    /// Takes a key from its rows.
    fn drop_key(&mut self, key: u64, rows: &[(u64, u32)]) {
        for (_, row) in rows {
            let row = *row as usize;
            let range = match &self.ends {
                None => row..row + 1,
                Some(ends) => row.checked_sub(1).map_or(0, |r| ends[r] as usize)..ends[row] as usize,
            };
            for own in self.keys[range].iter_mut().filter(|own| **own == key) {
                *own = 0;
            }
        }
    }
}

/// Keys of all rules side by side, so that whether an earlier rule has found a pair is read from two places in memory.
struct First<'a> {
    /// Row by row one key of each rule; 0 for rules with several.
    flat: Vec<u64>,
    rules: usize,
    several: Vec<(usize, &'a Keyed)>,
}

impl<'a> First<'a> {
    fn new(keyed: &'a [Keyed], rows: usize) -> Self {
        let mut flat = vec![0; rows * keyed.len()];
        for (rule, keys) in keyed.iter().enumerate().filter(|(_, keys)| keys.ends.is_none()) {
            for (row, key) in keys.keys.iter().enumerate() {
                flat[row * keyed.len() + rule] = *key;
            }
        }
        let several = keyed.iter().enumerate().filter(|(_, keys)| keys.ends.is_some()).collect();
        Self { flat, rules: keyed.len(), several }
    }

    /// Whether a rule before this one finds the pair.
    #[inline]
    fn found(&self, rule: usize, a: u32, b: u32) -> bool {
        let own = |row: u32| &self.flat[row as usize * self.rules..][..rule];
        own(a).iter().zip(own(b)).any(|(x, y)| x == y && *x != 0)
            || self.several.iter().any(|(earlier, keys)| *earlier < rule && keys.shared(a, b).is_some())
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
    let mut keyed: Vec<Keyed> = parallel(rules.len(), threads, |at| Keyed::new(data, &rules[at]));
    let mut sorted: Vec<Vec<(u64, u32)>> = parallel(rules.len(), threads, |at| keyed[at].sorted(data.rows));
    let limit = limit(schema, data, &sorted);
    for (at, rows) in sorted.iter_mut().enumerate() {
        let mut kept = Vec::with_capacity(rows.len());
        for block in rows.chunk_by(|a, b| a.0 == b.0) {
            let pairs = pairs_in(block, data);
            if pairs > limit {
                reports[at].dropped_blocks += 1;
                reports[at].dropped_pairs += pairs;
                keyed[at].drop_key(block[0].0, block);
            } else if pairs > 0 {
                kept.extend_from_slice(block);
            }
        }
        *rows = kept;
    }
    let first = First::new(&keyed, data.rows);
    // Pieces of about equal work, cut at the ends of blocks.
    let mut pieces: Vec<(usize, usize, usize)> = Vec::new();
    for (at, rows) in sorted.iter().enumerate() {
        let (mut from, mut end, mut load) = (0, 0, 0);
        for block in rows.chunk_by(|a, b| a.0 == b.0) {
            end += block.len();
            load += pairs_in(block, data);
            if load >= WORK {
                pieces.push((at, from, end));
                (from, load) = (end, 0);
            }
        }
        if from < end {
            pieces.push((at, from, end));
        }
    }
    let comparisons = matchers.all.len();
    let found = parallel_with(
        pieces.len(),
        threads,
        || Memory::new(comparisons),
        |memory, piece| {
            let (rule, from, end) = pieces[piece];
            let mut pairs = Vec::new();
            for block in sorted[rule][from..end].chunk_by(|a, b| a.0 == b.0) {
                let key = block[0].0;
                let left = block.partition_point(|(_, row)| (*row as usize) < data.left);
                for (i, (_, a)) in block[..left].iter().enumerate() {
                    let others = if data.alone() { &block[i + 1..] } else { &block[left..] };
                    for (_, b) in others {
                        if first.found(rule, *a, *b)
                            || (keyed[rule].ends.is_some() && keyed[rule].shared(*a, *b) != Some(key))
                        {
                            continue;
                        }
                        pairs.push(Pair { a: *a, b: *b, pattern: memory.pattern(matchers, *a, *b) });
                    }
                }
            }
            pairs
        },
    );
    for ((rule, ..), pairs) in pieces.iter().zip(&found) {
        reports[*rule].pairs += pairs.len() as u64;
    }
    (found.concat(), reports)
}

/// Pairs of the largest block that is searched: what the schema allows, and less where all blocks together would be too
/// many pairs; then the largest go first.
fn limit(schema: &Schema, data: &Data, sorted: &[Vec<(u64, u32)>]) -> u64 {
    let rows = schema.largest as u64;
    let most = if data.alone() { rows * (rows - 1) / 2 } else { rows * rows / 4 };
    let mut sizes: Vec<u64> = sorted
        .iter()
        .flat_map(|rows| rows.chunk_by(|a, b| a.0 == b.0).map(|block| pairs_in(block, data)))
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
        for row in &drawn {
            let mut own = vec![0u64];
            for expr in rule {
                let feature = &data.features[*expr];
                let value = feature.of_row[*row as usize];
                let single = [value];
                let parts: &[u32] = feature.parts.as_ref().map_or(&single, |parts| &parts[value as usize]);
                own = own
                    .iter()
                    .flat_map(|key| parts.iter().filter(|p| **p != 0).map(move |p| mix(key ^ u64::from(*p)).max(1)))
                    .take(MOST_KEYS)
                    .collect();
            }
            keys.extend(own.into_iter().map(|key| (key, *row)));
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
