//! Keeping views and giving them up.

use axum::extract::Path;
use axum::response::Response;
use uuid::Uuid;

use super::address::Asked;
use super::views;
use crate::web::form::Nothing;
use crate::web::{Ctx, Form, WebError};

#[derive(Debug, serde::Deserialize)]
pub(in crate::ledger) struct Kept {
    #[serde(default)]
    name: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    shared: String,
}

pub(in crate::ledger) async fn keep(ctx: Ctx, Form(form): Form<Kept>) -> Result<Response, WebError> {
    views::keep(&ctx.app, &ctx.actor, &form.name, &form.query, form.shared == "1").await?;
    let back = Asked::read(&form.query).at_top().href("/ledger", &[]);
    Ok(ctx.redirect_with(&back, "ok", "ledger-view-kept"))
}

pub(in crate::ledger) async fn drop_view(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, WebError> {
    views::drop_view(&ctx.app, &ctx.actor, id).await?;
    Ok(ctx.redirect_with("/ledger", "ok", "ledger-view-dropped"))
}
