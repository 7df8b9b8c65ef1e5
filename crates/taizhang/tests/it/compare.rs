//! A list against the register: tiers, revisions, decisions, scope, retention; on both databases.

use std::collections::HashMap;
use std::path::PathBuf;

use axum::http::StatusCode;
use taizhang::access::{Actor, Role, Scope, audit};
use taizhang::args;
use taizhang::compare::{self, CompareError, CompareOptions, CompareReport, Verdict};
use taizhang::platform::jobs::{self, Progress};
use taizhang::platform::{App, DbError, Lang, ids};
use uuid::Uuid;

use crate::support::http::TestApp;
use crate::support::{each_database, machine};

struct P {
    name: &'static str,
    id: &'static str,
    village: &'static str,
    phone: &'static str,
}

/// A valid ID number of area, birth date and sequence.
fn id(area: &str, birth: &str, sequence: u32) -> String {
    let head = format!("{area}{birth}{sequence:03}");
    let check = codes::citizen_id::check_char(&head).unwrap();
    format!("{head}{check}")
}

struct Village {
    folder: tempfile::TempDir,
    persons: HashMap<&'static str, (Uuid, Uuid, String)>,
    files: std::cell::Cell<u32>,
}

const DIVISIONS: &[(&str, &str, &str, i64)] = &[
    ("99", "测试省", "", 1),
    ("9901", "测试市", "99", 2),
    ("990101", "甲县", "9901", 3),
    ("990101001", "东乡", "990101", 4),
    ("990101001001", "石村", "990101001", 5),
    ("990102", "乙县", "9901", 3),
    ("990102001", "西乡", "990102", 4),
    ("990102001001", "水村", "990102001", 5),
];

