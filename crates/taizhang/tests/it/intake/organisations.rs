//! Organisations: one record each, with versions, whoever names them; who sees them, and how they are found.

use taizhang::access::Actor;
use taizhang::args;
use taizhang::intake::{self, ImportOptions};
use taizhang::platform::jobs::Progress;
use taizhang::platform::{App, UserError};
use taizhang::register::{self, search};
use uuid::Uuid;

use super::{Desk, clerk, count, hits, id};
use crate::support::{each_database, machine};

/// A credit code with a right check character.
fn code(n: u32) -> String {
    let first = format!("91990101MA{n:07}");
    format!("{first}{}", codes::credit_code::check_char(&first).unwrap())
}

/// One with a wrong check character.
fn wrong() -> String {
    let mut code = code(9);
    let last = code.pop();
    code.push(if last == Some('1') { '2' } else { '1' });
    code
}

const HEADS: &str = "户编号,人口编号,姓名,性别,证件号码,与户主关系,健康状况,务工所在地,务工单位,务工时间(月)";

fn works(household: &str, no: &str, n: u32, employer: &str, more: &str) -> String {
    let number = id("19800101", n);
    format!("{household},{no},张工,男,{number},户主,健康,上海市浦东新区,{employer},6{more}\n")
}

async fn organisation(app: &App, name: &str) -> (Uuid, String, i64, String) {
    app.db
        .one(
            "SELECT o.id, o.credit_code, o.version, o.as_of FROM organisation_alias a
             JOIN organisation o ON o.id = a.organisation_id WHERE a.name = $1",
            args![name],
        )
        .await
        .unwrap()
}

async fn kept(app: &App, id: Uuid) -> i64 {
    let (n,): (i64,) = app
        .db
        .one("SELECT COUNT(*) FROM record_version WHERE entity = 'organisation' AND entity_id = $1", args![id])
        .await
        .unwrap();
    n
}

async fn found(app: &App, actor: &Actor, q: &str) -> Vec<String> {
    let results = search::search_for(app, actor, q, 30).await.unwrap();
    results.organisations.into_iter().map(|line| line.name).collect()
}

#[tokio::test]
async fn a_newer_file_makes_a_version_and_an_empty_cell_takes_no_code_away() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.base(&app).await;
        let all = machine();
        let plain = format!("{HEADS}\n{}", works("H1", "W1", 301, "宏达电子厂", ""));
        desk.import_as(&app, &all, "一.csv", &plain, Some("2020-01-10")).await.unwrap();
        let (first, known, version, _) = organisation(&app, "宏达电子厂").await;
        assert_eq!((known.as_str(), version, kept(&app, first).await), ("", 1, 0));

        // The same rows on a later day are no version, of the person or of the employer.
        desk.import_as(&app, &all, "二.csv", format!("{plain}\n"), Some("2020-01-20")).await.unwrap();
        assert_eq!(organisation(&app, "宏达电子厂").await.2, 1);

        let coded = format!(
            "{HEADS},务工单位统一社会信用代码\n{}",
            works("H1", "W1", 301, "宏达电子厂", &format!(",{}", code(1)))
        );
        let report = desk.import_as(&app, &all, "三.csv", &coded, Some("2020-02-01")).await.unwrap();
        assert_eq!((report.rows_changed, report.rows_same), (0, 1), "the code is not the person's");
        let now = organisation(&app, "宏达电子厂").await;
        assert_eq!(now, (first, code(1), 2, "2020-02-01".to_owned()));
        assert_eq!(kept(&app, first).await, 1);

        let empty = format!("{HEADS},务工单位统一社会信用代码\n{}", works("H1", "W1", 301, "宏达电子厂", ","));
        desk.import_as(&app, &all, "四.csv", &empty, Some("2020-02-10")).await.unwrap();
        assert_eq!(organisation(&app, "宏达电子厂").await, now);

        // Another code from a list of persons is a doubt, and changes nothing.
        let other = format!("{HEADS},信用代码\n{}", works("H1", "W1", 301, "宏达电子厂", &format!(",{}", code(2))));
        let report = desk.import_as(&app, &all, "五.csv", &other, Some("2020-02-11")).await.unwrap();
        assert_eq!(hits(&report).get("organisation.code_differs"), Some(&1), "{report:?}");
        assert_eq!(organisation(&app, "宏达电子厂").await, now);
    })
    .await;
}

