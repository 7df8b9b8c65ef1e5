//! Lists of problems that others hand down (问题清单): inspections, assessments, audits, petitions, surveys, supervision.
//!
//! Every row opens an item at once, so that nothing waits off the books; what may be the same problem as one already there
//! is proposed, and joined by a person alone (一体整改、一体推进). A joined item is struck with a word where it went, and its
//! lines answer to the other from then on, each keeping what its own source asks for. What a file says of progress or
//! closing is kept as the source's word and closes nothing.

mod columns;
pub mod model;
mod pages;
mod reading;
mod similar;
mod store;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use uuid::Uuid;

pub(super) use pages::routes;
pub use store::{Document, LineItem, Pair, Progress};

use super::model::{Action, Item, Measure, State, Step};
use super::open_store::{self, Opening};
use super::store::{NewEvent, append, take_numbers, update};
use super::{LedgerError, act_in};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Capability};
use crate::args;
use crate::assess::profile::OwnerLevel;
use crate::assess::{self, AssessError, LoadedProfile, Profile};
use crate::platform::{App, DbError, Lang, Tx, i18n, ids};
use crate::register::Divisions;
use model::{About, LEDGER, Looked, ProblemError, Received, Row};

/// Where the description of a line is sealed.
const SEALED: &str = "problem_line.description";
/// Characters of a description that an item is called by.
const TITLE: usize = 60;
/// The most older items that are proposed for one new item.
const PROPOSALS: usize = 3;

fn may_receive(actor: &Actor) -> Result<(), ProblemError> {
    let may = actor.may(Capability::AssignItems) && actor.may(Capability::ImportRegister);
    if may { Ok(()) } else { Err(ProblemError::Forbidden) }
}

fn may_see(actor: &Actor) -> Result<(), ProblemError> {
    // Lists speak of whole places: not for who sees only what was assigned to them.
    let may = actor.may(Capability::ViewItems) && actor.may(Capability::ViewFigures);
    if may { Ok(()) } else { Err(ProblemError::Forbidden) }
}

/// Who a row is: what stays the same over the versions of a list.
fn line_key(row: &Row) -> i64 {
    let mut homes: Vec<String> = row.households.iter().map(|home| home.id.to_string()).collect();
    homes.sort_unstable();
    let words: String = codes::text::half_width(&row.description).chars().filter(|c| c.is_alphanumeric()).collect();
    let parts = [row.kind.name(), &row.division, &homes.join(","), &row.head, &words];
    ids::fingerprint(parts.join("\n").as_bytes())
}

fn content(row: &Row) -> i64 {
    let parts = [
        &row.serial,
        &row.found_on,
        &row.category,
        &row.requirement,
        &row.lead_unit,
        &row.owner_unit,
        &row.owner_name,
        &row.due_text,
        &row.answer,
    ];
    ids::fingerprint(parts.map(String::as_str).join("\n").as_bytes())
}

/// Says what would be taken of a list, without writing anything.
///
/// # Errors
/// The file is no such list, or the actor may not.
pub async fn look(app: &App, actor: &Actor, path: &Path, file: &str, about: &About) -> Result<Looked, ProblemError> {
    may_receive(actor)?;
    ledger_in_force(app, actor).await?;
    reading::look(app, actor, path, file, about).await
}

async fn ledger_in_force(app: &App, actor: &Actor) -> Result<LoadedProfile, ProblemError> {
    let loaded = assess::active_profile(app, actor).await?;
    if loaded.profile.ledgers.contains_key(LEDGER) {
        Ok(loaded)
    } else {
        let profile = format!("{} {}", loaded.profile.key, loaded.profile.version);
        Err(ProblemError::NoLedger { profile })
    }
}

