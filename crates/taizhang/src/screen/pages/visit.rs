//! A household's visits: the card on its file, the form, the answer, one visit with its versions, the sheet to print.

use std::collections::BTreeSet;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::super::entry::{self, Raw};
use super::super::judge::pupils;
use super::super::model::{Channel, CheckRow, FieldFault, Home, Member, Recorded, ScreenError, Visit};
use super::super::{Correction, HomeFile, home_file, may_correct, may_record};
use super::words;
use crate::access::Capability;
use crate::assess::profile::checks::{Checks, Housing, Indicator, Outcome, Part};
use crate::assess::{self, Finding, Profile};
use crate::platform::{ErrorKind, UserError, i18n, ids};
use crate::register::pages::{Badge, dash};
use crate::web::{Ctx, Form, Page, WebError};

/// Visits of the card on the household file.
const CARD: usize = 6;

/// One of what may be chosen.
struct Opt {
    name: String,
    value: String,
    label: String,
    chosen: bool,
}

/// One thing that is asked.
struct Ask {
    name: String,
    label: String,
    hint: String,
    /// radio | select | boxes | number | date | text
    kind: &'static str,
    opts: Vec<Opt>,
    value: String,
    error: String,
}

/// One indicator of the form.
struct Section {
    id: &'static str,
    title: String,
    standard: String,
    before: Option<Badge>,
    before_note: String,
    asks: Vec<Ask>,
}

#[derive(askama::Template)]
#[template(path = "visit_form.html")]
struct FormPage {
    page: Page,
    title: String,
    sub: String,
    base: String,
    action: String,
    id: String,
    version: String,
    reason: String,
    error: String,
    faults: Vec<(String, String)>,
    today: String,
    head: Vec<Ask>,
    quick: Vec<Opt>,
    quick_note: String,
    modes: Vec<Opt>,
    note: String,
    note_error: String,
    reason_error: String,
    sections: Vec<Section>,
}

/// What a form is filled with.
struct Filled<'a> {
    raw: &'a Raw,
    faults: &'a [FieldFault],
    page: &'a Page,
}

impl Filled<'_> {
    fn value(&self, name: &str) -> String {
        self.raw.get(name).cloned().unwrap_or_default()
    }

    fn error(&self, name: &str) -> String {
        let fault = self.faults.iter().find(|fault| fault.field == name);
        fault.map(|fault| fault.message(self.page.lang)).unwrap_or_default()
    }

    fn plain(&self, name: &str, label: String, kind: &'static str, hint: String) -> Ask {
        let (value, error) = (self.value(name), self.error(name));
        Ask { name: name.to_owned(), label, hint, kind, opts: Vec::new(), value, error }
    }

    fn choose(&self, name: &str, label: String, kind: &'static str, all: Vec<(String, String)>) -> Ask {
        let chosen = self.value(name);
        let opts = all
            .into_iter()
            .map(|(value, label)| Opt { name: name.to_owned(), chosen: value == chosen, value, label })
            .collect();
        Ask { opts, ..self.plain(name, label, kind, String::new()) }
    }

    fn yes_no(&self, name: &str, label: String) -> Ask {
        let all = [("yes", "yes"), ("no", "no")].map(|(value, key)| (value.to_owned(), self.page.t(key)));
        self.choose(name, label, "radio", all.to_vec())
    }

    fn parts(&self, group: &str, policy: &[Part]) -> Vec<Ask> {
        let lang = self.page.lang;
        policy
            .iter()
            .map(|part| self.yes_no(&format!("{group}.{}", part.id), part.title.get(lang).to_owned()))
            .collect()
    }
}

