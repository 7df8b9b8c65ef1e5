//! The search page, the households of a village, the household file.

use axum::extract::{Path, Query};
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::model::{Member, VersionChange};
use super::search::{self, Hit, Kind, Results, Via};
use super::{Field, HouseholdFile, HouseholdLine, Place, RegisterError, Subject};
use crate::access::Capability;
use crate::platform::{ErrorKind, Lang, UserError, i18n};
use crate::web::{Ctx, Form, Page, Policy, Routes, WebError};

const VIEW: Policy = Policy::Needs(Capability::ViewHouseholds);
const REVEAL: Policy = Policy::Needs(Capability::RevealPersonal);
/// Households of a page.
const ROWS: i64 = 50;
/// Length of a village's code: below it households are listed.
const VILLAGE: usize = 12;

/// The routes of this feature.
pub fn routes() -> Routes {
    Routes::new()
        .get("/search", VIEW, search_page)
        .get("/households", VIEW, households_page)
        .get("/households/{id}", VIEW, household_page)
        .get("/households/{id}/reveal", REVEAL, reveal_question)
        .post("/households/{id}/reveal", REVEAL, reveal)
}

impl HouseholdsPage {
    fn grouped(&self, number: &i64) -> String {
        grouped(*number)
    }
}

impl HouseholdPage {
    fn dash(&self, text: &str) -> String {
        dash(text)
    }
}

/// A state in words with the tone of its badge.
pub(crate) struct Badge {
    pub(crate) tone: &'static str,
    pub(crate) text: String,
}

/// A link of a breadcrumb.
pub(crate) struct Crumb {
    pub(crate) href: String,
    pub(crate) name: String,
}

/// Thousands apart: 20,008.
pub(crate) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if number < 0 {
        out.insert(0, '−');
    }
    out
}

/// Yuan without fen where there are none.
fn yuan(amount: f64) -> String {
    let fen = (amount * 100.0).round();
    // Incomes stay far below 2^53 fen.
    let whole = (fen / 100.0).trunc() as i64;
    let rest = (fen.abs() % 100.0) as i64;
    let text = grouped(whole);
    let sign = if whole == 0 && fen < 0.0 { "−" } else { "" };
    if rest == 0 { text } else { format!("{sign}{text}.{rest:02}") }
}

pub(crate) fn dash(text: &str) -> String {
    if text.is_empty() { "—" } else { text }.to_owned()
}

/// Name and, where the division is inside the actor's scope, link of each division from the province down.
fn crumbs(ctx: &Ctx, places: &[(String, String)], base: &str) -> Vec<Crumb> {
    places
        .iter()
        .filter(|(code, _)| ctx.actor.scope.contains(code))
        .map(|(code, name)| Crumb { href: format!("{base}?division={code}"), name: name.clone() })
        .collect()
}

// ---- search ----

#[derive(Debug, Default, Deserialize)]
struct SearchQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    limit: Option<i64>,
}

struct Row {
    hit: Hit,
    sex: String,
    age: String,
    via: String,
}

#[derive(askama::Template)]
#[template(path = "search.html")]
struct SearchPage {
    page: Page,
    q: String,
    kind: Kind,
    kind_text: String,
    rows: Vec<Row>,
    places: Vec<Place>,
    within: String,
    more: Option<i64>,
    capped: bool,
    tips: bool,
    scope_name: String,
}

#[derive(askama::Template)]
#[template(path = "search_results.html")]
struct SearchResults {
    page: Page,
    q: String,
    kind: Kind,
    kind_text: String,
    rows: Vec<Row>,
    places: Vec<Place>,
    within: String,
    more: Option<i64>,
    capped: bool,
    tips: bool,
    scope_name: String,
}

