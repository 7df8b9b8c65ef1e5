//! Measures the ledger's table on many items: fills a scratch installation and turns pages as many people at once.
//!
//! ```text
//! cargo run --release -p taizhang --example ledger_table -- <folder> make 1000000
//! cargo run --release -p taizhang --example ledger_table -- <folder> run 50 60 1000
//! cargo run --release -p taizhang --example ledger_table -- <folder> batch 10000
//! ```
//!
//! `make` writes a province of 12 prefectures, 120 counties, 1,440 townships and 20,160 villages with its officers, a
//! household for every second item, and the items: three years of them, most of what is old closed. `run` signs so many
//! people in (one in five of the province, one in five of a prefecture, the others of a county, a township or a village),
//! lets each look at pages for so many seconds with so many milliseconds between two of them, and says how long the
//! answers took; every page is one of a random tab, order, filter, or the next page of the last. A page is all of it:
//! session, counts, lines, template; only the network is left out. `batch` assigns and takes back so many items.
//! The folder holds made-up data alone and may be deleted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

use std::path::Path;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use sqlx::AssertSqlSafe;
use taizhang::access::{self, Actor, NewUser, Role, Scope};
use taizhang::ledger::bulk::{self, Chosen, Give, What};
use taizhang::platform::{App, Clock, DbError, Lang, Value, ids};
use taizhang::web::{self, Config};
use taizhang::{args, assess};
use tower::ServiceExt;

const PASSWORD: &str = "量一量-台账-表格-2026";

fn today() -> chrono::NaiveDate {
    chrono::NaiveDate::from_ymd_opt(2026, 6, 30).unwrap()
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: usize, usual: u64| args.get(n).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (Some(folder), Some(what)) = (args.first(), args.get(1)) else {
        eprintln!("ledger_table <folder> make <items> | run <people> <seconds> <pause ms> | batch <items>");
        std::process::exit(2);
    };
    let app = App::open(Path::new(folder), None, Clock::fixed(today())).await.unwrap();
    match what.as_str() {
        "make" => make(&app, number(2, 1_000_000)).await,
        "run" => run(&app, number(2, 50), number(3, 60), number(4, 1_000)).await,
        "batch" => batch(&app, number(2, 10_000)).await,
        other => panic!("{other}?"),
    }
}

async fn sql(app: &App, text: String, args: Vec<Value>) {
    let began = Instant::now();
    let shown: String = text.chars().take(60).collect();
    app.db
        .write_alone::<_, DbError, _>(move |tx| {
            Box::pin(async move { tx.run(AssertSqlSafe(text), args).await.map(|_| ()) })
        })
        .await
        .unwrap();
    println!("{:>7.1} s  {}", began.elapsed().as_secs_f64(), shown.replace('\n', " "));
}

async fn user(app: &App, login: &str, role: Role, division: &str) {
    let new = NewUser {
        login: login.to_owned(),
        name: login.to_owned(),
        unit: String::new(),
        role,
        division_code: division.to_owned(),
        password: PASSWORD.to_owned(),
        lang: Lang::Zh,
    };
    access::create_user(app, &Actor::machine(Lang::Zh), new).await.unwrap();
}

/// Who looks: the `n`-th person.
fn person(n: u64) -> (String, Role, String) {
    let county = format!("99{:02}{:02}", n % 12 + 1, n % 10 + 1);
    let (role, division) = match n % 5 {
        0 => (Role::Analyst, "99".to_owned()),
        1 => (Role::Analyst, county[..4].to_owned()),
        2 | 3 => (Role::CountyStaff, county),
        _ => (Role::TownshipStaff, format!("{county}{:03}", n % 12 + 1)),
    };
    (format!("person{n}"), role, division)
}

