//! Supervision (督战): what is stuck, with whom, since when and what to ask; listed counties and villages with their battle
//! plans; dispatch sessions whose demands are items; whether work teams are on post; the four 不摘.
//!
//! What is stuck is told by rules of the policy profile from the items as they stand, and never written down: what is
//! worked on is gone from the list at once. What supervision finds or demands is an item of the ledger 督战整改 like any other.

pub mod dispatch;
mod dispatch_store;
pub mod effort;
mod effort_store;
mod error;
pub mod four;
mod four_store;
pub mod listing;
mod listing_store;
pub mod pages;
pub mod presence;
mod presence_store;
pub mod stall;
mod store;

pub use error::SuperviseError;

use std::sync::Arc;

use crate::access::{Actor, Capability};
use crate::assess::profile::supervise::SupervisionPolicy;
use crate::assess::{self, Profile};
use crate::platform::App;
use crate::register::Divisions;
use crate::register::divisions::CODE_LENGTHS;

/// The ledger of what supervision finds.
pub const LEDGER: &str = "supervision_finding";

/// Supervision speaks of whole places: not for who sees only what was assigned to them.
fn may_see(actor: &Actor) -> Result<(), SuperviseError> {
    let may = actor.may(Capability::ViewItems) && actor.may(Capability::ViewFigures);
    if may { Ok(()) } else { Err(SuperviseError::Forbidden) }
}

/// Who supervises: whoever hands items out.
pub fn may_supervise(actor: &Actor) -> bool {
    actor.may(Capability::AssignItems) && actor.may(Capability::ViewFigures)
}

/// The policy profile in force and what it says of supervision.
///
/// # Errors
/// The stored profile is faulty or the database fails.
pub async fn policy(app: &App, actor: &Actor) -> Result<(Arc<Profile>, SupervisionPolicy), SuperviseError> {
    let profile = assess::active_profile(app, actor).await?.profile;
    let policy = SupervisionPolicy::of(&profile);
    Ok((profile, policy))
}

/// Whether a text says something, and no more than anybody reads.
fn said(text: &str, code: &'static str, least: usize, most: usize) -> Result<(), SuperviseError> {
    let length = text.trim().chars().count();
    if length < least {
        return Err(SuperviseError::invalid(code, &[("least", &least)]));
    }
    if length > most {
        return Err(SuperviseError::invalid("supervise.long", &[("length", &length), ("most", &most)]));
    }
    Ok(())
}

/// The one place of a scope that is meant by a code or a name; none where none or several are.
///
/// # Errors
/// The database fails.
pub async fn find_place(app: &App, actor: &Actor, typed: &str) -> Result<Option<String>, SuperviseError> {
    let typed = typed.trim();
    let divisions = Divisions::load(&app.db).await?;
    if divisions.get(typed).is_some() {
        return Ok(Some(typed.to_owned()).filter(|code| actor.scope.contains(code)));
    }
    let mut fits = divisions.all().iter().filter(|division| {
        actor.scope.contains(&division.code)
            && division.valid_to.is_empty()
            && (division.full_name == typed || division.name == typed)
    });
    match (fits.next(), fits.next()) {
        (Some(only), None) => Ok(Some(only.code.clone())),
        _ => Ok(None),
    }
}

/// The codes right below a division are this long; below a village nothing is told apart.
fn length_below(code: &str) -> usize {
    CODE_LENGTHS.into_iter().find(|length| *length > code.len()).unwrap_or(12).min(12)
}
