//! Visits of the past from a table (走访记录): CSV, XLS or XLSX, read as every file is read. A row that does not fit is held
//! with its place, value and what would be right; the others are written. The same file again changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use chrono::NaiveDate;
use codes::{date, text};
use serde::Serialize;
use uuid::Uuid;

use super::entry::{self, Raw};
use super::model::{Channel, FieldFault, Home, Member, ScreenError, Visit, Visitor};
use super::{row, settle, store};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability, Role};
use crate::assess;
use crate::assess::profile::checks::{Checks, Housing};
use crate::intake::{IntakeError, reader};
use crate::platform::jobs::Progress;
use crate::platform::{App, Lang, UserError, i18n};
use crate::road;

/// Households of one transaction.
const CHUNK: usize = 50;
/// Held rows that a report lists one by one.
const HELD_SHOWN: usize = 1_000;

/// A row that was not written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Sheet; empty for a CSV.
    pub sheet: String,
    /// Line, from 1.
    pub line: i64,
    /// Column.
    pub column: String,
    /// What stands there; masked where it may be somebody's number.
    pub value: String,
    /// What is wrong, 中文.
    pub why_zh: String,
    /// What is wrong, English.
    pub why_en: String,
}

impl Held {
    /// What is wrong, in the reader's language.
    pub fn why(&self, lang: Lang) -> &str {
        if lang == Lang::Zh { &self.why_zh } else { &self.why_en }
    }
}

/// What an import did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// The file.
    pub file: String,
    /// Rows with something in them.
    pub rows: u64,
    /// Visits written.
    pub new: u64,
    /// Visits that were there already.
    pub known: u64,
    /// Rows that do not fit.
    pub held: u64,
    /// The first of them.
    pub held_rows: Vec<Held>,
    /// Columns that say nothing to us.
    pub extra: Vec<String>,
    /// Households that were visited.
    pub households: u64,
}

/// What a column is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    HouseholdNo,
    Day,
    Channel,
    Visitor,
    Unit,
    Role,
    SpokenTo,
    Note,
    Unchanged,
    /// 就学情况: 小明:在校；小红:辍学.
    Children,
    /// Members who lack a part: 张三；李四, or 无.
    Lacking(String),
    /// A field of the form: how its words are read.
    Field(String, Words),
    /// A place that the household number already says.
    Elsewhere,
}

/// How the words of a cell become the value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Words {
    YesNo,
    Day,
    Plain,
    /// Id by every word that means it.
    OneOf(Vec<(String, String)>),
}

/// A header without spaces, brackets and units.
fn folded(header: &str) -> String {
    let half = text::half_width(header);
    let cut = half.split(['(', '（', '[']).next().unwrap_or_default();
    cut.chars().filter(|c| !c.is_whitespace() && !matches!(c, '、' | '，' | ',' | '：' | ':')).collect()
}

struct Dictionary(HashMap<String, Column>);

