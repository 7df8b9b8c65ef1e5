//! The command line: one file per command, each thin: parse, call, print.

pub mod assess;
pub mod audit;
pub mod compare;
pub mod dedupe;
pub mod demo;
mod demo_cases;
pub mod doctor;
mod error;
pub mod find;
mod help;
pub mod import;
pub mod init;
pub mod ledger;
pub mod link;
pub mod model;
pub mod monitor;
mod out;
mod outputs;
pub mod pack;
pub mod profile;
pub mod relief;
mod rows;
pub mod schema_dedupe;
pub mod schema_link;
pub mod screen;
pub mod serve;
pub mod source;
pub mod supervise;
pub mod synth;
mod table;
pub mod tasks;
pub mod truth;
pub mod user;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chrono::NaiveDate;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub use error::{CliError, Trouble};
pub use table::Table;

use crate::access::Actor;
use crate::platform::jobs::Progress;
use crate::platform::{App, Clock, Lang, db, files, i18n, vault};

/// Finds every registered household that a shock has touched, and keeps each of its problems on the books.
#[derive(Debug, Parser)]
#[command(name = "taizhang", version, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Args)]
struct Global {
    /// The folder that holds everything of this installation
    /// [default: taizhang-data; for demo taizhang-demo]
    #[arg(long, global = true, value_name = "DIR", env = "TAIZHANG_DATA")]
    data: Option<PathBuf>,
    /// postgres://user@host/database instead of SQLite in the data folder
    #[arg(long, global = true, value_name = "URL", env = "TAIZHANG_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// Language of messages: zh-CN or en [default: from LANG, else zh-CN]
    #[arg(long, global = true, value_name = "LANG", value_parser = language)]
    lang: Option<Lang>,
    /// Print JSON for machines instead of tables for people
    #[arg(long, global = true)]
    json: bool,
    /// The calendar day to take as today: rehearsals
    #[arg(long, global = true, value_name = "YYYY-MM-DD", hide = true)]
    today: Option<NaiveDate>,
}

/// The commands. A new one is a file beside this one, a line here, and a line in [`Command::run`].
#[derive(Debug, Subcommand)]
enum Command {
    /// A made-up province, brought in, compared and assessed, then its pages: begin here
    Demo(demo::Args),
    /// Write a made-up province's files: registers, agencies' lists, and the truth about them
    Synth(synth::Args),
    /// Make the data folder, its key, its database and the first administrator
    Init(init::Args),
    /// Bring registry files in
    Import(import::Args),
    /// Add, list, change, disable and unlock the people who sign in
    User(user::Args),
    /// Hold an agency's list against the register
    Compare(compare::Args),
    /// Say which agencies' lists are due when, what for, and how long they are kept
    Source(source::Args),
    /// Link two CSV files by themselves: a list and a register
    Link(link::Args),
    /// Find persons who are registered more than once: in a CSV file, or in the installation's own register
    Dedupe(dedupe::Args),
    /// Train a model of the comparison, look at it, hold it against answers, or choose which one weighs
    Model(model::Args),
    /// Pack a register's CSV so that link and find need not read it
    Pack(pack::Args),
    /// Find one person in a packed register
    Find(find::Args),
    /// Serve the pages and run the queued jobs
    Serve(serve::Args),
    /// Load a policy profile, find out whom the shock has touched, and open items for them
    Assess(assess::Args),
    /// Check, compare and apply policy profiles
    Profile(profile::Args),
    /// Bring visits in, see who was not visited, check a county for gaps
    Screen(screen::Args),
    /// Add up the books and prove them
    Ledger(ledger::Args),
    /// Look after the monitoring cases: the board, and departments' warnings
    Monitor(monitor::Args),
    /// Supervision: what is stuck, and whether work teams are on post
    Supervise(supervise::Args),
    /// Look after the tasks that are handed down and reported up, campaigns, and what was put off
    Tasks(tasks::Args),
    /// Prove the books of temporary relief, see who was not reached
    Relief(relief::Args),
    /// Look after the audit log
    Audit(audit::Args),
    /// Check the installation and say what to do
    Doctor(doctor::Args),
}

