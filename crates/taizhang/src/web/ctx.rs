//! What a handler knows of its request.

use axum::extract::FromRequestParts;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use super::frame::{self, Visit};
use super::{Fault, Page, WebError, WebState};
use crate::access::Actor;
use crate::platform::{App, Lang};

/// A request of somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The application.
    pub app: App,
    /// Who asks, what they may do and where.
    pub actor: Actor,
    /// The language to answer in.
    pub lang: Lang,
    guest: Guest,
}

/// A request of anybody: for public routes.
#[derive(Debug, Clone)]
pub struct Guest {
    /// The application.
    pub app: App,
    /// The language to answer in.
    pub lang: Lang,
    pub(super) state: WebState,
    pub(super) visit: Visit,
}

impl FromRequestParts<WebState> for Guest {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, WebError> {
        let visit = parts.extensions.get::<Visit>().cloned().ok_or(Fault::Crash)?;
        Ok(Self { app: state.app().clone(), lang: visit.lang, state: state.clone(), visit })
    }
}

impl FromRequestParts<WebState> for Ctx {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, WebError> {
        let guest = Guest::from_request_parts(parts, state).await?;
        let actor = guest.actor().cloned().ok_or(Fault::SignIn)?;
        Ok(Self { app: guest.app.clone(), lang: guest.lang, actor, guest })
    }
}

impl Guest {
    /// Who asks, if they are signed in.
    pub fn actor(&self) -> Option<&Actor> {
        self.visit.session.as_ref().map(|session| &session.actor)
    }

    /// What the page frame needs; `nav` is the text key of the entry to mark, or empty.
    pub fn page(&self, nav: &str) -> Page {
        Page::new(&self.state, &self.visit, nav)
    }

    /// A page from its template.
    ///
    /// # Errors
    /// The template fails.
    pub fn render(&self, template: &impl askama::Template) -> Result<Response, WebError> {
        let html = template.render().map_err(|e| Fault::Template(e.to_string()))?;
        let mut response = Html(html).into_response();
        if self.visit.flash.is_some() {
            set_cookie(response.headers_mut(), &frame::expired(frame::FLASH, self.state.config().https));
        }
        Ok(response)
    }

    /// Sends the browser to a path of ours with a new request (303).
    pub fn redirect(&self, path: &str) -> Response {
        let target = frame::own_path(path).unwrap_or("/");
        let mut response = StatusCode::SEE_OTHER.into_response();
        let target = frame::percent_encoded(target);
        let name = if self.visit.htmx {
            // A redirect that htmx follows would put a whole page into a part of one.
            *response.status_mut() = StatusCode::NO_CONTENT;
            axum::http::HeaderName::from_static("hx-redirect")
        } else {
            LOCATION
        };
        if let Ok(value) = HeaderValue::from_str(&target) {
            response.headers_mut().insert(name, value);
        }
        response
    }

    /// [`Guest::redirect`], and the next page shows the text of `key`; `tone` is ok, info, warn or danger.
    pub fn redirect_with(&self, path: &str, tone: &str, key: &str) -> Response {
        let mut response = self.redirect(path);
        let cookie = frame::cookie(frame::FLASH, &format!("{tone}.{key}"), self.state.config().https, Some(60));
        set_cookie(response.headers_mut(), &cookie);
        response
    }

    /// Whether the visitor signed in with a password that somebody else knows, and has to change it first.
    pub fn must_change_password(&self) -> bool {
        self.visit.session.as_ref().is_some_and(|session| session.must_change_password)
    }

    /// The language that the visitor chose with the language switch, if they did.
    pub fn chosen_language(&self) -> Option<Lang> {
        self.visit.chosen
    }

    /// The token of the browser's session, to end or keep it.
    pub fn session_token(&self) -> Option<&str> {
        self.visit.token.as_deref()
    }

    /// Gives the browser the cookie of a new session, in place of what it had.
    pub fn begin_session(&self, response: &mut Response, token: &str) {
        let https = self.state.config().https;
        let headers = response.headers_mut();
        set_cookie(headers, &frame::cookie(frame::SESSION, token, https, None));
        set_cookie(headers, &frame::expired(frame::GUEST, https));
    }

    /// Takes the session's cookie from the browser.
    pub fn end_session(&self, response: &mut Response) {
        let https = self.state.config().https;
        set_cookie(response.headers_mut(), &frame::expired(frame::SESSION, https));
    }

    /// Whether the request comes from htmx and wants a part of a page.
    pub fn is_fragment(&self) -> bool {
        self.visit.htmx
    }

    /// Whether the request wants JSON.
    pub fn wants_json(&self) -> bool {
        self.visit.json
    }

    /// Compares a form's token with the session's in constant time. [`super::Form`] and [`super::Upload`] do it.
    ///
    /// # Errors
    /// [`Fault::Csrf`].
    pub fn check_csrf(&self, token: &str) -> Result<(), WebError> {
        if self.visit.csrf_fits(token) { Ok(()) } else { Err(Fault::Csrf.into()) }
    }
}

impl std::ops::Deref for Ctx {
    type Target = Guest;

    fn deref(&self) -> &Guest {
        &self.guest
    }
}

pub(super) fn set_cookie(headers: &mut HeaderMap, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        headers.append(SET_COOKIE, value);
    }
}
