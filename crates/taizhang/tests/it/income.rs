//! Household income now: the estimate in rules, lists and pages, on both databases.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use calamine::{Reader, Xlsx};
use taizhang::access::{Role, Scope};
use taizhang::args;
use taizhang::assess::income::{self, bands::Which};
use taizhang::assess::{self, profile};
use taizhang::platform::jobs::Progress;
use taizhang::platform::{App, Lang, UserError};
use taizhang::road;
use uuid::Uuid;

use crate::support::http::TestApp;
use crate::support::{each_database, machine};
use crate::world::{self, OTHER, VILLAGE, number};

/// A year of income: the branches as sums, the leaves as a file has them.
async fn year(app: &App, household: Uuid, year: i64, net: f64, wage: f64, items: &str) {
    world::run(
        app,
        "INSERT INTO household_income (household_id, year, division_code, wage, operating, property, transfer, cost, net,
             per_capita, items, version, fingerprint, import_id, sheet, line, as_of, recorded_at)
         VALUES ($1, $2, '', $4, 0, 0, 0, 0, $3, $3, $5, 1, 0, $1, '', 1, '2020-01-01', 0)",
        args![household, year, net, wage, items],
    )
    .await;
}

async fn works(app: &App, person: Uuid, months: i64) {
    world::run(app, "UPDATE person SET work_months = $2 WHERE id = $1", args![person, months]).await;
}

