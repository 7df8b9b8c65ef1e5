//! What a row of each kind of list means as signals.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use codes::{citizen_id, date, name, phone, text};

pub use super::columns::{Field, Mapping, SOURCES, Source, header, source};

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

/// The disease of the shock: a card is of it where 疾病名称 contains one of these, in half-width capitals, or is empty or
/// not a column of the list.
pub const DISEASES: &[&str] = &["新型冠状病毒", "新冠", "COVID", "NCOV"];

/// The leading kind of a row that is on its list and states nothing: a safe house, an insured person.
pub const NOTHING: &str = "nothing";

/// The leading kind of a card of another disease: none that any signal or tier counts.
pub const OTHER_DISEASE: &str = "disease.other";

fn is_other_disease(name: &str) -> bool {
    let name = text::half_width(name).trim().to_uppercase();
    !matches!(name.as_str(), "" | "-" | "/" | ".") && !DISEASES.iter().any(|disease| name.contains(disease))
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
#[derive(Debug, Clone, Default)]
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
    /// Year of birth, where the day is not known.
    pub birth_year: Option<i32>,
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
    /// Why the row states nothing: `excluded` (排除), `deleted` (删除) or `other_disease`.
    pub withdrawn: Option<&'static str>,
    /// Every column as it came.
    pub fields: BTreeMap<String, String>,
}

