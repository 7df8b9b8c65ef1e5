//! The checks of 两不愁三保障 and safe drinking water (`[checks]`): what each of them asks, from which measure on it is
//! met, and the words for its outcomes. A province changes them here and nowhere else.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::file::{Node, Reader, join};
use super::{Profile, Words};
use crate::platform::Lang;

/// What a check comes to, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// 达标; of water 安全.
    Met,
    /// 存疑; of water 基本安全.
    Partly,
    /// 不达标; of water 不安全.
    Short,
}

impl Outcome {
    /// Every outcome, the best first.
    pub const ALL: [Self; 3] = [Self::Met, Self::Partly, Self::Short];

    /// The name in profile, database and conditions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Partly => "partly",
            Self::Short => "short",
        }
    }

    /// The outcome of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

/// What is checked (两不愁、三保障、饮水安全).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Indicator {
    /// 不愁吃.
    Food,
    /// 不愁穿.
    Clothing,
    /// 义务教育有保障.
    Schooling,
    /// 基本医疗有保障.
    Insurance,
    /// 住房安全有保障.
    Housing,
    /// 饮水安全.
    Water,
}

impl Indicator {
    /// Every indicator, in the order in which forms and lists have them.
    pub const ALL: [Self; 6] =
        [Self::Food, Self::Clothing, Self::Schooling, Self::Insurance, Self::Housing, Self::Water];

    /// The name in profile, database and forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::Food => "food",
            Self::Clothing => "clothing",
            Self::Schooling => "schooling",
            Self::Insurance => "insurance",
            Self::Housing => "housing",
            Self::Water => "water",
        }
    }

    /// The indicator of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|indicator| indicator.name() == name)
    }

    /// The kind of the signals that a check of it writes.
    pub fn signal_kind(self) -> &'static str {
        match self {
            Self::Food => "check.food",
            Self::Clothing => "check.clothing",
            Self::Schooling => "check.schooling",
            Self::Insurance => "check.insurance",
            Self::Housing => "check.housing",
            Self::Water => "check.water",
        }
    }
}

/// What every indicator has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IndicatorPolicy {
    /// What it is called.
    pub title: Words,
    /// When it is met, in words.
    pub standard: Words,
    /// Names of the outcomes, the best first.
    pub results: [Words; 3],
    /// Whether the outcome in the middle still counts as a gap.
    pub partly_is_gap: bool,
}

/// A yes or no that is asked, and what it comes to where the answer is no.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// Short and stable.
    pub id: String,
    /// What is asked.
    pub title: Words,
    /// The outcome where it is missing.
    pub missing: Outcome,
}

/// One of some words that somebody chooses, and what it comes to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// Short and stable.
    pub id: String,
    /// What it is called.
    pub title: Words,
    /// What it comes to.
    pub result: Outcome,
}

/// 义务教育: who must be at school, and the states that a child may be in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Schooling {
    /// Years of age that a child has reached by [`Schooling::reached_by`].
    pub from_age: i64,
    /// Years of age up to which it is of school age, on the day of the check.
    pub to_age: i64,
    /// Month and day of the school year's beginning.
    pub reached_by: (u32, u32),
    /// The states.
    pub states: Vec<Choice>,
}

/// 基本医疗: what everybody has, and the facility.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Insurance {
    /// What each member has.
    pub parts: Vec<Part>,
    /// Whether a facility is within reach.
    pub clinic: Part,
}

/// A place where a household lives now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Residence {
    /// Short and stable.
    pub id: String,
    /// What it is called.
    pub title: Words,
    /// Whether a bad grade of the own house hangs over somebody who lives here.
    pub in_own_house: bool,
}

/// 住房: what the grade of the house comes to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Housing {
    /// Outcomes of the grades A to D, in that order.
    pub grades: [Outcome; 4],
    /// Of a house that nobody has assessed.
    pub unassessed: Outcome,
    /// Of a house that is not safe while the household lives elsewhere.
    pub elsewhere: Outcome,
    /// Where a household may live now.
    pub residences: Vec<Residence>,
    /// What may be done about it.
    pub remedies: Vec<(String, Words)>,
}

