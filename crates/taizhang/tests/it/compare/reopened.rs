//! Matched rows whose person changed, went away or got a rival since.

use super::*;

/// The state of a row: outcome, and why it waits again.
async fn state(app: &App, key: &str) -> (String, String) {
    app.db.one("SELECT outcome, reopened FROM list_row WHERE row_key = $1 AND current", args![key]).await.unwrap()
}

async fn again(app: &App) -> compare::AgainReport {
    compare::again(app, &clerk(Role::CountyStaff, "990101"), None, &Progress::default()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_whose_person_is_described_otherwise_waits_for_a_person_again() {
    each_database(|app| async move {
        let v = village(&app).await;
        let card = |key, name| [key, name, v.id(name), "", "", "", "确诊病例", "2020-02-05", "", ""];
        run(&app, &v.cards(&[card("K1", "王建国"), card("K2", "李秀英"), card("K3", "王小明"), card("K4", "张桂兰")]), "2020-02-06").await;
        let idle = again(&app).await;
        assert_eq!((idle.rows, idle.changed), (0, 0), "nothing changed: nothing is asked");

        // A word on the health of one, the number of another put right, a third gone.
        let person = |name: &str| v.persons[name].0;
        crate::world::run(&app, "UPDATE person SET health = '患有大病', version = 2 WHERE id = $1", args![person("王建国")]).await;
        let other = id("990101", "19670708", 28);
        crate::world::run(
            &app,
            "UPDATE person SET id_enc = $2, id_index = $3, name = '李秀芸', name_folded = '李秀芸', version = 2 WHERE id = $1",
            args![
                person("李秀英"),
                app.vault.seal("person.id", other.as_bytes()).unwrap(),
                app.vault.index("citizen_id", &other)
            ],
        )
        .await;
        crate::world::run(&app, "DELETE FROM person WHERE id = $1", args![person("王小明")]).await;
        let report = again(&app).await;
        assert_eq!((report.rows, report.changed, report.reopened, report.signals_ended), (3, 2, 2, 2), "{report:?}");
        assert_eq!(state(&app, "K1").await, ("matched".into(), String::new()));
        assert_eq!(state(&app, "K2").await.1, "changed");
        assert_eq!(state(&app, "K3").await.1, "gone");
        assert_eq!(state(&app, "K4").await, ("matched".into(), String::new()));
        assert_eq!(active(&app, "K1").await, ["epidemic.confirmed"]);
        assert!(active(&app, "K2").await.is_empty() && active(&app, "K3").await.is_empty());
        let all = signals(&app, "K3").await;
        assert_eq!(all, [("epidemic.confirmed".into(), "withdrawn".into(), "match_reopened".into())]);
        // What was seen is not asked again.
        let idle = again(&app).await;
        assert_eq!((idle.changed, idle.reopened), (0, 0), "{idle:?}");

        // The page says why, and a decision ends the reason.
        let server = TestApp::new(&app);
        let mut county = server.login(Role::CountyStaff, "990101").await;
        let (row_id, outcome, _) = row(&app, "K2").await;
        assert_eq!(outcome, "review");
        let page = county.get(&format!("/comparisons/rows/{row_id}")).await;
        assert!(page.body.contains("登记信息变了") && page.body.contains("李秀芸"), "{}", page.body);
        let candidate = pending(&app, "K2").await[0].0;
        let reviewer = clerk(Role::CountyStaff, "990101");
        compare::decide(&app, &reviewer, row_id, Some(candidate), Verdict::Confirm, "改了名").await.unwrap();
        assert_eq!(state(&app, "K2").await, ("matched".into(), String::new()));
        assert_eq!(active(&app, "K2").await, ["epidemic.confirmed"]);
        // Confirmed: a change that takes nothing from the evidence is not asked about.
        crate::world::run(&app, "UPDATE person SET education = '小学', version = 3 WHERE id = $1", args![person("李秀英")]).await;
        let report = again(&app).await;
        assert_eq!(report.reopened, 0, "{report:?}");
        assert_eq!(state(&app, "K2").await.0, "matched");
        assert!(audit::verify(&app.db).await.unwrap().fault.is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_new_who_fits_as_well_is_asked_about() {
    each_database(|app| async move {
        let v = village(&app).await;
        let card = ["K1", "张桂兰", v.id("张桂兰"), "", "", "", "确诊病例", "2020-02-05", "", ""];
        run(&app, &v.cards(&[card]), "2020-02-06").await;
        assert_eq!(state(&app, "K1").await.0, "matched");
        // The same number and name, registered a second time in another household.
        let twin = ids::new_id();
        crate::world::run(
            &app,
            "INSERT INTO person (id, person_no, household_id, division_code, name, name_folded, pinyin, initials, sex,
                 birth_date, id_kind, id_enc, id_index, relation, is_head, attrs, version, fingerprint, import_id, sheet, line,
                 as_of, recorded_at)
             SELECT $1, 'P-again', $2, division_code, name, name_folded, pinyin, initials, sex, birth_date, id_kind, id_enc,
                 id_index, relation, FALSE, attrs, 1, 2, import_id, '', 9, as_of, $4
             FROM person WHERE id = $3",
            args![twin, v.persons["王建国"].1, v.persons["张桂兰"].0, app.clock.now_ms() + 5_000],
        )
        .await;
        let report = again(&app).await;
        assert_eq!((report.rows, report.reopened), (1, 1), "{report:?}");
        assert_eq!(state(&app, "K1").await, ("review".into(), "rival".into()));
        assert_eq!(pending(&app, "K1").await.len(), 2, "both wait");
        assert!(active(&app, "K1").await.is_empty());
    })
    .await;
}
