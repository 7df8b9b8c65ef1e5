//! Sources (数据来源): one agency's kind of list for one division, with what it is given for, when it is due and how long
//! it may be kept. Every list that comes in is a version of its source.

use std::fmt;

use chrono::{Datelike, Days, NaiveDate};

use super::lists;
use super::model::{CompareError, RETENTION_DAYS};
use super::{source_store, store};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability};
use crate::platform::{App, Tx, clock};
use crate::register::Divisions;

/// The longest time that a source may have its lists kept, days.
pub const LONGEST_DAYS: u32 = 3_650;
/// The longest text of a field, characters.
const LONGEST_TEXT: usize = crate::access::reveal::REASON_MOST;
/// Where a source's contact is sealed.
const CONTACT: &str = "list_source.contact";

/// When a source's lists are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// 不定期: whenever something happens.
    Irregular,
    /// 每日.
    Daily,
    /// 每周, of the weekday 1 (Monday) to 7.
    Weekly(u32),
    /// 每月, of the day 1 to 31; in a shorter month its last day.
    Monthly(u32),
    /// 一次性: on this day, and never again.
    Once(NaiveDate),
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Irregular => f.write_str("none"),
            Self::Daily => f.write_str("daily"),
            Self::Weekly(day) => write!(f, "weekly:{day}"),
            Self::Monthly(day) => write!(f, "monthly:{day}"),
            Self::Once(day) => write!(f, "once:{day}"),
        }
    }
}

impl Schedule {
    /// Reads `none`, `daily`, `weekly:1`…`weekly:7`, `monthly:1`…`monthly:31`, `once:YYYY-MM-DD`.
    pub fn read(text: &str) -> Option<Self> {
        let number = |text: &str, last: u32| text.parse().ok().filter(|day| (1..=last).contains(day));
        match text.split_once(':') {
            None => match text {
                "none" => Some(Self::Irregular),
                "daily" => Some(Self::Daily),
                _ => None,
            },
            Some(("weekly", day)) => number(day, 7).map(Self::Weekly),
            Some(("monthly", day)) => number(day, 31).map(Self::Monthly),
            Some(("once", day)) => NaiveDate::parse_from_str(day, "%Y-%m-%d").ok().map(Self::Once),
            Some(_) => None,
        }
    }

    /// Days by which a list may come early and still be the one that is due: an agency that sends the list of the 5th on
    /// the 3rd owes none on the 5th.
    fn early(self) -> u64 {
        match self {
            Self::Irregular | Self::Daily | Self::Once(_) => 0,
            Self::Weekly(_) => 2,
            Self::Monthly(_) => 7,
        }
    }

    fn is_on(self, day: NaiveDate) -> bool {
        match self {
            Self::Irregular => false,
            Self::Daily => true,
            Self::Weekly(weekday) => day.weekday().number_from_monday() == weekday,
            Self::Monthly(at) => day.day() == at || (day.day() < at && day.succ_opt().is_some_and(|d| d.day() == 1)),
            Self::Once(at) => day == at,
        }
    }

    /// The day on which the next list is due: the first scheduled one from `since` on that no list has come for. None
    /// where nothing is due any more.
    pub fn next_due(self, since: NaiveDate, received: Option<NaiveDate>) -> Option<NaiveDate> {
        if let Self::Once(day) = self {
            return received.is_none_or(|received| received < since).then_some(day);
        }
        let after = received.and_then(|day| day.checked_add_days(Days::new(self.early() + 1)));
        let first = after.map_or(since, |after| after.max(since));
        // A month and a day hold every day that a schedule may name.
        first.iter_days().take(32).find(|day| self.is_on(*day))
    }
}

/// How long rows that matched nobody are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// So many days from the day on which they came.
    Days(u32),
    /// Until this day, whenever they came.
    Until(NaiveDate),
}

impl Retention {
    /// The last day on which what came on `day` is kept.
    pub fn until(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Days(days) => day.checked_add_days(Days::new(u64::from(days))).unwrap_or(day),
            Self::Until(last) => last,
        }
    }
}

