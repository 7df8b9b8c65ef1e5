//! What the agencies' lists are: their columns, and what a row of each means as signals. A table in code.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use codes::{citizen_id, date, name, phone, text};

/// A column that the comparison understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Field {
    Card,
    CardKind,
    Name,
    IdNumber,
    Sex,
    Birth,
    Phone,
    Address,
    Province,
    City,
    County,
    Township,
    Village,
    Classification,
    Severity,
    Onset,
    Diagnosis,
    Cured,
    Died,
    Outcome,
    Filled,
    Cluster,
    Contact,
    Status,
    Amount,
    Grade,
    Event,
    HouseholdNo,
    Belongs,
    PlaceCode,
    Unit,
}

/// The standard header of each field and the other headers that real files use for it.
const HEADERS: &[(Field, &[&str])] = &[
    // Only names that no list numbers its own lines by: 编号 and 流水号 begin at 1 in every file, and two lists so
    // numbered would revise each other.
    (
        Field::Card,
        &[
            "卡片编号",
            "卡片ID",
            "卡片标识",
            "报卡编号",
            "报告卡编号",
            "报告卡ID",
            "传染病报告卡编号",
            "疫情报告卡编号",
            "结算单号",
            "学籍号",
        ],
    ),
    (Field::CardKind, &["报卡类别", "报告类别", "报卡类型"]),
    (
        Field::Name,
        &[
            "姓名",
            "患者姓名",
            "病人姓名",
            "密切接触者姓名",
            "密接者姓名",
            "密接姓名",
            "学生姓名",
            "户主姓名",
            "参保人姓名",
            "人员姓名",
            "职工姓名",
            "务工人员姓名",
            "名字",
        ],
    ),
    (
        Field::IdNumber,
        &[
            "有效证件号",
            "证件号码",
            "有效证件号码",
            "身份证号",
            "身份证号码",
            "公民身份号码",
            "证件号",
            "户主证件号码",
            "户主身份证号",
            "学生身份证号",
            "社会保障号码",
            "身份证件号码",
        ],
    ),
    (Field::Sex, &["性别"]),
    (Field::Birth, &["出生日期", "出生年月", "出生年月日"]),
    (
        Field::Phone,
        &[
            "联系电话",
            "电话",
            "手机号",
            "手机",
            "手机号码",
            "电话号码",
            "本人电话",
            "联系方式",
            "户联系电话",
            "监护人电话",
            "家长电话",
        ],
    ),
    (
        Field::Address,
        &[
            "现住址",
            "现住地址",
            "现住详细地址",
            "家庭住址",
            "住址",
            "地址",
            "居住地址",
            "家庭地址",
            "详细地址",
            "户籍地址",
            "房屋地址",
            "户籍地",
            "现住址国标名称",
            "常住地址",
            "居住地",
        ],
    ),
    (Field::Province, &["省", "现住址省", "省份"]),
    (Field::City, &["市", "现住址市", "地市"]),
    (Field::County, &["县", "现住址县", "现住址县区", "参保县", "户籍县", "县区", "区县", "县(区)"]),
    (Field::Township, &["乡", "乡镇", "现住址乡", "乡(镇)", "现住址乡镇", "户籍乡镇", "镇"]),
    (Field::Village, &["村", "行政村", "现住址村", "户籍村", "村(社区)"]),
    (Field::Classification, &["病例分类", "诊断分类", "病例类型", "病例分类1"]),
    (Field::Severity, &["临床严重程度", "临床分型", "严重程度"]),
    (Field::Onset, &["发病日期", "发病时间"]),
    (Field::Diagnosis, &["诊断日期", "诊断日期时", "诊断时间", "确诊日期", "确诊时间"]),
    (
        Field::Cured,
        &["出院日期", "治愈日期", "出院/治愈日期", "治愈出院日期", "出院时间", "痊愈日期", "解除隔离治疗日期"],
    ),
    (Field::Died, &["死亡日期", "死亡时间"]),
    (Field::Outcome, &["转归", "转归情况", "结局", "治疗情况"]),
    (
        Field::Filled,
        &["填卡日期", "报告日期", "录入日期", "订正日期", "填表日期", "报告卡录入时间", "订正报告时间", "更新日期"],
    ),
    (Field::Cluster, &["聚集性疫情编号", "聚集性事件编号", "聚集性疫情", "聚集疫情编号"]),
    (
        Field::Contact,
        &[
            "最后接触日期",
            "末次接触日期",
            "最后接触时间",
            "末次接触时间",
            "接触日期",
            "开始观察日期",
            "开始隔离日期",
            "隔离开始日期",
            "观察开始日期",
        ],
    ),
    (Field::Status, &["状态", "审核状态", "数据状态", "卡片状态", "删除标记", "是否删除", "备注状态", "排除日期"]),
    (
        Field::Amount,
        &[
            "个人自付金额",
            "自付费用",
            "个人自付费用",
            "合规自付费用",
            "合规自付金额",
            "自付金额",
            "个人自付",
            "合规自付支出",
            "个人负担金额",
        ],
    ),
    (Field::Grade, &["危房等级", "房屋等级", "鉴定等级", "危房级别", "鉴定结果", "房屋安全等级"]),
    (
        Field::Event,
        &[
            "辍学日期",
            "疑似辍学日期",
            "中断日期",
            "辍学时间",
            "离校日期",
            "失学日期",
            "鉴定日期",
            "鉴定时间",
            "评定日期",
            "失业日期",
            "离职日期",
            "解除劳动关系日期",
            "终止日期",
            "停工日期",
            "返乡日期",
            "离岗日期",
            "解除合同日期",
            "结算日期",
            "就诊日期",
            "截止日期",
        ],
    ),
    (Field::HouseholdNo, &["户编号"]),
    (Field::Belongs, &["病人属于", "病人所属", "患者属于", "病例属于", "患者所属"]),
    (
        Field::PlaceCode,
        &[
            "现住址国标",
            "现住址国标编码",
            "现住址编码",
            "现住地址国标",
            "现住地址国标编码",
            "现住址行政区划代码",
            "现住址区划代码",
        ],
    ),
    (
        Field::Unit,
        &[
            "报告单位",
            "医疗机构",
            "医疗机构名称",
            "定点医疗机构",
            "就诊医院",
            "就诊机构",
            "医院名称",
            "用工单位",
            "用工企业",
            "用人单位",
            "务工企业名称",
            "企业名称",
            "单位名称",
        ],
    ),
];

