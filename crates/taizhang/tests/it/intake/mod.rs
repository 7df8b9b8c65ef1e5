//! Registry files into the register: shapes, rules, versions, scope, bad input; on both databases.

mod files;
mod incomplete;
mod organisations;
mod pages;
mod rules;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use taizhang::access::{Actor, Role, Scope};
use taizhang::args;
use taizhang::intake::{self, ImportOptions, ImportReport, IntakeError, Kind, reader};
use taizhang::platform::App;
use taizhang::platform::jobs::Progress;

use crate::support::{each_database, machine};

/// A valid ID number of area, birth date and sequence.
fn id(birth: &str, sequence: u32) -> String {
    let head = format!("990101{birth}{sequence:03}");
    let check = codes::citizen_id::check_char(&head).unwrap();
    format!("{head}{check}")
}

const DIVISIONS: &str = "行政区划代码,名称,上级代码,级别
99,测试省,,1
9901,测试市,99,2
990101,甲县,9901,3
990101001,东乡,990101,4
990101001001,石村,990101001,5
990102,乙县,9901,3
990102001,西乡,990102,4
990102001001,水村,990102001,5
";
const HOUSEHOLDS: &str = "省,市,县,乡,村,户编号,户主姓名,家庭人口数,户联系电话,户类型,是否危房户
测试省,测试市,甲县,东乡,石村,H1,王建国,3,13900000001,一般贫困户,否
测试省,测试市,甲县,东乡,石村,H2,张桂兰,1,13900000002,低保贫困户,否
测试省,测试市,乙县,西乡,水村,H3,陈大力,2,13900000003,一般贫困户,否
";
const PERSON_HEADS: &str = "户编号,人口编号,姓名,性别,证件号码,与户主关系,文化程度,健康状况,劳动技能,\
是否参加城乡居民基本医疗保险,出生日期";

fn person(household: &str, no: &str, name: &str, sex: &str, id: &str, relation: &str) -> String {
    format!("{household},{no},{name},{sex},{id},{relation},初中,健康,普通劳动力,是,\n")
}

fn persons() -> String {
    format!(
        "{PERSON_HEADS}\n{}{}{}{}",
        person("H1", "P1", "王建国", "男", &id("19650312", 11), "户主"),
        person("H1", "P2", "李秀英", "女", &id("19670708", 22), "配偶"),
        person("H1", "P3", "王小明", "男", &id("19900101", 33), "之子"),
        person("H2", "P4", "张桂兰", "女", &id("19500520", 44), "户主"),
    )
}

/// Files in a folder of their own, brought in one by one.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        reader::set_program(PathBuf::from(env!("CARGO_BIN_EXE_taizhang")));
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    async fn import(&self, app: &App, name: &str, text: impl AsRef<[u8]>) -> Result<ImportReport, IntakeError> {
        self.import_as(app, &machine(), name, text, None).await
    }

    async fn import_as(
        &self,
        app: &App,
        actor: &Actor,
        name: &str,
        text: impl AsRef<[u8]>,
        day: Option<&str>,
    ) -> Result<ImportReport, IntakeError> {
        let path = self.file(name, text);
        let options = ImportOptions {
            as_of: day.map(|d| d.parse().unwrap()),
            purpose: "测试".to_owned(),
            ..ImportOptions::default()
        };
        intake::import_file(app, actor, &path, options, &Progress::default()).await
    }

    /// Divisions, households and persons.
    async fn base(&self, app: &App) {
        self.import(app, "区划.csv", DIVISIONS).await.unwrap();
        self.import(app, "户.csv", HOUSEHOLDS).await.unwrap();
        self.import(app, "人.csv", persons()).await.unwrap();
    }
}

async fn count(app: &App, table: &'static str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM {table}");
    let (n,): (i64,) = app.db.one(sqlx::AssertSqlSafe(sql), args![]).await.unwrap();
    n
}

fn hits(report: &ImportReport) -> BTreeMap<&str, i64> {
    report.rules.iter().map(|(rule, _, n)| (rule.as_str(), *n)).collect()
}

fn clerk(division: &str) -> Actor {
    Actor { role: Role::CountyStaff, scope: Scope::subtree(division), is_machine: false, ..machine() }
}

/// The registry's files of a synthetic province in a folder, with the truth of what is wrong in them.
fn province(folder: &Path, persons: u64) -> Vec<PathBuf> {
    let config = synth::Config { persons, ..synth::Config::default() };
    let manifest = synth::write_province(&config, folder, synth::Shape::Demo, &mut |_| {}).unwrap();
    let registry = ["divisions", "household", "person", "income", "monitor", "helper", "team"];
    let files: Vec<PathBuf> =
        manifest.files.iter().filter(|f| registry.contains(&f.kind.as_str())).map(|f| folder.join(&f.path)).collect();
    assert_eq!(files.len(), 7, "{:?}", manifest.files);
    files
}

