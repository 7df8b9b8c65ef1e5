//! Sign-in, sessions, forms, users, masked fields and the audit chain, as a browser and an intruder see them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use taizhang::access::audit::{self, Break, Entry};
use taizhang::access::reveal::{self, DAILY_QUOTA, Reveal};
use taizhang::access::{self, AccessError, Actor, NewUser, Role, Scope, UserFilter};
use taizhang::args;
use taizhang::platform::jobs::{self, Handler, NewJob};
use taizhang::platform::{App, DbError, Lang, Value, i18n};
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
        // It is written down beside the answer, not before it.
        let mut seen = 0;
        for _ in 0..100 {
            (seen,) = app.db.one::<(i64,)>("SELECT MAX(last_seen_at) FROM session", args![]).await.unwrap();
            if seen >= now {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
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
        let reply = browser.post("/settings/audit", &[]).await;
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
        let password = shown_password(&reply.body);
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

/// The password that a page shows once.
fn shown_password(page: &str) -> String {
    page.split("<span class=\"code\">").nth(1).unwrap().split('<').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_handed_over_is_changed_before_anything_else() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        let mut admin = server.login(Role::Admin, "99").await;
        let fields = [("login", "zhou.min"), ("name", "周敏"), ("role", "county_staff"), ("division", "990102")];
        let made = shown_password(&admin.post("/settings/users/new", &fields).await.body);
        let mut fresh = server.browser();
        assert_eq!(fresh.sign_in("zhou.min", &made).await.status, StatusCode::SEE_OTHER);
        for path in ["/", "/situation", "/households", "/settings", "/search?q=王"] {
            let reply = fresh.get(path).await;
            assert_eq!((reply.status, reply.location()), (StatusCode::SEE_OTHER, "/settings/account"), "{path}");
        }
        let reply = fresh.clone().with("accept", "application/json").get("/situation").await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
        assert!(reply.body.contains("web.change_password"));
        let page = fresh.get("/settings/account").await.body;
        assert!(page.contains("您的密码是别人告知的") && !page.contains("href=\"/situation\""), "{page}");
        // The same again is no change.
        let own = "松间明月照-石上清泉流";
        let same = [("present", made.as_str()), ("new", made.as_str()), ("again", made.as_str())];
        let reply = fresh.post("/settings/account", &same).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        let fields = [("present", made.as_str()), ("new", own), ("again", own)];
        assert_eq!(fresh.post("/settings/account", &fields).await.location(), "/");
        assert_eq!(fresh.get("/situation").await.status, StatusCode::OK);

        // A reset password is one that somebody else knows as well.
        let id = user_id(&app, "zhou.min").await;
        let reset = shown_password(&admin.post(&format!("/settings/users/{id}/reset"), &[]).await.body);
        assert_eq!(fresh.get("/situation").await.location(), "/login?next=/situation");
        let mut again = server.browser();
        assert_eq!(again.sign_in("zhou.min", own).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(again.sign_in("zhou.min", &reset).await.status, StatusCode::SEE_OTHER);
        assert_eq!(again.get("/situation").await.location(), "/settings/account");
        assert_eq!(again.post("/logout", &[]).await.location(), "/login");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_the_present_password_locks_the_account_as_at_sign_in() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        let mut browser = server.login(Role::Helper, "99").await;
        let login = login_of(Role::Helper, "99");
        let new = "松间明月照-石上清泉流";
        let attempt = |present: &'static str| [("present", present), ("new", new), ("again", new)];
        for n in 1..=5 {
            let reply = browser.post("/settings/account", &attempt("wrong")).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(reply.body.contains("账号已锁定 15 分钟"), n == 5, "{n}");
        }
        // The right one helps neither here nor at the door.
        let reply = browser.post("/settings/account", &attempt(PASSWORD)).await;
        assert!(reply.body.contains("账号已锁定 15 分钟"));
        let reply = server.browser().sign_in(&login, PASSWORD).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        let counted: (i64, i64) = app
            .db
            .one(
                "SELECT COUNT(*), (SELECT COUNT(*) FROM audit WHERE action = 'login.locked') FROM audit
                 WHERE action = 'password.failed' AND actor_login = $1",
                args![&login],
            )
            .await
            .unwrap();
        assert_eq!(counted, (4, 1));
        access::unlock(&app, &machine(), user_id(&app, &login).await).await.unwrap();
        // A success clears the count.
        browser.post("/settings/account", &attempt("wrong")).await;
        assert_eq!(browser.post("/settings/account", &attempt(PASSWORD)).await.status, StatusCode::SEE_OTHER);
        let (failed,): (i64,) =
            app.db.one("SELECT failed_logins FROM app_user WHERE login = $1", args![&login]).await.unwrap();
        assert_eq!(failed, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_changes_role_division_and_name_within_the_administrators_division() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        let mut admin = server.login(Role::Admin, "9901").await;
        let mut staff = server.login(Role::CountyStaff, "990102").await;
        assert_eq!(staff.get("/imports").await.status, StatusCode::OK);
        let id = user_id(&app, &login_of(Role::CountyStaff, "990102")).await;
        let path = format!("/settings/users/{id}");
        let page = admin.get(&path).await.body;
        assert!(page.contains("value=\"990102\"") && page.contains("修改用户"), "{page}");
        let fields = |role, division| [("name", "周敏"), ("unit", "县办"), ("role", role), ("division", division)];
        let outside = admin.post(&path, &fields("helper", "990201")).await;
        assert_eq!(outside.status, StatusCode::FORBIDDEN);
        assert!(outside.body.contains("不在您的管辖范围内") && outside.body.contains("value=\"990201\""));
        let wrong = admin.post(&path, &fields("king", "990102")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        let reply = admin.post(&path, &fields("village_officer", "990102003004")).await;
        assert_eq!(reply.location(), "/settings/users");
        // It holds with the next request of a session that is open.
        assert_eq!(staff.get("/imports").await.status, StatusCode::FORBIDDEN);
        let changed = access::user(&app.db, &Scope::subtree("9901"), id).await.unwrap();
        let now = (changed.name.as_str(), changed.unit.as_str(), changed.role.as_str(), changed.division_code.as_str());
        assert_eq!(now, ("周敏", "县办", "village_officer", "990102003004"));
        let entries: Vec<(String, String)> =
            app.db.all("SELECT detail, division_code FROM audit WHERE action = 'user.edit'", args![]).await.unwrap();
        assert_eq!(entries.len(), 1);
        assert!(entries[0].0.contains("county_staff → village_officer"), "{entries:?}");
        assert_eq!(entries[0].1, "990102");
        // The same once more changes nothing and is not on the books.
        admin.post(&path, &fields("village_officer", "990102003004")).await;
        let (count,): (i64,) =
            app.db.one("SELECT COUNT(*) FROM audit WHERE action = 'user.edit'", args![]).await.unwrap();
        assert_eq!(count, 1);

        let own = user_id(&app, &login_of(Role::Admin, "9901")).await;
        let own = format!("/settings/users/{own}");
        assert_eq!(admin.post(&own, &fields("analyst", "9901")).await.status, StatusCode::CONFLICT);
        assert_eq!(admin.post(&own, &fields("admin", "990102")).await.status, StatusCode::CONFLICT);
        assert_eq!(admin.post(&own, &fields("admin", "9901")).await.location(), "/settings/users");
        server.login(Role::Helper, "9902").await;
        let foreign = user_id(&app, &login_of(Role::Helper, "9902")).await;
        assert_eq!(admin.get(&format!("/settings/users/{foreign}")).await.status, StatusCode::NOT_FOUND);
        assert_eq!(audit::verify(&app.db).await.unwrap().fault, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whoever_may_search_sees_the_search_box() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        for role in Role::ALL {
            let mut browser = server.login(role, "99").await;
            let page = browser.get("/settings/account").await.body;
            let allowed = browser.get("/search?q=x").await.status == StatusCode::OK;
            assert_eq!(page.contains("role=\"search\""), allowed, "{role:?}");
            assert!(page.contains("href=\"/settings\""), "{role:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_page_answers_at_once_and_looks_thoroughly_when_asked() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        let mut admin = server.login(Role::Admin, "").await;
        let page = admin.get("/settings/health").await.body;
        assert!(page.contains("还没有检查过") && !page.contains("数据库文件"), "{page}");
        assert!(!page.contains("health-"), "a text is missing: {page}");
        assert_eq!(admin.post("/settings/health", &[]).await.location(), "/settings/health");
        app.background.wait("upkeep.thorough", Duration::from_secs(30)).await;
        let page = admin.get("/settings/health").await.body;
        assert!(page.contains("检查时间") && page.contains("数据库文件") && page.contains("1 个可用账号"), "{page}");
        assert!(!page.contains("health-"), "a text is missing: {page}");
        // What is shown is what was found, not counted again.
        server.login(Role::Helper, "99").await;
        assert!(admin.get("/settings/health").await.body.contains("1 个可用账号"));
        admin.post("/settings/health", &[]).await;
        app.background.wait("upkeep.thorough", Duration::from_secs(30)).await;
        assert!(admin.get("/settings/health").await.body.contains("2 个可用账号"));
    })
    .await;
}

/// The part of `text` between the bracket at its beginning and the one that closes it.
fn bracketed(text: &str, open: char, close: char) -> &str {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        depth += i32::from(c == open) - i32::from(c == close);
        if depth == 0 {
            return &text[..at];
        }
    }
    text
}

/// The value of a field of a struct expression, up to the comma that ends it.
fn value_of<'t>(block: &'t str, field: &str) -> Option<&'t str> {
    let from = block.find(&format!("\n{field}: ")).map(|at| at + field.len() + 3)?;
    let rest = &block[from..];
    let mut depth = 0;
    for (at, c) in rest.char_indices() {
        match c {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth -= 1,
            ',' if depth == 0 => return Some(&rest[..at]),
            _ => {}
        }
    }
    Some(rest)
}

/// The text literals of `text` that may be a name on the books.
fn names(text: &str) -> impl Iterator<Item = String> {
    let fits = |name: &String| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || "._".contains(c));
    crate::sql::literals(text).into_iter().map(|(_, name)| name).filter(fits)
}

/// Actions and kinds of the entries that the source writes. Where an entry takes them from elsewhere, the places are
/// named here: an unknown one fails.
fn on_the_books() -> (BTreeSet<String>, BTreeSet<String>) {
    let mut paths = Vec::new();
    crate::sql::files(&crate::sql::source(), &mut paths);
    let (mut actions, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    let mut seen = 0;
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
        let place = path.display().to_string();
        let body = |head: &str| {
            let at = text.find(head).unwrap_or_else(|| panic!("{place} has no {head}"));
            let from = text[at..].find('{').unwrap() + at;
            bracketed(&text[from..], '{', '}')
        };
        for start in ["Entry {", "Entry{", "Reveal {"] {
            for (at, _) in text.match_indices(start) {
                // The types themselves, not values of them.
                let line = text[..at].rsplit('\n').next().unwrap();
                if line.contains("struct ") || line.contains("impl") || line.contains("->") {
                    continue;
                }
                let block = bracketed(&text[at + start.len() - 1..], '{', '}');
                // One field a line, wherever the formatter breaks them.
                let block =
                    block.replace(", object_kind:", ",\nobject_kind:").replace("{ object_kind:", "{\nobject_kind:");
                let block: String = block.lines().map(|line| format!("\n{}", line.trim())).collect();
                if !block.contains("object_kind") {
                    continue;
                }
                seen += 1;
                let kind = value_of(&block, "object_kind").unwrap_or_else(|| panic!("{place}: {block}")).trim();
                if kind.starts_with('"') {
                    kinds.extend(names(kind));
                } else {
                    match kind {
                        "reveal.object_kind" => {}
                        "kind" => kinds.extend(["person", "household", "helper", "work_team_member"].map(String::from)),
                        other => panic!("{place}: where do the kinds of {other} come from?"),
                    }
                }
                if start == "Reveal {" {
                    continue;
                }
                let action = value_of(&block, "action").unwrap_or("action").trim();
                let before = actions.len();
                match action {
                    literal if names(literal).next().is_some() => actions.extend(names(literal)),
                    "ACTION" => {
                        actions.extend(names(text.split("const ACTION").nth(1).unwrap().split(';').next().unwrap()))
                    }
                    "action" => {
                        // Handed on by a function: what its callers in the folder say.
                        let mut room = Vec::new();
                        crate::sql::files(path.parent().unwrap(), &mut room);
                        for file in room {
                            let text = std::fs::read_to_string(file).unwrap();
                            for call in ["entry(", "write_entry(", "on_user("] {
                                for (at, _) in text.match_indices(call) {
                                    let inside = bracketed(&text[at + call.len() - 1..], '(', ')');
                                    // Up to the closure that a call may carry.
                                    actions.extend(names(inside.split('|').next().unwrap()));
                                }
                            }
                        }
                        for part in text.split("let action = ").skip(1) {
                            actions.extend(names(part.split(';').next().unwrap()));
                        }
                        assert!(actions.len() > before || actions.contains("logout"), "{place}: {action}");
                    }
                    // A field of what is done: what it is set to in the same file.
                    "one.audited" => {
                        for part in text.split("audited: ").skip(1) {
                            actions.extend(names(part.split(',').next().unwrap()));
                        }
                        assert!(actions.len() > before, "{place}: {action}");
                    }
                    call if call.starts_with("audit_action(") => actions.extend(names(body("fn audit_action("))),
                    other => panic!("{place}: where do the actions of {other} come from?"),
                }
            }
        }
    }
    assert!(seen > 15, "only {seen} entries were found");
    // A part of an entry that is no action: the empty division and login.
    actions.retain(|name| name.contains('.') || name == "logout");
    (actions, kinds)
}

#[test]
fn every_action_and_kind_on_the_books_has_a_text_in_both_languages() {
    let (actions, kinds) = on_the_books();
    let listed = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
    assert_eq!(actions, listed(audit::ACTIONS), "the actions of the source and audit::ACTIONS");
    assert_eq!(kinds, listed(audit::OBJECT_KINDS), "the kinds of the source and audit::OBJECT_KINDS");
    for lang in Lang::ALL {
        for (what, name) in actions.iter().map(|name| ("action", name)).chain(kinds.iter().map(|name| ("object", name)))
        {
            assert!(i18n::has(lang, &format!("{what}-{name}")), "{}: {what}-{name}", lang.tag());
        }
    }
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
        let long = "核".repeat(501);
        assert!(matches!(look(&app, &actor, inside, &long).await, Err(AccessError::ReasonLong)));
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

/// The audit page once the walk over the chain has ended.
async fn verified(app: &App, auditor: &mut crate::support::http::Browser) -> String {
    app.background.wait("audit.verified", Duration::from_secs(30)).await;
    let page = auditor.get("/settings/audit").await.body;
    assert!(!page.contains("hx-trigger=\"every 2s\""), "nothing is under way any more");
    page
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
        assert_eq!(auditor.post("/settings/audit/verify", &[]).await.location(), "/settings/audit");
        let whole = verified(&app, &mut auditor).await;
        assert!(whole.contains("日志链完整") && whole.contains(&mine));
        meddle(&app, "UPDATE audit SET reason = 'x' WHERE seq = 7", args![]).await;
        auditor.post("/settings/audit/verify", &[]).await;
        let broken = verified(&app, &mut auditor).await;
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

/// A job that counts until it is asked to stop.
fn counting(stopped: Arc<AtomicBool>) -> Handler {
    Arc::new(move |_, _, progress| {
        let stopped = Arc::clone(&stopped);
        Box::pin(async move {
            progress.stage("job-stage-assess-rules", 100_000);
            for n in 1.. {
                progress.at(n);
                if progress.is_cancelled() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            stopped.store(true, Ordering::SeqCst);
            Err(jobs::JobFailure::Cancelled)
        })
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_somebody_writes_for_long_pages_answer_and_a_job_shows_its_progress_and_stops() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        let mut staff = server.login(Role::CountyStaff, "9901").await;
        let mut program = staff.clone().with("accept", "application/json");
        let job = NewJob {
            kind: "count",
            title: "点数".to_owned(),
            division_code: "990102".to_owned(),
            created_by: None,
            params: serde_json::json!({}),
            idempotency_key: None,
        };
        let id = app
            .db
            .write::<_, DbError, _>(move |tx| Box::pin(async move { jobs::enqueue(tx, job, 1).await }))
            .await
            .unwrap();
        let stopped = Arc::new(AtomicBool::new(false));
        let handlers = HashMap::from([("count", counting(Arc::clone(&stopped)))]);
        let worker = tokio::spawn(jobs::run_forever(app.clone(), handlers));
        while app.jobs.progress(id).is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // A use of the session has to be written down with the next page.
        let earlier = app.clock.now_ms() - 10 * 60_000;
        meddle(&app, "UPDATE session SET last_seen_at = $1", args![earlier]).await;
        let token = staff.token().await;
        meddle(&app, "UPDATE session SET last_seen_at = $1", args![earlier]).await;

        let holder = app.clone();
        let begun = Arc::new(tokio::sync::Notify::new());
        let said = Arc::clone(&begun);
        let long = tokio::spawn(async move {
            holder
                .db
                .write_alone::<(), DbError, _>(move |tx| {
                    Box::pin(async move {
                        tx.run("UPDATE setting SET updated_at = updated_at", args![]).await?;
                        said.notify_one();
                        tokio::time::sleep(Duration::from_secs(4)).await;
                        Ok(())
                    })
                })
                .await
        });
        begun.notified().await;
        let soon = Duration::from_secs(1);
        let path = format!("/jobs/{id}");
        let asked = Instant::now();
        assert_eq!(staff.get("/settings/account").await.status, StatusCode::OK);
        assert!(asked.elapsed() < soon, "a page waited for {:?}", asked.elapsed());

        let mut counts = Vec::new();
        for _ in 0..2 {
            let asked = Instant::now();
            let seen: serde_json::Value = serde_json::from_str(&program.get(&path).await.body).unwrap();
            assert!(asked.elapsed() < soon, "progress waited for {:?}", asked.elapsed());
            assert_eq!(seen["state"], "running", "{seen}");
            counts.push(seen["done"].as_i64().unwrap());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(counts[1] > counts[0], "progress stands still: {counts:?}");

        let asked = Instant::now();
        let reply = staff.post_raw(&format!("{path}/cancel"), &[("csrf", &token)]).await;
        assert_eq!(reply.location(), path);
        assert!(asked.elapsed() < soon, "stopping waited for {:?}", asked.elapsed());
        for _ in 0..50 {
            if stopped.load(Ordering::SeqCst) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(stopped.load(Ordering::SeqCst), "the job heard of it");
        assert!(!long.is_finished(), "all of this while the writer was busy");
        let page = staff.get(&path).await.body;
        assert!(!page.contains(&format!("{path}/cancel")), "{page}");
        // With one writer its end cannot be written down yet.
        assert!(page.contains(if app.db.name() == "sqlite" { "正在停止" } else { "已停止" }), "{page}");
        long.await.unwrap().unwrap();

        let mut state = String::new();
        for _ in 0..100 {
            (state,) = app.db.one::<(String,)>("SELECT state FROM job WHERE id = $1", args![id]).await.unwrap();
            if state == "cancelled" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(state, "cancelled");
        let (entries,): (i64,) =
            app.db.one("SELECT COUNT(*) FROM audit WHERE action = 'job.cancel'", args![]).await.unwrap();
        assert_eq!(entries, 1, "it is on the books afterwards");
        worker.abort();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_job_failed_is_told_in_the_readers_language() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        let mut staff = server.login(Role::CountyStaff, "9901").await;
        let errors: [(&str, Handler); 3] = [
            ("values", Arc::new(|_, _, _| Box::pin(async { Err(AccessError::LoginTaken("wang".to_owned()).into()) }))),
            (
                "own-text",
                Arc::new(|_, _, _| {
                    let outcome = "unmatched".to_owned();
                    Box::pin(async { Err(taizhang::compare::CompareError::AlreadyDecided { outcome }.into()) })
                }),
            ),
            ("panics", Arc::new(|_, _, _| Box::pin(async { panic!("a fault inside a job") }))),
        ];
        let handlers = HashMap::from(errors);
        for (kind, zh, en) in [
            ("values", "账号“wang”已存在。", "The login “wang” is taken."),
            ("own-text", "未匹配", "Not registered"),
            ("panics", "任务意外中断", "The job stopped unexpectedly"),
            ("unknown", "不认识这种任务", "does not know that kind of job"),
        ] {
            let job = NewJob {
                kind,
                title: kind.to_owned(),
                division_code: "990102".to_owned(),
                created_by: None,
                params: serde_json::json!({}),
                idempotency_key: None,
            };
            let id = app
                .db
                .write::<_, DbError, _>(move |tx| Box::pin(async move { jobs::enqueue(tx, job, 1).await }))
                .await
                .unwrap();
            assert!(jobs::run_next(&app, &handlers).await.unwrap());
            let stored: (String,) = app.db.one("SELECT error FROM job WHERE id = $1", args![id]).await.unwrap();
            assert!(serde_json::from_str::<jobs::Told>(&stored.0).is_ok(), "{stored:?}");
            let path = format!("/jobs/{id}");
            for (lang, text) in [("zh-CN", zh), ("en", en)] {
                staff.get(&format!("/lang/{lang}?next=/")).await;
                let page = staff.get(&path).await.body;
                assert!(page.to_lowercase().contains(&text.to_lowercase()), "{kind} {lang}: {page}");
                let mut program = staff.clone().with("accept", "application/json");
                let told: serde_json::Value = serde_json::from_str(&program.get(&path).await.body).unwrap();
                assert!(told["error"].as_str().unwrap().to_lowercase().contains(&text.to_lowercase()), "{told}");
            }
        }
        // What an earlier version stored is the text itself.
        meddle(&app, "UPDATE job SET error = '旧的说明'", args![]).await;
        let (id,): (uuid::Uuid,) = app.db.one("SELECT id FROM job LIMIT 1", args![]).await.unwrap();
        assert!(staff.get(&format!("/jobs/{id}")).await.body.contains("旧的说明"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nul_in_a_form_or_a_filter_is_told_as_wrong_input() {
    each_database(|app| async move {
        let server = TestApp::new(&app);
        let reply = server.browser().sign_in("ad\0min", PASSWORD).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        let mut admin = server.login(Role::Admin, "").await;
        let reply = admin.get("/settings/users?q=a%00b").await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert!(reply.body.contains("空字符"), "{}", reply.body);
        let fields = [("login", "zhou.min"), ("name", "周\0敏"), ("role", "township_staff"), ("division", "990102003")];
        let reply = admin.post("/settings/users/new", &fields).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        let fields = [("login", "zhou.min"), ("name", "周敏"), ("role", "township_staff"), ("division", "990102")];
        let reply = admin.post("/settings/users/new", &fields).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(reply.body.contains("乡镇工作人员应属于一个乡镇"), "{}", reply.body);
    })
    .await;
}
