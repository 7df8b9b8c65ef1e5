//! Which pairs are worth comparing: the keys of a person, and the list under its keys.

use super::hash::Mix;
use super::person::{IdKind, NAMED, Person, sound_hash};

/// Rules by which a pair is found. A rule may stand for several keys.
pub const RULES: [&str; 11] = [
    "id_birth_sequence",
    "id_ends_surname",
    "phone",
    "surname_birth",
    "township_birth",
    "sound_township",
    "sound_year",
    "sound_day",
    "name_county",
    "house",
    "given_birth",
];

/// Keys of one person: one a rule, two more for the parts of a name with a middle dot, three for hidden numbers, and one
/// for rows that know no place.
pub(super) const KEYS: usize = 17;
/// The key of the phone, under which it is also counted.
pub(super) const PHONE_KEY: usize = 2;
/// Rule of each key.
pub(super) const RULE_OF: [u8; KEYS] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 5, 5, 1, 1, 1, 3];

/// Rows that a list may have: the bits left beside the number of a key.
pub(super) const ROW_BITS: u32 = 27;

/// The keys of one person, 0 where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Keys {
    /// For finding pairs.
    pub(super) block: [u64; KEYS],
    /// Of what is counted in the registry: name, sound, phone.
    pub(super) count: [u64; 3],
}

/// A key shared by more rows of the list than this says nothing about any of them.
pub(super) const CROWD: usize = 48;

/// Which side of the comparison a person stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    List,
    Registry,
}

/// Writes the keys of a person.
#[inline]
pub(super) fn keys(p: &Person, side: Side, all: &mut Keys) {
    *all = Keys::default();
    let sounds = Sounds::of(p);
    each_key(p, &sounds, side, ALL_KEYS, |no, key| all.block[no] = key);
    all.count = counted_as(p, &sounds);
}

/// Under which a person is counted: name, sound, phone.
#[inline]
pub(super) fn counted(p: &Person) -> [u64; 3] {
    counted_as(p, &Sounds::of(p))
}

#[inline]
fn counted_as(p: &Person, sounds: &Sounds) -> [u64; 3] {
    let phone = if p.phone == 0 { 0 } else { phone_key(p.phone) };
    let [name, sound] = counted_names(p, sounds);
    [name, sound, phone]
}

/// Under which a person's name and its sound are counted.
#[inline]
pub(super) fn counted_names(p: &Person, sounds: &Sounds) -> [u64; 2] {
    if p.name.is_empty() {
        return [0, 0];
    }
    [Mix::new(102).word(p.name.print).end_within(sounds.whole), sounds.whole]
}

#[inline]
fn phone_key(phone: u64) -> u64 {
    Mix::new(3).word(phone).end()
}

/// Every key by which pairs are found.
pub(super) const ALL_KEYS: u32 = (1 << KEYS) - 1;

/// How a name is read, as the keys need it; nothing where there is no name.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sounds {
    surname: u16,
    /// Of the whole name.
    whole: u64,
    /// Of the name without its first character; 0 where there is no more.
    given: u64,
}

impl Sounds {
    #[inline]
    pub(super) fn of(p: &Person) -> Self {
        let (surname, whole, given) = p.name.sounds();
        Self { surname, whole, given }
    }
}

/// Writes those keys of a person that `wanted` has a bit for; the others are left as they are.
#[inline]
pub(super) fn some_keys(p: &Person, side: Side, wanted: u32, out: &mut [u64; KEYS]) {
    const NAMELESS: u32 = 1 << 0 | 1 << PHONE_KEY | 1 << 4 | 1 << 9 | 1 << 11 | 1 << 12;
    let sounds = if wanted & !NAMELESS == 0 { Sounds::default() } else { Sounds::of(p) };
    each_key(p, &sounds, side, wanted, |no, key| out[no] = key);
}

