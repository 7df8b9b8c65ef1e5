//! Whether work teams are on post (驻村到岗), inferred from the work that their members wrote down in their village and from
//! leave records, never from check-ins. A day with work in the village is a day on post; so are the days between two such
//! days that lie close together; calls from elsewhere are work, and no presence. Who wrote what is known by name: the name
//! that a member is registered under in a village, and the name that somebody signs in with there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{Datelike, Days, NaiveDate};
use uuid::Uuid;

use super::listing::{NAME_MOST, TEXT_MOST};
use super::presence_store as store;
use super::{SuperviseError, may_see, may_supervise, said};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Role, Scope};
use crate::assess::profile::supervise::Presence;
use crate::ledger::model::payload;
use crate::platform::App;

pub use store::{Deed, Leave, Member};

/// Kinds of leave: 事假、病假、公务、培训.
pub const LEAVE_KINDS: [&str; 4] = ["personal", "sick", "official", "training"];
/// The longest leave that is taken in one record, days.
const LEAVE_MOST: i64 = 366;

/// What a day of a member was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Work in the village.
    Work,
    /// On post between two days of work.
    Between,
    /// On leave.
    Leave,
    /// Sent to a post against the epidemic (抽调防控).
    Away,
    /// Work from elsewhere only: calls.
    Call,
    /// Nothing was written down.
    Nothing,
    /// Not serving, or still to come.
    Off,
}

impl Mark {
    /// The name in texts and styles.
    pub fn name(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Between => "between",
            Self::Leave => "leave",
            Self::Away => "away",
            Self::Call => "call",
            Self::Nothing => "nothing",
            Self::Off => "off",
        }
    }
}

/// How a member stands in a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Neither on post nor any work of either kind for too long, leave apart (既不在岗，也没有任何工作).
    Absent,
    /// Fewer days than asked for.
    Short,
    /// On leave, or sent to a post against the epidemic, at the end of what is looked at.
    OnLeave,
    /// As many days as asked for.
    Met,
    /// Did not serve in the month.
    Off,
}

impl Verdict {
    /// Every verdict, the gravest first.
    pub const ALL: [Self; 5] = [Self::Absent, Self::Short, Self::OnLeave, Self::Met, Self::Off];

    /// The name in addresses and texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Short => "short",
            Self::OnLeave => "on_leave",
            Self::Met => "met",
            Self::Off => "off",
        }
    }

    /// The verdict of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }
}

/// The four roles that a member fills (指挥员、巡查员、宣传员、战斗员), as far as work that is written down shows it.
pub const ROLES: [&str; 4] = ["commander", "patrol", "publicist", "fighter"];

/// The role that a piece of work belongs to, by [`ROLES`]: to begin and hand in, to take a case onward = command; to visit
/// with checks and to check on site = patrol; to call and to visit without checks = tell people; to carry out = fight.
fn role_of(what: &str) -> usize {
    match what {
        "visit_check" | "check" | "pass" | "fail" => 1,
        "visit" | "call" => 2,
        "progress" | "measure" | "attach" => 3,
        _ => 0,
    }
}

/// Whether a piece of work shows that whoever did it was in the village.
fn is_presence(what: &str) -> bool {
    what != "call"
}

/// What a member did in a month.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Row {
    /// Who.
    #[serde(flatten)]
    pub member: Member,
    /// Each day of the month.
    pub marks: Vec<Mark>,
    /// Days with work in the village.
    pub worked: i64,
    /// Days on post between these.
    pub between: i64,
    /// Days on leave.
    pub leave: i64,
    /// Days on a post against the epidemic.
    pub away: i64,
    /// Days that are asked for up to the end of the month, or to today.
    pub asked: i64,
    /// Pieces of work against the epidemic.
    pub epidemic: i64,
    /// Pieces of other work.
    pub poverty: i64,
    /// Pieces of work by [`ROLES`].
    pub roles: [i64; 4],
    /// The last day with work of any kind; none in what was looked at.
    pub last: Option<NaiveDate>,
    /// How the member stands.
    pub verdict: Verdict,
}

