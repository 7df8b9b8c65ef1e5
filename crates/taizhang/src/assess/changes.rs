//! What has changed between the evidence that somebody was told of and the evidence of today, for those who work with
//! a finding: which signal was added, revised or withdrawn.

use serde::{Deserialize, Serialize};

use super::model::Evidence;
use super::profile::Profile;
use super::profile::plan;
use super::{AssessError, evidence_in_words, store};
use crate::access::Scope;
use crate::platform::{App, DbError, Lang, Tx, i18n};

/// One change of the evidence. Like the evidence itself it names no person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Change {
    /// A fact that was not known before.
    Added {
        /// What it is.
        evidence: Evidence,
    },
    /// The same row of the same list, or the same work place, now says something else.
    Revised {
        /// What it said.
        before: Evidence,
        /// What it says.
        after: Evidence,
    },
    /// A fact that was taken back.
    Withdrawn {
        /// What it was.
        evidence: Evidence,
        /// What the withdrawal said.
        reason: String,
    },
    /// A fact that is still true and no longer counts: another one outweighs it, or whom it is about has gone.
    Lapsed {
        /// What it is.
        evidence: Evidence,
    },
}

impl Change {
    fn evidence(&self) -> Vec<&Evidence> {
        match self {
            Self::Added { evidence } | Self::Withdrawn { evidence, .. } | Self::Lapsed { evidence } => vec![evidence],
            Self::Revised { before, after } => vec![before, after],
        }
    }
}

/// What became of a fact that is no evidence any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// Another fact of the same row stands in its place.
    Replaced(Evidence),
    /// Taken back, with the reason.
    Withdrawn(String),
    /// Still in force; with what is in force besides and rules it out.
    Standing(Vec<Evidence>),
}

/// Whether two facts are one in two versions.
fn same_fact(a: &Evidence, b: &Evidence) -> bool {
    match (a, b) {
        (
            Evidence::Signal { source, row_key, carrier, .. },
            Evidence::Signal { source: source2, row_key: row_key2, carrier: carrier2, .. },
        ) => source == source2 && row_key == row_key2 && carrier == carrier2,
        (Evidence::WorkTier { carrier, .. }, Evidence::WorkTier { carrier: carrier2, .. }) => carrier == carrier2,
        (Evidence::Fact { field, carrier, .. }, Evidence::Fact { field: field2, carrier: carrier2, .. }) => {
            field == field2 && carrier == carrier2
        }
        _ => false,
    }
}

/// The facts that were evidence and are none now, those that are new, and those that changed.
fn compared<'a>(
    before: &'a [Evidence],
    after: &'a [Evidence],
) -> (Vec<&'a Evidence>, Vec<&'a Evidence>, Vec<(&'a Evidence, &'a Evidence)>) {
    let mut gone: Vec<&Evidence> = before.iter().filter(|old| !after.contains(old)).collect();
    let mut new: Vec<&Evidence> = after.iter().filter(|fact| !before.contains(fact)).collect();
    let mut revised = Vec::new();
    gone.retain(|old| match new.iter().position(|fact| same_fact(old, fact)) {
        Some(at) => {
            revised.push((*old, new.remove(at)));
            false
        }
        None => true,
    });
    (gone, new, revised)
}

/// What changed of a rule's evidence since `before`; `after` is empty where the finding has ended.
pub(crate) async fn explain(
    tx: &mut Tx,
    profile: &Profile,
    rule_id: &str,
    before: &[Evidence],
    after: &[Evidence],
) -> Result<Vec<Change>, DbError> {
    let (gone, new, revised) = compared(before, after);
    let mut out: Vec<Change> =
        revised.into_iter().map(|(a, b)| Change::Revised { before: a.clone(), after: b.clone() }).collect();
    let root = profile.rule(rule_id).map(|rule| &rule.when.root);
    let against = root.map(plan::against).unwrap_or_default();
    let field = root.and_then(plan::signal_value);
    for old in gone {
        let evidence = old.clone();
        match store::fate(tx, old, &against, field).await? {
            Fate::Replaced(now) => out.push(Change::Revised { before: evidence, after: now }),
            Fate::Withdrawn(reason) => out.push(Change::Withdrawn { evidence, reason }),
            Fate::Standing(others) => {
                out.push(Change::Lapsed { evidence });
                out.extend(others.into_iter().map(|evidence| Change::Added { evidence }));
            }
        }
    }
    out.extend(new.into_iter().map(|evidence| Change::Added { evidence: evidence.clone() }));
    let mut told: Vec<Change> = Vec::new();
    for change in out {
        if !told.contains(&change) {
            told.push(change);
        }
    }
    Ok(told)
}

