//! The first look at a file: what it is, how its columns map, whether they hold what their headers say.

use std::collections::HashSet;
use std::path::Path;

use chrono::{Datelike, NaiveDate};

use super::fields::Kind;
use super::mask::masked;
use super::model::{ImportOptions, IntakeError, Preview};
use super::reader::{Facts, Go, SkippedSheet};
use super::table::{self, DataRow, Header, Mapping, Preamble, Shaper, Visitor};
use super::{blocking, name_of};
use crate::access::{Actor, Capability};
use crate::compare::lists;
use crate::platform::App;

/// Rows of a preview.
const PREVIEW_ROWS: usize = 20;
/// Rows looked at to see whether a column holds what its header says.
pub(super) const SAMPLE: usize = 200;

/// The first rows of one sheet.
struct Sheet {
    name: String,
    headers: Vec<Header>,
    preamble: Preamble,
    rows: Vec<(u64, Vec<String>)>,
}

#[derive(Default)]
struct Look {
    sheets: Vec<Sheet>,
}

impl Visitor for Look {
    type Error = IntakeError;

    fn headers(&mut self, sheet: &str, headers: &[Header], preamble: &Preamble) -> Result<(), IntakeError> {
        self.sheets.push(Sheet {
            name: sheet.to_owned(),
            headers: headers.to_vec(),
            preamble: preamble.clone(),
            rows: Vec::new(),
        });
        Ok(())
    }

    fn row(&mut self, row: DataRow<'_>) -> Result<Go, IntakeError> {
        if let Some(sheet) = self.sheets.last_mut() {
            sheet.rows.push((row.line, row.cells.iter().map(str::to_owned).collect()));
        }
        Ok(Go::On)
    }
}

impl Look {
    /// The sheet that says what the file is, and its kind: the first that is of the wanted kind, or of any.
    fn first(&self, wanted: Option<Kind>) -> Option<(usize, Kind)> {
        let detected = || self.sheets.iter().enumerate().filter_map(|(at, s)| Some((at, Mapping::detect(&s.headers)?)));
        let Some(wanted) = wanted else { return detected().next() };
        let whole = || self.sheets.iter().position(|s| Mapping::of(wanted, &s.headers).missing.is_empty());
        let at = detected().find(|(_, kind)| *kind == wanted).map(|(at, _)| at).or_else(whole);
        at.or_else(|| (!self.sheets.is_empty()).then_some(0)).map(|at| (at, wanted))
    }
}

/// What is known of a file after its first rows.
pub(super) struct Looked {
    pub(super) kind: Kind,
    /// Of the first table, with what the other sheets have and lack.
    pub(super) mapping: Mapping,
    pub(super) headers: Vec<Header>,
    pub(super) preamble: Preamble,
    pub(super) rows: Vec<(u64, Vec<String>)>,
    pub(super) facts: Facts,
    /// Names of the sheets that are read, of a workbook.
    pub(super) sheets: Vec<String>,
}

pub(super) fn look(path: &Path, file: &str, wanted: Option<Kind>, limit: usize) -> Result<Looked, IntakeError> {
    /// What may stand above the rows of data, rows.
    const ABOVE: usize = 40;
    let mut visitor = Look::default();
    let facts = table::walk_up_to(path, (limit + ABOVE) as u64, Shaper::default(), &mut visitor)
        .map_err(|e| e.in_file(file))?;
    let Some((at, kind)) = visitor.first(wanted) else {
        let most = visitor.sheets.iter().max_by_key(|s| s.headers.len());
        return Err(nearest(file, most.map_or(&[], |s| &s.headers)));
    };
    let first = Mapping::of(kind, &visitor.sheets[at].headers);
    if !first.missing.is_empty() {
        return Err(IntakeError::MissingColumns {
            file: file.to_owned(),
            kind,
            missing: first.missing.join("、"),
            extra: first.extra.join("、"),
        });
    }
    let mut mapping = first.clone();
    mapping.skipped = facts.skipped.clone();
    mapping.formulas = facts.formulas;
    let mut sheets = Vec::new();
    for sheet in &visitor.sheets {
        match Mapping::of_part(kind, &first, &sheet.headers) {
            Ok(part) => {
                let in_sheet = |headers: &[String]| {
                    let place = if sheets.is_empty() { String::new() } else { format!("{}: ", sheet.name) };
                    headers.iter().map(|h| format!("{place}{h}")).collect::<Vec<_>>()
                };
                if !part.duplicated.is_empty() {
                    let headers = in_sheet(&part.duplicated).join("、");
                    return Err(IntakeError::DuplicatedHeaders { file: file.to_owned(), headers });
                }
                if part.extra != first.extra {
                    mapping.extra.extend(in_sheet(&part.extra));
                }
                swapped(file, kind, &part, &sheet.rows)?;
                sheets.push(sheet.name.clone());
            }
            Err((why, detail)) => mapping.skipped.push(SkippedSheet::new(sheet.name.as_str(), why, detail)),
        }
    }
    sheets.retain(|name| !name.is_empty());
    let chosen = visitor.sheets.swap_remove(at);
    Ok(Looked { kind, mapping, headers: chosen.headers, preamble: chosen.preamble, rows: chosen.rows, facts, sheets })
}

