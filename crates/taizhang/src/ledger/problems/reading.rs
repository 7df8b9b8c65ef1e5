//! A problem list as it comes, and what its rows mean here.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use chrono::{Datelike, NaiveDate};

use super::columns::{self, Column, Columns};
use super::model::{About, Fault, Held, Home, Kind, Looked, ProblemError, ROWS_MOST, Row, TITLE_MOST};
use super::store::{self, Registered};
use crate::access::Actor;
use crate::intake::reader::{Go, SkipReason, SkippedSheet};
use crate::intake::table::{self, DataRow, Header, Preamble, Shaper, Visitor};
use crate::intake::{IntakeError, day_in, masked};
use crate::platform::{App, Lang, UserError};
use crate::register::{Divisions, Resolution};

/// The first year that a list can speak of; an earlier one is a slip of the pen.
const FIRST_YEAR: i32 = 1990;

/// A row as the file has it.
struct Raw {
    sheet: String,
    line: i64,
    cells: BTreeMap<Column, String>,
}

#[derive(Default)]
struct Sheets {
    columns: Option<Columns>,
    own: Columns,
    takes: bool,
    rows: Vec<Raw>,
    above: Vec<String>,
    issuer: String,
    day: Option<NaiveDate>,
    skipped: Vec<SkippedSheet>,
    /// Headers of sheets that were left out.
    seen: Vec<String>,
}

impl Visitor for Sheets {
    type Error = IntakeError;

    fn headers(&mut self, sheet: &str, headers: &[Header], preamble: &Preamble) -> Result<(), Self::Error> {
        // A second row that divides a merged header is what counts; 整改情况/进展 is told by either.
        let names: Vec<String> = headers
            .iter()
            .map(|h| if columns::is_header(&h.leaf) || h.group.is_empty() { h.leaf.clone() } else { h.group.clone() })
            .collect();
        self.own = Columns::of(&names);
        self.takes = self.own.at(Column::Description).is_some();
        if !self.takes {
            self.seen.extend(names.into_iter().filter(|name| !name.is_empty()));
            self.skipped.push(SkippedSheet::new(sheet, SkipReason::MissingColumns, Column::Description.header()));
            return Ok(());
        }
        if self.columns.is_none() {
            self.columns = Some(self.own.clone());
            self.above.clone_from(&preamble.texts);
            self.issuer = preamble.unit().unwrap_or_default();
            self.day = preamble.day();
        }
        Ok(())
    }

    fn row(&mut self, row: DataRow<'_>) -> Result<Go, Self::Error> {
        if !self.takes {
            return Ok(Go::On);
        }
        let cells: Vec<&str> = row.cells.iter().collect();
        let cells: BTreeMap<Column, String> = self
            .own
            .found
            .iter()
            .filter_map(|(column, at, _)| Some((*column, cells.get(*at)?.trim().to_owned())))
            .filter(|(_, text)| !text.is_empty())
            .collect();
        // A row of nothing but a running number is an empty line of a form.
        if cells.keys().all(|column| *column == Column::Serial) {
            return Ok(Go::On);
        }
        self.rows.push(Raw { sheet: row.sheet.to_owned(), line: i64::try_from(row.line).unwrap_or(i64::MAX), cells });
        Ok(if self.rows.len() > ROWS_MOST { Go::Stop } else { Go::On })
    }
}

