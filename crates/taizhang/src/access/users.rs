//! Making and keeping users. An administrator manages the users of the own division and below.

use uuid::Uuid;

use super::audit::{self, Entry};
use super::session::{LOCK_AFTER, LOCK_MS};
use super::store::{self, User, UserFilter};
use super::{AccessError, Actor, Capability, Role, Scope, password};
use crate::platform::{App, Db, DbError, Lang, Tx, ids};

/// The most characters of a name.
pub(super) const NAME_MOST: usize = 100;
/// The most characters of a working unit.
pub(super) const UNIT_MOST: usize = 100;

/// A user to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// 3 to 32 of `a-z 0-9 . _ -`, starting with a letter; upper case is taken as lower case.
    pub login: String,
    /// Name (姓名).
    pub name: String,
    /// Working unit (单位), may be empty.
    pub unit: String,
    /// Role.
    pub role: Role,
    /// Root of what they may see; empty is everything.
    pub division_code: String,
    /// First password.
    pub password: String,
    /// Language.
    pub lang: Lang,
}

/// What is to be changed of a user; what is none stays.
#[derive(Debug, Clone, Default)]
pub struct UserEdit {
    /// Name (姓名).
    pub name: Option<String>,
    /// Working unit (单位).
    pub unit: Option<String>,
    /// Role.
    pub role: Option<Role>,
    /// Root of what they may see; empty is everything.
    pub division_code: Option<String>,
}

/// Makes a user whose password is their own secret; their id.
///
/// # Errors
/// The actor may not, the division is outside theirs, a field is not as it should be, or the login is taken.
pub async fn create_user(app: &App, actor: &Actor, new: NewUser) -> Result<Uuid, AccessError> {
    make_user(app, actor, new, false).await
}

/// Makes a user whose first password is handed over by whoever makes them: it has to be changed at the first sign-in.
///
/// # Errors
/// As [`create_user`], or [`AccessError::RoleDivision`].
pub async fn invite_user(app: &App, actor: &Actor, new: NewUser) -> Result<Uuid, AccessError> {
    let code = new.division_code.trim();
    // Of a division outside the actor's nothing is said but that it is.
    if actor.scope.contains(code) {
        suits(new.role, code)?;
    }
    make_user(app, actor, new, true).await
}

async fn make_user(app: &App, actor: &Actor, new: NewUser, must_change: bool) -> Result<Uuid, AccessError> {
    let login = new.login.trim().to_lowercase();
    let form = (3..=32).contains(&login.len())
        && login.starts_with(|c: char| c.is_ascii_lowercase())
        && login.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b));
    if !form || login == "cli" {
        return Err(AccessError::Login(new.login));
    }
    let name = name_of(&new.name)?;
    let unit = unit_of(&new.unit)?;
    let code = division_of(&new.division_code)?;
    manages(actor)?;
    if !actor.scope.contains(&code) {
        return Err(AccessError::Outside);
    }
    password::check_new(&login, &new.password)?;
    let hash = password::hash(new.password).await?;
    let now = app.clock.now_ms();
    let user = User {
        id: ids::new_id(),
        login: login.clone(),
        name,
        unit,
        role: new.role.name().to_owned(),
        division_code: code,
        password_hash: hash,
        must_change_password: must_change,
        disabled: false,
        failed_logins: 0,
        locked_until: None,
        lang: new.lang.tag().to_owned(),
        created_at: now,
        last_login_at: None,
    };
    let id = user.id;
    let actor = actor.clone();
    let made = app
        .db
        .write::<(), AccessError, _>(move |tx| {
            Box::pin(async move {
                store::insert_user(tx, &user).await?;
                let detail = serde_json::json!({ "login": user.login, "role": user.role });
                write_entry(tx, &actor, "user.create", &user, detail, now).await
            })
        })
        .await;
    match made {
        Err(AccessError::Db(DbError::Unique(_))) => Err(AccessError::LoginTaken(login)),
        other => other.map(|()| id),
    }
}

