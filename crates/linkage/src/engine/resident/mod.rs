//! A register that is packed once and asked often: a file that is mapped into memory, with every person under the keys by
//! which pairs are found, so that nothing is read that is not asked for.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use linkage::engine::{BlockReader, List, Model, Options, Resident};
//! let (blocks, columns) = BlockReader::new(std::fs::File::open("register.csv")?)?;
//! Resident::pack("register.tzr".as_ref(), &blocks, &columns, 2)?;
//! let register = Resident::open("register.tzr".as_ref())?;
//! let (blocks, columns) = BlockReader::new(std::fs::File::open("list.csv")?)?;
//! let linked = register.link(&List::read(&blocks, &columns)?, &Model::prior(), Options::default())?;
//! # Ok(()) }
//! ```

mod file;
mod find;
mod guard;
mod link;
mod map;
mod pack;
mod record;
#[cfg(test)]
mod tests;
mod update;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Instant;

pub use find::{Answer, Finder};
pub use update::UpdateReport;

use super::ModelProblem;
use super::block::{KEYS, RULE_OF, RULES, Side, some_keys, spread};
use super::chars::chars;
use super::csv::{Blocks, Columns};
use super::hash::{Mix, repeated};
use super::person::{Person, Row};
use file::{Packed, Section};
use guard::Guard;
use record::RECORD;

/// Why a packed register cannot be used.
#[derive(Debug)]
pub enum ResidentError {
    /// The system does not give or take the file.
    File {
        /// The file.
        path: PathBuf,
        /// What it says.
        error: io::Error,
    },
    /// Reading rows failed.
    Read(io::Error),
    /// Not a packed register.
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Packed by a newer program.
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of its form.
        version: u32,
    },
    /// Packed by a program with other tables of sounds or other search rules: to be packed again.
    Outdated {
        /// The file.
        path: PathBuf,
    },
    /// Shorter than it was.
    Cut {
        /// The file.
        path: PathBuf,
        /// Bytes it has.
        length: u64,
        /// Bytes it should have.
        wanted: u64,
    },
    /// Not what was written.
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, in bytes.
        at: u64,
    },
    /// The file of changes belongs to another register.
    Stray {
        /// The file of changes.
        path: PathBuf,
    },
    /// The register was updated, and the file of changes that holds the update is not beside it.
    Lost {
        /// The file of changes that should be there.
        path: PathBuf,
    },
    /// The file of changes belongs to the register and is not its last one.
    Behind {
        /// The file of changes.
        path: PathBuf,
    },
    /// The model is none.
    Model(ModelProblem),
}

impl fmt::Display for ResidentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Read(error) => error.fmt(f),
            Self::Foreign { path } => write!(f, "{} is not a packed register", path.display()),
            Self::Newer { path, version } => {
                write!(f, "{} has form {version}, this program knows {}", path.display(), file::VERSION)
            }
            Self::Outdated { path } => write!(f, "{} was packed by another version: pack it again", path.display()),
            Self::Cut { path, length, wanted } => {
                write!(f, "{} has {length} bytes of {wanted}: it was cut", path.display())
            }
            Self::Damaged { path, at } => write!(f, "{} is damaged at byte {at}: pack it again", path.display()),
            Self::Stray { path } => write!(f, "{} changes another register", path.display()),
            Self::Lost { path } => write!(f, "{} is missing: the register was updated by it", path.display()),
            Self::Behind { path } => write!(f, "{} is not the last update of its register", path.display()),
            Self::Model(problem) => problem.fmt(f),
        }
    }
}

impl std::error::Error for ResidentError {}

/// What packing did.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PackReport {
    /// Rows of the register.
    pub rows: u64,
    /// Rows whose key another row had before.
    pub repeated: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Seconds spent: reading, ordering, writing directories and file.
    pub seconds: [f64; 3],
}

/// Shelves on which persons stand: one for each rule, and two more for what is typed.
const SHELVES: usize = RULES.len() + 2;
/// Under the sound of the whole name.
const BY_SOUND: usize = RULES.len();
/// Under the first letters of the sounds, by county.
const BY_INITIALS: usize = RULES.len() + 1;

/// Where sections stand in a file.
const RECORDS: usize = 0;
const ROW_KEYS: usize = 1;
const DEAD: usize = 2;
const COUNTS: usize = 3;
const ORDER: usize = 5;
const FIRST_SHELF: usize = 7;

/// Numbers of the keys on each rule's shelf.
const KEYS_OF: [u32; RULES.len()] = {
    let mut of = [0; RULES.len()];
    let mut no = 0;
    while no < KEYS {
        of[RULE_OF[no] as usize] |= 1 << no;
        no += 1;
    }
    of
};

