//! Lists of problems that others hand down: read, put on the books, joined by people alone.

use std::path::PathBuf;

use axum::http::StatusCode;
use taizhang::access::{Actor, Role, audit};
use taizhang::args;
use taizhang::intake::{self, ImportOptions};
use taizhang::ledger::model::{Action, Step};
use taizhang::ledger::problems::model::{About, Kind, Looked, ProblemError, Received};
use taizhang::ledger::problems::{self, Verdict};
use taizhang::ledger::{self};
use taizhang::platform::jobs::Progress;
use taizhang::platform::{App, Lang, UserError, ids};
use taizhang::road;
use uuid::Uuid;

use crate::support::http::TestApp;
use crate::support::{each_database, machine};
use crate::world::{self, OTHER, VILLAGE};

const LIST: &str = "云岭县2019年成效考核反馈问题清单
填报单位：省考核办\t填报日期：2020年2月10日
序号,乡(镇),村,户编号,问题类别,存在的问题,整改措施,牵头单位,责任单位,责任人,整改时限,整改情况
1,新桥镇,石门村,,饮水安全,石门村饮水工程水质检测不合格,更换净水设备并重新检测,水利局,新桥镇政府,王镇长,2020年3月31日,正在招标
2,新桥镇,石门村,H1、H2,住房安全,两户仍住危房未改造,立即改造,住建局,,,立行立改,
3,新桥镇,无此村,,档案,台账资料不全,补齐,,,,,
4,新桥镇,石门村,H9,档案,该户档案缺失,补齐,,,,,
5,柳河镇,东风村,H1,档案,明白卡填写错误,改正,,,,,
6,新桥镇,石门村,,饮水安全,石门村饮水工程水质检测不合格。,同上,,,,,
7,新桥镇,石门村,,信息,户主赵甲身份证990101197001010028、电话13800138000信息登记有误,改正,,,,2020.2.1,
8,新桥镇,石门村,,信息,联系电话13800138000未更新,改正,,,,长期坚持,
合计,,,,,,,,,,,
审核人：张三,,,,,,,,,,,
";

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

async fn take(app: &App, actor: &Actor, name: &str, text: &str) -> Received {
    let desk = Desk::new();
    let path = desk.file(name, text);
    problems::receive(app, actor, &path, name, &About::default()).await.unwrap()
}

async fn look(app: &App, actor: &Actor, name: &str, text: &str) -> Result<Looked, ProblemError> {
    let desk = Desk::new();
    let path = desk.file(name, text);
    problems::look(app, actor, &path, name, &About::default()).await
}

async fn homes(app: &App) -> (Uuid, Uuid) {
    world::divisions(app).await;
    let (one, _) = world::household(app, 1, VILLAGE, &[""]).await;
    let (two, _) = world::household(app, 2, VILLAGE, &[""]).await;
    (one, two)
}

async fn item_of(app: &App, text: &str) -> Uuid {
    let like = format!("%{text}%");
    let (id,): (Uuid,) = app
        .db
        .one(
            "SELECT p.item_id FROM problem_line l JOIN problem_item p ON p.line_id = l.id
             WHERE l.description LIKE $1 ORDER BY l.recorded_at DESC, l.id DESC LIMIT 1",
            args![like],
        )
        .await
        .unwrap();
    id
}

async fn state(app: &App, id: Uuid) -> (String, String, String) {
    app.db.one("SELECT state, deadline, number FROM item WHERE id = $1", args![id]).await.unwrap()
}

