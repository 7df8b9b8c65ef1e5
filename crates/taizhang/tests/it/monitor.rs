//! Monitoring through its doors: a case from the clue to the elimination, departments' warnings, the register beside it,
//! the notice, deadlines and reminders.

use axum::http::StatusCode;
use chrono::{Days, NaiveDate};
use taizhang::access::{Actor, Role, audit};
use taizhang::args;
use taizhang::assess::{self, profile};
use taizhang::monitor::model::{Comparison, Consent, Filter, Given, Minutes, NewMeasure, Notice, Step, Told, Visit};
use taizhang::monitor::{self, Edition, MonitorError, NewClue, WarnAsked};
use taizhang::platform::{App, Clock, Lang, UserError, ids};
use uuid::Uuid;

use crate::support::http::TestApp;
use crate::support::{each_database, machine};
use crate::world::{self, OTHER, VILLAGE, run};

/// A day on which the profile of ordinary years is in force, and whose calendar is known.
pub(crate) fn begin() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 10).unwrap()
}

/// The installation on another day.
pub(crate) fn on(app: &App, day: NaiveDate) -> App {
    App { clock: Clock::fixed(day), ..app.clone() }
}

pub(crate) fn later(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap()
}

/// People of the county, its township and its village.
pub(crate) struct People {
    pub(crate) county: Actor,
    pub(crate) town: Actor,
    pub(crate) village: Actor,
}

pub(crate) async fn people(app: &App) -> People {
    People {
        county: world::user(app, "o-county", Role::CountyStaff, "990101").await,
        town: world::user(app, "o-town", Role::TownshipStaff, "990101001").await,
        village: world::user(app, "o-village", Role::VillageOfficer, VILLAGE).await,
    }
}

/// The world with the profile of ordinary years in force.
pub(crate) async fn start(app: &App) -> App {
    let app = on(app, begin());
    world::divisions(&app).await;
    assess::load_profile(&app, &machine(), profile::REGULAR).await.unwrap();
    app
}

pub(crate) async fn clue_about(app: &App, actor: &Actor, household: Uuid) -> monitor::model::Case {
    let new = NewClue {
        event_id: ids::new_id(),
        said: "务工中断，收入骤减".to_owned(),
        risk: "因务工就业不稳".to_owned(),
        division: VILLAGE.to_owned(),
        household: Some(household),
        ..NewClue::default()
    };
    monitor::apply(app, actor, new).await.unwrap()
}

/// Everything that any step may need, on a day.
pub(crate) fn everything(day: NaiveDate) -> Given {
    let day = day.to_string();
    let last = later(day.parse().unwrap(), 5).to_string();
    Given {
        consent: Some(Consent { day: day.clone(), paper: "档案柜 3".to_owned(), ..Consent::default() }),
        visit: Some(Visit {
            day: day.clone(), who: "王干部、李干部".to_owned(), found: "情况属实".to_owned()
        }),
        minutes: Some(Minutes { day: day.clone(), present: 30, agreed: 28, paper: "会议记录 7".to_owned() }),
        notice: Some(Notice { from: day.clone(), to: last }),
        comparison: Some(Comparison {
            day: day.clone(),
            agencies: "公安、不动产".to_owned(),
            result: "clear".to_owned(),
            found: "未发现大额资产".to_owned(),
        }),
        kind: "unstable".to_owned(),
        risks: vec!["因务工就业不稳".to_owned()],
        answers: ["stable", "spending", "guarantees"].into_iter().map(|id| (id.to_owned(), true)).collect(),
        told: Some(Told { day: day.clone(), how: "入户告知".to_owned() }),
        decrease: "moved".to_owned(),
        measure: Some(NewMeasure {
            measure: "employment".to_owned(),
            risk: "因务工就业不稳".to_owned(),
            from: day,
            to: String::new(),
            amount: Some(1_200.0),
            who: "县人社局".to_owned(),
        }),
        ..Given::default()
    }
}

pub(crate) async fn version(app: &App, id: Uuid) -> i64 {
    world::number(app, "SELECT version FROM monitor_case WHERE id = $1", args![id]).await
}

pub(crate) async fn step(
    app: &App,
    actor: &Actor,
    id: Uuid,
    action: &str,
    given: Given,
) -> Result<String, MonitorError> {
    let step = Step {
        event_id: ids::new_id(),
        version: version(app, id).await,
        action: action.to_owned(),
        note: "如实办理，现场看过".to_owned(),
        given,
    };
    monitor::act(app, actor, id, step).await.map(|done| done.state)
}

fn code(said: Result<String, MonitorError>) -> &'static str {
    said.unwrap_err().code()
}

