//! One case: where it stands, what it rests on, what has happened, and the forms of what may follow.

use std::collections::{BTreeMap, HashMap};

use axum::extract::Path;
use axum::response::Response;
use uuid::Uuid;

use super::{Choice, deadline, tone};
use crate::access::Capability;
use crate::assess::profile::monitoring::{DECREASES, Machine, MonitoringPolicy, MonitoringTransition, Phase};
use crate::monitor::model::{
    CLUE, Case, Comparison, Consent, Event, Given, LINK, Minutes, NewMeasure, Notice, OPEN, REASON_CHARS, REGISTER,
    REMIND, REPLY, Step, Told, Visit,
};
use crate::monitor::{self, MonitorError, Whole};
use crate::platform::{UserError, ids};
use crate::web::{Ctx, Form, Page, WebError};

/// What was written into a form that could not be taken.
type Draft = HashMap<String, String>;

pub(super) struct FieldView {
    id: String,
    name: String,
    label: String,
    /// text, textarea, date, number, select or checks.
    kind: &'static str,
    value: String,
    required: bool,
    hint: String,
    options: Vec<Choice>,
    least: String,
    most: String,
}

struct FormView {
    action: String,
    label: String,
    hint: String,
    event: Uuid,
    fields: Vec<FieldView>,
    style: &'static str,
}

struct StepView {
    label: String,
    note: String,
    state: &'static str,
}

struct EventView {
    date: String,
    time: String,
    tone: &'static str,
    title: String,
    note: String,
    by: String,
}

struct ClueView {
    id: Uuid,
    title: String,
    meta: String,
    evidence: Vec<String>,
    verdict: String,
    tone: &'static str,
    reply: String,
    open: bool,
    event: Uuid,
}

struct MeasureView {
    title: String,
    note: String,
    ended: bool,
}

struct ConditionView {
    title: String,
    values: Vec<(String, String)>,
    verdict: String,
    tone: &'static str,
    source: String,
}

#[derive(askama::Template)]
#[template(path = "monitor_case.html")]
struct CasePage {
    page: Page,
    case: Case,
    title: String,
    place: String,
    household: String,
    state: String,
    tone: &'static str,
    error: String,
    steps: Vec<StepView>,
    differences: Vec<(String, String, String)>,
    forms: Vec<FormView>,
    others: Vec<FormView>,
    clues: Vec<ClueView>,
    may_reply: bool,
    measures: Vec<MeasureView>,
    uncovered: String,
    conditions: Vec<ConditionView>,
    events: Vec<EventView>,
    facts: Vec<(String, String)>,
    proposed: String,
    profile: String,
}

pub(super) async fn of_household(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    match monitor::case_of_household(&ctx.app, &ctx.actor, id).await? {
        Some(case) => Ok(ctx.redirect(&format!("/monitor/{}", case.id))),
        None => {
            // Of a household that this person may open there may be a first clue.
            let file = crate::register::household_file_for(&ctx.app, &ctx.actor, id).await?;
            if ctx.actor.may(Capability::WorkItems) {
                return Ok(ctx.redirect(&format!("/monitor/new?household={}", file.household.id)));
            }
            Ok(ctx.redirect_with(&format!("/households/{id}"), "info", "monitor-none-of-household"))
        }
    }
}

pub(super) async fn show(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    page_of(&ctx, id, String::new(), None).await
}

