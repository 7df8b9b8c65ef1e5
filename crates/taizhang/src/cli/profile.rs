//! `taizhang profile`.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::{CliError, Env, Table, Trouble, out};
use crate::assess::profile::{self, Profile, diff, words};
use crate::assess::{self, Term};
use crate::platform::{Lang, clock, i18n};

/// Check, compare and apply policy profiles.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check a profile and run its examples
    Check {
        /// Policy profile (TOML)
        file: PathBuf,
    },
    /// Say what differs between two profiles
    Diff {
        /// The old profile (TOML)
        before: PathBuf,
        /// The new profile (TOML)
        after: PathBuf,
    },
    /// Check a profile and put it in force from its day on
    Apply {
        /// Policy profile (TOML)
        file: PathBuf,
    },
    /// List the profiles that were applied, and which one is in force
    List,
}

impl Args {
    /// Whether it works on files alone, so that no installation is needed.
    pub(super) fn is_about_files(&self) -> bool {
        matches!(self.action, Action::Check { .. } | Action::Diff { .. })
    }
}

fn text(path: &Path) -> Result<String, CliError> {
    Ok(std::fs::read_to_string(path).map_err(|e| Trouble::of_file(path, &e))?)
}

fn print(json: bool, value: &serde_json::Value, people: String) {
    if json {
        out::line(value);
    } else {
        out::line(people);
    }
}

/// Runs a command about files.
pub(super) fn on_files(args: &Args, lang: Lang, json: bool) -> Result<(), CliError> {
    match &args.action {
        Action::Check { file } => {
            let found = profile::check(&file.display().to_string(), &text(file)?).map_err(assess::AssessError::from)?;
            let (value, people) = checked(&found, lang);
            print(json, &value, people);
        }
        Action::Diff { before, after } => {
            let read = |path: &Path| -> Result<Profile, CliError> {
                let read = profile::parse(&path.display().to_string(), &text(path)?);
                Ok(read.map_err(assess::AssessError::from)?)
            };
            let found = diff::diff(&read(before)?, &read(after)?, lang);
            let value = serde_json::to_value(&found).unwrap_or_default();
            print(json, &value, differences(&found, lang));
        }
        Action::Apply { .. } | Action::List => {}
    }
    Ok(())
}

fn checked(found: &Profile, lang: Lang) -> (serde_json::Value, String) {
    let examples: usize = found.rules.iter().map(|rule| rule.examples.len()).sum();
    let rules: Vec<serde_json::Value> = found
        .rules
        .iter()
        .map(|rule| {
            serde_json::json!({
                "id": rule.id, "title": rule.title.get(lang), "when": words::condition(found, rule, lang),
                "expression": rule.when.text(), "examples": rule.examples.len(),
                "asks_everybody": rule.when.asks_everybody(), "cost": rule.when.cost(),
            })
        })
        .collect();
    let value = serde_json::json!({
        "key": found.key, "version": found.version, "effective_from": found.effective_from, "examples": examples,
        "rules": rules,
    });
    let mut table = Table::new([
        i18n::text(lang, "assess-rule"),
        String::new(),
        i18n::text(lang, "profile-examples"),
        i18n::text(lang, "assess-when"),
    ]);
    for rule in &found.rules {
        table.row([
            rule.id.clone(),
            rule.title.get(lang).to_owned(),
            rule.examples.len().to_string(),
            words::condition(found, rule, lang),
        ]);
    }
    let said = i18n::text_with(
        lang,
        "profile-sound",
        &[
            ("key", found.key.clone()),
            ("version", found.version.to_string()),
            ("rules", found.rules.len().to_string()),
            ("examples", examples.to_string()),
        ],
    );
    (value, format!("{said}\n\n{table}"))
}

fn differences(found: &[diff::Difference], lang: Lang) -> String {
    if found.is_empty() {
        return i18n::text(lang, "profile-same");
    }
    let mut table = Table::new([
        String::new(),
        i18n::text(lang, "profile-about"),
        i18n::text(lang, "profile-before"),
        i18n::text(lang, "profile-after"),
    ]);
    for difference in found {
        table.row([
            how(difference.how, lang),
            diff::about(difference, lang),
            difference.before.clone(),
            difference.after.clone(),
        ]);
    }
    table.to_string()
}

fn how(how: diff::How, lang: Lang) -> String {
    let key = match how {
        diff::How::Added => "profile-how-added",
        diff::How::Removed => "profile-how-removed",
        diff::How::Changed => "profile-how-changed",
    };
    i18n::text(lang, key)
}

/// Runs a command about an installation.
pub async fn run(args: Args, env: &Env) -> Result<(), CliError> {
    match &args.action {
        Action::Check { .. } | Action::Diff { .. } => on_files(&args, env.lang, env.json),
        Action::Apply { file } => {
            let shown = file.display().to_string();
            let loaded = assess::load_profile_file(&env.app, &env.actor, &shown, &text(file)?).await?;
            let value = serde_json::json!({
                "key": loaded.profile.key, "version": loaded.profile.version, "from_day": loaded.from_day,
                "is_new": loaded.is_new,
            });
            env.print(&value, || {
                let key = match (loaded.is_new, loaded.from_day > env.app.clock.today().to_string()) {
                    (false, _) => "profile-applied-before",
                    (true, true) => "profile-applied-later",
                    (true, false) => "profile-applied-now",
                };
                env.tf(
                    key,
                    &[
                        ("key", loaded.profile.key.clone()),
                        ("version", loaded.profile.version.to_string()),
                        ("day", loaded.from_day.clone()),
                    ],
                )
            });
            Ok(())
        }
        Action::List => {
            let terms = assess::profile_terms(&env.app.db).await?;
            let today = env.app.clock.today().to_string();
            let states = assess::term_states(&terms, &today);
            let json: Vec<serde_json::Value> = terms
                .iter()
                .zip(&states)
                .map(|(term, state)| {
                    let mut value = serde_json::to_value(term).unwrap_or_default();
                    if let Some(object) = value.as_object_mut() {
                        object.insert("state".to_owned(), (*state).into());
                    }
                    value
                })
                .collect();
            env.print(&json.into(), || listed(env, &terms, &states));
            Ok(())
        }
    }
}

fn listed(env: &Env, terms: &[Term], states: &[&'static str]) -> String {
    if terms.is_empty() {
        return env.t("profile-none");
    }
    let mut table = Table::new(
        ["profile-version", "profile-state", "profile-from", "profile-applied", "profile-by"].map(|key| env.t(key)),
    );
    for (term, state) in terms.iter().zip(states) {
        let from = if term.from_day.is_empty() { env.t("profile-beginning") } else { term.from_day.clone() };
        let by = if term.applied_by.is_empty() { env.t("profile-by-program") } else { term.applied_by.clone() };
        table.row([
            format!("{} v{}", term.key, term.version),
            env.t(&format!("profile-state-{state}")),
            from,
            clock::local(term.applied_at).format("%Y-%m-%d %H:%M").to_string(),
            by,
        ]);
    }
    table.to_string()
}
