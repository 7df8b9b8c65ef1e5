//! What registered households gave themselves (出工出力、捐款捐物): work, money, goods, for whom, and whether somebody has said
//! thanks.

use chrono::{Datelike, NaiveDate};
use uuid::Uuid;

use super::contribution_store as store;
use super::error::ReliefError;
use super::model::{Entry, REASON_LEAST, REASON_MOST, Raw, TEXT_MOST, yuan};
use super::{home, need};
use crate::access::audit::{self, Entry as AuditEntry};
use crate::access::{Actor, Capability, Scope};
use crate::assess;
use crate::platform::{App, DbError, Tx, ids};
use crate::register;
use crate::screen::cover::length_below;

/// The first year that a contribution can be of: the registers begin in 2014.
const FIRST_YEAR: i32 = 2014;
/// The most half days of one contribution: a year.
const HALF_DAYS_MOST: i64 = 732;

/// What was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 出工出力.
    Work,
    /// 捐款.
    Money,
    /// 捐物.
    Goods,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Work, Self::Money, Self::Goods];

    /// The name in database and forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Money => "money",
            Self::Goods => "goods",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A contribution.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Contribution {
    pub id: Uuid,
    pub household_id: Uuid,
    pub division_code: String,
    pub head_name: String,
    pub place: String,
    pub who: String,
    pub kind: String,
    pub given_on: String,
    pub half_days: i64,
    pub amount_fen: i64,
    pub goods: String,
    pub for_whom: String,
    pub note: String,
    /// Empty while nobody has said thanks.
    pub thanked_on: String,
    pub thanked_how: String,
    /// Empty while it stands.
    pub void_why: String,
    pub by_user: Option<Uuid>,
    pub by_name: String,
    pub fingerprint: i64,
}

/// Days as people say them: half days count.
pub fn days_text(half_days: i64) -> String {
    if half_days % 2 == 0 { (half_days / 2).to_string() } else { format!("{}.5", half_days / 2) }
}

/// What a division has given.
#[derive(Debug, Clone, PartialEq, Eq, Default, sqlx::FromRow, serde::Serialize)]
#[allow(missing_docs)]
pub struct Given {
    pub code: String,
    #[sqlx(default)]
    pub name: String,
    /// Entries.
    pub entries: i64,
    /// Households that gave something, of any kind.
    pub households: i64,
    pub work_n: i64,
    pub half_days: i64,
    pub money_n: i64,
    pub money_fen: i64,
    pub goods_n: i64,
    /// What goods are worth, as far as somebody said.
    pub goods_fen: i64,
    /// Entries that nobody has said thanks for.
    pub unthanked: i64,
}

impl Given {
    fn add(&mut self, other: &Self) {
        self.entries += other.entries;
        self.households += other.households;
        self.work_n += other.work_n;
        self.half_days += other.half_days;
        self.money_n += other.money_n;
        self.money_fen += other.money_fen;
        self.goods_n += other.goods_n;
        self.goods_fen += other.goods_fen;
        self.unthanked += other.unthanked;
    }
}

/// What a list or a total is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Kind; empty for any.
    pub kind: String,
    /// ISO day; empty for since the first.
    pub from: String,
    /// ISO day; empty for until today.
    pub to: String,
    /// Only what nobody has said thanks for.
    pub unthanked: bool,
}

/// Whether somebody may write contributions down.
pub fn may_record(actor: &Actor) -> bool {
    actor.may(Capability::RecordVisits)
}

