//! Photos and papers of an item (佐证): taken for what they are, kept whole, checked when they are read.

use std::io::Write as _;
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::model::{self, Attachment};
use super::{LedgerError, need, repeated, stand_in, store, wrong_state};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability};
use crate::assess;
use crate::platform::{App, ids};

/// The largest photo or paper, bytes.
pub const ATTACHMENT_LIMIT: usize = 10 * 1024 * 1024;
/// The most attachments of one item.
pub(super) const ATTACHMENTS_LIMIT: usize = 30;

/// The type of a photo or paper by its first bytes; what a name says is not believed.
pub fn sniff(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => Some(("image/jpeg", "jpg")),
        _ if bytes.starts_with(b"\x89PNG\r\n\x1a\n") => Some(("image/png", "png")),
        _ if webp => Some(("image/webp", "webp")),
        _ if bytes.starts_with(b"%PDF-") => Some(("application/pdf", "pdf")),
        _ => None,
    }
}

/// A photo or paper as somebody sends it.
#[derive(Debug, Clone, Default)]
pub struct Photo {
    /// Made by whoever sends it: the same twice is one.
    pub event_id: Uuid,
    /// What they call the file.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// When it was taken, as they say; milliseconds.
    pub taken_at: Option<i64>,
    /// Where, as they say; may be empty.
    pub place: String,
}

/// Adds a photo or paper to an item.
///
/// # Errors
/// As [`attach_with`].
pub async fn attach(
    app: &App,
    actor: &Actor,
    item: Uuid,
    event_id: Uuid,
    name: &str,
    bytes: Vec<u8>,
) -> Result<(), LedgerError> {
    attach_with(app, actor, item, Photo { event_id, name: name.to_owned(), bytes, ..Photo::default() }).await
}

/// The most characters of a place.
const PLACE_MOST: usize = 100;

/// [`attach`] with time and place. It needs no version of the item: a photo takes nothing from what others did.
///
/// # Errors
/// Its type or size is not taken, its time lies in the future, the item is closed or not for this person, or the folder
/// or database fails.
pub async fn attach_with(app: &App, actor: &Actor, item: Uuid, photo: Photo) -> Result<(), LedgerError> {
    if !actor.may(Capability::WorkItems) {
        need(actor, Capability::CheckItems, "attach")?;
    }
    let Photo { event_id, name, bytes, taken_at, place } = photo;
    if bytes.is_empty() || bytes.len() > ATTACHMENT_LIMIT {
        return Err(LedgerError::AttachmentSize { bytes: bytes.len() });
    }
    let (mime, extension) = sniff(&bytes).ok_or(LedgerError::AttachmentType)?;
    let found = stand_in::item(app, actor, item).await?.ok_or(LedgerError::NotFound)?;
    let (day, now) = (app.clock.today(), app.clock.now_ms());
    if let Some(at) = taken_at.filter(|at| *at > now + super::AHEAD) {
        return Err(LedgerError::ActedAt { at, opened: found.opened_on });
    }
    let profile = assess::profile_by_id(&app.db, found.profile_id).await?;
    if !found.state().is_open() {
        return Err(wrong_state(&profile, &found, "attach"));
    }
    let sha256 = ids::hex(&Sha256::digest(&bytes));
    let folder = folder_of(app, &sha256)?;
    let (digest, length) = (sha256.clone(), bytes.len());
    let kept = tokio::task::spawn_blocking(move || keep(&folder, &digest, &bytes)).await;
    kept.map_err(|e| LedgerError::AttachmentStore(std::io::Error::other(e)))?.map_err(LedgerError::AttachmentStore)?;
    let actor = actor.clone();
    let (name, place) = (file_name(&name, extension), place.trim().chars().take(PLACE_MOST).collect::<String>());
    app.db
        .write::<_, LedgerError, _>(move |tx| {
            Box::pin(async move {
                let (found, acts_for) = stand_in::held(tx, &actor, item, day).await?.ok_or(LedgerError::NotFound)?;
                let payload = model::payload(&serde_json::json!([actor.user_id, "attach", name, sha256]));
                if repeated(tx, &found, event_id, &payload).await?.is_some() {
                    return Ok(());
                }
                let state = found.state();
                if !state.is_open() {
                    return Err(wrong_state(&profile, &found, "attach"));
                }
                let attachment = Attachment {
                    id: ids::new_id(),
                    item_id: item,
                    sha256: sha256.clone(),
                    name: name.clone(),
                    mime: mime.to_owned(),
                    bytes: i64::try_from(length).unwrap_or(i64::MAX),
                    uploaded_at: now,
                    uploaded_by: actor.user_id,
                    taken_at,
                    place: place.clone(),
                    removed_at: None,
                    removed_name: String::new(),
                    removed_why: String::new(),
                };
                if store::attachment_count(tx, item).await? >= ATTACHMENTS_LIMIT as i64 {
                    return Err(LedgerError::AttachmentCount);
                }
                store::insert_attachment(tx, &attachment, event_id).await?;
                store::touch(tx, item, now).await?;
                let mut data = serde_json::json!({ "attachment": attachment.id, "name": name, "place": place });
                if let Some(person) = acts_for {
                    data["for"] = store::user_name_in(tx, person).await?.into();
                }
                let event = store::NewEvent {
                    id: event_id,
                    item: &found,
                    at: now,
                    day,
                    division: &found.division_code,
                    household: found.household_id,
                    actor_id: actor.user_id,
                    actor_name: &actor.name,
                    action: "attach",
                    from: state.name(),
                    to: state.name(),
                    note: "",
                    data,
                    payload: &payload,
                };
                store::append_with(tx, event, store::Aside { acted_at: taken_at, acts_for }).await?;
                let entry = Entry {
                    action: "item.attach",
                    object_kind: "item",
                    object_id: item.to_string(),
                    division_code: &found.division_code,
                    reason: "",
                    detail: serde_json::json!({ "number": found.number, "sha256": sha256, "bytes": length }),
                };
                audit::record(tx, &actor, entry, now).await?;
                Ok(())
            })
        })
        .await
}

