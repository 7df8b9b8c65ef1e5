//! The shape of a table in a file: title rows, one or two header rows, totals, footer; and what its columns mean.

use std::path::Path;

use super::fields::{self, Kind};
use super::reader::{self, Cells, Facts, Go, RawRow, ReadError, SkipReason, SkippedSheet};

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
        /// What may follow a value on the same line: the next thing that is asked for.
        const NEXT: [&str; 17] = [
            "填报单位",
            "上报单位",
            "报送单位",
            "填报日期",
            "填报时间",
            "报送日期",
            "数据截止",
            "截止日期",
            "填表人",
            "填报人",
            "审核人",
            "复核人",
            "制表",
            "负责人",
            "联系电话",
            "单位:",
            "单位：",
        ];
        for text in &self.texts {
            for label in labels {
                let Some(at) = text.find(label) else { continue };
                let rest = &text[at + label.len()..];
                let end = NEXT.iter().filter_map(|next| rest.find(next)).min().unwrap_or(rest.len());
                let mut value = rest[..end].trim_start();
                // 填报单位(盖章): the seal is no part of the name.
                if value.starts_with(['(', '（'])
                    && let Some(close) = value.find([')', '）'])
                {
                    value = value[close..].trim_start_matches([')', '）']).trim_start();
                }
                let value = value.trim_start_matches([':', '：']);
                let value = value.split(['　', '\t']).map(str::trim).find(|p| !p.is_empty()).unwrap_or_default();
                let value = value.split("  ").next().map(str::trim).unwrap_or_default();
                if !value.is_empty() {
                    return Some(value.to_owned());
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
    /// Whether the first rows had no header: the sheet is passed over.
    given_up: bool,
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

    /// The sheet, if it had rows and no header among its first ones.
    fn passed_over(&self) -> Option<SkippedSheet> {
        (!self.sheet.is_empty() && self.headers.is_none())
            .then(|| SkippedSheet::new(self.sheet.as_str(), SkipReason::NoHeader, ""))
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
        if is_total(first) {
            return RowSort::Total;
        }
        if is_footer(first) {
            let (more, labelled) = filled.fold((0, 0), |(n, l), cell| (n + 1, l + usize::from(is_footer(cell))));
            if more < 4 || labelled > 0 {
                return RowSort::Footer;
            }
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

/// Whether a row that begins with this text adds up others: 合计, 本页小计.
fn is_total(first: &str) -> bool {
    const LONGEST: usize = 12;
    if !first.trim_end_matches([':', '：', ' ', '　']).ends_with('计') {
        return false;
    }
    let compact: String = first.chars().filter(|c| !c.is_whitespace()).collect();
    let compact = compact.trim_end_matches([':', '：']);
    ["合计", "小计", "总计", "共计", "累计"].iter().any(|word| compact.ends_with(word))
        && compact.chars().count() <= LONGEST
        && !compact.contains(|c: char| c.is_ascii_digit())
}

/// Whether a text is one of those that stand below a table: 审核人:…, 填报日期, 第 1 页.
fn is_footer(text: &str) -> bool {
    const LABELS: [&str; 23] = [
        "单位负责人",
        "审核人",
        "复核人",
        "填表人",
        "填报人",
        "制表人",
        "负责人",
        "经办人",
        "录入人",
        "联系人",
        "联系电话",
        "填报日期",
        "填报时间",
        "填表日期",
        "制表日期",
        "报送日期",
        "打印日期",
        "打印时间",
        "填报单位",
        "备注",
        "注",
        "说明",
        "填表说明",
    ];
    const LONGEST_PAGE: usize = 16;
    let text = text.trim();
    // Asked of every row: what begins otherwise is told apart without a copy.
    if !text.starts_with(|c| "单审复填制负经录联报打备注说第".contains(c)) {
        return false;
    }
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if compact.starts_with('第') && compact.contains('页') && compact.chars().count() <= LONGEST_PAGE {
        return compact.chars().nth(1).is_some_and(|c| c.is_ascii_digit() || "一二三四五六七八九十".contains(c));
    }
    LABELS.iter().any(|label| {
        let Some(rest) = compact.strip_prefix(label) else { return false };
        let ended = rest.is_empty() || rest.starts_with([':', '：', '(', '（']) || rest.starts_with("签");
        // A name behind the label and a blank; a village called 说明村 is none.
        ended || text.strip_prefix(label).is_some_and(|rest| rest.starts_with(char::is_whitespace))
    })
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

/// Walks over every table of a file. A sheet without a header that is known is passed over, and named in the facts.
///
/// # Errors
/// As the file or the visitor says.
pub fn walk<V: Visitor>(path: &Path, shaper: Shaper, visitor: &mut V) -> Result<Facts, V::Error> {
    walk_up_to(path, u64::MAX, shaper, visitor)
}

/// Walks over the first `rows` rows of every table of a file.
///
/// # Errors
/// As [`walk`].
pub fn walk_up_to<V: Visitor>(path: &Path, rows: u64, mut shaper: Shaper, visitor: &mut V) -> Result<Facts, V::Error> {
    let vocabulary = shaper.vocabulary;
    let mut passed = Vec::new();
    let mut facts = reader::read_up_to::<V::Error>(path, rows, |row: RawRow<'_>| {
        if row.sheet != shaper.sheet {
            if flush(&mut shaper, visitor)? == Go::Stop {
                return Ok(Go::Stop);
            }
            passed.extend(shaper.passed_over());
            shaper = Shaper { sheet: row.sheet.to_owned(), vocabulary, ..Shaper::default() };
        }
        if shaper.headers.is_none() {
            if shaper.given_up || row.cells.is_blank() {
                return Ok(Go::On);
            }
            let cells = row.cells.iter().map(str::to_owned).collect();
            if !shaper.look(row.line, cells) && shaper.held.len() <= HEADER_WITHIN {
                return Ok(Go::On);
            }
            return flush(&mut shaper, visitor);
        }
        match shaper.sort(row.cells) {
            RowSort::Data => visitor.row(DataRow { sheet: row.sheet, line: row.line, cells: row.cells }),
            _ => Ok(Go::On),
        }
    })?;
    flush(&mut shaper, visitor)?;
    passed.extend(shaper.passed_over());
    facts.skipped.extend(passed);
    Ok(facts)
}

/// Gives the visitor the headers and the rows held back, now that no more rows are needed to tell which is which.
fn flush<V: Visitor>(shaper: &mut Shaper, visitor: &mut V) -> Result<Go, V::Error> {
    if shaper.headers.is_none() {
        shaper.decide_late();
    }
    let Some(headers) = &shaper.headers else {
        shaper.given_up = true;
        return Ok(Go::On);
    };
    if std::mem::replace(&mut shaper.told, true) {
        return Ok(Go::On);
    }
    visitor.headers(&shaper.sheet, headers, &shaper.preamble)?;
    for (line, cells) in std::mem::take(&mut shaper.held) {
        let cells = Cells::Texts(&cells);
        let row = DataRow { sheet: &shaper.sheet, line, cells };
        if shaper.sort(cells) == RowSort::Data && visitor.row(row)? == Go::Stop {
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
    /// Sheets of the workbook that are not read, with the reasons.
    #[serde(default)]
    pub skipped: Vec<SkippedSheet>,
    /// Cells with formulas, of which the stored value is taken.
    #[serde(default)]
    pub formulas: u64,
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

    /// The columns of a sheet that is read as part of a file of a kind, of which `first` is the first table's mapping:
    /// the order of its columns is its own.
    ///
    /// # Errors
    /// Why the sheet is no part of the file, with what it is or lacks.
    pub fn of_part(kind: Kind, first: &Self, headers: &[Header]) -> Result<Self, (SkipReason, String)> {
        let mapping = Self::of(kind, headers);
        if mapping.columns == first.columns {
            return Ok(mapping);
        }
        match Self::detect(headers) {
            Some(same) if same == kind => Ok(mapping),
            Some(other) => Err((SkipReason::OtherKind, other.name().to_owned())),
            None => Err((SkipReason::MissingColumns, mapping.missing.join("、"))),
        }
    }

    /// The kind that these headers fit best, if they have every column that it requires. A file that lacks one is of no
    /// other kind for that: persons without ID numbers are no helpers.
    pub fn detect(headers: &[Header]) -> Option<Kind> {
        Self::nearest(headers).filter(|(_, mapping)| mapping.missing.is_empty()).map(|(kind, _)| kind)
    }

    /// Whether columns that are not of this kind hold a person: a list of people with their employers is no list of
    /// employers.
    fn names_people(&self) -> bool {
        self.extra.iter().any(|header| ["姓名", "身份证", "证件号"].iter().any(|word| header.contains(word)))
    }

    /// The kind of which these headers have the most columns, whether or not it is whole; among equals one that is.
    pub fn nearest(headers: &[Header]) -> Option<(Kind, Self)> {
        Kind::ALL
            .into_iter()
            .map(|kind| (kind, Self::of(kind, headers)))
            .filter(|(_, mapping)| !mapping.found.is_empty())
            .filter(|(kind, mapping)| *kind != Kind::Organisation || !mapping.names_people())
            .max_by_key(|(kind, mapping)| {
                (mapping.found.len(), std::cmp::Reverse(mapping.missing.len()), std::cmp::Reverse(*kind))
            })
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

    #[test]
    fn a_table_of_two_columns_keeps_every_row() {
        let mut text = "行政区划代码,名称\n".to_owned();
        for n in 1..=200 {
            text.push_str(&format!("99010100{:04},第{n}村\n", n));
        }
        assert_eq!(seen(&text).rows.len(), 200);
        // Nor does a title above it, or a text that never becomes a table, change that.
        assert_eq!(seen(&format!("甲县行政区划\n{text}")).rows.len(), 200);
        let prose = "今天天气很好\n".repeat(500);
        assert_eq!((seen(&prose).headers.len(), seen(&prose).rows.len()), (0, 0));
    }

    #[test]
    fn what_stands_below_a_table_is_no_data() {
        let below = [
            "合计：,,7",
            "本页合计,,7",
            "小 计,,7",
            "甲县合计,,7",
            "审核人：张三,,",
            "复核人：张三,填表人：李四,联系电话：05521234567",
            "复核人,张三,填表人,李四,联系电话,05521234567,填报日期,2020-02-05",
            "填报日期：2020年2月5日,,",
            "联系电话：05521234567,,",
            "审 核 人： 张三,,",
            "填表人 李四,,",
            "审核人（签字）,,",
            "单位负责人签字：,,",
            "备注：以上数据截至2月,,",
            "第 1 页 共 3 页,,",
        ];
        for line in below {
            let rows = seen(&format!("户编号,户主姓名,纯收入\nH1,王一,7\n{line}\n")).rows;
            assert_eq!(rows, [["H1", "王一", "7"]], "{line}");
        }
        for line in ["说明镇,990101,1", "第一村,990101,1", "注册村,990101,1", "累计村,990101,1", "负责人村,990101,1"]
        {
            let rows = seen(&format!("名称,行政区划代码,级别\n{line}\n")).rows;
            assert_eq!(rows.len(), 1, "{line} is data");
        }
    }

    #[test]
    fn the_line_above_a_table_gives_the_unit_and_the_day_or_nothing() {
        for (line, unit, day) in [
            ("填报单位：甲县扶贫办\t填报日期：2020年2月5日", "甲县扶贫办", "2020-02-05"),
            ("填报单位(盖章):甲县扶贫办 填报日期:2020.2.5 单位:户、人", "甲县扶贫办", "2020-02-05"),
            ("填报单位（盖章）\t甲县扶贫办\t填报日期\t2020-02-05", "甲县扶贫办", "2020-02-05"),
            ("填报单位（盖章）：\t填报日期：2020年2月5日", "", "2020-02-05"),
            ("填报单位：        填报日期：2020年2月5日", "", "2020-02-05"),
            ("填报单位（盖章）\t\t填报日期：2020年2月5日", "", "2020-02-05"),
            ("填报单位：甲县扶贫办\t填报日期：\t单位：元", "甲县扶贫办", ""),
        ] {
            let preamble = Preamble { texts: vec![line.to_owned()] };
            assert_eq!(preamble.unit().unwrap_or_default(), unit, "{line}");
            assert_eq!(preamble.day().map(|d| d.to_string()).unwrap_or_default(), day, "{line}");
        }
    }
}
