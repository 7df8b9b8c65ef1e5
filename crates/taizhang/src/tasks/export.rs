//! Tables of this room as files, for a purpose that goes on record.

use rust_xlsxwriter::{Format as Style, Workbook};

use super::desk::Desk;
use super::look::{self, NodeFilter, Standing};
use super::model::{TEXT_MOST, show_figure};
use super::{TaskError, may_see};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability};
use crate::platform::{App, Lang, i18n};

/// The most rows of a file.
const ROWS_MOST: i64 = 50_000;

/// What sort of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// XLSX.
    Xlsx,
    /// CSV, UTF-8 with a mark.
    Csv,
}

impl Format {
    /// Of a name; a workbook where it is none.
    pub fn from_name(name: &str) -> Self {
        if name == "csv" { Self::Csv } else { Self::Xlsx }
    }

    /// Ending of the file.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
        }
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// What it is called.
    pub title: String,
    /// Headings.
    pub heads: Vec<String>,
    /// Rows of cells, as text.
    pub rows: Vec<Vec<String>>,
}

impl Sheet {
    /// The bytes of the file. Cells are text: no number loses digits, and none is a formula.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn file(&self, format: Format) -> Result<Vec<u8>, TaskError> {
        match format {
            Format::Csv => Ok(self.csv()),
            Format::Xlsx => self.xlsx(),
        }
    }

    fn csv(&self) -> Vec<u8> {
        let mut out = vec![0xEF, 0xBB, 0xBF];
        for row in std::iter::once(&self.heads).chain(&self.rows) {
            let cells: Vec<String> = row.iter().map(|cell| csv_cell(cell)).collect();
            out.extend_from_slice(cells.join(",").as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        out
    }

    fn xlsx(&self) -> Result<Vec<u8>, TaskError> {
        let (head, bold) = (
            Style::new().set_bold().set_background_color(0x00E8_EEF0).set_text_wrap(),
            Style::new().set_bold().set_font_size(14),
        );
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        sheet.write_string_with_format(0, 0, &self.title, &bold)?;
        for (column, text) in (0_u16..).zip(&self.heads) {
            sheet.write_string_with_format(1, column, text, &head)?;
            sheet.set_column_width(column, 16.0)?;
        }
        for (row, cells) in (2_u32..).zip(&self.rows) {
            for (column, text) in (0_u16..).zip(cells) {
                sheet.write_string(row, column, text)?;
            }
        }
        sheet.set_freeze_panes(2, 1)?;
        sheet.set_repeat_rows(1, 1)?;
        Ok(book.save_to_buffer()?)
    }
}

/// A cell that no spreadsheet takes for a formula or a number.
fn csv_cell(text: &str) -> String {
    let risky = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
        || text.starts_with(['\t', '\r', '\n']);
    let long = text.len() > 11 && text.bytes().all(|b| b.is_ascii_digit());
    let text = if risky {
        format!("'{text}")
    } else if long {
        format!("=\"{text}\"")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// The units of a task as a table, as their list shows them.
///
/// # Errors
/// The actor may not, no purpose is said, there is no such task for them, or the database fails.
pub(super) async fn units(
    app: &App,
    actor: &Actor,
    division: &str,
    filter: &NodeFilter,
    purpose: &str,
    format: Format,
    lang: Lang,
) -> Result<Sheet, TaskError> {
    may_see(actor)?;
    if !actor.may(Capability::Export) {
        return Err(TaskError::Forbidden);
    }
    let filter = NodeFilter { limit: ROWS_MOST, offset: 0, ..filter.clone() };
    let (task, nodes, count, _) = look::nodes(app, actor, division, &filter).await?;
    let purpose = purpose.trim();
    if !(super::model::REASON_LEAST..=TEXT_MOST).contains(&purpose.chars().count()) {
        return Err(TaskError::Purpose);
    }
    let t = |key: &str| i18n::text(lang, key);
    let today = app.clock.today().to_string();
    let mut heads = vec![t("task-column-code"), t("task-column-place"), t("task-column-state"), t("task-column-due")];
    for leg in task.legs() {
        for column in ["target", "reported", "accepted"] {
            let figure = t(&format!("task-column-{column}"));
            heads.push(format!("{} {figure} ({})", t(&format!("task-leg-{}", leg.name())), task.counts(leg)));
        }
    }
    heads.extend([t("task-column-reported_on"), t("task-column-accepted_on"), t("task-column-reminders")]);
    let show = |figure: Option<i64>| figure.map(show_figure).unwrap_or_default();
    let rows = nodes
        .iter()
        .map(|node| {
            let mut state = t(&format!("task-state-{}", node.state));
            if node.is_late(&today) {
                state = format!("{state} · {}", t("task-late"));
            }
            let mut cells = vec![node.division_code.clone(), node.place.clone(), state, node.due.clone()];
            for leg in task.legs() {
                cells.extend([node.targets(), node.reported(), node.accepted()].map(|all| show(all.get(leg))));
            }
            cells.extend([node.reported_on.clone(), node.accepted_on.clone(), node.reminders.to_string()]);
            cells
        })
        .collect();
    let desk = Desk::open(app, actor).await?;
    let (detail, purpose) = (
        serde_json::json!({
            "task": task.title, "rows": count, "which": filter.which.map(Standing::name), "under": filter.under, "division": division,
            "format": format.ending(),
        }),
        purpose.to_owned(),
    );
    let id = task.id;
    app.db
        .write::<_, TaskError, _>(move |tx| {
            Box::pin(async move {
                let entry = Entry {
                    action: "task.export",
                    object_kind: "task",
                    object_id: id.to_string(),
                    division_code: &desk.unit,
                    reason: &purpose,
                    detail,
                };
                Ok(audit::record(tx, &desk.actor, entry, desk.now).await?)
            })
        })
        .await?;
    Ok(Sheet {
        title: format!("{} · {}", task.title, i18n::text_with(lang, "task-as-of", &[("day", today)])),
        heads,
        rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stay_text() {
        let sheet = Sheet {
            title: "t".to_owned(),
            heads: vec!["a".to_owned()],
            rows: vec![vec!["=1+1".to_owned()], vec!["990101001001".to_owned()], vec!["a,\"b\"".to_owned()]],
        };
        let text = String::from_utf8(sheet.file(Format::Csv).unwrap()[3..].to_vec()).unwrap();
        assert_eq!(text, "a\r\n'=1+1\r\n\"=\"\"990101001001\"\"\"\r\n\"a,\"\"b\"\"\"\r\n");
        assert_eq!(sheet.file(Format::Xlsx).unwrap()[..2], *b"PK");
    }
}
