//! Lists of other agencies: medical self-pay, drop-outs, dangerous houses, jobs ended, disability cards, medical insurance,
//! drinking water.

use crate::SynthError;
use crate::model::{Household, Person, Sex, Work};
use crate::names::{self, People};
use crate::rng::Rng;
use crate::sheet::{Column, Table, col};
use crate::subject::{Ages, Pool, Subject};
use crate::truth::Truth;
use crate::welfare;
use crate::world::{World, company};
use chrono::{Datelike, Days, NaiveDate};

pub(crate) const MEDICAL: &[Column] = &[
    col("序号"),
    col("姓名"),
    col("身份证号"),
    col("性别"),
    col("联系电话"),
    col("参保县"),
    col("乡镇"),
    col("村"),
    col("医疗类别"),
    col("就诊医院"),
    col("医院级别"),
    col("疾病名称"),
    col("入院日期"),
    col("出院日期"),
    col("医疗总费用(元)"),
    col("基本医保报销(元)"),
    col("大病保险报销(元)"),
    col("医疗救助(元)"),
    col("个人自付(元)"),
];

pub(crate) const DROPOUT: &[Column] = &[
    col("序号"),
    col("学生姓名"),
    col("身份证号"),
    col("性别"),
    col("出生日期"),
    col("就读学校"),
    col("年级"),
    col("监护人姓名"),
    col("联系电话"),
    col("县"),
    col("乡镇"),
    col("村"),
    col("状态"),
    col("疑似辍学日期"),
    col("原因"),
];

pub(crate) const HOUSE: &[Column] = &[
    col("序号"),
    col("户主姓名"),
    col("身份证号码"),
    col("联系电话"),
    col("县"),
    col("乡镇"),
    col("村"),
    col("房屋结构"),
    col("建筑面积(平方米)"),
    col("鉴定等级"),
    col("鉴定单位"),
    col("鉴定日期"),
    col("现居住情况"),
    col("拟处置方式"),
];

pub(crate) const JOB: &[Column] = &[
    col("序号"),
    col("姓名"),
    col("公民身份号码"),
    col("性别"),
    col("联系电话"),
    col("户籍县"),
    col("户籍乡镇"),
    col("户籍村"),
    col("原务工地"),
    col("原用工单位"),
    col("原月工资(元)"),
    col("中断日期"),
    col("中断原因"),
    col("是否返乡"),
    col("就业意愿"),
];

/// One agency's list.
pub(crate) struct List {
    /// File name without its ending.
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) columns: &'static [Column],
    /// Rows per 100,000 registered persons.
    per: u64,
    /// Registered people among a hundred rows.
    share: u64,
    /// Of whoever else stands on it: a list of pupils has no grandfathers.
    ages: Ages,
    /// Rows in a hundred about somebody who stands on the list already.
    twice: u64,
}

/// The lists. New ones stand last, so that those before stay the same for a seed.
pub(crate) const LISTS: &[List] = &[
    List {
        name: "医疗自付费用较高人员清单",
        kind: "medical_self_pay",
        columns: MEDICAL,
        per: 260,
        share: 68,
        ages: 1..=88,
        twice: 10,
    },
    List {
        name: "疑似失学辍学学生名单",
        kind: "dropout",
        columns: DROPOUT,
        per: 45,
        share: 70,
        ages: 7..=15,
        twice: 0,
    },
    List {
        name: "农村危房鉴定台账",
        kind: "dangerous_house",
        columns: HOUSE,
        per: 70,
        share: 66,
        ages: 26..=86,
        twice: 0,
    },
    List {
        name: "务工中断人员名单", kind: "job_ended", columns: JOB, per: 340, share: 72, ages: 17..=59, twice: 3
    },
    List {
        name: "持证残疾人名单",
        kind: "disability_card",
        columns: welfare::DISABILITY,
        per: 130,
        share: 70,
        ages: 8..=85,
        twice: 0,
    },
    List {
        name: "基本医疗保险参保情况清单",
        kind: "medical_insurance",
        columns: welfare::INSURANCE,
        per: 160,
        share: 74,
        ages: 1..=85,
        twice: 0,
    },
    List {
        name: "农村饮水安全评价台账",
        kind: "water_supply",
        columns: welfare::WATER,
        per: 110,
        share: 68,
        ages: 26..=86,
        twice: 0,
    },
];

