//! A request for temporary relief, its payments and events; amounts of money, and the fields of forms.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::error::Fault;
use crate::platform::ids;

/// The fewest characters of a reason.
pub const REASON_LEAST: usize = 4;
/// The most characters of a reason or a note.
pub const REASON_MOST: usize = 500;
/// The most characters of a name, a unit, a voucher number.
pub const TEXT_MOST: usize = 60;
/// The most fen of one request: ten million yuan.
const FEN_MOST: i64 = 1_000_000_000;

/// What sort of hardship it is (救助类型).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 急难型: sudden, cannot wait.
    Urgent,
    /// 支出型: spending that the household cannot bear.
    Spending,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Urgent, Self::Spending];

    /// The name in database and forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Spending => "spending",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// States of a request, in the order in which it goes through them.
pub const STATES: [&str; 5] = ["asked", "approved", "paid", "refused", "withdrawn"];

/// A request (临时救助申请).
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
#[allow(missing_docs)]
pub struct Request {
    pub id: Uuid,
    pub number: String,
    pub household_id: Uuid,
    pub division_code: String,
    /// Name of the head as the register has it now.
    pub head_name: String,
    pub household_no: String,
    pub place: String,
    pub township: String,
    pub kind: String,
    pub channel: String,
    pub green: bool,
    pub reason: String,
    /// Why again; empty where the household had not asked within the time of the policy profile.
    pub again: String,
    pub asked_on: String,
    pub asked_fen: i64,
    pub asked_by: Option<Uuid>,
    pub asked_name: String,
    pub asked_unit: String,
    /// township | county: who decides.
    pub level: String,
    /// One of [`STATES`].
    pub state: String,
    pub approved_fen: i64,
    pub decided_on: String,
    pub decided_by: Option<Uuid>,
    pub decided_name: String,
    pub decided_why: String,
    /// Confirmed payments of what is approved.
    pub paid_fen: i64,
    /// Confirmed payments before the approval.
    pub advanced_fen: i64,
    /// ISO day; empty where the working days of that year are not known.
    pub decide_by: String,
    /// ISO day; empty before the approval.
    pub pay_by: String,
    pub profile: String,
    pub fingerprint: i64,
    pub version: i64,
    /// In a list behind a figure: how much of the figure this request is; else what was asked for.
    pub figure_fen: i64,
}

impl Request {
    /// The day by which the next step is due; empty where nothing is.
    pub fn due(&self) -> &str {
        match self.state.as_str() {
            "asked" => &self.decide_by,
            "approved" => &self.pay_by,
            _ => "",
        }
    }

    /// Whether the next step is overdue on an ISO day.
    pub fn is_late(&self, today: &str) -> bool {
        !self.due().is_empty() && self.due() < today
    }

    /// Fen that are approved and not paid yet.
    pub fn unpaid_fen(&self) -> i64 {
        self.approved_fen - self.paid_fen
    }
}

/// A payment (发放).
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Payment {
    pub id: Uuid,
    pub request_id: Uuid,
    pub paid_on: String,
    pub amount_fen: i64,
    pub voucher: String,
    pub payee: String,
    pub note: String,
    /// Before the approval.
    pub ahead: bool,
    /// recorded | confirmed | void
    pub state: String,
    pub recorded_by: Option<Uuid>,
    pub recorded_name: String,
    pub confirmed_by: Option<Uuid>,
    pub confirmed_name: String,
    pub confirmed_on: String,
    pub void_name: String,
    pub void_why: String,
}

/// What an event moved on the books, fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct Moves {
    pub asked: i64,
    pub approved: i64,
    pub refused: i64,
    pub withdrawn: i64,
    pub paid: i64,
    pub advanced: i64,
}

/// An event of a request.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Event {
    pub id: Uuid,
    pub seq: i64,
    pub at: i64,
    pub day: String,
    pub action: String,
    pub actor_name: String,
    pub note: String,
    /// JSON of [`Said`].
    pub data: String,
}

impl Event {
    /// What was said with it.
    pub fn said(&self) -> Said {
        serde_json::from_str(&self.data).unwrap_or_default()
    }
}

/// What an event says besides its note.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Said {
    /// Fen.
    pub fen: i64,
    /// Voucher number of a payment.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub voucher: String,
    /// To whom it was paid.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub payee: String,
}

/// A step that somebody takes with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Made by whoever acts: the same step twice is one event.
    pub event: Uuid,
    /// Version of the request that the form showed.
    pub version: i64,
    /// Why, or a note.
    pub note: String,
    /// What is done.
    pub what: What,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Approves so many fen.
    Approve(i64),
    /// Refuses all of it.
    Refuse,
    /// Hands it up to the county.
    Forward,
    /// The household takes it back.
    Withdraw,
    /// Writes a payment down.
    Pay {
        /// ISO day.
        paid_on: String,
        /// Fen.
        fen: i64,
        /// Voucher number.
        voucher: String,
        /// To whom.
        payee: String,
    },
    /// Confirms a payment that somebody else wrote down.
    Confirm(Uuid),
    /// Strikes a payment.
    Void(Uuid),
}

