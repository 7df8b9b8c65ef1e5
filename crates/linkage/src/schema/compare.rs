//! Levels of pairs: what each comparison says of two rows.

use std::sync::Arc;

use rapidfuzz::distance::{jaro, jaro_winkler, levenshtein, osa};
use rustc_hash::FxHashMap;

use super::block::Pair;
use super::data::{Data, Feature, parallel};
use super::spec::{Comparison, Kind, Measure, Schema, Test};
use super::text::{self, Day, MOST_WORDS};

/// Characters of a value that are compared for likeness; equality is always of the whole.
const COMPARED: usize = 256;
/// Entries of a thread's memory of levels, a power of two.
const REMEMBERED: usize = 1 << 14;

/// What measures need of the values of a feature.
#[derive(Debug, Default)]
struct Prepared {
    heads: Vec<Head>,
    /// Where the words of each value are.
    starts: Vec<usize>,
    /// The first characters of values that are not all ASCII; those that are stand in the feature.
    wide: Vec<Option<Box<[char]>>>,
    /// Words of all values, each value's in order.
    words: Vec<u32>,
    bigrams: Vec<Box<[u32]>>,
    days: Vec<Option<Day>>,
    numbers: Vec<Option<f64>>,
}

impl Prepared {
    fn words_of(&self, value: usize) -> &[u32] {
        &self.words[self.starts[value]..][..usize::from(self.heads[value].count)]
    }
}

/// What decides about most pairs of values, two to a line of memory.
#[derive(Debug, Clone, Copy, Default)]
struct Head {
    /// Which characters occur, several of them counted as one; and which a second, a third and a fourth time. Values that
    /// share few are not alike.
    bag: [u64; 2],
    /// A bit for each word, several words to a bit.
    words: u64,
    /// The lowest byte of the first characters.
    first: [u8; 4],
    /// Characters, and words.
    length: u16,
    count: u16,
}

impl Head {
    fn letters(&mut self, text: &str) {
        for (at, c) in text.chars().take(COMPARED).enumerate() {
            let bit = 1 << (c as u32 % 32);
            let places = [(0, bit), (0, bit << 32), (1, bit), (1, bit << 32)];
            if let Some((half, bit)) = places.into_iter().find(|(half, bit)| self.bag[*half] & bit == 0) {
                self.bag[half] |= bit;
            }
            if let Some(first) = self.first.get_mut(at) {
                *first = c as u32 as u8;
            }
            self.length += 1;
        }
    }

    /// Characters that the other value lacks, at least.
    #[inline]
    fn lacking(&self, other: &Self) -> usize {
        (0..2).map(|half| (self.bag[half] & !other.bag[half]).count_ones() as usize).sum()
    }
}

/// A comparison over the data at hand: rows have numbers for what they hold in all its columns, and a level depends on
/// two of these numbers alone.
#[derive(Debug)]
pub(super) struct Matcher {
    pub(super) levels: usize,
    /// The number of each row; 0 where all is missing.
    pub(super) of_row: Vec<u32>,
    tests: Vec<Vec<Run>>,
    gauges: Vec<Gauge>,
    /// The expressions that are compared.
    operands: Vec<usize>,
    /// The value in each operand of each number, side by side; empty where there is one operand, whose values are the
    /// numbers.
    values: Vec<u32>,
    /// Whether there is one level, and it asks for the same number.
    plain: bool,
    /// For each level whose agreement counts by its rarity, the number of what agrees.
    pub(super) rarity: Vec<Option<Vec<u32>>>,
}

/// A measure between two operands.
#[derive(Debug)]
struct Gauge {
    measure: Measure,
    of: [usize; 2],
    /// What decides least: a likeness below (or a distance above) need not be exact.
    bound: f64,
    /// For equality of two operands, the value of the first that each value of the second is.
    same: Vec<u32>,
}

#[derive(Debug)]
struct Run {
    gauge: usize,
    at: f64,
    more: bool,
}

/// All comparisons over the data at hand.
#[derive(Debug)]
pub(super) struct Matchers<'a> {
    features: &'a [Feature],
    prepared: Vec<Prepared>,
    pub(super) all: Vec<Matcher>,
}

