//! The register's possible duplicates: the list, one pair side by side, many that look alike, and the file.

use axum::extract::{Path, Query};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::super::duplicates::{self, Keep, Pair, PairFilter, PairVerdict, store};
use super::super::weigh::Part;
use super::super::{CompareError, CompareOptions, DUPLICATES_JOB, JobParams};
use super::models::weighed_by;
use super::review::{FallLine, PairLine, level_text, pair_line, waterfall};
use super::side::{Side, person_side, place_text, strength_text};
use super::{NAV, PAGE};
use crate::access::{Capability, Scope};
use crate::platform::jobs::{self, NewJob};
use crate::platform::{App, DbError, i18n};
use crate::register::{Divisions, divisions::CODE_LENGTHS};
use crate::web::{Ctx, Form, Nothing, Page, WebError, query_encoded};

/// Examples of a group that are shown; the decision is for all of them.
const EXAMPLES: usize = 100;

struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

/// A person of a pair as a line of a list shows them: nothing but the county of one outside the scope.
struct Who {
    name: String,
    household_no: String,
    place: String,
}

struct Line {
    href: String,
    left: Who,
    right: Who,
    tier: String,
    score: String,
    verdict: String,
    tone: &'static str,
    gone: bool,
    across: bool,
}

struct Tile {
    label: String,
    count: i64,
    note: String,
    href: String,
}

#[derive(askama::Template)]
#[template(path = "duplicates.html")]
struct ListPage {
    page: Page,
    tiles: Vec<Tile>,
    ran: String,
    recall: String,
    has_run: bool,
    asked: PairFilter,
    verdicts: Vec<Choice>,
    tiers: Vec<Choice>,
    presence: Vec<Choice>,
    apart: Vec<Choice>,
    divisions: Vec<Choice>,
    lines: Vec<Line>,
    summary: String,
    prev: String,
    next: String,
    may_run: bool,
    may_review: bool,
    may_export: bool,
    confirmed: i64,
    purpose_most: usize,
}

#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct Paging {
    #[serde(default)]
    page: i64,
}

fn address(filter: &PairFilter, page: i64) -> String {
    let mut parts: Vec<String> = [
        ("verdict", &filter.verdict),
        ("tier", &filter.tier),
        ("present", &filter.present),
        ("apart", &filter.apart),
        ("division", &filter.division),
        ("signature", &filter.signature),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| format!("{name}={}", query_encoded(value)))
    .collect();
    if page > 1 {
        parts.push(format!("page={page}"));
    }
    if parts.is_empty() { "/duplicates".to_owned() } else { format!("/duplicates?{}", parts.join("&")) }
}

fn choices(page: &Page, values: &[&str], key: &str, chosen: &str) -> Vec<Choice> {
    let choice = |value: &&str| Choice {
        value: (*value).to_owned(),
        label: page.t(&format!("{key}-{value}")),
        chosen: *value == chosen,
    };
    values.iter().map(choice).collect()
}

/// The divisions one level below the scope's own, as choices of the filter.
fn division_choices(divisions: &Divisions, scope: &Scope, chosen: &str) -> Vec<Choice> {
    let root = scope.root().len();
    let Some(below) = CODE_LENGTHS.into_iter().find(|length| *length > root.max(4)) else {
        return Vec::new();
    };
    let all = divisions.all().iter().filter(|d| d.code.len() == below && scope.contains(&d.code));
    all.map(|d| Choice { value: d.code.clone(), label: d.name.clone(), chosen: d.code == chosen }).collect()
}