impl What {
    /// The name of its event.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Approve(_) => "approve",
            Self::Refuse => "refuse",
            Self::Forward => "forward",
            Self::Withdraw => "withdraw",
            Self::Pay { .. } => "pay",
            Self::Confirm(_) => "confirm",
            Self::Void(_) => "void",
        }
    }
}

impl Step {
    /// What of it makes it another step.
    pub(super) fn payload(&self, actor: Option<Uuid>) -> i64 {
        ids::fingerprint(format!("{:?}|{}|{actor:?}", self.what, self.note.trim()).as_bytes())
    }
}

/// Fields of a form by name, as they came.
pub type Raw = BTreeMap<String, String>;

/// Fen of an amount in yuan as people write it; none where it is no amount of more than nothing.
pub fn fen_of(text: &str) -> Option<i64> {
    let plain: String = text
        .trim()
        .trim_end_matches('元')
        .chars()
        .filter(|c| !matches!(c, ',' | '，' | ' ' | '¥' | '￥'))
        .map(|c| match c {
            '０'..='９' => char::from(b'0' + u8::try_from(u32::from(c) - 0xFF10).unwrap_or(0)),
            '．' => '.',
            other => other,
        })
        .collect();
    let (whole, rest) = plain.split_once('.').unwrap_or((&plain, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 9 || rest.len() > 2 || !digits(whole) || !digits(rest) {
        return None;
    }
    let fen = whole.parse::<i64>().ok()? * 100 + format!("{rest:0<2}").parse::<i64>().ok()?;
    (1..=FEN_MOST).contains(&fen).then_some(fen)
}

/// An amount in yuan: without fen where there are none.
pub fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "−" } else { "" };
    let whole = crate::register::pages::grouped(fen.abs() / 100);
    match fen.abs() % 100 {
        0 => format!("{sign}{whole}"),
        rest => format!("{sign}{whole}.{rest:02}"),
    }
}

/// A name with its first character only.
pub fn masked(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| std::iter::once(first).chain(chars.map(|_| '*')).collect())
}

/// Reads fields and collects what does not fit.
pub(super) struct Entry<'a> {
    raw: &'a Raw,
    pub(super) faults: Vec<Fault>,
}

impl<'a> Entry<'a> {
    pub(super) fn new(raw: &'a Raw) -> Self {
        Self { raw, faults: Vec::new() }
    }

    pub(super) fn fault(&mut self, field: &'static str, key: &'static str, expected: impl Into<String>) {
        self.faults.push(Fault::new(field, key, expected));
    }

    pub(super) fn value(&self, field: &str) -> &'a str {
        self.raw.get(field).map_or("", |text| text.trim())
    }

    pub(super) fn is_set(&self, field: &str) -> bool {
        matches!(self.value(field), "1" | "on" | "yes")
    }

    /// A text of at least `least` and at most `most` characters.
    pub(super) fn text(&mut self, field: &'static str, least: usize, most: usize) -> String {
        let text = self.value(field);
        if !(least..=most).contains(&text.chars().count()) {
            self.fault(field, "relief-fault-length", format!("{least}–{most}"));
        }
        text.to_owned()
    }

    pub(super) fn choice(&mut self, field: &'static str, all: &[&'static str]) -> &'static str {
        let value = self.value(field);
        match all.iter().find(|known| **known == value) {
            Some(found) => found,
            None => {
                self.fault(field, "relief-fault-choice", "");
                ""
            }
        }
    }

    /// A day not before `least` and not after `most`.
    pub(super) fn day(&mut self, field: &'static str, least: NaiveDate, most: NaiveDate) -> NaiveDate {
        match NaiveDate::parse_from_str(self.value(field), "%Y-%m-%d") {
            Ok(day) if day >= least && day <= most => day,
            _ => {
                self.fault(field, "relief-fault-day", format!("{least} – {most}"));
                most
            }
        }
    }

    /// An amount of money, fen.
    pub(super) fn fen(&mut self, field: &'static str) -> i64 {
        fen_of(self.value(field)).unwrap_or_else(|| {
            self.fault(field, "relief-fault-yuan", "1500 / 1500.50");
            0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them_and_nothing_is_lost() {
        for (text, fen) in [
            ("1500", Some(150_000)),
            ("1,500.5", Some(150_050)),
            (" ¥1，500.05元 ", Some(150_005)),
            ("１２．３０", Some(1_230)),
            ("0", None),
            ("-5", None),
            ("1.005", None),
            ("1e3", None),
            ("", None),
            (".5", None),
            ("99999999999", None),
            ("10000000.01", None),
        ] {
            assert_eq!(fen_of(text), fen, "{text}");
        }
        for (fen, text) in [(0, "0"), (150_000, "1,500"), (150_005, "1,500.05"), (-50, "−0.50")] {
            assert_eq!(yuan(fen), text);
        }
    }

    #[test]
    fn a_masked_name_keeps_its_surname_only() {
        assert_eq!((masked("张三"), masked("欧阳娜娜"), masked("")), ("张*".into(), "欧***".into(), String::new()));
    }
}
