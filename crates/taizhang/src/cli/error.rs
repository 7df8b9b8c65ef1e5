//! Errors of commands.

use std::path::{Path, PathBuf};

use crate::platform::{ErrorKind, Lang, UserError};

/// What a command fails with; made by `?` from every error that can speak to a person.
#[derive(Debug)]
pub struct CliError(Box<dyn UserError>);

impl<E: UserError + 'static> From<E> for CliError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl CliError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.0.code()
    }

    /// The text to print.
    pub fn message(&self, lang: Lang) -> String {
        self.0.message(lang)
    }

    /// The exit code.
    pub fn exit_code(&self) -> u8 {
        self.0.kind().exit_code()
    }

    pub(super) fn json(&self, lang: Lang) -> serde_json::Value {
        serde_json::json!({ "error": { "code": self.code(), "message": self.message(lang) } })
    }
}

/// What goes wrong in the command line itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// There is no installation in the data folder.
    #[error("no installation in {0}")]
    NoInstallation(String),
    /// There is a key and no database for it.
    #[error("{0} is missing or empty")]
    NoDatabase(String),
    /// Standard output does not take what was printed.
    #[error("standard output: {0}")]
    Output(String),
    /// The command line is not as it should be; the text says how.
    #[error("{0}")]
    Usage(String),
    /// The system refuses something of its own: a thread, a terminal.
    #[error("{0}")]
    System(String),
    /// A file or folder that was named does not exist.
    #[error("{0} does not exist")]
    NoFile(String),
    /// What was named is a device or a pipe.
    #[error("{0} is not a regular file")]
    NoRegularFile(String),
    /// A file or folder that was named cannot be read or written.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        why: String,
    },
    /// An argument has a value that cannot be.
    #[error("{code}: {args:?}")]
    Argument {
        /// Which rule it breaks.
        code: &'static str,
        /// The values of the text.
        args: Vec<(&'static str, String)>,
    },
    /// The folder of the demo holds something else, or an earlier demo.
    #[error("{0} is not empty")]
    DemoFolder(String),
    /// The database of the demo holds data already.
    #[error("the database is not empty")]
    NotEmpty,
    /// The address to listen on is taken or not ours.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// The address.
        address: String,
        /// What the system says.
        why: String,
    },
    /// A check failed; what was found has been printed.
    #[error("a check failed")]
    Unwell,
    /// The audit chain is broken; what was found has been printed.
    #[error("the audit chain is broken")]
    ChainBroken,
    /// The books do not balance; what differs has been printed.
    #[error("the books do not balance")]
    BooksUnbalanced,
}

impl UserError for Trouble {
    fn code(&self) -> &'static str {
        match self {
            Self::NoInstallation(_) => "cli.no_installation",
            Self::NoDatabase(_) => "cli.no_database",
            Self::Output(_) => "cli.output",
            Self::Usage(_) => "cli.usage",
            Self::System(_) => "cli.system",
            Self::NoFile(_) => "cli.no_file",
            Self::NoRegularFile(_) => "cli.no_regular_file",
            Self::File { .. } => "cli.file",
            Self::Argument { code, .. } => code,
            Self::DemoFolder(_) => "cli.demo_folder",
            Self::NotEmpty => "cli.not_empty",
            Self::Listen { .. } => "cli.listen",
            Self::Unwell => "cli.unwell",
            Self::ChainBroken => "cli.chain_broken",
            Self::BooksUnbalanced => "cli.books_unbalanced",
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoInstallation(_) | Self::NoDatabase(_) | Self::NoFile(_) => ErrorKind::NotFound,
            Self::Usage(_) | Self::NoRegularFile(_) | Self::File { .. } | Self::Argument { .. } => ErrorKind::Invalid,
            Self::System(_) | Self::Output(_) => ErrorKind::Internal,
            Self::Listen { .. }
            | Self::Unwell
            | Self::ChainBroken
            | Self::BooksUnbalanced
            | Self::DemoFolder(_)
            | Self::NotEmpty => ErrorKind::Conflict,
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NoInstallation(path)
            | Self::NoDatabase(path)
            | Self::DemoFolder(path)
            | Self::NoFile(path)
            | Self::NoRegularFile(path) => vec![("path", path.clone())],
            Self::System(why) | Self::Output(why) | Self::Usage(why) => vec![("why", why.clone())],
            Self::Argument { args, .. } => args.clone(),
            Self::File { path, why } => vec![("path", path.clone()), ("why", why.clone())],
            Self::Listen { address, why } => {
                vec![("address", address.clone()), ("why", why.clone())]
            }
            Self::Unwell | Self::ChainBroken | Self::BooksUnbalanced | Self::NotEmpty => Vec::new(),
        }
    }
}

impl Trouble {
    /// A file or folder that was named and does not do.
    pub fn of_file(path: &Path, error: &std::io::Error) -> Self {
        let path = path.display().to_string();
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::NoFile(path),
            _ => Self::File { path, why: error.to_string() },
        }
    }
}

/// Files that were named, each of them there to be read.
///
/// # Errors
/// The first that is not.
pub(super) fn readable<'p>(paths: impl IntoIterator<Item = &'p PathBuf>) -> Result<(), Trouble> {
    for path in paths {
        let opened = std::fs::File::open(path).and_then(|file| file.metadata());
        match opened {
            Ok(meta) if meta.is_file() => {}
            Ok(meta) if meta.is_dir() => return Err(Trouble::of_file(path, &std::io::ErrorKind::IsADirectory.into())),
            // A device or a pipe: it can be read once at most, and a file is read twice.
            Ok(_) => return Err(Trouble::NoRegularFile(path.display().to_string())),
            Err(error) => return Err(Trouble::of_file(path, &error)),
        }
    }
    Ok(())
}
