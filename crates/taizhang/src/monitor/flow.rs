//! The rules of a case, pure: what has happened and what is asked for in, what follows or why not out. The same events
//! give the same state on every machine.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::error::{Refusal, Said};
use super::model::{CLUE, Checked, Event, Given, LINK, NOTE_MOST, REASON_CHARS, REGISTER, REMIND, REPLY};
use super::model::{Notice, Step};
use crate::access::Role;
use crate::assess::profile::monitoring::{DECREASES, Machine, MonitoringPolicy, MonitoringTransition, Phase};
use crate::assess::profile::{Profile, Words};
use crate::assess::working_days::UnknownYear;

/// What has happened to a case, as far as it bears on what may follow.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Progress {
    /// State.
    pub state: String,
    /// Round, from 1.
    pub round: i64,
    /// State in which the round began; empty for the first.
    pub before: String,
    /// Help came first.
    pub green: bool,
    /// Type.
    pub kind: String,
    /// Risks, the main one first.
    pub risks: Vec<String>,
    /// A signed application is there.
    pub consent: bool,
    /// Last visit of the round, ISO.
    pub visited: String,
    /// A meeting was held about the identification.
    pub reviewed: bool,
    /// A meeting was held about the elimination that is under way.
    pub elimination_reviewed: bool,
    /// The notice that counts.
    pub notice: Option<Notice>,
    /// The agencies have answered.
    pub compared: bool,
    /// What people said to conditions of elimination.
    pub answers: BTreeMap<String, bool>,
    /// Measures of the round.
    pub measures: i64,
    /// The state is what the register says, and nobody has taken a step from it.
    pub taken_over: bool,
    /// First day of the round, ISO.
    pub opened: String,
    /// Day on which the state was entered, ISO.
    pub since: String,
    /// 标注, ISO.
    pub marked: String,
    /// 消除, ISO.
    pub eliminated: String,
}

/// What an event made of a case besides its state: `marked`, `eliminated`, or nothing.
pub fn entered(machine: &Machine, from: &str, to: &str) -> &'static str {
    let (before, after) = (machine.phase(from), machine.phase(to));
    let was = !from.is_empty() && before.is_monitored();
    match after {
        Phase::Monitored if !was => "marked",
        Phase::Eliminated if from.is_empty() || was => "eliminated",
        _ => "",
    }
}

impl Progress {
    /// What the events of a case come to.
    pub fn of(machine: &Machine, events: &[Event]) -> Self {
        let mut out = Self::default();
        for event in events {
            out.follow(machine, &event.action, &event.to_state, &event.day, &event.given());
        }
        out
    }

