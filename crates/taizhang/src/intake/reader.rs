//! Files in, row by row: CSV in the encodings that offices use, XLS and XLSX in a child process under limits.
//!
//! A spreadsheet is hostile until read: a legal file of a few kilobytes can make a parser ask for hundreds of
//! gigabytes. So the parser runs in a child of our own binary with an address-space limit, a processor-time limit and a
//! count of what the archive unpacks to; if it dies, the file is refused and nothing else happens.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;

use calamine::{DataRef, Reader as _, SheetVisible};
use encoding_rs::{Decoder, DecoderResult, Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

/// Longest cell, characters: what a spreadsheet itself allows.
pub const CELL_LIMIT: usize = 32_767;
/// Longest CSV record, bytes of UTF-8: a quotation mark that never closes would otherwise take the rest of the file into
/// one cell.
const RECORD_LIMIT: u64 = 64 << 20;
/// Most columns of a table.
pub const COLUMN_LIMIT: usize = 1_000;
/// Largest sum of unpacked parts of an XLSX, bytes.
const INFLATED_LIMIT: u64 = 1 << 30;
/// Most parts of an XLSX.
const PART_LIMIT: usize = 1_000;
/// A part larger than this must not have been packed tighter than [`RATIO_LIMIT`], bytes.
const RATIO_FROM: u64 = 16 << 20;
/// Unpacked to packed.
const RATIO_LIMIT: u64 = 200;
/// Address space of the child, bytes.
const MEMORY_LIMIT: u64 = 1_536 << 20;
/// Processor time of the child, seconds.
const TIME_LIMIT: u64 = 300;
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
            Self::Encoding { .. } => "intake.read_encoding",
            Self::CellTooLong { .. } => "intake.read_cell_too_long",
            Self::OpenQuote { .. } => "intake.read_open_quote",
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
            Self::NotATable { found } => vec![("found", (*found).to_owned())],
            Self::Encoding { line, offset } => {
                vec![("line", line.to_string()), ("offset", offset.to_string())]
            }
            Self::CellTooLong { sheet, line, column, length } => vec![
                ("sheet", sheet.clone()),
                ("line", line.to_string()),
                ("column", column.to_string()),
                ("length", length.to_string()),
            ],
            Self::OpenQuote { line } => vec![("line", line.to_string())],
            Self::TooWide { sheet, line } => {
                vec![("sheet", sheet.clone()), ("line", line.to_string())]
            }
            Self::Bomb { bytes } => vec![("bytes", bytes.to_string())],
            Self::Empty | Self::Encrypted | Self::NoSheet => Vec::new(),
        }
    }
}

/// What a file turned out to be.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// `utf-8`, `utf-8-bom`, `utf-16`, `gb18030`, `xlsx`, `xls`.
    pub encoding: &'static str,
    /// Hidden sheets, which were skipped.
    pub hidden_sheets: Vec<String>,
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

/// The program whose [`CHILD_COMMAND`] reads spreadsheets; this process's own where none was set.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Says which program reads spreadsheets: for test binaries, which are not `taizhang` themselves. The first call wins.
pub fn set_program(path: PathBuf) {
    let _ = PROGRAM.set(path);
}

/// Reads every row of a file of whatever kind.
///
/// # Errors
/// See [`ReadError`]; an error of `each` ends the reading and is returned.
pub fn read<E: From<ReadError>>(path: &Path, mut each: impl FnMut(RawRow<'_>) -> Result<Go, E>) -> Result<Facts, E> {
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
        [b'P', b'K', 3, 4, ..] => read_spreadsheet(path, "xlsx", &mut each),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => read_spreadsheet(path, "xls", &mut each),
        [b'%', b'P', b'D', b'F', ..] => Err(ReadError::NotATable { found: "PDF" }.into()),
        [0xff, 0xd8, 0xff, ..] => Err(ReadError::NotATable { found: "JPEG" }.into()),
        [0x89, b'P', b'N', b'G', ..] => Err(ReadError::NotATable { found: "PNG" }.into()),
        [b'P', b'K', 5, 6, ..] => Err(ReadError::Empty.into()),
        [b'R', b'a', b'r', b'!', ..] => Err(ReadError::NotATable { found: "RAR" }.into()),
        [0x1f, 0x8b, ..] => Err(ReadError::NotATable { found: "GZIP" }.into()),
        _ => read_csv(file, &mut each),
    }
}