/// A household above the line, with somebody able to work, a safe house and safe water.
pub(crate) async fn sound_household(app: &App, n: u128) -> Uuid {
    let (home, persons) = world::household(app, n, VILLAGE, &["", ""]).await;
    run(
        app,
        "UPDATE household SET kind = '一般脱贫户', dangerous_house = FALSE, housing_grade = 'A', safe_water = TRUE WHERE id = $1",
        args![home],
    )
    .await;
    run(app, "UPDATE person SET labour = '普通劳动力' WHERE id = $1", args![persons[0]]).await;
    run(app, "UPDATE person SET labour = '无劳动力' WHERE id = $1", args![persons[1]]).await;
    income(app, home, 9_000.0).await;
    home
}

pub(crate) async fn income(app: &App, home: Uuid, per_capita: f64) {
    run(app, "DELETE FROM household_income WHERE household_id = $1", args![home]).await;
    run(
        app,
        "INSERT INTO household_income (household_id, year, division_code, wage, operating, property, transfer, cost, net,
                                       per_capita, items, version, fingerprint, import_id, sheet, line, as_of, recorded_at)
         VALUES ($1, 2025, $2, 0, 0, 0, 0, 0, $3, $4, '{}', 1, 0, $1, '', 1, '2025-10-01', 0)",
        args![home, VILLAGE, per_capita * 2.0, per_capita],
    )
    .await;
}

