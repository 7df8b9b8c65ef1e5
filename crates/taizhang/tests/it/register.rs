//! The register: search, scope, the household file, versions and reveal, on both databases.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::json;
use taizhang::access::{Actor, Role, Scope};
use taizhang::args;
use taizhang::platform::{App, Lang, UserError, Value, ids};
use taizhang::register::search::Kind;
use taizhang::register::{self, Field, Subject};
use uuid::Uuid;

use crate::support::http::TestApp;
use crate::support::{each_database, machine};

/// A small registered world, written directly.
pub(crate) struct World {
    app: App,
    import: Uuid,
    line: i64,
    rows: Vec<(&'static str, Vec<Vec<Value>>)>,
}

/// A person to be registered.
pub(crate) struct NewPerson<'a> {
    pub name: &'a str,
    pub id: &'a str,
    pub phone: &'a str,
    pub is_head: bool,
}

const DIVISION: &str = "INSERT INTO division (code, name, full_name, parent_code, level, pinyin, initials)";
const HOUSEHOLD: &str = "INSERT INTO household (id, household_no, division_code, head_name, member_count, registration,
    phone_enc, phone_index, attrs, version, fingerprint, import_id, sheet, line, as_of, recorded_at)";
const PERSON: &str = "INSERT INTO person (id, person_no, household_id, division_code, name, name_folded, pinyin,
    initials, sex, birth_date, id_kind, id_enc, id_index, phone_enc, phone_index, relation, is_head, attrs, version,
    fingerprint, import_id, sheet, line, as_of, recorded_at)";

/// An ID number with a right check character.
pub(crate) fn citizen_id(first17: &str) -> String {
    format!("{first17}{}", codes::citizen_id::check_char(first17).unwrap())
}

impl World {
    pub(crate) fn new(app: &App) -> Self {
        Self { app: app.clone(), import: ids::new_id(), line: 1, rows: Vec::new() }
    }

    fn put(&mut self, head: &'static str, row: Vec<Value>) {
        match self.rows.iter_mut().find(|(text, _)| *text == head) {
            Some((_, rows)) => rows.push(row),
            None => self.rows.push((head, vec![row])),
        }
    }

    pub(crate) fn division(&mut self, code: &str, name: &str, full: &str) {
        let at = register::divisions::CODE_LENGTHS.iter().position(|length| *length == code.len()).unwrap();
        let parent = if at == 0 { "" } else { &code[..register::divisions::CODE_LENGTHS[at - 1]] };
        let folded = codes::name::fold(name);
        let row = args![
            code,
            name,
            full,
            parent,
            at as i64 + 1,
            codes::name::pinyin(&folded),
            codes::name::initials(&folded)
        ];
        self.put(DIVISION, row);
    }

    pub(crate) fn household(&mut self, no: &str, division: &str, people: &[NewPerson<'_>]) -> Uuid {
        let id = ids::new_id();
        let vault = self.app.vault.clone();
        let phone = people[0].phone;
        self.line += 1;
        let row = args![
            id,
            no,
            division,
            people[0].name,
            people.len() as i64,
            "脱贫户",
            vault.seal("household.phone", phone.as_bytes()).unwrap(),
            vault.index("phone", phone),
            json!({"住房面积": "96"}).to_string(),
            1_i64,
            1_i64,
            self.import,
            "Sheet1",
            self.line,
            "2020-01-31",
            1_i64
        ];
        self.put(HOUSEHOLD, row);
        for (at, person) in people.iter().enumerate() {
            let folded = codes::name::fold(person.name);
            let first18: String = person.id.chars().take(18).collect();
            let row = args![
                ids::new_id(),
                format!("{no}-{at}"),
                id,
                division,
                person.name,
                folded.as_str(),
                codes::name::pinyin(&folded),
                codes::name::initials(&folded),
                "male",
                "1965-05-03",
                "citizen",
                vault.seal("person.id", person.id.as_bytes()).unwrap(),
                vault.index("citizen_id", &first18),
                vault.seal("person.phone", person.phone.as_bytes()).unwrap(),
                vault.index("phone", person.phone),
                if person.is_head { "户主" } else { "之子" },
                person.is_head,
                "{}",
                1_i64,
                1_i64,
                self.import,
                "Sheet1",
                self.line,
                "2020-01-31",
                1_i64
            ];
            self.put(PERSON, row);
        }
        id
    }

    pub(crate) async fn save(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        self.app
            .db
            .write(move |tx| {
                Box::pin(async move {
                    for (head, rows) in rows {
                        tx.insert_many(head, "", rows).await?;
                    }
                    Ok::<(), taizhang::platform::DbError>(())
                })
            })
            .await
            .unwrap();
    }
}

/// Runs one statement.
pub(crate) async fn execute(app: &App, sql: &'static str, values: Vec<Value>) {
    app.db
        .write(move |tx| {
            Box::pin(async move {
                tx.run(sql, values).await?;
                Ok::<(), taizhang::platform::DbError>(())
            })
        })
        .await
        .unwrap();
}

fn person<'a>(name: &'a str, id: &'a str, phone: &'a str, is_head: bool) -> NewPerson<'a> {
    NewPerson { name, id, phone, is_head }
}

