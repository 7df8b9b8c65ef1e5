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
            let code = unit(*a, *b, *c);
            if !(0x4e00..=0x9fff).contains(&code) {
                break;
            }
            name.chars[len] = table.fold(code);
            len += 1;
            rest = tail;
        }
        if rest.is_empty() {
            name.len = len as u8;
            let [a, b, c, ..] = name.chars.map(u64::from);
            name.print = match len {
                2 => of_word(102, a << 16 | b, 2),
                3 => of_word(102, a << 32 | b << 16 | c, 3),
                _ => name.fingerprint(),
            };
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

    /// The sound of the first character, [`Name::sound_hash`] of kind 100, and the hash of the sounds behind the first,
    /// which is 0 where there are none; all 0 without a name.
    #[inline]
    pub(super) fn sounds(&self) -> (u16, u64, u64) {
        let Some((first, rest)) = self.as_slice().split_first() else {
            return (0, 0, 0);
        };
        let table = chars();
        let surname = table.sound(*first, 0);
        if let [second] = rest {
            let second = u64::from(table.sound(*second, 1));
            return (surname, of_word(100, u64::from(surname) << 16 | second, 2), of_word(101, second, 1));
        }
        if let [second, third] = rest {
            let given = u64::from(table.sound(*second, 1)) << 16 | u64::from(table.sound(*third, 1));
            return (surname, of_word(100, u64::from(surname) << 32 | given, 3), of_word(101, given, 2));
        }
        let mut sounds = [surname; NAME_MAX];
        for (sound, c) in sounds[1..].iter_mut().zip(rest) {
            *sound = table.sound(*c, 1);
        }
        let all = sounds.get(..rest.len() + 1).unwrap_or_default();
        let given = if rest.is_empty() { 0 } else { hash_sounds(101, &all[1..]) };
        (surname, hash_sounds(100, all), given)
    }
}

