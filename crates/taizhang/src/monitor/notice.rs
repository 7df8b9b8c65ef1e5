//! The list that is put up in the village (公示版), and the office's own (内部版).

use rust_xlsxwriter::{Format, FormatAlign, FormatBorder, Workbook};
use uuid::Uuid;

use super::clues::write_entry;
use super::error::{MonitorError, Refusal, Said};
use super::model::REASON_CHARS;
use super::{Desk, board, board_store, need};
use crate::access::reveal::REASON_MOST;
use crate::access::{Actor, Capability};
use crate::platform::{App, Lang, i18n};
use crate::register;

/// For whom a list is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// 公示版: head, group, size, what is proposed, from when to when; no number, no phone, no account, nothing of health,
    /// and no cause that would tell it.
    Public,
    /// 内部版: numbers masked, risks in full; for those who may take tables out.
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

    /// Columns, by text key.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Public => &["no", "head", "group", "members", "proposed", "from", "to"],
            Self::Internal => {
                &["no", "number", "head", "id", "phone", "group", "members", "proposed", "kind", "risks", "from", "to"]
            }
        }
    }
}

/// A list as it is put up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeList {
    /// Village.
    pub village: String,
    /// Its name with everything above it.
    pub place: String,
    /// ISO day.
    pub day: String,
    /// Headings.
    pub heads: Vec<String>,
    /// Cells, a row a household.
    pub rows: Vec<Vec<String>>,
}

/// The list of a village's households whose notice is up today. Who took it out, and what for, is in the audit log
/// before it leaves.
///
/// # Errors
/// The actor may not, it is no village of theirs, no purpose is said, or the database fails.
pub async fn notice(
    app: &App,
    actor: &Actor,
    village: &str,
    edition: Edition,
    purpose: &str,
    lang: Lang,
) -> Result<NoticeList, MonitorError> {
    need(actor, Capability::ViewItems)?;
    need(actor, Capability::ViewFigures)?;
    if edition == Edition::Internal {
        need(actor, Capability::Export)?;
    }
    let purpose = purpose.trim().to_owned();
    let length = purpose.chars().count();
    if !(REASON_CHARS..=REASON_MOST).contains(&length) {
        return Err(Refusal::invalid("monitor.purpose", vec![("least", Said::Text(REASON_CHARS.to_string()))]).into());
    }
    let scope = board::village(actor, village).ok_or(MonitorError::NotFound)?;
    let place = register::division(app, village).await?.ok_or(MonitorError::NotFound)?;
    let desk = Desk::open(app).await?;
    let (policy, _) = desk.policy()?;
    let today = desk.today();
    let found = board_store::notices(&app.db, &scope, &today).await?;
    let mut rows = Vec::new();
    for (n, row) in found.iter().enumerate() {
        let (id, phone) = match (edition, row.household_id) {
            (Edition::Internal, Some(household)) => numbers(app, household).await?,
            (Edition::Internal, None) => super::clues::applicant(app, row.id).await?.unwrap_or_default(),
            (Edition::Public, _) => Default::default(),
        };
        let risks: Vec<String> = serde_json::from_str(&row.risks).unwrap_or_default();
        let cell = |column: &str| match column {
            "no" => (n + 1).to_string(),
            "number" => row.number.clone(),
            "head" => row.head_name.clone(),
            "id" => id.clone(),
            "phone" => phone.clone(),
            "group" => row.group_name.clone(),
            "members" => row.members.map(|n| n.to_string()).unwrap_or_default(),
            "proposed" => i18n::text(lang, &format!("monitor-proposed-{}", row.phase)),
            "kind" => policy.type_title(&row.kind, lang).to_owned(),
            "risks" => risks.join(&i18n::text(lang, "list-comma")),
            "from" => row.notice_from.clone(),
            "to" => row.notice_to.clone(),
            _ => String::new(),
        };
        rows.push(edition.columns().iter().map(|column| cell(column)).collect());
    }
    let heads = edition.columns().iter().map(|c| i18n::text(lang, &format!("monitor-notice-{c}"))).collect();
    let (actor, code, now, count) = (actor.clone(), village.to_owned(), desk.now, rows.len());
    app.db
        .write::<_, MonitorError, _>(move |tx| {
            Box::pin(async move {
                let detail = serde_json::json!({ "rows": count, "edition": edition.name() });
                write_entry(tx, &actor, "monitor.notice", &code, &purpose, detail, now).await
            })
        })
        .await?;
    Ok(NoticeList { village: village.to_owned(), place: place.full_name, day: today, heads, rows })
}

/// The head's number and phone, masked.
async fn numbers(app: &App, household: Uuid) -> Result<(String, String), MonitorError> {
    let Some((id, phone)) = board_store::head_numbers(&app.db, household).await? else {
        return Ok(Default::default());
    };
    let open = |place: &str, sealed: Option<Vec<u8>>| match sealed {
        Some(sealed) => app.vault.open_text(place, &sealed),
        None => Ok(String::new()),
    };
    let phone = open("person.phone", phone)?;
    Ok((
        codes::citizen_id::mask(&open("person.id", id)?),
        if phone.is_empty() { phone } else { codes::phone::mask(&phone) },
    ))
}

/// A list as a workbook that prints on A4.
///
/// # Errors
/// The file cannot be made.
pub fn notice_xlsx(list: &NoticeList, edition: Edition, lang: Lang) -> Result<Vec<u8>, MonitorError> {
    let title = Format::new().set_bold().set_font_size(16).set_align(FormatAlign::Center);
    let head = Format::new().set_bold().set_border(FormatBorder::Thin).set_background_color(0x00E8_EEF0);
    let cell = Format::new().set_border(FormatBorder::Thin).set_text_wrap();
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name(i18n::text(lang, "monitor-notice-sheet"))?;
    sheet.set_paper_size(9).set_print_fit_to_pages(1, 0).set_margins(0.6, 0.6, 0.7, 0.7, 0.3, 0.3);
    if edition == Edition::Internal {
        sheet.set_landscape();
    }
    let last = u16::try_from(list.heads.len().saturating_sub(1)).unwrap_or(0);
    let heading =
        i18n::text_with(lang, &format!("monitor-notice-title-{}", edition.name()), &[("place", list.place.clone())]);
    sheet.merge_range(0, 0, 0, last, &heading, &title)?;
    sheet.write_string(1, 0, i18n::text_with(lang, "monitor-notice-day", &[("day", list.day.clone())]))?;
    for (column, text) in (0_u16..).zip(&list.heads) {
        sheet.write_string_with_format(2, column, text, &head)?;
        sheet.set_column_width(column, if column == 0 { 6.0 } else { 15.0 })?;
    }
    let mut row = 2_u32;
    for cells in &list.rows {
        row += 1;
        for (column, text) in (0_u16..).zip(cells) {
            sheet.write_string_with_format(row, column, text, &cell)?;
        }
    }
    if edition == Edition::Public {
        sheet.write_string(row + 2, 0, i18n::text(lang, "monitor-notice-foot"))?;
    }
    sheet.set_repeat_rows(2, 2)?;
    Ok(book.save_to_buffer()?)
}
