//! `--help` and what is wrong with a command line, in the reader's language. The texts lie in `help.ftl` under the path
//! of the command: `help-user-add-about`, `-long`, `-more` and `help-user-add-arg-login`.

use std::error::Error as _;

use clap::builder::{Resettable, Str};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

use crate::platform::{Lang, i18n};

/// How clap begins a line of usage.
const USAGE: &str = "Usage: ";

/// The command with all of its texts in one language, ready to parse.
pub(super) fn in_language(command: Command, lang: Lang) -> Command {
    let mut command = translated(command, "help", lang);
    command.build();
    with_usage(command, lang)
}

/// The command line with `help <command>` written as `<command> --help`.
pub(super) fn arguments(words: impl Iterator<Item = std::ffi::OsString>) -> Vec<std::ffi::OsString> {
    let mut words: Vec<_> = words.collect();
    if words.get(1).is_some_and(|word| word == "help") {
        words.remove(1);
        words.push("--help".into());
    }
    words
}

fn translated(command: Command, path: &str, lang: Lang) -> Command {
    let text = |part: &str| {
        let key = format!("{path}-{part}");
        i18n::has(lang, &key).then(|| i18n::text(lang, &key))
    };
    let mut command = command
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .subcommand_help_heading(word(lang, "commands"))
        .subcommand_value_name(word(lang, "command"))
        .help_template(format!(
            "{{about-with-newline}}\n{}: {{usage}}\n\n{{all-args}}{{after-help}}",
            i18n::text(lang, "usage-title")
        ));
    if let Some(about) = text("about") {
        command = match text("long") {
            Some(more) => command.long_about(format!("{about}\n\n{more}")),
            None => command.long_about(Resettable::Reset),
        };
        command = command.about(about);
    }
    if let Some(more) = text("more") {
        command = command.after_help(more);
    }
    let own = [
        Arg::new("help").short('h').long("help").action(ArgAction::Help).help(i18n::text(lang, "usage-help")),
        Arg::new("version")
            .short('V')
            .long("version")
            .action(ArgAction::Version)
            .help(i18n::text(lang, "usage-version")),
    ];
    // Under a heading of its own clap would list positional arguments by their names.
    let mut at = 0;
    command = command.mut_args(|arg| {
        at += 1;
        let arg = argument(arg, path, lang);
        if arg.is_positional() { arg.display_order(at) } else { arg }
    });
    command = command.args(own.map(|arg| arg.help_heading(word(lang, "global"))));
    command.mut_subcommands(|sub| {
        let path = format!("{path}-{}", sub.get_name());
        translated(sub, &path, lang)
    })
}

fn argument(arg: Arg, path: &str, lang: Lang) -> Arg {
    let key = format!("{path}-arg-{}", arg.get_id());
    let mut help = if i18n::has(lang, &key) {
        i18n::text(lang, &key)
    } else {
        arg.get_help().map(ToString::to_string).unwrap_or_default()
    };
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default = defaults.join(" ");
    if !default.is_empty() && arg.get_action().takes_values() {
        help.push_str(&i18n::text_with(lang, "usage-default", &[("value", default)]));
    }
    if let Some(name) = arg.get_env() {
        help.push_str(&i18n::text_with(lang, "usage-env", &[("name", name.to_string_lossy().into_owned())]));
    }
    let heading = match (arg.is_positional(), arg.is_global_set()) {
        (true, _) => "arguments",
        (_, true) => "global",
        _ => "options",
    };
    let takes_value = arg.get_action().takes_values();
    arg.help(help.clone())
        .long_help(help)
        .hide_default_value(takes_value)
        .hide_env(takes_value)
        .help_heading(word(lang, heading))
}

/// The lines of usage, of which clap itself says a word in English.
fn with_usage(mut command: Command, lang: Lang) -> Command {
    let usage = command.render_usage().to_string();
    let usage = usage_line(&usage, lang);
    command.override_usage(usage).mut_subcommands(|sub| with_usage(sub, lang))
}

fn usage_line(usage: &str, lang: Lang) -> String {
    let options = format!("[{}]", i18n::text(lang, "usage-any-options"));
    usage.trim().trim_start_matches(USAGE).replace("[OPTIONS]", &options)
}

/// A word that clap keeps for good.
fn word(lang: Lang, name: &str) -> Str {
    // A handful of words, once in the life of the process.
    let text: &'static str = Box::leak(i18n::text(lang, &format!("usage-{name}")).into_boxed_str());
    Str::from(text)
}

/// Whether the error is an answer to `--help` or `--version`.
pub(super) fn is_asked_for(error: &clap::Error) -> bool {
    matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)
}

