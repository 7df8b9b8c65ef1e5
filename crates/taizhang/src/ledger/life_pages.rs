//! The parts of an item's page for money, look-back and what was kept, and the page of look-backs (回头看).

use axum::extract::{Path, Query};
use axum::response::Response;
use uuid::Uuid;

use super::assign_pages::Choice;
use super::life::{self, LookBacks};
use super::model::{MONEY_SOURCES, MoneyKind, NewMoney, title_in};
use super::{LedgerError, Whole, words};
use crate::access::Capability;
use crate::platform::{clock, ids};
use crate::web::{Ctx, Form, Page, Policy, Routes, WebError};

/// The routes of this part.
pub(super) fn routes() -> Routes {
    Routes::new()
        // Of the items of others: not for who helps some households.
        .get("/ledger/look-backs", Policy::AllOf(&[Capability::ViewItems, Capability::ViewFigures]), look_backs)
        .post("/ledger/{id}/kept", Policy::Needs(Capability::ViewItems), settle)
}

pub(super) struct MoneyRow {
    pub(super) id: Uuid,
    pub(super) what: String,
    pub(super) yuan: String,
    pub(super) note: String,
    pub(super) by: String,
    /// Why it was struck and by whom; empty while it stands.
    pub(super) struck: String,
    pub(super) event: Uuid,
}

pub(super) struct MoneySum {
    pub(super) source: String,
    pub(super) planned: String,
    pub(super) spent: String,
}

pub(super) struct KeptRow {
    pub(super) id: Uuid,
    pub(super) what: String,
    pub(super) note: String,
    pub(super) why: String,
    pub(super) event: Uuid,
}

/// What an item's page shows of what hangs on it.
pub(super) struct LifeView {
    pub(super) money: Vec<MoneyRow>,
    pub(super) sums: Vec<MoneySum>,
    pub(super) total: Option<MoneySum>,
    pub(super) may_money: bool,
    pub(super) kinds: Vec<Choice>,
    pub(super) sources: Vec<Choice>,
    pub(super) amount: String,
    pub(super) day: String,
    pub(super) money_note: String,
    pub(super) event_money: Uuid,
    /// When the look-back is due or was done, in words; empty where there is none.
    pub(super) look_back: String,
    pub(super) look_back_tone: &'static str,
    pub(super) may_look_back: bool,
    pub(super) look_back_note: String,
    pub(super) look_back_place: String,
    pub(super) event_look_back: Uuid,
    pub(super) kept: Vec<KeptRow>,
    /// What was written and not taken, where no form of the page shows it again.
    pub(super) left: String,
    pub(super) stands_in: String,
    /// The latest time that may be given for what was done: now, as the browser's field writes it.
    pub(super) now: String,
}

/// What was typed into the money form.
#[derive(Debug, Clone, Default)]
pub(super) struct MoneyDraft<'a> {
    pub(super) kind: &'a str,
    pub(super) source: &'a str,
    pub(super) amount: &'a str,
    pub(super) day: &'a str,
    pub(super) note: &'a str,
}

/// What was typed and could not be taken.
#[derive(Debug, Clone, Default)]
pub(super) struct Drafts<'a> {
    pub(super) money: MoneyDraft<'a>,
    pub(super) look_back: (&'a str, &'a str),
    /// Words of a form that the page does not show any more.
    pub(super) left: &'a str,
}

