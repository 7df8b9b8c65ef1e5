//! How far two persons agree, field by field, as one number: the levels of all fields in mixed radix.

use super::chars::chars;
use super::person::{IdKind, NAMED, Name, PackedId, Person};

/// One field of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its stable name.
    pub name: &'static str,
    /// Names of its levels; the first is "missing", the last "differ".
    pub levels: &'static [&'static str],
}

/// The fields, in the order of the digits of a [`Pattern`].
pub const FIELDS: [Field; 6] = [
    Field {
        name: "id",
        levels: &[
            "missing",
            "exact",
            "old_15",
            "typo",
            "dropped",
            "two_typos",
            "masked_10",
            "masked_8",
            "masked_few",
            "near_valid",
            "birth_sequence",
            "area_birth",
            "differ",
        ],
    },
    Field {
        name: "name",
        levels: &[
            "missing",
            "exact",
            "homophone",
            "look_alike",
            "fuzzy_sound",
            "reordered",
            "part",
            "dropped",
            "surname_off",
            "first_off",
            "last_off",
            "only_off",
            "surname",
            "differ",
        ],
    },
    Field {
        name: "birth",
        levels: &[
            "missing",
            "exact",
            "digit",
            "swapped",
            "lunar",
            "year_only",
            "near_days",
            "anniversary",
            "year",
            "near_year",
            "differ",
        ],
    },
    Field { name: "sex", levels: &["missing", "same", "differ"] },
    Field { name: "phone", levels: &["missing", "same", "digit", "differ"] },
    Field {
        name: "place",
        levels: &["missing", "house", "group", "village", "other_house", "township", "county", "differ"],
    },
];

/// Places of the fields in [`FIELDS`].
pub(super) const ID: usize = 0;
pub(super) const NAME: usize = 1;
pub(super) const BIRTH: usize = 2;
pub(super) const PHONE: usize = 4;
pub(super) const PLACE: usize = 5;

/// Levels that other rooms of the engine ask for by name.
pub(super) const EXACT: usize = 1;
pub(super) const HOMOPHONE: usize = 2;
pub(super) const FUZZY_SOUND: usize = 4;
pub(super) const OLD_15: usize = 2;
pub(super) const TYPO: usize = 3;
pub(super) const DROPPED: usize = 4;
pub(super) const TWO_TYPOS: usize = 5;
pub(super) const NEAR_VALID: usize = 9;
pub(super) const BIRTH_SEQUENCE: usize = 10;
pub(super) const AREA_BIRTH: usize = 11;
pub(super) const HOUSE: usize = 1;
pub(super) const VILLAGE: usize = 3;

/// Levels of two names that may be one, written or heard wrongly.
pub(super) const LIKE_NAME: [usize; 5] = [HOMOPHONE, 3, FUZZY_SOUND, 5, 6];

/// Levels of a name that is one character off.
pub(super) const ONE_OFF: [usize; 6] = [3, 7, 8, 9, 10, 11];

/// How many patterns there are.
pub(super) const PATTERNS: usize = {
    let mut n = 1;
    let mut i = 0;
    while i < FIELDS.len() {
        n *= FIELDS[i].levels.len();
        i += 1;
    }
    n
};

/// The levels of all fields of one pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(pub(super) u32);

impl Pattern {
    pub(super) fn new(levels: [usize; 6]) -> Self {
        let mut code = 0;
        for (field, level) in FIELDS.iter().zip(levels) {
            code = code * field.levels.len() + level;
        }
        Self(code as u32)
    }

    /// The level of every field, as places in [`FIELDS`].
    pub fn levels(self) -> [usize; 6] {
        let mut code = self.0 as usize;
        let mut levels = [0; 6];
        for (field, level) in FIELDS.iter().zip(&mut levels).rev() {
            *level = code % field.levels.len();
            code /= field.levels.len();
        }
        levels
    }

