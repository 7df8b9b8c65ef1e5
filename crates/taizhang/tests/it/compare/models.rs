//! The model that weighs: made of verdicts, chosen, gone back from, and named with each candidate.

use super::*;

/// Doubtful cards with verdicts, as months of review would leave them: `same` of `count` were one person.
async fn verdicts(app: &App, v: &Village, signature: &'static str, score: f64, (count, same): (usize, usize)) {
    let (row_id, ..) = row(app, "K-seed").await;
    for n in 0..count {
        let verdict = if n < same { "confirmed" } else { "rejected" };
        crate::world::run(
            app,
            "INSERT INTO match_candidate (id, list_row_id, comparison_id, subject, subject_id, household_id, division_code, tier,
                 score, explanation, signature, verdict, decided_at, note)
             VALUES ($1, $2, $1, 'person', $3, NULL, '990101001001', 'name_birth_place', $6, '[]', $4, $5, 1, '')",
            args![ids::new_id(), row_id, v.persons["王建国"].0, signature, verdict, score],
        )
        .await;
    }
}

async fn bits(app: &App, key: &str) -> (f64, i64, String) {
    let rows: Vec<(f64, i64, String)> = app
        .db
        .all(
            "SELECT m.score, m.model_version, m.signature FROM match_candidate m JOIN list_row r ON r.id = m.list_row_id
             WHERE r.row_key = $1 AND r.current AND m.verdict = 'pending' ORDER BY m.score DESC",
            args![key],
        )
        .await
        .unwrap();
    rows.into_iter().next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_make_a_model_that_weighs_later_comparisons_until_another_is_chosen() {
    each_database(|app| async move {
        let v = village(&app).await;
        let card =
            |key| v.cards(&[[key, "王健国", "", "1965-03-12", "", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""]]);
        let seed = v.cards(&[["K-seed", "欧阳不凡", "", "1941-01-01", "", "甲县", "确诊病例", "2020-02-05", "", ""]]);
        run(&app, &seed, "2020-02-06").await;
        run(&app, &card("K1"), "2020-02-06").await;
        let (before, version, signature) = bits(&app, "K1").await;
        assert_eq!(version, 0);
        let analyst = clerk(Role::Analyst, "99");
        let few = compare::adopt(&app, &analyst, "试").await;
        assert!(matches!(few, Err(CompareError::FewVerdicts { least: 50 })), "{few:?}");

        // Of cards that look so, nearly none was the person.
        let signature: &'static str = signature.leak();
        verdicts(&app, &v, signature, before, (120, 6)).await;
        let server = TestApp::new(&app);
        let mut province = server.login(Role::Analyst, "99").await;
        let mut county = server.login(Role::CountyStaff, "990101").await;
        let page = province.get("/comparisons/quality").await;
        for text in ["按判定调整会怎样", "用没见过的判定检验", "自带模型", "查找规则各找到多少", "估计找到了"]
        {
            assert!(page.body.contains(text), "{text}: {}", page.body);
        }
        assert!(!county.get("/comparisons/quality").await.body.contains("按判定调整并启用"));
        for path in ["/comparisons/models", "/comparisons/models/0"] {
            assert_eq!(county.post(path, &[("reason", "试")]).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        let unsaid = compare::adopt(&app, &analyst, " ").await;
        assert!(matches!(unsaid, Err(CompareError::NoReason)), "{unsaid:?}");
        let done = province.post("/comparisons/models", &[("reason", "三月判定")]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        let (versions, uses) = compare::versions(&app).await.unwrap();
        assert_eq!((versions.len(), versions[0].version, versions[0].in_force), (2, 1, true));
        let lesson = versions[0].lesson.as_ref().unwrap();
        assert_eq!((lesson.labels, lesson.same), (120, 6));
        assert!(lesson.is_better(), "{lesson:?}");
        assert_eq!((uses.len(), uses[0].reason.as_str()), (1, "三月判定"));

        // What was weighed stays as it was; what comes is weighed anew and says so.
        assert_eq!(bits(&app, "K1").await.1, 0);
        run(&app, &card("K2"), "2020-02-07").await;
        let (after, version, _) = bits(&app, "K2").await;
        assert!(version == 1 && after < before - 1.0, "{before} {after}");
        let id = row(&app, "K2").await.0;
        let page = province.get(&format!("/comparisons/rows/{id}")).await;
        assert!(page.body.contains("第 1 版模型") && page.body.contains("按 120 条人工判定校准"), "{}", page.body);

        // And back again.
        let gone = compare::choose(&app, &analyst, 7, "试").await;
        assert!(matches!(gone, Err(CompareError::NoModel { version: 7 })), "{gone:?}");
        province.post("/comparisons/models/0", &[("reason", "回到自带")]).await;
        run(&app, &card("K3"), "2020-02-08").await;
        let (back, version, _) = bits(&app, "K3").await;
        assert!(version == 0 && (back - before).abs() < 0.01, "{back}");
        let (_, uses) = compare::versions(&app).await.unwrap();
        assert_eq!(uses.iter().map(|u| u.version).collect::<Vec<_>>(), [0, 1]);
        let (entries,): (i64,) =
            app.db.one("SELECT COUNT(*) FROM audit WHERE action = 'model.use'", args![]).await.unwrap();
        assert_eq!(entries, 2);
        assert!(audit::verify(&app.db).await.unwrap().fault.is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_keeps_what_its_search_rules_found() {
    each_database(|app| async move {
        let v = village(&app).await;
        let card = |key, name| [key, name, v.id(name), "", "", "", "确诊病例", "2020-02-05", "", ""];
        let report = run(&app, &v.cards(&[card("K1", "王建国"), card("K2", "李秀英")]), "2020-02-06").await;
        let rules: Vec<(String, i64, i64)> = app
            .db
            .all(
                "SELECT rule, pairs, matches FROM comparison_rule WHERE comparison_id = $1 ORDER BY rule",
                args![report.id],
            )
            .await
            .unwrap();
        assert_eq!(rules.len(), linkage::engine::RULES.len());
        let by_number = rules.iter().find(|r| r.0 == "id_birth_sequence").unwrap();
        assert_eq!((by_number.1, by_number.2), (2, 2), "{rules:?}");
        let (recall, compared, likely): (Option<f64>, i64, i64) = app
            .db
            .one("SELECT recall, pairs_compared, pairs_likely FROM comparison WHERE id = $1", args![report.id])
            .await
            .unwrap();
        assert!(
            recall.is_some_and(|r| r > 0.0 && r <= 1.0) && compared >= 2 && likely == 2,
            "{recall:?} {compared} {likely}"
        );
        // The page shows the lists of its reader's area: these were brought in for everything.
        let server = TestApp::new(&app);
        let mut county = server.login(Role::CountyStaff, "990101").await;
        let page = county.get("/comparisons/quality").await;
        assert!(!page.body.contains("证件中生日与顺序码相同"), "{}", page.body);
    })
    .await;
}
