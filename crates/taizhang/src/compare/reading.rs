//! Files as they come: which sheet, which row are the headers, what kind of list it is, and what its rows say.

use std::path::Path;

use chrono::{Datelike, NaiveDate};

use super::lists::{self, Held, Source};
use super::model::CompareError;
use super::{Sheet, files};
use crate::intake::{SkipReason, SkippedSheet};

/// A file as read: what kind of list it is and what its rows say.
#[derive(Debug)]
pub struct Parsed {
    /// The kind of list.
    pub source: &'static Source,
    /// Columns found.
    pub mapping: lists::Mapping,
    /// Header row as the file has it.
    pub headers: Vec<String>,
    /// Rows that could be read.
    pub rows: Vec<lists::Row>,
    /// Rows that could not.
    pub held: Vec<Held>,
    /// The day that the file speaks of.
    pub as_of: NaiveDate,
    /// Whether somebody or the file itself says that day; today stands in where nobody does.
    pub as_of_said: bool,
    /// Sheets that were not read, with the reasons.
    pub skipped_sheets: Vec<SkippedSheet>,
}

impl Parsed {
    /// Rows of the file, read or held.
    pub fn total(&self) -> usize {
        self.rows.len() + self.held.len()
    }

    pub(super) fn mapping_json(&self) -> serde_json::Value {
        let found: Vec<_> = self
            .mapping
            .columns
            .iter()
            .map(|(field, (_, found))| serde_json::json!({"field": lists::header(*field), "header": found}))
            .collect();
        serde_json::json!({
            "found": found,
            "missing": self.mapping.missing(self.source),
            "extra": self.mapping.extra,
            "doubled": self.mapping.doubled,
        })
    }
}

/// The first year that a list can speak of; an earlier one is a slip of the pen.
const FIRST_YEAR: i32 = 1949;

/// Reads a file and says what it is, without writing anything: the preview. Where nobody says of which day it speaks, the
/// lines above the table do, or its name (`file`), else it is today's.
///
/// # Errors
/// The file is not readable or not such a list.
pub async fn parse(
    path: &Path,
    file: &str,
    source: Option<&str>,
    as_of: Option<NaiveDate>,
    today: NaiveDate,
) -> Result<Parsed, CompareError> {
    let file = if file.is_empty() { file_name(path) } else { file.to_owned() };
    if let Some(day) = as_of.filter(|day| *day > today || day.year() < FIRST_YEAR) {
        return Err(CompareError::AsOf { day, today });
    }
    let (sheets, mut skipped) = files::read_sheets(path, &file).await?;
    let said = as_of.or_else(|| said_day(&sheets, &file, today));
    let mut parsed = parse_sheets(&file, &sheets, source, said.unwrap_or(today))?;
    parsed.as_of_said = said.is_some();
    skipped.append(&mut parsed.skipped_sheets);
    parsed.skipped_sheets = skipped;
    Ok(parsed)
}

/// The day that a file says of itself: 填报日期 above the table, else a date in its name, else one in its title.
fn said_day(sheets: &[Sheet], file: &str, today: NaiveDate) -> Option<NaiveDate> {
    let above: Vec<String> = sheets
        .iter()
        .flat_map(|sheet| sheet.rows.iter().take(header_at(&sheet.rows).unwrap_or(0)))
        .map(|(_, cells)| cells.join("\t"))
        .collect();
    let told = || above.iter().find_map(|line| crate::intake::day_in(line));
    let preamble = crate::intake::table::Preamble { texts: above.clone() };
    preamble
        .day()
        .or_else(|| crate::intake::day_in(file))
        .or_else(told)
        .filter(|day| *day <= today && day.year() >= FIRST_YEAR)
}