/// Takes a list: opens an item for every row that is new, or one for each of its households, and proposes what may be a
/// problem already on the books. The same list again changes nothing; a newer version of it revises what its rows say.
///
/// # Errors
/// As [`look`]; nothing is written then.
pub async fn receive(
    app: &App,
    actor: &Actor,
    path: &Path,
    file: &str,
    about: &About,
) -> Result<Received, ProblemError> {
    may_receive(actor)?;
    let loaded = ledger_in_force(app, actor).await?;
    let looked = reading::look(app, actor, path, file, about).await?;
    let sum = sum_of(path).await?;
    let divisions = Divisions::load(&app.db).await?;
    let mut sealed = Vec::with_capacity(looked.rows.len());
    for row in &looked.rows {
        sealed.push(match &row.original {
            Some(text) => Some(app.vault.seal(SEALED, text.as_bytes())?),
            None => None,
        });
    }
    let list = Incoming {
        file: file.to_owned(),
        sum,
        looked,
        sealed,
        divisions,
        loaded,
        actor: actor.clone(),
        day: app.clock.today(),
        now: app.clock.now_ms(),
    };
    app.db.write_alone::<_, ProblemError, _>(move |tx| Box::pin(async move { take(tx, list).await })).await
}

async fn sum_of(path: &Path) -> Result<String, ProblemError> {
    use sha2::{Digest, Sha256};
    let bytes = tokio::fs::read(path).await.map_err(|error| ProblemError::Broken(error.to_string()))?;
    Ok(ids::hex(&Sha256::digest(&bytes)))
}

struct Incoming {
    file: String,
    sum: String,
    looked: Looked,
    sealed: Vec<Option<Vec<u8>>>,
    divisions: Divisions,
    loaded: LoadedProfile,
    actor: Actor,
    day: NaiveDate,
    now: i64,
}

/// A row that opens items.
struct Fresh<'a> {
    line: Uuid,
    row: &'a Row,
}

async fn take(tx: &mut Tx, list: Incoming) -> Result<Received, ProblemError> {
    let Looked { about, rows, held, .. } = &list.looked;
    let document = ids::new_id();
    let known: HashMap<i64, store::KnownLine> =
        store::known_lines(tx, &about.title).await?.into_iter().map(|line| (line.line_key, line)).collect();
    let mut out =
        Received { document, total: (rows.len() + held.len()) as u64, held: held.len() as u64, ..Received::default() };
    let mut line_rows = Vec::new();
    let mut fresh = Vec::new();
    let mut revised = Vec::new();
    for (row, sealed) in rows.iter().zip(&list.sealed) {
        let (key, print) = (line_key(row), content(row));
        let before = known.get(&key);
        let (id, version) = before.map_or_else(|| (ids::new_id(), 1), |line| (line.id, line.version + 1));
        match before {
            Some(line) if line.fingerprint == print => {
                out.same += 1;
                continue;
            }
            Some(_) => {
                out.revised += 1;
                revised.push((id, row));
            }
            None => {
                out.new += 1;
                fresh.push(Fresh { line: id, row });
            }
        }
        line_rows.push(args![
            id,
            row.kind.name(),
            &about.title,
            key,
            document,
            &row.sheet,
            row.line,
            &row.serial,
            &row.found_on,
            &row.division,
            &row.category,
            &row.description,
            sealed.as_deref(),
            &row.requirement,
            &row.lead_unit,
            &row.owner_unit,
            &row.owner_name,
            &row.due_text,
            &row.answer,
            &row.head,
            print,
            version,
            list.now
        ]);
    }
    tx.insert_many(store::LINE_HEAD, store::LINE_TAIL, line_rows).await?;
    let opened = open(tx, &list, &fresh).await?;
    out.items = opened.len() as u64;
    out.proposed = propose(tx, &opened).await?;
    tell_revised(tx, &list, &revised).await?;
    let kind = about.kind.map_or(model::Kind::Other, |kind| kind).name();
    let document_row = args![
        document,
        kind,
        &about.title,
        &about.issuer,
        about.issued_on.unwrap_or(list.day),
        &about.division,
        &list.file,
        &list.sum,
        out.total as i64,
        out.held as i64,
        out.new as i64,
        out.revised as i64,
        out.same as i64,
        serde_json::to_string(held).unwrap_or_else(|_| "[]".to_owned()),
        list.actor.user_id,
        &list.actor.name,
        list.now
    ];
    tx.insert_many(store::DOCUMENT_HEAD, "", vec![document_row]).await?;
    let entry = Entry {
        action: "problem.receive",
        object_kind: "problem_document",
        object_id: document.to_string(),
        division_code: &about.division,
        reason: &about.title,
        detail: serde_json::json!({
            "file": list.file, "sha256": list.sum, "rows": out.total, "held": out.held, "new": out.new,
            "revised": out.revised, "same": out.same, "items": out.items,
        }),
    };
    audit::record(tx, &list.actor, entry, list.now).await?;
    Ok(out)
}

