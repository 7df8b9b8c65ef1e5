//! The policy profile (政策口径): a dated TOML text that says which facts matter, how much, what help they ask for, and
//! how the ledger runs. Read with the place of every value, so that a fault names file, line and key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::lines::{IncomeLine, IncomeLines};
use super::model::{SIGNAL_KINDS, Tier};
use crate::access::Role;
use crate::platform::{ErrorKind, Lang, UserError, i18n};

/// The profile that ships with the program.
pub const BUILT_IN: &str = include_str!("../../../../policy/2020-epidemic.toml");
/// Its file name, for messages.
pub const BUILT_IN_FILE: &str = "policy/2020-epidemic.toml";

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

/// Whose signals a rule reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// Of the subject itself.
    #[serde(rename = "self")]
    Itself,
    /// Of each member of the household.
    HouseholdMember,
    /// Of the household's helper (帮扶责任人).
    Helper,
    /// Of the village's work team (驻村工作队).
    TeamMember,
}

impl Relation {
    const ALL: [Self; 4] = [Self::Itself, Self::HouseholdMember, Self::Helper, Self::TeamMember];

    /// The name in the profile.
    pub fn name(self) -> &'static str {
        match self {
            Self::Itself => "self",
            Self::HouseholdMember => "household_member",
            Self::Helper => "helper",
            Self::TeamMember => "team_member",
        }
    }
}

/// What a signal's value must be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValueTest {
    /// Member of the signal's value.
    pub field: String,
    /// At least this number.
    pub at_least: Option<f64>,
    /// One of these texts.
    pub one_of: Vec<String>,
}

/// When a rule holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Condition {
    /// Signals of somebody.
    Signals {
        /// Whose.
        relation: Relation,
        /// One of these kinds is in force.
        any: Vec<String>,
        /// None of these kinds is, for the same carrier.
        none: Vec<String>,
        /// What the signal's value must be.
        value: Option<ValueTest>,
    },
    /// The person's work place lies in a county of one of these tiers.
    WorkTier(Vec<Tier>),
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
    pub when: Condition,
    /// Ledger that its findings open items in; none for a finding that is only shown.
    pub ledger: Option<String>,
    /// Measure groups that must be carried out before closing.
    pub measures: Vec<String>,
    /// What becomes of the item when the facts have moved on.
    pub when_ended: WhenEnded,
    /// Where the rule comes from.
    pub source: String,
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
    /// Calendar days from opening to deadline, by level.
    pub deadline_days: BTreeMap<String, i64>,
    /// Names of the states.
    pub states: BTreeMap<String, Words>,
    /// Allowed steps.
    pub transitions: Vec<Transition>,
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
    /// Rules in order.
    pub rules: Vec<Rule>,
}

impl Profile {
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
    /// Dotted path of the value: `rules[2].when.any`.
    pub key: String,
    /// Text key of the fault: `profile-…`.
    pub what: &'static str,
    /// What was found.
    pub found: String,
    /// What would be right.
    pub expected: String,
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
            let what = i18n::text_with(
                lang,
                problem.what,
                &[("found", problem.found.clone()), ("expected", problem.expected.clone())],
            );
            let key = if problem.line == 0 { "profile-at-file" } else { "profile-at" };
            let at = i18n::text_with(
                lang,
                key,
                &[("file", self.file.clone()), ("line", problem.line.to_string()), ("key", problem.key.clone())],
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

/// Reads a profile; `file` is only for messages.
///
/// # Errors
/// Every fault found, each with its line and key.
pub fn parse(file: &str, text: &str) -> Result<Profile, ProfileError> {
    let refuse = |problems| ProfileError { file: file.to_owned(), problems };
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(0, |span| line_of(text, span.start));
        refuse(vec![Problem {
            line,
            key: String::new(),
            what: "profile-syntax",
            found: error.message().to_owned(),
            expected: String::new(),
        }])
    })?;
    let mut reader = Reader { text, problems: Vec::new() };
    let profile = reader.profile(Node { path: String::new(), at: 0, table: table.get_ref() });
    reader.problems.sort_by_key(|problem| problem.line);
    match profile {
        Some(profile) if reader.problems.is_empty() => Ok(profile),
        _ => Err(refuse(reader.problems)),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1
}

/// A table of the text, with its path.
struct Node<'a> {
    path: String,
    at: usize,
    table: &'a DeTable<'a>,
}

