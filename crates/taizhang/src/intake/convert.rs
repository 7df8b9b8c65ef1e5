//! Rows into records: each kind of file, cell by cell, with the hits of the rules that need one row only.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use codes::citizen_id::{self, IdForm, IdProblem};
use codes::lists;
use rustc_hash::FxHashMap;
use uuid::Uuid;

use super::fields::{CREDIT_CODE, Kind};
use super::mask;
use super::model::IntakeError;
use super::organisations::{Facts, Mention};
use super::reader::NOT_CALCULATED;
use super::records::{Helper, Household, Income, Monitoring, Person, WorkTeamMember};
use super::rules::{self, Hit, MonitoringFacts, PersonFacts, number};
use super::table::{DataRow, Mapping};
use crate::access::Scope;
use crate::assess::lines::IncomeLines;
use crate::platform::{Vault, ids};
use crate::register::{Divisions, attrs};

/// Households of the register by number: id and division.
pub(super) type Households = FxHashMap<Box<str>, (Uuid, Box<str>)>;

/// What rows of a batch have in common.
pub(super) struct Context {
    pub(super) kind: Kind,
    /// Where the one who brings the file in may write.
    pub(super) scope: Scope,
    pub(super) mapping: Mapping,
    pub(super) vault: Vault,
    pub(super) divisions: Arc<Divisions>,
    pub(super) households: Arc<Households>,
    pub(super) import: Uuid,
    pub(super) as_of: NaiveDate,
    pub(super) now: i64,
    pub(super) lines: IncomeLines,
}

/// A record before it is known whether it is new.
#[derive(Debug, Clone)]
pub(super) enum Draft {
    Division(DivisionRow),
    Household(Household),
    Person(Box<Person>),
    Income(Income),
    Monitoring(Monitoring),
    Helper(Helper),
    WorkTeam(WorkTeamMember),
    Organisation(Mention),
}

/// A division as a row states it.
#[derive(Debug, Clone)]
pub(super) struct DivisionRow {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) urban_rural: String,
    pub(super) valid_from: String,
    pub(super) valid_to: String,
    pub(super) former: String,
}

/// A row as read.
pub(super) struct Converted {
    /// What tells the record from others of its kind; empty where it is missing.
    pub(super) key: String,
    pub(super) household_no: String,
    pub(super) person_no: String,
    pub(super) division: String,
    pub(super) hits: Vec<Hit>,
    /// None where an error holds the row back.
    pub(super) draft: Option<Draft>,
    /// What the household-wide rules need.
    pub(super) member: Member,
    /// The credit code of the organisation that the row names; empty if it gives none that holds.
    pub(super) credit_code: String,
}

/// One person for the household-wide rules.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Member {
    pub(super) head: bool,
    pub(super) spouse: bool,
    pub(super) sex: Option<codes::Sex>,
    pub(super) id_index: Option<i64>,
}

/// The columns of a kind that have a place of their own in its record.
fn placed(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Division | Kind::Organisation => &[],
        Kind::Household => &[
            "省",
            "市",
            "县",
            "乡",
            "村",
            "自然村",
            "户编号",
            "户主编号",
            "户主姓名",
            "户主证件号码",
            "家庭人口数",
            "户联系电话",
            "户类型",
            "脱贫属性",
            "主要致贫原因",
            "危房级别",
            "是否危房户",
            "是否解决安全饮用水",
        ],
        Kind::Person => &[
            "省",
            "市",
            "县",
            "乡",
            "村",
            "自然村",
            "户编号",
            "人口编号",
            "姓名",
            "性别",
            "出生日期",
            "证件号码",
            "与户主关系",
            "文化程度",
            "在校生状况",
            "健康状况",
            "劳动技能",
            "务工所在地",
            "务工企业名称",
            "务工时间(月)",
            "成员联系电话",
            CREDIT_CODE,
        ],
        Kind::Income => &["省", "市", "县", "乡", "村", "户编号", "户主姓名", "户主证件号码", "年度"],
        Kind::Monitoring => &[
            "省",
            "市",
            "县",
            "乡",
            "村",
            "户编号",
            "户主姓名",
            "户主证件号码",
            "监测对象类别",
            "识别监测时间",
            "风险是否已消除",
            "消除监测时间",
        ],
        Kind::Helper => &[
            "省",
            "市",
            "县",
            "乡",
            "村",
            "户编号",
            "户主姓名",
            "户主证件号码",
            "帮扶责任人姓名",
            "性别",
            "证件号码",
            "帮扶(选派)单位名称",
            "帮扶开始时间",
            "帮扶结束时间",
            "联系电话",
            CREDIT_CODE,
        ],
        Kind::WorkTeam => &[
            "省",
            "市",
            "县",
            "乡",
            "村",
            "驻村工作队名称",
            "队员类别",
            "姓名",
            "证件号码",
            "帮扶(选派)单位名称",
            "驻村开始时间",
            "驻村结束时间",
            "联系电话",
            CREDIT_CODE,
        ],
    }
}