/// What a new item is held against others by.
struct Opened {
    item: Uuid,
    household: Option<Uuid>,
    division: String,
    description: String,
}

async fn open(tx: &mut Tx, list: &Incoming, fresh: &[Fresh<'_>]) -> Result<Vec<Opened>, ProblemError> {
    let profile = &list.loaded.profile;
    let Some(policy) = profile.ledgers.get(LEDGER) else {
        return Err(ProblemError::NoLedger { profile: profile.key.clone() });
    };
    let year = i64::from(chrono::Datelike::year(&list.day));
    let county = |division: &str| division.get(..6).unwrap_or(division).to_owned();
    // One item for each household of a row, and one for a row of none.
    let mut places: Vec<(&Fresh<'_>, Option<Uuid>, &str)> = Vec::new();
    for one in fresh {
        if one.row.households.is_empty() {
            places.push((one, None, &one.row.division));
        }
        for home in &one.row.households {
            places.push((one, Some(home.id), &home.division));
        }
    }
    let mut wanted: BTreeMap<String, i64> = BTreeMap::new();
    for (.., division) in &places {
        *wanted.entry(county(division)).or_default() += 1;
    }
    let mut next = BTreeMap::new();
    for (county, n) in wanted {
        let last = take_numbers(tx, LEDGER, &county, year, n).await?;
        next.insert(county, last - n);
    }
    let mut openings = Vec::with_capacity(places.len());
    let mut ties = Vec::with_capacity(places.len());
    let mut out = Vec::with_capacity(places.len());
    for (one, household, division) in places {
        let row = one.row;
        let county = county(division);
        let number = next.entry(county.clone()).or_default();
        *number += 1;
        let owner = match policy.owner_level {
            OwnerLevel::Township => 9,
            OwnerLevel::Village => 12,
        };
        let owner_division = division.get(..owner).unwrap_or(division).to_owned();
        let told = || list.divisions.name(&owner_division).unwrap_or(&owner_division).to_owned();
        let item = Item {
            id: ids::new_id(),
            number: format!("{}-{county}-{year}-{number:04}", policy.number_prefix),
            ledger: LEDGER.to_owned(),
            source: row.kind.name().to_owned(),
            source_key: None,
            finding_id: None,
            rule_id: String::new(),
            household_id: household,
            person_id: None,
            division_code: division.to_owned(),
            title: title(&row.description),
            level: row.level.to_owned(),
            state: State::ToVerify.name().to_owned(),
            round: 1,
            owner_unit: if row.owner_unit.is_empty() { told() } else { row.owner_unit.clone() },
            owner_division,
            owner_name: row.owner_name.clone(),
            helper_id: None,
            assignee_id: None,
            deadline: deadline(profile, row, list.day)?.to_string(),
            measures: "[]".to_owned(),
            submitted_by: None,
            checked_by: None,
            version: 1,
            profile_id: list.loaded.id,
            finding_version: 0,
            episode: 0,
            opened_on: list.day.to_string(),
            closed_on: String::new(),
            updated_at: list.now,
            finding_evidence: "[]".to_owned(),
        };
        ties.push(args![ids::new_id(), one.line, item.id, household, item.id]);
        out.push(Opened {
            item: item.id,
            household,
            division: division.to_owned(),
            description: row.description.clone(),
        });
        let data = serde_json::json!({ "document": list.looked.about.title, "line": row.line, "serial": row.serial });
        openings.push(Opening { item, data });
    }
    let by = Some((list.actor.user_id, list.actor.name.as_str()));
    open_store::open_all(tx, openings, by, list.day, list.now).await?;
    tx.insert_many(store::TIE_HEAD, "", ties).await?;
    Ok(out)
}

/// What an item is called: the beginning of its description, the same in both languages.
fn title(description: &str) -> String {
    let mut text: String = description.chars().take(TITLE).collect();
    if description.chars().count() > TITLE {
        text.push('…');
    }
    serde_json::json!({ Lang::Zh.tag(): text, Lang::En.tag(): text }).to_string()
}

/// The day that the list names; for what is to be remedied at once (立行立改) the shortest term of the ledger, else the term
/// of the level.
fn deadline(profile: &Profile, row: &Row, day: NaiveDate) -> Result<NaiveDate, AssessError> {
    if let Some(due) = row.due {
        return Ok(due);
    }
    let at_once = ["立行立改", "立即", "即知即改", "当场", "马上"].iter().any(|word| row.due_text.contains(word));
    let level = if at_once { "severe" } else { row.level };
    let told = profile.ledgers.get(LEDGER).map(|ledger| ledger.deadline(level, day)).transpose()?;
    Ok(told.flatten().unwrap_or(day))
}

/// Proposes for new items what may be the same problem: of what was on the books before, and of other rows never, because
/// one list does not name a problem twice.
async fn propose(tx: &mut Tx, opened: &[Opened]) -> Result<u64, DbError> {
    let mut by_place: BTreeMap<&str, Vec<&Opened>> = BTreeMap::new();
    for one in opened {
        by_place.entry(&one.division).or_default().push(one);
    }
    let mut rows = Vec::new();
    let mut proposed = 0;
    for (place, new) in by_place {
        let older = store::on_the_books(tx, place).await?;
        let older: Vec<&store::Older> =
            older.iter().filter(|other| opened.iter().all(|one| one.item != other.id)).collect();
        if older.is_empty() {
            continue;
        }
        for one in new {
            let mut found: Vec<(f64, &str, Uuid)> = older
                .iter()
                .filter(|other| {
                    other.household_id.is_none() || one.household.is_none() || other.household_id == one.household
                })
                .filter_map(|other| {
                    let measures: Vec<Measure> = serde_json::from_str(&other.measures).unwrap_or_default();
                    let said = super::model::title_in(&other.title, Lang::Zh);
                    let text = if other.description.is_empty() { said.as_str() } else { other.description.as_str() };
                    let mut topics = similar::topics(text);
                    topics.extend(measures.iter().map(|measure| measure.id.as_str()));
                    let one_household = one.household.is_some() && other.household_id == one.household;
                    let words = similar::Words { text, topics, one_household };
                    similar::proposal(&one.description, &words).map(|(score, why)| (score, why, other.id))
                })
                .collect();
            found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.2.cmp(&b.2)));
            found.dedup_by_key(|(.., id)| *id);
            if !found.is_empty() {
                proposed += 1;
            }
            for (score, why, other) in found.into_iter().take(PROPOSALS) {
                rows.push(args![ids::new_id(), one.item, other, &one.division, score, why, "pending"]);
            }
        }
    }
    tx.insert_many(store::PAIR_HEAD, store::PAIR_TAIL, rows).await?;
    Ok(proposed)
}

