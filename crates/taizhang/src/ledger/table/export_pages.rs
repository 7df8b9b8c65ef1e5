//! The view as a file: what it is for, for whom, and of which kind.

use axum::extract::Query;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::address::Asked;
use crate::ledger::books_export::FileKind;
use crate::ledger::export::{Edition, Sheet, export_table};
use crate::ledger::model::{Filter, REASON_CHARS};
use crate::ledger::{LedgerError, table, words};
use crate::platform::UserError;
use crate::web::{Ctx, Form, Page, WebError};

struct EditionChoice {
    value: &'static str,
    label: String,
    hint: String,
    /// The columns that the file will have.
    columns: String,
    chosen: bool,
}

struct KindChoice {
    value: &'static str,
    label: String,
    chosen: bool,
}

#[derive(askama::Template)]
#[template(path = "ledger_export.html")]
struct ExportPage {
    page: Page,
    heading: String,
    rows: String,
    fields: Vec<(&'static str, String)>,
    back: String,
    editions: Vec<EditionChoice>,
    kinds: Vec<KindChoice>,
    purpose: String,
    least: usize,
    error: String,
}

/// What the form says besides the view.
struct Wanted {
    edition: Edition,
    kind: FileKind,
    purpose: String,
}

/// Asks what the file is for, and says which rows it will hold.
pub(in crate::ledger) async fn ask(
    ctx: Ctx,
    Query(fields): Query<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let wanted = Wanted { edition: Edition::Public, kind: FileKind::Xlsx, purpose: String::new() };
    form(&ctx, Asked::of(&fields).at_top(), wanted, String::new()).await
}

async fn form(ctx: &Ctx, asked: Asked, wanted: Wanted, error: String) -> Result<Response, WebError> {
    let page = ctx.page("nav-ledger");
    let profile = table::profile(&ctx.app, &ctx.actor).await?;
    let (_, total) =
        crate::ledger::list(&ctx.app, &ctx.actor, &Filter { per_page: 1, page: 1, ..asked.filter() }).await?;
    let shown = asked.columns();
    let comma = page.t("list-comma");
    ctx.render(&ExportPage {
        heading: words::heading(&profile, page.lang),
        rows: page.t1("ledger-export-rows", "count", total),
        back: asked.href("/ledger", &[]),
        editions: Edition::ALL
            .into_iter()
            .map(|choice| EditionChoice {
                value: choice.name(),
                label: page.t(&format!("ledger-edition-{}", choice.name())),
                hint: page.t(&format!("ledger-edition-{}-hint", choice.name())),
                columns: choice.columns(&shown).iter().map(|c| page.t(&c.key())).collect::<Vec<_>>().join(&comma),
                chosen: choice == wanted.edition,
            })
            .collect(),
        kinds: FileKind::ALL
            .into_iter()
            .map(|kind| KindChoice {
                value: kind.name(),
                label: page.t(&format!("ledger-format-{}", kind.name())),
                chosen: kind == wanted.kind,
            })
            .collect(),
        purpose: wanted.purpose,
        least: REASON_CHARS,
        error,
        fields: asked.rest(&[]),
        page,
    })
}

pub(in crate::ledger) async fn export(
    ctx: Ctx,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let asked = Asked::of(&fields).at_top();
    let field = |name: &str| fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let wanted = Wanted {
        edition: Edition::from_name(field("edition")).unwrap_or(Edition::Public),
        kind: FileKind::from_name(field("format")).unwrap_or(FileKind::Csv),
        purpose: field("purpose").to_owned(),
    };
    let sheet = Sheet { columns: asked.columns(), edition: wanted.edition, kind: wanted.kind };
    let outcome = export_table(&ctx.app, &ctx.actor, &asked.filter(), &sheet, &wanted.purpose, ctx.lang).await;
    let bytes = match outcome {
        Ok(bytes) => bytes,
        Err(error @ LedgerError::Purpose) => {
            let message = error.message(ctx.lang);
            let status = WebError::from(error).status();
            let mut response = form(&ctx, asked, wanted, message).await?;
            *response.status_mut() = status;
            return Ok(response);
        }
        Err(error) => return Err(error.into()),
    };
    let (day, kind) = (ctx.app.clock.today(), wanted.kind);
    let name = format!("attachment; filename=\"ledger-{day}-{}.{}\"", wanted.edition.name(), kind.name());
    Ok(([(CONTENT_TYPE, kind.mime().to_owned()), (CONTENT_DISPOSITION, name)], bytes).into_response())
}
