//! A list against the register; on both databases.

mod decisions;
mod duplicates;
mod files;
mod matching;
mod models;
mod named;
mod pages;
mod register;
mod reopened;
mod revisions;
mod scope;
mod sources;

use std::collections::HashMap;
use std::path::PathBuf;

use axum::http::StatusCode;
use taizhang::access::{Actor, Role, Scope, audit};
use taizhang::args;
use taizhang::compare::{self, CompareError, CompareOptions, CompareReport, Verdict};
use taizhang::platform::jobs::{self, Progress};
use taizhang::platform::{App, DbError, Lang, ids};
use uuid::Uuid;

use crate::support::http::TestApp;
use crate::support::{each_database, machine};

struct P {
    name: &'static str,
    id: &'static str,
    village: &'static str,
    phone: &'static str,
}

/// A valid ID number of area, birth date and sequence.
fn id(area: &str, birth: &str, sequence: u32) -> String {
    let head = format!("{area}{birth}{sequence:03}");
    let check = codes::citizen_id::check_char(&head).unwrap();
    format!("{head}{check}")
}

struct Village {
    folder: tempfile::TempDir,
    persons: HashMap<&'static str, (Uuid, Uuid, String)>,
    files: std::cell::Cell<u32>,
}

const DIVISIONS: &[(&str, &str, &str, i64)] = &[
    ("99", "测试省", "", 1),
    ("9901", "测试市", "99", 2),
    ("990101", "甲县", "9901", 3),
    ("990101001", "东乡", "990101", 4),
    ("990101001001", "石村", "990101001", 5),
    ("990102", "乙县", "9901", 3),
    ("990102001", "西乡", "990102", 4),
    ("990102001001", "水村", "990102001", 5),
];