impl Dictionary {
    fn new(checks: &Checks) -> Self {
        let mut all: HashMap<String, Column> = HashMap::new();
        let mut put = |words: &[&str], column: Column| {
            for word in words {
                all.insert(folded(word), column.clone());
            }
        };
        put(&["户编号", "户编码", "household_no"], Column::HouseholdNo);
        put(&["走访日期", "走访时间", "联系日期", "入户日期", "核查日期", "visited_on"], Column::Day);
        put(&["走访方式", "联系方式", "方式", "channel"], Column::Channel);
        put(&["走访人", "联系人", "入户人员", "核查人", "visitor"], Column::Visitor);
        put(&["走访人单位", "单位", "走访单位", "unit"], Column::Unit);
        put(&["走访人身份", "身份", "role"], Column::Role);
        put(&["受访人", "交谈对象", "spoken_to"], Column::SpokenTo);
        put(&["走访记录", "走访内容", "备注", "情况说明", "note"], Column::Note);
        put(&["是否无变化", "无变化", "unchanged"], Column::Unchanged);
        put(&["适龄儿童就学情况", "就学情况", "义务教育", "schooling"], Column::Children);
        put(
            &["省", "市", "县", "乡", "村", "乡镇", "行政村", "自然村", "户主姓名", "户主", "序号", "家庭人口数"],
            Column::Elsewhere,
        );
        for (group, parts) in [("food", &checks.food), ("clothing", &checks.clothing)] {
            for part in parts {
                put(&[&part.title.zh, &part.title.en], Column::Field(format!("{group}.{}", part.id), Words::YesNo));
            }
        }
        for part in &checks.insurance.parts {
            for word in [format!("未参加{}成员", part.title.zh), format!("缺{}成员", part.title.zh)] {
                put(&[&word], Column::Lacking(part.id.clone()));
            }
        }
        put(&["就近有医疗机构", "医疗机构可及", "clinic"], Column::Field("clinic".to_owned(), Words::YesNo));
        let mut grades: Vec<(String, String)> = Vec::new();
        for grade in Housing::GRADES {
            grades.extend(
                [grade.to_owned(), format!("{grade}级"), format!("{grade} 级")].map(|word| (word, grade.to_owned())),
            );
        }
        grades.extend(["未鉴定", "无", "none"].map(|word| (word.to_owned(), "none".to_owned())));
        let field = |name: &str, words: Words| Column::Field(format!("house.{name}"), words);
        put(&["房屋鉴定等级", "住房鉴定等级", "危房级别", "鉴定等级"], field("grade", Words::OneOf(grades)));
        put(&["鉴定单位", "鉴定机构"], field("assessor", Words::Plain));
        put(&["鉴定日期"], field("assessed_on", Words::Day));
        let residences = checks.housing.residences.iter();
        let residences = residences.flat_map(|place| named(&place.id, &place.title.zh, &place.title.en)).collect();
        put(&["现居住情况", "现居住地", "现住址情况"], field("residence", Words::OneOf(residences)));
        let remedies = checks.housing.remedies.iter();
        let remedies = remedies.flat_map(|(id, title)| named(id, &title.zh, &title.en)).collect();
        put(&["处置方式", "解决方式"], field("remedy", Words::OneOf(remedies)));
        let field = |name: &str, words: Words| Column::Field(format!("water.{name}"), words);
        let one = |pairs: &[(&str, &str)]| {
            Words::OneOf(pairs.iter().map(|(word, id)| ((*word).to_owned(), (*id).to_owned())).collect())
        };
        let area = one(&[("是", "short"), ("否", "rich"), ("缺水", "short"), ("丰水", "rich"), ("不缺水", "rich")]);
        put(&["是否缺水地区", "缺水地区"], field("area", area));
        put(&["人均日用水量", "日人均水量", "水量"], field("litres", Words::Plain));
        let qualities = checks.water.qualities.iter();
        let qualities = qualities.flat_map(|choice| named(&choice.id, &choice.title.zh, &choice.title.en)).collect();
        put(&["水质", "水质情况"], field("quality", Words::OneOf(qualities)));
        let access = one(&[("入户", "piped"), ("自来水入户", "piped"), ("取水", "carried"), ("人力取水", "carried")]);
        put(&["供水方式", "用水方式"], field("access", access));
        put(&["取水往返时间", "取水时间", "往返分钟"], field("minutes", Words::Plain));
        put(&["取水水平距离", "水平距离"], field("horizontal", Words::Plain));
        put(&["取水垂直高差", "垂直高差"], field("vertical", Words::Plain));
        put(&["年停水天数", "停水天数"], field("outage_days", Words::Plain));
        Self(all)
    }

    fn of(&self, header: &str) -> Option<&Column> {
        self.0.get(&folded(header))
    }
}

