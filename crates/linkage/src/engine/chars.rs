//! What is known of each character of a name: usual form, sounds, shape. Built once from `codes::name`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::hash::Mix;

/// The block that nearly all names are written in.
const FIRST: u16 = 0x3400;
const LAST: u16 = 0x9fff;

/// What every name asks for of a character, in one place.
#[derive(Clone, Copy)]
struct Usual {
    fold: u16,
    sound: u16,
    /// At the head of a name, where surnames are read their own way.
    surname: u16,
}

pub(super) struct Chars {
    usual: Vec<Usual>,
    /// Dialect sound, and that at the head of a name.
    fuzzy: Vec<u16>,
    fuzzy_surname: Vec<u16>,
    /// Which of `readings` a character of several readings has; 0 where it has one or none.
    several: Vec<u16>,
    readings: Vec<Vec<u16>>,
    /// Groups of [`SHAPES`] that a character is in.
    shapes: HashMap<u16, Vec<u16>>,
    /// Sounds by how they are written in letters.
    written: HashMap<String, u16>,
    /// First letter of each sound.
    initials: Vec<u8>,
}

/// Characters that are taken for each other on paper, by group.
const SHAPES: &str = include_str!("../../data/shapes.txt");

static CHARS: LazyLock<Chars> = LazyLock::new(Chars::build);

/// The table, built on first use.
pub(super) fn chars() -> &'static Chars {
    &CHARS
}

/// A character outside of the block sounds like itself and nothing else.
fn own_sound(c: u16) -> u16 {
    if c < 0x1000 { 0xf000 | c } else { c }
}

/// What `codes::name` knows of one character.
struct Looked {
    simple: u16,
    readings: Vec<&'static str>,
    surname: String,
    surname_class: String,
    /// Of the character behind another.
    class: String,
}

impl Looked {
    fn up(code: u16) -> Self {
        let folded = codes::name::fold(&String::from_iter(char::from_u32(u32::from(code))));
        let simple = folded.chars().next().unwrap_or(' ');
        Self {
            simple: u16::try_from(u32::from(simple)).unwrap_or(code),
            readings: codes::name::readings(simple),
            surname: codes::name::pinyin(&folded),
            surname_class: codes::name::fuzzy_pinyin(&folded),
            class: codes::name::fuzzy_pinyin(&format!("a{folded}")),
        }
    }
}

