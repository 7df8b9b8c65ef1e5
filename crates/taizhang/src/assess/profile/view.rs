//! The household view: everything that a rule may read, in one table. The reader of conditions, the evaluator, the
//! examples of a profile and `docs/household-view.md` all go by it.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use chrono::{Datelike, NaiveDate};

use crate::assess::model::SIGNAL_KINDS;

/// What has fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// The household that is asked about.
    Household,
    /// A member of it.
    Person,
    /// A dated fact from outside the register.
    Signal,
    /// Somebody answerable for helping the household (帮扶责任人).
    Helper,
    /// A member of the village's work team (驻村工作队员).
    Member,
}

impl Owner {
    /// Every owner, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::Household, Self::Person, Self::Signal, Self::Helper, Self::Member];

    /// The name of its type in messages and documentation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Household => "household",
            Self::Person => "person",
            Self::Signal => "signal",
            Self::Helper => "helper",
            Self::Member => "team_member",
        }
    }

    /// Its fields.
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::Household => HOUSEHOLD,
            Self::Person => PERSON,
            Self::Signal => SIGNAL,
            Self::Helper | Self::Member => SERVANT,
        }
    }
}

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Yes or no.
    Bool,
    /// A whole number.
    Int,
    /// A number with decimals.
    Number,
    /// A text as the register has it.
    Text,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// A calendar day.
    Date,
    /// Several texts.
    Texts,
    /// Several persons, signals, helpers or team members.
    List(Owner),
}

impl Kind {
    /// As conditions and messages call it.
    pub fn name(self) -> String {
        match self {
            Self::Bool => "bool".to_owned(),
            Self::Int => "int".to_owned(),
            Self::Number => "double".to_owned(),
            Self::Text | Self::Choice(_) => "string".to_owned(),
            Self::Date => "date".to_owned(),
            Self::Texts => "list(string)".to_owned(),
            Self::List(of) => format!("list({})", of.name()),
        }
    }
}

/// Which part of the register a field comes from: parts that no rule reads are not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What every view has: division, members, signals.
    Base,
    /// Columns of the household.
    Household,
    /// Columns of the members.
    Persons,
    /// The newest income of the household, and the one before.
    Income,
    /// The monitoring record.
    Monitoring,
    /// How many serve the household.
    Serving,
    /// The income line in force there and then.
    Line,
    /// The monitoring case of the household and its measures.
    Case,
    /// Visits and the checks made with them.
    Visits,
    /// This year's income, estimated.
    Estimate,
}

impl Part {
    /// The bit of the part in a set of parts.
    pub fn bit(self) -> u16 {
        match self {
            Self::Base => 0,
            Self::Household => 1,
            Self::Persons => 2,
            Self::Income => 4,
            Self::Monitoring => 8,
            Self::Serving => 16,
            Self::Line => 32,
            Self::Case => 128,
            Self::Visits => 64,
            Self::Estimate => 256,
        }
    }
}

/// One field of the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// As a condition writes it.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether the register may leave it open: what is not filled in satisfies no test but `!has(…)`.
    pub open: bool,
    /// What it is, 中文.
    pub zh: &'static str,
    /// What it is, English.
    pub en: &'static str,
    /// Unit in 中文 and English; empty where it has none.
    pub unit: (&'static str, &'static str),
    /// Where it comes from.
    pub part: Part,
}

impl Field {
    /// What is known of it before anything is: nothing where it may be open, else 0 or no.
    fn blank(&self) -> Fact {
        match self.kind {
            _ if self.open => Fact::Unknown,
            Kind::Bool => Fact::Bool(false),
            Kind::Int => Fact::Int(0),
            Kind::Number => Fact::Number(0.0),
            Kind::Texts => Fact::Texts(Vec::new()),
            _ => Fact::Unknown,
        }
    }
}

const YUAN: (&str, &str) = ("元", "yuan");
const NONE: (&str, &str) = ("", "");
/// Names of the tiers, as fields have them.
pub const TIERS: &[&str] = &["low", "medium", "high"];
const SEXES: &[&str] = &["male", "female"];
const GRADES: &[&str] = &["A", "B", "C", "D"];
/// Outcomes of checks, as fields have them.
pub const RESULTS: &[&str] = &["met", "partly", "short"];

