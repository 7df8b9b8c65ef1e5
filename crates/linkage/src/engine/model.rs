//! What is believed of each level: how often a person's two records show it, how often two of a household do, and how
//! often two strangers do. A model is a TOML file that can be read, edited and kept.

use serde::{Deserialize, Serialize};

use crate::calibrate::Calibration;

use super::levels::{EXACT, FIELDS, HOMOPHONE, NAME, ONE_OFF, PATTERNS, PHONE, Pattern};

/// The three kinds of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Match = 0,
    Kin = 1,
    Stranger = 2,
}

pub(super) const CLASSES: [Class; 3] = [Class::Match, Class::Kin, Class::Stranger];

/// One level of one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelModel {
    /// Its name in [`FIELDS`].
    pub name: String,
    /// Share of it among records of the same person.
    pub same: f64,
    /// Share among two persons of one household.
    pub kin: f64,
    /// Share among strangers.
    pub stranger: f64,
}

/// One field; its "missing" level says nothing and is not listed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldModel {
    /// Its name in [`FIELDS`].
    pub name: String,
    /// Its levels, best first.
    pub level: Vec<LevelModel>,
}

/// Shares of names borne by somebody, by kind of pair.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownName {
    /// Where the two are one person.
    pub same: f64,
    /// Two of one household.
    pub kin: f64,
    /// Strangers.
    pub stranger: f64,
}

/// How a model came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingReport {
    /// Rows of the list.
    pub list: u64,
    /// Rows of the registry.
    pub registry: u64,
    /// Pairs that the rules found.
    pub pairs: u64,
    /// Different patterns among them.
    pub patterns: u64,
    /// Pairs of strangers that were drawn.
    pub drawn: u64,
    /// Matches that plain rules promised before training: number equal, or name, birth and village.
    pub certain: u64,
    /// Rounds of expectation and maximisation.
    pub rounds: u32,
    /// Whether the last round changed nothing that matters.
    pub converged: bool,
    /// Largest change of a share in the last round.
    pub last_change: f64,
    /// Log-likelihood (nats) after the first and the last round.
    pub log_likelihood: (f64, f64),
    /// Levels that no pair showed, as field.level: their shares are the prior's.
    pub unseen: Vec<String>,
}

/// What pairs that people judged did to a model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labelled {
    /// How many pairs.
    pub pairs: u64,
    /// Of these, one person.
    pub same: u64,
    /// How surprising they were to the scores that they had: mean bits a pair, 1 where nothing is known.
    pub surprise_before: f64,
    /// The same after the model was changed.
    pub surprise: f64,
}

/// A model of comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Matches expected for one row of the list.
    pub matches_per_row: f64,
    /// Other members of the same household found for one row of the list.
    pub kin_per_row: f64,
    /// Of names that are one character off: share of lists' names that somebody in the registry bears. Slips make names
    /// that nobody has; a brother has a name.
    pub known_name: KnownName,
    /// The fields.
    pub field: Vec<FieldModel>,
    /// How it was trained.
    pub training: Option<TrainingReport>,
    /// What judged pairs did to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labelled: Option<Labelled>,
    /// How its scores are to be read, as judged pairs have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

/// What is wrong with a model file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelProblem {
    /// What kind of mistake.
    pub fault: ModelFault,
    /// Line of the file, from 1; 0 where the file as a whole is meant.
    pub line: usize,
    /// The key at fault, such as `field.name.homophone`.
    pub key: String,
    /// What stands there.
    pub value: String,
    /// What would be right: names or a range.
    pub want: String,
}

/// Kinds of mistakes in a model file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelFault {
    /// It is not TOML.
    Toml,
    /// A model of another kind: of a schema where one of persons is wanted, or the other way round.
    Kind,
    /// A key that a model does not have.
    UnknownKey,
    /// Something that must be there is not.
    Missing,
    /// A value of another type.
    Type,
    /// A number out of its range.
    Range,
}

