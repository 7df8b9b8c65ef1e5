//! Forms and uploads, which are taken only with the token of their session.

use axum::body::{Body, Bytes};
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde::de::DeserializeOwned;

use super::{Fault, Guest, WebError, WebState};

/// The header in which a script may send the token.
const TOKEN_HEADER: &str = "x-csrf-token";

/// The fields of a form, its token checked. For repeated fields take `Form<Vec<(String, String)>>`.
#[derive(Debug, Clone)]
pub struct Form<T>(pub T);

/// A form of which only the token matters: a button.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Nothing {}

#[derive(serde::Deserialize)]
struct Token {
    #[serde(default)]
    csrf: String,
}

impl<T: DeserializeOwned> FromRequest<WebState> for Form<T> {
    type Rejection = WebError;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, WebError> {
        let (mut parts, body) = request.into_parts();
        let guest = Guest::from_request_parts(&mut parts, state).await?;
        let header = header_token(&parts.headers);
        let kind = parts.headers.get(CONTENT_TYPE).cloned();
        let bytes = Bytes::from_request(Request::from_parts(parts, body), state)
            .await
            .map_err(|e| too_large_or(e.into_response().status(), "body"))?;
        let again = || {
            let mut request = Request::post("/");
            if let Some(kind) = &kind {
                request = request.header(CONTENT_TYPE, kind);
            }
            request.body(Body::from(bytes.clone())).map_err(|e| Fault::Form(e.to_string()))
        };
        let token = match header {
            Some(token) => token,
            None => {
                axum::Form::<Token>::from_request(again()?, state)
                    .await
                    .map_err(|e| {
                        let status = e.status();
                        too_large_or(status, &e.body_text())
                    })?
                    .0
                    .csrf
            }
        };
        guest.check_csrf(&token)?;
        let form = axum::Form::<T>::from_request(again()?, state).await.map_err(|e| {
            let status = e.status();
            too_large_or(status, &e.body_text())
        })?;
        Ok(Self(form.0))
    }
}

/// A form with files, its token checked: the hidden field `csrf` comes first in the form.
#[derive(Debug)]
pub struct Upload(Multipart);

impl FromRequest<WebState> for Upload {
    type Rejection = WebError;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, WebError> {
        let (mut parts, body) = request.into_parts();
        let guest = Guest::from_request_parts(&mut parts, state).await?;
        let header = header_token(&parts.headers);
        let mut multipart =
            Multipart::from_request(Request::from_parts(parts, body), state).await.map_err(|_| Fault::MediaType)?;
        let token = match header {
            Some(token) => token,
            None => {
                let first = multipart.next_field().await.map_err(|e| too_large_or(e.status(), &e.body_text()))?;
                match first {
                    Some(field) if field.name() == Some("csrf") => {
                        field.text().await.map_err(|e| too_large_or(e.status(), &e.body_text()))?
                    }
                    _ => String::new(),
                }
            }
        };
        guest.check_csrf(&token)?;
        Ok(Self(multipart))
    }
}

impl Upload {
    /// The next field or file.
    ///
    /// # Errors
    /// The body breaks off, is malformed or too large.
    pub async fn next(&mut self) -> Result<Option<Field<'_>>, WebError> {
        self.0.next_field().await.map_err(|e| too_large_or(e.status(), &e.body_text()))
    }
}

fn header_token(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(TOKEN_HEADER)?.to_str().ok()?.to_owned())
}

fn too_large_or(status: StatusCode, why: &str) -> WebError {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => Fault::TooLarge.into(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Fault::MediaType.into(),
        _ => Fault::Form(why.to_owned()).into(),
    }
}