/// The keys of a registered person on a shelf, 0 where there is none.
#[inline]
fn shelf_keys(person: &Person, shelf: usize) -> [u64; 4] {
    match shelf {
        BY_SOUND if !person.name.is_empty() => [sound_key(person.name.sound_hash(100)), 0, 0, 0],
        BY_INITIALS => [initials_of(person), 0, 0, 0],
        shelf => {
            let mut all = [0; KEYS];
            let wanted = KEYS_OF.get(shelf).copied().unwrap_or(0);
            some_keys(person, Side::Registry, wanted, &mut all);
            let mut out = [0; 4];
            let keys = (0..KEYS).filter(|no| wanted & (1 << no) != 0).map(|no| all[no]);
            for (to, key) in out.iter_mut().zip(keys) {
                *to = key;
            }
            out
        }
    }
}

fn sound_key(sound: u64) -> u64 {
    Mix::new(13).word(sound).end()
}

fn initials_key(county: u64, letters: u64) -> u64 {
    Mix::new(14).word(county).word(letters).end()
}

fn initials_of(person: &Person) -> u64 {
    match (person.village.prefix(6), initials(person)) {
        (None, _) | (_, 0) => 0,
        (Some(county), letters) => initials_key(county, letters),
    }
}

/// The first letters of the sounds of a name, a byte each; 0 where one has none.
fn initials(person: &Person) -> u64 {
    let table = chars();
    let mut letters = 0u64;
    for (at, c) in person.name.as_slice().iter().enumerate().take(8) {
        match table.initial(table.sound(*c, at)) {
            0 => return 0,
            letter => letters = letters << 8 | u64::from(letter),
        }
    }
    letters
}

/// Bits of the number of a bucket, for so many entries: two to four in each.
fn bucket_bits(entries: usize) -> u32 {
    (entries / 4).max(2).next_power_of_two().trailing_zeros().min(32)
}

/// Of everything that decides the keys: with another print, a file's keys say nothing.
fn tables() -> u64 {
    static PRINT: LazyLock<u64> = LazyLock::new(|| {
        let probes: [Row<'_>; 3] = [
            Row {
                name: "欧阳·买买提".as_bytes(),
                id_no: b"340323196503121012",
                phone: b"12000000001",
                village: b"990101101201",
                address: "3组5号".as_bytes(),
                ..Row::default()
            },
            Row {
                name: "單偉".as_bytes(),
                birth: b"1965-03-12",
                id_no: b"3403**********1012",
                village: "南村".as_bytes(),
                ..Row::default()
            },
            Row { name: b"Li Wei", id_no: b"340323650312101", village: b"990101", ..Row::default() },
        ];
        let mut mix = Mix::new(201).word(chars().print());
        for person in probes.iter().map(Person::read) {
            for shelf in 0..SHELVES {
                mix = shelf_keys(&person, shelf).into_iter().fold(mix, Mix::word);
            }
            mix = super::block::counted(&person).into_iter().fold(mix, Mix::word);
        }
        mix.end()
    });
    *PRINT
}

/// Buckets of a file: starts, and what is in them.
#[derive(Debug, Clone, Copy)]
struct Directory {
    starts: Section,
    entries: Section,
    shift: u32,
}

impl Directory {
    fn new(file: &Packed, place: usize, size: u64) -> Option<Self> {
        let (starts, entries) = (file.section(place), file.section(place + 1));
        let buckets = (starts.len() / 4).checked_sub(1)?;
        let fits = starts.len() % 4 == 0 && buckets.is_power_of_two() && (2..=1 << 32).contains(&buckets);
        (fits && entries.len() % size == 0).then_some(Self { starts, entries, shift: 64 - buckets.trailing_zeros() })
    }

    /// From where to where the bucket of a spread key goes.
    #[inline]
    fn bucket(&self, file: &Packed, key: u64) -> (u32, u32) {
        let at = (key >> self.shift) * 4;
        let Some(pair) = file.part(self.starts, at, 8).first_chunk::<8>() else {
            return (0, 0);
        };
        let pair = u64::from_le_bytes(*pair);
        let (from, to) = (pair as u32, (pair >> 32) as u32);
        if from > to {
            file.note(0);
            return (0, 0);
        }
        (from, to)
    }

    /// What a bucket holds.
    #[inline]
    fn entries<'a>(&self, file: &'a Packed, (from, to): (u32, u32), size: u64) -> &'a [u8] {
        file.part(self.entries, u64::from(from) * size, (to - from) as usize * size as usize)
    }
}

/// One file of a register.
#[derive(Debug)]
struct Segment {
    file: Packed,
    rows: u32,
    records: Section,
    keys: Section,
    counts: Directory,
    order: Section,
    shelves: [Directory; SHELVES],
}

