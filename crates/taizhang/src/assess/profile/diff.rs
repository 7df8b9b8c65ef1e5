//! What differs between two versions of a profile, as somebody who has to work by the new one wants to be told.

use serde::Serialize;

use super::{Profile, Rule, words};
use crate::platform::{Lang, i18n};

/// What became of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Only the new version has it.
    Added,
    /// Only the old version has it.
    Removed,
    /// Both have it, and not alike.
    Changed,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// profile | rules | income_lines | tiers | ledgers | warnings | measures | monitoring | checks | supervision | terms | levels | definitions.
    pub part: &'static str,
    /// What it is about: the id of a rule, the region and day of a line.
    pub id: String,
    /// What became of it.
    pub how: How,
    /// What of it: `when`, `level`, `yuan`; empty where it was added or removed as a whole.
    pub field: String,
    /// What the old version says; empty where it says nothing.
    pub before: String,
    /// What the new version says; empty where it says nothing.
    pub after: String,
}

/// A thing of a profile with what can be said of it, in order.
struct Thing {
    id: String,
    /// What is told when it comes or goes as a whole.
    whole: String,
    fields: Vec<(&'static str, String)>,
}

/// Every difference from `a` to `b`, part by part, with names in one language.
pub fn diff(a: &Profile, b: &Profile, lang: Lang) -> Vec<Difference> {
    let mut out = Vec::new();
    for (part, of) in PARTS {
        let (before, after) = (of(a, lang), of(b, lang));
        for old in &before {
            match after.iter().find(|new| new.id == old.id) {
                None => out.push(whole(part, old, How::Removed)),
                Some(new) => {
                    for (field, was) in &old.fields {
                        let is = new.fields.iter().find(|(name, _)| name == field).map(|(_, is)| is.clone());
                        let is = is.unwrap_or_default();
                        if *was != is {
                            let (field, before) = ((*field).to_owned(), was.clone());
                            out.push(Difference {
                                part,
                                id: old.id.clone(),
                                how: How::Changed,
                                field,
                                before,
                                after: is,
                            });
                        }
                    }
                }
            }
        }
        out.extend(
            after.iter().filter(|new| before.iter().all(|old| old.id != new.id)).map(|n| whole(part, n, How::Added)),
        );
    }
    out
}

fn whole(part: &'static str, thing: &Thing, how: How) -> Difference {
    let (before, after) = match how {
        How::Removed => (thing.whole.clone(), String::new()),
        _ => (String::new(), thing.whole.clone()),
    };
    Difference { part, id: thing.id.clone(), how, field: String::new(), before, after }
}

type Things = fn(&Profile, Lang) -> Vec<Thing>;

const PARTS: [(&str, Things); 15] = [
    ("profile", itself),
    ("rules", rules),
    ("income_lines", income_lines),
    ("income_estimate", income_estimate),
    ("relief", relief),
    ("tiers", tiers),
    ("warnings", warnings),
    ("monitoring", monitoring),
    ("checks", checks),
    ("ledgers", ledgers),
    ("supervision", supervision),
    ("measures", measures),
    ("terms", terms),
    ("levels", levels),
    ("definitions", definitions),
];

fn itself(profile: &Profile, lang: Lang) -> Vec<Thing> {
    let fields = vec![
        ("key", profile.key.clone()),
        ("title", profile.title.get(lang).to_owned()),
        ("effective_from", profile.effective_from.clone()),
    ];
    vec![Thing { id: String::new(), whole: String::new(), fields }]
}

fn rules(profile: &Profile, lang: Lang) -> Vec<Thing> {
    profile
        .rules
        .iter()
        .map(|rule| Thing {
            id: rule.id.clone(),
            whole: rule.title.get(lang).to_owned(),
            fields: rule_fields(profile, rule, lang),
        })
        .collect()
}

fn rule_fields(profile: &Profile, rule: &Rule, lang: Lang) -> Vec<(&'static str, String)> {
    let comma = i18n::text(lang, "list-comma");
    let measures: Vec<&str> = rule.measures.iter().map(|id| profile.measure_title(id, lang)).collect();
    let ledger = rule.ledger.as_ref().and_then(|id| profile.ledgers.get(id)).map(|l| l.title.get(lang).to_owned());
    vec![
        ("title", rule.title.get(lang).to_owned()),
        ("when", words::condition(profile, rule, lang)),
        // Two expressions may say the same in words.
        ("expression", one_line(rule.when.text())),
        ("level", profile.levels.get(rule.level.name()).map(|w| w.get(lang).to_owned()).unwrap_or_default()),
        ("subject", words::subject(rule.subject, lang)),
        ("ledger", ledger.unwrap_or_default()),
        ("measures", measures.join(&comma)),
        (
            "when_ended",
            i18n::text(
                lang,
                match rule.when_ended {
                    super::WhenEnded::Check => "words-ended-check",
                    super::WhenEnded::Cancel => "words-ended-cancel",
                },
            ),
        ),
        ("source", rule.source.clone()),
    ]
}

/// An expression without its line breaks.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn income_lines(profile: &Profile, lang: Lang) -> Vec<Thing> {
    profile
        .income_lines
        .0
        .iter()
        .map(|line| {
            let region =
                if line.region.is_empty() { i18n::text(lang, "profile-everywhere") } else { line.region.clone() };
            let yuan =
                format!("{} {}", crate::assess::value_in_words(&line.yuan.to_string()), i18n::text(lang, "words-yuan"));
            Thing {
                id: format!("{region} · {}", line.effective_from),
                whole: yuan.clone(),
                fields: vec![
                    ("yuan", yuan),
                    ("effective_to", line.effective_to.clone()),
                    ("source", line.source.clone()),
                ],
            }
        })
        .collect()
}

