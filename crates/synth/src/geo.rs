//! Divisions: province, cities, counties, townships, villages and village groups.

use crate::names::{self, People};
use crate::rng::Rng;
use chrono::NaiveDate;

/// Households of one county's register at most; beyond that the next county begins.
pub(crate) const COUNTY_HOUSEHOLDS: u64 = 20_000;

/// Province code and name. The name is invented; 99 is assigned to no province.
pub(crate) const PROVINCE: (&str, &str) = ("99", "云岭省");

/// What the epidemic does in a county (国发明电〔2020〕6号 risk levels; the algorithm is in the product's policy).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Epidemic {
    None,
    Past,
    Some,
    Severe,
}

pub(crate) struct City {
    pub(crate) code: String,
    pub(crate) name: String,
}

pub(crate) struct County {
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) city: usize,
    pub(crate) townships: std::ops::Range<usize>,
    pub(crate) villages: std::ops::Range<usize>,
    pub(crate) epidemic: Epidemic,
    /// Whether the register covers it.
    pub(crate) registered: bool,
}

pub(crate) struct Township {
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) villages: std::ops::Range<usize>,
    pub(crate) urban: bool,
    /// Code and name before the township became a town (撤乡设镇), and the day it did.
    pub(crate) former: Option<(String, String, NaiveDate)>,
}

pub(crate) struct Village {
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) township: usize,
    pub(crate) county: usize,
    pub(crate) clans: [&'static str; 2],
    pub(crate) people: People,
    pub(crate) groups: u8,
    /// A registered poor village (贫困村): it has a resident work team.
    pub(crate) poor: bool,
    /// First household index, global.
    pub(crate) first: u64,
}

pub(crate) struct Geo {
    pub(crate) cities: Vec<City>,
    pub(crate) counties: Vec<County>,
    pub(crate) townships: Vec<Township>,
    pub(crate) villages: Vec<Village>,
}

/// A place where people go to work: the full name and, when inside the province, the county index.
pub(crate) struct Workplace {
    pub(crate) name: String,
    pub(crate) county: Option<usize>,
    pub(crate) zone: &'static str,
}

/// Real county-level areas of other provinces that receive many migrant workers (GB/T 2260).
pub(crate) const OUTSIDE: &[(&str, &str, &str, &str, &str, &str)] = &[
    ("31", "上海市", "3101", "市辖区", "310115", "浦东新区"),
    ("31", "上海市", "3101", "市辖区", "310117", "松江区"),
    ("32", "江苏省", "3205", "苏州市", "320583", "昆山市"),
    ("32", "江苏省", "3202", "无锡市", "320281", "江阴市"),
    ("33", "浙江省", "3302", "宁波市", "330212", "鄞州区"),
    ("33", "浙江省", "3303", "温州市", "330381", "瑞安市"),
    ("33", "浙江省", "3307", "金华市", "330782", "义乌市"),
    ("35", "福建省", "3505", "泉州市", "350582", "晋江市"),
    ("44", "广东省", "4401", "广州市", "440111", "白云区"),
    ("44", "广东省", "4403", "深圳市", "440306", "宝安区"),
    ("44", "广东省", "4406", "佛山市", "440606", "顺德区"),
];

const HEAD: &[&str] = &[
    "青", "龙", "云", "石", "白", "金", "双", "长", "清", "永", "平", "安", "南", "东", "红", "玉", "松", "桃", "梅",
    "凤",
];
const TAIL: &[&str] = &[
    "岭", "溪", "河", "山", "泉", "湖", "塘", "坪", "川", "水", "关", "桥", "沟", "峡", "岩", "洲", "浦", "源", "屏",
    "台",
];
const V_TAIL: &[&str] = &[
    "家庄", "家湾", "家坝", "家冲", "家坪", "家沟", "家岭", "家桥", "家塘", "家集", "家店", "家寨", "家营", "家窑",
    "家楼",
];
const V_HEAD: &[&str] = &["上", "下", "前", "后", "大", "小", "东", "西", "南", "北", "新", "老"];
const G_TAIL: &[&str] = &["湾", "坎", "垭", "坡", "院", "坳", "洼", "屋", "嘴", "井", "园", "墩"];

