//! The work mode by tier and how far a county has caught up, on both databases.

use axum::http::StatusCode;
use taizhang::access::{Role, Scope};
use taizhang::args;
use taizhang::assess::{self, model::Tier};
use taizhang::platform::jobs::Progress;
use taizhang::platform::{App, ids};
use taizhang::road;
use taizhang::work_mode::{self, Which};

use crate::support::http::TestApp;
use crate::support::{each_database, machine};
use crate::world::{self, OTHER, VILLAGE, number};

const COUNTY: &str = "990101";

async fn item(app: &App, n: i64, division: &str, opened: &str, deadline: &str, state: &str, closed: &str) {
    world::run(
        app,
        "INSERT INTO item (id, number, ledger, source, rule_id, division_code, title, level, state, round, owner_unit,
             owner_division, owner_name, deadline, measures, version, profile_id, opened_at, opened_on, closed_on, updated_at)
         VALUES ($1, $2, 'epidemic_assistance', 'manual', '', $3, $4, 'notice', $5, 1, '', $3, '', $6, '[]', 1, $1, 0, $7, $8, 0)",
        args![
            ids::new_id(),
            format!("涉疫{n}"),
            division,
            format!("{{\"zh-CN\":\"事项{n}\",\"en\":\"Item {n}\"}}"),
            state,
            deadline,
            opened,
            closed
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_delayed_while_work_was_remote_is_counted_and_what_was_made_good_since() {
    each_database(|app| async move {
        world::divisions(&app).await;
        // Fifty-one cases with a cluster on 2020-01-20: high until 2020-02-02, low from 2020-02-03 on. Today: 2020-02-20.
        world::cases(&app, COUNTY, "2020-01-20", 51, "J1").await;
        let profile = assess::active_profile(&app, &machine()).await.unwrap().profile;
        for (n, division, opened, deadline, state, closed) in [
            (1, VILLAGE, "2020-01-10", "2020-01-25", "closed", "2020-02-10"),
            (2, VILLAGE, "2020-01-10", "2020-01-25", "in_progress", ""),
            (3, OTHER, "2020-01-22", "2020-02-02", "closed", "2020-02-03"),
            // Done in time; due before and after; opened after; struck: none of these was delayed.
            (4, OTHER, "2020-01-10", "2020-01-25", "closed", "2020-01-24"),
            (5, OTHER, "2020-01-10", "2020-01-19", "in_progress", ""),
            (6, OTHER, "2020-01-10", "2020-02-03", "in_progress", ""),
            (7, OTHER, "2020-02-05", "2020-01-30", "in_progress", ""),
            (8, OTHER, "2020-01-10", "2020-01-25", "cancelled", ""),
        ] {
            item(&app, n, division, opened, deadline, state, closed).await;
        }
        let county = work_mode::county(&app, &machine(), &profile, COUNTY).await.unwrap();
        let tiers: Vec<Tier> = county.spells.iter().map(|spell| spell.tier).collect();
        assert_eq!(tiers, [Tier::Low, Tier::High, Tier::Low]);
        let plan = county.plan.clone().unwrap();
        assert_eq!((plan.begins.to_string(), plan.by.to_string()), ("2020-02-03".to_owned(), "2020-03-03".to_owned()));
        assert_eq!((county.progress[0].delayed, county.progress[0].done), (3, 2));
        for which in Which::ALL {
            let rows = work_mode::list(&app, &Scope::subtree(COUNTY), &county, which, 50, 0).await.unwrap();
            assert_eq!(rows.len() as i64, county.progress[0].count(which), "{which:?}");
        }
        // Whoever answers for a village sees the county's mode and the village's work.
        let officer = world::user(&app, "officer", Role::VillageOfficer, VILLAGE).await;
        let own = work_mode::county(&app, &officer, &profile, COUNTY).await.unwrap();
        assert_eq!((own.progress[0].delayed, own.progress[0].done), (2, 1));
        let web = TestApp::new(&app);
        let mut staff = web.login(Role::CountyStaff, COUNTY).await;
        let page = staff.get("/work-mode").await;
        for words in [
            "2020-01-20 至 2020-02-02 为线上推进",
            "66.6",
            "累计确诊 51 例，超过 50 例",
            "which=rest",
            "14 天内无新增确诊",
        ] {
            assert!(page.body.contains(words), "{words}: {}", page.body);
        }
        let list = staff.get("/work-mode/items?county=990101&which=rest").await;
        assert!(list.body.contains("事项2") && !list.body.contains("事项1<"), "{}", list.body);
        assert_eq!(staff.get("/work-mode?county=990202").await.status, StatusCode::NOT_FOUND);
        assert_eq!(staff.get("/work-mode/items?county=990202").await.status, StatusCode::NOT_FOUND);
        let mut analyst = web.login(Role::Analyst, "99").await;
        let all = analyst.get("/work-mode").await;
        assert!(all.body.contains("江阳县") && all.body.contains("2 / 3"), "{}", all.body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_of_a_high_county_says_that_visits_are_made_by_call() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let (sick, people) = world::household(&app, 1, VILLAGE, &[""]).await;
        world::signal(&app, "epidemic.confirmed", "person", people[0], sick, "{}").await;
        road::run_all(&app, &machine(), &Scope::everything(), &Progress::default()).await.unwrap();
        let (id,): (uuid::Uuid,) = app.db.one("SELECT id FROM item ORDER BY number LIMIT 1", args![]).await.unwrap();
        let mut staff = TestApp::new(&app).login(Role::CountyStaff, COUNTY).await;
        let words = "本县高风险：走访改为电话、微信、视频、电子报送";
        assert!(!staff.get(&format!("/ledger/{id}")).await.body.contains(words));
        world::cases(&app, COUNTY, "2020-02-18", 51, "J1").await;
        road::run_all(&app, &machine(), &Scope::everything(), &Progress::default()).await.unwrap();
        let page = staff.get(&format!("/ledger/{id}")).await;
        assert!(page.body.contains(words) && page.body.contains("/work-mode?county=990101"), "{}", page.body);
        let county = staff.get("/work-mode?county=990101").await;
        assert!(county.body.contains("现在线上推进") && county.body.contains("销号仍须现场核验"), "{}", county.body);
        assert!(staff.get("/ledger").await.body.contains(words));
        assert!(staff.get("/situation?division=990101").await.body.contains("/work-mode?county=990101"));
        assert_eq!(number(&app, "SELECT COUNT(*) FROM item WHERE state = 'closed'", args![]).await, 0);
    })
    .await;
}
