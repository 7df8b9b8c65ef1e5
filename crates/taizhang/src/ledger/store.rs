//! All SQL of the ledger.

use std::collections::{BTreeMap, HashMap};

use chrono::{Days, NaiveDate};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::model::{
    Assignable, Attachment, Counts, Event, Filter, Imbalance, Item, ItemChanges, Line, Measure, Movement,
    Reconciliation, SOON_DAYS, Sort, State, Which,
};
use crate::access::{Actor, Role, Scope};
use crate::args;
use crate::assess::model::EndReason;
use crate::assess::profile::{OwnerLevel, Profile, Rule, WhenEnded};
use crate::assess::{FINDING_COLUMNS, Finding, Frame, places};
use crate::platform::{Db, DbError, Tx, Value, ids};

const ITEM_COLUMNS: &str = "id, number, ledger, source_key, finding_id, rule_id, household_id, person_id, division_code, title, level, state, \
     round, owner_unit, owner_division, owner_name, helper_id, assignee_id, deadline, measures, submitted_by, checked_by, \
     version, profile_id, finding_version, episode, opened_on, closed_on, updated_at";

/// Who may see an item at all: everybody in scope, but a helper only what was assigned to them.
fn own_only(actor: &Actor) -> Option<Uuid> {
    (actor.role == Role::Helper && !actor.is_machine).then(|| actor.user_id.unwrap_or_else(Uuid::nil))
}

pub(super) fn visible(actor: &Actor, item: &Item) -> bool {
    actor.scope.contains(&item.division_code) && own_only(actor).is_none_or(|id| item.assignee_id == Some(id))
}

pub(super) async fn item(db: &Db, actor: &Actor, id: Uuid) -> Result<Option<Item>, DbError> {
    let sql = format!("SELECT {ITEM_COLUMNS} FROM item WHERE id = $1 AND division_code >= $2 AND division_code < $3");
    let found: Option<Item> = db.maybe(AssertSqlSafe(sql), args![id, actor.scope.lo(), actor.scope.hi()]).await?;
    Ok(found.filter(|item| visible(actor, item)))
}

pub(super) async fn item_in(tx: &mut Tx, actor: &Actor, id: Uuid) -> Result<Option<Item>, DbError> {
    let sql = format!("SELECT {ITEM_COLUMNS} FROM item WHERE id = $1 AND division_code >= $2 AND division_code < $3");
    let found: Option<Item> = tx.maybe(AssertSqlSafe(sql), args![id, actor.scope.lo(), actor.scope.hi()]).await?;
    Ok(found.filter(|item| visible(actor, item)))
}

pub(super) async fn events(db: &Db, item: Uuid) -> Result<Vec<Event>, DbError> {
    db.all(
        "SELECT id, seq, round, at, actor_id, actor_name, action, from_state, to_state, note, data FROM item_event
         WHERE item_id = $1 ORDER BY seq DESC",
        args![item],
    )
    .await
}

/// The item that an event belongs to, if there is such an event.
pub(super) async fn event_item(tx: &mut Tx, event: Uuid) -> Result<Option<(Uuid, String)>, DbError> {
    tx.maybe("SELECT item_id, action FROM item_event WHERE id = $1", args![event]).await
}

/// Who changed the item last, and when.
pub(super) async fn last_change(tx: &mut Tx, item: Uuid) -> Result<Option<(String, i64)>, DbError> {
    tx.maybe("SELECT actor_name, at FROM item_event WHERE item_id = $1 ORDER BY seq DESC LIMIT 1", args![item]).await
}

/// Whether a user had a hand in the work of this round.
pub(super) async fn had_a_hand(tx: &mut Tx, item: Uuid, round: i64, user: Uuid) -> Result<bool, DbError> {
    let row: (i64,) = tx
        .one(
            "SELECT COUNT(*) FROM item_event
             WHERE item_id = $1 AND round = $2 AND actor_id = $3
               AND (action IN ('start', 'progress', 'measure', 'submit')
                    OR (action = 'attach' AND from_state <> 'checking'))",
            args![item, round, user],
        )
        .await?;
    Ok(row.0 > 0)
}

pub(super) async fn assignable_in(tx: &mut Tx, user: Uuid) -> Result<Option<Assignable>, DbError> {
    tx.maybe("SELECT id, name, unit, role, division_code FROM app_user WHERE id = $1 AND disabled = FALSE", args![user])
        .await
}

