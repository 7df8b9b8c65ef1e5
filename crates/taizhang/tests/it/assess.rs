//! Assessments on both databases.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use taizhang::access::{Role, Scope};
use taizhang::args;
use taizhang::assess::{self, profile};
use taizhang::platform::jobs::Progress;
use taizhang::platform::{App, Clock, Lang, UserError};
use taizhang::road::{self, RoadReport};
use uuid::Uuid;

use crate::support::http::TestApp;
use crate::support::{each_database, machine};
use crate::world::{self, FAR, OTHER, VILLAGE};

async fn everything(app: &App) -> RoadReport {
    road::run_all(app, &machine(), &Scope::everything(), &Progress::default()).await.unwrap()
}

type Stored = (String, String, String, String, String, String, String);

/// Everything that a run decides, without what differs by its nature: ids and times of recording.
async fn findings(app: &App) -> Vec<Stored> {
    app.db
        .all(
            "SELECT finding_key, rule_id, level, since, until, evidence, state || end_reason FROM finding ORDER BY finding_key",
            args![],
        )
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_world_gives_the_same_findings_on_both_databases_and_again() {
    let seen: Arc<Mutex<Vec<Vec<Stored>>>> = Arc::default();
    let keep = Arc::clone(&seen);
    each_database(move |app| {
        let keep = Arc::clone(&keep);
        async move {
            world::divisions(&app).await;
            let (case, people) = world::household(&app, 1, VILLAGE, &["", "990101"]).await;
            let (worker, _) = world::household(&app, 2, OTHER, &[FAR]).await;
            let (_, _) = world::household(&app, 3, OTHER, &[""]).await;
            world::signal(&app, "epidemic.confirmed", "person", people[0], case, "{}").await;
            world::signal(&app, "medical.self_pay", "person", people[1], case, "{\"amount\":23100.5}").await;
            world::cases(&app, FAR, "2020-02-10", 51, "J1").await;
            let report = everything(&app).await;
            assert_eq!(report.tiers["high"], 1);
            let rules: Vec<String> = findings(&app).await.into_iter().map(|f| f.1).collect();
            assert_eq!(rules, ["E01", "E07", "E08", "W01"]);
            assert_eq!(report.items.opened, 4);
            let first = findings(&app).await;
            let again = everything(&app).await;
            assert_eq!((again.findings.unchanged, again.findings.changed, again.findings.opened), (4, 0, 0));
            assert_eq!(again.items, Default::default());
            assert_eq!(findings(&app).await, first);
            let list = assess::findings_of_household(&app.db, &Scope::everything(), worker).await.unwrap();
            let loaded = assess::active_profile(&app, &machine()).await.unwrap();
            for (lang, words) in [(Lang::Zh, "赵20在江阳县务工"), (Lang::En, "赵20 works in 江阳县")] {
                let said =
                    assess::evidence_in_words(&app, &Scope::everything(), &loaded.profile, &list[0].evidence, lang)
                        .await
                        .unwrap();
                assert!(said[0].contains(words), "{said:?}");
            }
            let outside =
                assess::evidence_in_words(&app, &Scope::subtree(VILLAGE), &loaded.profile, &list[0].evidence, Lang::Zh)
                    .await
                    .unwrap();
            assert!(!outside[0].contains("赵20"), "a name from outside the scope: {outside:?}");
            keep.lock().unwrap().push(first);
        }
    })
    .await;
    let seen = seen.lock().unwrap();
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "the databases differ: {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn helpers_and_teams_reach_every_household_they_serve() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let (a, _) = world::household(&app, 1, VILLAGE, &[""]).await;
        let (b, _) = world::household(&app, 2, OTHER, &[""]).await;
        let first = world::helper(&app, a, VILLAGE, "刘军", 7).await;
        world::helper(&app, b, OTHER, "刘军", 7).await;
        let (c, _) = world::household(&app, 3, OTHER, &[""]).await;
        world::helper(&app, c, OTHER, "刘军", 8).await;
        let sick = world::signal(&app, "epidemic.close_contact", "helper", first, a, "{}").await;
        let report = road::signals_changed(&app, &machine(), &[a]).await.unwrap();
        assert_eq!(report.findings.opened, 2, "the same helper at two households, and not their namesake");
        let member = world::team_member(&app, OTHER, "孟洁").await;
        let id = world::signal(&app, "epidemic.confirmed", "team_member", member, c, "{}").await;
        let report = road::signals_changed(&app, &machine(), &[]).await.unwrap();
        assert_eq!(report.findings.opened, 2, "both households of the village");
        world::end_signal(&app, sick, "withdrawn", "excluded").await;
        world::end_signal(&app, id, "withdrawn", "excluded").await;
        let report = road::signals_changed(&app, &machine(), &[]).await.unwrap();
        assert_eq!((report.findings.ended, report.items.cancelled), (4, 4));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_loaded_once_and_a_changed_text_needs_a_new_version() {
    each_database(|app| async move {
        let first = assess::load_profile(&app, &machine(), profile::BUILT_IN).await.unwrap();
        assert!(first.is_new);
        let again = assess::load_profile(&app, &machine(), profile::BUILT_IN).await.unwrap();
        assert_eq!((again.id, again.is_new), (first.id, false));
        let other = profile::BUILT_IN.replace("threshold = 50", "threshold = 40");
        let refused = assess::load_profile(&app, &machine(), &other).await.unwrap_err();
        assert_eq!(refused.code(), "assess.version_taken");
        let next = other.replace("version = 4", "version = 5");
        let second = assess::load_profile(&app, &machine(), &next).await.unwrap();
        assert_ne!(second.id, first.id);
        let now = assess::active_profile(&app, &machine()).await.unwrap();
        assert_eq!((now.id, now.profile.tiers.threshold), (second.id, 40));
        let faulty = next.replace("threshold = 40", "treshold = 40");
        let error = assess::load_profile(&app, &machine(), &faulty).await.unwrap_err();
        let said = error.message(Lang::Zh);
        assert!(said.contains("tiers.treshold") && said.contains("threshold") && said.contains("行"), "{said}");
        assert_eq!(world::number(&app, "SELECT COUNT(*) FROM policy_profile", args![]).await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_shock_opens_a_closed_item_again_and_says_which() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let (home, people) = world::household(&app, 1, VILLAGE, &["", ""]).await;
        world::signal(&app, "epidemic.confirmed", "person", people[0], home, "{}").await;
        let first = world::signal(&app, "medical.self_pay", "person", people[0], home, "{\"amount\":9000}").await;
        everything(&app).await;
        let close = async || {
            world::run(&app, "UPDATE item SET state = 'closed', closed_on = '2020-02-20'", args![]).await;
        };
        let item = async |rule: &'static str| -> (String, i64) {
            app.db.one("SELECT state, round FROM item WHERE rule_id = $1", args![rule]).await.unwrap()
        };
        close().await;
        // The same shock told again, with more to it, is none: it is noted.
        world::run(&app, "UPDATE signal SET value = '{\"amount\":9100}', version = 2 WHERE id = $1", args![first])
            .await;
        everything(&app).await;
        assert_eq!(item("W01").await, ("closed".to_owned(), 1));

        world::signal(&app, "epidemic.confirmed", "person", people[1], home, "{}").await;
        let report = road::signals_changed(&app, &machine(), &[home]).await.unwrap();
        assert_eq!((report.items.opened, report.items.reopened), (1, 1), "E01 of the second member, E07 again");
        assert_eq!(item("E07").await, ("to_verify".to_owned(), 2));
        assert_eq!(item("E01").await.1, 1);

        let later = world::signal(&app, "medical.self_pay", "person", people[0], home, "{\"amount\":23100}").await;
        world::run(&app, "UPDATE signal SET row_key = 'bill-2', fact_date = '2020-02-19' WHERE id = $1", args![later])
            .await;
        let report = road::signals_changed(&app, &machine(), &[home]).await.unwrap();
        assert_eq!(report.items.reopened, 1);
        assert_eq!(item("W01").await, ("to_verify".to_owned(), 2));
        let (id,): (Uuid,) = app.db.one("SELECT id FROM item WHERE rule_id = 'W01'", args![]).await.unwrap();
        let whole = taizhang::ledger::whole(&app, &machine(), id, Lang::Zh).await.unwrap();
        let at = whole.events.iter().position(|e| e.action == "reopen").unwrap();
        let why = whole.changes[at].join("\n");
        assert!(why.contains("23,100") && !why.contains("9,100"), "{why}");
        let again = everything(&app).await;
        assert_eq!((again.items.reopened, again.findings.changed), (0, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_are_computed_again_only_when_a_list_has_changed() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let (home, people) = world::household(&app, 1, VILLAGE, &[FAR]).await;
        world::cases(&app, FAR, "2020-02-10", 3, "").await;
        everything(&app).await;
        // Somebody's hand in the table shows whether it is read or computed.
        world::run(&app, "UPDATE county_tier SET cumulative = 777 WHERE county_code = $1", args![FAR]).await;
        let stored = "SELECT cumulative FROM county_tier WHERE county_code = $1";
        world::signal(&app, "epidemic.suspected", "person", people[0], home, "{}").await;
        let report = road::signals_changed(&app, &machine(), &[home]).await.unwrap();
        assert_eq!((report.tiers["medium"], report.findings.opened), (1, 2));
        assert_eq!(world::number(&app, stored, args![FAR]).await, 777);
        world::cases(&app, FAR, "2020-02-12", 60, "J1").await;
        let report = road::signals_changed(&app, &machine(), &[]).await.unwrap();
        assert_eq!(report.tiers["high"], 1);
        assert_eq!(world::number(&app, stored, args![FAR]).await, 63);
        let worker = "SELECT COUNT(*) FROM finding WHERE rule_id = 'E08' AND state = 'open'";
        assert_eq!(world::number(&app, worker, args![]).await, 1, "who works there is reached");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helper_who_is_a_contact_or_has_died_is_no_different_from_a_team_member() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let (home, _) = world::household(&app, 1, VILLAGE, &[""]).await;
        let helper = world::helper(&app, home, VILLAGE, "刘军", 7).await;
        let member = world::team_member(&app, VILLAGE, "孟洁").await;
        let open = async || -> Vec<(String,)> {
            road::signals_changed(&app, &machine(), &[home]).await.unwrap();
            app.db.all("SELECT rule_id FROM finding WHERE state = 'open' ORDER BY rule_id", args![]).await.unwrap()
        };
        world::signal(&app, "epidemic.close_contact", "helper", helper, home, "{}").await;
        world::signal(&app, "epidemic.close_contact", "team_member", member, home, "{}").await;
        assert_eq!(open().await, [("E09".to_owned(),), ("E10".to_owned(),)]);
        world::signal(&app, "epidemic.died", "helper", helper, home, "{}").await;
        world::signal(&app, "epidemic.died", "team_member", member, home, "{}").await;
        assert!(open().await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lies_below_the_line_is_a_question_of_place_and_day() {
    each_database(|app| async move {
        world::divisions(&app).await;
        for (n, village, per_capita) in [(1, VILLAGE, 4500.0), (2, OTHER, 4500.0), (3, OTHER, 3000.0)] {
            let (home, _) = world::household(&app, n, village, &[""]).await;
            world::run(
                &app,
                "INSERT INTO household_income (household_id, year, division_code, wage, operating, property, transfer, cost,
                     net, per_capita, items, version, fingerprint, import_id, sheet, line, as_of, recorded_at)
                 VALUES ($1, 2019, $2, 0, 0, 0, 0, 0, 0, $3, '{}', 1, 0, $1, '', 1, '2020-02-01', 0)",
                args![home, village, per_capita],
            )
            .await;
        }
        let below = async |day: &str| -> Vec<(String,)> {
            let import = Uuid::from_u128(1);
            taizhang::intake::check_register(&app, &machine(), import, day.parse().unwrap()).await.unwrap();
            app.db
                .all(
                    "SELECT household_no FROM import_issue WHERE rule_id = 'register.income_not_monitored'
                     ORDER BY household_no",
                    args![],
                )
                .await
                .unwrap()
        };
        let named = |list: &[&str]| list.iter().map(|no| ((*no).to_owned(),)).collect::<Vec<_>>();
        assert_eq!(below("2020-02-20").await, named(&["H1", "H2", "H3"]), "the built-in line, without a profile");
        assert!(below("2019-12-31").await.is_empty());
        let own = profile::BUILT_IN.replace("version = 4", "version = 5").replace(
            "[[income_lines]]",
            "[[income_lines]]\nregion = \"990101002\"\neffective_from = \"2020-02-01\"\nyuan = 4000\n\n[[income_lines]]",
        );
        assess::load_profile(&app, &machine(), &own).await.unwrap();
        assert_eq!(below("2020-02-20").await, named(&["H1", "H3"]));
        assert_eq!(below("2020-01-31").await, named(&["H1", "H2", "H3"]));
        let faulty = own.replace("990101002", "99010");
        let error = assess::load_profile(&app, &machine(), &faulty).await.unwrap_err().message(Lang::Zh);
        assert!(error.contains("income_lines[0].region") && error.contains("99010"), "{error}");
    })
    .await;
}

/// The same installation on another day.
fn on(app: &App, day: &str) -> App {
    let mut out = app.clone();
    out.clock = Clock::fixed(day.parse().unwrap());
    out
}

async fn income(app: &App, home: Uuid, year: i64, per_capita: f64) {
    world::run(
        app,
        "INSERT INTO household_income (household_id, year, division_code, wage, operating, property, transfer, cost,
             net, per_capita, items, version, fingerprint, import_id, sheet, line, as_of, recorded_at)
         VALUES ($1, $2, $3, 0, 0, 0, 0, 0, $4, $4, '{}', 1, 0, $1, '', 1, '2026-02-01', 0)",
        args![home, year, VILLAGE, per_capita],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_takes_force_from_its_day_and_an_earlier_one_can_come_back() {
    each_database(|app| async move {
        let now = |app: App| async move {
            let found = assess::active_profile(&app, &machine()).await.unwrap();
            (found.profile.key.clone(), found.profile.version)
        };
        let (epidemic, regular) = (("2020-epidemic".to_owned(), 4), ("2026-regular".to_owned(), 2));
        assert_eq!(now(app.clone()).await, epidemic);
        let coming = assess::load_profile(&app, &machine(), profile::REGULAR).await.unwrap();
        assert_eq!((coming.is_new, coming.from_day.as_str()), (true, "2026-02-06"));
        assert_eq!(now(app.clone()).await, epidemic, "its day has not come");
        assert_eq!(now(on(&app, "2026-02-05")).await, epidemic);
        assert_eq!(now(on(&app, "2026-02-06")).await, regular);
        let later = on(&app, "2026-03-01");
        let back = assess::load_profile(&later, &machine(), profile::BUILT_IN).await.unwrap();
        assert_eq!((back.is_new, back.from_day.as_str()), (true, "2026-03-01"));
        assert_eq!(now(later.clone()).await, epidemic);
        assert!(!assess::load_profile(&later, &machine(), profile::BUILT_IN).await.unwrap().is_new);
        let terms = assess::profile_terms(&app.db).await.unwrap();
        let said: Vec<(&str, &str)> = terms.iter().map(|t| (t.key.as_str(), t.from_day.as_str())).collect();
        assert_eq!(said, [("2020-epidemic", "2026-03-01"), ("2026-regular", "2026-02-06"), ("2020-epidemic", "")]);
        assert_eq!(assess::term_states(&terms, "2026-02-10"), ["coming", "in_force", "past"]);
        assert_eq!(world::number(&app, "SELECT COUNT(*) FROM audit WHERE action = 'profile.load'", args![]).await, 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_read_the_register_and_their_deadlines_are_working_days() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let app = on(&app, "2026-02-12");
        assess::load_profile(&app, &machine(), profile::REGULAR).await.unwrap();
        let (poor, _) = world::household(&app, 1, VILLAGE, &["", ""]).await;
        let (rich, people) = world::household(&app, 2, VILLAGE, &[""]).await;
        let (blank, _) = world::household(&app, 3, OTHER, &[""]).await;
        income(&app, poor, 2024, 9000.0).await;
        income(&app, poor, 2025, 4200.0).await;
        income(&app, rich, 2025, 60_000.0).await;
        world::run(&app, "UPDATE household SET safe_water = FALSE WHERE id = $1", args![rich]).await;
        world::run(&app, "UPDATE person SET birth_date = '2015-05-01' WHERE id = $1", args![people[0]]).await;
        let report = everything(&app).await;
        let rules = async |home: Uuid| -> Vec<(String, String)> {
            app.db
                .all(
                    "SELECT rule_id, evidence FROM finding WHERE household_id = $1 AND state = 'open' ORDER BY rule_id",
                    args![home],
                )
                .await
                .unwrap()
        };
        let named = |found: &[(String, String)]| found.iter().map(|f| f.0.clone()).collect::<Vec<_>>();
        let found = rules(poor).await;
        assert_eq!(named(&found), ["R01", "R02"]);
        assert_eq!(named(&rules(rich).await), ["R07", "R09"]);
        assert!(rules(blank).await.is_empty(), "what is not known satisfies no rule");
        assert_eq!(report.findings.households, 3);
        let loaded = assess::active_profile(&app, &machine()).await.unwrap();
        for (lang, words) in [(Lang::Zh, "该户人均纯收入：4,200 元"), (Lang::En, "net income per person: 4,200 yuan")]
        {
            let said = assess::evidence_in_words(&app, &Scope::everything(), &loaded.profile, &found[0].1, lang)
                .await
                .unwrap();
            assert!(said.iter().any(|line| line.contains(words)), "{said:?}");
        }
        // The Spring Festival of 2026 lies between, and two Saturdays are worked for it.
        let deadline = "SELECT deadline FROM item WHERE rule_id = $1";
        let (day,): (String,) = app.db.one(deadline, args!["R01"]).await.unwrap();
        assert_eq!(day, "2026-03-04");
        let again = everything(&app).await;
        assert_eq!((again.findings.unchanged, again.findings.changed, again.findings.opened), (4, 0, 0));
        // A figure that moves is the same trouble; one that rises above the line ends it.
        world::run(
            &app,
            "UPDATE household_income SET per_capita = 4300 WHERE household_id = $1 AND year = 2025",
            args![poor],
        )
        .await;
        let moved = everything(&app).await;
        assert_eq!((moved.findings.changed, moved.items.reopened), (2, 0));
        world::run(
            &app,
            "UPDATE household_income SET per_capita = 8000 WHERE household_id = $1 AND year = 2025",
            args![poor],
        )
        .await;
        assert_eq!(everything(&app).await.findings.ended, 2);
        // Nothing is guessed about a year whose notice is not out.
        let error =
            road::run_all(&on(&app, "2026-12-30"), &machine(), &Scope::everything(), &Progress::default()).await;
        let error = error.unwrap_err();
        assert_eq!(error.code(), "assess.calendar");
        assert!(error.message(Lang::Zh).contains("2027"), "{}", error.message(Lang::Zh));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_profile_and_what_changed_in_it_are_told_in_words() {
    each_database(|app| async move {
        world::divisions(&app).await;
        assess::active_profile(&app, &machine()).await.unwrap();
        let next = profile::BUILT_IN
            .replace("version = 4", "version = 5")
            .replace("s.amount >= 5000", "s.amount >= 6000")
            .replace("amount = 5000 }", "amount = 6000 }");
        assess::load_profile(&app, &machine(), &next).await.unwrap();
        let server = TestApp::new(&app);
        let mut browser = server.login(Role::Analyst, "").await;
        for (lang, rule, before, after, open) in [
            (
                "zh-CN",
                "家庭成员有：确诊、",
                "本人有：医疗自付较高，金额不低于 5,000 元",
                "本人有：医疗自付较高，金额不低于 6,000 元",
                "现行",
            ),
            (
                "en",
                "a member of the household has: ",
                "amount at least 5,000 yuan",
                "amount at least 6,000 yuan",
                "In force",
            ),
        ] {
            browser.get(&format!("/lang/{lang}?next=/")).await;
            let page = browser.get("/assess/profile").await;
            assert!(page.body.contains(open) && page.body.contains("2020-epidemic v4"), "{}", page.body);
            assert!(page.body.contains(after) && page.body.contains("p.signals.exists"), "{}", page.body);
            assert!(page.body.contains(rule), "{}", page.body);
            let compare = browser.get("/assess/profile/compare").await;
            assert!(compare.body.contains(before) && compare.body.contains(after), "{}", compare.body);
            assert!(!compare.body.contains("E07"), "what is the same is not told");
        }
        let gone = browser.get(&format!("/assess/profile?version={}", Uuid::from_u128(7))).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND);
    })
    .await;
}

/// One change of the world.
#[derive(Debug, Clone)]
enum Change {
    Signal { kind: usize, household: usize, person: usize, amount: i64 },
    End { which: usize, withdrawn: bool },
    Cases { n: i64 },
    Move { household: usize },
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        5 => (0_usize..10, 0_usize..4, 0_usize..2, 0_i64..9000)
            .prop_map(|(kind, household, person, amount)| Change::Signal { kind, household, person, amount }),
        3 => (0_usize..20, any::<bool>()).prop_map(|(which, withdrawn)| Change::End { which, withdrawn }),
        1 => (20_i64..40).prop_map(|n| Change::Cases { n }),
        1 => (0_usize..4).prop_map(|household| Change::Move { household }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_for_some_households_leaves_nothing_for_a_run_for_everybody() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let mut homes: Vec<(Uuid, Vec<Uuid>)> = Vec::new();
        for n in 0..4 {
            let work = if n % 2 == 0 { FAR } else { "" };
            homes.push(world::household(&app, n, VILLAGE, &[work, ""]).await);
        }
        let mut runner = TestRunner::deterministic();
        let changes = proptest::collection::vec(change(), 40).new_tree(&mut runner).unwrap().current();
        let mut signals: Vec<(Uuid, Uuid)> = Vec::new();
        let mut taken = std::collections::BTreeSet::new();
        for (step, change) in changes.iter().enumerate() {
            let mut touched = Vec::new();
            match change {
                Change::Signal { kind, household, person, amount } => {
                    let (home, people) = &homes[*household];
                    let kind = assess::model::SIGNAL_KINDS[*kind];
                    if taken.insert((kind, people[*person])) {
                        let value = format!("{{\"amount\":{amount},\"grade\":\"D\"}}");
                        signals
                            .push((world::signal(&app, kind, "person", people[*person], *home, &value).await, *home));
                        touched.push(*home);
                    }
                }
                Change::End { which, withdrawn } => {
                    if let Some((id, home)) = signals.get(*which) {
                        let state = if *withdrawn { "withdrawn" } else { "superseded" };
                        world::end_signal(&app, *id, state, "excluded").await;
                        touched.push(*home);
                    }
                }
                Change::Cases { n } => world::cases(&app, FAR, "2020-02-12", *n, "J1").await,
                Change::Move { household } => {
                    let (home, _) = &homes[*household];
                    world::run(&app, "UPDATE household SET division_code = $2 WHERE id = $1", args![*home, OTHER])
                        .await;
                    touched.push(*home);
                }
            }
            road::signals_changed(&app, &machine(), &touched).await.unwrap();
            let part = findings(&app).await;
            let report = everything(&app).await;
            assert_eq!(findings(&app).await, part, "after step {step}: {change:?}");
            assert_eq!(report.items, Default::default(), "after step {step}: {change:?}");
            let books = taizhang::ledger::reconcile(&app, &machine(), "").await.unwrap();
            assert!(books.faults.is_empty(), "after step {step}: {change:?}: {books:?}");
        }
        assert!(findings(&app).await.len() > 8, "the random world did too little");
    })
    .await;
}
