//! Around every request: who asks, in which language, and how an error is shown; and the security headers around
//! every answer.

use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HeaderName, HeaderValue,
    LOCATION,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::ctx::set_cookie;
use super::error::CHANGE_PASSWORD;
use super::{Fault, Page, WebError, WebState};
use crate::access::{self, Session};
use crate::platform::{Lang, i18n, vault};

/// Cookie of the session's token.
pub(super) const SESSION: &str = "tz_session";
/// Cookie from which the form token of somebody not signed in is made.
pub(super) const GUEST: &str = "tz_guest";
/// Cookie of the language.
pub(super) const LANGUAGE: &str = "tz_lang";
/// Cookie of the message that the next page shows.
pub(super) const FLASH: &str = "tz_flash";

/// Scripts, styles and images come from here and nowhere else; nothing inline, no frames.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
                   font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; \
                   base-uri 'none'; frame-ancestors 'none'";

/// What is known of a request before its handler.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub(super) lang: Lang,
    /// The language of the cookie: one that the visitor chose.
    pub(super) chosen: Option<Lang>,
    pub(super) path: String,
    pub(super) htmx: bool,
    pub(super) json: bool,
    pub(super) session: Option<Session>,
    /// Token of the session cookie, to end it.
    pub(super) token: Option<String>,
    /// Secret behind the form token.
    csrf: [u8; 32],
    /// The guest cookie to set, if the browser has none.
    new_guest: Option<String>,
    /// Tone and text key.
    pub(super) flash: Option<(String, String)>,
}

impl Visit {
    /// The form token under a fresh mask: each page shows another text, so that compressed pages tell nothing of it
    /// (BREACH).
    pub(super) fn masked_csrf(&self) -> String {
        let mut out = [0u8; 64];
        let (mask, body) = out.split_at_mut(32);
        if vault::random(mask).is_err() {
            return String::new();
        }
        for ((out, mask), secret) in body.iter_mut().zip(mask).zip(self.csrf) {
            *out = *mask ^ secret;
        }
        URL_SAFE_NO_PAD.encode(out)
    }

    /// Whether a form token belongs to this visit.
    pub(super) fn csrf_fits(&self, token: &str) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else {
            return false;
        };
        let Some((mask, body)) = bytes.split_at_checked(32).filter(|(_, b)| b.len() == 32) else {
            return false;
        };
        let shown: Vec<u8> = mask.iter().zip(body).map(|(a, b)| a ^ b).collect();
        shown.ct_eq(&self.csrf).into()
    }
}

pub(super) async fn frame(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let visit = match read(&state, &parts).await {
        Ok(visit) => visit,
        Err(error) => {
            error.log(parts.uri.path());
            let mut response = error.into_response();
            secure(&state, response.headers_mut());
            return response;
        }
    };
    let method = parts.method.clone();
    parts.extensions.insert(visit.clone());
    let outcome = std::panic::AssertUnwindSafe(next.run(Request::from_parts(parts, body))).catch_unwind().await;
    let mut response = outcome.unwrap_or_else(|_| WebError::from(Fault::Crash).into_response());
    if let Some(error) = failure(&mut response) {
        error.log(&visit.path);
        response = show(&state, &visit, &method, &error);
    }
    if let Some(guest) = &visit.new_guest {
        let cookie = cookie(GUEST, guest, state.config().https, None);
        set_cookie(response.headers_mut(), &cookie);
    }
    secure(&state, response.headers_mut());
    response
}