#[tokio::test]
async fn a_whole_registry_goes_in_and_every_planted_defect_is_found() {
    let desk = Desk::new();
    let files = province(desk.folder.path(), 3_000);
    each_database(|app| {
        let files = files.clone();
        let folder = desk.folder.path().to_owned();
        async move {
            let actor = machine();
            let ordered = intake::in_order(files.clone(), None).await.unwrap();
            let kinds: Vec<Kind> = ordered.iter().map(|(kind, _)| *kind).collect();
            assert_eq!(kinds, Kind::ALL[..7], "each file is known by its headers");
            let options = ImportOptions::default();
            let reports =
                intake::import_batch(&app, &actor, ordered.clone(), &options, &Progress::default()).await.unwrap();
            for report in &reports {
                assert_eq!(report.rows_new + report.rows_held, report.rows_total, "{report:?}");
                assert!(report.rows_new > 0);
            }
            assert_eq!(count(&app, "household").await, reports[1].rows_new);
            assert_eq!(count(&app, "person").await, reports[2].rows_new);
            assert_eq!(count(&app, "import_held_row").await, reports.iter().map(|r| r.rows_held).sum::<i64>());
            let (households, persons): (i64, i64) = app
                .db
                .one(
                    "SELECT CAST(SUM(households) AS BIGINT), CAST(SUM(persons) AS BIGINT) FROM register_rollup",
                    args![],
                )
                .await
                .unwrap();
            assert_eq!((households, persons), (reports[1].rows_new, reports[2].rows_new));

            let issues: Vec<(String, String)> =
                app.db.all("SELECT rule_id, household_no FROM import_issue", args![]).await.unwrap();
            let found: HashSet<(&str, &str)> = issues.iter().map(|(r, h)| (r.as_str(), h.as_str())).collect();
            let truth = std::fs::read_to_string(folder.join("truth/truth_quality.csv"))
                .or_else(|_| std::fs::read_to_string(folder.join("truth/quality.csv")))
                .unwrap();
            let (mut planted, mut missed, mut seen) = (0, Vec::new(), HashSet::new());
            for line in truth.lines().skip(1) {
                let cells: Vec<&str> = line.split(',').collect();
                let (defect, household) = (cells[2], cells[4]);
                let rule = taizhang::cli::truth::PLANTED.iter().find(|(d, _)| *d == defect).map(|(_, r)| *r).unwrap();
                planted += 1;
                seen.insert(rule);
                if !found.contains(&(rule, household)) {
                    missed.push((defect, household));
                }
            }
            assert!(planted > 40 && seen.len() > 20, "{planted} planted of {} rules", seen.len());
            assert_eq!(missed, Vec::new(), "of {planted}");

            // The same files again, and one re-encoded under another name, change nothing.
            let before = count(&app, "record_version").await;
            let again = intake::import_batch(&app, &actor, ordered, &options, &Progress::default()).await.unwrap();
            assert!(again.iter().all(|r| r.already.is_some()));
            let persons = files
                .iter()
                .find(|p| p.extension().is_some_and(|e| e == "csv") && p.to_string_lossy().contains("成员"))
                .unwrap();
            let (text, _, lost) = encoding_rs::GBK.decode(&std::fs::read(persons).unwrap()).into_owned_parts();
            assert!(!lost);
            let copy = folder.join("copy.csv");
            std::fs::write(&copy, format!("\u{feff}{text}")).unwrap();
            let day = reports[2].as_of.parse().unwrap();
            let options = ImportOptions { as_of: Some(day), ..ImportOptions::default() };
            let copied = intake::import_file(&app, &actor, &copy, options, &Progress::default()).await.unwrap();
            assert_eq!((copied.rows_new, copied.rows_changed), (0, 0));
            assert_eq!(copied.rows_same, reports[2].rows_new);
            assert_eq!(count(&app, "record_version").await, before);
        }
    })
    .await;
}

