//! The people and households of the synthetic province.

use chrono::{Datelike, NaiveDate};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sex {
    Male,
    Female,
}

impl Sex {
    pub(crate) fn zh(self) -> &'static str {
        match self {
            Self::Male => "男",
            Self::Female => "女",
        }
    }

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Male => Self::Female,
            Self::Female => Self::Male,
        }
    }
}

/// An 18-character citizen ID number, valid by construction (GB 11643).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(pub(crate) [u8; 18]);

impl Id {
    /// `seq` is the three-digit order code; its parity must already say the sex.
    pub(crate) fn new(area: &str, birth: NaiveDate, seq: u32) -> Self {
        let mut b = [b'0'; 18];
        for (slot, byte) in b.iter_mut().zip(area.bytes()) {
            *slot = byte;
        }
        let digits = birth.year() as u32 * 10_000 + birth.month() * 100 + birth.day();
        put_digits(&mut b[6..14], digits);
        put_digits(&mut b[14..17], seq);
        b[17] = check(&b);
        Self(b)
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn put_digits(slots: &mut [u8], mut value: u32) {
    for slot in slots.iter_mut().rev() {
        *slot = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// The check character of GB 11643 over the first 17 digits.
pub(crate) fn check(digits: &[u8; 18]) -> u8 {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = WEIGHTS.iter().zip(digits).map(|(w, d)| w * u32::from(d.wrapping_sub(b'0'))).sum();
    b"10X98765432"[(sum % 11) as usize]
}

/// Where somebody works away from home.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    /// Index into the workplace table of the province.
    pub(crate) place: u16,
    pub(crate) months: u8,
    /// Seed of the company's name.
    pub(crate) company: u64,
}

#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) no: String,
    pub(crate) name: String,
    pub(crate) sex: Sex,
    pub(crate) birth: NaiveDate,
    /// Full age in years on the day of the export.
    pub(crate) age: i32,
    pub(crate) id: Id,
    /// What the 证件号码 column shows: 18, 20 or 22 characters, or a planted defect.
    pub(crate) id_text: String,
    pub(crate) id_kind: &'static str,
    /// The number as the person file writes it where that is another form of a sound one, and which form.
    pub(crate) id_form: Option<(String, &'static str)>,
    pub(crate) relation: &'static str,
    pub(crate) people: &'static str,
    pub(crate) party: &'static str,
    pub(crate) education: &'static str,
    pub(crate) school: &'static str,
    pub(crate) dropout: &'static str,
    pub(crate) health: &'static str,
    pub(crate) disability: &'static str,
    pub(crate) card_year: u16,
    pub(crate) labour: &'static str,
    pub(crate) work: Option<Work>,
    pub(crate) hide_place: bool,
    pub(crate) hide_months: bool,
    pub(crate) channel: &'static str,
    pub(crate) industry: &'static str,
    pub(crate) post: &'static str,
    pub(crate) post_months: u8,
    pub(crate) mandarin: bool,
    pub(crate) relocated: bool,
    pub(crate) resident_insurance: bool,
    pub(crate) employee_insurance: bool,
    pub(crate) serious_insurance: bool,
    pub(crate) commercial_insurance: bool,
    pub(crate) resident_pension: bool,
    pub(crate) employee_pension: bool,
    pub(crate) medical_aid: bool,
    pub(crate) other_health_aid: bool,
    pub(crate) phone: String,
    pub(crate) idle_graduate: &'static str,
}

impl Person {
    pub(crate) fn is_student(&self) -> bool {
        !self.school.is_empty() && self.school != "学龄前儿童" && self.school != "学前教育"
    }

    pub(crate) fn has_labour(&self) -> bool {
        matches!(self.labour, "普通劳动力" | "技能劳动力" | "弱劳动力或半劳动力")
    }
}

/// One year's income and cost of a household, in whole yuan.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Income {
    pub(crate) wage_work: i64,
    pub(crate) wage_post: i64,
    pub(crate) wage_other: i64,
    pub(crate) crops: i64,
    pub(crate) livestock: i64,
    pub(crate) forest: i64,
    pub(crate) trade: i64,
    pub(crate) dividend: i64,
    pub(crate) land_rent: i64,
    pub(crate) property_other: i64,
    pub(crate) family_planning: i64,
    pub(crate) dibao: i64,
    pub(crate) tekun: i64,
    pub(crate) pension: i64,
    pub(crate) eco: i64,
    pub(crate) transfer_other: i64,
    pub(crate) cost: i64,
    pub(crate) claims: i64,
    pub(crate) self_paid: i64,
}

impl Income {
    pub(crate) fn wages(&self) -> i64 {
        self.wage_work + self.wage_post + self.wage_other
    }
    pub(crate) fn operating(&self) -> i64 {
        self.crops + self.livestock + self.forest + self.trade
    }
    pub(crate) fn property(&self) -> i64 {
        self.dividend + self.land_rent + self.property_other
    }
    pub(crate) fn transfers(&self) -> i64 {
        self.family_planning + self.dibao + self.tekun + self.pension + self.eco + self.transfer_other
    }
    pub(crate) fn gross(&self) -> i64 {
        self.wages() + self.operating() + self.property() + self.transfers()
    }
    pub(crate) fn net(&self) -> i64 {
        self.gross() - self.cost
    }
}

/// The fifteen measure groups of a monitored household.
pub(crate) const MEASURES: [&str; 15] = [
    "产业帮扶",
    "就业帮扶",
    "金融帮扶",
    "公益岗位帮扶",
    "住房安全保障",
    "饮水安全保障",
    "健康帮扶",
    "义务教育保障",
    "其他教育帮扶",
    "综合保障",
    "社会帮扶",
    "搬迁",
    "生产生活条件改善",
    "基础设施建设",
    "其他帮扶",
];

#[derive(Clone)]
pub(crate) struct Monitor {
    pub(crate) class: &'static str,
    /// YYYYMM of identification; 0 when planted as missing.
    pub(crate) since: u32,
    pub(crate) risks: Vec<&'static str>,
    pub(crate) flags: [bool; 4],
    /// The flags at identification were left empty.
    pub(crate) no_flags: bool,
    /// Sub-item of a natural disaster.
    pub(crate) disaster: &'static str,
    /// What stands in the column of the general support where it is more than a tick.
    pub(crate) general: &'static str,
    pub(crate) income: i64,
    pub(crate) no_labour: bool,
    pub(crate) measures: [bool; 15],
    pub(crate) developing: bool,
    /// YYYYMM of elimination and the income then; an income of 0 was left empty.
    pub(crate) eliminated: Option<(u32, i64)>,
    pub(crate) how: &'static str,
}

/// Where a planted defect shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Household,
    Person(usize),
    Income,
    Monitor,
}

#[derive(Clone)]
pub(crate) struct Household {
    pub(crate) index: u64,
    pub(crate) no: String,
    pub(crate) village: usize,
    pub(crate) group: u8,
    pub(crate) kind: &'static str,
    pub(crate) status: &'static str,
    pub(crate) main_cause: &'static str,
    pub(crate) other_causes: String,
    pub(crate) first_identified: u32,
    pub(crate) phone: String,
    pub(crate) bank: &'static str,
    pub(crate) card: String,
    pub(crate) veteran: bool,
    pub(crate) dangerous: bool,
    pub(crate) danger_grade: &'static str,
    pub(crate) floor_area: u16,
    pub(crate) safe_water: bool,
    pub(crate) broadcast: bool,
    pub(crate) toilet: bool,
    pub(crate) fuel: &'static str,
    pub(crate) road: &'static str,
    /// Metres to the village's main road.
    pub(crate) road_distance: u16,
    /// Areas in tenths of a mu: arable, forest, fallow (退耕还林), orchard, pasture, water.
    pub(crate) land: [u32; 6],
    pub(crate) cooperative: bool,
    pub(crate) enterprise: bool,
    pub(crate) leader: bool,
    pub(crate) industry_aid: &'static str,
    pub(crate) dibao: bool,
    pub(crate) tekun: bool,
    pub(crate) members: Vec<Person>,
    pub(crate) income: Income,
    pub(crate) monitor: Option<Monitor>,
    /// 家庭人口数 where it is not the number of members.
    pub(crate) count: Option<i64>,
    /// The members are missing from the person file.
    pub(crate) no_members: bool,
    /// By how much the net income differs from its sum.
    pub(crate) net_slip: i64,
    /// Planted defects: where and which rule.
    pub(crate) marks: Vec<(Place, &'static str)>,
}

impl Household {
    pub(crate) fn head(&self) -> &Person {
        &self.members[0]
    }

    /// 家庭人口数 as the files say it.
    pub(crate) fn counted(&self) -> i64 {
        self.count.unwrap_or(self.members.len() as i64)
    }

    /// Net income per head in fen.
    pub(crate) fn per_head_fen(&self) -> i64 {
        self.income.net() * 100 / self.members.len().max(1) as i64
    }
}
