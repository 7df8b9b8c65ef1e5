//! How good the comparison is: scores, what the cuts promise, what verdicts say about it, and what the model believes.

use axum::extract::Query;
use axum::response::Response;
use linkage::calibrate::{self, Calibration, Label, Outlook, Scores, chance};
use linkage::engine::{Model, RULES};

use super::super::lists;
use super::super::model_store::{self, RuleSum, ScoreCount, SearchSum};
use super::super::models::{self, Models};
use super::models::{ModelsView, name, view as models_view};
use super::{NAV, source_text};
use crate::platform::i18n;
use crate::web::{Ctx, Page, WebError};

/// Bands of the chart of scores: width, lowest and highest, in bits.
const BANDS: (f64, f64, f64) = (2.0, -8.0, 32.0);
/// The smallest share that the chart of the model tells from none, as a power of ten.
const SMALLEST: f64 = -9.0;

#[derive(serde::Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    source: String,
}

/// A part of a bar: from and width, per cent of the line.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Piece {
    x: f64,
    width: f64,
}

impl Piece {
    fn from_to(from: f64, to: f64) -> Self {
        let round = |share: f64| (share.clamp(0.0, 100.0) * 100.0).round() / 100.0;
        Self { x: round(from), width: round(to) - round(from) }
    }
}

struct SourceChoice {
    key: &'static str,
    label: String,
    chosen: bool,
}

struct ScoreLine {
    range: String,
    auto: i64,
    confirmed: i64,
    open: i64,
    rejected: i64,
    pieces: [Piece; 4],
    promised: String,
}

struct CutLine {
    label: String,
    cut: String,
    pairs: u64,
    precision: String,
    wrong: String,
    missed: String,
}

struct VerdictLine {
    range: String,
    labels: u64,
    same: u64,
    share: String,
    interval: String,
    promised: String,
    bar: Piece,
    at: f64,
    promised_at: f64,
}

struct LevelLine {
    label: String,
    same: String,
    kin: String,
    stranger: String,
    bits: String,
    after: String,
    same_bar: Piece,
    stranger_bar: Piece,
}

struct RuleLine {
    label: String,
    pairs: i64,
    alone: i64,
    matches: i64,
    matches_alone: i64,
    crowded: i64,
    bar: [Piece; 2],
}

struct FieldChart {
    label: String,
    levels: Vec<LevelLine>,
}

#[derive(askama::Template)]
#[template(path = "compare_quality.html")]
struct QualityPage {
    page: Page,
    sources: Vec<SourceChoice>,
    any: bool,
    auto: i64,
    auto_wrong: String,
    open: i64,
    open_same: String,
    unmatched: i64,
    verdicts: usize,
    agreement: String,
    sentence: String,
    scores: Vec<ScoreLine>,
    cuts: Vec<CutLine>,
    judged: Vec<VerdictLine>,
    judged_note: String,
    fields: Vec<FieldChart>,
    learned: bool,
    /// On whose word the promises are.
    basis: String,
    rules: Vec<RuleLine>,
    rules_note: String,
    model_name: String,
    models: ModelsView,
}