impl Housing {
    /// The grades in their order.
    pub const GRADES: [&'static str; 4] = ["A", "B", "C", "D"];

    /// What a grade comes to; none where it is no grade.
    pub fn of_grade(&self, grade: &str) -> Option<Outcome> {
        Self::GRADES.iter().position(|known| *known == grade).and_then(|at| self.grades.get(at)).copied()
    }
}

/// 饮水: the measures of the four indices. What reaches `full` is safe, what reaches the rest is safe by and large; any one
/// below is unsafe.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Water {
    /// Names of the indices: quantity, quality, access, supply.
    pub indices: [Words; 4],
    /// Litres a person and day where water is plenty.
    pub litres_rich: f64,
    /// Litres a person and day where it is short.
    pub litres_short: f64,
    /// Litres of the full standard where water is plenty.
    pub litres_rich_full: f64,
    /// Litres of the full standard where it is short.
    pub litres_short_full: f64,
    /// How the quality may be known.
    pub qualities: Vec<Choice>,
    /// Minutes a trip, at most.
    pub minutes: f64,
    /// Minutes of the full standard.
    pub minutes_full: f64,
    /// Metres to walk on level ground, at most.
    pub horizontal: f64,
    /// Metres to climb, at most.
    pub vertical: f64,
    /// Days without water in a year, at most.
    pub outage_days: i64,
    /// Days of the full standard.
    pub outage_days_full: i64,
}

/// Everything that `[checks]` says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checks {
    /// Days after which a check no longer says how a household lives.
    pub valid_days: i64,
    /// Where the definitions come from.
    pub source: String,
    /// What every indicator has, in the order of [`Indicator::ALL`].
    pub policies: [IndicatorPolicy; 6],
    /// 不愁吃.
    pub food: Vec<Part>,
    /// 不愁穿.
    pub clothing: Vec<Part>,
    /// 义务教育.
    pub schooling: Schooling,
    /// 基本医疗.
    pub insurance: Insurance,
    /// 住房.
    pub housing: Housing,
    /// 饮水.
    pub water: Water,
}

impl Checks {
    /// What an indicator has in common with the others.
    pub fn policy(&self, indicator: Indicator) -> &IndicatorPolicy {
        &self.policies[indicator as usize]
    }

    /// What an outcome of an indicator is called.
    pub fn result(&self, indicator: Indicator, outcome: Outcome, lang: Lang) -> &str {
        self.policy(indicator).results[outcome as usize].get(lang)
    }

    /// Whether an outcome is a gap that is to be closed.
    pub fn is_gap(&self, indicator: Indicator, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Met => false,
            Outcome::Partly => self.policy(indicator).partly_is_gap,
            Outcome::Short => true,
        }
    }

    /// The name of a value of a signal of a check: `short` of `check.water`.
    pub fn signal_value(&self, kind: &str, value: &str, lang: Lang) -> Option<String> {
        let indicator = match kind {
            CLINIC => Indicator::Insurance,
            _ => Indicator::ALL.into_iter().find(|indicator| indicator.signal_kind() == kind)?,
        };
        Some(self.result(indicator, Outcome::from_name(value)?, lang).to_owned())
    }

    /// The checks of a profile; those of the built-in one where it says nothing of them.
    pub fn of(profile: &Profile) -> Self {
        match &profile.checks {
            Some(checks) => checks.clone(),
            None => built_in(),
        }
    }
}

/// The kind of the signals about the facility within reach.
pub const CLINIC: &str = "check.clinic";

/// The checks of the profile that ships with the program.
fn built_in() -> Checks {
    static READ: std::sync::LazyLock<Option<Checks>> =
        std::sync::LazyLock::new(|| super::parse(super::BUILT_IN_FILE, super::BUILT_IN).ok()?.checks);
    READ.clone().unwrap_or_else(Checks::bare)
}

impl Checks {
    /// Checks that ask nothing: only where a program ships without a readable profile, which a test rules out.
    fn bare() -> Self {
        let no = || Words { zh: String::new(), en: String::new() };
        let policy =
            || IndicatorPolicy { title: no(), standard: no(), results: [no(), no(), no()], partly_is_gap: true };
        Self {
            valid_days: 365,
            source: String::new(),
            policies: [policy(), policy(), policy(), policy(), policy(), policy()],
            food: Vec::new(),
            clothing: Vec::new(),
            schooling: Schooling { from_age: 6, to_age: 15, reached_by: (8, 31), states: Vec::new() },
            insurance: Insurance {
                parts: Vec::new(),
                clinic: Part { id: "clinic".to_owned(), title: no(), missing: Outcome::Partly },
            },
            housing: Housing {
                grades: [Outcome::Met, Outcome::Met, Outcome::Short, Outcome::Short],
                unassessed: Outcome::Partly,
                elsewhere: Outcome::Partly,
                residences: Vec::new(),
                remedies: Vec::new(),
            },
            water: Water {
                indices: [no(), no(), no(), no()],
                litres_rich: 35.0,
                litres_short: 20.0,
                litres_rich_full: 60.0,
                litres_short_full: 40.0,
                qualities: Vec::new(),
                minutes: 20.0,
                minutes_full: 10.0,
                horizontal: 800.0,
                vertical: 80.0,
                outage_days: 36,
                outage_days_full: 18,
            },
        }
    }
}

