//! The SQL of following the findings: items are opened, reopened, struck, told of what changed, and handed over when the
//! household has another helper.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::model::{FINDING, Item, ItemChanges, Measure, State};
use super::open_store::{self, Opening};
use super::store::{ITEM_COLUMNS, NewEvent, append, take_numbers, update};
use crate::access::Scope;
use crate::args;
use crate::assess::model::{EndReason, Evidence};
use crate::assess::profile::{OwnerLevel, Profile, Rule, WhenEnded};
use crate::assess::{self, FINDING_COLUMNS, Finding, Frame, places};
use crate::platform::{Db, DbError, Tx, Value, ids};

/// Who owns the items of some households.
struct Owners {
    /// Helpers of a household, whoever is in charge first.
    helpers: HashMap<Uuid, Vec<(Uuid, String)>>,
    names: HashMap<String, String>,
}

impl Owners {
    async fn of(tx: &mut Tx, households: &[Uuid], divisions: &[String], day: NaiveDate) -> Result<Self, DbError> {
        let mut helpers: HashMap<Uuid, Vec<(Uuid, String)>> = HashMap::new();
        for chunk in households.chunks(500) {
            // Whoever came last is in charge; where a file gives no beginning, the day of the file stands for it.
            let sql = format!(
                "SELECT household_id, id, name FROM helper
                 WHERE household_id IN ({}) AND (end_date = '' OR end_date >= $1)
                 ORDER BY CASE WHEN start_date = '' THEN as_of ELSE start_date END DESC, as_of DESC, id DESC",
                places(2, chunk.len())
            );
            let mut args = args![day];
            args.extend(chunk.iter().map(Value::from));
            let rows: Vec<(Uuid, Uuid, String)> = tx.all(AssertSqlSafe(sql), args).await?;
            for (household, id, name) in rows {
                helpers.entry(household).or_default().push((id, name));
            }
        }
        let mut codes: Vec<String> =
            divisions.iter().flat_map(|code| [9, 12].map(|n| code.get(..n).unwrap_or(code).to_owned())).collect();
        codes.sort_unstable();
        codes.dedup();
        let mut names = HashMap::new();
        for chunk in codes.chunks(500) {
            let sql = format!("SELECT code, name FROM division WHERE code IN ({})", places(1, chunk.len()));
            let rows: Vec<(String, String)> =
                tx.all(AssertSqlSafe(sql), chunk.iter().map(Value::from).collect()).await?;
            names.extend(rows);
        }
        Ok(Self { helpers, names })
    }

    async fn of_findings(tx: &mut Tx, findings: &[Finding], day: NaiveDate) -> Result<Self, DbError> {
        let households: HashSet<Uuid> = findings.iter().filter_map(|f| f.household_id).collect();
        let divisions: HashSet<String> = findings.iter().map(|f| f.division_code.clone()).collect();
        let (households, divisions): (Vec<_>, Vec<_>) =
            (households.into_iter().collect(), divisions.into_iter().collect());
        Self::of(tx, &households, &divisions, day).await
    }

    /// The helper to answer for an item: not one whom the item is about, who may be lying ill.
    fn helper(&self, household: Option<Uuid>, rests_on: &str) -> Option<&(Uuid, String)> {
        let all = self.helpers.get(&household?)?;
        // Few findings are about a helper, and the others need not be read.
        let about: Vec<Uuid> = if rests_on.contains("\"helper\"") {
            evidence(rests_on).into_iter().filter_map(|fact| fact.carrier()).collect()
        } else {
            Vec::new()
        };
        let ill: Vec<&str> = all.iter().filter(|(id, _)| about.contains(id)).map(|(_, name)| name.as_str()).collect();
        // Another row of the same name is the same person, registered twice.
        all.iter().find(|(id, name)| !about.contains(id) && !ill.contains(&name.as_str()))
    }

    fn hand_over(&self, item: &mut Item) {
        let helper = self.helper(item.household_id, &item.finding_evidence).cloned();
        item.helper_id = helper.as_ref().map(|(id, _)| *id);
        item.owner_name = helper.map(|(_, name)| name).unwrap_or_default();
    }

    fn give(&self, item: &mut Item, level: OwnerLevel) {
        let digits = match level {
            OwnerLevel::Township => 9,
            OwnerLevel::Village => 12,
        };
        item.owner_division = item.division_code.get(..digits).unwrap_or(&item.division_code).to_owned();
        item.owner_unit = self.names.get(&item.owner_division).cloned().unwrap_or_else(|| item.owner_division.clone());
        self.hand_over(item);
    }
}

fn evidence(json: &str) -> Vec<Evidence> {
    serde_json::from_str(json).unwrap_or_default()
}

