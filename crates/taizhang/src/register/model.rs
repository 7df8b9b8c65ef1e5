//! What the register holds about a household, and what the household file (户档案) shows.

use serde::Serialize;
use uuid::Uuid;

use crate::access::AccessError;
use crate::platform::vault::VaultError;
use crate::platform::{DbError, ErrorKind, UserError};

/// Why the register did not answer.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// No such household or person, or not in the actor's division: the two look the same.
    #[error("no such record")]
    NotFound,
    /// The field is empty: there is nothing to reveal.
    #[error("the field is empty")]
    EmptyField,
    /// Right, scope, reason or quota.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A field does not open with this installation's key.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl UserError for RegisterError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "register.not_found",
            Self::EmptyField => "register.empty_field",
            Self::Access(inner) => inner.code(),
            Self::Vault(_) => "register.sealed",
            Self::Db(inner) => inner.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound | Self::EmptyField => ErrorKind::NotFound,
            Self::Access(inner) => inner.kind(),
            Self::Vault(_) => ErrorKind::Internal,
            Self::Db(inner) => inner.kind(),
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Access(inner) => inner.args(),
            Self::Db(inner) => inner.args(),
            _ => Vec::new(),
        }
    }
}

/// Where a record came from: 来源行.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Name of the file; empty if the import is not on record.
    pub file: String,
    /// Sheet; empty for a CSV.
    pub sheet: String,
    /// Line or row, from 1.
    pub line: i64,
    /// The day that the file speaks of, ISO.
    pub as_of: String,
    /// When it was recorded, milliseconds.
    pub recorded_at: i64,
}

macro_rules! sourced {
    ($($record:ty),*) => {$(
        impl $record {
            /// Where this version came from.
            pub fn source(&self) -> Source {
                Source {
                    file: self.file_name.clone(),
                    sheet: self.sheet.clone(),
                    line: self.line,
                    as_of: self.as_of.clone(),
                    recorded_at: self.recorded_at,
                }
            }
        }
    )*};
}
sourced!(Household, Person, Income, Monitoring, Helper, TeamMember);

/// A household (户), newest version. Columns as in the schema; sealed fields stay sealed.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Household {
    #[serde(skip)]
    pub id: Uuid,
    pub household_no: String,
    pub division_code: String,
    pub head_name: String,
    pub head_person_no: String,
    pub member_count: i64,
    pub kind: String,
    pub registration: String,
    pub main_cause: String,
    #[serde(serialize_with = "sealed")]
    pub phone_enc: Option<Vec<u8>>,
    pub housing_grade: String,
    pub dangerous_house: Option<bool>,
    pub safe_water: Option<bool>,
    pub attrs: String,
    #[serde(skip)]
    pub version: i64,
    #[serde(skip)]
    pub import_id: Uuid,
    #[serde(skip)]
    pub sheet: String,
    #[serde(skip)]
    pub line: i64,
    #[serde(skip)]
    pub as_of: String,
    #[serde(skip)]
    pub recorded_at: i64,
    #[serde(skip)]
    pub file_name: String,
}

/// A person (人口) of a household, newest version.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Person {
    #[serde(skip)]
    pub id: Uuid,
    pub person_no: String,
    #[serde(skip)]
    pub household_id: Uuid,
    pub division_code: String,
    pub name: String,
    pub sex: String,
    pub birth_date: String,
    pub id_kind: String,
    #[serde(serialize_with = "sealed")]
    pub id_enc: Option<Vec<u8>>,
    #[serde(serialize_with = "sealed")]
    pub phone_enc: Option<Vec<u8>>,
    pub relation: String,
    pub is_head: bool,
    pub labour: String,
    pub health: String,
    pub education: String,
    pub schooling: String,
    pub work_place: String,
    pub work_division: String,
    pub work_employer: String,
    pub work_months: Option<i64>,
    pub attrs: String,
    #[serde(skip)]
    pub version: i64,
    #[serde(skip)]
    pub import_id: Uuid,
    #[serde(skip)]
    pub sheet: String,
    #[serde(skip)]
    pub line: i64,
    #[serde(skip)]
    pub as_of: String,
    #[serde(skip)]
    pub recorded_at: i64,
    #[serde(skip)]
    pub file_name: String,
}