impl LifeView {
    pub(super) fn of(ctx: &Ctx, page: &Page, whole: &Whole, possible: &[&str], drafts: &Drafts<'_>) -> Self {
        let life = &whole.life;
        let source = |name: &str| page.t(&format!("ledger-money-source-{name}"));
        let sums: Vec<(&'static str, i64, i64)> = life::money_by_source(&life.money);
        let figure = |fen: i64| if fen == 0 { "—".to_owned() } else { life::yuan(fen) };
        let total = (!sums.is_empty()).then(|| MoneySum {
            source: page.t("ledger-money-total"),
            planned: figure(sums.iter().map(|sum| sum.1).sum()),
            spent: figure(sums.iter().map(|sum| sum.2).sum()),
        });
        let today = ctx.app.clock.today();
        let (look_back, look_back_tone) = match &life.look_back {
            Some(found) if found.state == "due" && whole.item.state().is_open() => (String::new(), ""),
            Some(found) if found.state == "due" => {
                let late = found.due <= today.to_string();
                let key = if late { "ledger-look-back-is-due" } else { "ledger-look-back-will-be" };
                (page.t1(key, "day", &found.due), if late { "warn" } else { "info" })
            }
            Some(found) => {
                let key = format!("ledger-look-back-{}", found.state);
                let tone = if found.state == "held" { "ok" } else { "danger" };
                (page.t2(&key, "day", &found.done_on, "name", &found.done_name), tone)
            }
            None => (String::new(), ""),
        };
        let done = life.look_back.as_ref().is_some_and(|found| found.state != "due");
        let me = ctx.actor.user_id;
        let own = me.is_some() && whole.item.checked_by == me;
        let chosen = |value: &str, draft: &str| value == draft;
        Self {
            money: life
                .money
                .iter()
                .map(|entry| MoneyRow {
                    id: entry.id,
                    what: page.t2(
                        &format!("ledger-money-{}-of", entry.kind),
                        "source",
                        source(&entry.source),
                        "day",
                        &entry.day,
                    ),
                    yuan: life::yuan(entry.fen),
                    note: entry.note.clone(),
                    by: format!("{} {}", entry.by_name, page.time(&entry.recorded_at)),
                    struck: match entry.struck_at {
                        Some(at) => format!(
                            "{}: {} ({} {})",
                            page.t("ledger-money-struck"),
                            entry.struck_why,
                            entry.struck_name,
                            page.time(&at)
                        ),
                        None => String::new(),
                    },
                    event: ids::new_id(),
                })
                .collect(),
            sums: sums
                .iter()
                .map(|(name, planned, spent)| MoneySum {
                    source: source(name),
                    planned: figure(*planned),
                    spent: figure(*spent),
                })
                .collect(),
            total,
            may_money: possible.contains(&"money"),
            kinds: MoneyKind::ALL
                .into_iter()
                .map(|kind| Choice {
                    value: kind.name().to_owned(),
                    label: page.t(&format!("ledger-money-{}", kind.name())),
                    chosen: chosen(kind.name(), drafts.money.kind),
                })
                .collect(),
            sources: MONEY_SOURCES
                .into_iter()
                .map(|name| Choice {
                    value: name.to_owned(),
                    label: source(name),
                    chosen: chosen(name, drafts.money.source),
                })
                .collect(),
            amount: drafts.money.amount.to_owned(),
            day: if drafts.money.day.is_empty() { today.to_string() } else { drafts.money.day.to_owned() },
            money_note: drafts.money.note.to_owned(),
            event_money: ids::new_id(),
            look_back,
            look_back_tone,
            may_look_back: possible.contains(&"look_back") && !done && !own,
            look_back_note: drafts.look_back.0.to_owned(),
            look_back_place: drafts.look_back.1.to_owned(),
            event_look_back: ids::new_id(),
            kept: life
                .kept
                .iter()
                .map(|kept| KeptRow {
                    id: kept.id,
                    what: page.t2(
                        "ledger-kept-what",
                        "action",
                        words::action(&kept.action, page.lang),
                        "time",
                        page.time(&kept.acted_at),
                    ),
                    note: kept.note.clone(),
                    why: title_in(&kept.why, page.lang),
                    event: ids::new_id(),
                })
                .collect(),
            left: drafts.left.to_owned(),
            stands_in: whole
                .stands_in
                .as_ref()
                .map(|name| page.t1("ledger-stands-in", "name", name))
                .unwrap_or_default(),
            now: clock::local(ctx.app.clock.now_ms()).format("%Y-%m-%dT%H:%M").to_string(),
        }
    }
}

/// An entry of money as the form sends it.
pub(super) fn money_of(kind: &str, source: &str, amount: &str, day: &str) -> Result<NewMoney, LedgerError> {
    Ok(NewMoney {
        kind: MoneyKind::from_name(kind).ok_or_else(|| LedgerError::MoneyOf(kind.to_owned()))?,
        source: source.to_owned(),
        fen: life::fen_of(amount)?,
        day: day.trim().parse().map_err(|_| LedgerError::Day(day.trim().to_owned()))?,
    })
}

/// A local time as a browser's field sends it (`2020-02-13T09:30`), in milliseconds; none where it is empty.
pub(super) fn time_of(text: &str) -> Result<Option<i64>, LedgerError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let plain = text.replacen(' ', "T", 1);
    let told = chrono::NaiveDateTime::parse_from_str(&plain, "%Y-%m-%dT%H:%M")
        .or_else(|_| chrono::NaiveDateTime::parse_from_str(&plain, "%Y-%m-%dT%H:%M:%S"));
    let told = told.map_err(|_| LedgerError::Day(text.to_owned()))?;
    Ok(Some(clock::ms_of_local(told)))
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct KeptForm {
    kept: Uuid,
}

/// Puts aside what was kept.
pub(super) async fn settle(ctx: Ctx, Path(id): Path<Uuid>, Form(form): Form<KeptForm>) -> Result<Response, WebError> {
    life::settle_kept(&ctx.app, &ctx.actor, id, form.kept).await?;
    Ok(ctx.redirect_with(&format!("/ledger/{id}"), "ok", "ledger-done-kept"))
}

struct Tab {
    href: String,
    label: String,
    count: i64,
    active: bool,
}

struct Row {
    id: Uuid,
    number: String,
    title: String,
    place: String,
    closed_on: String,
    due: String,
    done: String,
    late: String,
    own: bool,
}

#[derive(askama::Template)]
#[template(path = "ledger_look_backs.html")]
struct LookBacksPage {
    page: Page,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    is_done: bool,
    empty: String,
    more: bool,
}

#[derive(serde::Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    which: String,
}

