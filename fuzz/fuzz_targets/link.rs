//! A list and a register of any bytes: linked in every way, and the register against itself.
#![no_main]

use fuzz::{list, parts, table};
use libfuzzer_sys::fuzz_target;
use linkage::engine::{DedupeOptions, Model, Options, Register, dedupe, link};

fuzz_target!(|data: &[u8]| {
    let [flags, left, right] = parts::<3>(data);
    let flags = flags.first().copied().unwrap_or(0);
    let (one_to_one, train) = (flags & 1 != 0, flags & 2 != 0);
    let Some(list) = list(left) else {
        return;
    };
    let run = |threads| {
        let (blocks, columns) = table(right)?;
        let options = Options { threads, one_to_one, train, min_bits: -30.0 };
        Some(link(&list, &blocks, &columns, &Model::prior(), options).expect("linked"))
    };
    if let Some(linked) = run(1) {
        let mut before = None;
        for (m, evidence) in linked.explain() {
            assert!(m.bits.is_finite());
            let sum: f64 = evidence.iter().map(|e| e.bits).sum();
            assert!((sum - m.bits).abs() < 1e-3, "{sum} {}", m.bits);
            assert!(!one_to_one || before != Some(m.left));
            before = Some(m.left);
        }
        let text = linked.model.to_toml().expect("a model");
        Model::from_toml(&text).expect("what was learned is a model");
        if flags & 4 != 0 {
            let other = run(3).expect("the same table");
            assert_eq!(linked.matches, other.matches);
            assert_eq!(linked.model, other.model);
        }
    }
    if flags & 8 != 0
        && let Some((blocks, columns)) = table(right)
    {
        let register = Register::read(&blocks, &columns, 1).expect("a register");
        let options = DedupeOptions { train, ..DedupeOptions::default() };
        let found = dedupe(&register, &Model::prior(), options).expect("compared");
        for (pair, evidence) in found.explain() {
            assert!(pair.bits.is_finite() && evidence.iter().all(|e| e.bits.is_finite()));
        }
    }
});