/// Decoded text with what it was decoded from given up.
trait IntoOwnedParts {
    fn into_owned_parts(self) -> (String, &'static encoding_rs::Encoding, bool);
}

impl IntoOwnedParts for (std::borrow::Cow<'_, str>, &'static encoding_rs::Encoding, bool) {
    fn into_owned_parts(self) -> (String, &'static encoding_rs::Encoding, bool) {
        (self.0.into_owned(), self.1, self.2)
    }
}

#[tokio::test]
async fn a_newer_file_makes_versions_and_an_older_one_overwrites_nothing() {
    each_database(|app| async move {
        let desk = Desk::new();
        let actor = machine();
        desk.import(&app, "区划.csv", DIVISIONS).await.unwrap();
        let first = desk.import_as(&app, &actor, "户.csv", HOUSEHOLDS, Some("2020-01-31")).await.unwrap();
        assert_eq!((first.rows_new, first.rows_held), (3, 0));
        let newer = HOUSEHOLDS.replace("H2,张桂兰,1,13900000002", "H2,张桂兰,2,13900000009");
        let second = desk.import_as(&app, &actor, "户2.csv", &newer, Some("2020-02-19")).await.unwrap();
        assert_eq!((second.rows_new, second.rows_changed, second.rows_same), (0, 1, 2));
        let (version, members, line, as_of): (i64, i64, i64, String) = app
            .db
            .one("SELECT version, member_count, line, as_of FROM household WHERE household_no = 'H2'", args![])
            .await
            .unwrap();
        assert_eq!((version, members, line, as_of.as_str()), (2, 2, 3, "2020-02-19"));
        let (old, by, data): (i64, uuid::Uuid, String) =
            app.db.one("SELECT version, superseded_by, data FROM record_version", args![]).await.unwrap();
        assert_eq!((old, by), (1, second.id));
        assert!(data.contains("\"member_count\":1") && !data.contains("13900000002"), "{data}");

        let older = HOUSEHOLDS.replace("H2,张桂兰,1", "H2,张桂兰,5");
        let third = desk.import_as(&app, &actor, "户0.csv", &older, Some("2019-12-31")).await.unwrap();
        assert_eq!((third.rows_new, third.rows_changed, third.rows_same), (0, 0, 3));
        assert_eq!(hits(&third).get("row.older"), Some(&1));
        let (members,): (i64,) =
            app.db.one("SELECT member_count FROM household WHERE household_no = 'H2'", args![]).await.unwrap();
        assert_eq!(members, 2);
    })
    .await;
}

#[tokio::test]
async fn rows_in_error_are_held_and_come_in_when_the_cause_is_gone() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.import(&app, "区划.csv", DIVISIONS).await.unwrap();
        let households = HOUSEHOLDS.lines().take(2).collect::<Vec<_>>().join("\n");
        desk.import(&app, "户.csv", &households).await.unwrap();
        let people = persons();
        let first = desk.import(&app, "人.csv", &people).await.unwrap();
        assert_eq!((first.rows_new, first.rows_held), (3, 1));
        assert_eq!(hits(&first).get("row.household_unknown"), Some(&1));
        let (sealed,): (Vec<u8>,) = app.db.one("SELECT raw_enc FROM import_held_row", args![]).await.unwrap();
        let plain = app.vault.open_text("import_held_row.raw", &sealed).unwrap();
        assert!(plain.contains("张桂兰") && !String::from_utf8_lossy(&sealed).contains("张桂兰"));
        // The household comes; the very same file of persons is then worth reading again.
        desk.import(&app, "户2.csv", HOUSEHOLDS).await.unwrap();
        let second = desk.import(&app, "人.csv", &people).await.unwrap();
        assert_eq!((second.already, second.rows_new, second.rows_same, second.rows_held), (None, 1, 3, 0));
        let third = desk.import(&app, "人.csv", &people).await.unwrap();
        assert_eq!(third.already, Some(second.id));

        let lost = HOUSEHOLDS.replace("石村,H1", "无名村,H9");
        let report = desk.import(&app, "户3.csv", &lost).await.unwrap();
        assert_eq!(hits(&report).get("row.village_unknown"), Some(&1));
        assert_eq!(report.rows_held, 1);
    })
    .await;
}

