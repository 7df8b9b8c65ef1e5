//! What a profile says of monitoring against a return to poverty (防止返贫监测): types of households, states and steps,
//! who may take a step and what it needs, deadlines, conditions of elimination, and the feeds that clues are drawn from.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use serde::Serialize;
use toml::de::DeValue;

use super::expression::{Expression, Names};
use super::file::{Node, Reader, join, line_of, shown};
use super::{Example, Subject, Warning, Words, nearest};
use crate::access::Role;
use crate::assess::working_days::{self, UnknownYear};

/// Keys of `[[warnings]]`.
pub(super) const WARNING_KEYS: &[&str] = &[
    "id",
    "title",
    "agency",
    "group",
    "threshold",
    "unit",
    "push",
    "source",
    "when",
    "examples",
    "risk",
    "push_day",
    "reply_days",
    "reply_working_days",
];

/// What a step of monitoring may need; the program knows what each means and keeps what was given.
pub const NEEDS: [&str; 17] = [
    // A signed 《申请及承诺授权查询书》, by the household or for it.
    "consent",
    // The day of the visit, who went, and what was found.
    "visit",
    // The minutes of one meeting of villagers; a second meeting for the same decision is refused.
    "minutes",
    // From and to of a notice in the village.
    "notice",
    // The notice has been up for its days, and nobody objected.
    "notice_over",
    // What the agencies answered.
    "comparison",
    // A type of monitored household, and its risks.
    "type",
    // The conditions of elimination hold.
    "conditions",
    // Why, in words.
    "reason",
    // The household was told, and when.
    "told",
    // An objection in words; the notice counts no more.
    "objection",
    // How the household has gone: deceased, moved, merged.
    "decrease",
    // Every clue of the round has proved wrong.
    "false_alarm",
    // Help comes first and the papers follow (绿色通道).
    "urgent",
    // A measure: its group, against which risk, from when, by whom.
    "measure",
    // At least one measure is on record.
    "measures",
    // The day on which a measure ended.
    "measure_end",
];

/// Needs that every way to a phase must pass: what a province may not leave out.
const WAYS: [(Phase, Phase, &[&str]); 2] = [
    (Phase::Identify, Phase::Monitored, &["consent", "visit", "minutes", "notice_over", "comparison", "type"]),
    (Phase::Monitored, Phase::Eliminated, &["visit", "minutes", "notice_over", "conditions"]),
];

/// How a household may leave without a decision about its risk (自然减少).
pub const DECREASES: [&str; 4] = ["deceased", "moved", "merged", "other"];

/// What a state means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// From the clue to the decision: not monitored yet.
    Identify,
    /// 监测中·未消除.
    Monitored,
    /// Still monitored, while its elimination is decided.
    Eliminate,
    /// 已消除: kept on the books, and may be marked again.
    Eliminated,
    /// Not monitored, and nothing to be decided.
    Ended,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 5] = [Self::Identify, Self::Monitored, Self::Eliminate, Self::Eliminated, Self::Ended];

    /// The name in profile and database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identify => "identify",
            Self::Monitored => "monitored",
            Self::Eliminate => "eliminate",
            Self::Eliminated => "eliminated",
            Self::Ended => "ended",
        }
    }

    /// The phase of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.name() == name)
    }

    /// Whether somebody owes the household a step.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Identify | Self::Monitored | Self::Eliminate)
    }

    /// Whether the household counts as monitored.
    pub fn is_monitored(self) -> bool {
        matches!(self, Self::Monitored | Self::Eliminate)
    }
}

/// A number of days, by the calendar or working.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    /// How many.
    pub days: i64,
    /// Whether these are working days.
    pub working: bool,
}

impl Span {
    /// The last day of the span that begins on a day; the day itself does not count.
    ///
    /// # Errors
    /// It reaches, in working days, into a year whose notice is not known.
    pub fn after(self, day: NaiveDate) -> Result<NaiveDate, UnknownYear> {
        if self.working {
            return working_days::after(day, self.days);
        }
        Ok(day.checked_add_days(Days::new(self.days.unsigned_abs())).unwrap_or(day))
    }
}

/// One deadline of monitoring (监测帮扶程序时限).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MonitoringStep {
    /// Short and stable.
    pub id: String,
    /// What it is.
    pub title: Words,
    /// How many days it may take; none where no source sets a deadline.
    pub days: Option<i64>,
    /// Whether these are working days.
    pub working: bool,
    /// Where it comes from.
    pub source: String,
    /// Where it is another: division code and span.
    pub regions: Vec<(String, Span)>,
}

