//! The register's exports: household, income, person, monitoring, helper and work-team files.

use crate::SynthError;
use crate::geo::{PROVINCE, group_name};
use crate::model::{Household, MEASURES, Person, Place, Sex};
use crate::names;
use crate::rng::{Rng, mix};
use crate::sheet::{Column, Table, col, sub, subsum, sum};
use crate::world::{World, company, months_before};

pub(crate) const HOUSEHOLD: &[Column] = &[
    col("省"),
    col("市"),
    col("县"),
    col("乡"),
    col("村"),
    col("自然村"),
    col("户编号"),
    col("户主编号"),
    col("户主姓名"),
    col("户主证件号码"),
    sum("家庭人口数"),
    col("户联系电话"),
    col("开户银行名称"),
    col("银行卡号"),
    col("识别标准"),
    col("户类型"),
    col("脱贫属性"),
    col("主要致贫原因"),
    col("次要致贫原因"),
    col("首次识别时间"),
    col("是否军烈属"),
    col("是否危房户"),
    col("危房级别"),
    col("住房面积"),
    col("是否解决安全饮用水"),
    col("是否通生活用电"),
    col("是否通生产用电"),
    col("是否通广播电视"),
    col("是否有卫生厕所"),
    col("主要燃料类型"),
    col("入户路类型"),
    col("与村主干路距离"),
    col("耕地面积(亩)"),
    col("林地面积(亩)"),
    col("退耕还林面积(亩)"),
    col("林果面积(亩)"),
    col("牧草地面积(亩)"),
    col("水面面积(亩)"),
    col("是否加入农民专业合作组织"),
    col("是否有龙头企业带动"),
    col("是否有创业致富带头人带动"),
    col("到户产业帮扶类型"),
    col("年度"),
];

pub(crate) const INCOME: &[Column] = &[
    col("县"),
    col("乡"),
    col("村"),
    col("户编号"),
    col("户主姓名"),
    col("户主证件号码"),
    sum("家庭人口数"),
    subsum("工资性收入", "务工", "务工收入"),
    subsum("工资性收入", "公益性岗位", "公益性岗位收入"),
    subsum("工资性收入", "其他", "其他工资性收入"),
    subsum("工资性收入", "小计", "工资性收入"),
    subsum("生产经营性收入", "种植", "种植收入"),
    subsum("生产经营性收入", "养殖", "养殖收入"),
    subsum("生产经营性收入", "林果", "林果收入"),
    subsum("生产经营性收入", "其他", "其他生产经营性收入"),
    subsum("生产经营性收入", "小计", "生产经营性收入"),
    subsum("财产性收入", "资产收益扶贫分红", "资产收益扶贫分红收入"),
    subsum("财产性收入", "土地流转", "土地流转收入"),
    subsum("财产性收入", "其他", "其他财产性收入"),
    subsum("财产性收入", "小计", "财产性收入"),
    subsum("转移性收入", "计划生育金", "计划生育金"),
    subsum("转移性收入", "低保金", "低保金"),
    subsum("转移性收入", "特困供养金", "特困供养金"),
    subsum("转移性收入", "养老保险金", "养老保险金"),
    subsum("转移性收入", "生态补偿金", "生态补偿金"),
    subsum("转移性收入", "其他", "其他转移性收入"),
    subsum("转移性收入", "小计", "转移性收入"),
    sum("生产经营性支出"),
    sum("年收入"),
    sum("纯收入"),
    col("人均纯收入"),
    sum("理赔收入"),
    sum("合规自付支出"),
    col("纳入监测对象的人均收入参考范围"),
    col("年度"),
];

pub(crate) const PERSON: &[Column] = &[
    col("省"),
    col("市"),
    col("县"),
    col("乡"),
    col("村"),
    col("户编号"),
    col("人口编号"),
    col("姓名"),
    col("性别"),
    col("出生日期"),
    col("证件类型"),
    col("证件号码"),
    col("与户主关系"),
    col("民族"),
    col("政治面貌"),
    col("文化程度"),
    col("在校生状况"),
    col("失学或辍学原因"),
    col("健康状况"),
    col("残疾类别"),
    col("残疾证办证年度"),
    col("劳动技能"),
    col("务工区域"),
    col("务工所在地"),
    col("务工企业名称"),
    col("务工时间(月)"),
    col("是否国外务工"),
    col("就业渠道"),
    col("产业分类"),
    col("公益性岗位类型"),
    col("公益性岗位(月数)"),
    col("是否会讲普通话"),
    col("是否享受低保"),
    col("是否特困供养人员"),
    col("是否易地扶贫搬迁人口"),
    col("是否参加城乡居民基本医疗保险"),
    col("是否参加城镇职工基本医疗保险"),
    col("是否参加大病保险"),
    col("是否参加商业补充医疗保险"),
    col("是否参加城乡居民基本养老保险"),
    col("是否参加城镇职工基本养老保险"),
    col("是否接受医疗救助"),
    col("是否接受其他健康扶贫"),
    col("成员联系电话"),
    col("大专或本科毕业生未就业原因"),
    col("年度"),
];

