//! The four 不摘 (四个不摘): whether a county that was taken off the poverty list keeps up responsibility, policies, assistance
//! and oversight. A check says held or falls short; what falls short is an item until somebody has seen it put right.

use chrono::NaiveDate;
use uuid::Uuid;

use super::dispatch::{Demand, Desk, Origin};
use super::four_store as store;
use super::listing::TEXT_MOST;
use super::{SuperviseError, may_see, may_supervise, said};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Scope};
use crate::ledger::model::payload;
use crate::platform::{App, Lang, i18n};

pub use store::CheckLine;

/// 摘帽不摘责任、不摘政策、不摘帮扶、不摘监管.
pub const ASPECTS: [&str; 4] = ["responsibility", "policy", "assistance", "oversight"];

/// A check as it is entered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewCheck {
    /// Made by whoever checks: the same check twice is written once.
    pub id: Uuid,
    /// The county.
    pub county: String,
    /// Of [`ASPECTS`].
    pub aspect: String,
    /// When.
    pub checked_on: Option<NaiveDate>,
    /// Whether it falls short.
    pub short: bool,
    /// What was found.
    pub found: String,
    /// 责任单位, where it falls short.
    pub unit: String,
    /// 责任人, where it falls short.
    pub person: String,
    /// By when it is to be put right.
    pub due: Option<NaiveDate>,
}

/// Writes a check down; where it falls short, opens an item. The same check twice is written once.
///
/// # Errors
/// The place is no county of the actor's; something is missing or too long; a day is to come or past; the policy has no
/// ledger for it; the database fails. Nothing is written then.
pub async fn record(app: &App, actor: &Actor, new: NewCheck) -> Result<Option<Uuid>, SuperviseError> {
    if !may_supervise(actor) {
        return Err(SuperviseError::Forbidden);
    }
    let desk = Desk::open(app, actor).await?;
    let is_county = new.county.len() == 6 && desk.divisions.get(&new.county).is_some();
    if !is_county || !actor.scope.contains(&new.county) {
        return Err(SuperviseError::invalid("supervise.county", &[("code", &new.county)]));
    }
    let Some(aspect) = ASPECTS.into_iter().find(|known| *known == new.aspect) else {
        return Err(SuperviseError::invalid("supervise.aspect", &[("aspect", &new.aspect)]));
    };
    let Some(day) = new.checked_on.filter(|day| *day <= desk.day) else {
        let day = new.checked_on.map(|day| day.to_string()).unwrap_or_default();
        return Err(SuperviseError::invalid("supervise.held_on", &[("day", &day), ("today", &desk.day)]));
    };
    said(&new.found, "supervise.no_found", 4, TEXT_MOST)?;
    let title = i18n::text(Lang::Zh, &format!("supervise-topic-{aspect}"));
    let mut demands = Vec::new();
    if new.short {
        demands.push(Demand {
            text: format!("{title}：{}", new.found.trim()),
            topic: aspect.to_owned(),
            unit: new.unit.clone(),
            person: new.person.clone(),
            level: "severe".to_owned(),
            due: new.due,
            ..Demand::default()
        });
    }
    let places = desk.checked(actor, &new.county, &demands)?;
    let actor = actor.clone();
    app.db
        .write::<_, SuperviseError, _>(move |tx| {
            Box::pin(async move {
                let asked = payload(&serde_json::json!([
                    actor.user_id,
                    new.county,
                    aspect,
                    day,
                    new.short,
                    new.found,
                    new.unit,
                    new.person,
                    new.due
                ]));
                if let Some((known, item)) = store::known(tx, new.id).await? {
                    return if known == asked { Ok(item) } else { Err(SuperviseError::Resent) };
                }
                let origin = Origin { kind: "check", title: &title, session: None, check: Some(new.id), listing: None };
                let item = desk.demand(tx, &actor, new.id, &origin, &demands, &places).await?.pop();
                store::insert(tx, &new, (aspect, day), item, &asked, &actor, desk.now).await?;
                let entry = Entry {
                    action: "supervise.check",
                    object_kind: "supervise_check",
                    object_id: new.id.to_string(),
                    division_code: &new.county,
                    reason: "",
                    detail: serde_json::json!({ "aspect": aspect, "day": day, "short": new.short, "item": item }),
                };
                audit::record(tx, &actor, entry, desk.now).await?;
                Ok(item)
            })
        })
        .await
}

/// A county with the newest check of each aspect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct County {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// In the order of [`ASPECTS`]; none where it was never checked.
    pub newest: [Option<CheckLine>; 4],
}

/// The counties of a scope.
///
/// # Errors
/// The actor may not, or the database fails.
pub async fn counties(app: &App, actor: &Actor) -> Result<Vec<County>, SuperviseError> {
    may_see(actor)?;
    let mut newest = store::newest(&app.db, &actor.scope).await?;
    Ok(store::counties(&app.db, &actor.scope)
        .await?
        .into_iter()
        .map(|(code, name)| {
            let of = |aspect: &str, all: &mut Vec<CheckLine>| {
                let at = all.iter().position(|line| line.division_code == code && line.aspect == aspect)?;
                Some(all.swap_remove(at))
            };
            let newest = ASPECTS.map(|aspect| of(aspect, &mut newest));
            County { code, name, newest }
        })
        .collect())
}

/// Every check of a county, the newest first.
///
/// # Errors
/// It is no county of the actor's, or the database fails.
pub async fn checks(app: &App, actor: &Actor, county: &str) -> Result<Vec<CheckLine>, SuperviseError> {
    may_see(actor)?;
    if county.len() != 6 || !actor.scope.contains(county) {
        return Err(SuperviseError::NotFound);
    }
    Ok(store::checks(&app.db, &Scope::subtree(county)).await?)
}