async fn search_page(ctx: Ctx, Query(query): Query<SearchQuery>) -> Result<Response, WebError> {
    let limit = query.limit.unwrap_or(search::PAGE);
    let q: String = query.q.trim().chars().take(60).collect();
    let results = super::search(&ctx.app, &ctx.actor.scope, &q, limit).await?;
    // A number that means one household opens it at once.
    if !ctx.is_fragment()
        && matches!(results.kind, Kind::CitizenId | Kind::Number)
        && results.places.is_empty()
        && let [only] = results.persons.as_slice()
    {
        return Ok(ctx.redirect(&format!("/households/{}", only.household_id)));
    }
    let page = ctx.page("nav-households");
    let Results { kind, persons, places, more, within } = results;
    let rows: Vec<Row> = persons
        .into_iter()
        .map(|hit| Row {
            sex: sex_text(&page, &hit.sex),
            age: hit.age.map_or_else(|| "—".to_owned(), |age| age.to_string()),
            via: match hit.via {
                Via::Input => String::new(),
                Via::HouseholdPhone => page.t("search-via-household-phone"),
                Via::HelperPhone => page.t("search-via-helper-phone"),
                Via::HouseholdNo => page.t("search-via-household-no"),
            },
            hit,
        })
        .collect();
    let capped = more && limit >= search::MOST;
    let more = (more && !capped).then(|| (limit * 4).min(search::MOST));
    let within = within.iter().map(|place| place.full_name.as_str()).collect::<Vec<_>>().join("、");
    let kind_text = page.t(kind.key());
    let scope_name = page.user.as_ref().map(|user| user.division_name.clone()).unwrap_or_default();
    let tips = rows.is_empty() && places.is_empty();
    if ctx.is_fragment() {
        return ctx.render(&SearchResults {
            page,
            q,
            kind,
            kind_text,
            rows,
            places,
            within,
            more,
            capped,
            tips,
            scope_name,
        });
    }
    ctx.render(&SearchPage { page, q, kind, kind_text, rows, places, within, more, capped, tips, scope_name })
}

pub(crate) fn sex_text(page: &Page, sex: &str) -> String {
    match sex {
        "male" => page.t("sex-male"),
        "female" => page.t("sex-female"),
        _ => "—".to_owned(),
    }
}

// ---- households of a place ----

#[derive(Debug, Default, Deserialize)]
struct ListQuery {
    #[serde(default)]
    division: String,
    #[serde(default)]
    page: i64,
}

#[derive(askama::Template)]
#[template(path = "households.html")]
struct HouseholdsPage {
    page: Page,
    crumbs: Vec<Crumb>,
    title: String,
    places: Vec<Place>,
    households: Vec<HouseholdLine>,
    lists_households: bool,
    summary: String,
    prev: String,
    next: String,
}

async fn households_page(ctx: Ctx, Query(query): Query<ListQuery>) -> Result<Response, WebError> {
    let code = if query.division.is_empty() { ctx.actor.scope.root().to_owned() } else { query.division };
    let scope = inside(&ctx, &code)?;
    let page = ctx.page("nav-households");
    let mut path = Vec::new();
    for length in super::divisions::CODE_LENGTHS {
        if let Some(part) = code.get(..length)
            && let Some(found) = super::division(&ctx.app, part).await?
        {
            path.push((found.code, found.name));
        }
    }
    let title = path.last().map_or_else(|| page.t("division-whole"), |(_, name)| name.clone());
    let lists_households = code.len() >= VILLAGE;
    let (mut places, mut households) = (Vec::new(), Vec::new());
    let (mut summary, mut prev, mut next) = (String::new(), String::new(), String::new());
    if lists_households {
        let at = query.page.clamp(1, 100_000);
        households = super::households_in(&ctx.app, &scope, (at - 1) * ROWS, ROWS + 1).await?;
        let link = |to: i64| format!("/households?division={code}&page={to}");
        if households.len() > usize::try_from(ROWS).unwrap_or(50) {
            households.pop();
            next = link(at + 1);
        }
        if at > 1 {
            prev = link(at - 1);
        }
        let from = (at - 1) * ROWS + 1;
        let to = from + i64::try_from(households.len()).unwrap_or(0) - 1;
        summary = page.t2("households-range", "from", from, "to", to);
    } else {
        places = super::places_below(&ctx.app, &scope, &code).await?;
    }
    ctx.render(&HouseholdsPage {
        crumbs: crumbs(&ctx, &path, "/households"),
        page,
        title,
        places,
        households,
        lists_households,
        summary,
        prev,
        next,
    })
}