/// Two counties with a village each; in every village a household of three and one of one, and a helper.
async fn village(app: &App) -> Village {
    let people: Vec<(u32, P, String)> = vec![
        (
            1,
            P { name: "王建国", id: "19650312", village: "990101001001", phone: "13900000001" },
            id("990101", "19650312", 11),
        ),
        (1, P { name: "李秀英", id: "19670708", village: "990101001001", phone: "" }, id("990101", "19670708", 22)),
        (
            1,
            P { name: "王小明", id: "19900101", village: "990101001001", phone: "13900000003" },
            id("990101", "19900101", 33),
        ),
        (
            2,
            P { name: "张桂兰", id: "19500520", village: "990101001001", phone: "13900000004" },
            id("990101", "19500520", 44),
        ),
        (
            3,
            P { name: "陈大力", id: "19720202", village: "990102001001", phone: "13900000005" },
            id("990102", "19720202", 55),
        ),
        (3, P { name: "陈小花", id: "20050606", village: "990102001001", phone: "" }, id("990102", "20050606", 66)),
    ];
    let mut persons = HashMap::new();
    let mut households: HashMap<u32, Uuid> = HashMap::new();
    let import = ids::new_id();
    let mut statements: Vec<(&'static str, Vec<taizhang::platform::Value>)> = Vec::new();
    for (code, name, parent, level) in DIVISIONS {
        let full: String = DIVISIONS.iter().filter(|(c, ..)| code.starts_with(c)).map(|(_, n, ..)| *n).collect();
        statements.push((
            "INSERT INTO division (code, name, full_name, parent_code, level) VALUES ($1, $2, $3, $4, $5)",
            args![*code, *name, full, *parent, *level],
        ));
    }
    for (number, p, id_number) in &people {
        let first = !households.contains_key(number);
        let household = *households.entry(*number).or_insert_with(ids::new_id);
        if first {
            statements.push((
                "INSERT INTO household (id, household_no, division_code, head_name, member_count, attrs, version,
                     fingerprint, import_id, sheet, line, as_of, recorded_at)
                 VALUES ($1, $2, $3, $4, 3, '{}', 1, 1, $5, '', 1, '2020-01-01', 1)",
                args![household, format!("H{number}"), p.village, p.name, import],
            ));
        }
        let person = ids::new_id();
        let folded = codes::name::fold(p.name);
        let phone = (!p.phone.is_empty()).then(|| app.vault.seal("person.phone", p.phone.as_bytes()).unwrap());
        let male = id_number.as_bytes()[16] % 2 == 1;
        statements.push((
            "INSERT INTO person (id, person_no, household_id, division_code, name, name_folded, pinyin, initials, sex,
                 birth_date, id_kind, id_enc, id_index, phone_enc, phone_index, relation, is_head, attrs, version,
                 fingerprint, import_id, sheet, line, as_of, recorded_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, '', $8, $9, 'citizen', $10, $11, $12, $13, '户主', $14, '{}', 1, 1, $15,
                 '', 1, '2020-01-01', 1)",
            args![
                person,
                format!("P-{}", p.name),
                household,
                p.village,
                p.name,
                &folded,
                codes::name::pinyin(&folded),
                if male { "male" } else { "female" },
                format!("{}-{}-{}", &p.id[..4], &p.id[4..6], &p.id[6..]),
                app.vault.seal("person.id", id_number.as_bytes()).unwrap(),
                app.vault.index("citizen_id", id_number),
                phone,
                (!p.phone.is_empty()).then(|| app.vault.index("phone", p.phone)),
                first,
                import
            ],
        ));
        persons.insert(p.name, (person, household, id_number.clone()));
    }
    let helper_id = id("990101", "19850808", 77);
    for household in [households[&1], households[&2]] {
        statements.push((
            "INSERT INTO helper (id, household_id, division_code, name, name_folded, sex, unit, id_index, phone_enc,
                 phone_index, start_date, end_date, attrs, version, fingerprint, import_id, sheet, line, as_of, recorded_at)
             VALUES ($1, $2, '990101001001', '赵帮扶', '赵帮扶', 'male', '县财政局', $3, $4, $5, '', '', '{}', 1, 1, $6, '', 1,
                 '2020-01-01', 1)",
            args![
                ids::new_id(),
                household,
                app.vault.index("citizen_id", &helper_id),
                app.vault.seal("helper.phone", b"13911112222").unwrap(),
                app.vault.index("phone", "13911112222"),
                import
            ],
        ));
    }
    persons.insert("赵帮扶", (Uuid::nil(), Uuid::nil(), helper_id));
    app.db
        .write::<(), DbError, _>(move |tx| {
            Box::pin(async move {
                for (sql, values) in statements {
                    tx.run(sql, values).await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
    Village { folder: tempfile::tempdir().unwrap(), persons, files: std::cell::Cell::new(0) }
}

impl Village {
    fn id(&self, name: &str) -> &str {
        &self.persons[name].2
    }

    fn file(&self, text: &str) -> PathBuf {
        let n = self.files.get();
        self.files.set(n + 1);
        let path = self.folder.path().join(format!("list-{n}.csv"));
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A file of report cards. Each line: card, name, ID, birth, phone, address, class, diagnosed, died, cured.
    fn cards(&self, lines: &[[&str; 10]]) -> PathBuf {
        let mut text =
            "卡片编号,姓名,有效证件号,出生日期,联系电话,现住址,病例分类,诊断日期时,死亡日期,出院日期\n".to_owned();
        for line in lines {
            text.push_str(&line.join(","));
            text.push('\n');
        }
        self.file(&text)
    }
}

fn options(as_of: &str) -> CompareOptions {
    CompareOptions {
        as_of: Some(as_of.parse().unwrap()),
        purpose: "涉疫返贫监测".to_owned(),
        ..CompareOptions::default()
    }
}

async fn run(app: &App, path: &std::path::Path, as_of: &str) -> CompareReport {
    compare::run(app, &machine(), path, options(as_of), &Progress::default()).await.unwrap()
}

async fn signals(app: &App, key: &str) -> Vec<(String, String, String)> {
    app.db
        .all(
            "SELECT kind, state, state_reason FROM signal WHERE row_key = $1 ORDER BY kind, state, learnt_at",
            args![key],
        )
        .await
        .unwrap()
}

async fn active(app: &App, key: &str) -> Vec<String> {
    signals(app, key).await.into_iter().filter(|s| s.1 == "active").map(|s| s.0).collect()
}

async fn row(app: &App, key: &str) -> (Uuid, String, i64) {
    let rows: Vec<(Uuid, String, i64)> = app
        .db
        .all("SELECT id, outcome, revision FROM list_row WHERE row_key = $1 AND current", args![key])
        .await
        .unwrap();
    assert_eq!(rows.len(), 1, "{key} has one newest revision");
    rows.into_iter().next().unwrap()
}

async fn pending(app: &App, key: &str) -> Vec<(Uuid, String)> {
    app.db
        .all(
            "SELECT m.id, m.tier FROM match_candidate m JOIN list_row r ON r.id = m.list_row_id
             WHERE r.row_key = $1 AND r.current AND m.verdict = 'pending' ORDER BY m.score DESC, m.id",
            args![key],
        )
        .await
        .unwrap()
}

async fn count(app: &App, table: &'static str) -> i64 {
    let sql = match table {
        "comparison" => "SELECT COUNT(*) FROM comparison",
        "list_row" => "SELECT COUNT(*) FROM list_row",
        "match_candidate" => "SELECT COUNT(*) FROM match_candidate",
        "signal" => "SELECT COUNT(*) FROM signal",
        _ => "SELECT COUNT(*) FROM audit",
    };
    app.db.one::<(i64,)>(sql, args![]).await.unwrap().0
}

fn clerk(role: Role, division: &str) -> Actor {
    Actor {
        user_id: None,
        login: format!("clerk-{division}"),
        name: "测试".to_owned(),
        unit: String::new(),
        role,
        scope: Scope::subtree(division),
        lang: Lang::Zh,
        is_machine: false,
    }
}

/// The value of a hidden field.
fn hidden(body: &str, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let (_, rest) = body.split_once(&mark).unwrap_or_else(|| panic!("no field {name}"));
    rest.split_once('"').unwrap().0.to_owned()
}
