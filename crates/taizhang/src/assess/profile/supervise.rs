//! `[supervision]` of a profile: when an item counts as stuck (缓一缓、等一等) and what a supervisor asks then, from which
//! share on a place is warned, and what presence of a work team is inferred from.

use std::collections::BTreeSet;

use serde::Serialize;

use super::file::{Node, Reader, join};
use super::{Profile, Words};
use crate::platform::{Lang, i18n};

/// A way in which an item is stuck, or was closed in a doubtful way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StallKind {
    /// Open and past its deadline by more than so many days.
    Overdue,
    /// Open, and nothing was done for so many days.
    Idle,
    /// Open again, after having been reopened so often.
    Reopened,
    /// Closed within fewer than so many hours of being opened.
    ClosedFast,
    /// Closed by somebody who closed so many on the same day.
    ClosedBulk,
}

impl StallKind {
    /// Every kind, what is stuck before what was closed.
    pub const ALL: [Self; 5] = [Self::Overdue, Self::Idle, Self::Reopened, Self::ClosedFast, Self::ClosedBulk];

    /// The name in profile and addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::Idle => "idle",
            Self::Reopened => "reopened",
            Self::ClosedFast => "closed_fast",
            Self::ClosedBulk => "closed_bulk",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether the item is open, and its owner can be asked to move.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Overdue | Self::Idle | Self::Reopened)
    }

    /// What its limit is called in the profile, and from where to where it goes.
    fn limit(self) -> (&'static str, i64, i64) {
        match self {
            Self::Overdue => ("days", 0, 3650),
            Self::Idle => ("days", 1, 3650),
            Self::Reopened => ("times", 1, 100),
            Self::ClosedFast => ("hours", 1, 24 * 365),
            Self::ClosedBulk => ("count", 2, 100_000),
        }
    }
}

/// One rule of stalls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stall {
    /// What it looks for.
    pub kind: StallKind,
    /// What it is called.
    pub title: Words,
    /// What a supervisor asks.
    pub ask: Words,
    /// Days, hours or times, as the kind has it.
    pub limit: i64,
    /// Where the rule comes from.
    pub source: String,
}

impl Stall {
    /// The rule with its limit, in words.
    pub fn in_words(&self, lang: Lang) -> String {
        // "More than 0 days" is no way to say it.
        let at_once = if self.limit == 0 { "-at_once" } else { "" };
        let key = format!("supervise-rule-{}{at_once}", self.kind.name());
        i18n::text_with(lang, &key, &[("limit", self.limit.to_string())])
    }
}

/// When a place is warned (橙色预警).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Orange {
    /// Stuck of open items, percent.
    pub share_percent: i64,
    /// And at least so many stuck: one of two is no pattern.
    pub at_least: i64,
}

impl Orange {
    /// Whether so many stuck of so many open are a warning.
    pub fn holds(&self, stuck: i64, open: i64) -> bool {
        open > 0 && stuck >= self.at_least && stuck * 100 >= open * self.share_percent
    }

    /// In words.
    pub fn in_words(&self, lang: Lang) -> String {
        let args = [("percent", self.share_percent.to_string()), ("least", self.at_least.to_string())];
        i18n::text_with(lang, "supervise-orange-rule", &args)
    }
}

/// What presence of a member of a work team is inferred from (驻村到岗).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Presence {
    /// Days of a month on post.
    pub month_days: i64,
    /// Between two days of work in the village at most so many days apart, the member was there.
    pub bridge_days: i64,
    /// So many days without any work are an absence, leave apart.
    pub absent_days: i64,
    /// Leave of more days than this is for the county to approve.
    pub leave_township_days: i64,
    /// Ledgers whose work counts as work against the epidemic; all other work is poverty work.
    pub epidemic_ledgers: Vec<String>,
}

impl Presence {
    /// In words.
    pub fn in_words(&self, lang: Lang) -> String {
        let args = [
            ("month", self.month_days.to_string()),
            ("bridge", self.bridge_days.to_string()),
            ("absent", self.absent_days.to_string()),
            ("leave", self.leave_township_days.to_string()),
        ];
        i18n::text_with(lang, "supervise-presence-rule", &args)
    }
}

/// `[supervision]` of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SupervisionPolicy {
    /// Closings are looked back at for so many days.
    pub look_back_days: i64,
    /// The rules of stalls, at most one of a kind.
    pub stalls: Vec<Stall>,
    /// When a place is warned.
    pub orange: Orange,
    /// What presence is inferred from.
    pub presence: Presence,
    /// Where it comes from.
    pub source: String,
}

impl SupervisionPolicy {
    /// That of a profile; that of the built-in one where it says nothing of supervision.
    pub fn of(profile: &Profile) -> Self {
        static BUILT_IN: std::sync::LazyLock<Option<SupervisionPolicy>> = std::sync::LazyLock::new(|| {
            super::parse(super::BUILT_IN_FILE, super::BUILT_IN).ok().and_then(|profile| profile.supervision)
        });
        profile.supervision.clone().or_else(|| BUILT_IN.clone()).unwrap_or_else(Self::bare)
    }

    /// One that finds nothing: only where a program ships without a readable profile, which a test rules out.
    fn bare() -> Self {
        Self {
            look_back_days: 0,
            stalls: Vec::new(),
            orange: Orange { share_percent: 100, at_least: i64::MAX },
            presence: Presence {
                month_days: 0,
                bridge_days: 0,
                absent_days: i64::MAX,
                leave_township_days: 0,
                epidemic_ledgers: Vec::new(),
            },
            source: String::new(),
        }
    }