    /// Takes one event in.
    pub fn follow(&mut self, machine: &Machine, action: &str, to: &str, day: &str, given: &Given) {
        let from = std::mem::replace(&mut self.state, to.to_owned());
        match action {
            CLUE | REPLY | REMIND | LINK => return,
            REGISTER => {
                self.round = self.round.max(1);
                self.taken_over = true;
                self.kind.clone_from(&given.kind);
                self.risks.clone_from(&given.risks);
            }
            _ => {}
        }
        // A state that there is not, before the first event, is not open either.
        if machine.phase(to) == Phase::Identify && !machine.phase(&from).is_open() {
            *self = Self {
                state: to.to_owned(),
                round: self.round + 1,
                before: from,
                opened: day.to_owned(),
                since: day.to_owned(),
                marked: std::mem::take(&mut self.marked),
                eliminated: std::mem::take(&mut self.eliminated),
                kind: std::mem::take(&mut self.kind),
                risks: std::mem::take(&mut self.risks),
                ..Self::default()
            };
            return;
        }
        let step = machine.transition(action);
        let needs = |what: &str| step.is_some_and(|step| step.needs(what));
        self.consent |= given.consent.is_some() && needs("consent");
        if let Some(visit) = given.visit.as_ref().filter(|_| needs("visit")) {
            self.visited.clone_from(&visit.day);
        }
        if given.minutes.is_some() && needs("minutes") {
            if machine.phase(&from).is_monitored() {
                self.elimination_reviewed = true;
            } else {
                self.reviewed = true;
            }
        }
        if let Some(notice) = given.notice.as_ref().filter(|_| needs("notice")) {
            self.notice = Some(notice.clone());
        }
        if needs("objection") {
            self.notice = None;
        }
        self.compared |= given.comparison.is_some() && needs("comparison");
        if needs("type") {
            self.kind.clone_from(&given.kind);
            self.risks.clone_from(&given.risks);
        }
        if needs("conditions") {
            self.answers.extend(given.answers.iter().map(|(id, yes)| (id.clone(), *yes)));
        }
        self.green |= needs("urgent");
        self.measures += i64::from(given.measure.is_some() && needs("measure"));
        if from == to {
            return;
        }
        self.since = day.to_owned();
        self.taken_over = action == REGISTER;
        match entered(machine, &from, to) {
            "marked" => self.marked = day.to_owned(),
            "eliminated" => self.eliminated = day.to_owned(),
            _ => {}
        }
        if self.opened.is_empty() {
            self.opened = day.to_owned();
        }
        // What is decided anew is reviewed and published anew.
        if machine.phase(to) == Phase::Monitored {
            self.notice = None;
            self.elimination_reviewed = false;
            self.answers.clear();
        }
    }

    /// Days until which the next step, and the decision, are due: ISO, empty where nothing is. The year whose calendar
    /// is missing, where one could not be told.
    pub fn deadlines(
        &self,
        policy: &MonitoringPolicy,
        machine: &Machine,
        division: &str,
    ) -> (String, String, Option<i32>) {
        let mut missing = None;
        let mut told = |id: &str, from: &str| -> Option<String> {
            let span = policy.step(id)?.span(division)?;
            let day = NaiveDate::parse_from_str(from, "%Y-%m-%d").ok()?;
            match span.after(day) {
                Ok(day) => Some(day.to_string()),
                Err(UnknownYear(year)) => {
                    missing = Some(year);
                    None
                }
            }
        };
        // What was taken over from the register came with its measures: nothing of it is due by our clock.
        let Some(state) = machine.state(&self.state).filter(|state| state.phase.is_open() && !self.taken_over) else {
            return (String::new(), String::new(), None);
        };
        let decide_by = match state.phase {
            Phase::Identify => told(&machine.within, &self.opened),
            _ => None,
        };
        let met = state
            .met_by
            .as_deref()
            .and_then(|action| machine.transition(action))
            .is_some_and(|step| step.needs("measure") && self.measures > 0);
        let own =
            state.deadline.as_deref().filter(|id| !met && *id != machine.within).and_then(|id| told(id, &self.since));
        let due = match (own, &decide_by) {
            (Some(own), Some(last)) => own.min(last.clone()),
            (Some(own), None) => own,
            (None, Some(last)) => last.clone(),
            (None, None) => String::new(),
        };
        (due, decide_by.unwrap_or_default(), missing)
    }
}

/// Who asks: their role, or the machine itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    /// Role.
    pub role: Role,
    /// The command line stands above roles.
    pub is_machine: bool,
}

impl Who {
    fn may(self, step: &MonitoringTransition) -> bool {
        self.is_machine || step.roles.iter().any(|role| role == self.role.name())
    }
}

/// What is known besides the events.
#[derive(Debug, Clone, Default)]
pub struct Around<'a> {
    /// The conditions of elimination, asked today; none where the household is not in the register.
    pub conditions: Option<&'a [Checked]>,
    /// Clues of the round: how many, and how many of them proved wrong.
    pub clues: (i64, i64),
}

fn state_words(machine: &Machine, state: &str) -> Words {
    let as_it_is = || Words { zh: state.to_owned(), en: state.to_owned() };
    machine.state(state).map_or_else(as_it_is, |state| state.title.clone())
}