#[tokio::test]
async fn a_code_joins_two_spellings_and_both_are_kept() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.base(&app).await;
        let all = machine();
        // Written apart by a bracket or a blank only: one from the beginning.
        let text = format!(
            "{HEADS}\n{}{}{}",
            works("H1", "W1", 301, "宏达（甲县）电子有限公司", ""),
            works("H3", "W2", 302, "宏达(甲县) 电子有限公司", ""),
            works("H2", "W3", 303, "宏达电子", ""),
        );
        desk.import_as(&app, &all, "一.csv", text, Some("2020-01-10")).await.unwrap();
        assert_eq!(count(&app, "organisation").await, 2);
        let one = organisation(&app, "宏达(甲县)电子有限公司").await.0;
        assert_eq!(organisation(&app, "宏达(甲县) 电子有限公司").await.0, one);
        let short = organisation(&app, "宏达电子").await.0;
        assert_ne!(one, short);

        let text = format!(
            "{HEADS},信用代码\n{}{}",
            works("H1", "W1", 301, "宏达（甲县）电子有限公司", &format!(",{}", code(1))),
            works("H2", "W3", 303, "宏达电子", &format!(",{}", code(1).to_lowercase())),
        );
        desk.import_as(&app, &all, "二.csv", text, Some("2020-02-01")).await.unwrap();
        assert_eq!(count(&app, "organisation").await, 1);
        assert_eq!(organisation(&app, "宏达电子").await.0, one);
        assert_eq!(kept(&app, short).await, 1, "what the other record said is kept");
        let file = register::organisation_file(&app, &all, one).await.unwrap();
        assert_eq!(file.figures, (3, 0, 0));
        assert_eq!(file.spellings, ["宏达(甲县) 电子有限公司", "宏达电子"]);
        assert_eq!(file.versions.len(), 1);

        // A third spelling, known by its code.
        let text = format!("{HEADS},信用代码\n{}", works("H2", "W3", 303, "宏达厂", &format!(",{}", code(1))));
        desk.import_as(&app, &all, "三.csv", text, Some("2020-02-02")).await.unwrap();
        assert_eq!(organisation(&app, "宏达厂").await.0, one);
        assert_eq!(count(&app, "organisation").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_code_filled_down_a_column_joins_nobody_and_nobodys_number_is_shown() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.base(&app).await;
        let all = machine();
        let names = ["宏达电子厂", "永新鞋业", "长江物流", "东方纺织"];
        let rows = |codes: [&str; 4]| {
            let mut text = format!("{HEADS},信用代码\n");
            for (i, (name, code)) in names.iter().zip(codes).enumerate() {
                let household = format!("H{}", 1 + i % 3);
                let row = works(&household, &format!("W{i}"), 311 + i as u32, name, &format!(",{code}"));
                text.push_str(&if i == 3 { row.replace("户主,健康", "之子,健康") } else { row });
            }
            text
        };
        let one = code(1);
        let report = desk.import_as(&app, &all, "一.csv", rows([&one; 4]), Some("2020-02-01")).await.unwrap();
        assert_eq!(hits(&report).get("organisation.code_differs"), Some(&4), "{report:?}");
        assert_eq!(count(&app, "organisation").await, 4);
        assert_eq!(organisation(&app, names[0]).await.1, "");

        // Two codes for one name, and the first again: changed and changed back is no version.
        let listed = |codes: &[u32]| {
            let rows: String = codes.iter().map(|n| format!("宏达电子厂,{}\n", code(*n))).collect();
            format!("单位名称,统一社会信用代码\n{rows}")
        };
        desk.import_as(&app, &all, "名录.csv", listed(&[5]), Some("2020-02-02")).await.unwrap();
        let before = organisation(&app, names[0]).await;
        desk.import_as(&app, &all, "名录二.csv", listed(&[6, 5]), Some("2020-02-03")).await.unwrap();
        assert_eq!(organisation(&app, names[0]).await, before);

        let number = id("19800101", 311);
        let wide: String = number.chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap()).collect();
        let (named, old) = (format!("身份证{number}张三"), format!("{}{}", &number[..6], &number[8..17]));
        let wrong = [wide.as_str(), named.as_str(), old.as_str(), &number[..17]];
        desk.import_as(&app, &all, "二.csv", rows(wrong), Some("2020-02-04")).await.unwrap();
        let shown: Vec<(String,)> = app
            .db
            .all("SELECT value_masked FROM import_issue WHERE rule_id = 'organisation.code'", args![])
            .await
            .unwrap();
        assert_eq!(shown.len(), 4);
        for (value,) in shown {
            assert!(value.contains('*') && !value.contains(&number[6..14]) && !value.contains(&old[6..]), "{value}");
        }
    })
    .await;
}

fn list(contact: &str, address: &str) -> String {
    format!(
        "单位名称,统一社会信用代码,单位类型,地址,联系人,联系电话\n\
         宏达电子厂,{},企业,测试省测试市甲县{address},{contact},13900000077\n\
         甲县财政局,{},机关,,,\n",
        code(1),
        wrong()
    )
}

