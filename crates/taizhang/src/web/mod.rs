//! The web server: routes with policies, sessions, forms, error pages and assets. Pages themselves are brought by the
//! features.

mod assets;
pub mod ctx;
pub mod error;
mod features;
pub mod form;
mod frame;
mod home;
mod jobs;
pub mod page;
pub mod routes;
mod server;

pub use ctx::{Ctx, Guest};
pub use error::{Fault, WebError};
pub use features::{job_handlers, routes as all_routes};
pub use form::{Form, Nothing, Upload};
pub use frame::query_encoded;
pub use page::{Flash, Page};
pub use routes::{Policy, RouteInfo, Routes};
pub use server::{Config, WebState, router, serve};
