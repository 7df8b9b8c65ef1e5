//! A small model of an item's life, and the product held against it: random people take random steps, out of date,
//! twice, at once, with other words; signals come and go, days pass. After each the product must have said and done what
//! the model says, and in the end books, events and audit log must tell the same story.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use taizhang::access::{Actor, Role, audit};
use taizhang::args;
use taizhang::ledger::books::{Asked, books};
use taizhang::ledger::model::{Action, Done, MoneyKind, NewMoney, Step};
use taizhang::ledger::{self, LedgerError};
use taizhang::platform::{App, Clock, Lang, UserError, ids};
use taizhang::road;
use uuid::Uuid;

use crate::support::{each_database, machine, today};
use crate::world::{self, OTHER, VILLAGE};

/// Who acts: name, role and place.
const PEOPLE: [(&str, Role, &str); 7] = [
    ("m-county", Role::CountyStaff, "990101"),
    ("m-town", Role::TownshipStaff, "990101001"),
    ("m-officer", Role::VillageOfficer, VILLAGE),
    ("m-second", Role::VillageOfficer, VILLAGE),
    ("m-helper", Role::Helper, VILLAGE),
    ("m-foreign", Role::VillageOfficer, OTHER),
    ("m-clerk", Role::HealthClerk, "990101"),
];
/// Steps of one walk.
const STEPS: usize = 45;

/// What somebody tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Try {
    Assign(usize),
    Start,
    Progress,
    Measure(usize),
    Submit,
    Check,
    Pass,
    Fail,
    Reopen,
    Cancel,
    Note,
    Attach,
    Money,
    /// Whether the problem is still solved.
    LookBack(bool),
}

/// How it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// From a page that is up to date.
    Fresh,
    /// From a page of before the last change.
    Stale,
    /// Three times at once.
    Thrice,
    /// Without the words that it needs.
    Wordless,
    /// The last step that was taken, once more as it was.
    Again,
    /// The last step that was taken, with other words under the same id.
    OtherWords,
}

#[derive(Debug, Clone, Copy)]
enum Move {
    Step {
        who: usize,
        item: usize,
        what: Try,
        sent: Sent,
    },
    /// What brings an item onward, by somebody who may (or, now and then, by anybody).
    Onward {
        seed: usize,
        item: usize,
        fails: bool,
    },
    /// Two people at once, from the same page.
    Race {
        item: usize,
        one: (usize, Try),
        other: (usize, Try),
    },
    /// What the items rest on is taken back, or holds again.
    Signal,
    /// The next day.
    Day,
}

fn tries() -> impl Strategy<Value = Try> {
    prop_oneof![
        3 => (0..PEOPLE.len()).prop_map(Try::Assign),
        4 => Just(Try::Start),
        1 => Just(Try::Progress),
        6 => (0_usize..3).prop_map(Try::Measure),
        4 => Just(Try::Submit),
        4 => Just(Try::Check),
        4 => Just(Try::Pass),
        1 => Just(Try::Fail),
        1 => Just(Try::Reopen),
        1 => Just(Try::Cancel),
        1 => Just(Try::Note),
        1 => Just(Try::Attach),
        1 => Just(Try::Money),
        1 => any::<bool>().prop_map(Try::LookBack),
    ]
}

/// Mostly those who can do something.
fn people() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 0_usize..5, 1 => 5_usize..PEOPLE.len()]
}

fn moves() -> impl Strategy<Value = Move> {
    let sent = prop_oneof![
        14 => Just(Sent::Fresh),
        1 => Just(Sent::Stale),
        1 => Just(Sent::Thrice),
        1 => Just(Sent::Wordless),
        1 => Just(Sent::Again),
        1 => Just(Sent::OtherWords),
    ];
    let step =
        (people(), 0_usize..2, tries(), sent).prop_map(|(who, item, what, sent)| Move::Step { who, item, what, sent });
    let race = (0_usize..2, (people(), tries()), (people(), tries())).prop_map(|(item, one, other)| Move::Race {
        item,
        one,
        other,
    });
    let onward = (any::<prop::sample::Index>(), 0_usize..2, prop::bool::weighted(0.2))
        .prop_map(|(seed, item, fails)| Move::Onward { seed: seed.index(1_000), item, fails });
    prop_oneof![12 => step, 16 => onward, 2 => race, 2 => Just(Move::Signal), 1 => Just(Move::Day)]
}