/// Reads a list and says what would be taken of it.
pub(super) async fn look(
    app: &App,
    actor: &Actor,
    path: &Path,
    file: &str,
    about: &About,
) -> Result<Looked, ProblemError> {
    if about.title.chars().count().max(about.issuer.chars().count()) > TITLE_MOST {
        return Err(ProblemError::Long { most: TITLE_MOST });
    }
    let today = app.clock.today();
    if let Some(day) = about.issued_on.filter(|day| *day > today || day.year() < FIRST_YEAR) {
        return Err(ProblemError::Day(day.to_string()));
    }
    let sheets = read(path, file).await?;
    let Some(columns) = sheets.columns else {
        return Err(ProblemError::MissingColumn {
            file: file.to_owned(),
            missing: Column::Description.header().to_owned(),
            found: sheets.seen.join("、"),
        });
    };
    if sheets.rows.len() > ROWS_MOST {
        return Err(ProblemError::TooMany { file: file.to_owned(), most: ROWS_MOST });
    }
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let titles = || sheets.above.iter().map(String::as_str).chain([stem]);
    let mut about = About {
        kind: about.kind.or_else(|| Kind::in_text(&about.title)).or_else(|| titles().find_map(Kind::in_text)),
        title: Some(about.title.trim()).filter(|title| !title.is_empty()).unwrap_or(stem.trim()).to_owned(),
        issuer: Some(about.issuer.trim()).filter(|said| !said.is_empty()).unwrap_or(&sheets.issuer).to_owned(),
        issued_on: about
            .issued_on
            .or(sheets.day)
            .or_else(|| titles().find_map(day_in))
            .filter(|day| *day <= today && day.year() >= FIRST_YEAR)
            .or(Some(today)),
        division: about.division.clone(),
    };
    about.title = about.title.chars().take(TITLE_MOST).collect();
    about.issuer = about.issuer.chars().take(TITLE_MOST).collect();
    if about.kind.is_none() && columns.at(Column::Kind).is_none() {
        return Err(ProblemError::NoKind);
    }
    let divisions = Divisions::load(&app.db).await?;
    if about.division.is_empty() {
        about.division = divisions.home(&actor.scope).to_owned();
    }
    if !actor.scope.contains(&about.division) {
        return Err(ProblemError::NotFound);
    }
    let known = Known::of(app, actor, &sheets.rows, divisions).await?;
    let mut rows = Vec::new();
    let mut held = Vec::new();
    let mut seen: HashMap<i64, i64> = HashMap::new();
    for raw in &sheets.rows {
        let taken = known.row(actor, raw, &about).and_then(|row| match seen.insert(super::line_key(&row), row.line) {
            None => Ok(row),
            Some(first) => Err(Fault::new(Column::Description, &row.description, "twice", first.to_string())),
        });
        match taken {
            Ok(row) => rows.push(row),
            Err(fault) => held.push(Held {
                sheet: raw.sheet.clone(),
                line: raw.line,
                column: columns.header(fault.column).to_owned(),
                value: fault.value,
                why: fault.why.to_owned(),
                detail: fault.detail,
            }),
        }
    }
    Ok(Looked { about, columns, rows, held, skipped: sheets.skipped })
}

async fn read(path: &Path, file: &str) -> Result<Sheets, ProblemError> {
    let (path, file) = (path.to_owned(), file.to_owned());
    tokio::task::spawn_blocking(move || {
        let mut sheets = Sheets::default();
        let facts = table::walk(&path, Shaper::with_vocabulary(columns::is_header), &mut sheets).map_err(|error| {
            let error = error.in_file(&file);
            ProblemError::File { code: error.code(), text_zh: error.message(Lang::Zh), text: error.message(Lang::En) }
        })?;
        sheets.skipped.extend(facts.skipped);
        Ok(sheets)
    })
    .await
    .map_err(|error| ProblemError::Broken(error.to_string()))?
}

/// What of the register the rows of a list name.
struct Known {
    divisions: Divisions,
    by_no: HashMap<String, Home>,
    by_number: HashMap<i64, Home>,
    by_head: HashMap<String, Vec<Home>>,
    index: HashMap<String, i64>,
}

fn numbers(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || "、,，;；/".contains(c))
        .map(|no| codes::text::half_width(no).into_owned())
        .filter(|no| !no.is_empty())
        .collect()
}

impl Known {
    async fn of(app: &App, actor: &Actor, rows: &[Raw], divisions: Divisions) -> Result<Self, ProblemError> {
        let mut nos = Vec::new();
        let mut heads = Vec::new();
        let mut index = HashMap::new();
        for row in rows {
            if let Some(text) = row.cells.get(&Column::HouseholdNo) {
                nos.extend(numbers(text));
            }
            if let Some(head) = row.cells.get(&Column::Head) {
                heads.push(codes::name::fold(head));
            }
            if let Some(number) = row.cells.get(&Column::IdNumber)
                && let Ok(read) = codes::citizen_id::read(number)
            {
                index.insert(number.clone(), app.vault.index("citizen_id", read.id.as_str()));
            }
        }
        let home = |row: Registered| (row.key, Home { id: row.id, division: row.division_code });
        let by_no = store::households_by_no(&app.db, &actor.scope, nos).await?.into_iter().map(home).collect();
        let wanted: Vec<i64> = index.values().copied().collect();
        let by_number = store::households_by_person(&app.db, &actor.scope, wanted).await?;
        let mut by_head: HashMap<String, Vec<Home>> = HashMap::new();
        for row in store::households_by_head(&app.db, &actor.scope, heads).await? {
            by_head.entry(row.key.clone()).or_default().push(home(row).1);
        }
        Ok(Self {
            divisions,
            by_no,
            by_number: by_number
                .into_iter()
                .map(|row| (row.id_index, Home { id: row.id, division: row.division_code }))
                .collect(),
            by_head,
            index,
        })
    }

