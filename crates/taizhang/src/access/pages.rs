//! Sign-in and the Settings pages.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{Days, NaiveDate};
use uuid::Uuid;

use super::audit::{self, Stored};
use super::store::{self, AuditFilter};
use super::users::{self, NewUser, UserEdit};
use super::{AccessError, Capability, Role, User, UserFilter, password, session};
use crate::platform::{Lang, UserError, i18n};
use crate::web::{Ctx, Form, Guest, Nothing, Page, Policy, Routes, WebError};

const USERS: Policy = Policy::Needs(Capability::ManageUsers);
const AUDIT: Policy = Policy::Needs(Capability::ReadAudit);
/// Rows of a page.
const ROWS: i64 = 50;
/// How long an answer waits for a walk over the chain, which is short while the chain is.
const PATIENCE: Duration = Duration::from_millis(1_500);
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
        .get("/settings/users/{id}", USERS, user_edit_form)
        .post("/settings/users/{id}", USERS, user_edit)
        .post("/settings/users/{id}/disable", USERS, user_disable)
        .post("/settings/users/{id}/enable", USERS, user_enable)
        .post("/settings/users/{id}/unlock", USERS, user_unlock)
        .post("/settings/users/{id}/reset", USERS, user_reset)
        .get("/settings/audit", AUDIT, audit_log)
        .post("/settings/audit/verify", AUDIT, audit_verify)
}

/// One tab of the Settings pages.
pub(crate) struct Tab {
    pub(crate) href: &'static str,
    pub(crate) label: String,
    pub(crate) active: bool,
}

/// The tabs of the Settings pages that the visitor may open.
pub(crate) fn tabs(ctx: &Ctx, page: &Page, active: &str) -> Vec<Tab> {
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
    /// The password is one that somebody else knows.
    must_change: bool,
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
        must_change: ctx.must_change_password(),
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
        Ok(()) => {
            let next = if ctx.must_change_password() { "/" } else { "/settings/account" };
            Ok(ctx.redirect_with(next, "ok", "settings-password-changed"))
        }
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
    state_text: String,
    tone: &'static str,
    last_login: String,
}

