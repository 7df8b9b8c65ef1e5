//! Looking for a row's person with other details, and saying who it is.

use axum::extract::Path;
use axum::response::Response;
use uuid::Uuid;

use super::super::lists::Field;
use super::super::model::ListRow;
use super::super::named::{self, Details, Seen};
use super::super::{CompareError, Content, store};
use super::review::{FieldLine, level_text};
use super::side::{masked_cell, person_side, pick, place_text, strength_text};
use super::{NAV, source_text};
use crate::access::{Capability, Scope};
use crate::platform::UserError;
use crate::register::Divisions;
use crate::web::{Ctx, Form, Page, WebError};

/// What the list says, beside each field: what an empty field stands for.
struct Hints {
    name: String,
    id: String,
    birth: String,
    phone: String,
    division: String,
}

struct PlaceChoice {
    code: String,
    name: String,
}

struct PartBadge {
    tone: &'static str,
    text: String,
}

struct FoundLine {
    person: Uuid,
    household: Uuid,
    name: String,
    sex: String,
    birth: String,
    id: String,
    place: String,
    home: String,
    tier: String,
    score: String,
    strength: String,
    parts: Vec<PartBadge>,
}

#[derive(askama::Template)]
#[template(path = "compare_look.html")]
struct LookPage {
    page: Page,
    row: Uuid,
    comparison: Uuid,
    source: String,
    d: Details,
    hints: Hints,
    places: Vec<PlaceChoice>,
    summary: String,
    fault: String,
    found: Vec<FoundLine>,
    fields: Vec<FieldLine>,
    open: bool,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct LookForm {
    name: String,
    id: String,
    birth: String,
    phone: String,
    division: String,
}

impl LookForm {
    fn details(self) -> Details {
        let said = |text: String| text.trim().to_owned();
        Details {
            name: said(self.name),
            id: said(self.id),
            birth: said(self.birth),
            phone: said(self.phone),
            division: said(self.division),
        }
    }
}

#[derive(serde::Deserialize)]
pub(super) struct NameForm {
    person: Uuid,
    #[serde(default)]
    note: String,
    #[serde(flatten)]
    look: LookForm,
}

/// The empty form.
pub(super) async fn form(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let row = store::row(&ctx.app.db, id, &ctx.actor.scope).await?.ok_or(CompareError::NotFound)?;
    show(ctx, row, Details::default()).await
}

/// Who is found with what was typed. A form and no address, so that no number stays in a browser's history.
pub(super) async fn look(ctx: Ctx, Path(id): Path<Uuid>, Form(form): Form<LookForm>) -> Result<Response, WebError> {
    let row = store::row(&ctx.app.db, id, &ctx.actor.scope).await?.ok_or(CompareError::NotFound)?;
    show(ctx, row, form.details()).await
}

pub(super) async fn name(ctx: Ctx, Path(id): Path<Uuid>, Form(form): Form<NameForm>) -> Result<Response, WebError> {
    let (path, details) = (format!("/comparisons/rows/{id}"), form.look.details());
    match super::super::name(&ctx.app, &ctx.actor, id, form.person, &details, &form.note).await {
        Ok(_) => Ok(ctx.redirect_with(&path, "ok", "compare-flash-decided")),
        Err(CompareError::AlreadyDecided { .. }) => Ok(ctx.redirect_with(&path, "warn", "compare-flash-already")),
        Err(error) => Err(error.into()),
    }
}

/// Counties that somebody may look in.
fn counties(divisions: &Divisions, scope: &Scope) -> Vec<PlaceChoice> {
    let all = divisions.all().iter().filter(|d| d.level == 3 && d.valid_to.is_empty() && scope.contains(&d.code));
    all.map(|d| PlaceChoice { code: d.code.clone(), name: place_text(divisions, &d.code) }).collect()
}

async fn show(ctx: Ctx, row: ListRow, d: Details) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let (app, scope) = (&ctx.app, &ctx.actor.scope);
    let content = Content::open(&app.vault, &row.fields_enc)?;
    let divisions = Divisions::load(&app.db).await?;
    let (seen, fault) = if d.is_empty() {
        (Vec::new(), String::new())
    } else {
        match named::look(app, &ctx.actor, &row, &d).await {
            Ok(seen) => (seen, String::new()),
            Err(error @ (CompareError::Detail { .. } | CompareError::NoCounty | CompareError::EmptyRegister)) => {
                (Vec::new(), error.message(page.lang))
            }
            Err(error) => return Err(error.into()),
        }
    };
    let mut reader = super::super::models::Reader::load(app).await?;
    let mut found = Vec::new();
    for Seen { found: one, person, model_version } in seen {
        let (bits, tier) = (one.weighed.bits, one.weighed.tier.name());
        let parts = one.weighed.parts.iter().filter(|part| !part.level.is_empty() && part.level != "missing");
        let parts = parts.map(|part| PartBadge {
            tone: if part.bits.unwrap_or(0.0) >= 0.0 { "ok" } else { "warn" },
            text: format!("{} {:+.1}", level_text(&page, part), part.bits.unwrap_or(0.0)),
        });
        let parts = parts.collect();
        let (id, household, place) = (person.id, person.household_id, place_text(&divisions, &person.division_code));
        let side = person_side(app, person)?;
        found.push(FoundLine {
            person: id,
            household,
            home: page.t2("compare-household-of", "name", &side.head, "number", &side.household_no),
            name: side.name,
            sex: if side.sex.is_empty() { String::new() } else { page.t(&format!("compare-sex-{}", side.sex)) },
            birth: side.birth,
            id: side.id,
            place,
            tier: page.t(&format!("compare-tier-{tier}")),
            score: page.t1("compare-score-line", "score", format!("{bits:+.1}")),
            strength: strength_text(&page, reader.read(bits, model_version), bits),
            parts,
        });
    }
    let said = |field: Field| {
        let headers: Vec<String> = content.columns.keys().cloned().collect();
        let header = super::super::lists::Mapping::of(&headers).columns.get(&field).map(|(_, header)| header.clone());
        match (header, pick(&content, field).unwrap_or_default()) {
            (Some(header), value) if !value.is_empty() => {
                page.t1("compare-look-list", "value", masked_cell(&header, &value))
            }
            _ => page.t("compare-look-list-none"),
        }
    };
    let home = if row.division_code.len() >= 6 { place_text(&divisions, &row.division_code) } else { String::new() };
    let view = LookPage {
        row: row.id,
        comparison: row.comparison_id,
        source: source_text(&page, &row.source),
        hints: Hints {
            name: page.t1("compare-look-list", "value", &row.name),
            id: said(Field::IdNumber),
            birth: said(Field::Birth),
            phone: said(Field::Phone),
            division: if home.is_empty() {
                page.t("compare-look-choose")
            } else {
                page.t1("compare-look-list", "value", &home)
            },
        },
        places: counties(&divisions, scope),
        summary: if d.is_empty() || !fault.is_empty() {
            String::new()
        } else {
            page.t1("compare-look-count", "count", found.len())
        },
        fault,
        found,
        fields: content
            .columns
            .iter()
            .map(|(header, value)| FieldLine { header: header.clone(), value: masked_cell(header, value) })
            .collect(),
        open: ctx.actor.may(Capability::ReviewMatches) && row.current && row.outcome != "matched",
        d,
        page,
    };
    ctx.render(&view)
}
