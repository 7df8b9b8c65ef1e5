//! The rows of the register as intake writes them: one definition gives the insert, the update and the kept version.

use base64::Engine;
use uuid::Uuid;

use crate::platform::Value;

/// A table of the register that files write.
pub(super) trait Entity: serde::Serialize + Send + 'static {
    /// `INSERT INTO table (columns)`.
    const INSERT: &'static str;
    /// The clause that makes an insert an update of the row with the same key.
    const UPSERT: &'static str;
    /// All columns of the rows with the ids `$1` to `$20`.
    const SELECT: &'static str;
    /// The name in `record_version`.
    const NAME: &'static str;
    /// The values, in the order of the columns.
    fn values(self) -> Vec<Value>;
    /// What its versions are kept under.
    fn id(&self) -> Uuid;
    /// Where it lies.
    fn division(&self) -> &str;
    /// Its version and the day it speaks of.
    fn version(&self) -> (i64, &str, i64, Uuid);

    /// What `record_version.data` keeps: the columns, sealed ones as base64.
    fn kept(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(columns) = value.as_object_mut() {
            for (name, column) in columns.iter_mut() {
                if name.ends_with("_enc")
                    && let Some(bytes) = column.as_array()
                {
                    let bytes: Vec<u8> =
                        bytes.iter().filter_map(|b| b.as_u64().and_then(|b| u8::try_from(b).ok())).collect();
                    *column = base64::engine::general_purpose::STANDARD.encode(bytes).into();
                }
            }
        }
        value.to_string()
    }
}