fn income_estimate(profile: &Profile, lang: Lang) -> Vec<Thing> {
    let Some(policy) = &profile.income_estimate else {
        return Vec::new();
    };
    let all = Thing {
        id: String::new(),
        whole: policy.source.clone(),
        fields: vec![("days_per_month", policy.days_per_month.to_string()), ("source", policy.source.clone())],
    };
    let parts = policy.parts.iter().map(|part| {
        let said = crate::assess::income::words::part(part, lang);
        Thing {
            id: part.id.clone(),
            whole: said.clone(),
            fields: vec![
                ("title", part.title.get(lang).to_owned()),
                ("formula", said),
                ("source", part.source.clone()),
            ],
        }
    });
    std::iter::once(all).chain(parts).collect()
}

fn supervision(profile: &Profile, lang: Lang) -> Vec<Thing> {
    let Some(policy) = &profile.supervision else {
        return Vec::new();
    };
    let all = Thing {
        id: String::new(),
        whole: policy.source.clone(),
        fields: vec![
            ("closings_days", policy.look_back_days.to_string()),
            ("orange", policy.orange.in_words(lang)),
            ("presence", policy.presence.in_words(lang)),
            ("source", policy.source.clone()),
        ],
    };
    let stalls = policy.stalls.iter().map(|stall| Thing {
        id: stall.kind.name().to_owned(),
        whole: stall.in_words(lang),
        fields: vec![
            ("title", stall.title.get(lang).to_owned()),
            ("when", stall.in_words(lang)),
            ("ask", stall.ask.get(lang).to_owned()),
            ("source", stall.source.clone()),
        ],
    });
    std::iter::once(all).chain(stalls).collect()
}

fn relief(profile: &Profile, _lang: Lang) -> Vec<Thing> {
    let Some(policy) = &profile.relief else {
        return Vec::new();
    };
    let all = Thing {
        id: String::new(),
        whole: policy.source.clone(),
        fields: vec![
            ("township_yuan", policy.township_yuan.to_string()),
            ("green_yuan", policy.green_yuan.to_string()),
            ("decide_days", policy.decide_days.to_string()),
            ("green_days", policy.green_days.to_string()),
            ("pay_days", policy.pay_days.to_string()),
            ("repeat_months", policy.repeat_months.to_string()),
            ("source", policy.source.clone()),
        ],
    };
    let ceilings = policy.ceilings.iter().map(|ceiling| Thing {
        id: ceiling.region.clone(),
        whole: ceiling.yuan.to_string(),
        fields: vec![("yuan", ceiling.yuan.to_string()), ("source", ceiling.source.clone())],
    });
    std::iter::once(all).chain(ceilings).collect()
}