#[tokio::test]
async fn a_list_of_organisations_is_a_file_of_its_own() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.base(&app).await;
        let all = machine();
        let text = format!("{HEADS}\n{}", works("H1", "W1", 301, "宏达电子厂", ""));
        desk.import_as(&app, &all, "人.csv", text, Some("2020-01-10")).await.unwrap();
        let (one, ..) = organisation(&app, "宏达电子厂").await;

        let report = desk.import_as(&app, &all, "名录.csv", list("张三", "一号"), Some("2020-02-01")).await.unwrap();
        assert_eq!(report.kind, "organisation");
        assert_eq!((report.rows_new, report.rows_changed, report.rows_same), (1, 1, 0), "{report:?}");
        assert_eq!(hits(&report).get("organisation.code"), Some(&1), "the second code is wrong");
        assert_eq!(organisation(&app, "宏达电子厂").await, (one, code(1), 2, "2020-02-01".to_owned()));
        assert_eq!(organisation(&app, "甲县财政局").await.1, "", "a wrong code is none");

        let again = desk.import_as(&app, &all, "名录.csv", list("张三", "一号"), Some("2020-02-05")).await.unwrap();
        assert!(again.already.is_some());
        // The same rows in other bytes.
        let text = format!("{}\n", list("张三", "一号"));
        let report = desk.import_as(&app, &all, "名录.csv", text, Some("2020-02-06")).await.unwrap();
        assert_eq!((report.rows_new, report.rows_changed, report.rows_same), (0, 0, 2), "{report:?}");
        assert_eq!(organisation(&app, "宏达电子厂").await.2, 2);

        let report = desk.import_as(&app, &all, "新.csv", list("李四", ""), Some("2020-02-10")).await.unwrap();
        assert_eq!((report.rows_new, report.rows_changed, report.rows_same), (0, 1, 1), "{report:?}");
        assert_eq!(kept(&app, one).await, 2);
        let report = desk.import_as(&app, &all, "旧.csv", list("王五", "九号"), Some("2020-02-02")).await.unwrap();
        assert_eq!(hits(&report).get("row.older"), Some(&1), "{report:?}");
        let file = register::organisation_file(&app, &all, one).await.unwrap();
        assert_eq!((file.organisation.contact.as_str(), file.organisation.version), ("李四", 3));
        assert!(file.phone.contains('*') && !file.phone.is_empty(), "{}", file.phone);
        let changed: Vec<&str> = file.versions[0].changes.iter().map(|c| c.field.as_str()).collect();
        assert_eq!(changed, ["address", "contact"]);

        // People with their employers are no list of employers.
        let people = "姓名,身份证号,单位名称,统一社会信用代码\n张三,1,宏达电子厂,\n";
        assert!(desk.import(&app, "人.csv", people).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn an_organisation_is_seen_by_those_whose_people_have_to_do_with_it() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.base(&app).await;
        let all = machine();
        let text = format!("{HEADS},信用代码\n{}", works("H1", "W1", 301, "宏达电子厂", &format!(",{}", code(1))));
        desk.import_as(&app, &all, "人.csv", text, Some("2020-02-01")).await.unwrap();
        let helpers = "户编号,帮扶责任人姓名,帮扶单位,帮扶开始时间\nH3,赵六,水务局,2019-01-01\n";
        desk.import_as(&app, &all, "帮扶.csv", helpers, Some("2020-02-01")).await.unwrap();
        let team = "省,市,县,乡,村,驻村工作队名称,姓名,派出单位,社会信用代码,驻村开始时间\n\
                    测试省,测试市,乙县,西乡,水村,水村工作队,钱七,税务所,,2019-01-01\n";
        desk.import_as(&app, &all, "队.csv", team, Some("2020-02-01")).await.unwrap();
        let (factory, water, tax) = (
            organisation(&app, "宏达电子厂").await.0,
            organisation(&app, "水务局").await.0,
            organisation(&app, "税务所").await.0,
        );
        let (here, there) = (clerk("990101"), clerk("990102"));
        for (actor, seen, unseen) in
            [(&here, vec![factory], vec![water, tax]), (&there, vec![water, tax], vec![factory])]
        {
            for id in seen {
                register::organisation_file(&app, actor, id).await.unwrap();
            }
            for id in unseen {
                let error = register::organisation_file(&app, actor, id).await.unwrap_err();
                assert_eq!(error.code(), "register.not_found");
            }
        }
        let first = code(1);
        for q in ["宏达电子厂", "电子", "hongdadianzi", "hddzc", first.as_str(), &first.to_lowercase(), &first[..12]]
        {
            assert_eq!(found(&app, &here, q).await, ["宏达电子厂"], "{q}");
            assert_eq!(found(&app, &there, q).await, Vec::<String>::new(), "{q}");
        }
        assert_eq!(found(&app, &all, "厂").await, Vec::<String>::new(), "one character says too little");
        let h3 = register::household_by_no(&app, &there.scope, "H3").await.unwrap().unwrap();
        let file = register::household_file(&app, &there.scope, h3).await.unwrap();
        let mut named: Vec<&str> = file.organisations.keys().map(String::as_str).collect();
        named.sort_unstable();
        assert_eq!(named, ["水务局", "税务所"]);
        let file = register::organisation_file(&app, &there, water).await.unwrap();
        assert_eq!((file.helped[0].name.as_str(), file.figures), ("赵六", (0, 1, 0)));
    })
    .await;
}

