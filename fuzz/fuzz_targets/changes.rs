//! The changes beside a good register: any bytes, or good ones that were spoilt, their sums made to fit or not.
#![no_main]

use fuzz::{PACKED, ask, spoil};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    // A register that knows which changes it had takes no others.
    let register = if kind & 16 == 0 { &PACKED.fresh } else { &PACKED.updated };
    if kind % 8 == 0 {
        ask(register, Some(rest));
    } else {
        ask(register, Some(&spoil(&PACKED.changes, rest)));
    }
});
