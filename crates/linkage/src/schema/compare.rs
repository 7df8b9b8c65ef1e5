//! Levels of pairs: what each comparison says of two rows.

use rapidfuzz::distance::{jaro, jaro_winkler, levenshtein, osa};
use rustc_hash::FxHashMap;

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
    /// The first characters, as bytes where all are ASCII.
    chars: Vec<Chars>,
    /// How many characters and which, one bit for several of them: two values that share few are not alike. Small and in
    /// one place, since most pairs are decided by it.
    letters: Vec<(u64, usize)>,
    words: Vec<Box<[u32]>>,
    bigrams: Vec<Box<[u32]>>,
    days: Vec<Option<Day>>,
    numbers: Vec<Option<f64>>,
}

#[derive(Debug)]
enum Chars {
    Ascii(Box<[u8]>),
    Wide(Box<[char]>),
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
    /// The value in each operand of each number.
    operands: Vec<Operand>,
    /// For each level whose agreement counts by its rarity, the number of what agrees.
    pub(super) rarity: Vec<Option<Vec<u32>>>,
}

#[derive(Debug)]
struct Operand {
    expr: usize,
    of: Vec<u32>,
}

/// A measure between two operands.
#[derive(Debug)]
struct Gauge {
    measure: Measure,
    of: [usize; 2],
    /// What decides least: a likeness below (or a distance above) need not be exact.
    bound: f64,
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
        let other = matcher.levels as u8 + 1;
        let mut known = [f64::NAN; 32];
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
        let [a, b] = gauge.of.map(|at| &matcher.operands[at]);
        let one = |x: u32, y: u32| self.between(gauge, a.expr, b.expr, a.of[x as usize], b.of[y as usize]);
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
        let (px, py) = (&self.prepared[a], &self.prepared[b]);
        let (x, y) = (x as usize, y as usize);
        let yes = |holds: bool| if holds { 1.0 } else { 0.0 };
        let days = || Some((px.days.get(x).copied()??, py.days.get(y).copied()??));
        let numbers = || Some((px.numbers.get(x).copied()??, py.numbers.get(y).copied()??));
        match gauge.measure {
            Measure::Exact if a == b => yes(x == y),
            Measure::Exact => yes(self.features[a].texts[x] == self.features[b].texts[y]),
            Measure::Jaccard => {
                let common = common(&px.words[x], &py.words[y]);
                let all = px.words[x].len() + py.words[y].len() - common;
                if all == 0 { NOTHING } else { common as f64 / all as f64 }
            }
            Measure::Bigrams => {
                let all = px.bigrams[x].len() + py.bigrams[y].len();
                if all == 0 { NOTHING } else { 2.0 * common(&px.bigrams[x], &py.bigrams[y]) as f64 / all as f64 }
            }
            Measure::Common => common(&px.words[x], &py.words[y]) as f64,
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
            likeness if hopeless(likeness, gauge.bound, px, x, py, y) => match likeness {
                Measure::Levenshtein | Measure::Damerau => gauge.bound + 1.0,
                _ => 0.0,
            },
            likeness => match (&px.chars[x], &py.chars[y]) {
                (Chars::Ascii(p), Chars::Ascii(q)) => alike(likeness, gauge.bound, p, q),
                (Chars::Wide(p), Chars::Wide(q)) => alike(likeness, gauge.bound, p, q),
                (Chars::Ascii(p), Chars::Wide(q)) => alike(likeness, gauge.bound, &wide(p), q),
                (Chars::Wide(p), Chars::Ascii(q)) => alike(likeness, gauge.bound, p, &wide(q)),
            },
        }
    }
}