/// The order of the columns of one sheet.
pub(super) struct Shape {
    mapping: Mapping,
    layout: Layout,
    /// Number of columns.
    width: usize,
}

impl Shape {
    pub(super) fn of(kind: Kind, mapping: Mapping, width: usize) -> Self {
        Self { layout: Layout::of(kind, &mapping), mapping, width }
    }
}

/// Where the columns of a kind lie in a sheet.
struct Layout {
    /// Column of the file by standard header.
    columns: FxHashMap<&'static str, usize>,
    /// Columns without a place of their own: column of the file, standard header, and the header as a JSON key.
    others: Vec<(usize, &'static str, String)>,
}

impl Layout {
    fn of(kind: Kind, mapping: &Mapping) -> Self {
        let columns: FxHashMap<_, _> =
            kind.fields().iter().zip(&mapping.columns).filter_map(|(f, at)| Some((f.header, (*at)?))).collect();
        let mut others: Vec<_> = columns
            .iter()
            .filter(|(header, _)| !placed(kind).contains(*header))
            .map(|(header, at)| (*at, *header, format!("{}:", serde_json::Value::from(attrs::key(header)))))
            .collect();
        others.sort_by_key(|(_, header, _)| *header);
        Self { columns, others }
    }
}

/// What a worker remembers between rows.
#[derive(Default)]
pub(super) struct Scratch {
    /// The county that a text names; many persons work in the same few places.
    counties: FxHashMap<String, String>,
}

impl Scratch {
    fn county(&mut self, divisions: &Divisions, text: &str) -> String {
        const MOST: usize = 100_000;
        if text.is_empty() {
            return String::new();
        }
        if let Some(known) = self.counties.get(text) {
            return known.clone();
        }
        let code = divisions.find_in_text(text).and_then(|c| c.get(..6)).unwrap_or_default().to_owned();
        if self.counties.len() < MOST {
            self.counties.insert(text.to_owned(), code.clone());
        }
        code
    }
}

struct Row<'a> {
    context: &'a Context,
    shape: &'a Shape,
    row: DataRow<'a>,
}

impl<'a> Row<'a> {
    /// Whether the row breaks off before its last column. A workbook leaves out empty cells; a line of CSV does not.
    fn is_cut_off(&self) -> bool {
        self.row.sheet.is_empty() && self.row.cells.len() < self.shape.width
    }

    /// The first column whose cell holds a formula that was never calculated.
    fn not_calculated(&self) -> Option<&'static str> {
        let columns = self.shape.layout.columns.iter();
        columns.filter(|(_, at)| self.row.cells.get(**at) == NOT_CALCULATED).min_by_key(|(_, at)| **at).map(|(h, _)| *h)
    }

    fn raw(&self, header: &str) -> &'a str {
        self.shape.layout.columns.get(header).map_or("", |at| self.row.cells.get(*at))
    }

    fn text(&self, header: &str) -> String {
        codes::text::half_width(self.raw(header)).into_owned()
    }

    /// The columns that have no place of their own in the record, as JSON by standard header.
    fn attrs(&self) -> String {
        let mut out = String::with_capacity(512);
        out.push('{');
        for (column, header, key) in &self.shape.layout.others {
            let value = self.row.cells.get(*column).trim();
            if value.is_empty() {
                continue;
            }
            if out.len() > 1 {
                out.push(',');
            }
            out.push_str(key);
            match *header {
                // Shown by its last four digits and never needed whole.
                "银行卡号" => push_json(&mut out, &codes::bank::mask(value)),
                "信息采集人电话" => push_json(&mut out, &mask::masked(value, true)),
                _ => push_json(&mut out, value),
            }
        }
        out.push('}');
        out
    }

    fn date(&self, header: &'static str, hits: &mut Vec<Hit>) -> String {
        let raw = self.raw(header);
        if raw.trim().is_empty() {
            return String::new();
        }
        match codes::date::read_date(raw) {
            Ok(date) => date.iso(),
            Err(_) => {
                hits.push(Hit::new("row.date", header, raw.trim()));
                String::new()
            }
        }
    }

    fn phone(&self, place: &str, header: &str) -> Result<(Option<Vec<u8>>, Option<i64>), IntakeError> {
        let raw = self.raw(header);
        if raw.trim().is_empty() {
            return Ok((None, None));
        }
        let vault = &self.context.vault;
        Ok(match codes::phone::read(raw) {
            Ok(phone) => {
                (Some(vault.seal(place, phone.digits().as_bytes())?), Some(vault.index("phone", phone.digits())))
            }
            // Kept as it was written: somebody may know what was meant.
            Err(_) => (Some(vault.seal(place, raw.trim().as_bytes())?), None),
        })
    }

    fn fingerprint(&self) -> i64 {
        let mut bytes = Vec::with_capacity(256);
        for (field, column) in self.context.kind.fields().iter().zip(&self.shape.mapping.columns) {
            // The code is the organisation's, not the person's: it makes no version of who names it.
            if field.header == CREDIT_CODE {
                continue;
            }
            if let Some(at) = column {
                bytes.extend_from_slice(codes::text::half_width(self.row.cells.get(*at)).as_bytes());
            }
            bytes.push(0x1f);
        }
        ids::fingerprint(&bytes)
    }

    fn line(&self) -> i64 {
        i64::try_from(self.row.line).unwrap_or(i64::MAX)
    }

    fn yuan(&self, header: &'static str, hits: &mut Vec<Hit>) -> f64 {
        let raw = self.raw(header);
        if rules::nothing(raw) {
            return 0.0;
        }
        number(raw).unwrap_or_else(|| {
            hits.push(Hit::new("row.number", header, raw.trim()));
            0.0
        })
    }
}

