//! The register against itself: pairs, who sees and decides them, and what a later run leaves of them.

use std::collections::BTreeMap;

use super::*;
use taizhang::compare::duplicates::{self, Keep, PairVerdict};

/// Registers somebody of the village a second time, under another number and household; the id.
async fn twice(app: &App, v: &Village, name: &str, number: &str, to: &str, name_now: &str) -> Uuid {
    let (id, division) = (ids::new_id(), if to == "陈大力" { "990102001001" } else { "990101001001" });
    crate::world::run(
        app,
        "INSERT INTO person (id, person_no, household_id, division_code, name, name_folded, pinyin, initials, sex, birth_date,
             id_kind, relation, is_head, attrs, version, fingerprint, import_id, sheet, line, as_of, recorded_at)
         SELECT $1, $2, $3, $4, $5, $5, $6, '', sex, birth_date, 'none', '之子', FALSE, '{}', 1, 1, import_id, '人口', 7, as_of,
             1
         FROM person WHERE id = $7",
        args![
            id,
            number,
            v.persons[to].1,
            division,
            name_now,
            codes::name::pinyin(name_now),
            v.persons[name].0
        ],
    )
    .await;
    id
}

type PairRow = (Uuid, String, String, bool, String);

async fn pairs(app: &App) -> Vec<PairRow> {
    app.db
        .all("SELECT id, left_no, right_no, present, verdict FROM duplicate_pair ORDER BY score DESC, id", args![])
        .await
        .unwrap()
}

fn names(pair: &PairRow) -> [&str; 2] {
    let mut both = [pair.1.as_str(), pair.2.as_str()];
    both.sort_unstable();
    both
}

