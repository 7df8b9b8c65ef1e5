//! The rows of one or two files as numbers: every distinct value is cleaned, taken apart and measured once.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustc_hash::FxHashMap;

use super::spec::{Expr, Kind, Schema};
use super::text::{self, Clean};
use crate::engine::{Malformed, Notes, Watched};

/// Rows of both sides together; numbers of pairs stay within 64 bits.
const MOST_ROWS: usize = 1 << 28;
/// Bytes of all values of one side.
const MOST_BYTES: usize = u32::MAX as usize;

/// Bytes of a value that are kept, so that memory does not depend on how long a single one is.
const LONGEST: usize = 1 << 14;

/// The beginning of a value, cut between characters.
fn head(value: &[u8]) -> &[u8] {
    if value.len() <= LONGEST {
        return value;
    }
    // A character has four bytes at most; where there is none, it does not matter.
    let end = (LONGEST - 3..=LONGEST).rev().find(|at| value[*at] & 0xC0 != 0x80).unwrap_or(LONGEST);
    &value[..end]
}

/// Why a file is not what the schema says.
#[derive(Debug)]
pub enum DataProblem {
    /// Reading failed, or it is no CSV.
    Read(io::Error),
    /// The header lacks this column.
    Column {
        /// The header that the schema names.
        header: String,
        /// The headers that are there.
        found: String,
    },
    /// More rows or bytes than can be numbered.
    TooLarge,
}

impl std::fmt::Display for DataProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Read(e) => e.fmt(f),
            Self::Column { header, found } => write!(f, "no column {header:?} among {found}"),
            Self::TooLarge => f.write_str("more than 268 million rows or 4 GB of values"),
        }
    }
}

impl std::error::Error for DataProblem {}

/// The rows of one file, as far as the schema needs them, ordered by key and content.
#[derive(Debug, Default)]
pub struct Rows {
    keys: Vec<Box<[u8]>>,
    /// All values, row by row, column by column.
    bytes: Vec<u8>,
    /// Where each value ends.
    ends: Vec<u32>,
    /// Rows in their order.
    order: Vec<u32>,
    columns: usize,
    notes: Notes,
    lines: Notes,
    repeated_headers: Vec<String>,
}

