//! People who appear in agencies' lists: registered persons, their kin, namesakes, strangers, helpers.

use crate::damage::{Fields, damage, typed_date};
use crate::defects::is_marked;
use crate::geo::COUNTY_HOUSEHOLDS;
use crate::model::{Household, Id, Person, Sex};
use crate::names::{self, People};
use crate::registry;
use crate::rng::Rng;
use crate::truth::Who;
use crate::world::World;
use chrono::{Datelike, NaiveDate};
use std::collections::HashMap;

/// Phone ordinals of people outside the register.
const STRANGER_PHONES: u64 = 60_000_000;
/// Stranger slots of a county that come after those of helpers and teams.
const FREE_SLOTS: u32 = 7_000;

/// One person as an agency knows them.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) who: Who,
    pub(crate) name: String,
    pub(crate) id: Id,
    pub(crate) sex: Sex,
    pub(crate) birth: NaiveDate,
    pub(crate) age: i32,
    pub(crate) phone: String,
    pub(crate) unit: String,
    pub(crate) crowd: &'static str,
    pub(crate) village: usize,
    /// The number of the disability card, where there is one.
    pub(crate) card: Option<String>,
    /// For a helper: its number; for a team member: the village.
    pub(crate) cadre: Option<u64>,
}

impl Subject {
    pub(crate) fn fields(&self, world: &World) -> Fields {
        let v = &world.geo.villages[self.village];
        Fields {
            name: self.name.clone(),
            id: self.id.as_str().to_owned(),
            birth: typed_date(self.birth, 0),
            phone: self.phone.clone(),
            township: world.geo.townships[v.township].name.clone(),
            village: v.name.clone(),
        }
    }

    /// The fields with damage, and which.
    pub(crate) fn damaged(&self, world: &World, rng: &mut Rng) -> (Fields, Vec<&'static str>) {
        let mut fields = self.fields(world);
        let v = &world.geo.villages[self.village];
        let others: Vec<&str> = world.geo.villages[world.geo.townships[v.township].villages.clone()]
            .iter()
            .map(|o| o.name.as_str())
            .filter(|n| *n != v.name)
            .collect();
        let kinds = damage(&mut fields, (&self.id, self.card.as_deref()), self.birth, world.as_of, &others, rng);
        (fields, kinds)
    }
}

/// Ages, both ends included.
pub(crate) type Ages = std::ops::RangeInclusive<i32>;

/// Ages of people whom an illness may strike, mostly grown up.
const ANYBODY: Ages = 1..=82;

/// Hands out people for lists, none of them twice in one list.
pub(crate) struct Pool<'a> {
    world: &'a World,
    slots: HashMap<usize, u32>,
    phones: u64,
    used: std::collections::HashSet<(u64, usize)>,
    /// Registered people of the agencies' lists so far: some stand on several.
    listed: Vec<(u64, usize)>,
}

