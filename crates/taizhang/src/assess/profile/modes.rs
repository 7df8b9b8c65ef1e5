//! `[tiers.modes]` of a profile: the work mode that each tier demands.

use std::collections::BTreeMap;

use super::file::{Node, Reader, join};
use crate::assess::model::Tier;
use crate::assess::modes::{CHANNELS, CatchUp, Counted, Delayed, ModeKind, WorkMode};

/// Reads the modes of every tier; none where the profile has no such section.
pub(super) fn read(reader: &mut Reader<'_>, tiers: &Node<'_>) -> Option<BTreeMap<String, WorkMode>> {
    if reader.maybe(tiers, "modes").is_none() {
        return Some(BTreeMap::new());
    }
    let node = reader.table(tiers, "modes")?;
    let names = Tier::ALL.map(Tier::name);
    reader.only(&node, &names);
    let mut out = BTreeMap::new();
    for name in names {
        if let Some(inner) = reader.table(&node, name) {
            out.extend(mode(reader, &inner).map(|mode| (name.to_owned(), mode)));
        }
    }
    Some(out)
}

fn mode(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<WorkMode> {
    reader.only(node, &["title", "kind", "visits", "meetings", "channels", "catch_up", "source"]);
    let title = reader.words(node, "title");
    let kind = reader.choice(node, "kind", &ModeKind::ALL);
    let by_call = reader.choice(node, "visits", &[("on_site", false), ("call", true)]);
    let remote = reader.choice(node, "meetings", &[("on_site", false), ("remote", true)]);
    let channels = reader.list(node, "channels", &CHANNELS, true);
    let source = reader.text(node, "source", "\"…\"");
    let place = |reader: &Reader<'_>, key: &str| reader.maybe(node, key).map_or(node.at, |value| value.span().start);
    // Who may not go to people's homes cannot be told that only going there counts, and the other way round.
    if kind == Some(ModeKind::Remote) && by_call == Some(false) {
        let at = place(reader, "visits");
        reader.fault(at, join(&node.path, "visits"), "profile-choice", "on_site", "call");
    }
    if let (Some(by_call), Some(channels)) = (by_call, &channels) {
        let on_site = channels.iter().any(|channel| channel == "on_site");
        let only_site = on_site && channels.len() == 1;
        if (by_call && only_site) || (!by_call && !on_site && !channels.is_empty()) {
            let at = place(reader, "channels");
            let expected = if by_call { "phone" } else { "on_site" };
            reader.fault(at, join(&node.path, "channels"), "profile-mode-channels", channels.join(", "), expected);
        }
    }
    let has_plan = reader.maybe(node, "catch_up").is_some();
    let catch_up = match (kind, has_plan) {
        (Some(ModeKind::CatchUp), _) => reader.table(node, "catch_up").and_then(|inner| plan(reader, &inner)).map(Some),
        (_, true) => {
            let at = place(reader, "catch_up");
            reader.fault(at, join(&node.path, "catch_up"), "profile-mode-plan", "catch_up", "kind = \"catch_up\"");
            None
        }
        (_, false) => Some(None),
    };
    Some(WorkMode {
        title: title?,
        kind: kind?,
        visits_by_call: by_call?,
        meetings_remote: remote?,
        channels: channels?,
        catch_up: catch_up?,
        source: source?.0,
    })
}

fn plan(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<CatchUp> {
    reader.only(node, &["delayed", "counts", "target_percent", "within_days", "source"]);
    let delayed = reader.choice(node, "delayed", &Delayed::ALL);
    let names: Vec<&'static str> = Counted::ALL.iter().map(|(name, _)| *name).collect();
    let counts = reader.list(node, "counts", &names, true);
    let target_percent = reader.integer(node, "target_percent", 1, 100);
    let within_days = reader.integer(node, "within_days", 1, 365);
    let source = reader.text(node, "source", "\"…\"");
    let known = |name: &String| Counted::ALL.iter().find(|(known, _)| known == name).map(|(_, counted)| *counted);
    Some(CatchUp {
        delayed: delayed?,
        counts: counts?.iter().filter_map(known).collect(),
        target_percent: target_percent?,
        within_days: within_days?,
        source: source?.0,
    })
}
