//! Items, their states and steps.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::access::Capability;
use crate::platform::{Lang, ids};

/// The least characters of a reason: why a deadline is put off, what a table is taken out for.
pub const REASON_CHARS: usize = 4;
/// The most characters of a note.
pub const NOTE_MOST: usize = 2_000;

/// Where an item stands (问题状态).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// 待核实.
    ToVerify,
    /// 已交办.
    Assigned,
    /// 整改中.
    InProgress,
    /// 申请销号.
    Submitted,
    /// 核验.
    Checking,
    /// 退回.
    Returned,
    /// 已销号.
    Closed,
    /// 已撤销.
    Cancelled,
}

impl State {
    /// Every state in the order of an item's life.
    pub const ALL: [Self; 8] = [
        Self::ToVerify,
        Self::Assigned,
        Self::InProgress,
        Self::Submitted,
        Self::Checking,
        Self::Returned,
        Self::Closed,
        Self::Cancelled,
    ];

    /// The name in profile and database.
    pub fn name(self) -> &'static str {
        match self {
            Self::ToVerify => "to_verify",
            Self::Assigned => "assigned",
            Self::InProgress => "in_progress",
            Self::Submitted => "submitted",
            Self::Checking => "checking",
            Self::Returned => "returned",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether somebody still owes an answer.
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Closed | Self::Cancelled)
    }
}

/// One required or voluntary measure of an item (帮扶措施).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// Measure group of the profile.
    pub id: String,
    /// Whether the item cannot be closed without it.
    pub required: bool,
    /// Whether it was carried out in this round.
    pub done: bool,
    /// Who said so.
    #[serde(default)]
    pub done_by: String,
    /// When, milliseconds.
    #[serde(default)]
    pub done_at: Option<i64>,
    /// What was done.
    #[serde(default)]
    pub note: String,
}

/// An item as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Item {
    pub id: Uuid,
    pub number: String,
    pub ledger: String,
    pub source: String,
    pub source_key: Option<String>,
    pub finding_id: Option<Uuid>,
    pub rule_id: String,
    pub household_id: Option<Uuid>,
    pub person_id: Option<Uuid>,
    pub division_code: String,
    pub title: String,
    pub level: String,
    pub state: String,
    pub round: i64,
    pub owner_unit: String,
    pub owner_division: String,
    pub owner_name: String,
    pub helper_id: Option<Uuid>,
    pub assignee_id: Option<Uuid>,
    pub deadline: String,
    pub measures: String,
    pub submitted_by: Option<Uuid>,
    pub checked_by: Option<Uuid>,
    pub version: i64,
    pub profile_id: Uuid,
    pub finding_version: i64,
    pub episode: i64,
    pub opened_on: String,
    pub closed_on: String,
    pub updated_at: i64,
    pub finding_evidence: String,
}

impl Item {
    /// Where it stands.
    pub fn state(&self) -> State {
        State::from_name(&self.state).unwrap_or(State::ToVerify)
    }

    /// Its measures.
    pub fn measures(&self) -> Vec<Measure> {
        serde_json::from_str(&self.measures).unwrap_or_default()
    }

    /// Its title in a language.
    pub fn title(&self, lang: Lang) -> String {
        title_in(&self.title, lang)
    }
}

/// A stored title `{"zh-CN": …, "en": …}` in a language.
pub fn title_in(json: &str, lang: Lang) -> String {
    serde_json::from_str::<serde_json::Value>(json)
        .ok()
        .and_then(|words| words.get(lang.tag()).and_then(|w| w.as_str()).map(str::to_owned))
        .unwrap_or_else(|| json.to_owned())
}

/// Something that happened to an item.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Event {
    pub id: Uuid,
    pub seq: i64,
    pub round: i64,
    pub at: i64,
    pub actor_id: Option<Uuid>,
    pub actor_name: String,
    pub action: String,
    pub from_state: String,
    pub to_state: String,
    pub note: String,
    pub data: String,
    /// When it was done, where that was before it was recorded; milliseconds.
    pub acted_at: Option<i64>,
}

/// Whether an event is a hand in the work, whose owner then cannot check it (整改人不得核验). A photo added while the
/// item waits for its check, or during it, is the checker's own.
pub fn is_work(action: &str, from_state: &str) -> bool {
    match action {
        "start" | "progress" | "measure" | "submit" | "money" | "money_strike" | "unfile" => true,
        "attach" => ![State::Submitted.name(), State::Checking.name()].contains(&from_state),
        _ => false,
    }
}