/// Users who may work an item of a division: those of its county whose own division holds it.
pub(super) async fn assignable(db: &Db, division: &str) -> Result<Vec<Assignable>, DbError> {
    let county = Scope::subtree(division.get(..6).unwrap_or(division));
    let users: Vec<Assignable> = db
        .all(
            "SELECT id, name, unit, role, division_code FROM app_user
             WHERE disabled = FALSE AND division_code >= $1 AND division_code < $2
             ORDER BY LENGTH(division_code) DESC, name, login",
            args![county.lo(), county.hi()],
        )
        .await?;
    Ok(users.into_iter().filter(|user| super::may_be_assigned(user, division)).collect())
}

pub(super) async fn user_name(db: &Db, id: Option<Uuid>) -> Result<String, DbError> {
    let Some(id) = id else {
        return Ok(String::new());
    };
    let row: Option<(String,)> = db.maybe("SELECT name FROM app_user WHERE id = $1", args![id]).await?;
    Ok(row.map(|r| r.0).unwrap_or_default())
}

/// Writes the changed item; false if somebody else changed it first.
pub(super) async fn update(tx: &mut Tx, item: &Item, seen: i64, now: i64) -> Result<bool, DbError> {
    let touched = tx
        .run(
            "UPDATE item SET state = $3, round = $4, owner_unit = $5, owner_division = $6, owner_name = $7, helper_id = $8,
                    assignee_id = $9, deadline = $10, measures = $11, submitted_by = $12, checked_by = $13,
                    submitted_at = CASE WHEN $3 = 'submitted' THEN $14 ELSE submitted_at END,
                    checked_at = CASE WHEN $3 IN ('closed', 'returned') THEN $14 ELSE checked_at END,
                    finding_version = $15, episode = $16, closed_on = $17, division_code = $18, level = $19,
                    household_id = $20, updated_at = $14, version = version + 1
             WHERE id = $1 AND version = $2",
            args![
                item.id,
                seen,
                &item.state,
                item.round,
                &item.owner_unit,
                &item.owner_division,
                &item.owner_name,
                item.helper_id,
                item.assignee_id,
                &item.deadline,
                &item.measures,
                item.submitted_by,
                item.checked_by,
                now,
                item.finding_version,
                item.episode,
                &item.closed_on,
                &item.division_code,
                &item.level,
                item.household_id
            ],
        )
        .await?;
    Ok(touched == 1)
}

/// Holds the item until the transaction ends.
pub(super) async fn hold(tx: &mut Tx, item: Uuid, now: i64) -> Result<(), DbError> {
    tx.run("UPDATE item SET updated_at = $2 WHERE id = $1", args![item, now]).await?;
    Ok(())
}

/// What an event says.
#[derive(Debug, Clone)]
pub(super) struct NewEvent<'a> {
    pub(super) id: Uuid,
    pub(super) item: Uuid,
    pub(super) round: i64,
    pub(super) at: i64,
    pub(super) day: NaiveDate,
    pub(super) division: &'a str,
    pub(super) actor_id: Option<Uuid>,
    pub(super) actor_name: &'a str,
    pub(super) action: &'a str,
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) note: &'a str,
    pub(super) data: serde_json::Value,
}

/// Appends an event to an item that this transaction holds, and counts it.
pub(super) async fn append(tx: &mut Tx, ledger: &str, event: NewEvent<'_>) -> Result<(), DbError> {
    let (seq,): (i64,) = tx
        .one("SELECT CAST(COALESCE(MAX(seq), 0) + 1 AS BIGINT) FROM item_event WHERE item_id = $1", args![event.item])
        .await?;
    tx.run(
        "INSERT INTO item_event (id, item_id, seq, round, at, day, division_code, actor_id, actor_name, action, from_state,
                                 to_state, note, data)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        args![
            event.id,
            event.item,
            seq,
            event.round,
            event.at,
            event.day,
            event.division,
            event.actor_id,
            event.actor_name,
            event.action,
            event.from,
            event.to,
            event.note,
            event.data.to_string()
        ],
    )
    .await?;
    let movement = movement_of(event.action, event.from, event.to);
    count(tx, ledger, event.division, event.day, &movement).await
}

