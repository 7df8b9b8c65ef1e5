//! Tasks through their doors: handed down and reported up, campaigns against their plan, what was put off, measures, good
//! practice.

use axum::http::StatusCode;
use chrono::NaiveDate;
use taizhang::access::{Actor, Role, audit};
use taizhang::args;
use taizhang::platform::{App, Clock, UserError, ids};
use taizhang::tasks::campaign::{self, Milestone, NewCampaign, Plan};
use taizhang::tasks::flow::{self, Hand, HandDown, NewReport, NewTask, Previous, Verdict};
use taizhang::tasks::look::{self, NodeFilter, Standing};
use taizhang::tasks::measure::{self, Given, Save};
use taizhang::tasks::model::{Figures, Node, State};
use taizhang::tasks::postponed::{self, NewActivity, Step, Urgency};
use taizhang::tasks::practice::{self, Adopt, NewPractice};
use taizhang::tasks::{TaskError, unit_of};
use uuid::Uuid;

use crate::support::http::TestApp;
use crate::support::{each_database, machine};
use crate::world::{self, OTHER, VILLAGE};

const TOWN: &str = "990101001";
const OTHER_TOWN: &str = "990101002";
const COUNTY: &str = "990101";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn on(app: &App, text: &str) -> App {
    App { clock: Clock::fixed(day(text)), ..app.clone() }
}

/// People of each level.
struct People {
    province: Actor,
    county: Actor,
    town: Actor,
    other_town: Actor,
    village: Actor,
    foreign: Actor,
}

async fn people(app: &App) -> People {
    world::divisions(app).await;
    People {
        province: world::user(app, "t-province", Role::Analyst, "99").await,
        county: world::user(app, "t-county", Role::CountyStaff, COUNTY).await,
        town: world::user(app, "t-town", Role::TownshipStaff, TOWN).await,
        other_town: world::user(app, "t-other", Role::TownshipStaff, OTHER_TOWN).await,
        village: world::user(app, "t-village", Role::VillageOfficer, VILLAGE).await,
        foreign: world::user(app, "t-foreign", Role::CountyStaff, "990202").await,
    }
}

fn joint(title: &str) -> NewTask {
    NewTask {
        id: ids::new_id(),
        title: title.to_owned(),
        content: "疫情防控和脱贫攻坚两手抓".to_owned(),
        basis: "省委会议".to_owned(),
        poverty: "危房改造开工".to_owned(),
        poverty_unit: "户".to_owned(),
        epidemic: "返乡人员排查".to_owned(),
        epidemic_unit: "人".to_owned(),
        targets: Figures::new(Some(10_000), Some(20_000)),
        due: day("2020-04-30"),
        ..NewTask::default()
    }
}

async fn issue(app: &App, actor: &Actor, new: NewTask) -> Uuid {
    flow::issue(app, actor, new).await.unwrap().task
}

/// The task as the unit of an actor has it.
async fn node(app: &App, actor: &Actor, task: Uuid) -> Node {
    look::whole(app, actor, task, "").await.unwrap().node.unwrap()
}

fn to(division: &str, poverty: i64, epidemic: i64) -> Hand {
    Hand {
        division: division.to_owned(),
        targets: Figures::new(Some(poverty * 100), Some(epidemic * 100)),
        due: day("2020-03-31"),
        note: String::new(),
    }
}

async fn hand(app: &App, actor: &Actor, task: Uuid, lines: Vec<Hand>) -> Result<flow::Done, TaskError> {
    let node = node(app, actor, task).await;
    flow::hand_down(app, actor, HandDown { event: ids::new_id(), node: node.id, version: node.version, lines }).await
}

async fn report(app: &App, actor: &Actor, task: Uuid, own: (i64, i64)) -> Result<flow::Done, TaskError> {
    let node = node(app, actor, task).await;
    flow::report(app, actor, said(&node, own)).await
}

fn said(node: &Node, own: (i64, i64)) -> NewReport {
    NewReport {
        id: ids::new_id(),
        node: node.id,
        version: node.version,
        own: Figures::new(Some(own.0 * 100), Some(own.1 * 100)),
        said_poverty: "已开工".to_owned(),
        said_epidemic: "已排查".to_owned(),
    }
}

/// Decides about the last report of a unit, as `above` sees it.
async fn decide(app: &App, above: &Actor, task: Uuid, division: &str, accept: bool) -> Result<flow::Done, TaskError> {
    let below = look::whole(app, above, task, division).await.unwrap().node.unwrap();
    let verdict = Verdict {
        event: ids::new_id(),
        node: below.id,
        version: below.version,
        report: below.last_report.unwrap_or_default(),
        accept,
        reason: if accept { String::new() } else { "数字与台账不符".to_owned() },
    };
    flow::decide(app, above, verdict).await
}

fn code(result: Result<flow::Done, TaskError>) -> &'static str {
    result.unwrap_err().code()
}