/// A source as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ListSource {
    /// What it is called by: `health.cases@340323`.
    pub code: String,
    /// Kind of list: `health.cases`.
    pub kind: String,
    /// The agency; empty where it is the one that usually gives such lists.
    pub agency: String,
    /// For which division the lists are.
    pub division_code: String,
    /// What the lists are asked for (用途).
    pub purpose: String,
    /// The rule or agreement by which the agency gives them (依据).
    pub basis: String,
    /// [`Schedule`] as text.
    pub schedule: String,
    /// ISO day from which the schedule holds; empty where there is none.
    pub scheduled_on: String,
    /// `whole` where every version holds all rows, `part` where it holds only what is new.
    pub extent: String,
    /// Days that rows are kept; 0 where a day is set.
    pub retention_days: i64,
    /// ISO day until which rows are kept; empty where days are set.
    pub retention_until: String,
    pub(super) contact_enc: Option<Vec<u8>>,
    /// Whether lists of it are still expected.
    pub active: bool,
    /// ISO day on which a file last came; empty if none did.
    pub received_on: String,
    /// Of this record.
    pub version: i64,
    pub(super) updated_at: i64,
}

impl ListSource {
    /// Whether it is stored; one of the usual terms that is only proposed for a first list is not.
    pub fn is_stored(&self) -> bool {
        self.version > 0
    }

    /// When its lists are due.
    pub fn schedule(&self) -> Schedule {
        Schedule::read(&self.schedule).unwrap_or(Schedule::Irregular)
    }

    /// How long its rows are kept.
    pub fn retention(&self) -> Retention {
        match self.retention_until.parse() {
            Ok(day) => Retention::Until(day),
            Err(_) => Retention::Days(u32::try_from(self.retention_days).unwrap_or(RETENTION_DAYS)),
        }
    }

    /// Whether every version holds all rows, so that one that a version leaves out is gone from the list.
    pub fn is_whole(&self) -> bool {
        self.extent == "whole"
    }

    /// The day on which its next list is due.
    pub fn next_due(&self) -> Option<NaiveDate> {
        let since = self.scheduled_on.parse().ok()?;
        self.schedule().next_due(since, self.received_on.parse().ok()).filter(|_| self.active)
    }

    /// Days by which its list is late; 0 where it is not.
    pub fn days_late(&self, today: NaiveDate) -> i64 {
        self.next_due().map_or(0, |due| (today - due).num_days().max(0))
    }

    /// Whom to ask about the lists.
    ///
    /// # Errors
    /// The field does not open.
    pub fn contact(&self, app: &App) -> Result<String, CompareError> {
        Ok(match &self.contact_enc {
            Some(sealed) => app.vault.open_text(CONTACT, sealed)?,
            None => String::new(),
        })
    }
}

/// What is said of a source on adding it.
#[derive(Debug, Clone)]
pub struct NewListSource {
    /// Kind of list.
    pub kind: String,
    /// Division; the top of the actor's scope if empty.
    pub division: String,
    /// The rest.
    pub terms: Terms,
}

/// What can be said and changed of a source.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The agency; empty for the one that usually gives such lists.
    pub agency: String,
    /// What the lists are asked for.
    pub purpose: String,
    /// The rule or agreement by which they are given.
    pub basis: String,
    /// When they are due.
    pub schedule: Schedule,
    /// Whether every version holds all rows.
    pub whole: bool,
    /// How long rows that matched nobody are kept.
    pub retention: Retention,
    /// Whom to ask: name and office phone.
    pub contact: String,
    /// Whether lists are still expected.
    pub active: bool,
}

impl Terms {
    /// Those of a source of a kind of which nothing is said yet.
    pub fn usual(kind: &str) -> Self {
        Self {
            agency: String::new(),
            purpose: String::new(),
            basis: String::new(),
            schedule: Schedule::Irregular,
            // Settlements of a month or quarter are told once; the other lists say who is on them now.
            whole: kind != "medical.self_pay",
            retention: Retention::Days(RETENTION_DAYS),
            contact: String::new(),
            active: true,
        }
    }

    /// Those of a source.
    ///
    /// # Errors
    /// The contact does not open.
    pub fn of(app: &App, source: &ListSource) -> Result<Self, CompareError> {
        Ok(Self {
            agency: source.agency.clone(),
            purpose: source.purpose.clone(),
            basis: source.basis.clone(),
            schedule: source.schedule(),
            whole: source.is_whole(),
            retention: source.retention(),
            contact: source.contact(app)?,
            active: source.active,
        })
    }

