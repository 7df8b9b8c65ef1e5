//! The work mode of each county (分类施策) and how far it has caught up (追赶进度): what was delayed while work was remote,
//! and how much of it has been done since. Counted from the items as they stand; every figure opens its list.

pub mod pages;
mod store;

use chrono::NaiveDate;

use crate::access::{Actor, Scope};
use crate::assess::modes::{self, Counted, Plan, Spell, WorkMode};
use crate::assess::{self, AssessError, Profile};
use crate::platform::App;

pub use store::Work;

/// Which work a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// What was delayed.
    Delayed,
    /// Of it, what has been done since.
    Done,
    /// Of it, what is still to be done.
    Rest,
}

impl Which {
    /// Every list in the order of its tabs.
    pub const ALL: [Self; 3] = [Self::Rest, Self::Done, Self::Delayed];

    /// As in an address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delayed => "delayed",
            Self::Done => "done",
            Self::Rest => "rest",
        }
    }

    /// The list of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|which| which.name() == name)
    }
}

/// How far one sort of work has caught up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is counted.
    pub counted: Counted,
    /// Delayed while work was remote.
    pub delayed: i64,
    /// Of it, done since.
    pub done: i64,
}

impl Progress {
    /// How many a list shows.
    pub fn count(self, which: Which) -> i64 {
        match which {
            Which::Delayed => self.delayed,
            Which::Done => self.done,
            Which::Rest => self.delayed - self.done,
        }
    }

    /// Thousandths done; all of nothing is all.
    pub fn permille(self) -> i64 {
        if self.delayed <= 0 { 1000 } else { self.done * 1000 / self.delayed }
    }
}

/// A county with its tiers, the mode in force and how far it has caught up.
#[derive(Debug, Clone)]
pub struct County {
    /// Six digits.
    pub code: String,
    /// The tiers that it has had, the oldest first; never empty.
    pub spells: Vec<Spell>,
    /// The mode of the tier that it has; none where the profile says none.
    pub mode: Option<WorkMode>,
    /// The plan that it is under.
    pub plan: Option<Plan>,
    /// How far it has come, of each sort of work that the plan counts.
    pub progress: Vec<Progress>,
}

/// A county as it stands for somebody: of the work only what lies in their scope.
///
/// # Errors
/// The database fails.
pub async fn county(app: &App, actor: &Actor, profile: &Profile, code: &str) -> Result<County, AssessError> {
    let day = app.clock.today();
    let spells = assess::tier_history(app, profile, code, day).await?;
    let mode = spells.last().and_then(|spell| profile.tiers.modes.get(spell.tier.name())).cloned();
    let plan = modes::plan(&profile.tiers.modes, &spells, day);
    let mut progress = Vec::new();
    let catch_up = mode.as_ref().and_then(|mode| mode.catch_up.as_ref());
    if let (Some(plan), Some(catch_up), Some(scope)) = (&plan, catch_up, actor.scope.narrow(code)) {
        for counted in &catch_up.counts {
            progress.push(match counted {
                Counted::Items => {
                    let window = store::Window::of(plan, catch_up.delayed);
                    let (delayed, done) = store::items(&app.db, &scope, &window).await?;
                    Progress { counted: *counted, delayed, done }
                }
            });
        }
    }
    Ok(County { code: code.to_owned(), spells, mode, plan, progress })
}

/// The work that a list of a county shows, the one due first at the top.
///
/// # Errors
/// The database fails.
pub async fn list(
    app: &App,
    scope: &Scope,
    county: &County,
    which: Which,
    limit: i64,
    offset: i64,
) -> Result<Vec<Work>, AssessError> {
    let catch_up = county.mode.as_ref().and_then(|mode| mode.catch_up.as_ref());
    let (Some(plan), Some(catch_up)) = (&county.plan, catch_up) else {
        return Ok(Vec::new());
    };
    let window = store::Window::of(plan, catch_up.delayed);
    Ok(store::list(&app.db, scope, &window, which, limit, offset).await?)
}

/// Codes and names of the counties of a scope, or of the one around it.
///
/// # Errors
/// The database fails.
pub async fn counties(app: &App, scope: &Scope) -> Result<Vec<(String, String)>, AssessError> {
    Ok(store::counties(&app.db, &Scope::subtree(scope.root().get(..6).unwrap_or(scope.root()))).await?)
}

/// How many days of a plan are left; below nought once it is over.
pub fn days_left(plan: &Plan, today: NaiveDate) -> i64 {
    (plan.by - today).num_days()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_nothing_is_all() {
        let of = |delayed, done| Progress { counted: Counted::Items, delayed, done }.permille();
        assert_eq!([of(0, 0), of(3, 1), of(3, 3)], [1000, 333, 1000]);
        for which in Which::ALL {
            assert_eq!(Which::from_name(which.name()), Some(which));
        }
    }
}