/// What counts and where units stand follows from the events alone, and every step is on the audit chain.
async fn proven(app: &App) {
    audit::verify(&app.db).await.unwrap();
    let wrong: Vec<(String, i64, i64)> = app
        .db
        .all(
            "SELECT n.division_code, n.version, (SELECT MAX(e.seq) FROM task_event e WHERE e.node_id = n.id)
             FROM task_node n WHERE n.version <> (SELECT MAX(e.seq) FROM task_event e WHERE e.node_id = n.id)",
            args![],
        )
        .await
        .unwrap();
    assert!(wrong.is_empty(), "a version that no event left: {wrong:?}");
    let steps =
        world::number(app, "SELECT COUNT(*) FROM task_event WHERE action NOT IN ('receive', 'retarget')", args![])
            .await;
    let entries = world::number(
        app,
        "SELECT COUNT(*) FROM audit WHERE object_kind = 'task' AND action <> 'task.export'",
        args![],
    )
    .await;
    assert_eq!(steps, entries, "every step has its entry");
    let counted: Vec<(String, Option<i64>, Option<i64>)> = app
        .db
        .all(
            "SELECT n.division_code, n.accepted_poverty,
                    (SELECT r.own_poverty + COALESCE(r.below_poverty, 0) FROM task_report r WHERE r.id = n.accepted_report)
             FROM task_node n",
            args![],
        )
        .await
        .unwrap();
    assert!(counted.iter().all(|(_, node, report)| node == report), "{counted:?}");
    let accepted = world::number(
        app,
        "SELECT COUNT(*) FROM task_node n WHERE n.accepted_report IS NOT NULL AND (
             SELECT e.action FROM task_event e WHERE e.report_id = n.accepted_report AND e.action IN ('accept', 'return')
             ORDER BY e.seq DESC LIMIT 1) <> 'accept'",
        args![],
    )
    .await;
    assert_eq!(accepted, 0, "what counts was accepted last");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_goes_down_four_levels_and_only_what_is_accepted_comes_up() {
    each_database(|app| async move {
        let p = people(&app).await;
        let task = issue(&app, &p.province, joint("危房改造和返乡排查")).await;
        // Straight to a county: the cities between are not asked.
        hand(&app, &p.province, task, vec![to(COUNTY, 60, 100)]).await.unwrap();
        hand(&app, &p.county, task, vec![to(TOWN, 40, 60), to(OTHER_TOWN, 20, 40)]).await.unwrap();
        hand(&app, &p.town, task, vec![to(VILLAGE, 40, 60)]).await.unwrap();
        let (owed, all, late) = look::owed(&app, &p.county, "", false, (50, 0)).await.unwrap();
        assert_eq!((all, late), (4, 0));
        let places: Vec<&str> = owed.iter().map(|line| line.division_code.as_str()).collect();
        assert_eq!(places, [COUNTY, TOWN, VILLAGE, OTHER_TOWN]);

        report(&app, &p.village, task, (15, 30)).await.unwrap();
        // What waits does not count.
        let town = look::whole(&app, &p.town, task, "").await.unwrap();
        assert_eq!(town.sum, Figures::default());
        decide(&app, &p.town, task, VILLAGE, true).await.unwrap();
        let town = look::whole(&app, &p.town, task, "").await.unwrap();
        assert_eq!(town.sum, Figures::new(Some(1_500), Some(3_000)));
        report(&app, &p.town, task, (2, 0)).await.unwrap();
        report(&app, &p.other_town, task, (9, 11)).await.unwrap();
        decide(&app, &p.county, task, TOWN, true).await.unwrap();
        assert_eq!(code(decide(&app, &p.county, task, TOWN, true).await), "task.state", "accepted once");
        decide(&app, &p.county, task, OTHER_TOWN, false).await.unwrap();
        let county = look::whole(&app, &p.county, task, "").await.unwrap();
        assert_eq!(county.sum, Figures::new(Some(1_700), Some(3_000)), "what was returned does not count");
        report(&app, &p.county, task, (0, 0)).await.unwrap();
        let sent = look::whole(&app, &p.county, task, "").await.unwrap();
        let first = look::report(&app, &p.county, sent.reports[0].id).await.unwrap();
        assert_eq!(first.report.total(), Figures::new(Some(1_700), Some(3_000)));
        let parts: Vec<&str> = first.parts.iter().map(|(_, place)| place.as_str()).collect();
        assert_eq!(parts, ["新桥镇"], "the figure opens the reports that it was made of");
        decide(&app, &p.province, task, COUNTY, true).await.unwrap();
        let whole = look::whole(&app, &p.province, task, "").await.unwrap();
        assert_eq!(whole.sum, Figures::new(Some(1_700), Some(3_000)));

        // The other town reports again: nothing is overwritten, and what was reported before stays as it was.
        report(&app, &p.other_town, task, (10, 12)).await.unwrap();
        decide(&app, &p.county, task, OTHER_TOWN, true).await.unwrap();
        let again = look::report(&app, &p.county, sent.reports[0].id).await.unwrap();
        assert_eq!(again.report, first.report);
        let other = look::whole(&app, &p.county, task, OTHER_TOWN).await.unwrap();
        let figures: Vec<i64> = other.reports.iter().map(|report| report.own_poverty.unwrap()).collect();
        assert_eq!(figures, [1_000, 900]);
        assert_eq!(other.node.as_ref().unwrap().state(), State::Accepted);
        // A newer report that waits leaves the accepted one in force; a verdict taken back falls to the one before.
        report(&app, &p.county, task, (0, 0)).await.unwrap();
        let whole = look::whole(&app, &p.province, task, "").await.unwrap();
        assert_eq!(whole.sum, Figures::new(Some(1_700), Some(3_000)));
        decide(&app, &p.province, task, COUNTY, true).await.unwrap();
        let whole = look::whole(&app, &p.province, task, "").await.unwrap();
        assert_eq!(whole.sum, Figures::new(Some(2_700), Some(4_200)));
        decide(&app, &p.province, task, COUNTY, false).await.unwrap();
        let whole = look::whole(&app, &p.province, task, "").await.unwrap();
        assert_eq!(whole.sum, Figures::new(Some(1_700), Some(3_000)));
        assert_eq!(whole.lines[0].state(), State::Returned);
        let filter = NodeFilter {
            task,
            under: whole.node.map(|node| node.id),
            which: Some(Standing::Counted),
            limit: 50,
            offset: 0,
        };
        let (_, listed, count, sum) = look::nodes(&app, &p.province, "", &filter).await.unwrap();
        assert_eq!((listed.len(), count, sum), (1, 1, whole.sum), "the list adds up to the figure");
        proven(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_unit_does_its_own_part_and_sees_its_own_place() {
    each_database(|app| async move {
        let p = people(&app).await;
        let task = issue(&app, &p.county, joint("排查")).await;
        // The village is below, and not asked yet: it sees nothing.
        assert_eq!(look::whole(&app, &p.village, task, "").await.unwrap_err().code(), "task.not_found");
        hand(&app, &p.county, task, vec![to(TOWN, 40, 60)]).await.unwrap();
        for actor in [&p.foreign, &p.other_town, &p.village] {
            assert_eq!(look::whole(&app, actor, task, "").await.unwrap_err().code(), "task.not_found");
            assert_eq!(look::index(&app, actor, &list_all()).await.unwrap().1, 0);
        }
        // The town sees its own part, not what the county has; the county's view of another place is its own.
        let town = look::whole(&app, &p.town, task, COUNTY).await.unwrap();
        assert_eq!(town.division, TOWN);
        assert_eq!(town.above, None);
        let root = node(&app, &p.county, task).await;
        let wrong =
            HandDown { event: ids::new_id(), node: root.id, version: root.version, lines: vec![to(VILLAGE, 1, 1)] };
        assert_eq!(code(flow::hand_down(&app, &p.town, wrong.clone()).await), "task.not_found");
        let own = node(&app, &p.town, task).await;
        // A county does not report for its town, nor decide what it reported itself.
        assert_eq!(code(flow::report(&app, &p.county, said(&own, (1, 1))).await), "task.unit");
        assert_eq!(code(flow::report(&app, &p.county, said(&root, (1, 1))).await), "task.state");
        report(&app, &p.town, task, (1, 1)).await.unwrap();
        assert_eq!(code(decide(&app, &p.town, task, TOWN, true).await), "task.unit");
        // The province is above, but the county handed it down.
        assert_eq!(code(decide(&app, &p.province, task, TOWN, true).await), "task.unit");
        let officer = world::user(&app, "t-helper", Role::Helper, VILLAGE).await;
        assert_eq!(look::index(&app, &officer, &list_all()).await.unwrap_err().code(), "task.forbidden");
        let hand_village = hand(&app, &p.town, task, vec![to(VILLAGE, 1, 1)]).await;
        hand_village.unwrap();
        let wrong = hand(&app, &p.village, task, vec![to(VILLAGE, 1, 1)]).await;
        assert_eq!(code(wrong), "task.forbidden", "a village hands nothing down");
        assert_eq!(code(flow::issue(&app, &p.village, joint("村里")).await), "task.forbidden");
        let elsewhere = NewTask { division: "990202".to_owned(), ..joint("外地") };
        assert_eq!(code(flow::issue(&app, &p.county, elsewhere).await), "task.not_found");
        let below = NewTask { division: TOWN.to_owned(), ..joint("替乡镇") };
        assert_eq!(code(flow::issue(&app, &p.county, below).await), "task.unit");
        assert_eq!(unit_of(&app, &machine()).await.unwrap(), "99");
        proven(&app).await;
    })
    .await;
}

fn list_all() -> look::Filter {
    look::Filter { which: look::Which::All, limit: 50, ..look::Filter::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_add_up_is_refused_with_the_reason() {
    each_database(|app| async move {
        let p = people(&app).await;
        let none = NewTask { poverty: String::new(), epidemic: " ".to_owned(), ..joint("无") };
        assert_eq!(code(flow::issue(&app, &p.county, none).await), "task.no_leg");
        let lost = NewTask { epidemic: String::new(), epidemic_unit: String::new(), ..joint("丢") };
        let error = flow::issue(&app, &p.county, lost).await.unwrap_err();
        assert!(error.message(taizhang::platform::Lang::Zh).contains("疫情防控"), "{error}");
        let task = issue(&app, &p.province, joint("两级")).await;
        hand(&app, &p.province, task, vec![to("9901", 50, 50)]).await.unwrap();
        let nested = hand(&app, &p.province, task, vec![to(COUNTY, 50, 50)]).await;
        assert_eq!(code(nested), "task.nested", "its figures would count twice");
        assert_eq!(code(hand(&app, &p.province, task, vec![to("990", 5, 5)]).await), "task.place");
        let none = Hand { targets: Figures::new(Some(100), None), ..to("9902", 1, 1) };
        assert_eq!(code(hand(&app, &p.province, task, vec![none]).await), "task.field", "both legs are asked for");
        let late = Hand { due: day("2020-05-01"), ..to("9902", 1, 1) };
        assert_eq!(code(hand(&app, &p.province, task, vec![late]).await), "task.due_later");
        assert_eq!(code(hand(&app, &p.province, task, vec![]).await), "task.field");
        assert_eq!(world::number(&app, "SELECT COUNT(*) FROM task_node", args![]).await, 2, "nothing was half done");

        // One leg alone, with a decimal; what is asked is changed later and the change is kept.
        let one = NewTask {
            epidemic: String::new(),
            epidemic_unit: String::new(),
            targets: Figures::new(Some(12_345), None),
            ..joint("小额信贷")
        };
        let task = issue(&app, &p.county, one).await;
        let ask = |poverty| Hand { targets: Figures::new(Some(poverty), None), ..to(TOWN, 0, 0) };
        hand(&app, &p.county, task, vec![ask(5_050)]).await.unwrap();
        hand(&app, &p.county, task, vec![ask(6_000)]).await.unwrap();
        let town = look::whole(&app, &p.town, task, "").await.unwrap();
        assert_eq!(town.node.as_ref().unwrap().target_poverty, Some(6_000));
        let change = town.events.iter().find(|event| event.action == "retarget").unwrap();
        assert!(change.data.contains("5050"), "{}", change.data);
        let node = town.node.unwrap();
        let empty = NewReport { own: Figures::default(), said_epidemic: String::new(), ..said(&node, (0, 0)) };
        assert_eq!(code(flow::report(&app, &p.town, empty.clone()).await), "task.field");
        let silent = NewReport { own: Figures::new(Some(1), None), said_poverty: " ".to_owned(), ..empty.clone() };
        assert_eq!(code(flow::report(&app, &p.town, silent).await), "task.field");
        let right = NewReport { own: Figures::new(Some(1), None), ..empty };
        flow::report(&app, &p.town, right).await.unwrap();
        let below = look::whole(&app, &p.county, task, TOWN).await.unwrap().node.unwrap();
        let mut verdict = Verdict {
            event: ids::new_id(),
            node: below.id,
            version: below.version,
            report: below.last_report.unwrap(),
            accept: false,
            reason: "短".to_owned(),
        };
        assert_eq!(code(flow::decide(&app, &p.county, verdict.clone()).await), "task.reason");
        verdict.report = ids::new_id();
        assert_eq!(code(flow::decide(&app, &p.county, verdict).await), "task.stale", "not the newest report");
        // Closed, nothing is reported or decided; it opens again.
        let root = self::node(&app, &p.county, task).await;
        let shut =
            |open, version| flow::close(&app, &p.county, task, ids::new_id(), version, open, "任务已完成".to_owned());
        shut(false, root.version).await.unwrap();
        assert_eq!(code(report(&app, &p.town, task, (1, 0)).await), "task.closed");
        assert_eq!(code(decide(&app, &p.county, task, TOWN, true).await), "task.closed");
        assert_eq!(code(shut(false, root.version + 1).await), "task.closed");
        assert_eq!(look::owed(&app, &p.county, "", false, (50, 0)).await.unwrap().1, 0);
        shut(true, root.version + 1).await.unwrap();
        decide(&app, &p.county, task, TOWN, true).await.unwrap();
        proven(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_a_stale_form_and_the_same_form_ten_times_are_one_outcome() {
    each_database(|app| async move {
        let p = people(&app).await;
        let new = joint("并发");
        let copies = (0..10).map(|_| {
            let (app, actor, new) = (app.clone(), p.county.clone(), new.clone());
            tokio::spawn(async move { flow::issue(&app, &actor, new).await })
        });
        let done = futures_util::future::join_all(copies).await;
        let fresh = done.iter().filter(|done| !done.as_ref().unwrap().as_ref().unwrap().repeated).count();
        assert_eq!(fresh, 1);
        let task = new.id;
        let other = NewTask { title: "别的".to_owned(), ..new.clone() };
        assert_eq!(code(flow::issue(&app, &p.county, other).await), "task.resent");
        hand(&app, &p.county, task, vec![to(TOWN, 40, 60)]).await.unwrap();

        let before = node(&app, &p.town, task).await;
        let sent = said(&before, (7, 8));
        let copies = (0..10).map(|_| {
            let (app, actor, sent) = (app.clone(), p.town.clone(), sent.clone());
            tokio::spawn(async move { flow::report(&app, &actor, sent).await })
        });
        let done = futures_util::future::join_all(copies).await;
        let fresh = done.iter().filter(|done| !done.as_ref().unwrap().as_ref().unwrap().repeated).count();
        assert_eq!(fresh, 1);
        // A second person with the form of before: one outcome, and a message that names the first.
        let second = world::user(&app, "t-second", Role::TownshipStaff, TOWN).await;
        let error = flow::report(&app, &second, said(&before, (9, 9))).await.unwrap_err();
        assert_eq!(error.code(), "task.stale");
        assert!(error.message(taizhang::platform::Lang::Zh).contains("t-town"), "{error:?}");

        // Accepted and returned at the same time: one of the two.
        let below = look::whole(&app, &p.county, task, TOWN).await.unwrap().node.unwrap();
        let rival = world::user(&app, "t-rival", Role::CountyStaff, COUNTY).await;
        let verdict = |accept| Verdict {
            event: ids::new_id(),
            node: below.id,
            version: below.version,
            report: below.last_report.unwrap(),
            accept,
            reason: "数字与台账不符".to_owned(),
        };
        let (one, two) =
            tokio::join!(flow::decide(&app, &p.county, verdict(true)), flow::decide(&app, &rival, verdict(false)));
        assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1, "{one:?} {two:?}");
        let error = one.err().or(two.err()).unwrap();
        assert_eq!(error.code(), "task.stale");
        // What was decided under somebody's hands is left alone where many are decided at once.
        let stale = vec![(below.id, below.version, below.last_report.unwrap())];
        let many = flow::accept_many(&app, &p.county, stale).await.unwrap();
        assert_eq!((many.accepted, many.left), (0, 1));
        report(&app, &p.town, task, (7, 8)).await.unwrap();
        let below = look::whole(&app, &p.county, task, TOWN).await.unwrap().node.unwrap();
        let fresh = vec![(below.id, below.version, below.last_report.unwrap())];
        assert_eq!(flow::accept_many(&app, &p.county, fresh).await.unwrap().accepted, 1);
        proven(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_reported_is_a_list_and_is_reminded() {
    each_database(|app| async move {
        let p = people(&app).await;
        let task = issue(&app, &p.county, joint("催报")).await;
        hand(&app, &p.county, task, vec![to(TOWN, 40, 60), to(OTHER_TOWN, 20, 40)]).await.unwrap();
        report(&app, &p.town, task, (1, 1)).await.unwrap();
        let app = on(&app, "2020-04-02");
        let (lines, all, late) = look::owed(&app, &p.county, "", true, (50, 0)).await.unwrap();
        assert_eq!((all, late, lines.len()), (1, 1, 1));
        assert_eq!(lines[0].division_code, OTHER_TOWN);
        assert_eq!(flow::remind(&app, &p.county, vec![lines[0].node_id]).await.unwrap(), 1);
        assert_eq!(flow::remind(&app, &p.province, vec![lines[0].node_id]).await.unwrap(), 0, "not theirs to ask");
        let reported = node(&app, &p.town, task).await.id;
        assert_eq!(flow::remind(&app, &p.county, vec![reported]).await.unwrap(), 0, "it owes nothing");
        let own = look::whole(&app, &p.other_town, task, "").await.unwrap();
        assert_eq!(own.node.unwrap().reminders, 1);
        assert_eq!(own.events[0].action, "remind");
        let filter =
            |which: &str| NodeFilter { task, which: Standing::from_name(which), limit: 50, ..NodeFilter::default() };
        for (which, places) in [
            ("unreported", vec![OTHER_TOWN]),
            ("reported", vec![TOWN]),
            ("late", vec![OTHER_TOWN]),
            ("accepted", vec![]),
        ] {
            let (_, found, count, _) = look::nodes(&app, &p.county, "", &filter(which)).await.unwrap();
            let codes: Vec<&str> = found.iter().map(|node| node.division_code.as_str()).collect();
            assert_eq!((codes, count as usize), (places.clone(), places.len()), "{which}");
        }
        let (lines, total) = look::index(&app, &p.county, &list_all()).await.unwrap();
        assert_eq!((total, lines[0].nodes, lines[0].unreported, lines[0].reported, lines[0].late), (1, 2, 1, 1, 1));
        let text = look::Filter { text: "100%".to_owned(), ..list_all() };
        assert_eq!(look::index(&app, &p.county, &text).await.unwrap().1, 0, "a percent sign is a percent sign");
        // The province has no part in a county's own task, and sees how it stands.
        decide(&app, &p.county, task, TOWN, true).await.unwrap();
        let (lines, _) = look::index(&app, &p.province, &list_all()).await.unwrap();
        let line = &lines[0];
        assert_eq!((line.nodes, line.done_poverty, line.target_poverty), (2, Some(100), Some(6_000)));
        let whole = look::whole(&app, &p.province, task, "").await.unwrap();
        assert_eq!((whole.lines.len(), whole.sum.poverty, whole.may.decide), (2, Some(100), false));
        proven(&app).await;
    })
    .await;
}

fn plan() -> Plan {
    let at = |on: &str, percent| Milestone { day: day(on), percent, title: "节点".to_owned() };
    Plan { from: day("2020-03-01"), to: day("2020-04-30"), milestones: vec![at("2020-03-31", 60)] }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_measured_against_its_first_plan_and_against_last_year() {
    each_database(|app| async move {
        let p = people(&app).await;
        // Last year the same task came to 20 by the day, and to 50 in the end.
        let then = on(&app, "2019-03-10");
        let before = NewTask { due: day("2019-04-30"), ..joint("2019年春季攻势·危房改造") };
        let last = issue(&then, &p.county, before).await;
        let ask = |division, due| Hand { due: day(due), ..to(division, 50, 50) };
        hand(&then, &p.county, last, vec![ask(TOWN, "2019-04-30")]).await.unwrap();
        report(&then, &p.town, last, (20, 5)).await.unwrap();
        decide(&then, &p.county, last, TOWN, true).await.unwrap();
        let later = on(&app, "2019-04-20");
        report(&later, &p.town, last, (50, 9)).await.unwrap();
        decide(&later, &p.county, last, TOWN, true).await.unwrap();

        let app = on(&app, "2020-03-31");
        let new =
            NewCampaign {
                id: ids::new_id(), name: "春季攻势".to_owned(), goal: "百日攻坚".to_owned(), plan: plan()
            };
        let id = campaign::begin(&app, &p.county, new.clone()).await.unwrap();
        assert_eq!(campaign::begin(&app, &p.county, new).await.unwrap(), id, "the same form again");
        let backwards = NewCampaign {
            id: ids::new_id(),
            name: "错".to_owned(),
            goal: String::new(),
            plan: Plan { to: day("2020-02-01"), ..plan() },
        };
        assert_eq!(campaign::begin(&app, &p.county, backwards).await.unwrap_err().code(), "task.plan");
        let one = NewTask { campaign: Some(id), ..joint("2020年春季攻势·危房改造") };
        let task = issue(&app, &p.county, one).await;
        let row = look::whole(&app, &p.county, task, "").await.unwrap();
        assert_eq!(row.task.previous_id, Some(last), "found by its title");
        let none = NewTask { previous: Previous::None, ..joint("2020年春季攻势·危房改造") };
        let alone = issue(&app, &p.county, none).await;
        assert_eq!(look::whole(&app, &p.county, alone, "").await.unwrap().task.previous_id, None);
        hand(&app, &p.county, task, vec![to(TOWN, 60, 100), to(OTHER_TOWN, 40, 100)]).await.unwrap();
        report(&app, &p.town, task, (45, 100)).await.unwrap();
        decide(&app, &p.county, task, TOWN, true).await.unwrap();
        report(&app, &p.other_town, task, (40, 0)).await.unwrap();

        let board = campaign::board(&app, &p.county, id, "").await.unwrap();
        let shares: Vec<(i64, Option<i64>, Option<i64>)> =
            board.legs.iter().map(|leg| (leg.done, leg.target, leg.permille)).collect();
        // The unit's own targets are 100 and 200.
        assert_eq!(shares, [(4_500, Some(10_000), Some(450)), (10_000, Some(20_000), Some(500))]);
        assert_eq!((board.permille, board.baseline, board.planned), (Some(475), 600, 600));
        assert_eq!(board.days_behind, 7, "47.5% was asked for on the 24th");
        let places: Vec<(&str, Option<i64>, usize, usize)> =
            board.places.iter().map(|place| (place.name.as_str(), place.permille, place.reached, place.owed)).collect();
        assert_eq!(places, [("新桥镇", Some(875), 1, 0), ("柳河镇", Some(0), 0, 0)], "what waits does not count");
        let year = board.legs[0].last_year.as_ref().unwrap();
        assert_eq!(year.day, "2019-03-31");
        assert_eq!((year.then.poverty, year.finally.poverty), (Some(2_000), Some(5_000)));
        // A town looks at its own part.
        let own = campaign::board(&app, &p.town, id, "").await.unwrap();
        assert_eq!(own.legs[0].permille, Some(750));
        assert_eq!(campaign::board(&app, &p.foreign, id, "").await.unwrap_err().code(), "task.not_found");

        // The plan changes, the baseline stays; two changes at once are one.
        let slower = Plan { to: day("2020-06-30"), milestones: Vec::new(), ..plan() };
        let why = || "疫情影响开工".to_owned();
        let none = campaign::replan(&app, &p.county, id, 1, slower.clone(), String::new()).await;
        assert_eq!(none.unwrap_err().code(), "task.reason");
        let town = campaign::replan(&app, &p.town, id, 1, slower.clone(), why()).await;
        assert_eq!(town.unwrap_err().code(), "task.unit");
        assert_eq!(campaign::replan(&app, &p.county, id, 1, slower.clone(), why()).await.unwrap(), 2);
        assert_eq!(campaign::replan(&app, &p.county, id, 1, slower.clone(), why()).await.unwrap(), 2, "the same form");
        let stale = campaign::replan(&app, &p.county, id, 1, plan(), why()).await;
        assert_eq!(stale.unwrap_err().code(), "task.stale");
        let board = campaign::board(&app, &p.county, id, "").await.unwrap();
        assert_eq!((board.baseline, board.planned, board.plans.len()), (600, 247, 2));
        proven(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_off_is_told_once_its_new_day_has_passed() {
    each_database(|app| async move {
        let p = people(&app).await;
        let new = |title: &str, new_on: Option<&str>| NewActivity {
            id: ids::new_id(),
            kind: "assessment".to_owned(),
            title: title.to_owned(),
            unit: String::new(),
            contact: "李科长".to_owned(),
            reason: "疫情防控需要".to_owned(),
            first_on: day("2020-02-10"),
            new_on: new_on.map(day),
        };
        let first = new("退出实地评估", Some("2020-02-25"));
        let id = postponed::add(&app, &p.county, first.clone()).await.unwrap();
        assert_eq!(postponed::add(&app, &p.county, first.clone()).await.unwrap(), id);
        let other = NewActivity { title: "别的".to_owned(), ..first };
        assert_eq!(postponed::add(&app, &p.county, other).await.unwrap_err().code(), "task.resent");
        let open = postponed::add(&app, &p.county, new("普查试点", None)).await.unwrap();
        let early = postponed::add(&app, &p.county, new("早", Some("2020-02-01"))).await;
        assert_eq!(early.unwrap_err().code(), "task.day");
        assert_eq!(postponed::add(&app, &p.village, new("村", None)).await.unwrap_err().code(), "task.forbidden");
        assert_eq!(postponed::passed(&app, &p.county).await.unwrap(), 0);
        let app = on(&app, "2020-02-26");
        assert_eq!(postponed::passed(&app, &p.county).await.unwrap(), 1);
        assert_eq!(postponed::passed(&app, &p.foreign).await.unwrap(), 0);
        let (found, counts) = postponed::list(&app, &p.province, &postponed::Filter::default()).await.unwrap();
        let urgencies: Vec<Urgency> = found.iter().map(|one| one.urgency(app.clock.today())).collect();
        assert_eq!(urgencies, [Urgency::Passed, Urgency::Undated], "what needs an answer first");
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<usize>(), 2);

        let act = |version, step, note: &str| {
            postponed::act(&app, &p.county, id, ids::new_id(), version, step, note.to_owned())
        };
        let error = act(1, Step::Move(Some(day("2020-03-20"))), "").await.unwrap_err();
        assert_eq!(error.code(), "task.reason");
        act(1, Step::Move(Some(day("2020-03-20"))), "改为视频评估").await.unwrap();
        assert_eq!(act(1, Step::Cancel, "不再举行了").await.unwrap_err().code(), "task.stale");
        assert_eq!(act(2, Step::Hold(day("2020-03-20")), "").await.unwrap_err().code(), "task.day", "not yet");
        let province =
            postponed::act(&app, &p.province, id, ids::new_id(), 2, Step::Cancel, "不再举行".to_owned()).await;
        assert_eq!(province.unwrap_err().code(), "task.unit");
        let foreign = postponed::act(&app, &p.foreign, id, ids::new_id(), 2, Step::Cancel, "不再举行".to_owned()).await;
        assert_eq!(foreign.unwrap_err().code(), "task.not_found");
        let app = on(&app, "2020-03-21");
        let event = ids::new_id();
        for _ in 0..3 {
            postponed::act(&app, &p.county, id, event, 2, Step::Hold(day("2020-03-20")), String::new()).await.unwrap();
        }
        let (one, history, may) = postponed::one(&app, &p.county, id).await.unwrap();
        assert_eq!((one.state.as_str(), one.held_on.as_str(), one.moves, one.version), ("held", "2020-03-20", 1, 3));
        assert!(may);
        let did: Vec<&str> = history.iter().map(|past| past.action.as_str()).collect();
        assert_eq!(did, ["hold", "move", "add"]);
        assert!(history[1].data.contains("2020-02-25"), "what was so before is kept");
        assert_eq!(postponed::one(&app, &p.county, open).await.unwrap().0.urgency(app.clock.today()), Urgency::Undated);
        let again = postponed::act(&app, &p.county, id, ids::new_id(), 3, Step::Cancel, "不再举行".to_owned()).await;
        assert_eq!(again.unwrap_err().code(), "task.state");
        audit::verify(&app.db).await.unwrap();
        let entries = world::number(&app, "SELECT COUNT(*) FROM audit WHERE object_kind = 'postponed'", args![]).await;
        assert_eq!(entries, 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn measures_hold_below_and_keep_their_versions() {
    each_database(|app| async move {
        let p = people(&app).await;
        let given = |title: &str, from: &str, until: Option<&str>, problems: &[&str]| Given {
            kind: "patch".to_owned(),
            title: title.to_owned(),
            number: "皖扶办〔2020〕3号".to_owned(),
            issuer: String::new(),
            issued_on: day("2020-02-12"),
            from: day(from),
            until: until.map(day),
            problems: problems.iter().map(|problem| (*problem).to_owned()).collect(),
            body: "小额信贷延期六个月".to_owned(),
        };
        let save =
            |given: Given| Save { id: ids::new_id(), event: ids::new_id(), version: 0, given, why: String::new() };
        let first = save(given("信贷延期", "2020-02-15", None, &["living", "projects"]));
        let id = measure::save(&app, &p.county, first.clone()).await.unwrap();
        assert_eq!(measure::save(&app, &p.county, first.clone()).await.unwrap(), id);
        let none = save(given("无", "2020-02-15", None, &["nonsense"]));
        assert_eq!(measure::save(&app, &p.county, none).await.unwrap_err().code(), "task.field");
        let ended = save(given("已过", "2020-01-01", Some("2020-01-31"), &["labour"]));
        measure::save(&app, &p.province, ended).await.unwrap();
        let wrong = save(given("倒", "2020-02-15", Some("2020-02-14"), &["labour"]));
        assert_eq!(measure::save(&app, &p.county, wrong).await.unwrap_err().code(), "task.day");

        // The village sees the county's and the province's; another county only the province's.
        let seen = async |actor: &Actor| {
            let (found, answered) = measure::list(&app, actor, &measure::Filter::default()).await.unwrap();
            let answers: Vec<&str> =
                answered.into_iter().filter(|(_, count)| *count > 0).map(|(problem, _)| problem).collect();
            (found.len(), answers)
        };
        assert_eq!(seen(&p.village).await, (2, vec!["living", "projects"]));
        assert_eq!(seen(&p.foreign).await, (1, vec![]), "what is over answers nothing");
        assert_eq!(measure::one(&app, &p.foreign, id).await.unwrap_err().code(), "task.not_found");
        let change = |version, why: &str| Save {
            id,
            event: ids::new_id(),
            version,
            given: given("信贷延期（修订）", "2020-02-15", Some("2020-12-31"), &["living"]),
            why: why.to_owned(),
        };
        assert_eq!(measure::save(&app, &p.county, change(1, "")).await.unwrap_err().code(), "task.reason");
        assert_eq!(measure::save(&app, &p.town, change(1, "想改就改")).await.unwrap_err().code(), "task.unit");
        measure::save(&app, &p.county, change(1, "明确截止日期")).await.unwrap();
        assert_eq!(measure::save(&app, &p.county, change(1, "再改一次")).await.unwrap_err().code(), "task.stale");
        let (one, history, may) = measure::one(&app, &p.village, id).await.unwrap();
        assert_eq!((one.version, one.until_day.as_str(), may), (2, "2020-12-31", false));
        assert!(history[0].data.contains("projects"), "the version before is kept whole");
        audit::verify(&app.db).await.unwrap();
        assert_eq!(world::number(&app, "SELECT COUNT(*) FROM audit WHERE action = 'measure.save'", args![]).await, 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn good_practice_spreads_from_one_place_to_others() {
    each_database(|app| async move {
        let p = people(&app).await;
        let new = NewPractice {
            id: ids::new_id(),
            title: "一对接两负责三联单".to_owned(),
            body: "点对点送工".to_owned(),
            effect: "三百人返岗".to_owned(),
            problem: "labour".to_owned(),
        };
        let id = practice::propose(&app, &p.village, new.clone()).await.unwrap();
        assert_eq!(practice::propose(&app, &p.village, new).await.unwrap(), id);
        // Another town does not see it until it is spread.
        assert_eq!(practice::one(&app, &p.other_town, id, "").await.unwrap_err().code(), "task.not_found");
        let adopt = |version, state: &str, note: &str| Adopt {
            id,
            event: ids::new_id(),
            version,
            state: state.to_owned(),
            since: day("2020-02-20"),
            note: note.to_owned(),
        };
        let early = practice::adopt(&app, &p.village, adopt(0, "adopted", "")).await;
        assert_eq!(early.unwrap_err().code(), "task.state");
        let spread = |actor: Actor, version, end| {
            let app = app.clone();
            async move {
                practice::spread(&app, &actor, id, ids::new_id(), version, end, "各地学习推广".to_owned()).await
            }
        };
        assert_eq!(spread(p.other_town.clone(), 1, false).await.unwrap_err().code(), "task.not_found");
        assert_eq!(spread(p.village.clone(), 1, false).await.unwrap_err().code(), "task.forbidden");
        spread(p.town.clone(), 1, false).await.unwrap();
        assert_eq!(practice::one(&app, &p.other_town, id, "").await.unwrap_err().code(), "task.not_found");
        spread(p.county.clone(), 2, false).await.unwrap();
        assert_eq!(spread(p.town.clone(), 3, false).await.unwrap_err().code(), "task.state", "spread further already");
        practice::adopt(&app, &p.other_town, adopt(0, "planned", "")).await.unwrap();
        assert_eq!(
            practice::adopt(&app, &p.other_town, adopt(0, "adopted", "")).await.unwrap_err().code(),
            "task.stale"
        );
        practice::adopt(&app, &p.other_town, adopt(1, "adopted", "已送工两车")).await.unwrap();
        let unfit = practice::adopt(&app, &p.village, adopt(0, "unfit", "")).await;
        assert_eq!(unfit.unwrap_err().code(), "task.reason");
        let other = world::user(&app, "t-east", Role::VillageOfficer, OTHER).await;
        practice::adopt(&app, &other, adopt(0, "adopted", "")).await.unwrap();

        let whole = practice::one(&app, &p.county, id, "").await.unwrap();
        let areas: Vec<(&str, i64, i64, i64, &str)> = whole
            .areas
            .iter()
            .map(|area| (area.name.as_str(), area.adopted, area.villages_adopted, area.villages, area.own.as_str()))
            .collect();
        assert_eq!(areas, [("新桥镇", 0, 0, 1, ""), ("柳河镇", 2, 1, 1, "adopted")]);
        let lines = practice::list(&app, &p.county, "spread", "labour").await.unwrap();
        assert_eq!((lines.len(), lines[0].adopted, lines[0].planned), (1, 2, 0));
        // The town sees the practice, and of what others made of it nothing.
        let town = practice::one(&app, &p.town, id, "").await.unwrap();
        assert!(town.said.is_empty() && town.history.iter().all(|past| past.action != "adopt"));
        assert_eq!(practice::list(&app, &p.town, "", "").await.unwrap()[0].adopted, 0);
        assert!(practice::list(&app, &p.foreign, "", "").await.unwrap().is_empty());
        assert_eq!(spread(p.town.clone(), 3, true).await.unwrap_err().code(), "task.unit");
        spread(p.county.clone(), 3, true).await.unwrap();
        let over = practice::adopt(&app, &p.village, adopt(0, "adopted", "")).await;
        assert_eq!(over.unwrap_err().code(), "task.state");
        audit::verify(&app.db).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_lead_from_the_task_to_the_report_and_back() {
    each_database(|app| async move {
        let p = people(&app).await;
        let server = TestApp::new(&app);
        let mut county = server.login(Role::CountyStaff, COUNTY).await;
        let mut town = server.login(Role::TownshipStaff, TOWN).await;
        let id = ids::new_id().to_string();
        let mut form = vec![
            ("id", id.as_str()),
            ("title", "危房改造"),
            ("content", "三月底前开工"),
            ("poverty", "开工"),
            ("poverty_unit", "户"),
            ("target_poverty", "一百"),
            ("due", "2020-03-31"),
        ];
        let reply = county.post("/tasks", &form).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(reply.body.contains("一百") && reply.body.contains("三月底前开工"), "what was written is still there");
        form[5].1 = "100";
        let reply = county.post("/tasks", &form).await;
        let page = format!("/tasks/{id}");
        assert_eq!(reply.location(), page);
        let text = county.get(&format!("{page}/hand")).await.body;
        assert!(text.contains("新桥镇") && text.contains("柳河镇"));
        let version = node(&app, &p.county, id.parse().unwrap()).await.version.to_string();
        let (tick, target, due) = (format!("in:{TOWN}"), format!("poverty:{TOWN}"), format!("due:{TOWN}"));
        let event = ids::new_id().to_string();
        let hand = [
            ("event", event.as_str()),
            ("version", version.as_str()),
            (tick.as_str(), "1"),
            (target.as_str(), "60"),
            (due.as_str(), "2020-03-20"),
        ];
        assert_eq!(county.post(&format!("{page}/hand"), &hand).await.location(), page);
        assert!(town.get("/tasks").await.body.contains("危房改造"));
        assert_eq!(town.get(&format!("{page}/hand")).await.status, StatusCode::OK);
        let sent = ids::new_id().to_string();
        let version = node(&app, &p.town, id.parse().unwrap()).await.version.to_string();
        let up = [
            ("id", sent.as_str()),
            ("version", version.as_str()),
            ("poverty", "12.5"),
            ("said_poverty", "<b>已开工</b>"),
        ];
        assert_eq!(town.post(&format!("{page}/report"), &up).await.location(), page);
        let report = county.get(&format!("/tasks/reports/{sent}")).await.body;
        assert!(report.contains("12.5") && report.contains("&#60;b&#62;"), "{report}");
        let below = look::whole(&app, &p.county, id.parse().unwrap(), TOWN).await.unwrap().node.unwrap();
        let pick = format!("{}:{}:{sent}", below.id, below.version);
        let reply = county.post(&format!("{page}/accept"), &[("pick", pick.as_str())]).await;
        assert_eq!(reply.location(), page);
        let text = county.get(&page).await.body;
        assert!(text.contains("12.5") && text.contains("which=counted"), "the sum opens its list");
        let list = county.get(&format!("{page}/units?which=accepted")).await.body;
        assert!(list.contains("新桥镇") && !list.contains("柳河镇"));
        let file = county
            .post(&format!("{page}/export"), &[("purpose", "县调度会"), ("format", "csv"), ("which", "accepted")])
            .await;
        assert!(file.body.starts_with('\u{feff}') && file.body.contains("12.5"), "{}", file.body);
        let refused = county.post(&format!("{page}/export"), &[("purpose", ""), ("format", "csv")]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(world::number(&app, "SELECT COUNT(*) FROM audit WHERE action = 'task.export'", args![]).await, 1);
        // A stale form: a page that says who was first, and nothing is changed.
        let late = [
            ("id", "01234567-89ab-7def-8123-456789abcdab"),
            ("version", "1"),
            ("poverty", "1"),
            ("said_poverty", "迟"),
        ];
        let reply = town.post(&format!("{page}/report"), &late).await;
        assert_eq!(reply.status, StatusCode::CONFLICT);
        assert!(reply.body.contains("没有保存"), "{}", reply.body);
        for path in ["/tasks/owed", "/tasks/campaigns", "/tasks/postponed", "/tasks/measures", "/tasks/practices"] {
            assert_eq!(county.get(path).await.status, StatusCode::OK, "{path}");
        }
    })
    .await;
}
