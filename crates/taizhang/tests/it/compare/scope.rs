//! Who sees, revises and decides what: counties beside each other.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_sees_and_decides_only_inside_the_own_county() {
    each_database(|app| async move {
        let v = village(&app).await;
        let path = v.cards(&[
            ["K-a", "王建国", "", "1965-03-12", "", "甲县东乡石村", "确诊病例", "2020-02-05", "", ""],
            ["K-b", "陈大力", "", "1972-02-02", "", "乙县西乡水村", "确诊病例", "2020-02-05", "", ""],
        ]);
        run(&app, &path, "2020-02-20").await;
        let (a, b) = (row(&app, "K-a").await.0, row(&app, "K-b").await.0);
        let candidate = pending(&app, "K-b").await[0].0;
        let clerk = clerk(Role::CountyStaff, "990101");
        for verdict in [Verdict::Confirm, Verdict::None, Verdict::Undo] {
            let refused = compare::decide(&app, &clerk, b, Some(candidate), verdict, "").await;
            assert!(matches!(refused, Err(CompareError::NotFound)), "{refused:?}");
        }
        // A candidate of another row does not open this one.
        let mixed = compare::decide(&app, &clerk, a, Some(candidate), Verdict::Confirm, "").await;
        assert!(matches!(mixed, Err(CompareError::NotFound)), "{mixed:?}");
        let village = self::clerk(Role::VillageOfficer, "990101001001");
        let refused = compare::decide(&app, &village, a, None, Verdict::None, "").await;
        assert!(matches!(refused, Err(CompareError::Forbidden)), "{refused:?}");

        // What a county compares is held against its own register only.
        let own = compare::run(
            &app,
            &clerk,
            &v.cards(&[["K-c", "陈小花", v.id("陈小花"), "", "", "", "确诊病例", "2020-02-05", "", ""]]),
            options("2020-02-20"),
            &Progress::default(),
        )
        .await
        .unwrap();
        assert_eq!((own.matched, own.review, own.unmatched, own.registry_persons), (0, 0, 1, 4));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_county_cannot_revise_or_withdraw_what_is_another_countys() {
    each_database(|app| async move {
        let v = village(&app).await;
        let card = |key, name, class| v.cards(&[[key, name, v.id(name), "", "", "", class, "2020-02-05", "", ""]]);
        run(&app, &card("K-b", "陈大力", "确诊病例"), "2020-02-06").await;
        let (a, b) = (clerk(Role::CountyStaff, "990101"), clerk(Role::CountyStaff, "990102"));
        let as_clerk = async |who: &Actor, path: &PathBuf, day: &str| {
            compare::run(&app, who, path, options(day), &Progress::default()).await.unwrap()
        };
        let withdrawn = card("K-b", "陈大力", "已排除");
        let refused = as_clerk(&a, &withdrawn, "2020-02-08").await;
        assert_eq!((refused.rows_held, refused.rows_revised, refused.signals_ended), (1, 0, 0));
        assert_eq!(refused.held[0].why, "compare-held-outside");
        assert!(!refused.held[0].value.contains("陈大力"), "{:?}", refused.held);
        assert_eq!(active(&app, "K-b").await, ["epidemic.confirmed"]);

        // A list without card numbers: the key is made from the person, and is as much the other county's.
        let bill = |amount| {
            v.file(&format!(
                "姓名,身份证号,个人自付金额,结算日期,医疗机构\n陈大力,{},{amount},2020-01-15,县医院\n",
                v.id("陈大力")
            ))
        };
        as_clerk(&b, &bill("9000"), "2020-02-06").await;
        let refused = as_clerk(&a, &bill("1"), "2020-02-08").await;
        assert_eq!((refused.rows_held, refused.rows_revised), (1, 0));

        // Its own county may, and so may the other county with its own cards.
        let own = as_clerk(&b, &withdrawn, "2020-02-08").await;
        assert_eq!((own.rows_held, own.withdrawn, own.signals_ended), (0, 1, 1));
        as_clerk(&a, &card("K-a", "张桂兰", "疑似病例"), "2020-02-06").await;
        let own = as_clerk(&a, &card("K-a", "张桂兰", "确诊病例"), "2020-02-08").await;
        assert_eq!((own.rows_revised, own.rows_held), (1, 0));
        // What the county brought in of somebody it does not know, who lives elsewhere, stays its own to revise.
        let stranger =
            |class| v.cards(&[["K-s", "欧阳不凡", "", "1941-01-01", "", "乙县西乡", class, "2020-02-05", "", ""]]);
        as_clerk(&a, &stranger("疑似病例"), "2020-02-06").await;
        let own = as_clerk(&a, &stranger("已排除"), "2020-02-08").await;
        assert_eq!((own.rows_revised, own.rows_held), (1, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_no_order_of_uploads_is_a_registered_case_lost() {
    each_database(|app| async move {
        let v = village(&app).await;
        let (a, b) = (clerk(Role::CountyStaff, "990101"), clerk(Role::CountyStaff, "990102"));
        let bring = async |who: &Actor, path: &PathBuf, day: &str| {
            compare::run(&app, who, path, options(day), &Progress::default()).await.unwrap()
        };
        let card =
            |key, place, class| v.cards(&[[key, "张桂兰", v.id("张桂兰"), "", "", place, class, "2020-02-05", "", ""]]);
        // The other county first, whether the card says where the person lives or not.
        for (key, place) in [("K-said", "甲县东乡石村"), ("K-unsaid", "")] {
            let path = card(key, place, "确诊病例");
            let first = bring(&b, &path, "2020-02-06").await;
            assert_eq!((first.unmatched, first.signals_added), (1, 0), "{key}");
            let own = bring(&a, &path, "2020-02-06").await;
            assert_eq!((own.rows_same, own.rows_again, own.signals_added), (1, 1, 1), "{key}");
            assert_eq!(own.households, [v.persons["张桂兰"].1], "{key}");
            assert_eq!(row(&app, key).await.1, "matched", "{key}");
            assert_eq!(active(&app, key).await, ["epidemic.confirmed"], "{key}");
            let idle = bring(&a, &path, "2020-02-06").await;
            assert_eq!((idle.rows_same, idle.rows_again, idle.signals_added), (1, 0, 0), "{key}");
        }
        // The own county first.
        let path = card("K-own", "", "确诊病例");
        assert_eq!(bring(&a, &path, "2020-02-06").await.matched, 1);
        let other = bring(&b, &path, "2020-02-06").await;
        assert_eq!((other.rows_same, other.rows_again, other.signals_ended), (1, 0, 0));
        assert_eq!(active(&app, "K-own").await, ["epidemic.confirmed"]);
        // The other county first, and what the own county brings is a newer state of the card.
        bring(&b, &card("K-newer", "", "疑似病例"), "2020-02-06").await;
        let newer = bring(&a, &card("K-newer", "", "确诊病例"), "2020-02-08").await;
        assert_eq!((newer.rows_held, newer.rows_revised, newer.matched), (0, 1, 1));
        assert_eq!(active(&app, "K-newer").await, ["epidemic.confirmed"]);
        // Erased at its day before the own county brought it.
        let path = card("K-erased", "", "确诊病例");
        bring(&b, &path, "2020-02-06").await;
        let of = "UPDATE comparison SET retention_until = '2020-02-19'
                  WHERE id IN (SELECT comparison_id FROM list_row WHERE row_key = 'K-erased')";
        crate::world::run(&app, of, args![]).await;
        assert_eq!(compare::purge(&app, &machine()).await.unwrap().rows, 1);
        assert_eq!(bring(&b, &path, "2020-02-06").await.rows_same, 1, "who had it erased does not bring it back so");
        assert_eq!(bring(&a, &path, "2020-02-06").await.matched, 1);
        assert_eq!(active(&app, "K-erased").await, ["epidemic.confirmed"]);
        assert!(audit::verify(&app.db).await.unwrap().fault.is_none());
    })
    .await;
}
