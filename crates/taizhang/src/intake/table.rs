//! The shape of a table in a file: title rows, one or two header rows, totals, footer; and what its columns mean.

use std::path::Path;

use super::fields::{self, Kind};
use super::reader::{self, Cells, Facts, Go, RawRow, ReadError};

/// How far down a header is looked for, rows.
const HEADER_WITHIN: usize = 30;
/// How many headers a row must have to be the header row.
const HEADER_CELLS: usize = 3;

/// One header as found, with the upper one where there are two rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Upper header, empty where there is none.
    pub group: String,
    /// The header.
    pub leaf: String,
}

impl Header {
    /// As a person would say it.
    pub fn name(&self) -> String {
        if self.group.is_empty() || self.group == self.leaf {
            self.leaf.clone()
        } else {
            format!("{}/{}", self.group, self.leaf)
        }
    }
}

/// What stands above a table.
#[derive(Debug, Clone, Default)]
pub struct Preamble {
    /// Texts above the header row.
    pub texts: Vec<String>,
}

impl Preamble {
    /// The reporting unit (填报单位) where it is named.
    pub fn unit(&self) -> Option<String> {
        self.labelled(&["填报单位", "上报单位", "报送单位"])
    }

    /// The day of reporting (填报日期) where it is named.
    pub fn day(&self) -> Option<chrono::NaiveDate> {
        self.labelled(&["填报日期", "填报时间", "报送日期", "数据截止", "截止日期"])
            .and_then(|text| codes::date::read_date(&text).ok())
            .and_then(codes::date::PartialDate::to_date)
    }

    fn labelled(&self, labels: &[&str]) -> Option<String> {
        for text in &self.texts {
            for label in labels {
                if let Some(at) = text.find(label) {
                    let rest = &text[at + label.len()..];
                    let rest = rest.split_once([':', '：']).map_or(rest, |(_, r)| r);
                    let value = rest.split(['　', '\t']).map(str::trim).find(|p| !p.is_empty());
                    let value = value.and_then(|v| v.split("  ").next()).map(str::trim).unwrap_or_default();
                    if !value.is_empty() {
                        return Some(value.to_owned());
                    }
                }
            }
        }
        None
    }
}

/// Takes rows as they come and gives headers once and then rows of data.
#[derive(Debug, Default)]
pub struct Shaper {
    held: Vec<(u64, Vec<String>)>,
    sheet: String,
    headers: Option<Vec<Header>>,
    /// Whether the visitor has been given them.
    told: bool,
    header_row: Vec<String>,
    preamble: Preamble,
    vocabulary: Option<fn(&str) -> bool>,
}

/// What a row turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowSort {
    /// Data.
    Data,
    /// 合计 or 小计.
    Total,
    /// Signatures and notes below the table.
    Footer,
    /// The header again, as printed pages repeat it.
    Repeated,
    /// Nothing.
    Blank,
}

impl Shaper {
    /// A shaper that knows other headers than the registry's: `is_header` says which texts are headers.
    pub fn with_vocabulary(is_header: fn(&str) -> bool) -> Self {
        Self { vocabulary: Some(is_header), ..Self::default() }
    }

    /// What stands above the table of the current sheet.
    pub fn preamble(&self) -> &Preamble {
        &self.preamble
    }

    /// The headers, once found.
    pub fn headers(&self) -> Option<&[Header]> {
        self.headers.as_deref()
    }

    fn known(&self, text: &str) -> bool {
        let known = self.vocabulary.unwrap_or(fields::is_header);
        !text.trim().is_empty() && known(text)
    }

    fn hits(&self, cells: &[String]) -> usize {
        cells.iter().filter(|c| self.known(c)).count()
    }

    /// Takes a row while the header is being looked for; true once it is found. The second header row, if there is one,
    /// is needed to know, so the rows held back come out of [`Shaper::rest`].
    fn look(&mut self, line: u64, cells: Vec<String>) -> bool {
        self.held.push((line, cells));
        let Some((first, hits)) = self
            .held
            .iter()
            .enumerate()
            .map(|(at, (_, cells))| (at, self.hits(cells)))
            .find(|(_, hits)| *hits >= HEADER_CELLS)
        else {
            return false;
        };
        if self.held.len() < first + 2 && hits > 0 {
            // The row below decides whether this one is the upper of two.
            return false;
        }
        self.decide(first);
        true
    }

    /// Decides with what there is: a file of one header row and nothing else.
    fn decide_late(&mut self) {
        let best = (0..self.held.len()).max_by_key(|at| (self.hits(&self.held[*at].1), usize::MAX - at));
        if let Some(first) = best.filter(|at| self.hits(&self.held[*at].1) >= HEADER_CELLS.min(2)) {
            self.decide(first);
        }
    }