impl std::fmt::Display for ModelProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, key, value, want, .. } = self;
        match self.fault {
            ModelFault::Toml => write!(f, "line {line}: not TOML: {value}"),
            ModelFault::Kind => write!(f, "a model of another kind: {key}"),
            ModelFault::UnknownKey => write!(f, "line {line}: unknown key {key}; known: {want}"),
            ModelFault::Missing => write!(f, "no {key}"),
            ModelFault::Type => write!(f, "line {line}: {value} is of the wrong type"),
            ModelFault::Range => write!(f, "{key} = {value} is out of range: {want}"),
        }
    }
}

impl std::error::Error for ModelProblem {}

impl ModelProblem {
    pub(crate) fn missing(key: impl Into<String>) -> Self {
        let (value, want) = (String::new(), String::new());
        Self { fault: ModelFault::Missing, line: 0, key: key.into(), value, want }
    }

    pub(crate) fn range(key: impl Into<String>, value: impl Into<String>, want: &str) -> Self {
        Self { fault: ModelFault::Range, line: 0, key: key.into(), value: value.into(), want: want.to_owned() }
    }

    pub(crate) fn written(why: &toml::ser::Error) -> Self {
        let (key, want) = (String::new(), String::new());
        Self { fault: ModelFault::Toml, line: 0, key, value: why.to_string(), want }
    }

    /// Of a file that is no model; one that has the table `foreign` at its root is a model of the other kind.
    pub(crate) fn of_toml(text: &str, error: &toml::de::Error, foreign: &str) -> Self {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let said = error.message();
        let quoted = |start: &str| said.strip_prefix(start).and_then(|rest| rest.split_once('`'));
        let own = text.lines().nth(line - 1).unwrap_or_default().trim();
        let short = |text: &str| text.chars().take(80).collect::<String>();
        let problem = |fault, key: &str, value: &str, want: &str| Self {
            fault,
            line,
            key: short(key),
            value: short(value),
            want: want.to_owned(),
        };
        let Ok(root) = text.parse::<toml::Table>() else {
            return problem(ModelFault::Toml, "", own, said);
        };
        if root.contains_key(foreign) {
            return problem(ModelFault::Kind, foreign, "", "");
        }
        if let Some((key, rest)) = quoted("unknown field `") {
            let known = rest.trim_start_matches(", expected ").trim_start_matches("one of ").replace('`', "");
            return problem(ModelFault::UnknownKey, key, own, &known);
        }
        if let Some((key, _)) = quoted("missing field `") {
            return problem(ModelFault::Missing, key, "", "");
        }
        problem(ModelFault::Type, "", own, said)
    }
}

/// Matches or kin for one row of a list that a model may expect: more than a county has persons is a slip.
const MOST_PER_ROW: f64 = 1e6;

/// What is believed before any data: same, kin, stranger of every level but "missing".
/// Strangers: numbers and phones agree by chance only; kin: they share house and often surname and phone.
const PRIOR: [&[[f64; 3]]; 6] = [
    &[
        [0.80, 1e-7, 1e-9],
        [0.03, 1e-8, 1e-10],
        [0.04, 1e-6, 3e-9],
        [0.005, 1e-7, 1e-9],
        [0.005, 1e-5, 1e-7],
        [0.05, 1e-4, 3e-6],
        [0.07, 2e-4, 1e-5],
        [0.01, 1e-3, 1e-3],
        [5e-5, 1e-4, 1e-8],
        [2e-4, 5e-5, 3e-8],
        [2e-5, 5e-3, 5e-6],
        [2e-3, 0.993, 0.999],
    ],
    &[
        [0.93, 1e-4, 1e-4],
        [0.02, 1e-3, 1e-4],
        [0.006, 2e-3, 5e-5],
        [0.004, 1e-3, 2e-4],
        [0.004, 2e-4, 1e-6],
        [0.002, 2e-4, 1e-6],
        [0.006, 5e-3, 1e-3],
        [0.005, 2e-3, 3e-3],
        [0.004, 0.01, 5e-4],
        [0.005, 0.08, 5e-4],
        [0.005, 0.06, 4e-3],
        [1e-3, 0.35, 0.03],
        [1e-3, 0.48, 0.96],
    ],
    &[
        [0.93, 4e-3, 3e-5],
        [0.02, 5e-3, 3e-4],
        [0.005, 1e-4, 1e-5],
        [0.008, 5e-4, 6e-4],
        [0.004, 2e-4, 1e-4],
        [0.004, 1e-3, 6e-4],
        [0.006, 2e-3, 5e-4],
        [0.002, 0.02, 0.013],
        [0.001, 0.05, 0.025],
        [0.001, 0.91, 0.96],
    ],
    &[[0.997, 0.5, 0.5], [0.003, 0.5, 0.5]],
    &[[0.65, 0.3, 1e-7], [0.01, 1e-3, 1e-7], [0.34, 0.7, 1.0]],
    &[
        [0.75, 0.85, 2e-7],
        [0.05, 0.06, 2e-6],
        [0.03, 0.03, 1e-5],
        [0.03, 0.05, 3e-4],
        [0.06, 4e-3, 4e-3],
        [0.04, 3e-3, 0.05],
        [0.04, 3e-3, 0.95],
    ],
];