/// The actor's scope narrowed to a division; not found where it lies outside or is no code.
pub(crate) fn inside(ctx: &Ctx, code: &str) -> Result<crate::access::Scope, WebError> {
    let is_code = code.len() <= 14 && code.bytes().all(|b| b.is_ascii_digit());
    if is_code && ctx.actor.scope.contains(code) {
        Ok(crate::access::Scope::subtree(code))
    } else {
        Err(WebError::not_found())
    }
}

// ---- household file ----

struct MemberRow {
    subject: String,
    member: Member,
    sex: String,
    age: String,
    work: String,
    epidemic: Vec<Badge>,
}

struct IncomeYear {
    year: i64,
    source: String,
    lines: Vec<IncomeLine>,
}

struct IncomeLine {
    label: String,
    amount: String,
    class: &'static str,
}

struct Event {
    date: String,
    tone: &'static str,
    title: String,
    note: String,
    by: String,
    href: String,
}

struct FindingRow {
    tone: &'static str,
    level: String,
    title: String,
    meta: String,
    item_href: String,
    item_number: String,
    evidence: Vec<String>,
    ended: bool,
}

struct ItemRow {
    href: String,
    title: String,
    number: String,
    tone: &'static str,
    state: String,
    meta: String,
}

struct ChangeRow {
    title: String,
    meta: String,
    changes: Vec<(String, String, String)>,
}

struct Carer {
    subject: String,
    name: String,
    unit: String,
    phone: String,
    period: String,
}

#[derive(askama::Template)]
#[template(path = "household.html")]
struct HouseholdPage {
    page: Page,
    file: HouseholdFile,
    base: String,
    reveal_action: String,
    crumbs: Vec<Crumb>,
    as_of: String,
    able: i64,
    per_capita: String,
    per_capita_note: String,
    open_items: usize,
    overdue: usize,
    last_signal: String,
    members: Vec<MemberRow>,
    incomes: Vec<IncomeYear>,
    risks: String,
    monitored_since: String,
    events: Vec<Event>,
    findings: Vec<FindingRow>,
    items: Vec<ItemRow>,
    helpers: Vec<Carer>,
    team: Vec<Carer>,
    basics: Vec<(String, String)>,
    changes: Vec<ChangeRow>,
    sources: Vec<(String, String)>,
    may_reveal: bool,
}

