//! The books as a file: figures only, for a purpose that stays on record.

use rust_xlsxwriter::{Format, Workbook};

use super::books::{Account, Asked, Books, Of, Side, books};
use super::export::{csv_line, stated};
use super::{LedgerError, need, words};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability};
use crate::assess::{self, Profile};
use crate::platform::{App, Lang, i18n};

/// As what a table leaves the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Comma-separated, UTF-8 with a mark.
    Csv,
    /// A workbook.
    Xlsx,
}

impl FileKind {
    /// Both, the one that offices open first.
    pub const ALL: [Self; 2] = [Self::Xlsx, Self::Csv];

    /// The ending of the file's name, and the value in forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    /// What browsers are told.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// The kind of a value in a form.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What an account of the books is called.
pub(super) fn title(profile: &Profile, account: &Account, lang: Lang) -> String {
    if account.ledger.is_empty() && account.source.is_empty() {
        return account.name.clone();
    }
    format!("{} · {}", words::ledger(profile, &account.ledger, lang), words::source(&account.source, lang))
}

/// Every account with the words before its figures: all, then by source, then by division.
fn accounts<'b>(profile: &Profile, books: &'b Books, lang: Lang) -> Vec<(String, String, &'b Account)> {
    let part = |key: &str| i18n::text(lang, key);
    let mut out = vec![(part("ledger-books-total"), books.total.name.clone(), &books.total)];
    out.extend(books.by_source.iter().map(|one| (part("ledger-books-source"), title(profile, one, lang), one)));
    out.extend(books.by_division.iter().map(|one| (part("ledger-books-division"), title(profile, one, lang), one)));
    out
}

fn heads(lang: Lang) -> Vec<String> {
    let figures = Side::all().into_iter().map(|side| i18n::text(lang, &format!("ledger-moved-{}", side.name())));
    ["ledger-books-part", "ledger-books-name", "ledger-books-unit"]
        .into_iter()
        .map(|key| i18n::text(lang, key))
        .chain(figures)
        .collect()
}

/// The books of a place and period as a file. Who took them out, and what for, is in the audit log before it leaves.
///
/// # Errors
/// As [`books`]; and the actor may not export, says no purpose, or the file cannot be made.
pub async fn export_books(
    app: &App,
    actor: &Actor,
    asked: &Asked,
    kind: FileKind,
    purpose: &str,
    lang: Lang,
) -> Result<Vec<u8>, LedgerError> {
    need(actor, Capability::Export, "export")?;
    let purpose = stated(purpose)?;
    let profile = assess::active_profile(app, actor).await?.profile;
    let books = books(app, actor, asked).await?;
    let accounts = accounts(&profile, &books, lang);
    let bytes = match kind {
        FileKind::Csv => csv(&accounts, lang),
        FileKind::Xlsx => xlsx(&books, &accounts, lang)?,
    };
    let detail = serde_json::json!({
        "sheet": "books", "format": kind.name(), "division": books.total.division, "from": asked.from, "to": asked.to,
        "rows": accounts.len() * Of::ALL.len(),
    });
    let (actor, purpose, now) = (actor.clone(), purpose.to_owned(), app.clock.now_ms());
    app.db
        .write::<_, LedgerError, _>(move |tx| {
            Box::pin(async move {
                let entry = Entry {
                    action: "ledger.export",
                    object_kind: "ledger",
                    object_id: String::new(),
                    division_code: &books.total.division,
                    reason: &purpose,
                    detail,
                };
                Ok(audit::record(tx, &actor, entry, now).await?)
            })
        })
        .await?;
    Ok(bytes)
}

fn csv(accounts: &[(String, String, &Account)], lang: Lang) -> Vec<u8> {
    let mut out = vec![0xEF, 0xBB, 0xBF];
    csv_line(&mut out, &heads(lang));
    for (part, name, account) in accounts {
        for of in Of::ALL {
            let unit = i18n::text(lang, &format!("ledger-of-{}", of.name()));
            let figures = Side::all().into_iter().map(|side| account.sheet(of).side(side).to_string());
            let line: Vec<String> = [part.clone(), name.clone(), unit].into_iter().chain(figures).collect();
            csv_line(&mut out, &line);
        }
    }
    out
}

fn xlsx(books: &Books, accounts: &[(String, String, &Account)], lang: Lang) -> Result<Vec<u8>, LedgerError> {
    let head = Format::new().set_bold().set_background_color(0x00E8_EEF0);
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name(i18n::text(lang, "ledger-balance"))?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    for (column, width) in [(0, 12.0), (1, 30.0), (2, 8.0)] {
        sheet.set_column_width(column, width)?;
    }
    let bold = Format::new().set_bold().set_font_size(14);
    let from = books.from.map_or_else(|| i18n::text(lang, "ledger-beginning"), |day| day.to_string());
    let words = [("place", books.total.name.clone()), ("from", from), ("to", books.to.to_string())];
    sheet.write_string_with_format(0, 0, i18n::text_with(lang, "ledger-books-title", &words), &bold)?;
    let formula = i18n::text(lang, "ledger-balance-formula");
    sheet.write_string(1, 0, formula)?;
    let mut row = 2;
    for (column, text) in heads(lang).into_iter().enumerate() {
        sheet.write_string_with_format(row, u16::try_from(column).unwrap_or(0), text, &head)?;
    }
    for (part, name, account) in accounts {
        for of in Of::ALL {
            row += 1;
            sheet.write_string(row, 0, part)?;
            sheet.write_string(row, 1, name)?;
            sheet.write_string(row, 2, i18n::text(lang, &format!("ledger-of-{}", of.name())))?;
            for (column, side) in (3_u16..).zip(Side::all()) {
                sheet.write_number(row, column, account.sheet(of).side(side) as f64)?;
            }
        }
    }
    sheet.set_repeat_rows(2, 2)?;
    Ok(book.save_to_buffer()?)
}
