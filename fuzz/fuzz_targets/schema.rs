//! A schema of any text, and tables of any bytes that it is held against.
#![no_main]

use fuzz::parts;
use libfuzzer_sys::fuzz_target;
use linkage::schema::{DedupeOptions, LinkOptions, Rows, Schema, SchemaModel, dedupe, link};

fuzz_target!(|data: &[u8]| {
    let [text, left, right] = parts::<3>(data);
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let schema = match Schema::from_toml(text) {
        Ok(schema) => schema,
        Err(problem) => {
            let _ = problem.to_string();
            return;
        }
    };
    let rows = match Rows::read(&schema, 0, left) {
        Ok(rows) => rows,
        Err(problem) => {
            let _ = problem.to_string();
            return;
        }
    };
    let found = dedupe(&schema, &rows, &DedupeOptions::default()).expect("no model was given");
    assert_eq!(found.clusters.len(), rows.len());
    assert!(found.clusters.iter().all(|c| found.clusters[*c as usize] == *c));
    if let Ok(right) = Rows::read(&schema, 1, right) {
        let options = LinkOptions { one_to_one: true, min_bits: -50.0, ..LinkOptions::default() };
        let linked = link(&schema, &rows, &right, &options).expect("no model was given");
        for (at, pair) in linked.pairs.iter().enumerate() {
            let sum: f64 = linked.explain(at).iter().map(|e| e.bits).sum();
            assert!(pair.bits.is_finite() && (sum - pair.bits).abs() < 1e-2, "{sum} {}", pair.bits);
        }
        if let Ok(text) = linked.model.to_toml() {
            SchemaModel::from_toml(&text).expect("what was learned is a model");
        }
    }
});
