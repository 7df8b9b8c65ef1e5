//! What hangs on an item, who stands in for whom, what came late, and many who want the same, on both databases.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use taizhang::access::{Actor, Role, audit};
use taizhang::args;
use taizhang::ledger::life::{self, LookBacks};
use taizhang::ledger::model::{Action, Done, Item, MoneyKind, NewMoney, State, Step};
use taizhang::ledger::notices::{self, Kind};
use taizhang::ledger::stand_in::{self, NewProxy};
use taizhang::ledger::{self, LedgerError, Photo};
use taizhang::platform::{App, Clock, ErrorKind, Lang, UserError, ids};
use taizhang::road;
use uuid::Uuid;

use crate::support::http::TestApp;
use crate::support::{each_database, machine, today};
use crate::world::{self, OTHER, VILLAGE};

const DAY_MS: i64 = 24 * 3600 * 1000;

async fn item(app: &App, id: Uuid) -> Item {
    ledger::whole(app, &machine(), id, Lang::Zh).await.unwrap().item
}

fn code<T: std::fmt::Debug>(outcome: Result<T, LedgerError>) -> &'static str {
    outcome.unwrap_err().code()
}

fn step(version: i64, action: Action, note: &str) -> Step {
    Step { event_id: ids::new_id(), version, action, note: note.to_owned() }
}

async fn act(app: &App, actor: &Actor, id: Uuid, action: Action, note: &str) -> Result<Done, LedgerError> {
    let version = world::number(app, "SELECT version FROM item WHERE id = $1", args![id]).await;
    ledger::act(app, actor, id, step(version, action, note)).await
}

fn pass() -> Action {
    Action::Pass { place: "石门村".to_owned() }
}

/// `n` items of the village whose people lost their jobs: one each.
async fn items(app: &App, n: u128) -> Vec<Uuid> {
    let mut homes = Vec::new();
    for i in 0..n {
        let (home, people) = world::household(app, i, VILLAGE, &[""]).await;
        world::signal(app, "jobs.ended", "person", people[0], home, "{}").await;
        homes.push(home);
    }
    road::signals_changed(app, &machine(), &homes).await.unwrap();
    let ids: Vec<(Uuid,)> = app.db.all("SELECT id FROM item ORDER BY number", args![]).await.unwrap();
    assert_eq!(ids.len() as u128, n);
    ids.into_iter().map(|row| row.0).collect()
}

/// Brings an item from its beginning to its closing: one works, the other checks.
async fn close(app: &App, id: Uuid, worker: &Actor, checker: &Actor) {
    act(app, worker, id, Action::Start, "").await.unwrap();
    for measure in item(app, id).await.measures().into_iter().filter(|m| m.required) {
        act(app, worker, id, Action::Measure { id: measure.id }, "已办").await.unwrap();
    }
    act(app, worker, id, Action::Submit, "已经解决了").await.unwrap();
    act(app, checker, id, Action::Check, "").await.unwrap();
    act(app, checker, id, pass(), "到户看过，情况属实").await.unwrap();
}

async fn sound(app: &App) {
    let books = ledger::reconcile(app, &machine(), "").await.unwrap();
    assert!(books.faults.is_empty(), "{books:?}");
    assert!(audit::verify(&app.db).await.unwrap().fault.is_none());
    let acted = world::number(app, "SELECT COUNT(*) FROM item_event WHERE actor_id IS NOT NULL", args![]).await;
    let audited =
        world::number(app, "SELECT COUNT(*) FROM audit WHERE object_kind = 'item' AND actor_id IS NOT NULL", args![])
            .await;
    assert_eq!(acted, audited, "every change by somebody is in the audit log");
}