impl Rows {
    /// Reads a CSV file with a header; `side` is 0 for the left or only file, 1 for the right.
    ///
    /// # Errors
    /// [`DataProblem`] where it cannot be read or lacks a column.
    pub fn read(schema: &Schema, side: usize, file: impl Read) -> Result<Self, DataProblem> {
        let side = side.min(1);
        let file = Watched::new(file);
        let mut reader = csv::ReaderBuilder::new().flexible(true).buffer_capacity(1 << 18).from_reader(file);
        // What the file is blamed for stays within.
        let fail = |e: csv::Error| match e.into_kind() {
            csv::ErrorKind::Io(error) => DataProblem::Read(error),
            other => DataProblem::Read(io::Error::other(format!("{other:?}"))),
        };
        let header: Vec<String> = {
            let names = reader.byte_headers().map_err(fail)?;
            let clean = |name: &[u8]| String::from_utf8_lossy(name).trim_start_matches('\u{feff}').trim().to_owned();
            if names.as_slice().contains(&0) {
                return Err(DataProblem::Read(Malformed::NotText.into()));
            }
            names.iter().map(clean).collect()
        };
        let short = |name: &String| name.chars().filter(|c| !c.is_control()).take(40).collect::<String>();
        let find = |name: &str| {
            header.iter().position(|h| h == name).ok_or_else(|| DataProblem::Column {
                header: name.to_owned(),
                found: header.iter().take(40).map(short).collect::<Vec<_>>().join(", "),
            })
        };
        let key = find(&schema.keys[side])?;
        let places: Vec<usize> = schema.columns.iter().map(|c| find(&c.headers[side])).collect::<Result<_, _>>()?;
        let used = |at: &&usize| header[**at + 1..].contains(&header[**at]);
        let repeated_headers = places.iter().chain([&key]).filter(used).map(|at| header[*at].clone()).collect();
        let mut rows = Self { columns: places.len(), repeated_headers, ..Self::default() };
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(fail)? {
            rows.keys.push(record.get(key).unwrap_or_default().trim_ascii().into());
            // Lines without anything before the row belong to it where its place is known.
            let line = || {
                let within = memchr::memchr_iter(b'\n', record.as_slice()).count() as u64;
                let before = record.position().map_or(0, csv::Position::line);
                reader.position().line().saturating_sub(within + 1).max(before)
            };
            let odd = [
                (rows.keys.last().is_some_and(|key| key.is_empty()), &mut rows.notes.unkeyed, &mut rows.lines.unkeyed),
                (record.len() < header.len(), &mut rows.notes.short, &mut rows.lines.short),
                (record.len() > header.len(), &mut rows.notes.long, &mut rows.lines.long),
            ];
            for (_, count, first) in odd.into_iter().filter(|(is, _, _)| *is) {
                *first = if *count == 0 { line() } else { *first };
                *count += 1;
            }
            for place in &places {
                rows.bytes.extend_from_slice(head(record.get(*place).unwrap_or_default()));
                rows.ends.push(u32::try_from(rows.bytes.len()).map_err(|_| DataProblem::TooLarge)?);
            }
            if rows.keys.len() > MOST_ROWS || rows.bytes.len() > MOST_BYTES {
                return Err(DataProblem::TooLarge);
            }
        }
        // By the beginnings of the keys as numbers, which mostly decides.
        let begin = |key: &[u8]| {
            let mut begin = [0; 16];
            let length = key.len().min(16);
            begin[..length].copy_from_slice(&key[..length]);
            u128::from_be_bytes(begin)
        };
        let mut order: Vec<(u128, u32)> = rows.keys.iter().zip(0..).map(|(key, row)| (begin(key), row)).collect();
        order.sort_by(|a, b| {
            let (x, y) = (a.1 as usize, b.1 as usize);
            let whole = || rows.keys[x].cmp(&rows.keys[y]).then_with(|| rows.content(x).cmp(rows.content(y)));
            a.0.cmp(&b.0).then_with(whole)
        });
        rows.order = order.into_iter().map(|(_, row)| row).collect();
        Ok(rows)
    }

    fn content(&self, row: usize) -> impl Iterator<Item = &[u8]> {
        (0..self.columns).map(move |column| self.raw(row, column))
    }

    fn raw(&self, row: usize, column: usize) -> &[u8] {
        let at = row * self.columns + column;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start as usize..self.ends[at] as usize]
    }

    fn get(&self, row: usize, column: usize) -> &[u8] {
        self.raw(self.order[row] as usize, column)
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key of a row, rows counted in the order of their keys.
    #[must_use]
    pub fn key(&self, row: u32) -> &[u8] {
        self.order.get(row as usize).map_or(&[], |at| &self.keys[*at as usize])
    }

    /// What was odd about the rows. Those without a key are kept under an empty one.
    #[must_use]
    pub fn notes(&self) -> Notes {
        self.notes
    }

    /// The lines, from 1, on which the first odd rows of each kind stand; 0 where there is none.
    #[must_use]
    pub fn lines(&self) -> Notes {
        self.lines
    }

    /// Columns of the schema whose header is there once more: the first of them counts.
    #[must_use]
    pub fn repeated_headers(&self) -> &[String] {
        &self.repeated_headers
    }

    /// How many rows bear a key that another row bears, too.
    #[must_use]
    pub fn repeated_keys(&self) -> usize {
        let keys: Vec<&[u8]> = (0..self.len() as u32).map(|row| self.key(row)).collect();
        keys.chunk_by(|a, b| a == b).filter(|group| group.len() > 1).map(<[&[u8]]>::len).sum()
    }
}

/// Distinct values of an expression and which row has which; 0 is "none".
#[derive(Debug, Default)]
pub(super) struct Feature {
    pub(super) texts: Arc<Vec<Arc<str>>>,
    pub(super) of_row: Vec<u32>,
    /// Values of each value, where the expression makes several: what `of_row` says is a number in here.
    pub(super) parts: Option<Vec<Box<[u32]>>>,
}

