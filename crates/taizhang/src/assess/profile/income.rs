//! `[income_estimate]` of a profile: how this year's income is estimated from last year's and from signals.

use std::collections::BTreeSet;

use super::file::{Node, Reader, join};
use crate::assess::income::model::{Effect, EstimatePolicy, Method, Part};
use crate::assess::income::tree;
use crate::assess::model::SIGNAL_KINDS;

/// Reads the section.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<EstimatePolicy> {
    reader.only(node, &["days_per_month", "source", "parts"]);
    let days_per_month = reader.integer(node, "days_per_month", 1, 31);
    let source = reader.text(node, "source", "\"…\"");
    let mut seen = BTreeSet::new();
    let mut parts = Vec::new();
    for inner in reader.tables(node, "parts") {
        reader.only(&inner, &["id", "title", "signals", "method", "base", "effect", "share", "source"]);
        let id = reader.identifier(&inner);
        if let Some(id) = &id {
            reader.unique(&mut seen, id, join(&inner.path, "id"));
        }
        let title = reader.words(&inner, "title");
        let signals = reader.list(&inner, "signals", &SIGNAL_KINDS, true);
        let method = reader.choice(&inner, "method", &Method::ALL);
        let effect = reader.choice(&inner, "effect", &Effect::ALL);
        let bases: Vec<(&'static str, &'static str)> = tree::bases().into_iter().map(|id| (id, id)).collect();
        let base = match (reader.maybe(&inner, "base"), method) {
            // What is measured by last year cannot do without it.
            (None, None | Some(Method::Amount)) => Some(None),
            _ => reader.choice(&inner, "base", &bases).map(|base| Some(base.to_owned())),
        };
        let share = match reader.maybe(&inner, "share") {
            None => Some(1000),
            Some(_) => share(reader, &inner),
        };
        let source = reader.text(&inner, "source", "\"…\"");
        if let (
            Some(id),
            Some(title),
            Some(signals),
            Some(method),
            Some(base),
            Some(effect),
            Some(share),
            Some(source),
        ) = (id, title, signals, method, base, effect, share, source)
        {
            parts.push(Part { id: id.0, title, signals, method, base, effect, share, source: source.0 });
        }
    }
    Some(EstimatePolicy { days_per_month: days_per_month?, parts, source: source?.0 })
}

/// A share from 0 to 1 with at most three decimals, in thousandths.
fn share(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<i64> {
    let number = reader.number(node, "share", "0.8")?;
    let thousandths = (number * 1000.0).round();
    if (0.0..=1000.0).contains(&thousandths) && (thousandths / 1000.0 - number).abs() < 1e-9 {
        return Some(thousandths as i64);
    }
    let at = reader.maybe(node, "share").map_or(node.at, |value| value.span().start);
    reader.fault(at, join(&node.path, "share"), "profile-number", number.to_string(), "0–1 (0.001)");
    None
}
