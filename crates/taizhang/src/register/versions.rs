//! What changed from version to version of a record, field by field.

use std::collections::BTreeMap;

use base64::Engine;
use serde_json::Value;

use crate::platform::Vault;

use super::mask;
use super::model::{FieldChange, StoredVersion, VersionChange};

/// Columns that say nothing about the household itself.
const TECHNICAL: [&str; 26] = [
    "id",
    "household_id",
    "person_id",
    "name_folded",
    "pinyin",
    "initials",
    "id_index",
    "phone_index",
    "version",
    "fingerprint",
    "import_id",
    "sheet",
    "line",
    "as_of",
    "recorded_at",
    "file_name",
    "work_division",
    "head_person_no",
    "entity_id",
    "superseded_at",
    "superseded_by",
    "subsistence",
    "destitute",
    "serious_insured",
    "fallow_area",
    "eco_compensation",
];

/// A newest version: what the superseded ones led to.
#[derive(Debug, Clone)]
pub(super) struct Newest {
    pub(super) about: String,
    pub(super) version: i64,
    pub(super) as_of: String,
    pub(super) file: String,
    pub(super) data: Value,
}

/// The changes of one record: `old` are its superseded versions in any order.
pub(super) fn changes(vault: &Vault, mut old: Vec<StoredVersion>, newest: &Newest) -> Vec<VersionChange> {
    old.sort_by_key(|v| v.version);
    let mut out = Vec::with_capacity(old.len());
    for (at, before) in old.iter().enumerate() {
        let parsed;
        let (version, as_of, file, data) = match old.get(at + 1) {
            Some(next) => {
                parsed = parse(&next.data);
                (next.version, &next.as_of, &next.file_name, &parsed)
            }
            None => (newest.version, &newest.as_of, &newest.file, &newest.data),
        };
        out.push(VersionChange {
            entity: before.entity.clone(),
            about: newest.about.clone(),
            version,
            at: before.superseded_at,
            as_of: as_of.clone(),
            file: file.clone(),
            changes: diff(vault, &before.entity, &parse(&before.data), data),
        });
    }
    out.reverse();
    out
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

/// The fields that differ between two versions as JSON objects by column. Sealed fields are opened, compared and
/// masked; `attrs` and `items` are compared header by header.
pub(super) fn diff(vault: &Vault, entity: &str, old: &Value, new: &Value) -> Vec<FieldChange> {
    let (old, new) = (flat(vault, entity, old), flat(vault, entity, new));
    let mut out = Vec::new();
    let none = Shown::default();
    for (field, after) in &new {
        let before = old.get(field).unwrap_or(&none);
        if before.compared != after.compared {
            out.push(FieldChange { field: field.clone(), old: before.shown.clone(), new: after.shown.clone() });
        }
    }
    for (field, before) in &old {
        if !new.contains_key(field) && !before.compared.is_empty() {
            out.push(FieldChange { field: field.clone(), old: before.shown.clone(), new: String::new() });
        }
    }
    out
}

/// A value to compare, and as it may be shown.
#[derive(Debug, Clone, Default)]
struct Shown {
    compared: String,
    shown: String,
}

fn flat(vault: &Vault, entity: &str, value: &Value) -> BTreeMap<String, Shown> {
    let mut out = BTreeMap::new();
    let Value::Object(columns) = value else {
        return out;
    };
    for (column, value) in columns {
        if TECHNICAL.contains(&column.as_str()) {
            continue;
        }
        if column == "attrs" || column == "items" {
            let kept = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            for (header, value) in super::attrs::open(&kept) {
                out.insert(header, plain(text(&value)));
            }
            continue;
        }
        if let Some(field) = column.strip_suffix("_enc") {
            let opened = value
                .as_str()
                .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok())
                .and_then(|bytes| vault.open_text(&format!("{entity}.{field}"), &bytes).ok())
                .unwrap_or_default();
            let shown = mask(field, &opened);
            out.insert(field.to_owned(), Shown { compared: opened, shown });
            continue;
        }
        let shown = match value {
            Value::String(inner) if column == "risks" => text(&parse(inner)),
            other => text(other),
        };
        out.insert(column.clone(), plain(shown));
    }
    out
}

fn plain(shown: String) -> Shown {
    Shown { compared: shown.clone(), shown }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "是".to_owned(),
        Value::Bool(false) => "否".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            // 12.0 and 12 are the same amount, whoever wrote the JSON.
            Some(real) if real.fract() == 0.0 && real.abs() < 1e15 => format!("{real:.0}"),
            _ => number.to_string(),
        },
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join("、"),
        Value::Object(map) => {
            map.iter().map(|(key, value)| format!("{key}：{}", text(value))).collect::<Vec<_>>().join("；")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn vault() -> Vault {
        Vault::from_keys(&[7; 32], &[8; 32])
    }

    fn sealed(place: &str, plain: &str) -> String {
        base64::engine::general_purpose::STANDARD.encode(vault().seal(place, plain.as_bytes()).unwrap())
    }

    #[test]
    fn only_what_differs_is_named_and_personal_values_are_masked() {
        let old = json!({"head_name": "张伟", "member_count": 4, "fingerprint": 1, "dangerous_house": false,
            "phone_enc": sealed("household.phone", "13812345678"), "attrs": {"住房面积": "96", "民族": "汉族"}});
        let new = json!({"head_name": "张伟", "member_count": 5.0, "fingerprint": 2, "dangerous_house": true,
            "phone_enc": sealed("household.phone", "13812340000"), "attrs": "{\"住房面积\":\"120\",\"民族\":\"汉族\"}"});
        let changes = diff(&vault(), "household", &old, &new);
        let named: Vec<&str> = changes.iter().map(|c| c.field.as_str()).collect();
        assert_eq!(named, ["dangerous_house", "member_count", "phone", "住房面积"]);
        assert_eq!(changes[1].old, "4");
        assert_eq!(changes[1].new, "5");
        assert!(changes[2].old.contains("****") && !changes[2].old.contains("12345678"));
        assert_eq!((changes[3].old.as_str(), changes[3].new.as_str()), ("96", "120"));
    }

    #[test]
    fn the_same_number_sealed_anew_is_no_change() {
        let make = || json!({"id_enc": sealed("person.id", "99032319650503101X")});
        assert_eq!(diff(&vault(), "person", &make(), &make()), []);
    }

    #[test]
    fn versions_are_compared_with_the_next_and_the_last_with_what_is_in_force() {
        let version = |n: i64, name: &str| StoredVersion {
            entity: "household".to_owned(),
            entity_id: uuid::Uuid::nil(),
            version: n,
            data: json!({ "head_name": name }).to_string(),
            as_of: format!("2020-0{n}-01"),
            recorded_at: n,
            superseded_at: n * 10,
            file_name: format!("{n}.xlsx"),
        };
        let newest = Newest {
            about: String::new(),
            version: 3,
            as_of: "2020-03-01".to_owned(),
            file: "3.xlsx".to_owned(),
            data: json!({"head_name": "丙"}),
        };
        let found = changes(&vault(), vec![version(2, "乙"), version(1, "甲")], &newest);
        let steps: Vec<(i64, &str, &str, &str)> = found
            .iter()
            .map(|c| (c.version, c.file.as_str(), c.changes[0].old.as_str(), c.changes[0].new.as_str()))
            .collect();
        assert_eq!(steps, [(3, "3.xlsx", "乙", "丙"), (2, "2.xlsx", "甲", "乙")]);
    }
}