    fn row(&self, actor: &Actor, raw: &Raw, about: &About) -> Result<Row, Fault> {
        let cell = |column: Column| raw.cells.get(&column).map_or("", String::as_str);
        let original = cell(Column::Description);
        if original.chars().filter(|c| c.is_alphanumeric()).count() < 2 {
            return Err(Fault::new(Column::Description, original, "empty", ""));
        }
        let said = cell(Column::Kind);
        let kind = match (said.is_empty(), Kind::in_text(said)) {
            (false, Some(kind)) => kind,
            (false, None) => return Err(Fault::new(Column::Kind, said, "kind", "")),
            (true, _) => about.kind.ok_or_else(|| Fault::new(Column::Kind, said, "kind", ""))?,
        };
        let place = self.place(actor, raw)?;
        let (households, head) = self.households(raw, place)?;
        let division = place
            .or(match households.as_slice() {
                [one] => Some(one.division.as_str()),
                _ => None,
            })
            .unwrap_or(&about.division)
            .to_owned();
        let issued = about.issued_on.map(|day| day.to_string()).unwrap_or_default();
        let found_on = match cell(Column::Found) {
            "" => issued.clone(),
            text => match codes::date::read_date(text).ok().and_then(codes::date::PartialDate::to_date) {
                Some(day) if day.year() >= FIRST_YEAR => day.to_string(),
                _ => return Err(Fault::new(Column::Found, text, "day", "")),
            },
        };
        let due_text = cell(Column::Due).to_owned();
        let due = due_day(&due_text, about.issued_on);
        if let Some(due) = due
            && due.to_string() < found_on
        {
            return Err(Fault::new(Column::Due, &due_text, "due", found_on));
        }
        let description = masked(original, true);
        let clean = |column: Column| masked(cell(column), true);
        Ok(Row {
            sheet: raw.sheet.clone(),
            line: raw.line,
            serial: cell(Column::Serial).chars().take(40).collect(),
            kind,
            found_on,
            division,
            households,
            head,
            category: clean(Column::Category),
            original: (description != original).then(|| original.to_owned()),
            description,
            level: level(cell(Column::Level)),
            requirement: clean(Column::Requirement),
            lead_unit: clean(Column::Lead),
            owner_unit: clean(Column::Unit),
            owner_name: clean(Column::Owner),
            due,
            due_text,
            answer: clean(Column::Answer),
        })
    }

    /// Where a row says that it lies; none where it says nothing.
    fn place(&self, actor: &Actor, raw: &Raw) -> Result<Option<&str>, Fault> {
        const NAMES: [Column; 5] = [Column::Province, Column::City, Column::County, Column::Township, Column::Village];
        let cell = |column: Column| raw.cells.get(&column).map_or("", String::as_str);
        let names = NAMES.map(cell);
        let code = cell(Column::PlaceCode);
        let (column, found) = if !code.is_empty() {
            let digits: String = codes::text::half_width(code).chars().filter(char::is_ascii_digit).collect();
            let found = self.divisions.resolve_code(&digits, None);
            (Column::PlaceCode, found.ok_or_else(|| Fault::new(Column::PlaceCode, code, "code", ""))?)
        } else if let Some(deepest) = NAMES.into_iter().rev().find(|column| !cell(*column).is_empty()) {
            match self.divisions.resolve(&names, None) {
                Resolution::Found(code) => (deepest, code),
                Resolution::Unknown { within, level } => {
                    let column = NAMES.get(level).copied().unwrap_or(deepest);
                    let within = self.divisions.full_name(within).unwrap_or_default();
                    return Err(Fault::new(column, cell(column), "place", within));
                }
                Resolution::Ambiguous { codes } => {
                    let names: Vec<&str> =
                        codes.iter().take(3).filter_map(|code| self.divisions.full_name(code)).collect();
                    return Err(Fault::new(deepest, cell(deepest), "places", names.join("、")));
                }
                Resolution::Empty => return Ok(None),
            }
        } else {
            match self.divisions.find_in_text(cell(Column::Place)) {
                Some(code) => (Column::Place, code),
                None => return Ok(None),
            }
        };
        if actor.scope.contains(found) {
            Ok(Some(found))
        } else {
            let name = self.divisions.full_name(found).unwrap_or(found);
            Err(Fault::new(column, cell(column), "outside", name))
        }
    }

