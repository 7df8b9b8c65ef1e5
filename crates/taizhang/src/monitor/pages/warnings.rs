//! Departments' warnings with their clues, and reminders by name.

use axum::extract::Query;
use axum::response::Response;
use uuid::Uuid;

use super::{LINES, address, deadline, pager};
use crate::access::Capability;
use crate::assess;
use crate::assess::profile::monitoring::PushDay;
use crate::monitor::model::WarningCount;
use crate::monitor::{self, WarnAsked};
use crate::web::form::Nothing;
use crate::web::{Ctx, Form, Page, WebError};

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    warning: String,
    which: String,
    page: String,
}

struct WarningView {
    id: String,
    title: String,
    agency: String,
    threshold: String,
    group: String,
    push: String,
    last: String,
    count: WarningCount,
    precision: String,
    href: String,
    fed: bool,
}

struct ClueView {
    href: String,
    number: String,
    head: String,
    place: String,
    title: String,
    evidence: Vec<String>,
    raised: String,
    due: String,
    verdict: String,
    tone: &'static str,
    reply: String,
}

struct Tab {
    href: String,
    label: String,
    active: bool,
}

#[derive(askama::Template)]
#[template(path = "monitor_warnings.html")]
struct WarningsPage {
    page: Page,
    asof: String,
    warnings: Vec<WarningView>,
    tabs: Vec<Tab>,
    heading: String,
    clues: Vec<ClueView>,
    summary: String,
    prev: String,
    next: String,
    may_draw: bool,
}

