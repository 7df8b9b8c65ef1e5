//! All SQL of users, sessions and the reading of the audit log.

use uuid::Uuid;

use super::Scope;
use super::audit::Stored;
use crate::args;
use crate::platform::{Db, DbError, Tx};

/// A user as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct User {
    pub id: Uuid,
    pub login: String,
    pub name: String,
    pub unit: String,
    pub role: String,
    pub division_code: String,
    pub password_hash: String,
    pub must_change_password: bool,
    pub disabled: bool,
    pub failed_logins: i64,
    pub locked_until: Option<i64>,
    pub lang: String,
    pub created_at: i64,
    pub last_login_at: Option<i64>,
}

/// Which users to list.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// Part of login, name or unit; empty for all.
    pub text: String,
    /// Role name; empty for all.
    pub role: String,
    /// How many to skip.
    pub offset: i64,
    /// How many to give.
    pub limit: i64,
}

pub(super) async fn user_by_login(db: &Db, login: &str) -> Result<Option<User>, DbError> {
    db.maybe("SELECT * FROM app_user WHERE login = $1", args![login]).await
}

pub(super) async fn user_by_id(tx: &mut Tx, id: Uuid) -> Result<Option<User>, DbError> {
    tx.maybe("SELECT * FROM app_user WHERE id = $1", args![id]).await
}

pub(super) async fn user(db: &Db, id: Uuid) -> Result<Option<User>, DbError> {
    db.maybe("SELECT * FROM app_user WHERE id = $1", args![id]).await
}

pub(super) async fn users(db: &Db, scope: &Scope, filter: &UserFilter) -> Result<(Vec<User>, i64), DbError> {
    let text = filter.text.trim().to_lowercase();
    let (total,): (i64,) = db
        .one(
            "SELECT COUNT(*) FROM app_user
             WHERE division_code >= $1 AND division_code < $2 AND ($3 = '' OR role = $3)
               AND ($4 = '' OR replace(lower(login || ' ' || name || ' ' || unit), $4, '') <> lower(login || ' ' || name || ' ' || unit))",
            args![scope.lo(), scope.hi(), &filter.role, &text],
        )
        .await?;
    let rows = db
        .all(
            "SELECT * FROM app_user
             WHERE division_code >= $1 AND division_code < $2 AND ($3 = '' OR role = $3)
               AND ($4 = '' OR replace(lower(login || ' ' || name || ' ' || unit), $4, '') <> lower(login || ' ' || name || ' ' || unit))
             ORDER BY login LIMIT $5 OFFSET $6",
            args![
                scope.lo(),
                scope.hi(),
                &filter.role,
                &text,
                filter.limit,
                filter.offset
            ],
        )
        .await?;
    Ok((rows, total))
}

pub(super) async fn insert_user(tx: &mut Tx, user: &User) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO app_user (id, login, name, unit, role, division_code, password_hash, must_change_password, lang,
                               created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        args![
            user.id,
            &user.login,
            &user.name,
            &user.unit,
            &user.role,
            &user.division_code,
            &user.password_hash,
            user.must_change_password,
            &user.lang,
            user.created_at
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn set_disabled(tx: &mut Tx, id: Uuid, disabled: bool) -> Result<(), DbError> {
    tx.run("UPDATE app_user SET disabled = $2 WHERE id = $1", args![id, disabled]).await?;
    Ok(())
}

/// A new password; `must_change` if somebody else knows it.
pub(super) async fn set_password(tx: &mut Tx, id: Uuid, hash: &str, must_change: bool) -> Result<(), DbError> {
    tx.run(
        "UPDATE app_user SET password_hash = $2, must_change_password = $3 WHERE id = $1",
        args![id, hash, must_change],
    )
    .await?;
    Ok(())
}

/// How many others may sign in and manage the users of a user's division.
pub(super) async fn other_administrators(tx: &mut Tx, user: &User) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .one(
            "SELECT COUNT(*) FROM app_user WHERE role = 'admin' AND disabled = FALSE AND id <> $1
             AND division_code = SUBSTR($2, 1, LENGTH(division_code))",
            args![user.id, &user.division_code],
        )
        .await?;
    Ok(count)
}

pub(super) async fn update_user(tx: &mut Tx, user: &User) -> Result<(), DbError> {
    tx.run(
        "UPDATE app_user SET name = $2, unit = $3, role = $4, division_code = $5 WHERE id = $1",
        args![user.id, &user.name, &user.unit, &user.role, &user.division_code],
    )
    .await?;
    Ok(())
}

pub(super) async fn set_failures(tx: &mut Tx, id: Uuid, failed: i64, locked_until: Option<i64>) -> Result<(), DbError> {
    tx.run("UPDATE app_user SET failed_logins = $2, locked_until = $3 WHERE id = $1", args![id, failed, locked_until])
        .await?;
    Ok(())
}

pub(super) async fn set_signed_in(tx: &mut Tx, id: Uuid, now: i64) -> Result<(), DbError> {
    tx.run(
        "UPDATE app_user SET failed_logins = 0, locked_until = NULL, last_login_at = $2 WHERE id = $1",
        args![id, now],
    )
    .await?;
    Ok(())
}

pub(super) async fn set_language(tx: &mut Tx, id: Uuid, lang: &str) -> Result<(), DbError> {
    tx.run("UPDATE app_user SET lang = $2 WHERE id = $1", args![id, lang]).await?;
    Ok(())
}

pub(super) struct SessionRow {
    pub(super) token_hash: String,
    pub(super) csrf: String,
    pub(super) created_at: i64,
    pub(super) last_seen_at: i64,
    pub(super) expires_at: i64,
}

pub(super) async fn insert_session(tx: &mut Tx, user: Uuid, row: &SessionRow) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO session (token_hash, user_id, csrf, created_at, last_seen_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![&row.token_hash, user, &row.csrf, row.created_at, row.last_seen_at, row.expires_at],
    )
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
pub(super) struct FoundSession {
    pub(super) csrf: String,
    pub(super) last_seen_at: i64,
    pub(super) expires_at: i64,
    pub(super) user_id: Uuid,
    pub(super) login: String,
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) role: String,
    pub(super) division_code: String,
    pub(super) lang: String,
    pub(super) must_change_password: bool,
    pub(super) division_name: Option<String>,
}

