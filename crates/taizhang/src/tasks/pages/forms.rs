//! The forms of a task: issue, hand down, report, decide, remind, close.

use std::collections::BTreeMap;

use axum::extract::{Path, Query};
use axum::response::Response;
use uuid::Uuid;

use super::super::flow::{self, Hand, HandDown, NewReport, NewTask, Previous, Verdict};
use super::super::look::{self, Whole};
use super::super::model::{Figures, Leg, TITLE_MOST, read_day, read_figure, show_figure};
use super::super::{TaskError, campaign, unit_of};
use super::show::not_here;
use super::{Choice, NAV, again, id_or_new, refused};
use crate::platform::{UserError, ids};
use crate::web::{Ctx, Form, Page, WebError};

// ---- issue ----

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct NewFields {
    id: String,
    title: String,
    content: String,
    basis: String,
    unit: String,
    poverty: String,
    poverty_unit: String,
    target_poverty: String,
    epidemic: String,
    epidemic_unit: String,
    target_epidemic: String,
    due: String,
    campaign: String,
    previous: String,
}

#[derive(askama::Template)]
#[template(path = "task_new.html")]
struct NewPage {
    page: Page,
    fields: NewFields,
    campaigns: Vec<Choice>,
    previous: Vec<Choice>,
    title_most: usize,
    error: String,
}

async fn new_page(ctx: &Ctx, fields: NewFields, error: String) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let unit = unit_of(&ctx.app, &ctx.actor).await?;
    let mut campaigns = vec![Choice::new("", page.t("task-no-campaign"), &fields.campaign)];
    for one in campaign::all(&ctx.app, &ctx.actor).await? {
        campaigns.push(Choice::new(one.id, one.name, &fields.campaign));
    }
    let mut previous = vec![
        Choice::new("", page.t("task-previous-same"), &fields.previous),
        Choice::new("none", page.t("task-previous-none"), &fields.previous),
    ];
    for (id, title, due) in look::earlier(&ctx.app, &unit).await? {
        previous.push(Choice::new(id, format!("{title} ({due})"), &fields.previous));
    }
    ctx.render(&NewPage { campaigns, previous, title_most: TITLE_MOST, fields, error, page })
}

/// A new task.
pub(super) async fn new(ctx: Ctx, Query(asked): Query<NewFields>) -> Result<Response, WebError> {
    let fields = NewFields {
        id: ids::new_id().to_string(),
        poverty_unit: ctx.page(NAV).t("task-default-unit"),
        epidemic_unit: ctx.page(NAV).t("task-default-unit"),
        campaign: asked.campaign,
        ..NewFields::default()
    };
    new_page(&ctx, fields, String::new()).await
}

fn new_task(fields: &NewFields) -> Result<NewTask, TaskError> {
    // What a figure of a leg counts stands in the form although the leg may not be asked for.
    let counts = |leg: &str, unit: &str| if leg.trim().is_empty() { String::new() } else { unit.to_owned() };
    Ok(NewTask {
        id: id_or_new(&fields.id),
        title: fields.title.clone(),
        content: fields.content.clone(),
        basis: fields.basis.clone(),
        unit: fields.unit.clone(),
        division: String::new(),
        poverty_unit: counts(&fields.poverty, &fields.poverty_unit),
        epidemic_unit: counts(&fields.epidemic, &fields.epidemic_unit),
        poverty: fields.poverty.clone(),
        epidemic: fields.epidemic.clone(),
        targets: Figures::new(
            read_figure("target_poverty", &fields.target_poverty)?,
            read_figure("target_epidemic", &fields.target_epidemic)?,
        ),
        due: read_day("due", &fields.due)?,
        campaign: fields.campaign.parse().ok(),
        previous: match fields.previous.as_str() {
            "" => Previous::SameTitle,
            other => other.parse().map_or(Previous::None, Previous::Task),
        },
    })
}

/// Issues it.
pub(super) async fn issue(ctx: Ctx, Form(fields): Form<NewFields>) -> Result<Response, WebError> {
    let made = match new_task(&fields) {
        Ok(new) => flow::issue(&ctx.app, &ctx.actor, new).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(done) => Ok(ctx.redirect_with(&format!("/tasks/{}", done.task), "ok", "task-issued")),
        Err(error) if again(&error) => Ok(refused(new_page(&ctx, fields, error.message(ctx.lang)).await?)),
        Err(error) => Err(error.into()),
    }
}