/// How an event moves the books.
fn movement_of(action: &str, from: &str, to: &str) -> Movement {
    let open = |state: &str| State::from_name(state).is_some_and(State::is_open);
    let mut out = Movement::default();
    match action {
        "open" => out.opened = 1,
        "move_in" => out.moved_in = 1,
        "move_out" => out.moved_out = 1,
        _ if !open(from) && open(to) => out.reopened = 1,
        _ if open(from) && to == "closed" => out.closed = 1,
        _ if open(from) && to == "cancelled" => out.cancelled = 1,
        _ => {}
    }
    out
}

async fn count(tx: &mut Tx, ledger: &str, division: &str, day: NaiveDate, m: &Movement) -> Result<(), DbError> {
    if *m == Movement::default() {
        return Ok(());
    }
    let row = args![ledger, division, day, m.opened, m.reopened, m.closed, m.cancelled, m.moved_in, m.moved_out];
    tx.insert_many(ROLLUP_HEAD, ROLLUP_TAIL, vec![row]).await?;
    Ok(())
}

const ROLLUP_HEAD: &str =
    "INSERT INTO item_rollup (ledger, division_code, day, opened, reopened, closed, cancelled, moved_in, moved_out)";
const ROLLUP_TAIL: &str = "ON CONFLICT (ledger, division_code, day) DO UPDATE SET
    opened = item_rollup.opened + excluded.opened, reopened = item_rollup.reopened + excluded.reopened,
    closed = item_rollup.closed + excluded.closed, cancelled = item_rollup.cancelled + excluded.cancelled,
    moved_in = item_rollup.moved_in + excluded.moved_in, moved_out = item_rollup.moved_out + excluded.moved_out";

/// Takes `n` running numbers; the last of them.
async fn take_numbers(tx: &mut Tx, ledger: &str, county: &str, year: i64, n: i64) -> Result<i64, DbError> {
    let row: (i64,) = tx
        .one(
            "INSERT INTO item_number (ledger, county_code, year, last) VALUES ($1, $2, $3, $4)
             ON CONFLICT (ledger, county_code, year) DO UPDATE SET last = item_number.last + excluded.last
             RETURNING last",
            args![ledger, county, year, n],
        )
        .await?;
    Ok(row.0)
}

/// Who owns the items of some households.
struct Owners {
    helpers: HashMap<Uuid, (Uuid, String)>,
    names: HashMap<String, String>,
}

