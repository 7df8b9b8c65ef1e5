//! GB identifiers and names: citizen IDs (GB 11643), credit codes (GB 32100), division codes (GB/T 2260), phones, dates
//! as people write them, name folding and pinyin. Pure: no files, no database, no clock.

pub mod bank;
pub mod citizen_id;
pub mod credit_code;
pub mod date;
pub mod division;
pub mod lists;
pub mod name;
pub mod phone;
pub mod text;

/// Sex as registered (性别, GB/T 2261.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sex {
    /// 男.
    Male,
    /// 女.
    Female,
}

impl Sex {
    /// Reads 男, 女, 1, 2, M, F and their usual longer forms.
    ///
    /// ```
    /// assert_eq!(codes::Sex::parse(" 女性 "), Some(codes::Sex::Female));
    /// assert_eq!(codes::Sex::parse("9"), None);
    /// ```
    pub fn parse(raw: &str) -> Option<Self> {
        match &*text::half_width(raw) {
            "男" | "男性" | "1" | "M" | "m" | "male" | "Male" => Some(Self::Male),
            "女" | "女性" | "2" | "F" | "f" | "female" | "Female" => Some(Self::Female),
            _ => None,
        }
    }

    /// 男 or 女.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Male => "男",
            Self::Female => "女",
        }
    }

    /// `male` or `female`, as stored.
    pub fn key(self) -> &'static str {
        match self {
            Self::Male => "male",
            Self::Female => "female",
        }
    }
}
