//! Signing in and staying so. The browser holds a random token; the database only its SHA-256.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::audit::{self, Entry};
use super::store::{self, SessionRow, User};
use super::{AccessError, Actor, Role, Scope, password};
use crate::platform::{App, DbError, Lang, ids, vault};

/// Failed sign-ins in a row that lock an account.
pub const LOCK_AFTER: i64 = 5;
/// How long it stays locked, milliseconds.
pub const LOCK_MS: i64 = 15 * 60_000;
/// A session unused for so long has ended, milliseconds.
const IDLE_MS: i64 = 30 * 60_000;
/// A session older than this has ended, milliseconds.
const LIFE_MS: i64 = 10 * 3_600_000;
/// How often the use of a session is written down, milliseconds: not with each request.
const TOUCH_MS: i64 = 60_000;

/// A session in use.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who.
    pub actor: Actor,
    /// Secret behind the form tokens of this session.
    pub csrf: String,
    /// Name of the division that they may see; empty for the whole country.
    pub division_name: String,
    /// Whether somebody else knows the password: it is to be changed before anything else.
    pub must_change_password: bool,
}

/// A fresh session.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// What the browser keeps.
    pub token: String,
    /// Who.
    pub actor: Actor,
}

/// Signs in. Every refusal looks the same and costs the same; [`LOCK_AFTER`] in a row lock the account for
/// [`LOCK_MS`]. `old_token`, the session that the browser had before, ends.
///
/// # Errors
/// [`AccessError::SignIn`], or the database or the hashing fails.
pub async fn sign_in(app: &App, login: &str, password: &str, old_token: Option<&str>) -> Result<SignedIn, AccessError> {
    let login = login.trim().to_lowercase();
    let user = store::user_by_login(&app.db, &login).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let fits = password::fits(password.to_owned(), hash).await?;
    let token = vault::random_token(32)?;
    let csrf = vault::random_token(32)?;
    let now = app.clock.now_ms();
    let fresh = SessionRow {
        token_hash: token_hash(&token),
        csrf,
        created_at: now,
        last_seen_at: now,
        expires_at: now + LIFE_MS,
    };
    let old = old_token.map(token_hash);
    let signed_in = app
        .db
        .write::<Option<Actor>, AccessError, _>(move |tx| {
            Box::pin(async move {
                let Some(seen) = user else {
                    // What was typed is not kept: it may be a password typed into the wrong field.
                    let entry = entry("login.failed", "", "");
                    audit::record(tx, &nobody(""), entry, now).await?;
                    return Ok(None);
                };
                // Read again under the write: another sign-in may just have locked it, or the password changed.
                let user = store::user_by_id(tx, seen.id).await?;
                let Some(user) = user else { return Ok(None) };
                let id = user.id.to_string();
                let locked = user.locked_until.is_some_and(|until| until > now);
                let fits = fits && seen.password_hash == user.password_hash;
                if locked || user.disabled || !fits {
                    let failed = if locked { 0 } else { user.failed_logins + 1 };
                    let lock = (failed >= LOCK_AFTER).then_some(now + LOCK_MS);
                    if !locked {
                        let left = if lock.is_some() { 0 } else { failed };
                        store::set_failures(tx, user.id, left, lock).await?;
                    }
                    let action = if lock.is_some() { "login.locked" } else { "login.failed" };
                    let entry = entry(action, &id, &user.division_code);
                    audit::record(tx, &nobody(&user.login), entry, now).await?;
                    return Ok(None);
                }
                if let Some(old) = old {
                    store::delete_session(tx, &old).await?;
                }
                store::delete_expired_sessions(tx, now, now - IDLE_MS).await?;
                store::set_signed_in(tx, user.id, now).await?;
                store::insert_session(tx, user.id, &fresh).await?;
                let actor = actor_of(&user)?;
                let entry = entry("login.ok", &id, &user.division_code);
                audit::record(tx, &actor, entry, now).await?;
                Ok(Some(actor))
            })
        })
        .await?;
    let actor = signed_in.ok_or(AccessError::SignIn)?;
    Ok(SignedIn { token, actor })
}