/// Appends a JSON string.
fn push_json(out: &mut String, text: &str) {
    if text.bytes().any(|b| b < 0x20 || b == b'"' || b == b'\\') {
        out.push_str(&serde_json::Value::from(text).to_string());
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

/// Reads one row.
///
/// # Errors
/// A field cannot be encrypted; what is wrong with the row itself comes back as hits.
pub(super) fn convert(
    context: &Context,
    shape: &Shape,
    row: DataRow<'_>,
    scratch: &mut Scratch,
) -> Result<Converted, IntakeError> {
    let row = Row { context, shape, row };
    // What such a row lacks must not be taken for empty: it would empty what the register holds.
    let incomplete = if row.is_cut_off() {
        Some(Hit::new("row.short", "", format!("{} / {}", row.row.cells.len(), shape.width)))
    } else {
        row.not_calculated().map(|header| Hit::new("row.formula_empty", header, NOT_CALCULATED))
    };
    if let Some(hit) = incomplete {
        let (household_no, person_no) = (row.text("户编号"), row.text("人口编号"));
        return Ok(Converted { person_no, ..blank(String::new(), household_no, vec![hit]) });
    }
    let mut out = match context.kind {
        Kind::Division => division(&row),
        Kind::Household => household(&row)?,
        Kind::Person => person(&row, scratch)?,
        Kind::Income => income(&row),
        Kind::Monitoring => monitoring(&row),
        Kind::Helper => helper(&row)?,
        Kind::WorkTeam => work_team(&row)?,
        Kind::Organisation => organisation(&row, scratch),
    };
    out.hits.extend(rules::labels(|header| row.raw(header)));
    if out.hits.iter().any(|h| rules::rule(h.rule).is_some_and(|r| r.severity == rules::Severity::Error)) {
        out.draft = None;
    }
    Ok(out)
}

fn blank(key: String, household_no: String, hits: Vec<Hit>) -> Converted {
    Converted {
        key,
        household_no,
        person_no: String::new(),
        division: String::new(),
        hits,
        draft: None,
        member: Member::default(),
        credit_code: String::new(),
    }
}

fn division(row: &Row<'_>) -> Converted {
    let mut hits = Vec::new();
    let raw = row.text("行政区划代码");
    let name = row.text("名称");
    let code = match codes::division::DivisionCode::parse(&raw) {
        Ok(code) => code.as_str().to_owned(),
        Err(_) => {
            let rule = if raw.is_empty() { "row.key_missing" } else { "row.code" };
            hits.push(Hit::new(rule, "行政区划代码", raw.as_str()));
            return blank(raw, String::new(), hits);
        }
    };
    if !row.context.scope.contains(&code) {
        hits.push(Hit::new("row.outside_scope", "行政区划代码", code.as_str()));
        return blank(code, String::new(), hits);
    }
    if name.is_empty() {
        hits.push(Hit::new("row.key_missing", "名称", ""));
        return blank(code, String::new(), hits);
    }
    let former = row.text("原代码");
    let former = codes::division::DivisionCode::parse(&former).map(|c| c.as_str().to_owned()).unwrap_or_default();
    // Who may not write there may not end what is there.
    if row.context.divisions.get(&former).is_some() && !row.context.scope.contains(&former) {
        hits.push(Hit::new("row.outside_scope", "原代码", former.as_str()));
    }
    let class = row.text("城乡分类代码");
    if !class.is_empty() && codes::division::UrbanRural::parse(&class).is_none() {
        hits.push(Hit::new("division.urban_rural", "城乡分类代码", class));
    }
    if code.len() == 12 && codes::division::VillageKind::of(&code).is_some_and(|kind| kind.denied_by(&name)) {
        hits.push(Hit::new("division.village_number", "行政区划代码", code.as_str()));
    }
    let draft = DivisionRow {
        urban_rural: row.text("城乡分类代码"),
        valid_from: row.date("启用日期", &mut hits),
        valid_to: row.date("停用日期", &mut hits),
        former,
        name,
        code: code.clone(),
    };
    let key = format!("{code}/{}", draft.valid_from);
    Converted { division: code, draft: Some(Draft::Division(draft)), ..blank(key, String::new(), hits) }
}

const PLACE: [&str; 6] = ["省", "市", "县", "乡", "村", "自然村"];

fn place<'a>(row: &Row<'a>, hits: &mut Vec<Hit>, levels: usize) -> String {
    let names: Vec<&str> = PLACE[..levels].iter().map(|h| row.raw(h)).collect();
    let found = row.context.divisions.resolve_names(&names).or_else(|| {
        // A group that the division file does not know: the village is where the household is found.
        row.context.divisions.resolve_names(&names[..5])
    });
    match found {
        Some(code) if code.len() >= 12 => {
            if !row.context.scope.contains(code) {
                hits.push(Hit::new("row.outside_scope", "村", names[4].trim()));
            }
            code.to_owned()
        }
        _ => {
            let said: Vec<&str> = names.iter().map(|n| n.trim()).filter(|n| !n.is_empty()).collect();
            hits.push(Hit::new("row.village_unknown", "村", said.join("/")));
            String::new()
        }
    }
}

fn household(row: &Row<'_>) -> Result<Converted, IntakeError> {
    let context = row.context;
    let mut hits = Vec::new();
    let household_no = row.text("户编号");
    if household_no.is_empty() {
        hits.push(Hit::new("row.key_missing", "户编号", ""));
    } else if rules::damaged_key(&household_no) {
        hits.push(Hit::new("row.key_damaged", "户编号", household_no.as_str()));
    }
    let division_code = place(row, &mut hits, 6);
    let head_name = row.text("户主姓名");
    if head_name.is_empty() {
        hits.push(Hit::new("person.name_missing", "户主姓名", ""));
    }
    let count = row.raw("家庭人口数");
    let member_count = if count.trim().is_empty() { 0 } else { row.yuan("家庭人口数", &mut hits) as i64 };
    if member_count < 1 {
        hits.push(Hit::new("household.members_zero", "家庭人口数", count.trim()));
    }
    let phone = row.raw("户联系电话");
    if !phone.trim().is_empty() && !matches!(codes::phone::read(phone), Ok(codes::phone::Phone::Mobile(_))) {
        hits.push(Hit::new("household.phone", "户联系电话", codes::phone::mask(phone)));
    }
    let (phone_enc, phone_index) = row.phone("household.phone", "户联系电话")?;
    let area = |header: &str| number(row.raw(header)).unwrap_or(0.0);
    if area("退耕还林面积(亩)") > area("林地面积(亩)") + area("牧草地面积(亩)") {
        hits.push(Hit::new("household.fallow_area", "退耕还林面积(亩)", row.text("退耕还林面积(亩)")));
    }
    let kind = row.text("户类型");
    let draft = Household {
        id: ids::new_id(),
        household_no: household_no.clone(),
        division_code: division_code.clone(),
        head_name,
        head_person_no: row.text("户主编号"),
        member_count,
        kind: lists::household_kind(&kind).map_or(kind, str::to_owned),
        registration: row.text("脱贫属性"),
        main_cause: lists::cause(row.raw("主要致贫原因")).map_or_else(|| row.text("主要致贫原因"), str::to_owned),
        phone_enc,
        phone_index,
        housing_grade: housing_grade(&row.text("危房级别")),
        dangerous_house: lists::yes_no(row.raw("是否危房户")),
        safe_water: lists::yes_no(row.raw("是否解决安全饮用水")),
        fallow_area: area("退耕还林面积(亩)"),
        attrs: row.attrs(),
        version: 1,
        fingerprint: row.fingerprint(),
        import_id: context.import,
        sheet: row.row.sheet.to_owned(),
        line: row.line(),
        as_of: context.as_of.to_string(),
        recorded_at: context.now,
    };
    Ok(Converted {
        division: division_code,
        draft: Some(Draft::Household(draft)),
        ..blank(household_no.clone(), household_no, hits)
    })
}

/// The letter of a grade: C, C级, c级危房; the text where it has none.
fn housing_grade(text: &str) -> String {
    match text.chars().next().map(|c| c.to_ascii_uppercase()) {
        Some(letter @ 'A'..='D') => letter.to_string(),
        _ => text.to_owned(),
    }
}

/// The household of a row, by its number.
fn known(row: &Row<'_>, household_no: &str, hits: &mut Vec<Hit>) -> (Uuid, String) {
    if household_no.is_empty() {
        hits.push(Hit::new("row.key_missing", "户编号", ""));
        return (Uuid::nil(), String::new());
    }
    if rules::damaged_key(household_no) {
        hits.push(Hit::new("row.key_damaged", "户编号", household_no));
        return (Uuid::nil(), String::new());
    }
    match row.context.households.get(household_no) {
        Some((id, division)) => (*id, division.to_string()),
        None => {
            hits.push(Hit::new("row.household_unknown", "户编号", household_no));
            (Uuid::nil(), String::new())
        }
    }
}

/// The rule that an unusable ID number breaks.
fn id_rule(problem: IdProblem) -> &'static str {
    match problem {
        IdProblem::Empty => "person.id_empty",
        IdProblem::Length { .. } => "person.id_length",
        IdProblem::NotDigits { .. } | IdProblem::Masked => "person.id_digits",
        IdProblem::CheckCharacter { .. } => "person.id_checksum",
        IdProblem::BirthDate => "person.id_birth",
        IdProblem::ExcelScientific | IdProblem::ExcelTruncated | IdProblem::FloatText => "person.id_excel",
        IdProblem::DisabilityKind | IdProblem::DisabilityGrade => "person.id_disability",
    }
}

