//! The income lines of the profile in force: which line holds where and when, and what is wrong with them.

use std::collections::BTreeMap;

use axum::response::Response;

use super::model::fen;
use super::store;
use super::words::money;
use crate::assess::lines::IncomeLines;
use crate::platform::{App, DbError};
use crate::web::{Ctx, Page, WebError};

/// One line as the page shows it.
pub(super) struct LineRow {
    pub(super) region: String,
    pub(super) code: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) yuan: String,
    pub(super) state: String,
    pub(super) tone: &'static str,
    pub(super) source: String,
}

#[derive(askama::Template)]
#[template(path = "income_lines.html")]
struct LinesPage {
    page: Page,
    profile: String,
    as_of: String,
    faults: Vec<String>,
    lines: Vec<LineRow>,
}

/// Every line, the narrowest region last, each with what it is today; a region that the register does not know is said.
pub(super) async fn rows(app: &App, page: &Page, lines: &IncomeLines) -> Result<(Vec<LineRow>, Vec<String>), DbError> {
    let today = app.clock.today();
    let codes: Vec<String> = lines.0.iter().map(|line| line.region.clone()).filter(|code| !code.is_empty()).collect();
    let names: BTreeMap<String, String> = store::divisions(&app.db, &codes).await?;
    let mut faults = Vec::new();
    let mut order: Vec<usize> = (0..lines.0.len()).collect();
    order.sort_by_key(|at| lines.0.get(*at).map(|line| (line.region.clone(), line.effective_from.clone())));
    let mut rows = Vec::new();
    for at in order {
        let Some(line) = lines.0.get(at) else {
            continue;
        };
        let region = match names.get(&line.region) {
            Some(name) => name.clone(),
            None if line.region.is_empty() => page.t("profile-everywhere"),
            None => {
                faults.push(page.t1("income-lines-unknown", "code", &line.region));
                page.t("income-lines-not_here")
            }
        };
        let state = lines.state(at, today);
        rows.push(LineRow {
            region,
            code: line.region.clone(),
            from: line.effective_from.clone(),
            to: line.effective_to.clone(),
            yuan: fen(line.yuan).map(money).unwrap_or_default(),
            state: page.t(&format!("profile-state-{state}")),
            tone: match state {
                "in_force" => "ok",
                "coming" => "info",
                _ => "mute",
            },
            source: line.source.clone(),
        });
    }
    faults.dedup();
    for (earlier, later, day) in lines.overlaps() {
        let at = |at: usize| lines.0.get(at).map(|line| line.effective_from.clone()).unwrap_or_default();
        faults.push(page.t2("income-lines-overlap", "lines", format!("{} / {}", at(earlier), at(later)), "day", day));
    }
    let beginning = lines.0.iter().map(|line| line.effective_from.as_str()).min().and_then(|day| day.parse().ok());
    for (region, day) in beginning.map(|from| lines.gaps(from)).unwrap_or_default() {
        let region = match names.get(&region) {
            Some(name) => name.clone(),
            None if region.is_empty() => page.t("profile-everywhere"),
            None => region,
        };
        faults.push(page.t2("income-lines-gap", "region", region, "day", day));
    }
    Ok((rows, faults))
}

/// The page.
pub(super) async fn show(ctx: Ctx) -> Result<Response, WebError> {
    let page = ctx.page("nav-situation");
    let loaded = crate::assess::active_profile(&ctx.app, &ctx.actor).await?;
    let today = ctx.app.clock.today();
    let lines = crate::assess::income_lines(&ctx.app.db, today).await?;
    let (rows, faults) = rows(&ctx.app, &page, &lines).await?;
    ctx.render(&LinesPage {
        profile: format!(
            "{} · {}",
            loaded.profile.title.get(page.lang),
            page.t2("ledger-profile", "key", &loaded.profile.key, "version", loaded.profile.version)
        ),
        as_of: page.t1("income-day", "day", today),
        faults,
        lines: rows,
        page,
    })
}