struct Ids {
    wei: String,
    zeng: String,
    far: String,
}

/// Two counties, two villages of the same name, a handful of people.
async fn small_world(app: &App) -> (Ids, Uuid, Uuid) {
    let numbers = Ids {
        wei: citizen_id("99032319650503101"),
        zeng: citizen_id("99032319880229203"),
        far: citizen_id("99032419700101301"),
    };
    let mut world = World::new(app);
    for (code, name, full) in [
        ("99", "东江省", "东江省"),
        ("9903", "清河市", "东江省清河市"),
        ("990323", "固山县", "东江省清河市固山县"),
        ("990324", "云岭县", "东江省清河市云岭县"),
        ("990323102", "新桥镇", "东江省清河市固山县新桥镇"),
        ("990324101", "白石乡", "东江省清河市云岭县白石乡"),
        ("990323102201", "王庄村", "东江省清河市固山县新桥镇王庄村"),
        ("990323102202", "李集村", "东江省清河市固山县新桥镇李集村"),
        ("990324101201", "王庄村", "东江省清河市云岭县白石乡王庄村"),
    ] {
        world.division(code, name, full);
    }
    let home = world.household(
        "3400010001",
        "990323102201",
        &[
            person("张伟", &numbers.wei, "13800000001", true),
            person("张伟明", &citizen_id("99032319950503111"), "13800000002", false),
        ],
    );
    world.household("3400010002", "990323102202", &[person("曾 貞", &numbers.zeng, "13800000003", true)]);
    let far = world.household("3400020001", "990324101201", &[person("张伟", &numbers.far, "13800000009", true)]);
    world.save().await;
    (numbers, home, far)
}