/// Income of one collection year, yuan.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Income {
    pub year: i64,
    pub wage: f64,
    pub operating: f64,
    pub property: f64,
    pub transfer: f64,
    pub cost: f64,
    pub net: f64,
    pub per_capita: f64,
    pub items: String,
    #[serde(skip)]
    pub version: i64,
    #[serde(skip)]
    pub import_id: Uuid,
    #[serde(skip)]
    pub sheet: String,
    #[serde(skip)]
    pub line: i64,
    #[serde(skip)]
    pub as_of: String,
    #[serde(skip)]
    pub recorded_at: i64,
    #[serde(skip)]
    pub file_name: String,
}

/// Monitoring state (监测对象).
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Monitoring {
    pub kind: String,
    pub identified_month: String,
    pub risks: String,
    pub eliminated: bool,
    pub eliminated_month: String,
    pub attrs: String,
    #[serde(skip)]
    pub version: i64,
    #[serde(skip)]
    pub import_id: Uuid,
    #[serde(skip)]
    pub sheet: String,
    #[serde(skip)]
    pub line: i64,
    #[serde(skip)]
    pub as_of: String,
    #[serde(skip)]
    pub recorded_at: i64,
    #[serde(skip)]
    pub file_name: String,
}

impl Monitoring {
    /// The risks as labels, the main one first.
    pub fn risk_labels(&self) -> Vec<String> {
        serde_json::from_str(&self.risks).unwrap_or_default()
    }
}

/// The person answerable for helping (帮扶责任人).
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Helper {
    #[serde(skip)]
    pub id: Uuid,
    pub division_code: String,
    pub name: String,
    pub sex: String,
    pub unit: String,
    #[serde(serialize_with = "sealed")]
    pub phone_enc: Option<Vec<u8>>,
    pub start_date: String,
    pub end_date: String,
    pub attrs: String,
    #[serde(skip)]
    pub version: i64,
    #[serde(skip)]
    pub import_id: Uuid,
    #[serde(skip)]
    pub sheet: String,
    #[serde(skip)]
    pub line: i64,
    #[serde(skip)]
    pub as_of: String,
    #[serde(skip)]
    pub recorded_at: i64,
    #[serde(skip)]
    pub file_name: String,
}

/// A member of the village's work team (驻村工作队).
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct TeamMember {
    #[serde(skip)]
    pub id: Uuid,
    pub team: String,
    pub division_code: String,
    pub name: String,
    pub role: String,
    pub unit: String,
    #[serde(serialize_with = "sealed")]
    pub phone_enc: Option<Vec<u8>>,
    pub start_date: String,
    pub end_date: String,
    pub attrs: String,
    #[serde(skip)]
    pub version: i64,
    #[serde(skip)]
    pub import_id: Uuid,
    #[serde(skip)]
    pub sheet: String,
    #[serde(skip)]
    pub line: i64,
    #[serde(skip)]
    pub as_of: String,
    #[serde(skip)]
    pub recorded_at: i64,
    #[serde(skip)]
    pub file_name: String,
}

/// A signal (信号) of the household with where it came from.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct SignalLine {
    pub id: Uuid,
    pub kind: String,
    pub subject: String,
    pub person_id: Option<Uuid>,
    pub person_name: String,
    pub fact_date: String,
    pub learnt_at: i64,
    pub probability: f64,
    pub source: String,
    pub state: String,
    pub state_reason: String,
    pub state_at: i64,
    pub file_name: String,
    pub sheet: String,
    pub line: i64,
}

/// A finding (研判结论) about the household or one of its members.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct FindingLine {
    pub id: Uuid,
    pub rule_id: String,
    pub person_name: String,
    pub level: String,
    pub since: String,
    pub until: String,
    pub evidence: String,
    pub state: String,
    pub end_reason: String,
    pub profile_key: String,
    pub profile_version: i64,
    pub item_id: Option<Uuid>,
    pub item_number: String,
    pub item_title: String,
}

/// A ledger item (台账问题) of the household.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct ItemLine {
    pub id: Uuid,
    pub number: String,
    pub title: String,
    pub level: String,
    pub state: String,
    pub round: i64,
    pub owner_unit: String,
    pub owner_name: String,
    pub deadline: String,
    pub opened_on: String,
    pub closed_on: String,
}

impl ItemLine {
    /// Whether somebody still owes an answer.
    pub fn is_open(&self) -> bool {
        !matches!(self.state.as_str(), "closed" | "cancelled")
    }

