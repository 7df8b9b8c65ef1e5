//! Each quality rule: what hits it, and what comes as near as it can and does not.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{Days, NaiveDate};
use taizhang::access::Actor;
use taizhang::args;
use taizhang::intake::{self, ImportOptions, Kind, rules};
use taizhang::platform::App;
use taizhang::platform::jobs::Progress;

use super::{DIVISIONS, Desk, HOUSEHOLDS, clerk, hits, id};
use crate::support::each_database;

type Cells = BTreeMap<&'static str, String>;

/// A household with everything that is known of it, one row of each kind of file.
#[derive(Clone)]
struct Family {
    n: u32,
    household: Cells,
    persons: Vec<Cells>,
    income: Cells,
    monitoring: Option<Cells>,
}

fn cells(pairs: &[(&'static str, &str)]) -> Cells {
    pairs.iter().map(|(header, value)| (*header, (*value).to_owned())).collect()
}

impl Family {
    /// A household of two that hits no rule.
    fn sound(n: u32) -> Self {
        let no = format!("H{n:04}");
        let household = cells(&[
            ("省", "测试省"),
            ("市", "测试市"),
            ("县", "甲县"),
            ("乡", "东乡"),
            ("村", "石村"),
            ("户编号", &no),
            ("户主姓名", "王建国"),
            ("家庭人口数", "2"),
            ("户联系电话", "13900000001"),
            ("户类型", "一般贫困户"),
            ("脱贫属性", "已脱贫(享受政策)"),
            ("是否危房户", "否"),
            ("是否解决安全饮用水", "是"),
        ]);
        let mut family = Self { n, household, persons: Vec::new(), income: Cells::new(), monitoring: None };
        family.join("王建国", "男", "户主", 1965);
        family.join("李秀英", "女", "配偶", 1967);
        family.income = cells(&[
            ("户编号", &no),
            ("家庭人口数", "2"),
            ("务工收入", "30000"),
            ("工资性收入", "30000"),
            ("纯收入", "30000"),
            ("人均纯收入", "15000"),
            ("年度", "2019"),
        ]);
        family
    }

    /// One more member; their ID number is theirs alone.
    fn join(&mut self, name: &str, sex: &str, relation: &str, year: i32) {
        let at = self.persons.len();
        let number = self.id_of(year, sex == "男");
        self.persons.push(cells(&[
            ("户编号", &format!("H{:04}", self.n)),
            ("人口编号", &format!("P{:04}-{at}", self.n)),
            ("姓名", name),
            ("性别", sex),
            ("证件号码", &number),
            ("与户主关系", relation),
            ("文化程度", "初中"),
            ("健康状况", "健康"),
            ("劳动技能", "普通劳动力"),
            ("是否参加城乡居民基本医疗保险", "是"),
            ("是否参加城镇职工基本医疗保险", "否"),
            ("是否参加大病保险", "是"),
        ]));
    }

    fn id_of(&self, year: i32, male: bool) -> String {
        let day = NaiveDate::from_ymd_opt(year, 1, 1).unwrap() + Days::new(u64::from(self.n) % 300);
        let order = 100 + self.persons.len() as u32 * 20 + self.n / 300 * 2 + u32::from(male);
        id(&day.format("%Y%m%d").to_string(), order)
    }

    fn house(&mut self, header: &'static str, value: &str) {
        self.household.insert(header, value.to_owned());
    }

    fn head(&mut self, header: &'static str, value: &str) {
        self.persons[0].insert(header, value.to_owned());
    }

    fn wife(&mut self, header: &'static str, value: &str) {
        self.persons[1].insert(header, value.to_owned());
    }

    fn earns(&mut self, header: &'static str, value: &str) {
        self.income.insert(header, value.to_owned());
    }

    /// Monitored since January with two measures.
    fn monitored(&mut self) -> &mut Self {
        self.monitoring = Some(cells(&[
            ("户编号", &format!("H{:04}", self.n)),
            ("监测对象类别", "脱贫不稳定户"),
            ("识别监测时间", "202001"),
            ("致贫/返贫风险1", "因病"),
            ("识别时是否住房出现安全问题", "否"),
            ("识别时是否义务教育适龄儿童失学辍学", "否"),
            ("识别时是否饮水出现安全问题", "否"),
            ("识别时是否有家庭成员未参加基本医保", "否"),
            ("识别时人均纯收入", "4000"),
            ("产业帮扶", "是"),
            ("健康帮扶", "是"),
            ("风险是否已消除", "否"),
        ]));
        self
    }

    /// Monitored since June and helped out of it in January.
    fn eliminated(&mut self) -> &mut Self {
        self.monitored();
        for (header, value) in [
            ("识别监测时间", "201906"),
            ("风险是否已消除", "是"),
            ("风险消除方式", "帮扶消除"),
            ("消除监测时间", "202001"),
            ("消除时人均纯收入", "8000"),
            ("消除时是否住房出现安全问题", "否"),
            ("消除时是否义务教育适龄儿童失学辍学", "否"),
            ("消除时是否饮水出现安全问题", "无"),
            ("消除时是否有家庭成员未参加基本医保", "否"),
        ] {
            self.set(header, value);
        }
        self
    }

    fn set(&mut self, header: &'static str, value: &str) -> &mut Self {
        self.monitoring.as_mut().unwrap().insert(header, value.to_owned());
        self
    }

    /// No measures but these.
    fn measures(&mut self, measures: &[(&'static str, &str)]) -> &mut Self {
        for header in rules::MEASURE_HEADERS {
            self.set(header, "");
        }
        for (header, value) in measures {
            self.set(header, value);
        }
        self
    }
}

/// A right ID number that ends in three zeros, as one that a spreadsheet damaged does; or in two only.
fn round(three: bool) -> String {
    let days = (0..).map(|n| NaiveDate::from_ymd_opt(1940, 1, 1).unwrap() + Days::new(n));
    let mut numbers = days.map(|day| id(&day.format("%Y%m%d").to_string(), 500));
    numbers.find(|number| number.ends_with("000") == three).unwrap()
}

/// Lets a change to a family end in one expression.
fn end(_: &mut Family) {}

/// A rule, what hits it, and what nearly does.
type Case = (&'static str, fn(&mut Family), fn(&mut Family));

const TABLE: &[Case] = &[
    ("row.label_unknown", |f| f.house("入户路类型", "石板路"), |f| f.house("入户路类型", "／")),
    ("person.id_excel_maybe", |f| f.wife("证件号码", &round(true)), |f| f.wife("证件号码", &round(false))),
    ("row.key_missing", |f| f.wife("人口编号", ""), |f| f.wife("人口编号", "1")),
    (
        "row.key_damaged",
        |f| f.wife("人口编号", "3.40323E+17"),
        |f| f.wife("人口编号", &format!("34032310220000{:04}", f.n)),
    ),
    ("row.village_unknown", |f| f.house("村", "无名村"), |f| f.house("自然村", "无名组")),
    ("row.household_unknown", |f| f.wife("户编号", &format!("H{:04}没有", f.n)), |f| f.wife("姓名", "新人")),
    (
        "row.outside_scope",
        |f| {
            f.house("县", "乙县");
            f.house("乡", "西乡");
            f.house("村", "水村");
        },
        |f| f.house("自然村", "水村"),
    ),
    ("row.key_twice", |f| f.persons.push(f.persons[1].clone()), |f| f.join("王小妹", "女", "之女", 1990)),
    ("row.number", |f| f.earns("务工收入", "三万"), |f| f.earns("务工收入", "／")),
    ("row.date", |f| f.head("出生日期", "某年"), |f| f.head("出生日期", "1965年1月")),
    ("person.name_missing", |f| f.wife("姓名", " "), |f| f.wife("姓名", "李")),
    (
        "person.id_checksum",
        |f| {
            let mut wrong = f.id_of(1967, false);
            let last = wrong.pop().unwrap();
            wrong.push(if last == '1' { '2' } else { '1' });
            f.wife("证件号码", &wrong);
        },
        |f| f.wife("证件号码", &format!(" {} ", f.id_of(1967, false).to_lowercase())),
    ),
    (
        "person.id_length",
        |f| f.wife("证件号码", "99010119670"),
        |f| f.wife("证件号码", &format!("{}43", f.id_of(1967, false))),
    ),
    (
        "person.id_digits",
        |f| f.wife("证件号码", "990101********1022"),
        |f| f.wife("证件号码", &format!("'{}", f.id_of(1967, false))),
    ),
    ("person.id_birth", |f| f.wife("证件号码", &id("18991231", 2)), |f| f.wife("证件号码", &id("19000101", 2))),
    ("person.id_future", |f| f.wife("证件号码", &id("20200221", 2)), |f| f.wife("证件号码", &id("20200220", 2))),
    ("person.id_excel", |f| f.wife("证件号码", "9.90101E+17"), |f| f.wife("证件号码", &f.id_of(1967, false))),
    (
        "person.id_disability",
        |f| f.wife("证件号码", &format!("{}95", f.id_of(1967, false))),
        |f| f.wife("证件号码", &format!("{}44", f.id_of(1967, false))),
    ),
    (
        "person.id_duplicate",
        |f| f.wife("证件号码", &format!("{}43", f.persons[0]["证件号码"].clone())),
        |f| f.wife("证件号码", &format!("{}43", f.id_of(1967, false))),
    ),
    (
        "person.id_empty",
        |f| f.wife("证件号码", ""),
        |f| {
            f.wife("证件类型", "护照");
            f.wife("证件号码", "E12345678");
        },
    ),
    (
        "person.id_legacy",
        |f| {
            let long = f.id_of(1967, false);
            f.wife("证件号码", &format!("{}{}", &long[..6], &long[8..17]));
        },
        |f| f.wife("证件号码", &f.id_of(1967, false)),
    ),
    ("person.birth_future", |f| f.wife("出生日期", "2020-02-21"), |f| f.wife("出生日期", "2020-02-20")),
    (
        "person.birth_differs",
        |f| f.wife("出生日期", "1967-12-31"),
        |f| {
            let number = f.persons[1]["证件号码"].clone();
            f.wife("出生日期", &format!("{}.{}.{}", &number[6..10], &number[10..12], &number[12..14]));
        },
    ),
    ("person.sex_differs", |f| f.head("性别", "女"), |f| f.head("性别", "")),
    ("person.relation_unknown", |f| f.wife("与户主关系", "邻居"), |f| f.wife("与户主关系", "妻子")),
    ("person.relation_sex", |f| f.wife("与户主关系", "之子"), |f| f.wife("与户主关系", "之女")),
    ("person.education_both", |f| f.wife("在校生状况", "本科一年级"), |f| f.wife("在校生状况", "非在校生")),
    (
        "person.education_none",
        |f| {
            f.wife("文化程度", "");
            f.wife("在校生状况", "非在校生");
        },
        |f| {
            f.wife("文化程度", "/");
            f.wife("在校生状况", "本科一年级");
        },
    ),
    ("person.health_empty", |f| f.wife("健康状况", ""), |f| f.wife("健康状况", "患有大病")),
    ("person.health_unknown", |f| f.wife("健康状况", "尚可"), |f| f.wife("健康状况", "长期慢性病，患有大病")),
    ("person.phone", |f| f.wife("成员联系电话", "1380013800"), |f| f.wife("成员联系电话", "138-0013-8000")),
    ("person.work_place_only", |f| f.wife("务工所在地", "上海市浦东新区"), |f| f.wife("务工所在地", "—")),
    ("person.work_months_only", |f| f.wife("务工时间(月)", "8"), |f| f.wife("务工时间(月)", "0")),
    (
        "person.insurance_both",
        |f| f.wife("是否参加城镇职工基本医疗保险", "是"),
        |f| f.wife("是否参加城镇职工基本医疗保险", ""),
    ),
    (
        "person.insurance_none",
        |f| {
            f.wife("是否参加城乡居民基本医疗保险", "否");
            f.wife("是否参加城镇职工基本医疗保险", "");
        },
        |f| {
            f.wife("是否参加城乡居民基本医疗保险", "");
            f.wife("是否参加城镇职工基本医疗保险", "");
        },
    ),
    ("person.dropout_healthy", |f| f.wife("失学或辍学原因", "因病"), |f| f.wife("失学或辍学原因", "家庭缺乏资金")),
    (
        "person.disability_no_card",
        |f| {
            f.wife("健康状况", "残疾");
            f.wife("残疾类别", "无");
        },
        |f| {
            f.wife("健康状况", "残疾");
            f.wife("残疾证办证年度", "2015");
        },
    ),
    (
        "person.able_no_labour",
        |f| f.wife("劳动技能", "无劳动力"),
        |f| {
            f.wife("证件号码", &f.id_of(1957, false));
            f.wife("劳动技能", "无劳动力");
        },
    ),
    (
        "person.no_labour_working",
        |f| {
            f.wife("健康状况", "患有大病");
            f.wife("劳动技能", "丧失劳动力");
            f.wife("务工所在地", "上海市浦东新区");
            f.wife("务工时间(月)", "3");
        },
        |f| {
            f.wife("劳动技能", "丧失劳动力");
            f.wife("务工所在地", "无");
            f.wife("务工时间(月)", "0");
        },
    ),
    (
        "person.student_working",
        |f| {
            f.wife("在校生状况", "本科四年级");
            f.wife("务工时间(月)", "3");
        },
        |f| {
            f.wife("在校生状况", "非在校生");
            f.wife("务工时间(月)", "3");
        },
    ),
    (
        "organisation.code",
        |f| f.wife("统一社会信用代码", "91350100M000100Y44"),
        |f| f.wife("统一社会信用代码", "91350100m000100y43 "),
    ),
    (
        "organisation.code_differs",
        |f| {
            f.head("务工企业名称", "第一电子厂");
            f.head("统一社会信用代码", "91350100M000100Y43");
            f.wife("务工企业名称", "第一电子厂");
            f.wife("统一社会信用代码", "91110000802100433B");
        },
        |f| {
            f.head("务工企业名称", "第二电子厂");
            f.head("统一社会信用代码", "91350100M000100Y43");
            f.wife("务工企业名称", "第二电子厂");
        },
    ),
    ("household.heads_many", |f| f.wife("与户主关系", "户主"), |f| f.wife("与户主关系", "之母")),
    ("household.head_none", |f| f.head("与户主关系", "其他"), |f| f.head("与户主关系", "本人或户主")),
    ("household.spouses_many", |f| f.join("王二嫂", "女", "配偶", 1970), |f| f.join("王二嫂", "女", "之儿媳", 1970)),
    (
        "household.couple_same_sex",
        |f| f.wife("证件号码", &f.id_of(1968, true)),
        |f| f.wife("证件号码", &f.id_of(1968, false)),
    ),
    ("household.phone", |f| f.house("户联系电话", "139000001"), |f| f.house("户联系电话", "+86 139 0000 0001")),
    (
        "household.fallow_area",
        |f| {
            f.house("退耕还林面积(亩)", "5.1");
            f.house("林地面积(亩)", "5");
        },
        |f| {
            f.house("退耕还林面积(亩)", "5");
            f.house("林地面积(亩)", "3");
            f.house("牧草地面积(亩)", "2");
        },
    ),
    ("household.members_zero", |f| f.house("家庭人口数", "无"), |f| f.house("家庭人口数", "1")),
    (
        "income.no_cost",
        |f| {
            f.earns("种植收入", "1000");
            f.earns("生产经营性支出", "—");
        },
        |f| {
            f.earns("种植收入", "1000");
            f.earns("生产经营性支出", "1");
        },
    ),
    ("income.wage_small", |f| f.earns("工资性收入", "299"), |f| f.earns("工资性收入", "300")),
    ("income.wage_large", |f| f.earns("工资性收入", "300,001元"), |f| f.earns("工资性收入", "300,000元")),
    ("income.sum_differs", |f| f.earns("纯收入", "29990"), |f| f.earns("纯收入", "29996")),
    (
        "monitoring.kind",
        |f| end(f.monitored().set("监测对象类别", "贫困户")),
        |f| end(f.monitored().set("监测对象类别", "边缘户")),
    ),
    (
        "monitoring.time_missing",
        |f| end(f.monitored().set("识别监测时间", "")),
        |f| end(f.monitored().set("识别监测时间", "2020年1月")),
    ),
    (
        "monitoring.risk_missing",
        |f| end(f.monitored().set("致贫/返贫风险1", "/")),
        |f| end(f.monitored().set("致贫/返贫风险1", "").set("致贫/返贫风险2", "因病")),
    ),
    (
        "monitoring.income_missing",
        |f| end(f.monitored().set("识别时人均纯收入", "—")),
        |f| end(f.monitored().set("识别时人均纯收入", "0")),
    ),
    (
        "monitoring.flag_missing",
        |f| end(f.monitored().set("识别时是否饮水出现安全问题", "/")),
        |f| end(f.monitored().set("识别时是否饮水出现安全问题", "无")),
    ),
    (
        "monitoring.insurance_risk",
        |f| end(f.monitored().set("致贫/返贫风险1", "因残").set("识别时是否有家庭成员未参加基本医保", "是")),
        |f| end(f.monitored().set("致贫/返贫风险2", "因残").set("识别时是否有家庭成员未参加基本医保", "是")),
    ),
    (
        "monitoring.water_risk",
        |f| end(f.monitored().set("识别时是否饮水出现安全问题", "是")),
        |f| end(f.monitored().set("识别时是否饮水出现安全问题", "是").set("致贫/返贫风险3", "因安全饮水")),
    ),
    (
        "monitoring.measure_none",
        |f| end(f.monitored().set("识别监测时间", "201912").measures(&[("产业帮扶", "/"), ("就业帮扶", "否")])),
        |f| end(f.monitored().measures(&[])),
    ),
    (
        "monitoring.eliminated_illness",
        |f| end(f.eliminated().measures(&[("产业帮扶", "是")])),
        |f| end(f.eliminated().measures(&[("综合保障", "是")])),
    ),
    (
        "monitoring.eliminated_school",
        |f| end(f.eliminated().set("致贫/返贫风险2", "因学")),
        |f| end(f.eliminated().set("致贫/返贫风险2", "因学").set("其他教育帮扶", "是")),
    ),
    (
        "monitoring.eliminated_no_measure",
        |f| end(f.eliminated().measures(&[])),
        |f| end(f.eliminated().set("风险消除方式", "自然消除").measures(&[])),
    ),
    (
        "monitoring.eliminated_early",
        |f| end(f.eliminated().set("识别监测时间", "201911")),
        |f| end(f.eliminated().set("识别监测时间", "201910")),
    ),
    (
        "monitoring.eliminated_below_line",
        |f| end(f.eliminated().set("消除时人均纯收入", "4999")),
        |f| end(f.eliminated().set("消除时人均纯收入", "5000")),
    ),
    (
        "monitoring.eliminated_empty",
        |f| end(f.eliminated().set("消除时是否有家庭成员未参加基本医保", "")),
        |f| end(f.eliminated().set("风险消除方式", "自然消除").set("消除时人均纯收入", "")),
    ),
    (
        "monitoring.eliminated_no_labour",
        |f| end(f.eliminated().set("是否整户无劳动能力兜底保障户", "是")),
        |f| end(f.monitored().set("是否整户无劳动能力兜底保障户", "是")),
    ),
    (
        "register.serious_insurance",
        |f| f.wife("是否参加大病保险", "0"),
        |f| {
            f.house("脱贫属性", "未脱贫");
            f.wife("是否参加大病保险", "0");
        },
    ),
    (
        "register.house_not_monitored",
        |f| {
            f.house("是否危房户", "");
            f.house("危房级别", "c级危房");
        },
        |f| {
            f.house("是否危房户", "");
            f.house("危房级别", "B级");
        },
    ),
    (
        "register.water_not_monitored",
        |f| {
            f.house("是否解决安全饮用水", "否");
            f.eliminated();
        },
        |f| {
            f.house("是否解决安全饮用水", "否");
            f.monitored();
        },
    ),
    ("register.income_not_monitored", |f| f.earns("人均纯收入", "4999"), |f| f.earns("人均纯收入", "5000")),
    (
        "register.eco_without_fallow",
        |f| f.earns("生态补偿金", "300"),
        |f| {
            f.earns("生态补偿金", "300");
            f.house("林地面积(亩)", "5");
            f.house("退耕还林面积(亩)", "1");
        },
    ),
    (
        "register.disability_risk",
        |f| end(f.monitored().set("致贫/返贫风险2", "因残")),
        |f| {
            f.monitored().set("致贫/返贫风险2", "因残");
            f.wife("健康状况", "患有大病,残疾");
        },
    ),
    (
        "register.work_risk",
        |f| {
            f.monitored().set("致贫/返贫风险2", "因务工就业不稳");
            f.head("劳动技能", "丧失劳动力");
            f.wife("劳动技能", "无劳动力");
        },
        |f| {
            f.monitored().set("致贫/返贫风险2", "因务工就业不稳");
            f.head("劳动技能", "丧失劳动力");
            f.wife("劳动技能", "弱劳动力或半劳动力");
        },
    ),
    (
        "register.labour_risk",
        |f| {
            // A child without labour does not make a household short of it.
            f.monitored().set("致贫/返贫风险2", "因缺劳动力");
            f.join("王小小", "男", "之孙子", 2015);
            f.persons[2].insert("劳动技能", "无劳动力".to_owned());
        },
        |f| {
            f.monitored().set("致贫/返贫风险2", "因缺劳动力");
            f.wife("劳动技能", "丧失劳动力");
        },
    ),
    (
        "register.measure_not_developing",
        |f| end(f.monitored().set("识别监测时间", "201907").measures(&[("健康帮扶", "是")])),
        |f| end(f.monitored().set("识别监测时间", "201908").measures(&[("健康帮扶", "是")])),
    ),
    (
        "register.only_general_measure",
        |f| end(f.monitored().measures(&[("综合保障", "是")])),
        |f| end(f.monitored().measures(&[("综合保障", "是"), ("搬迁帮扶", "是")])),
    ),
    (
        "register.support_not_listed",
        |f| end(f.monitored().set("综合保障", "纳入低保")),
        |f| {
            f.monitored().set("综合保障", "纳入低保");
            f.wife("是否享受低保", "1");
        },
    ),
    ("register.persons_none", |f| f.persons.clear(), |f| drop(f.persons.pop())),
    (
        "register.members_differ",
        |f| f.house("家庭人口数", "3"),
        |f| {
            f.house("家庭人口数", "3");
            f.join("王小明", "男", "之子", 1990);
        },
    ),
];

/// Rules that need more than one household's rows: the first two have their test below, those of divisions theirs in
/// `divisions.rs`, the others theirs in `incomplete.rs`.
const APART: [&str; 8] = [
    "row.code",
    "row.older",
    "row.short",
    "row.formula_empty",
    "person.id_kept",
    "division.urban_rural",
    "division.village_number",
    "division.no_successor",
];

#[test]
fn every_rule_is_in_the_table() {
    let known: BTreeSet<&str> = rules::RULES.iter().map(|r| r.id).collect();
    let tested: BTreeSet<&str> = TABLE.iter().map(|case| case.0).chain(APART).collect();
    assert_eq!(known.difference(&tested).collect::<Vec<_>>(), Vec::<&&str>::new(), "rules without a case");
    assert_eq!(tested.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new(), "cases without a rule");
    assert_eq!(TABLE.len() + APART.len(), rules::RULES.len(), "a case is written twice");
}

/// A file of a kind with these rows.
fn file(kind: Kind, rows: &[Cells]) -> Vec<u8> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let headers: Vec<&str> = kind.fields().iter().map(|f| f.header).collect();
    out.write_record(&headers).unwrap();
    for row in rows {
        assert!(row.keys().all(|h| headers.contains(h)), "{row:?}");
        out.write_record(headers.iter().map(|h| row.get(h).map_or("", String::as_str))).unwrap();
    }
    out.into_inner().unwrap()
}

async fn bring_in(app: &App, actor: &Actor, families: &[Family]) {
    let desk = Desk::new();
    let all = |rows: fn(&Family) -> Vec<Cells>| families.iter().flat_map(rows).collect::<Vec<_>>();
    let files = [
        (Kind::Household, all(|f| vec![f.household.clone()])),
        (Kind::Person, all(|f| f.persons.clone())),
        (Kind::Income, all(|f| vec![f.income.clone()])),
        (Kind::Monitoring, all(|f| f.monitoring.clone().into_iter().collect())),
    ];
    let files =
        files.map(|(kind, rows)| (kind, desk.file(&format!("{}.csv", kind.name()), file(kind, &rows)))).to_vec();
    intake::import_batch(app, actor, files, &ImportOptions::default(), &Progress::default()).await.unwrap();
}

#[tokio::test]
async fn every_rule_hits_what_it_is_for_and_not_what_is_near_it() {
    each_database(|app| async move {
        Desk::new().import(&app, "区划.csv", DIVISIONS).await.unwrap();
        let sound = 9_000;
        let mut families = vec![Family::sound(sound)];
        let mut monitored = Family::sound(sound + 1);
        monitored.monitored();
        let mut eliminated = Family::sound(sound + 2);
        eliminated.eliminated();
        families.extend([monitored, eliminated]);
        for (at, (_, hit, near)) in TABLE.iter().enumerate() {
            let n = 2 * at as u32;
            for (n, change) in [(n, hit), (n + 1, near)] {
                let mut family = Family::sound(n);
                change(&mut family);
                families.push(family);
            }
        }
        bring_in(&app, &clerk("990101"), &families).await;
        let issues: Vec<(String, String, String)> =
            app.db.all("SELECT rule_id, household_no, severity FROM import_issue", args![]).await.unwrap();
        let mut of: HashMap<String, BTreeMap<String, String>> = HashMap::new();
        for (rule, household, severity) in issues {
            of.entry(household.chars().take(5).collect()).or_default().insert(rule, severity);
        }
        let found = |n: u32| of.get(&format!("H{n:04}")).cloned().unwrap_or_default();
        for n in sound..sound + 3 {
            assert_eq!(found(n), BTreeMap::new(), "a sound household hits nothing");
        }
        let mut wrong = Vec::new();
        for (at, (rule, ..)) in TABLE.iter().enumerate() {
            let n = 2 * at as u32;
            let severity = rules::rule(rule).unwrap().severity.name();
            if found(n).get(*rule).map(String::as_str) != Some(severity) {
                wrong.push(format!("{rule} does not hit as {severity}: {:?}", found(n)));
            }
            if found(n + 1).contains_key(*rule) {
                wrong.push(format!("{rule} hits what is only near it: {:?}", found(n + 1)));
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn a_division_code_that_is_none_and_an_older_file_are_told() {
    each_database(|app| async move {
        let desk = Desk::new();
        let text = format!("{DIVISIONS}99010X,丙县,9901,3\n990103,丁县,9901,3\n");
        let report = desk.import(&app, "区划.csv", text).await.unwrap();
        assert_eq!((hits(&report).get("row.code"), report.rows_held), (Some(&1), 1));
        let machine = crate::support::machine();
        desk.import_as(&app, &machine, "户.csv", HOUSEHOLDS, Some("2020-02-10")).await.unwrap();
        let changed = HOUSEHOLDS.replace("H2,张桂兰,1", "H2,张桂兰,2");
        let older = desk.import_as(&app, &machine, "户0.csv", &changed, Some("2020-02-09")).await.unwrap();
        assert_eq!(hits(&older).get("row.older"), Some(&1));
        let changed = HOUSEHOLDS.replace("H2,张桂兰,1", "H2,张桂兰,3");
        let same_day = desk.import_as(&app, &machine, "户1.csv", &changed, Some("2020-02-10")).await.unwrap();
        assert_eq!((hits(&same_day).get("row.older"), same_day.rows_changed), (None, 1));
    })
    .await;
}
