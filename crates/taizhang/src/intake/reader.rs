//! Files in, row by row: CSV in the encodings that offices use, XLS and XLSX in a child process under limits.
//!
//! A spreadsheet is hostile until read: a legal file of a few kilobytes can make a parser ask for hundreds of
//! gigabytes. So the parser runs in a child of our own binary with an address-space limit, a processor-time limit and a
//! count of what the archive unpacks to; if it dies, the file is refused and nothing else happens.

mod child;
mod text;
mod workbook;

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

pub use child::child_main;
pub use workbook::set_program;

/// Longest cell, characters: what a spreadsheet itself allows.
pub const CELL_LIMIT: usize = 32_767;
/// Most columns of a table.
pub const COLUMN_LIMIT: usize = 1_000;
/// What a cell of an XLSX gives whose formula has no stored value: such a cell is not empty.
pub const NOT_CALCULATED: &str = "#CALC!";
/// The hidden command that the child runs.
pub const CHILD_COMMAND: &str = "__read-spreadsheet";

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be opened.
    #[error("{0}")]
    Open(String),
    /// No bytes, or nothing but blanks.
    #[error("the file is empty")]
    Empty,
    /// It is something else: a PDF, a picture, a Word document.
    #[error("this is {found}, not a table")]
    NotATable {
        /// What it is.
        found: &'static str,
    },
    /// A web page or an XML document under the name of a spreadsheet, as some systems export.
    #[error("this is {found}, which a spreadsheet program can open and save as XLSX")]
    Markup {
        /// What it is.
        found: &'static str,
    },
    /// Neither UTF-8 nor UTF-16 nor GB18030.
    #[error("line {line}: not UTF-8, UTF-16 or GB18030 text")]
    Encoding {
        /// Where the text stops making sense.
        line: u64,
        /// Bytes from the start.
        offset: u64,
    },
    /// A cell longer than [`CELL_LIMIT`].
    #[error("{sheet} line {line} column {column}: {length} characters in one cell")]
    CellTooLong {
        /// Sheet, empty for CSV.
        sheet: String,
        /// Line from 1.
        line: u64,
        /// Column from 1.
        column: usize,
        /// Characters, or bytes where the cell was not decoded.
        length: usize,
    },
    /// A quotation mark that opens a cell and is not closed within [`RECORD_LIMIT`].
    #[error("line {line}: a quotation mark that never closes")]
    OpenQuote {
        /// Line from 1 where the record begins.
        line: u64,
    },
    /// A line longer than any table's.
    #[error("line {line}: longer than 64 MB")]
    LineTooLong {
        /// Line from 1.
        line: u64,
    },
    /// UTF-32, which no spreadsheet program writes by itself.
    #[error("the text is UTF-32")]
    Utf32,
    /// More than [`COLUMN_LIMIT`] columns.
    #[error("{sheet} line {line}: more than 1000 columns")]
    TooWide {
        /// Sheet.
        sheet: String,
        /// Line from 1.
        line: u64,
    },
    /// An XLSX that unpacks to far more than it should.
    #[error("the archive unpacks to {bytes} bytes or more")]
    Bomb {
        /// What the archive says that it unpacks to.
        bytes: u64,
    },
    /// Protected by a password.
    #[error("the workbook is protected by a password")]
    Encrypted,
    /// The parser gave up, ran out of memory or time.
    #[error("the workbook cannot be read: {0}")]
    Broken(String),
    /// No visible sheet has a row.
    #[error("the workbook has no visible sheet with rows")]
    NoSheet,
}

impl ReadError {
    /// Stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open(_) => "intake.read_open",
            Self::Empty => "intake.read_empty",
            Self::NotATable { .. } => "intake.read_not_a_table",
            Self::Markup { .. } => "intake.read_markup",
            Self::Encoding { .. } => "intake.read_encoding",
            Self::CellTooLong { .. } => "intake.read_cell_too_long",
            Self::OpenQuote { .. } => "intake.read_open_quote",
            Self::LineTooLong { .. } => "intake.read_line_too_long",
            Self::Utf32 => "intake.read_utf32",
            Self::TooWide { .. } => "intake.read_too_wide",
            Self::Bomb { .. } => "intake.read_bomb",
            Self::Encrypted => "intake.read_encrypted",
            Self::Broken(_) => "intake.read_broken",
            Self::NoSheet => "intake.read_no_sheet",
        }
    }

    /// What the text shows.
    pub fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Open(why) | Self::Broken(why) => vec![("why", why.clone())],
            Self::NotATable { found } | Self::Markup { found } => vec![("found", (*found).to_owned())],
            Self::Encoding { line, offset } => {
                vec![("line", line.to_string()), ("offset", offset.to_string())]
            }
            Self::CellTooLong { sheet, line, column, length } => vec![
                ("sheet", sheet.clone()),
                ("line", line.to_string()),
                ("column", column.to_string()),
                ("length", length.to_string()),
            ],
            Self::OpenQuote { line } | Self::LineTooLong { line } => vec![("line", line.to_string())],
            Self::TooWide { sheet, line } => {
                vec![("sheet", sheet.clone()), ("line", line.to_string())]
            }
            Self::Bomb { bytes } => vec![("bytes", bytes.to_string())],
            Self::Empty | Self::Utf32 | Self::Encrypted | Self::NoSheet => Vec::new(),
        }
    }
}

