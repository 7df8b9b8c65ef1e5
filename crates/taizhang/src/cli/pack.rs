//! `taizhang pack`: a register's CSV as a file that is mapped into memory, for `link` and `find`; no installation needed.

use std::path::PathBuf;

use linkage::engine::{Blocks, Resident};

use super::link::{LinkTrouble, at, packed, threads, writing};
use super::outputs::{distinct, named, probe};
use super::rows::{Warnings, open, open_keys};
use super::{CliError, Table};
use crate::platform::{Lang, i18n};

/// Pack a register into a file that is asked without being read
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The register, or with --update the rows of it that are new or changed
    #[arg(long, value_name = "CSV", required_unless_present = "update")]
    register: Option<PathBuf>,
    /// File to write
    #[arg(long, value_name = "TZR", required_unless_present = "update", conflicts_with = "update")]
    out: Option<PathBuf>,
    /// Bring this packed register up to date instead of packing anew
    #[arg(long, value_name = "TZR")]
    update: Option<PathBuf>,
    /// Rows to take away, by their number (qid or rid)
    #[arg(long, value_name = "CSV", requires = "update")]
    removed: Option<PathBuf>,
    /// Threads; the result does not depend on it [default: one for each core]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

/// Runs the command.
///
/// # Errors
/// [`LinkTrouble`] where a file cannot be read, written or understood.
pub fn run(args: &Args, lang: Lang, json: bool) -> Result<(), CliError> {
    args.check()?;
    let threads = threads(args.threads, lang);
    let mut warnings = Warnings::default();
    let t = |key: &str| i18n::text(lang, key);
    let mut table = Table::new([t("link-what"), t("link-count")]);
    if let Some(path) = args.update.as_ref().or(args.out.as_ref())
        && Resident::is_being_written(path)
    {
        let path = path.display().to_string();
        super::out::complain(i18n::text_with(lang, "pack-waits", &[("path", path)]));
    }
    let report = if let Some(path) = &args.update {
        let rows = args.register.as_deref().map(open).transpose()?;
        let rows = rows.as_ref().map(|(blocks, columns)| (blocks as &dyn Blocks, columns));
        let removed = match &args.removed {
            Some(path) => keys(path, &mut warnings)?,
            None => Vec::new(),
        };
        let source = args.register.as_deref().unwrap_or(path);
        // Nothing is changed by rows of which some are lost.
        let report = Resident::update(path, rows, &removed, threads).map_err(packed(source))?;
        if let (Some(source), Some((_, columns))) = (&args.register, rows) {
            warnings.table(source, columns)?;
            warnings.add(source, "repeated", report.repeated, 0);
        }
        if let Some(source) = &args.removed {
            warnings.add(source, "both", report.both, 0);
        }
        for (key, count) in [
            ("pack-changed", report.changed),
            ("pack-added", report.added),
            ("pack-removed", report.removed),
            ("pack-unknown", report.unknown),
            ("link-registry", report.rows),
            ("pack-bytes", report.bytes),
        ] {
            table.row([t(key), count.to_string()]);
        }
        if report.whole {
            table.row([t("pack-whole"), String::new()]);
        }
        serde_json::json!({
            "changed": report.changed, "added": report.added, "removed": report.removed, "unknown": report.unknown,
            "both": report.both, "rows": report.rows, "bytes": report.bytes, "whole": report.whole,
            "seconds": report.seconds,
        })
    } else {
        let (Some(register), Some(out)) = (&args.register, &args.out) else {
            return Err(super::Trouble::Usage(t("pack-usage")).into());
        };
        let (blocks, columns) = open(register)?;
        let report = Resident::pack(out, &blocks, &columns, threads).map_err(packed(register))?;
        warnings.table(register, &columns)?;
        warnings.add(register, "repeated", report.repeated, 0);
        table.row([t("link-registry"), report.rows.to_string()]);
        table.row([t("pack-bytes"), report.bytes.to_string()]);
        let [read, order, write] = report.seconds;
        serde_json::json!({
            "rows": report.rows, "bytes": report.bytes,
            "seconds": { "read": read, "order": order, "write": write },
        })
    };
    if json {
        let mut report = report;
        report["warnings"] = warnings.json();
        super::out::line(report);
    } else {
        super::out::line(format!("{table}{}", warnings.text(lang)).trim_end());
    }
    Ok(())
}

impl Args {
    /// Before anything is read: no file is written that is read, and what is written can be.
    fn check(&self) -> Result<(), LinkTrouble> {
        let mut inputs = Vec::new();
        inputs.extend(named("--register", &self.register));
        inputs.extend(named("--removed", &self.removed));
        let (option, path) = match (&self.update, &self.out) {
            (Some(path), _) => ("--update", path),
            (None, Some(path)) => ("--out", path),
            (None, None) => return Ok(()),
        };
        // A register's changes and its lock stand beside it.
        let beside = [".changes", ".lock"].map(|end| {
            let mut name = path.clone().into_os_string();
            name.push(end);
            PathBuf::from(name)
        });
        let [changes, lock] = &beside;
        distinct(&inputs, &[(option, path), (option, changes), (option, lock)])?;
        if path.is_dir() {
            return Err(writing(path)(std::io::ErrorKind::IsADirectory.into()));
        }
        if self.update.is_none() {
            probe(path).map_err(writing(path))?;
        }
        Ok(())
    }
}

/// The numbers of the rows of a file; it needs no other column.
fn keys(path: &std::path::Path, warnings: &mut Warnings) -> Result<Vec<Box<[u8]>>, LinkTrouble> {
    let mut keys = Vec::new();
    let mut block = Vec::new();
    let (blocks, columns) = open_keys(path)?;
    while blocks.next_block(&mut block).map_err(at(path))? {
        columns.each(&block, |row| keys.push(row.key.into()));
    }
    warnings.table(path, &columns)?;
    Ok(keys)
}
