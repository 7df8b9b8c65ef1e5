//! What is matched with whom, and what becomes a signal.

use super::*;

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

/// Tier, subject, score, levels and parts of the candidates of a card, the best first.
async fn weighed(app: &App, key: &str) -> Vec<(String, String, f64, String, String)> {
    app.db
        .all(
            "SELECT m.tier, m.subject, m.score, m.signature, m.explanation
             FROM match_candidate m JOIN list_row r ON r.id = m.list_row_id
             WHERE r.row_key = $1 AND r.current AND m.verdict <> 'replaced' ORDER BY m.score DESC, m.id",
            args![key],
        )
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_candidate_says_what_each_part_of_it_weighs() {
    each_database(|app| async move {
        let v = village(&app).await;
        let path = v.cards(&[
            ["K1", "王建国", v.id("王建国"), "1965-03-12", "", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""],
            ["K2", "王健国", "", "1965-03-12", "13900000001", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""],
        ]);
        run(&app, &path, "2020-02-06").await;
        for (key, tier, signature) in [
            ("K1", "id_exact", "id=exact,name=exact,birth=exact,sex=same,place=village"),
            ("K2", "name_birth_place", "name=homophone,birth=exact,phone=same,place=village"),
        ] {
            let all = weighed(&app, key).await;
            assert_eq!(all.len(), 1, "{key}");
            let (found, subject, score, levels, parts) = &all[0];
            assert_eq!((found.as_str(), subject.as_str(), levels.as_str()), (tier, "person", signature));
            let parts: Vec<serde_json::Value> = serde_json::from_str(parts).unwrap();
            let sum: f64 = parts.iter().map(|p| p["bits"].as_f64().unwrap()).sum();
            assert!((sum - score).abs() < 0.06, "{sum} {score}");
            assert!(*score > 10.0, "{score}");
            assert!(parts.iter().any(|p| p["field"] == "start" && p["bits"].as_f64().unwrap() < 0.0));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_fit_alike_are_both_shown_and_none_is_taken() {
    each_database(|app| async move {
        let v = village(&app).await;
        // A second registration of the same person, in another household.
        crate::world::run(
            &app,
            "INSERT INTO person (id, person_no, household_id, division_code, name, name_folded, pinyin, initials, sex,
                 birth_date, id_kind, id_enc, id_index, relation, is_head, attrs, version, fingerprint, import_id,
                 sheet, line, as_of, recorded_at)
             VALUES ($1, 'P-twice', $2, '990101001001', '王建国', '王建国', '', '', 'male', '1965-03-12', 'citizen', $3, $4,
                 '户主', FALSE, '{}', 1, 1, $1, '', 1, '2020-01-01', 1)",
            args![
                ids::new_id(),
                v.persons["张桂兰"].1,
                app.vault.seal("person.id", v.id("王建国").as_bytes()).unwrap(),
                app.vault.index("citizen_id", v.id("王建国"))
            ],
        )
        .await;
        let card = |key, number| [key, "王建国", number, "1965-03-12", "", "", "确诊病例", "2020-02-05", "", ""];
        run(&app, &v.cards(&[card("K-number", v.id("王建国")), card("K-none", "")]), "2020-02-06").await;
        for key in ["K-number", "K-none"] {
            assert_eq!(row(&app, key).await.1, "review", "{key}");
            let both = weighed(&app, key).await;
            assert_eq!(both.len(), 2, "{key}: {both:?}");
            // As likely one as the other, and hardly anybody else.
            assert!(both.iter().all(|c| c.2.abs() < 1.0), "{key}: {both:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_households_number_leads_to_the_person_or_at_least_to_the_household() {
    each_database(|app| async move {
        let v = village(&app).await;
        let path = v.file(
            "户主姓名,户编号,鉴定等级,鉴定日期\n\
             王健国,H1,D级,2020-01-10\n\
             欧阳不凡,H2,C级,2020-01-10\n\
             欧阳不凡,H9,C级,2020-01-10\n",
        );
        let report = run(&app, &path, "2020-01-31").await;
        assert_eq!((report.matched, report.review, report.unmatched), (0, 2, 1));
        let found: Vec<(i64, String, String, Uuid, String)> = app
            .db
            .all(
                "SELECT r.line, m.tier, m.subject, m.subject_id, m.signature
                 FROM match_candidate m JOIN list_row r ON r.id = m.list_row_id ORDER BY r.line, m.score DESC",
                args![],
            )
            .await
            .unwrap();
        let (head, household) = (v.persons["王建国"].0, v.persons["张桂兰"].1);
        assert_eq!(
            found,
            [
                (2, "name_place".into(), "person".into(), head, "name=homophone,place=house".into()),
                (3, "household".into(), "household".into(), household, "name=differ,place=house".into()),
            ]
        );
        // A household that is confirmed has the house's signal.
        let (id,): (Uuid,) = app.db.one("SELECT id FROM list_row WHERE line = 3", args![]).await.unwrap();
        let (candidate,): (Uuid,) =
            app.db.one("SELECT id FROM match_candidate WHERE list_row_id = $1", args![id]).await.unwrap();
        let reviewer = clerk(Role::CountyStaff, "990101");
        compare::decide(&app, &reviewer, id, Some(candidate), Verdict::Confirm, "").await.unwrap();
        let signals: Vec<(String, Uuid)> =
            app.db.all("SELECT kind, subject_id FROM signal WHERE state = 'active'", args![]).await.unwrap();
        assert_eq!(signals, [("housing.dangerous".to_owned(), household)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_row_is_does_not_depend_on_the_rows_beside_it() {
    each_database(|app| async move {
        let v = village(&app).await;
        let cards = [
            ["A1", "王建国", "", "1965-03-12", "", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""],
            ["A2", "张桂兰", "", "1950", "", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""],
            ["A3", "陈小花", "", "2005-06-06", "", "", "确诊病例", "2020-02-05", "", ""],
        ];
        run(&app, &v.cards(&cards), "2020-02-06").await;
        let mut together = Vec::new();
        for card in &cards {
            together.push(weighed(&app, card[0]).await);
        }
        for (mut card, among) in cards.into_iter().zip(together) {
            assert!(!among.is_empty(), "{}", card[0]);
            card[0] = ["B1", "B2", "B3"][usize::from(card[0].as_bytes()[1] - b'1')];
            run(&app, &v.cards(&[card]), "2020-02-06").await;
            assert_eq!(weighed(&app, card[0]).await, among);
        }
    })
    .await;
}