/// Why a sheet of a workbook is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Somebody hid it.
    Hidden,
    /// It is a chart, or its part of the file is missing or damaged.
    Unreadable,
    /// It has no rows.
    Empty,
    /// None of its first rows is a header that is known.
    NoHeader,
    /// It holds records of another kind.
    OtherKind,
    /// It lacks columns that its kind requires.
    MissingColumns,
}

/// A sheet that is not read, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SkippedSheet {
    /// Its name.
    pub sheet: String,
    /// Why.
    pub why: SkipReason,
    /// The other kind, or the columns that are missing; empty for other reasons.
    #[serde(default)]
    pub detail: String,
}

impl SkippedSheet {
    pub(crate) fn new(sheet: impl Into<String>, why: SkipReason, detail: impl Into<String>) -> Self {
        Self { sheet: sheet.into(), why, detail: detail.into() }
    }
}

/// What a file turned out to be.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// `utf-8`, `utf-8-bom`, `utf-16`, `gb18030`, `xlsx`, `xls`.
    pub encoding: &'static str,
    /// Sheets that were skipped.
    pub skipped: Vec<SkippedSheet>,
    /// Cells that held formulas, of which the stored value was taken.
    pub formulas: u64,
}

/// The cells of one row, borrowed from wherever they were read.
#[derive(Debug, Clone, Copy)]
pub enum Cells<'a> {
    /// From CSV.
    Record(&'a csv::StringRecord),
    /// From a spreadsheet.
    Texts(&'a [String]),
}

/// [`Cells`] that can travel to another thread.
#[derive(Debug, Clone)]
pub enum OwnedCells {
    /// From CSV.
    Record(csv::StringRecord),
    /// From a spreadsheet.
    Texts(Vec<String>),
}

impl OwnedCells {
    /// The cells.
    pub fn borrow(&self) -> Cells<'_> {
        match self {
            Self::Record(record) => Cells::Record(record),
            Self::Texts(texts) => Cells::Texts(texts),
        }
    }
}

impl<'a> Cells<'a> {
    /// A copy of its own.
    pub fn to_owned(&self) -> OwnedCells {
        match self {
            Self::Record(record) => OwnedCells::Record((*record).clone()),
            Self::Texts(texts) => OwnedCells::Texts(texts.to_vec()),
        }
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        match self {
            Self::Record(record) => record.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A cell; empty past the end.
    pub fn get(&self, at: usize) -> &'a str {
        match self {
            Self::Record(record) => record.get(at).unwrap_or(""),
            Self::Texts(texts) => texts.get(at).map_or("", String::as_str),
        }
    }

    /// All cells.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let cells = *self;
        (0..cells.len()).map(move |at| cells.get(at))
    }

    /// Whether every cell is blank.
    pub fn is_blank(&self) -> bool {
        self.iter().all(|c| c.trim().is_empty())
    }
}

/// A row with its place.
#[derive(Debug, Clone, Copy)]
pub struct RawRow<'a> {
    /// Sheet, empty for CSV.
    pub sheet: &'a str,
    /// Line or row from 1.
    pub line: u64,
    /// The cells.
    pub cells: Cells<'a>,
}

/// Whether to go on after a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Go {
    /// Next row.
    On,
    /// Enough: a preview.
    Stop,
}

/// Reads every row of a file of whatever kind.
///
/// # Errors
/// See [`ReadError`]; an error of `each` ends the reading and is returned.
pub fn read<E: From<ReadError>>(path: &Path, each: impl FnMut(RawRow<'_>) -> Result<Go, E>) -> Result<Facts, E> {
    read_up_to(path, u64::MAX, each)
}

/// Reads the first `rows` rows of each sheet; what the file turned out to be is told of the whole file all the same.
///
/// # Errors
/// As [`read`].
pub fn read_up_to<E: From<ReadError>>(
    path: &Path,
    rows: u64,
    mut each: impl FnMut(RawRow<'_>) -> Result<Go, E>,
) -> Result<Facts, E> {
    let fail = |e: io::Error| ReadError::Open(e.to_string());
    let mut file = File::open(path).map_err(fail)?;
    let mut head = [0u8; 8];
    let mut got = 0;
    while got < head.len() {
        match file.read(&mut head[got..]).map_err(fail)? {
            0 => break,
            n => got += n,
        }
    }
    file.rewind().map_err(fail)?;
    match &head[..got] {
        [] => Err(ReadError::Empty.into()),
        [b'P', b'K', 3, 4, ..] => workbook::read(path, "xlsx", rows, &mut each),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => workbook::read(path, "xls", rows, &mut each),
        [b'%', b'P', b'D', b'F', ..] => Err(ReadError::NotATable { found: "PDF" }.into()),
        [0xff, 0xd8, 0xff, ..] => Err(ReadError::NotATable { found: "JPEG" }.into()),
        [0x89, b'P', b'N', b'G', ..] => Err(ReadError::NotATable { found: "PNG" }.into()),
        [b'P', b'K', 5, 6, ..] => Err(ReadError::Empty.into()),
        [b'{', b'\\', b'r', b't', b'f', ..] => Err(ReadError::NotATable { found: "RTF" }.into()),
        [b'R', b'a', b'r', b'!', ..] => Err(ReadError::NotATable { found: "RAR" }.into()),
        [0x1f, 0x8b, ..] => Err(ReadError::NotATable { found: "GZIP" }.into()),
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Err(ReadError::Utf32.into()),
        _ => text::read(file, rows, &mut each),
    }
}