/// Shares by field, level (0 is "missing") and class; the form in which the engine works.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shares {
    pub(super) of: Vec<Vec<[f64; 3]>>,
    pub(super) known_name: [f64; 3],
    pub(super) matches_per_row: f64,
    pub(super) kin_per_row: f64,
}

impl Shares {
    pub(super) fn prior() -> Self {
        let of = PRIOR
            .iter()
            .map(|levels| {
                let mut field = vec![[1.0; 3]];
                field.extend_from_slice(levels);
                field
            })
            .collect();
        let mut shares = Self { of, known_name: [0.3, 0.6, 0.6], matches_per_row: 0.5, kin_per_row: 1.5 };
        shares.normalise();
        shares
    }

    /// Makes the shares of every field and class sum to 1.
    pub(super) fn normalise(&mut self) {
        for field in &mut self.of {
            for class in CLASSES {
                let sum: f64 = field.iter().skip(1).map(|l| l[class as usize]).sum();
                for level in field.iter_mut().skip(1) {
                    level[class as usize] /= sum.max(f64::MIN_POSITIVE);
                }
            }
        }
    }

    /// No level may be worth more than full agreement or less than plain difference, whatever few pairs suggest.
    pub(super) fn make_monotone(&mut self) {
        for field in &mut self.of {
            let (Some(best), Some(worst)) = (field.get(EXACT).copied(), field.last().copied()) else {
                continue;
            };
            let (best, worst) = (best[0] / best[2], worst[0] / worst[2]);
            for level in field.iter_mut().skip(2) {
                let lowest = level[2] * worst.min(best);
                level[0] = level[0].clamp(lowest, (level[2] * best).max(lowest));
            }
        }
        self.normalise();
    }
}

impl Model {
    /// What is believed before any data.
    pub fn prior() -> Self {
        Self::of(&Shares::prior(), None)
    }

    pub(super) fn of(shares: &Shares, training: Option<TrainingReport>) -> Self {
        let field = FIELDS
            .iter()
            .zip(&shares.of)
            .map(|(field, levels)| FieldModel {
                name: field.name.to_owned(),
                level: field
                    .levels
                    .iter()
                    .zip(levels)
                    .skip(1)
                    .map(|(name, [same, kin, stranger])| LevelModel {
                        name: (*name).to_owned(),
                        same: *same,
                        kin: *kin,
                        stranger: *stranger,
                    })
                    .collect(),
            })
            .collect();
        let [same, kin, stranger] = shares.known_name;
        Self {
            matches_per_row: shares.matches_per_row,
            kin_per_row: shares.kin_per_row,
            known_name: KnownName { same, kin, stranger },
            field,
            training,
            labelled: None,
            calibration: None,
        }
    }

    /// The model of a file.
    ///
    /// # Errors
    /// If it is no TOML, or a field or level is missing, unknown, or no share between 0 and 1.
    pub fn from_toml(text: &str) -> Result<Self, ModelProblem> {
        let model: Self = toml::from_str(text).map_err(|e| ModelProblem::of_toml(text, &e, "comparison"))?;
        model.shares()?;
        Ok(model)
    }

    /// The model as a file.
    ///
    /// # Errors
    /// If a number cannot be written.
    pub fn to_toml(&self) -> Result<String, ModelProblem> {
        toml::to_string(self).map_err(|e| ModelProblem::written(&e))
    }

