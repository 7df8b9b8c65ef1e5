//! Campaigns (专项行动, e.g. 春季攻势): a named group of tasks with a plan. The first plan stays as the baseline
//! (工作总体安排部署不能变): it may be changed with a reason, and slippage is still measured against it.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::desk::Desk;
use super::look::{LastYear, last_year, place_of};
use super::model::{Figures, Leg, Node, TEXT_MOST, TITLE_MOST, Task, needed, optional, permille, reason};
use super::{TaskError, campaign_store, may_lead, may_see, store, unit_of};
use crate::access::audit::{self, Entry};
use crate::access::{Actor, Scope};
use crate::platform::App;
use crate::register::divisions::CODE_LENGTHS;

/// The most milestones of a plan.
pub const MILESTONES_MOST: usize = 12;

/// A campaign.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Campaign {
    pub id: Uuid,
    pub name: String,
    pub goal: String,
    pub division_code: String,
    pub unit: String,
    pub plan_version: i64,
    pub created_name: String,
    pub created_at: i64,
    pub place: String,
}

/// By when how much is to be done.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Milestone {
    /// The day.
    pub day: NaiveDate,
    /// Of all, percent.
    pub percent: i64,
    /// What it is called.
    pub title: String,
}

/// A plan from a day to a day, with what is to be done on the way.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Plan {
    /// First day: nothing is done yet.
    pub from: NaiveDate,
    /// Last day: all is done.
    pub to: NaiveDate,
    /// On the way, by day.
    pub milestones: Vec<Milestone>,
}

/// A plan as it was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanVersion {
    /// 1 is the baseline.
    pub version: i64,
    /// The plan.
    pub plan: Plan,
    /// Why it took the place of the one before.
    pub reason: String,
    /// Who decided it.
    pub by_name: String,
    /// When, milliseconds.
    pub at: i64,
}

impl Plan {
    /// Days and tenths of a percent, from nothing to all.
    fn points(&self) -> Vec<(NaiveDate, i64)> {
        let mut points = vec![(self.from, 0)];
        points.extend(self.milestones.iter().map(|milestone| (milestone.day, milestone.percent * 10)));
        if points.last().is_some_and(|(day, share)| *day < self.to || *share < 1000) {
            points.push((self.to, 1000));
        }
        points
    }

    /// What is to be done by a day, in tenths of a percent: even from milestone to milestone.
    pub fn planned(&self, day: NaiveDate) -> i64 {
        let points = self.points();
        let mut before = (self.from, 0);
        for point in points {
            if day < point.0 {
                let (span, gone) = ((point.0 - before.0).num_days(), (day - before.0).num_days());
                return if gone <= 0 || span <= 0 { before.1 } else { before.1 + (point.1 - before.1) * gone / span };
            }
            before = point;
        }
        before.1
    }

    /// The first day on which the plan asks for so much.
    pub fn day_of(&self, share: i64) -> NaiveDate {
        let mut day = self.from;
        while day < self.to && self.planned(day) < share {
            day = day.succ_opt().unwrap_or(self.to);
        }
        day
    }

    /// Days by which `done` lags behind on a day; nought where it does not.
    pub fn days_behind(&self, done: i64, day: NaiveDate) -> i64 {
        if done >= self.planned(day) {
            return 0;
        }
        // What is done is what the plan asked for up to the day before more was asked for.
        let mut reached = self.from;
        while reached < day && self.planned(reached.succ_opt().unwrap_or(day)) <= done {
            reached = reached.succ_opt().unwrap_or(day);
        }
        (day - reached).num_days()
    }

    fn checked(self) -> Result<Self, TaskError> {
        if self.to <= self.from || self.milestones.len() > MILESTONES_MOST {
            return Err(TaskError::Plan);
        }
        let (mut day, mut percent) = (self.from, 0);
        for milestone in &self.milestones {
            if milestone.day <= day || milestone.day > self.to || milestone.percent < percent || milestone.percent > 100
            {
                return Err(TaskError::Plan);
            }
            needed("milestone", &milestone.title, TITLE_MOST)?;
            (day, percent) = (milestone.day, milestone.percent);
        }
        Ok(self)
    }
}

/// A campaign to be begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCampaign {
    /// Made with the form.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub goal: String,
    /// Its plan.
    pub plan: Plan,
}

