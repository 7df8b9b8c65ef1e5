//! What every error that reaches a person can say about itself.

use super::Lang;

/// What went wrong in general; the web answers with a status by it, the command line with an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The input is wrong; the message says what would be right. HTTP 422, exit 2.
    Invalid,
    /// It does not exist, or not for this person: the two look the same. HTTP 404, exit 4.
    NotFound,
    /// The person may not do this. HTTP 403, exit 5.
    Forbidden,
    /// Somebody else changed it first, or it is in a state that does not allow this. HTTP 409, exit 6.
    Conflict,
    /// Something outside failed and trying again may help. HTTP 503, exit 7.
    Busy,
    /// A fault of ours. HTTP 500, exit 1.
    Internal,
}

/// An error with a stable code and a text in each language.
pub trait UserError: std::error::Error + Send + Sync {
    /// Stable, dotted, e.g. `intake.missing_column`; also the key of its text: `error-intake-missing_column`.
    fn code(&self) -> &'static str;

    /// The kind that decides status and exit code.
    fn kind(&self) -> ErrorKind;

    /// Named values that the text shows.
    fn args(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The text in the reader's language.
    fn message(&self, lang: Lang) -> String {
        let key = format!("error-{}", self.code().replace('.', "-"));
        super::i18n::text_with(lang, &key, &self.args())
    }
}

impl ErrorKind {
    /// The exit code of the command line.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Invalid => 2,
            Self::NotFound => 4,
            Self::Forbidden => 5,
            Self::Conflict => 6,
            Self::Busy => 7,
        }
    }
}