/// A table of fields and the places of its fields in it.
macro_rules! fields {
    ($names:ident, $table:ident: $($variant:ident, $name:literal, $kind:expr, $open:literal, $zh:literal, $en:literal,
     $unit:expr, $part:ident;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $names {
            $($variant),*
        }

        const $table: &[Field] = &[$(Field {
            name: $name, kind: $kind, open: $open, zh: $zh, en: $en, unit: $unit, part: Part::$part,
        }),*];
    };
}

fields! { OfHousehold, HOUSEHOLD:
    Type, "type", Kind::Text, true, "户类型", "household type", NONE, Household;
    Registration, "registration", Kind::Text, true, "脱贫属性", "registration", NONE, Household;
    MainCause, "main_cause", Kind::Text, true, "主要致贫原因", "main cause of poverty", NONE, Household;
    Members, "members", Kind::Int, false, "家庭人口数", "number of members", ("人", "persons"), Household;
    HousingGrade, "housing_grade", Kind::Choice(GRADES), true, "危房级别", "grade of the house", ("级", ""), Household;
    DangerousHouse, "dangerous_house", Kind::Bool, true, "是否危房户", "dangerous house", NONE, Household;
    SafeWater, "safe_water", Kind::Bool, true, "是否解决安全饮用水", "safe drinking water", NONE, Household;
    Monitored, "monitored", Kind::Bool, false, "在监测（风险未消除）", "monitored, risk not eliminated", NONE, Monitoring;
    MonitoringType, "monitoring_type", Kind::Text, true, "监测对象类别", "type of monitored household", NONE, Monitoring;
    MonitoredSince, "monitored_since", Kind::Date, true, "识别监测时间", "monitored since", NONE, Monitoring;
    EliminatedSince, "eliminated_since", Kind::Date, true, "风险消除时间", "risk eliminated since", NONE, Monitoring;
    Risks, "risks", Kind::Texts, false, "返贫致贫风险", "risks of poverty", NONE, Monitoring;
    CaseState, "case_state", Kind::Text, true, "监测认定办理状态", "state of its monitoring case", NONE, Case;
    CaseDays, "case_days", Kind::Int, true, "处于该状态的天数", "days in that state", ("天", "days"), Case;
    CaseMarked, "case_marked", Kind::Date, true, "标注为监测对象的日期", "day on which it was marked as monitored", NONE,
        Case;
    Measures, "measures", Kind::Texts, false, "已记录的帮扶措施（类别代码）", "groups of the measures on record", NONE, Case;
    RisksWithout, "risks_without_measure", Kind::Texts, false, "尚无对应帮扶措施的风险",
        "recorded risks without a measure against them", NONE, Case;
    IncomeYear, "income_year", Kind::Int, true, "最近收入年度", "year of the newest income", ("年", ""), Income;
    Income, "income", Kind::Number, true, "家庭纯收入", "net household income", YUAN, Income;
    IncomePerPerson, "income_per_person", Kind::Number, true, "人均纯收入", "net income per person", YUAN, Income;
    IncomeBefore, "income_per_person_before", Kind::Number, true, "上一年度人均纯收入",
        "net income per person of the year before", YUAN, Income;
    IncomeWage, "income_wage", Kind::Number, true, "工资性收入", "wage income", YUAN, Income;
    IncomeOperating, "income_operating", Kind::Number, true, "生产经营性收入", "operating income", YUAN, Income;
    IncomeProperty, "income_property", Kind::Number, true, "财产性收入", "property income", YUAN, Income;
    IncomeTransfer, "income_transfer", Kind::Number, true, "转移性收入", "transfer income", YUAN, Income;
    IncomeLine, "income_line", Kind::Number, true, "当时当地的监测收入线", "income line in force there on the day", YUAN,
        Line;
    EstimateYear, "income_estimate_year", Kind::Int, true, "测算的收入年度", "collection year of the estimate", ("年", ""),
        Estimate;
    Estimate, "income_estimate", Kind::Number, true, "本年度收入测算（已扣减收和刚性支出）",
        "this year's income, estimated: less what was lost and what had to be spent", YUAN, Estimate;
    EstimateEach, "income_estimate_per_person", Kind::Number, true, "本年度人均收入测算",
        "this year's income per person, estimated", YUAN, Estimate;
    EstimateWhole, "income_estimate_complete", Kind::Bool, true, "测算没有未知项", "nothing unknown in the estimate", NONE,
        Estimate;
    IncomeLoss, "income_loss", Kind::Number, true, "本年度减收", "income lost this year", YUAN, Estimate;
    IncomeSpending, "income_spending", Kind::Number, true, "本年度刚性支出", "unavoidable spending this year", YUAN, Estimate;
    SelfPay, "self_pay_12_months", Kind::Number, true, "近 12 个月自付支出", "self-pay of the twelve months up to the day", YUAN,
        Estimate;
    Reference, "reference_income", Kind::Number, true, "识别前 12 个月收入参考",
        "reference income of the twelve months before identification", YUAN, Estimate;
    ReferenceEach, "reference_income_per_person", Kind::Number, true, "识别前 12 个月人均收入参考",
        "reference income per person of the twelve months before identification", YUAN, Estimate;
    CountyTier, "county_tier", Kind::Choice(TIERS), false, "所在县疫情风险等级", "epidemic tier of its county", NONE, Base;
    Helpers, "helper_count", Kind::Int, false, "在任帮扶责任人数", "helpers in office", ("人", "persons"), Serving;
    Team, "team_count", Kind::Int, false, "本村在任驻村工作队员数", "work-team members in office in the village",
        ("人", "persons"), Serving;
    LastVisit, "last_visit", Kind::Date, true, "最近走访日", "day of the last visit", NONE, Visits;
    LastOnSite, "last_visit_on_site", Kind::Date, true, "最近入户走访日", "day of the last visit on site", NONE, Visits;
    LastPhone, "last_visit_phone", Kind::Date, true, "最近电话联系日", "day of the last phone call", NONE, Visits;
    LastVideo, "last_visit_video", Kind::Date, true, "最近微信、视频联系日", "day of the last contact by WeChat or video", NONE,
        Visits;
    DaysSinceVisit, "days_since_visit", Kind::Int, true, "距最近走访的天数", "days since the last visit", ("天", "days"),
        Visits;
    Visits, "visit_count", Kind::Int, false, "走访次数", "number of visits", ("次", ""), Visits;
    CheckFood, "check_food", Kind::Choice(RESULTS), true, "不愁吃核查结果", "outcome of the check of food", NONE, Visits;
    CheckFoodDay, "check_food_day", Kind::Date, true, "不愁吃核查日", "day of the check of food", NONE, Visits;
    CheckFoodBy, "check_food_by", Kind::Text, true, "不愁吃核查人角色", "role of who checked food", NONE, Visits;
    CheckClothing, "check_clothing", Kind::Choice(RESULTS), true, "不愁穿核查结果", "outcome of the check of clothing", NONE, Visits;
    CheckClothingDay, "check_clothing_day", Kind::Date, true, "不愁穿核查日", "day of the check of clothing", NONE, Visits;
    CheckClothingBy, "check_clothing_by", Kind::Text, true, "不愁穿核查人角色", "role of who checked clothing", NONE, Visits;
    CheckSchooling, "check_schooling", Kind::Choice(RESULTS), true, "义务教育核查结果", "outcome of the check of schooling", NONE, Visits;
    CheckSchoolingDay, "check_schooling_day", Kind::Date, true, "义务教育核查日", "day of the check of schooling", NONE, Visits;
    CheckSchoolingBy, "check_schooling_by", Kind::Text, true, "义务教育核查人角色", "role of who checked schooling", NONE, Visits;
    CheckInsurance, "check_insurance", Kind::Choice(RESULTS), true, "基本医疗核查结果", "outcome of the check of basic medical care", NONE, Visits;
    CheckInsuranceDay, "check_insurance_day", Kind::Date, true, "基本医疗核查日", "day of the check of basic medical care", NONE, Visits;
    CheckInsuranceBy, "check_insurance_by", Kind::Text, true, "基本医疗核查人角色", "role of who checked basic medical care", NONE, Visits;
    CheckHousing, "check_housing", Kind::Choice(RESULTS), true, "住房安全核查结果", "outcome of the check of housing", NONE, Visits;
    CheckHousingDay, "check_housing_day", Kind::Date, true, "住房安全核查日", "day of the check of housing", NONE, Visits;
    CheckHousingBy, "check_housing_by", Kind::Text, true, "住房安全核查人角色", "role of who checked housing", NONE, Visits;
    CheckWater, "check_water", Kind::Choice(RESULTS), true, "饮水安全核查结果", "outcome of the check of drinking water", NONE, Visits;
    CheckWaterDay, "check_water_day", Kind::Date, true, "饮水安全核查日", "day of the check of drinking water", NONE, Visits;
    CheckWaterBy, "check_water_by", Kind::Text, true, "饮水安全核查人角色", "role of who checked drinking water", NONE, Visits;
    Persons, "persons", Kind::List(Owner::Person), false, "家庭成员", "members of the household", NONE, Base;
    Signals, "signals", Kind::List(Owner::Signal), false, "有效信号（该户及成员）",
        "signals in force about the household or a member", NONE, Base;
    EndedSignals, "ended_signals", Kind::List(Owner::Signal), false, "已撤回或被订正的信号",
        "signals that were withdrawn or revised", NONE, Base;
    HelperList, "helpers", Kind::List(Owner::Helper), false, "有信号的帮扶责任人", "helpers who have a signal", NONE, Base;
    TeamList, "team", Kind::List(Owner::Member), false, "有信号的驻村工作队员", "work-team members who have a signal", NONE,
        Base;
}

fields! { OfPerson, PERSON:
    Sex, "sex", Kind::Choice(SEXES), true, "性别", "sex", NONE, Persons;
    Age, "age", Kind::Int, true, "当日周岁", "age in full years on the day", ("岁", "years"), Persons;
    Relation, "relation", Kind::Text, true, "与户主关系", "relation to the head", NONE, Persons;
    Head, "head", Kind::Bool, false, "是户主", "is the head", NONE, Persons;
    Labour, "labour", Kind::Text, true, "劳动技能", "ability to work", NONE, Persons;
    Health, "health", Kind::Texts, false, "健康状况", "health", NONE, Persons;
    Education, "education", Kind::Text, true, "文化程度", "education", NONE, Persons;
    Schooling, "schooling", Kind::Text, true, "在校生状况", "school attended", NONE, Persons;
    WorkMonths, "work_months", Kind::Int, true, "务工时间", "months of work away", ("月", "months"), Persons;
    Subsistence, "subsistence", Kind::Bool, true, "享受低保", "gets subsistence allowance", NONE, Persons;
    Destitute, "destitute", Kind::Bool, true, "特困供养", "gets support as destitute", NONE, Persons;
    SeriousInsured, "serious_insured", Kind::Bool, true, "参加大病保险", "has serious-illness insurance", NONE, Persons;
    WorkTier, "work_tier", Kind::Choice(TIERS), true, "务工地所在县疫情风险等级", "epidemic tier of the county of work", NONE,
        Base;
    Signals, "signals", Kind::List(Owner::Signal), false, "本人的有效信号", "signals in force about the person", NONE, Base;
}

fields! { OfSignal, SIGNAL:
    Kind, "kind", Kind::Choice(&SIGNAL_KINDS), false, "信号类型", "kind of signal", NONE, Base;
    Day, "day", Kind::Date, true, "发生日期", "day that it is true for", NONE, Base;
    Amount, "amount", Kind::Number, true, "金额", "amount", YUAN, Base;
    Grade, "grade", Kind::Choice(GRADES), true, "鉴定级别", "grade", ("级", ""), Base;
    Result, "result", Kind::Choice(RESULTS), true, "核查结果", "outcome of a check", NONE, Base;
    Source, "source", Kind::Text, false, "来源名单", "list that it came from", NONE, Base;
}

const SERVANT: &[Field] = &[Field {
    name: "signals",
    kind: Kind::List(Owner::Signal),
    open: false,
    zh: "其有效信号",
    en: "their signals in force",
    unit: NONE,
    part: Part::Base,
}];

/// What the register says of one field.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Fact {
    /// Not filled in.
    #[default]
    Unknown,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with decimals.
    Number(f64),
    /// A text.
    Text(String),
    /// A day, counted from the first of year 1.
    Date(i64),
    /// Several texts.
    Texts(Vec<String>),
    /// A text that many share.
    Word(Arc<str>),
    /// Several texts that many share.
    Words(Arc<[String]>),
}