/// Whether an event brings an item onward (推进): what a stall is measured by. To hand an item that is under way to somebody
/// else does not, nor do remarks, reminders and what the system writes.
pub fn moves_on(action: &str, from_state: &str) -> bool {
    match action {
        "start" | "progress" | "measure" | "money" | "submit" | "check" | "pass" | "fail" | "attach" | "reopen"
        | "look_back" => true,
        "assign" => from_state == State::ToVerify.name(),
        _ => false,
    }
}

/// A photo or paper of an item's evidence (佐证).
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Attachment {
    pub id: Uuid,
    pub item_id: Uuid,
    pub sha256: String,
    pub name: String,
    pub mime: String,
    pub bytes: i64,
    pub uploaded_at: i64,
    pub uploaded_by: Option<Uuid>,
    /// When it was taken, as whoever sent it says, milliseconds.
    pub taken_at: Option<i64>,
    /// Where, as whoever sent it says.
    pub place: String,
    /// When it was taken away, milliseconds: its line stays, its content is shown to nobody.
    pub removed_at: Option<i64>,
    pub removed_name: String,
    pub removed_why: String,
}

/// What somebody does to an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// 交办 to a user, with a deadline where it changes.
    Assign {
        /// Who shall do it.
        assignee: Uuid,
        /// New deadline; the old one where none.
        deadline: Option<chrono::NaiveDate>,
    },
    /// 开始整改.
    Start,
    /// 进展.
    Progress,
    /// A measure was carried out.
    Measure {
        /// Measure group.
        id: String,
    },
    /// 申请销号.
    Submit,
    /// 开始现场核验.
    Check,
    /// 核验通过，销号.
    Pass {
        /// Where it was checked; may be empty.
        place: String,
    },
    /// 核验不通过，退回.
    Fail,
    /// 反弹，重开.
    Reopen,
    /// 撤销.
    Cancel,
    /// A remark.
    Note,
    /// Money planned or spent (资金).
    Money(NewMoney),
    /// An entry of money was wrong.
    MoneyStrike {
        /// The entry.
        id: Uuid,
    },
    /// A photo or paper was wrong; its line stays.
    Unfile {
        /// The attachment.
        id: Uuid,
    },
    /// 回头看: whether the problem is still solved some time after its closing.
    LookBack {
        /// It is; else the item opens again in a new round.
        holds: bool,
        /// Where it was looked at; may be empty.
        place: String,
    },
}

/// Whether money is meant to be spent or was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoneyKind {
    /// 计划.
    Planned,
    /// 已支出.
    Spent,
}

impl MoneyKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Planned, Self::Spent];

    /// The name in forms and database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Spent => "spent",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Where the money of an item may come from (资金来源), as the yearly fund plans group it; `other` for the rest.
pub const MONEY_SOURCES: [&str; 11] =
    ["central", "province", "city", "county", "sector", "east_west", "paired", "social", "insurance", "own", "other"];

/// An entry of money as somebody sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMoney {
    /// Planned or spent.
    pub kind: MoneyKind,
    /// One of [`MONEY_SOURCES`].
    pub source: String,
    /// Hundredths of a yuan.
    pub fen: i64,
    /// The day that it is planned for or was spent on.
    pub day: NaiveDate,
}

impl Action {
    /// The name in events and profile.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Assign { .. } => "assign",
            Self::Start => "start",
            Self::Progress => "progress",
            Self::Measure { .. } => "measure",
            Self::Submit => "submit",
            Self::Check => "check",
            Self::Pass { .. } => "pass",
            Self::Fail => "fail",
            Self::Reopen => "reopen",
            Self::Cancel => "cancel",
            Self::Note => "note",
            Self::Money(_) => "money",
            Self::MoneyStrike { .. } => "money_strike",
            Self::Unfile { .. } => "unfile",
            Self::LookBack { .. } => "look_back",
        }
    }

    /// Whether it only adds to the work, so that it may come late: a photo of a week ago is still one. A decision rests
    /// on what one saw when taking it, and is never taken on what others have changed since.
    pub fn adds(&self) -> bool {
        matches!(self, Self::Start | Self::Progress | Self::Measure { .. } | Self::Submit | Self::Note | Self::Money(_))
    }

    /// What one must be able to do for it.
    pub fn capability(&self) -> Capability {
        match self {
            Self::Assign { .. } | Self::Reopen | Self::Cancel => Capability::AssignItems,
            Self::Start
            | Self::Progress
            | Self::Measure { .. }
            | Self::Submit
            | Self::Money(_)
            | Self::MoneyStrike { .. }
            | Self::Unfile { .. } => Capability::WorkItems,
            Self::Check | Self::Pass { .. } | Self::Fail | Self::LookBack { .. } => Capability::CheckItems,
            Self::Note => Capability::ViewItems,
        }
    }

    /// Whether it must come from somebody who had no hand in the work.
    pub fn is_check(&self) -> bool {
        matches!(self, Self::Check | Self::Pass { .. } | Self::Fail | Self::LookBack { .. })
    }

    /// The least characters that its note must have.
    pub fn note_chars(&self) -> usize {
        match self {
            Self::Assign { .. } | Self::Start | Self::Check | Self::Measure { .. } | Self::Money(_) => 0,
            Self::Note | Self::Progress => 2,
            Self::Submit
            | Self::Pass { .. }
            | Self::Fail
            | Self::Reopen
            | Self::Cancel
            | Self::MoneyStrike { .. }
            | Self::Unfile { .. }
            | Self::LookBack { .. } => 4,
        }
    }
}

