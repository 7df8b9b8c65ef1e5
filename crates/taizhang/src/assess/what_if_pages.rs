//! The pages of what-if: change a threshold, a line or a condition, see whom it would bring and take away, and only then
//! put it in force.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::extract::{Path, Query};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::profile::edit::{self, Place};
use super::profile::{self, Profile, diff};
use super::what_if::{Answer, Count, Question};
use super::{AssessError, what_if_store};
use crate::access::Scope;
use crate::platform::jobs::{self, Handler, Job, JobFailure, NewJob};
use crate::platform::{App, DbError, i18n};
use crate::web::{Ctx, Form, Page, Policy, Routes, WebError};

/// The kind of the job that counts.
const JOB: &str = "assess.what_if";
/// Lines of a page of households.
const PER_PAGE: usize = 50;
/// Estimates kept for pages that ask again while the job runs.
const KEPT: usize = 32;

/// The routes of these pages.
pub(super) fn add_to(routes: Routes, policy: Policy) -> Routes {
    routes
        .get("/assess/profile/what-if", policy, form)
        .post("/assess/profile/what-if", policy, ask)
        .get("/assess/profile/what-if/{job}", policy, show)
        .get("/assess/profile/what-if/{job}/list", policy, list)
        .post("/assess/profile/what-if/{job}/apply", policy, apply)
}

/// What a job of this kind is given.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Params {
    /// The whole text of the other profile.
    text: String,
    /// The version in force that it is held against.
    against: Uuid,
    scope: String,
}

/// What it answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Outcome {
    answer: Answer,
    seconds: f64,
    href: String,
}

/// The work of this feature's job.
pub(super) fn handler() -> (&'static str, Handler) {
    let work: Handler = Arc::new(|app, params, progress| {
        Box::pin(async move {
            let params: Params = serde_json::from_value(params)
                .map_err(|error| JobFailure::Failed { code: "job.crashed", message: error.to_string() })?;
            let begun = Instant::now();
            let scope = Scope::subtree(&params.scope);
            let question = question(&app, &params, &scope).await?;
            match question.exact(&app.db, &progress).await {
                Ok(answer) => {
                    let seconds = begun.elapsed().as_secs_f64();
                    Ok(serde_json::to_value(Outcome { answer, seconds, href: String::new() }).unwrap_or_default())
                }
                Err(_) if progress.is_cancelled() => Err(JobFailure::Cancelled),
                Err(error) => Err(error.into()),
            }
        })
    });
    (JOB, work)
}

/// The two profiles of a job, over a scope.
async fn question(app: &App, params: &Params, scope: &Scope) -> Result<Question, AssessError> {
    let before = super::profile_by_id(&app.db, params.against).await?;
    let after = Arc::new(profile::parse("policy_profile", &params.text)?);
    Question::new(&app.db, &before, &after, app.clock.today(), scope).await
}

struct Input {
    name: String,
    label: String,
    hint: String,
    value: String,
}

struct RuleInput {
    name: String,
    id: String,
    title: String,
    value: String,
    rows: usize,
    open: bool,
}

#[derive(askama::Template)]
#[template(path = "what_if.html")]
struct FormPage {
    page: Page,
    sub: String,
    error: String,
    thresholds: Vec<Input>,
    rules: Vec<RuleInput>,
}

/// What the form asks for.
type Fields = Vec<(String, String)>;

fn form_page(page: Page, profile: &Profile, text: &str, given: &Fields, error: String) -> FormPage {
    let lang = page.lang;
    let value = |place: &Place| {
        let name = place.name();
        let typed = given.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
        typed.or_else(|| edit::value(text, place)).unwrap_or_default()
    };
    let mut thresholds = Vec::new();
    for (at, line) in profile.income_lines.0.iter().enumerate() {
        let place = Place::Line(at);
        let region = if line.region.is_empty() { page.t("profile-everywhere") } else { line.region.clone() };
        thresholds.push(Input {
            name: place.name(),
            label: page.t2("what-if-line", "region", region, "day", &line.effective_from),
            hint: page.t("words-yuan"),
            value: value(&place),
        });
    }
    for warning in &profile.warnings {
        let place = Place::Warning(warning.id.clone());
        thresholds.push(Input {
            name: place.name(),
            label: warning.title.get(lang).to_owned(),
            hint: warning.unit.get(lang).to_owned(),
            value: value(&place),
        });
    }
    for (place, key) in [(Place::TierThreshold, "what-if-tier-threshold"), (Place::TierWindow, "what-if-tier-window")] {
        let hint = page.t(if place == Place::TierWindow { "what-if-days" } else { "what-if-cases" });
        thresholds.push(Input { name: place.name(), label: page.t(key), hint, value: value(&place) });
    }
    let rules = profile
        .rules
        .iter()
        .filter_map(|rule| {
            let place = Place::Condition(rule.id.clone());
            let was = edit::value(text, &place)?;
            let value = value(&place);
            Some(RuleInput {
                name: place.name(),
                id: rule.id.clone(),
                title: rule.title.get(lang).to_owned(),
                rows: value.lines().count().clamp(2, 12) + 1,
                open: value.replace("\r\n", "\n").trim() != was,
                value,
            })
        })
        .collect();
    FormPage {
        sub: format!(
            "{} · {}",
            profile.title.get(lang),
            page.t2("ledger-profile", "key", &profile.key, "version", profile.version)
        ),
        error,
        thresholds,
        rules,
        page,
    }
}

