//! Which rows of a register are worth comparing: one rule after the other, every row under the rule's key, keys in order,
//! all pairs of rows that share one. A pair belongs to the first rule that finds it: whether an earlier one did is seen
//! from the two rows themselves, so that no set of pairs is kept.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use super::register::Register;
use crate::engine::block::{ROW_BITS, RULES};
use crate::engine::hash::Mix;
use crate::engine::levels::{PATTERNS, Pattern, compare_registered};
use crate::engine::model::Frequency;
use crate::engine::person::{IdKind, NAMED, Person, sound_hash};
use crate::engine::stream::Hit;

/// Rows that may share a key; of more only those with the same name are compared, and of too many of one name those that
/// are alike in everything, each with the next.
pub(super) const CROWD: usize = 128;
const CROWD_PAIRS: usize = CROWD * (CROWD - 1) / 2;
/// Rows that are fetched together.
const BATCH: usize = 256;
/// Rows of one part of the keys, which is put in order within the processor's cache.
const PART: usize = 1 << 14;
/// Pairs kept for each row of the register at most, all rows together.
const KEPT_PER_ROW: usize = 4;
/// As many are always kept.
const KEPT_AT_LEAST: usize = 1 << 18;

const PHONE_RULE: usize = 2;
const SOUND_TOWNSHIP: usize = 5;
const ENDS: usize = 1;
const NAME_COUNTY: usize = 8;

/// A person with what the rules ask for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Near {
    pub(super) person: Person,
    township: Option<u64>,
    sound: u64,
    /// Of the given name; 0 where there is none.
    given: u64,
    /// Of the two parts of a name with a middle dot; 0 where there are none.
    parts: [u64; 2],
    ends: Option<u64>,
    surname: u16,
}

impl Near {
    pub(super) fn new(person: Person) -> Self {
        let name = &person.name;
        let parts = name.parts().map_or([0; 2], |(a, b)| [sound_hash(100, a), sound_hash(100, b)]);
        let given = name.as_slice().get(1..).filter(|g| !g.is_empty()).map_or(0, |g| sound_hash(101, g));
        Self {
            township: township(&person),
            sound: name.sound_hash(100),
            given,
            parts,
            ends: person.id.ends(),
            surname: name.surname_sound(),
            person,
        }
    }

    fn has_parts(&self) -> bool {
        self.parts[0] != 0
    }

    fn is_masked(&self) -> bool {
        self.person.id.kind == IdKind::Masked
    }
}

fn township(p: &Person) -> Option<u64> {
    if p.village.depth == NAMED { Some(p.village.code) } else { p.village.prefix(9) }
}

/// Writes the keys of a person under a rule.
fn keys(rule: usize, p: &Person, mut out: impl FnMut(u64)) {
    let named = !p.name.is_empty();
    let surname = || u64::from(p.name.surname_sound());
    let birth = u64::from(p.birth);
    match rule {
        0 if p.id.is_full() => out(Mix::new(0).word(p.id.part(6, 17)).end()),
        ENDS if named => {
            if let Some(ends) = p.id.ends() {
                out(Mix::new(20).word(ends).word(surname()).end());
            }
        }
        PHONE_RULE if p.phone != 0 => out(Mix::new(3).word(p.phone).end()),
        3 if named && birth != 0 => out(Mix::new(4).word(birth).word(surname()).end()),
        4 if birth != 0 => {
            if let Some(township) = township(p) {
                out(Mix::new(5).word(birth).word(township).end());
            }
        }
        SOUND_TOWNSHIP if named => {
            if let Some(township) = township(p) {
                let key = |sound| Mix::new(6).word(township).word(sound).end();
                out(key(p.name.sound_hash(100)));
                for part in p.name.parts().into_iter().flat_map(|(a, b)| [a, b]) {
                    out(key(sound_hash(100, part)));
                }
            }
        }
        6 if named && birth != 0 => out(Mix::new(7).word(p.name.sound_hash(100)).word(birth / 10_000).end()),
        7 if named && birth != 0 => out(Mix::new(8).word(p.name.sound_hash(100)).word(birth % 10_000).end()),
        NAME_COUNTY if named => {
            if let Some(county) = p.village.prefix(6) {
                out(Mix::new(9).word(county).word(p.name.print).end());
            }
        }
        9 if p.village.depth >= 12 && p.house.group != 0 && p.house.number != 0 => {
            let house = u64::from(p.house.group) << 16 | u64::from(p.house.number);
            out(Mix::new(10).word(p.village.code).word(house).end());
        }
        10 if birth != 0 => {
            if let Some(given) = p.name.as_slice().get(1..).filter(|g| !g.is_empty()) {
                out(Mix::new(11).word(birth).word(sound_hash(101, given)).end());
            }
        }
        _ => {}
    }
}