async fn make(app: &App, items: u64) {
    let loaded = assess::active_profile(app, &Actor::machine(Lang::Zh)).await.unwrap();
    let profile = &loaded.profile;
    let list = |names: Vec<String>, n: &str| {
        let cases: Vec<String> = names.iter().enumerate().map(|(i, name)| format!("WHEN {i} THEN '{name}'")).collect();
        format!("CASE {n} % {} {} END", names.len(), cases.join(" "))
    };
    let village = |n: &str| {
        format!(
            "'99' || printf('%02d%02d%03d%03d', {n} % 12 + 1, {n} / 12 % 10 + 1, {n} / 120 % 12 + 1, {n} / 1440 % 14 + 1)"
        )
    };
    // The same numbers each time, without a rhythm that an order could follow.
    let dice = |n: &str, by: u64| format!("(({n} * {by} + 12345) % 1000003 % 1000)");
    let numbers =
        |upto: u64| format!("WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < {})", upto - 1);
    sql(
        app,
        "INSERT INTO division (code, name, full_name, parent_code, level) VALUES ('99', '虚省', '虚省', '', 1)"
            .to_owned(),
        args![],
    )
    .await;
    for (digits, count, level, parent, name) in
        [(4, 12, 2, 2, "市"), (6, 120, 3, 4, "县"), (9, 1440, 4, 6, "乡"), (12, 20_160, 5, 9, "村")]
    {
        let code = format!("substr({}, 1, {digits})", village("n"));
        sql(
            app,
            format!(
                "{} INSERT INTO division (code, name, full_name, parent_code, level)
                 SELECT DISTINCT {code}, '{name}' || substr({code}, -3), '虚省某地{name}' || {code}, substr({code}, 1, {parent}),
                        {level} FROM c",
                numbers(count)
            ),
            args![],
        )
        .await;
    }
    for n in 0..50 {
        let (login, role, division) = person(n);
        user(app, &login, role, &division).await;
    }
    sql(
        app,
        format!(
            "{} INSERT INTO app_user (id, login, name, unit, role, division_code, password_hash, created_at)
             SELECT CAST(printf('u%015d', n) AS BLOB), 'officer' || n, '干部' || n, '村委会', 'village_officer', {}, '-', 0 FROM c",
            numbers(20_160),
            village("n")
        ),
        args![],
    )
    .await;
    let homes = items / 2;
    sql(
        app,
        format!(
            "{} INSERT INTO household (id, household_no, division_code, head_name, member_count, attrs, version, fingerprint,
                 import_id, sheet, line, as_of, recorded_at)
             SELECT CAST(printf('%016d', n) AS BLOB), printf('%012d', n), {}, '赵' || (n % 50000), 3, '{{}}', 1, 0, zeroblob(16),
                    '', 1, '2026-01-01', 0 FROM c",
            numbers(homes),
            village("n")
        ),
        args![],
    )
    .await;
    sql(
        app,
        format!(
            "{} INSERT INTO person (id, person_no, household_id, division_code, name, name_folded, pinyin, initials, sex,
                 birth_date, id_kind, relation, is_head, work_division, attrs, version, fingerprint, import_id, sheet, line,
                 as_of, recorded_at)
             SELECT CAST(printf('p%015d', n) AS BLOB), printf('%013d', n), CAST(printf('%016d', n) AS BLOB), {},
                    '赵' || (n % 50000), '赵' || (n % 50000), '', '', 'male', '1970-01-01', 'none', '户主', TRUE, '', '{{}}', 1, 0,
                    zeroblob(16), '', 1, '2026-01-01', 0 FROM c",
            numbers(homes),
            village("n")
        ),
        args![],
    )
    .await;
    // Indexes are made anew behind the load: a hundred times faster than keeping them up row by row.
    let indexes: Vec<(String, String)> = app
        .db
        .all(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'item' AND sql IS NOT NULL",
            args![],
        )
        .await
        .unwrap();
    for (name, _) in &indexes {
        sql(app, format!("DROP INDEX {name}"), args![]).await;
    }
    let rules = list(profile.rules.iter().map(|rule| rule.id.clone()).collect(), &dice("n", 7919));
    let ledgers = list(profile.ledgers.keys().cloned().collect(), &dice("n", 104_729));
    let measures = list(profile.measures.iter().map(|(id, _)| id.clone()).collect(), &dice("n", 15_485_863));
    // Days since it was opened: many are new.
    let age = format!("({d} * {d} / 1000 * 1095 / 1000)", d = dice("n", 31_337));
    let luck = dice("n", 86_028_121);
    let (came, weight) = (dice("n", 67_867_967), dice("n", 49_979_687));
    let state = format!(
        "CASE WHEN {age} > 90 AND {luck} < 960 OR {age} > 30 AND {luck} < 600 OR {luck} < 150
              THEN CASE {luck} % 25 WHEN 0 THEN 'cancelled' ELSE 'closed' END
              ELSE CASE {luck} % 8 WHEN 0 THEN 'to_verify' WHEN 1 THEN 'assigned' WHEN 2 THEN 'submitted' WHEN 3 THEN 'checking'
                   WHEN 4 THEN 'returned' ELSE 'in_progress' END END"
    );
    sql(
        app,
        format!(
            "{} INSERT INTO item (id, number, ledger, source, source_key, rule_id, household_id, division_code, title, level,
                 state, round, owner_unit, owner_division, owner_name, assignee_id, deadline, measures, version, profile_id,
                 opened_at, opened_on, updated_at)
             SELECT CAST(printf('i%015d', n) AS BLOB), printf('台账-%s-2026-%06d', substr({v}, 1, 6), n), {ledgers},
                    CASE WHEN {came} < 700 THEN 'finding' WHEN {came} < 800 THEN 'inspection' WHEN {came} < 900 THEN 'audit'
                         ELSE 'petition' END,
                    'K|' || n, {rules}, CAST(printf('%016d', n / 2) AS BLOB), {v},
                    '{{\"zh-CN\":\"家庭收入骤减，需要落实帮扶措施\",\"en\":\"Income has fallen, measures are needed\"}}',
                    CASE WHEN {weight} < 100 THEN 'severe' WHEN {weight} < 500 THEN 'affected' ELSE 'notice' END, {state},
                    CASE WHEN {luck} % 50 = 0 THEN 2 ELSE 1 END, substr({v}, 1, 9) || '人民政府', substr({v}, 1, 9),
                    '帮扶' || (n % 40000),
                    CASE WHEN {luck} % 10 = 9 THEN NULL ELSE CAST(printf('u%015d', n % 20160) AS BLOB) END,
                    date('2026-06-30', '-' || {age} || ' days', '+' || (15 + {luck} % 60) || ' days'),
                    '[{{\"id\":\"' || {measures} || '\",\"required\":true,\"done\":false,\"done_by\":\"\",\"done_at\":null,\"note\":\"\"}}]',
                    1, $1, 0, date('2026-06-30', '-' || {age} || ' days'), 1782800000000 - {age} * 60000000 + n % 60000 FROM c",
            numbers(items),
            v = village("n")
        ),
        args![loaded.id],
    )
    .await;
    for (_, text) in indexes {
        sql(app, text, args![]).await;
    }
    let (open, all): (i64, i64) = app
        .db
        .one("SELECT COUNT(CASE WHEN state NOT IN ('closed', 'cancelled') THEN 1 END), COUNT(*) FROM item", args![])
        .await
        .unwrap();
    println!("{all} items, {open} of them open");
}

