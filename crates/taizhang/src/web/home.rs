//! The entrance, the language switch and the sign of life.

use std::time::Duration;

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::ctx::set_cookie;
use super::{Ctx, Guest, WebError, frame, page};
use crate::access;
use crate::platform::Lang;

pub(super) async fn home(ctx: Ctx) -> Response {
    ctx.redirect(page::first_page(&ctx.state, &ctx.actor))
}

/// 200 while the database answers.
pub(super) async fn healthz(guest: Guest) -> Response {
    match guest.app.db.version().await {
        Ok(_) => (StatusCode::OK, "ok\n").into_response(),
        Err(error) => {
            tracing::error!(%error, "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "database\n").into_response()
        }
    }
}

/// How long an answer waits for the choice of a language to be kept.
const PATIENCE: Duration = Duration::from_millis(500);

#[derive(serde::Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// Keeps the language in a cookie, and with the user who is signed in.
pub(super) async fn language(
    guest: Guest,
    Path(code): Path<String>,
    Query(Next { next }): Query<Next>,
) -> Result<Response, WebError> {
    let lang = Lang::from_tag(&code).ok_or_else(WebError::not_found)?;
    if let Some(id) = guest.actor().and_then(|actor| actor.user_id) {
        // The page is not to wait for a writer who is busy for long: the choice is kept when it can be.
        let app = guest.app.clone();
        let kept = tokio::spawn(async move {
            let kept = access::set_language(&app, id, lang).await;
            if let Err(error) = &kept {
                tracing::warn!(%error, "the language that a user chose could not be kept");
            }
            kept
        });
        if let Ok(Ok(kept)) = tokio::time::timeout(PATIENCE, kept).await {
            kept?;
        }
    }
    let mut response = guest.redirect(&next);
    let year = 365 * 24 * 3600;
    let cookie = frame::cookie(frame::LANGUAGE, lang.tag(), guest.state.config().https, Some(year));
    set_cookie(response.headers_mut(), &cookie);
    Ok(response)
}