fn money(kind: MoneyKind, source: &str, fen: i64) -> Action {
    Action::Money(NewMoney { kind, source: source.to_owned(), fen, day: today() })
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_planned_spent_and_struck_and_stays_in_sight() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let id = items(&app, 1).await[0];
        let officer = world::user(&app, "officer", Role::VillageOfficer, VILLAGE).await;
        let second = world::user(&app, "second", Role::VillageOfficer, VILLAGE).await;
        let third = world::user(&app, "third", Role::VillageOfficer, VILLAGE).await;
        let foreign = world::user(&app, "foreign", Role::VillageOfficer, OTHER).await;
        let analyst = world::user(&app, "analyst", Role::Analyst, "99").await;
        assert_eq!(code(act(&app, &foreign, id, money(MoneyKind::Spent, "county", 100), "").await), "ledger.not_found");
        assert_eq!(code(act(&app, &analyst, id, money(MoneyKind::Spent, "county", 100), "").await), "ledger.forbidden");
        assert_eq!(code(act(&app, &officer, id, money(MoneyKind::Spent, "heaven", 100), "").await), "ledger.money_of");
        for fen in [0, -5, 10_000_000_001] {
            assert_eq!(
                code(act(&app, &officer, id, money(MoneyKind::Spent, "county", fen), "").await),
                "ledger.amount"
            );
        }
        // The same ten times at once: once, and the same answer each time.
        let version = item(&app, id).await.version;
        let planned = step(version, money(MoneyKind::Planned, "central", 300_000), "产业奖补");
        let all: Vec<_> = (0..10)
            .map(|_| {
                let (app, officer, planned) = (app.clone(), officer.clone(), planned.clone());
                tokio::spawn(async move { ledger::act(&app, &officer, id, planned).await.unwrap() })
            })
            .collect();
        let mut new = 0;
        for one in all {
            let done = one.await.unwrap();
            new += i32::from(!done.repeated);
            assert_eq!((done.version, done.state), (version + 1, State::ToVerify));
        }
        assert_eq!(new, 1);
        // Also after others went on: the answer is that of then.
        act(&app, &second, id, money(MoneyKind::Spent, "central", 120_050), "").await.unwrap();
        let again = ledger::act(&app, &officer, id, planned.clone()).await.unwrap();
        assert_eq!((again.version, again.repeated), (version + 1, true));
        act(&app, &officer, id, money(MoneyKind::Spent, "social", 50_000), "爱心企业").await.unwrap();
        let life = ledger::whole(&app, &officer, id, Lang::Zh).await.unwrap().life;
        assert_eq!(life::money_by_source(&life.money), [("central", 300_000, 120_050), ("social", 0, 50_000)]);
        let wrong = life.money[2].id;
        assert_eq!(code(act(&app, &officer, id, Action::MoneyStrike { id: wrong }, "").await), "ledger.note");
        act(&app, &officer, id, Action::MoneyStrike { id: wrong }, "登记到别的户了").await.unwrap();
        assert_eq!(
            code(act(&app, &officer, id, Action::MoneyStrike { id: wrong }, "登记到别的户了").await),
            "ledger.no_money"
        );
        let life = ledger::whole(&app, &officer, id, Lang::Zh).await.unwrap().life;
        assert_eq!(life.money.len(), 3, "a struck entry stays");
        assert_eq!(life.money[2].struck_why, "登记到别的户了");
        assert_eq!(life::money_by_source(&life.money), [("central", 300_000, 120_050)]);

        // Who paid had a hand in the work; after the closing money may still be written down.
        act(&app, &officer, id, Action::Start, "").await.unwrap();
        for measure in item(&app, id).await.measures().into_iter().filter(|m| m.required) {
            act(&app, &officer, id, Action::Measure { id: measure.id }, "").await.unwrap();
        }
        act(&app, &officer, id, Action::Submit, "已经解决了").await.unwrap();
        assert_eq!(code(act(&app, &second, id, Action::Check, "").await), "ledger.self_check");
        act(&app, &third, id, Action::Check, "").await.unwrap();
        act(&app, &third, id, pass(), "到户看过，情况属实").await.unwrap();
        act(&app, &officer, id, money(MoneyKind::Spent, "central", 179_950), "尾款").await.unwrap();
        assert_eq!(item(&app, id).await.state(), State::Closed);
        sound(&app).await;

        // The page adds up, shows what was struck, and takes an amount as people write it.
        let server = TestApp::new(&app);
        let mut browser = server.login(Role::VillageOfficer, VILLAGE).await;
        let version = item(&app, id).await.version.to_string();
        let event = ids::new_id().to_string();
        let form = |amount: &'static str| {
            [
                ("event", event.clone()),
                ("version", version.clone()),
                ("action", "money".to_owned()),
                ("kind", "spent".to_owned()),
                ("source", "own".to_owned()),
                ("amount", amount.to_owned()),
                ("day", "2020-02-19".to_owned()),
            ]
        };
        let path = format!("/ledger/{id}/act");
        let fields = form("两千");
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let refused = browser.post(&path, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        assert!(refused.body.contains("“两千”不是金额") && refused.body.contains("value=\"两千\""));
        let fields = form("0.2万元");
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(browser.post(&path, &fields).await.status, StatusCode::SEE_OTHER);
        let page = browser.get(&format!("/ledger/{id}")).await.body;
        for words in ["3,000", "群众自筹", "登记到别的户了", "支出 · 群众自筹 2020-02-19"] {
            assert!(page.contains(words), "{words} in {page}");
        }
    })
    .await;
}

