//! Users, roles, scope by division, sessions and the audit chain.

pub mod audit;
mod error;
pub mod model;
pub mod pages;
pub mod password;
pub mod reveal;
mod session;
mod store;
mod users;

pub use error::AccessError;
pub use model::{Actor, Capability, Role, Scope};
pub use session::{LOCK_AFTER, LOCK_MS, Session, SignedIn, resume, sign_in, sign_out};
pub use store::{User, UserFilter};
pub use users::{
    NewUser, UserEdit, change_password, create_user, edit_user, find_user, invite_user, list_users, reset_password,
    set_disabled, set_language, unlock, user,
};