/// What the model knows of an item.
#[derive(Debug, Clone, PartialEq)]
struct Item {
    id: Uuid,
    required: Vec<String>,
    state: &'static str,
    round: i64,
    version: i64,
    assignee: Option<usize>,
    submitted_by: Option<usize>,
    checked_by: Option<usize>,
    /// Looked back at in this round.
    looked_back: bool,
    done: BTreeSet<String>,
    /// Who had a hand in the work of this round.
    hands: BTreeSet<usize>,
    events: i64,
    /// Times that it was opened, reopened, closed and cancelled.
    moved: [i64; 4],
}

fn is_open(state: &str) -> bool {
    !["closed", "cancelled"].contains(&state)
}

impl Item {
    /// What the product must answer, and the item afterwards.
    fn after(&self, who: usize, what: Try, version: i64, words: bool) -> Result<Self, &'static str> {
        let role = PEOPLE[who].1;
        let mut next = self.clone();
        if role == Role::HealthClerk {
            return Err("ledger.forbidden");
        }
        if PEOPLE[who].2 == OTHER || (role == Role::Helper && self.assignee != Some(who)) {
            return Err("ledger.not_found");
        }
        let staff = [Role::CountyStaff, Role::TownshipStaff].contains(&role);
        let may = match what {
            Try::Assign(_) | Try::Reopen => staff,
            Try::Cancel => role == Role::CountyStaff,
            Try::Check | Try::Pass | Try::Fail | Try::LookBack(_) => role != Role::Helper,
            Try::Start | Try::Progress | Try::Measure(_) | Try::Submit | Try::Note | Try::Attach | Try::Money => true,
        };
        if !may {
            return Err("ledger.forbidden");
        }
        if what == Try::Attach {
            if !is_open(self.state) {
                return Err("ledger.wrong_state");
            }
            if !["submitted", "checking"].contains(&self.state) {
                next.hands.insert(who);
            }
            next.events += 1;
            return Ok(next);
        }
        if version != self.version {
            return Err("ledger.stale");
        }
        let (from, to): (&[&str], Option<&'static str>) = match what {
            Try::Assign(_) => (&["to_verify", "assigned", "in_progress", "returned"], Some("assigned")),
            Try::Start => (&["to_verify", "assigned", "returned"], Some("in_progress")),
            Try::Progress | Try::Measure(_) => (&["in_progress"], None),
            Try::Submit => (&["in_progress"], Some("submitted")),
            Try::Check => (&["submitted"], Some("checking")),
            Try::Pass => (&["checking"], Some("closed")),
            Try::Fail => (&["checking"], Some("returned")),
            Try::Reopen => (&["closed", "cancelled"], Some("to_verify")),
            Try::Cancel => {
                (&["to_verify", "assigned", "in_progress", "submitted", "checking", "returned"], Some("cancelled"))
            }
            Try::Note | Try::Attach => (&[], None),
            Try::Money => {
                (&["to_verify", "assigned", "in_progress", "submitted", "checking", "returned", "closed"], None)
            }
            Try::LookBack(true) => (&["closed"], None),
            Try::LookBack(false) => (&["closed"], Some("to_verify")),
        };
        if !from.is_empty() && !from.contains(&self.state) {
            return Err("ledger.wrong_state");
        }
        let needs_words = !matches!(what, Try::Assign(_) | Try::Start | Try::Check | Try::Measure(_) | Try::Money);
        if needs_words && !words {
            return Err("ledger.note");
        }
        if matches!(what, Try::Check | Try::Pass | Try::Fail | Try::LookBack(_))
            && (self.submitted_by == Some(who) || self.hands.contains(&who))
        {
            return Err("ledger.self_check");
        }
        let all_done = self.required.iter().all(|measure| self.done.contains(measure));
        match what {
            Try::Assign(to) => {
                if PEOPLE[to].1 == Role::HealthClerk || PEOPLE[to].2 == OTHER {
                    return Err("ledger.assignee");
                }
                next.assignee = Some(to);
            }
            Try::Measure(n) if !next.done.insert(self.measure(n)) => return Err("ledger.measure_done"),
            Try::Submit | Try::Pass if !all_done => return Err("ledger.measures_open"),
            Try::Submit => next.submitted_by = Some(who),
            Try::Pass | Try::Fail => next.checked_by = Some(who),
            Try::Reopen => next.begin_round(),
            Try::LookBack(_) if self.checked_by == Some(who) => return Err("ledger.own_closing"),
            Try::LookBack(_) if self.looked_back => return Err("ledger.looked_back"),
            Try::LookBack(true) => next.looked_back = true,
            Try::LookBack(false) => {
                // That it was seen is an event of the round before, what followed from it one of the next.
                next.events += 1;
                next.begin_round();
            }
            _ => {}
        }
        if matches!(what, Try::Start | Try::Progress | Try::Measure(_) | Try::Submit | Try::Money) {
            next.hands.insert(who);
        }
        if let Some(to) = to {
            next.change(to);
        }
        next.version += 1;
        next.events += 1;
        Ok(next)
    }

    fn measure(&self, n: usize) -> String {
        self.required.get(n).cloned().unwrap_or_else(|| "water".to_owned())
    }

    fn begin_round(&mut self) {
        self.round += 1;
        self.assignee = None;
        self.submitted_by = None;
        self.checked_by = None;
        self.looked_back = false;
        self.done.clear();
        self.hands.clear();
    }

    fn change(&mut self, to: &'static str) {
        match (is_open(self.state), to) {
            (true, "closed") => self.moved[2] += 1,
            (true, "cancelled") => self.moved[3] += 1,
            (false, to) if is_open(to) => self.moved[1] += 1,
            _ => {}
        }
        self.state = to;
    }

    /// The facts behind it are taken back, or hold again.
    fn signal(&mut self, holds: bool) {
        match (holds, is_open(self.state)) {
            (false, true) => self.change("cancelled"),
            (true, false) => {
                self.begin_round();
                self.change("to_verify");
            }
            _ => {}
        }
        self.version += 1;
        self.events += 1;
    }
}