/// Two counties with a village each; in every village a household of three and one of one, and a helper.
async fn village(app: &App) -> Village {
    let people: Vec<(u32, P, String)> = vec![
        (
            1,
            P { name: "王建国", id: "19650312", village: "990101001001", phone: "13900000001" },
            id("990101", "19650312", 11),
        ),
        (1, P { name: "李秀英", id: "19670708", village: "990101001001", phone: "" }, id("990101", "19670708", 22)),
        (
            1,
            P { name: "王小明", id: "19900101", village: "990101001001", phone: "13900000003" },
            id("990101", "19900101", 33),
        ),
        (
            2,
            P { name: "张桂兰", id: "19500520", village: "990101001001", phone: "13900000004" },
            id("990101", "19500520", 44),
        ),
        (
            3,
            P { name: "陈大力", id: "19720202", village: "990102001001", phone: "13900000005" },
            id("990102", "19720202", 55),
        ),
        (3, P { name: "陈小花", id: "20050606", village: "990102001001", phone: "" }, id("990102", "20050606", 66)),
    ];
    let mut persons = HashMap::new();
    let mut households: HashMap<u32, Uuid> = HashMap::new();
    let import = ids::new_id();
    let mut statements: Vec<(&'static str, Vec<taizhang::platform::Value>)> = Vec::new();
    for (code, name, parent, level) in DIVISIONS {
        let full: String = DIVISIONS.iter().filter(|(c, ..)| code.starts_with(c)).map(|(_, n, ..)| *n).collect();
        statements.push((
            "INSERT INTO division (code, name, full_name, parent_code, level) VALUES ($1, $2, $3, $4, $5)",
            args![*code, *name, full, *parent, *level],
        ));
    }
    for (number, p, id_number) in &people {
        let first = !households.contains_key(number);
        let household = *households.entry(*number).or_insert_with(ids::new_id);
        if first {
            statements.push((
                "INSERT INTO household (id, household_no, division_code, head_name, member_count, attrs, version,
                     fingerprint, import_id, sheet, line, as_of, recorded_at)
                 VALUES ($1, $2, $3, $4, 3, '{}', 1, 1, $5, '', 1, '2020-01-01', 1)",
                args![household, format!("H{number}"), p.village, p.name, import],
            ));
        }
        let person = ids::new_id();
        let folded = codes::name::fold(p.name);
        let phone = (!p.phone.is_empty()).then(|| app.vault.seal("person.phone", p.phone.as_bytes()).unwrap());
        let male = id_number.as_bytes()[16] % 2 == 1;
        statements.push((
            "INSERT INTO person (id, person_no, household_id, division_code, name, name_folded, pinyin, initials, sex,
                 birth_date, id_kind, id_enc, id_index, phone_enc, phone_index, relation, is_head, attrs, version,
                 fingerprint, import_id, sheet, line, as_of, recorded_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, '', $8, $9, 'citizen', $10, $11, $12, $13, '户主', $14, '{}', 1, 1, $15,
                 '', 1, '2020-01-01', 1)",
            args![
                person,
                format!("P-{}", p.name),
                household,
                p.village,
                p.name,
                &folded,
                codes::name::pinyin(&folded),
                if male { "male" } else { "female" },
                format!("{}-{}-{}", &p.id[..4], &p.id[4..6], &p.id[6..]),
                app.vault.seal("person.id", id_number.as_bytes()).unwrap(),
                app.vault.index("citizen_id", id_number),
                phone,
                (!p.phone.is_empty()).then(|| app.vault.index("phone", p.phone)),
                first,
                import
            ],
        ));
        persons.insert(p.name, (person, household, id_number.clone()));
    }
    let helper_id = id("990101", "19850808", 77);
    for household in [households[&1], households[&2]] {
        statements.push((
            "INSERT INTO helper (id, household_id, division_code, name, name_folded, sex, unit, id_index, phone_enc,
                 phone_index, start_date, end_date, attrs, version, fingerprint, import_id, sheet, line, as_of, recorded_at)
             VALUES ($1, $2, '990101001001', '赵帮扶', '赵帮扶', 'male', '县财政局', $3, $4, $5, '', '', '{}', 1, 1, $6, '', 1,
                 '2020-01-01', 1)",
            args![
                ids::new_id(),
                household,
                app.vault.index("citizen_id", &helper_id),
                app.vault.seal("helper.phone", b"13911112222").unwrap(),
                app.vault.index("phone", "13911112222"),
                import
            ],
        ));
    }
    persons.insert("赵帮扶", (Uuid::nil(), Uuid::nil(), helper_id));
    app.db
        .write::<(), DbError, _>(move |tx| {
            Box::pin(async move {
                for (sql, values) in statements {
                    tx.run(sql, values).await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
    Village { folder: tempfile::tempdir().unwrap(), persons, files: std::cell::Cell::new(0) }
}

impl Village {
    fn id(&self, name: &str) -> &str {
        &self.persons[name].2
    }

    fn file(&self, text: &str) -> PathBuf {
        let n = self.files.get();
        self.files.set(n + 1);
        let path = self.folder.path().join(format!("list-{n}.csv"));
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A file of report cards. Each line: card, name, ID, birth, phone, address, class, diagnosed, died, cured.
    fn cards(&self, lines: &[[&str; 10]]) -> PathBuf {
        let mut text =
            "卡片编号,姓名,有效证件号,出生日期,联系电话,现住址,病例分类,诊断日期时,死亡日期,出院日期\n".to_owned();
        for line in lines {
            text.push_str(&line.join(","));
            text.push('\n');
        }
        self.file(&text)
    }
}

fn options(as_of: &str) -> CompareOptions {
    CompareOptions {
        as_of: Some(as_of.parse().unwrap()),
        purpose: "涉疫返贫监测".to_owned(),
        ..CompareOptions::default()
    }
}

async fn run(app: &App, path: &std::path::Path, as_of: &str) -> CompareReport {
    compare::run(app, &machine(), path, options(as_of), &Progress::default()).await.unwrap()
}

async fn signals(app: &App, key: &str) -> Vec<(String, String, String)> {
    app.db
        .all(
            "SELECT kind, state, state_reason FROM signal WHERE row_key = $1 ORDER BY kind, state, learnt_at",
            args![key],
        )
        .await
        .unwrap()
}

async fn active(app: &App, key: &str) -> Vec<String> {
    signals(app, key).await.into_iter().filter(|s| s.1 == "active").map(|s| s.0).collect()
}

async fn row(app: &App, key: &str) -> (Uuid, String, i64) {
    let rows: Vec<(Uuid, String, i64)> = app
        .db
        .all("SELECT id, outcome, revision FROM list_row WHERE row_key = $1 AND current", args![key])
        .await
        .unwrap();
    assert_eq!(rows.len(), 1, "{key} has one newest revision");
    rows.into_iter().next().unwrap()
}

async fn pending(app: &App, key: &str) -> Vec<(Uuid, String)> {
    app.db
        .all(
            "SELECT m.id, m.tier FROM match_candidate m JOIN list_row r ON r.id = m.list_row_id
             WHERE r.row_key = $1 AND r.current AND m.verdict = 'pending' ORDER BY m.score DESC, m.id",
            args![key],
        )
        .await
        .unwrap()
}

async fn count(app: &App, table: &'static str) -> i64 {
    let sql = match table {
        "comparison" => "SELECT COUNT(*) FROM comparison",
        "list_row" => "SELECT COUNT(*) FROM list_row",
        "match_candidate" => "SELECT COUNT(*) FROM match_candidate",
        "signal" => "SELECT COUNT(*) FROM signal",
        _ => "SELECT COUNT(*) FROM audit",
    };
    app.db.one::<(i64,)>(sql, args![]).await.unwrap().0
}

fn clerk(role: Role, division: &str) -> Actor {
    Actor {
        user_id: None,
        login: format!("clerk-{division}"),
        name: "测试".to_owned(),
        unit: String::new(),
        role,
        scope: Scope::subtree(division),
        lang: Lang::Zh,
        is_machine: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_decides_the_tier_and_only_certainty_is_automatic() {
    each_database(|app| async move {
        let v = village(&app).await;
        let whole = v.id("王建国");
        let mut typo = whole.to_owned().into_bytes();
        typo[15] = b'0' + (typo[15] - b'0' + 1) % 10;
        let typo = String::from_utf8(typo).unwrap();
        let masked = format!("{}********{}", &whole[..6], &whole[14..]);
        let birth = "1965-03-12";
        let here = "测试省测试市甲县东乡石村12号";
        let line = |card, name, id, birth, phone, place| {
            [card, name, id, birth, phone, place, "确诊病例", "2020-02-05", "", ""]
        };
        let path = v.cards(&[
            line("K-exact", "王建国", whole, "", "", ""),
            line("K-typo", "王建国", &typo, birth, "", here),
            line("K-mask", "王建国", &masked, birth, "", here),
            line("K-name", "王建军民", whole, "", "", here),
            line("K-noid", "王建国", "", birth, "", here),
            line("K-phone", "王建国", "", "", "13900000001", ""),
            line("K-stranger", "欧阳不凡", &id("990101", "19410101", 88), "1941-01-01", "13988887777", here),
            line("K-excel", "欧阳不凡", "9.90101E+17", "1941-01-01", "", ""),
            line("K-helper", "赵帮扶", v.id("赵帮扶"), "", "", ""),
            line("K-noname", "", whole, "", "", ""),
        ]);
        let report = run(&app, &path, "2020-02-20").await;
        assert_eq!((report.rows_total, report.rows_held, report.rows_new), (10, 1, 9));
        assert_eq!(report.held[0].column, "姓名");
        assert_eq!(report.source, "health.cases");
        for (key, outcome, tier) in [
            ("K-exact", "matched", None),
            ("K-typo", "review", Some("id_repaired")),
            ("K-mask", "review", Some("id_repaired")),
            ("K-name", "review", Some("id_name_differs")),
            ("K-noid", "review", Some("name_birth_place")),
            ("K-phone", "review", Some("name_phone")),
            ("K-stranger", "unmatched", None),
            ("K-excel", "unmatched", None),
            ("K-helper", "matched", None),
        ] {
            assert_eq!(row(&app, key).await.1, outcome, "{key}");
            let candidates = pending(&app, key).await;
            assert_eq!(candidates.first().map(|c| c.1.as_str()), tier, "{key}");
        }
        assert_eq!(active(&app, "K-exact").await, ["epidemic.confirmed"]);
        assert_eq!(active(&app, "K-typo").await, Vec::<String>::new());
        // The helper serves two households: each has the signal.
        assert_eq!(active(&app, "K-helper").await.len(), 2);
        assert_eq!(report.households.len(), 2);

        let answers: HashMap<String, Option<String>> = ["K-exact", "K-typo", "K-mask", "K-noid"]
            .into_iter()
            .map(|k| (k.to_owned(), Some("P-王建国".to_owned())))
            .chain([("K-stranger".to_owned(), None)])
            .collect();
        let quality = compare::evaluate(&app, "health.cases", &answers).await.unwrap();
        assert_eq!((quality.truth, quality.decided, quality.decided_right), (4, 1, 1));
        assert_eq!((quality.best, quality.best_right), (4, 4));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_revised_and_its_signals_follow() {
    each_database(|app| async move {
        let v = village(&app).await;
        let card = |class, died, cured| {
            v.cards(&[["K1", "张桂兰", v.id("张桂兰"), "", "", "甲县东乡石村", class, "2020-02-05", died, cured]])
        };
        run(&app, &card("疑似病例", "", ""), "2020-02-06").await;
        assert_eq!(active(&app, "K1").await, ["epidemic.suspected"]);

        let confirmed = card("确诊病例", "", "");
        let report = run(&app, &confirmed, "2020-02-08").await;
        assert_eq!((report.rows_new, report.rows_revised, report.signals_added, report.signals_ended), (0, 1, 1, 1));
        assert_eq!(active(&app, "K1").await, ["epidemic.confirmed"]);
        let all = signals(&app, "K1").await;
        assert!(all.contains(&("epidemic.suspected".into(), "superseded".into(), "revised".into())), "{all:?}");

        run(&app, &card("确诊病例", "", "2020-02-15"), "2020-02-16").await;
        assert_eq!(active(&app, "K1").await, ["epidemic.confirmed", "epidemic.cured"]);
        run(&app, &card("确诊病例", "2020-02-17", ""), "2020-02-18").await;
        assert_eq!(active(&app, "K1").await, ["epidemic.confirmed", "epidemic.died"]);
        assert_eq!(row(&app, "K1").await.2, 4);

        // An older file that comes late changes nothing.
        let late = run(&app, &confirmed, "2020-02-08").await;
        assert_eq!((late.rows_same, late.rows_revised), (1, 0));
        assert_eq!(active(&app, "K1").await, ["epidemic.confirmed", "epidemic.died"]);

        run(&app, &card("已排除", "", ""), "2020-02-19").await;
        assert_eq!(active(&app, "K1").await, Vec::<String>::new());
        let all = signals(&app, "K1").await;
        assert!(all.contains(&("epidemic.confirmed".into(), "withdrawn".into(), "excluded".into())), "{all:?}");
        assert_eq!(row(&app, "K1").await.1, "withdrawn");
        assert!(audit::verify(&app.db).await.unwrap().fault.is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_twice_changes_nothing() {
    each_database(|app| async move {
        let v = village(&app).await;
        let path = v.cards(&[
            ["K1", "张桂兰", v.id("张桂兰"), "", "", "", "疑似病例", "2020-02-05", "", ""],
            // The same card again further down: the lower line counts.
            ["K1", "张桂兰", v.id("张桂兰"), "", "", "", "确诊病例", "2020-02-06", "", ""],
            ["K2", "王建国", "", "1965-03-12", "", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""],
        ]);
        let first = run(&app, &path, "2020-02-20").await;
        let tables = ["comparison", "list_row", "match_candidate", "signal", "audit"];
        let mut before = Vec::new();
        for table in tables {
            before.push(count(&app, table).await);
        }
        let second = run(&app, &path, "2020-02-20").await;
        assert_eq!((second.id, second.rows_same), (first.id, 3));
        for (table, before) in tables.into_iter().zip(before) {
            assert_eq!(count(&app, table).await, before, "{table}");
        }
        assert_eq!(active(&app, "K1").await, ["epidemic.confirmed"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_match_stays_with_the_card_and_can_be_undone() {
    each_database(|app| async move {
        let v = village(&app).await;
        let card =
            |name, class| v.cards(&[["K1", name, "", "1965-03-12", "", "甲县东乡石村", class, "2020-02-05", "", ""]]);
        run(&app, &card("王建国", "疑似病例"), "2020-02-06").await;
        let reviewer = clerk(Role::CountyStaff, "990101");
        let (id, ..) = row(&app, "K1").await;
        let candidate = pending(&app, "K1").await[0].0;
        let done = compare::decide(&app, &reviewer, id, Some(candidate), Verdict::Confirm, "电话核实").await.unwrap();
        assert_eq!((done.outcome, done.households.len()), ("matched", 1));
        assert_eq!(active(&app, "K1").await, ["epidemic.suspected"]);

        let again = compare::decide(&app, &reviewer, id, Some(candidate), Verdict::Confirm, "").await;
        assert!(matches!(again, Err(CompareError::AlreadyDecided { .. })), "{again:?}");

        run(&app, &card("王建国", "确诊病例"), "2020-02-08").await;
        assert_eq!(active(&app, "K1").await, ["epidemic.confirmed"]);
        let (new, outcome, _) = row(&app, "K1").await;
        assert_eq!(outcome, "matched");
        let stale = compare::decide(&app, &reviewer, id, Some(candidate), Verdict::Undo, "").await;
        assert!(matches!(stale, Err(CompareError::Superseded)), "{stale:?}");

        compare::decide(&app, &reviewer, new, None, Verdict::Undo, "认错人").await.unwrap();
        assert_eq!(active(&app, "K1").await, Vec::<String>::new());
        let all = signals(&app, "K1").await;
        assert!(all.contains(&("epidemic.confirmed".into(), "withdrawn".into(), "match_undone".into())), "{all:?}");
        assert_eq!(row(&app, "K1").await.1, "review");
        compare::decide(&app, &reviewer, new, None, Verdict::None, "").await.unwrap();
        assert_eq!(row(&app, "K1").await.1, "unmatched");

        // Another person on the same card is matched afresh.
        run(&app, &card("李秀英", "确诊病例"), "2020-02-09").await;
        assert_ne!(row(&app, "K1").await.0, new);
        assert!(audit::verify(&app.db).await.unwrap().fault.is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_decide_at_once_one_is_first() {
    each_database(|app| async move {
        let v = village(&app).await;
        for round in 0..8 {
            let key = format!("K{round}");
            let path =
                v.cards(&[[&key, "王建国", "", "1965-03-12", "", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""]]);
            run(&app, &path, "2020-02-06").await;
            let (id, ..) = row(&app, &key).await;
            let candidate = pending(&app, &key).await[0].0;
            let (one, two) = (clerk(Role::CountyStaff, "990101"), clerk(Role::HealthClerk, "9901"));
            let (a, b) = tokio::join!(
                compare::decide(&app, &one, id, Some(candidate), Verdict::Confirm, ""),
                compare::decide(&app, &two, id, Some(candidate), Verdict::Reject, ""),
            );
            assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1, "{a:?} {b:?}");
            let expected = if a.is_ok() { "matched" } else { "unmatched" };
            assert_eq!(row(&app, &key).await.1, expected);
            assert_eq!(active(&app, &key).await.len(), usize::from(a.is_ok()));
            let lost = a.err().or(b.err()).unwrap();
            assert!(matches!(lost, CompareError::AlreadyDecided { .. }), "{lost:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_sees_and_decides_only_inside_the_own_county() {
    each_database(|app| async move {
        let v = village(&app).await;
        let path = v.cards(&[
            ["K-a", "王建国", "", "1965-03-12", "", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""],
            ["K-b", "陈大力", "", "1972-02-02", "", "乙县西乡水村", "确诊病例", "2020-02-05", "", ""],
        ]);
        run(&app, &path, "2020-02-20").await;
        let (a, b) = (row(&app, "K-a").await.0, row(&app, "K-b").await.0);
        let candidate = pending(&app, "K-b").await[0].0;
        let clerk = clerk(Role::CountyStaff, "990101");
        for verdict in [Verdict::Confirm, Verdict::None, Verdict::Undo] {
            let refused = compare::decide(&app, &clerk, b, Some(candidate), verdict, "").await;
            assert!(matches!(refused, Err(CompareError::NotFound)), "{refused:?}");
        }
        // A candidate of another row does not open this one.
        let mixed = compare::decide(&app, &clerk, a, Some(candidate), Verdict::Confirm, "").await;
        assert!(matches!(mixed, Err(CompareError::NotFound)), "{mixed:?}");
        let village = self::clerk(Role::VillageOfficer, "990101001001");
        let refused = compare::decide(&app, &village, a, None, Verdict::None, "").await;
        assert!(matches!(refused, Err(CompareError::Forbidden)), "{refused:?}");

        // What a county compares is held against its own register only.
        let own = compare::run(
            &app,
            &clerk,
            &v.cards(&[["K-c", "陈小花", v.id("陈小花"), "", "", "", "确诊病例", "2020-02-05", "", ""]]),
            options("2020-02-20"),
            &Progress::default(),
        )
        .await
        .unwrap();
        assert_eq!((own.matched, own.review, own.unmatched, own.registry_persons), (0, 0, 1, 4));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_quality_counts_what_its_reader_may_see() {
    each_database(|app| async move {
        let v = village(&app).await;
        let server = TestApp::new(&app);
        let mut county = server.login(Role::CountyStaff, "990101").await;
        let empty = county.get("/comparisons/quality").await;
        assert!(empty.status == StatusCode::OK && empty.body.contains("还没有可以统计的比对"), "{}", empty.body);
        let path = v.cards(&[
            ["K-a", "王建国", "", "1965-03-12", "", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""],
            ["K-b", "陈大力", "", "1972-02-02", "", "乙县西乡水村", "确诊病例", "2020-02-05", "", ""],
            ["K-c", "欧阳不凡", "", "1941-01-01", "", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""],
        ]);
        run(&app, &path, "2020-02-20").await;
        let mut province = server.login(Role::Analyst, "99").await;
        let (near, far) = (county.get("/comparisons/quality").await, province.get("/comparisons/quality").await);
        assert!(near.body.contains("待核实的 1 条里") && far.body.contains("待核实的 2 条里"), "{}", near.body);
        assert!(near.body.contains("还没有人工判定") && near.body.contains("同村同组同户号"));
        assert!(!near.body.contains("王建国") && !near.body.contains("陈大力"), "a page of figures names nobody");
        // One kind of list, and one that nothing came of.
        let one = county.get("/comparisons/quality?source=health.cases").await;
        assert!(one.body.contains("待核实的 1 条里"));
        let other = county.get("/comparisons/quality?source=education.dropouts").await;
        assert!(other.body.contains("还没有可以统计的比对"), "{}", other.body);
        // Verdicts count where the person lives.
        for (key, verdict) in [("K-a", Verdict::Confirm), ("K-b", Verdict::Reject)] {
            let (row, candidate) = (row(&app, key).await.0, pending(&app, key).await[0].0);
            compare::decide(&app, &machine(), row, Some(candidate), verdict, "电话核实").await.unwrap();
        }
        let (near, far) = (county.get("/comparisons/quality").await, province.get("/comparisons/quality").await);
        assert!(
            near.body.contains("其中 100.0% 判为同一人") && far.body.contains("其中 50.0% 判为同一人"),
            "{}",
            far.body
        );
        assert!(near.body.contains("20.7% – 100.0%"), "one verdict says little: {}", near.body);
        let english = county.get("/lang/en?next=/comparisons/quality").await;
        assert_eq!(english.status, StatusCode::SEE_OTHER);
        let english = county.get("/comparisons/quality").await.body;
        assert!(english.contains("Verdicts and scores") && !english.contains("quality-"), "{english}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_matched_nobody_is_erased_at_its_day() {
    each_database(|app| async move {
        let v = village(&app).await;
        let path = v.cards(&[
            ["K-stranger", "欧阳不凡", "", "1941-01-01", "", "甲县", "确诊病例", "2020-02-05", "", ""],
            ["K-exact", "王建国", v.id("王建国"), "", "", "", "确诊病例", "2020-02-05", "", ""],
        ]);
        run(&app, &path, "2020-02-20").await;
        assert_eq!(compare::purge(&app, &machine()).await.unwrap().rows, 0);
        app.db
            .write::<(), DbError, _>(|tx| {
                Box::pin(async move {
                    tx.run("UPDATE comparison SET retention_until = '2020-02-19'", args![]).await?;
                    Ok(())
                })
            })
            .await
            .unwrap();
        assert_eq!(compare::purge(&app, &machine()).await.unwrap().rows, 1);
        assert_eq!(compare::purge(&app, &machine()).await.unwrap().rows, 0);
        let rows: Vec<(String, String, String)> =
            app.db.all("SELECT row_key, name, kind FROM list_row ORDER BY row_key", args![]).await.unwrap();
        assert_eq!(
            rows,
            [
                ("K-exact".to_owned(), "王建国".to_owned(), "epidemic.confirmed".to_owned()),
                ("K-stranger".to_owned(), String::new(), "epidemic.confirmed".to_owned()),
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_files_say_what_is_wrong_and_leave_nothing() {
    each_database(|app| async move {
        let v = village(&app).await;
        let fails = async |text: &str, source: Option<&str>| {
            let options = CompareOptions { source: source.map(str::to_owned), ..options("2020-02-20") };
            compare::run(&app, &machine(), &v.file(text), options, &Progress::default()).await.unwrap_err()
        };
        let empty = fails("", None).await;
        assert!(matches!(empty, CompareError::NoHeader { .. } | CompareError::File { .. }), "{empty:?}");
        assert!(matches!(fails("苹果,梨\n1,2\n", None).await, CompareError::NoHeader { .. }));
        assert!(matches!(fails("姓名,身份证号\n王,1\n", None).await, CompareError::UnknownList { .. }));
        let missing = fails("姓名,身份证号\n王,1\n", Some("health.cases")).await;
        assert!(
            matches!(&missing, CompareError::MissingColumns { missing, .. } if missing.contains("病例分类")),
            "{missing:?}"
        );
        assert!(matches!(fails("姓名\n", Some("health.nothing")).await, CompareError::UnknownSource { .. }));
        let no_purpose = CompareOptions { purpose: " ".to_owned(), ..options("2020-02-20") };
        let path = v.cards(&[["K1", "王建国", v.id("王建国"), "", "", "", "确诊病例", "2020-02-05", "", ""]]);
        let refused = compare::run(&app, &machine(), &path, no_purpose, &Progress::default()).await;
        assert!(matches!(refused, Err(CompareError::NoPurpose)));
        let cancelled = Progress::default();
        cancelled.cancel();
        let stopped = compare::run(&app, &machine(), &path, options("2020-02-20"), &cancelled).await;
        assert!(matches!(stopped, Err(CompareError::Cancelled)));
        for table in ["comparison", "list_row", "match_candidate", "signal"] {
            assert_eq!(count(&app, table).await, 0, "{table}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_lists_become_their_signals() {
    each_database(|app| async move {
        let v = village(&app).await;
        let pay = v.file(&format!(
            "姓名,身份证号,个人自付金额,结算日期\n张桂兰,{},\"23,100.50\",2020-01-15\n",
            v.id("张桂兰")
        ));
        assert_eq!(run(&app, &pay, "2020-01-31").await.source, "medical.self_pay");
        let house = v.file(&format!(
            "户主姓名,户主证件号码,户编号,鉴定等级,鉴定日期\n王建国,{},H1,D级,2020-01-10\n",
            v.id("王建国")
        ));
        run(&app, &house, "2020-01-31").await;
        let rows: Vec<(String, String, String, String)> =
            app.db.all("SELECT kind, subject, fact_date, value FROM signal ORDER BY kind", args![]).await.unwrap();
        assert_eq!(
            rows,
            [
                ("housing.dangerous".into(), "household".into(), "2020-01-10".into(), "{\"grade\":\"D\"}".into()),
                ("medical.self_pay".into(), "person".into(), "2020-01-15".into(), "{\"amount\":23100.5}".into()),
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_county_cannot_revise_or_withdraw_what_is_another_countys() {
    each_database(|app| async move {
        let v = village(&app).await;
        let card = |key, name, class| v.cards(&[[key, name, v.id(name), "", "", "", class, "2020-02-05", "", ""]]);
        run(&app, &card("K-b", "陈大力", "确诊病例"), "2020-02-06").await;
        let (a, b) = (clerk(Role::CountyStaff, "990101"), clerk(Role::CountyStaff, "990102"));
        let as_clerk = async |who: &Actor, path: &PathBuf, day: &str| {
            compare::run(&app, who, path, options(day), &Progress::default()).await.unwrap()
        };
        let withdrawn = card("K-b", "陈大力", "已排除");
        let refused = as_clerk(&a, &withdrawn, "2020-02-08").await;
        assert_eq!((refused.rows_held, refused.rows_revised, refused.signals_ended), (1, 0, 0));
        assert_eq!(refused.held[0].why, "compare-held-outside");
        assert!(!refused.held[0].value.contains("陈大力"), "{:?}", refused.held);
        assert_eq!(active(&app, "K-b").await, ["epidemic.confirmed"]);

        // A list without card numbers: the key is made from the person, and is as much the other county's.
        let bill = |amount| {
            v.file(&format!(
                "姓名,身份证号,个人自付金额,结算日期,医疗机构\n陈大力,{},{amount},2020-01-15,县医院\n",
                v.id("陈大力")
            ))
        };
        as_clerk(&b, &bill("9000"), "2020-02-06").await;
        let refused = as_clerk(&a, &bill("1"), "2020-02-08").await;
        assert_eq!((refused.rows_held, refused.rows_revised), (1, 0));

        // Its own county may, and so may the other county with its own cards.
        let own = as_clerk(&b, &withdrawn, "2020-02-08").await;
        assert_eq!((own.rows_held, own.withdrawn, own.signals_ended), (0, 1, 1));
        as_clerk(&a, &card("K-a", "张桂兰", "疑似病例"), "2020-02-06").await;
        let own = as_clerk(&a, &card("K-a", "张桂兰", "确诊病例"), "2020-02-08").await;
        assert_eq!((own.rows_revised, own.rows_held), (1, 0));
        // What the county brought in of somebody it does not know, who lives elsewhere, stays its own to revise.
        let stranger =
            |class| v.cards(&[["K-s", "欧阳不凡", "", "1941-01-01", "", "乙县西乡", class, "2020-02-05", "", ""]]);
        as_clerk(&a, &stranger("疑似病例"), "2020-02-06").await;
        let own = as_clerk(&a, &stranger("已排除"), "2020-02-08").await;
        assert_eq!((own.rows_revised, own.rows_held), (1, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_lists_that_number_their_lines_do_not_revise_each_other() {
    each_database(|app| async move {
        let v = village(&app).await;
        for name in ["张桂兰", "王建国"] {
            let list = v.file(&format!("编号,姓名,身份证号,最后接触日期\n1,{name},{},2020-02-05\n", v.id(name)));
            let report = run(&app, &list, "2020-02-06").await;
            assert_eq!((report.rows_new, report.rows_revised, report.matched), (1, 0, 1), "{name}");
        }
        let in_force = "SELECT COUNT(*) FROM signal WHERE kind = 'epidemic.close_contact' AND state = 'active'";
        assert_eq!(crate::world::number(&app, in_force, args![]).await, 2);
        // The same person in a later list of the same kind is one row, revised.
        let later = v.file(&format!("编号,姓名,身份证号,最后接触日期\n7,王建国,{},2020-02-09\n", v.id("王建国")));
        let report = run(&app, &later, "2020-02-10").await;
        assert_eq!((report.rows_new, report.rows_revised), (0, 1));
        assert_eq!(crate::world::number(&app, in_force, args![]).await, 2);
        // A case list without card numbers is a case list all the same.
        let cases = v.file(&format!("序号,姓名,身份证号,病例分类\n1,李秀英,{},确诊病例\n", v.id("李秀英")));
        assert_eq!(run(&app, &cases, "2020-02-10").await.source, "health.cases");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn last_weeks_list_brought_in_again_changes_nothing() {
    each_database(|app| async move {
        let v = village(&app).await;
        let unsaid = || CompareOptions { as_of: None, ..options("2020-02-20") };
        let bring =
            async |path: &PathBuf| compare::run(&app, &machine(), path, unsaid(), &Progress::default()).await.unwrap();
        let head = "卡片编号,姓名,有效证件号,病例分类,诊断日期时";
        let card = |key: &str, class: &str| format!("{key},张桂兰,{},{class},2020-02-05", v.id("张桂兰"));
        let named = |name: &str, text: String| {
            let path = v.folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        // The day stands in the name, or above the table.
        let old = named("疫情报告卡_2020-02-08.csv", format!("{head}\n{}\n", card("K1", "疑似病例")));
        let new = named("疫情报告卡.csv", format!("填报日期：2020年2月15日\n{head}\n{}\n", card("K1", "确诊病例")));
        assert_eq!(bring(&old).await.as_of, "2020-02-08");
        assert_eq!(bring(&new).await.as_of, "2020-02-15");
        let again = bring(&old).await;
        assert_eq!((again.rows_same, again.rows_revised), (1, 0));
        assert_eq!(active(&app, "K1").await, ["epidemic.confirmed"]);

        // Neither says a day: a state that the card has left behind is an old one.
        let old = named("卡.csv", format!("{head}\n{}\n", card("K2", "疑似病例")));
        let new = named("新卡.csv", format!("{head}\n{}\n", card("K2", "确诊病例")));
        assert_eq!(bring(&old).await.as_of, "2020-02-20");
        bring(&new).await;
        let again = bring(&old).await;
        assert_eq!((again.rows_same, again.rows_revised), (1, 0));
        assert_eq!(active(&app, "K2").await, ["epidemic.confirmed"]);

        // The day of the card decides before the day of the file.
        let dated = |class: &str, filled: &str| v.file(&format!("{head},填卡日期\n{},{filled}\n", card("K3", class)));
        run(&app, &dated("确诊病例", "2020-02-12"), "2020-02-13").await;
        let older = run(&app, &dated("疑似病例", "2020-02-10"), "2020-02-19").await;
        assert_eq!((older.rows_same, older.rows_revised), (1, 0));
        assert_eq!(active(&app, "K3").await, ["epidemic.confirmed"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_counts_where_the_person_lives_and_nowhere_else() {
    each_database(|app| async move {
        let v = village(&app).await;
        let head = "卡片编号,姓名,出生日期,病人属于,现住址,病例分类,诊断日期时,聚集性疫情编号\n";
        let list = |first: usize, lines: &[(&str, &str, &str)]| {
            let mut text = head.to_owned();
            for (at, (belongs, place, day)) in lines.iter().enumerate() {
                text.push_str(&format!(
                    "T{},欧阳{first}{at},1941-01-01,{belongs},{place},确诊病例,{day},J1\n",
                    first + at
                ));
            }
            v.file(&text)
        };
        let a = clerk(Role::CountyStaff, "990101");
        let report = compare::run(
            &app,
            &a,
            &list(
                100,
                &[
                    ("本县区", "", "2020-02-18"),
                    ("外省", "湖北省武汉市江岸区", "2020-02-18"),
                    ("", "湖北省武汉市江岸区", "2020-02-18"),
                    ("", "湖北省甲县东乡", "2020-02-18"),
                    ("港澳台", "甲县东乡石村", "2020-02-18"),
                    ("", "", "2020-02-18"),
                    ("本市其他县区", "乙县西乡水村", ""),
                    ("本市其他县区", "", "2020-02-18"),
                    ("本市其他县区", "甲县东乡石村", "2020-02-18"),
                    ("本省其它地市", "乙县西乡水村", "2020-02-18"),
                ],
            ),
            options("2020-02-20"),
            &Progress::default(),
        )
        .await
        .unwrap();
        assert_eq!((report.rows_held, report.unmatched), (0, 10));
        let tiers = async || -> Vec<(String, String, i64, i64)> {
            let scope = Scope::everything();
            taizhang::road::run_all(&app, &machine(), &scope, &Progress::default()).await.unwrap();
            app.db
                .all("SELECT county_code, tier, cumulative, recent FROM county_tier ORDER BY county_code", args![])
                .await
                .unwrap()
        };
        // One of ten counts for the county; the undated one counts for the other, and is never new.
        assert_eq!(
            tiers().await,
            [("990101".to_owned(), "medium".to_owned(), 1, 1), ("990102".to_owned(), "low".to_owned(), 1, 0)]
        );
        let more: Vec<_> = (0..50).map(|_| ("", "甲县东乡", "2020-02-19")).collect();
        run(&app, &list(200, &more), "2020-02-20").await;
        let outside: Vec<_> = (0..60).map(|_| ("外省", "湖北省武汉市", "2020-02-19")).collect();
        run(&app, &list(300, &outside), "2020-02-20").await;
        assert_eq!(
            tiers().await,
            [("990101".to_owned(), "high".to_owned(), 51, 51), ("990102".to_owned(), "low".to_owned(), 1, 0)]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_stays_when_a_revision_only_says_more() {
    each_database(|app| async move {
        let v = village(&app).await;
        let card = |key, phone, class| {
            v.cards(&[[key, "王建国", "", "1965-03-12", phone, "甲县东乡石村", class, "2020-02-05", "", ""]])
        };
        let reviewer = clerk(Role::CountyStaff, "990101");
        for key in ["K-yes", "K-no"] {
            run(&app, &card(key, "", "疑似病例"), "2020-02-06").await;
        }
        let (yes, no) = (row(&app, "K-yes").await.0, row(&app, "K-no").await.0);
        let candidate = pending(&app, "K-yes").await[0].0;
        compare::decide(&app, &reviewer, yes, Some(candidate), Verdict::Confirm, "电话核实").await.unwrap();
        compare::decide(&app, &reviewer, no, None, Verdict::None, "").await.unwrap();
        for key in ["K-yes", "K-no"] {
            let report = run(&app, &card(key, "13900000001", "疑似转确诊"), "2020-02-08").await;
            assert_eq!((report.rows_revised, report.review), (1, 0), "{key}");
        }
        assert_eq!(row(&app, "K-yes").await.1, "matched");
        assert_eq!(active(&app, "K-yes").await, ["epidemic.confirmed"]);
        assert_eq!(row(&app, "K-no").await.1, "unmatched");
        assert_eq!(active(&app, "K-no").await, Vec::<String>::new());
        let note: (String,) = app
            .db
            .one(
                "SELECT m.note FROM match_candidate m JOIN list_row r ON r.id = m.list_row_id
                 WHERE r.row_key = 'K-yes' AND r.current AND m.verdict = 'confirmed'",
                args![],
            )
            .await
            .unwrap();
        assert_eq!(note.0, "电话核实");
        // The number that agrees to the letter asks about a match that was ruled out without it.
        let sure =
            v.cards(&[["K-no", "王建国", v.id("王建国"), "1965-03-12", "", "", "确诊病例", "2020-02-05", "", ""]]);
        assert_eq!(run(&app, &sure, "2020-02-10").await.review, 1);
        // Another name is another person: asked about afresh.
        let other =
            v.cards(&[["K-yes", "王小明", "", "1990-01-01", "", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""]]);
        run(&app, &other, "2020-02-10").await;
        assert_eq!(active(&app, "K-yes").await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_rows_are_matched_again_when_the_register_grew() {
    each_database(|app| async move {
        let v = village(&app).await;
        let late = id("990101", "19410101", 88);
        let path = v.cards(&[
            ["K-late", "欧阳不凡", &late, "1941-01-01", "", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""],
            ["K-no", "王建国", "", "1965-03-12", "", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""],
            ["K-b", "慕容复", "", "1941-01-01", "", "乙县西乡水村", "确诊病例", "2020-02-05", "", ""],
        ]);
        run(&app, &path, "2020-02-06").await;
        let reviewer = clerk(Role::CountyStaff, "990101");
        let no = row(&app, "K-no").await.0;
        compare::decide(&app, &reviewer, no, None, Verdict::None, "").await.unwrap();
        let idle = compare::again(&app, &machine(), None, &Progress::default()).await.unwrap();
        assert_eq!((idle.rows, idle.changed), (3, 0));

        let register = async |name: &'static str, number: &str, household: Uuid, village: &'static str| {
            let number = number.to_owned();
            let sealed = app.vault.seal("person.id", number.as_bytes()).unwrap();
            let index = app.vault.index("citizen_id", &number);
            crate::world::run(
                &app,
                "INSERT INTO person (id, person_no, household_id, division_code, name, name_folded, pinyin, initials, sex,
                     birth_date, id_kind, id_enc, id_index, relation, is_head, attrs, version, fingerprint, import_id,
                     sheet, line, as_of, recorded_at)
                 VALUES ($1, $2, $3, $4, $5, $5, '', '', '', '1941-01-01', 'citizen', $6, $7, '之父', FALSE, '{}', 1, 1, $1,
                     '', 1, '2020-02-10', 1)",
                args![ids::new_id(), format!("P-{name}"), household, village, name, sealed, index],
            )
            .await;
        };
        register("欧阳不凡", &late, v.persons["张桂兰"].1, "990101001001").await;
        register("慕容复", &id("990102", "19410101", 99), v.persons["陈大力"].1, "990102001001").await;
        // A county looks again at what lies in the county.
        let report = compare::again(&app, &reviewer, Some("health.cases"), &Progress::default()).await.unwrap();
        assert_eq!((report.rows, report.changed, report.matched, report.signals_added), (2, 1, 1, 1));
        assert_eq!(report.households, [v.persons["张桂兰"].1]);
        assert_eq!(row(&app, "K-late").await.1, "matched");
        assert_eq!(row(&app, "K-b").await.1, "unmatched");
        assert_eq!(row(&app, "K-no").await.1, "unmatched", "what somebody decided stays");
        assert!(pending(&app, "K-no").await.is_empty());

        // The same file again does it by itself, once the register has changed.
        assert_eq!(run(&app, &path, "2020-02-06").await.rows_again, 0);
        crate::world::run(
            &app,
            "INSERT INTO import (id, kind, file_name, sha256, bytes, as_of, source_unit, purpose, division_code, state,
                                 mapping, created_at, committed_at)
             VALUES ($1, 'person', 'x.csv', '', 0, '2020-02-20', '', '', '99', 'committed', '{}', $2, $2)",
            args![ids::new_id(), app.clock.now_ms() + 1_000],
        )
        .await;
        let same = run(&app, &path, "2020-02-06").await;
        assert_eq!((same.rows_same, same.rows_again), (3, 1));
        assert_eq!(pending(&app, "K-b").await.len(), 1);
        let denied = compare::again(&app, &clerk(Role::VillageOfficer, "990101001001"), None, &Progress::default()).await;
        assert!(matches!(denied, Err(CompareError::Forbidden)), "{denied:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn held_rows_are_kept_sealed_until_their_day_and_abandoned_uploads_go() {
    each_database(|app| async move {
        let v = village(&app).await;
        let path = v.cards(&[
            ["K1", "王建国", v.id("王建国"), "", "", "", "感冒", "2020-02-05", "", ""],
            ["K2", "张桂兰", v.id("张桂兰"), "", "", "", "确诊病例", "2020-02-05", "", ""],
        ]);
        run(&app, &path, "2020-02-20").await;
        let rows: Vec<(i64, Vec<u8>)> = app.db.all("SELECT line, raw_enc FROM list_held_row", args![]).await.unwrap();
        let [(2, sealed)] = rows.as_slice() else { panic!("{rows:?}") };
        let raw = app.vault.open_text("list_held_row.raw", sealed).unwrap();
        assert!(raw.contains("王建国") && raw.contains(v.id("王建国")) && raw.contains("感冒"), "{raw}");
        crate::world::run(&app, "UPDATE comparison SET retention_until = '2020-02-19'", args![]).await;
        let purged = compare::purge(&app, &machine()).await.unwrap();
        assert_eq!((purged.rows, purged.held), (0, 1));
        assert_eq!(crate::world::number(&app, "SELECT COUNT(*) FROM list_held_row", args![]).await, 0);
        let entries = "SELECT COUNT(*) FROM audit WHERE action = 'comparison.purge'";
        assert_eq!(crate::world::number(&app, entries, args![]).await, 1);
        assert_eq!(compare::purge(&app, &machine()).await.unwrap(), compare::Purged::default());

        let folder = app.sub_folder("uploads").unwrap();
        let day = std::time::Duration::from_secs(86_400);
        for (name, age) in [("fresh.csv", day / 2), ("left.csv", day * 2), ("queued.csv", day * 2)] {
            let file = std::fs::File::create(folder.join(name)).unwrap();
            file.set_modified(std::time::SystemTime::now() - age).unwrap();
        }
        let params = compare::JobParams::of(&machine(), "queued.csv".to_owned(), options("2020-02-20"));
        let job = jobs::NewJob {
            kind: compare::JOB,
            title: String::new(),
            division_code: String::new(),
            created_by: None,
            params: serde_json::to_value(params).unwrap(),
            idempotency_key: None,
        };
        app.db
            .write::<Uuid, DbError, _>(move |tx| Box::pin(async move { jobs::enqueue(tx, job, 0).await }))
            .await
            .unwrap();
        assert_eq!(compare::sweep_uploads(&app).await.unwrap(), 1);
        assert!(folder.join("fresh.csv").exists() && folder.join("queued.csv").exists());
        assert!(!folder.join("left.csv").exists());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_list_said_goes_along_with_the_person_and_the_household() {
    use taizhang::intake::{self, ImportOptions};
    each_database(|app| async move {
        let v = village(&app).await;
        let path = v.cards(&[
            ["K1", "王小明", v.id("王小明"), "", "", "", "确诊病例", "2020-02-05", "", ""],
            ["K2", "张桂兰", v.id("张桂兰"), "", "", "", "确诊病例", "2020-02-05", "", ""],
        ]);
        let report = run(&app, &path, "2020-02-10").await;
        taizhang::road::signals_changed(&app, &machine(), &report.households).await.unwrap();
        let bring = async |name: &str, text: String| {
            let path = v.folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let options = ImportOptions { as_of: "2020-02-15".parse().ok(), ..ImportOptions::default() };
            let report = intake::import_file(&app, &machine(), &path, options, &Progress::default()).await.unwrap();
            assert_eq!((report.rows_held, report.rows_changed), (0, 1), "{report:?}");
        };
        let place = async |sql: &'static str, who: Uuid| -> (Option<Uuid>, String) {
            app.db.one(sql, args![who]).await.unwrap()
        };
        let (ming, _, ming_id) = &v.persons["王小明"];
        let (old, new) = (v.persons["王建国"].1, v.persons["陈大力"].1);
        bring(
            "人.csv",
            format!(
                "户编号,人口编号,姓名,性别,证件号码,与户主关系\nH3,P-王小明,王小明,男,{ming_id},之女婿\n"
            ),
        )
        .await;
        let tables = [
            "SELECT household_id, division_code FROM signal WHERE subject_id = $1",
            "SELECT household_id, division_code FROM match_candidate WHERE subject_id = $1",
            "SELECT household_id, division_code FROM finding WHERE person_id = $1 AND rule_id = 'E01'",
            "SELECT household_id, division_code FROM item WHERE person_id = $1 AND rule_id = 'E01'",
        ];
        for sql in tables {
            assert_eq!(place(sql, *ming).await, (Some(new), "990102001001".to_owned()), "{sql}");
        }
        assert_eq!(taizhang::assess::waiting(&app, &Scope::everything()).await.unwrap(), 2);
        let road = taizhang::road::register_changed(&app, &machine()).await.unwrap().unwrap();
        assert_eq!((road.findings.ended, road.findings.opened, road.findings.changed), (1, 1, 0));
        let of = "SELECT CAST(COUNT(*) AS BIGINT) FROM finding WHERE rule_id = 'E07' AND household_id = $1 AND state = 'open'";
        assert_eq!(crate::world::number(&app, of, args![old]).await, 0);
        assert_eq!(crate::world::number(&app, of, args![new]).await, 1);
        assert!(taizhang::road::register_changed(&app, &machine()).await.unwrap().is_none());

        // A household that moves takes its findings and items along.
        let gui = v.persons["张桂兰"].0;
        bring(
            "户.csv",
            "省,市,县,乡,村,户编号,户主姓名,家庭人口数\n测试省,测试市,乙县,西乡,水村,H2,张桂兰,1\n".to_owned(),
        )
        .await;
        for sql in tables {
            assert_eq!(place(sql, gui).await.1, "990102001001", "{sql}");
        }
        let household = "SELECT household_id, division_code FROM item WHERE household_id = $1 AND rule_id = 'E07'";
        assert_eq!(place(household, v.persons["张桂兰"].1).await.1, "990102001001");
        let road = taizhang::road::register_changed(&app, &machine()).await.unwrap().unwrap();
        assert_eq!((road.findings.ended, road.findings.opened), (0, 0));
        let books = taizhang::ledger::reconcile(&app, &machine(), "").await.unwrap();
        assert!(books.faults.is_empty(), "{books:?}");
        assert!(audit::verify(&app.db).await.unwrap().fault.is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_no_order_of_uploads_is_a_registered_case_lost() {
    each_database(|app| async move {
        let v = village(&app).await;
        let (a, b) = (clerk(Role::CountyStaff, "990101"), clerk(Role::CountyStaff, "990102"));
        let bring = async |who: &Actor, path: &PathBuf, day: &str| {
            compare::run(&app, who, path, options(day), &Progress::default()).await.unwrap()
        };
        let card =
            |key, place, class| v.cards(&[[key, "张桂兰", v.id("张桂兰"), "", "", place, class, "2020-02-05", "", ""]]);
        // The other county first, whether the card says where the person lives or not.
        for (key, place) in [("K-said", "甲县东乡石村"), ("K-unsaid", "")] {
            let path = card(key, place, "确诊病例");
            let first = bring(&b, &path, "2020-02-06").await;
            assert_eq!((first.unmatched, first.signals_added), (1, 0), "{key}");
            let own = bring(&a, &path, "2020-02-06").await;
            assert_eq!((own.rows_same, own.rows_again, own.signals_added), (1, 1, 1), "{key}");
            assert_eq!(own.households, [v.persons["张桂兰"].1], "{key}");
            assert_eq!(row(&app, key).await.1, "matched", "{key}");
            assert_eq!(active(&app, key).await, ["epidemic.confirmed"], "{key}");
            let idle = bring(&a, &path, "2020-02-06").await;
            assert_eq!((idle.rows_same, idle.rows_again, idle.signals_added), (1, 0, 0), "{key}");
        }
        // The own county first.
        let path = card("K-own", "", "确诊病例");
        assert_eq!(bring(&a, &path, "2020-02-06").await.matched, 1);
        let other = bring(&b, &path, "2020-02-06").await;
        assert_eq!((other.rows_same, other.rows_again, other.signals_ended), (1, 0, 0));
        assert_eq!(active(&app, "K-own").await, ["epidemic.confirmed"]);
        // The other county first, and what the own county brings is a newer state of the card.
        bring(&b, &card("K-newer", "", "疑似病例"), "2020-02-06").await;
        let newer = bring(&a, &card("K-newer", "", "确诊病例"), "2020-02-08").await;
        assert_eq!((newer.rows_held, newer.rows_revised, newer.matched), (0, 1, 1));
        assert_eq!(active(&app, "K-newer").await, ["epidemic.confirmed"]);
        // Erased at its day before the own county brought it.
        let path = card("K-erased", "", "确诊病例");
        bring(&b, &path, "2020-02-06").await;
        let of = "UPDATE comparison SET retention_until = '2020-02-19'
                  WHERE id IN (SELECT comparison_id FROM list_row WHERE row_key = 'K-erased')";
        crate::world::run(&app, of, args![]).await;
        assert_eq!(compare::purge(&app, &machine()).await.unwrap().rows, 1);
        assert_eq!(bring(&b, &path, "2020-02-06").await.rows_same, 1, "who had it erased does not bring it back so");
        assert_eq!(bring(&a, &path, "2020-02-06").await.matched, 1);
        assert_eq!(active(&app, "K-erased").await, ["epidemic.confirmed"]);
        assert!(audit::verify(&app.db).await.unwrap().fault.is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_of_another_disease_is_kept_and_counts_for_nobody() {
    each_database(|app| async move {
        let v = village(&app).await;
        let list = |lines: &[(&str, &str, &str)]| {
            let mut text = "卡片编号,疾病名称,姓名,有效证件号,现住址,病例分类,诊断日期时\n".to_owned();
            for (key, disease, name) in lines {
                text.push_str(&format!("{key},{disease},{name},{},甲县东乡石村,确诊病例,2020-02-05\n", v.id(name)));
            }
            v.file(&text)
        };
        let path = list(&[
            ("K-tb", "肺结核", "王建国"),
            ("K-new", "新型冠状病毒肺炎", "张桂兰"),
            ("K-short", "ｃovid-19", "李秀英"),
            ("K-empty", "", "王小明"),
        ]);
        let report = run(&app, &path, "2020-02-06").await;
        assert_eq!((report.rows_held, report.matched, report.unmatched, report.other_disease), (0, 3, 1, 1));
        assert_eq!(row(&app, "K-tb").await.1, "unmatched");
        let kind = "SELECT kind FROM list_row WHERE row_key = 'K-tb'";
        assert_eq!(app.db.one::<(String,)>(kind, args![]).await.unwrap().0, "disease.other");
        assert!(signals(&app, "K-tb").await.is_empty() && pending(&app, "K-tb").await.is_empty());
        for key in ["K-new", "K-short", "K-empty"] {
            assert_eq!(active(&app, key).await, ["epidemic.confirmed"], "{key}");
        }
        // Nor is it looked at again.
        assert_eq!(compare::again(&app, &machine(), None, &Progress::default()).await.unwrap().rows, 0);
        // A card that turns out to be of another disease takes its signals back, and the other way round.
        let turned = run(&app, &list(&[("K-new", "流行性感冒", "张桂兰")]), "2020-02-08").await;
        assert_eq!((turned.other_disease, turned.signals_ended), (1, 1));
        let all = signals(&app, "K-new").await;
        assert_eq!(all, [("epidemic.confirmed".into(), "withdrawn".into(), "other_disease".into())]);
        run(&app, &list(&[("K-new", "新冠肺炎", "张桂兰"), ("K-tb", "新冠肺炎", "王建国")]), "2020-02-09").await;
        for key in ["K-new", "K-tb"] {
            assert_eq!(active(&app, key).await, ["epidemic.confirmed"], "{key}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_twice_in_a_file_is_counted_and_named() {
    each_database(|app| async move {
        let v = village(&app).await;
        let line = |class| ["K1", "张桂兰", v.id("张桂兰"), "", "", "", class, "2020-02-05", "", ""];
        let report = run(&app, &v.cards(&[line("疑似病例"), line("确诊病例")]), "2020-02-06").await;
        assert_eq!((report.rows_total, report.rows_new, report.rows_doubled, report.rows_held), (2, 1, 1, 0));
        let [doubled] = report.doubled.as_slice() else { panic!("{:?}", report.doubled) };
        assert_eq!((doubled.line, doubled.value.as_str(), doubled.why.as_str()), (2, "K1", "compare-held-doubled"));
        assert_eq!(active(&app, "K1").await, ["epidemic.confirmed"]);
        // The page of the comparison names it too.
        let server = TestApp::new(&app);
        let mut lead = server.login(Role::CountyStaff, "99").await;
        let page = lead.get(&format!("/comparisons/{}?tab=held", report.id)).await;
        assert!(page.body.contains("这张卡片不止一行"), "{}", page.body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_not_read_as_what_it_is_not_nor_of_a_day_that_cannot_be() {
    each_database(|app| async move {
        let v = village(&app).await;
        let forced = async |path: &PathBuf, source: &str| {
            let options = CompareOptions { source: Some(source.to_owned()), ..options("2020-02-20") };
            compare::run(&app, &machine(), path, options, &Progress::default()).await
        };
        let cards = v.cards(&[["K1", "张桂兰", v.id("张桂兰"), "", "", "", "确诊病例", "2020-02-05", "", ""]]);
        let error = forced(&cards, "jobs.ended").await.unwrap_err();
        let text = taizhang::platform::UserError::message(&error, Lang::Zh);
        for part in ["list-0.csv", "失业返岗人员", "jobs.ended", "疫情报告卡", "health.cases"] {
            assert!(text.contains(part), "{text}");
        }
        let bare = v.file(&format!("姓名,身份证号\n张桂兰,{}\n", v.id("张桂兰")));
        let error = forced(&bare, "jobs.ended").await.unwrap_err();
        let text = taizhang::platform::UserError::message(&error, Lang::Zh);
        assert!(text.contains("失业返岗人员") && text.contains("离职"), "{text}");
        assert_eq!(count(&app, "signal").await, 0);
        let jobs = v.file(&format!("姓名,身份证号,离职日期\n张桂兰,{},2020-02-01\n", v.id("张桂兰")));
        assert_eq!(forced(&jobs, "jobs.ended").await.unwrap().signals_added, 1);

        let today = app.clock.today();
        for day in [today + chrono::Days::new(1), "1948-12-31".parse().unwrap()] {
            let options = CompareOptions { as_of: Some(day), ..options("2020-02-20") };
            let refused = compare::run(&app, &machine(), &cards, options, &Progress::default()).await.unwrap_err();
            assert!(matches!(refused, CompareError::AsOf { .. }), "{refused:?}");
            let text = taizhang::platform::UserError::message(&refused, Lang::Zh);
            assert!(text.contains(&day.to_string()) && text.contains(&today.to_string()), "{text}");
        }
        // The page says so too, and names a broken file as its user does.
        let server = TestApp::new(&app);
        let mut clerk = server.login(Role::CountyStaff, "990101").await;
        let bytes = std::fs::read(&cards).unwrap();
        let fields = |day| [("source", ""), ("as_of", day), ("purpose", "监测"), ("retention", "30")];
        let future = clerk.upload("/comparisons/preview", &fields("2999-01-01"), ("file", "卡.csv", &bytes)).await;
        assert_eq!(future.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(future.body.contains("2999-01-01 不对"), "{}", future.body);
        let broken = clerk.upload("/comparisons/preview", &fields(""), ("file", "报告卡.xlsx", b"PK no book")).await;
        assert_eq!(broken.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(broken.body.contains("报告卡.xlsx"), "{}", broken.body);
        // What is no day is said to be none, not left out of account.
        let none = clerk.upload("/comparisons/preview", &fields("二月某日"), ("file", "卡.csv", &bytes)).await;
        assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(none.body.contains("数据日期“二月某日”不是日期"), "{}", none.body);
        let typed = clerk.upload("/comparisons/preview", &fields("2020.2.20"), ("file", "卡.csv", &bytes)).await;
        assert_eq!((typed.status, hidden(&typed.body, "as_of").as_str()), (StatusCode::OK, "2020-02-20"));
        let (most, long) = ("长".repeat(500), "长".repeat(501));
        for (purpose, status) in [(&most, StatusCode::OK), (&long, StatusCode::UNPROCESSABLE_ENTITY)] {
            let fields = [("source", ""), ("as_of", ""), ("purpose", purpose.as_str()), ("retention", "30")];
            let reply = clerk.upload("/comparisons/preview", &fields, ("file", "卡.csv", &bytes)).await;
            assert_eq!(reply.status, status);
            assert_eq!(reply.body.contains("使用目的不超过 500 个字"), status != StatusCode::OK);
        }
        let options = CompareOptions { purpose: long, ..options("2020-02-20") };
        let refused = compare::run(&app, &machine(), &cards, options, &Progress::default()).await.unwrap_err();
        assert!(matches!(refused, CompareError::PurposeLong), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn sheets_that_are_left_out_are_named() {
    each_database(|app| async move {
        taizhang::intake::reader::set_program(PathBuf::from(env!("CARGO_BIN_EXE_taizhang")));
        let v = village(&app).await;
        let text = std::fs::read_to_string(v.cards(&[[
            "K1",
            "王建国",
            "",
            "1965-03-12",
            "13900000001",
            "甲县东乡石村",
            "确诊病例",
            "2020-02-05",
            "",
            "",
        ]]))
        .unwrap();
        let mut book = rust_xlsxwriter::Workbook::new();
        for (name, whole) in [("病例", true), ("往日病例", true), ("填表说明", false)] {
            let sheet = book.add_worksheet();
            sheet.set_name(name).unwrap();
            let lines: Vec<&str> = if whole { text.lines().collect() } else { vec!["请按规定填写,谢谢"] };
            for (at, line) in lines.iter().enumerate() {
                for (column, cell) in line.trim_start_matches('\u{feff}').split(',').enumerate() {
                    sheet.write_string(at as u32, column as u16, cell).unwrap();
                }
            }
            sheet.set_hidden(name == "往日病例");
        }
        book.add_worksheet().set_name("空表").unwrap();
        let bytes = book.save_to_buffer().unwrap();
        let path = v.folder.path().join("病例.xlsx");
        std::fs::write(&path, &bytes).unwrap();
        let report = compare::run(&app, &machine(), &path, options("2020-02-20"), &Progress::default()).await.unwrap();
        let mut left: Vec<String> = report.skipped_sheets.iter().map(|s| s.sheet.clone()).collect();
        left.sort();
        assert_eq!((report.rows_total, left), (1, ["填表说明", "往日病例", "空表"].map(str::to_owned).to_vec()));
        let server = TestApp::new(&app);
        let mut clerk = server.login(Role::CountyStaff, "990101").await;
        let fields = [("source", ""), ("as_of", ""), ("purpose", "监测"), ("retention", "30")];
        let preview = clerk.upload("/comparisons/preview", &fields, ("file", "病例.xlsx", &bytes)).await;
        assert!(preview.body.contains("工作表“往日病例”已隐藏"), "{}", preview.body);
        assert!(preview.body.contains("填表说明") && preview.body.contains("空表"));
    })
    .await;
}

/// The value of a hidden field.
fn hidden(body: &str, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let (_, rest) = body.split_once(&mark).unwrap_or_else(|| panic!("no field {name}"));
    rest.split_once('"').unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_lead_from_the_upload_to_the_decision() {
    each_database(|app| async move {
        let v = village(&app).await;
        let server = TestApp::new(&app);
        let mut clerk = server.login(Role::CountyStaff, "990101").await;
        let path = v.cards(&[
            ["K1", "王建国", "", "1965-03-12", "13900000001", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""],
            ["K2", "张桂兰", v.id("张桂兰"), "", "", "", "疑似病例", "2020-02-05", "", ""],
            ["K3", "欧阳不凡", &id("990101", "19410101", 88), "", "", "甲县东乡", "确诊病例", "2020-02-05", "", ""],
            ["K4", "某人", "", "", "", "", "感冒", "2020-02-05", "", ""],
            ["K5", "王小明", "", "1990-01-01", "", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""],
            ["K6", "李秀英", "", "1967-07-08", "", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""],
        ]);
        let bytes = std::fs::read(&path).unwrap();
        let fields = [("source", ""), ("as_of", "2020-02-20"), ("purpose", "涉疫返贫监测"), ("retention", "30")];
        let wrong = clerk.upload("/comparisons/preview", &fields, ("file", "x.csv", "苹果,梨\n".as_bytes())).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.body.contains("没有找到表头行"));

        let preview = clerk.upload("/comparisons/preview", &fields, ("file", "报告卡.csv", &bytes)).await;
        assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
        assert!(preview.body.contains("疫情报告卡") && preview.body.contains("病例分类不认识"));
        let whole_id = v.id("张桂兰").to_owned();
        assert!(!preview.body.contains(&whole_id) && !preview.body.contains("13900000001"));
        let form: Vec<(&str, String)> = ["upload", "file", "source", "as_of", "purpose", "retention"]
            .into_iter()
            .map(|name| (name, hidden(&preview.body, name)))
            .collect();
        let form: Vec<(&str, &str)> = form.iter().map(|(n, value)| (*n, value.as_str())).collect();
        let started = clerk.post("/comparisons", &form).await;
        assert_eq!(started.status, StatusCode::SEE_OTHER, "{}", started.body);
        assert!(started.location().starts_with("/jobs/"));
        let handlers = compare::job_handlers().into_iter().collect();
        assert!(jobs::run_next(&app, &handlers).await.unwrap());
        assert_eq!(std::fs::read_dir(app.folder.join("uploads")).unwrap().count(), 0, "the upload is deleted");
        // The same button twice is one comparison.
        clerk.post("/comparisons", &form).await;

        let (row, outcome, _) = self::row(&app, "K1").await;
        assert_eq!(outcome, "review");
        let (comparison,): (Uuid,) = app.db.one("SELECT id FROM comparison", args![]).await.unwrap();
        let base = format!("/comparisons/{comparison}");
        for path in [
            "/comparisons".to_owned(),
            "/comparisons/new".to_owned(),
            base.clone(),
            format!("{base}?tab=matched"),
            format!("{base}?tab=review"),
            format!("{base}?tab=unmatched"),
            format!("{base}?tab=held"),
            format!("{base}/batches"),
            format!("{base}/unmatched.csv"),
            format!("{base}/held.csv"),
            format!("/comparisons/rows/{row}"),
        ] {
            let reply = clerk.get(&path).await;
            assert_eq!(reply.status, StatusCode::OK, "{path} {}", reply.body);
            assert!(!reply.body.contains("compare-"), "{path}: a text is missing: {}", reply.body);
            for secret in [whole_id.as_str(), v.id("王建国"), "13900000001"] {
                assert!(!reply.body.contains(secret), "{path} shows a number");
            }
        }
        let held = clerk.get(&format!("{base}/held.csv")).await.body;
        assert!(held.contains("某人") && held.contains("感冒") && held.contains("病例分类不认识"), "{held}");
        let review = clerk.get(&format!("{base}/review")).await;
        assert_eq!(review.location(), format!("/comparisons/rows/{row}"));
        let page = clerk.get(review.location()).await;
        for text in ["王建国", "姓名一致", "同村", "李秀英", "是同一人"] {
            assert!(page.body.contains(text), "{text}");
        }
        let candidate = hidden(&page.body, "candidate");
        let confirm = [("candidate", candidate.as_str()), ("verdict", "confirm"), ("note", "电话核实")];
        let done = clerk.post(&format!("/comparisons/rows/{row}"), &confirm).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        assert_eq!(active(&app, "K1").await, ["epidemic.confirmed"]);
        let again = clerk.post(&format!("/comparisons/rows/{row}"), &confirm).await;
        assert_eq!(again.location(), format!("/comparisons/rows/{row}"));
        assert!(clerk.get(again.location()).await.body.contains("已有人先判定"));

        // The two left look alike: one decision.
        let groups = clerk.get(&format!("{base}/batches")).await;
        let (_, rest) = groups.body.split_once(&format!("{base}/batches?")).unwrap();
        let query = rest.split_once('"').unwrap().0.replace("&#38;", "&").replace("&amp;", "&");
        let group = clerk.get(&format!("{base}/batches?{query}")).await;
        let pairs = hidden(&group.body, "pairs");
        assert_eq!(pairs.split(',').count(), 2);
        clerk.post(&format!("{base}/batches"), &[("pairs", &pairs), ("verdict", "confirm")]).await;
        assert_eq!(self::row(&app, "K5").await.1, "matched");
        assert_eq!(active(&app, "K6").await, ["epidemic.confirmed"]);

        let mut neighbour = server.login(Role::CountyStaff, "990102").await;
        for path in [
            base.clone(),
            format!("/comparisons/rows/{row}"),
            format!("{base}/unmatched.csv"),
            format!("{base}/held.csv"),
        ] {
            assert_eq!(neighbour.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
    })
    .await;
}