/// Whether two rows share a key of the rule, and the rule is meant for them.
#[inline]
pub(super) fn shares(rule: usize, a: &Near, b: &Near) -> bool {
    let (p, q) = (&a.person, &b.person);
    let named = !p.name.is_empty() && !q.name.is_empty();
    let birth = p.birth != 0 && p.birth == q.birth;
    match rule {
        0 => p.id.is_full() && q.id.is_full() && p.id.part(6, 17) == q.id.part(6, 17),
        // Whole numbers have better keys than their ends.
        ENDS => {
            (a.is_masked() || b.is_masked()) && named && a.ends.is_some() && a.ends == b.ends && a.surname == b.surname
        }
        PHONE_RULE => p.phone != 0 && p.phone == q.phone,
        3 => birth && named && a.surname == b.surname,
        4 => birth && a.township.is_some() && a.township == b.township,
        SOUND_TOWNSHIP => named && a.township.is_some() && a.township == b.township && common_sound(a, b).is_some(),
        6 => named && a.sound == b.sound && p.birth != 0 && q.birth != 0 && p.birth / 10_000 == q.birth / 10_000,
        7 => named && a.sound == b.sound && p.birth != 0 && q.birth != 0 && p.birth % 10_000 == q.birth % 10_000,
        // In a county there are many of one name: they are looked at only where no birth date leads to fewer.
        NAME_COUNTY => {
            (p.birth == 0 || q.birth == 0)
                && named
                && p.name.print == q.name.print
                && p.village.prefix(6).is_some()
                && p.village.prefix(6) == q.village.prefix(6)
        }
        9 => {
            p.village.depth >= 12
                && q.village.depth >= 12
                && p.village.code == q.village.code
                && p.house == q.house
                && p.house.group != 0
                && p.house.number != 0
        }
        10 => birth && a.given != 0 && a.given == b.given,
        _ => false,
    }
}

/// The first of the sounds that two names, or parts of them, have in common.
fn common_sound(a: &Near, b: &Near) -> Option<u64> {
    if !a.has_parts() && !b.has_parts() {
        return (a.sound == b.sound).then_some(a.sound);
    }
    let all = |n: &Near| [n.sound, n.parts[0], n.parts[1]];
    let theirs = all(b);
    all(a).into_iter().filter(|s| *s != 0 && theirs.contains(s)).min()
}

/// The one key by which a rule finds two rows that share one.
fn pair_key(rule: usize, a: &Near, b: &Near) -> u64 {
    if rule == SOUND_TOWNSHIP {
        let (township, sound) = (a.township.unwrap_or(0), common_sound(a, b).unwrap_or(0));
        return Mix::new(6).word(township).word(sound).end();
    }
    let mut key = 0;
    keys(rule, &a.person, |k| key = k);
    key
}

/// Keys that too many rows share.
#[derive(Debug, Default)]
struct Crowds {
    keys: Vec<u64>,
    /// Keys and names that too many rows share.
    names: Vec<u64>,
}

