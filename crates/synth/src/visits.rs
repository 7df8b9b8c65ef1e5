//! Visits of households and what was checked on them, with the truth: most are well, some fall short of each indicator,
//! some were checked in part, and some were not visited at all.

use chrono::{Datelike, Days, NaiveDate};

use crate::SynthError;
use crate::model::{Household, Person};
use crate::registry;
use crate::rng::Rng;
use crate::sheet::{Column, Table, col};
use crate::world::{World, age_on};

pub(crate) const VISIT: &[Column] = &[
    col("户编号"),
    col("户主姓名"),
    col("走访日期"),
    col("走访方式"),
    col("走访人"),
    col("走访人单位"),
    col("走访人身份"),
    col("受访人"),
    col("走访记录"),
    col("是否无变化"),
    col("主食够吃"),
    col("能吃上肉蛋奶豆"),
    col("有应季衣物"),
    col("有换洗衣物"),
    col("有被褥"),
    col("就学情况"),
    col("未参加基本医保成员"),
    col("未参加大病保险成员"),
    col("未参加医疗救助成员"),
    col("就近有医疗机构"),
    col("房屋鉴定等级"),
    col("鉴定单位"),
    col("鉴定日期"),
    col("现居住情况"),
    col("处置方式"),
    col("是否缺水地区"),
    col("人均日用水量(升)"),
    col("水质"),
    col("供水方式"),
    col("取水往返时间(分钟)"),
    col("年停水天数"),
];

/// Columns of the truth about visits.
pub(crate) const TRUTH: [&str; 5] = ["household_no", "person_no", "indicator", "outcome", "visited_on"];

const NOTES: [&str; 6] = ["生产生活正常", "已发放防疫物资", "外出务工成员已报备", "询问春耕物资", "宣传防疫知识", ""];

/// What is planted in a household that was checked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Planted {
    Well,
    Food,
    Clothing,
    Schooling,
    Insurance,
    Housing,
    Unassessed,
    Water,
}

/// Of a thousand households that were checked.
const SHARES: [(Planted, u32); 8] = [
    (Planted::Well, 868),
    (Planted::Food, 12),
    (Planted::Clothing, 8),
    (Planted::Schooling, 22),
    (Planted::Insurance, 24),
    (Planted::Housing, 22),
    (Planted::Unassessed, 18),
    (Planted::Water, 26),
];

fn back(day: NaiveDate, days: i64) -> NaiveDate {
    day.checked_sub_days(Days::new(days.unsigned_abs())).unwrap_or(day)
}

/// The last day of August before a day, or that day itself: children who were six by then go to school.
fn school_year(on: NaiveDate) -> NaiveDate {
    let august = |year| NaiveDate::from_ymd_opt(year, 8, 31);
    august(on.year()).filter(|day| *day <= on).or_else(|| august(on.year() - 1)).unwrap_or(on)
}

/// Whether somebody is of school age: six full years when the school year began, and not yet sixteen.
fn is_pupil(person: &Person, on: NaiveDate) -> bool {
    age_on(person.birth, school_year(on)) >= 6 && age_on(person.birth, on) <= 15
}

/// A household whose records all come in as they are, and whose members can be told apart by name.
fn is_plain(hh: &Household) -> bool {
    let mut names: Vec<&str> = hh.members.iter().map(|p| p.name.as_str()).collect();
    names.sort_unstable();
    let members = names.len();
    names.dedup();
    hh.marks.is_empty() && !hh.no_members && names.len() == members
}

fn yes(yes: bool) -> &'static str {
    if yes { "是" } else { "否" }
}

/// Writes the visits of the province, and what is true about them.
pub(crate) fn write(world: &World, w: &mut Table, truth: &mut Table) -> Result<(), SynthError> {
    let mut helper: Option<(u64, registry::Cadre)> = None;
    for h in 0..world.households {
        let hh = world.household(h);
        let mut rng = Rng::stream(world.seed, &[41, h]);
        let number = registry::helper_of(h);
        if helper.as_ref().is_none_or(|(known, _)| *known != number) {
            helper = Some((number, registry::helper(world, number)));
        }
        // Eight in a hundred were never visited.
        if !is_plain(&hh) || rng.per_cent(8) {
            continue;
        }
        if let Some((_, who)) = &helper {
            of_household(world, &hh, who, &mut rng, w, truth)?;
        }
    }
    Ok(())
}

