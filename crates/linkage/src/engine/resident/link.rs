//! A list against a packed register: every row of the list is looked up under its keys. The pairs are the very pairs that
//! streaming the register past the list finds, and so is everything that comes of them.

use std::collections::{HashMap, HashSet};
use std::hint::black_box;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::record::unpack;
use super::{Resident, ResidentError, Segment, shelf_keys};
use crate::engine::block::{CROWD, Crowd, KEYS, Keys, RULE_OF, RULES, Side, count_left_out, keys, spread};
use crate::engine::levels::compare;
use crate::engine::model::{Expected, Frequency, Shares};
use crate::engine::person::Person;
use crate::engine::stream::{Found, Hit, MOST};
use crate::engine::{ASSUMED_REGISTRY, FLOOR, Linked, List, Model, Options, Report, conclude};

/// Rows of the list that are looked up together: stages are loops of independent loads.
const BATCH: usize = 64;
/// Candidates looked at together at most, in about; a row with more is taken in parts.
const TOGETHER: usize = 1 << 20;

impl Resident {
    /// Links a list to the register: the same matches with the same bits as [`super::super::link`] over its rows.
    ///
    /// Memory: about 300 bytes a row of the list, and what is touched of the file.
    ///
    /// # Errors
    /// [`ResidentError::Damaged`] if anything that was used is not what was written, [`ResidentError::Model`] if the
    /// model is not valid.
    pub fn link(&self, list: &List, model: &Model, options: Options) -> Result<Linked, ResidentError> {
        let given = model.shares().map_err(ResidentError::Model)?;
        let clock = Instant::now();
        let mut report = Report { list: list.people.len() as u64, ..Report::default() };
        let worth = Expected::new(&Shares::prior(), list.people.len() as u64, ASSUMED_REGISTRY).worth();
        let (order, (crowded, crowds, unsought)) = std::thread::scope(|scope| {
            let order = scope.spawn(|| order(&list.people));
            let crowds = crowds(&list.people);
            (order.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), crowds)
        });
        for (rule, crowd) in report.rules.iter_mut().zip(crowds) {
            (rule.crowded_keys, rule.crowded_rows) = (crowd.keys, crowd.rows);
        }
        report.unsought = unsought;
        report.seconds[0] = clock.elapsed().as_secs_f64();

        let clock = Instant::now();
        let shared = Shared { resident: self, list: &list.people, order, crowded, worth: &worth };
        let (mut found, frequencies) = shared.run(options.threads);
        if options.train {
            self.draw(&mut found, options.threads);
        }
        found.registry = self.rows;
        self.name_rows(&mut found);
        found.compact(&worth);
        found.pack_rows();
        self.sound()?;
        report.seconds[1] = clock.elapsed().as_secs_f64();
        Ok(conclude(list, found, &frequencies, (model, given), options, (true, false), report).0)
    }

    /// Numbers the persons who were hit, and keeps their keys.
    fn name_rows(&self, found: &mut Found) {
        let mut rows: Vec<u32> = found.hits.iter().map(|hit| hit.right).collect();
        rows.sort_unstable();
        rows.dedup();
        for row in &rows {
            found.rows.push(self.key_of(*row));
        }
        for hit in &mut found.hits {
            hit.right = rows.binary_search(&hit.right).unwrap_or(0) as u32;
        }
    }

    /// The key of a row, counted through all files.
    pub(super) fn key_of(&self, mut row: u32) -> &[u8] {
        for segment in &self.segments {
            if row < segment.rows {
                return segment.key(row);
            }
            row -= segment.rows;
        }
        &[]
    }

    /// The person of a row, counted through all files.
    pub(super) fn person_of(&self, mut row: u32) -> Option<Person> {
        for segment in &self.segments {
            if row < segment.rows {
                return segment.record(row).map(unpack);
            }
            row -= segment.rows;
        }
        None
    }

    /// Draws the persons that a model is trained on: those that streaming would draw.
    fn draw(&self, found: &mut Found, threads: usize) {
        for (at, segment) in self.segments.iter().enumerate() {
            let share = segment.rows.div_ceil(threads.max(1) as u32).max(1);
            let parts: Vec<Found> = std::thread::scope(|scope| {
                let workers: Vec<_> = (0..threads.max(1) as u32)
                    .map(|t| {
                        scope.spawn(move || {
                            let mut part = Found::new(0);
                            let to = share.saturating_mul(t + 1).min(segment.rows);
                            for row in (share.saturating_mul(t)..to).filter(|row| !self.is_dead(at, *row)) {
                                if let Some(record) = segment.record(row) {
                                    let person = unpack(record);
                                    let key = segment.key_at(super::record::key_of(record));
                                    part.draw(person.ticket(key), &person);
                                }
                            }
                            part
                        })
                    })
                    .collect();
                workers.into_iter().map(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
            });
            for part in parts {
                found.merge(part);
            }
        }
        found.order_sample();
    }
}