/// Tells the items of lines that a newer version of their list revised, so that whoever works on them sees it.
async fn tell_revised(tx: &mut Tx, list: &Incoming, revised: &[(Uuid, &Row)]) -> Result<(), ProblemError> {
    let lines: Vec<Uuid> = revised.iter().map(|(line, _)| *line).collect();
    let of: HashMap<Uuid, &Row> = revised.iter().copied().collect();
    let ties = store::items_of_lines(tx, &lines).await?;
    let mut wanted: Vec<Uuid> = ties.iter().map(|(_, item)| *item).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let items: HashMap<Uuid, Item> = store::items(tx, &wanted).await?.into_iter().map(|item| (item.id, item)).collect();
    for (line, item) in ties {
        let (Some(row), Some(item)) = (of.get(&line), items.get(&item)) else {
            continue;
        };
        super::store::touch(tx, item.id, list.now).await?;
        let event = NewEvent {
            id: ids::new_id(),
            item,
            at: list.now,
            day: list.day,
            division: &item.division_code,
            household: item.household_id,
            actor_id: list.actor.user_id,
            actor_name: &list.actor.name,
            action: "source",
            from: &item.state,
            to: &item.state,
            note: "",
            data: serde_json::json!({
                "document": list.looked.about.title, "requirement": row.requirement, "due": row.due_text,
                "answer": row.answer,
            }),
            payload: "",
        };
        append(tx, event).await?;
    }
    Ok(())
}