impl Row {
    /// Days on post.
    pub fn present(&self) -> i64 {
        self.worked + self.between
    }
}

/// A month, and how much of it has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    /// Its first day.
    pub first: NaiveDate,
    /// Its last day.
    pub last: NaiveDate,
    /// The last day that is looked at: today in the month that runs.
    pub through: NaiveDate,
}

impl Month {
    /// The month of a day, as it stands today.
    pub fn of(day: NaiveDate, today: NaiveDate) -> Self {
        let first = day.with_day(1).unwrap_or(day);
        let next = first.checked_add_months(chrono::Months::new(1)).unwrap_or(first);
        let last = next.pred_opt().unwrap_or(first);
        Self { first, last, through: last.min(today) }
    }

    /// Its days.
    pub fn days(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        let last = self.last;
        self.first.iter_days().take_while(move |day| *day <= last)
    }
}

fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

/// A day of the register, which may know the month or the year alone: then its first day, or its last.
fn served(text: &str, last: bool) -> Option<NaiveDate> {
    let span = match text.len() {
        4 => (format!("{text}-01-01"), 12),
        7 => (format!("{text}-01"), 1),
        _ => return day(text),
    };
    let first = day(&span.0)?;
    if last { first.checked_add_months(chrono::Months::new(span.1))?.pred_opt() } else { Some(first) }
}

/// What one member did and was allowed, by day.
#[derive(Debug, Default)]
struct Diary {
    /// Days with work in the village.
    present: BTreeSet<NaiveDate>,
    /// Days with any work.
    active: BTreeSet<NaiveDate>,
    /// Days on leave.
    leave: BTreeSet<NaiveDate>,
    /// Days on a post against the epidemic.
    away: BTreeSet<NaiveDate>,
}

/// So many pieces of work of one sort and ledger.
type Count = (String, String, i64);

/// Judges one member's month.
fn judge(policy: &Presence, member: Member, month: Month, diary: &Diary, counts: &[Count]) -> Row {
    let begins = served(&member.start_date, false).unwrap_or(NaiveDate::MIN);
    let ends = served(&member.end_date, true).unwrap_or(NaiveDate::MAX);
    let serves = |on: NaiveDate| begins <= on && on <= ends;
    let between = |on: NaiveDate| {
        let before = diary.present.range(..on).next_back();
        let after = diary.present.range(on..).next();
        matches!((before, after), (Some(a), Some(b)) if (*b - *a).num_days() <= policy.bridge_days)
    };
    let marks: Vec<Mark> = month
        .days()
        .map(|on| {
            if on > month.through || !serves(on) {
                Mark::Off
            } else if diary.present.contains(&on) {
                Mark::Work
            } else if diary.leave.contains(&on) {
                Mark::Leave
            } else if diary.away.contains(&on) {
                Mark::Away
            } else if between(on) {
                Mark::Between
            } else if diary.active.contains(&on) {
                Mark::Call
            } else {
                Mark::Nothing
            }
        })
        .collect();
    let count = |mark: Mark| marks.iter().filter(|known| **known == mark).count() as i64;
    let served = marks.len() as i64 - count(Mark::Off);
    let (leave, away) = (count(Mark::Leave), count(Mark::Away));
    let days = marks.len() as i64;
    // Of a part of the month the same part is asked for; leave makes room where there is none.
    let asked = if days == 0 { 0 } else { (policy.month_days * served / days).min(served - leave - away) };
    let (worked, between) = (count(Mark::Work), count(Mark::Between));
    // Backwards from the last day: how long nothing was done, leave apart.
    let mut idle = 0;
    let backwards = std::iter::successors(Some(month.through), |on| on.pred_opt());
    for on in backwards.take_while(|on| serves(*on)).take(400) {
        if diary.active.contains(&on) || idle >= policy.absent_days {
            break;
        }
        if !diary.leave.contains(&on) && !diary.away.contains(&on) {
            idle += 1;
        }
    }
    let verdict = if served == 0 {
        Verdict::Off
    } else if idle >= policy.absent_days {
        Verdict::Absent
    } else if worked + between >= asked {
        Verdict::Met
    } else if diary.leave.contains(&month.through) || diary.away.contains(&month.through) {
        Verdict::OnLeave
    } else {
        Verdict::Short
    };
    let mut row = Row {
        last: diary.active.range(..=month.through).next_back().copied(),
        member,
        marks,
        worked,
        between,
        leave,
        away,
        asked,
        epidemic: 0,
        poverty: 0,
        roles: [0; 4],
        verdict,
    };
    for (what, ledger, n) in counts {
        if policy.epidemic_ledgers.contains(ledger) {
            row.epidemic += n;
        } else {
            row.poverty += n;
        }
        if let Some(role) = row.roles.get_mut(role_of(what)) {
            *role += n;
        }
    }
    row
}

