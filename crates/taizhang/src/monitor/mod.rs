//! Monitoring against a return to poverty (防返贫监测): from the clue to the decision, through help to the elimination of
//! the risk.
//!
//! A household has one case, for ever, in rounds. Which states there are, who may take which step, what it needs and by
//! when is data of the policy profile; [`flow`] holds every step against it. Each step is an event, with its audit
//! entry, in one transaction. The register's own record of monitoring stays what the files say: a case never writes it,
//! and a file never moves a case that has one.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::NaiveDate;
use uuid::Uuid;

mod board;
mod board_store;
mod clue_store;
mod clues;
mod error;
pub mod flow;
pub mod model;
mod notice;
pub mod pages;
mod store;
mod take_over;
mod warn;

pub(crate) use board::is_late as board_is_late;
pub use board::{
    Month, Overdue, Reminder, counts, differing, list, month, overdue, remind, sub_divisions, villages_with_notice,
};
pub use clue_store::ClueLine;
pub use clues::{NewClue, apply, reply};
pub use error::{MonitorError, Refusal, Said};
pub use notice::{Edition, NoticeList, notice, notice_xlsx};
pub use take_over::{follow_register, take_over};
pub use warn::{Push, WarnAsked, households_warned, last_push, push_due, warn, warning_clues, warning_counts};

use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability, Scope};
use crate::assess::profile::monitoring::{Machine, MonitoringPolicy, MonitoringTransition};
use crate::assess::{self, Profile, ask};
use crate::platform::{App, DbError, Lang, Tx};
use crate::register;
use flow::{Around, Progress, Who, judge};
use model::{Case, Checked, Clue, Done, Event, Given, Measure, Step};

/// What every operation on cases goes by.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    profile: Arc<Profile>,
    day: NaiveDate,
    now: i64,
    /// Whether rules of the profile in force read cases.
    read_by_rules: bool,
}

impl Desk {
    async fn open(app: &App) -> Result<Self, MonitorError> {
        let day = app.clock.today();
        let (profile, read_by_rules) = ask::monitoring_profile(app, day).await?;
        Ok(Self { profile, day, now: app.clock.now_ms(), read_by_rules })
    }

    fn policy(&self) -> Result<(&MonitoringPolicy, &Machine), MonitorError> {
        let policy = self.profile.monitoring.as_ref();
        let machine = policy.and_then(|policy| policy.machine.as_ref());
        policy.zip(machine).ok_or_else(|| Refusal::missing("monitor.no_policy").into())
    }

    fn name(&self) -> String {
        format!("{} v{}", self.profile.key, self.profile.version)
    }

    fn today(&self) -> String {
        self.day.to_string()
    }
}

/// The policy profile whose monitoring is in force today.
///
/// # Errors
/// The stored profile is faulty or the database fails.
pub async fn policy(app: &App) -> Result<Arc<Profile>, MonitorError> {
    Ok(ask::monitoring_profile(app, app.clock.today()).await?.0)
}

/// Whether somebody may see a case: everybody of its scope, but a helper only those of households that they help.
fn visible(case: &Case, own: Option<&HashSet<Uuid>>) -> bool {
    own.is_none_or(|own| case.household_id.is_some_and(|id| own.contains(&id)))
}

fn need(actor: &Actor, capability: Capability) -> Result<(), MonitorError> {
    if actor.may(capability) { Ok(()) } else { Err(Refusal::forbidden("monitor.forbidden", Vec::new()).into()) }
}

/// Takes one step of a case. The same step (by its event id) twice is done once.
///
/// # Errors
/// See [`MonitorError`]; nothing was changed then.
pub async fn act(app: &App, actor: &Actor, id: Uuid, step: Step) -> Result<Done, MonitorError> {
    need(actor, Capability::ViewItems)?;
    let desk = Desk::open(app).await?;
    let own = register::own_households(app, actor).await?;
    let tiers = ask::tiers(&app.db).await?;
    let actor = actor.clone();
    app.db
        .write::<_, MonitorError, _>(move |tx| {
            Box::pin(async move {
                let case = store::case_in(tx, &actor.scope, id).await?.ok_or(MonitorError::NotFound)?;
                if !visible(&case, own.as_ref()) {
                    return Err(MonitorError::NotFound);
                }
                // Held from here on, and read again: what follows is judged on what nobody else can change meanwhile.
                store::hold(tx, id).await?;
                let case = store::case_in(tx, &actor.scope, id).await?.ok_or(MonitorError::NotFound)?;
                let payload = step.payload(actor.user_id);
                if repeated(tx, &case, step.event_id, &payload).await? {
                    return Ok(Done { state: case.state, version: case.version, repeated: true });
                }
                if case.version != step.version {
                    return Err(stale(tx, &case).await?);
                }
                act_in(tx, &desk, &actor, case, step, &payload, &tiers).await
            })
        })
        .await
}

