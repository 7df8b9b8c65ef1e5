//! Cases, clues, measures, and what a step brings with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::assess::profile::monitoring::Phase;
use crate::platform::ids;

/// The fewest characters of a reason.
pub const REASON_CHARS: usize = 4;
/// The most characters of a note.
pub const NOTE_MOST: usize = 500;
/// What opens a case or a round.
pub const OPEN: &str = "open";
/// What the register says of a household (登记).
pub const REGISTER: &str = "register";
/// A clue that came to an open case.
pub const CLUE: &str = "clue";
/// The answer of the village to a clue.
pub const REPLY: &str = "reply";
/// A reminder by name.
pub const REMIND: &str = "remind";
/// The applicant was found in the register.
pub const LINK: &str = "link";

/// Where a clue comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// 农户申报.
    Application,
    /// 乡村干部走访排查.
    Visit,
    /// 部门筛查预警.
    Warning,
    /// The register had it as monitored before.
    Register,
}

impl Origin {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Visit => "visit",
            Self::Warning => "warning",
            Self::Register => "register",
        }
    }
}

/// One case (监测认定).
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Case {
    pub id: Uuid,
    pub number: String,
    pub household_id: Option<Uuid>,
    pub division_code: String,
    pub head_name: String,
    pub origin: String,
    pub state: String,
    pub phase: String,
    pub round: i64,
    pub kind: String,
    pub main_risk: String,
    /// JSON array.
    pub risks: String,
    pub green: bool,
    pub opened_on: String,
    pub state_since: String,
    pub decide_by: String,
    pub deadline: String,
    pub marked_on: String,
    pub eliminated_on: String,
    pub notice_from: String,
    pub notice_to: String,
    pub profile: String,
    pub version: i64,
    pub updated_at: i64,
}

impl Case {
    /// Its risks, the main one first.
    pub fn risk_list(&self) -> Vec<String> {
        serde_json::from_str(&self.risks).unwrap_or_default()
    }

    /// What its state means.
    pub fn phase(&self) -> Phase {
        Phase::from_name(&self.phase).unwrap_or(Phase::Ended)
    }

    /// Whether something is due and the day has passed; `today` is an ISO day.
    pub fn is_late(&self, today: &str) -> bool {
        self.phase().is_open() && !self.deadline.is_empty() && self.deadline.as_str() < today
    }
}

/// One event of a case.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Event {
    pub id: Uuid,
    pub seq: i64,
    pub round: i64,
    pub at: i64,
    pub day: String,
    pub actor_id: Option<Uuid>,
    pub actor_name: String,
    pub action: String,
    pub from_state: String,
    pub to_state: String,
    pub note: String,
    /// JSON of [`Given`].
    pub data: String,
}

impl Event {
    /// What was given with it.
    pub fn given(&self) -> Given {
        serde_json::from_str(&self.data).unwrap_or_default()
    }
}

/// A measure on record.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Measure {
    pub id: Uuid,
    pub round: i64,
    pub measure: String,
    pub risk: String,
    pub from_day: String,
    pub to_day: String,
    pub ended_on: String,
    pub amount: Option<f64>,
    pub who: String,
    pub note: String,
}

/// A clue.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Clue {
    pub id: Uuid,
    pub case_id: Uuid,
    pub division_code: String,
    pub round: i64,
    pub source: String,
    pub warning_id: String,
    pub risk: String,
    pub said: String,
    /// JSON of the evidence that a warning rests on.
    pub evidence: String,
    pub raised_on: String,
    pub reply_by: String,
    pub verdict: String,
    pub replied_on: String,
    pub replied_by: String,
    pub reply: String,
}

/// A signed application and authorisation (申请及承诺授权查询书).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Consent {
    /// ISO day of the signature.
    pub day: String,
    /// Who signed for the household; empty where it did itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub proxy: String,
    /// What the proxy is to the household, and why they sign.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub relation: String,
    /// Where the paper is kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub paper: String,
}

/// A visit to the household (入户核查).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Visit {
    /// ISO day.
    pub day: String,
    /// Who went.
    pub who: String,
    /// What was found.
    pub found: String,
}

/// The minutes of a meeting of villagers (民主评议).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Minutes {
    /// ISO day.
    pub day: String,
    /// How many were there.
    pub present: i64,
    /// How many agreed.
    pub agreed: i64,
    /// Where the minutes are kept.
    pub paper: String,
}

/// A notice in the village (村内公示).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Notice {
    /// First day, ISO; the day itself does not count.
    pub from: String,
    /// Last day, ISO.
    pub to: String,
}

/// What agencies answered (数据比对).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Comparison {
    /// ISO day of the answer.
    pub day: String,
    /// Who answered.
    pub agencies: String,
    /// clear | doubt.
    pub result: String,
    /// What they found, and where the answer is kept.
    pub found: String,
}

/// A measure to be recorded (帮扶措施).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct NewMeasure {
    /// Group of the policy profile.
    pub measure: String,
    /// The risk that it is against.
    pub risk: String,
    /// ISO day.
    pub from: String,
    /// ISO day; empty where it is open.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// Yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<f64>,
    /// Who gives it.
    pub who: String,
}