/// The page; `draft` is the form that could not be taken, so that nothing of it is written twice.
async fn page_of(ctx: &Ctx, id: Uuid, error: String, draft: Option<(&str, &Draft)>) -> Result<Response, WebError> {
    let whole = monitor::whole(&ctx.app, &ctx.actor, id, ctx.lang).await?;
    let page = ctx.page("nav-monitor");
    let (lang, today) = (page.lang, ctx.app.clock.today());
    let policy = whole.profile.monitoring.as_ref();
    let machine = policy.and_then(|policy| policy.machine.as_ref());
    let (policy, machine) =
        policy.zip(machine).ok_or_else(|| MonitorError::from(monitor::Refusal::missing("monitor.no_policy")))?;
    let case = &whole.case;
    let late = case.is_late(&today.to_string());
    let title_of =
        |state: &str| machine.state(state).map_or_else(|| state.to_owned(), |s| s.title.get(lang).to_owned());
    let none = Draft::new();
    let (mut forms, mut others) = (Vec::new(), Vec::new());
    for step in &whole.possible {
        let of = draft.filter(|(action, _)| *action == step.action).map_or(&none, |(_, draft)| draft);
        let aside = ["objection", "reason", "decrease", "measure_end"].iter().any(|need| step.needs(need));
        // Nothing to be cleared while no clue has proved wrong.
        if step.needs("false_alarm") {
            continue;
        }
        let view = form(&page, &whole, policy, machine, step, of, &today.to_string());
        if step.needs("measure_end")
            && view.fields.iter().all(|field| field.name != "ended" || field.options.is_empty())
        {
            continue;
        }
        if aside {
            others.push(view);
        } else {
            forms.push(view);
        }
    }
    let covered = |risk: &String| whole.measures.iter().any(|m| m.round == case.round && m.risk == *risk);
    let uncovered: Vec<String> = case.risk_list().into_iter().filter(|risk| !covered(risk)).collect();
    let comma = page.t("list-comma");
    let differences =
        whole.differences.iter().map(|(key, theirs, ours)| (page.t(key), theirs.clone(), ours.clone())).collect();
    let mut facts = vec![
        (page.t("monitor-col-number"), case.number.clone()),
        (page.t("monitor-origin"), page.t(&format!("monitor-origin-{}", case.origin))),
        (page.t("monitor-col-since"), case.state_since.clone()),
    ];
    if !case.deadline.is_empty() {
        facts.push((page.t("monitor-col-deadline"), deadline(&page, &case.deadline, today)));
    }
    if !case.decide_by.is_empty() {
        facts.push((page.t("monitor-decide-by"), deadline(&page, &case.decide_by, today)));
    }
    if let Some(year) = whole.events.last().and_then(|event| event.given().no_calendar) {
        facts.push((page.t("monitor-col-deadline"), page.t1("monitor-no-calendar", "year", year)));
    }
    if !case.notice_from.is_empty() {
        facts.push((page.t("monitor-notice-period"), format!("{} — {}", case.notice_from, case.notice_to)));
    }
    if !case.kind.is_empty() {
        facts.push((page.t("monitor-col-kind"), policy.type_title(&case.kind, lang).to_owned()));
        facts.push((page.t("monitor-col-risk"), case.risk_list().join(&comma)));
    }
    if !case.marked_on.is_empty() {
        facts.push((page.t("monitor-marked-on"), case.marked_on.clone()));
    }
    if !case.eliminated_on.is_empty() {
        facts.push((page.t("monitor-eliminated-on"), case.eliminated_on.clone()));
    }
    if let Some((id, phone)) = &whole.applicant {
        facts.push((page.t("field-id"), id.clone()));
        facts.push((page.t("field-phone"), phone.clone()));
    }
    let proposed: Vec<&str> = whole.proposed.iter().map(|id| policy.type_title(id, lang)).collect();
    ctx.render(&CasePage {
        title: page.t1("monitor-case-title", "name", &case.head_name),
        place: whole.place.clone(),
        household: case.household_id.map(|id| format!("/households/{id}")).unwrap_or_default(),
        state: title_of(&case.state),
        tone: tone(&case.phase, late),
        error,
        steps: steps(&page, machine, &whole),
        differences,
        forms,
        others,
        clues: clues(&page, &whole, &today.to_string()),
        may_reply: ctx.actor.may(Capability::WorkItems),
        measures: whole
            .measures
            .iter()
            .map(|measure| {
                let mut parts = vec![measure.risk.clone()];
                let to = if measure.to_day.is_empty() { page.t("monitor-open-end") } else { measure.to_day.clone() };
                parts.push(format!("{} — {to}", measure.from_day));
                if let Some(amount) = measure.amount {
                    parts.push(page.t1("monitor-yuan", "amount", crate::assess::value_in_words(&amount.to_string())));
                }
                parts.push(measure.who.clone());
                if !measure.ended_on.is_empty() {
                    parts.push(page.t1("monitor-ended", "day", &measure.ended_on));
                }
                if !measure.note.is_empty() {
                    parts.push(measure.note.clone());
                }
                MeasureView {
                    title: whole.profile.measure_title(&measure.measure, lang).to_owned(),
                    note: parts.join(" · "),
                    ended: !measure.ended_on.is_empty(),
                }
            })
            .collect(),
        uncovered: if case.phase().is_monitored() { uncovered.join(&comma) } else { String::new() },
        conditions: conditions(&page, machine, &whole),
        events: whole.events.iter().rev().map(|event| event_view(&page, &whole, machine, event)).collect(),
        facts,
        proposed: if case.phase() == Phase::Identify { proposed.join(&comma) } else { String::new() },
        profile: page.t1("monitor-by-profile", "profile", &case.profile),
        case: case.clone(),
        page,
    })
}

