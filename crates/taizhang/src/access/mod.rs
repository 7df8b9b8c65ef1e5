//! Users, roles, scope by division, sessions and the audit chain.

pub mod audit;
pub mod model;

pub use model::{Actor, Capability, Role, Scope};