fn key_and_name(key: u64, near: &Near) -> u64 {
    Mix::new(30).word(key).word(near.person.name.print).end()
}

impl Crowds {
    /// Whether two rows that share a key of the rule were compared by it.
    fn compared(&self, rule: usize, a: &Near, b: &Near) -> bool {
        if self.keys.is_empty() {
            return true;
        }
        let key = pair_key(rule, a, b);
        self.keys.binary_search(&key).is_err()
            || (a.person.name.print == b.person.name.print && self.names.binary_search(&key_and_name(key, a)).is_err())
    }

    fn merge(&mut self, other: &mut Self) {
        self.keys.append(&mut other.keys);
        self.names.append(&mut other.names);
    }
}

/// What one rule did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct RuleCount {
    pub(super) pairs: u64,
    pub(super) crowded_keys: u64,
    pub(super) crowded_rows: u64,
    pub(super) skipped_pairs: u64,
}

/// Everything that the search tells.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// How many pairs of each pattern were found, kept or not.
    pub(super) histogram: Vec<u32>,
    pub(super) hits: Vec<Hit>,
    pub(super) rules: [RuleCount; RULES.len()],
    /// How many other rows have a row's name, sound and phone.
    pub(super) others: Vec<Frequency>,
    /// Pairs above the floor that were let go because there were too many.
    pub(super) dropped: u64,
    /// Rows that are alike in everything but their keys and were compared each with the next only, in order of their keys.
    pub(super) chains: Vec<Vec<u32>>,
}

struct Worker {
    histogram: Vec<u32>,
    hits: Vec<Hit>,
    rules: [RuleCount; RULES.len()],
    floor: f32,
    crowds: Crowds,
    /// Keys in order: the upper bits of a key, and the row.
    part: Vec<u64>,
    rows: Vec<u32>,
    /// Bits of a key, and which of `rows` share it.
    blocks: Vec<(u64, usize, usize)>,
    people: Vec<Person>,
    near: Vec<Near>,
    /// Rows of one name under one key of which too many were not compared.
    skipped: Vec<u32>,
}

/// Shared by all threads during one rule.
struct Round<'a> {
    register: &'a Register,
    rule: usize,
    /// Of the rules before this one.
    crowds: &'a [Crowds],
    worth: &'a [f32],
    kept: usize,
}

/// Keys of all rows under one rule, in parts by some bits of the key, by thread.
type Parts = Vec<Vec<Vec<u64>>>;

