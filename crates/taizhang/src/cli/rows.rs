//! Files of rows that commands are given: opened, and what is odd about them told.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use encoding_rs::{DecoderResult, GB18030};
use linkage::engine::{BlockReader, Columns, Malformed, Notes, Watched, first_lines};

use super::Table;
use super::link::{LinkTrouble, at};
use crate::platform::{Lang, i18n};

/// Bytes of a line by which its encoding is guessed.
const LOOKED_AT: u64 = 1 << 16;

/// Opens a table of persons.
pub(super) fn open(path: &Path) -> Result<(BlockReader<File>, Columns), LinkTrouble> {
    let file = File::open(path).map_err(at(path))?;
    BlockReader::new(file).map_err(at(path))
}

/// Opens a table of which only the numbers of the rows matter.
pub(super) fn open_keys(path: &Path) -> Result<(BlockReader<File>, Columns), LinkTrouble> {
    let file = File::open(path).map_err(at(path))?;
    BlockReader::of_keys(file).map_err(at(path))
}

/// The same fault with its line, where the file can be read once more.
pub(super) fn located(path: &Path, fault: &Malformed) -> Malformed {
    let unknown = matches!(fault, Malformed::OpenQuote(None) | Malformed::NotUtf8(None) | Malformed::LongRow(None));
    let found = if unknown && path.is_file() {
        File::open(path).and_then(|file| Watched::new(BufReader::with_capacity(1 << 18, file)).fault()).ok().flatten()
    } else {
        None
    };
    found.unwrap_or_else(|| fault.clone())
}

/// What a line that is not UTF-8 seems to be: `gb18030`, `utf16` or `other`.
pub(super) fn guess(path: &Path, line: Option<u64>) -> &'static str {
    let looked = || -> std::io::Result<&'static str> {
        if !path.is_file() {
            return Ok("other");
        }
        let mut file = BufReader::with_capacity(1 << 18, File::open(path)?);
        if matches!(file.fill_buf()?, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
            return Ok("utf16");
        }
        for _ in 1..line.unwrap_or(1) {
            file.skip_until(b'\n')?;
        }
        let mut text = Vec::new();
        file.take(LOOKED_AT).read_until(b'\n', &mut text)?;
        let mut out = String::with_capacity(text.len() * 3 + 16);
        let mut decoder = GB18030.new_decoder_without_bom_handling();
        let (result, _) = decoder.decode_to_string_without_replacement(&text, &mut out, false);
        Ok(if matches!(result, DecoderResult::InputEmpty) && !out.contains('\0') { "gb18030" } else { "other" })
    };
    looked().unwrap_or("other")
}

/// What a command has to tell about the files that it read: nothing of it is an error, and all of it matters.
#[derive(Debug, Default)]
pub(super) struct Warnings(Vec<Warning>);

#[derive(Debug)]
struct Warning {
    file: String,
    /// Key of its text after `warning-`.
    kind: &'static str,
    count: u64,
    /// The first of them, from 1; 0 where it is not known.
    line: u64,
    /// The header that is meant.
    column: String,
}

impl Warnings {
    /// What is odd about the rows of a table that has been read.
    ///
    /// # Errors
    /// [`LinkTrouble`] where rows are lost in a quoted field.
    pub(super) fn table(&mut self, path: &Path, columns: &Columns) -> Result<(), LinkTrouble> {
        let notes = columns.notes();
        if notes.torn > 0 {
            return Err(at(path)(Malformed::OpenQuote(None).into()));
        }
        let mut lines = Notes::default();
        if notes != lines && path.is_file() {
            // Only where something is odd the file is read up to there once more.
            lines = File::open(path).and_then(|file| first_lines(file, columns, notes)).map_err(at(path))?;
        }
        self.notes(path, notes, lines, columns.repeated());
        Ok(())
    }

    /// What is odd about rows, and where.
    pub(super) fn notes(&mut self, path: &Path, notes: Notes, lines: Notes, repeated: &[String]) {
        self.add(path, "unkeyed", notes.unkeyed, lines.unkeyed);
        self.add(path, "short", notes.short, lines.short);
        self.add(path, "long", notes.long, lines.long);
        for column in repeated {
            self.add(path, "column", 1, 1);
            if let Some(last) = self.0.last_mut() {
                last.column.clone_from(column);
            }
        }
    }

    /// So many rows of one kind; none is no warning.
    pub(super) fn add(&mut self, path: &Path, kind: &'static str, count: u64, line: u64) {
        if count > 0 {
            let file = path.display().to_string();
            self.0.push(Warning { file, kind, count, line, column: String::new() });
        }
    }

    /// For machines.
    pub(super) fn json(&self) -> serde_json::Value {
        let all = self.0.iter().map(|w| {
            let mut one = serde_json::json!({ "file": w.file, "kind": w.kind, "count": w.count });
            if w.line > 0 {
                one["line"] = w.line.into();
            }
            if !w.column.is_empty() {
                one["column"] = w.column.as_str().into();
            }
            one
        });
        serde_json::Value::Array(all.collect())
    }

    /// A table for people, below everything else; empty where there is nothing to tell.
    pub(super) fn text(&self, lang: Lang) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let heads = ["warning-title", "warning-count", "warning-line", "warning-file"];
        let mut table = Table::new(heads.map(|key| i18n::text(lang, key)));
        for w in &self.0 {
            let what = i18n::text_with(lang, &format!("warning-{}", w.kind), &[("column", w.column.clone())]);
            let line = if w.line > 0 { w.line.to_string() } else { String::new() };
            table.row([what, w.count.to_string(), line, w.file.clone()]);
        }
        format!("\n{table}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_warning_has_a_text_in_both_languages() {
        let kinds = [
            "unkeyed",
            "short",
            "long",
            "column",
            "repeated",
            "repeated-candidates",
            "both",
            "truth-list",
            "truth-register",
        ];
        for kind in kinds {
            for lang in Lang::ALL {
                assert!(i18n::has(lang, &format!("warning-{kind}")), "{kind}");
            }
        }
    }

    #[test]
    fn encodings_are_guessed_from_the_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        std::fs::write(&path, [b"a\n".as_slice(), b"\xd5\xc5\xce\xb0\n", b"\xff\xff\n"].concat()).unwrap();
        assert_eq!((guess(&path, Some(2)), guess(&path, Some(3))), ("gb18030", "other"));
        std::fs::write(&path, b"\xff\xfea\0").unwrap();
        assert_eq!(guess(&path, Some(1)), "utf16");
        assert_eq!(guess(folder.path(), None), "other");
    }
}
