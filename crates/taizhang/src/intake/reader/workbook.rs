//! XLS and XLSX, as the child process reads them: the side of the parent.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::{CHILD_COMMAND, Cells, Facts, Go, RawRow, ReadError};

/// The program whose [`CHILD_COMMAND`] reads spreadsheets; this process's own where none was set.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Says which program reads spreadsheets: for test binaries, which are not `taizhang` themselves. The first call wins.
pub fn set_program(path: PathBuf) {
    let _ = PROGRAM.set(path);
}

pub(super) const TAG_ROW: u8 = 1;
pub(super) const TAG_SKIPPED: u8 = 2;
pub(super) const TAG_FORMULAS: u8 = 3;
pub(super) const TAG_ERROR: u8 = 4;
pub(super) const TAG_END: u8 = 5;

pub(super) fn read<E: From<ReadError>>(
    path: &Path,
    kind: &'static str,
    rows: u64,
    each: &mut dyn FnMut(RawRow<'_>) -> Result<Go, E>,
) -> Result<Facts, E> {
    let broken = |e: io::Error| ReadError::Broken(e.to_string());
    let program = match PROGRAM.get() {
        Some(path) => path.clone(),
        None => std::env::current_exe().map_err(broken)?,
    };
    let mut child = Command::new(program)
        .arg(CHILD_COMMAND)
        .arg(path)
        .arg(rows.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .env_clear()
        .spawn()
        .map_err(broken)?;
    let outcome = match child.stdout.take() {
        Some(out) => take_rows(BufReader::with_capacity(1 << 16, out), kind, each),
        None => Err(ReadError::Broken("no output".to_owned()).into()),
    };
    // Whether it has ended or hangs: it is not needed any more.
    let _ = child.kill();
    let _ = child.wait();
    outcome
}

fn take_rows<E: From<ReadError>>(
    mut from: impl Read,
    kind: &'static str,
    each: &mut dyn FnMut(RawRow<'_>) -> Result<Go, E>,
) -> Result<Facts, E> {
    let mut facts = Facts { encoding: kind, ..Facts::default() };
    let mut any = false;
    loop {
        let Some((tag, body)) = frame(&mut from) else {
            let why = "the reader stopped: out of memory or time";
            return Err(ReadError::Broken(why.to_owned()).into());
        };
        match tag {
            TAG_ROW => {
                let row: (String, u64, Vec<String>) =
                    serde_json::from_slice(&body).map_err(|e| ReadError::Broken(e.to_string()))?;
                any = true;
                if each(RawRow { sheet: &row.0, line: row.1, cells: Cells::Texts(&row.2) })? == Go::Stop {
                    return Ok(facts);
                }
            }
            TAG_SKIPPED => {
                facts.skipped.push(serde_json::from_slice(&body).map_err(|e| ReadError::Broken(e.to_string()))?);
            }
            TAG_FORMULAS => facts.formulas += String::from_utf8_lossy(&body).parse::<u64>().unwrap_or(0),
            TAG_ERROR => return Err(error_from(&body).into()),
            _ if any => return Ok(facts),
            _ => return Err(ReadError::NoSheet.into()),
        }
    }
}

fn frame(from: &mut impl Read) -> Option<(u8, Vec<u8>)> {
    let mut head = [0u8; 5];
    from.read_exact(&mut head).ok()?;
    let len = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    let mut body = vec![0u8; len as usize];
    from.read_exact(&mut body).ok()?;
    Some((head[0], body))
}

#[derive(serde::Serialize, serde::Deserialize)]
pub(super) enum ChildError {
    NotATable(String),
    Cell { sheet: String, line: u64, column: usize, length: usize },
    Wide { sheet: String, line: u64 },
    Bomb(u64),
    Encrypted,
    Empty,
    Broken(String),
}

fn error_from(body: &[u8]) -> ReadError {
    match serde_json::from_slice(body) {
        Ok(ChildError::NotATable(kind)) => ReadError::NotATable {
            found: match kind.as_str() {
                "docx" => "DOCX",
                "pptx" => "PPTX",
                "doc" => "DOC",
                "ppt" => "PPT",
                "ole" => "OLE",
                _ => "ZIP",
            },
        },
        Ok(ChildError::Cell { sheet, line, column, length }) => ReadError::CellTooLong { sheet, line, column, length },
        Ok(ChildError::Wide { sheet, line }) => ReadError::TooWide { sheet, line },
        Ok(ChildError::Bomb(bytes)) => ReadError::Bomb { bytes },
        Ok(ChildError::Encrypted) => ReadError::Encrypted,
        Ok(ChildError::Empty) => ReadError::NoSheet,
        Ok(ChildError::Broken(why)) => ReadError::Broken(why),
        Err(error) => ReadError::Broken(error.to_string()),
    }
}