/// Numbers without a rhythm, the same each time: xorshift.
struct Dice(u64);

impl Dice {
    fn upto(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn one<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.upto(list.len() as u64) as usize]
    }
}

struct Choices {
    rules: Vec<String>,
    ledgers: Vec<String>,
    measures: Vec<String>,
}

/// An address as somebody may ask for it.
fn address(dice: &mut Dice, division: &str, choices: &Choices) -> String {
    let of = |list: &[String], dice: &mut Dice| list[dice.upto(list.len() as u64) as usize].clone();
    let mut parts = vec!["mine=0".to_owned()];
    let tabs = [
        "open",
        "open",
        "open",
        "overdue",
        "overdue",
        "to_check",
        "due_soon",
        "closed",
        "all",
        "in_progress",
        "returned",
    ];
    parts.push(format!("state={}", dice.one(&tabs)));
    let sorts = [
        "deadline",
        "deadline",
        "deadline",
        "number",
        "updated",
        "division",
        "household",
        "title",
        "state",
        "level",
        "ledger",
        "source",
        "unit",
        "owner",
        "assignee",
        "round",
        "opened",
    ];
    parts.push(format!("sort={}", dice.one(&sorts)));
    if dice.upto(2) == 0 {
        parts.push("dir=desc".to_owned());
    }
    for _ in 0..dice.upto(4) {
        parts.push(match dice.upto(10) {
            0 => format!("rule={}", of(&choices.rules, dice)),
            1 => format!("level={}", dice.one(&["severe", "affected", "notice"])),
            2 => format!("source={}", dice.one(&["finding", "inspection", "audit", "petition"])),
            3 => format!("ledger={}", of(&choices.ledgers, dice)),
            4 => format!("measure={}", of(&choices.measures, dice)),
            5 => "late=1".to_owned(),
            6 => format!("due_from=2026-{:02}-01&due_to=2026-{:02}-28", 5 + dice.upto(3), 6 + dice.upto(3)),
            7 if division.len() < 6 => format!("division=99{:02}{:02}", 1 + dice.upto(12), 1 + dice.upto(10)),
            8 => format!("owner=%E5%B8%AE%E6%89%B6{}", dice.upto(40_000)),
            9 => format!("q=%E8%B5%B5{}", dice.upto(50_000)),
            _ => format!(
                "unit={division}{}%E4%BA%BA%E6%B0%91%E6%94%BF%E5%BA%9C",
                &"0101001"[..(9 - division.len().min(9)).min(7)]
            ),
        });
    }
    format!("/ledger?{}", parts.join("&"))
}

