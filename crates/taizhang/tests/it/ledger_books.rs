//! The books of the ledger: they balance, every figure opens its list, and a day that has passed keeps its figures.

use axum::http::StatusCode;
use chrono::NaiveDate;
use taizhang::access::{Actor, Role, audit};
use taizhang::args;
use taizhang::ledger::books::{Asked, Books, Of, Side, books, subjects};
use taizhang::ledger::model::{Action, Filter, Step, Then, Which};
use taizhang::ledger::{self, FileKind, LedgerError};
use taizhang::platform::{App, Clock, Lang, UserError, ids};
use taizhang::road;
use taizhang::upkeep::{self, Level};
use uuid::Uuid;

use crate::support::http::TestApp;
use crate::support::{each_database, machine, today};
use crate::world::{self, OTHER, VILLAGE};

/// The installation on the day so many days after the first.
fn on(app: &App, days: u64) -> App {
    App { clock: Clock::fixed(day(days)), ..app.clone() }
}

fn day(days: u64) -> NaiveDate {
    today().checked_add_days(chrono::Days::new(days)).unwrap()
}

async fn act(app: &App, actor: &Actor, id: Uuid, action: Action) {
    let version = world::number(app, "SELECT version FROM item WHERE id = $1", args![id]).await;
    let step = Step { event_id: ids::new_id(), version, action, note: "如实办理".to_owned() };
    ledger::act(app, actor, id, step).await.unwrap();
}

/// From "to verify" to closed by two people.
async fn close(app: &App, worker: &Actor, checker: &Actor, id: Uuid) {
    act(app, worker, id, Action::Start).await;
    let whole = ledger::whole(app, &machine(), id, Lang::Zh).await.unwrap();
    for measure in whole.item.measures().into_iter().filter(|m| m.required) {
        act(app, worker, id, Action::Measure { id: measure.id }).await;
    }
    act(app, worker, id, Action::Submit).await;
    act(app, checker, id, Action::Check).await;
    act(app, checker, id, Action::Pass { place: String::new() }).await;
}

async fn items_of(app: &App, household: Uuid) -> Vec<Uuid> {
    let rows: Vec<(Uuid,)> =
        app.db.all("SELECT id FROM item WHERE household_id = $1 ORDER BY rule_id", args![household]).await.unwrap();
    rows.into_iter().map(|row| row.0).collect()
}

async fn ask(app: &App, division: &str, from: Option<NaiveDate>, to: NaiveDate) -> Books {
    let asked = Asked { division: division.to_owned(), from, to };
    let found = books(app, &machine(), &asked).await.unwrap();
    assert!(found.proof.faults.is_empty(), "{:?}", found.proof.faults);
    for account in [&found.total].into_iter().chain(&found.by_source).chain(&found.by_division) {
        for of in Of::ALL {
            assert!(account.sheet(of).balances(), "{} of {account:?}", of.name());
        }
    }
    for of in Of::ALL {
        for side in [Side::Start, Side::End] {
            let parts: i64 = found.by_division.iter().map(|account| account.sheet(of).side(side)).sum();
            if !found.by_division.is_empty() {
                assert_eq!(parts, found.total.sheet(of).side(side), "{} at {}", of.name(), side.name());
            }
        }
    }
    found
}