/// Compares all pairs that the rules find; what is worth `floor` bits by `worth` is kept.
pub(super) fn search(register: &Register, worth: &[f32], floor: f32, threads: usize) -> Search {
    let threads = threads.max(1);
    let parts_len = (register.len() / PART).next_power_of_two().clamp(1, 1024);
    let mut parts: Parts = vec![vec![Vec::new(); parts_len]; threads];
    let kept = (register.len() * KEPT_PER_ROW).max(KEPT_AT_LEAST);
    let mut workers: Vec<Worker> = (0..threads).map(|_| Worker::new(floor)).collect();
    let others: Vec<[AtomicU32; 3]> = (0..register.len()).map(|_| Default::default()).collect();
    let count = |parts: &Parts, kind: usize| {
        each_part(parts_len, threads, |part| {
            let mut all = gather(parts, part);
            all.sort_unstable();
            for run in all.chunk_by(|a, b| a >> ROW_BITS == b >> ROW_BITS).filter(|run| run.len() > 1) {
                for entry in run {
                    others[row_of(*entry) as usize][kind].store((run.len() - 1) as u32, Ordering::Relaxed);
                }
            }
        });
    };
    scatter(register, &mut parts, |p, out| {
        if !p.name.is_empty() {
            out(Mix::new(102).word(p.name.print).end());
        }
    });
    count(&parts, 0);
    scatter(register, &mut parts, |p, out| {
        if !p.name.is_empty() {
            out(p.name.sound_hash(100));
        }
    });
    count(&parts, 1);

    let mut crowds: Vec<Crowds> = Vec::new();
    for rule in 0..RULES.len() {
        scatter(register, &mut parts, |p, out| keys(rule, p, out));
        if rule == PHONE_RULE {
            count(&parts, 2);
        }
        let round = Round { register, rule, crowds: &crowds, worth, kept };
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for worker in &mut workers {
                scope.spawn(|| {
                    loop {
                        let part = next.fetch_add(1, Ordering::Relaxed);
                        if part >= parts_len {
                            break;
                        }
                        worker.part.clear();
                        parts.iter().for_each(|thread| worker.part.extend_from_slice(&thread[part]));
                        worker.scan(&round);
                    }
                });
            }
        });
        let mut crowded = Crowds::default();
        workers.iter_mut().for_each(|w| crowded.merge(&mut w.crowds));
        crowded.keys.sort_unstable();
        crowded.names.sort_unstable();
        crowds.push(crowded);
    }
    drop(parts);
    let others = others
        .into_iter()
        .map(|counts| {
            let [name, sound, phone] = counts.map(AtomicU32::into_inner);
            Frequency { name, sound, phone }
        })
        .collect();
    let mut all = Search { histogram: vec![0; PATTERNS], others, ..Search::default() };
    let skipped = workers.iter_mut().flat_map(|worker| std::mem::take(&mut worker.skipped)).collect();
    for worker in workers {
        for (a, b) in all.histogram.iter_mut().zip(&worker.histogram) {
            *a = a.saturating_add(*b);
        }
        for (a, b) in all.rules.iter_mut().zip(&worker.rules) {
            a.pairs += b.pairs;
            a.crowded_keys += b.crowded_keys;
            a.crowded_rows += b.crowded_rows;
            a.skipped_pairs += b.skipped_pairs;
        }
        all.hits.extend(worker.hits);
    }
    all.chain(register, skipped, &crowds, |pattern| worth[pattern.index()] >= floor);
    // No worker's floor is above this one, which depends on the pairs of all of them only.
    let last = floor_for(&all.histogram, worth, floor, kept);
    if last > floor {
        all.hits.retain(|hit| worth[hit.pattern.index()] >= last);
        let above = |from: f32| -> u64 {
            all.histogram.iter().zip(worth).filter(|(_, w)| **w >= from).map(|(n, _)| u64::from(*n)).sum()
        };
        all.dropped = above(floor) - above(last);
    }
    all
}

impl Search {
    /// Puts rows together that are alike in everything but their keys and that no rule has compared, because too many are:
    /// each is compared with the next.
    fn chain(&mut self, register: &Register, mut rows: Vec<u32>, crowds: &[Crowds], is_kept: impl Fn(Pattern) -> bool) {
        // A row is skipped under each of its keys.
        rows.sort_unstable();
        rows.dedup();
        let order = |row: u32| register.person(row).order();
        rows.sort_unstable_by(|a, b| {
            order(*a).cmp(&order(*b)).then_with(|| register.key(*a).cmp(register.key(*b))).then(a.cmp(b))
        });
        for alike in rows.chunk_by(|a, b| order(*a) == order(*b)).filter(|alike| alike.len() > 1) {
            let person = register.person(alike[0]);
            let near = Near::new(*person);
            let mut by = (0..crowds.len()).filter(|rule| shares(*rule, &near, &near));
            let Some(first) = by.clone().next() else {
                continue;
            };
            // What holds of two of them holds of any two.
            if by.any(|rule| crowds[rule].compared(rule, &near, &near)) {
                continue;
            }
            let pairs = alike.len() - 1;
            let pattern = compare_registered(person, person);
            let cell = &mut self.histogram[pattern.index()];
            *cell = cell.saturating_add(pairs as u32);
            let rule = &mut self.rules[first];
            rule.pairs += pairs as u64;
            rule.skipped_pairs = rule.skipped_pairs.saturating_sub(pairs as u64);
            if is_kept(pattern) {
                let hit = |pair: &[u32]| Hit { left: pair[0], right: pair[1], pattern, rules: 0 };
                self.hits.extend(alike.windows(2).map(hit));
                self.chains.push(alike.to_vec());
            }
        }
    }
}

