//! Division codes (行政区划代码): GB/T 2260 for provinces, cities and counties, three digits more for townships and three
//! more for villages (statistics bureau), two more for groups. Codes change over time and carry the dates they hold.

use std::collections::HashMap;
use std::fmt;

use chrono::NaiveDate;

use crate::text;

/// Level of a division.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// 省, 2 digits.
    Province,
    /// 市, 4 digits.
    City,
    /// 县, 6 digits.
    County,
    /// 乡镇, 9 digits.
    Township,
    /// 村, 12 digits.
    Village,
    /// 村民组 or 自然村, 14 digits.
    Group,
}

impl Level {
    /// Every level from the top.
    pub const ALL: [Self; 6] = [Self::Province, Self::City, Self::County, Self::Township, Self::Village, Self::Group];

    /// Digits of a code of this level.
    pub fn digits(self) -> usize {
        match self {
            Self::Province => 2,
            Self::City => 4,
            Self::County => 6,
            Self::Township => 9,
            Self::Village => 12,
            Self::Group => 14,
        }
    }

    /// The level of a code with so many digits.
    pub fn from_digits(digits: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.digits() == digits)
    }

    /// 1 for a province to 6 for a group.
    pub fn number(self) -> i64 {
        self as i64 + 1
    }
}

/// A code in its short form: the zeros that stand for "the whole of" are cut (`340323000000` is the county `340323`).
///
/// ```
/// use codes::division::{DivisionCode, Level};
/// let village = DivisionCode::parse("340323102203").unwrap();
/// assert_eq!(village.level(), Level::Village);
/// assert_eq!(village.parent().unwrap().as_str(), "340323102");
/// assert!(DivisionCode::parse("340323000000").unwrap().contains(&village));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DivisionCode(String);

/// Why a text is not a division code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DivisionProblem {
    /// Nothing there.
    #[error("no code")]
    Empty,
    /// Something other than digits.
    #[error("character {0} is not a digit")]
    NotDigits(usize),
    /// Not 2, 4, 6, 9, 12 or 14 digits.
    #[error("{0} digits; 2, 4, 6, 9, 12 or 14 expected")]
    Length(usize),
}

impl fmt::Debug for DivisionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for DivisionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl DivisionCode {
    /// Reads a code as files have it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(raw: &str) -> Result<Self, DivisionProblem> {
        let clean = text::half_width(raw);
        if clean.is_empty() {
            return Err(DivisionProblem::Empty);
        }
        if let Some(at) = clean.chars().position(|c| !c.is_ascii_digit()) {
            return Err(DivisionProblem::NotDigits(at + 1));
        }
        if Level::from_digits(clean.len()).is_none() {
            return Err(DivisionProblem::Length(clean.len()));
        }
        let mut code = &*clean;
        for level in Level::ALL.into_iter().rev() {
            let (digits, above) =
                (level.digits(), Level::ALL.into_iter().rfind(|l| *l < level).map_or(2, Level::digits));
            if code.len() == digits && digits > above && code[above..].bytes().all(|b| b == b'0') {
                code = &code[..above];
            }
        }
        Ok(Self(code.to_owned()))
    }

    /// The short form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its level.
    pub fn level(&self) -> Level {
        Level::from_digits(self.0.len()).unwrap_or(Level::Group)
    }

    /// The division above; none for a province.
    pub fn parent(&self) -> Option<Self> {
        let above = Level::ALL.into_iter().rfind(|l| l.digits() < self.0.len())?;
        Some(Self(self.0[..above.digits()].to_owned()))
    }

    /// From the province down to the one above this.
    pub fn ancestors(&self) -> Vec<Self> {
        Level::ALL
            .into_iter()
            .filter(|l| l.digits() < self.0.len())
            .map(|l| Self(self.0[..l.digits()].to_owned()))
            .collect()
    }

    /// Whether `other` is this division or lies below it.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// Every code of this subtree as a half-open range of texts.
    pub fn range(&self) -> (String, String) {
        let mut end = self.0.clone();
        if let Some(last) = end.pop() {
            end.push(char::from(last as u8 + 1));
        }
        (self.0.clone(), end)
    }
}

/// What the last three digits of a village's code say about it (统计用区划代码: village digits by kind of organisation).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VillageKind {
    /// 001-199: 居民委员会, a community.
    Community,
    /// 200-399: 村民委员会, a village.
    Village,
    /// 400 and above: what is neither but is counted as one (开发区, 农场, 林场…).
    Other,
}

impl VillageKind {
    /// The kind of a village's or group's code; none for a wider division, or for the number 000.
    ///
    /// ```
    /// use codes::division::VillageKind;
    /// assert_eq!(VillageKind::of("340323102003"), Some(VillageKind::Community));
    /// assert_eq!(VillageKind::of("34032310220301"), Some(VillageKind::Village));
    /// assert_eq!(VillageKind::of("340323102"), None);
    /// ```
    pub fn of(code: &str) -> Option<Self> {
        match code.get(9..12)?.parse::<u16>().ok()? {
            1..=199 => Some(Self::Community),
            200..=399 => Some(Self::Village),
            400..=999 => Some(Self::Other),
            _ => None,
        }
    }

