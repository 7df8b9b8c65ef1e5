//! The model as a file.

use serde::{Deserialize, Serialize};

use super::spec::Schema;
use super::train::{Learned, Shares};
use crate::engine::ModelProblem;

/// What was learned about the levels of a schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaModel {
    /// Matches that are expected in the data that it was learned from.
    pub matches: f64,
    /// Rounds of learning; 0 where nothing was learned.
    pub rounds: usize,
    /// Whether learning came to rest.
    pub converged: bool,
    /// The comparisons of the schema, in its order.
    pub comparison: Vec<ComparisonModel>,
}

/// Shares of one comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparisonModel {
    /// Its name in the schema.
    pub name: String,
    /// Its levels and "else".
    pub level: Vec<LevelShares>,
}

/// Shares of one level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelShares {
    /// As the schema writes it; "else" for the last.
    pub level: String,
    /// Share of matches that show it.
    pub m: f64,
    /// Share of strangers that show it.
    pub u: f64,
    /// Bits that it is worth.
    pub bits: f64,
}

/// Why a model file does not serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaModelProblem {
    /// It cannot be read, is a model of persons, or a number in it cannot be.
    File(ModelProblem),
    /// A comparison or level of the schema is not in it, or a share in it is none.
    Level {
        /// The comparison.
        comparison: String,
        /// The level; empty where the comparison as a whole is meant.
        level: String,
    },
}

impl std::fmt::Display for SchemaModelProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(problem) => problem.fmt(f),
            Self::Level { comparison, level } => {
                write!(f, "the model does not fit the schema at {comparison}, level {level:?}")
            }
        }
    }
}

impl std::error::Error for SchemaModelProblem {}

const ELSE: &str = "else";

/// Matches that data may hold: more than pairs of all the rows that are taken.
const MOST_MATCHES: f64 = 1e15;

impl SchemaModel {
    /// Reads a model file.
    ///
    /// # Errors
    /// [`SchemaModelProblem::File`] where it is none.
    pub fn from_toml(text: &str) -> Result<Self, SchemaModelProblem> {
        toml::from_str(text).map_err(|e| SchemaModelProblem::File(ModelProblem::of_toml(text, &e, "field")))
    }

    /// The text of a model file.
    ///
    /// # Errors
    /// [`SchemaModelProblem::File`] where a number cannot be written.
    pub fn to_toml(&self) -> Result<String, SchemaModelProblem> {
        toml::to_string(self).map_err(|e| SchemaModelProblem::File(ModelProblem::written(&e)))
    }

    pub(super) fn of(schema: &Schema, shares: &Shares, learned: Learned) -> Self {
        let comparison = schema.comparisons.iter().enumerate().map(|(c, comparison)| {
            let names = comparison.levels.iter().map(|l| l.text.as_str()).chain([ELSE]);
            let bits = shares.bits(c);
            let level = names.enumerate().map(|(at, name)| LevelShares {
                level: name.to_owned(),
                m: shares.m[c][at + 1],
                u: shares.u[c][at + 1],
                bits: bits[at + 1],
            });
            ComparisonModel { name: comparison.name.clone(), level: level.collect() }
        });
        Self {
            matches: shares.matches,
            rounds: learned.rounds,
            converged: learned.converged,
            comparison: comparison.collect(),
        }
    }

    pub(super) fn shares(&self, schema: &Schema) -> Result<Shares, SchemaModelProblem> {
        let mut shares = Shares { matches: self.matches.max(1e-3), m: Vec::new(), u: Vec::new() };
        for comparison in &schema.comparisons {
            let wrong = |level: &str| SchemaModelProblem::Level {
                comparison: comparison.name.clone(),
                level: level.to_owned(),
            };
            let known = self.comparison.iter().find(|c| c.name == comparison.name).ok_or_else(|| wrong(""))?;
            let (mut m, mut u) = (vec![0.0], vec![0.0]);
            for name in comparison.levels.iter().map(|l| l.text.as_str()).chain([ELSE]) {
                let level = known.level.iter().find(|l| l.level == name).ok_or_else(|| wrong(name))?;
                if !(level.m > 0.0 && level.m <= 1.0 && level.u > 0.0 && level.u <= 1.0) {
                    return Err(wrong(name));
                }
                m.push(level.m);
                u.push(level.u);
            }
            shares.m.push(m);
            shares.u.push(u);
        }
        if !(0.0..=MOST_MATCHES).contains(&self.matches) {
            let value = self.matches.to_string();
            return Err(SchemaModelProblem::File(ModelProblem::range("matches", value, "0 ≤ x ≤ 1e15")));
        }
        Ok(shares)
    }
}
