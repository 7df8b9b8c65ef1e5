//! The policy profile (政策口径): a dated TOML text that says which facts matter, how much, what help they ask for, and
//! how the ledger runs. Read with the place of every value, so that a fault names file, line and key.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{Days, NaiveDate};
use serde::Serialize;

use super::income::model::EstimatePolicy;
use super::lines::IncomeLines;
use super::model::HouseholdView;
use super::modes::WorkMode;
use super::rules::TierMap;
use super::working_days::{self, UnknownYear};
use crate::platform::{ErrorKind, Lang, UserError, i18n};

mod check;
pub mod checks;
pub mod diff;
pub mod edit;
pub mod expression;
mod file;
mod income;
mod legacy;
mod modes;
pub mod monitoring;
pub(crate) mod plan;
pub mod relief;
pub mod supervise;
pub mod view;
pub mod words;

pub use expression::Expression;
pub use monitoring::{Feed, MonitoringPolicy, MonitoringStep};

/// The profile that ships with the program.
pub const BUILT_IN: &str = include_str!("../../../../../policy/2020-epidemic.toml");
/// Its file name, for messages.
pub const BUILT_IN_FILE: &str = "policy/2020-epidemic.toml";
/// The profile of ordinary years, that ships with the program and is put in force by `profile apply`.
pub const REGULAR: &str = include_str!("../../../../../policy/2026-regular.toml");

/// Words in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Words {
    /// 中文.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Words {
    /// The words of a language.
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }

    /// `{"zh-CN": …, "en": …}`, as the table `item` keeps titles.
    pub fn to_json(&self) -> String {
        serde_json::json!({ "zh-CN": self.zh, "en": self.en }).to_string()
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// 关注.
    Notice,
    /// 受影响.
    Affected,
    /// 严重.
    Severe,
}

impl Level {
    /// Every level, the lightest first.
    pub const ALL: [Self; 3] = [Self::Notice, Self::Affected, Self::Severe];

    /// The name in profile and database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Affected => "affected",
            Self::Severe => "severe",
        }
    }

    /// The level of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// What a rule's findings are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// One finding per person.
    Person,
    /// One finding per household.
    Household,
}

impl Subject {
    /// The name in profile and database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Household => "household",
        }
    }
}

/// What becomes of an item when its facts have moved on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenEnded {
    /// It stays open until somebody has checked on site.
    Check,
    /// It is struck: another rule takes over.
    Cancel,
}

/// One rule (规则).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule {
    /// Short and stable: findings and items are keyed by it.
    pub id: String,
    /// What it is called.
    pub title: Words,
    /// How bad it is.
    pub level: Level,
    /// What its findings are about.
    pub subject: Subject,
    /// When it holds.
    pub when: Expression,
    /// Households that it must find, and others that it must not.
    #[serde(skip)]
    pub examples: Vec<Example>,
    /// Ledger that its findings open items in; none for a finding that is only shown.
    pub ledger: Option<String>,
    /// Measure groups that must be carried out before closing.
    pub measures: Vec<String>,
    /// What becomes of the item when the facts have moved on.
    pub when_ended: WhenEnded,
    /// Where the rule comes from.
    pub source: String,
    /// Line of the text that the rule begins at.
    #[serde(skip)]
    pub line: usize,
}

/// A made-up household, and whether a rule must find it.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Whether the rule holds for it.
    pub expect: bool,
    /// The household; a rule about persons asks about its first member.
    pub view: HouseholdView,
    /// Tiers of the counties that it names.
    pub tiers: TierMap,
    /// The day.
    pub today: i64,
    /// Where it stands in the text: for faults.
    pub(crate) line: usize,
    pub(crate) key: String,
}

