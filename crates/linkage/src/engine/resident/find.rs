//! One person against a packed register, while the name is being typed or when a form is filled in.

use std::hint::black_box;
use std::sync::Arc;

use super::record::{id_of, unpack};
use super::{BY_INITIALS, BY_SOUND, Resident, ResidentError, Segment, initials, initials_key, shelf_keys, sound_key};
use crate::engine::block::{Keys, RULE_OF, RULES, Side, in_township, keys, sound_and_day, sound_and_year, spread};
use crate::engine::chars::chars;
use crate::engine::levels::{HOMOPHONE, NAME, Pattern, compare};
use crate::engine::model::{Expected, Frequency, Shares};
use crate::engine::person::{IdKind, NAMED, PackedId, Person, Row, hash_sounds};
use crate::engine::resolve::{self, Edge};
use crate::engine::{Evidence, Match, Model, explain};

/// Persons under one key that are looked at; a key with more is left out, and that is said.
const GROUP: usize = 8_192;
/// Candidates that take from each other.
const RIVALS: usize = 64;
/// Letters of a name that are read.
const LETTERS: usize = 48;
/// Ways in which letters are taken apart into sounds.
const WAYS: usize = 16;

/// Whom a question found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The best first; [`Match::left`] is 0.
    pub matches: Vec<Match>,
    /// Registered persons that were compared.
    pub pairs: u64,
    /// Keys that were left out because too many persons share them, by the name of their rule (one of
    /// [`RULES`](super::super::RULES), `sound`, `initials` or `id_prefix`): to say that more has to be typed.
    pub crowded: Vec<&'static str>,
    /// Keys under which was looked; 0 where what was typed leads nowhere.
    pub asked: usize,
    /// For each match whether its name begins with the letters that were typed, one for each character.
    pub initials: Vec<bool>,
}

/// Asks a packed register for single persons. Made once and used for many questions, from any thread.
pub struct Finder {
    resident: Arc<Resident>,
    shares: Shares,
    expected: Expected,
}

impl std::fmt::Debug for Finder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Finder").field("resident", &self.resident).finish_non_exhaustive()
    }
}

/// Bits, row, and what they come from.
type Weighed = (f32, u32, Pattern, Frequency);

/// What is asked, in every way that it can be understood.
struct Question {
    /// The person as typed; where an ID number may be whole or a beginning, once for each.
    listed: Vec<Person>,
    /// Sounds of the whole name, where it was typed in letters.
    sounds: Vec<u64>,
    /// Shelves and keys to look under.
    lookups: Vec<(usize, u64)>,
    /// The beginning of an ID number: its digits as they are packed, and how many.
    beginning: Option<(u64, u32)>,
    /// The letters that were typed, where they may be the first ones of a name.
    initials: Option<u64>,
}

impl Finder {
    /// Of a register and a model; the model's numbers of matches and kin in a row stay as they are.
    ///
    /// # Errors
    /// [`ResidentError::Model`] if the model is not valid.
    pub fn new(resident: Arc<Resident>, model: &Model) -> Result<Self, ResidentError> {
        let shares = model.shares().map_err(ResidentError::Model)?;
        let expected = Expected::new(&shares, 1, resident.len());
        Ok(Self { resident, shares, expected })
    }

    /// The register.
    pub fn resident(&self) -> &Resident {
        &self.resident
    }