/// What the register says of a household's monitoring.
async fn registered(app: &App, home: Uuid, kind: &str, month: &str, eliminated: Option<&str>) {
    run(app, "DELETE FROM monitoring WHERE household_id = $1", args![home]).await;
    run(
        app,
        "INSERT INTO monitoring (household_id, division_code, kind, identified_month, risks, eliminated, eliminated_month,
                                 attrs, version, fingerprint, import_id, sheet, line, as_of, recorded_at)
         VALUES ($1, $2, $3, $4, '[\"因病\"]', $5, $6, '{}', 1, 0, $1, '', 1, '2026-03-01', 0)",
        args![home, VILLAGE, kind, month, eliminated.is_some(), eliminated.unwrap_or_default()],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_goes_from_the_clue_to_the_elimination_and_nothing_of_it_can_be_skipped() {
    each_database(|app| async move {
        let app = start(&app).await;
        let who = people(&app).await;
        let home = sound_household(&app, 1).await;
        let case = clue_about(&app, &who.village, home).await;
        // 2 days to accept it; 15 to decide, for no other region is ours.
        assert_eq!(
            (case.state.as_str(), case.deadline.as_str(), case.decide_by.as_str()),
            ("clue", "2026-03-12", "2026-03-25")
        );
        let id = case.id;
        let day = begin();
        assert_eq!(code(step(&app, &who.village, id, "visit", everything(day)).await), "monitor.wrong_state");
        assert_eq!(code(step(&app, &who.village, id, "apply", Given::default()).await), "monitor.lacks");
        let unsigned = Given {
            consent: Some(Consent { proxy: "邻居".to_owned(), ..everything(day).consent.unwrap() }),
            ..Given::default()
        };
        assert_eq!(
            code(step(&app, &who.village, id, "apply", unsigned).await),
            "monitor.field",
            "why a proxy is not said"
        );
        assert_eq!(step(&app, &who.village, id, "apply", everything(day)).await.unwrap(), "applied");
        assert_eq!(step(&app, &who.village, id, "visit", everything(day)).await.unwrap(), "visited");
        assert_eq!(code(step(&app, &who.county, id, "review", everything(day)).await), "monitor.role");
        let against =
            Given { minutes: Some(Minutes { agreed: 15, ..everything(day).minutes.unwrap() }), ..everything(day) };
        assert_eq!(code(step(&app, &who.village, id, "review", against).await), "monitor.minutes_against");
        assert_eq!(step(&app, &who.village, id, "review", everything(day)).await.unwrap(), "reviewed");
        let notice = |from: NaiveDate, days: u64| Given {
            notice: Some(Notice { from: from.to_string(), to: later(from, days).to_string() }),
            ..Given::default()
        };
        assert_eq!(code(step(&app, &who.village, id, "publish", notice(day, 4)).await), "monitor.notice_short");
        let earlier = day.pred_opt().unwrap();
        assert_eq!(code(step(&app, &who.village, id, "publish", notice(earlier, 9)).await), "monitor.day");
        assert_eq!(step(&app, &who.village, id, "publish", notice(day, 5)).await.unwrap(), "published");
        assert_eq!(code(step(&app, &who.town, id, "township", Given::default()).await), "monitor.notice_runs");
        let last = on(&app, later(day, 5));
        assert_eq!(code(step(&last, &who.town, id, "township", Given::default()).await), "monitor.notice_runs");
        // An objection: the notice counts no more, and the review is not held twice.
        assert_eq!(step(&last, &who.village, id, "object", Given::default()).await.unwrap(), "recheck");
        assert_eq!(step(&last, &who.town, id, "recheck", everything(later(day, 5))).await.unwrap(), "reviewed");
        assert_eq!(
            code(step(&last, &who.village, id, "review", everything(later(day, 5))).await),
            "monitor.wrong_state"
        );
        assert_eq!(step(&last, &who.village, id, "publish", notice(later(day, 5), 5)).await.unwrap(), "published");
        let after = on(&app, later(day, 11));
        assert_eq!(
            code(step(&after, &who.town, id, "township", Given::default()).await),
            "monitor.lacks",
            "no comparison"
        );
        assert_eq!(step(&after, &who.town, id, "compare", everything(later(day, 11))).await.unwrap(), "published");
        assert_eq!(step(&after, &who.town, id, "township", Given::default()).await.unwrap(), "township");
        assert_eq!(code(step(&after, &who.county, id, "mark", Given::default()).await), "monitor.type");
        assert_eq!(step(&after, &who.county, id, "mark", everything(later(day, 11))).await.unwrap(), "monitored");
        let whole = monitor::whole(&after, &who.county, id, Lang::Zh).await.unwrap();
        assert_eq!((whole.case.kind.as_str(), whole.case.marked_on.as_str()), ("unstable", "2026-03-21"));
        assert_eq!(whole.case.deadline, "2026-04-20", "measures within 30 days");
        assert_eq!(whole.conditions.len(), 7);

        // Elimination: a measure is missing, then the months, then the income; each is said with its value.
        assert_eq!(
            code(step(&after, &who.village, id, "verify", everything(later(day, 11))).await),
            "monitor.no_measures"
        );
        let other = NewMeasure { risk: "因病".to_owned(), ..everything(later(day, 11)).measure.unwrap() };
        let given = Given { measure: Some(other), ..Given::default() };
        step(&after, &who.village, id, "measure", given).await.unwrap();
        let half = on(&app, later(day, 250));
        let said = step(&half, &who.village, id, "verify", everything(later(day, 250))).await.unwrap_err();
        assert_eq!(said.code(), "monitor.condition");
        assert!(said.message(Lang::Zh).contains("每项风险都有对应帮扶措施"), "{}", said.message(Lang::Zh));
        assert!(said.message(Lang::Zh).contains("因务工就业不稳"), "{}", said.message(Lang::Zh));
        step(&after, &who.village, id, "measure", everything(later(day, 11))).await.unwrap();
        let early = on(&app, later(day, 60));
        let said = step(&early, &who.village, id, "verify", everything(later(day, 60))).await.unwrap_err();
        assert!(said.message(Lang::Zh).contains("标注满 6 个月"), "{}", said.message(Lang::Zh));
        income(&app, home, 4_000.0).await;
        let said = step(&half, &who.village, id, "verify", everything(later(day, 250))).await.unwrap_err();
        assert!(said.message(Lang::Zh).contains("4,000"), "{}", said.message(Lang::Zh));
        income(&app, home, 9_000.0).await;
        let unanswered = Given { answers: Default::default(), ..everything(later(day, 250)) };
        assert_eq!(code(step(&half, &who.village, id, "verify", unanswered).await), "monitor.condition_answer");
        run(
            &app,
            "UPDATE person SET labour = '丧失劳动力' WHERE household_id = $1 AND labour = '普通劳动力'",
            args![home],
        )
        .await;
        let said = step(&half, &who.village, id, "verify", everything(later(day, 250))).await.unwrap_err();
        assert_eq!(said.code(), "monitor.condition_forbids", "a whole household without labour");
        run(
            &app,
            "UPDATE person SET labour = '普通劳动力' WHERE household_id = $1 AND labour = '丧失劳动力'",
            args![home],
        )
        .await;
        assert_eq!(
            step(&half, &who.village, id, "verify", everything(later(day, 250))).await.unwrap(),
            "elim_verified"
        );
        assert_eq!(
            step(&half, &who.village, id, "elim_publish", everything(later(day, 250))).await.unwrap(),
            "elim_published"
        );
        assert_eq!(code(step(&half, &who.town, id, "elim_township", Given::default()).await), "monitor.notice_runs");
        let end = on(&app, later(day, 256));
        assert_eq!(step(&end, &who.town, id, "elim_township", Given::default()).await.unwrap(), "elim_township");
        // What has come in meanwhile forbids it still at the last step.
        run(&app, "UPDATE household SET safe_water = FALSE WHERE id = $1", args![home]).await;
        assert_eq!(code(step(&end, &who.county, id, "eliminate", Given::default()).await), "monitor.condition_forbids");
        run(&app, "UPDATE household SET safe_water = TRUE WHERE id = $1", args![home]).await;
        assert_eq!(step(&end, &who.county, id, "eliminate", Given::default()).await.unwrap(), "eliminated");
        // Measures run to their natural end.
        let measure = monitor::whole(&end, &who.county, id, Lang::Zh).await.unwrap().measures[0].clone();
        let over = Given { ended: Some(measure.id), ended_on: later(day, 256).to_string(), ..Given::default() };
        assert_eq!(step(&end, &who.village, id, "measure_end", over.clone()).await.unwrap(), "eliminated");
        assert_eq!(code(step(&end, &who.village, id, "measure_end", over).await), "monitor.measure_ended");
        // A clue after it begins a new round; where it comes to nothing, the household is eliminated as before.
        let again = clue_about(&end, &who.village, home).await;
        assert_eq!((again.id, again.round, again.state.as_str()), (id, 2, "clue"));
        assert_eq!(step(&end, &who.town, id, "reject", everything(later(day, 256))).await.unwrap(), "eliminated");
        assert!(monitor::prove(&end, &machine().scope).await.unwrap().is_empty(), "rows and events part");
        assert!(audit::verify(&app.db).await.unwrap().fault.is_none());
        let month = monitor::month(&end, &who.county, "", later(day, 256)).await.unwrap();
        assert_eq!(month.eliminated, [("unstable".to_owned(), "因务工就业不稳".to_owned(), 1)]);
        assert!(month.marked.is_empty() && month.monitored.is_empty());
        let march = monitor::month(&end, &who.county, "", begin()).await.unwrap();
        assert_eq!((march.marked[0].2, march.monitored[0].2), (1, 1));
        let asked = Filter { on: march.to.to_string(), page: 1, per_page: 10, ..Filter::default() };
        assert_eq!(monitor::list(&end, &who.county, &asked).await.unwrap().1, 1, "the figure opens its list");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn help_comes_first_by_the_green_channel_and_a_refusal_is_told() {
    each_database(|app| async move {
        let app = start(&app).await;
        let who = people(&app).await;
        let home = sound_household(&app, 1).await;
        let id = clue_about(&app, &who.village, home).await.id;
        assert_eq!(code(step(&app, &who.village, id, "measure_first", everything(begin())).await), "monitor.not_green");
        step(&app, &who.village, id, "green", Given::default()).await.unwrap();
        assert_eq!(step(&app, &who.village, id, "measure_first", everything(begin())).await.unwrap(), "clue");
        let untold = Given { told: None, ..everything(begin()) };
        assert_eq!(code(step(&app, &who.town, id, "reject", untold).await), "monitor.lacks");
        assert_eq!(step(&app, &who.town, id, "reject", everything(begin())).await.unwrap(), "rejected");
        let row = monitor::whole(&app, &who.town, id, Lang::Zh).await.unwrap().case;
        assert!(row.green && row.deadline.is_empty());
        // Somebody of another village does not know of it.
        let foreign = world::user(&app, "o-foreign", Role::VillageOfficer, OTHER).await;
        assert_eq!(code(step(&app, &foreign, id, "again", Given::default()).await), "monitor.not_found");
        // Its own helper does.
        let helper = world::user(&app, "o-helper", Role::Helper, VILLAGE).await;
        assert!(matches!(monitor::whole(&app, &helper, id, Lang::Zh).await, Err(MonitorError::NotFound)));
        world::helper(&app, home, VILLAGE, "o-helper", 1).await;
        run(&app, "UPDATE helper SET unit = '测试单位' WHERE household_id = $1", args![home]).await;
        let helper = Actor { unit: "测试单位".to_owned(), ..helper };
        assert!(monitor::whole(&app, &helper, id, Lang::Zh).await.is_ok());
        assert_eq!(step(&app, &who.village, id, "again", Given::default()).await.unwrap(), "clue");
        assert_eq!(step(&app, &who.town, id, "decrease", everything(begin())).await.unwrap(), "decreased");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_at_once_come_to_one_outcome_and_a_request_sent_twice_is_done_once() {
    each_database(|app| async move {
        let app = start(&app).await;
        let who = people(&app).await;
        let home = sound_household(&app, 1).await;
        let id = clue_about(&app, &who.village, home).await.id;
        let seen = version(&app, id).await;
        let one = Step {
            event_id: ids::new_id(),
            version: seen,
            action: "apply".to_owned(),
            note: String::new(),
            given: everything(begin()),
        };
        let other = Step { event_id: ids::new_id(), ..one.clone() };
        let (a, b) =
            tokio::join!(monitor::act(&app, &who.village, id, one.clone()), monitor::act(&app, &who.town, id, other));
        assert!(a.is_ok() != b.is_ok());
        let won_first = a.is_ok();
        let stale = if won_first { b.unwrap_err() } else { a.unwrap_err() };
        assert_eq!(stale.code(), "monitor.stale");
        assert!(stale.message(Lang::Zh).contains(if won_first { "o-village" } else { "o-town" }));
        let before = version(&app, id).await;
        let visit = Step { event_id: ids::new_id(), version: before, action: "visit".to_owned(), ..one };
        assert!(!monitor::act(&app, &who.village, id, visit.clone()).await.unwrap().repeated);
        assert!(monitor::act(&app, &who.village, id, visit.clone()).await.unwrap().repeated);
        assert_eq!(version(&app, id).await, before + 1);
        let words = Step { note: "另有说明".to_owned(), ..visit };
        assert_eq!(monitor::act(&app, &who.village, id, words).await.unwrap_err().code(), "monitor.resent");
        // Two clues at once about one household open one case.
        let home = sound_household(&app, 2).await;
        let (a, b) = tokio::join!(clue_about(&app, &who.village, home), clue_about(&app, &who.town, home));
        assert_eq!(a.id, b.id);
        assert_eq!(world::number(&app, "SELECT COUNT(*) FROM monitor_clue WHERE case_id = $1", args![a.id]).await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_applicant_outside_the_register_is_kept_sealed_and_found_again() {
    each_database(|app| async move {
        let app = start(&app).await;
        let who = people(&app).await;
        let number = crate::register::citizen_id("99010119800202001");
        let new = NewClue {
            event_id: ids::new_id(),
            head_name: "孙无名".to_owned(),
            phone: "13900000001".to_owned(),
            id_number: number.clone(),
            said: "家中老人住院".to_owned(),
            risk: "因病".to_owned(),
            division: VILLAGE.to_owned(),
            ..NewClue::default()
        };
        let case = monitor::apply(&app, &who.village, new.clone()).await.unwrap();
        assert_eq!(case.household_id, None);
        assert_eq!(monitor::apply(&app, &who.village, new.clone()).await.unwrap().version, case.version, "sent twice");
        let more = NewClue { event_id: ids::new_id(), said: "又添新账".to_owned(), ..new.clone() };
        assert_eq!(monitor::apply(&app, &who.village, more).await.unwrap().id, case.id);
        let bad = NewClue { event_id: ids::new_id(), id_number: "123".to_owned(), ..new.clone() };
        assert_eq!(monitor::apply(&app, &who.village, bad).await.unwrap_err().code(), "monitor.field");
        let away = NewClue {
            event_id: ids::new_id(),
            division: OTHER.to_owned(),
            id_number: crate::register::citizen_id("99010119800202003"),
            ..new
        };
        assert_eq!(monitor::apply(&app, &who.village, away).await.unwrap_err().code(), "monitor.place");
        let (clear,): (i64,) = app
            .db
            .one("SELECT COUNT(*) FROM monitor_event WHERE data LIKE $1 OR note LIKE $1", args![format!("%{number}%")])
            .await
            .unwrap();
        assert_eq!(clear, 0);
        let shown = monitor::whole(&app, &who.village, case.id, Lang::Zh).await.unwrap().applicant.unwrap();
        assert!(shown.0.contains('*') && shown.0 != number && shown.1.contains('*'));
        // The conditions of elimination cannot be asked of whom the register does not know.
        // The household comes in with a file: the case is tied to it.
        let home = sound_household(&app, 5).await;
        let index = app.vault.index("citizen_id", &number);
        run(&app, "UPDATE person SET id_index = $2 WHERE household_id = $1 AND is_head", args![home, index]).await;
        assert_eq!(monitor::take_over(&app, &machine()).await.unwrap().1, 1);
        let tied = monitor::whole(&app, &who.village, case.id, Lang::Zh).await.unwrap();
        assert_eq!((tied.case.household_id, tied.applicant), (Some(home), None));
        assert!(monitor::prove(&app, &machine().scope).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn warnings_raise_one_clue_a_household_and_are_judged_by_what_the_village_found() {
    each_database(|app| async move {
        let app = start(&app).await;
        let who = people(&app).await;
        let (poor, poor_persons) = world::household(&app, 1, VILLAGE, &[""]).await;
        run(&app, "UPDATE household SET kind = '一般脱贫户' WHERE id = $1", args![poor]).await;
        let (other, other_persons) = world::household(&app, 2, VILLAGE, &[""]).await;
        let (less, less_persons) = world::household(&app, 3, VILLAGE, &[""]).await;
        for (person, home, value) in [
            (poor_persons[0], poor, "{\"amount\":6000}"),
            (other_persons[0], other, "{\"amount\":23100}"),
            (less_persons[0], less, "{\"amount\":6000}"),
        ] {
            world::signal(&app, "medical.self_pay", "person", person, home, value).await;
        }
        let early = on(&app, NaiveDate::from_ymd_opt(2026, 3, 3).unwrap());
        assert_eq!(
            monitor::warn(&app, &who.village, &WarnAsked::default()).await.unwrap_err().code(),
            "monitor.forbidden"
        );
        let pushes = monitor::warn(&early, &machine(), &WarnAsked::default()).await.unwrap();
        let push = pushes.iter().find(|push| push.warning == "inpatient_registered").unwrap();
        assert_eq!((push.period.as_str(), push.drawn, push.households, push.clues), ("2026-02", true, 1, 1));
        assert_eq!(pushes.iter().find(|push| push.warning == "inpatient_other").unwrap().clues, 1);
        // The same month again: not due. In the next the same facts raise no second clue.
        assert!(
            !monitor::warn(&early, &machine(), &WarnAsked::default())
                .await
                .unwrap()
                .iter()
                .any(|p| p.drawn && p.warning.starts_with("inpatient"))
        );
        let next = monitor::warn(&app, &machine(), &WarnAsked::default()).await.unwrap();
        let push = next.iter().find(|push| push.warning == "inpatient_registered").unwrap();
        assert_eq!((push.period.as_str(), push.drawn, push.households, push.clues), ("2026-03", true, 1, 0));
        let (lines, total) = monitor::warning_clues(&app, &who.village, ("", "open"), (1, 10)).await.unwrap();
        assert_eq!(total, 2);
        assert!(lines.iter().all(|line| line.reply_by == "2026-03-05"), "2 working days from Tuesday");
        assert_eq!(monitor::warning_clues(&app, &who.village, ("", "late"), (1, 10)).await.unwrap().1, 2);

        // A false alarm clears the case that rests on it; what is confirmed stays.
        let of = |home: Uuid| {
            let app = app.clone();
            let actor = who.village.clone();
            async move {
                let case = monitor::case_of_household(&app, &actor, home).await.unwrap().unwrap();
                monitor::whole(&app, &actor, case.id, Lang::Zh).await.unwrap()
            }
        };
        let first = of(poor).await;
        assert_eq!(first.clues[0].warning_id, "inpatient_registered");
        assert!(first.clue_evidence[0].iter().any(|line| line.contains("6,000")), "{:?}", first.clue_evidence);
        let answer = |whole: &monitor::Whole, verdict: &'static str| {
            let (app, actor, at) = (app.clone(), who.village.clone(), (whole.case.id, whole.clues[0].id));
            let version = whole.case.version;
            async move { monitor::reply(&app, &actor, at, (version, ids::new_id()), (verdict, "现场核查过")).await }
        };
        assert_eq!(answer(&first, "false_alarm").await.unwrap().state, "cleared");
        let second = of(other).await;
        assert_eq!(answer(&second, "confirmed").await.unwrap().state, "clue");
        let second = of(other).await;
        assert_eq!(answer(&second, "false_alarm").await.unwrap_err().code(), "monitor.replied");
        let counts = monitor::warning_counts(&app, &who.county).await.unwrap();
        let count = |id: &str| counts.iter().find(|count| count.warning_id == id).unwrap();
        assert_eq!(count("inpatient_registered").precision(), Some(0.0));
        assert_eq!(count("inpatient_other").precision(), Some(1.0));
        assert_eq!(count("inpatient_other").open, 0);

        // A household that has an open case gets the next clue there.
        world::signal(&app, "education.dropout", "person", other_persons[0], other, "{}").await;
        let asked = WarnAsked { warning: "dropout".to_owned(), now: true };
        assert_eq!(monitor::warn(&app, &machine(), &asked).await.unwrap()[0].clues, 1);
        let third = of(other).await;
        assert_eq!((third.case.id, third.clues.len(), third.case.round), (second.case.id, 2, 1));
        let asked = WarnAsked { warning: "weather".to_owned(), now: true };
        assert_eq!(monitor::warn(&app, &machine(), &asked).await.unwrap_err().code(), "monitor.no_warning");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_register_keeps_its_word_and_a_file_that_says_otherwise_is_shown() {
    each_database(|app| async move {
        let app = start(&app).await;
        let who = people(&app).await;
        let (now, once) = (sound_household(&app, 1).await, sound_household(&app, 2).await);
        registered(&app, now, "脱贫不稳定户", "2025-06", None).await;
        registered(&app, once, "边缘易致贫户", "2024-02", Some("2025-01")).await;
        assert_eq!(monitor::take_over(&app, &machine()).await.unwrap(), (2, 0));
        assert_eq!(monitor::take_over(&app, &machine()).await.unwrap(), (0, 0), "once and for all");
        let case = monitor::case_of_household(&app, &who.county, now).await.unwrap().unwrap();
        let whole = monitor::whole(&app, &who.county, case.id, Lang::Zh).await.unwrap();
        assert_eq!(
            (case.state.as_str(), case.kind.as_str(), case.marked_on.as_str()),
            ("monitored", "unstable", "2025-06-01")
        );
        assert_eq!(
            whole.events.iter().map(|e| e.action.as_str()).collect::<Vec<_>>(),
            ["register"],
            "no invented steps"
        );
        assert!(case.deadline.is_empty() && whole.differences.is_empty());
        let past = monitor::case_of_household(&app, &who.county, once).await.unwrap().unwrap();
        assert_eq!((past.state.as_str(), past.eliminated_on.as_str()), ("eliminated", "2025-01-01"));

        registered(&app, now, "边缘易致贫户", "2025-06", Some("2026-02")).await;
        monitor::take_over(&app, &machine()).await.unwrap();
        let whole = monitor::whole(&app, &who.county, case.id, Lang::Zh).await.unwrap();
        assert_eq!(whole.case.state, "monitored", "not overwritten");
        let keys: Vec<_> = whole.differences.iter().map(|d| d.0).collect();
        assert_eq!(keys, ["monitor-differs-state", "monitor-differs-kind"]);
        assert_eq!(monitor::differing(&app, &who.county, "").await.unwrap(), 1);
        let asked = Filter { differs: true, page: 1, per_page: 10, ..Filter::default() };
        let (lines, total) = monitor::list(&app, &who.county, &asked).await.unwrap();
        assert_eq!((total, lines[0].id, lines[0].differs), (1, case.id, true));
        assert!(monitor::prove(&app, &machine().scope).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_overdue_is_told_by_name_and_reminded_once_a_day() {
    each_database(|app| async move {
        let app = start(&app).await;
        let who = people(&app).await;
        let home = sound_household(&app, 1).await;
        let id = clue_about(&app, &who.village, home).await.id;
        let due = on(&app, later(begin(), 2));
        assert!(monitor::overdue(&due, &who.county, "").await.unwrap().is_empty(), "the last day is not late");
        let late = on(&app, later(begin(), 4));
        let all = monitor::overdue(&late, &who.county, "").await.unwrap();
        assert_eq!((all.len(), all[0].days), (1, 2));
        assert_eq!(all[0].people.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["o-village"]);
        assert_eq!(monitor::overdue(&late, &who.village, "").await.unwrap_err().code(), "monitor.forbidden");
        assert_eq!(monitor::remind(&late, &who.county, "").await.unwrap(), 1);
        assert_eq!(monitor::remind(&late, &who.county, "").await.unwrap(), 0);
        let whole = monitor::whole(&late, &who.county, id, Lang::Zh).await.unwrap();
        assert_eq!(whole.events.last().unwrap().given().names, ["o-village"]);
        let counts = monitor::counts(&late, &who.county, "").await.unwrap();
        assert_eq!((counts[0].cases, counts[0].late), (1, 1));
        // Deadlines of another region: Anhui's days are working days, and 20 of them to decide.
        let policy = monitor::policy(&app).await.unwrap();
        let policy = policy.monitoring.as_ref().unwrap();
        let span = |step: &str, place: &str| policy.step(step).unwrap().span(place).unwrap();
        assert_eq!((span("identify", "340323").days, span("identify", "340323").working), (20, true));
        assert_eq!((span("identify", "990101").days, span("identify", "990101").working), (15, false));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_notice_tells_nothing_of_numbers_health_or_cause() {
    each_database(|app| async move {
        let app = start(&app).await;
        let who = people(&app).await;
        let home = sound_household(&app, 1).await;
        let number = crate::register::citizen_id("99010119700101001");
        let sealed = app.vault.seal("person.id", number.as_bytes()).unwrap();
        let phone = app.vault.seal("person.phone", b"13800000001").unwrap();
        run(
            &app,
            "UPDATE person SET id_enc = $2, phone_enc = $3, health = '患有大病' WHERE household_id = $1 AND is_head",
            args![home, sealed, phone],
        )
        .await;
        let id = clue_about(&app, &who.village, home).await.id;
        for action in ["apply", "visit", "review", "publish"] {
            step(&app, &who.village, id, action, everything(begin())).await.unwrap();
        }
        run(&app, "UPDATE monitor_case SET risks = '[\"因病\"]', main_risk = '因病' WHERE id = $1", args![id]).await;
        let list =
            monitor::notice(&app, &who.village, VILLAGE, Edition::Public, "村务公开栏张贴", Lang::Zh).await.unwrap();
        assert_eq!(list.rows.len(), 1);
        let text = format!("{list:?}");
        assert!(text.contains("赵1") && text.contains("拟纳入监测"));
        for secret in ["因病", "大病", "9901011970", "138", "****"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert_eq!(
            monitor::notice(&app, &who.village, VILLAGE, Edition::Internal, "村务公开栏张贴", Lang::Zh)
                .await
                .unwrap_err()
                .code(),
            "monitor.forbidden"
        );
        assert_eq!(
            monitor::notice(&app, &who.county, VILLAGE, Edition::Public, "", Lang::Zh).await.unwrap_err().code(),
            "monitor.purpose"
        );
        let own = monitor::notice(&app, &who.county, VILLAGE, Edition::Internal, "县级审定会", Lang::Zh).await.unwrap();
        let text = format!("{own:?}");
        assert!(
            text.contains("因病")
                && text.contains("990101********")
                && !text.contains(&number)
                && !text.contains("13800000001")
        );
        assert!(monitor::notice_xlsx(&own, Edition::Internal, Lang::Zh).unwrap().starts_with(b"PK"));
        assert!(matches!(
            monitor::notice(&app, &who.village, OTHER, Edition::Public, "村务公开栏张贴", Lang::Zh).await,
            Err(MonitorError::NotFound)
        ));
        let taken = world::number(&app, "SELECT COUNT(*) FROM audit WHERE action = 'monitor.notice'", args![]).await;
        assert_eq!(taken, 2);
        let after = on(&app, later(begin(), 6));
        let none =
            monitor::notice(&after, &who.village, VILLAGE, Edition::Public, "村务公开栏张贴", Lang::Zh).await.unwrap();
        assert!(none.rows.is_empty(), "the notice is down");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_carry_a_case_onward_and_keep_what_could_not_be_taken() {
    each_database(|app| async move {
        let app = start(&app).await;
        let who = people(&app).await;
        let home = sound_household(&app, 1).await;
        let id = clue_about(&app, &who.village, home).await.id;
        let server = TestApp::new(&app);
        let mut browser = server.browser();
        browser.sign_in("o-village", crate::support::http::PASSWORD).await;
        let board = browser.get("/monitor").await;
        assert_eq!(board.status, StatusCode::OK, "{}", board.body);
        assert!(board.body.contains("赵1") && board.body.contains("监测户-990101-2026-0001"));
        let page = browser.get(&format!("/monitor/{id}")).await;
        assert!(page.body.contains("申请及承诺授权"), "{}", page.body);
        let seen = version(&app, id).await.to_string();
        let event = ids::new_id().to_string();
        let path = format!("/monitor/{id}/act");
        let fields = [
            ("event", event.as_str()),
            ("version", seen.as_str()),
            ("action", "apply"),
            ("consent_day", "2026-03-11"),
            ("paper", "档案柜第九格"),
        ];
        let refused = browser.post(&path, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("档案柜第九格") && refused.body.contains("2026-03-10"), "{}", refused.body);
        let mut fields = fields;
        fields[3].1 = "2026-03-10";
        let done = browser.post(&path, &fields).await;
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, format!("/monitor/{id}").as_str()));
        let page = browser.get(&format!("/monitor/{id}")).await;
        assert!(page.body.contains("档案柜第九格") && page.body.contains("已申请"));
        let stale = browser.post(&path, &[("version", &seen), ("action", "visit"), ("note", "x")]).await;
        assert_eq!(stale.status, StatusCode::CONFLICT);
        for path in [
            "/monitor/warnings",
            "/monitor/month",
            "/monitor/notice",
            "/monitor/new",
            "/monitor?late=1&division=990101001",
        ] {
            let reply = browser.get(path).await;
            assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.body);
        }
        let to = browser.get(&format!("/monitor/household/{home}")).await;
        assert_eq!(to.location(), format!("/monitor/{id}"));
    })
    .await;
}
