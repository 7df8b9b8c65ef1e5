//! A visit and what was seen on it.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::assess::profile::checks::{Checks, Indicator, Outcome};
use crate::assess::{AssessError, Finding};
use crate::platform::{DbError, ErrorKind, Lang, UserError, i18n};
use crate::register::RegisterError;
use crate::road::RoadError;

/// How a household was reached (走访、联系方式).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// 入户.
    OnSite,
    /// 电话.
    Phone,
    /// 微信.
    Wechat,
    /// 视频.
    Video,
}

impl Channel {
    /// Every channel, the closest first.
    pub const ALL: [Self; 4] = [Self::OnSite, Self::Phone, Self::Wechat, Self::Video];

    /// The name in database and forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::OnSite => "on_site",
            Self::Phone => "phone",
            Self::Wechat => "wechat",
            Self::Video => "video",
        }
    }

    /// The channel of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }
}

/// Yes or no by the id of what was asked.
pub type Parts = BTreeMap<String, bool>;

/// A child of school age.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pupil {
    /// Id of the state.
    pub state: String,
    /// Why, in the visitor's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// What was seen of medical care.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cover {
    /// What each member has.
    pub persons: BTreeMap<Uuid, Parts>,
    /// Whether a facility is within reach.
    pub clinic: bool,
}

/// What was seen of the house.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct House {
    /// A to D; empty for a house that nobody has assessed.
    pub grade: String,
    /// Who assessed it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub assessor: String,
    /// ISO day of the assessment; empty where it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub assessed_on: String,
    /// Id of where the household lives now.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub residence: String,
    /// Id of what is being done.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

/// What was measured of the water.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Water {
    /// Whether the area is short of water.
    pub short_area: bool,
    /// Litres a person and day.
    pub litres: f64,
    /// Id of how the quality is known and what it is.
    pub quality: String,
    /// Whether it is piped into the house or yard.
    pub piped: bool,
    /// Minutes a trip, there and back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// Metres on level ground.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizontal: Option<f64>,
    /// Metres to climb.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vertical: Option<f64>,
    /// Days of total outage in a year.
    pub outage_days: i64,
}

/// Everything that was checked on a visit; what was not checked is left out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Answers {
    /// 不愁吃.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub food: Option<Parts>,
    /// 不愁穿.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clothing: Option<Parts>,
    /// 义务教育, by child.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schooling: Option<BTreeMap<Uuid, Pupil>>,
    /// 基本医疗.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insurance: Option<Cover>,
    /// 住房.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub housing: Option<House>,
    /// 饮水.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub water: Option<Water>,
}

impl Answers {
    /// Whether nothing was checked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Puts the part of `other` that is about an indicator in the place of this one's.
    pub fn take(&mut self, other: &Self, indicator: Indicator) {
        match indicator {
            Indicator::Food => self.food.clone_from(&other.food),
            Indicator::Clothing => self.clothing.clone_from(&other.clothing),
            Indicator::Schooling => self.schooling.clone_from(&other.schooling),
            Indicator::Insurance => self.insurance.clone_from(&other.insurance),
            Indicator::Housing => self.housing.clone_from(&other.housing),
            Indicator::Water => self.water.clone_from(&other.water),
        }
    }
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The outcome for the household.
    pub outcome: Outcome,
    /// What falls short or is in doubt: ids of parts, states, indices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// The outcome for each person where it is about persons.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub persons: BTreeMap<Uuid, Outcome>,
    /// The outcome for the facility within reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clinic: Option<Outcome>,
    /// The grade of the house.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
}

/// What the checks of a visit came to.
pub type Results = BTreeMap<Indicator, Judged>;

/// A member of the household, as far as a check needs to know them.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Member {
    /// Who.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// ISO day; empty if unknown.
    pub birth_date: String,
    /// Relation to the head.
    pub relation: String,
    /// 大病保险, where the register says so.
    pub serious_insured: Option<bool>,
}

/// A household, as far as a visit needs to know it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Home {
    /// Which.
    pub id: Uuid,
    /// 户编号.
    pub household_no: String,
    /// 户主姓名.
    pub head_name: String,
    /// Village or group.
    pub division_code: String,
    /// Name of the place.
    pub place: String,
    /// 危房级别 as the register has it.
    pub housing_grade: String,
    /// 家庭人口数.
    pub member_count: i64,
}

