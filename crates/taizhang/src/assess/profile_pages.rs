//! The policy profile in words, every time that one was applied, and what differs between two versions.

use std::sync::Arc;

use axum::extract::Query;
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::pages::tone;
use super::profile::{Profile, diff, words};
use super::{AssessError, Term, profile_by_id, profile_terms, term_states, value_in_words};
use crate::platform::{Lang, clock};
use crate::web::{Ctx, Page, Policy, Routes, WebError};

/// The routes of these pages.
pub(super) fn add_to(routes: Routes, policy: Policy) -> Routes {
    let routes = routes.get("/assess/profile", policy, show).get("/assess/profile/compare", policy, compare);
    super::what_if_pages::add_to(routes, policy)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    version: Option<Uuid>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pair {
    a: Option<Uuid>,
    b: Option<Uuid>,
}

struct RuleView {
    id: String,
    title: String,
    level: String,
    tone: &'static str,
    when: String,
    expression: String,
    measures: String,
    deadline: String,
    source: String,
}

struct WarningView {
    title: String,
    agency: String,
    group: String,
    threshold: String,
    push: String,
    source: String,
}

struct Line {
    name: String,
    value: String,
    source: String,
}

struct TermView {
    href: String,
    version: String,
    state: String,
    tone: &'static str,
    from: String,
    applied: String,
    by: String,
}

struct Choice {
    id: Uuid,
    name: String,
    old: bool,
    new: bool,
}

#[derive(askama::Template)]
#[template(path = "profile.html")]
struct ProfilePage {
    page: Page,
    name: String,
    sub: String,
    in_force: bool,
    rules: Vec<RuleView>,
    lines: Vec<Line>,
    warnings: Vec<WarningView>,
    types: String,
    steps: Vec<Line>,
    terms: Vec<TermView>,
    choices: Vec<Choice>,
}

struct DifferenceView {
    how: String,
    tone: &'static str,
    about: String,
    before: String,
    after: String,
}

#[derive(askama::Template)]
#[template(path = "profile_compare.html")]
struct ComparePage {
    page: Page,
    sub: String,
    choices: Vec<Choice>,
    differences: Vec<DifferenceView>,
}

/// Every version once, the newest term first.
fn choices(terms: &[Term], old: Option<Uuid>, new: Option<Uuid>) -> Vec<Choice> {
    let mut out: Vec<Choice> = Vec::new();
    for term in terms {
        if out.iter().all(|choice| choice.id != term.profile_id) {
            let (id, name) = (term.profile_id, format!("{} v{}", term.key, term.version));
            out.push(Choice { id, name, old: old == Some(id), new: new == Some(id) });
        }
    }
    out
}

/// A version that was applied here; any other is none.
async fn version(ctx: &Ctx, terms: &[Term], id: Uuid) -> Result<Arc<Profile>, WebError> {
    if terms.iter().all(|term| term.profile_id != id) {
        return Err(AssessError::NoProfile(id.to_string()).into());
    }
    Ok(profile_by_id(&ctx.app.db, id).await?)
}

async fn show(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let page = ctx.page("nav-assess");
    let active = super::active_profile(&ctx.app, &ctx.actor).await?;
    let terms = profile_terms(&ctx.app.db).await?;
    let id = asked.version.unwrap_or(active.id);
    let profile = version(&ctx, &terms, id).await?;
    let today = ctx.app.clock.today().to_string();
    let states = term_states(&terms, &today);
    let shown = terms
        .iter()
        .zip(states)
        .map(|(term, state)| TermView {
            href: format!("/assess/profile?version={}", term.profile_id),
            version: format!("{} v{}", term.key, term.version),
            state: page.t(&format!("profile-state-{state}")),
            tone: match state {
                "in_force" => "ok",
                "coming" => "info",
                _ => "mute",
            },
            from: if term.from_day.is_empty() { page.t("profile-beginning") } else { term.from_day.clone() },
            applied: clock::local(term.applied_at).format("%Y-%m-%d %H:%M").to_string(),
            by: if term.applied_by.is_empty() { page.t("profile-by-program") } else { term.applied_by.clone() },
        })
        .collect();
    let before = terms.iter().map(|term| term.profile_id).find(|other| *other != id);
    let lang = page.lang;
    ctx.render(&ProfilePage {
        name: profile.title.get(lang).to_owned(),
        sub: format!(
            "{} · {}",
            page.t2("ledger-profile", "key", &profile.key, "version", profile.version),
            page.t1("profile-effective", "day", &profile.effective_from)
        ),
        in_force: id == active.id,
        rules: rules(&profile, &page),
        lines: lines(&profile, &page),
        warnings: warnings(&profile, lang),
        types: profile.monitoring.as_ref().map_or_else(String::new, |policy| {
            let types: Vec<&str> = policy.types.iter().map(|of| of.title.get(lang)).collect();
            page.t1("profile-monitoring-types", "types", types.join(&page.t("list-comma")))
        }),
        steps: profile.monitoring.as_ref().map_or_else(Vec::new, |policy| {
            let step = |step: &super::profile::MonitoringStep| Line {
                name: step.title.get(lang).to_owned(),
                value: diff::days(step.days, step.working, lang),
                source: step.source.clone(),
            };
            policy.steps.iter().map(step).collect()
        }),
        terms: shown,
        choices: choices(&terms, before, Some(id)),
        page,
    })
}

fn rules(profile: &Profile, page: &Page) -> Vec<RuleView> {
    let (lang, comma) = (page.lang, page.t("list-comma"));
    profile
        .rules
        .iter()
        .map(|rule| {
            let measures: Vec<&str> = rule.measures.iter().map(|id| profile.measure_title(id, lang)).collect();
            let ledger = rule.ledger.as_ref().and_then(|id| profile.ledgers.get(id));
            RuleView {
                id: rule.id.clone(),
                title: rule.title.get(lang).to_owned(),
                level: profile.levels.get(rule.level.name()).map(|w| w.get(lang).to_owned()).unwrap_or_default(),
                tone: tone(rule.level),
                when: words::condition(profile, rule, lang),
                expression: rule.when.text().to_owned(),
                measures: measures.join(&comma),
                deadline: match ledger {
                    Some(ledger) => {
                        let days = ledger.deadline_days.get(rule.level.name()).copied();
                        diff::days(days, ledger.working_days, lang)
                    }
                    None => page.t("profile-ledger-none"),
                },
                source: rule.source.clone(),
            }
        })
        .collect()
}

fn lines(profile: &Profile, page: &Page) -> Vec<Line> {
    profile
        .income_lines
        .0
        .iter()
        .map(|line| {
            let region = if line.region.is_empty() { page.t("profile-everywhere") } else { line.region.clone() };
            Line {
                name: format!("{region} · {}", line.effective_from),
                value: format!("{} {}", value_in_words(&line.yuan.to_string()), page.t("words-yuan")),
                source: line.source.clone(),
            }
        })
        .collect()
}

fn warnings(profile: &Profile, lang: Lang) -> Vec<WarningView> {
    profile
        .warnings
        .iter()
        .map(|warning| WarningView {
            title: warning.title.get(lang).to_owned(),
            agency: warning.agency.get(lang).to_owned(),
            group: warning.group.get(lang).to_owned(),
            threshold: format!("{} {}", value_in_words(&warning.threshold.to_string()), warning.unit.get(lang)),
            push: warning.push.get(lang).to_owned(),
            source: warning.source.clone(),
        })
        .collect()
}

async fn compare(ctx: Ctx, Query(pair): Query<Pair>) -> Result<Response, WebError> {
    let page = ctx.page("nav-assess");
    let active = super::active_profile(&ctx.app, &ctx.actor).await?;
    let terms = profile_terms(&ctx.app.db).await?;
    let new = pair.b.unwrap_or(active.id);
    let old = pair.a.or_else(|| terms.iter().map(|term| term.profile_id).find(|id| *id != new)).unwrap_or(new);
    let (before, after) = (version(&ctx, &terms, old).await?, version(&ctx, &terms, new).await?);
    let differences = diff::diff(&before, &after, page.lang)
        .into_iter()
        .map(|found| DifferenceView {
            how: page.t(match found.how {
                diff::How::Added => "profile-how-added",
                diff::How::Removed => "profile-how-removed",
                diff::How::Changed => "profile-how-changed",
            }),
            tone: match found.how {
                diff::How::Added => "ok",
                diff::How::Removed => "danger",
                diff::How::Changed => "warn",
            },
            about: diff::about(&found, page.lang),
            before: found.before,
            after: found.after,
        })
        .collect();
    ctx.render(&ComparePage {
        sub: format!("{} v{} → {} v{}", before.key, before.version, after.key, after.version),
        choices: choices(&terms, Some(old), Some(new)),
        differences,
        page,
    })
}