/// A threshold from which an agency reports (部门筛查预警).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Warning {
    /// As conditions name it: `warning.ID`.
    pub id: String,
    /// What is reported.
    pub title: Words,
    /// Who reports.
    pub agency: Words,
    /// Who is reported on.
    pub group: Words,
    /// From how much on.
    pub threshold: f64,
    /// Unit of the threshold.
    pub unit: Words,
    /// When the agency reports.
    pub push: Words,
    /// Where it comes from.
    pub source: String,
    /// How clues are drawn from it; none where it is received and not evaluated yet.
    pub feed: Option<Feed>,
}

/// The tier algorithm's numbers and names (县级疫情风险等级).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TierPolicy {
    /// Kinds of list rows that count as cases.
    pub case_kinds: Vec<String>,
    /// Days of the window, the day itself included.
    pub window_days: i64,
    /// More cases than this, to date, may make a county high.
    pub threshold: i64,
    /// low, medium, high.
    pub names: BTreeMap<String, Words>,
    /// The work mode of each tier; empty where the profile says none.
    pub modes: BTreeMap<String, WorkMode>,
}

/// One allowed step of a ledger.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Transition {
    /// assign, start, submit, check, pass, fail, reopen, cancel.
    pub action: String,
    /// States that it starts from.
    pub from: Vec<String>,
    /// State that it leads to.
    pub to: String,
    /// Roles that may do it.
    pub roles: Vec<String>,
}

/// Where the owner of an item sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnerLevel {
    /// The village's committee.
    Village,
    /// The township's government.
    Township,
}

/// One kind of ledger (台账).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LedgerPolicy {
    /// What it is called.
    pub title: Words,
    /// First part of its numbers.
    pub number_prefix: String,
    /// Who owns an item.
    pub owner_level: OwnerLevel,
    /// Days from opening to deadline, by level.
    pub deadline_days: BTreeMap<String, i64>,
    /// Whether these are working days by the official calendar.
    pub working_days: bool,
    /// Days from closing to the look-back (回头看); 0 for none.
    pub look_back_days: i64,
    /// Names of the states.
    pub states: BTreeMap<String, Words>,
    /// Allowed steps.
    pub transitions: Vec<Transition>,
}

/// Days from closing to the look-back where a ledger does not say.
pub const LOOK_BACK_DAYS: i64 = 30;

impl LedgerPolicy {
    /// The deadline of an item of a level that is opened on a day; none for a level that it does not know.
    ///
    /// # Errors
    /// It reaches, in working days, into a year whose notice is not known.
    pub fn deadline(&self, level: &str, from: NaiveDate) -> Result<Option<NaiveDate>, UnknownYear> {
        let Some(days) = self.deadline_days.get(level) else {
            return Ok(None);
        };
        if self.working_days {
            return working_days::after(from, *days).map(Some);
        }
        let days = Days::new(u64::try_from(*days).unwrap_or(0));
        Ok(Some(from.checked_add_days(days).unwrap_or(from)))
    }
}

/// A whole profile.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profile {
    /// What it is, over its versions: `2020-epidemic`.
    pub key: String,
    /// Raised with every change.
    pub version: i64,
    /// ISO day.
    pub effective_from: String,
    /// What it is called.
    pub title: Words,
    /// What this period calls things.
    pub terms: BTreeMap<String, Words>,
    /// County tiers.
    pub tiers: TierPolicy,
    /// Names of the levels.
    pub levels: BTreeMap<String, Words>,
    /// Income lines by region and day; none where the profile leaves them to the built-in one.
    pub income_lines: IncomeLines,
    /// Measure groups in order.
    pub measures: Vec<(String, Words)>,
    /// Ledgers by id.
    pub ledgers: BTreeMap<String, LedgerPolicy>,
    /// Expressions that conditions share, by name.
    pub definitions: BTreeMap<String, String>,
    /// Thresholds of agencies' warnings.
    pub warnings: Vec<Warning>,
    /// Monitoring against a return to poverty, where the profile knows it.
    pub monitoring: Option<MonitoringPolicy>,
    /// The on-site checks, where the profile says them: [`checks::Checks::of`] gives those in force.
    pub checks: Option<checks::Checks>,
    /// How this year's income is estimated, where the profile says it.
    pub income_estimate: Option<EstimatePolicy>,
    /// When items count as stuck and teams as present: [`supervise::SupervisionPolicy::of`] gives what is in force.
    pub supervision: Option<supervise::SupervisionPolicy>,
    /// Temporary relief, where the profile says it: [`relief::ReliefPolicy::of`] gives the rules in force.
    pub relief: Option<relief::ReliefPolicy>,
    /// Rules in order.
    pub rules: Vec<Rule>,
}

