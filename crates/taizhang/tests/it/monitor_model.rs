//! Random people take random steps of a case on random days, with whole and with faulty papers, while the household's
//! facts change under them. Whatever they do: no decision without its steps, none before its notice is over, no
//! elimination that is forbidden; and the rows are what the events come to.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use taizhang::access::{Actor, Role, audit};
use taizhang::args;
use taizhang::monitor::model::{Given, Minutes, NewMeasure, Notice, Step};
use taizhang::monitor::{self, flow};
use taizhang::platform::{App, ids};
use uuid::Uuid;

use crate::monitor::{begin, clue_about, everything, income, later, on, sound_household, start, version};
use crate::support::{each_database, machine};
use crate::world::{self, OTHER, VILLAGE, run};

/// Who acts: name, role and place.
const PEOPLE: [(&str, Role, &str); 6] = [
    ("r-county", Role::CountyStaff, "990101"),
    ("r-town", Role::TownshipStaff, "990101001"),
    ("r-village", Role::VillageOfficer, VILLAGE),
    ("r-analyst", Role::Analyst, ""),
    ("r-foreign", Role::VillageOfficer, OTHER),
    ("r-clerk", Role::HealthClerk, "990101"),
];

/// What is wrong with the papers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    Nothing,
    ShortNotice,
    OldNotice,
    Against,
    Unanswered,
    OtherRisk,
}

/// What changes about the household.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fact {
    Poor,
    Labour,
    Water,
}

#[derive(Debug, Clone, Copy)]
enum Move {
    /// A step that somebody may take where the case stands.
    Onward { pick: usize, fault: Fault },
    /// Any step, by anybody.
    Any { pick: usize, who: usize, fault: Fault, stale: bool },
    /// Days go by.
    Days(u64),
    /// The household's facts change.
    Turn(Fact),
}

fn moves() -> impl Strategy<Value = Move> {
    let fault = || {
        prop_oneof![
            14 => Just(Fault::None),
            1 => Just(Fault::Nothing),
            1 => Just(Fault::ShortNotice),
            1 => Just(Fault::OldNotice),
            1 => Just(Fault::Against),
            1 => Just(Fault::Unanswered),
            1 => Just(Fault::OtherRisk),
        ]
    };
    let fact = prop_oneof![Just(Fact::Poor), Just(Fact::Labour), Just(Fact::Water)];
    prop_oneof![
        12 => (0_usize..1_000, fault()).prop_map(|(pick, fault)| Move::Onward { pick, fault }),
        3 => (0_usize..1_000, 0..PEOPLE.len(), fault(), prop::bool::weighted(0.2))
            .prop_map(|(pick, who, fault, stale)| Move::Any { pick, who, fault, stale }),
        4 => (1_u64..8).prop_map(Move::Days),
        2 => Just(Move::Days(190)),
        1 => fact.prop_map(Move::Turn),
    ]
}

/// What the test itself has seen succeed.
#[derive(Debug, Clone)]
struct Taken {
    action: String,
    day: NaiveDate,
    given: Given,
}

struct Walk {
    app: App,
    people: Vec<Actor>,
    home: Uuid,
    case: Uuid,
    day: NaiveDate,
    poor: bool,
    able: bool,
    water: bool,
    /// Of the round.
    taken: Vec<Taken>,
    reached: BTreeMap<String, u32>,
}

impl Walk {
    fn last(&self, action: &str) -> Option<usize> {
        self.taken.iter().rposition(|taken| taken.action == action)
    }

    fn given(&self, action: &str, fault: Fault) -> Given {
        let mut all = everything(self.day);
        match fault {
            Fault::None => {}
            Fault::Nothing => return Given::default(),
            Fault::ShortNotice => {
                all.notice = Some(Notice { from: self.day.to_string(), to: later(self.day, 3).to_string() });
            }
            Fault::OldNotice => {
                let from = self.day.checked_sub_days(chrono::Days::new(30)).unwrap();
                all.notice = Some(Notice { from: from.to_string(), to: later(from, 6).to_string() });
            }
            Fault::Against => all.minutes = Some(Minutes { agreed: 3, ..all.minutes.unwrap() }),
            Fault::Unanswered => all.answers.clear(),
            Fault::OtherRisk => {
                all.measure = all.measure.map(|measure| NewMeasure { risk: "因学".to_owned(), ..measure });
            }
        }
        if action == "measure_end" {
            let first = self.taken.iter().find(|taken| taken.given.measure.is_some());
            all.ended = first.map(|_| ids::new_id());
            all.ended_on = self.day.to_string();
        }
        all
    }

