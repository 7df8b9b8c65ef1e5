//! The registry streams past the list once: every row is packed, looked up under its keys, and compared with what it
//! hits. Stages of a batch are loops of independent loads, so that the processor waits for many of them at once.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::block::{Index, KEYS, PHONE_KEY, RULE_OF, RULES, Side, Sounds, Tally, counted_names, each_key};
use super::csv::{Blocks, Columns};
use super::hash::repeated;
use super::levels::{PATTERNS, Pattern, compare};
use super::person::Person;

/// Rows of one batch.
const BATCH: usize = 64;
/// Candidates kept for one row of the list; of more than this the best are kept.
pub(super) const MOST: usize = 48;
/// Registered persons drawn for estimating how often strangers agree, at least and at most (unless there are fewer).
const SAMPLE: usize = 16_384;

/// A pair that was found and may be a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    /// Row of the list.
    pub(super) left: u32,
    /// Place in [`Found::rows`].
    pub(super) right: u32,
    pub(super) pattern: Pattern,
    /// A bit for each rule that found it.
    pub(super) rules: u16,
}

/// Keys of registered persons that were hit.
#[derive(Debug, Default)]
pub(super) struct Rows {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Rows {
    pub(super) fn push(&mut self, key: &[u8]) -> u32 {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
        (self.ends.len() - 1) as u32
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many of the keys were there before.
    pub(super) fn repeated(&self) -> u64 {
        repeated((0..self.len() as u32).map(|at| self.get(at)))
    }

    pub(super) fn get(&self, at: u32) -> &[u8] {
        let at = at as usize;
        let from = if at == 0 { 0 } else { self.ends.get(at - 1).copied().unwrap_or(0) };
        self.ends.get(at).and_then(|end| self.bytes.get(from..*end)).unwrap_or_default()
    }

    fn append(&mut self, other: &Self) {
        let base = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.ends.extend(other.ends.iter().map(|end| end + base));
    }
}

/// Everything that one pass over the registry tells.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Rows of the registry.
    pub(super) registry: u64,
    pub(super) hits: Vec<Hit>,
    pub(super) rows: Rows,
    /// How many pairs of each pattern were found, kept or not.
    pub(super) histogram: Vec<u32>,
    /// How often each counted value of the list stands in the registry.
    pub(super) counts: Vec<u32>,
    /// Pairs that each rule found, and pairs that no other rule found.
    pub(super) rule_pairs: [(u64, u64); RULES.len()],
    pub(super) pairs: u64,
    /// Candidates beyond [`MOST`] that were let go.
    pub(super) dropped: u64,
    /// Registered persons for the sample, under their lots.
    pub(super) sample: Vec<(u64, Person)>,
    sample_mask: u64,
}

impl Found {
    pub(super) fn new(counts: usize) -> Self {
        Self { histogram: vec![0; PATTERNS], counts: vec![0; counts], ..Self::default() }
    }

    /// Draws by the row's lot, so that the sample is the same whatever the order and the number of threads.
    #[inline]
    pub(super) fn draw(&mut self, lot: u64, person: &Person) {
        // The lowest bit of a hash is always set.
        if (lot >> 1) & self.sample_mask != 0 {
            return;
        }
        self.sample.push((lot, *person));
        self.thin();
    }

    fn thin(&mut self) {
        while self.sample.len() > 2 * SAMPLE && self.sample_mask < u64::MAX >> 2 {
            self.sample_mask = self.sample_mask << 1 | 1;
            let mask = self.sample_mask;
            self.sample.retain(|(lot, _)| (lot >> 1) & mask == 0);
        }
    }

    /// Orders the sample, so that it does not matter in which order rows came.
    pub(super) fn order_sample(&mut self) {
        self.sample.sort_unstable_by(|(lot, a), (other, b)| lot.cmp(other).then_with(|| a.order().cmp(&b.order())));
    }

    /// Counts a pair under its pattern and the rules that found it.
    #[inline]
    pub(super) fn count_pair(&mut self, pattern: Pattern, rules: u16) {
        let cell = &mut self.histogram[pattern.index()];
        *cell = cell.saturating_add(1);
        self.pairs += 1;
        let alone = u64::from(rules.count_ones() == 1);
        let mut bits = rules;
        while bits != 0 {
            let rule = bits.trailing_zeros() as usize;
            self.rule_pairs[rule].0 += 1;
            self.rule_pairs[rule].1 += alone;
            bits &= bits - 1;
        }
    }