async fn act_in(
    tx: &mut Tx,
    desk: &Desk,
    actor: &Actor,
    case: Case,
    mut step: Step,
    payload: &str,
    tiers: &assess::rules::TierMap,
) -> Result<Done, MonitorError> {
    let (_, machine) = desk.policy()?;
    let progress = Progress::of(machine, &store::events_in(tx, case.id).await?);
    let wanted = machine.transition(&step.action);
    let mut conditions = None;
    if wanted.is_some_and(|wanted| wanted.needs("conditions"))
        && let Some(household) = case.household_id
    {
        conditions = checked_in(tx, desk, household, tiers, actor.lang).await?;
    }
    let clues = clue_store::verdicts(tx, case.id, case.round).await?;
    let who = Who { role: actor.role, is_machine: actor.is_machine };
    let around = Around { conditions: conditions.as_deref(), clues };
    let to = judge(&desk.profile, &progress, who, &step, desk.day, &around)?;
    if let Some(all) = conditions {
        step.given.checked = all.iter().map(snapshot).collect();
    }
    if let Some(ended) = step.given.ended
        && wanted.is_some_and(|wanted| wanted.needs("measure_end"))
        && !store::end_measure(tx, case.id, ended, &step.given.ended_on).await?
    {
        return Err(Refusal::conflict("monitor.measure_ended", Vec::new()).into());
    }
    let measure = step.given.measure.clone().filter(|_| wanted.is_some_and(|wanted| wanted.needs("measure")));
    let moved = Moved {
        action: &step.action,
        to: &to,
        given: step.given,
        note: step.note.trim(),
        event: step.event_id,
        payload,
    };
    let case = go(tx, desk, actor, case, progress, moved).await?;
    if let Some(measure) = measure {
        store::insert_measure(tx, step.event_id, &case, &measure, step.note.trim(), desk.now).await?;
    }
    Ok(Done { state: case.state, version: case.version, repeated: false })
}

/// What a condition said, as the event keeps it.
fn snapshot(checked: &Checked) -> (String, String, String) {
    let said = match (checked.forbidden, checked.holds) {
        (true, _) => "forbidden",
        (_, Some(true)) => "holds",
        (_, Some(false)) => "not",
        (_, None) => "asked",
    };
    let values: Vec<String> = checked.values.iter().map(|(name, value)| format!("{name} {value}")).collect();
    (checked.id.clone(), said.to_owned(), values.join("; "))
}

/// An event to come, that was judged.
pub(crate) struct Moved<'a> {
    action: &'a str,
    to: &'a str,
    given: Given,
    note: &'a str,
    event: Uuid,
    payload: &'a str,
}

/// Writes an event, the case as it leaves it, and the audit entry.
async fn go(
    tx: &mut Tx,
    desk: &Desk,
    actor: &Actor,
    mut case: Case,
    mut progress: Progress,
    mut moved: Moved<'_>,
) -> Result<Case, MonitorError> {
    let (policy, machine) = desk.policy()?;
    let (from, seen, today) = (case.state.clone(), case.version, desk.today());
    progress.follow(machine, moved.action, moved.to, &today, &moved.given);
    moved.given.no_calendar = settle(&mut case, &progress, policy, machine);
    case.profile = desk.name();
    if !store::update(tx, &case, seen, desk.now).await? {
        return Err(stale(tx, &case).await?);
    }
    case.version += 1;
    let event = store::NewEvent {
        id: moved.event,
        at: desk.now,
        day: &today,
        actor_id: actor.user_id,
        actor_name: if actor.is_machine { "" } else { &actor.name },
        action: moved.action,
        from: &from,
        entered: flow::entered(machine, &from, &case.state),
        note: moved.note,
        given: &moved.given,
        payload: moved.payload,
    };
    store::append(tx, &case, event).await?;
    if let Some(household) = case.household_id.filter(|_| desk.read_by_rules) {
        ask::mark_due(tx, household, desk.now).await?;
    }
    let entry = Entry {
        action: "monitor.step",
        object_kind: "monitor_case",
        object_id: case.id.to_string(),
        division_code: &case.division_code,
        reason: moved.note,
        detail: serde_json::json!({
            "number": case.number, "event": moved.event, "step": moved.action, "from": from, "to": case.state,
            "round": case.round,
        }),
    };
    audit::record(tx, actor, entry, desk.now).await?;
    Ok(case)
}