// ---- CSV -------------------------------------------------------------------------------------------------------

/// Decodes to UTF-8 as it reads; remembers where the text was no text.
struct Transcoder {
    file: File,
    decoder: Decoder,
    input: Box<[u8]>,
    start: usize,
    end: usize,
    output: String,
    given: usize,
    finished: bool,
    offset: u64,
    line: u64,
    malformed: bool,
    /// Bytes given since the last record was complete.
    since: u64,
}

impl Transcoder {
    fn new(file: File, encoding: &'static Encoding) -> Self {
        Self {
            file,
            decoder: encoding.new_decoder_with_bom_removal(),
            input: vec![0; 1 << 17].into_boxed_slice(),
            start: 0,
            end: 0,
            output: String::with_capacity(1 << 18),
            given: 0,
            finished: false,
            offset: 0,
            line: 1,
            malformed: false,
            since: 0,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.output.clear();
        self.given = 0;
        while self.output.is_empty() && !self.finished {
            if self.start == self.end {
                self.start = 0;
                self.end = self.file.read(&mut self.input)?;
            }
            let last = self.end == 0;
            let (result, read) = self.decoder.decode_to_string_without_replacement(
                &self.input[self.start..self.end],
                &mut self.output,
                last,
            );
            self.start += read;
            self.offset += read as u64;
            self.line += self.output.bytes().filter(|b| *b == b'\n').count() as u64;
            match result {
                DecoderResult::InputEmpty => self.finished = last,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    self.malformed = true;
                    self.finished = true;
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "malformed text"));
                }
            }
        }
        Ok(())
    }
}

impl Read for Transcoder {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.malformed {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "malformed text"));
        }
        if self.since > RECORD_LIMIT {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a record without end"));
        }
        if self.given == self.output.len() {
            self.fill()?;
        }
        let rest = &self.output.as_bytes()[self.given..];
        let n = rest.len().min(out.len());
        out[..n].copy_from_slice(&rest[..n]);
        self.given += n;
        self.since += n as u64;
        Ok(n)
    }
}

/// The encoding of a text file, from its mark or its beginning.
fn sniff(file: &mut File) -> io::Result<Option<(&'static Encoding, &'static str)>> {
    let mut head = vec![0u8; 1 << 20];
    let mut len = 0;
    while len < head.len() {
        match file.read(&mut head[len..])? {
            0 => break,
            n => len += n,
        }
    }
    file.rewind()?;
    let head = &head[..len];
    let whole = |encoding: &'static Encoding| {
        let mut out = String::with_capacity(head.len() * 3 + 16);
        let (result, _) =
            encoding.new_decoder_without_bom_handling().decode_to_string_without_replacement(head, &mut out, false);
        matches!(result, DecoderResult::InputEmpty) && !out.contains('\0')
    };
    Ok(match head {
        [0xef, 0xbb, 0xbf, ..] => Some((UTF_8, "utf-8-bom")),
        [0xff, 0xfe, ..] => Some((UTF_16LE, "utf-16")),
        [0xfe, 0xff, ..] => Some((UTF_16BE, "utf-16")),
        _ if whole(UTF_8) => Some((UTF_8, "utf-8")),
        _ if whole(GB18030) => Some((GB18030, "gb18030")),
        _ => None,
    })
}