/// Steps that somebody may take from where a case stands, in the order of the profile.
pub fn possible<'m>(machine: &'m Machine, progress: &Progress, who: Who) -> Vec<&'m MonitoringTransition> {
    machine
        .transitions
        .iter()
        .filter(|step| step.from.contains(&progress.state))
        .filter(|step| who.may(step) && (!step.if_urgent || progress.green))
        .filter(|step| !(step.needs("urgent") && progress.green))
        .collect()
}

fn day(field: &'static str, text: &str, least: &str, today: &str) -> Result<(), Refusal> {
    let known = NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok();
    if !known || text < least || text > today {
        let args = vec![
            ("field", Said::Key(format!("monitor-field-{field}"))),
            ("day", Said::Text(text.to_owned())),
            ("least", Said::Text(if least.is_empty() { "—".to_owned() } else { least.to_owned() })),
            ("most", Said::Text(today.to_owned())),
        ];
        return Err(Refusal::invalid("monitor.day", args));
    }
    Ok(())
}

fn filled(field: &'static str, text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::invalid("monitor.field", vec![("field", Said::Key(format!("monitor-field-{field}")))]));
    }
    if text.chars().count() > NOTE_MOST {
        let args =
            vec![("field", Said::Key(format!("monitor-field-{field}"))), ("most", Said::Text(NOTE_MOST.to_string()))];
        return Err(Refusal::invalid("monitor.field_long", args));
    }
    Ok(())
}

/// The state that a step leads to, or why it may not be taken.
///
/// # Errors
/// The first thing that stands against it.
pub fn judge(
    profile: &Profile,
    progress: &Progress,
    who: Who,
    step: &Step,
    today: NaiveDate,
    around: &Around<'_>,
) -> Result<String, Refusal> {
    let policy = profile.monitoring.as_ref().ok_or_else(|| Refusal::missing("monitor.no_policy"))?;
    let machine = policy.machine.as_ref().ok_or_else(|| Refusal::missing("monitor.no_policy"))?;
    let action = machine.transition(&step.action).ok_or_else(|| Refusal::missing("monitor.no_step"))?;
    let named = || vec![("action", Said::Words(action.title.clone()))];
    if !who.may(action) {
        return Err(Refusal::forbidden("monitor.role", named()));
    }
    if action.from.iter().all(|from| *from != progress.state) {
        let mut args = named();
        args.push(("state", Said::Words(state_words(machine, &progress.state))));
        return Err(Refusal::conflict("monitor.wrong_state", args));
    }
    if action.if_urgent && !progress.green {
        return Err(Refusal::conflict("monitor.not_green", named()));
    }
    if step.note.chars().count() > NOTE_MOST {
        return Err(Refusal::invalid("monitor.note_long", vec![("most", Said::Text(NOTE_MOST.to_string()))]));
    }
    let today_text = today.to_string();
    let given = &step.given;
    for need in &action.needs {
        met(need, &Ask { profile, policy, machine, progress, given, note: &step.note, today: &today_text, around })?;
    }
    let to = action.to.clone().unwrap_or_else(|| progress.state.clone());
    if action.back && !progress.before.is_empty() && machine.phase(&progress.before) == Phase::Eliminated {
        return Ok(progress.before.clone());
    }
    Ok(to)
}

struct Ask<'a> {
    profile: &'a Profile,
    policy: &'a MonitoringPolicy,
    machine: &'a Machine,
    progress: &'a Progress,
    given: &'a Given,
    note: &'a str,
    today: &'a str,
    around: &'a Around<'a>,
}

fn lacks(what: &'static str) -> Refusal {
    Refusal::invalid("monitor.lacks", vec![("what", Said::Key(format!("monitor-need-{what}")))])
}