    fn checked(self, today: NaiveDate) -> Result<Self, CompareError> {
        let short = |field: &'static str, text: String| -> Result<String, CompareError> {
            let text = text.trim().to_owned();
            match text.chars().count() {
                0..=LONGEST_TEXT => Ok(text),
                _ => Err(CompareError::SourceField { field, value: text.chars().take(20).collect() }),
            }
        };
        match self.retention {
            Retention::Days(days) if !(1..=LONGEST_DAYS).contains(&days) => {
                return Err(CompareError::SourceField { field: "retention", value: days.to_string() });
            }
            Retention::Until(day) if day < today || (day - today).num_days() > i64::from(LONGEST_DAYS) => {
                return Err(CompareError::SourceField { field: "retention", value: day.to_string() });
            }
            _ => {}
        }
        Ok(Self {
            agency: short("text", self.agency)?,
            purpose: short("text", self.purpose)?,
            basis: short("text", self.basis)?,
            contact: short("text", self.contact)?,
            ..self
        })
    }

    fn put(&self, app: &App, on: &mut ListSource) -> Result<(), CompareError> {
        let (today, schedule) = (app.clock.today(), self.schedule.to_string());
        if on.schedule != schedule {
            on.scheduled_on = if self.schedule == Schedule::Irregular { String::new() } else { today.to_string() };
        }
        on.agency.clone_from(&self.agency);
        on.purpose.clone_from(&self.purpose);
        on.basis.clone_from(&self.basis);
        on.schedule = schedule;
        on.extent = if self.whole { "whole" } else { "part" }.to_owned();
        (on.retention_days, on.retention_until) = match self.retention {
            Retention::Days(days) => (i64::from(days), String::new()),
            Retention::Until(day) => (0, day.to_string()),
        };
        on.contact_enc = match self.contact.as_str() {
            "" => None,
            contact => Some(app.vault.seal(CONTACT, contact.as_bytes())?),
        };
        on.active = self.active;
        on.updated_at = app.clock.now_ms();
        Ok(())
    }
}

fn code_of(kind: &str, division: &str) -> String {
    if division.is_empty() { kind.to_owned() } else { format!("{kind}@{division}") }
}

fn blank(kind: &str, division: &str) -> ListSource {
    ListSource {
        code: code_of(kind, division),
        kind: kind.to_owned(),
        agency: String::new(),
        division_code: division.to_owned(),
        purpose: String::new(),
        basis: String::new(),
        schedule: Schedule::Irregular.to_string(),
        scheduled_on: String::new(),
        extent: "whole".to_owned(),
        retention_days: i64::from(RETENTION_DAYS),
        retention_until: String::new(),
        contact_enc: None,
        active: true,
        received_on: String::new(),
        version: 1,
        updated_at: 0,
    }
}

/// The sources of the actor's scope.
///
/// # Errors
/// Not allowed, or the database fails.
pub async fn list_sources(app: &App, actor: &Actor) -> Result<Vec<ListSource>, CompareError> {
    if !actor.may(Capability::RunComparison) {
        return Err(CompareError::Forbidden);
    }
    Ok(source_store::all(&app.db, &actor.scope).await?)
}

/// One source of the actor's scope.
///
/// # Errors
/// Not allowed, no such source in the scope, or the database fails.
pub async fn list_source(app: &App, actor: &Actor, code: &str) -> Result<ListSource, CompareError> {
    if !actor.may(Capability::RunComparison) {
        return Err(CompareError::Forbidden);
    }
    source_store::one(&app.db, code, &actor.scope).await?.ok_or(CompareError::NotFound)
}

/// Adds a source; its code.
///
/// # Errors
/// Not allowed, a field cannot be, or the database fails.
pub async fn add_source(app: &App, actor: &Actor, new: NewListSource) -> Result<String, CompareError> {
    if !actor.may(Capability::RunComparison) {
        return Err(CompareError::Forbidden);
    }
    let kind = lists::source(&new.kind).ok_or_else(|| CompareError::UnknownSource { name: new.kind.clone() })?.key;
    let divisions = Divisions::load(&app.db).await?;
    let division = match new.division.trim() {
        "" => divisions.home(&actor.scope),
        code => code,
    };
    let known = division.is_empty() || divisions.get(division).is_some();
    if !known || !actor.scope.contains(division) {
        return Err(CompareError::SourceField { field: "division", value: division.to_owned() });
    }
    let mut source = blank(kind, division);
    new.terms.checked(app.clock.today())?.put(app, &mut source)?;
    let (now, actor) = (app.clock.now_ms(), actor.clone());
    app.db
        .write::<String, CompareError, _>(move |tx| {
            Box::pin(async move {
                let first = source.code.clone();
                for number in 2_u32.. {
                    if source_store::insert(tx, &source).await? {
                        break;
                    }
                    source.code = format!("{first}-{number}");
                }
                write_entry(tx, &actor, "source.add", &source, now).await?;
                Ok(source.code)
            })
        })
        .await
}