    /// Whether a name's ending says something else than the number: a 社区 numbered as a village, a 村委会 as a
    /// community. A bare 村 says nothing, since communities that once were villages keep it in their names.
    ///
    /// ```
    /// use codes::division::VillageKind;
    /// assert!(VillageKind::Village.denied_by("李集社区"));
    /// assert!(!VillageKind::Community.denied_by("城中村"));
    /// ```
    pub fn denied_by(self, name: &str) -> bool {
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        match self {
            Self::Community => ends(&["村民委员会", "村委会"]),
            Self::Village => ends(&["社区", "居民委员会", "居委会"]),
            Self::Other => false,
        }
    }
}

/// Urban-rural class of a village (城乡分类代码, 统计上划分城乡的规定).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrbanRural {
    /// 111 主城区.
    MainUrban,
    /// 112 城乡结合区.
    UrbanFringe,
    /// 121 镇中心区.
    TownCentre,
    /// 122 镇乡结合区.
    TownFringe,
    /// 123 特殊区域.
    Special,
    /// 210 乡中心区.
    TownshipCentre,
    /// 220 村庄.
    Rural,
}

impl UrbanRural {
    /// Every class.
    pub const ALL: [Self; 7] = [
        Self::MainUrban,
        Self::UrbanFringe,
        Self::TownCentre,
        Self::TownFringe,
        Self::Special,
        Self::TownshipCentre,
        Self::Rural,
    ];

    /// The three digits.
    pub fn code(self) -> &'static str {
        match self {
            Self::MainUrban => "111",
            Self::UrbanFringe => "112",
            Self::TownCentre => "121",
            Self::TownFringe => "122",
            Self::Special => "123",
            Self::TownshipCentre => "210",
            Self::Rural => "220",
        }
    }

    /// The class of three digits.
    ///
    /// ```
    /// use codes::division::UrbanRural;
    /// assert!(UrbanRural::parse("122").unwrap().is_urban());
    /// assert_eq!(UrbanRural::parse("230"), None);
    /// ```
    pub fn parse(raw: &str) -> Option<Self> {
        let clean = text::half_width(raw);
        Self::ALL.into_iter().find(|class| class.code() == clean)
    }

    /// Whether statistics count it as urban (城镇): the class begins with 1.
    pub fn is_urban(self) -> bool {
        !matches!(self, Self::TownshipCentre | Self::Rural)
    }
}

/// A division with the dates that its code holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The code.
    pub code: DivisionCode,
    /// The name then.
    pub name: String,
    /// First day, if known.
    pub valid_from: Option<NaiveDate>,
    /// First day on which it no longer held.
    pub valid_to: Option<NaiveDate>,
    /// The code that took its place.
    pub successor: Option<DivisionCode>,
}

impl Entry {
    /// Whether the code held on a day: the day it ends is the first on which it does not.
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        self.valid_from.is_none_or(|from| from <= day) && self.valid_to.is_none_or(|to| day < to)
    }
}

/// Divisions over time.
///
/// ```
/// use codes::division::{DivisionCode, DivisionTable, Entry};
/// let code = |text| DivisionCode::parse(text).unwrap();
/// let day = |text: &str| text.parse().ok();
/// let mut table = DivisionTable::default();
/// table.add(Entry { code: code("340323201"), name: "杨庙乡".into(), valid_from: None, valid_to: day("2014-01-01"), successor: Some(code("340323108")) });
/// table.add(Entry { code: code("340323108"), name: "杨庙镇".into(), valid_from: day("2014-01-01"), valid_to: None, successor: None });
/// assert_eq!(table.resolve("340323201", "2014-01-01".parse().unwrap()).unwrap().name, "杨庙镇");
/// assert_eq!(table.resolve("340323201", "2013-12-31".parse().unwrap()).unwrap().name, "杨庙乡");
/// assert_eq!(table.latest("340323201").unwrap().name, "杨庙镇");
/// ```
#[derive(Debug, Clone, Default)]
pub struct DivisionTable {
    by_code: HashMap<String, Vec<Entry>>,
}

impl Extend<Entry> for DivisionTable {
    fn extend<I: IntoIterator<Item = Entry>>(&mut self, entries: I) {
        entries.into_iter().for_each(|entry| self.add(entry));
    }
}

/// A chain of renames is short; a ring in the data must not hold us.
const LONGEST_CHAIN: usize = 16;

impl DivisionTable {
    /// Adds an entry; one code may have several at different times.
    pub fn add(&mut self, entry: Entry) {
        self.by_code.entry(entry.code.as_str().to_owned()).or_default().push(entry);
    }

