//! Citizen identification numbers (公民身份号码, GB 11643-1999) and what files make of them.

use std::fmt;

use chrono::{Datelike, NaiveDate};

use crate::{Sex, text};

const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS: [u8; 11] = *b"10X98765432";
/// Nobody alive was born before this year; an earlier one is a typing error.
const FIRST_YEAR: i32 = 1900;

/// A valid 18-character number: digits, an existing birth date, a correct check character.
///
/// ```
/// use codes::citizen_id::CitizenId;
/// let id = CitizenId::parse("11010519491231002X").unwrap();
/// assert_eq!(id.birth_date().to_string(), "1949-12-31");
/// assert_eq!(id.sex(), codes::Sex::Female);
/// assert_eq!(id.masked(), "110105********002X");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CitizenId([u8; 18]);

/// Why a text is not a usable number. [`IdProblem::code`] is stable; the texts of a product hang on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdProblem {
    /// Nothing there.
    Empty,
    /// Not 15, 18, 20 or 22 characters.
    Length {
        /// Characters found.
        len: usize,
    },
    /// A character that cannot stand there.
    NotDigits {
        /// Its place, from 1.
        position: usize,
    },
    /// The check character does not fit the digits.
    CheckCharacter {
        /// The one that would fit.
        expected: char,
        /// The one found.
        found: char,
    },
    /// The birth date in the number does not exist, or lies before 1900.
    BirthDate,
    /// A spreadsheet turned the number into `3.40323E+17`: its last digits are lost.
    ExcelScientific,
    /// A spreadsheet kept 15 digits and put zeros for the rest: its last digits are lost.
    ExcelTruncated,
    /// A number that went through a floating-point column (`340323196503121012.0`): a double holds 15 digits for sure,
    /// so its last digits are not those of the person.
    FloatText,
    /// Some characters are hidden by `*`: see [`parse_masked`].
    Masked,
    /// The 19th character of a disability card is not a type 1-7.
    DisabilityKind,
    /// The 20th character of a disability card is not a grade 1-4.
    DisabilityGrade,
}

impl IdProblem {
    /// Stable name of the problem.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Length { .. } => "length",
            Self::NotDigits { .. } => "not_digits",
            Self::CheckCharacter { .. } => "check_character",
            Self::BirthDate => "birth_date",
            Self::ExcelScientific => "excel_scientific",
            Self::ExcelTruncated => "excel_truncated",
            Self::FloatText => "float_text",
            Self::Masked => "masked",
            Self::DisabilityKind => "disability_kind",
            Self::DisabilityGrade => "disability_grade",
        }
    }
}

impl fmt::Display for IdProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no number"),
            Self::Length { len } => write!(f, "{len} characters; 18 expected (15, 20 or 22 are accepted)"),
            Self::NotDigits { position } => write!(f, "character {position} is not a digit"),
            Self::CheckCharacter { expected, found } => {
                write!(f, "check character {found}; {expected} would fit")
            }
            Self::BirthDate => f.write_str("the birth date in the number does not exist"),
            Self::ExcelScientific => f.write_str("damaged by a spreadsheet (scientific notation): digits are lost"),
            Self::ExcelTruncated => f.write_str("damaged by a spreadsheet (last digits are zeros): digits are lost"),
            Self::FloatText => f.write_str("went through a floating-point column: digits are lost"),
            Self::Masked => f.write_str("some characters are hidden"),
            Self::DisabilityKind => f.write_str("disability type (19th character) is not 1-7"),
            Self::DisabilityGrade => f.write_str("disability grade (20th character) is not 1-4"),
        }
    }
}

impl std::error::Error for IdProblem {}

/// The check character for the first 17 digits; none if they are not 17 digits.
///
/// ```
/// assert_eq!(codes::citizen_id::check_char("11010519491231002"), Some('X'));
/// ```
pub fn check_char(first17: &str) -> Option<char> {
    let bytes: &[u8; 17] = first17.as_bytes().try_into().ok()?;
    bytes.iter().all(u8::is_ascii_digit).then(|| char::from(check_byte(bytes)))
}