/// A kind of list that some agency gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Stable name: `health.cases`.
    pub key: &'static str,
    /// What a row means: the leading signal kind.
    pub kind: &'static str,
    /// Columns without which a file is not such a list.
    pub required: &'static [Field],
    /// Of each group at least one column must be there.
    pub one_of: &'static [&'static [Field]],
    /// Columns that mark this kind of list among others.
    pub marks: &'static [Field],
    /// Whether the fact is about the household rather than the person.
    pub about_household: bool,
}

const WHO: &[&[Field]] =
    &[&[Field::IdNumber, Field::Birth, Field::Phone, Field::Address, Field::Village, Field::HouseholdNo]];

/// Every kind of list, the most particular first.
pub const SOURCES: &[Source] = &[
    Source {
        key: "health.cases",
        kind: "epidemic.confirmed",
        required: &[Field::Name, Field::Classification],
        one_of: WHO,
        marks: &[Field::Classification],
        about_household: false,
    },
    Source {
        key: "health.contacts",
        kind: "epidemic.close_contact",
        required: &[Field::Name, Field::Contact],
        one_of: WHO,
        marks: &[Field::Contact],
        about_household: false,
    },
    Source {
        key: "medical.self_pay",
        kind: "medical.self_pay",
        required: &[Field::Name, Field::Amount],
        one_of: WHO,
        marks: &[Field::Amount],
        about_household: false,
    },
    Source {
        key: "housing.dangerous",
        kind: "housing.dangerous",
        required: &[Field::Name, Field::Grade],
        one_of: WHO,
        marks: &[Field::Grade],
        about_household: true,
    },
    Source {
        key: "education.dropouts",
        kind: "education.dropout",
        required: &[Field::Name],
        one_of: WHO,
        marks: &[],
        about_household: false,
    },
    Source {
        key: "jobs.ended",
        kind: "jobs.ended",
        required: &[Field::Name],
        one_of: WHO,
        marks: &[],
        about_household: false,
    },
];