struct Walk<'a> {
    app: App,
    people: &'a [Actor],
    items: Vec<Item>,
    signal: Uuid,
    home: Uuid,
    holds: bool,
    /// The last step that was taken: who, which item, the step, the version that it made.
    last: Option<(usize, usize, Step, i64)>,
    /// Events and audited steps by people.
    acted: i64,
    /// What was open at the end of each day: items of this walk, and whether its household was among them.
    days: BTreeMap<chrono::NaiveDate, (i64, i64)>,
    seen: &'a mut BTreeMap<&'static str, u32>,
}

impl Walk<'_> {
    fn action(&self, item: usize, what: Try) -> Action {
        match what {
            Try::Assign(to) => Action::Assign { assignee: self.people[to].user_id.unwrap(), deadline: None },
            Try::Start => Action::Start,
            Try::Progress => Action::Progress,
            Try::Measure(n) => Action::Measure { id: self.items[item].measure(n) },
            Try::Submit => Action::Submit,
            Try::Check => Action::Check,
            Try::Pass => Action::Pass { place: String::new() },
            Try::Fail => Action::Fail,
            Try::Reopen => Action::Reopen,
            Try::Cancel => Action::Cancel,
            Try::Note | Try::Attach => Action::Note,
            Try::Money => Action::Money(NewMoney {
                kind: MoneyKind::Spent,
                source: "county".to_owned(),
                fen: 12_345,
                day: self.app.clock.today(),
            }),
            Try::LookBack(holds) => Action::LookBack { holds, place: String::new() },
        }
    }

    async fn send(&self, who: usize, item: usize, what: Try, step: Step) -> Result<Option<Done>, LedgerError> {
        let (actor, id) = (&self.people[who], self.items[item].id);
        if what == Try::Attach {
            let png = b"\x89PNG\r\n\x1a\nphoto".to_vec();
            return ledger::attach(&self.app, actor, id, step.event_id, "p.png", png).await.map(|()| None);
        }
        ledger::act(&self.app, actor, id, step).await.map(Some)
    }

    fn step(&self, item: usize, what: Try, version: i64, words: bool) -> Step {
        let note = if words { "如实办理，现场看过" } else { "" };
        Step { event_id: ids::new_id(), version, action: self.action(item, what), note: note.to_owned() }
    }

    /// The product's answer against the model's.
    fn agree(
        &mut self,
        item: usize,
        said: Result<Option<Done>, LedgerError>,
        meant: Result<Item, &'static str>,
    ) -> Result<(), String> {
        match (said, meant) {
            (Ok(done), Ok(next)) => {
                if let Some(done) = done {
                    same("repeated", done.repeated, false)?;
                    same("version", done.version, next.version)?;
                    same("state", done.state.name(), next.state)?;
                }
                *self.seen.entry(next.state).or_default() += 1;
                self.acted += next.events - self.items[item].events;
                self.items[item] = next;
                Ok(())
            }
            (Err(error), Err(code)) => {
                *self.seen.entry(code).or_default() += 1;
                same("error", error.code(), code)
            }
            (said, meant) => Err(format!("said {said:?}, meant {meant:?}")),
        }
    }

    async fn take(&mut self, step: Move) -> Result<(), String> {
        match step {
            Move::Day => {
                self.day_ends();
                let next = self.app.clock.today().succ_opt().unwrap();
                self.app.clock = Clock::fixed(next);
            }
            Move::Signal => {
                self.holds = !self.holds;
                let (state, why) = if self.holds { ("active", "") } else { ("withdrawn", "excluded") };
                world::end_signal(&self.app, self.signal, state, why).await;
                road::signals_changed(&self.app, &machine(), &[self.home]).await.map_err(|e| e.to_string())?;
                for item in &mut self.items {
                    item.signal(self.holds);
                }
                *self.seen.entry("signal").or_default() += 1;
            }
            Move::Race { item, one, other } => {
                let version = self.items[item].version;
                let (a, b) = (self.step(item, one.1, version, true), self.step(item, other.1, version, true));
                let (said_a, said_b) =
                    tokio::join!(self.send(one.0, item, one.1, a), self.send(other.0, item, other.1, b));
                let now = self.items[item].clone();
                let order = |first: (usize, Try), second: (usize, Try)| {
                    let meant = now.after(first.0, first.1, version, true);
                    let between = meant.clone().unwrap_or_else(|_| now.clone());
                    (meant, between.after(second.0, second.1, version, true))
                };
                let code = |said: &Result<Option<Done>, LedgerError>| said.as_ref().err().map(UserError::code);
                let codes = (code(&said_a), code(&said_b));
                let (a_first, b_first) = (order(one, other), order(other, one));
                if codes == (a_first.0.clone().err(), a_first.1.clone().err()) {
                    self.agree(item, said_a, a_first.0)?;
                    self.agree(item, said_b, a_first.1)?;
                } else if codes == (b_first.1.clone().err(), b_first.0.clone().err()) {
                    self.agree(item, said_b, b_first.0)?;
                    self.agree(item, said_a, b_first.1)?;
                } else {
                    return Err(format!("{codes:?}; one order {a_first:?}, the other {b_first:?}"));
                }
                *self.seen.entry("race").or_default() += 1;
            }
            Move::Step { who, item, what, sent } => self.sent(who, item, what, sent).await?,
            Move::Onward { seed, item, fails } => {
                let now = &self.items[item];
                let open = (0..now.required.len()).find(|n| !now.done.contains(&now.required[*n]));
                let what = match now.state {
                    "in_progress" => open.map_or(Try::Submit, Try::Measure),
                    "submitted" => Try::Check,
                    "checking" if fails => Try::Fail,
                    "checking" => Try::Pass,
                    "closed" if fails || seed % 3 == 0 => Try::LookBack(!fails),
                    "closed" | "cancelled" => Try::Reopen,
                    _ => Try::Start,
                };
                let able: Vec<usize> = (0..PEOPLE.len())
                    .filter(|who| now.after(*who, what, now.version, true).is_ok() || seed % 7 == 0)
                    .collect();
                if let Some(who) = able.get(seed % able.len().max(1)) {
                    self.sent(*who, item, what, Sent::Fresh).await?;
                }
            }
        }
        Ok(())
    }

    async fn sent(&mut self, who: usize, item: usize, what: Try, sent: Sent) -> Result<(), String> {
        let now = self.items[item].clone();
        if matches!(sent, Sent::Again | Sent::OtherWords) {
            let Some((who, item, mut step, made)) = self.last.clone() else {
                return Ok(());
            };
            let same_words = sent == Sent::Again;
            if !same_words {
                step.note.push_str("，另有补充");
            }
            // Whoever does not see the item any more is not told that it was done.
            let hidden = PEOPLE[who].1 == Role::Helper && self.items[item].assignee != Some(who);
            let said = self.send(who, item, Try::Note, step).await;
            *self.seen.entry("again").or_default() += 1;
            return match (said, hidden, same_words) {
                (Ok(Some(done)), false, true) => {
                    same("repeated", done.repeated, true)?;
                    same("version", done.version, made)
                }
                (Err(error), true, _) => same("error", error.code(), "ledger.not_found"),
                (Err(error), false, false) => same("error", error.code(), "ledger.resent"),
                (said, ..) => Err(format!("sent again: {said:?}")),
            };
        }
        let version = if sent == Sent::Stale { now.version - 1 } else { now.version };
        let words = sent != Sent::Wordless;
        let step = self.step(item, what, version, words);
        let meant = now.after(who, what, version, words);
        if sent == Sent::Thrice && what != Try::Attach {
            let [a, b, c] = [(); 3].map(|()| self.send(who, item, what, step.clone()));
            let (a, b, c) = tokio::join!(a, b, c);
            let all = [a, b, c];
            let new = all.iter().filter(|said| matches!(said, Ok(Some(done)) if !done.repeated)).count();
            // What takes an item out of somebody's sight hides it from their second request as well.
            let mut all: Vec<_> = all.into_iter().collect();
            all.sort_by_key(|said| match said {
                Ok(Some(done)) => i32::from(done.repeated),
                _ => 2,
            });
            same("done how often", new, usize::from(meant.is_ok()))?;
            let hidden = meant.as_ref().is_ok_and(|next| PEOPLE[who].1 == Role::Helper && next.assignee != Some(who));
            for said in all.iter().skip(1) {
                match (said, &meant) {
                    (Ok(Some(done)), Ok(_)) => same("repeated", done.repeated, true)?,
                    (Err(error), Ok(_)) if hidden => same("error", error.code(), "ledger.not_found")?,
                    (Err(error), Err(code)) => same("error", error.code(), *code)?,
                    (said, meant) => return Err(format!("thrice: said {said:?}, meant {meant:?}")),
                }
            }
            let taken = meant.is_ok();
            self.agree(item, all.remove(0), meant)?;
            if taken {
                self.last = Some((who, item, step, self.items[item].version));
            }
            *self.seen.entry("thrice").or_default() += 1;
            return Ok(());
        }
        let said = self.send(who, item, what, step.clone()).await;
        let taken = said.is_ok() && what != Try::Attach;
        self.agree(item, said, meant)?;
        if taken {
            self.last = Some((who, item, step, self.items[item].version));
        }
        Ok(())
    }

    fn day_ends(&mut self) {
        let open = self.items.iter().filter(|item| is_open(item.state)).count() as i64;
        self.days.insert(self.app.clock.today(), (open, i64::from(open > 0)));
    }

    /// Whether the database says of each item what the model does.
    async fn items_agree(&self) -> Result<(), String> {
        for item in &self.items {
            let found = ledger::whole(&self.app, &machine(), item.id, Lang::Zh).await.map_err(|e| e.to_string())?.item;
            let id = |who: Option<usize>| who.and_then(|who| self.people[who].user_id);
            same("state", found.state.as_str(), item.state)?;
            same("round and version", (found.round, found.version), (item.round, item.version))?;
            same("assignee", found.assignee_id, id(item.assignee))?;
            same("submitted by", found.submitted_by, id(item.submitted_by))?;
            let done: BTreeSet<String> = found.measures().into_iter().filter(|m| m.done).map(|m| m.id).collect();
            same("measures", &done, &item.done)?;
            same("closed on", found.closed_on.is_empty(), is_open(item.state))?;
        }
        Ok(())
    }

    /// Whether the events alone explain each item, and no closing lacks what it needs.
    async fn events_agree(&self) -> Result<(), String> {
        for item in &self.items {
            let whole = ledger::whole(&self.app, &machine(), item.id, Lang::Zh).await.map_err(|e| e.to_string())?;
            let mut events = whole.events;
            events.reverse();
            same("events", events.len() as i64, item.events)?;
            let (mut state, mut round) = (String::new(), 1);
            let (mut hands, mut measures, mut checking) = (BTreeSet::new(), BTreeSet::new(), false);
            let mut moved = [0_i64; 4];
            for (n, event) in (1_i64..).zip(&events) {
                same("seq", event.seq, n)?;
                same("from", &event.from_state, &state)?;
                if event.round != round {
                    same("round", event.round, round + 1)?;
                    same("a new round", event.action.as_str(), "reopen")?;
                    (hands, measures, checking) = (BTreeSet::new(), BTreeSet::new(), false);
                    round = event.round;
                }
                let data: serde_json::Value = serde_json::from_str(&event.data).unwrap();
                if taizhang::ledger::model::is_work(&event.action, &event.from_state) {
                    hands.insert(event.actor_id);
                }
                match event.action.as_str() {
                    "measure" => {
                        measures.insert(data["measure"].as_str().unwrap().to_owned());
                    }
                    "check" => checking = true,
                    "fail" => checking = false,
                    "pass" => {
                        if hands.contains(&event.actor_id) || event.actor_id.is_none() {
                            return Err(format!("{} checked their own work", event.actor_name));
                        }
                        if !checking || event.note.chars().count() < 4 {
                            return Err("closed without a check or without what was seen".to_owned());
                        }
                        if let Some(missing) = item.required.iter().find(|measure| !measures.contains(*measure)) {
                            return Err(format!("closed without {missing}"));
                        }
                    }
                    _ => {}
                }
                match (event.action.as_str(), is_open(&state), event.to_state.as_str()) {
                    ("open", ..) => moved[0] += 1,
                    (_, false, to) if is_open(to) => moved[1] += 1,
                    (_, true, "closed") => moved[2] += 1,
                    (_, true, "cancelled") => moved[3] += 1,
                    _ => {}
                }
                state.clone_from(&event.to_state);
            }
            same("the state that the events lead to", state.as_str(), item.state)?;
            same("movements by the events", moved, item.moved)?;
        }
        let by_people = world::number(
            &self.app,
            "SELECT COUNT(*) FROM item_event WHERE household_id = $1 AND actor_id IS NOT NULL",
            args![self.home],
        )
        .await;
        same("events by people", by_people, self.acted)?;
        let mut audited = 0;
        for item in &self.items {
            let sql = "SELECT COUNT(*) FROM audit WHERE object_kind = 'item' AND object_id = $1";
            audited += world::number(&self.app, sql, args![item.id.to_string()]).await;
        }
        same("audited steps", audited, self.acted)
    }

    /// Whether the books balance, and say of every day of the walk what was open then.
    async fn books_agree(&self, base: (i64, i64)) -> Result<(), String> {
        let now = ledger::reconcile(&self.app, &machine(), "").await.map_err(|e| e.to_string())?;
        if !now.faults.is_empty() {
            return Err(format!("the books do not balance: {:?}", now.faults));
        }
        for (day, (items, households)) in &self.days {
            let asked = Asked { division: VILLAGE.to_owned(), from: Some(*day), to: *day };
            let found = books(&self.app, &machine(), &asked).await.map_err(|e| e.to_string())?;
            if !found.proof.faults.is_empty() {
                return Err(format!("the books of {day}: {:?}", found.proof.faults));
            }
            let sheets = [found.total.items, found.total.households, found.total.persons];
            if let Some(sheet) = sheets.iter().find(|sheet| !sheet.balances()) {
                return Err(format!("{day}: {sheet:?} does not add up"));
            }
            same("items open then", found.total.items.end, base.0 + items)?;
            same("households open then", found.total.households.end, base.1 + households)?;
        }
        Ok(())
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, meant: T) -> Result<(), String> {
    if found == meant { Ok(()) } else { Err(format!("{what}: {found:?}, but {meant:?} was meant")) }
}