/// What is decided about two items that may be one problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// 是同一问题: the newer is struck, its lines answer to the older; a closed older one is reopened.
    Join,
    /// 不是同一问题; a joined pair is taken apart again and the newer reopened.
    Apart,
}

/// Decides about a pair. The same request twice is done once.
///
/// # Errors
/// The pair is not there for this person, somebody decided before, or a step of the items is refused.
pub async fn decide(app: &App, actor: &Actor, pair: Uuid, verdict: Verdict) -> Result<(), ProblemError> {
    if !actor.may(Capability::AssignItems) {
        return Err(ProblemError::Forbidden);
    }
    let (actor, day, now) = (actor.clone(), app.clock.today(), app.clock.now_ms());
    // Each item goes by the profile that opened it.
    let (newer, older) = store::profiles_of_pair(&app.db, pair).await?.ok_or(ProblemError::NotFound)?;
    let profiles = [assess::profile_by_id(&app.db, newer).await?, assess::profile_by_id(&app.db, older).await?];
    app.db
        .write::<_, ProblemError, _>(move |tx| {
            Box::pin(async move { decide_in(tx, &profiles, &actor, pair, verdict, day, now).await })
        })
        .await
}

async fn decide_in(
    tx: &mut Tx,
    [of_newer, of_older]: &[Arc<Profile>; 2],
    actor: &Actor,
    id: Uuid,
    verdict: Verdict,
    day: NaiveDate,
    now: i64,
) -> Result<(), ProblemError> {
    let pair = store::pair(tx, &actor.scope, id).await?.ok_or(ProblemError::NotFound)?;
    let to = match verdict {
        Verdict::Join => "joined",
        Verdict::Apart => "apart",
    };
    if pair.state == to {
        return Ok(());
    }
    // Apart is the last word where nothing was joined; what is joined can be taken apart, and only that.
    if pair.state == "apart" || (pair.state != "pending" && verdict == Verdict::Join) {
        return Err(ProblemError::Decided { who: pair.decided_name });
    }
    let newer = store::seen(tx, actor, pair.item_id).await?.ok_or(ProblemError::NotFound)?;
    let older = store::seen(tx, actor, pair.other_id).await?.ok_or(ProblemError::NotFound)?;
    if !store::decide(tx, &pair, to, actor, now).await? {
        return Err(ProblemError::Decided { who: pair.decided_name });
    }
    let say = |key: &str, number: &str| i18n::text_with(actor.lang, key, &[("number", number.to_owned())]);
    let step = |item: &Item, action: Action, note: String| {
        (item.id, Step { event_id: ids::new_id(), version: item.version, action, note })
    };
    let mut steps = Vec::new();
    match (verdict, pair.state.as_str()) {
        (Verdict::Join, _) => {
            if !newer.state().is_open() {
                return Err(LedgerError::WrongState {
                    number: newer.number,
                    action: "cancel",
                    state: super::words::state(of_newer, &newer.ledger, &newer.state),
                }
                .into());
            }
            // Reported again although it was closed: it has come back (反弹).
            let back = !older.state().is_open();
            let (action, key) =
                if back { (Action::Reopen, "problem-note-back") } else { (Action::Note, "problem-note-joined") };
            steps.push(step(&older, action, say(key, &newer.number)));
            steps.push(step(&newer, Action::Cancel, say("problem-note-into", &older.number)));
            store::retie_joined(tx, newer.id, older.id).await?;
        }
        (Verdict::Apart, "joined") => {
            store::retie(tx, newer.id, newer.id).await?;
            if !newer.state().is_open() {
                steps.push(step(&newer, Action::Reopen, say("problem-note-apart", &older.number)));
            }
            steps.push(step(&older, Action::Note, say("problem-note-apart-of", &newer.number)));
        }
        (Verdict::Apart, _) => {}
    }
    for (item, step) in steps {
        let profile = if item == newer.id { of_newer } else { of_older };
        act_in(tx, profile, actor, item, &step, day, now).await?;
    }
    if verdict == Verdict::Join {
        keep_earlier_deadline(tx, actor, &older, &newer, day, now).await?;
    }
    let entry = Entry {
        action: "problem.decide",
        object_kind: "problem_pair",
        object_id: pair.id.to_string(),
        division_code: &pair.division_code,
        reason: "",
        detail: serde_json::json!({ "newer": pair.number, "older": pair.other_number, "verdict": to, "was": pair.state }),
    };
    audit::record(tx, actor, entry, now).await?;
    Ok(())
}