/// Headers that tell the two lists without a column of their own apart.
const TELLING: &[(&str, &[&str])] = &[
    ("education.dropouts", &["学校", "年级", "辍学", "失学", "学籍", "学生"]),
    ("jobs.ended", &["失业", "离职", "用工", "务工", "劳动", "企业", "返乡", "离岗", "停工", "中断"]),
    ("health.contacts", &["密接", "密切接触"]),
];

/// The source of a name.
pub fn source(key: &str) -> Option<&'static Source> {
    SOURCES.iter().find(|s| s.key == key)
}

/// Header text as it is compared: half-width, no blanks, stars or colons, and nothing in brackets.
fn plain(header: &str) -> String {
    let half = text::half_width(header);
    let mut out = String::new();
    let mut depth = 0;
    for c in half.chars() {
        match c {
            '(' | '（' | '[' | '【' => depth += 1,
            ')' | '）' | ']' | '】' => depth -= 1,
            c if depth <= 0 && !c.is_whitespace() && !matches!(c, '*' | ':' | '：' | '、' | '-' | '_') => out.push(c),
            _ => {}
        }
    }
    out
}

/// The standard header of a field.
pub fn header(field: Field) -> &'static str {
    HEADERS.iter().find(|(f, _)| *f == field).and_then(|(_, names)| names.first()).copied().unwrap_or("")
}

/// Which column of a file holds which field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Field to column number and the header as the file has it.
    pub columns: BTreeMap<Field, (usize, String)>,
    /// Headers that nothing here understands; their values are kept with the row all the same.
    pub extra: Vec<String>,
    /// Headers that mean a field already taken by an earlier column.
    pub doubled: Vec<String>,
}

impl Mapping {
    /// Reads a header row.
    pub fn of(headers: &[String]) -> Self {
        let plain: Vec<String> = headers.iter().map(|h| plain(h)).collect();
        let mut out = Self::default();
        let mut taken = vec![false; headers.len()];
        for (field, names) in HEADERS {
            // The standard header wins over its synonyms wherever it stands.
            let found = names.iter().find_map(|name| plain.iter().position(|h| *h == self::plain(name)));
            if let Some(at) = found.filter(|at| !taken[*at]) {
                taken[at] = true;
                out.columns.insert(*field, (at, headers[at].clone()));
            }
        }
        for (at, header) in headers.iter().enumerate() {
            if taken[at] || plain[at].is_empty() {
                continue;
            }
            let known = HEADERS.iter().find(|(_, names)| names.iter().any(|n| self::plain(n) == plain[at]));
            match known {
                Some((field, _)) if out.columns.contains_key(field) => out.doubled.push(header.clone()),
                _ => out.extra.push(header.clone()),
            }
        }
        out
    }

    /// What `source` needs and the file does not have.
    pub fn missing(&self, source: &Source) -> Vec<&'static str> {
        let has = |f: &Field| self.columns.contains_key(f);
        let mut missing: Vec<&'static str> = source.required.iter().filter(|f| !has(f)).map(|f| header(*f)).collect();
        for group in source.one_of {
            if !group.iter().any(has) {
                missing.extend(group.first().map(|f| header(*f)));
            }
        }
        missing
    }

    /// The kind of list that these headers are of, if that is clear.
    pub fn detect(&self, headers: &[String]) -> Option<&'static Source> {
        let telling = |key: &str| {
            TELLING
                .iter()
                .filter(|(k, _)| *k == key)
                .flat_map(|(_, words)| words.iter())
                .filter(|word| headers.iter().any(|h| h.contains(**word)))
                .count()
        };
        SOURCES
            .iter()
            .filter(|s| self.missing(s).is_empty())
            .map(|s| (s.marks.len() * 10 + telling(s.key), s))
            .filter(|(weight, _)| *weight > 0)
            // The first of equals: SOURCES goes from the particular to the general.
            .fold(None, |best: Option<(usize, &Source)>, new| match best {
                Some(old) if old.0 >= new.0 => Some(old),
                _ => Some(new),
            })
            .map(|(_, s)| s)
    }
}

/// One fact that a row states.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// Signal kind.
    pub kind: &'static str,
    /// The day that it is true for; the list's own where the row gives none.
    pub date: NaiveDate,
    /// Whether the row gives the day.
    pub dated: bool,
    /// Amounts and grades; nothing personal.
    pub value: serde_json::Value,
}