struct Visitor {
    router: Router,
    cookies: Vec<(String, String)>,
}

impl Visitor {
    async fn call(&mut self, request: axum::http::request::Builder, body: String) -> (StatusCode, String) {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header("host", "taizhang.test").header("cookie", cookies.join("; "));
        let response = self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        for line in parts.headers.get_all("set-cookie") {
            let (name, rest) = line.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap().to_owned();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value));
            }
        }
        let bytes = axum::body::to_bytes(body, 64 << 20).await.unwrap();
        (parts.status, String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn get(&mut self, path: &str) -> (StatusCode, String) {
        self.call(Request::get(path), String::new()).await
    }

    async fn sign_in(router: Router, login: &str) -> Self {
        let mut visitor = Self { router, cookies: Vec::new() };
        let (_, page) = visitor.get("/login").await;
        let token = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let encoded: String = PASSWORD.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let request = Request::post("/login").header("content-type", "application/x-www-form-urlencoded");
        let (status, page) = visitor.call(request, format!("csrf={token}&login={login}&password={encoded}")).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
        visitor
    }
}

async fn run(app: &App, people: u64, seconds: u64, pause: u64) {
    let loaded = assess::active_profile(app, &Actor::machine(Lang::Zh)).await.unwrap();
    let choices = std::sync::Arc::new(Choices {
        rules: loaded.profile.rules.iter().map(|rule| rule.id.clone()).collect(),
        ledgers: loaded.profile.ledgers.keys().cloned().collect(),
        measures: loaded.profile.measures.iter().map(|(id, _)| id.clone()).collect(),
    });
    let router = web::router(app.clone(), Config::default(), web::all_routes()).unwrap();
    let mut visitors = Vec::new();
    for n in 0..people {
        let (login, _, division) = person(n % 50);
        visitors.push((n, division, Visitor::sign_in(router.clone(), &login).await));
    }
    println!("{people} people are signed in");
    let until = Instant::now() + Duration::from_secs(seconds);
    let tasks: Vec<_> = visitors
        .into_iter()
        .map(|(n, division, mut visitor)| {
            let choices = choices.clone();
            tokio::spawn(async move {
                let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ ((n + 1) * 0xBF58_476D_1CE4_E5B9));
                let mut took: Vec<(Duration, String)> = Vec::new();
                let mut next = String::new();
                // Nobody begins at the same moment.
                tokio::time::sleep(Duration::from_millis(dice.upto(pause.max(1)))).await;
                while Instant::now() < until {
                    let path = if !next.is_empty() && dice.upto(3) == 0 {
                        std::mem::take(&mut next)
                    } else {
                        address(&mut dice, &division, &choices)
                    };
                    let began = Instant::now();
                    let (status, page) = visitor.get(&path).await;
                    took.push((began.elapsed(), format!("{division} {path}")));
                    assert_eq!(status, StatusCode::OK, "{path}: {page}");
                    next = page
                        .split("rel=\"next\"")
                        .next()
                        .filter(|before| before.len() < page.len())
                        .and_then(|before| before.rsplit("href=\"").next())
                        .and_then(|rest| rest.split('"').next())
                        .map(|href| href.replace("&#38;", "&").replace("&amp;", "&"))
                        .unwrap_or_default();
                    let rest = pause / 2 + dice.upto(pause.max(1));
                    tokio::time::sleep(Duration::from_millis(rest)).await;
                }
                took
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    all.sort();
    for (of, digits) in [("all", 0), ("province", 2), ("prefecture", 4), ("county", 6), ("township", 9)] {
        let took: Vec<&Duration> = all
            .iter()
            .filter(|(_, path)| digits == 0 || path.find(' ') == Some(digits))
            .map(|(took, _)| took)
            .collect();
        if took.is_empty() {
            continue;
        }
        let at = |share: f64| took[((took.len() as f64 * share) as usize).min(took.len() - 1)].as_secs_f64() * 1e3;
        println!(
            "{of:>10}: {:>6} pages, p50 {:>6.1} ms, p95 {:>6.1} ms, p99 {:>6.1} ms, max {:>7.1} ms",
            took.len(),
            at(0.5),
            at(0.95),
            at(0.99),
            at(1.0)
        );
    }
    println!("{:.1} pages a second; the slowest:", all.len() as f64 / seconds as f64);
    for (took, path) in all.iter().rev().take(25) {
        println!("{:>8.1} ms  {path}", took.as_secs_f64() * 1e3);
    }
}

async fn batch(app: &App, items: u64) {
    let (login, role, division) = person(2);
    let found = access::find_user(&app.db, &Scope::everything(), &login).await.unwrap();
    let actor = Actor {
        user_id: Some(found.id),
        login: login.clone(),
        name: login,
        unit: String::new(),
        role,
        scope: Scope::subtree(&division),
        lang: Lang::Zh,
        is_machine: false,
    };
    let actor = Actor { role: Role::Analyst, scope: Scope::subtree("99"), ..actor };
    // Items of any village: to their own officers, so that none is refused for its place.
    let rows: Vec<(uuid::Uuid,)> = app
        .db
        .all(
            "SELECT id FROM item WHERE state IN ('to_verify', 'assigned', 'in_progress', 'returned') LIMIT $1",
            args![items as i64],
        )
        .await
        .unwrap();
    let chosen = Chosen::Items(rows.into_iter().map(|(id,)| id).collect());
    for round in 0..3 {
        let id = ids::new_id();
        let what = What::Assign { give: Give::Villages, deadline: None };
        let began = Instant::now();
        let looked = bulk::preview(app, &actor, id, &chosen, what).await.unwrap();
        let preview = began.elapsed();
        let done = bulk::carry_out(app, &actor, id, "").await.unwrap();
        let carried = began.elapsed() - preview;
        let back = bulk::take_back(app, &actor, id).await.unwrap();
        let undone = began.elapsed() - preview - carried;
        println!(
            "round {round}: preview {:.2} s ({} ready), carried out {:.2} s ({} items), taken back {:.2} s ({} items)",
            preview.as_secs_f64(),
            looked.count("ready"),
            carried.as_secs_f64(),
            done.done,
            undone.as_secs_f64(),
            back.done
        );
    }
}
