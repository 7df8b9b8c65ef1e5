//! The first look at a file: what it is, how its columns map, whether they hold what their headers say.

use std::collections::HashSet;
use std::path::Path;

use chrono::NaiveDate;

use super::fields::Kind;
use super::model::{ImportOptions, IntakeError, Preview};
use super::reader::{Facts, Go};
use super::table::{self, DataRow, Header, Mapping, Preamble, Shaper, Visitor};
use super::{blocking, name_of};
use crate::access::{Actor, Capability};
use crate::platform::App;

/// Rows of a preview.
const PREVIEW_ROWS: usize = 20;
/// Rows looked at to see whether a column holds what its header says.
pub(super) const SAMPLE: usize = 200;

struct Look {
    wanted: Option<Kind>,
    found: Option<(Kind, Mapping, Vec<Header>, Preamble)>,
    rows: Vec<(u64, Vec<String>)>,
    best: Vec<Header>,
    limit: usize,
}

impl Visitor for Look {
    type Error = IntakeError;

    fn headers(&mut self, _: &str, headers: &[Header], preamble: &Preamble) -> Result<(), IntakeError> {
        if self.found.is_some() {
            return Ok(());
        }
        if headers.len() > self.best.len() {
            self.best = headers.to_vec();
        }
        let Some(kind) = self.wanted.or_else(|| Mapping::detect(headers)) else {
            return Ok(());
        };
        let mapping = Mapping::of(kind, headers);
        self.found = Some((kind, mapping, headers.to_vec(), preamble.clone()));
        Ok(())
    }

    fn row(&mut self, row: DataRow<'_>) -> Result<Go, IntakeError> {
        if self.found.is_none() {
            return Ok(Go::On);
        }
        self.rows.push((row.line, row.cells.iter().map(str::to_owned).collect()));
        Ok(if self.rows.len() >= self.limit { Go::Stop } else { Go::On })
    }
}

/// What is known of a file after its first rows.
pub(super) struct Looked {
    pub(super) kind: Kind,
    pub(super) mapping: Mapping,
    pub(super) headers: Vec<Header>,
    pub(super) preamble: Preamble,
    pub(super) rows: Vec<(u64, Vec<String>)>,
    pub(super) facts: Facts,
}

pub(super) fn look(path: &Path, file: &str, wanted: Option<Kind>, limit: usize) -> Result<Looked, IntakeError> {
    let mut visitor = Look { wanted, found: None, rows: Vec::new(), best: Vec::new(), limit };
    let facts = table::walk(path, Shaper::default(), &mut visitor).map_err(|e| e.in_file(file))?;
    let Some((kind, mapping, headers, preamble)) = visitor.found else {
        return Err(nearest(file, &visitor.best));
    };
    if !mapping.missing.is_empty() {
        return Err(IntakeError::MissingColumns {
            file: file.to_owned(),
            kind,
            missing: mapping.missing.join("、"),
            extra: mapping.extra.join("、"),
        });
    }
    if !mapping.duplicated.is_empty() {
        return Err(IntakeError::DuplicatedHeaders { file: file.to_owned(), headers: mapping.duplicated.join("、") });
    }
    let looked = Looked { kind, mapping, headers, preamble, rows: visitor.rows, facts };
    swapped(file, &looked)?;
    Ok(looked)
}

/// What to say of a file that fits no kind: what the nearest kind lacks.
fn nearest(file: &str, headers: &[Header]) -> IntakeError {
    let best = Kind::ALL
        .into_iter()
        .map(|kind| (kind, Mapping::of(kind, headers)))
        .filter(|(_, mapping)| !mapping.found.is_empty())
        .max_by_key(|(_, mapping)| mapping.found.len() * 2 / (1 + mapping.missing.len()));
    match best {
        Some((kind, mapping)) if !mapping.missing.is_empty() => IntakeError::MissingColumns {
            file: file.to_owned(),
            kind,
            missing: mapping.missing.join("、"),
            extra: mapping.extra.join("、"),
        },
        _ => IntakeError::NoHeader { file: file.to_owned() },
    }
}