impl Profile {
    /// Whether the deadline of every item that may be opened on a day can be told.
    ///
    /// # Errors
    /// One reaches, in working days, into a year whose notice is not known.
    pub fn deadlines_from(&self, day: NaiveDate) -> Result<(), UnknownYear> {
        for ledger in self.ledgers.values() {
            for level in ledger.deadline_days.keys() {
                ledger.deadline(level, day)?;
            }
        }
        Ok(())
    }

    /// Whether some rule can hold for a household that no signal and no raised tier has touched.
    pub fn asks_everybody(&self) -> bool {
        self.rules.iter().any(|rule| rule.when.asks_everybody())
    }

    /// The parts of the register that its rules read, as bits of [`view::Part`].
    pub fn parts(&self) -> u16 {
        self.rules.iter().fold(0, |bits, rule| bits | rule.when.parts())
    }

    /// The fields of household and member that its rules read.
    pub(crate) fn reads(&self) -> plan::Reads {
        self.rules.iter().fold(plan::Reads::default(), |all, rule| all.and(rule.when.reads()))
    }

    /// The rule of an id.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// What a measure group is called; its id where the profile no longer has it.
    pub fn measure_title<'a>(&'a self, id: &'a str, lang: Lang) -> &'a str {
        self.measures.iter().find(|(known, _)| known == id).map_or(id, |(_, words)| words.get(lang))
    }
}

/// One fault of a profile text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// From 1; 0 where the fault is that something is missing altogether.
    pub line: usize,
    /// Column inside an expression, from 1; 0 where the fault lies in no expression.
    pub column: usize,
    /// Dotted path of the value: `rules[2].when`.
    pub key: String,
    /// Text key of the fault: `profile-…`.
    pub what: &'static str,
    /// What was found.
    pub found: String,
    /// What would be right.
    pub expected: String,
}

impl Problem {
    /// The fault and what would be right, without where it is.
    pub fn in_words(&self, lang: Lang) -> String {
        i18n::text_with(lang, self.what, &[("found", self.found.clone()), ("expected", self.expected.clone())])
    }
}

/// Why a profile text was refused; all its faults at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {}", first(.problems))]
pub struct ProfileError {
    /// The file.
    pub file: String,
    /// Its faults, in the order of the text.
    pub problems: Vec<Problem>,
}

fn first(problems: &[Problem]) -> String {
    problems.first().map_or_else(String::new, |p| {
        format!("line {}, {}: {} (found {}, expected {})", p.line, p.key, p.what, p.found, p.expected)
    })
}

impl UserError for ProfileError {
    fn code(&self) -> &'static str {
        "assess.profile"
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn message(&self, lang: Lang) -> String {
        let mut out = i18n::text_with(
            lang,
            "error-assess-profile",
            &[("file", self.file.clone()), ("count", self.problems.len().to_string())],
        );
        for problem in &self.problems {
            let what = problem.in_words(lang);
            let key = match (problem.line, problem.column) {
                (0, _) => "profile-at-file",
                (_, 0) => "profile-at",
                _ => "profile-at-column",
            };
            let at = i18n::text_with(
                lang,
                key,
                &[
                    ("file", self.file.clone()),
                    ("line", problem.line.to_string()),
                    ("column", problem.column.to_string()),
                    ("key", problem.key.clone()),
                ],
            );
            let _ = write!(out, "\n  {at} {what}");
        }
        out
    }
}

