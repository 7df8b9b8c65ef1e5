//! The file of a packed register: a header, sections, and a sum for every 4 KB, which is checked when those are first
//! touched. Nothing in it is believed: an offset that leads nowhere gives nothing, and is said at the end.
//!
//! All numbers are little-endian. The header takes the first 4 KB: magic, version, length of the file, print of the
//! tables that the keys were made with, rows, what it belongs to, where sections and sums stand, what came before it, and
//! its own sum. Sixteen bytes of it are no part of that sum: they name the file of changes that a register had last.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::Mmap;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::ResidentError;
use super::map::map;

const MAGIC: [u8; 8] = *b"\x89TZR\r\n\x1a\n";
/// What this program writes, and the newest that it reads.
pub(super) const VERSION: u32 = 2;
/// Bytes under one sum.
const CHUNK: usize = 4096;
const SEED: u64 = 0x5449_415a_4852;
/// Sections of a file at most.
const SECTIONS: usize = 64;
/// Where the sum of the header stands.
const HEADER_SUM: usize = CHUNK - 8;
/// Where it says what came before; behind the last section.
const BEFORE: usize = 72 + SECTIONS * 16;
/// Where the name of the last changes and its sum stand: the only bytes that are written into a file that has its name.
/// They are read when the file is opened and never through the mapping.
const MARK: usize = HEADER_SUM - 16;

/// What the header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct About {
    /// Of the tables and rules that the keys were made with.
    pub(super) tables: u64,
    /// Rows in the file.
    pub(super) rows: u64,
    /// The file that this one changes, by its [`Packed::own`]; 0 for a register.
    pub(super) changes: u64,
    /// Of changes: those that they took the place of, 0 for the first. Of a register: the one that it took the place of
    /// together with its changes, 0 where there were none.
    pub(super) before: u64,
}

/// Where a section stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Section {
    from: u64,
    len: u64,
}

impl Section {
    pub(super) fn len(self) -> u64 {
        self.len
    }
}

/// A file that is mapped.
#[derive(Debug)]
pub(super) struct Packed {
    path: PathBuf,
    map: Mmap,
    about: About,
    own: u64,
    marked: u64,
    sections: Vec<Section>,
    /// Where the sums stand.
    sums: usize,
    /// A bit for each chunk that was found to be sound.
    seen: Vec<AtomicU64>,
    /// Where something was found to be wrong first, and one more; 0 while nothing was.
    damage: AtomicU64,
}

fn number(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()).map_or(0, |word| u64::from_le_bytes(*word))
}

