//! The child process that reads a spreadsheet: it limits itself, reads, and writes frames to standard output.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;
use std::process::ExitCode;

use calamine::{DataRef, Reader as _, SheetVisible};

use super::workbook::{ChildError, TAG_END, TAG_ERROR, TAG_FORMULAS, TAG_ROW, TAG_SKIPPED};
use super::{CELL_LIMIT, COLUMN_LIMIT, NOT_CALCULATED, SkipReason, SkippedSheet};

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

/// The whole of the child process: limits itself, reads the first `rows` rows of each sheet, writes frames to standard
/// output.
pub fn child_main(path: &Path, rows: u64) -> ExitCode {
    let limited = rlimit::setrlimit(rlimit::Resource::AS, MEMORY_LIMIT, MEMORY_LIMIT)
        .and_then(|()| rlimit::setrlimit(rlimit::Resource::CPU, TIME_LIMIT, TIME_LIMIT))
        .and_then(|()| rlimit::setrlimit(rlimit::Resource::CORE, 0, 0));
    let mut out = Frames(BufWriter::with_capacity(1 << 16, io::stdout().lock()));
    let outcome = match limited {
        Ok(()) => child_read(path, rows, &mut out),
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

    fn skipped(&mut self, sheet: &str, why: SkipReason) -> Result<(), ChildError> {
        let skipped = SkippedSheet::new(sheet, why, "");
        let body = serde_json::to_vec(&skipped).map_err(|e| ChildError::Broken(e.to_string()))?;
        self.put(TAG_SKIPPED, &body).map_err(|e| ChildError::Broken(e.to_string()))
    }

    fn formulas(&mut self, count: u64) -> Result<(), ChildError> {
        self.put(TAG_FORMULAS, count.to_string().as_bytes()).map_err(|e| ChildError::Broken(e.to_string()))
    }
}

fn child_read<W: Write>(path: &Path, rows: u64, out: &mut Frames<W>) -> Result<(), ChildError> {
    let broken = |e: &dyn std::fmt::Display| ChildError::Broken(e.to_string());
    let mut file = File::open(path).map_err(|e| broken(&e))?;
    let mut magic = [0u8; 2];
    file.read_exact(&mut magic).map_err(|e| broken(&e))?;
    file.rewind().map_err(|e| broken(&e))?;
    if magic == *b"PK" {
        let formulas = check_archive(&mut file)?;
        out.formulas(formulas)?;
        file.rewind().map_err(|e| broken(&e))?;
        read_xlsx(file, rows, formulas > 0, out)
    } else {
        read_xls(file, rows, out)
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
        DataRef::DateTime(day) => date_text(day),
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
        calamine::Data::DateTime(day) => date_text(day),
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

/// A day, and the time of day where there is one, by the calendar of the workbook: days count from 1900 or from 1904.
fn date_text(value: &calamine::ExcelDateTime) -> String {
    const DAYS: std::ops::Range<f64> = 1.0..2_958_466.0;
    let serial = value.as_f64();
    let (year, month, day, hour, minute, ..) = value.to_ymd_hms_milli();
    let real = chrono::NaiveDate::from_ymd_opt(year.into(), month.into(), day.into());
    match real.filter(|_| value.is_datetime() && DAYS.contains(&serial)) {
        Some(day) if serial.fract() == 0.0 => day.to_string(),
        Some(day) => format!("{day} {hour:02}:{minute:02}"),
        None => number_text(serial),
    }
}

/// The places of a sheet's formulas, as row and column.
fn formulas_of<R: Read + Seek>(book: &mut calamine::Xlsx<R>, sheet: &str) -> Result<HashSet<(u32, u32)>, ChildError> {
    let mut places = HashSet::new();
    let Ok(mut cells) = book.worksheet_cells_reader(sheet) else {
        return Ok(places);
    };
    while let Some(cell) = cells.next_formula().map_err(|e| ChildError::Broken(e.to_string()))? {
        if !cell.get_value().is_empty() {
            places.insert(cell.get_position());
        }
    }
    Ok(places)
}

fn read_xlsx<W: Write>(file: File, rows: u64, calculates: bool, out: &mut Frames<W>) -> Result<(), ChildError> {
    let mut book: calamine::Xlsx<_> =
        calamine::Xlsx::new(BufReader::new(file)).map_err(|e| ChildError::Broken(e.to_string()))?;
    let sheets = book.sheets_metadata().to_vec();
    let mut any = false;
    for sheet in sheets {
        if sheet.visible != SheetVisible::Visible {
            out.skipped(&sheet.name, SkipReason::Hidden)?;
            continue;
        }
        let formulas = if calculates { formulas_of(&mut book, &sheet.name)? } else { HashSet::new() };
        let Ok(mut cells) = book.worksheet_cells_reader(&sheet.name) else {
            out.skipped(&sheet.name, SkipReason::Unreadable)?;
            continue;
        };
        let mut row: Vec<String> = Vec::new();
        let (mut line, mut given) = (0u64, 0u64);
        while given < rows {
            let cell = cells.next_cell().map_err(|e| ChildError::Broken(e.to_string()))?;
            let Some(cell) = cell else { break };
            let (at, column) = cell.get_position();
            let text = match cell.get_value() {
                // An empty text that was stored is a value; none at all is not.
                DataRef::Empty if formulas.contains(&(at, column)) => NOT_CALCULATED.to_owned(),
                value => text_of(value),
            };
            if text.is_empty() {
                continue;
            }
            if u64::from(at) + 1 != line && line > 0 {
                given += 1;
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
        if line == 0 {
            out.skipped(&sheet.name, SkipReason::Empty)?;
        } else if given < rows {
            out.row(&sheet.name, line, &row)?;
        }
        any |= line > 0;
    }
    if any { Ok(()) } else { Err(ChildError::Empty) }
}

fn read_xls<W: Write>(mut file: File, rows: u64, out: &mut Frames<W>) -> Result<(), ChildError> {
    let again = file.try_clone().map_err(|e| ChildError::Broken(e.to_string()))?;
    let mut book: calamine::Xls<_> = match calamine::Xls::new(BufReader::new(again)) {
        Ok(book) => book,
        Err(calamine::XlsError::Password) => return Err(ChildError::Encrypted),
        Err(error) => return Err(compound(&mut file).unwrap_or_else(|| ChildError::Broken(error.to_string()))),
    };
    let sheets = book.sheets_metadata().to_vec();
    let mut any = false;
    for sheet in sheets {
        if sheet.visible != SheetVisible::Visible {
            out.skipped(&sheet.name, SkipReason::Hidden)?;
            continue;
        }
        // An XLS sheet has at most 65,536 rows of 256 columns: the range fits the child's memory.
        let Ok(range) = book.worksheet_range(&sheet.name) else {
            out.skipped(&sheet.name, SkipReason::Unreadable)?;
            continue;
        };
        if let Ok(formulas) = book.worksheet_formula(&sheet.name) {
            out.formulas(formulas.used_cells().count() as u64)?;
        }
        let (top, left) = range.start().unwrap_or((0, 0));
        let mut given = 0;
        for (at, cells) in range.rows().enumerate() {
            let mut row = vec![String::new(); left as usize];
            row.extend(cells.iter().map(data_text));
            if row.iter().all(String::is_empty) {
                continue;
            }
            if given == rows {
                break;
            }
            given += 1;
            out.row(&sheet.name, u64::from(top) + at as u64 + 1, &row)?;
        }
        if given == 0 {
            out.skipped(&sheet.name, SkipReason::Empty)?;
        }
        any |= given > 0;
    }
    if any { Ok(()) } else { Err(ChildError::Empty) }
}

/// What a compound file is that is no workbook, by the names of its streams; none where it has one of a workbook, or the
/// file cannot be read.
fn compound(file: &mut File) -> Option<ChildError> {
    const LOOKED_AT: u64 = 64 << 20;
    let mut bytes = Vec::new();
    file.rewind().ok()?;
    file.take(LOOKED_AT).read_to_end(&mut bytes).ok()?;
    let has = |name: &str| {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        bytes.windows(wide.len()).any(|w| w == wide)
    };
    if has("Workbook\0") || has("Book\0") {
        None
    } else if has("EncryptedPackage\0") {
        // An XLSX with a password lies inside a compound file.
        Some(ChildError::Encrypted)
    } else if has("WordDocument\0") {
        Some(ChildError::NotATable("doc".to_owned()))
    } else if has("PowerPoint Document\0") {
        Some(ChildError::NotATable("ppt".to_owned()))
    } else {
        Some(ChildError::NotATable("ole".to_owned()))
    }
}