fn age_on(birth: NaiveDate, day: NaiveDate) -> i32 {
    day.year() - birth.year() - i32::from((day.month(), day.day()) < (birth.month(), birth.day()))
}

fn person(row: &Row<'_>, scratch: &mut Scratch) -> Result<Converted, IntakeError> {
    let context = row.context;
    let vault = &context.vault;
    let mut hits = Vec::new();
    let household_no = row.text("户编号");
    let (household_id, division_code) = known(row, &household_no, &mut hits);
    let person_no = row.text("人口编号");
    if person_no.is_empty() {
        hits.push(Hit::new("row.key_missing", "人口编号", ""));
    } else if rules::damaged_key(&person_no) {
        hits.push(Hit::new("row.key_damaged", "人口编号", person_no.as_str()));
    }
    let name = row.raw("姓名").trim();
    let name_folded = codes::name::fold(name);
    if name_folded.is_empty() {
        hits.push(Hit::new("person.name_missing", "姓名", ""));
    }
    let raw_id = row.raw("证件号码");
    let id_type = row.raw("证件类型");
    let citizen = id_type.trim().is_empty() || id_type.contains("身份证") || id_type.contains("残疾");
    let reading = citizen_id::read(raw_id);
    let (mut id_kind, mut id_enc, mut id_index) = ("none", None, None);
    let mut disability_card = false;
    let mut by_id = None;
    match &reading {
        Ok(read) => {
            id_kind = match read.form {
                IdForm::Citizen18 | IdForm::Legacy15 => "citizen",
                IdForm::DisabilityCard20 => "disability20",
                IdForm::DisabilityCard22 => "disability22",
            };
            disability_card = read.disability.is_some();
            // A 15-digit number is kept in its full form; a card keeps what follows the number.
            let full = if disability_card {
                codes::text::half_width(raw_id)
                    .chars()
                    .filter(|c| !c.is_whitespace())
                    .collect::<String>()
                    .to_uppercase()
            } else {
                read.id.as_str().to_owned()
            };
            id_enc = Some(vault.seal("person.id", full.as_bytes())?);
            if read.maybe_truncated {
                // Without an index it is found by nothing and takes nobody else's place.
                hits.push(Hit::new("person.id_excel_maybe", "证件号码", citizen_id::mask(raw_id)));
            } else {
                id_index = Some(vault.index("citizen_id", read.id.as_str()));
            }
            by_id = Some((read.id.birth_date(), read.id.sex()));
            if read.form == IdForm::Legacy15 {
                hits.push(Hit::new("person.id_legacy", "证件号码", citizen_id::mask(raw_id)));
            }
            if read.id.birth_date() > context.as_of {
                hits.push(Hit::new("person.id_future", "证件号码", citizen_id::mask(raw_id)));
            }
        }
        Err(IdProblem::Empty) => hits.push(Hit::new("person.id_empty", "证件号码", "")),
        Err(_) if !citizen => {
            id_kind = "other";
            id_enc = Some(vault.seal("person.id", raw_id.trim().as_bytes())?);
        }
        Err(problem) => hits.push(Hit::new(id_rule(*problem), "证件号码", citizen_id::mask(raw_id))),
    }
    let said_birth = row.raw("出生日期");
    let typed = (!said_birth.trim().is_empty()).then(|| codes::date::read_date(said_birth));
    let typed_day = match &typed {
        Some(Ok(date)) => date.to_date(),
        Some(Err(_)) => {
            hits.push(Hit::new("row.date", "出生日期", said_birth.trim()));
            None
        }
        None => None,
    };
    // A birth after the day of the file is a slip, and no birth date to reckon with.
    let typed_day = typed_day.filter(|day| {
        let future = *day > context.as_of;
        if future {
            hits.push(Hit::new("person.birth_future", "出生日期", day.to_string()));
        }
        !future
    });
    if let (Some((birth, _)), Some(day)) = (by_id, typed_day)
        && birth != day
    {
        hits.push(Hit::new("person.birth_differs", "出生日期", day.to_string()));
    }
    let birth = by_id.map(|(birth, _)| birth).or(typed_day);
    let said_sex = codes::Sex::parse(row.raw("性别"));
    if let (Some((_, sex)), Some(said)) = (by_id, said_sex)
        && sex != said
    {
        hits.push(Hit::new("person.sex_differs", "性别", said.zh()));
    }
    let sex = by_id.map(|(_, sex)| sex).or(said_sex);
    let relation = row.text("与户主关系");
    let standard = lists::relation_of(&relation).map_or(relation.as_str(), |r| r.label);
    let work_place = row.text("务工所在地");
    let work_place = if rules::nothing(&work_place) { String::new() } else { work_place };
    let work_months = row.raw("务工时间(月)");
    hits.extend(rules::person(&PersonFacts {
        age: birth.map(|b| age_on(b, context.as_of)),
        sex,
        relation: &relation,
        education: row.raw("文化程度"),
        schooling: row.raw("在校生状况"),
        health: row.raw("健康状况"),
        disability: row.raw("残疾类别"),
        disability_card,
        disability_year: row.raw("残疾证办证年度"),
        labour: row.raw("劳动技能"),
        work_place: &work_place,
        work_months,
        dropout: row.raw("失学或辍学原因"),
        resident_insurance: row.raw("是否参加城乡居民基本医疗保险"),
        employee_insurance: row.raw("是否参加城镇职工基本医疗保险"),
        phone: row.raw("成员联系电话"),
    }));
    let (phone_enc, phone_index) = row.phone("person.phone", "成员联系电话")?;
    let health = row.text("健康状况");
    let health = match lists::Health::parse_all(&health) {
        Ok(values) => values.iter().map(|h| h.label()).collect::<Vec<_>>().join(","),
        Err(_) => health,
    };
    let work_division = scratch.county(&context.divisions, &work_place);
    let credit_code = credit_code(row, &mut hits);
    let is_head = standard == "户主";
    let member =
        Member { head: is_head, spouse: standard == "配偶", sex: by_id.map(|(_, s)| s).or(said_sex), id_index };
    let draft = Person {
        id: ids::new_id(),
        person_no: person_no.clone(),
        household_id,
        division_code: division_code.clone(),
        name: name.to_owned(),
        pinyin: codes::name::pinyin(&name_folded),
        initials: codes::name::initials(&name_folded),
        name_folded,
        sex: sex.map_or("", codes::Sex::key).to_owned(),
        birth_date: birth.map(|b| b.to_string()).unwrap_or_default(),
        id_kind: id_kind.to_owned(),
        id_enc,
        id_index,
        phone_enc,
        phone_index,
        relation: standard.to_owned(),
        is_head,
        labour: lists::Labour::parse(row.raw("劳动技能"))
            .map_or_else(|| row.text("劳动技能"), |l| l.label().to_owned()),
        health,
        education: lists::education(row.raw("文化程度")).map_or_else(|| row.text("文化程度"), str::to_owned),
        schooling: lists::schooling(row.raw("在校生状况")).map_or_else(|| row.text("在校生状况"), str::to_owned),
        work_place,
        work_division,
        work_employer: row.text("务工企业名称"),
        work_months: rules::months(work_months),
        subsistence: lists::yes_no(row.raw("是否享受低保")),
        destitute: lists::yes_no(row.raw("是否特困供养人员")),
        serious_insured: lists::yes_no(row.raw("是否参加大病保险")),
        attrs: row.attrs(),
        version: 1,
        fingerprint: row.fingerprint(),
        import_id: context.import,
        sheet: row.row.sheet.to_owned(),
        line: row.line(),
        as_of: context.as_of.to_string(),
        recorded_at: context.now,
    };
    Ok(Converted {
        key: person_no.clone(),
        household_no,
        person_no,
        division: division_code,
        hits,
        draft: Some(Draft::Person(Box::new(draft))),
        member,
        credit_code,
    })
}

