//! Puts other values into the text of a profile, each in the place of the one that stands there: what the page of what-if
//! lets somebody change. Comments and order stay as they are.

use toml::de::{DeTable, DeValue};

use super::Problem;

/// A value that somebody may change on the page.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// The version, which is raised with every change.
    Version,
    /// More cases than this may make a county high.
    TierThreshold,
    /// Days of the window of the tiers.
    TierWindow,
    /// The threshold of a warning, by its id.
    Warning(String),
    /// The yuan of an income line, by its place in the list.
    Line(usize),
    /// The condition of a rule, by its id.
    Condition(String),
}

impl Place {
    /// As forms name it.
    pub fn name(&self) -> String {
        match self {
            Self::Version => "version".to_owned(),
            Self::TierThreshold => "tiers.threshold".to_owned(),
            Self::TierWindow => "tiers.window_days".to_owned(),
            Self::Warning(id) => format!("warning.{id}"),
            Self::Line(at) => format!("line.{at}"),
            Self::Condition(id) => format!("rule.{id}"),
        }
    }

    /// The place of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "version" => Self::Version,
            "tiers.threshold" => Self::TierThreshold,
            "tiers.window_days" => Self::TierWindow,
            other => match other.split_once('.')? {
                ("warning", id) => Self::Warning(id.to_owned()),
                ("line", at) => Self::Line(at.parse().ok()?),
                ("rule", id) => Self::Condition(id.to_owned()),
                _ => return None,
            },
        })
    }
}

/// The place of a value in the text, and what it says: bytes from and to.
fn find<'a>(root: &'a DeTable<'a>, place: &Place) -> Option<(std::ops::Range<usize>, &'a DeValue<'a>)> {
    fn get<'a>(table: &'a DeTable<'a>, key: &str) -> Option<&'a toml::Spanned<DeValue<'a>>> {
        table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }
    let entry = |list: &str, id: &str| {
        let all = get(root, list)?.get_ref().as_array()?;
        all.iter()
            .filter_map(|one| one.get_ref().as_table())
            .find(|table| get(table, "id").and_then(|value| value.get_ref().as_str()) == Some(id))
    };
    let value = match place {
        Place::Version => get(root, "version"),
        Place::TierThreshold => get(get(root, "tiers")?.get_ref().as_table()?, "threshold"),
        Place::TierWindow => get(get(root, "tiers")?.get_ref().as_table()?, "window_days"),
        Place::Warning(id) => get(entry("warnings", id)?, "threshold"),
        Place::Line(at) => {
            get(get(root, "income_lines")?.get_ref().as_array()?.get(*at)?.get_ref().as_table()?, "yuan")
        }
        Place::Condition(id) => get(entry("rules", id)?, "when"),
    }?;
    Some((value.span(), value.get_ref()))
}

fn said(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.trim().to_owned(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        other => other.type_str().to_owned(),
    }
}

/// What the text has at a place; none where it has no such place.
pub fn value(text: &str, place: &Place) -> Option<String> {
    let table = DeTable::parse(text).ok()?;
    find(table.get_ref(), place).map(|(_, value)| said(value))
}

/// A value that does not fit its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {value}")]
pub struct Unfit {
    /// As forms name it.
    pub place: String,
    /// What was given.
    pub value: String,
}

/// The text with other values. Those that say the same as before leave the text as it is.
///
/// # Errors
/// The first value that is no number where one belongs, or cannot be written down, or whose place is not there.
pub fn edited(text: &str, edits: &[(Place, String)]) -> Result<String, Unfit> {
    let unfit = |place: &Place, value: &str| Unfit { place: place.name(), value: value.to_owned() };
    let table = DeTable::parse(text).map_err(|_| Unfit { place: String::new(), value: String::new() })?;
    let mut changes: Vec<(std::ops::Range<usize>, String)> = Vec::new();
    for (place, value) in edits {
        let value = value.replace("\r\n", "\n");
        let value = value.trim();
        let (span, before) = find(table.get_ref(), place).ok_or_else(|| unfit(place, value))?;
        if said(before) == value {
            continue;
        }
        let new = match place {
            Place::Condition(_) => {
                let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
                if value.is_empty() || value.contains("'''") || value.chars().any(odd) {
                    return Err(unfit(place, value));
                }
                format!("'''\n{value}'''")
            }
            Place::Version | Place::TierThreshold | Place::TierWindow => {
                value.parse::<u32>().map_err(|_| unfit(place, value))?.to_string()
            }
            Place::Line(_) => {
                let yuan: u32 = value.parse().map_err(|_| unfit(place, value))?;
                if !(1..=1_000_000).contains(&yuan) {
                    return Err(unfit(place, value));
                }
                yuan.to_string()
            }
            Place::Warning(_) => {
                let number: f64 = value.parse().map_err(|_| unfit(place, value))?;
                if !(0.0..1.0e9).contains(&number) {
                    return Err(unfit(place, value));
                }
                number.to_string()
            }
        };
        changes.push((span, new));
    }
    // From the end, so that the places before stay where they are.
    changes.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut out = text.to_owned();
    for (span, new) in changes {
        out.replace_range(span, &new);
    }
    Ok(out)
}

