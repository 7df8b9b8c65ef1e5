//! What answers come to, by the checks of the profile. Pure: the same answers and the same checks give the same outcome.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use uuid::Uuid;

use super::model::{Answers, Cover, House, Judged, Member, Parts, Pupil, Results, Water};
use crate::assess::profile::checks::{Checks, Indicator, Outcome, Part, Schooling};
use crate::platform::{Lang, i18n};

/// Somebody who should have been asked about and was not.
pub const NOT_ASKED: &str = "not_asked";
/// Nobody of school age.
const NOBODY: &str = "nobody";

/// Members of school age on a day: those who had reached the age of entry when the school year began, up to the last year.
pub fn pupils(policy: &Schooling, members: &[Member], day: NaiveDate) -> Vec<Uuid> {
    let (month, date) = policy.reached_by;
    let begun = |year: i32| NaiveDate::from_ymd_opt(year, month, date);
    let Some(begun) = begun(day.year()).filter(|begun| *begun <= day).or_else(|| begun(day.year() - 1)) else {
        return Vec::new();
    };
    members
        .iter()
        .filter(|member| {
            let Ok(born) = NaiveDate::parse_from_str(&member.birth_date, "%Y-%m-%d") else {
                return false;
            };
            let reached = begun.years_since(born).map(i64::from);
            let now = day.years_since(born).map(i64::from);
            reached.is_some_and(|age| age >= policy.from_age) && now.is_some_and(|age| age <= policy.to_age)
        })
        .map(|member| member.id)
        .collect()
}

/// What each checked indicator comes to.
pub fn judge(checks: &Checks, answers: &Answers, members: &[Member], day: NaiveDate) -> Results {
    let mut out = Results::new();
    if let Some(parts) = &answers.food {
        out.insert(Indicator::Food, parts_judged(&checks.food, parts));
    }
    if let Some(parts) = &answers.clothing {
        out.insert(Indicator::Clothing, parts_judged(&checks.clothing, parts));
    }
    if let Some(children) = &answers.schooling {
        let wanted = pupils(&checks.schooling, members, day);
        out.insert(Indicator::Schooling, schooling(&checks.schooling, children, &wanted));
    }
    if let Some(cover) = &answers.insurance {
        let wanted: Vec<Uuid> = members.iter().map(|member| member.id).collect();
        out.insert(Indicator::Insurance, insurance(checks, cover, &wanted));
    }
    if let Some(house) = &answers.housing {
        out.insert(Indicator::Housing, housing(checks, house));
    }
    if let Some(measured) = &answers.water {
        out.insert(Indicator::Water, water(checks, measured));
    }
    out
}

fn plain(outcome: Outcome, reasons: Vec<String>) -> Judged {
    Judged { outcome, reasons, persons: BTreeMap::new(), clinic: None, grade: None }
}

/// The worst outcome of what is missing, and what that is.
fn missing(policy: &[Part], parts: &Parts) -> (Outcome, Vec<String>) {
    let lacking = policy.iter().filter(|part| parts.get(&part.id) != Some(&true));
    lacking.fold((Outcome::Met, Vec::new()), |(worst, mut all), part| {
        all.push(part.id.clone());
        (worst.max(part.missing), all)
    })
}

fn parts_judged(policy: &[Part], parts: &Parts) -> Judged {
    let (outcome, reasons) = missing(policy, parts);
    plain(outcome, reasons)
}

fn add(reasons: &mut Vec<String>, code: &str) {
    if !reasons.iter().any(|known| known == code) {
        reasons.push(code.to_owned());
    }
}

fn schooling(policy: &Schooling, children: &BTreeMap<Uuid, Pupil>, wanted: &[Uuid]) -> Judged {
    let mut judged = plain(Outcome::Met, Vec::new());
    for (child, pupil) in children {
        let state = policy.states.iter().find(|state| state.id == pupil.state);
        let outcome = state.map_or(Outcome::Partly, |state| state.result);
        judged.persons.insert(*child, outcome);
        judged.outcome = judged.outcome.max(outcome);
        if outcome != Outcome::Met {
            add(&mut judged.reasons, &pupil.state);
        }
    }
    if wanted.iter().any(|child| !children.contains_key(child)) {
        judged.outcome = judged.outcome.max(Outcome::Partly);
        add(&mut judged.reasons, NOT_ASKED);
    }
    if children.is_empty() && wanted.is_empty() {
        add(&mut judged.reasons, NOBODY);
    }
    judged
}

