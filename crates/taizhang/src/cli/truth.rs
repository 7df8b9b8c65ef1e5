//! The demo held against the truth that lies beside its files: lists, and quality rules.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use super::{CliError, Trouble};
use crate::access::{Actor, Scope};
use crate::assess::profile::checks::{Checks, Indicator};
use crate::compare::{self, Quality};
use crate::platform::{App, Lang};
use crate::screen::gaps::{self, Asked, State};
use crate::{assess, intake, monitor};

/// The rule that finds each defect that the synthetic province plants.
pub const PLANTED: &[(&str, &str)] = &[
    ("id_checksum", "person.id_checksum"),
    ("id_length", "person.id_length"),
    ("id_birth_month", "person.id_birth"),
    ("birth_future", "person.id_future"),
    ("id_duplicate", "person.id_duplicate"),
    ("id_digits", "person.id_digits"),
    ("id_excel", "person.id_excel"),
    ("id_disability", "person.id_disability"),
    ("name_missing", "person.name_missing"),
    ("person_no_twice", "row.key_twice"),
    ("head_missing", "household.head_none"),
    ("head_twice", "household.heads_many"),
    ("spouse_twice", "household.spouses_many"),
    ("couple_same_sex", "household.couple_same_sex"),
    ("relation_sex", "person.relation_sex"),
    ("education_both", "person.education_both"),
    ("education_none", "person.education_none"),
    ("health_empty", "person.health_empty"),
    ("phone_length", "person.phone"),
    ("work_place_only", "person.work_place_only"),
    ("work_months_only", "person.work_months_only"),
    ("insurance_both", "person.insurance_both"),
    ("insurance_none", "person.insurance_none"),
    ("serious_insurance_none", "register.serious_insurance"),
    ("dropout_ill_healthy", "person.dropout_healthy"),
    ("disability_no_card", "person.disability_no_card"),
    ("able_no_labour", "person.able_no_labour"),
    ("no_labour_working", "person.no_labour_working"),
    ("student_working", "person.student_working"),
    ("dangerous_not_monitored", "register.house_not_monitored"),
    ("water_not_monitored", "register.water_not_monitored"),
    ("income_below_line", "register.income_not_monitored"),
    ("operating_no_cost", "income.no_cost"),
    ("eco_without_fallow", "register.eco_without_fallow"),
    ("fallow_over_forest", "household.fallow_area"),
    ("wage_small", "income.wage_small"),
    ("wage_large", "income.wage_large"),
    ("monitor_time_missing", "monitoring.time_missing"),
    ("monitor_risk_missing", "monitoring.risk_missing"),
    ("measure_none", "monitoring.measure_none"),
    ("measure_not_developing", "register.measure_not_developing"),
    ("id_empty", "person.id_empty"),
    ("birth_differs", "person.birth_differs"),
    ("sex_differs", "person.sex_differs"),
    ("relation_unknown", "person.relation_unknown"),
    ("health_unknown", "person.health_unknown"),
    ("household_phone", "household.phone"),
    ("members_zero", "household.members_zero"),
    ("members_differ", "register.members_differ"),
    ("persons_none", "register.persons_none"),
    ("income_sum", "income.sum_differs"),
    ("monitor_kind", "monitoring.kind"),
    ("monitor_income_missing", "monitoring.income_missing"),
    ("monitor_flag_missing", "monitoring.flag_missing"),
    ("insurance_without_risk", "monitoring.insurance_risk"),
    ("water_without_risk", "monitoring.water_risk"),
    ("disabled_without_disabled", "register.disability_risk"),
    ("work_without_labour", "register.work_risk"),
    ("labour_lacking_all_able", "register.labour_risk"),
    ("only_general", "register.only_general_measure"),
    ("support_not_listed", "register.support_not_listed"),
    ("ended_illness", "monitoring.eliminated_illness"),
    ("ended_school", "monitoring.eliminated_school"),
    ("ended_no_measure", "monitoring.eliminated_no_measure"),
    ("ended_early", "monitoring.eliminated_early"),
    ("ended_below_line", "monitoring.eliminated_below_line"),
    ("ended_empty", "monitoring.eliminated_empty"),
    ("ended_no_labour", "monitoring.eliminated_no_labour"),
    ("id_ends_in_zeros", "person.id_excel_maybe"),
];

