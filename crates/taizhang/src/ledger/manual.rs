//! Items that people open, not findings or lists: what a dispatch session demands, what a check on site finds.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use uuid::Uuid;

use super::model::{Item, State};
use super::open_store::{self, Opening};
use super::store;
use crate::access::Actor;
use crate::assess::profile::OwnerLevel;
use crate::assess::{AssessError, LoadedProfile};
use crate::platform::{Lang, Tx};
use crate::register::Divisions;

/// Characters of a text that an item is called by.
const TITLE: usize = 60;

/// An item to be opened.
#[derive(Debug, Clone)]
pub(crate) struct NewItem {
    /// Its id.
    pub(crate) id: Uuid,
    /// Kind of ledger of the profile.
    pub(crate) ledger: &'static str,
    /// 问题来源.
    pub(crate) source: &'static str,
    /// Where the problem lies: a county or a place below it.
    pub(crate) division: String,
    /// What is to be done, the same in both languages; its beginning is what the item is called.
    pub(crate) text: String,
    /// severe | affected | notice.
    pub(crate) level: &'static str,
    /// 责任单位; the township or county where empty.
    pub(crate) owner_unit: String,
    /// 责任人.
    pub(crate) owner_name: String,
    /// The deadline; the ledger's term of the level where none.
    pub(crate) due: Option<NaiveDate>,
    /// What its first event says.
    pub(crate) data: serde_json::Value,
}

/// Opens items. The caller has seen to it that the actor may, and where.
///
/// # Errors
/// A deadline reaches into a year whose working days are not known, or the database fails.
pub(crate) async fn open_items(
    tx: &mut Tx,
    loaded: &LoadedProfile,
    divisions: &Divisions,
    actor: &Actor,
    new: Vec<NewItem>,
    (day, now): (NaiveDate, i64),
) -> Result<(), AssessError> {
    let year = i64::from(day.year());
    let county = |division: &str| division.get(..6).unwrap_or(division).to_owned();
    let mut wanted: BTreeMap<(&'static str, String), i64> = BTreeMap::new();
    for one in &new {
        *wanted.entry((one.ledger, county(&one.division))).or_default() += 1;
    }
    let mut next = BTreeMap::new();
    for ((ledger, county), n) in wanted {
        let last = store::take_numbers(tx, ledger, &county, year, n).await?;
        next.insert((ledger, county), last - n);
    }
    let mut openings = Vec::with_capacity(new.len());
    for one in new {
        let policy = loaded.profile.ledgers.get(one.ledger);
        let county = county(&one.division);
        let number = next.entry((one.ledger, county.clone())).or_default();
        *number += 1;
        let owner = match policy.map(|policy| policy.owner_level) {
            Some(OwnerLevel::Village) => 12,
            Some(OwnerLevel::Township) | None => 9,
        };
        let owner_division = one.division.get(..owner).unwrap_or(&one.division).to_owned();
        let told = || divisions.name(&owner_division).unwrap_or(&owner_division).to_owned();
        let term = policy.map(|policy| policy.deadline(one.level, day)).transpose()?.flatten();
        let prefix = policy.map_or(one.ledger, |policy| policy.number_prefix.as_str());
        let mut title: String = one.text.chars().take(TITLE).collect();
        let mut data = one.data;
        if one.text.chars().count() > TITLE {
            title.push('…');
            data["text"] = one.text.into();
        }
        let item = Item {
            id: one.id,
            number: format!("{prefix}-{county}-{year}-{number:04}"),
            ledger: one.ledger.to_owned(),
            source: one.source.to_owned(),
            source_key: None,
            finding_id: None,
            rule_id: String::new(),
            household_id: None,
            person_id: None,
            title: serde_json::json!({ Lang::Zh.tag(): title, Lang::En.tag(): title }).to_string(),
            level: one.level.to_owned(),
            state: State::ToVerify.name().to_owned(),
            round: 1,
            owner_unit: if one.owner_unit.is_empty() { told() } else { one.owner_unit },
            owner_division,
            owner_name: one.owner_name,
            helper_id: None,
            assignee_id: None,
            deadline: one.due.or(term).unwrap_or(day).to_string(),
            measures: "[]".to_owned(),
            submitted_by: None,
            checked_by: None,
            version: 1,
            profile_id: loaded.id,
            finding_version: 0,
            episode: 0,
            opened_on: day.to_string(),
            closed_on: String::new(),
            updated_at: now,
            finding_evidence: "[]".to_owned(),
            division_code: one.division,
        };
        openings.push(Opening { item, data });
    }
    open_store::open_all(tx, openings, Some((actor.user_id, actor.name.as_str())), day, now).await?;
    Ok(())
}
