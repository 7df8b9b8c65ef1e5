//! What people decide, and when two decide at once.

use super::*;

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
async fn decisions_are_labels_with_the_levels_that_were_seen() {
    each_database(|app| async move {
        let v = village(&app).await;
        let card = |key, name, birth| [key, name, "", birth, "", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""];
        run(
            &app,
            &v.cards(&[
                card("K1", "王建国", "1965-03-12"),
                card("K2", "李秀英", "1967-07-09"),
                card("K3", "王小明", "1990-01-01"),
            ]),
            "2020-02-06",
        )
        .await;
        let reviewer = clerk(Role::CountyStaff, "990101");
        let first = pending(&app, "K1").await[0].0;
        compare::decide(&app, &reviewer, row(&app, "K1").await.0, Some(first), Verdict::Confirm, "").await.unwrap();
        compare::decide(&app, &reviewer, row(&app, "K2").await.0, None, Verdict::None, "").await.unwrap();
        let labels = compare::judged(&app.db, "", &Scope::subtree("990101")).await.unwrap();
        let said: Vec<(&str, bool)> = labels.iter().map(|l| (l.signature.as_str(), l.same)).collect();
        assert_eq!(
            said,
            [("name=exact,birth=digit,place=village", false), ("name=exact,birth=exact,place=village", true),]
        );
        assert!(labels[1].bits > labels[0].bits);
        assert!(compare::judged(&app.db, "", &Scope::subtree("990102")).await.unwrap().is_empty());
        // What is taken back is no label any more.
        compare::decide(&app, &reviewer, row(&app, "K1").await.0, None, Verdict::Undo, "").await.unwrap();
        assert_eq!(compare::judged(&app.db, "", &Scope::subtree("990101")).await.unwrap().len(), 1);
    })
    .await;
}
