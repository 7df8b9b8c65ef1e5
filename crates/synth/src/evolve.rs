//! What happens between two exports of the register: births and deaths, moves, new and divided households, another head,
//! other income, monitoring begun and ended, changed telephones; and headers under other names.

use crate::SynthError;
use crate::model::{Household, Id, Income, Monitor, Sex};
use crate::names::{self, People};
use crate::rng::{Rng, mix};
use crate::sheet::{Column, FileFormat, Frame, Table, col};
use crate::world::{LINE, World, age_on, months_before, yyyymm};
use chrono::{Datelike, Days, NaiveDate};
use std::path::Path;

/// Phone ordinals of numbers changed between exports.
const NEW_PHONES: u64 = 70_000_000;
/// Ordinals of household numbers within a county that divided households take.
const DIVIDED: u64 = 5_000_000;

/// Columns under the names that another release of the system gives them.
pub(crate) fn drifted(columns: &[Column]) -> Vec<Column> {
    let rename = |name: &'static str| match name {
        "特困供养金" => "五保金",
        "养老保险金" => "养老金或离退休金",
        other => other,
    };
    columns.iter().map(|c| Column { leaf: rename(c.leaf), flat: rename(c.flat), ..*c }).collect()
}

/// Opens the list of changes.
pub(crate) fn log(world: &World, dir: &Path) -> Result<Table, SynthError> {
    let frame = Frame { title: "", unit: "", measure: "", day: world.as_of, first_total: None };
    Table::create(
        dir,
        "truth_changes",
        FileFormat::Utf8,
        false,
        &frame,
        &["household_no", "person_no", "change", "before", "after"].map(col),
    )
}

fn note(log: &mut Table, hh: &str, person: &str, change: &str, before: &str, after: &str) -> Result<(), SynthError> {
    log.texts(&[hh, person, change, before, after])?;
    log.end()
}

/// What becomes of a household by `day`: nothing where nobody is left in it, two where it is divided. About one household
/// in fifteen changes.
pub(crate) fn apply(
    world: &World,
    mut hh: Household,
    day: NaiveDate,
    log: &mut Table,
) -> Result<Vec<Household>, SynthError> {
    for p in &mut hh.members {
        p.age = age_on(p.birth, day);
    }
    let no = hh.no.clone();
    if hh.index >= world.households {
        note(log, &no, "", "household_new", "", &hh.head().name)?;
        return Ok(vec![hh]);
    }
    let roll = mix(world.seed ^ mix(hh.index ^ 0xE0_17)) % 1000;
    if roll >= 66 || !hh.marks.is_empty() {
        return Ok(vec![hh]);
    }
    let mut rng = Rng::stream(world.seed, &[50, hh.index]);
    match roll {
        0..=8 => {
            let phone = world.phone(NEW_PHONES + hh.index);
            note(log, &no, "", "phone", &hh.phone, &phone)?;
            if hh.members[0].phone == hh.phone {
                hh.members[0].phone.clone_from(&phone);
            }
            hh.phone = phone;
        }
        9..=12 => birth(world, &mut hh, day, &mut rng, log)?,
        13..=18 => {
            let oldest = (0..hh.members.len()).max_by_key(|&i| hh.members[i].age).unwrap_or(0);
            if hh.members.len() == 1 {
                note(log, &no, &hh.members[0].no, "household_ended", &hh.members[0].name, "")?;
                return Ok(Vec::new());
            }
            if oldest == 0 && !another_head(&mut hh, log)? {
                // A head without husband or wife leaves a household that the office must first form anew.
                return Ok(vec![hh]);
            }
            // Whoever was the head stands second now.
            let gone = hh.members.remove(if oldest == 0 { 1 } else { oldest });
            note(log, &no, &gone.no, "death", &gone.name, "")?;
        }
        19..=22 => {
            let v = &world.geo.villages[hh.village];
            let t = &world.geo.townships[v.township];
            let to = t.villages.start + rng.index(t.villages.len());
            if to != hh.village {
                note(log, &no, "", "move", &v.name, &world.geo.villages[to].name)?;
                hh.village = to;
                hh.group = 1;
                for p in &mut hh.members {
                    p.relocated = true;
                }
            }
        }
        23..=27 => {
            another_head(&mut hh, log)?;
        }
        28..=39 => {
            if let Some(other) = divide(world, &mut hh, log)? {
                return Ok(vec![hh, other]);
            }
        }
        40..=49 => {
            let before = hh.income.net();
            let income = &mut hh.income;
            // Who is at home since the new year earns nothing there.
            let loss = income.wage_work / 6;
            if income.wage_work - loss > 300 && loss > 0 && hh.monitor.is_none() {
                income.wage_work -= loss;
                income.transfer_other += loss / 4;
                note(log, &no, "", "income", &before.to_string(), &hh.income.net().to_string())?;
            }
        }
        50..=57 => watch(&mut hh, day, log)?,
        _ => {
            let ended = months_before(day, 0);
            let head_income = hh.income.net() / hh.members.len() as i64;
            let half_year = months_before(day, 7);
            if let Some(m) = hh.monitor.as_mut()
                && m.eliminated.is_none()
                && m.since <= half_year
                && !m.no_labour
                && !m.flags.contains(&true)
            {
                m.eliminated = Some((ended, head_income.max(LINE + 300)));
                m.how = "帮扶消除";
                note(log, &no, "", "monitoring_ended", "否", "是")?;
            }
        }
    }
    Ok(vec![hh])
}