/// The month of every member of the work teams of a scope, the gravest first.
///
/// # Errors
/// The actor may not, or the database fails.
pub async fn grid(
    app: &App,
    actor: &Actor,
    policy: &Presence,
    scope: &Scope,
    month: Month,
) -> Result<Vec<Row>, SuperviseError> {
    may_see(actor)?;
    let members = store::members(&app.db, scope).await?;
    judged(app, policy, scope, month, members).await
}

async fn judged(
    app: &App,
    policy: &Presence,
    scope: &Scope,
    month: Month,
    members: Vec<Member>,
) -> Result<Vec<Row>, SuperviseError> {
    // Far enough back to tell how long nothing was done, and what lies between two days across the month's edge.
    let back = Days::new(u64::try_from(policy.absent_days.max(policy.bridge_days)).unwrap_or(0) + 31);
    let from = month.first.checked_sub_days(back).unwrap_or(month.first);
    let mut diaries: HashMap<(String, String), Diary> = HashMap::new();
    let mut counts: HashMap<(String, String), Vec<Count>> = HashMap::new();
    for deed in store::deeds(&app.db, scope, &from.to_string(), &month.last.to_string()).await? {
        let Some(on) = day(&deed.day) else {
            continue;
        };
        let who = (deed.village, codes::name::fold(&deed.name));
        let diary = diaries.entry(who.clone()).or_default();
        diary.active.insert(on);
        if is_presence(&deed.what) {
            diary.present.insert(on);
        }
        if on >= month.first && on <= month.through {
            counts.entry(who).or_default().push((deed.what, deed.ledger, deed.times));
        }
    }
    let mut leaves: HashMap<Uuid, BTreeSet<NaiveDate>> = HashMap::new();
    for leave in store::leaves(&app.db, scope, &from.to_string(), &month.last.to_string()).await? {
        if let (Some(begin), Some(end)) = (day(&leave.from_day), day(&leave.to_day)) {
            let days = begin.iter_days().take_while(|on| *on <= end).take(usize::try_from(LEAVE_MOST).unwrap_or(0));
            leaves.entry(leave.member_id).or_default().extend(days);
        }
    }
    let posts = store::posts(&app.db, scope, &from.to_string(), &month.last.to_string()).await?;
    let nothing = Vec::new();
    let mut out = Vec::with_capacity(members.len());
    for member in members {
        let village = member.division_code.get(..12).unwrap_or(&member.division_code).to_owned();
        let who = (village, codes::name::fold(&member.name));
        let known = diaries.get(&who);
        let diary = Diary {
            present: known.map(|diary| diary.present.clone()).unwrap_or_default(),
            active: known.map(|diary| diary.active.clone()).unwrap_or_default(),
            leave: leaves.remove(&member.id).unwrap_or_default(),
            away: posts
                .iter()
                .filter(|post| post.name_folded == who.1 && post.unit == member.unit)
                .filter(|post| who.0.starts_with(&post.division_code) || post.division_code.starts_with(&who.0))
                .flat_map(|post| {
                    let begin = day(&post.from_day).unwrap_or(from).max(from);
                    let end = day(&post.to_day).unwrap_or(month.last).min(month.last);
                    begin.iter_days().take_while(move |on| *on <= end)
                })
                .collect(),
        };
        let of_month = counts.get(&who).unwrap_or(&nothing);
        out.push(judge(policy, member, month, &diary, of_month));
    }
    out.sort_by(|a, b| {
        a.verdict
            .cmp(&b.verdict)
            .then(a.member.division_code.cmp(&b.member.division_code))
            .then(a.member.name.cmp(&b.member.name))
    });
    Ok(out)
}

