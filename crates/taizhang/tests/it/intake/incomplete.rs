//! Rows that lack what the register knows, days that cannot be, and files that must not be overwritten.

use std::process::Command;

use axum::http::StatusCode;
use taizhang::access::Role;
use taizhang::args;
use taizhang::intake::{self, ImportOptions};
use taizhang::platform::UserError;
use taizhang::platform::jobs::Progress;

use super::{DIVISIONS, Desk, HOUSEHOLDS, PERSON_HEADS, count, hits, id, person, persons};
use crate::support::http::TestApp;
use crate::support::{each_database, machine};

#[tokio::test]
async fn a_line_that_is_cut_off_is_held_and_empties_nothing() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.base(&app).await;
        let cut = HOUSEHOLDS.replace("H2,张桂兰,1,13900000002,低保贫困户,否", "H2,张桂兰,1");
        let report = desk.import(&app, "户2.csv", &cut).await.unwrap();
        assert_eq!((report.rows_held, report.rows_changed, report.rows_same), (1, 0, 2));
        assert_eq!(hits(&report).get("row.short"), Some(&1));
        let (kind, phone): (String, Option<Vec<u8>>) =
            app.db.one("SELECT kind, phone_enc FROM household WHERE household_no = 'H2'", args![]).await.unwrap();
        assert!(kind.contains("低保") && phone.is_some(), "{kind}");
        let (value, household, line): (String, String, i64) = app
            .db
            .one("SELECT value_masked, household_no, line FROM import_issue WHERE rule_id = 'row.short'", args![])
            .await
            .unwrap();
        assert_eq!((value.as_str(), household.as_str(), line), ("8 / 11", "H2", 3));
        // Empty cells that are there are no fault.
        let whole = HOUSEHOLDS.replace("H2,张桂兰,1,13900000002,低保贫困户,否", "H2,张桂兰,1,,,");
        let report = desk.import(&app, "户3.csv", &whole).await.unwrap();
        assert_eq!((report.rows_held, report.rows_changed), (0, 1));
    })
    .await;
}

#[tokio::test]
async fn a_formula_without_a_stored_value_is_not_empty() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.import(&app, "区划.csv", DIVISIONS).await.unwrap();
        let path = desk.folder.path().join("户.xlsx");
        let text = |place: &str, text: &str| format!(r#"<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>"#);
        let row = |at: u32, cells: &[&str], last: &str| {
            let cells: String =
                cells.iter().zip('A'..).map(|(cell, column)| text(&format!("{column}{at}"), cell)).collect();
            format!(r#"<row r="{at}">{cells}{last}</row>"#)
        };
        let sheet = format!(
            r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}{}{}{}{}</sheetData></worksheet>"#,
            row(1, &["县", "乡", "村", "户编号", "户主姓名", "家庭人口数", "户类型"], ""),
            row(2, &["甲县", "东乡", "石村", "H1", "王建国"], r#"<c r="F2"><f>1+2</f><v>3</v></c>"#),
            row(3, &["甲县", "东乡", "石村", "H2", "张桂兰"], r#"<c r="F3"><f>1+2</f></c>"#),
            row(4, &["甲县", "东乡", "石村", "H3", "陈大力"], r#"<c r="F4"><f>1+2</f><v></v></c>"#),
            // A text that was calculated and is empty is a value.
            row(5, &["甲县", "东乡", "石村", "H4", "李某", "2"], r#"<c r="G5" t="str"><f>""</f><v></v></c>"#),
        );
        super::files::raw_book(&path, Some(&sheet));
        let report =
            intake::import_file(&app, &machine(), &path, ImportOptions::default(), &Progress::default()).await.unwrap();
        assert_eq!((report.rows_new, report.rows_held, report.formulas), (2, 2, 4), "{report:?}");
        assert_eq!(hits(&report).get("row.formula_empty"), Some(&2));
        let lines: Vec<(i64, String)> = app
            .db
            .all("SELECT line, field FROM import_issue WHERE rule_id = 'row.formula_empty' ORDER BY line", args![])
            .await
            .unwrap();
        assert_eq!(lines, [(3, "家庭人口数".to_owned()), (4, "家庭人口数".to_owned())]);
    })
    .await;
}

#[tokio::test]
async fn a_newer_row_without_an_id_number_takes_none_away() {
    each_database(|app| async move {
        let desk = Desk::new();
        let known = "SELECT id_kind, id_index, sex, birth_date, version, id_enc FROM person WHERE person_no = 'P1'";
        type Known = (String, Option<i64>, String, String, i64, Option<Vec<u8>>);
        desk.base(&app).await;
        let before: Known = app.db.one(known, args![]).await.unwrap();
        let number = id("19650312", 11);
        let without = persons().replace(&format!("王建国,男,{number}"), "王建国,,");
        let report = desk.import(&app, "人2.csv", &without).await.unwrap();
        assert_eq!((report.rows_changed, report.rows_held), (1, 0));
        assert_eq!(hits(&report).get("person.id_kept"), Some(&1));
        let after: Known = app.db.one(known, args![]).await.unwrap();
        assert_eq!((after.4, before.4), (2, 1));
        assert_eq!((&after.0, after.1, &after.2, &after.3), (&before.0, before.1, &before.2, &before.3));
        assert_eq!(app.vault.open_text("person.id", &after.5.unwrap()).unwrap(), number);
        // Another number takes its place; nobody's number is kept where there never was one.
        let other = id("19650313", 12);
        desk.import(&app, "人3.csv", persons().replace(&number, &other)).await.unwrap();
        let after: Known = app.db.one(known, args![]).await.unwrap();
        assert_eq!(app.vault.open_text("person.id", &after.5.unwrap()).unwrap(), other);
        let nobody = |name: &str| format!("{PERSON_HEADS}\n{}", person("H1", "P9", name, "女", "", "其他"));
        desk.import(&app, "人4.csv", nobody("某某")).await.unwrap();
        let report = desk.import(&app, "人5.csv", nobody("某甲")).await.unwrap();
        assert_eq!((report.rows_changed, hits(&report).get("person.id_kept")), (1, None));
    })
    .await;
}

#[tokio::test]
async fn a_day_or_a_kind_that_cannot_be_is_refused() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.import(&app, "区划.csv", DIVISIONS).await.unwrap();
        for (name, day) in [("户.csv", Some("2020-02-21")), ("户.csv", Some("1948-12-31")), ("户20200301.csv", None)]
        {
            let error = desk.import_as(&app, &machine(), name, HOUSEHOLDS, day).await.unwrap_err();
            assert_eq!(error.code(), "intake.day", "{name} {day:?}: {error}");
        }
        let mut clerk = TestApp::new(&app).login(Role::CountyStaff, "990101").await;
        for (kind, day, word) in [
            ("", "2020-02-21", "2020-02-21"),
            ("", "1948-12-31", "1948-12-31"),
            ("", "昨天", "昨天"),
            ("animals", "", "animals"),
        ] {
            let fields = [("kind", kind), ("as_of", day), ("purpose", "")];
            let refused = clerk.upload("/imports", &fields, ("file", "户.csv", HOUSEHOLDS.as_bytes())).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{kind} {day}");
            assert!(refused.body.contains(word), "{kind} {day}: {}", refused.body);
        }
        assert_eq!((count(&app, "household").await, count(&app, "import").await), (0, 1));
        assert_eq!(std::fs::read_dir(app.folder.join("imports")).unwrap().count(), 0, "no copy is left");
        let fields = [("kind", "household"), ("as_of", "2020-02-20"), ("purpose", "")];
        let heads = HOUSEHOLDS.lines().next().unwrap();
        let staged = clerk.upload("/imports", &fields, ("file", "户.csv", heads.as_bytes())).await;
        assert_eq!(staged.status, StatusCode::SEE_OTHER, "{}", staged.body);
        let place = staged.location().to_owned();
        assert!(clerk.get(&place).await.body.contains("没有数据行"));
    })
    .await;
}

