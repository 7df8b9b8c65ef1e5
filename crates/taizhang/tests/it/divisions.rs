//! Division files over the years: renames, ended codes, households that follow; on both databases.

use std::path::PathBuf;

use taizhang::args;
use taizhang::intake::{self, ImportOptions, ImportReport, reader};
use taizhang::platform::App;
use taizhang::platform::jobs::Progress;
use taizhang::register::Divisions;

use crate::support::{each_database, machine};

const HEAD: &str = "行政区划代码,名称,上级代码,级别,城乡分类代码,启用日期,停用日期,原代码\n";

/// 固镇县 as an older data set has it.
const OLDER: &str = "34,安徽省,,省,,,,
3403,蚌埠市,34,市,,,,
340323,固镇县,3403,县,,,,
340323201,杨庙乡,340323,乡,,,,
340323201200,杨庙村,340323201,村,220,,,
340323201201,双庙村,340323201,村,220,,,
34032320120001,一组,340323201200,组,,,,
340323202,石湖乡,340323,乡,,,,
340323202200,石湖村,340323202,村,220,,,
340323203,废庄乡,340323,乡,,,,
340323203200,废庄村,340323203,村,220,,,
";

/// The same as a newer one has it: 杨庙乡 became a town with another code, its villages were numbered anew, one of them
/// renamed; 石湖乡 was renamed under its own code; 废庄乡 is gone.
const NEWER: &str = "34,安徽省,,省,,,,
3403,蚌埠市,34,市,,,,
340323,固镇县,3403,县,,,,
340323201,杨庙乡,340323,乡,,,2018-07-01,
340323108,杨庙镇,340323,镇,,2018-07-01,,340323201
340323108001,双庙社区,340323108,村,122,2018-07-01,,340323201201
340323108205,杨庙村,340323108,村,122,2018-07-01,,
340323202,石湖镇,340323,镇,,2019-01-01,,
340323202200,石湖村,340323202,村,220,,,
340323203,废庄乡,340323,乡,,,2019-01-01,
340323203200,废庄村,340323203,村,220,,2019-01-01,
";

const HOUSEHOLDS: &str = "省,市,县,乡,村,自然村,户编号,户主姓名,家庭人口数
安徽省,蚌埠市,固镇县,杨庙乡,杨庙村,一组,H1,王建国,1
安徽省,蚌埠市,固镇县,杨庙乡,双庙村,,H2,张桂兰,1
安徽省,蚌埠市,固镇县,石湖乡,石湖村,,H3,陈大力,1
安徽省,蚌埠市,固镇县,废庄乡,废庄村,,H4,李秀英,1
";

async fn import(app: &App, folder: &tempfile::TempDir, name: &str, text: &str, day: &str) -> ImportReport {
    reader::set_program(PathBuf::from(env!("CARGO_BIN_EXE_taizhang")));
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let options = ImportOptions { as_of: Some(day.parse().unwrap()), ..ImportOptions::default() };
    intake::import_file(app, &machine(), &path, options, &Progress::default()).await.unwrap()
}

async fn homes(app: &App) -> Vec<(String, String, i64)> {
    app.db
        .all("SELECT household_no, division_code, version FROM household ORDER BY household_no", args![])
        .await
        .unwrap()
}