    pub(super) fn shares(&self) -> Result<Shares, ModelProblem> {
        let mut of = Vec::new();
        for field in FIELDS {
            let Some(found) = self.field.iter().find(|f| f.name == field.name) else {
                return Err(ModelProblem::missing(format!("field.{}", field.name)));
            };
            let mut levels = vec![[1.0; 3]];
            for name in &field.levels[1..] {
                let Some(level) = found.level.iter().find(|l| l.name == *name) else {
                    return Err(ModelProblem::missing(format!("field.{}.{name}", field.name)));
                };
                let shares = [level.same, level.kin, level.stranger];
                for (class, share) in ["same", "kin", "stranger"].iter().zip(shares) {
                    if !(share > 0.0 && share <= 1.0) {
                        let key = format!("field.{}.{name}.{class}", field.name);
                        return Err(ModelProblem::range(key, share.to_string(), "0 < x ≤ 1"));
                    }
                }
                levels.push(shares);
            }
            if let Some(extra) = found.level.iter().find(|l| !field.levels[1..].contains(&l.name.as_str())) {
                return Err(ModelProblem {
                    fault: ModelFault::UnknownKey,
                    line: 0,
                    key: format!("field.{}.{}", field.name, extra.name),
                    value: String::new(),
                    want: field.levels[1..].join(", "),
                });
            }
            of.push(levels);
        }
        if let Some(extra) = self.field.iter().find(|f| FIELDS.iter().all(|field| field.name != f.name)) {
            return Err(ModelProblem {
                fault: ModelFault::UnknownKey,
                line: 0,
                key: format!("field.{}", extra.name),
                value: String::new(),
                want: FIELDS.map(|field| field.name).join(", "),
            });
        }
        for (key, rate) in [("matches_per_row", self.matches_per_row), ("kin_per_row", self.kin_per_row)] {
            if !(rate > 0.0 && rate <= MOST_PER_ROW) {
                return Err(ModelProblem::range(key, rate.to_string(), "0 < x ≤ 1000000"));
            }
        }
        let known_name = [self.known_name.same, self.known_name.kin, self.known_name.stranger];
        for (class, share) in ["same", "kin", "stranger"].iter().zip(known_name) {
            if !(share > 0.0 && share < 1.0) {
                return Err(ModelProblem::range(format!("known_name.{class}"), share.to_string(), "0 < x < 1"));
            }
        }
        if self.calibration.as_ref().is_some_and(|c| !c.is_valid()) {
            return Err(ModelProblem::range("calibration.worth", "", "19 × (x₁ ≤ x₂ ≤ …)"));
        }
        Ok(Shares { of, known_name, matches_per_row: self.matches_per_row, kin_per_row: self.kin_per_row })
    }
}

/// Expected numbers of pairs of one pattern, by class.
pub(super) struct Expected {
    cells: Vec<[f32; 3]>,
}

impl Expected {
    /// For a list and a registry of these sizes; in base-2 logarithms, because chances of chances get very small.
    pub(super) fn new(shares: &Shares, list: u64, registry: u64) -> Self {
        let list = list.max(1) as f64;
        let start = [
            (shares.matches_per_row * list).log2(),
            (shares.kin_per_row * list).log2(),
            (list * registry.max(1) as f64).log2(),
        ];
        let mut cells = vec![start.map(|s| s as f32)];
        for field in &shares.of {
            let logs: Vec<[f32; 3]> = field.iter().map(|l| l.map(|share| share.log2() as f32)).collect();
            cells = cells
                .iter()
                .flat_map(|cell| logs.iter().map(|l| [cell[0] + l[0], cell[1] + l[1], cell[2] + l[2]]))
                .collect();
        }
        debug_assert_eq!(cells.len(), PATTERNS);
        Self { cells }
    }

    /// Log-odds in bits that a pair of this pattern is one person rather than two; `adjusted` is added to the logarithm
    /// of each kind.
    #[inline]
    pub(super) fn bits(&self, pattern: Pattern, adjusted: Adjusted) -> f32 {
        let [same, kin, stranger] = self.logs(pattern, adjusted);
        same - log_sum(kin, stranger)
    }

