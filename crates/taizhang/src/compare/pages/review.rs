//! One row under review: the pair side by side, what speaks for and against it, and the decision.

use axum::extract::{Path, Query};
use axum::response::Response;
use uuid::Uuid;

use super::super::lists::Field;
use super::super::model::Candidate;
use super::super::weigh::Part;
use super::super::{CompareError, Content, ListRow, Verdict, store};
use super::models::weighed_by;
use super::side::{
    Side, candidate_strength, mask_id, mask_phone, masked_cell, pick, place_text, registered_side, score_text,
};
use super::{NAV, source_text};
use crate::access::Capability;
use crate::register::Divisions;
use crate::web::{Ctx, Form, Page, WebError};

pub(super) struct PairLine {
    pub(super) label: String,
    pub(super) left: String,
    pub(super) right: String,
    pub(super) mark: &'static str,
    pub(super) mark_text: String,
    pub(super) score: String,
}

impl PairLine {
    /// Whether it is the line of a field that is called so.
    pub(super) fn is(&self, label: &str) -> bool {
        self.label == label
    }
}

/// One bar of the waterfall, in hundredths of its width.
pub(super) struct FallLine {
    pub(super) words: String,
    pub(super) bits: String,
    pub(super) kind: &'static str,
    pub(super) x: String,
    pub(super) width: String,
    /// Where 0 bits are.
    pub(super) zero: String,
}

struct MemberLine {
    name: String,
    relation: String,
    birth: String,
    this: bool,
}

struct CandidateView {
    id: Uuid,
    chosen: bool,
    href: String,
    name: String,
    place: String,
    subject: String,
    tier: String,
    verdict: String,
    verdict_key: String,
    score: String,
    /// How likely it is the wrong person, in words; empty for a candidate of an earlier version.
    strength: String,
    /// The model that says so.
    weighed_by: String,
}

pub(super) struct FieldLine {
    pub(super) header: String,
    pub(super) value: String,
}

#[derive(askama::Template)]
#[template(path = "compare_review.html")]
struct ReviewPage {
    page: Page,
    row: Uuid,
    comparison: Uuid,
    source: String,
    line: i64,
    name: String,
    outcome: String,
    outcome_text: String,
    current: bool,
    /// Why a matched row waits again, in words.
    reopened: String,
    facts: Vec<String>,
    position: String,
    prev: String,
    next: String,
    others: Vec<CandidateView>,
    chosen: Option<CandidateView>,
    pairs: Vec<PairLine>,
    fall: Vec<FallLine>,
    side_title: String,
    household_href: String,
    household_title: String,
    members: Vec<MemberLine>,
    fields: Vec<FieldLine>,
    may_decide: bool,
    open: bool,
    decided: String,
}

#[derive(serde::Deserialize)]
pub(super) struct Picked {
    candidate: Option<Uuid>,
}