fn asks(
    checks: &Checks,
    file: &HomeFile,
    filled: &Filled<'_>,
    indicator: Indicator,
    day: chrono::NaiveDate,
) -> Vec<Ask> {
    let page = filled.page;
    let lang = page.lang;
    match indicator {
        Indicator::Food => filled.parts("food", &checks.food),
        Indicator::Clothing => filled.parts("clothing", &checks.clothing),
        Indicator::Schooling => {
            let wanted: BTreeSet<Uuid> = pupils(&checks.schooling, &file.members, day).into_iter().collect();
            let asked = |member: &&Member| {
                wanted.contains(&member.id) || filled.raw.contains_key(&format!("school.{}", member.id))
            };
            file.members
                .iter()
                .filter(asked)
                .map(|child| {
                    let states =
                        checks.schooling.states.iter().map(|s| (s.id.clone(), s.title.get(lang).to_owned())).collect();
                    filled.choose(&format!("school.{}", child.id), child.name.clone(), "radio", states)
                })
                .collect()
        }
        Indicator::Insurance => {
            let mut out: Vec<Ask> = file
                .members
                .iter()
                .map(|member| {
                    let opts = checks.insurance.parts.iter().map(|part| {
                        let name = format!("cover.{}.{}", member.id, part.id);
                        let chosen = matches!(filled.value(&name).as_str(), "yes" | "on" | "1");
                        Opt { name, value: "yes".to_owned(), label: part.title.get(lang).to_owned(), chosen }
                    });
                    let opts = opts.collect();
                    let name = format!("cover.{}", member.id);
                    Ask { opts, ..filled.plain(&name, member.name.clone(), "boxes", String::new()) }
                })
                .collect();
            out.push(filled.yes_no("clinic", checks.insurance.clinic.title.get(lang).to_owned()));
            out
        }
        Indicator::Housing => {
            let mut grades: Vec<(String, String)> =
                Housing::GRADES.iter().map(|grade| ((*grade).to_owned(), (*grade).to_owned())).collect();
            grades.push(("none".to_owned(), page.t("screen-reason-unassessed")));
            let places = checks.housing.residences.iter().map(|p| (p.id.clone(), p.title.get(lang).to_owned()));
            let remedies = checks.housing.remedies.iter().map(|(id, w)| (id.clone(), w.get(lang).to_owned()));
            vec![
                filled.choose("house.grade", page.t("screen-house-grade"), "radio", grades),
                filled.choose("house.residence", page.t("screen-house-residence"), "select", places.collect()),
                filled.choose("house.remedy", page.t("screen-house-remedy"), "select", remedies.collect()),
                filled.plain("house.assessor", page.t("screen-house-assessor"), "text", String::new()),
                filled.plain("house.assessed_on", page.t("screen-house-assessed_on"), "date", String::new()),
            ]
        }
        Indicator::Water => {
            let policy = &checks.water;
            let two =
                |a: (&str, &str), b: (&str, &str)| [a, b].map(|(value, key)| (value.to_owned(), page.t(key))).to_vec();
            let litres = page.t2("screen-water-litres-hint", "rich", policy.litres_rich, "short", policy.litres_short);
            let qualities = policy.qualities.iter().map(|q| (q.id.clone(), q.title.get(lang).to_owned())).collect();
            vec![
                filled.choose(
                    "water.area",
                    page.t("screen-water-area"),
                    "radio",
                    two(("rich", "screen-water-rich"), ("short", "screen-water-short")),
                ),
                filled.plain("water.litres", page.t("screen-water-litres"), "number", litres),
                filled.choose("water.quality", policy.indices[1].get(lang).to_owned(), "radio", qualities),
                filled.choose(
                    "water.access",
                    policy.indices[2].get(lang).to_owned(),
                    "radio",
                    two(("piped", "screen-water-piped"), ("carried", "screen-water-carried")),
                ),
                filled.plain(
                    "water.minutes",
                    page.t("screen-water-minutes"),
                    "number",
                    page.t1("screen-water-at-most", "most", policy.minutes),
                ),
                filled.plain(
                    "water.horizontal",
                    page.t("screen-water-horizontal"),
                    "number",
                    page.t1("screen-water-at-most", "most", policy.horizontal),
                ),
                filled.plain(
                    "water.vertical",
                    page.t("screen-water-vertical"),
                    "number",
                    page.t1("screen-water-at-most", "most", policy.vertical),
                ),
                filled.plain(
                    "water.outage_days",
                    page.t("screen-water-outage_days"),
                    "number",
                    page.t1("screen-water-at-most", "most", policy.outage_days),
                ),
            ]
        }
    }
}

