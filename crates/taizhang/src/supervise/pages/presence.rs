//! Whether work teams are on post: the grid of a place, the month of one member, leave.

use axum::extract::{Path, Query};
use axum::response::Response;
use chrono::NaiveDate;
use uuid::Uuid;

use super::{Choice, Figure, ROWS, Tab, address, choices, day, on_the_form, page_number, pager, tabs};
use crate::ledger::words;
use crate::platform::ids;
use crate::register::pages::{Badge, Crumb, dash, grouped};
use crate::screen::pages::place;
use crate::supervise::presence::{self, LEAVE_KINDS, Leave, Mark, Month, NewLeave, ROLES, Row, Verdict};
use crate::supervise::{self, may_supervise};
use crate::web::{Ctx, Form, Page, WebError};

/// Codes shorter than a county's hold too many members for one grid.
const GRID_FROM: usize = 6;

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    division: String,
    month: String,
    verdict: String,
    page: String,
}

/// The month that an address asks for: this one where it asks for none, or for one to come.
fn month(text: &str, today: NaiveDate) -> Month {
    let asked = day(&format!("{}-01", text.trim())).filter(|first| *first <= today).unwrap_or(today);
    Month::of(asked, today)
}

fn month_name(month: Month) -> String {
    month.first.format("%Y-%m").to_string()
}

/// A day of the strip.
struct DayView {
    number: u32,
    class: &'static str,
    sign: String,
    title: String,
}

struct MemberRow {
    href: String,
    name: String,
    role: String,
    team: String,
    place: String,
    days: Vec<DayView>,
    present: i64,
    asked: i64,
    leave: i64,
    epidemic: String,
    poverty: String,
    roles: Vec<(String, i64)>,
    last: String,
    verdict: Badge,
}

fn verdict(page: &Page, verdict: Verdict) -> Badge {
    let tone = match verdict {
        Verdict::Absent => "danger",
        Verdict::Short => "warn",
        Verdict::OnLeave => "info",
        Verdict::Met => "ok",
        Verdict::Off => "mute",
    };
    Badge { tone, text: page.t(&format!("supervise-verdict-{}", verdict.name())) }
}

fn strip(page: &Page, month: Month, marks: &[Mark]) -> Vec<DayView> {
    month
        .days()
        .zip(marks)
        .enumerate()
        .map(|(at, (on, mark))| DayView {
            number: u32::try_from(at).unwrap_or(0) + 1,
            class: mark.name(),
            sign: page.t(&format!("supervise-sign-{}", mark.name())),
            title: format!("{on} {}", page.t(&format!("supervise-mark-{}", mark.name()))),
        })
        .collect()
}

fn member_row(page: &Page, month: Month, row: &Row) -> MemberRow {
    MemberRow {
        href: address(&format!("/supervise/presence/{}", row.member.id), &[("month", &month_name(month))]),
        name: row.member.name.clone(),
        role: row.member.role.clone(),
        team: row.member.team.clone(),
        place: row.member.place.clone(),
        days: strip(page, month, &row.marks),
        present: row.present(),
        asked: row.asked,
        leave: row.leave,
        epidemic: grouped(row.epidemic),
        poverty: grouped(row.poverty),
        roles: ROLES.iter().zip(row.roles).map(|(role, n)| (page.t(&format!("supervise-role-{role}")), n)).collect(),
        last: row.last.map_or_else(|| "—".to_owned(), |day| day.to_string()),
        verdict: verdict(page, row.verdict),
    }
}