impl Packed {
    /// Opens a file and checks all that is not checked later.
    pub(super) fn open(path: &Path) -> Result<Self, ResidentError> {
        let io = |error| ResidentError::File { path: path.to_owned(), error };
        let wrong = |error: fn(PathBuf) -> ResidentError| Err(error(path.to_owned()));
        let mut file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let mut header = vec![0; CHUNK];
        let got = read_up_to(&mut file, &mut header).map_err(io)?;
        if header[..8] != MAGIC {
            return wrong(|path| ResidentError::Foreign { path });
        }
        let version = number(&header, 8) as u32;
        if got == CHUNK && version > VERSION {
            return Err(ResidentError::Newer { path: path.to_owned(), version });
        }
        if got == CHUNK && (1..VERSION).contains(&version) {
            return wrong(|path| ResidentError::Outdated { path });
        }
        let wanted = number(&header, 16);
        if got < CHUNK || wanted > length {
            return Err(ResidentError::Cut { path: path.to_owned(), length, wanted: wanted.max(CHUNK as u64) });
        }
        let (marked, mark_sum) = (number(&header, MARK), number(&header, MARK + 8));
        header[MARK..HEADER_SUM].fill(0);
        let own = xxh3_64_with_seed(&header[..HEADER_SUM], SEED);
        if own != number(&header, HEADER_SUM) || wanted != length || version == 0 {
            return Err(ResidentError::Damaged { path: path.to_owned(), at: 0 });
        }
        let damaged = || ResidentError::Damaged { path: path.to_owned(), at: 0 };
        if (marked, mark_sum) != (0, 0) && mark_sum != mark_of(own, marked) {
            return Err(ResidentError::Damaged { path: path.to_owned(), at: MARK as u64 });
        }
        let about = About {
            tables: number(&header, 24),
            rows: number(&header, 32),
            changes: number(&header, 40),
            before: number(&header, BEFORE),
        };
        let (sums, count) = (number(&header, 48), number(&header, 56) as usize);
        let chunks = sums.div_ceil(CHUNK as u64);
        // At most the length, so that what follows cannot overflow.
        if count > SECTIONS || !(CHUNK as u64..=length).contains(&sums) || sums + chunks * 8 != length {
            return Err(damaged());
        }
        let mut sections = Vec::with_capacity(count);
        for at in 0..count {
            let section = Section { from: number(&header, 72 + at * 16), len: number(&header, 80 + at * 16) };
            if section.from < CHUNK as u64 || section.from.checked_add(section.len).is_none_or(|end| end > sums) {
                return Err(damaged());
            }
            sections.push(section);
        }
        let map = map(&file).map_err(io)?;
        let table = usize::try_from(sums).ok().and_then(|from| map.get(from..)).unwrap_or_default();
        if map.len() as u64 != length || xxh3_64_with_seed(table, SEED) != number(&header, 64) {
            return Err(ResidentError::Damaged { path: path.to_owned(), at: sums });
        }
        let seen = (0..chunks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Ok(Self {
            path: path.to_owned(),
            map,
            about,
            own,
            marked,
            sections,
            sums: sums as usize,
            seen,
            damage: AtomicU64::new(0),
        })
    }

    pub(super) fn about(&self) -> About {
        self.about
    }

    /// What tells this file from every other.
    pub(super) fn own(&self) -> u64 {
        self.own
    }

    /// The changes that this register had last when it was opened, by their [`Packed::own`]; 0 if it never had any.
    pub(super) fn marked(&self) -> u64 {
        self.marked
    }

    pub(super) fn bytes(&self) -> u64 {
        self.map.len() as u64
    }

    /// A section by its place; empty where there is none.
    pub(super) fn section(&self, place: usize) -> Section {
        self.sections.get(place).copied().unwrap_or_default()
    }

    /// Bytes of a section; none, and a note of the damage, where they are not there or not what was written.
    #[inline]
    pub(super) fn part(&self, section: Section, from: u64, len: usize) -> &[u8] {
        if from.checked_add(len as u64).is_none_or(|end| end > section.len) {
            self.note(section.from);
            return &[];
        }
        let at = (section.from + from) as usize;
        let Some(bytes) = self.map.get(at..at + len) else {
            self.note(at as u64);
            return &[];
        };
        if len > 0 {
            for chunk in at / CHUNK..=(at + len - 1) / CHUNK {
                let sound =
                    self.seen.get(chunk / 64).is_some_and(|word| word.load(Ordering::Relaxed) >> (chunk % 64) & 1 != 0);
                if !sound && !self.check(chunk) {
                    return &[];
                }
            }
        }
        bytes
    }

    #[cold]
    #[inline(never)]
    fn check(&self, chunk: usize) -> bool {
        let from = chunk * CHUNK;
        let bytes = self.map.get(from..(from + CHUNK).min(self.sums)).unwrap_or_default();
        let sum = xxh3_64_with_seed(bytes, SEED ^ chunk as u64);
        let sound = sum == number(&self.map, self.sums + chunk * 8);
        if sound {
            if let Some(word) = self.seen.get(chunk / 64) {
                word.fetch_or(1 << (chunk % 64), Ordering::Relaxed);
            }
        } else {
            self.note(from as u64);
        }
        sound
    }

    /// Remembers where something was wrong.
    #[cold]
    pub(super) fn note(&self, at: u64) {
        let _ = self.damage.compare_exchange(0, at + 1, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Whether all that was touched was what had been written.
    pub(super) fn sound(&self) -> Result<(), ResidentError> {
        match self.damage.load(Ordering::Relaxed) {
            0 => Ok(()),
            at => Err(ResidentError::Damaged { path: self.path.clone(), at: at - 1 }),
        }
    }

    /// Checks every byte.
    pub(super) fn check_all(&self) -> Result<(), ResidentError> {
        for chunk in 1..self.sums.div_ceil(CHUNK) {
            if !self.check(chunk) {
                break;
            }
        }
        self.sound()
    }
}

/// The sum beside a mark.
fn mark_of(own: u64, marked: u64) -> u64 {
    xxh3_64_with_seed(&marked.to_le_bytes(), SEED ^ own)
}

/// Writes into a register which changes it has now, so that it is known to lack them should they get lost. Sixteen bytes
/// of one sector: they are written as a whole or not at all.
pub(super) fn mark(path: &Path, own: u64, changes: u64) -> io::Result<()> {
    let mut file = File::options().write(true).open(path)?;
    file.seek(SeekFrom::Start(MARK as u64))?;
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&changes.to_le_bytes());
    bytes[8..].copy_from_slice(&mark_of(own, changes).to_le_bytes());
    file.write_all(&bytes)?;
    file.sync_data()
}

fn read_up_to(file: &mut File, into: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < into.len() {
        match file.read(&mut into[got..])? {
            0 => break,
            n => got += n,
        }
    }
    Ok(got)
}

/// A file that is being written, under a name of its own until it is whole.
pub(super) struct Writer {
    out: BufWriter<File>,
    path: PathBuf,
    temporary: PathBuf,
    sections: Vec<Section>,
    sums: Vec<u64>,
    chunk: Vec<u8>,
    at: u64,
    done: bool,
}

impl Writer {
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
        name.push(format!(".{}.part", std::process::id()));
        let temporary = path.with_file_name(name);
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // Names and numbers of persons: for nobody else's eyes.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut out = BufWriter::with_capacity(1 << 20, options.open(&temporary)?);
        out.write_all(&[0; CHUNK])?;
        Ok(Self {
            out,
            path: path.to_owned(),
            temporary,
            sections: Vec::new(),
            sums: vec![0],
            chunk: Vec::with_capacity(CHUNK),
            at: CHUNK as u64,
            done: false,
        })
    }

    /// Begins the next section.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        // A record never lies in two lines of the processor's cache.
        let gap = self.at.next_multiple_of(64) - self.at;
        self.raw(&[0; 64][..gap as usize])?;
        self.sections.push(Section { from: self.at, len: 0 });
        Ok(())
    }

