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

/// Divisions over time.
///
/// ```
/// use codes::division::{DivisionCode, DivisionTable, Entry};
/// let code = |text| DivisionCode::parse(text).unwrap();
/// let day = |text: &str| text.parse().ok();
/// let mut table = DivisionTable::default();
/// table.add(Entry { code: code("340323201"), name: "杨庙乡".into(), valid_from: None, valid_to: day("2014-01-01"), successor: Some(code("340323108")) });
/// table.add(Entry { code: code("340323108"), name: "杨庙镇".into(), valid_from: day("2014-01-01"), valid_to: None, successor: None });
/// assert_eq!(table.resolve(&code("340323201"), "2020-02-01".parse().unwrap()).unwrap().name, "杨庙镇");
/// assert_eq!(table.resolve(&code("340323201"), "2010-02-01".parse().unwrap()).unwrap().name, "杨庙乡");
/// ```
#[derive(Debug, Clone, Default)]
pub struct DivisionTable {
    by_code: HashMap<String, Vec<Entry>>,
    by_name: HashMap<String, Vec<DivisionCode>>,
}

impl DivisionTable {
    /// Adds an entry; one code may have several at different times.
    pub fn add(&mut self, entry: Entry) {
        self.by_name.entry(entry.name.clone()).or_default().push(entry.code.clone());
        self.by_code.entry(entry.code.as_str().to_owned()).or_default().push(entry);
    }

    /// The division that `code` means on `day`, following successors of codes that no longer hold.
    pub fn resolve(&self, code: &DivisionCode, day: NaiveDate) -> Option<&Entry> {
        let mut code = code;
        // A chain of renames is short; a ring in the data must not hold us.
        for _ in 0..16 {
            let entries = self.by_code.get(code.as_str())?;
            let holds =
                |e: &&Entry| e.valid_from.is_none_or(|from| from <= day) && e.valid_to.is_none_or(|to| day < to);
            if let Some(entry) = entries.iter().find(holds) {
                return Some(entry);
            }
            code =
                entries.iter().filter(|e| e.valid_to.is_some_and(|to| to <= day)).find_map(|e| e.successor.as_ref())?;
        }
        None
    }

    /// Divisions of that name, at any time, under `parent` where it is given.
    pub fn find_by_name(&self, name: &str, parent: Option<&DivisionCode>) -> Vec<&DivisionCode> {
        let all = self.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(|code| parent.is_none_or(|p| p.contains(code))).collect()
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
        }
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
