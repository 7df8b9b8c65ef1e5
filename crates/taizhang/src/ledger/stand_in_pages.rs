//! The pages of proxies (代理) and of the handover of all items of somebody (移交).

use axum::extract::Query;
use axum::response::Response;
use chrono::NaiveDate;
use uuid::Uuid;

use super::assign::SEPARATOR;
use super::assign_pages::{Choice, label};
use super::model::{Assignable, Item, REASON_CHARS, title_in};
use super::stand_in::{self, Holder, NewProxy};
use super::{LedgerError, list_store, words};
use crate::access::Capability;
use crate::assess;
use crate::platform::{UserError, i18n, ids};
use crate::web::{Ctx, Form, Page, Policy, Routes, WebError};

const VIEW: Policy = Policy::Needs(Capability::ViewItems);
const ASSIGN: Policy = Policy::Needs(Capability::AssignItems);
/// The most lines that a preview shows of each part.
const SHOWN: usize = 100;

/// The routes of this part.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/ledger/proxies", VIEW, proxies)
        .post("/ledger/proxies", VIEW, name)
        .get("/ledger/handover", ASSIGN, ask)
        .post("/ledger/handover", ASSIGN, apply)
}

struct ProxyRow {
    id: Uuid,
    user: String,
    proxy: String,
    days: String,
    now: bool,
    reason: String,
    by: String,
    open: i64,
    may_end: bool,
}

struct ItemRow {
    id: Uuid,
    number: String,
    title: String,
    whose: String,
    place: String,
    deadline: String,
}

#[derive(askama::Template)]
#[template(path = "ledger_proxies.html")]
struct ProxiesPage {
    page: Page,
    rows: Vec<ProxyRow>,
    items: Vec<ItemRow>,
    may_assign: bool,
    may_name: bool,
    /// Those whose items somebody may look after, for who assigns.
    people: Vec<String>,
    /// Those who could.
    others: Vec<String>,
    user: String,
    proxy: String,
    from: String,
    until: String,
    reason: String,
    least: usize,
    id: Uuid,
    error: String,
}

#[derive(Debug, Default, Clone, serde::Deserialize)]
struct ProxyForm {
    #[serde(default)]
    id: Uuid,
    #[serde(default)]
    user: String,
    #[serde(default)]
    proxy: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    until: String,
    #[serde(default)]
    reason: String,
    /// A proxy that shall end instead of one that shall begin.
    #[serde(default)]
    end: Uuid,
}

async fn proxies(ctx: Ctx) -> Result<Response, WebError> {
    show(&ctx, ProxyForm::default(), String::new()).await
}

async fn show(ctx: &Ctx, form: ProxyForm, error: String) -> Result<Response, WebError> {
    let page = ctx.page("nav-ledger");
    let today = ctx.app.clock.today().to_string();
    let may_assign = ctx.actor.may(Capability::AssignItems);
    let rows = stand_in::proxies(&ctx.app, &ctx.actor).await?;
    let items = stand_in::items_stood_in_for(&ctx.app, &ctx.actor).await?;
    let mut people = Vec::new();
    if may_assign {
        let found = super::assign::assignees_under(&ctx.app, &ctx.actor, "", "").await?;
        people = found.users.iter().map(|user| label(page.lang, user)).collect();
    }
    let own = own_place(ctx).await?;
    let others = match &own {
        Some(place) => stand_in::who_holds(&ctx.app, place, "").await?,
        None => Vec::new(),
    };
    ctx.render(&ProxiesPage {
        rows: rows
            .into_iter()
            .map(|proxy| ProxyRow {
                may_end: stand_in::may_end(&ctx.actor, &proxy),
                id: proxy.id,
                days: page.t2("proxy-days", "from", &proxy.from_day, "until", &proxy.until_day),
                now: proxy.from_day <= today,
                user: proxy.user_name,
                proxy: proxy.proxy_name,
                reason: proxy.reason,
                by: proxy.created_name,
                open: proxy.open,
            })
            .collect(),
        items: items
            .into_iter()
            .map(|line| ItemRow {
                id: line.id,
                number: line.number,
                title: title_in(&line.title, page.lang),
                whose: line.assignee_name,
                place: line.division_name,
                deadline: line.deadline,
            })
            .collect(),
        may_assign,
        may_name: may_assign || (own.is_some() && ctx.actor.may(Capability::WorkItems)),
        people,
        others: others
            .iter()
            .filter(|user| Some(user.id) != ctx.actor.user_id)
            .map(|user| label(page.lang, user))
            .collect(),
        from: if form.from.is_empty() { today } else { form.from },
        user: form.user,
        proxy: form.proxy,
        until: form.until,
        reason: form.reason,
        least: REASON_CHARS,
        id: ids::new_id(),
        error,
        page,
    })
}