    fn decide(&mut self, first: usize) {
        let upper = self.held[first].1.clone();
        let lower = self.held.get(first + 1).map(|(_, c)| c.clone()).unwrap_or_default();
        let cell = |row: &[String], at: usize| row.get(at).map(|c| c.trim().to_owned()).unwrap_or_default();
        let width = upper.len().max(lower.len());
        // Under a two-level header the first column is merged downwards, and some column has only a lower text.
        let two = !lower.is_empty()
            && (0..width).any(|at| cell(&upper, at).is_empty() && !cell(&lower, at).is_empty())
            && (0..width).find(|at| !cell(&upper, *at).is_empty()).is_some_and(|at| cell(&lower, at).is_empty());
        let mut headers = Vec::with_capacity(width);
        let mut group = String::new();
        for at in 0..width {
            let (top, bottom) = (cell(&upper, at), cell(&lower, at));
            if !top.is_empty() {
                group.clone_from(&top);
            }
            headers.push(if two && !bottom.is_empty() {
                Header { group: group.clone(), leaf: bottom }
            } else {
                Header { group: String::new(), leaf: top }
            });
        }
        while headers.last().is_some_and(|h| h.leaf.is_empty()) {
            headers.pop();
        }
        self.preamble.texts = self.held[..first].iter().map(|(_, cells)| joined(cells)).collect();
        self.header_row = upper;
        self.headers = Some(headers);
        self.held.drain(..first + if two { 2 } else { 1 });
    }

    /// What a row below the header is.
    pub fn sort(&self, cells: Cells<'_>) -> RowSort {
        let mut filled = cells.iter().map(str::trim).filter(|c| !c.is_empty());
        let Some(first) = filled.next() else {
            return RowSort::Blank;
        };
        let compact: String = first.chars().filter(|c| !c.is_whitespace()).collect();
        if matches!(compact.as_str(), "合计" | "小计" | "总计" | "共计") {
            return RowSort::Total;
        }
        const FOOTERS: [&str; 8] = ["审核人", "填表人", "填报人", "制表人", "负责人", "注:", "注：", "说明"];
        let rest = filled.count();
        if rest < 4 && FOOTERS.iter().any(|f| compact.starts_with(f)) {
            return RowSort::Footer;
        }
        let same = self.header_row.iter().enumerate().filter(|(_, h)| !h.trim().is_empty());
        let (mut all, mut equal) = (0, 0);
        for (at, header) in same.take(8) {
            all += 1;
            equal += usize::from(header.trim() == cells.get(at).trim());
        }
        if all > 1 && all == equal { RowSort::Repeated } else { RowSort::Data }
    }
}

fn joined(cells: &[String]) -> String {
    cells.iter().map(|c| c.trim()).filter(|c| !c.is_empty()).collect::<Vec<_>>().join("\t")
}

/// A row of data with its place.
#[derive(Debug, Clone, Copy)]
pub struct DataRow<'a> {
    /// Sheet, empty for CSV.
    pub sheet: &'a str,
    /// Line or row from 1.
    pub line: u64,
    /// The cells, in the order of the headers.
    pub cells: Cells<'a>,
}

/// What walks over a table: told of each header that is found, then of its rows.
pub trait Visitor {
    /// What it fails with.
    type Error: From<ReadError>;

    /// A sheet's headers, with what stands above them.
    ///
    /// # Errors
    /// The walk ends with it.
    fn headers(&mut self, sheet: &str, headers: &[Header], preamble: &Preamble) -> Result<(), Self::Error>;

    /// A row of data.
    ///
    /// # Errors
    /// The walk ends with it.
    fn row(&mut self, row: DataRow<'_>) -> Result<Go, Self::Error>;
}

/// Walks over every table of a file. A sheet without a header that is known is passed over.
///
/// # Errors
/// As the file or the visitor says.
pub fn walk<V: Visitor>(path: &Path, mut shaper: Shaper, visitor: &mut V) -> Result<Facts, V::Error> {
    let vocabulary = shaper.vocabulary;
    let facts = reader::read::<V::Error>(path, |row: RawRow<'_>| {
        if row.sheet != shaper.sheet {
            let sheet = std::mem::take(&mut shaper.sheet);
            if flush(&mut shaper, &sheet, visitor)? == Go::Stop {
                return Ok(Go::Stop);
            }
            shaper = Shaper { sheet: row.sheet.to_owned(), vocabulary, ..Shaper::default() };
        }
        if shaper.headers.is_none() {
            if row.cells.is_blank() || shaper.held.len() > HEADER_WITHIN {
                return Ok(Go::On);
            }
            let cells = row.cells.iter().map(str::to_owned).collect();
            if !shaper.look(row.line, cells) {
                return Ok(Go::On);
            }
            let sheet = row.sheet.to_owned();
            return flush(&mut shaper, &sheet, visitor);
        }
        match shaper.sort(row.cells) {
            RowSort::Data => visitor.row(DataRow { sheet: row.sheet, line: row.line, cells: row.cells }),
            _ => Ok(Go::On),
        }
    })?;
    let sheet = std::mem::take(&mut shaper.sheet);
    flush(&mut shaper, &sheet, visitor)?;
    Ok(facts)
}