fn fresh_measures(rule: &Rule) -> String {
    let list: Vec<Measure> = rule
        .measures
        .iter()
        .map(|id| Measure {
            id: id.clone(),
            required: true,
            done: false,
            done_by: String::new(),
            done_at: None,
            note: String::new(),
        })
        .collect();
    serde_json::to_string(&list).unwrap_or_else(|_| "[]".to_owned())
}

fn deadline(profile: &Profile, ledger: &str, level: &str, day: NaiveDate) -> String {
    // A run begins only where every deadline of its day can be told.
    let told = profile.ledgers.get(ledger).and_then(|l| l.deadline(level, day).ok().flatten());
    told.unwrap_or(day).to_string()
}

/// Brings the items of some households in line with their findings. The caller has the turn.
pub(crate) async fn follow(tx: &mut Tx, frame: &Frame, households: &[Uuid]) -> Result<ItemChanges, DbError> {
    let mut changes = ItemChanges::default();
    let columns: Vec<String> = FINDING_COLUMNS.split(", ").map(|c| format!("f.{}", c.trim())).collect();
    let sql = format!(
        "SELECT {} FROM finding f LEFT JOIN item i ON i.source_key = f.finding_key
         WHERE f.household_id IN ({}) AND ((i.id IS NULL AND f.state = 'open') OR i.finding_version <> f.version)
         ORDER BY f.division_code, f.finding_key",
        columns.join(", "),
        places(1, households.len())
    );
    let findings: Vec<Finding> = tx.all(AssertSqlSafe(sql), households.iter().map(Value::from).collect()).await?;
    if !findings.is_empty() {
        follow_all(tx, frame, &findings, &mut changes).await?;
    }
    hand_over(tx, frame, households, &mut changes).await?;
    Ok(changes)
}

async fn follow_all(
    tx: &mut Tx,
    frame: &Frame,
    findings: &[Finding],
    changes: &mut ItemChanges,
) -> Result<(), DbError> {
    let owners = Owners::of_findings(tx, findings, frame.day).await?;
    let mut items: HashMap<String, Item> = HashMap::new();
    for chunk in findings.chunks(500) {
        // Held before they are read: nobody changes them between this look and what follows from it.
        let keys: Vec<Value> = chunk.iter().map(|f| Value::from(&f.finding_key)).collect();
        let sql = format!("UPDATE item SET version = version WHERE source_key IN ({})", places(1, chunk.len()));
        tx.run(AssertSqlSafe(sql), keys).await?;
        let sql = format!("SELECT {ITEM_COLUMNS} FROM item WHERE source_key IN ({})", places(1, chunk.len()));
        let rows: Vec<Item> =
            tx.all(AssertSqlSafe(sql), chunk.iter().map(|f| Value::from(&f.finding_key)).collect()).await?;
        items.extend(rows.into_iter().filter_map(|item| Some((item.source_key.clone()?, item))));
    }
    let mut new: Vec<(&Finding, &Rule, &str)> = Vec::new();
    for finding in findings {
        match items.remove(&finding.finding_key) {
            Some(item) => follow_one(tx, frame, &owners, item, finding, changes).await?,
            None => {
                if let Some(rule) = frame.profile.rule(&finding.rule_id)
                    && let Some(ledger) = rule.ledger.as_deref()
                {
                    new.push((finding, rule, ledger));
                }
            }
        }
    }
    changes.opened += new.len() as u64;
    open_all(tx, frame, &owners, &new).await
}

/// Gives the open items of some households to the helper who is in charge today.
async fn hand_over(tx: &mut Tx, frame: &Frame, households: &[Uuid], changes: &mut ItemChanges) -> Result<(), DbError> {
    let items: Vec<Item> = {
        let sql = format!(
            "SELECT {ITEM_COLUMNS} FROM item
             WHERE household_id IN ({}) AND source_key IS NOT NULL AND state NOT IN ('closed', 'cancelled') ORDER BY id",
            places(1, households.len())
        );
        tx.all(AssertSqlSafe(sql), households.iter().map(Value::from).collect()).await?
    };
    if items.is_empty() {
        return Ok(());
    }
    let of: HashSet<Uuid> = items.iter().filter_map(|item| item.household_id).collect();
    let owners = Owners::of(tx, &of.into_iter().collect::<Vec<_>>(), &[], frame.day).await?;
    for seen in items {
        let mut item = seen.clone();
        owners.hand_over(&mut item);
        if (item.helper_id, &item.owner_name) == (seen.helper_id, &seen.owner_name) {
            continue;
        }
        // Somebody else changed it since it was read: the next run hands it over.
        if !update(tx, &item, seen.version, frame.now).await? {
            continue;
        }
        // A new row of the same person is no news.
        if item.owner_name == seen.owner_name {
            continue;
        }
        changes.handed_over += 1;
        let event = NewEvent {
            id: ids::new_id(),
            item: &item,
            at: frame.now,
            day: frame.day,
            division: &item.division_code,
            household: item.household_id,
            actor_id: None,
            actor_name: "",
            action: "owner",
            from: &item.state,
            to: &item.state,
            note: "",
            data: serde_json::json!({ "from": seen.owner_name, "to": item.owner_name }),
            payload: "",
        };
        append(tx, event).await?;
    }
    Ok(())
}

