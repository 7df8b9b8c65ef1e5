//! Records that are typed already, from memory or from a database, instead of tables of text.

use std::io;

use super::person::{House, Name, PackedId, Person, Village};
use super::stream::People;
use super::{LinkError, Linked, List, Model, Options, ROW_BITS, judge};
use crate::record::Record;
use codes::Sex;

/// A registry that is handed out in batches, to several threads at once. Whatever a record costs, such as opening what is
/// sealed, is best done in [`Batches::next_batch`]: it runs on every thread.
pub trait Batches: Sync {
    /// Fills `batch`, which comes empty, with the next records; false when there are none left.
    ///
    /// # Errors
    /// Whatever the registry fails with.
    fn next_batch(&self, batch: &mut Vec<Record>) -> io::Result<bool>;
}

struct Typed<'a>(&'a dyn Batches);

impl People for Typed<'_> {
    type Piece = Vec<Record>;

    fn next_piece(&self, piece: &mut Vec<Record>, mut each: impl FnMut(&[u8], Person)) -> io::Result<bool> {
        piece.clear();
        let more = self.0.next_batch(piece)?;
        for record in piece.iter() {
            each(&record.key.to_be_bytes(), Person::of(record));
        }
        Ok(more)
    }
}

impl Person {
    fn of(record: &Record) -> Self {
        let id = PackedId::read(record.id.as_bytes());
        let birth = record.birth.map(|birth| birth.0);
        Self {
            id,
            phone: record.phone.map_or(0, phone),
            village: Village::of(record),
            name: Name::read(record.name.as_bytes()),
            birth: birth.or_else(|| id.birth()).unwrap_or(0),
            house: record.household.map_or_else(|| House::read(record.address.as_bytes()), House::named),
            sex: match record.sex {
                None => 0,
                Some(Sex::Male) => 1,
                Some(Sex::Female) => 2,
            },
        }
    }
}

impl Village {
    fn of(record: &Record) -> Self {
        let (digits, depth) = record.place.digits();
        let head = digits.iter().fold(0u64, |n, c| n * 10 + u64::from(c - b'0'));
        Self { code: head * 10u64.pow(12 - u32::from(depth)), depth }
    }
}

impl House {
    /// A household that both sides name by a key of its own takes the place of group and number.
    fn named(key: u64) -> Self {
        let part = |bits: u64| (bits as u16).max(1);
        Self { group: part(key >> 48), number: part(key >> 16) }
    }
}

/// A phone as the tables of text have it: at least seven digits, and no +86 before a mobile number.
fn phone(mut number: u64) -> u64 {
    if number / 100_000_000_000 == 86 {
        number %= 100_000_000_000;
    }
    if number < 1_000_000 { 0 } else { number }
}

impl List {
    /// Of typed records; rows are numbered in the order of their keys.
    ///
    /// # Errors
    /// If there are more than the engine can number (268 million).
    pub fn of(records: &[Record]) -> io::Result<Self> {
        if records.len() >= 1 << ROW_BITS {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "more than 268 million rows in the list"));
        }
        let mut rows: Vec<(Box<[u8]>, Person)> =
            records.iter().map(|record| (Box::from(record.key.to_be_bytes()), Person::of(record))).collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.lot(&a.0).cmp(&b.1.lot(&b.0))));
        let (keys, people) = rows.into_iter().unzip();
        Ok(Self { keys, people })
    }
}