fn name_of(typed: &str) -> Result<String, AccessError> {
    let name = typed.trim();
    if name.is_empty() || name.chars().count() > NAME_MOST { Err(AccessError::Name) } else { Ok(name.to_owned()) }
}

fn unit_of(typed: &str) -> Result<String, AccessError> {
    let unit = typed.trim();
    if unit.chars().count() > UNIT_MOST { Err(AccessError::Unit) } else { Ok(unit.to_owned()) }
}

/// Whether somebody of a role works at a division of that kind; a code that is none is told by [`division_of`].
fn suits(role: Role, code: &str) -> Result<(), AccessError> {
    if role.fits(code) || division_of(code).is_err() {
        Ok(())
    } else {
        Err(AccessError::RoleDivision { role: role.name(), value: code.to_owned() })
    }
}

/// Whether somebody else manages the users of an administrator's division when the administrator is gone.
async fn leaves_an_administrator(tx: &mut Tx, user: &User) -> Result<(), AccessError> {
    let manages = Role::from_name(&user.role).is_some_and(|role| role.may(Capability::ManageUsers));
    if !manages || user.disabled || store::other_administrators(tx, user).await? > 0 {
        return Ok(());
    }
    Err(AccessError::LastAdmin(user.login.clone()))
}

fn division_of(typed: &str) -> Result<String, AccessError> {
    let code = typed.trim();
    let fits = [0, 2, 4, 6, 9, 12, 14].contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
    if fits { Ok(code.to_owned()) } else { Err(AccessError::Division(code.to_owned())) }
}

/// Changes name, unit, role or division of a user. It holds with the user's next request.
///
/// # Errors
/// [`AccessError::NoUser`], a field is not as it should be, the new division is outside the actor's, or
/// [`AccessError::OwnRole`]: nobody changes their own role or division. [`AccessError::RoleDivision`] and
/// [`AccessError::LastAdmin`]: what is left must work.
pub async fn edit_user(app: &App, actor: &Actor, id: Uuid, edit: UserEdit) -> Result<String, AccessError> {
    manages(actor)?;
    let name = edit.name.as_deref().map(name_of).transpose()?;
    let unit = edit.unit.as_deref().map(unit_of).transpose()?;
    let division = edit.division_code.as_deref().map(division_of).transpose()?;
    if division.as_deref().is_some_and(|code| !actor.scope.contains(code)) {
        return Err(AccessError::Outside);
    }
    let actor = actor.clone();
    let now = app.clock.now_ms();
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let before = store::user_by_id(tx, id)
                    .await?
                    .filter(|user| actor.scope.contains(&user.division_code))
                    .ok_or(AccessError::NoUser)?;
                let mut user = before.clone();
                user.name = name.unwrap_or(user.name);
                user.unit = unit.unwrap_or(user.unit);
                user.role = edit.role.map_or(user.role, |role| role.name().to_owned());
                user.division_code = division.unwrap_or(user.division_code);
                let mut detail = serde_json::Map::new();
                for (what, old, new) in [
                    ("name", &before.name, &user.name),
                    ("unit", &before.unit, &user.unit),
                    ("role", &before.role, &user.role),
                    ("division", &before.division_code, &user.division_code),
                ] {
                    if old != new {
                        detail.insert(what.to_owned(), format!("{old} → {new}").into());
                    }
                }
                if detail.is_empty() {
                    return Ok(user.login);
                }
                if actor.user_id == Some(id) && (detail.contains_key("role") || detail.contains_key("division")) {
                    return Err(AccessError::OwnRole);
                }
                if detail.contains_key("role") || detail.contains_key("division") {
                    if let Some(role) = Role::from_name(&user.role) {
                        suits(role, &user.division_code)?;
                    }
                    leaves_an_administrator(tx, &before).await?;
                }
                detail.insert("login".to_owned(), user.login.clone().into());
                store::update_user(tx, &user).await?;
                // Where the user was: whoever keeps the books there sees them go.
                write_entry(tx, &actor, "user.edit", &before, detail.into(), now).await?;
                Ok(user.login)
            })
        })
        .await
}

