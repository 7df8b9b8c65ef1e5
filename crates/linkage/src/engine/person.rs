//! One person of either side, packed: what the keys and the comparison need and nothing else.

use super::chars::chars;
use super::hash::Mix;
use crate::record::{Birth, Id};

/// Characters of a name that are kept; what is longer is kept as its head and a fingerprint of the whole.
pub(super) const NAME_MAX: usize = 12;

/// A folded name as 16-bit characters without its middle dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Name {
    /// Fingerprint of the characters: names with the same are the same.
    pub(super) print: u64,
    pub(super) chars: [u16; NAME_MAX],
    pub(super) len: u8,
    /// How many characters stand before the first middle dot; 0 where there is none.
    pub(super) split: u8,
}

impl Name {
    /// Reads a name as it stands in a file.
    pub(super) fn read(raw: &[u8]) -> Self {
        let table = chars();
        let mut name = Self::default();
        let mut len = 0;
        let mut rest = raw;
        while let [a @ 0xe4..=0xe9, b, c, tail @ ..] = rest
            && len < NAME_MAX
        {
            let code = (u16::from(a & 0x0f) << 12) | (u16::from(b & 0x3f) << 6) | u16::from(c & 0x3f);
            if !(0x4e00..=0x9fff).contains(&code) {
                break;
            }
            name.chars[len] = table.fold(code);
            len += 1;
            rest = tail;
        }
        if rest.is_empty() {
            name.len = len as u8;
            name.print = name.fingerprint();
            return name;
        }
        Self::read_any(&String::from_utf8_lossy(raw))
    }

    fn read_any(raw: &str) -> Self {
        let folded = codes::name::fold(raw);
        let mut name = Self::default();
        let mut len = 0;
        let mut whole = Mix::new(0);
        for c in folded.chars() {
            if c == '·' {
                if name.split == 0 {
                    name.split = len.min(NAME_MAX) as u8;
                }
                continue;
            }
            // Beyond the first plane there are few enough in use to be told apart by these bits.
            let unit = u16::try_from(u32::from(c)).unwrap_or(0xe000 + (u32::from(c) % 0x1900) as u16);
            if len < NAME_MAX {
                name.chars[len] = unit;
            }
            whole = whole.word(u64::from(unit));
            len += 1;
        }
        if len > NAME_MAX {
            let print = whole.word(len as u64).end();
            name.chars[NAME_MAX - 2] = (print >> 48) as u16;
            name.chars[NAME_MAX - 1] = (print >> 32) as u16;
        }
        name.len = len.min(NAME_MAX) as u8;
        name.print = name.fingerprint();
        name
    }

    /// Fingerprint of the characters that are kept.
    #[inline]
    pub(super) fn fingerprint(&self) -> u64 {
        hash_units(102, self.as_slice().iter().copied())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[u16] {
        self.chars.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The parts of a name with a middle dot.
    pub(super) fn parts(&self) -> Option<(&[u16], &[u16])> {
        let all = self.as_slice();
        let at = usize::from(self.split);
        (at > 0 && at < all.len()).then(|| all.split_at(at))
    }

    /// Of the sounds: the same for names that are read alike.
    #[inline]
    pub(super) fn sound_hash(&self, kind: u8) -> u64 {
        sound_hash(kind, self.as_slice())
    }

    /// The sound of the first character.
    #[inline]
    pub(super) fn surname_sound(&self) -> u16 {
        chars().sound(self.chars[0], 0)
    }
}

#[inline]
fn hash_units(kind: u8, units: impl Iterator<Item = u16>) -> u64 {
    let mut mix = Mix::new(kind);
    let (mut word, mut filled) = (0u64, 0);
    for unit in units {
        word = (word << 16) | u64::from(unit);
        filled += 1;
        if filled == 4 {
            mix = mix.word(word);
            (word, filled) = (0, 0);
        }
    }
    mix.word(word ^ (filled << 60)).end()
}

/// Of sounds that are known: what [`Name::sound_hash`] gives for a name that is read so.
pub(super) fn hash_sounds(kind: u8, sounds: &[u16]) -> u64 {
    hash_units(kind, sounds.iter().copied())
}

/// Of the sounds of a run of characters that begins a name.
#[inline]
pub(super) fn sound_hash(kind: u8, text: &[u16]) -> u64 {
    let table = chars();
    hash_units(kind, text.iter().enumerate().map(|(i, c)| table.sound(*c, i)))
}

/// How an ID number is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum IdKind {
    #[default]
    Missing,
    Valid,
    /// 18 characters that fail their check.
    Broken,
    /// 15 digits, made 18.
    From15,
    /// Partly hidden.
    Masked,
    /// 17 characters: one was dropped.
    Short,
}

/// 18 characters as 4 bits each, the first highest; X is 10, a hidden one 15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct PackedId {
    pub(super) bits: u128,
    pub(super) kind: IdKind,
}

