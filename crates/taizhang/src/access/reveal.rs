//! Seeing a masked field in full: with a reason, within a daily quota, and on the books.

use super::audit::{self, Entry};
use super::{AccessError, Actor, Capability, store};
use crate::platform::Tx;

/// The fewest characters of a reason.
pub const REASON_CHARS: usize = 4;
/// The most characters of a reason or a purpose.
pub const REASON_MOST: usize = 500;
/// The most fields that one person may see in 24 hours.
pub const DAILY_QUOTA: i64 = 300;
/// The action in the audit log.
pub const ACTION: &str = "personal.reveal";

/// Which field of which thing, and why.
#[derive(Debug, Clone)]
pub struct Reveal {
    /// `person`, `household`, `helper`…
    pub object_kind: &'static str,
    /// Its id.
    pub object_id: String,
    /// Where it lies.
    pub division_code: String,
    /// Which field: `id`, `phone`.
    pub field: &'static str,
    /// Why, in the words of whoever looks.
    pub reason: String,
}

/// Checks right, scope, reason and quota, and writes the audit entry; show the field only once its transaction is
/// committed.
///
/// # Errors
/// [`AccessError::Forbidden`], [`AccessError::Outside`], [`AccessError::Reason`], [`AccessError::ReasonLong`], [`AccessError::Quota`], or the
/// database fails.
pub async fn record(tx: &mut Tx, actor: &Actor, reveal: Reveal, now_ms: i64) -> Result<(), AccessError> {
    if !actor.may(Capability::RevealPersonal) {
        return Err(AccessError::Forbidden);
    }
    if !actor.scope.contains(&reveal.division_code) {
        return Err(AccessError::Outside);
    }
    let reason = reveal.reason.trim();
    if reason.chars().count() < REASON_CHARS {
        return Err(AccessError::Reason);
    }
    if reason.chars().count() > REASON_MOST {
        return Err(AccessError::ReasonLong);
    }
    if !actor.is_machine {
        let day = 24 * 3_600_000;
        let seen = store::count_audit(tx, &actor.login, ACTION, now_ms - day).await?;
        if seen >= DAILY_QUOTA {
            return Err(AccessError::Quota);
        }
    }
    let entry = Entry {
        action: ACTION,
        object_kind: reveal.object_kind,
        object_id: reveal.object_id,
        division_code: &reveal.division_code,
        reason,
        detail: serde_json::json!({ "field": reveal.field }),
    };
    audit::record(tx, actor, entry, now_ms).await?;
    Ok(())
}
