//! The audit chain (审计链): append-only, each entry's hash covering the one before it.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Actor;
use crate::args;
use crate::platform::{App, Db, DbError, Lang, Tx, i18n, ids, settings};

/// Every action that the product records, in the order in which the audit page offers them. Its text is
/// `action-<action>`; a test holds the list against the source.
pub const ACTIONS: &[&str] = &[
    "login.ok",
    "login.failed",
    "login.locked",
    "logout",
    "password.change",
    "password.failed",
    "user.create",
    "user.edit",
    "user.disable",
    "user.enable",
    "user.reset",
    "user.unlock",
    "personal.reveal",
    "import.commit",
    "import.export",
    "comparison.run",
    "comparison.again",
    "comparison.export",
    "comparison.purge",
    "source.add",
    "source.edit",
    "match.confirm",
    "match.reject",
    "match.name",
    "match.none",
    "match.undo",
    "duplicate.run",
    "duplicate.decide",
    "duplicate.export",
    "model.use",
    "profile.load",
    "income.export",
    "ledger.follow",
    "ledger.export",
    "ledger.print",
    "ledger.batch",
    "item.assign",
    "item.take_back",
    "item.remind",
    "item.start",
    "item.progress",
    "item.measure",
    "item.submit",
    "item.check",
    "item.pass",
    "item.fail",
    "item.reopen",
    "item.cancel",
    "item.note",
    "problem.receive",
    "problem.decide",
    "item.attach",
    "supervise.list",
    "supervise.plan",
    "supervise.lift",
    "supervise.session",
    "supervise.leave",
    "supervise.leave_withdraw",
    "supervise.check",
    "item.money",
    "item.money_strike",
    "item.unfile",
    "item.look_back",
    "item.handover",
    "proxy.name",
    "proxy.end",
    "ledger.digest",
    "monitor.step",
    "monitor.warn",
    "monitor.remind",
    "monitor.notice",
    "monitor.take_over",
    "visit.record",
    "visit.correct",
    "visit.import",
    "screen.round",
    "screen.export",
    "task.issue",
    "task.hand_down",
    "task.report",
    "task.accept",
    "task.return",
    "task.remind",
    "task.close",
    "task.reopen",
    "task.export",
    "campaign.begin",
    "campaign.replan",
    "postponed.add",
    "postponed.step",
    "measure.save",
    "practice.propose",
    "practice.spread",
    "practice.end",
    "practice.adopt",
    "relief.ask",
    "relief.decide",
    "relief.pay",
    "relief.confirm",
    "relief.void",
    "relief.withdraw",
    "relief.export",
    "contribution.record",
    "contribution.thank",
    "contribution.void",
    "deployment.record",
    "deployment.change",
    "job.cancel",
    "audit.verify",
];

/// Every kind of thing that entries are about. Its text is `object-<kind>`.
pub const OBJECT_KINDS: &[&str] = &[
    "user",
    "person",
    "household",
    "helper",
    "work_team_member",
    "import",
    "comparison",
    "list_source",
    "list_row",
    "duplicate_run",
    "duplicate_pair",
    "linkage_model",
    "policy_profile",
    "ledger",
    "item",
    "item_batch",
    "problem_document",
    "problem_pair",
    "monitor_case",
    "monitor",
    "visit",
    "screen_round",
    "supervise_listing",
    "supervise_session",
    "supervise_leave",
    "supervise_check",
    "task",
    "campaign",
    "postponed",
    "measure",
    "practice",
    "relief",
    "contribution",
    "deployment",
    "job",
    "audit",
];

/// The name of the walk over the chain in the background, and the setting that keeps what it found.
pub(super) const VERIFIED: &str = "audit.verified";

/// What somebody did, to what, and why.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Dotted verb: `household.reveal`, `import.commit`, `login.failed`.
    pub action: &'a str,
    /// What kind of thing: `household`, `import`, `item`, `user`.
    pub object_kind: &'a str,
    /// Which one.
    pub object_id: String,
    /// Where it lies.
    pub division_code: &'a str,
    /// Why, in the actor's words; empty where none is asked.
    pub reason: &'a str,
    /// More, without personal data.
    pub detail: serde_json::Value,
}

/// An entry as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Stored {
    pub seq: i64,
    pub at: i64,
    pub actor_id: Option<Uuid>,
    pub actor_login: String,
    pub action: String,
    pub object_kind: String,
    pub object_id: String,
    pub division_code: String,
    pub reason: String,
    pub detail: String,
    pub prev_hash: String,
    pub hash: String,
}