struct Reader<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

type Value<'a> = Spanned<DeValue<'a>>;

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("\"{text}\""),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(yes) => yes.to_string(),
        other => other.type_str().to_owned(),
    }
}

impl<'t> Reader<'t> {
    fn fault(
        &mut self,
        at: usize,
        key: String,
        what: &'static str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        let line = line_of(self.text, at);
        self.problems.push(Problem { line, key, what, found: found.into(), expected: expected.into() });
    }

    fn only(&mut self, node: &Node<'_>, known: &[&str]) {
        for key in node.table.keys() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let near = nearest(name, known.iter().copied());
                self.fault(
                    key.span().start,
                    join(&node.path, name),
                    "profile-unknown-key",
                    name,
                    near.unwrap_or_else(|| known.join(", ")),
                );
            }
        }
    }

    fn get<'a>(&mut self, node: &Node<'a>, key: &str, expected: &str) -> Option<&'a Value<'a>> {
        let found = node.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value);
        if found.is_none() {
            self.fault(node.at, join(&node.path, key), "profile-missing", "", expected);
        }
        found
    }

    fn maybe<'a>(&self, node: &Node<'a>, key: &str) -> Option<&'a Value<'a>> {
        node.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    fn text(&mut self, node: &Node<'_>, key: &str, expected: &str) -> Option<(String, usize)> {
        let value = self.get(node, key, expected)?;
        self.as_text(value, join(&node.path, key), expected)
    }

    fn as_text(&mut self, value: &Value<'_>, path: String, expected: &str) -> Option<(String, usize)> {
        let at = value.span().start;
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => Some((text.to_owned(), at)),
            _ => {
                self.fault(at, path, "profile-type", shown(value.get_ref()), expected);
                None
            }
        }
    }

    fn integer(&mut self, node: &Node<'_>, key: &str, min: i64, max: i64) -> Option<i64> {
        let expected = format!("{min}–{max}");
        let value = self.get(node, key, &expected)?;
        let number = value.get_ref().as_integer().and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
        match number {
            Some(number) if (min..=max).contains(&number) => Some(number),
            _ => {
                self.fault(
                    value.span().start,
                    join(&node.path, key),
                    "profile-number",
                    shown(value.get_ref()),
                    expected,
                );
                None
            }
        }
    }

    fn choice<T: Copy>(&mut self, node: &Node<'_>, key: &str, choices: &[(&'static str, T)]) -> Option<T> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let (text, at) = self.text(node, key, &names.join(" | "))?;
        self.pick(&text, at, join(&node.path, key), choices)
    }

    fn pick<T: Copy>(&mut self, text: &str, at: usize, path: String, choices: &[(&'static str, T)]) -> Option<T> {
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return Some(*value);
        }
        let near = nearest(text, choices.iter().map(|(name, _)| *name));
        let all = choices.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" | ");
        self.fault(at, path, "profile-choice", text, near.unwrap_or(all));
        None
    }

    /// A list of texts, each one of `choices`.
    fn list(&mut self, node: &Node<'_>, key: &str, choices: &[&str], required: bool) -> Option<Vec<String>> {
        let expected = choices.join(" | ");
        let value = if required {
            self.get(node, key, &expected)?
        } else {
            match self.maybe(node, key) {
                Some(value) => value,
                None => return Some(Vec::new()),
            }
        };
        let path = join(&node.path, key);
        let Some(array) = value.get_ref().as_array() else {
            self.fault(
                value.span().start,
                path,
                "profile-type",
                shown(value.get_ref()),
                format!("[\"{}\", …]", choices.first().unwrap_or(&"")),
            );
            return None;
        };
        if required && array.is_empty() {
            self.fault(value.span().start, path.clone(), "profile-empty-list", "[]", expected);
        }
        let mut out: Vec<String> = Vec::new();
        for (index, entry) in array.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let Some((text, at)) = self.as_text(entry, path.clone(), choices.first().unwrap_or(&"")) else {
                continue;
            };
            if !choices.contains(&text.as_str()) {
                let near = nearest(&text, choices.iter().copied());
                self.fault(at, path, "profile-choice", text, near.unwrap_or_else(|| choices.join(" | ")));
            } else if out.contains(&text) {
                self.fault(at, path, "profile-twice", text, "");
            } else {
                out.push(text);
            }
        }
        Some(out)
    }

    fn as_table<'a>(&mut self, value: &'a Value<'a>, path: String) -> Option<Node<'a>> {
        match value.get_ref().as_table() {
            Some(table) => Some(Node { path, at: value.span().start, table }),
            None => {
                self.fault(value.span().start, path, "profile-type", shown(value.get_ref()), "{ … }");
                None
            }
        }
    }

    fn table<'a>(&mut self, node: &Node<'a>, key: &str) -> Option<Node<'a>> {
        let value = self.get(node, key, "{ … }")?;
        self.as_table(value, join(&node.path, key))
    }

    fn tables<'a>(&mut self, node: &Node<'a>, key: &str) -> Vec<Node<'a>> {
        let Some(value) = self.get(node, key, "[[…]]") else {
            return Vec::new();
        };
        let path = join(&node.path, key);
        let Some(array) = value.get_ref().as_array() else {
            self.fault(value.span().start, path, "profile-type", shown(value.get_ref()), "[[…]]");
            return Vec::new();
        };
        array.iter().enumerate().filter_map(|(index, entry)| self.as_table(entry, format!("{path}[{index}]"))).collect()
    }

    fn words(&mut self, node: &Node<'_>, key: &str) -> Option<Words> {
        let inner = self.table(node, key)?;
        self.only(&inner, &["zh", "en"]);
        let zh = self.text(&inner, "zh", "zh = \"…\"");
        let en = self.text(&inner, "en", "en = \"…\"");
        Some(Words { zh: zh?.0, en: en?.0 })
    }

    /// Words by name, where `needed` names must all be there and no others.
    fn named_words(&mut self, node: &Node<'_>, key: &str, needed: &[&str]) -> Option<BTreeMap<String, Words>> {
        let inner = self.table(node, key)?;
        self.only(&inner, needed);
        let mut out = BTreeMap::new();
        for name in needed {
            if let Some(words) = self.words(&inner, name) {
                out.insert((*name).to_owned(), words);
            }
        }
        Some(out)
    }

    fn day(&mut self, node: &Node<'_>, key: &str) -> Option<String> {
        let (text, at) = self.text(node, key, "2020-02-04")?;
        if chrono::NaiveDate::parse_from_str(&text, "%Y-%m-%d").is_ok() {
            return Some(text);
        }
        self.fault(at, join(&node.path, key), "profile-day", text, "2020-02-04");
        None
    }

    fn profile(&mut self, root: Node<'_>) -> Option<Profile> {
        self.only(
            &root,
            &[
                "key",
                "version",
                "effective_from",
                "title",
                "terms",
                "tiers",
                "levels",
                "income_lines",
                "measures",
                "ledgers",
                "rules",
            ],
        );
        let key = self.text(&root, "key", "\"2020-epidemic\"");
        let version = self.integer(&root, "version", 1, 1_000_000);
        let effective_from = self.day(&root, "effective_from");
        let title = self.words(&root, "title");
        let terms = self.named_words(&root, "terms", &["household", "monitored", "helper", "team"]);
        let tiers = self.table(&root, "tiers").and_then(|node| self.tier_policy(&node));
        let levels = self.named_words(&root, "levels", &["notice", "affected", "severe"]);
        let income_lines = self.income_lines(&root);
        let measures = self.measures(&root);
        let ids: Vec<&str> = measures.iter().map(|(id, _)| id.as_str()).collect();
        let ledgers = self.ledgers(&root);
        let names: Vec<&str> = ledgers.keys().map(String::as_str).collect();
        let rules = self.rules(&root, &ids, &names);
        Some(Profile {
            key: key?.0,
            version: version?,
            effective_from: effective_from?,
            title: title?,
            terms: terms?,
            tiers: tiers?,
            levels: levels?,
            income_lines,
            measures,
            ledgers,
            rules,
        })
    }

    fn tier_policy(&mut self, node: &Node<'_>) -> Option<TierPolicy> {
        self.only(node, &["case_kinds", "window_days", "threshold", "names"]);
        let case_kinds = self.list(node, "case_kinds", &SIGNAL_KINDS, true);
        let window_days = self.integer(node, "window_days", 1, 365);
        let threshold = self.integer(node, "threshold", 0, 1_000_000);
        let names = self.named_words(node, "names", &["low", "medium", "high"]);
        Some(TierPolicy { case_kinds: case_kinds?, window_days: window_days?, threshold: threshold?, names: names? })
    }

    fn income_lines(&mut self, root: &Node<'_>) -> IncomeLines {
        if self.maybe(root, "income_lines").is_none() {
            return IncomeLines::default();
        }
        let mut seen = BTreeSet::new();
        let mut out = Vec::new();
        for node in self.tables(root, "income_lines") {
            self.only(&node, &["region", "effective_from", "yuan"]);
            let region = match self.maybe(&node, "region") {
                None => Some(String::new()),
                Some(_) => self.text(&node, "region", "\"34\"").and_then(|(code, at)| {
                    let known = crate::register::divisions::CODE_LENGTHS.contains(&code.len());
                    if known && code.bytes().all(|b| b.is_ascii_digit()) {
                        return Some(code);
                    }
                    self.fault(at, join(&node.path, "region"), "profile-region", code, "34");
                    None
                }),
            };
            let from = self.day(&node, "effective_from");
            let yuan = self.integer(&node, "yuan", 1, 1_000_000);
            if let (Some(region), Some(effective_from), Some(yuan)) = (region, from, yuan) {
                let twice = (format!("{region} {effective_from}"), node.at);
                self.unique(&mut seen, &twice, join(&node.path, "effective_from"));
                out.push(IncomeLine { region, effective_from, yuan: yuan as f64 });
            }
        }
        IncomeLines(out)
    }

    fn unique(&mut self, seen: &mut BTreeSet<String>, id: &(String, usize), path: String) {
        if !seen.insert(id.0.clone()) {
            self.fault(id.1, path, "profile-twice", id.0.clone(), "");
        }
    }

    fn identifier(&mut self, node: &Node<'_>) -> Option<(String, usize)> {
        let (id, at) = self.text(node, "id", "\"E01\"")?;
        if id.len() <= 32 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Some((id, at));
        }
        self.fault(at, join(&node.path, "id"), "profile-identifier", id, "E01");
        None
    }

    fn measures(&mut self, root: &Node<'_>) -> Vec<(String, Words)> {
        let mut seen = BTreeSet::new();
        let mut out = Vec::new();
        for node in self.tables(root, "measures") {
            self.only(&node, &["id", "title"]);
            let id = self.identifier(&node);
            let title = self.words(&node, "title");
            if let (Some(id), Some(title)) = (id, title) {
                self.unique(&mut seen, &id, join(&node.path, "id"));
                out.push((id.0, title));
            }
        }
        out
    }

    fn ledgers(&mut self, root: &Node<'_>) -> BTreeMap<String, LedgerPolicy> {
        let mut out = BTreeMap::new();
        let Some(all) = self.table(root, "ledgers") else {
            return out;
        };
        for (name, value) in all.table {
            let name: &str = name.get_ref();
            let Some(node) = self.as_table(value, join(&all.path, name)) else {
                continue;
            };
            self.only(&node, &["title", "number_prefix", "owner_level", "deadline_days", "states", "transitions"]);
            let title = self.words(&node, "title");
            let prefix = self.text(&node, "number_prefix", "\"涉疫\"");
            let owner = self.choice(
                &node,
                "owner_level",
                &[("township", OwnerLevel::Township), ("village", OwnerLevel::Village)],
            );
            let days = self.table(&node, "deadline_days").map(|inner| {
                let levels = Level::ALL.map(Level::name);
                self.only(&inner, &levels);
                levels
                    .iter()
                    .filter_map(|level| Some(((*level).to_owned(), self.integer(&inner, level, 0, 3650)?)))
                    .collect()
            });
            let states = self.named_words(&node, "states", &STATES);
            let transitions = self.transitions(&node);
            if let (Some(title), Some(prefix), Some(owner_level), Some(deadline_days), Some(states)) =
                (title, prefix, owner, days, states)
            {
                out.insert(
                    name.to_owned(),
                    LedgerPolicy { title, number_prefix: prefix.0, owner_level, deadline_days, states, transitions },
                );
            }
        }
        out
    }

    fn transitions(&mut self, ledger: &Node<'_>) -> Vec<Transition> {
        let roles = Role::ALL.map(Role::name);
        let mut seen = BTreeSet::new();
        let mut out = Vec::new();
        for node in self.tables(ledger, "transitions") {
            self.only(&node, &["action", "from", "to", "roles"]);
            let actions: Vec<(&'static str, usize)> = STEPS.iter().enumerate().map(|(i, step)| (step.0, i)).collect();
            let Some(step) = self.choice(&node, "action", &actions).and_then(|i| STEPS.get(i)) else {
                continue;
            };
            if !seen.insert(step.0) {
                self.fault(node.at, join(&node.path, "action"), "profile-twice", step.0, "");
            }
            let from = self.list(&node, "from", step.1, true);
            let to = self.choice(&node, "to", &[(step.2, step.2)]);
            let roles = self.list(&node, "roles", &roles, true);
            if let (Some(from), Some(to), Some(roles)) = (from, to, roles) {
                out.push(Transition { action: step.0.to_owned(), from, to: to.to_owned(), roles });
            }
        }
        for (action, ..) in STEPS {
            if !seen.contains(action) {
                self.fault(ledger.at, join(&ledger.path, "transitions"), "profile-no-step", action, "");
            }
        }
        out
    }

    fn rules(&mut self, root: &Node<'_>, measures: &[&str], ledgers: &[&str]) -> Vec<Rule> {
        let mut seen = BTreeSet::new();
        let mut out = Vec::new();
        for node in self.tables(root, "rules") {
            self.only(
                &node,
                &["id", "title", "level", "subject", "when", "ledger", "measures", "when_ended", "source"],
            );
            let id = self.identifier(&node);
            if let Some(id) = &id {
                self.unique(&mut seen, id, join(&node.path, "id"));
            }
            let title = self.words(&node, "title");
            let level = self.choice(&node, "level", &Level::ALL.map(|level| (level.name(), level)));
            let subject =
                self.choice(&node, "subject", &[("person", Subject::Person), ("household", Subject::Household)]);
            let ledger = match self.maybe(&node, "ledger") {
                None => None,
                Some(value) => {
                    let path = join(&node.path, "ledger");
                    self.as_text(value, path.clone(), &ledgers.join(" | ")).and_then(|(name, at)| {
                        if ledgers.contains(&name.as_str()) {
                            return Some(name);
                        }
                        let near = nearest(&name, ledgers.iter().copied());
                        self.fault(at, path, "profile-choice", name, near.unwrap_or_else(|| ledgers.join(" | ")));
                        None
                    })
                }
            };
            let wanted = self.list(&node, "measures", measures, ledger.is_some());
            let when_ended =
                self.choice(&node, "when_ended", &[("check", WhenEnded::Check), ("cancel", WhenEnded::Cancel)]);
            let source = self.text(&node, "source", "\"…\"");
            let when = self.table(&node, "when").and_then(|inner| self.condition(&inner, subject));
            if let (
                Some(id),
                Some(title),
                Some(level),
                Some(subject),
                Some(when),
                Some(measures),
                Some(when_ended),
                Some(source),
            ) = (id, title, level, subject, when, wanted, when_ended, source)
            {
                out.push(Rule {
                    id: id.0,
                    title,
                    level,
                    subject,
                    when,
                    ledger,
                    measures,
                    when_ended,
                    source: source.0,
                });
            }
        }
        out
    }

    fn condition(&mut self, node: &Node<'_>, subject: Option<Subject>) -> Option<Condition> {
        self.only(node, &["relation", "any", "none", "value", "work_tier"]);
        if self.maybe(node, "work_tier").is_some() {
            for other in ["relation", "any", "none", "value"] {
                if let Some(value) = self.maybe(node, other) {
                    self.fault(value.span().start, join(&node.path, other), "profile-either", other, "work_tier");
                }
            }
            if subject == Some(Subject::Household) {
                self.fault(node.at, join(&node.path, "work_tier"), "profile-subject", "household", "person");
            }
            // Every county that nothing is known of is low: a rule on it would be a rule on everybody.
            let names = self.list(node, "work_tier", &[Tier::Medium.name(), Tier::High.name()], true)?;
            return Some(Condition::WorkTier(names.iter().filter_map(|name| Tier::from_name(name)).collect()));
        }
        let relation = self.choice(node, "relation", &Relation::ALL.map(|relation| (relation.name(), relation)));
        if let (Some(relation), Some(Subject::Person)) = (relation, subject)
            && relation != Relation::Itself
        {
            self.fault(node.at, join(&node.path, "relation"), "profile-subject", "person", "household");
        }
        let any = self.list(node, "any", &SIGNAL_KINDS, true);
        let none = self.list(node, "none", &SIGNAL_KINDS, false);
        if let (Some(any), Some(none)) = (&any, &none)
            && let Some(both) = any.iter().find(|kind| none.contains(kind))
        {
            self.fault(node.at, join(&node.path, "none"), "profile-twice", both.clone(), "");
        }
        let value = match self.maybe(node, "value") {
            None => None,
            Some(value) => {
                Some(self.as_table(value, join(&node.path, "value")).and_then(|inner| self.value_test(&inner))?)
            }
        };
        Some(Condition::Signals { relation: relation?, any: any?, none: none?, value })
    }

    fn value_test(&mut self, node: &Node<'_>) -> Option<ValueTest> {
        self.only(node, &["field", "at_least", "one_of"]);
        let field = self.text(node, "field", "\"amount\" | \"grade\"")?.0;
        let at_least = match self.maybe(node, "at_least") {
            None => None,
            Some(value) => {
                let number = match value.get_ref() {
                    DeValue::Integer(n) => n.as_str().parse::<f64>().ok(),
                    DeValue::Float(n) => n.as_str().parse::<f64>().ok().filter(|n| n.is_finite()),
                    _ => None,
                };
                if number.is_none() {
                    self.fault(
                        value.span().start,
                        join(&node.path, "at_least"),
                        "profile-number",
                        shown(value.get_ref()),
                        "5000",
                    );
                }
                Some(number?)
            }
        };
        let mut one_of = Vec::new();
        if let Some(value) = self.maybe(node, "one_of") {
            let path = join(&node.path, "one_of");
            let Some(array) = value.get_ref().as_array() else {
                self.fault(value.span().start, path, "profile-type", shown(value.get_ref()), "[\"C\", \"D\"]");
                return None;
            };
            for entry in array {
                one_of.push(self.as_text(entry, path.clone(), "\"C\"")?.0);
            }
        }
        if at_least.is_some() != one_of.is_empty() {
            self.fault(node.at, node.path.clone(), "profile-either", "at_least", "one_of");
            return None;
        }
        Some(ValueTest { field, at_least, one_of })
    }
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

    fn problems(text: &str) -> Vec<Problem> {
        parse("p.toml", text).unwrap_err().problems
    }

    #[test]
    fn the_built_in_profile_is_sound() {
        let profile = parse(BUILT_IN_FILE, BUILT_IN).unwrap_or_else(|e| panic!("{}", e.message(Lang::En)));
        assert_eq!((profile.key.as_str(), profile.measures.len()), ("2020-epidemic", 15));
        assert_eq!(profile.rules.len(), 14);
        assert_eq!((profile.tiers.window_days, profile.tiers.threshold), (14, 50));
        assert_eq!(profile.ledgers["epidemic_assistance"].transitions.len(), STEPS.len());
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
        let cases: [(&str, &str, &str, &str, &str); 14] = [
            (
                "any = [\"epidemic.suspected\"]",
                "any = [\"epidemic.suspekted\"]",
                "profile-choice",
                "rules[1].when.any[0]",
                "epidemic.suspected",
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
            (
                "at_least = 5000",
                "at_least = 5000, one_of = [\"A\"]",
                "profile-either",
                "rules[10].when.value",
                "one_of",
            ),
            ("relation = \"helper\"", "relation = \"helpr\"", "profile-choice", "rules[8].when.relation", "helper"),
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

    #[test]
    fn a_person_rule_cannot_read_another_relation() {
        let text = BUILT_IN.replacen("relation = \"self\"", "relation = \"household_member\"", 1);
        assert!(problems(&text).iter().any(|p| p.what == "profile-subject"));
    }
}