fn check_byte(first17: &[u8; 17]) -> u8 {
    let sum: u32 = first17.iter().zip(WEIGHTS).map(|(d, w)| u32::from(d - b'0') * w).sum();
    CHECKS[(sum % 11) as usize]
}

fn date_of(digits: &[u8]) -> Option<NaiveDate> {
    let number = |part: &[u8]| part.iter().fold(0u32, |n, d| n * 10 + u32::from(d - b'0'));
    let year = i32::try_from(number(&digits[..4])).ok()?;
    NaiveDate::from_ymd_opt(year, number(&digits[4..6]), number(&digits[6..8])).filter(|d| d.year() >= FIRST_YEAR)
}

impl CitizenId {
    /// Reads exactly 18 characters, `X` in upper case.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, IdProblem> {
        let Ok(bytes) = <[u8; 18]>::try_from(text.as_bytes()) else {
            return Err(if text.is_empty() {
                IdProblem::Empty
            } else {
                IdProblem::Length { len: text.chars().count() }
            });
        };
        let mut first17 = [0u8; 17];
        first17.copy_from_slice(&bytes[..17]);
        if let Some(at) = first17.iter().position(|b| !b.is_ascii_digit()) {
            return Err(IdProblem::NotDigits { position: at + 1 });
        }
        if !bytes[17].is_ascii_digit() && bytes[17] != b'X' {
            return Err(IdProblem::NotDigits { position: 18 });
        }
        if date_of(&bytes[6..14]).is_none() {
            return Err(IdProblem::BirthDate);
        }
        let expected = check_byte(&first17);
        if bytes[17] != expected {
            return Err(IdProblem::CheckCharacter { expected: char::from(expected), found: char::from(bytes[17]) });
        }
        Ok(Self(bytes))
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Birth date, characters 7-14.
    pub fn birth_date(&self) -> NaiveDate {
        date_of(&self.0[6..14]).unwrap_or_default()
    }

    /// Sex: the 17th digit is odd for men.
    pub fn sex(&self) -> Sex {
        if (self.0[16] - b'0') % 2 == 1 { Sex::Male } else { Sex::Female }
    }

    /// The division of the first registration, characters 1-6. It says nothing about where somebody lives.
    pub fn area(&self) -> &str {
        self.as_str().get(..6).unwrap_or_default()
    }

    /// First six and last four characters, the rest hidden.
    pub fn masked(&self) -> String {
        mask(self.as_str())
    }
}

impl fmt::Debug for CitizenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Masked, so that no log line can hold a whole number.
        write!(f, "CitizenId({})", self.masked())
    }
}

/// The 18-character form of a 15-digit number: `19` before the year, check character appended.
///
/// ```
/// use codes::citizen_id::upgrade_15;
/// assert_eq!(upgrade_15("110105491231002").unwrap().as_str(), "11010519491231002X");
/// ```
pub fn upgrade_15(text: &str) -> Option<CitizenId> {
    if text.len() != 15 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let first17 = format!("{}19{}", &text[..6], &text[6..]);
    let check = check_char(&first17)?;
    CitizenId::parse(&format!("{first17}{check}")).ok()
}

/// In which form a number was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdForm {
    /// 18 characters.
    Citizen18,
    /// 15 digits, issued until 1999.
    Legacy15,
    /// Disability card (残疾人证): number, type, grade.
    DisabilityCard20,
    /// Disability card issued again: with `B` and a number.
    DisabilityCard22,
}

/// What had to be cleaned before the number could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Repairs {
    /// Full-width characters, wrappers (`="…"`, apostrophe), blanks or invisible characters.
    pub wrapping: bool,
    /// A lower-case x.
    pub lower_case: bool,
    /// 15 digits made 18.
    pub upgraded: bool,
}