/// A step as somebody asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Made by whoever asks: the same step twice is done once.
    pub event_id: Uuid,
    /// Version of the item that they saw.
    pub version: i64,
    /// What they do.
    pub action: Action,
    /// In their words.
    pub note: String,
}

impl Step {
    /// One hash of who asks for what in which words: what is sent twice has the same, whatever else has not.
    pub fn payload(&self, by: Option<Uuid>) -> String {
        let what = match &self.action {
            Action::Assign { assignee, deadline } => {
                serde_json::json!([assignee, deadline.map(|day| day.to_string())])
            }
            Action::Measure { id } => serde_json::json!(id),
            Action::Pass { place } => serde_json::json!(place.trim()),
            Action::Money(money) => {
                serde_json::json!([money.kind.name(), money.source, money.fen, money.day.to_string()])
            }
            Action::MoneyStrike { id } | Action::Unfile { id } => serde_json::json!(id),
            Action::LookBack { holds, place } => serde_json::json!([holds, place.trim()]),
            _ => serde_json::Value::Null,
        };
        payload(&serde_json::json!([by, self.action.name(), what, self.note.trim()]))
    }
}

/// The hash of what somebody asks for.
pub fn payload(asked: &serde_json::Value) -> String {
    ids::hex(&Sha256::digest(asked.to_string().as_bytes()))
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Version of the item now.
    pub version: i64,
    /// State of the item now.
    pub state: State,
    /// The step had been done before.
    pub repeated: bool,
}

/// The source of an item that a finding opened.
pub const FINDING: &str = "finding";

/// Days from today within which a deadline counts as near.
pub const SOON_DAYS: u64 = 7;

/// Which items of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// Everything that somebody owes an answer to.
    #[default]
    Open,
    /// Open and past its deadline.
    Overdue,
    /// Open and due within a week.
    DueSoon,
    /// Waiting for a check: 申请销号, 核验.
    ToCheck,
    /// All of them.
    All,
    /// Of one state.
    One(State),
}

impl Which {
    /// The value in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Overdue => "overdue",
            Self::DueSoon => "due_soon",
            Self::ToCheck => "to_check",
            Self::All => "all",
            Self::One(state) => state.name(),
        }
    }

    /// The filter of a value in an address.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "open" => Some(Self::Open),
            "overdue" => Some(Self::Overdue),
            "due_soon" => Some(Self::DueSoon),
            "to_check" => Some(Self::ToCheck),
            "all" => Some(Self::All),
            other => State::from_name(other).map(Self::One),
        }
    }
}

/// Order of the list: by any of its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// By deadline.
    #[default]
    Deadline,
    /// By number.
    Number,
    /// By last change, the newest first.
    Updated,
    /// By division.
    Division,
    /// By name of the head of household.
    Household,
    /// By what the problem is, in the order of the profile's rules.
    Title,
    /// By state, in the order of an item's life.
    State,
    /// By level, the most severe first.
    Level,
    /// By kind of ledger.
    Ledger,
    /// By source.
    Source,
    /// By owner unit.
    Unit,
    /// By owner.
    Owner,
    /// By whom it is assigned to.
    Assignee,
    /// By round.
    Round,
    /// By the day it was opened.
    Opened,
}

impl Sort {
    /// Every order.
    pub const ALL: [Self; 15] = [
        Self::Deadline,
        Self::Number,
        Self::Updated,
        Self::Division,
        Self::Household,
        Self::Title,
        Self::State,
        Self::Level,
        Self::Ledger,
        Self::Source,
        Self::Unit,
        Self::Owner,
        Self::Assignee,
        Self::Round,
        Self::Opened,
    ];