/// Users of a division subtree, by login.
///
/// # Errors
/// The database fails.
pub async fn list_users(db: &Db, scope: &Scope, filter: &UserFilter) -> Result<(Vec<User>, i64), AccessError> {
    Ok(store::users(db, scope, filter).await?)
}

/// The user of a login in a division subtree.
///
/// # Errors
/// [`AccessError::NoUser`], or the database fails.
pub async fn find_user(db: &Db, scope: &Scope, login: &str) -> Result<User, AccessError> {
    store::user_by_login(db, &login.trim().to_lowercase())
        .await?
        .filter(|user| scope.contains(&user.division_code))
        .ok_or(AccessError::NoUser)
}

/// A user of a division subtree.
///
/// # Errors
/// [`AccessError::NoUser`], or the database fails.
pub async fn user(db: &Db, scope: &Scope, id: Uuid) -> Result<User, AccessError> {
    store::user(db, id).await?.filter(|user| scope.contains(&user.division_code)).ok_or(AccessError::NoUser)
}

/// Disables or enables a user. A disabled user's sessions end at once.
///
/// # Errors
/// [`AccessError::NoUser`], [`AccessError::Yourself`], [`AccessError::LastAdmin`], or the database fails.
pub async fn set_disabled(app: &App, actor: &Actor, id: Uuid, disabled: bool) -> Result<(), AccessError> {
    if actor.user_id == Some(id) {
        return Err(AccessError::Yourself);
    }
    let action = if disabled { "user.disable" } else { "user.enable" };
    on_user(app, actor, id, action, move |tx, user| {
        Box::pin(async move {
            if disabled {
                leaves_an_administrator(tx, user).await?;
                store::delete_sessions_of(tx, user.id).await?;
            }
            store::set_disabled(tx, user.id, disabled).await?;
            Ok(())
        })
    })
    .await
    .map(drop)
}

/// Gives a user a new password, to be changed at the next sign-in, unlocks the account, and ends its sessions; the
/// user's login.
///
/// # Errors
/// [`AccessError::NoUser`], [`AccessError::WeakPassword`], or the database fails.
pub async fn reset_password(app: &App, actor: &Actor, id: Uuid, new: String) -> Result<String, AccessError> {
    password::check_new("\0", &new)?;
    let hash = password::hash(new).await?;
    on_user(app, actor, id, "user.reset", move |tx, user| {
        Box::pin(async move {
            store::set_password(tx, user.id, &hash, true).await?;
            store::set_failures(tx, user.id, 0, None).await?;
            Ok(store::delete_sessions_of(tx, user.id).await?)
        })
    })
    .await
}

/// Unlocks an account after failed sign-ins.
///
/// # Errors
/// [`AccessError::NoUser`], or the database fails.
pub async fn unlock(app: &App, actor: &Actor, id: Uuid) -> Result<(), AccessError> {
    on_user(app, actor, id, "user.unlock", |tx, user| {
        Box::pin(async move { Ok(store::set_failures(tx, user.id, 0, None).await?) })
    })
    .await
    .map(drop)
}