pub(super) async fn index(
    ctx: Ctx,
    Query(asked): Query<PairFilter>,
    Query(paging): Query<Paging>,
) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let (db, actor) = (&ctx.app.db, &ctx.actor);
    let within = match asked.division.as_str() {
        "" => actor.scope.clone(),
        code => crate::register::pages::inside(&ctx, code)?,
    };
    let at = paging.page.max(1);
    let total = store::count(db, &within, &asked).await?;
    let pairs = store::pairs(db, &within, &asked, PAGE, (at - 1) * PAGE).await?;
    let counts = store::counts(db, &actor.scope).await?;
    let divisions = Divisions::load(db).await?;
    let shown = Shown::of(&ctx.app, &actor.scope, &divisions, &pairs).await?;
    let lines: Vec<Line> = pairs.iter().map(|pair| shown.line(&page, pair)).collect();
    let run = store::last_run(db, &actor.scope).await?;
    let tiers: Vec<String> = store::tiers(db, &actor.scope).await?.into_iter().map(|t| t.0).collect();
    let count = |verdict: &str, present: Option<bool>| -> i64 {
        let fits = |c: &&(String, bool, i64)| c.0 == verdict && present.is_none_or(|p| c.1 == p);
        counts.iter().filter(fits).map(|c| c.2).sum()
    };
    let gone: i64 = counts.iter().filter(|c| !c.1).map(|c| c.2).sum();
    let tile = |key: &str, count, filter: PairFilter| Tile {
        label: page.t(&format!("duplicate-tile-{key}")),
        count,
        note: page.t(&format!("duplicate-tile-{key}-note")),
        href: address(&filter, 1),
    };
    let of = |verdict: &str, present: &str| PairFilter {
        verdict: verdict.to_owned(),
        present: present.to_owned(),
        ..PairFilter::default()
    };
    let (from, to) = ((at - 1) * PAGE + 1, (at - 1) * PAGE + lines.len() as i64);
    let view = ListPage {
        tiles: vec![
            tile("pending", count("pending", Some(true)), of("pending", "present")),
            tile("same", count("same", None), of("same", "")),
            tile("different", count("different", None), of("different", "")),
            tile("gone", gone, of("", "gone")),
        ],
        ran: run.as_ref().map_or_else(String::new, |run| {
            i18n::text_with(
                page.lang,
                "duplicate-ran",
                &[("when", page.time(&run.finished_at)), ("persons", run.persons.to_string())],
            )
        }),
        recall: run
            .as_ref()
            .and_then(|run| run.recall)
            .map(|recall| page.t1("duplicate-recall", "share", format!("{:.1}%", (recall * 1_000.0).floor() / 10.0)))
            .unwrap_or_default(),
        has_run: run.is_some(),
        verdicts: choices(&page, &["pending", "same", "different"], "duplicate-verdict", &asked.verdict),
        tiers: tiers
            .into_iter()
            .map(|tier| Choice {
                label: page.t(&format!("compare-tier-{tier}")),
                chosen: tier == asked.tier,
                value: tier,
            })
            .collect(),
        presence: choices(&page, &["present", "gone"], "duplicate-present", &asked.present),
        apart: choices(&page, &["village", "county", "across"], "duplicate-apart", &asked.apart),
        divisions: division_choices(&divisions, &actor.scope, &asked.division),
        summary: i18n::text_with(
            page.lang,
            "pager-summary",
            &[("from", from.min(total).to_string()), ("to", to.to_string()), ("total", total.to_string())],
        ),
        prev: if at > 1 { address(&asked, at - 1) } else { String::new() },
        next: if at * PAGE < total { address(&asked, at + 1) } else { String::new() },
        may_run: actor.may(Capability::RunComparison),
        may_review: actor.may(Capability::ReviewMatches),
        may_export: actor.may(Capability::Export),
        confirmed: count("same", None),
        purpose_most: crate::access::reveal::REASON_MOST,
        asked,
        lines,
        page,
    };
    ctx.render(&view)
}

/// Persons of pairs, as far as a scope may see them.
struct Shown<'a> {
    sides: std::collections::HashMap<Uuid, (Side, String)>,
    divisions: &'a Divisions,
    scope: &'a Scope,
}

