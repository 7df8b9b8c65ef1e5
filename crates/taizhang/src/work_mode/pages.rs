//! The pages of the work mode: the counties of a place, one county with its history and how far it has caught up, and the
//! work behind the figures.

use axum::extract::Query;
use axum::response::Response;
use serde::Deserialize;

use super::{County, Progress, Which};
use crate::access::Capability;
use crate::assess::model::Tier;
use crate::assess::{self, Profile, modes::ModeKind, modes_words};
use crate::ledger;
use crate::platform::i18n;
use crate::register::pages::{Badge, dash, grouped};
use crate::web::{Ctx, Page, Policy, Routes, WebError};

const FIGURES: Policy = Policy::Needs(Capability::ViewFigures);
/// As on the ledger's own pages: not for who helps some households.
const LISTS: Policy = Policy::AllOf(&[Capability::ViewItems, Capability::ViewFigures]);
/// Lines of a page.
const ROWS: i64 = 50;

/// The routes of this feature.
pub fn routes() -> Routes {
    Routes::new().get("/work-mode", FIGURES, show).get("/work-mode/items", LISTS, items)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    county: String,
    which: String,
    page: i64,
}

struct Rate {
    name: String,
    delayed: String,
    done: String,
    rest: String,
    delayed_href: String,
    done_href: String,
    rest_href: String,
    percent: String,
    reached: Badge,
}

struct CountyRow {
    name: String,
    href: String,
    tier: Badge,
    since: String,
    mode: String,
    by: String,
    rate: String,
}

struct SpellRow {
    tier: Badge,
    from: String,
    to: String,
    mode: String,
    reason: String,
}

#[derive(askama::Template)]
#[template(path = "work_mode.html")]
struct CountiesPage {
    page: Page,
    as_of: String,
    rows: Vec<CountyRow>,
    modes: Vec<(Badge, String, String, String)>,
}

#[derive(askama::Template)]
#[template(path = "work_mode_county.html")]
struct CountyPage {
    page: Page,
    name: String,
    as_of: String,
    tier: Badge,
    mode: String,
    source: String,
    changes: Vec<String>,
    plan: String,
    no_plan: String,
    rates: Vec<Rate>,
    spells: Vec<SpellRow>,
    algorithm: String,
    up: bool,
}

fn tier_badge(profile: &Profile, tier: Tier, page: &Page) -> Badge {
    let tone = match tier {
        Tier::High => "danger",
        Tier::Medium => "warn",
        Tier::Low => "ok",
    };
    Badge { tone, text: modes_words::tier(&profile.tiers, tier, page.lang) }
}

fn percent(progress: Progress) -> String {
    let permille = progress.permille();
    format!("{}.{}", permille / 10, permille % 10)
}

fn mode_title(profile: &Profile, tier: Tier, page: &Page) -> String {
    let mode = profile.tiers.modes.get(tier.name());
    mode.map_or_else(|| page.t("mode-none"), |mode| mode.title.get(page.lang).to_owned())
}

