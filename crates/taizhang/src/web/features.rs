//! The one place where the web server learns which features there are.

use std::collections::HashMap;

use super::{Policy, Routes, assets, home, jobs};
use crate::platform::jobs::Handler;
use crate::{
    access, assess, compare, intake, ledger, monitor, register, relief, screen, situation, supervise, tasks, upkeep,
    work_mode,
};

/// The routes of every feature.
pub fn routes() -> Routes {
    Routes::new()
        .get("/", Policy::SignedIn, home::home)
        .get("/healthz", Policy::Public, home::healthz)
        .get("/lang/{code}", Policy::Public, home::language)
        .get("/assets/{*path}", Policy::Public, assets::serve)
        .merge(jobs::routes())
        .merge(access::pages::routes())
        .merge(upkeep::pages::routes())
        .merge(register::pages::routes())
        .merge(situation::pages::routes())
        .merge(intake::pages::routes())
        .merge(compare::pages::routes())
        .merge(screen::pages::routes())
        .merge(assess::pages::routes())
        .merge(ledger::pages::routes())
        .merge(monitor::pages::routes())
        .merge(relief::pages::routes())
        .merge(work_mode::pages::routes())
        .merge(supervise::pages::routes())
        .merge(tasks::pages::routes())
}

/// The work of every kind of job.
pub fn job_handlers() -> HashMap<&'static str, Handler> {
    let features: Vec<Vec<(&'static str, Handler)>> =
        vec![intake::pages::job_handlers(), compare::job_handlers(), assess::handlers()];
    features.into_iter().flatten().collect()
}