// ---- hand down ----

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct HandQuery {
    level: String,
}

struct LegField {
    name: String,
    label: String,
    counts: String,
    value: String,
}

struct HandRow {
    code: String,
    place: String,
    has: bool,
    ticked: bool,
    legs: Vec<LegField>,
    due: String,
    note: String,
}

#[derive(askama::Template)]
#[template(path = "task_hand.html")]
struct HandPage {
    page: Page,
    id: Uuid,
    title: String,
    own: Vec<(String, String)>,
    due: String,
    rows: Vec<HandRow>,
    heads: Vec<String>,
    counties: bool,
    has_level: bool,
    version: i64,
    event: String,
    error: String,
}

/// The task as the reader's own unit has it; everything else is another unit's.
async fn own(ctx: &Ctx, id: Uuid) -> Result<Whole, WebError> {
    let whole = look::whole(&ctx.app, &ctx.actor, id, "").await?;
    if whole.node.is_none() {
        return Err(not_here(ctx).into());
    }
    Ok(whole)
}

fn field<'f>(fields: &'f BTreeMap<String, String>, name: &str) -> &'f str {
    fields.get(name).map_or("", String::as_str)
}

async fn hand_page(
    ctx: &Ctx,
    whole: &Whole,
    counties: bool,
    sent: Option<&BTreeMap<String, String>>,
    error: String,
) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let (task, legs) = (&whole.task, whole.task.legs());
    let Some(node) = &whole.node else {
        return Err(not_here(ctx).into());
    };
    let mut places = look::places_below(&ctx.app, &whole.division, counties).await?;
    // What was handed to a place of another level stays to be seen and changed.
    for line in &whole.lines {
        if places.iter().all(|(code, _)| *code != line.division_code) {
            places.push((line.division_code.clone(), line.place.clone()));
        }
    }
    let rows = places
        .into_iter()
        .map(|(code, place)| {
            let line = whole.lines.iter().find(|line| line.division_code == code);
            let value = |name: &str, known: String| match sent {
                Some(fields) => field(fields, &format!("{name}:{code}")).to_owned(),
                None => known,
            };
            HandRow {
                has: line.is_some(),
                ticked: sent.is_some_and(|fields| !field(fields, &format!("in:{code}")).is_empty()),
                legs: legs
                    .iter()
                    .map(|leg| LegField {
                        name: leg.name().to_owned(),
                        label: page.t(&format!("task-leg-{}", leg.name())),
                        counts: task.counts(*leg).to_owned(),
                        value: value(
                            leg.name(),
                            line.and_then(|line| line.targets().get(*leg)).map(show_figure).unwrap_or_default(),
                        ),
                    })
                    .collect(),
                due: value("due", line.map_or_else(|| node.due.clone(), |line| line.due.clone())),
                note: value("note", line.map(|line| line.note.clone()).unwrap_or_default()),
                code,
                place,
            }
        })
        .collect();
    ctx.render(&HandPage {
        id: task.id,
        title: task.title.clone(),
        own: legs
            .iter()
            .map(|leg| {
                let label = page.t(&format!("task-leg-{}", leg.name()));
                let figure = super::figure(node.targets().get(*leg));
                (label, format!("{figure} {}", task.counts(*leg)))
            })
            .collect(),
        heads: legs
            .iter()
            .map(|leg| format!("{} ({})", page.t(&format!("task-leg-{}", leg.name())), task.counts(*leg)))
            .collect(),
        due: node.due.clone(),
        rows,
        counties,
        has_level: whole.division.len() == 2,
        version: match sent {
            Some(fields) => field(fields, "version").parse().unwrap_or(0),
            None => node.version,
        },
        event: match sent {
            Some(fields) => field(fields, "event").to_owned(),
            None => ids::new_id().to_string(),
        },
        error,
        page,
    })
}

/// To whom a task is handed down.
pub(super) async fn hand(ctx: Ctx, Path(id): Path<Uuid>, Query(asked): Query<HandQuery>) -> Result<Response, WebError> {
    let whole = own(&ctx, id).await?;
    hand_page(&ctx, &whole, asked.level == "county", None, String::new()).await
}