fn of_household(
    world: &World,
    hh: &Household,
    who: &registry::Cadre,
    rng: &mut Rng,
    w: &mut Table,
    truth: &mut Table,
) -> Result<(), SynthError> {
    // In the school year of today: a later visit that finds nothing changed has the same children to ask about.
    let day = back(world.as_of, rng.range(40, 150)).max(school_year(world.as_of));
    let head = hh.head().name.clone();
    let partly = rng.per_cent(5);
    let pupils: Vec<&Person> = hh.members.iter().filter(|p| is_pupil(p, day)).collect();
    let mut planted = rng.weighted(&SHARES);
    if planted == Planted::Schooling && pupils.is_empty() {
        planted = Planted::Well;
    }
    // Who was asked about food alone has nothing else to fall short of.
    if partly && planted != Planted::Food {
        planted = Planted::Well;
    }
    w.texts(&[
        &hh.no,
        &head,
        &day.to_string(),
        "入户",
        &who.name,
        &who.unit,
        "帮扶责任人",
        &head,
        rng.pick(&NOTES),
        "否",
    ])?;
    let told = |truth: &mut Table, person: &str, indicator: &str, outcome: &str| -> Result<(), SynthError> {
        truth.texts(&[&hh.no, person, indicator, outcome, &day.to_string()])?;
        truth.end()
    };
    let short = planted == Planted::Food;
    w.texts(&[yes(!short), yes(true)])?;
    if short {
        told(truth, "", "food", "short")?;
    }
    if partly {
        w.texts(&[""; 19])?;
        w.end()?;
    } else {
        checks(hh, planted, &pupils, day, rng, w, &mut |person, indicator, outcome| {
            told(truth, person, indicator, outcome)
        })?;
    }
    let later = back(world.as_of, rng.range(1, 38));
    match rng.below(100) {
        0..=54 => {
            let how = rng.weighted(&[("入户", 50), ("电话", 35), ("微信、视频", 15)]);
            let head = head.as_str();
            w.texts(&[&hh.no, head, &later.to_string(), how, &who.name, &who.unit, "帮扶责任人", head, "", "是"])?;
            w.texts(&[""; 21])?;
            w.end()
        }
        55..=69 => {
            let head = head.as_str();
            let note = rng.pick(&NOTES);
            w.texts(&[&hh.no, head, &later.to_string(), "电话", &who.name, &who.unit, "帮扶责任人", head, note, ""])?;
            w.texts(&[""; 21])?;
            w.end()
        }
        _ => Ok(()),
    }
}

/// The cells from 有应季衣物 on.
fn checks(
    hh: &Household,
    planted: Planted,
    pupils: &[&Person],
    day: NaiveDate,
    rng: &mut Rng,
    w: &mut Table,
    told: &mut dyn FnMut(&str, &str, &str) -> Result<(), SynthError>,
) -> Result<(), SynthError> {
    let short = planted == Planted::Clothing;
    w.texts(&[yes(true), yes(true), yes(!short)])?;
    if short {
        told("", "clothing", "short")?;
    }
    let out = if planted == Planted::Schooling { Some(rng.index(pupils.len())) } else { None };
    let mut states: Vec<String> = Vec::new();
    for (at, child) in pupils.iter().enumerate() {
        let state = match out {
            Some(which) if which == at => {
                told(&child.no, "schooling", "short")?;
                "辍学"
            }
            _ => rng.weighted(&[("在校", 97), ("送教上门", 2), ("延缓入学", 1)]),
        };
        states.push(format!("{}:{state}", child.name));
    }
    w.text(&if states.is_empty() { "无".to_owned() } else { states.join("；") })?;
    match (planted == Planted::Insurance).then(|| &hh.members[rng.index(hh.members.len())]) {
        Some(person) => {
            told(&person.no, "insurance", "short")?;
            w.texts(&[&person.name, "无", "无"])?;
        }
        None => w.texts(&["无", "无", "无"])?,
    }
    w.text(yes(true))?;
    let assessed = back(day, rng.range(100, 900)).to_string();
    match planted {
        Planted::Housing => {
            told("", "housing", "short")?;
            let grade = rng.pick(&["C", "D"]);
            let remedy = rng.pick(&["危房改造", "尚未安排", "搬迁"]);
            w.texts(&[grade, "县住房和城乡建设局", &assessed, "住在本房", remedy])?;
        }
        Planted::Unassessed => {
            told("", "housing", "partly")?;
            w.texts(&["未鉴定", "", "", "住在本房", ""])?;
        }
        _ => w.texts(&[rng.weighted(&[("A", 70), ("B", 30)]), "县住房和城乡建设局", &assessed, "住在本房", ""])?,
    }
    let bad = planted == Planted::Water;
    // One of the four indices is below.
    let which = if bad { rng.below(4) } else { 9 };
    if bad {
        told("", "water", "short")?;
    }
    let scattered = rng.per_cent(12);
    let litres = if which == 0 { rng.range(8, 30) } else { rng.range(60, 95) };
    let quality = match (which == 1, scattered) {
        (true, _) => "望闻问尝有异常",
        (_, true) => "望闻问尝无异常",
        _ => "化验合格",
    };
    let (access, minutes) =
        if which == 2 { ("取水", rng.range(25, 60).to_string()) } else { ("入户", String::new()) };
    let outage = if which == 3 { rng.range(40, 90) } else { rng.range(0, 15) };
    w.texts(&["否", &litres.to_string(), quality, access, &minutes, &outage.to_string()])?;
    w.end()
}
