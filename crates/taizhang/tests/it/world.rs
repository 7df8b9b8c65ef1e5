//! A small made-up world written straight into the tables: divisions, households, signals.

use taizhang::access::{self, Actor, NewUser, Role, Scope};
use taizhang::args;
use taizhang::platform::{App, DbError, Lang, Value, ids};
use uuid::Uuid;

use crate::support::{http::PASSWORD, machine};

/// A village of the world.
pub(crate) const VILLAGE: &str = "990101001001";
/// Another village, of another township.
pub(crate) const OTHER: &str = "990101002001";
/// A county far away, where people work.
pub(crate) const FAR: &str = "990202";

/// Runs one statement.
pub(crate) async fn run(app: &App, sql: &'static str, args: Vec<Value>) {
    app.db
        .write::<_, DbError, _>(move |tx| Box::pin(async move { tx.run(sql, args).await.map(|_| ()) }))
        .await
        .unwrap();
}

/// Whole number of a query.
pub(crate) async fn number(app: &App, sql: &'static str, args: Vec<Value>) -> i64 {
    app.db.one::<(i64,)>(sql, args).await.unwrap().0
}

pub(crate) async fn divisions(app: &App) {
    for (code, name, parent, level) in [
        ("99", "虚省", "", 1_i64),
        ("9901", "云市", "99", 2),
        ("990101", "云岭县", "9901", 3),
        ("990101001", "新桥镇", "990101", 4),
        (VILLAGE, "石门村", "990101001", 5),
        ("990101002", "柳河镇", "990101", 4),
        (OTHER, "东风村", "990101002", 5),
        ("9902", "江市", "99", 2),
        (FAR, "江阳县", "9902", 3),
    ] {
        run(
            app,
            "INSERT INTO division (code, name, full_name, parent_code, level) VALUES ($1, $2, $2, $3, $4)",
            args![code, name, parent, level],
        )
        .await;
    }
}

/// A household with persons who work in the given counties; its id and theirs.
pub(crate) async fn household(app: &App, n: u128, village: &str, works: &[&str]) -> (Uuid, Vec<Uuid>) {
    let id = Uuid::from_u128(0xA000_0000 + n);
    run(
        app,
        "INSERT INTO household (id, household_no, division_code, head_name, member_count, attrs, version, fingerprint,
                                import_id, sheet, line, as_of, recorded_at)
         VALUES ($1, $2, $3, $4, $5, '{}', 1, 0, $1, '', 1, '2020-02-01', 0)",
        args![id, format!("H{n}"), village, format!("赵{n}"), works.len() as i64],
    )
    .await;
    let mut persons = Vec::new();
    for (i, work) in works.iter().enumerate() {
        let person = Uuid::from_u128(0xB000_0000 + n * 100 + i as u128);
        run(
            app,
            "INSERT INTO person (id, person_no, household_id, division_code, name, name_folded, pinyin, initials, sex,
                                 birth_date, id_kind, relation, is_head, work_division, attrs, version, fingerprint,
                                 import_id, sheet, line, as_of, recorded_at)
             VALUES ($1, $2, $3, $4, $5, $5, '', '', 'male', '1970-01-01', 'none', '户主', $6, $7, '{}', 1, 0, $1, '', 1,
                     '2020-02-01', 0)",
            args![person, format!("P{n}-{i}"), id, village, format!("赵{n}{i}"), i == 0, *work],
        )
        .await;
        persons.push(person);
    }
    (id, persons)
}

/// A helper of a household; rows with one phone are one person.
pub(crate) async fn helper(app: &App, household: Uuid, village: &str, name: &str, phone: i64) -> Uuid {
    let id = ids::new_id();
    run(
        app,
        "INSERT INTO helper (id, household_id, division_code, name, name_folded, sex, unit, phone_index, start_date, end_date,
                             attrs, version, fingerprint, import_id, sheet, line, as_of, recorded_at)
         VALUES ($1, $2, $3, $4, $4, '', '', $5, '2019-01-01', '', '{}', 1, 0, $1, '', 1, '2020-02-01', 0)",
        args![id, household, village, name, phone],
    )
    .await;
    id
}