    #[inline]
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Compares a person of the list with one of the registry.
#[inline]
pub(super) fn compare(list: &Person, registry: &Person) -> Pattern {
    Pattern::new(levels(list, registry))
}

#[inline]
fn levels(list: &Person, registry: &Person) -> [usize; 6] {
    let id = id_level(list.id, registry.id);
    let birth = match birth_level(list.birth, registry.birth) {
        // Two different numbers that share their birth date have said so already.
        EXACT if says_birth(id, list.id, registry.id) => 0,
        level => level,
    };
    [
        id,
        name_level(&list.name, &registry.name),
        birth,
        match (list.sex, registry.sex) {
            (0, _) | (_, 0) => 0,
            (a, b) if a == b => 1,
            _ => 2,
        },
        phone_level(list.phone, registry.phone),
        place_level(list, registry),
    ]
}

/// Compares two rows of one register, whichever comes first.
///
/// Among the millions of pairs that a register makes with itself some agree by chance in what would be a slip of the pen
/// on a list. Numbers that check and differ are two numbers here, however near: a slip breaks the check character. Names
/// that are read alike by a rare reading only are as far apart as dialects make them.
#[inline]
pub(super) fn compare_registered(a: &Person, b: &Person) -> Pattern {
    // A birth date by the lunar calendar is the earlier one of the two.
    let (a, b) = if a.birth <= b.birth { (a, b) } else { (b, a) };
    let mut levels = levels(a, b);
    let whole = |id: PackedId| matches!(id.kind, IdKind::Valid | IdKind::From15);
    if whole(a.id) && whole(b.id) && a.id.bits != b.id.bits {
        levels[ID] = FIELDS[ID].levels.len() - 1;
        // The birth date within them was left to the level that is no more.
        if levels[BIRTH] == 0 {
            levels[BIRTH] = birth_level(a.birth, b.birth);
        }
    }
    if levels[NAME] == HOMOPHONE && a.name.sound_hash(100) != b.name.sound_hash(100) {
        levels[NAME] = FUZZY_SOUND;
    }
    Pattern::new(levels)
}

/// Whether numbers that differ at this level agree in the birth date inside of them.
#[inline]
fn says_birth(level: usize, a: PackedId, b: PackedId) -> bool {
    match level {
        NEAR_VALID | BIRTH_SEQUENCE | AREA_BIRTH | DROPPED => true,
        TYPO | TWO_TYPOS => a.part(6, 14) == b.part(6, 14),
        _ => false,
    }
}

/// The level of two full numbers, were their birth dates the same; none if they are not full or would be equal.
pub(super) fn id_level_of_one_birthday(a: PackedId, b: PackedId) -> Option<usize> {
    if !a.is_full() || !b.is_full() {
        return None;
    }
    const BIRTH_DIGITS: u128 = 0xffff_ffff << 16;
    let bits = (a.bits & !BIRTH_DIGITS) | (b.bits & BIRTH_DIGITS);
    ((bits ^ b.bits) >> 4 != 0).then(|| id_level(PackedId { bits, ..a }, b))
}

/// One bit at the foot of each nibble that is not zero.
#[inline]
fn nonzero(x: u128) -> u128 {
    (x | (x >> 1) | (x >> 2) | (x >> 3)) & 0x11_1111_1111_1111_1111
}

#[inline]
fn hidden(x: u128) -> u128 {
    x & (x >> 1) & (x >> 2) & (x >> 3) & 0x11_1111_1111_1111_1111
}

fn id_level(a: PackedId, b: PackedId) -> usize {
    use IdKind as K;
    match (a.kind, b.kind) {
        (K::Missing, _) | (_, K::Missing) => return 0,
        (K::Short, K::Short) => return if a.bits == b.bits { 4 } else { 12 },
        (K::Short, K::Masked) | (K::Masked, K::Short) => return 0,
        (K::Short, _) => return if dropped(a.bits, b.bits) { 4 } else { 12 },
        (_, K::Short) => return if dropped(b.bits, a.bits) { 4 } else { 12 },
        (K::Masked, _) | (_, K::Masked) => {
            let shown = 0x11_1111_1111_1111_1111 & !hidden(a.bits) & !hidden(b.bits);
            if nonzero(a.bits ^ b.bits) & shown != 0 {
                return 12;
            }
            return match shown.count_ones() {
                10.. => 6,
                7.. => 7,
                4.. => 8,
                _ => 0,
            };
        }
        _ => {}
    }
    let off = nonzero(a.bits ^ b.bits);
    if off == 0 {
        return match (a.kind, b.kind) {
            (K::From15, _) | (_, K::From15) => OLD_15,
            // The same broken number on both sides was copied from the same paper.
            _ => EXACT,
        };
    }
    let broken = a.kind == K::Broken || b.kind == K::Broken;
    let off = off >> 4;
    match off.count_ones() {
        0 => return 3,
        1 => return if broken { 3 } else { NEAR_VALID },
        2 => {
            let low = off.trailing_zeros() + 4;
            let (x, y) = ((a.bits >> low) & 0xff, (b.bits >> low) & 0xff);
            let swapped = off & (off >> 4) != 0 && x == ((y >> 4) | ((y & 0xf) << 4));
            if swapped {
                return if broken { 3 } else { NEAR_VALID };
            }
            if broken {
                return 5;
            }
        }
        _ => {}
    }
    if a.part(6, 17) == b.part(6, 17) {
        BIRTH_SEQUENCE
    } else if a.part(0, 14) == b.part(0, 14) {
        AREA_BIRTH
    } else {
        12
    }
}

/// Whether 17 characters are the 18 with one left out.
fn dropped(short: u128, full: u128) -> bool {
    let head = nonzero((short << 4) ^ full) & !1;
    let tail = nonzero(short ^ full) & !(1 << 68);
    let same_head = (head << 56).leading_zeros() / 4;
    let same_tail = tail.trailing_zeros() / 4;
    same_head + same_tail >= 17
}

fn name_level(a: &Name, b: &Name) -> usize {
    if a.is_empty() || b.is_empty() {
        return 0;
    }
    if a.print == b.print {
        return EXACT;
    }
    let (x, y) = (a.as_slice(), b.as_slice());
    let table = chars();
    let (shorter, longer) = (x.len().min(y.len()), x.len().max(y.len()));
    if shorter == longer {
        let mut off = 0;
        let mut at = 0;
        let mut same_sound = true;
        let mut same_class = true;
        for (i, (c, d)) in x.iter().zip(y).enumerate() {
            if c != d {
                off += 1;
                at = i;
                same_class = same_class && table.fuzzy(*c, i) == table.fuzzy(*d, i);
                same_sound = same_sound && table.homophones(*c, *d, i);
            }
        }
        if same_sound {
            return HOMOPHONE;
        }
        if off == 1 && table.look_alike(x[at], y[at]) {
            return 3;
        }
        if same_class {
            return 4;
        }
        if reordered(a, b) {
            return 5;
        }
        if off == 1 {
            return match at {
                0 => 8,
                _ if longer == 2 => 11,
                at if at + 1 == longer => 10,
                _ => 9,
            };
        }
    } else {
        if let Some((p, q)) = a.parts()
            && (p == y || q == y)
        {
            return 6;
        }
        if let Some((p, q)) = b.parts()
            && (p == x || q == x)
        {
            return 6;
        }
        if longer - shorter == 1 && longer >= 3 {
            let (short, long) = if x.len() < y.len() { (x, y) } else { (y, x) };
            let head = short.iter().zip(long).take_while(|(c, d)| c == d).count();
            if short.get(head..) == long.get(head + 1..) {
                return 7;
            }
        }
    }
    if x.first() == y.first() { 12 } else { 13 }
}

/// The same characters in another order.
fn reordered(a: &Name, b: &Name) -> bool {
    let sum = |n: &Name| n.chars.iter().fold(0u32, |s, c| s + u32::from(*c));
    if sum(a) != sum(b) {
        return false;
    }
    let (mut x, mut y) = (a.chars, b.chars);
    x.sort_unstable();
    y.sort_unstable();
    x == y
}

fn birth_level(a: u32, b: u32) -> usize {
    if a == 0 || b == 0 {
        return 0;
    }
    if a == b {
        return EXACT;
    }
    let (mut x, mut y, mut off) = (a, b, 0);
    while x != y {
        off += u32::from(x % 10 != y % 10);
        (x, y) = (x / 10, y / 10);
    }
    if off == 1 {
        return 2;
    }
    let (year_a, year_b) = (a / 10_000, b / 10_000);
    let (month_a, day_a) = (a / 100 % 100, a % 100);
    let (month_b, day_b) = (b / 100 % 100, b % 100);
    if year_a == year_b && month_a == day_b && day_a == month_b {
        return 3;
    }
    let apart = days(b) - days(a);
    if (17..=52).contains(&apart) {
        return 4;
    }
    if year_a == year_b && (a % 10_000 == 101 || b % 10_000 == 101) {
        return 5;
    }
    if apart.abs() <= 10 {
        return 6;
    }
    if a % 10_000 == b % 10_000 && year_a.abs_diff(year_b) <= 11 {
        return 7;
    }
    match year_a.abs_diff(year_b) {
        0 => 8,
        1 => 9,
        _ => 10,
    }
}

/// Days since a day long ago (Howard Hinnant's algorithm), for differences.
fn days(date: u32) -> i64 {
    let (year, month, day) = (i64::from(date / 10_000), i64::from(date / 100 % 100), i64::from(date % 100));
    let year = if month <= 2 { year - 1 } else { year };
    let year_of_era = year % 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year / 400 * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year
}

fn phone_level(a: u64, b: u64) -> usize {
    if a == 0 || b == 0 {
        return 0;
    }
    if a == b {
        return 1;
    }
    let (mut x, mut y, mut off) = (a, b, 0);
    while x != y && off < 2 {
        off += u32::from(x % 10 != y % 10);
        (x, y) = (x / 10, y / 10);
    }
    if off == 1 { 2 } else { 3 }
}

fn place_level(a: &Person, b: &Person) -> usize {
    let (v, w) = (a.village, b.village);
    if v.depth == 0 || w.depth == 0 || (v.depth == NAMED) != (w.depth == NAMED) {
        return 0;
    }
    if v.code == w.code && v.depth == w.depth && v.depth >= 12 {
        let (h, k) = (a.house, b.house);
        if (h.group == 0 && h.number == 0) || (k.group == 0 && k.number == 0) {
            return VILLAGE;
        }
        let same_group = h.group == k.group;
        if same_group && h.number == k.number {
            return HOUSE;
        }
        return if same_group && (h.number == 0 || k.number == 0) { 2 } else { 4 };
    }
    if v.depth == NAMED {
        return 7;
    }
    let same = |digits| match (v.prefix(digits), w.prefix(digits)) {
        (Some(p), Some(q)) => Some(p == q),
        _ => None,
    };
    match (same(9), same(6)) {
        (Some(true), _) => 5,
        (_, Some(true)) => 6,
        (_, Some(false)) => 7,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::person::Row;
    use proptest::prelude::*;

    fn level(field: usize, code: usize) -> &'static str {
        FIELDS[field].levels[code]
    }

    fn name(a: &str, b: &str) -> &'static str {
        level(NAME, name_level(&Name::read(a.as_bytes()), &Name::read(b.as_bytes())))
    }

