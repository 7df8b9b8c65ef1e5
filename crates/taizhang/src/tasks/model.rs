//! What a task is made of: its legs, its figures, the units that have it, what they report.

use chrono::NaiveDate;
use uuid::Uuid;

use super::TaskError;

/// Most characters of a title or name.
pub const TITLE_MOST: usize = 120;
/// Most characters of a text.
pub const TEXT_MOST: usize = 4_000;
/// Most characters of what a figure counts.
pub const UNIT_MOST: usize = 12;
/// Fewest characters of a reason.
pub const REASON_LEAST: usize = 4;
/// The largest figure, in hundredths.
const FIGURE_MOST: i64 = 100_000_000_000_000;

/// One of the two sides of a joint task (同部署、同推进、同落实).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leg {
    /// 脱贫攻坚.
    Poverty,
    /// 疫情防控.
    Epidemic,
}

impl Leg {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Poverty, Self::Epidemic];

    /// The name in forms and columns.
    pub fn name(self) -> &'static str {
        match self {
            Self::Poverty => "poverty",
            Self::Epidemic => "epidemic",
        }
    }

    /// The field of a target of this leg.
    pub(super) fn target(self) -> &'static str {
        match self {
            Self::Poverty => "target_poverty",
            Self::Epidemic => "target_epidemic",
        }
    }

    /// The field of what is said of this leg.
    pub(super) fn said(self) -> &'static str {
        match self {
            Self::Poverty => "said_poverty",
            Self::Epidemic => "said_epidemic",
        }
    }
}

/// A figure of each leg, in hundredths; none where the leg is not there or nothing is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Figures {
    /// Of the poverty side.
    pub poverty: Option<i64>,
    /// Of the epidemic side.
    pub epidemic: Option<i64>,
}

impl Figures {
    /// Both in one.
    pub fn new(poverty: Option<i64>, epidemic: Option<i64>) -> Self {
        Self { poverty, epidemic }
    }

    /// Of one leg.
    pub fn get(&self, leg: Leg) -> Option<i64> {
        match leg {
            Leg::Poverty => self.poverty,
            Leg::Epidemic => self.epidemic,
        }
    }

    /// Writes one leg.
    pub fn set(&mut self, leg: Leg, figure: Option<i64>) {
        match leg {
            Leg::Poverty => self.poverty = figure,
            Leg::Epidemic => self.epidemic = figure,
        }
    }

    /// Both added up, leg by leg; what is not there adds nothing.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let add = |a: Option<i64>, b: Option<i64>| match (a, b) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
        };
        Self { poverty: add(self.poverty, other.poverty), epidemic: add(self.epidemic, other.epidemic) }
    }
}

/// A figure as somebody writes it, in hundredths: `1,234.5`, `３０`. Nothing for an empty text.
///
/// # Errors
/// It is no figure, below nought, too large, or has more than two decimals.
pub fn read_figure(field: &'static str, text: &str) -> Result<Option<i64>, TaskError> {
    let plain: String =
        codes::text::half_width(text.trim()).chars().filter(|c| !matches!(c, ',' | ' ' | '，')).collect();
    if plain.is_empty() {
        return Ok(None);
    }
    let wrong = || TaskError::Figure { field, given: text.trim().chars().take(40).collect() };
    let (whole, part) = plain.split_once('.').unwrap_or((&plain, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 2 {
        return Err(wrong());
    }
    let whole: i64 = whole.parse().map_err(|_| wrong())?;
    let cents: i64 = format!("{part:0<2}").parse().map_err(|_| wrong())?;
    let figure = whole.checked_mul(100).and_then(|whole| whole.checked_add(cents)).ok_or_else(wrong)?;
    if figure > FIGURE_MOST { Err(wrong()) } else { Ok(Some(figure)) }
}

/// A figure in hundredths as a page shows it: thousands apart, decimals where there are any.
pub fn show_figure(figure: i64) -> String {
    let whole = crate::register::pages::grouped(figure / 100);
    match figure.unsigned_abs() % 100 {
        0 => whole,
        part if part % 10 == 0 => format!("{whole}.{}", part / 10),
        part => format!("{whole}.{part:02}"),
    }
}

/// Tenths of a percent that are done; none without a target. Nothing to do is done.
pub fn permille(done: Option<i64>, target: Option<i64>) -> Option<i64> {
    match target? {
        target if target <= 0 => Some(1000),
        target => Some(i64::try_from(i128::from(done.unwrap_or(0)) * 1000 / i128::from(target)).unwrap_or(i64::MAX)),
    }
}

/// Where a task stands with one unit (报送状态).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The unit issued it and reports to nobody.
    Issued,
    /// 未报.
    Unreported,
    /// 已报.
    Reported,
    /// 退回.
    Returned,
    /// 已审.
    Accepted,
}

impl State {
    /// Those that a unit below passes through.
    pub const BELOW: [Self; 4] = [Self::Unreported, Self::Reported, Self::Returned, Self::Accepted];

    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Unreported => "unreported",
            Self::Reported => "reported",
            Self::Returned => "returned",
            Self::Accepted => "accepted",
        }
    }

    /// The state of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Issued].into_iter().chain(Self::BELOW).find(|state| state.name() == name)
    }

    /// Whether a report is owed.
    pub fn owes(self) -> bool {
        matches!(self, Self::Unreported | Self::Returned)
    }

    /// The tone of its badge.
    pub fn tone(self) -> &'static str {
        match self {
            Self::Issued => "mute",
            Self::Unreported => "warn",
            Self::Reported => "info",
            Self::Returned => "danger",
            Self::Accepted => "ok",
        }
    }
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Task {
    pub id: Uuid,
    pub title: String,
    pub series: String,
    pub content: String,
    pub basis: String,
    pub division_code: String,
    pub unit: String,
    pub poverty: String,
    pub poverty_unit: String,
    pub epidemic: String,
    pub epidemic_unit: String,
    pub due: String,
    pub campaign_id: Option<Uuid>,
    pub previous_id: Option<Uuid>,
    pub state: String,
    pub created_by: Option<Uuid>,
    pub created_name: String,
    pub created_at: i64,
}

