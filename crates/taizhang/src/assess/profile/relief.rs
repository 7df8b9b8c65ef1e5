//! `[relief]` of a profile: who decides temporary relief (临时救助) up to how much, and by when.

use std::sync::LazyLock;

use chrono::{Months, NaiveDate};
use serde::Serialize;

use super::Profile;
use super::file::{Node, Reader, join};

/// The most yuan that a ceiling may say.
const MOST: i64 = 1_000_000;

/// How much the townships of a region may approve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ceiling {
    /// Division code.
    pub region: String,
    /// Yuan.
    pub yuan: i64,
    /// Where it comes from.
    pub source: String,
}

/// The rules of temporary relief.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReliefPolicy {
    /// Yuan up to which a township decides where its region says nothing else; beyond it the county does.
    pub township_yuan: i64,
    /// Regions that say something else.
    pub ceilings: Vec<Ceiling>,
    /// Yuan up to which help may be paid before the decision (先行救助).
    pub green_yuan: i64,
    /// Working days from the request to the decision.
    pub decide_days: i64,
    /// The same where help came first.
    pub green_days: i64,
    /// Working days from the approval to the payment.
    pub pay_days: i64,
    /// Months within which a second request of a household is told.
    pub repeat_months: i64,
    /// Where it comes from.
    pub source: String,
}

impl ReliefPolicy {
    /// The rules of a profile; those of the profile of ordinary years that ships with the program where it has none.
    pub fn of(profile: &Profile) -> Self {
        profile.relief.clone().unwrap_or_else(built_in)
    }

    /// Fen up to which the township of a place decides: the narrowest region counts.
    pub fn ceiling_fen(&self, division: &str) -> i64 {
        let of_region = self.ceilings.iter().filter(|c| division.starts_with(&c.region)).max_by_key(|c| c.region.len());
        of_region.map_or(self.township_yuan, |ceiling| ceiling.yuan) * 100
    }

    /// The first day whose requests count as the household having asked before.
    pub fn repeat_since(&self, day: NaiveDate) -> NaiveDate {
        let months = Months::new(u32::try_from(self.repeat_months).unwrap_or(0));
        day.checked_sub_months(months).unwrap_or(day)
    }
}

fn built_in() -> ReliefPolicy {
    static READ: LazyLock<Option<ReliefPolicy>> =
        LazyLock::new(|| super::parse("2026-regular", super::REGULAR).ok()?.relief);
    // Nothing is decided by a township and nothing paid ahead: only where a program ships without a readable profile,
    // which a test rules out.
    READ.clone().unwrap_or(ReliefPolicy {
        township_yuan: 0,
        ceilings: Vec::new(),
        green_yuan: 0,
        decide_days: 1,
        green_days: 1,
        pay_days: 1,
        repeat_months: 12,
        source: String::new(),
    })
}

/// Reads the section.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<ReliefPolicy> {
    reader.only(
        node,
        &[
            "township_yuan",
            "ceilings",
            "green_yuan",
            "decide_days",
            "green_days",
            "pay_days",
            "repeat_months",
            "source",
        ],
    );
    let township_yuan = reader.integer(node, "township_yuan", 0, MOST);
    let green_yuan = reader.integer(node, "green_yuan", 0, MOST);
    let decide_days = reader.integer(node, "decide_days", 1, 60);
    let green_days = reader.integer(node, "green_days", 1, 60);
    let pay_days = reader.integer(node, "pay_days", 1, 60);
    let repeat_months = reader.integer(node, "repeat_months", 1, 36);
    let source = reader.text(node, "source", "\"…\"");
    let mut ceilings: Vec<Ceiling> = Vec::new();
    let inner = if reader.maybe(node, "ceilings").is_some() { reader.tables(node, "ceilings") } else { Vec::new() };
    for inner in inner {
        reader.only(&inner, &["region", "yuan", "source"]);
        let region = reader.text(&inner, "region", "\"340323\"");
        let yuan = reader.integer(&inner, "yuan", 0, MOST);
        let source = reader.text(&inner, "source", "\"…\"");
        let (Some((region, at)), Some(yuan), Some((source, _))) = (region, yuan, source) else {
            continue;
        };
        let is_code = [2, 4, 6, 9].contains(&region.len()) && region.bytes().all(|b| b.is_ascii_digit());
        if !is_code {
            reader.fault(at, join(&inner.path, "region"), "profile-choice", region, "340323");
        } else if ceilings.iter().any(|known| known.region == region) {
            reader.fault(at, join(&inner.path, "region"), "profile-twice", region, "");
        } else {
            ceilings.push(Ceiling { region, yuan, source });
        }
    }
    Some(ReliefPolicy {
        township_yuan: township_yuan?,
        ceilings,
        green_yuan: green_yuan?,
        decide_days: decide_days?,
        green_days: green_days?,
        pay_days: pay_days?,
        repeat_months: repeat_months?,
        source: source?.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_that_ships_says_who_decides_and_a_region_may_say_otherwise() {
        let text = super::super::REGULAR;
        let own = super::super::parse("r", text).unwrap().relief.unwrap();
        assert_eq!(built_in(), own, "a profile without the section goes by this one");
        let with = format!(
            "{text}\n[[relief.ceilings]]\nregion = \"990101\"\nyuan = 300\nsource = \"测试\"\n\
             [[relief.ceilings]]\nregion = \"99\"\nyuan = 900\nsource = \"测试\"\n"
        );
        let policy = super::super::parse("r", &with).unwrap().relief.unwrap();
        assert_eq!(policy.ceiling_fen("990101001001"), 30_000);
        assert_eq!(policy.ceiling_fen("990201001001"), 90_000);
        assert_eq!(policy.ceiling_fen("340101001001"), own.township_yuan * 100);
        let day = NaiveDate::from_ymd_opt(2020, 2, 29).unwrap();
        assert_eq!(policy.repeat_since(day).to_string(), "2019-02-28");
        for (from, what) in [("region = \"99\"", "profile-twice"), ("region = \"990101\"", "profile-choice")] {
            let to = if what == "profile-twice" { "region = \"990101\"" } else { "region = \"9901x1\"" };
            let faults = super::super::parse("r", &with.replacen(from, to, 1)).unwrap_err().problems;
            assert_eq!(
                (faults[0].what, faults[0].key.as_str().contains("relief.ceilings")),
                (what, true),
                "{faults:?}"
            );
        }
    }
}