/// Whether two values cannot reach the bound, by their lengths and letters alone: a letter that the other value lacks
/// takes part in no match and costs an edit.
#[inline]
fn hopeless(measure: Measure, bound: f64, px: &Prepared, x: usize, py: &Prepared, y: usize) -> bool {
    let ((own, n), (other, k)) = (px.letters[x], py.letters[y]);
    if n == 0 || k == 0 {
        return false;
    }
    let lacking = (own & !other).count_ones() as usize;
    let missed = (other & !own).count_ones() as usize;
    let edits = lacking.max(missed).max(n.abs_diff(k)) as f64;
    match measure {
        Measure::Jaro | Measure::JaroWinkler => {
            let matches = (n - lacking).min(k - missed) as f64;
            if matches == 0.0 {
                return true;
            }
            let jaro = (matches / n as f64 + matches / k as f64 + 1.0) / 3.0;
            let most = if measure == Measure::Jaro { jaro } else { jaro + 0.4 * (1.0 - jaro) };
            most < bound
        }
        Measure::Levenshtein | Measure::Damerau => edits > bound,
        Measure::LevenshteinShare | Measure::DamerauShare => 1.0 - edits / (n.max(k) as f64) < bound,
        _ => false,
    }
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
    let texts = &feature.texts;
    use Measure as M;
    if need(&[M::Jaro, M::JaroWinkler, M::Levenshtein, M::Damerau, M::LevenshteinShare, M::DamerauShare, M::Prefix]) {
        let cut = |text: &str| {
            if text.is_ascii() {
                Chars::Ascii(text.bytes().take(COMPARED).collect())
            } else {
                Chars::Wide(text.chars().take(COMPARED).collect())
            }
        };
        out.chars = texts.iter().map(|text| cut(text)).collect();
        let letters =
            |text: &str| text.chars().take(COMPARED).fold((0, 0), |(set, n), c| (set | 1u64 << (c as u32 & 63), n + 1));
        out.letters = texts.iter().map(|text| letters(text)).collect();
    }
    if need(&[M::Jaccard, M::Common]) {
        // Numbers by a hash of the word, so that words of two columns can be told to be the same.
        let set = |text: &str| {
            let number = |word: &str| super::hash::word(word);
            let mut numbers: Vec<u32> = match array {
                Some(separator) => text::elements(text, separator).take(MOST_WORDS).map(number).collect(),
                None => text::words(text).take(MOST_WORDS).map(number).collect(),
            };
            numbers.sort_unstable();
            numbers.dedup();
            numbers.into_boxed_slice()
        };
        out.words = texts.iter().map(|text| set(text)).collect();
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

/// Numbers for tuples of numbers: folded from the left, two at a time.
fn fold(columns: &[&[u32]], len: usize) -> (Vec<u32>, Vec<Vec<u32>>) {
    let mut known: FxHashMap<Vec<u32>, u32> = FxHashMap::default();
    let mut of: Vec<Vec<u32>> = columns.iter().map(|_| vec![0]).collect();
    known.insert(vec![0; columns.len()], 0);
    let mut tuple = vec![0; columns.len()];
    let numbers = (0..len)
        .map(|row| {
            for (place, column) in tuple.iter_mut().zip(columns) {
                *place = column[row];
            }
            if let Some(number) = known.get(&tuple) {
                return *number;
            }
            let number = known.len() as u32;
            known.insert(tuple.clone(), number);
            for (values, value) in of.iter_mut().zip(&tuple) {
                values.push(*value);
            }
            number
        })
        .collect();
    (numbers, of)
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
                    gauges.push(Gauge { measure: *measure, of, bound: *at });
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
        let operands = exprs.iter().zip(operands).map(|(expr, of)| Operand { expr: *expr, of }).collect();
        Self { levels: comparison.levels.len(), of_row, tests, gauges, operands, rarity }
    }
}

/// A thread's memory of levels that it has found: the same two values meet again and again.
#[derive(Debug, Default)]
pub(super) struct Memory {
    known: Vec<Vec<(u64, u8)>>,
}

impl Memory {
    pub(super) fn new(comparisons: usize) -> Self {
        Self { known: vec![vec![(0, 0); REMEMBERED]; comparisons] }
    }

    #[inline]
    pub(super) fn level(&mut self, matchers: &Matchers<'_>, of: usize, x: u32, y: u32) -> u8 {
        if x == 0 || y == 0 {
            return 0;
        }
        let (x, y) = (x.min(y), x.max(y));
        let key = u64::from(x) << 32 | u64::from(y);
        let place = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 50) as usize;
        let entry = &mut self.known[of][place];
        if entry.0 != key {
            *entry = (key, matchers.level(of, x, y));
        }
        entry.1
    }

    /// All levels of two rows, four bits each.
    #[inline]
    pub(super) fn pattern(&mut self, matchers: &Matchers<'_>, a: u32, b: u32) -> u64 {
        let mut pattern = 0;
        for (of, matcher) in matchers.all.iter().enumerate() {
            let level = self.level(matchers, of, matcher.of_row[a as usize], matcher.of_row[b as usize]);
            pattern |= u64::from(level) << (4 * of);
        }
        pattern
    }
}

/// The level of a comparison in a pattern.
#[inline]
pub(super) fn level_of(pattern: u64, comparison: usize) -> usize {
    (pattern >> (4 * comparison)) as usize & 15
}
