//! Telephone numbers (联系电话).

use crate::text;

/// A number that can be dialled.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Phone {
    /// 11 digits beginning with 1.
    Mobile(String),
    /// Area code and number, digits only.
    Landline(String),
}

/// Why a text is not a phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneProblem {
    /// Nothing there.
    #[error("no number")]
    Empty,
    /// Letters or signs in it.
    #[error("character {0} is not a digit")]
    NotDigits(usize),
    /// A mobile number has 11 digits, a landline an area code and 7 or 8.
    #[error("{0} digits; a mobile number has 11")]
    Length(usize),
    /// 11 digits that no mobile number begins with.
    #[error("no mobile number begins like this")]
    Prefix,
    /// A spreadsheet turned it into scientific notation.
    #[error("damaged by a spreadsheet")]
    ExcelScientific,
}

impl PhoneProblem {
    /// Stable name of the problem.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotDigits(_) => "not_digits",
            Self::Length(_) => "length",
            Self::Prefix => "prefix",
            Self::ExcelScientific => "excel_scientific",
        }
    }
}

impl Phone {
    /// The digits.
    pub fn digits(&self) -> &str {
        match self {
            Self::Mobile(digits) | Self::Landline(digits) => digits,
        }
    }

    /// First three and last four digits.
    pub fn masked(&self) -> String {
        mask(self.digits())
    }
}

/// Reads a number as people type it: +86, blanks, dashes, brackets, full-width digits, a trailing `.0`.
///
/// ```
/// use codes::phone::{read, Phone, PhoneProblem};
/// assert_eq!(read("+86 138-0013 8000").unwrap(), Phone::Mobile("13800138000".into()));
/// assert_eq!(read("(0552)6012345").unwrap(), Phone::Landline("05526012345".into()));
/// assert_eq!(read("1380013800"), Err(PhoneProblem::Length(10)));
/// ```
///
/// # Errors
/// What is wrong with it.
pub fn read(raw: &str) -> Result<Phone, PhoneProblem> {
    let clean = text::half_width(raw);
    let clean = clean.strip_suffix(".0").unwrap_or(&clean);
    let digits: String = clean
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '—' | '–' | '(' | ')' | '（' | '）'))
        .collect();
    let digits = digits.strip_prefix("+86").or_else(|| digits.strip_prefix("0086")).unwrap_or(&digits);
    let digits = if digits.len() == 13 { digits.strip_prefix("86").unwrap_or(digits) } else { digits };
    if digits.is_empty() {
        return Err(PhoneProblem::Empty);
    }
    if digits.contains(['E', 'e']) && digits.contains('+') {
        return Err(PhoneProblem::ExcelScientific);
    }
    if let Some(at) = digits.chars().position(|c| !c.is_ascii_digit()) {
        return Err(PhoneProblem::NotDigits(at + 1));
    }
    match (digits.len(), digits.as_bytes()[0]) {
        (11, b'1') if digits.as_bytes()[1] >= b'3' => Ok(Phone::Mobile(digits.to_owned())),
        (10..=12, b'0') => Ok(Phone::Landline(digits.to_owned())),
        (11, _) => Err(PhoneProblem::Prefix),
        (len, _) => Err(PhoneProblem::Length(len)),
    }
}

/// First three and last four characters of any number; a short one is hidden whole.
///
/// ```
/// assert_eq!(codes::phone::mask("13812345678"), "138****5678");
/// ```
pub fn mask(raw: &str) -> String {
    let chars: Vec<char> = raw.trim().chars().collect();
    let (head, tail) = if chars.len() >= 9 { (3, 4) } else { (0, 0) };
    chars.iter().enumerate().map(|(at, c)| if at < head || at + tail >= chars.len() { *c } else { '*' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_way_of_typing_a_mobile_number_reads(rest in "1[3-9][0-9]{9}", form in 0..5) {
            let typed = match form {
                0 => rest.clone(),
                1 => format!("+86{rest}"),
                2 => format!("{} {} {}", &rest[..3], &rest[3..7], &rest[7..]),
                3 => format!("'{rest}"),
                _ => format!("{rest}.0"),
            };
            prop_assert_eq!(read(&typed), Ok(Phone::Mobile(rest)));
        }

        #[test]
        fn nothing_panics_and_masks_hide(raw in "\\PC{0,20}") {
            let _ = read(&raw);
            let plain = raw.trim();
            prop_assert!(plain.is_empty() || mask(&raw) != plain || plain.chars().all(|c| c == '*'));
        }
    }
}
