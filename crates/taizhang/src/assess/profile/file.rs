//! Reads the TOML text of a profile with the place of every value, so that a fault names file, line and key.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use uuid::Uuid;

use super::expression::{self, Expression, Names};
use super::view::{Fact, Facts, Kind, OfHousehold, OfPerson, Owner, TIERS, day_number};
use super::{
    Example, LOOK_BACK_DAYS, LedgerPolicy, Level, OwnerLevel, Problem, Profile, Rule, STATES, STEPS, Subject,
    TierPolicy, Transition, Warning, WhenEnded, Words, checks, income, legacy, modes, nearest, relief, supervise,
};
use crate::access::Role;
use crate::assess::lines::{IncomeLine, IncomeLines};
use crate::assess::model::{HouseholdView, PersonView, SIGNAL_KINDS, ServantView, SignalView, Tier};
use crate::assess::rules::TierMap;

/// Reads a profile.
pub(super) fn read(text: &str) -> Result<Profile, Vec<Problem>> {
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(0, |span| line_of(text, span.start));
        vec![Problem {
            line,
            column: 0,
            key: String::new(),
            what: "profile-syntax",
            found: error.message().to_owned(),
            expected: String::new(),
        }]
    })?;
    let mut reader = Reader { text, problems: Vec::new() };
    let profile = reader.profile(Node { path: String::new(), at: 0, table: table.get_ref() });
    reader.problems.sort_by_key(|problem| (problem.line, problem.column));
    match profile {
        Some(profile) if reader.problems.is_empty() => Ok(profile),
        _ => Err(reader.problems),
    }
}

pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1
}

/// A table of the text, with its path.
pub(super) struct Node<'a> {
    pub(super) path: String,
    pub(super) at: usize,
    table: &'a DeTable<'a>,
}

pub(super) struct Reader<'t> {
    pub(super) text: &'t str,
    problems: Vec<Problem>,
}

type Value<'a> = Spanned<DeValue<'a>>;

pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

pub(super) fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("\"{text}\""),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(yes) => yes.to_string(),
        other => other.type_str().to_owned(),
    }
}

impl<'t> Reader<'t> {
    pub(super) fn fault(
        &mut self,
        at: usize,
        key: String,
        what: &'static str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        let line = line_of(self.text, at);
        self.problems.push(Problem { line, column: 0, key, what, found: found.into(), expected: expected.into() });
    }

    /// A fault of a line that is known already.
    pub(super) fn fault_at_line(
        &mut self,
        line: usize,
        key: String,
        what: &'static str,
        found: String,
        expected: String,
    ) {
        self.problems.push(Problem { line, column: 0, key, what, found, expected });
    }