async fn show(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let profile = assess::active_profile(&ctx.app, &ctx.actor).await?.profile;
    let counties = super::counties(&ctx.app, &ctx.actor.scope).await?;
    let page = ctx.page("nav-situation");
    if !asked.county.is_empty() || counties.len() == 1 {
        let wanted = if asked.county.is_empty() { None } else { Some(asked.county.as_str()) };
        let found = counties.iter().find(|(code, _)| wanted.is_none_or(|wanted| wanted == code));
        let (code, name) = found.ok_or_else(WebError::not_found)?;
        let county = super::county(&ctx.app, &ctx.actor, &profile, code).await?;
        return county_page(&ctx, page, &profile, &county, name, counties.len() > 1);
    }
    let today = ctx.app.clock.today();
    let mut rows = Vec::new();
    for (code, name) in &counties {
        let county = super::county(&ctx.app, &ctx.actor, &profile, code).await?;
        let Some(now) = county.spells.last() else {
            continue;
        };
        let rate = county.progress.iter().map(|p| format!("{} / {} ({}%)", p.done, p.delayed, percent(*p)));
        rows.push((
            now.tier,
            CountyRow {
                name: name.clone(),
                href: format!("/work-mode?county={code}"),
                tier: tier_badge(&profile, now.tier, &page),
                since: modes_words::day(now.from),
                mode: mode_title(&profile, now.tier, &page),
                by: county.plan.as_ref().map_or_else(|| "—".to_owned(), |plan| plan.by.to_string()),
                rate: dash(&rate.collect::<Vec<_>>().join(&page.t("list-comma"))),
            },
        ));
    }
    rows.sort_by_key(|(tier, _)| std::cmp::Reverse(*tier));
    ctx.render(&CountiesPage {
        as_of: page.t1("mode-day", "day", today),
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        modes: Tier::ALL
            .iter()
            .rev()
            .filter_map(|tier| {
                let mode = profile.tiers.modes.get(tier.name())?;
                Some((
                    tier_badge(&profile, *tier, &page),
                    mode.title.get(page.lang).to_owned(),
                    modes_words::mode(mode, page.lang),
                    mode.source.clone(),
                ))
            })
            .collect(),
        page,
    })
}

fn county_page(
    ctx: &Ctx,
    page: Page,
    profile: &Profile,
    county: &County,
    name: &str,
    up: bool,
) -> Result<Response, WebError> {
    let today = ctx.app.clock.today();
    let Some(now) = county.spells.last() else {
        return Err(WebError::not_found());
    };
    let target = county.mode.as_ref().and_then(|mode| mode.catch_up.as_ref()).map_or(100, |plan| plan.target_percent);
    let may = LISTS.allows(&ctx.actor);
    let rates = county
        .progress
        .iter()
        .map(|progress| {
            let link = |which: Which| {
                if may && progress.count(which) > 0 {
                    format!("/work-mode/items?county={}&which={}", county.code, which.name())
                } else {
                    String::new()
                }
            };
            let over = county.plan.as_ref().is_some_and(|plan| plan.over);
            let (tone, key) = match (progress.permille() >= target * 10, over) {
                (true, _) => ("ok", "mode-reached"),
                (false, true) => ("danger", "mode-missed"),
                (false, false) => ("warn", "mode-under_way"),
            };
            Rate {
                name: page.t(&format!("mode-counted-{}", progress.counted.name())),
                delayed: grouped(progress.count(Which::Delayed)),
                done: grouped(progress.count(Which::Done)),
                rest: grouped(progress.count(Which::Rest)),
                delayed_href: link(Which::Delayed),
                done_href: link(Which::Done),
                rest_href: link(Which::Rest),
                percent: percent(*progress),
                reached: Badge { tone, text: page.t(key) },
            }
        })
        .collect();
    let plan = county.plan.as_ref().map(|plan| {
        let left = super::days_left(plan, today);
        let key = if plan.over { "mode-plan-over" } else { "mode-plan-runs" };
        i18n::text_with(
            page.lang,
            key,
            &[
                ("from", plan.remote_from.map_or_else(|| page.t("mode-beginning"), |day| day.to_string())),
                ("to", plan.begins.pred_opt().map(|day| day.to_string()).unwrap_or_default()),
                ("by", plan.by.to_string()),
                ("left", left.abs().to_string()),
                ("target", target.to_string()),
            ],
        )
    });
    let no_plan = match (&plan, county.mode.as_ref().map(|mode| mode.kind)) {
        (Some(_), _) => String::new(),
        (None, None) => page.t("mode-none"),
        (None, Some(ModeKind::Remote)) => page.t("mode-no_plan-remote"),
        (None, Some(_)) => page.t("mode-no_plan"),
    };
    ctx.render(&CountyPage {
        name: name.to_owned(),
        as_of: page.t1("mode-day", "day", today),
        tier: tier_badge(profile, now.tier, &page),
        mode: mode_title(profile, now.tier, &page),
        source: county.mode.as_ref().map(|mode| mode.source.clone()).unwrap_or_default(),
        changes: county.mode.as_ref().map(|mode| modes_words::changes(mode, page.lang)).unwrap_or_default(),
        plan: plan.unwrap_or_default(),
        no_plan,
        rates,
        spells: county
            .spells
            .iter()
            .rev()
            .map(|spell| SpellRow {
                tier: tier_badge(profile, spell.tier, &page),
                from: spell.from.map_or_else(|| page.t("mode-beginning"), |day| day.to_string()),
                to: spell.to.map_or_else(|| page.t("mode-today"), |day| day.to_string()),
                mode: mode_title(profile, spell.tier, &page),
                reason: modes_words::reason(&profile.tiers, spell, page.lang),
            })
            .collect(),
        algorithm: page.t2("assess-algorithm", "days", profile.tiers.window_days, "threshold", profile.tiers.threshold),
        up,
        page,
    })
}

