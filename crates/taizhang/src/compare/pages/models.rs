//! Which model weighs: what verdicts would make of it, the versions, and putting one in force.

use axum::extract::Path;
use axum::response::Response;

use super::super::model_store::{self, Judged};
use super::super::models::{self, Lesson, Measure, Models};
use super::quality::percent;
use crate::platform::i18n;
use crate::web::{Ctx, Form, Page, WebError};

/// What one model does on verdicts.
pub(super) struct LessonLine {
    pub(super) label: String,
    pub(super) precision: String,
    pub(super) promised: String,
    pub(super) missed: String,
    pub(super) promised_missed: String,
    pub(super) surprise: String,
}

pub(super) struct VersionLine {
    pub(super) version: i64,
    pub(super) name: String,
    pub(super) in_force: bool,
    pub(super) made: String,
    pub(super) verdicts: String,
    pub(super) precision: String,
    pub(super) missed: String,
    pub(super) surprise: String,
}

pub(super) struct UseLine {
    pub(super) name: String,
    pub(super) when: String,
    pub(super) by: String,
    pub(super) reason: String,
}

/// The part of the page of quality that is about models.
pub(super) struct ModelsView {
    pub(super) lesson: Vec<LessonLine>,
    pub(super) lesson_note: String,
    pub(super) better: bool,
    pub(super) may_choose: bool,
    pub(super) versions: Vec<VersionLine>,
    pub(super) uses: Vec<UseLine>,
    pub(super) reason_most: usize,
}

fn line(page: &Page, key: &str, m: &Measure) -> LessonLine {
    let share = |share: Option<f64>| share.map_or_else(|| "—".to_owned(), percent);
    LessonLine {
        label: page.t(&format!("quality-lesson-{key}")),
        precision: share(m.precision()),
        promised: share(m.promised_precision()),
        missed: m.missed.to_string(),
        promised_missed: format!("{:.0}", m.promised_missed),
        surprise: format!("{:.2}", m.surprise),
    }
}

pub(super) fn name(page: &Page, version: i64) -> String {
    if version == 0 { page.t("quality-version-shipped") } else { page.t1("quality-version", "n", version) }
}

/// What is shown of the models, with the proposal that verdicts make, if they are enough.
pub(super) async fn view(
    ctx: &Ctx,
    page: &Page,
    all: &Models,
    judged: &[Judged],
) -> Result<(ModelsView, Option<models::Proposal>), WebError> {
    let in_force = model_store::version_in_force(&ctx.app.db).await?;
    let proposal = models::propose(all, judged, in_force)?;
    let (versions, uses) = models::versions(&ctx.app).await?;
    let lesson = proposal.as_ref().map(|p| &p.lesson);
    let view = ModelsView {
        lesson: lesson.map(|l| lesson_lines(page, l)).unwrap_or_default(),
        lesson_note: lesson
            .map(|l| page.t2("quality-lesson-note", "labels", l.labels, "same", l.same))
            .unwrap_or_default(),
        better: lesson.is_some_and(Lesson::is_better),
        may_choose: models::may_choose(&ctx.actor),
        versions: versions
            .into_iter()
            .map(|v| VersionLine {
                version: v.version,
                name: name(page, v.version),
                in_force: v.in_force,
                made: match v.made_at {
                    0 => String::new(),
                    at => format!("{} · {}", v.made_by, page.time(&at)),
                },
                verdicts: v.lesson.as_ref().map(|l| l.labels.to_string()).unwrap_or_default(),
                precision: v.lesson.as_ref().map(|l| both(page, l, Measure::precision)).unwrap_or_default(),
                missed: v
                    .lesson
                    .as_ref()
                    .map(|l| page.t2("quality-from-to", "from", l.before.missed, "to", l.held_out.missed))
                    .unwrap_or_default(),
                surprise: v
                    .lesson
                    .as_ref()
                    .map(|l| {
                        let (from, to) = (l.before.surprise, l.held_out.surprise);
                        page.t2("quality-from-to", "from", format!("{from:.2}"), "to", format!("{to:.2}"))
                    })
                    .unwrap_or_default(),
            })
            .collect(),
        uses: uses
            .into_iter()
            .map(|u| UseLine { name: name(page, u.version), when: page.time(&u.at), by: u.by, reason: u.reason })
            .collect(),
        reason_most: crate::access::reveal::REASON_MOST,
    };
    Ok((view, proposal))
}

fn both(page: &Page, lesson: &Lesson, of: impl Fn(&Measure) -> Option<f64>) -> String {
    let text = |m: &Measure| of(m).map_or_else(|| "—".to_owned(), percent);
    page.t2("quality-from-to", "from", text(&lesson.before), "to", text(&lesson.held_out))
}

fn lesson_lines(page: &Page, lesson: &Lesson) -> Vec<LessonLine> {
    vec![
        line(page, "before", &lesson.before),
        line(page, "after", &lesson.after),
        line(page, "held-out", &lesson.held_out),
    ]
}

#[derive(serde::Deserialize)]
pub(super) struct Reason {
    #[serde(default)]
    reason: String,
}

const BACK: &str = "/comparisons/quality";

pub(super) async fn adopt(ctx: Ctx, Form(form): Form<Reason>) -> Result<Response, WebError> {
    models::adopt(&ctx.app, &ctx.actor, &form.reason).await?;
    Ok(ctx.redirect_with(BACK, "ok", "quality-flash-model"))
}

pub(super) async fn choose(ctx: Ctx, Path(version): Path<i64>, Form(form): Form<Reason>) -> Result<Response, WebError> {
    models::choose(&ctx.app, &ctx.actor, version, &form.reason).await?;
    Ok(ctx.redirect_with(BACK, "ok", "quality-flash-model"))
}

/// By which model a candidate was weighed, in words.
pub(super) fn weighed_by(page: &Page, version: i64) -> String {
    i18n::text_with(page.lang, "compare-weighed-by", &[("model", name(page, version))])
}
