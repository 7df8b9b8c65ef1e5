//! Temporary relief: asked for, decided by somebody else, paid, confirmed by a second person, and on the books.

use axum::http::StatusCode;
use taizhang::access::{Actor, Role, Scope, audit};
use taizhang::args;
use taizhang::platform::{App, Lang, UserError, ids};
use taizhang::relief::balance::{self, Balance, FIGURES, Period};
use taizhang::relief::export::{self, Edition};
use taizhang::relief::model::{Raw, Step, What};
use taizhang::relief::requests::{self, Done, Filter};
use taizhang::relief::{self, ReliefError};
use uuid::Uuid;

use crate::support::http::TestApp;
use crate::support::{each_database, machine};
use crate::world::{self, OTHER, VILLAGE};

/// Those who work on requests, each of them another person.
struct Hands {
    village: Actor,
    helper: Actor,
    township: Actor,
    second: Actor,
    county: Actor,
    other: Actor,
}

async fn hands(app: &App) -> Hands {
    Hands {
        village: world::user(app, "village", Role::VillageOfficer, VILLAGE).await,
        helper: world::user(app, "helper", Role::Helper, VILLAGE).await,
        township: world::user(app, "township", Role::TownshipStaff, "990101001").await,
        second: world::user(app, "second", Role::TownshipStaff, "990101001").await,
        county: world::user(app, "county", Role::CountyStaff, "990101").await,
        other: world::user(app, "other", Role::TownshipStaff, "990101002").await,
    }
}

async fn homes(app: &App) -> (Uuid, Uuid, Uuid) {
    world::divisions(app).await;
    let (one, _) = world::household(app, 1, VILLAGE, &[""]).await;
    let (two, _) = world::household(app, 2, VILLAGE, &[""]).await;
    let (three, _) = world::household(app, 3, OTHER, &[""]).await;
    (one, two, three)
}

fn form(amount: &str, more: &[(&str, &str)]) -> Raw {
    [
        ("kind", "urgent"),
        ("channel", "phone"),
        ("asked_on", "2020-02-20"),
        ("reason", "务工返回受阻，生活困难"),
        ("amount", amount),
    ]
    .iter()
    .chain(more)
    .map(|(field, text)| ((*field).to_owned(), (*text).to_owned()))
    .collect()
}

async fn ask(app: &App, actor: &Actor, household: Uuid, amount: &str, more: &[(&str, &str)]) -> Uuid {
    requests::ask(app, actor, household, ids::new_id(), &form(amount, more)).await.unwrap().id
}

async fn step(app: &App, actor: &Actor, id: Uuid, what: What, note: &str) -> Result<Done, ReliefError> {
    let version = requests::whole(app, &machine(), id).await.unwrap().request.version;
    requests::act(app, actor, id, Step { event: ids::new_id(), version, note: note.to_owned(), what }).await
}

async fn code(app: &App, actor: &Actor, id: Uuid, what: What, note: &str) -> String {
    step(app, actor, id, what, note).await.unwrap_err().code().to_owned()
}

fn pay(fen: i64, voucher: &str) -> What {
    What::Pay { paid_on: "2020-02-20".to_owned(), fen, voucher: voucher.to_owned(), payee: "赵1".to_owned() }
}

/// The payment of a voucher number.
async fn payment(app: &App, id: Uuid, voucher: &str) -> Uuid {
    let whole = requests::whole(app, &machine(), id).await.unwrap();
    whole.payments.iter().find(|p| p.voucher == voucher && p.state != "void").unwrap().id
}

async fn state(app: &App, id: Uuid) -> (String, i64, i64, i64) {
    let request = requests::whole(app, &machine(), id).await.unwrap().request;
    (request.state, request.approved_fen, request.paid_fen, request.advanced_fen)
}

fn until(to: &str) -> Period {
    Period { from: String::new(), to: to.to_owned() }
}

