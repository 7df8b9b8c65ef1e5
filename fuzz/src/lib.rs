//! What the targets share: small files of made-up persons, and a packed register that is spoilt on purpose.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use linkage::engine::{BlockReader, Blocks, Columns, Finder, List, Model, Options, Resident, Row};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Divides the parts of an input: no table needs it, and a mutation seldom makes one.
const BETWEEN: u8 = 0x1e;

/// The first parts of an input; what is not there is empty.
pub fn parts<const N: usize>(data: &[u8]) -> [&[u8]; N] {
    let mut out = [&data[..0]; N];
    for (to, part) in out.iter_mut().zip(data.splitn(N, |byte| *byte == BETWEEN)) {
        *to = part;
    }
    out
}

/// A table as the engine reads it, or none where the header is not one.
pub fn table(bytes: &[u8]) -> Option<(BlockReader<&[u8]>, Columns)> {
    BlockReader::new(bytes).ok()
}

/// A list of a table.
pub fn list(bytes: &[u8]) -> Option<List> {
    let (blocks, columns) = table(bytes)?;
    List::read(&blocks, &columns).ok()
}

/// All rows of a table in blocks of one row each: what is read must not depend on where blocks end.
pub struct Rows(Mutex<Vec<Vec<u8>>>);

impl Rows {
    /// Of blocks; the first is handed out first.
    pub fn new(mut blocks: Vec<Vec<u8>>) -> Self {
        blocks.reverse();
        Self(Mutex::new(blocks))
    }
}

impl Blocks for Rows {
    fn next_block(&self, block: &mut Vec<u8>) -> io::Result<bool> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            Some(next) => {
                *block = next;
                Ok(true)
            }
            None => Ok(false),
        }
    }
}

/// A register of 40 persons in 16 households, with namesakes, hidden and old numbers, and one name of another script.
pub fn register() -> String {
    let names = ["王伟", "王小明", "王晓明", "李秀英", "张丽", "买买提·艾力", "欧阳静", "單偉", "Li Wei", "赵六"];
    let mut out = "rid,name,sex,id_no,birth,phone,village,address\n".to_owned();
    for i in 0..40usize {
        let (house, birth) = (i * 2 / 5, format!("19{:02}-{:02}-{:02}", 40 + i * 7 % 60, 1 + i % 12, 1 + i * 5 % 28));
        let plain: String = birth.split('-').collect();
        let id = match i % 5 {
            0 => String::new(),
            1 => format!("9901**********{:03}X", i),
            2 => format!("990101{}{:03}", &plain[2..], i),
            _ => {
                let first = format!("990101{plain}{:03}", i * 3);
                let check = codes::citizen_id::check_char(&first).unwrap_or('0');
                format!("{first}{check}")
            }
        };
        out += &format!(
            "R{i:03},{},{},{id},{},{},9901011012{:02},{}组{}号\n",
            names[i % names.len()],
            ["男", "女"][i % 2],
            if i % 6 == 0 { "" } else { &birth },
            if i % 4 == 0 { String::new() } else { format!("1200000{:04}", i / 3) },
            1 + house % 4,
            1 + house % 3,
            1 + house
        );
    }
    out
}

/// Questions of every kind, and a list of them.
pub fn questions() -> String {
    register().replacen("rid", "qid", 1).lines().take(16).map(|line| format!("{line}\n")).collect()
}

/// Where this process keeps its files.
fn folder() -> &'static Path {
    static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));
    FOLDER.path()
}

/// Files that are good.
pub struct Packed {
    /// A register that was never updated.
    pub fresh: Vec<u8>,
    /// The same after an update.
    pub updated: Vec<u8>,
    /// What that update wrote beside it.
    pub changes: Vec<u8>,
}

/// One register, packed and updated.
pub static PACKED: LazyLock<Packed> = LazyLock::new(|| {
    let path = folder().join("made.tzr");
    let text = register();
    let (blocks, columns) = table(text.as_bytes()).expect("a table");
    Resident::pack(&path, &blocks, &columns, 1).expect("packed");
    let fresh = std::fs::read(&path).expect("a register");
    let rows = "rid,name,birth,village\nR003,王大明,1961-02-03,990101101201\nR900,新来,1990-01-01,990101101202\n";
    let (blocks, columns) = table(rows.as_bytes()).expect("a table");
    Resident::update(&path, Some((&blocks, &columns)), &[Box::from(&b"R010"[..])], 1).expect("updated");
    let beside = beside(&path);
    let updated = std::fs::read(&path).expect("a register");
    Packed { fresh, updated, changes: std::fs::read(beside).expect("changes") }
});

/// The file of changes of a register.
pub fn beside(register: &Path) -> PathBuf {
    let mut name = register.as_os_str().to_owned();
    name.push(".changes");
    name.into()
}

const SEED: u64 = 0x5449_415a_4852;
const CHUNK: usize = 4096;
/// Bytes of the header that are no part of its sum.
const MARK: std::ops::Range<usize> = CHUNK - 24..CHUNK - 8;

