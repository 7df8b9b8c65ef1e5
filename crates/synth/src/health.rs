//! The health commission's lists: report cards with revisions over several days, and close contacts.

use crate::SynthError;
use crate::geo::{COUNTY_HOUSEHOLDS, Epidemic, PROVINCE};
use crate::model::Household;
use crate::rng::Rng;
use crate::sheet::{Column, Table, col, sub};
use crate::subject::{Pool, Subject};
use crate::truth::Truth;
use crate::world::World;
use chrono::{Days, NaiveDate};

pub(crate) const CARD: &[Column] = &[
    col("序号"),
    col("卡片编号"),
    col("报卡类别"),
    col("姓名"),
    col("患儿家长姓名"),
    col("有效证件号"),
    col("性别"),
    col("出生日期"),
    col("实足年龄"),
    col("年龄单位"),
    col("工作单位(学校)"),
    col("联系电话"),
    col("病人属于"),
    sub("现住址", "省", "现住址省"),
    sub("现住址", "市", "现住址市"),
    sub("现住址", "县(区)", "现住址县(区)"),
    sub("现住址", "乡镇(街道)", "现住址乡镇(街道)"),
    sub("现住址", "村(社区)", "现住址村(社区)"),
    sub("现住址", "门牌号", "现住址门牌号"),
    col("人群分类"),
    col("疾病名称"),
    col("病例分类"),
    col("临床严重程度"),
    col("发病日期"),
    col("诊断日期时"),
    col("死亡日期"),
    col("出院日期"),
    col("转归"),
    col("聚集性疫情编号"),
    col("报告单位"),
    col("填卡医生"),
    col("填卡日期"),
    col("备注"),
];

pub(crate) const CONTACT: &[Column] = &[
    col("序号"),
    col("姓名"),
    col("证件号码"),
    col("性别"),
    col("出生日期"),
    col("联系电话"),
    col("现住址县"),
    col("现住址乡镇"),
    col("现住址村"),
    col("关联病例卡片编号"),
    col("关联病例姓名"),
    col("与病例关系"),
    col("末次接触日期"),
    col("接触方式"),
    col("观察开始日期"),
    col("解除观察日期"),
    col("观察方式"),
    col("观察结果"),
];

const DISEASE: &str = "新型冠状病毒肺炎";

/// How a case's card goes on from list to list: (class, outcome) per version.
type Course = &'static [(&'static str, &'static str)];

const CONFIRMED: &str = "确诊病例";
const SUSPECTED: &str = "疑似病例";
const EXCLUDED: &str = "排除病例";
const CARRIER: &str = "病原携带者";

const COURSES: &[(Course, u32)] = &[
    (&[(CONFIRMED, "在治")], 14),
    (&[(SUSPECTED, "在治"), (CONFIRMED, "在治")], 16),
    (&[(SUSPECTED, "在治"), (EXCLUDED, "")], 17),
    (&[(SUSPECTED, "在治")], 16),
    (&[(CONFIRMED, "在治"), (CONFIRMED, "治愈")], 12),
    (&[(SUSPECTED, "在治"), (CONFIRMED, "在治"), (CONFIRMED, "治愈")], 7),
    (&[(CONFIRMED, "在治"), (CONFIRMED, "死亡")], 3),
    (&[(CARRIER, "")], 6),
    (&[("临床诊断病例", "在治"), (CONFIRMED, "在治")], 3),
];

/// One card with everything that happens to it.
pub(crate) struct Case {
    pub(crate) subject: Subject,
    pub(crate) card: String,
    pub(crate) county: usize,
    course: Course,
    /// Index of the first list that shows it.
    first: usize,
    onset: NaiveDate,
    cluster: String,
    household: Option<u64>,
}

impl Case {
    fn last_class(&self, lists: usize) -> (&'static str, &'static str) {
        let shown = (lists - self.first).min(self.course.len());
        self.course[shown.saturating_sub(1)]
    }
}

/// The days of the lists, oldest first.
pub(crate) fn list_days(as_of: NaiveDate) -> [NaiveDate; 3] {
    [15, 8, 1].map(|back| as_of.checked_sub_days(Days::new(back)).unwrap_or(as_of))
}

