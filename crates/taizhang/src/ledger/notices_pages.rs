//! The bell and the page of what there is to tell (消息).

use axum::response::Response;
use uuid::Uuid;

use super::model::title_in;
use super::notices::{self, Kind, Notice};
use crate::access::Capability;
use crate::web::{Ctx, Form, Nothing, Page, Policy, Routes, WebError};

const VIEW: Policy = Policy::Needs(Capability::ViewItems);

/// The routes of this part.
pub(super) fn routes() -> Routes {
    Routes::new().get("/notices", VIEW, list).get("/notices/bell", VIEW, bell).post("/notices/read", VIEW, read)
}

#[derive(askama::Template)]
#[template(path = "notices_bell.html")]
struct Bell {
    page: Page,
    unread: usize,
}

/// The number beside the bell, fetched by the page that shows it: no page waits for it.
async fn bell(ctx: Ctx) -> Result<Response, WebError> {
    let unread = notices::notices(&ctx.app, &ctx.actor).await?.iter().filter(|notice| notice.unread).count();
    ctx.render(&Bell { page: ctx.page(""), unread })
}

struct Row {
    id: Uuid,
    number: String,
    title: String,
    place: String,
    text: String,
    whom: String,
    time: String,
    unread: bool,
}

struct Group {
    name: &'static str,
    title: String,
    hint: String,
    rows: Vec<Row>,
}

#[derive(askama::Template)]
#[template(path = "notices.html")]
struct NoticesPage {
    page: Page,
    groups: Vec<Group>,
    unread: usize,
    may_look_back: bool,
    may_assign: bool,
}

async fn list(ctx: Ctx) -> Result<Response, WebError> {
    let all = notices::notices(&ctx.app, &ctx.actor).await?;
    let page = ctx.page("nav-ledger");
    let unread = all.iter().filter(|notice| notice.unread).count();
    let groups = Kind::ALL
        .into_iter()
        .map(|kind| Group {
            name: kind.name(),
            title: page.t(&format!("notice-kind-{}", kind.name())),
            hint: page.t(&format!("notice-hint-{}", kind.name())),
            rows: all.iter().filter(|notice| notice.kind == kind).map(|notice| row(&ctx, &page, notice)).collect(),
        })
        .filter(|group| !group.rows.is_empty())
        .collect();
    ctx.render(&NoticesPage {
        groups,
        unread,
        may_look_back: ctx.actor.may(Capability::ViewFigures),
        may_assign: ctx.actor.may(Capability::AssignItems),
        page,
    })
}

fn row(ctx: &Ctx, page: &Page, notice: &Notice) -> Row {
    let told = &notice.told;
    let by = if told.by_name.is_empty() { page.t("ledger-system") } else { told.by_name.clone() };
    let for_other =
        told.assignee_id.is_some() && told.assignee_id != ctx.actor.user_id && !told.assignee_name.is_empty();
    Row {
        id: told.item_id,
        number: told.number.clone(),
        title: title_in(&told.title, page.lang),
        place: told.division_name.clone(),
        text: page.t2(&format!("notice-text-{}", notice.kind.name()), "name", by, "day", &told.deadline),
        whom: if for_other { page.t1("notice-for", "name", &told.assignee_name) } else { String::new() },
        time: if told.at > 0 { page.time(&told.at) } else { String::new() },
        unread: notice.unread,
    }
}

async fn read(ctx: Ctx, Form(_): Form<Nothing>) -> Result<Response, WebError> {
    notices::mark_read(&ctx.app, &ctx.actor).await?;
    Ok(ctx.redirect("/notices"))
}
