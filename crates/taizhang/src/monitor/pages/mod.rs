//! The pages of monitoring: board, case, warnings, reminders, month, public notice.

mod board;
mod case;
mod new;
mod notice;
mod warnings;

use crate::access::Capability;
use crate::assess::profile::monitoring::Phase;
use crate::web::{Page, Policy, Routes};

const VIEW: Policy = Policy::Needs(Capability::ViewItems);
const WORK: Policy = Policy::Needs(Capability::WorkItems);
const ASSIGN: Policy = Policy::Needs(Capability::AssignItems);
const RUN: Policy = Policy::Needs(Capability::RunAssessment);
/// Of the people of a place: not for who helps some households.
const OF_A_PLACE: Policy = Policy::AllOf(&[Capability::ViewItems, Capability::ViewFigures]);
/// Lines of a page.
const LINES: i64 = 50;

/// The routes of this feature.
pub fn routes() -> Routes {
    Routes::new()
        .get("/monitor", VIEW, board::board)
        .get("/monitor/month", OF_A_PLACE, board::month)
        .get("/monitor/new", WORK, new::form)
        .post("/monitor/new", WORK, new::send)
        .get("/monitor/warnings", OF_A_PLACE, warnings::warnings)
        .post("/monitor/warnings", RUN, warnings::draw)
        .get("/monitor/reminders", ASSIGN, warnings::reminders)
        .post("/monitor/reminders", ASSIGN, warnings::remind)
        .get("/monitor/notice", OF_A_PLACE, notice::form)
        .post("/monitor/notice", OF_A_PLACE, notice::make)
        .get("/monitor/household/{id}", VIEW, case::of_household)
        .get("/monitor/{id}", VIEW, case::show)
        .post("/monitor/{id}/act", VIEW, case::act)
        .post("/monitor/{id}/reply", WORK, case::reply)
}

/// The tone of a badge of a phase.
fn tone(phase: &str, late: bool) -> &'static str {
    match Phase::from_name(phase) {
        _ if late => "danger",
        Some(Phase::Identify) => "info",
        Some(Phase::Monitored | Phase::Eliminate) => "warn",
        Some(Phase::Eliminated) => "ok",
        _ => "mute",
    }
}

fn late_days(deadline: &str, today: chrono::NaiveDate) -> i64 {
    chrono::NaiveDate::parse_from_str(deadline, "%Y-%m-%d").map_or(0, |day| (today - day).num_days())
}

/// A deadline with how long it is past, or to come.
fn deadline(page: &Page, deadline: &str, today: chrono::NaiveDate) -> String {
    if deadline.is_empty() {
        return "—".to_owned();
    }
    let days = late_days(deadline, today);
    if days > 0 {
        page.t2("ledger-deadline-late", "day", deadline, "days", days)
    } else {
        page.t2("ledger-deadline-left", "day", deadline, "days", -days)
    }
}

fn encoded(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// An address with those of its parts that say something.
fn address(path: &str, parts: &[(&str, &str)]) -> String {
    let query: Vec<String> = parts
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// One choice of a list.
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

/// "第 1–50 条，共 …", and the links to the pages beside it.
fn pager(page: &Page, at: i64, shown: usize, total: i64, href: impl Fn(i64) -> String) -> (String, String, String) {
    let from = (at.max(1) - 1) * LINES + 1;
    let to = from + i64::try_from(shown).unwrap_or(0) - 1;
    if total == 0 {
        return Default::default();
    }
    let words = [("from", from.to_string()), ("to", to.to_string()), ("total", total.to_string())];
    let summary = crate::platform::i18n::text_with(page.lang, "pager-summary", &words);
    let prev = if at > 1 { href(at - 1) } else { String::new() };
    let next = if to < total { href(at.max(1) + 1) } else { String::new() };
    (summary, prev, next)
}