    /// The `most` registered persons who are most likely meant, whatever their bits: what is enough is the caller's to
    /// say.
    ///
    /// Any part of a row is enough that leads somewhere. Beside everything that a list may hold, the name may be typed
    /// as pinyin (`wangxiaoming`, with or without blanks) or, with at least the county in `village`, as first letters
    /// (`wxm`); of the ID number the first 6 to 17 digits do.
    ///
    /// # Errors
    /// [`ResidentError::Damaged`] if anything that was used is not what was written.
    pub fn find(&self, row: &Row<'_>, most: usize) -> Result<Answer, ResidentError> {
        let question = Question::of(row);
        let asked = question.lookups.len() + usize::from(question.beginning.is_some());
        let mut answer = Answer { asked, ..Answer::default() };
        let mut frequency = None;
        let mut all: Vec<Weighed> = Vec::new();
        let mut last = None;
        let mut base = 0;
        for (at, segment) in self.resident.segments.iter().enumerate() {
            let mut rows = Vec::new();
            for (shelf, key) in &question.lookups {
                segment.stand_under(*shelf, *key, &mut rows, &mut answer.crowded);
            }
            if let Some(beginning) = question.beginning {
                segment.begin_with(beginning, &mut rows, &mut answer.crowded);
            }
            rows.sort_unstable();
            rows.dedup();
            // One byte of each person is loaded before any is compared: the loads wait for memory together.
            black_box(rows.iter().fold(0, |all, row| all ^ segment.record(*row).map_or(0, |record| record[0])));
            for row in rows.into_iter().filter(|row| !self.resident.is_dead(at, *row)) {
                let Some(registered) = segment.record(row).map(unpack) else {
                    continue;
                };
                answer.pairs += 1;
                let own = *frequency.get_or_insert_with(|| self.frequency(&question.listed[0]));
                let (bits, pattern, frequency) = self.judge(&question, own, &registered, &mut last);
                all.push((bits, base + row, pattern, frequency));
            }
            base += segment.rows;
        }
        // Whoever shares one key only may be left out before rivals are weighed.
        let key = |row: u32| self.resident.key_of(row);
        let kept = RIVALS.max(most);
        if all.len() > kept {
            all = self.best(all, kept);
        }
        all.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then_with(|| key(a.1).cmp(key(b.1))));
        let edges: Vec<Edge> =
            all.iter().map(|(bits, row, _, _)| Edge { left: 0, right: *row, bits: f64::from(*bits) }).collect();
        let bits = resolve::compete(&edges, false);
        answer.matches = all
            .iter()
            .zip(bits)
            .take(most)
            .map(|((own_bits, row, pattern, frequency), bits)| Match {
                left: 0,
                right: key(*row).into(),
                bits,
                pattern: *pattern,
                frequency: *frequency,
                own_bits: f64::from(*own_bits),
            })
            .collect();
        let initials = |row: u32| {
            question.initials.is_some_and(|typed| self.resident.person_of(row).is_some_and(|p| initials(&p) == typed))
        };
        answer.initials = all.iter().take(most).map(|(_, row, _, _)| initials(*row)).collect();
        answer.crowded.sort_unstable();
        answer.crowded.dedup();
        self.resident.sound()?;
        Ok(answer)
    }

    /// What speaks for and against a match that this finder gave, in bits that add up to [`Match::bits`].
    pub fn explain(&self, found: &Match) -> Vec<Evidence> {
        explain(found, &self.shares, &self.expected, self.resident.len())
    }

    /// The first `kept` of more, by bits and then by key. Thousands may be worth the same bits, as all whose number begins
    /// alike are, so that no key is fetched more than once.
    fn best(&self, mut all: Vec<Weighed>, kept: usize) -> Vec<Weighed> {
        let (_, last, _) = all.select_nth_unstable_by(kept - 1, |a, b| b.0.total_cmp(&a.0));
        let last = last.0;
        let (mut best, mut equal) = (Vec::with_capacity(kept), Vec::new());
        for one in all {
            match one.0.total_cmp(&last) {
                std::cmp::Ordering::Greater => best.push(one),
                std::cmp::Ordering::Equal => equal.push((self.resident.key_of(one.1), one)),
                std::cmp::Ordering::Less => {}
            }
        }
        let rest = kept - best.len();
        if equal.len() > rest {
            equal.select_nth_unstable_by(rest, |a, b| a.0.cmp(b.0));
            equal.truncate(rest);
        }
        best.extend(equal.into_iter().map(|(_, one)| one));
        best
    }

    fn frequency(&self, listed: &Person) -> Frequency {
        let [name, sound, phone] = crate::engine::block::counted(listed).map(|key| self.resident.count(key));
        Frequency { name, sound, phone }
    }

    /// The best way in which the question fits a person. `last` is what the last pattern was worth: neighbours often have
    /// the same.
    fn judge(
        &self,
        question: &Question,
        own: Frequency,
        registered: &Person,
        last: &mut Option<(Pattern, f32)>,
    ) -> (f32, Pattern, Frequency) {
        let (mut best, mut best_pattern, mut best_frequency) = (f32::NEG_INFINITY, None, own);
        for listed in &question.listed {
            let mut pattern = compare(listed, registered);
            let (mut frequency, mut by_own) = (own, true);
            if !question.sounds.is_empty() {
                let sound = registered.name.sound_hash(100);
                if question.sounds.contains(&sound) {
                    let mut levels = pattern.levels();
                    levels[NAME] = HOMOPHONE;
                    pattern = Pattern::new(levels);
                    frequency = Frequency { name: 0, sound: self.resident.count(sound), ..own };
                    by_own = false;
                }
            }
            let bits = match *last {
                Some((known, bits)) if by_own && known == pattern => bits,
                _ => {
                    let adjusted = frequency.adjust(pattern.levels(), &self.shares, self.resident.len());
                    let bits = self.expected.bits(pattern, adjusted);
                    if by_own {
                        *last = Some((pattern, bits));
                    }
                    bits
                }
            };
            if best_pattern.is_none() || bits > best {
                (best, best_pattern, best_frequency) = (bits, Some(pattern), frequency);
            }
        }
        (best, best_pattern.unwrap_or_else(|| Pattern::new([0; 6])), best_frequency)
    }
}