    /// Shares of the three kinds among pairs of this pattern.
    pub(super) fn kinds(&self, pattern: Pattern, adjusted: Adjusted) -> [f32; 3] {
        let logs = self.logs(pattern, adjusted);
        let whole = log_sum(logs[0], log_sum(logs[1], logs[2]));
        logs.map(|log| (log - whole).exp2())
    }

    fn logs(&self, pattern: Pattern, adjusted: Adjusted) -> [f32; 3] {
        let mut logs = self.cells[pattern.index()];
        for (log, by) in logs.iter_mut().zip(adjusted) {
            *log += by;
        }
        logs
    }

    /// Every pattern's bits.
    pub(super) fn worth(&self) -> Vec<f32> {
        (0..PATTERNS).map(|p| self.bits(Pattern(p as u32), [0.0; 3])).collect()
    }

    /// What the fields of a pair say in bits, were one person and two equally likely before: log-odds without their start.
    pub(super) fn evidence(&self, pattern: Pattern, adjusted: Adjusted) -> f32 {
        let [same, kin, stranger] = self.logs(pattern, adjusted);
        let start = self.cells[0];
        let part = self.kin_part(pattern, adjusted);
        (same - start[0]) - part * (kin - start[1]) - (1.0 - part) * (stranger - start[2])
    }

    /// How much of what speaks against a pair is kin, 0 to 1.
    pub(super) fn kin_part(&self, pattern: Pattern, adjusted: Adjusted) -> f32 {
        let [_, kin, stranger] = self.logs(pattern, adjusted);
        1.0 / (1.0 + (stranger - kin).clamp(-60.0, 60.0).exp2())
    }
}

/// What the values of a pair add to the logarithms of its kinds: same, kin, stranger.
pub(super) type Adjusted = [f32; 3];

fn log_sum(a: f32, b: f32) -> f32 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    if high == f32::NEG_INFINITY { high } else { high + (1.0 + (low - high).exp2()).log2() }
}

/// How often the values of one row of the list stand in the registry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Frequency {
    pub(super) name: u32,
    pub(super) sound: u32,
    pub(super) phone: u32,
}