impl<'a> Pool<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        Self { world, slots: HashMap::new(), phones: 0, used: std::collections::HashSet::new(), listed: Vec::new() }
    }

    /// Begins another agency's list: who stands on one may stand on the next.
    pub(crate) fn next_list(&mut self) {
        self.listed.extend(std::mem::take(&mut self.used));
        self.listed.sort_unstable();
        self.listed.dedup();
    }

    /// A registered person who already stands on another list and fits this one.
    pub(crate) fn listed_before(
        &mut self,
        rng: &mut Rng,
        fits: impl Fn(&Household, &Person) -> bool,
    ) -> Option<(Household, usize)> {
        for _ in 0..40 {
            if self.listed.is_empty() {
                return None;
            }
            let (h, i) = self.listed[rng.index(self.listed.len())];
            let hh = self.world.clean_household(h);
            if fits(&hh, &hh.members[i]) && self.used.insert((h, i)) {
                return Some((hh, i));
            }
        }
        None
    }

    /// A random registered household of a county that carries no planted defect.
    pub(crate) fn household(&self, county: usize, rng: &mut Rng) -> Option<Household> {
        let first = county as u64 * COUNTY_HOUSEHOLDS;
        let n = self.world.households.saturating_sub(first).min(COUNTY_HOUSEHOLDS);
        for _ in 0..60 {
            let h = first + rng.below(n.max(1));
            if n > 0 && !is_marked(self.world.seed, h) {
                return Some(self.world.clean_household(h));
            }
        }
        None
    }

    /// A registered person that fits, not handed out before.
    pub(crate) fn registered(
        &mut self,
        county: usize,
        rng: &mut Rng,
        fits: impl Fn(&Household, &Person) -> bool,
    ) -> Option<(Household, usize)> {
        for _ in 0..400 {
            let hh = self.household(county, rng)?;
            let n = hh.members.len();
            let start = rng.index(n);
            for k in 0..n {
                let i = (start + k) % n;
                if fits(&hh, &hh.members[i]) && self.used.insert((hh.index, i)) {
                    return Some((hh, i));
                }
            }
        }
        None
    }

    /// Another member of the same household, not handed out before.
    pub(crate) fn sibling(&mut self, hh: &Household, rng: &mut Rng) -> Option<usize> {
        let start = rng.index(hh.members.len());
        (0..hh.members.len()).map(|k| (start + k) % hh.members.len()).find(|&i| self.used.insert((hh.index, i)))
    }

    pub(crate) fn subject(&self, hh: &Household, i: usize) -> Subject {
        let p = &hh.members[i];
        let phone = if p.phone.is_empty() { hh.phone.clone() } else { p.phone.clone() };
        let (unit, crowd) = match (p.work, p.is_student(), p.age) {
            (_, true, _) => {
                (format!("{}学校", self.world.geo.townships[self.world.geo.villages[hh.village].township].name), "学生")
            }
            (_, _, ..=6) => (String::new(), "散居儿童"),
            (Some(w), ..) => (crate::world::company(w.company), "民工"),
            (None, _, 60..) => (String::new(), "离退人员"),
            _ => (String::new(), "农民"),
        };
        let crowd = if crowd == "离退人员" { "农民" } else { crowd };
        Subject {
            who: Who { role: "registered", person: p.no.clone(), household: hh.no.clone(), related: String::new() },
            name: p.name.clone(),
            id: p.id,
            sex: p.sex,
            birth: p.birth,
            age: p.age,
            phone,
            unit,
            crowd,
            village: hh.village,
            card: (p.id_text.len() > 18).then(|| p.id_text.clone()),
            cadre: None,
        }
    }

    fn outsider(&mut self, county: usize, rng: &mut Rng, sex: Sex, age: i32) -> (Id, NaiveDate, String) {
        let next = self.slots.entry(county).or_insert(FREE_SLOTS);
        let (id, birth) = self.world.stranger_id(county, *next, sex, age);
        *next += 1;
        self.phones += 1;
        let _ = rng;
        (id, birth, self.world.phone(STRANGER_PHONES + self.phones))
    }

    /// Somebody who lives in the county and is not in the register.
    pub(crate) fn stranger(&mut self, county: usize, rng: &mut Rng) -> Subject {
        self.stranger_aged(county, rng, &ANYBODY)
    }

    /// The same of certain ages.
    pub(crate) fn stranger_aged(&mut self, county: usize, rng: &mut Rng, ages: &Ages) -> Subject {
        let sex = if rng.per_cent(52) { Sex::Male } else { Sex::Female };
        let (least, most) = (i64::from(*ages.start()), i64::from(*ages.end()));
        // Where all ages are met, children are few.
        let age = if least < 18 && most > 18 {
            if rng.per_cent(8) { rng.range(least, 17) } else { rng.range(18, most) }
        } else {
            rng.range(least, most)
        } as i32;
        let (id, birth, phone) = self.outsider(county, rng, sex, age);
        let range = self.world.geo.counties[county].villages.clone();
        let village = range.start + rng.index(range.len());
        let v = &self.world.geo.villages[village];
        let surname = if rng.per_cent(40) { v.clans[0] } else { names::surname(rng) };
        let mut name = String::new();
        names::full_name(rng, People::Han, surname, sex, birth.year(), None, &mut name);
        let (unit, crowd) = match age {
            ..=6 => (String::new(), "散居儿童"),
            7..=17 => (format!("{}中心学校", self.world.geo.townships[v.township].name), "学生"),
            60.. => (String::new(), "离退人员"),
            _ => match rng.below(10) {
                0..=3 => (String::new(), "农民"),
                4..=6 => (crate::world::company(rng.below(4000)), "工人"),
                7 => (crate::world::company(rng.below(4000)), "商业服务"),
                8 => (format!("{}政府", self.world.geo.counties[county].name), "干部职员"),
                _ => (String::new(), "家务及待业"),
            },
        };
        Subject {
            who: Who { role: "stranger", ..Who::default() },
            name,
            id,
            sex,
            birth,
            age,
            phone,
            unit,
            crowd,
            village,
            card: None,
            cadre: None,
        }
    }

    /// A relative of a registered household who is not registered: same family name, same village, sometimes
    /// the household's own telephone.
    pub(crate) fn kin(&mut self, county: usize, rng: &mut Rng) -> Subject {
        self.kin_aged(county, rng, &ANYBODY)
    }

    /// The same of certain ages.
    pub(crate) fn kin_aged(&mut self, county: usize, rng: &mut Rng, ages: &Ages) -> Subject {
        let mut s = self.stranger_aged(county, rng, ages);
        if let Some(hh) = self.household(county, rng) {
            let surname: String = hh.head().name.chars().take(1).collect();
            names::full_name(rng, People::Han, &surname, s.sex, s.birth.year(), None, &mut s.name);
            while hh.members.iter().any(|p| p.name == s.name) {
                names::full_name(rng, People::Han, &surname, s.sex, s.birth.year(), None, &mut s.name);
            }
            s.village = hh.village;
            if rng.per_cent(35) {
                s.phone.clone_from(&hh.phone);
            }
            s.who = Who { role: "kin", person: String::new(), household: String::new(), related: hh.no };
        }
        s
    }

    /// Somebody outside the register who bears a registered person's name and lives in the same township.
    pub(crate) fn namesake(&mut self, county: usize, rng: &mut Rng) -> Subject {
        self.namesake_aged(county, rng, &ANYBODY)
    }

    /// The same of certain ages.
    pub(crate) fn namesake_aged(&mut self, county: usize, rng: &mut Rng, ages: &Ages) -> Subject {
        let mut s = self.stranger_aged(county, rng, ages);
        let sex = s.sex;
        for _ in 0..40 {
            let Some(hh) = self.household(county, rng) else {
                break;
            };
            if let Some(p) = hh.members.iter().find(|p| p.sex == sex && (p.age - s.age).abs() > 2) {
                s.name.clone_from(&p.name);
                let t = self.world.geo.villages[hh.village].township;
                let villages = self.world.geo.townships[t].villages.clone();
                s.village = villages.start + rng.index(villages.len());
                s.who = Who { role: "namesake", related: p.no.clone(), ..Who::default() };
                break;
            }
        }
        s
    }

    /// A household's helper or a work team's member.
    pub(crate) fn cadre(&mut self, county: usize, rng: &mut Rng) -> Subject {
        let villages: Vec<usize> =
            self.world.geo.counties[county].villages.clone().filter(|&v| self.world.geo.villages[v].poor).collect();
        let hh = self.household(county, rng);
        let (cadre, role, number, village) = if rng.per_cent(40) && !villages.is_empty() {
            let village = rng.pick(&villages);
            (registry::team_member(self.world, village, rng.index(3)), "team", village as u64, village)
        } else {
            let h = hh.map_or(county as u64 * COUNTY_HOUSEHOLDS, |h| h.index);
            let number = registry::helper_of(h);
            (registry::helper(self.world, number), "helper", number, self.world.geo.counties[county].villages.start)
        };
        let mut id = Id([b'0'; 18]);
        for (slot, byte) in id.0.iter_mut().zip(cadre.id.bytes()) {
            *slot = byte;
        }
        Subject {
            who: Who { role, related: cadre.id.clone(), ..Who::default() },
            name: cadre.name,
            id,
            sex: cadre.sex,
            birth: cadre.birth,
            age: cadre.age,
            phone: cadre.phone,
            unit: cadre.unit,
            crowd: "干部职员",
            village,
            card: None,
            cadre: Some(number),
        }
    }
}