impl MonitoringStep {
    /// The span in force for a division: of the narrowest region around it.
    pub fn span(&self, division: &str) -> Option<Span> {
        self.regions
            .iter()
            .filter(|(region, _)| division.starts_with(region.as_str()))
            .max_by_key(|(region, _)| region.len())
            .map(|(_, span)| *span)
            .or(self.days.map(|days| Span { days, working: self.working }))
    }
}

/// A type of monitored household (监测对象类别).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MonitoringType {
    /// Short and stable.
    pub id: String,
    /// As the register writes it.
    pub title: Words,
    /// When it is proposed; none where only people can say.
    pub when: Option<Expression>,
    /// Households that it must propose it for, and others that it must not.
    #[serde(skip)]
    pub examples: Vec<Example>,
    #[serde(skip)]
    pub(crate) line: usize,
}

/// A state of a case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MonitoringState {
    /// Short and stable.
    pub id: String,
    /// What it is called.
    pub title: Words,
    /// What it means.
    pub phase: Phase,
    /// The deadline that begins when it is entered.
    pub deadline: Option<String>,
    /// The step after which nothing is due any more although the state stays.
    pub met_by: Option<String>,
    #[serde(skip)]
    line: usize,
}

/// A step that somebody may take.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MonitoringTransition {
    /// Short and stable.
    pub action: String,
    /// What it is called.
    pub title: Words,
    /// States that it starts from.
    pub from: Vec<String>,
    /// State that it leads to; none where the state stays.
    pub to: Option<String>,
    /// Leads back to where the round began, where that was an elimination.
    pub back: bool,
    /// Roles that may take it.
    pub roles: Vec<String>,
    /// What it needs, of [`NEEDS`].
    pub needs: Vec<String>,
    /// Only after help was put first.
    pub if_urgent: bool,
    #[serde(skip)]
    line: usize,
}

impl MonitoringTransition {
    /// Whether it needs something.
    pub fn needs(&self, what: &str) -> bool {
        self.needs.iter().any(|need| need == what)
    }
}

/// One condition of elimination (风险消除条件).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EliminationCondition {
    /// Short and stable.
    pub id: String,
    /// What it asks.
    pub title: Words,
    /// What must hold by the register, the signals and the case; what is not known does not.
    pub when: Option<Expression>,
    /// What forbids elimination if it holds.
    pub forbid: Option<Expression>,
    /// Whether somebody has to say yes, on site.
    pub ask: bool,
    /// Where it comes from.
    pub source: String,
}

/// States and steps of a case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Machine {
    /// The state that a clue opens.
    pub start: String,
    /// The deadline from the clue to the decision.
    pub within: String,
    /// The fewest days of a notice.
    pub notice_days: i64,
    /// The states.
    pub states: Vec<MonitoringState>,
    /// The steps.
    pub transitions: Vec<MonitoringTransition>,
    /// What elimination asks.
    pub conditions: Vec<EliminationCondition>,
}

impl Machine {
    /// The state of an id.
    pub fn state(&self, id: &str) -> Option<&MonitoringState> {
        self.states.iter().find(|state| state.id == id)
    }

    /// The step of an id.
    pub fn transition(&self, action: &str) -> Option<&MonitoringTransition> {
        self.transitions.iter().find(|step| step.action == action)
    }

    /// The phase of a state; of one that it does not know, [`Phase::Ended`].
    pub fn phase(&self, state: &str) -> Phase {
        self.state(state).map_or(Phase::Ended, |state| state.phase)
    }

    /// The first state of a phase.
    pub fn first_of(&self, phase: Phase) -> Option<&MonitoringState> {
        self.states.iter().find(|state| state.phase == phase)
    }
}

/// Monitoring against a return to poverty (防止返贫监测).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MonitoringPolicy {
    /// The types of monitored households.
    pub types: Vec<MonitoringType>,
    /// The deadlines.
    pub steps: Vec<MonitoringStep>,
    /// What risks are called, the main ones first.
    pub risks: Vec<String>,
    /// States and steps; none in profiles of the time before cases.
    pub machine: Option<Machine>,
}