pub(crate) const MONITOR: &[Column] = &[
    col("县"),
    col("乡"),
    col("村"),
    col("户编号"),
    col("户主姓名"),
    col("户主证件号码"),
    sum("家庭人口数"),
    col("监测对象类别"),
    col("识别监测时间"),
    sub("致贫/返贫风险", "风险1", "致贫/返贫风险1"),
    sub("致贫/返贫风险", "风险2", "致贫/返贫风险2"),
    sub("致贫/返贫风险", "风险3", "致贫/返贫风险3"),
    sub("致贫/返贫风险", "风险4", "致贫/返贫风险4"),
    sub("致贫/返贫风险", "风险5", "致贫/返贫风险5"),
    col("因自然灾害子项"),
    col("是否整户无劳动能力兜底保障户"),
    sub("识别时三保障和饮水安全", "住房出现安全问题", "识别时是否住房出现安全问题"),
    sub("识别时三保障和饮水安全", "义务教育适龄儿童失学辍学", "识别时是否义务教育适龄儿童失学辍学"),
    sub("识别时三保障和饮水安全", "饮水出现安全问题", "识别时是否饮水出现安全问题"),
    sub("识别时三保障和饮水安全", "有家庭成员未参加基本医保", "识别时是否有家庭成员未参加基本医保"),
    col("识别时人均纯收入"),
    col("实施开发式帮扶措施情况"),
    sub("帮扶措施", MEASURES[0], MEASURES[0]),
    sub("帮扶措施", MEASURES[1], MEASURES[1]),
    sub("帮扶措施", MEASURES[2], MEASURES[2]),
    sub("帮扶措施", MEASURES[3], MEASURES[3]),
    sub("帮扶措施", MEASURES[4], MEASURES[4]),
    sub("帮扶措施", MEASURES[5], MEASURES[5]),
    sub("帮扶措施", MEASURES[6], MEASURES[6]),
    sub("帮扶措施", MEASURES[7], MEASURES[7]),
    sub("帮扶措施", MEASURES[8], MEASURES[8]),
    sub("帮扶措施", MEASURES[9], MEASURES[9]),
    sub("帮扶措施", MEASURES[10], MEASURES[10]),
    sub("帮扶措施", MEASURES[11], MEASURES[11]),
    sub("帮扶措施", MEASURES[12], MEASURES[12]),
    sub("帮扶措施", MEASURES[13], MEASURES[13]),
    sub("帮扶措施", MEASURES[14], MEASURES[14]),
    col("风险是否已消除"),
    col("风险消除方式"),
    col("消除监测时间"),
    sub("消除时三保障和饮水安全", "住房出现安全问题", "消除时是否住房出现安全问题"),
    sub("消除时三保障和饮水安全", "义务教育适龄儿童失学辍学", "消除时是否义务教育适龄儿童失学辍学"),
    sub("消除时三保障和饮水安全", "饮水出现安全问题", "消除时是否饮水出现安全问题"),
    sub("消除时三保障和饮水安全", "有家庭成员未参加基本医保", "消除时是否有家庭成员未参加基本医保"),
    col("消除时人均纯收入"),
    col("监测联系人"),
    col("信息采集人"),
    col("信息采集人电话"),
];

pub(crate) const HELPER: &[Column] = &[
    col("县"),
    col("乡"),
    col("村"),
    col("户编号"),
    col("户主姓名"),
    col("户主证件号码"),
    col("帮扶责任人姓名"),
    col("性别"),
    col("政治面貌"),
    col("证件号码"),
    col("帮扶(选派)单位名称"),
    col("帮扶开始时间"),
    col("帮扶结束时间"),
    col("联系电话"),
];

