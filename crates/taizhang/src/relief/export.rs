//! Requests as a workbook: the office's own edition (内部版), and the one that is put up (公示版).

use rust_xlsxwriter::{Format, FormatBorder, Workbook};

use super::ReliefError;
use super::model::{REASON_LEAST, REASON_MOST, Request, masked, yuan};
use super::requests::{self, Filter};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability, Scope};
use crate::assess;
use crate::platform::{App, Lang, i18n};
pub use crate::screen::gap_export::Edition;

/// The most rows of a workbook.
const ROWS_MOST: i64 = 100_000;

/// Columns of an edition. In public stand no number of a household, no reason (it may tell of an illness), no payee and
/// nobody's account; and only what was approved.
fn columns(edition: Edition) -> &'static [&'static str] {
    match edition {
        Edition::Public => &["no", "township", "village", "head_masked", "kind", "approved", "decided_on"],
        Edition::Internal => &[
            "no",
            "number",
            "township",
            "village",
            "household_no",
            "head",
            "kind",
            "green",
            "channel",
            "reason",
            "asked_on",
            "asked_by",
            "asked",
            "state",
            "level",
            "decided_on",
            "decided_by",
            "approved",
            "decided_why",
            "paid",
            "unpaid",
            "advanced",
            "due",
        ],
    }
}

/// Columns that are amounts.
const AMOUNTS: [&str; 5] = ["asked", "approved", "paid", "unpaid", "advanced"];

fn amount(request: &Request, column: &str) -> i64 {
    match column {
        "asked" => request.asked_fen,
        "approved" => request.approved_fen,
        "paid" => request.paid_fen,
        "unpaid" => request.unpaid_fen(),
        "advanced" => request.advanced_fen,
        _ => 0,
    }
}

fn cell(n: usize, request: &Request, column: &str, lang: Lang) -> String {
    let t = |key: String| i18n::text(lang, &key);
    match column {
        "no" => n.to_string(),
        "number" => request.number.clone(),
        "township" => request.township.clone(),
        "village" => request.place.clone(),
        "household_no" => request.household_no.clone(),
        "head" => request.head_name.clone(),
        "head_masked" => masked(&request.head_name),
        "kind" => t(format!("relief-kind-{}", request.kind)),
        "green" => t(if request.green { "yes" } else { "no" }.to_owned()),
        "channel" => t(format!("screen-channel-{}", request.channel)),
        "reason" => request.reason.clone(),
        "asked_on" => request.asked_on.clone(),
        "asked_by" => request.asked_name.clone(),
        "state" => t(format!("relief-state-{}", request.state)),
        "level" => t(format!("relief-level-{}", request.level)),
        "decided_on" => request.decided_on.clone(),
        "decided_by" => request.decided_name.clone(),
        "decided_why" => request.decided_why.clone(),
        "due" => request.due().to_owned(),
        _ => String::new(),
    }
}