/// Makes the head's husband or wife the head, with everybody's relation as it then is; false where there is none.
fn another_head(hh: &mut Household, log: &mut Table) -> Result<bool, SynthError> {
    if hh.members.get(1).is_none_or(|p| p.relation != "配偶") {
        return Ok(false);
    }
    note(log, &hh.no, &hh.members[1].no, "head", &hh.members[0].name, &hh.members[1].name)?;
    hh.members.swap(0, 1);
    let female = hh.members[0].sex == Sex::Female;
    for (i, p) in hh.members.iter_mut().enumerate() {
        p.relation = match (i, p.relation) {
            (0, _) => "户主",
            (1, _) => "配偶",
            (_, "之父") if female => "之公公",
            (_, "之母") if female => "之婆婆",
            (_, "之父") => "之岳父",
            (_, "之母") => "之岳母",
            (_, "之岳父" | "之公公") => "之父",
            (_, "之岳母" | "之婆婆") => "之母",
            (_, r @ ("之子" | "之女" | "之儿媳" | "之女婿")) => r,
            (_, r @ ("之孙子" | "之孙女" | "之外孙子" | "之外孙女" | "之曾孙子" | "之曾孙女")) => {
                r
            }
            _ => "其他",
        };
    }
    Ok(true)
}

/// A married son with wife and children sets up a household of his own.
fn divide(world: &World, hh: &mut Household, log: &mut Table) -> Result<Option<Household>, SynthError> {
    let wives: Vec<usize> = (0..hh.members.len()).filter(|&i| hh.members[i].relation == "之儿媳").collect();
    let [wife] = wives[..] else {
        return Ok(None);
    };
    let husband = (0..wife).rev().find(|&i| hh.members[i].relation == "之子" && hh.members[i].age >= 21);
    let (Some(husband), None) = (husband, &hh.monitor) else {
        return Ok(None);
    };
    let goes = |i: usize, relation: &str| i == husband || i == wife || matches!(relation, "之孙子" | "之孙女");
    let (mut young, mut old) = (Vec::new(), Vec::new());
    for (i, mut p) in std::mem::take(&mut hh.members).into_iter().enumerate() {
        if !goes(i, p.relation) {
            old.push(p);
            continue;
        }
        p.relation = match (i == husband, i == wife, p.sex) {
            (true, ..) => "户主",
            (_, true, _) => "配偶",
            (.., Sex::Male) => "之子",
            (.., Sex::Female) => "之女",
        };
        young.push(p);
    }
    young.sort_by_key(|p| (p.relation != "户主", p.relation != "配偶"));
    let mut other = hh.clone();
    let county = &world.geo.counties[world.county_of(hh.index)].code;
    other.no = format!("{county}{:07}", DIVIDED + hh.index % crate::geo::COUNTY_HOUSEHOLDS + 1);
    other.phone = if young[0].phone.is_empty() { world.phone(NEW_PHONES + hh.index) } else { young[0].phone.clone() };
    // Land that was given back to the forest stays with the parents, and what is paid for it.
    other.land[1] -= other.land[2].min(other.land[1]);
    other.land[2] = 0;
    let all = (young.len() + old.len()) as i64;
    let share = portion(&hh.income, young.len() as i64, all);
    hh.income = portion(&hh.income, old.len() as i64, all);
    hh.income.eco = if hh.land[2] > 0 { other.income.eco } else { 0 };
    other.income = Income { eco: 0, ..share };
    hh.members = old;
    other.members = young;
    note(log, &hh.no, &other.members[0].no, "divided", "", &other.no)?;
    note(log, &other.no, &other.members[0].no, "household_new", &hh.no, &other.members[0].name)?;
    Ok(Some(other))
}