fn named(id: &str, zh: &str, en: &str) -> Vec<(String, String)> {
    // What stands in brackets explains; people leave it out.
    let short = zh.split(['（', '(']).next().unwrap_or(zh);
    [zh, short, en, id].into_iter().map(|word| (word.to_owned(), id.to_owned())).collect()
}

/// A line of the table, with its place.
struct Line {
    sheet: String,
    line: i64,
    cells: Vec<(String, Column, String)>,
    household_no: String,
}

fn role_of(word: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|part| word.contains(part));
    if let Some(role) = Role::from_name(word) {
        role.name()
    } else if has(&["乡", "镇"]) {
        Role::TownshipStaff.name()
    } else if has(&["村", "驻村", "书记", "两委"]) {
        Role::VillageOfficer.name()
    } else {
        Role::Helper.name()
    }
}

fn channel_of(word: &str) -> Option<Channel> {
    let has = |words: &[&str]| words.iter().any(|part| word.contains(part));
    if has(&["入户", "上门", "实地", "现场"]) || word == Channel::OnSite.name() {
        Some(Channel::OnSite)
    } else if has(&["电话"]) || word == Channel::Phone.name() {
        Some(Channel::Phone)
    } else if has(&["视频"]) || word == Channel::Video.name() {
        // A video call by WeChat is a video call: somebody was seen.
        Some(Channel::Video)
    } else if has(&["微信"]) || word == Channel::Wechat.name() {
        Some(Channel::Wechat)
    } else {
        None
    }
}

fn yes_no(word: &str) -> Option<&'static str> {
    match word {
        "是" | "有" | "√" | "Y" | "y" | "yes" | "达标" | "1" => Some("yes"),
        "否" | "无" | "没有" | "×" | "N" | "n" | "no" | "不达标" | "0" => Some("no"),
        _ => None,
    }
}