/// Why a fact was taken back, in words; nothing for a reason that has none.
fn because(reason: &str, lang: Lang) -> String {
    let key = format!("signal-reason-{reason}");
    if reason.is_empty() {
        String::new()
    } else if i18n::has(lang, &key) {
        i18n::text(lang, &key)
    } else if reason.is_ascii() {
        // A code of a later version; what a person wrote is in Chinese here.
        String::new()
    } else {
        reason.to_owned()
    }
}

/// Changes in words, one line each, list by list.
///
/// # Errors
/// The database fails.
pub(crate) async fn changes_in_words(
    app: &App,
    scope: &Scope,
    profile: &Profile,
    lists: Vec<Vec<Change>>,
    lang: Lang,
) -> Result<Vec<Vec<String>>, AssessError> {
    let all: Vec<&Evidence> = lists.iter().flatten().flat_map(Change::evidence).collect();
    if all.is_empty() {
        return Ok(lists.iter().map(|_| Vec::new()).collect());
    }
    let json = serde_json::to_string(&all).unwrap_or_default();
    let mut words = evidence_in_words(app, scope, profile, &json, lang).await?.into_iter();
    let mut next = || words.next().unwrap_or_default();
    Ok(lists
        .iter()
        .map(|list| {
            list.iter()
                .map(|change| match change {
                    Change::Added { .. } => i18n::text_with(lang, "change-added", &[("fact", next())]),
                    Change::Revised { .. } => {
                        i18n::text_with(lang, "change-revised", &[("before", next()), ("after", next())])
                    }
                    Change::Withdrawn { reason, .. } => {
                        let reason = because(reason, lang);
                        let key = if reason.is_empty() { "change-withdrawn" } else { "change-withdrawn_because" };
                        i18n::text_with(lang, key, &[("fact", next()), ("reason", reason)])
                    }
                    Change::Lapsed { .. } => i18n::text_with(lang, "change-lapsed", &[("fact", next())]),
                })
                .collect()
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn fact(kind: &str, row: &str, day: &str, who: u128) -> Evidence {
        Evidence::Signal {
            kind: kind.to_owned(),
            fact_date: day.to_owned(),
            relation: "self".to_owned(),
            carrier: Some(Uuid::from_u128(who)),
            value: None,
            source: "health.cases".to_owned(),
            row_key: row.to_owned(),
        }
    }

    #[test]
    fn a_row_in_two_versions_is_one_fact_revised() {
        let before =
            [fact("epidemic.suspected", "1", "2020-02-10", 1), fact("epidemic.confirmed", "2", "2020-02-11", 2)];
        let after =
            [fact("epidemic.confirmed", "1", "2020-02-12", 1), fact("epidemic.confirmed", "3", "2020-02-12", 3)];
        let (gone, new, revised) = compared(&before, &after);
        assert_eq!(gone, [&before[1]]);
        assert_eq!(new, [&after[1]]);
        assert_eq!(revised, [(&before[0], &after[0])]);
        let (gone, new, revised) = compared(&before, &before);
        assert!(gone.is_empty() && new.is_empty() && revised.is_empty());
    }

    #[test]
    fn reasons_are_words_or_nothing() {
        assert_eq!(because("excluded", Lang::Zh), "病例已排除");
        assert_eq!(because("some_code", Lang::Zh), "");
        assert_eq!(because("卡片作废", Lang::En), "卡片作废");
    }
}
