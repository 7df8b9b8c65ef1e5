//! Supervision: what is stuck and reminders by name, listed places, dispatch sessions, presence, the four 不摘; on both
//! databases.

use axum::http::StatusCode;
use taizhang::access::{Actor, Role, audit};
use taizhang::args;
use taizhang::assess::profile::supervise::StallKind;
use taizhang::ledger::model::{Action, Step};
use taizhang::ledger::{self, LedgerError};
use taizhang::platform::{App, Clock, Lang, UserError, ids};
use taizhang::road;
use taizhang::supervise::presence::{self, Mark, Verdict};
use taizhang::supervise::stall::{self, Asked};
use taizhang::supervise::{self, SuperviseError, dispatch, effort, four, listing};
use uuid::Uuid;

use crate::support::http::TestApp;
use crate::support::{each_database, machine, today};
use crate::world::{self, FAR, OTHER, VILLAGE};

const COUNTY: &str = "990101";
const HOUR: i64 = 3_600_000;

/// An item as the tables hold it; what is not said is plain.
struct Planted<'a> {
    division: &'a str,
    state: &'a str,
    opened_on: &'a str,
    worked_on: &'a str,
    deadline: &'a str,
    round: i64,
    closed_on: &'a str,
    /// Hours between opening and closing.
    hours: i64,
    checked_by: Option<Uuid>,
    owner: &'a str,
}

impl Default for Planted<'_> {
    fn default() -> Self {
        Self {
            division: VILLAGE,
            state: "in_progress",
            opened_on: "2020-02-01",
            worked_on: "2020-02-19",
            deadline: "2020-03-30",
            round: 1,
            closed_on: "",
            hours: 100,
            checked_by: None,
            owner: "李干部",
        }
    }
}

async fn plant(app: &App, item: Planted<'_>) -> Uuid {
    let id = ids::new_id();
    let profile = taizhang::assess::active_profile(app, &machine()).await.unwrap().id;
    world::run(
        app,
        "INSERT INTO item (id, number, ledger, source, rule_id, division_code, title, level, state, round, owner_unit,
             owner_division, owner_name, deadline, measures, version, profile_id, opened_at, opened_on, closed_on, checked_at,
             checked_by, worked_on, updated_at)
         VALUES ($1, $2, 'epidemic_assistance', 'manual', '', $3, $4, 'notice', $5, $6, '新桥镇', $3, $7, $8, '[]', 1, $9, $10,
                 $11, $12, $13, $14, $15, 0)",
        args![
            id,
            id.to_string(),
            item.division,
            "{\"zh-CN\":\"事项\",\"en\":\"Item\"}",
            item.state,
            item.round,
            item.owner,
            item.deadline,
            profile,
            1_000_i64,
            item.opened_on,
            item.closed_on,
            1_000 + item.hours * HOUR,
            item.checked_by,
            item.worked_on
        ],
    )
    .await;
    if let (Some(by), false) = (item.checked_by, item.closed_on.is_empty()) {
        world::run(
            app,
            "INSERT INTO item_event (id, item_id, seq, round, at, day, division_code, actor_id, actor_name, action, from_state,
                                     to_state, note, data)
             VALUES ($1, $2, 1, 1, 0, $3, $4, $5, '', 'pass', 'checking', 'closed', '', '{}')",
            args![ids::new_id(), id, item.closed_on, item.division, by],
        )
        .await;
    }
    id
}

