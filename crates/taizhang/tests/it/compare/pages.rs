//! The pages from the upload to the decision.

use super::*;

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
