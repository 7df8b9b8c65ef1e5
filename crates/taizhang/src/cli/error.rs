//! Errors of commands.

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
    /// The system refuses something: a port, a file, a terminal.
    #[error("{0}")]
    System(String),
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
}

impl UserError for Trouble {
    fn code(&self) -> &'static str {
        match self {
            Self::NoInstallation(_) => "cli.no_installation",
            Self::System(_) => "cli.system",
            Self::DemoFolder(_) => "cli.demo_folder",
            Self::NotEmpty => "cli.not_empty",
            Self::Listen { .. } => "cli.listen",
            Self::Unwell => "cli.unwell",
            Self::ChainBroken => "cli.chain_broken",
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoInstallation(_) => ErrorKind::NotFound,
            Self::Listen { .. } | Self::System(_) => ErrorKind::Busy,
            Self::Unwell | Self::ChainBroken | Self::DemoFolder(_) | Self::NotEmpty => ErrorKind::Conflict,
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NoInstallation(path) | Self::DemoFolder(path) => vec![("path", path.clone())],
            Self::System(why) => vec![("why", why.clone())],
            Self::Listen { address, why } => {
                vec![("address", address.clone()), ("why", why.clone())]
            }
            Self::Unwell | Self::ChainBroken | Self::NotEmpty => Vec::new(),
        }
    }
}