/// Whose patient a case is, seen from the unit that reports it (病人属于).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belongs {
    /// 本县区.
    County,
    /// 本市其他县区.
    City,
    /// 本省其它地市.
    Province,
    /// 外省, 港澳台, 外籍.
    Outside,
}

impl Belongs {
    fn read(text: &str) -> Option<Self> {
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if has(&["外省", "港澳台", "外籍", "境外", "国外"]) || matches!(text, "4" | "5" | "6") {
            Some(Self::Outside)
        } else if has(&["本省其他", "本省其它", "其他地市", "其它地市"]) || text == "3" {
            Some(Self::Province)
        } else if has(&["本市其他", "本市其它", "其他县区", "其它县区"]) || text == "2" {
            Some(Self::City)
        } else if has(&["本县", "本区"]) || text == "1" {
            Some(Self::County)
        } else {
            None
        }
    }
}

/// A row that could be read.
#[derive(Debug, Clone)]
pub struct Row {
    /// Sheet of the file.
    pub sheet: String,
    /// Line, from 1.
    pub line: i64,
    /// 卡片编号, or none where the list has no key of its own.
    pub card: Option<String>,
    /// The day that the row was filled in, to order revisions within one file.
    pub filled: Option<NaiveDate>,
    /// Name as written.
    pub name: String,
    /// ID number as written; empty if missing.
    pub id: String,
    /// Sex.
    pub sex: Option<codes::Sex>,
    /// Date of birth.
    pub birth: Option<NaiveDate>,
    /// Phone digits as a number.
    pub phone: Option<u64>,
    /// Address as written.
    pub address: String,
    /// Names of province, city, county, township, village as far as the list has such columns.
    pub place_names: [String; 5],
    /// 户编号.
    pub household_no: String,
    /// Code of the residence (现住址国标), digits only.
    pub place_code: String,
    /// Whose patient the row is (病人属于), where the list says so.
    pub belongs: Option<Belongs>,
    /// The unit that reports, treats or employs.
    pub unit: String,
    /// Cluster number (聚集性疫情编号).
    pub cluster: String,
    /// What the row states; empty for a row that takes its card back.
    pub facts: Vec<Fact>,
    /// Why the row states nothing: `excluded` (排除) or `deleted` (删除).
    pub withdrawn: Option<&'static str>,
    /// Every column as it came.
    pub fields: BTreeMap<String, String>,
}

impl Row {
    /// The leading signal kind of the row, for lists of rows and for county tiers.
    pub fn kind(&self, source: &Source) -> &'static str {
        match self.withdrawn {
            Some(_) if source.kind.starts_with("epidemic.") => "epidemic.excluded",
            Some(_) => "withdrawn",
            None => self.facts.first().map_or(source.kind, |f| f.kind),
        }
    }

    /// The text that says who the row is about: a revision with the same one keeps its match.
    pub fn identity(&self) -> String {
        format!(
            "{}|{}|{:?}|{:?}|{:?}|{}",
            name::fold(&self.name),
            self.number(),
            self.sex.map(codes::Sex::zh),
            self.birth,
            self.phone,
            self.household_no
        )
    }

    /// The text that a row without a number of its own is known by over the versions of its list. Of what may be added
    /// later only as much is in it as is needed to tell two persons apart; of a list in which a person may stand for
    /// several events, the event too.
    pub fn own_key(&self, source: &Source) -> String {
        let mut key = format!("{}|", name::fold(&self.name));
        let number = self.number();
        if number.is_empty() {
            key.push_str(&format!("{:?}|{:?}|{}|", self.birth, self.sex.map(codes::Sex::zh), self.household_no));
            if self.birth.is_none() {
                key.push_str(&format!("{:?}|", self.phone));
            }
            key.push_str(&self.address);
            key.push_str(&self.place_names.concat());
        } else {
            key.push_str(&number);
        }
        if matches!(source.key, "medical.self_pay" | "jobs.ended") {
            let day = self.facts.first().filter(|f| f.dated).map(|f| f.date.to_string()).unwrap_or_default();
            key.push_str(&format!("|{day}|{}", self.unit));
        }
        key
    }

    fn number(&self) -> String {
        text::half_width(&self.id).trim().to_uppercase()
    }
}

