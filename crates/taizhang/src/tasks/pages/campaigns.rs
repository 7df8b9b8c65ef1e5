//! Campaigns: the list, a new one, the board against the plan, another plan.

use axum::extract::{Path, Query};
use axum::response::Response;
use chrono::NaiveDate;
use uuid::Uuid;

use super::super::campaign::{self, Board, LegProgress, MILESTONES_MOST, Milestone, NewCampaign, Plan, PlanVersion};
use super::super::model::{TITLE_MOST, read_day};
use super::super::{TaskError, unit_of};
use super::{LEAD, NAV, Tab, again, bar, figure, id_or_new, percent_text, refused, tabs, way};
use crate::platform::{UserError, ids};
use crate::register::pages::{Badge, Crumb, dash};
use crate::web::{Ctx, Form, Page, WebError};

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    division: String,
}

struct Row {
    id: Uuid,
    name: String,
    place: String,
    days: String,
    legs: usize,
    percent: i64,
    percent_text: String,
    planned: String,
    pace: Badge,
}

#[derive(askama::Template)]
#[template(path = "campaigns.html")]
struct IndexPage {
    page: Page,
    tabs: Vec<Tab>,
    as_of: String,
    rows: Vec<Row>,
    may_begin: bool,
}

/// How what is done stands against what was planned: both in tenths of a percent.
fn pace(page: &Page, done: Option<i64>, planned: i64, behind: i64) -> Badge {
    match done {
        None => Badge { tone: "mute", text: page.t("task-pace-none") },
        Some(done) if done >= planned => {
            let ahead = done - planned;
            let text = page.t1("task-pace-ahead", "points", format!("{}.{}", ahead / 10, ahead % 10));
            Badge { tone: "ok", text }
        }
        Some(done) => {
            let short = planned - done;
            let points = format!("{}.{}", short / 10, short % 10);
            let tone = if short >= 100 { "danger" } else { "warn" };
            let text = if behind > 0 {
                page.t2("task-pace-behind-days", "points", points, "days", behind)
            } else {
                page.t1("task-pace-behind", "points", points)
            };
            Badge { tone, text }
        }
    }
}

fn days(page: &Page, plan: &Plan) -> String {
    page.t2("task-plan-days", "from", plan.from, "to", plan.to)
}

/// Every campaign that concerns the reader.
pub(super) async fn index(ctx: Ctx) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let mut rows = Vec::new();
    for one in campaign::all(&ctx.app, &ctx.actor).await? {
        let board = campaign::board(&ctx.app, &ctx.actor, one.id, "").await?;
        rows.push(Row {
            id: one.id,
            place: one.place.clone(),
            days: board.plans.last().map(|version| days(&page, &version.plan)).unwrap_or_default(),
            legs: board.legs.len(),
            percent: bar(board.permille),
            percent_text: percent_text(board.permille),
            planned: percent_text(Some(board.baseline)),
            pace: pace(&page, board.permille, board.baseline, board.days_behind),
            name: one.name,
        });
    }
    ctx.render(&IndexPage {
        tabs: tabs(&ctx, "/tasks/campaigns"),
        as_of: page.t1("task-as-of", "day", ctx.app.clock.today()),
        may_begin: LEAD.allows(&ctx.actor),
        rows,
        page,
    })
}

#[derive(Debug, Clone, Default)]
struct Fields {
    id: String,
    name: String,
    goal: String,
    from: String,
    to: String,
    milestones: Vec<(String, String, String)>,
    version: i64,
    reason: String,
}

impl Fields {
    fn of(sent: &[(String, String)]) -> Self {
        let get = |name: &str| {
            sent.iter().find(|(known, _)| known == name).map(|(_, text)| text.trim().to_owned()).unwrap_or_default()
        };
        let all = |name: &str| -> Vec<String> {
            sent.iter().filter(|(known, _)| known == name).map(|(_, text)| text.trim().to_owned()).collect()
        };
        let (on, percent, titles) = (all("m_day"), all("m_percent"), all("m_title"));
        let milestones = on
            .into_iter()
            .zip(percent)
            .zip(titles)
            .map(|((day, percent), title)| (day, percent, title))
            .filter(|(day, percent, title)| !(day.is_empty() && percent.is_empty() && title.is_empty()))
            .collect();
        Self {
            id: get("id"),
            name: get("name"),
            goal: get("goal"),
            from: get("from"),
            to: get("to"),
            milestones,
            version: get("version").parse().unwrap_or(0),
            reason: get("reason"),
        }
    }

    fn plan(&self) -> Result<Plan, TaskError> {
        let mut milestones = Vec::new();
        for (day, percent, title) in &self.milestones {
            let percent = percent
                .trim_end_matches('%')
                .parse()
                .map_err(|_| TaskError::Figure { field: "milestone", given: percent.chars().take(40).collect() })?;
            milestones.push(Milestone { day: read_day("milestone", day)?, percent, title: title.clone() });
        }
        Ok(Plan { from: read_day("from", &self.from)?, to: read_day("to", &self.to)?, milestones })
    }