/// Rows of the list by birth date, as the register stands: whoever shares it with the next row is in the cache already.
fn order(list: &[Person]) -> Vec<u32> {
    let mut order: Vec<(u32, u32)> = list.iter().zip(0..).map(|(person, row)| (person.birth, row)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, row)| row).collect()
}

/// Keys that too many rows of the list share, what stands under them, and how many rows have no other key.
fn crowds(list: &[Person]) -> (HashSet<u64>, [Crowd; RULES.len()], u64) {
    // A count for each of some millions of places shows which keys may be meant, and only those are counted truly.
    let bits = (list.len() * 16).next_power_of_two().trailing_zeros().clamp(10, 24);
    let place = |key: u64| (spread(key) >> (64 - bits)) as usize;
    let mut rough = vec![0u8; 1 << bits];
    let mut own = Keys::default();
    for person in list {
        keys(person, Side::List, &mut own);
        for key in own.block.iter().filter(|key| **key != 0) {
            let count = &mut rough[place(*key)];
            *count = count.saturating_add(1);
        }
    }
    let mut true_counts: HashMap<u64, (u64, u8)> = HashMap::new();
    // Rows under keys that may be meant, and those that have another key for certain.
    let (mut under, mut sought) = (Vec::new(), vec![false; list.len()]);
    if rough.iter().any(|count| usize::from(*count) > CROWD) {
        for (row, person) in list.iter().enumerate() {
            keys(person, Side::List, &mut own);
            for (no, key) in own.block.iter().enumerate().filter(|(_, key)| **key != 0) {
                if usize::from(rough[place(*key)]) > CROWD {
                    let (count, first) = true_counts.entry(*key).or_insert((0, KEYS as u8));
                    *count += 1;
                    *first = (*first).min(no as u8);
                    under.push((*key, row as u32));
                } else {
                    sought[row] = true;
                }
            }
        }
    }
    let mut crowds = [Crowd::default(); RULES.len()];
    true_counts.retain(|_, (count, _)| *count > CROWD as u64);
    for (_, no) in true_counts.values() {
        crowds[usize::from(RULE_OF[usize::from(*no)])].keys += 1;
    }
    let mut left_out = Vec::new();
    for (key, row) in under {
        match true_counts.get(&key) {
            Some((_, no)) => left_out.push((RULE_OF[usize::from(*no)], row)),
            None => sought[row as usize] = true,
        }
    }
    let unsought = count_left_out(left_out, &mut crowds, |row| !sought[row as usize]);
    (true_counts.into_keys().collect(), crowds, unsought)
}

/// By where a batch begins in [`Shared::order`], how often the values of its rows stand in the register.
type Counted = Vec<(usize, Vec<Frequency>)>;

struct Shared<'a> {
    resident: &'a Resident,
    list: &'a [Person],
    /// In which order rows are looked up.
    order: Vec<u32>,
    crowded: HashSet<u64>,
    worth: &'a [f32],
}