/// `GET /comparisons/quality`.
pub(super) async fn show(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let page = ctx.page(NAV);
    let scope = &ctx.actor.scope;
    let source = lists::source(&asked.source).map_or("", |s| s.key);
    let counted = model_store::scores(&ctx.app.db, source, scope).await?;
    let judged = model_store::judged(&ctx.app.db, source, scope).await?;
    let outcomes = model_store::outcomes(&ctx.app.db, source, scope).await?;
    let all = Models::load(&ctx.app).await?;
    let in_force = models::in_force(&ctx.app).await?;
    let labels: Vec<Label> = judged.iter().map(|j| Label { bits: j.bits, same: j.same }).collect();
    let mut calibrations = Calibrations::default();
    for version in counted.iter().map(|c| c.model_version).chain([in_force.version]) {
        calibrations.0.entry(version).or_insert_with(|| all.calibration(&judged, version));
    }
    let calibration = calibrations.of(in_force.version);
    // A model is made of what people said about lists of every kind.
    let every = if source.is_empty() { judged.clone() } else { model_store::judged(&ctx.app.db, "", scope).await? };
    let (models, proposal) = models_view(&ctx, &page, &all, &every).await?;
    let totals = Totals::of(&counted, &calibrations);
    let outcome = |name: &str| outcomes.iter().find(|(o, _)| o == name).map_or(0, |(_, n)| *n);
    let measured = agreement(&labels, &calibration);
    let rules = model_store::rules(&ctx.app.db, source, scope).await?;
    let search = model_store::search(&ctx.app.db, source, scope).await?;
    let view = QualityPage {
        sources: lists::SOURCES
            .iter()
            .map(|s| SourceChoice { key: s.key, label: source_text(&page, s.key), chosen: s.key == source })
            .collect(),
        any: !counted.is_empty() || !outcomes.is_empty(),
        auto: totals.auto,
        auto_wrong: per_thousand(totals.auto_wrong, totals.auto),
        open: outcome("review"),
        open_same: format!("{:.0}", totals.open_same),
        unmatched: outcome("unmatched"),
        verdicts: labels.len(),
        agreement: measured.unwrap_or_default(),
        sentence: sentence(&page, &totals, outcome("review")),
        basis: basis(&page, &labels, &totals),
        scores: score_lines(&counted, &calibrations),
        cuts: cut_lines(&page, &counted, &totals, &calibration),
        judged: verdict_lines(&labels),
        judged_note: judged_note(&page, &labels, &counted),
        fields: field_charts(&page, &in_force.model, proposal.as_ref().map(|p| &p.model)),
        learned: proposal.is_some(),
        rules: rule_lines(&page, &rules),
        rules_note: rules_note(&page, &search),
        model_name: name(&page, in_force.version),
        models,
        page,
    };
    ctx.render(&view)
}

/// What verdicts say about the scores of each model.
#[derive(Default)]
struct Calibrations(std::collections::BTreeMap<i64, Calibration>);

impl Calibrations {
    fn of(&self, version: i64) -> Calibration {
        self.0.get(&version).cloned().unwrap_or_default()
    }

    /// The chance that a pair counted there is one person.
    fn chance(&self, c: &ScoreCount) -> f64 {
        chance(self.0.get(&c.model_version).map_or(middle(c.quarter), |own| own.bits(middle(c.quarter))))
    }
}

/// On whose word the promises are: the model's alone, or verdicts'; and how many of these are on what nobody looks at.
fn basis(page: &Page, labels: &[Label], totals: &Totals) -> String {
    if labels.is_empty() {
        return page.t("quality-basis-none");
    }
    let near = totals.lowest_auto.map_or(0, |from| labels.iter().filter(|l| l.bits >= from).count());
    page.t2("quality-basis-verdicts", "labels", labels.len(), "near", near)
}

/// What each search rule found, in the order of the engine; as a bar the likely pairs, and those that no other rule finds.
fn rule_lines(page: &Page, rules: &[RuleSum]) -> Vec<RuleLine> {
    let most = rules.iter().map(|r| r.matches).max().unwrap_or(0).max(1) as f64;
    let of = |name: &&str| rules.iter().find(|r| r.rule == **name);
    RULES
        .iter()
        .filter_map(of)
        .map(|r| {
            let at = |n: i64| n as f64 / most * 100.0;
            RuleLine {
                label: page.t(&format!("link-rule-{}", r.rule.replace('_', "-"))),
                pairs: r.pairs,
                alone: r.pairs_alone,
                matches: r.matches,
                matches_alone: r.matches_alone,
                crowded: r.crowded_rows,
                bar: [Piece::from_to(0.0, at(r.matches_alone)), Piece::from_to(at(r.matches_alone), at(r.matches))],
            }
        })
        .collect()
}