impl Command {
    async fn run(self, env: &Env) -> Result<(), CliError> {
        match self {
            // The demo opens an installation of its own, the doctor one that may not open, and files are linked and models
            // trained without one: they never come here.
            Self::Demo(_) | Self::Doctor(_) | Self::Link(_) | Self::Pack(_) | Self::Find(_) => Ok(()),
            Self::Dedupe(_) => dedupe::register(env).await,
            Self::Model(args) => model::on_installation(&args, env).await,
            Self::Synth(args) => synth::run(args, env).await,
            Self::Init(args) => init::run(args, env).await,
            Self::Import(args) => import::run(args, env).await,
            Self::User(args) => user::run(args, env).await,
            Self::Compare(args) => compare::run(args, env).await,
            Self::Source(args) => source::run(args, env).await,
            Self::Screen(args) => screen::run(args, env).await,
            Self::Serve(args) => serve::run(args, env).await,
            Self::Assess(args) => assess::run(args, env).await,
            Self::Profile(args) => profile::run(args, env).await,
            Self::Ledger(args) => ledger::run(args, env).await,
            Self::Monitor(args) => monitor::run(args, env).await,
            Self::Supervise(args) => supervise::run(args, env).await,
            Self::Tasks(args) => tasks::run(args, env).await,
            Self::Relief(args) => relief::run(args, env).await,
            Self::Audit(args) => audit::run(args, env).await,
        }
    }

    /// Whether the command makes an installation where there is none.
    fn makes(&self) -> bool {
        matches!(self, Self::Init(_) | Self::Synth(_))
    }
}

/// What every command gets.
#[derive(Debug)]
pub struct Env {
    /// The installation.
    pub app: App,
    /// Language of messages.
    pub lang: Lang,
    /// Whether to print JSON.
    pub json: bool,
    /// The command line as the one who acts.
    pub actor: Actor,
    /// `--database`, for messages and child processes.
    pub database: Option<String>,
}

impl Env {
    /// The text of a key.
    pub fn t(&self, key: &str) -> String {
        i18n::text(self.lang, key)
    }

    /// The text of a key with named values.
    pub fn tf(&self, key: &str, args: &[(&'static str, String)]) -> String {
        i18n::text_with(self.lang, key, args)
    }

    /// Prints `json` with `--json`, else what `people` says.
    pub fn print(&self, json: &serde_json::Value, people: impl FnOnce() -> String) {
        if self.json {
            out::line(json);
        } else {
            out::line(people());
        }
    }

    /// Shows `progress` on the terminal until what is returned is dropped; nothing where there is no terminal.
    pub fn progress_bar(&self, progress: &Progress) -> ProgressBar {
        if !std::io::stderr().is_terminal() {
            return ProgressBar(None);
        }
        let bar = indicatif::ProgressBar::new(0);
        let (watched, lang, shown) = (progress.clone(), self.lang, bar.clone());
        let task = tokio::spawn(async move {
            let style = |known: bool| {
                let template = if known {
                    "{msg:20} {bar:30} {human_pos} / {human_len}  {elapsed}"
                } else {
                    "{msg:20} {spinner} {human_pos}  {elapsed}"
                };
                indicatif::ProgressStyle::with_template(template)
                    .unwrap_or_else(|_| indicatif::ProgressStyle::default_bar())
            };
            let mut before = (String::new(), false);
            loop {
                let (stage, done, total) = watched.now();
                if before != (stage.clone(), total > 0) {
                    shown.set_style(style(total > 0));
                    shown.set_message(i18n::text(lang, &stage));
                    before = (stage, total > 0);
                }
                shown.set_length(total);
                shown.set_position(done);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        ProgressBar(Some((bar, task)))
    }
}

/// A progress bar on the terminal; goes away when dropped.
#[derive(Debug)]
pub struct ProgressBar(Option<(indicatif::ProgressBar, tokio::task::JoinHandle<()>)>);

impl Drop for ProgressBar {
    fn drop(&mut self) {
        if let Some((bar, task)) = self.0.take() {
            task.abort();
            bar.finish_and_clear();
        }
    }
}

/// Reads the arguments, runs the command, and says how it went.
pub fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("TAIZHANG_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,taizhang=info")),
        )
        .with_writer(std::io::stderr)
        .init();
    // The reader of spreadsheets is this program again, and must do nothing before it has limited itself.
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == crate::intake::reader::CHILD_COMMAND)
        && let Some(path) = words.next()
    {
        let rows = words.next().and_then(|rows| rows.to_str()?.parse().ok()).unwrap_or(u64::MAX);
        return crate::intake::reader::child_main(std::path::Path::new(&path), rows);
    }
    let words = help::arguments(std::env::args_os());
    let (lang, json) = asked_for(&words);
    let command = help::in_language(Cli::command(), lang);
    let cli = match command.try_get_matches_from(&words).and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        // Help and version are asked for, and no error.
        Err(error) if help::is_asked_for(&error) => {
            out::keep(error.print());
            return finish(Ok(()), lang, json);
        }
        Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && !json => {
            let _ = error.print();
            return CliError::from(Trouble::Usage(String::new())).exit_code().into();
        }
        Err(error) => return told(&Trouble::Usage(help::fault(&error, lang)).into(), lang, json),
    };
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| CliError::from(Trouble::System(e.to_string())))
        .and_then(|runtime| runtime.block_on(run(cli, lang)));
    finish(outcome, lang, json)
}