/// A visit as it is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Made by whoever visited.
    pub id: Uuid,
    /// The day.
    pub visited_on: NaiveDate,
    /// How.
    pub channel: Channel,
    /// With whom.
    pub spoken_to: String,
    /// In the visitor's words.
    pub note: String,
    /// Nothing changed since the last checks.
    pub unchanged: bool,
    /// What was checked.
    pub answers: Answers,
}

/// Whose visit it was, where that is not whoever writes it down.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visitor {
    /// Name.
    pub name: String,
    /// Working unit.
    pub unit: String,
    /// Name of the role.
    pub role: String,
}

/// A visit as stored.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Visit {
    pub id: Uuid,
    pub household_id: Uuid,
    pub division_code: String,
    pub visited_on: String,
    pub channel: String,
    pub spoken_to: String,
    pub note: String,
    pub unchanged: bool,
    pub checked: bool,
    pub answers: String,
    pub results: String,
    pub by_user: Option<Uuid>,
    pub by_name: String,
    pub by_unit: String,
    pub by_role: String,
    pub origin: String,
    pub profile_id: Option<Uuid>,
    pub version: i64,
    pub fingerprint: i64,
    pub recorded_at: i64,
    pub updated_at: i64,
}

impl Visit {
    /// What was checked.
    pub fn answers(&self) -> Answers {
        serde_json::from_str(&self.answers).unwrap_or_default()
    }

    /// What that came to.
    pub fn results(&self) -> Results {
        serde_json::from_str(&self.results).unwrap_or_default()
    }

    /// The day of the visit.
    pub fn day(&self) -> NaiveDate {
        NaiveDate::parse_from_str(&self.visited_on, "%Y-%m-%d").unwrap_or_default()
    }
}

/// An earlier version of a visit.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct VisitVersion {
    pub version: i64,
    pub data: String,
    pub reason: String,
    pub by_name: String,
    pub superseded_at: i64,
}

/// The newest check of an indicator.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct CheckRow {
    pub indicator: String,
    pub result: String,
    pub since: String,
    pub checked_on: String,
    pub by_name: String,
    pub by_role: String,
    pub visit_id: Uuid,
    pub reasons: String,
}

impl CheckRow {
    /// What falls short or is in doubt, in words.
    pub fn reasons_in_words(&self, checks: &Checks, lang: Lang) -> Vec<String> {
        let codes: Vec<String> = serde_json::from_str(&self.reasons).unwrap_or_default();
        let Some(indicator) = Indicator::from_name(&self.indicator) else {
            return Vec::new();
        };
        codes.iter().map(|code| super::judge::reason(checks, indicator, code, lang)).collect()
    }
}

/// What became of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// Written.
    New,
    /// It was there already, and nothing changed.
    Known,
    /// An earlier version was corrected.
    Corrected,
}

impl Became {
    /// The name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Known => "known",
            Self::Corrected => "corrected",
        }
    }
}

/// What a visit brought about.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// What became of it.
    pub became: Became,
    /// Findings that are new, have come back, or rest on another shock besides.
    pub opened: Vec<Finding>,
    /// Findings that no longer hold.
    pub ended: Vec<Finding>,
    /// Microseconds that assessing the household and bringing its items in line took, inside the transaction.
    pub follow_micros: u128,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// Field of the form, or column of the file.
    pub field: String,
    /// Text key of the fault.
    pub what: &'static str,
    /// What was found.
    pub found: String,
    /// What would be right.
    pub expected: String,
}

impl FieldFault {
    /// The fault in words.
    pub fn message(&self, lang: Lang) -> String {
        i18n::text_with(lang, self.what, &[("found", self.found.clone()), ("expected", self.expected.clone())])
    }
}