/// The way of a case: the states of its phase's line, as far as the round has come.
fn steps(page: &Page, machine: &Machine, whole: &Whole) -> Vec<StepView> {
    let now = machine.phase(&whole.case.state);
    let line: Vec<Phase> = match now {
        Phase::Identify | Phase::Ended => vec![Phase::Identify, Phase::Monitored],
        _ => vec![Phase::Monitored, Phase::Eliminate, Phase::Eliminated],
    };
    let mut states: Vec<_> = line
        .iter()
        .flat_map(|phase| machine.states.iter().filter(move |state| state.phase == *phase))
        // Reached from aside only.
        .filter(|state| state.id == whole.case.state || !is_aside(machine, &state.id))
        .collect();
    if now == Phase::Ended {
        states.retain(|state| whole.events.iter().any(|e| e.round == whole.case.round && e.to_state == state.id));
        states.extend(machine.state(&whole.case.state));
    }
    let at = states.iter().position(|state| state.id == whole.case.state).unwrap_or(0);
    states
        .iter()
        .enumerate()
        .map(|(n, state)| {
            let entered = whole
                .events
                .iter()
                .rev()
                .find(|e| e.round == whole.case.round && e.to_state == state.id && e.from_state != state.id);
            StepView {
                label: state.title.get(page.lang).to_owned(),
                note: if n <= at { entered.map(|e| e.day.clone()).unwrap_or_default() } else { String::new() },
                state: match (n.cmp(&at), now.is_open()) {
                    (std::cmp::Ordering::Less, _) | (std::cmp::Ordering::Equal, false) => "done",
                    (std::cmp::Ordering::Equal, true) => "now",
                    (std::cmp::Ordering::Greater, _) => "",
                },
            }
        })
        .collect()
}

/// A state that only an objection or a return leads to.
fn is_aside(machine: &Machine, state: &str) -> bool {
    let mut into = machine.transitions.iter().filter(|step| step.to.as_deref() == Some(state)).peekable();
    into.peek().is_some() && into.all(|step| step.needs("objection") || step.needs("reason"))
}