/// A share of every kind of income. What would be too little to be a wage is none.
fn portion(of: &Income, part: i64, all: i64) -> Income {
    let share = |value: i64| value * part / all;
    let mut out = Income {
        wage_work: share(of.wage_work),
        wage_post: share(of.wage_post),
        wage_other: share(of.wage_other),
        crops: share(of.crops),
        livestock: share(of.livestock),
        forest: share(of.forest),
        trade: share(of.trade),
        dividend: share(of.dividend),
        land_rent: share(of.land_rent),
        property_other: share(of.property_other),
        family_planning: share(of.family_planning),
        dibao: share(of.dibao),
        tekun: share(of.tekun),
        pension: share(of.pension),
        eco: share(of.eco),
        // Rounding must not push anybody below a line.
        transfer_other: share(of.transfer_other) + 20 * part + share(of.eco),
        cost: share(of.cost),
        claims: share(of.claims),
        self_paid: share(of.self_paid),
    };
    if (1..=300).contains(&out.wages()) {
        out.transfer_other += out.wages();
        (out.wage_work, out.wage_post, out.wage_other) = (0, 0, 0);
    }
    if out.operating() > 0 {
        out.cost = out.cost.max(1);
    }
    out
}

/// Puts a household under monitoring for what the epidemic does to its work.
fn watch(hh: &mut Household, day: NaiveDate, log: &mut Table) -> Result<(), SynthError> {
    let away = hh.members.iter().any(|p| p.work.is_some() && p.has_labour());
    if hh.monitor.is_some() || hh.tekun || !away {
        return Ok(());
    }
    let mut measures = [false; 15];
    measures[1] = true;
    let class = if hh.kind == "一般农户" { "边缘易致贫户" } else { "脱贫不稳定户" };
    hh.monitor = Some(Monitor {
        class,
        since: yyyymm(day),
        risks: vec!["因疫", "因务工就业不稳"],
        flags: [false; 4],
        no_flags: false,
        disaster: "",
        general: "",
        income: LINE - 400,
        no_labour: false,
        measures,
        developing: true,
        eliminated: None,
        how: "",
    });
    note(log, &hh.no, "", "monitoring_begun", "", class)
}

fn birth(world: &World, hh: &mut Household, day: NaiveDate, rng: &mut Rng, log: &mut Table) -> Result<(), SynthError> {
    let couple = hh.members.get(1).is_some_and(|p| p.relation == "配偶");
    let mother = hh.members.iter().take(2).any(|p| p.sex == Sex::Female && (21..=42).contains(&p.age));
    if !couple || !mother || hh.members.len() >= 8 {
        return Ok(());
    }
    let sex = if rng.per_cent(52) { Sex::Male } else { Sex::Female };
    let local = (hh.index % crate::geo::COUNTY_HOUSEHOLDS) as u32;
    let span = (day - world.as_of).num_days().clamp(1, 1_000) as u64;
    // Day and order code together come from the household's number, so no two newborns share an ID.
    let born = world.as_of.checked_add_days(Days::new(1 + u64::from(local / 499) % span)).unwrap_or(day);
    if u64::from(local) >= 499 * span {
        return Ok(());
    }
    let county = &world.geo.counties[world.county_of(hh.index)].code;
    let tail: u32 = county.get(4..6).and_then(|t| t.parse().ok()).unwrap_or(0);
    let area = format!("{}{:02}", county.get(..4).unwrap_or("9901"), tail + 10);
    let id = Id::new(&area, born, (local % 499 + 1) * 2 + u32::from(sex == Sex::Male));
    let mut baby = hh.members[0].clone();
    let surname: String = baby.name.chars().take(1).collect();
    names::full_name(rng, People::Han, &surname, sex, born.year(), None, &mut baby.name);
    baby.no = format!("{}{:06}{:02}", county, local + 1, hh.members.len() + 1);
    baby.sex = sex;
    baby.birth = born;
    baby.age = age_on(born, day);
    baby.id = id;
    baby.id_text = id.as_str().to_owned();
    baby.id_form = None;
    baby.id_kind = "居民身份证";
    baby.relation = if sex == Sex::Male { "之子" } else { "之女" };
    baby.party = "群众";
    baby.education = "";
    baby.school = "学龄前儿童";
    baby.dropout = "";
    baby.health = "健康";
    baby.disability = "";
    baby.card_year = 0;
    baby.labour = "无劳动力";
    baby.work = None;
    baby.channel = "";
    baby.industry = "";
    baby.post = "";
    baby.post_months = 0;
    baby.mandarin = false;
    baby.resident_insurance = true;
    baby.employee_insurance = false;
    baby.resident_pension = false;
    baby.employee_pension = false;
    baby.medical_aid = false;
    baby.other_health_aid = false;
    baby.phone = String::new();
    note(log, &hh.no.clone(), &baby.no, "birth", "", &baby.name)?;
    hh.members.push(baby);
    Ok(())
}
