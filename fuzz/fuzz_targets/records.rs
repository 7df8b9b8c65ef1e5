//! Typed records of any content, as the product hands them over.
#![no_main]

use std::io;
use std::sync::Mutex;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use linkage::engine::{Batches, List, Model, Options, link_records};
use linkage::{Birth, Place, Record};

#[derive(Debug, Arbitrary)]
struct Loose {
    key: u8,
    id: String,
    name: String,
    sex: Option<bool>,
    birth: Option<u32>,
    phone: Option<u64>,
    place: String,
    address: String,
    household: Option<u64>,
}

impl From<Loose> for Record {
    fn from(loose: Loose) -> Self {
        Self {
            key: loose.key.into(),
            id: loose.id,
            name: loose.name,
            sex: loose.sex.map(|male| if male { codes::Sex::Male } else { codes::Sex::Female }),
            birth: loose.birth.map(Birth),
            phone: loose.phone,
            place: Place::new(&loose.place),
            address: loose.address,
            household: loose.household,
        }
    }
}

struct Held(Mutex<Vec<Record>>);

impl Batches for Held {
    fn next_batch(&self, batch: &mut Vec<Record>) -> io::Result<bool> {
        if let Ok(mut held) = self.0.lock() {
            batch.append(&mut held);
        }
        Ok(!batch.is_empty())
    }
}

fuzz_target!(|data: &[u8]| {
    let mut input = Unstructured::new(data);
    let Ok((one_to_one, train, list, registry)) = <(bool, bool, Vec<Loose>, Vec<Loose>)>::arbitrary(&mut input) else {
        return;
    };
    // One record on both sides: two that never meet exercise little.
    let list: Vec<Record> = list.into_iter().map(Into::into).collect();
    let mut registry: Vec<Record> = registry.into_iter().map(Into::into).collect();
    registry.extend(list.first().cloned());
    let held = List::of(&list).expect("few");
    let options = Options { one_to_one, train, min_bits: -30.0, ..Options::default() };
    let linked = link_records(&held, &Held(Mutex::new(registry)), &Model::prior(), options).expect("linked");
    assert!(linked.matches.iter().all(|m| m.bits.is_finite() && Record::key_of(&m.right).is_some()));
});
