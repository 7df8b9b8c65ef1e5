//! What an estimate of income reads and what it says. Money is in fen (分): whole numbers, so that sums are exact.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use uuid::Uuid;

use crate::assess::profile::Words;

/// Fen of an amount in yuan; an amount that is no number, or beyond all incomes, is none.
pub fn fen(yuan: f64) -> Option<i64> {
    let fen = (yuan * 100.0).round();
    // Exact far beyond any income.
    (fen.is_finite() && fen.abs() < 1.0e15).then_some(fen as i64)
}

/// Yuan of an amount in fen.
pub fn yuan(fen: i64) -> f64 {
    fen as f64 / 100.0
}

/// `a / b` to the nearest whole, halves away from nought; 0 where `b` is not above nought.
pub fn divided(a: i128, b: i128) -> i64 {
    if b <= 0 {
        return 0;
    }
    let half = if a < 0 { -(b / 2) } else { b / 2 };
    i64::try_from((a + half) / b).unwrap_or(if a < 0 { i64::MIN } else { i64::MAX })
}

/// How a part of the estimate is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Last year's base ÷ months of work then × months without work now, person by person.
    Months,
    /// The amounts that the signals tell; no more than the base of last year where one is named.
    Amount,
    /// The amounts that the signals tell; where one tells none, at least the whole base of last year.
    Whole,
}

impl Method {
    /// Every method with its name in a profile.
    pub const ALL: [(&'static str, Self); 3] =
        [("months", Self::Months), ("amount", Self::Amount), ("whole", Self::Whole)];
}

/// What a part is to the household.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Income that does not come.
    Income,
    /// Spending that cannot be put off (刚性支出).
    Spending,
}

impl Effect {
    /// Every effect with its name in a profile.
    pub const ALL: [(&'static str, Self); 2] = [("income", Self::Income), ("spending", Self::Spending)];
}

/// One part of the estimate, as a profile says it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// Short and stable.
    pub id: String,
    /// What it is called.
    pub title: Words,
    /// Kinds of signals that it reads.
    pub signals: Vec<String>,
    /// How it is counted.
    pub method: Method,
    /// Branch or leaf of the income tree that it is measured by.
    pub base: Option<String>,
    /// Income or spending.
    pub effect: Effect,
    /// How much of it counts, in thousandths.
    pub share: i64,
    /// Where the formula comes from.
    pub source: String,
}

/// `[income_estimate]` of a profile.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EstimatePolicy {
    /// Days that count as a month.
    pub days_per_month: i64,
    /// Its parts in order.
    pub parts: Vec<Part>,
    /// Where it comes from.
    pub source: String,
}

impl EstimatePolicy {
    /// Every kind of signal that some part reads.
    pub fn kinds(&self) -> Vec<&str> {
        let mut out: Vec<&str> = self.parts.iter().flat_map(|part| part.signals.iter().map(String::as_str)).collect();
        out.sort_unstable();
        out.dedup();
        out
    }
}

/// A year of income as the register has it, fen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct YearIncome {
    /// Collection year.
    pub year: i64,
    /// 纯收入.
    pub net: i64,
    /// Branches and leaves by their ids, as far as they are filled in.
    pub tree: BTreeMap<&'static str, i64>,
    /// 理赔收入, where it is filled in.
    pub claims: Option<i64>,
    /// 合规自付支出, where it is filled in.
    pub self_pay: Option<i64>,
}

/// Somebody who works away from home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worker {
    /// Who.
    pub person: Uuid,
    /// Months of work in the year, 1 to 12.
    pub months: i64,
}

/// A signal in force that may touch the income.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shock {
    /// Kind of the signal.
    pub kind: String,
    /// Whom it is about; none where it is about the household.
    pub person: Option<Uuid>,
    /// The day that it is true for, where it says one.
    pub day: Option<NaiveDate>,
    /// The amount that it tells, fen.
    pub amount: Option<i64>,
    /// Which list.
    pub source: String,
    /// Which row of it.
    pub row_key: String,
}

/// All that an estimate reads of a household.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inputs {
    /// 家庭人口数.
    pub members: i64,
    /// Years of income, the newest first.
    pub years: Vec<YearIncome>,
    /// Who works how long, in the order of their ids.
    pub workers: Vec<Worker>,
    /// Signals in force.
    pub shocks: Vec<Shock>,
}

