//! Cleaning of values, and what is made of them.

use rphonetic::{Encoder, Metaphone, Soundex};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What is done to a value before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clean {
    Trim,
    Lower,
    Fold,
    Digits,
    Letters,
    Alnum,
}

impl Clean {
    pub(super) const NAMES: [&'static str; 6] = ["trim", "lower", "fold", "digits", "letters", "alnum"];

    pub(super) fn named(word: &str) -> Option<Self> {
        let all = [Self::Trim, Self::Lower, Self::Fold, Self::Digits, Self::Letters, Self::Alnum];
        Self::NAMES.iter().position(|name| *name == word).map(|at| all[at])
    }

    /// Does it in place; most values are as they should be already.
    pub(super) fn change(self, text: &mut String) {
        let plain = text.is_ascii();
        match self {
            Self::Lower if plain => text.make_ascii_lowercase(),
            Self::Fold if plain => {}
            Self::Trim if plain && trimmed(text.as_bytes()) => {}
            _ => *text = self.apply(text),
        }
    }

    pub(super) fn apply(self, text: &str) -> String {
        match self {
            Self::Trim => text.split_whitespace().collect::<Vec<_>>().join(" "),
            Self::Lower => text.to_lowercase(),
            Self::Fold if text.is_ascii() => text.to_owned(),
            Self::Fold => text.nfkd().filter(|c| !is_combining_mark(*c)).nfc().collect(),
            Self::Digits => text.chars().filter(char::is_ascii_digit).collect(),
            Self::Letters => text.chars().filter(|c| c.is_alphabetic()).collect(),
            Self::Alnum => text.chars().filter(|c| c.is_alphanumeric()).collect(),
        }
    }
}

/// Whether ASCII text has single spaces between words and no other white space.
fn trimmed(text: &[u8]) -> bool {
    let space = |c: &u8| c.is_ascii_whitespace() || *c == 0x0B;
    !text.first().is_some_and(space)
        && !text.last().is_some_and(space)
        && text.iter().all(|c| *c == b' ' || !space(c))
        && !text.windows(2).any(|two| two == b"  ")
}

/// What is made of a value: a part, a sound, its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    First(usize),
    Last(usize),
    Substr(usize, usize),
    Soundex,
    Metaphone,
    Sorted,
    FirstWord,
    LastWord,
    Year,
    MonthDay,
    Digits,
    Letters,
    /// One key for each word.
    Words,
    /// One key for each value of an array.
    Each,
}

impl Step {
    pub(super) const NAMES: [&'static str; 14] = [
        "first(n)",
        "last(n)",
        "substr(from,length)",
        "soundex",
        "metaphone",
        "sorted",
        "first_word",
        "last_word",
        "year",
        "month_day",
        "digits",
        "letters",
        "words",
        "each",
    ];

    pub(super) fn named(word: &str) -> Option<Self> {
        let plain = match word {
            "soundex" => Some(Self::Soundex),
            "metaphone" => Some(Self::Metaphone),
            "sorted" => Some(Self::Sorted),
            "first_word" => Some(Self::FirstWord),
            "last_word" => Some(Self::LastWord),
            "year" => Some(Self::Year),
            "month_day" => Some(Self::MonthDay),
            "digits" => Some(Self::Digits),
            "letters" => Some(Self::Letters),
            "words" => Some(Self::Words),
            "each" => Some(Self::Each),
            _ => None,
        };
        if plain.is_some() {
            return plain;
        }
        let (name, rest) = word.split_once('(')?;
        let numbers: Vec<usize> =
            rest.strip_suffix(')')?.split(',').map(|n| n.trim().parse().ok()).collect::<Option<_>>()?;
        match (name, numbers.as_slice()) {
            ("first", [n]) if *n > 0 => Some(Self::First(*n)),
            ("last", [n]) if *n > 0 => Some(Self::Last(*n)),
            ("substr", [from, length]) if *from > 0 && *length > 0 => Some(Self::Substr(*from, *length)),
            _ => None,
        }
    }

    /// Whether it makes several values of one.
    pub(super) fn many(self) -> bool {
        matches!(self, Self::Words | Self::Each)
    }

    pub(super) fn apply(self, text: &str, separator: &str) -> Vec<String> {
        let one = |text: String| if text.is_empty() { Vec::new() } else { vec![text] };
        match self {
            Self::First(n) => one(text.chars().take(n).collect()),
            Self::Last(n) => {
                let skip = text.chars().count().saturating_sub(n);
                one(text.chars().skip(skip).collect())
            }
            Self::Substr(from, length) => one(text.chars().skip(from - 1).take(length).collect()),
            Self::Soundex => one(sound(text, |letters| Soundex::default().encode(letters))),
            Self::Metaphone => one(sound(text, |letters| Metaphone::default().encode(letters))),
            Self::Sorted => {
                let mut words: Vec<&str> = words(text).collect();
                words.sort_unstable();
                one(words.join(" "))
            }
            Self::FirstWord => one(words(text).next().unwrap_or_default().to_owned()),
            Self::LastWord => one(words(text).last().unwrap_or_default().to_owned()),
            Self::Year => one(text.chars().take_while(char::is_ascii_digit).take(4).collect()),
            Self::MonthDay if text.is_ascii() => one(text.get(4..8).unwrap_or_default().to_owned()),
            Self::MonthDay => Vec::new(),
            Self::Digits => one(Clean::Digits.apply(text)),
            Self::Letters => one(Clean::Letters.apply(text)),
            Self::Words => words(text).take(MOST_WORDS).map(str::to_owned).collect(),
            Self::Each => elements(text, separator).take(MOST_WORDS).map(str::to_owned).collect(),
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::First(n) => write!(f, "first({n})"),
            Self::Last(n) => write!(f, "last({n})"),
            Self::Substr(from, length) => write!(f, "substr({from},{length})"),
            Self::Soundex => f.write_str("soundex"),
            Self::Metaphone => f.write_str("metaphone"),
            Self::Sorted => f.write_str("sorted"),
            Self::FirstWord => f.write_str("first_word"),
            Self::LastWord => f.write_str("last_word"),
            Self::Year => f.write_str("year"),
            Self::MonthDay => f.write_str("month_day"),
            Self::Digits => f.write_str("digits"),
            Self::Letters => f.write_str("letters"),
            Self::Words => f.write_str("words"),
            Self::Each => f.write_str("each"),
        }
    }
}