const COMMON: [&str; 4] = ["title", "standard", "results", "partly_is_gap"];
const OUTCOMES: [(&str, Outcome); 3] = [("met", Outcome::Met), ("partly", Outcome::Partly), ("short", Outcome::Short)];
const BAD: [(&str, Outcome); 2] = [("partly", Outcome::Partly), ("short", Outcome::Short)];

/// Reads `[checks]`.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Checks> {
    let mut known = vec!["valid_days", "source"];
    known.extend(Indicator::ALL.map(Indicator::name));
    reader.only(node, &known);
    let valid_days = reader.integer(node, "valid_days", 1, 3_650);
    let source = reader.text(node, "source", "\"…\"");
    let tables: Vec<Option<Node<'_>>> =
        Indicator::ALL.into_iter().map(|indicator| reader.table(node, indicator.name())).collect();
    let [food, clothing, schooling, insurance, housing, water]: [Option<Node<'_>>; 6] = tables.try_into().ok()?;
    let mut policies = Vec::new();
    for table in [&food, &clothing, &schooling, &insurance, &housing, &water] {
        policies.push(table.as_ref().and_then(|table| policy(reader, table)));
    }
    let food = food.and_then(|table| plain_parts(reader, &table));
    let clothing = clothing.and_then(|table| plain_parts(reader, &table));
    let schooling = schooling.and_then(|table| read_schooling(reader, &table));
    let insurance = insurance.and_then(|table| read_insurance(reader, &table));
    let housing = housing.and_then(|table| read_housing(reader, &table));
    let water = water.and_then(|table| read_water(reader, &table));
    let policies: Vec<IndicatorPolicy> = policies.into_iter().collect::<Option<_>>()?;
    Some(Checks {
        valid_days: valid_days?,
        source: source?.0,
        policies: policies.try_into().ok()?,
        food: food?,
        clothing: clothing?,
        schooling: schooling?,
        insurance: insurance?,
        housing: housing?,
        water: water?,
    })
}