impl Owners {
    async fn of(tx: &mut Tx, findings: &[Finding], frame: &Frame) -> Result<Self, DbError> {
        let mut households: Vec<Uuid> = findings.iter().filter_map(|f| f.household_id).collect();
        households.sort_unstable();
        households.dedup();
        let mut helpers = HashMap::new();
        for chunk in households.chunks(500) {
            let sql = format!(
                "SELECT household_id, id, name FROM helper
                 WHERE household_id IN ({}) AND (end_date = '' OR end_date >= $1) ORDER BY start_date, id",
                places(2, chunk.len())
            );
            let mut args = args![frame.day];
            args.extend(chunk.iter().map(Value::from));
            let rows: Vec<(Uuid, Uuid, String)> = tx.all(AssertSqlSafe(sql), args).await?;
            // The helper who came last is the one in charge.
            helpers.extend(rows.into_iter().map(|(household, id, name)| (household, (id, name))));
        }
        let mut codes: Vec<String> = findings
            .iter()
            .flat_map(|f| [9, 12].map(|n| f.division_code.get(..n).unwrap_or(&f.division_code).to_owned()))
            .collect();
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

    fn give(&self, item: &mut Item, level: OwnerLevel) {
        let digits = match level {
            OwnerLevel::Township => 9,
            OwnerLevel::Village => 12,
        };
        item.owner_division = item.division_code.get(..digits).unwrap_or(&item.division_code).to_owned();
        item.owner_unit = self.names.get(&item.owner_division).cloned().unwrap_or_else(|| item.owner_division.clone());
        let helper = item.household_id.and_then(|id| self.helpers.get(&id));
        item.helper_id = helper.map(|(id, _)| *id);
        item.owner_name = helper.map(|(_, name)| name.clone()).unwrap_or_default();
    }
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
    let days = profile.ledgers.get(ledger).and_then(|l| l.deadline_days.get(level)).copied().unwrap_or(0);
    day.checked_add_days(Days::new(u64::try_from(days).unwrap_or(0))).unwrap_or(day).to_string()
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
    if findings.is_empty() {
        return Ok(changes);
    }
    let owners = Owners::of(tx, &findings, frame).await?;
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
    for finding in &findings {
        match items.remove(&finding.finding_key) {
            Some(item) => follow_one(tx, frame, &owners, item, finding, &mut changes).await?,
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
    open_all(tx, frame, &owners, &new).await?;
    Ok(changes)
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
    let mut item_rows = Vec::new();
    let mut event_rows = Vec::new();
    let mut moved: BTreeMap<(&str, &str), i64> = BTreeMap::new();
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
        };
        owners.give(&mut item, policy.owner_level);
        event_rows.push(args![
            ids::new_id(),
            item.id,
            1_i64,
            1_i64,
            frame.now,
            frame.day,
            &item.division_code,
            None::<Uuid>,
            "",
            "open",
            "",
            &item.state,
            "",
            serde_json::json!({ "rule": rule.id, "since": finding.since }).to_string()
        ]);
        *moved.entry((ledger, finding.division_code.as_str())).or_default() += 1;
        item_rows.push(args![
            item.id,
            item.number,
            item.ledger,
            "finding",
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
            frame.now,
            item.opened_on,
            frame.now
        ]);
    }
    tx.insert_many(
        "INSERT INTO item (id, number, ledger, source, source_key, finding_id, rule_id, household_id, person_id, division_code,
                           title, level, state, round, owner_unit, owner_division, owner_name, helper_id, deadline, measures,
                           version, profile_id, finding_version, episode, opened_at, opened_on, updated_at)",
        "",
        item_rows,
    )
    .await?;
    tx.insert_many(
        "INSERT INTO item_event (id, item_id, seq, round, at, day, division_code, actor_id, actor_name, action, from_state,
                                 to_state, note, data)",
        "",
        event_rows,
    )
    .await?;
    let rows = moved
        .into_iter()
        .map(|((ledger, division), n)| args![ledger, division, frame.day, n, 0_i64, 0_i64, 0_i64, 0_i64, 0_i64])
        .collect();
    tx.insert_many(ROLLUP_HEAD, ROLLUP_TAIL, rows).await?;
    Ok(())
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
    let old_division = item.division_code.clone();
    let holds = finding.state == "open";
    let back = holds && finding.episode > item.episode;
    let mut data = serde_json::json!({ "finding_version": finding.version });
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
        let news: serde_json::Value = serde_json::from_str(&finding.news).unwrap_or_default();
        data = serde_json::json!({ "finding_version": finding.version, "news": news });
        changes.reopened += 1;
        "reopen"
    } else if !holds {
        let reason: Option<EndReason> = serde_json::from_str(&finding.end_reason).ok();
        data = serde_json::json!({ "end": reason });
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
    let event = |action, from, to, division, data| NewEvent {
        id: ids::new_id(),
        item: item.id,
        round: item.round,
        at: frame.now,
        day: frame.day,
        division,
        actor_id: None,
        actor_name: "",
        action,
        from,
        to,
        note: "",
        data,
    };
    if item.division_code != old_division && before.is_open() {
        let to = serde_json::json!({ "to": item.division_code });
        let from = serde_json::json!({ "from": old_division });
        append(tx, &item.ledger, event("move_out", before.name(), before.name(), &old_division, to)).await?;
        append(tx, &item.ledger, event("move_in", before.name(), before.name(), &item.division_code, from)).await?;
    }
    append(tx, &item.ledger, event(action, before.name(), &after, &item.division_code, data)).await
}

const LINE_FROM: &str =
    "FROM item i LEFT JOIN household h ON h.id = i.household_id LEFT JOIN division d ON d.code = i.division_code
     LEFT JOIN app_user u ON u.id = i.assignee_id";

