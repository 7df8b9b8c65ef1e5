//! `taizhang link --schema`: two CSV files of any kind, linked by what a schema file says of their columns.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use linkage::schema::{
    DataProblem, LinkOptions, Rows, Schema, SchemaLinked, SchemaModel, SchemaModelProblem, SchemaProblem, SchemaReport,
    link,
};

use super::link::{Args, LinkTrouble, at, field, read_text, threads, wrong_model};
use super::outputs::Outputs;
use super::rows::Warnings;
use super::{CliError, Table};
use crate::platform::{ErrorKind, Lang, UserError, i18n};

/// What goes wrong with a schema and the files that it describes.
#[derive(Debug, thiserror::Error)]
pub enum SchemaTrouble {
    /// The schema is none.
    #[error("{path}: {problem}")]
    Schema {
        /// The schema file.
        path: String,
        /// What is wrong with it.
        problem: SchemaProblem,
    },
    /// A column of the schema is not in the file.
    #[error("{path} has no column {column}; it has {found}")]
    Column {
        /// The file.
        path: String,
        /// The header that the schema names.
        column: String,
        /// The headers that are there.
        found: String,
    },
    /// More rows or bytes than can be numbered.
    #[error("{path} is too large")]
    TooLarge {
        /// The file.
        path: String,
    },
}

impl UserError for SchemaTrouble {
    fn code(&self) -> &'static str {
        use linkage::schema::Fault;
        match self {
            Self::Column { .. } => "cli.schema_column",
            Self::TooLarge { .. } => "cli.schema_too_large",
            Self::Schema { problem, .. } => match problem.fault {
                Fault::Toml => "cli.schema_toml",
                Fault::Missing => "cli.schema_missing",
                Fault::UnknownKey => "cli.schema_unknown_key",
                Fault::Type => "cli.schema_type",
                Fault::UnknownColumn => "cli.schema_unknown_column",
                Fault::Twice => "cli.schema_twice",
                Fault::UnknownWord => "cli.schema_unknown_word",
                Fault::Range => "cli.schema_range",
                Fault::TooMany => "cli.schema_too_many",
            },
        }
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Schema { path, problem } => vec![
                ("path", path.clone()),
                // What is missing from the file as a whole is looked for at its beginning.
                ("line", problem.line.max(1).to_string()),
                ("key", problem.key.clone()),
                ("value", problem.value.clone()),
                ("want", problem.want.clone()),
            ],
            Self::Column { path, column, found } => {
                vec![("path", path.clone()), ("column", column.clone()), ("found", found.clone())]
            }
            Self::TooLarge { path } => vec![("path", path.clone())],
        }
    }
}

/// Reads a schema file.
pub(super) fn read_schema(path: &Path) -> Result<Schema, CliError> {
    let text = read_text(path)?;
    let wrong = |problem| SchemaTrouble::Schema { path: path.display().to_string(), problem };
    Ok(Schema::from_toml(&text).map_err(wrong)?)
}

/// Reads the rows of one side.
pub(super) fn read_rows(schema: &Schema, side: usize, path: &Path, warnings: &mut Warnings) -> Result<Rows, CliError> {
    let file = File::open(path).map_err(at(path))?;
    let rows = Rows::read(schema, side, file).map_err(|e| -> CliError {
        let path_text = path.display().to_string();
        match e {
            DataProblem::Read(error) => at(path)(error).into(),
            DataProblem::Column { header, found } => {
                SchemaTrouble::Column { path: path_text, column: header, found }.into()
            }
            DataProblem::TooLarge => SchemaTrouble::TooLarge { path: path_text }.into(),
        }
    })?;
    warnings.notes(path, rows.notes(), rows.lines(), rows.repeated_headers());
    Ok(rows)
}

/// Reads the model to judge by, if one is given.
pub(super) fn read_model(path: Option<&Path>, train: bool) -> Result<Option<SchemaModel>, CliError> {
    let Some(path) = path.filter(|_| !train) else {
        return Ok(None);
    };
    let text = read_text(path)?;
    Ok(Some(SchemaModel::from_toml(&text).map_err(model_trouble(path))?))
}

/// Writes what was learned.
pub(super) fn write_model(
    outputs: &mut Outputs,
    path: Option<&Path>,
    train: bool,
    model: &SchemaModel,
) -> Result<(), CliError> {
    if let Some(path) = path.filter(|_| train) {
        let text = model.to_toml().map_err(model_trouble(path))?;
        outputs.write(path, |out| out.write_all(text.as_bytes()))?;
    }
    Ok(())
}

pub(super) fn model_trouble(path: &Path) -> impl Fn(SchemaModelProblem) -> LinkTrouble + use<> {
    let path = path.to_owned();
    move |e| match e {
        SchemaModelProblem::File(problem) => wrong_model(&path, problem),
        SchemaModelProblem::Level { comparison, level } => {
            LinkTrouble::Misfit { path: path.display().to_string(), comparison, level }
        }
    }
}