/// All features of a schema, in the order of its expressions.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) features: Vec<Feature>,
    /// Rows of the left side, which come first; 0 right rows where one file is compared with itself.
    pub(super) left: usize,
    pub(super) rows: usize,
}

impl Data {
    pub(super) fn new(schema: &Schema, sides: &[&Rows], threads: usize) -> Self {
        let rows = sides.iter().map(|side| side.len()).sum();
        let columns = parallel(schema.columns.len(), threads, |column| read_column(schema, column, sides, rows));
        let features = parallel(schema.exprs.len(), threads, |at| {
            derive(schema, &schema.exprs[at], &columns[schema.exprs[at].column])
        });
        Self { features, left: sides.first().map_or(0, |side| side.len()), rows }
    }

    /// Whether one file is compared with itself.
    pub(super) fn alone(&self) -> bool {
        self.left == self.rows
    }

    /// Pairs that there are.
    pub(super) fn pairs(&self) -> f64 {
        let (left, rows) = (self.left as f64, self.rows as f64);
        if self.alone() { left * (left - 1.0) / 2.0 } else { left * (rows - left) }
    }
}

/// Numbers for texts, in the order in which they come.
#[derive(Default)]
struct Names {
    texts: Vec<Arc<str>>,
    numbers: FxHashMap<Arc<str>, u32>,
}

impl Names {
    fn number(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        if self.texts.is_empty() {
            self.texts.push("".into());
        }
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.texts.len() as u32;
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        number
    }

    fn texts(mut self) -> Arc<Vec<Arc<str>>> {
        if self.texts.is_empty() {
            self.texts.push("".into());
        }
        Arc::new(self.texts)
    }
}

fn read_column(schema: &Schema, column: usize, sides: &[&Rows], rows: usize) -> Feature {
    let spec = &schema.columns[column];
    let mut raw: FxHashMap<&[u8], u32> = FxHashMap::default();
    let mut names = Names::default();
    let mut of_row = Vec::with_capacity(rows);
    for side in sides {
        for row in 0..side.len() {
            let value = side.get(row, column);
            let number = *raw.entry(value).or_insert_with(|| {
                let mut text = String::from_utf8_lossy(value).into_owned();
                for clean in &spec.clean {
                    clean.change(&mut text);
                }
                if spec.kind == Kind::Date {
                    text = text::date(&text, spec.month_first);
                }
                if spec.nulls.iter().any(|null| *null == text || null.as_bytes() == value) {
                    text.clear();
                }
                if spec.kind == Kind::Array {
                    let mut values: Vec<&str> = text::elements(&text, &spec.separator).collect();
                    values.sort_unstable();
                    values.dedup();
                    let separator: String = spec.separator.chars().take(1).collect();
                    text = values.join(&separator);
                }
                names.number(&text)
            });
            of_row.push(number);
        }
    }
    Feature { texts: names.texts(), of_row, parts: None }
}

fn derive(schema: &Schema, expr: &Expr, column: &Feature) -> Feature {
    let separator = &schema.columns[expr.column].separator;
    let mut names = Names::default();
    if !expr.steps.iter().any(|step| step.many()) {
        let made = |text: &str| {
            let mut text = text.to_owned();
            for step in &expr.steps {
                text = step.apply(&text, separator).pop().unwrap_or_default();
            }
            text
        };
        if expr.steps.is_empty() {
            return Feature { texts: Arc::clone(&column.texts), of_row: column.of_row.clone(), parts: None };
        }
        let of_value: Vec<u32> = column.texts.iter().map(|text| names.number(&made(text))).collect();
        let of_row = column.of_row.iter().map(|value| of_value[*value as usize]).collect();
        return Feature { texts: names.texts(), of_row, parts: None };
    }
    let parts = column.texts.iter().map(|text| {
        let mut values = vec![text.to_string()];
        for step in &expr.steps {
            values = values.iter().flat_map(|value| step.apply(value, separator)).collect();
        }
        let mut numbers: Vec<u32> =
            values.iter().map(|value| names.number(&Clean::Trim.apply(value))).filter(|n| *n != 0).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_boxed_slice()
    });
    let parts = parts.collect();
    Feature { texts: names.texts(), of_row: column.of_row.clone(), parts: Some(parts) }
}