/// A household of two with 24,000 yuan of wages of ten months, whose job ended on 2020-02-05; another whose bill is a
/// heavy one; a third that nothing has touched; a fourth without income.
async fn four(app: &App) -> [Uuid; 4] {
    world::divisions(app).await;
    let (worker, people) = world::household(app, 1, VILLAGE, &["", ""]).await;
    year(app, worker, 2019, 24_000.0, 24_000.0, r#"{"务工收入":"24,000"}"#).await;
    works(app, people[0], 10).await;
    let id = world::signal(app, "jobs.ended", "person", people[0], worker, "{}").await;
    world::run(app, "UPDATE signal SET fact_date = '2019-11-07', source = 'jobs.ended' WHERE id = $1", args![id]).await;
    let (ill, people) = world::household(app, 2, OTHER, &["", ""]).await;
    year(app, ill, 2019, 20_000.0, 0.0, "{}").await;
    world::signal(app, "medical.self_pay", "person", people[1], ill, r#"{"amount":10000.5}"#).await;
    let (calm, _) = world::household(app, 3, OTHER, &["", "", ""]).await;
    year(app, calm, 2018, 9_000.0, 0.0, "{}").await;
    year(app, calm, 2019, 15_000.0, 0.0, "{}").await;
    let (bare, _) = world::household(app, 4, VILLAGE, &[""]).await;
    for (village, households) in [(VILLAGE, 2_i64), (OTHER, 2)] {
        world::run(
            app,
            "INSERT INTO register_rollup (division_code, households, persons, monitored) VALUES ($1, $2, 0, 0)",
            args![village, households],
        )
        .await;
    }
    [worker, ill, calm, bare]
}

type Stored = (Uuid, Option<i64>, Option<i64>, i64, i64, i64, i64, i64);

async fn stored(app: &App) -> Vec<Stored> {
    app.db
        .all(
            "SELECT household_id, base_fen, income_fen, loss_fen, spent_fen, band_base, band_now, gaps
             FROM income_estimate ORDER BY household_id",
            args![],
        )
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_estimates_everybody_and_the_rules_read_the_same() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let keep = Arc::clone(&seen);
    each_database(move |app| {
        let keep = Arc::clone(&keep);
        async move {
            let [worker, ill, calm, bare] = four(&app).await;
            road::run_all(&app, &machine(), &Scope::everything(), &Progress::default()).await.unwrap();
            let found = stored(&app).await;
            // 105 days are 3.5 months: 24,000 ÷ 10 × 3.5 = 8,400. The line is 5,000 a person.
            let expected = [
                (worker, Some(2_400_000), Some(1_560_000), 840_000, 0, 6, 5, 0),
                (ill, Some(2_000_000), Some(999_950), 0, 1_000_050, 6, 2, 0),
                (calm, Some(1_500_000), Some(1_500_000), 0, 0, 3, 3, 0),
                (bare, None, None, 0, 0, 8, 8, 1),
            ];
            assert_eq!(found, expected);
            let rules: Vec<(Uuid, String)> = app
                .db
                .all(
                    "SELECT household_id, rule_id FROM finding WHERE rule_id LIKE 'I%' ORDER BY household_id, rule_id",
                    args![],
                )
                .await
                .unwrap();
            let rules: Vec<(Uuid, &str)> = rules.iter().map(|(id, rule)| (*id, rule.as_str())).collect();
            assert_eq!(rules, [(worker, "I02"), (ill, "I01"), (ill, "I03")]);
            let scope = Scope::subtree("9901");
            let overview = income::overview(&app, &scope).await.unwrap();
            assert_eq!((overview.total.households, overview.total.below(), overview.total.fell), (4, (0, 1), 1));
            assert_eq!((overview.total.affected, overview.total.loss, overview.total.spent), (2, 840_000, 1_000_050));
            assert_eq!((overview.as_of.as_str(), overview.missing), ("2020-02-20", 0));
            // The same figures from whichever level, and each opens a list that has as many.
            for place in ["", "99", "9901", "990101", "990101001", VILLAGE, OTHER] {
                let scope = Scope::subtree(place);
                let found = income::overview(&app, &scope).await.unwrap();
                for which in Which::NAMED.into_iter().chain((0..10).flat_map(|b| [Which::Now(b), Which::Base(b)])) {
                    let rows = income::list(&app, &scope, which, 100, 0).await.unwrap();
                    assert_eq!(rows.len() as i64, found.total.count(which), "{place} {which:?}");
                }
                let parts: i64 = found.below.iter().map(|tally| tally.households).sum();
                assert_eq!(parts, found.total.households, "{place}");
            }
            keep.lock().unwrap().push(format!("{found:?} {rules:?} {overview:?}"));
        }
    })
    .await;
    let seen = seen.lock().unwrap();
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "the databases differ: {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_signal_changes_its_household_alone_and_as_a_whole_run_would() {
    each_database(|app| async move {
        let [worker, ill, calm, _] = four(&app).await;
        // Before there was a whole run nothing is kept for some.
        road::signals_changed(&app, &machine(), &[worker]).await.unwrap();
        assert_eq!(stored(&app).await.len(), 0);
        road::run_all(&app, &machine(), &Scope::everything(), &Progress::default()).await.unwrap();
        let signal: (Uuid,) =
            app.db.one("SELECT id FROM signal WHERE kind = 'medical.self_pay'", args![]).await.unwrap();
        world::end_signal(&app, signal.0, "withdrawn", "deleted").await;
        let (_, people) = world::household(&app, 5, VILLAGE, &[""]).await;
        world::signal(&app, "sales.lost", "household", calm, calm, r#"{"amount":1200}"#).await;
        assert_eq!(people.len(), 1);
        world::run(&app, "UPDATE household SET division_code = $2 WHERE id = $1", args![worker, OTHER]).await;
        road::signals_changed(&app, &machine(), &[worker, ill, calm]).await.unwrap();
        let some = stored(&app).await;
        let rollup = "SELECT CAST(COALESCE(SUM(households * (band_base * 17 + band_now)), 0) AS BIGINT) FROM income_rollup WHERE level = 4 AND division_code = '990101002'";
        let before = number(&app, rollup, args![]).await;
        assert_eq!(some.iter().find(|row| row.0 == ill).unwrap().4, 0, "the bill is withdrawn");
        // What was sold is not known by its branch of last year: 0, so nothing can be lost of it.
        assert_eq!(some.iter().find(|row| row.0 == calm).unwrap().3, 0);
        road::run_all(&app, &machine(), &Scope::everything(), &Progress::default()).await.unwrap();
        let all = stored(&app).await;
        let known: Vec<_> =
            all.iter().filter(|row| some.iter().any(|one| one.0 == row.0)).collect();
        assert_eq!(known, some.iter().collect::<Vec<_>>());
        assert_eq!(number(&app, rollup, args![]).await, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_household_page_says_the_formula_and_the_lists_are_scoped() {
    each_database(|app| async move {
        let [worker, ill, ..] = four(&app).await;
        road::run_all(&app, &machine(), &Scope::everything(), &Progress::default()).await.unwrap();
        let web = TestApp::new(&app);
        let mut clerk = web.login(Role::CountyStaff, "990101").await;
        let page = clerk.get(&format!("/households/{worker}/income")).await;
        assert_eq!(page.status, StatusCode::OK);
        for words in [
            "去年务工收入 24,000 元 ÷ 10 个月 × 停工 3.5 个月 = −8,400 元",
            "赵10，务工中断名单，2019-11-07",
            "本年测算 = 2019年度纯收入 24,000 元 − 减收 8,400 元 − 刚性支出 0 元 = 15,600 元",
            "2019-02-01 – 2020-01-31",
            "没有登记理赔收入，未计",
            "当时没有",
        ] {
            assert!(page.body.contains(words), "{words} is not on the page:\n{}", page.body);
        }
        let part = clerk.clone().with("hx-request", "true").get(&format!("/households/{worker}/income")).await;
        assert!(part.body.contains("停工 3.5 个月") && !part.body.contains("<html"));
        let file = clerk.get(&format!("/households/{worker}")).await;
        assert!(file.body.contains(&format!("hx-get=\"/households/{worker}/income\"")));
        let figures = clerk.get("/income?division=990101").await;
        assert!(figures.body.contains("由线上降到线下") && figures.body.contains("5,000"), "{}", figures.body);
        let list = clerk.get("/income/households?division=990101&which=fell").await;
        assert!(list.body.contains("赵2") && !list.body.contains("赵1<"), "{}", list.body);
        // Another village's people are not for its officer.
        let mut officer = web.login(Role::VillageOfficer, VILLAGE).await;
        assert_eq!(officer.get(&format!("/households/{ill}/income")).await.status, StatusCode::NOT_FOUND);
        assert_eq!(officer.get("/income/households?division=990101").await.status, StatusCode::NOT_FOUND);
        let own = officer.get("/income/households?which=all").await;
        assert!(own.body.contains("赵1") && !own.body.contains("赵2"));
        assert_eq!(officer.get("/income/export?which=all").await.status, StatusCode::FORBIDDEN);
        // A helper sees the households that they help and no list of a place.
        let mut helper = web.login(Role::Helper, VILLAGE).await;
        assert_eq!(helper.get(&format!("/households/{worker}/income")).await.status, StatusCode::NOT_FOUND);
        assert_eq!(helper.get("/income/households").await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_masked_wants_a_purpose_and_is_on_record() {
    each_database(|app| async move {
        four(&app).await;
        road::run_all(&app, &machine(), &Scope::everything(), &Progress::default()).await.unwrap();
        let web = TestApp::new(&app);
        let mut clerk = web.login(Role::CountyStaff, "990101").await;
        let form = [("division", "990101"), ("which", "affected"), ("purpose", "?")];
        assert_eq!(clerk.post("/income/export", &form).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let form = [("division", "9902"), ("which", "affected"), ("purpose", "县调度会研究")];
        assert_eq!(clerk.post("/income/export", &form).await.status, StatusCode::NOT_FOUND);
        let logged = "SELECT COUNT(*) FROM audit WHERE action = 'income.export'";
        assert_eq!(number(&app, logged, args![]).await, 0);
        let actor = world::user(&app, "exporter", Role::CountyStaff, "990101").await;
        let bytes =
            income::export::export(&app, &actor, &Scope::subtree("990101"), Which::Affected, "县调度会研究", Lang::Zh)
                .await
                .unwrap();
        assert_eq!(number(&app, logged, args![]).await, 1);
        let mut book: Xlsx<_> = Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
        let sheet = book.worksheet_range("收入测算").unwrap();
        let rows: Vec<Vec<String>> = sheet.rows().map(|row| row.iter().map(ToString::to_string).collect()).collect();
        assert_eq!((rows.len(), rows[3][2].as_str(), rows[4][2].as_str()), (5, "赵*", "赵*"), "{rows:?}");
        assert_eq!((rows[3][1].as_str(), rows[3][9].as_str(), rows[4][8].as_str()), ("H1", "15600", "10000.5"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_are_shown_with_what_is_wrong_with_them() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let more = "[[income_lines]]\nregion = \"9901\"\neffective_from = \"2020-01-01\"\neffective_to = \"2020-12-31\"\nyuan = 6000\n\n[[income_lines]]\nregion = \"34\"\neffective_from = \"2021-01-01\"\nyuan = 6500\n\n";
        let own = profile::BUILT_IN
            .replace("key = \"2020-epidemic\"", "key = \"own\"")
            .replacen("[[income_lines]]", &format!("{more}[[income_lines]]"), 1);
        assess::load_profile(&app, &machine(), &own).await.unwrap();
        let mut reader = TestApp::new(&app).login(Role::CountyStaff, "990101").await;
        let page = reader.get("/income/lines").await;
        for words in ["云市", "6,000", "2020-12-31", "区划代码 34 不在登记的区划中", "待生效"] {
            assert!(page.body.contains(words), "{words}: {}", page.body);
        }
        for (fault, what) in [
            (own.replace("\"2020-12-31\"", "\"2019-12-31\""), "早于生效日"),
            (own.replacen(more, &format!("{more}[[income_lines]]\nregion = \"9901\"\neffective_from = \"2020-06-01\"\nyuan = 7000\n\n"), 1), "重叠"),
            (own.replace("effective_from = \"2020-01-01\"\nyuan = 5000", "effective_from = \"2021-01-01\"\nyuan = 5000"), "空档"),
        ] {
            assert_ne!(fault, own);
            let refused = profile::check("own.toml", &fault).unwrap_err();
            let told = refused.message(Lang::Zh);
            assert!(told.contains(what), "{told}");
        }
    })
    .await;
}

#[test]
fn a_faulty_formula_is_refused_with_its_place() {
    for (from, to, key, expected) in [
        ("base = \"wage.work\"", "base = \"wage.wrok\"", "income_estimate.parts[0].base", "wage.work"),
        ("base = \"wage.work\"\n", "", "income_estimate.parts[0].base", ""),
        (
            "signals = [\"sales.lost\"]",
            "signals = [\"sales.lots\"]",
            "income_estimate.parts[1].signals[0]",
            "sales.lost",
        ),
        ("method = \"months\"", "method = \"month\"", "income_estimate.parts[0].method", "months"),
        ("days_per_month = 30", "days_per_month = 0", "income_estimate.days_per_month", "1–31"),
        (
            "effect = \"spending\"",
            "effect = \"spending\"\nshare = 1.5",
            "income_estimate.parts[3].share",
            "0–1 (0.001)",
        ),
        ("id = \"dividend\"", "id = \"sales\"", "income_estimate.parts[2].id", ""),
        ("visits = \"call\"", "visits = \"on_site\"", "tiers.modes.high.visits", "call"),
        ("channels = [\"on_site\", \"phone\"", "channels = [\"phone\"", "tiers.modes.medium.channels", "on_site"),
        ("kind = \"catch_up\"", "kind = \"normal\"", "tiers.modes.medium.catch_up", "kind = \"catch_up\""),
        ("within_days = 30", "within_days = 0", "tiers.modes.medium.catch_up.within_days", "1–365"),
        ("counts = [\"items\"]", "counts = [\"itmes\"]", "tiers.modes.medium.catch_up.counts[0]", "items"),
    ] {
        let text = profile::BUILT_IN.replacen(from, to, 1);
        assert_ne!(text, profile::BUILT_IN, "{from}");
        let problems = profile::parse("p.toml", &text).unwrap_err().problems;
        let hit = problems.iter().find(|p| p.key == key).unwrap_or_else(|| panic!("{to}: {problems:?}"));
        assert!(hit.expected.starts_with(expected), "{to}: {hit:?}");
        let at = profile::BUILT_IN.find(from).unwrap();
        let line = profile::BUILT_IN[..at].matches('\n').count() + 1;
        assert!(hit.line.abs_diff(line) <= 9, "{to}: line {} for {line}", hit.line);
    }
}
