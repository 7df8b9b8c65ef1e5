//! What a record is to the linker: a few normalised, comparable fields.

use codes::Sex;
use codes::citizen_id::{self, IdForm, IdProblem};

/// One record of either side. Every field may be missing; a missing field speaks neither for nor against.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The caller's name for the record; unique within its side.
    pub key: u128,
    /// Citizen ID number (证件号码) as it stands, whole, in 15 digits, partly hidden or damaged; empty if missing.
    pub id: String,
    /// Name (姓名) as it stands; empty if missing.
    pub name: String,
    /// Sex (性别).
    pub sex: Option<Sex>,
    /// Date of birth (出生日期); where it is missing, that of a whole number is taken.
    pub birth: Option<Birth>,
    /// Phone as a number of its digits (联系电话).
    pub phone: Option<u64>,
    /// Where the person lives, as deep as is known (现住址).
    pub place: Place,
    /// Address within the village, for its group and house number; empty if missing.
    pub address: String,
    /// Whatever names the household on both sides alike, such as a hash of 户编号: it then counts instead of the address.
    /// Either both sides have such names or none should.
    pub household: Option<u64>,
}

impl Record {
    /// The [`Record::key`] of a key that the engine gives back.
    pub fn key_of(bytes: &[u8]) -> Option<u128> {
        bytes.try_into().ok().map(u128::from_be_bytes)
    }
}

/// An ID number as the linker sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Id {
    /// None, or nothing that could be read: Excel-damaged numbers are here, because they must never match.
    #[default]
    Missing,
    /// 18 characters with the right check character.
    Valid {
        /// The characters.
        digits: [u8; 18],
        /// How they were found.
        source: IdSource,
    },
    /// 18 characters that fail their check: one of them is mistyped.
    Broken([u8; 18]),
    /// Partly hidden; a hidden position holds `*`.
    Masked([u8; 18]),
}

/// How a valid number stood in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IdSource {
    /// As 18 clean characters.
    Clean,
    /// In full-width or lower-case characters, between blanks or in a wrapper, or inside a disability card's number:
    /// nothing was guessed.
    Format,
    /// As 15 digits, to which century and check character were added (GB 11643-1999).
    From15,
}

impl Id {
    /// Reads what a file holds.
    pub fn read(raw: &str) -> Self {
        if let Some(masked) = masked(raw) {
            return masked;
        }
        match citizen_id::read(raw) {
            // A spreadsheet may have cut it: it is evidence of nobody.
            Ok(reading) if reading.maybe_truncated => Self::Missing,
            Ok(reading) => {
                let mut digits = [0; 18];
                digits.copy_from_slice(reading.id.as_str().as_bytes());
                let source = if matches!(reading.form, IdForm::Legacy15) {
                    IdSource::From15
                } else if raw.as_bytes() == digits {
                    IdSource::Clean
                } else {
                    IdSource::Format
                };
                Self::Valid { digits, source }
            }
            Err(IdProblem::CheckCharacter { .. } | IdProblem::BirthDate) => {
                eighteen(raw).map_or(Self::Missing, Self::Broken)
            }
            Err(_) => Self::Missing,
        }
    }

    /// All 18 characters, where all are known.
    pub fn digits(&self) -> Option<&[u8; 18]> {
        match self {
            Self::Valid { digits, .. } | Self::Broken(digits) => Some(digits),
            Self::Missing | Self::Masked(_) => None,
        }
    }
}

fn eighteen(raw: &str) -> Option<[u8; 18]> {
    let clean: String =
        codes::text::half_width(raw).chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    let head = clean.as_bytes().get(..18)?;
    let ok = head[..17].iter().all(u8::is_ascii_digit) && (head[17].is_ascii_digit() || head[17] == b'X');
    ok.then(|| head.try_into().ok()).flatten()
}

