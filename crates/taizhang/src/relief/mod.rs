//! Relief and care (临时救助、联系、奉献、干部抽调): requests for temporary relief with their decision and payment, how households
//! are kept in touch with, what they gave themselves, and who stands in for a helper who was sent elsewhere.
//!
//! Money moves on the books by events alone; whoever asks does not decide, and a payment takes two people.

pub mod balance;
mod balance_store;
mod contact_store;
pub mod contacts;
mod contribution_store;
pub mod contributions;
mod deployment_store;
pub mod deployments;
pub mod error;
pub mod export;
pub mod model;
pub mod pages;
pub mod requests;
mod store;

use uuid::Uuid;

use crate::access::{Actor, Capability};
use crate::platform::{App, DbError, Tx};
use crate::register;

pub use error::{Fault, ReliefError};
pub use store::Home;

/// The household of a form or page, for somebody who may see it.
///
/// # Errors
/// [`ReliefError::NotFound`] where it does not exist or is not for this actor; the database fails.
pub async fn home(app: &App, actor: &Actor, household: Uuid) -> Result<Home, ReliefError> {
    if register::own_households(app, actor).await?.is_some_and(|own| !own.contains(&household)) {
        return Err(ReliefError::NotFound);
    }
    store::home(&app.db, &actor.scope, household).await?.ok_or(ReliefError::NotFound)
}

fn need(actor: &Actor, all: &[Capability]) -> Result<(), ReliefError> {
    if all.iter().all(|capability| actor.may(*capability)) { Ok(()) } else { Err(ReliefError::Forbidden) }
}

/// Takes requests, their events and contributions along with households that an import moved to another division.
///
/// # Errors
/// The database fails.
pub async fn follow(tx: &mut Tx, import: Uuid) -> Result<(), DbError> {
    store::follow(tx, import).await
}
