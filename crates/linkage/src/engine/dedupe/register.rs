//! A whole register in memory, packed: 112 bytes a person and its key.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::engine::block::ROW_BITS;
use crate::engine::csv::{Blocks, Columns};
use crate::engine::hash::repeated;
use crate::engine::person::Person;

/// Rows of one segment: a register grows by segments, because a list that doubles would for a moment hold all twice.
const SEGMENT: usize = 1 << SEGMENT_BITS;
const SEGMENT_BITS: u32 = 15;

#[derive(Debug, Default)]
struct Segment {
    people: Vec<Person>,
    keys: Vec<u8>,
    ends: Vec<usize>,
}

impl Segment {
    fn new() -> Self {
        Self { people: Vec::with_capacity(SEGMENT), keys: Vec::new(), ends: Vec::with_capacity(SEGMENT) }
    }

    fn push(&mut self, key: &[u8], person: Person) {
        self.people.push(person);
        self.keys.extend_from_slice(key);
        self.ends.push(self.keys.len());
    }

    fn key(&self, at: usize) -> &[u8] {
        let from = if at == 0 { 0 } else { self.ends.get(at - 1).copied().unwrap_or(0) };
        self.ends.get(at).and_then(|end| self.keys.get(from..*end)).unwrap_or_default()
    }

    fn is_full(&self) -> bool {
        self.people.len() == SEGMENT
    }
}

/// All rows of a register. Rows are numbered as they were read, which may differ from run to run; nothing that is given
/// out depends on it.
#[derive(Debug, Default)]
pub struct Register {
    segments: Vec<Segment>,
    len: usize,
}

impl Register {
    /// Reads all rows on `threads` threads.
    ///
    /// # Errors
    /// If reading fails, or there are more rows than the engine can number (268 million).
    pub fn read(blocks: &dyn Blocks, columns: &Columns, threads: usize) -> io::Result<Self> {
        let (failed, rows) = (AtomicBool::new(false), AtomicUsize::new(0));
        let parts: Mutex<Vec<io::Result<Vec<Segment>>>> = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..threads.max(1) {
                scope.spawn(|| {
                    let part = read_part(blocks, columns, &failed, &rows);
                    if part.is_err() {
                        failed.store(true, Ordering::Relaxed);
                    }
                    parts.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(part);
                });
            }
        });
        let mut register = Self::default();
        let mut partial = Vec::new();
        for part in parts.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            let (full, rest): (Vec<_>, Vec<_>) = part?.into_iter().partition(Segment::is_full);
            register.segments.extend(full);
            partial.extend(rest);
        }
        columns.whole()?;
        // Every segment but the last is full, so that a row's number says where it is.
        let mut last = Segment::new();
        for segment in partial {
            for (at, person) in segment.people.iter().enumerate() {
                last.push(segment.key(at), *person);
                if last.is_full() {
                    register.segments.push(std::mem::replace(&mut last, Segment::new()));
                }
            }
        }
        if !last.people.is_empty() {
            register.segments.push(last);
        }
        register.len = register.segments.iter().map(|s| s.people.len()).sum();
        Ok(register)
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The key of a row.
    pub fn key(&self, row: u32) -> &[u8] {
        let (segment, at) = place(row);
        self.segments.get(segment).map_or(&[], |s| s.key(at))
    }

    /// How many rows have a key that another row had before.
    pub fn repeated_keys(&self) -> u64 {
        repeated((0..self.len as u32).map(|row| self.key(row)))
    }

    #[inline]
    pub(super) fn person(&self, row: u32) -> &Person {
        let (segment, at) = place(row);
        &self.segments[segment].people[at]
    }

    /// How many segments there are; threads share them out.
    pub(super) fn segments(&self) -> usize {
        self.segments.len()
    }

    /// The persons of a segment, and the number of its first row.
    pub(super) fn segment(&self, at: usize) -> (u32, &[Person]) {
        ((at << SEGMENT_BITS) as u32, self.segments.get(at).map_or(&[], |s| &s.people))
    }
}

#[inline]
fn place(row: u32) -> (usize, usize) {
    ((row >> SEGMENT_BITS) as usize, row as usize & (SEGMENT - 1))
}

fn read_part(
    blocks: &dyn Blocks,
    columns: &Columns,
    failed: &AtomicBool,
    rows: &AtomicUsize,
) -> io::Result<Vec<Segment>> {
    let mut segments = vec![Segment::new()];
    let mut block = Vec::new();
    while !failed.load(Ordering::Relaxed) && blocks.next_block(&mut block)? {
        let mut new = 0;
        columns.each(&block, |row| {
            if let Some(last) = segments.last_mut() {
                last.push(row.key, Person::read(row));
                new += 1;
                if last.is_full() {
                    segments.push(Segment::new());
                }
            }
        });
        if rows.fetch_add(new, Ordering::Relaxed) + new >= 1 << ROW_BITS {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "more than 268 million rows in the register"));
        }
    }
    Ok(segments)
}