pub(super) async fn look_backs(ctx: Ctx, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    let which = LookBacks::from_name(&asked.which).unwrap_or(LookBacks::Due);
    let (lines, counts) = life::look_backs(&ctx.app, &ctx.actor, which).await?;
    let page = ctx.page("nav-ledger");
    let today = ctx.app.clock.today();
    let tabs = LookBacks::ALL
        .into_iter()
        .zip(counts)
        .map(|(tab, count)| Tab {
            href: format!("/ledger/look-backs?which={}", tab.name()),
            label: page.t(&format!("ledger-look-backs-{}", tab.name())),
            count,
            active: tab == which,
        })
        .collect();
    let total: i64 = LookBacks::ALL.into_iter().zip(counts).filter(|(tab, _)| *tab == which).map(|(_, n)| n).sum();
    ctx.render(&LookBacksPage {
        tabs,
        more: total > lines.len() as i64,
        rows: lines
            .into_iter()
            .map(|line| {
                let days = super::pages::late_days(&line.due, today);
                Row {
                    id: line.item_id,
                    title: title_in(&line.title, page.lang),
                    place: line.division_name,
                    late: if which == LookBacks::Due && days > 0 {
                        page.t1("ledger-look-back-late", "days", days)
                    } else {
                        String::new()
                    },
                    done: if line.done_on.is_empty() {
                        String::new()
                    } else {
                        format!("{} {}", line.done_on, line.done_name)
                    },
                    closed_on: line.closed_on,
                    due: line.due,
                    own: line.own,
                    number: line.number,
                }
            })
            .collect(),
        is_done: matches!(which, LookBacks::Held | LookBacks::Relapsed),
        empty: page.t(&format!("ledger-look-backs-none-{}", which.name())),
        page,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_browsers_and_people_write_them() {
        let at = |text: &str| time_of(text).unwrap();
        assert_eq!(at(""), None);
        assert_eq!(at("2020-02-13T09:30"), Some(1_581_557_400_000));
        assert_eq!(at(" 2020-02-13 09:30:00 "), at("2020-02-13T09:30"));
        for bad in ["昨天", "2020-02-13", "2020-02-30T10:00", "2020-02-13T25:00"] {
            assert!(matches!(time_of(bad), Err(LedgerError::Day(_))), "{bad}");
        }
    }
}