/// The least worth at which not more than `kept` pairs remain.
fn floor_for(histogram: &[u32], worth: &[f32], floor: f32, kept: usize) -> f32 {
    let mut seen: Vec<(f32, u32)> =
        worth.iter().zip(histogram).filter(|(w, n)| **n > 0 && **w >= floor).map(|(w, n)| (*w, *n)).collect();
    seen.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let mut sum = 0u64;
    for same in seen.chunk_by(|a, b| a.0 == b.0) {
        sum += same.iter().map(|(_, n)| u64::from(*n)).sum::<u64>();
        if sum > kept as u64 {
            return same[0].0.next_up();
        }
    }
    floor
}

/// Runs `each` for every part, on all threads.
fn each_part(parts: usize, threads: usize, each: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let part = next.fetch_add(1, Ordering::Relaxed);
                    if part >= parts {
                        break;
                    }
                    each(part);
                }
            });
        }
    });
}

fn gather(parts: &Parts, part: usize) -> Vec<u64> {
    parts.iter().flat_map(|thread| thread[part].iter().copied()).collect()
}

/// Writes all rows' keys into the parts.
fn scatter(register: &Register, parts: &mut Parts, keys: impl Fn(&Person, &mut dyn FnMut(u64)) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for own in parts.iter_mut() {
            let (next, keys) = (&next, &keys);
            scope.spawn(move || {
                own.iter_mut().for_each(Vec::clear);
                let mask = own.len() - 1;
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= register.segments() {
                        break;
                    }
                    let (first, people) = register.segment(at);
                    for (row, person) in (first..).zip(people) {
                        // The bits that choose the part are other ones than those kept beside the row.
                        keys(person, &mut |key| {
                            own[(key >> 4) as usize & mask].push(key >> ROW_BITS << ROW_BITS | u64::from(row));
                        });
                    }
                }
            });
        }
    });
}

#[inline]
fn row_of(entry: u64) -> u32 {
    (entry & ((1 << ROW_BITS) - 1)) as u32
}

impl Worker {
    fn new(floor: f32) -> Self {
        Self {
            histogram: vec![0; PATTERNS],
            hits: Vec::new(),
            rules: Default::default(),
            floor,
            crowds: Crowds::default(),
            part: Vec::new(),
            rows: Vec::new(),
            blocks: Vec::new(),
            people: Vec::new(),
            near: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// Compares within one part of the keys.
    fn scan(&mut self, round: &Round<'_>) {
        self.part.sort_unstable();
        // A name whose two parts are the same stands twice under one key.
        self.part.dedup();
        let part = std::mem::take(&mut self.part);
        for run in part.chunk_by(|a, b| a >> ROW_BITS == b >> ROW_BITS).filter(|run| run.len() > 1) {
            let from = self.rows.len();
            self.rows.extend(run.iter().map(|entry| row_of(*entry)));
            self.blocks.push((run[0] >> ROW_BITS, from, self.rows.len()));
            if self.rows.len() >= BATCH {
                self.batch(round);
            }
        }
        self.batch(round);
        self.part = part;
        if self.hits.len() > round.kept + round.kept / 2 {
            self.floor = floor_for(&self.histogram, round.worth, self.floor, round.kept);
            let floor = self.floor;
            self.hits.retain(|hit| round.worth[hit.pattern.index()] >= floor);
        }
    }

    fn batch(&mut self, round: &Round<'_>) {
        // Rows lie anywhere in memory: they are fetched together before any is looked at.
        let (rows, blocks) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.blocks));
        let mut near = std::mem::take(&mut self.near);
        self.people.clear();
        self.people.extend(rows.iter().map(|row| *round.register.person(*row)));
        near.clear();
        near.extend(self.people.iter().map(|person| Near::new(*person)));
        for (bits, from, to) in &blocks {
            self.block(round, *bits, &rows[*from..*to], &near[*from..*to]);
        }
        (self.rows, self.blocks, self.near) = (rows, blocks, near);
        self.rows.clear();
        self.blocks.clear();
    }

