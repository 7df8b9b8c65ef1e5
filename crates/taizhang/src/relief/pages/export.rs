//! What is taken out as a file, for whom and what for.

use axum::extract::Query;
use axum::response::Response;

use super::super::ReliefError;
use super::super::export::{self, Edition};
use super::super::model::yuan;
use super::super::requests;
use super::requests::Address;
use super::with_status;
use crate::platform::UserError;
use crate::register::pages::grouped;
use crate::screen::pages::{attached, place};
use crate::web::{Ctx, Form, Page, WebError};

#[derive(askama::Template)]
#[template(path = "relief_export.html")]
struct ExportPage {
    page: Page,
    title: String,
    rows: String,
    back: String,
    error: String,
    fields: Vec<(&'static str, String)>,
    editions: Vec<(String, String, String, bool)>,
    purpose: String,
}

async fn export_page(ctx: &Ctx, address: &Address, error: String) -> Result<Response, WebError> {
    let (scope, title, _) = place(ctx, &address.division, "/relief").await?;
    let filter = address.filter();
    let (_, count, sum) = requests::list(&ctx.app, &ctx.actor, &scope, &filter, (0, 0)).await?;
    let page = ctx.page("nav-relief");
    let edition = Edition::from_name(&address.edition).unwrap_or(Edition::Public);
    let flag = |yes: bool| if yes { "1" } else { "" }.to_owned();
    let view = ExportPage {
        title: format!("{title} · {}", page.t("relief-export")),
        rows: page.t2("relief-found", "count", grouped(count), "yuan", yuan(sum)),
        back: format!("/relief?division={}&{}", scope.root(), address.query()),
        fields: vec![
            ("division", scope.root().to_owned()),
            ("state", filter.state.clone()),
            ("kind", filter.kind.clone()),
            ("green", flag(filter.green)),
            ("late", flag(filter.late)),
            ("q", filter.text),
        ],
        editions: Edition::ALL
            .into_iter()
            .map(|one| {
                let name = one.name();
                let hint = page.t(&format!("relief-edition-{name}-hint"));
                (name.to_owned(), page.t(&format!("screen-edition-{name}")), hint, one == edition)
            })
            .collect(),
        purpose: address.purpose.clone(),
        error,
        page,
    };
    ctx.render(&view)
}

/// What is to be taken out.
pub(super) async fn question(ctx: Ctx, Query(address): Query<Address>) -> Result<Response, WebError> {
    export_page(&ctx, &address, String::new()).await
}

/// The file.
pub(super) async fn file(ctx: Ctx, Form(address): Form<Address>) -> Result<Response, WebError> {
    let (scope, title, _) = place(&ctx, &address.division, "/relief").await?;
    let edition = Edition::from_name(&address.edition).unwrap_or(Edition::Public);
    let (app, actor, filter) = (&ctx.app, &ctx.actor, address.filter());
    match export::xlsx(app, actor, &scope, &filter, edition, &address.purpose, ctx.lang).await {
        Ok(bytes) => {
            let page = ctx.page("nav-relief");
            let name = format!("{title}-{}-{}.xlsx", page.t("relief-tab-requests"), ctx.app.clock.today());
            Ok(attached(&name, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", bytes))
        }
        Err(error @ ReliefError::Purpose) => {
            let status = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
            with_status(export_page(&ctx, &address, error.message(ctx.lang)).await, status)
        }
        Err(error) => Err(error.into()),
    }
}