/// A name for a downloaded file: the last part of what was said, without what a header or folder could misread.
fn file_name(said: &str, extension: &str) -> String {
    let last = said.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    let stem: String = stem.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ')).take(60).collect();
    let stem = stem.trim();
    format!("{}.{extension}", if stem.is_empty() { "evidence" } else { stem })
}

fn folder_of(app: &App, sha256: &str) -> Result<PathBuf, LedgerError> {
    let first = sha256.get(..2).unwrap_or("00");
    app.sub_folder(&format!("attachments/{first}")).map_err(LedgerError::AttachmentStore)
}

/// Writes the bytes under their hash: whole or not at all, and durable before the database names them.
fn keep(folder: &std::path::Path, sha256: &str, bytes: &[u8]) -> std::io::Result<()> {
    let path = folder.join(sha256);
    if path.exists() {
        return Ok(());
    }
    let part = folder.join(format!("{sha256}.{}.part", ids::new_id()));
    let mut file = std::fs::File::create_new(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&part, &path)?;
    std::fs::File::open(folder)?.sync_all()
}

/// An attachment's bytes, checked against their hash.
///
/// # Errors
/// It does not exist or is not for this person, or the file is gone or changed.
pub async fn attachment(app: &App, actor: &Actor, id: Uuid) -> Result<(Attachment, Vec<u8>), LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    let found = store::attachment(&app.db, id).await?.ok_or(LedgerError::NotFound)?;
    stand_in::item(app, actor, found.item_id).await?.ok_or(LedgerError::NotFound)?;
    let path = folder_of(app, &found.sha256)?.join(&found.sha256);
    let bytes = tokio::fs::read(path).await.map_err(LedgerError::AttachmentStore)?;
    if ids::hex(&Sha256::digest(&bytes)) != found.sha256 {
        return Err(LedgerError::AttachmentStore(std::io::Error::other("the file was changed after it was stored")));
    }
    Ok((found, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_told_by_their_bytes() {
        assert_eq!(sniff(b"\xFF\xD8\xFF\xE0..").unwrap().0, "image/jpeg");
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n..").unwrap().0, "image/png");
        assert_eq!(sniff(b"RIFF\0\0\0\0WEBPVP8 ").unwrap().0, "image/webp");
        assert_eq!(sniff(b"%PDF-1.7").unwrap().0, "application/pdf");
        for bad in [&b"<html>"[..], b"", b"GIF89a", b"<?xml version", b"RIFF\0\0\0\0WAVE", b"PK\x03\x04", b"\xFF\xD8"] {
            assert_eq!(sniff(bad), None);
        }
    }

    #[test]
    fn names_of_files_cannot_leave_their_place() {
        assert_eq!(file_name("../../etc/pass\r\nwd.html", "jpg"), "passwd.jpg");
        assert_eq!(file_name("C:\\照片\\入户 1.JPG", "jpg"), "入户 1.jpg");
        assert_eq!(file_name("\"; x=\"", "png"), "x.png");
        assert_eq!(file_name("", "pdf"), "evidence.pdf");
    }
}