/// A number with hidden positions: 18 long, or shortened in its middle with both ends visible.
fn masked(raw: &str) -> Option<Id> {
    let clean: Vec<u8> = codes::text::half_width(raw)
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '*' | '＊' | '●' | '•' | '#' | '?' => b'*',
            c if c.is_ascii_alphanumeric() => c.to_ascii_uppercase() as u8,
            _ => 0,
        })
        .collect();
    if !clean.contains(&b'*') || clean.len() > 18 {
        return None;
    }
    let valid = |c: &u8| c.is_ascii_digit() || *c == b'*' || *c == b'X';
    if !clean.iter().all(valid) {
        return None;
    }
    let mut out = [b'*'; 18];
    if clean.len() == 18 {
        out.copy_from_slice(&clean);
    } else {
        let head = clean.iter().take_while(|c| **c != b'*').count();
        let tail = clean.iter().rev().take_while(|c| **c != b'*').count();
        if head + tail > 17 {
            return None;
        }
        out[..head].copy_from_slice(&clean[..head]);
        out[18 - tail..].copy_from_slice(&clean[clean.len() - tail..]);
    }
    let visible = out.iter().filter(|c| **c != b'*').count();
    (visible >= 4).then_some(Id::Masked(out))
}

/// A day as the decimal number YYYYMMDD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Birth(pub u32);

impl Birth {
    /// Of year, month and day.
    pub fn new(year: i32, month: u32, day: u32) -> Self {
        Self(u32::try_from(year).unwrap_or(0) * 10_000 + month * 100 + day)
    }

    /// Of a year alone: its first day, which the comparison takes for one that nobody knows.
    pub fn of_year(year: i32) -> Self {
        Self::new(year, 1, 1)
    }
}

/// A division code of up to 12 digits: 2 province, 4 city, 6 county, 9 township, 12 village (GB/T 2260, 统计用区划代码).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Place {
    digits: [u8; 12],
    len: u8,
}

impl Place {
    /// The place of a code; what is not digits makes it unknown, and what is longer than a village is cut.
    pub fn new(code: &str) -> Self {
        let bytes = code.as_bytes();
        let len = match bytes.len() {
            0..2 => 0,
            2..4 => 2,
            4..6 => 4,
            6..9 => 6,
            9..12 => 9,
            _ => 12,
        };
        let mut digits = [0; 12];
        match bytes.get(..len) {
            Some(head) if head.iter().all(u8::is_ascii_digit) => digits[..len].copy_from_slice(head),
            _ => return Self::default(),
        }
        Self { digits, len: len as u8 }
    }

    /// The digits, and how many: 0, 2, 4, 6, 9 or 12.
    pub fn digits(&self) -> (&[u8], u8) {
        (self.digits.get(..usize::from(self.len)).unwrap_or_default(), self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_files_hold_them() {
        let digits = *b"340323196503121012";
        let clean = Id::read("340323196503121012");
        assert_eq!(clean, Id::Valid { digits, source: IdSource::Clean });
        assert_eq!(Id::read(" ３４０３２３196503121012"), Id::Valid { digits, source: IdSource::Format });
        assert_eq!(Id::read("340323650312101").digits().map(|d| &d[..17]), Some(&digits[..17]));
        assert_eq!(Id::read("340323196503121013"), Id::Broken(*b"340323196503121013"));
        assert_eq!(Id::read("340323********1012"), Id::Masked(*b"340323********1012"));
        assert_eq!(Id::read("3403****1012"), Id::Masked(*b"3403**********1012"));
        assert_eq!(Id::read("3.40323E+17"), Id::Missing);
        assert_eq!(Id::read("340323196503121000"), Id::Missing);
        assert_eq!(Id::read("340323196503127000"), Id::Missing);
        assert_eq!(Id::read("340323196503121012.0"), Id::Missing);
        assert_eq!(Id::read("**"), Id::Missing);
        assert_eq!(Id::read(""), Id::Missing);
    }

    #[test]
    fn a_place_is_as_deep_as_its_code() {
        assert_eq!(Place::new("990101").digits(), (&b"990101"[..], 6));
        assert_eq!(Place::new("99010110020305").digits().1, 12);
        assert_eq!(Place::new("9901011").digits().1, 6);
        assert_eq!(Place::new("99x101").digits(), (&b""[..], 0));
    }
}