fn clues(page: &Page, whole: &Whole, today: &str) -> Vec<ClueView> {
    whole
        .clues
        .iter()
        .zip(&whole.clue_evidence)
        .rev()
        .map(|(clue, evidence)| {
            let open = clue.verdict.is_empty();
            let late = open && !clue.reply_by.is_empty() && clue.reply_by.as_str() < today;
            let warning = whole.profile.warnings.iter().find(|warning| warning.id == clue.warning_id);
            let source = page.t(&format!("monitor-origin-{}", clue.source));
            let mut meta = vec![page.t1("monitor-raised", "day", &clue.raised_on)];
            if open && !clue.reply_by.is_empty() {
                meta.push(page.t1("monitor-reply-by", "day", &clue.reply_by));
            }
            if !clue.risk.is_empty() {
                meta.push(clue.risk.clone());
            }
            if !open {
                meta.push(page.t2("monitor-replied-by", "who", &clue.replied_by, "day", &clue.replied_on));
            }
            ClueView {
                id: clue.id,
                title: match warning {
                    Some(warning) => format!("{source} · {}", warning.title.get(page.lang)),
                    None if clue.said.is_empty() => source,
                    None => format!("{source} · {}", clue.said),
                },
                meta: meta.join(" · "),
                evidence: evidence.clone(),
                verdict: page.t(match clue.verdict.as_str() {
                    "" if late => "monitor-verdict-late",
                    "" => "monitor-verdict-open",
                    "confirmed" => "monitor-verdict-confirmed",
                    _ => "monitor-verdict-false_alarm",
                }),
                tone: match clue.verdict.as_str() {
                    "" if late => "danger",
                    "" => "warn",
                    "confirmed" => "info",
                    _ => "mute",
                },
                reply: clue.reply.clone(),
                open,
                event: ids::new_id(),
            }
        })
        .collect()
}

fn conditions(page: &Page, machine: &Machine, whole: &Whole) -> Vec<ConditionView> {
    whole
        .conditions
        .iter()
        .filter_map(|checked| {
            let condition = machine.conditions.iter().find(|condition| condition.id == checked.id)?;
            let answered = whole.progress.answers.get(&checked.id) == Some(&true);
            let (key, tone) = match (checked.by_record(), checked.ask, answered) {
                (false, ..) if checked.forbidden => ("monitor-condition-forbids", "danger"),
                (false, ..) => ("monitor-condition-not", "danger"),
                (true, true, false) => ("monitor-condition-ask", "warn"),
                (true, true, true) => ("monitor-condition-said", "ok"),
                (true, false, _) => ("monitor-condition-holds", "ok"),
            };
            Some(ConditionView {
                title: condition.title.get(page.lang).to_owned(),
                values: checked.values.clone(),
                verdict: page.t(key),
                tone,
                source: condition.source.clone(),
            })
        })
        .collect()
}

fn event_view(page: &Page, whole: &Whole, machine: &Machine, event: &Event) -> EventView {
    let (lang, given) = (page.lang, event.given());
    let warning = |id: &str| {
        let found = whole.profile.warnings.iter().find(|warning| warning.id == id);
        found.map_or_else(|| id.to_owned(), |warning| warning.title.get(lang).to_owned())
    };
    let origin = |given: &Given| match given.warning.as_str() {
        "" => page.t(&format!("monitor-origin-{}", given.origin)),
        id => format!("{} · {}", page.t("monitor-origin-warning"), warning(id)),
    };
    let state = |id: &str| machine.state(id).map_or_else(|| id.to_owned(), |s| s.title.get(lang).to_owned());
    let title = match event.action.as_str() {
        OPEN if event.round > 1 => page.t2("monitor-event-again", "origin", origin(&given), "round", event.round),
        OPEN => page.t1("monitor-event-open", "origin", origin(&given)),
        CLUE => page.t1("monitor-event-clue", "origin", origin(&given)),
        REGISTER => page.t1("monitor-event-register", "state", state(&event.to_state)),
        REPLY => page.t1("monitor-event-reply", "verdict", page.t(&format!("monitor-verdict-{}", given.verdict))),
        REMIND => page.t1("monitor-event-remind", "names", given.names.join(&page.t("list-comma"))),
        LINK => page.t("monitor-event-link"),
        action => {
            let step = machine.transition(action).map_or_else(|| action.to_owned(), |s| s.title.get(lang).to_owned());
            if event.from_state == event.to_state { step } else { format!("{step} → {}", state(&event.to_state)) }
        }
    };
    let mut lines = told(page, whole, machine, &given);
    lines.insert(0, event.note.clone());
    lines.retain(|line| !line.is_empty());
    let time = page.time(&event.at);
    // What is true for another day than it was recorded on shows both.
    let recorded = time.get(..10).unwrap_or_default();
    if recorded != event.day && event.action == REGISTER {
        lines.push(page.t1("monitor-recorded", "day", recorded));
    }
    EventView {
        date: event.day.clone(),
        time: if event.action == REGISTER { String::new() } else { time.get(11..).unwrap_or_default().to_owned() },
        tone: match machine.phase(&event.to_state) {
            Phase::Eliminated if event.from_state != event.to_state => "ok",
            Phase::Ended if event.from_state != event.to_state => "void",
            _ if [CLUE, REPLY, REMIND, LINK, REGISTER].contains(&event.action.as_str()) => "mute",
            _ if machine.transition(&event.action).is_some_and(|s| s.needs("objection")) => "danger",
            _ => "",
        },
        title,
        note: lines.join("\n"),
        by: if event.actor_name.is_empty() { page.t("monitor-system") } else { event.actor_name.clone() },
    }
}