/// Of two sources the stricter one sets the day.
async fn keep_earlier_deadline(
    tx: &mut Tx,
    actor: &Actor,
    older: &Item,
    newer: &Item,
    day: NaiveDate,
    now: i64,
) -> Result<(), ProblemError> {
    let Some(mut item) = store::seen(tx, actor, older.id).await? else {
        return Ok(());
    };
    if newer.deadline >= item.deadline {
        return Ok(());
    }
    let was = std::mem::replace(&mut item.deadline, newer.deadline.clone());
    let seen = item.version;
    if !update(tx, &item, seen, now).await? {
        return Err(LedgerError::NotFound.into());
    }
    let event = NewEvent {
        id: ids::new_id(),
        item: &item,
        at: now,
        day,
        division: &item.division_code,
        household: item.household_id,
        actor_id: actor.user_id,
        actor_name: &actor.name,
        action: "deadline",
        from: &item.state,
        to: &item.state,
        note: "",
        data: serde_json::json!({ "was": was, "deadline": item.deadline }),
        payload: "",
    };
    append(tx, event).await?;
    Ok(())
}

/// Takes the items of no finding along with households that an import moved, so that the books of both places are right.
pub(crate) async fn follow_homes(tx: &mut Tx, import: Uuid, day: NaiveDate, now: i64) -> Result<u64, DbError> {
    let moved = store::moved(tx, import).await?;
    for (id, division) in &moved {
        let Some(mut item) = store::items(tx, &[*id]).await?.pop() else {
            continue;
        };
        let old = std::mem::replace(&mut item.division_code, division.clone());
        let (seen, open, state) = (item.version, item.state().is_open(), item.state.clone());
        if !update(tx, &item, seen, now).await? {
            return Err(DbError::NotFound);
        }
        if !open {
            continue;
        }
        for (action, place, data) in [
            ("move_out", &old, serde_json::json!({ "to": division })),
            ("move_in", division, serde_json::json!({ "from": old })),
        ] {
            let event = NewEvent {
                id: ids::new_id(),
                item: &item,
                at: now,
                day,
                division: place,
                household: item.household_id,
                actor_id: None,
                actor_name: "",
                action,
                from: &state,
                to: &state,
                note: "",
                data,
                payload: "",
            };
            append(tx, event).await?;
        }
    }
    Ok(moved.len() as u64)
}