fn income(row: &Row<'_>) -> Converted {
    let context = row.context;
    let mut hits = Vec::new();
    let household_no = row.text("户编号");
    let (household_id, division_code) = known(row, &household_no, &mut hits);
    let year = row.text("年度").trim_end_matches('年').parse::<i64>().ok();
    // A year's income is collected from 1 October to 30 September (DOMAIN §2): without a year it is the last one whole.
    let year = year.unwrap_or_else(|| i64::from(context.as_of.year()) - i64::from(context.as_of.month() < 10));
    let mut sum = |total: &'static str, parts: &[&'static str]| {
        let parts: f64 = parts.iter().map(|p| row.yuan(p, &mut hits)).sum();
        if rules::nothing(row.raw(total)) { parts } else { row.yuan(total, &mut hits) }
    };
    let wage = sum("工资性收入", &["务工收入", "公益性岗位收入", "其他工资性收入"]);
    let operating = sum("生产经营性收入", &["种植收入", "养殖收入", "林果收入", "其他生产经营性收入"]);
    let property = sum("财产性收入", &["资产收益扶贫分红收入", "土地流转收入", "其他财产性收入"]);
    let transfer =
        sum("转移性收入", &["计划生育金", "低保金", "特困供养金", "养老保险金", "生态补偿金", "其他转移性收入"]);
    let cost = row.yuan("生产经营性支出", &mut hits);
    let net = row.yuan("纯收入", &mut hits);
    let counted = wage + operating + property + transfer - cost;
    // Rounding of the parts to whole yuan can move the sum by a few.
    if (counted - net).abs() > 5.0 {
        hits.push(Hit::new("income.sum_differs", "纯收入", format!("{net:.0} ≠ {counted:.0}")));
    }
    if operating > 0.0 && cost <= 0.0 {
        hits.push(Hit::new("income.no_cost", "生产经营性支出", row.text("生产经营性支出")));
    }
    if wage > 0.0 && wage < 300.0 {
        hits.push(Hit::new("income.wage_small", "工资性收入", format!("{wage:.0}")));
    }
    if wage > 300_000.0 {
        hits.push(Hit::new("income.wage_large", "工资性收入", format!("{wage:.0}")));
    }
    let people = number(row.raw("家庭人口数")).filter(|n| *n >= 1.0);
    let per_capita = number(row.raw("人均纯收入")).or_else(|| people.map(|n| net / n)).unwrap_or(net);
    let draft = Income {
        household_id,
        year,
        division_code: division_code.clone(),
        wage,
        operating,
        property,
        transfer,
        cost,
        net,
        per_capita,
        eco_compensation: number(row.raw("生态补偿金")).unwrap_or(0.0),
        items: row.attrs(),
        version: 1,
        fingerprint: row.fingerprint(),
        import_id: context.import,
        sheet: row.row.sheet.to_owned(),
        line: row.line(),
        as_of: context.as_of.to_string(),
        recorded_at: context.now,
    };
    let key = if household_no.is_empty() { String::new() } else { format!("{household_no}/{year}") };
    Converted { division: division_code, draft: Some(Draft::Income(draft)), ..blank(key, household_no, hits) }
}