impl Chars {
    fn build() -> Self {
        let len = usize::from(LAST - FIRST) + 1;
        let mut table = Self {
            usual: Vec::with_capacity(len),
            fuzzy: Vec::with_capacity(len),
            fuzzy_surname: Vec::with_capacity(len),
            several: Vec::with_capacity(len),
            readings: vec![Vec::new()],
            shapes: HashMap::new(),
            written: HashMap::new(),
            initials: Vec::new(),
        };
        for (group, line) in SHAPES.lines().filter(|line| !line.starts_with('#')).enumerate() {
            for unit in line.encode_utf16() {
                table.shapes.entry(unit).or_default().push(group as u16);
            }
        }
        let mut ids: HashMap<String, u16> = HashMap::new();
        let mut id = |reading: &str, c: u16| {
            if reading.is_empty() {
                return own_sound(c);
            }
            let next = ids.len() as u16 + 1;
            *ids.entry(reading.to_owned()).or_insert(next)
        };
        // Looking characters up is most of the work, and the first thing that a program waits for.
        let codes: Vec<u16> = (FIRST..=LAST).collect();
        let parts: Vec<Vec<Looked>> = std::thread::scope(|scope| {
            let workers: Vec<_> = codes
                .chunks(len.div_ceil(4))
                .map(|part| scope.spawn(move || part.iter().map(|code| Looked::up(*code)).collect()))
                .collect();
            workers.into_iter().map(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        });
        // A dialect class is a reading of its own kind: the mark keeps "lan" the sound apart from "lan" the class.
        let mark = |class: &str| if class.is_empty() { String::new() } else { format!("~{class}") };
        for looked in parts.into_iter().flatten() {
            let c = looked.simple;
            table.usual.push(Usual {
                fold: c,
                sound: id(looked.readings.first().copied().unwrap_or(""), c),
                surname: id(&looked.surname, c),
            });
            table.fuzzy.push(id(&mark(looked.class.get(1..).unwrap_or("")), c));
            table.fuzzy_surname.push(id(&mark(&looked.surname_class), c));
            if looked.readings.len() > 1 {
                table.several.push(table.readings.len() as u16);
                table.readings.push(looked.readings.iter().map(|r| id(r, c)).collect());
            } else {
                table.several.push(0);
            }
        }
        table.initials = vec![0; ids.len() + 1];
        for (reading, id) in &ids {
            let first = reading.bytes().next().unwrap_or(0);
            table.initials[usize::from(*id)] = if first.is_ascii_lowercase() { first } else { 0 };
        }
        table.written = ids;
        table
    }

    /// The sound that is written so in plain letters (ü as v).
    pub(super) fn written(&self, letters: &str) -> Option<u16> {
        self.written.get(letters).copied()
    }

    /// The letter that a sound begins with; 0 where it is not written in letters.
    #[inline]
    pub(super) fn initial(&self, sound: u16) -> u8 {
        self.initials.get(usize::from(sound)).copied().unwrap_or(0)
    }

    /// Differs where any character is taken to sound or to be written otherwise: keys made with other tables do not
    /// meet.
    pub(super) fn print(&self) -> u64 {
        let all = self.usual.iter().flat_map(|usual| [usual.fold, usual.sound, usual.surname]);
        all.fold(Mix::new(200), |mix, unit| mix.word(u64::from(unit))).end()
    }

    #[inline]
    fn at<T: Copy>(table: &[T], c: u16) -> Option<T> {
        table.get(usize::from(c.wrapping_sub(FIRST))).copied()
    }

    /// The usual form.
    #[inline]
    pub(super) fn fold(&self, c: u16) -> u16 {
        Self::at(&self.usual, c).map_or(c, |usual| usual.fold)
    }

    /// The usual sound at this place of a name.
    #[inline]
    pub(super) fn sound(&self, c: u16, place: usize) -> u16 {
        let usual = Self::at(&self.usual, c);
        usual.map_or_else(|| own_sound(c), |usual| if place == 0 { usual.surname } else { usual.sound })
    }

    /// The class of sounds that dialects do not tell apart.
    #[inline]
    pub(super) fn fuzzy(&self, c: u16, place: usize) -> u16 {
        let table = if place == 0 { &self.fuzzy_surname } else { &self.fuzzy };
        Self::at(table, c).unwrap_or_else(|| own_sound(c))
    }

    /// Whether two characters can be read alike, by any of their readings.
    pub(super) fn homophones(&self, a: u16, b: u16, place: usize) -> bool {
        if a == b || self.sound(a, place) == self.sound(b, place) {
            return true;
        }
        let (p, q) = (Self::at(&self.several, a).unwrap_or(0), Self::at(&self.several, b).unwrap_or(0));
        if p == 0 && q == 0 {
            return false;
        }
        let (x, y) = ([self.sound(a, 1)], [self.sound(b, 1)]);
        let all = |which: u16| self.readings.get(usize::from(which)).filter(|r| !r.is_empty()).map(Vec::as_slice);
        let (all_a, all_b) = (all(p).unwrap_or(&x), all(q).unwrap_or(&y));
        all_a.iter().any(|r| all_b.contains(r))
    }

    /// Whether two characters share the body beside their radical.
    pub(super) fn look_alike(&self, a: u16, b: u16) -> bool {
        match (self.shapes.get(&a), self.shapes.get(&b)) {
            (Some(x), Some(y)) => x.iter().any(|group| y.contains(group)),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn c(text: &str) -> u16 {
        text.chars().next().map_or(0, |c| c as u16)
    }

    #[test]
    fn sounds_and_forms() {
        let t = chars();
        assert_eq!(t.fold(c("偉")), c("伟"));
        assert_eq!(t.sound(c("伟"), 1), t.sound(c("玮"), 1));
        assert_ne!(t.sound(c("伟"), 1), t.sound(c("强"), 1));
        assert_eq!(t.sound(c("单"), 0), t.sound(c("善"), 1));
        assert_eq!(t.fuzzy(c("陈"), 0), t.fuzzy(c("程"), 0));
        assert_ne!(t.fuzzy(c("陈"), 0), t.sound(c("陈"), 0));
        assert!(t.homophones(c("曾"), c("增"), 1));
        assert!(!t.homophones(c("曾"), c("强"), 1));
        assert!(t.look_alike(c("清"), c("静")) == t.look_alike(c("静"), c("清")));
        assert!(t.look_alike(c("伟"), c("纬")) && t.look_alike(c("未"), c("末")));
        assert!(!t.look_alike(c("伟"), c("强")));
        // Characters without a reading are themselves only.
        assert_ne!(t.sound(c("A"), 1), t.sound(c("B"), 1));
    }
}
