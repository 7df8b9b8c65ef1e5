//! The gap check as a file: the figures and the list, in the office's own or the public edition, for a purpose that stays
//! on record.

use rust_xlsxwriter::{Format, Workbook};

use super::gaps::{self, Asked, GapLine, Place, State};
use super::model::ScreenError;
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability, Scope};
use crate::assess;
use crate::assess::profile::checks::{Checks, Indicator};
use crate::platform::{App, Lang, i18n};

/// For whom a file is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// 公示版: names masked; what falls short of whom stays out.
    Public,
    /// 内部版: names in full.
    Internal,
}

impl Edition {
    /// Both, the more careful one first.
    pub const ALL: [Self; 2] = [Self::Public, Self::Internal];

    /// The value in forms and the audit log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
        }
    }

    /// The edition of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|edition| edition.name() == name)
    }

    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Public => &["township", "village", "household", "indicator", "state", "checked_on"],
            Self::Internal => &[
                "township",
                "village",
                "household_no",
                "household",
                "members",
                "indicator",
                "state",
                "reasons",
                "since",
                "checked_on",
                "checker",
            ],
        }
    }
}

/// A name with its first character only.
fn masked(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| std::iter::once(first).chain(chars.map(|_| '*')).collect())
}

/// What a state of an indicator is called.
pub fn state_in_words(checks: &Checks, indicator: Indicator, state: State, lang: Lang) -> String {
    match state.outcome() {
        Some(outcome) => checks.result(indicator, outcome, lang).to_owned(),
        None => i18n::text(lang, "screen-state-unknown"),
    }
}

fn cell(checks: &Checks, asked: &Asked, edition: Edition, line: &GapLine, column: &str, lang: Lang) -> String {
    let indicator = Indicator::from_name(&line.indicator).unwrap_or(Indicator::Food);
    let state = line.state(asked.since);
    match column {
        "township" => line.township.clone(),
        "village" => line.place.clone(),
        "household_no" => line.household_no.clone(),
        "household" if edition == Edition::Public => masked(&line.head_name),
        "household" => line.head_name.clone(),
        "members" => line.member_count.to_string(),
        "indicator" => checks.policy(indicator).title.get(lang).to_owned(),
        "state" => state_in_words(checks, indicator, state, lang),
        "reasons" => {
            let codes: Vec<String> = serde_json::from_str(&line.reasons).unwrap_or_default();
            let words: Vec<String> =
                codes.iter().map(|code| super::judge::reason(checks, indicator, code, lang)).collect();
            words.join(&i18n::text(lang, "list-comma"))
        }
        "since" => line.since.clone(),
        "checked_on" => line.checked_on.clone(),
        "checker" => line.by_name.clone(),
        _ => String::new(),
    }
}

fn heads(columns: &[&str], lang: Lang) -> Vec<String> {
    columns.iter().map(|column| i18n::text(lang, &format!("screen-column-{column}"))).collect()
}

fn completeness_heads(checks: &Checks, lang: Lang) -> Vec<String> {
    let mut out: Vec<String> = ["place", "registered", "complete", "percent"]
        .iter()
        .map(|column| i18n::text(lang, &format!("screen-column-{column}")))
        .collect();
    for indicator in Indicator::ALL {
        for state in State::ALL {
            let title = checks.policy(indicator).title.get(lang);
            out.push(format!("{title} {}", state_in_words(checks, indicator, state, lang)));
        }
    }
    out
}

/// Figures in the order of [`completeness_heads`], behind the name.
fn figures(place: &Place) -> Vec<f64> {
    let mut out = vec![place.registered as f64, place.complete as f64, (place.percent() * 10.0).round() / 10.0];
    for counts in &place.counts {
        out.extend(State::ALL.into_iter().map(|state| counts.of(state) as f64));
    }
    out
}

/// The gap check of a division as a workbook: a sheet of completeness by place, and a sheet of every household and
/// indicator asked for. Who took it out, and what for, is in the audit log before it leaves.
///
/// # Errors
/// The actor may not export, says no purpose, the division is not theirs, or the database fails.
#[allow(clippy::too_many_arguments)]
pub async fn xlsx(
    app: &App,
    actor: &Actor,
    scope: &Scope,
    asked: &Asked,
    edition: Edition,
    purpose: &str,
    lang: Lang,
) -> Result<Vec<u8>, ScreenError> {
    let purpose = permitted(actor, scope, purpose)?;
    let checks = Checks::of(&assess::active_profile(app, actor).await?.profile);
    let (total, places) = gaps::check(app, scope, asked).await?;
    let mut lines = Vec::new();
    gaps::each(app, &checks, scope, asked, |line| lines.push(line)).await?;
    let bytes = workbook(&checks, asked, edition, (&total, &places), &lines, lang)?;
    on_record(app, actor, scope, asked, (edition, "xlsx"), purpose, lines.len()).await?;
    Ok(bytes)
}

