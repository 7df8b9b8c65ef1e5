//! Files that are not what they should be, and what is kept of them until when.

use super::*;

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