/// Writes a contribution of a household down. The same form twice is one.
///
/// Fields: `who`, `kind`, `given_on`, `days` (of work, half days count), `amount` (yuan, of money; of goods what they are
/// worth, if known), `goods`, `for_whom`, `note`.
///
/// # Errors
/// The actor may not, the household is not theirs, fields do not fit (all of them are told), or the database fails.
pub async fn record(app: &App, actor: &Actor, household: Uuid, id: Uuid, raw: &Raw) -> Result<Uuid, ReliefError> {
    need(actor, &[Capability::RecordVisits])?;
    let home = home(app, actor, household).await?;
    let today = app.clock.today();
    let first = NaiveDate::from_ymd_opt(FIRST_YEAR.min(today.year()), 1, 1).unwrap_or(today);
    let mut entry = Entry::new(raw);
    let kind = entry.choice("kind", &Kind::ALL.map(Kind::name));
    let given_on = entry.day("given_on", first, today).to_string();
    let who = entry.text("who", 1, TEXT_MOST);
    let for_whom = entry.text("for_whom", 1, TEXT_MOST);
    let note = entry.text("note", 0, REASON_MOST);
    let half_days = if kind == Kind::Work.name() { half_days(&mut entry) } else { 0 };
    let worth = !entry.value("amount").is_empty();
    let amount_fen = match Kind::from_name(kind) {
        Some(Kind::Money) => entry.fen("amount"),
        Some(Kind::Goods) if worth => entry.fen("amount"),
        _ => 0,
    };
    let goods = if kind == Kind::Goods.name() { entry.text("goods", 1, TEXT_MOST) } else { String::new() };
    if id.is_nil() {
        entry.fault("note", "relief-fault-form", "");
    }
    if !entry.faults.is_empty() {
        return Err(ReliefError::Fields(entry.faults));
    }
    let words = format!(
        "{household}|{kind}|{given_on}|{who}|{for_whom}|{note}|{half_days}|{amount_fen}|{goods}|{:?}",
        actor.user_id
    );
    let contribution = Contribution {
        id,
        household_id: home.id,
        division_code: home.division_code,
        head_name: home.head_name,
        place: home.place,
        who,
        kind: kind.to_owned(),
        given_on,
        half_days,
        amount_fen,
        goods,
        for_whom,
        note,
        thanked_on: String::new(),
        thanked_how: String::new(),
        void_why: String::new(),
        by_user: actor.user_id,
        by_name: actor.name.clone(),
        fingerprint: ids::fingerprint(words.as_bytes()),
    };
    let (actor, now) = (actor.clone(), app.clock.now_ms());
    app.db
        .write::<_, ReliefError, _>(move |tx| {
            Box::pin(async move {
                if !store::insert(tx, &contribution, now).await? {
                    let known = store::fingerprint(tx, contribution.id).await?;
                    return if known == Some(contribution.fingerprint) { Ok(id) } else { Err(ReliefError::Resent) };
                }
                let detail = serde_json::json!({
                    "household": contribution.household_id, "kind": contribution.kind, "day": contribution.given_on,
                    "days": days_text(contribution.half_days), "yuan": yuan(contribution.amount_fen),
                });
                write_entry(tx, &actor, "contribution.record", &contribution, "", detail, now).await?;
                Ok(id)
            })
        })
        .await
}

fn half_days(entry: &mut Entry<'_>) -> i64 {
    let halves = entry.value("days").parse::<f64>().ok().map(|days| days * 2.0);
    match halves {
        Some(halves) if halves.fract() == 0.0 && halves >= 1.0 && halves <= HALF_DAYS_MOST as f64 => halves as i64,
        _ => {
            entry.fault("days", "relief-fault-days", days_text(HALF_DAYS_MOST));
            0
        }
    }
}

async fn write_entry(
    tx: &mut Tx,
    actor: &Actor,
    action: &'static str,
    contribution: &Contribution,
    reason: &str,
    detail: serde_json::Value,
    now: i64,
) -> Result<(), DbError> {
    let entry = AuditEntry {
        action,
        object_kind: "contribution",
        object_id: contribution.id.to_string(),
        division_code: &contribution.division_code,
        reason,
        detail,
    };
    audit::record(tx, actor, entry, now).await
}

/// What is done to a contribution that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Somebody has said thanks: ISO day, and how.
    Thank(String, String),
    /// It was a mistake: why.
    Void(String),
}

