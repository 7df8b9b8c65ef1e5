//! Making the file: persons of a register in 64 bytes each, and who stands under which key.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};

use super::file::{About, Writer};
use super::record::{KEYS_MOST, RECORD, id_of, key_of, pack, unpack, with_key};
use super::{SHELVES, bucket_bits, shelf_keys, tables};
use crate::engine::block::{counted, spread};
use crate::engine::csv::{Blocks, Columns};
use crate::engine::person::Person;

/// Packed persons and the keys of their rows, in memory.
#[derive(Debug, Default)]
pub(super) struct Heap {
    records: Vec<[u8; RECORD]>,
    keys: Vec<u8>,
}

/// Writes a key after its length, seven bits a byte.
fn put_key(into: &mut Vec<u8>, key: &[u8]) {
    let mut len = key.len();
    while len > 127 {
        into.push(len as u8 | 128);
        len >>= 7;
    }
    into.push(len as u8);
    into.extend_from_slice(key);
}

/// How long the key is whose length these bytes begin with, and where it begins.
#[inline]
pub(super) fn key_length(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut len = 0;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        len |= usize::from(byte & 127) << (7 * at);
        if byte & 128 == 0 {
            return Some((at + 1, len));
        }
    }
    None
}

impl Heap {
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn push(&mut self, person: &Person, key: &[u8]) {
        self.records.push(pack(person, self.keys.len() as u64));
        put_key(&mut self.keys, key);
    }

    /// Adds a person who is packed already.
    pub(super) fn push_record(&mut self, record: &[u8; RECORD], key: &[u8]) {
        self.records.push(with_key(*record, self.keys.len() as u64));
        put_key(&mut self.keys, key);
    }

    pub(super) fn key(&self, row: usize) -> &[u8] {
        let rest = self.records.get(row).and_then(|r| self.keys.get(key_of(r) as usize..)).unwrap_or_default();
        key_length(rest).and_then(|(from, len)| rest.get(from..from + len)).unwrap_or_default()
    }

    pub(super) fn person(&self, row: usize) -> Person {
        self.records.get(row).map(unpack).unwrap_or_default()
    }

    fn append(&mut self, other: &mut Self) {
        let base = self.keys.len() as u64;
        self.records.extend(other.records.drain(..).map(|r| with_key(r, key_of(&r) + base)));
        self.keys.append(&mut other.keys);
    }

