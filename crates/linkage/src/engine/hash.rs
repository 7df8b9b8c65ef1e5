//! One mixing of words into keys, the same on every machine, so that results never depend on where they are made.

/// Mixing of a kind and some words; spread well enough for a directory, a bitmap and a sample.
#[derive(Clone, Copy)]
pub(super) struct Mix(u64);

impl Mix {
    pub(super) fn new(kind: u8) -> Self {
        Self(0x9E37_79B9_7F4A_7C15 ^ (kind as u64 + 1).wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    #[inline]
    pub(super) fn word(self, word: u64) -> Self {
        let mixed = (self.0 ^ word).wrapping_mul(0x9FB2_1C65_1E98_DF25);
        Self(mixed ^ (mixed >> 29))
    }

    #[inline]
    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            self = self.word(u64::from_le_bytes(word));
        }
        let mut last = [0; 8];
        let rest = chunks.remainder();
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last) ^ ((bytes.len() as u64) << 56))
    }

    /// The key; never 0, which stands for "none".
    #[inline]
    pub(super) fn end(self) -> u64 {
        let mixed = self.0.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        (mixed ^ (mixed >> 32)) | 1
    }

    /// The key of this within a group: what shares the group lies together in the bitmap of a [`super::block::Table`],
    /// so that one fetch from memory answers for several keys of a person. The group must be part of this, too.
    #[inline]
    pub(super) fn end_within(self, group: u64) -> u64 {
        (group & !0xffff_ffff) | (self.end() & 0xffff_ffff)
    }
}

/// How many of these keys of rows were there before among them.
pub(super) fn repeated<'a>(keys: impl Iterator<Item = &'a [u8]>) -> u64 {
    let mut prints: Vec<u64> = keys.map(|key| Mix::new(77).bytes(key).end()).collect();
    prints.sort_unstable();
    prints.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64
}
