//! Sign-in and the Settings pages.

use std::collections::BTreeMap;

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{Days, NaiveDate};
use uuid::Uuid;

use super::audit::{self, Entry, Stored};
use super::health::{self, Level};
use super::store::{self, AuditFilter};
use super::users::{self, NewUser};
use super::{AccessError, Capability, Role, UserFilter, password, session};
use crate::platform::{DbError, Lang, UserError, i18n};
use crate::web::{Ctx, Form, Guest, Nothing, Page, Policy, Routes, WebError};

const USERS: Policy = Policy::Needs(Capability::ManageUsers);
const AUDIT: Policy = Policy::Needs(Capability::ReadAudit);
/// Rows of a page.
const ROWS: i64 = 50;
/// China is east of UTC by so much, milliseconds.
const EAST_MS: i64 = 8 * 3_600_000;

/// The routes of this feature.
pub fn routes() -> Routes {
    Routes::new()
        .get("/login", Policy::Public, login_page)
        .post("/login", Policy::Public, login)
        .post("/logout", Policy::SignedIn, logout)
        .get("/settings", Policy::SignedIn, settings)
        .get("/settings/account", Policy::SignedIn, account_page)
        .post("/settings/account", Policy::SignedIn, change_password)
        .get("/settings/users", USERS, user_list)
        .get("/settings/users/new", USERS, user_form)
        .post("/settings/users/new", USERS, user_create)
        .post("/settings/users/{id}/disable", USERS, user_disable)
        .post("/settings/users/{id}/enable", USERS, user_enable)
        .post("/settings/users/{id}/unlock", USERS, user_unlock)
        .post("/settings/users/{id}/reset", USERS, user_reset)
        .get("/settings/audit", AUDIT, audit_log)
        .post("/settings/audit/verify", AUDIT, audit_verify)
        .get("/settings/health", USERS, health_page)
}

/// One tab of the Settings pages.
struct Tab {
    href: &'static str,
    label: String,
    active: bool,
}

fn tabs(ctx: &Ctx, page: &Page, active: &str) -> Vec<Tab> {
    let all = [
        ("/settings/account", "settings-account", None),
        ("/settings/users", "settings-users", Some(Capability::ManageUsers)),
        ("/settings/audit", "settings-audit", Some(Capability::ReadAudit)),
        ("/settings/health", "settings-health", Some(Capability::ManageUsers)),
    ];
    all.into_iter()
        .filter(|(_, _, needs)| needs.is_none_or(|capability| ctx.actor.may(capability)))
        .map(|(href, key, _)| Tab { href, label: page.t(key), active: href == active })
        .collect()
}

#[derive(askama::Template)]
#[template(path = "login.html")]
struct LoginPage {
    page: Page,
    next: String,
    login: String,
    error: String,
}

#[derive(serde::Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

async fn login_page(guest: Guest, Query(Next { next }): Query<Next>) -> Result<Response, WebError> {
    if guest.actor().is_some() {
        return Ok(guest.redirect(&next));
    }
    guest.render(&LoginPage { page: guest.page(""), next, login: String::new(), error: String::new() })
}

#[derive(serde::Deserialize)]
struct Login {
    login: String,
    password: String,
    #[serde(default)]
    next: String,
}