    /// Empty lines for more milestones.
    fn roomy(mut self) -> Self {
        let wanted = (self.milestones.len() + 3).min(MILESTONES_MOST);
        while self.milestones.len() < wanted {
            self.milestones.push(Default::default());
        }
        self
    }
}

#[derive(askama::Template)]
#[template(path = "campaign_form.html")]
struct FormPage {
    page: Page,
    title: String,
    sub: String,
    action: String,
    back: String,
    is_new: bool,
    fields: Fields,
    title_most: usize,
    error: String,
}

fn new_page(ctx: &Ctx, fields: Fields, error: String) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    ctx.render(&FormPage {
        title: page.t("task-campaign-new"),
        sub: page.t("task-campaign-new-sub"),
        action: "/tasks/campaigns".to_owned(),
        back: "/tasks/campaigns".to_owned(),
        is_new: true,
        fields: fields.roomy(),
        title_most: TITLE_MOST,
        error,
        page,
    })
}

/// A new campaign.
pub(super) async fn new(ctx: Ctx) -> Result<Response, WebError> {
    let today = ctx.app.clock.today();
    let fields = Fields {
        id: ids::new_id().to_string(),
        from: today.to_string(),
        to: today.checked_add_days(chrono::Days::new(90)).unwrap_or(today).to_string(),
        ..Fields::default()
    };
    new_page(&ctx, fields, String::new())
}

/// Begins it.
pub(super) async fn begin(ctx: Ctx, Form(sent): Form<Vec<(String, String)>>) -> Result<Response, WebError> {
    let fields = Fields::of(&sent);
    let made = async {
        let new = NewCampaign {
            id: id_or_new(&fields.id),
            name: fields.name.clone(),
            goal: fields.goal.clone(),
            plan: fields.plan()?,
        };
        campaign::begin(&ctx.app, &ctx.actor, new).await
    };
    match made.await {
        Ok(id) => Ok(ctx.redirect_with(&format!("/tasks/campaigns/{id}"), "ok", "task-campaign-begun")),
        Err(error) if again(&error) => Ok(refused(new_page(&ctx, fields, error.message(ctx.lang))?)),
        Err(error) => Err(error.into()),
    }
}

fn plan_page(ctx: &Ctx, id: Uuid, name: &str, fields: Fields, error: String) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    ctx.render(&FormPage {
        title: page.t1("task-replan-title", "name", name),
        sub: page.t("task-replan-sub"),
        action: format!("/tasks/campaigns/{id}/plan"),
        back: format!("/tasks/campaigns/{id}"),
        is_new: false,
        fields: fields.roomy(),
        title_most: TITLE_MOST,
        error,
        page,
    })
}

/// Another plan.
pub(super) async fn plan(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let (one, plans) = campaign::one(&ctx.app, &ctx.actor, id).await?;
    let unit = unit_of(&ctx.app, &ctx.actor).await?;
    if !ctx.actor.is_machine && unit != one.division_code {
        return Err(TaskError::Unit { unit: one.unit }.into());
    }
    let plan = plans.last().map(|version| version.plan.clone());
    let fields = Fields {
        from: plan.as_ref().map(|plan| plan.from.to_string()).unwrap_or_default(),
        to: plan.as_ref().map(|plan| plan.to.to_string()).unwrap_or_default(),
        milestones: plan
            .map(|plan| plan.milestones)
            .unwrap_or_default()
            .into_iter()
            .map(|one| (one.day.to_string(), one.percent.to_string(), one.title))
            .collect(),
        version: one.plan_version,
        ..Fields::default()
    };
    plan_page(&ctx, id, &one.name, fields, String::new())
}

/// Puts it in force.
pub(super) async fn replan(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let (one, _) = campaign::one(&ctx.app, &ctx.actor, id).await?;
    let fields = Fields::of(&sent);
    let made = async {
        let plan = fields.plan()?;
        campaign::replan(&ctx.app, &ctx.actor, id, fields.version, plan, fields.reason.clone()).await
    };
    match made.await {
        Ok(_) => Ok(ctx.redirect_with(&format!("/tasks/campaigns/{id}"), "ok", "task-replanned")),
        Err(error) if again(&error) => Ok(refused(plan_page(&ctx, id, &one.name, fields, error.message(ctx.lang))?)),
        Err(error) => Err(error.into()),
    }
}

struct LegRow {
    title: String,
    href: String,
    leg: String,
    counts: String,
    target: String,
    done: String,
    rest: String,
    percent: i64,
    percent_text: String,
    pace: Badge,
    year: String,
    year_way: &'static str,
    year_href: String,
}

struct PlaceRow {
    name: String,
    href: String,
    legs: usize,
    reached: usize,
    percent: i64,
    percent_text: String,
    pace: Badge,
    owed: usize,
    late: usize,
}

