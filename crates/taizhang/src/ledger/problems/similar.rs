//! Which problems may be one: by their words, and for one household by what they are about.

use std::collections::HashMap;

/// From here on two descriptions of one place are proposed as one problem.
const ALIKE: f64 = 0.6;
/// The same for two of one household.
const ALIKE_AT_HOME: f64 = 0.45;
/// What two problems of one household about the same thing score at least.
const SAME_TOPIC: f64 = 0.5;

/// What a problem may be about: the measure group that remedies it, and the words by which it is told.
const TOPICS: [(&str, &[&str]); 8] = [
    ("housing", &["住房", "危房", "房屋", "漏雨", "墙体", "屋面"]),
    ("water", &["饮水", "自来水", "用水", "水质", "断水", "供水"]),
    ("compulsory_education", &["辍学", "失学", "义务教育", "控辍", "上学", "送教"]),
    ("health", &["医保", "参保", "医疗", "大病", "慢病", "慢性病", "看病", "签约医生", "住院"]),
    ("employment", &["务工", "就业", "岗位", "外出打工"]),
    ("industry", &["产业", "种植", "养殖", "滞销", "分红", "合作社"]),
    ("social_security", &["低保", "特困", "五保", "养老", "残疾补贴", "临时救助"]),
    ("relocation", &["搬迁", "安置点", "旧房拆除"]),
];

/// What a description is about, as measure groups.
pub(super) fn topics(text: &str) -> Vec<&'static str> {
    TOPICS.iter().filter(|(_, words)| words.iter().any(|word| text.contains(word))).map(|(topic, _)| *topic).collect()
}

/// The pairs of neighbouring letters of a text without punctuation and digits, with how often each occurs.
fn pairs(text: &str) -> HashMap<(char, char), u32> {
    let half = codes::text::half_width(text);
    let letters: Vec<char> = half.chars().filter(|c| c.is_alphabetic()).collect();
    let mut out = HashMap::new();
    for pair in letters.windows(2) {
        if let [a, b] = pair {
            *out.entry((*a, *b)).or_default() += 1;
        }
    }
    out
}

/// How alike two texts are, 0 to 1: Dice's coefficient of their pairs of neighbouring letters.
pub(super) fn alike(one: &str, other: &str) -> f64 {
    let (one, other) = (pairs(one), pairs(other));
    let all: u32 = one.values().chain(other.values()).sum();
    if all == 0 {
        return 0.0;
    }
    let common: u32 = one.iter().filter_map(|(pair, n)| other.get(pair).map(|m| *n.min(m))).sum();
    f64::from(2 * common) / f64::from(all)
}

/// A problem as it is held against others.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Words<'a> {
    /// Its words.
    pub(super) text: &'a str,
    /// Measure groups that remedy it.
    pub(super) topics: Vec<&'a str>,
    /// Whether the two are of one household.
    pub(super) one_household: bool,
}

/// Whether a new problem may be an older one, how surely (0 to 1), and by what it is told: `text` or `topic`.
pub(super) fn proposal(new: &str, older: &Words<'_>) -> Option<(f64, &'static str)> {
    let score = alike(new, older.text);
    if score >= if older.one_household { ALIKE_AT_HOME } else { ALIKE } {
        return Some((score, "text"));
    }
    let mine = topics(new);
    let same = older.one_household && mine.iter().any(|topic| older.topics.contains(topic));
    same.then_some((score.max(SAME_TOPIC), "topic"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_inspections_say_of_one_thing_is_alike() {
        let one = "石门村饮水工程水质检测不合格，群众反映水浑";
        assert!(alike(one, "石门村饮水工程水质检测不合格") > 0.7);
        assert!(alike(one, "石门村村部道路未硬化") < 0.3);
        assert!((alike(one, one) - 1.0).abs() < 1e-9);
        assert!(alike("", "") < 0.1 && alike("１２３", "123") < 0.1);
    }

    #[test]
    fn one_household_and_one_topic_are_proposed() {
        let older = |one_household| Words { text: "住房鉴定为 C、D 级", topics: vec!["housing"], one_household };
        assert_eq!(proposal("该户仍住危房未改造", &older(true)).map(|(_, why)| why), Some("topic"));
        assert_eq!(proposal("该户仍住危房未改造", &older(false)), None);
        assert_eq!(proposal("该户未参加医保", &older(true)), None);
    }

    proptest::proptest! {
        #[test]
        fn alike_is_symmetric_and_bounded(one in "\\PC{0,30}", other in "\\PC{0,30}") {
            let (there, back) = (alike(&one, &other), alike(&other, &one));
            proptest::prop_assert!((there - back).abs() < 1e-12 && (0.0..=1.0).contains(&there));
        }
    }
}