impl<'a> Matchers<'a> {
    pub(super) fn new(schema: &Schema, data: &'a Data, threads: usize) -> Self {
        let mut needs: Vec<Vec<Measure>> = vec![Vec::new(); schema.exprs.len()];
        for test in schema.comparisons.iter().flat_map(|c| &c.levels).flat_map(|l| &l.tests) {
            for expr in test.of {
                needs[expr].push(test.measure);
            }
        }
        let prepared = parallel(data.features.len(), threads, |at| {
            let column = &schema.columns[schema.exprs[at].column];
            let array = (column.kind == Kind::Array).then_some(column.separator.as_str());
            prepare(&data.features[at], &needs[at], array)
        });
        let all = parallel(schema.comparisons.len(), threads, |at| Matcher::new(&schema.comparisons[at], data));
        Self { features: &data.features, prepared, all }
    }

    /// The level of two numbers of a comparison: 0 missing, then 1 to `levels`, then one more for "else".
    pub(super) fn level(&self, of: usize, x: u32, y: u32) -> u8 {
        let matcher = &self.all[of];
        if x == 0 || y == 0 {
            return 0;
        }
        if matcher.plain {
            return if x == y { 1 } else { 2 };
        }
        let other = matcher.levels as u8 + 1;
        let mut known = [f64::NAN; 16];
        let mut comparable = false;
        for (level, tests) in matcher.tests.iter().enumerate() {
            let mut holds = true;
            for run in tests {
                let gauge = &matcher.gauges[run.gauge];
                let value = match known.get(run.gauge) {
                    Some(value) if !value.is_nan() => *value,
                    _ => self.measure(matcher, gauge, x, y),
                };
                if let Some(place) = known.get_mut(run.gauge) {
                    *place = value;
                }
                comparable |= value != NOTHING;
                holds = value != NOTHING && if run.more { value >= run.at } else { value <= run.at };
                if !holds {
                    break;
                }
            }
            if holds {
                return level as u8 + 1;
            }
        }
        if comparable { other } else { 0 }
    }

    /// [`NOTHING`] where a value is missing or cannot be measured.
    fn measure(&self, matcher: &Matcher, gauge: &Gauge, x: u32, y: u32) -> f64 {
        let [a, b] = gauge.of;
        let (p, q) = (matcher.operands[a], matcher.operands[b]);
        let one = |x: u32, y: u32| self.between(gauge, p, q, matcher.value(a, x), matcher.value(b, y));
        if gauge.of[0] == gauge.of[1] {
            return one(x, y);
        }
        // Two columns that may have been exchanged: whichever way round fits better.
        let (there, back) = (one(x, y), one(y, x));
        match (there == NOTHING, back == NOTHING) {
            (true, _) => back,
            (_, true) => there,
            _ if matches!(
                gauge.measure,
                Measure::Levenshtein | Measure::Damerau | Measure::Difference | Measure::Percent
            ) || matches!(gauge.measure, Measure::Days | Measure::Months | Measure::Years) =>
            {
                there.min(back)
            }
            _ => there.max(back),
        }
    }