    /// Adds to the section that was begun.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(section) = self.sections.last_mut() {
            section.len += bytes.len() as u64;
        }
        self.raw(bytes)
    }

    fn raw(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(bytes.len().min(CHUNK - self.chunk.len()));
            if now.len() == CHUNK {
                self.sums.push(xxh3_64_with_seed(now, SEED ^ self.sums.len() as u64));
            } else {
                self.chunk.extend_from_slice(now);
                if self.chunk.len() == CHUNK {
                    self.end_chunk();
                }
            }
            bytes = rest;
        }
        Ok(())
    }

    fn end_chunk(&mut self) {
        self.sums.push(xxh3_64_with_seed(&self.chunk, SEED ^ self.sums.len() as u64));
        self.chunk.clear();
    }

    /// Writes sums and header, and gives the file its name. Its length, and its [`Packed::own`].
    pub(super) fn finish(mut self, about: About) -> io::Result<(u64, u64)> {
        if !self.chunk.is_empty() {
            self.end_chunk();
        }
        let sums_at = self.at;
        let table: Vec<u8> = self.sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
        self.out.write_all(&table)?;
        let length = sums_at + table.len() as u64;
        let mut header = vec![0; CHUNK];
        header[..8].copy_from_slice(&MAGIC);
        let mut put = |at: usize, number: u64| header[at..at + 8].copy_from_slice(&number.to_le_bytes());
        put(8, u64::from(VERSION));
        put(16, length);
        put(24, about.tables);
        put(32, about.rows);
        put(40, about.changes);
        put(48, sums_at);
        put(56, self.sections.len() as u64);
        put(64, xxh3_64_with_seed(&table, SEED));
        put(BEFORE, about.before);
        for (at, section) in self.sections.iter().enumerate().take(SECTIONS) {
            put(72 + at * 16, section.from);
            put(80 + at * 16, section.len);
        }
        let own = xxh3_64_with_seed(&header[..HEADER_SUM], SEED);
        header[HEADER_SUM..].copy_from_slice(&own.to_le_bytes());
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header)?;
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        fs::rename(&self.temporary, &self.path)?;
        self.done = true;
        // The name is as durable as the file only when the folder is written, which not every system can be asked for.
        sync_folder(&self.path)?;
        Ok((length, own))
    }
}

/// Makes durable which files stand beside this one.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.done {
            // What is left behind is a hidden file that nobody opens.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Makes the sums of a file fit what it holds, whatever that is.
#[cfg(test)]
pub(super) fn sign(bytes: &mut [u8]) {
    let sums = number(bytes, 48) as usize;
    for chunk in 1..sums.div_ceil(CHUNK) {
        let from = chunk * CHUNK;
        let sum = xxh3_64_with_seed(&bytes[from..(from + CHUNK).min(sums)], SEED ^ chunk as u64);
        bytes[sums + chunk * 8..sums + chunk * 8 + 8].copy_from_slice(&sum.to_le_bytes());
    }
    let table = xxh3_64_with_seed(&bytes[sums..], SEED);
    bytes[64..72].copy_from_slice(&table.to_le_bytes());
    sign_header(bytes);
}

/// Makes the sum of a header fit.
#[cfg(test)]
pub(super) fn sign_header(bytes: &mut [u8]) {
    bytes[MARK..HEADER_SUM].fill(0);
    let own = xxh3_64_with_seed(&bytes[..HEADER_SUM], SEED);
    bytes[HEADER_SUM..CHUNK].copy_from_slice(&own.to_le_bytes());
}
