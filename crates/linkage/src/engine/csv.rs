//! Rows of a CSV file, block by block: whole rows are handed out to several threads, fields are borrowed where they stand.

mod notes;
mod watch;

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use wide::u8x16;

use super::person::Row;
use notes::Counters;

pub use notes::{Notes, first_lines};
pub use watch::Watched;

/// Bytes of one block.
const BLOCK: usize = 1 << 20;
/// A row may be this long; what has no end by then is no table.
const LONGEST: usize = 64 << 20;
/// Fields of [`Row`], in their order.
const SLOTS: usize = 8;

/// Something that hands out blocks of whole rows, to several threads at once.
pub trait Blocks: Sync {
    /// Fills `block` with whole rows; false when there are none left.
    ///
    /// # Errors
    /// Whatever reading fails with.
    fn next_block(&self, block: &mut Vec<u8>) -> io::Result<bool>;
}

/// [`Blocks`] of anything that can be read.
#[derive(Debug)]
pub struct BlockReader<R> {
    state: Mutex<State<R>>,
}

#[derive(Debug)]
struct State<R> {
    reader: R,
    carry: Vec<u8>,
    done: bool,
    /// Something was wrong: nobody needs the rest.
    failed: bool,
}

impl<R: Read> BlockReader<R> {
    /// Reads the header, and leaves the rows to be handed out.
    ///
    /// # Errors
    /// If nothing can be read, the header is no text of lines, or it misses a column.
    pub fn new(reader: R) -> io::Result<(Self, Columns)> {
        Self::with(reader, NEEDED)
    }

    /// The same for a file of which only the keys matter.
    ///
    /// # Errors
    /// As [`BlockReader::new`].
    pub fn of_keys(reader: R) -> io::Result<(Self, Columns)> {
        Self::with(reader, 1)
    }

    /// Of a file whose header has the columns of the first fields, so many of them.
    fn with(mut reader: R, needed: usize) -> io::Result<(Self, Columns)> {
        let mut carry = Vec::new();
        let mut done = false;
        let end = loop {
            if let Some(end) = memchr::memchr(b'\n', &carry) {
                break end;
            }
            if done || carry.len() > LONGEST {
                break carry.len();
            }
            done = fill(&mut reader, &mut carry, BLOCK / 16)?;
        };
        let header = carry.get(..end).unwrap_or_default();
        let header = header.strip_prefix(BOM).unwrap_or(header);
        let columns = Columns::with(header, needed)?;
        carry.drain(..(end + 1).min(carry.len()));
        Ok((Self { state: Mutex::new(State { reader, carry, done, failed: false }) }, columns))
    }
}

impl<R: Read + Send> BlockReader<R> {
    /// Takes the next whole rows out, as they stand in the file.
    fn take(&self, block: &mut Vec<u8>) -> io::Result<bool> {
        block.clear();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { reader, carry, done, failed } = &mut *state;
        if *failed {
            return Ok(false);
        }
        block.append(carry);
        loop {
            if *done {
                // A quotation mark that is open at the end took in all rows behind it.
                return if cut(block).1 { Err(Malformed::OpenQuote(None).into()) } else { Ok(!block.is_empty()) };
            }
            *done = fill(reader, block, BLOCK)?;
            if *done {
                continue;
            }
            if let (Some(end), _) = cut(block) {
                carry.extend_from_slice(&block[end..]);
                block.truncate(end);
                return Ok(true);
            }
            if block.len() > LONGEST {
                return Err(Malformed::LongRow(None).into());
            }
        }
    }
}

/// Appends up to `more` bytes; true at the end.
fn fill(reader: &mut impl Read, into: &mut Vec<u8>, more: usize) -> io::Result<bool> {
    let before = into.len();
    reader.by_ref().take(more as u64).read_to_end(into)?;
    Ok(into.len() - before < more)
}

/// Where the last whole row ends, newline included, and whether a quotation mark is open behind everything.
fn cut(block: &[u8]) -> (Option<usize>, bool) {
    if memchr::memchr(b'"', block).is_none() {
        return (memchr::memrchr(b'\n', block).map(|at| at + 1), false);
    }
    let mut quotes = Quotes::default();
    let mut last = None;
    for at in memchr::memchr2_iter(b'"', b'\n', block) {
        if block[at] == b'"' {
            quotes.meet(block, at);
        } else if !quotes.open {
            last = Some(at + 1);
        }
    }
    (last, quotes.open)
}