/// What was given with a step, a line each.
fn told(page: &Page, whole: &Whole, machine: &Machine, given: &Given) -> Vec<String> {
    let lang = page.lang;
    let pair = |key: &str, value: &str| format!("{}：{value}", page.t(&format!("monitor-field-{key}")));
    let mut out = Vec::new();
    if let Some(consent) = &given.consent {
        out.push(pair("consent_day", &consent.day));
        if !consent.proxy.is_empty() {
            out.push(page.t2("monitor-by-proxy", "name", &consent.proxy, "relation", &consent.relation));
        }
        out.push(pair("paper", &consent.paper));
    }
    if let Some(visit) = &given.visit {
        out.push(format!("{} · {}", visit.day, visit.who));
        out.push(visit.found.clone());
    }
    if let Some(minutes) = &given.minutes {
        let votes = page.t2("monitor-votes", "present", minutes.present, "agreed", minutes.agreed);
        out.push(format!("{} · {votes} · {}", minutes.day, minutes.paper));
    }
    if let Some(notice) = &given.notice {
        out.push(format!("{} {} — {}", page.t("monitor-notice-period"), notice.from, notice.to));
    }
    if let Some(comparison) = &given.comparison {
        let result = page.t(&format!("monitor-result-{}", comparison.result));
        out.push(format!("{} · {} · {result}", comparison.day, comparison.agencies));
        out.push(comparison.found.clone());
    }
    if !given.kind.is_empty()
        && let Some(policy) = &whole.profile.monitoring
    {
        out.push(format!("{} · {}", policy.type_title(&given.kind, lang), given.risks.join(&page.t("list-comma"))));
    }
    if let Some(told) = &given.told {
        out.push(page.t2("monitor-told", "day", &told.day, "how", &told.how));
    }
    if !given.decrease.is_empty() {
        out.push(page.t(&format!("monitor-decrease-{}", given.decrease)));
    }
    if let Some(measure) = &given.measure {
        let title = whole.profile.measure_title(&measure.measure, lang);
        out.push(format!("{title} · {} · {}", measure.risk, measure.who));
    }
    if !given.ended_on.is_empty() {
        out.push(pair("measure_end_day", &given.ended_on));
    }
    for (id, said, values) in &given.checked {
        let title = machine.conditions.iter().find(|c| c.id == *id).map_or(id.as_str(), |c| c.title.get(lang));
        let said = match (said.as_str(), given.answers.get(id)) {
            ("asked", Some(true)) => page.t("monitor-condition-said"),
            ("asked", _) => page.t("monitor-condition-ask"),
            ("holds", _) => page.t("monitor-condition-holds"),
            _ => page.t("monitor-condition-not"),
        };
        let values = if values.is_empty() { String::new() } else { format!("（{values}）") };
        out.push(format!("{title}：{said}{values}"));
    }
    out
}