async fn form(ctx: Ctx) -> Result<Response, WebError> {
    let active = super::active_profile(&ctx.app, &ctx.actor).await?;
    let text = super::profile_text(&ctx.app.db, active.id).await?;
    let page = ctx.page("nav-assess");
    ctx.render(&form_page(page, &active.profile, &text, &Fields::new(), String::new()))
}

async fn ask(ctx: Ctx, Form(fields): Form<Fields>) -> Result<Response, WebError> {
    let active = super::active_profile(&ctx.app, &ctx.actor).await?;
    let text = super::profile_text(&ctx.app.db, active.id).await?;
    let edits: Vec<(Place, String)> = fields
        .iter()
        .filter_map(|(name, value)| Some((Place::from_name(name)?, value.clone())))
        .filter(|(place, _)| *place != Place::Version)
        .collect();
    let page = ctx.page("nav-assess");
    let error = match edit::edited(&text, &edits) {
        Err(unfit) => page.t2("what-if-unfit", "place", &unfit.place, "value", &unfit.value),
        Ok(new) if new == text => page.t("what-if-same"),
        Ok(new) => match profile::parse("policy_profile", &new) {
            Err(error) => crate::platform::UserError::message(&error, page.lang),
            Ok(_) => {
                let scope = ctx.actor.scope.root().to_owned();
                let params = Params { text: new, against: active.id, scope };
                let job = enqueue(&ctx, params).await?;
                return Ok(ctx.redirect(&format!("/assess/profile/what-if/{job}")));
            }
        },
    };
    ctx.render(&form_page(page, &active.profile, &text, &fields, error))
}

async fn enqueue(ctx: &Ctx, params: Params) -> Result<Uuid, WebError> {
    let job = NewJob {
        kind: JOB,
        title: i18n::text(ctx.lang, "what-if-job"),
        division_code: ctx.actor.scope.root().to_owned(),
        created_by: ctx.actor.user_id,
        params: serde_json::to_value(params).unwrap_or_default(),
        idempotency_key: None,
    };
    let now = ctx.app.clock.now_ms();
    Ok(ctx.app.db.write::<_, DbError, _>(move |tx| Box::pin(async move { jobs::enqueue(tx, job, now).await })).await?)
}

/// A job of this kind that the actor may see, and what it was given.
async fn job(ctx: &Ctx, id: Uuid) -> Result<(Job, Params), WebError> {
    let scope = &ctx.actor.scope;
    let job = jobs::find(&ctx.app, id, scope.lo(), scope.hi()).await?.filter(|job| job.kind == JOB);
    let job = job.ok_or_else(WebError::not_found)?;
    let params = serde_json::from_str(&job.params).map_err(|_| WebError::not_found())?;
    Ok((job, params))
}

/// Estimates of jobs that are still counting.
static ESTIMATES: Mutex<BTreeMap<Uuid, Answer>> = Mutex::new(BTreeMap::new());

async fn estimate(ctx: &Ctx, id: Uuid, question: &Question) -> Result<Answer, WebError> {
    let known = ESTIMATES.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
    if let Some(answer) = known {
        return Ok(answer);
    }
    let answer = question.estimate(&ctx.app.db).await?;
    let mut all = ESTIMATES.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= KEPT {
        all.clear();
    }
    all.insert(id, answer.clone());
    Ok(answer)
}

struct Line {
    name: String,
    note: String,
    before: String,
    after: String,
    enter: String,
    enter_href: String,
    leave: String,
    leave_href: String,
    persons: String,
}

struct DifferenceView {
    about: String,
    before: String,
    after: String,
}