fn insurance(checks: &Checks, cover: &Cover, wanted: &[Uuid]) -> Judged {
    let mut judged = plain(Outcome::Met, Vec::new());
    for (person, parts) in &cover.persons {
        let (outcome, reasons) = missing(&checks.insurance.parts, parts);
        judged.persons.insert(*person, outcome);
        judged.outcome = judged.outcome.max(outcome);
        reasons.iter().for_each(|reason| add(&mut judged.reasons, reason));
    }
    if wanted.iter().any(|person| !cover.persons.contains_key(person)) {
        judged.outcome = judged.outcome.max(Outcome::Partly);
        add(&mut judged.reasons, NOT_ASKED);
    }
    let clinic = if cover.clinic { Outcome::Met } else { checks.insurance.clinic.missing };
    judged.outcome = judged.outcome.max(clinic);
    if clinic != Outcome::Met {
        add(&mut judged.reasons, &checks.insurance.clinic.id);
    }
    judged.clinic = Some(clinic);
    judged
}

fn housing(checks: &Checks, house: &House) -> Judged {
    let policy = &checks.housing;
    let (of_house, reason) = match policy.of_grade(&house.grade) {
        Some(outcome) => (outcome, format!("grade_{}", house.grade)),
        None => (policy.unassessed, "unassessed".to_owned()),
    };
    let lives_elsewhere = policy.residences.iter().any(|place| place.id == house.residence && !place.in_own_house);
    let outcome = if lives_elsewhere { of_house.min(policy.elsewhere) } else { of_house };
    let mut reasons = Vec::new();
    if of_house != Outcome::Met {
        reasons.push(reason);
        if lives_elsewhere {
            reasons.push(house.residence.clone());
        }
    }
    let grade = (!house.grade.is_empty()).then(|| house.grade.clone());
    Judged { grade, ..plain(outcome, reasons) }
}

/// The four indices in their order: quantity, quality, access, supply.
pub fn water_indices(checks: &Checks, seen: &Water) -> [Outcome; 4] {
    let policy = &checks.water;
    let (least, full) = match seen.short_area {
        true => (policy.litres_short, policy.litres_short_full),
        false => (policy.litres_rich, policy.litres_rich_full),
    };
    let up_to = |full: bool, enough: bool| match (full, enough) {
        (true, _) => Outcome::Met,
        (_, true) => Outcome::Partly,
        _ => Outcome::Short,
    };
    let quality = policy.qualities.iter().find(|choice| choice.id == seen.quality);
    let minutes = |most: f64| seen.minutes.is_some_and(|minutes| minutes <= most);
    let near = minutes(policy.minutes)
        || seen.horizontal.is_some_and(|metres| metres <= policy.horizontal)
        || seen.vertical.is_some_and(|metres| metres <= policy.vertical);
    [
        up_to(seen.litres >= full, seen.litres >= least),
        quality.map_or(Outcome::Short, |choice| choice.result),
        up_to(seen.piped || minutes(policy.minutes_full), near),
        up_to(seen.outage_days <= policy.outage_days_full, seen.outage_days <= policy.outage_days),
    ]
}

/// Names of the indices, as reasons call them.
pub const WATER_INDICES: [&str; 4] = ["quantity", "quality", "access", "supply"];

fn water(checks: &Checks, seen: &Water) -> Judged {
    let indices = water_indices(checks, seen);
    let outcome = indices.into_iter().max().unwrap_or(Outcome::Short);
    let reasons = WATER_INDICES
        .iter()
        .zip(indices)
        .filter(|(_, index)| *index != Outcome::Met && *index == outcome)
        .map(|(name, _)| (*name).to_owned())
        .collect();
    plain(outcome, reasons)
}

/// A reason in words.
pub fn reason(checks: &Checks, indicator: Indicator, code: &str, lang: Lang) -> String {
    let said = match indicator {
        Indicator::Food => checks.food.iter().find(|part| part.id == code).map(|part| lacks(part, lang)),
        Indicator::Clothing => checks.clothing.iter().find(|part| part.id == code).map(|part| lacks(part, lang)),
        Indicator::Schooling => {
            checks.schooling.states.iter().find(|state| state.id == code).map(|state| state.title.get(lang).to_owned())
        }
        Indicator::Insurance => {
            let clinic = std::iter::once(&checks.insurance.clinic);
            checks.insurance.parts.iter().chain(clinic).find(|part| part.id == code).map(|part| lacks(part, lang))
        }
        Indicator::Housing => match code.strip_prefix("grade_") {
            Some(grade) => Some(i18n::text_with(lang, "screen-reason-grade", &[("grade", grade.to_owned())])),
            None => {
                let place = checks.housing.residences.iter().find(|place| place.id == code);
                place.map(|place| place.title.get(lang).to_owned())
            }
        },
        Indicator::Water => {
            let at = WATER_INDICES.iter().position(|name| *name == code);
            at.and_then(|at| checks.water.indices.get(at)).map(|words| words.get(lang).to_owned())
        }
    };
    let key = format!("screen-reason-{code}");
    said.unwrap_or_else(|| if i18n::has(lang, &key) { i18n::text(lang, &key) } else { code.to_owned() })
}

