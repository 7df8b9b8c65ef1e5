//! The list as a file: the rows that the list shows, for a purpose, in the office's own or the public edition.

use rust_xlsxwriter::{Format, Workbook};

use super::books_export::FileKind;
use super::model::{Filter, REASON_CHARS};
use super::table::{self, columns::Column};
use super::{LedgerError, need, words};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability};
use crate::platform::{App, Lang, i18n};

/// For whom a file is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// 内部版: names in full.
    Internal,
    /// 公示版: to be put up in public. Names masked; what ails whom stays out.
    Public,
}

impl Edition {
    /// Both, the more careful one first.
    pub const ALL: [Self; 2] = [Self::Public, Self::Internal];

    /// The value in forms and the audit log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Public => "public",
        }
    }

    /// The edition of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|edition| edition.name() == name)
    }

    /// Those of some columns that may stand in a file of this edition.
    pub fn columns(self, shown: &[Column]) -> Vec<Column> {
        shown.iter().copied().filter(|column| self == Self::Internal || column.is_public()).collect()
    }
}

/// The rows of a list as CSV with every column that the edition may have. See [`export_table`].
///
/// # Errors
/// As [`export_table`].
pub async fn export_csv(
    app: &App,
    actor: &Actor,
    filter: &Filter,
    edition: Edition,
    purpose: &str,
    lang: Lang,
) -> Result<Vec<u8>, LedgerError> {
    let sheet = Sheet { columns: Column::ALL.to_vec(), edition, kind: FileKind::Csv };
    export_table(app, actor, filter, &sheet, purpose, lang).await
}

/// What a file has and what it is.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Its columns, in order; those that the edition may not have are left out.
    pub columns: Vec<Column>,
    /// For whom.
    pub edition: Edition,
    /// CSV or a workbook.
    pub kind: FileKind,
}

/// The rows of a view as a file: its columns, its filter, its order, and nothing else. CSV has UTF-8 with a mark and no
/// cell that a spreadsheet would run as a formula; a workbook has text cells. Who took which rows out, and what for, is
/// in the audit log before the file leaves.
///
/// # Errors
/// The actor may not export or says no purpose, there are more rows than a worksheet takes, or the database fails.
pub async fn export_table(
    app: &App,
    actor: &Actor,
    filter: &Filter,
    sheet: &Sheet,
    purpose: &str,
    lang: Lang,
) -> Result<Vec<u8>, LedgerError> {
    need(actor, Capability::ViewItems, "export")?;
    need(actor, Capability::Export, "export")?;
    let purpose = stated(purpose)?;
    let profile = table::profile(app, actor).await?;
    let (edition, columns) = (sheet.edition, sheet.edition.columns(&sheet.columns));
    let head: Vec<String> = columns.iter().map(|column| i18n::text(lang, &column.key())).collect();
    let mut out = match sheet.kind {
        FileKind::Csv => Out::Csv(vec![0xEF, 0xBB, 0xBF]),
        FileKind::Xlsx => Out::book(&columns, lang)?,
    };
    out.line(&head)?;
    let mut rows = 0_i64;
    let mut fault = None;
    table::each(app, actor, &profile, filter, |line| {
        if fault.is_none() {
            rows += 1;
            let cells: Vec<String> = columns.iter().map(|column| column.text(&profile, edition, &line, lang)).collect();
            fault = out.line(&cells).err();
        }
    })
    .await?;
    if let Some(fault) = fault {
        return Err(fault);
    }
    let bytes = out.done()?;
    let (actor, purpose, now) = (actor.clone(), purpose.to_owned(), app.clock.now_ms());
    let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
    let detail = serde_json::json!({
        "rows": rows, "edition": edition.name(), "format": sheet.kind.name(), "columns": names,
        "which": filter.which.name(), "division": filter.division, "rule": filter.rule, "ledger": filter.ledger,
        "source": filter.source, "level": filter.level, "measure": filter.measure, "unit": filter.unit,
        "due_from": filter.due_from, "due_to": filter.due_to, "late": filter.late,
        "then": words::then_in_audit(filter), "owner": filter.owner, "household": filter.household,
        "mine": filter.mine, "searched": !filter.text.trim().is_empty(), "sort": filter.sort.name(),
        "descending": filter.descending,
    });
    app.db
        .write::<_, LedgerError, _>(move |tx| {
            Box::pin(async move {
                let entry = Entry {
                    action: "ledger.export",
                    object_kind: "ledger",
                    object_id: String::new(),
                    division_code: actor.scope.root(),
                    reason: &purpose,
                    detail,
                };
                Ok(audit::record(tx, &actor, entry, now).await?)
            })
        })
        .await?;
    Ok(bytes)
}