    /// The rule of a kind.
    pub fn stall(&self, kind: StallKind) -> Option<&Stall> {
        self.stalls.iter().find(|stall| stall.kind == kind)
    }
}

/// Reads the section.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node<'_>, ledgers: &[&str]) -> Option<SupervisionPolicy> {
    reader.only(node, &["look_back_days", "stalls", "orange", "presence", "source"]);
    let look_back_days = reader.integer(node, "look_back_days", 1, 365);
    let source = reader.text(node, "source", "\"…\"");
    let stalls = stalls(reader, node);
    let orange = reader.table(node, "orange").and_then(|inner| {
        reader.only(&inner, &["share_percent", "at_least"]);
        let share_percent = reader.integer(&inner, "share_percent", 1, 100);
        let at_least = reader.integer(&inner, "at_least", 1, 1_000_000);
        Some(Orange { share_percent: share_percent?, at_least: at_least? })
    });
    let presence = reader.table(node, "presence").and_then(|inner| {
        reader.only(&inner, &["month_days", "bridge_days", "absent_days", "leave_township_days", "epidemic_ledgers"]);
        let month_days = reader.integer(&inner, "month_days", 1, 31);
        let bridge_days = reader.integer(&inner, "bridge_days", 0, 31);
        let absent_days = reader.integer(&inner, "absent_days", 1, 365);
        let leave_township_days = reader.integer(&inner, "leave_township_days", 0, 365);
        let epidemic_ledgers = reader.list(&inner, "epidemic_ledgers", ledgers, false);
        Some(Presence {
            month_days: month_days?,
            bridge_days: bridge_days?,
            absent_days: absent_days?,
            leave_township_days: leave_township_days?,
            epidemic_ledgers: epidemic_ledgers?,
        })
    });
    Some(SupervisionPolicy {
        look_back_days: look_back_days?,
        stalls,
        orange: orange?,
        presence: presence?,
        source: source?.0,
    })
}

fn stalls(reader: &mut Reader<'_>, node: &Node<'_>) -> Vec<Stall> {
    let kinds = StallKind::ALL.map(|kind| (kind.name(), kind));
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for inner in reader.tables(node, "stalls") {
        let kind = reader.choice(&inner, "kind", &kinds);
        let limit = kind.and_then(|kind| {
            let (name, least, most) = kind.limit();
            reader.only(&inner, &["kind", "title", "ask", name, "source"]);
            if !seen.insert(kind) {
                reader.fault(inner.at, join(&inner.path, "kind"), "profile-twice", kind.name(), "");
            }
            reader.integer(&inner, name, least, most)
        });
        let title = reader.words(&inner, "title");
        let ask = reader.words(&inner, "ask");
        let source = reader.text(&inner, "source", "\"…\"");
        if let (Some(kind), Some(limit), Some(title), Some(ask), Some(source)) = (kind, limit, title, ask, source) {
            out.push(Stall { kind, title, ask, limit, source: source.0 });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::profile::{BUILT_IN, parse};

    #[test]
    fn both_profiles_say_when_an_item_is_stuck() {
        for text in [BUILT_IN, include_str!("../../../../../policy/2026-regular.toml")] {
            let policy = parse("p.toml", text).unwrap().supervision.unwrap();
            assert_eq!(policy.stalls.len(), StallKind::ALL.len());
            assert_eq!(policy.presence.month_days, 20);
            for stall in &policy.stalls {
                for lang in Lang::ALL {
                    let words = stall.in_words(lang);
                    assert!(stall.limit == 0 || words.contains(&stall.limit.to_string()), "{words}");
                    assert!(!words.contains("supervise-"), "{words}");
                }
            }
        }
    }

    #[test]
    fn a_place_is_warned_by_share_and_by_number() {
        let orange = Orange { share_percent: 20, at_least: 3 };
        for (stuck, open, holds) in [(2, 2, false), (3, 15, true), (3, 16, false), (0, 0, false), (30, 100, true)] {
            assert_eq!(orange.holds(stuck, open), holds, "{stuck} of {open}");
        }
    }

    #[test]
    fn faults_of_the_section_are_told_where_they_are() {
        let problems = |from: &str, to: &str| {
            assert!(BUILT_IN.contains(from), "{from}");
            parse("p.toml", &BUILT_IN.replacen(from, to, 1)).unwrap_err().problems
        };
        let all = problems("kind = \"idle\"", "kind = \"overdue\"");
        assert!(all.iter().any(|p| p.what == "profile-twice" && p.key == "supervision.stalls[1].kind" && p.line > 0));
        let all = problems("share_percent = 20", "share_percent = 0");
        assert!(all.iter().any(|p| p.what == "profile-number" && p.expected == "1–100"));
        let all = problems("kind = \"closed_bulk\"", "kind = \"closed_bluk\"");
        assert!(all.iter().any(|p| p.what == "profile-choice" && p.expected == "closed_bulk"), "{all:?}");
        let old = parse("old", include_str!("../../../tests/fixtures/2020-epidemic-v2.toml")).unwrap();
        assert!(old.supervision.is_none());
        assert_eq!(SupervisionPolicy::of(&old).stalls.len(), StallKind::ALL.len());
    }
}