impl Task {
    /// Whether reports are taken.
    pub fn is_open(&self) -> bool {
        self.state == "open"
    }

    /// What is asked on one side; empty where it has no such leg.
    pub fn asked(&self, leg: Leg) -> &str {
        match leg {
            Leg::Poverty => &self.poverty,
            Leg::Epidemic => &self.epidemic,
        }
    }

    /// What the figure of a leg counts.
    pub fn counts(&self, leg: Leg) -> &str {
        match leg {
            Leg::Poverty => &self.poverty_unit,
            Leg::Epidemic => &self.epidemic_unit,
        }
    }

    /// The legs that it has.
    pub fn legs(&self) -> Vec<Leg> {
        Leg::ALL.into_iter().filter(|leg| !self.asked(*leg).is_empty()).collect()
    }
}

/// A task as one unit has it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Node {
    pub id: Uuid,
    pub task_id: Uuid,
    pub parent_id: Option<Uuid>,
    pub division_code: String,
    pub target_poverty: Option<i64>,
    pub target_epidemic: Option<i64>,
    pub due: String,
    pub note: String,
    pub state: String,
    pub reports: i64,
    pub last_report: Option<Uuid>,
    pub reported_poverty: Option<i64>,
    pub reported_epidemic: Option<i64>,
    pub reported_on: String,
    pub accepted_report: Option<Uuid>,
    pub accepted_poverty: Option<i64>,
    pub accepted_epidemic: Option<i64>,
    pub accepted_on: String,
    pub reminders: i64,
    pub version: i64,
    pub updated_name: String,
    pub updated_at: i64,
    /// Name of its division.
    pub place: String,
}

impl Node {
    /// Where it stands.
    pub fn state(&self) -> State {
        State::from_name(&self.state).unwrap_or(State::Unreported)
    }

    /// What is to be reached.
    pub fn targets(&self) -> Figures {
        Figures::new(self.target_poverty, self.target_epidemic)
    }

    /// What the last report says.
    pub fn reported(&self) -> Figures {
        Figures::new(self.reported_poverty, self.reported_epidemic)
    }

    /// What counts: of the newest report that is accepted.
    pub fn accepted(&self) -> Figures {
        Figures::new(self.accepted_poverty, self.accepted_epidemic)
    }

    /// Whether a report is owed and its day has passed.
    pub fn is_late(&self, today: &str) -> bool {
        self.state().owes() && self.due.as_str() < today
    }
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Report {
    pub id: Uuid,
    pub task_id: Uuid,
    pub node_id: Uuid,
    pub division_code: String,
    pub number: i64,
    pub own_poverty: Option<i64>,
    pub own_epidemic: Option<i64>,
    pub below_poverty: Option<i64>,
    pub below_epidemic: Option<i64>,
    pub said_poverty: String,
    pub said_epidemic: String,
    pub reported_on: String,
    pub by_user: Option<Uuid>,
    pub by_name: String,
    pub by_unit: String,
    pub at: i64,
}

impl Report {
    /// Done by the unit itself.
    pub fn own(&self) -> Figures {
        Figures::new(self.own_poverty, self.own_epidemic)
    }

