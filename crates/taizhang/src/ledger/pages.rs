//! The ledger's routes. Table, items, books, assignment, batches and desk have rooms of their own.

use chrono::NaiveDate;

use super::model::State;
pub(super) use super::table::address::encoded;
use super::table::{export_pages, pages as table_pages, views_pages};
use super::{assign_pages, books_pages, bulk, desk, item_pages};
use crate::access::Capability;
use crate::web::{Policy, Routes};

const VIEW: Policy = Policy::Needs(Capability::ViewItems);
const ASSIGN: Policy = Policy::Needs(Capability::AssignItems);
const EXPORT: Policy = Policy::Needs(Capability::Export);

/// The routes of this feature.
pub fn routes() -> Routes {
    Routes::new()
        .get("/ledger", VIEW, table_pages::list)
        .get("/ledger/print", VIEW, table_pages::print)
        .get("/ledger/export", EXPORT, export_pages::ask)
        .post("/ledger/export", EXPORT, export_pages::export)
        .post("/ledger/views", VIEW, views_pages::keep)
        .post("/ledger/views/{id}/drop", VIEW, views_pages::drop_view)
        .get("/ledger/balance", VIEW, books_pages::balance)
        .get(
            "/ledger/balance/list",
            // Of the people of a place, as on the situation page: not for who helps some households.
            Policy::AllOf(&[Capability::ViewItems, Capability::ViewFigures]),
            books_pages::list,
        )
        .post("/ledger/balance/export", EXPORT, books_pages::export)
        .get("/ledger/assignees", ASSIGN, assign_pages::assignees)
        .merge(bulk::pages::routes())
        .merge(desk::pages::routes())
        .get("/ledger/files/{id}", VIEW, item_pages::file)
        .get("/ledger/{id}", VIEW, item_pages::item)
        .post("/ledger/{id}/act", VIEW, item_pages::act)
        .upload(
            "/ledger/{id}/attach",
            Policy::AnyOf(&[Capability::WorkItems, Capability::CheckItems]),
            super::ATTACHMENT_LIMIT + 64 * 1024,
            item_pages::attach,
        )
        .merge(super::life_pages::routes())
        .merge(super::stand_in_pages::routes())
        .merge(super::notices_pages::routes())
        .merge(super::problems::routes())
}

pub(crate) fn tone(state: State) -> &'static str {
    match state {
        State::ToVerify | State::Cancelled => "mute",
        State::Assigned | State::InProgress => "info",
        State::Submitted | State::Checking => "warn",
        State::Returned => "danger",
        State::Closed => "ok",
    }
}

pub(super) fn late_days(deadline: &str, today: NaiveDate) -> i64 {
    NaiveDate::parse_from_str(deadline, "%Y-%m-%d").map_or(0, |day| (today - day).num_days())
}