impl<'a> Shown<'a> {
    async fn of(app: &App, scope: &'a Scope, divisions: &'a Divisions, pairs: &[Pair]) -> Result<Shown<'a>, WebError> {
        let mut wanted: Vec<Uuid> = pairs.iter().flat_map(|p| [p.left_id, p.right_id]).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut sides = std::collections::HashMap::new();
        for person in super::super::store::persons(&app.db, &wanted, scope).await? {
            let (id, division) = (person.id, person.division_code.clone());
            sides.insert(id, (person_side(app, person)?, division));
        }
        Ok(Self { sides, divisions, scope })
    }

    /// The county of a person outside the scope, and that it is outside.
    fn outside(&self, page: &Page, division: &str) -> String {
        let county = place_text(self.divisions, division.get(..6).unwrap_or(division));
        format!("{county}{}", page.t("duplicate-outside-mark"))
    }

    fn who(&self, page: &Page, id: Uuid, division: &str) -> Who {
        match self.sides.get(&id) {
            Some((side, division)) => Who {
                name: side.name.clone(),
                household_no: side.household_no.clone(),
                place: place_text(self.divisions, division),
            },
            None if self.scope.contains(division) => Who {
                name: page.t("duplicate-removed"),
                household_no: String::new(),
                place: place_text(self.divisions, division),
            },
            None => Who {
                name: page.t("duplicate-outside"),
                household_no: String::new(),
                place: self.outside(page, division),
            },
        }
    }

    fn line(&self, page: &Page, pair: &Pair) -> Line {
        Line {
            href: format!("/duplicates/pairs/{}", pair.id),
            left: self.who(page, pair.left_id, &pair.left_division),
            right: self.who(page, pair.right_id, &pair.right_division),
            tier: page.t(&format!("compare-tier-{}", pair.tier)),
            score: format!("{:+.1}", pair.score),
            verdict: page.t(&format!("duplicate-verdict-{}", pair.verdict)),
            tone: tone(&pair.verdict),
            gone: !pair.present,
            across: !(self.scope.contains(&pair.left_division) && self.scope.contains(&pair.right_division)),
        }
    }
}

fn tone(verdict: &str) -> &'static str {
    match verdict {
        "same" => "danger",
        "different" => "ok",
        _ => "warn",
    }
}

/// Looks for duplicates, as a job.
pub(super) async fn start(ctx: Ctx, Form(Nothing {}): Form<Nothing>) -> Result<Response, WebError> {
    let job = NewJob {
        kind: DUPLICATES_JOB,
        title: i18n::text(ctx.lang, "duplicate-job"),
        division_code: ctx.actor.scope.root().to_owned(),
        created_by: ctx.actor.user_id,
        params: serde_json::to_value(JobParams::of(&ctx.actor, String::new(), CompareOptions::default()))
            .unwrap_or_default(),
        idempotency_key: None,
    };
    let now = ctx.app.clock.now_ms();
    let id = ctx
        .app
        .db
        .write::<Uuid, DbError, _>(move |tx| Box::pin(async move { jobs::enqueue(tx, job, now).await }))
        .await?;
    Ok(ctx.redirect(&format!("/jobs/{id}")))
}

pub(super) async fn next_open(ctx: Ctx) -> Result<Response, WebError> {
    Ok(match store::next_open(&ctx.app.db, &ctx.actor.scope, None).await? {
        Some(pair) => ctx.redirect(&format!("/duplicates/pairs/{pair}")),
        None => ctx.redirect_with("/duplicates", "ok", "duplicate-flash-all-done"),
    })
}

/// What is shown of a pair beside the two records.
struct PairView {
    tier: String,
    score: String,
    strength: String,
    weighed_by: String,
}

/// One record of a pair: where it stands, for whoever has to correct it.
struct Record {
    title: String,
    name: String,
    person_no: String,
    household_no: String,
    household_href: String,
    place: String,
    source: String,
    unit: String,
    as_of: String,
    outside: bool,
}

struct IssueLine {
    text: String,
    person_no: String,
    href: String,
}

#[derive(askama::Template)]
#[template(path = "duplicate_pair.html")]
struct PairPage {
    page: Page,
    id: Uuid,
    c: PairView,
    left_title: String,
    right_title: String,
    pairs: Vec<PairLine>,
    fall: Vec<FallLine>,
    records: Vec<Record>,
    issues: Vec<IssueLine>,
    siblings: Vec<Line>,
    verdict: String,
    verdict_text: String,
    tone: &'static str,
    gone: String,
    decided: String,
    keep: String,
    /// What to do now that it is one person; empty otherwise.
    advice: String,
    may_decide: bool,
    across: bool,
    skip: String,
}

