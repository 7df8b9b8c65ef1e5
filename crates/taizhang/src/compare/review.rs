//! What people decide about doubtful rows.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::model::{Candidate, CompareError, Decided, NewCandidate, Verdict};
use super::run::outcome;
use super::signals::{Wanted, apply_signals, targets_of};
use super::{Content, lists, onward, store};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability};
use crate::platform::{App, Tx, Vault};

/// Decides a row. Of two people who decide at once one is first; the other is told what was decided.
/// `candidate` is needed for [`Verdict::Confirm`] and [`Verdict::Reject`].
///
/// # Errors
/// Not visible, not allowed, already decided, or revised in the meantime.
pub async fn decide(
    app: &App,
    actor: &Actor,
    row: Uuid,
    candidate: Option<Uuid>,
    verdict: Verdict,
    note: &str,
) -> Result<Decided, CompareError> {
    let done = decide_quietly(app, actor, row, candidate, verdict, note).await?;
    onward(app, actor, &done.households).await?;
    Ok(done)
}

async fn decide_quietly(
    app: &App,
    actor: &Actor,
    row: Uuid,
    candidate: Option<Uuid>,
    verdict: Verdict,
    note: &str,
) -> Result<Decided, CompareError> {
    if !actor.may(Capability::ReviewMatches) {
        return Err(CompareError::Forbidden);
    }
    let (vault, now, actor, note) = (app.vault.clone(), app.clock.now_ms(), actor.clone(), note.trim().to_owned());
    app.db
        .write::<Decided, CompareError, _>(move |tx| {
            Box::pin(async move { decide_in(tx, &vault, &actor, row, candidate, verdict, &note, now).await })
        })
        .await
}