fn check_badge(page: &Page, checks: &Checks, row: &CheckRow) -> Option<(Indicator, Badge, String)> {
    let indicator = Indicator::from_name(&row.indicator)?;
    let outcome = Outcome::from_name(&row.result)?;
    let badge = Badge {
        tone: words::tone(checks, indicator, outcome),
        text: checks.result(indicator, outcome, page.lang).to_owned(),
    };
    let role = page.t(&format!("role-{}", row.by_role));
    let who = i18n::text_with(
        page.lang,
        "screen-checked",
        &[("day", row.checked_on.clone()), ("name", dash(&row.by_name)), ("role", role)],
    );
    Some((indicator, badge, who))
}

struct Open {
    id: Uuid,
    version: String,
    reason: String,
    raw: Raw,
    faults: Vec<FieldFault>,
    error: String,
    reason_error: String,
}

/// What a new form is filled with: today, on site, and whatever was answered before or stands in the register.
fn first_fields(file: &HomeFile, today: chrono::NaiveDate) -> Raw {
    let mut raw = entry::fields(&file.standing.answers);
    raw.insert("visited_on".to_owned(), today.to_string());
    raw.insert("channel".to_owned(), Channel::OnSite.name().to_owned());
    raw.insert("mode".to_owned(), "checks".to_owned());
    if !raw.contains_key("house.grade") && Housing::GRADES.contains(&file.home.housing_grade.as_str()) {
        raw.insert("house.grade".to_owned(), file.home.housing_grade.clone());
    }
    if file.standing.answers.insurance.is_none() {
        for member in file.members.iter().filter(|member| member.serious_insured == Some(true)) {
            // Who has the insurance of serious illness has the basic one: it comes with it.
            for part in ["basic", "serious"] {
                raw.insert(format!("cover.{}.{part}", member.id), "yes".to_owned());
            }
        }
    }
    raw
}

