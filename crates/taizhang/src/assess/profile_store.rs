//! All SQL of policy profiles: their texts, and from which day on each is in force.

use chrono::NaiveDate;
use uuid::Uuid;

use super::profile::Profile;
use crate::args;
use crate::platform::{Db, DbError, Tx, ids};

/// A profile as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct ProfileRow {
    pub(super) id: Uuid,
    pub(super) sha256: String,
    pub(super) source: String,
    /// From when on it is in force; empty for from the beginning.
    pub(super) from_day: String,
}

/// The profile in force on a day.
pub(super) async fn in_force(db: &Db, day: NaiveDate) -> Result<Option<ProfileRow>, DbError> {
    db.maybe(
        "SELECT p.id, p.sha256, p.source, t.from_day FROM policy_term t JOIN policy_profile p ON p.id = t.profile_id
         WHERE t.from_day <= $1 ORDER BY t.from_day DESC, t.seq DESC LIMIT 1",
        args![day],
    )
    .await
}

/// [`in_force`], as a transaction sees it.
pub(super) async fn in_force_in(tx: &mut Tx, day: NaiveDate) -> Result<Option<ProfileRow>, DbError> {
    tx.maybe(
        "SELECT p.id, p.sha256, p.source, t.from_day FROM policy_term t JOIN policy_profile p ON p.id = t.profile_id
         WHERE t.from_day <= $1 ORDER BY t.from_day DESC, t.seq DESC LIMIT 1",
        args![day],
    )
    .await
}

/// The id of the profile in force on a day.
pub(super) async fn id_in_force(tx: &mut Tx, day: NaiveDate) -> Result<Option<Uuid>, DbError> {
    let row: Option<(Uuid,)> = tx
        .maybe(
            "SELECT profile_id FROM policy_term WHERE from_day <= $1 ORDER BY from_day DESC, seq DESC LIMIT 1",
            args![day],
        )
        .await?;
    Ok(row.map(|row| row.0))
}

/// [`text`], as a transaction sees it.
pub(super) async fn text_in(tx: &mut Tx, id: Uuid) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx.maybe("SELECT source FROM policy_profile WHERE id = $1", args![id]).await?;
    Ok(row.map(|row| row.0))
}

/// The text of a profile version by its id.
pub(super) async fn text(db: &Db, id: Uuid) -> Result<Option<(String,)>, DbError> {
    db.maybe("SELECT source FROM policy_profile WHERE id = $1", args![id]).await
}

/// A version, whether or not it is in force.
pub(super) async fn find(tx: &mut Tx, key: &str, version: i64) -> Result<Option<ProfileRow>, DbError> {
    tx.maybe(
        "SELECT id, sha256, source, '' AS from_day FROM policy_profile WHERE key = $1 AND version = $2",
        args![key, version],
    )
    .await
}

pub(super) async fn insert(
    tx: &mut Tx,
    profile: &Profile,
    text: &str,
    sha256: &str,
    by: Option<Uuid>,
    now: i64,
) -> Result<Uuid, DbError> {
    let id = ids::new_id();
    tx.run(
        "INSERT INTO policy_profile (id, key, version, sha256, source, loaded_by, loaded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![id, &profile.key, profile.version, sha256, text, by, now],
    )
    .await?;
    Ok(id)
}

/// The last line that puts a profile in force, whatever its day.
pub(super) async fn last_term(tx: &mut Tx) -> Result<Option<(i64, Uuid, String)>, DbError> {
    tx.maybe("SELECT seq, profile_id, from_day FROM policy_term ORDER BY seq DESC LIMIT 1", args![]).await
}

/// Puts a profile in force from a day on; an empty day is from the beginning.
pub(super) async fn add_term(
    tx: &mut Tx,
    seq: i64,
    profile: Uuid,
    from_day: &str,
    by: Option<Uuid>,
    now: i64,
) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO policy_term (seq, profile_id, from_day, applied_by, applied_at) VALUES ($1, $2, $3, $4, $5)",
        args![seq, profile, from_day, by, now],
    )
    .await?;
    Ok(())
}

/// One time that a profile was applied.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, serde::Serialize)]
pub struct Term {
    /// In the order of applying.
    pub seq: i64,
    /// Version of the profile.
    pub profile_id: Uuid,
    /// Its key.
    pub key: String,
    /// Its version.
    pub version: i64,
    /// SHA-256 of its text.
    pub sha256: String,
    /// ISO day from which it is in force; empty for from the beginning.
    pub from_day: String,
    /// Milliseconds.
    pub applied_at: i64,
    /// Who applied it; empty for the program itself.
    pub applied_by: String,
}

/// Every time that a profile was applied, the newest first.
pub(super) async fn terms(db: &Db) -> Result<Vec<Term>, DbError> {
    db.all(
        "SELECT t.seq, t.profile_id, p.key, p.version, p.sha256, t.from_day, t.applied_at,
                COALESCE(u.name, '') AS applied_by
         FROM policy_term t JOIN policy_profile p ON p.id = t.profile_id LEFT JOIN app_user u ON u.id = t.applied_by
         ORDER BY t.from_day DESC, t.seq DESC",
        args![],
    )
    .await
}
