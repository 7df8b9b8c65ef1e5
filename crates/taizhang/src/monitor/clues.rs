//! Clues: a household applies, a cadre finds something out, an agency warns; and what the village answers.

use chrono::NaiveDate;
use uuid::Uuid;

use super::error::{MonitorError, Refusal, Said};
use super::flow::{Around, Progress, Who, judge};
use super::model::{CLUE, Case, Clue, Done, Given, NOTE_MOST, OPEN, Origin, REASON_CHARS, REPLY, Step, hash, who};
use super::store::{Found, Sealed};
use super::{Desk, Moved, clue_store, go, need, repeated, stale, store, visible};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability};
use crate::assess::profile::monitoring::{Phase, Span};
use crate::platform::{App, Tx, ids};
use crate::register;

/// What a household, or a cadre for it, says (一码申报 asks for six things).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewClue {
    /// Made by whoever asks: the same twice is done once.
    pub event_id: Uuid,
    /// Found by a cadre's visit, and not said by the household itself.
    pub by_visit: bool,
    /// Head of the household (户主姓名).
    pub head_name: String,
    /// Phone (手机).
    pub phone: String,
    /// ID number of the head (身份证号).
    pub id_number: String,
    /// What is difficult (困难情况).
    pub said: String,
    /// Village (地区).
    pub division: String,
    /// Risk (风险类型).
    pub risk: String,
    /// The registered household, where it was chosen there.
    pub household: Option<Uuid>,
}

/// Whom a clue is about.
pub(super) struct Subject {
    pub(super) key: String,
    pub(super) household: Option<Uuid>,
    pub(super) division: String,
    pub(super) head: String,
    pub(super) sealed: Sealed,
}

impl Subject {
    pub(super) fn of(found: Found) -> Self {
        Self {
            key: format!("h:{}", found.id),
            household: Some(found.id),
            division: found.division_code,
            head: found.head_name,
            sealed: Sealed::default(),
        }
    }
}

/// A clue to be raised.
pub(super) struct Raise<'a> {
    pub(super) key: String,
    pub(super) event: Uuid,
    pub(super) payload: &'a str,
    pub(super) origin: Origin,
    pub(super) warning: &'a str,
    pub(super) risk: &'a str,
    pub(super) said: &'a str,
    pub(super) evidence: String,
    pub(super) reply: Span,
}

fn due(span: Span, day: NaiveDate) -> String {
    span.after(day).map(|day| day.to_string()).unwrap_or_default()
}