fn hands(whole: &Whole, fields: &BTreeMap<String, String>) -> Result<Vec<Hand>, TaskError> {
    let mut lines = Vec::new();
    for (name, ticked) in fields {
        let Some(code) = name.strip_prefix("in:") else {
            continue;
        };
        if ticked.is_empty() {
            continue;
        }
        let given = |name: &str| field(fields, &format!("{name}:{code}"));
        let mut targets = Figures::default();
        for leg in whole.task.legs() {
            let what = match leg {
                Leg::Poverty => "target_poverty",
                Leg::Epidemic => "target_epidemic",
            };
            targets.set(leg, read_figure(what, given(leg.name()))?);
        }
        lines.push(Hand {
            division: code.to_owned(),
            targets,
            due: read_day("due", given("due"))?,
            note: given("note").to_owned(),
        });
    }
    Ok(lines)
}

/// Hands it down.
pub(super) async fn hand_down(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let whole = own(&ctx, id).await?;
    let fields: BTreeMap<String, String> = sent.into_iter().collect();
    let made = async {
        let node = whole.node.as_ref().ok_or(TaskError::NotFound)?;
        let hand = HandDown {
            event: id_or_new(field(&fields, "event")),
            node: node.id,
            version: field(&fields, "version").parse().unwrap_or(0),
            lines: hands(&whole, &fields)?,
        };
        flow::hand_down(&ctx.app, &ctx.actor, hand).await
    };
    match made.await {
        Ok(_) => Ok(ctx.redirect_with(&format!("/tasks/{id}"), "ok", "task-handed")),
        Err(error) if again(&error) => {
            let counties = field(&fields, "level") == "county";
            Ok(refused(hand_page(&ctx, &whole, counties, Some(&fields), error.message(ctx.lang)).await?))
        }
        Err(error) => Err(error.into()),
    }
}

// ---- report ----

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct ReportFields {
    id: String,
    version: i64,
    poverty: String,
    epidemic: String,
    said_poverty: String,
    said_epidemic: String,
}

struct ReportLeg {
    name: String,
    label: String,
    asked: String,
    counts: String,
    target: String,
    below: String,
    value: String,
    said: String,
}

#[derive(askama::Template)]
#[template(path = "task_report_new.html")]
struct ReportPage {
    page: Page,
    id: Uuid,
    title: String,
    due: String,
    legs: Vec<ReportLeg>,
    has_below: bool,
    waiting: i64,
    owed: i64,
    returned: String,
    number: i64,
    fields: ReportFields,
    error: String,
}

async fn report_page(ctx: &Ctx, whole: &Whole, fields: ReportFields, error: String) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let (task, Some(node)) = (&whole.task, &whole.node) else {
        return Err(not_here(ctx).into());
    };
    let has_below = !whole.lines.is_empty();
    let legs = task
        .legs()
        .into_iter()
        .map(|leg| ReportLeg {
            name: leg.name().to_owned(),
            label: page.t(&format!("task-leg-{}", leg.name())),
            asked: task.asked(leg).to_owned(),
            counts: task.counts(leg).to_owned(),
            target: super::figure(node.targets().get(leg)),
            below: super::figure(whole.sum.get(leg).or(Some(0))),
            value: match leg {
                Leg::Poverty => fields.poverty.clone(),
                Leg::Epidemic => fields.epidemic.clone(),
            },
            said: match leg {
                Leg::Poverty => fields.said_poverty.clone(),
                Leg::Epidemic => fields.said_epidemic.clone(),
            },
        })
        .collect();
    let count = |state: &str| i64::try_from(whole.lines.iter().filter(|line| line.state == state).count()).unwrap_or(0);
    let returned = whole.events.iter().find(|event| matches!(event.action.as_str(), "return" | "accept" | "report"));
    ctx.render(&ReportPage {
        id: task.id,
        title: task.title.clone(),
        due: node.due.clone(),
        legs,
        has_below,
        waiting: count("reported"),
        owed: count("unreported") + count("returned"),
        returned: returned.filter(|event| event.action == "return").map(|event| event.note.clone()).unwrap_or_default(),
        number: node.reports + 1,
        fields,
        error,
        page,
    })
}

/// A report up.
pub(super) async fn report(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let whole = own(&ctx, id).await?;
    // What was said last is there to be changed.
    let last = whole.reports.first();
    let shown = |figure: Option<i64>| figure.map(show_figure).unwrap_or_default();
    let fields = ReportFields {
        id: ids::new_id().to_string(),
        version: whole.node.as_ref().map_or(0, |node| node.version),
        poverty: shown(last.and_then(|report| report.own_poverty)),
        epidemic: shown(last.and_then(|report| report.own_epidemic)),
        said_poverty: last.map(|report| report.said_poverty.clone()).unwrap_or_default(),
        said_epidemic: last.map(|report| report.said_epidemic.clone()).unwrap_or_default(),
    };
    report_page(&ctx, &whole, fields, String::new()).await
}