    /// Of each row of the list the best candidates; ties by the keys of the registry, never by where they stood.
    pub(super) fn compact(&mut self, worth: &[f32]) {
        let rows = &self.rows;
        let rank = |h: &Hit| (-worth[h.pattern.index()], rows.get(h.right));
        self.hits.sort_unstable_by(|a, b| {
            let ((x, k), (y, l)) = (rank(a), rank(b));
            a.left.cmp(&b.left).then(x.total_cmp(&y)).then(k.cmp(l)).then(a.pattern.cmp(&b.pattern))
        });
        let before = self.hits.len();
        let (mut left, mut seen) = (u32::MAX, 0);
        self.hits.retain(|h| {
            seen = if h.left == left { seen + 1 } else { 1 };
            left = h.left;
            seen <= MOST
        });
        self.dropped += (before - self.hits.len()) as u64;
    }

    /// Lets go of keys that no hit needs.
    pub(super) fn pack_rows(&mut self) {
        let mut moved = vec![u32::MAX; self.rows.len()];
        let mut kept = Rows::default();
        for hit in &mut self.hits {
            let to = &mut moved[hit.right as usize];
            if *to == u32::MAX {
                *to = kept.push(self.rows.get(hit.right));
            }
            hit.right = *to;
        }
        self.rows = kept;
    }

    pub(super) fn merge(&mut self, mut other: Self) {
        self.registry += other.registry;
        let base = self.rows.len() as u32;
        self.rows.append(&other.rows);
        self.hits.extend(other.hits.drain(..).map(|h| Hit { right: h.right + base, ..h }));
        for (a, b) in self.histogram.iter_mut().zip(&other.histogram) {
            *a = a.saturating_add(*b);
        }
        for (a, b) in self.counts.iter_mut().zip(&other.counts) {
            *a = a.saturating_add(*b);
        }
        for (a, b) in self.rule_pairs.iter_mut().zip(&other.rule_pairs) {
            *a = (a.0 + b.0, a.1 + b.1);
        }
        self.pairs += other.pairs;
        self.dropped += other.dropped;
        let mask = self.sample_mask.max(other.sample_mask);
        self.sample.append(&mut other.sample);
        self.sample.retain(|(lot, _)| (lot >> 1) & mask == 0);
        self.sample_mask = mask;
        self.thin();
    }
}

/// The small side, ready to be looked up.
pub(super) struct Prepared<'a> {
    pub(super) list: &'a [Person],
    pub(super) index: Index,
    /// Names and sounds of the list, which are counted in the registry.
    pub(super) names: Tally,
    /// Its phones, likewise.
    pub(super) phones: Tally,
    /// What a pattern is worth before anything is learned, in bits.
    pub(super) worth: &'a [f32],
    /// Pairs worth less are counted and not kept.
    pub(super) floor: f32,
    /// Whether registered persons are drawn: only what is trained needs them.
    pub(super) draw: bool,
}

/// A registry that hands itself out in pieces, to several threads at once.
pub(super) trait People: Sync {
    /// What a thread keeps from one piece to the next.
    type Piece: Default;

    /// Hands the persons of the next piece with the keys of their rows to `each`; false when there are none left.
    fn next_piece(&self, piece: &mut Self::Piece, each: impl FnMut(&[u8], Person)) -> io::Result<bool>;
}

/// A registry that is a table of text.
pub(super) struct Text<'a> {
    pub(super) blocks: &'a dyn Blocks,
    pub(super) columns: &'a Columns,
}

impl People for Text<'_> {
    type Piece = Vec<u8>;

    #[inline]
    fn next_piece(&self, piece: &mut Vec<u8>, mut each: impl FnMut(&[u8], Person)) -> io::Result<bool> {
        let more = self.blocks.next_block(piece)?;
        if more {
            self.columns.each(piece, |row| each(row.key, Person::read(row)));
        } else {
            // The last thread to come here knows of all rows.
            self.columns.whole()?;
        }
        Ok(more)
    }
}

/// Streams the registry past the list on `threads` threads.
pub(super) fn stream<P: People>(prepared: &Prepared<'_>, registry: &P, threads: usize) -> io::Result<Found> {
    let failed = AtomicBool::new(false);
    let results: Mutex<Vec<io::Result<Found>>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                let mut worker = Worker::new(prepared);
                let outcome = worker.run(registry, &failed);
                if outcome.is_err() {
                    failed.store(true, Ordering::Relaxed);
                }
                let found = outcome.map(|()| worker.done());
                results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(found);
            });
        }
    });
    let mut all = Found::new(prepared.names.counts().count() + prepared.phones.counts().count());
    for found in results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        all.merge(found?);
    }
    all.compact(prepared.worth);
    all.pack_rows();
    all.order_sample();
    Ok(all)
}

struct Worker<'a> {
    prepared: &'a Prepared<'a>,
    found: Found,
    /// Hits at which candidates are sifted.
    limit: usize,
    names: Tally,
    phones: Tally,
    people: Vec<Person>,
    row_keys: Rows,
    /// Keys, and where they came from.
    probes: Vec<(u64, u32)>,
    /// Names and sounds, by their keys.
    counts: Vec<u64>,
    buckets: Vec<(u32, u32)>,
    candidates: Vec<(u64, u16)>,
    rivals: Vec<Person>,
}