/// The form of a step: a field for everything that it needs.
fn form(
    page: &Page,
    whole: &Whole,
    policy: &MonitoringPolicy,
    machine: &Machine,
    step: &MonitoringTransition,
    draft: &Draft,
    today: &str,
) -> FormView {
    let lang = page.lang;
    let mut fields: Vec<FieldView> = Vec::new();
    let field = |name: &str, kind: &'static str, value: &str, required: bool| FieldView {
        id: format!("{}-{name}", step.action),
        name: name.to_owned(),
        label: page.t(&format!("monitor-field-{name}")),
        kind,
        value: draft.get(name).cloned().unwrap_or_else(|| value.to_owned()),
        required,
        hint: String::new(),
        options: Vec::new(),
        least: String::new(),
        most: if kind == "date" { today.to_owned() } else { String::new() },
    };
    let select = |name: &str, options: Vec<(String, String)>, value: &str| {
        let mut out = field(name, "select", value, true);
        let chosen = out.value.clone();
        out.options =
            options.into_iter().map(|(value, label)| Choice { chosen: value == chosen, value, label }).collect();
        out
    };
    let risks: Vec<(String, String)> = {
        let mut all = whole.case.risk_list();
        all.extend(policy.risks.iter().filter(|risk| !whole.case.risk_list().contains(risk)).cloned());
        all.into_iter().map(|risk| (risk.clone(), risk)).collect()
    };
    let mut note = false;
    for need in &step.needs {
        match need.as_str() {
            "consent" => {
                fields.push(field("consent_day", "date", today, true));
                fields.push(field("paper", "text", "", true));
                let mut proxy = field("proxy", "text", "", false);
                proxy.hint = page.t("monitor-hint-proxy");
                fields.push(proxy);
                fields.push(field("relation", "text", "", false));
            }
            "visit" => {
                fields.push(field("visit_day", "date", today, true));
                fields.push(field("visit_who", "text", "", true));
                fields.push(field("visit_found", "textarea", "", true));
            }
            "minutes" => {
                fields.push(field("minutes_day", "date", today, true));
                fields.push(field("present", "number", "", true));
                fields.push(field("agreed", "number", "", true));
                fields.push(field("minutes_paper", "text", "", true));
            }
            "notice" => {
                let last = chrono::NaiveDate::parse_from_str(today, "%Y-%m-%d")
                    .ok()
                    .and_then(|day| day.checked_add_days(chrono::Days::new(machine.notice_days.unsigned_abs())))
                    .map(|day| day.to_string())
                    .unwrap_or_default();
                fields.push(field("notice_from", "date", today, true));
                let mut to = field("notice_to", "date", &last, true);
                to.most = String::new();
                to.hint = page.t1("monitor-hint-notice", "days", machine.notice_days);
                fields.push(to);
            }
            // Recorded by a step of its own; here only where it was not yet.
            "comparison" if step.to.is_none() || !whole.progress.compared => {
                fields.push(field("comparison_day", "date", today, true));
                fields.push(field("agencies", "text", "", true));
                let results = ["clear", "doubt"].map(|r| (r.to_owned(), page.t(&format!("monitor-result-{r}"))));
                fields.push(select("result", results.to_vec(), "clear"));
                fields.push(field("comparison_found", "textarea", "", true));
            }
            "type" => {
                let kinds = policy.types.iter().map(|of| (of.id.clone(), of.title.get(lang).to_owned())).collect();
                let likely = whole.proposed.first().cloned().unwrap_or_default();
                let mut kind = select("kind", kinds, &likely);
                kind.hint = if likely.is_empty() {
                    page.t("monitor-hint-kind-none")
                } else {
                    page.t1("monitor-hint-kind", "kind", policy.type_title(&likely, lang))
                };
                fields.push(kind);
                let first = whole.clues.iter().rev().find(|clue| !clue.risk.is_empty());
                fields.push(select("risk", risks.clone(), first.map_or("", |clue| clue.risk.as_str())));
                let mut more = field("risks", "checks", "", false);
                let given: Vec<&str> = more.value.split(',').collect();
                more.options = risks
                    .iter()
                    .map(|(value, label)| Choice {
                        chosen: given.contains(&value.as_str()),
                        value: value.clone(),
                        label: label.clone(),
                    })
                    .collect();
                fields.push(more);
            }
            "conditions" => {
                for condition in machine.conditions.iter().filter(|condition| condition.ask) {
                    if whole.progress.answers.get(&condition.id) == Some(&true) {
                        continue;
                    }
                    let options = vec![
                        ("no".to_owned(), page.t("monitor-answer-no")),
                        ("yes".to_owned(), page.t("monitor-answer-yes")),
                    ];
                    let mut one = select(&format!("answer_{}", condition.id), options, "no");
                    one.label = condition.title.get(lang).to_owned();
                    fields.push(one);
                }
            }
            "told" => {
                fields.push(field("told_day", "date", today, true));
                fields.push(field("told_how", "text", "", true));
            }
            "decrease" => {
                let options = DECREASES.map(|id| (id.to_owned(), page.t(&format!("monitor-decrease-{id}"))));
                fields.push(select("decrease", options.to_vec(), ""));
            }
            "measure" => {
                let groups =
                    whole.profile.measures.iter().map(|(id, title)| (id.clone(), title.get(lang).to_owned())).collect();
                fields.push(select("measure", groups, ""));
                fields.push(select("measure_risk", risks.clone(), ""));
                fields.push(field("measure_from", "date", today, true));
                let mut to = field("measure_to", "date", "", false);
                to.most = String::new();
                fields.push(to);
                fields.push(field("amount", "number", "", false));
                fields.push(field("measure_who", "text", "", true));
                note = true;
            }
            "measure_end" => {
                let running = whole.measures.iter().filter(|measure| measure.ended_on.is_empty());
                let options = running
                    .map(|m| {
                        (m.id.to_string(), format!("{} · {}", whole.profile.measure_title(&m.measure, lang), m.risk))
                    })
                    .collect();
                fields.push(select("ended", options, ""));
                fields.push(field("ended_on", "date", today, true));
            }
            _ => {}
        }
    }
    let needs_words = step.needs("reason") || step.needs("objection");
    if needs_words || note {
        let mut words = field("note", "textarea", "", needs_words);
        if needs_words {
            words.label =
                page.t(if step.needs("objection") { "monitor-field-objection" } else { "monitor-field-reason" });
            words.least = REASON_CHARS.to_string();
        }
        fields.push(words);
    }
    FormView {
        action: step.action.clone(),
        label: step.title.get(lang).to_owned(),
        hint: if step.needs("notice_over") && !whole.case.notice_to.is_empty() {
            page.t1("monitor-hint-notice-over", "to", &whole.case.notice_to)
        } else {
            String::new()
        },
        event: ids::new_id(),
        fields,
        style: if step.needs("objection") || step.needs("told") || step.needs("decrease") {
            "btn-danger"
        } else {
            "btn-primary"
        },
    }
}

