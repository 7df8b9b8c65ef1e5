//! Imports beside each other and after each other: turns, versions, what stays what it was; on both databases.

use std::path::PathBuf;

use taizhang::args;
use taizhang::intake::{self, ImportOptions, ImportReport, IntakeError, reader};
use taizhang::platform::App;
use taizhang::platform::jobs::Progress;

use crate::support::{each_database, machine};
use crate::world::number;

const DIVISIONS: &str = "行政区划代码,名称,上级代码,级别
99,测试省,,1
9901,测试市,99,2
990101,甲县,9901,3
990101001,东乡,990101,4
990101001001,石村,990101001,5
";
const PLACE: &str = "测试省,测试市,甲县,东乡,石村";

async fn import(app: &App, name: &str, text: String, day: &str) -> Result<ImportReport, IntakeError> {
    reader::set_program(PathBuf::from(env!("CARGO_BIN_EXE_taizhang")));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let options = ImportOptions { as_of: day.parse().ok(), purpose: "测试".to_owned(), ..ImportOptions::default() };
    intake::import_file(app, &machine(), &path, options, &Progress::default()).await
}

fn households(numbers: std::ops::Range<u32>, kind: &str) -> String {
    let rows: String = numbers.map(|n| format!("{PLACE},H{n},王建国,2,{kind}\n")).collect();
    format!("省,市,县,乡,村,户编号,户主姓名,家庭人口数,户类型\n{rows}")
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_at_once_take_turns_and_none_is_lost() {
    each_database(|app| async move {
        import(&app, "区划.csv", DIVISIONS.to_owned(), "2020-02-01").await.unwrap();
        // The same household stands in all of them: whichever comes later must see what came before.
        let files = (0..4).map(|n| households(n * 500..n * 500 + 501, "一般贫困户"));
        let tasks: Vec<_> = files
            .enumerate()
            .map(|(n, text)| {
                let app = app.clone();
                tokio::spawn(async move {
                    loop {
                        match import(&app, &format!("户{n}.csv"), text.clone(), "2020-02-01").await {
                            Ok(report) => return report,
                            // Beaten three times in a row: the user is asked to try again.
                            Err(IntakeError::Overtaken { .. }) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            })
            .collect();
        let mut new = 0;
        for task in tasks {
            let report = task.await.unwrap();
            assert_eq!(report.rows_held, 0);
            assert_eq!(report.rows_new + report.rows_same + report.rows_changed, 501);
            new += report.rows_new;
        }
        assert_eq!(new, 2001, "a household that two files hold is new once");
        assert_eq!(number(&app, "SELECT COUNT(*) FROM household", args![]).await, 2001);
        let counted = "SELECT CAST(SUM(households) AS BIGINT) FROM register_rollup";
        assert_eq!(number(&app, counted, args![]).await, 2001);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_file_keeps_ids_and_every_old_version_once() {
    each_database(|app| async move {
        import(&app, "区划.csv", DIVISIONS.to_owned(), "2020-01-01").await.unwrap();
        import(&app, "户.csv", households(0..45, "一般贫困户"), "2020-01-01").await.unwrap();
        let first: Vec<(uuid::Uuid,)> =
            app.db.all("SELECT id FROM household ORDER BY household_no", args![]).await.unwrap();
        let report = import(&app, "户2.csv", households(0..45, "低保贫困户"), "2020-02-01").await.unwrap();
        assert_eq!((report.rows_changed, report.rows_new), (45, 0));
        let second: Vec<(uuid::Uuid,)> =
            app.db.all("SELECT id FROM household ORDER BY household_no", args![]).await.unwrap();
        assert_eq!(first, second);
        let kept = "SELECT COUNT(DISTINCT entity_id) FROM record_version WHERE entity = 'household' AND version = 1";
        assert_eq!(number(&app, kept, args![]).await, 45);
        assert_eq!(number(&app, "SELECT COUNT(*) FROM record_version", args![]).await, 45);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_income_of_one_year_leaves_the_other_years_alone() {
    each_database(|app| async move {
        let incomes = |net: u32| {
            format!("户编号,年度,工资性收入,纯收入,家庭人口数\nH1,2018,{net},{net},2\nH1,2019,9000,9000,2\n")
        };
        import(&app, "区划.csv", DIVISIONS.to_owned(), "2020-01-01").await.unwrap();
        import(&app, "户.csv", households(1..2, "一般贫困户"), "2020-01-01").await.unwrap();
        import(&app, "收入.csv", incomes(8000), "2020-01-01").await.unwrap();
        let report = import(&app, "收入2.csv", incomes(8500), "2020-02-01").await.unwrap();
        assert_eq!((report.rows_changed, report.rows_same), (1, 1));
        let kept: Vec<(String, i64)> = app
            .db
            .all("SELECT data, version FROM record_version WHERE entity = 'household_income'", args![])
            .await
            .unwrap();
        assert_eq!(kept.len(), 1, "{kept:?}");
        assert!(kept[0].0.contains("\"year\":2018"), "{kept:?}");
        let year = "SELECT version FROM household_income WHERE year = $1";
        assert_eq!(number(&app, year, args![2018_i64]).await, 2);
        assert_eq!(number(&app, year, args![2019_i64]).await, 1);
    })
    .await;
}