fn form_page(ctx: &Ctx, file: &HomeFile, profile: &Profile, open: Open) -> Result<Response, WebError> {
    let checks = Checks::of(profile);
    let page = ctx.page("nav-screen");
    let today = ctx.app.clock.today();
    let filled = Filled { raw: &open.raw, faults: &open.faults, page: &page };
    let home = &file.home;
    let is_new = open.version.is_empty();
    let channels =
        Channel::ALL.map(|c| (c.name().to_owned(), page.t(&format!("screen-channel-{}", c.name())))).to_vec();
    let mut spoken = filled.plain("spoken_to", page.t("screen-spoken_to"), "people", page.t("screen-spoken_to-hint"));
    spoken.opts = file
        .members
        .iter()
        .map(|member| Opt { name: String::new(), value: member.name.clone(), label: String::new(), chosen: false })
        .collect();
    let head = vec![
        filled.choose("channel", page.t("screen-channel"), "radio", channels),
        filled.plain("visited_on", page.t("screen-visited_on"), "date", String::new()),
        spoken,
    ];
    let known = file.standing.checks.values().map(|held| held.on).max();
    let mode = filled.value("mode");
    let modes = [("checks", true), ("unchanged", known.is_some()), ("contact", true)]
        .into_iter()
        .filter(|(_, open)| *open)
        .map(|(name, _)| Opt {
            name: "mode".to_owned(),
            value: name.to_owned(),
            label: page.t(&format!("screen-mode-{name}")),
            chosen: mode == name,
        })
        .collect();
    let quick = if is_new && known.is_some() && open.faults.is_empty() {
        Channel::ALL
            .into_iter()
            .map(|channel| Opt {
                name: String::new(),
                value: channel.name().to_owned(),
                label: page.t(&format!("screen-unchanged-{}", channel.name())),
                chosen: channel == Channel::OnSite,
            })
            .collect()
    } else {
        Vec::new()
    };
    let sections: Vec<Section> = Indicator::ALL
        .into_iter()
        .map(|indicator| {
            let policy = checks.policy(indicator);
            let row = file.checks.iter().find(|row| row.indicator == indicator.name());
            let before = row.and_then(|row| check_badge(&page, &checks, row));
            let (before, before_note) = before.map_or((None, String::new()), |(_, badge, who)| (Some(badge), who));
            Section {
                id: indicator.name(),
                title: policy.title.get(page.lang).to_owned(),
                standard: policy.standard.get(page.lang).to_owned(),
                before,
                before_note,
                asks: asks(&checks, file, &filled, indicator, today),
            }
        })
        .collect();
    // Where the field stands on the page is told with its fault.
    let label_of = |field: &str| {
        let all = head.iter().chain(sections.iter().flat_map(|section| section.asks.iter()));
        all.filter(|ask| ask.name == field).map(|ask| ask.label.clone()).next().unwrap_or_else(|| page.t("screen-form"))
    };
    let faults = open.faults.iter().map(|fault| (label_of(&fault.field), fault.message(page.lang))).collect();
    let base = format!("/households/{}", home.id);
    let view = FormPage {
        title: page.t1(if is_new { "screen-visit-of" } else { "screen-correct-of" }, "name", &home.head_name),
        sub: format!("{} · {}", home.place, home.household_no),
        action: if is_new { format!("{base}/visits") } else { format!("/visits/{}/correct", open.id) },
        id: open.id.to_string(),
        version: open.version,
        reason: open.reason,
        error: open.error,
        faults,
        today: today.to_string(),
        quick_note: known.map(|day| page.t1("screen-unchanged-since", "day", day)).unwrap_or_default(),
        modes,
        note: filled.value("note"),
        note_error: filled.error("note"),
        reason_error: open.reason_error,
        quick,
        head,
        sections,
        base,
        page,
    };
    ctx.render(&view)
}

/// The form of a new visit.
pub(super) async fn form(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let loaded = assess::active_profile(&ctx.app, &ctx.actor).await?;
    let file = home_file(&ctx.app, &ctx.actor, id, &loaded.profile).await?;
    let open = Open {
        id: ids::new_id(),
        version: String::new(),
        reason: String::new(),
        raw: first_fields(&file, ctx.app.clock.today()),
        faults: Vec::new(),
        error: String::new(),
        reason_error: String::new(),
    };
    form_page(&ctx, &file, &loaded.profile, open)
}

struct Told {
    tone: &'static str,
    level: String,
    title: String,
}

#[derive(askama::Template)]
#[template(path = "visit_done.html")]
struct DonePage {
    page: Page,
    title: String,
    base: String,
    visit: String,
    tone: &'static str,
    said: String,
    opened: Vec<Told>,
    ended: Vec<Told>,
    items: String,
}

fn told(page: &Page, profile: &Profile, findings: &[Finding]) -> Vec<Told> {
    findings
        .iter()
        .map(|finding| Told {
            tone: match finding.level.as_str() {
                "severe" => "danger",
                "affected" => "warn",
                _ => "info",
            },
            level: profile.levels.get(&finding.level).map(|w| w.get(page.lang).to_owned()).unwrap_or_default(),
            title: profile
                .rule(&finding.rule_id)
                .map_or_else(|| finding.rule_id.clone(), |rule| rule.title.get(page.lang).to_owned()),
        })
        .collect()
}