/// Brings the row of a case in line with what has happened to it; the year whose calendar is missing for its deadline.
fn settle(case: &mut Case, progress: &Progress, policy: &MonitoringPolicy, machine: &Machine) -> Option<i32> {
    let (deadline, decide_by, missing) = progress.deadlines(policy, machine, &case.division_code);
    case.state.clone_from(&progress.state);
    case.phase = machine.phase(&progress.state).name().to_owned();
    case.round = progress.round;
    case.kind.clone_from(&progress.kind);
    case.main_risk = progress.risks.first().cloned().unwrap_or_default();
    case.risks = serde_json::json!(progress.risks).to_string();
    case.green = progress.green;
    case.opened_on.clone_from(&progress.opened);
    case.state_since.clone_from(&progress.since);
    case.marked_on.clone_from(&progress.marked);
    case.eliminated_on.clone_from(&progress.eliminated);
    case.notice_from = progress.notice.as_ref().map(|notice| notice.from.clone()).unwrap_or_default();
    case.notice_to = progress.notice.as_ref().map(|notice| notice.to.clone()).unwrap_or_default();
    case.deadline = deadline;
    case.decide_by = decide_by;
    missing
}

async fn stale(tx: &mut Tx, case: &Case) -> Result<MonitorError, DbError> {
    let (who, at) = store::last_change(tx, case.id).await?.unwrap_or_default();
    Ok(MonitorError::Stale { number: case.number.clone(), who, at })
}

/// Whether an event was recorded before with the same payload; with another one, the form was used for other words.
async fn repeated(tx: &mut Tx, case: &Case, event: Uuid, payload: &str) -> Result<bool, MonitorError> {
    match store::event_known(tx, event).await? {
        None => Ok(false),
        Some(known) if known.case_id == case.id && known.payload == payload => Ok(true),
        Some(known) => Err(MonitorError::Resent { number: case.number.clone(), who: known.actor_name, at: known.at }),
    }
}

/// The conditions of elimination asked for a household today; none where it is not in the register.
async fn checked_in(
    tx: &mut Tx,
    desk: &Desk,
    household: Uuid,
    tiers: &assess::rules::TierMap,
    lang: Lang,
) -> Result<Option<Vec<Checked>>, MonitorError> {
    let (_, machine) = desk.policy()?;
    let views = ask::views(tx, &[household], &desk.profile, desk.day).await?;
    let Some(view) = views.first() else {
        return Ok(None);
    };
    let holds = |test: &assess::profile::Expression| ask::why(test, view, tiers, desk.day).is_some();
    let all = machine.conditions.iter().map(|condition| {
        let tests = condition.when.iter().chain(&condition.forbid);
        let mut values = Vec::new();
        for value in tests.flat_map(|test| ask::read_in_words(&desk.profile, test, view, lang)) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        Checked {
            id: condition.id.clone(),
            forbidden: condition.forbid.as_ref().is_some_and(holds),
            holds: condition.when.as_ref().map(holds),
            ask: condition.ask,
            values,
        }
    });
    Ok(Some(all.collect()))
}

/// Everything about one case.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The case.
    pub case: Case,
    /// Where it lies.
    pub place: String,
    /// What has happened, the first first.
    pub events: Vec<Event>,
    /// What that comes to.
    pub progress: Progress,
    /// Clues of every round.
    pub clues: Vec<Clue>,
    /// What each clue rests on, in words.
    pub clue_evidence: Vec<Vec<String>>,
    /// Measures of every round.
    pub measures: Vec<Measure>,
    /// Steps that the reader may take now, by their ids.
    pub possible: Vec<MonitoringTransition>,
    /// The conditions of elimination today, while the household is monitored.
    pub conditions: Vec<Checked>,
    /// Types that the profile proposes.
    pub proposed: Vec<String>,
    /// What the register says otherwise: text keys with what the register and the case say.
    pub differences: Vec<(&'static str, String, String)>,
    /// The applicant's number and phone, masked; empty where the household is in the register.
    pub applicant: Option<(String, String)>,
    /// The profile that it is judged by.
    pub profile: Arc<Profile>,
}

