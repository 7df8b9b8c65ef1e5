//! The province as a function: any household can be made from its index alone, always the same.

use crate::defects;
use crate::geo::{COUNTY_HOUSEHOLDS, Geo, Workplace};
use crate::model::{Household, Id, Income, Monitor, Person, Sex, Work};
use crate::names::{self, People};
use crate::rng::{Rng, mix, permute};
use chrono::{Datelike, Months, NaiveDate};

/// Slots for birth day and order code inside one ID area: 365 days × 249 pairs.
const ID_SLOTS: u32 = 365 * PAIRS;
/// Order codes begin at 001, so that the first four of a thousand stay free.
const PAIRS: u32 = 249;
/// From here on the slots of a county's own area code belong to people outside the register.
const STRANGER_SLOTS: u32 = 82_500;
/// Per-head yearly net income below which the 2020 mechanism looks at a household, yuan (DOMAIN: 2020 anchor).
pub(crate) const LINE: i64 = 5_000;

const MOBILE: [&str; 24] = [
    "130", "131", "132", "133", "135", "136", "137", "138", "139", "150", "151", "152", "153", "155", "156", "157",
    "158", "159", "180", "182", "183", "187", "188", "189",
];

const COMPANY_HEAD: [&str; 16] = [
    "恒达", "鑫源", "华盛", "金茂", "宏远", "顺发", "联创", "新辉", "万通", "佳美", "德力", "三和", "永兴", "瑞丰",
    "科信", "中泰",
];
const COMPANY_TAIL: [(&str, u32); 12] = [
    ("电子有限公司", 16),
    ("服装厂", 12),
    ("建筑劳务有限公司", 18),
    ("鞋业有限公司", 8),
    ("物流有限公司", 9),
    ("塑料制品厂", 6),
    ("餐饮管理有限公司", 8),
    ("机械厂", 7),
    ("家具有限公司", 6),
    ("快递有限公司", 5),
    ("食品有限公司", 6),
    ("物业服务有限公司", 5),
];

/// The name of an employer, from its seed.
pub(crate) fn company(seed: u64) -> String {
    let mut rng = Rng::stream(seed, &[77]);
    let head = rng.pick(&COMPANY_HEAD);
    format!("{head}{}", rng.weighted(&COMPANY_TAIL))
}

pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) as_of: NaiveDate,
    pub(crate) households: u64,
    persons: u64,
    /// Members of the last household, trimmed so that the number of persons is exact.
    last: usize,
    pub(crate) geo: Geo,
    pub(crate) workplaces: Vec<Workplace>,
    outside: Vec<(u16, u32)>,
}

fn household_size(seed: u64, h: u64) -> usize {
    match mix(seed ^ mix(h ^ 0x51_7A)) % 1000 {
        0..=159 => 1,
        160..=409 => 2,
        410..=639 => 3,
        640..=839 => 4,
        840..=929 => 5,
        930..=979 => 6,
        980..=994 => 7,
        _ => 8,
    }
}