impl Question {
    fn of(row: &Row<'_>) -> Self {
        let letters = letters_of(row.name);
        let typed = letters.is_some();
        let person = Person::read(&Row { name: if typed { &[] } else { row.name }, ..*row });
        let mut question =
            Self { listed: vec![person], sounds: Vec::new(), lookups: Vec::new(), beginning: None, initials: None };
        let mut own = Keys::default();
        keys(&person, Side::List, &mut own);
        let found = own.block.iter().enumerate().filter(|(_, key)| **key != 0);
        question.lookups.extend(found.map(|(no, key)| (usize::from(RULE_OF[no]), *key)));
        // Without a date and a place a name leads to all who bear one that sounds so.
        let township = if person.village.depth == NAMED { Some(person.village.code) } else { person.village.prefix(9) };
        let anywhere = person.birth == 0 && township.is_none();
        if !person.name.is_empty() && anywhere {
            question.lookups.push((BY_SOUND, sound_key(person.name.sound_hash(100))));
        }
        if let Some(letters) = letters {
            for sounds in ways(&letters) {
                question.sounds.push(hash_sounds(100, &sounds));
            }
            for sound in &question.sounds {
                if let Some(township) = township {
                    question.lookups.push((SOUND_TOWNSHIP, in_township(township, *sound)));
                }
                if person.birth != 0 {
                    question.lookups.push((SOUND_YEAR, sound_and_year(*sound, person.birth)));
                    question.lookups.push((SOUND_DAY, sound_and_day(*sound, person.birth)));
                }
                if anywhere {
                    question.lookups.push((BY_SOUND, sound_key(*sound)));
                }
            }
            if letters.len() <= 8 {
                let packed = letters.bytes().fold(0, |all, letter| all << 8 | u64::from(letter));
                question.initials = Some(packed);
                if let Some(county) = person.village.prefix(6) {
                    question.lookups.push((BY_INITIALS, initials_key(county, packed)));
                }
            }
        }
        question.read_beginning(row.id_no);
        question
    }

    /// Takes an ID number as the beginning of one, where that is what it may be.
    fn read_beginning(&mut self, raw: &[u8]) {
        let digits = raw.trim_ascii();
        if !(6..=17).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
            return;
        }
        let mut bits = 0u128;
        for at in 0..18 {
            bits = bits << 4 | digits.get(at).map_or(15, |c| u128::from(c - b'0'));
        }
        let shown = digits.len().min(16) as u32;
        self.beginning = Some(((bits >> 8) as u64 >> (4 * (16 - shown)), shown));
        let id = PackedId { bits, kind: IdKind::Masked };
        let Some(first) = self.listed.first().copied() else {
            return;
        };
        if first.id.kind == IdKind::Missing {
            self.listed[0].id = id;
        } else {
            self.listed.push(Person { id, ..first });
        }
    }
}