pub(super) async fn review(ctx: Ctx, Path(id): Path<Uuid>, Query(picked): Query<Picked>) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let (app, scope) = (&ctx.app, &ctx.actor.scope);
    let row = store::row(&app.db, id, scope).await?.ok_or(CompareError::NotFound)?;
    let content = Content::open(&app.vault, &row.fields_enc)?;
    let divisions = Divisions::load(&app.db).await?;
    let all = store::candidates(&app.db, id, scope).await?;
    let queue = store::queue(&app.db, row.comparison_id, scope).await?;
    let at = queue.iter().position(|r| *r == id);
    let link = |to: Option<&Uuid>| to.map_or_else(String::new, |id| format!("/comparisons/rows/{id}"));
    let (prev, next) = match at {
        Some(at) => (link(at.checked_sub(1).and_then(|i| queue.get(i))), link(queue.get(at + 1))),
        None => (String::new(), link(queue.first())),
    };
    let mut reader = super::super::models::Reader::load(app).await?;
    let chosen = picked.candidate.and_then(|id| all.iter().position(|c| c.id == id)).or(if all.is_empty() {
        None
    } else {
        Some(0)
    });
    let mut views = Vec::new();
    for (i, c) in all.iter().enumerate() {
        let side = registered_side(app, c, scope).await?;
        views.push(CandidateView {
            id: c.id,
            chosen: Some(i) == chosen,
            href: format!("/comparisons/rows/{id}?candidate={}", c.id),
            name: side.map(|s| s.name).unwrap_or_default(),
            place: place_text(&divisions, &c.division_code),
            subject: page.t(&format!("compare-subject-{}", c.subject)),
            tier: page.t(&format!("compare-tier-{}", c.tier)),
            verdict: page.t(&format!("compare-verdict-{}", c.verdict)),
            verdict_key: c.verdict.clone(),
            score: score_text(&page, c),
            strength: candidate_strength(&page, &mut reader, c),
            weighed_by: if c.is_in_bits() { weighed_by(&page, c.model_version) } else { String::new() },
        });
    }
    let mut pairs = Vec::new();
    let mut fall = Vec::new();
    let mut members = Vec::new();
    let (mut household_href, mut household_title, mut side_title, mut decided) =
        (String::new(), String::new(), String::new(), String::new());
    if let Some(c) = chosen.map(|at| &all[at]) {
        if let Some(side) = registered_side(app, c, scope).await? {
            side_title = place_text(&divisions, &c.division_code);
            let parts: Vec<Part> = serde_json::from_str(&c.explanation).unwrap_or_default();
            pairs = pair_lines(&page, &parts, &content, &row, c, &side, &divisions);
            fall = waterfall(&page, &parts);
            if let Some(household) = side.household_id {
                household_href = format!("/households/{household}");
                household_title = page.t2("compare-household-of", "name", &side.head, "number", &side.household_no);
                if !side.unit.is_empty() {
                    household_title = side.unit.clone();
                }
                for m in store::members(&app.db, household, scope).await? {
                    members.push(MemberLine {
                        this: m.id == c.subject_id,
                        name: m.name,
                        relation: m.relation,
                        birth: m.birth_date.get(..4).unwrap_or("").to_owned(),
                    });
                }
            }
        }
        if let Some(when) = c.decided_at {
            decided = page.t2(
                "compare-decided-when",
                "verdict",
                page.t(&format!("compare-verdict-{}", c.verdict)),
                "when",
                page.time(&when),
            );
            if !c.note.is_empty() {
                decided = format!("{decided}　{}", c.note);
            }
        }
    }
    let facts = content
        .facts
        .iter()
        .map(|f| format!("{} {}", page.t(&format!("compare-kind-{}", f.kind.replace('.', "-"))), f.date))
        .collect();
    let open = row.outcome == "review" && row.current;
    let view = ReviewPage {
        row: id,
        comparison: row.comparison_id,
        source: source_text(&page, &row.source),
        line: row.line,
        outcome_text: page.t(&format!("compare-outcome-{}", row.outcome)),
        position: match at {
            Some(at) => page.t2("compare-position", "at", at + 1, "total", queue.len()),
            None => page.t1("compare-left-open", "total", queue.len()),
        },
        prev,
        next,
        others: views,
        chosen: None,
        pairs,
        fall,
        side_title,
        household_href,
        household_title,
        members,
        fields: content
            .columns
            .iter()
            .map(|(header, value)| FieldLine { header: header.clone(), value: masked_cell(header, value) })
            .collect(),
        may_decide: ctx.actor.may(Capability::ReviewMatches) && row.current,
        open,
        decided,
        facts,
        current: row.current,
        reopened: match row.reopened.as_str() {
            "" => String::new(),
            reason => page.t(&format!("compare-reopened-{reason}")),
        },
        name: row.name,
        outcome: row.outcome,
        page,
    };
    let mut view = view;
    view.chosen = view.others.iter().position(|c| c.chosen).map(|at| view.others.remove(at));
    ctx.render(&view)
}

/// The level of one field in words.
pub(super) fn level_text(page: &Page, part: &Part) -> String {
    if part.level.is_empty() {
        page.t(&format!("compare-part-{}", part.field))
    } else {
        page.t(&format!("compare-level-{}-{}", part.field, part.level))
    }
}