/// What is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Break {
    /// An entry is missing before this one.
    Gap {
        /// The number found.
        seq: i64,
    },
    /// This entry does not continue the one before it.
    Link {
        /// Its number.
        seq: i64,
    },
    /// This entry was changed after it was written.
    Content {
        /// Its number.
        seq: i64,
    },
    /// The end of the chain is not where the head says.
    Head {
        /// Number of the last entry.
        seq: i64,
        /// Number that the head says.
        head: i64,
    },
}

impl Break {
    /// What is wrong, in the reader's language.
    pub fn text(&self, lang: Lang) -> String {
        let (key, seq, head) = match self {
            Self::Gap { seq } => ("audit-break-gap", seq, seq),
            Self::Link { seq } => ("audit-break-link", seq, seq),
            Self::Content { seq } => ("audit-break-content", seq, seq),
            Self::Head { seq, head } => ("audit-break-head", seq, head),
        };
        let args = [("seq", seq.to_string()), ("head", head.to_string())];
        i18n::text_with(lang, key, &args)
    }
}

/// What a walk over the chain found.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Verification {
    /// Entries read.
    pub entries: i64,
    /// Hash of the last entry: to be kept elsewhere, so that a cut tail is noticed.
    pub head: String,
    /// The first fault, if any.
    pub fault: Option<Break>,
}

/// Appends an entry in the transaction that does the thing: neither exists without the other.
///
/// # Errors
/// The database fails; the transaction must not be committed then.
pub async fn record(tx: &mut Tx, actor: &Actor, entry: Entry<'_>, now_ms: i64) -> Result<(), DbError> {
    // The update locks the head, so that two writers on PostgreSQL append one after the other.
    let (seq, prev_hash): (i64, String) =
        tx.one("UPDATE audit_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, hash", args![]).await?;
    let mut stored = Stored {
        seq,
        at: now_ms,
        actor_id: actor.user_id,
        actor_login: actor.login.clone(),
        action: entry.action.to_owned(),
        object_kind: entry.object_kind.to_owned(),
        object_id: entry.object_id,
        division_code: entry.division_code.to_owned(),
        reason: entry.reason.to_owned(),
        detail: entry.detail.to_string(),
        prev_hash,
        hash: String::new(),
    };
    stored.hash = digest(&stored);
    let hash = stored.hash.clone();
    tx.run(
        "INSERT INTO audit (seq, at, actor_id, actor_login, action, object_kind, object_id, division_code, reason,
                            detail, prev_hash, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        args![
            stored.seq,
            stored.at,
            stored.actor_id,
            stored.actor_login,
            stored.action,
            stored.object_kind,
            stored.object_id,
            stored.division_code,
            stored.reason,
            stored.detail,
            stored.prev_hash,
            stored.hash
        ],
    )
    .await?;
    tx.run("UPDATE audit_head SET hash = $1 WHERE id = 1", args![hash]).await?;
    Ok(())
}

/// [`record`] for many entries at once, in their order: the chain is held once, and the entries are written together.
///
/// # Errors
/// The database fails.
pub async fn record_many(tx: &mut Tx, actor: &Actor, entries: Vec<Entry<'_>>, now_ms: i64) -> Result<(), DbError> {
    if entries.is_empty() {
        return Ok(());
    }
    let n = entries.len() as i64;
    let (last, mut prev_hash): (i64, String) =
        tx.one("UPDATE audit_head SET seq = seq + $1 WHERE id = 1 RETURNING seq, hash", args![n]).await?;
    let mut rows = Vec::with_capacity(entries.len());
    for (seq, entry) in (last - n + 1..).zip(entries) {
        let mut stored = Stored {
            seq,
            at: now_ms,
            actor_id: actor.user_id,
            actor_login: actor.login.clone(),
            action: entry.action.to_owned(),
            object_kind: entry.object_kind.to_owned(),
            object_id: entry.object_id,
            division_code: entry.division_code.to_owned(),
            reason: entry.reason.to_owned(),
            detail: entry.detail.to_string(),
            prev_hash,
            hash: String::new(),
        };
        stored.hash = digest(&stored);
        prev_hash = stored.hash.clone();
        rows.push(args![
            stored.seq,
            stored.at,
            stored.actor_id,
            stored.actor_login,
            stored.action,
            stored.object_kind,
            stored.object_id,
            stored.division_code,
            stored.reason,
            stored.detail,
            stored.prev_hash,
            stored.hash
        ]);
    }
    tx.insert_many(
        "INSERT INTO audit (seq, at, actor_id, actor_login, action, object_kind, object_id, division_code, reason,
                            detail, prev_hash, hash)",
        "",
        rows,
    )
    .await?;
    tx.run("UPDATE audit_head SET hash = $1 WHERE id = 1", args![prev_hash]).await?;
    Ok(())
}