fn done_page(ctx: &Ctx, home: &Home, profile: &Profile, id: Uuid, done: &Recorded) -> Result<Response, WebError> {
    let page = ctx.page("nav-screen");
    if ctx.wants_json() {
        let list = |all: &[Finding]| -> Vec<serde_json::Value> {
            let title =
                |finding: &Finding| profile.rule(&finding.rule_id).map(|rule| rule.title.get(ctx.lang).to_owned());
            all.iter().map(|f| serde_json::json!({ "rule": f.rule_id, "level": f.level, "title": title(f) })).collect()
        };
        let body = serde_json::json!({
            "visit": id, "became": done.became.name(), "opened": list(&done.opened), "ended": list(&done.ended),
        });
        return Ok(axum::Json(body).into_response());
    }
    let base = format!("/households/{}", home.id);
    let view = DonePage {
        title: page.t1("screen-visit-of", "name", &home.head_name),
        visit: format!("/visits/{id}"),
        tone: if done.became == super::super::model::Became::Known { "info" } else { "ok" },
        said: page.t(&format!("screen-became-{}", done.became.name())),
        opened: told(&page, profile, &done.opened),
        ended: told(&page, profile, &done.ended),
        items: if ctx.actor.may(Capability::ViewItems) {
            format!("/ledger?state=open&mine=0&household={}", home.id)
        } else {
            String::new()
        },
        base,
        page,
    };
    ctx.render(&view)
}

fn fields_of(form: Vec<(String, String)>) -> (Raw, String) {
    let mut raw: Raw = form.into_iter().collect();
    raw.remove("csrf");
    let id = raw.remove("id").unwrap_or_default();
    (raw, id)
}