pub(crate) const TEAM: &[Column] = &[
    col("县"),
    col("乡"),
    col("村"),
    col("驻村工作队名称"),
    col("队员类别"),
    col("姓名"),
    col("性别"),
    col("证件号码"),
    col("政治面貌"),
    col("帮扶(选派)单位名称"),
    col("驻村开始时间"),
    col("驻村结束时间"),
    col("联系电话"),
    col("状态"),
];

/// A person of the helping side: a household's helper or a member of a village work team.
pub(crate) struct Cadre {
    pub(crate) name: String,
    pub(crate) sex: Sex,
    pub(crate) age: i32,
    pub(crate) id: String,
    pub(crate) birth: chrono::NaiveDate,
    pub(crate) party: bool,
    pub(crate) unit: String,
    pub(crate) phone: String,
    pub(crate) since: u32,
}

const BUREAUS: [&str; 24] = [
    "财政局",
    "教育体育局",
    "卫生健康委员会",
    "农业农村局",
    "水利局",
    "交通运输局",
    "住房和城乡建设局",
    "林业局",
    "民政局",
    "人力资源和社会保障局",
    "自然资源和规划局",
    "市场监督管理局",
    "公安局",
    "司法局",
    "审计局",
    "文化旅游局",
    "商务局",
    "医疗保障局",
    "税务局",
    "人民医院",
    "第一中学",
    "供电公司",
    "农村商业银行",
    "总工会",
];

/// Households looked after by one helper.
const PER_HELPER: u64 = 5;
/// Ordinals of phone numbers: helpers and team members stand far behind the households' own.
const HELPER_PHONES: u64 = 40_000_000;
const TEAM_PHONES: u64 = 50_000_000;

fn cadre(world: &World, path: &[u64], county: usize, id_slot: u32, phone: u64) -> Cadre {
    let mut rng = Rng::stream(world.seed, path);
    let sex = if rng.per_cent(72) { Sex::Male } else { Sex::Female };
    let age = rng.range(25, 57) as i32;
    let (id, birth) = world.stranger_id(county, id_slot, sex, age);
    let surname = names::surname(&mut rng);
    let mut name = String::new();
    let year = chrono::Datelike::year(&birth);
    names::full_name(&mut rng, names::People::Han, surname, sex, year, None, &mut name);
    Cadre {
        name,
        sex,
        age,
        id: id.as_str().to_owned(),
        birth,
        party: rng.per_cent(76),
        unit: format!("{}{}", world.geo.counties[county].name, rng.pick(&BUREAUS)),
        phone: world.phone(phone),
        since: months_before(world.as_of, rng.range(6, 46) as u32),
    }
}

/// Which helper looks after a household, as a number within the province.
pub(crate) fn helper_of(h: u64) -> u64 {
    h / PER_HELPER
}

/// The helper with that number.
pub(crate) fn helper(world: &World, number: u64) -> Cadre {
    let county = world.county_of(number * PER_HELPER);
    let local = number - county as u64 * (crate::geo::COUNTY_HOUSEHOLDS / PER_HELPER);
    cadre(world, &[5, number], county, 1_000 + local as u32, HELPER_PHONES + number)
}

pub(crate) const TEAM_ROLES: [&str; 3] = ["第一书记", "队长", "队员"];

/// Member `role` of a poor village's work team.
pub(crate) fn team_member(world: &World, village: usize, role: usize) -> Cadre {
    let county = world.geo.villages[village].county;
    let local = (village - world.geo.counties[county].villages.start) as u32;
    cadre(
        world,
        &[6, village as u64, role as u64],
        county,
        6_000 + local * 3 + role as u32,
        TEAM_PHONES + village as u64 * 3 + role as u64,
    )
}

fn year(world: &World) -> i64 {
    i64::from(chrono::Datelike::year(&world.as_of)) - 1
}

fn month_text(value: u32, w: &mut Table) -> Result<(), SynthError> {
    if value == 0 { w.text("") } else { w.text(&value.to_string()) }
}

fn names_of<'a>(world: &'a World, hh: &Household) -> [&'a str; 5] {
    let v = &world.geo.villages[hh.village];
    let t = &world.geo.townships[v.township];
    let c = &world.geo.counties[v.county];
    [PROVINCE.1, &world.geo.cities[c.city].name, &c.name, &t.name, &v.name]
}