/// Hands out those keys of a person that `wanted` has a bit for, with their numbers.
///
/// A number that is hidden in its middle is looked up by its ends, the surname and the birth date, where both know one,
/// and a surname with a birth date within the county: among millions either is shared by many strangers, and a pair
/// that agrees in no more, and in none of what the other rules ask for, has not the bits for a match. A row of the list
/// that knows no place is looked up in every county: nothing but its number and its name can tell.
#[inline(always)]
pub(super) fn each_key(p: &Person, sounds: &Sounds, side: Side, wanted: u32, mut out: impl FnMut(usize, u64)) {
    let wants = |no: usize| wanted & (1 << no) != 0;
    let named = !p.name.is_empty();
    if wants(0) && p.id.is_full() {
        // Equal numbers share these digits too.
        let day = day_group(decimal(p.id.part(6, 14) as u32));
        out(0, Mix::new(0).word(p.id.part(6, 17)).end_within(day));
    }
    let birth = u64::from(p.birth);
    let day = day_group(p.birth);
    let surname = u64::from(sounds.surname);
    // Only where one of the two is hidden do the ends have to do: whole numbers have better keys. The first two meet a
    // hidden number of the list, the others one of the registry.
    const ENDS: u32 = 1 << 1 | 1 << 13 | 1 << 14 | 1 << 15;
    if wanted & ENDS != 0
        && named
        && let Some(ends) = p.id.ends()
    {
        let masked = p.id.kind == IdKind::Masked;
        let dated = |kind| Mix::new(kind).word(ends).word(birth << 16 | surname).end_within(day);
        let undated = |kind| Mix::new(kind).word(ends).word(surname).end();
        if side == Side::Registry || masked {
            if birth != 0 && wants(1) {
                out(1, dated(20));
            }
            if (side == Side::Registry || birth == 0) && wants(13) {
                out(13, undated(20));
            }
        }
        if (side == Side::List) != masked {
            if birth != 0 && wants(14) {
                out(14, dated(21));
            }
            if (side == Side::List || birth == 0) && wants(15) {
                out(15, undated(21));
            }
        }
    }
    if wants(PHONE_KEY) && p.phone != 0 {
        out(PHONE_KEY, phone_key(p.phone));
    }
    let (depth, code) = (p.village.depth, p.village.code);
    let area = |digits| if depth == NAMED { Some(code) } else { p.village.prefix(digits) };
    let township = area(9);
    if birth != 0 {
        if named {
            let county = area(6);
            if wants(3)
                && let Some(county) = county
            {
                out(3, Mix::new(4).word(birth << 16 | surname).word(county).end_within(day));
            }
            if wants(16) && (side == Side::Registry || county.is_none()) {
                out(16, Mix::new(22).word(birth << 16 | surname).end_within(day));
            }
            if wants(10) && sounds.given != 0 {
                out(10, Mix::new(11).word(birth).word(sounds.given).end_within(day));
            }
            if wants(6) {
                out(6, sound_and_year(sounds.whole, p.birth));
            }
            if wants(7) {
                out(7, sound_and_day(sounds.whole, p.birth));
            }
        }
        if wants(4)
            && let Some(township) = township
        {
            out(4, Mix::new(5).word(birth).word(township).end_within(day));
        }
    }
    if named {
        if let Some(township) = township {
            if wants(5) {
                out(5, in_township(township, sounds.whole));
            }
            if (wants(11) || wants(12))
                && let Some((first, second)) = p.name.parts()
            {
                out(11, in_township(township, sound_hash(100, first)));
                out(12, in_township(township, sound_hash(100, second)));
            }
        }
        // In a county there are many of one name: they are looked at only where no birth date leads to fewer.
        if wants(8)
            && let Some(county) = p.village.prefix(6)
            && (side == Side::Registry || birth == 0)
        {
            out(8, Mix::new(9).word(county).word(p.name.print).end_within(sounds.whole));
        }
    }
    if wants(9) && depth >= 12 && p.house.group != 0 && p.house.number != 0 {
        // Registers are kept by village: whoever comes next is likely to ask the same line.
        let group = Mix::new(15).word(code).word(u64::from(p.house.group)).end();
        out(9, Mix::new(10).word(u64::from(p.house.number)).word(group).end_within(group));
    }
}

/// The group of the keys that hold a birth date.
#[inline]
fn day_group(birth: u32) -> u64 {
    Mix::new(12).word(u64::from(birth)).end()
}