impl Frequency {
    /// What this row's values say beyond the levels: a rare name agrees by chance more rarely than the average, a shop's
    /// phone more often, and a slip of the pen makes names that nobody bears.
    pub(super) fn adjust(self, levels: [usize; 6], shares: &Shares, registry: u64) -> Adjusted {
        let registry = registry.max(1) as f64;
        // Of the bearers one is the pair itself; what is left is how many others may be meant.
        let others = |count: u32| (f64::from(count) - 0.5).max(0.5) / registry;
        let mut out = [0.0; 3];
        match levels[NAME] {
            EXACT => out[2] -= (shares.of[NAME][EXACT][2] / others(self.name)).log2(),
            HOMOPHONE => {
                out[2] -= (shares.of[NAME][HOMOPHONE][2] / others(self.sound.saturating_sub(self.name))).log2();
            }
            level if ONE_OFF.contains(&level) => {
                for (by, known) in out.iter_mut().zip(shares.known_name) {
                    *by += if self.name > 0 { known } else { 1.0 - known }.log2();
                }
            }
            _ => {}
        }
        // A number of one or two persons is a number; one of many is a shop's.
        if levels[PHONE] == EXACT {
            out[2] += f64::from(self.phone.max(2) / 2).log2();
        }
        out.map(|bits| bits as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prior_is_a_distribution_and_in_order() {
        let shares = Shares::prior();
        for (field, levels) in FIELDS.iter().zip(&shares.of) {
            assert_eq!(levels.len(), field.levels.len(), "{}", field.name);
            for class in CLASSES {
                let sum: f64 = levels.iter().skip(1).map(|l| l[class as usize]).sum();
                assert!((sum - 1.0).abs() < 1e-9, "{} {class:?}", field.name);
            }
            let bits = |l: &[f64; 3]| l[0] / l[2];
            let (best, worst) = (bits(&levels[1]), bits(&levels[levels.len() - 1]));
            assert!(levels.iter().skip(1).all(|l| bits(l) >= worst * 0.999), "{}", field.name);
            assert!(best > worst);
        }
    }

    #[test]
    fn a_model_file_is_read_back_and_checked() {
        let model = Model::prior();
        let text = model.to_toml().unwrap();
        assert_eq!(Model::from_toml(&text).unwrap(), model);
        let wrong = text.replace("\"homophone\"", "\"homofone\"");
        assert!(Model::from_toml(&wrong).unwrap_err().to_string().contains("homophone"));
        let fault = |text: &str| Model::from_toml(text).unwrap_err();
        assert!(Model::from_toml("x = 1").is_err());
        let unknown = fault(&format!("zzz = 1\n{text}"));
        assert_eq!((unknown.fault, unknown.line, unknown.key.as_str()), (ModelFault::UnknownKey, 1, "zzz"));
        assert!(unknown.want.contains("matches_per_row"), "{unknown}");
        let deep = fault(&text.replacen("kin = ", "kyn = ", 1));
        assert_eq!((deep.fault, deep.key.as_str()), (ModelFault::UnknownKey, "kyn"));
        let huge = fault(&text.replacen(
            &format!("matches_per_row = {:?}", model.matches_per_row),
            "matches_per_row = 1e300",
            1,
        ));
        assert_eq!((huge.fault, huge.key.as_str()), (ModelFault::Range, "matches_per_row"));
        assert_eq!(fault("matches = 1.0\n[[comparison]]\nname = 'a'\n").fault, ModelFault::Kind);
        assert_eq!((fault("a = \n").fault, fault("\na = \n").line), (ModelFault::Toml, 2));
        let words = fault(&text.replacen(&format!("kin_per_row = {:?}", model.kin_per_row), "kin_per_row = 'many'", 1));
        assert_eq!((words.fault, words.value.as_str()), (ModelFault::Type, "kin_per_row = 'many'"));
        let mut zero = model.clone();
        zero.field[0].level[0].same = 0.0;
        assert!(Model::from_toml(&zero.to_toml().unwrap()).is_err());
    }

    #[test]
    fn monotone_shares_stay_between_agreement_and_difference() {
        let mut shares = Shares::prior();
        shares.of[2][5][0] = 1e-12;
        shares.of[2][6][0] = 0.9;
        shares.normalise();
        shares.make_monotone();
        let bits = |l: &[f64; 3]| l[0] / l[2];
        let levels = &shares.of[2];
        let (best, worst) = (bits(&levels[1]), bits(&levels[levels.len() - 1]));
        assert!(levels.iter().skip(1).all(|l| bits(l) <= best * 1.001 && bits(l) >= worst * 0.999));
    }

    #[test]
    fn evidence_adds_up_and_rare_names_weigh_more() {
        let shares = Shares::prior();
        let expected = Expected::new(&shares, 100, 1_000);
        let all = Pattern::new([1, 1, 1, 1, 1, 1]);
        let kin = Pattern::new([12, 12, 10, 1, 1, 1]);
        let blank = Pattern::new([0; 6]);
        assert!(expected.bits(all, [0.0; 3]) > 30.0);
        assert!(expected.bits(kin, [0.0; 3]) < -5.0, "a stranger with phone and address is no match");
        assert!(expected.bits(blank, [0.0; 3]) < 0.0);
        let named = Pattern::new([0, 1, 0, 1, 0, 6]).levels();
        let rarer = |count| -Frequency { name: count, sound: count, phone: 0 }.adjust(named, &shares, 1_000_000)[2];
        assert!(rarer(1) > rarer(2) && rarer(2) > rarer(300));
        assert!(rarer(0).is_finite());
        // A name one character off that nobody bears is a slip rather than a brother.
        let slip = Pattern::new([0, 10, 1, 1, 1, 1]);
        let bits = |count| {
            let f = Frequency { name: count, sound: count, phone: 0 };
            expected.bits(slip, f.adjust(slip.levels(), &shares, 1_000_000))
        };
        assert!(bits(0) > bits(1));
        let [same, kin, stranger] = expected.kinds(slip, [0.0; 3]);
        assert!((same + kin + stranger - 1.0).abs() < 1e-3);
    }
}