impl Repairs {
    /// Whether anything was cleaned.
    pub fn any(self) -> bool {
        self.wrapping || self.lower_case || self.upgraded
    }
}

/// Type and grade of a disability card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disability {
    /// 1 sight, 2 hearing, 3 speech, 4 limbs, 5 intellect, 6 mind, 7 several.
    pub kind: u8,
    /// 1 heaviest to 4.
    pub grade: u8,
    /// `B1`… where the card was issued again.
    pub reissue: Option<String>,
}

/// A number as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdReading {
    /// The number: of a disability card, its first 18 characters.
    pub id: CitizenId,
    /// The form it was written in.
    pub form: IdForm,
    /// What was cleaned.
    pub repairs: Repairs,
    /// What the disability card says.
    pub disability: Option<Disability>,
    /// The last three of 18 characters are zeros and the check fits them: one number in a thousand is so by right, one
    /// in eleven of those that a spreadsheet cut to 15 digits passes for such a one. Good enough to be shown; never to
    /// tell whose it is.
    pub maybe_truncated: bool,
}

/// Reads a number as files have it.
///
/// ```
/// use codes::citizen_id::{read, IdForm, IdProblem};
/// assert_eq!(read("=\"11010519491231002x\"").unwrap().id.as_str(), "11010519491231002X");
/// assert_eq!(read("34032319650312101244").unwrap().form, IdForm::DisabilityCard20);
/// assert_eq!(read("3.40323E+17"), Err(IdProblem::ExcelScientific));
/// assert_eq!(read("340323196503121000"), Err(IdProblem::ExcelTruncated));
/// assert_eq!(read("34032319650312100000"), Err(IdProblem::ExcelTruncated));
/// assert_eq!(read("340323196503121012.0"), Err(IdProblem::FloatText));
/// assert!(read("340323196503127000").unwrap().maybe_truncated);
/// ```
///
/// # Errors
/// Why it cannot be used. A number damaged by a spreadsheet is refused, never guessed.
pub fn read(raw: &str) -> Result<IdReading, IdProblem> {
    if raw.len() == 18
        && let Ok(id) = CitizenId::parse(raw)
    {
        return eighteen(id, Repairs::default());
    }
    let mut clean: String = text::half_width(raw).chars().filter(|c| !c.is_whitespace()).collect();
    let mut repairs = Repairs { wrapping: clean != raw, ..Repairs::default() };
    if clean.is_empty() {
        return Err(IdProblem::Empty);
    }
    if is_scientific(&clean) {
        return Err(IdProblem::ExcelScientific);
    }
    if clean.contains('x') {
        repairs.lower_case = true;
        clean = clean.replace('x', "X");
    }
    clean = clean.replace(['Ｘ', '×'], "X");
    if clean.contains(['*', '＊', '●', '•']) {
        return Err(IdProblem::Masked);
    }
    if !clean.is_ascii() {
        let position = clean.chars().position(|c| !c.is_ascii()).unwrap_or(0) + 1;
        return Err(IdProblem::NotDigits { position });
    }
    if let Some((digits, fraction)) = clean.split_once('.')
        && !fraction.is_empty()
        && digits.len() >= 15
        && fraction.bytes().all(|b| b == b'0')
        && digits.bytes().all(|b| b.is_ascii_digit())
    {
        // Fifteen digits survive a double; more do not, even where the check happens to fit.
        if digits.len() > 15 {
            return Err(IdProblem::FloatText);
        }
        repairs.wrapping = true;
        clean.truncate(15);
    }
    match clean.len() {
        15 => {
            if let Some(at) = clean.bytes().position(|b| !b.is_ascii_digit()) {
                return Err(IdProblem::NotDigits { position: at + 1 });
            }
            repairs.upgraded = true;
            let id = upgrade_15(&clean).ok_or(IdProblem::BirthDate)?;
            Ok(IdReading { id, form: IdForm::Legacy15, repairs, disability: None, maybe_truncated: false })
        }
        18 => {
            let id = CitizenId::parse(&clean).map_err(|problem| damaged(&clean, problem))?;
            eighteen(id, repairs)
        }
        len @ (20 | 22) => {
            // A spreadsheet leaves 15 digits of these, too: nothing but zeros follows them.
            if clean.as_bytes()[15..].iter().all(|b| *b == b'0') {
                return Err(IdProblem::ExcelTruncated);
            }
            let id = CitizenId::parse(&clean[..18]).map_err(|problem| damaged(&clean[..18], problem))?;
            let digit = |at: usize| clean.as_bytes()[at].wrapping_sub(b'0');
            let (kind, grade) = (digit(18), digit(19));
            if !(1..=7).contains(&kind) {
                return Err(IdProblem::DisabilityKind);
            }
            if !(1..=4).contains(&grade) {
                return Err(IdProblem::DisabilityGrade);
            }
            let reissue = (len == 22).then(|| clean[20..].to_ascii_uppercase());
            if let Some(text) = &reissue
                && !(text.starts_with('B') && text.as_bytes()[1].is_ascii_digit())
            {
                return Err(IdProblem::NotDigits { position: 21 });
            }
            let form = if len == 20 { IdForm::DisabilityCard20 } else { IdForm::DisabilityCard22 };
            let disability = Some(Disability { kind, grade, reissue });
            Ok(IdReading { id, form, repairs, disability, maybe_truncated: false })
        }
        len => Err(IdProblem::Length { len }),
    }
}