    /// The value in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Number => "number",
            Self::Updated => "updated",
            Self::Division => "division",
            Self::Household => "household",
            Self::Title => "title",
            Self::State => "state",
            Self::Level => "level",
            Self::Ledger => "ledger",
            Self::Source => "source",
            Self::Unit => "unit",
            Self::Owner => "owner",
            Self::Assignee => "assignee",
            Self::Round => "round",
            Self::Opened => "opened",
        }
    }

    /// The order of a value in an address.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.name() == name)
    }
}

/// Items by what the books say of them on a day or in a period, not by where they stand now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// Open at the end of this day.
    OpenOn(NaiveDate),
    /// Opened, closed and so on from a day (none: from the beginning) to a day, both included.
    Moved {
        /// How.
        how: Move,
        /// First day.
        from: Option<NaiveDate>,
        /// Last day.
        to: NaiveDate,
    },
}

/// A question to the list of items.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// By state.
    pub which: Which,
    /// Under this division; empty for the whole scope.
    pub division: String,
    /// Of this rule; empty for all.
    pub rule: String,
    /// Of this kind of ledger; empty for all.
    pub ledger: String,
    /// From this source (问题来源); empty for all.
    pub source: String,
    /// By the books of a day or period; `division` is then the place at that time.
    pub then: Option<Then>,
    /// Of this helper or unit, or assigned to this person (whole words); empty for all.
    pub owner: String,
    /// Of this owner unit (whole words); empty for all.
    pub unit: String,
    /// Of this level; empty for all.
    pub level: String,
    /// With this measure, required or carried out; empty for all.
    pub measure: String,
    /// Due on this day or later.
    pub due_from: Option<NaiveDate>,
    /// Due on this day or before.
    pub due_to: Option<NaiveDate>,
    /// Open and past the deadline, whatever `which` says besides.
    pub late: bool,
    /// Number, head of household, owner; empty for all.
    pub text: String,
    /// About this household.
    pub household: Option<Uuid>,
    /// Assigned to whoever asks.
    pub mine: bool,
    /// Order.
    pub sort: Sort,
    /// The other way round.
    pub descending: bool,
    /// From 1.
    pub page: i64,
    /// Rows of a page.
    pub per_page: i64,
}

/// A line of the list.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Line {
    pub id: Uuid,
    pub number: String,
    pub ledger: String,
    pub source: String,
    pub rule_id: String,
    pub title: String,
    pub level: String,
    pub state: String,
    pub round: i64,
    pub opened_on: String,
    pub deadline: String,
    pub owner_unit: String,
    pub owner_name: String,
    pub assignee_name: String,
    pub household_id: Option<Uuid>,
    pub head_name: String,
    pub division_code: String,
    pub division_name: String,
    pub updated_at: i64,
    pub version: i64,
}

/// How many items a scope has, for tabs and tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counts {
    /// Open.
    pub open: i64,
    /// Open and past the deadline.
    pub overdue: i64,
    /// 申请销号 and 核验.
    pub to_check: i64,
    /// 已销号.
    pub closed: i64,
    /// 已撤销.
    pub cancelled: i64,
    /// Open and assigned to whoever asks.
    pub mine: i64,
}

/// Somebody to whom items may be assigned.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Assignable {
    pub id: Uuid,
    pub login: String,
    pub name: String,
    pub unit: String,
    pub role: String,
    pub division_code: String,
}

/// What following the findings did to the items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct ItemChanges {
    /// New items.
    pub opened: u64,
    /// Items that came back: a new round under the same number.
    pub reopened: u64,
    /// Items struck because what they rested on was withdrawn or taken over.
    pub cancelled: u64,
    /// Items that were told something.
    pub noted: u64,
    /// Open items whose household has another helper.
    pub handed_over: u64,
}

impl ItemChanges {
    pub(crate) fn add(&mut self, other: Self) {
        self.opened += other.opened;
        self.reopened += other.reopened;
        self.cancelled += other.cancelled;
        self.noted += other.noted;
        self.handed_over += other.handed_over;
    }
}

/// How an item moves on or off the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Move {
    /// 新增.
    Opened,
    /// 重开.
    Reopened,
    /// 迁入.
    MovedIn,
    /// 销号.
    Closed,
    /// 撤销.
    Cancelled,
    /// 迁出.
    MovedOut,
}

