//! The comparison on the web: the lists received, a new one with its preview, the result in three tabs, the review.

mod batches;
mod duplicates;
mod export;
mod list;
mod models;
mod named;
mod quality;
mod review;
mod show;
mod side;
mod sources;
mod upload;

use super::{ListSource, lists};
use crate::access::Capability;
use crate::web::{Page, Policy, Routes};

/// The largest list that is taken, bytes.
const UPLOAD_LIMIT: usize = 256 << 20;
/// Rows on one page.
const PAGE: i64 = 50;
const NAV: &str = "nav-comparisons";
const SEE: Policy = Policy::AnyOf(&[Capability::RunComparison, Capability::ReviewMatches]);
const RUN: Policy = Policy::Needs(Capability::RunComparison);
const REVIEW: Policy = Policy::Needs(Capability::ReviewMatches);
const MODELS: Policy = Policy::AllOf(&[Capability::RunComparison, Capability::RunAssessment]);

/// The pages of the comparison.
pub fn routes() -> Routes {
    Routes::new()
        .get("/comparisons", SEE, list::index)
        .get("/comparisons/new", RUN, upload::new)
        .get("/comparisons/quality", SEE, quality::show)
        .post("/comparisons/models", MODELS, models::adopt)
        .post("/comparisons/models/{version}", MODELS, models::choose)
        .get("/duplicates", SEE, duplicates::index)
        .post("/duplicates", RUN, duplicates::start)
        .get("/duplicates/review", REVIEW, duplicates::next_open)
        .get("/duplicates/batches", REVIEW, duplicates::batches)
        .post("/duplicates/batches", REVIEW, duplicates::decide_batch)
        .post("/duplicates/export", Policy::Needs(Capability::Export), duplicates::export)
        .get("/duplicates/pairs/{id}", SEE, duplicates::show)
        .post("/duplicates/pairs/{id}", REVIEW, duplicates::decide)
        .upload("/comparisons/preview", RUN, UPLOAD_LIMIT, upload::preview)
        .post("/comparisons", RUN, upload::start)
        .post("/comparisons/again", RUN, list::again)
        .get("/sources", RUN, sources::index)
        .get("/sources/new", RUN, sources::new)
        .post("/sources", RUN, sources::add)
        .get("/sources/{code}", RUN, sources::show)
        .post("/sources/{code}", RUN, sources::edit)
        .get("/comparisons/{id}", SEE, show::show)
        .get("/comparisons/{id}/review", REVIEW, review::next_open)
        .get("/comparisons/{id}/batches", REVIEW, batches::batches)
        .post("/comparisons/{id}/batches", REVIEW, batches::decide_batch)
        .get("/comparisons/{id}/unmatched.csv", Policy::Needs(Capability::Export), export::unmatched)
        .get("/comparisons/{id}/held.csv", Policy::Needs(Capability::Export), export::held)
        .get("/comparisons/rows/{row}", SEE, review::review)
        .post("/comparisons/rows/{row}", REVIEW, review::decide)
        .get("/comparisons/rows/{row}/look", REVIEW, named::form)
        .post("/comparisons/rows/{row}/look", REVIEW, named::look)
        .post("/comparisons/rows/{row}/name", REVIEW, named::name)
}

#[derive(serde::Deserialize)]
struct Paging {
    #[serde(default)]
    page: i64,
    #[serde(default)]
    tab: String,
}

fn source_text(page: &Page, key: &str) -> String {
    page.t(&format!("compare-source-{}", key.replace('.', "-")))
}

/// What a source's agency is called: by its name, else as the one that usually gives such lists.
fn agency_text(page: &Page, source: &ListSource) -> String {
    match source.agency.as_str() {
        "" => page.t(&format!("agency-usual-{}", source.kind.replace('.', "-"))),
        name => name.to_owned(),
    }
}

struct HeldLine {
    line: i64,
    column: String,
    value: String,
    why: String,
}

fn held_line(page: &Page, held: &lists::Held) -> HeldLine {
    HeldLine { line: held.line, column: held.column.clone(), value: held.value.clone(), why: page.t(&held.why) }
}