/// How many members stand how.
pub fn by_verdict(rows: &[Row]) -> BTreeMap<Verdict, i64> {
    let mut out = BTreeMap::new();
    for row in rows {
        *out.entry(row.verdict).or_default() += 1;
    }
    out
}

/// Members of work teams by the divisions right below a scope.
///
/// # Errors
/// The actor may not, or the database fails.
pub async fn places(app: &App, actor: &Actor, scope: &Scope) -> Result<Vec<(String, String, i64)>, SuperviseError> {
    may_see(actor)?;
    let found = store::places(&app.db, scope, super::length_below(scope.root())).await?;
    let codes: Vec<String> = found.iter().map(|(code, _)| code.clone()).collect();
    let names = crate::assess::division_names(&app.db, &codes).await?;
    Ok(found.into_iter().map(|(code, n)| (code.clone(), names.get(&code).cloned().unwrap_or(code), n)).collect())
}

/// A member's month with what they did, the newest first, and their leaves.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The month.
    pub row: Row,
    /// What was written down, each with what it was about.
    pub deeds: Vec<store::Trace>,
    /// Every leave, the newest first, withdrawn ones too.
    pub leaves: Vec<Leave>,
}

/// A member's month.
///
/// # Errors
/// There is no such member for this person, or the database fails.
pub async fn member(
    app: &App,
    actor: &Actor,
    policy: &Presence,
    id: Uuid,
    month: Month,
) -> Result<Whole, SuperviseError> {
    may_see(actor)?;
    let member = store::member(&app.db, &actor.scope, id).await?.ok_or(SuperviseError::NotFound)?;
    let village = member.division_code.get(..12).unwrap_or(&member.division_code).to_owned();
    let scope = Scope::subtree(&village);
    let folded = codes::name::fold(&member.name);
    let row = judged(app, policy, &scope, month, vec![member]).await?.pop().ok_or(SuperviseError::NotFound)?;
    let mut deeds = store::traces(&app.db, &scope, &month.first.to_string(), &month.through.to_string()).await?;
    deeds.retain(|deed| codes::name::fold(&deed.name) == folded);
    Ok(Whole { row, deeds, leaves: store::leaves_of(&app.db, id).await? })
}

/// A leave as it is entered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewLeave {
    /// Made by whoever writes it down: the same leave twice is written once.
    pub id: Uuid,
    /// Whose.
    pub member: Uuid,
    /// First day.
    pub from: Option<NaiveDate>,
    /// Last day.
    pub to: Option<NaiveDate>,
    /// Of [`LEAVE_KINDS`].
    pub kind: String,
    /// Why.
    pub reason: String,
    /// Who approved it.
    pub approved_by: String,
}

/// The level that somebody writes leave down for: the township for its own staff, the county for everybody above.
pub fn approval_level(actor: &Actor) -> &'static str {
    if actor.role == Role::TownshipStaff && !actor.is_machine { "township" } else { "county" }
}

