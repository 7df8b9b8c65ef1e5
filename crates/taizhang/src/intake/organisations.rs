//! Organisations named in files (用工单位, 帮扶单位, 派出单位, 单位名录): which ones a file speaks of, and what becomes of
//! their records. One organisation is one record: its credit code tells it, else its name.

use rustc_hash::{FxHashMap, FxHashSet};
use uuid::Uuid;

use super::convert::Context;
use super::model::IntakeError;
use super::organisation_store::{self as store, Alias};
use super::records::Organisation;
use super::registrar::{Found, Tally};
use super::rules::{Hit, Severity};
use crate::platform::{Tx, ids};

/// Spellings of one organisation that one file of persons, helpers or teams may join by a code. Beyond, the code was
/// rather filled down a column or made up, and joining could not be taken back.
const SPELLINGS: usize = 3;

/// What a file says of one organisation.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Mention {
    /// Its place among the rows of the file.
    pub(super) at: u64,
    pub(super) name: String,
    /// A right credit code, or nothing.
    pub(super) code: String,
    pub(super) division: String,
    pub(super) sheet: String,
    pub(super) line: i64,
    /// What a list of organisations says besides.
    pub(super) facts: Option<Facts>,
}

/// The other columns of a list of organisations.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Facts {
    pub(super) kind: String,
    pub(super) address: String,
    pub(super) contact: String,
    pub(super) phone: String,
}

/// An organisation while the file is gone through.
struct State {
    now: Organisation,
    /// Whether the register knew it before.
    known: bool,
    changed: bool,
    /// The one that it turned out to be.
    joined: Option<usize>,
}

/// What is to be written.
#[derive(Default)]
pub(super) struct Outcome {
    /// What the rows of a list of organisations came to.
    pub(super) tally: Tally,
    pub(super) found: Vec<Found>,
    /// New and changed records.
    pub(super) records: Vec<Organisation>,
    /// Those of the register that are changed or joined to another one.
    pub(super) superseded: Vec<Uuid>,
    /// Each with the one that it is.
    pub(super) joined: Vec<(Uuid, Uuid)>,
    pub(super) aliases: Vec<Alias>,
}

struct Book<'a> {
    context: &'a Context,
    as_of: String,
    states: Vec<State>,
    by_code: FxHashMap<String, usize>,
    /// By folded name.
    by_name: FxHashMap<String, usize>,
    /// Written names that need no row of their own any more.
    spelt: FxHashSet<String>,
    aliases: Vec<(Alias, usize)>,
    out: Outcome,
}

/// Holds what a file says of organisations against what is known of them.
///
/// # Errors
/// A phone cannot be sealed.
pub(super) fn plan(
    context: &Context,
    known: Vec<Organisation>,
    aliases: Vec<Alias>,
    mut mentions: Vec<Mention>,
) -> Result<Outcome, IntakeError> {
    let mut book = Book {
        context,
        as_of: context.as_of.to_string(),
        states: known.into_iter().map(|now| State { now, known: true, changed: false, joined: None }).collect(),
        by_code: FxHashMap::default(),
        by_name: FxHashMap::default(),
        spelt: FxHashSet::default(),
        aliases: Vec::new(),
        out: Outcome::default(),
    };
    let places: FxHashMap<Uuid, usize> = book.states.iter().enumerate().map(|(at, s)| (s.now.id, at)).collect();
    for (at, state) in book.states.iter().enumerate() {
        if !state.now.credit_code.is_empty() {
            book.by_code.insert(state.now.credit_code.clone(), at);
        }
    }
    for alias in aliases {
        let Some(at) = places.get(&alias.organisation_id) else { continue };
        book.by_name.insert(codes::name::fold(&alias.name), *at);
        // One without letters was written before there were any.
        if !alias.pinyin.is_empty() {
            book.spelt.insert(alias.name);
        }
    }
    mentions.sort_by_key(|m| m.at);
    let mut names: FxHashMap<String, FxHashSet<String>> = FxHashMap::default();
    for mention in mentions.iter().filter(|m| m.facts.is_none() && !m.code.is_empty()) {
        names.entry(mention.code.clone()).or_default().insert(codes::name::fold(&mention.name));
    }
    for mut mention in mentions {
        let shared = names.get(&mention.code).map_or(0, FxHashSet::len);
        if mention.facts.is_none() && shared > SPELLINGS {
            book.doubt(&mention, format!("{} × {shared}", mention.code));
            mention.code.clear();
        }
        book.take(mention)?;
    }
    Ok(book.end())
}

