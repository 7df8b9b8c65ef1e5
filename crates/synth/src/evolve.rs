//! What happens to households between two exports of the register: births, deaths, moves, changed telephones.

use crate::SynthError;
use crate::model::{Household, Id, Sex};
use crate::names::{self, People};
use crate::rng::{Rng, mix};
use crate::sheet::{FileFormat, Frame, Table, col};
use crate::world::{World, age_on};
use chrono::{Datelike, Days, NaiveDate};
use std::path::Path;

/// Phone ordinals of numbers changed between exports.
const NEW_PHONES: u64 = 70_000_000;

/// Opens the list of changes.
pub(crate) fn log(world: &World, dir: &Path) -> Result<Table, SynthError> {
    let frame = Frame { title: "", unit: "", measure: "", day: world.as_of };
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

/// Changes a household as of `day`; false when nobody is left in it. About one household in fifty changes.
pub(crate) fn apply(world: &World, hh: &mut Household, day: NaiveDate, log: &mut Table) -> Result<bool, SynthError> {
    for p in &mut hh.members {
        p.age = age_on(p.birth, day);
    }
    let roll = mix(world.seed ^ mix(hh.index ^ 0xE0_17)) % 1000;
    if roll >= 20 || !hh.marks.is_empty() {
        return Ok(true);
    }
    let mut rng = Rng::stream(world.seed, &[50, hh.index]);
    let no = hh.no.clone();
    match roll {
        0..=8 => {
            let phone = world.phone(NEW_PHONES + hh.index);
            note(log, &no, "", "phone", &hh.phone, &phone)?;
            if hh.members[0].phone == hh.phone {
                hh.members[0].phone.clone_from(&phone);
            }
            hh.phone = phone;
        }
        9..=12 => birth(world, hh, day, &mut rng, log)?,
        13..=16 => {
            let oldest = (0..hh.members.len()).max_by_key(|&i| hh.members[i].age).unwrap_or(0);
            if hh.members.len() == 1 {
                note(log, &no, &hh.members[0].no, "household_ended", &hh.members[0].name, "")?;
                return Ok(false);
            }
            if oldest == 0 {
                // The head's death makes somebody else the head and changes every relation; the register keeps
                // the old head until the household is rebuilt, so such deaths come with a later export.
                return Ok(true);
            }
            let gone = hh.members.remove(oldest);
            note(log, &no, &gone.no, "death", &gone.name, "")?;
        }
        _ => {
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
    }
    Ok(true)
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
    let born = world.as_of.checked_add_days(Days::new(1 + u64::from(local / 500) % span)).unwrap_or(day);
    if u64::from(local) >= 500 * span {
        return Ok(());
    }
    let county = &world.geo.counties[world.county_of(hh.index)].code;
    let tail: u32 = county.get(4..6).and_then(|t| t.parse().ok()).unwrap_or(0);
    let area = format!("{}{:02}", county.get(..4).unwrap_or("9901"), tail + 10);
    let id = Id::new(&area, born, local % 500 * 2 + u32::from(sex == Sex::Male));
    let mut baby = hh.members[0].clone();
    let surname: String = baby.name.chars().take(1).collect();
    names::full_name(rng, People::Han, &surname, sex, born.year(), None, &mut baby.name);
    baby.no = format!("{}{:06}{:02}", county, local + 1, hh.members.len() + 1);
    baby.sex = sex;
    baby.birth = born;
    baby.age = age_on(born, day);
    baby.id = id;
    baby.id_text = id.as_str().to_owned();
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