/// Conditions of a filter, their values, and how the list is ordered.
fn conditions(actor: &Actor, scope: &Scope, filter: &Filter, today: NaiveDate) -> (String, Vec<Value>) {
    let mut sql = String::from("WHERE i.division_code >= $1 AND i.division_code < $2");
    let mut args = args![scope.lo(), scope.hi()];
    sql.push_str(match filter.which {
        Which::Open | Which::Overdue | Which::DueSoon => " AND i.state NOT IN ('closed', 'cancelled')",
        Which::ToCheck => " AND i.state IN ('submitted', 'checking')",
        Which::All | Which::One(_) => "",
    });
    // `?` stands for the value of the condition, however often it is named.
    let mut and = |text: &str, value: Value| {
        args.push(value);
        let n = format!("${}", args.len());
        sql.push_str(" AND ");
        sql.push_str(&text.replace('?', &n));
    };
    match filter.which {
        Which::Overdue => and("i.deadline < ?", Value::from(today)),
        Which::DueSoon => {
            and("i.deadline >= ?", Value::from(today));
            and("i.deadline <= ?", Value::from(today.checked_add_days(Days::new(SOON_DAYS)).unwrap_or(today)));
        }
        Which::Open | Which::ToCheck | Which::All => {}
        Which::One(state) => and("i.state = ?", Value::from(state.name())),
    }
    if let Some(own) = own_only(actor) {
        and("i.assignee_id = ?", Value::from(own));
    }
    if filter.mine {
        and("i.assignee_id = ?", Value::from(actor.user_id.unwrap_or_else(Uuid::nil)));
    }
    if !filter.rule.is_empty() {
        and("i.rule_id = ?", Value::from(&filter.rule));
    }
    if !filter.owner.is_empty() {
        and("(i.owner_name = ? OR i.owner_unit = ? OR u.name = ?)", Value::from(&filter.owner));
    }
    if let Some(household) = filter.household {
        and("i.household_id = ?", Value::from(household));
    }
    let text = filter.text.trim();
    if !text.is_empty() {
        let pattern = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        and(
            "(i.number LIKE ? ESCAPE '\\' OR h.head_name LIKE ? ESCAPE '\\' OR i.owner_name LIKE ? ESCAPE '\\'
              OR h.household_no LIKE ? ESCAPE '\\' OR u.name LIKE ? ESCAPE '\\')",
            Value::from(format!("%{pattern}%")),
        );
    }
    (sql, args)
}

fn order(filter: &Filter) -> &'static str {
    match (filter.sort, filter.descending) {
        (Sort::Deadline, false) => "ORDER BY i.deadline, i.number",
        (Sort::Deadline, true) => "ORDER BY i.deadline DESC, i.number DESC",
        (Sort::Number, false) => "ORDER BY i.number",
        (Sort::Number, true) => "ORDER BY i.number DESC",
        (Sort::Updated, false) => "ORDER BY i.updated_at DESC, i.number",
        (Sort::Updated, true) => "ORDER BY i.updated_at, i.number",
        (Sort::Division, false) => "ORDER BY i.division_code, i.deadline, i.number",
        (Sort::Division, true) => "ORDER BY i.division_code DESC, i.deadline, i.number",
    }
}

const LINE_COLUMNS: &str =
    "i.id, i.number, i.rule_id, i.title, i.level, i.state, i.round, i.deadline, i.owner_unit, i.owner_name,
     COALESCE(u.name, '') AS assignee_name, i.household_id, COALESCE(h.head_name, '') AS head_name, i.division_code,
     COALESCE(d.name, i.division_code) AS division_name, i.updated_at, i.version";

/// The part of the actor's scope that a filter speaks of; none where they do not meet.
pub(super) fn narrowed(actor: &Actor, filter: &Filter) -> Option<Scope> {
    if filter.division.is_empty() { Some(actor.scope.clone()) } else { actor.scope.narrow(&filter.division) }
}

pub(super) async fn list(
    db: &Db,
    actor: &Actor,
    filter: &Filter,
    today: NaiveDate,
) -> Result<(Vec<Line>, i64), DbError> {
    let Some(scope) = narrowed(actor, filter) else {
        return Ok((Vec::new(), 0));
    };
    let (wheres, args) = conditions(actor, &scope, filter, today);
    let (total,): (i64,) = db.one(AssertSqlSafe(format!("SELECT COUNT(*) {LINE_FROM} {wheres}")), args.clone()).await?;
    let (limit, page) = (filter.per_page.clamp(1, 500), filter.page.max(1));
    let sql = format!(
        "SELECT {LINE_COLUMNS} {LINE_FROM} {wheres} {} LIMIT {limit} OFFSET {}",
        order(filter),
        (page - 1).saturating_mul(limit)
    );
    Ok((db.all(AssertSqlSafe(sql), args).await?, total))
}

pub(super) async fn each_line(
    db: &Db,
    actor: &Actor,
    filter: &Filter,
    today: NaiveDate,
    mut take: impl FnMut(Line) + Send,
) -> Result<(), DbError> {
    let Some(scope) = narrowed(actor, filter) else {
        return Ok(());
    };
    let (wheres, args) = conditions(actor, &scope, filter, today);
    let sql = format!("SELECT {LINE_COLUMNS} {LINE_FROM} {wheres} {}", order(filter));
    db.each::<Line, DbError>(AssertSqlSafe(sql), args, |line| {
        take(line);
        Ok(())
    })
    .await
}