const fn rule(name: &str) -> usize {
    let mut at = 0;
    while at < RULES.len() {
        if same(RULES[at].as_bytes(), name.as_bytes()) {
            return at;
        }
        at += 1;
    }
    RULES.len()
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

const SOUND_TOWNSHIP: usize = rule("sound_township");
const SOUND_YEAR: usize = rule("sound_year");
const SOUND_DAY: usize = rule("sound_day");

/// The plain small letters of a name that is typed in letters.
fn letters_of(name: &[u8]) -> Option<String> {
    let name = name.trim_ascii();
    if name.is_empty() || name.len() > LETTERS {
        return None;
    }
    let mut letters = String::new();
    for c in name {
        match c {
            b'a'..=b'z' | b'A'..=b'Z' => letters.push(c.to_ascii_lowercase() as char),
            b' ' | b'\'' | b'-' => {}
            _ => return None,
        }
    }
    (!letters.is_empty()).then_some(letters)
}

/// The ways to take letters apart into sounds, of at most twelve sounds.
fn ways(letters: &str) -> Vec<Vec<u16>> {
    let table = chars();
    let mut out = Vec::new();
    let mut open: Vec<(usize, Vec<u16>)> = vec![(0, Vec::new())];
    // Ways that lead nowhere are cut off too: letters that are no sounds must not take long.
    let mut steps = 0;
    while let Some((at, sounds)) = open.pop() {
        steps += 1;
        if out.len() >= WAYS || steps > 512 {
            break;
        }
        if at == letters.len() {
            out.push(sounds);
            continue;
        }
        if sounds.len() >= 12 {
            continue;
        }
        // The longest sound is tried first: it is pushed last.
        for len in 1..=6.min(letters.len() - at) {
            if let Some(sound) = letters.get(at..at + len).and_then(|part| table.written(part)) {
                let mut longer = sounds.clone();
                longer.push(sound);
                open.push((at + len, longer));
            }
        }
    }
    out
}

impl Segment {
    /// Adds the rows that stand under a key of a shelf.
    fn stand_under(&self, shelf: usize, key: u64, rows: &mut Vec<u32>, crowded: &mut Vec<&'static str>) {
        let directory = &self.shelves[shelf];
        let spread = spread(key);
        let bucket = directory.bucket(&self.file, spread);
        let tag = (spread >> (directory.shift - 8)) as u8;
        let entries = directory.entries(&self.file, bucket, 5);
        let name = match shelf {
            BY_SOUND => "sound",
            BY_INITIALS => "initials",
            rule => RULES.get(rule).copied().unwrap_or(""),
        };
        if entries.len() / 5 > GROUP && Self::under(entries, tag).nth(GROUP).is_some() {
            crowded.push(name);
            return;
        }
        let stands = |row: &u32| self.record(*row).is_some_and(|r| shelf_keys(&unpack(r), shelf).contains(&key));
        rows.extend(Self::under(entries, tag).filter(stands));
    }

    /// Adds the rows whose ID number begins so.
    fn begin_with(&self, (digits, shown): (u64, u32), rows: &mut Vec<u32>, crowded: &mut Vec<&'static str>) {
        let len = self.order.len() / 4;
        let row_at = |at: u64| {
            let bytes = self.file.part(self.order, at * 4, 4).first_chunk::<4>();
            bytes.map_or(u32::MAX, |bytes| u32::from_le_bytes(*bytes))
        };
        let head = |at: u64| {
            let id = self.record(row_at(at)).map(id_of).unwrap_or_default();
            (id.bits >> 8) as u64 >> (4 * (16 - shown))
        };
        let first = |reached: &dyn Fn(u64) -> bool| {
            let (mut low, mut high) = (0, len);
            while low < high {
                let middle = low + (high - low) / 2;
                if reached(head(middle)) { high = middle } else { low = middle + 1 }
            }
            low
        };
        let (from, to) = (first(&|h| h >= digits), first(&|h| h > digits));
        if to.saturating_sub(from) > GROUP as u64 {
            crowded.push("id_prefix");
            return;
        }
        rows.extend((from..to).map(row_at));
    }
}