/// Changes a source that was read as its version `version`. What is held of its lists never becomes older than the new
/// terms allow; a longer time is for lists that come from now on.
///
/// # Errors
/// Not allowed, no such source in the scope, a field cannot be, somebody else has changed it, or the database fails.
pub async fn edit_source(
    app: &App,
    actor: &Actor,
    code: &str,
    version: i64,
    terms: Terms,
) -> Result<ListSource, CompareError> {
    let mut source = list_source(app, actor, code).await?;
    if source.version != version {
        return Err(CompareError::SourceChanged);
    }
    let was = source.retention();
    // A day that has passed may stand: it is a term that was set once and holds.
    let terms = match terms.retention == was {
        true => {
            Terms { retention: was, ..Terms { retention: Retention::Days(1), ..terms }.checked(app.clock.today())? }
        }
        false => terms.checked(app.clock.today())?,
    };
    terms.put(app, &mut source)?;
    source.version += 1;
    let (now, actor) = (app.clock.now_ms(), actor.clone());
    app.db
        .write::<ListSource, CompareError, _>(move |tx| {
            Box::pin(async move {
                if !source_store::update(tx, &source, version).await? {
                    return Err(CompareError::SourceChanged);
                }
                if terms.retention != was {
                    for (comparison, came_on, at) in source_store::arrivals(tx, &source.code).await? {
                        let came = came_on.parse().unwrap_or_else(|_| clock::local(at).date_naive());
                        let until = terms.retention.until(came);
                        source_store::keep_no_longer(tx, comparison, &until.to_string()).await?;
                    }
                }
                write_entry(tx, &actor, "source.edit", &source, now).await?;
                Ok(source)
            })
        })
        .await
}

async fn write_entry(
    tx: &mut Tx,
    actor: &Actor,
    action: &'static str,
    source: &ListSource,
    now: i64,
) -> Result<(), CompareError> {
    audit::record(
        tx,
        actor,
        Entry {
            action,
            object_kind: "list_source",
            object_id: source.code.clone(),
            division_code: &source.division_code,
            reason: &source.purpose,
            detail: serde_json::json!({
                "kind": source.kind, "agency": source.agency, "basis": source.basis, "schedule": source.schedule,
                "extent": source.extent, "retention_days": source.retention_days,
                "retention_until": source.retention_until, "active": source.active,
            }),
        },
        now,
    )
    .await?;
    Ok(())
}

/// What somebody named as the source of a list: a kind of list, or one source.
#[derive(Debug, Clone)]
pub(crate) enum Named {
    /// Nothing, or a kind.
    Kind(Option<String>),
    /// One source.
    One(Box<ListSource>),
}

/// Reads what somebody named as the source of a list.
///
/// # Errors
/// Neither a kind nor a source of the scope, or the database fails.
pub(crate) async fn named(app: &App, actor: &Actor, name: Option<&str>) -> Result<Named, CompareError> {
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Ok(Named::Kind(None));
    };
    if lists::source(name).is_some() {
        return Ok(Named::Kind(Some(name.to_owned())));
    }
    match source_store::one(&app.db, name, &actor.scope).await? {
        Some(source) => Ok(Named::One(Box::new(source))),
        None => Err(CompareError::UnknownSource { name: name.to_owned() }),
    }
}

impl Named {
    /// The kind of list, where one is named.
    pub(crate) fn kind(&self) -> Option<&str> {
        match self {
            Self::Kind(kind) => kind.as_deref(),
            Self::One(source) => Some(&source.kind),
        }
    }
}