async fn household_page(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let file = super::household_file(&ctx.app, &ctx.actor.scope, id).await?;
    let page = ctx.page("nav-households");
    let today = ctx.app.clock.today().to_string();
    let lang = ctx.lang;
    let source_line = |source: &super::model::Source| {
        let mut parts = vec![dash(&source.file)];
        if !source.sheet.is_empty() {
            parts.push(source.sheet.clone());
        }
        parts.push(page.t1("source-line", "line", source.line));
        parts.push(page.t1("source-as-of", "day", &source.as_of));
        parts.join(" · ")
    };
    let members: Vec<MemberRow> = file
        .members
        .iter()
        .map(|member| MemberRow {
            subject: format!("person:{}", member.person.id),
            sex: sex_text(&page, &member.person.sex),
            age: member.age.map_or_else(|| "—".to_owned(), |age| age.to_string()),
            work: work_text(&page, &member.person),
            epidemic: epidemic_badges(&page, &file, member.person.id),
            member: member.clone(),
        })
        .collect();
    let able = file.members.iter().filter(|m| matches!(m.person.labour.as_str(), "普通劳动力" | "技能劳动力")).count();
    let incomes: Vec<IncomeYear> = file
        .incomes
        .iter()
        .map(|income| IncomeYear {
            year: income.year,
            source: source_line(&income.source()),
            lines: income_lines(&page, income),
        })
        .collect();
    let (per_capita, per_capita_note) = match file.incomes.as_slice() {
        [] => ("—".to_owned(), page.t("income-none")),
        [one] => (yuan(one.per_capita), page.t1("income-of-year", "year", one.year)),
        [one, before, ..] => {
            let note = page.t1("income-of-year", "year", one.year);
            let change = if before.per_capita > 0.0 {
                let percent = (one.per_capita / before.per_capita - 1.0) * 100.0;
                page.t2("income-change", "year", before.year, "change", format!("{percent:+.1}%"))
            } else {
                String::new()
            };
            (yuan(one.per_capita), format!("{note} {change}"))
        }
    };
    let findings = file.findings.iter().map(|finding| finding_row(&page, lang, &file, finding)).collect();
    let items: Vec<ItemRow> = file
        .items
        .iter()
        .map(|item| {
            let late = item.is_overdue(&today);
            ItemRow {
                href: format!("/ledger/{}", item.id),
                title: title_of(lang, &item.title),
                number: item.number.clone(),
                tone: match (late, item.state.as_str()) {
                    (true, _) => "danger",
                    (_, "closed") => "ok",
                    (_, "cancelled") => "mute",
                    (_, "to_verify" | "submitted" | "checking") => "warn",
                    _ => "info",
                },
                state: if late { page.t("file-overdue") } else { page.t(&format!("file-item-{}", item.state)) },
                meta: if item.is_open() {
                    page.t2(
                        "file-item-due",
                        "day",
                        dash(&item.deadline),
                        "owner",
                        dash(if item.owner_name.is_empty() { &item.owner_unit } else { &item.owner_name }),
                    )
                } else {
                    page.t1("file-item-ended", "day", dash(&item.closed_on))
                },
            }
        })
        .collect();
    let household = &file.household;
    let yes_no = |value: Option<bool>| match value {
        Some(true) => page.t("yes"),
        Some(false) => page.t("no"),
        None => "—".to_owned(),
    };
    let basics = vec![
        (page.t("field-registration"), dash(&household.registration)),
        (page.t("field-kind"), dash(&household.kind)),
        (page.t("field-main_cause"), dash(&household.main_cause)),
        (page.t("field-dangerous_house"), yes_no(household.dangerous_house)),
        (page.t("field-housing_grade"), dash(&household.housing_grade)),
        (page.t("field-safe_water"), yes_no(household.safe_water)),
    ];
    let helpers = file
        .helpers
        .iter()
        .map(|(helper, phone)| Carer {
            subject: format!("helper:{}", helper.id),
            name: helper.name.clone(),
            unit: helper.unit.clone(),
            phone: phone.clone(),
            period: period(&page, &helper.start_date, &helper.end_date),
        })
        .collect();
    let team = file
        .team
        .iter()
        .map(|(member, phone)| Carer {
            subject: format!("team_member:{}", member.id),
            name: member.name.clone(),
            unit: format!("{} · {}", dash(&member.role), dash(&member.unit)),
            phone: phone.clone(),
            period: period(&page, &member.start_date, &member.end_date),
        })
        .collect();
    let mut sources = vec![(page.t("entity-household"), source_line(&household.source()))];
    for member in &file.members {
        sources.push((member.person.name.clone(), source_line(&member.person.source())));
    }
    if let Some(monitoring) = &file.monitoring {
        sources.push((page.t("entity-monitoring"), source_line(&monitoring.source())));
    }
    let mut events: Vec<Event> = file.signals.iter().map(|signal| signal_event(&page, signal)).collect();
    for (item, row) in file.items.iter().zip(&items) {
        events.push(Event {
            date: item.opened_on.clone(),
            tone: "",
            title: page.t1("event-item-opened", "title", &row.title),
            note: String::new(),
            by: item.number.clone(),
            href: row.href.clone(),
        });
        if !item.closed_on.is_empty() {
            events.push(Event {
                date: item.closed_on.clone(),
                tone: "ok",
                title: page.t1("event-item-closed", "title", &row.title),
                note: String::new(),
                by: item.number.clone(),
                href: row.href.clone(),
            });
        }
    }
    events.sort_by(|a, b| b.date.cmp(&a.date));
    let changes = file.versions.iter().map(|change| change_row(&page, change)).collect();
    let monitored_since = file
        .monitoring
        .as_ref()
        .map(|m| {
            if m.eliminated {
                page.t1("monitoring-eliminated", "month", dash(&m.eliminated_month))
            } else {
                page.t1("monitoring-since", "month", dash(&m.identified_month))
            }
        })
        .unwrap_or_default();
    ctx.render(&HouseholdPage {
        base: format!("/households/{id}"),
        reveal_action: format!("/households/{id}/reveal"),
        crumbs: crumbs(&ctx, &file.places, "/households"),
        as_of: page.t2("file-as-of", "day", &household.as_of, "version", household.version),
        able: i64::try_from(able).unwrap_or(0),
        per_capita,
        per_capita_note,
        open_items: file.items.iter().filter(|item| item.is_open()).count(),
        overdue: file.items.iter().filter(|item| item.is_overdue(&today)).count(),
        last_signal: file
            .signals
            .first()
            .map_or_else(String::new, |signal| page.t1("file-last-signal", "day", &signal.fact_date)),
        risks: file.monitoring.as_ref().map(|m| m.risk_labels().join("、")).unwrap_or_default(),
        monitored_since,
        may_reveal: ctx.actor.may(Capability::RevealPersonal),
        page,
        members,
        incomes,
        events,
        findings,
        items,
        helpers,
        team,
        basics,
        changes,
        sources,
        file,
    })
}

