//! The quality rules (疑点数据), as a table and as checks of one row or one household.
//!
//! An error holds the row back until a corrected file brings it again; a doubt lets it in and lists it. The rules are
//! those that county offices run over exports of the national registry (DOMAIN, "Quality rules used in practice").

use chrono::{Datelike, NaiveDate};
use codes::lists::{self, Health, Labour, MEASURES};

/// Whether a hit holds a row back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The row is held back.
    Error,
    /// The row goes in and is listed.
    Doubt,
}

impl Severity {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Doubt => "doubt",
        }
    }
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// One row.
    Row,
    /// All persons of a household, within one file.
    Household,
    /// The whole register, after the files of a batch are in.
    Register,
}

/// One rule. Its texts are `rule-<id>` in both languages, dots as hyphens.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Stable, dotted.
    pub id: &'static str,
    /// What it looks at.
    pub reach: Reach,
    /// Whether it holds back.
    pub severity: Severity,
}

const fn error(id: &'static str) -> Rule {
    Rule { id, reach: Reach::Row, severity: Severity::Error }
}

const fn doubt(id: &'static str) -> Rule {
    Rule { id, reach: Reach::Row, severity: Severity::Doubt }
}

const fn among(id: &'static str, severity: Severity) -> Rule {
    Rule { id, reach: Reach::Household, severity }
}

const fn register(id: &'static str) -> Rule {
    Rule { id, reach: Reach::Register, severity: Severity::Doubt }
}

/// Every rule.
pub const RULES: &[Rule] = &[
    error("row.key_missing"),
    error("row.key_damaged"),
    error("row.village_unknown"),
    error("row.household_unknown"),
    error("row.outside_scope"),
    error("row.key_twice"),
    error("row.short"),
    error("row.formula_empty"),
    error("row.number"),
    error("row.code"),
    error("person.name_missing"),
    error("person.id_checksum"),
    error("person.id_length"),
    error("person.id_digits"),
    error("person.id_birth"),
    error("person.id_future"),
    error("person.id_excel"),
    error("person.id_disability"),
    among("person.id_duplicate", Severity::Error),
    among("household.heads_many", Severity::Error),
    among("household.head_none", Severity::Doubt),
    among("household.spouses_many", Severity::Doubt),
    among("household.couple_same_sex", Severity::Doubt),
    doubt("row.older"),
    doubt("division.urban_rural"),
    doubt("division.village_number"),
    doubt("division.no_successor"),
    doubt("organisation.code"),
    doubt("organisation.code_differs"),
    doubt("row.date"),
    doubt("row.label_unknown"),
    doubt("person.id_empty"),
    doubt("person.id_kept"),
    doubt("person.id_excel_maybe"),
    doubt("person.id_legacy"),
    doubt("person.birth_future"),
    doubt("person.birth_differs"),
    doubt("person.sex_differs"),
    doubt("person.relation_unknown"),
    doubt("person.relation_sex"),
    doubt("person.education_both"),
    doubt("person.education_none"),
    doubt("person.health_empty"),
    doubt("person.health_unknown"),
    doubt("person.phone"),
    doubt("person.work_place_only"),
    doubt("person.work_months_only"),
    doubt("person.insurance_both"),
    doubt("person.insurance_none"),
    doubt("person.dropout_healthy"),
    doubt("person.disability_no_card"),
    doubt("person.able_no_labour"),
    doubt("person.no_labour_working"),
    doubt("person.student_working"),
    doubt("household.phone"),
    doubt("household.fallow_area"),
    doubt("household.members_zero"),
    doubt("income.no_cost"),
    doubt("income.wage_small"),
    doubt("income.wage_large"),
    doubt("income.sum_differs"),
    doubt("monitoring.kind"),
    doubt("monitoring.time_missing"),
    doubt("monitoring.risk_missing"),
    doubt("monitoring.income_missing"),
    doubt("monitoring.flag_missing"),
    doubt("monitoring.insurance_risk"),
    doubt("monitoring.water_risk"),
    doubt("monitoring.measure_none"),
    doubt("monitoring.eliminated_illness"),
    doubt("monitoring.eliminated_school"),
    doubt("monitoring.eliminated_no_measure"),
    doubt("monitoring.eliminated_early"),
    doubt("monitoring.eliminated_below_line"),
    doubt("monitoring.eliminated_empty"),
    doubt("monitoring.eliminated_no_labour"),
    register("register.serious_insurance"),
    register("register.house_not_monitored"),
    register("register.water_not_monitored"),
    register("register.income_not_monitored"),
    register("register.eco_without_fallow"),
    register("register.disability_risk"),
    register("register.work_risk"),
    register("register.labour_risk"),
    register("register.measure_not_developing"),
    register("register.only_general_measure"),
    register("register.support_not_listed"),
    register("register.persons_none"),
    register("register.members_differ"),
];