/// A reading of 18 characters whose check fits. Orders begin at 001, so that nobody's number ends in 0000; three zeros
/// may be an order of whole hundreds with the check character 0, or a spreadsheet's.
fn eighteen(id: CitizenId, repairs: Repairs) -> Result<IdReading, IdProblem> {
    if id.0.ends_with(b"0000") {
        return Err(IdProblem::ExcelTruncated);
    }
    let maybe_truncated = id.0.ends_with(b"000");
    Ok(IdReading { id, form: IdForm::Citizen18, repairs, disability: None, maybe_truncated })
}

/// A spreadsheet keeps 15 digits: zeros at the end of a number that does not check are its doing.
fn damaged(clean: &str, problem: IdProblem) -> IdProblem {
    match problem {
        IdProblem::CheckCharacter { .. } | IdProblem::BirthDate if clean.ends_with("000") => IdProblem::ExcelTruncated,
        other => other,
    }
}

fn is_scientific(text: &str) -> bool {
    text.find(['E', 'e']).is_some_and(|at| {
        let (mantissa, exponent) = (&text[..at], &text[at + 1..]);
        !mantissa.is_empty()
            && mantissa.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && exponent.trim_start_matches('+').bytes().all(|b| b.is_ascii_digit())
            && exponent.len() > 1
    })
}

/// A number of which some characters are hidden (`340323********1012`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskedId([Option<u8>; 18]);

/// Reads a masked number of 18 characters; none where nothing is hidden or nothing can be seen.
///
/// ```
/// use codes::citizen_id::{parse_masked, CitizenId};
/// let masked = parse_masked("340323********1012").unwrap();
/// assert!(masked.matches(&CitizenId::parse("340323196503121012").unwrap()));
/// assert_eq!(masked.visible_digits(), 10);
/// ```
pub fn parse_masked(raw: &str) -> Option<MaskedId> {
    let clean: Vec<char> = text::half_width(raw).chars().filter(|c| !c.is_whitespace()).collect();
    if clean.len() != 18 {
        return None;
    }
    let mut out = [None; 18];
    for (at, c) in clean.into_iter().enumerate() {
        out[at] = match c {
            '0'..='9' => Some(c as u8),
            'x' | 'X' if at == 17 => Some(b'X'),
            '*' | '●' | '•' => None,
            _ => return None,
        };
    }
    let masked = MaskedId(out);
    (1..18).contains(&masked.visible_digits()).then_some(masked)
}

