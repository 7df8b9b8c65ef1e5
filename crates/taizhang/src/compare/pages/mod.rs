//! The comparison on the web: the lists received, a new one with its preview, the result in three tabs, the review.

mod batches;
mod export;
mod list;
mod quality;
mod review;
mod show;
mod side;
mod upload;

use super::lists;
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

/// The pages of the comparison.
pub fn routes() -> Routes {
    Routes::new()
        .get("/comparisons", SEE, list::index)
        .get("/comparisons/new", RUN, upload::new)
        .get("/comparisons/quality", SEE, quality::show)
        .upload("/comparisons/preview", RUN, UPLOAD_LIMIT, upload::preview)
        .post("/comparisons", RUN, upload::start)
        .post("/comparisons/again", RUN, list::again)
        .get("/comparisons/{id}", SEE, show::show)
        .get("/comparisons/{id}/review", REVIEW, review::next_open)
        .get("/comparisons/{id}/batches", REVIEW, batches::batches)
        .post("/comparisons/{id}/batches", REVIEW, batches::decide_batch)
        .get("/comparisons/{id}/unmatched.csv", Policy::Needs(Capability::Export), export::unmatched)
        .get("/comparisons/{id}/held.csv", Policy::Needs(Capability::Export), export::held)
        .get("/comparisons/rows/{row}", SEE, review::review)
        .post("/comparisons/rows/{row}", REVIEW, review::decide)
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

struct HeldLine {
    line: i64,
    column: String,
    value: String,
    why: String,
}

fn held_line(page: &Page, held: &lists::Held) -> HeldLine {
    HeldLine { line: held.line, column: held.column.clone(), value: held.value.clone(), why: page.t(&held.why) }
}