fn tiers(profile: &Profile, lang: Lang) -> Vec<Thing> {
    let tiers = &profile.tiers;
    let kinds: Vec<String> =
        tiers.case_kinds.iter().map(|kind| i18n::text(lang, &format!("signal-{}", kind.replace('.', "-")))).collect();
    let mut fields = vec![
        ("window_days", tiers.window_days.to_string()),
        ("threshold", tiers.threshold.to_string()),
        ("case_kinds", kinds.join(&i18n::text(lang, "list-comma"))),
    ];
    for name in ["low", "medium", "high"] {
        fields.push((name, tiers.names.get(name).map(|w| w.get(lang).to_owned()).unwrap_or_default()));
    }
    let all = Thing { id: String::new(), whole: String::new(), fields };
    let modes = tiers.modes.iter().map(|(tier, mode)| {
        let mut fields = vec![
            ("title", mode.title.get(lang).to_owned()),
            ("work_mode", crate::assess::modes_words::mode(mode, lang)),
            ("source", mode.source.clone()),
        ];
        if let Some(plan) = &mode.catch_up {
            fields.push(("catch_up", crate::assess::modes_words::catch_up(plan, lang)));
        }
        Thing { id: tier.clone(), whole: mode.title.get(lang).to_owned(), fields }
    });
    std::iter::once(all).chain(modes).collect()
}

fn warnings(profile: &Profile, lang: Lang) -> Vec<Thing> {
    profile
        .warnings
        .iter()
        .map(|warning| {
            let least =
                format!("{} {}", crate::assess::value_in_words(&warning.threshold.to_string()), warning.unit.get(lang));
            Thing {
                id: warning.id.clone(),
                whole: format!("{} {least}", warning.title.get(lang)),
                fields: vec![
                    ("title", warning.title.get(lang).to_owned()),
                    ("agency", warning.agency.get(lang).to_owned()),
                    ("group", warning.group.get(lang).to_owned()),
                    ("threshold", least),
                    ("push", warning.push.get(lang).to_owned()),
                    ("when", warning.feed.as_ref().map(|feed| one_line(feed.when.text())).unwrap_or_default()),
                    ("source", warning.source.clone()),
                ],
            }
        })
        .collect()
}

fn monitoring(profile: &Profile, lang: Lang) -> Vec<Thing> {
    let Some(policy) = &profile.monitoring else {
        return Vec::new();
    };
    let types = policy.types.iter().map(|of| {
        let title = of.title.get(lang).to_owned();
        let when = of.when.as_ref().map(|when| one_line(when.text())).unwrap_or_default();
        Thing { id: of.id.clone(), whole: title.clone(), fields: vec![("title", title), ("when", when)] }
    });
    let steps = policy.steps.iter().map(|step| {
        let mut told = vec![days(step.days, step.working, lang)];
        told.extend(
            step.regions.iter().map(|(region, span)| format!("{region} {}", days(Some(span.days), span.working, lang))),
        );
        told.retain(|part| !part.is_empty());
        let days = told.join(&i18n::text(lang, "list-comma"));
        Thing {
            id: step.id.clone(),
            whole: format!("{} {days}", step.title.get(lang)).trim_end().to_owned(),
            fields: vec![("title", step.title.get(lang).to_owned()), ("days", days), ("source", step.source.clone())],
        }
    });
    let machine = policy.machine.iter();
    let states = machine.clone().flat_map(|m| &m.states).map(|state| {
        let title = state.title.get(lang).to_owned();
        let deadline = state.deadline.clone().unwrap_or_default();
        Thing {
            id: format!("state {}", state.id),
            whole: title.clone(),
            fields: vec![("title", title), ("deadline", deadline)],
        }
    });
    let transitions = machine.clone().flat_map(|m| &m.transitions).map(|step| {
        let title = step.title.get(lang).to_owned();
        Thing {
            id: format!("step {}", step.action),
            whole: title.clone(),
            fields: vec![
                ("title", title),
                ("from", step.from.join(", ")),
                ("to", step.to.clone().unwrap_or_default()),
                ("roles", step.roles.join(", ")),
                ("needs", step.needs.join(", ")),
            ],
        }
    });
    let conditions = machine.flat_map(|m| &m.conditions).map(|condition| {
        let title = condition.title.get(lang).to_owned();
        let text = |of: &Option<super::Expression>| of.as_ref().map(|e| one_line(e.text())).unwrap_or_default();
        Thing {
            id: format!("elimination {}", condition.id),
            whole: title.clone(),
            fields: vec![("title", title), ("when", text(&condition.when)), ("forbid", text(&condition.forbid))],
        }
    });
    types.chain(steps).chain(states).chain(transitions).chain(conditions).collect()
}

/// A number of days with its kind, in words; nothing where there is none.
pub fn days(days: Option<i64>, working: bool, lang: Lang) -> String {
    let Some(days) = days else {
        return String::new();
    };
    let key = if working { "words-working_days" } else { "words-calendar_days" };
    i18n::text_with(lang, key, &[("days", days.to_string())])
}