/// Writes what a file says of organisations. The tally is of the rows of a list of organisations.
///
/// # Errors
/// The database fails, or a phone cannot be sealed.
pub(super) async fn write(
    tx: &mut Tx,
    context: &Context,
    mentions: Vec<Mention>,
) -> Result<(Tally, Vec<Found>), IntakeError> {
    if mentions.is_empty() {
        return Ok((Tally::default(), Vec::new()));
    }
    let (known, aliases) = (store::all(tx).await?, store::aliases(tx).await?);
    let plan = plan(context, known, aliases, mentions)?;
    super::store::keep_versions::<Organisation>(tx, &plan.superseded, |_| true, context.import, context.now).await?;
    for (one, into) in &plan.joined {
        store::join(tx, *one, *into).await?;
    }
    let records = plan.records.into_iter().map(super::records::Entity::values).collect();
    super::store::put::<Organisation>(tx, records, false).await?;
    store::put_aliases(tx, plan.aliases).await?;
    Ok((plan.tally, plan.found))
}

impl Book<'_> {
    fn root(&self, mut at: usize) -> usize {
        while let Some(next) = self.states[at].joined {
            at = next;
        }
        at
    }

    fn take(&mut self, mention: Mention) -> Result<(), IntakeError> {
        let folded = codes::name::fold(&mention.name);
        if folded.is_empty() {
            return Ok(());
        }
        let by_name = self.by_name.get(&folded).map(|at| self.root(*at));
        let by_code = self.by_code.get(&mention.code).map(|at| self.root(*at));
        let differs = |at: usize| !mention.code.is_empty() && !self.states[at].now.credit_code.is_empty();
        let (at, conflict) = match (by_code, by_name) {
            (None, None) => (self.open(&mention), false),
            (Some(a), None) => (a, false),
            (None, Some(b)) => (b, differs(b)),
            (Some(a), Some(b)) if a == b => (a, false),
            // The code says that two spellings are one organisation.
            (Some(a), Some(b)) if !differs(b) && !self.is_older(b) => {
                self.join(b, a);
                (a, false)
            }
            // A name that belongs to another code: a list of organisations goes by the code, the rest by the name.
            (Some(a), Some(b)) => (if mention.facts.is_some() { a } else { b }, differs(b)),
        };
        if conflict {
            let value = format!("{} ≠ {}", mention.code, self.states[by_name.unwrap_or(at)].now.credit_code);
            self.doubt(&mention, value);
        }
        let opened = by_code.is_none() && by_name.is_none();
        self.spell(&mention.name, folded, at);
        self.enter(at, &mention, opened)
    }

    /// Name and code do not fit together.
    fn doubt(&mut self, mention: &Mention, value: String) {
        self.out.found.push(Found {
            hit: Hit::new("organisation.code_differs", super::fields::CREDIT_CODE, value),
            severity: Severity::Doubt,
            division: mention.division.clone(),
            household_no: String::new(),
            person_no: String::new(),
            sheet: mention.sheet.clone(),
            line: u64::try_from(mention.line).unwrap_or_default(),
        });
    }

    fn is_older(&self, at: usize) -> bool {
        self.as_of < self.states[at].now.as_of
    }

    /// A record that the register does not know yet, still without facts.
    fn open(&mut self, mention: &Mention) -> usize {
        self.states.push(State {
            now: Organisation {
                id: ids::new_id(),
                name: mention.name.clone(),
                division_code: String::new(),
                credit_code: String::new(),
                kind: String::new(),
                address: String::new(),
                contact: String::new(),
                phone_enc: None,
                phone_index: None,
                version: 1,
                fingerprint: 0,
                import_id: self.context.import,
                sheet: mention.sheet.clone(),
                line: mention.line,
                as_of: self.as_of.clone(),
                recorded_at: self.context.now,
            },
            known: false,
            changed: true,
            joined: None,
        });
        self.states.len() - 1
    }

    fn spell(&mut self, name: &str, folded: String, at: usize) {
        if self.spelt.insert(name.to_owned()) {
            let alias = Alias {
                name: name.to_owned(),
                pinyin: codes::name::pinyin(&folded),
                initials: codes::name::initials(&folded),
                name_folded: folded.clone(),
                organisation_id: Uuid::nil(),
            };
            let home = self.by_name.get(&folded).copied().unwrap_or(at);
            self.aliases.push((alias, home));
        }
        self.by_name.entry(folded).or_insert(at);
    }

    /// Joins one organisation to another, which takes what it lacks itself.
    fn join(&mut self, one: usize, into: usize) {
        let other = self.states[one].now.clone();
        let mut now = self.states[into].now.clone();
        let mut changed = fill(&mut now.division_code, &other.division_code, false);
        changed |= fill(&mut now.kind, &other.kind, false);
        changed |= fill(&mut now.address, &other.address, false);
        changed |= fill(&mut now.contact, &other.contact, false);
        if now.phone_enc.is_none() && other.phone_enc.is_some() {
            (now.phone_enc, now.phone_index) = (other.phone_enc, other.phone_index);
            changed = true;
        }
        self.states[one].joined = Some(into);
        if changed {
            let (sheet, line) = (now.sheet.clone(), now.line);
            self.renew(into, now, &sheet, line);
        }
    }

    /// Enters what a mention says of a record. What it leaves empty takes nothing away.
    fn enter(&mut self, at: usize, mention: &Mention, opened: bool) -> Result<(), IntakeError> {
        let listed = mention.facts.is_some();
        if self.is_older(at) {
            self.out.tally.older += i64::from(listed);
            if listed {
                self.out.found.push(Found {
                    hit: Hit::new("row.older", "", self.as_of.as_str()),
                    severity: Severity::Doubt,
                    division: mention.division.clone(),
                    household_no: String::new(),
                    person_no: String::new(),
                    sheet: mention.sheet.clone(),
                    line: u64::try_from(mention.line).unwrap_or_default(),
                });
            }
            return Ok(());
        }
        let mut now = self.states[at].now.clone();
        // Others' organisations are theirs to describe; what nobody knows yet may come from anywhere.
        let theirs = self.context.divisions.get(&now.division_code).is_some()
            && !self.context.scope.contains(&now.division_code);
        let replace = listed && !theirs;
        let free = self.by_code.get(&mention.code).is_none_or(|of| self.root(*of) == at);
        let mut changed = free && fill(&mut now.credit_code, &mention.code, replace);
        changed |= fill(&mut now.division_code, &mention.division, replace);
        if let Some(facts) = &mention.facts {
            changed |= replace && fill(&mut now.name, &mention.name, true);
            changed |= fill(&mut now.kind, &facts.kind, replace);
            changed |= fill(&mut now.address, &facts.address, replace);
            changed |= fill(&mut now.contact, &facts.contact, replace);
            let index = (!facts.phone.is_empty()).then(|| self.context.vault.index("phone", &facts.phone));
            if index.is_some() && index != now.phone_index && (replace || now.phone_enc.is_none()) {
                now.phone_enc = Some(self.context.vault.seal("organisation.phone", facts.phone.as_bytes())?);
                now.phone_index = index;
                changed = true;
            }
        }
        if changed {
            self.renew(at, now, &mention.sheet, mention.line);
        }
        if listed {
            let tally = &mut self.out.tally;
            *(if opened {
                &mut tally.new
            } else if changed {
                &mut tally.changed
            } else {
                &mut tally.same
            }) += 1;
        }
        Ok(())
    }

    /// Puts a changed record in the place of the present one.
    fn renew(&mut self, at: usize, mut now: Organisation, sheet: &str, line: i64) {
        let state = &mut self.states[at];
        if state.now.credit_code != now.credit_code {
            self.by_code.remove(&state.now.credit_code);
            self.by_code.insert(now.credit_code.clone(), at);
        }
        if state.known && !state.changed {
            now.version += 1;
        }
        now.import_id = self.context.import;
        now.sheet = sheet.to_owned();
        now.line = line;
        now.as_of = self.as_of.clone();
        now.recorded_at = self.context.now;
        state.now = now;
        state.changed = true;
    }

    fn end(mut self) -> Outcome {
        let homes: Vec<usize> = self.aliases.iter().map(|(_, at)| self.root(*at)).collect();
        for ((mut alias, _), home) in std::mem::take(&mut self.aliases).into_iter().zip(homes) {
            alias.organisation_id = self.states[home].now.id;
            self.out.aliases.push(alias);
        }
        for at in 0..self.states.len() {
            let root = self.root(at);
            let (id, into) = (self.states[at].now.id, self.states[root].now.id);
            let state = &mut self.states[at];
            let print = fingerprint(&state.now);
            // What was changed and changed back within the file is no version.
            if state.known && print == state.now.fingerprint {
                state.changed = false;
            }
            if state.known && (state.changed || root != at) {
                self.out.superseded.push(id);
            }
            if root != at {
                if state.known {
                    self.out.joined.push((id, into));
                }
                continue;
            }
            if state.changed {
                state.now.fingerprint = print;
                self.out.records.push(state.now.clone());
            }
        }
        self.out
    }
}

/// Puts a value where there is none, or another one if it may. Whether anything changed.
fn fill(place: &mut String, value: &str, replace: bool) -> bool {
    if value.is_empty() || place == value || !(replace || place.is_empty()) {
        return false;
    }
    *place = value.to_owned();
    true
}

fn fingerprint(of: &Organisation) -> i64 {
    let phone = of.phone_index.map(|index| index.to_string()).unwrap_or_default();
    let parts = [&of.name, &of.credit_code, &of.kind, &of.division_code, &of.address, &of.contact, &phone];
    ids::fingerprint(parts.map(String::as_str).join("\u{1f}").as_bytes())
}