fn period(page: &Page, start: &str, end: &str) -> String {
    if end.is_empty() {
        page.t1("carer-since", "day", dash(start))
    } else {
        page.t2("carer-until", "from", dash(start), "to", end)
    }
}

fn work_text(page: &Page, person: &super::model::Person) -> String {
    if person.work_place.is_empty() {
        return "—".to_owned();
    }
    match person.work_months {
        Some(months) => page.t2("work-months", "place", &person.work_place, "months", months),
        None => person.work_place.clone(),
    }
}

/// What the epidemic signals in force say of a member, in badges.
fn epidemic_badges(page: &Page, file: &HouseholdFile, person: Uuid) -> Vec<Badge> {
    let has =
        |kind: &str| file.signals.iter().any(|s| s.person_id == Some(person) && s.state == "active" && s.kind == kind);
    let badge = |tone, key: &str| Badge { tone, text: page.t(key) };
    let mut out = Vec::new();
    if has("epidemic.died") {
        out.push(badge("danger", "signal-epidemic-died"));
    } else if has("epidemic.cured") {
        out.push(badge("ok", "signal-epidemic-cured"));
    } else if has("epidemic.confirmed") {
        out.push(badge("danger", "signal-in-treatment"));
    }
    for (kind, tone) in
        [("epidemic.suspected", "warn"), ("epidemic.carrier", "warn"), ("epidemic.close_contact", "warn")]
    {
        if has(kind) {
            out.push(badge(tone, &format!("signal-{kind}")));
        }
    }
    out
}