    fn between(&self, gauge: &Gauge, a: usize, b: usize, x: u32, y: u32) -> f64 {
        if x == 0 || y == 0 {
            return NOTHING;
        }
        let yes = |holds: bool| if holds { 1.0 } else { 0.0 };
        if gauge.measure == Measure::Exact && a == b {
            return yes(x == y);
        }
        let (px, py) = (&self.prepared[a], &self.prepared[b]);
        let (x, y) = (x as usize, y as usize);
        let days = || Some((px.days.get(x).copied()??, py.days.get(y).copied()??));
        let numbers = || Some((px.numbers.get(x).copied()??, py.numbers.get(y).copied()??));
        match gauge.measure {
            Measure::Exact => yes(gauge.same[y] as usize == x),
            Measure::Jaccard => {
                let (p, q) = (&px.heads[x], &py.heads[y]);
                let common = in_common(px, x, py, y);
                let all = usize::from(p.count) + usize::from(q.count) - common;
                if all == 0 { NOTHING } else { common as f64 / all as f64 }
            }
            Measure::Bigrams => {
                let all = px.bigrams[x].len() + py.bigrams[y].len();
                if all == 0 { NOTHING } else { 2.0 * common(&px.bigrams[x], &py.bigrams[y]) as f64 / all as f64 }
            }
            Measure::Common => in_common(px, x, py, y) as f64,
            Measure::Days => days().map_or(NOTHING, |(p, q)| (p.number() - q.number()).abs() as f64),
            Measure::Months => days().map_or(NOTHING, |(p, q)| months(p, q)),
            Measure::Years => days().map_or(NOTHING, |(p, q)| months(p, q) / 12.0),
            Measure::Swapped => {
                days().map_or(NOTHING, |(p, q)| yes(p.year == q.year && p.month == q.day && p.day == q.month && p != q))
            }
            Measure::JanuaryFirst => days().map_or(NOTHING, |(p, q)| {
                yes(p.year == q.year && ((p.month, p.day) == (1, 1) || (q.month, q.day) == (1, 1)))
            }),
            Measure::Difference => numbers().map_or(NOTHING, |(p, q)| (p - q).abs()),
            Measure::Percent => numbers().map_or(NOTHING, |(p, q)| {
                let larger = p.abs().max(q.abs());
                if larger == 0.0 { 0.0 } else { 100.0 * (p - q).abs() / larger }
            }),
            likeness if hopeless(likeness, gauge.bound, &px.heads[x], &py.heads[y]) => match likeness {
                Measure::Levenshtein | Measure::Damerau => gauge.bound + 1.0,
                _ => 0.0,
            },
            likeness => {
                let ascii = |expr: usize, value: usize| {
                    let text = self.features[expr].texts[value].as_bytes();
                    &text[..text.len().min(COMPARED)]
                };
                match (&px.wide[x], &py.wide[y]) {
                    (None, None) => alike(likeness, gauge.bound, ascii(a, x), ascii(b, y)),
                    (Some(p), Some(q)) => alike(likeness, gauge.bound, p, q),
                    (None, Some(q)) => alike(likeness, gauge.bound, &wide(ascii(a, x)), q),
                    (Some(p), None) => alike(likeness, gauge.bound, p, &wide(ascii(b, y))),
                }
            }
        }
    }
}

/// Whether two values cannot reach the bound, by their lengths, letters and beginnings alone: a letter that the other
/// value lacks takes part in no match and costs an edit.
#[inline]
fn hopeless(measure: Measure, bound: f64, p: &Head, q: &Head) -> bool {
    let (n, k) = (usize::from(p.length), usize::from(q.length));
    if n == 0 || k == 0 {
        return false;
    }
    let (lacking, missed) = (p.lacking(q), q.lacking(p));
    let edits = lacking.max(missed).max(n.abs_diff(k)) as f64;
    match measure {
        Measure::Jaro | Measure::JaroWinkler => {
            let matches = (n - lacking).min(k - missed) as f64;
            if matches == 0.0 {
                return true;
            }
            let jaro = (matches / n as f64 + matches / k as f64 + 1.0) / 3.0;
            let begin = p.first.iter().zip(&q.first).take_while(|(a, b)| a == b).count() as f64;
            let most = if measure == Measure::Jaro { jaro } else { jaro + 0.1 * begin * (1.0 - jaro) };
            most + ROUNDING < bound
        }
        Measure::Levenshtein | Measure::Damerau => edits > bound,
        Measure::LevenshteinShare | Measure::DamerauShare => 1.0 - edits / (n.max(k) as f64) + ROUNDING < bound,
        _ => false,
    }
}

/// More than two ways of reckoning the same likeness may differ.
const ROUNDING: f64 = 1e-9;

/// How many words two values share.
#[inline]
fn in_common(px: &Prepared, x: usize, py: &Prepared, y: usize) -> usize {
    let (p, q) = (&px.heads[x], &py.heads[y]);
    if p.words & q.words == 0 { 0 } else { common(px.words_of(x), py.words_of(y)) }
}

/// What no measure gives.
const NOTHING: f64 = -1.0;

fn wide(bytes: &[u8]) -> Vec<char> {
    bytes.iter().map(|c| char::from(*c)).collect()
}

fn months(p: Day, q: Day) -> f64 {
    let whole = |d: Day| f64::from(d.year) * 12.0 + f64::from(d.month) + f64::from(d.day) / 31.0;
    (whole(p) - whole(q)).abs()
}