/// Begins a campaign; the same form again changes nothing.
///
/// # Errors
/// The actor may not, the plan's days do not follow each other, or the database fails.
pub async fn begin(app: &App, actor: &Actor, new: NewCampaign) -> Result<Uuid, TaskError> {
    may_lead(actor)?;
    let desk = Desk::open(app, actor).await?;
    let plan = new.plan.checked()?;
    let campaign = Campaign {
        id: new.id,
        name: needed("name", &new.name, TITLE_MOST)?,
        goal: optional("goal", &new.goal, TEXT_MOST)?,
        division_code: desk.unit.clone(),
        unit: desk.unit_name.clone(),
        plan_version: 1,
        created_name: actor.name.clone(),
        created_at: desk.now,
        place: String::new(),
    };
    let id = campaign.id;
    app.db
        .write::<_, TaskError, _>(move |tx| {
            Box::pin(async move {
                if !campaign_store::insert(tx, &campaign, desk.actor.user_id).await? {
                    return match campaign_store::campaign_in(tx, &desk.actor.scope, &desk.unit, id).await? {
                        Some(known) if known.name == campaign.name && known.division_code == desk.unit => Ok(id),
                        _ => Err(TaskError::NotFound),
                    };
                }
                campaign_store::insert_plan(tx, id, 1, &plan, "", &desk.stamp()).await?;
                let entry = Entry {
                    action: "campaign.begin",
                    object_kind: "campaign",
                    object_id: id.to_string(),
                    division_code: &desk.unit,
                    reason: "",
                    detail: serde_json::json!({ "name": campaign.name, "plan": plan }),
                };
                audit::record(tx, &desk.actor, entry, desk.now).await?;
                Ok(id)
            })
        })
        .await
}

/// Puts another plan in force, with a reason; the baseline stays.
///
/// # Errors
/// It is another unit's, somebody else changed the plan first, the days do not follow each other, no reason is said, or
/// the database fails.
pub async fn replan(app: &App, actor: &Actor, id: Uuid, seen: i64, plan: Plan, why: String) -> Result<i64, TaskError> {
    may_see(actor)?;
    let desk = Desk::open(app, actor).await?;
    let (campaign, plans) = one(app, actor, id).await?;
    may_lead(actor)?;
    desk.own(&campaign.division_code, &campaign.place)?;
    let plan = plan.checked()?;
    let why = reason(&why)?;
    if let Some(known) = plans.iter().find(|known| known.version == seen + 1)
        && known.plan == plan
        && known.reason == why
        && known.by_name == actor.name
    {
        return Ok(known.version);
    }
    app.db
        .write::<_, TaskError, _>(move |tx| {
            Box::pin(async move {
                if !campaign_store::take_plan(tx, id, seen).await? {
                    let (who, at) = campaign_store::last_plan(tx, id).await?.unwrap_or_default();
                    return Err(TaskError::Stale { who, at });
                }
                campaign_store::insert_plan(tx, id, seen + 1, &plan, &why, &desk.stamp()).await?;
                let entry = Entry {
                    action: "campaign.replan",
                    object_kind: "campaign",
                    object_id: id.to_string(),
                    division_code: &campaign.division_code,
                    reason: &why,
                    detail: serde_json::json!({ "version": seen + 1, "plan": plan }),
                };
                audit::record(tx, &desk.actor, entry, desk.now).await?;
                Ok(seen + 1)
            })
        })
        .await
}

/// A campaign with every plan that it has had, the baseline first.
///
/// # Errors
/// There is none of that id for this reader, or the database fails.
pub async fn one(app: &App, actor: &Actor, id: Uuid) -> Result<(Campaign, Vec<PlanVersion>), TaskError> {
    may_see(actor)?;
    let unit = unit_of(app, actor).await?;
    let campaign = campaign_store::campaign(&app.db, &actor.scope, &unit, id).await?.ok_or(TaskError::NotFound)?;
    let plans = campaign_store::plans(&app.db, id).await?;
    Ok((campaign, plans))
}