/// What is shown beside a level: equal, near, different, or not known.
fn mark_of(level: &str) -> &'static str {
    match level {
        "missing" => "absent",
        "exact" | "same" | "format" | "house" | "group" | "village" => "agree",
        "differ" | "surname" | "only_off" | "near_year" => "differ",
        _ => "near",
    }
}

/// One field of two records.
pub(super) fn pair_line(
    page: &Page,
    field: &str,
    level: &str,
    bits: Option<f64>,
    left: String,
    right: String,
) -> PairLine {
    let mark = mark_of(level);
    PairLine {
        label: page.t(&format!("compare-field-{field}")),
        left,
        right,
        mark,
        mark_text: page.t(&format!("compare-mark-{mark}")),
        score: bits.filter(|_| level != "missing").map(|bits| format!("{bits:+.1}")).unwrap_or_default(),
    }
}

/// The two records line by line with their marks.
fn pair_lines(
    page: &Page,
    parts: &[Part],
    content: &Content,
    row: &ListRow,
    c: &Candidate,
    side: &Side,
    divisions: &Divisions,
) -> Vec<PairLine> {
    let get = |field| pick(content, field).unwrap_or_default();
    let dash = |v: String| if v.is_empty() { "—".to_owned() } else { v };
    let mut pairs = Vec::new();
    let unsaid = |e: &&Part| e.level.is_empty() || (e.field == "household" && e.level == "missing");
    for e in parts.iter().filter(|e| !unsaid(e)) {
        let (left, right) = match e.field.as_str() {
            "name" => (row.name.clone(), side.name.clone()),
            "id" => (mask_id(&get(Field::IdNumber)), side.id.clone()),
            "sex" => (
                get(Field::Sex),
                if side.sex.is_empty() { String::new() } else { page.t(&format!("compare-sex-{}", side.sex)) },
            ),
            "birth" => (get(Field::Birth), side.birth.clone()),
            "phone" => (mask_phone(&get(Field::Phone)), side.phone.clone()),
            "place" => (
                Some(get(Field::Address))
                    .filter(|a| !a.is_empty())
                    .unwrap_or_else(|| place_text(divisions, &row.division_code)),
                place_text(divisions, &c.division_code),
            ),
            _ => (get(Field::HouseholdNo), side.household_no.clone()),
        };
        pairs.push(pair_line(page, &e.field, &e.level, e.bits, dash(left), dash(right)));
    }
    let number = get(Field::HouseholdNo);
    if !number.is_empty() && !parts.iter().any(|e| e.field == "household") {
        let mark = match side.household_no.as_str() {
            "" => "absent",
            registered if registered == number => "agree",
            _ => "differ",
        };
        pairs.push(PairLine {
            label: page.t("compare-field-household"),
            left: number,
            right: dash(side.household_no.clone()),
            mark,
            mark_text: page.t(&format!("compare-mark-{mark}")),
            // It weighs with the place.
            score: String::new(),
        });
    }
    // Name first: it is what a person reads first.
    let name = page.t("compare-field-name");
    pairs.sort_by_key(|p| p.label != name);
    pairs
}