pub(crate) fn household_row(world: &World, hh: &Household, w: &mut Table) -> Result<(), SynthError> {
    w.texts(&names_of(world, hh))?;
    let v = &world.geo.villages[hh.village];
    w.text(&group_name(world.seed, hh.village, v.clans[0], hh.group))?;
    w.text(&hh.no)?;
    w.text(&hh.head().no)?;
    w.text(&hh.head().name)?;
    w.id(&hh.head().id_text)?;
    w.int(hh.counted())?;
    w.text(&hh.phone)?;
    w.text(hh.bank)?;
    w.id(&hh.card)?;
    w.text(if hh.first_identified == 0 { "" } else { "国家标准" })?;
    w.texts(&[hh.kind, hh.status, hh.main_cause, &hh.other_causes])?;
    month_text(hh.first_identified, w)?;
    w.flag(hh.veteran)?;
    w.flag(hh.dangerous)?;
    w.text(hh.danger_grade)?;
    w.int(i64::from(hh.floor_area))?;
    w.flag(hh.safe_water)?;
    w.flag(true)?;
    w.flag(true)?;
    w.flag(hh.broadcast)?;
    w.flag(hh.toilet)?;
    w.texts(&[hh.fuel, hh.road])?;
    w.decimal(i64::from(hh.road_distance), 3)?;
    for area in hh.land {
        w.decimal(i64::from(area), 1)?;
    }
    w.flag(hh.cooperative)?;
    w.flag(hh.enterprise)?;
    w.flag(hh.leader)?;
    w.text(hh.industry_aid)?;
    w.int(year(world))?;
    w.end()
}

pub(crate) fn income_row(world: &World, hh: &Household, w: &mut Table) -> Result<(), SynthError> {
    let names = names_of(world, hh);
    w.texts(&names[2..])?;
    w.texts(&[&hh.no, &hh.head().name])?;
    w.id(&hh.head().id_text)?;
    w.int(hh.members.len() as i64)?;
    let i = &hh.income;
    for value in [
        i.wage_work,
        i.wage_post,
        i.wage_other,
        i.wages(),
        i.crops,
        i.livestock,
        i.forest,
        i.trade,
        i.operating(),
        i.dividend,
        i.land_rent,
        i.property_other,
        i.property(),
        i.family_planning,
        i.dibao,
        i.tekun,
        i.pension,
        i.eco,
        i.transfer_other,
        i.transfers(),
        i.cost,
        i.gross(),
        i.net() + hh.net_slip,
    ] {
        w.int(value)?;
    }
    w.decimal(hh.per_head_fen(), 2)?;
    w.int(i.claims)?;
    w.int(i.self_paid)?;
    w.decimal((i.net() + i.claims - i.self_paid) * 100 / hh.members.len().max(1) as i64, 2)?;
    w.int(year(world))?;
    w.end()
}

pub(crate) fn person_row(world: &World, hh: &Household, p: &Person, w: &mut Table) -> Result<(), SynthError> {
    w.texts(&names_of(world, hh))?;
    w.texts(&[&hh.no, &p.no, &p.name, p.sex.zh()])?;
    let mut day = *b"0000-00-00";
    date_digits(p.birth, &mut day);
    w.text(std::str::from_utf8(&day).unwrap_or_default())?;
    w.text(p.id_kind)?;
    match &p.id_form {
        Some((text, _)) => w.text(text)?,
        None => w.id(&p.id_text)?,
    }
    w.texts(&[p.relation, p.people, p.party, p.education, p.school, p.dropout, p.health, p.disability])?;
    if p.card_year == 0 {
        w.text("")?
    } else {
        w.int(i64::from(p.card_year))?
    };
    w.text(p.labour)?;
    match p.work {
        Some(work) => {
            let place = &world.workplaces[work.place as usize];
            let home = world.county_of(hh.index);
            let zone = if place.county == Some(home) { "乡外县内" } else { place.zone };
            if p.hide_place {
                w.texts(&["", ""])?;
            } else {
                w.texts(&[zone, &place.name])?;
            }
            w.text(&company(work.company))?;
            if p.hide_months {
                w.text("")?
            } else {
                w.int(i64::from(work.months))?
            };
            w.text("否")?;
        }
        None => w.texts(&["", "", "", "", ""])?,
    }
    w.texts(&[p.channel, p.industry, p.post])?;
    if p.post_months == 0 {
        w.text("")?
    } else {
        w.int(i64::from(p.post_months))?
    };
    for flag in [
        p.mandarin,
        hh.dibao,
        hh.tekun,
        p.relocated,
        p.resident_insurance,
        p.employee_insurance,
        p.serious_insurance,
        p.commercial_insurance,
        p.resident_pension,
        p.employee_pension,
        p.medical_aid,
        p.other_health_aid,
    ] {
        w.flag(flag)?;
    }
    w.texts(&[&p.phone, p.idle_graduate])?;
    w.int(year(world))?;
    w.end()
}