/// What to say of a file that fits no kind: that it is a list of an agency, else what the nearest kind lacks.
fn nearest(file: &str, headers: &[Header]) -> IntakeError {
    let best = Mapping::nearest(headers);
    // The registry's own files name the household or the division; the lists of agencies do not.
    let ours = best.as_ref().is_some_and(|(kind, mapping)| {
        let has = |header| kind.position(header).is_some_and(|at| mapping.columns[at].is_some());
        has("户编号") || has("行政区划代码")
    });
    let names: Vec<String> = headers.iter().map(Header::name).collect();
    if !ours && let Some(source) = lists::Mapping::of(&names).detect(&names) {
        return IntakeError::AgencyList { file: file.to_owned(), list: source.key };
    }
    match best {
        Some((kind, mapping)) => IntakeError::MissingColumns {
            file: file.to_owned(),
            kind,
            missing: mapping.missing.join("、"),
            extra: mapping.extra.join("、"),
        },
        None => IntakeError::NoHeader { file: file.to_owned() },
    }
}

/// Refuses a file of which a column holds what belongs elsewhere: most of its filled cells look wrong.
fn swapped(file: &str, kind: Kind, mapping: &Mapping, rows: &[(u64, Vec<String>)]) -> Result<(), IntakeError> {
    type Test = fn(&str) -> bool;
    fn id_like(text: &str) -> bool {
        let text = codes::text::half_width(text);
        text.len() >= 8 && text.bytes().filter(u8::is_ascii_digit).count() * 10 >= text.len() * 8
    }
    fn name_like(text: &str) -> bool {
        !text.chars().any(|c| c.is_ascii_digit())
    }
    // A village may be called 第1村.
    fn label_like(text: &str) -> bool {
        text.chars().filter(char::is_ascii_digit).count() * 2 <= text.chars().count()
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
        ("名称", label_like, "名称"),
        ("证件号码", |t| id_like(t) || codes::citizen_id::read(t).is_ok() || t.contains('*'), "证件号码"),
        ("户编号", has_digit, "编号"),
        ("人口编号", has_digit, "编号"),
        ("行政区划代码", code_like, "行政区划代码"),
        ("性别", sex_like, "男/女"),
        ("出生日期", has_digit, "日期"),
    ];
    for (header, test, expected) in TESTS {
        let column = kind.position(header).and_then(|at| mapping.columns[at]);
        let Some(column) = column else { continue };
        let filled: Vec<(u64, &str)> = rows
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
fn day_of(looked: &Looked, file: &str, today: NaiveDate) -> NaiveDate {
    looked.preamble.day().or_else(|| day_in(file)).unwrap_or(today)
}

/// The day that a file speaks of: the one that was said, else [`day_of`] it.
///
/// # Errors
/// The day is still to come, or lies before there was anything to register.
pub(super) fn day_for(
    said: Option<NaiveDate>,
    looked: &Looked,
    file: &str,
    today: NaiveDate,
) -> Result<NaiveDate, IntakeError> {
    const FIRST_YEAR: i32 = 1949;
    let day = said.unwrap_or_else(|| day_of(looked, file, today));
    if day > today || day.year() < FIRST_YEAR {
        return Err(IntakeError::Day { file: file.to_owned(), day, today });
    }
    Ok(day)
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
    if options.purpose.chars().count() > crate::access::reveal::REASON_MOST {
        return Err(IntakeError::PurposeLong);
    }
    let file = name_of(path, &options.file_name);
    let (path, kind, name) = (path.to_owned(), options.kind, file.clone());
    let looked = blocking(move || look(&path, &name, kind, SAMPLE)).await?;
    let as_of = day_for(options.as_of, &looked, &file, app.clock.today())?;
    const PERSONAL: [&str; 7] =
        ["证件号码", "户主证件号码", "户联系电话", "成员联系电话", "联系电话", "银行卡号", "信息采集人电话"];
    let personal: HashSet<usize> = PERSONAL
        .into_iter()
        .filter_map(|h| looked.kind.position(h))
        .filter_map(|at| looked.mapping.columns[at])
        .collect();
    // Numbers of a household or a person are long and are what people look for; they are masked only if they are ID numbers.
    let keys: HashSet<usize> = ["户编号", "人口编号", "户主编号", "行政区划代码"]
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
                    if personal.contains(&at) {
                        codes::citizen_id::mask(cell)
                    } else {
                        masked(cell, !keys.contains(&at))
                    }
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
        sheets: looked.sheets,
        skipped_sheets: looked.mapping.skipped.clone(),
        formulas: looked.mapping.formulas,
        mapping: looked.mapping,
        rows,
        file_name: file,
    })
}