/// Something of a row that does not fit: column, value, text key, what would be right.
type Fault = (String, String, &'static str, String);

impl Line {
    fn say(&self, fault: Fault) -> Held {
        let (column, value, what, expected) = fault;
        let value = match value.chars().filter(char::is_ascii_digit).count() {
            0..=13 => value.chars().take(60).collect(),
            _ => codes::citizen_id::mask(&value),
        };
        let words = [("found", value.clone()), ("expected", expected)];
        let [why_zh, why_en] = [Lang::Zh, Lang::En].map(|lang| i18n::text_with(lang, what, &words));
        Held { sheet: self.sheet.clone(), line: self.line, column, value, why_zh, why_en }
    }

    /// The fields of a form that say what the row says.
    fn raw(&self, checks: &Checks, members: &[Member]) -> Result<(Raw, Visitor), Vec<Fault>> {
        let mut raw = Raw::new();
        let mut who = Visitor { role: Role::Helper.name().to_owned(), ..Visitor::default() };
        let mut faults: Vec<Fault> = Vec::new();
        let mut lacking: BTreeMap<&str, Vec<Uuid>> = BTreeMap::new();
        let (mut unchanged, mut checked) = (false, false);
        raw.insert("channel".to_owned(), Channel::OnSite.name().to_owned());
        for (header, column, cell) in &self.cells {
            if cell.is_empty() {
                continue;
            }
            let mut fault = |what: &'static str, expected: String| {
                faults.push((header.clone(), cell.clone(), what, expected));
            };
            match column {
                Column::HouseholdNo | Column::Elsewhere => {}
                Column::Day => match date::read_date(cell).ok().and_then(date::PartialDate::to_date) {
                    Some(day) => drop(raw.insert("visited_on".to_owned(), day.to_string())),
                    None => fault("screen-fault-day", "2020-02-20".to_owned()),
                },
                Column::Channel => match channel_of(cell) {
                    Some(channel) => drop(raw.insert("channel".to_owned(), channel.name().to_owned())),
                    None => fault("screen-fault-choice", "入户 | 电话 | 微信 | 视频".to_owned()),
                },
                Column::Visitor => who.name.clone_from(cell),
                Column::Unit => who.unit.clone_from(cell),
                Column::Role => role_of(cell).clone_into(&mut who.role),
                Column::SpokenTo => drop(raw.insert("spoken_to".to_owned(), cell.clone())),
                Column::Note => drop(raw.insert("note".to_owned(), cell.clone())),
                Column::Unchanged => match yes_no(cell) {
                    Some(yes) => unchanged = yes == "yes",
                    None => fault("screen-fault-choice", "是 | 否".to_owned()),
                },
                Column::Children => {
                    checked = true;
                    raw.insert("school".to_owned(), "asked".to_owned());
                    for part in cell.split([';', '；', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
                        if matches!(part, "无" | "无适龄儿童") {
                            continue;
                        }
                        let (name, state) = part.split_once([':', '：']).unwrap_or((part, ""));
                        let state = checks.schooling.states.iter().find(|known| {
                            [known.title.zh.as_str(), known.title.en.as_str(), known.id.as_str()]
                                .contains(&state.trim())
                        });
                        match (member_called(members, name), state) {
                            (Some(id), Some(state)) => drop(raw.insert(format!("school.{id}"), state.id.clone())),
                            (None, _) => fault("screen-fault-member", String::new()),
                            (_, None) => {
                                let all: Vec<&str> =
                                    checks.schooling.states.iter().map(|state| state.title.zh.as_str()).collect();
                                fault("screen-fault-choice", all.join(" | "));
                            }
                        }
                    }
                }
                Column::Lacking(part) => {
                    checked = true;
                    let list = lacking.entry(part.as_str()).or_default();
                    for name in cell.split([';', '；', '、', '\n']).map(str::trim).filter(|name| !name.is_empty()) {
                        match (name, member_called(members, name)) {
                            ("无", _) => {}
                            (_, Some(id)) => list.push(id),
                            _ => fault("screen-fault-member", String::new()),
                        }
                    }
                }
                Column::Field(field, words) => {
                    checked = true;
                    let value = match words {
                        Words::Plain => Some(text::half_width(cell).into_owned()),
                        Words::YesNo => yes_no(cell).map(str::to_owned),
                        Words::Day => {
                            date::read_date(cell).ok().and_then(date::PartialDate::to_date).map(|day| day.to_string())
                        }
                        Words::OneOf(all) => all.iter().find(|(word, _)| word == cell).map(|(_, id)| id.clone()),
                    };
                    match value {
                        Some(value) => drop(raw.insert(field.clone(), value)),
                        None => {
                            let expected = match words {
                                Words::YesNo => "是 | 否".to_owned(),
                                Words::Day => "2020-02-20".to_owned(),
                                Words::Plain => String::new(),
                                Words::OneOf(all) => {
                                    let ids: BTreeSet<&String> = all.iter().map(|(_, id)| id).collect();
                                    let first = |id: &String| all.iter().find(|(_, known)| known == id);
                                    let words: Vec<&str> =
                                        ids.into_iter().filter_map(|id| Some(first(id)?.0.as_str())).collect();
                                    words.join(" | ")
                                }
                            };
                            let what = if *words == Words::Day { "screen-fault-day" } else { "screen-fault-choice" };
                            fault(what, expected);
                        }
                    }
                }
            }
        }
        if !lacking.is_empty() {
            for member in members {
                for part in &checks.insurance.parts {
                    let has = !lacking.get(part.id.as_str()).is_some_and(|list| list.contains(&member.id));
                    let yes = if has { "yes" } else { "no" };
                    raw.insert(format!("cover.{}.{}", member.id, part.id), yes.to_owned());
                }
            }
        }
        let mode = match (unchanged, checked) {
            (true, _) => "unchanged",
            (_, true) => "checks",
            _ => "contact",
        };
        raw.insert("mode".to_owned(), mode.to_owned());
        if who.name.is_empty() {
            let column = self.header_of(&Column::Visitor).unwrap_or_else(|| "走访人".to_owned());
            faults.push((column, String::new(), "screen-fault-missing", "走访人".to_owned()));
        }
        if faults.is_empty() { Ok((raw, who)) } else { Err(faults) }
    }

    fn header_of(&self, wanted: &Column) -> Option<String> {
        self.cells.iter().find(|(_, column, _)| column == wanted).map(|(header, ..)| header.clone())
    }

    /// The column of a field of the form.
    fn column_of(&self, field: &str) -> String {
        let found = self.cells.iter().find(|(_, column, _)| match column {
            Column::Day => field == "visited_on",
            Column::Channel => field == "channel",
            Column::SpokenTo => field == "spoken_to",
            Column::Note => field == "note",
            Column::Children => field.starts_with("school"),
            Column::Lacking(_) => field.starts_with("cover."),
            Column::Field(known, _) => known == field,
            _ => false,
        });
        found.map_or_else(|| field.to_owned(), |(header, ..)| header.clone())
    }

    /// The id of the visit: the same row has the same one, whenever it is brought in.
    fn id(&self, home: &Home, raw: &Raw, who: &Visitor) -> Uuid {
        use sha2::{Digest, Sha256};
        let day = raw.get("visited_on").map_or("", String::as_str);
        let mut hasher = Sha256::new();
        for part in [home.household_no.as_str(), day, raw.get("channel").map_or("", String::as_str), who.name.as_str()]
        {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
        let mut random = [0_u8; 10];
        random.copy_from_slice(&hasher.finalize()[..10]);
        let noon = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(4, 0, 0));
        let millis = noon.map_or(0, |noon| noon.and_utc().timestamp_millis());
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(millis).unwrap_or(0), &random).into_uuid()
    }
}

