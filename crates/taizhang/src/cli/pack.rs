//! `taizhang pack`: a register's CSV as a file that is mapped into memory, for `link` and `find`; no installation needed.

use std::path::PathBuf;

use linkage::engine::{Blocks, Resident};

use super::link::{LinkTrouble, at, open, packed, threads};
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
    let threads = threads(args.threads);
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
            Some(path) => keys(path)?,
            None => Vec::new(),
        };
        let source = args.register.as_deref().unwrap_or(path);
        let report = Resident::update(path, rows, &removed, threads).map_err(packed(source))?;
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
            "rows": report.rows, "bytes": report.bytes, "whole": report.whole, "seconds": report.seconds,
        })
    } else {
        let (Some(register), Some(out)) = (&args.register, &args.out) else {
            return Err(super::Trouble::Usage(t("pack-usage")).into());
        };
        let (blocks, columns) = open(register)?;
        let report = Resident::pack(out, &blocks, &columns, threads).map_err(packed(register))?;
        table.row([t("link-registry"), report.rows.to_string()]);
        table.row([t("pack-bytes"), report.bytes.to_string()]);
        let [read, order, write] = report.seconds;
        serde_json::json!({
            "rows": report.rows, "bytes": report.bytes,
            "seconds": { "read": read, "order": order, "write": write },
        })
    };
    if json {
        super::out::line(report);
    } else {
        super::out::line(table);
    }
    Ok(())
}

/// The numbers of the rows of a file; it needs no other column.
fn keys(path: &std::path::Path) -> Result<Vec<Box<[u8]>>, LinkTrouble> {
    let mut keys = Vec::new();
    let mut block = Vec::new();
    let (blocks, columns) = open(path)?;
    while blocks.next_block(&mut block).map_err(at(path))? {
        columns.each(&block, |row| keys.push(row.key.into()));
    }
    Ok(keys)
}