/// `make(0)` to `make(count - 1)` on several threads, in this order.
pub(super) fn parallel<T: Send>(count: usize, threads: usize, make: impl Fn(usize) -> T + Sync) -> Vec<T> {
    parallel_with(count, threads, || (), |(), at| make(at))
}

/// As [`parallel`], with something that each thread keeps from one piece of work to the next; it must not change what
/// is made.
pub(super) fn parallel_with<S, T: Send>(
    count: usize,
    threads: usize,
    keep: impl Fn() -> S + Sync,
    make: impl Fn(&mut S, usize) -> T + Sync,
) -> Vec<T> {
    if threads <= 1 || count <= 1 {
        let mut kept = keep();
        return (0..count).map(|at| make(&mut kept, at)).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut kept = keep();
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return done;
            }
            done.push((at, make(&mut kept, at)));
        }
    };
    let mut all: Vec<(usize, T)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(count)).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            all.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        all
    });
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_value_does_not_grow_with_it() {
        let schema = "key = 'id'\n[[column]]\nname = 'a'\nkind = 'text'\n[[column]]\nname = 'b'\nkind = 'words'\n";
        let schema = Schema::from_toml(schema).unwrap();
        let kept = |length: usize| {
            let long = "xé ".repeat(length / 4);
            let text = format!("id,a,b\n1,{long}1,{long}\n2,{long}2,{long}\n");
            let rows = Rows::read(&schema, 0, text.as_bytes()).unwrap();
            let data = Data::new(&schema, &[&rows], 1);
            let texts: usize = data.features.iter().flat_map(|f| f.texts.iter()).map(|text| text.len()).sum();
            (rows.bytes.len(), texts, data.features[0].of_row.clone())
        };
        let (bytes, texts, of_row) = kept(1 << 20);
        assert!(bytes <= 4 * LONGEST && texts <= 2 * LONGEST, "{bytes} {texts}");
        assert_eq!(of_row, [1, 1]);
        assert_eq!(kept(1 << 18), (bytes, texts, of_row));
        assert_eq!(kept(1 << 10).2, [1, 2]);
    }

    #[test]
    fn what_is_odd_or_wrong_about_rows_is_said() {
        let schema = Schema::from_toml("key = 'id'\n[[column]]\nname = 'a'\nkind = 'text'\n").unwrap();
        let read = |text: &[u8]| Rows::read(&schema, 0, text);
        let rows = read(b"id,a,a\n1,x,y\n,x,y\n2,x\n\n3,x,y,z\n").unwrap();
        assert_eq!(rows.notes(), Notes { unkeyed: 1, short: 1, long: 1, torn: 0 });
        assert_eq!(rows.lines(), Notes { unkeyed: 3, short: 4, long: 6, torn: 0 });
        assert_eq!((rows.repeated_headers(), rows.len()), (&["a".to_owned()][..], 4));
        let fault = |text: &[u8]| match read(text) {
            Err(DataProblem::Read(error)) => error.downcast::<Malformed>().unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(fault(b"id,a\n1,x\n2,\"y\n3,z\n"), Malformed::OpenQuote(Some(3)));
        assert_eq!(fault(b"id,a\n1,\xd5\xc5\n"), Malformed::NotUtf8(Some(2)));
        assert_eq!(fault(b"PK\0\0"), Malformed::NotText);
        assert_eq!(read(b"id,a\r1,x\r2,y\r").unwrap().len(), 2);
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let long = "a".repeat(LONGEST - 1) + "张";
        assert_eq!(head(long.as_bytes()), &long.as_bytes()[..LONGEST - 1]);
        assert_eq!(head(&long.as_bytes()[..LONGEST]).len(), LONGEST);
        assert_eq!(head(&vec![0x80; LONGEST + 1]).len(), LONGEST);
    }
}
