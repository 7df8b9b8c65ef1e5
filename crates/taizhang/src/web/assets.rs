//! Styles, scripts and icons, built into the binary.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use axum::extract::{Path, RawQuery};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use super::WebError;
use crate::platform::ids;

#[derive(RustEmbed)]
#[folder = "src/web/assets/"]
struct Assets;

/// Fingerprints by path; 16 hexadecimal digits of SHA-256.
static PRINTS: LazyLock<HashMap<Cow<'static, str>, String>> = LazyLock::new(|| {
    Assets::iter()
        .filter_map(|path| {
            let print = ids::hex(&Assets::get(&path)?.metadata.sha256_hash()[..8]);
            Some((path, print))
        })
        .collect()
});

/// `/assets/app.css?v=…`.
pub(super) fn address(path: &str) -> String {
    match PRINTS.get(path) {
        Some(print) => format!("/assets/{path}?v={print}"),
        None => format!("/assets/{path}"),
    }
}

pub(super) async fn serve(
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    let (Some(file), Some(print)) = (Assets::get(&path), PRINTS.get(path.as_str())) else {
        return Err(WebError::not_found());
    };
    // A script may be imported by another one without its fingerprint: then the browser asks each time.
    let named = query.is_some_and(|query| query.strip_prefix("v=") == Some(print));
    let keep = if named { "public, max-age=31536000, immutable" } else { "no-cache" };
    let tag = format!("\"{print}\"");
    let known =
        headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).is_some_and(|tags| tags.contains(&tag));
    let head = [(CACHE_CONTROL, keep.to_owned()), (ETAG, tag)];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, head).into_response());
    }
    let kind = [(CONTENT_TYPE, content_type(&path))];
    Ok((head, kind, file.data.into_owned()).into_response())
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "json" | "webmanifest" => "application/json",
        _ => "text/plain; charset=utf-8",
    }
}