/// The form again, with what is wrong beside each field.
fn again(
    ctx: &Ctx,
    file: &HomeFile,
    profile: &Profile,
    mut open: Open,
    error: ScreenError,
) -> Result<Response, WebError> {
    if ctx.wants_json() || error.kind() != ErrorKind::Invalid {
        return Err(error.into());
    }
    match error {
        ScreenError::Fields(faults) => open.faults = faults,
        ScreenError::Reason => open.reason_error = ScreenError::Reason.message(ctx.lang),
        other => open.error = other.message(ctx.lang),
    }
    let mut response = form_page(ctx, file, profile, open)?;
    *response.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

/// Writes a visit down.
pub(super) async fn record(
    ctx: Ctx,
    Path(household): Path<Uuid>,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let (raw, id) = fields_of(form);
    // A form without an id comes from nowhere: what it says is refused with the fault of that field.
    let id = id.parse().unwrap_or_default();
    let outcome = super::super::record(&ctx.app, &ctx.actor, household, id, &raw).await;
    let loaded = assess::active_profile(&ctx.app, &ctx.actor).await?;
    let file = home_file(&ctx.app, &ctx.actor, household, &loaded.profile).await?;
    match outcome {
        Ok(done) => done_page(&ctx, &file.home, &loaded.profile, id, &done),
        Err(error) => {
            let id = if id.is_nil() { ids::new_id() } else { id };
            let open = Open {
                id,
                version: String::new(),
                reason: String::new(),
                raw,
                faults: Vec::new(),
                error: String::new(),
                reason_error: String::new(),
            };
            again(&ctx, &file, &loaded.profile, open, error)
        }
    }
}

/// The form of a correction.
pub(super) async fn edit(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let (visit, _) = super::super::visit_file(&ctx.app, &ctx.actor, id).await?;
    if !may_correct(&ctx.actor, &visit) {
        return Ok(ctx.redirect_with(&format!("/visits/{id}"), "warn", "error-screen-not_own"));
    }
    let loaded = assess::active_profile(&ctx.app, &ctx.actor).await?;
    let file = home_file(&ctx.app, &ctx.actor, visit.household_id, &loaded.profile).await?;
    let open = Open {
        id,
        version: visit.version.to_string(),
        reason: String::new(),
        raw: stored_fields(&visit),
        faults: Vec::new(),
        error: String::new(),
        reason_error: String::new(),
    };
    form_page(&ctx, &file, &loaded.profile, open)
}

fn stored_fields(visit: &Visit) -> Raw {
    let answers = visit.answers();
    let mut raw = entry::fields(&answers);
    let mode = match (visit.unchanged, answers.is_empty()) {
        (true, _) => "unchanged",
        (_, true) => "contact",
        _ => "checks",
    };
    for (field, value) in [
        ("visited_on", visit.visited_on.as_str()),
        ("channel", &visit.channel),
        ("spoken_to", &visit.spoken_to),
        ("note", &visit.note),
        ("mode", mode),
    ] {
        raw.insert(field.to_owned(), value.to_owned());
    }
    raw
}

/// Puts a visit right.
pub(super) async fn correct(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let (visit, _) = super::super::visit_file(&ctx.app, &ctx.actor, id).await?;
    let (mut raw, _) = fields_of(form);
    let version = raw.remove("version").unwrap_or_default();
    let reason = raw.remove("reason").unwrap_or_default();
    let correction = Correction { version: version.parse().unwrap_or(visit.version), reason: reason.clone() };
    let outcome = super::super::correct(&ctx.app, &ctx.actor, id, &raw, correction).await;
    let loaded = assess::active_profile(&ctx.app, &ctx.actor).await?;
    let file = home_file(&ctx.app, &ctx.actor, visit.household_id, &loaded.profile).await?;
    match outcome {
        Ok(done) => done_page(&ctx, &file.home, &loaded.profile, id, &done),
        Err(error) => {
            let version = if version.is_empty() { visit.version.to_string() } else { version };
            let open = Open {
                id,
                version,
                reason,
                raw,
                faults: Vec::new(),
                error: String::new(),
                reason_error: String::new(),
            };
            again(&ctx, &file, &loaded.profile, open, error)
        }
    }
}

struct Event {
    day: String,
    tone: &'static str,
    title: String,
    note: String,
    by: String,
    href: String,
    badges: Vec<Badge>,
}

struct Standing {
    title: String,
    badge: Badge,
    note: String,
    reasons: String,
}

/// A household's visits, as the card on its file and as a page.
struct Card {
    base: String,
    last: String,
    standing: Vec<Standing>,
    events: Vec<Event>,
    more: usize,
    may_record: bool,
}

#[derive(askama::Template)]
#[template(path = "visit_card.html")]
struct CardPart {
    page: Page,
    card: Card,
}

#[derive(askama::Template)]
#[template(path = "visits.html")]
struct VisitsPage {
    page: Page,
    title: String,
    sub: String,
    card: Card,
}

fn channel_words(page: &Page, visit: &Visit) -> String {
    page.t(&format!("screen-channel-{}", visit.channel))
}

fn event(page: &Page, checks: &Checks, visit: &Visit) -> Event {
    let results = visit.results();
    let bad: Vec<Badge> = results
        .iter()
        .filter(|(indicator, judged)| checks.is_gap(**indicator, judged.outcome))
        .map(|(indicator, judged)| Badge {
            tone: words::tone(checks, *indicator, judged.outcome),
            text: format!(
                "{} {}",
                checks.policy(*indicator).title.get(page.lang),
                checks.result(*indicator, judged.outcome, page.lang)
            ),
        })
        .collect();
    let what = if visit.unchanged {
        page.t("screen-mode-unchanged")
    } else if results.is_empty() {
        page.t("screen-mode-contact")
    } else if bad.is_empty() {
        page.t1("screen-checked-fine", "count", results.len())
    } else {
        page.t1("screen-checked-some", "count", results.len())
    };
    let mut title = format!("{} · {what}", channel_words(page, visit));
    if !visit.spoken_to.is_empty() {
        title.push_str(&format!(" · {}", page.t1("screen-spoke-with", "name", &visit.spoken_to)));
    }
    Event {
        day: visit.visited_on.clone(),
        tone: if bad.is_empty() { "ok" } else { "danger" },
        title,
        note: visit.note.clone(),
        by: by_line(page, visit),
        href: format!("/visits/{}", visit.id),
        badges: bad,
    }
}

fn by_line(page: &Page, visit: &Visit) -> String {
    let mut parts = vec![dash(&visit.by_name)];
    if !visit.by_unit.is_empty() {
        parts.push(visit.by_unit.clone());
    }
    parts.push(page.t(&format!("role-{}", visit.by_role)));
    parts.join(" · ")
}

fn card(ctx: &Ctx, page: &Page, file: &HomeFile, profile: &Profile, most: usize) -> Card {
    let checks = Checks::of(profile);
    let standing = Indicator::ALL
        .into_iter()
        .map(|indicator| {
            let title = checks.policy(indicator).title.get(page.lang).to_owned();
            let row = file.checks.iter().find(|row| row.indicator == indicator.name());
            match row.and_then(|row| Some((row, check_badge(page, &checks, row)?))) {
                Some((row, (_, badge, note))) => {
                    let met = row.result == Outcome::Met.name();
                    let reasons = row.reasons_in_words(&checks, page.lang).join(&page.t("list-comma"));
                    Standing { title, badge, note, reasons: if met { String::new() } else { reasons } }
                }
                None => Standing {
                    title,
                    badge: Badge { tone: "mute", text: page.t("screen-state-unknown") },
                    note: String::new(),
                    reasons: String::new(),
                },
            }
        })
        .collect();
    let today = ctx.app.clock.today();
    let last = match file.standing.last_on() {
        Some(day) => page.t2("screen-last-visit", "day", day, "days", (today - day).num_days()),
        None => page.t("screen-never-visited"),
    };
    Card {
        base: format!("/households/{}", file.home.id),
        last,
        standing,
        events: file.visits.iter().take(most).map(|visit| event(page, &checks, visit)).collect(),
        more: file.visits.len().saturating_sub(most),
        may_record: may_record(&ctx.actor),
    }
}

/// All visits of a household: the card for its file, or a page.
pub(super) async fn of_household(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let loaded = assess::active_profile(&ctx.app, &ctx.actor).await?;
    let file = home_file(&ctx.app, &ctx.actor, id, &loaded.profile).await?;
    let page = ctx.page("nav-households");
    if ctx.is_fragment() {
        let card = card(&ctx, &page, &file, &loaded.profile, CARD);
        return ctx.render(&CardPart { page, card });
    }
    let card = card(&ctx, &page, &file, &loaded.profile, usize::MAX);
    let title = page.t1("screen-visits-of", "name", &file.home.head_name);
    let sub = format!("{} · {}", file.home.place, file.home.household_no);
    ctx.render(&VisitsPage { page, title, sub, card })
}

/// One indicator with what was seen, on the page of a visit and on the sheet.
struct Seen {
    title: String,
    standard: String,
    badge: Option<Badge>,
    note: String,
    lines: Vec<(String, String)>,
}

struct Former {
    title: String,
    meta: String,
    reason: String,
    lines: Vec<(String, String)>,
}

#[derive(askama::Template)]
#[template(path = "visit_show.html")]
struct ShowPage {
    page: Page,
    title: String,
    base: String,
    edit: String,
    basics: Vec<(String, String)>,
    seen: Vec<Seen>,
    versions: Vec<Former>,
}

/// One visit with its earlier versions.
pub(super) async fn show(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let (visit, versions) = super::super::visit_file(&ctx.app, &ctx.actor, id).await?;
    let loaded = assess::active_profile(&ctx.app, &ctx.actor).await?;
    // What it was judged by is the profile of its time.
    let profile = match visit.profile_id {
        Some(profile) => assess::profile_by_id(&ctx.app.db, profile).await?,
        None => loaded.profile,
    };
    let checks = Checks::of(&profile);
    let file = home_file(&ctx.app, &ctx.actor, visit.household_id, &profile).await?;
    let page = ctx.page("nav-households");
    let answers = visit.answers();
    let results = visit.results();
    let seen: Vec<Seen> = results
        .iter()
        .map(|(indicator, judged)| Seen {
            title: checks.policy(*indicator).title.get(page.lang).to_owned(),
            standard: String::new(),
            badge: Some(Badge {
                tone: words::tone(&checks, *indicator, judged.outcome),
                text: checks.result(*indicator, judged.outcome, page.lang).to_owned(),
            }),
            note: String::new(),
            lines: words::answers(&checks, &file.members, &answers, *indicator, page.lang),
        })
        .collect();
    let mut basics = vec![
        (page.t("screen-visited_on"), visit.visited_on.clone()),
        (page.t("screen-channel"), channel_words(&page, &visit)),
        (page.t("screen-by"), by_line(&page, &visit)),
        (page.t("screen-spoken_to"), dash(&visit.spoken_to)),
        (page.t("screen-note"), dash(&visit.note)),
        (page.t("screen-recorded"), page.time(&visit.recorded_at)),
    ];
    if visit.unchanged {
        basics.push((page.t("screen-mode"), page.t("screen-mode-unchanged")));
    }
    let versions = versions
        .into_iter()
        .map(|version| {
            let data: serde_json::Value = serde_json::from_str(&version.data).unwrap_or_default();
            let answers = serde_json::from_value(data["answers"].clone()).unwrap_or_default();
            let text = |field: &str| data[field].as_str().unwrap_or_default().to_owned();
            let mut lines =
                vec![(page.t("screen-visited_on"), text("visited_on")), (page.t("screen-note"), dash(&text("note")))];
            for indicator in Indicator::ALL {
                lines.extend(words::answers(&checks, &file.members, &answers, indicator, page.lang));
            }
            Former {
                title: page.t1("screen-version", "version", version.version),
                meta: format!("{} · {}", page.time(&version.superseded_at), dash(&version.by_name)),
                reason: version.reason,
                lines,
            }
        })
        .collect();
    let view = ShowPage {
        title: page.t1("screen-visit-of", "name", &file.home.head_name),
        base: format!("/households/{}", file.home.id),
        edit: if may_correct(&ctx.actor, &visit) { format!("/visits/{id}/edit") } else { String::new() },
        basics,
        seen,
        versions,
        page,
    };
    ctx.render(&view)
}

#[derive(askama::Template)]
#[template(path = "visit_sheet.html")]
struct SheetPage {
    page: Page,
    title: String,
    base: String,
    as_of: String,
    basics: Vec<(String, String)>,
    seen: Vec<Seen>,
    source: String,
}

/// The household's check sheet, to print and sign.
pub(super) async fn sheet(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let loaded = assess::active_profile(&ctx.app, &ctx.actor).await?;
    let file = home_file(&ctx.app, &ctx.actor, id, &loaded.profile).await?;
    let checks = Checks::of(&loaded.profile);
    let page = ctx.page("nav-households");
    let seen = Indicator::ALL
        .into_iter()
        .map(|indicator| {
            let policy = checks.policy(indicator);
            let row = file.checks.iter().find(|row| row.indicator == indicator.name());
            let found = row.and_then(|row| check_badge(&page, &checks, row));
            let (badge, note) = found.map_or((None, String::new()), |(_, badge, note)| (Some(badge), note));
            Seen {
                title: policy.title.get(page.lang).to_owned(),
                standard: policy.standard.get(page.lang).to_owned(),
                badge,
                note,
                lines: words::answers(&checks, &file.members, &file.standing.answers, indicator, page.lang),
            }
        })
        .collect();
    let home = &file.home;
    let view = SheetPage {
        title: page.t1("screen-sheet-of", "name", &home.head_name),
        base: format!("/households/{}", home.id),
        as_of: page.t1("screen-as-of", "day", ctx.app.clock.today()),
        basics: vec![
            (page.t("field-household_no"), home.household_no.clone()),
            (page.t("search-place"), home.place.clone()),
            (page.t("field-member_count"), home.member_count.to_string()),
        ],
        seen,
        source: checks.source.clone(),
        page,
    };
    ctx.render(&view)
}
