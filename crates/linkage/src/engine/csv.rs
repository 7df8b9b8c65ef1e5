//! Rows of a CSV file, block by block: whole rows are handed out to several threads, fields are borrowed where they stand.

use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use wide::u8x16;

use super::person::Row;

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
}

impl<R: Read> BlockReader<R> {
    /// Reads the header, and leaves the rows to be handed out.
    ///
    /// # Errors
    /// If nothing can be read, or the header misses a column.
    pub fn new(mut reader: R) -> io::Result<(Self, Columns)> {
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
        let header = header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(header);
        let columns = Columns::find(header)?;
        carry.drain(..(end + 1).min(carry.len()));
        Ok((Self { state: Mutex::new(State { reader, carry, done }) }, columns))
    }
}

/// Appends up to `more` bytes; true at the end.
fn fill(reader: &mut impl Read, into: &mut Vec<u8>, more: usize) -> io::Result<bool> {
    let before = into.len();
    reader.by_ref().take(more as u64).read_to_end(into)?;
    Ok(into.len() - before < more)
}

/// Where the last whole row ends, newline included.
fn cut(block: &[u8]) -> Option<usize> {
    if memchr::memchr(b'"', block).is_none() {
        return memchr::memrchr(b'\n', block).map(|at| at + 1);
    }
    let mut quoted = false;
    let mut last = None;
    for at in memchr::memchr2_iter(b'"', b'\n', block) {
        if block[at] == b'"' {
            quoted = !quoted;
        } else if !quoted {
            last = Some(at + 1);
        }
    }
    last
}

impl<R: Read + Send> Blocks for BlockReader<R> {
    fn next_block(&self, block: &mut Vec<u8>) -> io::Result<bool> {
        block.clear();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { reader, carry, done } = &mut *state;
        block.append(carry);
        loop {
            if *done {
                return Ok(!block.is_empty());
            }
            *done = fill(reader, block, BLOCK)?;
            if *done {
                continue;
            }
            if let Some(end) = cut(block) {
                carry.extend_from_slice(&block[end..]);
                block.truncate(end);
                return Ok(true);
            }
            if block.len() > LONGEST {
                return Err(io::Error::new(io::ErrorKind::InvalidData, Malformed::LongRow));
            }
        }
    }
}

/// Why a file is not the table that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Malformed {
    /// The header lacks this column.
    Column(&'static str),
    /// A row does not end: most likely a quotation mark that is never closed.
    LongRow,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Column(name) => write!(f, "no column {name}"),
            Self::LongRow => f.write_str("a row of more than 64 MB: a quotation mark is not closed"),
        }
    }
}

impl std::error::Error for Malformed {}

/// Which column holds which field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// The slot of each column, [`SLOTS`] for none.
    slots: Vec<u8>,
}

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
        let mut fields = Vec::new();
        let mut scratch = Vec::new();
        quoted_fields(header, &mut scratch, |_, text| {
            fields.push(String::from_utf8_lossy(text).trim().to_lowercase());
        });
        let mut slots = vec![SLOTS as u8; fields.len()];
        for (slot, names) in HEADERS.iter().enumerate() {
            let column = names.iter().find_map(|name| fields.iter().position(|f| f == name));
            match column {
                Some(column) => slots[column] = slot as u8,
                None if slot < 2 => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, Malformed::Column(names[0])));
                }
                None => {}
            }
        }
        Ok(Self { slots })
    }

    /// Hands out every row of a block that has a key.
    pub fn each(&self, block: &[u8], mut row: impl FnMut(&Row<'_>)) {
        let mut start = 0;
        let mut scratch = Vec::new();
        while start < block.len() {
            start = self.plain_rows(block, start, &mut scratch, &mut row);
            if start < block.len() {
                let rest = &block[start..];
                let end = row_end(rest);
                self.quoted_row(&rest[..end], &mut scratch, &mut row);
                start += end;
            }
        }
    }

    /// Rows up to the first one with a quotation mark, whose start is returned.
    fn plain_rows(&self, block: &[u8], from: usize, scratch: &mut Vec<u8>, row: &mut impl FnMut(&Row<'_>)) -> usize {
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
                    self.plain_row(rest, start, &ends, column, scratch, row);
                    (start, column) = (at + 1, 0);
                }
            }
            if quotes != 0 {
                return from + start;
            }
            base += STRETCH;
        }
        if start < rest.len() {
            self.quoted_row(&rest[start..], scratch, row);
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
        scratch: &mut Vec<u8>,
        row: &mut impl FnMut(&Row<'_>),
    ) {
        if columns > WIDEST {
            let end = ends[(columns - 1) % WIDEST];
            self.quoted_row(text.get(start..end).unwrap_or_default(), scratch, row);
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
        emit(&slots, row);
    }

    fn quoted_row(&self, text: &[u8], scratch: &mut Vec<u8>, row: &mut impl FnMut(&Row<'_>)) {
        let mut owned: [Vec<u8>; SLOTS] = Default::default();
        quoted_fields(text, scratch, |column, field| {
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
        emit(&slots, row);
    }
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

fn emit(slots: &[&[u8]; SLOTS + 1], mut row: impl FnMut(&Row<'_>)) {
    let [key, name, sex, id_no, birth, phone, village, address, _] = *slots;
    if !key.is_empty() {
        row(&Row { key, name, sex, id_no, birth, phone, village, address });
    }
}

/// Where the row that starts `text` ends, newline included, quotation marks respected.
fn row_end(text: &[u8]) -> usize {
    let mut quoted = false;
    for at in memchr::memchr2_iter(b'"', b'\n', text) {
        if text[at] == b'"' {
            quoted = !quoted;
        } else if !quoted {
            return at + 1;
        }
    }
    text.len()
}

/// The fields of one row by RFC 4180.
fn quoted_fields(text: &[u8], scratch: &mut Vec<u8>, mut field: impl FnMut(usize, &[u8])) {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    scratch.clear();
    let (mut quoted, mut column, mut at) = (false, 0, 0);
    while let Some(c) = text.get(at) {
        match c {
            b'"' if quoted && text.get(at + 1) == Some(&b'"') => {
                scratch.push(b'"');
                at += 1;
            }
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                field(column, scratch);
                scratch.clear();
                column += 1;
            }
            c => scratch.push(*c),
        }
        at += 1;
    }
    field(column, scratch);
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
            let (mut want, mut from, mut scratch) = (Vec::new(), 0, Vec::new());
            while from < text.len() {
                let len = row_end(&text[from..]);
                columns.quoted_row(&text[from..from + len], &mut scratch, &mut |row| {
                    want.push([row.key.to_vec(), row.name.to_vec(), row.address.to_vec()]);
                });
                from += len;
            }
            prop_assert_eq!(got, want);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(text in proptest::collection::vec(proptest::sample::select(b"a,\"\n\r\0\xe5".to_vec()), 0..200)) {
            let mut whole = b"rid,name,address\n".to_vec();
            whole.extend_from_slice(&text);
            let rows = all(&whole);
            prop_assert!(rows.iter().all(|[key, _, _]| !key.is_empty()));
        }
    }
}