/// What is wrong with a command line.
pub(super) fn fault(error: &clap::Error, lang: Lang) -> String {
    let said = |kind: ContextKind| error.get(kind).map(plain).unwrap_or_default();
    let key = match error.kind() {
        ErrorKind::InvalidValue if said(ContextKind::InvalidValue).is_empty() => "usage-no-value",
        ErrorKind::InvalidValue => "usage-invalid-value",
        ErrorKind::ValueValidation => "usage-value",
        ErrorKind::UnknownArgument => "usage-unknown-argument",
        ErrorKind::InvalidSubcommand => "usage-unknown-command",
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "usage-missing-command",
        ErrorKind::MissingRequiredArgument => "usage-missing-argument",
        ErrorKind::ArgumentConflict => "usage-conflict",
        ErrorKind::TooManyValues | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues | ErrorKind::NoEquals => {
            "usage-values"
        }
        ErrorKind::InvalidUtf8 => "usage-utf8",
        _ => "usage-other",
    };
    let argument = match error.kind() {
        ErrorKind::InvalidSubcommand => said(ContextKind::InvalidSubcommand),
        _ => said(ContextKind::InvalidArg),
    };
    let values = [
        ("prior", said(ContextKind::PriorArg)),
        ("value", said(ContextKind::InvalidValue)),
        ("valid", said(ContextKind::ValidValue)),
        ("form", form(error, &argument, lang)),
        ("arg", argument),
    ];
    let mut text = i18n::text_with(lang, key, &values);
    let better = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedCommand,
        ContextKind::SuggestedValue,
    ];
    if let Some(better) = better.into_iter().map(said).find(|better| !better.is_empty()) {
        text.push_str(&i18n::text_with(lang, "usage-suggestion", &[("better", better)]));
    }
    let usage = said(ContextKind::Usage);
    if !usage.is_empty() {
        let usage = usage_line(&usage, lang);
        text.push_str(&format!("\n\n{}: {usage}", i18n::text(lang, "usage-title")));
    }
    text.push('\n');
    text.push_str(&i18n::text(lang, "usage-see-help"));
    text
}

/// What a value should look like, by the argument that it is for.
fn form(error: &clap::Error, argument: &str, lang: Lang) -> String {
    let names = ["<LANG>", "<ROLE>", "<KIND>", "<USER_LANG>"];
    if argument.contains("<YYYY-MM-DD>") {
        i18n::text(lang, "usage-form-day")
    } else if argument.contains("<ADDR>") {
        i18n::text(lang, "usage-form-address")
    } else if names.iter().any(|name| argument.contains(name)) {
        let names = error.source().map(ToString::to_string).unwrap_or_default();
        i18n::text_with(lang, "usage-form-names", &[("names", names)])
    } else if argument.contains("<BITS>") {
        i18n::text(lang, "usage-form-decimal")
    } else if argument.contains("<PERSONS>") && argument.contains("--most") {
        i18n::text(lang, "usage-form-positive")
    } else {
        i18n::text(lang, "usage-form-number")
    }
}

fn plain(value: &ContextValue) -> String {
    match value {
        ContextValue::Strings(list) => list.join(", "),
        ContextValue::StyledStrs(list) => list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        ContextValue::None => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn walk(command: &Command, path: &str, missing: &mut Vec<String>) {
        let mut need = |key: String| {
            missing.extend(
                Lang::ALL.iter().filter(|lang| !i18n::has(**lang, &key)).map(|lang| format!("{} {key}", lang.tag())),
            );
        };
        need(format!("{path}-about"));
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            need(format!("{path}-arg-{}", arg.get_id()));
        }
        for sub in command.get_subcommands() {
            walk(sub, &format!("{path}-{}", sub.get_name()), missing);
        }
    }

    #[test]
    fn every_command_and_argument_has_its_text_in_both_languages() {
        let mut missing = Vec::new();
        walk(&super::super::Cli::command(), "help", &mut missing);
        assert!(missing.is_empty(), "{missing:#?}");
    }

    #[test]
    fn the_translated_command_is_consistent_and_says_nothing_in_clap_s_own_words() {
        fn look(mut command: Command, lang: Lang) {
            let help = command.render_long_help().to_string();
            for word in ["Options:", "Arguments:", "Commands:", "[default:", "[env:", "Print help", "[OPTIONS]"] {
                assert!(lang == Lang::En || !help.contains(word), "{word} in\n{help}");
            }
            assert!(help.contains(&i18n::text(lang, "usage-title")), "{help}");
            let subs: Vec<Command> = command.get_subcommands().cloned().collect();
            for sub in subs {
                look(sub, lang);
            }
        }
        for lang in Lang::ALL {
            let command = in_language(super::super::Cli::command(), lang);
            command.clone().debug_assert();
            look(command, lang);
        }
    }

    #[test]
    fn help_before_a_command_is_help_after_it() {
        let words = |text: &str| text.split(' ').map(Into::into).collect::<Vec<std::ffi::OsString>>();
        assert_eq!(arguments(words("taizhang help user add").into_iter()), words("taizhang user add --help"));
        assert_eq!(arguments(words("taizhang import help").into_iter()), words("taizhang import help"));
    }
}