/// What an open item says of its owner: household, helper, their name, what its finding rests on.
type Owned = (Uuid, Option<Uuid>, String, String);

/// Households of a scope with an open item whose helper is another one today.
pub(crate) async fn households_to_hand_over(db: &Db, scope: &Scope, day: NaiveDate) -> Result<Vec<Uuid>, DbError> {
    let rows: Vec<(Uuid,)> = db
        .all(
            "SELECT DISTINCT household_id FROM item
             WHERE household_id IS NOT NULL AND source_key IS NOT NULL AND state NOT IN ('closed', 'cancelled')
               AND division_code >= $1 AND division_code < $2 ORDER BY household_id",
            args![scope.lo(), scope.hi()],
        )
        .await?;
    let mut out = Vec::new();
    for chunk in rows.chunks(500) {
        let ids: Vec<Uuid> = chunk.iter().map(|row| row.0).collect();
        let mut tx = db.snapshot().await?;
        let sql = format!(
            "SELECT household_id, helper_id, owner_name, finding_evidence FROM item
             WHERE household_id IN ({}) AND source_key IS NOT NULL AND state NOT IN ('closed', 'cancelled')",
            places(1, ids.len())
        );
        let items: Vec<Owned> = tx.all(AssertSqlSafe(sql), ids.iter().map(Value::from).collect()).await?;
        let owners = Owners::of(&mut tx, &ids, &[], day).await?;
        let other = |(household, helper, name, rests_on): &Owned| {
            let now = owners.helper(Some(*household), rests_on);
            *helper != now.map(|(id, _)| *id) || *name != now.map_or("", |(_, name)| name.as_str())
        };
        out.extend(items.iter().filter(|item| other(item)).map(|item| item.0));
    }
    out.dedup();
    Ok(out)
}