fn income_lines(page: &Page, income: &super::model::Income) -> Vec<IncomeLine> {
    let items = super::attrs::open(&income.items);
    let mut rest: Vec<(&String, f64)> = items
        .iter()
        .filter_map(|(header, value)| {
            let amount = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
            Some((header, amount)).filter(|(_, amount)| *amount != 0.0)
        })
        .collect();
    let mut lines = Vec::new();
    // The leaves of each branch by the words of their standard headers (DOMAIN: income tree of the national system).
    let branches: [(&str, f64, &[&str]); 5] = [
        ("field-wage", income.wage, &["务工收入", "公益性岗位", "工资"]),
        ("field-operating", income.operating, &["种植", "养殖", "林果", "经营性收入", "生产经营收入"]),
        ("field-property", income.property, &["资产收益", "土地流转", "财产"]),
        ("field-transfer", income.transfer, &["计划生育", "低保", "特困", "五保", "养老", "生态补偿", "转移"]),
        ("field-cost", -income.cost, &["支出"]),
    ];
    for (key, amount, words) in branches {
        lines.push(IncomeLine { label: page.t(key), amount: yuan(amount), class: "" });
        rest.retain(|(header, amount)| {
            let ours = words.iter().any(|word| header.contains(word));
            let total = matches!(
                header.as_str(),
                "工资性收入" | "生产经营性收入" | "财产性收入" | "转移性收入" | "生产经营性支出"
            );
            if ours && !total {
                lines.push(IncomeLine { label: (*header).clone(), amount: yuan(*amount), class: "kv-sub" });
            }
            !ours
        });
    }
    for (key, amount) in [("field-net", income.net), ("field-per_capita", income.per_capita)] {
        lines.push(IncomeLine { label: page.t(key), amount: yuan(amount), class: "kv-sum" });
    }
    let sums = ["纯收入", "年收入"];
    for (header, amount) in rest {
        if !sums.iter().any(|sum| header.contains(sum)) {
            lines.push(IncomeLine { label: header.clone(), amount: yuan(amount), class: "kv-sub" });
        }
    }
    lines
}

fn signal_event(page: &Page, signal: &super::model::SignalLine) -> Event {
    let kind = page.t(&format!("signal-{}", signal.kind));
    let who = if signal.person_name.is_empty() {
        page.t(&format!("subject-{}", signal.subject))
    } else {
        signal.person_name.clone()
    };
    let (tone, note) = match signal.state.as_str() {
        "withdrawn" => ("void", page.t1("signal-withdrawn", "reason", dash(&signal.state_reason))),
        "superseded" => ("void", page.t1("signal-superseded", "reason", dash(&signal.state_reason))),
        _ => match signal.kind.as_str() {
            "epidemic.confirmed" | "epidemic.died" => ("danger", String::new()),
            "epidemic.cured" => ("ok", String::new()),
            _ => ("", String::new()),
        },
    };
    let mut by = vec![page.t(&format!("signal-source-{}", signal.source))];
    if !signal.file_name.is_empty() {
        by.push(signal.file_name.clone());
        by.push(page.t1("source-line", "line", signal.line));
    }
    by.push(page.t1("signal-probability", "percent", format!("{:.1}", signal.probability * 100.0)));
    Event {
        date: signal.fact_date.clone(),
        tone,
        title: page.t2("signal-title", "who", who, "kind", kind),
        note,
        by: by.join(" · "),
        href: String::new(),
    }
}

/// A title kept as JSON by language, or as plain text.
fn title_of(lang: Lang, text: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Object(map)) => {
            let short = match lang {
                Lang::Zh => "zh",
                Lang::En => "en",
            };
            map.get(lang.tag())
                .or_else(|| map.get(short))
                .or_else(|| map.values().next())
                .and_then(|value| value.as_str())
                .unwrap_or_default()
                .to_owned()
        }
        _ => text.to_owned(),
    }
}