/// How many numbers two ordered lists share.
fn common(a: &[u32], b: &[u32]) -> usize {
    let (mut i, mut j, mut both) = (0, 0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        both += usize::from(x == y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    both
}

fn alike<T: rapidfuzz::HashableChar + Copy + PartialEq>(measure: Measure, bound: f64, a: &[T], b: &[T]) -> f64 {
    let (p, q) = (a.iter().copied(), b.iter().copied());
    let longer = a.len().max(b.len()).max(1);
    let gap = a.len().abs_diff(b.len());
    match measure {
        Measure::Jaro => jaro::similarity_with_args(p, q, &jaro::Args::default().score_cutoff(bound)).unwrap_or(0.0),
        Measure::JaroWinkler => {
            jaro_winkler::similarity_with_args(p, q, &jaro_winkler::Args::default().score_cutoff(bound)).unwrap_or(0.0)
        }
        Measure::Levenshtein | Measure::LevenshteinShare => {
            let most = if measure == Measure::Levenshtein { bound } else { (1.0 - bound) * longer as f64 } as usize;
            let edits = if gap > most {
                most + 1
            } else {
                levenshtein::distance_with_args(p, q, &levenshtein::Args::default().score_cutoff(most))
                    .unwrap_or(most + 1)
            };
            if measure == Measure::Levenshtein { edits as f64 } else { 1.0 - edits as f64 / longer as f64 }
        }
        Measure::Damerau | Measure::DamerauShare => {
            let most = if measure == Measure::Damerau { bound } else { (1.0 - bound) * longer as f64 } as usize;
            let edits = if gap > most {
                most + 1
            } else {
                osa::distance_with_args(p, q, &osa::Args::default().score_cutoff(most)).unwrap_or(most + 1)
            };
            if measure == Measure::Damerau { edits as f64 } else { 1.0 - edits as f64 / longer as f64 }
        }
        // The shorter begins the longer: its length, which says how much that means.
        Measure::Prefix => {
            let shorter = a.len().min(b.len());
            if a[..shorter] == b[..shorter] { shorter as f64 } else { 0.0 }
        }
        _ => NOTHING,
    }
}

fn prepare(feature: &Feature, needs: &[Measure], array: Option<&str>) -> Prepared {
    let need = |list: &[Measure]| needs.iter().any(|m| list.contains(m));
    let mut out = Prepared::default();
    let texts: &[Arc<str>] = &feature.texts;
    use Measure as M;
    if need(&[M::Jaro, M::JaroWinkler, M::Levenshtein, M::Damerau, M::LevenshteinShare, M::DamerauShare, M::Prefix]) {
        let wide = |text: &str| (!text.is_ascii()).then(|| text.chars().take(COMPARED).collect());
        out.wide = texts.iter().map(|text| wide(text)).collect();
        out.heads = vec![Head::default(); texts.len()];
        for (head, text) in out.heads.iter_mut().zip(texts) {
            head.letters(text);
        }
    }
    if need(&[M::Jaccard, M::Common]) {
        out.heads.resize(texts.len(), Head::default());
        // Numbers by a hash of the word, so that words of two columns can be told to be the same.
        let number = |word: &str| super::hash::word(word);
        let mut numbers: Vec<u32> = Vec::new();
        for (head, text) in out.heads.iter_mut().zip(texts) {
            numbers.clear();
            match array {
                Some(separator) => numbers.extend(text::elements(text, separator).take(MOST_WORDS).map(number)),
                None => numbers.extend(text::words(text).take(MOST_WORDS).map(number)),
            }
            numbers.sort_unstable();
            numbers.dedup();
            head.words = numbers.iter().fold(0, |bits, number| bits | 1 << (number >> 26));
            head.count = numbers.len() as u16;
            out.starts.push(out.words.len());
            out.words.extend_from_slice(&numbers);
        }
    }
    if need(&[M::Bigrams]) {
        let set = |text: &str| {
            let chars: Vec<char> = text.chars().take(COMPARED).collect();
            let mut pairs: Vec<u32> =
                chars.windows(2).map(|two| (two[0] as u32).wrapping_mul(0x9E37_79B1) ^ two[1] as u32).collect();
            pairs.sort_unstable();
            pairs.dedup();
            pairs.into_boxed_slice()
        };
        out.bigrams = texts.iter().map(|text| set(text)).collect();
    }
    if need(&[M::Days, M::Months, M::Years, M::Swapped, M::JanuaryFirst]) {
        out.days = texts.iter().map(|text| Day::of_digits(text)).collect();
    }
    if need(&[M::Difference, M::Percent]) {
        let number = |text: &str| text.replace([',', ' '], "").parse::<f64>().ok().filter(|n| n.is_finite());
        out.numbers = texts.iter().map(|text| number(text)).collect();
    }
    out
}

/// Numbers for tuples of numbers in the order in which they come, and the columns of these tuples; 0 is all zeros.
fn fold(columns: &[&[u32]], len: usize) -> (Vec<u32>, Vec<Vec<u32>>) {
    let mut numbers = vec![0u32; len];
    let mut firsts = Vec::new();
    let mut known: FxHashMap<u64, u32> = FxHashMap::default();
    // One column after the other: a pair of what stands for the columns before it and its own value.
    for column in columns {
        known.clear();
        known.insert(0, 0);
        firsts.clear();
        for (row, (number, value)) in numbers.iter_mut().zip(*column).enumerate() {
            let next = known.len() as u32;
            *number = *known.entry(u64::from(*number) << 32 | u64::from(*value)).or_insert_with(|| {
                firsts.push(row);
                next
            });
        }
    }
    let of = |column: &&[u32]| std::iter::once(0).chain(firsts.iter().map(|row| column[*row])).collect();
    let values = columns.iter().map(of).collect();
    (numbers, values)
}

/// The value of one expression that each value of another is; 0 where it has none.
fn translate(data: &Data, [first, second]: [usize; 2]) -> Vec<u32> {
    let numbers: FxHashMap<&str, u32> = data.features[first].texts.iter().map(|text| &**text).zip(0..).collect();
    data.features[second].texts.iter().map(|text| numbers.get(&**text).copied().unwrap_or(0)).collect()
}

impl Matcher {
    fn new(comparison: &Comparison, data: &Data) -> Self {
        let mut exprs: Vec<usize> = Vec::new();
        let mut gauges: Vec<Gauge> = Vec::new();
        let mut tests = Vec::new();
        for level in &comparison.levels {
            let mut runs = Vec::new();
            for Test { measure, of, at, more } in &level.tests {
                let of = of.map(|expr| {
                    exprs.iter().position(|known| *known == expr).unwrap_or_else(|| {
                        exprs.push(expr);
                        exprs.len() - 1
                    })
                });
                let gauge = gauges.iter().position(|g| g.measure == *measure && g.of == of).unwrap_or_else(|| {
                    let two = *measure == Measure::Exact && of[0] != of[1];
                    let same = if two { translate(data, of.map(|at| exprs[at])) } else { Vec::new() };
                    gauges.push(Gauge { measure: *measure, of, bound: *at, same });
                    gauges.len() - 1
                });
                let bound = &mut gauges[gauge].bound;
                *bound = if *more { bound.min(*at) } else { bound.max(*at) };
                runs.push(Run { gauge, at: *at, more: *more });
            }
            tests.push(runs);
        }
        let columns: Vec<&[u32]> = exprs.iter().map(|e| data.features[*e].of_row.as_slice()).collect();
        let (of_row, operands) = match columns.as_slice() {
            [only] => (only.to_vec(), vec![(0..data.features[exprs[0]].texts.len() as u32).collect()]),
            all => fold(all, data.rows),
        };
        let values = operands.first().map_or(1, Vec::len);
        let rarity = comparison.levels.iter().zip(&tests).map(|(level, runs)| {
            level.frequency.then(|| {
                let mut of: Vec<usize> = runs.iter().map(|run| gauges[run.gauge].of[0]).collect();
                of.sort_unstable();
                of.dedup();
                let columns: Vec<&[u32]> = of.iter().map(|at| operands[*at].as_slice()).collect();
                match columns.as_slice() {
                    [only] => only.to_vec(),
                    all => fold(all, values).0,
                }
            })
        });
        let rarity = rarity.collect();
        let side_by_side = if exprs.len() == 1 {
            Vec::new()
        } else {
            (0..values).flat_map(|number| operands.iter().map(move |of| of[number])).collect()
        };
        let plain = exprs.len() == 1
            && matches!(gauges.as_slice(), [Gauge { measure: Measure::Exact, .. }])
            && matches!(tests.as_slice(), [only] if only.len() == 1);
        let levels = comparison.levels.len();
        Self { levels, of_row, tests, gauges, operands: exprs, values: side_by_side, plain, rarity }
    }

    /// The value of a number in an operand.
    #[inline]
    fn value(&self, operand: usize, number: u32) -> u32 {
        match self.operands.len() {
            1 => number,
            all => self.values[number as usize * all + operand],
        }
    }
}

/// A thread's memory of levels that it has found: the same two values meet again and again.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Two numbers of 30 bits and their level.
    known: Vec<Vec<u64>>,
}

impl Memory {
    pub(super) fn new(comparisons: usize) -> Self {
        Self { known: vec![vec![0; REMEMBERED]; comparisons] }
    }

    #[inline]
    pub(super) fn level(&mut self, matchers: &Matchers<'_>, of: usize, x: u32, y: u32) -> u8 {
        if x == 0 || y == 0 {
            return 0;
        }
        if matchers.all[of].plain {
            return if x == y { 1 } else { 2 };
        }
        let (x, y) = (x.min(y), x.max(y));
        let key = u64::from(x) << 30 | u64::from(y);
        let place = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 50) as usize;
        let entry = &mut self.known[of][place];
        if *entry >> 4 != key {
            *entry = key << 4 | u64::from(matchers.level(of, x, y));
        }
        (*entry & 15) as u8
    }

    /// Finds the patterns of pairs: all levels of two rows, four bits each. One comparison after the other, so that what it
    /// needs stays near.
    pub(super) fn compare(&mut self, matchers: &Matchers<'_>, pairs: &mut [Pair]) {
        for (of, matcher) in matchers.all.iter().enumerate() {
            for pair in pairs.iter_mut() {
                let level = self.level(matchers, of, matcher.of_row[pair.a as usize], matcher.of_row[pair.b as usize]);
                pair.pattern |= u64::from(level) << (4 * of);
            }
        }
    }
}