/// Eight digits of 4 bits each as a number.
#[inline]
fn decimal(digits: u32) -> u32 {
    let twos = (digits & 0x0f0f_0f0f) + 10 * (digits >> 4 & 0x0f0f_0f0f);
    let fours = (twos & 0x00ff_00ff) + 100 * (twos >> 8 & 0x00ff_00ff);
    (fours & 0xffff) + 10_000 * (fours >> 16)
}

/// The key of a name that sounds so in a township.
#[inline]
pub(super) fn in_township(township: u64, sound: u64) -> u64 {
    Mix::new(6).word(township).word(sound).end_within(sound)
}

/// The key of a name that sounds so, born in the year of a date.
#[inline]
pub(super) fn sound_and_year(sound: u64, birth: u32) -> u64 {
    Mix::new(7).word(sound).word(u64::from(birth / 10_000)).end_within(sound)
}

/// The key of a name that sounds so, born on the day of the year of a date.
#[inline]
pub(super) fn sound_and_day(sound: u64, birth: u32) -> u64 {
    Mix::new(8).word(sound).word(u64::from(birth % 10_000)).end_within(sound)
}

/// What the list's side of one rule looked like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Crowd {
    /// Keys that too many rows share.
    pub(super) keys: u64,
    /// Rows under them, which this rule does not find.
    pub(super) rows: u64,
}

/// Values under 64-bit keys: a bitmap that answers most misses, and a directory of buckets. The upper half of a key
/// decides where in the bitmap it lies.
pub(super) struct Table {
    filter: Vec<u64>,
    line_shift: u32,
    starts: Vec<u32>,
    bucket_shift: u32,
    /// Lower half of the spread key, and the value.
    entries: Vec<(u32, u32)>,
}

impl Table {
    /// Of pairs of spread keys, in order; for `mere` keys, which have no values, the bitmap says yes too.
    fn sorted(pairs: &[(u64, u32)], mere: &[u64]) -> Self {
        let filter_bits = (pairs.len().max(64) * 12).next_power_of_two().trailing_zeros().min(26);
        let bucket_bits = (pairs.len() / 2).max(2).next_power_of_two().trailing_zeros().min(24);
        let mut filter = vec![0u64; (1usize << filter_bits) / 64];
        let line_shift = 64 - (filter_bits - LINE_BITS);
        let bucket_shift = 64 - bucket_bits;
        let mut starts = vec![0u32; (1usize << bucket_bits) + 1];
        for key in pairs.iter().map(|(key, _)| key).chain(mere) {
            let (word, bit) = place(gather(*key), line_shift);
            filter[word] |= bit;
        }
        for (key, _) in pairs {
            starts[(key >> bucket_shift) as usize + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        Self {
            filter,
            line_shift,
            starts,
            bucket_shift,
            entries: pairs.iter().map(|(key, value)| (*key as u32, *value)).collect(),
        }
    }

    /// Whether there may be something under a key, which is not 0.
    #[inline]
    pub(super) fn maybe(&self, key: u64) -> bool {
        let (word, bit) = place(key, self.line_shift);
        self.filter[word] & bit == bit
    }

    /// Makes the bitmap say yes to a key that has no values here.
    pub(super) fn mark(&mut self, key: u64) {
        let (word, bit) = place(key, self.line_shift);
        self.filter[word] |= bit;
    }

    /// Where in the table the bucket of a key lies.
    #[inline]
    pub(super) fn bucket(&self, key: u64) -> (u32, u32) {
        let at = (spread(key) >> self.bucket_shift) as usize;
        (self.starts[at], self.starts[at + 1])
    }

    /// The values under a key within its bucket.
    #[inline]
    pub(super) fn values(&self, key: u64, (from, to): (u32, u32), mut found: impl FnMut(u32)) {
        let (from, to, wanted) = (from as usize, to as usize, spread(key) as u32);
        for (tag, value) in &self.entries[from..to] {
            if *tag == wanted {
                found(*value);
            }
        }
    }
}

/// How often each of some values was met. A value and its count lie in one place, next to where its key leads.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// Part of the key, 0 for none, and the count.
    slots: Vec<(u32, u32)>,
    shift: u32,
}

impl Tally {
    /// Of so many distinct keys at most.
    pub(super) fn new(keys: usize) -> Self {
        let bits = (keys * 3 / 2).max(16).next_power_of_two().trailing_zeros();
        Self { slots: vec![(0, 0); 1 << bits], shift: 64 - bits }
    }