pub(super) async fn session(db: &Db, token_hash: &str) -> Result<Option<FoundSession>, DbError> {
    db.maybe(
        "SELECT s.csrf, s.last_seen_at, s.expires_at, u.id AS user_id, u.login, u.name, u.unit, u.role,
                u.division_code, u.lang, u.must_change_password, d.full_name AS division_name
         FROM session s
         JOIN app_user u ON u.id = s.user_id AND u.disabled = FALSE
         LEFT JOIN division d ON d.code = u.division_code
         WHERE s.token_hash = $1",
        args![token_hash],
    )
    .await
}

pub(super) async fn touch_session(tx: &mut Tx, token_hash: &str, now: i64) -> Result<(), DbError> {
    tx.run("UPDATE session SET last_seen_at = $2 WHERE token_hash = $1 AND last_seen_at < $2", args![token_hash, now])
        .await?;
    Ok(())
}

pub(super) async fn delete_session(tx: &mut Tx, token_hash: &str) -> Result<(), DbError> {
    tx.run("DELETE FROM session WHERE token_hash = $1", args![token_hash]).await?;
    Ok(())
}

pub(super) async fn delete_sessions_of(tx: &mut Tx, user: Uuid) -> Result<(), DbError> {
    tx.run("DELETE FROM session WHERE user_id = $1", args![user]).await?;
    Ok(())
}

pub(super) async fn delete_other_sessions(tx: &mut Tx, user: Uuid, keep: &str) -> Result<(), DbError> {
    tx.run("DELETE FROM session WHERE user_id = $1 AND token_hash <> $2", args![user, keep]).await?;
    Ok(())
}

pub(super) async fn delete_expired_sessions(tx: &mut Tx, now: i64, idle_since: i64) -> Result<(), DbError> {
    tx.run("DELETE FROM session WHERE expires_at <= $1 OR last_seen_at <= $2", args![now, idle_since]).await?;
    Ok(())
}

pub(super) async fn count_audit(tx: &mut Tx, login: &str, action: &str, since: i64) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .one(
            "SELECT COUNT(*) FROM audit WHERE actor_login = $1 AND action = $2 AND at > $3",
            args![login, action, since],
        )
        .await?;
    Ok(count)
}

/// Which audit entries to show.
#[derive(Debug, Clone)]
pub(super) struct AuditFilter {
    pub(super) login: String,
    pub(super) action: String,
    pub(super) from_ms: i64,
    pub(super) until_ms: i64,
    /// Entries below this number.
    pub(super) before: i64,
    pub(super) limit: i64,
}

/// The newest entries that fit. One text for each way to ask, so that each goes down an index from the newest entry.
pub(super) async fn audit_entries(db: &Db, scope: &Scope, filter: &AuditFilter) -> Result<Vec<Stored>, DbError> {
    let sql = match (filter.action.is_empty(), filter.login.is_empty()) {
        (true, true) => {
            "SELECT * FROM audit
             WHERE division_code >= $1 AND division_code < $2 AND at >= $3 AND at < $4 AND seq < $5
               AND $6 = '' AND $7 = ''
             ORDER BY seq DESC LIMIT $8"
        }
        (true, false) => {
            "SELECT * FROM audit
             WHERE division_code >= $1 AND division_code < $2 AND at >= $3 AND at < $4 AND seq < $5
               AND actor_login = $6 AND $7 = ''
             ORDER BY seq DESC LIMIT $8"
        }
        (false, true) => {
            "SELECT * FROM audit
             WHERE division_code >= $1 AND division_code < $2 AND at >= $3 AND at < $4 AND seq < $5
               AND $6 = '' AND action = $7
             ORDER BY seq DESC LIMIT $8"
        }
        (false, false) => {
            "SELECT * FROM audit
             WHERE division_code >= $1 AND division_code < $2 AND at >= $3 AND at < $4 AND seq < $5
               AND actor_login = $6 AND action = $7
             ORDER BY seq DESC LIMIT $8"
        }
    };
    db.all(
        sql,
        args![
            scope.lo(),
            scope.hi(),
            filter.from_ms,
            filter.until_ms,
            filter.before,
            &filter.login,
            &filter.action,
            filter.limit
        ],
    )
    .await
}