/// Whether a need is met.
fn met(need: &str, ask: &Ask<'_>) -> Result<(), Refusal> {
    let (given, progress, today) = (ask.given, ask.progress, ask.today);
    match need {
        "consent" => {
            let consent = given.consent.as_ref().ok_or_else(|| lacks("consent"))?;
            day("consent_day", &consent.day, "", today)?;
            if !consent.proxy.trim().is_empty() || !consent.relation.trim().is_empty() {
                filled("proxy", &consent.proxy)?;
                filled("relation", &consent.relation)?;
            }
            filled("paper", &consent.paper)
        }
        "visit" => {
            let visit = given.visit.as_ref().ok_or_else(|| lacks("visit"))?;
            day("visit_day", &visit.day, &progress.visited, today)?;
            filled("visit_who", &visit.who)?;
            filled("visit_found", &visit.found)
        }
        "minutes" => minutes(ask),
        "notice" => notice(ask),
        "notice_over" => {
            let notice =
                progress.notice.as_ref().ok_or_else(|| Refusal::conflict("monitor.notice_none", Vec::new()))?;
            if notice.to.as_str() >= today {
                let args = vec![("to", Said::Text(notice.to.clone()))];
                return Err(Refusal::conflict("monitor.notice_runs", args));
            }
            Ok(())
        }
        "comparison" => {
            let Some(comparison) = &given.comparison else {
                return if progress.compared { Ok(()) } else { Err(lacks("comparison")) };
            };
            day("comparison_day", &comparison.day, "", today)?;
            filled("agencies", &comparison.agencies)?;
            filled("comparison_found", &comparison.found)?;
            if ["clear", "doubt"].contains(&comparison.result.as_str()) { Ok(()) } else { Err(lacks("comparison")) }
        }
        "type" => {
            if ask.policy.types.iter().all(|known| known.id != given.kind) {
                return Err(Refusal::invalid("monitor.type", Vec::new()));
            }
            let known = |risk: &String| ask.policy.risks.is_empty() || ask.policy.risks.contains(risk);
            if given.risks.is_empty() || !given.risks.iter().all(known) {
                return Err(Refusal::invalid("monitor.risk", Vec::new()));
            }
            Ok(())
        }
        "conditions" => conditions(ask),
        "reason" | "objection" => reason(ask.note),
        "told" => {
            let told = given.told.as_ref().ok_or_else(|| lacks("told"))?;
            day("told_day", &told.day, &progress.opened, today)?;
            filled("told_how", &told.how)
        }
        "decrease" => {
            if DECREASES.contains(&given.decrease.as_str()) {
                Ok(())
            } else {
                Err(lacks("decrease"))
            }
        }
        "false_alarm" => match ask.around.clues {
            (all, wrong) if all > 0 && all == wrong => Ok(()),
            _ => Err(Refusal::conflict("monitor.clues_open", Vec::new())),
        },
        "measure" => measure(ask),
        "measures" => {
            if progress.measures > 0 {
                Ok(())
            } else {
                Err(Refusal::conflict("monitor.no_measures", Vec::new()))
            }
        }
        "measure_end" => {
            if given.ended.is_none() {
                return Err(lacks("measure_end"));
            }
            day("measure_end_day", &given.ended_on, "", today)
        }
        // Whether help comes first is said by taking the step.
        _ => Ok(()),
    }
}

fn reason(note: &str) -> Result<(), Refusal> {
    if note.trim().chars().count() < REASON_CHARS {
        return Err(Refusal::invalid("monitor.reason", vec![("least", Said::Text(REASON_CHARS.to_string()))]));
    }
    Ok(())
}

/// One meeting only (一次评议): a second for the same decision is refused.
fn minutes(ask: &Ask<'_>) -> Result<(), Refusal> {
    let (progress, given) = (ask.progress, ask.given);
    let eliminating = ask.machine.phase(&progress.state).is_monitored();
    if (eliminating && progress.elimination_reviewed) || (!eliminating && progress.reviewed) {
        return Err(Refusal::conflict("monitor.reviewed_twice", Vec::new()));
    }
    let minutes = given.minutes.as_ref().ok_or_else(|| lacks("minutes"))?;
    day("minutes_day", &minutes.day, &progress.visited, ask.today)?;
    filled("minutes_paper", &minutes.paper)?;
    if minutes.present < 1 || minutes.agreed < 0 || minutes.agreed > minutes.present {
        return Err(Refusal::invalid("monitor.minutes", Vec::new()));
    }
    if minutes.agreed * 2 <= minutes.present {
        let args = vec![
            ("agreed", Said::Text(minutes.agreed.to_string())),
            ("present", Said::Text(minutes.present.to_string())),
        ];
        return Err(Refusal::conflict("monitor.minutes_against", args));
    }
    Ok(())
}