    #[inline]
    fn tag(key: u64) -> u32 {
        spread(key) as u32 | 1
    }

    /// Where a key is, or else the place that is free for it.
    #[inline]
    fn find(&self, key: u64) -> (usize, bool) {
        let (tag, last) = (Self::tag(key), self.slots.len() - 1);
        let mut at = (spread(key) >> self.shift) as usize;
        loop {
            match self.slots[at & last].0 {
                0 => return (at & last, false),
                found if found == tag => return (at & last, true),
                _ => at += 1,
            }
        }
    }

    /// Makes a key one that is counted, and says where.
    pub(super) fn count_too(&mut self, key: u64) -> u32 {
        let (at, known) = self.find(key);
        if !known {
            self.slots[at].0 = Self::tag(key);
        }
        at as u32
    }

    /// Counts a key, if it is one that is counted.
    #[inline]
    pub(super) fn add(&mut self, key: u64) {
        if let (at, true) = self.find(key) {
            self.slots[at].1 = self.slots[at].1.saturating_add(1);
        }
    }

    /// Counts by place.
    pub(super) fn counts(&self) -> impl Iterator<Item = u32> + '_ {
        self.slots.iter().map(|(_, count)| *count)
    }
}

const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
/// Its inverse, by Newton's method.
const GATHER: u64 = {
    let mut inverse = SPREAD;
    let mut round = 0;
    while round < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(SPREAD.wrapping_mul(inverse)));
        round += 1;
    }
    inverse
};

/// The form of a key by which the directory is ordered: a group that lies together in the bitmap must not lie in one
/// bucket, or a default birthday would make one of millions.
#[inline]
pub(super) fn spread(key: u64) -> u64 {
    key.wrapping_mul(SPREAD)
}

fn gather(spread: u64) -> u64 {
    spread.wrapping_mul(GATHER)
}

/// Bits of one line of the bitmap: what the processor fetches at once.
const LINE_BITS: u32 = 9;

/// The word of a key in the bitmap, and its two bits in it: one load answers, and it is wrong a third as often as with one
/// bit.
#[inline]
fn place(key: u64, line_shift: u32) -> (usize, u64) {
    let within = (key & 0xffff_ffff).wrapping_mul(SPREAD) >> (64 - 15);
    let line = key >> line_shift;
    ((line << 3 | within >> 12) as usize, 1 << (within & 63) | 1 << (within >> 6 & 63))
}

/// The list under its keys, and what had to be left out.
pub(super) struct Index {
    pub(super) table: Table,
    pub(super) crowds: [Crowd; RULES.len()],
    /// Rows that stand under such keys only.
    pub(super) unsought: u64,
    /// A bit for each number of a key that some row has.
    pub(super) wanted: u32,
}

impl Index {
    pub(super) fn new(list: &[Person]) -> Self {
        let mut pairs: Vec<(u64, u32)> = Vec::with_capacity(list.len() * 12);
        let mut wanted = 0;
        for (at, person) in list.iter().enumerate() {
            each_key(person, &Sounds::of(person), Side::List, ALL_KEYS, |no, key| {
                wanted |= 1 << no;
                pairs.push((spread(key), (no as u32) << ROW_BITS | at as u32));
            });
        }
        // A part of a name is found under the key of a whole one, too, and a whole one under that of a part.
        let names = 1 << 5 | 1 << 11 | 1 << 12;
        wanted |= if wanted & names == 0 { 0 } else { names };
        sort(&mut pairs);
        let mut crowds = [Crowd::default(); RULES.len()];
        let (mut crowded, mut left_out) = (Vec::new(), Vec::new());
        let mut kept = 0;
        let mut from = 0;
        while from < pairs.len() {
            let key = pairs[from].0;
            let len = pairs[from..].iter().take_while(|(k, _)| *k == key).count();
            if len > CROWD {
                let rule = RULE_OF[(pairs[from].1 >> ROW_BITS) as usize];
                crowds[usize::from(rule)].keys += 1;
                left_out.extend(pairs[from..from + len].iter().map(|(_, at)| (rule, at & ((1 << ROW_BITS) - 1))));
                crowded.push(key);
            } else {
                for at in from..from + len {
                    pairs[kept] = (key, pairs[at].1 & ((1 << ROW_BITS) - 1));
                    kept += 1;
                }
            }
            from += len;
        }
        pairs.truncate(kept);
        let mut sought = vec![left_out.is_empty(); list.len()];
        if !left_out.is_empty() {
            pairs.iter().for_each(|(_, row)| sought[*row as usize] = true);
        }
        let unsought = count_left_out(left_out, &mut crowds, |row| !sought[row as usize]);
        Self { table: Table::sorted(&pairs, &crowded), crowds, unsought, wanted }
    }
}