/// The lists of a scope, newest first, each with how far its problems are.
///
/// # Errors
/// The actor may not, or the database fails.
pub async fn documents(
    app: &App,
    actor: &Actor,
    limit: i64,
    offset: i64,
) -> Result<Vec<(Document, Progress)>, ProblemError> {
    may_see(actor)?;
    let documents = store::documents(&app.db, &actor.scope, limit, offset).await?;
    with_progress(app, actor, documents).await
}

async fn with_progress(
    app: &App,
    actor: &Actor,
    documents: Vec<Document>,
) -> Result<Vec<(Document, Progress)>, ProblemError> {
    let mut titles: Vec<String> = documents.iter().map(|document| document.title.clone()).collect();
    titles.sort_unstable();
    titles.dedup();
    let today = app.clock.today().to_string();
    let progress = store::progress(&app.db, &actor.scope, &titles, &today).await?;
    let of: HashMap<String, Progress> = progress.into_iter().map(|one| (one.title.clone(), one)).collect();
    Ok(documents
        .into_iter()
        .map(|document| {
            let progress = of.get(&document.title).cloned().unwrap_or_default();
            (document, progress)
        })
        .collect())
}

/// One list with how far its problems are.
///
/// # Errors
/// It is not there for this person, or the database fails.
pub async fn document(app: &App, actor: &Actor, id: Uuid) -> Result<(Document, Progress), ProblemError> {
    may_see(actor)?;
    let found = store::document(&app.db, &actor.scope, id).await?.ok_or(ProblemError::NotFound)?;
    with_progress(app, actor, vec![found]).await?.pop().ok_or(ProblemError::NotFound)
}

/// The lines of a list, each with its items; with `open` only what is not done.
///
/// # Errors
/// As [`document`].
pub async fn lines(
    app: &App,
    actor: &Actor,
    title: &str,
    open: bool,
    limit: i64,
    offset: i64,
) -> Result<Vec<LineItem>, ProblemError> {
    may_see(actor)?;
    Ok(store::lines(&app.db, &actor.scope, title, open, limit, offset).await?)
}

/// What the sources of an item ask for and what was proposed for it.
///
/// # Errors
/// The database fails.
pub(super) async fn of_item(app: &App, actor: &Actor, item: Uuid) -> Result<(Vec<LineItem>, Vec<Pair>), DbError> {
    let lines = store::lines_of_item(&app.db, item).await?;
    let pairs = if actor.may(Capability::AssignItems) {
        store::pairs_of_item(&app.db, &actor.scope, item).await?
    } else {
        Vec::new()
    };
    Ok((lines, pairs))
}

/// Pairs of a state (`pending`, `joined`, `apart`) and how many there are.
///
/// # Errors
/// The actor may not, or the database fails.
pub async fn pairs(
    app: &App,
    actor: &Actor,
    state: &str,
    limit: i64,
    offset: i64,
) -> Result<(Vec<Pair>, i64), ProblemError> {
    if !actor.may(Capability::AssignItems) {
        return Err(ProblemError::Forbidden);
    }
    let pairs = store::pairs(&app.db, &actor.scope, state, limit, offset).await?;
    Ok((pairs, store::pair_count(&app.db, &actor.scope, state).await?))
}

/// Open items of the ledger in a scope.
///
/// # Errors
/// The actor may not, or the database fails.
pub async fn open_items(app: &App, actor: &Actor) -> Result<i64, ProblemError> {
    may_see(actor)?;
    Ok(store::open_items(&app.db, &actor.scope).await?)
}