#[derive(askama::Template)]
#[template(path = "supervise_presence.html")]
struct GridPage {
    page: Page,
    tabs: Vec<Tab>,
    crumbs: Vec<Crumb>,
    title: String,
    as_of: String,
    rule: String,
    division: String,
    month: String,
    month_most: String,
    tiles: Vec<Figure>,
    filters: Vec<(String, String, bool)>,
    places: Vec<Figure>,
    wide: bool,
    rows: Vec<MemberRow>,
    legend: Vec<(String, String, &'static str)>,
    summary: String,
    prev: String,
    next: String,
}

fn legend(page: &Page) -> Vec<(String, String, &'static str)> {
    [Mark::Work, Mark::Between, Mark::Leave, Mark::Away, Mark::Call, Mark::Nothing]
        .into_iter()
        .map(|mark| {
            let name = mark.name();
            (page.t(&format!("supervise-sign-{name}")), page.t(&format!("supervise-mark-{name}")), name)
        })
        .collect()
}

/// The grid of a place.
pub(super) async fn page(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let today = ctx.app.clock.today();
    let month = month(&asked.month, today);
    let base = address("/supervise/presence", &[("month", &month_name(month))]);
    let (scope, title, crumbs) = place(&ctx, &asked.division, &base).await?;
    let page = ctx.page("nav-supervise");
    let (_, policy) = supervise::policy(&ctx.app, &ctx.actor).await?;
    let root = scope.root().to_owned();
    let here = |division: &str, verdict: &str, at: &str| {
        address(
            "/supervise/presence",
            &[("division", division), ("month", &month_name(month)), ("verdict", verdict), ("page", at)],
        )
    };
    let wide = root.len() < GRID_FROM;
    let found = presence::places(&ctx.app, &ctx.actor, &scope).await?;
    let places = found
        .iter()
        .filter(|(code, ..)| *code != root)
        .map(|(code, name, n)| Figure {
            label: name.clone(),
            text: grouped(*n),
            href: here(code, "", ""),
            alarm: false,
        })
        .collect();
    let rows =
        if wide { Vec::new() } else { presence::grid(&ctx.app, &ctx.actor, &policy.presence, &scope, month).await? };
    let counts = presence::by_verdict(&rows);
    let only = Verdict::from_name(&asked.verdict);
    let tile = |label: String, n: i64, href: String, alarm: bool| Figure {
        label,
        text: grouped(n),
        href: if n > 0 { href } else { String::new() },
        alarm: alarm && n > 0,
    };
    let members: i64 = found.iter().map(|(.., n)| n).sum();
    let mut tiles = vec![tile(page.t("supervise-members"), members, here(&root, "", ""), false)];
    let mut filters = vec![(here(&root, "", ""), page.t("supervise-all-members"), only.is_none())];
    if !wide {
        for verdict in [Verdict::Absent, Verdict::Short, Verdict::OnLeave, Verdict::Met] {
            let n = counts.get(&verdict).copied().unwrap_or(0);
            let label = page.t(&format!("supervise-verdict-{}", verdict.name()));
            tiles.push(tile(label.clone(), n, here(&root, verdict.name(), ""), verdict == Verdict::Absent));
            filters.push((here(&root, verdict.name(), ""), label, only == Some(verdict)));
        }
    }
    let chosen: Vec<&Row> = rows.iter().filter(|row| only.is_none_or(|verdict| row.verdict == verdict)).collect();
    let at = page_number(&asked.page);
    let skip = usize::try_from((at - 1) * ROWS).unwrap_or(0);
    let shown: Vec<MemberRow> = chosen
        .iter()
        .skip(skip)
        .take(usize::try_from(ROWS).unwrap_or(0))
        .map(|row| member_row(&page, month, row))
        .collect();
    let (summary, prev, next) = pager(&page, at, shown.len(), chosen.len() as i64, |to| {
        here(&root, only.map_or("", Verdict::name), &to.to_string())
    });
    let view = GridPage {
        tabs: tabs(&ctx, "/supervise/presence"),
        as_of: page.t1("screen-as-of", "day", month.through),
        rule: policy.presence.in_words(page.lang),
        division: root,
        month: month_name(month),
        month_most: today.format("%Y-%m").to_string(),
        tiles,
        filters,
        places,
        wide,
        rows: shown,
        legend: legend(&page),
        summary,
        prev,
        next,
        title,
        crumbs,
        page,
    };
    ctx.render(&view)
}

struct DeedRow {
    day: String,
    what: String,
    about: String,
    href: String,
    ledger: String,
}

struct LeaveRow {
    id: Uuid,
    period: String,
    kind: String,
    reason: String,
    approved: String,
    recorded: String,
    withdrawn: String,
}

fn leave_row(page: &Page, leave: Leave) -> LeaveRow {
    LeaveRow {
        id: leave.id,
        period: page.t2("screen-round-period", "from", &leave.from_day, "to", &leave.to_day),
        kind: page.t(&format!("supervise-leave-{}", leave.kind)),
        reason: leave.reason,
        approved: format!("{} {}", page.t(&format!("supervise-approved-{}", leave.approved_level)), leave.approved_by),
        recorded: page.t2("supervise-recorded-by", "who", &leave.recorded_name, "when", page.time(&leave.recorded_at)),
        withdrawn: leave.withdrawn_at.map_or_else(String::new, |at| {
            format!("{} {} {}", leave.withdrawn_name, page.time(&at), leave.withdrawn_reason)
        }),
    }
}

/// What the form of a leave sends.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct LeaveFields {
    id: String,
    from: String,
    to: String,
    kind: String,
    reason: String,
    approved_by: String,
}