fn read_csv<E: From<ReadError>>(mut file: File, each: &mut dyn FnMut(RawRow<'_>) -> Result<Go, E>) -> Result<Facts, E> {
    let fail = |e: io::Error| ReadError::Open(e.to_string());
    let Some((encoding, name)) = sniff(&mut file).map_err(fail)? else {
        return Err(first_malformed(file).into());
    };
    let (delimiter, crlf) = shape(&mut file, encoding).map_err(fail)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(1 << 17)
        .from_reader(Transcoder::new(file, encoding));
    let mut record = csv::StringRecord::new();
    let mut any = false;
    loop {
        let begin = reader.position().line();
        reader.get_mut().since = 0;
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(_) => {
                let text = reader.get_ref();
                return Err(if text.malformed {
                    ReadError::Encoding { line: text.line, offset: text.offset }
                } else if text.since > RECORD_LIMIT {
                    ReadError::OpenQuote { line: begin }
                } else {
                    ReadError::Broken("CSV".to_owned())
                }
                .into());
            }
        }
        // The parser ends a row at its CR and counts the LF only when it reads on.
        let late = u64::from(crlf && record.position().is_some_and(|p| p.byte() > 0));
        let line = record.position().map_or(0, csv::Position::line) + late;
        if record.len() > COLUMN_LIMIT {
            return Err(ReadError::TooWide { sheet: String::new(), line }.into());
        }
        if record.as_slice().len() > CELL_LIMIT
            && let Some((column, cell)) = record.iter().enumerate().find(|(_, c)| c.chars().count() > CELL_LIMIT)
        {
            let length = cell.chars().count();
            return Err(ReadError::CellTooLong { sheet: String::new(), line, column: column + 1, length }.into());
        }
        any |= record.iter().any(|c| !c.trim().is_empty());
        if each(RawRow { sheet: "", line, cells: Cells::Record(&record) })? == Go::Stop {
            break;
        }
    }
    if !any {
        return Err(ReadError::Empty.into());
    }
    Ok(Facts { encoding: name, ..Facts::default() })
}

/// Where a file that is in no known encoding stops being what it is the longest, which is where a person should look.
fn first_malformed(mut file: File) -> ReadError {
    let mut farthest = (1, 0);
    for encoding in [UTF_8, GB18030] {
        let Ok(again) = file.rewind().and_then(|()| file.try_clone()) else {
            break;
        };
        let mut text = Transcoder::new(again, encoding);
        let mut sink = [0u8; 1 << 16];
        while matches!(text.read(&mut sink), Ok(n) if n > 0) {}
        if text.offset > farthest.1 {
            farthest = (text.line, text.offset);
        }
    }
    ReadError::Encoding { line: farthest.0, offset: farthest.1 }
}

/// What separates cells, and whether lines end with CR and LF.
fn shape(file: &mut File, encoding: &'static Encoding) -> io::Result<(u8, bool)> {
    let mut head = vec![0u8; 1 << 14];
    let n = file.read(&mut head)?;
    file.rewind()?;
    let (text, _, _) = encoding.decode(&head[..n]);
    let count = |c: char| text.lines().take(20).map(|l| l.matches(c).count()).max().unwrap_or(0);
    let delimiter = match (count(','), count('\t'), count(';')) {
        (comma, tab, semicolon) if tab > comma && tab >= semicolon => b'\t',
        (comma, _, semicolon) if semicolon > comma => b';',
        _ => b',',
    };
    let crlf = text.split_once('\n').is_some_and(|(first, _)| first.ends_with('\r'));
    Ok((delimiter, crlf))
}

// ---- Spreadsheets: the parent's side ---------------------------------------------------------------------------

const TAG_ROW: u8 = 1;
const TAG_HIDDEN: u8 = 2;
const TAG_FORMULAS: u8 = 3;
const TAG_ERROR: u8 = 4;
const TAG_END: u8 = 5;