const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS: [u8; 11] = [1, 0, 10, 9, 8, 7, 6, 5, 4, 3, 2];

impl PackedId {
    pub(super) fn read(raw: &[u8]) -> Self {
        if raw.is_empty() {
            return Self::default();
        }
        if raw.len() == 18
            && let Some(bits) = nibbles(raw)
        {
            let sum: u32 = raw.iter().zip(WEIGHTS).map(|(c, w)| u32::from(c - b'0') * w).sum();
            let right = u128::from(CHECKS[(sum % 11) as usize]) == bits & 0xf;
            return Self { bits, kind: if right { IdKind::Valid } else { IdKind::Broken } };
        }
        // No number in any wrapper is longer; a longer text is not looked at twice.
        if raw.len() > 256 {
            return Self::default();
        }
        let text = String::from_utf8_lossy(raw);
        let clean: String = codes::text::half_width(&text)
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(|c| c.to_ascii_uppercase())
            .collect();
        if clean.len() == 17
            && let Some(bits) = nibbles(clean.as_bytes())
        {
            return Self { bits, kind: IdKind::Short };
        }
        match Id::read(&text) {
            Id::Missing => Self::default(),
            Id::Valid { digits, source } => Self {
                bits: any_nibbles(&digits),
                kind: if source == crate::IdSource::From15 { IdKind::From15 } else { IdKind::Valid },
            },
            Id::Broken(digits) => Self { bits: any_nibbles(&digits), kind: IdKind::Broken },
            Id::Masked(digits) => Self { bits: any_nibbles(&digits), kind: IdKind::Masked },
        }
    }

    pub(super) fn is_full(self) -> bool {
        matches!(self.kind, IdKind::Valid | IdKind::Broken | IdKind::From15)
    }

    /// Characters `from..to` of a full number.
    #[inline]
    pub(super) fn part(self, from: u32, to: u32) -> u64 {
        let shifted = self.bits >> (4 * (18 - to));
        (shifted & ((1u128 << (4 * (to - from))) - 1)) as u64
    }

    /// First and last four characters, where all eight are visible.
    pub(super) fn ends(self) -> Option<u64> {
        let ends = (self.part(0, 4) << 16) | self.part(14, 18);
        let hidden = ends & (ends >> 1) & (ends >> 2) & (ends >> 3) & 0x1111_1111;
        (matches!(self.kind, IdKind::Valid | IdKind::Broken | IdKind::From15 | IdKind::Masked) && hidden == 0)
            .then_some(ends)
    }

    /// The date of birth inside of a number that checks.
    pub(super) fn birth(self) -> Option<u32> {
        if !matches!(self.kind, IdKind::Valid | IdKind::From15) {
            return None;
        }
        let bcd = self.part(6, 14);
        day(((0..8).rev().fold(0, |n, i| n * 10 + (bcd >> (4 * i) & 0xf))) as u32)
    }
}

/// Digits, and X at the end; nothing else.
fn nibbles(text: &[u8]) -> Option<u128> {
    let (last, head) = text.split_last()?;
    let mut bits = 0u128;
    for c in head {
        if !c.is_ascii_digit() {
            return None;
        }
        bits = (bits << 4) | u128::from(c - b'0');
    }
    let last = match last {
        b'0'..=b'9' => last - b'0',
        b'X' | b'x' => 10,
        _ => return None,
    };
    Some((bits << 4) | u128::from(last))
}

fn any_nibbles(digits: &[u8; 18]) -> u128 {
    digits.iter().fold(0, |bits, c| {
        let nibble = match c {
            b'0'..=b'9' => c - b'0',
            b'X' => 10,
            _ => 15,
        };
        (bits << 4) | u128::from(nibble)
    })
}

/// YYYYMMDD, where that can be a day.
fn day(number: u32) -> Option<u32> {
    let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
    ((1850..2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)).then_some(number)
}

/// Eight digits as a number, all at once.
#[inline]
fn eight_digits(text: [u8; 8]) -> Option<u32> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(text);
    // A digit is 3 in its upper half, and still with 6 added.
    let upper = (word & (0xf0 * EACH)) | (word.wrapping_add(6 * EACH) & (0xf0 * EACH)) >> 4;
    if upper != 0x33 * EACH {
        return None;
    }
    let ones = word & (0x0f * EACH);
    let twos = (ones * 10 + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (twos * 100 + (twos >> 16)) & 0x0000_ffff_0000_ffff;
    Some(((fours * 10_000 + (fours >> 32)) & 0xffff_ffff) as u32)
}

