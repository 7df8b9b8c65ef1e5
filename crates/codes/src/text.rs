//! What spreadsheets and input methods do to a short text, undone.

use std::borrow::Cow;

/// Half-width form without wrappers: full-width letters, digits and signs become ASCII; `="…"`, a leading apostrophe,
/// zero-width and control characters go; outer blanks are cut.
///
/// ```
/// assert_eq!(codes::text::half_width("=\"３４０\u{200b}３２３\""), "340323");
/// assert_eq!(codes::text::half_width("'340323\t"), "340323");
/// ```
pub fn half_width(raw: &str) -> Cow<'_, str> {
    let trimmed = raw.trim();
    if trimmed.chars().all(as_is) {
        return Cow::Borrowed(unwrap(trimmed));
    }
    let mut out = String::with_capacity(trimmed.len());
    for c in trimmed.chars() {
        match c {
            '\u{ff01}'..='\u{ff5e}' => out.extend(char::from_u32(c as u32 - 0xfee0)),
            '\u{3000}' | '\u{a0}' => out.push(' '),
            c if as_is(c) => out.push(c),
            _ => {}
        }
    }
    Cow::Owned(unwrap(&out).to_owned())
}

/// Whether a character is neither full-width nor invisible.
fn as_is(c: char) -> bool {
    match c {
        ' '..='~' | '\u{4e00}'..='\u{9fff}' => true,
        '\u{ff01}'..='\u{ff5e}' | '\u{3000}' | '\u{a0}' => false,
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{202a}'..='\u{202e}' => false,
        c => !c.is_control(),
    }
}

/// Wrappers come inside each other, so they are taken off until there are none.
fn unwrap(text: &str) -> &str {
    let mut text = text.trim();
    loop {
        let before = text.len();
        if let Some(inner) = text.strip_prefix("=\"").and_then(|t| t.strip_suffix('"')) {
            text = inner.trim();
        }
        if text.len() >= 2
            && let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'))
        {
            text = inner.trim();
        }
        text = text.trim_start_matches(['\'', '’', '‘', '`']).trim();
        if text.len() == before {
            return text;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cleaning_twice_is_cleaning_once(raw in "[ '\"=’`\u{ff10}-\u{ff5a}\u{3000}\u{200b}\u{4e00}-\u{4e20}0-9A-Za-z\t]{0,16}") {
            let once = half_width(&raw).into_owned();
            prop_assert_eq!(half_width(&once), once.as_str());
        }

        #[test]
        fn nothing_wide_or_invisible_is_left(raw in "\\PC{0,24}") {
            let once = half_width(&raw).into_owned();
            prop_assert_eq!(half_width(&once), once.as_str());
            prop_assert!(once.chars().all(as_is), "{once:?}");
            prop_assert_eq!(once.trim(), once.as_str());
        }
    }
}
