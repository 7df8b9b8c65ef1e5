//! What of a cell may be shown, whatever column it stands in.

/// A cell with its ID numbers and, if asked, its phone and bank-card numbers masked, wherever in the text they stand.
pub(crate) fn masked(text: &str, phones: bool) -> String {
    if text.bytes().filter(u8::is_ascii_digit).count() < 11 && text.is_ascii() {
        return text.to_owned();
    }
    let plain = codes::text::half_width(text);
    let digit = |c: char| c.is_ascii_digit();
    let mut out = String::with_capacity(plain.len());
    let mut rest: &str = &plain;
    let mut hidden = false;
    while let Some(start) = rest.find(digit) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let mut end = rest.find(|c: char| !digit(c)).unwrap_or(rest.len());
        let grouped = phone_end(rest);
        if rest[end..].starts_with(['X', 'x']) && matches!(end, 17 | 14) {
            end += 1;
        }
        let run = &rest[..end];
        let shown = if is_id(run, phones) {
            Some(codes::citizen_id::mask(run))
        } else if phones && let Some(grouped) = grouped {
            end = grouped;
            Some(codes::phone::mask(&rest[..end].chars().filter(|c| digit(*c)).collect::<String>()))
        } else if phones && (16..=19).contains(&run.len()) {
            Some(codes::bank::mask(run))
        } else {
            None
        };
        match shown {
            Some(shown) => {
                hidden = true;
                out.push_str(&shown);
            }
            None => out.push_str(run),
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    if hidden { out } else { text.to_owned() }
}

/// Whether a run of digits is an ID number or a disability card's; with `damaged` also what was one before a spreadsheet
/// or a typist damaged it.
fn is_id(run: &str, damaged: bool) -> bool {
    let dated = |from: usize| {
        let part = |a: usize, b: usize| run.get(from + a..from + b).and_then(|t| t.parse::<u32>().ok()).unwrap_or(0);
        (1..=12).contains(&part(4, 6)) && (1..=31).contains(&part(6, 8)) && (1850..2200).contains(&part(0, 4))
    };
    match run.len() {
        15 => codes::citizen_id::upgrade_15(run).is_some(),
        17..=22 => codes::citizen_id::read(run).is_ok() || (damaged && dated(6)),
        _ => false,
    }
}

/// Where a mobile number that begins a text ends: eleven digits, together or as 138-0013-8000.
fn phone_end(text: &str) -> Option<usize> {
    let mut digits = 0;
    let mut end = 0;
    for (at, c) in text.char_indices() {
        match c {
            '0'..='9' => {
                digits += 1;
                end = at + 1;
            }
            '-' | ' ' if matches!(digits, 3 | 7) => {}
            _ => break,
        }
    }
    let run: String = text[..end].chars().filter(char::is_ascii_digit).collect();
    let mobile = |n: &str| matches!(codes::phone::read(n), Ok(codes::phone::Phone::Mobile(_)));
    (matches!(digits, 11 | 13) && mobile(&run)).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn numbers_are_masked_wherever_they_stand() {
        for (text, shown) in [
            ("340323196503121012", "340323********1012"),
            ("34032319880229203X", "340323********203X"),
            ("３４０３２３１９６５０３１２１０１２", "340323********1012"),
            ("34032319650312101243", "340323**********1243"),
            ("340323196503121019", "340323********1019"),
            ("110105491231002", "110105*****1002"),
            ("张三，身份证340323196503121012，电话13800138000", "张三,身份证340323********1012,电话138****8000"),
            ("138-0013-8000", "138****8000"),
            ("6228480000001234567", "***************4567"),
            ("配偶 13800138000 转", "配偶 138****8000 转"),
        ] {
            assert_eq!(masked(text, true).replace('，', ","), shown, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics_and_no_phone_stays(before in "\\PC{0,12}", phone in "1[3-9][0-9]{9}", after in "\\PC{0,12}") {
            masked(&before, true);
            let before = before.trim_end_matches(|c: char| c.is_numeric() || "-+ ()（）".contains(c));
            let after = after.trim_start_matches(|c: char| c.is_numeric() || "- .".contains(c));
            let shown = masked(&format!("{before}:{phone};{after}"), true);
            proptest::prop_assert!(!shown.contains(&phone), "{shown}");
        }
    }

    #[test]
    fn what_is_no_personal_number_is_shown() {
        for text in ["", "王建国", "2020-02-05", "12,000.50元", "34032310220001", "H0001", "990101001001", "石村3组"]
        {
            assert_eq!(masked(text, true), text);
        }
        assert_eq!(masked("6228480000001234567", false), "6228480000001234567", "a household's number");
        assert_eq!(masked("340323196503121012", false), "340323********1012", "an ID number used as one");
    }
}