/// The rule of an id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|r| r.id == id)
}

/// A hit within a row: which rule, which column, the value as shown (masked by the caller where personal).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The rule.
    pub rule: &'static str,
    /// Standard header of the column.
    pub field: &'static str,
    /// The value, masked where personal.
    pub value: String,
}

impl Hit {
    /// A hit; `value` must be fit to show.
    pub fn new(rule: &'static str, field: &'static str, value: impl Into<String>) -> Self {
        Self { rule, field, value: value.into() }
    }
}

/// A column, and whether a value is a label of its list.
type Listed = (&'static str, fn(&str) -> bool);

/// Columns whose values are labels of a list.
const LABELS: &[Listed] = &[
    ("民族", |v| lists::ethnic_group(v).is_some()),
    ("政治面貌", |v| lists::one_of(&lists::POLITICAL, v).is_some()),
    ("文化程度", |v| lists::education(v).is_some()),
    ("在校生状况", |v| {
        lists::schooling(v).is_some() || matches!(&*codes::text::half_width(v), "非在校生" | "非在校")
    }),
    ("务工区域", |v| lists::one_of(&lists::WORK_AREAS, v).is_some()),
    ("户类型", |v| lists::household_kind(v).is_some()),
    ("脱贫属性", |v| lists::one_of(&lists::REGISTRATION, v).is_some()),
    ("主要致贫原因", |v| lists::cause(v).is_some()),
    ("主要燃料类型", |v| lists::one_of(&lists::FUELS, v).is_some()),
    ("入户路类型", |v| lists::one_of(&lists::ROADS, v).is_some()),
    ("致贫/返贫风险1", |v| lists::risk(v).is_some()),
    ("致贫/返贫风险2", |v| lists::risk(v).is_some()),
    ("致贫/返贫风险3", |v| lists::risk(v).is_some()),
    ("致贫/返贫风险4", |v| lists::risk(v).is_some()),
    ("致贫/返贫风险5", |v| lists::risk(v).is_some()),
];

/// Values of a row that stand in no list, by `get`, which gives a column's cell.
pub fn labels<'a>(get: impl Fn(&str) -> &'a str) -> impl Iterator<Item = Hit> {
    LABELS.iter().filter_map(move |(header, known)| {
        let value = get(header).trim();
        (!nothing(value) && !known(value)).then(|| Hit::new("row.label_unknown", header, value))
    })
}

/// What the rules on one person read.
#[derive(Debug, Clone, Default)]
pub struct PersonFacts<'a> {
    /// Age in whole years on the day of the file; none if the birth date is unknown.
    pub age: Option<i32>,
    /// Sex by ID, else as written.
    pub sex: Option<codes::Sex>,
    /// 与户主关系.
    pub relation: &'a str,
    /// 文化程度.
    pub education: &'a str,
    /// 在校生状况.
    pub schooling: &'a str,
    /// 健康状况 as written.
    pub health: &'a str,
    /// 残疾类别.
    pub disability: &'a str,
    /// Whether the ID is of a disability card.
    pub disability_card: bool,
    /// 残疾证办证年度.
    pub disability_year: &'a str,
    /// 劳动技能.
    pub labour: &'a str,
    /// 务工所在地.
    pub work_place: &'a str,
    /// 务工时间(月), digits as written.
    pub work_months: &'a str,
    /// 失学或辍学原因.
    pub dropout: &'a str,
    /// 居民医保.
    pub resident_insurance: &'a str,
    /// 职工医保.
    pub employee_insurance: &'a str,
    /// 成员联系电话.
    pub phone: &'a str,
}

