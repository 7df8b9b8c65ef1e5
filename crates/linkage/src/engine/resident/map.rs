//! The one place that maps a file into memory.

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// Maps a whole file for reading.
///
/// Reading a register of 5,000,000 into memory takes longer than everything else that a question does, and as much memory
/// as the file is long; mapped, only what a question touches is read, and several programs share it.
///
/// # Errors
/// Whatever the system says.
#[allow(unsafe_code)]
pub(super) fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the bytes behind a mapping may be changed by whoever writes the file. Ours are written under another name
    // and renamed, and never written again, but for sixteen bytes of the header, which is not read through the mapping:
    // what is mapped stays as it is. Should somebody write into the file all
    // the same, no reader relies on what it has read before: every offset is checked against the length when it is
    // used, numbers are taken out of bytes, and no byte is an invalid one. A file that is cut while it is mapped ends the
    // program (SIGBUS) instead of giving wrong answers.
    unsafe { Mmap::map(file) }
}
