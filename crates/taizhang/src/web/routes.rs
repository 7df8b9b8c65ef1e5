//! The table of routes. Closed by default: there is no way to add a route without saying who may call it.

use std::collections::HashSet;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};

use super::frame::Visit;
use super::{Fault, WebError, WebState};
use crate::access::{Actor, Capability};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Anybody, signed in or not.
    Public,
    /// Anybody who is signed in.
    SignedIn,
    /// Whoever has the capability.
    Needs(Capability),
    /// Whoever has one of the capabilities.
    AnyOf(&'static [Capability]),
    /// Whoever has all of the capabilities.
    AllOf(&'static [Capability]),
}

impl Policy {
    /// Whether a signed-in user passes. What they may see behind it is decided by their scope in each query.
    pub fn allows(self, actor: &Actor) -> bool {
        match self {
            Self::Public | Self::SignedIn => true,
            Self::Needs(capability) => actor.may(capability),
            Self::AnyOf(any) => any.iter().any(|capability| actor.may(*capability)),
            Self::AllOf(all) => all.iter().all(|capability| actor.may(*capability)),
        }
    }
}

/// What the table says about one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInfo {
    /// GET, POST…
    pub method: Method,
    /// The path with its `{parameters}`.
    pub path: &'static str,
    /// Who may call it.
    pub policy: Policy,
}

struct Route {
    info: RouteInfo,
    limit: Option<usize>,
    handler: MethodRouter<WebState>,
}

/// Routes under construction.
#[derive(Default)]
pub struct Routes(Vec<Route>);

impl std::fmt::Debug for Routes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.table()).finish()
    }
}

/// Two features claimed the same method and path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{method} {path} is claimed twice")]
pub struct DuplicateRoute {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: &'static str,
}

impl crate::platform::UserError for DuplicateRoute {
    fn code(&self) -> &'static str {
        "web.duplicate_route"
    }

    fn kind(&self) -> crate::platform::ErrorKind {
        crate::platform::ErrorKind::Internal
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        vec![("route", format!("{} {}", self.method, self.path))]
    }
}

impl Routes {
    /// No routes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A page or fragment to read.
    #[must_use]
    pub fn get<H, T>(self, path: &'static str, policy: Policy, handler: H) -> Self
    where
        H: Handler<T, WebState>,
        T: 'static,
    {
        self.add(Method::GET, path, policy, None, on(MethodFilter::GET, handler))
    }

    /// A form or action; its handler takes [`super::Form`] or [`super::Upload`], which check the CSRF token.
    #[must_use]
    pub fn post<H, T>(self, path: &'static str, policy: Policy, handler: H) -> Self
    where
        H: Handler<T, WebState>,
        T: 'static,
    {
        self.add(Method::POST, path, policy, None, on(MethodFilter::POST, handler))
    }

    /// Like [`Routes::post`] for bodies of up to `limit` bytes, beyond what forms may have.
    #[must_use]
    pub fn upload<H, T>(self, path: &'static str, policy: Policy, limit: usize, handler: H) -> Self
    where
        H: Handler<T, WebState>,
        T: 'static,
    {
        self.add(Method::POST, path, policy, Some(limit), on(MethodFilter::POST, handler))
    }

    fn add(
        mut self,
        method: Method,
        path: &'static str,
        policy: Policy,
        limit: Option<usize>,
        handler: MethodRouter<WebState>,
    ) -> Self {
        self.0.push(Route { info: RouteInfo { method, path, policy }, limit, handler });
        self
    }

    /// These routes and those of another feature.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Every route with its policy.
    pub fn table(&self) -> Vec<RouteInfo> {
        self.0.iter().map(|route| route.info.clone()).collect()
    }

    /// The router, each route behind its guard.
    ///
    /// # Errors
    /// Two routes have the same method and path.
    pub(super) fn into_router(self, state: &WebState) -> Result<Router<WebState>, DuplicateRoute> {
        let mut seen = HashSet::new();
        let mut router = Router::new();
        for Route { info, limit, mut handler } in self.0 {
            if !seen.insert((info.method.clone(), info.path)) {
                return Err(DuplicateRoute { method: info.method, path: info.path });
            }
            if let Some(limit) = limit {
                handler = handler.route_layer(DefaultBodyLimit::max(limit));
            }
            let guard = from_fn_with_state((state.clone(), info.policy), guard);
            router = router.route(info.path, handler.route_layer(guard));
        }
        Ok(router)
    }
}

async fn guard(State((_, policy)): State<(WebState, Policy)>, request: Request, next: Next) -> Response {
    if policy == Policy::Public {
        return next.run(request).await;
    }
    let session = request.extensions().get::<Visit>().and_then(|visit| visit.session.as_ref());
    match session {
        None => WebError::from(Fault::SignIn).into_response(),
        // The way to a new password and the way out; nothing else.
        Some(session)
            if session.must_change_password && !matches!(request.uri().path(), "/settings/account" | "/logout") =>
        {
            WebError::from(Fault::ChangePassword).into_response()
        }
        Some(session) if policy.allows(&session.actor) => next.run(request).await,
        Some(_) => WebError::from(Fault::Forbidden).into_response(),
    }
}