/// States that a ledger may have; the program knows what they mean.
pub const STATES: [&str; 8] =
    ["to_verify", "assigned", "in_progress", "submitted", "checking", "returned", "closed", "cancelled"];

/// Steps that a ledger may have, and where each may start and must lead.
/// A profile may allow less than this and never more: closing only out of a check is not a matter of policy.
pub const STEPS: [(&str, &[&str], &str); 8] = [
    ("assign", &["to_verify", "assigned", "in_progress", "returned"], "assigned"),
    ("start", &["to_verify", "assigned", "returned"], "in_progress"),
    ("submit", &["in_progress"], "submitted"),
    ("check", &["submitted"], "checking"),
    ("pass", &["checking"], "closed"),
    ("fail", &["checking"], "returned"),
    ("reopen", &["closed", "cancelled"], "to_verify"),
    ("cancel", &["to_verify", "assigned", "in_progress", "submitted", "checking", "returned"], "cancelled"),
];

/// Reads a profile as it was stored: what was accepted once stays readable. `file` is only for messages.
///
/// # Errors
/// Every fault found, each with its line and key, and its column where it lies in a condition.
pub fn parse(file: &str, text: &str) -> Result<Profile, ProfileError> {
    file::read(text).map_err(|problems| ProfileError { file: file.to_owned(), problems })
}

/// Reads a profile that is to be put in force: as [`parse`], and every rule must have an example that it finds and one
/// that it does not, and all of them must come out as the profile says.
///
/// # Errors
/// As [`parse`], and every example that comes out otherwise.
pub fn check(file: &str, text: &str) -> Result<Profile, ProfileError> {
    let profile = parse(file, text)?;
    let mut problems = check::lines(&profile);
    problems.extend(check::examples(&profile));
    if problems.is_empty() { Ok(profile) } else { Err(ProfileError { file: file.to_owned(), problems }) }
}

