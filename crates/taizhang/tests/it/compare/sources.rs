//! Sources of lists: their versions, when they are due, who sees them, and what goes at the retention day.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use taizhang::compare::{NewListSource, Retention, Schedule, Terms};
use taizhang::platform::Clock;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The same installation on another day.
fn on(app: &App, text: &str) -> App {
    let mut app = app.clone();
    app.clock = Clock::fixed(day(text));
    app
}

fn terms(kind: &str, schedule: &str) -> Terms {
    Terms {
        purpose: "涉疫返贫监测".to_owned(), schedule: Schedule::read(schedule).unwrap(), ..Terms::usual(kind)
    }
}

async fn add(app: &App, actor: &Actor, kind: &str, division: &str, terms: Terms) -> Result<String, CompareError> {
    let new = NewListSource { kind: kind.to_owned(), division: division.to_owned(), terms };
    compare::add_source(app, actor, new).await
}

fn card<'a>(key: &'a str, name: &'a str, id: &'a str, class: &'a str) -> [&'a str; 10] {
    [key, name, id, "", "", "", class, "2020-02-05", "", ""]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_a_version_of_its_source_and_says_what_changed() {
    each_database(|app| async move {
        let v = village(&app).await;
        add(&app, &machine(), "health.cases", "", terms("health.cases", "none")).await.unwrap();
        let (wang, zhang, li) = (v.id("王建国"), v.id("张桂兰"), v.id("李秀英"));
        let first = v.cards(&[
            card("K1", "王建国", wang, "确诊病例"),
            card("K2", "张桂兰", zhang, "疑似病例"),
            card("K3", "欧阳不凡", "", "确诊病例"),
        ]);
        let one = run(&app, &first, "2020-02-10").await;
        assert_eq!((one.list_source.as_str(), one.list_version), ("health.cases@99", 1));
        assert_eq!((one.rows_new, one.rows_revised, one.rows_gone), (3, 0, 0));
        let second = v.cards(&[
            card("K1", "王建国", wang, "确诊病例"),
            card("K2", "张桂兰", zhang, "确诊病例"),
            card("K4", "李秀英", li, "确诊病例"),
        ]);
        let two = run(&app, &second, "2020-02-12").await;
        assert_eq!(two.list_version, 2);
        assert_eq!((two.rows_new, two.rows_revised, two.rows_same, two.rows_gone), (1, 1, 1, 1));
        assert_eq!(active(&app, "K2").await, ["epidemic.confirmed"]);
        let gone = "SELECT COUNT(*) FROM list_row WHERE gone_in = $1 AND row_key = $2";
        assert_eq!(crate::world::number(&app, gone, args![two.id, "K3"]).await, 1);
        // An older list leaves nothing out, a row that stays away is not told twice, and one that is in again is in again.
        let old = v.cards(&[card("K1", "王建国", wang, "确诊病例")]);
        assert_eq!(run(&app, &old, "2020-02-01").await.rows_gone, 0);
        let third = v.cards(&[
            card("K2", "张桂兰", zhang, "感冒"),
            card("K3", "欧阳不凡", "", "确诊病例"),
            card("K4", "李秀英", li, "确诊病例"),
        ]);
        let four = run(&app, &third, "2020-02-14").await;
        assert_eq!((four.rows_same, four.rows_gone, four.rows_back, four.registry_persons), (2, 1, 1, 0));
        assert_eq!(four.rows_held, 1, "a row that cannot be read is not gone");
        assert_eq!(active(&app, "K1").await, ["epidemic.confirmed"], "off the list is not over");
        // Another unit's list of the same kind is another source's, and the same file again is a list that came.
        let clerk = clerk(Role::CountyStaff, "990101");
        let own = v.cards(&[card("C1", "王小明", v.id("王小明"), "确诊病例")]);
        let progress = Progress::default();
        let county = compare::run(&app, &clerk, &own, options("2020-02-15"), &progress).await.unwrap();
        assert_eq!((county.list_source.as_str(), county.rows_gone), ("health.cases@990101", 0));
        let later = on(&app, "2020-02-25");
        compare::run(&later, &clerk, &own, options("2020-02-15"), &progress).await.unwrap();
        let source = compare::list_source(&app, &clerk, "health.cases@990101").await.unwrap();
        assert_eq!(source.received_on, "2020-02-25");

        let server = TestApp::new(&app);
        let mut analyst = server.login(Role::Analyst, "99").await;
        let page = analyst.get("/sources/health.cases@99").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        for text in ["第 4 版", "第 1 版", &format!("/comparisons/{}?tab=gone", two.id)] {
            assert!(page.body.contains(text), "{text}: {}", page.body);
        }
        let tab = analyst.get(&format!("/comparisons/{}?tab=gone", four.id)).await;
        assert!(tab.body.contains("王建国") && !tab.body.contains("张桂兰") && !tab.body.contains("李秀英"));
    })
    .await;
}

/// What stands after some lists: for each key its outcome, whom it may be, and its signals.
async fn standing(app: &App, key: &str) -> (String, BTreeSet<String>, BTreeSet<String>) {
    let (id, outcome, _) = row(app, key).await;
    let candidates: Vec<(String, String, String)> = app
        .db
        .all(
            "SELECT m.subject, COALESCE(p.name, ''), m.verdict FROM match_candidate m
             LEFT JOIN person p ON p.id = m.subject_id WHERE m.list_row_id = $1 AND m.verdict <> 'replaced'",
            args![id],
        )
        .await
        .unwrap();
    // A match that stands is taken along with whatever else its row was: what counts is whom it is about.
    let counts = |verdict: &str| match outcome.as_str() {
        "matched" => matches!(verdict, "auto" | "confirmed"),
        "withdrawn" => false,
        _ => true,
    };
    let candidates =
        candidates.into_iter().filter(|c| counts(&c.2)).map(|c| format!("{} {} {}", c.0, c.1, c.2)).collect();
    let signals: Vec<(String, String, String, String)> = app
        .db
        .all(
            "SELECT s.kind, s.fact_date, s.value, COALESCE(p.name, s.subject) FROM signal s
             LEFT JOIN person p ON p.id = s.subject_id WHERE s.row_key = $1 AND s.state = 'active'",
            args![key],
        )
        .await
        .unwrap();
    let signals = signals.into_iter().map(|s| format!("{} {} {} {}", s.0, s.1, s.2, s.3)).collect();
    (outcome, candidates, signals)
}

/// What a made card says: whom it is about, and how its ID, birth, phone, address, class and end are written.
type Made = (usize, usize, bool, bool, usize, usize, bool);

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changed_is_compared_and_it_comes_to_the_same() {
    each_database(|app| async move {
        let v = village(&app).await;
        let folder = tempfile::tempdir().unwrap();
        let whole = crate::support::open(folder.path(), None).await;
        let w = village(&whole).await;
        let people = [
            ("王建国", "1965-03-12", "13900000001"),
            ("李秀英", "1967-07-08", ""),
            ("王小明", "1990-01-01", "13900000003"),
            ("张桂兰", "1950-05-20", "13900000004"),
            ("陈大力", "1972-02-02", "13900000005"),
            ("赵帮扶", "1985-08-08", "13911112222"),
            ("欧阳不凡", "1941-01-01", "13955556666"),
        ];
        let write = |key: &str, made: &Made| -> Vec<String> {
            let (who, id, birth, phone, place, class, died) = *made;
            let (name, born, tel) = people[who];
            let number = v.persons.get(name).map(|p| p.2.clone()).unwrap_or_default();
            let number = match (id, number.as_str()) {
                (0, _) | (_, "") => String::new(),
                (1, number) => number.to_owned(),
                // The sequence is another one: the check character no longer fits.
                (_, number) => format!("{}9{}", &number[..15], &number[16..]),
            };
            let text = |yes: bool, text: &str| if yes { text.to_owned() } else { String::new() };
            vec![
                key.to_owned(),
                name.to_owned(),
                number,
                text(birth, born),
                text(phone, tel),
                ["", "甲县东乡石村", "乙县西乡水村"][place].to_owned(),
                ["确诊病例", "疑似病例", "病原携带者", "已排除"][class].to_owned(),
                ["2020-02-05", "2020-02-06", "2020-02-07", "2020-02-08"][class].to_owned(),
                text(died && class == 0, "2020-02-15"),
                String::new(),
            ]
        };
        let file = |v: &Village, lines: &[Vec<String>]| {
            let lines: Vec<[&str; 10]> = lines.iter().map(|line| std::array::from_fn(|at| line[at].as_str())).collect();
            v.cards(&lines)
        };
        let any = proptest::bool::ANY;
        let made = (0_usize..7, 0_usize..3, any, any, 0_usize..3, 0_usize..4, proptest::bool::weighted(0.2));
        let change = (proptest::option::weighted(0.4, made.clone()), proptest::bool::weighted(0.2));
        let cases = proptest::collection::vec((made.clone(), change), 4..9);
        let mut runner = TestRunner::deterministic();
        let mut changed = 0;
        for case in 0..10 {
            let lines = cases.new_tree(&mut runner).unwrap().current();
            let extra = made.new_tree(&mut runner).unwrap().current();
            let key = |at: usize| format!("c{case}-{at}");
            let first: Vec<_> = lines.iter().enumerate().map(|(at, (made, _))| write(&key(at), made)).collect();
            let mut second: Vec<_> = lines
                .iter()
                .enumerate()
                .filter(|(_, (_, (_, dropped)))| !dropped)
                .map(|(at, (made, (change, _)))| write(&key(at), change.as_ref().unwrap_or(made)))
                .collect();
            second.push(write(&key(lines.len()), &extra));
            run(&app, &file(&v, &first), "2020-02-19").await;
            let report = run(&app, &file(&v, &second), "2020-02-20").await;
            run(&whole, &file(&w, &second), "2020-02-20").await;
            let differ = second.iter().filter(|line| !first.contains(line)).count();
            assert_eq!(report.rows_new + report.rows_revised, i64::try_from(differ).unwrap(), "case {case}");
            assert_eq!(report.rows_same, i64::try_from(second.len() - differ).unwrap(), "case {case}");
            changed += differ;
            for line in &second {
                let (part, all) = (standing(&app, &line[0]).await, standing(&whole, &line[0]).await);
                let before = first.iter().find(|old| old[0] == line[0]);
                assert_eq!(part, all, "case {case}: {before:?}, then {line:?}");
            }
        }
        assert!(changed > 20, "the lists differ: {changed}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_its_day_what_is_not_needed_goes_and_the_source_says_so() {
    each_database(|app| async move {
        let v = village(&app).await;
        let code = add(&app, &machine(), "health.cases", "", terms("health.cases", "daily")).await.unwrap();
        let path = v.file(&format!(
            "卡片编号,姓名,有效证件号,病例分类,诊断日期时,接诊医生意见\nK1,王建国,{},确诊病例,2020-02-05,转上级医院\n\
             K2,欧阳不凡,,确诊病例,2020-02-05,居家观察\nK3,某人,,感冒,2020-02-05,\n",
            v.id("王建国")
        ));
        // Purpose and time are the source's where nobody says.
        let unsaid = CompareOptions { source: Some(code.clone()), ..CompareOptions::default() };
        let report = compare::run(&app, &machine(), &path, unsaid, &Progress::default()).await.unwrap();
        let kept: (String, String) = app
            .db
            .one("SELECT purpose, retention_until FROM comparison WHERE id = $1", args![report.id])
            .await
            .unwrap();
        assert_eq!(kept, ("涉疫返贫监测".to_owned(), "2020-03-21".to_owned()));
        // A shorter time holds for what was received, a longer one does not.
        for (days, until) in [(10, "2020-03-01"), (60, "2020-03-01")] {
            let source = compare::list_source(&app, &machine(), &code).await.unwrap();
            let terms = Terms { retention: Retention::Days(days), ..Terms::of(&app, &source).unwrap() };
            compare::edit_source(&app, &machine(), &code, source.version, terms).await.unwrap();
            let now: (String,) = app.db.one("SELECT retention_until FROM comparison", args![]).await.unwrap();
            assert_eq!(now.0, until, "{days}");
        }
        let last = compare::purge(&on(&app, "2020-03-01"), &machine()).await.unwrap();
        assert_eq!(last, compare::Purged::default(), "kept through its last day");
        let purged = compare::purge(&on(&app, "2020-03-02"), &machine()).await.unwrap();
        assert_eq!(purged, compare::Purged { rows: 1, held: 1, trimmed: 1 });
        let again = compare::purge(&on(&app, "2020-03-03"), &machine()).await.unwrap();
        assert_eq!(again, compare::Purged::default());

        let columns = async |key: &str| -> String {
            let (sealed,): (Vec<u8>,) =
                app.db.one("SELECT fields_enc FROM list_row WHERE row_key = $1", args![key]).await.unwrap();
            app.vault.open_text("list_row.fields", &sealed).unwrap()
        };
        let matched = columns("K1").await;
        assert!(matched.contains(v.id("王建国")) && !matched.contains("转上级医院"), "{matched}");
        assert!(!columns("K2").await.contains("居家观察"));
        assert_eq!(active(&app, "K1").await, ["epidemic.confirmed"]);
        let entries: Vec<(String,)> =
            app.db.all("SELECT detail FROM audit WHERE action = 'comparison.purge'", args![]).await.unwrap();
        let told: Vec<serde_json::Value> = entries.iter().map(|e| serde_json::from_str(&e.0).unwrap()).collect();
        let sum = |what: &str| told.iter().filter_map(|t| t[what].as_i64()).sum::<i64>();
        assert_eq!((sum("rows"), sum("held"), sum("trimmed")), (1, 1, 1), "{told:?}");
        assert!(told.iter().all(|t| t["list"] == code.as_str() && t["retention_until"] == "2020-03-01"), "{told:?}");
        assert!(audit::verify(&app.db).await.unwrap().fault.is_none());
        // The same list again says nothing new: the row of a stranger is not taken in once more.
        let unsaid = CompareOptions { source: Some(code.clone()), ..CompareOptions::default() };
        let late = on(&app, "2020-03-03");
        assert_eq!(compare::run(&late, &machine(), &path, unsaid, &Progress::default()).await.unwrap().rows_new, 0);

        let server = TestApp::new(&app);
        let mut analyst = server.login(Role::Analyst, "99").await;
        let page = analyst.get(&format!("/sources/{code}")).await;
        assert!(page.body.contains("到期清除记录") && page.body.contains("保存期限 2020-03-01 已过"), "{}", page.body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_list_is_told_and_each_unit_sees_its_own_sources() {
    each_database(|app| async move {
        village(&app).await;
        let (east, west) = (clerk(Role::CountyStaff, "990101"), clerk(Role::CountyStaff, "990102"));
        let agency = Terms {
            agency: "甲县卫健委".to_owned(),
            contact: "周科长 0550-1234567".to_owned(),
            ..terms("health.cases", "daily")
        };
        let code = add(&app, &east, "health.cases", "", agency.clone()).await.unwrap();
        assert_eq!(code, "health.cases@990101");
        assert_eq!(
            add(&app, &east, "health.cases", "990101001", agency.clone()).await.unwrap(),
            "health.cases@990101001"
        );
        assert_eq!(add(&app, &east, "health.cases", "", agency.clone()).await.unwrap(), "health.cases@990101-2");
        for (division, by) in [("990102", &east), ("9901", &east), ("999", &machine())] {
            let refused = add(&app, by, "health.cases", division, agency.clone()).await.unwrap_err();
            assert!(matches!(refused, CompareError::SourceField { field: "division", .. }), "{division}: {refused:?}");
        }
        let endless = Terms { retention: Retention::Days(4_000), ..agency.clone() };
        let refused = add(&app, &east, "health.cases", "", endless).await.unwrap_err();
        assert!(matches!(refused, CompareError::SourceField { field: "retention", .. }), "{refused:?}");
        assert_eq!(compare::list_sources(&app, &east).await.unwrap().len(), 3);
        assert!(compare::list_sources(&app, &west).await.unwrap().is_empty());
        for actor in [&west, &clerk(Role::TownshipStaff, "990101001")] {
            let error = compare::edit_source(&app, actor, &code, 1, agency.clone()).await.unwrap_err();
            assert!(matches!(error, CompareError::NotFound | CompareError::Forbidden), "{error:?}");
        }
        let moved = compare::edit_source(&app, &east, &code, 1, agency.clone()).await.unwrap();
        assert_eq!(moved.version, 2);
        let stale = compare::edit_source(&app, &east, &code, 1, agency).await.unwrap_err();
        assert!(matches!(stale, CompareError::SourceChanged));
        let sealed: Vec<(Option<Vec<u8>>,)> =
            app.db.all("SELECT contact_enc FROM list_source WHERE code = $1", args![&code]).await.unwrap();
        assert!(!String::from_utf8_lossy(sealed[0].0.as_ref().unwrap()).contains("1234567"));
        let entries: (i64,) =
            app.db.one("SELECT COUNT(*) FROM audit WHERE object_kind = 'list_source'", args![]).await.unwrap();
        assert_eq!(entries.0, 4);

        // Due on the day on which it was agreed, three days ago.
        let late = on(&app, "2020-02-23");
        let server = TestApp::new(&late);
        let mut browser = server.login(Role::CountyStaff, "990101").await;
        let page = browser.get("/sources").await;
        assert!(page.body.contains("badge-warn") && page.body.contains("晚了 3 天"), "{}", page.body);
        assert!(browser.get("/comparisons").await.body.contains("3 份名单逾期未到"));
        let page = browser.get(&format!("/sources/{code}")).await;
        assert!(page.body.contains("甲县卫健委的名单晚了 3 天") && page.body.contains("周科长"), "{}", page.body);
        let mut foreign = server.login(Role::CountyStaff, "990102").await;
        assert_eq!(foreign.get(&format!("/sources/{code}")).await.status, StatusCode::NOT_FOUND);
        assert!(!foreign.get("/sources").await.body.contains("甲县卫健委"));

        let fields = [
            ("version", "2"),
            ("agency", "甲县卫健委"),
            ("purpose", "涉疫返贫监测"),
            ("schedule", "once"),
            ("once", "2020-02-30"),
            ("days", "30"),
            ("state", "stopped"),
        ];
        let wrong = browser.post(&format!("/sources/{code}"), &fields).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.body.contains("周期“2020-02-30”不对"), "{}", wrong.body);
        let fields = fields.map(|(name, value)| (name, if name == "once" { "2020-02-22" } else { value }));
        assert_eq!(browser.post(&format!("/sources/{code}"), &fields).await.status, StatusCode::SEE_OTHER);
        let stopped = compare::list_source(&late, &east, &code).await.unwrap();
        assert_eq!((stopped.active, stopped.next_due(), stopped.version), (false, None, 3));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_of_disability_insurance_and_water_become_signals_of_their_own() {
    each_database(|app| async move {
        let v = village(&app).await;
        let wang = v.id("王建国");
        for (text, source, kind) in [
            (format!("姓名,残疾人证号,残疾等级\n王建国,{wang}43,三级\n"), "disability.cards@99", "disability.card"),
            (
                format!("姓名,身份证号,参保状态\n王建国,{wang},未参保\n张桂兰,{},参保\n", v.id("张桂兰")),
                "insurance.medical@99",
                "insurance.absent",
            ),
            (format!("户主姓名,户主身份证号,饮水安全评价\n王建国,{wang},不安全\n"), "water.supply@99", "water.unsafe"),
        ] {
            let report = run(&app, &v.file(&text), "2020-02-20").await;
            assert_eq!((report.list_source.as_str(), report.signals_added), (source, 1), "{text}");
            let signals: Vec<(String,)> =
                app.db.all("SELECT value FROM signal WHERE kind = $1 AND state = 'active'", args![kind]).await.unwrap();
            assert_eq!(signals.len(), 1, "{kind}");
            if kind == "disability.card" {
                let value: serde_json::Value = serde_json::from_str(&signals[0].0).unwrap();
                assert_eq!(value, serde_json::json!({"type": 4, "grade": 3}));
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_from_before_there_were_sources_belong_to_one() {
    each_database(|app| async move {
        for (file, kind, division, at) in [
            ("b.csv", "health.cases", "990101", 2_i64),
            ("a.csv", "health.cases", "990101", 1),
            ("c.csv", "health.cases", "99", 3),
            ("d.csv", "jobs.ended", "", 4),
        ] {
            crate::world::run(
                &app,
                "INSERT INTO comparison (id, source, file_name, sha256, as_of, purpose, retention_until, division_code,
                     state, mapping, created_at)
                 VALUES ($1, $2, $3, '', '2020-02-20', '涉疫', '2020-03-20', $4, 'done', '{}', $5)",
                args![ids::new_id(), kind, file, division, at],
            )
            .await;
        }
        // What the migration does to the lists that it finds.
        let migration = include_str!("../../../migrations/0021_source.sql");
        let lines: Vec<&str> = migration.lines().map(|line| line.split("--").next().unwrap()).collect();
        let text = lines.join("\n");
        let moves: Vec<String> = text
            .split(';')
            .map(|part| part.trim().to_owned())
            .filter(|part| part.starts_with("INSERT ") || part.starts_with("UPDATE "))
            .collect();
        assert_eq!(moves.len(), 2);
        for sql in moves {
            app.db
                .write::<(), DbError, _>(move |tx| {
                    Box::pin(async move {
                        tx.run(sqlx::AssertSqlSafe(sql), args![]).await?;
                        Ok(())
                    })
                })
                .await
                .unwrap();
        }
        let found: Vec<(String, String, i64)> = app
            .db
            .all("SELECT file_name, list_source, list_version FROM comparison ORDER BY file_name", args![])
            .await
            .unwrap();
        let of = |file: &str, source: &str, version| (file.to_owned(), source.to_owned(), version);
        assert_eq!(
            found,
            [
                of("a.csv", "health.cases@990101", 1),
                of("b.csv", "health.cases@990101", 2),
                of("c.csv", "health.cases@99", 1),
                of("d.csv", "jobs.ended", 1),
            ]
        );
        let east = clerk(Role::CountyStaff, "990101");
        let [source] = compare::list_sources(&app, &east).await.unwrap().try_into().unwrap();
        assert_eq!((source.purpose.as_str(), source.retention()), ("涉疫", Retention::Days(30)));
        assert_eq!((source.next_due(), source.received_on.as_str()), (None, "2020-02-20"));
        assert_eq!(compare::list_sources(&app, &machine()).await.unwrap().len(), 3);
    })
    .await;
}
