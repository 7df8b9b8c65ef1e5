//! List files: their sum and their sheets.

use std::path::Path;

use super::Sheet;
use super::model::CompareError;
use crate::intake::SkippedSheet;
use crate::platform::{Lang, UserError, ids};

/// SHA-256 of a file, in hexadecimal.
pub(super) async fn sha256(path: &Path) -> Result<String, CompareError> {
    use sha2::{Digest, Sha256};
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        let mut hasher = Sha256::new();
        let mut file = std::fs::File::open(&path)?;
        std::io::copy(&mut file, &mut Sink(&mut hasher))?;
        Ok(ids::hex(&hasher.finalize()))
    })
    .await
    .map_err(|e| CompareError::Broken(e.to_string()))?
    .map_err(|e: std::io::Error| CompareError::Broken(e.to_string()))
}

struct Sink<'a>(&'a mut sha2::Sha256);

impl std::io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        sha2::Digest::update(self.0, bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The sheets of a list file, named `file` by who brought it in, read as every file is read: text in its encoding,
/// spreadsheets in a child process; and those that were left out.
pub(super) async fn read_sheets(path: &Path, file: &str) -> Result<(Vec<Sheet>, Vec<SkippedSheet>), CompareError> {
    let (path, file) = (path.to_owned(), file.to_owned());
    tokio::task::spawn_blocking(move || {
        let mut sheets: Vec<Sheet> = Vec::new();
        let facts = crate::intake::reader::read::<crate::intake::IntakeError>(&path, |row| {
            if sheets.last().is_none_or(|s| s.name != row.sheet) {
                sheets.push(Sheet { name: row.sheet.to_owned(), rows: Vec::new() });
            }
            if let Some(sheet) = sheets.last_mut() {
                let line = i64::try_from(row.line).unwrap_or(i64::MAX);
                sheet.rows.push((line, row.cells.iter().map(str::to_owned).collect()));
            }
            Ok(crate::intake::reader::Go::On)
        })
        .map_err(|error| {
            let error = error.in_file(&file);
            CompareError::File { code: error.code(), text_zh: error.message(Lang::Zh), text: error.message(Lang::En) }
        })?;
        Ok((sheets, facts.skipped))
    })
    .await
    .map_err(|e| CompareError::Broken(e.to_string()))?
}