async fn balanced(app: &App) {
    let books = ledger::reconcile(app, &machine(), "").await.unwrap();
    assert!(books.faults.is_empty(), "{books:?}");
    assert_eq!(Some(books.open_by_events), books.open_by_items);
    audit::verify(&app.db).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_goes_on_the_books_or_says_what_is_wrong_with_it() {
    each_database(|app| async move {
        let (one, two) = homes(&app).await;
        let county = world::user(&app, "county", Role::CountyStaff, "990101").await;
        let looked = look(&app, &county, "考核.csv", LIST).await.unwrap();
        assert_eq!(looked.about.kind, Some(Kind::Effectiveness), "the title says so");
        assert_eq!(looked.about.issuer, "省考核办");
        assert_eq!(looked.about.issued_on.unwrap().to_string(), "2020-02-10");
        let held: Vec<(i64, &str, &str, &str)> =
            looked.held.iter().map(|h| (h.line, h.why.as_str(), h.value.as_str(), h.detail.as_str())).collect();
        assert_eq!(
            held,
            [
                (6, "place", "无此村", "新桥镇"),
                (7, "household", "H9", ""),
                (8, "elsewhere", "H1", "石门村"),
                (9, "twice", "石门村饮水工程水质检测不合格。", "4"),
                (10, "due", "2020.2.1", "2020-02-10"),
            ]
        );
        assert!(looked.held[0].reason(Lang::Zh).contains("新桥镇"));
        assert_eq!(looked.held[0].column, "村");
        assert_eq!(world::number(&app, "SELECT COUNT(*) FROM item", args![]).await, 0, "a look writes nothing");

        let done = take(&app, &county, "考核.csv", LIST).await;
        assert_eq!((done.total, done.held, done.new, done.items, done.proposed), (8, 5, 3, 4, 0));
        let water = item_of(&app, "水质").await;
        let whole = ledger::whole(&app, &county, water, Lang::Zh).await.unwrap();
        let item = &whole.item;
        assert_eq!(item.number, "问题-990101-2020-0001");
        assert_eq!((item.source.as_str(), item.ledger.as_str()), ("effectiveness", "problem_rectification"));
        assert_eq!((item.owner_unit.as_str(), item.owner_name.as_str()), ("新桥镇政府", "王镇长"));
        assert_eq!(item.deadline, "2020-03-31");
        let of: Vec<(Uuid, String)> = app
            .db
            .all(
                "SELECT i.household_id, i.deadline FROM item i WHERE i.household_id IS NOT NULL ORDER BY i.household_id",
                args![],
            )
            .await
            .unwrap();
        // 立行立改: the shortest term of the ledger.
        assert_eq!(of, [(one, "2020-02-27".to_owned()), (two, "2020-02-27".to_owned())]);
        let (plain, sealed): (String, Option<Vec<u8>>) = app
            .db
            .one("SELECT description, text_enc FROM problem_line WHERE serial = '8'", args![])
            .await
            .unwrap();
        assert_eq!(plain, "联系电话138****8000未更新");
        let sealed = sealed.unwrap();
        assert_eq!(app.vault.open_text("problem_line.description", &sealed).unwrap(), "联系电话13800138000未更新");
        balanced(&app).await;

        // Another's place is not there.
        let foreign = world::user(&app, "foreign", Role::CountyStaff, "990202").await;
        let looked = look(&app, &foreign, "考核.csv", LIST).await.unwrap();
        assert!(looked.rows.is_empty());
        assert!(looked.held.iter().any(|held| held.why == "outside"));
        let error = problems::document(&app, &foreign, done.document).await.unwrap_err();
        assert_eq!(error.code(), "problem.not_found");
        let officer = world::user(&app, "officer", Role::VillageOfficer, VILLAGE).await;
        assert_eq!(look(&app, &officer, "考核.csv", LIST).await.unwrap_err().code(), "problem.forbidden");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_list_changes_nothing_and_a_newer_one_revises() {
    each_database(|app| async move {
        homes(&app).await;
        let county = world::user(&app, "county", Role::CountyStaff, "990101").await;
        take(&app, &county, "考核.csv", LIST).await;
        let again = take(&app, &county, "考核.csv", LIST).await;
        assert_eq!((again.new, again.revised, again.same, again.items), (0, 0, 3, 0));
        let newer = LIST.replace("正在招标", "设备已安装");
        let newer = take(&app, &county, "考核.csv", &newer).await;
        assert_eq!((newer.new, newer.revised, newer.same, newer.items), (0, 1, 2, 0));
        let water = item_of(&app, "水质").await;
        let whole = ledger::whole(&app, &county, water, Lang::Zh).await.unwrap();
        assert_eq!(whole.item.state, "to_verify", "what a list says closes nothing");
        assert_eq!(whole.events[0].action, "source");
        assert!(whole.events[0].data.contains("设备已安装"));
        // A title of its own is a list of its own.
        let other = take(&app, &county, "审计.csv", LIST).await;
        assert_eq!((other.new, other.items), (3, 4));
        assert!(other.proposed >= 3, "{other:?}");
        balanced(&app).await;
    })
    .await;
}

const AUDIT: &str = "序号,问题来源,村代码,户编号,问题描述,整改时限
1,审计,990101001001,,石门村饮水工程水质检测不合格问题,2020-03-10
2,审计,990101001001,H1,该户住房墙体开裂,
3,看不懂,990101001001,,村务公开不及时,
";

async fn pending(app: &App, actor: &Actor) -> Vec<problems::Pair> {
    problems::pairs(app, actor, "pending", 50, 0).await.unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_one_problem_is_joined_by_people_alone() {
    each_database(|app| async move {
        homes(&app).await;
        let county = world::user(&app, "county", Role::CountyStaff, "990101").await;
        let foreign = world::user(&app, "foreign", Role::CountyStaff, "990202").await;
        take(&app, &county, "考核.csv", LIST).await;
        let water = item_of(&app, "水质").await;
        let done = take(&app, &county, "县审计.csv", AUDIT).await;
        assert_eq!((done.new, done.items, done.held, done.proposed), (2, 2, 1, 2));
        let newer = item_of(&app, "水质检测不合格问题").await;
        let pairs = pending(&app, &county).await;
        let same = pairs.iter().find(|pair| pair.item_id == newer && pair.other_id == water).unwrap();
        assert_eq!(same.why, "text");
        assert!(
            pairs.iter().any(|pair| pair.why == "topic" && pair.item_id != newer),
            "危房 and 墙体 of one household"
        );
        assert!(pending(&app, &foreign).await.is_empty());
        let error = problems::decide(&app, &foreign, same.id, Verdict::Join).await.unwrap_err();
        assert_eq!(error.code(), "problem.not_found");

        problems::decide(&app, &county, same.id, Verdict::Join).await.unwrap();
        problems::decide(&app, &county, same.id, Verdict::Join).await.unwrap();
        assert_eq!(state(&app, newer).await.0, "cancelled");
        let (now, deadline, _) = state(&app, water).await;
        assert_eq!((now.as_str(), deadline.as_str()), ("to_verify", "2020-03-10"), "the stricter source sets the day");
        let lines: i64 =
            world::number(&app, "SELECT COUNT(*) FROM problem_item WHERE item_id = $1", args![water]).await;
        assert_eq!(lines, 2, "both sources answer to one item");
        balanced(&app).await;

        problems::decide(&app, &county, same.id, Verdict::Apart).await.unwrap();
        assert_eq!(state(&app, newer).await.0, "to_verify");
        let lines = world::number(&app, "SELECT COUNT(*) FROM problem_item WHERE item_id = $1", args![newer]).await;
        assert_eq!(lines, 1);
        let error = problems::decide(&app, &county, same.id, Verdict::Join).await.unwrap_err();
        assert_eq!(error.code(), "problem.decided");
        balanced(&app).await;
    })
    .await;
}

async fn step(app: &App, actor: &Actor, id: Uuid, action: Action) {
    let version = world::number(app, "SELECT version FROM item WHERE id = $1", args![id]).await;
    let step = Step { event_id: ids::new_id(), version, action, note: "如实办理".to_owned() };
    ledger::act(app, actor, id, step).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_cleared_when_every_household_is_and_what_comes_back_is_reopened() {
    each_database(|app| async move {
        homes(&app).await;
        let county = world::user(&app, "county", Role::CountyStaff, "990101").await;
        let officer = world::user(&app, "officer", Role::VillageOfficer, VILLAGE).await;
        let list = take(&app, &county, "考核.csv", LIST).await;
        let rows: Vec<(Uuid,)> = app
            .db
            .all("SELECT id FROM item WHERE household_id IS NOT NULL ORDER BY household_id", args![])
            .await
            .unwrap();
        for (n, (id,)) in rows.iter().enumerate() {
            step(&app, &officer, *id, Action::Start).await;
            step(&app, &officer, *id, Action::Submit).await;
            step(&app, &county, *id, Action::Check).await;
            step(&app, &county, *id, Action::Pass { place: String::new() }).await;
            let (_, progress) = problems::document(&app, &county, list.document).await.unwrap();
            assert_eq!((progress.lines, progress.items, progress.closed), (3, 4, n as i64 + 1));
            assert_eq!(progress.cleared, n as i64, "two households of one row are cleared together");
        }
        take(&app, &county, "县审计.csv", AUDIT).await;
        let pairs = pending(&app, &county).await;
        let back = pairs.iter().find(|pair| pair.other_id == rows[0].0).unwrap();
        problems::decide(&app, &county, back.id, Verdict::Join).await.unwrap();
        let (now, round): (String, i64) =
            app.db.one("SELECT state, round FROM item WHERE id = $1", args![rows[0].0]).await.unwrap();
        assert_eq!((now.as_str(), round), ("to_verify", 2), "反弹: the same number, a new round");
        balanced(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_and_a_list_may_speak_of_one_problem() {
    each_database(|app| async move {
        let (one, _) = homes(&app).await;
        world::signal(&app, "housing.dangerous", "household", one, one, "{\"grade\":\"D\"}").await;
        road::signals_changed(&app, &machine(), &[one]).await.unwrap();
        let county = world::user(&app, "county", Role::CountyStaff, "990101").await;
        let done = take(&app, &county, "考核.csv", LIST).await;
        assert_eq!(done.proposed, 1);
        let pairs = pending(&app, &county).await;
        assert_eq!((pairs.len(), pairs[0].why.as_str(), pairs[0].other_source.as_str()), (1, "topic", "finding"));
        problems::decide(&app, &county, pairs[0].id, Verdict::Join).await.unwrap();
        balanced(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_goes_along_with_its_household() {
    each_database(|app| async move {
        homes(&app).await;
        let county = world::user(&app, "county", Role::CountyStaff, "990101").await;
        take(&app, &county, "考核.csv", LIST).await;
        let desk = Desk::new();
        let path =
            desk.file("户.csv", "省,市,县,乡,村,户编号,户主姓名,家庭人口数\n虚省,云市,云岭县,柳河镇,东风村,H1,赵1,1\n");
        intake::import_file(&app, &machine(), &path, ImportOptions::default(), &Progress::default()).await.unwrap();
        let moved = world::number(&app, "SELECT COUNT(*) FROM item WHERE division_code = $1", args![OTHER]).await;
        assert_eq!(moved, 1);
        balanced(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_no_list_are_refused_with_a_reason() {
    each_database(|app| async move {
        homes(&app).await;
        let county = world::user(&app, "county", Role::CountyStaff, "990101").await;
        for (name, text, code) in [
            ("空.csv", "", "intake.read_empty"),
            ("无列.csv", "序号,乡镇,村\n1,新桥镇,石门村\n", "problem.missing_column"),
            ("清单.csv", "序号,村,问题描述\n1,石门村,档案缺失严重\n", "problem.no_kind"),
        ] {
            let error = look(&app, &county, name, text).await.unwrap_err();
            assert_eq!(error.code(), code, "{name}");
            assert!(error.message(Lang::Zh).contains(name) || code == "problem.no_kind", "{}", error.message(Lang::Zh));
        }
        // Without the ledger in the policy in force nothing is written, and the reader is told.
        let text = taizhang::assess::profile::BUILT_IN
            .replace("problem_rectification", "other_problems")
            .replace("version = 4", "version = 99");
        taizhang::assess::load_profile(&app, &machine(), &text).await.unwrap();
        assert_eq!(look(&app, &county, "考核.csv", LIST).await.unwrap_err().code(), "problem.no_ledger");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_receives_a_list_on_the_pages() {
    each_database(|app| async move {
        homes(&app).await;
        let test = TestApp::new(&app);
        let mut county = test.login(Role::CountyStaff, "990101").await;
        let refused = county.upload("/ledger/problems/preview", &[], ("file", "x.csv", b"a,b\n1,2\n")).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        let shown = county
            .upload("/ledger/problems/preview", &[("title", "2019年成效考核")], ("file", "考核.csv", LIST.as_bytes()))
            .await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
        assert!(shown.body.contains("无此村") && shown.body.contains("登记 4 件"), "{}", shown.body);
        let hidden = |name: &str| {
            let at = format!("name=\"{name}\" value=\"");
            shown.body.split(&at).nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned()
        };
        let names = ["upload", "file", "kind", "title", "issuer", "issued_on", "division"];
        let values = names.map(hidden);
        let fields: Vec<(&str, &str)> = names.iter().copied().zip(values.iter().map(String::as_str)).collect();
        let done = county.post("/ledger/problems", &fields).await;
        assert!(done.location().starts_with("/ledger/problems/"), "{} {}", done.status, done.body);
        let page = county.get(done.location()).await;
        assert!(page.body.contains("2019年成效考核") && page.body.contains("问题-990101-2020-0001"), "{}", page.body);
        let list = county.get("/ledger/problems").await;
        assert!(list.body.contains("0 / 3"), "{}", list.body);
        // The same form once more: the file is gone, and nothing is written twice.
        let again = county.post("/ledger/problems", &fields).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
        county.upload("/ledger/problems/preview", &[], ("file", "县审计.csv", AUDIT.as_bytes())).await;
        let mut officer = test.login(Role::VillageOfficer, VILLAGE).await;
        let own = officer.get(done.location()).await;
        assert_eq!(own.status, StatusCode::NOT_FOUND, "the document is the county's");
        let item = item_of(&app, "水质").await;
        let page = officer.get(&format!("/ledger/{item}")).await;
        assert!(page.body.contains("更换净水设备"), "{}", page.body);
    })
    .await;
}