async fn look(app: &App, who: &Actor) -> duplicates::DuplicateReport {
    duplicates::duplicates(app, who, &Progress::default()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn later_runs_keep_verdicts_add_pairs_and_say_which_are_gone() {
    each_database(|app| async move {
        let v = village(&app).await;
        twice(&app, &v, "王建国", "P-again", "张桂兰", "王建国").await;
        let province = clerk(Role::Analyst, "99");
        let report = look(&app, &province).await;
        assert_eq!(
            (report.persons, report.found, report.added, report.gone, report.clusters),
            (7, 1, 1, 0, 1),
            "{report:?}"
        );
        assert!(report.rules.len() > 5 && report.rules.values().any(|r| r[0] > 0));
        let found = pairs(&app).await;
        assert_eq!(names(&found[0]), ["P-again", "P-王建国"]);
        let pair = found[0].0;
        let same = PairVerdict::Same(Keep::Unsaid);
        duplicates::decide_pair(&app, &province, pair, same, "电话核实").await.unwrap();
        let other = duplicates::decide_pair(&app, &province, pair, PairVerdict::Different, "").await;
        assert!(matches!(other, Err(CompareError::AlreadyDecided { .. })), "{other:?}");
        // Which record stays may be said later.
        duplicates::decide_pair(&app, &province, pair, PairVerdict::Same(Keep::Left), "").await.unwrap();

        twice(&app, &v, "陈小花", "P-flower", "陈大力", "陈晓花").await;
        let report = look(&app, &province).await;
        assert_eq!((report.found, report.added, report.gone), (2, 1, 0), "{report:?}");
        let by_names: BTreeMap<String, String> =
            pairs(&app).await.iter().map(|p| (names(p).join("+"), p.4.clone())).collect();
        assert_eq!(by_names["P-again+P-王建国"], "same");
        assert_eq!(by_names["P-flower+P-陈小花"], "pending");

        // The source file was corrected: the pair is gone, and what was said about it stays.
        crate::world::run(&app, "DELETE FROM person WHERE person_no = 'P-again'", args![]).await;
        let report = look(&app, &province).await;
        assert_eq!((report.found, report.added, report.gone), (1, 0, 1), "{report:?}");
        let gone: Vec<PairRow> = pairs(&app).await.into_iter().filter(|p| !p.3).collect();
        assert_eq!((gone.len(), gone[0].4.as_str()), (1, "same"));
        // A run over one county says nothing about pairs of another.
        let report = look(&app, &clerk(Role::CountyStaff, "990101")).await;
        assert_eq!((report.persons, report.gone), (4, 0));
        assert!(pairs(&app).await.iter().any(|p| p.3 && names(p)[0] == "P-flower"));
        let denied = duplicates::duplicates(&app, &clerk(Role::TownshipStaff, "990101001"), &Progress::default()).await;
        assert!(matches!(denied, Err(CompareError::Forbidden)), "{denied:?}");
        assert!(audit::verify(&app.db).await.unwrap().fault.is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_outside_the_scope_is_a_county_and_nothing_else() {
    each_database(|app| async move {
        let v = village(&app).await;
        twice(&app, &v, "王建国", "P-across", "陈大力", "王建国").await;
        look(&app, &clerk(Role::Analyst, "99")).await;
        let pair = pairs(&app).await[0].0;
        let server = TestApp::new(&app);
        let mut near = server.login(Role::CountyStaff, "990101").await;
        let mut far = server.login(Role::CountyStaff, "990102").await;
        let mut over = server.login(Role::Analyst, "9901").await;
        for (session, own, foreign, county) in
            [(&mut near, "P-王建国", "P-across", "乙县"), (&mut far, "P-across", "P-王建国", "甲县")]
        {
            let list = session.get("/duplicates").await;
            assert!(list.body.contains("范围外人员") && list.body.contains(county), "{}", list.body);
            let page = session.get(&format!("/duplicates/pairs/{pair}")).await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.body);
            assert!(page.body.contains(own) && page.body.contains(county) && page.body.contains("上级判定"));
            for secret in [foreign, v.id("王建国"), "13900000001", "same-left"] {
                assert!(!page.body.contains(secret), "{secret}: {}", page.body);
            }
            let other = if county == "乙县" { ["西乡", "水村"] } else { ["东乡", "石村"] };
            for place in other {
                assert!(!page.body.contains(place) && !list.body.contains(place), "{place}: {}", page.body);
            }
            let refused = session.post(&format!("/duplicates/pairs/{pair}"), &[("verdict", "different")]).await;
            assert_eq!(refused.status, StatusCode::NOT_FOUND);
        }
        let page = over.get(&format!("/duplicates/pairs/{pair}")).await;
        for text in ["P-王建国", "P-across", "水村", "姓名一致", "同一人，保留甲", "还没有人工判定"]
        {
            assert!(page.body.contains(text), "{text}: {}", page.body);
        }
        assert!(!page.body.contains("duplicate-") && !page.body.contains("compare-"), "a text is missing");
        // The record that goes is named with the line of its file.
        let (left,): (String,) =
            app.db.one("SELECT left_no FROM duplicate_pair WHERE id = $1", args![pair]).await.unwrap();
        let keep = if left == "P-王建国" { "same-left" } else { "same-right" };
        let done = over.post(&format!("/duplicates/pairs/{pair}"), &[("verdict", keep), ("note", "两县核对")]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        let page = over.get(&format!("/duplicates/pairs/{pair}")).await;
        assert!(page.body.contains("第 7 行") && page.body.contains("两县核对"), "{}", page.body);

        // The file is masked, of the scope, and in the audit log with its purpose.
        let export = |purpose| [("purpose", purpose), ("division", "")];
        assert_eq!(over.post("/duplicates/export", &export("")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let file =
            duplicates::export(&app, &clerk(Role::CountyStaff, "990101"), &Scope::subtree("990101"), "更正", Lang::Zh)
                .await
                .unwrap();
        let path = v.folder.path().join("out.xlsx");
        std::fs::write(&path, &file).unwrap();
        let text = sheet(&path);
        assert!(text.contains("P-王建国") && text.contains("范围外") && !text.contains("P-across"), "{text}");
        assert!(!text.contains(v.id("王建国")) && text.contains("990101********"), "{text}");
        assert_eq!(over.post("/duplicates/export", &export("更正来源文件")).await.status, StatusCode::OK);
        let (exports,): (i64,) =
            app.db.one("SELECT COUNT(*) FROM audit WHERE action = 'duplicate.export'", args![]).await.unwrap();
        assert_eq!(exports, 2);
        // Who has neither of the two sees nothing of it.
        let mut elsewhere = server.login(Role::CountyStaff, "990201").await;
        assert_eq!(elsewhere.get(&format!("/duplicates/pairs/{pair}")).await.status, StatusCode::NOT_FOUND);
        assert!(audit::verify(&app.db).await.unwrap().fault.is_none());
    })
    .await;
}

/// All cells of a workbook.
fn sheet(path: &std::path::Path) -> String {
    use calamine::{Reader, open_workbook_auto};
    let mut book = open_workbook_auto(path).unwrap();
    let mut out = String::new();
    for (_, range) in book.worksheets() {
        for row in range.rows() {
            out.push_str(&row.iter().map(ToString::to_string).collect::<Vec<_>>().join("|"));
            out.push('\n');
        }
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_filter_group_and_start_the_work() {
    each_database(|app| async move {
        let v = village(&app).await;
        for (name, number) in [("王建国", "P-2"), ("李秀英", "P-3")] {
            twice(&app, &v, name, number, "张桂兰", name).await;
        }
        twice(&app, &v, "陈大力", "P-4", "王建国", "陈大力").await;
        let server = TestApp::new(&app);
        let mut session = server.login(Role::Analyst, "99").await;
        assert!(session.get("/duplicates").await.body.contains("还没有查过重"));
        let started = session.post("/duplicates", &[]).await;
        assert!(started.location().starts_with("/jobs/"), "{}", started.body);
        let handlers = compare::job_handlers().into_iter().collect();
        assert!(jobs::run_next(&app, &handlers).await.unwrap());
        let all = session.get("/duplicates").await;
        assert!(all.body.contains("P-") || all.body.matches("/duplicates/pairs/").count() == 3, "{}", all.body);
        let shown = async |session: &mut crate::support::http::Browser, query: &str| {
            session.get(&format!("/duplicates?{query}")).await.body.matches("/duplicates/pairs/").count()
        };
        assert_eq!(shown(&mut session, "").await, 3);
        assert_eq!(shown(&mut session, "apart=village").await, 2);
        assert_eq!(shown(&mut session, "apart=across").await, 1);
        assert_eq!(shown(&mut session, "division=990102").await, 1);
        assert_eq!(shown(&mut session, "verdict=same").await, 0);
        assert_eq!(shown(&mut session, "present=gone").await, 0);
        assert_eq!(session.get("/duplicates?division=980101").await.status, StatusCode::NOT_FOUND);

        // Pairs alike in the same way are decided at once.
        let page = session.get("/duplicates/batches").await;
        let (_, rest) = page.body.split_once("/duplicates/batches?signature=").unwrap();
        let query = rest.split_once('"').unwrap().0.to_owned();
        let group = session.get(&format!("/duplicates/batches?signature={query}")).await;
        let ids = hidden(&group.body, "pairs");
        assert_eq!(ids.split(',').count(), 2, "{}", group.body);
        let form = [("pairs", ids.as_str()), ("verdict", "different"), ("note", "核对过")];
        assert_eq!(session.post("/duplicates/batches", &form).await.status, StatusCode::SEE_OTHER);
        assert_eq!(shown(&mut session, "verdict=different").await, 2);
        let next = session.get("/duplicates/review").await;
        assert!(next.location().starts_with("/duplicates/pairs/"));
        let left = next.location().to_owned();
        session.post(&left, &[("verdict", "undo")]).await;
        let done = session.post(&left, &[("verdict", "different")]).await;
        assert_eq!(done.location(), "/duplicates", "nothing is left to decide");
        let (decisions,): (i64,) =
            app.db.one("SELECT COUNT(*) FROM audit WHERE action = 'duplicate.decide'", args![]).await.unwrap();
        assert_eq!(decisions, 3);
    })
    .await;
}