#[test]
fn the_command_line_overwrites_no_file_and_names_what_is_none() {
    let home = tempfile::tempdir().unwrap();
    let taizhang = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_taizhang"))
            .args(args)
            .current_dir(home.path())
            .env("TAIZHANG_DATA", home.path().join("data"))
            .env("LANG", "en_GB.UTF-8")
            .env_remove("LC_ALL")
            .env_remove("TAIZHANG_DATABASE")
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    };
    assert_eq!(taizhang(&["init"]).0, Some(0));
    let source = home.path().join("区划.csv");
    std::fs::write(&source, DIVISIONS).unwrap();
    let (code, said) = taizhang(&["import", "区划.csv", "--issues", "区划.csv"]);
    assert!(code == Some(2) && said.contains("区划.csv exists"), "{code:?} {said}");
    assert_eq!(std::fs::read_to_string(&source).unwrap(), DIVISIONS);
    // Of several files each has its own workbook; the second of them is there.
    std::fs::write(home.path().join("疑点-2.xlsx"), "").unwrap();
    std::fs::write(home.path().join("户.csv"), HOUSEHOLDS).unwrap();
    let (code, said) = taizhang(&["import", "区划.csv", "户.csv", "--issues", "疑点.xlsx"]);
    assert!(code == Some(2) && said.contains("疑点-2.xlsx exists"), "{code:?} {said}");
    let heads = DIVISIONS.lines().next().unwrap();
    std::fs::write(home.path().join("空表.csv"), heads).unwrap();
    let (code, said) = taizhang(&["import", "空表.csv", "--issues", "疑点.xlsx"]);
    assert!(code == Some(0) && said.contains("no rows of data") && home.path().join("疑点.xlsx").exists(), "{said}");
    let (code, said) = taizhang(&["import", "区划.csv", "--as-of", "2999-01-01"]);
    assert!(code == Some(2) && said.contains("2999-01-01"), "{code:?} {said}");
    #[cfg(unix)]
    {
        let (code, said) = taizhang(&["import", "/dev/null"]);
        assert!(code == Some(2) && said.contains("/dev/null is a device or a pipe"), "{code:?} {said}");
    }
}