    /// All pairs of the rows that share a key, of which `bits` are known.
    fn block(&mut self, round: &Round<'_>, bits: u64, rows: &[u32], near: &[Near]) {
        // Two of these rules are for the rows that lack something; pairs without one of them are not theirs.
        let some = near
            .iter()
            .filter(|n| match round.rule {
                ENDS => n.is_masked(),
                NAME_COUNTY => n.person.birth == 0,
                _ => true,
            })
            .count();
        let pairs = some * near.len() - some * (some + 1) / 2;
        if pairs > CROWD_PAIRS {
            self.crowd(round, bits, rows, near, pairs);
        } else if pairs > 0 {
            for (i, a) in near.iter().enumerate() {
                for (j, b) in near.iter().enumerate().skip(i + 1) {
                    self.pair(round, bits, (rows[i], a), (rows[j], b));
                }
            }
        }
    }

    /// Of too many rows under one key those of one name.
    fn crowd(&mut self, round: &Round<'_>, bits: u64, rows: &[u32], near: &[Near], pairs: usize) {
        let mut order: Vec<(u64, u64, usize)> = Vec::with_capacity(rows.len());
        for (at, n) in near.iter().enumerate() {
            let mut own = 0;
            keys(round.rule, &n.person, |key| own = if key >> ROW_BITS == bits { key } else { own });
            order.push((own, n.person.name.print, at));
        }
        order.sort_unstable();
        let before = self.rules[round.rule].pairs;
        for of_key in order.chunk_by(|a, b| a.0 == b.0) {
            self.crowds.keys.push(of_key[0].0);
            self.rules[round.rule].crowded_keys += 1;
            self.rules[round.rule].crowded_rows += of_key.len() as u64;
            for of_name in of_key.chunk_by(|a, b| a.1 == b.1) {
                if of_name.len() > CROWD {
                    self.crowds.names.push(key_and_name(of_name[0].0, &near[of_name[0].2]));
                    self.skipped.extend(of_name.iter().map(|(_, _, at)| rows[*at]));
                    continue;
                }
                for (k, (_, _, i)) in of_name.iter().enumerate() {
                    for (_, _, j) in &of_name[k + 1..] {
                        self.pair(round, bits, (rows[*i], &near[*i]), (rows[*j], &near[*j]));
                    }
                }
            }
        }
        let compared = self.rules[round.rule].pairs - before;
        self.rules[round.rule].skipped_pairs += (pairs as u64).saturating_sub(compared);
    }

    #[inline]
    fn pair(&mut self, round: &Round<'_>, bits: u64, (row_a, a): (u32, &Near), (row_b, b): (u32, &Near)) {
        if !shares(round.rule, a, b) {
            return;
        }
        // By several keys of this rule the pair is found once.
        if (a.has_parts() || b.has_parts()) && pair_key(round.rule, a, b) >> ROW_BITS != bits {
            return;
        }
        if round.crowds.iter().enumerate().any(|(rule, crowds)| shares(rule, a, b) && crowds.compared(rule, a, b)) {
            return;
        }
        let pattern = compare_registered(&a.person, &b.person);
        let cell = &mut self.histogram[pattern.index()];
        *cell = cell.saturating_add(1);
        self.rules[round.rule].pairs += 1;
        if round.worth[pattern.index()] >= self.floor {
            self.hits.push(Hit { left: row_a, right: row_b, pattern, rules: 0 });
        }
    }
}