#[tokio::test]
async fn a_newer_division_file_ends_renames_and_takes_households_along() {
    each_database(|app| async move {
        let folder = tempfile::tempdir().unwrap();
        let first = import(&app, &folder, "区划2017.csv", &format!("{HEAD}{OLDER}"), "2017-12-31").await;
        assert_eq!((first.rows_new, first.rows_held, first.rows_doubtful), (11, 0, 0), "{first:?}");
        import(&app, &folder, "户.csv", HOUSEHOLDS, "2017-12-31").await;
        let person = "户编号,人口编号,姓名,性别,证件号码,与户主关系,文化程度,健康状况,劳动技能\n\
                      H1,P1,王建国,男,340323196503121012,户主,初中,健康,普通劳动力\n";
        import(&app, &folder, "人.csv", person, "2017-12-31").await;

        let second = import(&app, &folder, "区划2020.csv", &format!("{HEAD}{NEWER}"), "2020-02-20").await;
        assert_eq!(second.rows_held, 0, "{second:?}");
        let rules: Vec<(&str, i64)> = second.rules.iter().map(|(rule, _, n)| (rule.as_str(), *n)).collect();
        assert_eq!(rules, [("division.no_successor", 1)], "one ended village has a household and no heir");

        let moved = |no: &str, code: &str, version| (no.to_owned(), code.to_owned(), version);
        assert_eq!(
            homes(&app).await,
            [
                // By the village's name under the new town; its group is not in the newer file.
                moved("H1", "340323108205", 2),
                // By the former code that the new village names.
                moved("H2", "340323108001", 2),
                moved("H3", "340323202200", 1),
                moved("H4", "340323203200", 1),
            ]
        );
        let (kept, at): (i64, String) = app
            .db
            .one("SELECT COUNT(*), MIN(division_code) FROM record_version WHERE entity = 'household'", args![])
            .await
            .unwrap();
        assert_eq!((kept, at.as_str()), (2, "34032320120001"));
        let (person,): (String,) =
            app.db.one("SELECT division_code FROM person WHERE person_no = 'P1'", args![]).await.unwrap();
        assert_eq!(person, "340323108205");
        let rolled: Vec<(String, i64)> = app
            .db
            .all("SELECT division_code, households FROM register_rollup ORDER BY division_code", args![])
            .await
            .unwrap();
        assert_eq!(rolled.iter().map(|(_, n)| n).sum::<i64>(), 4);
        assert!(!rolled.iter().any(|(code, _)| code.starts_with("340323201")), "{rolled:?}");

        let tree = Divisions::load(&app.db).await.unwrap();
        assert_eq!(tree.resolve_code("340323201", None), Some("340323108"));
        assert_eq!(tree.resolve_code("340323201", Some("2018-06-30")), Some("340323201"));
        assert_eq!(tree.resolve_code("340323201", Some("2018-07-01")), Some("340323108"));
        assert_eq!(tree.resolve_code("340323201201", None), Some("340323108001"));
        assert_eq!(tree.full_name("340323201"), Some("安徽省蚌埠市固镇县杨庙镇"));
        let below: Vec<&str> = tree.children("340323").map(|d| d.name.as_str()).collect();
        assert_eq!(below, ["杨庙镇", "石湖镇"]);
        // Old names are still read, the renamed township's too, and what lies below it has the new one.
        for (names, code) in [
            (["", "", "固镇县", "杨庙乡", "杨庙村"], "340323108205"),
            (["", "", "固镇县", "杨庙镇", "双庙村"], "340323108001"),
            (["", "", "固镇县", "石湖乡", "石湖村"], "340323202200"),
        ] {
            assert_eq!(tree.resolve_names(&names), Some(code), "{names:?}");
        }
        assert_eq!(tree.full_name("340323202200"), Some("安徽省蚌埠市固镇县石湖镇石湖村"));
        let (pinyin,): (String,) =
            app.db.one("SELECT pinyin FROM division WHERE code = '340323202'", args![]).await.unwrap();
        assert_eq!(pinyin, "shihuzhen");

        // The old households' file again, and the older division file: nothing comes back to life.
        import(&app, &folder, "户又.csv", &format!("{HOUSEHOLDS}\n"), "2020-02-20").await;
        assert_eq!(homes(&app).await[0], moved("H1", "340323108205", 2));
        let again = import(&app, &folder, "区划旧.csv", &format!("{HEAD}{OLDER}\n"), "2017-12-31").await;
        assert_eq!(again.rows_new, 0, "{again:?}");
        let tree = Divisions::load(&app.db).await.unwrap();
        assert_eq!(tree.resolve_code("340323201", None), Some("340323108"));
    })
    .await;
}

#[tokio::test]
async fn what_a_village_is_is_held_against_its_number_and_class() {
    each_database(|app| async move {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "{HEAD}34,安徽省,,省,,,,\n340323102003,李集社区,340323102,村,121,,,\n340323102203,新村社区,340323102,村,230,,,\n"
        );
        let report = import(&app, &folder, "区划.csv", &text, "2020-02-20").await;
        let rules: Vec<(&str, i64)> = report.rules.iter().map(|(rule, _, n)| (rule.as_str(), *n)).collect();
        assert_eq!(rules, [("division.urban_rural", 1), ("division.village_number", 1)]);
        assert_eq!(report.rows_new, 3, "a doubt lets the row in");
    })
    .await;
}