impl Shared<'_> {
    /// Looks up all rows on several threads.
    fn run(&self, threads: usize) -> (Found, Vec<Frequency>) {
        let next = AtomicUsize::new(0);
        let results: Mutex<Vec<(Found, Counted)>> = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..threads.max(1) {
                scope.spawn(|| {
                    let mut worker = Worker::new(self);
                    let mut counted = Vec::new();
                    loop {
                        let from = next.fetch_add(BATCH, Ordering::Relaxed);
                        if from >= self.list.len() {
                            break;
                        }
                        counted.push((from, worker.batch(from..(from + BATCH).min(self.list.len()))));
                    }
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((worker.found, counted));
                });
            }
        });
        let mut found = Found::new(0);
        let mut frequencies = vec![Frequency::default(); self.list.len()];
        for (part, counted) in results.into_inner().unwrap_or_else(PoisonError::into_inner) {
            found.merge(part);
            for (from, some) in counted {
                for (row, frequency) in self.order[from..].iter().zip(some) {
                    frequencies[*row as usize] = frequency;
                }
            }
        }
        (found, frequencies)
    }
}

/// A key of a row of the list.
#[derive(Clone, Copy)]
struct Lookup {
    key: u64,
    /// Within the batch.
    row: u32,
    /// Number of the key.
    no: u8,
}

