//! Sign-in, sessions, forms, users, masked fields and the audit chain, as a browser and an intruder see them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use taizhang::access::audit::{self, Break, Entry};
use taizhang::access::reveal::{self, DAILY_QUOTA, Reveal};
use taizhang::access::{self, AccessError, Actor, NewUser, Role, Scope, UserFilter};
use taizhang::args;
use taizhang::platform::jobs::{self, Handler, NewJob};
use taizhang::platform::{App, DbError, Lang, Value};
use taizhang::web::{self, Config};

use crate::support::http::{PASSWORD, TestApp, login_of};
use crate::support::{each_database, machine};

/// Runs SQL behind the product's back.
async fn meddle(app: &App, sql: &'static str, args: Vec<Value>) {
    let touched =
        app.db.write::<u64, DbError, _>(move |tx| Box::pin(async move { tx.run(sql, args).await })).await.unwrap();
    assert!(touched > 0, "{sql} touched nothing");
}

async fn user_id(app: &App, login: &str) -> uuid::Uuid {
    access::find_user(&app.db, &Scope::everything(), login).await.unwrap().id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_begins_anew_at_sign_in_and_ends_at_sign_out() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        let mut browser = server.login(Role::Admin, "99").await;
        let login = login_of(Role::Admin, "99");
        let first = browser.cookies["tz_session"].clone();
        assert_eq!(browser.get("/settings/users").await.status, StatusCode::OK);

        let (stored,): (String,) = app.db.one("SELECT token_hash FROM session", args![]).await.unwrap();
        assert!(stored.len() == 64 && !stored.contains(&first));

        // Signing in again from the same browser gives a new token, and the old one is dead.
        let mut again = server.browser();
        again.cookies.insert("tz_session".to_owned(), first.clone());
        again.token().await;
        let token = again.get("/settings/account").await.csrf();
        let reply = again.post_raw("/login", &[("csrf", &token), ("login", &login), ("password", PASSWORD)]).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER);
        let cookie = reply.headers.get_all("set-cookie").iter().next().unwrap();
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        assert!(!cookie.contains("Secure"), "over plain HTTP a Secure cookie would be lost");
        assert_ne!(again.cookies["tz_session"], first);
        let reply = browser.get("/settings/users").await;
        assert_eq!(reply.location(), "/login?next=/settings/users");

        let kept = again.clone();
        assert_eq!(again.post("/logout", &[]).await.location(), "/login");
        assert!(!again.cookies.contains_key("tz_session"));
        let mut thief = kept;
        assert!(thief.get("/settings").await.location().starts_with("/login"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_idle_and_when_old() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        let now = app.clock.now_ms();
        for (column, ms) in [
            ("UPDATE session SET last_seen_at = $1", now - 30 * 60_000 - 1),
            ("UPDATE session SET expires_at = $1", now - 1),
        ] {
            let mut browser = server.login(Role::Helper, "99").await;
            assert_eq!(browser.get("/settings/account").await.status, StatusCode::OK);
            meddle(&app, column, args![ms]).await;
            assert_eq!(browser.get("/settings/account").await.status, StatusCode::SEE_OTHER);
        }
        // Use keeps it alive.
        let mut browser = server.login(Role::Helper, "99").await;
        meddle(&app, "UPDATE session SET last_seen_at = $1", args![now - 20 * 60_000]).await;
        assert_eq!(browser.get("/settings/account").await.status, StatusCode::OK);
        let (seen,): (i64,) = app.db.one("SELECT MAX(last_seen_at) FROM session", args![]).await.unwrap();
        assert!(seen >= now);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_passwords_lock_and_no_answer_tells_why() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        server.login(Role::CountyStaff, "99").await;
        let login = login_of(Role::CountyStaff, "99");
        let mut browser = server.browser();
        let mut answers = Vec::new();
        for _ in 0..5 {
            answers.push(browser.sign_in(&login, "wrong").await);
        }
        // Now locked: the right password does not help, and it does not show.
        answers.push(browser.sign_in(&login, PASSWORD).await);
        answers.push(browser.sign_in("no-such-user", "wrong").await);
        let shown: Vec<String> = answers
            .iter()
            .map(|reply| {
                assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
                let body = reply.body.replace("no-such-user", &login);
                body.replace(&reply.csrf(), "")
            })
            .collect();
        assert!(shown.iter().all(|body| *body == shown[0]));

        let until: (Option<i64>,) =
            app.db.one("SELECT locked_until FROM app_user WHERE login = $1", args![&login]).await.unwrap();
        let minutes = (until.0.unwrap() - app.clock.now_ms()) / 60_000;
        assert!((14..=15).contains(&minutes), "{minutes}");

        // After the time is over it opens by itself, and the count begins anew.
        let past = app.clock.now_ms() - 1;
        meddle(&app, "UPDATE app_user SET locked_until = $1 WHERE login = $2", args![past, &login]).await;
        assert_eq!(browser.sign_in(&login, "wrong").await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(browser.sign_in(&login, PASSWORD).await.status, StatusCode::SEE_OTHER);

        // An administrator opens it at once.
        let mut browser = server.browser();
        for _ in 0..5 {
            browser.sign_in(&login, "wrong").await;
        }
        access::unlock(&app, &machine(), user_id(&app, &login).await).await.unwrap();
        assert_eq!(browser.sign_in(&login, PASSWORD).await.status, StatusCode::SEE_OTHER);

        let failed: (i64, i64) = app
            .db
            .one(
                "SELECT COUNT(*), (SELECT COUNT(*) FROM audit WHERE action = 'login.locked') FROM audit
                 WHERE action = 'login.failed' AND actor_login = $1",
                args![&login],
            )
            .await
            .unwrap();
        assert_eq!(failed, (4 + 1 + 1 + 4, 2));
        let (typed,): (i64,) =
            app.db.one("SELECT COUNT(*) FROM audit WHERE actor_login = 'no-such-user'", args![]).await.unwrap();
        assert_eq!(typed, 0, "what a stranger types is not kept");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_user_is_out_at_once() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        let mut admin = server.login(Role::Admin, "99").await;
        let mut browser = server.login(Role::Analyst, "99").await;
        let login = login_of(Role::Analyst, "99");
        let id = user_id(&app, &login).await;
        let reply = admin.post(&format!("/settings/users/{id}/disable"), &[]).await;
        assert_eq!(reply.location(), "/settings/users");
        let list = admin.get("/settings/users").await;
        assert!(list.body.contains("用户已停用，其登录立即失效。") && list.body.contains("已停用"));
        assert!(!admin.get("/settings/users").await.body.contains("用户已停用，其登录立即失效。"));
        assert_eq!(browser.get("/settings/account").await.status, StatusCode::SEE_OTHER);
        let reply = browser.sign_in(&login, PASSWORD).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        admin.post(&format!("/settings/users/{id}/enable"), &[]).await;
        assert_eq!(browser.sign_in(&login, PASSWORD).await.status, StatusCode::SEE_OTHER);

        let own = user_id(&app, &login_of(Role::Admin, "99")).await;
        let reply = admin.post(&format!("/settings/users/{own}/disable"), &[]).await;
        assert_eq!(reply.status, StatusCode::CONFLICT);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_other_sessions() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        let mut here = server.login(Role::Helper, "99").await;
        let mut elsewhere = server.login(Role::Helper, "99").await;
        let login = login_of(Role::Helper, "99");
        let new = "松间明月照-石上清泉流";
        let wrong = [("not mine", new, new), (PASSWORD, new, "typed differently"), (PASSWORD, "short", "short")];
        for (present, new, again) in wrong {
            let fields = [("present", present), ("new", new), ("again", again)];
            let reply = here.post("/settings/account", &fields).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(reply.body.contains("notice-danger"));
        }
        let fields = [("present", PASSWORD), ("new", new), ("again", new)];
        let reply = here.post("/settings/account", &fields).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.body);
        assert_eq!(here.get("/settings/account").await.status, StatusCode::OK);
        assert_eq!(elsewhere.get("/settings/account").await.status, StatusCode::SEE_OTHER);
        let mut browser = server.browser();
        assert_eq!(browser.sign_in(&login, PASSWORD).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(browser.sign_in(&login, new).await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_are_taken_only_with_their_sessions_token_from_our_own_pages() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        let mut mine = server.login(Role::Admin, "99").await;
        let mut other = server.login(Role::Auditor, "99").await;
        let foreign = other.token().await;
        let guest = server.browser().token().await;
        let fields = |token: &str| -> Vec<(String, String)> {
            [("csrf", token), ("present", "a"), ("new", "b"), ("again", "c")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec()
        };
        for wrong in ["", "AAAA", &foreign, &guest] {
            let fields = fields(wrong);
            let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let reply = mine.post_raw("/settings/account", &fields).await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "token {wrong:?}");
            assert!(reply.body.contains("web.csrf"));
        }
        // The token is right, but the browser says that another site sends it.
        let token = mine.token().await;
        let fields = fields(&token);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let crossing =
            [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")];
        for (name, value) in crossing {
            let reply = mine.clone().with(name, value).post_raw("/settings/account", &fields).await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{name}: {value}");
        }
        let own = mine.clone().with("sec-fetch-site", "same-origin");
        let reply = own.clone().post_raw("/settings/account", &fields).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        // Scripts may send it in a header.
        let mut script = own.with("x-csrf-token", &token);
        let reply = script.post_raw("/settings/account", &fields[1..]).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        // Signing in needs a token too, so that nobody is signed in as somebody else by another site.
        let mut stranger = server.browser();
        let login = [("login", "x"), ("password", "y")];
        assert_eq!(stranger.post_raw("/login", &login).await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_security_headers_and_errors_speak_the_readers_language() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        let mut browser = server.login(Role::CountyStaff, "99").await;
        let missing = browser.get("/no/such/page").await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND);
        assert!(missing.body.contains("web.not_found") && missing.body.contains("没有找到"));
        for reply in [&missing, &browser.get("/settings/account").await, &browser.get("/assets/app.css").await] {
            let csp = reply.header("content-security-policy");
            assert!(csp.contains("default-src 'none'") && !csp.contains("unsafe"), "{csp}");
            assert_eq!(reply.header("x-content-type-options"), "nosniff");
            assert_eq!(reply.header("x-frame-options"), "DENY");
        }
        assert_eq!(browser.get("/settings/account").await.header("cache-control"), "no-store");

        // Assets: for good under their fingerprint, asked again without.
        let page = browser.get("/settings/account").await.body;
        let asset = page.split("href=\"/assets/app.css?v=").nth(1).unwrap();
        let named = format!("/assets/app.css?v={}", asset.split('"').next().unwrap());
        let reply = browser.get(&named).await;
        assert!(reply.header("cache-control").contains("immutable"));
        let tag = reply.header("etag").to_owned();
        assert_eq!(browser.get("/assets/app.css").await.header("cache-control"), "no-cache");
        let mut knowing = browser.clone().with("if-none-match", &tag);
        assert_eq!(knowing.get("/assets/app.css").await.status, StatusCode::NOT_MODIFIED);
        let mut zipping = browser.clone().with("accept-encoding", "gzip");
        assert_eq!(zipping.get("/assets/app.css").await.header("content-encoding"), "gzip");
        assert_eq!(browser.get("/assets/../mod.rs").await.status, StatusCode::NOT_FOUND);

        // For programs: RFC 9457.
        let mut program = browser.clone().with("accept", "application/json");
        let reply = program.get("/settings/users").await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
        assert_eq!(reply.header("content-type"), "application/problem+json");
        let problem: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!((&problem["status"], &problem["code"]), (&403.into(), &"web.forbidden".into()));
        let mut stranger = server.browser().with("accept", "application/json");
        assert_eq!(stranger.get("/settings").await.status, StatusCode::UNAUTHORIZED);

        // The language goes with the user, and the way back stays on this server.
        let reply = browser.get("/lang/en?next=/settings/account").await;
        assert_eq!(reply.location(), "/settings/account");
        assert!(browser.get("/no/such/page").await.body.contains("Not found"));
        let mut elsewhere = server.browser();
        elsewhere.sign_in(&login_of(Role::CountyStaff, "99"), PASSWORD).await;
        assert!(elsewhere.get("/settings/account").await.body.contains("<html lang=\"en\">"));
        for evil in ["//evil.example", "https://evil.example", "/%5Cevil.example"] {
            assert_eq!(browser.get(&format!("/lang/en?next={evil}")).await.location(), "/");
        }
        assert_eq!(browser.get("/lang/fr").await.status, StatusCode::NOT_FOUND);

        // A form larger than forms are, and a method that the path does not know.
        let big = "x".repeat(2 << 20);
        let reply = browser.post("/settings/account", &[("present", &big)]).await;
        assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
        let reply = browser.post("/settings/health", &[]).await;
        assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
        assert!(reply.body.contains("web.method"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_https_cookies_say_so() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        server.login(Role::Helper, "99").await;
        let https = Config { https: true };
        let router = web::router(app.clone(), https, web::all_routes()).unwrap();
        let mut browser = TestApp::over(&app, router).browser();
        let reply = browser.sign_in(&login_of(Role::Helper, "99"), PASSWORD).await;
        let cookie = reply.header("set-cookie");
        assert!(cookie.starts_with("tz_session=") && cookie.ends_with("; Secure"), "{cookie}");
        assert!(reply.header("strict-transport-security").contains("max-age"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_keep_to_their_division() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        server.login(Role::Helper, "990201").await;
        let mut admin = server.login(Role::Admin, "9901").await;
        let fields =
            |division| [("login", "zhou.min"), ("name", "周敏"), ("role", "township_staff"), ("division", division)];
        let reply = admin.post("/settings/users/new", &fields("990201")).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
        assert!(reply.body.contains("不在您的管辖范围内"));
        let reply = admin.post("/settings/users/new", &fields("990102003")).await;
        assert_eq!(reply.status, StatusCode::OK);
        let password = reply.body.split("<span class=\"code\">").nth(1).unwrap();
        let password = password.split('<').next().unwrap().to_owned();
        let mut fresh = server.browser();
        assert_eq!(fresh.sign_in("zhou.min", &password).await.status, StatusCode::SEE_OTHER);
        let reply = admin.post("/settings/users/new", &fields("990102003")).await;
        assert_eq!(reply.status, StatusCode::CONFLICT, "the login is taken");

        let list = admin.get("/settings/users").await.body;
        assert!(list.contains("周敏") && !list.contains(&login_of(Role::Helper, "990201")));
        let found = admin.get("/settings/users?q=ZHOU").await.body;
        assert!(found.contains("周敏") && !found.contains(&format!("lead\">{}", login_of(Role::Admin, "9901"))));
        assert!(admin.get("/settings/users?q=%25").await.body.contains("没有符合条件的用户"));

        let bad = [
            ("x", "990101", "access.login"),
            ("Ab cd", "990101", "access.login"),
            ("cli", "990101", "access.login"),
            ("fine.one", "99010", "access.division"),
            ("fine.one", "99x1", "access.division"),
        ];
        for (login, division, code) in bad {
            let new = NewUser {
                login: login.to_owned(),
                name: "名".to_owned(),
                unit: String::new(),
                role: Role::Helper,
                division_code: division.to_owned(),
                password: PASSWORD.to_owned(),
                lang: Lang::Zh,
            };
            let error = access::create_user(&app, &machine(), new).await.unwrap_err();
            assert_eq!(taizhang::platform::UserError::code(&error), code, "{login} {division}");
        }
        let filter = UserFilter { limit: 1, ..UserFilter::default() };
        let (page, total) = access::list_users(&app.db, &Scope::subtree("9901"), &filter).await.unwrap();
        assert_eq!((page.len(), total), (1, 2));
    })
    .await;
}

fn officer(login: &str, division: &str) -> Actor {
    Actor {
        login: login.to_owned(),
        role: Role::VillageOfficer,
        scope: Scope::subtree(division),
        is_machine: false,
        ..machine()
    }
}

async fn look(app: &App, actor: &Actor, division: &str, reason: &str) -> Result<(), AccessError> {
    let (actor, now) = (actor.clone(), app.clock.now_ms());
    let reveal = Reveal {
        object_kind: "person",
        object_id: "p1".to_owned(),
        division_code: division.to_owned(),
        field: "id",
        reason: reason.to_owned(),
    };
    app.db.write(move |tx| Box::pin(async move { reveal::record(tx, &actor, reveal, now).await })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_masked_field_opens_with_a_reason_within_scope_and_quota_and_is_on_the_books() {
    each_database(|app| async move {
        let actor = officer("cun", "990102003004");
        let inside = "99010200300401";
        look(&app, &actor, inside, "核对医保报销单").await.unwrap();
        assert!(matches!(look(&app, &actor, inside, " 看  ").await, Err(AccessError::Reason)));
        assert!(matches!(look(&app, &actor, "990102003005", "核对医保报销单").await, Err(AccessError::Outside)));
        let helper = Actor { role: Role::Helper, ..actor.clone() };
        assert!(matches!(look(&app, &helper, inside, "核对医保报销单").await, Err(AccessError::Forbidden)));
        let (who, reason, detail): (String, String, String) = app
            .db
            .one("SELECT actor_login, reason, detail FROM audit WHERE action = 'personal.reveal'", args![])
            .await
            .unwrap();
        assert_eq!((who.as_str(), reason.as_str()), ("cun", "核对医保报销单"));
        assert!(detail.contains("\"id\""));
        for _ in 1..DAILY_QUOTA {
            look(&app, &actor, inside, "逐户核对").await.unwrap();
        }
        assert!(matches!(look(&app, &actor, inside, "逐户核对").await, Err(AccessError::Quota)));
        look(&app, &officer("other", "990102003004"), inside, "逐户核对").await.unwrap();
        assert_eq!(audit::verify(&app.db).await.unwrap().fault, None);
    })
    .await;
}

async fn chain(app: &App, entries: i64) {
    for n in 0..entries {
        let now = app.clock.now_ms();
        app.db
            .write::<(), DbError, _>(move |tx| {
                Box::pin(async move {
                    let entry = Entry {
                        action: "test.entry",
                        object_kind: "thing",
                        object_id: n.to_string(),
                        division_code: "99",
                        reason: "事由",
                        detail: serde_json::json!({ "n": n }),
                    };
                    audit::record(tx, &machine(), entry, now).await
                })
            })
            .await
            .unwrap();
    }
}

async fn fault(app: &App) -> Option<Break> {
    audit::verify(&app.db).await.unwrap().fault
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_meddles_with_the_audit_log_is_noticed() {
    const COLUMNS: &[&str] = &[
        "UPDATE audit SET at = at + 1 WHERE seq = 4",
        "UPDATE audit SET actor_login = 'x' WHERE seq = 4",
        "UPDATE audit SET actor_id = $1 WHERE seq = 4",
        "UPDATE audit SET action = 'x' WHERE seq = 4",
        "UPDATE audit SET object_kind = 'x' WHERE seq = 4",
        "UPDATE audit SET object_id = 'x' WHERE seq = 4",
        "UPDATE audit SET division_code = '98' WHERE seq = 4",
        "UPDATE audit SET reason = 'x' WHERE seq = 4",
        "UPDATE audit SET detail = '{}' WHERE seq = 4",
        "UPDATE audit SET object_kind = 'thing3', object_id = '' WHERE seq = 4",
    ];
    for sql in COLUMNS {
        each_database(|app| async move {
            chain(&app, 8).await;
            assert_eq!(fault(&app).await, None);
            let args = if sql.contains("$1") { args![uuid::Uuid::now_v7()] } else { args![] };
            meddle(&app, sql, args).await;
            assert_eq!(fault(&app).await, Some(Break::Content { seq: 4 }), "{sql}");
        })
        .await;
    }
    each_database(|app| async move {
        chain(&app, 8).await;
        meddle(&app, "DELETE FROM audit WHERE seq = 4", args![]).await;
        assert_eq!(fault(&app).await, Some(Break::Gap { seq: 5 }));
        // The gap closed by moving the numbers: the links tell.
        for seq in 5..=8_i64 {
            meddle(&app, "UPDATE audit SET seq = seq - 1 WHERE seq = $1", args![seq]).await;
        }
        assert_eq!(fault(&app).await, Some(Break::Link { seq: 4 }));
    })
    .await;
    each_database(|app| async move {
        chain(&app, 8).await;
        // Two entries change places.
        for (from, to) in [(4_i64, 100_i64), (5, 4), (100, 5)] {
            meddle(&app, "UPDATE audit SET seq = $2 WHERE seq = $1", args![from, to]).await;
        }
        assert_eq!(fault(&app).await, Some(Break::Link { seq: 4 }));
    })
    .await;
    each_database(|app| async move {
        chain(&app, 8).await;
        meddle(
            &app,
            "INSERT INTO audit (seq, at, actor_login, action, object_kind, object_id, division_code, prev_hash, hash)
             SELECT 9, at, actor_login, action, object_kind, object_id, division_code, hash, 'forged' FROM audit WHERE seq = 8",
            args![],
        )
        .await;
        assert_eq!(fault(&app).await, Some(Break::Content { seq: 9 }));
    })
    .await;
    each_database(|app| async move {
        chain(&app, 8).await;
        let before = audit::verify(&app.db).await.unwrap();
        meddle(&app, "DELETE FROM audit WHERE seq > 6", args![]).await;
        assert_eq!(fault(&app).await, Some(Break::Head { seq: 6, head: 8 }));
        // With the head moved back as well only what was written down elsewhere tells.
        let six = audit::hash_at(&app.db, 6).await.unwrap().unwrap();
        meddle(&app, "UPDATE audit_head SET seq = 6, hash = $1", args![six]).await;
        assert_eq!(fault(&app).await, None);
        let now = audit::hash_at(&app.db, before.entries).await.unwrap();
        assert_ne!(now.as_ref(), Some(&before.head));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn entries_written_at_the_same_time_make_one_chain() {
    each_database(|app| async move {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let app = app.clone();
                tokio::spawn(async move { chain(&app, 20).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let found = audit::verify(&app.db).await.unwrap();
        assert_eq!((found.entries, found.fault), (160, None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_page_filters_pages_and_verifies() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        chain(&app, 60).await;
        let mut auditor = server.login(Role::Auditor, "").await;
        let all = auditor.get("/settings/audit").await.body;
        assert!(all.contains("登录") && all.contains("before="));
        let next = all.split("href=\"/settings/audit?before=").nth(1).unwrap();
        let next = next.split('"').next().unwrap().replace("&#38;", "&");
        let older = auditor.get(&format!("/settings/audit?before={next}")).await.body;
        assert!(older.contains("thing 0") && !older.contains("thing 59"));
        let mine = login_of(Role::Auditor, "");
        let filtered = auditor.get(&format!("/settings/audit?login={mine}")).await.body;
        assert!(filtered.contains("登录") && !filtered.contains("thing 5"));
        let none = auditor.get("/settings/audit?action=login.ok&until=2001-01-01").await.body;
        assert!(none.contains("没有符合条件的日志"));
        let whole = auditor.post("/settings/audit/verify", &[]).await.body;
        assert!(whole.contains("日志链完整"));
        meddle(&app, "UPDATE audit SET reason = 'x' WHERE seq = 7", args![]).await;
        let broken = auditor.post("/settings/audit/verify", &[]).await.body;
        assert!(broken.contains("第 7 条在写入后被改动"));
        // An auditor of one county sees that county's entries.
        let mut county = server.login(Role::Auditor, "9901").await;
        assert!(!county.get("/settings/audit").await.body.contains("thing 59"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_shows_its_progress_and_stops_when_asked() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        let new = |key: &str| NewJob {
            kind: "count",
            title: "点数 <b>".to_owned(),
            division_code: "990102".to_owned(),
            created_by: None,
            params: serde_json::json!({}),
            idempotency_key: Some(key.to_owned()),
        };
        let enqueue = async |job: NewJob| {
            app.db
                .write::<_, DbError, _>(move |tx| Box::pin(async move { jobs::enqueue(tx, job, 1).await }))
                .await
                .unwrap()
        };
        let id = enqueue(new("one")).await;
        assert_eq!(enqueue(new("one")).await, id, "the same key is the same job");
        let handler: Handler = Arc::new(|_, _, progress| {
            Box::pin(async move {
                progress.stage("job-stage-test", 1000);
                for n in 0.. {
                    progress.at(n);
                    if progress.is_cancelled() {
                        return Err(jobs::JobFailure::Cancelled);
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Ok(serde_json::json!({}))
            })
        });
        let worker = tokio::spawn(jobs::run_forever(app.clone(), HashMap::from([("count", handler)])));
        let mut staff = server.login(Role::CountyStaff, "9901").await;
        let path = format!("/jobs/{id}");
        let mut program = staff.clone().with("accept", "application/json");
        let mut seen = serde_json::Value::Null;
        for _ in 0..100 {
            seen = serde_json::from_str(&program.get(&path).await.body).unwrap();
            if seen["done"].as_i64() > Some(0) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!((&seen["state"], &seen["total"]), (&"running".into(), &1000.into()), "{seen}");
        let page = staff.get(&path).await.body;
        assert!(page.contains("点数 &#60;b&#62;") && page.contains("<nav"));
        let mut part = staff.clone().with("hx-request", "true");
        let part = part.get(&path).await.body;
        assert!(part.contains("every 1s") && !part.contains("<nav"));
        assert_eq!(staff.post(&format!("{path}/cancel"), &[]).await.location(), path);
        for _ in 0..100 {
            seen = serde_json::from_str(&program.get(&path).await.body).unwrap();
            if seen["state"] == "cancelled" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(seen["state"], "cancelled");
        assert!(!staff.get(&path).await.body.contains("every 1s"));
        worker.abort();
    })
    .await;
}
