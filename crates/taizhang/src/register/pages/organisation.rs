//! The page of an organisation: its facts, who of the registered works there, whom its people help.

use axum::extract::Path;
use axum::response::Response;
use uuid::Uuid;

use super::super::organisations::OrganisationFile;
use super::household::{ChangeRow, change_row, period, source_text};
use super::{dash, grouped};
use crate::web::{Ctx, Page, WebError};

#[derive(askama::Template)]
#[template(path = "organisation.html")]
struct OrganisationPage {
    page: Page,
    as_of: String,
    facts: Vec<(String, String)>,
    source: String,
    changes: Vec<ChangeRow>,
    helped_periods: Vec<String>,
    team_periods: Vec<String>,
    workers_cut: bool,
    helped_cut: bool,
    teams_cut: bool,
    file: OrganisationFile,
}

impl OrganisationPage {
    fn grouped(&self, number: &i64) -> String {
        grouped(*number)
    }

    fn dash(&self, text: &str) -> String {
        dash(text)
    }
}

/// The page of one organisation.
pub(super) async fn show(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let file = super::super::organisation_file(&ctx.app, &ctx.actor, id).await?;
    let page = ctx.page("nav-households");
    let organisation = &file.organisation;
    let facts = [
        ("field-credit_code", organisation.credit_code.clone()),
        ("organisation-spellings", file.spellings.join(&page.t("list-comma"))),
        ("organisation-kind", organisation.kind.clone()),
        ("organisation-place", organisation.place.clone()),
        ("field-address", organisation.address.clone()),
        ("field-contact", organisation.contact.clone()),
        ("field-phone", file.phone.clone()),
    ]
    .into_iter()
    .map(|(key, value)| (page.t(key), dash(&value)))
    .collect();
    let periods = |days: Vec<(&String, &String)>| days.iter().map(|(from, to)| period(&page, from, to)).collect();
    let cut = |shown: usize, limit: i64| i64::try_from(shown).unwrap_or(i64::MAX) >= limit;
    let limit = super::super::organisations::LINES;
    ctx.render(&OrganisationPage {
        as_of: page.t2("file-as-of", "day", dash(&organisation.as_of), "version", organisation.version),
        facts,
        source: source_text(&page, &organisation.source()),
        changes: file.versions.iter().map(|change| change_row(&page, change)).collect(),
        helped_periods: periods(file.helped.iter().map(|h| (&h.start_date, &h.end_date)).collect()),
        team_periods: periods(file.teams.iter().map(|t| (&t.start_date, &t.end_date)).collect()),
        workers_cut: cut(file.workers.len(), limit),
        helped_cut: cut(file.helped.len(), limit),
        teams_cut: cut(file.teams.len(), limit),
        page,
        file,
    })
}