/// Up to 16 digits as a number.
#[inline]
fn digits(text: &[u8]) -> Option<u64> {
    let (head, tail) = text.split_at_checked(8)?;
    let mut rest = [b'0'; 8];
    rest.get_mut(8usize.checked_sub(tail.len())?..)?.copy_from_slice(tail);
    let head = eight_digits(*head.first_chunk()?)?;
    let tens = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
    Some(u64::from(head) * tens.get(tail.len())? + u64::from(eight_digits(rest)?))
}

fn read_birth(raw: &[u8]) -> Option<u32> {
    if let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = raw
        && let Some(number) = eight_digits([*y1, *y2, *y3, *y4, *m1, *m2, *d1, *d2])
    {
        return day(number);
    }
    if raw.is_empty() || raw.len() > 64 {
        return None;
    }
    let date = codes::date::read_date(&String::from_utf8_lossy(raw)).ok()?;
    Some(Birth::new(date.year, date.month?, date.day?).0)
}

fn read_phone(raw: &[u8]) -> u64 {
    if raw.is_empty() || raw.len() > 64 {
        return 0;
    }
    if raw.len() == 11
        && let Some(number) = digits(raw)
    {
        return number;
    }
    let text = String::from_utf8_lossy(raw);
    let mut number = 0u64;
    let mut digits = 0;
    for c in codes::text::half_width(&text).chars().filter(char::is_ascii_digit).take(18) {
        number = number * 10 + u64::from(c as u8 - b'0');
        digits += 1;
    }
    // +86 before a mobile number.
    if digits == 13 && number / 100_000_000_000 == 86 {
        number %= 100_000_000_000;
    }
    if digits < 7 || number == 0 { 0 } else { number }
}

/// Where somebody lives: a division code of up to 12 digits, or the hash of a place that is named only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Village {
    pub(super) code: u64,
    /// Digits known: 0, 2, 4, 6, 9, 12; [`NAMED`] for a hash.
    pub(super) depth: u8,
}

pub(super) const NAMED: u8 = 99;

impl Village {
    fn read(raw: &[u8]) -> Self {
        let text = raw.trim_ascii();
        if text.is_empty() {
            return Self::default();
        }
        if text.len() == 12
            && let Some(code) = digits(text)
        {
            return Self { code, depth: 12 };
        }
        if !text.iter().all(u8::is_ascii_digit) {
            return Self { code: Mix::new(0).bytes(text).end(), depth: NAMED };
        }
        let depth = match text.len() {
            0..2 => 0,
            2..4 => 2,
            4..6 => 4,
            6..9 => 6,
            9..12 => 9,
            _ => 12,
        };
        let head = text[..depth].iter().fold(0u64, |n, c| n * 10 + u64::from(c - b'0'));
        Self { code: head * 10u64.pow(12 - depth as u32), depth: depth as u8 }
    }

    /// The code cut to `digits`, if it is known that deep.
    #[inline]
    pub(super) fn prefix(self, digits: u8) -> Option<u64> {
        (self.depth != NAMED && self.depth >= digits).then(|| self.code / 10u64.pow(u32::from(12 - digits)))
    }
}

/// Group and house number of an address: 三组3号 is (3, 3). 0 is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct House {
    pub(super) group: u16,
    pub(super) number: u16,
}

/// Whether a character may be one that [`House::read`] or [`Number`] looks for: most of an address is none, and one
/// look tells so.
#[inline]
fn means_a_number(c: u16) -> bool {
    const MEANT: [u64; 4] = {
        let mut bits = [0; 4];
        let all = [
            0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0xff10, 0xff11, 0xff12, 0xff13, 0xff14, 0xff15,
            0xff16, 0xff17, 0xff18, 0xff19, 0x7ec4, 0x793e, 0x53f7, 0x6237, 0x865f, 0x5341, 0x767e, 0x96f6, 0x4e00,
            0x4e8c, 0x4e09, 0x56db, 0x4e94, 0x516d, 0x4e03, 0x516b, 0x4e5d,
        ];
        let mut at = 0;
        while at < all.len() {
            let place = place_of(all[at]);
            bits[place >> 6] |= 1 << (place & 63);
            at += 1;
        }
        bits
    };
    let place = place_of(c);
    MEANT[place >> 6] >> (place & 63) & 1 != 0
}