/// How an account stands, and the tone of its badge.
fn state_of(user: &User, now: i64) -> (&'static str, &'static str) {
    if user.disabled {
        ("disabled", "mute")
    } else if user.locked_until.is_some_and(|until| until > now) {
        ("locked", "warn")
    } else {
        ("active", "ok")
    }
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
            let (state, tone) = state_of(&user, now);
            UserRow {
                id: user.id,
                role: page.t(&format!("role-{}", user.role)),
                division: if user.division_code.is_empty() { page.t("division-whole") } else { user.division_code },
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
    #[serde(default)]
    login: String,
    name: String,
    #[serde(default)]
    unit: String,
    role: String,
    #[serde(default)]
    division: String,
}

#[derive(askama::Template)]
#[template(path = "user_form.html")]
struct UserFormPage {
    page: Page,
    tabs: Vec<Tab>,
    fields: UserFields,
    roles: Vec<(&'static str, String, bool)>,
    error: String,
    /// The user who is changed; none while one is added.
    id: Option<Uuid>,
    /// Whether it is the visitor's own account, whose role and division stay.
    own: bool,
    state: &'static str,
    state_text: String,
    tone: &'static str,
}

impl UserFormPage {
    fn action(&self) -> String {
        self.id.map_or_else(|| "/settings/users/new".to_owned(), |id| format!("/settings/users/{id}"))
    }
}

/// The form of a new user, or of one who is there.
fn form_page(ctx: &Ctx, user: Option<&User>, fields: UserFields, error: String) -> UserFormPage {
    let page = ctx.page("nav-settings");
    let id = user.map(|user| user.id);
    let (state, tone) = user.map_or(("", ""), |user| state_of(user, ctx.app.clock.now_ms()));
    UserFormPage {
        state_text: if state.is_empty() { String::new() } else { page.t(&format!("user-state-{state}")) },
        state,
        tone,
        tabs: tabs(ctx, &page, "/settings/users"),
        roles: roles(&page, &fields.role),
        own: id.is_some() && id == ctx.actor.user_id,
        page,
        fields,
        error,
        id,
    }
}

async fn user_form(ctx: Ctx) -> Result<Response, WebError> {
    let fields = UserFields { division: ctx.actor.scope.root().to_owned(), ..UserFields::default() };
    ctx.render(&form_page(&ctx, None, fields, String::new()))
}

async fn user_create(ctx: Ctx, Form(fields): Form<UserFields>) -> Result<Response, WebError> {
    let made = password::generate()?;
    let Some(role) = Role::from_name(&fields.role) else {
        let error = AccessError::Role(fields.role.clone());
        return refused(&ctx, error, |text| form_page(&ctx, None, fields, text));
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
    match users::invite_user(&ctx.app, &ctx.actor, new).await {
        Ok(_) => with_password(&ctx, fields.login.trim().to_lowercase(), made).await,
        Err(error) => refused(&ctx, error, |text| form_page(&ctx, None, fields, text)),
    }
}

async fn user_edit_form(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let user = users::user(&ctx.app.db, &ctx.actor.scope, id).await?;
    let fields = UserFields {
        login: user.login.clone(),
        name: user.name.clone(),
        unit: user.unit.clone(),
        role: user.role.clone(),
        division: user.division_code.clone(),
    };
    ctx.render(&form_page(&ctx, Some(&user), fields, String::new()))
}

async fn user_edit(ctx: Ctx, Path(id): Path<Uuid>, Form(mut fields): Form<UserFields>) -> Result<Response, WebError> {
    let user = users::user(&ctx.app.db, &ctx.actor.scope, id).await?;
    fields.login.clone_from(&user.login);
    let Some(role) = Role::from_name(&fields.role) else {
        let error = AccessError::Role(fields.role.clone());
        return refused(&ctx, error, |text| form_page(&ctx, Some(&user), fields, text));
    };
    let edit = UserEdit {
        name: Some(fields.name.clone()),
        unit: Some(fields.unit.clone()),
        role: Some(role),
        division_code: Some(fields.division.clone()),
    };
    match users::edit_user(&ctx.app, &ctx.actor, id, edit).await {
        Ok(_) => Ok(ctx.redirect_with("/settings/users", "ok", "settings-user-edited")),
        Err(error) => refused(&ctx, error, |text| form_page(&ctx, Some(&user), fields, text)),
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
    actions: Vec<(&'static str, String, bool)>,
    query: AuditQuery,
    next: String,
    verdict: Option<Verdict>,
    /// Whether the chain is being walked.
    walking: bool,
}

async fn audit_log(ctx: Ctx, Query(query): Query<AuditQuery>) -> Result<Response, WebError> {
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
    let mut next = String::new();
    if let (true, Some(last)) = (more, found.last()) {
        next = format!("/settings/audit?before={}", last.seq);
        let query =
            [("login", &query.login), ("action", &query.action), ("from", &query.from), ("until", &query.until)];
        for (name, value) in query.into_iter().filter(|(_, value)| !value.is_empty()) {
            next.push_str(&format!("&{name}={}", crate::web::query_encoded(value)));
        }
    }
    let verdict = audit::last_walk(&ctx.app.db).await?.map(|walk| verdict(&page, &walk));
    ctx.render(&AuditPage {
        tabs: tabs(&ctx, &page, "/settings/audit"),
        rows: found.into_iter().map(|entry| audit_row(&page, entry)).collect(),
        actions: audit::ACTIONS
            .iter()
            .map(|action| (*action, text_of(&page, "action", action), *action == query.action))
            .collect(),
        query,
        next,
        verdict,
        walking: ctx.app.background.is_running(audit::VERIFIED),
        page,
    })
}

fn verdict(page: &Page, walk: &audit::Walk) -> Verdict {
    let fault = walk.found.fault.as_ref().map(|fault| fault.text(page.lang));
    let (tone, key) = if fault.is_none() { ("ok", "audit-whole") } else { ("danger", "audit-broken") };
    let args = [
        ("entries", walk.found.entries.to_string()),
        ("head", walk.found.head.clone()),
        ("fault", fault.unwrap_or_default()),
    ];
    let who = page.t2("audit-walked", "at", page.time(&walk.at), "by", &walk.by);
    Verdict { tone, text: format!("{who}{}", i18n::text_with(page.lang, key, &args)) }
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
        action: text_of(page, "action", &entry.action),
        object: format!("{} {}", text_of(page, "object", &entry.object_kind), entry.object_id),
        division: entry.division_code,
        reason: entry.reason,
        detail: detail.join(", "),
    }
}

/// An action or kind in the reader's language, or as it is stored where this version no longer knows it.
fn text_of(page: &Page, what: &str, stored: &str) -> String {
    let key = format!("{what}-{stored}");
    if i18n::has(page.lang, &key) { page.t(&key) } else { stored.to_owned() }
}

/// Midnight in China at the beginning of a day, `later` days on; none if the text is no day.
fn midnight(day: &str, later: u64) -> Option<i64> {
    let day = NaiveDate::parse_from_str(day.trim(), "%Y-%m-%d").ok()?;
    let start = day.checked_add_days(Days::new(later))?.and_hms_opt(0, 0, 0)?;
    Some(start.and_utc().timestamp_millis() - EAST_MS)
}

async fn audit_verify(ctx: Ctx, Form(Nothing {}): Form<Nothing>) -> Result<Response, WebError> {
    audit::begin_walk(&ctx.app, &ctx.actor);
    ctx.app.background.wait(audit::VERIFIED, PATIENCE).await;
    Ok(ctx.redirect("/settings/audit"))
}
