//! The pages of the import and the workbook of doubts.

use std::path::Path;

use axum::http::{Method, StatusCode};
use taizhang::access::Role;
use taizhang::args;
use taizhang::intake::{self, workbook};
use taizhang::platform::{Lang, UserError, jobs};

use super::{DIVISIONS, Desk, HOUSEHOLDS, PERSON_HEADS, count, id, person};
use crate::support::http::TestApp;
use crate::support::{self, each_database, machine};

#[tokio::test]
async fn the_workbook_masks_unless_a_reason_is_given() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.import(&app, "区划.csv", DIVISIONS).await.unwrap();
        desk.import(&app, "户.csv", HOUSEHOLDS).await.unwrap();
        let mut wrong = id("19650312", 11);
        wrong.replace_range(16..17, if &wrong[16..17] == "1" { "2" } else { "1" });
        let text = format!(
            "{PERSON_HEADS},成员联系电话\n{}{}",
            person("H1", "P1", "王建国", "男", &wrong, "户主").replace(",\n", ",,1390000000\n"),
            person("H1", "P2", "李秀英", "女", &id("19670708", 22), "配偶").replace(",\n", ",,1390000123\n"),
        );
        let report = desk.import(&app, "人.csv", &text).await.unwrap();
        assert_eq!(report.rows_held, 1);
        let path = desk.folder.path().join("疑点.xlsx");
        workbook::write(&app, &machine(), report.id, Lang::Zh, None, &path).await.unwrap();
        let (sheets, cells) = sheets(&path);
        assert_eq!(sheets[0], "疑点数据统计表");
        assert_eq!(sheets.len(), 1 + report.rules.len(), "a sheet per rule: {sheets:?}");
        assert!(!cells.contains(&wrong) && !cells.contains("1390000123"));
        assert!(cells.contains("990101********") && cells.contains("东乡"));

        let short = workbook::write(&app, &machine(), report.id, Lang::Zh, Some("看"), &path).await.unwrap_err();
        assert_eq!(short.code(), "intake.reason");
        workbook::write(&app, &machine(), report.id, Lang::Zh, Some("乡镇逐条核实"), &path).await.unwrap();
        let (_, cells) = self::sheets(&path);
        assert!(cells.contains(&wrong) && cells.contains("1390000123"));
        let exports: Vec<(String,)> =
            app.db.all("SELECT reason FROM audit WHERE action = 'import.export' ORDER BY seq", args![]).await.unwrap();
        assert_eq!(exports, [(String::new(),), ("乡镇逐条核实".to_owned(),)]);
    })
    .await;
}

/// The names of a workbook's sheets, and all its cells.
fn sheets(path: &Path) -> (Vec<String>, String) {
    use calamine::Reader as _;
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(path).unwrap();
    let names = book.sheet_names().clone();
    let mut cells = String::new();
    for name in &names {
        for (_, _, cell) in book.worksheet_range(name).unwrap().used_cells() {
            cells.push_str(&cell.to_string());
            cells.push('\n');
        }
    }
    (names, cells)
}

