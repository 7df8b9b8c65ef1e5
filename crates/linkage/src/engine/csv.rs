//! Rows of a CSV file, block by block: whole rows are handed out to several threads, fields are borrowed where they stand.

use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

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
            start = self.plain_rows(block, start, &mut row);
            if start < block.len() {
                let rest = &block[start..];
                let end = row_end(rest);
                self.quoted_row(&rest[..end], &mut scratch, &mut row);
                start += end;
            }
        }
    }

    /// Rows up to the first one with a quotation mark, whose start is returned.
    fn plain_rows<'a>(&self, block: &'a [u8], from: usize, row: &mut impl FnMut(&Row<'_>)) -> usize {
        let rest = &block[from..];
        let mut slots: [&'a [u8]; SLOTS + 1] = [&[]; SLOTS + 1];
        let (mut start, mut field, mut column) = (0, 0, 0);
        let end_row = |slots: &mut [&'a [u8]; SLOTS + 1], column: &mut usize, row: &mut dyn FnMut(&Row<'_>)| {
            for slot in self.slots.get(*column..).unwrap_or_default() {
                slots[usize::from(*slot)] = &[];
            }
            *column = 0;
            emit(slots, row);
        };
        for at in Marks::new(rest) {
            let c = rest[at];
            if c == b'"' {
                return from + start;
            }
            let mut text = &rest[field..at];
            if c == b'\n' {
                text = text.strip_suffix(b"\r").unwrap_or(text);
            }
            if let Some(slot) = self.slots.get(column) {
                slots[usize::from(*slot)] = text;
            }
            column += 1;
            field = at + 1;
            if c == b'\n' {
                end_row(&mut slots, &mut column, row);
                start = field;
            }
        }
        if field < rest.len() || column > 0 {
            let text = &rest[field..];
            if let Some(slot) = self.slots.get(column) {
                slots[usize::from(*slot)] = text.strip_suffix(b"\r").unwrap_or(text);
            }
            column += 1;
            end_row(&mut slots, &mut column, row);
        }
        block.len()
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

/// Where commas, line ends and quotation marks stand, 64 bytes at a time: fields are so short that a search of its own
/// for each would cost more than the reading.
struct Marks<'a> {
    text: &'a [u8],
    /// Where the stretch that is being looked at begins.
    base: usize,
    /// A bit for each byte of it that is a mark.
    hits: u64,
}

impl<'a> Marks<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, base: 0, hits: Self::hits(text) }
    }

    #[inline]
    fn hits(rest: &[u8]) -> u64 {
        match rest.first_chunk::<STRETCH>() {
            Some(stretch) => marks(stretch),
            None => {
                let mut last = [0; STRETCH];
                last[..rest.len()].copy_from_slice(rest);
                marks(&last)
            }
        }
    }
}

/// A bit for each mark, the first byte lowest: bytes are compared side by side, and a multiplication moves what eight of
/// them say into the bits of one.
#[inline]
fn marks(stretch: &[u8; STRETCH]) -> u64 {
    let flags = stretch.map(|c| u8::from(c == b',') | u8::from(c == b'\n') | u8::from(c == b'"'));
    let mut hits = 0;
    for (at, part) in flags.chunks_exact(8).enumerate() {
        let word = part.first_chunk::<8>().map_or(0, |word| u64::from_le_bytes(*word));
        hits |= (word.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * at);
    }
    hits
}

impl Iterator for Marks<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.hits == 0 {
            self.base += STRETCH;
            self.hits = Self::hits(self.text.get(self.base..).filter(|rest| !rest.is_empty())?);
        }
        let at = self.base + self.hits.trailing_zeros() as usize;
        self.hits &= self.hits - 1;
        Some(at)
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
        fn every_mark_is_found_once(text in proptest::collection::vec(proptest::sample::select(b"a,\"\n\x00\xac\x2d\xff".to_vec()), 0..200)) {
            let marks: Vec<usize> = Marks::new(&text).collect();
            let want: Vec<usize> = (0..text.len()).filter(|i| matches!(text[*i], b',' | b'\n' | b'"')).collect();
            prop_assert_eq!(marks, want);
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