/// Words of one value that count; the rest of a longer one is left out.
pub(super) const MOST_WORDS: usize = 64;
/// Characters of one value that its sound is made of.
const SOUNDED: usize = 64;

/// The sound of the Latin letters; other scripts have none and stand for themselves.
fn sound(text: &str, encode: impl Fn(&str) -> String) -> String {
    let letters: String = text.chars().filter(char::is_ascii_alphabetic).take(SOUNDED).collect();
    if letters.is_empty() {
        return text.chars().take(SOUNDED).collect();
    }
    encode(&letters)
}

pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

pub(super) fn elements<'a>(text: &'a str, separator: &'a str) -> impl Iterator<Item = &'a str> {
    let whole = separator.is_empty();
    let parts = text.split(move |c: char| !whole && separator.contains(c));
    parts.map(str::trim).filter(|part| !part.is_empty())
}

/// A day of the proleptic Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) year: i32,
    pub(super) month: u8,
    pub(super) day: u8,
}

impl Day {
    /// Of eight digits, if they are a date.
    pub(super) fn of_digits(text: &str) -> Option<Self> {
        if text.len() != 8 || !text.bytes().all(|c| c.is_ascii_digit()) {
            return None;
        }
        let (year, month, day) = (text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?);
        ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(Self { year, month, day })
    }

    /// Days since an early day; differences are exact (civil-from-days, Howard Hinnant).
    pub(super) fn number(self) -> i64 {
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let shifted = (i64::from(self.month) + 9) % 12;
        let of_year = (153 * shifted + 2) / 5 + i64::from(self.day) - 1;
        365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year
    }
}

/// A date as eight digits where it can be read as one; else as it stands.
pub(super) fn date(text: &str, month_first: bool) -> String {
    let day = text.split(['T', ' ']).next().unwrap_or_default();
    let parts: Vec<&str> = day.split(['-', '/', '.', '年', '月', '日']).filter(|p| !p.is_empty()).collect();
    let digits = parts.iter().all(|p| p.len() <= 4 && p.bytes().all(|c| c.is_ascii_digit()));
    match parts.as_slice() {
        [y, m, d] if digits && y.len() == 4 => format!("{y}{m:0>2}{d:0>2}"),
        [d, m, y] if digits && y.len() == 4 && !month_first => format!("{y}{m:0>2}{d:0>2}"),
        [m, d, y] if digits && y.len() == 4 => format!("{y}{m:0>2}{d:0>2}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_several_forms_are_one() {
        for text in ["1990-02-03", "19900203", "3/2/1990", "03.02.1990", "1990年2月3日", "1990-02-03T00:00:00"] {
            assert_eq!(date(text, false), "19900203", "{text}");
        }
        assert_eq!(date("2/3/1990", true), "19900203");
        assert_eq!(date("about 1900", false), "about 1900");
        let days = |text| Day::of_digits(text).map(Day::number).unwrap();
        assert_eq!(days("20000301") - days("20000228"), 2);
        assert_eq!(days("19000301") - days("19000228"), 1);
        assert_eq!(days("20000101") - days("19991231"), 1);
        assert!(Day::of_digits("19991331").is_none());
    }

    #[test]
    fn steps_are_read_and_done() {
        let make = |steps: &str, text: &str| Step::named(steps).unwrap().apply(text, ";");
        assert_eq!(make("first(2)", "ärger"), ["är"]);
        assert_eq!(make("last(3)", "ab"), ["ab"]);
        assert_eq!(make("substr(2,2)", "abcd"), ["bc"]);
        assert_eq!(make("soundex", "robert"), make("soundex", "rupert"));
        assert_eq!(make("metaphone", "knight"), make("metaphone", "night"));
        assert_eq!(make("soundex", "张伟"), ["张伟"]);
        assert_eq!(make("sorted", "b a, c"), ["a b c"]);
        assert_eq!(make("words", "12 high st."), ["12", "high", "st"]);
        assert_eq!(make("each", "a b; c;"), ["a b", "c"]);
        assert_eq!(make("month_day", "19900203"), ["0203"]);
        assert_eq!(make("year", "19900203"), ["1990"]);
        assert!(Step::named("first(0)").is_none() && Step::named("substr(0,1)").is_none());
    }

    #[test]
    fn cleaning() {
        assert_eq!(Clean::Trim.apply("  a \t b "), "a b");
        assert_eq!(Clean::Fold.apply("José Ñandú"), "Jose Nandu");
        assert_eq!(Clean::Digits.apply("a1-2"), "12");
    }
}
