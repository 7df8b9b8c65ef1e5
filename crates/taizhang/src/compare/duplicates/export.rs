//! Confirmed duplicates as a workbook, a sheet a county: which record stays, and where in which file the other one stands.

use std::collections::{BTreeMap, HashMap};

use rust_xlsxwriter::{Format, Workbook, XlsxError};
use uuid::Uuid;

use super::model::{Keep, Pair, PairFilter, Place};
use super::store;
use crate::access::audit::{self, Entry};
use crate::access::reveal::REASON_MOST;
use crate::access::{Actor, Capability, Scope};
use crate::compare::model::Person;
use crate::compare::{CompareError, store as compare_store};
use crate::platform::{App, Lang, Vault, clock, i18n};
use crate::register::Divisions;

/// Pairs that one file holds at the most.
pub const SHEET_MOST: i64 = 100_000;
/// Characters that a sheet's name may have.
const NAME_MOST: usize = 31;
const COLUMNS: [&str; 14] = [
    "left-place",
    "left-household",
    "left-no",
    "left-name",
    "left-id",
    "right-place",
    "right-household",
    "right-no",
    "right-name",
    "right-id",
    "keep",
    "correct",
    "where",
    "decided",
];

impl From<XlsxError> for CompareError {
    fn from(error: XlsxError) -> Self {
        Self::Broken(error.to_string())
    }
}

/// The confirmed duplicates with a person in a scope inside the actor's, numbers masked. Who took them out, and what for, is
/// in the audit log before the file leaves.
///
/// # Errors
/// The actor may not export, says no purpose, or the file cannot be made.
pub async fn export(
    app: &App,
    actor: &Actor,
    within: &Scope,
    purpose: &str,
    lang: Lang,
) -> Result<Vec<u8>, CompareError> {
    if !actor.may(Capability::Export) {
        return Err(CompareError::Forbidden);
    }
    let scope = actor.scope.narrow(within.root()).ok_or(CompareError::NotFound)?;
    let purpose = match purpose.trim() {
        "" => return Err(CompareError::NoPurpose),
        long if long.chars().count() > REASON_MOST => return Err(CompareError::PurposeLong),
        purpose => purpose.to_owned(),
    };
    let filter = PairFilter { verdict: "same".to_owned(), ..PairFilter::default() };
    let pairs = store::pairs(&app.db, &scope, &filter, SHEET_MOST, 0).await?;
    let ids: Vec<Uuid> = pairs.iter().flat_map(|p| [p.left_id, p.right_id]).collect();
    let people: HashMap<Uuid, Person> =
        compare_store::persons(&app.db, &ids, &actor.scope).await?.into_iter().map(|p| (p.id, p)).collect();
    let places: HashMap<Uuid, Place> =
        store::record_places(&app.db, &ids, &actor.scope).await?.into_iter().map(|p| (p.id, p)).collect();
    let divisions = Divisions::load(&app.db).await?;
    let mut by_county: BTreeMap<String, Vec<&Pair>> = BTreeMap::new();
    for pair in &pairs {
        let mut counties = [&pair.left_division, &pair.right_division]
            .into_iter()
            .filter(|code| scope.contains(code))
            .map(|code| code.get(..6).unwrap_or(code).to_owned())
            .collect::<Vec<_>>();
        counties.dedup();
        for county in counties {
            by_county.entry(county).or_default().push(pair);
        }
    }
    let known =
        Known { scope: &actor.scope, people: &people, places: &places, divisions: &divisions, vault: &app.vault, lang };
    let bytes = workbook(&by_county, &known)?;
    let detail = serde_json::json!({ "sheet": "duplicates", "division": scope.root(), "rows": pairs.len() });
    let (actor, now) = (actor.clone(), app.clock.now_ms());
    app.db
        .write::<(), CompareError, _>(move |tx| {
            Box::pin(async move {
                let entry = Entry {
                    action: "duplicate.export",
                    object_kind: "duplicate_pair",
                    object_id: String::new(),
                    division_code: scope.root(),
                    reason: &purpose,
                    detail,
                };
                Ok(audit::record(tx, &actor, entry, now).await?)
            })
        })
        .await?;
    Ok(bytes)
}

/// What the lines of the file are made from. Whoever lies outside the actor's scope is in none of it.
struct Known<'a> {
    scope: &'a Scope,
    people: &'a HashMap<Uuid, Person>,
    places: &'a HashMap<Uuid, Place>,
    divisions: &'a Divisions,
    vault: &'a Vault,
    lang: Lang,
}