fn two_part(key: u64, at: usize) -> String {
    let n = HEAD.len() * TAIL.len();
    let p = crate::rng::permute(key, (at % n) as u32, n as u32) as usize;
    let mut name = format!("{}{}", HEAD[p / TAIL.len()], TAIL[p % TAIL.len()]);
    if at >= n {
        name.insert(0, '新');
    }
    name
}

/// The name of group `g` (from 1) of a village: a natural village's name with its number.
pub(crate) fn group_name(seed: u64, village: usize, clan: &str, g: u8) -> String {
    let mut rng = Rng::stream(seed, &[41, village as u64, u64::from(g)]);
    // No two groups of a village end alike, so no two have one name.
    let order = crate::rng::permute(seed ^ crate::rng::mix(village as u64), u32::from(g), G_TAIL.len() as u32);
    let tail = G_TAIL[order as usize];
    if rng.per_cent(60) { format!("{clan}家{tail}组") } else { format!("{}{tail}组", rng.pick(HEAD)) }
}

impl Geo {
    /// Lays out divisions for `households` registered households.
    pub(crate) fn build(seed: u64, households: u64, as_of: NaiveDate) -> Self {
        let registered = households.div_ceil(COUNTY_HOUSEHOLDS).max(1) as usize;
        let ordinary = (registered + 3).max(7);
        let mut geo = Self { cities: Vec::new(), counties: Vec::new(), townships: Vec::new(), villages: Vec::new() };
        let city_key = seed ^ 0x11;
        let county_key = seed ^ 0x22;
        geo.cities.push(City { code: "9901".into(), name: format!("{}市", two_part(city_key, 0)) });
        geo.cities.push(City { code: "9902".into(), name: "武江市".into() });
        for i in 0..ordinary {
            let (city, place) = if i < 4 { (0, i) } else { (2 + (i - 4) / 8, (i - 4) % 8) };
            while geo.cities.len() <= city {
                let n = geo.cities.len();
                geo.cities
                    .push(City { code: format!("99{:02}", n + 1), name: format!("{}市", two_part(city_key, n)) });
            }
            let epidemic = if i < registered {
                if i % 5 == 4 { Epidemic::None } else { Epidemic::Some }
            } else {
                [Epidemic::None, Epidemic::Past, Epidemic::Some][(i - registered) % 3]
            };
            geo.counties.push(County {
                code: format!("{}{:02}", geo.cities[city].code, 21 + place),
                name: format!("{}县", two_part(county_key, i)),
                city,
                townships: 0..0,
                villages: 0..0,
                epidemic,
                registered: i < registered,
            });
        }
        for (n, (tail, name, epidemic)) in
            [("02", "临江区", Epidemic::Severe), ("03", "汉平区", Epidemic::Some), ("81", "江夏口市", Epidemic::Past)]
                .into_iter()
                .enumerate()
        {
            let _ = n;
            geo.counties.push(County {
                code: format!("9902{tail}"),
                name: name.into(),
                city: 1,
                townships: 0..0,
                villages: 0..0,
                epidemic,
                registered: false,
            });
        }
        for c in 0..geo.counties.len() {
            let first = c as u64 * COUNTY_HOUSEHOLDS;
            let share = if geo.counties[c].registered { (households - first).min(COUNTY_HOUSEHOLDS) } else { 0 };
            geo.fill_county(seed, c, first, share, as_of);
        }
        geo
    }