/// Whether a cell says that there is nothing: empty, a dash, a stroke, 无.
pub fn nothing(text: &str) -> bool {
    let text = text.trim();
    // Most cells say something, and are told apart without a copy.
    const LONGEST: usize = 12;
    text.is_empty()
        || (text.len() <= LONGEST
            && matches!(
                &*codes::text::half_width(text),
                "" | "/"
                    | "\\"
                    | "-"
                    | "--"
                    | "—"
                    | "——"
                    | "–"
                    | "－"
                    | "无"
                    | "暂无"
                    | "没有"
                    | "空"
                    | "NULL"
                    | "null"
            ))
}

/// Whether a number that names a record has lost its end in a spreadsheet: `3.40323E+17`.
pub fn damaged_key(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    whole.len() == 1 && digits(whole) && digits(part) && exponent.strip_prefix('+').is_some_and(digits)
}

/// Whether a text says that somebody goes to school now.
pub fn in_school(schooling: &str) -> bool {
    !nothing(schooling) && !matches!(schooling.trim(), "非在校生" | "学龄前儿童" | "非在校")
}

/// Whether a number of months is more than none.
pub fn months(text: &str) -> Option<i64> {
    let text = codes::text::half_width(text);
    text.trim_end_matches("个月").trim_end_matches('月').parse::<f64>().ok().map(|n| n.round() as i64)
}

/// Rules on one person that need nothing else.
pub fn person(facts: &PersonFacts<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut hit = |rule, field, value: &str| hits.push(Hit::new(rule, field, value));
    match lists::relation_of(facts.relation) {
        None => hit("person.relation_unknown", "与户主关系", facts.relation),
        Some(relation) => {
            if let (Some(implied), Some(sex)) = (relation.sex, facts.sex)
                && implied != sex
            {
                hit("person.relation_sex", "与户主关系", relation.label);
            }
        }
    }
    // Small children have neither: a child below school age is no doubt.
    let small = facts.age.is_some_and(|a| a < 7);
    let schooled = !nothing(facts.schooling) && !matches!(facts.schooling.trim(), "非在校生" | "非在校");
    let educated = !nothing(facts.education);
    if schooled && educated {
        hit("person.education_both", "文化程度", facts.education);
    } else if !educated && !schooled && !small {
        hit("person.education_none", "文化程度", "");
    }
    let health = match Health::parse_all(facts.health) {
        Ok(values) if values.is_empty() => {
            hit("person.health_empty", "健康状况", "");
            values
        }
        Ok(values) => values,
        Err(part) => {
            hit("person.health_unknown", "健康状况", &part);
            Vec::new()
        }
    };
    let healthy = health == [Health::Healthy];
    if !facts.phone.trim().is_empty() {
        let ok = matches!(codes::phone::read(facts.phone), Ok(codes::phone::Phone::Mobile(_)));
        if !ok {
            hit("person.phone", "成员联系电话", &codes::phone::mask(facts.phone));
        }
    }
    let working_months = months(facts.work_months).is_some_and(|m| m > 0);
    let has_place = !nothing(facts.work_place);
    if has_place && !working_months {
        hit("person.work_place_only", "务工时间(月)", facts.work_months);
    } else if working_months && !has_place {
        hit("person.work_months_only", "务工所在地", "");
    }
    match (lists::yes_no(facts.resident_insurance), lists::yes_no(facts.employee_insurance)) {
        (Some(true), Some(true)) => hit("person.insurance_both", "是否参加城乡居民基本医疗保险", "是"),
        // No in one and nothing in the other is no insurance that anybody knows of.
        (Some(false), Some(false) | None) | (None, Some(false)) => {
            hit("person.insurance_none", "是否参加城乡居民基本医疗保险", "否")
        }
        _ => {}
    }
    if healthy && (facts.dropout.contains("因病") || facts.dropout.contains("因残") || facts.dropout.contains("疾病"))
    {
        hit("person.dropout_healthy", "失学或辍学原因", facts.dropout);
    }
    let card = facts.disability_card || !nothing(facts.disability) || !nothing(facts.disability_year);
    if health.contains(&Health::Disabled) && !card {
        hit("person.disability_no_card", "残疾类别", "");
    }
    let labour = Labour::parse(facts.labour);
    let no_labour = matches!(labour, Some(Labour::None | Labour::Lost));
    let student = in_school(facts.schooling);
    if healthy && no_labour && !student && facts.age.is_some_and(|a| (16..60).contains(&a)) {
        hit("person.able_no_labour", "劳动技能", facts.labour);
    }
    if no_labour && (has_place || working_months) {
        hit("person.no_labour_working", "劳动技能", facts.labour);
    }
    if student && (has_place || working_months) {
        hit("person.student_working", "在校生状况", facts.schooling);
    }
    hits
}