/// The list of [`xlsx`] alone, as CSV (UTF-8 with a mark, no cell that a spreadsheet would run as a formula).
///
/// # Errors
/// As [`xlsx`].
#[allow(clippy::too_many_arguments)]
pub async fn csv(
    app: &App,
    actor: &Actor,
    scope: &Scope,
    asked: &Asked,
    edition: Edition,
    purpose: &str,
    lang: Lang,
) -> Result<Vec<u8>, ScreenError> {
    let purpose = permitted(actor, scope, purpose)?;
    let checks = Checks::of(&assess::active_profile(app, actor).await?.profile);
    let columns = edition.columns();
    let mut out = vec![0xEF, 0xBB, 0xBF];
    csv_line(&mut out, &heads(columns, lang));
    let mut rows = 0;
    gaps::each(app, &checks, scope, asked, |line| {
        rows += 1;
        let cells: Vec<String> =
            columns.iter().map(|column| cell(&checks, asked, edition, &line, column, lang)).collect();
        csv_line(&mut out, &cells);
    })
    .await?;
    on_record(app, actor, scope, asked, (edition, "csv"), purpose, rows).await?;
    Ok(out)
}

fn permitted<'p>(actor: &Actor, scope: &Scope, purpose: &'p str) -> Result<&'p str, ScreenError> {
    if !actor.may(Capability::Export) || !actor.may(Capability::ViewHouseholds) {
        return Err(ScreenError::Forbidden);
    }
    if actor.scope.narrow(scope.root()).as_ref() != Some(scope) {
        return Err(ScreenError::NotFound);
    }
    let purpose = purpose.trim();
    let length = purpose.chars().count();
    if !(super::REASON_CHARS..=super::REASON_MOST).contains(&length) {
        return Err(ScreenError::Purpose);
    }
    Ok(purpose)
}

async fn on_record(
    app: &App,
    actor: &Actor,
    scope: &Scope,
    asked: &Asked,
    (edition, format): (Edition, &str),
    purpose: &str,
    rows: usize,
) -> Result<(), ScreenError> {
    let detail = serde_json::json!({
        "sheet": "gaps", "format": format, "edition": edition.name(), "rows": rows, "since": asked.since,
        "indicator": asked.indicator.map(Indicator::name), "state": asked.state.map(State::name),
    });
    let (actor, purpose, now) = (actor.clone(), purpose.to_owned(), app.clock.now_ms());
    let division = scope.root().to_owned();
    app.db
        .write::<_, ScreenError, _>(move |tx| {
            Box::pin(async move {
                let entry = Entry {
                    action: "screen.export",
                    object_kind: "household",
                    object_id: String::new(),
                    division_code: &division,
                    reason: &purpose,
                    detail,
                };
                Ok(audit::record(tx, &actor, entry, now).await?)
            })
        })
        .await
}

fn workbook(
    checks: &Checks,
    asked: &Asked,
    edition: Edition,
    (total, places): (&Place, &[Place]),
    lines: &[GapLine],
    lang: Lang,
) -> Result<Vec<u8>, ScreenError> {
    let t = |key: &str| i18n::text(lang, key);
    let head = Format::new().set_bold().set_background_color(0x00E8_EEF0).set_text_wrap();
    let bold = Format::new().set_bold().set_font_size(14);
    let title = |sheet: &str| {
        let words = [
            ("place", total.name.clone()),
            ("since", asked.since.to_string()),
            ("edition", t(&format!("screen-edition-{}", edition.name()))),
        ];
        format!("{} · {}", t(sheet), i18n::text_with(lang, "screen-book-title", &words))
    };
    let column = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name(t("screen-book-completeness"))?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    sheet.set_column_width(0, 24.0)?;
    sheet.write_string_with_format(0, 0, title("screen-book-completeness"), &bold)?;
    for (at, text) in completeness_heads(checks, lang).into_iter().enumerate() {
        sheet.write_string_with_format(1, column(at), text, &head)?;
    }
    for (row, place) in (2_u32..).zip(std::iter::once(total).chain(places)) {
        sheet.write_string(row, 0, &place.name)?;
        for (at, figure) in figures(place).into_iter().enumerate() {
            sheet.write_number(row, column(at + 1), figure)?;
        }
    }
    sheet.set_freeze_panes(2, 1)?;
    let sheet = book.add_worksheet().set_name(t("screen-book-list"))?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    sheet.write_string_with_format(0, 0, title("screen-book-list"), &bold)?;
    let columns = edition.columns();
    for (at, text) in heads(columns, lang).into_iter().enumerate() {
        sheet.write_string_with_format(1, column(at), text, &head)?;
        sheet.set_column_width(column(at), 16.0)?;
    }
    for (row, line) in (2_u32..).zip(lines) {
        for (at, name) in columns.iter().enumerate() {
            // Written as text: a number of a household keeps its digits, and no cell is a formula.
            sheet.write_string(row, column(at), cell(checks, asked, edition, line, name, lang))?;
        }
    }
    sheet.set_freeze_panes(2, 0)?;
    sheet.set_repeat_rows(1, 1)?;
    Ok(book.save_to_buffer()?)
}

fn csv_line(out: &mut Vec<u8>, cells: &[String]) {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(csv_cell(cell).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_edition_masks_names_and_says_nothing_of_what_is_wrong() {
        assert_eq!(masked("欧阳娜娜"), "欧***");
        for column in ["household_no", "reasons", "members", "checker"] {
            assert!(!Edition::Public.columns().contains(&column));
        }
    }

    #[test]
    fn cells_stay_text() {
        assert_eq!(csv_cell("=1+1"), "'=1+1");
        assert_eq!(csv_cell("990101001001000012"), "\"=\"\"990101001001000012\"\"\"");
        assert_eq!(csv_cell("石门村"), "石门村");
    }
}