/// The division of who asks; none for the machine.
async fn own_place(ctx: &Ctx) -> Result<Option<String>, WebError> {
    let Some(me) = ctx.actor.user_id else {
        return Ok(None);
    };
    let user = list_store::assignable(&ctx.app.db, me).await.map_err(LedgerError::from)?;
    Ok(user.map(|user| user.division_code))
}

/// Whose items are meant: one's own where nothing was typed.
async fn principal(ctx: &Ctx, typed: &str) -> Result<Assignable, LedgerError> {
    let typed = typed.trim();
    if typed.is_empty() || !ctx.actor.may(Capability::AssignItems) {
        let me = ctx.actor.user_id.ok_or(LedgerError::ProxyFor)?;
        return list_store::assignable(&ctx.app.db, me).await?.ok_or(LedgerError::ProxyFor);
    }
    let word = last_word(typed);
    let found = super::assign::assignees_under(&ctx.app, &ctx.actor, "", word).await?;
    one_of(found.users, typed)
}

/// The login of a choice, or what was typed.
fn last_word(typed: &str) -> &str {
    typed.rsplit(SEPARATOR).next().unwrap_or_default().trim()
}

/// The one user who is meant by what was typed: a login, else a name that only one of them has.
fn one_of(users: Vec<Assignable>, typed: &str) -> Result<Assignable, LedgerError> {
    let word = last_word(typed);
    if word.is_empty() {
        return Err(LedgerError::Assignee);
    }
    let exact: Vec<Assignable> = users.iter().filter(|user| user.login == word).cloned().collect();
    let named: Vec<Assignable> = users.iter().filter(|user| user.name == word).cloned().collect();
    for mut found in [exact, named, users] {
        match found.len() {
            0 => {}
            1 => return found.pop().ok_or(LedgerError::Assignee),
            count => return Err(LedgerError::Assignees { who: typed.to_owned(), count }),
        }
    }
    Err(LedgerError::Assignee)
}