/// The exit code of a command: of its error, else of its output that could not be written.
fn finish(outcome: Result<(), CliError>, lang: Lang, json: bool) -> ExitCode {
    match outcome.and_then(|()| out::end().map_err(|e| Trouble::Output(e.to_string()).into())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => told(&error, lang, json),
    }
}

/// Says what went wrong; the exit code.
fn told(error: &CliError, lang: Lang, json: bool) -> ExitCode {
    if json {
        out::complain(error.json(lang));
    } else {
        out::complain(error.message(lang));
    }
    ExitCode::from(error.exit_code())
}

/// The language and whether JSON is wanted, looked for before anything is known to be right: the help and the errors
/// of a wrong command line speak that language too.
fn asked_for(words: &[std::ffi::OsString]) -> (Lang, bool) {
    let words: Vec<&str> = words.iter().skip(1).filter_map(|word| word.to_str()).take_while(|w| *w != "--").collect();
    let next = words.iter().position(|word| *word == "--lang").and_then(|at| words.get(at + 1).copied());
    let joined = words.iter().find_map(|word| word.strip_prefix("--lang="));
    let lang = next.or(joined).and_then(Lang::from_tag).unwrap_or_else(system_language);
    (lang, words.contains(&"--json"))
}

async fn run(cli: Cli, lang: Lang) -> Result<(), CliError> {
    let Cli { global, command } = cli;
    let clock = global.today.map_or_else(Clock::system, Clock::fixed);
    if let Command::Demo(args) = command {
        let folder = global.data.unwrap_or_else(|| PathBuf::from(demo::FOLDER));
        return demo::run(args, &folder, global.database, (lang, global.json), clock).await;
    }
    match &command {
        Command::Link(args) => return link::run(args, lang, global.json),
        Command::Pack(args) => return pack::run(args, lang, global.json),
        Command::Find(args) => return find::run(args, lang, global.json),
        Command::Dedupe(args) if args.is_about_files() => return dedupe::run(args, lang, global.json),
        Command::Model(args) if args.is_about_files() => return model::run(args, lang, global.json),
        _ => {}
    }
    if let Command::Profile(args) = &command
        && args.is_about_files()
    {
        return profile::on_files(args, lang, global.json);
    }
    let folder = global.data.unwrap_or_else(|| PathBuf::from("taizhang-data"));
    if let Command::Doctor(args) = command {
        return doctor::run(args, &folder, global.database, (lang, global.json), clock).await;
    }
    let there = [vault::KEY_FILE, db::SQLITE_FILE];
    if !command.makes() && !there.iter().any(|name| folder.join(name).exists()) {
        return Err(Trouble::NoInstallation(folder.display().to_string()).into());
    }
    let (key, file) = (folder.join(vault::KEY_FILE), folder.join(db::SQLITE_FILE));
    let is_init = matches!(command, Command::Init(_));
    // An empty database in the place of one that is gone would look like an installation that nobody has used.
    let lost = global.database.is_none() && std::fs::metadata(&file).map_or(true, |meta| meta.len() == 0);
    if !is_init && lost && key.exists() {
        return Err(Trouble::NoDatabase(file.display().to_string()).into());
    }
    if is_init && key.exists() {
        files::tighten(&folder).map_err(|e| Trouble::of_file(&folder, &e))?;
    }
    let app = App::open(&folder, global.database.as_deref(), clock).await?;
    let env = Env { app, lang, json: global.json, actor: Actor::machine(lang), database: global.database };
    command.run(&env).await
}

fn language(text: &str) -> Result<Lang, String> {
    Lang::from_tag(text).ok_or_else(|| "zh-CN, en".to_owned())
}

/// The language of the terminal, else Chinese.
fn system_language() -> Lang {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty())
        .and_then(|value| Lang::from_tag(&value))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_go_before_and_after_the_command() {
        let cli = Cli::try_parse_from(["taizhang", "--lang", "en", "doctor", "--data", "/tmp/x", "--json"]).unwrap();
        assert_eq!(cli.global.data, Some(PathBuf::from("/tmp/x")));
        assert_eq!(cli.global.lang, Some(Lang::En));
        assert!(cli.global.json);
        assert!(Cli::try_parse_from(["taizhang", "--lang", "fr", "doctor"]).is_err());
    }
}