#[derive(askama::Template)]
#[template(path = "what_if_answer.html")]
struct AnswerPage {
    page: Page,
    job: Uuid,
    live: bool,
    done: i64,
    total: i64,
    error: String,
    exact: bool,
    how: String,
    households_in: String,
    households_out: String,
    margin_in: String,
    margin_out: String,
    persons_in: String,
    persons_out: String,
    href_in: String,
    href_out: String,
    rules: Vec<Line>,
    counties: Vec<Line>,
    differences: Vec<DifferenceView>,
    next_version: i64,
    /// Examples of the profile that come out otherwise with what is changed.
    examples: Vec<String>,
    overtaken: bool,
}

fn number(n: u64) -> String {
    super::value_in_words(&n.to_string())
}

async fn show(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let (found, params) = job(&ctx, id).await?;
    let page = ctx.page("nav-assess");
    let before = super::profile_by_id(&ctx.app.db, params.against).await?;
    let after = Arc::new(profile::parse("policy_profile", &params.text).map_err(AssessError::from)?);
    let outcome: Option<Outcome> = found.result.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let (answer, seconds) = match outcome {
        Some(outcome) => (outcome.answer, Some(outcome.seconds)),
        None => {
            let scope = Scope::subtree(&params.scope);
            let question = Question::new(&ctx.app.db, &before, &after, ctx.app.clock.today(), &scope).await?;
            (estimate(&ctx, id, &question).await?, None)
        }
    };
    let exact = answer.is_exact();
    let how = match (exact, seconds) {
        (true, Some(seconds)) => {
            page.t2("what-if-exact", "count", number(answer.asked), "seconds", format!("{seconds:.1}"))
        }
        (true, None) => page.t1("what-if-exact-now", "count", number(answer.asked)),
        (false, _) => page.t2("what-if-estimate", "count", number(answer.asked), "of", number(answer.of)),
    };
    let link = |rule: &str, county: &str, way: &str| {
        format!("/assess/profile/what-if/{id}/list?way={way}&rule={rule}&county={county}")
    };
    let about = |n: u64| {
        let told = number(answer.scaled(n));
        if exact { told } else { page.t1("what-if-about", "count", told) }
    };
    let margin = |n: u64| match answer.margin(n) {
        0 => String::new(),
        margin => page.t1("what-if-margin", "count", number(margin)),
    };
    let line = |name: String, note: String, count: &Count, rule: &str, county: &str| Line {
        name,
        note,
        before: about(count.before),
        after: about(count.after),
        enter: about(count.households_in),
        // Which ones is known when all were asked.
        enter_href: if exact && count.households_in > 0 { link(rule, county, "in") } else { String::new() },
        leave: about(count.households_out),
        leave_href: if exact && count.households_out > 0 { link(rule, county, "out") } else { String::new() },
        persons: format!("+{} / −{}", about(count.persons_in), about(count.persons_out)),
    };
    let rules = answer
        .rules
        .iter()
        .filter(|(_, count)| count.before + count.after > 0)
        .map(|(rule, count)| {
            let title = after.rule(rule).or_else(|| before.rule(rule));
            let title = title.map_or_else(|| rule.clone(), |rule| rule.title.get(page.lang).to_owned());
            line(title, rule.clone(), count, rule, "")
        })
        .collect();
    let codes: Vec<String> = answer.counties.keys().cloned().collect();
    let names = super::division_names(&ctx.app.db, &codes).await?;
    let mut counties: Vec<(&String, &Count)> =
        answer.counties.iter().filter(|(_, count)| !count.is_nothing()).collect();
    counties.sort_by_key(|(code, count)| (std::cmp::Reverse(count.households_in + count.households_out), *code));
    let counties = counties
        .into_iter()
        .map(|(code, count)| {
            let name = names.get(code).cloned().unwrap_or_else(|| code.clone());
            line(name, String::new(), count, "", code)
        })
        .collect();
    let differences = diff::diff(&before, &after, page.lang)
        .into_iter()
        .map(|found| DifferenceView { about: diff::about(&found, page.lang), before: found.before, after: found.after })
        .collect();
    let active = super::active_profile(&ctx.app, &ctx.actor).await?;
    let all = answer.all;
    ctx.render(&AnswerPage {
        job: id,
        live: found.is_live(),
        done: found.progress_done,
        total: found.progress_total.max(1),
        error: found.error_text(page.lang),
        exact,
        how,
        households_in: about(all.households_in),
        households_out: about(all.households_out),
        margin_in: margin(all.households_in),
        margin_out: margin(all.households_out),
        persons_in: about(all.persons_in),
        persons_out: about(all.persons_out),
        href_in: if exact { link("", "", "in") } else { String::new() },
        href_out: if exact { link("", "", "out") } else { String::new() },
        rules,
        counties,
        differences,
        next_version: before.version + 1,
        examples: match profile::check("profile.toml", &params.text) {
            Ok(_) => Vec::new(),
            Err(error) => error.problems.iter().map(|problem| problem.in_words(page.lang)).collect(),
        },
        overtaken: active.id != params.against,
        page,
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    way: String,
    rule: String,
    county: String,
    after: String,
}

struct MoverView {
    href: String,
    head: String,
    number: String,
    place: String,
    rule: String,
    persons: String,
}

#[derive(askama::Template)]
#[template(path = "what_if_list.html")]
struct ListPage {
    page: Page,
    job: Uuid,
    title: String,
    sub: String,
    rows: Vec<MoverView>,
    next: String,
}

async fn list(ctx: Ctx, Path(id): Path<Uuid>, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let (found, params) = job(&ctx, id).await?;
    let page = ctx.page("nav-assess");
    // Whoever looks sees no more than their own part of it.
    let scope = ctx.actor.scope.narrow(&params.scope).ok_or_else(WebError::not_found)?;
    let scope = match asked.county.as_str() {
        "" => scope,
        county if county.len() == 6 && county.bytes().all(|b| b.is_ascii_digit()) => {
            scope.narrow(county).ok_or_else(WebError::not_found)?
        }
        _ => return Err(WebError::not_found()),
    };
    let question = question(&ctx.app, &params, &scope).await?;
    let rule = (!asked.rule.is_empty()).then_some(asked.rule.as_str());
    let question = question.narrowed(&scope, rule);
    let enters = asked.way != "out";
    let outcome: Option<Outcome> = found.result.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let among = outcome.and_then(|outcome| outcome.answer.movers_of(question.rules()));
    let (movers, next) = question.movers(&ctx.app.db, among, enters, asked.after.parse().ok(), PER_PAGE).await?;
    let after = profile::parse("policy_profile", &params.text).map_err(AssessError::from)?;
    let before = super::profile_by_id(&ctx.app.db, params.against).await?;
    let title_of = |id: &str| {
        let rule = after.rule(id).or_else(|| before.rule(id));
        rule.map_or_else(|| id.to_owned(), |rule| rule.title.get(page.lang).to_owned())
    };
    let homes: Vec<Uuid> = movers.iter().map(|mover| mover.household).collect();
    let persons: Vec<Uuid> = movers.iter().flat_map(|mover| mover.persons.iter().copied()).collect();
    let known = what_if_store::homes(&ctx.app.db, &homes, &scope).await?;
    let names = super::store::names(&ctx.app.db, &scope, &persons).await?;
    let comma = page.t("list-comma");
    let rows = movers
        .iter()
        .filter_map(|mover| {
            let home = known.iter().find(|home| home.id == mover.household)?;
            let who: Vec<&str> = mover.persons.iter().filter_map(|id| names.get(id)).map(String::as_str).collect();
            Some(MoverView {
                href: format!("/households/{}", home.id),
                head: home.head_name.clone(),
                number: home.household_no.clone(),
                place: home.place.clone(),
                rule: title_of(&mover.rule),
                persons: who.join(&comma),
            })
        })
        .collect();
    let codes = [asked.county.clone()];
    let county = super::division_names(&ctx.app.db, &codes).await?.remove(&asked.county).unwrap_or_default();
    let parts: Vec<String> =
        [rule.map(title_of).unwrap_or_default(), county].into_iter().filter(|part| !part.is_empty()).collect();
    ctx.render(&ListPage {
        job: id,
        title: page.t(if enters { "what-if-list-in" } else { "what-if-list-out" }),
        sub: parts.join(" · "),
        rows,
        next: next.map_or_else(String::new, |next| {
            let way = if enters { "in" } else { "out" };
            format!(
                "/assess/profile/what-if/{id}/list?way={way}&rule={}&county={}&after={next}",
                asked.rule, asked.county
            )
        }),
        page,
    })
}

#[derive(Debug, Deserialize)]
struct Applied {
    version: String,
    /// `correct`: examples that come out otherwise are to say so.
    #[serde(default)]
    examples: String,
}

async fn apply(ctx: Ctx, Path(id): Path<Uuid>, Form(given): Form<Applied>) -> Result<Response, WebError> {
    let (_, params) = job(&ctx, id).await?;
    let mut text = edit::edited(&params.text, &[(Place::Version, given.version.clone())])
        .map_err(|unfit| AssessError::Version(unfit.value))?;
    if given.examples == "correct"
        && let Err(error) = profile::check("profile.toml", &text)
    {
        text = edit::corrected(&text, &error.problems).unwrap_or(text);
    }
    super::load_profile_file(&ctx.app, &ctx.actor, "profile.toml", &text).await?;
    Ok(ctx.redirect_with("/assess/profile", "ok", "what-if-applied"))
}