fn cases_in(world: &World, county: usize, rng: &mut Rng) -> usize {
    let c = &world.geo.counties[county];
    match (c.epidemic, c.registered) {
        (Epidemic::None, _) => 0,
        (_, true) => {
            let share = (world.households - county as u64 * COUNTY_HOUSEHOLDS).min(COUNTY_HOUSEHOLDS);
            (share / 245).clamp(10, 81) as usize
        }
        (Epidemic::Severe, _) => 128,
        (Epidemic::Some, _) => rng.range(8, 30) as usize,
        (Epidemic::Past, _) => rng.range(2, 6) as usize,
    }
}

/// Makes all cases of a county.
fn county_cases(world: &World, county: usize, pool: &mut Pool<'_>) -> Vec<Case> {
    let mut rng = Rng::stream(world.seed, &[20, county as u64]);
    let days = list_days(world.as_of);
    let c = &world.geo.counties[county];
    let n = cases_in(world, county, &mut rng);
    // Courses by quota, so that a small county still has every turn of events.
    let total: u32 = COURSES.iter().map(|c| c.1).sum();
    let mut courses: Vec<Course> = Vec::with_capacity(n);
    for i in 0..n {
        let mut at = (i as u32 * 37 + 8) % total;
        let mut chosen = COURSES[0].0;
        for (course, weight) in COURSES {
            if at < *weight {
                chosen = course;
                break;
            }
            at -= weight;
        }
        courses.push(chosen);
    }
    rng.shuffle(&mut courses);
    let mut cases: Vec<Case> = Vec::with_capacity(n);
    let mut last_home: Option<Household> = None;
    for (i, course) in courses.into_iter().enumerate() {
        let mut household = None;
        let roll = (i * 29 + 11) % 100;
        let subject = if !c.registered || roll >= 92 && c.epidemic == Epidemic::Past {
            pool.stranger(county, &mut rng)
        } else {
            match roll {
                0..=65 => {
                    let again = if rng.per_cent(24) { last_home.take() } else { None };
                    let found = match again {
                        Some(hh) => pool.sibling(&hh, &mut rng).map(|i| (hh, i)),
                        None => None,
                    };
                    match found.or_else(|| pool.registered(county, &mut rng, |_, _| true)) {
                        Some((hh, m)) => {
                            let s = pool.subject(&hh, m);
                            household = Some(hh.index);
                            last_home = Some(hh);
                            s
                        }
                        None => pool.stranger(county, &mut rng),
                    }
                }
                66..=75 => pool.kin(county, &mut rng),
                76..=81 => pool.namesake(county, &mut rng),
                82..=89 => pool.cadre(county, &mut rng),
                _ => pool.stranger(county, &mut rng),
            }
        };
        let past = c.epidemic == Epidemic::Past;
        let room = 3 - course.len().min(3);
        let first = if past { 0 } else { rng.index(room + 1) };
        let back = if past { rng.range(4, 9) } else { rng.range(1, 6) } as u64;
        let onset = days[first].checked_sub_days(Days::new(back + 1)).unwrap_or(days[first]);
        let severe = c.epidemic == Epidemic::Severe;
        let cluster = if (severe && i % 3 != 0) || (household.is_some() && rng.per_cent(25)) {
            format!("JJ{}{:03}", c.code, if severe { i / 24 + 1 } else { i / 9 + 1 })
        } else {
            String::new()
        };
        let course: Course = if past { &[(CONFIRMED, "治愈")] } else { course };
        cases.push(Case {
            subject,
            card: format!("{}-{}-{:05}", c.code, onset.format("%Y"), i + 1),
            county,
            course,
            first,
            onset,
            cluster,
            household,
        });
    }
    cases
}

/// All cases of the province: those of registered counties, then those of the others.
pub(crate) fn all_cases(world: &World, pool: &mut Pool<'_>) -> (Vec<Case>, Vec<Case>) {
    let mut at_home = Vec::new();
    let mut elsewhere = Vec::new();
    for county in 0..world.geo.counties.len() {
        let cases = county_cases(world, county, pool);
        if world.geo.counties[county].registered { at_home.extend(cases) } else { elsewhere.extend(cases) }
    }
    (at_home, elsewhere)
}