    /// Reads a register on several threads.
    pub(super) fn read(registry: &dyn Blocks, columns: &Columns, threads: usize) -> io::Result<Self> {
        let parts: Mutex<Vec<io::Result<Self>>> = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..threads.max(1) {
                scope.spawn(|| {
                    let mut heap = Self::default();
                    let mut block = Vec::new();
                    let outcome = loop {
                        match registry.next_block(&mut block) {
                            Ok(true) => columns.each(&block, |row| heap.push(&Person::read(row), row.key)),
                            Ok(false) => break Ok(heap),
                            Err(error) => break Err(error),
                        }
                    };
                    parts.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
                });
            }
        });
        columns.whole()?;
        let mut all = Self::default();
        for part in parts.into_inner().unwrap_or_else(PoisonError::into_inner) {
            let mut part = part?;
            if all.len() == 0 {
                all = part;
            } else {
                all.append(&mut part);
            }
        }
        if all.len() as u64 >= u64::from(u32::MAX) || all.keys.len() as u64 >= KEYS_MOST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "more than 4,294,967,294 rows, or 1 TB of keys"));
        }
        Ok(all)
    }

    /// Orders persons by their birth date, so that whom a birth date leads to lies together, and otherwise by lot: the
    /// file is the same whatever order the rows came in.
    pub(super) fn arrange(&mut self) {
        let mut order: Vec<(u64, u32)> = (0..self.len())
            .map(|row| {
                let person = self.person(row);
                (u64::from(person.birth) << 32 | person.lot(self.key(row)) >> 32, row as u32)
            })
            .collect();
        let rest = |row: u32| {
            let row = row as usize;
            (self.records.get(row).map(|r| with_key(*r, 0)), self.key(row))
        };
        order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| rest(a.1).cmp(&rest(b.1))));
        let mut keys = Vec::with_capacity(self.keys.len());
        let mut offsets = Vec::with_capacity(order.len());
        for (_, row) in &order {
            offsets.push(keys.len() as u64);
            put_key(&mut keys, self.key(*row as usize));
        }
        self.keys = keys;
        let mut from: Vec<u32> = order.into_iter().map(|(_, row)| row).collect();
        // In place, along the circles of the permutation: a second copy of all persons would double the memory.
        for start in 0..from.len() {
            let (mut at, first) = (start, self.records[start]);
            while from[at] != u32::MAX {
                let next = std::mem::replace(&mut from[at], u32::MAX) as usize;
                self.records[at] = if next == start { first } else { self.records[next] };
                at = next;
            }
        }
        for (record, offset) in self.records.iter_mut().zip(offsets) {
            *record = with_key(*record, offset);
        }
    }

    /// Sorted numbers of rows, each four bytes.
    fn by_id(&self) -> Vec<u8> {
        let mut order: Vec<(u64, u32)> = Vec::new();
        for (row, record) in self.records.iter().enumerate() {
            let id = id_of(record);
            if id.is_full() {
                order.push(((id.bits >> 8) as u64, row as u32));
            }
        }
        order.sort_unstable();
        order.iter().flat_map(|(_, row)| row.to_le_bytes()).collect()
    }

    /// Who stands under the keys of one shelf: the starts of the buckets, and in each the tags, then the rows.
    fn shelf(&self, shelf: usize) -> (Vec<u8>, Vec<u8>) {
        let mut pairs: Vec<(u64, u32)> = Vec::new();
        for (row, record) in self.records.iter().enumerate() {
            let keys = shelf_keys(&unpack(record), shelf);
            pairs.extend(keys.iter().filter(|key| **key != 0).map(|key| (spread(*key), row as u32)));
        }
        let shift = 64 - bucket_bits(pairs.len());
        let mut starts = vec![0u32; (1 << (64 - shift)) + 1];
        for (key, _) in &pairs {
            starts[(key >> shift) as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next: Vec<u32> = starts[..starts.len() - 1].to_vec();
        let mut entries = vec![0; pairs.len() * 5];
        for (key, row) in &pairs {
            let bucket = (key >> shift) as usize;
            let (from, to) = (starts[bucket] as usize, starts[bucket + 1] as usize);
            let within = next[bucket] as usize - from;
            next[bucket] += 1;
            entries[from * 5 + within] = (key >> (shift - 8)) as u8;
            let at = from * 5 + (to - from) + within * 4;
            entries[at..at + 4].copy_from_slice(&row.to_le_bytes());
        }
        (starts.iter().flat_map(|start| start.to_le_bytes()).collect(), entries)
    }
}

/// How many bear each name, sound and phone.
pub(super) fn counts(heap: &Heap) -> Vec<(u64, u32)> {
    let mut all = Vec::new();
    for kind in 0..3 {
        let mut keys: Vec<u64> =
            heap.records.iter().map(|r| counted(&unpack(r))[kind]).filter(|key| *key != 0).collect();
        keys.sort_unstable();
        for group in keys.chunk_by(|a, b| a == b) {
            // Nothing tells a phone of one person from a phone of none.
            if kind != PHONE || group.len() > 1 {
                all.push((group[0], group.len().min(u32::MAX as usize) as u32));
            }
        }
    }
    all
}

/// The place of phones among what is counted.
pub(super) const PHONE: usize = 2;

/// Counts in buckets: starts, and in each bucket half of the key and the count.
fn count_table(mut counts: Vec<(u64, u32)>) -> (Vec<u8>, Vec<u8>) {
    for (key, _) in &mut counts {
        *key = spread(*key);
    }
    counts.sort_unstable();
    let shift = 64 - bucket_bits(counts.len());
    let mut starts = vec![0u32; (1 << (64 - shift)) + 1];
    let mut entries = Vec::with_capacity(counts.len() * 8);
    for (key, count) in &counts {
        starts[(key >> shift) as usize + 1] += 1;
        entries.extend_from_slice(&(*key as u32).to_le_bytes());
        entries.extend_from_slice(&count.to_le_bytes());
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    (starts.iter().flat_map(|start| start.to_le_bytes()).collect(), entries)
}

/// What goes into a file beside persons and their keys.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Counts that hold instead of the register's own; none for the counts of these very persons.
    pub(super) counts: Option<Vec<(u64, u32)>>,
    /// Rows of the register that are not there any more, in order.
    pub(super) dead: Vec<u32>,
    /// The register that is changed, or 0.
    pub(super) changes: u64,
    /// What the file takes the place of, as the header says it.
    pub(super) before: u64,
}

/// Writes a file; its length, and what tells it from every other.
pub(super) fn write(path: &std::path::Path, heap: &Heap, mut beside: Beside, threads: usize) -> io::Result<(u64, u64)> {
    let mut out = Writer::new(path)?;
    let counts_given = beside.counts.take();
    // Directories are made on all threads while what is done is written, in its order.
    let jobs = SHELVES + 2;
    let next = AtomicUsize::new(0);
    let given = Mutex::new(counts_given);
    std::thread::scope(|scope| -> io::Result<()> {
        let (send, receive) = sync_channel(1);
        for _ in 0..threads.max(1) {
            let send = send.clone();
            let (next, given) = (&next, &given);
            scope.spawn(move || {
                loop {
                    let job = next.fetch_add(1, Ordering::Relaxed);
                    let done = match job {
                        0 => {
                            let own = given.lock().unwrap_or_else(PoisonError::into_inner).take();
                            count_table(own.unwrap_or_else(|| counts(heap)))
                        }
                        1 => (heap.by_id(), Vec::new()),
                        job if job < jobs => heap.shelf(job - 2),
                        _ => return,
                    };
                    if send.send((job, done)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        out.begin()?;
        for record in &heap.records {
            out.write(record)?;
        }
        out.begin()?;
        out.write(&heap.keys)?;
        out.begin()?;
        let dead: Vec<u8> = beside.dead.iter().flat_map(|row| row.to_le_bytes()).collect();
        out.write(&dead)?;
        let mut waiting = BTreeMap::new();
        let mut wanted = 0;
        for (job, done) in receive {
            waiting.insert(job, done);
            while let Some((first, second)) = waiting.remove(&wanted) {
                out.begin()?;
                out.write(&first)?;
                out.begin()?;
                out.write(&second)?;
                wanted += 1;
            }
        }
        Ok(())
    })?;
    let (rows, Beside { changes, before, .. }) = (heap.len() as u64, beside);
    out.finish(About { tables: tables(), rows, changes, before })
}