async fn names(app: &App, scope: &str, input: &str) -> Vec<String> {
    let found = register::search(app, &Scope::subtree(scope), input, 50).await.unwrap();
    found.persons.iter().map(|hit| format!("{}@{}", hit.name, hit.household_no)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_box_finds_by_whatever_is_typed() {
    each_database(|app| async move {
        let (numbers, _, _) = small_world(&app).await;
        let county = "990323";
        let wei = "张伟@3400010001";
        let ming = "张伟明@3400010001";
        let zeng = "曾 貞@3400010002";
        let lower = numbers.wei.to_lowercase();
        let wide: String = numbers.wei.chars().map(|c| char::from_u32(u32::from(c) + 0xFEE0).unwrap()).collect();
        for (input, expected) in [
            (numbers.wei.as_str(), vec![wei]),
            (&lower, vec![wei]),
            (&wide, vec![wei]),
            ("138 0000 0002", vec![ming, wei]),
            ("+86 13800000003", vec![zeng]),
            ("3400010002", vec![zeng]),
            ("3400010001-1", vec![ming]),
            ("张伟", vec![wei, ming]),
            ("张", vec![wei, ming]),
            ("曾贞", vec![zeng]),
            ("zhangwei", vec![wei, ming]),
            ("Zhang Wei", vec![wei, ming]),
            ("zw", vec![wei]),
            ("zwm", vec![ming]),
            ("zengzhen", vec![zeng]),
            ("王庄村 张伟", vec![wei, ming]),
            ("张伟 王庄", vec![wei, ming]),
            ("王庄村张伟明", vec![ming]),
            ("李集 张伟", vec![]),
            ("新桥镇 王庄村 张伟明", vec![ming]),
            ("王庄 zwm", vec![ming]),
            ("李四", vec![]),
            ("", vec![]),
        ] {
            let found: BTreeSet<String> = names(&app, county, input).await.into_iter().collect();
            // The household phone of the head's line is the first member's phone.
            let expected: BTreeSet<String> = match input {
                "138 0000 0002" => [ming.to_owned()].into(),
                _ => expected.into_iter().map(str::to_owned).collect(),
            };
            assert_eq!(found, expected, "{input:?} on {}", app.db.name());
        }
        // The whole name comes before longer names.
        assert_eq!(names(&app, county, "张伟").await[0], wei);
        // 15 digits: the same person before the numbers grew.
        let old = format!("{}{}", &numbers.wei[..6], &numbers.wei[8..17]);
        assert_eq!(names(&app, county, &old).await, [wei]);

        let everything = Scope::everything();
        let places = register::search(&app, &everything, "王庄", 50).await.unwrap();
        let codes: Vec<&str> = places.places.iter().map(|p| p.code.as_str()).collect();
        assert_eq!(codes, ["990323102201", "990324101201"]);
        let faulty = format!("{}{}", &numbers.wei[..17], if numbers.wei.ends_with('1') { '2' } else { '1' });
        let found = register::search(&app, &everything, &faulty, 50).await.unwrap();
        assert_eq!(found.kind, Kind::FaultyId);
        assert!(found.persons.is_empty());
        let found = register::search(&app, &everything, "张伟", 1).await.unwrap();
        assert!(found.more && found.persons.len() == 1);
        assert!(found.persons[0].id_masked.contains("****"));
        assert!(!found.persons[0].id_masked.contains(&numbers.wei[6..14]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn search_never_leaves_the_scope() {
    each_database(|app| async move {
        // A world from a fixed seed: common names, so that each search has hits on both sides of any border.
        let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = move |below: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % below
        };
        let names = ["王伟", "王芳", "王伟强", "李伟", "李娜", "万伟"];
        let mut world = World::new(&app);
        let mut everyone: Vec<(String, String, String)> = Vec::new();
        for at in 0..120 {
            let village = format!("99{:02}{:02}10{}20{}", next(2) + 1, next(2) + 21, next(2) + 1, next(2) + 1);
            let name = names[usize::try_from(next(6)).unwrap()];
            let no = format!("H{at:05}");
            let id = citizen_id(&format!("9901011970010{at:04}"));
            let phone = format!("139{at:08}");
            world.household(&no, &village, &[person(name, &id, &phone, true)]);
            everyone.push((village, name.to_owned(), no));
        }
        world.save().await;
        let roots = ["", "99", "9901", "9902", "990121", "990222", "990121101", "990222102202", "98"];
        for root in roots {
            let scope = Scope::subtree(root);
            for input in ["王", "王伟", "wangwei", "ww", "H000", "wei"] {
                let matches = |name: &str| match input {
                    "王" => name.starts_with('王'),
                    "王伟" => name.starts_with("王伟"),
                    "wangwei" => name.starts_with("王伟"),
                    "ww" => ["王伟", "万伟"].contains(&name),
                    _ => input == "H000",
                };
                let expected: BTreeSet<&str> = everyone
                    .iter()
                    .filter(|(village, name, _)| village.starts_with(root) && matches(name))
                    .filter(|(_, _, no)| input != "H000" || no.starts_with("H000"))
                    .map(|(_, _, no)| no.as_str())
                    .collect();
                let found = register::search(&app, &scope, input, 300).await.unwrap();
                let found: BTreeSet<&str> = found.persons.iter().map(|hit| hit.household_no.as_str()).collect();
                assert_eq!(found, expected, "{input} in {root:?} on {}", app.db.name());
            }
        }
        // A number known outside the scope says nothing inside.
        let (village, _, no) = &everyone[0];
        let other = if village.starts_with("9901") { "9902" } else { "9901" };
        let other = Scope::subtree(other);
        for input in [no.as_str(), "13900000000", citizen_id("99010119700100000").as_str()] {
            let found = register::search(&app, &other, input, 300).await.unwrap();
            assert!(found.persons.is_empty(), "{input}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_told_field_by_field() {
    each_database(|app| async move {
        let (_, home, _) = small_world(&app).await;
        let old = json!({
            "household_no": "3400010001", "head_name": "张伟", "member_count": 3,
            "phone_enc": base64(&app.vault.seal("household.phone", b"13811112222").unwrap()),
            "division_code": "990323102201", "registration": "脱贫户", "kind": "", "main_cause": "", "housing_grade": "",
            "dangerous_house": null, "safe_water": null, "attrs": {"住房面积": "80"}
        });
        execute(
            &app,
            "INSERT INTO record_version (id, entity, entity_id, version, division_code, data, import_id, as_of,
                                         recorded_at, superseded_at, superseded_by)
             VALUES ($1, 'household', $2, 0, '990323102201', $3, $1, '2019-12-31', 1, 2, $1)",
            args![ids::new_id(), home, old.to_string()],
        )
        .await;
        let file = register::household_file(&app, &Scope::subtree("990323"), home)
            .await
            .unwrap();
        assert_eq!(file.members.len(), 2);
        assert_eq!(file.members[0].age, Some(54));
        assert_eq!(file.phone_masked, codes::phone::mask("13800000001"));
        let [change] = file.versions.as_slice() else {
            panic!("{:?}", file.versions)
        };
        let told: Vec<(&str, &str, &str)> = change
            .changes
            .iter()
            .map(|c| (c.field.as_str(), c.old.as_str(), c.new.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("member_count", "3", "2"),
                ("phone", codes::phone::mask("13811112222").as_str(), file.phone_masked.as_str()),
                ("住房面积", "80", "96"),
            ]
        );
        for outside in ["990324", "990323102202", "98"] {
            let error = register::household_file(&app, &Scope::subtree(outside), home)
                .await
                .unwrap_err();
            assert_eq!(error.code(), "register.not_found");
        }
    })
    .await;
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let six = (word >> (18 - 6 * at)) & 63;
            out.push(if at <= chunk.len() { char::from(SIGNS[six as usize]) } else { '=' });
        }
    }
    out
}

fn actor(role: Role, division: &str) -> Actor {
    Actor {
        user_id: None,
        login: "tester".to_owned(),
        name: "tester".to_owned(),
        unit: String::new(),
        role,
        scope: Scope::subtree(division),
        lang: Lang::Zh,
        is_machine: false,
    }
}

async fn reveals(app: &App) -> i64 {
    let (count,): (i64,) =
        app.db.one("SELECT COUNT(*) FROM audit WHERE action = 'personal.reveal'", args![]).await.unwrap();
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reveal_is_on_the_books_or_does_not_happen() {
    each_database(|app| async move {
        let (numbers, home, far) = small_world(&app).await;
        let county = actor(Role::CountyStaff, "990323");
        let file = register::household_file(&app, &county.scope, home).await.unwrap();
        let person = Subject::Person(file.members[0].person.id);
        let foreign = register::household_file(&app, &Scope::everything(), far).await.unwrap();
        let stranger = Subject::Person(foreign.members[0].person.id);
        for (who, household, subject, reason, code) in [
            (&county, home, person, "", "access.reason"),
            (&county, home, person, " 看 ", "access.reason"),
            (&actor(Role::Helper, "990323"), home, person, "入户核实", "access.forbidden"),
            (&actor(Role::CountyStaff, "990324"), home, person, "入户核实", "register.not_found"),
            (&county, far, stranger, "入户核实", "register.not_found"),
            // A person of another household cannot be reached through one's own.
            (&county, home, stranger, "入户核实", "register.not_found"),
        ] {
            let error = register::reveal(&app, who, household, subject, Field::Id, reason).await.unwrap_err();
            assert_eq!(error.code(), code);
        }
        assert_eq!(reveals(&app).await, 0);
        let shown = register::reveal(&app, &county, home, person, Field::Id, "入户核实证件").await.unwrap();
        assert_eq!(shown, numbers.wei);
        let shown =
            register::reveal(&app, &county, home, Subject::Household, Field::Phone, "电话联系本户").await.unwrap();
        assert_eq!(shown, "13800000001");
        assert_eq!(reveals(&app).await, 2);
        let (reason, detail, division): (String, String, String) = app
            .db
            .one(
                "SELECT reason, detail, division_code FROM audit WHERE action = 'personal.reveal' ORDER BY seq",
                args![],
            )
            .await
            .unwrap();
        assert_eq!((reason.as_str(), division.as_str()), ("入户核实证件", "990323102201"));
        assert!(detail.contains("\"id\"") && !detail.contains(&numbers.wei));
        let chain = taizhang::access::audit::verify(&app.db).await.unwrap();
        assert!(chain.fault.is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_show_what_the_reader_may_see() {
    each_database(|app| async move {
        let (numbers, home, far) = small_world(&app).await;
        let site = TestApp::new(&app);
        let mut browser = site.login(Role::CountyStaff, "990323").await;
        let page = browser.get(&format!("/households/{home}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(page.body.contains("张伟户") && page.body.contains("张伟明"));
        assert!(!page.body.contains(&numbers.wei) && !page.body.contains("13800000001"));
        assert_eq!(browser.get(&format!("/households/{far}")).await.status, StatusCode::NOT_FOUND);
        let page = browser.get("/search?q=%E5%BC%A0%E4%BC%9F").await;
        assert!(page.body.contains("/households/") && page.body.contains("3400010001"));
        assert!(!page.body.contains("3400020001"));
        let part = browser.clone().with("hx-request", "true").get("/search?q=zw").await;
        assert!(part.body.contains("3400010001") && !part.body.contains("<html"));
        let none = browser.get("/search?q=%E6%9D%8E%E5%9B%9B").await;
        assert_eq!(none.status, StatusCode::OK);
        assert!(none.body.contains("没有找到"));
        // An ID number that is one person opens the household.
        let one = browser.get(&format!("/search?q={}", numbers.wei)).await;
        assert_eq!(one.location(), format!("/households/{home}"));
        for path in ["/households", "/households?division=990323102201", "/search"] {
            assert_eq!(browser.get(path).await.status, StatusCode::OK, "{path}");
        }
        assert_eq!(browser.get("/households?division=990324").await.status, StatusCode::NOT_FOUND);

        let file = register::household_file(&app, &machine().scope, home).await.unwrap();
        let subject = format!("person:{}", file.members[0].person.id);
        let path = format!("/households/{home}/reveal");
        let ask = browser.get(&format!("{path}?subject={subject}&field=id")).await;
        assert_eq!(ask.status, StatusCode::OK);
        let fields = [("subject", subject.as_str()), ("field", "id"), ("reason", "")];
        let refused = browser.post(&path, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!refused.body.contains(&numbers.wei));
        let fields = [("subject", subject.as_str()), ("field", "id"), ("reason", "入户核实证件")];
        let without = browser.post_raw(&path, &fields).await;
        assert_eq!(without.status, StatusCode::FORBIDDEN);
        let shown = browser.post(&path, &fields).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
        assert!(shown.body.contains(&numbers.wei));
        assert_eq!(reveals(&app).await, 1);
    })
    .await;
}

/// A monitored household with signals, findings and an item, whose every code has to be said in words.
async fn told(app: &App, home: Uuid, person: Uuid) -> Uuid {
    execute(
        app,
        "UPDATE household SET attrs = $2, dangerous_house = TRUE WHERE id = $1",
        args![
            home,
            json!({"耕地面积(亩)": "3.5", "次要致贫原因": "因残、因学", "是否军烈属": "否", "银行卡号": "****1234",
                   "户主证件号码": "340323196503121012"})
            .to_string()
        ],
    )
    .await;
    execute(
        app,
        "UPDATE person SET attrs = $2 WHERE id = $1",
        args![person, json!({"是否参加大病保险": "是", "民族": "汉族"}).to_string()],
    )
    .await;
    execute(
        app,
        "INSERT INTO monitoring (household_id, division_code, kind, identified_month, risks, eliminated, eliminated_month,
             attrs, version, fingerprint, import_id, sheet, line, as_of, recorded_at)
         VALUES ($1, '990323102201', '边缘易致贫户', '2019-11', '[\"因病\",\"因残\"]', FALSE, '', $2, 1, 1, $1, '', 1,
             '2020-01-31', 1)",
        args![
            home,
            json!({"识别时是否饮水出现安全问题": "是", "产业帮扶": "养鸡", "基础设施建设": "入户路"}).to_string()
        ],
    )
    .await;
    for (key, state, reason) in
        [("K1", "withdrawn", "identity_revised"), ("K2", "superseded", "revised"), ("K3", "withdrawn", "no_such_word")]
    {
        execute(
            app,
            "INSERT INTO signal (id, kind, subject, subject_id, person_id, household_id, division_code, fact_date,
                 learnt_at, probability, source, row_key, version, state, state_reason, state_at)
             VALUES ($1, 'epidemic.confirmed', 'person', $2, $2, $3, '990323102201', '2020-02-05', 1, 1.0, 'health.cases',
                 $4, 1, $5, $6, 1)",
            args![ids::new_id(), person, home, key, state, reason],
        )
        .await;
    }
    let evidence = json!([
        {"what": "work_tier", "county": "990324", "tier": "high", "since": "2020-02-01", "carrier": person},
        {"what": "signal", "kind": "medical.self_pay", "fact_date": "2020-02-03", "relation": "self",
         "carrier": person, "value": "9000", "source": "medical.self_pay", "row_key": "#00ff00ff00ff00ff"},
    ]);
    let finding = ids::new_id();
    execute(
        app,
        "INSERT INTO finding (id, finding_key, rule_id, subject, subject_id, household_id, person_id, division_code, level,
             since, until, evidence, state, profile_id, first_at, changed_at, end_reason, version, episode)
         VALUES ($1, 'E08|x', 'E08', 'person', '', $2, $3, '990323102201', 'affected', '2020-02-01', '2020-02-10', $4, 'ended',
             $1, 1, 1, $5, 1, 1)",
        args![
            finding,
            home,
            person,
            evidence.to_string(),
            json!({"why": "withdrawn", "kind": "epidemic.confirmed", "reason": "match_undone"}).to_string()
        ],
    )
    .await;
    let item = ids::new_id();
    execute(
        app,
        "INSERT INTO item (id, number, ledger, source, source_key, rule_id, household_id, division_code, title, level, state,
             round, owner_unit, owner_division, owner_name, deadline, measures, version, profile_id, opened_at, opened_on,
             updated_at)
         VALUES ($1, '涉疫-1', 'epidemic_assistance', 'finding', 'E08|x', 'E08', $2, '990323102201', '{}', 'affected',
             'assigned', 1, '', '990323102', '', '2020-03-01', '[]', 1, $1, 0, '2020-02-20', 0)",
        args![item, home],
    )
    .await;
    item
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_says_in_words_whatever_the_register_holds() {
    each_database(|app| async move {
        let (_, home, _) = small_world(&app).await;
        let file = register::household_file(&app, &machine().scope, home).await.unwrap();
        let item = told(&app, home, file.members[0].person.id).await;
        let site = TestApp::new(&app);
        let mut staff = site.login(Role::CountyStaff, "990323").await;
        let page = staff.get(&format!("/households/{home}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        for text in [
            "耕地面积(亩)",
            "3.5",
            "因残、因学",
            "大病保险",
            "识别时是否饮水出现安全问题",
            "帮扶措施",
            "养鸡",
            "名单订正后不是此人",
            "名单已订正",
            "比对结论已改，不是此人",
            "医疗自付 9000 元",
            "涉疫-1",
        ] {
            assert!(page.body.contains(text), "{text}");
        }
        for code in ["identity_revised", "match_undone", "no_such_word", "#00ff", "340323196503121012", "details-"] {
            assert!(!page.body.contains(code), "{code}");
        }
        let (_, why) = page.body.split_once("务工所在县").unwrap();
        assert!(!why.starts_with(" 990324"), "a county by its code");
        assert!(page.body.contains(&format!("/ledger/{item}")));

        // Whoever has no ledger reads the number and is led nowhere.
        let mut clerk = site.login(Role::HealthClerk, "990323").await;
        let page = clerk.get(&format!("/households/{home}")).await;
        assert!(page.body.contains("涉疫-1") && !page.body.contains(&format!("/ledger/{item}")));

        staff.get("/lang/en").await;
        let page = staff.get(&format!("/households/{home}")).await;
        assert!(page.body.contains("the revised list means somebody else"));
        assert!(page.body.contains("因残, 因学") && page.body.contains("<dd>yes</dd>"));
        for chinese in ["<dd>是</dd>", "<dd>否</dd>", "、", "（"] {
            assert!(!page.body.contains(chinese), "{chinese} on an English page");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helper_opens_only_the_households_of_their_own() {
    each_database(|app| async move {
        let (numbers, home, _) = small_world(&app).await;
        let mut world = World::new(&app);
        let id = citizen_id("99032319700101001");
        let other = NewPerson { name: "张伟民", id: &id, phone: "13800000077", is_head: true };
        let other = world.household("3400010077", "990323102201", &[other]);
        world.save().await;
        let site = TestApp::new(&app);
        let mut helper = site.login(Role::Helper, "990323").await;
        for path in [format!("/households/{home}"), format!("/households/{other}")] {
            assert_eq!(helper.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        execute(
            &app,
            "INSERT INTO helper (id, household_id, division_code, name, name_folded, sex, unit, start_date, end_date, attrs,
                 version, fingerprint, import_id, sheet, line, as_of, recorded_at)
             VALUES ($1, $2, '990323102201', 'Helper', 'Helper', '', '测试单位', '', '', '{}', 1, 1, $1, '', 1, '2020-01-31', 1)",
            args![ids::new_id(), home],
        )
        .await;
        assert_eq!(helper.get(&format!("/households/{home}")).await.status, StatusCode::OK);
        assert_eq!(helper.get(&format!("/households/{other}")).await.status, StatusCode::NOT_FOUND);
        // Neither the search nor the list tells of the others.
        for path in ["/search?q=%E5%BC%A0%E4%BC%9F", "/households", "/households?division=990323102201"] {
            let page = helper.get(path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(page.body.contains("3400010001") && !page.body.contains("3400010077"), "{path}");
        }
        let by_number = helper.get(&format!("/search?q={id}")).await;
        assert!(!by_number.body.contains("张伟民") && by_number.status == StatusCode::OK);
        assert_eq!(helper.get(&format!("/search?q={}", numbers.wei)).await.location(), format!("/households/{home}"));
        assert_eq!(helper.get("/signals").await.status, StatusCode::FORBIDDEN);
        // An item assigned opens its household.
        execute(
            &app,
            "INSERT INTO item (id, number, ledger, source, rule_id, household_id, division_code, title, level, state, round,
                 owner_unit, owner_division, owner_name, assignee_id, deadline, measures, version, profile_id, opened_at,
                 opened_on, updated_at)
             VALUES ($1, 'N', 'epidemic_assistance', 'manual', 'E01', $2, '990323102201', '{}', 'severe', 'assigned', 1, '', '',
                 '', (SELECT id FROM app_user WHERE login = $3), '2020-03-01', '[]', 1, $1, 0, '2020-02-20', 0)",
            args![ids::new_id(), other, crate::support::http::login_of(Role::Helper, "990323")],
        )
        .await;
        assert_eq!(helper.get(&format!("/households/{other}")).await.status, StatusCode::OK);
    })
    .await;
}