/// Writes the cards that list `number` shows: cards new since the list before, and cards revised since.
pub(crate) fn write_list(
    world: &World,
    cases: &[Case],
    number: usize,
    w: &mut Table,
    truth: &mut Truth,
) -> Result<(), SynthError> {
    let day = list_days(world.as_of)[number];
    let mut shown: Vec<usize> = (0..cases.len())
        .filter(|&i| number >= cases[i].first && number - cases[i].first < cases[i].course.len())
        .collect();
    Rng::stream(world.seed, &[21, number as u64, cases.len() as u64]).shuffle(&mut shown);
    for (serial, at) in shown.into_iter().enumerate() {
        let case = &cases[at];
        let version = number - case.first;
        let (class, outcome) = case.course[version];
        let mut rng = Rng::stream(
            world.seed,
            &[
                22,
                case.county as u64,
                case.card.bytes().fold(0u64, |k, b| k.wrapping_mul(31).wrapping_add(u64::from(b))),
            ],
        );
        let s = &case.subject;
        // A revision is typed over the first card; now and then the second clerk corrects the slip.
        let (mut fields, mut kinds) = s.damaged(world, &mut rng);
        if version > 0 && rng.per_cent(30) {
            (fields, kinds) = (s.fields(world), Vec::new());
        }
        let v = &world.geo.villages[s.village];
        let c = &world.geo.counties[v.county];
        let mut filled = Rng::stream(world.seed, &[23, at as u64, version as u64, case.county as u64]);
        let written = day.checked_sub_days(Days::new(filled.below(6))).unwrap_or(day).max(case.onset);
        w.int(serial as i64 + 1)?;
        w.texts(&[&case.card, if version == 0 { "初次报告" } else { "订正报告" }, &fields.name])?;
        w.text(if s.age < 14 { parent_name(world, case).unwrap_or_default() } else { String::new() }.as_str())?;
        w.text(&fields.id)?;
        w.texts(&[s.sex.zh(), &fields.birth])?;
        if s.age < 1 {
            w.int(6)?
        } else {
            w.int(i64::from(s.age))?
        };
        w.texts(&[if s.age < 1 { "月" } else { "岁" }, &s.unit, &fields.phone, "本县区"])?;
        w.texts(&[PROVINCE.1, &world.geo.cities[c.city].name, &c.name, &fields.township, &fields.village])?;
        w.text(&format!("{}号", 1 + filled.below(180)))?;
        w.texts(&[s.crowd, DISEASE, class])?;
        let grave = match (class, outcome) {
            (CONFIRMED, "死亡") => "危重型",
            (CONFIRMED, _) => filled.weighted(&[("轻型", 16), ("普通型", 68), ("重型", 13), ("危重型", 3)]),
            _ => "",
        };
        w.text(grave)?;
        w.text(&case.onset.format("%Y-%m-%d").to_string())?;
        w.text(&format!("{} {:02}时", written.format("%Y-%m-%d"), 8 + filled.below(14)))?;
        let ended = written.format("%Y-%m-%d").to_string();
        w.text(if outcome == "死亡" { &ended } else { "" })?;
        w.text(if outcome == "治愈" { &ended } else { "" })?;
        w.texts(&[outcome, &case.cluster, &format!("{}人民医院", c.name)])?;
        w.text(["李医生", "王医生", "周医生", "何医生"][filled.index(4)])?;
        w.text(&ended)?;
        w.text(if class == EXCLUDED { "两次核酸检测阴性,予以排除" } else { "" })?;
        truth.case(w.name().to_owned().as_str(), w.row(), &case.card, version + 1, class, outcome, &s.who, &kinds)?;
        // What the household truly suffers is told once, by the newest version of the card.
        let newest = version + 1 == case.course.len() || number == 2;
        if newest {
            impacts(world, case, class, outcome, w, truth)?;
        }
        w.end()?;
    }
    Ok(())
}

