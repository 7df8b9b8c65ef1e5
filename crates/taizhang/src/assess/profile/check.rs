//! Runs the examples that a profile brings for its rules.

use super::{Problem, Profile, Rule};
use crate::assess::evaluate::Around;
use crate::assess::rules;

/// Every example that comes out otherwise than the profile says, and every rule that lacks one of either sort.
pub(super) fn examples(profile: &Profile) -> Vec<Problem> {
    let mut out = Vec::new();
    for (index, rule) in profile.rules.iter().enumerate() {
        for (wanted, expected) in [(true, "expect = true"), (false, "expect = false")] {
            if !rule.examples.iter().any(|example| example.expect == wanted) {
                out.push(Problem {
                    line: rule.line,
                    column: 0,
                    key: format!("rules[{index}].examples"),
                    what: "profile-no-example",
                    found: rule.id.clone(),
                    expected: expected.to_owned(),
                });
            }
        }
        out.extend(rule.examples.iter().filter_map(|example| {
            let held = holds(rule, example);
            (held != Some(example.expect)).then(|| Problem {
                line: example.line,
                column: 0,
                key: example.key.clone(),
                what: match held {
                    Some(true) => "profile-example-hit",
                    Some(false) => "profile-example-miss",
                    None => "profile-example-budget",
                },
                found: rule.id.clone(),
                expected: format!("expect = {}", example.expect),
            })
        }));
    }
    out
}

/// Regions with income lines of their own for which, on some day that the profile may be in force, there is none.
pub(super) fn lines(profile: &Profile) -> Vec<Problem> {
    let Ok(from) = profile.effective_from.parse() else {
        return Vec::new();
    };
    let gaps = profile.income_lines.gaps(from).into_iter();
    gaps.map(|(region, day)| Problem {
        line: 0,
        column: 0,
        key: "income_lines".to_owned(),
        what: "profile-line-gap",
        found: if region.is_empty() { day } else { format!("{region} {day}") },
        expected: profile.effective_from.clone(),
    })
    .collect()
}

/// Whether a rule holds for an example; none where it would take too many steps.
fn holds(rule: &Rule, example: &super::Example) -> Option<bool> {
    let around = Around { tiers: &example.tiers, today: example.today };
    rules::holds(rule, around, &example.view).ok()
}