fn only(reader: &mut Reader<'_>, node: &Node<'_>, own: &[&'static str]) {
    let mut known = COMMON.to_vec();
    known.extend(own);
    reader.only(node, &known);
}

fn policy(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<IndicatorPolicy> {
    let title = reader.words(node, "title");
    let standard = reader.words(node, "standard");
    let results = reader.table(node, "results").map(|inner| {
        reader.only(&inner, &Outcome::ALL.map(Outcome::name));
        Outcome::ALL.map(|outcome| reader.words(&inner, outcome.name()))
    });
    let partly_is_gap = reader.yes_no(node, "partly_is_gap");
    let [met, partly, short] = results?;
    Some(IndicatorPolicy {
        title: title?,
        standard: standard?,
        results: [met?, partly?, short?],
        partly_is_gap: partly_is_gap?,
    })
}

fn part(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<(Part, usize)> {
    let id = reader.identifier(node);
    let title = reader.words(node, "title");
    let missing = reader.choice(node, "missing", &BAD);
    let (id, at) = id?;
    Some((Part { id, title: title?, missing: missing? }, at))
}

fn parts(reader: &mut Reader<'_>, node: &Node<'_>) -> Vec<Part> {
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for inner in reader.tables(node, "parts") {
        reader.only(&inner, &["id", "title", "missing"]);
        if let Some((part, at)) = part(reader, &inner) {
            reader.unique(&mut seen, &(part.id.clone(), at), join(&inner.path, "id"));
            out.push(part);
        }
    }
    out
}

fn plain_parts(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Vec<Part>> {
    only(reader, node, &["parts"]);
    Some(parts(reader, node)).filter(|all| !all.is_empty())
}

fn choices(reader: &mut Reader<'_>, node: &Node<'_>, key: &str) -> Vec<Choice> {
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for inner in reader.tables(node, key) {
        reader.only(&inner, &["id", "title", "result"]);
        let id = reader.identifier(&inner);
        let title = reader.words(&inner, "title");
        let result = reader.choice(&inner, "result", &OUTCOMES);
        if let (Some(id), Some(title), Some(result)) = (id, title, result) {
            reader.unique(&mut seen, &id, join(&inner.path, "id"));
            out.push(Choice { id: id.0, title, result });
        }
    }
    if !out.is_empty() && !out.iter().any(|choice| choice.result == Outcome::Met) {
        reader.fault(node.at, join(&node.path, key), "profile-checks-no-met", "", "result = \"met\"");
    }
    out
}

fn read_schooling(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Schooling> {
    only(reader, node, &["from_age", "to_age", "reached_by", "states"]);
    let from_age = reader.integer(node, "from_age", 3, 10);
    let to_age = reader.integer(node, "to_age", 10, 20);
    let reached_by = reader.text(node, "reached_by", "\"08-31\"").and_then(|(text, at)| {
        // A year with a leap day, so that every day of a calendar is one.
        match chrono::NaiveDate::parse_from_str(&format!("2000-{text}"), "%Y-%m-%d") {
            Ok(day) => Some((chrono::Datelike::month(&day), chrono::Datelike::day(&day))),
            Err(_) => {
                reader.fault(at, join(&node.path, "reached_by"), "profile-day", text, "08-31");
                None
            }
        }
    });
    let states = choices(reader, node, "states");
    Some(Schooling { from_age: from_age?, to_age: to_age?, reached_by: reached_by?, states })
}

fn read_insurance(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Insurance> {
    only(reader, node, &["parts", "clinic"]);
    let parts = parts(reader, node);
    let inner = reader.table(node, "clinic")?;
    reader.only(&inner, &["title", "missing"]);
    let title = reader.words(&inner, "title");
    let missing = reader.choice(&inner, "missing", &BAD);
    Some(Insurance { parts, clinic: Part { id: "clinic".to_owned(), title: title?, missing: missing? } })
}

fn read_housing(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Housing> {
    only(reader, node, &["grades", "unassessed", "elsewhere", "residences", "remedies"]);
    let grades = reader.table(node, "grades").map(|inner| {
        reader.only(&inner, &Housing::GRADES);
        Housing::GRADES.map(|grade| reader.choice(&inner, grade, &OUTCOMES))
    });
    let unassessed = reader.choice(node, "unassessed", &BAD);
    let elsewhere = reader.choice(node, "elsewhere", &OUTCOMES);
    let mut seen = BTreeSet::new();
    let mut residences = Vec::new();
    for inner in reader.tables(node, "residences") {
        reader.only(&inner, &["id", "title", "in_own_house"]);
        let id = reader.identifier(&inner);
        let title = reader.words(&inner, "title");
        let own = reader.yes_no(&inner, "in_own_house");
        if let (Some(id), Some(title), Some(in_own_house)) = (id, title, own) {
            reader.unique(&mut seen, &id, join(&inner.path, "id"));
            residences.push(Residence { id: id.0, title, in_own_house });
        }
    }
    seen.clear();
    let mut remedies = Vec::new();
    for inner in reader.tables(node, "remedies") {
        reader.only(&inner, &["id", "title"]);
        let id = reader.identifier(&inner);
        let title = reader.words(&inner, "title");
        if let (Some(id), Some(title)) = (id, title) {
            reader.unique(&mut seen, &id, join(&inner.path, "id"));
            remedies.push((id.0, title));
        }
    }
    let [a, b, c, d] = grades?;
    Some(Housing { grades: [a?, b?, c?, d?], unassessed: unassessed?, elsewhere: elsewhere?, residences, remedies })
}

/// A measure and its full standard, which must not be the looser one.
fn two(
    reader: &mut Reader<'_>,
    node: &Node<'_>,
    (key, full): (&'static str, &'static str),
    more_is_better: bool,
) -> Option<(f64, f64)> {
    let least = reader.number(node, key, "35");
    let most = reader.number(node, full, "60");
    let (least, most) = (least?, most?);
    if least < 0.0 || most < 0.0 || (more_is_better && most < least) || (!more_is_better && most > least) {
        let expected = if more_is_better { format!(">= {least}") } else { format!("<= {least}") };
        reader.fault(node.at, join(&node.path, full), "profile-number", most.to_string(), expected);
        return None;
    }
    Some((least, most))
}

fn read_water(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Water> {
    only(
        reader,
        node,
        &[
            "indices",
            "litres_rich",
            "litres_short",
            "litres_rich_full",
            "litres_short_full",
            "qualities",
            "minutes",
            "minutes_full",
            "horizontal",
            "vertical",
            "outage_days",
            "outage_days_full",
        ],
    );
    let indices = reader.table(node, "indices").map(|inner| {
        let names = ["quantity", "quality", "access", "supply"];
        reader.only(&inner, &names);
        names.map(|name| reader.words(&inner, name))
    });
    let rich = two(reader, node, ("litres_rich", "litres_rich_full"), true);
    let short = two(reader, node, ("litres_short", "litres_short_full"), true);
    let minutes = two(reader, node, ("minutes", "minutes_full"), false);
    let horizontal = reader.number(node, "horizontal", "800");
    let vertical = reader.number(node, "vertical", "80");
    let outage_days = reader.integer(node, "outage_days", 0, 365);
    let outage_days_full = reader.integer(node, "outage_days_full", 0, outage_days.unwrap_or(365));
    let qualities = choices(reader, node, "qualities");
    let [quantity, quality, access, supply] = indices?;
    let ((litres_rich, litres_rich_full), (litres_short, litres_short_full)) = (rich?, short?);
    let (minutes, minutes_full) = minutes?;
    Some(Water {
        indices: [quantity?, quality?, access?, supply?],
        litres_rich,
        litres_short,
        litres_rich_full,
        litres_short_full,
        qualities,
        minutes,
        minutes_full,
        horizontal: horizontal?,
        vertical: vertical?,
        outage_days: outage_days?,
        outage_days_full: outage_days_full?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::profile::{BUILT_IN, BUILT_IN_FILE, REGULAR, parse};
    use crate::platform::UserError;

    #[test]
    fn both_profiles_say_what_is_checked() {
        for (file, text) in [(BUILT_IN_FILE, BUILT_IN), ("regular", REGULAR)] {
            let checks = parse(file, text).unwrap().checks.unwrap();
            assert_eq!((checks.water.litres_rich, checks.water.litres_short), (35.0, 20.0), "{file}");
            assert_eq!((checks.water.minutes, checks.water.outage_days), (20.0, 36), "{file}");
            assert_eq!(checks.schooling.states.len(), 7, "{file}: the states of the dossier");
            assert_eq!(checks.housing.of_grade("B"), Some(Outcome::Met), "{file}");
            assert_eq!(checks.housing.of_grade("C"), Some(Outcome::Short), "{file}");
            assert_eq!(checks.housing.of_grade("E"), None, "{file}");
            assert!(!checks.is_gap(Indicator::Water, Outcome::Partly), "{file}: 基本安全 is no gap");
            assert!(checks.is_gap(Indicator::Food, Outcome::Partly), "{file}: 存疑 is one");
        }
        assert_ne!(built_in(), Checks::bare());
    }

    #[test]
    fn a_fault_names_its_line_and_key() {
        for (good, bad, key, expected) in [
            ("litres_rich = 35", "litres_rich = \"many\"", "checks.water.litres_rich", "35"),
            ("litres_rich_full = 60", "litres_rich_full = 30", "checks.water.litres_rich_full", ">= 35"),
            ("outage_days_full = 18", "outage_days_full = 37", "checks.water.outage_days_full", "0–36"),
            ("reached_by = \"08-31\"", "reached_by = \"08-32\"", "checks.schooling.reached_by", "08-31"),
            ("valid_days = 365", "valid_dys = 365", "checks.valid_dys", "valid_days"),
            ("C = \"short\"", "C = \"shrt\"", "checks.housing.grades.C", "short"),
            ("unassessed = \"partly\"", "unassessed = \"met\"", "checks.housing.unassessed", "partly | short"),
        ] {
            assert!(BUILT_IN.contains(good), "{good}");
            let error = parse(BUILT_IN_FILE, &BUILT_IN.replacen(good, bad, 1)).unwrap_err();
            let problem = error.problems.iter().find(|p| p.key == key).unwrap_or_else(|| panic!("{bad}: {error:?}"));
            assert_eq!(problem.expected, expected, "{bad}");
            let line = BUILT_IN.lines().position(|line| line.trim() == good).unwrap() + 1;
            assert!(problem.line <= line && problem.line + 30 > line, "{bad}: line {} for {line}", problem.line);
            assert!(error.message(Lang::Zh).contains(key), "{bad}");
        }
    }
}
