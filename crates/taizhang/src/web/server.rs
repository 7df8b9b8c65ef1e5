//! The server: state, router, listening and going down.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use tokio::net::TcpListener;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;

use super::routes::DuplicateRoute;
use super::{Fault, Routes, WebError, frame};
use crate::platform::App;

/// The most that a form may weigh, bytes. Uploads declare their own limit.
const FORM_LIMIT: usize = 1 << 20;

/// How the server is run.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Browsers reach it over HTTPS (a proxy in front): cookies are sent over HTTPS only, and browsers remember it.
    pub https: bool,
}

/// What handlers share. Cheap to clone.
#[derive(Clone)]
pub struct WebState(Arc<Inner>);

struct Inner {
    app: App,
    config: Config,
    pages: HashSet<&'static str>,
}

impl std::fmt::Debug for WebState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebState").field("config", &self.0.config).finish_non_exhaustive()
    }
}

impl WebState {
    pub(super) fn app(&self) -> &App {
        &self.0.app
    }

    pub(super) fn config(&self) -> &Config {
        &self.0.config
    }

    /// Whether a page of that path exists.
    pub(super) fn serves(&self, path: &str) -> bool {
        self.0.pages.contains(path)
    }
}

/// The router over a table of routes.
///
/// # Errors
/// Two routes have the same method and path.
pub fn router(app: App, config: Config, routes: Routes) -> Result<Router, DuplicateRoute> {
    let pages =
        routes.table().into_iter().filter(|route| route.method == Method::GET).map(|route| route.path).collect();
    let state = WebState(Arc::new(Inner { app, config, pages }));
    Ok(routes
        .into_router(&state)?
        .fallback(async || WebError::from(Fault::NotFound).into_response())
        .layer(DefaultBodyLimit::max(FORM_LIMIT))
        .layer(CsrfLayer::new())
        .layer(from_fn_with_state(state.clone(), frame::frame))
        .layer(CompressionLayer::new())
        .with_state(state))
}

/// Serves until `down` is ready, then lets the running requests end.
///
/// # Errors
/// The server cannot accept connections.
pub async fn serve(
    router: Router,
    listener: TcpListener,
    down: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Fault> {
    axum::serve(listener, router).with_graceful_shutdown(down).await.map_err(|e| Fault::Server(e.to_string()))
}