/// Refuses a file of which a column holds what belongs elsewhere: most of its filled cells look wrong.
fn swapped(file: &str, looked: &Looked) -> Result<(), IntakeError> {
    type Test = fn(&str) -> bool;
    fn id_like(text: &str) -> bool {
        let text = codes::text::half_width(text);
        text.len() >= 8 && text.bytes().filter(u8::is_ascii_digit).count() * 10 >= text.len() * 8
    }
    fn name_like(text: &str) -> bool {
        !text.chars().any(|c| c.is_ascii_digit())
    }
    fn code_like(text: &str) -> bool {
        codes::text::half_width(text).bytes().filter(u8::is_ascii_digit).count() >= 2
    }
    fn sex_like(text: &str) -> bool {
        codes::Sex::parse(text).is_some()
    }
    fn has_digit(text: &str) -> bool {
        text.chars().any(|c| c.is_ascii_digit())
    }
    const TESTS: [(&str, Test, &str); 10] = [
        ("姓名", name_like, "姓名"),
        ("户主姓名", name_like, "姓名"),
        ("帮扶责任人姓名", name_like, "姓名"),
        ("名称", name_like, "名称"),
        ("证件号码", |t| id_like(t) || codes::citizen_id::read(t).is_ok() || t.contains('*'), "证件号码"),
        ("户编号", has_digit, "编号"),
        ("人口编号", has_digit, "编号"),
        ("行政区划代码", code_like, "行政区划代码"),
        ("性别", sex_like, "男/女"),
        ("出生日期", has_digit, "日期"),
    ];
    for (header, test, expected) in TESTS {
        let column = looked.kind.position(header).and_then(|at| looked.mapping.columns[at]);
        let Some(column) = column else { continue };
        let filled: Vec<(u64, &str)> = looked
            .rows
            .iter()
            .filter_map(|(line, cells)| Some((*line, cells.get(column)?.trim())))
            .filter(|(_, cell)| !cell.is_empty())
            .collect();
        let wrong: Vec<&(u64, &str)> = filled.iter().filter(|(_, cell)| !test(cell)).collect();
        if filled.len() >= 3
            && wrong.len() * 2 > filled.len()
            && let Some((line, cell)) = wrong.first()
        {
            return Err(IntakeError::SwappedColumns {
                file: file.to_owned(),
                column: header.to_owned(),
                value: codes::citizen_id::mask(cell),
                line: *line,
                expected,
            });
        }
    }
    Ok(())
}

/// The day that a file speaks of, where nobody said: what the file says, else a date in its name, else today.
pub(super) fn day_of(looked: &Looked, file: &str, today: NaiveDate) -> NaiveDate {
    looked.preamble.day().or_else(|| day_in(file)).unwrap_or(today)
}

/// The first whole date in a name or title.
pub(crate) fn day_in(text: &str) -> Option<NaiveDate> {
    let digits: String =
        text.chars().map(|c| if c.is_ascii_digit() || "-._年月日".contains(c) { c } else { ' ' }).collect();
    digits
        .split(' ')
        .filter(|p| p.bytes().filter(u8::is_ascii_digit).count() >= 6)
        .find_map(|p| codes::date::read_date(p.trim_matches(['-', '.', '_'])).ok()?.to_date())
}

/// Looks at a file without bringing it in.
///
/// # Errors
/// It is no table, or lacks what its kind requires.
pub async fn preview(app: &App, actor: &Actor, path: &Path, options: &ImportOptions) -> Result<Preview, IntakeError> {
    if !actor.may(Capability::ImportRegister) {
        return Err(IntakeError::Forbidden);
    }
    let file = name_of(path, &options.file_name);
    let (path, kind, name) = (path.to_owned(), options.kind, file.clone());
    let looked = blocking(move || look(&path, &name, kind, SAMPLE)).await?;
    let as_of = options.as_of.unwrap_or_else(|| day_of(&looked, &file, app.clock.today()));
    let personal: HashSet<usize> =
        ["证件号码", "户主证件号码", "户联系电话", "成员联系电话", "联系电话", "银行卡号", "信息采集人电话"]
            .into_iter()
            .filter_map(|h| looked.kind.position(h))
            .filter_map(|at| looked.mapping.columns[at])
            .collect();
    let rows = looked
        .rows
        .iter()
        .take(PREVIEW_ROWS)
        .map(|(_, cells)| {
            (0..looked.headers.len())
                .map(|at| {
                    let cell = cells.get(at).map_or("", |c| c.trim());
                    if personal.contains(&at) { codes::citizen_id::mask(cell) } else { cell.to_owned() }
                })
                .collect()
        })
        .collect();
    Ok(Preview {
        kind: looked.kind,
        encoding: looked.facts.encoding.to_owned(),
        as_of,
        source_unit: looked.preamble.unit().unwrap_or_default(),
        headers: looked.headers.iter().map(Header::name).collect(),
        mapping: looked.mapping,
        rows,
        hidden_sheets: looked.facts.hidden_sheets,
        formulas: looked.facts.formulas,
        file_name: file,
    })
}