struct WorkRow {
    href: String,
    number: String,
    title: String,
    household: String,
    place: String,
    deadline: String,
    state: String,
    closed: String,
}

#[derive(askama::Template)]
#[template(path = "work_mode_items.html")]
struct ItemsPage {
    page: Page,
    title: String,
    back: String,
    tabs: Vec<(String, String, String, bool)>,
    rows: Vec<WorkRow>,
    summary: String,
    prev: String,
    next: String,
}

async fn items(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let profile = assess::active_profile(&ctx.app, &ctx.actor).await?.profile;
    let counties = super::counties(&ctx.app, &ctx.actor.scope).await?;
    let found = counties.iter().find(|(code, _)| asked.county.is_empty() || *code == asked.county);
    if asked.county.is_empty() && found.is_none() {
        return Ok(ctx.redirect("/work-mode"));
    }
    let (code, name) = found.ok_or_else(WebError::not_found)?;
    let scope = ctx.actor.scope.narrow(code).ok_or_else(WebError::not_found)?;
    let county = super::county(&ctx.app, &ctx.actor, &profile, code).await?;
    let which = Which::from_name(&asked.which).unwrap_or(Which::Rest);
    let count = |which: Which| county.progress.iter().map(|progress| progress.count(which)).sum::<i64>();
    let total = count(which);
    let last = (total.max(1) - 1) / ROWS + 1;
    let at = asked.page.clamp(1, last);
    let page = ctx.page("nav-situation");
    let lang = page.lang;
    let rows: Vec<WorkRow> = super::list(&ctx.app, &scope, &county, which, ROWS, (at - 1) * ROWS)
        .await?
        .into_iter()
        .map(|work| WorkRow {
            href: format!("/ledger/{}", work.id),
            number: work.number,
            title: ledger::model::title_in(&work.title, lang),
            household: dash(&work.head_name),
            place: work.place,
            deadline: work.deadline,
            state: ledger::words::state_of_all(&profile, &work.state).get(lang).to_owned(),
            closed: dash(&work.closed_on),
        })
        .collect();
    let link = |which: Which, to: i64| format!("/work-mode/items?county={code}&which={}&page={to}", which.name());
    let (from, to) = ((at - 1) * ROWS + 1, (at - 1) * ROWS + i64::try_from(rows.len()).unwrap_or(0));
    ctx.render(&ItemsPage {
        title: page.t2("mode-list-title", "county", name, "which", page.t(&format!("mode-which-{}", which.name()))),
        back: format!("/work-mode?county={code}"),
        tabs: Which::ALL
            .into_iter()
            .map(|one| {
                let label = page.t(&format!("mode-which-{}", one.name()));
                (link(one, 1), label, grouped(count(one)), one == which)
            })
            .collect(),
        rows,
        summary: i18n::text_with(
            lang,
            "pager-summary",
            &[("from", from.min(to).to_string()), ("to", to.to_string()), ("total", total.to_string())],
        ),
        prev: if at > 1 { link(which, at - 1) } else { String::new() },
        next: if at < last { link(which, at + 1) } else { String::new() },
        page,
    })
}