pub(super) async fn counts(db: &Db, actor: &Actor, scope: &Scope, today: NaiveDate) -> Result<Counts, DbError> {
    let own = own_only(actor);
    let me = actor.user_id.unwrap_or_else(Uuid::nil);
    let rows: Vec<(String, i64, i64, i64)> = db
        .all(
            "SELECT state, COUNT(*), COUNT(CASE WHEN deadline < $3 THEN 1 END), COUNT(CASE WHEN assignee_id = $4 THEN 1 END)
             FROM item WHERE division_code >= $1 AND division_code < $2 AND ($5 = FALSE OR assignee_id = $4) GROUP BY state",
            args![scope.lo(), scope.hi(), today, me, own.is_some()],
        )
        .await?;
    let mut out = Counts::default();
    for (state, n, late, mine) in rows {
        match State::from_name(&state) {
            Some(State::Closed) => out.closed += n,
            Some(State::Cancelled) => out.cancelled += n,
            Some(state) => {
                out.open += n;
                out.overdue += late;
                out.mine += mine;
                if matches!(state, State::Submitted | State::Checking) {
                    out.to_check += n;
                }
            }
            None => {}
        }
    }
    Ok(out)
}

/// Divisions right under the root of a scope, for the filter.
pub(super) async fn sub_divisions(db: &Db, scope: &Scope) -> Result<Vec<(String, String)>, DbError> {
    db.all(
        "SELECT code, name FROM division WHERE parent_code = $1 AND valid_to = '' AND code >= $2 AND code < $3 ORDER BY code",
        args![scope.root(), scope.lo(), scope.hi()],
    )
    .await
}

/// What the item page says of a household.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct HouseholdLine {
    pub(super) id: Uuid,
    pub(super) household_no: String,
    pub(super) head_name: String,
    pub(super) place: String,
}

pub(super) async fn household(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<HouseholdLine>, DbError> {
    db.maybe(
        "SELECT h.id, h.household_no, h.head_name, COALESCE(d.full_name, h.division_code) AS place
         FROM household h LEFT JOIN division d ON d.code = h.division_code
         WHERE h.id = $1 AND h.division_code >= $2 AND h.division_code < $3",
        args![id, scope.lo(), scope.hi()],
    )
    .await
}

pub(super) async fn attachments(db: &Db, item: Uuid) -> Result<Vec<Attachment>, DbError> {
    db.all(
        "SELECT id, item_id, sha256, name, mime, bytes, uploaded_at FROM attachment WHERE item_id = $1 ORDER BY uploaded_at, id",
        args![item],
    )
    .await
}

pub(super) async fn attachment(db: &Db, id: Uuid) -> Result<Option<Attachment>, DbError> {
    db.maybe("SELECT id, item_id, sha256, name, mime, bytes, uploaded_at FROM attachment WHERE id = $1", args![id])
        .await
}

pub(super) async fn insert_attachment(
    tx: &mut Tx,
    attachment: &Attachment,
    event: Uuid,
    by: Option<Uuid>,
) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO attachment (id, item_id, event_id, sha256, name, mime, bytes, uploaded_by, uploaded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            attachment.id,
            attachment.item_id,
            event,
            &attachment.sha256,
            &attachment.name,
            &attachment.mime,
            attachment.bytes,
            by,
            attachment.uploaded_at
        ],
    )
    .await?;
    Ok(())
}

