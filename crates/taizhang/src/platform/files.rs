//! Folders and files that only the owner of the installation can open.

use std::path::Path;

/// Makes a folder that its owner alone can open; one that is there stays as it is, unless it is empty.
///
/// # Errors
/// As the system says.
pub fn make_folder(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        if std::fs::read_dir(path)?.next().is_none() {
            close(path, 0o700)?;
        }
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    match builder.create(path) {
        // Another process was faster.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

/// Makes an empty file that its owner alone can open; one that is there stays as it is.
///
/// # Errors
/// As the system says.
pub fn make_file(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Closes a data folder, and everything in it, to everybody but its owner.
///
/// # Errors
/// As the system says.
pub fn tighten(folder: &Path) -> std::io::Result<()> {
    close(folder, 0o700)?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            tighten(&entry.path())?;
        } else if kind.is_file() {
            close(&entry.path(), 0o600)?;
        }
    }
    Ok(())
}

/// Whether anybody but its owner may open it.
#[cfg(unix)]
pub fn open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
}

/// Whether anybody but its owner may open it: where the system has no such rights, nobody is said to.
#[cfg(not(unix))]
pub fn open_to_others(_: &Path) -> bool {
    false
}

#[cfg(unix)]
fn close(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if open_to_others(path) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn close(_: &Path, _: u32) -> std::io::Result<()> {
    Ok(())
}
