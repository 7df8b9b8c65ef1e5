//! To whom items may be given (交办).

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::model::Assignable;
use super::{LedgerError, list_store, need};
use crate::access::{Actor, Capability};
use crate::platform::App;

/// The most users of one answer: who has more to choose from types on.
const OFFERED: i64 = 20;

/// Users to whom something may be given.
#[derive(Debug, Clone, Default)]
pub struct Assignees {
    /// The nearest to the place first.
    pub users: Vec<Assignable>,
    /// There are more than these.
    pub more: bool,
}

impl Assignees {
    fn of(mut users: Vec<Assignable>) -> Self {
        let more = users.len() as i64 > OFFERED;
        users.truncate(OFFERED as usize);
        Self { users, more }
    }
}

/// The divisions, from the county down, that hold one of the given ones.
pub(super) fn holders(divisions: &[String]) -> Vec<String> {
    let all: BTreeSet<&str> = divisions
        .iter()
        .flat_map(|code| [6, 9, 12, 15].into_iter().filter_map(|n| code.get(..n)).chain([code.as_str()]))
        .collect();
    all.into_iter().map(str::to_owned).collect()
}

/// Users who may work items of some divisions, by what was typed of their name or login; all where nothing was.
///
/// # Errors
/// The actor may not assign, or the database fails.
pub async fn assignees(app: &App, actor: &Actor, divisions: &[String], typed: &str) -> Result<Assignees, LedgerError> {
    need(actor, Capability::AssignItems, "assign")?;
    let own: Vec<String> = divisions.iter().filter(|code| actor.scope.contains(code)).cloned().collect();
    let found = list_store::assignable_over(&app.db, &holders(&own), typed.trim(), OFFERED + 1).await?;
    Ok(Assignees::of(found))
}

/// Users who may work items somewhere under a division, or in all of it.
///
/// # Errors
/// The actor may not assign, or the database fails.
pub(super) async fn assignees_under(
    app: &App,
    actor: &Actor,
    division: &str,
    typed: &str,
) -> Result<Assignees, LedgerError> {
    need(actor, Capability::AssignItems, "assign")?;
    let Some(scope) = actor.scope.narrow(division) else {
        return Ok(Assignees::default());
    };
    let above = if scope.root().len() > 6 { holders(&[scope.root().to_owned()]) } else { Vec::new() };
    let mut found = list_store::assignable_over(&app.db, &above, typed.trim(), OFFERED + 1).await?;
    found.retain(|user| !scope.contains(&user.division_code));
    found.extend(list_store::assignable_under(&app.db, &scope, typed.trim(), OFFERED + 1).await?);
    Ok(Assignees::of(found))
}

/// The one user who is meant by what was typed: a choice of the list, a login, or a name that only one of them has.
///
/// # Errors
/// Nobody or several fit, the actor may not assign, or the database fails.
pub async fn find_assignee(
    app: &App,
    actor: &Actor,
    divisions: &[String],
    typed: &str,
) -> Result<Assignable, LedgerError> {
    let typed = typed.trim();
    let word = typed.rsplit(SEPARATOR).next().unwrap_or_default().trim();
    if word.is_empty() {
        return Err(LedgerError::Assignee);
    }
    let found = assignees(app, actor, divisions, word).await?;
    let is = |fits: &dyn Fn(&&Assignable) -> bool| found.users.iter().filter(fits).cloned().collect::<Vec<_>>();
    for mut users in [is(&|user| user.login == word), is(&|user| user.name == word), is(&|_| true)] {
        if users.len() == 1 && !(found.more && users.iter().all(|user| user.name != word && user.login != word)) {
            return users.pop().ok_or(LedgerError::Assignee);
        }
        if !users.is_empty() {
            return Err(LedgerError::Assignees { who: typed.to_owned(), count: users.len() });
        }
    }
    Err(LedgerError::Assignee)
}

/// Between the parts of a choice: name, role, unit, login.
pub(super) const SEPARATOR: &str = " · ";

/// The divisions of some items, for the choice of who may work them.
///
/// # Errors
/// One of them does not exist or is not for this person, or the database fails.
pub(super) async fn divisions_of(app: &App, actor: &Actor, items: &[Uuid]) -> Result<Vec<String>, LedgerError> {
    let found = list_store::items(&app.db, actor, items).await?;
    if found.len() < items.len() {
        return Err(LedgerError::NotFound);
    }
    Ok(found.into_iter().map(|item| item.division_code).collect())
}

/// The event id of one item in a batch: always the same for the same two.
pub(super) fn part_of(batch: Uuid, item: Uuid) -> Uuid {
    let digest = Sha256::new().chain_update(batch.as_bytes()).chain_update(item.as_bytes()).finalize();
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::ids;

    #[test]
    fn a_batch_gives_each_item_its_own_fixed_event() {
        let (batch, a, b) = (ids::new_id(), ids::new_id(), ids::new_id());
        assert_eq!(part_of(batch, a), part_of(batch, a));
        assert_ne!(part_of(batch, a), part_of(batch, b));
    }

    #[test]
    fn who_holds_a_village_sits_in_it_or_above_it_up_to_the_county() {
        let of = |codes: &[&str]| holders(&codes.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["990101001001"]), ["990101", "990101001", "990101001001"]);
        assert_eq!(of(&["990101001001", "990101001002"]).len(), 4);
        assert_eq!(of(&["9901"]), ["9901"]);
        assert!(of(&[]).is_empty());
    }
}