fn monitoring(row: &Row<'_>) -> Converted {
    let context = row.context;
    let mut hits = Vec::new();
    let household_no = row.text("户编号");
    let (household_id, division_code) = known(row, &household_no, &mut hits);
    hits.extend(rules::monitoring(&MonitoringFacts {
        get: &|header| row.text(header),
        as_of: context.as_of,
        // Where no line is in force nobody lies below it.
        line: context.lines.at(&division_code, context.as_of).unwrap_or(f64::NEG_INFINITY),
    }));
    let kind = row.text("监测对象类别");
    let risks: Vec<String> = (1..=5)
        .map(|n| row.text(&format!("致贫/返贫风险{n}")))
        .filter(|r| !r.is_empty())
        .map(|r| lists::risk(&r).map_or(r, |(_, label)| label.to_owned()))
        .collect();
    let gone = row.raw("风险是否已消除");
    let draft = Monitoring {
        household_id,
        division_code: division_code.clone(),
        kind: lists::monitored_kind(&kind).map_or(kind, str::to_owned),
        identified_month: codes::date::read_month(row.raw("识别监测时间")).unwrap_or_default(),
        risks: serde_json::Value::from(risks).to_string(),
        eliminated: lists::yes_no(gone) == Some(true) || gone.contains("已消除"),
        eliminated_month: codes::date::read_month(row.raw("消除监测时间")).unwrap_or_default(),
        attrs: row.attrs(),
        version: 1,
        fingerprint: row.fingerprint(),
        import_id: context.import,
        sheet: row.row.sheet.to_owned(),
        line: row.line(),
        as_of: context.as_of.to_string(),
        recorded_at: context.now,
    };
    let key = household_no.clone();
    Converted { division: division_code, draft: Some(Draft::Monitoring(draft)), ..blank(key, household_no, hits) }
}

