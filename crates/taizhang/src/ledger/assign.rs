//! To whom items may be given (交办), one by one and many at once.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::model::{Action, Assignable, Item, Step};
use super::{BULK_LIMIT, LedgerError, act_in, allowed, list_store, may_be_assigned, need, new_deadline, target};
use crate::access::{Actor, Capability, Scope};
use crate::assess;
use crate::platform::{App, Lang, UserError};

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

/// One line of a bulk assignment.
#[derive(Debug, Clone)]
pub struct BulkLine {
    /// The item.
    pub item: Item,
    /// Whom it is assigned to now.
    pub assignee: String,
    /// Why it will be left as it is; none if it will be assigned.
    pub refused: Option<String>,
    /// It is overdue, and its later deadline needs a reason.
    pub needs_reason: bool,
}

/// The divisions of some items, for the choice of who may work them.
///
/// # Errors
/// One of them does not exist or is not for this person, or the database fails.
pub(super) async fn divisions_of(app: &App, actor: &Actor, items: &[Uuid]) -> Result<Vec<String>, LedgerError> {
    Ok(chosen(app, actor, items).await?.into_iter().map(|item| item.division_code).collect())
}

/// The chosen items in the order of the choice.
pub(super) async fn chosen(app: &App, actor: &Actor, ids: &[Uuid]) -> Result<Vec<Item>, LedgerError> {
    if ids.is_empty() || ids.len() > BULK_LIMIT {
        return Err(LedgerError::Bulk { count: ids.len() });
    }
    let found = list_store::items(&app.db, actor, ids).await?;
    let mut found: HashMap<Uuid, Item> = found.into_iter().map(|item| (item.id, item)).collect();
    ids.iter().map(|id| found.remove(id).ok_or(LedgerError::NotFound)).collect()
}

/// What a bulk assignment would do, item by item, without doing it.
///
/// # Errors
/// None or too many items, a deadline in the past, an unknown user, or the database fails.
pub async fn preview_assign(
    app: &App,
    actor: &Actor,
    items: &[Uuid],
    assignee: Uuid,
    deadline: Option<NaiveDate>,
    lang: Lang,
) -> Result<(Assignable, Vec<BulkLine>), LedgerError> {
    need(actor, Capability::AssignItems, "assign")?;
    let today = app.clock.today();
    let items = chosen(app, actor, items).await?;
    if let Some(deadline) = deadline.filter(|day| *day < today) {
        return Err(LedgerError::Deadline(deadline.to_string()));
    }
    let user = list_store::assignable(&app.db, assignee)
        .await?
        .filter(|user| {
            actor.scope.contains(&user.division_code)
                || Scope::subtree(&user.division_code).contains(actor.scope.root())
        })
        .ok_or(LedgerError::Assignee)?;
    let present: Vec<Uuid> = items.iter().filter_map(|item| item.assignee_id).collect();
    let names = list_store::user_names(&app.db, &present).await?;
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        let profile = assess::profile_by_id(&app.db, item.profile_id).await?;
        let action = Action::Assign { assignee, deadline };
        let outcome = allowed(&profile, actor, &item, &action)
            .and_then(|()| target(&profile, &item, &action).map(|_| ()))
            .and_then(
                |()| {
                    if may_be_assigned(&user, &item.division_code) { Ok(()) } else { Err(LedgerError::Assignee) }
                },
            )
            .and_then(|()| new_deadline(&item, deadline, today));
        let (refused, needs_reason) = match outcome {
            Ok(new) => (None, new.is_some_and(|new| new.late)),
            Err(error) => (Some(error.message(lang)), false),
        };
        let assignee = item.assignee_id.and_then(|id| names.get(&id).cloned()).unwrap_or_default();
        out.push(BulkLine { assignee, item, refused, needs_reason });
    }
    Ok((user, out))
}

/// Assigns many items in one transaction; those that changed since the preview are left as they are and told.
/// `batch` is the id of the whole: the same batch twice is done once. `note` is the reason where an overdue item gets a
/// later deadline.
///
/// # Errors
/// As [`preview_assign`].
pub async fn assign_many(
    app: &App,
    actor: &Actor,
    batch: Uuid,
    items: &[(Uuid, i64)],
    assignee: Uuid,
    deadline: Option<NaiveDate>,
    note: &str,
) -> Result<(u64, Vec<(Uuid, LedgerError)>), LedgerError> {
    need(actor, Capability::AssignItems, "assign")?;
    let ids: Vec<Uuid> = items.iter().map(|(id, _)| *id).collect();
    let versions: HashMap<Uuid, i64> = items.iter().copied().collect();
    let mut work = Vec::with_capacity(items.len());
    for item in chosen(app, actor, &ids).await? {
        let step = Step {
            event_id: part_of(batch, item.id),
            version: versions.get(&item.id).copied().unwrap_or_default(),
            action: Action::Assign { assignee, deadline },
            note: note.to_owned(),
        };
        work.push((item.id, assess::profile_by_id(&app.db, item.profile_id).await?, step));
    }
    // One order for everybody, so that two batches cannot wait for each other.
    work.sort_by_key(|(id, ..)| *id);
    let (actor, day, now) = (actor.clone(), app.clock.today(), app.clock.now_ms());
    app.db
        .write::<_, LedgerError, _>(move |tx| {
            Box::pin(async move {
                let mut assigned = 0;
                let mut left = Vec::new();
                for (id, profile, step) in &work {
                    match act_in(tx, profile, &actor, *id, step, day, now).await {
                        Ok(_) => assigned += 1,
                        // A refusal comes before anything of its item is written; a fault of the database ends it all.
                        Err(LedgerError::Db(error)) => return Err(error.into()),
                        Err(refused) => left.push((*id, refused)),
                    }
                }
                Ok((assigned, left))
            })
        })
        .await
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