/// Writes a leave down. The same leave twice is written once.
///
/// # Errors
/// There is no such member for this person; something is missing or too long; it overlaps with another leave; it is longer
/// than the township approves and the actor is of the township; the database fails.
pub async fn leave(app: &App, actor: &Actor, policy: &Presence, new: NewLeave) -> Result<(), SuperviseError> {
    if !may_supervise(actor) {
        return Err(SuperviseError::Forbidden);
    }
    let member = store::member(&app.db, &actor.scope, new.member).await?.ok_or(SuperviseError::NotFound)?;
    let (from, to) = match (new.from, new.to) {
        (Some(from), Some(to)) if from <= to && (to - from).num_days() < LEAVE_MOST => (from, to),
        (from, to) => {
            let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
            return Err(SuperviseError::invalid("supervise.period", &[("from", &day(from)), ("to", &day(to))]));
        }
    };
    if !LEAVE_KINDS.contains(&new.kind.as_str()) {
        return Err(SuperviseError::invalid("supervise.leave_kind", &[("kind", &new.kind)]));
    }
    said(&new.reason, "supervise.no_reason", 2, TEXT_MOST)?;
    said(&new.approved_by, "supervise.no_approval", 1, NAME_MOST)?;
    let (days, level) = ((to - from).num_days() + 1, approval_level(actor));
    if level == "township" && days > policy.leave_township_days {
        let args: [(&'static str, &dyn std::fmt::Display); 2] =
            [("days", &days), ("most", &policy.leave_township_days)];
        return Err(SuperviseError::invalid("supervise.leave_level", &args));
    }
    let (actor, now) = (actor.clone(), app.clock.now_ms());
    app.db
        .write::<_, SuperviseError, _>(move |tx| {
            Box::pin(async move {
                let asked = payload(&serde_json::json!([
                    actor.user_id,
                    "leave",
                    new.member,
                    from,
                    to,
                    new.kind,
                    new.reason,
                    new.approved_by
                ]));
                if let Some(known) = store::leave_known(tx, new.id).await? {
                    return if known == asked { Ok(()) } else { Err(SuperviseError::Resent) };
                }
                store::hold_member(tx, new.member).await?;
                if let Some((from, to)) = store::overlap(tx, new.member, &from.to_string(), &to.to_string()).await? {
                    return Err(SuperviseError::invalid("supervise.leave_overlap", &[("from", &from), ("to", &to)]));
                }
                store::insert_leave(tx, &new, &member, (from, to), level, &asked, &actor, now).await?;
                let entry = Entry {
                    action: "supervise.leave",
                    object_kind: "supervise_leave",
                    object_id: new.id.to_string(),
                    division_code: &member.division_code,
                    reason: "",
                    detail: serde_json::json!({
                        "member": new.member, "from": from, "to": to, "kind": new.kind, "level": level,
                    }),
                };
                audit::record(tx, &actor, entry, now).await?;
                Ok(())
            })
        })
        .await
}

/// Withdraws a leave that was written down by mistake or not taken; it stays readable.
///
/// # Errors
/// There is no such leave for this person, it was withdrawn before, no reason is given, or the database fails.
pub async fn withdraw(app: &App, actor: &Actor, id: Uuid, reason: &str) -> Result<Uuid, SuperviseError> {
    if !may_supervise(actor) {
        return Err(SuperviseError::Forbidden);
    }
    said(reason, "supervise.no_reason", 2, TEXT_MOST)?;
    let (actor, now, reason) = (actor.clone(), app.clock.now_ms(), reason.trim().to_owned());
    app.db
        .write::<_, SuperviseError, _>(move |tx| {
            Box::pin(async move {
                let known = store::leave_in(tx, &actor.scope, id).await?.ok_or(SuperviseError::NotFound)?;
                let (member, division) = known;
                if !store::withdraw(tx, id, &actor.name, &reason, now).await? {
                    return Ok(member);
                }
                let entry = Entry {
                    action: "supervise.leave_withdraw",
                    object_kind: "supervise_leave",
                    object_id: id.to_string(),
                    division_code: &division,
                    reason: &reason,
                    detail: serde_json::json!({ "member": member }),
                };
                audit::record(tx, &actor, entry, now).await?;
                Ok(member)
            })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Presence {
        Presence {
            month_days: 20,
            bridge_days: 3,
            absent_days: 10,
            leave_township_days: 3,
            epidemic_ledgers: vec!["epidemic".to_owned()],
        }
    }

    fn on(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2020, 2, day).unwrap()
    }

    fn row(today: NaiveDate, present: &[u32], calls: &[u32], leave: &[u32]) -> Row {
        let member = Member {
            id: Uuid::nil(),
            name: "张三".to_owned(),
            role: String::new(),
            team: String::new(),
            unit: String::new(),
            division_code: "990101001001".to_owned(),
            place: String::new(),
            start_date: "2019-01-01".to_owned(),
            end_date: String::new(),
        };
        let days = |list: &[u32]| list.iter().map(|day| on(*day)).collect::<BTreeSet<_>>();
        let mut active = days(present);
        active.extend(days(calls));
        let diary = Diary { present: days(present), active, leave: days(leave), away: BTreeSet::new() };
        judge(&policy(), member, Month::of(on(1), today), &diary, &[])
    }

    #[test]
    fn days_between_two_days_of_work_close_together_are_days_on_post() {
        let row = row(on(29), &[3, 6, 10], &[8], &[]);
        let marks: String = row.marks.iter().map(|mark| mark.name().chars().next().unwrap()).collect();
        assert_eq!(marks, "nnwbbwncnwnnnnnnnnnnnnnnnnnnn");
        assert_eq!((row.present(), row.asked, row.verdict), (5, 20, Verdict::Absent));
    }

    #[test]
    fn a_month_is_met_by_days_and_leave_makes_room_only_where_there_is_none() {
        let worked: Vec<u32> = (1..=20).collect();
        assert_eq!(row(on(29), &worked, &[], &[]).verdict, Verdict::Met);
        let nineteen: Vec<u32> = (1..=19).chain([25]).filter(|day| *day != 5).collect();
        let row_19 = row(on(29), &nineteen, &[], &[]);
        assert_eq!((row_19.worked, row_19.between, row_19.verdict), (19, 1, Verdict::Met), "the fifth lies between");
        // Twelve days of leave leave seventeen of twenty-nine.
        let leave: Vec<u32> = (18..=29).collect();
        let worked: Vec<u32> = (1..=17).collect();
        let met = row(on(29), &worked, &[], &leave);
        assert_eq!((met.asked, met.leave, met.verdict), (17, 12, Verdict::Met));
        assert_eq!(row(on(29), &worked[1..], &[], &leave).verdict, Verdict::OnLeave);
        // Half of the month: half of the days.
        let half = row(on(15), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], &[], &[]);
        assert_eq!((half.asked, half.verdict), (10, Verdict::Met));
    }

    #[test]
    fn a_term_may_be_known_by_the_month_or_the_year_alone() {
        let of = |text: &str, last| served(text, last).map(|day| day.to_string()).unwrap_or_default();
        assert_eq!([of("2020-02", false), of("2020-02", true)], ["2020-02-01", "2020-02-29"]);
        assert_eq!([of("2019", false), of("2019", true)], ["2019-01-01", "2019-12-31"]);
        assert_eq!([of("2020-02-05", true), of("", true), of("不详", false)], ["2020-02-05", "", ""]);
    }

    #[test]
    fn absence_is_no_work_of_any_kind_leave_apart() {
        assert_eq!(row(on(20), &[10], &[], &[]).verdict, Verdict::Absent);
        assert_eq!(row(on(20), &[], &[11], &[]).verdict, Verdict::Short, "a call is work, and no presence");
        assert_eq!(row(on(20), &[10], &[], &[15]).verdict, Verdict::Short, "nine days without leave");
    }
}