/// Campaigns of the reader's place and of the places around it, the newest first.
///
/// # Errors
/// The reader may not, or the database fails.
pub async fn all(app: &App, actor: &Actor) -> Result<Vec<Campaign>, TaskError> {
    may_see(actor)?;
    let unit = unit_of(app, actor).await?;
    Ok(campaign_store::campaigns(&app.db, &actor.scope, &unit).await?)
}

/// One leg of one task at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegProgress {
    /// The task.
    pub task: Task,
    /// Which leg.
    pub leg: Leg,
    /// What was asked.
    pub target: Option<i64>,
    /// What counts.
    pub done: i64,
    /// Tenths of a percent; none without a target.
    pub permille: Option<i64>,
    /// The same task of last year.
    pub last_year: Option<LastYear>,
}

impl LegProgress {
    /// What is left of the target.
    pub fn rest(&self) -> Option<i64> {
        Some((self.target? - self.done).max(0))
    }
}

/// A place of the board.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PlaceProgress {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Legs of tasks that were handed to it.
    pub legs: usize,
    /// Of these, how many have reached their target.
    pub reached: usize,
    /// Mean share that is done, tenths of a percent; none where nothing has a target.
    pub permille: Option<i64>,
    /// Reports that are owed.
    pub owed: usize,
    /// Of these, how many are late.
    pub late: usize,
}

/// How far a campaign has come at a place.
#[derive(Debug, Clone)]
pub struct Board {
    /// The campaign.
    pub campaign: Campaign,
    /// Every plan, the baseline first.
    pub plans: Vec<PlanVersion>,
    /// The place.
    pub division: String,
    /// Leg by leg.
    pub legs: Vec<LegProgress>,
    /// The places right below.
    pub places: Vec<PlaceProgress>,
    /// Mean share of the legs, tenths of a percent.
    pub permille: Option<i64>,
    /// What the baseline asks for today, tenths of a percent.
    pub baseline: i64,
    /// What the plan in force asks for today.
    pub planned: i64,
    /// Days behind the baseline.
    pub days_behind: i64,
}

/// The mean of the shares that are known; no share counts for more than all.
fn mean(shares: impl Iterator<Item = Option<i64>>) -> Option<i64> {
    let known: Vec<i64> = shares.flatten().map(|share| share.min(1000)).collect();
    let count = i64::try_from(known.len()).ok().filter(|count| *count > 0)?;
    Some(known.iter().sum::<i64>() / count)
}

fn key(node: &Node, length: usize) -> String {
    node.division_code.get(..length).unwrap_or(&node.division_code).to_owned()
}

/// The board of a campaign at a place: legs of tasks and places right below, against the plan.
///
/// # Errors
/// There is none of that id for this reader, or the database fails.
pub async fn board(app: &App, actor: &Actor, id: Uuid, division: &str) -> Result<Board, TaskError> {
    let (campaign, plans) = one(app, actor, id).await?;
    let unit = unit_of(app, actor).await?;
    let (view, scope) = place_of(actor, &unit, division);
    let today = app.clock.today();
    let tasks = store::of_campaign(&app.db, &scope, id).await?;
    let own = store::own_of_campaign(&app.db, &view, id).await?;
    let below = store::right_below_all(&app.db, &scope, &view, id).await?;
    let mut legs = Vec::new();
    for task in &tasks {
        let node = own.iter().find(|node| node.task_id == task.id);
        let under: Vec<&Node> = below.iter().filter(|node| node.task_id == task.id).collect();
        let (mut asked, mut done) = (Figures::default(), Figures::default());
        for node in &under {
            (asked, done) = (asked.plus(node.targets()), done.plus(node.accepted()));
        }
        if let Some(node) = node {
            // A unit that handed nothing on has its own figures; a target of its own is what it is asked for.
            for leg in Leg::ALL {
                if node.targets().get(leg).is_some() {
                    asked.set(leg, node.targets().get(leg));
                }
            }
            if under.is_empty() {
                done = node.accepted();
            }
        }
        let before = last_year(app, &scope, &view, task).await?;
        legs.extend(task.legs().into_iter().map(|leg| LegProgress {
            leg,
            target: asked.get(leg),
            done: done.get(leg).unwrap_or(0),
            permille: permille(done.get(leg), asked.get(leg)),
            last_year: before.clone(),
            task: task.clone(),
        }));
    }
    let places = places(app, &tasks, &below, &scope, &view).await?;
    let permille = mean(legs.iter().map(|leg| leg.permille));
    let first = plans.first().map(|version| version.plan.clone());
    let last = plans.last().map(|version| version.plan.clone());
    let baseline = first.as_ref().map_or(0, |plan| plan.planned(today));
    Ok(Board {
        baseline,
        planned: last.map_or(0, |plan| plan.planned(today)),
        days_behind: first.map_or(0, |plan| plan.days_behind(permille.unwrap_or(0), today)),
        campaign,
        plans,
        division: view,
        legs,
        places,
        permille,
    })
}

