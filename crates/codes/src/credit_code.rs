//! Unified social credit codes of organisations (统一社会信用代码, GB 32100-2015).

use crate::text;

const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/// A valid code of 18 characters.
///
/// ```
/// use codes::credit_code::CreditCode;
/// assert!(CreditCode::read("91350100M000100Y43").is_ok());
/// assert!(CreditCode::read("91110000802100433b").is_ok());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CreditCode([u8; 18]);

/// Why a text is not a credit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CreditCodeProblem {
    /// Not 18 characters.
    #[error("{0} characters; 18 expected")]
    Length(usize),
    /// A character that the standard does not use (I O S V Z among them).
    #[error("character {0} cannot stand in a credit code")]
    Character(usize),
    /// The check character does not fit.
    #[error("the check character does not fit")]
    Check,
}

fn value(byte: u8) -> Option<usize> {
    ALPHABET.iter().position(|a| *a == byte)
}

/// The check character of the first 17; none if they are not 17 characters of the alphabet.
pub fn check_char(first17: &str) -> Option<char> {
    let bytes: &[u8; 17] = first17.as_bytes().try_into().ok()?;
    let mut sum = 0;
    for (byte, weight) in bytes.iter().zip(WEIGHTS) {
        sum += value(*byte)? * weight;
    }
    Some(char::from(ALPHABET[(31 - sum % 31) % 31]))
}

impl CreditCode {
    /// Reads a code as files have it: full-width, blanks and lower case are undone.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn read(raw: &str) -> Result<Self, CreditCodeProblem> {
        let clean: String = text::half_width(raw)
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .collect::<String>()
            .to_ascii_uppercase();
        let bytes: [u8; 18] =
            clean.as_bytes().try_into().map_err(|_| CreditCodeProblem::Length(clean.chars().count()))?;
        if let Some(at) = bytes.iter().position(|b| value(*b).is_none()) {
            return Err(CreditCodeProblem::Character(at + 1));
        }
        if check_char(&clean[..17]) != Some(char::from(bytes[17])) {
            return Err(CreditCodeProblem::Check);
        }
        Ok(Self(bytes))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Characters 3-8: the division of the registering office.
    pub fn division(&self) -> &str {
        self.as_str().get(2..8).unwrap_or_default()
    }

    /// Characters 9-17: the organisation code (组织机构代码).
    pub fn organisation(&self) -> &str {
        self.as_str().get(8..17).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_vectors() {
        assert_eq!(CreditCode::read("91350100M000100Y43").unwrap().division(), "350100");
        assert_eq!(CreditCode::read("91110000802100433B").unwrap().organisation(), "802100433");
        assert_eq!(CreditCode::read("91350100M000100Y44"), Err(CreditCodeProblem::Check));
        assert_eq!(CreditCode::read("9135010OM000100Y43"), Err(CreditCodeProblem::Character(8)));
    }

    proptest! {
        #[test]
        fn any_changed_character_is_noticed(first in "[0-9A-HJ-NPQRTUWXY]{17}", at in 0usize..17, to in 0usize..31) {
            let code = format!("{first}{}", check_char(&first).unwrap());
            prop_assert!(CreditCode::read(&code).is_ok());
            let mut bytes = code.into_bytes();
            prop_assume!(bytes[at] != ALPHABET[to]);
            bytes[at] = ALPHABET[to];
            prop_assert!(CreditCode::read(std::str::from_utf8(&bytes).unwrap()).is_err());
        }

        #[test]
        fn nothing_panics(raw in "\\PC{0,24}") {
            let _ = CreditCode::read(&raw);
        }
    }
}