fn finding_row(page: &Page, lang: Lang, file: &HouseholdFile, finding: &super::model::FindingLine) -> FindingRow {
    let ended = finding.state != "open";
    let mut meta = vec![page.t1("finding-rule", "rule", &finding.rule_id)];
    if !finding.since.is_empty() {
        meta.push(page.t1("finding-since", "day", &finding.since));
    }
    if ended {
        let reason: serde_json::Value = serde_json::from_str(&finding.end_reason).unwrap_or_default();
        let why = reason["why"].as_str().unwrap_or("changed");
        let text = page.t1(
            &format!("finding-ended-{}", why.replace('_', "-")),
            "reason",
            reason["reason"].as_str().unwrap_or("—"),
        );
        meta.push(text);
    }
    if !finding.profile_key.is_empty() {
        meta.push(page.t2("finding-profile", "profile", &finding.profile_key, "version", finding.profile_version));
    }
    let title = title_of(lang, &finding.item_title);
    let title = if title.is_empty() { page.t1("finding-untitled", "rule", &finding.rule_id) } else { title };
    let evidence = match serde_json::from_str::<serde_json::Value>(&finding.evidence) {
        Ok(serde_json::Value::Array(list)) => list.iter().map(|one| evidence_text(page, file, one)).collect(),
        _ => Vec::new(),
    };
    FindingRow {
        tone: match (ended, finding.level.as_str()) {
            (true, _) => "mute",
            (_, "severe") => "danger",
            (_, "affected") => "warn",
            _ => "info",
        },
        level: page.t(&format!("level-{}", finding.level)),
        title: if finding.person_name.is_empty() {
            title
        } else {
            page.t2("finding-of", "who", &finding.person_name, "title", title)
        },
        meta: meta.join(" · "),
        item_href: finding.item_id.map_or_else(String::new, |id| format!("/ledger/{id}")),
        item_number: finding.item_number.clone(),
        evidence,
        ended,
    }
}

/// One thing that a rule read, in words. Ids of persons are resolved within the household.
fn evidence_text(page: &Page, file: &HouseholdFile, evidence: &serde_json::Value) -> String {
    let text = |key: &str| evidence[key].as_str().unwrap_or("").to_owned();
    let carrier: Option<Uuid> = evidence["carrier"].as_str().and_then(|id| id.parse().ok());
    let who = carrier
        .and_then(|id| {
            let member = file.members.iter().find(|m| m.person.id == id);
            member
                .map(|m| m.person.name.clone())
                .or_else(|| file.helpers.iter().find(|(h, _)| h.id == id).map(|(h, _)| h.name.clone()))
                .or_else(|| file.team.iter().find(|(t, _)| t.id == id).map(|(t, _)| t.name.clone()))
        })
        .unwrap_or_else(|| match evidence["relation"].as_str() {
            Some("helper") => page.t("subject-helper"),
            Some("team_member") => page.t("subject-team_member"),
            _ => page.t("subject-household"),
        });
    match evidence["what"].as_str() {
        Some("signal") => {
            let kind = page.t(&format!("signal-{}", text("kind")));
            let source = page.t(&format!("signal-source-{}", text("source")));
            let args = [
                ("who", who),
                ("kind", kind),
                ("day", dash(&text("fact_date"))),
                ("source", source),
                ("key", dash(&text("row_key"))),
            ];
            i18n::text_with(page.lang, "evidence-signal", &args)
        }
        Some("work_tier") => {
            let args = [
                ("who", who),
                ("county", text("county")),
                ("tier", page.t(&format!("tier-{}", text("tier")))),
                ("day", dash(&text("since"))),
            ];
            i18n::text_with(page.lang, "evidence-work-tier", &args)
        }
        _ => match evidence {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Object(map) => map
                .iter()
                .filter_map(|(key, value)| Some(format!("{key}: {}", value.as_str()?)))
                .collect::<Vec<_>>()
                .join(" · "),
            other => other.to_string(),
        },
    }
}

fn change_row(page: &Page, change: &VersionChange) -> ChangeRow {
    let entity = page.t(&format!("entity-{}", change.entity));
    let title = if change.about.is_empty() {
        page.t2("change-title", "what", entity, "version", change.version)
    } else {
        let what = format!("{entity} {}", change.about);
        page.t2("change-title", "what", what, "version", change.version)
    };
    ChangeRow {
        title,
        meta: format!(
            "{} · {} · {}",
            page.time(&change.at),
            dash(&change.file),
            page.t1("source-as-of", "day", &change.as_of)
        ),
        changes: change
            .changes
            .iter()
            .map(|field| {
                let key = format!("field-{}", field.field);
                let label = if i18n::has(page.lang, &key) { page.t(&key) } else { field.field.clone() };
                (label, dash(&field.old), dash(&field.new))
            })
            .collect(),
    }
}

// ---- reveal ----