/// The requests of a division that a filter asks for. Who took them out, and what for, is in the audit log before they
/// leave.
///
/// # Errors
/// The actor may not export, the division is not theirs, no purpose is said, or the database fails.
pub async fn xlsx(
    app: &App,
    actor: &Actor,
    scope: &Scope,
    filter: &Filter,
    edition: Edition,
    purpose: &str,
    lang: Lang,
) -> Result<Vec<u8>, ReliefError> {
    super::need(actor, &[Capability::Export, Capability::ViewItems, Capability::ViewHouseholds])?;
    if actor.scope.narrow(scope.root()).as_ref() != Some(scope) {
        return Err(ReliefError::NotFound);
    }
    let purpose = purpose.trim().to_owned();
    if !(REASON_LEAST..=REASON_MOST).contains(&purpose.chars().count()) {
        return Err(ReliefError::Purpose);
    }
    let (mut lines, ..) = requests::list(app, actor, scope, filter, (0, ROWS_MOST)).await?;
    if edition == Edition::Public {
        lines.retain(|request| request.approved_fen > 0);
    }
    lines.sort_by(|a, b| (&a.division_code, &a.number).cmp(&(&b.division_code, &b.number)));
    let root = scope.root().to_owned();
    let place = assess::division_names(&app.db, std::slice::from_ref(&root)).await?.remove(&root).unwrap_or_default();
    let day = app.clock.today().to_string();
    let bytes = workbook(&lines, edition, &place, &day, lang)?;
    let detail = serde_json::json!({
        "edition": edition.name(), "rows": lines.len(), "state": filter.state, "kind": filter.kind,
        "green": filter.green, "late": filter.late,
    });
    let (actor, now) = (actor.clone(), app.clock.now_ms());
    app.db
        .write::<_, ReliefError, _>(move |tx| {
            Box::pin(async move {
                let entry = Entry {
                    action: "relief.export",
                    object_kind: "relief",
                    object_id: String::new(),
                    division_code: &root,
                    reason: &purpose,
                    detail,
                };
                Ok(audit::record(tx, &actor, entry, now).await?)
            })
        })
        .await?;
    Ok(bytes)
}

fn workbook(lines: &[Request], edition: Edition, place: &str, day: &str, lang: Lang) -> Result<Vec<u8>, ReliefError> {
    let bold = Format::new().set_bold().set_font_size(14);
    let head =
        Format::new().set_bold().set_border(FormatBorder::Thin).set_background_color(0x00E8_EEF0).set_text_wrap();
    let text = Format::new().set_border(FormatBorder::Thin).set_text_wrap();
    let money = Format::new().set_border(FormatBorder::Thin).set_num_format("#,##0.00");
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name(i18n::text(lang, "relief-book-sheet"))?;
    sheet.set_paper_size(9).set_print_fit_to_pages(1, 0);
    if edition == Edition::Internal {
        sheet.set_landscape();
    }
    let title = i18n::text_with(
        lang,
        &format!("relief-book-title-{}", edition.name()),
        &[("place", place.to_owned()), ("day", day.to_owned())],
    );
    sheet.write_string_with_format(0, 0, title, &bold)?;
    let columns = columns(edition);
    for (at, column) in (0_u16..).zip(columns) {
        sheet.write_string_with_format(1, at, i18n::text(lang, &format!("relief-column-{column}")), &head)?;
        let width = match *column {
            "no" => 6.0,
            "reason" | "decided_why" => 32.0,
            _ => 14.0,
        };
        sheet.set_column_width(at, width)?;
    }
    let mut row = 1_u32;
    for (n, request) in lines.iter().enumerate() {
        row += 1;
        for (at, column) in (0_u16..).zip(columns) {
            if AMOUNTS.contains(column) {
                // Amounts are numbers, so that the sheet can add them up.
                sheet.write_number_with_format(row, at, amount(request, column) as f64 / 100.0, &money)?;
            } else {
                sheet.write_string_with_format(row, at, cell(n + 1, request, column, lang), &text)?;
            }
        }
    }
    let of = |figure: fn(&Request) -> i64| yuan(lines.iter().map(figure).sum());
    let sums = [
        ("count", lines.len().to_string()),
        ("asked", of(|request| request.asked_fen)),
        ("approved", of(|request| request.approved_fen)),
        ("paid", of(|request| request.paid_fen)),
    ];
    sheet.write_string(row + 2, 0, i18n::text_with(lang, &format!("relief-book-foot-{}", edition.name()), &sums))?;
    sheet.set_freeze_panes(2, 0)?;
    sheet.set_repeat_rows(1, 1)?;
    Ok(book.save_to_buffer()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_edition_says_who_and_how_much_and_no_more() {
        for column in ["number", "household_no", "head", "reason", "asked_by", "decided_why"] {
            assert!(!columns(Edition::Public).contains(&column), "{column}");
        }
    }
}