const fn place_of(c: u16) -> usize {
    (c.wrapping_mul(0x9E37) >> 8) as usize
}

impl House {
    /// Numbers before 组 or 社, and before 号 or 户; Arabic, full-width or Chinese.
    pub(super) fn read(raw: &[u8]) -> Self {
        let mut house = Self::default();
        let mut number = Number::default();
        let mut rest = raw;
        loop {
            let c = match rest {
                [] => return house,
                [c, tail @ ..] if c.is_ascii() => {
                    rest = tail;
                    u16::from(*c)
                }
                [a @ 0xe0..=0xef, b, c, tail @ ..] => {
                    rest = tail;
                    (u16::from(a & 0x0f) << 12) | (u16::from(b & 0x3f) << 6) | u16::from(c & 0x3f)
                }
                [_, tail @ ..] => {
                    rest = tail;
                    0
                }
            };
            if !means_a_number(c) {
                number = Number::default();
                continue;
            }
            match c {
                0x30..=0x39 => number.digit(c - 0x30),
                0xff10..=0xff19 => number.digit(c - 0xff10),
                // 组 社
                0x7ec4 | 0x793e => house.group = number.take().unwrap_or(house.group),
                // 号 户 號
                0x53f7 | 0x6237 | 0x865f => house.number = number.take().unwrap_or(house.number),
                _ => number.chinese(c),
            }
        }
    }
}

/// A number that is being read, digit by digit or as 二十三.
#[derive(Default)]
struct Number {
    value: u32,
    /// A Chinese digit that may yet be multiplied by 十 or 百.
    pending: u32,
    seen: bool,
}

impl Number {
    fn digit(&mut self, digit: u16) {
        self.value = (self.value.saturating_mul(10)).saturating_add(u32::from(digit));
        self.seen = true;
    }

    fn chinese(&mut self, c: u16) {
        let digit = match c {
            // 十 百
            0x5341 => return self.unit(10),
            0x767e => return self.unit(100),
            // 零 一 二 三 四 五 六 七 八 九
            0x96f6 => 0,
            0x4e00 => 1,
            0x4e8c => 2,
            0x4e09 => 3,
            0x56db => 4,
            0x4e94 => 5,
            0x516d => 6,
            0x4e03 => 7,
            0x516b => 8,
            0x4e5d => 9,
            _ => {
                *self = Self::default();
                return;
            }
        };
        self.pending = digit;
        self.seen = true;
    }

    fn unit(&mut self, unit: u32) {
        self.value = self.value.saturating_add(self.pending.max(1) * unit);
        self.pending = 0;
        self.seen = true;
    }

    fn take(&mut self) -> Option<u16> {
        let number = std::mem::take(self);
        let value = number.value.saturating_add(number.pending);
        (number.seen && value > 0).then(|| value.min(65_535) as u16)
    }
}

/// A row's fields as they stand in a file; what a file does not have is empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Row<'a> {
    /// The row's own name, unique within its side.
    pub key: &'a [u8],
    /// Name (姓名).
    pub name: &'a [u8],
    /// Sex (性别).
    pub sex: &'a [u8],
    /// ID number (证件号码).
    pub id_no: &'a [u8],
    /// Date of birth (出生日期).
    pub birth: &'a [u8],
    /// Phone (联系电话).
    pub phone: &'a [u8],
    /// Division code of the village (村), or its name.
    pub village: &'a [u8],
    /// Address within the village (详细地址).
    pub address: &'a [u8],
}

/// One person, packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Person {
    pub(super) id: PackedId,
    pub(super) phone: u64,
    pub(super) village: Village,
    pub(super) name: Name,
    /// YYYYMMDD; 0 is unknown.
    pub(super) birth: u32,
    pub(super) house: House,
    /// 0 unknown, 1 male, 2 female.
    pub(super) sex: u8,
}

impl Person {
    pub(super) fn read(row: &Row<'_>) -> Self {
        let id = PackedId::read(row.id_no);
        Self {
            id,
            phone: read_phone(row.phone),
            village: Village::read(row.village),
            name: Name::read(row.name),
            birth: read_birth(row.birth).or_else(|| id.birth()).unwrap_or(0),
            house: House::read(row.address),
            sex: read_sex(row.sex),
        }
    }

    /// The same for the same person in whatever order rows come; for drawing samples.
    pub(super) fn lot(&self, key: &[u8]) -> u64 {
        Mix::new(255).bytes(key).word(self.name.print).word(self.id.bits as u64).end()
    }
}

