//! Standard output and standard error, which may be closed or full: the macros of the standard library panic there.

use std::fmt::Display;
use std::io::{Error, ErrorKind, Result, Write};
use std::sync::Mutex;

/// Why standard output stopped taking text, as far as it did.
static FAILED: Mutex<Option<Error>> = Mutex::new(None);

/// Prints a line on standard output. What goes wrong is told by [`end`]; after it, nothing more is written.
pub(super) fn line(text: impl Display) {
    let failed = FAILED.lock().is_ok_and(|failed| failed.is_some());
    if !failed {
        keep(writeln!(std::io::stdout(), "{text}"));
    }
}

/// Keeps how a write to standard output went for [`end`].
pub(super) fn keep(written: Result<()>) {
    if let (Err(error), Ok(mut failed)) = (written, FAILED.lock()) {
        failed.get_or_insert(error);
    }
}

/// Prints a line on standard error; where that is closed there is nobody to tell.
pub(super) fn complain(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Whether everything printed has been written. A reader that has seen enough and gone away is no error.
///
/// # Errors
/// What the system said.
pub(super) fn end() -> Result<()> {
    keep(std::io::stdout().flush());
    let failed = FAILED.lock().ok().and_then(|mut failed| failed.take());
    failed.filter(|error| error.kind() != ErrorKind::BrokenPipe).map_or(Ok(()), Err)
}