    /// What must have been there, by what the test has seen; `None` where all of it was.
    fn lacking(&self, action: &str, given: &Given) -> Option<String> {
        let over = |action: &str, after: &[&str]| {
            let at = self.last(action)?;
            // No earlier than the step before it was recorded.
            let before = self.taken[..at].iter().rev().find(|taken| after.contains(&taken.action.as_str()))?;
            let notice = self.taken[at].given.notice.clone()?;
            let (from, to): (NaiveDate, NaiveDate) = (notice.from.parse().ok()?, notice.to.parse().ok()?);
            let whole = (to - from).num_days() >= 5 && to < self.day && from >= before.day;
            whole.then_some(at)
        };
        let count = |action: &str| self.taken.iter().filter(|taken| taken.action == action).count();
        match action {
            "mark" | "township" => {
                for step in ["apply", "visit", "review"] {
                    if self.last(step).is_none() {
                        return Some(format!("{action} without {step}"));
                    }
                }
                // The answer of the agencies may come with the step that needs it.
                let with = |action: &str| ["compare", "township", "mark"].contains(&action);
                let known = self.taken.iter().any(|t| with(&t.action) && t.given.comparison.is_some());
                if !known && given.comparison.is_none() {
                    return Some(format!("{action} without a comparison"));
                }
                if count("review") != 1 {
                    return Some(format!("{} reviews", count("review")));
                }
                let Some(at) = over("publish", &["review", "recheck"]) else {
                    return Some(format!("{action} before the notice is over"));
                };
                if ["object", "recheck", "return"].iter().any(|step| self.last(step).is_some_and(|n| n > at)) {
                    return Some(format!("{action} on a notice that was objected to"));
                }
                (action == "mark" && self.last("township").is_none_or(|n| n < at))
                    .then(|| "marked without the township".to_owned())
            }
            "eliminate" | "elim_township" => {
                let marked = self.last("mark").map(|at| self.taken[at].day);
                if marked.is_none_or(|day| (self.day - day).num_days() < 183) {
                    return Some("eliminated too early".to_owned());
                }
                let helped = self.taken.iter().any(|taken| {
                    ["measure", "measure_first"].contains(&taken.action.as_str())
                        && taken.given.measure.as_ref().is_some_and(|m| m.risk == "因务工就业不稳")
                });
                if !helped {
                    return Some("eliminated without a measure against its risk".to_owned());
                }
                if self.poor || !self.able || !self.water {
                    return Some(format!("eliminated: poor {}, able {}, water {}", self.poor, self.able, self.water));
                }
                let verified = self.last("verify");
                let Some(at) = over("elim_publish", &["verify"]).filter(|at| verified.is_some_and(|n| n < *at)) else {
                    return Some(format!("{action} before the notice is over"));
                };
                if ["elim_object", "elim_return"].iter().any(|step| self.last(step).is_some_and(|n| n > at)) {
                    return Some("eliminated although it was objected to".to_owned());
                }
                None
            }
            _ => None,
        }
    }

    async fn send(&mut self, who: usize, action: &str, given: Given, stale: bool) -> Result<(), String> {
        let app = on(&self.app, self.day);
        let seen = version(&app, self.case).await;
        let step = Step {
            event_id: ids::new_id(),
            version: seen - i64::from(stale),
            action: action.to_owned(),
            note: "如实办理，现场看过".to_owned(),
            given: given.clone(),
        };
        let said = monitor::act(&app, &self.people[who], self.case, step).await;
        let now = version(&app, self.case).await;
        match said {
            Ok(done) => {
                if stale {
                    return Err(format!("{action}: a stale form was taken"));
                }
                if PEOPLE[who].2 == OTHER || [Role::HealthClerk, Role::Analyst].contains(&PEOPLE[who].1) {
                    return Err(format!("{action} by {}", PEOPLE[who].0));
                }
                if (now, done.version) != (seen + 1, seen + 1) {
                    return Err(format!("{action}: version {seen} became {now}"));
                }
                if let Some(why) = self.lacking(action, &given) {
                    return Err(why);
                }
                if action == "review" && self.last("review").is_some() {
                    return Err("a second review".to_owned());
                }
                *self.reached.entry(done.state).or_default() += 1;
                if action == "again" {
                    self.taken.clear();
                } else {
                    self.taken.push(Taken { action: action.to_owned(), day: self.day, given });
                }
                Ok(())
            }
            Err(error) if now == seen => {
                *self.reached.entry(taizhang::platform::UserError::code(&error).to_owned()).or_default() += 1;
                Ok(())
            }
            Err(error) => Err(format!("{action} failed with {error} and changed the case")),
        }
    }

