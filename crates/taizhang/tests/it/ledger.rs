//! The life of items on both databases.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use taizhang::access::audit;
use taizhang::access::{Actor, Role};
use taizhang::args;
use taizhang::ledger::model::{Action, Done, Filter, Item, Sort, State, Step, Which};
use taizhang::ledger::{self, LedgerError};
use taizhang::platform::{App, Lang, UserError, ids};
use taizhang::road;
use uuid::Uuid;

use crate::support::{each_database, machine};
use crate::world::{self, OTHER, VILLAGE};

async fn item(app: &App, actor: &Actor, id: Uuid) -> Item {
    ledger::whole(app, actor, id, Lang::Zh).await.unwrap().item
}

fn step(action: Action, version: i64, note: &str) -> Step {
    Step { event_id: ids::new_id(), version, action, note: note.to_owned() }
}

async fn act(app: &App, actor: &Actor, id: Uuid, action: Action, note: &str) -> Result<Done, LedgerError> {
    let version = world::number(app, "SELECT version FROM item WHERE id = $1", args![id]).await;
    ledger::act(app, actor, id, step(action, version, note)).await
}

fn code<T: std::fmt::Debug>(outcome: Result<T, LedgerError>) -> &'static str {
    outcome.unwrap_err().code()
}

/// A confirmed case in the village: the item of the person's finding, and the signal behind it.
async fn one_case(app: &App) -> (Uuid, Uuid, Uuid) {
    world::divisions(app).await;
    let (home, people) = world::household(app, 1, VILLAGE, &["", ""]).await;
    world::helper(app, home, VILLAGE, "刘军", 7).await;
    let signal = world::signal(app, "epidemic.confirmed", "person", people[0], home, "{}").await;
    let report = road::signals_changed(app, &machine(), &[home]).await.unwrap();
    assert_eq!(report.items.opened, 2);
    let (id,): (Uuid,) = app.db.one("SELECT id FROM item WHERE rule_id = 'E01'", args![]).await.unwrap();
    (id, signal, home)
}