#[tokio::test]
async fn the_pages_lead_from_the_upload_to_the_result() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.import(&app, "区划.csv", DIVISIONS).await.unwrap();
        let web = TestApp::new(&app);
        let mut clerk = web.login(Role::CountyStaff, "990101").await;
        let fields = [("kind", ""), ("as_of", ""), ("purpose", "月度更新")];
        let refused = clerk.upload("/imports", &fields, ("file", "x.xlsx", b"%PDF-1.7")).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("PDF"));
        let staged = clerk.upload("/imports", &fields, ("file", "户信息20200215.csv", HOUSEHOLDS.as_bytes())).await;
        assert_eq!(staged.status, StatusCode::SEE_OTHER, "{}", staged.body);
        let place = staged.location().to_owned();
        let preview = clerk.get(&place).await;
        assert_eq!(preview.status, StatusCode::OK);
        assert!(preview.body.contains("王建国") && preview.body.contains("2020-02-15"), "{}", preview.body);
        assert!(!preview.body.contains("13900000001"), "masked");
        assert_eq!(count(&app, "household").await, 0, "nothing before the confirmation");
        let started = clerk.post(&format!("{place}/commit"), &[]).await;
        assert_eq!(started.status, StatusCode::SEE_OTHER);
        let twice = clerk.post(&format!("{place}/commit"), &[]).await;
        assert_eq!(twice.status, StatusCode::CONFLICT);
        let handlers = taizhang::web::job_handlers();
        assert!(jobs::run_next(&app, &handlers).await.unwrap());
        let done = clerk.get(&place).await;
        assert!(done.body.contains("已写入") && done.body.contains("row.outside_scope"), "{}", done.body);
        assert_eq!(count(&app, "household").await, 2, "the other county's row is held back");
        let listed = clerk.get(&format!("{place}?rule=row.outside_scope")).await;
        assert!(listed.body.contains("水村"));
        let book = clerk.get(&format!("{place}/doubts.xlsx")).await;
        assert_eq!(book.status, StatusCode::OK);
        assert!(!book.header("content-disposition").contains("internal"));
        // In full only with a reason, which the audit log keeps.
        assert!(done.body.contains(&format!("action=\"{place}/doubts.xlsx\"")));
        let refused = clerk.post(&format!("{place}/doubts.xlsx"), &[("reason", "看")]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        let book = clerk.post(&format!("{place}/doubts.xlsx"), &[("reason", "乡镇逐条核实")]).await;
        assert_eq!(book.status, StatusCode::OK);
        assert!(book.header("content-disposition").contains("doubts-internal-"));
        let exports: Vec<(String, String)> = app
            .db
            .all("SELECT reason, detail FROM audit WHERE action = 'import.export' ORDER BY seq", args![])
            .await
            .unwrap();
        assert_eq!(exports.iter().map(|e| e.0.as_str()).collect::<Vec<_>>(), ["", "乡镇逐条核实"]);
        assert!(exports[1].1.contains("true") && exports[0].1.contains("false"), "{exports:?}");
        let (reason,): (String,) = app
            .db
            .one("SELECT reason FROM audit WHERE action = 'import.commit' ORDER BY seq DESC LIMIT 1", args![])
            .await
            .unwrap();
        assert_eq!(reason, "月度更新");
        assert_eq!(std::fs::read_dir(app.folder.join("imports")).unwrap().count(), 0, "no copy of the file is left");
        let mut other = web.login(Role::CountyStaff, "990102").await;
        assert_eq!(other.get(&place).await.status, StatusCode::NOT_FOUND);

        // Discarded: gone, and so is a copy that nobody claims.
        let staged = clerk.upload("/imports", &fields, ("file", "户.csv", HOUSEHOLDS.as_bytes())).await;
        let place = staged.location().to_owned();
        std::fs::write(app.folder.join("imports/stray.upload"), "x").unwrap();
        intake::sweep(&app).await.unwrap();
        assert_eq!(std::fs::read_dir(app.folder.join("imports")).unwrap().count(), 1, "the staged one stays");
        clerk.post(&format!("{place}/discard"), &[]).await;
        assert_eq!(std::fs::read_dir(app.folder.join("imports")).unwrap().count(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_file_of_five_megabytes_goes_in_and_a_broken_one_leaves_nothing() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.import(&app, "区划.csv", DIVISIONS).await.unwrap();
        let mut clerk = TestApp::new(&app).login(Role::CountyStaff, "990101").await;
        let folder = app.folder.join("imports");
        let copies = || std::fs::read_dir(&folder).map_or(0, |d| d.count());
        let mut text = HOUSEHOLDS.replace("户类型", "户类型,备注");
        while text.len() < 5 << 20 {
            text.push_str(&"测试省,测试市,甲县,东乡,石村,H9,王建国,3,13900000001,一般贫困户,说明,否\n".repeat(100));
        }
        let fields = [("kind", ""), ("as_of", ""), ("purpose", "月度更新")];
        let staged = clerk.upload("/imports", &fields, ("file", "户.csv", text.as_bytes())).await;
        assert_eq!(staged.status, StatusCode::SEE_OTHER, "{}", staged.body);
        let (bytes,): (i64,) = app.db.one("SELECT bytes FROM import WHERE state = 'staged'", args![]).await.unwrap();
        assert_eq!((bytes, copies()), (text.len() as i64, 1));

        // The connection breaks off in the middle of the file.
        let token = clerk.token().await;
        let head = |name: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"");
        let body = format!("{}\r\n\r\n{token}\r\n{}; filename=\"户.csv\"\r\n\r\n{text}", head("csrf"), head("file"));
        let broken =
            clerk.send(Method::POST, "/imports", Some("multipart/form-data; boundary=b"), body.into_bytes()).await;
        assert!(broken.status.is_client_error(), "{}", broken.status);
        assert_eq!((copies(), count(&app, "import").await), (1, 2), "neither a copy nor an import is left of it");
        // Nor of a file that is no table.
        let refused = clerk.upload("/imports", &fields, ("file", "x.xlsx", b"%PDF-1.7")).await;
        assert_eq!((refused.status, copies()), (StatusCode::UNPROCESSABLE_ENTITY, 1));
    })
    .await;
}

#[tokio::test]
async fn counts_are_true_where_not_every_hit_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let app = support::open(folder.path(), None).await;
    let desk = Desk::new();
    desk.import(&app, "区划.csv", DIVISIONS).await.unwrap();
    let kept = 50_000;
    let more = kept + 123;
    let mut text = "县,乡,村,户编号,户主姓名,家庭人口数\n".to_owned();
    for n in 0..more {
        text.push_str(&format!("甲县,东乡,石村,H{n},王建国,\n"));
    }
    let report = desk.import(&app, "户.csv", text).await.unwrap();
    let rules = ["household.members_zero", "register.persons_none"];
    for rule in rules {
        assert!(report.rules.contains(&(rule.to_owned(), "doubt".to_owned(), more)), "{:?}", report.rules);
    }
    assert_eq!(count(&app, "import_issue").await, 2 * kept, "no more than that are kept");
    assert_eq!(intake::issue_counts(&app, &machine(), report.id).await.unwrap(), report.rules);
    let path = desk.folder.path().join("疑点.xlsx");
    workbook::write(&app, &machine(), report.id, Lang::Zh, None, &path).await.unwrap();
    use calamine::Reader as _;
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(&path).unwrap();
    let counts = book.worksheet_range("疑点数据统计表").unwrap();
    let told: Vec<f64> = counts.rows().filter_map(|r| calamine::DataType::as_f64(r.get(3)?)).collect();
    let each = [more as f64, kept as f64, 123.0];
    assert_eq!(told, [each, each].concat(), "each rule in all, of its township, and not listed");
    let names = book.sheet_names().clone();
    let first = book.worksheet_range(&names[1]).unwrap();
    assert!(
        first.rows().next().unwrap().iter().any(|c| c.to_string().contains("50123")),
        "the sheet says what it leaves out"
    );
}