/// Why a row is held back: the column, what stood there (masked), and which rule it broke.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Held {
    /// Sheet of the file.
    pub sheet: String,
    /// Line, from 1.
    pub line: i64,
    /// Header as the file has it.
    pub column: String,
    /// The value, masked.
    pub value: String,
    /// Text key of what is wrong and what would be right: `compare-held-…`.
    pub why: String,
    /// The row as it came, header and cell, to be kept sealed.
    #[serde(skip)]
    pub raw: Box<BTreeMap<String, String>>,
}

/// A row held back for what it is about rather than for a cell: of somebody outside the scope.
pub(crate) fn held_row(row: Row, why: &str) -> Held {
    let card = row.card.clone().unwrap_or_default();
    let column = if card.is_empty() { header(Field::Name) } else { header(Field::Card) };
    let value = if card.is_empty() {
        row.name.chars().take(1).chain(std::iter::repeat_n('*', row.name.chars().count().saturating_sub(1))).collect()
    } else {
        card
    };
    Held { raw: Box::new(row.fields), ..held(&row.sheet, row.line, column, &value, why) }
}

fn held(sheet: &str, line: i64, column: &str, value: &str, why: &str) -> Held {
    Held {
        sheet: sheet.to_owned(),
        line,
        column: column.to_owned(),
        value: shown(value),
        why: format!("compare-held-{why}"),
        raw: Box::default(),
    }
}

/// A value as a message may show it: what may be a personal number in the wrong column is masked, the rest is cut short.
fn shown(value: &str) -> String {
    if value.chars().filter(char::is_ascii_digit).count() >= 10 {
        citizen_id::mask(value)
    } else {
        value.chars().take(40).collect()
    }
}

/// What a classification leaves standing: of 疑似转确诊 the part after the turn, of 确诊病例（原疑似） the part before
/// the bracket that tells what was.
fn settled(class: &str) -> String {
    const TURNS: &[&str] = &["转", "订正为", "更正为", "改为", "变更为", "升级为", "修订为", "→", "->", "=>"];
    const WORDS: &[&str] = &["排除", "疑似", "临床", "确诊", "实验室", "携带", "阳性", "无症状"];
    let half = text::half_width(class);
    let mut out = String::new();
    let mut rest: &str = &half;
    while let Some(open) = rest.find(['(', '（', '[', '【']) {
        out.push_str(&rest[..open]);
        let inside = &rest[open..];
        let Some((close, mark)) = inside.char_indices().find(|(_, c)| matches!(c, ')' | '）' | ']' | '】')) else {
            break;
        };
        let told = inside[..close].trim_start_matches(['(', '（', '[', '【']);
        if !told.starts_with(['原', '曾', '由', '前']) {
            out.push_str(&inside[..close + mark.len_utf8()]);
        }
        rest = &inside[close + mark.len_utf8()..];
    }
    out.push_str(rest);
    let after = TURNS
        .iter()
        .flat_map(|turn| out.match_indices(turn).map(|(at, turn)| at + turn.len()))
        .filter(|at| WORDS.iter().any(|word| out[*at..].contains(word)))
        .max();
    match after {
        Some(at) => out.split_off(at),
        None => out,
    }
}

/// What a classification means: the signal kind, and whether by clinical diagnosis. None where it is unknown or says two
/// things at once.
fn case_kind(class: &str) -> Option<(&'static str, bool)> {
    let suspected = class.contains("疑似") || class == "1";
    let clinical = class.contains("临床");
    let confirmed = class.contains("确诊") || class.contains("实验室");
    match (suspected, clinical, confirmed) {
        (true, false, false) => Some(("epidemic.suspected", false)),
        (true, ..) => None,
        (false, true, false) => Some(("epidemic.confirmed", true)),
        (false, _, true) => Some(("epidemic.confirmed", false)),
        _ if ["携带", "阳性", "无症状"].iter().any(|word| class.contains(word)) => {
            Some(("epidemic.carrier", false))
        }
        _ => None,
    }
}

/// The cells of a line under their headers, as they came.
fn fields_of(headers: &[String], cells: &[String]) -> BTreeMap<String, String> {
    headers
        .iter()
        .zip(cells)
        .filter(|(h, v)| !h.is_empty() && !v.trim().is_empty())
        .map(|(h, v)| (h.clone(), v.trim().to_owned()))
        .collect()
}