impl<'a> Worker<'a> {
    fn new(prepared: &'a Prepared<'a>) -> Self {
        Self {
            prepared,
            found: Found::new(0),
            limit: (prepared.list.len() * MOST / 2).clamp(1 << 16, 1 << 22),
            names: prepared.names.clone(),
            phones: prepared.phones.clone(),
            people: Vec::with_capacity(BATCH),
            row_keys: Rows::default(),
            probes: vec![(0, 0); BATCH * KEYS],
            counts: vec![0; BATCH * 2],
            buckets: Vec::new(),
            candidates: Vec::new(),
            rivals: Vec::new(),
        }
    }

    fn run<P: People>(&mut self, registry: &P, failed: &AtomicBool) -> io::Result<()> {
        let mut piece = P::Piece::default();
        let mut more = true;
        while more && !failed.load(Ordering::Relaxed) {
            more = registry.next_piece(&mut piece, |key, person| {
                if self.prepared.draw {
                    self.found.draw(person.ticket(key), &person);
                }
                self.people.push(person);
                self.row_keys.push(key);
                if self.people.len() == BATCH {
                    self.batch();
                }
            })?;
        }
        self.batch();
        Ok(())
    }

    fn done(mut self) -> Found {
        self.found.counts = self.names.counts().chain(self.phones.counts()).collect();
        self.found
    }

    fn batch(&mut self) {
        let Prepared { index, .. } = self.prepared;
        let found = &mut self.found;
        found.registry += self.people.len() as u64;
        let (mut probes, mut counts) = (0, 0);
        for (row, person) in self.people.iter().enumerate() {
            let sounds = Sounds::of(person);
            each_key(person, &sounds, Side::Registry, index.wanted, |no, key| {
                if let Some(probe) = self.probes.get_mut(probes) {
                    *probe = (key, (row * KEYS + no) as u32);
                    probes += 1;
                }
            });
            if !person.name.is_empty() {
                self.counts[counts..counts + 2].copy_from_slice(&counted_names(person, &sounds));
                counts += 2;
            }
        }
        // The bitmap answers first, and what it says moves the end of the list instead of deciding a jump, which would be
        // mispredicted as often as it says yes.
        let (made, mut kept) = (probes, 0);
        for at in 0..made {
            let probe = self.probes[at];
            self.probes[kept] = probe;
            kept += usize::from(index.table.maybe(probe.0));
        }
        let probes = &self.probes[..kept];
        let (made, mut kept) = (counts, 0);
        for at in 0..made {
            let key = self.counts[at];
            self.counts[kept] = key;
            kept += usize::from(index.table.maybe(key));
        }
        for key in &self.counts[..kept] {
            self.names.add(*key);
        }
        self.buckets.clear();
        self.buckets.extend(probes.iter().map(|(key, _)| index.table.bucket(*key)));
        self.candidates.clear();
        for ((key, place), bucket) in probes.iter().zip(&self.buckets) {
            let (row, no) = (*place as usize / KEYS, *place as usize % KEYS);
            let rule = 1u16 << RULE_OF[no];
            index.table.values(*key, *bucket, |left| {
                self.candidates.push(((row as u64) << 32 | u64::from(left), rule));
            });
            // A phone that the bitmap does not know is not on the list.
            if no == PHONE_KEY {
                self.phones.add(*key);
            }
        }
        self.candidates.sort_unstable_by_key(|(pair, _)| *pair);
        self.candidates.dedup_by(|later, first| {
            let same = later.0 == first.0;
            first.1 |= if same { later.1 } else { 0 };
            same
        });
        // Rows of the list are fetched together before any is compared: they lie anywhere in memory.
        self.rivals.clear();
        self.rivals.extend(self.candidates.iter().map(|(pair, _)| self.prepared.list[*pair as u32 as usize]));
        let mut stored = (u32::MAX, 0);
        for ((pair, rules), listed) in self.candidates.iter().zip(&self.rivals) {
            let (row, left, rules) = ((pair >> 32) as u32, *pair as u32, *rules);
            let pattern = compare(listed, &self.people[row as usize]);
            found.count_pair(pattern, rules);
            if self.prepared.worth[pattern.index()] >= self.prepared.floor {
                if stored.0 != row {
                    stored = (row, found.rows.push(self.row_keys.get(row)));
                }
                found.hits.push(Hit { left, right: stored.1, pattern, rules });
            }
        }
        self.people.clear();
        self.row_keys.bytes.clear();
        self.row_keys.ends.clear();
        if found.hits.len() > self.limit {
            found.compact(self.prepared.worth);
            found.pack_rows();
            self.limit = self.limit.max(found.hits.len() * 2);
        }
    }
}