/// Raises a clue: a new case, a new round of one that had ended, or one more clue of an open case. None where the same
/// clue was raised before.
pub(super) async fn raise(
    tx: &mut Tx,
    desk: &Desk,
    actor: &Actor,
    subject: &Subject,
    clue: &Raise<'_>,
) -> Result<Option<Case>, MonitorError> {
    if clue_store::known(tx, &clue.key).await?.is_some() {
        return Ok(None);
    }
    let (_, machine) = desk.policy()?;
    let (today, county) = (desk.today(), subject.division.get(..6).unwrap_or(&subject.division));
    let mut found = store::case_of_key(tx, &subject.key).await?;
    if found.is_none() {
        let year = i64::from(chrono::Datelike::year(&desk.day));
        let number = store::take_numbers(tx, county, year, 1).await?;
        let new = Case {
            id: ids::new_id(),
            number: format!("监测户-{county}-{year}-{number:04}"),
            household_id: subject.household,
            division_code: subject.division.clone(),
            head_name: subject.head.clone(),
            origin: clue.origin.name().to_owned(),
            state: String::new(),
            phase: Phase::Ended.name().to_owned(),
            round: 0,
            kind: String::new(),
            main_risk: String::new(),
            risks: "[]".to_owned(),
            green: false,
            opened_on: String::new(),
            state_since: String::new(),
            decide_by: String::new(),
            deadline: String::new(),
            marked_on: String::new(),
            eliminated_on: String::new(),
            notice_from: String::new(),
            notice_to: String::new(),
            profile: desk.name(),
            version: 1,
            updated_at: desk.now,
        };
        store::insert(tx, &new, &subject.key, &subject.sealed, desk.now).await?;
        // Where somebody else was first, theirs is the case.
        found = store::case_of_key(tx, &subject.key).await?;
    }
    let case = found.ok_or(MonitorError::NotFound)?;
    store::hold(tx, case.id).await?;
    let case = store::case_of_key(tx, &subject.key).await?.ok_or(MonitorError::NotFound)?;
    let progress = Progress::of(machine, &store::events_in(tx, case.id).await?);
    let is_open = machine.phase(&case.state).is_open();
    let given = Given { origin: clue.origin.name().to_owned(), warning: clue.warning.to_owned(), ..Given::default() };
    let to = if is_open { case.state.clone() } else { machine.start.clone() };
    let moved = Moved {
        action: if is_open { CLUE } else { OPEN },
        to: &to,
        given,
        note: clue.said,
        event: clue.event,
        payload: clue.payload,
    };
    let case = go(tx, desk, actor, case, progress, moved).await?;
    let row = Clue {
        id: ids::new_id(),
        case_id: case.id,
        division_code: case.division_code.clone(),
        round: case.round,
        source: clue.origin.name().to_owned(),
        warning_id: clue.warning.to_owned(),
        risk: clue.risk.to_owned(),
        said: clue.said.to_owned(),
        evidence: clue.evidence.clone(),
        raised_on: today,
        reply_by: due(clue.reply, desk.day),
        verdict: String::new(),
        replied_on: String::new(),
        replied_by: String::new(),
        reply: String::new(),
    };
    clue_store::insert(tx, &clue.key, &row, case.household_id).await?;
    Ok(Some(case))
}

fn field(name: &str) -> MonitorError {
    Refusal::invalid("monitor.field", vec![("field", Said::Key(format!("monitor-field-{name}")))]).into()
}

/// Takes an application, or what a visit found. A household that has an open case gets one more clue there.
///
/// # Errors
/// The actor may not, something is missing or no number, the place is not theirs, or the database fails.
pub async fn apply(app: &App, actor: &Actor, new: NewClue) -> Result<Case, MonitorError> {
    need(actor, Capability::WorkItems)?;
    let desk = Desk::open(app).await?;
    let own = register::own_households(app, actor).await?;
    let said = new.said.trim().to_owned();
    if said.chars().count() < REASON_CHARS || said.chars().count() > NOTE_MOST {
        return Err(field("said"));
    }
    let (policy, _) = desk.policy()?;
    if !policy.risks.is_empty() && !policy.risks.contains(&new.risk) {
        return Err(Refusal::invalid("monitor.risk", Vec::new()).into());
    }
    // The visit of a clue that people brought is due as the step itself.
    let reply =
        policy.step("visit").and_then(|step| step.span(&new.division)).unwrap_or(Span { days: 3, working: false });
    let mut number = None;
    let mut sealed = Sealed::default();
    let mut phone_index = None;
    if new.household.is_none() {
        if new.head_name.trim().is_empty() {
            return Err(field("head_name"));
        }
        let id = codes::citizen_id::read(&new.id_number).map_err(|_| field("id_number"))?;
        let phone = codes::phone::read(&new.phone).map_err(|_| field("phone"))?;
        let index = app.vault.index("citizen_id", id.id.as_str());
        phone_index = Some(app.vault.index("phone", phone.digits()));
        sealed.id_enc = Some(app.vault.seal("monitor_case.id", id.id.as_str().as_bytes())?);
        sealed.id_index = Some(index);
        sealed.phone_enc = Some(app.vault.seal("monitor_case.phone", phone.digits().as_bytes())?);
        number = Some(index);
    }
    let actor = actor.clone();
    app.db
        .write::<_, MonitorError, _>(move |tx| {
            Box::pin(async move {
                let subject = match subject(tx, &actor, &new, number, phone_index, sealed).await? {
                    Some(subject) => subject,
                    None => return Err(Refusal::missing("monitor.place").into()),
                };
                if own.as_ref().is_some_and(|own| subject.household.is_none_or(|id| !own.contains(&id))) {
                    return Err(MonitorError::NotFound);
                }
                let payload = hash(&[&subject.key, &said, &new.risk, &who(actor.user_id)]);
                let origin = if new.by_visit { Origin::Visit } else { Origin::Application };
                let key = format!("e:{}", new.event_id);
                if let Some((known,)) = clue_store::known(tx, &key).await? {
                    let case = store::case_in(tx, &actor.scope, known).await?.ok_or(MonitorError::NotFound)?;
                    repeated(tx, &case, new.event_id, &payload).await?;
                    return Ok(case);
                }
                let clue = Raise {
                    key,
                    event: new.event_id,
                    payload: &payload,
                    origin,
                    warning: "",
                    risk: &new.risk,
                    said: &said,
                    evidence: "[]".to_owned(),
                    reply,
                };
                raise(tx, &desk, &actor, &subject, &clue).await?.ok_or(MonitorError::NotFound)
            })
        })
        .await
}