/// Reads one line of a list. `as_of` stands in where the list gives no day.
///
/// # Errors
/// The row cannot be used; the rest of the file can.
pub fn read_row(
    source: &'static Source,
    mapping: &Mapping,
    headers: &[String],
    sheet: &str,
    line: i64,
    cells: &[String],
    as_of: NaiveDate,
) -> Result<Row, Held> {
    read_cells(source, mapping, headers, sheet, line, cells, as_of)
        .map_err(|held| Held { raw: Box::new(fields_of(headers, cells)), ..held })
}

fn read_cells(
    source: &'static Source,
    mapping: &Mapping,
    headers: &[String],
    sheet: &str,
    line: i64,
    cells: &[String],
    as_of: NaiveDate,
) -> Result<Row, Held> {
    let get = |field: Field| -> &str {
        mapping.columns.get(&field).and_then(|(at, _)| cells.get(*at)).map_or("", |v| v.trim())
    };
    let column =
        |field: Field| mapping.columns.get(&field).map_or_else(|| header(field).to_owned(), |(_, h)| h.clone());
    let fail = |field: Field, value: &str, why| held(sheet, line, &column(field), value, why);

    let name = text::half_width(get(Field::Name)).trim().to_owned();
    if name.is_empty() {
        return Err(fail(Field::Name, "", "name"));
    }
    let card = text::half_width(get(Field::Card)).trim().to_owned();
    // A case list that numbers its cards has lost the number of this one.
    if card.is_empty() && source.key == "health.cases" && mapping.columns.contains_key(&Field::Card) {
        return Err(fail(Field::Card, "", "card"));
    }
    let day = |field: Field| -> Result<Option<NaiveDate>, Held> {
        let raw = get(field);
        if raw.is_empty() || matches!(raw, "." | "-" | "/" | "无") {
            return Ok(None);
        }
        let read = date::read_date(raw).map_err(|_| fail(field, raw, "date"))?;
        let first = read.to_date().unwrap_or_else(|| read.first_day());
        // A day after the list's own is a slip of the pen that would hide the case from every window.
        if first > as_of {
            return Err(fail(field, raw, "future"));
        }
        Ok(Some(first))
    };
    let birth = match get(Field::Birth) {
        "" => None,
        raw => date::read_date(raw).ok().and_then(|d| d.to_date()),
    };
    let phone = phone::read(get(Field::Phone)).ok().and_then(|p| digits_of(p.digits()));
    let filled = day(Field::Filled).unwrap_or(None);

    let status = get(Field::Status);
    let class = get(Field::Classification);
    let settled = settled(class);
    let out = column(Field::Status).contains("排除") && date::read_date(status).is_ok();
    let withdrawn = if settled.contains("排除") || status.contains("排除") || out {
        Some("excluded")
    } else if status.contains("删除")
        || status.contains("作废")
        || get(Field::CardKind).contains("删除")
        || (column(Field::Status).contains("删除") && matches!(status, "是" | "1" | "Y"))
    {
        Some("deleted")
    } else {
        None
    };

    let mut facts = Vec::new();
    if withdrawn.is_none() {
        let none = serde_json::json!({});
        let fact = |kind, day: Option<NaiveDate>, value| Fact {
            kind,
            date: day.unwrap_or(as_of),
            dated: day.is_some(),
            value,
        };
        match source.key {
            "health.cases" => {
                let onset = day(Field::Onset)?;
                let diagnosed = day(Field::Diagnosis)?;
                let Some((kind, clinical)) = case_kind(&settled) else {
                    return Err(fail(Field::Classification, class, "class"));
                };
                let value = if clinical { serde_json::json!({"class": "clinical"}) } else { none.clone() };
                let since = match kind {
                    "epidemic.suspected" => diagnosed.or(onset),
                    _ => diagnosed.or(filled).or(onset),
                };
                facts.push(fact(kind, since, value));
                let outcome = get(Field::Outcome);
                let died = day(Field::Died)?;
                let cured = day(Field::Cured)?;
                if died.is_some() || outcome.contains("死亡") {
                    facts.push(fact("epidemic.died", died, none));
                } else if cured.is_some() || ["治愈", "痊愈", "出院"].iter().any(|w| outcome.contains(w)) {
                    facts.push(fact("epidemic.cured", cured, none));
                }
            }
            "health.contacts" => {
                facts.push(fact(source.kind, day(Field::Contact)?, none));
            }
            "medical.self_pay" => {
                let raw = get(Field::Amount);
                let clean: String =
                    text::half_width(raw).chars().filter(|c| !matches!(c, ',' | '¥' | '￥' | '元' | ' ')).collect();
                let amount: f64 = clean.parse().map_err(|_| fail(Field::Amount, raw, "amount"))?;
                if !amount.is_finite() || amount < 0.0 {
                    return Err(fail(Field::Amount, raw, "amount"));
                }
                let date = day(Field::Event)?.or(day(Field::Cured)?);
                facts.push(fact(source.kind, date, serde_json::json!({"amount": amount})));
            }
            "housing.dangerous" => {
                let raw = get(Field::Grade);
                let grade = text::half_width(raw).to_uppercase();
                let Some(grade) = grade.chars().find(|c| ('A'..='D').contains(c)) else {
                    return Err(fail(Field::Grade, raw, "grade"));
                };
                let date = day(Field::Event)?;
                // A and B are safe to live in (危房鉴定标准): such a row is on the list and states nothing.
                if matches!(grade, 'C' | 'D') {
                    facts.push(fact(source.kind, date, serde_json::json!({"grade": grade.to_string()})));
                }
            }
            _ => {
                facts.push(fact(source.kind, day(Field::Event)?, none));
            }
        }
    }
    let fields = fields_of(headers, cells);
    let place = |field| get(field).to_owned();
    Ok(Row {
        sheet: sheet.to_owned(),
        line,
        card: (!card.is_empty()).then_some(card),
        filled,
        id: get(Field::IdNumber).to_owned(),
        sex: codes::Sex::parse(get(Field::Sex)),
        birth,
        phone,
        address: place(Field::Address),
        place_names: [
            place(Field::Province),
            place(Field::City),
            place(Field::County),
            place(Field::Township),
            place(Field::Village),
        ],
        household_no: place(Field::HouseholdNo),
        place_code: get(Field::PlaceCode).chars().filter(char::is_ascii_digit).collect(),
        belongs: Belongs::read(&text::half_width(get(Field::Belongs))),
        unit: place(Field::Unit),
        cluster: match get(Field::Cluster) {
            "无" | "否" | "-" => String::new(),
            other => other.to_owned(),
        },
        facts,
        withdrawn,
        fields,
        name,
    })
}