/// The smallest PNG that is one.
fn whole_png() -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, body) in [
        (*b"IHDR", vec![0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]),
        (*b"IDAT", vec![0x78, 0x9C, 0x63, 0x60, 0, 0, 0, 2, 0, 1]),
        (*b"IEND", vec![]),
    ] {
        out.extend((body.len() as u32).to_be_bytes());
        let mut summed = kind.to_vec();
        summed.extend(body);
        let crc = summed.iter().fold(!0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
        });
        out.extend(summed);
        out.extend((!crc).to_be_bytes());
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_has_time_and_place_is_shown_only_when_it_is_one_and_leaves_a_trace() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let id = items(&app, 1).await[0];
        let officer = world::user(&app, "officer", Role::VillageOfficer, VILLAGE).await;
        let second = world::user(&app, "second", Role::VillageOfficer, VILLAGE).await;
        let county = world::user(&app, "county", Role::CountyStaff, "990101").await;
        let now = app.clock.now_ms();
        let photo = |bytes: Vec<u8>, taken_at| Photo {
            event_id: ids::new_id(),
            name: "入户.png".to_owned(),
            bytes,
            taken_at,
            place: " 村口 ".to_owned(),
        };
        let ahead = ledger::attach_with(&app, &officer, id, photo(whole_png(), Some(now + DAY_MS))).await;
        assert_eq!(code(ahead), "ledger.acted_at");
        ledger::attach_with(&app, &officer, id, photo(whole_png(), Some(now - 7 * DAY_MS))).await.unwrap();
        // The same photo on another item is kept once in the folder.
        ledger::attach_with(&app, &officer, id, photo(whole_png(), None)).await.unwrap();
        let mut two = whole_png();
        two.extend_from_slice(b"<script>alert(1)</script>");
        ledger::attach_with(&app, &second, id, photo(two, None)).await.unwrap();
        let files = ledger::whole(&app, &officer, id, Lang::Zh).await.unwrap().attachments;
        assert_eq!(files.len(), 3);
        assert_eq!((files[0].place.as_str(), files[0].taken_at), ("村口", Some(now - 7 * DAY_MS)));
        let mut kept = 0;
        for folder in std::fs::read_dir(app.folder.join("attachments")).unwrap() {
            kept += std::fs::read_dir(folder.unwrap().path()).unwrap().count();
        }
        assert_eq!(kept, 2, "stored by content");
        let server = TestApp::new(&app);
        let mut browser = server.login(Role::VillageOfficer, VILLAGE).await;
        let path = |n: usize| format!("/ledger/files/{}", files[n].id);
        let whole = browser.get(&path(0)).await;
        assert!(whole.header("content-disposition").starts_with("inline"), "{whole:?}");
        let odd = browser.get(&path(2)).await;
        assert!(odd.header("content-disposition").starts_with("attachment"), "two things at once are taken out only");
        for reply in [&whole, &odd] {
            assert_eq!(reply.header("x-content-type-options"), "nosniff");
            assert!(reply.header("content-security-policy").contains("sandbox"));
            assert_eq!(reply.header("content-type"), "image/png");
        }

        // Taken away by its sender or by who assigns, for a reason; the line stays and the content is gone.
        let away = |n: usize| Action::Unfile { id: files[n].id };
        assert_eq!(code(act(&app, &second, id, away(0), "拍错了一户").await), "ledger.no_file");
        assert_eq!(code(act(&app, &officer, id, away(0), "错").await), "ledger.note");
        act(&app, &officer, id, away(0), "拍错了一户").await.unwrap();
        assert_eq!(code(act(&app, &officer, id, away(0), "拍错了一户").await), "ledger.no_file");
        act(&app, &county, id, away(2), "不是照片").await.unwrap();
        assert_eq!(browser.get(&path(0)).await.status, StatusCode::NOT_FOUND);
        assert_eq!(code(ledger::attachment(&app, &officer, files[0].id).await), "ledger.not_found");
        assert_eq!(browser.get(&path(1)).await.status, StatusCode::OK, "the same content elsewhere stays");
        let page = browser.get(&format!("/ledger/{id}")).await.body;
        assert!(page.contains("拍错了一户") && page.contains("移除佐证：入户.png"), "{page}");
        // What is handed in for the check stays as it was handed in.
        act(&app, &officer, id, Action::Start, "").await.unwrap();
        for measure in item(&app, id).await.measures().into_iter().filter(|m| m.required) {
            act(&app, &officer, id, Action::Measure { id: measure.id }, "").await.unwrap();
        }
        act(&app, &officer, id, Action::Submit, "已经解决了").await.unwrap();
        assert_eq!(code(act(&app, &officer, id, away(1), "想换一张").await), "ledger.wrong_state");
        sound(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_item_is_looked_at_again_and_reopens_if_it_came_back() {
    each_database(|mut app| async move {
        world::divisions(&app).await;
        let all = items(&app, 3).await;
        let officer = world::user(&app, "officer", Role::VillageOfficer, VILLAGE).await;
        let second = world::user(&app, "second", Role::VillageOfficer, VILLAGE).await;
        let third = world::user(&app, "third", Role::VillageOfficer, VILLAGE).await;
        let helper = world::user(&app, "helper", Role::Helper, VILLAGE).await;
        let county = world::user(&app, "county", Role::CountyStaff, "990101").await;
        for id in &all {
            close(&app, *id, &officer, &second).await;
        }
        let look = |holds| Action::LookBack { holds, place: "家中".to_owned() };
        let (_, counts) = life::look_backs(&app, &county, LookBacks::Due).await.unwrap();
        assert_eq!(counts, [0, 3, 0, 0]);
        assert_eq!(code(life::look_backs(&app, &helper, LookBacks::Due).await), "ledger.forbidden");

        app.clock = Clock::fixed(today() + chrono::Days::new(30));
        let (lines, counts) = life::look_backs(&app, &second, LookBacks::Due).await.unwrap();
        assert_eq!((counts, lines.len(), lines[0].own), ([3, 0, 0, 0], 3, true));
        let told = notices::notices(&app, &third).await.unwrap();
        assert_eq!(told.iter().filter(|n| n.kind == Kind::LookBack && n.unread).count(), 3);
        assert!(notices::notices(&app, &second).await.unwrap().is_empty(), "who closed it is not asked to look again");

        // Neither who worked nor who closed; with words; once.
        assert_eq!(code(act(&app, &officer, all[0], look(true), "没有反弹").await), "ledger.self_check");
        assert_eq!(code(act(&app, &second, all[0], look(true), "没有反弹").await), "ledger.own_closing");
        assert_eq!(code(act(&app, &third, all[0], look(true), "好").await), "ledger.note");
        let done = act(&app, &third, all[0], look(true), "收入稳定，没有反弹").await.unwrap();
        assert_eq!(done.state, State::Closed);
        assert_eq!(code(act(&app, &third, all[0], look(true), "收入稳定，没有反弹").await), "ledger.looked_back");

        // It came back: a new round under the same number, and the same request twice is one.
        let number = item(&app, all[1]).await.number;
        let version = item(&app, all[1]).await.version;
        let back = step(version, look(false), "又没有活干了");
        let first = ledger::act(&app, &third, all[1], back.clone()).await.unwrap();
        let again = ledger::act(&app, &third, all[1], back).await.unwrap();
        assert_eq!((first.state, first.repeated), (State::ToVerify, false));
        assert_eq!((again.state, again.version, again.repeated), (State::ToVerify, first.version, true));
        let now = item(&app, all[1]).await;
        assert_eq!((&now.number, now.round, now.state()), (&number, 2, State::ToVerify));
        assert!(now.measures().iter().all(|m| !m.done));
        let events: Vec<(String, i64, String, String)> = app
            .db
            .all(
                "SELECT action, round, from_state, to_state FROM item_event WHERE item_id = $1 AND seq >
                     (SELECT MAX(seq) - 2 FROM item_event WHERE item_id = $1) ORDER BY seq",
                args![all[1]],
            )
            .await
            .unwrap();
        let text =
            |action: &str, round, from: &str, to: &str| (action.to_owned(), round, from.to_owned(), to.to_owned());
        assert_eq!(events, [text("look_back", 1, "closed", "closed"), text("reopen", 2, "closed", "to_verify")]);
        // Reopened by somebody else before its day: nothing is due any more.
        act(&app, &county, all[2], Action::Reopen, "群众反映").await.unwrap();
        assert_eq!(code(act(&app, &third, all[2], look(true), "没有反弹").await), "ledger.wrong_state");
        let (_, counts) = life::look_backs(&app, &county, LookBacks::Relapsed).await.unwrap();
        assert_eq!(counts, [0, 0, 1, 1]);
        // The next closing plans another look-back.
        close(&app, all[1], &officer, &second).await;
        let (lines, counts) = life::look_backs(&app, &county, LookBacks::Later).await.unwrap();
        assert_eq!((counts, lines[0].item_id), ([0, 1, 1, 1], all[1]));
        sound(&app).await;

        let server = TestApp::new(&app);
        let mut browser = server.login(Role::VillageOfficer, VILLAGE).await;
        for (lang, tab, told) in
            [("zh-CN", "没有反弹", "third回头看：没有反弹"), ("en", "Still solved", "third: still solved")]
        {
            browser.get(&format!("/lang/{lang}?next=/")).await;
            let page = browser.get("/ledger/look-backs?which=held").await;
            assert!(page.body.contains(tab) && page.body.contains("third"), "{}", page.body);
            let page = browser.get(&format!("/ledger/{}", all[0])).await;
            assert!(page.body.contains(told), "{}", page.body);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_a_week_ago_keeps_both_times_and_is_refused_only_by_the_state() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let id = items(&app, 1).await[0];
        // As if it had been opened a month ago by the machine's clock, which tells when something was done.
        world::run(&app, "UPDATE item SET opened_on = '2020-01-01' WHERE id = $1", args![id]).await;
        let officer = world::user(&app, "officer", Role::VillageOfficer, VILLAGE).await;
        let second = world::user(&app, "second", Role::VillageOfficer, VILLAGE).await;
        let third = world::user(&app, "third", Role::VillageOfficer, VILLAGE).await;
        let now = app.clock.now_ms();
        let week = now - 7 * DAY_MS;
        act(&app, &officer, id, Action::Start, "").await.unwrap();
        let seen = item(&app, id).await.version;
        // Others go on while a phone is without a network.
        act(&app, &officer, id, Action::Progress, "走访一次").await.unwrap();
        act(&app, &officer, id, Action::Note, "电话联系").await.unwrap();
        // From a page it is stale, and told what has changed; from a phone it is taken with both times.
        let page = ledger::act(&app, &second, id, step(seen, Action::Progress, "上周已联系用工")).await.unwrap_err();
        let said = page.message(Lang::Zh);
        assert_eq!(page.code(), "ledger.stale");
        assert!(
            said.contains("2 处变动") && said.contains("officer 填报进展；") && said.contains("officer 备注"),
            "{said}"
        );
        assert!(page.message(Lang::En).contains("Changes since then (2)"), "{}", page.message(Lang::En));
        let late = step(seen, Action::Progress, "上周已联系用工");
        let done = ledger::act_at(&app, &second, id, late.clone(), Some(week)).await.unwrap();
        assert_eq!(done.version, seen + 3);
        let again = ledger::act_at(&app, &second, id, late.clone(), Some(week)).await.unwrap();
        assert_eq!((again.repeated, again.version), (true, done.version));
        let (at, acted): (i64, i64) =
            app.db.one("SELECT at, acted_at FROM item_event WHERE id = $1", args![late.event_id]).await.unwrap();
        assert!(acted == week && at >= now, "{acted} {at}");
        for wrong in [now + DAY_MS, -DAY_MS * 365 * 60] {
            let outcome = ledger::act_at(&app, &second, id, step(seen, Action::Progress, "写错了"), Some(wrong)).await;
            assert_eq!(code(outcome), "ledger.acted_at");
        }
        // A decision is never taken on what others have changed since, late or not.
        let county = world::user(&app, "county", Role::CountyStaff, "990101").await;
        let cancel = ledger::act_at(&app, &county, id, step(seen, Action::Cancel, "误列的"), Some(week)).await;
        assert_eq!(code(cancel), "ledger.stale");

        for measure in item(&app, id).await.measures().into_iter().filter(|m| m.required) {
            act(&app, &officer, id, Action::Measure { id: measure.id }, "").await.unwrap();
        }
        act(&app, &officer, id, Action::Submit, "已经解决了").await.unwrap();
        let refused = step(seen, Action::Progress, "第二次联系用工");
        for _ in 0..2 {
            let outcome = ledger::act_at(&app, &second, id, refused.clone(), Some(week)).await;
            assert_eq!(code(outcome), "ledger.wrong_state");
        }
        let kept = life::kept(&app, &second, id).await.unwrap();
        assert_eq!(kept.len(), 1, "kept once");
        assert_eq!((kept[0].note.as_str(), kept[0].acted_at), ("第二次联系用工", week));
        assert!(kept[0].why.contains("申请销号"), "{}", kept[0].why);
        assert!(life::kept(&app, &third, id).await.unwrap().is_empty(), "for who sent it");
        act(&app, &third, id, Action::Check, "").await.unwrap();
        act(&app, &third, id, pass(), "到户看过，情况属实").await.unwrap();
        act(&app, &county, id, Action::Reopen, "群众反映").await.unwrap();
        act(&app, &officer, id, Action::Start, "").await.unwrap();
        // The state would allow it, but it belongs to the round before.
        let outcome = ledger::act_at(&app, &second, id, step(seen, Action::Progress, "第三次"), Some(week)).await;
        assert_eq!(code(outcome), "ledger.other_round");
        assert_eq!(life::kept(&app, &second, id).await.unwrap().len(), 2);
        // What is kept is no part of what happened.
        sound(&app).await;

        // The sender sees it on the page, and makes a note of it.
        let server = TestApp::new(&app);
        let mut browser = server.login(Role::VillageOfficer, VILLAGE).await;
        let version = item(&app, id).await.version.to_string();
        let event = ids::new_id().to_string();
        let path = format!("/ledger/{id}/act");
        let fields = [
            ("event", event.as_str()),
            ("version", "2"),
            ("action", "progress"),
            ("note", "补录：上门核实"),
            ("acted", "2020-02-13T09:30"),
        ];
        let reply = browser.post(&path, &fields).await;
        assert_eq!(reply.status, StatusCode::CONFLICT, "{}", reply.body);
        assert!(reply.body.contains("补录未能入账") && reply.body.contains("补录：上门核实"), "{}", reply.body);
        assert!(reply.body.contains("2020-02-13 09:30"), "when it was done");
        let fields = [
            ("event", &*ids::new_id().to_string()),
            ("version", version.as_str()),
            ("action", "note"),
            ("note", "补录：上门核实"),
            ("kept", event.as_str()),
        ];
        assert_eq!(browser.post(&path, &fields).await.status, StatusCode::SEE_OTHER);
        let page = browser.get(&format!("/ledger/{id}")).await.body;
        assert!(!page.contains("补录未能入账") && page.contains("补录：上门核实"), "{page}");
        // What was written on a page that is out of date is shown again where its form is gone.
        let fields =
            [("event", &*ids::new_id().to_string()), ("version", "1"), ("action", "pass"), ("note", "看过没有问题")];
        let reply = browser.post(&path, &fields).await;
        assert_eq!(reply.status, StatusCode::CONFLICT);
        assert!(reply.body.contains("没有记录的内容") && reply.body.contains("看过没有问题"), "{}", reply.body);
        // A program is answered in its own words, twice the same.
        let mut program = server.login(Role::VillageOfficer, VILLAGE).await.with("accept", "application/json");
        let event = ids::new_id().to_string();
        let version = item(&app, id).await.version.to_string();
        let fields = [("event", event.as_str()), ("version", &*version), ("action", "note"), ("note", "程序所记")];
        let mut answers = Vec::new();
        for _ in 0..2 {
            let reply = program.post(&path, &fields).await;
            assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
            let json: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
            answers.push((json["version"].clone(), json["state"].clone(), json["repeated"].clone()));
        }
        assert_eq!(answers[0].0, answers[1].0);
        assert_eq!((answers[0].2.as_bool(), answers[1].2.as_bool()), (Some(false), Some(true)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_works_for_somebody_for_some_days_and_neither_checks_it() {
    each_database(|mut app| async move {
        world::divisions(&app).await;
        let all = items(&app, 2).await;
        let away = world::user(&app, "away", Role::Helper, VILLAGE).await;
        let stand = world::user(&app, "stand", Role::Helper, VILLAGE).await;
        let other = world::user(&app, "other", Role::Helper, OTHER).await;
        let boss = world::user(&app, "boss", Role::VillageOfficer, VILLAGE).await;
        let town = world::user(&app, "town", Role::TownshipStaff, "990101001").await;
        let far_town = world::user(&app, "far-town", Role::TownshipStaff, "990101002").await;
        let to = |who: &Actor| Action::Assign { assignee: who.user_id.unwrap(), deadline: None };
        act(&app, &town, all[0], to(&away), "").await.unwrap();
        let day = |n: u64| today() + chrono::Days::new(n);
        let new = |user: &Actor, proxy: &Actor, from: u64, until: u64, reason: &str| NewProxy {
            id: ids::new_id(),
            user: user.user_id.unwrap(),
            proxy: proxy.user_id.unwrap(),
            from: day(from),
            until: day(until),
            reason: reason.to_owned(),
        };
        assert_eq!(code(ledger::whole(&app, &stand, all[0], Lang::Zh).await), "ledger.not_found");
        let early = app.clone();
        let name = async |by: &Actor, new: NewProxy| stand_in::name_proxy(&early, by, new).await;
        assert_eq!(code(name(&stand, new(&away, &stand, 1, 3, "外出培训")).await), "ledger.proxy_for");
        assert_eq!(code(name(&far_town, new(&away, &stand, 1, 3, "外出培训")).await), "ledger.proxy_for");
        assert_eq!(code(name(&away, new(&away, &away, 1, 3, "外出培训")).await), "ledger.proxy_for");
        assert_eq!(code(name(&away, new(&away, &other, 1, 3, "外出培训")).await), "ledger.assignee");
        assert_eq!(code(name(&away, new(&away, &stand, 3, 1, "外出培训")).await), "ledger.proxy_days");
        assert_eq!(code(name(&away, new(&away, &stand, 1, 500, "外出培训")).await), "ledger.proxy_days");
        assert_eq!(code(name(&away, new(&away, &stand, 1, 3, "外")).await), "ledger.note");
        let proxy = new(&away, &stand, 1, 3, "外出培训");
        name(&away, proxy.clone()).await.unwrap();
        name(&away, proxy.clone()).await.unwrap();
        let other_days = NewProxy { until: day(2), ..proxy.clone() };
        assert_eq!(code(name(&away, other_days).await), "ledger.event_taken");
        assert_eq!(world::number(&app, "SELECT COUNT(*) FROM item_proxy", args![]).await, 1, "the same twice is one");
        assert_eq!(stand_in::proxies(&app, &stand).await.unwrap()[0].open, 1);
        assert_eq!(stand_in::proxies(&app, &town).await.unwrap().len(), 1);
        assert!(stand_in::proxies(&app, &other).await.unwrap().is_empty());

        // Not before its first day.
        assert_eq!(code(act(&app, &stand, all[0], Action::Start, "").await), "ledger.not_found");
        app.clock = Clock::fixed(day(1));
        assert_eq!(code(act(&app, &stand, all[1], Action::Start, "").await), "ledger.not_found", "only their items");
        assert_eq!(stand_in::items_stood_in_for(&app, &stand).await.unwrap().len(), 1);
        let told = notices::notices(&app, &stand).await.unwrap();
        assert!(told.iter().any(|n| n.kind == Kind::Assigned && n.told.item_id == all[0]), "{told:?}");
        act(&app, &stand, all[0], Action::Start, "").await.unwrap();
        for measure in item(&app, all[0]).await.measures().into_iter().filter(|m| m.required) {
            act(&app, &stand, all[0], Action::Measure { id: measure.id }, "代办").await.unwrap();
        }
        let (acts_for,): (Uuid,) = app
            .db
            .one("SELECT for_id FROM item_event WHERE item_id = $1 AND action = 'start'", args![all[0]])
            .await
            .unwrap();
        assert_eq!(Some(acts_for), away.user_id);
        let whole = ledger::whole(&app, &stand, all[0], Lang::Zh).await.unwrap();
        assert_eq!(whole.stands_in.as_deref(), Some("away"));
        act(&app, &stand, all[0], Action::Submit, "已经解决了").await.unwrap();
        // Whose work it was by proxy cannot check it, were they of a role that checks.
        world::run(&app, "UPDATE app_user SET role = 'village_officer' WHERE login = 'away'", args![]).await;
        let promoted = Actor { role: Role::VillageOfficer, ..away.clone() };
        assert_eq!(code(act(&app, &promoted, all[0], Action::Check, "").await), "ledger.self_check");
        // Nor can who stands in today for somebody that worked on it.
        name(&town, new(&stand, &boss, 1, 3, "两人都外出")).await.unwrap();
        assert_eq!(code(act(&app, &boss, all[0], Action::Check, "").await), "ledger.self_check");
        act(&app, &town, all[0], Action::Check, "").await.unwrap();
        act(&app, &town, all[0], Action::Fail, "还没有找到工作").await.unwrap();
        let told = notices::notices(&app, &stand).await.unwrap();
        assert!(told.iter().any(|n| n.kind == Kind::Returned && n.told.item_id == all[0]), "{told:?}");

        // Ended before its day, and over after it.
        assert_eq!(code(stand_in::end_proxy(&app, &other, proxy.id).await), "ledger.not_found");
        stand_in::end_proxy(&app, &town, proxy.id).await.unwrap();
        stand_in::end_proxy(&app, &town, proxy.id).await.unwrap();
        assert_eq!(code(act(&app, &stand, all[0], Action::Start, "").await), "ledger.not_found");
        name(&town, new(&away, &stand, 1, 3, "继续外出")).await.unwrap();
        assert!(ledger::whole(&app, &stand, all[0], Lang::Zh).await.is_ok());
        app.clock = Clock::fixed(day(4));
        assert_eq!(code(ledger::whole(&app, &stand, all[0], Lang::Zh).await), "ledger.not_found");
        sound(&app).await;
        let ends = world::number(&app, "SELECT COUNT(*) FROM audit WHERE action = 'proxy.end'", args![]).await;
        assert_eq!(ends, 1);

        // Through the page, by a name as it is typed.
        let server = TestApp::new(&app);
        let mut browser = server.login(Role::TownshipStaff, "990101001").await;
        let fields = [
            ("user", "away"),
            ("proxy", "stand"),
            ("from", "2020-02-24"),
            ("until", "2020-02-23"),
            ("reason", "休假三天"),
        ];
        let refused = browser.post("/ledger/proxies", &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("代理期限 2020-02-24 至 2020-02-23") && refused.body.contains("休假三天"));
        let fields = [
            ("user", "away"),
            ("proxy", "stand"),
            ("from", "2020-02-24"),
            ("until", "2020-02-26"),
            ("reason", "休假三天"),
        ];
        assert_eq!(browser.post("/ledger/proxies", &fields).await.status, StatusCode::SEE_OTHER);
        let page = browser.get("/ledger/proxies").await.body;
        assert!(page.contains("休假三天") && page.contains("代理中"), "{page}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_open_items_of_somebody_move_at_once_after_a_preview_that_still_holds() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let all = items(&app, 6).await;
        let leaving = world::user(&app, "leaving", Role::TownshipStaff, "990101001").await;
        let coming = world::user(&app, "coming", Role::VillageOfficer, VILLAGE).await;
        let checker = world::user(&app, "checker", Role::VillageOfficer, VILLAGE).await;
        let county = world::user(&app, "county", Role::CountyStaff, "990101").await;
        let far = world::user(&app, "far", Role::CountyStaff, "990202").await;
        let to = |who: &Actor| Action::Assign { assignee: who.user_id.unwrap(), deadline: None };
        for id in &all[..5] {
            act(&app, &county, *id, to(&leaving), "").await.unwrap();
        }
        act(&app, &leaving, all[1], Action::Start, "").await.unwrap();
        close(&app, all[4], &leaving, &checker).await;
        // One lies where the other cannot work.
        world::run(&app, "UPDATE item SET division_code = '990101001002' WHERE id = $1", args![all[3]]).await;
        let (from, into) = (leaving.user_id.unwrap(), coming.user_id.unwrap());
        assert_eq!(code(stand_in::preview_handover(&app, &coming, from, into).await), "ledger.forbidden");
        assert_eq!(code(stand_in::preview_handover(&app, &far, from, into).await), "ledger.assignee");
        let seen = stand_in::preview_handover(&app, &county, from, into).await.unwrap();
        assert_eq!((seen.moving.len(), seen.staying.len()), (3, 1));
        assert_eq!(stand_in::holders_of_items(&app, &county).await.unwrap()[0].open, 4);

        // Somebody changed one of them since: nothing moves.
        act(&app, &leaving, all[0], Action::Note, "资料在抽屉里").await.unwrap();
        let batch = ids::new_id();
        let hand =
            async |seen: &str, note: &str| stand_in::handover(&app, &county, batch, from, into, seen, note).await;
        assert_eq!(code(hand(&seen.seen, "岗位轮换").await), "ledger.handover_changed");
        assert_eq!(item(&app, all[0]).await.assignee_id, Some(from));
        let seen = stand_in::preview_handover(&app, &county, from, into).await.unwrap();
        assert_eq!(code(hand(&seen.seen, "轮换").await), "ledger.note");
        let before = item(&app, all[1]).await;
        for _ in 0..10 {
            assert_eq!(hand(&seen.seen, "岗位轮换").await.unwrap(), 3, "the same answer each time");
        }
        assert_eq!(code(hand(&seen.seen, "别的原因").await), "ledger.event_taken");
        for (id, whose) in [(all[0], into), (all[1], into), (all[2], into), (all[3], from), (all[4], from)] {
            assert_eq!(item(&app, id).await.assignee_id, Some(whose));
        }
        let after = item(&app, all[1]).await;
        assert_eq!(
            (after.state(), &after.deadline, after.version),
            (State::InProgress, &before.deadline, before.version + 1)
        );
        let events = world::number(&app, "SELECT COUNT(*) FROM item_event WHERE action = 'handover'", args![]).await;
        assert_eq!(events, 3, "one event on each, once");
        let told = notices::notices(&app, &coming).await.unwrap();
        assert_eq!(told.iter().filter(|n| n.kind == Kind::Assigned && n.unread).count(), 3);
        world::run(&app, "UPDATE item SET division_code = $2 WHERE id = $1", args![all[3], VILLAGE]).await;
        sound(&app).await;

        // By the page, for somebody who cannot sign in any more; who has nothing is not offered.
        world::run(&app, "UPDATE app_user SET disabled = TRUE WHERE login = 'coming'", args![]).await;
        let server = TestApp::new(&app);
        let mut browser = server.login(Role::CountyStaff, "990101").await;
        let page = browser.get("/ledger/handover").await.body;
        assert!(page.contains("已停用") && page.contains("未销 3 件"), "{page}");
        let page = browser.get(&format!("/ledger/handover?from={into}&to=checker")).await.body;
        assert!(page.contains("确认移交 3 件"), "{page}");
        let field = |name: &str| {
            let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        let (batch, to, seen) = (field("batch"), field("to"), field("seen"));
        let into = into.to_string();
        let fields = [("batch", batch.as_str()), ("from", &into), ("to", &to), ("seen", &seen), ("note", "人员调离")];
        assert_eq!(browser.post("/ledger/handover", &fields).await.status, StatusCode::SEE_OTHER);
        assert_eq!(item(&app, all[2]).await.assignee_id, checker.user_id);
        let timeline = browser.get(&format!("/ledger/{}", all[2])).await.body;
        assert!(timeline.contains("移交：由coming移交checker") && timeline.contains("人员调离"), "{timeline}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bell_tells_what_is_new_and_the_digest_what_is_urgent() {
    each_database(|mut app| async move {
        world::divisions(&app).await;
        let all = items(&app, 3).await;
        let server = TestApp::new(&app);
        let mut browser = server.login(Role::VillageOfficer, VILLAGE).await;
        let (me,): (Uuid,) =
            app.db.one("SELECT id FROM app_user WHERE role = 'village_officer'", args![]).await.unwrap();
        let county = world::user(&app, "county", Role::CountyStaff, "990101").await;
        let second = world::user(&app, "second", Role::VillageOfficer, VILLAGE).await;
        assert!(!browser.get("/notices/bell").await.body.contains("count"), "nothing to tell");
        assert!(browser.get("/notices").await.body.contains("没有需要您处理的消息"));
        let to = |who: Uuid, n: u64| Action::Assign { assignee: who, deadline: Some(today() + chrono::Days::new(n)) };
        act(&app, &county, all[0], to(me, 0), "").await.unwrap();
        act(&app, &county, all[1], to(me, 5), "").await.unwrap();
        act(&app, &county, all[2], to(second.user_id.unwrap(), 0), "").await.unwrap();
        let bell = browser.get("/notices/bell").await.body;
        assert!(bell.contains(">3<") && bell.contains("3 条未读"), "two assigned, one due today: {bell}");
        let page = browser.get("/notices").await.body;
        assert!(page.contains("明天超期") && page.contains("county交办，期限 2020-02-25"), "{page}");
        let reply = browser.post("/notices/read", &[]).await;
        assert_eq!(reply.location(), "/notices");
        assert!(!browser.get("/notices/bell").await.body.contains("class=\"count\""));
        let page = browser.get("/notices").await.body;
        assert!(page.contains("明天超期") && !page.contains("notice-new") && page.contains("未读 0 条"), "{page}");

        // The next day tells again what a day brings, and not what was read.
        app.clock = Clock::fixed(today() + chrono::Days::new(5));
        let later = TestApp::new(&app);
        let mut tomorrow = later.login(Role::VillageOfficer, VILLAGE).await;
        let bell = tomorrow.get("/notices/bell").await.body;
        assert!(bell.contains(">1<"), "{bell}");

        let found = notices::digest(&app, &machine(), "", None).await.unwrap();
        let people: BTreeMap<&str, (usize, usize)> =
            found.people.iter().map(|p| (p.login.as_str(), (p.overdue.len(), p.due.len()))).collect();
        assert_eq!(people.len(), 2);
        assert_eq!(people["second"], (1, 0));
        assert_eq!(people["village.officer-990101001001"], (1, 1));
        let one = notices::digest(&app, &machine(), "990101", Some("second")).await.unwrap();
        assert_eq!(one.people.len(), 1);
        assert!(notices::digest(&app, &machine(), "990202", None).await.unwrap().people.is_empty());
        assert_eq!(code(notices::digest(&app, &county, "9902", None).await), "ledger.place");
        let made = world::number(&app, "SELECT COUNT(*) FROM audit WHERE action = 'ledger.digest'", args![]).await;
        assert_eq!(made, 3);
        if app.db.name() == "sqlite" {
            let file = app.folder.join("digest.md");
            let out = std::process::Command::new(env!("CARGO_BIN_EXE_taizhang"))
                .args(["ledger", "digest", "--lang", "zh-CN", "--today", "2020-02-25", "--out"])
                .arg(&file)
                .env("TAIZHANG_DATA", &app.folder)
                .env_remove("TAIZHANG_DATABASE")
                .output()
                .unwrap();
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
            let told = std::fs::read_to_string(&file).unwrap();
            for words in ["# 每日提醒 2020-02-25", "## second · 测试单位", "### 超期 1 件", "### 今天到期 1 件"]
            {
                assert!(told.contains(words), "{words} in {told}");
            }
        }
        // Neither page nor bell for who has nothing to do with items.
        let mut clerk = server.login(Role::HealthClerk, "990101").await;
        assert_eq!(clerk.get("/notices").await.status, StatusCode::FORBIDDEN);
        assert!(!clerk.get("/comparisons").await.body.contains("/notices"));
        assert!(browser.get("/ledger").await.body.contains("hx-get=\"/notices/bell\""));
    })
    .await;
}

/// One thing that a client tried, and what it was told.
#[derive(Debug)]
struct Tried {
    who: usize,
    item: usize,
    step: Step,
    said: Result<Done, &'static str>,
}

/// A line of the event log.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Logged {
    id: Uuid,
    seq: i64,
    round: i64,
    version: Option<i64>,
    action: String,
    from_state: String,
    to_state: String,
    actor_id: Option<Uuid>,
    data: String,
}

/// Fights of 64 clients over the same items, and what the log says of them.
async fn fight(app: &App, count: u128, time: Duration) -> usize {
    world::divisions(app).await;
    let all: Arc<Vec<Uuid>> = Arc::new(items(app, count).await);
    let mut people = Vec::new();
    for n in 0..8 {
        let (role, place) = match n % 4 {
            0 => (Role::TownshipStaff, "990101001"),
            1 => (Role::CountyStaff, "990101"),
            _ => (Role::VillageOfficer, VILLAGE),
        };
        people.push(world::user(app, &format!("fighter-{n}"), role, place).await);
    }
    let people = Arc::new(people);
    let required: Arc<Vec<String>> =
        Arc::new(item(app, all[0]).await.measures().into_iter().filter(|m| m.required).map(|m| m.id).collect());
    let ends = Instant::now() + time;
    let clients: Vec<_> = (0..64_usize)
        .map(|client| {
            let (app, all, people, required) = (app.clone(), all.clone(), people.clone(), required.clone());
            tokio::spawn(async move {
                let mut dice = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(client as u64 + 1);
                let mut roll = move |sides: usize| {
                    dice ^= dice << 13;
                    dice ^= dice >> 7;
                    dice ^= dice << 17;
                    (dice % sides as u64) as usize
                };
                // Version and state of each item as this client last saw it; mostly out of date.
                let mut seen: HashMap<usize, (i64, State)> = HashMap::new();
                let mut tried = Vec::new();
                while Instant::now() < ends {
                    let (who, which) = (roll(people.len()), roll(all.len()));
                    let (version, state) = seen.get(&which).copied().unwrap_or((1, State::ToVerify));
                    let onward = match state {
                        State::ToVerify | State::Assigned | State::Returned => Action::Start,
                        State::InProgress => match roll(3) {
                            0 => Action::Submit,
                            _ if required.is_empty() => Action::Progress,
                            _ => Action::Measure { id: required[roll(required.len())].clone() },
                        },
                        State::Submitted => Action::Check,
                        State::Checking => [pass(), Action::Fail][roll(2)].clone(),
                        State::Closed | State::Cancelled => Action::Reopen,
                    };
                    let action = if roll(6) == 0 { Action::Note } else { onward };
                    let step = step(version, action, "如实办理，现场看过");
                    let said = ledger::act(&app, &people[who], all[which], step.clone()).await;
                    // Some networks send twice.
                    if roll(8) == 0 {
                        let again = ledger::act(&app, &people[who], all[which], step.clone()).await;
                        match (&said, again) {
                            (Ok(done), Ok(again)) => {
                                assert_eq!(
                                    (again.version, again.state, again.repeated),
                                    (done.version, done.state, true)
                                );
                            }
                            (Ok(_), Err(error)) => panic!("done, and then {error:?}"),
                            (Err(_), Ok(done)) => assert!(!done.repeated, "refused and recorded"),
                            (Err(_), Err(_)) => {}
                        }
                    }
                    let mut look = false;
                    let said = match said {
                        Ok(done) => {
                            seen.insert(which, (done.version, done.state));
                            Ok(done)
                        }
                        Err(error) => {
                            assert!(
                                matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Forbidden | ErrorKind::Invalid),
                                "{error:?}"
                            );
                            look = error.code() == "ledger.stale";
                            Err(error.code())
                        }
                    };
                    tried.push(Tried { who, item: which, step, said });
                    if look && roll(2) == 0 {
                        let now = item(&app, all[which]).await;
                        seen.insert(which, (now.version, now.state()));
                    }
                }
                tried
            })
        })
        .collect();
    let mut tried = Vec::new();
    for client in clients {
        tried.extend(client.await.unwrap());
    }

    // The log: each item's events follow each other without a gap, and each version was made once.
    let mut logs: Vec<Vec<Logged>> = Vec::new();
    for id in all.iter() {
        let log: Vec<Logged> = app
            .db
            .all(
                "SELECT id, seq, round, version, action, from_state, to_state, actor_id, data FROM item_event
                 WHERE item_id = $1 ORDER BY seq",
                args![*id],
            )
            .await
            .unwrap();
        let (mut state, mut version) = (String::new(), 0);
        for (n, event) in (1_i64..).zip(&log) {
            assert_eq!((event.seq, &event.from_state), (n, &state));
            version += 1;
            // The opening is the first version, though it is written with many others at once.
            assert_eq!(event.version.unwrap_or(1), version, "{log:#?}");
            state.clone_from(&event.to_state);
        }
        let now = item(app, *id).await;
        assert_eq!((now.state.as_str(), now.version), (state.as_str(), version), "the log leads to what the item is");
        logs.push(log);
    }
    // Every outcome by what the log says of the version that the client had seen.
    let mut why: BTreeMap<&str, usize> = BTreeMap::new();
    let mut done = 0;
    for one in &tried {
        let log = &logs[one.item];
        let logged = log.iter().find(|event| event.id == one.step.event_id);
        let at = |version: i64| log.iter().rev().find(|event| event.version.unwrap_or(1) <= version).unwrap();
        let then = at(one.step.version);
        match &one.said {
            Ok(said) => {
                let event = logged.unwrap_or_else(|| panic!("acknowledged and lost: {one:?}"));
                assert_eq!(
                    (event.version, event.to_state.as_str(), event.action.as_str()),
                    (Some(said.version), said.state.name(), one.step.action.name())
                );
                assert_eq!(event.actor_id, people[one.who].user_id);
                assert_eq!(said.version, one.step.version + 1, "on what was seen and nothing else");
                done += 1;
            }
            Err(code) => {
                // Sent twice and refused the first time only: the second must have a version that was right then.
                if let Some(event) = logged {
                    assert_eq!(event.version, Some(one.step.version + 1), "{one:?}");
                }
                let state = State::from_name(&then.to_state).unwrap();
                let explained = match *code {
                    "ledger.stale" => log.iter().any(|event| event.version.unwrap_or(1) > one.step.version),
                    "ledger.wrong_state" | "ledger.measure_done" => true,
                    "ledger.self_check" => log.iter().any(|event| {
                        event.round == then.round
                            && event.seq <= then.seq
                            && event.actor_id == people[one.who].user_id
                            && ledger::model::is_work(&event.action, &event.from_state)
                    }),
                    "ledger.measures_open" => {
                        let done: Vec<String> = log
                            .iter()
                            .filter(|e| e.round == then.round && e.seq <= then.seq && e.action == "measure")
                            .map(|e| serde_json::from_str::<serde_json::Value>(&e.data).unwrap()["measure"].to_string())
                            .collect();
                        required.iter().any(|measure| !done.contains(&format!("{measure:?}")))
                    }
                    "ledger.forbidden" => {
                        people[one.who].role == Role::VillageOfficer && one.step.action == Action::Reopen
                    }
                    _ => false,
                };
                let fits = match *code {
                    "ledger.wrong_state" => match one.step.action {
                        Action::Start => !matches!(state, State::ToVerify | State::Assigned | State::Returned),
                        Action::Submit | Action::Measure { .. } | Action::Progress => state != State::InProgress,
                        Action::Check => state != State::Submitted,
                        Action::Pass { .. } | Action::Fail => state != State::Checking,
                        Action::Reopen => state.is_open(),
                        _ => false,
                    },
                    "ledger.measure_done" => log
                        .iter()
                        .any(|event| event.action == "measure" && event.round == then.round && event.seq <= then.seq),
                    _ => true,
                };
                assert!(explained && fits, "the log does not explain {one:?} at {then:?}");
                *why.entry(code).or_default() += 1;
            }
        }
    }
    let acted: usize = logs.iter().map(|log| log.iter().filter(|event| event.actor_id.is_some()).count()).sum();
    assert!(done <= acted && acted <= done + why.values().sum::<usize>(), "{done} acknowledged, {acted} in the log");
    assert!(why.contains_key("ledger.stale"), "they met: {why:?}");
    sound(app).await;
    println!("{} tried, {done} done, refused {why:?}", tried.len());
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_explains_what_sixty_four_clients_did_to_the_same_items() {
    each_database(|app| async move {
        let done = fight(&app, 100, Duration::from_millis(1_500)).await;
        assert!(done > 50, "{done}");
    })
    .await;
}

/// A minute of it: `cargo test -p taizhang --test it sixty_four_clients_for_a_minute -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes two minutes"]
async fn sixty_four_clients_for_a_minute() {
    each_database(|app| async move {
        fight(&app, 100, Duration::from_secs(60)).await;
    })
    .await;
}