/// A notice begins no earlier than the day of the step before it, so that nobody writes one that was never up.
fn notice(ask: &Ask<'_>) -> Result<(), Refusal> {
    let notice = ask.given.notice.as_ref().ok_or_else(|| lacks("notice"))?;
    day("notice_from", &notice.from, &ask.progress.since, ask.today)?;
    let read = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let days = read(&notice.from).zip(read(&notice.to)).map_or(0, |(from, to)| (to - from).num_days());
    if days < ask.machine.notice_days || days > 60 {
        let args = vec![
            ("from", Said::Text(notice.from.clone())),
            ("to", Said::Text(notice.to.clone())),
            ("least", Said::Text(ask.machine.notice_days.to_string())),
        ];
        return Err(Refusal::invalid("monitor.notice_short", args));
    }
    Ok(())
}

fn conditions(ask: &Ask<'_>) -> Result<(), Refusal> {
    let Some(all) = ask.around.conditions else {
        return Err(Refusal::conflict("monitor.not_registered", Vec::new()));
    };
    for condition in &ask.machine.conditions {
        let checked = all.iter().find(|c| c.id == condition.id);
        let Some(checked) = checked else {
            return Err(Refusal::conflict("monitor.not_registered", Vec::new()));
        };
        let args = || {
            let values: Vec<String> = checked.values.iter().map(|(name, value)| format!("{name} {value}")).collect();
            vec![
                ("condition", Said::Words(condition.title.clone())),
                (
                    "values",
                    if values.is_empty() {
                        Said::Key("monitor-nothing".to_owned())
                    } else {
                        Said::Text(values.join("，"))
                    },
                ),
            ]
        };
        if checked.forbidden {
            return Err(Refusal::conflict("monitor.condition_forbids", args()));
        }
        if checked.holds == Some(false) {
            return Err(Refusal::conflict("monitor.condition", args()));
        }
        let said = ask.given.answers.get(&condition.id).or_else(|| ask.progress.answers.get(&condition.id));
        if condition.ask && said != Some(&true) {
            let args = vec![("condition", Said::Words(condition.title.clone()))];
            return Err(Refusal::conflict("monitor.condition_answer", args));
        }
    }
    Ok(())
}

fn measure(ask: &Ask<'_>) -> Result<(), Refusal> {
    let measure = ask.given.measure.as_ref().ok_or_else(|| lacks("measure"))?;
    if ask.profile.measures.iter().all(|(known, _)| *known != measure.measure) {
        return Err(Refusal::invalid("monitor.measure_group", Vec::new()));
    }
    let known = ask.progress.risks.contains(&measure.risk) || ask.policy.risks.contains(&measure.risk);
    if !known {
        return Err(Refusal::invalid("monitor.risk", Vec::new()));
    }
    day("measure_from", &measure.from, "", ask.today)?;
    if !measure.to.is_empty()
        && (NaiveDate::parse_from_str(&measure.to, "%Y-%m-%d").is_err() || measure.to < measure.from)
    {
        let args = vec![("from", Said::Text(measure.from.clone())), ("to", Said::Text(measure.to.clone()))];
        return Err(Refusal::invalid("monitor.measure_period", args));
    }
    if measure.amount.is_some_and(|amount| !amount.is_finite() || !(0.0..=1.0e9).contains(&amount)) {
        return Err(Refusal::invalid("monitor.amount", Vec::new()));
    }
    filled("measure_who", &measure.who)
}