/// Follows quotation marks through text that begins where a row does. One in the middle of a field is a sign like any
/// other: only at the start of a field it opens.
#[derive(Debug, Clone, Copy, Default)]
struct Quotes {
    open: bool,
    /// Behind the last one that closed.
    closed: usize,
}

impl Quotes {
    /// The mark at this place.
    #[inline]
    fn meet(&mut self, text: &[u8], at: usize) {
        if self.open {
            (self.open, self.closed) = (false, at + 1);
        } else {
            let starts = at.checked_sub(1).is_none_or(|before| matches!(text[before], b',' | b'\n'));
            self.open = starts || self.closed == at;
        }
    }
}

impl<R: Read + Send> Blocks for BlockReader<R> {
    fn next_block(&self, block: &mut Vec<u8>) -> io::Result<bool> {
        let mut taken = self.take(block);
        // Outside of the lock: other threads read on meanwhile.
        if matches!(taken, Ok(true)) && simdutf8::basic::from_utf8(block).is_err() {
            taken = Err(Malformed::NotUtf8(None).into());
        }
        if taken.is_err() {
            self.state.lock().unwrap_or_else(PoisonError::into_inner).failed = true;
        }
        taken
    }
}

/// Why a file is not the table that is wanted. Lines are counted from 1, and are known where the whole file was followed
/// ([`Watched`]): what reads blocks on several threads does not count them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Malformed {
    /// The header lacks this column; of the columns for the row's key the first name.
    Column(&'static str),
    /// The row that begins at this line does not end: most likely a quotation mark that is never closed.
    LongRow(Option<u64>),
    /// The quotation mark that opens at this line is never closed, or closes in the middle of a later row.
    OpenQuote(Option<u64>),
    /// This line is not UTF-8.
    NotUtf8(Option<u64>),
    /// Lines end with CR alone.
    CarriageReturns,
    /// It holds NUL bytes: a workbook or another file that is no text.
    NotText,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (line, what) = match self {
            Self::Column(name) => return write!(f, "no column {name}"),
            Self::CarriageReturns => return f.write_str("lines end with CR alone"),
            Self::NotText => return f.write_str("not a text file"),
            Self::LongRow(line) => (line, "a row of more than 64 MB: a quotation mark is not closed"),
            Self::OpenQuote(line) => (line, "a quotation mark that is not closed"),
            Self::NotUtf8(line) => (line, "not UTF-8"),
        };
        match line {
            Some(line) => write!(f, "line {line}: {what}"),
            None => f.write_str(what),
        }
    }
}

impl std::error::Error for Malformed {}

impl From<Malformed> for io::Error {
    fn from(why: Malformed) -> Self {
        Self::new(io::ErrorKind::InvalidData, why)
    }
}

/// Which column holds which field; also counts what is odd about the rows that it hands out.
#[derive(Debug, Clone)]
pub struct Columns {
    /// The slot of each column, [`SLOTS`] for none.
    slots: Vec<u8>,
    repeated: Vec<String>,
    counters: Arc<Counters>,
}

/// Fields that a header must have: the first ones.
const NEEDED: usize = 2;

/// How some programs begin UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Headers of each field of [`Row`], in its order.
const HEADERS: [&[&str]; SLOTS] = [
    &["qid", "rid", "id", "编号", "序号"],
    &["name", "姓名"],
    &["sex", "性别"],
    &["id_no", "证件号码", "身份证号", "身份证号码", "身份证"],
    &["birth", "出生日期"],
    &["phone", "联系电话", "电话", "手机号码", "手机"],
    &["village", "村代码", "行政区划代码", "所在村", "村"],
    &["address", "详细地址", "现住址", "住址", "地址"],
];

impl Columns {
    /// By the names in a header row.
    ///
    /// # Errors
    /// Without a column that names the row and one for the name of the person.
    pub fn find(header: &[u8]) -> io::Result<Self> {
        Self::with(header, NEEDED)
    }