async fn books(app: &App, division: &str, period: &Period) -> Balance {
    let scope = Scope::subtree(division);
    let found = balance::balance(app, &machine(), &scope, period).await.unwrap();
    assert!(found.faults.is_empty(), "{:?}", found.faults);
    assert!(found.total.balances(), "{:?}", found.total);
    for line in found.divisions.iter().chain(&found.days) {
        assert!(line.balances(), "{line:?}");
    }
    // Every figure is what its list adds up to.
    for name in FIGURES {
        let (lines, count, sum) = balance::behind(app, &machine(), &scope, period, name, (0, 1000)).await.unwrap();
        assert_eq!(sum, found.total.figure(name), "{name}");
        assert_eq!(lines.iter().map(|line| line.figure_fen).sum::<i64>(), sum, "{name}");
        assert_eq!(lines.len() as i64, count, "{name}");
    }
    audit::verify(&app.db).await.unwrap();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_from_the_village_to_the_money_through_different_hands() {
    each_database(|app| async move {
        let (one, ..) = homes(&app).await;
        let hands = hands(&app).await;
        let id = ask(&app, &hands.township, one, "800", &[]).await;
        let whole = requests::whole(&app, &hands.county, id).await.unwrap();
        assert_eq!(whole.request.number, "救助-990101-2020-0001");
        assert_eq!((whole.request.level.as_str(), whole.request.asked_fen), ("township", 80_000));
        // Ten working days from a Thursday.
        assert_eq!(whole.request.decide_by, "2020-03-05");
        assert_eq!(whole.events.len(), 1);

        // Whoever asked does not decide; a foreign township is told of no such thing; the village may not.
        assert_eq!(code(&app, &hands.township, id, What::Approve(80_000), "").await, "relief.decide_self");
        assert_eq!(code(&app, &hands.other, id, What::Approve(80_000), "").await, "relief.not_found");
        assert_eq!(code(&app, &hands.village, id, What::Approve(80_000), "").await, "relief.forbidden");
        assert_eq!(code(&app, &machine(), id, What::Approve(80_000), "").await, "relief.forbidden");
        // Nothing is paid before, for it is no green channel; less than was asked for says why.
        assert_eq!(code(&app, &hands.second, id, pay(10_000, "V0"), "").await, "relief.state");
        assert_eq!(code(&app, &hands.second, id, What::Approve(60_000), "").await, "relief.fields");
        assert_eq!(code(&app, &hands.second, id, What::Approve(80_001), "多批一点").await, "relief.fields");
        step(&app, &hands.second, id, What::Approve(60_000), "按标准核减").await.unwrap();
        assert_eq!(state(&app, id).await, ("approved".to_owned(), 60_000, 0, 0));
        assert_eq!(requests::whole(&app, &machine(), id).await.unwrap().request.pay_by, "2020-02-27");
        assert_eq!(code(&app, &hands.county, id, What::Refuse, "再看看情况").await, "relief.state");

        // In two payments; each counts when somebody else has confirmed it.
        step(&app, &hands.second, id, pay(40_000, "V1"), "").await.unwrap();
        assert_eq!(code(&app, &hands.second, id, pay(30_000, "V2"), "").await, "relief.fields", "more than is left");
        assert_eq!(code(&app, &hands.second, id, pay(10_000, "V1"), "").await, "relief.fields", "the voucher is used");
        let first = payment(&app, id, "V1").await;
        assert_eq!(code(&app, &hands.second, id, What::Confirm(first), "").await, "relief.confirm_self");
        assert_eq!(state(&app, id).await.2, 0);
        step(&app, &hands.village, id, What::Confirm(first), "").await.unwrap();
        assert_eq!(state(&app, id).await, ("approved".to_owned(), 60_000, 40_000, 0));
        step(&app, &hands.county, id, pay(20_000, "V2"), "").await.unwrap();
        let second = payment(&app, id, "V2").await;
        step(&app, &hands.second, id, What::Confirm(second), "").await.unwrap();
        assert_eq!(state(&app, id).await, ("paid".to_owned(), 60_000, 60_000, 0));

        // A payment that was wrong is struck by somebody who has not confirmed it, and the request is open again.
        assert_eq!(code(&app, &hands.second, id, What::Void(second), "凭证有误").await, "relief.void_self");
        assert_eq!(code(&app, &hands.county, id, What::Void(second), "").await, "relief.fields");
        step(&app, &hands.county, id, What::Void(second), "凭证有误").await.unwrap();
        assert_eq!(state(&app, id).await, ("approved".to_owned(), 60_000, 40_000, 0));
        step(&app, &hands.township, id, pay(20_000, "V2"), "").await.unwrap();

        let found = books(&app, "9901", &until("2020-02-20")).await;
        let total = &found.total;
        assert_eq!((total.asked, total.approved, total.refused, total.pending), (80_000, 60_000, 20_000, 0));
        assert_eq!((total.paid, total.unpaid), (40_000, 20_000));
        let actions: Vec<String> = app
            .db
            .all::<(String,)>("SELECT action FROM audit WHERE object_kind = 'relief' ORDER BY seq", args![])
            .await
            .unwrap()
            .into_iter()
            .map(|(action,)| action)
            .collect();
        assert_eq!(
            actions,
            [
                "relief.ask",
                "relief.decide",
                "relief.pay",
                "relief.confirm",
                "relief.pay",
                "relief.confirm",
                "relief.void",
                "relief.pay"
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_ceiling_the_county_decides() {
    each_database(|app| async move {
        let (one, two, _) = homes(&app).await;
        let hands = hands(&app).await;
        let id = ask(&app, &hands.village, one, "1,000.01", &[]).await;
        assert_eq!(requests::whole(&app, &machine(), id).await.unwrap().request.level, "county");
        for what in [What::Approve(50_000), What::Refuse] {
            assert_eq!(code(&app, &hands.township, id, what, "乡镇先定").await, "relief.county");
        }
        step(&app, &hands.county, id, What::Approve(100_001), "").await.unwrap();
        // Within the ceiling the township may hand it up, and then it is the county's.
        let id = ask(&app, &hands.village, two, "900", &[]).await;
        assert_eq!(code(&app, &hands.township, id, What::Forward, "").await, "relief.fields");
        step(&app, &hands.township, id, What::Forward, "情况复杂").await.unwrap();
        assert_eq!(code(&app, &hands.township, id, What::Approve(90_000), "").await, "relief.county");
        step(&app, &hands.county, id, What::Refuse, "不符合条件").await.unwrap();
        let found = books(&app, "990101", &until("2020-02-20")).await;
        assert_eq!((found.total.asked, found.total.refused), (190_001, 90_000));
        assert_eq!(found.divisions.len(), 1);
        assert_eq!((found.divisions[0].code.as_str(), found.divisions[0].name.as_str()), ("990101001", "新桥镇"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn help_may_come_first_and_is_settled_by_the_decision() {
    each_database(|app| async move {
        let (one, two, _) = homes(&app).await;
        let hands = hands(&app).await;
        let spending = form("3000", &[("green", "1"), ("kind", "spending")]);
        let error = requests::ask(&app, &hands.village, one, ids::new_id(), &spending).await.unwrap_err();
        assert!(matches!(&error, ReliefError::Fields(f) if f.len() == 1 && f[0].field == "green"), "{error:?}");
        let id = ask(&app, &hands.village, one, "3000", &[("green", "1")]).await;
        assert_eq!(requests::whole(&app, &machine(), id).await.unwrap().request.decide_by, "2020-02-27");
        assert_eq!(code(&app, &hands.township, id, pay(100_001, "G1"), "").await, "relief.fields", "beyond the cap");
        step(&app, &hands.township, id, pay(60_000, "G1"), "").await.unwrap();
        let paid = payment(&app, id, "G1").await;
        step(&app, &hands.second, id, What::Confirm(paid), "").await.unwrap();
        assert_eq!(state(&app, id).await, ("asked".to_owned(), 0, 0, 60_000));
        let found = books(&app, "99", &until("2020-02-20")).await;
        assert_eq!((found.total.advanced, found.total.paid, found.total.pending), (60_000, 0, 300_000));
        // What was given cannot be decided away.
        assert_eq!(code(&app, &hands.county, id, What::Refuse, "不符合条件").await, "relief.fields");
        assert_eq!(code(&app, &hands.county, id, What::Approve(50_000), "核减一些").await, "relief.fields");
        assert_eq!(code(&app, &hands.village, id, What::Withdraw, "填错了户").await, "relief.fields");
        step(&app, &hands.county, id, What::Approve(60_000), "以先行救助为限").await.unwrap();
        assert_eq!(state(&app, id).await, ("paid".to_owned(), 60_000, 60_000, 0));
        let found = books(&app, "99", &until("2020-02-20")).await;
        assert_eq!((found.total.advanced, found.total.paid, found.total.unpaid), (0, 60_000, 0));
        // A payment ahead that is struck leaves the request free to be taken back.
        let id = ask(&app, &hands.village, two, "500", &[("green", "1")]).await;
        step(&app, &hands.township, id, pay(50_000, "G2"), "").await.unwrap();
        let paid = payment(&app, id, "G2").await;
        step(&app, &hands.second, id, What::Void(paid), "发错了户").await.unwrap();
        step(&app, &hands.village, id, What::Withdraw, "填错了户").await.unwrap();
        let found = books(&app, "99", &until("2020-02-20")).await;
        assert_eq!((found.total.withdrawn, found.total.withdrawn_n, found.total.pending), (50_000, 1, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_again_within_a_year_says_why_and_the_same_form_is_one_request() {
    each_database(|app| async move {
        let (one, _, three) = homes(&app).await;
        let hands = hands(&app).await;
        let (id, raw) = (ids::new_id(), form("300", &[]));
        let done = requests::ask(&app, &hands.village, one, id, &raw).await.unwrap();
        let again = requests::ask(&app, &hands.village, one, id, &raw).await.unwrap();
        assert_eq!((done.repeated, again.repeated, &again.number), (false, true, &done.number));
        let error = requests::ask(&app, &hands.village, one, id, &form("400", &[])).await.unwrap_err();
        assert_eq!(error.code(), "relief.resent");
        let error = requests::ask(&app, &hands.village, one, ids::new_id(), &raw).await.unwrap_err();
        let ReliefError::Fields(faults) = &error else { panic!("{error:?}") };
        assert_eq!((faults[0].field, faults[0].expected.contains(&done.number)), ("again", true));
        let second = ask(&app, &hands.village, one, "300", &[("again", "家人又住院")]).await;
        let whole = requests::whole(&app, &machine(), second).await.unwrap();
        assert_eq!(whole.others.iter().map(|other| other.id).collect::<Vec<_>>(), [id]);
        assert!(requests::whole(&app, &machine(), id).await.unwrap().others.is_empty(), "the first was no repetition");
        // A year later it is another matter.
        world::run(&app, "UPDATE relief SET asked_on = '2019-02-19'", args![]).await;
        ask(&app, &hands.village, one, "300", &[]).await;
        // All that does not fit is told at once.
        let bad = [("kind", "x"), ("channel", ""), ("asked_on", "2020-02-21"), ("amount", "1.005"), ("reason", "穷")];
        let bad: Raw = bad.iter().map(|(f, v)| ((*f).to_owned(), (*v).to_owned())).collect();
        let error = requests::ask(&app, &hands.village, one, ids::new_id(), &bad).await.unwrap_err();
        let ReliefError::Fields(faults) = &error else { panic!("{error:?}") };
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["kind", "channel", "asked_on", "amount", "reason", "again"]);
        assert!(error.message(Lang::Zh).contains("申请金额"), "{}", error.message(Lang::Zh));
        // A foreign household is not there, and a helper asks for their own only.
        for (actor, household) in [(&hands.village, three), (&hands.helper, one)] {
            let error = requests::ask(&app, actor, household, ids::new_id(), &raw).await.unwrap_err();
            assert_eq!(error.code(), "relief.not_found");
        }
        let numbers = world::number(&app, "SELECT last FROM relief_number", args![]).await;
        assert_eq!(numbers, 3, "what was refused took no number");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hands_on_one_request_have_one_outcome() {
    each_database(|app| async move {
        let (one, ..) = homes(&app).await;
        let hands = hands(&app).await;
        let id = ask(&app, &hands.village, one, "800", &[]).await;
        let of = |what: What| Step { event: ids::new_id(), version: 1, note: "同一时刻办理".to_owned(), what };
        let (approve, refuse) = (of(What::Approve(80_000)), of(What::Refuse));
        let (a, b) = tokio::join!(
            requests::act(&app, &hands.second, id, approve.clone()),
            requests::act(&app, &hands.county, id, refuse.clone())
        );
        assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1);
        let lost = a.as_ref().err().or(b.as_ref().err()).unwrap();
        assert_eq!(lost.code(), "relief.stale");
        // The same step sent again is done once; with other words it is refused.
        let (actor, won) = if a.is_ok() { (&hands.second, approve) } else { (&hands.county, refuse) };
        assert!(requests::act(&app, actor, id, won.clone()).await.unwrap().repeated);
        let other = Step { note: "另一番话".to_owned(), ..won };
        assert_eq!(requests::act(&app, actor, id, other).await.unwrap_err().code(), "relief.resent");
        let events = world::number(&app, "SELECT COUNT(*) FROM relief_event", args![]).await;
        assert_eq!(events, 2);
        books(&app, "99", &until("2020-02-20")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_of_a_past_day_stay_as_they_were() {
    each_database(|app| async move {
        let (one, two, three) = homes(&app).await;
        let hands = hands(&app).await;
        let first = ask(&app, &hands.village, one, "800", &[]).await;
        let second = ask(&app, &hands.village, two, "700", &[]).await;
        ask(&app, &hands.other, three, "600", &[]).await;
        step(&app, &hands.township, first, What::Approve(80_000), "").await.unwrap();
        step(&app, &hands.township, second, What::Refuse, "不符合条件").await.unwrap();
        // The decisions were a day before the rest.
        world::run(&app, "UPDATE relief_event SET day = '2020-02-18' WHERE action = 'ask'", args![]).await;
        world::run(&app, "UPDATE relief_event SET day = '2020-02-19' WHERE action IN ('approve', 'refuse')", args![])
            .await;
        step(&app, &hands.township, first, pay(50_000, "V1"), "").await.unwrap();
        let paid = payment(&app, first, "V1").await;
        step(&app, &hands.second, first, What::Confirm(paid), "").await.unwrap();
        let past = books(&app, "9901", &until("2020-02-18")).await.total;
        assert_eq!((past.asked, past.pending, past.pending_n, past.approved), (210_000, 210_000, 3, 0));
        let past = books(&app, "9901", &until("2020-02-19")).await.total;
        assert_eq!((past.pending, past.approved, past.refused, past.unpaid), (60_000, 80_000, 70_000, 80_000));
        let period = Period { from: "2020-02-19".to_owned(), to: "2020-02-20".to_owned() };
        let found = books(&app, "990101", &period).await;
        let total = &found.total;
        assert_eq!((total.pending_before, total.asked, total.pending), (210_000, 0, 60_000));
        assert_eq!((total.unpaid_before, total.paid, total.unpaid), (0, 50_000, 30_000));
        let days: Vec<(&str, i64, i64, i64)> =
            found.days.iter().map(|d| (d.code.as_str(), d.pending, d.paid, d.unpaid)).collect();
        assert_eq!(days, [("2020-02-19", 60_000, 0, 80_000), ("2020-02-20", 60_000, 50_000, 30_000)]);
        let codes: Vec<&str> = found.divisions.iter().map(|line| line.code.as_str()).collect();
        assert_eq!(codes, ["990101001", "990101002"]);
        // What somebody changes behind the product's back is found.
        world::run(&app, "UPDATE relief_payment SET amount_fen = 40000", args![]).await;
        let found = balance::balance(&app, &machine(), &Scope::everything(), &period).await.unwrap();
        assert_eq!(found.faults, [("paid".to_owned(), 50_000, 40_000)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_know_what_is_late_and_whose_it_is() {
    each_database(|app| async move {
        let (one, two, three) = homes(&app).await;
        let hands = hands(&app).await;
        let first = ask(&app, &hands.village, one, "800", &[]).await;
        let second = ask(&app, &hands.village, two, "700", &[("kind", "spending")]).await;
        ask(&app, &hands.other, three, "600", &[]).await;
        world::run(&app, "UPDATE relief SET decide_by = '2020-02-19' WHERE id = $1", args![first]).await;
        step(&app, &hands.township, second, What::Approve(70_000), "").await.unwrap();
        let list = async |actor: &Actor, filter: Filter| {
            let (lines, count, _) = requests::list(&app, actor, &actor.scope, &filter, (0, 50)).await.unwrap();
            assert_eq!(lines.len() as i64, count);
            lines.into_iter().map(|line| line.id).collect::<Vec<_>>()
        };
        assert_eq!(list(&hands.county, Filter::default()).await.len(), 3);
        assert_eq!(list(&hands.township, Filter { late: true, ..Filter::default() }).await, [first]);
        assert_eq!(list(&hands.county, Filter { kind: "spending".to_owned(), ..Filter::default() }).await, [second]);
        assert_eq!(list(&hands.county, Filter { text: "H2".to_owned(), ..Filter::default() }).await, [second]);
        assert_eq!(list(&hands.other, Filter::default()).await.len(), 1, "of the own township only");
        // A helper sees the requests of the households that they help.
        assert!(list(&hands.helper, Filter::default()).await.is_empty());
        world::helper(&app, one, VILLAGE, "helper", 1).await;
        world::run(&app, "UPDATE helper SET unit = '测试单位'", args![]).await;
        let helper = Actor { unit: "测试单位".to_owned(), ..hands.helper.clone() };
        assert_eq!(list(&helper, Filter::default()).await, [first]);
        assert_eq!(requests::whole(&app, &helper, second).await.unwrap_err().code(), "relief.not_found");
        // The file says who took it out, and the public one only what may be put up.
        let scope = hands.county.scope.clone();
        let filter = Filter::default();
        let short = export::xlsx(&app, &hands.county, &scope, &filter, Edition::Public, "公", Lang::Zh).await;
        assert_eq!(short.unwrap_err().code(), "relief.purpose");
        let refused = export::xlsx(&app, &hands.township, &scope, &filter, Edition::Public, "村内公示", Lang::Zh).await;
        assert_eq!(refused.unwrap_err().code(), "relief.forbidden");
        let foreign = Scope::subtree("9902");
        let refused = export::xlsx(&app, &hands.county, &foreign, &filter, Edition::Public, "村内公示", Lang::Zh).await;
        assert_eq!(refused.unwrap_err().code(), "relief.not_found");
        let public =
            export::xlsx(&app, &hands.county, &scope, &filter, Edition::Public, "村内公示", Lang::Zh).await.unwrap();
        let text = sheet_text(&public);
        assert!(text.contains("赵*") && !text.contains("赵2") && !text.contains("生活困难"), "{text}");
        assert!(text.contains("700") && text.contains("共 1 户"), "{text}");
        let own =
            export::xlsx(&app, &hands.county, &scope, &filter, Edition::Internal, "县级存档", Lang::Zh).await.unwrap();
        let text = sheet_text(&own);
        assert!(text.contains("赵2") && text.contains("救助-990101-2020-0003") && text.contains("生活困难"), "{text}");
        let taken: Vec<(String,)> =
            app.db.all("SELECT reason FROM audit WHERE action = 'relief.export' ORDER BY seq", args![]).await.unwrap();
        assert_eq!(taken, [("村内公示".to_owned(),), ("县级存档".to_owned(),)]);
    })
    .await;
}

/// Every cell of a workbook.
fn sheet_text(bytes: &[u8]) -> String {
    use calamine::Reader;
    let mut book: calamine::Xlsx<_> = calamine::open_workbook_from_rs(std::io::Cursor::new(bytes)).unwrap();
    let mut out = String::new();
    for (_, range) in book.worksheets() {
        for row in range.rows() {
            let cells: Vec<String> = row.iter().map(ToString::to_string).collect();
            out.push_str(&cells.join("|"));
            out.push('\n');
        }
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_goes_along_when_the_household_moves() {
    each_database(|app| async move {
        let (one, ..) = homes(&app).await;
        let hands = hands(&app).await;
        let id = ask(&app, &hands.village, one, "800", &[]).await;
        world::run(&app, "UPDATE household SET division_code = $2 WHERE id = $1", args![one, OTHER]).await;
        app.db
            .write::<_, taizhang::platform::DbError, _>(move |tx| {
                // In this world an import has the id of the household that it brought.
                Box::pin(async move { relief::follow(tx, one).await })
            })
            .await
            .unwrap();
        assert_eq!(requests::whole(&app, &hands.village, id).await.unwrap_err().code(), "relief.not_found");
        let found = books(&app, "990101002", &until("2020-02-20")).await;
        assert_eq!(found.total.asked, 80_000);
        step(&app, &hands.other, id, What::Approve(80_000), "").await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_lead_from_the_household_to_the_last_payment() {
    each_database(|app| async move {
        let (one, ..) = homes(&app).await;
        let server = TestApp::new(&app);
        let mut village = server.login(Role::VillageOfficer, VILLAGE).await;
        let mut township = server.login(Role::TownshipStaff, "990101001").await;
        let mut county = server.login(Role::CountyStaff, "990101").await;
        let base = format!("/households/{one}");
        let page = village.get(&format!("{base}/care")).await;
        assert!(page.body.contains(&format!("{base}/relief")), "{}", page.body);
        let page = village.get(&format!("{base}/relief")).await;
        assert!(page.body.contains("1,000 元以内由乡镇审批"), "{}", page.body);
        let id = ids::new_id().to_string();
        let fields = [
            ("id", id.as_str()),
            ("kind", "urgent"),
            ("channel", "wechat"),
            ("asked_on", "2020-02-20"),
            ("amount", "800"),
            ("reason", "务工返回受阻"),
        ];
        let bad: Vec<(&str, &str)> =
            fields.iter().map(|(f, v)| (*f, if *f == "amount" { "八百" } else { *v })).collect();
        let reply = village.post(&format!("{base}/relief"), &bad).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(reply.body.contains("最多两位小数") && reply.body.contains("务工返回受阻"), "{}", reply.body);
        let reply = village.post(&format!("{base}/relief"), &fields).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.body);
        let show = reply.location().to_owned();
        let page = village.get(&show).await;
        assert!(page.body.contains("救助-990101-2020-0001") && !page.body.contains("value=\"approve\""));
        let page = township.get(&show).await;
        assert!(page.body.contains("value=\"approve\"") && page.body.contains("微信"), "{}", page.body);
        let event = ids::new_id().to_string();
        let decide =
            [("event", event.as_str()), ("version", "1"), ("verdict", "approve"), ("approved", "800"), ("note", "")];
        let reply = township.post(&format!("{show}/decide"), &decide).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.body);
        let stale = [("event", id.as_str()), ("version", "1"), ("verdict", "refuse"), ("note", "不符合条件")];
        let reply = county.post(&format!("{show}/decide"), &stale).await;
        assert_eq!(reply.status, StatusCode::CONFLICT);
        assert!(reply.body.contains("已办理过这件申请"), "{}", reply.body);
        let event = ids::new_id().to_string();
        let pay = [
            ("event", event.as_str()),
            ("version", "2"),
            ("fen", "800"),
            ("paid_on", "2020-02-20"),
            ("voucher", "P-1"),
            ("payee", "赵1"),
        ];
        let reply = township.post(&format!("{show}/pay"), &pay).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.body);
        let page = township.get(&show).await;
        assert!(!page.body.contains("核对无误"), "who wrote it down is not asked to confirm it");
        let page = county.get(&show).await;
        assert!(page.body.contains("核对无误"));
        let payment = payment(&app, show.rsplit('/').next().unwrap().parse().unwrap(), "P-1").await.to_string();
        let event = ids::new_id().to_string();
        let confirm = [("event", event.as_str()), ("version", "3"), ("payment", payment.as_str())];
        let reply = county.post(&format!("{show}/confirm"), &confirm).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.body);
        let page = county.get("/relief/balance").await;
        assert!(page.body.contains("账目平衡") && page.body.contains("figure=paid"), "{}", page.body);
        let page = county.get("/relief/balance/list?division=990101&figure=paid&from=&to=2020-02-20").await;
        assert!(page.body.contains("救助-990101-2020-0001"), "{}", page.body);
        let page = village.get(&format!("{base}/care")).await;
        assert!(page.body.contains("临时救助已发放完毕：800 元"), "{}", page.body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_proves_the_books_and_fails_where_they_differ() {
    let folder = tempfile::tempdir().unwrap();
    let app = crate::support::open(folder.path(), None).await;
    let (one, ..) = homes(&app).await;
    let hands = hands(&app).await;
    let id = ask(&app, &hands.village, one, "800", &[]).await;
    let taizhang = |args: &[&str]| {
        std::process::Command::new(env!("CARGO_BIN_EXE_taizhang"))
            .args(args)
            .args(["--data", folder.path().to_str().unwrap(), "--lang", "zh-CN", "--today", "2020-02-20"])
            .env_remove("TAIZHANG_DATABASE")
            .output()
            .unwrap()
    };
    let made = taizhang(&["relief", "balance", "--division", "990101", "--json"]);
    let books: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!((&books["balanced"], &books["books"]["total"]["pending"]), (&true.into(), &80_000.into()), "{made:?}");
    let text = String::from_utf8(taizhang(&["relief", "balance"]).stdout).unwrap();
    assert!(text.contains("待审批") && text.contains("800") && text.contains("账目平衡"), "{text}");
    let text = String::from_utf8(taizhang(&["relief", "contacts", "--days", "7"]).stdout).unwrap();
    assert!(text.contains("从未联系") && text.contains('3'), "{text}");
    assert_eq!(taizhang(&["relief", "contacts", "--days", "0"]).status.code(), Some(2));
    world::run(&app, "UPDATE relief SET asked_fen = 70000 WHERE id = $1", args![id]).await;
    let made = taizhang(&["relief", "balance"]);
    assert_eq!(made.status.code(), Some(6), "{made:?}");
    assert!(String::from_utf8_lossy(&made.stdout).contains("账目与记录不一致"), "{made:?}");
}
