//! What the tests stand on: a fresh installation on each database, and a browser-like client.
#![allow(dead_code, unreachable_pub)]

pub mod http;
pub mod postgres;

use std::future::Future;
use std::path::Path;

use taizhang::access::Actor;
use taizhang::platform::{App, Clock, Lang};

/// The day on which tests take place.
pub fn today() -> chrono::NaiveDate {
    chrono::NaiveDate::from_ymd_opt(2020, 2, 20).unwrap()
}

/// Runs `body` on a fresh installation with SQLite, then on one with PostgreSQL.
/// With `TAIZHANG_TEST_DATABASES=sqlite` PostgreSQL is left out.
pub async fn each_database<F, R>(body: F)
where
    F: Fn(App) -> R,
    R: Future<Output = ()>,
{
    let folder = tempfile::tempdir().unwrap();
    body(open(folder.path(), None).await).await;
    if postgres::wanted() {
        let folder = tempfile::tempdir().unwrap();
        let url = postgres::fresh_database().await;
        let app = open(folder.path(), Some(&url)).await;
        body(app).await;
    }
}

/// An installation in `folder` on the test day.
pub async fn open(folder: &Path, database: Option<&str>) -> App {
    App::open(folder, database, Clock::fixed(today())).await.unwrap()
}

/// The command line as the one who acts.
pub fn machine() -> Actor {
    Actor::machine(Lang::Zh)
}
