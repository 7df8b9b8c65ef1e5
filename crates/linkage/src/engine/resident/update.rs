//! What changed since a register was packed, as a small file beside it: rows that are new or otherwise, rows that are
//! gone, and how often their names, sounds and phones stand in the register now.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::time::Instant;

use super::file::mark;
use super::guard::Guard;
use super::pack::{Beside, Heap, PHONE, write};
use super::record::unpack;
use super::{PackReport, Resident, ResidentError, Segment, changes_of, shelf_keys};
use crate::engine::block::{PHONE_KEY, RULE_OF, counted, spread};
use crate::engine::csv::{Blocks, Columns};
use crate::engine::person::Person;

/// Changes of more than one row in so many are not kept beside the register: it is written anew with them.
const PART: u64 = 4;

/// What an update did.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct UpdateReport {
    /// Rows of the update whose key the register had.
    pub changed: u64,
    /// Rows of the update whose key it did not have.
    pub added: u64,
    /// Rows taken away.
    pub removed: u64,
    /// Keys to take away that the register did not have.
    pub unknown: u64,
    /// Keys to take away that rows of the update have, too: they stay.
    pub both: u64,
    /// Rows of the update whose key another one of its rows had before.
    pub repeated: u64,
    /// Persons in the register now.
    pub rows: u64,
    /// Bytes of the file that was written.
    pub bytes: u64,
    /// Whether so much has changed by now that the register itself was written anew.
    pub whole: bool,
    /// Seconds spent.
    pub seconds: f64,
}

impl Resident {
    /// Brings a packed register up to date: rows of `rows` take the place of those with the same key or are new, and
    /// rows whose key is in `removed` are taken away, unless `rows` has them. A [`Resident`] that is open stays as it is.
    ///
    /// Takes as long as reading all keys of the register once; results are those of a register that is packed afresh.
    /// What changes is kept in a file beside the register (its name and `.changes`); beyond a quarter of all rows the
    /// register itself is written anew. One update at a time: another waits (see [`Resident::is_being_written`]). An update
    /// that is interrupted, by whatever, leaves the register before or after it.
    ///
    /// # Errors
    /// [`ResidentError`] for either file; [`ResidentError::Read`] where the rows cannot be read.
    pub fn update(
        path: &Path,
        rows: Option<(&dyn Blocks, &Columns)>,
        removed: &[Box<[u8]>],
        threads: usize,
    ) -> Result<UpdateReport, ResidentError> {
        let clock = Instant::now();
        let guard = Guard::take(path)?;
        let now = Self::open(path)?;
        now.mark(path)?;
        let new = match rows {
            Some((blocks, columns)) => Heap::read(blocks, columns, threads).map_err(ResidentError::Read)?,
            None => Heap::default(),
        };
        let mut report = UpdateReport::default();
        // How often each key that is touched stands in the register.
        let mut touched: HashMap<&[u8], u64> = (0..new.len())
            .map(|row| new.key(row))
            .chain(removed.iter().map(|key| &**key))
            .map(|key| (key, 0))
            .collect();
        let mut gone = now.rows_with(&mut touched);
        let in_new: HashSet<&[u8]> = (0..new.len()).map(|row| new.key(row)).collect();
        for key in &in_new {
            let before = touched.get(key).copied().unwrap_or(0);
            report.changed += u64::from(before > 0);
            report.added += u64::from(before == 0);
        }
        report.repeated = (new.len() - in_new.len()) as u64;
        let (both, removed): (HashSet<&[u8]>, HashSet<&[u8]>) =
            removed.iter().map(|key| &**key).partition(|key| in_new.contains(key));
        report.both = both.len() as u64;
        for key in &removed {
            let before = touched.get(key).copied().unwrap_or(0);
            report.removed += before;
            report.unknown += u64::from(before == 0);
        }

        // Whom the file of changes brings: those it brought before, without whom is touched now, and the new ones.
        let mut heap = Heap::default();
        let [base, earlier @ ..] = now.segments.as_slice() else {
            return Err(ResidentError::Damaged { path: path.to_owned(), at: 0 });
        };
        for segment in earlier {
            for row in 0..segment.rows {
                let key = segment.key(row);
                if let (Some(record), false) = (segment.record(row), touched.contains_key(key)) {
                    heap.push_record(record, key);
                }
            }
        }
        for row in 0..new.len() {
            heap.push(&new.person(row), new.key(row));
        }
        for (word, bits) in now.dead.iter().enumerate() {
            gone.extend((0..64u32).filter(|bit| bits >> bit & 1 != 0).map(|bit| word as u32 * 64 + bit));
        }
        gone.sort_unstable();
        gone.dedup();
        report.rows = u64::from(base.rows) - gone.len() as u64 + heap.len() as u64;
        now.sound()?;
        if (heap.len() + gone.len()) as u64 * PART > u64::from(base.rows) {
            let mut whole = Heap::default();
            for row in (0..base.rows).filter(|row| gone.binary_search(row).is_err()) {
                if let Some(record) = base.record(row) {
                    whole.push_record(record, base.key(row));
                }
            }
            for row in 0..heap.len() {
                whole.push(&heap.person(row), heap.key(row));
            }
            now.sound()?;
            let PackReport { bytes, .. } = Self::pack_heap(path, whole, threads, 0.0, &guard)?;
            report.bytes = bytes;
            report.whole = true;
        } else {
            heap.arrange();
            let counts = base.counts_with(&gone, &heap);
            now.sound()?;
            let before = earlier.first().map_or(0, |changes| changes.file.own());
            let beside = Beside { counts: Some(counts), dead: gone, changes: base.file.own(), before };
            let changes = changes_of(path);
            let (bytes, own) = write(&changes, &heap, beside, threads)
                .map_err(|error| ResidentError::File { path: changes, error })?;
            report.bytes = bytes;
            mark(path, base.file.own(), own).map_err(|error| ResidentError::File { path: path.to_owned(), error })?;
        }
        report.seconds = clock.elapsed().as_secs_f64();
        Ok(report)
    }