/// What a path such as `rules[3].examples[2]` leads to.
fn at<'a>(root: &'a DeTable<'a>, path: &str) -> Option<&'a DeTable<'a>> {
    let mut table = root;
    for step in path.split('.') {
        let (name, index) =
            step.strip_suffix(']')?.split_once('[').map(|(name, at)| (name, at.parse::<usize>().ok()))?;
        let (_, list) = table.iter().find(|(key, _)| key.get_ref() == name)?;
        table = list.get_ref().as_array()?.get(index?)?.get_ref().as_table()?;
    }
    Some(table)
}

/// The text with the examples of rules that come out otherwise than they say saying what they come out as: a threshold that
/// is changed on purpose changes what its examples expect. None where a fault is another one.
pub fn corrected(text: &str, faults: &[Problem]) -> Option<String> {
    let table = DeTable::parse(text).ok()?;
    let mut changes: Vec<(std::ops::Range<usize>, &str)> = Vec::new();
    for fault in faults {
        let now = match fault.what {
            "profile-example-hit" => "true",
            "profile-example-miss" => "false",
            _ => return None,
        };
        let (_, expect) = at(table.get_ref(), &fault.key)?.iter().find(|(key, _)| key.get_ref() == "expect")?;
        changes.push((expect.span(), now));
    }
    changes.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut out = text.to_owned();
    for (span, now) in changes {
        out.replace_range(span, now);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::profile::{REGULAR, check, parse};

    fn edit(edits: &[(Place, &str)]) -> Result<String, Unfit> {
        let edits: Vec<(Place, String)> =
            edits.iter().map(|(place, value)| (place.clone(), (*value).to_owned())).collect();
        edited(REGULAR, &edits)
    }

    #[test]
    fn values_are_put_where_the_old_ones_stood() {
        let condition = "household.housing_grade in [\"D\"]";
        let text = edit(&[
            (Place::Version, "7"),
            (Place::Warning("inpatient_other".into()), "15000"),
            (Place::Line(0), "5500"),
            (Place::TierThreshold, "40"),
            (Place::TierWindow, "10"),
            (Place::Condition("R08".into()), condition),
        ])
        .unwrap();
        let profile = parse("p.toml", &text).unwrap();
        assert_eq!((profile.version, profile.tiers.threshold, profile.tiers.window_days), (7, 40, 10));
        assert_eq!(profile.warnings.iter().find(|w| w.id == "inpatient_other").unwrap().threshold, 15_000.0);
        assert_eq!(profile.income_lines.0[0].yuan, 5_500.0);
        assert_eq!(profile.rule("R08").unwrap().when.text(), condition);
        // All else is as it was.
        let before = parse("p.toml", REGULAR).unwrap();
        assert_eq!(profile.rule("R01"), before.rule("R01").cloned().as_ref());
        assert_eq!(value(&text, &Place::Line(0)).as_deref(), Some("5500"));
    }

    #[test]
    fn examples_follow_a_change_that_is_meant() {
        // A house of grade C is found no more: the example that it is says so afterwards, and no other one changes.
        let text = edit(&[(Place::Condition("R08".into()), "household.housing_grade in [\"D\"]")]).unwrap();
        let faults = check("p.toml", &text).unwrap_err().problems;
        assert!(!faults.is_empty() && faults.iter().all(|fault| fault.what == "profile-example-miss"), "{faults:?}");
        let put_right = corrected(&text, &faults).unwrap();
        let profile = check("p.toml", &put_right).unwrap();
        let expects = |profile: &super::super::Profile, rule: &str| -> Vec<bool> {
            profile.rule(rule).unwrap().examples.iter().map(|example| example.expect).collect()
        };
        let before = parse("p.toml", REGULAR).unwrap();
        assert_eq!(expects(&before, "R08"), [true, true, true, false, false]);
        assert_eq!(expects(&profile, "R08"), [false, false, true, false, false]);
        assert_eq!(expects(&profile, "R01"), expects(&before, "R01"));
        // What is wrong otherwise is not to be put right this way.
        let text = edit(&[(Place::Condition("R08".into()), "false")]).unwrap();
        let faults = check("p.toml", &text).unwrap_err().problems;
        let none_left = check("p.toml", &corrected(&text, &faults).unwrap()).unwrap_err().problems;
        assert_eq!(corrected(&text, &none_left), None);
    }

    #[test]
    fn the_same_value_changes_nothing_and_a_wrong_one_is_named() {
        let same = value(REGULAR, &Place::Condition("R05".into())).unwrap();
        assert_eq!(edit(&[(Place::Condition("R05".into()), &same.replace('\n', "\r\n"))]).unwrap(), REGULAR);
        for (place, wrong) in [
            (Place::Line(0), "viel"),
            (Place::Line(0), "5500.5"),
            (Place::Line(0), "0"),
            (Place::Line(9), "5000"),
            (Place::Warning("inpatient_other".into()), "-1"),
            (Place::TierThreshold, "1.5"),
            (Place::Condition("R01".into()), "true ''' \nkey = 1"),
            (Place::Condition("R99".into()), "true"),
        ] {
            assert_eq!(edit(&[(place.clone(), wrong)]).unwrap_err().place, place.name());
        }
        for name in ["version", "tiers.threshold", "tiers.window_days", "warning.x", "line.3", "rule.R01"] {
            assert_eq!(Place::from_name(name).unwrap().name(), name);
        }
        assert_eq!(Place::from_name("ledgers.x"), None);
    }
}