/// What the rules on one monitored household read, by standard header.
pub struct MonitoringFacts<'a> {
    /// A column's text.
    pub get: &'a dyn Fn(&str) -> String,
    /// The day of the file.
    pub as_of: NaiveDate,
    /// The income line in force, yuan per person and year.
    pub line: f64,
}

impl std::fmt::Debug for MonitoringFacts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MonitoringFacts({})", self.as_of)
    }
}

/// The headers of the measure groups in a monitoring file.
pub const MEASURE_HEADERS: [&str; 15] = MEASURES;

/// Measures that develop somebody's own income (开发式帮扶): 产业, 就业, 金融, 公益岗位.
pub const DEVELOPING: [&str; 4] = [MEASURES[0], MEASURES[1], MEASURES[2], MEASURES[3]];

/// Whether a measure cell says that there is one.
pub fn has_measure(text: &str) -> bool {
    !nothing(text) && !matches!(&*codes::text::half_width(text), "否" | "0")
}

/// Whole months from a `YYYY-MM` to a day.
pub fn months_since(month: &str, day: NaiveDate) -> Option<i32> {
    let (year, month) = month.split_once('-')?;
    let (year, month): (i32, i32) = (year.parse().ok()?, month.parse().ok()?);
    Some((day.year() - year) * 12 + day.month() as i32 - month)
}

/// What must be known of a household whose risk is gone.
const AFTER: [&str; 6] = [
    "消除监测时间",
    "消除时人均纯收入",
    "消除时是否住房出现安全问题",
    "消除时是否义务教育适龄儿童失学辍学",
    "消除时是否饮水出现安全问题",
    "消除时是否有家庭成员未参加基本医保",
];