    pub(super) fn only(&mut self, node: &Node<'_>, known: &[&str]) {
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

    pub(super) fn get<'a>(&mut self, node: &Node<'a>, key: &str, expected: &str) -> Option<&'a Value<'a>> {
        let found = node.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value);
        if found.is_none() {
            self.fault(node.at, join(&node.path, key), "profile-missing", "", expected);
        }
        found
    }

    pub(super) fn maybe<'a>(&self, node: &Node<'a>, key: &str) -> Option<&'a Value<'a>> {
        node.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    pub(super) fn text(&mut self, node: &Node<'_>, key: &str, expected: &str) -> Option<(String, usize)> {
        let value = self.get(node, key, expected)?;
        self.as_text(value, join(&node.path, key), expected)
    }

    pub(super) fn as_text(&mut self, value: &Value<'_>, path: String, expected: &str) -> Option<(String, usize)> {
        let at = value.span().start;
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => Some((text.to_owned(), at)),
            _ => {
                self.fault(at, path, "profile-type", shown(value.get_ref()), expected);
                None
            }
        }
    }

    pub(super) fn integer(&mut self, node: &Node<'_>, key: &str, min: i64, max: i64) -> Option<i64> {
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

    pub(super) fn choice<T: Copy>(&mut self, node: &Node<'_>, key: &str, choices: &[(&'static str, T)]) -> Option<T> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let (text, at) = self.text(node, key, &names.join(" | "))?;
        self.pick(&text, at, join(&node.path, key), choices)
    }

    pub(super) fn pick<T: Copy>(
        &mut self,
        text: &str,
        at: usize,
        path: String,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return Some(*value);
        }
        let near = nearest(text, choices.iter().map(|(name, _)| *name));
        let all = choices.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" | ");
        self.fault(at, path, "profile-choice", text, near.unwrap_or(all));
        None
    }

    /// A list of texts, each one of `choices`.
    pub(super) fn list(&mut self, node: &Node<'_>, key: &str, choices: &[&str], required: bool) -> Option<Vec<String>> {
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

    pub(super) fn as_table<'a>(&mut self, value: &'a Value<'a>, path: String) -> Option<Node<'a>> {
        match value.get_ref().as_table() {
            Some(table) => Some(Node { path, at: value.span().start, table }),
            None => {
                self.fault(value.span().start, path, "profile-type", shown(value.get_ref()), "{ … }");
                None
            }
        }
    }

    pub(super) fn table<'a>(&mut self, node: &Node<'a>, key: &str) -> Option<Node<'a>> {
        let value = self.get(node, key, "{ … }")?;
        self.as_table(value, join(&node.path, key))
    }

    pub(super) fn tables<'a>(&mut self, node: &Node<'a>, key: &str) -> Vec<Node<'a>> {
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

    pub(super) fn words(&mut self, node: &Node<'_>, key: &str) -> Option<Words> {
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

    pub(super) fn yes_no(&mut self, node: &Node<'_>, key: &str) -> Option<bool> {
        let value = self.get(node, key, "true | false")?;
        match value.get_ref() {
            DeValue::Boolean(yes) => Some(*yes),
            other => {
                let found = shown(other);
                self.fault(value.span().start, join(&node.path, key), "profile-type", found, "true | false");
                None
            }
        }
    }

    pub(super) fn day(&mut self, node: &Node<'_>, key: &str) -> Option<String> {
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
                "definitions",
                "warnings",
                "monitoring",
                "checks",
                "income_estimate",
                "supervision",
                "relief",
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
        let mut warnings = self.warnings(&root);
        let (definitions, known) = self.definitions(&root, &warnings);
        let ground = effective_from.as_deref().and_then(day_number).unwrap_or_default();
        self.feeds(&root, &mut warnings, &known, ground);
        let monitoring = match self.maybe(&root, "monitoring") {
            None => None,
            Some(_) => Some(self.table(&root, "monitoring").and_then(|node| self.monitoring(&node, &known, ground))?),
        };
        let checks = match self.maybe(&root, "checks") {
            None => None,
            Some(_) => Some(self.table(&root, "checks").and_then(|node| checks::read(self, &node))?),
        };
        let income_estimate = match self.maybe(&root, "income_estimate") {
            None => None,
            Some(_) => Some(self.table(&root, "income_estimate").and_then(|node| income::read(self, &node))?),
        };
        let supervision = match self.maybe(&root, "supervision") {
            None => None,
            Some(_) => Some(self.table(&root, "supervision").and_then(|node| supervise::read(self, &node, &names))?),
        };
        let relief = match self.maybe(&root, "relief") {
            None => None,
            Some(_) => Some(self.table(&root, "relief").and_then(|node| relief::read(self, &node))?),
        };
        let rules = self.rules(&root, &ids, &names, &known, ground);
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
            definitions,
            warnings,
            monitoring,
            checks,
            income_estimate,
            supervision,
            relief,
            rules,
        })
    }

    fn tier_policy(&mut self, node: &Node<'_>) -> Option<TierPolicy> {
        self.only(node, &["case_kinds", "window_days", "threshold", "names", "modes"]);
        let case_kinds = self.list(node, "case_kinds", &SIGNAL_KINDS, true);
        let window_days = self.integer(node, "window_days", 1, 365);
        let threshold = self.integer(node, "threshold", 0, 1_000_000);
        let names = self.named_words(node, "names", &["low", "medium", "high"]);
        let modes = modes::read(self, node);
        Some(TierPolicy {
            case_kinds: case_kinds?,
            window_days: window_days?,
            threshold: threshold?,
            names: names?,
            modes: modes?,
        })
    }

    fn income_lines(&mut self, root: &Node<'_>) -> IncomeLines {
        if self.maybe(root, "income_lines").is_none() {
            return IncomeLines::default();
        }
        let mut seen = BTreeSet::new();
        let (mut out, mut places) = (Vec::new(), Vec::new());
        for node in self.tables(root, "income_lines") {
            self.only(&node, &["region", "effective_from", "effective_to", "yuan", "source"]);
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
            let to = match self.maybe(&node, "effective_to") {
                None => Some(String::new()),
                Some(value) => self.day(&node, "effective_to").filter(|to| {
                    let fits = from.as_ref().is_none_or(|from| from <= to);
                    if !fits {
                        let expected = format!("≥ {}", from.as_deref().unwrap_or_default());
                        self.fault(
                            value.span().start,
                            join(&node.path, "effective_to"),
                            "profile-line-order",
                            to,
                            expected,
                        );
                    }
                    fits
                }),
            };
            let yuan = self.integer(&node, "yuan", 1, 1_000_000);
            let source = match self.maybe(&node, "source") {
                None => Some(String::new()),
                Some(_) => self.text(&node, "source", "\"…\"").map(|found| found.0),
            };
            if let (Some(region), Some(effective_from), Some(effective_to), Some(yuan), Some(source)) =
                (region, from, to, yuan, source)
            {
                let twice = (format!("{region} {effective_from}"), node.at);
                self.unique(&mut seen, &twice, join(&node.path, "effective_from"));
                out.push(IncomeLine { region, effective_from, effective_to, yuan: yuan as f64, source });
                places.push((node.at, node.path.clone()));
            }
        }
        let lines = IncomeLines(out);
        for (earlier, later, _) in lines.overlaps() {
            if let (Some(line), Some((at, path))) = (lines.0.get(earlier), places.get(later)) {
                let found = lines.0.get(later).map(|line| line.effective_from.clone()).unwrap_or_default();
                let expected = format!("> {}", line.effective_to);
                self.fault(*at, join(path, "effective_from"), "profile-line-overlap", found, expected);
            }
        }
        lines
    }

    pub(super) fn unique(&mut self, seen: &mut BTreeSet<String>, id: &(String, usize), path: String) {
        if !seen.insert(id.0.clone()) {
            self.fault(id.1, path, "profile-twice", id.0.clone(), "");
        }
    }

    pub(super) fn identifier(&mut self, node: &Node<'_>) -> Option<(String, usize)> {
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
            self.only(
                &node,
                &[
                    "title",
                    "number_prefix",
                    "owner_level",
                    "deadline_days",
                    "deadline_working_days",
                    "look_back_days",
                    "states",
                    "transitions",
                ],
            );
            let title = self.words(&node, "title");
            let prefix = self.text(&node, "number_prefix", "\"涉疫\"");
            let owner = self.choice(
                &node,
                "owner_level",
                &[("township", OwnerLevel::Township), ("village", OwnerLevel::Village)],
            );
            let working_days = self.maybe(&node, "deadline_working_days").is_some();
            if let (true, Some(value)) = (working_days, self.maybe(&node, "deadline_days")) {
                let path = join(&node.path, "deadline_days");
                self.fault(value.span().start, path, "profile-either", "deadline_days", "deadline_working_days");
            }
            let days = if working_days { "deadline_working_days" } else { "deadline_days" };
            let days = self.table(&node, days).map(|inner| {
                let levels = Level::ALL.map(Level::name);
                self.only(&inner, &levels);
                levels
                    .iter()
                    .filter_map(|level| Some(((*level).to_owned(), self.integer(&inner, level, 0, 3650)?)))
                    .collect()
            });
            let look_back_days = match self.maybe(&node, "look_back_days") {
                Some(_) => self.integer(&node, "look_back_days", 0, 3650),
                None => Some(LOOK_BACK_DAYS),
            };
            let states = self.named_words(&node, "states", &STATES);
            let transitions = self.transitions(&node);
            if let (
                Some(title),
                Some(prefix),
                Some(owner_level),
                Some(deadline_days),
                Some(look_back_days),
                Some(states),
            ) = (title, prefix, owner, days, look_back_days, states)
            {
                out.insert(
                    name.to_owned(),
                    LedgerPolicy {
                        title,
                        number_prefix: prefix.0,
                        owner_level,
                        deadline_days,
                        working_days,
                        look_back_days,
                        states,
                        transitions,
                    },
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

    fn rules(&mut self, root: &Node<'_>, measures: &[&str], ledgers: &[&str], names: &Names, ground: i64) -> Vec<Rule> {
        let mut seen = BTreeSet::new();
        let mut out = Vec::new();
        for node in self.tables(root, "rules") {
            let line = line_of(self.text, node.at);
            self.only(
                &node,
                &["id", "title", "level", "subject", "when", "ledger", "measures", "when_ended", "source", "examples"],
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
            let when = self.condition(&node, subject, names);
            let examples = self.examples(&node, subject, ground);
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
                    examples,
                    line,
                    ledger,
                    measures,
                    when_ended,
                    source: source.0,
                });
            }
        }
        out
    }

    /// A rule's condition: a CEL expression, or the table that profiles had before.
    fn condition(&mut self, rule: &Node<'_>, subject: Option<Subject>, names: &Names) -> Option<Expression> {
        let value = self.get(rule, "when", "'household.signals.exists(s, …)'")?;
        let path = join(&rule.path, "when");
        let person = subject? == Subject::Person;
        if value.get_ref().as_table().is_some() {
            let node = self.as_table(value, path.clone())?;
            let text = legacy::as_cel(self, &node, subject?)?;
            let parsed = expression::parsed(&text).ok()?;
            return expression::check(&parsed, names, person).ok();
        }
        self.expression(value, path, person, names)
    }

    /// A condition written as an expression; `person`: whether it may ask about one member.
    pub(super) fn expression(
        &mut self,
        value: &Value<'_>,
        path: String,
        person: bool,
        names: &Names,
    ) -> Option<Expression> {
        let (text, at) = self.as_text(value, path.clone(), "'household.signals.exists(s, …)'")?;
        match expression::parsed(&text) {
            Ok(parsed) => match expression::check(&parsed, names, person) {
                Ok(expression) => Some(expression),
                Err(faults) => {
                    let (own, of_definitions): (Vec<_>, Vec<_>) =
                        faults.into_iter().partition(|fault| fault.definition.is_none());
                    // Faults of definitions were told with those, save what is one only where they are used.
                    let told = !own.is_empty() || self.problems.iter().any(|p| p.key.starts_with("definitions."));
                    for fault in own {
                        self.expression_fault(at, &text, path.clone(), fault);
                    }
                    for mut fault in of_definitions.into_iter().filter(|_| !told) {
                        fault.at = 0;
                        self.expression_fault(at, &text, path.clone(), fault);
                    }
                    None
                }
            },
            Err(fault) => {
                self.expression_fault(at, &text, path, fault);
                None
            }
        }
    }

    /// A fault inside an expression whose text begins at `at` of the file.
    fn expression_fault(&mut self, at: usize, text: &str, key: String, fault: expression::Fault) {
        let before = text.get(..fault.at).unwrap_or(text);
        let opening = self.text.get(at..).unwrap_or_default();
        // The first line break behind three quotes belongs to the quotes.
        let skipped = ["'''\n", "\"\"\"\n", "'''\r\n", "\"\"\"\r\n"].iter().any(|quotes| opening.starts_with(quotes));
        let line = line_of(self.text, at) + usize::from(skipped) + before.matches('\n').count();
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        self.problems.push(Problem {
            line,
            column,
            key,
            what: fault.what,
            found: fault.found,
            expected: fault.expected,
        });
    }

    fn definitions(&mut self, root: &Node<'_>, warnings: &[Warning]) -> (BTreeMap<String, String>, Names) {
        let mut names = Names::default();
        names.warnings.extend(warnings.iter().map(|warning| (warning.id.clone(), warning.threshold)));
        let mut texts = BTreeMap::new();
        if self.maybe(root, "definitions").is_none() {
            return (texts, names);
        }
        let Some(node) = self.table(root, "definitions") else {
            return (texts, names);
        };
        let mut places = BTreeMap::new();
        for (key, value) in node.table {
            let name: &str = key.get_ref();
            let path = join(&node.path, name);
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && name.starts_with(|c: char| c.is_ascii_alphabetic());
            if !plain || ["household", "person", "today", "warning"].contains(&name) {
                self.fault(key.span().start, path, "profile-identifier", name, "infected");
                continue;
            }
            let Some((text, at)) = self.as_text(value, path.clone(), "'…'") else {
                continue;
            };
            match expression::parsed(&text) {
                Ok(parsed) => {
                    names.definitions.insert(name.to_owned(), parsed);
                    places.insert(name.to_owned(), at);
                    texts.insert(name.to_owned(), text);
                }
                Err(fault) => self.expression_fault(at, &text, path, fault),
            }
        }
        for (name, text) in &texts {
            for fault in expression::check_definition(name, &names) {
                let at = places.get(name).copied().unwrap_or(node.at);
                self.expression_fault(at, text, join(&node.path, name), fault);
            }
        }
        (texts, names)
    }

    pub(super) fn number(&mut self, node: &Node<'_>, key: &str, expected: &str) -> Option<f64> {
        let value = self.get(node, key, expected)?;
        let number = as_number(value.get_ref());
        if number.is_none() {
            let path = join(&node.path, key);
            self.fault(value.span().start, path, "profile-number", shown(value.get_ref()), expected);
        }
        number
    }

    fn warnings(&mut self, root: &Node<'_>) -> Vec<Warning> {
        let mut seen = BTreeSet::new();
        let mut out = Vec::new();
        if self.maybe(root, "warnings").is_none() {
            return out;
        }
        for node in self.tables(root, "warnings") {
            self.only(&node, super::monitoring::WARNING_KEYS);
            let id = self.identifier(&node);
            if let Some(id) = &id {
                self.unique(&mut seen, id, join(&node.path, "id"));
            }
            let title = self.words(&node, "title");
            let agency = self.words(&node, "agency");
            let group = self.words(&node, "group");
            let threshold = self.number(&node, "threshold", "5000");
            let unit = self.words(&node, "unit");
            let push = self.words(&node, "push");
            let source = self.text(&node, "source", "\"…\"");
            if let (
                Some(id),
                Some(title),
                Some(agency),
                Some(group),
                Some(threshold),
                Some(unit),
                Some(push),
                Some(source),
            ) = (id, title, agency, group, threshold, unit, push, source)
            {
                out.push(Warning {
                    id: id.0,
                    title,
                    agency,
                    group,
                    threshold,
                    unit,
                    push,
                    source: source.0,
                    feed: None,
                });
            }
        }
        out
    }

    pub(super) fn examples(&mut self, rule: &Node<'_>, subject: Option<Subject>, ground: i64) -> Vec<Example> {
        let Some(value) = self.maybe(rule, "examples") else {
            return Vec::new();
        };
        let path = join(&rule.path, "examples");
        let Some(array) = value.get_ref().as_array() else {
            let expected = "[{ expect = true, … }]";
            self.fault(value.span().start, path, "profile-type", shown(value.get_ref()), expected);
            return Vec::new();
        };
        let mut out = Vec::new();
        for (index, entry) in array.iter().enumerate() {
            if let Some(node) = self.as_table(entry, format!("{path}[{index}]")) {
                out.extend(self.example(&node, subject, ground));
            }
        }
        out
    }

    fn example(&mut self, node: &Node<'_>, subject: Option<Subject>, ground: i64) -> Option<Example> {
        let known: &[&str] = match subject {
            Some(Subject::Person) => &["expect", "today", "person", "household"],
            _ => &["expect", "today", "household"],
        };
        self.only(node, known);
        let expect = match self.get(node, "expect", "true | false")?.get_ref() {
            DeValue::Boolean(yes) => *yes,
            other => {
                let found = shown(other);
                self.fault(node.at, join(&node.path, "expect"), "profile-type", found, "true | false");
                return None;
            }
        };
        let today = match self.maybe(node, "today") {
            None => ground,
            Some(_) => self.day(node, "today").as_deref().and_then(day_number)?,
        };
        let mut world = MadeUp { tiers: TierMap::new(), next: 1 };
        let mut view = HouseholdView {
            id: world.id(),
            division_code: "990101001001".to_owned(),
            persons: Vec::new(),
            signals: Vec::new(),
            helpers: Vec::new(),
            team: Vec::new(),
            facts: Facts::blank(Owner::Household),
        };
        if subject == Some(Subject::Person) {
            let inner = self.table(node, "person")?;
            self.example_person(&inner, &mut view, &mut world);
        }
        if self.maybe(node, "household").is_some() || subject == Some(Subject::Household) {
            let inner = self.table(node, "household")?;
            self.example_household(&inner, &mut view, &mut world);
        }
        let (line, key) = (line_of(self.text, node.at), node.path.clone());
        Some(Example { expect, view, tiers: world.tiers, today, line, key })
    }

    fn example_household(&mut self, node: &Node<'_>, view: &mut HouseholdView, world: &mut MadeUp) {
        self.known_fields(node, Owner::Household);
        for inner in self.maybe_tables(node, "persons") {
            self.example_person(&inner, view, world);
        }
        view.facts.put(OfHousehold::Members, Fact::Int(i64::try_from(view.persons.len()).unwrap_or(0)));
        for (key, state) in [("signals", "active"), ("ended_signals", "withdrawn")] {
            for inner in self.maybe_tables(node, key) {
                let signal = self.example_signal(&inner, None, state, world);
                view.signals.extend(signal);
            }
        }
        for (key, list) in [("helpers", &mut view.helpers), ("team", &mut view.team)] {
            for inner in self.maybe_tables(node, key) {
                self.only(&inner, &["signals"]);
                let mut servant = ServantView { id: world.id(), signals: Vec::new() };
                for signal in self.maybe_tables(&inner, "signals") {
                    servant.signals.extend(self.example_signal(&signal, None, "active", world));
                }
                list.push(servant);
            }
        }
        if let Some(tier) = self.example_facts(node, Owner::Household, &mut view.facts, "county_tier") {
            world.tiers.insert("990101".to_owned(), (tier, "2020-02-01".to_owned()));
        }
    }

    fn example_person(&mut self, node: &Node<'_>, view: &mut HouseholdView, world: &mut MadeUp) {
        self.known_fields(node, Owner::Person);
        let id = world.id();
        for inner in self.maybe_tables(node, "signals") {
            view.signals.extend(self.example_signal(&inner, Some(id), "active", world));
        }
        let mut person = PersonView { id, work_county: String::new(), facts: Facts::blank(Owner::Person) };
        person.facts.put_person(OfPerson::Head, Fact::Bool(view.persons.is_empty()));
        if let Some(tier) = self.example_facts(node, Owner::Person, &mut person.facts, "work_tier") {
            person.work_county = format!("99020{}", TIERS.iter().position(|t| *t == tier.name()).unwrap_or(0));
            world.tiers.insert(person.work_county.clone(), (tier, "2020-02-01".to_owned()));
        }
        view.persons.push(person);
    }

    fn example_signal(
        &mut self,
        node: &Node<'_>,
        person: Option<Uuid>,
        state: &str,
        world: &mut MadeUp,
    ) -> Option<SignalView> {
        self.known_fields(node, Owner::Signal);
        let kinds: Vec<(&'static str, &'static str)> = SIGNAL_KINDS.iter().map(|kind| (*kind, *kind)).collect();
        let kind = self.choice(node, "kind", &kinds)?;
        let mut value = serde_json::Map::new();
        if self.maybe(node, "amount").is_some() {
            value.insert("amount".to_owned(), self.number(node, "amount", "5000")?.into());
        }
        if self.maybe(node, "grade").is_some() {
            value.insert("grade".to_owned(), self.text(node, "grade", "\"D\"")?.0.into());
        }
        if self.maybe(node, "result").is_some() {
            let outcomes = checks::Outcome::ALL.map(|outcome| (outcome.name(), outcome.name()));
            value.insert("result".to_owned(), self.choice(node, "result", &outcomes)?.into());
        }
        let fact_date = if self.maybe(node, "day").is_some() { self.day(node, "day")? } else { String::new() };
        let source =
            if self.maybe(node, "source").is_some() { self.text(node, "source", "\"…\"")?.0 } else { String::new() };
        Some(SignalView {
            kind: kind.to_owned(),
            person_id: person,
            fact_date,
            value: value.into(),
            source,
            row_key: world.id().to_string(),
            version: 1,
            state: state.to_owned(),
            state_reason: String::new(),
        })
    }

    fn known_fields(&mut self, node: &Node<'_>, owner: Owner) {
        let names: Vec<&str> = owner.fields().iter().map(|field| field.name).collect();
        self.only(node, &names);
    }

    fn maybe_tables<'a>(&mut self, node: &Node<'a>, key: &str) -> Vec<Node<'a>> {
        if self.maybe(node, key).is_none() { Vec::new() } else { self.tables(node, key) }
    }

    /// Fills in what an example says; the tier that it names is given back, for it is a fact of a county.
    fn example_facts(&mut self, node: &Node<'_>, owner: Owner, facts: &mut Facts, tier: &str) -> Option<Tier> {
        let mut found = None;
        for (at, field) in owner.fields().iter().enumerate() {
            let Some(value) = self.maybe(node, field.name) else {
                continue;
            };
            let whole =
                |value: &DeValue<'_>| value.as_integer().and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
            let text = value.get_ref().as_str().map(str::to_owned);
            let fact = match field.kind {
                Kind::List(_) => continue,
                Kind::Bool => match value.get_ref() {
                    DeValue::Boolean(yes) => Some(Fact::Bool(*yes)),
                    _ => None,
                },
                Kind::Int => whole(value.get_ref()).map(Fact::Int),
                Kind::Number => as_number(value.get_ref()).map(Fact::Number),
                Kind::Text => text.map(Fact::Text),
                Kind::Choice(all) => text.filter(|t| all.contains(&t.as_str())).map(Fact::Text),
                Kind::Date => text.as_deref().and_then(day_number).map(Fact::Date),
                Kind::Texts => value.get_ref().as_array().and_then(|all| {
                    all.iter().map(|t| t.get_ref().as_str().map(str::to_owned)).collect::<Option<_>>().map(Fact::Texts)
                }),
            };
            match fact {
                Some(Fact::Text(name)) if field.name == tier => found = Tier::from_name(&name),
                Some(fact) => facts.set(at, fact),
                None => {
                    let expected = match field.kind {
                        Kind::Choice(all) => all.join(" | "),
                        Kind::Date => "\"2020-02-04\"".to_owned(),
                        other => other.name(),
                    };
                    let path = join(&node.path, field.name);
                    self.fault(value.span().start, path, "profile-type", shown(value.get_ref()), expected);
                }
            }
        }
        found
    }
}

/// What examples make up besides their household.
struct MadeUp {
    tiers: TierMap,
    next: u128,
}

impl MadeUp {
    fn id(&mut self) -> Uuid {
        self.next += 1;
        Uuid::from_u128(self.next)
    }
}

pub(super) fn as_number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(n) => n.as_str().parse::<f64>().ok(),
        DeValue::Float(n) => n.as_str().parse::<f64>().ok().filter(|n| n.is_finite()),
        _ => None,
    }
}