/// What speaks for and against the pair, one part after the other: each bar begins where the one before ends, and the last
/// is all of them. Parts that say nothing are left out.
pub(super) fn waterfall(page: &Page, parts: &[Part]) -> Vec<FallLine> {
    let steps: Vec<(String, f64)> = parts
        .iter()
        .filter(|part| part.level != "missing")
        .filter_map(|part| Some((level_text(page, part), part.bits?)))
        .filter(|(_, bits)| bits.abs() >= 0.05)
        .collect();
    let mut ends = vec![0.0];
    for (_, bits) in &steps {
        ends.push(ends.last().copied().unwrap_or(0.0) + bits);
    }
    let total = ends.last().copied().unwrap_or(0.0);
    let lowest = ends.iter().copied().fold(0.0, f64::min);
    let range = (ends.iter().copied().fold(0.0, f64::max) - lowest).max(1.0);
    let at = |bits: f64| (bits - lowest) / range * 100.0;
    let line = |words: String, from: f64, to: f64, is_total: bool| FallLine {
        words,
        bits: format!("{:+.1}", to - from),
        kind: match (is_total, to >= from) {
            (true, _) => "sum",
            (_, true) => "for",
            _ => "against",
        },
        x: format!("{:.1}", at(from.min(to))),
        width: format!("{:.1}", ((to - from).abs() / range * 100.0).max(0.6)),
        zero: format!("{:.1}", at(0.0)),
    };
    let mut lines: Vec<FallLine> =
        steps.into_iter().zip(ends.windows(2)).map(|((words, _), ends)| line(words, ends[0], ends[1], false)).collect();
    if !lines.is_empty() {
        lines.push(line(page.t("compare-part-sum"), 0.0, total, true));
    }
    lines
}

#[derive(serde::Deserialize)]
pub(super) struct DecideForm {
    verdict: Verdict,
    candidate: Option<Uuid>,
    #[serde(default)]
    note: String,
}

pub(super) async fn decide(ctx: Ctx, Path(id): Path<Uuid>, Form(form): Form<DecideForm>) -> Result<Response, WebError> {
    let here = store::row(&ctx.app.db, id, &ctx.actor.scope).await?.ok_or(CompareError::NotFound)?;
    let done = super::super::decide(&ctx.app, &ctx.actor, id, form.candidate, form.verdict, &form.note).await;
    let path = format!("/comparisons/rows/{id}");
    match done {
        Ok(done) if done.outcome == "review" || form.verdict == Verdict::Undo => {
            Ok(ctx.redirect_with(&path, "ok", "compare-flash-decided"))
        }
        Ok(_) => {
            let queue = store::queue(&ctx.app.db, here.comparison_id, &ctx.actor.scope).await?;
            let next = queue.first().map_or_else(
                || format!("/comparisons/{}", here.comparison_id),
                |next| format!("/comparisons/rows/{next}"),
            );
            Ok(ctx.redirect_with(&next, "ok", "compare-flash-decided"))
        }
        // Somebody was first: show what they decided.
        Err(CompareError::AlreadyDecided { .. }) => Ok(ctx.redirect_with(&path, "warn", "compare-flash-already")),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn next_open(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let comparison = store::comparison(&ctx.app.db, id, &ctx.actor.scope).await?.ok_or(CompareError::NotFound)?;
    let queue = store::queue(&ctx.app.db, comparison.id, &ctx.actor.scope).await?;
    Ok(match queue.first() {
        Some(row) => ctx.redirect(&format!("/comparisons/rows/{row}")),
        None => ctx.redirect_with(&format!("/comparisons/{id}"), "ok", "compare-flash-all-done"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Lang;

    #[test]
    fn bars_lead_from_nothing_to_the_sum() {
        let page = Page {
            lang: Lang::Zh,
            path: String::new(),
            csrf: String::new(),
            user: None,
            nav: Vec::new(),
            search: false,
            flash: None,
        };
        let part = |field: &str, level: &str, bits| Part { field: field.to_owned(), level: level.to_owned(), bits };
        let parts = [
            part("start", "", Some(-20.0)),
            part("id", "exact", Some(30.0)),
            part("phone", "missing", Some(0.0)),
            part("birth", "differ", Some(-5.0)),
        ];
        let lines = waterfall(&page, &parts);
        let bars: Vec<(&str, &str, &str, &str)> =
            lines.iter().map(|l| (l.kind, l.bits.as_str(), l.x.as_str(), l.width.as_str())).collect();
        assert_eq!(
            bars,
            [
                ("against", "-20.0", "0.0", "66.7"),
                ("for", "+30.0", "0.0", "100.0"),
                ("against", "-5.0", "83.3", "16.7"),
                ("sum", "+5.0", "66.7", "16.7"),
            ]
        );
        assert!(waterfall(&page, &[part("id", "format", None)]).is_empty());
    }
}
