//! What goes wrong around users and sessions.

use super::password::MIN_CHARS;
use super::reveal::{DAILY_QUOTA, REASON_CHARS, REASON_MOST};
use super::users::{NAME_MOST, UNIT_MOST};
use crate::platform::vault::VaultError;
use crate::platform::{DbError, ErrorKind, UserError};

/// Why an operation on users, sessions or masked fields was refused.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Unknown login, wrong password, locked or disabled account: which one is not said.
    #[error("sign-in refused")]
    SignIn,
    /// The present password, asked again, is wrong.
    #[error("the present password is wrong")]
    Password,
    /// Too many wrong passwords: the account is locked for a while.
    #[error("the account is locked")]
    Locked,
    /// The new password is the present one.
    #[error("the new password is the present one")]
    SamePassword,
    /// The new password was typed differently the second time.
    #[error("the two passwords differ")]
    PasswordsDiffer,
    /// The new password is too short or too easy to guess.
    #[error("the password is too weak")]
    WeakPassword,
    /// The login is not of the allowed form.
    #[error("login {0:?} is not allowed")]
    Login(String),
    /// The login is taken.
    #[error("login {0:?} is taken")]
    LoginTaken(String),
    /// The name is empty or too long.
    #[error("a name is needed")]
    Name,
    /// No such role.
    #[error("no role {0:?}")]
    Role(String),
    /// Not a division code.
    #[error("no division code {0:?}")]
    Division(String),
    /// Somebody of that role does not work at a division of that kind.
    #[error("no {role} at {value:?}")]
    RoleDivision {
        /// The role.
        role: &'static str,
        /// The division code.
        value: String,
    },
    /// The unit is too long.
    #[error("the unit is too long")]
    Unit,
    /// Without them nobody would manage the users of their division.
    #[error("{0} is the last administrator")]
    LastAdmin(String),
    /// The reason for seeing a masked field is too long.
    #[error("the reason is too long")]
    ReasonLong,
    /// Outside what the actor may manage.
    #[error("outside the actor's division")]
    Outside,
    /// The actor may not do this.
    #[error("forbidden")]
    Forbidden,
    /// No such user, or not in the actor's division.
    #[error("no such user")]
    NoUser,
    /// One's own account cannot be disabled.
    #[error("one's own account cannot be disabled")]
    Yourself,
    /// Nobody changes their own role or division.
    #[error("one's own role and division cannot be changed")]
    OwnRole,
    /// The reason for seeing a masked field is too short.
    #[error("the reason is too short")]
    Reason,
    /// Too many masked fields seen today.
    #[error("the daily quota of masked fields is used up")]
    Quota,
    /// Password hashing failed.
    #[error("password hashing: {0}")]
    Hashing(String),
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl UserError for AccessError {
    fn code(&self) -> &'static str {
        match self {
            Self::SignIn => "access.sign_in",
            Self::Password => "access.password",
            Self::Locked => "access.locked",
            Self::SamePassword => "access.same_password",
            Self::OwnRole => "access.own_role",
            Self::PasswordsDiffer => "access.passwords_differ",
            Self::WeakPassword => "access.weak_password",
            Self::Login(_) => "access.login",
            Self::LoginTaken(_) => "access.login_taken",
            Self::Name => "access.name",
            Self::Role(_) => "access.role",
            Self::Division(_) => "access.division",
            Self::RoleDivision { .. } => "access.role_division",
            Self::Unit => "access.unit",
            Self::LastAdmin(_) => "access.last_admin",
            Self::ReasonLong => "access.reason_long",
            Self::Outside => "access.outside",
            Self::Forbidden => "access.forbidden",
            Self::NoUser => "access.no_user",
            Self::Yourself => "access.yourself",
            Self::Reason => "access.reason",
            Self::Quota => "access.quota",
            Self::Hashing(_) => "access.hashing",
            Self::Random(_) => "access.random",
            Self::Db(inner) => inner.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::SignIn
            | Self::Password
            | Self::PasswordsDiffer
            | Self::SamePassword
            | Self::Locked
            | Self::WeakPassword
            | Self::Login(_)
            | Self::Name
            | Self::Role(_)
            | Self::Division(_)
            | Self::RoleDivision { .. }
            | Self::Unit
            | Self::ReasonLong
            | Self::Reason => ErrorKind::Invalid,
            Self::LoginTaken(_) | Self::Yourself | Self::OwnRole | Self::LastAdmin(_) => ErrorKind::Conflict,
            Self::Outside | Self::Forbidden | Self::Quota => ErrorKind::Forbidden,
            Self::NoUser => ErrorKind::NotFound,
            Self::Hashing(_) | Self::Random(_) => ErrorKind::Internal,
            Self::Db(inner) => inner.kind(),
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Login(value)
            | Self::LoginTaken(value)
            | Self::Role(value)
            | Self::Division(value)
            | Self::LastAdmin(value) => {
                vec![("value", value.clone())]
            }
            Self::WeakPassword => vec![("least", MIN_CHARS.to_string())],
            Self::RoleDivision { role, value } => vec![("role", (*role).to_owned()), ("value", value.clone())],
            Self::Name => vec![("most", NAME_MOST.to_string())],
            Self::Unit => vec![("most", UNIT_MOST.to_string())],
            Self::ReasonLong => vec![("most", REASON_MOST.to_string())],
            Self::Reason => vec![("least", REASON_CHARS.to_string())],
            Self::Quota => vec![("quota", DAILY_QUOTA.to_string())],
            Self::Db(inner) => inner.args(),
            _ => Vec::new(),
        }
    }
}