pub(super) async fn show(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let (app, scope) = (&ctx.app, &ctx.actor.scope);
    let pair = store::pair(&app.db, id, scope).await?.ok_or(CompareError::NotFound)?;
    let divisions = Divisions::load(&app.db).await?;
    let siblings = store::siblings(&app.db, &pair, scope).await?;
    let mut all = siblings.clone();
    all.push(pair.clone());
    let shown = Shown::of(app, scope, &divisions, &all).await?;
    let parts: Vec<Part> = serde_json::from_str(&pair.explanation).unwrap_or_default();
    let places = store::record_places(&app.db, &[pair.left_id, pair.right_id], scope).await?;
    let record = |key: &str, id: Uuid, number: &str, division: &str| {
        let who = shown.who(&page, id, division);
        let side = shown.sides.get(&id).map(|(side, _)| side);
        let place = places.iter().find(|p| p.id == id);
        Record {
            title: page.t(key),
            outside: !scope.contains(division),
            name: who.name,
            person_no: if scope.contains(division) { number.to_owned() } else { String::new() },
            household_no: who.household_no,
            household_href: side.and_then(|s| s.household_id).map(|id| format!("/households/{id}")).unwrap_or_default(),
            place: who.place,
            source: place.map(|p| duplicates::record_place(p, page.lang)).unwrap_or_default(),
            unit: place.map(|p| p.source_unit.clone()).unwrap_or_default(),
            as_of: place.map(|p| p.as_of.clone()).unwrap_or_default(),
        }
    };
    let records = vec![
        record("duplicate-left", pair.left_id, &pair.left_no, &pair.left_division),
        record("duplicate-right", pair.right_id, &pair.right_no, &pair.right_division),
    ];
    let both = scope.contains(&pair.left_division) && scope.contains(&pair.right_division);
    let advice = advice(&page, &pair, &records);
    let issues = store::issues(&app.db, &pair, scope).await?;
    let next = store::next_open(&app.db, scope, Some((pair.score, pair.id))).await?;
    let reading = super::super::models::Reader::load(app).await?.read(pair.score, pair.model_version);
    let view = PairPage {
        id,
        c: PairView {
            tier: page.t(&format!("compare-tier-{}", pair.tier)),
            score: page.t1("compare-score-line", "score", format!("{:+.1}", pair.score)),
            strength: strength_text(&page, reading, pair.score),
            weighed_by: weighed_by(&page, pair.model_version),
        },
        left_title: records[0].place.clone(),
        right_title: records[1].place.clone(),
        pairs: lines(&page, &parts, &pair, &shown, &records),
        fall: waterfall(&page, &parts),
        issues: issues
            .into_iter()
            .map(|issue| IssueLine {
                text: page.t(&format!("rule-{}", issue.rule_id.replace('.', "-"))),
                person_no: issue.person_no,
                href: format!("/imports/{}", issue.import_id),
            })
            .collect(),
        siblings: siblings.iter().map(|sibling| shown.line(&page, sibling)).collect(),
        verdict_text: page.t(&format!("duplicate-verdict-{}", pair.verdict)),
        tone: tone(&pair.verdict),
        gone: pair.gone_at.filter(|_| !pair.present).map(|at| page.time(&at)).unwrap_or_default(),
        decided: match pair.decided_at {
            Some(when) => {
                let said = page.t2("duplicate-decided", "name", &pair.decided_name, "when", page.time(&when));
                if pair.note.is_empty() { said } else { format!("{said}　{}", pair.note) }
            }
            None => String::new(),
        },
        keep: pair.keep.clone(),
        advice,
        may_decide: both && ctx.actor.may(Capability::ReviewMatches),
        across: !both,
        skip: next.map(|next| format!("/duplicates/pairs/{next}")).unwrap_or_default(),
        verdict: pair.verdict,
        records,
        page,
    };
    ctx.render(&view)
}

