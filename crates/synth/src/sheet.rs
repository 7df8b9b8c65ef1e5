//! Tables as the real systems write them: XLSX with title row, reporting unit, merged two-level headers, a
//! totals row and a signature footer; CSV in GBK or in UTF-8 with a byte-order mark.

use crate::SynthError;
use chrono::NaiveDate;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// One column. `group` is the upper header of a two-level header, empty for a column without one; `flat` is
/// the header used where a file has one header row only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) group: &'static str,
    pub(crate) leaf: &'static str,
    pub(crate) flat: &'static str,
    /// Summed in the totals row.
    pub(crate) total: bool,
}

/// A plain column.
pub(crate) const fn col(name: &'static str) -> Column {
    Column { group: "", leaf: name, flat: name, total: false }
}

/// A plain column that the totals row sums.
pub(crate) const fn sum(name: &'static str) -> Column {
    Column { group: "", leaf: name, flat: name, total: true }
}

/// A column under a group header.
pub(crate) const fn sub(group: &'static str, leaf: &'static str, flat: &'static str) -> Column {
    Column { group, leaf, flat, total: false }
}

/// A summed column under a group header.
pub(crate) const fn subsum(group: &'static str, leaf: &'static str, flat: &'static str) -> Column {
    Column { group, leaf, flat, total: true }
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileFormat {
    Xlsx,
    Gbk,
    Utf8,
}

/// What stands around the table on an XLSX sheet.
pub(crate) struct Frame<'a> {
    pub(crate) title: &'a str,
    pub(crate) unit: &'a str,
    pub(crate) measure: &'a str,
    pub(crate) day: NaiveDate,
    /// Where the totals stand above the rows: what the summed columns come to.
    pub(crate) first_total: Option<i64>,
}

/// Characters in GBK, filled on first use: the encoder searches its table linearly, a file has millions.
struct Gbk {
    table: Vec<u16>,
}

impl Gbk {
    fn new() -> Self {
        Self { table: vec![0; 0x1_0000] }
    }

    fn push(&mut self, out: &mut Vec<u8>, text: &str) {
        for c in text.chars() {
            if c.is_ascii() {
                out.push(c as u8);
                continue;
            }
            let code = c as u32;
            if code >= 0x1_0000 {
                out.push(b'?');
                continue;
            }
            let slot = &mut self.table[code as usize];
            if *slot == 0 {
                let mut buffer = [0u8; 4];
                let (bytes, _, lost) = encoding_rs::GBK.encode(c.encode_utf8(&mut buffer));
                *slot = match (lost, &*bytes) {
                    (false, [high, low]) => u16::from_be_bytes([*high, *low]),
                    _ => u16::from(b'?'),
                };
            }
            let [high, low] = slot.to_be_bytes();
            if high != 0 {
                out.push(high);
            }
            out.push(low);
        }
    }
}

enum Out {
    Csv { file: File, buffer: Vec<u8>, gbk: Option<Gbk>, first: bool, wrap: bool },
    Xlsx { book: Box<Workbook>, path: PathBuf, cell: Format, footer: bool, last_total: bool },
}

/// A table being written row by row.
pub(crate) struct Table {
    out: Out,
    columns: Vec<Column>,
    totals: Vec<i64>,
    /// Physical row of the row being written, counted from 1 as a spreadsheet shows it.
    row: u32,
    at: u16,
    rows: u64,
    name: String,
    path: PathBuf,
}

fn io(path: &Path, source: std::io::Error) -> SynthError {
    SynthError::Write { path: path.display().to_string(), source }
}

fn sheet_error(path: &Path, source: rust_xlsxwriter::XlsxError) -> SynthError {
    SynthError::Sheet { path: path.display().to_string(), source }
}

