//! Models of any text: refused, or good for every use.
#![no_main]

use fuzz::{list, parts, questions, register, table};
use libfuzzer_sys::fuzz_target;
use linkage::engine::{Model, Options, Pattern, Sighting, link_and_keep};
use linkage::schema::{DedupeOptions, Rows, Schema, SchemaModel, dedupe};

const SCHEMA: &str = "key = 'id'\n[[column]]\nname = 'name'\nkind = 'name'\n[[column]]\nname = 'born'\nkind = 'date'\n";
const ROWS: &str =
    "id,name,born\n1,ann lee,1990-01-02\n2,ann lee,1990-01-02\n3,bo tan,1970-05-06\n4,bo tam,1970-05-06\n";

fn engine(model: &Model) {
    let text = model.to_toml().expect("a model is a text");
    assert!(Model::from_toml(&text).is_ok());
    let list = list(questions().as_bytes()).expect("a list");
    let text = register();
    let (blocks, columns) = table(text.as_bytes()).expect("a table");
    let options = Options { one_to_one: true, min_bits: -30.0, ..Options::default() };
    let (linked, all) = link_and_keep(&list, &blocks, &columns, model, options).expect("linked");
    assert!(all.iter().all(|m| !m.bits.is_nan()));
    let outlook = linked.report.outlook(0.0, model);
    assert!(!outlook.f1().is_nan() && !outlook.missed.is_nan());
    let same = |pattern: &Pattern| pattern.levels()[0] == 1;
    let seen: Vec<Sighting> =
        all.iter().map(|m| Sighting { pattern: m.pattern, bits: m.bits, same: same(&m.pattern) }).collect();
    if let Ok(labelled) = model.with_labels(&seen) {
        let text = labelled.to_toml().expect("a model is a text");
        Model::from_toml(&text).expect("what labels made is a model");
    }
}

/// The shipped model with lines replaced: number of the line, then what stands there.
fn edited(how: &str) -> String {
    let mut lines: Vec<String> =
        include_str!("../../crates/taizhang/models/default.toml").lines().map(str::to_owned).collect();
    for edit in how.lines() {
        if let Some((at, text)) = edit.split_once(' ')
            && let Ok(at) = at.parse::<usize>()
            && let Some(line) = lines.get_mut(at)
        {
            *line = match (line.split_once('='), text.strip_prefix('=')) {
                (Some((key, _)), Some(value)) => format!("{key}={value}"),
                _ => text.to_owned(),
            };
        }
    }
    lines.join("\n")
}

fuzz_target!(|data: &[u8]| {
    let [kind, text] = parts::<2>(data);
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    match kind.first().copied().unwrap_or(0) % 4 {
        0 => {
            if let Ok(model) = Model::from_toml(text) {
                engine(&model);
            }
        }
        1 => {
            if let Ok(model) = SchemaModel::from_toml(text) {
                let schema = Schema::from_toml(SCHEMA).expect("a schema");
                let rows = Rows::read(&schema, 0, ROWS.as_bytes()).expect("rows");
                let options = DedupeOptions { model: Some(model), ..DedupeOptions::default() };
                let _ = dedupe(&schema, &rows, &options);
            }
        }
        _ => {
            if let Ok(model) = Model::from_toml(&edited(text)) {
                engine(&model);
            }
        }
    }
});
