//! The SQL of opening items, many at once: the item, its first event, and the count in the books.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::model::Item;
use super::store::{ROLLUP_HEAD, ROLLUP_TAIL};
use crate::args;
use crate::platform::{DbError, Tx, ids};

/// An item to be opened, and what its first event says.
pub(super) struct Opening {
    pub(super) item: Item,
    pub(super) data: serde_json::Value,
}

/// Opens items that no transaction has seen before. `by` is who opens them; nobody where a finding does.
pub(super) async fn open_all(
    tx: &mut Tx,
    new: Vec<Opening>,
    by: Option<(Option<Uuid>, &str)>,
    day: NaiveDate,
    now: i64,
) -> Result<(), DbError> {
    let (actor_id, actor_name) = by.unwrap_or((None, ""));
    let mut item_rows = Vec::with_capacity(new.len());
    let mut event_rows = Vec::with_capacity(new.len());
    let mut moved: BTreeMap<(String, String, String), i64> = BTreeMap::new();
    for Opening { item, data } in new {
        event_rows.push(args![
            ids::new_id(),
            item.id,
            1_i64,
            1_i64,
            now,
            day,
            &item.division_code,
            actor_id,
            actor_name,
            "open",
            "",
            &item.state,
            "",
            data.to_string(),
            &item.ledger,
            &item.source,
            item.household_id,
            item.person_id
        ]);
        *moved.entry((item.ledger.clone(), item.source.clone(), item.division_code.clone())).or_default() += 1;
        item_rows.push(args![
            item.id,
            item.number,
            item.ledger,
            item.source,
            item.source_key,
            item.finding_id,
            item.rule_id,
            item.household_id,
            item.person_id,
            item.division_code,
            item.title,
            item.level,
            item.state,
            item.round,
            item.owner_unit,
            item.owner_division,
            item.owner_name,
            item.helper_id,
            item.deadline,
            item.measures,
            item.version,
            item.profile_id,
            item.finding_version,
            item.episode,
            now,
            item.opened_on,
            now,
            item.finding_evidence
        ]);
    }
    tx.insert_many(
        "INSERT INTO item (id, number, ledger, source, source_key, finding_id, rule_id, household_id, person_id, division_code,
                           title, level, state, round, owner_unit, owner_division, owner_name, helper_id, deadline, measures,
                           version, profile_id, finding_version, episode, opened_at, opened_on, updated_at, finding_evidence)",
        "",
        item_rows,
    )
    .await?;
    tx.insert_many(
        "INSERT INTO item_event (id, item_id, seq, round, at, day, division_code, actor_id, actor_name, action, from_state,
                                 to_state, note, data, ledger, source, household_id, person_id)",
        "",
        event_rows,
    )
    .await?;
    let rows = moved
        .into_iter()
        .map(|((ledger, source, division), n)| {
            args![ledger, source, division, day, n, 0_i64, 0_i64, 0_i64, 0_i64, 0_i64]
        })
        .collect();
    tx.insert_many(ROLLUP_HEAD, ROLLUP_TAIL, rows).await?;
    Ok(())
}