#[allow(clippy::too_many_arguments)]
pub(super) async fn decide_in(
    tx: &mut Tx,
    vault: &Vault,
    actor: &Actor,
    row: Uuid,
    candidate: Option<Uuid>,
    verdict: Verdict,
    note: &str,
    now: i64,
) -> Result<Decided, CompareError> {
    let row = store::lock_row(tx, row, &actor.scope).await?.ok_or(CompareError::NotFound)?;
    if !row.current {
        return Err(CompareError::Superseded);
    }
    let source = lists::source(&row.source).ok_or(CompareError::NotFound)?;
    let mut all = store::candidates_of_rows(tx, &[row.id]).await?;
    all.retain(|c| c.verdict != "replaced");
    let mine = |c: &Candidate| actor.scope.contains(&c.division_code);
    let chosen = match candidate {
        Some(id) => Some(all.iter().position(|c| c.id == id && mine(c)).ok_or(CompareError::NotFound)?),
        None => None,
    };
    let decided = || CompareError::AlreadyDecided { outcome: row.outcome.clone() };
    // Verdict, and the candidates that it falls on.
    let mut changes: Vec<(usize, &'static str)> = Vec::new();
    match (verdict, chosen) {
        (Verdict::Confirm, Some(at)) => {
            if all[at].verdict != "pending" {
                return Err(decided());
            }
            changes.push((at, "confirmed"));
            // A card can be of one person only; that the same person also serves as a helper is another question.
            let staff = |c: &Candidate| matches!(c.subject.as_str(), "helper" | "team_member");
            for (other, c) in all.iter().enumerate() {
                if other != at && c.verdict == "pending" && staff(c) == staff(&all[at]) {
                    changes.push((other, "superseded"));
                }
            }
        }
        (Verdict::Reject, Some(at)) => {
            if !matches!(all[at].verdict.as_str(), "pending" | "auto") {
                return Err(decided());
            }
            changes.push((at, "rejected"));
        }
        (Verdict::None, _) => {
            for (at, c) in all.iter().enumerate() {
                if c.verdict == "pending" && mine(c) {
                    changes.push((at, "rejected"));
                }
            }
            if changes.is_empty() {
                return Err(decided());
            }
        }
        (Verdict::Undo, _) => {
            for (at, c) in all.iter().enumerate() {
                if matches!(c.verdict.as_str(), "confirmed" | "rejected" | "superseded") && mine(c) {
                    changes.push((at, "pending"));
                }
            }
            if changes.is_empty() {
                return Err(decided());
            }
        }
        (Verdict::Confirm | Verdict::Reject, None) => return Err(CompareError::NotFound),
    }
    for (at, to) in &changes {
        all[*at].verdict = (*to).to_owned();
    }
    for to in ["confirmed", "rejected", "superseded", "pending"] {
        let ids: Vec<Uuid> = changes.iter().filter(|(_, t)| *t == to).map(|(at, _)| all[*at].id).collect();
        let (by, when) = if to == "pending" { (None, None) } else { (actor.user_id, Some(now)) };
        store::set_verdict(tx, &ids, to, by, when, note).await?;
    }
    let new_outcome = outcome(all.iter().map(|c| c.verdict.as_str()));
    store::set_outcome(tx, row.id, new_outcome).await?;
    let content = Content::open(vault, &row.fields_enc)?;
    let mut targets = Vec::new();
    for c in all.iter().filter(|c| matches!(c.verdict.as_str(), "auto" | "confirmed")) {
        let candidate = NewCandidate::again(c, c.id, c.list_row_id, c.comparison_id);
        targets.extend(targets_of(tx, source, &candidate).await?);
    }
    let wanted = Wanted {
        row_key: row.row_key.clone(),
        list_row_id: row.id,
        facts: content.facts,
        targets,
        withdrawn: content.withdrawn,
        unmatched: "match_undone",
    };
    let changed = apply_signals(tx, source.key, vec![wanted], now).await?;
    let division = chosen.map_or(row.division_code.as_str(), |at| all[at].division_code.as_str());
    audit::record(
        tx,
        actor,
        Entry {
            action: match verdict {
                Verdict::Confirm => "match.confirm",
                Verdict::Reject => "match.reject",
                Verdict::None => "match.none",
                Verdict::Undo => "match.undo",
            },
            object_kind: "list_row",
            object_id: row.id.to_string(),
            division_code: division,
            reason: note,
            detail: serde_json::json!({
                "candidate": candidate, "outcome": new_outcome,
                "signals_added": changed.added, "signals_ended": changed.ended,
            }),
        },
        now,
    )
    .await?;
    Ok(Decided { row: row.id, outcome: new_outcome, households: changed.households.into_iter().collect() })
}

/// One decision for many rows whose only candidate looks alike: `candidates` as the preview listed them. What has been
/// decided meanwhile is left as it is. Returns the decided rows and how many were left.
///
/// # Errors
/// Not allowed, or the database fails; then none is decided.
pub async fn decide_many(
    app: &App,
    actor: &Actor,
    candidates: Vec<(Uuid, Uuid)>,
    verdict: Verdict,
    note: &str,
) -> Result<(Vec<Decided>, usize), CompareError> {
    if !actor.may(Capability::ReviewMatches) {
        return Err(CompareError::Forbidden);
    }
    let (vault, now, who, note) = (app.vault.clone(), app.clock.now_ms(), actor.clone(), note.trim().to_owned());
    let (done, left) = app
        .db
        .write::<(Vec<Decided>, usize), CompareError, _>(move |tx| {
            Box::pin(async move {
                let mut done = Vec::new();
                let mut left = 0;
                for (row, candidate) in candidates {
                    match decide_in(tx, &vault, &who, row, Some(candidate), verdict, &note, now).await {
                        Ok(one) => done.push(one),
                        Err(
                            CompareError::AlreadyDecided { .. } | CompareError::Superseded | CompareError::NotFound,
                        ) => {
                            left += 1;
                        }
                        Err(other) => return Err(other),
                    }
                }
                Ok((done, left))
            })
        })
        .await?;
    let households: BTreeSet<Uuid> = done.iter().flat_map(|d| d.households.iter().copied()).collect();
    onward(app, actor, &households.into_iter().collect::<Vec<_>>()).await?;
    Ok((done, left))
}
