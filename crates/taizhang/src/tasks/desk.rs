//! Who acts, for which unit, and when: what every step is judged and written by.

use super::{TaskError, unit_name, unit_of};
use crate::access::Actor;
use crate::platform::App;

/// Who and when, for one statement.
pub(super) struct Stamp<'a> {
    pub(super) actor: &'a Actor,
    pub(super) unit: &'a str,
    pub(super) day: &'a str,
    pub(super) now: i64,
}

/// What a step is judged by, owned so that it goes along with the write.
pub(super) struct Desk {
    pub(super) actor: Actor,
    /// Division whose unit the actor is.
    pub(super) unit: String,
    pub(super) unit_name: String,
    /// ISO day.
    pub(super) day: String,
    /// Milliseconds.
    pub(super) now: i64,
}

impl Desk {
    pub(super) async fn open(app: &App, actor: &Actor) -> Result<Self, TaskError> {
        let unit = unit_of(app, actor).await?;
        Ok(Self {
            unit_name: unit_name(app, actor, &unit).await?,
            unit,
            actor: actor.clone(),
            day: app.clock.today().to_string(),
            now: app.clock.now_ms(),
        })
    }

    pub(super) fn stamp(&self) -> Stamp<'_> {
        Stamp { actor: &self.actor, unit: &self.unit_name, day: &self.day, now: self.now }
    }

    /// Whether this is the unit of a division; the command line stands for every unit.
    pub(super) fn is_unit(&self, division: &str) -> bool {
        self.actor.is_machine || self.unit == division
    }

    /// Refuses what is another unit's business; `place` is its name.
    pub(super) fn own(&self, division: &str, place: &str) -> Result<(), TaskError> {
        if self.is_unit(division) { Ok(()) } else { Err(TaskError::Unit { unit: place.to_owned() }) }
    }
}