pub(super) fn run(args: &Args, schema: &Path, lang: Lang, json: bool) -> Result<(), CliError> {
    let mut outputs = args.plan()?;
    let mut warnings = Warnings::default();
    let schema = read_schema(schema)?;
    let model_file = args.model.as_deref();
    let model = read_model(model_file, args.train)?;
    let left = read_rows(&schema, 0, &args.left, &mut warnings)?;
    let Some(right) = &args.right else {
        return Err(super::Trouble::Usage(i18n::text(lang, "link-usage")).into());
    };
    let right = read_rows(&schema, 1, right, &mut warnings)?;
    let options = LinkOptions {
        threads: threads(args.threads, lang),
        one_to_one: args.one_to_one,
        min_bits: args.min_weight,
        model,
    };
    let linked = link(&schema, &left, &right, &options).map_err(model_trouble(model_file.unwrap_or(&args.left)))?;
    outputs.write(&args.out, |out| write(out, args.explain, (&left, &right), &linked))?;
    write_model(&mut outputs, model_file, args.train, &linked.model)?;
    outputs.commit()?;
    let told = Told { outcome: ("link-matches", linked.pairs.len()), warnings: &warnings };
    super::out::line(report(&linked.report, &linked.model, &told, lang, json));
    Ok(())
}

fn write(
    out: &mut impl Write,
    explained: bool,
    (left, right): (&Rows, &Rows),
    linked: &SchemaLinked,
) -> io::Result<()> {
    out.write_all(if explained { b"qid,rid,score,evidence\n" } else { b"qid,rid,score\n" })?;
    for (number, pair) in linked.pairs.iter().enumerate() {
        field(out, left.key(pair.left))?;
        out.write_all(b",")?;
        field(out, right.key(pair.right))?;
        write!(out, ",{:.4}", pair.bits)?;
        if explained {
            let parts: Vec<String> = linked
                .explain(number)
                .iter()
                .map(|e| {
                    let level = if e.level.is_empty() { String::new() } else { format!("={}", e.level) };
                    format!("{}{level}:{:+.1}", e.part, e.bits)
                })
                .collect();
            out.write_all(b",")?;
            field(out, parts.join("; ").as_bytes())?;
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// What a report tells beside the work of the engine.
pub(super) struct Told<'a> {
    /// What was found, and how many.
    pub(super) outcome: (&'static str, usize),
    /// What is odd about the files.
    pub(super) warnings: &'a Warnings,
}

/// What was done, as a table or as JSON.
pub(super) fn report(report: &SchemaReport, model: &SchemaModel, told: &Told<'_>, lang: Lang, json: bool) -> String {
    let outcome = told.outcome;
    if json {
        let rules: Vec<_> = report
            .rules
            .iter()
            .map(|r| {
                serde_json::json!({
                    "rule": r.rule, "pairs": r.pairs, "dropped_blocks": r.dropped_blocks, "dropped_pairs": r.dropped_pairs,
                })
            })
            .collect();
        let value = serde_json::json!({
            "left": report.left, "right": report.right, "repeated_keys": report.repeated_keys, "pairs": report.pairs,
            "found": outcome.1, "rules": rules, "rounds": model.rounds, "converged": model.converged,
            "expected_matches": model.matches, "warnings": told.warnings.json(),
            "seconds": {
                "prepare": report.seconds[0], "find": report.seconds[1], "train": report.seconds[2],
                "decide": report.seconds[3],
            },
        });
        return value.to_string();
    }
    let t = |key: &str| i18n::text(lang, key);
    let mut table = Table::new([t("link-what"), t("link-count")]);
    let rows = [
        ("schema-left", report.left),
        ("schema-right", report.right),
        ("schema-repeated", report.repeated_keys),
        ("link-pairs", report.pairs),
        (outcome.0, outcome.1 as u64),
        ("link-rounds", model.rounds as u64),
    ];
    for (key, count) in rows.into_iter().filter(|(key, count)| *count > 0 || *key == outcome.0) {
        table.row([t(key), count.to_string()]);
    }
    let mut rules =
        Table::new([t("link-rule"), t("link-pairs"), t("schema-dropped-blocks"), t("schema-dropped-pairs")]);
    for rule in &report.rules {
        let counts = [rule.pairs, rule.dropped_blocks, rule.dropped_pairs].map(|n| n.to_string());
        let [pairs, blocks, dropped] = counts;
        rules.row([rule.rule.clone(), pairs, blocks, dropped]);
    }
    format!("{table}\n{rules}{}", told.warnings.text(lang)).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_schema_has_a_text_in_both_languages() {
        let texts = [
            "key = ",
            "",
            "key = 'id'\nkay = 1\n",
            "key = 1\n",
            "key = 'id'\n[[column]]\nname = 'a'\nkind = 'name'\nlevels = ['exact b']\n",
            "key = 'id'\n[[column]]\nname = 'a'\nkind = 'name'\n[[column]]\nname = 'a'\nkind = 'name'\n",
            "key = 'id'\n[[column]]\nname = 'a'\nkind = 'nome'\n",
            "key = 'id'\n[[column]]\nname = 'a'\nkind = 'name'\nlevels = ['jaro_winkler 2']\n",
            "key = 'id'\n[[column]]\nname = 'a'\nkind = 'name'\nlevels = []\n",
        ];
        let mut codes = std::collections::BTreeSet::new();
        for text in texts {
            let problem = Schema::from_toml(text).unwrap_err();
            let trouble = SchemaTrouble::Schema { path: "s.toml".to_owned(), problem };
            codes.insert(trouble.code());
            let key = format!("error-{}", trouble.code().replace('.', "-"));
            for lang in [Lang::Zh, Lang::En] {
                assert!(i18n::has(lang, &key), "{key}");
            }
        }
        assert_eq!(codes.len(), texts.len());
    }
}