async fn read(state: &WebState, request: &Parts) -> Result<Visit, WebError> {
    let headers = &request.headers;
    let path = request.uri.path_and_query().map_or("/", |p| p.as_str());
    let accept = header(headers, ACCEPT);
    let chosen = cookie_of(headers, LANGUAGE).and_then(Lang::from_tag);
    let mut visit = Visit {
        lang: chosen.unwrap_or_else(|| preferred(header(headers, ACCEPT_LANGUAGE))),
        chosen,
        path: path.to_owned(),
        htmx: headers.contains_key("hx-request"),
        json: accept.contains("application/json") || accept.contains("application/problem+json"),
        session: None,
        token: None,
        csrf: [0; 32],
        new_guest: None,
        flash: cookie_of(headers, FLASH)
            .and_then(|text| text.split_once('.'))
            .filter(|(tone, key)| ["ok", "info", "warn", "danger"].contains(tone) && i18n::has(Lang::Zh, key))
            .map(|(tone, key)| (tone.to_owned(), key.to_owned())),
    };
    if path.starts_with("/assets/") || path == "/healthz" {
        return Ok(visit);
    }
    if let Some(token) = cookie_of(headers, SESSION)
        && let Some(session) = access::resume(state.app(), token).await?
    {
        visit.lang = session.actor.lang;
        visit.csrf = digest("session", &session.csrf);
        visit.token = Some(token.to_owned());
        visit.session = Some(session);
        return Ok(visit);
    }
    let guest = match cookie_of(headers, GUEST).filter(|guest| guest.len() == 43) {
        Some(guest) => guest.to_owned(),
        None => {
            let fresh = vault::random_token(32).map_err(access::AccessError::from)?;
            visit.new_guest = Some(fresh.clone());
            fresh
        }
    };
    visit.csrf = digest("guest", &guest);
    Ok(visit)
}

fn digest(kind: &str, secret: &str) -> [u8; 32] {
    Sha256::new().chain_update(kind).chain_update([0]).chain_update(secret).finalize().into()
}

/// The error of a response, also of those that the router makes itself.
fn failure(response: &mut Response) -> Option<WebError> {
    if let Some(error) = response.extensions_mut().remove::<WebError>() {
        return Some(error);
    }
    let plain = response.headers().get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !plain {
        return None;
    }
    let fault = match response.status() {
        StatusCode::NOT_FOUND => Fault::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Fault::Method,
        StatusCode::PAYLOAD_TOO_LARGE => Fault::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Fault::MediaType,
        StatusCode::FORBIDDEN => Fault::Csrf,
        // A path or query that does not read is a path that does not exist.
        StatusCode::BAD_REQUEST => Fault::NotFound,
        StatusCode::UNPROCESSABLE_ENTITY => Fault::Form(String::new()),
        _ => return None,
    };
    Some(fault.into())
}

#[derive(askama::Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    page: Page,
    title: String,
    text: String,
    code: &'a str,
}

#[derive(askama::Template)]
#[template(path = "error_part.html")]
struct ErrorPart<'a> {
    text: String,
    code: &'a str,
}

fn show(state: &WebState, visit: &Visit, method: &Method, error: &WebError) -> Response {
    let status = error.status();
    if visit.json {
        let body = serde_json::json!({
            "type": format!("urn:taizhang:error:{}", error.code()),
            "title": title(visit.lang, status),
            "status": status.as_u16(),
            "detail": error.message(visit.lang),
            "code": error.code(),
        });
        let kind = [(CONTENT_TYPE, "application/problem+json")];
        return (status, kind, body.to_string()).into_response();
    }
    if status == StatusCode::UNAUTHORIZED {
        let next = if *method == Method::GET && !visit.htmx { visit.path.as_str() } else { "/" };
        return sent(visit, status, &format!("/login?next={}", query_encoded(next)));
    }
    if error.code() == CHANGE_PASSWORD {
        return sent(visit, status, "/settings/account");
    }
    let text = error.message(visit.lang);
    let html = if visit.htmx {
        let code = error.code();
        askama::Template::render(&ErrorPart { text, code })
    } else {
        askama::Template::render(&ErrorPage {
            page: Page::new(state, visit, ""),
            title: title(visit.lang, status),
            text,
            code: error.code(),
        })
    };
    match html {
        Ok(html) => (status, Html(html)).into_response(),
        Err(_) => status.into_response(),
    }
}

/// Sends the browser on to a page of ours.
fn sent(visit: &Visit, status: StatusCode, path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let mut name = LOCATION;
    if visit.htmx {
        *response.status_mut() = status;
        name = HeaderName::from_static("hx-redirect");
    }
    if let Ok(value) = HeaderValue::from_str(path) {
        response.headers_mut().insert(name, value);
    }
    response
}