/// All digits of a text as a number; none if there are no digits or too many.
pub(crate) fn digits_of(text: &str) -> Option<u64> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[&str]) -> Vec<String> {
        list.iter().map(|h| (*h).to_owned()).collect()
    }

    const CARD: &[&str] = &[
        "卡片编号",
        "报卡类别",
        "姓名",
        "有效证件号",
        "性别",
        "出生日期",
        "联系电话",
        "现住址",
        "病例分类",
        "发病日期",
        "诊断日期时",
        "死亡日期",
        "出院日期",
        "填卡日期",
    ];

    fn case(cells: &[&str]) -> Result<Row, Held> {
        let headers = headers(CARD);
        let mapping = Mapping::of(&headers);
        let source = mapping.detect(&headers).unwrap();
        assert_eq!(source.key, "health.cases");
        let cells: Vec<String> = cells.iter().map(|c| (*c).to_owned()).collect();
        read_row(source, &mapping, &headers, "Sheet1", 3, &cells, NaiveDate::from_ymd_opt(2020, 3, 1).unwrap())
    }

    #[test]
    fn headers_say_which_list_it_is() {
        let of = |list: &[&str]| {
            let h = headers(list);
            Mapping::of(&h).detect(&h).map(|s| s.key)
        };
        assert_eq!(of(&["姓名", "身份证号", "最后接触日期"]), Some("health.contacts"));
        assert_eq!(of(&["姓名", "身份证号码", "个人自付金额（元）"]), Some("medical.self_pay"));
        assert_eq!(of(&["学生姓名", "身份证号", "学校名称", "年级", "辍学日期"]), Some("education.dropouts"));
        assert_eq!(of(&["户主姓名", "户主证件号码", "鉴定等级"]), Some("housing.dangerous"));
        assert_eq!(of(&["姓名", "身份证号", "用工企业", "离职日期"]), Some("jobs.ended"));
        assert_eq!(of(&["姓名", "身份证号"]), None);
        assert_eq!(of(&["苹果", "梨"]), None);
    }

    #[test]
    fn only_an_unmistakable_number_is_a_key() {
        let of = |header: &str| Mapping::of(&headers(&[header, "姓名"])).columns.contains_key(&Field::Card);
        for name in ["卡片编号", "报卡编号", "传染病报告卡编号", "*卡片编号"] {
            assert!(of(name), "{name}");
        }
        for name in ["编号", "序号", "流水号", "人员编号", "登记号", "记录编号", "台账编号", "就诊登记号"]
        {
            assert!(!of(name), "{name}");
        }
    }

    #[test]
    fn a_patient_belongs_where_the_card_says() {
        for (text, belongs) in [
            ("本县区", Some(Belongs::County)),
            ("本市其他县区", Some(Belongs::City)),
            ("本省其它地市", Some(Belongs::Province)),
            ("外省", Some(Belongs::Outside)),
            ("港澳台", Some(Belongs::Outside)),
            ("外籍", Some(Belongs::Outside)),
            ("", None),
        ] {
            assert_eq!(Belongs::read(text), belongs, "{text}");
        }
    }

    #[test]
    fn a_case_row_yields_a_set_of_facts() {
        let kinds = |cells: &[&str]| -> Vec<&str> { case(cells).unwrap().facts.iter().map(|f| f.kind).collect() };
        let row = |class, died, cured| {
            [
                "K1",
                "1",
                "王桂兰",
                "",
                "女",
                "1965-03-12",
                "",
                "",
                class,
                "2020-02-01",
                "2020-02-05 10时",
                died,
                cured,
                "2020-02-05",
            ]
        };
        assert_eq!(kinds(&row("疑似病例", "", "")), ["epidemic.suspected"]);
        assert_eq!(kinds(&row("确诊病例", "", "")), ["epidemic.confirmed"]);
        assert_eq!(kinds(&row("临床诊断病例", "", "2020.2.20")), ["epidemic.confirmed", "epidemic.cured"]);
        assert_eq!(kinds(&row("确诊病例", "2020-02-21", "2020.2.20")), ["epidemic.confirmed", "epidemic.died"]);
        assert_eq!(kinds(&row("病原携带者", "", "")), ["epidemic.carrier"]);
        for (class, kind) in [
            ("疑似转确诊", "epidemic.confirmed"),
            ("疑似病例订正为确诊病例", "epidemic.confirmed"),
            ("确诊病例（原疑似）", "epidemic.confirmed"),
            ("由疑似病例转为临床诊断病例", "epidemic.confirmed"),
            ("确诊订正为疑似病例", "epidemic.suspected"),
            ("无症状感染者转确诊", "epidemic.confirmed"),
            ("确诊病例（转归：治愈）", "epidemic.confirmed"),
            ("疑似转确诊（转归：治愈）", "epidemic.confirmed"),
        ] {
            assert_eq!(kinds(&row(class, "", "")), [kind], "{class}");
        }
        assert_eq!(case(&row("疑似转排除", "", "")).unwrap().withdrawn, Some("excluded"));
        let both = case(&row("疑似、确诊", "", "")).unwrap_err();
        assert_eq!((both.column.as_str(), both.raw["病例分类"].as_str()), ("病例分类", "疑似、确诊"));
        let out = case(&row("已排除", "", "")).unwrap();
        assert_eq!((out.withdrawn, out.facts.len()), (Some("excluded"), 0));
    }

    #[test]
    fn a_row_that_cannot_be_used_says_where_and_why() {
        let row = |class, onset, name| ["K1", "1", name, "", "女", "", "", "", class, onset, "", "", "", ""];
        let why = |cells: &[&str]| case(cells).unwrap_err();
        assert_eq!(why(&row("确诊病例", "2020-02-01", "")).column, "姓名");
        assert_eq!(why(&row("感冒", "2020-02-01", "王")).column, "病例分类");
        let held = why(&row("确诊病例", "二月初", "王"));
        assert_eq!((held.column.as_str(), held.line, held.why.as_str()), ("发病日期", 3, "compare-held-date"));
        assert_eq!(why(&row("确诊病例", "2021-02-01", "王")).why, "compare-held-future");
    }
}