/// Rules on one monitored household that need nothing else.
pub fn monitoring(facts: &MonitoringFacts<'_>) -> Vec<Hit> {
    let get = facts.get;
    let mut hits = Vec::new();
    let mut hit = |rule, field, value: String| hits.push(Hit::new(rule, field, value));
    let kind = get("监测对象类别");
    if lists::monitored_kind(&kind).is_none() {
        hit("monitoring.kind", "监测对象类别", kind);
    }
    let month = codes::date::read_month(&get("识别监测时间")).ok();
    if month.is_none() {
        hit("monitoring.time_missing", "识别监测时间", get("识别监测时间"));
    }
    let risks: Vec<String> = (1..=5).map(|n| get(&format!("致贫/返贫风险{n}"))).filter(|r| !nothing(r)).collect();
    let risk = |words: &[&str]| risks.iter().any(|r| words.iter().any(|w| r.contains(w)));
    if risks.is_empty() {
        hit("monitoring.risk_missing", "致贫/返贫风险1", String::new());
    }
    if nothing(&get("识别时人均纯收入")) {
        hit("monitoring.income_missing", "识别时人均纯收入", String::new());
    }
    const FLAGS: [&str; 4] = [
        "识别时是否住房出现安全问题",
        "识别时是否义务教育适龄儿童失学辍学",
        "识别时是否饮水出现安全问题",
        "识别时是否有家庭成员未参加基本医保",
    ];
    if let Some(flag) = FLAGS.into_iter().find(|f| nothing(&get(f)) && lists::yes_no(&get(f)).is_none()) {
        hit("monitoring.flag_missing", flag, String::new());
    }
    if lists::yes_no(&get(FLAGS[3])) == Some(true) && !risks.is_empty() && !risk(&["因病"]) {
        hit("monitoring.insurance_risk", FLAGS[3], "是".to_owned());
    }
    if lists::yes_no(&get(FLAGS[2])) == Some(true) && !risks.is_empty() && !risk(&["饮水"]) {
        hit("monitoring.water_risk", FLAGS[2], "是".to_owned());
    }
    let measures: Vec<&str> = MEASURE_HEADERS.into_iter().filter(|m| has_measure(&get(m))).collect();
    let age = month.as_deref().and_then(|m| months_since(m, facts.as_of));
    let gone = lists::yes_no(&get("风险是否已消除")) == Some(true) || get("风险是否已消除").contains("已消除");
    if !gone && measures.is_empty() && age.is_some_and(|m| m > 1) {
        hit("monitoring.measure_none", "识别监测时间", get("识别监测时间"));
    }
    if gone {
        let has = |names: &[&str]| measures.iter().any(|m| names.contains(m));
        if risk(&["因病"]) && !has(&["健康帮扶", "社会帮扶", "综合保障"]) {
            hit("monitoring.eliminated_illness", "健康帮扶", String::new());
        }
        if risk(&["因学"]) && !has(&["义务教育保障", "其他教育帮扶"]) {
            hit("monitoring.eliminated_school", "义务教育保障", String::new());
        }
        let helped = get("风险消除方式").contains("帮扶");
        if helped && measures.is_empty() {
            hit("monitoring.eliminated_no_measure", "风险消除方式", get("风险消除方式"));
        }
        let ended = codes::date::read_month(&get("消除监测时间")).ok();
        if let (Some(begin), Some(end)) = (&month, &ended)
            && let Some(day) = NaiveDate::parse_from_str(&format!("{end}-01"), "%Y-%m-%d").ok()
            && helped
            && months_since(begin, day).is_some_and(|m| m <= 2)
        {
            hit("monitoring.eliminated_early", "消除监测时间", end.clone());
        }
        let income = number(&get("消除时人均纯收入"));
        match income {
            Some(yuan) if helped && yuan < facts.line => {
                hit("monitoring.eliminated_below_line", "消除时人均纯收入", format!("{yuan:.0}"));
            }
            _ => {}
        }
        // When it ended is asked of every household; what it was like then, of those that were helped out.
        let asked = if helped { &AFTER[..] } else { &AFTER[..1] };
        // 无 answers a question for yes or no.
        let answered = |h: &str| h.contains("是否") && lists::yes_no(&get(h)).is_some();
        let empty: Vec<&'static str> = asked.iter().copied().filter(|h| nothing(&get(h)) && !answered(h)).collect();
        if let Some(first) = empty.first() {
            hit("monitoring.eliminated_empty", first, empty.join("、"));
        }
        if lists::yes_no(&get("是否整户无劳动能力兜底保障户")) == Some(true) {
            hit("monitoring.eliminated_no_labour", "是否整户无劳动能力兜底保障户", "是".to_owned());
        }
    }
    hits
}

