//! The Assessment page: findings by rule, county tiers, and the button that runs it all.

use std::sync::Arc;

use axum::response::Response;

use super::TierRow;
use super::model::Tier;
use super::profile::words;
use crate::access::{Actor, Capability, Role, Scope};
use crate::platform::jobs::{self, Handler, JobFailure, NewJob};
use crate::platform::{DbError, Lang, i18n};
use crate::road;
use crate::web::{Ctx, Form, Nothing, Page, Policy, Routes, WebError};

const POLICY: Policy = Policy::Needs(Capability::RunAssessment);
/// The kind of the assessment's job.
const JOB: &str = "assess.run";

/// The routes of this feature.
pub fn routes() -> Routes {
    super::income::add_to(super::profile_pages::add_to(
        Routes::new().get("/assess", POLICY, overview).post("/assess/run", POLICY, run),
        POLICY,
    ))
}

/// The work of this feature's jobs.
pub fn handlers() -> Vec<(&'static str, Handler)> {
    let work: Handler = Arc::new(|app, params, progress| {
        Box::pin(async move {
            let text = |name: &str| params.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
            let actor = Actor {
                user_id: text("user").parse().ok(),
                login: text("login"),
                name: text("name"),
                unit: String::new(),
                role: Role::from_name(&text("role")).unwrap_or(Role::Auditor),
                scope: Scope::subtree(&text("scope")),
                lang: Lang::from_tag(&text("lang")).unwrap_or_default(),
                is_machine: false,
            };
            let scope = actor.scope.clone();
            match road::run_all(&app, &actor, &scope, &progress).await {
                Ok(report) => {
                    let mut result = serde_json::to_value(report).unwrap_or_default();
                    if let Some(object) = result.as_object_mut() {
                        object.insert("href".to_owned(), "/assess".into());
                    }
                    Ok(result)
                }
                Err(_) if progress.is_cancelled() => Err(JobFailure::Cancelled),
                Err(error) => Err(error.into()),
            }
        })
    });
    let mut all = super::income::handlers();
    all.push((JOB, work));
    all.push(super::what_if_pages::handler());
    all
}

struct RuleView {
    id: String,
    title: String,
    level: String,
    tone: &'static str,
    when: String,
    measures: String,
    findings: i64,
    households: i64,
    href: String,
}

struct TierView {
    name: String,
    tier: String,
    tone: &'static str,
    row: TierRow,
}

#[derive(askama::Template)]
#[template(path = "assess.html")]
struct AssessPage {
    page: Page,
    profile: String,
    algorithm: String,
    asof: String,
    waiting: String,
    rules: Vec<RuleView>,
    tiers: Vec<TierView>,
}

async fn overview(ctx: Ctx) -> Result<Response, WebError> {
    let page = ctx.page("nav-assess");
    let loaded = super::active_profile(&ctx.app, &ctx.actor).await?;
    let profile = &loaded.profile;
    let counts = super::rule_counts(&ctx.app.db, &ctx.actor.scope).await?;
    let tiers = super::county_tiers(&ctx.app.db, &ctx.actor.scope).await?;
    let waiting = super::waiting(&ctx.app, &ctx.actor.scope).await?;
    let comma = page.t("list-comma");
    let rules = profile
        .rules
        .iter()
        .map(|rule| {
            let count = counts.iter().find(|c| c.rule_id == rule.id);
            RuleView {
                id: rule.id.clone(),
                title: rule.title.get(page.lang).to_owned(),
                level: profile.levels.get(rule.level.name()).map(|w| w.get(page.lang).to_owned()).unwrap_or_default(),
                tone: tone(rule.level),
                when: words::condition(profile, rule, page.lang),
                measures: rule
                    .measures
                    .iter()
                    .map(|id| profile.measure_title(id, page.lang))
                    .collect::<Vec<_>>()
                    .join(&comma),
                findings: count.map_or(0, |c| c.findings),
                households: count.map_or(0, |c| c.households),
                href: format!("/ledger?state=all&mine=0&rule={}", rule.id),
            }
        })
        .collect();
    let day = tiers.first().map(|row| row.on_date.clone()).unwrap_or_default();
    ctx.render(&AssessPage {
        profile: format!(
            "{} · {}",
            profile.title.get(page.lang),
            page.t2("ledger-profile", "key", &profile.key, "version", profile.version)
        ),
        algorithm: page.t2("assess-algorithm", "days", profile.tiers.window_days, "threshold", profile.tiers.threshold),
        asof: if day.is_empty() { page.t("assess-never") } else { page.t1("assess-asof", "day", day) },
        waiting: if waiting == 0 { String::new() } else { page.t1("assess-waiting", "count", waiting) },
        rules,
        tiers: tiers
            .into_iter()
            .map(|row| {
                let tier = Tier::from_name(&row.tier).unwrap_or(Tier::Low);
                TierView {
                    name: row.name.clone(),
                    tier: profile.tiers.names.get(tier.name()).map(|w| w.get(page.lang).to_owned()).unwrap_or_default(),
                    tone: match tier {
                        Tier::High => "danger",
                        Tier::Medium => "warn",
                        Tier::Low => "ok",
                    },
                    row,
                }
            })
            .collect(),
        page,
    })
}

/// The colour of a level.
pub(super) fn tone(level: super::profile::Level) -> &'static str {
    match level {
        super::profile::Level::Severe => "danger",
        super::profile::Level::Affected => "warn",
        super::profile::Level::Notice => "info",
    }
}

async fn run(ctx: Ctx, Form(Nothing {}): Form<Nothing>) -> Result<Response, WebError> {
    let actor = &ctx.actor;
    let job = NewJob {
        kind: JOB,
        title: i18n::text(ctx.lang, "assess-job"),
        division_code: actor.scope.root().to_owned(),
        created_by: actor.user_id,
        params: serde_json::json!({
            "user": actor.user_id.map(|id| id.to_string()), "login": actor.login, "name": actor.name, "role": actor.role.name(),
            "scope": actor.scope.root(), "lang": ctx.lang.tag(),
        }),
        idempotency_key: None,
    };
    let now = ctx.app.clock.now_ms();
    let id =
        ctx.app.db.write::<_, DbError, _>(move |tx| Box::pin(async move { jobs::enqueue(tx, job, now).await })).await?;
    Ok(ctx.redirect(&format!("/jobs/{id}")))
}