/// One case with everything about it.
///
/// # Errors
/// There is none of that id for this actor, or the database fails.
pub async fn whole(app: &App, actor: &Actor, id: Uuid, lang: Lang) -> Result<Whole, MonitorError> {
    need(actor, Capability::ViewItems)?;
    let case = store::case(&app.db, &actor.scope, id).await?.ok_or(MonitorError::NotFound)?;
    let own = register::own_households(app, actor).await?;
    if !visible(&case, own.as_ref()) {
        return Err(MonitorError::NotFound);
    }
    let desk = Desk::open(app).await?;
    let (policy, machine) = desk.policy()?;
    let events = store::events(&app.db, id).await?;
    let progress = Progress::of(machine, &events);
    let who = Who { role: actor.role, is_machine: actor.is_machine };
    let possible = flow::possible(machine, &progress, who).into_iter().cloned().collect();
    let clues = clue_store::of_case(&app.db, id).await?;
    let mut clue_evidence = Vec::new();
    for clue in &clues {
        clue_evidence.push(assess::evidence_in_words(app, &actor.scope, &desk.profile, &clue.evidence, lang).await?);
    }
    let (mut conditions, mut proposed, mut differences) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(household) = case.household_id {
        let tiers = ask::tiers(&app.db).await?;
        let again = desk.clone();
        (conditions, proposed) = app
            .db
            .write::<_, MonitorError, _>(move |tx| {
                Box::pin(async move {
                    let all = checked_in(tx, &again, household, &tiers, lang).await?.unwrap_or_default();
                    let views = ask::views(tx, &[household], &again.profile, again.day).await?;
                    let (policy, _) = again.policy()?;
                    let fits = |test: &assess::profile::Expression| {
                        views.first().is_some_and(|view| ask::why(test, view, &tiers, again.day).is_some())
                    };
                    let types = policy.types.iter().filter(|of| of.when.as_ref().is_some_and(fits));
                    Ok((all, types.map(|of| of.id.clone()).collect()))
                })
            })
            .await?;
        if !case.phase().is_monitored() {
            conditions.clear();
        }
        if let Some(said) = store::registered(&app.db, household).await? {
            differences = take_over::differences(&said, &case, policy, lang);
        }
    }
    let place = register::division(app, &case.division_code).await?;
    let applicant = match case.household_id {
        Some(_) => None,
        None => clues::applicant(app, id).await?,
    };
    Ok(Whole {
        place: place.map_or_else(|| case.division_code.clone(), |division| division.full_name),
        measures: store::measures(&app.db, id).await?,
        profile: Arc::clone(&desk.profile),
        case,
        events,
        progress,
        clues,
        clue_evidence,
        possible,
        conditions,
        proposed,
        differences,
        applicant,
    })
}

/// The case of a household, if it has one.
///
/// # Errors
/// The database fails.
pub async fn case_of_household(app: &App, actor: &Actor, household: Uuid) -> Result<Option<Case>, MonitorError> {
    need(actor, Capability::ViewItems)?;
    let own = register::own_households(app, actor).await?;
    let found = store::case_of_household(&app.db, &actor.scope, household).await?;
    Ok(found.filter(|case| visible(case, own.as_ref())))
}

/// Cases, states and events held against one another: every case whose row is not what its events come to.
///
/// # Errors
/// The profile is faulty or the database fails.
pub async fn prove(app: &App, scope: &Scope) -> Result<Vec<String>, MonitorError> {
    let desk = Desk::open(app).await?;
    let (policy, machine) = desk.policy()?;
    let mut faults = Vec::new();
    let filter = model::Filter { page: 1, per_page: i64::MAX, ..model::Filter::default() };
    for line in board_store::list(&app.db, scope, &filter, &desk.today()).await?.0 {
        let Some(case) = store::case(&app.db, scope, line.id).await? else {
            continue;
        };
        let progress = Progress::of(machine, &store::events(&app.db, line.id).await?);
        let mut told = case.clone();
        settle(&mut told, &progress, policy, machine);
        if told != case {
            faults.push(case.number);
        }
    }
    Ok(faults)
}