/// A number as offices write it: thousands separators, 元 behind it. None where there is none.
pub fn number(text: &str) -> Option<f64> {
    let text = codes::text::half_width(text);
    let text: String = text.chars().filter(|c| !matches!(c, ',' | ' ' | '元' | '￥' | '¥')).collect();
    text.parse::<f64>().ok().filter(|n| n.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{Lang, i18n};

    fn adult<'a>() -> PersonFacts<'a> {
        PersonFacts {
            age: Some(40),
            sex: Some(codes::Sex::Male),
            relation: "户主",
            education: "初中",
            health: "健康",
            labour: "普通劳动力",
            resident_insurance: "是",
            employee_insurance: "否",
            ..PersonFacts::default()
        }
    }

    fn rules(facts: &PersonFacts<'_>) -> Vec<&'static str> {
        person(facts).into_iter().map(|h| h.rule).collect()
    }

    #[test]
    fn a_sound_person_hits_nothing() {
        assert_eq!(rules(&adult()), Vec::<&str>::new());
        let child = PersonFacts {
            age: Some(3),
            education: "",
            schooling: "学龄前儿童",
            relation: "之子",
            labour: "无劳动力",
            ..adult()
        };
        assert_eq!(rules(&child), Vec::<&str>::new());
    }

    #[test]
    fn each_rule_on_persons_has_its_hit() {
        let base = adult();
        for (facts, rule) in [
            (PersonFacts { relation: "之女", ..base.clone() }, "person.relation_sex"),
            (PersonFacts { relation: "邻居", ..base.clone() }, "person.relation_unknown"),
            (PersonFacts { schooling: "本科一年级", ..base.clone() }, "person.education_both"),
            (PersonFacts { education: "", ..base.clone() }, "person.education_none"),
            (PersonFacts { health: "", ..base.clone() }, "person.health_empty"),
            (PersonFacts { health: "尚可", ..base.clone() }, "person.health_unknown"),
            (PersonFacts { phone: "1380013800", ..base.clone() }, "person.phone"),
            (PersonFacts { work_place: "上海市浦东新区", ..base.clone() }, "person.work_place_only"),
            (PersonFacts { work_months: "8", ..base.clone() }, "person.work_months_only"),
            (PersonFacts { employee_insurance: "是", ..base.clone() }, "person.insurance_both"),
            (PersonFacts { resident_insurance: "否", ..base.clone() }, "person.insurance_none"),
            (PersonFacts { dropout: "因病", ..base.clone() }, "person.dropout_healthy"),
            (PersonFacts { health: "残疾", ..base.clone() }, "person.disability_no_card"),
            (PersonFacts { labour: "无劳动力", ..base.clone() }, "person.able_no_labour"),
            (
                PersonFacts {
                    labour: "丧失劳动力",
                    health: "患有大病",
                    work_place: "县城",
                    work_months: "3",
                    ..base.clone()
                },
                "person.no_labour_working",
            ),
            (
                PersonFacts {
                    education: "",
                    schooling: "九年级",
                    work_place: "县城",
                    work_months: "3",
                    ..base.clone()
                },
                "person.student_working",
            ),
        ] {
            assert!(rules(&facts).contains(&rule), "{rule}: {:?}", rules(&facts));
        }
    }

    #[test]
    fn a_value_of_no_list_is_a_doubt() {
        let cells = [
            ("民族", "土家族"),
            ("文化程度", "大学本科"),
            ("入户路类型", "石板路"),
            ("致贫/返贫风险2", "因病"),
            ("务工区域", ""),
        ];
        let get = |header: &str| cells.iter().find(|(h, _)| *h == header).map_or("", |(_, v)| *v);
        let found: Vec<Hit> = labels(get).collect();
        assert_eq!(found, [Hit::new("row.label_unknown", "入户路类型", "石板路")]);
    }

    #[test]
    fn every_rule_has_its_texts_and_a_name_of_its_own() {
        let mut seen = std::collections::HashSet::new();
        for rule in RULES {
            assert!(seen.insert(rule.id), "{} twice", rule.id);
            for lang in Lang::ALL {
                assert!(i18n::has(lang, &format!("rule-{}", rule.id)), "{} has no text in {}", rule.id, lang.tag());
            }
        }
    }
}
