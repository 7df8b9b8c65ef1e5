//! The keys under which a small list is found, and a table of them that says "not here" in a few nanoseconds.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::record::{Id, Record};

/// A key shared by more rows of the list than this tells nothing about any of them: a clinic's phone, a default birthday.
const CROWD: usize = 64;
/// Kinds of masks looked up for each registered person; a list hides its numbers in one way or two.
const MASKS: usize = 8;

/// FNV-like mixing of a kind and some bytes; spread well enough for a table and a bitmap.
#[derive(Clone, Copy)]
struct Mix(u64);

impl Mix {
    fn new(kind: u8) -> Self {
        Self(0x9E37_79B9_7F4A_7C15 ^ u64::from(kind).wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            self = self.word(u64::from_le_bytes(word));
        }
        let mut last = [0; 8];
        let rest = chunks.remainder();
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last) ^ (bytes.len() as u64) << 56)
    }

    fn word(self, word: u64) -> Self {
        let mixed = (self.0 ^ word).wrapping_mul(0x9FB2_1C65_1E98_DF25);
        Self(mixed ^ (mixed >> 29))
    }

    fn end(self) -> u64 {
        let mixed = self.0.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        mixed ^ (mixed >> 32)
    }
}

#[derive(Default)]
struct Given(u64);

impl Hasher for Given {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {}
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

/// The rows of a list under their keys.
pub(crate) struct Index {
    slots: HashMap<u64, (u32, u32), BuildHasherDefault<Given>>,
    rows: Vec<u32>,
    filter: Vec<u64>,
    filter_mask: u64,
    masks: Vec<u32>,
}

impl Index {
    pub(crate) fn new(list: &[Record]) -> Self {
        let masks = common_masks(list);
        let mut pairs: Vec<(u64, u32)> = Vec::with_capacity(list.len() * 10);
        for (at, record) in list.iter().enumerate() {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            keys(record, &masks, true, |key| pairs.push((key, at)));
        }
        pairs.sort_unstable();
        pairs.dedup();
        let bits = (pairs.len() * 16).next_power_of_two().max(1 << 12);
        let mut filter = vec![0u64; bits / 64];
        let filter_mask = bits as u64 - 1;
        let mut slots = HashMap::with_capacity_and_hasher(pairs.len(), BuildHasherDefault::default());
        let mut rows = Vec::with_capacity(pairs.len());
        for group in pairs.chunk_by(|a, b| a.0 == b.0) {
            if group.len() > CROWD {
                continue;
            }
            let key = group[0].0;
            let start = rows.len() as u32;
            rows.extend(group.iter().map(|(_, at)| *at));
            slots.insert(key, (start, group.len() as u32));
            let bit = key & filter_mask;
            filter[(bit / 64) as usize] |= 1 << (bit % 64);
        }
        Self { slots, rows, filter, filter_mask, masks }
    }

    /// The rows of the list that share a key with `record`, each once, in order.
    pub(crate) fn candidates(&self, record: &Record, out: &mut Vec<u32>) {
        out.clear();
        keys(record, &self.masks, false, |key| {
            let bit = key & self.filter_mask;
            if self.filter[(bit / 64) as usize] & (1 << (bit % 64)) == 0 {
                return;
            }
            if let Some((start, len)) = self.slots.get(&key) {
                let start = *start as usize;
                out.extend_from_slice(&self.rows[start..start + *len as usize]);
            }
        });
        out.sort_unstable();
        out.dedup();
    }
}

/// Which positions of the masked numbers of a list are visible, the commonest first.
fn common_masks(list: &[Record]) -> Vec<u32> {
    let mut counts: HashMap<u32, usize> = HashMap::new();
    for record in list {
        if let Id::Masked(digits) = &record.id {
            *counts.entry(visible(digits)).or_default() += 1;
        }
    }
    let mut masks: Vec<(u32, usize)> = counts.into_iter().collect();
    masks.sort_unstable_by_key(|(mask, count)| (usize::MAX - count, *mask));
    masks.into_iter().take(MASKS).map(|(mask, _)| mask).collect()
}

fn visible(digits: &[u8; 18]) -> u32 {
    digits.iter().enumerate().filter(|(_, c)| **c != b'*').fold(0, |mask, (i, _)| mask | 1 << i)
}

fn masked_key(digits: &[u8; 18], mask: u32) -> u64 {
    let mut shown = *digits;
    for (i, digit) in shown.iter_mut().enumerate() {
        if mask & (1 << i) == 0 {
            *digit = b'*';
        }
    }
    Mix::new(4).bytes(&shown).end()
}

/// Hands out every key of a record. Area, birth and sequence part of an ID are paired, so that one mistyped digit
/// leaves one of the pairs whole.
fn keys(record: &Record, masks: &[u32], is_list: bool, mut emit: impl FnMut(u64)) {
    match &record.id {
        Id::Valid { digits, .. } | Id::Broken(digits) => {
            emit(Mix::new(1).bytes(&digits[..14]).end());
            emit(Mix::new(2).bytes(&digits[6..]).end());
            emit(Mix::new(3).bytes(&digits[..6]).bytes(&digits[14..]).end());
            if !is_list {
                for mask in masks {
                    emit(masked_key(digits, *mask));
                }
            }
        }
        Id::Masked(digits) => emit(masked_key(digits, visible(digits))),
        Id::Missing => {}
    }
    if let Some(phone) = record.phone {
        emit(Mix::new(5).word(phone).end());
    }
    if let Some(household) = record.household {
        emit(Mix::new(6).word(household).end());
    }
    let named = !record.name.is_empty();
    if let Some(birth) = record.birth {
        let birth = u64::from(birth.0);
        if named {
            emit(Mix::new(7).word(birth).bytes(record.name.as_bytes()).end());
        }
        if !record.pinyin.is_empty() {
            emit(Mix::new(8).word(birth).bytes(record.pinyin.as_bytes()).end());
        }
        if let Some(township) = record.place.prefix(9) {
            emit(Mix::new(9).word(birth).bytes(township).end());
        }
        if let (Some(county), Some(surname)) = (record.place.prefix(6), record.name.chars().next()) {
            emit(Mix::new(12).word(birth).word(u64::from(u32::from(surname))).bytes(county).end());
        }
    }
    if let Some(township) = record.place.prefix(9) {
        if named {
            emit(Mix::new(10).bytes(township).bytes(record.name.as_bytes()).end());
        }
        if !record.pinyin.is_empty() {
            emit(Mix::new(11).bytes(township).bytes(record.pinyin.as_bytes()).end());
        }
    }
}