impl Segment {
    fn open(path: &Path) -> Result<Self, ResidentError> {
        let file = Packed::open(path)?;
        if file.about().tables != tables() {
            return Err(ResidentError::Outdated { path: path.to_owned() });
        }
        let damaged = || ResidentError::Damaged { path: path.to_owned(), at: 0 };
        let records = file.section(RECORDS);
        let rows = u32::try_from(file.about().rows).ok().filter(|rows| *rows < u32::MAX).ok_or_else(damaged)?;
        let counts = Directory::new(&file, COUNTS, 8).ok_or_else(damaged)?;
        let mut shelves = [counts; SHELVES];
        for (at, shelf) in shelves.iter_mut().enumerate() {
            *shelf = Directory::new(&file, FIRST_SHELF + at * 2, 5).ok_or_else(damaged)?;
        }
        if records.len() != u64::from(rows) * RECORD as u64 {
            return Err(damaged());
        }
        let (keys, order) = (file.section(ROW_KEYS), file.section(ORDER));
        Ok(Self { file, rows, records, keys, counts, order, shelves })
    }

    #[inline]
    fn record(&self, row: u32) -> Option<&[u8; RECORD]> {
        self.file.part(self.records, u64::from(row) * RECORD as u64, RECORD).first_chunk()
    }

    fn key(&self, row: u32) -> &[u8] {
        self.record(row).map_or(&[], |record| self.key_at(record::key_of(record)))
    }

    fn key_at(&self, at: u64) -> &[u8] {
        let head = (self.keys.len().saturating_sub(at)).min(5) as usize;
        match pack::key_length(self.file.part(self.keys, at, head)) {
            Some((skip, len)) => self.file.part(self.keys, at + skip as u64, len),
            None => {
                self.file.note(0);
                &[]
            }
        }
    }

    /// How many bear a value, where this file says.
    fn count(&self, key: u64) -> Option<u32> {
        let key = spread(key);
        let bucket = self.counts.bucket(&self.file, key);
        let tag = (key as u32).to_le_bytes();
        let found = self.counts.entries(&self.file, bucket, 8).chunks_exact(8).find(|entry| entry[..4] == tag)?;
        Some(u32::from_le_bytes([found[4], found[5], found[6], found[7]]))
    }

    /// Rows that may stand under a spread key.
    #[inline]
    fn under<'a>(entries: &'a [u8], tag: u8) -> impl Iterator<Item = u32> + 'a {
        let (tags, rows) = entries.split_at(entries.len() / 5);
        tags.iter()
            .zip(rows.chunks_exact(4))
            .filter(move |(t, _)| **t == tag)
            .map(|(_, row)| u32::from_le_bytes([row[0], row[1], row[2], row[3]]))
    }
}

/// A packed register.
///
/// A file on disk, of which memory holds what was asked for; safe to use from several threads. Whoever changes the
/// register writes other files, so that what is open stays as it is.
#[derive(Debug)]
pub struct Resident {
    /// The register, and what changed since.
    segments: Vec<Segment>,
    /// A bit for each row of the first that is not there any more.
    dead: Vec<u64>,
    rows: u64,
}

/// The file of changes of a register.
fn changes_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".changes");
    PathBuf::from(name)
}

impl Resident {
    /// Packs a register into a file, which gets its name when it is whole; a file of changes beside it is gone then.
    /// Waits while somebody else writes this very register.
    ///
    /// Memory: about 64 bytes a person, its key, and while directories are made 32 bytes a person and thread.
    ///
    /// # Errors
    /// [`ResidentError::Read`] where the rows cannot be read, [`ResidentError::File`] where the file cannot be written.
    pub fn pack(
        path: &Path,
        registry: &dyn Blocks,
        columns: &Columns,
        threads: usize,
    ) -> Result<PackReport, ResidentError> {
        let clock = Instant::now();
        let heap = pack::Heap::read(registry, columns, threads).map_err(ResidentError::Read)?;
        let read = clock.elapsed().as_secs_f64();
        let guard = Guard::take(path)?;
        Self::pack_heap(path, heap, threads, read, &guard)
    }