    fn fill_county(&mut self, seed: u64, c: usize, first: u64, share: u64, as_of: NaiveDate) {
        let mut rng = Rng::stream(seed, &[31, c as u64]);
        let mut sizes = Vec::new();
        if share == 0 {
            sizes = vec![0; 24];
        }
        let mut left = share;
        while left > 0 {
            let mut size = rng.range(60, 150) as u64;
            if left < size + 30 {
                size = left;
            }
            sizes.push(size);
            left -= size;
        }
        let minority = c % 4 == 2;
        let township_start = self.townships.len();
        let village_start = self.villages.len();
        let mut at = first;
        let mut done = 0;
        let mut number = 0;
        while done < sizes.len() {
            let rest = sizes.len() - done;
            let mut take = rng.range(9, 16) as usize;
            if rest < take + 6 {
                take = rest;
            }
            let town = number == 0 || rng.per_cent(45);
            let township = self.townships.len();
            let base = two_part(seed ^ 0x33 ^ c as u64, number);
            let county = self.counties[c].code.clone();
            let code = format!("{county}{}{:02}", if town { 1 } else { 2 }, number);
            let former = (town && number > 0 && rng.per_cent(35))
                .then(|| as_of.checked_sub_days(chrono::Days::new(400 + rng.below(1500))))
                .flatten()
                .map(|day| (format!("{county}2{:02}", number + 50), format!("{base}乡"), day));
            let villages = self.villages.len();
            let mut used: Vec<String> = Vec::new();
            for v in 0..take {
                let clans = [names::surname(&mut rng), names::surname(&mut rng)];
                let people = match rng.below(1000) {
                    0..=11 => People::Hui,
                    12..=23 => People::Tujia,
                    24..=33 => People::Miao,
                    34..=51 if minority || rng.per_cent(40) => People::Yi,
                    52..=58 if minority || rng.per_cent(30) => People::Uyghur,
                    _ => People::Han,
                };
                let community = town && v < 2;
                let mut name;
                loop {
                    name = if community || rng.per_cent(30) {
                        format!("{}{}", rng.pick(HEAD), rng.pick(TAIL))
                    } else {
                        format!("{}{}", clans[0], rng.pick(V_TAIL))
                    };
                    if used.contains(&name) || rng.per_cent(4) {
                        name = format!("{}{name}", rng.pick(V_HEAD));
                    }
                    if !used.contains(&name) {
                        break;
                    }
                }
                used.push(name.clone());
                name.push_str(if community { "社区" } else { "村" });
                self.villages.push(Village {
                    code: format!("{code}{:03}", if community { 1 + v } else { 200 + v }),
                    name,
                    township,
                    county: c,
                    clans,
                    people,
                    groups: rng.range(4, 9) as u8,
                    poor: !community && rng.per_cent(38),
                    first: at,
                });
                at += sizes[done + v];
            }
            self.townships.push(Township {
                code,
                name: format!("{base}{}", if town { "镇" } else { "乡" }),
                villages: villages..self.villages.len(),
                urban: town,
                former,
            });
            done += take;
            number += 1;
        }
        self.counties[c].townships = township_start..self.townships.len();
        self.counties[c].villages = village_start..self.villages.len();
    }

    /// Whose register this is: the only county's, the only city's, or the province's.
    pub(crate) fn register_of(&self) -> &str {
        let mut registered = self.counties.iter().filter(|c| c.registered);
        let Some(first) = registered.next() else {
            return PROVINCE.1;
        };
        let (mut one, mut city) = (true, true);
        for other in registered {
            one = false;
            city &= other.city == first.city;
        }
        match (one, city) {
            (true, _) => &first.name,
            (false, true) => &self.cities[first.city].name,
            (false, false) => PROVINCE.1,
        }
    }

    /// The village of a household.
    pub(crate) fn village_of(&self, household: u64) -> usize {
        let county = &self.counties[(household / COUNTY_HOUSEHOLDS) as usize];
        let villages = &self.villages[county.villages.clone()];
        county.villages.start + villages.partition_point(|v| v.first <= household).saturating_sub(1)
    }

    /// All workplaces: every county of the province first, then the outside ones.
    pub(crate) fn workplaces(&self) -> Vec<Workplace> {
        let mut places: Vec<Workplace> = self
            .counties
            .iter()
            .enumerate()
            .map(|(i, c)| Workplace {
                name: format!("{}{}{}", PROVINCE.1, self.cities[c.city].name, c.name),
                county: Some(i),
                zone: "县外省内",
            })
            .collect();
        places.extend(OUTSIDE.iter().map(|(_, p, _, c, _, d)| Workplace {
            name: if *c == "市辖区" { format!("{p}{d}") } else { format!("{p}{c}{d}") },
            county: None,
            zone: "省外",
        }));
        places
    }
}