impl Fact {
    /// A text; nothing where it is empty.
    pub fn text(text: String) -> Self {
        if text.is_empty() { Self::Unknown } else { Self::Text(text) }
    }

    /// A text that many share; nothing where it is empty.
    pub fn word(text: Arc<str>) -> Self {
        if text.is_empty() { Self::Unknown } else { Self::Word(text) }
    }

    /// A yes or no that may be open.
    pub fn maybe_bool(value: Option<bool>) -> Self {
        value.map_or(Self::Unknown, Self::Bool)
    }

    /// A whole number that may be open.
    pub fn maybe_int(value: Option<i64>) -> Self {
        value.map_or(Self::Unknown, Self::Int)
    }

    /// A number that may be open.
    pub fn maybe_number(value: Option<f64>) -> Self {
        value.map_or(Self::Unknown, Self::Number)
    }

    /// An ISO day; a month stands for its first day. Nothing where it is none.
    pub fn day(text: &str) -> Self {
        day_number(text).map_or(Self::Unknown, Self::Date)
    }
}

/// The number of an ISO day (2020-02-04) or of the first day of a month (2020-02).
pub fn day_number(text: &str) -> Option<i64> {
    iso(text).map(number_of)
}

/// An ISO day, or the first day of a month.
pub fn iso(text: &str) -> Option<NaiveDate> {
    // Digits alone: `parse` would take a sign as well.
    let part = |part: Option<&str>| part.filter(|p| p.bytes().all(|b| b.is_ascii_digit()))?.parse::<u32>().ok();
    let marks = text.as_bytes();
    if marks.get(4) != Some(&b'-') || !matches!(marks.get(7), None | Some(b'-')) {
        return None;
    }
    let (year, month) = (part(text.get(..4))?, part(text.get(5..7))?);
    let day = if text.len() == 7 { 1 } else { part(text.get(8..10))? };
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

/// The number of a day.
pub fn number_of(day: NaiveDate) -> i64 {
    i64::from(day.num_days_from_ce())
}

/// The day of a number, as ISO text.
pub fn iso_day(number: i64) -> String {
    let day = i32::try_from(number).ok().and_then(NaiveDate::from_num_days_from_ce_opt);
    day.map(|day| day.to_string()).unwrap_or_default()
}

/// The facts of one household or person, by the place of their field.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts(Vec<Fact>);

impl Facts {
    /// Facts of which nothing is known yet, save what is never open: numbers are 0, yes or no is no.
    pub fn blank(of: Owner) -> Self {
        static BLANK: LazyLock<[Vec<Fact>; 2]> = LazyLock::new(|| {
            [Owner::Household, Owner::Person].map(|of| of.fields().iter().map(Field::blank).collect())
        });
        let [household, person] = &*BLANK;
        match of {
            Owner::Household => Self(household.clone()),
            Owner::Person => Self(person.clone()),
            _ => Self(of.fields().iter().map(Field::blank).collect()),
        }
    }

    /// The fact at a place.
    pub fn get(&self, at: usize) -> &Fact {
        self.0.get(at).unwrap_or(&Fact::Unknown)
    }

    /// Puts a fact at a place.
    pub fn set(&mut self, at: usize, fact: Fact) {
        if let Some(slot) = self.0.get_mut(at) {
            *slot = fact;
        }
    }

    /// Puts a fact about a household.
    pub(crate) fn put(&mut self, field: OfHousehold, fact: Fact) {
        self.set(field as usize, fact);
    }

    /// Puts a fact about a person.
    pub(crate) fn put_person(&mut self, field: OfPerson, fact: Fact) {
        self.set(field as usize, fact);
    }
}

/// The functions of conditions: name, types, what they give, 中文, English.
pub const FUNCTIONS: [(&str, &str, &str, &str); 17] = [
    ("has(x.f)", "bool", "字段 f 已填写", "field f is filled in"),
    ("list.exists(v, test)", "bool", "至少有一个满足 test", "at least one satisfies the test"),
    ("list.all(v, test)", "bool", "全部满足 test", "all satisfy the test"),
    ("list.exists_one(v, test)", "bool", "恰有一个满足 test", "exactly one satisfies the test"),
    ("list.filter(v, test)", "list", "满足 test 的那些", "those that satisfy the test"),
    ("list.map(v, value)", "list", "逐个取值", "a value of each"),
    ("size(list)", "int", "个数；文字则为字数", "how many; of a text, its characters"),
    ("sum(list)", "int | double", "合计", "their sum"),
    ("min(list)", "int | double | date", "最小值；空列表没有", "the least; an empty list has none"),
    ("max(list)", "int | double | date", "最大值；空列表没有", "the greatest; an empty list has none"),
    ("days(a, b)", "int", "从 a 日到 b 日的天数", "days from day a to day b"),
    ("date(\"2020-02-04\")", "date", "某一天", "a day"),
    ("text.startsWith(t)", "bool", "以 t 开头", "begins with t"),
    ("text.endsWith(t)", "bool", "以 t 结尾", "ends with t"),
    ("text.contains(t)", "bool", "含有 t", "contains t"),
    ("double(n)", "double", "整数作小数", "a whole number as one with decimals"),
    ("int(n)", "int", "去掉小数", "a number without its decimals"),
];

/// `docs/household-view.md`.
pub fn documentation() -> String {
    let mut out = String::from(
        "<!-- Written by `assess::profile::view::documentation`; a test holds this file to it. -->\n\
         # The household view (农户视图)\n\n\
         What a rule of a policy profile may read. A rule's `when` is an expression of the Common Expression Language \
         (CEL) over these names; `profile check` refuses any other.\n\n\
         - `household` — the household; `person` — the person that a rule with `subject = \"person\"` asks about; \
         `today` — the day of the run; `warning.ID` — the threshold of a warning of the profile; every name under \
         `[definitions]` of the profile.\n\
         - 标“可空”的字段登记里可能没有填：未填的值不满足任何条件，`has(…)` 可以问是否已填。 A field marked \
         “可空 / open” may not be filled in: what is not known satisfies no test, not even a negated one; `has(…)` asks.\n\
         - 钱一律是元，日期是自然日。 Money is in yuan; days are calendar days.\n\
         - Operators: `&& || ! ?: == != < <= > >= + - * / % in`. No loops but the functions below; at most three inside \
         one another.\n",
    );
    for owner in Owner::ALL {
        let _ =
            write!(out, "\n## `{}`\n\n| field | type | 中文 | English | unit |\n|---|---|---|---|---|\n", owner.name());
        for field in owner.fields() {
            let choices = match field.kind {
                Kind::Choice(all) => {
                    format!(": {}", all.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(" "))
                }
                _ => String::new(),
            };
            let open = if field.open { ", 可空 / open" } else { "" };
            let unit = match field.unit {
                ("", _) => String::new(),
                (zh, "") => zh.to_owned(),
                (zh, en) => format!("{zh} / {en}"),
            };
            let kind = field.kind.name();
            let _ =
                writeln!(out, "| `{}` | {kind}{choices}{open} | {} | {} | {unit} |", field.name, field.zh, field.en);
        }
    }
    out.push_str("\n## Functions\n\n| function | gives | 中文 | English |\n|---|---|---|---|\n");
    for (name, gives, zh, en) in FUNCTIONS {
        let _ = writeln!(out, "| `{name}` | {} | {zh} | {en} |", gives.replace('|', "\\|"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_is_what_the_code_reads() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/household-view.md");
        if std::env::var_os("WRITE_DOCS").is_some() {
            std::fs::write(file, documentation()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(file).unwrap(), documentation(), "run with WRITE_DOCS=1 to write it anew");
    }

    #[test]
    fn names_are_told_apart_and_have_words() {
        for owner in Owner::ALL {
            let names: std::collections::BTreeSet<&str> = owner.fields().iter().map(|f| f.name).collect();
            assert_eq!(names.len(), owner.fields().len());
            assert!(owner.fields().iter().all(|f| !f.zh.is_empty() && !f.en.is_empty()));
        }
    }

    #[test]
    fn days_are_counted() {
        assert_eq!(day_number("2020-03-01").zip(day_number("2020-02")).map(|(a, b)| a - b), Some(29));
        for wrong in ["2020-02-30", "2020-2-3", "2020-13", "+020-01-01", "2020/01/01", "", "二〇二〇年"] {
            assert_eq!(day_number(wrong), None, "{wrong}");
        }
        assert_eq!(iso_day(day_number("2020-02-29").unwrap()), "2020-02-29");
    }
}
