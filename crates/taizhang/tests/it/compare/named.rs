//! A row whose person a clerk finds with other details than the list's.

use super::*;
use taizhang::compare::Details;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_found_with_what_was_learned_since_is_matched_on_the_clerks_word() {
    each_database(|app| async move {
        let v = village(&app).await;
        // A name that nobody bears and no number: the list alone leads nowhere.
        run(&app, &v.cards(&[["K1", "黄阿毛", "", "", "", "测试省测试市甲县", "确诊病例", "2020-02-05", "", ""]]), "2020-02-06").await;
        let (row_id, outcome, _) = row(&app, "K1").await;
        assert_eq!(outcome, "unmatched");
        let reviewer = clerk(Role::CountyStaff, "990101");
        let person = v.persons["王小明"].0;
        let details = |name: &str, id: &str| Details {
            name: name.into(),
            id: id.into(),
            division: "990101".into(),
            ..Details::default()
        };
        let id = v.id("王小明");
        let name = |details: Details| {
            let (app, reviewer) = (app.clone(), reviewer.clone());
            async move { compare::name(&app, &reviewer, row_id, person, &details, "打电话问过村干部").await }
        };
        // Whom the details do not lead to cannot be named with them.
        assert!(matches!(name(details("赵不在", "")).await, Err(CompareError::NotAmong)));
        let odd = Details { birth: "去年".into(), ..details("王小明", "") };
        assert!(matches!(name(odd).await, Err(CompareError::Detail { field: "birth", .. })));
        let nowhere = Details { division: "99".into(), ..details("王小明", "") };
        assert!(matches!(name(nowhere).await, Err(CompareError::NoCounty)));
        // Nor may another county, or somebody who does not review.
        let other = clerk(Role::CountyStaff, "990102");
        let far = compare::name(&app, &other, row_id, person, &details("王小明", id), "").await;
        assert!(matches!(far, Err(CompareError::NotFound)), "{far:?}");

        let server = TestApp::new(&app);
        let mut county = server.login(Role::CountyStaff, "990101").await;
        let path = format!("/comparisons/rows/{row_id}/look");
        let empty = county.get(&path).await;
        assert!(empty.body.contains("名单所列：黄阿毛"), "{}", empty.body);
        let found = county.post(&path, &[("name", "王小明"), ("id", id), ("division", "990101")]).await;
        assert!(found.body.contains(&person.to_string()) && found.body.contains("就是此人"), "{}", found.body);
        assert!(!found.body.replace(&format!("value=\"{id}\""), "").contains(id), "what was typed is not shown again");

        let done = name(details("王小明", id)).await.unwrap();
        assert_eq!(done.outcome, "matched");
        assert_eq!(active(&app, "K1").await, ["epidemic.confirmed"]);
        let again = name(details("王小明", id)).await;
        assert!(matches!(again, Err(CompareError::AlreadyDecided { .. })), "{again:?}");
        // What was typed says nothing about how lists are written.
        assert!(compare::judged(&app.db, "", &Scope::everything()).await.unwrap().is_empty());
        assert!(audit::verify(&app.db).await.unwrap().fault.is_none());

        // Taken back like any decision, and named anew.
        let candidate: (Uuid,) =
            app.db.one("SELECT id FROM match_candidate WHERE list_row_id = $1", args![row_id]).await.unwrap();
        compare::decide(&app, &reviewer, row_id, Some(candidate.0), Verdict::Undo, "").await.unwrap();
        compare::decide(&app, &reviewer, row_id, None, Verdict::None, "").await.unwrap();
        assert_eq!(row(&app, "K1").await.1, "unmatched");
        assert!(active(&app, "K1").await.is_empty());
        assert_eq!(name(details("王小明", id)).await.unwrap().outcome, "matched");
        assert_eq!(active(&app, "K1").await, ["epidemic.confirmed"]);
    })
    .await;
}