impl MaskedId {
    /// Whether every visible character agrees.
    pub fn matches(&self, id: &CitizenId) -> bool {
        self.0.iter().zip(id.0).all(|(seen, c)| seen.is_none_or(|s| s == c))
    }

    /// How many characters can be seen.
    pub fn visible_digits(&self) -> usize {
        self.0.iter().flatten().count()
    }

    /// The characters, `*` where hidden.
    pub fn pattern(&self) -> String {
        self.0.iter().map(|c| char::from(c.unwrap_or(b'*'))).collect()
    }
}

/// Hides the middle of any number for showing: the first six and last four characters stay where it is long enough,
/// and never more than that.
///
/// ```
/// assert_eq!(codes::citizen_id::mask("340323196503121012"), "340323********1012");
/// assert_eq!(codes::citizen_id::mask("12345678"), "12****78");
/// ```
pub fn mask(raw: &str) -> String {
    let chars: Vec<char> = raw.trim().chars().collect();
    let (head, tail) = match chars.len() {
        0 => return String::new(),
        1..=4 => (0, 0),
        5..=9 => (2, 2),
        10..=14 => (3, 3),
        _ => (6, 4),
    };
    chars.iter().enumerate().map(|(at, c)| if at < head || at + tail >= chars.len() { *c } else { '*' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn valid() -> impl Strategy<Value = CitizenId> {
        (990_000u32..=999_999, 0i64..45_000, 1u32..1000).prop_map(|(area, days, order)| {
            let day = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap() + chrono::Days::new(days as u64);
            let first = format!("{area}{}{order:03}", day.format("%Y%m%d"));
            CitizenId::parse(&format!("{first}{}", check_char(&first).unwrap())).unwrap()
        })
    }

    #[test]
    fn known_vectors() {
        for text in [
            "11010519491231002X",
            "440524188001010014",
            "340323196503121012",
            "34032319880229203X",
            "340323201211054026",
        ] {
            let parsed = CitizenId::parse(text);
            if text.starts_with("4405241880") {
                // A correct check character on a birth year that nobody alive has.
                assert_eq!(parsed, Err(IdProblem::BirthDate));
                assert_eq!(check_char(&text[..17]), Some('4'));
            } else {
                assert!(parsed.is_ok(), "{text}: {parsed:?}");
            }
        }
        assert_eq!(CitizenId::parse("340323199002290014"), Err(IdProblem::BirthDate));
        assert_eq!(check_char("34032319900229001"), Some('4'));
        assert_eq!(
            upgrade_15("110105491231002").map(|id| id.as_str().to_owned()),
            Some("11010519491231002X".to_owned())
        );
    }

    #[test]
    fn disability_cards() {
        let card = read("340323196503121012４４Ｂ１").unwrap();
        assert_eq!(card.form, IdForm::DisabilityCard22);
        assert_eq!(card.disability, Some(Disability { kind: 4, grade: 4, reissue: Some("B1".to_owned()) }));
        assert_eq!(card.id.as_str(), "340323196503121012");
        assert_eq!(read("34032319650312101284"), Err(IdProblem::DisabilityKind));
        assert_eq!(read("34032319650312101245"), Err(IdProblem::DisabilityGrade));
    }

    fn numbered(days: u64, order: u64) -> CitizenId {
        let day = NaiveDate::from_ymd_opt(1930, 1, 1).unwrap() + chrono::Days::new(days);
        let first = format!("990123{}{order:03}", day.format("%Y%m%d"));
        CitizenId::parse(&format!("{first}{}", check_char(&first).unwrap())).unwrap()
    }

    /// Of numbers cut to 15 digits about one in eleven has a check that fits; none may pass as somebody's.
    #[test]
    fn numbers_cut_by_a_spreadsheet_never_pass_for_sound() {
        let (mut cut, mut fits, mut sound, mut doubted) = (0, 0, 0, 0);
        for days in 0..30_000 {
            let id = numbered(days, 1 + days * 7919 % 999);
            let text = format!("{}000", &id.as_str()[..15]);
            for raw in
                [text.clone(), format!("{text}.0"), format!("=\"{text}\""), format!("{text}00"), format!("{text}0000")]
            {
                match read(&raw) {
                    Ok(reading) => assert!(reading.maybe_truncated && raw.len() < 22, "{raw} passes"),
                    Err(problem) => {
                        assert!(matches!(problem, IdProblem::ExcelTruncated | IdProblem::FloatText), "{raw}: {problem}")
                    }
                }
            }
            cut += 1;
            fits += u32::from(CitizenId::parse(&text).is_ok());
            sound += 1;
            doubted += u32::from(read(id.as_str()).unwrap().maybe_truncated);
        }
        let share = f64::from(fits) / f64::from(cut);
        assert!((0.08..0.10).contains(&share), "{share} of the cut numbers have a fitting check");
        let share = f64::from(doubted) / f64::from(sound);
        assert!(share < 0.002, "{share} of sound numbers are doubted");
    }

    #[test]
    fn a_card_whose_number_ends_in_zeros_is_no_spreadsheets_work() {
        let card = read("34032319650312700044").unwrap();
        assert!(!card.maybe_truncated);
        assert_eq!(read("34032319650312101200"), Err(IdProblem::DisabilityKind));
        assert_eq!(read("340323650312101.0").unwrap().id.as_str(), "340323196503121012");
    }

    proptest! {
        #[test]
        fn every_wrapper_is_undone(id in valid(), form in 0..6) {
            let text = id.as_str();
            let wrapped = match form {
                0 => format!("=\"{text}\""),
                1 => format!("'{text}"),
                2 => format!(" \t{text}　"),
                3 => text.to_lowercase(),
                4 => text.chars().map(|c| char::from_u32(c as u32 + 0xfee0).unwrap()).collect(),
                _ => format!("{} {} {}", &text[..6], &text[6..14], &text[14..]),
            };
            prop_assert_eq!(read(&wrapped).unwrap().id, id);
        }

        #[test]
        fn any_wrong_digit_is_noticed(id in valid(), at in 0usize..17, by in 1u8..10) {
            let mut bytes = id.0;
            bytes[at] = b'0' + (bytes[at] - b'0' + by) % 10;
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            prop_assert!(CitizenId::parse(&text).is_err());
        }

        #[test]
        fn any_swap_of_neighbours_is_noticed(id in valid(), at in 0usize..16) {
            let mut bytes = id.0;
            prop_assume!(bytes[at] != bytes[at + 1]);
            bytes.swap(at, at + 1);
            prop_assert!(CitizenId::parse(std::str::from_utf8(&bytes).unwrap()).is_err());
        }

        #[test]
        fn nothing_panics_and_no_mask_tells_all(raw in "[^*\\pC]{0,30}") {
            let _ = read(&raw);
            let _ = parse_masked(&raw);
            let masked = mask(&raw);
            let plain = raw.trim();
            prop_assert!(plain.is_empty() || masked != plain);
        }

        #[test]
        fn a_mask_matches_its_own_number(id in valid()) {
            prop_assert!(parse_masked(&id.masked()).unwrap().matches(&id));
            prop_assert_eq!(read(&id.masked()), Err(IdProblem::Masked));
        }

        #[test]
        fn fifteen_digits_come_back(id in valid()) {
            prop_assume!(&id.as_str()[6..8] == "19");
            let short = format!("{}{}", &id.as_str()[..6], &id.as_str()[8..17]);
            prop_assert_eq!(upgrade_15(&short), Some(id));
        }
    }
}
