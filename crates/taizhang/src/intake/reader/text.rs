//! CSV in the encodings that offices use.

use std::fs::File;
use std::io::{self, Read, Seek};

use encoding_rs::{Decoder, DecoderResult, Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

use super::{CELL_LIMIT, COLUMN_LIMIT, Cells, Facts, Go, RawRow, ReadError};

/// Longest CSV record, bytes of UTF-8: a quotation mark that never closes would otherwise take the rest of the file into
/// one cell.
const RECORD_LIMIT: u64 = 64 << 20;

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
    /// Whether the text is UTF-16.
    wide: bool,
    /// Bytes given since the last record was complete.
    since: u64,
    /// Whether a line ended among them.
    broken: bool,
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
            wide: encoding == UTF_16LE || encoding == UTF_16BE,
            since: 0,
            broken: false,
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
            // No table holds a NUL, and databases take none: the text ends before it.
            if let Some(at) = self.output.find('\0') {
                let begin = &self.input[self.start..self.start + read];
                let before = if self.wide {
                    self.output[..at].encode_utf16().count() * 2
                } else {
                    begin.iter().position(|b| *b == 0).unwrap_or(read)
                };
                self.offset += before as u64;
                self.line += self.output[..at].bytes().filter(|b| *b == b'\n').count() as u64;
                self.output.clear();
                self.malformed = true;
                self.finished = true;
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a NUL"));
            }
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
        self.broken |= out[..n].contains(&b'\n');
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

/// The kind of document that a text is whose first sign opens a tag.
fn markup(file: &mut File) -> io::Result<Option<&'static str>> {
    let mut head = [0u8; 1 << 10];
    let n = file.read(&mut head)?;
    file.rewind()?;
    // A byte-order mark and the upper halves of UTF-16 do not matter to what is ASCII.
    let text: String = head[..n].iter().filter(|b| (1..0x80).contains(*b)).map(|b| char::from(*b)).collect();
    let text = text.trim_start().to_ascii_lowercase();
    const PAGES: [&str; 10] =
        ["<!doctype html", "<html", "<head", "<meta", "<body", "<table", "<style", "<script", "<div", "<!--"];
    Ok(if PAGES.iter().any(|tag| text.starts_with(tag)) {
        Some("HTML")
    } else if text.starts_with("<?xml") || text.starts_with("<workbook") {
        Some("XML")
    } else if text.starts_with("mime-version:") {
        Some("MHTML")
    } else {
        None
    })
}

pub(super) fn read<E: From<ReadError>>(
    mut file: File,
    rows: u64,
    each: &mut dyn FnMut(RawRow<'_>) -> Result<Go, E>,
) -> Result<Facts, E> {
    let fail = |e: io::Error| ReadError::Open(e.to_string());
    if let Some(found) = markup(&mut file).map_err(fail)? {
        return Err(ReadError::Markup { found }.into());
    }
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
    for _ in 0..rows {
        let begin = reader.position().line();
        (reader.get_mut().since, reader.get_mut().broken) = (0, false);
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(_) => {
                let text = reader.get_ref();
                return Err(if text.malformed {
                    ReadError::Encoding { line: text.line, offset: text.offset }
                } else if text.since > RECORD_LIMIT && !text.broken {
                    ReadError::LineTooLong { line: begin }
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
