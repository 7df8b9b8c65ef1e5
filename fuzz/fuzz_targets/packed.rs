//! A packed register of any bytes, or a good one that was spoilt, its sums made to fit or not.
#![no_main]

use fuzz::{PACKED, ask, spoil};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    if kind % 8 == 0 {
        ask(rest, None);
    } else {
        ask(&spoil(&PACKED.fresh, rest), None);
    }
});