/// The level of a comparison in a pattern.
#[inline]
pub(super) fn level_of(pattern: u64, comparison: usize) -> usize {
    (pattern >> (4 * comparison)) as usize & 15
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(text: &str) -> Head {
        let mut head = Head::default();
        head.letters(text);
        head
    }

    #[test]
    fn values_without_common_letters_are_given_up_and_alike_ones_are_not() {
        assert!(hopeless(Measure::JaroWinkler, 0.5, &head("maria"), &head("john")));
        assert!(hopeless(Measure::Damerau, 1.0, &head("k1a 0b1"), &head("k2a 0b3")));
        assert!(!hopeless(Measure::JaroWinkler, 0.9, &head("martha"), &head("marhta")));
        assert!(!hopeless(Measure::Damerau, 1.0, &head("ab"), &head("ba")));
    }

    fn value() -> impl Strategy<Value = String> {
        prop_oneof!["[a-e]{1,9}", "[张伟é a]{1,6}", "a{250,260}", "[ab]{1,300}"]
    }

    proptest! {
        #[test]
        fn what_is_given_up_would_not_have_sufficed(a in value(), b in value(), bound in 0.0..1.0f64, same in 0..9usize) {
            // Two that begin alike, so that there is something near the bound.
            let b: String = a.chars().take(same).chain(b.chars()).collect();
            let cut = |text: &str| text.chars().take(COMPARED).collect::<Vec<char>>();
            let (p, q) = (cut(&a), cut(&b));
            for measure in [Measure::Jaro, Measure::JaroWinkler, Measure::LevenshteinShare, Measure::DamerauShare] {
                if hopeless(measure, bound, &head(&a), &head(&b)) {
                    let value = alike(measure, bound, &p, &q);
                    prop_assert!(value < bound, "{measure:?} {value}");
                }
            }
            let edits = (bound * 12.0).floor();
            for measure in [Measure::Levenshtein, Measure::Damerau] {
                if hopeless(measure, edits, &head(&a), &head(&b)) {
                    prop_assert!(alike(measure, edits, &p, &q) > edits);
                }
            }
        }
    }
}