/// The latest date on day `doy` (0–364 of a common year) that makes somebody `age` years old on `on`.
fn birth_for(on: NaiveDate, age: i32, doy: u32) -> NaiveDate {
    const ENDS: [u32; 12] = [31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
    let month = ENDS.iter().position(|&e| doy < e).unwrap_or(11);
    let day = doy - if month == 0 { 0 } else { ENDS[month - 1] } + 1;
    let month = month as u32 + 1;
    let late = (month, day) > (on.month(), on.day());
    NaiveDate::from_ymd_opt(on.year() - age - i32::from(late), month, day).unwrap_or(on)
}

/// Full years between two days.
pub(crate) fn age_on(birth: NaiveDate, on: NaiveDate) -> i32 {
    on.year() - birth.year() - i32::from((on.month(), on.day()) < (birth.month(), birth.day()))
}

pub(crate) fn yyyymm(day: NaiveDate) -> u32 {
    day.year() as u32 * 100 + day.month()
}

/// `months` before `day`, as YYYYMM.
pub(crate) fn months_before(day: NaiveDate, months: u32) -> u32 {
    yyyymm(day.checked_sub_months(Months::new(months)).unwrap_or(day))
}

struct Draft {
    relation: &'static str,
    sex: Sex,
    age: i32,
    /// Takes the head's family name.
    line: bool,
    /// Came into the family by marriage: registered at birth elsewhere.
    married_in: bool,
    generation: i32,
    twin_of: Option<usize>,
}

impl World {
    pub(crate) fn new(seed: u64, as_of: NaiveDate, persons: u64) -> Self {
        let (mut households, mut total, mut last) = (0, 0, 1);
        while total < persons {
            let size = household_size(seed, households) as u64;
            last = size.min(persons - total) as usize;
            total += last as u64;
            households += 1;
        }
        let geo = Geo::build(seed, households, as_of);
        let workplaces = geo.workplaces();
        let outside = workplaces
            .iter()
            .enumerate()
            .map(|(i, p)| {
                let weight = match p.county {
                    None => 50,
                    Some(c) if geo.counties[c].code.starts_with("9902") => 40,
                    Some(_) => 6,
                };
                (i as u16, weight)
            })
            .collect();
        Self { seed, as_of, households, persons, last, geo, workplaces, outside }
    }

    /// Registered persons.
    pub(crate) fn persons(&self) -> i64 {
        i64::try_from(self.persons).unwrap_or(i64::MAX)
    }

    /// Households that a later export has besides: about one in five hundred, as far as the last county has room.
    pub(crate) fn newcomers(&self) -> u64 {
        let room = (COUNTY_HOUSEHOLDS - self.households % COUNTY_HOUSEHOLDS) % COUNTY_HOUSEHOLDS;
        (self.households / 500 + 1).min(room)
    }

    pub(crate) fn county_of(&self, h: u64) -> usize {
        (h / COUNTY_HOUSEHOLDS) as usize
    }

    /// A mobile number that nobody else of the province has.
    pub(crate) fn phone(&self, ordinal: u64) -> String {
        let tail = permute(self.seed ^ 0x9A0E, (ordinal % 100_000_000) as u32, 100_000_000);
        let head = MOBILE[(mix(ordinal ^ self.seed) % MOBILE.len() as u64) as usize];
        format!("{head}{tail:08}")
    }

    fn slot(&self, area: &str, slot: u32) -> (u32, u32) {
        let key = area.bytes().fold(self.seed, |k, b| mix(k ^ u64::from(b)));
        let p = permute(key, slot % ID_SLOTS, ID_SLOTS);
        (p / PAIRS, p % PAIRS)
    }

    /// A valid ID in `area`, unique per (`area`, `slot`, `twin`): birth day and order code come from the slot.
    fn make_id(&self, area: &str, slot: u32, sex: Sex, age: i32, on: NaiveDate, twin: bool) -> (Id, NaiveDate) {
        let (doy, pair) = self.slot(area, slot);
        let birth = birth_for(on, age, doy);
        let seq = 4 + (pair * 2 + u32::from(twin)) * 2 + u32::from(sex == Sex::Male);
        (Id::new(area, birth, seq), birth)
    }

    /// An ID for somebody who is not in the register: `ordinal` counts such people within the county.
    pub(crate) fn stranger_id(&self, county: usize, ordinal: u32, sex: Sex, age: i32) -> (Id, NaiveDate) {
        let slot = STRANGER_SLOTS + ordinal % (ID_SLOTS - STRANGER_SLOTS);
        self.make_id(&self.geo.counties[county].code, slot, sex, age, self.as_of, false)
    }

    /// The area code that a county had before renumbering: older people's and younger siblings' numbers carry it.
    pub(crate) fn former_code(&self, county: usize) -> String {
        let code = &self.geo.counties[county].code;
        let tail: u32 = code.get(4..6).and_then(|t| t.parse().ok()).unwrap_or(0);
        format!("{}{:02}", code.get(..4).unwrap_or("9901"), tail + 20)
    }

    fn area_code(&self, county: usize, shift: u32) -> String {
        let code = &self.geo.counties[county].code;
        let tail: u32 = code.get(4..6).and_then(|t| t.parse().ok()).unwrap_or(0);
        format!("{}{:02}", code.get(..4).unwrap_or("9901"), tail + shift)
    }

    fn drafts(rng: &mut Rng, size: usize) -> Vec<Draft> {
        let stage = rng.below(100);
        let mut age = match stage {
            0..=33 => rng.range(62, 86),
            34..=79 => rng.range(41, 61),
            _ => rng.range(24, 40),
        } as i32;
        if size == 1 && rng.per_cent(60) {
            age = rng.range(60, 89) as i32;
        }
        let sex = if rng.per_cent(86) { Sex::Male } else { Sex::Female };
        let mut list =
            vec![Draft { relation: "户主", sex, age, line: true, married_in: false, generation: 0, twin_of: None }];
        let add = |list: &mut Vec<Draft>, relation, sex, age, line, married_in, generation| {
            list.push(Draft { relation, sex, age, line, married_in, generation, twin_of: None });
        };
        let any = |rng: &mut Rng| {
            if rng.per_cent(53) { Sex::Male } else { Sex::Female }
        };
        let mut spouse = None;
        if size > 1 && rng.per_cent(if sex == Sex::Male { 80 } else { 35 }) {
            let gap = rng.range(-2, 5) as i32;
            let a = (if sex == Sex::Male { age - gap } else { age + gap }).clamp(21, 92);
            add(&mut list, "配偶", sex.other(), a, false, true, 0);
            spouse = Some(a);
        }
        let mother_age = if sex == Sex::Female { age } else { spouse.unwrap_or(age - 2) };
        let mut guard = 0;
        // 0 none, else the index of an adult child who has a wife or husband in the household.
        let mut child_parent: Option<(i32, bool)> = None;
        let mut kids = 0;
        let mut used: [bool; 12] = [false; 12];
        while list.len() < size {
            guard += 1;
            if guard > 60 {
                let s = any(rng);
                add(&mut list, "之兄弟姐妹", s, (age + rng.range(-9, 9) as i32).clamp(1, 95), true, false, 0);
                continue;
            }
            let roll = rng.below(100);
            match roll {
                // Children of the head.
                0..=43 => {
                    let a = mother_age - rng.range(20, 36) as i32;
                    if a < 0 || kids >= 4 || a > 66 {
                        continue;
                    }
                    let s = any(rng);
                    if s == Sex::Female && a > 26 && rng.per_cent(75) {
                        continue;
                    }
                    kids += 1;
                    add(&mut list, if s == Sex::Male { "之子" } else { "之女" }, s, a, true, false, 1);
                    let at = list.len() - 1;
                    if a < 40 && list.len() < size && rng.per_mille(25) {
                        let t = any(rng);
                        kids += 1;
                        add(&mut list, if t == Sex::Male { "之子" } else { "之女" }, t, a, true, false, 1);
                        if let Some(d) = list.last_mut() {
                            d.twin_of = Some(at);
                        }
                    }
                    if a >= 23 && child_parent.is_none() && list.len() < size && rng.per_cent(45) {
                        let partner = (a + rng.range(-3, 3) as i32).max(21);
                        if s == Sex::Male {
                            add(&mut list, "之儿媳", Sex::Female, partner, false, true, 1);
                            child_parent = Some((partner.min(a), true));
                        } else {
                            add(&mut list, "之女婿", Sex::Male, partner, false, true, 1);
                            child_parent = Some((a, false));
                        }
                    } else if a >= 24 && s == Sex::Male && child_parent.is_none() {
                        child_parent = Some((a, true));
                    }
                }
                44..=63 => {
                    let Some((parent, of_son)) = child_parent else {
                        continue;
                    };
                    let a = parent - rng.range(20, 32) as i32;
                    if a < 0 {
                        continue;
                    }
                    let s = any(rng);
                    let relation = match (of_son, s) {
                        (true, Sex::Male) => "之孙子",
                        (true, Sex::Female) => "之孙女",
                        (false, Sex::Male) => "之外孙子",
                        (false, Sex::Female) => "之外孙女",
                    };
                    add(&mut list, relation, s, a, of_son, false, 2);
                    if a >= 24 && list.len() < size {
                        let g = any(rng);
                        let r = if g == Sex::Male { "之曾孙子" } else { "之曾孙女" };
                        add(&mut list, r, g, a - 22, true, false, 3);
                    }
                }
                // Parents, by blood or by marriage.
                64..=83 => {
                    let own = !used[0] && (sex == Sex::Male || spouse.is_none() || rng.per_cent(20));
                    let a = age + rng.range(20, 32) as i32;
                    if a > 97 {
                        continue;
                    }
                    if own {
                        used[0] = true;
                        let s = if rng.per_cent(38) { Sex::Male } else { Sex::Female };
                        add(
                            &mut list,
                            if s == Sex::Male { "之父" } else { "之母" },
                            s,
                            a,
                            s == Sex::Male,
                            s == Sex::Female,
                            -1,
                        );
                        if list.len() < size && rng.per_cent(35) {
                            let (r, o) = if s == Sex::Male { ("之母", Sex::Female) } else { ("之父", Sex::Male) };
                            add(
                                &mut list,
                                r,
                                o,
                                (a + rng.range(-4, 4) as i32).clamp(age + 18, 98),
                                o == Sex::Male,
                                o == Sex::Female,
                                -1,
                            );
                        }
                    } else if !used[1] && spouse.is_some() && (sex == Sex::Female || rng.per_cent(15)) {
                        used[1] = true;
                        let s = if rng.per_cent(38) { Sex::Male } else { Sex::Female };
                        let relation = match (sex, s) {
                            (Sex::Male, Sex::Male) => "之岳父",
                            (Sex::Male, Sex::Female) => "之岳母",
                            (Sex::Female, Sex::Male) => "之公公",
                            (Sex::Female, Sex::Female) => "之婆婆",
                        };
                        let a = spouse.unwrap_or(age) + rng.range(20, 30) as i32;
                        if a > 97 {
                            continue;
                        }
                        add(&mut list, relation, s, a, false, true, -1);
                    }
                }
                84..=85 if age < 42 && !used[2] => {
                    used[2] = true;
                    let s = if rng.per_cent(35) { Sex::Male } else { Sex::Female };
                    let outer = rng.per_cent(15);
                    let relation = match (outer, s) {
                        (false, Sex::Male) => "之祖父",
                        (false, Sex::Female) => "之祖母",
                        (true, Sex::Male) => "之外祖父",
                        (true, Sex::Female) => "之外祖母",
                    };
                    add(
                        &mut list,
                        relation,
                        s,
                        (age + rng.range(44, 56) as i32).min(97),
                        !outer && s == Sex::Male,
                        s == Sex::Female,
                        -2,
                    );
                }
                86..=90 if !used[3] => {
                    used[3] = true;
                    let s = if rng.per_cent(75) { Sex::Male } else { Sex::Female };
                    let a = (age + rng.range(-10, 10) as i32).clamp(1, 95);
                    add(&mut list, "之兄弟姐妹", s, a, true, false, 0);
                    if s == Sex::Male && a > 24 && list.len() < size && rng.per_cent(20) {
                        add(&mut list, "之兄弟媳妇", Sex::Female, (a - 2).max(21), false, true, 0);
                    }
                }
                91..=93 if !used[4] && age > 34 => {
                    used[4] = true;
                    let s = any(rng);
                    let a = (age - rng.range(24, 36) as i32).max(0);
                    add(&mut list, if s == Sex::Male { "之侄儿" } else { "之侄女" }, s, a, true, false, 1);
                }
                94 if !used[5] && age < 70 => {
                    used[5] = true;
                    add(&mut list, "之叔伯", Sex::Male, (age + rng.range(12, 28) as i32).min(95), true, false, -1);
                }
                95 if !used[6] => {
                    used[6] = true;
                    let s = any(rng);
                    add(&mut list, "其他", s, rng.range(5, 75) as i32, false, false, 0);
                }
                _ => {}
            }
        }
        list.truncate(size);
        list
    }

    /// Makes household `h` as the register holds it on the export day, planted defects included.
    pub(crate) fn household(&self, h: u64) -> Household {
        let mut hh = self.clean_household(h);
        defects::plant(self, &mut hh);
        if hh.marks.is_empty() {
            self.other_forms(&mut hh);
        }
        hh
    }

    /// Writes some sound numbers as clerks and old systems do: 15 digits, a small x, full-width digits, an apostrophe,
    /// blanks. Nothing is lost by it, so it is no defect.
    fn other_forms(&self, hh: &mut Household) {
        const FORMS: [&str; 5] = ["id_15", "id_lower_x", "id_full_width", "id_apostrophe", "id_spaces"];
        for (m, p) in hh.members.iter_mut().enumerate() {
            let roll = mix(self.seed ^ mix(hh.index * 8 + m as u64) ^ 0xF0_4A);
            if roll % 1000 < 12 && p.id_text.len() == 18 {
                let form = FORMS[(roll / 1000 % 5) as usize];
                p.id_form = crate::damage::written(form, &p.id_text, p.birth).map(|text| (text, form));
            }
        }
    }

    /// Makes household `h` without planted defects.
    pub(crate) fn clean_household(&self, h: u64) -> Household {
        let mut rng = Rng::stream(self.seed, &[1, h]);
        let village_at = self.geo.village_of(h);
        let village = &self.geo.villages[village_at];
        let county_at = village.county;
        let county = &self.geo.counties[county_at];
        let local = (h % COUNTY_HOUSEHOLDS) as u32;
        let size = if h + 1 == self.households { self.last } else { household_size(self.seed, h) };
        let drafts = Self::drafts(&mut rng, size);

        let people = if rng.per_cent(85) { village.people } else { People::Han };
        let (family, clan_line) = match rng.below(100) {
            0..=47 => (village.clans[0], true),
            48..=66 => (village.clans[1], true),
            _ => (names::surname(&mut rng), false),
        };
        let clan = mix(self.seed ^ village.township as u64 ^ family.bytes().fold(7, |k, b| mix(k ^ u64::from(b))));
        let head_male = drafts[0].sex == Sex::Male;
        let spouse_family = names::surname(&mut rng);
        // Children take the father's name, whichever of the couple is the head.
        let child_family =
            if head_male || drafts.get(1).is_none_or(|d| d.relation != "配偶") { family } else { spouse_family };

        let ill_house = rng.per_cent(34);
        let disabled_house = rng.per_cent(19);
        let home = &county.code;
        let former = self.area_code(county_at, 20);
        let married = self.area_code(county_at, 40);
        let (mut own, mut wed) = (0u32, 0u32);
        let mut members: Vec<Person> = Vec::with_capacity(drafts.len());
        let mut slots: Vec<(u32, bool)> = Vec::with_capacity(drafts.len());
        let relocated = rng.per_cent(7);
        for (m, d) in drafts.iter().enumerate() {
            let twin = d.twin_of.and_then(|t| slots.get(t).copied());
            let (slot, use_former) = match twin {
                Some(s) => s,
                None if d.married_in => (0, false),
                None => {
                    let s = (local * 4 + own % 4, own >= 4);
                    own += 1;
                    s
                }
            };
            slots.push((slot, use_former));
            let (id, birth) = if d.married_in && twin.is_none() {
                wed += 1;
                self.make_id(&married, local * 4 + (wed - 1) % 4, d.sex, d.age, self.as_of, false)
            } else {
                self.make_id(if use_former { &former } else { home }, slot, d.sex, d.age, self.as_of, twin.is_some())
            };
            let surname = match d.relation {
                "户主" => family,
                "配偶" => spouse_family,
                _ if d.line && d.generation > 0 => child_family,
                _ if d.line => family,
                _ => names::surname(&mut rng),
            };
            let generation = (clan_line && d.line && surname == family).then_some((clan, d.generation));
            let mut name = String::with_capacity(16);
            names::full_name(&mut rng, people, surname, d.sex, birth.year(), generation, &mut name);
            while members.iter().any(|p| p.name == name) {
                names::full_name(&mut rng, people, surname, d.sex, birth.year(), generation, &mut name);
            }
            members.push(self.person(&mut rng, h, m, d, name, id, birth, people, ill_house, disabled_house, relocated));
        }
        let mut hh = self.dwelling(&mut rng, h, village_at, members);
        self.livelihood(&mut rng, &mut hh);
        hh
    }

    #[allow(clippy::too_many_arguments)]
    fn person(
        &self,
        rng: &mut Rng,
        h: u64,
        m: usize,
        d: &Draft,
        name: String,
        id: Id,
        birth: NaiveDate,
        people: People,
        ill_house: bool,
        disabled_house: bool,
        relocated: bool,
    ) -> Person {
        let age = d.age;
        let county = &self.geo.counties[self.county_of(h)];
        let no = format!("{}{:06}{:02}", county.code, h % COUNTY_HOUSEHOLDS + 1, m + 1);
        // School year counts from 31 August (compulsory education law, art. 11: six years old by then).
        let last_autumn =
            NaiveDate::from_ymd_opt(self.as_of.year() - i32::from(self.as_of.month() < 9), 8, 31).unwrap_or(self.as_of);
        let school_age = if birth > last_autumn { -1 } else { age_on(birth, last_autumn) };
        let school = match school_age {
            ..=2 => "学龄前儿童",
            3..=5 => "学前教育",
            6..=11 => "小学",
            12 => "七年级",
            13 => "八年级",
            14 => "九年级",
            15..=17 if rng.per_cent(88) => {
                let vocational = rng.per_cent(38);
                match (vocational, school_age) {
                    (false, 15) => "普通高中一年级",
                    (false, 16) => "普通高中二年级",
                    (false, _) => "普通高中三年级",
                    (true, 15) => "中职一年级",
                    (true, 16) => "中职二年级",
                    (true, _) => "中职三年级",
                }
            }
            18..=21 if rng.per_cent(38) => match (rng.per_cent(55), school_age) {
                (true, 18) => "高职高专一年级",
                (true, 19) => "高职高专二年级",
                (true, 20) => "高职高专三年级",
                (_, 18) => "本科一年级",
                (_, 19) => "本科二年级",
                (_, 20) => "本科三年级",
                _ => "本科四年级",
            },
            _ => "",
        };
        let education = if school.is_empty() {
            let r = rng.below(100);
            match age {
                70.. => ["文盲或半文盲", "小学", "初中"][usize::from(r >= 52) + usize::from(r >= 93)],
                50..=69 => ["文盲或半文盲", "小学", "初中", "高中"]
                    [usize::from(r >= 20) + usize::from(r >= 66) + usize::from(r >= 95)],
                35..=49 => {
                    ["小学", "初中", "高中", "大专"][usize::from(r >= 33) + usize::from(r >= 90) + usize::from(r >= 97)]
                }
                22..=34 => ["小学", "初中", "高中", "大专", "本科及以上"]
                    [usize::from(r >= 9) + usize::from(r >= 68) + usize::from(r >= 84) + usize::from(r >= 94)],
                _ => ["初中", "高中"][usize::from(r >= 70)],
            }
        } else {
            ""
        };
        let pupil = !school.is_empty();
        let sick_chance = if ill_house { 26 } else { 3 } + if age >= 60 { 14 } else { 0 };
        let disabled = rng.per_cent(if disabled_house { 24 } else { 1 });
        let chronic = age > 14 && rng.per_cent(sick_chance);
        let serious = rng.per_mille(if ill_house { 50 } else { 6 });
        let health = match (chronic, serious, disabled) {
            (false, false, false) => "健康",
            (true, false, false) => "长期慢性病",
            (false, true, false) => "患有大病",
            (false, false, true) => "残疾",
            (true, true, false) => "长期慢性病,患有大病",
            (true, false, true) => ["残疾,长期慢性病", "长期慢性病,残疾"][rng.index(2)],
            (false, true, true) => "患有大病,残疾",
            (true, true, true) => "长期慢性病,患有大病,残疾",
        };
        let mut id_text = String::with_capacity(24);
        id_text.push_str(id.as_str());
        let (mut disability, mut card_year, mut id_kind, mut grade) = ("", 0, "居民身份证", 4);
        if disabled {
            let kind = rng.weighted(&[(1u8, 14), (2, 15), (3, 3), (4, 44), (5, 9), (6, 11), (7, 4)]);
            grade = rng.range(1, 4) as u8;
            disability =
                ["", "视力残疾", "听力残疾", "言语残疾", "肢体残疾", "智力残疾", "精神残疾", "多重残疾"][kind as usize];
            card_year = rng.range(2009, i64::from(self.as_of.year()) - 1) as u16;
            if i32::from(card_year) < birth.year() + 1 {
                card_year = self.as_of.year() as u16;
            }
            id_kind = "残疾人证";
            id_text.push((b'0' + kind) as char);
            id_text.push((b'0' + grade) as char);
            if rng.per_cent(12) {
                id_text.push_str("B1");
            }
        }
        let unable = disabled && grade <= 2;
        let labour = match age {
            ..=15 => "无劳动力",
            16..=59 if pupil => "无劳动力",
            16..=59 if unable => "丧失劳动力",
            16..=59 if serious => {
                if rng.per_cent(50) {
                    "丧失劳动力"
                } else {
                    "弱劳动力或半劳动力"
                }
            }
            16..=59 if chronic || disabled => {
                if rng.per_cent(60) {
                    "弱劳动力或半劳动力"
                } else {
                    "普通劳动力"
                }
            }
            16..=59 => {
                if rng.per_cent(13) {
                    "技能劳动力"
                } else {
                    "普通劳动力"
                }
            }
            60..=69 if unable || serious => "丧失劳动力",
            60..=69 => "弱劳动力或半劳动力",
            _ => "无劳动力",
        };
        let able = matches!(labour, "普通劳动力" | "技能劳动力");
        let go = match age {
            16..=45 => 66,
            46..=54 => 48,
            55..=59 => 30,
            _ => 0,
        };
        let work = (able && rng.per_cent(go)).then(|| {
            let place = if rng.per_cent(22) { self.county_of(h) as u16 } else { rng.weighted(&self.outside) };
            Work {
                place,
                months: rng.weighted(&[
                    (3, 4),
                    (4, 4),
                    (5, 5),
                    (6, 12),
                    (7, 7),
                    (8, 12),
                    (9, 11),
                    (10, 28),
                    (11, 14),
                    (12, 3),
                ]),
                company: rng.below(4000),
            }
        });
        let weak_post = work.is_none() && matches!(labour, "弱劳动力或半劳动力" | "普通劳动力") && rng.per_cent(11);
        let post = if weak_post {
            rng.pick(&["保洁员", "护林员", "护路员", "水管员", "护河员", "治安协管员"])
        } else {
            ""
        };
        let adult = age >= 16 && !pupil;
        let employee = work.is_some() && rng.per_cent(6);
        let pupil_above = pupil && school_age >= 14;
        Person {
            no,
            name,
            sex: d.sex,
            birth,
            age,
            id,
            id_text,
            id_kind,
            id_form: None,
            relation: d.relation,
            people: people.zh(),
            party: if age >= 20 && rng.per_mille(28) {
                "中共党员"
            } else if pupil_above && age < 28 && rng.per_cent(35) {
                "共青团员"
            } else {
                "群众"
            },
            education,
            school,
            dropout: "",
            health,
            disability,
            card_year,
            labour,
            work,
            hide_place: false,
            hide_months: false,
            channel: if work.is_some() {
                rng.weighted(&[("亲友介绍", 50), ("自主就业", 28), ("政府组织", 14), ("中介组织", 8)])
            } else {
                ""
            },
            industry: if work.is_some() {
                rng.weighted(&[("第二产业", 62), ("第三产业", 36), ("第一产业", 2)])
            } else {
                ""
            },
            post,
            post_months: if weak_post { rng.range(6, 12) as u8 } else { 0 },
            mandarin: age >= 6 && rng.per_cent(if age > 65 { 55 } else { 94 }),
            relocated,
            resident_insurance: !employee,
            employee_insurance: employee,
            serious_insurance: true,
            commercial_insurance: rng.per_cent(24),
            resident_pension: adult && !employee,
            employee_pension: employee,
            medical_aid: (serious || chronic) && rng.per_cent(30),
            other_health_aid: serious && rng.per_cent(40),
            phone: if adult && (m == 0 || rng.per_cent(60)) && age < 80 {
                self.phone(h * 8 + m as u64)
            } else {
                String::new()
            },
            idle_graduate: "",
        }
    }

    fn dwelling(&self, rng: &mut Rng, h: u64, village_at: usize, members: Vec<Person>) -> Household {
        let village = &self.geo.villages[village_at];
        let n = members.len() as i64;
        let labour = members.iter().any(Person::has_labour);
        let ill = members.iter().any(|p| p.health.contains('病'));
        let disabled = members.iter().any(|p| p.health.contains("残疾"));
        let school = members.iter().any(Person::is_student);
        let tekun = !labour && n <= 2 && members.iter().all(|p| p.age >= 60) && rng.per_cent(45);
        let dibao = !tekun && rng.per_cent(if labour { 17 } else { 62 });
        let near_poor = !tekun && !dibao && rng.per_mille(26);
        let (kind, status) = if near_poor {
            ("一般农户", "")
        } else {
            let kind = if tekun {
                "特困供养贫困户"
            } else if dibao {
                "低保贫困户"
            } else {
                "一般贫困户"
            };
            (kind, rng.weighted(&[("已脱贫(享受政策)", 930), ("已脱贫(不享受政策)", 45), ("未脱贫", 18), ("返贫", 1)]))
        };
        let mut causes: Vec<(&'static str, u32)> = vec![
            ("缺技术", 18),
            ("缺资金", 12),
            ("自身发展动力不足", 5),
            ("缺土地", 2),
            ("缺水", 1),
            ("因灾", 2),
            ("交通条件落后", 3),
        ];
        if ill {
            causes.push(("因病", 60));
        }
        if disabled {
            causes.push(("因残", 38));
        }
        if school {
            causes.push(("因学", 16));
        }
        if !members.iter().any(|p| matches!(p.labour, "普通劳动力" | "技能劳动力")) {
            causes.push(("缺劳力", 45));
        }
        let main_cause = rng.weighted(&causes);
        let mut others: Vec<&str> = Vec::new();
        for _ in 0..2 {
            let c = rng.weighted(&causes);
            if c != main_cause && !others.contains(&c) && rng.per_cent(60) {
                others.push(c);
            }
        }
        let fallow = if rng.per_cent(22) { rng.range(5, 60) as u32 } else { 0 };
        let head_phone = {
            // The head comes first, so the head's own number wins where there is one.
            match members.iter().find(|p| !p.phone.is_empty()) {
                Some(p) => p.phone.clone(),
                None => self.phone(h * 8 + 7),
            }
        };
        let identified =
            rng.weighted(&[(2013u32, 10), (2014, 70), (2015, 6), (2016, 7), (2017, 4), (2018, 2), (2019, 1)]);
        let county = &self.geo.counties[village.county];
        Household {
            index: h,
            no: format!("{}{:07}", county.code, h % COUNTY_HOUSEHOLDS + 1),
            village: village_at,
            group: rng.range(1, i64::from(village.groups)) as u8,
            kind,
            status,
            main_cause: if near_poor { "" } else { main_cause },
            other_causes: if near_poor { String::new() } else { others.join(",") },
            first_identified: if near_poor {
                0
            } else {
                identified * 100 + rng.weighted(&[(12u32, 70), (4, 10), (10, 20)])
            },
            phone: head_phone,
            bank: rng.weighted(&[("农村商业银行", 60), ("中国邮政储蓄银行", 22), ("中国农业银行", 18)]),
            card: format!("6217{:08}{:07}", rng.below(100_000_000), rng.below(10_000_000)),
            veteran: rng.per_mille(9),
            dangerous: false,
            danger_grade: "",
            floor_area: rng.range(18, 34) as u16 * n.clamp(2, 6) as u16,
            safe_water: true,
            broadcast: rng.per_cent(98),
            toilet: rng.per_cent(86),
            fuel: rng.weighted(&[("清洁能源", 62), ("柴草", 28), ("煤炭", 9), ("其他", 1)]),
            road: rng.weighted(&[("水泥路", 82), ("沥青路", 5), ("砂石路", 9), ("泥土路", 4)]),
            road_distance: rng.range(0, 140) as u16 * 5,
            land: [
                (n as u32) * rng.range(4, 22) as u32,
                fallow + if rng.per_cent(48) { rng.range(0, 150) as u32 } else { 0 },
                fallow,
                if rng.per_cent(14) { rng.range(3, 40) as u32 } else { 0 },
                0,
                if rng.per_cent(3) { rng.range(2, 20) as u32 } else { 0 },
            ],
            cooperative: rng.per_cent(38),
            enterprise: rng.per_cent(27),
            leader: rng.per_cent(12),
            industry_aid: rng.weighted(&[
                ("种植业", 34),
                ("养殖业", 26),
                ("光伏", 14),
                ("乡村旅游", 2),
                ("电商", 2),
                ("", 22),
            ]),
            dibao,
            tekun,
            members,
            income: Income::default(),
            monitor: None,
            count: None,
            no_members: false,
            net_slip: 0,
            marks: Vec::new(),
        }
    }

    fn livelihood(&self, rng: &mut Rng, hh: &mut Household) {
        let n = hh.members.len() as i64;
        let mut inc = Income::default();
        for p in &hh.members {
            if let Some(w) = p.work {
                let monthly = match p.labour {
                    "技能劳动力" => rng.range(3600, 6400),
                    _ => rng.range(2100, 4300),
                };
                inc.wage_work += monthly * i64::from(w.months) * rng.range(62, 88) / 100;
            }
            if p.post_months > 0 {
                inc.wage_post += i64::from(p.post_months) * rng.pick(&[300, 500, 600, 800]);
            }
            if p.age >= 60 && p.resident_pension {
                inc.pension += 12 * rng.range(105, 160);
            }
        }
        let labour = hh.members.iter().filter(|p| p.has_labour()).count() as i64;
        if labour > 0 && rng.per_cent(18) {
            inc.wage_other = rng.range(8, 60) * 100;
        }
        if labour > 0 && rng.per_cent(82) {
            inc.crops = i64::from(hh.land[0]) * rng.range(45, 110);
            if rng.per_cent(36) {
                inc.livestock = rng.range(8, 140) * 100;
            }
            if hh.land[3] > 0 {
                inc.forest = i64::from(hh.land[3]) * rng.range(50, 160);
            }
            if rng.per_cent(4) {
                inc.trade = rng.range(20, 260) * 100;
            }
        }
        inc.cost = if inc.operating() > 0 { (inc.operating() * rng.range(24, 46) / 100).max(60) } else { 0 };
        if rng.per_cent(58) {
            inc.dividend = rng.range(2, 30) * 100;
        }
        if rng.per_cent(26) {
            inc.land_rent = i64::from(hh.land[0]) * rng.range(30, 60);
        }
        if rng.per_cent(3) {
            inc.property_other = rng.range(2, 20) * 100;
        }
        if rng.per_cent(5) {
            inc.family_planning = 960;
        }
        if hh.dibao {
            inc.dibao = n.min(4) * rng.range(230, 420) * 12;
        }
        if hh.tekun {
            inc.tekun = n * rng.range(5600, 7200);
        }
        if hh.land[2] > 0 {
            inc.eco = i64::from(hh.land[2]) * 9 + 90;
        }
        inc.transfer_other = rng.range(2, 26) * 100;
        let ill = hh.members.iter().any(|p| p.health.contains('病'));
        if ill && rng.per_cent(55) {
            inc.self_paid = rng.range(3, 48) * 100;
            if rng.per_cent(12) {
                inc.claims = rng.range(5, 60) * 100;
            }
        }
        // Below 301 yuan a year wages are a typing slip, not income (the register's own plausibility rule).
        if inc.wages() > 0 && inc.wages() <= 300 {
            inc.wage_other += 400;
        }
        let monitored = hh.kind == "一般农户" || (!hh.tekun && rng.per_mille(27));
        hh.income = inc;
        if monitored {
            self.watch(rng, hh);
        }
        let eliminated = hh.monitor.as_ref().is_some_and(|m| m.eliminated.is_some());
        if hh.monitor.is_none() || eliminated {
            let floor = (LINE + 200) * n;
            if hh.income.net() < floor {
                let lift = floor - hh.income.net() + rng.range(0, 2600) * n;
                // Help from children who are registered elsewhere is the usual difference.
                hh.income.transfer_other += lift;
            }
        }
        if let Some(m) = &mut hh.monitor
            && let Some((_, at_end)) = &mut m.eliminated
        {
            *at_end = hh.income.net() / n;
        }
    }

    /// Puts a household under monitoring: why, since when, and what is done about it.
    fn watch(&self, rng: &mut Rng, hh: &mut Household) {
        let n = hh.members.len() as i64;
        let labour = hh.members.iter().any(Person::has_labour);
        let class = if hh.kind == "一般农户" { "边缘易致贫户" } else { "脱贫不稳定户" };
        let ended = labour && rng.per_cent(22);
        let months = if ended {
            rng.range(8, 11)
        } else {
            rng.weighted(&[(1, 10), (2, 20), (3, 20), (5, 14), (7, 20), (9, 16)])
        } as u32;
        let mut m = Monitor {
            class,
            since: months_before(self.as_of, months),
            risks: Vec::new(),
            flags: [false; 4],
            no_flags: false,
            disaster: "",
            general: "",
            income: 0,
            no_labour: !labour,
            measures: [false; 15],
            developing: labour,
            eliminated: None,
            how: "",
        };
        if hh.members.iter().any(|p| p.health.contains('病')) {
            m.risks.push("因病");
            m.measures[6] = true;
        }
        if hh.members.iter().any(|p| p.health.contains("残疾")) && rng.per_cent(70) {
            m.risks.push("因残");
            m.measures[9] = true;
        }
        if hh.members.iter().any(Person::is_student) && rng.per_cent(25) {
            m.risks.push("因学");
            m.measures[7] = true;
            m.measures[8] = rng.per_cent(40);
        }
        if hh.members.iter().any(|p| p.work.is_some()) && rng.per_cent(40) {
            m.risks.push("因务工就业不稳");
        }
        let lacking = !hh.members.iter().any(|p| matches!(p.labour, "普通劳动力" | "技能劳动力"));
        if lacking && !hh.members.iter().all(Person::has_labour) {
            m.risks.push("因缺劳动力");
            m.measures[9] = true;
        }
        if labour {
            m.measures[rng.pick(&[0usize, 1, 3])] = true;
            m.measures[2] = rng.per_cent(15);
        } else {
            m.measures[9] = true;
        }
        match rng.below(100) {
            0..=6 if !ended => {
                hh.dangerous = true;
                hh.danger_grade = if rng.per_cent(70) { "C级" } else { "D级" };
                m.flags[0] = true;
                m.risks.push("因住房安全");
                m.measures[4] = true;
            }
            7..=12 if !ended => {
                hh.safe_water = false;
                m.flags[2] = true;
                m.risks.push("因安全饮水");
                m.measures[5] = true;
            }
            _ => {}
        }
        if m.risks.is_empty() {
            m.risks.push(if rng.per_cent(60) { "因产业项目失败" } else { "因意外事故" });
            m.measures[0] = labour;
            m.measures[10] = true;
        }
        // Blows from outside, which strike whoever they strike.
        match rng.below(100) {
            0..=4 => {
                m.risks.push("因自然灾害");
                m.disaster = rng.pick(&["洪涝灾害", "地质灾害", "旱灾", "生物灾害", "气象灾害"]);
                m.measures[10] = true;
            }
            5..=9 if months <= 2 => {
                m.risks.push("因疫");
                m.measures[10] = true;
            }
            _ => {}
        }
        // Income above the range, but a blow that uses it up.
        let sudden = rng.per_cent(7);
        if sudden {
            m.class = "突发严重困难户";
            if !m.risks.iter().any(|r| matches!(*r, "因病" | "因自然灾害" | "因疫")) {
                m.risks.push("因意外事故");
            }
            m.measures[10] = true;
        }
        m.risks.truncate(5);
        m.measures[12] = rng.per_cent(10);
        m.income = if sudden { rng.range(LINE + 400, LINE * 2) } else { rng.range(3200, LINE - 50) };
        if ended {
            m.eliminated = Some((months_before(self.as_of, rng.range(1, i64::from(months) - 6) as u32), 0));
            m.how = if rng.per_cent(12) { "自然消除" } else { "帮扶消除" };
        } else if rng.per_cent(62) {
            // Low income is why most of them are there: bring the year's accounts near the line.
            let target = rng.range(3300, 6800) * n;
            let mut cut = hh.income.net() - target;
            let inc = &mut hh.income;
            // Somebody who worked away earned something: never cut wages to nothing.
            let kept = [1_200, 0, 0, 0, 0];
            let fields =
                [&mut inc.wage_work, &mut inc.livestock, &mut inc.trade, &mut inc.transfer_other, &mut inc.dividend];
            for (field, keep) in fields.into_iter().zip(kept) {
                let take = cut.clamp(0, (*field - keep).max(0));
                *field -= take;
                cut -= take;
            }
            inc.cost = if inc.operating() > 0 { (inc.operating() * 35 / 100).max(60) } else { 0 };
        }
        hh.monitor = Some(m);
    }
}
