//! What hangs on an item besides its steps: money, the look-back (回头看), and what came too late to be taken.

use chrono::{Days, NaiveDate};
use uuid::Uuid;

use super::model::{Action, Item, MONEY_SOURCES, MoneyKind, NewMoney, Step};
use super::{LedgerError, life_store, need, stand_in, store};
use crate::access::{Actor, Capability};
use crate::assess::Profile;
use crate::platform::{App, DbError, ErrorKind, Lang, Tx, UserError, ids};

/// The most of one entry of money: a hundred million yuan, in hundredths.
const MONEY_MOST: i64 = 10_000_000_000;

/// An entry of money.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Money {
    pub id: Uuid,
    pub round: i64,
    pub kind: String,
    pub source: String,
    /// Hundredths of a yuan.
    pub fen: i64,
    pub day: String,
    pub note: String,
    pub by_name: String,
    pub recorded_at: i64,
    /// When it was struck, milliseconds.
    pub struck_at: Option<i64>,
    pub struck_name: String,
    pub struck_why: String,
}

/// The look-back at a round.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct LookBack {
    pub round: i64,
    /// ISO day.
    pub due: String,
    /// due, held or relapsed.
    pub state: String,
    pub done_on: String,
    pub done_name: String,
}

/// What was sent late and could not be taken.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Kept {
    pub id: Uuid,
    pub action: String,
    pub note: String,
    pub acted_at: i64,
    /// JSON {"zh-CN": .., "en": ..}.
    pub why: String,
    pub at: i64,
}

/// What hangs on an item.
#[derive(Debug, Clone, Default)]
pub struct Life {
    /// Entries of money, oldest first, struck ones among them.
    pub money: Vec<Money>,
    /// The look-back at the round of now.
    pub look_back: Option<LookBack>,
    /// What the reader sent late and nobody took.
    pub kept: Vec<Kept>,
}

/// Reads what hangs on an item that the actor may see.
pub(super) async fn of(app: &App, actor: &Actor, item: &Item) -> Result<Life, DbError> {
    Ok(Life {
        money: life_store::money(&app.db, item.id).await?,
        look_back: life_store::look_back(&app.db, item.id, item.round).await?,
        kept: match actor.user_id {
            Some(me) => life_store::kept(&app.db, item.id, me).await?,
            None => Vec::new(),
        },
    })
}

/// Some entry of money, to ask whether any could be made.
pub(super) fn any_money() -> Action {
    Action::Money(NewMoney { kind: MoneyKind::Planned, source: "other".to_owned(), fen: 1, day: NaiveDate::default() })
}