/// A life over five days: three households in two villages; one item closed, come back, struck; one household moved.
async fn five_days(app: &App, mut each: impl AsyncFnMut(&App, u64)) {
    world::divisions(app).await;
    let worker = world::user(app, "worker", Role::VillageOfficer, VILLAGE).await;
    let checker = world::user(app, "checker", Role::TownshipStaff, "990101001").await;
    let county = world::user(app, "county", Role::CountyStaff, "990101").await;
    let mut homes = Vec::new();
    for n in 1..=3 {
        homes.push(world::household(app, n, if n == 3 { OTHER } else { VILLAGE }, &["", ""]).await);
    }
    let (first, second, third) = (&homes[0], &homes[1], &homes[2]);
    let now = on(app, 0);
    let case = world::signal(&now, "epidemic.confirmed", "person", first.1[0], first.0, "{}").await;
    road::signals_changed(&now, &machine(), &[first.0]).await.unwrap();
    each(&now, 0).await;

    let now = on(app, 1);
    for id in items_of(&now, first.0).await {
        close(&now, &worker, &checker, id).await;
    }
    world::signal(&now, "jobs.ended", "person", second.1[0], second.0, "{}").await;
    road::signals_changed(&now, &machine(), &[second.0]).await.unwrap();
    each(&now, 1).await;

    let now = on(app, 2);
    let again = items_of(&now, first.0).await[0];
    act(&now, &county, again, Action::Reopen).await;
    let other = world::signal(&now, "epidemic.suspected", "person", third.1[1], third.0, "{}").await;
    world::run(&now, "UPDATE signal SET division_code = $2 WHERE id = $1", args![other, OTHER]).await;
    road::signals_changed(&now, &machine(), &[third.0]).await.unwrap();
    each(&now, 2).await;

    // The household of the second moves to the other village, and the suspicion about the third is taken back.
    let now = on(app, 3);
    for sql in [
        "UPDATE household SET division_code = $2 WHERE id = $1",
        "UPDATE person SET division_code = $2 WHERE household_id = $1",
        "UPDATE signal SET division_code = $2 WHERE household_id = $1",
    ] {
        world::run(&now, sql, args![second.0, OTHER]).await;
    }
    world::end_signal(&now, other, "withdrawn", "excluded").await;
    road::signals_changed(&now, &machine(), &[second.0, third.0]).await.unwrap();
    each(&now, 3).await;

    let now = on(app, 4);
    close(&now, &worker, &checker, again).await;
    world::end_signal(&now, case, "withdrawn", "excluded").await;
    road::signals_changed(&now, &machine(), &[first.0]).await.unwrap();
    each(&now, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_has_passed_keeps_its_figures_and_every_figure_opens_its_list() {
    each_database(|app| async move {
        let (places, mut kept) = (["99", "990101", VILLAGE, OTHER], Vec::new());
        five_days(&app, async |now: &App, n: u64| {
            for place in places {
                kept.push((place, n, ask(now, place, Some(day(n)), day(n)).await));
                kept.push((place, n, ask(now, place, None, day(n)).await));
                let open = world::number(
                    now,
                    "SELECT COUNT(*) FROM item WHERE state NOT IN ('closed', 'cancelled') AND division_code LIKE $1",
                    args![format!("{place}%")],
                )
                .await;
                let rollup = world::number(
                    now,
                    "SELECT CAST(COALESCE(SUM(opened + reopened + moved_in - closed - cancelled - moved_out), 0) AS BIGINT)
                     FROM item_rollup WHERE division_code LIKE $1",
                    args![format!("{place}%")],
                )
                .await;
                let found = &kept.last().unwrap().2;
                assert_eq!((found.total.items.end, rollup), (open, open), "{place} on day {n}");
                assert_eq!(found.proof.open_by_items, Some(open));
            }
        })
        .await;
        let now = on(&app, 9);
        for (place, n, then) in &kept {
            let again = ask(&now, place, then.from, then.to).await;
            assert_eq!(again.total, then.total, "{place} on day {n}");
            assert_eq!((&again.by_source, &again.by_division), (&then.by_source, &then.by_division));
            assert_eq!((&again.days, again.proof.open_by_rollup), (&then.days, then.proof.open_by_rollup));
            assert_eq!(again.proof.open_by_items, None, "the items say nothing of a day that has passed");
        }
        let county = ask(&now, "990101", Some(day(0)), day(4)).await;
        let items = county.total.items;
        assert_eq!((items.start, items.moved.opened, items.moved.reopened, items.moved.cancelled), (0, 5, 1, 2));
        assert_eq!((items.moved.closed, items.moved.moved_in, items.moved.moved_out, items.end), (3, 1, 1, 1));
        let homes = county.total.households;
        assert_eq!((homes.moved.opened, homes.moved.closed, homes.moved.cancelled, homes.end), (3, 1, 1, 1));
        assert_eq!((homes.moved.moved_in, homes.moved.moved_out), (0, 0), "a move inside the county is none for it");
        let village = ask(&now, VILLAGE, Some(day(3)), day(3)).await.total;
        assert_eq!((village.households.start, village.households.moved.moved_out, village.households.end), (2, 1, 1));
        let came_back = ask(&now, "990101", Some(day(2)), day(2)).await.total;
        assert_eq!((came_back.households.moved.reopened, came_back.persons.moved.reopened), (1, 1));

        // Each figure against its list.
        let mut looked = 0;
        for (place, _, then) in &kept {
            let asked = Asked { division: (*place).to_owned(), from: then.from, to: then.to };
            let accounts = [&then.total].into_iter().chain(&then.by_source);
            for account in accounts {
                for side in Side::all() {
                    for of in [Of::Households, Of::Persons] {
                        let figure = (account.ledger.as_str(), account.source.as_str());
                        let (rows, total) =
                            subjects(&now, &machine(), &asked, figure, (of, side), (50, 0)).await.unwrap();
                        assert_eq!(total, account.sheet(of).side(side), "{place} {} {}", of.name(), side.name());
                        assert_eq!(rows.len() as i64, total);
                        looked += total;
                    }
                    let value = account.items.side(side);
                    let then = match side {
                        Side::Start => match then.from.and_then(|day| day.pred_opt()) {
                            Some(day) => Then::OpenOn(day),
                            None => continue,
                        },
                        Side::End => Then::OpenOn(then.to),
                        Side::Moved(how) => Then::Moved { how, from: then.from, to: then.to },
                    };
                    let filter = Filter {
                        which: Which::All,
                        division: (*place).to_owned(),
                        ledger: account.ledger.clone(),
                        source: account.source.clone(),
                        then: Some(then.clone()),
                        page: 1,
                        per_page: 50,
                        ..Filter::default()
                    };
                    let (lines, total) = ledger::list(&now, &machine(), &filter).await.unwrap();
                    assert_eq!(lines.len() as i64, total);
                    if let Then::Moved { .. } = then {
                        let times = taizhang::ledger::books::times(&now, &machine(), &filter).await.unwrap();
                        assert_eq!(times, value, "{place} {}", side.name());
                        assert!(total <= value && (total > 0) == (value > 0));
                    } else {
                        assert_eq!(total, value, "{place} {}", side.name());
                    }
                    looked += total;
                }
            }
        }
        assert!(looked > 100, "{looked} rows were looked at");
        assert!(audit::verify(&app.db).await.unwrap().fault.is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn books_that_were_tampered_with_are_found_and_named() {
    each_database(|app| async move {
        five_days(&app, async |_: &App, _: u64| {}).await;
        let fine = ledger::prove(&app.db).await.unwrap();
        assert!(fine.faults.is_empty() && fine.compared > 4, "{fine:?}");
        let named = |found: &taizhang::ledger::books::Reconciliation| -> Vec<(String, i64, i64)> {
            found.faults.iter().map(|f| (format!("{} {}", f.what, f.day), f.rollup, f.recount)).collect()
        };
        let first = today().to_string();
        world::run(
            &app,
            "UPDATE item_rollup SET opened = opened + 1, closed = closed + 1 WHERE day = $1",
            args![&first],
        )
        .await;
        let found = ledger::prove(&app.db).await.unwrap();
        assert_eq!(
            named(&found),
            [(format!("opened {first}"), 3, 2), (format!("closed {first}"), 1, 0)],
            "also where both sides were moved alike"
        );
        world::run(
            &app,
            "UPDATE item_rollup SET opened = opened - 1, closed = closed - 1 WHERE day = $1",
            args![&first],
        )
        .await;
        let open = ("SELECT id FROM item WHERE state = 'to_verify' ORDER BY number LIMIT 1", args![]);
        let (open,): (Uuid,) = app.db.one(open.0, open.1).await.unwrap();
        world::run(&app, "UPDATE item SET state = 'closed' WHERE id = $1", args![open]).await;
        let found = ledger::prove(&app.db).await.unwrap();
        assert_eq!(named(&found)[0], ("open ".to_owned(), 0, 1));
        assert!(found.faults.iter().any(|fault| fault.what == "households"));
        // The doctor opens a file by itself; a server it would have to be told of.
        if app.db.name() == "sqlite" {
            let of = async || {
                let checks = upkeep::diagnose(&app.folder, None, app.clock).await;
                checks.into_iter().find(|check| check.name == "books").unwrap()
            };
            let check = of().await;
            assert_eq!(check.level, Level::Fail);
            assert!(check.text(Lang::Zh).contains("taizhang ledger reconcile"), "{}", check.text(Lang::Zh));
            world::run(&app, "UPDATE item SET state = 'to_verify' WHERE id = $1", args![open]).await;
            assert_eq!(of().await.level, Level::Ok);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_the_books_leads_to_its_lists_and_leaves_as_a_file_on_record() {
    each_database(|app| async move {
        five_days(&app, async |_: &App, _: u64| {}).await;
        let now = on(&app, 4);
        let server = TestApp::new(&now);
        let mut browser = server.login(Role::CountyStaff, "990101").await;
        let page = browser.get("/ledger/balance?from=2020-02-20&to=2020-02-24").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(page.body.contains("账目平衡") && page.body.contains("涉疫帮扶 · 研判"), "{}", page.body);
        let links: Vec<String> = page
            .body
            .split("href=\"")
            .filter_map(|part| part.split('"').next())
            .filter(|href| href.contains("moved=") || href.contains("asof=") || href.contains("/balance/list"))
            .map(|href| href.replace("&amp;", "&").replace("&#38;", "&"))
            .collect();
        assert!(links.len() > 20, "{links:?}");
        for link in &links {
            let list = browser.get(link).await;
            assert_eq!(list.status, StatusCode::OK, "{link}");
            assert!(list.body.contains("<tbody>"), "nothing behind {link}");
        }
        let asof = browser.get("/ledger?asof=2020-02-20").await;
        assert!(asof.body.contains("2020-02-20 日终未销的问题") && asof.body.contains("当时：待核实"), "{}", asof.body);
        let english = {
            browser.get("/lang/en?next=/").await;
            browser.get("/ledger/balance?from=2020-02-20&to=2020-02-24").await
        };
        assert!(english.body.contains("The books balance"));
        browser.get("/lang/zh-CN?next=/").await;
        let wrong = browser.get("/ledger/balance?from=2020-02-24&to=2020-02-20").await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.body.contains("起始日 2020-02-24 晚于截止日 2020-02-20"));
        let none = browser.get("/ledger/balance?from=gestern").await;
        assert!(none.status == StatusCode::UNPROCESSABLE_ENTITY && none.body.contains("“gestern”不是日期"));
        let form = [("from", "2020-02-20"), ("to", "2020-02-24"), ("format", "csv")];
        let refused = browser.post("/ledger/balance/export", &form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("请写明导出的用途"));
        let form = [("from", "2020-02-20"), ("to", "2020-02-24"), ("format", "csv"), ("purpose", "县月度对账")];
        let file = browser.post("/ledger/balance/export", &form).await;
        assert!(file.header("content-disposition").contains("books-2020-02-24.csv"), "{:?}", file.headers);
        assert!(file.body.contains("合计,云岭县,件,0,5,1,1,3,2,1,1"), "{}", file.body);
        let county = world::user(&now, "exporter", Role::CountyStaff, "990101").await;
        let asked = Asked { division: String::new(), from: None, to: day(4) };
        let book = ledger::export_books(&now, &county, &asked, FileKind::Xlsx, "县月度对账", Lang::Zh).await.unwrap();
        assert!(book.starts_with(b"PK"));
        let audited = world::number(
            &now,
            "SELECT COUNT(*) FROM audit WHERE action = 'ledger.export' AND detail LIKE '%\"books\"%'",
            args![],
        )
        .await;
        assert_eq!(audited, 2);
        // Others' places are not there; a helper sees no list of other people.
        let elsewhere = Asked { division: "9902".to_owned(), ..asked.clone() };
        let refused = books(&now, &county, &elsewhere).await.unwrap_err();
        assert_eq!(refused.code(), "ledger.place");
        let helper = world::user(&now, "helps", Role::Helper, VILLAGE).await;
        let asked = Asked { division: VILLAGE.to_owned(), ..asked };
        let refused = subjects(&now, &helper, &asked, ("", ""), (Of::Households, Side::End), (50, 0)).await;
        assert!(matches!(refused, Err(LedgerError::Forbidden { .. })));
    })
    .await;
}