struct Worker<'a> {
    shared: &'a Shared<'a>,
    found: Found,
    keys: Vec<Keys>,
    lookups: Vec<Lookup>,
    buckets: Vec<(u32, u32)>,
    /// Pairs of a row of the batch and a row of the register, with a bit for each number of a key.
    candidates: Vec<(u64, u32)>,
    rivals: Vec<Person>,
    fresh: Vec<Hit>,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared<'a>) -> Self {
        Self {
            shared,
            found: Found::new(0),
            keys: vec![Keys::default(); BATCH],
            lookups: Vec::new(),
            buckets: Vec::new(),
            candidates: Vec::new(),
            rivals: Vec::new(),
            fresh: Vec::new(),
        }
    }

    fn batch(&mut self, places: Range<usize>) -> Vec<Frequency> {
        let shared = self.shared;
        let rows = &shared.order[places];
        self.lookups.clear();
        for (row, (listed, own)) in rows.iter().zip(&mut self.keys).enumerate() {
            keys(&shared.list[*listed as usize], Side::List, own);
            for (no, key) in own.block.iter().enumerate() {
                if *key != 0 && (shared.crowded.is_empty() || !shared.crowded.contains(key)) {
                    self.lookups.push(Lookup { key: *key, row: row as u32, no: no as u8 });
                }
            }
        }
        let mut base = 0;
        self.fresh.clear();
        for (at, segment) in shared.resident.segments.iter().enumerate() {
            self.buckets.clear();
            self.buckets.extend(self.lookups.iter().map(|l| {
                segment.shelves[usize::from(RULE_OF[usize::from(l.no)])].bucket(&segment.file, spread(l.key))
            }));
            let size = |(from, to): &(u32, u32)| (to - from) as usize;
            if self.buckets.iter().map(size).sum::<usize>() <= TOGETHER {
                self.pairs(rows, (at, base), 0..self.lookups.len(), 0..segment.rows);
            } else {
                // Each row by itself, and where even that is too much, a part of the register at a time.
                let mut from = 0;
                while from < self.lookups.len() {
                    let row = self.lookups[from].row;
                    let len = self.lookups[from..].iter().take_while(|l| l.row == row).count();
                    let most: usize = self.buckets[from..from + len].iter().map(size).sum();
                    let parts = most.div_ceil(TOGETHER).max(1) as u32;
                    let share = segment.rows.div_ceil(parts).max(1);
                    for part in 0..parts {
                        let to = share.saturating_mul(part + 1).min(segment.rows);
                        self.pairs(rows, (at, base), from..from + len, share.saturating_mul(part).min(to)..to);
                    }
                    from += len;
                }
            }
            base += segment.rows;
        }
        self.sift();
        if let Some(segment) = shared.resident.segments.first() {
            self.buckets.clear();
            let keys = self.keys[..rows.len()].iter().flat_map(|own| own.count);
            self.buckets.extend(keys.map(|key| segment.counts.bucket(&segment.file, spread(key))));
            let first = |bucket| segment.counts.entries(&segment.file, bucket, 8).first().copied().unwrap_or(0);
            black_box(self.buckets.iter().fold(0, |all, bucket| all ^ first(*bucket)));
        }
        self.keys[..rows.len()]
            .iter()
            .map(|own| {
                let [name, sound, phone] = own.count.map(|key| shared.resident.count(key));
                Frequency { name, sound, phone }
            })
            .collect()
    }

    /// Compares what some look-ups lead to in a part of one file.
    fn pairs(&mut self, listed: &[u32], (at, base): (usize, u32), lookups: Range<usize>, part: Range<u32>) {
        let shared = self.shared;
        let segment: &Segment = &shared.resident.segments[at];
        let lookups = &self.lookups[lookups.clone()].iter().zip(&self.buckets[lookups]);
        // One byte of each bucket is loaded before any is read: the loads wait for memory together.
        let mut touched = 0u8;
        for (lookup, bucket) in lookups.clone() {
            let shelf = &segment.shelves[usize::from(RULE_OF[usize::from(lookup.no)])];
            touched ^= shelf.entries(&segment.file, *bucket, 5).first().copied().unwrap_or(0);
        }
        black_box(touched);
        self.candidates.clear();
        for (lookup, bucket) in lookups.clone() {
            let shelf = &segment.shelves[usize::from(RULE_OF[usize::from(lookup.no)])];
            let tag = (spread(lookup.key) >> (shelf.shift - 8)) as u8;
            for row in Segment::under(shelf.entries(&segment.file, *bucket, 5), tag) {
                if part.contains(&row) {
                    self.candidates.push((u64::from(lookup.row) << 32 | u64::from(row), 1u32 << lookup.no));
                } else if row >= segment.rows {
                    segment.file.note(0);
                }
            }
        }
        self.candidates.sort_unstable_by_key(|(pair, _)| *pair);
        self.candidates.dedup_by(|later, first| {
            let same = later.0 == first.0;
            first.1 |= if same { later.1 } else { 0 };
            same
        });
        if at == 0 && !shared.resident.dead.is_empty() {
            self.candidates.retain(|(pair, _)| !shared.resident.is_dead(at, *pair as u32));
        }
        let mut touched = 0u8;
        for (pair, _) in &self.candidates {
            touched ^= segment.record(*pair as u32).map_or(0, |record| record[0]);
        }
        black_box(touched);
        self.rivals.clear();
        self.rivals.extend(
            self.candidates.iter().map(|(pair, _)| segment.record(*pair as u32).map(unpack).unwrap_or_default()),
        );
        let found = &mut self.found;
        for ((pair, nos), registered) in self.candidates.iter().zip(&self.rivals) {
            let row = (pair >> 32) as usize;
            let rules = agreed(&self.keys[row], *nos, registered);
            if rules == 0 {
                continue;
            }
            let left = listed[row];
            let pattern = compare(&shared.list[left as usize], registered);
            found.count_pair(pattern, rules);
            if shared.worth[pattern.index()] >= FLOOR {
                self.fresh.push(Hit { left, right: base + *pair as u32, pattern, rules });
            }
        }
    }

    /// Of each row the best candidates go on.
    fn sift(&mut self) {
        let Self { shared, found, fresh, .. } = self;
        // Rows of the batch come one after another in each file, but not through all files.
        fresh.sort_by_key(|hit| hit.left);
        for group in fresh.chunk_by_mut(|a, b| a.left == b.left) {
            if group.len() > MOST {
                let key = |hit: &Hit| shared.resident.key_of(hit.right);
                group.sort_unstable_by(|a, b| {
                    let worth = |hit: &Hit| -shared.worth[hit.pattern.index()];
                    worth(a)
                        .total_cmp(&worth(b))
                        .then_with(|| key(a).cmp(key(b)))
                        .then_with(|| a.pattern.cmp(&b.pattern))
                });
                found.dropped += (group.len() - MOST) as u64;
            }
            found.hits.extend_from_slice(&group[..group.len().min(MOST)]);
        }
    }
}

/// Rules whose keys the two truly share, of those under which they were found: a tag is a part of a key only.
#[inline]
fn agreed(own: &Keys, nos: u32, registered: &Person) -> u16 {
    let mut rules = 0u16;
    let mut rest = nos;
    while rest != 0 {
        let no = rest.trailing_zeros() as usize;
        rest &= rest - 1;
        let rule = usize::from(RULE_OF[no]);
        if rules & (1 << rule) == 0 && shelf_keys(registered, rule).contains(&own.block[no]) {
            rules |= 1 << rule;
        }
    }
    rules
}
