//! Rows of the lists of the disabled persons' federation, the healthcare security bureau and the water office.

use crate::SynthError;
use crate::damage::Fields;
use crate::model::Person;
use crate::rng::Rng;
use crate::sheet::{Column, Table, col};
use crate::subject::Subject;
use crate::world::World;
use chrono::{Days, NaiveDate};

pub(crate) const DISABILITY: &[Column] = &[
    col("序号"),
    col("姓名"),
    col("残疾人证号"),
    col("性别"),
    col("联系电话"),
    col("县"),
    col("乡镇"),
    col("村"),
    col("残疾类别"),
    col("残疾等级"),
    col("发证日期"),
    col("发证机关"),
];

pub(crate) const INSURANCE: &[Column] = &[
    col("序号"),
    col("姓名"),
    col("身份证号码"),
    col("性别"),
    col("联系电话"),
    col("参保县"),
    col("乡镇"),
    col("村"),
    col("参保险种"),
    col("参保状态"),
    col("停保日期"),
    col("备注"),
];

pub(crate) const WATER: &[Column] = &[
    col("序号"),
    col("户主姓名"),
    col("身份证号码"),
    col("联系电话"),
    col("县"),
    col("乡镇"),
    col("村"),
    col("供水方式"),
    col("水量"),
    col("水质"),
    col("饮水安全评价"),
    col("评价日期"),
];

/// Types of disability (残疾类别, GB/T 26341) with the digit that a card's number has for them.
const TYPES: [(&str, u8); 6] = [("视力", 1), ("听力", 2), ("言语", 3), ("肢体", 4), ("智力", 5), ("精神", 6)];
const GRADES: [&str; 4] = ["一级", "二级", "三级", "四级"];

/// Whether somebody may hold a card: whoever is registered as disabled, and one in a hundred of the others, whose card is
/// newer than the register.
pub(crate) fn holds_card(p: &Person) -> bool {
    !p.disability.is_empty() || (p.age >= 30 && p.id.as_str().get(14..16).is_some_and(|digits| digits == "37"))
}

fn back(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}

/// The cells of a disability card after the serial number; what the row says is the answer.
pub(crate) fn disability(
    world: &World,
    (s, f): (&Subject, &Fields),
    kinds: &mut Vec<&'static str>,
    rng: &mut Rng,
    w: &mut Table,
) -> Result<String, SynthError> {
    let (name, digit) = rng.pick(&TYPES);
    let grade = rng.index(GRADES.len());
    // A card is kept under its number: it may be mistyped and is never missing, nor is it another number.
    let of = |id: &str| format!("{id}{digit}{}", grade + 1);
    let card = match f.id.trim() {
        plain if plain.len() == 18 && plain.is_ascii() => of(plain),
        _ => {
            kinds.retain(|kind| !kind.starts_with("id_"));
            of(s.id.as_str())
        }
    };
    let county = &world.geo.counties[world.geo.villages[s.village].county].name;
    w.texts(&[&f.name, &card, s.sex.zh(), &f.phone, county, &f.township, &f.village, name, GRADES[grade]])?;
    let day = back(world.as_of, 20 + rng.below(3_000));
    w.texts(&[&day.format("%Y-%m-%d").to_string(), &format!("{county}残疾人联合会")])?;
    Ok(format!("{name}{}", GRADES[grade]))
}

/// The cells of somebody's medical insurance.
pub(crate) fn insurance(
    world: &World,
    (s, f): (&Subject, &Fields),
    rng: &mut Rng,
    w: &mut Table,
) -> Result<String, SynthError> {
    let county = &world.geo.counties[world.geo.villages[s.village].county].name;
    let state = rng.weighted(&[("未参保", 46), ("停保", 22), ("断保", 12), ("正常参保", 20)]);
    let scheme = rng.weighted(&[("城乡居民基本医疗保险", 88), ("职工基本医疗保险", 12)]);
    w.texts(&[&f.name, &f.id, s.sex.zh(), &f.phone, county, &f.township, &f.village, scheme, state])?;
    let stopped = matches!(state, "停保" | "断保");
    let day = back(world.as_of, 10 + rng.below(300));
    let day = if stopped { day.format("%Y-%m-%d").to_string() } else { String::new() };
    let why = if state == "正常参保" {
        ""
    } else {
        rng.pick(&["外出务工未缴费", "家庭困难", "异地重复", "不愿参保", ""])
    };
    w.texts(&[&day, why])?;
    Ok(state.to_owned())
}

/// The cells of a household's drinking water.
pub(crate) fn water(
    world: &World,
    (s, f): (&Subject, &Fields),
    rng: &mut Rng,
    w: &mut Table,
) -> Result<String, SynthError> {
    let county = &world.geo.counties[world.geo.villages[s.village].county].name;
    let result = rng.weighted(&[("不安全", 34), ("基本安全", 24), ("安全", 42)]);
    let poor = result == "不安全";
    w.texts(&[
        &f.name,
        &f.id,
        &f.phone,
        county,
        &f.township,
        &f.village,
        rng.pick(&["集中供水", "分散供水", "水窖", "山泉引水"]),
        if poor && rng.per_cent(60) { "不达标" } else { "达标" },
        if poor { rng.pick(&["氟超标", "浊度超标", "季节性缺水", "未消毒"]) } else { "合格" },
        result,
    ])?;
    let day = back(world.as_of, 15 + rng.below(240));
    w.texts(&[&day.format("%Y-%m-%d").to_string()])?;
    Ok(result.to_owned())
}