/// Why a visit was not written, or a list not shown.
#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    /// The actor may not.
    #[error("may not record visits")]
    Forbidden,
    /// No such household, visit or round, or not for this actor.
    #[error("not found")]
    NotFound,
    /// Fields that do not fit; all of them.
    #[error("{} fields of the visit do not fit", .0.len())]
    Fields(Vec<FieldFault>),
    /// Another visit has the same id.
    #[error("visit {0} is there with another content")]
    Taken(Uuid),
    /// Somebody else has corrected it since.
    #[error("the visit was corrected by {by} meanwhile")]
    Stale {
        /// Who.
        by: String,
    },
    /// A correction says no reason.
    #[error("a correction needs a reason")]
    Reason,
    /// Somebody else's visit, and the actor does not stand above it.
    #[error("the visit is somebody else's")]
    NotOwn,
    /// A round ends before it begins, or has no name.
    #[error("the round's {0} does not fit")]
    Round(&'static str),
    /// No purpose for an export, or too long a one.
    #[error("the purpose does not fit")]
    Purpose,
    /// A file cannot be read.
    #[error("{text}")]
    File {
        /// Stable code.
        code: &'static str,
        /// 中文.
        text_zh: String,
        /// English.
        text: String,
    },
    /// A file cannot be made.
    #[error("{0}")]
    Made(String),
    /// The assessment.
    #[error(transparent)]
    Assess(#[from] AssessError),
    /// What follows on a visit.
    #[error(transparent)]
    Road(#[from] RoadError),
    /// The register.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<rust_xlsxwriter::XlsxError> for ScreenError {
    fn from(error: rust_xlsxwriter::XlsxError) -> Self {
        Self::Made(error.to_string())
    }
}

impl UserError for ScreenError {
    fn code(&self) -> &'static str {
        match self {
            Self::Forbidden => "screen.forbidden",
            Self::NotFound => "screen.not_found",
            Self::Fields(_) => "screen.fields",
            Self::Taken(_) => "screen.taken",
            Self::Stale { .. } => "screen.stale",
            Self::Reason => "screen.reason",
            Self::NotOwn => "screen.not_own",
            Self::Round(_) => "screen.round",
            Self::Purpose => "screen.purpose",
            Self::File { code, .. } => code,
            Self::Made(_) => "screen.made",
            Self::Assess(inner) => inner.code(),
            Self::Road(inner) => inner.code(),
            Self::Register(inner) => inner.code(),
            Self::Db(inner) => inner.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Forbidden | Self::NotOwn => ErrorKind::Forbidden,
            Self::NotFound => ErrorKind::NotFound,
            Self::Fields(_) | Self::Reason | Self::Round(_) | Self::Purpose | Self::File { .. } => ErrorKind::Invalid,
            Self::Taken(_) | Self::Stale { .. } => ErrorKind::Conflict,
            Self::Made(_) => ErrorKind::Internal,
            Self::Assess(inner) => inner.kind(),
            Self::Road(inner) => inner.kind(),
            Self::Register(inner) => inner.kind(),
            Self::Db(inner) => inner.kind(),
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Fields(all) => vec![("count", all.len().to_string())],
            Self::Taken(id) => vec![("id", id.to_string())],
            Self::Stale { by } => vec![("by", by.clone())],
            Self::Round(field) => vec![("field", (*field).to_owned())],
            Self::Made(why) => vec![("why", why.clone())],
            Self::Assess(inner) => inner.args(),
            Self::Road(inner) => inner.args(),
            Self::Register(inner) => inner.args(),
            Self::Db(inner) => inner.args(),
            _ => Vec::new(),
        }
    }

    fn message(&self, lang: Lang) -> String {
        match self {
            Self::Assess(inner) => inner.message(lang),
            Self::Road(inner) => inner.message(lang),
            Self::Register(inner) => inner.message(lang),
            Self::Db(inner) => inner.message(lang),
            Self::File { text_zh, text, .. } => if lang == Lang::Zh { text_zh } else { text }.clone(),
            Self::Fields(all) => {
                let head = i18n::text_with(lang, "error-screen-fields", &self.args());
                let lines: Vec<String> = all
                    .iter()
                    .map(|fault| format!("\n  {}{}{}", fault.field, i18n::text(lang, "colon"), fault.message(lang)))
                    .collect();
                format!("{head}{}", lines.concat())
            }
            other => i18n::text_with(lang, &format!("error-{}", other.code().replace('.', "-")), &other.args()),
        }
    }
}
