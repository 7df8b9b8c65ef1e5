//! Who is in the register more than once (登记重复): the persons of a scope held against each other by the engine, and what
//! people say about the pairs. Nothing is merged here: the register is corrected by its source files, and a confirmed pair
//! says which line of which file that is.

mod export;
mod model;
mod run;
pub(super) mod store;

pub(super) use export::record_place;
pub use export::{SHEET_MOST, export};
pub use model::{DuplicateReport, Keep, Pair, PairFilter, PairGroup, PairVerdict, Place, Run};
pub use run::duplicates;

use uuid::Uuid;

use super::CompareError;
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability};
use crate::platform::{App, Tx};

/// Says what a pair is. Who decides has both persons in scope.
///
/// # Errors
/// Not visible, not allowed, or already decided otherwise by somebody else.
pub async fn decide_pair(
    app: &App,
    actor: &Actor,
    pair: Uuid,
    verdict: PairVerdict,
    note: &str,
) -> Result<(), CompareError> {
    if !actor.may(Capability::ReviewMatches) {
        return Err(CompareError::Forbidden);
    }
    let (now, actor, note) = (app.clock.now_ms(), actor.clone(), note.trim().to_owned());
    app.db
        .write::<(), CompareError, _>(move |tx| {
            Box::pin(async move { decide_in(tx, &actor, pair, verdict, &note, now).await })
        })
        .await
}

/// One decision for many pairs that look alike; what somebody has decided meanwhile is left as it is. How many were decided
/// and how many left.
///
/// # Errors
/// Not allowed, or the database fails; then none is decided.
pub async fn decide_pairs(
    app: &App,
    actor: &Actor,
    pairs: Vec<Uuid>,
    verdict: PairVerdict,
    note: &str,
) -> Result<(usize, usize), CompareError> {
    if !actor.may(Capability::ReviewMatches) {
        return Err(CompareError::Forbidden);
    }
    let (now, actor, note) = (app.clock.now_ms(), actor.clone(), note.trim().to_owned());
    app.db
        .write::<(usize, usize), CompareError, _>(move |tx| {
            Box::pin(async move {
                let (mut done, mut left) = (0, 0);
                for pair in pairs {
                    match decide_in(tx, &actor, pair, verdict, &note, now).await {
                        Ok(()) => done += 1,
                        Err(CompareError::AlreadyDecided { .. } | CompareError::NotFound) => left += 1,
                        Err(other) => return Err(other),
                    }
                }
                Ok((done, left))
            })
        })
        .await
}

async fn decide_in(
    tx: &mut Tx,
    actor: &Actor,
    pair: Uuid,
    verdict: PairVerdict,
    note: &str,
    now: i64,
) -> Result<(), CompareError> {
    let pair = store::lock(tx, pair, &actor.scope).await?.ok_or(CompareError::NotFound)?;
    let (name, keep) = match verdict {
        PairVerdict::Same(keep) => ("same", keep.name()),
        PairVerdict::Different => ("different", ""),
        PairVerdict::Undo => ("pending", ""),
    };
    // Which record stays may be said later; that it is one person is not said twice.
    let open = match verdict {
        PairVerdict::Same(_) => pair.verdict == "pending" || (pair.verdict == "same" && pair.keep != keep),
        PairVerdict::Different => pair.verdict == "pending",
        PairVerdict::Undo => pair.verdict != "pending",
    };
    if !open {
        return Err(CompareError::AlreadyDecided { outcome: pair.verdict });
    }
    let by = (verdict != PairVerdict::Undo).then_some((actor, now));
    store::set_verdict(tx, pair.id, name, keep, by, note).await?;
    let entry = Entry {
        action: "duplicate.decide",
        object_kind: "duplicate_pair",
        object_id: pair.id.to_string(),
        division_code: &pair.left_division,
        reason: note,
        detail: serde_json::json!({
            "verdict": name, "keep": keep, "before": pair.verdict, "left": pair.left_no, "right": pair.right_no,
            "other_division": pair.right_division, "score": pair.score, "signature": pair.signature,
        }),
    };
    Ok(audit::record(tx, actor, entry, now).await?)
}