/// That and when the household was told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Told {
    /// ISO day.
    pub day: String,
    /// How: in person, by phone, in writing.
    pub how: String,
}

/// What a step brings with it; what it needs is said by the policy profile.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Given {
    /// A signed application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// A visit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visit: Option<Visit>,
    /// Minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<Minutes>,
    /// A notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
    /// The answer of the agencies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// Type of monitored household.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Its risks, the main one first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub risks: Vec<String>,
    /// Conditions that somebody said yes or no to, by id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, bool>,
    /// That the household was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
    /// How the household has gone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub decrease: String,
    /// A measure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measure: Option<NewMeasure>,
    /// The measure that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Uuid>,
    /// The day on which it ended, ISO.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ended_on: String,
    /// Of an event of the system: which clue, what was answered, who was reminded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clue: Option<Uuid>,
    /// confirmed | false_alarm.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub verdict: String,
    /// The warning that raised the clue.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub warning: String,
    /// Where the clue came from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub origin: String,
    /// Who was reminded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// What the conditions of elimination said, in the order of the profile: id, verdict, values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checked: Vec<(String, String, String)>,
    /// The year whose calendar is missing, so that a deadline could not be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_calendar: Option<i32>,
}

/// A step that somebody takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Made by whoever asks: the same twice is done once.
    pub event_id: Uuid,
    /// Version of the case that the form was made from.
    pub version: i64,
    /// Step of the policy profile.
    pub action: String,
    /// In words.
    pub note: String,
    /// What it brings.
    pub given: Given,
}

impl Step {
    /// Hash of what is asked for and by whom; a request that comes again has the same.
    pub fn payload(&self, actor: Option<Uuid>) -> String {
        hash(&[&self.action, self.note.trim(), &serde_json::json!(self.given).to_string(), &who(actor)])
    }
}

pub(super) fn who(actor: Option<Uuid>) -> String {
    actor.map(|id| id.to_string()).unwrap_or_default()
}

pub(super) fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    ids::hex(&hasher.finalize())
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// State afterwards.
    pub state: String,
    /// Version afterwards.
    pub version: i64,
    /// Whether it had been done before.
    pub repeated: bool,
}

/// What the board is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// State; empty for any.
    pub state: String,
    /// Phase, or `in` for monitored; empty for any.
    pub phase: String,
    /// Type; empty for any.
    pub kind: String,
    /// Main risk; empty for any.
    pub risk: String,
    /// Division; empty for the whole scope.
    pub division: String,
    /// Number, head or household number.
    pub text: String,
    /// Only what is overdue.
    pub late: bool,
    /// Only what the register says otherwise.
    pub differs: bool,
    /// Only what came in by the green channel.
    pub green: bool,
    /// `marked` or `eliminated` between two days; empty for any.
    pub entered: String,
    /// ISO day.
    pub from: String,
    /// ISO day.
    pub to: String,
    /// Monitored at the end of this day; empty for any.
    pub on: String,
    /// From 1.
    pub page: i64,
    /// Lines of a page.
    pub per_page: i64,
}

/// A line of the board.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Line {
    pub id: Uuid,
    pub number: String,
    pub household_id: Option<Uuid>,
    pub division_code: String,
    pub place: String,
    pub head_name: String,
    pub state: String,
    pub phase: String,
    pub kind: String,
    pub main_risk: String,
    pub green: bool,
    pub state_since: String,
    pub deadline: String,
    pub marked_on: String,
    pub eliminated_on: String,
    pub differs: bool,
}

/// Cases of one state.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
#[allow(missing_docs)]
pub struct Count {
    pub state: String,
    pub phase: String,
    pub cases: i64,
    pub late: i64,
}

/// What a department's warnings came to.
#[derive(Debug, Clone, Default, PartialEq, sqlx::FromRow, serde::Serialize)]
#[allow(missing_docs)]
pub struct WarningCount {
    pub warning_id: String,
    pub clues: i64,
    pub open: i64,
    pub late: i64,
    pub confirmed: i64,
    pub false_alarms: i64,
}

impl WarningCount {
    /// Confirmed among those answered, 0 to 1; none while nothing is answered.
    pub fn precision(&self) -> Option<f64> {
        let answered = self.confirmed + self.false_alarms;
        (answered > 0).then(|| self.confirmed as f64 / answered as f64)
    }
}

/// One condition of elimination, asked today.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// Its id.
    pub id: String,
    /// What it forbids holds.
    pub forbidden: bool,
    /// What must hold holds; none where the profile asks no such thing.
    pub holds: Option<bool>,
    /// Somebody has to say yes.
    pub ask: bool,
    /// Field and value, in the reader's language.
    pub values: Vec<(String, String)>,
}

impl Checked {
    /// Whether nothing speaks against it but what somebody has to say.
    pub fn by_record(&self) -> bool {
        !self.forbidden && self.holds != Some(false)
    }
}