/// An amount of yuan as people write it (`2000`, `1,234.5`, `２０００元`, `1.2万`), in hundredths.
///
/// # Errors
/// It is no amount, not above zero, finer than a fen or more than a hundred million yuan.
pub fn fen_of(text: &str) -> Result<i64, LedgerError> {
    let wrong = || LedgerError::Amount(text.trim().chars().take(40).collect());
    let plain: String = text
        .trim()
        .chars()
        .filter(|c| !matches!(c, ',' | '，' | ' ' | '¥' | '￥' | '元'))
        .map(|c| match c {
            '０'..='９' => char::from_u32(u32::from(c) - u32::from('０') + u32::from('0')).unwrap_or(c),
            '．' | '。' => '.',
            other => other,
        })
        .collect();
    let (digits, places) = match plain.strip_suffix('万') {
        Some(rest) => (rest, 6_u32),
        None => (plain.as_str(), 2),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let part = part.trim_end_matches('0');
    let figures = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || whole.len() > 9 || !figures(whole) || !figures(part) || part.len() > places as usize {
        return Err(wrong());
    }
    let unit = 10_i64.pow(places);
    let fine: i64 = if part.is_empty() { 0 } else { part.parse().map_err(|_| wrong())? };
    let fine = fine * 10_i64.pow(places - part.len() as u32);
    let fen = whole.parse::<i64>().map_err(|_| wrong())?.checked_mul(unit).and_then(|fen| fen.checked_add(fine));
    fen.filter(|fen| (1..=MONEY_MOST).contains(fen)).ok_or_else(wrong)
}

/// Hundredths of a yuan as yuan with thousands apart: `1,234.50`, `2,000`.
pub fn yuan(fen: i64) -> String {
    let whole = (fen / 100).to_string();
    let mut out = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if fen % 100 != 0 {
        out.push_str(&format!(".{:02}", fen % 100));
    }
    out
}

/// Money of an item, planned and spent, source by source in their order; struck entries do not count.
pub fn money_by_source(money: &[Money]) -> Vec<(&'static str, i64, i64)> {
    let sum = |source: &str, kind: MoneyKind| {
        let counted = money.iter().filter(|m| m.source == source && m.kind == kind.name() && m.struck_at.is_none());
        counted.map(|m| m.fen).sum::<i64>()
    };
    MONEY_SOURCES
        .into_iter()
        .map(|source| (source, sum(source, MoneyKind::Planned), sum(source, MoneyKind::Spent)))
        .filter(|(_, planned, spent)| planned + spent > 0)
        .collect()
}

pub(super) async fn add_money(
    tx: &mut Tx,
    item: &Item,
    actor: &Actor,
    id: Uuid,
    money: &NewMoney,
    note: &str,
    now: i64,
) -> Result<serde_json::Value, LedgerError> {
    if !MONEY_SOURCES.contains(&money.source.as_str()) {
        return Err(LedgerError::MoneyOf(money.source.clone()));
    }
    if !(1..=MONEY_MOST).contains(&money.fen) {
        return Err(LedgerError::Amount(yuan(money.fen)));
    }
    life_store::insert_money(tx, item, id, money, note, &actor.name, now).await?;
    Ok(serde_json::json!({
        "kind": money.kind.name(), "source": money.source, "fen": money.fen, "day": money.day.to_string(),
    }))
}

pub(super) async fn strike_money(
    tx: &mut Tx,
    item: &Item,
    actor: &Actor,
    id: Uuid,
    why: &str,
    now: i64,
) -> Result<serde_json::Value, LedgerError> {
    let struck = life_store::strike_money(tx, item.id, id, &actor.name, why, now).await?;
    let money = struck.ok_or(LedgerError::NoMoney)?;
    Ok(serde_json::json!({ "kind": money.kind, "source": money.source, "fen": money.fen, "entry": id }))
}

/// Takes a photo or paper away: whoever sent it, or who assigns. Its line stays, its content is shown to nobody.
pub(super) async fn unfile(
    tx: &mut Tx,
    item: &Item,
    actor: &Actor,
    id: Uuid,
    why: &str,
    now: i64,
) -> Result<serde_json::Value, LedgerError> {
    let own = if actor.may(Capability::AssignItems) { None } else { Some(actor.user_id.unwrap_or_else(Uuid::nil)) };
    let removed = life_store::remove_attachment(tx, item.id, id, own, &actor.name, why, now).await?;
    let (name, sha256) = removed.ok_or(LedgerError::NoFile)?;
    Ok(serde_json::json!({ "attachment": id, "name": name, "sha256": sha256 }))
}

/// Sets the day for the look-back at an item that is being closed.
pub(super) async fn plan_look_back(tx: &mut Tx, profile: &Profile, item: &Item, day: NaiveDate) -> Result<(), DbError> {
    let days = profile.ledgers.get(&item.ledger).map_or(0, |ledger| ledger.look_back_days);
    match day.checked_add_days(Days::new(days.unsigned_abs())) {
        Some(due) if days > 0 => life_store::plan_look_back(tx, ids::new_id(), item.id, item.round, due).await,
        _ => Ok(()),
    }
}

/// Writes down a look-back at a closed item, planned or not, once a round.
pub(super) async fn look_back(
    tx: &mut Tx,
    item: &Item,
    actor: &Actor,
    holds: bool,
    place: &str,
    day: NaiveDate,
) -> Result<serde_json::Value, LedgerError> {
    if item.checked_by.is_some() && item.checked_by == actor.user_id {
        return Err(LedgerError::OwnClosing { number: item.number.clone() });
    }
    if let Some(known) = life_store::look_back_in(tx, item.id, item.round).await?
        && known.state != "due"
    {
        return Err(LedgerError::LookedBack { number: item.number.clone(), day: known.done_on });
    }
    let state = if holds { "held" } else { "relapsed" };
    life_store::end_look_back(tx, ids::new_id(), item.id, item.round, state, day, &actor.name).await?;
    Ok(serde_json::json!({ "result": state, "place": place.trim() }))
}

/// Keeps what was sent late and refused by the state of the item, for whoever sent it. The same twice is kept once.
pub(super) async fn keep_refused(
    app: &App,
    actor: &Actor,
    item: Uuid,
    step: &Step,
    acted_at: i64,
    error: &LedgerError,
) -> Result<(), DbError> {
    let Some(user) = actor.user_id.filter(|_| is_about_the_state(error)) else {
        return Ok(());
    };
    let why = serde_json::json!({
        Lang::Zh.tag(): error.message(Lang::Zh), Lang::En.tag(): error.message(Lang::En),
    });
    let kept = Kept {
        id: step.event_id,
        action: step.action.name().to_owned(),
        note: step.note.trim().to_owned(),
        acted_at,
        why: why.to_string(),
        at: app.clock.now_ms(),
    };
    app.db.write(move |tx| Box::pin(async move { life_store::keep(tx, &kept, item, user).await })).await
}

/// Whether a refusal comes from what the item is by now, and not from who asks or what they wrote.
fn is_about_the_state(error: &LedgerError) -> bool {
    error.kind() == ErrorKind::Conflict || matches!(error, LedgerError::MeasuresOpen { .. })
}

/// What was kept for somebody of an item that they may see.
///
/// # Errors
/// The item is not for this person, or the database fails.
pub async fn kept(app: &App, actor: &Actor, item: Uuid) -> Result<Vec<Kept>, LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    let item = stand_in::item(app, actor, item).await?.ok_or(LedgerError::NotFound)?;
    Ok(of(app, actor, &item).await?.kept)
}

