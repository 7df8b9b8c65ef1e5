//! SQL of the organisations that files name.

use uuid::Uuid;

use super::records::Organisation;
use crate::args;
use crate::platform::{DbError, Tx, Value};

/// A spelling of an organisation's name.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Alias {
    pub(super) name: String,
    pub(super) name_folded: String,
    pub(super) pinyin: String,
    pub(super) initials: String,
    pub(super) organisation_id: Uuid,
}

/// All organisations: they are few beside the persons who work there.
pub(super) async fn all(tx: &mut Tx) -> Result<Vec<Organisation>, DbError> {
    tx.all(
        "SELECT id, name, division_code, credit_code, kind, address, contact, phone_enc, phone_index, version,
                fingerprint, import_id, sheet, line, as_of, recorded_at
         FROM organisation ORDER BY id",
        args![],
    )
    .await
}

/// All spellings.
pub(super) async fn aliases(tx: &mut Tx) -> Result<Vec<Alias>, DbError> {
    tx.all("SELECT name, name_folded, pinyin, initials, organisation_id FROM organisation_alias ORDER BY name", args![])
        .await
}

/// Writes spellings; one that is known already gets the letters that it lacks.
pub(super) async fn put_aliases(tx: &mut Tx, rows: Vec<Alias>) -> Result<u64, DbError> {
    let rows: Vec<Vec<Value>> =
        rows.into_iter().map(|a| args![a.name, a.name_folded, a.pinyin, a.initials, a.organisation_id]).collect();
    tx.insert_many(
        "INSERT INTO organisation_alias (name, name_folded, pinyin, initials, organisation_id)",
        "ON CONFLICT (name) DO UPDATE SET name_folded = excluded.name_folded, pinyin = excluded.pinyin,
             initials = excluded.initials, organisation_id = excluded.organisation_id",
        rows,
    )
    .await
}

/// Takes the spellings of one organisation to another, which it turned out to be, and the record away.
pub(super) async fn join(tx: &mut Tx, one: Uuid, into: Uuid) -> Result<(), DbError> {
    tx.run("UPDATE organisation_alias SET organisation_id = $2 WHERE organisation_id = $1", args![one, into]).await?;
    tx.run("DELETE FROM organisation WHERE id = $1", args![one]).await?;
    Ok(())
}