    /// Writes into the register which changes it has, where an update came no further than writing them.
    fn mark(&self, path: &Path) -> Result<(), ResidentError> {
        match self.segments.as_slice() {
            [base, changes] if base.file.marked() != changes.file.own() => {
                mark(path, base.file.own(), changes.file.own())
                    .map_err(|error| ResidentError::File { path: path.to_owned(), error })
            }
            _ => Ok(()),
        }
    }

    /// Rows of the register itself whose key is among these, each of which is counted in all files.
    fn rows_with(&self, keys: &mut HashMap<&[u8], u64>) -> Vec<u32> {
        let mut rows = Vec::new();
        for (at, segment) in self.segments.iter().enumerate() {
            for row in (0..segment.rows).filter(|row| !self.is_dead(at, *row)) {
                if let Some(count) = keys.get_mut(segment.key(row)) {
                    *count += 1;
                    if at == 0 {
                        rows.push(row);
                    }
                }
            }
        }
        rows
    }
}

impl Segment {
    /// How many bear each value that these changes touch, once they are made.
    fn counts_with(&self, gone: &[u32], heap: &Heap) -> Vec<(u64, u32)> {
        // By key: what changes, and of whom the phone is.
        let mut by: BTreeMap<u64, (i64, Option<Person>)> = BTreeMap::new();
        let mut enter = |person: Person, change: i64| {
            for (kind, key) in counted(&person).into_iter().enumerate().filter(|(_, key)| *key != 0) {
                let entry = by.entry(key).or_insert((0, (kind == PHONE).then_some(person)));
                entry.0 += change;
            }
        };
        for row in gone {
            enter(self.record(*row).map(unpack).unwrap_or_default(), -1);
        }
        for row in 0..heap.len() {
            enter(heap.person(row), 1);
        }
        by.into_iter()
            .map(|(key, (change, phone))| {
                let before = match self.count(key) {
                    Some(count) => count,
                    // A phone of one person is not among the counts.
                    None if phone.is_some() => self.bearers(key),
                    None => 0,
                };
                (key, (i64::from(before) + change).clamp(0, i64::from(u32::MAX)) as u32)
            })
            .collect()
    }

    /// How many stand under the key of a phone.
    fn bearers(&self, key: u64) -> u32 {
        let rule = usize::from(RULE_OF[PHONE_KEY]);
        let shelf = &self.shelves[rule];
        let bucket = shelf.bucket(&self.file, spread(key));
        let tag = (spread(key) >> (shelf.shift - 8)) as u8;
        let bears = |row: u32| self.record(row).is_some_and(|r| shelf_keys(&unpack(r), rule).contains(&key));
        Self::under(shelf.entries(&self.file, bucket, 5), tag).filter(|row| bears(*row)).count() as u32
    }
}
