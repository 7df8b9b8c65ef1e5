//! A list of households by their income as a workbook: for a purpose, names masked, and on record before it leaves.

use rust_xlsxwriter::{Format, Workbook, XlsxError};

use super::bands::Which;
use super::words::money;
use super::{ListRow, list};
use crate::access::audit::{self, Entry};
use crate::access::reveal::REASON_MOST;
use crate::access::{Actor, Capability, Scope};
use crate::assess::AssessError;
use crate::platform::{App, DbError, ErrorKind, Lang, UserError, i18n};

/// Characters of a purpose at least.
pub const PURPOSE_LEAST: usize = 4;
/// Households of a file at most: a workbook has no more lines that an office can work with.
pub const ROWS_MOST: i64 = 200_000;

/// Why a list was not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The actor may not export.
    #[error("may not export")]
    Forbidden,
    /// No purpose, or one that is too long.
    #[error("no purpose")]
    Purpose,
    /// More households than a file may have.
    #[error("{0} households are too many for a file")]
    TooMany(i64),
    /// The workbook.
    #[error(transparent)]
    Sheet(#[from] XlsxError),
    /// The assessment.
    #[error(transparent)]
    Assess(#[from] AssessError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl UserError for ExportError {
    fn code(&self) -> &'static str {
        match self {
            Self::Forbidden => "income.forbidden",
            Self::Purpose => "income.purpose",
            Self::TooMany(_) => "income.too_many",
            Self::Sheet(_) => "income.sheet",
            Self::Assess(inner) => inner.code(),
            Self::Db(inner) => inner.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Forbidden => ErrorKind::Forbidden,
            Self::Purpose | Self::TooMany(_) => ErrorKind::Invalid,
            Self::Sheet(_) => ErrorKind::Internal,
            Self::Assess(inner) => inner.kind(),
            Self::Db(inner) => inner.kind(),
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Purpose => vec![("least", PURPOSE_LEAST.to_string()), ("most", REASON_MOST.to_string())],
            Self::TooMany(count) => vec![("count", count.to_string()), ("most", ROWS_MOST.to_string())],
            Self::Assess(inner) => inner.args(),
            Self::Db(inner) => inner.args(),
            _ => Vec::new(),
        }
    }

    fn message(&self, lang: Lang) -> String {
        match self {
            Self::Assess(inner) => inner.message(lang),
            Self::Db(inner) => inner.message(lang),
            other => i18n::text_with(lang, &format!("error-{}", other.code().replace('.', "-")), &other.args()),
        }
    }
}

const COLUMNS: [(&str, f64); 14] = [
    ("income-col-place", 34.0),
    ("income-col-no", 20.0),
    ("income-col-head", 10.0),
    ("income-col-members", 8.0),
    ("income-col-year", 8.0),
    ("income-col-base", 12.0),
    ("income-col-base_each", 12.0),
    ("income-col-loss", 12.0),
    ("income-col-spent", 12.0),
    ("income-col-income", 14.0),
    ("income-col-each", 14.0),
    ("income-col-line", 10.0),
    ("income-col-band", 18.0),
    ("income-col-gaps", 8.0),
];

/// A name with its first character only.
fn masked(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| std::iter::once(first).chain(chars.map(|_| '*')).collect()).unwrap_or_default()
}

/// A list of households of a scope as XLSX.
///
/// # Errors
/// The actor may not, says no purpose, the list is too long, or the file or the database fails.
pub async fn export(
    app: &App,
    actor: &Actor,
    scope: &Scope,
    which: Which,
    purpose: &str,
    lang: Lang,
) -> Result<Vec<u8>, ExportError> {
    if !actor.may(Capability::Export) || !actor.may(Capability::ViewHouseholds) {
        return Err(ExportError::Forbidden);
    }
    let purpose = purpose.trim();
    if !(PURPOSE_LEAST..=REASON_MOST).contains(&purpose.chars().count()) {
        return Err(ExportError::Purpose);
    }
    let rows = list(app, scope, which, ROWS_MOST + 1, 0).await?;
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    if count > ROWS_MOST {
        return Err(ExportError::TooMany(count));
    }
    let bytes = sheet(&rows, app.clock.today().to_string(), lang)?;
    let detail = serde_json::json!({ "rows": count, "list": which.name(), "division": scope.root() });
    let (actor, purpose, division, now) =
        (actor.clone(), purpose.to_owned(), scope.root().to_owned(), app.clock.now_ms());
    app.db
        .write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                let entry = Entry {
                    action: "income.export",
                    object_kind: "household",
                    object_id: String::new(),
                    division_code: &division,
                    reason: &purpose,
                    detail,
                };
                audit::record(tx, &actor, entry, now).await
            })
        })
        .await?;
    Ok(bytes)
}

fn sheet(rows: &[ListRow], day: String, lang: Lang) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name(i18n::text(lang, "income-sheet"))?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    let (bold, head) =
        (Format::new().set_bold().set_font_size(14), Format::new().set_bold().set_background_color(0x00E8_EEF0));
    sheet.write_string_with_format(0, 0, i18n::text_with(lang, "income-sheet-title", &[("day", day)]), &bold)?;
    sheet.write_string(1, 0, i18n::text(lang, "income-sheet-note"))?;
    for (column, (key, width)) in (0_u16..).zip(COLUMNS) {
        sheet.set_column_width(column, width)?;
        sheet.write_string_with_format(2, column, i18n::text(lang, key), &head)?;
    }
    for (at, row) in (3_u32..).zip(rows) {
        let texts = [(0, row.place.clone()), (1, row.household_no.clone()), (2, masked(&row.head_name))];
        for (column, text) in texts {
            sheet.write_string(at, column, text)?;
        }
        let each = |fen: Option<i64>| {
            let fen = fen.filter(|_| row.members > 0)?;
            Some(super::model::divided(i128::from(fen), i128::from(row.members)))
        };
        let yuan = |fen: Option<i64>| fen.map(super::model::yuan);
        let numbers = [
            (3, Some(row.members as f64)),
            (4, row.base_year.map(|year| year as f64)),
            (5, yuan(row.base_fen)),
            (6, yuan(each(row.base_fen))),
            (7, yuan(Some(row.loss_fen))),
            (8, yuan(Some(row.spent_fen))),
            (9, yuan(row.income_fen)),
            (10, yuan(each(row.income_fen))),
            (11, yuan(row.line_fen)),
            (13, Some(row.gaps as f64)),
        ];
        for (column, number) in numbers {
            if let Some(number) = number {
                sheet.write_number(at, column, number)?;
            }
        }
        sheet.write_string(at, 12, i18n::text(lang, &format!("income-band-{}", row.band_now)))?;
    }
    sheet.set_freeze_panes(3, 0)?;
    sheet.set_repeat_rows(2, 2)?;
    book.save_to_buffer()
}

/// Yuan of a line for pages; a dash where there is none.
pub(super) fn or_dash(fen: Option<i64>) -> String {
    fen.map_or_else(|| "—".to_owned(), money)
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_keep_their_first_character() {
        assert_eq!(super::masked("欧阳娜娜"), "欧***");
        assert_eq!(super::masked(""), "");
    }
}