    /// Added up from below.
    pub fn below(&self) -> Figures {
        Figures::new(self.below_poverty, self.below_epidemic)
    }

    /// What it reports.
    pub fn total(&self) -> Figures {
        self.own().plus(self.below())
    }

    /// What it says of a leg.
    pub fn said(&self, leg: Leg) -> &str {
        match leg {
            Leg::Poverty => &self.said_poverty,
            Leg::Epidemic => &self.said_epidemic,
        }
    }
}

/// Something that has happened to a task.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Event {
    pub id: Uuid,
    pub node_id: Uuid,
    pub seq: i64,
    pub at: i64,
    pub day: String,
    pub action: String,
    pub report_id: Option<Uuid>,
    pub note: String,
    pub data: String,
    pub by_name: String,
    pub by_unit: String,
}

/// A text of a form, trimmed.
///
/// # Errors
/// It is empty or too long.
pub(super) fn needed(field: &'static str, text: &str, most: usize) -> Result<String, TaskError> {
    let text = optional(field, text, most)?;
    if text.is_empty() { Err(TaskError::Field(field)) } else { Ok(text) }
}

/// A text of a form that may be empty, trimmed.
///
/// # Errors
/// It is too long.
pub(super) fn optional(field: &'static str, text: &str, most: usize) -> Result<String, TaskError> {
    let text = text.trim();
    if text.chars().count() > most { Err(TaskError::Long { field, most }) } else { Ok(text.to_owned()) }
}

/// A reason of a form, trimmed.
///
/// # Errors
/// It says too little or too much.
pub(super) fn reason(text: &str) -> Result<String, TaskError> {
    let text = optional("reason", text, TEXT_MOST)?;
    if text.chars().count() < REASON_LEAST { Err(TaskError::Reason) } else { Ok(text) }
}

/// A day of a form.
///
/// # Errors
/// It is no day of this century.
pub fn read_day(field: &'static str, text: &str) -> Result<NaiveDate, TaskError> {
    use chrono::Datelike;
    NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d")
        .ok()
        .filter(|day| (2000..2100).contains(&day.year()))
        .ok_or_else(|| TaskError::Day { field, given: text.trim().chars().take(40).collect() })
}

/// A title without year, digits and blanks: the same of the same task in every year.
pub(super) fn series(title: &str) -> String {
    codes::text::half_width(title)
        .chars()
        .filter(|c| c.is_alphanumeric() && !c.is_ascii_digit() && !matches!(c, '年' | '度'))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_exact_as_people_write_them() {
        let read = |text: &str| read_figure("target_poverty", text).ok().flatten();
        assert_eq!(read("1,234.5"), Some(123_450));
        assert_eq!(read("３０"), Some(3_000));
        assert_eq!(read("0.07"), Some(7));
        assert_eq!(read(" "), None);
        for wrong in ["-1", "1.234", "1e5", "一", ".5", "5.", "99999999999999999999", "1000000000001"] {
            assert!(read_figure("target_poverty", wrong).is_err(), "{wrong}");
        }
        for (figure, shown) in [(123_450, "1,234.5"), (3_000, "30"), (7, "0.07"), (0, "0")] {
            assert_eq!(show_figure(figure), shown);
        }
    }

    #[test]
    fn what_is_not_there_adds_nothing_and_needs_nothing() {
        let sum = Figures::new(Some(1), None).plus(Figures::new(None, None)).plus(Figures::new(Some(2), Some(3)));
        assert_eq!(sum, Figures::new(Some(3), Some(3)));
        assert_eq!(Figures::default().plus(Figures::default()), Figures::default());
        assert_eq!(
            [permille(Some(1), Some(3)), permille(None, Some(3)), permille(Some(1), None)],
            [Some(333), Some(0), None]
        );
        assert_eq!(permille(Some(0), Some(0)), Some(1000));
    }

    #[test]
    fn the_same_task_of_another_year_is_known_by_its_title() {
        assert_eq!(series("2020年 春季攻势·危房改造"), series("2019年度春季攻势危房改造"));
        assert_ne!(series("危房改造"), series("饮水安全"));
        for state in State::BELOW {
            assert_eq!(State::from_name(state.name()), Some(state));
        }
    }
}