/// Every value of the checks by its path, words in the reader's language.
fn checks(profile: &Profile, lang: Lang) -> Vec<Thing> {
    fn flat(path: &str, value: &serde_json::Value, lang: Lang, out: &mut Vec<(String, String)>) {
        match value {
            serde_json::Value::Object(map) => match (map.get("zh"), map.get("en")) {
                (Some(zh), Some(en)) => {
                    let said = if lang == Lang::Zh { zh } else { en };
                    out.push((path.to_owned(), said.as_str().unwrap_or_default().to_owned()));
                }
                _ => map.iter().for_each(|(key, value)| flat(&super::file::join(path, key), value, lang, out)),
            },
            serde_json::Value::Array(all) => {
                for (at, one) in all.iter().enumerate() {
                    let id =
                        one.get("id").and_then(serde_json::Value::as_str).map_or_else(|| at.to_string(), str::to_owned);
                    flat(&super::file::join(path, &id), one, lang, out);
                }
            }
            serde_json::Value::String(text) => out.push((path.to_owned(), text.clone())),
            other => out.push((path.to_owned(), other.to_string())),
        }
    }
    let mut out = Vec::new();
    if let Some(checks) = &profile.checks {
        flat("", &serde_json::to_value(checks).unwrap_or_default(), lang, &mut out);
    }
    out.into_iter().map(|(id, value)| Thing { id, whole: value.clone(), fields: vec![("value", value)] }).collect()
}

fn ledgers(profile: &Profile, lang: Lang) -> Vec<Thing> {
    profile
        .ledgers
        .iter()
        .map(|(id, ledger)| {
            let mut fields = vec![
                ("title", ledger.title.get(lang).to_owned()),
                ("number_prefix", ledger.number_prefix.clone()),
                (
                    "owner_level",
                    i18n::text(
                        lang,
                        match ledger.owner_level {
                            super::OwnerLevel::Township => "words-owner-township",
                            super::OwnerLevel::Village => "words-owner-village",
                        },
                    ),
                ),
            ];
            for name in ["severe", "affected", "notice"] {
                fields.push((name, days(ledger.deadline_days.get(name).copied(), ledger.working_days, lang)));
            }
            fields.push(("look_back_days", days(Some(ledger.look_back_days), false, lang)));
            for (state, words) in &ledger.states {
                if let Some(known) = super::STATES.iter().find(|known| *known == state) {
                    fields.push((known, words.get(lang).to_owned()));
                }
            }
            for transition in &ledger.transitions {
                if let Some((action, ..)) = super::STEPS.iter().find(|step| step.0 == transition.action) {
                    fields.push((action, format!("{} ({})", transition.from.join(", "), transition.roles.join(", "))));
                }
            }
            Thing { id: id.clone(), whole: ledger.title.get(lang).to_owned(), fields }
        })
        .collect()
}

fn measures(profile: &Profile, lang: Lang) -> Vec<Thing> {
    profile
        .measures
        .iter()
        .map(|(id, words)| {
            let title = words.get(lang).to_owned();
            Thing { id: id.clone(), whole: title.clone(), fields: vec![("title", title)] }
        })
        .collect()
}

fn named(all: &std::collections::BTreeMap<String, super::Words>, lang: Lang) -> Vec<Thing> {
    all.iter()
        .map(|(id, words)| {
            let title = words.get(lang).to_owned();
            Thing { id: id.clone(), whole: title.clone(), fields: vec![("title", title)] }
        })
        .collect()
}

fn terms(profile: &Profile, lang: Lang) -> Vec<Thing> {
    named(&profile.terms, lang)
}

fn levels(profile: &Profile, lang: Lang) -> Vec<Thing> {
    named(&profile.levels, lang)
}

fn definitions(profile: &Profile, _: Lang) -> Vec<Thing> {
    profile
        .definitions
        .iter()
        .map(|(id, text)| Thing { id: id.clone(), whole: one_line(text), fields: vec![("expression", one_line(text))] })
        .collect()
}

/// What a difference is about, in words: `规则 E01 · 级别`.
pub fn about(difference: &Difference, lang: Lang) -> String {
    let part = i18n::text(lang, &format!("profile-part-{}", difference.part));
    let field = if difference.field.is_empty() {
        String::new()
    } else {
        // States and steps of a ledger are called by their keys where they have no words of their own.
        let key = format!("profile-field-{}", difference.field);
        if i18n::has(lang, &key) { i18n::text(lang, &key) } else { difference.field.clone() }
    };
    [part, difference.id.clone(), field].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}