    /// The registered households that a row is about, and who it names beside.
    fn households(&self, raw: &Raw, place: Option<&str>) -> Result<(Vec<Home>, String), Fault> {
        let cell = |column: Column| raw.cells.get(&column).map_or("", String::as_str);
        let mut out: Vec<Home> = Vec::new();
        for no in numbers(cell(Column::HouseholdNo)) {
            let home = self.by_no.get(&no).ok_or_else(|| Fault::new(Column::HouseholdNo, &no, "household", ""))?;
            if !place.is_none_or(|place| home.division.starts_with(place)) {
                let where_ = self.divisions.full_name(&home.division).unwrap_or(&home.division);
                return Err(Fault::new(Column::HouseholdNo, &no, "elsewhere", where_));
            }
            if out.iter().all(|known| known.id != home.id) {
                out.push(home.clone());
            }
        }
        let head = cell(Column::Head);
        if !out.is_empty() {
            return Ok((out, String::new()));
        }
        let number = cell(Column::IdNumber);
        if !number.is_empty() && !self.index.contains_key(number) {
            return Err(Fault::new(Column::IdNumber, number, "number", ""));
        }
        let here = |home: &&Home| place.is_none_or(|place| home.division.starts_with(place));
        if let Some(home) = self.index.get(number).and_then(|index| self.by_number.get(index)).filter(here) {
            return Ok((vec![home.clone()], String::new()));
        }
        // A name alone is one household only where one alone bears it there.
        let fitting: Vec<&Home> =
            self.by_head.get(&codes::name::fold(head)).into_iter().flatten().filter(here).collect();
        match fitting.as_slice() {
            [one] if place.is_some_and(|place| place.len() >= 12) => Ok((vec![(*one).clone()], String::new())),
            _ => Ok((Vec::new(), masked(head, true))),
        }
    }
}

/// The last day of a time limit as lists write it: a date, a month or year (until its last day), 年底前, 9月底, 9月20日前.
/// What names no year counts from the day that the list was handed down, and comes after it. None where the text says
/// no day (立行立改, 长期坚持).
fn due_day(text: &str, issued: Option<NaiveDate>) -> Option<NaiveDate> {
    let clean = codes::text::half_width(text).replace(' ', "");
    let mut said = clean.as_str();
    for end in ["完成", "之前", "以前", "前", "底", "末", "内"] {
        said = said.strip_suffix(end).unwrap_or(said);
    }
    if let Ok(day) = codes::date::read_date(said) {
        let first = day.first_day();
        let whole_year = day.iso().len() == "2026".len();
        return day.to_date().or_else(|| match whole_year {
            true => NaiveDate::from_ymd_opt(first.year(), 12, 31),
            false => Some(last_of_month(first)),
        });
    }
    let issued = issued?;
    let said = said.trim_start_matches(['本', '当', '今']);
    match said {
        "年" => return NaiveDate::from_ymd_opt(issued.year(), 12, 31),
        "月" => return Some(last_of_month(issued)),
        _ => {}
    }
    let (month, day) = said.split_once('月')?;
    let month = month.parse().ok().filter(|month| (1..=12).contains(month))?;
    let day = day.trim_end_matches(['日', '号']);
    [issued.year(), issued.year() + 1].into_iter().find_map(|year| {
        let first = NaiveDate::from_ymd_opt(year, month, 1)?;
        let last = if day.is_empty() { last_of_month(first) } else { first.with_day(day.parse().ok()?)? };
        (last >= issued).then_some(last)
    })
}

fn last_of_month(day: NaiveDate) -> NaiveDate {
    let next = if day.month() == 12 {
        NaiveDate::from_ymd_opt(day.year() + 1, 1, 1)
    } else {
        NaiveDate::from_ymd_opt(day.year(), day.month() + 1, 1)
    };
    next.and_then(|day| day.pred_opt()).unwrap_or(day)
}

/// The level of the profile that a list's own word means.
fn level(text: &str) -> &'static str {
    if ["严重", "重大", "特别", "高", "一级", "红"].iter().any(|word| text.contains(word)) {
        "severe"
    } else if ["轻", "低", "一般", "三级", "关注", "蓝"].iter().any(|word| text.contains(word)) {
        "notice"
    } else {
        "affected"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_limits_are_read_as_lists_write_them() {
        let issued = NaiveDate::from_ymd_opt(2026, 11, 25);
        let due = |text: &str| due_day(text, issued).map(|day| day.to_string()).unwrap_or_default();
        for (text, day) in [
            ("2026-12-31", "2026-12-31"),
            ("2027年6月30日前", "2027-06-30"),
            ("2027年6月底前完成", "2027-06-30"),
            ("2027年6月", "2027-06-30"),
            ("2027年底", "2027-12-31"),
            ("年底前", "2026-12-31"),
            ("年内", "2026-12-31"),
            ("本月底", "2026-11-30"),
            ("12月20日前", "2026-12-20"),
            ("12月底前", "2026-12-31"),
            ("３月底", "2027-03-31"),
            ("11月25日", "2026-11-25"),
            ("11月24日", "2027-11-24"),
            ("立行立改", ""),
            ("长期坚持", ""),
            ("3个月内", ""),
            ("13月底", ""),
            ("2月30日", ""),
            ("", ""),
        ] {
            assert_eq!(due(text), day, "{text}");
        }
        assert_eq!(due_day("年底前", None), None);
    }
}