/// Which record to correct in which file, where it is said that the two are one person.
fn advice(page: &Page, pair: &Pair, records: &[Record]) -> String {
    if pair.verdict != "same" {
        return String::new();
    }
    let (keep, wrong) = match Keep::from_name(&pair.keep) {
        Keep::Left => (&records[0], &records[1]),
        Keep::Right => (&records[1], &records[0]),
        Keep::Unsaid => return page.t("duplicate-advice-unsaid"),
    };
    if wrong.outside || wrong.source.is_empty() {
        return page.t1("duplicate-advice-outside", "place", &wrong.place);
    }
    i18n::text_with(
        page.lang,
        "duplicate-advice",
        &[
            ("keep", keep.person_no.clone()),
            ("wrong", wrong.person_no.clone()),
            ("name", wrong.name.clone()),
            ("household", wrong.household_no.clone()),
            ("where", wrong.source.clone()),
        ],
    )
}

fn lines(page: &Page, parts: &[Part], pair: &Pair, shown: &Shown<'_>, records: &[Record]) -> Vec<PairLine> {
    let get = |id: Uuid, field: &str| -> String {
        let Some((side, division)) = shown.sides.get(&id) else {
            return String::new();
        };
        match field {
            "name" => side.name.clone(),
            "id" => side.id.clone(),
            "sex" if side.sex.is_empty() => String::new(),
            "sex" => page.t(&format!("compare-sex-{}", side.sex)),
            "birth" => side.birth.clone(),
            "phone" => side.phone.clone(),
            "place" => place_text(shown.divisions, division),
            _ => side.household_no.clone(),
        }
    };
    let value = |at: usize, id: Uuid, field: &str| {
        if field == "place" && records[at].outside {
            return records[at].place.clone();
        }
        match get(id, field) {
            text if text.is_empty() && records[at].outside => page.t("duplicate-outside"),
            text if text.is_empty() => "—".to_owned(),
            text => text,
        }
    };
    let mut out: Vec<PairLine> = parts
        .iter()
        .filter(|part| !part.level.is_empty())
        .map(|part| {
            let (left, right) = (value(0, pair.left_id, &part.field), value(1, pair.right_id, &part.field));
            pair_line(page, &part.field, &part.level, part.bits, left, right)
        })
        .collect();
    let name = page.t("compare-field-name");
    out.sort_by_key(|line| !line.is(&name));
    let numbers = (value(0, pair.left_id, "household"), value(1, pair.right_id, "household"));
    let level = match &numbers {
        _ if records.iter().any(|r| r.outside) => "differ",
        (left, right) if left == right => "same",
        _ => "differ",
    };
    out.push(pair_line(page, "household", level, None, numbers.0, numbers.1));
    out
}

#[derive(serde::Deserialize)]
pub(super) struct DecideForm {
    verdict: String,
    #[serde(default)]
    note: String,
}

fn said(verdict: &str) -> Result<PairVerdict, CompareError> {
    Ok(match verdict {
        "same" => PairVerdict::Same(Keep::Unsaid),
        "same-left" => PairVerdict::Same(Keep::Left),
        "same-right" => PairVerdict::Same(Keep::Right),
        "different" => PairVerdict::Different,
        "undo" => PairVerdict::Undo,
        _ => return Err(CompareError::NotFound),
    })
}

pub(super) async fn decide(ctx: Ctx, Path(id): Path<Uuid>, Form(form): Form<DecideForm>) -> Result<Response, WebError> {
    let pair = store::pair(&ctx.app.db, id, &ctx.actor.scope).await?.ok_or(CompareError::NotFound)?;
    let verdict = said(&form.verdict)?;
    let path = format!("/duplicates/pairs/{id}");
    match duplicates::decide_pair(&ctx.app, &ctx.actor, id, verdict, &form.note).await {
        // What to do about one person stands on this very page.
        Ok(()) if verdict != PairVerdict::Different => Ok(ctx.redirect_with(&path, "ok", "compare-flash-decided")),
        Ok(()) => {
            let next = store::next_open(&ctx.app.db, &ctx.actor.scope, Some((pair.score, pair.id))).await?;
            let next = next.map_or_else(|| "/duplicates".to_owned(), |next| format!("/duplicates/pairs/{next}"));
            Ok(ctx.redirect_with(&next, "ok", "compare-flash-decided"))
        }
        Err(CompareError::AlreadyDecided { .. }) => Ok(ctx.redirect_with(&path, "warn", "duplicate-flash-already")),
        Err(error) => Err(error.into()),
    }
}