    fn id(a: &str, b: &str) -> &'static str {
        level(ID, id_level(PackedId::read(a.as_bytes()), PackedId::read(b.as_bytes())))
    }

    fn birth(a: u32, b: u32) -> &'static str {
        level(BIRTH, birth_level(a, b))
    }

    #[test]
    fn names_as_they_are_mistaken() {
        assert_eq!(name("张伟", "張偉"), "exact");
        assert_eq!(name("张伟", "章玮"), "homophone");
        assert_eq!(name("陈兰", "程南"), "fuzzy_sound");
        assert_eq!(name("王停", "王婷"), "homophone");
        assert_eq!(name("王俊", "王梭"), "look_alike");
        assert_eq!(name("王志强", "王强志"), "reordered");
        assert_eq!(name("买买提·艾力", "艾力"), "part");
        assert_eq!(name("艾力·买买提", "买买提·艾力"), "reordered");
        assert_eq!(name("买买提·艾力", "买买提艾力"), "exact");
        assert_eq!(name("王建国", "王国"), "dropped");
        assert_eq!(name("王建国", "王建军"), "last_off");
        assert_eq!(name("王建国", "王爱国"), "first_off");
        assert_eq!(name("王建国", "李建国"), "surname_off");
        assert_eq!(name("王军", "王芳"), "only_off");
        assert_eq!(name("王建军", "王芳"), "surname");
        assert_eq!(name("王军", "李芳"), "differ");
        assert_eq!(name("", "李芳"), "missing");
    }

    #[test]
    fn numbers_as_they_are_mistaken() {
        let right = "340323196503121012";
        assert_eq!(id(right, right), "exact");
        assert_eq!(id("340323650312101", right), "old_15");
        assert_eq!(id("340323196503121013", right), "typo");
        assert_eq!(id("340323196503221012", right), "typo");
        assert_eq!(id("340323196503211012", right), "typo");
        assert_eq!(id("34032319650312101", right), "dropped");
        assert_eq!(id("40323196503121012", right), "dropped");
        assert_eq!(id("34032319653121012", right), "dropped");
        assert_eq!(id("34032319653121102", right), "differ");
        assert_eq!(id("340323199503221012", right), "two_typos");
        assert_eq!(id("3403**********1012", right), "masked_8");
        assert_eq!(id("340323********1012", right), "masked_10");
        assert_eq!(id("340323********1022", right), "differ");
        assert_eq!(id("", right), "missing");
        // Somebody else born on the same day in the same county: both numbers check.
        assert_eq!(id("34032319650312233X", right), "area_birth");
    }

    #[test]
    fn births_as_they_are_mistaken() {
        assert_eq!(birth(19_650_312, 19_650_312), "exact");
        assert_eq!(birth(19_650_312, 19_650_317), "digit");
        assert_eq!(birth(19_650_312, 19_651_203), "swapped");
        assert_eq!(birth(19_650_207, 19_650_312), "lunar");
        assert_eq!(birth(19_650_312, 19_650_207), "year");
        assert_eq!(birth(19_650_101, 19_650_412), "year_only");
        assert_eq!(birth(19_650_131, 19_650_203), "near_days");
        assert_eq!(birth(19_691_231, 19_801_231), "anniversary");
        assert_eq!(birth(19_650_312, 19_660_928), "near_year");
        assert_eq!(birth(19_650_312, 19_840_928), "differ");
        assert_eq!(days(20_000_301) - days(20_000_228), 2);
        assert_eq!(days(19_000_301) - days(19_000_228), 1);
    }

    #[test]
    fn places_from_house_to_county() {
        let place = |a: (&str, &str), b: (&str, &str)| {
            let read = |(village, address): (&str, &str)| {
                Person::read(&Row { village: village.as_bytes(), address: address.as_bytes(), ..Row::default() })
            };
            level(PLACE, place_level(&read(a), &read(b)))
        };
        let home = ("990101101203", "南北村3组17号");
        assert_eq!(place(("990101101203", "东西镇南北村三组17户"), home), "house");
        assert_eq!(place(("990101101203", "南北村三组"), home), "group");
        assert_eq!(place(("990101101203", ""), home), "village");
        assert_eq!(place(("990101101203", "南北村4组17号"), home), "other_house");
        assert_eq!(place(("990101101204", "南北村3组17号"), home), "township");
        assert_eq!(place(("990101", ""), home), "county");
        assert_eq!(place(("990203101203", ""), home), "differ");
        assert_eq!(place(("", "南北村3组17号"), home), "missing");
        assert_eq!(place(("南北村", "3组17号"), home), "missing");
        assert_eq!(place(("南北村", "3组17号"), ("南北村", "三组17号")), "house");
    }

    proptest! {
        #[test]
        fn a_pattern_is_its_levels(a in 0usize..13, b in 0usize..14, c in 0usize..11, d in 0usize..3, e in 0usize..4, f in 0usize..8) {
            let levels = [a, b, c, d, e, f];
            prop_assert_eq!(Pattern::new(levels).levels(), levels);
            prop_assert!(Pattern::new(levels).index() < PATTERNS);
        }

        #[test]
        fn any_text_on_either_side_has_a_level(a in ".{0,40}", b in ".{0,40}", c in "[0-9X*]{0,19}", d in "[0-9X*]{0,19}") {
            let person = |t: &str, i: &str| Person::read(&Row {
                key: b"k", name: t.as_bytes(), sex: t.as_bytes(), id_no: i.as_bytes(), birth: i.as_bytes(),
                phone: i.as_bytes(), village: i.as_bytes(), address: t.as_bytes(),
            });
            let pattern = compare(&person(&a, &c), &person(&b, &d));
            prop_assert!(pattern.index() < PATTERNS);
            let same = compare(&person(&a, &c), &person(&a, &c)).levels();
            prop_assert!(same[NAME] <= EXACT);
        }

        #[test]
        fn one_dropped_character_is_found_wherever_it_was(digits in "[1-9][0-9]{16}", at in 0usize..18) {
            let check = codes::citizen_id::check_char(&digits).unwrap_or('0');
            let full = format!("{digits}{check}");
            let mut short = full.clone();
            short.remove(at);
            let short = PackedId::read(short.as_bytes());
            if short.kind == IdKind::Short {
                prop_assert_eq!(id_level(short, PackedId::read(full.as_bytes())), 4);
            }
        }
    }
}