/// Ends a session.
///
/// # Errors
/// The database fails.
pub async fn sign_out(app: &App, actor: &Actor, token: &str) -> Result<(), AccessError> {
    let hash = token_hash(token);
    let actor = actor.clone();
    let now = app.clock.now_ms();
    app.db
        .write(move |tx| {
            Box::pin(async move {
                store::delete_session(tx, &hash).await?;
                let id = actor.user_id.map(|id| id.to_string()).unwrap_or_default();
                let entry = entry("logout", &id, actor.scope.root());
                audit::record(tx, &actor, entry, now).await?;
                Ok(())
            })
        })
        .await
}

/// The session of a token, if it is still alive and its user not disabled.
///
/// # Errors
/// The database fails.
pub async fn resume(app: &App, token: &str) -> Result<Option<Session>, AccessError> {
    if token.len() != 43 {
        return Ok(None);
    }
    let hash = token_hash(token);
    let Some(found) = store::session(&app.db, &hash).await? else {
        return Ok(None);
    };
    let now = app.clock.now_ms();
    let last_seen_at = app.seen.at(&hash).unwrap_or_default().max(found.last_seen_at);
    if found.expires_at <= now || last_seen_at + IDLE_MS <= now {
        return Ok(None);
    }
    // A page must not wait for the writer, who may be busy for minutes.
    if last_seen_at + TOUCH_MS <= now && app.seen.mark(hash, now) {
        tokio::spawn(write_seen(app.clone()));
    }
    let role = Role::from_name(&found.role).ok_or_else(|| AccessError::Role(found.role.clone()))?;
    Ok(Some(Session {
        actor: Actor {
            user_id: Some(found.user_id),
            login: found.login,
            name: found.name,
            unit: found.unit,
            role,
            scope: Scope::subtree(&found.division_code),
            lang: Lang::from_tag(&found.lang).unwrap_or_default(),
            is_machine: false,
        },
        csrf: found.csrf,
        must_change_password: found.must_change_password,
        division_name: found.division_name.unwrap_or(found.division_code),
    }))
}

/// Writes down which sessions were used, until there is nothing more to write.
async fn write_seen(app: App) {
    loop {
        let marks = app.seen.pending();
        let rows = marks.clone();
        let written = app
            .db
            .write::<(), DbError, _>(move |tx| {
                Box::pin(async move {
                    for (hash, at) in rows {
                        store::touch_session(tx, &hash, at).await?;
                    }
                    Ok(())
                })
            })
            .await;
        if let Err(error) = written {
            tracing::warn!(%error, "the use of sessions could not be written down");
            app.seen.gave_up();
            return;
        }
        if !app.seen.written(&marks) {
            return;
        }
    }
}

/// The stored form of a session token.
pub(super) fn token_hash(token: &str) -> String {
    ids::hex(&Sha256::digest(token.as_bytes()))
}

fn actor_of(user: &User) -> Result<Actor, AccessError> {
    Ok(Actor {
        user_id: Some(user.id),
        login: user.login.clone(),
        name: user.name.clone(),
        unit: user.unit.clone(),
        role: Role::from_name(&user.role).ok_or_else(|| AccessError::Role(user.role.clone()))?,
        scope: Scope::subtree(&user.division_code),
        lang: Lang::from_tag(&user.lang).unwrap_or_default(),
        is_machine: false,
    })
}

/// Somebody at the door, for the audit log: `login` is of a known account, or empty.
fn nobody(login: &str) -> Actor {
    Actor {
        user_id: None::<Uuid>,
        login: login.to_owned(),
        name: String::new(),
        unit: String::new(),
        role: Role::Helper,
        scope: Scope::everything(),
        lang: Lang::Zh,
        is_machine: false,
    }
}

fn entry<'a>(action: &'a str, id: &str, division: &'a str) -> Entry<'a> {
    Entry {
        action,
        object_kind: "user",
        object_id: id.to_owned(),
        division_code: division,
        reason: "",
        detail: serde_json::json!({}),
    }
}