/// Links records to a registry that is read once. The model's numbers of matches and kin are taken as they are unless it is
/// trained, so that what is found for one row does not depend on which others are asked with it. The keys of both sides
/// are the 16 bytes of [`Record::key`], the highest first; [`Record::key_of`] reads them back.
///
/// Memory: as [`link()`](super::link()).
///
/// # Errors
/// If the registry fails or the model is not valid.
pub fn link_records(list: &List, registry: &dyn Batches, model: &Model, options: Options) -> Result<Linked, LinkError> {
    judge(list, &Typed(registry), model, options, false, false).map(|(linked, _)| linked)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::engine::{BlockReader, FIELDS, link};
    use crate::record::{Birth, Place};

    struct Held(Mutex<Vec<Vec<Record>>>);

    impl Held {
        fn new(mut records: Vec<Record>, size: usize) -> Self {
            let mut batches = Vec::new();
            while !records.is_empty() {
                batches.push(records.split_off(records.len().saturating_sub(size)));
            }
            Self(Mutex::new(batches))
        }
    }

    impl Batches for Held {
        fn next_batch(&self, batch: &mut Vec<Record>) -> io::Result<bool> {
            Ok(self.0.lock().unwrap().pop().map(|mut records| batch.append(&mut records)).is_some())
        }
    }

    const NAMES: [&str; 6] = ["王建国", "李秀英", "张伟", "章玮", "买买提·艾力", "欧阳娜娜"];

    fn record(key: u128) -> Record {
        let n = key as usize;
        let head = format!("990101{}{:02}{:02}{:03}", 1950 + n % 50, 1 + n % 12, 1 + n % 28, n % 1000);
        let check = codes::citizen_id::check_char(&head).unwrap();
        Record {
            key,
            id: if n.is_multiple_of(3) { String::new() } else { format!("{head}{check}") },
            name: NAMES[n % 6].to_owned(),
            sex: [None, Some(Sex::Male), Some(Sex::Female)][n % 3],
            birth: (!n.is_multiple_of(5))
                .then(|| Birth::new(1950 + (n % 50) as i32, 1 + n as u32 % 12, 1 + n as u32 % 28)),
            phone: (!n.is_multiple_of(4)).then_some(8_613_900_000_000 + n as u64 % 700),
            place: Place::new(&format!("990101001{:03}", n % 7)),
            address: format!("{}组{}号", n % 9 + 1, n % 150 + 1),
            household: None,
        }
    }

    fn csv(header: &str, records: &[Record]) -> Vec<u8> {
        let mut text = format!("{header},name,sex,id_no,birth,phone,village,address\n");
        for r in records {
            let (place, depth) = r.place.digits();
            assert_eq!(depth, 12);
            text.push_str(&format!(
                "{:020},{},{},{},{},{},{},{}\n",
                r.key,
                r.name,
                r.sex.map_or("", Sex::zh),
                r.id,
                r.birth
                    .map(|b| format!("{}-{:02}-{:02}", b.0 / 10_000, b.0 / 100 % 100, b.0 % 100))
                    .unwrap_or_default(),
                r.phone.map(|p| format!("+{p}")).unwrap_or_default(),
                std::str::from_utf8(place).unwrap(),
                r.address
            ));
        }
        text.into_bytes()
    }

    #[test]
    fn typed_records_are_judged_as_the_same_table_of_text() {
        let registry: Vec<Record> = (0..4_000).map(record).collect();
        let list: Vec<Record> = registry.iter().step_by(17).cloned().collect();
        let options = Options { threads: 2, min_bits: -5.0, ..Options::default() };
        let held = Held::new(registry.clone(), 300);
        let typed = judge(&List::of(&list).unwrap(), &Typed(&held), &Model::prior(), options, true, false).unwrap().0;
        let (list, registry) = (csv("qid", &list), csv("rid", &registry));
        let (blocks, columns) = BlockReader::new(list.as_slice()).unwrap();
        let rows = List::read(&blocks, &columns).unwrap();
        let (blocks, columns) = BlockReader::new(registry.as_slice()).unwrap();
        let text = link(&rows, &blocks, &columns, &Model::prior(), options).unwrap();
        assert!(typed.matches.len() > 200);
        assert_eq!(typed.matches.len(), text.matches.len());
        for (a, b) in typed.matches.iter().zip(&text.matches) {
            let key: u128 = std::str::from_utf8(&b.right).unwrap().parse().unwrap();
            assert_eq!((a.left, Record::key_of(&a.right), a.pattern), (b.left, Some(key), b.pattern));
            assert!((a.bits - b.bits).abs() < 1e-9);
        }
    }

    #[test]
    fn one_row_is_judged_as_it_is_among_many() {
        let registry: Vec<Record> = (0..2_000).map(record).collect();
        let list: Vec<Record> = registry.iter().step_by(23).cloned().collect();
        let options = Options { threads: 1, min_bits: -10.0, ..Options::default() };
        let run = |list: &[Record]| {
            let held = Held::new(registry.clone(), 64);
            link_records(&List::of(list).unwrap(), &held, &Model::prior(), options).unwrap().matches
        };
        let together = run(&list);
        for (at, row) in list.iter().enumerate() {
            let alone = run(std::slice::from_ref(row));
            let among: Vec<_> = together.iter().filter(|m| m.left == at as u32).collect();
            assert_eq!(alone.len(), among.len());
            for (a, b) in alone.iter().zip(among) {
                assert_eq!((&a.right, a.pattern), (&b.right, b.pattern));
                // Logarithms of larger lists are larger, and rounded so.
                assert!((a.bits - b.bits).abs() < 1e-4, "{} {}", a.bits, b.bits);
            }
        }
    }

    #[test]
    fn a_household_of_one_name_on_both_sides_is_found_by_it() {
        let village = Place::new("990101001001");
        let member = |key, name: &str, household| Record {
            key,
            name: name.to_owned(),
            place: village,
            household: Some(household),
            ..Record::default()
        };
        let registry = vec![member(1, "王建国", 0xabcd_0000_1234_0000), member(2, "赵一", 7)];
        let list = List::of(&[member(9, "孙丽", 0xabcd_0000_1234_0000)]).unwrap();
        let options = Options { min_bits: -40.0, ..Options::default() };
        let found = link_records(&list, &Held::new(registry, 9), &Model::prior(), options).unwrap();
        assert_eq!(found.matches.len(), 1);
        let m = &found.matches[0];
        assert_eq!(Record::key_of(&m.right), Some(1));
        assert_eq!(FIELDS[5].levels[m.pattern.levels()[5]], "house");
        assert!(m.bits < -5.0, "kin are no match: {}", m.bits);
    }

    #[test]
    fn what_is_partly_known_says_what_it_can() {
        let person = Person::of(&Record { birth: Some(Birth::of_year(1965)), phone: Some(110), ..Record::default() });
        assert_eq!((person.birth, person.phone), (19_650_101, 0));
        let nobody = Person::of(&Record::default());
        assert!(nobody.name.is_empty() && nobody.birth == 0 && nobody.village.depth == 0 && nobody.house.group == 0);
        let masked = Person::of(&Record { id: "3403**********1012".to_owned(), ..Record::default() });
        assert!(masked.id.ends().is_some());
    }
}