async fn balanced(app: &App) {
    let books = ledger::reconcile(app, &machine(), "").await.unwrap();
    assert!(books.faults.is_empty(), "{books:?}");
    assert_eq!(books.open_by_rollup, books.open_by_items);
    assert_eq!(books.open_by_events, books.open_by_items);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_life_of_an_item_by_several_people() {
    each_database(|app| async move {
        let (id, _, _) = one_case(&app).await;
        let county = world::user(&app, "county", Role::CountyStaff, "990101").await;
        let officer = world::user(&app, "officer", Role::VillageOfficer, VILLAGE).await;
        let second = world::user(&app, "second", Role::VillageOfficer, VILLAGE).await;
        let helper = world::user(&app, "helper", Role::Helper, VILLAGE).await;
        let foreign = world::user(&app, "foreign", Role::VillageOfficer, OTHER).await;
        let clerk = world::user(&app, "clerk", Role::HealthClerk, "990101").await;
        let fresh = item(&app, &county, id).await;
        assert_eq!(fresh.number, "涉疫-990101-2020-0001");
        assert_eq!(
            (fresh.owner_unit.as_str(), fresh.owner_name.as_str(), fresh.deadline.as_str()),
            ("新桥镇", "刘军", "2020-02-23")
        );
        let whole = ledger::whole(&app, &county, id, Lang::Zh).await.unwrap();
        assert!(whole.evidence[0].contains("赵10：确诊"), "{:?}", whole.evidence);

        // Neither outside the scope, nor without the capability, nor a helper to whom it was not assigned.
        assert_eq!(code(act(&app, &foreign, id, Action::Start, "").await), "ledger.not_found");
        assert_eq!(code(act(&app, &helper, id, Action::Start, "").await), "ledger.not_found");
        assert_eq!(code(act(&app, &clerk, id, Action::Note, "看看").await), "ledger.forbidden");
        assert_eq!(code(act(&app, &officer, id, Action::Cancel, "不需要了").await), "ledger.forbidden");
        let to = |who: &Actor| Action::Assign { assignee: who.user_id.unwrap(), deadline: None };
        assert_eq!(code(act(&app, &officer, id, to(&helper), "").await), "ledger.forbidden");
        assert_eq!(code(act(&app, &county, id, to(&foreign), "").await), "ledger.assignee");
        assert_eq!(code(act(&app, &county, id, to(&clerk), "").await), "ledger.assignee");
        let past = chrono::NaiveDate::from_ymd_opt(2020, 2, 19);
        let late = Action::Assign { assignee: helper.user_id.unwrap(), deadline: past };
        assert_eq!(code(act(&app, &county, id, late, "").await), "ledger.deadline");

        act(&app, &county, id, to(&helper), "").await.unwrap();
        assert_eq!(code(act(&app, &helper, id, Action::Progress, "走访").await), "ledger.wrong_state");
        act(&app, &helper, id, Action::Start, "").await.unwrap();
        assert_eq!(code(act(&app, &helper, id, Action::Progress, "").await), "ledger.note");
        act(&app, &helper, id, Action::Progress, "已送医").await.unwrap();
        assert_eq!(code(act(&app, &helper, id, Action::Submit, "已经解决").await), "ledger.measures_open");
        let measure = |id: &str| Action::Measure { id: id.to_owned() };
        act(&app, &helper, id, measure("health"), "").await.unwrap();
        assert_eq!(code(act(&app, &helper, id, measure("health"), "").await), "ledger.measure_done");
        assert_eq!(code(act(&app, &helper, id, measure("weather"), "").await), "ledger.no_measure");
        act(&app, &officer, id, measure("social_security"), "临时救助 2000 元").await.unwrap();
        act(&app, &helper, id, Action::Submit, "住院治疗，生活有保障").await.unwrap();

        // The helper cannot check at all; the officer had a hand in it; the machine is nobody.
        assert_eq!(code(act(&app, &helper, id, Action::Check, "").await), "ledger.forbidden");
        assert_eq!(code(act(&app, &officer, id, Action::Check, "").await), "ledger.self_check");
        assert_eq!(code(act(&app, &machine(), id, Action::Check, "").await), "ledger.forbidden");
        assert_eq!(
            code(act(&app, &second, id, Action::Pass { place: String::new() }, "看过了").await),
            "ledger.wrong_state"
        );
        act(&app, &second, id, Action::Check, "").await.unwrap();
        assert_eq!(
            code(act(&app, &officer, id, Action::Pass { place: String::new() }, "看过没有问题").await),
            "ledger.self_check"
        );
        assert_eq!(code(act(&app, &second, id, Action::Fail, "").await), "ledger.note");
        act(&app, &second, id, Action::Fail, "家中无人照料").await.unwrap();
        assert_eq!(item(&app, &county, id).await.state(), State::Returned);
        act(&app, &helper, id, Action::Start, "").await.unwrap();
        act(&app, &helper, id, Action::Submit, "已安排照料").await.unwrap();
        act(&app, &second, id, Action::Check, "").await.unwrap();
        let stale = ledger::act(&app, &second, id, step(Action::Pass { place: String::new() }, 3, "现场看过")).await;
        assert!(stale.as_ref().unwrap_err().message(Lang::Zh).contains("不是最新"), "{stale:?}");
        let version = item(&app, &county, id).await.version;
        let pass = step(Action::Pass { place: "石门村三组".to_owned() }, version, "现场看过，已有人照料");
        let done = ledger::act(&app, &second, id, pass.clone()).await.unwrap();
        assert_eq!((done.state, done.repeated), (State::Closed, false));
        let events = world::number(&app, "SELECT COUNT(*) FROM item_event WHERE item_id = $1", args![id]).await;
        let again = ledger::act(&app, &second, id, pass).await.unwrap();
        assert_eq!((again.state, again.repeated, again.version), (State::Closed, true, done.version));
        assert_eq!(world::number(&app, "SELECT COUNT(*) FROM item_event WHERE item_id = $1", args![id]).await, events);
        balanced(&app).await;

        assert_eq!(code(act(&app, &officer, id, Action::Reopen, "又出现问题").await), "ledger.forbidden");
        act(&app, &county, id, Action::Reopen, "又出现问题").await.unwrap();
        let back = item(&app, &county, id).await;
        assert_eq!((back.state(), back.round, back.number.as_str()), (State::ToVerify, 2, "涉疫-990101-2020-0001"));
        assert!(back.measures().iter().all(|m| m.required && !m.done));
        balanced(&app).await;
        assert!(audit::verify(&app.db).await.unwrap().fault.is_none());
        let audited = world::number(&app, "SELECT COUNT(*) FROM audit WHERE object_kind = 'item'", args![]).await;
        let acted = world::number(&app, "SELECT COUNT(*) FROM item_event WHERE actor_id IS NOT NULL", args![]).await;
        assert_eq!(audited, acted, "every change by somebody is in the audit log");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_signal_cancels_and_its_return_reopens() {
    each_database(|app| async move {
        let (id, signal, home) = one_case(&app).await;
        world::end_signal(&app, signal, "withdrawn", "excluded").await;
        let report = road::signals_changed(&app, &machine(), &[home]).await.unwrap();
        assert_eq!((report.findings.ended, report.items.cancelled), (2, 2));
        let whole = ledger::whole(&app, &machine(), id, Lang::Zh).await.unwrap();
        assert_eq!(whole.item.state(), State::Cancelled);
        assert!(whole.ended.contains("病例已排除"), "{}", whole.ended);
        assert!(whole.events[0].data.contains("withdrawn"), "the reason is on the timeline");
        world::end_signal(&app, signal, "active", "").await;
        let report = road::signals_changed(&app, &machine(), &[home]).await.unwrap();
        assert_eq!(report.items.reopened, 2);
        let back = item(&app, &machine(), id).await;
        assert_eq!((back.state(), back.round), (State::ToVerify, 2));
        // Cured is no withdrawal: the item stays for a check on site, and another asks for a visit.
        let (person,): (Uuid,) = app.db.one("SELECT person_id FROM signal WHERE id = $1", args![signal]).await.unwrap();
        world::signal(&app, "epidemic.cured", "person", person, home, "{}").await;
        let report = road::signals_changed(&app, &machine(), &[home]).await.unwrap();
        assert_eq!((report.items.opened, report.items.cancelled, report.items.noted), (1, 0, 2));
        assert_eq!(item(&app, &machine(), id).await.state(), State::ToVerify);
        balanced(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_assigned_at_once_after_a_preview_and_only_once() {
    each_database(|app| async move {
        let (id, _, _) = one_case(&app).await;
        let county = world::user(&app, "county", Role::CountyStaff, "990101").await;
        let officer = world::user(&app, "officer", Role::VillageOfficer, VILLAGE).await;
        let to = officer.user_id.unwrap();
        let (lines, total) =
            ledger::list(&app, &county, &Filter { page: 1, per_page: 50, ..Filter::default() }).await.unwrap();
        assert_eq!((lines.len(), total), (2, 2));
        let all: Vec<Uuid> = lines.iter().map(|line| line.id).collect();
        let (_, preview) = ledger::preview_assign(&app, &county, &all, to, None, Lang::Zh).await.unwrap();
        assert!(preview.iter().all(|line| line.refused.is_none()));
        act(&app, &officer, id, Action::Start, "").await.unwrap();
        let chosen: Vec<(Uuid, i64)> = preview.iter().map(|line| (line.item.id, line.item.version)).collect();
        let batch = ids::new_id();
        let (assigned, left) = ledger::assign_many(&app, &county, batch, &chosen, to, None).await.unwrap();
        assert_eq!((assigned, left.len()), (1, 1), "the one that moved meanwhile is left alone");
        assert_eq!(left[0].1.code(), "ledger.stale");
        let events = world::number(&app, "SELECT COUNT(*) FROM item_event", args![]).await;
        ledger::assign_many(&app, &county, batch, &chosen, to, None).await.unwrap();
        assert_eq!(world::number(&app, "SELECT COUNT(*) FROM item_event", args![]).await, events);
        let mine = Filter { mine: true, page: 1, per_page: 50, ..Filter::default() };
        assert_eq!(ledger::list(&app, &officer, &mine).await.unwrap().1, 1);
        for (filter, expected) in [
            (Filter { text: "赵1".to_owned(), mine: false, ..mine.clone() }, 2),
            (Filter { text: "赵%".to_owned(), mine: false, ..mine.clone() }, 0),
            (Filter { rule: "E01".to_owned(), mine: false, ..mine.clone() }, 1),
            (Filter { owner: "刘军".to_owned(), mine: false, ..mine.clone() }, 2),
            (Filter { which: Which::Overdue, mine: false, ..mine.clone() }, 0),
            (Filter { which: Which::One(State::InProgress), mine: false, sort: Sort::Updated, ..mine.clone() }, 1),
            (Filter { division: OTHER.to_owned(), mine: false, ..mine.clone() }, 0),
            (Filter { division: "99".to_owned(), mine: false, ..mine.clone() }, 2),
        ] {
            assert_eq!(ledger::list(&app, &county, &filter).await.unwrap().1, expected, "{filter:?}");
        }
        let csv = String::from_utf8(ledger::export_csv(&app, &county, &mine_off(), Lang::Zh).await.unwrap()).unwrap();
        assert!(csv.starts_with('\u{feff}') && csv.contains("赵*") && !csv.contains("赵1"), "{csv}");
        assert_eq!(code(ledger::export_csv(&app, &officer, &mine_off(), Lang::Zh).await), "ledger.forbidden");
    })
    .await;
}

fn mine_off() -> Filter {
    Filter { which: Which::All, page: 1, per_page: 50, ..Filter::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn photos_are_kept_by_what_they_are() {
    each_database(|app| async move {
        let (id, _, _) = one_case(&app).await;
        let officer = world::user(&app, "officer", Role::VillageOfficer, VILLAGE).await;
        let foreign = world::user(&app, "foreign", Role::VillageOfficer, OTHER).await;
        let png = b"\x89PNG\r\n\x1a\nrest".to_vec();
        let send =
            |bytes: Vec<u8>, name: &'static str, event: Uuid| ledger::attach(&app, &officer, id, event, name, bytes);
        assert_eq!(code(send(b"<script>".to_vec(), "a.png", ids::new_id()).await), "ledger.attachment_type");
        assert_eq!(
            code(send(vec![0; ledger::ATTACHMENT_LIMIT + 1], "a.png", ids::new_id()).await),
            "ledger.attachment_size"
        );
        let event = ids::new_id();
        send(png.clone(), "../入户.html", event).await.unwrap();
        send(png.clone(), "../入户.html", event).await.unwrap();
        let whole = ledger::whole(&app, &officer, id, Lang::Zh).await.unwrap();
        assert_eq!(whole.attachments.len(), 1, "the same upload twice is one");
        let file = &whole.attachments[0];
        assert_eq!((file.name.as_str(), file.mime.as_str()), ("入户.png", "image/png"));
        assert_eq!(ledger::attachment(&app, &officer, file.id).await.unwrap().1, png);
        assert_eq!(code(ledger::attachment(&app, &foreign, file.id).await), "ledger.not_found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn running_numbers_have_no_gap_and_no_twin_when_many_run_at_once() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let mut homes = Vec::new();
        for n in 0..12 {
            let (home, people) = world::household(&app, n, VILLAGE, &[""]).await;
            world::signal(&app, "jobs.ended", "person", people[0], home, "{}").await;
            homes.push(home);
        }
        let runs: Vec<_> = (0..6)
            .map(|i| {
                let (app, homes) = (app.clone(), homes.clone());
                tokio::spawn(async move { road::signals_changed(&app, &machine(), &homes[i..]).await.unwrap() })
            })
            .collect();
        for run in runs {
            run.await.unwrap();
        }
        let numbers: Vec<(String,)> = app.db.all("SELECT number FROM item ORDER BY number", args![]).await.unwrap();
        let expected: Vec<(String,)> = (1..=12).map(|n| (format!("涉疫-990101-2020-{n:04}"),)).collect();
        assert_eq!(numbers, expected);
        balanced(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_sequence_of_steps_breaks_the_books_or_lets_somebody_check_themselves() {
    each_database(|app| async move {
        let (id, signal, home) = one_case(&app).await;
        let mut people = vec![
            world::user(&app, "county", Role::CountyStaff, "990101").await,
            world::user(&app, "town", Role::TownshipStaff, "990101001").await,
            world::user(&app, "officer", Role::VillageOfficer, VILLAGE).await,
            world::user(&app, "second", Role::VillageOfficer, VILLAGE).await,
        ];
        people.push(world::user(&app, "helper", Role::Helper, VILLAGE).await);
        let mut runner = TestRunner::deterministic();
        let walk = proptest::collection::vec((0_usize..5, 0_usize..14, any::<bool>()), 260)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let (mut closed, mut checks_refused) = (0, 0);
        for (who, what, flag) in walk {
            let actor = &people[who];
            let action = match what {
                0 => Action::Assign { assignee: people[if flag { 4 } else { 2 }].user_id.unwrap(), deadline: None },
                1 => Action::Start,
                2 => Action::Progress,
                3 => Action::Measure { id: "health".to_owned() },
                4 => Action::Measure { id: "social_security".to_owned() },
                5 | 6 => Action::Submit,
                7 | 8 => Action::Check,
                9 | 10 => Action::Pass { place: String::new() },
                11 => Action::Fail,
                12 => Action::Reopen,
                _ => {
                    world::end_signal(&app, signal, if flag { "withdrawn" } else { "active" }, "excluded").await;
                    road::signals_changed(&app, &machine(), &[home]).await.unwrap();
                    continue;
                }
            };
            match act(&app, actor, id, action, "随机的一步").await {
                Ok(done) if done.state == State::Closed => {
                    closed += 1;
                    let now = item(&app, &people[0], id).await;
                    assert!(now.measures().iter().all(|m| !m.required || m.done), "closed without its measures");
                    assert_ne!(now.submitted_by, now.checked_by, "checked by whoever asked to close");
                    let own = world::number(
                        &app,
                        "SELECT COUNT(*) FROM item_event WHERE item_id = $1 AND round = $2 AND actor_id = $3
                           AND action IN ('start', 'progress', 'measure', 'submit')",
                        args![id, now.round, now.checked_by],
                    )
                    .await;
                    assert_eq!(own, 0, "checked by whoever worked on it");
                }
                Ok(_) => {}
                Err(LedgerError::SelfCheck { .. }) => checks_refused += 1,
                Err(LedgerError::Db(error)) => panic!("{error}"),
                Err(_) => {}
            }
        }
        balanced(&app).await;
        assert!(
            closed > 0 && checks_refused > 0,
            "the walk never closed ({closed}) or never refused ({checks_refused})"
        );
    })
    .await;
}