fn parent_name(world: &World, case: &Case) -> Option<String> {
    let hh = world.clean_household(case.household?);
    hh.members.iter().find(|p| p.age > 20 && p.name != case.subject.name).map(|p| p.name.clone())
}

fn impacts(
    world: &World,
    case: &Case,
    class: &str,
    outcome: &str,
    w: &Table,
    truth: &mut Truth,
) -> Result<(), SynthError> {
    let who = &case.subject.who;
    let kind = match (class, outcome) {
        (_, "死亡") => "case_dead",
        (_, "治愈") => "case_cured",
        (SUSPECTED, _) => "case_suspected",
        (EXCLUDED, _) => "case_excluded",
        (CARRIER, _) => "case_carrier",
        _ => "case_confirmed",
    };
    match (who.role, case.subject.cadre) {
        ("registered", _) => truth.impact(&who.household, &who.person, kind, w.name(), w.row(), &case.card),
        ("helper", Some(number)) => {
            for h in number * 5..(number * 5 + 5).min(world.households) {
                let county = &world.geo.counties[world.county_of(h)].code;
                let no = format!("{county}{:07}", h % COUNTY_HOUSEHOLDS + 1);
                truth.impact(&no, "", &format!("helper_{kind}"), w.name(), w.row(), &case.card)?;
            }
            Ok(())
        }
        ("team", Some(village)) => {
            let code = &world.geo.villages[village as usize].code;
            truth.impact("", "", &format!("team_{kind}"), w.name(), w.row(), code)
        }
        _ => Ok(()),
    }
}

/// Writes the list of close contacts of confirmed and suspected cases.
pub(crate) fn write_contacts(
    world: &World,
    cases: &[Case],
    pool: &mut Pool<'_>,
    w: &mut Table,
    truth: &mut Truth,
) -> Result<(), SynthError> {
    let mut rng = Rng::stream(world.seed, &[24]);
    let mut serial = 0;
    for case in cases {
        let (class, _) = case.last_class(3);
        if class == EXCLUDED {
            continue;
        }
        let mut contacts: Vec<(Subject, &'static str)> = Vec::new();
        if let Some(h) = case.household {
            let hh = world.clean_household(h);
            for _ in 0..rng.index(3) {
                if let Some(i) = pool.sibling(&hh, &mut rng) {
                    contacts.push((pool.subject(&hh, i), "家庭成员"));
                }
            }
        }
        for _ in 0..rng.index(2) {
            if rng.per_cent(45) {
                if let Some((hh, i)) = pool.registered(case.county, &mut rng, |_, _| true) {
                    contacts.push((pool.subject(&hh, i), "同事或邻居"));
                }
            } else {
                contacts.push((pool.stranger(case.county, &mut rng), "同事或邻居"));
            }
        }
        for (s, relation) in contacts {
            serial += 1;
            let (fields, kinds) = s.damaged(world, &mut rng);
            let c = &world.geo.counties[world.geo.villages[s.village].county];
            let start = list_days(world.as_of)[case.first];
            let end = start.checked_add_days(Days::new(14)).unwrap_or(start);
            w.int(serial)?;
            w.texts(&[
                &fields.name,
                &fields.id,
                s.sex.zh(),
                &fields.birth,
                &fields.phone,
                &c.name,
                &fields.township,
                &fields.village,
            ])?;
            w.texts(&[&case.card, &case.subject.name, relation, &case.onset.format("%Y-%m-%d").to_string()])?;
            w.text(rng.pick(&["共同生活", "同餐", "同乘", "同室工作"]))?;
            w.text(&start.format("%Y-%m-%d").to_string())?;
            w.text(&if end <= world.as_of { end.format("%Y-%m-%d").to_string() } else { String::new() })?;
            w.texts(&[
                if rng.per_cent(60) { "集中观察" } else { "居家观察" },
                if end <= world.as_of { "解除" } else { "观察中" },
            ])?;
            truth.list(w.name().to_owned().as_str(), w.row(), "close_contact", &s.who, &kinds)?;
            if s.who.role == "registered" {
                truth.impact(&s.who.household, &s.who.person, "close_contact", w.name(), w.row(), &case.card)?;
            }
            w.end()?;
        }
    }
    Ok(())
}