macro_rules! entity {
    ($(#[$meta:meta])* $name:ident, $table:literal, key $key:literal, id $id:literal, $first:ident: $first_type:ty, $second:ident: $second_type:ty $(, $field:ident: $type:ty)* $(,)?
        $(; $kept:ident: $kept_type:ty = $update:literal)*) => {
        $(#[$meta])*
        #[derive(Debug, Clone, serde::Serialize, sqlx::FromRow)]
        pub(super) struct $name {
            pub(super) $first: $first_type,
            pub(super) $second: $second_type,
            $(pub(super) $field: $type,)*
            $(pub(super) $kept: $kept_type,)*
        }

        impl Entity for $name {
            const INSERT: &'static str =
                concat!("INSERT INTO ", $table, " (", stringify!($first), ", ", stringify!($second), $(", ", stringify!($field),)*
                    $(", ", stringify!($kept),)* ")");
            const UPSERT: &'static str = concat!(
                // The key names the same thing, so the first column, its id, stays what it was: others point to it.
                "ON CONFLICT (", $key, ") DO UPDATE SET ", stringify!($second), " = excluded.", stringify!($second),
                $(", ", stringify!($field), " = excluded.", stringify!($field),)*
                $(", ", stringify!($kept), " = ", $update,)*
            );
            const SELECT: &'static str =
                concat!("SELECT ", stringify!($first), ", ", stringify!($second), $(", ", stringify!($field),)*
                    $(", ", stringify!($kept),)* " FROM ", $table,
                    " WHERE ", $id, " IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)");
            const NAME: &'static str = $table;

            fn values(self) -> Vec<Value> {
                vec![Value::from(self.$first), Value::from(self.$second) $(, Value::from(self.$field))* $(, Value::from(self.$kept))*]
            }

            fn id(&self) -> Uuid {
                self.$first
            }

            fn division(&self) -> &str {
                &self.division_code
            }

            fn version(&self) -> (i64, &str, i64, Uuid) {
                (self.version, &self.as_of, self.recorded_at, self.import_id)
            }
        }
    };
}

entity! {
    /// A household.
    Household, "household", key "household_no", id "id",
    id: Uuid, household_no: String, division_code: String, head_name: String, head_person_no: String, member_count: i64,
    kind: String, registration: String, main_cause: String, phone_enc: Option<Vec<u8>>, phone_index: Option<i64>,
    housing_grade: String, dangerous_house: Option<bool>, safe_water: Option<bool>, fallow_area: f64, attrs: String, version: i64,
    fingerprint: i64, import_id: Uuid, sheet: String, line: i64, as_of: String, recorded_at: i64,
}

entity! {
    /// A person. A row without an ID number takes none away, nor the birth and the sex that were read from it.
    Person, "person", key "person_no", id "id",
    id: Uuid, person_no: String, household_id: Uuid, division_code: String, name: String, name_folded: String,
    pinyin: String, initials: String, phone_enc: Option<Vec<u8>>, phone_index: Option<i64>, relation: String, is_head: bool,
    labour: String, health: String, education: String, schooling: String, work_place: String, work_division: String,
    work_employer: String, work_months: Option<i64>, subsistence: Option<bool>,
    destitute: Option<bool>, serious_insured: Option<bool>, attrs: String, version: i64, fingerprint: i64, import_id: Uuid,
    sheet: String, line: i64, as_of: String, recorded_at: i64;
    id_enc: Option<Vec<u8>> = "COALESCE(excluded.id_enc, person.id_enc)";
    id_index: Option<i64> = "CASE WHEN excluded.id_enc IS NULL THEN person.id_index ELSE excluded.id_index END";
    id_kind: String = "CASE WHEN excluded.id_enc IS NULL THEN person.id_kind ELSE excluded.id_kind END";
    sex: String = "CASE WHEN excluded.id_enc IS NULL AND person.id_enc IS NOT NULL AND excluded.sex = ''
                   THEN person.sex ELSE excluded.sex END";
    birth_date: String = "CASE WHEN excluded.id_enc IS NULL AND person.id_enc IS NOT NULL AND excluded.birth_date = ''
                          THEN person.birth_date ELSE excluded.birth_date END"
}

entity! {
    /// A household's income of a year. Its versions are kept under the household's id.
    Income, "household_income", key "household_id, year", id "household_id",
    household_id: Uuid, year: i64, division_code: String, wage: f64, operating: f64, property: f64, transfer: f64,
    cost: f64, net: f64, per_capita: f64, eco_compensation: f64, items: String, version: i64, fingerprint: i64, import_id: Uuid, sheet: String,
    line: i64, as_of: String, recorded_at: i64,
}

entity! {
    /// A monitored household.
    Monitoring, "monitoring", key "household_id", id "household_id",
    household_id: Uuid, division_code: String, kind: String, identified_month: String, risks: String, eliminated: bool,
    eliminated_month: String, attrs: String, version: i64, fingerprint: i64, import_id: Uuid, sheet: String, line: i64,
    as_of: String, recorded_at: i64,
}

entity! {
    /// A helper of a household. A row without an ID number takes none away.
    Helper, "helper", key "id", id "id",
    id: Uuid, household_id: Uuid, division_code: String, name: String, name_folded: String, sex: String, unit: String,
    phone_enc: Option<Vec<u8>>, phone_index: Option<i64>, start_date: String, end_date: String,
    attrs: String, version: i64, fingerprint: i64, import_id: Uuid, sheet: String, line: i64, as_of: String,
    recorded_at: i64;
    id_index: Option<i64> = "COALESCE(excluded.id_index, helper.id_index)"
}

entity! {
    /// A member of a village's work team. A row without an ID number takes none away.
    WorkTeamMember, "work_team_member", key "id", id "id",
    id: Uuid, team: String, division_code: String, name: String, name_folded: String, role: String, unit: String,
    phone_enc: Option<Vec<u8>>, phone_index: Option<i64>, start_date: String, end_date: String,
    attrs: String, version: i64, fingerprint: i64, import_id: Uuid, sheet: String, line: i64, as_of: String,
    recorded_at: i64;
    id_index: Option<i64> = "COALESCE(excluded.id_index, work_team_member.id_index)"
}

entity! {
    /// An organisation that files name.
    Organisation, "organisation", key "id", id "id",
    id: Uuid, name: String, division_code: String, credit_code: String, kind: String, address: String, contact: String,
    phone_enc: Option<Vec<u8>>, phone_index: Option<i64>, version: i64, fingerprint: i64, import_id: Uuid,
    sheet: String, line: i64, as_of: String, recorded_at: i64,
}

/// The household and year of an income's row of values.
pub(super) fn income_key(row: &[Value]) -> Option<(Uuid, i64)> {
    match row {
        [Value::Id(Some(household)), Value::Int(Some(year)), ..] => Some((*household, *year)),
        _ => None,
    }
}