fn title(lang: Lang, status: StatusCode) -> String {
    let key = format!("error-title-{}", status.as_u16());
    if i18n::has(lang, &key) { i18n::text(lang, &key) } else { i18n::text(lang, "error-title-other") }
}

fn secure(state: &WebState, headers: &mut HeaderMap) {
    let mut set = |name: &'static str, value: &'static str| {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    };
    set("x-content-type-options", "nosniff");
    set("x-frame-options", "DENY");
    set("referrer-policy", "same-origin");
    set("cross-origin-opener-policy", "same-origin");
    set("cross-origin-resource-policy", "same-origin");
    set("permissions-policy", "camera=(self), geolocation=(self), microphone=(), payment=()");
    if state.config().https {
        set("strict-transport-security", "max-age=31536000");
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    // What somebody sent in is answered with a narrower one.
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CSP));
}

fn header(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn cookie_of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// A cookie that scripts cannot read and other sites' forms do not send. `seconds` none: until the browser closes.
pub(super) fn cookie(name: &str, value: &str, https: bool, seconds: Option<i64>) -> String {
    let secure = if https { "; Secure" } else { "" };
    let age = seconds.map_or_else(String::new, |s| format!("; Max-Age={s}"));
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}{secure}")
}

/// The cookie that removes a cookie.
pub(super) fn expired(name: &str, https: bool) -> String {
    cookie(name, "", https, Some(0))
}

/// The first language of `Accept-Language` that we have.
fn preferred(accept: &str) -> Lang {
    accept.split(',').find_map(|tag| Lang::from_tag(tag.trim())).unwrap_or_default()
}

/// A path of this server, never another site.
pub(super) fn own_path(path: &str) -> Option<&str> {
    let second = path.as_bytes().get(1);
    let own = path.starts_with('/') && !matches!(second, Some(b'/' | b'\\')) && !path.chars().any(char::is_control);
    own.then_some(path)
}

/// Path and query with everything beyond visible ASCII encoded, for a `Location` header.
pub(super) fn percent_encoded(path: &str) -> String {
    encode(path, |byte| byte.is_ascii_graphic() && byte != b'"')
}

/// Percent-encoding of one value of a query.
pub fn query_encoded(text: &str) -> String {
    encode(text, |byte| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte))
}

fn encode(text: &str, plain: impl Fn(u8) -> bool) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit() -> Visit {
        Visit {
            lang: Lang::Zh,
            chosen: None,
            path: "/".to_owned(),
            htmx: false,
            json: false,
            session: None,
            token: None,
            csrf: digest("session", "secret"),
            new_guest: None,
            flash: None,
        }
    }

    #[test]
    fn a_form_token_fits_its_visit_only_and_never_looks_the_same() {
        let visit = visit();
        let (one, two) = (visit.masked_csrf(), visit.masked_csrf());
        assert_ne!(one, two);
        assert!(visit.csrf_fits(&one) && visit.csrf_fits(&two));
        let other = Visit { csrf: digest("guest", "secret"), ..visit.clone() };
        assert!(!other.csrf_fits(&one));
        for wrong in ["", "AAAA", &one[..80], &format!("{one}AA")] {
            assert!(!visit.csrf_fits(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_redirect_stays_on_this_server() {
        assert_eq!(own_path("/ledger?x=1"), Some("/ledger?x=1"));
        for foreign in ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\r\nb"] {
            assert_eq!(own_path(foreign), None, "{foreign}");
        }
        assert_eq!(percent_encoded("/search?q=王家"), "/search?q=%E7%8E%8B%E5%AE%B6");
    }

    #[test]
    fn cookies_and_languages_as_browsers_send_them() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static("a=1; tz_session=abc; tz_lang=en"));
        assert_eq!(cookie_of(&headers, SESSION), Some("abc"));
        assert_eq!(cookie_of(&headers, "session"), None);
        assert_eq!(preferred("fr;q=0.9, en-GB;q=0.8, zh"), Lang::En);
        assert_eq!(preferred(""), Lang::Zh);
    }
}