pub(super) async fn warnings(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let page = ctx.page("nav-monitor");
    let lang = page.lang;
    let profile = monitor::policy(&ctx.app).await?;
    let today = ctx.app.clock.today();
    let counts = monitor::warning_counts(&ctx.app, &ctx.actor).await?;
    let href = |warning: &str, which: &str, at: &str| {
        address("/monitor/warnings", &[("warning", warning), ("which", which), ("page", at)])
    };
    let mut views = Vec::new();
    for warning in &profile.warnings {
        let count = counts.iter().find(|count| count.warning_id == warning.id).cloned().unwrap_or_default();
        let last = monitor::last_push(&ctx.app, &ctx.actor, &warning.id).await?;
        views.push(WarningView {
            title: warning.title.get(lang).to_owned(),
            agency: warning.agency.get(lang).to_owned(),
            threshold: format!("{} {}", assess::value_in_words(&warning.threshold.to_string()), warning.unit.get(lang)),
            group: warning.group.get(lang).to_owned(),
            push: match warning.feed.as_ref().map(|feed| feed.push_day) {
                Some(PushDay::Monthly(day)) => page.t1("monitor-push-monthly", "day", day),
                Some(PushDay::Yearly(month, day)) => page.t2("monitor-push-yearly", "month", month, "day", day),
                _ => warning.push.get(lang).to_owned(),
            },
            last: last.map_or_else(|| "—".to_owned(), |(period, day)| format!("{day}（{period}）")),
            precision: count.precision().map_or_else(|| "—".to_owned(), |share| format!("{:.0}%", share * 100.0)),
            href: href(&warning.id, "", ""),
            fed: warning.feed.is_some(),
            count,
            id: warning.id.clone(),
        });
    }
    let at = asked.page.parse::<i64>().unwrap_or(1).max(1);
    let which = ["open", "late", "confirmed", "false_alarm"].into_iter().find(|w| *w == asked.which).unwrap_or("");
    let (lines, total) = monitor::warning_clues(&ctx.app, &ctx.actor, (&asked.warning, which), (at, LINES)).await?;
    let mut clues = Vec::new();
    for line in lines {
        let late = line.verdict.is_empty() && !line.reply_by.is_empty() && line.reply_by < today.to_string();
        let title = profile.warnings.iter().find(|warning| warning.id == line.warning_id);
        clues.push(ClueView {
            href: format!("/monitor/{}#clues", line.case_id),
            evidence: assess::evidence_in_words(&ctx.app, &ctx.actor.scope, &profile, &line.evidence, lang).await?,
            number: line.number,
            head: line.head_name,
            place: line.place,
            title: title.map_or_else(|| line.warning_id.clone(), |warning| warning.title.get(lang).to_owned()),
            raised: line.raised_on,
            due: if line.verdict.is_empty() { deadline(&page, &line.reply_by, today) } else { line.reply_by.clone() },
            verdict: page.t(match line.verdict.as_str() {
                "" if late => "monitor-verdict-late",
                "" => "monitor-verdict-open",
                "confirmed" => "monitor-verdict-confirmed",
                _ => "monitor-verdict-false_alarm",
            }),
            tone: match line.verdict.as_str() {
                "" if late => "danger",
                "" => "warn",
                "confirmed" => "info",
                _ => "mute",
            },
            reply: line.reply,
        });
    }
    let (summary, prev, next) =
        pager(&page, at, clues.len(), total, |wanted| href(&asked.warning, which, &wanted.to_string()));
    let tabs = [("", "monitor-clues-all"), ("open", "monitor-verdict-open"), ("late", "monitor-verdict-late")]
        .into_iter()
        .chain([("confirmed", "monitor-verdict-confirmed"), ("false_alarm", "monitor-verdict-false_alarm")])
        .map(|(value, key)| Tab { href: href(&asked.warning, value, ""), label: page.t(key), active: value == which })
        .collect();
    let of = profile.warnings.iter().find(|warning| warning.id == asked.warning);
    ctx.render(&WarningsPage {
        asof: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        heading: of.map_or_else(|| page.t("monitor-clues"), |warning| warning.title.get(lang).to_owned()),
        warnings: views,
        tabs,
        clues,
        summary,
        prev,
        next,
        may_draw: ctx.actor.may(Capability::RunAssessment),
        page,
    })
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct DrawForm {
    warning: String,
}

/// Draws one warning now, or all whose day has come.
pub(super) async fn draw(ctx: Ctx, Form(sent): Form<DrawForm>) -> Result<Response, WebError> {
    let now = !sent.warning.is_empty();
    let pushes = monitor::warn(&ctx.app, &ctx.actor, &WarnAsked { warning: sent.warning, now }).await?;
    let clues: i64 = pushes.iter().map(|push| push.clues).sum();
    let key = match (pushes.iter().any(|push| push.drawn), clues) {
        (false, _) => "monitor-drawn-none",
        (true, 0) => "monitor-drawn-nothing",
        (true, _) => "monitor-drawn",
    };
    Ok(ctx.redirect_with("/monitor/warnings?which=open", if clues > 0 { "ok" } else { "info" }, key))
}

struct PersonView {
    name: String,
    role: String,
    unit: String,
    cases: Vec<(Uuid, String, String, i64)>,
    worst: i64,
}

#[derive(askama::Template)]
#[template(path = "monitor_reminders.html")]
struct RemindersPage {
    page: Page,
    asof: String,
    total: usize,
    people: Vec<PersonView>,
}

pub(super) async fn reminders(ctx: Ctx) -> Result<Response, WebError> {
    let page = ctx.page("nav-monitor");
    let all = monitor::overdue(&ctx.app, &ctx.actor, "").await?;
    let mut by: std::collections::BTreeMap<monitor::Reminder, Vec<(Uuid, String, String, i64)>> = Default::default();
    let profile = monitor::policy(&ctx.app).await?;
    let machine = profile.monitoring.as_ref().and_then(|policy| policy.machine.as_ref());
    for one in &all {
        let state = machine.and_then(|machine| machine.state(&one.line.state));
        let state = state.map_or_else(|| one.line.state.clone(), |state| state.title.get(page.lang).to_owned());
        let case = (one.line.id, format!("{} · {}", one.line.head_name, one.line.number), state, one.days);
        if one.people.is_empty() {
            let nobody = monitor::Reminder {
                name: String::new(),
                unit: String::new(),
                role: String::new(),
                division: one.line.division_code.clone(),
            };
            by.entry(nobody).or_default().push(case);
            continue;
        }
        for person in &one.people {
            by.entry(person.clone()).or_default().push(case.clone());
        }
    }
    let mut people: Vec<PersonView> = by
        .into_iter()
        .map(|(person, cases)| PersonView {
            name: if person.name.is_empty() { page.t("monitor-nobody") } else { person.name },
            role: if person.role.is_empty() { String::new() } else { page.t(&format!("role-{}", person.role)) },
            unit: if person.unit.is_empty() { person.division } else { person.unit },
            worst: cases.iter().map(|case| case.3).max().unwrap_or(0),
            cases,
        })
        .collect();
    people.sort_by_key(|person| std::cmp::Reverse(person.worst));
    ctx.render(&RemindersPage {
        asof: page.t1("ledger-asof", "time", page.time(&ctx.app.clock.now_ms())),
        total: all.len(),
        people,
        page,
    })
}

pub(super) async fn remind(ctx: Ctx, Form(Nothing {}): Form<Nothing>) -> Result<Response, WebError> {
    let done = monitor::remind(&ctx.app, &ctx.actor, "").await?;
    let key = if done > 0 { "monitor-reminded" } else { "monitor-reminded-none" };
    Ok(ctx.redirect_with("/monitor/reminders", if done > 0 { "ok" } else { "info" }, key))
}
