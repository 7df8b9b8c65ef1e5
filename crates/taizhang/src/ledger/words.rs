//! What the policy profile calls ledgers, states and levels; the program's own words where it says nothing.

use super::model::{Event, Filter, Item, Then};
use crate::access::Scope;
use crate::assess::profile::Words;
use crate::assess::{self, AssessError, Change, Profile};
use crate::platform::{App, Lang, i18n};

fn own(key: &str) -> Words {
    Words { zh: i18n::text(Lang::Zh, key), en: i18n::text(Lang::En, key) }
}

/// A state of a ledger.
pub fn state(profile: &Profile, ledger: &str, state: &str) -> Words {
    let said = profile.ledgers.get(ledger).and_then(|policy| policy.states.get(state));
    said.cloned().unwrap_or_else(|| own(&format!("ledger-state-{state}")))
}

/// A state where items of every ledger stand together: as the ledgers agree to call it, or in the program's own words.
pub fn state_of_all(profile: &Profile, name: &str) -> Words {
    let mut all: Vec<Words> = profile.ledgers.keys().map(|ledger| state(profile, ledger, name)).collect();
    all.dedup();
    match (all.pop(), all.is_empty()) {
        (Some(agreed), true) => agreed,
        _ => own(&format!("ledger-state-{name}")),
    }
}

/// A level.
pub fn level(profile: &Profile, level: &str) -> Words {
    profile.levels.get(level).cloned().unwrap_or_else(|| own(&format!("ledger-level-{level}")))
}

/// The heading of the list: the ledger by its name where the profile has one alone.
pub fn heading(profile: &Profile, lang: Lang) -> String {
    let mut ledgers = profile.ledgers.values();
    match (ledgers.next(), ledgers.next()) {
        (Some(only), None) => i18n::text_with(lang, "ledger-title-of", &[("title", only.title.get(lang).to_owned())]),
        _ => i18n::text(lang, "ledger-title"),
    }
}

/// A kind of ledger; its id where the profile does not know it any more.
pub fn ledger(profile: &Profile, ledger: &str, lang: Lang) -> String {
    profile.ledgers.get(ledger).map_or_else(|| ledger.to_owned(), |policy| policy.title.get(lang).to_owned())
}

/// A source of problems (问题来源); what it says itself where the program has no word for it.
pub fn source(source: &str, lang: Lang) -> String {
    let key = format!("ledger-source-{source}");
    if i18n::has(lang, &key) { i18n::text(lang, &key) } else { source.to_owned() }
}

/// The day or period of a filter, for the audit log.
pub(super) fn then_in_audit(filter: &Filter) -> String {
    match &filter.then {
        None => String::new(),
        Some(Then::OpenOn(day)) => format!("open on {day}"),
        Some(Then::Moved { how, from, to }) => {
            format!("{} from {} to {to}", how.name(), from.map(|day| day.to_string()).unwrap_or_default())
        }
    }
}

/// A measure.
pub fn measure(profile: &Profile, id: &str) -> Words {
    Words { zh: profile.measure_title(id, Lang::Zh).to_owned(), en: profile.measure_title(id, Lang::En).to_owned() }
}

/// What is done to an item, as a form or a list of changes names it.
pub fn action(action: &str, lang: Lang) -> String {
    let key = format!("ledger-action-{action}");
    if i18n::has(lang, &key) { i18n::text(lang, &key) } else { i18n::text(lang, &format!("ledger-event-{action}")) }
}

/// Several things one after another.
pub fn list(all: &[Words], lang: Lang) -> String {
    let parts: Vec<&str> = all.iter().map(|words| words.get(lang)).collect();
    parts.join(&i18n::text(lang, "list-comma"))
}

/// What an item's events say of the finding behind it, one list of lines per event in their order. Names stay out for
/// whoever may not see them.
///
/// # Errors
/// The database fails.
pub(super) async fn changes(
    app: &App,
    scope: &Scope,
    profile: &Profile,
    item: &Item,
    events: &[Event],
    lang: Lang,
) -> Result<Vec<Vec<String>>, AssessError> {
    let data: Vec<serde_json::Value> =
        events.iter().map(|event| serde_json::from_str(&event.data).unwrap_or_default()).collect();
    let told: Vec<Vec<Change>> = data
        .iter()
        .map(|data| {
            let changes = data.get("changes").cloned().unwrap_or_default();
            serde_json::from_value(changes).unwrap_or_default()
        })
        .collect();
    let mut told = assess::changes_in_words(app, scope, profile, told, lang).await?;
    for (lines, data) in told.iter_mut().zip(&data) {
        if let Some(before) = data.get("level_was").and_then(|value| value.as_str()) {
            let now = data.get("level").and_then(|value| value.as_str()).unwrap_or(&item.level);
            lines.push(i18n::text_with(
                lang,
                "ledger-change-level",
                &[
                    ("before", level(profile, before).get(lang).to_owned()),
                    ("after", level(profile, now).get(lang).to_owned()),
                ],
            ));
        }
        if data.get("household_was").is_some() {
            lines.push(i18n::text(lang, "ledger-change-household"));
        }
    }
    Ok(told)
}
