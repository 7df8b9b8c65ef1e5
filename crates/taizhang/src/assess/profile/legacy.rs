//! Conditions as profiles wrote them before they were CEL: a table of relation, kinds and one test of a value. A version
//! that was loaded once keeps its text for good, so these are read on, as the expressions that say the same.

use super::Subject;
use super::file::{Node, Reader, as_number, join, shown};
use crate::assess::model::{SIGNAL_KINDS, Tier};

/// Whose signals a condition reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Itself,
    HouseholdMember,
    Helper,
    TeamMember,
}

const RELATIONS: [(&str, Relation); 4] = [
    ("self", Relation::Itself),
    ("household_member", Relation::HouseholdMember),
    ("helper", Relation::Helper),
    ("team_member", Relation::TeamMember),
];

/// The expression that says what the table says; nothing where it is faulty, which the reader then knows.
pub(super) fn as_cel(reader: &mut Reader<'_>, node: &Node<'_>, subject: Subject) -> Option<String> {
    reader.only(node, &["relation", "any", "none", "value", "work_tier"]);
    if reader.maybe(node, "work_tier").is_some() {
        for other in ["relation", "any", "none", "value"] {
            if let Some(value) = reader.maybe(node, other) {
                reader.fault(value.span().start, join(&node.path, other), "profile-either", other, "work_tier");
            }
        }
        if subject == Subject::Household {
            reader.fault(node.at, join(&node.path, "work_tier"), "profile-subject", "household", "person");
        }
        // Every county that nothing is known of is low: a rule on it would be a rule on everybody.
        let names = reader.list(node, "work_tier", &[Tier::Medium.name(), Tier::High.name()], true)?;
        return Some(format!("person.work_tier in {}", texts(&names)));
    }
    let relation = reader.choice(node, "relation", &RELATIONS);
    if let (Some(relation), Subject::Person) = (relation, subject)
        && relation != Relation::Itself
    {
        reader.fault(node.at, join(&node.path, "relation"), "profile-subject", "person", "household");
    }
    let any = reader.list(node, "any", &SIGNAL_KINDS, true);
    let none = reader.list(node, "none", &SIGNAL_KINDS, false);
    if let (Some(any), Some(none)) = (&any, &none)
        && let Some(both) = any.iter().find(|kind| none.contains(kind))
    {
        reader.fault(node.at, join(&node.path, "none"), "profile-twice", both.clone(), "");
    }
    let value = match reader.maybe(node, "value") {
        None => String::new(),
        Some(value) => {
            let inner = reader.as_table(value, join(&node.path, "value"))?;
            value_test(reader, &inner)?
        }
    };
    let (any, none) = (any?, none?);
    let of = |list: &str| {
        let mut out = format!("{list}.exists(s, s.kind in {}{value})", texts(&any));
        if !none.is_empty() {
            out.push_str(&format!(" && !{list}.exists(s, s.kind in {})", texts(&none)));
        }
        out
    };
    Some(match (relation?, subject) {
        (Relation::Itself, Subject::Person) => of("person.signals"),
        (Relation::Itself, Subject::Household) => of("household.signals"),
        (Relation::HouseholdMember, _) => format!("household.persons.exists(p, {})", of("p.signals")),
        (Relation::Helper, _) => format!("household.helpers.exists(h, {})", of("h.signals")),
        (Relation::TeamMember, _) => format!("household.team.exists(t, {})", of("t.signals")),
    })
}

fn value_test(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<String> {
    reader.only(node, &["field", "at_least", "one_of"]);
    let field = reader.choice(node, "field", &[("amount", "amount"), ("grade", "grade")])?;
    let least = match reader.maybe(node, "at_least") {
        None => None,
        Some(value) => {
            let number = as_number(value.get_ref());
            if number.is_none() {
                let path = join(&node.path, "at_least");
                reader.fault(value.span().start, path, "profile-number", shown(value.get_ref()), "5000");
            }
            Some(number?)
        }
    };
    let words = reader.list(node, "one_of", &["A", "B", "C", "D"], false)?;
    match (least, words.is_empty(), field) {
        (Some(least), true, "amount") => Some(format!(" && s.amount >= {least:?}")),
        (None, false, "grade") => Some(format!(" && s.grade in {}", texts(&words))),
        _ => {
            reader.fault(node.at, node.path.clone(), "profile-either", "at_least", "one_of");
            None
        }
    }
}

fn texts(all: &[String]) -> String {
    format!("[{}]", all.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", "))
}