async fn found(app: &App, actor: &Actor, rule: Option<StallKind>) -> Vec<Uuid> {
    let (_, policy) = supervise::policy(app, actor).await.unwrap();
    let asked = Asked { rule, ..Asked::default() };
    let (lines, count) = stall::list(app, actor, &policy, &actor.scope, &asked, (0, 100)).await.unwrap();
    assert_eq!(lines.len() as i64, count);
    lines.into_iter().map(|line| line.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_rule_finds_what_it_says_and_nothing_beside_it() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let county = world::user(&app, "county", Role::CountyStaff, COUNTY).await;
        let item = |planted| plant(&app, planted);
        let late = item(Planted { deadline: "2020-02-19", ..Planted::default() }).await;
        item(Planted { deadline: "2020-02-20", ..Planted::default() }).await;
        let idle = item(Planted { worked_on: "2020-02-10", division: OTHER, ..Planted::default() }).await;
        item(Planted { worked_on: "2020-02-11", ..Planted::default() }).await;
        let never = item(Planted { worked_on: "", owner: "", ..Planted::default() }).await;
        item(Planted { worked_on: "", opened_on: "2020-02-11", ..Planted::default() }).await;
        let again = item(Planted { round: 3, ..Planted::default() }).await;
        item(Planted { round: 2, ..Planted::default() }).await;
        let closed = |hours, day| Planted {
            state: "closed",
            closed_on: day,
            hours,
            deadline: "2020-02-05",
            checked_by: Some(Uuid::from_u128(1)),
            ..Planted::default()
        };
        let fast = item(closed(23, "2020-02-15")).await;
        item(closed(24, "2020-02-15")).await;
        // Further back than the profile looks.
        item(closed(1, "2020-01-20")).await;
        item(Planted { state: "cancelled", deadline: "2020-02-05", ..Planted::default() }).await;
        let foreign = item(Planted { division: FAR, deadline: "2020-02-19", ..Planted::default() }).await;
        let person = Some(Uuid::from_u128(2));
        for n in 0..20 {
            let division = if n == 0 { OTHER } else { VILLAGE };
            let planted = Planted { checked_by: person, division, ..closed(100, "2020-02-18") };
            item(planted).await;
        }
        for _ in 0..19 {
            item(Planted { checked_by: person, ..closed(100, "2020-02-17") }).await;
        }
        assert_eq!(found(&app, &county, Some(StallKind::Overdue)).await, [late]);
        assert_eq!(found(&app, &county, Some(StallKind::Idle)).await, [never, idle], "the longest first");
        assert_eq!(found(&app, &county, Some(StallKind::Reopened)).await, [again]);
        assert_eq!(found(&app, &county, Some(StallKind::ClosedFast)).await, [fast]);
        assert_eq!(found(&app, &county, Some(StallKind::ClosedBulk)).await.len(), 20, "nineteen on a day are none");
        assert_eq!(found(&app, &county, None).await.len(), 4);
        assert_eq!(found(&app, &machine(), Some(StallKind::Overdue)).await.len(), 2);
        assert!(found(&app, &machine(), None).await.contains(&foreign));
        // One village sees its one closing of the twenty, as the county does.
        let officer = world::user(&app, "officer", Role::VillageOfficer, OTHER).await;
        assert_eq!(found(&app, &officer, Some(StallKind::ClosedBulk)).await.len(), 1);

        let (_, policy) = supervise::policy(&app, &county).await.unwrap();
        let morning = stall::morning(&app, &county, &policy, &county.scope).await.unwrap();
        assert_eq!((morning.total.open, morning.total.stuck), (8, 4));
        let by_place: Vec<(&str, i64, i64, i64)> =
            morning.places.iter().map(|p| (p.name.as_str(), p.open, p.stuck, p.of(StallKind::ClosedBulk))).collect();
        assert_eq!(by_place, [("新桥镇", 7, 3, 19), ("柳河镇", 1, 1, 1)]);
        assert!(morning.places.iter().all(|place| !place.orange), "three of seven are fewer than five");
        let owners: Vec<(&str, i64, &str)> =
            morning.owners.iter().map(|o| (o.person.as_str(), o.items, o.since.as_str())).collect();
        assert_eq!(owners, [("李干部", 3, "2020-02-01"), ("", 1, "2020-02-01")]);
        for (person, expected) in [("李干部", 3), ("", 1)] {
            let asked =
                Asked { unit: "新桥镇".to_owned(), person: person.to_owned(), by_person: true, ..Asked::default() };
            let (_, n) = stall::list(&app, &county, &policy, &county.scope, &asked, (0, 1)).await.unwrap();
            assert_eq!(n, expected, "{person}");
        }
        let helper = world::user(&app, "helper", Role::Helper, VILLAGE).await;
        let refused = stall::morning(&app, &helper, &policy, &helper.scope).await.unwrap_err();
        assert!(matches!(refused, SuperviseError::Forbidden));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_warned_and_one_that_does_epidemic_work_alone_is_told() {
    each_database(|app| async move {
        world::divisions(&app).await;
        for _ in 0..5 {
            plant(&app, Planted { deadline: "2020-02-19", ..Planted::default() }).await;
        }
        for _ in 0..20 {
            plant(&app, Planted::default()).await;
        }
        let other = plant(&app, Planted { division: OTHER, ..Planted::default() }).await;
        world::run(&app, "UPDATE item SET ledger = 'problem_rectification' WHERE id = $1", args![other]).await;
        let epidemic = plant(&app, Planted { division: OTHER, ..Planted::default() }).await;
        let county = world::user(&app, "county", Role::CountyStaff, COUNTY).await;
        let (_, policy) = supervise::policy(&app, &county).await.unwrap();
        let flags = async || -> Vec<(String, bool, bool)> {
            let morning = stall::morning(&app, &county, &policy, &county.scope).await.unwrap();
            morning.places.into_iter().map(|p| (p.name, p.orange, p.only_epidemic)).collect()
        };
        let plain = [("新桥镇".to_owned(), true, false), ("柳河镇".to_owned(), false, false)];
        assert_eq!(flags().await, plain, "five of twenty-five");
        step(&app, &county, epidemic, Action::Progress).await;
        assert_eq!(flags().await[1], ("柳河镇".to_owned(), false, true));
        step(&app, &county, other, Action::Progress).await;
        assert_eq!(flags().await, plain);
    })
    .await;
}

async fn version(app: &App, id: Uuid) -> i64 {
    world::number(app, "SELECT version FROM item WHERE id = $1", args![id]).await
}

async fn step(app: &App, actor: &Actor, id: Uuid, action: Action) {
    let step =
        Step { event_id: ids::new_id(), version: version(app, id).await, action, note: "如实办理".to_owned() };
    ledger::act(app, actor, id, step).await.unwrap();
}

/// An item that a finding opened, on the books like any other.
async fn opened(app: &App) -> Uuid {
    world::divisions(app).await;
    let (one, _) = world::household(app, 1, VILLAGE, &[""]).await;
    world::signal(app, "housing.dangerous", "household", one, one, "{\"grade\":\"D\"}").await;
    road::signals_changed(app, &machine(), &[one]).await.unwrap();
    let (id,): (Uuid,) = app.db.one("SELECT id FROM item ORDER BY number LIMIT 1", args![]).await.unwrap();
    id
}

async fn balanced(app: &App) {
    let books = ledger::reconcile(app, &machine(), "").await.unwrap();
    assert!(books.faults.is_empty(), "{books:?}");
    audit::verify(&app.db).await.unwrap();
}

/// The same installation so many days later.
fn later(app: &App, days: u64) -> App {
    let mut app = app.clone();
    app.clock = Clock::fixed(today().checked_add_days(chrono::Days::new(days)).unwrap());
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn work_moves_an_item_and_remarks_and_reminders_do_not() {
    each_database(|app| async move {
        let id = opened(&app).await;
        let county = world::user(&app, "county", Role::CountyStaff, COUNTY).await;
        let officer = world::user(&app, "officer", Role::VillageOfficer, VILLAGE).await;
        let is_idle = async |days: u64| {
            let app = later(&app, days);
            found(&app, &county, Some(StallKind::Idle)).await.contains(&id)
        };
        assert!(!is_idle(9).await && is_idle(10).await, "counted from its opening");
        let on = later(&app, 5);
        let assign = || Action::Assign { assignee: officer.user_id.unwrap(), deadline: None };
        step(&on, &county, id, assign()).await;
        assert!(!is_idle(14).await && is_idle(15).await, "to hand it out is a step");
        step(&later(&app, 6), &county, id, Action::Note).await;
        let batch = ids::new_id();
        let seen = version(&app, id).await;
        let (n, left) =
            ledger::remind_many(&later(&app, 6), &county, batch, &[(id, seen)], "为何没有进展").await.unwrap();
        assert_eq!((n, left.len()), (1, 0));
        step(&later(&app, 6), &county, id, assign()).await;
        assert!(is_idle(15).await, "remarks, reminders and another assignment are no progress");
        step(&later(&app, 7), &officer, id, Action::Start).await;
        assert!(!is_idle(16).await && is_idle(17).await);
        balanced(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_names_whoever_answers_and_is_written_once() {
    each_database(|app| async move {
        let id = opened(&app).await;
        let county = world::user(&app, "county", Role::CountyStaff, COUNTY).await;
        let officer = world::user(&app, "officer", Role::VillageOfficer, VILLAGE).await;
        let foreign = world::user(&app, "foreign", Role::CountyStaff, FAR).await;
        step(&app, &county, id, Action::Assign { assignee: officer.user_id.unwrap(), deadline: None }).await;
        let lines = ledger::preview_remind(&app, &county, &[id], Lang::Zh).await.unwrap();
        assert_eq!((lines[0].name.as_str(), lines[0].unit.as_str()), ("officer", "新桥镇"));
        assert!(lines[0].refused.is_none());
        let seen = version(&app, id).await;
        let (batch, items) = (ids::new_id(), [(id, seen)]);
        for (actor, code) in [(&foreign, "ledger.not_found"), (&officer, "ledger.forbidden")] {
            let error = ledger::remind_many(&app, actor, batch, &items, "").await.unwrap_err();
            assert_eq!(error.code(), code);
        }
        let once = ledger::remind_many(&app, &county, batch, &items, "三日内回复").await.unwrap();
        let twice = ledger::remind_many(&app, &county, batch, &items, "三日内回复").await.unwrap();
        assert_eq!((once.0, twice.0), (1, 1), "the same request is done once and said to be done");
        let told = ledger::notices::notices(&app, &officer).await.unwrap();
        let reminded: Vec<Uuid> = told
            .iter()
            .filter(|notice| notice.kind == ledger::notices::Kind::Reminded)
            .map(|notice| notice.told.item_id)
            .collect();
        assert_eq!(reminded, [id], "whoever is named is told");
        let events = "SELECT COUNT(*) FROM item_event WHERE item_id = $1 AND action = 'remind'";
        assert_eq!(world::number(&app, events, args![id]).await, 1);
        let (n, left) = ledger::remind_many(&app, &county, batch, &items, "换一句话").await.unwrap();
        assert!(n == 0 && matches!(left[0].1, LedgerError::Resent { .. }), "{left:?}");
        let (n, left) = ledger::remind_many(&app, &county, ids::new_id(), &items, "再提醒").await.unwrap();
        assert!(n == 0 && matches!(left[0].1, LedgerError::Reminded { .. }), "{left:?}");
        let preview = ledger::preview_remind(&app, &county, &[id], Lang::Zh).await.unwrap();
        assert!(preview[0].refused.as_ref().unwrap().contains("今天已由您催办过"));
        assert_eq!(version(&app, id).await, seen, "an item that was reminded of is the same item");
        let (n, _) = ledger::remind_many(&later(&app, 1), &county, ids::new_id(), &items, "再提醒").await.unwrap();
        assert_eq!(n, 1);
        step(&app, &officer, id, Action::Start).await;
        let (n, left) = ledger::remind_many(&later(&app, 2), &county, ids::new_id(), &items, "").await.unwrap();
        assert!(n == 0 && matches!(left[0].1, LedgerError::Stale { .. }), "{left:?}");
        balanced(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_morning_page_leads_to_lists_and_reminders() {
    each_database(|app| async move {
        let id = opened(&app).await;
        for _ in 0..6 {
            plant(&app, Planted { deadline: "2020-02-19", ..Planted::default() }).await;
        }
        let test = TestApp::new(&app);
        let mut county = test.login(Role::CountyStaff, COUNTY).await;
        let page = county.get("/supervise").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        for text in ["云岭县 · 今日督办", "橙色预警", "新桥镇。", "卡在哪个环节", "李干部", "rule=overdue"]
        {
            assert!(page.body.contains(text), "{text}: {}", page.body);
        }
        let list = county.get("/supervise/list?rule=overdue").await;
        assert!(list.body.contains("逾期未办结") && list.body.contains("已 1 天"), "{}", list.body);
        assert!(!list.body.contains(&id.to_string()), "not overdue");
        let batch = ids::new_id().to_string();
        let item = id.to_string();
        let form = [("batch", batch.as_str()), ("id", item.as_str()), ("next", "/supervise/list")];
        let preview = county.post("/supervise/remind", &form).await;
        assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
        assert!(preview.body.contains("将提醒 1 件"), "{}", preview.body);
        let chosen = format!("{id}:1");
        assert!(preview.body.contains(&chosen));
        let form = [("batch", batch.as_str()), ("item", chosen.as_str()), ("note", "两日内回复"), ("next", "//evil")];
        let done = county.post("/supervise/remind/apply", &form).await;
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/supervise"));
        let page = county.get(&format!("/ledger/{id}")).await;
        assert!(page.body.contains("催办新桥镇") && page.body.contains("两日内回复"), "{}", page.body);
        let mut officer = test.login(Role::VillageOfficer, VILLAGE).await;
        let page = officer.get("/supervise").await;
        assert!(page.status == StatusCode::OK && !page.body.contains("/supervise/remind"), "{}", page.body);
        let mut helper = test.login(Role::Helper, VILLAGE).await;
        assert_eq!(helper.get("/supervise").await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

fn listing_of(from: &str, to: &str) -> listing::Entered {
    listing::Entered {
        reason: "剩余贫困人口多".to_owned(),
        plan: "一、补齐饮水短板\n二、落实公益岗位".to_owned(),
        leader_name: "省督战组长".to_owned(),
        leader_unit: "省扶贫办".to_owned(),
        owner_name: "县委书记".to_owned(),
        owner_unit: "云岭县委".to_owned(),
        from: from.parse().ok(),
        to: to.parse().ok(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_listed_from_above_once_at_a_time_and_its_plan_is_followed() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let province = world::user(&app, "province", Role::Analyst, "99").await;
        let county = world::user(&app, "county", Role::CountyStaff, COUNTY).await;
        let foreign = world::user(&app, "foreign", Role::CountyStaff, FAR).await;
        let officer = world::user(&app, "officer", Role::VillageOfficer, VILLAGE).await;
        let good = || listing_of("2020-02-01", "2020-06-30");
        for (actor, place, code) in [
            (&county, COUNTY, "supervise.listing_place"),
            (&county, "9901", "supervise.listing_place"),
            (&foreign, COUNTY, "supervise.listing_place"),
            (&province, "990101001", "supervise.listing_place"),
            (&province, "999999", "supervise.listing_place"),
            (&officer, VILLAGE, "supervise.forbidden"),
        ] {
            let error = listing::add(&app, actor, ids::new_id(), place, good()).await.unwrap_err();
            assert_eq!(error.code(), code, "{} lists {place}", actor.login);
            assert!(!error.message(Lang::Zh).contains("error-") && !error.message(Lang::En).contains("error-"));
        }
        let wrong = listing_of("2020-06-30", "2020-02-01");
        let error = listing::add(&app, &province, ids::new_id(), COUNTY, wrong).await.unwrap_err();
        assert_eq!(error.code(), "supervise.period");
        let id = ids::new_id();
        listing::add(&app, &province, id, COUNTY, good()).await.unwrap();
        listing::add(&app, &province, id, COUNTY, good()).await.unwrap();
        let error = listing::add(&app, &province, ids::new_id(), COUNTY, good()).await.unwrap_err();
        assert!(error.message(Lang::Zh).contains("云岭县"), "{error:?}");
        let village = ids::new_id();
        listing::add(&app, &county, village, VILLAGE, good()).await.unwrap();
        let (_, policy) = supervise::policy(&app, &county).await.unwrap();
        let seen = async |actor: &Actor, lifted| -> Vec<Uuid> {
            let all = listing::listings(&app, actor, &policy, lifted).await.unwrap();
            all.into_iter().map(|standing| standing.listing.id).collect()
        };
        assert_eq!(seen(&province, false).await, [id, village]);
        assert_eq!(seen(&officer, false).await, [village]);
        assert!(seen(&foreign, false).await.is_empty());

        // How far it is, the county says itself; the plan and its end are for the province.
        let content = |progress: &str, done| listing::Change::Content {
            content: "work".to_owned(),
            target: "外出务工不少于去年".to_owned(),
            owner_name: "就业局长".to_owned(),
            owner_unit: "人社局".to_owned(),
            due: "2020-03-31".parse().ok(),
            progress: progress.to_owned(),
            done,
        };
        let event = ids::new_id();
        let change = async |actor: &Actor, event: Uuid, version: i64, change: listing::Change| {
            listing::change(&app, actor, id, (event, version), change).await
        };
        assert_eq!(change(&county, event, 1, content("", true)).await.unwrap_err().code(), "supervise.no_progress");
        change(&county, event, 1, content("已外出 320 人", false)).await.unwrap();
        change(&county, event, 1, content("已外出 320 人", false)).await.unwrap();
        assert_eq!(change(&county, event, 1, content("别的", false)).await.unwrap_err().code(), "supervise.resent");
        let stale = change(&county, ids::new_id(), 1, content("已外出 330 人", false)).await.unwrap_err();
        assert_eq!(stale.code(), "supervise.stale");
        let lift = || listing::Change::Lift("五项内容全部达到".to_owned());
        assert_eq!(change(&county, ids::new_id(), 2, lift()).await.unwrap_err().code(), "supervise.forbidden");
        assert_eq!(change(&foreign, ids::new_id(), 2, lift()).await.unwrap_err().code(), "supervise.not_found");
        let longer = listing::Change::Plan(listing_of("2020-02-01", "2020-12-31"));
        change(&province, ids::new_id(), 2, longer).await.unwrap();
        change(&county, ids::new_id(), 3, content("已外出 400 人，全部到岗", true)).await.unwrap();
        let whole = listing::whole(&app, &county, &policy, id).await.unwrap();
        assert_eq!((whole.standing.reached, whole.standing.listing.to_day.as_str()), (1, "2020-12-31"));
        let order: Vec<&str> = whole.contents.iter().map(|content| content.content.as_str()).collect();
        assert_eq!(order, listing::CONTENTS);
        let done: Vec<&str> = whole.events.iter().map(|event| event.action.as_str()).collect();
        assert_eq!(done, ["content", "plan", "content", "list"]);
        change(&province, ids::new_id(), 4, lift()).await.unwrap();
        assert_eq!(change(&province, ids::new_id(), 5, lift()).await.unwrap_err().code(), "supervise.stale");
        assert_eq!(seen(&province, true).await, [id]);
        listing::add(&app, &province, ids::new_id(), COUNTY, good()).await.unwrap();
        audit::verify(&app.db).await.unwrap();
    })
    .await;
}

fn demand(text: &str, place: &str) -> dispatch::Demand {
    dispatch::Demand {
        text: text.to_owned(),
        topic: "work".to_owned(),
        division: place.to_owned(),
        person: "王镇长".to_owned(),
        ..dispatch::Demand::default()
    }
}

fn session(listing: Option<Uuid>, demands: Vec<dispatch::Demand>) -> dispatch::NewSession {
    dispatch::NewSession {
        id: ids::new_id(),
        listing,
        division: COUNTY.to_owned(),
        channel: "video".to_owned(),
        held_on: "2020-02-19".parse().ok(),
        title: "第三次视频调度".to_owned(),
        chair: "省督战组长".to_owned(),
        attendees: "县委书记、各乡镇".to_owned(),
        minutes: "会议听取了汇报。".to_owned(),
        demands,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_session_demands_is_on_the_books_at_once() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let province = world::user(&app, "province", Role::Analyst, "99").await;
        let county = world::user(&app, "county", Role::CountyStaff, COUNTY).await;
        let officer = world::user(&app, "officer", Role::VillageOfficer, VILLAGE).await;
        let foreign = world::user(&app, "foreign", Role::CountyStaff, FAR).await;
        let listed = ids::new_id();
        listing::add(&app, &province, listed, COUNTY, listing_of("2020-02-01", "2020-06-30")).await.unwrap();
        let long = "组织外出务工".repeat(20);
        let mut new = session(Some(listed), vec![demand("三日内摸清外出务工意愿", VILLAGE), demand(&long, "")]);
        new.demands[1].due = "2020-02-28".parse().ok();
        new.demands[1].unit = "县人社局".to_owned();
        let id = dispatch::record(&app, &province, new.clone()).await.unwrap();
        assert_eq!(dispatch::record(&app, &province, new.clone()).await.unwrap(), id, "once");
        let other = dispatch::NewSession { minutes: "另一份纪要。".to_owned(), ..new.clone() };
        assert_eq!(dispatch::record(&app, &province, other).await.unwrap_err().code(), "supervise.resent");
        let (found, items) = dispatch::session(&app, &county, id).await.unwrap();
        assert_eq!((found.items, found.open, found.listing_id), (2, 2, Some(listed)));
        let told: Vec<(&str, &str, &str, &str)> = items
            .iter()
            .map(|i| (i.number.as_str(), i.unit.as_str(), i.person.as_str(), i.deadline.as_str()))
            .collect();
        // 受影响: seven days, by the ledger of the profile.
        assert_eq!(
            told,
            [
                ("督战-990101-2020-0001", "新桥镇", "王镇长", "2020-02-27"),
                ("督战-990101-2020-0002", "县人社局", "王镇长", "2020-02-28"),
            ]
        );
        let whole = ledger::whole(&app, &county, items[1].id, Lang::Zh).await.unwrap();
        assert_eq!((whole.item.ledger.as_str(), whole.item.source.as_str()), ("supervision_finding", "dispatch"));
        assert_eq!(whole.item.title(Lang::Zh).chars().count(), 61, "a long demand is called by its beginning");
        assert!(whole.events[0].data.contains(&long), "and told whole where it was opened");
        balanced(&app).await;
        // An item like any other, except that the village does not check what is demanded of it.
        step(&app, &officer, items[0].id, Action::Start).await;
        step(&app, &officer, items[0].id, Action::Submit).await;
        let checker = world::user(&app, "second", Role::VillageOfficer, VILLAGE).await;
        let check = Step {
            event_id: ids::new_id(),
            version: version(&app, items[0].id).await,
            action: Action::Check,
            note: String::new(),
        };
        assert_eq!(ledger::act(&app, &checker, items[0].id, check).await.unwrap_err().code(), "ledger.forbidden");
        step(&app, &county, items[0].id, Action::Check).await;
        step(&app, &county, items[0].id, Action::Pass { place: String::new() }).await;
        let (_, policy) = supervise::policy(&app, &county).await.unwrap();
        let standing = listing::whole(&app, &county, &policy, listed).await.unwrap().standing;
        assert_eq!((standing.findings, standing.sessions), ((1, 2), (1, "2020-02-19".to_owned())));
        balanced(&app).await;

        assert_eq!(dispatch::session(&app, &foreign, id).await.unwrap_err().code(), "supervise.not_found");
        let (seen, n) = dispatch::sessions(&app, &foreign, (0, 10)).await.unwrap();
        assert!(seen.is_empty() && n == 0);
        let before = world::number(&app, "SELECT COUNT(*) FROM item", args![]).await;
        let plain = |demands| session(None, demands);
        for (new, code) in [
            (dispatch::NewSession { division: "99".to_owned(), ..plain(vec![]) }, "supervise.place"),
            (dispatch::NewSession { held_on: "2020-02-21".parse().ok(), ..plain(vec![]) }, "supervise.held_on"),
            (dispatch::NewSession { channel: "smoke".to_owned(), ..plain(vec![]) }, "supervise.channel"),
            (dispatch::NewSession { minutes: " ".to_owned(), ..plain(vec![]) }, "supervise.no_minutes"),
            (plain(vec![demand("在别处的事", FAR)]), "supervise.place"),
            (plain(vec![demand("短", "")]), "supervise.no_demand"),
            (
                plain(vec![dispatch::Demand { due: "2020-02-19".parse().ok(), ..demand("期限已过", "") }]),
                "supervise.due",
            ),
            (
                plain(vec![dispatch::Demand { topic: "weather".to_owned(), ..demand("没有的事由", "") }]),
                "supervise.topic",
            ),
        ] {
            let error = dispatch::record(&app, &county, new).await.unwrap_err();
            assert_eq!(error.code(), code);
            assert!(!error.message(Lang::Zh).contains("error-"), "{}", error.message(Lang::Zh));
        }
        let error = dispatch::record(&app, &officer, plain(vec![])).await.unwrap_err();
        assert_eq!(error.code(), "supervise.forbidden");
        assert_eq!(world::number(&app, "SELECT COUNT(*) FROM item", args![]).await, before, "nothing half-written");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commitment_that_falls_short_is_an_item_until_it_is_put_right() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let province = world::user(&app, "province", Role::Analyst, "99").await;
        let county = world::user(&app, "county", Role::CountyStaff, COUNTY).await;
        let second = world::user(&app, "second", Role::CountyStaff, COUNTY).await;
        let check = |aspect: &str, short, found: &str| four::NewCheck {
            id: ids::new_id(),
            county: COUNTY.to_owned(),
            aspect: aspect.to_owned(),
            checked_on: "2020-02-19".parse().ok(),
            short,
            found: found.to_owned(),
            unit: "县扶贫办".to_owned(),
            ..four::NewCheck::default()
        };
        let held = four::record(&app, &province, check("policy", false, "小额信贷照常发放")).await.unwrap();
        assert_eq!(held, None);
        let new = check("assistance", true, "两个帮扶单位已撤走干部");
        let item = four::record(&app, &province, new.clone()).await.unwrap().unwrap();
        assert_eq!(four::record(&app, &province, new).await.unwrap(), Some(item), "once");
        let whole = ledger::whole(&app, &county, item, Lang::Zh).await.unwrap();
        assert_eq!(whole.item.title(Lang::Zh), "摘帽不摘帮扶：两个帮扶单位已撤走干部");
        assert_eq!((whole.item.owner_unit.as_str(), whole.item.deadline.as_str()), ("县扶贫办", "2020-02-23"));
        let of = async |actor: &Actor| -> Vec<(String, Vec<String>)> {
            let counties = four::counties(&app, actor).await.unwrap();
            let told = |check: &Option<four::CheckLine>| {
                check.as_ref().map(|c| format!("{} {}", c.result, c.state)).unwrap_or_default()
            };
            counties.into_iter().map(|c| (c.code, c.newest.iter().map(told).collect())).collect()
        };
        let now = of(&county).await;
        assert_eq!(now, [(COUNTY.to_owned(), ["", "held ", "short to_verify", ""].map(str::to_owned).to_vec())]);
        assert_eq!(of(&province).await.len(), 2);
        step(&app, &county, item, Action::Start).await;
        step(&app, &county, item, Action::Submit).await;
        step(&app, &second, item, Action::Check).await;
        step(&app, &second, item, Action::Pass { place: String::new() }).await;
        assert_eq!(of(&county).await[0].1[2], "short closed");
        let later =
            four::NewCheck { checked_on: "2020-02-20".parse().ok(), ..check("assistance", false, "干部已返岗") };
        four::record(&app, &county, later).await.unwrap();
        assert_eq!(of(&county).await[0].1[2], "held ", "the newest check counts");
        assert_eq!(four::checks(&app, &county, COUNTY).await.unwrap().len(), 3);
        assert_eq!(four::checks(&app, &county, FAR).await.unwrap_err().code(), "supervise.not_found");
        let foreign = four::NewCheck { county: FAR.to_owned(), ..check("policy", true, "别县的事情") };
        assert_eq!(four::record(&app, &county, foreign).await.unwrap_err().code(), "supervise.county");
        balanced(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn presence_is_told_by_work_in_the_village_and_by_leave() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let county = world::user(&app, "county", Role::CountyStaff, COUNTY).await;
        let town = world::user(&app, "town", Role::TownshipStaff, "990101001").await;
        let foreign = world::user(&app, "foreign", Role::CountyStaff, FAR).await;
        // The member signs in under the name of the team's list.
        let worker = world::team_member(&app, VILLAGE, "officer").await;
        let nobody = world::team_member(&app, VILLAGE, "不到岗").await;
        let elsewhere = world::team_member(&app, OTHER, "officer").await;
        let officer = world::user(&app, "officer", Role::VillageOfficer, VILLAGE).await;
        let (home, _) = world::household(&app, 1, VILLAGE, &[""]).await;
        let item = plant(&app, Planted::default()).await;
        step(&later(&app, 0), &officer, item, Action::Progress).await;
        for day in ["2020-02-15", "2020-02-17"] {
            world::run(
                &app,
                "INSERT INTO visit (id, household_id, division_code, visited_on, channel, spoken_to, note, unchanged, checked,
                     answers, results, by_name, by_unit, by_role, origin, version, fingerprint, recorded_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, '', '', FALSE, FALSE, '{}', '{}', 'officer', '', '', 'page', 1, 0, 0, 0)",
                args![ids::new_id(), home, VILLAGE, day, if day.ends_with("15") { "on_site" } else { "phone" }],
            )
            .await;
        }
        let (_, policy) = supervise::policy(&app, &county).await.unwrap();
        let month = presence::Month::of(today(), today());
        let grid = async |actor: &Actor| {
            presence::grid(&app, actor, &policy.presence, &actor.scope, month).await.unwrap()
        };
        let rows = grid(&county).await;
        let row = |id: Uuid| rows.iter().find(|row| row.member.id == id).unwrap();
        let mine = row(worker);
        assert_eq!((mine.worked, mine.between, mine.epidemic, mine.poverty), (2, 0, 1, 2));
        assert_eq!(mine.marks[16], Mark::Call);
        assert_eq!(mine.marks[20], Mark::Off, "what is to come is not counted");
        assert_eq!(mine.roles, [0, 0, 2, 1]);
        assert_eq!((mine.verdict, mine.last), (Verdict::Short, Some(today())));
        assert_eq!(row(nobody).verdict, Verdict::Absent);
        assert_eq!(row(elsewhere).verdict, Verdict::Absent, "the same name in another village is another");
        assert_eq!(presence::by_verdict(&rows)[&Verdict::Absent], 2);
        assert!(grid(&foreign).await.is_empty());

        let leave = |from: &str, to: &str| presence::NewLeave {
            id: ids::new_id(),
            member: nobody,
            from: from.parse().ok(),
            to: to.parse().ok(),
            kind: "sick".to_owned(),
            reason: "住院".to_owned(),
            approved_by: "李书记".to_owned(),
        };
        let ask = async |actor: &Actor, new: presence::NewLeave| {
            presence::leave(&app, actor, &policy.presence, new).await.map_err(|error| error.code())
        };
        assert_eq!(ask(&town, leave("2020-02-10", "2020-02-13")).await, Err("supervise.leave_level"), "four days");
        assert_eq!(ask(&foreign, leave("2020-02-10", "2020-02-11")).await, Err("supervise.not_found"));
        assert_eq!(ask(&officer, leave("2020-02-10", "2020-02-11")).await, Err("supervise.forbidden"));
        assert_eq!(ask(&town, leave("2020-02-12", "2020-02-11")).await, Err("supervise.period"));
        let three = leave("2020-02-11", "2020-02-13");
        assert_eq!(ask(&town, three.clone()).await, Ok(()));
        assert_eq!(ask(&town, three.clone()).await, Ok(()), "once");
        assert_eq!(ask(&county, leave("2020-02-13", "2020-02-20")).await, Err("supervise.leave_overlap"));
        assert_eq!(ask(&county, leave("2020-02-14", "2020-02-20")).await, Ok(()));
        assert_eq!(row_of(&grid(&county).await, nobody), (10, Verdict::Absent), "nothing before the leave either");
        world::run(
            &app,
            "UPDATE work_team_member SET start_date = '2020-02-08' WHERE id = $1",
            args![nobody],
        )
        .await;
        assert_eq!(row_of(&grid(&county).await, nobody), (10, Verdict::OnLeave));
        let whole = presence::member(&app, &county, &policy.presence, nobody, month).await.unwrap();
        assert_eq!(whole.leaves.len(), 2);
        let levels: Vec<&str> = whole.leaves.iter().map(|leave| leave.approved_level.as_str()).collect();
        assert_eq!(levels, ["county", "township"]);
        let last = whole.leaves[0].id;
        let error = presence::withdraw(&app, &foreign, last, "没有去").await.unwrap_err();
        assert_eq!(error.code(), "supervise.not_found");
        assert_eq!(presence::withdraw(&app, &county, last, "没有去").await.unwrap(), nobody);
        presence::withdraw(&app, &county, last, "没有去").await.unwrap();
        assert_eq!(row_of(&grid(&county).await, nobody), (3, Verdict::Absent));
        // Sent to a post against the epidemic: neither missing nor short of days.
        world::run(
            &app,
            "INSERT INTO deployment (id, kind, name, name_folded, unit, division_code, post, place, from_day, to_day, stand_in,
                 stand_in_unit, note, by_name, fingerprint, version, recorded_at, updated_at)
             VALUES ($1, 'team_member', $2, $2, '', $3, '卡口', '', '2020-02-10', '', '', '', '', '', 0, 1, 0, 0)",
            args![ids::new_id(), "不到岗", VILLAGE],
        )
        .await;
        let rows = grid(&county).await;
        let posted = rows.iter().find(|row| row.member.id == nobody).unwrap();
        assert_eq!((posted.away, posted.leave, posted.verdict), (8, 3, Verdict::OnLeave));
        let mine = presence::member(&app, &county, &policy.presence, worker, month).await.unwrap();
        let told: Vec<(&str, &str)> = mine.deeds.iter().map(|deed| (deed.day.as_str(), deed.what.as_str())).collect();
        assert_eq!(told, [("2020-02-20", "progress"), ("2020-02-17", "call"), ("2020-02-15", "visit")]);
        assert_eq!(mine.row.epidemic + mine.row.poverty, mine.deeds.len() as i64, "the figure is its list");
        let missing = presence::member(&app, &foreign, &policy.presence, worker, month).await.unwrap_err();
        assert_eq!(missing.code(), "supervise.not_found");
        audit::verify(&app.db).await.unwrap();
    })
    .await;
}

fn row_of(rows: &[presence::Row], id: Uuid) -> (i64, Verdict) {
    let row = rows.iter().find(|row| row.member.id == id).unwrap();
    (row.leave, row.verdict)
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_keep_what_was_written_and_lead_on() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let member = world::team_member(&app, VILLAGE, "不到岗").await;
        let test = TestApp::new(&app);
        let mut province = test.login(Role::Analyst, "99").await;
        let mut form = vec![
            ("division", "云岭县"),
            ("reason", "剩余贫困人口多"),
            ("plan", "补齐短板"),
            ("leader_name", ""),
            ("owner_name", "县委书记"),
            ("from", "2020-02-01"),
            ("to", "2020-06-30"),
        ];
        let refused = province.post("/supervise/listed", &form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("请写督战责任人") && refused.body.contains("补齐短板"), "{}", refused.body);
        form[3].1 = "省督战组长";
        let listed = province.post("/supervise/listed", &form).await;
        assert!(listed.location().starts_with("/supervise/listed/"), "{}", listed.body);
        let path = listed.location().to_owned();
        let page = province.get(&path).await;
        for text in ["云岭县", "重点县", "三保障和饮水安全", "未填报", "登记调度"] {
            assert!(page.body.contains(text), "{text}: {}", page.body);
        }
        let edit = province.get(&format!("{path}/edit?content=relocation")).await;
        assert!(edit.body.contains("搬迁户是否入住"), "{}", edit.body);
        let listing = path.rsplit('/').next().unwrap();
        let session = [
            ("listing", listing),
            ("channel", "phone"),
            ("held_on", "2020-02-20"),
            ("title", "电话调度"),
            ("chair", "组长"),
            ("minutes", "逐项调度五项内容"),
            ("demand_text", "三日内安排公益岗位"),
            ("demand_place", "东风村"),
            ("demand_text", ""),
            ("demand_place", ""),
        ];
        let done = province.post("/supervise/sessions", &session).await;
        assert!(done.location().starts_with("/supervise/sessions/"), "{}", done.body);
        let page = province.get(done.location()).await;
        assert!(page.body.contains("督战-990101-2020-0001") && page.body.contains("东风村"), "{}", page.body);
        assert!(!page.body.contains("督战-990101-2020-0002"), "an empty line is no demand");
        let mut officer = test.login(Role::VillageOfficer, OTHER).await;
        let hidden = officer.get(done.location()).await;
        assert_eq!(hidden.status, StatusCode::NOT_FOUND, "the county's session");
        let mut county = test.login(Role::CountyStaff, COUNTY).await;
        let page = county.get("/supervise/presence").await;
        assert!(page.body.contains("不在岗，也没有任何工作") && page.body.contains("不到岗"), "{}", page.body);
        let path = format!("/supervise/presence/{member}");
        let refused = county.post(&format!("{path}/leave"), &[("from", "2020-02-10"), ("reason", "培训班")]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("起止日期不对") && refused.body.contains("培训班"), "{}", refused.body);
        let leave = [
            ("from", "2020-02-10"),
            ("to", "2020-02-20"),
            ("kind", "training"),
            ("reason", "培训班"),
            ("approved_by", "李书记"),
        ];
        assert_eq!(county.post(&format!("{path}/leave"), &leave).await.location(), path);
        let page = county.get(&path).await;
        assert!(page.body.contains("县级批准 李书记"), "{}", page.body);
        let wide = province.get("/supervise/presence").await;
        assert!(wide.body.contains("到县一级看每个人"), "{}", wide.body);
        let check = [
            ("county", COUNTY),
            ("aspect", "policy"),
            ("checked_on", "2020-02-20"),
            ("result", "short"),
            ("found", "产业奖补没有兑现"),
        ];
        let done = province.post("/supervise/four", &check).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        let page = province.get(done.location()).await;
        assert!(page.body.contains("不到位") && page.body.contains("督战-990101-2020-0002"), "{}", page.body);
        let all = province.get("/supervise/four").await;
        assert!(all.body.contains("江阳县") && all.body.contains("未检查"), "{}", all.body);
        let foreign = county.get("/supervise/four?county=990202").await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn effort_is_held_against_the_same_days_of_last_year_and_every_figure_is_its_list() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let county = world::user(&app, "county", Role::CountyStaff, COUNTY).await;
        let item = plant(&app, Planted::default()).await;
        let visit = async |day: &str, channel: &str, village: &str| {
            world::run(
                &app,
                "INSERT INTO visit (id, household_id, division_code, visited_on, channel, spoken_to, note, unchanged, checked,
                     answers, results, by_name, by_unit, by_role, origin, version, fingerprint, recorded_at, updated_at)
                 VALUES ($1, $1, $2, $3, $4, '', '', FALSE, FALSE, '{}', '{}', '某', '', '', 'page', 1, 0, 0, 0)",
                args![ids::new_id(), village, day, channel],
            )
            .await;
        };
        for day in ["2019-01-01", "2019-02-20", "2019-02-21", "2018-12-31", "2020-01-01"] {
            visit(day, "on_site", VILLAGE).await;
        }
        visit("2020-02-20", "phone", OTHER).await;
        visit("2020-02-20", "on_site", FAR).await;
        step(&app, &county, item, Action::Progress).await;
        let periods = effort::Periods::of(today());
        let (total, places) = effort::effort(&app, &county, &county.scope, periods).await.unwrap();
        let of = |what: &str| total.pairs[effort::MEASURES.iter().position(|known| *known == what).unwrap()];
        assert_eq!(of("visits"), effort::Pair { now: 1, before: 2 });
        assert_eq!((of("calls").now, of("worked").now, of("opened").now), (1, 1, 0));
        let weaker: Vec<(&str, usize)> = places.iter().map(|line| (line.name.as_str(), line.weaker())).collect();
        assert_eq!(weaker, [("新桥镇", 1), ("柳河镇", 0)]);
        for (at, what) in effort::MEASURES.iter().enumerate() {
            if ["opened", "closed"].contains(what) {
                continue;
            }
            for (period, n) in [(periods.now, total.pairs[at].now), (periods.before, total.pairs[at].before)] {
                let (lines, count) =
                    effort::list(&app, &county, &county.scope, what, period, (0, 50)).await.unwrap();
                assert_eq!((lines.len() as i64, count), (n, n), "{what}");
            }
        }
        let test = TestApp::new(&app);
        let mut browser = test.login(Role::CountyStaff, COUNTY).await;
        let page = browser.get("/supervise/effort").await;
        assert!(page.body.contains("减弱 50%") && page.body.contains("去年同期没有登记"), "{}", page.body);
        let list = browser
            .get("/supervise/effort/list?what=visits&from=2019-01-01&to=2019-02-20&division=990101")
            .await;
        assert!(list.body.contains("2019-02-20") && !list.body.contains("2019-02-21<"), "{}", list.body);
    })
    .await;
}