fn read_spreadsheet<E: From<ReadError>>(
    path: &Path,
    kind: &'static str,
    each: &mut dyn FnMut(RawRow<'_>) -> Result<Go, E>,
) -> Result<Facts, E> {
    let broken = |e: io::Error| ReadError::Broken(e.to_string());
    let program = match PROGRAM.get() {
        Some(path) => path.clone(),
        None => std::env::current_exe().map_err(broken)?,
    };
    let mut child = Command::new(program)
        .arg(CHILD_COMMAND)
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .env_clear()
        .spawn()
        .map_err(broken)?;
    let outcome = match child.stdout.take() {
        Some(out) => take_rows(BufReader::with_capacity(1 << 16, out), kind, each),
        None => Err(ReadError::Broken("no output".to_owned()).into()),
    };
    // Whether it has ended or hangs: it is not needed any more.
    let _ = child.kill();
    let _ = child.wait();
    outcome
}

fn take_rows<E: From<ReadError>>(
    mut from: impl Read,
    kind: &'static str,
    each: &mut dyn FnMut(RawRow<'_>) -> Result<Go, E>,
) -> Result<Facts, E> {
    let mut facts = Facts { encoding: kind, ..Facts::default() };
    let mut any = false;
    loop {
        let Some((tag, body)) = frame(&mut from) else {
            let why = "the reader stopped: out of memory or time";
            return Err(ReadError::Broken(why.to_owned()).into());
        };
        match tag {
            TAG_ROW => {
                let row: (String, u64, Vec<String>) =
                    serde_json::from_slice(&body).map_err(|e| ReadError::Broken(e.to_string()))?;
                any = true;
                if each(RawRow { sheet: &row.0, line: row.1, cells: Cells::Texts(&row.2) })? == Go::Stop {
                    return Ok(facts);
                }
            }
            TAG_HIDDEN => facts.hidden_sheets.push(String::from_utf8_lossy(&body).into_owned()),
            TAG_FORMULAS => facts.formulas += String::from_utf8_lossy(&body).parse::<u64>().unwrap_or(0),
            TAG_ERROR => return Err(error_from(&body).into()),
            _ if any => return Ok(facts),
            _ => return Err(ReadError::NoSheet.into()),
        }
    }
}

fn frame(from: &mut impl Read) -> Option<(u8, Vec<u8>)> {
    let mut head = [0u8; 5];
    from.read_exact(&mut head).ok()?;
    let len = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    let mut body = vec![0u8; len as usize];
    from.read_exact(&mut body).ok()?;
    Some((head[0], body))
}

#[derive(serde::Serialize, serde::Deserialize)]
enum ChildError {
    NotATable(String),
    Cell { sheet: String, line: u64, column: usize, length: usize },
    Wide { sheet: String, line: u64 },
    Bomb(u64),
    Encrypted,
    Empty,
    Broken(String),
}

fn error_from(body: &[u8]) -> ReadError {
    match serde_json::from_slice(body) {
        Ok(ChildError::NotATable(kind)) => ReadError::NotATable {
            found: match kind.as_str() {
                "docx" => "DOCX",
                "pptx" => "PPTX",
                _ => "ZIP",
            },
        },
        Ok(ChildError::Cell { sheet, line, column, length }) => ReadError::CellTooLong { sheet, line, column, length },
        Ok(ChildError::Wide { sheet, line }) => ReadError::TooWide { sheet, line },
        Ok(ChildError::Bomb(bytes)) => ReadError::Bomb { bytes },
        Ok(ChildError::Encrypted) => ReadError::Encrypted,
        Ok(ChildError::Empty) => ReadError::NoSheet,
        Ok(ChildError::Broken(why)) => ReadError::Broken(why),
        Err(error) => ReadError::Broken(error.to_string()),
    }
}

// ---- Spreadsheets: the child's side ----------------------------------------------------------------------------

/// The whole of the child process: limits itself, reads the file, writes frames to standard output.
pub fn child_main(path: &Path) -> ExitCode {
    let limited = rlimit::setrlimit(rlimit::Resource::AS, MEMORY_LIMIT, MEMORY_LIMIT)
        .and_then(|()| rlimit::setrlimit(rlimit::Resource::CPU, TIME_LIMIT, TIME_LIMIT))
        .and_then(|()| rlimit::setrlimit(rlimit::Resource::CORE, 0, 0));
    let mut out = Frames(BufWriter::with_capacity(1 << 16, io::stdout().lock()));
    let outcome = match limited {
        Ok(()) => child_read(path, &mut out),
        Err(error) => Err(ChildError::Broken(error.to_string())),
    };
    let last = match outcome {
        Ok(()) => out.put(TAG_END, &[]),
        Err(error) => serde_json::to_vec(&error).map_err(io::Error::other).and_then(|body| out.put(TAG_ERROR, &body)),
    };
    match last.and_then(|()| out.0.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

struct Frames<W: Write>(W);

impl<W: Write> Frames<W> {
    fn put(&mut self, tag: u8, body: &[u8]) -> io::Result<()> {
        let len = u32::try_from(body.len()).map_err(io::Error::other)?;
        self.0.write_all(&[tag])?;
        self.0.write_all(&len.to_be_bytes())?;
        self.0.write_all(body)
    }

    fn row(&mut self, sheet: &str, line: u64, cells: &[String]) -> Result<(), ChildError> {
        if let Some((column, cell)) = cells.iter().enumerate().find(|(_, c)| c.len() > CELL_LIMIT) {
            let length = cell.chars().count();
            if length > CELL_LIMIT {
                return Err(ChildError::Cell { sheet: sheet.to_owned(), line, column: column + 1, length });
            }
        }
        let body = serde_json::to_vec(&(sheet, line, cells)).map_err(|e| ChildError::Broken(e.to_string()))?;
        self.put(TAG_ROW, &body).map_err(|e| ChildError::Broken(e.to_string()))
    }
}

fn child_read<W: Write>(path: &Path, out: &mut Frames<W>) -> Result<(), ChildError> {
    let broken = |e: &dyn std::fmt::Display| ChildError::Broken(e.to_string());
    let mut file = File::open(path).map_err(|e| broken(&e))?;
    let mut magic = [0u8; 2];
    file.read_exact(&mut magic).map_err(|e| broken(&e))?;
    file.rewind().map_err(|e| broken(&e))?;
    if magic == *b"PK" {
        let formulas = check_archive(&mut file)?;
        out.put(TAG_FORMULAS, formulas.to_string().as_bytes()).map_err(|e| broken(&e))?;
        file.rewind().map_err(|e| broken(&e))?;
        read_xlsx(file, out)
    } else {
        read_xls(file, out)
    }
}

/// Counts what the archive unpacks to by unpacking it, because what it says of itself may be a lie; on the way it counts
/// the formulas of the sheets.
fn check_archive(file: &mut File) -> Result<u64, ChildError> {
    let broken = |e: &dyn std::fmt::Display| ChildError::Broken(e.to_string());
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|e| broken(&e))?;
    if archive.len() > PART_LIMIT {
        return Err(ChildError::Bomb(archive.len() as u64));
    }
    let names: Vec<String> = archive.file_names().filter_map(Result::ok).map(std::borrow::Cow::into_owned).collect();
    let has = |start: &str| names.iter().any(|n| n.starts_with(start));
    if !has("xl/") {
        let kind = if has("word/") {
            "docx"
        } else if has("ppt/") {
            "pptx"
        } else {
            "zip"
        };
        return Err(ChildError::NotATable(kind.to_owned()));
    }
    let (mut total, mut formulas) = (0u64, 0u64);
    let mut buffer = vec![0u8; 1 << 16];
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).map_err(|e| broken(&e))?;
        let (said, packed) = (part.size(), part.compressed_size().max(1));
        if total + said > INFLATED_LIMIT || (said > RATIO_FROM && said / packed > RATIO_LIMIT) {
            return Err(ChildError::Bomb(total + said));
        }
        let sheet = part.name().is_ok_and(|n| n.starts_with("xl/worksheets/sheet"));
        let (mut size, mut tail) = (0u64, [0u8; 2]);
        loop {
            let n = part.read(&mut buffer).map_err(|e| broken(&e))?;
            if n == 0 {
                break;
            }
            size += n as u64;
            if total + size > INFLATED_LIMIT || (size > RATIO_FROM && size / packed > RATIO_LIMIT) {
                return Err(ChildError::Bomb(total + size));
            }
            if sheet {
                for byte in &buffer[..n] {
                    formulas += u64::from(tail == *b"<f" && matches!(byte, b'>' | b' '));
                    tail = [tail[1], *byte];
                }
            }
        }
        total += size;
    }
    Ok(formulas)
}

fn text_of(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number_text(*number),
        DataRef::Bool(yes) => if *yes { "是" } else { "否" }.to_owned(),
        DataRef::DateTime(day) => date_text(day.as_f64()),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => error.to_string(),
    }
}