impl Move {
    /// Those that add first, then those that take away.
    pub const ALL: [Self; 6] =
        [Self::Opened, Self::Reopened, Self::MovedIn, Self::Closed, Self::Cancelled, Self::MovedOut];

    /// The value in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Reopened => "reopened",
            Self::MovedIn => "moved_in",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
            Self::MovedOut => "moved_out",
        }
    }

    /// The movement of a value in an address.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|side| side.name() == name)
    }

    /// The action of the events that move so.
    pub fn action(self) -> &'static str {
        match self {
            Self::Opened => "open",
            Self::Reopened => "reopen",
            Self::MovedIn => "move_in",
            Self::Closed => "pass",
            Self::Cancelled => "cancel",
            Self::MovedOut => "move_out",
        }
    }

    /// Whether it adds to what is open.
    pub fn adds(self) -> bool {
        matches!(self, Self::Opened | Self::Reopened | Self::MovedIn)
    }
}

/// Movements of a village's items on a day, as the roll-up has them or as the events say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Movement {
    /// 新增.
    pub opened: i64,
    /// 重开.
    pub reopened: i64,
    /// 销号.
    pub closed: i64,
    /// 撤销.
    pub cancelled: i64,
    /// 迁入.
    pub moved_in: i64,
    /// 迁出.
    pub moved_out: i64,
}

impl Movement {
    /// What it adds to the open items.
    pub fn net(&self) -> i64 {
        self.opened + self.reopened + self.moved_in - self.closed - self.cancelled - self.moved_out
    }

    /// How many of one kind.
    pub fn of(&self, side: Move) -> i64 {
        match side {
            Move::Opened => self.opened,
            Move::Reopened => self.reopened,
            Move::MovedIn => self.moved_in,
            Move::Closed => self.closed,
            Move::Cancelled => self.cancelled,
            Move::MovedOut => self.moved_out,
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.opened += other.opened;
        self.reopened += other.reopened;
        self.closed += other.closed;
        self.cancelled += other.cancelled;
        self.moved_in += other.moved_in;
        self.moved_out += other.moved_out;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::profile::{STATES, STEPS};

    #[test]
    fn states_and_profile_states_are_the_same() {
        assert_eq!(State::ALL.map(State::name).to_vec().len(), STATES.len());
        for state in State::ALL {
            assert!(STATES.contains(&state.name()));
            assert_eq!(State::from_name(state.name()), Some(state));
        }
        for (_, from, to) in STEPS {
            assert!(State::from_name(to).is_some());
            assert!(from.iter().all(|name| State::from_name(name).is_some()));
        }
    }

    #[test]
    fn what_is_asked_for_is_told_apart_and_what_is_repeated_is_not() {
        let me = Some(Uuid::from_u128(1));
        let step = |action, note: &str| Step { event_id: Uuid::nil(), version: 1, action, note: note.to_owned() };
        let measure = |id: &str| Action::Measure { id: id.to_owned() };
        let first = step(measure("health"), "送医").payload(me);
        assert_eq!(first, step(measure("health"), " 送医\n").payload(me));
        assert_ne!(first, step(measure("health"), "送药").payload(me));
        assert_ne!(first, step(measure("water"), "送医").payload(me));
        assert_ne!(first, step(measure("health"), "送医").payload(Some(Uuid::from_u128(2))));
        let assign = |to: u128, day| {
            let action = Action::Assign {
                assignee: Uuid::from_u128(to),
                deadline: chrono::NaiveDate::from_ymd_opt(2020, 3, day),
            };
            step(action, "").payload(me)
        };
        assert_ne!(assign(1, 1), assign(2, 1));
        assert_ne!(assign(1, 1), assign(1, 2));
        assert_ne!(step(Action::Note, "好的").payload(me), step(Action::Progress, "好的").payload(me));
    }

    #[test]
    fn a_photo_of_the_checker_is_no_work() {
        assert!(is_work("attach", "in_progress") && is_work("attach", "returned") && is_work("measure", "in_progress"));
        assert!(!is_work("attach", "submitted") && !is_work("attach", "checking"));
        assert!(!is_work("note", "in_progress") && !is_work("assign", "to_verify") && !is_work("check", "submitted"));
    }

    #[test]
    fn only_a_check_leads_to_closing() {
        let closing: Vec<&str> = STEPS.iter().filter(|step| step.2 == "closed").map(|step| step.0).collect();
        assert_eq!(closing, ["pass"]);
        let pass = STEPS.iter().find(|step| step.0 == "pass").unwrap();
        assert_eq!(pass.1, ["checking"]);
    }
}
