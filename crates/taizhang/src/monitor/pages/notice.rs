//! The list to be put up in a village: asked for with a purpose, then printed or taken as a workbook.

use axum::extract::Query;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::Choice;
use crate::access::Capability;
use crate::ledger::FileKind;
use crate::monitor::{self, Edition, MonitorError, NoticeList};
use crate::platform::UserError;
use crate::web::{Ctx, Form, Page, WebError};

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    village: String,
    edition: String,
    purpose: String,
    /// page or xlsx.
    format: String,
}

#[derive(askama::Template)]
#[template(path = "monitor_notice_form.html")]
struct FormPage {
    page: Page,
    error: String,
    sent: Sent,
    villages: Vec<Choice>,
    editions: Vec<(Choice, String)>,
}

#[derive(askama::Template)]
#[template(path = "monitor_notice.html")]
struct SheetPage {
    page: Page,
    list: NoticeList,
    title: String,
    foot: bool,
}

pub(super) async fn form(ctx: Ctx, Query(sent): Query<Sent>) -> Result<Response, WebError> {
    ask(&ctx, sent, String::new()).await
}

async fn ask(ctx: &Ctx, sent: Sent, error: String) -> Result<Response, WebError> {
    let page = ctx.page("nav-monitor");
    let villages = monitor::villages_with_notice(&ctx.app, &ctx.actor).await?;
    let may_internal = ctx.actor.may(Capability::Export);
    let edition = Edition::from_name(&sent.edition).unwrap_or(Edition::Public);
    ctx.render(&FormPage {
        error,
        villages: villages
            .into_iter()
            .map(|(code, name, rows)| Choice {
                label: page.t2("monitor-notice-village", "name", name, "rows", rows),
                chosen: code == sent.village,
                value: code,
            })
            .collect(),
        editions: Edition::ALL
            .into_iter()
            .filter(|choice| may_internal || *choice == Edition::Public)
            .map(|choice| {
                let key = format!("monitor-edition-{}", choice.name());
                let one = Choice { value: choice.name().to_owned(), label: page.t(&key), chosen: choice == edition };
                (one, page.t(&format!("{key}-hint")))
            })
            .collect(),
        sent,
        page,
    })
}

pub(super) async fn make(ctx: Ctx, Form(sent): Form<Sent>) -> Result<Response, WebError> {
    let edition = Edition::from_name(&sent.edition).unwrap_or(Edition::Public);
    let made = monitor::notice(&ctx.app, &ctx.actor, &sent.village, edition, &sent.purpose, ctx.lang).await;
    let list = match made {
        Ok(list) => list,
        Err(error @ MonitorError::Refused(_)) => {
            let message = error.message(ctx.lang);
            let status = WebError::from(error).status();
            let mut response = ask(&ctx, sent, message).await?;
            *response.status_mut() = status;
            return Ok(response);
        }
        Err(error) => return Err(error.into()),
    };
    if sent.format == "xlsx" {
        let bytes = monitor::notice_xlsx(&list, edition, ctx.lang)?;
        let name = format!("attachment; filename=\"notice-{}-{}-{}.xlsx\"", list.village, list.day, edition.name());
        let kind = FileKind::Xlsx.mime().to_owned();
        return Ok(([(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, name)], bytes).into_response());
    }
    let page = ctx.page("nav-monitor");
    let title = page.t1(&format!("monitor-notice-title-{}", edition.name()), "place", &list.place);
    ctx.render(&SheetPage { title, foot: edition == Edition::Public, list, page })
}