fn lacks(part: &Part, lang: Lang) -> String {
    i18n::text_with(lang, "screen-reason-lacks", &[("what", part.title.get(lang).to_owned())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::profile::{BUILT_IN, BUILT_IN_FILE, parse};

    fn checks() -> Checks {
        parse(BUILT_IN_FILE, BUILT_IN).unwrap().checks.unwrap()
    }

    fn member(n: u128, born: &str) -> Member {
        Member {
            id: Uuid::from_u128(n),
            name: format!("某{n}"),
            birth_date: born.to_owned(),
            relation: String::new(),
            serious_insured: None,
        }
    }

    fn day(text: &str) -> NaiveDate {
        NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap()
    }

    fn good_water() -> Water {
        Water {
            short_area: false,
            litres: 60.0,
            quality: "lab_good".to_owned(),
            piped: true,
            minutes: None,
            horizontal: None,
            vertical: None,
            outage_days: 0,
        }
    }

    #[test]
    fn any_one_index_below_makes_water_unsafe() {
        let checks = checks();
        let of = |change: &dyn Fn(&mut Water)| {
            let mut seen = good_water();
            change(&mut seen);
            let judged = water(&checks, &seen);
            (judged.outcome, judged.reasons.join(" "))
        };
        assert_eq!(of(&|_| {}), (Outcome::Met, String::new()));
        let carried = |w: &mut Water| w.piped = false;
        // The edges of each index, on both sides.
        for (change, outcome, why) in [
            (&(|w: &mut Water| w.litres = 59.9) as &dyn Fn(&mut Water), Outcome::Partly, "quantity"),
            (&|w| w.litres = 35.0, Outcome::Partly, "quantity"),
            (&|w| w.litres = 34.9, Outcome::Short, "quantity"),
            (&|w| (w.short_area, w.litres) = (true, 40.0), Outcome::Met, ""),
            (&|w| (w.short_area, w.litres) = (true, 20.0), Outcome::Partly, "quantity"),
            (&|w| (w.short_area, w.litres) = (true, 19.9), Outcome::Short, "quantity"),
            (&|w| w.quality = "senses_good".to_owned(), Outcome::Partly, "quality"),
            (&|w| w.quality = "senses_bad".to_owned(), Outcome::Short, "quality"),
            (&|w| w.quality = "lab_bad".to_owned(), Outcome::Short, "quality"),
            (&carried, Outcome::Short, "access"),
            (&|w| (w.piped, w.minutes) = (false, Some(10.0)), Outcome::Met, ""),
            (&|w| (w.piped, w.minutes) = (false, Some(20.0)), Outcome::Partly, "access"),
            (&|w| (w.piped, w.minutes) = (false, Some(20.1)), Outcome::Short, "access"),
            (&|w| (w.piped, w.minutes, w.horizontal) = (false, Some(25.0), Some(800.0)), Outcome::Partly, "access"),
            (&|w| (w.piped, w.horizontal) = (false, Some(800.1)), Outcome::Short, "access"),
            (&|w| (w.piped, w.vertical) = (false, Some(80.0)), Outcome::Partly, "access"),
            (&|w| (w.piped, w.vertical) = (false, Some(80.1)), Outcome::Short, "access"),
            (&|w| w.outage_days = 18, Outcome::Met, ""),
            (&|w| w.outage_days = 36, Outcome::Partly, "supply"),
            (&|w| w.outage_days = 37, Outcome::Short, "supply"),
            (&|w| (w.outage_days, w.litres) = (37, 10.0), Outcome::Short, "quantity supply"),
            (&|w| (w.outage_days, w.litres) = (20, 10.0), Outcome::Short, "quantity"),
        ] {
            let mut seen = good_water();
            change(&mut seen);
            assert_eq!(of(change), (outcome, why.to_owned()), "{seen:?}");
        }
    }

    #[test]
    fn a_house_of_grade_c_or_d_is_not_safe_unless_nobody_lives_in_it() {
        let checks = checks();
        let of = |grade: &str, residence: &str| {
            let house = House { grade: grade.to_owned(), residence: residence.to_owned(), ..House::default() };
            let judged = housing(&checks, &house);
            (judged.outcome, judged.reasons)
        };
        for grade in ["A", "B"] {
            assert_eq!(of(grade, "own"), (Outcome::Met, vec![]));
            assert_eq!(of(grade, "kin"), (Outcome::Met, vec![]));
        }
        assert_eq!(of("C", "own"), (Outcome::Short, vec!["grade_C".to_owned()]));
        assert_eq!(of("D", ""), (Outcome::Short, vec!["grade_D".to_owned()]));
        assert_eq!(of("D", "kin"), (Outcome::Partly, vec!["grade_D".to_owned(), "kin".to_owned()]));
        assert_eq!(of("", "own"), (Outcome::Partly, vec!["unassessed".to_owned()]));
    }

    #[test]
    fn school_age_is_counted_from_the_school_year() {
        let policy = checks().schooling;
        let on = day("2020-02-20");
        for (born, wanted) in [
            // Six full years by 31 August 2019.
            ("2013-08-31", true),
            ("2013-09-01", false),
            ("2004-02-21", true),
            // Sixteen on that day.
            ("2004-02-20", false),
            ("", false),
        ] {
            assert_eq!(!pupils(&policy, &[member(1, born)], on).is_empty(), wanted, "{born}");
        }
        // From the last day of August on the new year counts.
        assert!(!pupils(&policy, &[member(1, "2014-08-31")], day("2020-08-31")).is_empty());
        assert!(pupils(&policy, &[member(1, "2014-08-31")], day("2020-08-30")).is_empty());
    }

    #[test]
    fn every_child_and_every_member_counts() {
        let checks = checks();
        let members = [member(1, "1980-01-01"), member(2, "2010-01-01"), member(3, "2011-01-01")];
        let on = day("2020-02-20");
        let child = |n: u128, state: &str| (Uuid::from_u128(n), Pupil { state: state.to_owned(), ..Pupil::default() });
        let of = |children: Vec<(Uuid, Pupil)>| {
            let answers = Answers { schooling: Some(children.into_iter().collect()), ..Answers::default() };
            judge(&checks, &answers, &members, on).remove(&Indicator::Schooling).unwrap()
        };
        assert_eq!(of(vec![child(2, "enrolled"), child(3, "taught_at_home")]).outcome, Outcome::Met);
        let out = of(vec![child(2, "enrolled"), child(3, "dropped_out")]);
        assert_eq!((out.outcome, out.reasons.join(" ")), (Outcome::Short, "dropped_out".to_owned()));
        assert_eq!(out.persons[&Uuid::from_u128(2)], Outcome::Met);
        let missed = of(vec![child(2, "enrolled")]);
        assert_eq!((missed.outcome, missed.reasons.join(" ")), (Outcome::Partly, NOT_ASKED.to_owned()));

        let all = |parts: &[(&str, bool)]| parts.iter().map(|(id, yes)| ((*id).to_owned(), *yes)).collect::<Parts>();
        let whole = all(&[("basic", true), ("serious", true), ("aid", true)]);
        let cover = |third: Parts, clinic| {
            let persons = [(1, whole.clone()), (2, whole.clone()), (3, third)];
            let persons = persons.into_iter().map(|(n, parts)| (Uuid::from_u128(n), parts)).collect();
            let answers = Answers { insurance: Some(Cover { persons, clinic }), ..Answers::default() };
            judge(&checks, &answers, &members, on).remove(&Indicator::Insurance).unwrap()
        };
        assert_eq!(cover(whole.clone(), true).outcome, Outcome::Met);
        let no_aid = cover(all(&[("basic", true), ("serious", true), ("aid", false)]), true);
        assert_eq!((no_aid.outcome, no_aid.reasons.join(" ")), (Outcome::Partly, "aid".to_owned()));
        assert_eq!(cover(all(&[("basic", false), ("serious", true), ("aid", true)]), true).outcome, Outcome::Short);
        let far = cover(whole.clone(), false);
        assert_eq!(
            (far.outcome, far.clinic, far.reasons.join(" ")),
            (Outcome::Short, Some(Outcome::Short), "clinic".to_owned())
        );
    }

    #[test]
    fn every_reason_has_words() {
        let checks = checks();
        for lang in [Lang::Zh, Lang::En] {
            for (indicator, codes) in [
                (Indicator::Food, vec!["staple", "protein"]),
                (Indicator::Clothing, vec!["seasonal", "change", "bedding"]),
                (Indicator::Schooling, vec!["dropped_out", NOT_ASKED, NOBODY]),
                (Indicator::Insurance, vec!["basic", "serious", "aid", "clinic", NOT_ASKED]),
                (Indicator::Housing, vec!["grade_C", "unassessed", "kin"]),
                (Indicator::Water, WATER_INDICES.to_vec()),
            ] {
                for code in codes {
                    assert_ne!(reason(&checks, indicator, code, lang), code);
                }
            }
        }
    }
}