/// Whom an application is about: a registered household, by choice, number, or phone and name; else the applicant. None
/// where that place is not the actor's.
async fn subject(
    tx: &mut Tx,
    actor: &Actor,
    new: &NewClue,
    number: Option<i64>,
    phone: Option<i64>,
    sealed: Sealed,
) -> Result<Option<Subject>, MonitorError> {
    let mut found = match (new.household, number) {
        (Some(id), _) => store::households(tx, &[id]).await?,
        (None, Some(index)) => store::households_by_id(tx, index).await?,
        (None, None) => Vec::new(),
    };
    if let (true, Some(index)) = (found.is_empty(), phone) {
        found = store::households_by_phone(tx, index, new.head_name.trim()).await?;
    }
    found.retain(|household| actor.scope.contains(&household.division_code));
    // Two households of one number are a matter of the register, not of the applicant.
    if found.len() == 1
        && let Some(one) = found.pop()
    {
        return Ok(Some(Subject::of(one)));
    }
    let division = new.division.trim();
    let village = division.len() >= 12 && actor.scope.contains(division);
    if new.household.is_some() || !village || !store::division_known(tx, division).await? {
        return Ok(None);
    }
    let Some(index) = number else {
        return Ok(None);
    };
    Ok(Some(Subject {
        key: format!("i:{index}"),
        household: None,
        division: division.to_owned(),
        head: new.head_name.trim().to_owned(),
        sealed,
    }))
}