/// Rows in a hundred about a registered person whom another agency lists, too.
const SHARED: u64 = 25;

/// Somebody of a list, with what the list tells besides.
#[derive(Clone)]
struct Listed {
    subject: Subject,
    guardian: String,
    work: Option<Work>,
}

fn back(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}

/// Writes one of [`LISTS`].
pub(crate) fn write(
    world: &World,
    which: usize,
    persons: u64,
    pool: &mut Pool<'_>,
    w: &mut Table,
    truth: &mut Truth,
) -> Result<(), SynthError> {
    let list = &LISTS[which];
    let kind = list.kind;
    let mut rng = Rng::stream(world.seed, &[30, which as u64]);
    let rows = (persons * list.per / 100_000).max(6);
    let registered: Vec<usize> = (0..world.geo.counties.len()).filter(|&c| world.geo.counties[c].registered).collect();
    let fits = |_: &Household, p: &Person| match which {
        0 => p.health.contains('病'),
        1 => (7..=15).contains(&p.age) && p.is_student(),
        2 | 6 => p.relation == "户主",
        3 => p.work.is_some(),
        4 => welfare::holds_card(p),
        _ => p.age >= 1,
    };
    pool.next_list();
    let mut before: Vec<Listed> = Vec::new();
    for serial in 1..=rows {
        let county = rng.pick(&registered);
        let again =
            (!before.is_empty() && rng.below(100) < list.twice).then(|| before[rng.index(before.len())].clone());
        let listed = match again {
            Some(listed) => listed,
            None => {
                let found = if rng.below(100) < list.share {
                    let shared = if rng.below(100) < SHARED { pool.listed_before(&mut rng, fits) } else { None };
                    shared.or_else(|| pool.registered(county, &mut rng, fits))
                } else {
                    None
                };
                match found {
                    Some((hh, i)) => {
                        let adult = hh.members.iter().enumerate().find(|(k, p)| *k != i && p.age > 20);
                        Listed {
                            guardian: adult.map(|(_, p)| p.name.clone()).unwrap_or_default(),
                            work: hh.members[i].work,
                            subject: pool.subject(&hh, i),
                        }
                    }
                    None => {
                        let subject = match rng.below(16) {
                            0..=3 => pool.kin_aged(county, &mut rng, &list.ages),
                            4..=7 => pool.namesake_aged(county, &mut rng, &list.ages),
                            _ => pool.stranger_aged(county, &mut rng, &list.ages),
                        };
                        let mut guardian = String::new();
                        if subject.age < 16 {
                            let surname: String = subject.name.chars().take(1).collect();
                            let born = subject.birth.year() - 30;
                            names::full_name(&mut rng, People::Han, &surname, Sex::Male, born, None, &mut guardian);
                        }
                        Listed { subject, guardian, work: None }
                    }
                }
            }
        };
        before.push(listed.clone());
        let Listed { subject: s, guardian, work } = listed;
        let county = world.geo.villages[s.village].county;
        let (f, mut kinds) = s.damaged(world, &mut rng);
        let c = &world.geo.counties[world.geo.villages[s.village].county].name;
        let mut reference = String::new();
        w.int(serial as i64)?;
        match which {
            0 => {
                let inpatient = rng.per_cent(82);
                let cost = if inpatient { rng.range(9_000, 180_000) } else { rng.range(2_000, 16_000) };
                let basic = cost * rng.range(45, 65) / 100;
                let serious = if cost > 40_000 { (cost - basic) * rng.range(20, 45) / 100 } else { 0 };
                let aid = if rng.per_cent(40) { (cost - basic - serious) * rng.range(10, 40) / 100 } else { 0 };
                let own = cost - basic - serious - aid;
                let out = back(world.as_of, rng.below(50));
                let into = back(out, if inpatient { 4 + rng.below(24) } else { 0 });
                w.texts(&[
                    &f.name,
                    &f.id,
                    s.sex.zh(),
                    &f.phone,
                    c,
                    &f.township,
                    &f.village,
                    if inpatient { "住院" } else { "门诊慢特病" },
                ])?;
                let (hospital, level) = match rng.below(3) {
                    0 => (format!("{c}人民医院"), "县级"),
                    1 => (format!("{}人民医院", world.geo.cities[world.geo.counties[county].city].name), "市级"),
                    _ => ("云岭省第一人民医院".to_owned(), "省级"),
                };
                w.texts(&[
                    &hospital,
                    level,
                    rng.pick(&["慢性肾衰竭", "脑卒中", "恶性肿瘤", "冠心病", "糖尿病并发症", "骨折", "肝硬化"]),
                ])?;
                w.texts(&[&into.format("%Y-%m-%d").to_string(), &out.format("%Y-%m-%d").to_string()])?;
                for value in [cost, basic, serious, aid, own] {
                    w.int(value)?;
                }
                reference.push_str(&own.to_string());
            }
            1 => {
                let grade = ["一年级", "二年级", "三年级", "四年级", "五年级", "六年级", "七年级", "八年级", "九年级"]
                    [(s.age - 7).clamp(0, 8) as usize];
                w.texts(&[
                    &f.name,
                    &f.id,
                    s.sex.zh(),
                    &f.birth,
                    &format!("{}中心学校", f.township),
                    grade,
                    &guardian,
                    &f.phone,
                    c,
                    &f.township,
                    &f.village,
                ])?;
                let state = rng.weighted(&[("疑似辍学", 62), ("辍学", 20), ("休学", 10), ("送教上门", 8)]);
                let day = back(world.as_of, 5 + rng.below(120));
                w.texts(&[
                    state,
                    &day.format("%Y.%-m.%-d").to_string(),
                    rng.pick(&["外出务工", "厌学", "因病", "随父母外出未转学", "家庭困难"]),
                ])?;
                reference.push_str(state);
            }
            2 => {
                let grade = if rng.per_cent(68) { "C级" } else { "D级" };
                w.texts(&[
                    &f.name,
                    &f.id,
                    &f.phone,
                    c,
                    &f.township,
                    &f.village,
                    rng.pick(&["土木", "砖木", "砖混", "土坯"]),
                ])?;
                w.int(rng.range(36, 140))?;
                let day = back(world.as_of, 10 + rng.below(200));
                w.texts(&[grade, &format!("{c}住房和城乡建设局"), &day.format("%Y年%-m月%-d日").to_string()])?;
                w.texts(&[
                    rng.pick(&["仍在居住", "借住亲属家", "已搬离", "外出务工"]),
                    if grade == "C级" { "维修加固" } else { "拆除重建" },
                ])?;
                reference.push_str(grade);
            }
            4 => reference = welfare::disability(world, (&s, &f), &mut kinds, &mut rng, w)?,
            5 => reference = welfare::insurance(world, (&s, &f), &mut rng, w)?,
            6 => reference = welfare::water(world, (&s, &f), &mut rng, w)?,
            _ => {
                let (place, firm) = match work {
                    Some(job) => (world.workplaces[job.place as usize].name.clone(), company(job.company)),
                    None => {
                        (world.workplaces[rng.index(world.workplaces.len())].name.clone(), company(rng.below(4000)))
                    }
                };
                w.texts(&[&f.name, &f.id, s.sex.zh(), &f.phone, c, &f.township, &f.village, &place, &firm])?;
                w.int(rng.range(24, 58) * 100)?;
                let day = back(world.as_of, 2 + rng.below(40));
                w.texts(&[
                    &day.format("%Y/%-m/%-d").to_string(),
                    rng.pick(&["企业停产", "疫情不能返岗", "合同到期", "企业裁员", "因病返乡"]),
                ])?;
                w.texts(&[
                    if rng.per_cent(80) { "是" } else { "否" },
                    rng.pick(&["省外务工", "县内就业", "本村公益岗位", "无"]),
                ])?;
                reference.push_str(&place);
            }
        }
        truth.list(w.name().to_owned().as_str(), w.row(), kind, &s.who, &kinds)?;
        if s.who.role == "registered" {
            truth.impact(&s.who.household, &s.who.person, kind, w.name(), w.row(), &reference)?;
        }
        w.end()?;
    }
    Ok(())
}
