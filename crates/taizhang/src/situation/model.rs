//! The figures of the situation page.

use chrono::NaiveDate;
use uuid::Uuid;

/// What is counted in one division. Persons and households of the register only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// 登记户.
    pub households: i64,
    /// 登记人口.
    pub persons: i64,
    /// 监测户 on the books.
    pub monitored: i64,
    /// Households registered where a comparison is done (已比对户).
    pub screened_households: i64,
    /// Persons registered where a comparison is done (已比对人口).
    pub screened_persons: i64,
    /// 累计确诊.
    pub confirmed: i64,
    /// 治愈.
    pub cured: i64,
    /// 死亡.
    pub died: i64,
    /// 在治: confirmed, neither cured nor dead.
    pub in_treatment: i64,
    /// 疑似 now.
    pub suspected: i64,
    /// 密切接触者.
    pub contacts: i64,
    /// Items not closed and not cancelled (未销号).
    pub open: i64,
    /// Of those, past their deadline (超期).
    pub overdue: i64,
    /// Of those, due within seven days.
    pub due_soon: i64,
    /// 已销号.
    pub closed: i64,
}

impl Figures {
    /// Adds another division's figures.
    pub fn add(&mut self, other: &Self) {
        self.households += other.households;
        self.persons += other.persons;
        self.monitored += other.monitored;
        self.screened_households += other.screened_households;
        self.screened_persons += other.screened_persons;
        self.confirmed += other.confirmed;
        self.cured += other.cured;
        self.died += other.died;
        self.in_treatment += other.in_treatment;
        self.suspected += other.suspected;
        self.contacts += other.contacts;
        self.open += other.open;
        self.overdue += other.overdue;
        self.due_soon += other.due_soon;
        self.closed += other.closed;
    }

    /// Persons screened among those registered, percent with one decimal, rounded down so that 100 means all.
    pub fn screened_percent(&self) -> f64 {
        if self.persons <= 0 {
            return 0.0;
        }
        let permille = self.screened_persons.clamp(0, self.persons) * 1000 / self.persons;
        // At most 1000: exact as a float.
        permille as f64 / 10.0
    }
}

/// One division's line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// Code; that of the division asked for where rows lie at its own level.
    pub code: String,
    /// Name; empty for a code that the division table does not know, and for the own level.
    pub name: String,
    /// Its figures.
    pub figures: Figures,
    /// Its tier, if it is a county that has one.
    pub tier: Option<Tier>,
}

/// What changed since this time yesterday (persons) or since yesterday's end (items).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    /// Confirmed learnt of.
    pub confirmed: i64,
    /// Cured learnt of.
    pub cured: i64,
    /// Dead learnt of.
    pub died: i64,
    /// Items opened or reopened today.
    pub opened: i64,
    /// Items closed today.
    pub closed: i64,
}

impl Change {
    /// How the number in treatment moved.
    pub fn in_treatment(&self) -> i64 {
        self.confirmed - self.cured - self.died
    }
}

/// A county's epidemic tier (县级疫情风险等级).
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Tier {
    pub county_code: String,
    /// low, medium or high.
    pub tier: String,
    pub on_date: String,
    pub cumulative: i64,
    pub recent: i64,
}

/// How many counties there are of each tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct TierCount {
    pub high: i64,
    pub medium: i64,
    pub low: i64,
}

/// The days that the figures speak of, ISO; empty if there is nothing yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AsOf {
    /// Newest as-of day of the register files.
    pub register: String,
    /// Newest as-of day of the comparisons.
    pub comparison: String,
}

/// Everything that the page shows but the trend.
#[derive(Debug, Clone)]
pub struct Situation {
    /// Sum of all lines.
    pub total: Figures,
    /// Division by division, in the order of codes.
    pub lines: Vec<Line>,
    /// Since yesterday.
    pub change: Change,
    /// The tier of the county that the division is or lies in.
    pub tier: Option<Tier>,
    /// Counties by tier, above the county.
    pub tier_counts: TierCount,
    /// As of.
    pub as_of: AsOf,
}

/// One day of the trend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// The day.
    pub date: NaiveDate,
    /// Persons first confirmed on it.
    pub new_confirmed: i64,
    /// Persons confirmed up to it.
    pub confirmed: i64,
    /// Persons cured up to it.
    pub cured: i64,
    /// Persons dead up to it.
    pub died: i64,
    /// Items opened or reopened on it.
    pub opened: i64,
    /// Items closed on it.
    pub closed: i64,
}

impl Day {
    /// Persons in treatment at its end.
    pub fn in_treatment(&self) -> i64 {
        (self.confirmed - self.cured - self.died).max(0)
    }
}

/// The lists of persons that the figures open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum HealthKind {
    Confirmed,
    InTreatment,
    Cured,
    Died,
    Suspected,
    Carrier,
    CloseContact,
}

impl HealthKind {
    /// Every kind, as the tabs show them.
    pub const ALL: [Self; 7] = [
        Self::Confirmed,
        Self::InTreatment,
        Self::Cured,
        Self::Died,
        Self::Suspected,
        Self::Carrier,
        Self::CloseContact,
    ];

    /// As in an address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::InTreatment => "in_treatment",
            Self::Cured => "cured",
            Self::Died => "died",
            Self::Suspected => "suspected",
            Self::Carrier => "carrier",
            Self::CloseContact => "close_contact",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The signal that puts a person on the list.
    pub fn signal(self) -> &'static str {
        match self {
            Self::Confirmed | Self::InTreatment => "epidemic.confirmed",
            Self::Cured => "epidemic.cured",
            Self::Died => "epidemic.died",
            Self::Suspected => "epidemic.suspected",
            Self::Carrier => "epidemic.carrier",
            Self::CloseContact => "epidemic.close_contact",
        }
    }
}

/// A person on such a list; the ID number still sealed.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct PersonSignal {
    pub person_id: Uuid,
    pub household_id: Uuid,
    pub name: String,
    pub sex: String,
    pub birth_date: String,
    pub id_enc: Option<Vec<u8>>,
    pub place: String,
    pub fact_date: String,
    pub cured: bool,
    pub died: bool,
    pub open_items: i64,
}
