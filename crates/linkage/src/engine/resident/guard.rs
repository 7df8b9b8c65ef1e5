//! One writer of a register at a time. Readers need no leave: they see what stood there before or after.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::ResidentError;

/// The right to write a register and its changes, until it is dropped or its program ends, however that happens.
#[derive(Debug)]
pub(super) struct Guard {
    _locked: File,
}

/// The file that is locked: empty, and never taken away, since whoever waits for it has it open already. The register
/// itself does not serve, for it gives way to another one under the same name.
fn lock_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

impl Guard {
    /// Waits until nobody else writes this register.
    pub(super) fn take(path: &Path) -> Result<Self, ResidentError> {
        let lock = lock_of(path);
        let locked = File::options().write(true).create(true).truncate(false).open(&lock);
        let locked = locked.and_then(|file| file.lock().map(|()| file));
        let guard = locked.map_err(|error| ResidentError::File { path: lock, error })?;
        // Nobody writes, so what is half written has no writer any more.
        remove_parts(path).map_err(|error| ResidentError::File { path: path.to_owned(), error })?;
        Ok(Self { _locked: guard })
    }
}

/// Whether somebody holds the right to write a register.
pub(super) fn is_taken(path: &Path) -> bool {
    File::open(lock_of(path)).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Removes what killed writers of this register left behind: files that only they knew.
fn remove_parts(path: &Path) -> io::Result<()> {
    let Some(name) = path.file_name().and_then(OsStr::to_str) else {
        return Ok(());
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_part = entry.file_name().to_str().is_some_and(|file| {
            let rest = file.strip_prefix('.').and_then(|file| file.strip_prefix(name));
            let rest = rest.and_then(|rest| rest.strip_suffix(".part"));
            let rest = rest.map(|rest| rest.strip_prefix(".changes").unwrap_or(rest));
            rest.and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(|writer| !writer.is_empty() && writer.bytes().all(|c| c.is_ascii_digit()))
        });
        if is_part {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