    async fn go(&mut self, step: Move) -> Result<(), String> {
        let policy = monitor::policy(&self.app).await.unwrap();
        let machine = policy.monitoring.as_ref().unwrap().machine.clone().unwrap();
        match step {
            Move::Days(n) => self.day = later(self.day, n),
            Move::Turn(Fact::Poor) => {
                self.poor = !self.poor;
                income(&self.app, self.home, if self.poor { 3_000.0 } else { 9_000.0 }).await;
            }
            Move::Turn(Fact::Labour) => {
                self.able = !self.able;
                let labour = if self.able { "普通劳动力" } else { "丧失劳动力" };
                run(&self.app, "UPDATE person SET labour = $2 WHERE household_id = $1", args![self.home, labour]).await;
            }
            Move::Turn(Fact::Water) => {
                self.water = !self.water;
                run(&self.app, "UPDATE household SET safe_water = $2 WHERE id = $1", args![self.home, self.water])
                    .await;
            }
            Move::Onward { pick, fault } => {
                let whole =
                    monitor::whole(&on(&self.app, self.day), &machine_actor(), self.case, taizhang::platform::Lang::Zh)
                        .await
                        .map_err(|e| e.to_string())?;
                let open: Vec<_> = whole.possible.iter().filter(|t| !aside(&t.action, pick)).collect();
                let Some(wanted) = open.get(pick % open.len().max(1)) else {
                    return Ok(());
                };
                let able: Vec<usize> = (0..3)
                    .filter(|who| {
                        let who = flow::Who { role: PEOPLE[*who].1, is_machine: false };
                        flow::possible(&machine, &whole.progress, who).iter().any(|t| t.action == wanted.action)
                    })
                    .collect();
                if let Some(who) = able.get(pick % able.len().max(1)) {
                    let given = self.given(&wanted.action, fault);
                    self.send(*who, &wanted.action.clone(), given, false).await?;
                }
            }
            Move::Any { pick, who, fault, stale } => {
                let action = machine.transitions[pick % machine.transitions.len()].action.clone();
                let given = self.given(&action, fault);
                self.send(who, &action, given, stale).await?;
            }
        }
        Ok(())
    }
}

fn machine_actor() -> Actor {
    machine()
}

/// Most walks go the long way; now and then one leaves it.
fn aside(action: &str, pick: usize) -> bool {
    let leaves =
        ["reject", "decrease", "object", "elim_object", "elim_return", "return", "clear", "green", "measure_end"];
    leaves.contains(&action) && !pick.is_multiple_of(11)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_walk_reaches_a_decision_that_its_steps_do_not_bear() {
    each_database(|app| async move {
        let app = start(&app).await;
        let mut people = Vec::new();
        for (login, role, division) in PEOPLE {
            people.push(world::user(&app, login, role, division).await);
        }
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        let mut runner = TestRunner::new_with_rng(
            Config { cases: 16, max_shrink_iters: 40, failure_persistence: None, ..Config::default() },
            rng,
        );
        let (handle, reached) = (tokio::runtime::Handle::current(), std::cell::RefCell::new(BTreeMap::new()));
        let next = std::cell::Cell::new(100_u128);
        let outcome = tokio::task::block_in_place(|| {
            runner.run(&prop::collection::vec(moves(), 110), |walk| {
                handle.block_on(async {
                    next.set(next.get() + 1);
                    let home = sound_household(&app, next.get()).await;
                    let case = clue_about(&app, &people[2], home).await.id;
                    let mut at = Walk {
                        app: app.clone(),
                        people: people.clone(),
                        home,
                        case,
                        day: begin(),
                        poor: false,
                        able: true,
                        water: true,
                        taken: Vec::new(),
                        reached: BTreeMap::new(),
                    };
                    for step in walk {
                        at.go(step).await.map_err(TestCaseError::fail)?;
                    }
                    for (what, n) in at.reached {
                        *reached.borrow_mut().entry(what).or_insert(0_u32) += n;
                    }
                    Ok(())
                })
            })
        });
        outcome.unwrap();
        let reached = reached.into_inner();
        for needed in [
            "monitored",
            "eliminated",
            "rejected",
            "decreased",
            "recheck",
            "monitor.notice_runs",
            "monitor.notice_short",
            "monitor.condition",
            "monitor.condition_forbids",
            "monitor.stale",
            "monitor.role",
        ] {
            assert!(reached.contains_key(needed), "no walk came to {needed}: {reached:?}");
        }
        assert!(monitor::prove(&app, &machine().scope).await.unwrap().is_empty(), "rows and events part");
        assert!(audit::verify(&app.db).await.unwrap().fault.is_none());
    })
    .await;
}