/// What a rule found, held against what was planted; households are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct RuleQuality {
    /// Where the truth says that the rule is broken.
    pub planted: i64,
    /// Where the rule was found broken.
    pub found: i64,
    /// Found where it was planted.
    pub right: i64,
}

impl RuleQuality {
    fn add(&mut self, other: Self) {
        self.planted += other.planted;
        self.found += other.found;
        self.right += other.right;
    }
}

/// A share of something; none of nothing, which is neither all nor none.
pub fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Rows of a truth file as the values of the columns asked for.
fn rows<const N: usize>(file: &Path, columns: [&str; N]) -> Result<Vec<[String; N]>, CliError> {
    let fail = |why: String| CliError::from(Trouble::System(format!("{}: {why}", file.display())));
    let mut reader = csv::Reader::from_path(file).map_err(|e| fail(e.to_string()))?;
    let headers = reader.headers().map_err(|e| fail(e.to_string()))?.clone();
    let mut places = [0; N];
    for (place, name) in places.iter_mut().zip(columns) {
        *place = headers
            .iter()
            .position(|h| h.trim_start_matches('\u{feff}') == name)
            .ok_or_else(|| fail(format!("no column {name}")))?;
    }
    reader
        .records()
        .map(|record| {
            let record = record.map_err(|e| fail(e.to_string()))?;
            Ok(places.map(|at| record.get(at).unwrap_or_default().to_owned()))
        })
        .collect()
}

/// How well each list of `truth_lists.csv` was matched, by file name.
///
/// # Errors
/// The file cannot be read; the database fails.
pub async fn lists(app: &App, folder: &Path) -> Result<BTreeMap<String, Quality>, CliError> {
    let mut answers: BTreeMap<String, HashMap<i64, Option<String>>> = BTreeMap::new();
    for [list, row, role, person] in rows(&folder.join("truth_lists.csv"), ["list", "row", "role", "person_no"])? {
        let line = row.parse().unwrap_or_default();
        answers.entry(list).or_default().insert(line, (role == "registered").then_some(person));
    }
    let mut out = BTreeMap::new();
    for (list, answers) in answers {
        let quality = compare::evaluate_lines(app, &list, &answers).await?;
        out.insert(list, quality);
    }
    Ok(out)
}

/// What each quality rule found, held against `truth_quality.csv`, and all of them together. A rule that nothing was
/// planted for but that found something is among them.
///
/// # Errors
/// The file cannot be read; the database fails.
pub async fn rules(
    app: &App,
    actor: &Actor,
    folder: &Path,
) -> Result<(RuleQuality, BTreeMap<String, RuleQuality>), CliError> {
    let mut planted: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for [defect, household] in rows(&folder.join("truth_quality.csv"), ["rule", "household_no"])? {
        let rule = PLANTED.iter().find(|(name, _)| *name == defect).map(|(_, rule)| *rule);
        let rule = rule.ok_or_else(|| Trouble::System(format!("truth_quality.csv: {defect}?")))?;
        planted.entry(rule).or_default().insert(household);
    }
    // Numbers of 15 digits are sound and yet a doubt: they should have been replaced long ago.
    for [form, household] in rows(&folder.join("truth_id_forms.csv"), ["form", "household_no"])? {
        if form == "id_15" {
            planted.entry("person.id_legacy").or_default().insert(household);
        }
    }
    let mut by_rule: BTreeMap<String, RuleQuality> = BTreeMap::new();
    for (rule, households) in &planted {
        by_rule.insert((*rule).to_owned(), RuleQuality { planted: households.len() as i64, ..RuleQuality::default() });
    }
    for (rule, household) in intake::broken_rules(app, actor).await? {
        let right = planted.get(rule.as_str()).is_some_and(|households| households.contains(&household));
        let quality = by_rule.entry(rule).or_default();
        quality.found += 1;
        quality.right += i64::from(right);
    }
    let mut all = RuleQuality::default();
    by_rule.values().for_each(|one| all.add(*one));
    Ok((all, by_rule))
}

/// Clues held against the truth; households are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct ClueQuality {
    /// Where the truth says that a clue has to be raised.
    pub must: i64,
    /// Of these, where one was.
    pub must_found: i64,
    /// Where a clue was raised.
    pub found: i64,
    /// Of these, where the truth bears it out.
    pub right: i64,
}