impl MonitoringPolicy {
    /// The deadline of an id.
    pub fn step(&self, id: &str) -> Option<&MonitoringStep> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// What a type is called; its id where the profile no longer has it.
    pub fn type_title<'a>(&'a self, id: &'a str, lang: crate::platform::Lang) -> &'a str {
        self.types.iter().find(|known| known.id == id).map_or(id, |known| known.title.get(lang))
    }
}

/// When an agency reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PushDay {
    /// After the event.
    Event,
    /// By that day of each month.
    Monthly(u32),
    /// By that month and day of each year.
    Yearly(u32, u32),
}

/// How clues are drawn from a department's warnings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Feed {
    /// Which households are reported.
    pub when: Expression,
    /// Households that it must report, and others that it must not.
    #[serde(skip)]
    pub examples: Vec<Example>,
    /// The risk that it speaks of; empty where it is to be found out.
    pub risk: String,
    /// When the agency reports.
    pub push_day: PushDay,
    /// How long the answer from the village may take.
    pub reply: Span,
    #[serde(skip)]
    pub(crate) line: usize,
}

impl Reader<'_> {
    /// `days` or `working_days` of a node, under the names given.
    fn span(&mut self, node: &Node<'_>, days: &str, working_days: &str) -> Option<Option<Span>> {
        let working = self.maybe(node, working_days).is_some();
        if let (true, Some(value)) = (working, self.maybe(node, days)) {
            self.fault(value.span().start, join(&node.path, days), "profile-either", days, working_days);
        }
        let key = if working { working_days } else { days };
        match self.maybe(node, key) {
            None => Some(None),
            Some(_) => Some(Some(Span { days: self.integer(node, key, 1, 3650)?, working })),
        }
    }

    fn flag(&mut self, node: &Node<'_>, key: &str) -> bool {
        match self.maybe(node, key).map(|value| (value.span().start, value.get_ref())) {
            None => false,
            Some((_, DeValue::Boolean(yes))) => *yes,
            Some((at, other)) => {
                self.fault(at, join(&node.path, key), "profile-type", shown(other), "true | false");
                false
            }
        }
    }

    /// An expression over the household, where there is one.
    fn household_test(&mut self, node: &Node<'_>, key: &str, names: &Names) -> Option<Option<Expression>> {
        let Some(value) = self.maybe(node, key) else {
            return Some(None);
        };
        self.expression(value, join(&node.path, key), false, names).map(Some)
    }

    /// The part of warnings that clues are drawn by; it may name what the definitions say.
    pub(super) fn feeds(&mut self, root: &Node<'_>, warnings: &mut [Warning], names: &Names, ground: i64) {
        if self.maybe(root, "warnings").is_none() || warnings.is_empty() {
            return;
        }
        for node in self.tables(root, "warnings") {
            if self.maybe(&node, "when").is_none() {
                continue;
            }
            let when = self.household_test(&node, "when", names).flatten();
            let examples = self.examples(&node, Some(Subject::Household), ground);
            let risk = if self.maybe(&node, "risk").is_some() { self.text(&node, "risk", "\"因病\"") } else { None };
            let push_day = self.push_day(&node);
            let reply = self.span(&node, "reply_days", "reply_working_days");
            if let Some(None) = reply {
                self.fault(node.at, join(&node.path, "reply_days"), "profile-missing", "", "reply_working_days = 2");
            }
            let id = self.maybe(&node, "id").and_then(|value| value.get_ref().as_str().map(str::to_owned));
            let line = line_of(self.text, node.at);
            let warning = warnings.iter_mut().find(|warning| Some(&warning.id) == id.as_ref());
            if let (Some(warning), Some(when), Some(push_day), Some(Some(reply))) = (warning, when, push_day, reply) {
                let risk = risk.map(|(text, _)| text).unwrap_or_default();
                warning.feed = Some(Feed { when, examples, risk, push_day, reply, line });
            }
        }
    }

    fn push_day(&mut self, node: &Node<'_>) -> Option<PushDay> {
        let Some(value) = self.maybe(node, "push_day") else {
            return Some(PushDay::Event);
        };
        if value.get_ref().as_integer().is_some() {
            let day = self.integer(node, "push_day", 1, 28)?;
            return u32::try_from(day).ok().map(PushDay::Monthly);
        }
        let yearly = value.get_ref().as_str().and_then(|text| {
            let day = NaiveDate::parse_from_str(&format!("2001-{text}"), "%Y-%m-%d").ok()?;
            Some(PushDay::Yearly(chrono::Datelike::month(&day), chrono::Datelike::day(&day)))
        });
        if yearly.is_none() {
            let (found, expected) = (shown(value.get_ref()), "5 | \"04-30\"");
            self.fault(value.span().start, join(&node.path, "push_day"), "profile-type", found, expected);
        }
        yearly
    }

    pub(super) fn monitoring(&mut self, node: &Node<'_>, names: &Names, ground: i64) -> Option<MonitoringPolicy> {
        self.only(
            node,
            &["types", "steps", "risks", "start", "within", "notice_days", "states", "transitions", "elimination"],
        );
        let types = self.monitoring_types(node, names, ground);
        let steps = self.monitoring_steps(node);
        let mut risks = Vec::new();
        if let Some(value) = self.maybe(node, "risks") {
            let path = join(&node.path, "risks");
            match value.get_ref().as_array() {
                Some(all) => {
                    for (index, entry) in all.iter().enumerate() {
                        risks.extend(self.as_text(entry, format!("{path}[{index}]"), "\"因病\"").map(|(text, _)| text));
                    }
                }
                None => {
                    self.fault(value.span().start, path, "profile-type", shown(value.get_ref()), "[\"因病\", …]");
                }
            }
        }
        let machine = match self.maybe(node, "states") {
            None => None,
            Some(_) => Some(self.machine(node, &steps, names)?),
        };
        Some(MonitoringPolicy { types, steps, risks, machine })
    }

    fn monitoring_types(&mut self, node: &Node<'_>, names: &Names, ground: i64) -> Vec<MonitoringType> {
        let mut seen = BTreeSet::new();
        let mut out = Vec::new();
        for inner in self.tables(node, "types") {
            self.only(&inner, &["id", "title", "when", "examples"]);
            let id = self.identifier(&inner);
            let title = self.words(&inner, "title");
            let when = self.household_test(&inner, "when", names);
            let examples = self.examples(&inner, Some(Subject::Household), ground);
            if let (Some(id), Some(title), Some(when)) = (id, title, when) {
                self.unique(&mut seen, &id, join(&inner.path, "id"));
                out.push(MonitoringType { id: id.0, title, when, examples, line: line_of(self.text, inner.at) });
            }
        }
        out
    }

    fn monitoring_steps(&mut self, node: &Node<'_>) -> Vec<MonitoringStep> {
        let mut seen = BTreeSet::new();
        let mut out = Vec::new();
        for inner in self.tables(node, "steps") {
            self.only(&inner, &["id", "title", "days", "working_days", "source", "regions"]);
            let id = self.identifier(&inner);
            if let Some(id) = &id {
                self.unique(&mut seen, id, join(&inner.path, "id"));
            }
            let title = self.words(&inner, "title");
            let span = self.span(&inner, "days", "working_days");
            let source = self.text(&inner, "source", "\"…\"");
            let mut regions = Vec::new();
            let own = if self.maybe(&inner, "regions").is_some() { self.tables(&inner, "regions") } else { Vec::new() };
            for part in own {
                self.only(&part, &["region", "days", "working_days", "source"]);
                let region = self.text(&part, "region", "\"36\"");
                let of = self.span(&part, "days", "working_days");
                if let Some(None) = of {
                    self.fault(part.at, join(&part.path, "days"), "profile-missing", "", "working_days = 10");
                }
                self.text(&part, "source", "\"…\"");
                if let (Some((code, at)), Some(Some(of))) = (region, of) {
                    let known = crate::register::divisions::CODE_LENGTHS.contains(&code.len());
                    if known && code.bytes().all(|b| b.is_ascii_digit()) {
                        regions.push((code, of));
                    } else {
                        self.fault(at, join(&part.path, "region"), "profile-region", code, "36");
                    }
                }
            }
            if let (Some(id), Some(title), Some(span), Some(source)) = (id, title, span, source) {
                out.push(MonitoringStep {
                    id: id.0,
                    title,
                    days: span.map(|span| span.days),
                    working: span.is_some_and(|span| span.working),
                    source: source.0,
                    regions,
                });
            }
        }
        out
    }

    /// One of the names of a part of the profile; the nearest is told where it is none.
    fn one_of(&mut self, node: &Node<'_>, key: &str, all: &[&str]) -> Option<String> {
        let (text, at) = self.text(node, key, &all.join(" | "))?;
        if all.contains(&text.as_str()) {
            return Some(text);
        }
        let near = nearest(&text, all.iter().copied());
        self.fault(at, join(&node.path, key), "profile-choice", text, near.unwrap_or_else(|| all.join(" | ")));
        None
    }

    fn machine(&mut self, node: &Node<'_>, steps: &[MonitoringStep], names: &Names) -> Option<Machine> {
        let deadlines: Vec<&str> = steps.iter().map(|step| step.id.as_str()).collect();
        let within = self.one_of(node, "within", &deadlines);
        let notice_days = self.integer(node, "notice_days", 1, 60);
        let states = self.monitoring_states(node, &deadlines);
        let ids: Vec<&str> = states.iter().map(|state| state.id.as_str()).collect();
        let start = self.one_of(node, "start", &ids);
        let transitions = self.monitoring_transitions(node, &ids);
        let conditions = self.elimination(node, names);
        for state in &states {
            if let Some(action) = state.met_by.as_ref().filter(|a| transitions.iter().all(|t| t.action != **a)) {
                self.at_line(state.line, node, &state.id, "profile-monitoring-action", action);
            }
        }
        let machine =
            Machine { start: start?, within: within?, notice_days: notice_days?, states, transitions, conditions };
        self.sound(node, &machine);
        Some(machine)
    }

    fn monitoring_states(&mut self, node: &Node<'_>, deadlines: &[&str]) -> Vec<MonitoringState> {
        let mut seen = BTreeSet::new();
        let mut out = Vec::new();
        let phases = Phase::ALL.map(|phase| (phase.name(), phase));
        for inner in self.tables(node, "states") {
            self.only(&inner, &["id", "title", "phase", "deadline", "met_by"]);
            let id = self.identifier(&inner);
            if let Some(id) = &id {
                self.unique(&mut seen, id, join(&inner.path, "id"));
            }
            let title = self.words(&inner, "title");
            let phase = self.choice(&inner, "phase", &phases);
            // What nobody waits for has no deadline; everything else names one, if only one without days.
            let wanted = phase.is_none_or(Phase::is_open);
            let deadline = match (wanted, self.maybe(&inner, "deadline").is_some()) {
                (true, _) | (_, true) => self.one_of(&inner, "deadline", deadlines).map(Some),
                _ => Some(None),
            };
            let met_by = match self.maybe(&inner, "met_by") {
                None => Some(None),
                Some(_) => self.text(&inner, "met_by", "\"measure\"").map(|(text, _)| Some(text)),
            };
            if let (Some(id), Some(title), Some(phase), Some(deadline), Some(met_by)) =
                (id, title, phase, deadline, met_by)
            {
                let line = line_of(self.text, inner.at);
                out.push(MonitoringState { id: id.0, title, phase, deadline, met_by, line });
            }
        }
        out
    }

    fn monitoring_transitions(&mut self, node: &Node<'_>, states: &[&str]) -> Vec<MonitoringTransition> {
        let roles = Role::ALL.map(Role::name);
        let mut seen = BTreeSet::new();
        let mut out = Vec::new();
        for inner in self.tables(node, "transitions") {
            self.only(&inner, &["action", "title", "from", "to", "back", "roles", "needs", "if_urgent"]);
            let action = self.text(&inner, "action", "\"apply\"");
            if let Some(action) = &action {
                self.unique(&mut seen, action, join(&inner.path, "action"));
            }
            let title = self.words(&inner, "title");
            let from = self.list(&inner, "from", states, true);
            let to = match self.maybe(&inner, "to") {
                None => Some(None),
                Some(_) => self.one_of(&inner, "to", states).map(Some),
            };
            let roles = self.list(&inner, "roles", &roles, true);
            let needs = self.list(&inner, "needs", &NEEDS, false);
            let (back, if_urgent) = (self.flag(&inner, "back"), self.flag(&inner, "if_urgent"));
            if let (Some(action), Some(title), Some(from), Some(to), Some(roles), Some(needs)) =
                (action, title, from, to, roles, needs)
            {
                let line = line_of(self.text, inner.at);
                out.push(MonitoringTransition {
                    action: action.0,
                    title,
                    from,
                    to,
                    back,
                    roles,
                    needs,
                    if_urgent,
                    line,
                });
            }
        }
        out
    }

    fn elimination(&mut self, node: &Node<'_>, names: &Names) -> Vec<EliminationCondition> {
        let mut seen = BTreeSet::new();
        let mut out = Vec::new();
        for inner in self.tables(node, "elimination") {
            self.only(&inner, &["id", "title", "when", "forbid", "ask", "source"]);
            let id = self.identifier(&inner);
            if let Some(id) = &id {
                self.unique(&mut seen, id, join(&inner.path, "id"));
            }
            let title = self.words(&inner, "title");
            let when = self.household_test(&inner, "when", names);
            let forbid = self.household_test(&inner, "forbid", names);
            let ask = self.flag(&inner, "ask");
            let source = self.text(&inner, "source", "\"…\"");
            if let (Some(id), Some(title), Some(when), Some(forbid), Some(source)) = (id, title, when, forbid, source) {
                if when.is_none() && forbid.is_none() && !ask {
                    self.fault(inner.at, join(&inner.path, "when"), "profile-missing", "", "when | forbid | ask");
                }
                out.push(EliminationCondition { id: id.0, title, when, forbid, ask, source: source.0 });
            }
        }
        out
    }

    fn at_line(&mut self, line: usize, node: &Node<'_>, id: &str, what: &'static str, found: &str) {
        let key = format!("{}.{id}", join(&node.path, "states"));
        self.fault_at_line(line, key, what, found.to_owned(), String::new());
    }

    /// Whether every state is reached, every household gets to an end, and no way leads past what every way must pass.
    fn sound(&mut self, node: &Node<'_>, machine: &Machine) {
        let starts = |phase: Phase| -> Vec<&str> {
            machine.states.iter().filter(|s| s.phase == phase).map(|s| s.id.as_str()).collect()
        };
        // The register brings households that are monitored, and such whose risk is eliminated.
        let mut from = vec![machine.start.as_str()];
        from.extend(machine.first_of(Phase::Monitored).map(|s| s.id.as_str()));
        from.extend(machine.first_of(Phase::Eliminated).map(|s| s.id.as_str()));
        for phase in [Phase::Monitored, Phase::Eliminated] {
            if starts(phase).len() != 1 {
                self.fault(node.at, join(&node.path, "states"), "profile-monitoring-phase", phase.name(), "1");
            }
        }
        if machine.phase(&machine.start) != Phase::Identify {
            self.fault(
                node.at,
                join(&node.path, "start"),
                "profile-choice",
                machine.start.clone(),
                "phase = \"identify\"",
            );
        }
        let reached = reachable(machine, &from, |_| true);
        for state in machine.states.iter().filter(|state| !reached.contains(state.id.as_str())) {
            self.at_line(state.line, node, &state.id, "profile-monitoring-unreached", &state.id);
        }
        for state in &machine.states {
            let end = reachable(machine, &[state.id.as_str()], |_| true)
                .into_iter()
                .any(|id| matches!(machine.phase(id), Phase::Eliminated | Phase::Ended));
            if !end {
                self.at_line(state.line, node, &state.id, "profile-monitoring-endless", &state.id);
            }
        }
        for (from, to, needs) in WAYS {
            let begin: Vec<&str> = match from {
                Phase::Identify => vec![machine.start.as_str()],
                other => starts(other),
            };
            for need in needs {
                let past = reachable(machine, &begin, |step| !step.needs(need));
                if let Some(state) = past.into_iter().find(|id| machine.phase(id) == to) {
                    let step = machine.transitions.iter().find(|t| t.to.as_deref() == Some(state) && !t.needs(need));
                    let line = step.map_or(0, |step| step.line);
                    let key = format!("{}.{}", join(&node.path, "transitions"), step.map_or("", |s| s.action.as_str()));
                    self.fault_at_line(line, key, "profile-monitoring-past", state.to_owned(), (*need).to_owned());
                }
            }
        }
        if machine.conditions.is_empty() {
            self.fault(node.at, join(&node.path, "elimination"), "profile-missing", "", "[[monitoring.elimination]]");
        }
    }
}

/// The states that steps of a kind lead to, those that one begins in among them.
fn reachable<'m>(
    machine: &'m Machine,
    from: &[&'m str],
    passes: impl Fn(&MonitoringTransition) -> bool,
) -> BTreeSet<&'m str> {
    let mut out: BTreeSet<&str> = from.iter().copied().collect();
    loop {
        let before = out.len();
        for step in machine.transitions.iter().filter(|step| passes(step)) {
            if let Some(to) = step.to.as_deref()
                && step.from.iter().any(|from| out.contains(from.as_str()))
            {
                out.insert(to);
            }
        }
        if out.len() == before {
            return out;
        }
    }
}
