//! The damage that agencies' lists really carry, and its names in the truth files.

use crate::model::Id;
use crate::names::{HOMOPHONES, LOOK_ALIKES, TRADITIONAL, VARIANTS};
use crate::rng::Rng;
use chrono::{Datelike, NaiveDate};

/// Names of every kind of damage, as the truth files write them (joined by `;` where a row has several).
pub const KINDS: &[&str] = &[
    "id_missing",
    "id_masked",
    "id_15",
    "id_digit",
    "id_transposed",
    "id_full_width",
    "id_lower_x",
    "id_excel_quote",
    "id_scientific",
    "id_truncated",
    "id_apostrophe",
    "id_spaces",
    "id_card",
    "name_homophone",
    "name_look_alike",
    "name_variant",
    "name_traditional",
    "name_dropped",
    "birth_digit",
    "phone_digit",
    "phone_missing",
    "village_moved",
    "date_format",
];

/// The identifying fields of one row of a list, as they will be written.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) birth: String,
    pub(crate) phone: String,
    pub(crate) township: String,
    pub(crate) village: String,
}

/// A date as people type it; the first form is the clean one.
pub(crate) fn typed_date(day: NaiveDate, form: usize) -> String {
    match form {
        0 => day.format("%Y-%m-%d").to_string(),
        1 => day.format("%Y.%-m.%-d").to_string(),
        2 => day.format("%Y/%-m/%-d").to_string(),
        3 => day.format("%Y年%-m月%-d日").to_string(),
        4 => day.format("%Y%m%d").to_string(),
        _ => {
            // The serial number that Excel keeps when a column loses its date format.
            let serial =
                day.num_days_from_ce() - NaiveDate::from_ymd_opt(1899, 12, 30).map_or(0, |d| d.num_days_from_ce());
            serial.to_string()
        }
    }
}

fn swap_char(
    name: &mut String,
    rng: &mut Rng,
    from_given: bool,
    choose: impl Fn(char, &mut Rng) -> Option<char>,
) -> bool {
    let chars: Vec<char> = name.chars().collect();
    let first = usize::from(from_given && chars.len() > 1);
    let n = chars.len() - first;
    if n == 0 {
        return false;
    }
    let start = rng.index(n);
    for k in 0..n {
        let at = first + (start + k) % n;
        if let Some(c) = choose(chars[at], rng).filter(|c| *c != chars[at]) {
            let mut out = chars.clone();
            out[at] = c;
            *name = out.into_iter().collect();
            return true;
        }
    }
    false
}

/// A valid number as registers and lists also write it; none where the number offers no place for that.
pub(crate) fn written(kind: &str, id: &str, birth: NaiveDate) -> Option<String> {
    match kind {
        "id_15" => (birth.year() < 2000)
            .then(|| format!("{}{}", id.get(..6).unwrap_or_default(), id.get(8..17).unwrap_or_default())),
        "id_full_width" => Some(id.chars().filter_map(|c| char::from_u32(c as u32 + 0xFEE0)).collect()),
        "id_lower_x" => id.ends_with('X').then(|| id.to_lowercase()),
        "id_apostrophe" => Some(format!("'{id}")),
        "id_spaces" => Some(format!("{} {} {}", id.get(..6)?, id.get(6..14)?, id.get(14..)?)),
        _ => None,
    }
}

/// What a spreadsheet shows of a number in a narrow column.
pub(crate) fn scientific(id: &str) -> String {
    let digits: u64 = id.get(..6).and_then(|d| d.parse().ok()).unwrap_or(0);
    format!("{}.{:05}E+17", digits / 100_000, digits % 100_000)
}

fn pair(table: &[(char, char)], c: char) -> Option<char> {
    table.iter().find_map(|&(a, b)| {
        if a == c {
            Some(b)
        } else if b == c {
            Some(a)
        } else {
            None
        }
    })
}