    fn with(header: &[u8], needed: usize) -> io::Result<Self> {
        if simdutf8::basic::from_utf8(header).is_err() {
            return Err(Malformed::NotUtf8(None).into());
        }
        if memchr::memchr(0, header).is_some() {
            return Err(Malformed::NotText.into());
        }
        if memchr::memchr(b'\r', header.strip_suffix(b"\r").unwrap_or(header)).is_some() {
            return Err(Malformed::CarriageReturns.into());
        }
        let mut fields = Vec::new();
        let mut scratch = Vec::new();
        quoted_fields(header, &mut scratch, |_, text| {
            fields.push(String::from_utf8_lossy(text).trim().to_lowercase());
        });
        let mut slots = vec![SLOTS as u8; fields.len()];
        let mut repeated = Vec::new();
        for (slot, names) in HEADERS.iter().enumerate() {
            let column = names.iter().find_map(|name| fields.iter().position(|f| f == name));
            match column {
                Some(column) => {
                    slots[column] = slot as u8;
                    if fields[column + 1..].contains(&fields[column]) {
                        repeated.push(fields[column].clone());
                    }
                }
                None if slot < needed => return Err(Malformed::Column(names[0]).into()),
                None => {}
            }
        }
        Ok(Self { slots, repeated, counters: Arc::default() })
    }

    /// Columns that are read and whose header is there once more: the first of them counts.
    pub fn repeated(&self) -> &[String] {
        &self.repeated
    }

    /// Fails where rows handed out so far took others in ([`Notes::torn`]).
    pub(super) fn whole(&self) -> io::Result<()> {
        if self.notes().torn > 0 { Err(Malformed::OpenQuote(None).into()) } else { Ok(()) }
    }

    /// What was odd about the rows handed out so far.
    pub fn notes(&self) -> Notes {
        self.counters.notes()
    }