#[tokio::test]
async fn somebody_elses_organisation_is_not_rewritten() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.base(&app).await;
        let all = machine();
        desk.import_as(&app, &all, "名录.csv", list("张三", "一号"), Some("2020-02-01")).await.unwrap();
        let path = desk.file("乙县.csv", list("李四", "二号"));
        let options = ImportOptions { as_of: Some("2020-02-10".parse().unwrap()), ..ImportOptions::default() };
        let report = intake::import_file(&app, &clerk("990102"), &path, options, &Progress::default()).await.unwrap();
        assert_eq!((report.rows_changed, report.rows_same), (0, 2), "{report:?}");
        let (contact,): (String,) =
            app.db.one("SELECT contact FROM organisation WHERE name = '宏达电子厂'", args![]).await.unwrap();
        assert_eq!(contact, "张三");
    })
    .await;
}

#[tokio::test]
async fn a_helper_and_a_team_member_keep_a_number_that_newer_data_leaves_empty() {
    each_database(|app| async move {
        let desk = Desk::new();
        desk.base(&app).await;
        let all = machine();
        let helper = |number: &str, phone: &str| {
            format!("户编号,帮扶责任人姓名,证件号码,联系电话,帮扶开始时间\nH3,赵六,{number},{phone},2019-01-01\n")
        };
        let team = |number: &str, phone: &str| {
            format!(
                "省,市,县,乡,村,驻村工作队名称,姓名,证件号码,联系电话,驻村开始时间\n\
                 测试省,测试市,乙县,西乡,水村,水村工作队,钱七,{number},{phone},2019-01-01\n"
            )
        };
        let known = id("19800101", 401);
        desk.import_as(&app, &all, "一.csv", helper(&known, "13900000008"), Some("2020-02-01")).await.unwrap();
        desk.import_as(&app, &all, "二.csv", team(&known, "13900000008"), Some("2020-02-01")).await.unwrap();
        let first = desk.import_as(&app, &all, "三.csv", helper("", "13900000009"), Some("2020-02-02")).await.unwrap();
        let second = desk.import_as(&app, &all, "四.csv", team("", "13900000009"), Some("2020-02-02")).await.unwrap();
        for report in [&first, &second] {
            assert_eq!((report.rows_changed, hits(report).get("person.id_kept")), (1, Some(&1)), "{report:?}");
        }
        let index = app.vault.index("citizen_id", &known);
        for sql in [
            "SELECT COUNT(*) FROM helper WHERE id_index = $1 AND version = 2 AND phone_index = $2",
            "SELECT COUNT(*) FROM work_team_member WHERE id_index = $1 AND version = 2 AND phone_index = $2",
        ] {
            let (n,): (i64,) = app.db.one(sql, args![index, app.vault.index("phone", "13900000009")]).await.unwrap();
            assert_eq!(n, 1, "{sql}");
        }
        let other = id("19800101", 402);
        desk.import_as(&app, &all, "五.csv", helper(&other, ""), Some("2020-02-03")).await.unwrap();
        let (n,): (i64,) = app
            .db
            .one("SELECT COUNT(*) FROM helper WHERE id_index = $1", args![app.vault.index("citizen_id", &other)])
            .await
            .unwrap();
        assert_eq!(n, 1, "another number takes the place of the known one");
    })
    .await;
}

#[tokio::test]
async fn a_purpose_has_a_limit() {
    each_database(|app| async move {
        let desk = Desk::new();
        let path = desk.file("区划.csv", super::DIVISIONS);
        let options = |n: usize| ImportOptions { purpose: "长".repeat(n), ..ImportOptions::default() };
        let refused =
            intake::import_file(&app, &machine(), &path, options(501), &Progress::default()).await.unwrap_err();
        assert_eq!(refused.code(), "intake.purpose_long");
        intake::import_file(&app, &machine(), &path, options(500), &Progress::default()).await.unwrap();
    })
    .await;
}