/// Households with an open item of which an import brought a helper.
pub(crate) async fn households_helped(db: &Db, import: Uuid) -> Result<Vec<Uuid>, DbError> {
    let rows: Vec<(Uuid,)> = db
        .all(
            "SELECT DISTINCT i.household_id FROM item i JOIN helper k ON k.household_id = i.household_id
             WHERE i.state NOT IN ('closed', 'cancelled') AND k.import_id = $1",
            args![import],
        )
        .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

async fn open_all(tx: &mut Tx, frame: &Frame, owners: &Owners, new: &[(&Finding, &Rule, &str)]) -> Result<(), DbError> {
    let year: i64 = i64::from(chrono::Datelike::year(&frame.day));
    let mut wanted: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for (finding, _, ledger) in new {
        *wanted.entry((ledger, finding.division_code.get(..6).unwrap_or(&finding.division_code))).or_default() += 1;
    }
    let mut next: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for ((ledger, county), n) in wanted {
        let last = take_numbers(tx, ledger, county, year, n).await?;
        next.insert((ledger, county), last - n);
    }
    let mut opened = Vec::with_capacity(new.len());
    for (finding, rule, ledger) in new {
        let county = finding.division_code.get(..6).unwrap_or(&finding.division_code);
        let Some(number) = next.get_mut(&(*ledger, county)) else {
            continue;
        };
        *number += 1;
        let Some(policy) = frame.profile.ledgers.get(*ledger) else {
            continue;
        };
        let mut item = Item {
            id: ids::new_id(),
            number: format!("{}-{county}-{year}-{number:04}", policy.number_prefix),
            ledger: (*ledger).to_owned(),
            source: FINDING.to_owned(),
            source_key: Some(finding.finding_key.clone()),
            finding_id: Some(finding.id),
            rule_id: rule.id.clone(),
            household_id: finding.household_id,
            person_id: finding.person_id,
            division_code: finding.division_code.clone(),
            title: rule.title.to_json(),
            level: finding.level.clone(),
            state: State::ToVerify.name().to_owned(),
            round: 1,
            owner_unit: String::new(),
            owner_division: String::new(),
            owner_name: String::new(),
            helper_id: None,
            assignee_id: None,
            deadline: deadline(&frame.profile, ledger, &finding.level, frame.day),
            measures: fresh_measures(rule),
            submitted_by: None,
            checked_by: None,
            version: 1,
            profile_id: frame.profile_id,
            finding_version: finding.version,
            episode: finding.episode,
            opened_on: frame.day.to_string(),
            closed_on: String::new(),
            updated_at: frame.now,
            finding_evidence: finding.evidence.clone(),
        };
        owners.give(&mut item, policy.owner_level);
        let data = serde_json::json!({ "rule": rule.id, "since": finding.since });
        opened.push(Opening { item, data });
    }
    open_store::open_all(tx, opened, None, frame.day, frame.now).await
}

async fn follow_one(
    tx: &mut Tx,
    frame: &Frame,
    owners: &Owners,
    mut item: Item,
    finding: &Finding,
    changes: &mut ItemChanges,
) -> Result<(), DbError> {
    let seen = item.version;
    let before = item.state();
    let rule = frame.profile.rule(&finding.rule_id);
    let owner_level = frame.profile.ledgers.get(&item.ledger).map_or(OwnerLevel::Township, |l| l.owner_level);
    let (old_division, old_household) = (item.division_code.clone(), item.household_id);
    let holds = finding.state == "open";
    let back = holds && finding.episode > item.episode;
    let now = if holds { finding.evidence.clone() } else { "[]".to_owned() };
    let reason: Option<EndReason> = if holds { None } else { serde_json::from_str(&finding.end_reason).ok() };
    // A rule or household that is gone says it all; else it is told which fact made the difference.
    let changed = match &reason {
        Some(EndReason::RuleGone | EndReason::HouseholdGone) => Vec::new(),
        _ => {
            let before = evidence(&item.finding_evidence);
            assess::explain(tx, &frame.profile, &finding.rule_id, &before, &evidence(&now)).await?
        }
    };
    let mut data = serde_json::json!({ "finding_version": finding.version, "changes": changed });
    if item.level != finding.level {
        data["level_was"] = item.level.clone().into();
        data["level"] = finding.level.clone().into();
    }
    if item.household_id != finding.household_id {
        data["household_was"] = serde_json::json!(item.household_id);
    }
    item.finding_evidence = now;
    item.household_id = finding.household_id;
    item.level = finding.level.clone();
    item.division_code = finding.division_code.clone();
    if item.division_code != old_division {
        owners.give(&mut item, owner_level);
    }
    let action = if back && !before.is_open() {
        item.state = State::ToVerify.name().to_owned();
        item.round += 1;
        item.assignee_id = None;
        item.submitted_by = None;
        item.checked_by = None;
        item.closed_on = String::new();
        item.deadline = deadline(&frame.profile, &item.ledger, &finding.level, frame.day);
        if let Some(rule) = rule {
            item.measures = fresh_measures(rule);
        }
        owners.give(&mut item, owner_level);
        changes.reopened += 1;
        "reopen"
    } else if !holds {
        data["end"] = serde_json::json!(reason);
        let strike = match &reason {
            Some(EndReason::Withdrawn { .. }) => true,
            Some(EndReason::Superseded { .. } | EndReason::Changed) => {
                rule.is_some_and(|r| r.when_ended == WhenEnded::Cancel)
            }
            _ => false,
        };
        if strike && before.is_open() {
            item.state = State::Cancelled.name().to_owned();
            item.closed_on = frame.day.to_string();
            changes.cancelled += 1;
            "cancel"
        } else {
            changes.noted += 1;
            "signal"
        }
    } else {
        changes.noted += 1;
        "signal"
    };
    if holds {
        item.episode = finding.episode;
    }
    item.finding_version = finding.version;
    if !update(tx, &item, seen, frame.now).await? {
        return Err(DbError::NotFound);
    }
    let after = item.state.clone();
    let event = |action, from, to, (division, household), data| NewEvent {
        id: ids::new_id(),
        item: &item,
        at: frame.now,
        day: frame.day,
        division,
        household,
        actor_id: None,
        actor_name: "",
        action,
        from,
        to,
        note: "",
        data,
        payload: "",
    };
    let (old, new) = ((old_division.as_str(), old_household), (item.division_code.as_str(), item.household_id));
    if old != new && before.is_open() {
        let to = serde_json::json!({ "to": item.division_code, "household": old.0 == new.0 });
        let from = serde_json::json!({ "from": old_division, "household": old.0 == new.0 });
        append(tx, event("move_out", before.name(), before.name(), old, to)).await?;
        append(tx, event("move_in", before.name(), before.name(), new, from)).await?;
    }
    append(tx, event(action, before.name(), &after, new, data)).await
}