fn rules_note(page: &Page, search: &SearchSum) -> String {
    if search.expected <= 0.0 {
        return page.t("quality-rules-unknown");
    }
    // Rounded down: what is thought to be nearly all is not said to be all.
    let share = (search.likely as f64 / search.expected * 1_000.0).floor() / 10.0;
    i18n::text_with(
        page.lang,
        "quality-rules-recall",
        &[
            ("share", format!("{share:.1}%")),
            ("missed", format!("{:.0}", (search.expected - search.likely as f64).max(0.0))),
            ("compared", search.compared.to_string()),
            ("lists", search.comparisons.to_string()),
        ],
    )
}

/// Expectations of the groups that a clerk knows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Totals {
    auto: i64,
    auto_wrong: f64,
    /// Expected pairs of one person among candidates that are still open.
    open_same: f64,
    lowest_auto: Option<f64>,
}

/// The score in the middle of a quarter of a bit.
fn middle(quarter: i64) -> f64 {
    (quarter as f64 + 0.5) / 4.0
}

impl Totals {
    fn of(counted: &[ScoreCount], calibrations: &Calibrations) -> Self {
        let mut totals = Self::default();
        for c in counted {
            let same = c.pairs as f64 * calibrations.chance(c);
            match c.verdict.as_str() {
                "auto" => {
                    totals.auto += c.pairs;
                    totals.auto_wrong += c.pairs as f64 - same;
                    let from = c.quarter as f64 / 4.0;
                    totals.lowest_auto = Some(totals.lowest_auto.map_or(from, |low| low.min(from)));
                }
                "pending" => totals.open_same += same,
                _ => {}
            }
        }
        totals
    }
}

/// Few of a thousand, with the figures that say something.
fn per_thousand(part: f64, whole: i64) -> String {
    thousandths(if whole == 0 { 0.0 } else { part / whole as f64 * 1_000.0 })
}

fn thousandths(of: f64) -> String {
    if of >= 10.0 {
        format!("{of:.0}")
    } else if of >= 1.0 {
        format!("{of:.1}")
    } else if of >= 0.1 {
        format!("{of:.2}")
    } else {
        // Nobody has looked at so many that less could be said.
        "< 0.1".to_owned()
    }
}

pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    // What is not quite all is not shown as all.
    if percent >= 99.99 && share < 1.0 {
        "> 99.99%".to_owned()
    } else if percent > 99.0 && share < 1.0 {
        format!("{percent:.2}%")
    } else {
        format!("{percent:.1}%")
    }
}

fn sentence(page: &Page, totals: &Totals, open: i64) -> String {
    i18n::text_with(
        page.lang,
        "quality-sentence",
        &[
            ("auto", totals.auto.to_string()),
            ("wrong", per_thousand(totals.auto_wrong, totals.auto)),
            ("open", open.to_string()),
            ("missed", format!("{:.0}", totals.open_same)),
        ],
    )
}

/// The share of candidates shown to people that were one person.
fn agreement(labels: &[Label], calibration: &Calibration) -> Option<String> {
    let all = calibrate::judged(labels, calibration);
    let (n, same) = all.iter().fold((0, 0), |(n, same), band| (n + band.labels, same + band.same));
    (n > 0).then(|| percent(same as f64 / n as f64))
}

fn range(from: f64, (width, lowest, highest): (f64, f64, f64)) -> String {
    if from <= lowest {
        format!("< {:.0}", lowest + width)
    } else if from + width >= highest {
        format!("≥ {from:.0}")
    } else {
        // An en dash between spaces, since either number may be below zero.
        format!("{from:.0} – {:.0}", from + width)
    }
}