fn data_text(value: &calamine::Data) -> String {
    match value {
        calamine::Data::Empty => String::new(),
        calamine::Data::String(text) => text.clone(),
        calamine::Data::Int(number) => number.to_string(),
        calamine::Data::Float(number) => number_text(*number),
        calamine::Data::Bool(yes) => if *yes { "是" } else { "否" }.to_owned(),
        calamine::Data::DateTime(day) => date_text(day.as_f64()),
        calamine::Data::DateTimeIso(text) | calamine::Data::DurationIso(text) => text.clone(),
        calamine::Data::Error(error) => error.to_string(),
    }
}

/// A number as a person would read it; one of 16 digits or more has lost its end and is shown so that this is seen.
fn number_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        format!("{number:.0}")
    } else if number.abs() >= 1e15 {
        let text = format!("{number:E}");
        text.replace('E', "E+")
    } else {
        number.to_string()
    }
}

fn date_text(serial: f64) -> String {
    match codes::date::from_excel_serial(serial) {
        Some(day) if serial.fract() == 0.0 => day.to_string(),
        Some(day) => {
            let minutes = (serial.fract() * 1440.0).round() as u32;
            format!("{day} {:02}:{:02}", minutes / 60 % 24, minutes % 60)
        }
        None => number_text(serial),
    }
}