struct GroupLine {
    tier: String,
    words: Vec<String>,
    pairs: i64,
    score: String,
    href: String,
}

#[derive(askama::Template)]
#[template(path = "duplicate_batches.html")]
struct BatchPage {
    page: Page,
    groups: Vec<GroupLine>,
    chosen: Option<GroupLine>,
    members: Vec<Line>,
    pairs_value: String,
}

#[derive(serde::Deserialize)]
pub(super) struct GroupQuery {
    #[serde(default)]
    signature: String,
}

pub(super) async fn batches(ctx: Ctx, Query(query): Query<GroupQuery>) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let (app, scope) = (&ctx.app, &ctx.actor.scope);
    let mut found = store::groups(&app.db, scope).await?;
    let chosen = found.iter().position(|g| g.signature == query.signature).map(|at| found.remove(at));
    let line = |group: &duplicates::PairGroup| {
        let parts: Vec<Part> = serde_json::from_str(&group.explanation).unwrap_or_default();
        let says = |p: &&Part| !p.level.is_empty() && p.level != "missing";
        GroupLine {
            tier: page.t(&format!("compare-tier-{}", group.tier)),
            words: parts.iter().filter(says).map(|p| level_text(&page, p)).collect(),
            pairs: group.pairs,
            score: format!("{:+.1}", group.score),
            href: format!("/duplicates/batches?signature={}", query_encoded(&group.signature)),
        }
    };
    let mut pairs = match &chosen {
        Some(group) => store::group_members(&app.db, &group.signature, scope).await?,
        None => Vec::new(),
    };
    let pairs_value = pairs.iter().map(|pair| pair.id.to_string()).collect::<Vec<_>>().join(",");
    pairs.truncate(EXAMPLES);
    let divisions = Divisions::load(&app.db).await?;
    let shown = Shown::of(app, scope, &divisions, &pairs).await?;
    let view = BatchPage {
        groups: found.iter().map(line).collect(),
        chosen: chosen.as_ref().map(line),
        members: pairs.iter().map(|pair| shown.line(&page, pair)).collect(),
        pairs_value,
        page,
    };
    ctx.render(&view)
}

#[derive(serde::Deserialize)]
pub(super) struct BatchForm {
    verdict: String,
    pairs: String,
    #[serde(default)]
    note: String,
}

pub(super) async fn decide_batch(ctx: Ctx, Form(form): Form<BatchForm>) -> Result<Response, WebError> {
    let pairs: Vec<Uuid> = form.pairs.split(',').filter_map(|id| id.parse().ok()).collect();
    let verdict = said(&form.verdict)?;
    let (_, left) = duplicates::decide_pairs(&ctx.app, &ctx.actor, pairs, verdict, &form.note).await?;
    let (tone, key) = if left == 0 { ("ok", "compare-flash-decided") } else { ("warn", "duplicate-flash-some-left") };
    Ok(ctx.redirect_with("/duplicates/batches", tone, key))
}

#[derive(serde::Deserialize)]
pub(super) struct ExportForm {
    #[serde(default)]
    division: String,
    #[serde(default)]
    purpose: String,
}

pub(super) async fn export(ctx: Ctx, Form(form): Form<ExportForm>) -> Result<Response, WebError> {
    let within = match form.division.as_str() {
        "" => ctx.actor.scope.clone(),
        code => crate::register::pages::inside(&ctx, code)?,
    };
    let bytes = duplicates::export(&ctx.app, &ctx.actor, &within, &form.purpose, ctx.lang).await?;
    let name = format!("attachment; filename=\"duplicates-{}.xlsx\"", ctx.app.clock.today());
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    Ok(([(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, name)], bytes).into_response())
}