/// Counts everything again from the events and the items, and compares with the roll-up.
pub(super) async fn reconcile(db: &Db, scope: &Scope) -> Result<Reconciliation, DbError> {
    type Row = (String, String, i64, i64, i64, i64, i64, i64);
    let read = |rows: Vec<Row>| -> BTreeMap<(String, String), Movement> {
        rows.into_iter()
            .map(|(division, day, opened, reopened, closed, cancelled, moved_in, moved_out)| {
                ((division, day), Movement { opened, reopened, closed, cancelled, moved_in, moved_out })
            })
            .filter(|(_, movement)| *movement != Movement::default())
            .collect()
    };
    let rollup: Vec<Row> = db
        .all(
            "SELECT division_code, day, CAST(SUM(opened) AS BIGINT), CAST(SUM(reopened) AS BIGINT), CAST(SUM(closed) AS BIGINT),
                    CAST(SUM(cancelled) AS BIGINT), CAST(SUM(moved_in) AS BIGINT), CAST(SUM(moved_out) AS BIGINT)
             FROM item_rollup WHERE division_code >= $1 AND division_code < $2 GROUP BY division_code, day",
            args![scope.lo(), scope.hi()],
        )
        .await?;
    let recount: Vec<Row> = db
        .all(
            "SELECT division_code, day,
                    COUNT(CASE WHEN action = 'open' THEN 1 END),
                    COUNT(CASE WHEN from_state IN ('closed', 'cancelled') AND to_state NOT IN ('closed', 'cancelled') THEN 1 END),
                    COUNT(CASE WHEN from_state NOT IN ('closed', 'cancelled') AND to_state = 'closed' THEN 1 END),
                    COUNT(CASE WHEN from_state NOT IN ('closed', 'cancelled') AND to_state = 'cancelled' THEN 1 END),
                    COUNT(CASE WHEN action = 'move_in' THEN 1 END),
                    COUNT(CASE WHEN action = 'move_out' THEN 1 END)
             FROM item_event WHERE division_code >= $1 AND division_code < $2 GROUP BY division_code, day",
            args![scope.lo(), scope.hi()],
        )
        .await?;
    let open: Vec<(String, i64)> = db
        .all(
            "SELECT division_code, COUNT(*) FROM item
             WHERE division_code >= $1 AND division_code < $2 AND state NOT IN ('closed', 'cancelled') GROUP BY division_code",
            args![scope.lo(), scope.hi()],
        )
        .await?;
    let (rollup, recount) = (read(rollup), read(recount));
    let mut open: BTreeMap<String, i64> = open.into_iter().collect();
    let mut out = Reconciliation { open_by_items: open.values().sum(), ..Reconciliation::default() };
    let mut net: BTreeMap<String, i64> = BTreeMap::new();
    let keys: std::collections::BTreeSet<_> = rollup.keys().chain(recount.keys()).collect();
    out.compared = keys.len();
    for key in keys {
        let (a, b) = (rollup.get(key).copied().unwrap_or_default(), recount.get(key).copied().unwrap_or_default());
        out.total.add(&a);
        out.open_by_rollup += a.net();
        out.open_by_events += b.net();
        *net.entry(key.0.clone()).or_default() += b.net();
        if a != b {
            out.faults.push(Imbalance {
                division_code: key.0.clone(),
                day: key.1.clone(),
                rollup: a.net(),
                recount: b.net(),
            });
        }
    }
    for (division_code, recount) in net {
        let items = open.remove(&division_code).unwrap_or(0);
        if items != recount {
            out.faults.push(Imbalance { division_code, day: String::new(), rollup: items, recount });
        }
    }
    out.faults.extend(open.into_iter().map(|(division_code, n)| Imbalance {
        division_code,
        day: String::new(),
        rollup: n,
        recount: 0,
    }));
    Ok(out)
}

/// How the open items of a scope moved, day by day, newest first.
pub(super) async fn days(db: &Db, scope: &Scope, limit: i64) -> Result<Vec<(String, Movement)>, DbError> {
    let rows: Vec<(String, i64, i64, i64, i64, i64, i64)> = db
        .all(
            "SELECT day, CAST(SUM(opened) AS BIGINT), CAST(SUM(reopened) AS BIGINT), CAST(SUM(closed) AS BIGINT),
                    CAST(SUM(cancelled) AS BIGINT), CAST(SUM(moved_in) AS BIGINT), CAST(SUM(moved_out) AS BIGINT)
             FROM item_rollup WHERE division_code >= $1 AND division_code < $2 GROUP BY day ORDER BY day DESC LIMIT $3",
            args![scope.lo(), scope.hi(), limit],
        )
        .await?;
    Ok(rows
        .into_iter()
        .map(|(day, opened, reopened, closed, cancelled, moved_in, moved_out)| {
            (day, Movement { opened, reopened, closed, cancelled, moved_in, moved_out })
        })
        .collect())
}

pub(super) async fn attachment_count(tx: &mut Tx, item: Uuid) -> Result<i64, DbError> {
    let row: (i64,) = tx.one("SELECT COUNT(*) FROM attachment WHERE item_id = $1", args![item]).await?;
    Ok(row.0)
}