fn id_index(row: &Row<'_>, hits: &mut Vec<Hit>) -> Option<i64> {
    let raw = row.raw("证件号码");
    match citizen_id::read(raw) {
        Ok(read) if !read.maybe_truncated => Some(row.context.vault.index("citizen_id", read.id.as_str())),
        Err(IdProblem::Empty) => None,
        Ok(_) => {
            hits.push(Hit::new("person.id_excel_maybe", "证件号码", citizen_id::mask(raw)));
            None
        }
        Err(_) => {
            // A helper is found by name and phone too: the row is not held back for a wrong number.
            hits.push(Hit::new("person.id_empty", "证件号码", citizen_id::mask(raw)));
            None
        }
    }
}

fn helper(row: &Row<'_>) -> Result<Converted, IntakeError> {
    let context = row.context;
    let mut hits = Vec::new();
    let household_no = row.text("户编号");
    let (household_id, division_code) = known(row, &household_no, &mut hits);
    let name = row.text("帮扶责任人姓名");
    if name.is_empty() {
        hits.push(Hit::new("person.name_missing", "帮扶责任人姓名", ""));
    }
    let name_folded = codes::name::fold(&name);
    let (phone_enc, phone_index) = row.phone("helper.phone", "联系电话")?;
    let start_date = row.date("帮扶开始时间", &mut hits);
    let draft = Helper {
        id: ids::new_id(),
        household_id,
        division_code: division_code.clone(),
        sex: codes::Sex::parse(row.raw("性别")).map_or("", codes::Sex::key).to_owned(),
        unit: row.text("帮扶(选派)单位名称"),
        id_index: id_index(row, &mut hits),
        phone_enc,
        phone_index,
        start_date: start_date.clone(),
        end_date: row.date("帮扶结束时间", &mut hits),
        attrs: row.attrs(),
        version: 1,
        fingerprint: row.fingerprint(),
        import_id: context.import,
        sheet: row.row.sheet.to_owned(),
        line: row.line(),
        as_of: context.as_of.to_string(),
        recorded_at: context.now,
        name,
        name_folded: name_folded.clone(),
    };
    let key = format!("{household_no}/{name_folded}/{start_date}");
    let credit_code = credit_code(row, &mut hits);
    Ok(Converted {
        division: division_code,
        draft: Some(Draft::Helper(draft)),
        credit_code,
        ..blank(key, household_no, hits)
    })
}