    /// Hands out every row of a block that has a key.
    pub fn each(&self, block: &[u8], mut row: impl FnMut(&Row<'_>)) {
        let mut start = 0;
        let mut aside = Aside::default();
        while start < block.len() {
            start = self.plain_rows(block, start, &mut aside, &mut row);
            if start < block.len() {
                let rest = &block[start..];
                let end = row_end(rest);
                self.quoted_row(&rest[..end], &mut aside, &mut row);
                start += end;
            }
        }
        self.counters.add(aside.notes);
    }

    /// Rows up to the first one with a quotation mark, whose start is returned.
    fn plain_rows(&self, block: &[u8], from: usize, aside: &mut Aside, row: &mut impl FnMut(&Row<'_>)) -> usize {
        let rest = &block[from..];
        // Where the fields of the row end; which fields they are is asked once for the whole row.
        let mut ends = [0usize; WIDEST];
        let (mut start, mut column, mut base) = (0, 0, 0);
        while base < rest.len() {
            let Marks { mut hits, line_ends, quotes } = Marks::of(&rest[base..]);
            if quotes != 0 {
                let before = (1 << quotes.trailing_zeros()) - 1;
                hits &= before;
            }
            while hits != 0 {
                let bit = hits & hits.wrapping_neg();
                let at = base + hits.trailing_zeros() as usize;
                hits ^= bit;
                ends[column % WIDEST] = at;
                column += 1;
                if line_ends & bit != 0 {
                    self.plain_row(rest, start, &ends, column, aside, row);
                    (start, column) = (at + 1, 0);
                }
            }
            if quotes != 0 {
                return from + start;
            }
            base += STRETCH;
        }
        if start < rest.len() {
            self.quoted_row(&rest[start..], aside, row);
        }
        block.len()
    }

    /// A row of so many columns without quotation marks, whose last end is that of its line.
    #[inline]
    fn plain_row(
        &self,
        text: &[u8],
        start: usize,
        ends: &[usize; WIDEST],
        columns: usize,
        aside: &mut Aside,
        row: &mut impl FnMut(&Row<'_>),
    ) {
        if columns > WIDEST {
            let end = ends[(columns - 1) % WIDEST];
            self.quoted_row(text.get(start..end).unwrap_or_default(), aside, row);
            return;
        }
        let mut slots: [&[u8]; SLOTS + 1] = [&[]; SLOTS + 1];
        let mut from = start;
        for (slot, end) in self.slots.iter().zip(&ends[..columns]) {
            if let Some(to) = slots.get_mut(usize::from(*slot)) {
                *to = text.get(from..*end).unwrap_or_default();
            }
            from = *end + 1;
        }
        if columns <= self.slots.len()
            && let Some(last) = self.slots.get(columns - 1).and_then(|slot| slots.get_mut(usize::from(*slot)))
        {
            *last = last.strip_suffix(b"\r").unwrap_or(last);
        }
        let keyed = emit(&slots, row);
        if columns != self.slots.len() || !keyed {
            let end = ends[columns - 1];
            aside.notes.add(self.odd(text.get(start..end).unwrap_or_default(), columns, keyed));
        }
    }

    /// What is odd about a row of so many columns; a line without any text is none.
    #[cold]
    fn odd(&self, text: &[u8], columns: usize, keyed: bool) -> Notes {
        let mut notes = Notes::default();
        if columns > 1 || !text.trim_ascii().is_empty() {
            notes.short = u64::from(columns < self.slots.len());
            notes.long = u64::from(columns > self.slots.len());
            notes.unkeyed = u64::from(!keyed);
        }
        notes
    }

    fn quoted_row(&self, text: &[u8], aside: &mut Aside, row: &mut impl FnMut(&Row<'_>)) {
        let mut owned: [Vec<u8>; SLOTS] = Default::default();
        let shape = quoted_fields(text, &mut aside.scratch, |column, field| {
            if let Some(slot) = self.slots.get(column)
                && let Some(own) = owned.get_mut(usize::from(*slot))
            {
                own.extend_from_slice(field);
            }
        });
        let mut slots: [&[u8]; SLOTS + 1] = [&[]; SLOTS + 1];
        for (slot, own) in slots.iter_mut().zip(&owned) {
            *slot = own;
        }
        let keyed = emit(&slots, row);
        aside.notes.add(self.odd(text, shape.columns, keyed));
        aside.notes.torn += u64::from(shape.torn);
    }
}

/// What is kept beside the rows of a block while they are handed out.
#[derive(Debug, Default)]
struct Aside {
    scratch: Vec<u8>,
    notes: Notes,
}

/// Bytes that are searched for marks at once.
const STRETCH: usize = 64;

/// Fields of a row that are noted while it is read; a row of more is read again.
const WIDEST: usize = 64;

/// Where commas, line ends and quotation marks stand in 64 bytes, a bit for each byte, the first lowest: fields are so
/// short that a search of its own for each would cost more than the reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Marks {
    /// Commas and line ends.
    hits: u64,
    line_ends: u64,
    quotes: u64,
}

impl Marks {
    /// In the first 64 bytes of a text.
    #[inline]
    fn of(rest: &[u8]) -> Self {
        match rest.first_chunk::<STRETCH>() {
            Some(stretch) => Self::in_stretch(stretch),
            None => {
                let mut last = [0; STRETCH];
                last[..rest.len()].copy_from_slice(rest);
                Self::in_stretch(&last)
            }
        }
    }

    #[inline]
    fn in_stretch(stretch: &[u8; STRETCH]) -> Self {
        let mut marks = Self::default();
        for (part, at) in stretch.as_chunks().0.iter().zip([0, 16, 32, 48]) {
            let part = u8x16::new(*part);
            let [commas, line_ends, quotes] =
                [b',', b'\n', b'"'].map(|wanted| u64::from(part.simd_eq(u8x16::splat(wanted)).to_bitmask()));
            marks.hits |= (commas | line_ends) << at;
            marks.line_ends |= line_ends << at;
            marks.quotes |= quotes << at;
        }
        marks
    }
}

/// Hands out a row; false where it has no key.
#[inline]
fn emit(slots: &[&[u8]; SLOTS + 1], mut row: impl FnMut(&Row<'_>)) -> bool {
    let [key, name, sex, id_no, birth, phone, village, address, _] = *slots;
    let keyed = key.first().is_some_and(|c| *c > b' ' || !key.trim_ascii().is_empty());
    if keyed {
        row(&Row { key, name, sex, id_no, birth, phone, village, address });
    }
    keyed
}

/// Where the row that starts `text` ends, newline included, quotation marks respected.
fn row_end(text: &[u8]) -> usize {
    let mut quotes = Quotes::default();
    for at in memchr::memchr2_iter(b'"', b'\n', text) {
        if text[at] == b'"' {
            quotes.meet(text, at);
        } else if !quotes.open {
            return at + 1;
        }
    }
    text.len()
}

/// How a row with quotation marks looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Shape {
    columns: usize,
    /// A quoted field goes over a line's end and is closed where no field ends, or never: its end is most likely another
    /// field's beginning, and what lies between were rows of their own.
    torn: bool,
}

/// The fields of one row by RFC 4180; a quotation mark in the middle of a field stands for itself.
fn quoted_fields(text: &[u8], scratch: &mut Vec<u8>, mut field: impl FnMut(usize, &[u8])) -> Shape {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    scratch.clear();
    let (mut open, mut at) = (false, 0);
    // Whether a quoted stretch of this field goes over a line's end, and whether it has been closed.
    let (mut starts, mut over, mut closed) = (true, false, false);
    let mut shape = Shape { columns: 1, torn: false };
    while let Some(c) = text.get(at) {
        match c {
            b'"' if open && text.get(at + 1) == Some(&b'"') => {
                scratch.push(b'"');
                at += 1;
            }
            b'"' if open => (open, closed) = (false, true),
            b'"' if starts => (open, starts) = (true, false),
            b',' if !open => {
                field(shape.columns - 1, scratch);
                scratch.clear();
                shape.columns += 1;
                (starts, over, closed) = (true, false, false);
            }
            c => {
                over |= open && *c == b'\n';
                shape.torn |= over && closed && !c.is_ascii_whitespace();
                starts = false;
                scratch.push(*c);
            }
        }
        at += 1;
    }
    field(shape.columns - 1, scratch);
    shape.torn |= open;
    shape
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &[u8]) -> Vec<[String; 3]> {
        let (blocks, columns) = BlockReader::new(text).unwrap();
        let mut out = Vec::new();
        let mut block = Vec::new();
        while blocks.next_block(&mut block).unwrap() {
            columns.each(&block, |row| {
                out.push([row.key, row.name, row.address].map(|f| String::from_utf8_lossy(f).into_owned()));
            });
        }
        out
    }

    #[test]
    fn rows_plain_quoted_short_and_without_an_end() {
        let rows = all("\u{feff}rid,name,x,address\r\nR1,张伟,,南村\r\n\r\nR2,\"李\"\"芳\",\"a\nb\",\"1,2\"\nR3,王五\nR4,赵六,y,北村".as_bytes());
        let want = [["R1", "张伟", "南村"], ["R2", "李\"芳", "1,2"], ["R3", "王五", ""], ["R4", "赵六", "北村"]];
        assert_eq!(rows, want.map(|r| r.map(str::to_owned)));
        assert!(all(b"rid,name").is_empty());
        assert!(all(b"rid,name\n").is_empty());
        let wrong = BlockReader::new(&b"name,sex\n"[..]).unwrap_err();
        assert!(wrong.to_string().contains("qid"), "{wrong}");
        assert!(BlockReader::new(&b""[..]).is_err());
    }

    #[test]
    fn what_is_odd_about_rows_is_counted_and_found_again() {
        let text = b"rid,name,address\nR1,a,b\n,c,d\nR2,e\n\n \nR3,f,g,h\nR4,\"i\n\",j,k\n,,\nR5,l,\"m\n";
        let (blocks, columns) = BlockReader::new(&text[..text.len() - 8]).unwrap();
        let (mut block, mut rows) = (Vec::new(), 0);
        while blocks.next_block(&mut block).unwrap() {
            columns.each(&block, |_| rows += 1);
        }
        let notes = columns.notes();
        assert_eq!((rows, notes), (4, Notes { unkeyed: 2, short: 1, long: 2, torn: 0 }));
        let lines = first_lines(&text[..text.len() - 8], &columns, notes).unwrap();
        assert_eq!(lines, Notes { unkeyed: 3, short: 4, long: 7, torn: 0 });

        let fault = |text: &[u8]| {
            let read = BlockReader::new(text).and_then(|(blocks, _)| blocks.next_block(&mut Vec::new()));
            read.unwrap_err().downcast::<Malformed>().unwrap()
        };
        assert_eq!(fault(text), Malformed::OpenQuote(None));
        assert_eq!(fault(b"rid,name\n1,\xd5\xc5\n"), Malformed::NotUtf8(None));
        assert_eq!(fault(b"rid,\xd5\xc5\n"), Malformed::NotUtf8(None));
        assert_eq!(fault(b"rid,name\r1,a\r2,b\r"), Malformed::CarriageReturns);
        assert_eq!(fault(b"PK\x03\x04\0\0\n"), Malformed::NotText);
        assert_eq!(fault(b"name,name\n"), Malformed::Column("qid"));
        let (_, columns) = BlockReader::new(&b"rid,name,x,x,NAME\n"[..]).unwrap();
        assert_eq!(columns.repeated(), ["name"]);
        assert!(BlockReader::of_keys(&b"rid\n1\n"[..]).is_ok());
    }

    #[test]
    fn a_quotation_mark_within_a_field_is_a_sign_like_any_other() {
        let rows = all(b"rid,name,address\nR1,a,5\" pipe\nR2,b,c\nR3,d,6\" pipe\n");
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[0][2], "5\" pipe");
        // One that is closed by another field's beginning took rows in.
        let (blocks, columns) = BlockReader::new(&b"rid,name,address\nR1,a,\"x\nR2,b,c\nR3,d,\"y\"\n"[..]).unwrap();
        let mut block = Vec::new();
        assert!(blocks.next_block(&mut block).unwrap());
        columns.each(&block, |_| {});
        assert_eq!(columns.notes().torn, 1);
    }

    #[test]
    fn blocks_end_where_rows_end() {
        let mut text = b"rid,name,address\n".to_vec();
        for i in 0..60_000 {
            let quoted = if i % 7 == 0 { "\"a\n,b\"" } else { "plain address" };
            text.extend_from_slice(format!("R{i},name {i},{quoted}\n").as_bytes());
        }
        let rows = all(&text);
        assert_eq!(rows.len(), 60_000);
        for (i, [key, name, address]) in rows.iter().enumerate() {
            assert_eq!((key.as_str(), name.as_str()), (format!("R{i}").as_str(), format!("name {i}").as_str()));
            assert_eq!(address, if i % 7 == 0 { "a\n,b" } else { "plain address" });
        }
    }

    proptest! {
        #[test]
        fn every_mark_is_found(text in proptest::collection::vec(proptest::sample::select(b"a,\"\n\x00\xac\x2d\xff".to_vec()), 0..80)) {
            let bits = |wanted: &[u8]| {
                text.iter().take(64).zip(0..).filter(|(c, _)| wanted.contains(c)).fold(0u64, |all, (_, at)| all | 1 << at)
            };
            let want = Marks { hits: bits(b",\n"), line_ends: bits(b"\n"), quotes: bits(b"\"") };
            prop_assert_eq!(Marks::of(&text), want);
        }

        #[test]
        fn rows_are_read_as_they_are_one_by_one(text in proptest::collection::vec(proptest::sample::select(b"ab,,\"\n\n\r\xe5".to_vec()), 0..400), wide in 0usize..80) {
            let mut text = text;
            text.extend(b",x".repeat(wide));
            text.extend_from_slice(b"\ny,z");
            let columns = Columns::find(b"rid,name,x,address").unwrap();
            let mut got = Vec::new();
            columns.each(&text, |row| got.push([row.key.to_vec(), row.name.to_vec(), row.address.to_vec()]));
            let (mut want, mut from, mut aside) = (Vec::new(), 0, Aside::default());
            while from < text.len() {
                let len = row_end(&text[from..]);
                columns.quoted_row(&text[from..from + len], &mut aside, &mut |row| {
                    want.push([row.key.to_vec(), row.name.to_vec(), row.address.to_vec()]);
                });
                from += len;
            }
            prop_assert_eq!(got, want);
            prop_assert_eq!(columns.notes(), aside.notes);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(text in proptest::collection::vec(proptest::sample::select(b"a,\"\n\r\0\xe5".to_vec()), 0..200)) {
            let mut whole = b"rid,name,address\n".to_vec();
            whole.extend_from_slice(&text);
            let (blocks, columns) = BlockReader::new(whole.as_slice()).unwrap();
            let mut block = Vec::new();
            while blocks.next_block(&mut block).unwrap_or(false) {
                columns.each(&block, |row| assert!(!row.key.is_empty()));
            }
        }
    }
}