/// What a form brings, by the fields that were sent.
fn given(fields: &BTreeMap<String, Vec<String>>) -> Given {
    let one = |name: &str| fields.get(name).and_then(|all| all.first()).map(|text| text.trim().to_owned());
    let text = |name: &str| one(name).unwrap_or_default();
    let number = |name: &str| text(name).parse::<i64>().unwrap_or(-1);
    let has = |name: &str| fields.contains_key(name);
    let mut risks: Vec<String> = one("risk").filter(|risk| !risk.is_empty()).into_iter().collect();
    for risk in fields.get("risks").into_iter().flatten() {
        if !risk.is_empty() && !risks.contains(risk) {
            risks.push(risk.clone());
        }
    }
    Given {
        consent: has("consent_day").then(|| Consent {
            day: text("consent_day"),
            proxy: text("proxy"),
            relation: text("relation"),
            paper: text("paper"),
        }),
        visit: has("visit_day").then(|| Visit {
            day: text("visit_day"),
            who: text("visit_who"),
            found: text("visit_found"),
        }),
        minutes: has("minutes_day").then(|| Minutes {
            day: text("minutes_day"),
            present: number("present"),
            agreed: number("agreed"),
            paper: text("minutes_paper"),
        }),
        notice: has("notice_from").then(|| Notice { from: text("notice_from"), to: text("notice_to") }),
        comparison: has("comparison_day").then(|| Comparison {
            day: text("comparison_day"),
            agencies: text("agencies"),
            result: text("result"),
            found: text("comparison_found"),
        }),
        kind: text("kind"),
        risks,
        answers: fields
            .iter()
            .filter_map(|(name, all)| {
                let id = name.strip_prefix("answer_")?;
                Some((id.to_owned(), all.first().is_some_and(|said| said == "yes")))
            })
            .collect(),
        told: has("told_day").then(|| Told { day: text("told_day"), how: text("told_how") }),
        decrease: text("decrease"),
        measure: has("measure").then(|| NewMeasure {
            measure: text("measure"),
            risk: text("measure_risk"),
            from: text("measure_from"),
            to: text("measure_to"),
            amount: one("amount").filter(|t| !t.is_empty()).map(|t| t.parse().unwrap_or(f64::NAN)),
            who: text("measure_who"),
        }),
        ended: one("ended").and_then(|id| id.parse().ok()),
        ended_on: text("ended_on"),
        ..Given::default()
    }
}