/// One walk over a household of its own; how it went astray, if it did.
async fn walk(
    app: &App,
    people: &[Actor],
    n: u128,
    steps: &[Move],
    seen: &mut BTreeMap<&'static str, u32>,
) -> Result<chrono::NaiveDate, String> {
    let (home, persons) = world::household(app, n, VILLAGE, &["", ""]).await;
    let asked = Asked { division: VILLAGE.to_owned(), from: None, to: app.clock.today() };
    let before = books(app, &machine(), &asked).await.map_err(|e| e.to_string())?.total;
    let signal = world::signal(app, "epidemic.confirmed", "person", persons[0], home, "{}").await;
    road::signals_changed(app, &machine(), &[home]).await.map_err(|e| e.to_string())?;
    let ids: Vec<(Uuid,)> =
        app.db.all("SELECT id FROM item WHERE household_id = $1 ORDER BY rule_id", args![home]).await.unwrap();
    let mut items = Vec::new();
    for (id,) in ids {
        let found = ledger::whole(app, &machine(), id, Lang::Zh).await.map_err(|e| e.to_string())?.item;
        items.push(Item {
            id,
            required: found.measures().into_iter().filter(|m| m.required).map(|m| m.id).collect(),
            state: "to_verify",
            round: 1,
            version: 1,
            assignee: None,
            submitted_by: None,
            checked_by: None,
            looked_back: false,
            done: BTreeSet::new(),
            hands: BTreeSet::new(),
            events: 1,
            moved: [1, 0, 0, 0],
        });
    }
    same("items", items.len(), 2)?;
    let mut walk = Walk {
        app: app.clone(),
        people,
        items,
        signal,
        home,
        holds: true,
        last: None,
        acted: 0,
        days: BTreeMap::new(),
        seen,
    };
    for (at, step) in steps.iter().enumerate() {
        let here = |why: String| format!("step {at}, {step:?}: {why}");
        walk.take(*step).await.map_err(here)?;
        walk.items_agree().await.map_err(here)?;
    }
    walk.day_ends();
    walk.events_agree().await?;
    walk.books_agree((before.items.end, before.households.end)).await?;
    Ok(walk.app.clock.today())
}

