//! The workbook of doubts: counts first, then a sheet per rule, as county offices pass them on.

use std::collections::HashMap;
use std::path::Path;

use rust_xlsxwriter::{Format, FormatAlign, Workbook, XlsxError};
use uuid::Uuid;

use super::fields::Kind;
use super::model::IntakeError;
use super::table::Mapping;
use super::{HITS_KEPT, Issue, import, staging, store};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability, Scope, reveal};
use crate::platform::{App, Lang, i18n};
use crate::register::Divisions;

/// Columns that tell of somebody's health, which is shown to the public no more than a number is (DOMAIN §3).
const HEALTH: [&str; 3] = ["健康状况", "残疾类别", "失学或辍学原因"];

impl From<XlsxError> for IntakeError {
    fn from(error: XlsxError) -> Self {
        Self::File(error.to_string())
    }
}

/// Writes the workbook of an import to `path`, as [`bytes`] makes it.
///
/// # Errors
/// As there, or the file cannot be written.
pub async fn write(
    app: &App,
    actor: &Actor,
    id: Uuid,
    lang: Lang,
    unmasked: Option<&str>,
    path: &Path,
) -> Result<(), IntakeError> {
    let bytes = bytes(app, actor, id, lang, unmasked).await?;
    std::fs::write(path, bytes).map_err(|e| IntakeError::File(format!("{}: {e}", path.display())))
}

/// The workbook of an import. Personal numbers in it are masked (公示版) unless `unmasked` gives a reason to show them
/// (内部版); the export is audited with it.
///
/// # Errors
/// The import is not theirs; they may not see personal numbers, or the reason is too short.
pub async fn bytes(
    app: &App,
    actor: &Actor,
    id: Uuid,
    lang: Lang,
    unmasked: Option<&str>,
) -> Result<Vec<u8>, IntakeError> {
    if !actor.may(Capability::ImportRegister) {
        return Err(IntakeError::Forbidden);
    }
    let reason = unmasked.map(str::trim);
    if let Some(reason) = reason {
        if !actor.may(Capability::RevealPersonal) {
            return Err(IntakeError::Forbidden);
        }
        if reason.chars().count() < reveal::REASON_CHARS {
            return Err(IntakeError::Reason);
        }
        if reason.chars().count() > reveal::REASON_MOST {
            return Err(IntakeError::PurposeLong);
        }
    }
    let import = import(app, actor, id).await?;
    let divisions = Divisions::load(&app.db).await?;
    let counts = store::issue_counts(&app.db, id).await?;
    let townships = store::issue_townships(&app.db, id).await?;
    let t = |key: &str| i18n::text(lang, key);
    let head = Format::new().set_bold().set_background_color(0x00E8_EEF0).set_align(FormatAlign::Center);
    let title = Format::new().set_bold().set_font_size(14);
    let mut book = Workbook::new();
    book.set_tempdir(staging(app)?)?;
    let sheet = book.add_worksheet_with_constant_memory()?.set_name(t("intake-book-counts"))?;
    for (column, width) in [(0, 46.0), (1, 10.0), (2, 28.0), (3, 10.0)] {
        sheet.set_column_width(column, width)?;
    }
    sheet.write_string_with_format(0, 0, t("intake-book-counts"), &title)?;
    let version = t(if reason.is_some() { "intake-book-internal" } else { "intake-book-public" });
    let kind = t(&format!("intake-kind-{}", import.kind));
    let line = format!("{} · {} · {kind} · {version}", import.file_name, import.as_of);
    sheet.write_string(1, 0, line)?;
    for (column, key) in
        ["intake-col-rule", "intake-col-severity", "intake-col-township", "intake-col-hits"].iter().enumerate()
    {
        sheet.write_string_with_format(2, column as u16, t(key), &head)?;
    }
    let mut at = 3u32;
    for (rule, severity, hits) in &counts {
        sheet.write_string(at, 0, t(&format!("rule-{rule}")))?;
        sheet.write_string(at, 1, t(&format!("intake-severity-{severity}")))?;
        sheet.write_string(at, 2, t("intake-book-all"))?;
        sheet.write_number(at, 3, *hits as f64)?;
        at += 1;
        let mut listed = 0;
        for (_, township, hits) in townships.iter().filter(|(r, ..)| r == rule) {
            listed += hits;
            sheet.write_string(at, 2, divisions.name(township).unwrap_or("—"))?;
            sheet.write_number(at, 3, *hits as f64)?;
            at += 1;
        }
        if *hits > listed {
            sheet.write_string(at, 2, t("intake-book-unlisted"))?;
            sheet.write_number(at, 3, (hits - listed) as f64)?;
            at += 1;
        }
    }
    let mut names: Vec<String> = Vec::new();
    for (number, (rule, _, hits)) in counts.iter().enumerate() {
        let text = t(&format!("rule-{rule}"));
        // A sheet's name has at most 31 characters and none of []:*?/\.
        let short: String = text.chars().filter(|c| !"[]:*?/\\'".contains(*c)).take(24).collect();
        let name = format!("{:02} {short}", number + 1);
        names.push(name.clone());
        let sheet = book.add_worksheet_with_constant_memory()?.set_name(name)?;
        for (column, width) in [(0, 30.0), (1, 20.0), (2, 22.0), (3, 16.0), (4, 8.0), (5, 22.0), (6, 24.0)] {
            sheet.set_column_width(column, width)?;
        }
        sheet.write_string_with_format(0, 0, &text, &title)?;
        if *hits > HITS_KEPT as i64 {
            let args = [("count", hits.to_string()), ("kept", HITS_KEPT.to_string())];
            sheet.write_string(0, 4, i18n::text_with(lang, "intake-book-first", &args))?;
        }
        let columns = [
            "intake-col-place",
            "intake-col-household",
            "intake-col-person",
            "intake-col-sheet",
            "intake-col-line",
            "intake-col-field",
            "intake-col-value",
        ];
        for (column, key) in columns.iter().enumerate() {
            sheet.write_string_with_format(1, column as u16, t(key), &head)?;
        }
    }
    let in_full = match reason {
        Some(_) => values_in_full(app, &import, &actor.scope).await?,
        None => HashMap::new(),
    };
    let mut rows: HashMap<String, u32> = HashMap::new();
    let order: HashMap<&str, usize> = counts.iter().enumerate().map(|(at, (rule, ..))| (rule.as_str(), at)).collect();
    store::each_issue::<IntakeError>(&app.db, id, |issue| {
        let Some(at) = order.get(issue.rule_id.as_str()) else {
            return Ok(());
        };
        let row = rows.entry(issue.rule_id.clone()).or_insert(2);
        let sheet = book.worksheet_from_name(&names[*at])?;
        sheet.write_string(*row, 0, divisions.full_name(&issue.division_code).unwrap_or(""))?;
        sheet.write_string(*row, 1, &issue.household_no)?;
        sheet.write_string(*row, 2, &issue.person_no)?;
        sheet.write_string(*row, 3, &issue.sheet)?;
        if issue.line > 0 {
            sheet.write_number(*row, 4, issue.line as f64)?;
        }
        sheet.write_string(*row, 5, &issue.field)?;
        let health = reason.is_none() && HEALTH.contains(&issue.field.as_str()) && !issue.value_masked.is_empty();
        let value = in_full.get(&issue.id).unwrap_or(&issue.value_masked);
        sheet.write_string(*row, 6, if health { "***" } else { value })?;
        *row += 1;
        Ok(())
    })
    .await?;
    let bytes = book.save_to_buffer()?;
    let (actor, now, reason) = (actor.clone(), app.clock.now_ms(), reason.unwrap_or_default().to_owned());
    app.db
        .write::<(), IntakeError, _>(move |tx| {
            Box::pin(async move {
                let entry = Entry {
                    action: "import.export",
                    object_kind: "import",
                    object_id: id.to_string(),
                    division_code: &import.division_code,
                    reason: &reason,
                    detail: serde_json::json!({ "rules": counts.len(), "unmasked": !reason.is_empty() }),
                };
                Ok(audit::record(tx, &actor, entry, now).await?)
            })
        })
        .await?;
    Ok(bytes)
}