async fn login(guest: Guest, Form(form): Form<Login>) -> Result<Response, WebError> {
    let old = guest.session_token();
    match session::sign_in(&guest.app, &form.login, &form.password, old).await {
        Ok(signed_in) => {
            // Whoever chose a language at the door keeps it inside.
            if let (Some(lang), Some(id)) = (guest.chosen_language(), signed_in.actor.user_id) {
                crate::access::set_language(&guest.app, id, lang).await?;
            }
            let mut response = guest.redirect(&form.next);
            guest.begin_session(&mut response, &signed_in.token);
            Ok(response)
        }
        Err(error @ AccessError::SignIn) => {
            let mut response = guest.render(&LoginPage {
                page: guest.page(""),
                next: form.next,
                login: form.login,
                error: error.message(guest.lang),
            })?;
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

async fn logout(ctx: Ctx, Form(Nothing {}): Form<Nothing>) -> Result<Response, WebError> {
    if let Some(token) = ctx.session_token() {
        session::sign_out(&ctx.app, &ctx.actor, token).await?;
    }
    let mut response = ctx.redirect("/login");
    ctx.end_session(&mut response);
    Ok(response)
}

async fn settings(ctx: Ctx) -> Response {
    ctx.redirect("/settings/account")
}

#[derive(askama::Template)]
#[template(path = "account.html")]
struct AccountPage {
    page: Page,
    tabs: Vec<Tab>,
    login: String,
    name: String,
    unit: String,
    role: String,
    division: String,
    languages: Vec<(&'static str, String, bool)>,
    error: String,
}

fn account(ctx: &Ctx, error: String) -> AccountPage {
    let page = ctx.page("nav-settings");
    AccountPage {
        tabs: tabs(ctx, &page, "/settings/account"),
        login: ctx.actor.login.clone(),
        name: ctx.actor.name.clone(),
        unit: ctx.actor.unit.clone(),
        role: page.t(&format!("role-{}", ctx.actor.role.name())),
        division: page.user.as_ref().map(|user| user.division_name.clone()).unwrap_or_default(),
        languages: Lang::ALL.map(|lang| (lang.tag(), i18n::text(lang, "lang-name"), lang == ctx.lang)).to_vec(),
        page,
        error,
    }
}

async fn account_page(ctx: Ctx) -> Result<Response, WebError> {
    ctx.render(&account(&ctx, String::new()))
}

#[derive(serde::Deserialize)]
struct NewPassword {
    present: String,
    new: String,
    again: String,
}

async fn change_password(ctx: Ctx, Form(form): Form<NewPassword>) -> Result<Response, WebError> {
    let changed = if form.new == form.again {
        let token = ctx.session_token().unwrap_or_default();
        users::change_password(&ctx.app, &ctx.actor, form.present, form.new, token).await
    } else {
        Err(AccessError::PasswordsDiffer)
    };
    match changed {
        Ok(()) => Ok(ctx.redirect_with("/settings/account", "ok", "settings-password-changed")),
        Err(error) => refused(&ctx, error, |text| account(&ctx, text)),
    }
}

/// Shows the form again with what is wrong, where the person can do something about it.
fn refused<T: askama::Template>(
    ctx: &Ctx,
    error: AccessError,
    again: impl FnOnce(String) -> T,
) -> Result<Response, WebError> {
    use crate::platform::ErrorKind::{Conflict, Invalid};
    if !matches!(error.kind(), Invalid | Conflict) && !matches!(error, AccessError::Outside) {
        return Err(error.into());
    }
    let text = error.message(ctx.lang);
    let status = WebError::from(error).status();
    let mut response = ctx.render(&again(text))?;
    *response.status_mut() = status;
    Ok(response)
}

#[derive(serde::Deserialize)]
struct UserQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    offset: i64,
}

struct UserRow {
    id: Uuid,
    login: String,
    name: String,
    unit: String,
    role: String,
    division: String,
    state: &'static str,
    state_text: String,
    tone: &'static str,
    last_login: String,
    own: bool,
}

#[derive(askama::Template)]
#[template(path = "users.html")]
struct UsersPage {
    page: Page,
    tabs: Vec<Tab>,
    rows: Vec<UserRow>,
    roles: Vec<(&'static str, String, bool)>,
    q: String,
    summary: String,
    prev: String,
    next: String,
    /// A password just given: login and password, shown once.
    fresh: Option<(String, String)>,
}

async fn user_list(ctx: Ctx, Query(query): Query<UserQuery>) -> Result<Response, WebError> {
    let list = users_page(&ctx, query, None).await?;
    ctx.render(&list)
}

async fn users_page(ctx: &Ctx, query: UserQuery, fresh: Option<(String, String)>) -> Result<UsersPage, WebError> {
    let filter =
        UserFilter { text: query.q.clone(), role: query.role.clone(), offset: query.offset.max(0), limit: ROWS };
    let (found, total) = users::list_users(&ctx.app.db, &ctx.actor.scope, &filter).await?;
    let page = ctx.page("nav-settings");
    let now = ctx.app.clock.now_ms();
    let shown = i64::try_from(found.len()).unwrap_or(ROWS);
    let link = |offset: i64| {
        let query = [("q", query.q.clone()), ("role", query.role.clone())];
        let mut link = format!("/settings/users?offset={offset}");
        for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
            link.push_str(&format!("&{name}={}", crate::web::query_encoded(value)));
        }
        link
    };
    let rows = found
        .into_iter()
        .map(|user| {
            let (state, tone) = if user.disabled {
                ("disabled", "mute")
            } else if user.locked_until.is_some_and(|until| until > now) {
                ("locked", "warn")
            } else {
                ("active", "ok")
            };
            UserRow {
                own: ctx.actor.user_id == Some(user.id),
                id: user.id,
                role: page.t(&format!("role-{}", user.role)),
                division: if user.division_code.is_empty() { page.t("division-whole") } else { user.division_code },
                state,
                state_text: page.t(&format!("user-state-{state}")),
                tone,
                last_login: page.time_or_dash(&user.last_login_at),
                login: user.login,
                name: user.name,
                unit: user.unit,
            }
        })
        .collect();
    Ok(UsersPage {
        tabs: tabs(ctx, &page, "/settings/users"),
        roles: roles(&page, &query.role),
        summary: i18n::text_with(
            ctx.lang,
            "pager-summary",
            &[
                ("from", (filter.offset + shown.min(1)).to_string()),
                ("to", (filter.offset + shown).to_string()),
                ("total", total.to_string()),
            ],
        ),
        prev: if filter.offset > 0 { link((filter.offset - ROWS).max(0)) } else { String::new() },
        next: if filter.offset + shown < total { link(filter.offset + ROWS) } else { String::new() },
        q: query.q,
        rows,
        page,
        fresh,
    })
}

fn roles(page: &Page, chosen: &str) -> Vec<(&'static str, String, bool)> {
    Role::ALL
        .map(|role| {
            let label = page.t(&format!("role-{}", role.name()));
            (role.name(), label, role.name() == chosen)
        })
        .to_vec()
}

#[derive(Default, serde::Deserialize)]
struct UserFields {
    login: String,
    name: String,
    #[serde(default)]
    unit: String,
    role: String,
    #[serde(default)]
    division: String,
}

#[derive(askama::Template)]
#[template(path = "user_new.html")]
struct UserFormPage {
    page: Page,
    tabs: Vec<Tab>,
    fields: UserFields,
    roles: Vec<(&'static str, String, bool)>,
    error: String,
}

fn form_page(ctx: &Ctx, fields: UserFields, error: String) -> UserFormPage {
    let page = ctx.page("nav-settings");
    UserFormPage { tabs: tabs(ctx, &page, "/settings/users"), roles: roles(&page, &fields.role), page, fields, error }
}

async fn user_form(ctx: Ctx) -> Result<Response, WebError> {
    let fields = UserFields { division: ctx.actor.scope.root().to_owned(), ..UserFields::default() };
    ctx.render(&form_page(&ctx, fields, String::new()))
}

async fn user_create(ctx: Ctx, Form(fields): Form<UserFields>) -> Result<Response, WebError> {
    let made = password::generate()?;
    let Some(role) = Role::from_name(&fields.role) else {
        let error = AccessError::Role(fields.role.clone());
        return refused(&ctx, error, |text| form_page(&ctx, fields, text));
    };
    let new = NewUser {
        login: fields.login.clone(),
        name: fields.name.clone(),
        unit: fields.unit.clone(),
        role,
        division_code: fields.division.clone(),
        password: made.clone(),
        lang: ctx.lang,
    };
    match users::create_user(&ctx.app, &ctx.actor, new).await {
        Ok(_) => with_password(&ctx, fields.login.trim().to_lowercase(), made).await,
        Err(error) => refused(&ctx, error, |text| form_page(&ctx, fields, text)),
    }
}

/// The list, with a password that was just given.
async fn with_password(ctx: &Ctx, login: String, password: String) -> Result<Response, WebError> {
    let query = UserQuery { q: login.clone(), role: String::new(), offset: 0 };
    let list = users_page(ctx, query, Some((login, password))).await?;
    ctx.render(&list)
}

async fn user_disable(ctx: Ctx, Path(id): Path<Uuid>, Form(Nothing {}): Form<Nothing>) -> Result<Response, WebError> {
    users::set_disabled(&ctx.app, &ctx.actor, id, true).await?;
    Ok(ctx.redirect_with("/settings/users", "ok", "settings-user-disabled"))
}

async fn user_enable(ctx: Ctx, Path(id): Path<Uuid>, Form(Nothing {}): Form<Nothing>) -> Result<Response, WebError> {
    users::set_disabled(&ctx.app, &ctx.actor, id, false).await?;
    Ok(ctx.redirect_with("/settings/users", "ok", "settings-user-enabled"))
}

async fn user_unlock(ctx: Ctx, Path(id): Path<Uuid>, Form(Nothing {}): Form<Nothing>) -> Result<Response, WebError> {
    users::unlock(&ctx.app, &ctx.actor, id).await?;
    Ok(ctx.redirect_with("/settings/users", "ok", "settings-user-unlocked"))
}

async fn user_reset(ctx: Ctx, Path(id): Path<Uuid>, Form(Nothing {}): Form<Nothing>) -> Result<Response, WebError> {
    let made = password::generate()?;
    let login = users::reset_password(&ctx.app, &ctx.actor, id, made.clone()).await?;
    with_password(&ctx, login, made).await
}

#[derive(Default, serde::Deserialize)]
struct AuditQuery {
    #[serde(default)]
    login: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    until: String,
    #[serde(default)]
    before: Option<i64>,
}

struct AuditRow {
    seq: i64,
    at: String,
    who: String,
    action: String,
    object: String,
    division: String,
    reason: String,
    detail: String,
}

/// What a walk over the chain found, as the page says it.
struct Verdict {
    tone: &'static str,
    text: String,
}

#[derive(askama::Template)]
#[template(path = "audit.html")]
struct AuditPage {
    page: Page,
    tabs: Vec<Tab>,
    rows: Vec<AuditRow>,
    actions: Vec<(String, String, bool)>,
    query: AuditQuery,
    next: String,
    verdict: Option<Verdict>,
}

async fn audit_log(ctx: Ctx, Query(query): Query<AuditQuery>) -> Result<Response, WebError> {
    let shown = audit_page(&ctx, query, None).await?;
    ctx.render(&shown)
}

async fn audit_page(ctx: &Ctx, query: AuditQuery, verdict: Option<Verdict>) -> Result<AuditPage, WebError> {
    let page = ctx.page("nav-settings");
    let filter = AuditFilter {
        login: query.login.trim().to_lowercase(),
        action: query.action.clone(),
        from_ms: midnight(&query.from, 0).unwrap_or(0),
        until_ms: midnight(&query.until, 1).unwrap_or(i64::MAX),
        before: query.before.unwrap_or(i64::MAX),
        limit: ROWS + 1,
    };
    let mut found = store::audit_entries(&ctx.app.db, &ctx.actor.scope, &filter).await?;
    let rows_fit = usize::try_from(ROWS).unwrap_or(usize::MAX);
    let more = found.len() > rows_fit;
    found.truncate(rows_fit);
    let actions = store::audit_actions(&ctx.app.db).await?;
    let mut next = String::new();
    if let (true, Some(last)) = (more, found.last()) {
        next = format!("/settings/audit?before={}", last.seq);
        let query =
            [("login", &query.login), ("action", &query.action), ("from", &query.from), ("until", &query.until)];
        for (name, value) in query.into_iter().filter(|(_, value)| !value.is_empty()) {
            next.push_str(&format!("&{name}={}", crate::web::query_encoded(value)));
        }
    }
    Ok(AuditPage {
        tabs: tabs(ctx, &page, "/settings/audit"),
        rows: found.into_iter().map(|entry| audit_row(&page, entry)).collect(),
        actions: actions
            .into_iter()
            .map(|(action,)| {
                let chosen = action == query.action;
                (action.clone(), action_text(&page, &action), chosen)
            })
            .collect(),
        query,
        next,
        verdict,
        page,
    })
}

fn audit_row(page: &Page, entry: Stored) -> AuditRow {
    let detail: BTreeMap<String, serde_json::Value> = serde_json::from_str(&entry.detail).unwrap_or_default();
    let detail: Vec<String> = detail
        .into_iter()
        .map(|(name, value)| match value {
            serde_json::Value::String(text) => format!("{name}: {text}"),
            other => format!("{name}: {other}"),
        })
        .collect();
    AuditRow {
        seq: entry.seq,
        at: page.time(&entry.at),
        who: if entry.actor_login.is_empty() { "—".to_owned() } else { entry.actor_login },
        action: action_text(page, &entry.action),
        object: format!("{} {}", entry.object_kind, entry.object_id),
        division: entry.division_code,
        reason: entry.reason,
        detail: detail.join(", "),
    }
}

/// The action in the reader's language, or as it is stored where a feature has no text for it.
fn action_text(page: &Page, action: &str) -> String {
    let key = format!("action-{}", action.replace('.', "-"));
    if i18n::has(page.lang, &key) { page.t(&key) } else { action.to_owned() }
}

/// Midnight in China at the beginning of a day, `later` days on; none if the text is no day.
fn midnight(day: &str, later: u64) -> Option<i64> {
    let day = NaiveDate::parse_from_str(day.trim(), "%Y-%m-%d").ok()?;
    let start = day.checked_add_days(Days::new(later))?.and_hms_opt(0, 0, 0)?;
    Some(start.and_utc().timestamp_millis() - EAST_MS)
}

async fn audit_verify(ctx: Ctx, Form(Nothing {}): Form<Nothing>) -> Result<Response, WebError> {
    let found = audit::verify(&ctx.app.db).await?;
    let fault = found.fault.as_ref().map(|fault| fault.text(ctx.lang));
    let args = [
        ("entries", found.entries.to_string()),
        ("head", found.head.clone()),
        ("fault", fault.clone().unwrap_or_default()),
    ];
    let (tone, key) = match fault {
        None => ("ok", "audit-whole"),
        Some(_) => ("danger", "audit-broken"),
    };
    let verdict = Verdict { tone, text: i18n::text_with(ctx.lang, key, &args) };
    let (actor, now) = (ctx.actor.clone(), ctx.app.clock.now_ms());
    let whole = found.fault.is_none();
    ctx.app
        .db
        .write::<(), DbError, _>(move |tx| {
            Box::pin(async move {
                let entry = Entry {
                    action: "audit.verify",
                    object_kind: "audit",
                    object_id: found.entries.to_string(),
                    division_code: actor.scope.root(),
                    reason: "",
                    detail: serde_json::json!({ "whole": whole }),
                };
                audit::record(tx, &actor, entry, now).await
            })
        })
        .await?;
    let shown = audit_page(&ctx, AuditQuery::default(), Some(verdict)).await?;
    ctx.render(&shown)
}

struct CheckRow {
    tone: &'static str,
    state: String,
    title: String,
    text: String,
}

#[derive(askama::Template)]
#[template(path = "health.html")]
struct HealthPage {
    page: Page,
    tabs: Vec<Tab>,
    rows: Vec<CheckRow>,
}

async fn health_page(ctx: Ctx) -> Result<Response, WebError> {
    let page = ctx.page("nav-settings");
    let rows = health::examine(&ctx.app)
        .await
        .iter()
        .map(|check| CheckRow {
            tone: match check.level {
                Level::Ok => "ok",
                Level::Warn => "warn",
                Level::Fail => "danger",
            },
            state: page.t(&format!("health-level-{}", check.level.name())),
            title: check.title(ctx.lang),
            text: check.text(ctx.lang),
        })
        .collect();
    ctx.render(&HealthPage { tabs: tabs(&ctx, &page, "/settings/health"), page, rows })
}