/// [`hash_units`] of one to three units, which stand in a word already.
#[inline]
fn of_word(kind: u8, word: u64, units: u64) -> u64 {
    Mix::new(kind).word(word ^ (units << 60)).end()
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
/// [`WEIGHTS`] of the first and the second eight digits, as [`weighed`] wants them.
const HEAD_WEIGHTS: [u64; 2] = lanes(0);
const BODY_WEIGHTS: [u64; 2] = lanes(8);

/// Weights of the digits on even and on odd places, the last in the lowest 16 bits.
const fn lanes(from: usize) -> [u64; 2] {
    let mut lanes = [0; 2];
    let mut at = 0;
    while at < 8 {
        lanes[at % 2] = lanes[at % 2] | (WEIGHTS[from + at] as u64) << (48 - at / 2 * 16);
        at += 1;
    }
    lanes
}

/// The sum of eight digits, the first lowest, by their weights: the highest 16 bits of a product hold the sum of four.
#[inline]
fn weighed(digits: u64, [even, odd]: [u64; 2]) -> u64 {
    const EACH: u64 = 0x00ff_00ff_00ff_00ff;
    ((digits & EACH).wrapping_mul(even) >> 48) + ((digits >> 8 & EACH).wrapping_mul(odd) >> 48)
}

/// Eight digits, the first lowest, as 4 bits each, the first highest.
#[inline]
fn packed_digits(digits: u64) -> u64 {
    let digits = digits.swap_bytes();
    let twos = (digits | digits >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (twos | twos >> 8) & 0x0000_ffff_0000_ffff;
    (fours | fours >> 16) & 0xffff_ffff
}

impl PackedId {
    pub(super) fn read(raw: &[u8]) -> Self {
        if raw.is_empty() {
            return Self::default();
        }
        if let Some(id) = Self::plain(raw) {
            return id;
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

    /// 18 characters as they should be: eight at a time.
    #[inline]
    fn plain(raw: &[u8]) -> Option<Self> {
        let text: &[u8; 18] = raw.try_into().ok()?;
        let (head, rest) = text.split_first_chunk::<8>()?;
        let (body, tail) = rest.split_first_chunk::<8>()?;
        let (head, body) = (digits_of(*head)?, digits_of(*body)?);
        let [last, check] = *tail else {
            return None;
        };
        let check = match check {
            b'0'..=b'9' => check - b'0',
            b'X' | b'x' => 10,
            _ => return None,
        };
        if !last.is_ascii_digit() {
            return None;
        }
        let last = last - b'0';
        let bits = u128::from(packed_digits(head)) << 40
            | u128::from(packed_digits(body) << 8 | u64::from(last) << 4 | u64::from(check));
        let sum = weighed(head, HEAD_WEIGHTS) + weighed(body, BODY_WEIGHTS) + u64::from(last) * u64::from(WEIGHTS[16]);
        let right = CHECKS[(sum % 11) as usize] == check;
        Some(Self { bits, kind: if right { IdKind::Valid } else { IdKind::Broken } })
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

/// Eight digits as bytes of 0 to 9, the first lowest, all at once.
#[inline]
fn digits_of(text: [u8; 8]) -> Option<u64> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(text);
    // A digit is 3 in its upper half, and still with 6 added.
    let upper = (word & (0xf0 * EACH)) | (word.wrapping_add(6 * EACH) & (0xf0 * EACH)) >> 4;
    (upper == 0x33 * EACH).then_some(word & (0x0f * EACH))
}

/// Eight digits as a number.
#[inline]
fn eight_digits(text: [u8; 8]) -> Option<u32> {
    let ones = digits_of(text)?;
    let twos = (ones * 10 + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (twos * 100 + (twos >> 16)) & 0x0000_ffff_0000_ffff;
    Some(((fours * 10_000 + (fours >> 32)) & 0xffff_ffff) as u32)
}

/// So many digits, 8 to 16, as a number: the first eight and the last eight.
#[inline]
fn digits<const LEN: usize>(text: &[u8]) -> Option<u64> {
    let text: &[u8; LEN] = text.try_into().ok()?;
    let tens = const { 10u64.pow(LEN as u32 - 8) };
    let (head, tail) = (eight_digits(*text.first_chunk()?)?, eight_digits(*text.last_chunk()?)?);
    Some(u64::from(head) * tens + u64::from(tail) % tens)
}

fn read_birth(raw: &[u8]) -> Option<u32> {
    if let Some((date, rest)) = raw.split_first_chunk::<8>()
        && let [d1, d2] = *rest
    {
        // Year, mark, month, mark.
        let word = u64::from_le_bytes(*date);
        let day_of_month = u64::from(d1) << 48 | u64::from(d2) << 56;
        let digits = word & 0xffff_ffff | (word >> 40 & 0xffff) << 32 | day_of_month;
        if word >> 32 & 0xff == u64::from(b'-')
            && word >> 56 == u64::from(b'-')
            && let Some(number) = eight_digits(digits.to_le_bytes())
        {
            return day(number);
        }
    }
    if raw.is_empty() || raw.len() > 64 {
        return None;
    }
    let date = codes::date::read_date(&String::from_utf8_lossy(raw)).ok()?;
    Some(Birth::new(date.year, date.month?, date.day?).0)
}

fn read_phone(raw: &[u8]) -> u64 {
    if let Some(number) = digits::<11>(raw) {
        return number;
    }
    if raw.is_empty() || raw.len() > 64 {
        return 0;
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
        if let Some(code) = digits::<12>(raw) {
            return Self { code, depth: 12 };
        }
        let text = raw.trim_ascii();
        if text.is_empty() {
            return Self::default();
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

/// A character of three bytes.
#[inline]
fn unit(a: u8, b: u8, c: u8) -> u16 {
    (u16::from(a & 0x0f) << 12) | (u16::from(b & 0x3f) << 6) | u16::from(c & 0x3f)
}

/// One to four digits that end a text, above 0, and what stands before.
#[inline]
fn last_number(text: &[u8]) -> Option<(&[u8], u16)> {
    let (mut rest, mut number, mut worth) = (text, 0, 1);
    while let [head @ .., c @ b'0'..=b'9'] = rest {
        if worth > 1_000 {
            return None;
        }
        number += u16::from(c - b'0') * worth;
        (rest, worth) = (head, worth * 10);
    }
    (number > 0).then_some((rest, number))
}

impl House {
    /// Numbers before 组 or 社, and before 号 or 户; Arabic, full-width or Chinese.
    pub(super) fn read(raw: &[u8]) -> Self {
        Self::plain(raw).unwrap_or_else(|| Self::read_any(raw))
    }

    /// An address that ends as most do, in 3组17号: what stands before need not be looked at, but for the character
    /// that ends there, which must be no part of a number.
    #[inline]
    fn plain(raw: &[u8]) -> Option<Self> {
        let (rest, number) = last_number(raw.strip_suffix("号".as_bytes())?)?;
        let (rest, group) = last_number(rest.strip_suffix("组".as_bytes())?)?;
        match *rest {
            [] => {}
            [.., a @ 0xe0..=0xef, b @ 0x80..=0xbf, c @ 0x80..=0xbf] if !means_a_number(unit(a, b, c)) => {}
            _ => return None,
        }
        Some(Self { group, number })
    }

    fn read_any(raw: &[u8]) -> Self {
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
                    unit(*a, *b, *c)
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

impl Row<'_> {
    /// Fields that hold something of which nothing can be read, by their names here.
    pub fn unread(&self) -> Vec<&'static str> {
        let blank = |text: &[u8]| text.trim_ascii().is_empty();
        let id = PackedId::read(self.id_no);
        let fields = [
            ("sex", self.sex, read_sex(self.sex) == 0),
            ("id_no", self.id_no, id.kind == IdKind::Missing),
            ("birth", self.birth, read_birth(self.birth).is_none()),
            ("phone", self.phone, read_phone(self.phone) == 0),
            ("village", self.village, Village::read(self.village).depth == 0),
        ];
        fields.into_iter().filter(|(_, text, lost)| *lost && !blank(text)).map(|(name, _, _)| name).collect()
    }
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

    /// A number that is the same for the same person in whatever order rows come.
    pub(super) fn lot(&self, key: &[u8]) -> u64 {
        Mix::new(255).bytes(key).word(self.name.print).word(self.id.bits as u64).end()
    }

    /// An order of persons, for rows that nothing else orders.
    pub(super) fn order(&self) -> impl Ord + use<> {
        (
            (self.name.print, self.name.chars, self.id.bits, self.id.kind as u8, self.birth),
            (self.phone, self.village.code, self.village.depth, self.house.group, self.house.number, self.sex),
        )
    }

    /// Another such number, for drawing samples of millions: rows whose keys end alike may share it.
    #[inline]
    pub(super) fn ticket(&self, key: &[u8]) -> u64 {
        let end = key.last_chunk().map_or(key.len() as u64, |end| u64::from_le_bytes(*end));
        Mix::new(254).word(end).word(self.name.print ^ self.id.bits as u64).end()
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
        assert_eq!(digits::<8>(b"90817263"), Some(90_817_263));
        assert_eq!(digits::<11>(b"90817263540"), Some(90_817_263_540));
        assert_eq!(digits::<12>(b"908172635409"), Some(908_172_635_409));
        assert_eq!(digits::<16>(b"9081726354098123"), Some(9_081_726_354_098_123));
        assert_eq!(digits::<12>(b"90817263540"), None);
        assert_eq!(digits::<12>(b"12345678901X"), None);
    }

    #[test]
    fn a_plain_number_is_checked_as_the_rule_has_it() {
        let mut seed = 7u64;
        for _ in 0..2_000 {
            let head: String = (0..17)
                .map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    char::from(b'0' + (seed >> 40) as u8 % 10)
                })
                .collect();
            let right = codes::citizen_id::check_char(&head).unwrap();
            for check in "0123456789Xx".chars() {
                let text = format!("{head}{check}");
                let id = PackedId::read(text.as_bytes());
                let want = check.to_ascii_uppercase() == right;
                assert_eq!(id.kind, if want { IdKind::Valid } else { IdKind::Broken }, "{text}");
                assert_eq!(Some(id.bits), nibbles(text.as_bytes()));
            }
        }
    }

    #[test]
    fn names_sound_as_their_parts_do() {
        for text in ["张", "张伟", "单雄信", "欧阳单雄", "阿依古丽·买买提艾力江", "𠮷田", ""] {
            let n = name(text);
            let (surname, whole, given) = n.sounds();
            if n.is_empty() {
                assert_eq!((surname, whole, given), (0, 0, 0));
                continue;
            }
            assert_eq!((surname, whole), (n.surname_sound(), n.sound_hash(100)), "{text}");
            let sounds: Vec<u16> = n.as_slice()[1..].iter().map(|c| chars().sound(*c, 1)).collect();
            assert_eq!(given, if sounds.is_empty() { 0 } else { hash_sounds(101, &sounds) }, "{text}");
            assert_eq!(n.print, n.fingerprint(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_end_of_an_address_says_all(text in "(三里村|村|三|3|组|号|12|0|99999|户|一|a| |\\PC){0,9}", cut in 0usize..8) {
            let bytes = text.as_bytes();
            for raw in [bytes, &bytes[cut.min(bytes.len())..]] {
                if let Some(house) = House::plain(raw) {
                    proptest::prop_assert_eq!(house, House::read_any(raw));
                }
            }
        }
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
