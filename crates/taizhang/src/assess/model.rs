//! What an assessment reads and what it concludes.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::profile::view::Facts;
use super::profile::{Level, Subject};

/// Every kind of signal (信号) that a rule may name.
pub const SIGNAL_KINDS: [&str; 22] = [
    "epidemic.confirmed",
    "epidemic.suspected",
    "epidemic.carrier",
    "epidemic.close_contact",
    "epidemic.cured",
    "epidemic.died",
    "medical.self_pay",
    "education.dropout",
    "housing.dangerous",
    "jobs.ended",
    "disability.card",
    "insurance.absent",
    "water.unsafe",
    "check.food",
    "check.clothing",
    "check.schooling",
    "check.insurance",
    "check.clinic",
    "check.housing",
    "check.water",
    "sales.lost",
    "dividend.missed",
];

/// Epidemic risk of a county (疫情风险等级).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// 低风险.
    Low,
    /// 中风险.
    Medium,
    /// 高风险.
    High,
}

impl Tier {
    /// Every tier, the lowest first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// The name in profile and database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// The tier of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.name() == name)
    }
}

/// A signal as the rules see it.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalView {
    /// `epidemic.confirmed` …
    pub kind: String,
    /// The person that it is about, where it is about one.
    pub person_id: Option<Uuid>,
    /// ISO day.
    pub fact_date: String,
    /// Amounts and grades.
    pub value: serde_json::Value,
    /// Which list.
    pub source: String,
    /// Which row of it, over revisions.
    pub row_key: String,
    /// Revision.
    pub version: i64,
    /// active | superseded | withdrawn.
    pub state: String,
    /// Why it is no longer active.
    pub state_reason: String,
}

impl SignalView {
    /// Whether it is in force.
    pub fn is_active(&self) -> bool {
        self.state == "active"
    }
}

/// A person of a household as the rules see them.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonView {
    /// Who.
    pub id: Uuid,
    /// County code of the work place; empty where there is none.
    pub work_county: String,
    /// What the register says, by the table of `profile::view`.
    pub facts: Facts,
}

/// Somebody who serves a household, with their signals.
#[derive(Debug, Clone, PartialEq)]
pub struct ServantView {
    /// Row of the helper or work-team member that ties them to the household.
    pub id: Uuid,
    /// Their signals.
    pub signals: Vec<SignalView>,
}

/// One household with everything that a rule may read about it.
#[derive(Debug, Clone, PartialEq)]
pub struct HouseholdView {
    /// Which.
    pub id: Uuid,
    /// Village or group.
    pub division_code: String,
    /// Its members.
    pub persons: Vec<PersonView>,
    /// Signals about it and its members, in force or not.
    pub signals: Vec<SignalView>,
    /// Its helpers who have a signal.
    pub helpers: Vec<ServantView>,
    /// Members of its village's work team who have a signal.
    pub team: Vec<ServantView>,
    /// What the register says, by the table of `profile::view`.
    pub facts: Facts,
}

/// One thing that a rule read. Names no person: only ids, which the page resolves for those who may see them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Evidence {
    /// A signal in force.
    Signal {
        /// Its kind.
        kind: String,
        /// ISO day that it is true for.
        fact_date: String,
        /// self | household_member | helper | team_member.
        relation: String,
        /// Person, helper or team member; none where the signal is about the household as a whole.
        carrier: Option<Uuid>,
        /// The value that the rule tested: an amount in yuan, a grade.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
        /// Which list.
        source: String,
        /// Which row of it.
        row_key: String,
    },
    /// The tier of a county where somebody works.
    WorkTier {
        /// Six digits.
        county: String,
        /// Its tier.
        tier: Tier,
        /// First day of the tier, ISO.
        since: String,
        /// Who works there.
        carrier: Uuid,
    },
    /// What the register says.
    Fact {
        /// household | person.
        of: String,
        /// Field of the household view.
        field: String,
        /// Its value; empty where it is not filled in.
        value: String,
        /// The person; none where it is about the household.
        carrier: Option<Uuid>,
    },
}

impl Evidence {
    /// Whom it is about; none where that is the household as a whole.
    pub fn carrier(&self) -> Option<Uuid> {
        match self {
            Self::Signal { carrier, .. } | Self::Fact { carrier, .. } => *carrier,
            Self::WorkTier { carrier, .. } => Some(*carrier),
        }
    }

    /// The ISO day that it is true from; empty where it carries none.
    pub fn day(&self) -> &str {
        match self {
            Self::Signal { fact_date, .. } => fact_date,
            Self::WorkTier { since, .. } => since,
            Self::Fact { .. } => "",
        }
    }
}

/// What a rule concludes about a household or a person (研判结论), before it is stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conclusion {
    /// `rule|subject|id`: the same conclusion has the same key in every run.
    pub key: String,
    /// Rule.
    pub rule_id: String,
    /// What it is about.
    pub subject: Subject,
    /// Household.
    pub household_id: Uuid,
    /// Person, where it is about one.
    pub person_id: Option<Uuid>,
    /// Division of the household.
    pub division_code: String,
    /// How bad.
    pub level: Level,
    /// First day that it is true for, ISO; empty where no evidence carries a day.
    pub since: String,
    /// What the rule read, in a fixed order.
    pub evidence: Vec<Evidence>,
}

impl Conclusion {
    /// The evidence as stored: the same conclusion gives the same bytes.
    pub fn evidence_json(&self) -> String {
        serde_json::to_string(&self.evidence).unwrap_or_else(|_| "[]".to_owned())
    }
}

/// Why a finding no longer holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum EndReason {
    /// Every signal that it rested on was withdrawn: it was never true.
    Withdrawn {
        /// Kind of the first of them.
        kind: String,
        /// What the withdrawal said.
        reason: String,
    },
    /// A signal that it rested on was replaced by a revision.
    Superseded {
        /// Kind of the first of them.
        kind: String,
        /// What the revision said.
        reason: String,
    },
    /// The facts have moved on: cured, tier lowered, no longer a member.
    Changed,
    /// The profile in force has no such rule any more.
    RuleGone,
    /// The household is no longer registered.
    HouseholdGone,
}

impl EndReason {
    /// As stored in `finding.end_reason`.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