/// Says thanks for a contribution, or strikes it. Saying thanks again puts the day and the words right.
///
/// # Errors
/// The actor may not, it is not theirs, it was struck, a field does not fit, or the database fails.
pub async fn change(app: &App, actor: &Actor, id: Uuid, change: Change) -> Result<(), ReliefError> {
    need(actor, &[Capability::RecordVisits])?;
    let mut contribution = store::one(&app.db, &actor.scope, id).await?.ok_or(ReliefError::NotFound)?;
    home(app, actor, contribution.household_id).await?;
    let today = app.clock.today().to_string();
    if !contribution.void_why.is_empty() {
        return Err(ReliefError::field("note", "relief-fault-void", ""));
    }
    let action = match &change {
        Change::Thank(..) => "contribution.thank",
        Change::Void(_) => "contribution.void",
    };
    let reason = match &change {
        Change::Thank(day, how) => {
            let known = NaiveDate::parse_from_str(day, "%Y-%m-%d").is_ok();
            if !known || *day < contribution.given_on || *day > today {
                let range = format!("{} – {today}", contribution.given_on);
                return Err(ReliefError::field("thanked_on", "relief-fault-day", range));
            }
            length("thanked_how", how, 1, TEXT_MOST)?;
            contribution.thanked_on.clone_from(day);
            contribution.thanked_how = how.trim().to_owned();
            how.trim().to_owned()
        }
        Change::Void(why) => {
            length("note", why, REASON_LEAST, REASON_MOST)?;
            contribution.void_why = why.trim().to_owned();
            why.trim().to_owned()
        }
    };
    let (actor, now) = (actor.clone(), app.clock.now_ms());
    app.db
        .write::<_, ReliefError, _>(move |tx| {
            Box::pin(async move {
                if !store::update(tx, &contribution).await? {
                    return Err(ReliefError::field("note", "relief-fault-void", ""));
                }
                let detail = serde_json::json!({ "household": contribution.household_id, "kind": contribution.kind });
                Ok(write_entry(tx, &actor, action, &contribution, &reason, detail, now).await?)
            })
        })
        .await
}

fn length(field: &'static str, text: &str, least: usize, most: usize) -> Result<(), ReliefError> {
    if (least..=most).contains(&text.trim().chars().count()) {
        Ok(())
    } else {
        Err(ReliefError::field(field, "relief-fault-length", format!("{least}–{most}")))
    }
}

/// Contributions of a household that stand, the newest first, for somebody who may see it.
///
/// # Errors
/// [`ReliefError::NotFound`]; the database fails.
pub async fn of_household(app: &App, actor: &Actor, household: Uuid) -> Result<Vec<Contribution>, ReliefError> {
    home(app, actor, household).await?;
    Ok(store::of_household(&app.db, &actor.scope, household).await?)
}

/// What a division gave, and those right below it. A helper sees their own households as one line.
///
/// # Errors
/// The actor may not see it, or the database fails.
pub async fn totals(
    app: &App,
    actor: &Actor,
    scope: &Scope,
    filter: &Filter,
) -> Result<(Given, Vec<Given>), ReliefError> {
    need(actor, &[Capability::ViewItems])?;
    if let Some(own) = register::own_households(app, actor).await? {
        let own: Vec<Uuid> = own.into_iter().collect();
        let mut total = Given { code: scope.root().to_owned(), ..Given::default() };
        for line in store::own_totals(&app.db, scope, filter, &own).await? {
            total.add(&line);
        }
        return Ok((total, Vec::new()));
    }
    let length = i64::try_from(length_below(scope.root())).unwrap_or(12);
    let mut lines = store::totals(&app.db, scope, filter, length).await?;
    let codes: Vec<String> = lines.iter().map(|line| line.code.clone()).collect();
    let names = assess::division_names(&app.db, &codes).await?;
    let mut total = Given { code: scope.root().to_owned(), ..Given::default() };
    for line in &mut lines {
        line.name = names.get(&line.code).cloned().unwrap_or_else(|| line.code.clone());
        total.add(line);
    }
    Ok((total, lines))
}

/// One page of contributions that stand, the newest first, and how many there are.
///
/// # Errors
/// As [`totals`].
pub async fn list(
    app: &App,
    actor: &Actor,
    scope: &Scope,
    filter: &Filter,
    (offset, limit): (i64, i64),
) -> Result<(Vec<Contribution>, i64), ReliefError> {
    need(actor, &[Capability::ViewItems])?;
    if let Some(own) = register::own_households(app, actor).await? {
        let own: Vec<Uuid> = own.into_iter().collect();
        let all = store::own_list(&app.db, scope, filter, &own).await?;
        let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let at = usize::try_from(offset).unwrap_or(0);
        return Ok((all.into_iter().skip(at).take(usize::try_from(limit).unwrap_or(0)).collect(), count));
    }
    let lines = store::list(&app.db, scope, filter, (offset, limit)).await?;
    Ok((lines, store::count(&app.db, scope, filter).await?))
}