fn score_lines(counted: &[ScoreCount], calibrations: &Calibrations) -> Vec<ScoreLine> {
    let (width, lowest, highest) = BANDS;
    let bands = ((highest - lowest) / width) as usize;
    let mut lines = vec![([0i64; 4], 0.0); bands];
    for c in counted.iter().filter(|c| c.best == 1) {
        let at = ((middle(c.quarter) - lowest) / width).floor().clamp(0.0, (bands - 1) as f64) as usize;
        let kind = match c.verdict.as_str() {
            "auto" => 0,
            "confirmed" => 1,
            "pending" => 2,
            _ => 3,
        };
        lines[at].0[kind] += c.pairs;
        lines[at].1 += c.pairs as f64 * calibrations.chance(c);
    }
    let filled = |(counts, _): &([i64; 4], f64)| counts.iter().any(|n| *n > 0);
    let first = lines.iter().position(filled).unwrap_or(0);
    let last = lines.iter().rposition(filled).unwrap_or(0);
    let most = lines.iter().map(|(counts, _)| counts.iter().sum::<i64>()).max().unwrap_or(0).max(1) as f64;
    lines
        .into_iter()
        .enumerate()
        .filter(|(at, _)| (first..=last).contains(at))
        .rev()
        .map(|(at, (counts, same))| {
            let all = counts.iter().sum::<i64>() as f64;
            // The length is the root of the count: the few doubtful pairs are seen beside the many sure ones.
            let length = (all / most).sqrt() * 100.0;
            let mut before = 0.0;
            let pieces = counts.map(|n| {
                let from = before;
                before += n as f64;
                let place = |n: f64| if all > 0.0 { n / all * length } else { 0.0 };
                Piece::from_to(place(from), place(before))
            });
            let [auto, confirmed, open, rejected] = counts;
            let from = lowest + at as f64 * width;
            let promised = if all > 0.0 { percent(same / all) } else { String::new() };
            ScoreLine { range: range(from, BANDS), auto, confirmed, open, rejected, pieces, promised }
        })
        .collect()
}

fn scores_of(counted: &[ScoreCount]) -> Scores {
    let mut scores = Scores::default();
    for c in counted {
        let pairs = u64::try_from(c.pairs).unwrap_or(0);
        if c.best == 1 {
            scores.add_many(middle(c.quarter), pairs);
        } else {
            scores.add_beside(middle(c.quarter), pairs);
        }
    }
    scores
}

fn cut_lines(page: &Page, counted: &[ScoreCount], totals: &Totals, calibration: &Calibration) -> Vec<CutLine> {
    let scores = scores_of(counted);
    [
        ("p999", scores.cut_for_precision(0.999, calibration)),
        ("p99", scores.cut_for_precision(0.99, calibration)),
        ("best", scores.best_cut(calibration, 0.0)),
        ("auto", totals.lowest_auto),
    ]
    .into_iter()
    .filter_map(|(why, cut)| {
        let o: Outlook = scores.outlook(cut?, calibration, 0.0);
        Some(CutLine {
            label: page.t(&format!("quality-cut-{why}")),
            cut: format!("{:.1}", o.cut),
            pairs: o.pairs,
            precision: percent(o.precision()),
            wrong: thousandths(o.wrong_per_thousand()),
            missed: format!("{:.0}", o.missed),
        })
    })
    .collect()
}

fn verdict_lines(labels: &[Label]) -> Vec<VerdictLine> {
    let raw = Calibration::identity();
    calibrate::judged(labels, &raw)
        .into_iter()
        .rev()
        .map(|band| {
            let (share, low, high) = band.share();
            VerdictLine {
                range: format!("{:.0} – {:.0}", band.from, band.from + calibrate::BAND),
                labels: band.labels,
                same: band.same,
                share: percent(share),
                interval: format!("{} – {}", percent(low), percent(high)),
                promised: percent(band.promised),
                bar: Piece::from_to(low * 100.0, high * 100.0),
                at: (share * 9_900.0).round() / 100.0,
                promised_at: (band.promised * 9_950.0).round() / 100.0,
            }
        })
        .collect()
}

fn judged_note(page: &Page, labels: &[Label], counted: &[ScoreCount]) -> String {
    let raw = Calibration::identity();
    calibrate::calibration_error(labels, &raw, Some(&scores_of(counted)))
        .map_or_else(String::new, |error| page.t1("quality-error", "error", percent(error)))
}

