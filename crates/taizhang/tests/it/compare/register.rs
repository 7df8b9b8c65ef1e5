//! What follows when the register changes.

use super::*;

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
async fn candidates_of_an_earlier_version_are_shown_kept_where_decided_and_else_weighed_anew() {
    each_database(|app| async move {
        let v = village(&app).await;
        let card = |key, name, birth| [key, name, "", birth, "", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""];
        run(&app, &v.cards(&[card("K1", "王建国", "1965-03-12"), card("K2", "李秀英", "1967-07-08")]), "2020-02-06").await;
        let reviewer = clerk(Role::CountyStaff, "990101");
        let (decided, open) = (pending(&app, "K2").await[0].0, pending(&app, "K1").await[0].0);
        compare::decide(&app, &reviewer, row(&app, "K2").await.0, Some(decided), Verdict::Reject, "").await.unwrap();
        // As an earlier version left them, and as the migration marks them.
        crate::world::run(
            &app,
            "UPDATE match_candidate SET score = 87, signature = 'points:id=from15,name=exact',
                 explanation = '[{\"field\":\"id\",\"level\":\"from15\",\"points\":43},{\"field\":\"household\",\"level\":\"same\",\"points\":12}]'",
            args![],
        )
        .await;
        let server = TestApp::new(&app);
        let mut session = server.login(Role::CountyStaff, "990101").await;
        let id = row(&app, "K1").await.0;
        let page = session.get(&format!("/comparisons/rows/{id}")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("旧版得分 87") && page.body.contains("户编号") && !page.body.contains("compare-"));
        assert!(compare::judged(&app.db, "", &Scope::subtree("99")).await.unwrap().is_empty());

        let report = compare::again(&app, &reviewer, None, &Progress::default()).await.unwrap();
        assert_eq!((report.rows, report.changed), (2, 1));
        let now = pending(&app, "K1").await;
        assert!(now.len() == 1 && now[0].0 != open, "{now:?}");
        let page = session.get(&format!("/comparisons/rows/{id}")).await;
        assert!(!page.body.contains("旧版得分") && page.body.contains("对认错"), "{}", page.body);
        assert_eq!(row(&app, "K2").await.1, "unmatched", "what somebody decided stays");
        let idle = compare::again(&app, &reviewer, None, &Progress::default()).await.unwrap();
        assert_eq!(idle.changed, 0);
    })
    .await;
}