fn sign_header(bytes: &mut [u8]) {
    let mut header = bytes[..CHUNK - 8].to_vec();
    header[MARK].fill(0);
    let own = xxh3_64_with_seed(&header, SEED);
    bytes[CHUNK - 8..CHUNK].copy_from_slice(&own.to_le_bytes());
}

/// Makes the sums of a file fit what it holds, as a forger would: what lies behind them is to be met, too.
pub fn sign(bytes: &mut [u8]) {
    let word = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    if bytes.len() < CHUNK {
        return;
    }
    let sums = word(bytes, 48) as usize;
    if sums > bytes.len() || sums < CHUNK {
        sign_header(bytes);
        return;
    }
    for chunk in 1..sums.div_ceil(CHUNK) {
        let from = chunk * CHUNK;
        let sum = xxh3_64_with_seed(&bytes[from..(from + CHUNK).min(sums)], SEED ^ chunk as u64);
        if let Some(to) = bytes.get_mut(sums + chunk * 8..sums + chunk * 8 + 8) {
            to.copy_from_slice(&sum.to_le_bytes());
        }
    }
    let table = xxh3_64_with_seed(&bytes[sums..], SEED);
    bytes[64..72].copy_from_slice(&table.to_le_bytes());
    sign_header(bytes);
}

/// Spoils a good file as the input says: its first byte decides whether sums are made to fit, the second and third where
/// the file is cut; then places and bytes to write there, two and one to eight each.
pub fn spoil(good: &[u8], how: &[u8]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    let Some(([flags, cut_low, cut_high], mut rest)) = how.split_first_chunk::<3>() else {
        return bytes;
    };
    while let Some(([low, high, len], more)) = rest.split_first_chunk::<3>() {
        // Headers decide most: half of all places lie there.
        let at = usize::from(*low) | usize::from(*high) << 8;
        let at = if len & 128 != 0 { at % 512 } else { at % bytes.len() };
        let len = usize::from(len & 7) + 1;
        let values = more.get(..len).unwrap_or(more);
        for (to, value) in bytes[at..].iter_mut().zip(values) {
            *to = *value;
        }
        rest = more.get(len..).unwrap_or_default();
    }
    if flags & 2 != 0 {
        let cut = usize::from(*cut_low) | usize::from(*cut_high) << 8;
        bytes.truncate(cut.min(bytes.len()));
        if flags & 4 != 0 && bytes.len() >= 24 {
            let len = bytes.len() as u64;
            bytes[16..24].copy_from_slice(&len.to_le_bytes());
        }
    }
    if flags & 1 != 0 {
        sign(&mut bytes);
    }
    bytes
}

/// Opens a register of these files and asks it everything that can be asked; whatever is wrong with it is an error, and
/// what is left is answered within the bounds that hold for every register.
pub fn ask(register: &[u8], changes: Option<&[u8]>) {
    let path = folder().join("asked.tzr");
    std::fs::write(&path, register).expect("written");
    let beside = beside(&path);
    match changes {
        Some(changes) => std::fs::write(&beside, changes).expect("written"),
        None => {
            let _ = std::fs::remove_file(&beside);
        }
    }
    let Ok(resident) = Resident::open(&path) else {
        return;
    };
    let text = questions();
    let list = list(text.as_bytes()).expect("a list");
    for train in [false, true] {
        let options = Options { one_to_one: true, train, min_bits: -20.0, ..Options::default() };
        if let Ok(linked) = resident.link(&list, &Model::prior(), options) {
            assert!(linked.matches.iter().all(|m| m.bits.is_finite()));
            assert!(linked.matches.len() <= list.len());
        }
    }
    let _ = resident.check();
    let rows = "rid,name,birth\nR001,王伟,1951-02-06\nR901,后来,1991-01-01\n";
    let (blocks, columns) = table(rows.as_bytes()).expect("a table");
    let finder = Finder::new(Arc::new(resident), &Model::prior()).expect("a model");
    let part = |bytes: &'static str| bytes.as_bytes();
    let asked = [
        Row { name: part("王伟"), village: part("990101101201"), ..Row::default() },
        Row { name: part("买买提·艾力"), ..Row::default() },
        Row { name: part("wangxiaoming"), ..Row::default() },
        Row { name: part("wxm"), village: part("990101"), ..Row::default() },
        Row { id_no: part("990101"), ..Row::default() },
        Row { id_no: part("9901**********001X"), name: part("王小明"), ..Row::default() },
        Row { phone: part("12000000001"), ..Row::default() },
    ];
    for row in &asked {
        if let Ok(answer) = finder.find(row, 10) {
            assert!(answer.matches.len() <= 10 && answer.matches.iter().all(|m| m.bits.is_finite()));
        }
    }
    let removed: [Box<[u8]>; 2] = [Box::from(&b"R002"[..]), Box::from(&b"R902"[..])];
    if Resident::update(&path, Some((&blocks, &columns)), &removed, 1).is_ok() {
        Resident::open(&path).expect("what an update wrote can be opened");
    }
}