/// The member of that name; none where there is none or more than one.
fn member_called(members: &[Member], name: &str) -> Option<Uuid> {
    let wanted = codes::name::fold(name);
    let mut found = members.iter().filter(|member| codes::name::fold(&member.name) == wanted);
    match (found.next(), found.next()) {
        (Some(only), None) => Some(only.id),
        _ => None,
    }
}

/// The rows of a file, and the columns that say nothing to us.
fn read(path: &Path, file: &str, dictionary: &Dictionary) -> Result<(Vec<Line>, Vec<String>), ScreenError> {
    let mut lines: Vec<Line> = Vec::new();
    let mut extra: Vec<String> = Vec::new();
    let mut sheet = None;
    let mut columns: Vec<Option<(String, Column)>> = Vec::new();
    let mut seen_headers: Vec<String> = Vec::new();
    let mut found = false;
    reader::read::<IntakeError>(path, |row| {
        if sheet.as_deref() != Some(row.sheet) {
            sheet = Some(row.sheet.to_owned());
            columns.clear();
        }
        let cells: Vec<String> = row.cells.iter().map(|cell| cell.trim().to_owned()).collect();
        if columns.is_empty() {
            let known: Vec<Option<(String, Column)>> =
                cells.iter().map(|cell| dictionary.of(cell).map(|column| (cell.clone(), column.clone()))).collect();
            let has = |wanted: &Column| known.iter().flatten().any(|(_, column)| column == wanted);
            if has(&Column::HouseholdNo) && has(&Column::Day) {
                found = true;
                let unknown = cells.iter().zip(&known).filter(|(cell, known)| known.is_none() && !cell.is_empty());
                extra.extend(unknown.map(|(cell, _)| cell.clone()));
                columns = known;
            } else if cells.iter().filter(|cell| !cell.is_empty()).count() > seen_headers.len() {
                seen_headers = cells.into_iter().filter(|cell| !cell.is_empty()).collect();
            }
            return Ok(reader::Go::On);
        }
        let first = cells.iter().find(|cell| !cell.is_empty());
        if first
            .is_none_or(|first| ["合计", "总计", "小计", "审核人", "填表"].iter().any(|word| first.starts_with(word)))
        {
            return Ok(reader::Go::On);
        }
        let cells: Vec<(String, Column, String)> = columns
            .iter()
            .zip(cells)
            .filter_map(|(column, cell)| column.as_ref().map(|(header, column)| (header.clone(), column.clone(), cell)))
            .collect();
        let no = cells.iter().find(|(_, column, _)| *column == Column::HouseholdNo);
        let household_no = no.map(|(.., cell)| text::half_width(cell).into_owned()).unwrap_or_default();
        let line = i64::try_from(row.line).unwrap_or(i64::MAX);
        lines.push(Line { sheet: row.sheet.to_owned(), line, cells, household_no });
        Ok(reader::Go::On)
    })
    .map_err(|error| {
        let error = error.in_file(file);
        ScreenError::File { code: error.code(), text_zh: error.message(Lang::Zh), text: error.message(Lang::En) }
    })?;
    if !found {
        let words = [("file", file.to_owned()), ("found", seen_headers.join("、"))];
        let [text_zh, text] = [Lang::Zh, Lang::En].map(|lang| i18n::text_with(lang, "error-screen-headers", &words));
        return Err(ScreenError::File { code: "screen.headers", text_zh, text });
    }
    extra.sort();
    extra.dedup();
    Ok((lines, extra))
}