#[tokio::test]
async fn id_numbers_in_every_form_are_read_and_damaged_ones_held() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.import(&app, "区划.csv", DIVISIONS).await.unwrap();
        desk.import(&app, "户.csv", HOUSEHOLDS).await.unwrap();
        let whole = id("19650312", 11);
        let x = (1..).map(|n| id("19700101", n)).find(|i| i.ends_with('X')).unwrap();
        let old = id("19670708", 22);
        let wide: String = id("19900101", 33).chars().map(|c| char::from_u32(c as u32 - 0x30 + 0xff10).unwrap_or(c)).collect();
        let wide = if id("19900101", 33).ends_with('X') { id("19900101", 33) } else { wide };
        let rows = [
            ("A1", whole.clone(), None),
            ("A2", x.to_lowercase(), None),
            ("A3", format!("{}{}", &old[..6], &old[8..17]), None),
            ("A4", wide, None),
            ("A5", format!("\"=\"\"{}\"\"\"", id("19800203", 5)), None),
            ("A6", format!("'{} ", id("19810203", 6)), None),
            ("A7", format!("{}43", id("19820203", 7)), None),
            ("A8", format!("{}43B1", id("19830203", 8)), None),
            ("B1", "3.40323E+17".to_owned(), Some("person.id_excel")),
            ("B2", "990101198402030000".to_owned(), Some("person.id_excel")),
            ("B3", "12345".to_owned(), Some("person.id_length")),
            ("B4", format!("{}99", id("19850203", 9)), Some("person.id_disability")),
            ("B5", id("18850203", 9), Some("person.id_birth")),
            ("B6", id("20990203", 9), Some("person.id_future")),
            ("B7", id("19991301", 9), Some("person.id_birth")),
            ("B8", whole.clone(), Some("person.id_duplicate")),
        ];
        let mut text = format!("{PERSON_HEADS}\n");
        for (no, number, _) in &rows {
            text.push_str(&person("H1", no, "某某", "", number, "其他"));
        }
        let report = desk.import_as(&app, &machine(), "人.csv", &text, Some("2020-02-20")).await.unwrap();
        let held: Vec<(String, String, String, i64)> = app
            .db
            .all(
                "SELECT person_no, rule_id, value_masked, line FROM import_issue WHERE severity = 'error' ORDER BY person_no",
                args![],
            )
            .await
            .unwrap();
        let expected: Vec<(&str, &str)> = rows.iter().filter_map(|(no, _, rule)| rule.map(|r| (*no, r))).collect();
        let got: Vec<(&str, &str)> = held.iter().map(|(no, rule, ..)| (no.as_str(), rule.as_str())).collect();
        assert_eq!(got, expected);
        for (no, _, value, line) in &held {
            assert!(!rows.iter().any(|(_, number, _)| number.len() > 15 && value == number), "{no} shows {value}");
            assert!(*line > 1);
        }
        assert_eq!((report.rows_new, report.rows_held), (8, 8));
        // The 15-digit number is the same person as its long form.
        let (index,): (Option<i64>,) =
            app.db.one("SELECT id_index FROM person WHERE person_no = 'A3'", args![]).await.unwrap();
        assert_eq!(index, Some(app.vault.index("citizen_id", &old)));
        let (kind, sealed): (String, Vec<u8>) =
            app.db.one("SELECT id_kind, id_enc FROM person WHERE person_no = 'A8'", args![]).await.unwrap();
        assert_eq!(kind, "disability22");
        assert!(app.vault.open_text("person.id", &sealed).unwrap().ends_with("43B1"));
    })
    .await;
}

#[tokio::test]
async fn a_county_writes_only_its_own_county() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.base(&app).await;
        let other = clerk("990102");
        // Rows of the other county, and a household of the other county under a village of the own one.
        let taken = HOUSEHOLDS.replace("甲县,东乡,石村,H2", "乙县,西乡,水村,H2");
        let report = desk.import_as(&app, &other, "户9.csv", &taken, Some("2020-02-20")).await.unwrap();
        assert_eq!((report.rows_held, report.rows_changed), (2, 0));
        assert_eq!(hits(&report).get("row.outside_scope"), Some(&2));
        let (division, as_of): (String, String) =
            app.db.one("SELECT division_code, as_of FROM household WHERE household_no = 'H2'", args![]).await.unwrap();
        assert_eq!(division, "990101001001");
        assert_ne!(as_of, "2020-03-01");
        // A household elsewhere is as if it were not there.
        let people = format!("{PERSON_HEADS}\n{}", person("H1", "P9", "王某", "男", &id("19770101", 9), "其他"));
        let report = desk.import_as(&app, &other, "人9.csv", &people, None).await.unwrap();
        assert_eq!(hits(&report).get("row.household_unknown"), Some(&1));
        // Nor may a person be taken from there.
        let people = format!("{PERSON_HEADS}\n{}", person("H3", "P1", "王建国", "男", &id("19650312", 11), "户主"));
        let report = desk.import_as(&app, &other, "人8.csv", &people, None).await.unwrap();
        assert_eq!(hits(&report).get("row.outside_scope"), Some(&1));
        // What the register-wide rules find elsewhere is not told here.
        let (elsewhere,): (i64,) = app
            .db
            .one(
                "SELECT COUNT(*) FROM import_issue i JOIN import m ON m.id = i.import_id
                 WHERE m.division_code = '990102' AND i.rule_id LIKE 'register.%' AND i.division_code LIKE '990101%'",
                args![],
            )
            .await
            .unwrap();
        assert_eq!(elsewhere, 0);
        assert!(matches!(
            desk.import_as(&app, &Actor { role: Role::Helper, ..other }, "人7.csv", &people, None).await,
            Err(IntakeError::Forbidden)
        ));
    })
    .await;
}