/// Puts aside what was kept for somebody.
///
/// # Errors
/// The item is not for this person, or the database fails.
pub async fn settle_kept(app: &App, actor: &Actor, item: Uuid, kept: Uuid) -> Result<(), LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    stand_in::item(app, actor, item).await?.ok_or(LedgerError::NotFound)?;
    let Some(me) = actor.user_id else {
        return Ok(());
    };
    let now = app.clock.now_ms();
    Ok(app.db.write(move |tx| Box::pin(async move { life_store::settle(tx, kept, item, me, now).await })).await?)
}

/// Which look-backs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookBacks {
    /// Due today or before.
    Due,
    /// Due later.
    Later,
    /// Done: the problem is still solved.
    Held,
    /// Done: it had come back.
    Relapsed,
}

impl LookBacks {
    /// In the order of the tabs.
    pub const ALL: [Self; 4] = [Self::Due, Self::Later, Self::Held, Self::Relapsed];

    /// The value in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Later => "later",
            Self::Held => "held",
            Self::Relapsed => "relapsed",
        }
    }

    /// The list of a value in an address.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|which| which.name() == name)
    }
}

/// A line of the look-backs.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct LookBackLine {
    pub item_id: Uuid,
    pub number: String,
    pub title: String,
    pub division_name: String,
    pub closed_on: String,
    pub due: String,
    pub done_on: String,
    pub done_name: String,
    /// Whether the reader worked on it or closed it, and somebody else has to look.
    pub own: bool,
}

/// Look-backs in the actor's scope, and how many there are of each kind in the order of [`LookBacks::ALL`].
///
/// # Errors
/// The actor may not see items of others, or the database fails.
pub async fn look_backs(
    app: &App,
    actor: &Actor,
    which: LookBacks,
) -> Result<(Vec<LookBackLine>, [i64; 4]), LedgerError> {
    need(actor, Capability::ViewItems, "view")?;
    if store::own_only(actor).is_some() {
        return Err(LedgerError::Forbidden { action: "view" });
    }
    let today = app.clock.today();
    let counts = life_store::look_back_counts(&app.db, &actor.scope, today).await?;
    Ok((life_store::look_backs(&app.db, &actor.scope, actor.user_id, which, today).await?, counts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_as_people_write_them() {
        for (text, fen) in [
            ("2000", 200_000),
            (" 1,234.5 ", 123_450),
            ("0.01", 1),
            ("３００元", 30_000),
            ("1.2万", 1_200_000),
            ("0.000001万", 1),
            ("100000000", MONEY_MOST),
            ("5.10", 510),
        ] {
            assert_eq!(fen_of(text).unwrap(), fen, "{text}");
        }
        for text in ["", "0", "-5", "1.234", "abc", "100000000.01", "1e5", ".5", "1.2.3", "9999999999", "两千"] {
            assert!(matches!(fen_of(text), Err(LedgerError::Amount(_))), "{text}");
        }
    }

    #[test]
    fn yuan_as_people_read_it() {
        assert_eq!(yuan(200_000), "2,000");
        assert_eq!(yuan(123_450), "1,234.50");
        assert_eq!(yuan(1), "0.01");
        assert_eq!(yuan(MONEY_MOST), "100,000,000");
    }

    #[test]
    fn struck_money_does_not_count() {
        let entry = |kind: &str, source: &str, fen, struck: bool| Money {
            id: Uuid::nil(),
            round: 1,
            kind: kind.to_owned(),
            source: source.to_owned(),
            fen,
            day: String::new(),
            note: String::new(),
            by_name: String::new(),
            recorded_at: 0,
            struck_at: struck.then_some(1),
            struck_name: String::new(),
            struck_why: String::new(),
        };
        let all = [
            entry("planned", "county", 500, false),
            entry("spent", "county", 200, false),
            entry("spent", "county", 900, true),
            entry("spent", "central", 100, false),
        ];
        assert_eq!(money_by_source(&all), [("central", 0, 100), ("county", 500, 200)]);
    }
}
