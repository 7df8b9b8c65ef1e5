//! Sign-in and the Settings pages.

use crate::web::Routes;

/// The routes of this feature.
pub fn routes() -> Routes {
    Routes::new()
}