/// What the masked values of an import's hits are in full: from the rows held back, else from the register.
async fn values_in_full(
    app: &App,
    import: &super::Import,
    scope: &Scope,
) -> Result<HashMap<Uuid, String>, IntakeError> {
    let mut masked: Vec<Issue> = Vec::new();
    store::each_issue::<IntakeError>(&app.db, import.id, |issue| {
        if issue.value_masked.contains('*') {
            masked.push(issue);
        }
        Ok(())
    })
    .await?;
    let mut held: HashMap<(String, i64), Vec<u8>> = HashMap::new();
    store::each_held_row::<IntakeError>(&app.db, import.id, |(sheet, line, raw)| {
        held.insert((sheet, line), raw);
        Ok(())
    })
    .await?;
    let mapping: Mapping = serde_json::from_str(&import.mapping).unwrap_or_default();
    let kind = Kind::from_name(&import.kind);
    let mut out = HashMap::new();
    for issue in masked {
        if let Some(raw) = held.get(&(issue.sheet.clone(), issue.line)) {
            let row = app.vault.open_text("import_held_row.raw", raw)?;
            let cells: Vec<String> = serde_json::from_str(&row).unwrap_or_default();
            let column =
                kind.and_then(|k| k.position(&issue.field)).and_then(|at| mapping.columns.get(at).copied().flatten());
            // Another sheet of the file may have its columns in another order: then the cell is known by its mask.
            let same = |cell: &&String| {
                let masks = [codes::citizen_id::mask(cell), codes::phone::mask(cell)];
                masks.contains(&issue.value_masked)
            };
            let cell = column.and_then(|at| cells.get(at)).filter(same).or_else(|| cells.iter().find(same));
            if let Some(cell) = cell {
                out.insert(issue.id, cell.trim().to_owned());
            }
            continue;
        }
        let sealed = match issue.field.as_str() {
            "证件号码" => store::person_id(&app.db, &issue.person_no, scope).await?.map(|b| ("person.id", b)),
            "成员联系电话" => {
                store::person_phone(&app.db, &issue.person_no, scope).await?.map(|b| ("person.phone", b))
            }
            "户联系电话" => {
                store::household_phone(&app.db, &issue.household_no, scope).await?.map(|b| ("household.phone", b))
            }
            _ => None,
        };
        if let Some((place, sealed)) = sealed {
            out.insert(issue.id, app.vault.open_text(place, &sealed)?);
        }
    }
    Ok(out)
}