/// Answers a clue after a look on site: `confirmed` or `false_alarm`. Where every clue of a case that is still a clue
/// has proved wrong, the case is cleared with it.
///
/// # Errors
/// There is no such clue for this actor, it was answered, the words are missing, somebody was first, or the database
/// fails.
pub async fn reply(
    app: &App,
    actor: &Actor,
    (case, clue): (Uuid, Uuid),
    (version, event): (i64, Uuid),
    (verdict, note): (&str, &str),
) -> Result<Done, MonitorError> {
    need(actor, Capability::WorkItems)?;
    if !["confirmed", "false_alarm"].contains(&verdict) {
        return Err(field("verdict"));
    }
    let note = note.trim().to_owned();
    if note.chars().count() < REASON_CHARS {
        return Err(Refusal::invalid("monitor.reason", vec![("least", Said::Text(REASON_CHARS.to_string()))]).into());
    }
    if note.chars().count() > NOTE_MOST {
        return Err(Refusal::invalid("monitor.note_long", vec![("most", Said::Text(NOTE_MOST.to_string()))]).into());
    }
    let desk = Desk::open(app).await?;
    let own = register::own_households(app, actor).await?;
    let (actor, verdict) = (actor.clone(), verdict.to_owned());
    app.db
        .write::<_, MonitorError, _>(move |tx| {
            Box::pin(async move {
                let row = store::case_in(tx, &actor.scope, case).await?.ok_or(MonitorError::NotFound)?;
                if !visible(&row, own.as_ref()) {
                    return Err(MonitorError::NotFound);
                }
                store::hold(tx, case).await?;
                let row = store::case_in(tx, &actor.scope, case).await?.ok_or(MonitorError::NotFound)?;
                let payload = hash(&[&clue.to_string(), &verdict, &note, &who(actor.user_id)]);
                if repeated(tx, &row, event, &payload).await? {
                    return Ok(Done { state: row.state, version: row.version, repeated: true });
                }
                if row.version != version {
                    return Err(stale(tx, &row).await?);
                }
                let found = clue_store::one(tx, case, clue).await?.ok_or(MonitorError::NotFound)?;
                if !found.verdict.is_empty() {
                    let args = vec![("who", Said::Text(found.replied_by)), ("day", Said::Text(found.replied_on))];
                    return Err(Refusal::conflict("monitor.replied", args).into());
                }
                let today = desk.today();
                clue_store::answer(tx, clue, (&verdict, &note), (&today, &actor.name)).await?;
                let (_, machine) = desk.policy()?;
                let progress = Progress::of(machine, &store::events_in(tx, case).await?);
                let given = Given { clue: Some(clue), verdict: verdict.clone(), ..Given::default() };
                let state = row.state.clone();
                let moved = Moved { action: REPLY, to: &state, given, note: &note, event, payload: &payload };
                let row = go(tx, &desk, &actor, row, progress, moved).await?;
                let row = clear(tx, &desk, &actor, row, &note).await?;
                Ok(Done { state: row.state, version: row.version, repeated: false })
            })
        })
        .await
}

/// Clears a case that rests on clues alone, all of which have proved wrong, where the one who answered may.
async fn clear(tx: &mut Tx, desk: &Desk, actor: &Actor, case: Case, note: &str) -> Result<Case, MonitorError> {
    let (_, machine) = desk.policy()?;
    let step = machine.transitions.iter().find(|step| step.needs == ["false_alarm"] && step.from.contains(&case.state));
    let Some(action) = step.map(|step| step.action.clone()) else {
        return Ok(case);
    };
    let progress = Progress::of(machine, &store::events_in(tx, case.id).await?);
    let step =
        Step { event_id: ids::new_id(), version: case.version, action, note: note.to_owned(), given: Given::default() };
    let clues = clue_store::verdicts(tx, case.id, case.round).await?;
    let who = Who { role: actor.role, is_machine: actor.is_machine };
    match judge(&desk.profile, &progress, who, &step, desk.day, &Around { conditions: None, clues }) {
        // A clue is still open, or one proved right: the case stays.
        Err(_) => Ok(case),
        Ok(to) => {
            let payload = step.payload(actor.user_id);
            let moved = Moved {
                action: &step.action,
                to: &to,
                given: step.given.clone(),
                note: &step.note,
                event: step.event_id,
                payload: &payload,
            };
            go(tx, desk, actor, case, progress, moved).await
        }
    }
}

/// The number and phone of an applicant who is not in the register, masked.
pub(super) async fn applicant(app: &App, case: Uuid) -> Result<Option<(String, String)>, MonitorError> {
    let Some((id, phone)) = store::sealed(&app.db, case).await? else {
        return Ok(None);
    };
    let open = |place: &str, sealed: Option<Vec<u8>>| match sealed {
        Some(sealed) => app.vault.open_text(place, &sealed),
        None => Ok(String::new()),
    };
    let id = codes::citizen_id::mask(&open("monitor_case.id", id)?);
    let phone = codes::phone::mask(&open("monitor_case.phone", phone)?);
    Ok(Some((id, phone)))
}

/// Notes something about many cases in the audit log.
pub(super) async fn write_entry(
    tx: &mut Tx,
    actor: &Actor,
    action: &str,
    division: &str,
    reason: &str,
    detail: serde_json::Value,
    now: i64,
) -> Result<(), MonitorError> {
    let entry =
        Entry { action, object_kind: "monitor", object_id: String::new(), division_code: division, reason, detail };
    Ok(audit::record(tx, actor, entry, now).await?)
}