/// Sends it.
pub(super) async fn send_report(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(fields): Form<ReportFields>,
) -> Result<Response, WebError> {
    let whole = own(&ctx, id).await?;
    let made = async {
        let node = whole.node.as_ref().ok_or(TaskError::NotFound)?;
        let new = NewReport {
            id: id_or_new(&fields.id),
            node: node.id,
            version: fields.version,
            own: Figures::new(read_figure("poverty", &fields.poverty)?, read_figure("epidemic", &fields.epidemic)?),
            said_poverty: fields.said_poverty.clone(),
            said_epidemic: fields.said_epidemic.clone(),
        };
        flow::report(&ctx.app, &ctx.actor, new).await
    };
    match made.await {
        Ok(_) => Ok(ctx.redirect_with(&format!("/tasks/{id}"), "ok", "task-reported")),
        Err(error) if again(&error) => Ok(refused(report_page(&ctx, &whole, fields, error.message(ctx.lang)).await?)),
        Err(error) => Err(error.into()),
    }
}

// ---- decide, remind, close ----

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct DecideFields {
    event: String,
    node: String,
    version: i64,
    report: String,
    verdict: String,
    reason: String,
}

/// Accepts or returns a report.
pub(super) async fn decide(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(fields): Form<DecideFields>,
) -> Result<Response, WebError> {
    own(&ctx, id).await?;
    let accept = fields.verdict == "accept";
    let verdict = Verdict {
        event: id_or_new(&fields.event),
        node: fields.node.parse().unwrap_or_default(),
        version: fields.version,
        report: fields.report.parse().unwrap_or_default(),
        accept,
        reason: fields.reason,
    };
    flow::decide(&ctx.app, &ctx.actor, verdict).await?;
    let said = if accept { "task-accepted" } else { "task-returned" };
    Ok(ctx.redirect_with(&format!("/tasks/{id}"), "ok", said))
}

/// Accepts many reports as their lines show them.
pub(super) async fn accept(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    own(&ctx, id).await?;
    let picked = sent
        .iter()
        .filter(|(name, _)| name == "pick")
        .filter_map(|(_, text)| {
            let mut parts = text.split(':');
            let node = parts.next()?.parse().ok()?;
            let version = parts.next()?.parse().ok()?;
            Some((node, version, parts.next()?.parse().ok()?))
        })
        .collect();
    let many = flow::accept_many(&ctx.app, &ctx.actor, picked).await?;
    let (tone, said) = match (many.accepted, many.left) {
        (0, 0) => ("warn", "task-picked-none"),
        (0, _) => ("warn", "task-accepted-none"),
        (_, 0) => ("ok", "task-accepted-all"),
        _ => ("warn", "task-accepted-some"),
    };
    Ok(ctx.redirect_with(&format!("/tasks/{id}"), tone, said))
}

/// Reminds those that owe a report.
pub(super) async fn remind(ctx: Ctx, Form(sent): Form<Vec<(String, String)>>) -> Result<Response, WebError> {
    let nodes = sent.iter().filter(|(name, _)| name == "pick").filter_map(|(_, id)| id.parse().ok()).collect();
    let reminded = flow::remind(&ctx.app, &ctx.actor, nodes).await?;
    let back = sent.iter().find(|(name, _)| name == "back").map_or("/tasks/owed", |(_, path)| path.as_str());
    let back = if back.starts_with("/tasks") { back } else { "/tasks/owed" };
    let (tone, said) = if reminded > 0 { ("ok", "task-reminded") } else { ("warn", "task-reminded-none") };
    Ok(ctx.redirect_with(back, tone, said))
}

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct CloseFields {
    event: String,
    version: i64,
    open: String,
    reason: String,
}

/// Closes a task, or opens it again.
pub(super) async fn close(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(fields): Form<CloseFields>,
) -> Result<Response, WebError> {
    let open = !fields.open.is_empty();
    let event = id_or_new(&fields.event);
    flow::close(&ctx.app, &ctx.actor, id, event, fields.version, open, fields.reason).await?;
    let said = if open { "task-reopened" } else { "task-closed-now" };
    Ok(ctx.redirect_with(&format!("/tasks/{id}"), "ok", said))
}