impl Row {
    /// The leading signal kind of the row, for lists of rows and for county tiers.
    pub fn kind(&self, source: &Source) -> &'static str {
        match self.withdrawn {
            Some("other_disease") => OTHER_DISEASE,
            Some(_) if source.kind.starts_with("epidemic.") => "epidemic.excluded",
            Some(_) => "withdrawn",
            None => self.facts.first().map_or(NOTHING, |f| f.kind),
        }
    }

    /// Whether the row is about a disease that is not the shock's: kept and counted, and about nobody.
    pub fn is_other_disease(&self) -> bool {
        self.withdrawn == Some("other_disease")
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
        if matches!(source.key, "medical.self_pay" | "jobs.ended" | "sales.lost" | "dividend.missed") {
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

/// A row whose place another of the same file takes: of the same card.
pub(crate) fn doubled_row(row: &Row) -> Held {
    held_row(Row { fields: BTreeMap::new(), ..row.clone() }, "doubled")
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

/// The types of disability (残疾类别, GB/T 26341) in the order of their digits from 1 on.
const DISABILITIES: &[&str] = &["视力", "听力", "言语", "肢体", "智力", "精神", "多重"];

/// Type and grade of a disability: the digits, or the words of the standard. None where it is neither.
fn disability_type(text: &str) -> Option<u32> {
    match DISABILITIES.iter().filter(|word| text.contains(**word)).count() {
        0 => text.parse().ok().filter(|digit| (1..=7).contains(digit)),
        1 => DISABILITIES.iter().position(|word| text.contains(*word)).and_then(|at| u32::try_from(at + 1).ok()),
        _ => Some(7),
    }
}

fn disability_grade(text: &str) -> Option<u32> {
    let text = text.trim_end_matches('级');
    ["一", "二", "三", "四"]
        .iter()
        .position(|word| *word == text)
        .and_then(|at| u32::try_from(at + 1).ok())
        .or_else(|| text.parse().ok().filter(|digit| (1..=4).contains(digit)))
}

/// Type and grade as the last two of the twenty characters of a disability card's number say; a number issued again has
/// more behind them.
fn disability_of_card(card: &str) -> (Option<u32>, Option<u32>) {
    let digit =
        |at: usize, last: u32| card.chars().nth(at).and_then(|c| c.to_digit(10)).filter(|d| (1..=last).contains(d));
    (digit(18, 7), digit(19, 4))
}

/// Whether somebody is insured, of 参保状态 or 是否参保. None where the text says neither.
fn is_insured(text: &str) -> Option<bool> {
    const NOT: &[&str] = &["未", "否", "断", "停", "终止", "中止", "退保", "没有", "无", "暂停", "不"];
    const YES: &[&str] = &["是", "已", "正常", "在保", "参保", "参加", "缴费"];
    if text == "0" || NOT.iter().any(|word| text.contains(word)) {
        Some(false)
    } else if text == "1" || YES.iter().any(|word| text.contains(word)) {
        Some(true)
    } else {
        None
    }
}

/// Whether drinking water is safe, of the three results 安全, 基本安全, 不安全 or of 是否解决安全饮用水.
fn is_water_safe(text: &str) -> Option<bool> {
    match text {
        "不安全" | "未达标" | "不达标" | "否" | "未解决" | "不合格" => Some(false),
        "安全" | "基本安全" | "达标" | "基本达标" | "是" | "已解决" | "合格" => Some(true),
        _ => None,
    }
}

/// An amount in yuan as a list writes it; none where it is no amount.
fn amount_of(raw: &str) -> Option<f64> {
    let clean: String = text::half_width(raw).chars().filter(|c| !matches!(c, ',' | '¥' | '￥' | '元' | ' ')).collect();
    clean.parse().ok().filter(|amount: &f64| amount.is_finite() && *amount >= 0.0)
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
    let born = Some(get(Field::Birth)).filter(|raw| !raw.is_empty()).and_then(|raw| date::read_date(raw).ok());
    let birth = born.and_then(|d| d.to_date());
    let birth_year = born.filter(|_| birth.is_none()).map(|d| d.year);
    let phone = phone::read(get(Field::Phone)).ok().and_then(|p| digits_of(p.digits()));
    let filled = day(Field::Filled).unwrap_or(None);

    let disability: String =
        text::half_width(get(Field::DisabilityCard)).chars().filter(|c| !c.is_whitespace() && *c != '\'').collect();
    // A disability card's number begins with the holder's ID number.
    let number = match get(Field::IdNumber) {
        "" => disability.chars().take(18).collect(),
        given => given.to_owned(),
    };
    if source.key == "disability.cards" && number.is_empty() {
        return Err(fail(Field::DisabilityCard, "", "disability_card"));
    }

    let status = get(Field::Status);
    let class = get(Field::Classification);
    let settled = settled(class);
    let out = column(Field::Status).contains("排除") && date::read_date(status).is_ok();
    let withdrawn = if source.kind.starts_with("epidemic.") && is_other_disease(get(Field::Disease)) {
        Some("other_disease")
    } else if settled.contains("排除") || status.contains("排除") || out {
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
            "sales.lost" | "dividend.missed" => {
                let raw = get(Field::Loss);
                // Who missed a dividend may be told without how much it would have been.
                let value = if raw.is_empty() && source.key == "dividend.missed" {
                    none
                } else {
                    let amount = amount_of(raw).ok_or_else(|| fail(Field::Loss, raw, "amount"))?;
                    serde_json::json!({"amount": amount})
                };
                facts.push(fact(source.kind, day(Field::Event)?, value));
            }
            "medical.self_pay" => {
                let raw = get(Field::Amount);
                let amount = amount_of(raw).ok_or_else(|| fail(Field::Amount, raw, "amount"))?;
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
            "disability.cards" => {
                let of_card = disability_of_card(&disability);
                let told = |field, read: fn(&str) -> Option<u32>, of_card: Option<u32>, why| match get(field) {
                    "" => Ok(of_card),
                    raw => read(text::half_width(raw).trim()).map(Some).ok_or_else(|| fail(field, raw, why)),
                };
                let kind = told(Field::DisabilityType, disability_type, of_card.0, "disability")?;
                let grade = told(Field::DisabilityGrade, disability_grade, of_card.1, "disability_grade")?;
                facts.push(fact(source.kind, day(Field::Event)?, serde_json::json!({"type": kind, "grade": grade})));
            }
            "insurance.medical" => {
                let raw = get(Field::Insured);
                let insured = is_insured(&text::half_width(raw)).ok_or_else(|| fail(Field::Insured, raw, "insured"))?;
                let date = day(Field::Event)?;
                if !insured {
                    facts.push(fact(source.kind, date, none));
                }
            }
            "water.supply" => {
                let raw = get(Field::Water);
                let safe =
                    is_water_safe(text::half_width(raw).trim()).ok_or_else(|| fail(Field::Water, raw, "water"))?;
                let date = day(Field::Event)?;
                if !safe {
                    facts.push(fact(source.kind, date, none));
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
        id: number,
        sex: codes::Sex::parse(get(Field::Sex)),
        birth,
        birth_year,
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

    fn read(head: &[&str], cells: &[&str]) -> Result<Row, Held> {
        let headers = headers(head);
        let mapping = Mapping::of(&headers);
        let cells: Vec<String> = cells.iter().map(|c| (*c).to_owned()).collect();
        let source = mapping.detect(&headers).unwrap();
        read_row(source, &mapping, &headers, "", 2, &cells, NaiveDate::from_ymd_opt(2020, 3, 1).unwrap())
    }

    #[test]
    fn a_disability_card_tells_whose_it_is_and_what_it_is_for() {
        let head = &["姓名", "残疾人证号", "残疾类别", "残疾等级", "发证日期"];
        let row = read(head, &["王桂兰", "11010519491231002X43", "", "", "2019-05-01"]).unwrap();
        assert_eq!((row.id.as_str(), row.facts[0].kind), ("11010519491231002X", "disability.card"));
        assert_eq!(row.facts[0].value, serde_json::json!({"type": 4, "grade": 3}));
        let told = read(head, &["王桂兰", "11010519491231002X43", "肢体残疾", "二级", ""]).unwrap();
        assert_eq!(told.facts[0].value, serde_json::json!({"type": 4, "grade": 2}), "the columns outrank the number");
        let both = read(head, &["王桂兰", "11010519491231002X43B1", "听力、言语", "1", ""]).unwrap();
        assert_eq!(both.facts[0].value, serde_json::json!({"type": 7, "grade": 1}));
        assert_eq!(read(head, &["王桂兰", "11010519491231002X43", "九", "", ""]).unwrap_err().column, "残疾类别");
        assert_eq!(read(head, &["王桂兰", "11010519491231002X43", "", "五级", ""]).unwrap_err().column, "残疾等级");
        assert_eq!(read(head, &["王桂兰", "", "", "", ""]).unwrap_err().why, "compare-held-disability_card");
    }

    #[test]
    fn only_who_is_not_insured_and_whose_water_is_not_safe_is_a_fact() {
        let insured = |state: &str| read(&["姓名", "身份证号", "参保状态"], &["王", "11010519491231002X", state]);
        for state in ["未参保", "断缴", "停保", "暂停缴费", "否"] {
            assert_eq!(insured(state).unwrap().facts[0].kind, "insurance.absent", "{state}");
        }
        for state in ["参保", "正常参保", "已缴费", "是"] {
            let row = insured(state).unwrap();
            assert_eq!((row.facts.len(), row.kind(source("insurance.medical").unwrap())), (0, NOTHING), "{state}");
        }
        assert_eq!(insured("张三").unwrap_err().why, "compare-held-insured");
        let water = |result: &str| read(&["户主姓名", "户编号", "饮水安全评价"], &["王", "H1", result]);
        assert_eq!(water("不安全").unwrap().facts[0].kind, "water.unsafe");
        assert!(water("基本安全").unwrap().facts.is_empty());
        assert_eq!(water("好喝").unwrap_err().column, "饮水安全评价");
    }

    #[test]
    fn unsold_products_and_missed_dividends_tell_their_amount() {
        let sales = read(&["户主姓名", "户编号", "滞销产品", "滞销金额"], &["王", "H1", "生猪", "3,200元"]).unwrap();
        assert_eq!(
            (sales.facts[0].kind, &sales.facts[0].value),
            ("sales.lost", &serde_json::json!({"amount": 3200.0}))
        );
        let held = read(&["户主姓名", "户编号", "滞销产品", "滞销金额"], &["王", "H1", "生猪", "不详"]).unwrap_err();
        assert_eq!((held.column.as_str(), held.why.as_str()), ("滞销金额", "compare-held-amount"));
        let head = &["户主姓名", "户编号", "带贫主体", "未分红金额", "应分红日期"];
        let told = read(head, &["王", "H1", "合作社", "800", "2020-02-01"]).unwrap();
        assert_eq!(told.facts[0].value, serde_json::json!({"amount": 800.0}));
        let silent = read(head, &["王", "H1", "合作社", "", ""]).unwrap();
        assert_eq!((silent.facts[0].kind, &silent.facts[0].value), ("dividend.missed", &serde_json::json!({})));
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