fn date_digits(day: chrono::NaiveDate, out: &mut [u8; 10]) {
    use chrono::Datelike;
    let mut put = |from: usize, to: usize, mut value: u32| {
        for at in (from..to).rev() {
            out[at] = b'0' + (value % 10) as u8;
            value /= 10;
        }
    };
    put(0, 4, day.year() as u32);
    put(5, 7, day.month());
    put(8, 10, day.day());
}

/// The measure group of the general support (综合保障).
const GENERAL: usize = 9;

pub(crate) fn monitor_row(world: &World, hh: &Household, w: &mut Table) -> Result<(), SynthError> {
    let Some(m) = &hh.monitor else { return Ok(()) };
    let names = names_of(world, hh);
    w.texts(&names[2..])?;
    w.texts(&[&hh.no, &hh.head().name])?;
    w.id(&hh.head().id_text)?;
    w.int(hh.members.len() as i64)?;
    w.text(m.class)?;
    month_text(m.since, w)?;
    for i in 0..5 {
        w.text(m.risks.get(i).copied().unwrap_or(""))?;
    }
    w.text(m.disaster)?;
    w.flag(m.no_labour)?;
    for flag in m.flags {
        w.text(match (m.no_flags, flag) {
            (true, _) => "",
            (false, true) => "是",
            (false, false) => "否",
        })?;
    }
    if m.income == 0 {
        w.text("")?
    } else {
        w.int(m.income)?
    };
    w.text(if m.developing { "已实施" } else { "尚未实施" })?;
    for (at, done) in m.measures.into_iter().enumerate() {
        w.text(match done {
            true if at == GENERAL && !m.general.is_empty() => m.general,
            true => "是",
            false => "",
        })?;
    }
    match m.eliminated {
        Some((when, income)) => {
            w.texts(&["是", m.how])?;
            month_text(when, w)?;
            w.texts(&["否", "否", "否", "否"])?;
            if income == 0 {
                w.text("")?
            } else {
                w.int(income)?
            };
        }
        None => w.texts(&["否", "", "", "", "", "", "", ""])?,
    }
    let contact = helper(world, helper_of(hh.index));
    w.text(&contact.name)?;
    w.text(&contact.name)?;
    w.text(&contact.phone)?;
    w.end()
}

pub(crate) fn helper_row(world: &World, hh: &Household, who: &Cadre, w: &mut Table) -> Result<(), SynthError> {
    let names = names_of(world, hh);
    w.texts(&names[2..])?;
    w.texts(&[&hh.no, &hh.head().name])?;
    w.id(&hh.head().id_text)?;
    w.texts(&[&who.name, who.sex.zh(), if who.party { "中共党员" } else { "群众" }])?;
    w.id(&who.id)?;
    w.text(&who.unit)?;
    month_text(who.since, w)?;
    w.text("")?;
    w.text(&who.phone)?;
    w.end()
}

/// Writes the three rows of one village's work team.
pub(crate) fn team_rows(world: &World, village: usize, w: &mut Table) -> Result<(), SynthError> {
    let v = &world.geo.villages[village];
    let t = &world.geo.townships[v.township];
    let c = &world.geo.counties[v.county];
    let leave = mix(world.seed ^ village as u64 ^ 0x7EA);
    for (role, label) in TEAM_ROLES.iter().enumerate() {
        let who = team_member(world, village, role);
        w.texts(&[&c.name, &t.name, &v.name, &format!("驻{}工作队", v.name), label, &who.name, who.sex.zh()])?;
        w.id(&who.id)?;
        w.texts(&[if who.party { "中共党员" } else { "群众" }, &who.unit])?;
        month_text(who.since, w)?;
        w.text("")?;
        w.text(&who.phone)?;
        // A few had not returned to the village after the holiday.
        w.text(if (leave >> (role * 8)) % 100 < 6 { "未到岗" } else { "在岗" })?;
        w.end()?;
    }
    Ok(())
}

/// The rules planted at one place of a household.
pub(crate) fn marks_at(hh: &Household, place: Place) -> impl Iterator<Item = &'static str> + '_ {
    hh.marks.iter().filter(move |(p, _)| *p == place).map(|(_, rule)| *rule)
}