pub(super) async fn act(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in sent {
        fields.entry(name).or_default().push(value);
    }
    let one = |name: &str| fields.get(name).and_then(|all| all.first()).cloned().unwrap_or_default();
    let action = one("action");
    let step = Step {
        event_id: one("event").parse().unwrap_or_else(|_| ids::new_id()),
        version: one("version").parse().unwrap_or(0),
        action: action.clone(),
        note: one("note"),
        given: given(&fields),
    };
    let outcome = monitor::act(&ctx.app, &ctx.actor, id, step).await.map(|_| ());
    let draft = fields.into_iter().map(|(name, all)| (name, all.join(","))).collect();
    answer(&ctx, id, outcome, "monitor-done", Some((&action, &draft))).await
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct ReplyForm {
    event: Uuid,
    version: i64,
    clue: Uuid,
    #[serde(default)]
    verdict: String,
    #[serde(default)]
    note: String,
}

pub(super) async fn reply(ctx: Ctx, Path(id): Path<Uuid>, Form(sent): Form<ReplyForm>) -> Result<Response, WebError> {
    let outcome =
        monitor::reply(&ctx.app, &ctx.actor, (id, sent.clue), (sent.version, sent.event), (&sent.verdict, &sent.note))
            .await
            .map(|_| ());
    answer(&ctx, id, outcome, "monitor-replied", None).await
}

/// Back to the case with what was done, or the case as it is now with why it was not.
async fn answer(
    ctx: &Ctx,
    id: Uuid,
    outcome: Result<(), MonitorError>,
    done: &str,
    draft: Option<(&str, &Draft)>,
) -> Result<Response, WebError> {
    match outcome {
        Ok(()) => {
            if let Err(error) = crate::road::register_changed(&ctx.app, &ctx.actor).await {
                // The case stands; the next assessment makes up for it.
                tracing::warn!(%error, "the rules over cases wait for the next assessment");
            }
            Ok(ctx.redirect_with(&format!("/monitor/{id}"), "ok", done))
        }
        Err(error @ (MonitorError::NotFound | MonitorError::Db(_))) => Err(error.into()),
        Err(error) => {
            let message = error.message(ctx.lang);
            let status = WebError::from(error).status();
            let mut response = page_of(ctx, id, message, draft).await?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}