    /// Whether the answer is late on `today` (ISO).
    pub fn is_overdue(&self, today: &str) -> bool {
        self.is_open() && !self.deadline.is_empty() && self.deadline.as_str() < today
    }
}

/// A superseded version as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct StoredVersion {
    pub entity: String,
    pub entity_id: Uuid,
    pub version: i64,
    pub data: String,
    pub as_of: String,
    pub recorded_at: i64,
    pub superseded_at: i64,
    pub file_name: String,
}

/// One field that differs between two versions. Personal values are masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// Column name, or the standard header for a field kept under its header.
    pub field: String,
    /// Before; empty if there was nothing.
    pub old: String,
    /// After; empty if there is nothing.
    pub new: String,
}

/// What one version changed against the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionChange {
    /// household, person, household_income, monitoring, helper or organisation.
    pub entity: String,
    /// The person's or helper's name, or the year; empty for the household.
    pub about: String,
    /// The version that it made.
    pub version: i64,
    /// When, milliseconds.
    pub at: i64,
    /// The day that the new data speaks of, ISO.
    pub as_of: String,
    /// The file that brought it.
    pub file: String,
    /// Field by field, in the order of the columns.
    pub changes: Vec<FieldChange>,
}

/// A member of the household with masked fields.
#[derive(Debug, Clone)]
pub struct Member {
    /// The record.
    pub person: Person,
    /// ID number, masked; empty if none.
    pub id_masked: String,
    /// Phone, masked; empty if none.
    pub phone_masked: String,
    /// Whole years on the day asked for; none if the birth date is unknown.
    pub age: Option<i64>,
}

/// Everything about one household.
#[derive(Debug, Clone)]
pub struct HouseholdFile {
    /// The household.
    pub household: Household,
    /// Its phone, masked.
    pub phone_masked: String,
    /// From the province down to the village or group: code and name, as far as the scope's user may open them.
    pub places: Vec<(String, String)>,
    /// Members, the head first.
    pub members: Vec<Member>,
    /// Incomes, newest year first.
    pub incomes: Vec<Income>,
    /// Monitoring state, if monitored ever.
    pub monitoring: Option<Monitoring>,
    /// Helpers with masked phones, those in service first.
    pub helpers: Vec<(Helper, String)>,
    /// Work team of the village with masked phones.
    pub team: Vec<(TeamMember, String)>,
    /// Signals, newest fact first.
    pub signals: Vec<SignalLine>,
    /// Findings, open first.
    pub findings: Vec<FindingLine>,
    /// Items, open first by deadline.
    pub items: Vec<ItemLine>,
    /// What changed, newest first.
    pub versions: Vec<VersionChange>,
    /// The organisations that its members, helpers and work team name, by the name as written there.
    pub organisations: std::collections::HashMap<String, super::organisations::Named>,
}

/// Whose masked field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The household itself: its phone.
    Household,
    /// A member.
    Person(Uuid),
    /// A helper.
    Helper(Uuid),
    /// A member of the work team.
    TeamMember(Uuid),
}

impl Subject {
    /// As written in a form: `household`, `person:<id>`, `helper:<id>`, `team_member:<id>`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "household" {
            return Some(Self::Household);
        }
        let (kind, id) = text.split_once(':')?;
        let id = id.parse().ok()?;
        match kind {
            "person" => Some(Self::Person(id)),
            "helper" => Some(Self::Helper(id)),
            "team_member" => Some(Self::TeamMember(id)),
            _ => None,
        }
    }
}

/// Which masked field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// 证件号码.
    Id,
    /// 联系电话.
    Phone,
}

impl Field {
    /// `id` or `phone`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "id" => Some(Self::Id),
            "phone" => Some(Self::Phone),
            _ => None,
        }
    }

    /// As in the audit log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Phone => "phone",
        }
    }
}

/// Sealed bytes as the versions keep them.
pub(super) fn sealed<S: serde::Serializer>(bytes: &Option<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
    use base64::Engine;
    match bytes {
        Some(bytes) => to.serialize_str(&base64::engine::general_purpose::STANDARD.encode(bytes)),
        None => to.serialize_none(),
    }
}

/// Whole years between a birth date (ISO) and a day; none if the date is not one.
pub fn age(birth_date: &str, today: chrono::NaiveDate) -> Option<i64> {
    let birth: chrono::NaiveDate = birth_date.parse().ok()?;
    today.years_since(birth).map(i64::from)
}