/// Counts rows under keys that too many share, by rule, each once, and those that are under no other key.
pub(super) fn count_left_out(
    mut left_out: Vec<(u8, u32)>,
    crowds: &mut [Crowd; RULES.len()],
    only: impl Fn(u32) -> bool,
) -> u64 {
    // A rule may stand for several keys of a row.
    left_out.sort_unstable();
    left_out.dedup();
    for (rule, _) in &left_out {
        crowds[usize::from(*rule)].rows += 1;
    }
    let mut rows: Vec<u32> = left_out.into_iter().map(|(_, row)| row).filter(|row| only(*row)).collect();
    rows.sort_unstable();
    rows.dedup();
    rows.len() as u64
}

/// Sorts pairs whose keys are spread, one half of the keys on each of two threads.
fn sort(pairs: &mut [(u64, u32)]) {
    let mut lower = 0;
    for at in 0..pairs.len() {
        if pairs[at].0 >> 63 == 0 {
            pairs.swap(lower, at);
            lower += 1;
        }
    }
    let (lower, upper) = pairs.split_at_mut(lower);
    std::thread::scope(|scope| {
        scope.spawn(|| upper.sort_unstable());
        lower.sort_unstable();
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::person::Row;

    fn person(name: &str, birth: &str) -> Person {
        Person::read(&Row { name: name.as_bytes(), birth: birth.as_bytes(), ..Row::default() })
    }

    fn found(index: &Index, p: &Person) -> Vec<u32> {
        let mut own = Keys::default();
        keys(p, Side::Registry, &mut own);
        let mut out = Vec::new();
        for key in own.block.into_iter().filter(|key| *key != 0) {
            if index.table.maybe(key) {
                index.table.values(key, index.table.bucket(key), |v| out.push(v));
            }
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    #[test]
    fn rows_are_found_under_every_key_they_share() {
        let list = [person("张伟", "1965-03-12"), person("李芳", "1970-01-02"), person("章玮", "1965-03-12")];
        let index = Index::new(&list);
        assert_eq!(found(&index, &person("张伟", "1965-03-12")), [0, 2]);
        assert_eq!(found(&index, &person("王芳", "1970-01-02")), [1]);
        assert_eq!(found(&index, &person("王芳", "1971-05-02")), [] as [u32; 0]);
        assert_eq!(found(&index, &Person::default()), [] as [u32; 0]);
        assert_eq!(found(&Index::new(&[]), &list[0]), [] as [u32; 0]);
    }

    #[test]
    fn keys_with_one_birth_date_lie_in_one_line() {
        assert_eq!(decimal(0x1965_0312), 19_650_312);
        assert_eq!(decimal(0xffff_ffff), 15 * 11_111_111);
        let person = Person::read(&Row {
            name: "张伟".as_bytes(),
            id_no: b"340323196503121012",
            village: b"990101101203",
            ..Row::default()
        });
        let mut own = Keys::default();
        keys(&person, Side::Registry, &mut own);
        let line = |key: u64| key >> 32;
        assert!([0, 4, 10].iter().all(|no| line(own.block[*no]) == line(own.block[3])));
        assert!([6, 7, 8].iter().all(|no| line(own.block[*no]) == line(own.block[5])));
        assert!(own.count[..2].iter().all(|key| line(*key) == line(own.block[5])));
        let mut table = Index::new(&[]).table;
        assert!(!table.maybe(own.block[5]));
        table.mark(own.block[5]);
        assert!(table.maybe(own.block[5]));
    }

    #[test]
    fn one_birthday_for_all_is_no_one_bucket() {
        let list: Vec<Person> = (0..5_000u32)
            .map(|i| {
                let village = format!("{:09}", 990_000_000 + i);
                Person::read(&Row { birth: b"1900-01-01", village: village.as_bytes(), ..Row::default() })
            })
            .collect();
        let index = Index::new(&list);
        let longest = (0..5_000).map(|i| {
            let mut own = Keys::default();
            keys(&list[i], Side::Registry, &mut own);
            assert_eq!(found(&index, &list[i]), [i as u32]);
            let (from, to) = index.table.bucket(own.block[4]);
            to - from
        });
        assert!(longest.max().unwrap() < 20);
        assert!((0..1_000u64).all(|k| gather(spread(k << 7)) == k << 7));
    }

    #[test]
    fn hidden_numbers_are_found_by_their_ends_on_either_side() {
        let with = |id: &str| Person::read(&Row { name: "张伟".as_bytes(), id_no: id.as_bytes(), ..Row::default() });
        let (whole, hidden) = (with("340323196503121012"), with("3403**********1012"));
        let other = with("340323197003121012");
        assert_eq!(found(&Index::new(&[hidden]), &whole), [0]);
        assert_eq!(found(&Index::new(&[whole]), &hidden), [0]);
        assert_eq!(found(&Index::new(&[hidden]), &hidden), [0]);
        assert_eq!(found(&Index::new(&[whole]), &other), [] as [u32; 0]);
        let born = |birth: &'static str, id: &'static str| {
            let name = "张伟".as_bytes();
            Person::read(&Row { name, id_no: id.as_bytes(), birth: birth.as_bytes(), ..Row::default() })
        };
        let dated = born("1965-03-12", "3403**********1012");
        assert_eq!(found(&Index::new(&[dated]), &whole), [0]);
        assert_eq!(found(&Index::new(&[whole]), &dated), [0]);
        // Ends and surname alone say little where a birth date says more.
        let elsewhere = born("1993-08-25", "3403**********1012");
        assert_eq!(found(&Index::new(&[elsewhere]), &whole), [] as [u32; 0]);
        assert_eq!(found(&Index::new(&[whole]), &elsewhere), [] as [u32; 0]);
    }

    #[test]
    fn a_row_without_a_place_is_found_by_surname_and_birth_date() {
        let at = |name: &str, village: &str| {
            let (name, village) = (name.as_bytes(), village.as_bytes());
            Person::read(&Row { name, birth: b"1967-07-08", village, ..Row::default() })
        };
        let (registered, other_county) = (at("李秀芸", "990101001001"), at("李秀芸", "990102001001"));
        let placeless = Index::new(&[at("李秀英", "")]);
        assert_eq!(found(&placeless, &registered), [0]);
        assert_eq!(found(&placeless, &other_county), [0]);
        let placed = Index::new(&[at("李秀英", "990101")]);
        assert_eq!(found(&placed, &registered), [0]);
        assert_eq!(found(&placed, &other_county), [] as [u32; 0]);
        assert_eq!(placed.wanted & 1 << 16, 0, "only a list that needs it asks for the key");
    }

    #[test]
    fn a_crowd_is_left_out_and_said_so() {
        let wang =
            Person::read(&Row {
                name: "王伟".as_bytes(), birth: b"1980-01-01", village: b"990101", ..Row::default()
            });
        let list = vec![wang; CROWD + 1];
        let index = Index::new(&list);
        assert_eq!(found(&index, &list[0]), [] as [u32; 0]);
        let surname_birth = RULES.iter().position(|r| *r == "surname_birth").unwrap();
        assert_eq!(index.crowds[surname_birth], Crowd { keys: 1, rows: CROWD as u64 + 1 });
        assert!(index.crowds.iter().all(|crowd| crowd.rows <= list.len() as u64));
        let list = vec![wang; CROWD];
        assert_eq!(found(&Index::new(&list), &list[0]).len(), CROWD);
    }
}