    /// The division that `code` means on `day`, following successors of codes that no longer hold.
    pub fn resolve(&self, code: &str, day: NaiveDate) -> Option<&Entry> {
        let mut code = code;
        for _ in 0..LONGEST_CHAIN {
            let entries = self.by_code.get(code)?;
            if let Some(entry) = entries.iter().find(|e| e.holds_on(day)) {
                return Some(entry);
            }
            code = entries
                .iter()
                .filter(|e| e.valid_to.is_some_and(|to| to <= day))
                .max_by_key(|e| e.valid_to)
                .and_then(|e| e.successor.as_ref())?
                .as_str();
        }
        None
    }

    /// The newest use of exactly this code, whether it still holds or not.
    pub fn newest(&self, code: &str) -> Option<&Entry> {
        let entries = self.by_code.get(code)?;
        entries.iter().max_by_key(|e| (e.valid_to.is_none(), e.valid_from.max(e.valid_to), e.successor.is_some()))
    }

    /// The division that `code` has come to mean: the newest use of the code wins, since codes are sometimes given out
    /// again, and successors are followed to the end. Of a code abolished without one, its last entry.
    pub fn latest(&self, code: &str) -> Option<&Entry> {
        let mut found = None;
        let mut code = code;
        for _ in 0..LONGEST_CHAIN {
            let Some(entry) = self.newest(code) else {
                return found;
            };
            found = Some(entry);
            match &entry.successor {
                Some(next) if next.as_str() != code => code = next.as_str(),
                _ => return found,
            }
        }
        // A ring: no end of it is better than another.
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_range_holds_exactly_the_subtree(root in "[1-9]{2}([1-9]{2}([1-9]{2})?)?", code in "[1-9]{14}") {
            let (root, code) = (DivisionCode::parse(&root).unwrap(), DivisionCode::parse(&code).unwrap());
            let (lo, hi) = root.range();
            let inside = lo.as_str() <= code.as_str() && code.as_str() < hi.as_str();
            prop_assert_eq!(inside, root.contains(&code));
        }

        #[test]
        fn nothing_panics(raw in "\\PC{0,16}") {
            let _ = DivisionCode::parse(&raw);
            let _ = VillageKind::of(&raw);
            let _ = UrbanRural::parse(&raw);
        }

        #[test]
        fn rings_and_chains_end(links in proptest::collection::vec((0usize..30, 0usize..30, 0i64..4000, 0i64..4000), 0..60), days in 0i64..4000) {
            let code = |n: usize| DivisionCode::parse(&format!("99{:02}", n + 10)).unwrap();
            let at = |days: i64| NaiveDate::from_ymd_opt(2010, 1, 1).unwrap() + chrono::Days::new(days as u64);
            let mut table = DivisionTable::default();
            for (from, to, begin, long) in &links {
                table.add(Entry {
                    code: code(*from),
                    name: String::new(),
                    valid_from: Some(at(*begin)),
                    valid_to: (*long > 0).then(|| at(begin + long)),
                    successor: (*long > 0).then(|| code(*to)),
                });
            }
            for n in 0..30 {
                if let Some(found) = table.resolve(code(n).as_str(), at(days)) {
                    prop_assert!(found.holds_on(at(days)));
                }
                let _ = table.latest(code(n).as_str());
            }
        }
    }

    #[test]
    fn a_code_given_out_again_is_the_new_one() {
        let code = |text: &str| DivisionCode::parse(text).unwrap();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let entry = |c: &str, name: &str, from: Option<&str>, to: Option<&str>, successor: Option<&str>| Entry {
            code: code(c),
            name: name.into(),
            valid_from: from.map(day),
            valid_to: to.map(day),
            successor: successor.map(code),
        };
        let mut table = DivisionTable::default();
        table.add(entry("340323201", "杨庙乡", None, Some("2014-01-01"), Some("340323108")));
        table.add(entry("340323201", "新乡", Some("2018-01-01"), None, None));
        table.add(entry("340323108", "杨庙镇", Some("2014-01-01"), None, None));
        assert_eq!(table.latest("340323201").unwrap().name, "新乡");
        assert_eq!(table.resolve("340323201", day("2016-01-01")).unwrap().name, "杨庙镇");
        assert_eq!(table.resolve("340323108", day("2013-01-01")), None);
        let mut ring = DivisionTable::default();
        ring.add(entry("3403", "甲", None, Some("2014-01-01"), Some("3404")));
        ring.add(entry("3404", "乙", None, Some("2014-01-01"), Some("3403")));
        assert_eq!(ring.latest("3403"), None);
        assert_eq!(ring.resolve("3403", day("2020-01-01")), None);
    }

    #[test]
    fn zeros_mean_the_whole() {
        for (long, short) in [
            ("340000000000", "34"),
            ("340300", "3403"),
            ("340323102000", "340323102"),
            ("34032310220300", "340323102203"),
        ] {
            assert_eq!(DivisionCode::parse(long).unwrap().as_str(), short);
        }
        assert_eq!(DivisionCode::parse("34032"), Err(DivisionProblem::Length(5)));
        assert_eq!(DivisionCode::parse("34o3"), Err(DivisionProblem::NotDigits(3)));
    }
}
