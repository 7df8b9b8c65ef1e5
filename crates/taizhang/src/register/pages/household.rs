//! The household file (户档案): everything about one household on one page.

use std::collections::{BTreeSet, HashMap};

use axum::extract::Path;
use axum::response::Response;
use uuid::Uuid;

use super::super::model::{FindingLine, Income, Member, Person, SignalLine, Source, VersionChange};
use super::super::{HouseholdFile, attrs, division};
use super::{Badge, Crumb, crumbs, dash, grouped, sex_text};
use crate::access::Capability;
use crate::platform::{Lang, i18n};
use crate::web::{Ctx, Page, WebError};

impl HouseholdPage {
    fn dash(&self, text: &str) -> String {
        dash(text)
    }
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

struct MemberRow {
    subject: String,
    member: Member,
    sex: String,
    age: String,
    work: String,
    employer: Option<Unit>,
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

pub(super) struct ChangeRow {
    pub(super) title: String,
    pub(super) meta: String,
    pub(super) changes: Vec<(String, String, String)>,
}

/// An organisation as a record names it, with its code and page where it is known.
struct Unit {
    name: String,
    code: String,
    href: String,
}

impl Unit {
    fn of(file: &HouseholdFile, name: &str) -> Option<Self> {
        (!name.is_empty()).then(|| match file.organisations.get(name) {
            Some(known) => Self {
                name: name.to_owned(),
                code: known.credit_code.clone(),
                href: format!("/organisations/{}", known.id),
            },
            None => Self { name: name.to_owned(), code: String::new(), href: String::new() },
        })
    }
}

struct Carer {
    subject: String,
    name: String,
    role: String,
    unit: Option<Unit>,
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
    details: Vec<Group>,
    monitoring_details: Vec<Group>,
    member_details: Vec<(String, Vec<Group>)>,
    changes: Vec<ChangeRow>,
    sources: Vec<(String, String)>,
    may_reveal: bool,
}

/// The page of one household.
pub(super) async fn show(ctx: Ctx, Path(id): Path<Uuid>) -> Result<Response, WebError> {
    let file = super::super::household_file_for(&ctx.app, &ctx.actor, id).await?;
    let page = ctx.page("nav-households");
    let today = ctx.app.clock.today().to_string();
    let lang = ctx.lang;
    // The ledger is not for everybody who may see the household: a number without its link is no dead end.
    let may_items = ctx.actor.may(Capability::ViewItems);
    let item_href = |id: Uuid| if may_items { format!("/ledger/{id}") } else { String::new() };
    let codes: BTreeSet<String> = file.findings.iter().flat_map(|finding| counties_in(&finding.evidence)).collect();
    let mut counties = HashMap::new();
    for code in codes {
        let name = division(&ctx.app, &code).await?.map_or_else(|| page.t("evidence-some-county"), |d| d.name);
        counties.insert(code, name);
    }
    let source_line = |source: &Source| source_text(&page, source);
    let members: Vec<MemberRow> = file
        .members
        .iter()
        .map(|member| MemberRow {
            subject: format!("person:{}", member.person.id),
            sex: sex_text(&page, &member.person.sex),
            age: member.age.map_or_else(|| "—".to_owned(), |age| age.to_string()),
            work: work_text(&page, &member.person),
            employer: Unit::of(&file, &member.person.work_employer),
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
    let findings = file
        .findings
        .iter()
        .map(|finding| FindingRow {
            item_href: finding.item_id.map(item_href).unwrap_or_default(),
            ..finding_row(&page, lang, &file, &counties, finding)
        })
        .collect();
    let items: Vec<ItemRow> = file
        .items
        .iter()
        .map(|item| {
            let late = item.is_overdue(&today);
            ItemRow {
                href: item_href(item.id),
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
            role: String::new(),
            unit: Unit::of(&file, &helper.unit),
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
            role: dash(&member.role),
            unit: Unit::of(&file, &member.unit),
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
        risks: file.monitoring.as_ref().map(|m| m.risk_labels().join(&page.t("list-comma"))).unwrap_or_default(),
        details: groups(&page, HOUSEHOLD_GROUPS, &file.household.attrs),
        monitoring_details: file
            .monitoring
            .as_ref()
            .map(|m| groups(&page, MONITORING_GROUPS, &m.attrs))
            .unwrap_or_default(),
        member_details: file
            .members
            .iter()
            .map(|m| (m.person.name.clone(), groups(&page, PERSON_GROUPS, &m.person.attrs)))
            .filter(|(_, groups)| !groups.is_empty())
            .collect(),
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

/// File, sheet, line and day that a record came from.
pub(super) fn source_text(page: &Page, source: &Source) -> String {
    let mut parts = vec![dash(&source.file)];
    if !source.sheet.is_empty() {
        parts.push(source.sheet.clone());
    }
    parts.push(page.t1("source-line", "line", source.line));
    parts.push(page.t1("source-as-of", "day", &source.as_of));
    parts.join(" · ")
}

pub(super) fn period(page: &Page, start: &str, end: &str) -> String {
    if end.is_empty() {
        page.t1("carer-since", "day", dash(start))
    } else {
        page.t2("carer-until", "from", dash(start), "to", end)
    }
}

fn work_text(page: &Page, person: &Person) -> String {
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

fn income_lines(page: &Page, income: &Income) -> Vec<IncomeLine> {
    let items = attrs::open(&income.items);
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

fn signal_event(page: &Page, signal: &SignalLine) -> Event {
    let kind = page.t(&format!("signal-{}", signal.kind));
    let who = if signal.person_name.is_empty() {
        page.t(&format!("subject-{}", signal.subject))
    } else {
        signal.person_name.clone()
    };
    let (tone, note) = match signal.state.as_str() {
        "withdrawn" => ("void", page.t1("signal-withdrawn", "reason", reason_text(page, &signal.state_reason))),
        "superseded" => ("void", page.t1("signal-superseded", "reason", reason_text(page, &signal.state_reason))),
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

fn finding_row(
    page: &Page,
    lang: Lang,
    file: &HouseholdFile,
    counties: &HashMap<String, String>,
    finding: &FindingLine,
) -> FindingRow {
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
            reason_text(page, reason["reason"].as_str().unwrap_or_default()),
        );
        meta.push(text);
    }
    if !finding.profile_key.is_empty() {
        meta.push(page.t2("finding-profile", "profile", &finding.profile_key, "version", finding.profile_version));
    }
    let title = title_of(lang, &finding.item_title);
    let title = if title.is_empty() { page.t1("finding-untitled", "rule", &finding.rule_id) } else { title };
    let evidence = match serde_json::from_str::<serde_json::Value>(&finding.evidence) {
        Ok(serde_json::Value::Array(list)) => list.iter().map(|one| evidence_text(page, file, counties, one)).collect(),
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
        item_href: String::new(),
        item_number: finding.item_number.clone(),
        evidence,
        ended,
    }
}

/// One thing that a rule read, in words. Ids of persons are resolved within the household.
fn evidence_text(
    page: &Page,
    file: &HouseholdFile,
    counties: &HashMap<String, String>,
    evidence: &serde_json::Value,
) -> String {
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
            let kind = match evidence["value"].as_str() {
                // What a check came to stands with the visit, in the words of the policy.
                Some(value) if !text("kind").starts_with("check.") => {
                    page.t1(&format!("signal-value-{}", text("kind")), "value", value)
                }
                _ => page.t(&format!("signal-{}", text("kind"))),
            };
            let source = page.t(&format!("signal-source-{}", text("source")));
            let args = [
                ("who", who),
                ("kind", kind),
                ("day", dash(&text("fact_date"))),
                ("source", source),
                ("key", dash(&text("row_key"))),
            ];
            // A list without card numbers has keys that mean nothing to anybody.
            let key = if text("row_key").starts_with('#') { "evidence-signal-unnumbered" } else { "evidence-signal" };
            i18n::text_with(page.lang, key, &args)
        }
        Some("work_tier") => {
            let args = [
                ("who", who),
                ("county", counties.get(&text("county")).cloned().unwrap_or_else(|| page.t("evidence-some-county"))),
                ("tier", page.t(&format!("tier-{}", text("tier")))),
                ("day", dash(&text("since"))),
            ];
            i18n::text_with(page.lang, "evidence-work-tier", &args)
        }
        _ => page.t("evidence-other"),
    }
}

/// Codes of the counties that a finding's evidence names.
fn counties_in(evidence: &str) -> Vec<String> {
    let list: Vec<serde_json::Value> = serde_json::from_str(evidence).unwrap_or_default();
    list.iter().filter_map(|one| one["county"].as_str().map(str::to_owned)).collect()
}

/// Why a signal is no longer in force, in words.
fn reason_text(page: &Page, reason: &str) -> String {
    let key = format!("signal-reason-{reason}");
    if !reason.is_empty() && i18n::has(page.lang, &key) { page.t(&key) } else { page.t("signal-reason-other") }
}

/// A value of the register in the reader's language, as far as it is one of its own words.
fn said(page: &Page, value: &str) -> String {
    match (value, page.lang) {
        ("是", _) => page.t("yes"),
        ("否", _) => page.t("no"),
        (_, Lang::Zh) => value.to_owned(),
        (_, Lang::En) => value.replace('、', &page.t("list-comma")).replace('；', "; ").replace('：', ": "),
    }
}

/// Columns of a record that belong together.
struct Group {
    title: String,
    lines: Vec<(String, String)>,
}

/// Where a column of a record belongs, by words of its standard header; what no group claims is under the last.
type GroupWords = &'static [(&'static str, &'static [&'static str])];

const HOUSEHOLD_GROUPS: GroupWords = &[
    ("details-causes", &["致贫原因", "识别标准", "首次识别", "军烈属"]),
    ("details-land", &["面积(亩)"]),
    ("details-living", &["危房", "住房", "饮水", "用电", "广播电视", "厕所", "燃料", "入户路", "主干路"]),
    ("details-industry", &["合作组织", "龙头企业", "带头人", "产业帮扶"]),
    ("details-other", &[]),
];
const MONITORING_GROUPS: GroupWords = &[
    ("details-found", &["识别时", "整户无劳动能力", "自然灾害"]),
    ("details-solved", &["消除时", "消除方式"]),
    ("details-people", &["联系人", "采集人"]),
    ("details-measures", &["帮扶", "保障", "搬迁", "条件改善", "基础设施"]),
    ("details-other", &[]),
];
const PERSON_GROUPS: GroupWords = &[
    ("details-insurance", &["保险"]),
    ("details-support", &["低保", "特困", "救助", "扶贫", "搬迁"]),
    ("details-work", &["务工", "就业", "岗位", "产业"]),
    ("details-other", &[]),
];
/// Columns that only say of whom and where a row is: the page says it elsewhere.
const ELSEWHERE: &[&str] = &["省", "市", "县", "乡", "村", "自然村", "户编号", "户主姓名", "家庭人口数", "户主编号"];

/// The columns of a record that have no place of their own on the page, grouped; no number of a person among them.
fn groups(page: &Page, words: GroupWords, kept: &str) -> Vec<Group> {
    let columns = attrs::open(kept);
    let mut out: Vec<Group> = words.iter().map(|(key, _)| Group { title: page.t(key), lines: Vec::new() }).collect();
    for (header, value) in &columns {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if value.is_empty() || header.contains("证件号") || ELSEWHERE.contains(&header.as_str()) {
            continue;
        }
        let at =
            words.iter().position(|(_, list)| list.iter().any(|word| header.contains(word))).unwrap_or(words.len() - 1);
        let digits = value.chars().filter(char::is_ascii_digit).count();
        let shown = if digits >= 14 { codes::citizen_id::mask(&value) } else { said(page, &value) };
        out[at].lines.push((header.clone(), shown));
    }
    out.retain(|group| !group.lines.is_empty());
    out
}

pub(super) fn change_row(page: &Page, change: &VersionChange) -> ChangeRow {
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
                // The same column means something else in a record of another kind.
                let own = format!("{}-{}", change.entity, field.field);
                let key = if i18n::has(page.lang, &own) { own } else { format!("field-{}", field.field) };
                let label = if i18n::has(page.lang, &key) { page.t(&key) } else { field.field.clone() };
                (label, dash(&said(page, &field.old)), dash(&said(page, &field.new)))
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_as_people_read_them() {
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