fn read_sex(raw: &[u8]) -> u8 {
    match raw {
        [0xe7, 0x94, 0xb7] => 1,
        [0xe5, 0xa5, 0xb3] => 2,
        [] => 0,
        other if other.len() <= 32 => match codes::Sex::parse(&String::from_utf8_lossy(other)) {
            Some(codes::Sex::Male) => 1,
            Some(codes::Sex::Female) => 2,
            None => 0,
        },
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::read(text.as_bytes())
    }

    #[test]
    fn names_fold_to_the_same_units() {
        assert_eq!(name("張偉"), name("张伟"));
        assert_eq!(name("张 伟"), name("张伟"));
        assert_eq!(name("阿依古丽·买买提").as_slice(), name("阿依古丽买买提").as_slice());
        assert_eq!(name("阿依古丽．买买提").split, 4);
        assert_eq!(name("张伟").sound_hash(1), name("章玮").sound_hash(1));
        assert!(name("").is_empty());
        // Long names keep a fingerprint of their end.
        let long = "王".repeat(400_000);
        assert_ne!(name(&format!("{long}一")), name(&format!("{long}二")));
        assert_eq!(name(&format!("{long}一")).len, 12);
        assert_eq!(Name::read(&[0xe5, 0xbc, 0]).len, 1);
    }

    #[test]
    fn numbers_as_files_hold_them() {
        let kind = |text: &str| PackedId::read(text.as_bytes()).kind;
        assert_eq!(kind("340323196503121012"), IdKind::Valid);
        assert_eq!(kind("340323196503121013"), IdKind::Broken);
        assert_eq!(kind("340323650312101"), IdKind::From15);
        assert_eq!(kind("34032319650312101"), IdKind::Short);
        assert_eq!(kind("3403**********1012"), IdKind::Masked);
        assert_eq!(kind("3.40323E+17"), IdKind::Missing);
        assert_eq!(kind(&"9".repeat(1_000_000)), IdKind::Missing);
        let id = PackedId::read("340323196503121012".as_bytes());
        assert_eq!(id.birth(), Some(19_650_312));
        assert_eq!(id.part(0, 6), 0x34_0323);
        assert_eq!(id.ends(), PackedId::read("3403**********1012".as_bytes()).ends());
        assert_eq!(PackedId::read("34************1012".as_bytes()).ends(), None);
    }

    #[test]
    fn addresses_are_a_group_and_a_house() {
        let read = |text: &str| {
            let h = House::read(text.as_bytes());
            (h.group, h.number)
        };
        assert_eq!(read("东西镇南北村3组17号"), (3, 17));
        assert_eq!(read("南北村三组17户"), (3, 17));
        assert_eq!(read("南北村十二组"), (12, 0));
        assert_eq!(read("三里村二十三组一百零五号"), (23, 105));
        assert_eq!(read("３组１７号"), (3, 17));
        assert_eq!(read("99999999999999组"), (65_535, 0));
        assert_eq!(read(""), (0, 0));
        assert_eq!(read("组号"), (0, 0));
    }

    #[test]
    fn digits_are_read_at_once_as_they_are_one_by_one() {
        assert_eq!(eight_digits(*b"19650312"), Some(19_650_312));
        assert_eq!(eight_digits(*b"99999999"), Some(99_999_999));
        for wrong in 0..=255u8 {
            for at in 0..8 {
                let mut text = *b"12345678";
                text[at] = wrong;
                let want = std::str::from_utf8(&text).ok().and_then(|t| t.parse().ok());
                assert_eq!(eight_digits(text), want.filter(|_| wrong.is_ascii_digit()), "{text:?}");
            }
        }
        for len in 8..=16 {
            let text = &b"9081726354098123"[..len];
            assert_eq!(digits(text), std::str::from_utf8(text).unwrap().parse().ok());
        }
        assert_eq!(digits(b"1234567890123456X"), None);
        assert_eq!(digits(b"12345678901X"), None);
    }

    #[test]
    fn births_phones_villages() {
        assert_eq!(read_birth(b"1965-03-12"), Some(19_650_312));
        assert_eq!(read_birth("1965年3月12日".as_bytes()), Some(19_650_312));
        assert_eq!(read_birth(b"1965-13-12"), None);
        assert_eq!(read_phone(b"13800138000"), 13_800_138_000);
        assert_eq!(read_phone(b"+86 138-0013-8000"), 13_800_138_000);
        assert_eq!(read_phone(b"00000000"), 0);
        assert_eq!(Village::read(b"990101101203").prefix(9), Some(990_101_101));
        assert_eq!(Village::read(b"990101").prefix(9), None);
        assert_eq!(Village::read("南村".as_bytes()).depth, NAMED);
    }
}