/// Brings a table of visits in. `onward` assesses the households that were visited; without it they wait on the list of
/// the next assessment.
///
/// # Errors
/// The actor may not, the file cannot be read or has no columns 户编号 and 走访日期, or the database fails.
pub async fn import_file(
    app: &App,
    actor: &Actor,
    path: &Path,
    onward: bool,
    progress: &Progress,
) -> Result<Report, ScreenError> {
    if !actor.may(Capability::ImportRegister) {
        return Err(ScreenError::Forbidden);
    }
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let loaded = assess::active_profile(app, actor).await?;
    let checks = Checks::of(&loaded.profile);
    let dictionary = Dictionary::new(&checks);
    let (from, called) = (path.to_owned(), file.clone());
    let (lines, extra) = tokio::task::spawn_blocking(move || read(&from, &called, &dictionary))
        .await
        .map_err(|error| ScreenError::Made(error.to_string()))??;
    let mut report = Report { file, rows: lines.len() as u64, extra, ..Report::default() };
    let mut by_household: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for line in lines {
        by_household.entry(line.household_no.clone()).or_default().push(line);
    }
    progress.stage("job-stage-visits", report.rows);
    let today = app.clock.today();
    let mut held: Vec<Held> = Vec::new();
    let numbers: Vec<String> = by_household.keys().cloned().collect();
    let mut done = 0;
    for chunk in numbers.chunks(CHUNK) {
        let now = app.clock.now_ms();
        let homes: HashMap<String, Home> = store::homes(&app.db, &actor.scope, chunk)
            .await?
            .into_iter()
            .map(|home| (home.household_no.clone(), home))
            .collect();
        let ids: Vec<Uuid> = homes.values().map(|home| home.id).collect();
        let mut members: HashMap<Uuid, Vec<Member>> = HashMap::new();
        for (household, member) in store::members_of(&app.db, &ids).await? {
            members.entry(household).or_default().push(member);
        }
        let mut write: Vec<(Home, Vec<Visit>)> = Vec::new();
        for no in chunk {
            let lines = by_household.remove(no).unwrap_or_default();
            done += lines.len() as u64;
            let Some(home) = homes.get(no) else {
                for line in lines {
                    let column = line.header_of(&Column::HouseholdNo).unwrap_or_default();
                    held.push(line.say((column, no.clone(), "screen-fault-household", String::new())));
                }
                continue;
            };
            let people = members.get(&home.id).cloned().unwrap_or_default();
            let mut rows = Vec::new();
            for line in lines {
                match visit_of(&line, home, &people, &checks, today, (loaded.id, now)) {
                    Ok(visit) => rows.push((line, visit)),
                    Err(all) => held.extend(all),
                }
            }
            // The same visit twice in one file is one.
            rows.sort_by_key(|(_, visit)| visit.id);
            rows.dedup_by(|(_, a), (_, b)| {
                let twice = a.id == b.id;
                report.known += u64::from(twice);
                twice
            });
            if !rows.is_empty() {
                write.push((home.clone(), rows.into_iter().map(|(_, visit)| visit).collect()));
            }
        }
        let checks = checks.clone();
        let written = app
            .db
            .write::<_, ScreenError, _>(move |tx| {
                Box::pin(async move {
                    assess::take_turn(tx).await?;
                    let (mut new, mut known, mut other) = (0, 0, Vec::new());
                    let mut touched = BTreeSet::new();
                    for (home, visits) in write {
                        let mut any = false;
                        for visit in visits {
                            if store::insert(tx, &visit).await? {
                                (new, any) = (new + 1, true);
                                continue;
                            }
                            let there = store::visit_in(tx, visit.id).await?;
                            if there.is_some_and(|there| there.fingerprint == visit.fingerprint) {
                                known += 1;
                            } else {
                                other.push((home.household_no.clone(), visit.visited_on.clone()));
                            }
                        }
                        if any {
                            settle(tx, &home, &checks, now).await?;
                            touched.insert(home.id);
                        }
                    }
                    assess::mark_due(tx, &touched, now).await?;
                    Ok((new, known, other, touched.len() as u64))
                })
            })
            .await?;
        let (new, known, other, touched) = written;
        report.new += new;
        report.known += known;
        report.households += touched;
        for (no, day) in other {
            let line = Line { sheet: String::new(), line: 0, cells: Vec::new(), household_no: no };
            let fault = ("走访日期".to_owned(), day, "screen-fault-taken", line.household_no.clone());
            held.push(line.say(fault));
        }
        progress.at(done);
    }
    held.sort_by(|a, b| (&a.sheet, a.line, &a.column).cmp(&(&b.sheet, b.line, &b.column)));
    let rows: BTreeSet<(String, i64)> = held.iter().map(|held| (held.sheet.clone(), held.line)).collect();
    report.held = rows.len() as u64;
    held.truncate(HELD_SHOWN);
    report.held_rows = held;
    on_record(app, actor, &report).await?;
    if onward {
        road::register_changed(app, actor).await?;
    }
    Ok(report)
}

