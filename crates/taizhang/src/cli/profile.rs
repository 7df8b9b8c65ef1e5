//! `taizhang profile`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Subcommand;

use super::{CliError, Env, Table, Trouble, out};
use crate::assess::profile::{self, Profile, diff, words};
use crate::assess::what_if::{Answer, Count, Question};
use crate::assess::{self, Term};
use crate::platform::jobs::Progress;
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
    /// Say whom another profile would bring and take away; nothing is changed
    WhatIf {
        /// The profile to try (TOML)
        file: PathBuf,
        /// Only the estimate from the sample
        #[arg(long)]
        estimate: bool,
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
        Action::Apply { .. } | Action::WhatIf { .. } | Action::List => {}
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
        Action::WhatIf { file, estimate } => what_if(env, file, *estimate).await,
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

async fn what_if(env: &Env, file: &Path, estimate: bool) -> Result<(), CliError> {
    let shown = file.display().to_string();
    let after = Arc::new(profile::parse(&shown, &text(file)?).map_err(assess::AssessError::from)?);
    let before = assess::active_profile(&env.app, &env.actor).await?.profile;
    let (day, scope) = (env.app.clock.today(), &env.actor.scope);
    let begun = Instant::now();
    let question = Question::new(&env.app.db, &before, &after, day, scope).await?;
    let first = question.estimate(&env.app.db).await?;
    let first_seconds = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let answer = if estimate || first.is_exact() {
        first.clone()
    } else {
        if !env.json {
            out::line(answered(env, &first, &before, &after, first_seconds));
        }
        let progress = Progress::default();
        let bar = env.progress_bar(&progress);
        let answer = question.exact(&env.app.db, &progress).await?;
        drop(bar);
        answer
    };
    let seconds = if answer == first { first_seconds } else { begun.elapsed().as_secs_f64() };
    let value = serde_json::json!({
        "rules": question.rules(), "answer": answer, "exact": answer.is_exact(), "seconds": seconds,
        "estimate": first, "estimate_seconds": first_seconds,
        "margin": { "in": first.margin(first.all.households_in), "out": first.margin(first.all.households_out) },
    });
    env.print(&value, || {
        if question.rules().is_empty() {
            return env.t("what-if-cli-none");
        }
        answered(env, &answer, &before, &after, seconds)
    });
    Ok(())
}

fn answered(env: &Env, answer: &Answer, before: &Profile, after: &Profile, seconds: f64) -> String {
    let mut table = Table::new(
        ["assess-rule", "", "what-if-before", "what-if-after", "what-if-households-in", "what-if-households-out"]
            .map(|key| if key.is_empty() { String::new() } else { env.t(key) }),
    );
    let mut row = |id: &str, title: &str, count: &Count| {
        let told = |n: u64| match answer.margin(n) {
            0 => answer.scaled(n).to_string(),
            margin => format!("{} ± {margin}", answer.scaled(n)),
        };
        table.row([
            id.to_owned(),
            title.to_owned(),
            answer.scaled(count.before).to_string(),
            answer.scaled(count.after).to_string(),
            told(count.households_in),
            told(count.households_out),
        ]);
    };
    for (id, count) in &answer.rules {
        let rule = after.rule(id).or_else(|| before.rule(id));
        row(id, rule.map_or("", |rule| rule.title.get(env.lang)), count);
    }
    row("", &env.t("what-if-cli-all"), &answer.all);
    let mut counties =
        Table::new(["assess-county", "what-if-households-in", "what-if-households-out"].map(|key| env.t(key)));
    for (county, count) in answer.counties.iter().filter(|(_, count)| !count.is_nothing()) {
        counties.row([
            county.clone(),
            answer.scaled(count.households_in).to_string(),
            answer.scaled(count.households_out).to_string(),
        ]);
    }
    let how = if answer.is_exact() {
        env.tf("what-if-exact", &[("count", answer.asked.to_string()), ("seconds", format!("{seconds:.1}"))])
    } else {
        env.tf("what-if-estimate", &[("count", answer.asked.to_string()), ("of", answer.of.to_string())])
    };
    format!("{how}\n\n{table}\n{counties}")
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