/// As many walks as there is time for, a fixed stream of them: `TAIZHANG_MODEL_WALKS` asks for more and takes no heed of
/// the time.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_people_do_the_product_answers_as_the_model_says_and_the_books_balance() {
    let wanted: Option<u32> = std::env::var("TAIZHANG_MODEL_WALKS").ok().and_then(|n| n.parse().ok());
    each_database(|app| async move {
        world::divisions(&app).await;
        let mut people = Vec::new();
        for (login, role, place) in PEOPLE {
            people.push(world::user(&app, login, role, place).await);
        }
        let config = Config {
            cases: wanted.unwrap_or(16),
            max_shrink_iters: 60,
            failure_persistence: None,
            ..Config::default()
        };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
        let began = std::time::Instant::now();
        let (mut n, mut day, mut done, mut seen) = (0, today(), 0_u32, BTreeMap::new());
        let state = std::cell::RefCell::new((&mut n, &mut day, &mut done, &mut seen));
        let outcome = tokio::task::block_in_place(|| {
            runner.run(&proptest::collection::vec(moves(), STEPS), |steps| {
                let mut state = state.borrow_mut();
                let (n, day, done, seen) = &mut *state;
                if wanted.is_none() && began.elapsed() > Duration::from_secs(12) {
                    return Ok(());
                }
                **n += 1;
                let now = App { clock: Clock::fixed(**day), ..app.clone() };
                let walked = tokio::runtime::Handle::current().block_on(walk(&now, &people, **n, &steps, seen));
                // A walk that went astray has left days of its own behind.
                **day = walked.as_ref().copied().unwrap_or(**day + chrono::Days::new(STEPS as u64));
                **done += 1;
                walked.map(|_| ()).map_err(TestCaseError::fail)
            })
        });
        if let Err(error) = outcome {
            panic!("{error}");
        }
        eprintln!("{}: {done} walks in {:?}: {seen:?}", app.db.name(), began.elapsed());
        assert!(done >= 2, "{done} walks are none");
        // A slow machine walks less far.
        let all = ["closed", "signal", "ledger.self_check", "ledger.measures_open", "race", "again"];
        for must in all.iter().take(if done < 8 { 0 } else { all.len() }) {
            assert!(seen.contains_key(*must), "no walk came to {must}: {seen:?}");
        }
        assert!(audit::verify(&app.db).await.unwrap().fault.is_none());
    })
    .await;
}
