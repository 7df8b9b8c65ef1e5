//! Runs the examples that a profile brings for its rules.

use super::{Problem, Profile, Rule};
use crate::assess::evaluate::Around;
use crate::assess::{ask, rules};

/// Every example that comes out otherwise than the profile says, and every rule that lacks one of either sort.
pub(super) fn examples(profile: &Profile) -> Vec<Problem> {
    let mut out = Vec::new();
    for (index, rule) in profile.rules.iter().enumerate() {
        let key = format!("rules[{index}].examples");
        one(&mut out, (&rule.id, rule.line, key), &rule.examples, |example| holds(rule, example));
    }
    for (index, warning) in profile.warnings.iter().enumerate() {
        if let Some(feed) = &warning.feed {
            let key = format!("warnings[{index}].examples");
            one(&mut out, (&warning.id, feed.line, key), &feed.examples, |example| {
                ask::holds(&feed.when, &example.view, &example.tiers, example.today)
            });
        }
    }
    for (index, of) in profile.monitoring.iter().flat_map(|policy| policy.types.iter().enumerate()) {
        if let Some(when) = &of.when {
            let key = format!("monitoring.types[{index}].examples");
            one(&mut out, (&of.id, of.line, key), &of.examples, |example| {
                ask::holds(when, &example.view, &example.tiers, example.today)
            });
        }
    }
    out
}

/// The faults of the examples of one condition; `of` is what it is called, its line, and the key of its examples.
fn one(
    out: &mut Vec<Problem>,
    of: (&str, usize, String),
    examples: &[super::Example],
    holds: impl Fn(&super::Example) -> Option<bool>,
) {
    let (id, line, key) = of;
    for (wanted, expected) in [(true, "expect = true"), (false, "expect = false")] {
        if !examples.iter().any(|example| example.expect == wanted) {
            out.push(Problem {
                line,
                column: 0,
                key: key.clone(),
                what: "profile-no-example",
                found: id.to_owned(),
                expected: expected.to_owned(),
            });
        }
    }
    out.extend(examples.iter().filter_map(|example| {
        let held = holds(example);
        (held != Some(example.expect)).then(|| Problem {
            line: example.line,
            column: 0,
            key: example.key.clone(),
            what: match held {
                Some(true) => "profile-example-hit",
                Some(false) => "profile-example-miss",
                None => "profile-example-budget",
            },
            found: id.to_owned(),
            expected: format!("expect = {}", example.expect),
        })
    }));
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