struct PlanRow {
    version: i64,
    days: String,
    milestones: Vec<(String, String)>,
    reason: String,
    by: String,
}

#[derive(askama::Template)]
#[template(path = "campaign_show.html")]
struct ShowPage {
    page: Page,
    crumbs: Vec<Crumb>,
    id: Uuid,
    name: String,
    place: String,
    sub: String,
    as_of: String,
    goal: String,
    pace: Badge,
    percent: i64,
    percent_text: String,
    baseline: i64,
    baseline_text: String,
    planned_text: String,
    changed: bool,
    days_behind: i64,
    reached: usize,
    legs_total: usize,
    owed: usize,
    owed_href: String,
    legs: Vec<LegRow>,
    places: Vec<PlaceRow>,
    plans: Vec<PlanRow>,
    may_plan: bool,
    may_issue: bool,
}

fn leg_row(page: &Page, leg: &LegProgress, division: &str, baseline: i64) -> LegRow {
    let (mut year, mut year_way, mut year_href) = (String::new(), "flat", String::new());
    if let Some(before) = &leg.last_year
        && before.finally.get(leg.leg).or(before.then.get(leg.leg)).is_some()
    {
        year_href = format!("/tasks/{}", before.task.id);
        let then = before.then.get(leg.leg).unwrap_or(0);
        let change = leg.done - then;
        year_way = match change {
            0 => "flat",
            change if change > 0 => "up",
            _ => "down",
        };
        year = page.t2("task-year-then", "then", figure(Some(then)), "change", figure(Some(change.abs())));
    }
    LegRow {
        title: leg.task.title.clone(),
        href: format!("/tasks/{}?division={division}", leg.task.id),
        leg: page.t(&format!("task-leg-{}", leg.leg.name())),
        counts: leg.task.counts(leg.leg).to_owned(),
        target: figure(leg.target),
        done: figure(Some(leg.done)),
        rest: figure(leg.rest()),
        percent: bar(leg.permille),
        percent_text: percent_text(leg.permille),
        pace: pace(page, leg.permille, baseline, 0),
        year_href,
        year,
        year_way,
    }
}

fn plan_row(page: &Page, version: &PlanVersion) -> PlanRow {
    PlanRow {
        version: version.version,
        days: days(page, &version.plan),
        milestones: version
            .plan
            .milestones
            .iter()
            .map(|one| (format!("{} · {}%", one.day, one.percent), one.title.clone()))
            .collect(),
        reason: version.reason.clone(),
        by: page.t2("task-planned-by", "who", dash(&version.by_name), "at", page.time(&version.at)),
    }
}

/// The board of a campaign at a place.
pub(super) async fn show(ctx: Ctx, Path(id): Path<Uuid>, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let board: Board = campaign::board(&ctx.app, &ctx.actor, id, &asked.division).await?;
    let page = ctx.page(NAV);
    let today: NaiveDate = ctx.app.clock.today();
    let unit = unit_of(&ctx.app, &ctx.actor).await?;
    let (place, crumbs) = way(&ctx, &board.division, &format!("/tasks/campaigns/{id}")).await?;
    let leads = LEAD.allows(&ctx.actor);
    let baseline = board.baseline;
    let view = ShowPage {
        id,
        name: board.campaign.name.clone(),
        sub: format!(
            "{} · {}",
            board.campaign.unit,
            board.plans.last().map(|version| days(&page, &version.plan)).unwrap_or_default()
        ),
        as_of: page.t1("task-as-of", "day", today),
        goal: board.campaign.goal.clone(),
        pace: pace(&page, board.permille, baseline, board.days_behind),
        percent: bar(board.permille),
        percent_text: percent_text(board.permille),
        baseline: bar(Some(baseline)),
        baseline_text: percent_text(Some(baseline)),
        planned_text: percent_text(Some(board.planned)),
        changed: board.plans.len() > 1,
        days_behind: board.days_behind,
        reached: board.legs.iter().filter(|leg| leg.permille.is_some_and(|share| share >= 1000)).count(),
        legs_total: board.legs.len(),
        owed: board.places.iter().map(|place| place.owed).sum(),
        owed_href: format!("/tasks/owed?division={}", board.division),
        legs: board.legs.iter().map(|leg| leg_row(&page, leg, &board.division, baseline)).collect(),
        places: board
            .places
            .iter()
            .map(|place| PlaceRow {
                name: place.name.clone(),
                href: format!("/tasks/campaigns/{id}?division={}", place.code),
                legs: place.legs,
                reached: place.reached,
                percent: bar(place.permille),
                percent_text: percent_text(place.permille),
                pace: pace(&page, place.permille, baseline, 0),
                owed: place.owed,
                late: place.late,
            })
            .collect(),
        plans: board.plans.iter().rev().map(|version| plan_row(&page, version)).collect(),
        may_plan: leads && (ctx.actor.is_machine || unit == board.campaign.division_code),
        may_issue: leads,
        place,
        crumbs,
        page,
    };
    ctx.render(&view)
}