fn visit_of(
    line: &Line,
    home: &Home,
    members: &[Member],
    checks: &Checks,
    today: NaiveDate,
    stamp: (Uuid, i64),
) -> Result<Visit, Vec<Held>> {
    let say = |faults: Vec<Fault>| -> Vec<Held> { faults.into_iter().map(|fault| line.say(fault)).collect() };
    let (raw, who) = line.raw(checks, members).map_err(say)?;
    let id = line.id(home, &raw, &who);
    let draft = entry::draft(&raw, id, checks, members, today).map_err(|faults| {
        let of = |fault: FieldFault| (line.column_of(&fault.field), fault.found, fault.what, fault.expected);
        say(faults.into_iter().map(of).collect())
    })?;
    Ok(row(&draft, home, members, checks, (None, &who), "import", stamp))
}

async fn on_record(app: &App, actor: &Actor, report: &Report) -> Result<(), ScreenError> {
    let detail = serde_json::json!({
        "file": report.file, "rows": report.rows, "new": report.new, "known": report.known, "held": report.held,
    });
    let (actor, now) = (actor.clone(), app.clock.now_ms());
    app.db
        .write::<_, ScreenError, _>(move |tx| {
            Box::pin(async move {
                let entry = Entry {
                    action: "visit.import",
                    object_kind: "visit",
                    object_id: String::new(),
                    division_code: actor.scope.root(),
                    reason: "",
                    detail,
                };
                Ok(audit::record(tx, &actor, entry, now).await?)
            })
        })
        .await
}