/// Applies one kind of damage; false when the row offers no place for it. `villages` are the other villages of
/// the township, `birth` the true birth date.
pub(crate) fn apply(
    kind: &str,
    f: &mut Fields,
    (id, card): (&Id, Option<&str>),
    (birth, as_of): (NaiveDate, NaiveDate),
    villages: &[&str],
    rng: &mut Rng,
) -> bool {
    let clean = f.id == id.as_str();
    match kind {
        // No damage at all: the number of the disability card, 20 or 22 characters, where the list asks for an ID.
        "id_card" if clean => match card {
            Some(card) => {
                f.id = card.to_owned();
                true
            }
            None => false,
        },
        "id_missing" => {
            f.id.clear();
            true
        }
        "id_masked" if clean => {
            f.id.replace_range(6..14, "********");
            true
        }
        "id_digit" if clean => {
            let mut digits = id.0;
            let at = 6 + rng.index(11);
            digits[at] = b'0' + (digits[at] - b'0' + 1 + rng.below(9) as u8) % 10;
            f.id = String::from_utf8_lossy(&digits).into_owned();
            true
        }
        "id_transposed" if clean => {
            let mut digits = id.0;
            let Some(at) = (0..8).map(|_| 8 + rng.index(8)).find(|&i| digits[i] != digits[i + 1]) else {
                return false;
            };
            digits.swap(at, at + 1);
            f.id = String::from_utf8_lossy(&digits).into_owned();
            true
        }
        "id_15" | "id_full_width" | "id_lower_x" | "id_apostrophe" | "id_spaces" if clean => {
            match written(kind, id.as_str(), birth) {
                Some(text) => {
                    f.id = text;
                    true
                }
                None => false,
            }
        }
        "id_excel_quote" if clean => {
            f.id = format!("=\"{}\"", f.id);
            true
        }
        "id_scientific" if clean && !f.id.ends_with('X') => {
            f.id = scientific(&f.id);
            true
        }
        "id_truncated" if clean && !f.id.ends_with('X') => {
            f.id.replace_range(15.., "000");
            true
        }
        "name_homophone" => swap_char(&mut f.name, rng, true, |c, rng| {
            let group: Vec<char> = HOMOPHONES.iter().find(|g| g.contains(c))?.chars().filter(|x| *x != c).collect();
            (!group.is_empty()).then(|| rng.pick(&group))
        }),
        "name_look_alike" => swap_char(&mut f.name, rng, true, |c, _| pair(LOOK_ALIKES, c)),
        "name_variant" => swap_char(&mut f.name, rng, false, |c, _| pair(VARIANTS, c)),
        "name_traditional" => {
            swap_char(&mut f.name, rng, false, |c, _| TRADITIONAL.iter().find(|t| t.0 == c).map(|t| t.1))
        }
        "name_dropped" if f.name.chars().count() >= 3 => {
            f.name.pop();
            if f.name.ends_with('·') {
                f.name.pop();
            }
            true
        }
        "birth_digit" => {
            let days = rng.pick(&[1i64, -1, 10, -10, 30, 31, -31, 365, -365, 366]);
            match birth.checked_add_signed(chrono::Duration::days(days)) {
                // Nobody is listed with a birthday in the year after.
                Some(day) if day.year() <= birth.year().max(as_of.year()) => {
                    f.birth = typed_date(day, 0);
                    true
                }
                _ => false,
            }
        }
        "phone_digit" if f.phone.len() == 11 => {
            let at = 3 + rng.index(8);
            let mut digits = f.phone.clone().into_bytes();
            digits[at] = b'0' + (digits[at] - b'0' + 1 + rng.below(9) as u8) % 10;
            f.phone = String::from_utf8_lossy(&digits).into_owned();
            true
        }
        "phone_missing" if !f.phone.is_empty() => {
            f.phone.clear();
            true
        }
        "village_moved" if !villages.is_empty() => {
            f.village = (rng.pick(villages)).to_owned();
            true
        }
        "date_format" => {
            f.birth = typed_date(birth, 1 + rng.index(5));
            true
        }
        _ => false,
    }
}

/// How often each kind is met among damaged rows.
const WEIGHTS: &[(&str, u32)] = &[
    ("id_missing", 14),
    ("id_masked", 9),
    ("id_15", 5),
    ("id_digit", 12),
    ("id_transposed", 6),
    ("id_full_width", 4),
    ("id_lower_x", 14),
    ("id_excel_quote", 4),
    ("id_scientific", 4),
    ("id_truncated", 4),
    ("id_apostrophe", 3),
    ("id_spaces", 3),
    ("id_card", 30),
    ("name_homophone", 12),
    ("name_look_alike", 5),
    ("name_variant", 8),
    ("name_traditional", 5),
    ("name_dropped", 4),
    ("birth_digit", 5),
    ("phone_digit", 8),
    ("phone_missing", 6),
    ("village_moved", 6),
    ("date_format", 16),
];

/// Damages a row: none for about 62 in 100, one kind for about 26, two for the rest. Returns the kinds applied.
pub(crate) fn damage(
    f: &mut Fields,
    id: (&Id, Option<&str>),
    birth: NaiveDate,
    as_of: NaiveDate,
    villages: &[&str],
    rng: &mut Rng,
) -> Vec<&'static str> {
    let wanted = match rng.below(100) {
        0..=61 => 0,
        62..=87 => 1,
        _ => 2,
    };
    let mut done: Vec<&'static str> = Vec::new();
    for _ in 0..12 {
        if done.len() >= wanted {
            break;
        }
        let kind = rng.weighted(WEIGHTS);
        let group = kind.split('_').next().unwrap_or_default();
        let taken = done.iter().any(|d| {
            d.split('_').next() == Some(group)
                || (group == "date" && d.starts_with("birth"))
                || (group == "birth" && d.starts_with("date"))
        });
        if !taken && apply(kind, f, id, (birth, as_of), villages, rng) {
            done.push(kind);
        }
    }
    done
}
