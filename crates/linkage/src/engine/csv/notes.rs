//! What is odd about the rows of a file: counted while they are read, and found again to say where.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Aside, BlockReader, Blocks, Columns, row_end};

/// Rows that are not as they should be, each kind counted for itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Notes {
    /// Rows without a key: they are left out.
    pub unkeyed: u64,
    /// Rows with fewer fields than the header; what is missing is taken as empty.
    pub short: u64,
    /// Rows with more fields than the header; what is too much is not read.
    pub long: u64,
    /// Rows in which a quoted field goes over a line's end and is closed where no field ends: a quotation mark before
    /// was not closed, and rows between the two are lost.
    pub torn: u64,
}

impl Notes {
    pub(super) fn add(&mut self, more: Self) {
        self.unkeyed += more.unkeyed;
        self.short += more.short;
        self.long += more.long;
        self.torn += more.torn;
    }

    fn parts(&mut self) -> [&mut u64; 4] {
        [&mut self.unkeyed, &mut self.short, &mut self.long, &mut self.torn]
    }
}

/// [`Notes`] of several threads.
#[derive(Debug, Default)]
pub(super) struct Counters([AtomicU64; 4]);

impl Counters {
    pub(super) fn add(&self, mut notes: Notes) {
        if notes == Notes::default() {
            return;
        }
        for (counter, more) in self.0.iter().zip(notes.parts()) {
            counter.fetch_add(*more, Ordering::Relaxed);
        }
    }

    pub(super) fn notes(&self) -> Notes {
        let mut notes = Notes::default();
        for (to, counter) in notes.parts().into_iter().zip(&self.0) {
            *to = counter.load(Ordering::Relaxed);
        }
        notes
    }
}

/// The lines, from 1, on which the first row of each kind in `wanted` stands; 0 for kinds that are not wanted or not
/// there. Reads `file`, which is the one that `columns` has counted, from its beginning up to the last of them.
///
/// # Errors
/// If reading fails.
pub fn first_lines(file: impl Read + Send, columns: &Columns, mut wanted: Notes) -> io::Result<Notes> {
    let (blocks, _) = BlockReader::of_keys(file)?;
    let mut lines = Notes::default();
    // A line's end within the header is no header that could be read.
    let mut line = 2;
    let mut block = Vec::new();
    let mut aside = Aside::default();
    while wanted.parts().into_iter().zip(lines.parts()).any(|(wanted, line)| *wanted > 0 && *line == 0)
        && blocks.next_block(&mut block)?
    {
        let mut rest = block.as_slice();
        while !rest.is_empty() {
            let (row, behind) = rest.split_at(row_end(rest));
            aside.notes = Notes::default();
            columns.quoted_row(row, &mut aside, &mut |_| {});
            for (count, first) in aside.notes.parts().into_iter().zip(lines.parts()) {
                if *count > 0 && *first == 0 {
                    *first = line;
                }
            }
            line += memchr::memchr_iter(b'\n', row).count() as u64;
            rest = behind;
        }
    }
    Ok(lines)
}
