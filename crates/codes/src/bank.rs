//! Bank card numbers (银行卡号): only ever shown by their last four digits.

/// Hides all but the last four characters; a short text is hidden whole.
///
/// ```
/// assert_eq!(codes::bank::mask("6228480000001234567"), "***************4567");
/// ```
pub fn mask(raw: &str) -> String {
    let chars: Vec<char> = raw.trim().chars().collect();
    let keep = if chars.len() > 8 { 4 } else { 0 };
    chars.iter().enumerate().map(|(at, c)| if at + keep >= chars.len() { *c } else { '*' }).collect()
}