impl Table {
    /// Opens `dir/name` (the extension is added) and writes everything above the first data row.
    pub(crate) fn create(
        dir: &Path,
        name: &str,
        format: FileFormat,
        wrap_ids: bool,
        frame: &Frame<'_>,
        columns: &[Column],
    ) -> Result<Self, SynthError> {
        let file_name = format!("{name}.{}", if format == FileFormat::Xlsx { "xlsx" } else { "csv" });
        let path = dir.join(&file_name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|e| io(parent, e))?;
        }
        let mut table = match format {
            FileFormat::Xlsx => Self::xlsx(&path, frame, columns).map_err(|e| sheet_error(&path, e))?,
            FileFormat::Gbk | FileFormat::Utf8 => {
                let file = File::create(&path).map_err(|e| io(&path, e))?;
                let mut buffer = Vec::with_capacity(1 << 20);
                if format == FileFormat::Utf8 {
                    buffer.extend_from_slice("\u{feff}".as_bytes());
                }
                let mut table = Self {
                    out: Out::Csv {
                        file,
                        buffer,
                        gbk: (format == FileFormat::Gbk).then(Gbk::new),
                        first: true,
                        wrap: wrap_ids,
                    },
                    columns: columns.to_vec(),
                    totals: vec![0; columns.len()],
                    row: 1,
                    at: 0,
                    rows: 0,
                    name: String::new(),
                    path: path.clone(),
                };
                for c in columns {
                    table.text(c.flat)?;
                }
                table.end()?;
                table.rows = 0;
                table
            }
        };
        table.name = file_name;
        Ok(table)
    }

    fn xlsx(path: &Path, frame: &Frame<'_>, columns: &[Column]) -> Result<Self, rust_xlsxwriter::XlsxError> {
        let mut book = Box::new(Workbook::new());
        // A fixed time of creation keeps the same seed byte-identical.
        book.set_properties(
            &DocProperties::new().set_author("synth").set_creation_datetime(&ExcelDateTime::from_ymd(2020, 1, 1)?),
        );
        let cell = Format::new().set_font_size(10).set_border(FormatBorder::Thin);
        let head = Format::new()
            .set_bold()
            .set_font_size(10)
            .set_align(FormatAlign::Center)
            .set_align(FormatAlign::VerticalCenter)
            .set_text_wrap()
            .set_border(FormatBorder::Thin);
        let title = Format::new().set_bold().set_font_size(16).set_align(FormatAlign::Center);
        let note = Format::new().set_font_size(10);
        let sheet = book.add_worksheet_with_constant_memory()?;
        sheet.set_name("Sheet1")?;
        let last = (columns.len() as u16).saturating_sub(1).max(1);
        for (i, c) in columns.iter().enumerate() {
            let wide =
                ["证件", "身份证", "编号", "电话", "住址", "名称", "单位", "地址"].iter().any(|w| c.flat.contains(w));
            sheet.set_column_width(i as u16, if wide { 20 } else { 10 })?;
        }
        sheet.merge_range(0, 0, 0, last, frame.title, &title)?;
        sheet.write_string_with_format(1, 0, format!("填报单位(盖章):{}", frame.unit), &note)?;
        sheet.write_string_with_format(
            1,
            last / 2,
            format!("填报日期:{}", frame.day.format("%Y年%-m月%-d日")),
            &note,
        )?;
        sheet.write_string_with_format(1, last, format!("单位:{}", frame.measure), &note)?;
        let two = columns.iter().any(|c| !c.group.is_empty());
        let first_data = if two {
            let mut i = 0;
            while i < columns.len() {
                let group = columns[i].group;
                let mut j = i + 1;
                if group.is_empty() {
                    sheet.merge_range(2, i as u16, 3, i as u16, columns[i].leaf, &head)?;
                } else {
                    while j < columns.len() && columns[j].group == group {
                        j += 1;
                    }
                    if j - i > 1 {
                        sheet.merge_range(2, i as u16, 2, (j - 1) as u16, group, &head)?;
                    } else {
                        sheet.write_string_with_format(2, i as u16, group, &head)?;
                    }
                }
                i = j;
            }
            for (i, c) in columns.iter().enumerate().filter(|(_, c)| !c.group.is_empty()) {
                sheet.write_string_with_format(3, i as u16, c.leaf, &head)?;
            }
            4
        } else {
            for (i, c) in columns.iter().enumerate() {
                sheet.write_string_with_format(2, i as u16, c.leaf, &head)?;
            }
            3
        };
        sheet.set_freeze_panes(first_data, 0)?;
        let first_data = match frame.first_total {
            Some(total) => {
                sheet.write_string_with_format(first_data, 0, "合计", &cell)?;
                for (i, _) in columns.iter().enumerate().filter(|(_, c)| c.total) {
                    sheet.write_number_with_format(first_data, i as u16, total as f64, &cell)?;
                }
                first_data + 1
            }
            None => first_data,
        };
        Ok(Self {
            out: Out::Xlsx {
                book,
                path: path.to_path_buf(),
                cell,
                footer: true,
                last_total: frame.first_total.is_none(),
            },
            columns: columns.to_vec(),
            totals: vec![0; columns.len()],
            row: first_data + 1,
            at: 0,
            rows: 0,
            name: String::new(),
            path: path.to_path_buf(),
        })
    }

    /// The physical row about to be finished, from 1.
    pub(crate) fn row(&self) -> u32 {
        self.row
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn text(&mut self, text: &str) -> Result<(), SynthError> {
        match &mut self.out {
            Out::Csv { buffer, gbk, first, .. } => {
                if !*first {
                    buffer.push(b',');
                }
                *first = false;
                let quote = text.bytes().any(|b| matches!(b, b',' | b'"' | b'\n' | b'\r'));
                match (quote, gbk) {
                    (false, None) => buffer.extend_from_slice(text.as_bytes()),
                    (false, Some(g)) => g.push(buffer, text),
                    (true, gbk) => {
                        let quoted = format!("\"{}\"", text.replace('"', "\"\""));
                        match gbk {
                            None => buffer.extend_from_slice(quoted.as_bytes()),
                            Some(g) => g.push(buffer, &quoted),
                        }
                    }
                }
            }
            Out::Xlsx { book, path, cell, .. } => {
                let sheet = book.worksheet_from_index(0).map_err(|e| sheet_error(path, e))?;
                write_text(sheet, self.row - 1, self.at, text, cell).map_err(|e| sheet_error(path, e))?;
            }
        }
        self.at += 1;
        Ok(())
    }

    /// An ID number; in a CSV meant for Excel it is wrapped as `="…"` so that it stays text.
    pub(crate) fn id(&mut self, text: &str) -> Result<(), SynthError> {
        match &self.out {
            Out::Csv { wrap: true, .. } if !text.is_empty() && !text.starts_with('=') => {
                self.text(&format!("=\"{text}\""))
            }
            _ => self.text(text),
        }
    }

    pub(crate) fn flag(&mut self, yes: bool) -> Result<(), SynthError> {
        self.text(if yes { "是" } else { "否" })
    }

    /// A whole number.
    pub(crate) fn int(&mut self, value: i64) -> Result<(), SynthError> {
        if let Some(t) = self.totals.get_mut(self.at as usize) {
            *t += value;
        }
        match &mut self.out {
            Out::Csv { buffer, first, .. } => {
                if !*first {
                    buffer.push(b',');
                }
                *first = false;
                push_int(buffer, value);
            }
            Out::Xlsx { book, path, cell, .. } => {
                let sheet = book.worksheet_from_index(0).map_err(|e| sheet_error(path, e))?;
                sheet
                    .write_number_with_format(self.row - 1, self.at, value as f64, cell)
                    .map_err(|e| sheet_error(path, e))?;
            }
        }
        self.at += 1;
        Ok(())
    }

    /// A number with `places` decimals, given in its smallest unit.
    pub(crate) fn decimal(&mut self, value: i64, places: u32) -> Result<(), SynthError> {
        let unit = 10i64.pow(places);
        match &mut self.out {
            Out::Csv { .. } => {
                let sign = if value < 0 { "-" } else { "" };
                let text =
                    format!("{sign}{}.{:0width$}", value.abs() / unit, value.abs() % unit, width = places as usize);
                self.text(&text)
            }
            Out::Xlsx { book, path, cell, .. } => {
                let sheet = book.worksheet_from_index(0).map_err(|e| sheet_error(path, e))?;
                sheet
                    .write_number_with_format(self.row - 1, self.at, value as f64 / unit as f64, cell)
                    .map_err(|e| sheet_error(path, e))?;
                self.at += 1;
                Ok(())
            }
        }
    }

    pub(crate) fn texts(&mut self, all: &[&str]) -> Result<(), SynthError> {
        for t in all {
            self.text(t)?;
        }
        Ok(())
    }

    /// Ends the row.
    pub(crate) fn end(&mut self) -> Result<(), SynthError> {
        debug_assert_eq!(self.at as usize, self.columns.len(), "{}: a row must fill every column", self.name);
        if let Out::Csv { file, buffer, first, .. } = &mut self.out {
            buffer.extend_from_slice(b"\r\n");
            *first = true;
            if buffer.len() > (1 << 20) - 8192 {
                file.write_all(buffer).map_err(|e| io(&self.path, e))?;
                buffer.clear();
            }
        }
        self.row += 1;
        self.rows += 1;
        self.at = 0;
        Ok(())
    }

    /// Writes totals and footer and closes the file. Returns its name and the number of data rows.
    pub(crate) fn finish(mut self) -> Result<(String, u64), SynthError> {
        let rows = self.rows;
        match &mut self.out {
            Out::Csv { file, buffer, .. } => {
                file.write_all(buffer).map_err(|e| io(&self.path, e))?;
                file.flush().map_err(|e| io(&self.path, e))?;
            }
            Out::Xlsx { book, path, cell, footer, last_total } => {
                let path = path.clone();
                let fail = |e| sheet_error(&path, e);
                let sheet = book.worksheet_from_index(0).map_err(fail)?;
                let mut at = self.row - 1;
                if *last_total && self.columns.iter().any(|c| c.total) {
                    sheet.write_string_with_format(at, 0, "合计", cell).map_err(fail)?;
                    for (i, c) in self.columns.iter().enumerate().skip(1) {
                        if c.total {
                            sheet.write_number_with_format(at, i as u16, self.totals[i] as f64, cell).map_err(fail)?;
                        }
                    }
                    at += 1;
                }
                if *footer {
                    sheet.write_string(at, 0, "审核人:").map_err(fail)?;
                    sheet.write_string(at, 3, "填表人:").map_err(fail)?;
                    sheet.write_string(at, 6, "联系电话:").map_err(fail)?;
                }
                book.save(&path).map_err(fail)?;
            }
        }
        Ok((self.name, rows))
    }
}

fn write_text(
    sheet: &mut Worksheet,
    row: u32,
    at: u16,
    text: &str,
    cell: &Format,
) -> Result<(), rust_xlsxwriter::XlsxError> {
    if text.is_empty() {
        sheet.write_blank(row, at, cell)?;
    } else {
        sheet.write_string_with_format(row, at, text, cell)?;
    }
    Ok(())
}

fn push_int(buffer: &mut Vec<u8>, value: i64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        buffer.push(b'-');
    }
    buffer.extend_from_slice(&digits[at..]);
}