#[derive(askama::Template)]
#[template(path = "supervise_member.html")]
struct MemberPage {
    page: Page,
    crumbs: Vec<Crumb>,
    as_of: String,
    rule: String,
    id: Uuid,
    month: String,
    month_most: String,
    row: MemberRow,
    unit: String,
    serving: String,
    legend: Vec<(String, String, &'static str)>,
    deeds: Vec<DeedRow>,
    leaves: Vec<LeaveRow>,
    may: bool,
    fields: LeaveFields,
    kinds: Vec<Choice>,
    leave_hint: String,
    error: String,
    /// Where an absence is taken up; empty where there is none.
    take_up: String,
}

async fn member_page(
    ctx: &Ctx,
    id: Uuid,
    asked: &Asked,
    fields: LeaveFields,
    error: String,
) -> Result<Response, WebError> {
    let today = ctx.app.clock.today();
    let month = month(&asked.month, today);
    let (profile, policy) = supervise::policy(&ctx.app, &ctx.actor).await?;
    let whole = presence::member(&ctx.app, &ctx.actor, &policy.presence, id, month).await?;
    let page = ctx.page("nav-supervise");
    let base = address("/supervise/presence", &[("month", &month_name(month))]);
    let division = whole.row.member.division_code.clone();
    let (_, _, crumbs) = place(ctx, &division, &base).await?;
    let deeds = whole
        .deeds
        .iter()
        .map(|deed| DeedRow {
            day: deed.day.clone(),
            what: page.t(&format!("supervise-deed-{}", deed.what)),
            about: dash(&deed.about),
            href: match deed.of.as_str() {
                "visit" => format!("/visits/{}", deed.id),
                "item" => format!("/ledger/{}", deed.id),
                _ => format!("/monitor/{}", deed.id),
            },
            ledger: if deed.ledger.is_empty() {
                "—".to_owned()
            } else {
                words::ledger(&profile, &deed.ledger, page.lang)
            },
        })
        .collect();
    let member = &whole.row.member;
    let hint = if presence::approval_level(&ctx.actor) == "township" {
        page.t1("supervise-leave-hint-township", "most", policy.presence.leave_township_days)
    } else {
        page.t("supervise-leave-hint-county")
    };
    let may = may_supervise(&ctx.actor);
    let view = MemberPage {
        as_of: page.t1("screen-as-of", "day", month.through),
        rule: policy.presence.in_words(page.lang),
        id,
        month: month_name(month),
        month_most: today.format("%Y-%m").to_string(),
        unit: dash(&member.unit),
        serving: page.t2("screen-round-period", "from", dash(&member.start_date), "to", dash(&member.end_date)),
        take_up: if may && whole.row.verdict == Verdict::Absent {
            address("/supervise/sessions/new", &[("division", &division)])
        } else {
            String::new()
        },
        row: member_row(&page, month, &whole.row),
        legend: legend(&page),
        deeds,
        leaves: whole.leaves.into_iter().map(|leave| leave_row(&page, leave)).collect(),
        may,
        kinds: choices(&page, "supervise-leave", LEAVE_KINDS, &fields.kind),
        fields,
        leave_hint: hint,
        error,
        crumbs,
        page,
    };
    ctx.render(&view)
}

/// The month of one member.
pub(super) async fn member(ctx: Ctx, Path(id): Path<Uuid>, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let today = ctx.app.clock.today().to_string();
    let fields = LeaveFields {
        id: ids::new_id().to_string(),
        from: today.clone(),
        to: today,
        kind: "personal".to_owned(),
        ..LeaveFields::default()
    };
    member_page(&ctx, id, &asked, fields, String::new()).await
}

/// Writes a leave down.
pub(super) async fn leave(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(fields): Form<LeaveFields>,
) -> Result<Response, WebError> {
    let (_, policy) = supervise::policy(&ctx.app, &ctx.actor).await?;
    let new = NewLeave {
        id: fields.id.parse().unwrap_or_else(|_| ids::new_id()),
        member: id,
        from: day(&fields.from),
        to: day(&fields.to),
        kind: fields.kind.clone(),
        reason: fields.reason.clone(),
        approved_by: fields.approved_by.clone(),
    };
    match presence::leave(&ctx.app, &ctx.actor, &policy.presence, new).await {
        Ok(()) => Ok(ctx.redirect_with(&format!("/supervise/presence/{id}"), "ok", "supervise-leave-recorded")),
        Err(error) => {
            let (message, status) = on_the_form(error, ctx.lang)?;
            let mut response = member_page(&ctx, id, &Asked::default(), fields, message).await?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct WithdrawFields {
    reason: String,
}

/// Withdraws a leave.
pub(super) async fn withdraw(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(fields): Form<WithdrawFields>,
) -> Result<Response, WebError> {
    let member = presence::withdraw(&ctx.app, &ctx.actor, id, &fields.reason).await?;
    Ok(ctx.redirect_with(&format!("/supervise/presence/{member}"), "ok", "supervise-leave-withdrawn"))
}