/// How an amount came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum How {
    /// base ÷ worked × stopped.
    Months {
        /// Last year's base, fen.
        base: i64,
        /// Months that the household's members worked last year, all of them.
        worked: i64,
        /// Tenths of a month without work.
        tenths: i64,
    },
    /// Told by the signal.
    Told {
        /// As it tells it, before any share or cut; fen.
        told: i64,
    },
    /// The base of last year, for the signal tells no amount.
    Whole {
        /// Fen.
        base: i64,
    },
}

/// One line of the estimate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Id of the part.
    pub part: String,
    /// Income or spending.
    pub effect: Effect,
    /// By how much it lowers the estimate, fen; never below nought.
    pub amount: i64,
    /// How.
    pub how: How,
    /// How much of it counts, in thousandths.
    pub share: i64,
    /// Whether it was cut to what there was last year.
    pub capped: bool,
    /// Whom the signal is about.
    pub person: Option<Uuid>,
    /// Day of the signal.
    pub day: Option<NaiveDate>,
    /// The list that the signal came from.
    pub source: String,
}

/// What the estimate does not know, and so leaves out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "gap", rename_all = "snake_case")]
pub enum Gap {
    /// No income on record.
    NoIncome,
    /// The number of members is not known.
    NoMembers,
    /// The newest income is older than last year's.
    Stale {
        /// Its year.
        year: i64,
    },
    /// A part's base is not filled in.
    NoBase {
        /// The part.
        part: String,
    },
    /// How long somebody worked is not filled in.
    NoMonths {
        /// The part.
        part: String,
        /// Who.
        person: Option<Uuid>,
    },
    /// A signal tells no amount.
    NoAmount {
        /// The part.
        part: String,
        /// Whom it is about.
        person: Option<Uuid>,
    },
    /// A signal tells no day.
    NoDay {
        /// The part.
        part: String,
        /// Whom it is about.
        person: Option<Uuid>,
    },
}

/// What was paid of one's own in the twelve months, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum SelfPay {
    /// Signals of the twelve months.
    Signals {
        /// Fen.
        amount: i64,
    },
    /// The register's column of a year, for there is no signal.
    Register {
        /// Its year.
        year: i64,
        /// Fen.
        amount: i64,
    },
    /// Neither.
    Unknown,
}

impl SelfPay {
    /// Fen; nothing where it is not known.
    pub fn amount(self) -> i64 {
        match self {
            Self::Signals { amount } | Self::Register { amount, .. } => amount,
            Self::Unknown => 0,
        }
    }
}

/// Some of the twelve months, taken from a year of income.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// Collection year that the months lie in.
    pub year: i64,
    /// How many.
    pub months: i64,
    /// The year that the income is taken from: another one where theirs is not collected yet.
    pub of_year: i64,
    /// That year's 纯收入, fen.
    pub net: i64,
    /// net × months ÷ 12, fen.
    pub amount: i64,
}

/// The reference for entry (纳入监测对象的收入参考): (纯收入 + 理赔收入 − 合规自付支出) ÷ 人口 of the twelve months.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// Where the income of the months comes from.
    pub pieces: Vec<Piece>,
    /// Income lost in those months that are not collected yet, fen.
    pub lost: i64,
    /// 理赔收入 of the newest year, where it is filled in, fen.
    pub claims: Option<i64>,
    /// 合规自付支出.
    pub self_pay: SelfPay,
    /// The whole, fen.
    pub total: i64,
    /// A person's, fen; none where the number of members is not known.
    pub per_person: Option<i64>,
}

/// The estimate for one household.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// The collection year that it is for.
    pub year: i64,
    /// Its first day.
    pub from: NaiveDate,
    /// Up to which day losses are counted.
    pub upto: NaiveDate,
    /// The year that it starts from, and its 纯收入, fen.
    pub base: Option<(i64, i64)>,
    /// Whether this very year is collected already: then it stands and nothing is estimated.
    pub collected: bool,
    /// What lowers it.
    pub lines: Vec<Line>,
    /// What is not known.
    pub gaps: Vec<Gap>,
    /// Income lost, fen.
    pub loss: i64,
    /// Spent, fen.
    pub spent: i64,
    /// Spent in the year that ends with the day, fen: `day − 1 year < day of the signal ≤ day`.
    pub spent_in_a_year: i64,
    /// base − loss − spent, fen.
    pub income: Option<i64>,
    /// A person's, fen.
    pub per_person: Option<i64>,
    /// The base, a person's, fen.
    pub base_per_person: Option<i64>,
    /// The reference for entry.
    pub reference: Option<Reference>,
}
