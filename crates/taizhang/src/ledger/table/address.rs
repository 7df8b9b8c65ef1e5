//! The address of a view of the table: everything that is asked for stands in it, so that it can be sent to somebody.

use std::collections::BTreeMap;

use axum::extract::Query;
use chrono::NaiveDate;

use super::columns::Column;
use crate::ledger::model::{Filter, Move, Sort, Then, Which};

/// The parts of an address, in their order.
const NAMES: [&str; 24] = [
    "state",
    "division",
    "ledger",
    "rule",
    "level",
    "source",
    "measure",
    "unit",
    "owner",
    "due_from",
    "due_to",
    "late",
    "q",
    "household",
    "mine",
    "asof",
    "moved",
    "from",
    "to",
    "sort",
    "dir",
    "cols",
    "after",
    "before",
];
/// What an address may not grow beyond: longer values are cut.
const VALUE_CHARS: usize = 400;
/// The most characters of a search.
const SEARCH_CHARS: usize = 60;
/// Lines of a page.
pub(in crate::ledger) const LINES: usize = 50;

/// A view as an address or a form asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::ledger) struct Asked(BTreeMap<&'static str, String>);

impl Asked {
    /// From the fields of an address or form; what the table does not know is left out. A field that comes several times
    /// (the boxes of the columns) is one list.
    pub(in crate::ledger) fn of(fields: &[(String, String)]) -> Self {
        let mut out = BTreeMap::<&'static str, String>::new();
        for (name, value) in fields {
            let Some(known) = NAMES.into_iter().find(|known| known == name) else {
                continue;
            };
            let value: String = value.trim().chars().take(VALUE_CHARS).collect();
            if value.is_empty() {
                continue;
            }
            out.entry(known)
                .and_modify(|before| {
                    before.push(',');
                    before.push_str(&value);
                })
                .or_insert(value);
        }
        Self(out)
    }

    /// From the text after the question mark of an address.
    pub(in crate::ledger) fn read(query: &str) -> Self {
        let fields =
            format!("/?{query}").parse().ok().and_then(|uri| Query::<Vec<(String, String)>>::try_from_uri(&uri).ok());
        fields.map(|Query(fields)| Self::of(&fields)).unwrap_or_default()
    }

    /// A part; empty where it was not asked for.
    pub(in crate::ledger) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Sets a part.
    pub(in crate::ledger) fn set(&mut self, name: &'static str, value: &str) {
        if value.is_empty() {
            self.0.remove(name);
        } else {
            self.0.insert(name, value.to_owned());
        }
    }

    /// The same view without the page that is looked at.
    pub(in crate::ledger) fn at_top(mut self) -> Self {
        self.0.remove("after");
        self.0.remove("before");
        self
    }

    /// Its parts by name, for the hidden fields of a form; `own` are those that the form has fields for.
    pub(in crate::ledger) fn rest(&self, own: &[&str]) -> Vec<(&'static str, String)> {
        self.0.iter().filter(|(name, _)| !own.contains(name)).map(|(name, value)| (*name, value.clone())).collect()
    }

    fn day(&self, name: &str) -> Option<NaiveDate> {
        NaiveDate::parse_from_str(self.get(name), "%Y-%m-%d").ok()
    }

    /// What of the books was asked for; a day that is none is left out.
    pub(in crate::ledger) fn then(&self) -> Option<Then> {
        match (Move::from_name(self.get("moved")), self.day("to"), self.day("asof")) {
            (Some(how), Some(to), _) => Some(Then::Moved { how, from: self.day("from"), to }),
            (_, _, Some(day)) => Some(Then::OpenOn(day)),
            _ => None,
        }
    }

    /// The question to the store.
    pub(in crate::ledger) fn filter(&self) -> Filter {
        let then = self.then();
        // Where they stand now is no matter of what was open then, unless it is asked for as well.
        let unasked = if then.is_some() { Which::All } else { Which::Open };
        Filter {
            which: Which::from_name(self.get("state")).unwrap_or(unasked),
            ledger: self.get("ledger").to_owned(),
            source: self.get("source").to_owned(),
            then,
            division: self.get("division").chars().filter(char::is_ascii_digit).collect(),
            rule: self.get("rule").to_owned(),
            owner: self.get("owner").to_owned(),
            unit: self.get("unit").to_owned(),
            level: self.get("level").to_owned(),
            measure: self.get("measure").to_owned(),
            due_from: self.day("due_from"),
            due_to: self.day("due_to"),
            late: self.get("late") == "1",
            text: self.get("q").chars().take(SEARCH_CHARS).collect(),
            household: self.get("household").parse().ok(),
            mine: self.get("mine") == "1",
            sort: Sort::from_name(self.get("sort")).unwrap_or_default(),
            descending: self.get("dir") == "desc",
            page: 1,
            per_page: LINES as i64,
        }
    }

    /// The columns in the order of the table.
    pub(in crate::ledger) fn columns(&self) -> Vec<Column> {
        Column::chosen(self.get("cols"))
    }

    /// The place in the order from which to go on, and whether backwards.
    pub(in crate::ledger) fn place(&self) -> (Option<Vec<String>>, bool) {
        let read = |name: &str| serde_json::from_str::<Vec<String>>(self.get(name)).ok();
        match (read("before"), read("after")) {
            (Some(place), _) => (Some(place), true),
            (None, place) => (place, false),
        }
    }

    /// The address of the same view with some of its parts changed.
    pub(in crate::ledger) fn href(&self, path: &str, changes: &[(&str, &str)]) -> String {
        let mut query = Vec::new();
        for name in NAMES {
            let changed = changes.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| *value);
            let value = changed.unwrap_or_else(|| self.get(name));
            if !value.is_empty() {
                query.push(format!("{name}={}", encoded(value)));
            }
        }
        if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
    }

    /// The text after the question mark.
    pub(in crate::ledger) fn query(&self) -> String {
        self.href("", &[]).trim_start_matches('?').to_owned()
    }
}

/// Percent-encoding of a value.
pub(in crate::ledger) fn encoded(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_the_same_view_again() {
        let asked = Asked::read("state=closed&q=%E8%B5%B5%201&cols=number&cols=state&evil=1&due_to=2020-03-01&late=1");
        assert_eq!(asked.get("q"), "赵 1");
        assert_eq!(asked.get("cols"), "number,state");
        assert_eq!(asked.get("evil"), "");
        assert_eq!(Asked::read(&asked.query()), asked);
        let filter = asked.filter();
        assert!(filter.late && filter.due_to.is_some() && filter.due_from.is_none());
        assert_eq!(Asked::default().href("/ledger", &[("state", "all"), ("q", "")]), "/ledger?state=all");
    }

    #[test]
    fn a_place_is_read_or_nothing() {
        let mut asked = Asked::default();
        asked.set("after", "[\"\",\"2020-02-01\",\"N-1\"]");
        assert_eq!(asked.place().0.unwrap().len(), 3);
        asked.set("after", "{broken");
        assert_eq!(asked.place(), (None, false));
        assert_eq!(asked.at_top(), Asked::default());
    }
}