/// The known name that was probably meant: few letters differ.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    known
        .map(|other| (distance(name, other), other))
        .min()
        .filter(|(far, other)| *far <= 1 + other.chars().count() / 4)
        .map(|(_, other)| other.to_owned())
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut corner = i;
        for (j, y) in b.iter().enumerate() {
            let up = row.get(j + 1).copied().unwrap_or(usize::MAX - 1);
            let next = (corner + usize::from(x != *y)).min(left + 1).min(up + 1);
            if let Some(cell) = row.get_mut(j) {
                corner = up;
                *cell = left;
            }
            left = next;
        }
        if let Some(cell) = row.last_mut() {
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::model::SIGNAL_KINDS;

    fn problems(text: &str) -> Vec<Problem> {
        parse("p.toml", text).unwrap_err().problems
    }

    #[test]
    fn the_profiles_that_ship_are_sound() {
        let profile = check(BUILT_IN_FILE, BUILT_IN).unwrap_or_else(|e| panic!("{}", e.message(Lang::En)));
        assert_eq!((profile.key.as_str(), profile.measures.len()), ("2020-epidemic", 15));
        assert_eq!(profile.rules.len(), 27);
        assert_eq!((profile.tiers.window_days, profile.tiers.threshold), (14, 50));
        assert_eq!(profile.ledgers["epidemic_assistance"].transitions.len(), STEPS.len());
        // Nobody is asked but those whom a signal or a tier has touched, and of them the income and when they were visited
        // are read alone.
        assert!(!profile.asks_everybody());
        let read = [view::Part::Visits, view::Part::Income, view::Part::Line, view::Part::Estimate];
        assert_eq!(profile.parts(), read.into_iter().fold(0, |all, part| all | part.bit()));
        let regular = check("regular", REGULAR).unwrap_or_else(|e| panic!("{}", e.message(Lang::En)));
        assert_eq!((regular.key.as_str(), regular.rules.len()), ("2026-regular", 30));
        assert!(regular.asks_everybody());
        let monitoring = regular.monitoring.unwrap();
        assert_eq!(monitoring.types.len(), 3);
        let machine = monitoring.machine.unwrap();
        assert_eq!((machine.states.len(), machine.conditions.len(), machine.notice_days), (15, 7, 5));
    }

    #[test]
    fn a_machine_that_loses_households_or_skips_a_step_is_refused_with_line_and_key() {
        let cases = [
            // A state that nothing leads to.
            ("to = \"elim_township\"\n", "to = \"eliminated\"\n", "profile-monitoring-unreached", "elim_township", ""),
            // A state without a way out.
            (
                "from = [\"elim_township\"]\nto = \"eliminated\"",
                "from = [\"elim_verified\"]\nto = \"eliminated\"",
                "profile-monitoring-past",
                "eliminated",
                "minutes",
            ),
            ("phase = \"identify\"\ndeadline = \"accept\"", "phase = \"identify\"", "profile-missing", "", "accept"),
            ("deadline = \"accept\"", "deadline = \"acept\"", "profile-choice", "acept", "accept"),
            (
                "to = \"applied\"\nroles = [\"village_officer\"",
                "to = \"applied\"\nroles = [\"village_oficer\"",
                "profile-choice",
                "village_oficer",
                "village_officer",
            ),
            ("needs = [\"consent\"]", "needs = [\"consnt\"]", "profile-choice", "consnt", "consent"),
            ("needs = [\"consent\"]", "needs = []", "profile-monitoring-past", "monitored", "consent"),
            ("within = \"identify\"", "within = \"identfy\"", "profile-choice", "identfy", "identify"),
            ("met_by = \"measure\"", "met_by = \"measures_taken\"", "profile-monitoring-action", "measures_taken", ""),
            ("reply_working_days = 2\n", "", "profile-missing", "", "reply_working_days = 2"),
            ("push_day = 5", "push_day = \"13-01\"", "profile-type", "\"13-01\"", "5 | \"04-30\""),
        ];
        for (from, to, what, found, expected) in cases {
            assert!(REGULAR.contains(from), "{from}");
            let text = REGULAR.replacen(from, to, 1);
            let all = problems(&text);
            let hit = all.iter().find(|p| p.what == what && p.found == found);
            let hit = hit.unwrap_or_else(|| panic!("{to}: {all:?}"));
            assert!(hit.line > 0 && !hit.key.is_empty(), "{hit:?}");
            assert!(hit.expected.starts_with(expected), "{hit:?}");
        }
        // Nothing but the last state ends: whoever gets there is lost.
        let mut endless = REGULAR.replace("phase = \"eliminated\"", "phase = \"monitored\"\ndeadline = \"measures\"");
        endless = endless.replace("phase = \"ended\"", "phase = \"identify\"\ndeadline = \"accept\"");
        assert!(problems(&endless).iter().any(|p| p.what == "profile-monitoring-endless" && p.line > 0));
        // What was applied before there were cases stays readable.
        let at = REGULAR.find("[[monitoring.states]]").unwrap();
        let end = REGULAR.find("# The ledger 防返贫监测: deadlines").unwrap();
        let old = format!("{}{}", &REGULAR[..at], &REGULAR[end..]);
        let old = old.replace("start = \"clue\"\nwithin = \"identify\"\nnotice_days = 5\n", "");
        assert!(parse("old", &old).unwrap().monitoring.unwrap().machine.is_none());
    }

    #[test]
    fn edit_distance_counts_letters() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(nearest("epidemic.confrmed", SIGNAL_KINDS.into_iter()).as_deref(), Some("epidemic.confirmed"));
        assert_eq!(nearest("weather", SIGNAL_KINDS.into_iter()), None);
    }

    #[test]
    fn every_fault_names_line_key_and_what_would_be_right() {
        let cases: [(&str, &str, &str, &str, &str); 12] = [
            (
                "kind = \"epidemic.carrier\" }] } },",
                "kind = \"epidemic.carier\" }] } },",
                "profile-choice",
                "rules[2].examples[0].person.signals[0].kind",
                "epidemic.carrier",
            ),
            ("threshold = 50", "treshold = 50", "profile-unknown-key", "tiers.treshold", "threshold"),
            ("threshold = 50", "threshold = -1", "profile-number", "tiers.threshold", "0–1000000"),
            ("threshold = 50", "threshold = \"50\"", "profile-number", "tiers.threshold", "0–1000000"),
            ("severe = 3", "", "profile-missing", "ledgers.epidemic_assistance.deadline_days.severe", "0–3650"),
            ("level = \"notice\"", "level = \"notise\"", "profile-choice", "rules[3].level", "notice"),
            (
                "effective_from = \"2020-02-04\"",
                "effective_from = \"2020-02-30\"",
                "profile-day",
                "effective_from",
                "2020-02-04",
            ),
            ("id = \"E02\"", "id = \"E01\"", "profile-twice", "rules[1].id", ""),
            (
                "to = \"closed\"",
                "to = \"submitted\"",
                "profile-choice",
                "ledgers.epidemic_assistance.transitions[4].to",
                "closed",
            ),
            (
                "from = [\"checking\"]\nto = \"closed\"",
                "from = [\"in_progress\"]\nto = \"closed\"",
                "profile-choice",
                "ledgers.epidemic_assistance.transitions[4].from[0]",
                "checking",
            ),
            (
                "measures = [\"housing\"]",
                "measures = [\"hosing\"]",
                "profile-choice",
                "rules[12].measures[0]",
                "housing",
            ),
            ("low = { zh = \"低风险\", en = \"Low risk\" }", "", "profile-missing", "tiers.names.low", "{ … }"),
        ];
        for (from, to, what, key, expected) in cases {
            let at = BUILT_IN.find(from).unwrap_or_else(|| panic!("{from} is not in the profile"));
            let text = BUILT_IN.replacen(from, to, 1);
            let found = problems(&text);
            let hit = found.iter().find(|p| p.what == what && p.key == key);
            let hit = hit.unwrap_or_else(|| panic!("{to}: {found:?}"));
            assert_eq!(hit.expected, expected, "{to}");
            let line = line_of(BUILT_IN, at);
            assert!(hit.line.abs_diff(line) <= 2, "{to}: line {} for {line}", hit.line);
        }
        let many = BUILT_IN.replacen("threshold = 50", "threshold = -1", 1).replacen("severe = 3", "severe = -3", 1);
        assert_eq!(problems(&many).len(), 2, "all faults are told at once");
        let syntax = problems("key = \n");
        assert_eq!((syntax[0].what, syntax[0].line), ("profile-syntax", 1));
    }

    /// The profile with another condition for one rule: the problems of it.
    fn with_condition(rule: &str, condition: &str) -> Vec<Problem> {
        let at = BUILT_IN.find(&format!("id = \"{rule}\"")).unwrap();
        let when = at + BUILT_IN[at..].find("\nwhen = ").unwrap() + 1;
        let end = when + BUILT_IN[when..].find("\nexamples").unwrap();
        let text = format!("{}when = '''\n{condition}'''{}", &BUILT_IN[..when], &BUILT_IN[end..]);
        let line = line_of(&text, when);
        let mut found = parse("p.toml", &text).err().map(|e| e.problems).unwrap_or_default();
        found.iter_mut().for_each(|p| p.line -= line);
        found
    }

    fn line_of(text: &str, at: usize) -> usize {
        text[..at].matches('\n').count() + 1
    }

    #[test]
    fn a_faulty_condition_is_refused_with_its_place_and_what_would_be_right() {
        let cases = [
            ("E01", "person.signal.exists(s, true)", "profile-cel-field", (1, 8), "person.signals"),
            ("E01", "persn.head", "profile-cel-name", (1, 1), "person"),
            ("E07", "person.head", "profile-cel-person", (1, 1), "household.persons.exists(p, …)"),
            ("E01", "person.age >= \"60\"", "profile-cel-compare", (1, 15), "int"),
            ("E01", "person.age", "profile-cel-result", (1, 1), "bool"),
            ("E01", "person.head &&\n  person.age", "profile-cel-type", (2, 3), "bool"),
            ("E01", "// 备注\nperson.labour == \"弱\" && persn.head", "profile-cel-name", (2, 25), "person"),
            (
                "E01",
                "person.signals.exists(s, s.kind == \"epidemic.confrmed\")",
                "profile-cel-word",
                (1, 36),
                "epidemic.confirmed",
            ),
            (
                "E01",
                "person.signals.exists(s, s.kind in [\"jobs.ended\", \"jobs.endd\"])",
                "profile-cel-word",
                (1, 51),
                "jobs.ended",
            ),
            ("E01", "person.work_tier in [\"hihg\"]", "profile-cel-word", (1, 22), "high"),
            ("E01", "person.signals.exist(s, true)", "profile-cel-function", (1, 16), "list.exists(v, test)"),
            ("E01", "size(person.age) > 1", "profile-cel-type", (1, 6), "list | string"),
            ("E01", "has(person.head)", "profile-cel-always", (1, 5), ""),
            ("E01", "person.labour < \"x\"", "profile-cel-order", (1, 1), "int | double | date"),
            ("E01", "today > \"2020-02-04\"", "profile-cel-compare", (1, 9), "date(\"2020-02-04\")"),
            ("E01", "today > date(\"2020-02-30\")", "profile-day", (1, 14), "date(\"2020-02-04\")"),
            ("E01", "person.age + 1.5 > 3.0", "profile-cel-type", (1, 14), "int"),
            ("E01", "null == person.age", "profile-cel-form", (1, 1), "!has(…)"),
            ("E01", "person.head && (", "profile-cel-syntax", (1, 17), ""),
            ("E01", "person.labour == \"弱\"\n  && person.labour == \"弱\" )", "profile-cel-syntax", (2, 27), ""),
            ("E01", "person.signals.exists(s, person.signals.exists(s, true))", "profile-cel-taken", (1, 48), ""),
            ("E01", "warning.inpatient > 3.0", "profile-cel-warning", (1, 1), ""),
            (
                "E07",
                "household.persons.exists(a, household.persons.exists(b, household.persons.exists(c,
                 household.persons.exists(d, d.head))))",
                "profile-cel-nesting",
                (2, 18),
                "3",
            ),
            (
                "E07",
                "household.persons.exists(a, household.persons.exists(b, household.signals.exists(c, a.head && b.head && c.amount > 1)))",
                "profile-cel-cost",
                (1, 1),
                "20000",
            ),
            ("E01", "E02 && person.head", "profile-cel-name", (1, 1), "household, person, today, warning"),
        ];
        for (rule, condition, what, (line, column), expected) in cases {
            let found = with_condition(rule, condition);
            let hit = found.iter().find(|p| p.what == what);
            let hit = hit.unwrap_or_else(|| panic!("{condition}: {found:?}"));
            assert_eq!((hit.line, hit.column), (line, column), "{condition}: {hit:?}");
            assert!(hit.expected.starts_with(expected) && (expected.is_empty() == hit.expected.is_empty()), "{hit:?}");
            assert!(hit.key.ends_with(".when"), "{hit:?}");
        }
        let both = with_condition("E01", "persn.head && person.signal.exists(s, true)");
        assert_eq!(both.len(), 2, "both sides are told: {both:?}");
    }

    #[test]
    fn definitions_are_checked_and_may_not_go_in_circles() {
        let with =
            |lines: &str| problems(&BUILT_IN.replacen("[definitions]\n", &format!("[definitions]\n{lines}\n"), 1));
        let round = with("a = 'b'\nb = 'c && true'\nc = 'a'");
        assert_eq!(
            round.iter().map(|p| p.key.as_str()).collect::<Vec<_>>(),
            ["definitions.a", "definitions.b", "definitions.c"]
        );
        assert!(round.iter().all(|p| p.what == "profile-cel-cycle" && p.key.starts_with("definitions.")), "{round:?}");
        let faulty = with("a = 'household.member > 3'");
        let hit = faulty.first().unwrap();
        assert_eq!((hit.what, hit.key.as_str(), hit.column), ("profile-cel-field", "definitions.a", 11));
        assert_eq!(hit.expected, "household.members");
        // Each doubles the one before: small to write, endless to read.
        let mut bomb = String::from("d0 = 'person.head'\n");
        for n in 1..40 {
            bomb.push_str(&format!("d{n} = 'd{} && d{}'\n", n - 1, n - 1));
        }
        assert!(with(&bomb).iter().any(|p| p.what == "profile-cel-cost"));
        // What is a fault only where it is used is told there.
        let with = |lines: &str, condition: &str| {
            let text = BUILT_IN.replacen("[definitions]\n", &format!("[definitions]\n{lines}\n"), 1);
            problems(&text.replacen(
                "household.persons.exists(p,\n",
                &format!("{condition} && household.persons.exists(p,\n"),
                1,
            ))
        };
        let used = with("leads = 'person.head'", "leads");
        assert_eq!((used[0].what, used[0].key.as_str()), ("profile-cel-person", "rules[6].when"));
        let with = |lines: &str| with(lines, "true");
        assert_eq!(with("person = 'true'").first().unwrap().what, "profile-identifier");
    }

    #[test]
    fn examples_are_run_and_there_must_be_both_sorts() {
        let refused = |from: &str, to: &str| {
            let text = BUILT_IN.replacen(from, to, 1);
            assert_ne!(text, BUILT_IN);
            assert!(parse("p.toml", &text).is_ok());
            check("p.toml", &text).unwrap_err().problems
        };
        let wrong = refused("s.amount >= 5000", "s.amount > 5000");
        assert_eq!((wrong[0].what, wrong[0].key.as_str()), ("profile-example-miss", "rules[10].examples[0]"));
        let wrong = refused("person.work_tier == \"high\"", "person.work_tier != \"low\"");
        assert_eq!((wrong[0].what, wrong[0].found.as_str()), ("profile-example-hit", "E08"));
        let none = refused("    { expect = false, person = { work_tier = \"low\" } },\n", "");
        assert_eq!((none[0].what, none[0].expected.as_str()), ("profile-no-example", "expect = false"));
    }

    #[test]
    fn a_profile_of_the_time_before_expressions_stays_readable() {
        let old = include_str!("../../../tests/fixtures/2020-epidemic-v2.toml");
        let profile = parse("old", old).unwrap_or_else(|e| panic!("{}", e.message(Lang::En)));
        assert_eq!((profile.rules.len(), profile.parts(), profile.asks_everybody()), (14, 0, false));
        let text = old.replacen("relation = \"self\"", "relation = \"household_member\"", 1);
        assert!(problems(&text).iter().any(|p| p.what == "profile-subject"));
        let text = old.replacen("at_least = 5000", "at_least = 5000, one_of = [\"A\"]", 1);
        assert!(problems(&text).iter().any(|p| p.what == "profile-either" && p.key == "rules[10].when.value"));
        let text = old.replacen("any = [\"epidemic.suspected\"]", "any = [\"epidemic.suspekted\"]", 1);
        assert!(problems(&text).iter().any(|p| p.key == "rules[1].when.any[0]" && p.expected == "epidemic.suspected"));
    }
}
