//! Divisions over several files: what a newer division file renames, ends and puts in the place of what ended, and where
//! the households of ended divisions go.

use std::collections::{BTreeMap, HashMap, HashSet};

use codes::division::{DivisionCode, Level};
use uuid::Uuid;

use super::convert::DivisionRow;
use super::records::{Household, WorkTeamMember};
use super::registrar::Found;
use super::rules::{Hit, Severity};
use super::store::{self, NewDivision};
use crate::platform::{DbError, Tx};
use crate::register::Divisions;

/// What a division file changes in the register.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Divisions in force as the file states them.
    pub(super) news: Vec<NewDivision>,
    /// How many of them the register does not know.
    pub(super) unknown: i64,
    /// Former codes and names: alias code, alias name, code, first day, first day no longer.
    pub(super) aliases: Vec<[String; 5]>,
    /// Rows that state a code that no longer holds.
    pub(super) ended_rows: i64,
    /// Rows that speak of a day before the register's.
    pub(super) older: i64,
    /// Divisions in the register that no longer hold, and the first day on which they do not.
    pub(super) ended: BTreeMap<String, String>,
    /// What took the place of what ended, where that is one division.
    pub(super) moves: BTreeMap<String, String>,
    /// Joined names that follow from another division's new name.
    pub(super) full_names: Vec<(String, String)>,
}

/// Divisions in force once the file is in: names by code, and codes by the division above and the name.
struct After<'a> {
    names: HashMap<&'a str, &'a str>,
    below: HashMap<(&'a str, &'a str), Vec<&'a str>>,
}

fn parent(code: &str) -> &str {
    Level::ALL.into_iter().rev().map(Level::digits).find(|n| *n < code.len()).map_or("", |n| &code[..n])
}

impl<'a> After<'a> {
    fn add(&mut self, code: &'a str, name: &'a str) {
        // What the file says goes first and stands.
        if let std::collections::hash_map::Entry::Vacant(free) = self.names.entry(code) {
            free.insert(name);
            self.below.entry((parent(code), name)).or_default().push(code);
        }
    }

    /// The division of that name under any of `above`; else the one with the same last digits.
    fn heir(&self, old: &str, name: &str, above: &[&str]) -> Option<&'a str> {
        let mut named: Vec<&str> =
            above.iter().filter_map(|up| self.below.get(&(*up, name))).flatten().copied().collect();
        named.sort_unstable();
        match named.as_slice() {
            [one] => Some(one),
            [] => {
                let [up] = above else {
                    return None;
                };
                let same = format!("{up}{}", &old[parent(old).len()..]);
                self.names.get_key_value(same.as_str()).map(|(code, _)| *code)
            }
            _ => None,
        }
    }

    fn full_name(&self, code: &str) -> String {
        let above = Level::ALL.into_iter().map(Level::digits).filter(|n| *n < code.len());
        above.map(|n| &code[..n]).chain([code]).filter_map(|c| self.names.get(c)).copied().collect()
    }
}