/// A file under way.
enum Out {
    Csv(Vec<u8>),
    /// The workbook and how many rows its one sheet has.
    Xlsx(Box<Workbook>, u32),
}

impl Out {
    fn book(columns: &[Column], lang: Lang) -> Result<Self, LedgerError> {
        let mut book = Workbook::new();
        // Row by row, so that a hundred thousand of them do not lie in memory as cells.
        let sheet = book.add_worksheet_with_constant_memory()?.set_name(i18n::text(lang, "ledger-title"))?;
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        sheet.set_repeat_rows(0, 0)?;
        sheet.set_freeze_panes(1, 0)?;
        for (at, column) in (0_u16..).zip(columns) {
            let width = match column {
                Column::Title => 36.0,
                Column::Number | Column::Unit | Column::Updated => 22.0,
                Column::Round | Column::Level => 8.0,
                _ => 14.0,
            };
            sheet.set_column_width(at, width)?;
        }
        Ok(Self::Xlsx(Box::new(book), 0))
    }

    fn line(&mut self, cells: &[String]) -> Result<(), LedgerError> {
        match self {
            Self::Csv(out) => csv_line(out, cells),
            Self::Xlsx(book, rows) => {
                let sheet = book.worksheet_from_index(0)?;
                let head = (*rows == 0).then(|| Format::new().set_bold().set_background_color(0x00E8_EEF0));
                for (at, cell) in (0_u16..).zip(cells) {
                    match &head {
                        Some(format) => sheet.write_string_with_format(*rows, at, cell, format)?,
                        None => sheet.write_string(*rows, at, cell)?,
                    };
                }
                *rows += 1;
            }
        }
        Ok(())
    }

    fn done(self) -> Result<Vec<u8>, LedgerError> {
        match self {
            Self::Csv(out) => Ok(out),
            Self::Xlsx(mut book, _) => Ok(book.save_to_buffer()?),
        }
    }
}

/// What a file is for, as it goes on record.
pub(super) fn stated(purpose: &str) -> Result<&str, LedgerError> {
    let purpose = purpose.trim();
    if purpose.chars().count() < REASON_CHARS {
        return Err(LedgerError::Purpose);
    }
    if purpose.chars().count() > crate::access::reveal::REASON_MOST {
        return Err(LedgerError::PurposeLong);
    }
    Ok(purpose)
}

pub(super) fn csv_line(out: &mut Vec<u8>, cells: &[String]) {
    for (i, cell) in cells.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(csv_cell(cell).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// A cell that no spreadsheet takes for a formula.
fn csv_cell(text: &str) -> String {
    let risky = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
        || text.starts_with(['\t', '\r', '\n']);
    let text = if risky { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// A name with its first character only.
pub fn mask_name(name: &str) -> String {
    let mut chars = name.chars();
    match chars.next() {
        Some(first) => std::iter::once(first).chain(chars.map(|_| '*')).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_never_formulas() {
        for bad in ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "＝1"] {
            assert!(csv_cell(bad).trim_start_matches('"').starts_with('\''), "{bad:?}");
        }
        assert_eq!(csv_cell("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(csv_cell("张*"), "张*");
    }

    #[test]
    fn names_keep_their_first_character() {
        assert_eq!(mask_name("欧阳娜娜"), "欧***");
        assert_eq!(mask_name(""), "");
    }

    #[test]
    fn the_public_edition_says_nothing_of_what_the_problem_is() {
        for column in [Column::Title, Column::Level] {
            assert!(!Edition::Public.columns(&Column::ALL).contains(&column));
            assert!(Edition::Internal.columns(&Column::ALL).contains(&column));
        }
        for edition in Edition::ALL {
            assert_eq!(Edition::from_name(edition.name()), Some(edition));
        }
    }
}
