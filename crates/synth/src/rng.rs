//! A small seeded generator. Every household, village and case draws from its own stream, named by a
//! path of numbers, so that any of them can be made again on its own without walking what comes before.

/// xoshiro256++ seeded through SplitMix64 (Blackman and Vigna, "Scrambled linear pseudorandom number
/// generators", 2021). Not for secrets.
#[derive(Clone, Debug)]
pub(crate) struct Rng {
    s: [u64; 4],
}

/// One SplitMix64 step as a hash.
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Rng {
    /// The stream named by `path` under `seed`.
    pub(crate) fn stream(seed: u64, path: &[u64]) -> Self {
        let mut h = mix(seed ^ 0x7461_697A_6861_6E67);
        for &p in path {
            h = mix(h ^ mix(p));
        }
        let mut s = [0u64; 4];
        for slot in &mut s {
            h = h.wrapping_add(0x9E37_79B9_7F4A_7C15);
            *slot = mix(h);
        }
        Self { s }
    }

    pub(crate) fn next(&mut self) -> u64 {
        let s = &mut self.s;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number in `0..n`; 0 when `n` is 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// An index in `0..n`.
    pub(crate) fn index(&mut self, n: usize) -> usize {
        self.below(n as u64) as usize
    }

    /// A number in `low..=high`.
    pub(crate) fn range(&mut self, low: i64, high: i64) -> i64 {
        if high <= low {
            return low;
        }
        low + self.below((high - low + 1) as u64) as i64
    }

    /// True `per_mille` times in a thousand.
    pub(crate) fn per_mille(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// True `per_cent` times in a hundred.
    pub(crate) fn per_cent(&mut self, per_cent: u64) -> bool {
        self.below(100) < per_cent
    }

    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.index(items.len())]
    }

    /// Picks by weight; the weights must not all be zero.
    pub(crate) fn weighted<T: Copy>(&mut self, items: &[(T, u32)]) -> T {
        let total: u64 = items.iter().map(|(_, w)| u64::from(*w)).sum();
        let mut at = self.below(total);
        for (item, weight) in items {
            let weight = u64::from(*weight);
            if at < weight {
                return *item;
            }
            at -= weight;
        }
        items[items.len() - 1].0
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.index(i + 1));
        }
    }
}

/// A seeded permutation of `0..size`: four Feistel rounds over the next even power of two, walked until the
/// value falls inside. Gives every household member a slot that no other member of the county has.
pub(crate) fn permute(key: u64, value: u32, size: u32) -> u32 {
    let mut half = 1;
    while (1u64 << (2 * half)) < u64::from(size) {
        half += 1;
    }
    let mask = (1u32 << half) - 1;
    let mut at = value;
    loop {
        let (mut left, mut right) = (at >> half, at & mask);
        for round in 0..4u64 {
            let f = mix(key ^ (round << 40) ^ u64::from(right)) as u32 & mask;
            (left, right) = (right, left ^ f);
        }
        at = (left << half) | right;
        if at < size {
            return at;
        }
    }
}
