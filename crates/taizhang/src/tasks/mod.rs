//! Tasks handed down from unit to unit and reported up (任务), and what stands around them: campaigns (专项行动) with a plan
//! that stays, work put off because of the epidemic (因疫延后), local measures and policy patches, and good practice.
//!
//! A unit is whoever works at a division: it sees its own tasks and everything below, hands on, reports up; the unit
//! that handed a task to it accepts the report or returns it. What counts is what was accepted, and nothing is
//! overwritten: reports, plans and verdicts are rows of their own, and every step is an event with its audit entry.

use crate::access::{Actor, Capability};
use crate::platform::App;
use crate::register::{self, Divisions};

pub mod campaign;
mod campaign_store;
mod desk;
mod error;
mod export;
pub mod flow;
mod history;
mod history_store;
pub mod look;
pub mod measure;
mod measure_store;
pub mod model;
pub mod pages;
pub mod postponed;
mod postponed_store;
pub mod practice;
mod practice_store;
mod store;

pub use error::TaskError;
pub use export::{Format, Sheet};

/// Whether somebody may see tasks: whoever sees figures and items of whole places, not who helps some households.
fn may_see(actor: &Actor) -> Result<(), TaskError> {
    let may = actor.may(Capability::ViewItems) && actor.may(Capability::ViewFigures);
    if may { Ok(()) } else { Err(TaskError::Forbidden) }
}

/// Whether somebody may issue, hand down, accept and return.
fn may_lead(actor: &Actor) -> Result<(), TaskError> {
    may_see(actor)?;
    if actor.may(Capability::AssignItems) { Ok(()) } else { Err(TaskError::Forbidden) }
}

/// The division whose unit somebody acts for: the top of their scope; of the command line the province.
///
/// # Errors
/// The database fails.
pub async fn unit_of(app: &App, actor: &Actor) -> Result<String, TaskError> {
    if actor.scope.root().is_empty() {
        return Ok(Divisions::load(&app.db).await?.home(&actor.scope).to_owned());
    }
    Ok(actor.scope.root().to_owned())
}

/// What the unit of an actor is called: as the account says, else as its division.
async fn unit_name(app: &App, actor: &Actor, unit: &str) -> Result<String, TaskError> {
    if !actor.unit.is_empty() {
        return Ok(actor.unit.clone());
    }
    place_name(app, unit).await
}

/// The name of a division; its code where it is not known.
async fn place_name(app: &App, code: &str) -> Result<String, TaskError> {
    let found = register::division(app, code).await.map_err(db)?;
    Ok(found.map_or_else(|| code.to_owned(), |division| division.name))
}

/// What the register says when it only looks up divisions: the database.
fn db(error: register::RegisterError) -> TaskError {
    match error {
        register::RegisterError::Db(error) => TaskError::Db(error),
        _ => TaskError::NotFound,
    }
}