    fn pack_heap(
        path: &Path,
        mut heap: pack::Heap,
        threads: usize,
        read: f64,
        _guard: &Guard,
    ) -> Result<PackReport, ResidentError> {
        let file = |error| ResidentError::File { path: path.to_owned(), error };
        let clock = Instant::now();
        heap.arrange();
        let arranged = clock.elapsed().as_secs_f64();
        let changes = changes_of(path);
        // The changes go only after the register has come; named by it, what is left of them after a power cut harms nobody.
        let before = if changes.exists() { Packed::open(path).map_or(0, |replaced| replaced.own()) } else { 0 };
        let beside = pack::Beside { before, ..pack::Beside::default() };
        let repeated = repeated((0..heap.len()).map(|row| heap.key(row)));
        let (bytes, _) = pack::write(path, &heap, beside, threads).map_err(file)?;
        match std::fs::remove_file(&changes) {
            Ok(()) => file::sync_folder(&changes).map_err(file)?,
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file(error)),
            Err(_) => {}
        }
        let written = clock.elapsed().as_secs_f64() - arranged;
        Ok(PackReport { rows: heap.len() as u64, repeated, bytes, seconds: [read, arranged, written] })
    }

    /// Opens a packed register, and its changes where there are some.
    ///
    /// May be done while somebody updates it: what is opened is the register before or after.
    ///
    /// # Errors
    /// [`ResidentError`] says what is wrong with a file. Damage is found when the damaged part is first used.
    pub fn open(path: &Path) -> Result<Self, ResidentError> {
        // Two files are looked at one after the other. Where they do not belong together the register may have become
        // another one in between.
        let mut seen = None;
        loop {
            let base = Segment::open(path)?;
            let now = (base.file.own(), base.file.marked());
            match Self::with_changes(path, base) {
                Err(ResidentError::Stray { .. } | ResidentError::Lost { .. } | ResidentError::Behind { .. })
                    if seen != Some(now) =>
                {
                    seen = Some(now);
                }
                outcome => return outcome,
            }
        }
    }

    fn with_changes(path: &Path, base: Segment) -> Result<Self, ResidentError> {
        if base.file.about().changes != 0 {
            return Err(ResidentError::Stray { path: path.to_owned() });
        }
        let mut rows = u64::from(base.rows);
        let mut dead = Vec::new();
        let path = changes_of(path);
        let (own, marked, before) = (base.file.own(), base.file.marked(), base.file.about().before);
        let changes = match Segment::open(&path) {
            Err(ResidentError::File { error, .. }) if error.kind() == io::ErrorKind::NotFound => None,
            Err(other) => return Err(other),
            // The register holds these already: it was written anew, and what should have removed them was interrupted.
            Ok(changes) if before != 0 && changes.file.about().changes == before => None,
            Ok(changes) => Some(changes),
        };
        let Some(changes) = changes else {
            return if marked == 0 {
                Ok(Self { segments: vec![base], dead, rows })
            } else {
                Err(ResidentError::Lost { path })
            };
        };
        let about = changes.file.about();
        if about.changes != own {
            return Err(ResidentError::Stray { path });
        }
        // Changes get their name before the register is marked with it: the last ones may be one step ahead.
        if changes.file.own() != marked && about.before != marked {
            return Err(ResidentError::Behind { path });
        }
        let gone = changes.file.section(DEAD);
        dead = vec![0u64; base.rows.div_ceil(64) as usize];
        let list = changes.file.part(gone, 0, gone.len() as usize);
        for row in list.chunks_exact(4) {
            let row = u32::from_le_bytes([row[0], row[1], row[2], row[3]]);
            match dead.get_mut(row as usize / 64) {
                Some(word) if row < base.rows => *word |= 1 << (row % 64),
                _ => return Err(ResidentError::Damaged { path, at: 0 }),
            }
        }
        changes.file.sound()?;
        let gone: u64 = dead.iter().map(|word| u64::from(word.count_ones())).sum();
        rows = rows - gone + u64::from(changes.rows);
        Ok(Self { segments: vec![base, changes], dead, rows })
    }

    /// Whether somebody is writing this register right now, so that an update would wait for him.
    pub fn is_being_written(path: &Path) -> bool {
        guard::is_taken(path)
    }

    /// Persons in the register.
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Bytes of the files.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|s| s.file.bytes()).sum()
    }

    /// Reads everything and checks it against its sums.
    ///
    /// # Errors
    /// [`ResidentError::Damaged`] with the first place.
    pub fn check(&self) -> Result<(), ResidentError> {
        self.segments.iter().try_for_each(|segment| segment.file.check_all())
    }

    /// Whether all that was used so far was sound.
    fn sound(&self) -> Result<(), ResidentError> {
        self.segments.iter().try_for_each(|segment| segment.file.sound())
    }

    #[inline]
    fn is_dead(&self, segment: usize, row: u32) -> bool {
        segment == 0 && self.dead.get(row as usize / 64).is_some_and(|word| word >> (row % 64) & 1 != 0)
    }

    /// How many bear a value. A phone of one person counts as one of none.
    fn count(&self, key: u64) -> u32 {
        if key == 0 {
            return 0;
        }
        self.segments.iter().rev().find_map(|segment| segment.count(key)).unwrap_or(0)
    }
}