/// How well the clues of the departments' bills found the households that `truth_impacts.csv` says were hit by a bill
/// from the lower threshold on. What the register says of a household decides which threshold is its own: one whose bill
/// lies between the two counts only where the lower one is.
///
/// # Errors
/// The file cannot be read; the profile is faulty or the database fails.
pub async fn clues(app: &App, folder: &Path) -> Result<ClueQuality, CliError> {
    let profile = monitor::policy(app).await?;
    let threshold = |id: &str| profile.warnings.iter().find(|w| w.id == id).map_or(f64::MAX, |w| w.threshold);
    let (low, high) = (threshold("inpatient_registered"), threshold("inpatient_other"));
    let mut billed: BTreeMap<String, f64> = BTreeMap::new();
    for [impact, household, amount] in rows(&folder.join("truth_impacts.csv"), ["impact", "household_no", "reference"])?
    {
        if impact == "medical_self_pay" {
            let amount = amount.parse::<f64>().unwrap_or_default();
            let most = billed.entry(household).or_default();
            *most = most.max(amount);
        }
    }
    let registered: BTreeSet<String> =
        monitor::households_warned(app, "inpatient_registered").await?.into_iter().collect();
    let other: BTreeSet<String> = monitor::households_warned(app, "inpatient_other").await?.into_iter().collect();
    let fits = |household: &String, least: f64| billed.get(household).is_some_and(|amount| *amount >= least);
    let right = registered.iter().filter(|no| fits(no, low)).count() + other.iter().filter(|no| fits(no, high)).count();
    // Whatever group it is of, a household with a bill above the higher threshold has to be found.
    let must: Vec<&String> = billed.iter().filter(|(_, amount)| **amount >= high).map(|(no, _)| no).collect();
    Ok(ClueQuality {
        must: must.len() as i64,
        must_found: must.iter().filter(|no| registered.contains(**no) || other.contains(**no)).count() as i64,
        found: (registered.len() + other.len()) as i64,
        right: right as i64,
    })
}

/// Checks that fall short or are in doubt, by indicator, against what was planted in `truth_checks.csv`.
///
/// # Errors
/// The file cannot be read, or the database fails.
pub async fn checks(app: &App, folder: &Path) -> Result<BTreeMap<String, RuleQuality>, CliError> {
    let planted: BTreeSet<[String; 3]> =
        rows(&folder.join("truth_checks.csv"), ["household_no", "indicator", "outcome"])?.into_iter().collect();
    let checks = Checks::of(&assess::active_profile(app, &Actor::machine(Lang::Zh)).await?.profile);
    let mut found: BTreeSet<[String; 3]> = BTreeSet::new();
    for state in [State::Short, State::Partly] {
        let asked = Asked { state: Some(state), ..Asked::all(&checks, app.clock.today()) };
        gaps::each(app, &checks, &Scope::everything(), &asked, |line| {
            let outcome = Indicator::from_name(&line.indicator).zip(state.outcome());
            if outcome.is_some_and(|(indicator, outcome)| checks.is_gap(indicator, outcome)) {
                found.insert([line.household_no, line.indicator, line.result]);
            }
        })
        .await?;
    }
    let mut out: BTreeMap<String, RuleQuality> = BTreeMap::new();
    for indicator in Indicator::ALL {
        let of =
            |all: &BTreeSet<[String; 3]>| all.iter().filter(|[_, name, _]| name == indicator.name()).count() as i64;
        let right = planted.intersection(&found).filter(|[_, name, _]| name == indicator.name()).count() as i64;
        out.insert(indicator.name().to_owned(), RuleQuality { planted: of(&planted), found: of(&found), right });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_defect_has_a_rule_and_every_rule_exists() {
        for (defect, error, _) in synth::QUALITY_RULES {
            let rule = PLANTED.iter().find(|(name, _)| name == defect).map(|(_, rule)| *rule).unwrap();
            let rule = intake::rules::rule(rule).unwrap();
            let held = rule.severity == intake::rules::Severity::Error;
            assert_eq!(held, *error, "{defect} holds a row back in the truth, or in the product, but not in both");
        }
        assert_eq!(PLANTED.len(), synth::QUALITY_RULES.len());
    }

    #[test]
    fn nothing_of_nothing_is_no_share() {
        assert_eq!(share(0, 0), None);
        assert_eq!(share(1, 4), Some(0.25));
    }
}