impl Known<'_> {
    fn t(&self, key: &str) -> String {
        i18n::text(self.lang, key)
    }

    /// Place, household, number, name and masked ID of a person; only the county of one outside the scope.
    fn side(&self, id: Uuid, division: &str) -> Result<[String; 5], CompareError> {
        let place = |code: &str| self.divisions.full_name(code).unwrap_or(code).to_owned();
        if self.scope.contains(division) && !self.people.contains_key(&id) {
            let removed = self.t("duplicate-removed");
            return Ok([place(division), String::new(), String::new(), removed, String::new()]);
        }
        let Some(person) = self.people.get(&id) else {
            let outside =
                format!("{}{}", place(division.get(..6).unwrap_or(division)), self.t("duplicate-outside-mark"));
            return Ok([outside, String::new(), String::new(), String::new(), String::new()]);
        };
        let number = match &person.id_enc {
            Some(sealed) => codes::citizen_id::mask(&self.vault.open_text("person.id", sealed)?),
            None => String::new(),
        };
        Ok([
            place(&person.division_code),
            person.household_no.clone(),
            person.person_no.clone(),
            person.name.clone(),
            number,
        ])
    }

    fn line(&self, pair: &Pair) -> Result<Vec<String>, CompareError> {
        let mut cells = self.side(pair.left_id, &pair.left_division)?.to_vec();
        cells.extend(self.side(pair.right_id, &pair.right_division)?);
        let (keep, wrong) = match Keep::from_name(&pair.keep) {
            Keep::Left => (Some(pair.left_id), Some(pair.right_id)),
            Keep::Right => (Some(pair.right_id), Some(pair.left_id)),
            Keep::Unsaid => (None, None),
        };
        let number = |id: Option<Uuid>, unsaid: &str| match id {
            None => self.t(unsaid),
            Some(id) => self.people.get(&id).map_or_else(|| self.t("duplicate-outside"), |p| p.person_no.clone()),
        };
        cells.push(number(keep, "duplicate-keep-unsaid"));
        cells.push(number(wrong, "duplicate-keep-unsaid"));
        cells.push(wrong.and_then(|id| self.places.get(&id)).map(|p| record_place(p, self.lang)).unwrap_or_default());
        let when = pair.decided_at.map(|at| clock::local(at).format("%Y-%m-%d").to_string()).unwrap_or_default();
        cells.push(format!("{when} {}", pair.decided_name).trim().to_owned());
        Ok(cells)
    }
}

/// Where a record stands in its file, as a person looks for it.
pub(in crate::compare) fn record_place(place: &Place, lang: Lang) -> String {
    let sheet = if place.sheet.is_empty() { String::new() } else { format!(" · {}", place.sheet) };
    let words = [("file", format!("{}{sheet}", place.file_name)), ("line", place.line.to_string())];
    i18n::text_with(lang, "duplicate-record-place", &words)
}

fn workbook(by_county: &BTreeMap<String, Vec<&Pair>>, known: &Known<'_>) -> Result<Vec<u8>, CompareError> {
    let head = Format::new().set_bold().set_background_color(0x00E8_EEF0).set_text_wrap();
    let mut book = Workbook::new();
    let mut names = std::collections::HashSet::new();
    for (county, pairs) in by_county {
        let place = known.divisions.full_name(county).unwrap_or(county);
        let short: String = place.chars().rev().take(NAME_MOST - 8).collect::<Vec<_>>().into_iter().rev().collect();
        // Two counties of one name in two cities; and what a sheet may not be called is left out.
        let short: String = short.chars().filter(|c| !"[]:*?/\\'".contains(*c)).collect();
        let name = if names.insert(short.clone()) { short } else { format!("{short}{county}") };
        let sheet = book.add_worksheet().set_name(name)?;
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        for (column, key) in (0_u16..).zip(COLUMNS) {
            sheet.set_column_width(column, if key.ends_with("place") || key == "where" { 26.0 } else { 16.0 })?;
            sheet.write_string_with_format(0, column, known.t(&format!("duplicate-column-{key}")), &head)?;
        }
        for (row, pair) in (1_u32..).zip(pairs) {
            for (column, cell) in (0_u16..).zip(known.line(pair)?) {
                sheet.write_string(row, column, cell)?;
            }
        }
        sheet.set_freeze_panes(1, 0)?;
        sheet.set_repeat_rows(0, 0)?;
    }
    if by_county.is_empty() {
        book.add_worksheet().write_string(0, 0, known.t("duplicate-export-none"))?;
    }
    Ok(book.save_to_buffer()?)
}