fn read_xlsx<W: Write>(file: File, out: &mut Frames<W>) -> Result<(), ChildError> {
    let mut book: calamine::Xlsx<_> =
        calamine::Xlsx::new(BufReader::new(file)).map_err(|e| ChildError::Broken(e.to_string()))?;
    let sheets = book.sheets_metadata().to_vec();
    let mut any = false;
    for sheet in sheets {
        if sheet.visible != SheetVisible::Visible {
            out.put(TAG_HIDDEN, sheet.name.as_bytes()).map_err(|e| ChildError::Broken(e.to_string()))?;
            continue;
        }
        let Ok(mut cells) = book.worksheet_cells_reader(&sheet.name) else {
            continue;
        };
        let mut row: Vec<String> = Vec::new();
        let mut line = 0u64;
        loop {
            let cell = cells.next_cell().map_err(|e| ChildError::Broken(e.to_string()))?;
            let Some(cell) = cell else { break };
            let (at, column) = cell.get_position();
            let text = text_of(cell.get_value());
            if text.is_empty() {
                continue;
            }
            if u64::from(at) + 1 != line && line > 0 {
                any = true;
                out.row(&sheet.name, line, &row)?;
                row.clear();
            }
            line = u64::from(at) + 1;
            let column = column as usize;
            if column >= COLUMN_LIMIT {
                return Err(ChildError::Wide { sheet: sheet.name, line });
            }
            if row.len() <= column {
                row.resize(column + 1, String::new());
            }
            row[column] = text;
        }
        if line > 0 {
            any = true;
            out.row(&sheet.name, line, &row)?;
        }
    }
    if any { Ok(()) } else { Err(ChildError::Empty) }
}

fn read_xls<W: Write>(file: File, out: &mut Frames<W>) -> Result<(), ChildError> {
    let mut book: calamine::Xls<_> = calamine::Xls::new(BufReader::new(file)).map_err(|e| {
        let why = e.to_string();
        if why.to_lowercase().contains("password") || why.contains("Workbook") {
            ChildError::Encrypted
        } else {
            ChildError::Broken(why)
        }
    })?;
    let sheets = book.sheets_metadata().to_vec();
    let mut any = false;
    for sheet in sheets {
        if sheet.visible != SheetVisible::Visible {
            out.put(TAG_HIDDEN, sheet.name.as_bytes()).map_err(|e| ChildError::Broken(e.to_string()))?;
            continue;
        }
        // An XLS sheet has at most 65,536 rows of 256 columns: the range fits the child's memory.
        let range = book.worksheet_range(&sheet.name).map_err(|e| ChildError::Broken(e.to_string()))?;
        let (top, left) = range.start().unwrap_or((0, 0));
        for (at, cells) in range.rows().enumerate() {
            let mut row = vec![String::new(); left as usize];
            row.extend(cells.iter().map(data_text));
            if row.iter().any(|c| !c.is_empty()) {
                any = true;
                out.row(&sheet.name, u64::from(top) + at as u64 + 1, &row)?;
            }
        }
    }
    if any { Ok(()) } else { Err(ChildError::Empty) }
}