fn flush<V: Visitor>(shaper: &mut Shaper, sheet: &str, visitor: &mut V) -> Result<Go, V::Error> {
    if shaper.headers.is_none() {
        shaper.decide_late();
    }
    let Some(headers) = &shaper.headers else {
        return Ok(Go::On);
    };
    if std::mem::replace(&mut shaper.told, true) {
        return Ok(Go::On);
    }
    visitor.headers(sheet, headers, &shaper.preamble)?;
    for (line, cells) in std::mem::take(&mut shaper.held) {
        let cells = Cells::Texts(&cells);
        if shaper.sort(cells) == RowSort::Data && visitor.row(DataRow { sheet, line, cells })? == Go::Stop {
            return Ok(Go::Stop);
        }
    }
    Ok(Go::On)
}

/// Which column of a kind each column of a table is, and what did not fit.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Mapping {
    /// For each field of the kind, the column that holds it.
    pub columns: Vec<Option<usize>>,
    /// Header found → standard header.
    pub found: Vec<(String, String)>,
    /// Standard headers that the file lacks and the kind requires.
    pub missing: Vec<String>,
    /// Standard headers that the file lacks and that may be lacking.
    pub absent: Vec<String>,
    /// Headers that mean nothing to us.
    pub extra: Vec<String>,
    /// Headers that two columns carry.
    pub duplicated: Vec<String>,
}

impl Mapping {
    /// Maps headers to the columns of a kind.
    pub fn of(kind: Kind, headers: &[Header]) -> Self {
        let fields = kind.fields();
        let mut out = Self { columns: vec![None; fields.len()], ..Self::default() };
        for (column, header) in headers.iter().enumerate() {
            if header.leaf.is_empty() {
                continue;
            }
            match fields::find(kind, &header.group, &header.leaf) {
                Some(field) if out.columns[field].is_some() => out.duplicated.push(header.name()),
                Some(field) => {
                    out.columns[field] = Some(column);
                    out.found.push((header.name(), fields[field].header.to_owned()));
                }
                None if matches!(header.leaf.as_str(), "序号" | "编号" | "备注") => {}
                None => out.extra.push(header.name()),
            }
        }
        for (field, column) in fields.iter().zip(&out.columns) {
            match (column, field.required) {
                (None, true) => out.missing.push(field.header.to_owned()),
                (None, false) => out.absent.push(field.header.to_owned()),
                _ => {}
            }
        }
        out
    }

    /// The kind whose columns these headers fit best: none missing, most found.
    pub fn detect(headers: &[Header]) -> Option<Kind> {
        Kind::ALL
            .into_iter()
            .map(|kind| (kind, Self::of(kind, headers)))
            .filter(|(_, mapping)| mapping.missing.is_empty())
            .max_by_key(|(kind, mapping)| (mapping.found.len(), std::cmp::Reverse(*kind)))
            .map(|(kind, _)| kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Seen {
        headers: Vec<String>,
        rows: Vec<Vec<String>>,
    }

    impl Visitor for Seen {
        type Error = reader::ReadError;

        fn headers(&mut self, _: &str, headers: &[Header], _: &Preamble) -> Result<(), Self::Error> {
            assert!(self.headers.is_empty(), "the headers are given once");
            self.headers = headers.iter().map(Header::name).collect();
            Ok(())
        }

        fn row(&mut self, row: DataRow<'_>) -> Result<Go, Self::Error> {
            self.rows.push(row.cells.iter().map(str::to_owned).collect());
            Ok(Go::On)
        }
    }

    fn seen(text: &str) -> Seen {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.csv");
        std::fs::write(&path, text).unwrap();
        let mut seen = Seen::default();
        walk(&path, Shaper::default(), &mut seen).unwrap();
        seen
    }

    #[test]
    fn a_header_of_two_levels_under_a_title_is_found() {
        let seen = seen(
            "东县家庭收入信息\n填报单位：东县\n户编号,户主姓名,工资性收入,,纯收入\n,,务工,小计,\nH1,王一,5,6,7\n合计,,5,6,7\n",
        );
        assert_eq!(seen.headers, ["户编号", "户主姓名", "工资性收入/务工", "工资性收入/小计", "纯收入"]);
        assert_eq!(seen.rows, [["H1", "王一", "5", "6", "7"]]);
    }

    #[test]
    fn a_header_alone_and_a_header_with_one_row_are_found() {
        assert_eq!(seen("户编号,户主姓名,纯收入\n").headers.len(), 3);
        let one = seen("户编号,户主姓名,纯收入\nH1,王一,7\n");
        assert_eq!((one.headers.len(), one.rows.len()), (3, 1));
    }
}
