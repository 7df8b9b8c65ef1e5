//! The same rows again: newer, older, unchanged, doubled.

use super::*;

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
