//! Answers in words.

use uuid::Uuid;

use super::super::model::{Answers, Member};
use crate::assess::profile::checks::{Checks, Indicator, Outcome, Part};
use crate::platform::{Lang, i18n};

/// What was seen of an indicator: what was asked, and the answer.
pub(super) fn answers(
    checks: &Checks,
    members: &[Member],
    answers: &Answers,
    indicator: Indicator,
    lang: Lang,
) -> Vec<(String, String)> {
    let t = |key: &str| i18n::text(lang, key);
    let yes_no = |yes: bool| t(if yes { "yes" } else { "no" });
    let name = |id: &Uuid| {
        let known = members.iter().find(|member| member.id == *id);
        known.map_or_else(|| t("screen-former-member"), |member| member.name.clone())
    };
    let parts = |policy: &[Part], have: &super::super::model::Parts| -> Vec<(String, String)> {
        policy.iter().map(|part| (part.title.get(lang).to_owned(), yes_no(have.get(&part.id) == Some(&true)))).collect()
    };
    match indicator {
        Indicator::Food => answers.food.as_ref().map(|have| parts(&checks.food, have)).unwrap_or_default(),
        Indicator::Clothing => answers.clothing.as_ref().map(|have| parts(&checks.clothing, have)).unwrap_or_default(),
        Indicator::Schooling => {
            let Some(children) = &answers.schooling else {
                return Vec::new();
            };
            if children.is_empty() {
                return vec![(t("screen-children"), t("screen-reason-nobody"))];
            }
            let said = |state: &str, note: &str| {
                let known = checks.schooling.states.iter().find(|known| known.id == state);
                let title = known.map_or(state, |known| known.title.get(lang));
                if note.is_empty() { title.to_owned() } else { format!("{title} · {note}") }
            };
            children.iter().map(|(id, pupil)| (name(id), said(&pupil.state, &pupil.note))).collect()
        }
        Indicator::Insurance => {
            let Some(cover) = &answers.insurance else {
                return Vec::new();
            };
            let of = |have: &super::super::model::Parts| {
                let lacks: Vec<&str> = checks
                    .insurance
                    .parts
                    .iter()
                    .filter(|part| have.get(&part.id) != Some(&true))
                    .map(|part| part.title.get(lang))
                    .collect();
                if lacks.is_empty() {
                    t("screen-covered")
                } else {
                    i18n::text_with(lang, "screen-reason-lacks", &[("what", lacks.join(&t("list-comma")))])
                }
            };
            let mut out: Vec<(String, String)> = cover.persons.iter().map(|(id, have)| (name(id), of(have))).collect();
            out.push((checks.insurance.clinic.title.get(lang).to_owned(), yes_no(cover.clinic)));
            out
        }
        Indicator::Housing => {
            let Some(house) = &answers.housing else {
                return Vec::new();
            };
            let grade = if house.grade.is_empty() {
                t("screen-reason-unassessed")
            } else {
                i18n::text_with(lang, "screen-reason-grade", &[("grade", house.grade.clone())])
            };
            let place = checks.housing.residences.iter().find(|place| place.id == house.residence);
            let remedy = checks.housing.remedies.iter().find(|(id, _)| *id == house.remedy);
            [
                ("screen-house-grade", grade),
                ("screen-house-assessor", house.assessor.clone()),
                ("screen-house-assessed_on", house.assessed_on.clone()),
                ("screen-house-residence", place.map(|p| p.title.get(lang).to_owned()).unwrap_or_default()),
                ("screen-house-remedy", remedy.map(|(_, w)| w.get(lang).to_owned()).unwrap_or_default()),
            ]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (t(key), value))
            .collect()
        }
        Indicator::Water => {
            let Some(water) = &answers.water else {
                return Vec::new();
            };
            let quality = checks.water.qualities.iter().find(|choice| choice.id == water.quality);
            let [quantity, of_quality, access, supply] =
                [0, 1, 2, 3].map(|at: usize| checks.water.indices[at].get(lang).to_owned());
            let mut way = vec![t(if water.piped { "screen-water-piped" } else { "screen-water-carried" })];
            for (key, value) in [
                ("screen-water-minutes-of", water.minutes),
                ("screen-water-horizontal-of", water.horizontal),
                ("screen-water-vertical-of", water.vertical),
            ] {
                way.extend(value.map(|value| i18n::text_with(lang, key, &[("value", value.to_string())])));
            }
            let area = t(if water.short_area { "screen-water-short" } else { "screen-water-rich" });
            let litres =
                i18n::text_with(lang, "screen-water-litres-of", &[("value", water.litres.to_string()), ("area", area)]);
            let days = i18n::text_with(lang, "screen-water-outage-of", &[("days", water.outage_days.to_string())]);
            vec![
                (quantity, litres),
                (of_quality, quality.map(|choice| choice.title.get(lang).to_owned()).unwrap_or_default()),
                (access, way.join(&t("list-comma"))),
                (supply, days),
            ]
        }
    }
}

/// The tone of a badge for an outcome.
pub(super) fn tone(checks: &Checks, indicator: Indicator, outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Met => "ok",
        Outcome::Partly if checks.is_gap(indicator, outcome) => "warn",
        Outcome::Partly => "info",
        Outcome::Short => "danger",
    }
}