/// Changes one's own password; every other session of the user ends, the one of `token` stays. Wrong present passwords
/// count as failed sign-ins and lock the account as those do: a session left open is no way to guess.
///
/// # Errors
/// [`AccessError::Password`] if the present one is wrong, [`AccessError::Locked`] after too many of these,
/// [`AccessError::WeakPassword`], [`AccessError::SamePassword`], or the database fails.
pub async fn change_password(
    app: &App,
    actor: &Actor,
    present: String,
    new: String,
    token: &str,
) -> Result<(), AccessError> {
    let seen = store::user_by_login(&app.db, &actor.login)
        .await?
        .filter(|user| Some(user.id) == actor.user_id)
        .ok_or(AccessError::NoUser)?;
    let now = app.clock.now_ms();
    if seen.locked_until.is_some_and(|until| until > now) {
        return Err(AccessError::Locked);
    }
    let same = present == new;
    let fits = password::fits(present, Some(seen.password_hash.clone())).await?;
    if fits {
        if same {
            return Err(AccessError::SamePassword);
        }
        password::check_new(&seen.login, &new)?;
    }
    let hash = if fits { Some(password::hash(new).await?) } else { None };
    let keep = super::session::token_hash(token);
    let actor = actor.clone();
    let refused = app
        .db
        .write::<Option<AccessError>, AccessError, _>(move |tx| {
            Box::pin(async move {
                // Read again under the write: another attempt may just have locked it.
                let user = store::user_by_id(tx, seen.id).await?.ok_or(AccessError::NoUser)?;
                if user.locked_until.is_some_and(|until| until > now) {
                    return Ok(Some(AccessError::Locked));
                }
                let detail = serde_json::json!({});
                let Some(hash) = hash.filter(|_| user.password_hash == seen.password_hash) else {
                    let failed = user.failed_logins + 1;
                    let lock = (failed >= LOCK_AFTER).then_some(now + LOCK_MS);
                    store::set_failures(tx, user.id, if lock.is_some() { 0 } else { failed }, lock).await?;
                    let action = if lock.is_some() { "login.locked" } else { "password.failed" };
                    write_entry(tx, &actor, action, &user, detail, now).await?;
                    return Ok(Some(if lock.is_some() { AccessError::Locked } else { AccessError::Password }));
                };
                store::set_password(tx, user.id, &hash, false).await?;
                store::set_failures(tx, user.id, 0, None).await?;
                store::delete_other_sessions(tx, user.id, &keep).await?;
                write_entry(tx, &actor, "password.change", &user, detail, now).await?;
                Ok(None)
            })
        })
        .await?;
    refused.map_or(Ok(()), Err)
}

/// Keeps the language that a user chose.
///
/// # Errors
/// The database fails.
pub async fn set_language(app: &App, id: Uuid, lang: Lang) -> Result<(), AccessError> {
    app.db.write(move |tx| Box::pin(async move { Ok(store::set_language(tx, id, lang.tag()).await?) })).await
}

fn manages(actor: &Actor) -> Result<(), AccessError> {
    if actor.may(Capability::ManageUsers) { Ok(()) } else { Err(AccessError::Forbidden) }
}

async fn on_user<F>(app: &App, actor: &Actor, id: Uuid, action: &'static str, change: F) -> Result<String, AccessError>
where
    F: for<'t> FnOnce(&'t mut Tx, &'t User) -> BoxedChange<'t> + Send + 'static,
{
    manages(actor)?;
    let actor = actor.clone();
    let now = app.clock.now_ms();
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let user = store::user_by_id(tx, id)
                    .await?
                    .filter(|user| actor.scope.contains(&user.division_code))
                    .ok_or(AccessError::NoUser)?;
                change(tx, &user).await?;
                let detail = serde_json::json!({ "login": user.login });
                write_entry(tx, &actor, action, &user, detail, now).await?;
                Ok(user.login)
            })
        })
        .await
}

type BoxedChange<'t> = futures_util::future::BoxFuture<'t, Result<(), AccessError>>;

async fn write_entry(
    tx: &mut Tx,
    actor: &Actor,
    action: &str,
    user: &User,
    detail: serde_json::Value,
    now: i64,
) -> Result<(), AccessError> {
    let entry = Entry {
        action,
        object_kind: "user",
        object_id: user.id.to_string(),
        division_code: &user.division_code,
        reason: "",
        detail,
    };
    audit::record(tx, actor, entry, now).await?;
    Ok(())
}
