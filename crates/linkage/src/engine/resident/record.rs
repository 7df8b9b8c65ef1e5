//! One registered person in 64 bytes: one line of the processor's cache, so that a candidate costs one fetch.
//!
//! | bytes | what |
//! |---|---|
//! | 0–8 | 18 characters of the ID number, 4 bits each |
//! | 9 | how the number is known (3 bits), sex (2), how deep the division code is known (3) |
//! | 10 | length of the name (4 bits), characters before its dot (4) |
//! | 11–15 | where the row's key stands among the keys |
//! | 16–23, 24–31 | phone; division code, or the hash of a place's name |
//! | 32–55 | 12 characters of the name |
//! | 56–59, 60–61, 62–63 | birth as YYYYMMDD; group; house |
//!
//! Every combination of bytes is a person, if a strange one.

use crate::engine::person::{House, IdKind, NAME_MAX, NAMED, Name, PackedId, Person, Village};

/// Bytes of a person.
pub(super) const RECORD: usize = 64;
/// Keys may take so many bytes together.
pub(super) const KEYS_MOST: u64 = 1 << 40;

const KINDS: [IdKind; 6] =
    [IdKind::Missing, IdKind::Valid, IdKind::Broken, IdKind::From15, IdKind::Masked, IdKind::Short];
const DEPTHS: [u8; 7] = [0, 2, 4, 6, 9, 12, NAMED];

fn place<T: PartialEq>(all: &[T], one: &T) -> u8 {
    all.iter().position(|x| x == one).unwrap_or(0) as u8
}

/// Writes a person whose key stands at `key`.
pub(super) fn pack(p: &Person, key: u64) -> [u8; RECORD] {
    let mut out = [0; RECORD];
    out[..9].copy_from_slice(&p.id.bits.to_le_bytes()[..9]);
    out[9] = place(&KINDS, &p.id.kind) | p.sex << 3 | place(&DEPTHS, &p.village.depth) << 5;
    out[10] = p.name.len | p.name.split << 4;
    out[11..16].copy_from_slice(&key.to_le_bytes()[..5]);
    out[16..24].copy_from_slice(&p.phone.to_le_bytes());
    out[24..32].copy_from_slice(&p.village.code.to_le_bytes());
    for (to, unit) in out[32..56].chunks_exact_mut(2).zip(p.name.chars) {
        to.copy_from_slice(&unit.to_le_bytes());
    }
    out[56..60].copy_from_slice(&p.birth.to_le_bytes());
    out[60..62].copy_from_slice(&p.house.group.to_le_bytes());
    out[62..64].copy_from_slice(&p.house.number.to_le_bytes());
    out
}

#[inline]
fn word<const N: usize>(from: &[u8; RECORD], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&from[at..at + N]);
    out
}

/// Reads a person.
#[inline]
pub(super) fn unpack(from: &[u8; RECORD]) -> Person {
    let mut bits = [0; 16];
    bits[..9].copy_from_slice(&from[..9]);
    let mut name = Name { len: (from[10] & 15).min(NAME_MAX as u8), split: from[10] >> 4, ..Name::default() };
    for (unit, bytes) in name.chars.iter_mut().zip(from[32..56].chunks_exact(2)) {
        *unit = u16::from_le_bytes([bytes[0], bytes[1]]);
    }
    name.print = name.fingerprint();
    Person {
        id: PackedId {
            bits: u128::from_le_bytes(bits),
            kind: KINDS.get(usize::from(from[9] & 7)).copied().unwrap_or_default(),
        },
        phone: u64::from_le_bytes(word(from, 16)),
        village: Village {
            code: u64::from_le_bytes(word(from, 24)),
            depth: DEPTHS.get(usize::from(from[9] >> 5)).copied().unwrap_or(0),
        },
        name,
        birth: u32::from_le_bytes(word(from, 56)),
        house: House { group: u16::from_le_bytes(word(from, 60)), number: u16::from_le_bytes(word(from, 62)) },
        sex: from[9] >> 3 & 3,
    }
}

/// The 18 characters of the ID number and how they are known, without the rest.
#[inline]
pub(super) fn id_of(from: &[u8; RECORD]) -> PackedId {
    let mut bits = [0; 16];
    bits[..9].copy_from_slice(&from[..9]);
    PackedId { bits: u128::from_le_bytes(bits), kind: KINDS.get(usize::from(from[9] & 7)).copied().unwrap_or_default() }
}

/// Where the row's key stands.
#[inline]
pub(super) fn key_of(from: &[u8; RECORD]) -> u64 {
    let mut bytes = [0; 8];
    bytes[..5].copy_from_slice(&from[11..16]);
    u64::from_le_bytes(bytes)
}

/// The same with its key elsewhere.
pub(super) fn with_key(mut record: [u8; RECORD], key: u64) -> [u8; RECORD] {
    record[11..16].copy_from_slice(&key.to_le_bytes()[..5]);
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::person::Row;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_person_is_read_back(
            name in "(张伟|買買提·艾力|王|𠮷田 😀|A-b c|.{0,40})",
            id in "(340323196503121012|34032319650312101|340323650312101|3403\\*{10}1012|[0-9X]{15,18}|.{0,20})",
            birth in "(1965-03-12|.{0,12})",
            phone in "[0-9]{0,18}",
            village in "([0-9]{0,14}|南村)",
            address in "[0-9]{0,6}组[0-9]{0,6}号",
            sex in "(男|女|)",
            key in 0..KEYS_MOST,
        ) {
            let p = Person::read(&Row {
                key: b"1",
                name: name.as_bytes(),
                sex: sex.as_bytes(),
                id_no: id.as_bytes(),
                birth: birth.as_bytes(),
                phone: phone.as_bytes(),
                village: village.as_bytes(),
                address: address.as_bytes(),
            });
            let packed = pack(&p, key);
            prop_assert_eq!(unpack(&packed), p);
            prop_assert_eq!(key_of(&packed), key);
            prop_assert_eq!(id_of(&packed), p.id);
            prop_assert_eq!(with_key(packed, 7), pack(&p, 7));
        }

        #[test]
        fn any_bytes_are_a_person(bytes in proptest::array::uniform32(0u8..), other in proptest::array::uniform32(0u8..)) {
            let mut record = [0; RECORD];
            record[..32].copy_from_slice(&bytes);
            record[32..].copy_from_slice(&other);
            let p = unpack(&record);
            let mut keys = crate::engine::block::Keys::default();
            for side in [crate::engine::block::Side::List, crate::engine::block::Side::Registry] {
                crate::engine::block::keys(&p, side, &mut keys);
            }
            let _ = crate::engine::levels::compare(&p, &p);
            let _ = crate::engine::levels::compare(&Person::default(), &p);
        }
    }
}