async fn places(
    app: &App,
    tasks: &[Task],
    below: &[Node],
    scope: &Scope,
    view: &str,
) -> Result<Vec<PlaceProgress>, TaskError> {
    let today = app.clock.today().to_string();
    let length = CODE_LENGTHS.into_iter().find(|length| *length > view.len()).unwrap_or(12);
    let names: BTreeMap<String, String> =
        store::places_below(&app.db, scope, i64::try_from(length).unwrap_or(12)).await?.into_iter().collect();
    let mut by_place: BTreeMap<String, Vec<&Node>> = BTreeMap::new();
    for node in below {
        by_place.entry(key(node, length)).or_default().push(node);
    }
    Ok(by_place
        .into_iter()
        .map(|(code, nodes)| {
            let mut shares = Vec::new();
            for task in tasks {
                let of: Vec<&&Node> = nodes.iter().filter(|node| node.task_id == task.id).collect();
                if of.is_empty() {
                    continue;
                }
                let sum = |figures: fn(&Node) -> Figures| {
                    of.iter().fold(Figures::default(), |sum, node| sum.plus(figures(node)))
                };
                let (asked, done) = (sum(Node::targets), sum(Node::accepted));
                shares.extend(task.legs().into_iter().map(|leg| permille(done.get(leg), asked.get(leg))));
            }
            let open = |node: &&&Node| tasks.iter().any(|task| task.id == node.task_id && task.is_open());
            PlaceProgress {
                name: names.get(&code).cloned().unwrap_or_else(|| code.clone()),
                legs: shares.len(),
                reached: shares.iter().filter(|share| share.is_some_and(|share| share >= 1000)).count(),
                permille: mean(shares.iter().copied()),
                owed: nodes.iter().filter(open).filter(|node| node.state().owes()).count(),
                late: nodes.iter().filter(open).filter(|node| node.is_late(&today)).count(),
                code,
            }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn plan() -> Plan {
        Plan {
            from: day("2020-03-01"),
            to: day("2020-04-30"),
            milestones: vec![Milestone { day: day("2020-03-31"), percent: 60, title: "过半".to_owned() }],
        }
    }

    #[test]
    fn a_plan_asks_for_more_from_day_to_day() {
        let plan = plan().checked().unwrap();
        assert_eq!(plan.planned(day("2020-02-01")), 0);
        assert_eq!(plan.planned(day("2020-03-16")), 300);
        assert_eq!(plan.planned(day("2020-03-31")), 600);
        assert_eq!(plan.planned(day("2020-04-15")), 800);
        assert_eq!(plan.planned(day("2020-06-01")), 1000);
        assert_eq!(plan.day_of(600), day("2020-03-31"));
        assert_eq!(plan.days_behind(600, day("2020-03-31")), 0);
        assert_eq!(plan.days_behind(300, day("2020-03-31")), 15);
        assert_eq!(plan.days_behind(0, day("2020-03-11")), 10);
    }

    #[test]
    fn days_and_shares_follow_each_other() {
        let with = |day_: &str, percent: i64| {
            let mut plan = plan();
            plan.milestones.push(Milestone { day: day(day_), percent, title: "二".to_owned() });
            plan.checked().is_ok()
        };
        assert!(with("2020-04-10", 80));
        assert!(!with("2020-03-31", 80));
        assert!(!with("2020-05-01", 80));
        assert!(!with("2020-04-10", 50));
        assert!(!with("2020-04-10", 101));
        assert!(Plan { to: day("2020-03-01"), ..plan() }.checked().is_err());
        assert_eq!(mean([Some(2000), Some(0), None].into_iter()), Some(500));
        assert_eq!(mean([None].into_iter()), None);
    }
}