/// The row of the headers. Titles stand above them: it is the one among the first in which most columns are known.
fn header_at(rows: &[(i64, Vec<String>)]) -> Option<usize> {
    rows.iter()
        .take(10)
        .enumerate()
        .map(|(at, (_, cells))| (lists::Mapping::of(cells).columns.len(), at))
        .filter(|(known, _)| *known >= 2)
        .max_by_key(|(known, at)| (*known, usize::MAX - at))
        .map(|(_, at)| at)
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// [`parse`] for sheets already read.
///
/// # Errors
/// As there.
pub fn parse_sheets(
    file: &str,
    sheets: &[Sheet],
    wanted: Option<&str>,
    as_of: NaiveDate,
) -> Result<Parsed, CompareError> {
    let wanted = match wanted {
        None | Some("") => None,
        Some(key) => Some(lists::source(key).ok_or_else(|| CompareError::UnknownSource { name: key.to_owned() })?),
    };
    let mut parsed: Option<Parsed> = None;
    let mut best_headers: Vec<String> = Vec::new();
    let mut refused = None;
    let mut skipped = Vec::new();
    for sheet in sheets {
        let Some(at) = header_at(&sheet.rows) else {
            skipped.push(SkippedSheet::new(sheet.name.as_str(), SkipReason::NoHeader, ""));
            continue;
        };
        let (headers, last) = header_of(&sheet.rows, at);
        let mapping = lists::Mapping::of(&headers);
        if headers.len() > best_headers.len() {
            best_headers.clone_from(&headers);
        }
        let source = match (wanted, &parsed) {
            (Some(source), _) => Some(source),
            (None, Some(before)) => Some(before.source),
            (None, None) => mapping.detect(&headers),
        };
        let Some(source) = source.filter(|s| mapping.missing(s).is_empty()) else {
            let lacks = source.map(|s| mapping.missing(s).join("、")).unwrap_or_default();
            let why = if lacks.is_empty() { SkipReason::NoHeader } else { SkipReason::MissingColumns };
            skipped.push(SkippedSheet::new(sheet.name.as_str(), why, lacks));
            continue;
        };
        if wanted.is_some()
            && parsed.is_none()
            && let Err(fits) = mapping.accept(source, &headers)
        {
            let fits = fits.map(|fits| fits.key);
            refused.get_or_insert(CompareError::WrongSource { file: file.to_owned(), asked: source.key, fits });
            continue;
        }
        let mut rows = Vec::new();
        let mut held = Vec::new();
        for (line, cells) in &sheet.rows[last + 1..] {
            let mut filled = cells.iter().map(|c| c.trim()).filter(|c| !c.is_empty());
            let Some(first) = filled.next() else { continue };
            if ["合计", "总计", "小计", "填表说明", "备注", "注:", "注："].iter().any(|w| first.starts_with(w))
            {
                continue;
            }
            match lists::read_row(source, &mapping, &headers, &sheet.name, *line, cells, as_of) {
                Ok(row) => rows.push(row),
                Err(why) => held.push(why),
            }
        }
        match &mut parsed {
            Some(parsed) => {
                parsed.rows.extend(rows);
                parsed.held.extend(held);
            }
            None => {
                parsed = Some(Parsed {
                    source,
                    mapping,
                    headers,
                    rows,
                    held,
                    as_of,
                    as_of_said: true,
                    skipped_sheets: Vec::new(),
                });
            }
        }
    }
    if let Some(mut parsed) = parsed {
        parsed.skipped_sheets = skipped;
        return Ok(parsed);
    }
    if let Some(refused) = refused {
        return Err(refused);
    }
    if best_headers.is_empty() {
        return Err(CompareError::NoHeader { file: file.to_owned() });
    }
    let found = best_headers.iter().filter(|h| !h.is_empty()).cloned().collect::<Vec<_>>().join("、");
    Err(match wanted {
        Some(source) => CompareError::MissingColumns {
            file: file.to_owned(),
            missing: lists::Mapping::of(&best_headers).missing(source).join("、"),
            found,
        },
        None => CompareError::UnknownList { file: file.to_owned(), found },
    })
}

/// The headers that begin in row `at`, and the last row of them. Where a second row divides merged headers (现住址 into
/// 省, 市, 县) the two are joined: 现住址省.
fn header_of(rows: &[(i64, Vec<String>)], at: usize) -> (Vec<String>, usize) {
    let upper = &rows[at].1;
    let single = lists::Mapping::of(upper).columns.len();
    let Some((_, lower)) = rows.get(at + 1) else {
        return (upper.clone(), at);
    };
    let width = upper.len().max(lower.len());
    let mut joined = Vec::with_capacity(width);
    let mut group = "";
    for i in 0..width {
        let top = upper.get(i).map_or("", |c| c.trim());
        let sub = lower.get(i).map_or("", |c| c.trim());
        if !top.is_empty() {
            group = top;
        }
        joined.push(match (top.is_empty(), sub.is_empty()) {
            (_, true) => top.to_owned(),
            (_, false) if sub == group => group.to_owned(),
            (_, false) => format!("{group}{sub}"),
        });
    }
    if lists::Mapping::of(&joined).columns.len() > single { (joined, at + 1) } else { (upper.clone(), at) }
}