async fn name(ctx: Ctx, Form(form): Form<ProxyForm>) -> Result<Response, WebError> {
    let (done, key) = if form.end.is_nil() {
        (named(&ctx, &form).await, "proxy-done-named")
    } else {
        (stand_in::end_proxy(&ctx.app, &ctx.actor, form.end).await, "proxy-done-ended")
    };
    match done {
        Ok(()) => Ok(ctx.redirect_with("/ledger/proxies", "ok", key)),
        Err(error @ LedgerError::Db(_)) => Err(error.into()),
        Err(error) => {
            let message = error.message(ctx.lang);
            let status = WebError::from(error).status();
            let mut response = show(&ctx, form, message).await?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}

async fn named(ctx: &Ctx, form: &ProxyForm) -> Result<(), LedgerError> {
    let day = |text: &str| -> Result<NaiveDate, LedgerError> {
        text.trim().parse().map_err(|_| LedgerError::Day(text.trim().to_owned()))
    };
    let user = principal(ctx, &form.user).await?;
    let found = stand_in::who_holds(&ctx.app, &user.division_code, last_word(&form.proxy)).await?;
    let proxy = one_of(found.into_iter().filter(|other| other.id != user.id).collect(), &form.proxy)?;
    let new = NewProxy {
        id: if form.id.is_nil() { ids::new_id() } else { form.id },
        user: user.id,
        proxy: proxy.id,
        from: day(&form.from)?,
        until: day(&form.until)?,
        reason: form.reason.clone(),
    };
    stand_in::name_proxy(&ctx.app, &ctx.actor, new).await
}

struct Moving {
    id: Uuid,
    number: String,
    title: String,
    place: String,
    state: String,
    deadline: String,
}

#[derive(askama::Template)]
#[template(path = "ledger_handover.html")]
struct HandoverPage {
    page: Page,
    people: Vec<Choice>,
    others: Vec<String>,
    to: String,
    /// Set once both are chosen.
    preview: Option<Preview>,
    note: String,
    least: usize,
    error: String,
}

struct Preview {
    from: Uuid,
    from_name: String,
    to: Uuid,
    to_name: String,
    moving: Vec<Moving>,
    moving_count: usize,
    staying: Vec<Moving>,
    staying_count: usize,
    seen: String,
    batch: Uuid,
}

#[derive(Debug, Default, Clone, serde::Deserialize)]
struct Asked {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

/// Whom from and to; with both, what would move.
async fn ask(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    show_handover(&ctx, &asked, String::new(), String::new()).await
}

async fn show_handover(ctx: &Ctx, asked: &Asked, note: String, error: String) -> Result<Response, WebError> {
    let page = ctx.page("nav-ledger");
    let holders = stand_in::holders_of_items(&ctx.app, &ctx.actor).await?;
    let (preview, error) = match (asked.from.parse::<Uuid>(), asked.to.trim().is_empty()) {
        (Ok(from), false) => match preview(ctx, &page, from, &asked.to).await {
            Ok(preview) => (Some(preview), error),
            Err(fault @ LedgerError::Db(_)) => return Err(fault.into()),
            Err(fault) => (None, if error.is_empty() { fault.message(ctx.lang) } else { error }),
        },
        _ => (None, error),
    };
    let found = super::assign::assignees_under(&ctx.app, &ctx.actor, "", "").await?;
    ctx.render(&HandoverPage {
        people: holders
            .iter()
            .map(|holder| Choice {
                value: holder.id.to_string(),
                label: holder_label(&page, holder),
                chosen: holder.id.to_string() == asked.from,
            })
            .collect(),
        others: found.users.iter().map(|user| label(page.lang, user)).collect(),
        to: asked.to.clone(),
        preview,
        note,
        least: REASON_CHARS,
        error,
        page,
    })
}

fn holder_label(page: &Page, holder: &Holder) -> String {
    let role = i18n::text(page.lang, &format!("role-{}", holder.role));
    let left = if holder.disabled { page.t("handover-disabled") } else { String::new() };
    let open = page.t1("handover-open", "count", holder.open);
    let parts = [holder.name.clone(), role, holder.unit.clone(), left, open];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(SEPARATOR)
}

async fn preview(ctx: &Ctx, page: &Page, from: Uuid, to: &str) -> Result<Preview, LedgerError> {
    let found = super::assign::assignees_under(&ctx.app, &ctx.actor, "", last_word(to)).await?;
    let to = one_of(found.users.into_iter().filter(|user| user.id != from).collect(), to)?;
    let found = stand_in::preview_handover(&ctx.app, &ctx.actor, from, to.id).await?;
    let mut lines = [Vec::new(), Vec::new()];
    for (out, items) in lines.iter_mut().zip([&found.moving, &found.staying]) {
        for item in items.iter().take(SHOWN) {
            out.push(moving(ctx, page, item).await?);
        }
    }
    let [moving, staying] = lines;
    Ok(Preview {
        from,
        from_name: found.from.name,
        to: found.to.id,
        to_name: label(page.lang, &found.to),
        moving,
        moving_count: found.moving.len(),
        staying,
        staying_count: found.staying.len(),
        seen: found.seen,
        batch: ids::new_id(),
    })
}

async fn moving(ctx: &Ctx, page: &Page, item: &Item) -> Result<Moving, LedgerError> {
    let profile = assess::profile_by_id(&ctx.app.db, item.profile_id).await?;
    Ok(Moving {
        id: item.id,
        number: item.number.clone(),
        title: item.title(page.lang),
        place: item.owner_unit.clone(),
        state: words::state(&profile, &item.ledger, &item.state).get(page.lang).to_owned(),
        deadline: item.deadline.clone(),
    })
}

#[derive(Debug, serde::Deserialize)]
struct HandoverForm {
    batch: Uuid,
    from: Uuid,
    to: Uuid,
    seen: String,
    #[serde(default)]
    who: String,
    #[serde(default)]
    note: String,
}

async fn apply(ctx: Ctx, Form(form): Form<HandoverForm>) -> Result<Response, WebError> {
    let done = stand_in::handover(&ctx.app, &ctx.actor, form.batch, form.from, form.to, &form.seen, &form.note).await;
    match done {
        Ok(_) => Ok(ctx.redirect_with("/ledger/handover", "ok", "handover-done")),
        Err(error @ LedgerError::Db(_)) => Err(error.into()),
        Err(error) => {
            let message = error.message(ctx.lang);
            let status = WebError::from(error).status();
            let asked = Asked { from: form.from.to_string(), to: form.who };
            let mut response = show_handover(&ctx, &asked, form.note, message).await?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}