/// Walks the whole chain.
///
/// # Errors
/// The database fails.
pub async fn verify(db: &Db) -> Result<Verification, DbError> {
    let mut found = Verification { entries: 0, head: String::new(), fault: None };
    let mut expected = 1;
    db.each::<Stored, DbError>("SELECT * FROM audit ORDER BY seq", args![], |entry| {
        found.entries += 1;
        if found.fault.is_none() {
            found.fault = if entry.seq != expected {
                Some(Break::Gap { seq: entry.seq })
            } else if entry.prev_hash != found.head {
                Some(Break::Link { seq: entry.seq })
            } else if entry.hash != digest(&entry) {
                Some(Break::Content { seq: entry.seq })
            } else {
                None
            };
        }
        expected = entry.seq + 1;
        found.head = entry.hash;
        Ok(())
    })
    .await?;
    let (seq, hash): (i64, String) = db.one("SELECT seq, hash FROM audit_head WHERE id = 1", args![]).await?;
    if found.fault.is_none() && (seq != expected - 1 || hash != found.head) {
        found.fault = Some(Break::Head { seq: expected - 1, head: seq });
    }
    Ok(found)
}

/// A walk over the chain that somebody asked for on the page.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Walk {
    /// When it ended, milliseconds.
    pub(super) at: i64,
    /// Login of who asked.
    pub(super) by: String,
    /// What it found.
    pub(super) found: Verification,
}

/// Walks the whole chain beside the requests, unless somebody already does, and keeps what was found, on the books and
/// for [`last_walk`].
pub(super) fn begin_walk(app: &App, actor: &Actor) {
    let (at_work, actor) = (app.clone(), actor.clone());
    app.background.start(VERIFIED, async move {
        if let Err(error) = walk(&at_work, actor).await {
            tracing::error!(%error, "the audit log could not be verified");
        }
    });
}

async fn walk(app: &App, actor: Actor) -> Result<(), DbError> {
    let found = verify(&app.db).await?;
    let now = app.clock.now_ms();
    app.db
        .write::<(), DbError, _>(move |tx| {
            Box::pin(async move {
                let entry = Entry {
                    action: "audit.verify",
                    object_kind: "audit",
                    object_id: found.entries.to_string(),
                    division_code: actor.scope.root(),
                    reason: "",
                    detail: serde_json::json!({ "whole": found.fault.is_none() }),
                };
                record(tx, &actor, entry, now).await?;
                let walk = Walk { at: now, by: actor.login.clone(), found };
                settings::set(tx, VERIFIED, &serde_json::json!(walk), now).await
            })
        })
        .await
}

/// What the last walk found, if there was one.
pub(super) async fn last_walk(db: &Db) -> Result<Option<Walk>, DbError> {
    Ok(settings::get(db, VERIFIED).await?.and_then(|value| serde_json::from_value(value).ok()))
}

/// The hash of an entry, if there is one of that number.
///
/// # Errors
/// The database fails.
pub async fn hash_at(db: &Db, seq: i64) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = db.maybe("SELECT hash FROM audit WHERE seq = $1", args![seq]).await?;
    Ok(row.map(|(hash,)| hash))
}

fn digest(entry: &Stored) -> String {
    let mut hasher = Sha256::new();
    let actor = entry.actor_id.map(|id| id.to_string()).unwrap_or_default();
    let (seq, at) = (entry.seq.to_string(), entry.at.to_string());
    for part in [
        entry.prev_hash.as_str(),
        &seq,
        &at,
        &actor,
        &entry.actor_login,
        &entry.action,
        &entry.object_kind,
        &entry.object_id,
        &entry.division_code,
        &entry.reason,
        &entry.detail,
    ] {
        // Length first, so that no text can move from one part to the next unseen.
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    ids::hex(&hasher.finalize())
}