/// The source that a list of a kind belongs to where nobody says: the one for the division of whoever brings it in, the
/// oldest of several. Where there is none yet it is one of the usual terms, not stored.
pub(crate) async fn guess(app: &App, actor: &Actor, kind: &str) -> Result<ListSource, CompareError> {
    let divisions = Divisions::load(&app.db).await?;
    let home = divisions.home(&actor.scope);
    match source_store::of_division(&app.db, kind, home).await? {
        Some(source) => Ok(source),
        None => {
            let mut source = blank(kind, home);
            // Until somebody says what the source's lists hold, several agencies' may come in as its versions: one that
            // leaves out the rows of another says nothing about them.
            Terms { whole: false, ..Terms::usual(kind) }.put(app, &mut source)?;
            source.version = 0;
            Ok(source)
        }
    }
}

/// How a version of a list differs from what its source held before, besides its new and revised rows.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// Rows that it leaves out.
    pub(crate) gone: Vec<uuid::Uuid>,
    /// Rows that an earlier version left out.
    pub(crate) back: Vec<uuid::Uuid>,
}

/// Holds the keys of a version against the rows that its source holds. A list of only what is new leaves nothing out, nor
/// does one that speaks of an earlier day than its source's last.
pub(crate) async fn difference(
    app: &App,
    source: &ListSource,
    as_of: NaiveDate,
    keys: &std::collections::HashSet<String>,
) -> Result<Difference, CompareError> {
    let mut out = Difference::default();
    if !source.is_whole() || source_store::last_day(&app.db, &source.code).await? > as_of.to_string() {
        return Ok(out);
    }
    for row in store::rows_of_source(&app.db, &source.kind, &source.code).await? {
        match (keys.contains(&row.row_key), row.gone_in.is_some()) {
            (true, true) => out.back.push(row.id),
            (false, false) => out.gone.push(row.id),
            _ => {}
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_schedule_reads_what_it_writes() {
        for text in ["none", "daily", "weekly:1", "weekly:7", "monthly:31", "once:2020-02-29"] {
            assert_eq!(Schedule::read(text).unwrap().to_string(), text);
        }
        for text in ["", "weekly", "weekly:0", "weekly:8", "monthly:32", "once:2020-02-30", "yearly:1"] {
            assert_eq!(Schedule::read(text), None, "{text}");
        }
    }

    #[test]
    fn the_next_list_is_due_on_the_first_scheduled_day_that_none_came_for() {
        let due = |schedule: &str, since: &str, received: Option<&str>| {
            let next = Schedule::read(schedule).unwrap().next_due(day(since), received.map(day));
            next.map(|d| d.to_string()).unwrap_or_default()
        };
        assert_eq!(due("none", "2020-02-03", None), "");
        assert_eq!(due("daily", "2020-02-03", None), "2020-02-03");
        assert_eq!(due("daily", "2020-02-03", Some("2020-02-10")), "2020-02-11");
        // 2020-02-03 is a Monday.
        assert_eq!(due("weekly:3", "2020-02-03", None), "2020-02-05");
        assert_eq!(due("weekly:3", "2020-02-03", Some("2020-02-05")), "2020-02-12");
        assert_eq!(due("weekly:3", "2020-02-03", Some("2020-02-10")), "2020-02-19", "two days early is for the 12th");
        assert_eq!(due("weekly:3", "2020-02-03", Some("2020-02-08")), "2020-02-12", "three days late is for the 5th");
        assert_eq!(due("monthly:31", "2020-02-03", None), "2020-02-29");
        assert_eq!(due("monthly:5", "2020-02-03", Some("2020-02-03")), "2020-03-05", "early for February");
        assert_eq!(due("monthly:5", "2020-02-03", Some("2020-02-20")), "2020-03-05", "late for February");
        assert_eq!(due("once:2020-02-20", "2020-02-03", None), "2020-02-20");
        assert_eq!(due("once:2020-02-20", "2020-02-03", Some("2020-02-25")), "");
        assert_eq!(due("once:2020-02-20", "2020-02-03", Some("2020-01-25")), "2020-02-20", "before it was asked for");
    }

    #[test]
    fn a_month_always_has_its_day() {
        let mut from = day("2019-12-15");
        for month in ["2019-12-31", "2020-01-31", "2020-02-29", "2020-03-31", "2020-04-30"] {
            let due = Schedule::Monthly(31).next_due(from, None).unwrap();
            assert_eq!(due, day(month));
            from = due.succ_opt().unwrap();
        }
    }
}