impl Plan {
    /// What the rows of a file of the day `as_of` (ISO) change.
    pub(super) fn of(rows: &[DivisionRow], register: &Divisions, as_of: &str) -> Self {
        let mut plan = Self::default();
        let holds = |row: &DivisionRow| row.valid_to.is_empty() || row.valid_to.as_str() > as_of;
        // A code that the register knows to have ended after the file's day does not come back by it.
        let outlived =
            |row: &DivisionRow| holds(row) && register.ended(&row.code).is_some_and(|day| day.as_str() > as_of);
        plan.older = rows.iter().filter(|r| outlived(r)).count() as i64;
        let holding: Vec<&DivisionRow> = rows.iter().filter(|r| holds(r) && !outlived(r)).collect();
        let stated: HashSet<&str> = holding.iter().map(|r| r.code.as_str()).collect();
        let mut heirs: BTreeMap<&str, Vec<&DivisionRow>> = BTreeMap::new();
        for row in holding.iter().filter(|r| !r.former.is_empty() && r.former != r.code) {
            heirs.entry(&row.former).or_default().push(row);
        }
        let heirs_of = |code: &str| heirs.get(code).map(Vec::as_slice).unwrap_or_default();

        // What ends, widest first: by its own row, or because another division says that it was once this one.
        let mut ended: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
        for row in rows.iter().filter(|r| !holds(r) && !stated.contains(r.code.as_str())) {
            plan.ended_rows += 1;
            ended.insert(&row.code, (&row.name, &row.valid_to));
        }
        for (former, heirs) in heirs.iter().filter(|(former, _)| !stated.contains(**former)) {
            let day = heirs.iter().map(|h| h.valid_from.as_str()).filter(|d| !d.is_empty()).min().unwrap_or(as_of);
            ended.entry(former).or_insert((register.get(former).map_or("", |d| d.name.as_str()), day));
        }
        let mut after = After { names: HashMap::new(), below: HashMap::new() };
        for row in &holding {
            after.add(&row.code, &row.name);
        }
        for node in register.all().iter().filter(|d| d.valid_to.is_empty() && !ended.contains_key(d.code.as_str())) {
            after.add(&node.code, &node.name);
        }
        let mut first_days: HashMap<&str, &str> = HashMap::new();
        for row in rows.iter().filter(|r| !holds(r)) {
            first_days.insert(&row.code, &row.valid_from);
        }

        // What lay below an ended division ends with it wherever an heir can be named.
        let mut led: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for code in ended.keys() {
            led.insert(code, heirs_of(code).iter().map(|r| r.code.as_str()).collect());
        }
        for node in register.all().iter().filter(|d| d.valid_to.is_empty() && !stated.contains(d.code.as_str())) {
            let code = node.code.as_str();
            let above = parent(code);
            let Some((day, up)) = ended.get(above).map(|(_, day)| *day).zip(led.get(above)) else {
                continue;
            };
            let own = led.get(code).is_some_and(|heirs| !heirs.is_empty());
            if own {
                continue;
            }
            if let Some(heir) = after.heir(code, &node.name, up) {
                ended.entry(code).or_insert((&node.name, day));
                led.insert(code, vec![heir]);
            }
        }
        for (code, (name, day)) in &ended {
            let from = first_days.get(code).copied().unwrap_or_default();
            let heirs = led.get(code).map(Vec::as_slice).unwrap_or_default();
            let itself = [*code];
            for heir in if heirs.is_empty() { &itself } else { heirs } {
                plan.aliases.push([*code, name, heir, from, day].map(str::to_owned));
            }
            if let [heir] = heirs {
                plan.moves.insert((*code).to_owned(), (*heir).to_owned());
            }
            if register.get(code).is_some_and(|d| d.valid_to.is_empty()) {
                plan.ended.insert((*code).to_owned(), (*day).to_owned());
            }
        }
        for row in holding {
            let known = register.get(&row.code);
            if let Some(old) = known.filter(|d| d.valid_to.is_empty() && d.name != row.name) {
                let day = if row.valid_from > old.valid_from { row.valid_from.as_str() } else { as_of };
                plan.aliases.push([&row.code, &old.name, &row.code, &old.valid_from, day].map(str::to_owned));
            }
            plan.unknown += i64::from(known.is_none());
            let Ok(code) = DivisionCode::parse(&row.code) else {
                continue;
            };
            let folded = codes::name::fold(&row.name);
            plan.news.push(NewDivision {
                parent: parent(&row.code).to_owned(),
                level: code.level().number(),
                pinyin: codes::name::place_pinyin(&folded),
                initials: codes::name::place_initials(&folded),
                code: row.code.clone(),
                name: row.name.clone(),
                full_name: after.full_name(&row.code),
                urban_rural: row.urban_rural.clone(),
                valid_from: row.valid_from.clone(),
                // An end that is still to come is entered by the file that states it as past: whatever lists divisions
                // takes one with a last day for gone.
                valid_to: String::new(),
            });
        }
        for node in register.all().iter().filter(|d| d.valid_to.is_empty() && !stated.contains(d.code.as_str())) {
            if !ended.contains_key(node.code.as_str()) {
                let full_name = after.full_name(&node.code);
                if full_name != node.full_name {
                    plan.full_names.push((node.code.clone(), full_name));
                }
            }
        }
        plan
    }

    /// Where a record of an ended division goes: a group's to the group that followed it, else to its village's heir.
    fn target(&self, code: &str) -> Option<&str> {
        let village = code.get(..Level::Village.digits()).unwrap_or(code);
        self.moves.get(code).or_else(|| self.moves.get(village)).map(String::as_str)
    }

    /// Ended villages, and ended groups of villages that go on.
    fn ended_homes(&self) -> impl Iterator<Item = &str> {
        let village = Level::Village.digits();
        self.ended
            .keys()
            .map(String::as_str)
            .filter(move |c| c.len() == village || (c.len() > village && !self.ended.contains_key(&c[..village])))
    }

    /// Takes households and work teams of ended divisions to what followed, each as a new version. What has nowhere to
    /// go stays, and is told.
    pub(super) async fn rehome(&self, tx: &mut Tx, import: Uuid, now: i64) -> Result<Vec<Found>, DbError> {
        let (mut moved, mut found) = (false, Vec::new());
        for code in self.ended_homes() {
            let (lo, hi) = DivisionCode::parse(code).map_or((code.to_owned(), code.to_owned()), |c| c.range());
            let mut stay = 0;
            let mut moves = Vec::new();
            for (id, at) in store::households_under(tx, &lo, &hi).await? {
                match self.target(&at) {
                    Some(to) => moves.push((id, to)),
                    None => stay += 1,
                }
            }
            let ids: Vec<Uuid> = moves.iter().map(|(id, _)| *id).collect();
            store::keep_versions::<Household>(tx, &ids, |_| true, import, now).await?;
            moved |= !moves.is_empty();
            for (id, to) in moves {
                store::move_household(tx, id, to, import, now).await?;
            }
            let members = store::work_team_under(tx, &lo, &hi).await?;
            let moves: Vec<(Uuid, &str)> =
                members.iter().filter_map(|(id, at)| Some((*id, self.target(at)?))).collect();
            let ids: Vec<Uuid> = moves.iter().map(|(id, _)| *id).collect();
            store::keep_versions::<WorkTeamMember>(tx, &ids, |_| true, import, now).await?;
            for (id, to) in moves {
                store::move_work_team_member(tx, id, to, import, now).await?;
            }
            if stay > 0 {
                found.push(Found {
                    hit: Hit::new("division.no_successor", "停用日期", stay.to_string()),
                    severity: Severity::Doubt,
                    division: code.to_owned(),
                    household_no: String::new(),
                    person_no: String::new(),
                    sheet: String::new(),
                    line: 0,
                });
            }
        }
        if moved {
            store::follow_households(tx).await?;
            store::roll_up(tx).await?;
        }
        Ok(found)
    }
}
