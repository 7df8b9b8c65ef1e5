//! Errors of handlers. They travel as themselves up to the frame, which knows the reader's language and whether they
//! want a page, a fragment or JSON.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::platform::{ErrorKind, Lang, UserError};

/// The code of [`Fault::ChangePassword`], which sends the browser to the page where that is done.
pub(super) const CHANGE_PASSWORD: &str = "web.change_password";

/// What a handler fails with; made by `?` from every error that can speak to a person.
#[derive(Debug, Clone)]
pub struct WebError(Arc<dyn UserError>);

impl<E: UserError + 'static> From<E> for WebError {
    fn from(error: E) -> Self {
        Self(Arc::new(error))
    }
}

impl WebError {
    /// The thing does not exist, or not for this person.
    pub fn not_found() -> Self {
        Fault::NotFound.into()
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.0.code()
    }

    /// The text for the reader. What went wrong inside is in the log and not for them.
    pub fn message(&self, lang: Lang) -> String {
        self.0.message(lang)
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self.0.code() {
            "database.nul" => return StatusCode::BAD_REQUEST,
            "web.sign_in" => return StatusCode::UNAUTHORIZED,
            "web.method" => return StatusCode::METHOD_NOT_ALLOWED,
            "web.too_large" => return StatusCode::PAYLOAD_TOO_LARGE,
            "web.media_type" => return StatusCode::UNSUPPORTED_MEDIA_TYPE,
            _ => {}
        }
        match self.0.kind() {
            ErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Forbidden => StatusCode::FORBIDDEN,
            ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::Busy => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(super) fn log(&self, path: &str) {
        if matches!(self.0.kind(), ErrorKind::Internal | ErrorKind::Busy) {
            tracing::error!(path, code = self.0.code(), error = %self.0, "a request failed");
        }
    }
}

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What goes wrong in the web server itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No such page or thing, or not for this person.
    #[error("not found")]
    NotFound,
    /// The person may not do this.
    #[error("forbidden")]
    Forbidden,
    /// Nobody is signed in.
    #[error("not signed in")]
    SignIn,
    /// The password is one that somebody else knows: it has to be changed first.
    #[error("the password has to be changed first")]
    ChangePassword,
    /// The form did not carry the token of its session: it is stale or comes from another site.
    #[error("the form's token is missing or wrong")]
    Csrf,
    /// The form's fields do not fit.
    #[error("form: {0}")]
    Form(String),
    /// The body is longer than the route takes.
    #[error("the body is too large")]
    TooLarge,
    /// The path does not know the method.
    #[error("method not allowed")]
    Method,
    /// The body is of a type that the route does not take.
    #[error("unsupported media type")]
    MediaType,
    /// A template failed.
    #[error("template: {0}")]
    Template(String),
    /// A handler panicked; what it had begun to write was undone.
    #[error("a handler panicked")]
    Crash,
    /// The server cannot listen or goes down.
    #[error("server: {0}")]
    Server(String),
}

impl UserError for Fault {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "web.not_found",
            Self::Forbidden => "web.forbidden",
            Self::SignIn => "web.sign_in",
            Self::ChangePassword => CHANGE_PASSWORD,
            Self::Csrf => "web.csrf",
            Self::Form(_) => "web.form",
            Self::TooLarge => "web.too_large",
            Self::Method => "web.method",
            Self::MediaType => "web.media_type",
            Self::Template(_) => "web.template",
            Self::Crash => "web.crash",
            Self::Server(_) => "web.server",
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Forbidden | Self::SignIn | Self::ChangePassword | Self::Csrf => ErrorKind::Forbidden,
            Self::Form(_) | Self::TooLarge | Self::Method | Self::MediaType => ErrorKind::Invalid,
            Self::Template(_) | Self::Crash => ErrorKind::Internal,
            Self::Server(_) => ErrorKind::Busy,
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Form(why) | Self::Server(why) => vec![("why", why.clone())],
            _ => Vec::new(),
        }
    }
}
