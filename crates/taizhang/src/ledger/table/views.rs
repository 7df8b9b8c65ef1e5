//! Views of the table that somebody keeps under a name, for themselves or for everybody of their unit.

use uuid::Uuid;

use super::address::Asked;
use super::views_store;
use crate::access::{Actor, Capability};
use crate::ledger::{LedgerError, need};
use crate::platform::{App, ids};

/// The most characters of a view's name.
pub const NAME_MOST: usize = 30;
/// The most views that one person keeps.
pub const VIEWS_MOST: i64 = 50;

/// A kept view.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct View {
    pub id: Uuid,
    pub owner_id: Uuid,
    pub owner_name: String,
    pub name: String,
    pub query: String,
    pub shared: bool,
}

/// The views that somebody may choose from: their own, then those that others of their unit and division share.
///
/// # Errors
/// The actor may not see items, or the database fails.
pub async fn views(app: &App, actor: &Actor) -> Result<Vec<View>, LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    match actor.user_id {
        Some(user) => Ok(views_store::of(&app.db, user, actor.scope.root(), &actor.unit).await?),
        None => Ok(Vec::new()),
    }
}

/// Keeps a view under a name; one's own view of that name is replaced. Only what the table knows of `query` is kept, and
/// not the page that is looked at.
///
/// # Errors
/// The actor may not see items or is nobody, the name is empty or too long, there are too many views, or the database
/// fails.
pub async fn keep(app: &App, actor: &Actor, name: &str, query: &str, shared: bool) -> Result<Uuid, LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    let user = actor.user_id.ok_or(LedgerError::Forbidden { action: "view" })?;
    let name = name.trim().to_owned();
    if name.is_empty() || name.chars().count() > NAME_MOST {
        return Err(LedgerError::ViewName { most: NAME_MOST });
    }
    let query = Asked::read(query).at_top().query();
    let (now, unit, division) = (app.clock.now_ms(), actor.unit.clone(), actor.scope.root().to_owned());
    app.db
        .write::<_, LedgerError, _>(move |tx| {
            Box::pin(async move {
                if views_store::count_others(tx, user, &name).await? >= VIEWS_MOST {
                    return Err(LedgerError::Views { most: VIEWS_MOST });
                }
                // A name of a unit's view says in whose unit it was made: whoever moves on does not take it along.
                let new = views_store::NewView { id: ids::new_id(), user, name, query, shared, unit, division };
                Ok(views_store::keep(tx, new, now).await?)
            })
        })
        .await
}

/// Gives a view up, if it is theirs; whether it was there.
///
/// # Errors
/// The actor may not see items, or the database fails.
pub async fn drop_view(app: &App, actor: &Actor, id: Uuid) -> Result<bool, LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    let Some(user) = actor.user_id else {
        return Ok(false);
    };
    app.db
        .write::<_, LedgerError, _>(move |tx| Box::pin(async move { Ok(views_store::drop_view(tx, user, id).await?) }))
        .await
}