#[derive(Debug, Deserialize)]
struct RevealQuery {
    #[serde(default = "household_itself")]
    subject: String,
    #[serde(default = "its_phone")]
    field: String,
}

fn household_itself() -> String {
    "household".to_owned()
}

fn its_phone() -> String {
    "phone".to_owned()
}

#[derive(Debug, Deserialize)]
struct RevealForm {
    subject: String,
    field: String,
    #[serde(default)]
    reason: String,
}

#[derive(askama::Template)]
#[template(path = "reveal.html")]
struct RevealPage {
    page: Page,
    base: String,
    head: String,
    who: String,
    label: String,
    subject: String,
    field: String,
    reason: String,
    error: String,
    value: String,
}

/// Whose field it is, for the page that asks and the page that shows.
async fn reveal_view(
    ctx: &Ctx,
    id: Uuid,
    subject: &str,
    field: &str,
) -> Result<(RevealPage, Subject, Field), WebError> {
    let file = super::household_file(&ctx.app, &ctx.actor.scope, id).await?;
    let (Some(whose), Some(which)) = (Subject::parse(subject), Field::parse(field)) else {
        return Err(WebError::not_found());
    };
    let page = ctx.page("nav-households");
    let head = page.t1("file-title", "name", &file.household.head_name);
    let who = match whose {
        Subject::Household => Some(head.clone()),
        Subject::Person(id) => file.members.iter().find(|m| m.person.id == id).map(|m| m.person.name.clone()),
        Subject::Helper(id) => file.helpers.iter().find(|(h, _)| h.id == id).map(|(h, _)| h.name.clone()),
        Subject::TeamMember(id) => file.team.iter().find(|(t, _)| t.id == id).map(|(t, _)| t.name.clone()),
    }
    .ok_or_else(WebError::not_found)?;
    let label = page.t(&format!("field-{}", which.name()));
    let view = RevealPage {
        page,
        base: format!("/households/{id}"),
        head,
        who,
        label,
        subject: subject.to_owned(),
        field: field.to_owned(),
        reason: String::new(),
        error: String::new(),
        value: String::new(),
    };
    Ok((view, whose, which))
}

async fn reveal_question(
    ctx: Ctx,
    Path(id): Path<Uuid>,
    Query(query): Query<RevealQuery>,
) -> Result<Response, WebError> {
    let (view, _, _) = reveal_view(&ctx, id, &query.subject, &query.field).await?;
    ctx.render(&view)
}

async fn reveal(ctx: Ctx, Path(id): Path<Uuid>, Form(form): Form<RevealForm>) -> Result<Response, WebError> {
    let (mut view, subject, field) = reveal_view(&ctx, id, &form.subject, &form.field).await?;
    let shown = super::reveal(&ctx.app, &ctx.actor, id, subject, field, &form.reason).await;
    match shown {
        Ok(value) => {
            view.value = value;
            ctx.render(&view)
        }
        // What the person can put right is said beside the form; the rest is an error page.
        Err(RegisterError::Access(error)) if error.kind() == ErrorKind::Invalid => {
            view.error = error.message(ctx.lang);
            view.reason = form.reason;
            let mut response = ctx.render(&view)?;
            *response.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_amounts_as_people_read_them() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(20_008), "20,008");
        assert_eq!(grouped(-1_234_567), "−1,234,567");
        assert_eq!(yuan(6_842.0), "6,842");
        assert_eq!(yuan(6_842.5), "6,842.50");
        assert_eq!(yuan(-1_800.0), "−1,800");
        assert_eq!(yuan(-0.5), "−0.50");
    }

    #[test]
    fn a_title_is_taken_in_the_readers_language() {
        let title = r#"{"zh-CN":"家庭帮扶","en":"Household help"}"#;
        assert_eq!(title_of(Lang::Zh, title), "家庭帮扶");
        assert_eq!(title_of(Lang::En, title), "Household help");
        assert_eq!(title_of(Lang::En, "plain"), "plain");
    }
}
