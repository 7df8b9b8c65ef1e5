//! A row for which the right person was not found, looked at again with what a clerk has learned since (换条件再查): the name as
//! the family says it, a number read out over the phone, where they live now. Whoever is named is matched at once.
//!
//! The register of one county is held against the row anew, with the same engine and model as a whole list.

use std::collections::HashMap;

use uuid::Uuid;

use super::lists;
use super::matching::{Found, Matcher};
use super::model::{Candidate, CompareError, Decided, ListRow, NAMED, Person, Subject, Verdict};
use super::review::decide_in;
use super::{Content, onward, store};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability, Scope};
use crate::platform::App;
use crate::platform::jobs::Progress;

/// What is known besides the list; empty texts leave what the list says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// Name.
    pub name: String,
    /// ID number, whole or with hidden digits.
    pub id: String,
    /// Date or year of birth, in any of the forms that lists use.
    pub birth: String,
    /// Phone.
    pub phone: String,
    /// Code of the division to look in, a county or below.
    pub division: String,
}

impl Details {
    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Somebody who may be meant.
pub(super) struct Seen {
    pub(super) found: Found,
    pub(super) person: Person,
    pub(super) model_version: i64,
}

/// Who in the county may be meant by the row with these details, the likeliest first.
///
/// # Errors
/// Not allowed; a detail cannot be read; no county is known to look in, or not one of this person's.
pub(super) async fn look(
    app: &App,
    actor: &Actor,
    row: &ListRow,
    details: &Details,
) -> Result<Vec<Seen>, CompareError> {
    if !actor.may(Capability::ReviewMatches) {
        return Err(CompareError::Forbidden);
    }
    let (scope, asked, division) = (within(actor, row, details)?, row_with(app, row, details)?, place(row, details));
    let outcome = Matcher::new(app, &scope).find(&[(&asked, division)], &Progress::default()).await?;
    let model_version = outcome.model_version;
    let found: Vec<Found> =
        outcome.found.into_iter().flatten().filter(|f| matches!(f.subject, Subject::Person)).collect();
    let ids: Vec<Uuid> = found.iter().map(|f| f.subject_id).collect();
    let mut persons: HashMap<Uuid, Person> =
        store::persons(&app.db, &ids, &scope).await?.into_iter().map(|p| (p.id, p)).collect();
    Ok(found
        .into_iter()
        .filter_map(|found| {
            let person = persons.remove(&found.subject_id)?;
            Some(Seen { found, person, model_version })
        })
        .collect())
}

/// Says that the row is this person, who was found with these details: the two are matched, and the signals follow.
///
/// # Errors
/// As [`look`]; the person is none of those found; the row is matched already or revised.
pub async fn name(
    app: &App,
    actor: &Actor,
    row: Uuid,
    person: Uuid,
    details: &Details,
    note: &str,
) -> Result<Decided, CompareError> {
    let row = store::row(&app.db, row, &actor.scope).await?.ok_or(CompareError::NotFound)?;
    let seen = look(app, actor, &row, details).await?;
    let seen = seen.into_iter().find(|seen| seen.person.id == person).ok_or(CompareError::NotAmong)?;
    let (vault, now, who, note) = (app.vault.clone(), app.clock.now_ms(), actor.clone(), note.trim().to_owned());
    let (tier, bits) = (seen.found.weighed.tier.name(), seen.found.weighed.bits);
    let mut new = seen.found.candidate(row.id, row.comparison_id, seen.model_version);
    // What was typed is not what the list says: nothing is to be learned about lists from it.
    new.signature = format!("{NAMED}{}", new.signature);
    new.verdict = "pending".to_owned();
    let (candidate, division) = (new.id, new.division_code.clone());
    let work = app.db.write::<Decided, CompareError, _>(move |tx| {
        Box::pin(async move {
            let locked = store::lock_row(tx, row.id, &who.scope).await?.ok_or(CompareError::NotFound)?;
            if locked.outcome == "matched" {
                return Err(CompareError::AlreadyDecided { outcome: locked.outcome });
            }
            let same = |c: &Candidate| c.subject == "person" && c.subject_id == person && c.verdict != "replaced";
            let known = store::candidates_of_rows(tx, &[row.id]).await?.into_iter().find(same);
            let chosen = match known {
                // Passed over before: the clerk's new word stands.
                Some(known) => {
                    store::set_verdict(tx, &[known.id], "pending", None, None, "").await?;
                    known.id
                }
                None => {
                    store::insert_candidates(tx, vec![new]).await?;
                    candidate
                }
            };
            audit::record(
                tx,
                &who,
                Entry {
                    action: "match.name",
                    object_kind: "list_row",
                    object_id: row.id.to_string(),
                    division_code: &division,
                    reason: &note,
                    detail: serde_json::json!({ "person": person, "tier": tier, "bits": bits }),
                },
                now,
            )
            .await?;
            decide_in(tx, &vault, &who, row.id, Some(chosen), Verdict::Confirm, &note, now).await
        })
    });
    let done = work.await?;
    onward(app, actor, &done.households).await?;
    Ok(done)
}

/// The division that the row is looked up in.
fn place<'a>(row: &'a ListRow, details: &'a Details) -> &'a str {
    if details.division.is_empty() { &row.division_code } else { &details.division }
}

/// The county, as far as it is this person's.
fn within(actor: &Actor, row: &ListRow, details: &Details) -> Result<Scope, CompareError> {
    let county = place(row, details).get(..6).ok_or(CompareError::NoCounty)?;
    actor.scope.narrow(county).ok_or(CompareError::NotFound)
}

/// The row as the list has it, with what was said in place of what it says.
fn row_with(app: &App, row: &ListRow, details: &Details) -> Result<lists::Row, CompareError> {
    let content = Content::open(&app.vault, &row.fields_enc)?;
    let (headers, cells): (Vec<String>, Vec<String>) = content.columns.into_iter().unzip();
    let mapping = lists::Mapping::of(&headers);
    let source = lists::source(&row.source).ok_or(CompareError::NotFound)?;
    let read = lists::read_row(source, &mapping, &headers, &row.sheet, row.line, &cells, app.clock.today());
    // A row that was purged of its columns, or cannot be read any more, still has its name.
    let mut out = read.unwrap_or_else(|_| lists::Row { name: row.name.clone(), ..lists::Row::default() });
    let wrong = |field, value: &str| CompareError::Detail { field, value: value.to_owned() };
    let said = |text: &str| codes::text::half_width(text).trim().to_owned();
    if !details.name.is_empty() {
        out.name = said(&details.name);
    }
    if !details.id.is_empty() {
        out.id = said(&details.id);
        // What the list says of the birth may be what was wrong with it.
        (out.birth, out.birth_year) = (None, None);
    }
    if !details.birth.is_empty() {
        let day = codes::date::read_date(&details.birth).map_err(|_| wrong("birth", &details.birth))?;
        (out.birth, out.birth_year) = (day.to_date(), Some(day.year));
    }
    if !details.phone.is_empty() {
        let phone = codes::phone::read(&details.phone).ok().and_then(|p| lists::digits_of(p.digits()));
        out.phone = Some(phone.ok_or_else(|| wrong("phone", &codes::phone::mask(&details.phone)))?);
    }
    if !details.division.is_empty() {
        out.household_no.clear();
    }
    Ok(out)
}