fn field_charts(page: &Page, model: &Model, after: Option<&Model>) -> Vec<FieldChart> {
    // Small shares keep one figure that says something.
    let share_text = |share: f64| {
        let places =
            if share >= 0.001 { 1 } else { (-2.0 - share.max(1e-12).log10().floor()).clamp(1.0, 10.0) as usize };
        format!("{:.places$}%", share * 100.0)
    };
    // From the smallest share at the left to all at the right, each step a power of ten.
    let bar = |share: f64| Piece::from_to(0.0, (share.max(1e-12).log10() / -SMALLEST + 1.0) * 100.0);
    model
        .field
        .iter()
        .enumerate()
        .map(|(at, field)| FieldChart {
            label: page.t(&format!("model-field-{}", field.name)),
            levels: field
                .level
                .iter()
                .enumerate()
                .map(|(level_at, level)| {
                    let learned = after.and_then(|m| m.field.get(at)?.level.get(level_at));
                    LevelLine {
                        label: page.t(&format!("model-level-{}-{}", field.name, level.name)),
                        same: share_text(level.same),
                        kin: share_text(level.kin),
                        stranger: share_text(level.stranger),
                        bits: format!("{:+.1}", (level.same / level.stranger).log2()),
                        after: learned.map(|l| format!("{:+.1}", (l.same / l.stranger).log2())).unwrap_or_default(),
                        same_bar: bar(level.same),
                        stranger_bar: bar(level.stranger),
                    }
                })
                .collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(quarter: i64, verdict: &str, best: i64, pairs: i64) -> ScoreCount {
        ScoreCount { quarter, verdict: verdict.to_owned(), best, model_version: 0, pairs }
    }

    #[test]
    fn groups_are_expected_as_their_scores_say() {
        let counted = [
            count(80, "auto", 1, 1_000),
            count(40, "auto", 1, 1_000),
            count(0, "pending", 1, 10),
            count(0, "pending", 0, 10),
        ];
        let totals = Totals::of(&counted, &Calibrations::default());
        assert_eq!((totals.auto, totals.lowest_auto), (2_000, Some(10.0)));
        assert!((totals.auto_wrong - 0.9).abs() < 0.1, "{totals:?}");
        assert!((totals.open_same - 10.4).abs() < 0.2, "{totals:?}");
        assert_eq!(per_thousand(totals.auto_wrong, totals.auto), "0.45");
        assert_eq!(per_thousand(0.0, 0), "< 0.1");
    }

    #[test]
    fn bars_are_as_long_as_their_line_at_most_and_every_candidate_is_in_one() {
        let counted = [
            count(400, "auto", 1, 900),
            count(9, "confirmed", 1, 30),
            count(9, "pending", 1, 70),
            count(-400, "rejected", 1, 5),
            count(9, "pending", 0, 1_000),
        ];
        let lines = score_lines(&counted, &Calibrations::default());
        let all: i64 = lines.iter().map(|l| l.auto + l.confirmed + l.open + l.rejected).sum();
        assert_eq!(all, 1_005);
        for line in &lines {
            let end = line.pieces.iter().map(|p| p.x + p.width).fold(0.0, f64::max);
            assert!(end <= 100.0 && line.pieces.iter().all(|p| p.width >= 0.0), "{}", line.range);
        }
        assert_eq!((lines[0].auto, lines[0].pieces[0].width), (900, 100.0));
        assert_eq!((lines[0].range.as_str(), lines.last().unwrap().range.as_str()), ("≥ 30", "< -6"));
        let few = score_lines(&[count(0, "auto", 1, 1), count(20, "auto", 1, 1)], &Calibrations::default());
        assert_eq!(few.iter().map(|l| l.range.as_str()).collect::<Vec<_>>(), ["4 – 6", "2 – 4", "0 – 2"]);
    }

    #[test]
    fn what_is_not_quite_all_is_not_shown_as_all() {
        assert_eq!(percent(1.0), "100.0%");
        assert_eq!((percent(0.999_999).as_str(), percent(0.9987).as_str()), ("> 99.99%", "99.87%"));
        assert_eq!(percent(0.5), "50.0%");
    }
}