fn work_team(row: &Row<'_>) -> Result<Converted, IntakeError> {
    let context = row.context;
    let mut hits = Vec::new();
    let division_code = place(row, &mut hits, 5);
    let name = row.text("姓名");
    let team = row.text("驻村工作队名称");
    if name.is_empty() {
        hits.push(Hit::new("person.name_missing", "姓名", ""));
    }
    if team.is_empty() {
        hits.push(Hit::new("row.key_missing", "驻村工作队名称", ""));
    }
    let name_folded = codes::name::fold(&name);
    let (phone_enc, phone_index) = row.phone("work_team_member.phone", "联系电话")?;
    let start_date = row.date("驻村开始时间", &mut hits);
    let draft = WorkTeamMember {
        id: ids::new_id(),
        team: team.clone(),
        division_code: division_code.clone(),
        role: row.text("队员类别"),
        unit: row.text("帮扶(选派)单位名称"),
        id_index: id_index(row, &mut hits),
        phone_enc,
        phone_index,
        start_date: start_date.clone(),
        end_date: row.date("驻村结束时间", &mut hits),
        attrs: row.attrs(),
        version: 1,
        fingerprint: row.fingerprint(),
        import_id: context.import,
        sheet: row.row.sheet.to_owned(),
        line: row.line(),
        as_of: context.as_of.to_string(),
        recorded_at: context.now,
        name,
        name_folded: name_folded.clone(),
    };
    let key = format!("{division_code}/{team}/{name_folded}/{start_date}");
    let credit_code = credit_code(row, &mut hits);
    Ok(Converted {
        division: division_code,
        draft: Some(Draft::WorkTeam(draft)),
        credit_code,
        ..blank(key, String::new(), hits)
    })
}

/// A wrong code as it may be shown: somebody's ID number may stand in its place, in whatever form.
fn shown_code(raw: &str) -> String {
    let plain = codes::text::half_width(raw.trim());
    let digit = |c: char| c.is_ascii_digit();
    let mut out = String::with_capacity(plain.len());
    let mut rest: &str = &plain;
    while let Some(start) = rest.find(digit) {
        let end = rest[start..].find(|c| !digit(c)).map_or(rest.len(), |len| start + len);
        out.push_str(&rest[..start]);
        let run = &rest[start..end];
        if run.len() < 15 {
            out.push_str(run);
        } else {
            out.push_str(&run[..6]);
            out.extend(std::iter::repeat_n('*', run.len() - 6));
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// The code of the organisation that a row names.
fn credit_code(row: &Row<'_>, hits: &mut Vec<Hit>) -> String {
    let raw = row.raw(CREDIT_CODE);
    if rules::nothing(raw) {
        return String::new();
    }
    match codes::credit_code::CreditCode::read(raw) {
        Ok(code) => code.as_str().to_owned(),
        Err(_) => {
            hits.push(Hit::new("organisation.code", CREDIT_CODE, shown_code(raw)));
            String::new()
        }
    }
}

fn organisation(row: &Row<'_>, scratch: &mut Scratch) -> Converted {
    let mut hits = Vec::new();
    let name = row.text("单位名称");
    let folded = codes::name::fold(&name);
    if folded.is_empty() {
        hits.push(Hit::new("row.key_missing", "单位名称", ""));
    }
    let code = credit_code(row, &mut hits);
    let address = row.text("地址");
    let given = row.text("行政区划代码");
    let division = match codes::division::DivisionCode::parse(&given) {
        Ok(code) => code.as_str().to_owned(),
        Err(_) => {
            if !rules::nothing(&given) {
                hits.push(Hit::new("row.code", "行政区划代码", given.as_str()));
            }
            scratch.county(&row.context.divisions, &address)
        }
    };
    let phone = row.raw("联系电话").trim();
    let phone = codes::phone::read(phone).map_or_else(|_| phone.to_owned(), |p| p.digits().to_owned());
    let key = if code.is_empty() { folded } else { code.clone() };
    let mention = Mention {
        at: 0,
        name,
        code,
        division: division.clone(),
        sheet: row.row.sheet.to_owned(),
        line: row.line(),
        facts: Some(Facts { kind: row.text("单位类型"), address, contact: row.text("联系人"), phone }),
    };
    Converted { division, draft: Some(Draft::Organisation(mention)), ..blank(key, String::new(), hits) }
}
