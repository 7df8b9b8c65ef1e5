//! Work modes in words: what a mode changes, why a tier changed, and the line that pages show where a task asks for a visit.

use chrono::NaiveDate;

use super::model::Tier;
use super::modes::{CatchUp, Delayed, ModeKind, Spell, WorkMode};
use super::profile::{Profile, TierPolicy};
use super::store;
use crate::platform::{App, DbError, Lang, i18n};

fn comma(lang: Lang) -> String {
    i18n::text(lang, "list-comma")
}

/// Channels by name.
pub fn channels(mode: &WorkMode, lang: Lang) -> String {
    let all: Vec<String> =
        mode.channels.iter().map(|channel| i18n::text(lang, &format!("mode-channel-{channel}"))).collect();
    all.join(&comma(lang))
}

/// What a mode changes, point by point.
pub fn changes(mode: &WorkMode, lang: Lang) -> Vec<String> {
    let mut out = vec![
        i18n::text(lang, if mode.visits_by_call { "mode-visits-call" } else { "mode-visits-on_site" }),
        i18n::text(lang, if mode.meetings_remote { "mode-meetings-remote" } else { "mode-meetings-on_site" }),
        i18n::text_with(lang, "mode-channels", &[("channels", channels(mode, lang))]),
    ];
    if mode.visits_by_call {
        out.push(i18n::text(lang, "mode-check-stays"));
    }
    if let Some(plan) = &mode.catch_up {
        out.push(catch_up(plan, lang));
    }
    out
}

/// A mode in one line.
pub fn mode(mode: &WorkMode, lang: Lang) -> String {
    changes(mode, lang).join(&i18n::text(lang, "mode-stop"))
}

/// A plan to catch up in one line.
pub fn catch_up(plan: &CatchUp, lang: Lang) -> String {
    let counts: Vec<String> =
        plan.counts.iter().map(|counted| i18n::text(lang, &format!("mode-counted-{}", counted.name()))).collect();
    let key = match plan.delayed {
        Delayed::Due => "mode-plan-due",
        Delayed::Open => "mode-plan-open",
    };
    i18n::text_with(
        lang,
        key,
        &[
            ("counts", counts.join(&comma(lang))),
            ("days", plan.within_days.to_string()),
            ("target", plan.target_percent.to_string()),
        ],
    )
}

/// A tier's name.
pub fn tier(policy: &TierPolicy, tier: Tier, lang: Lang) -> String {
    policy.names.get(tier.name()).map_or_else(|| tier.name().to_owned(), |words| words.get(lang).to_owned())
}

/// Why a county came to a tier.
pub fn reason(policy: &TierPolicy, spell: &Spell, lang: Lang) -> String {
    let key = match (spell.tier, spell.from) {
        (Tier::Low, None) => "mode-reason-none",
        (Tier::Low, Some(_)) => "mode-reason-low",
        (Tier::High, _) => "mode-reason-high",
        (Tier::Medium, _) if spell.cumulative > policy.threshold => "mode-reason-medium-no_cluster",
        (Tier::Medium, _) => "mode-reason-medium",
    };
    i18n::text_with(
        lang,
        key,
        &[
            ("days", policy.window_days.to_string()),
            ("recent", spell.recent.to_string()),
            ("cumulative", spell.cumulative.to_string()),
            ("threshold", policy.threshold.to_string()),
        ],
    )
}

/// What a page says where a task asks for a visit, of the county around a division: 本县高风险：走访改电话. Nothing where
/// visits are made as always, or the tier is not known.
///
/// # Errors
/// The database fails.
pub async fn notice(
    app: &App,
    profile: &Profile,
    division: &str,
    lang: Lang,
) -> Result<Option<(String, String)>, DbError> {
    let Some(county) = division.get(..6).filter(|_| !profile.tiers.modes.is_empty()) else {
        return Ok(None);
    };
    let Some(found) = store::tier_of(&app.db, county, app.clock.today()).await? else {
        return Ok(None);
    };
    let Some((found, mode)) = Tier::from_name(&found).and_then(|t| Some((t, profile.tiers.modes.get(t.name())?)))
    else {
        return Ok(None);
    };
    if mode.kind != ModeKind::Remote || !mode.visits_by_call {
        return Ok(None);
    }
    let text = i18n::text_with(
        lang,
        "mode-notice",
        &[("tier", tier(&profile.tiers, found, lang)), ("channels", channels(mode, lang))],
    );
    Ok(Some((text, format!("/work-mode?county={county}"))))
}

/// A day, or a dash.
pub fn day(day: Option<NaiveDate>) -> String {
    day.map_or_else(|| "—".to_owned(), |day| day.to_string())
}