/// A member of a village's work team.
pub(crate) async fn team_member(app: &App, village: &str, name: &str) -> Uuid {
    let id = ids::new_id();
    run(
        app,
        "INSERT INTO work_team_member (id, team, division_code, name, name_folded, role, unit, start_date, end_date, attrs,
                                       version, fingerprint, import_id, sheet, line, as_of, recorded_at)
         VALUES ($1, '工作队', $2, $3, $3, '队员', '', '2019-01-01', '', '{}', 1, 0, $1, '', 1, '2020-02-01', 0)",
        args![id, village, name],
    )
    .await;
    id
}

/// A signal of somebody of a household.
pub(crate) async fn signal(app: &App, kind: &str, subject: &str, who: Uuid, household: Uuid, value: &str) -> Uuid {
    let id = ids::new_id();
    let person = (subject == "person").then_some(who);
    let now = app.clock.now_ms();
    let row_key = format!("{kind}:{who}");
    run(
        app,
        "INSERT INTO signal (id, kind, subject, subject_id, person_id, household_id, division_code, fact_date, learnt_at,
                             value, probability, source, row_key, version, state, state_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, '2020-02-15', $8, $9, 1.0, 'health.cases', $10, 1, 'active', $8)",
        args![id, kind, subject, who, person, household, VILLAGE, now, value, row_key],
    )
    .await;
    id
}

/// Takes a signal out of force.
pub(crate) async fn end_signal(app: &App, id: Uuid, state: &str, reason: &str) {
    let now = app.clock.now_ms();
    run(
        app,
        "UPDATE signal SET state = $2, state_reason = $3, state_at = $4, version = version + 1 WHERE id = $1",
        args![id, state, reason, now],
    )
    .await;
}

/// The fields of a contact by phone on which nothing was checked.
pub(crate) fn contact(day: &str) -> taizhang::screen::entry::Raw {
    [("visited_on", day), ("channel", "phone"), ("mode", "contact"), ("note", "电话问候")]
        .into_iter()
        .map(|(field, text)| (field.to_owned(), text.to_owned()))
        .collect()
}

/// `n` cases of a county on a day.
pub(crate) async fn cases(app: &App, county: &str, day: &str, n: i64, cluster: &str) {
    for _ in 0..n {
        let id = ids::new_id();
        run(
            app,
            "INSERT INTO list_row (id, comparison_id, source, row_key, revision, current, division_code, case_county, kind,
                                   fact_date, name, cluster, fields_enc, fingerprint, outcome, sheet, line, recorded_at)
             VALUES ($1, $1, 'health.cases', $2, 1, TRUE, $3, $3, 'epidemic.confirmed', $4, '某', $5, $6, 0, 'unmatched', '',
                     1, 0)",
            args![id, id.to_string(), county, day, cluster, Vec::<u8>::new()],
        )
        .await;
    }
    run(app, "UPDATE tier_basis SET lists = lists + 1 WHERE id = 1", args![]).await;
}

/// A user, as they act when signed in.
pub(crate) async fn user(app: &App, login: &str, role: Role, division: &str) -> Actor {
    let new = NewUser {
        login: login.to_owned(),
        name: login.to_owned(),
        unit: "测试单位".to_owned(),
        role,
        division_code: division.to_owned(),
        password: PASSWORD.to_owned(),
        lang: Lang::Zh,
    };
    let id = access::create_user(app, &machine(), new).await.unwrap();
    Actor {
        user_id: Some(id),
        login: login.to_owned(),
        name: login.to_owned(),
        unit: String::new(),
        role,
        scope: Scope::subtree(division),
        lang: Lang::Zh,
        is_machine: false,
    }
}
