//! The list as a file: the rows that the list shows, for a purpose, in the office's own or the public edition.

use super::model::{Filter, Line, REASON_CHARS, title_in};
use super::{LedgerError, list_store, need, words};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability};
use crate::assess::{self, Profile};
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

    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Internal => &[
                "number",
                "title",
                "level",
                "state",
                "round",
                "deadline",
                "village",
                "household",
                "unit",
                "owner",
                "assignee",
                "updated",
            ],
            // The problem and its level say who is ill or what somebody earns.
            Self::Public => &["number", "state", "deadline", "village", "household", "unit", "owner", "assignee"],
        }
    }
}

fn cell(profile: &Profile, edition: Edition, line: &Line, column: &str, lang: Lang) -> String {
    let name = |name: &str| match edition {
        Edition::Internal => name.to_owned(),
        Edition::Public => mask_name(name),
    };
    match column {
        "number" => line.number.clone(),
        "title" => title_in(&line.title, lang),
        "level" => words::level(profile, &line.level).get(lang).to_owned(),
        "state" => words::state(profile, &line.ledger, &line.state).get(lang).to_owned(),
        "round" => line.round.to_string(),
        "deadline" => line.deadline.clone(),
        "village" => line.division_name.clone(),
        "household" => name(&line.head_name),
        "unit" => line.owner_unit.clone(),
        "owner" => name(&line.owner_name),
        "assignee" => name(&line.assignee_name),
        "updated" => crate::platform::clock::local(line.updated_at).format("%Y-%m-%d %H:%M").to_string(),
        _ => String::new(),
    }
}

/// The rows of a list as CSV (UTF-8 with a mark, no cell that a spreadsheet would run as a formula), in its order.
/// Who took which rows out, and what for, is in the audit log before the file leaves.
///
/// # Errors
/// The actor may not export or says no purpose, or the database fails.
pub async fn export_csv(
    app: &App,
    actor: &Actor,
    filter: &Filter,
    edition: Edition,
    purpose: &str,
    lang: Lang,
) -> Result<Vec<u8>, LedgerError> {
    need(actor, Capability::ViewItems, "export")?;
    need(actor, Capability::Export, "export")?;
    let purpose = stated(purpose)?;
    let profile = assess::active_profile(app, actor).await?.profile;
    let mut out = vec![0xEF, 0xBB, 0xBF];
    let columns = edition.columns();
    let head: Vec<String> = columns.iter().map(|c| i18n::text(lang, &format!("ledger-column-{c}"))).collect();
    csv_line(&mut out, &head);
    let mut rows = 0_i64;
    list_store::each_line(&app.db, actor, filter, app.clock.today(), |line| {
        rows += 1;
        let cells: Vec<String> = columns.iter().map(|column| cell(&profile, edition, &line, column, lang)).collect();
        csv_line(&mut out, &cells);
    })
    .await?;
    let (actor, purpose, now) = (actor.clone(), purpose.to_owned(), app.clock.now_ms());
    let detail = serde_json::json!({
        "rows": rows, "edition": edition.name(), "which": filter.which.name(), "division": filter.division,
        "rule": filter.rule, "ledger": filter.ledger, "source": filter.source, "then": words::then_in_audit(filter),
        "owner": filter.owner, "household": filter.household, "mine": filter.mine,
        "searched": !filter.text.trim().is_empty(), "sort": filter.sort.name(), "descending": filter.descending,
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
    Ok(out)
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
        for column in ["title", "level"] {
            assert!(!Edition::Public.columns().contains(&column));
            assert!(Edition::Internal.columns().contains(&column));
        }
        for edition in Edition::ALL {
            assert_eq!(Edition::from_name(edition.name()), Some(edition));
        }
    }
}
