//! All SQL of campaigns.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::campaign::{Campaign, Milestone, Plan, PlanVersion};
use super::desk::Stamp;
use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError, Tx};

/// A campaign concerns whoever lies in its place, and whoever its place lies in.
const CAMPAIGN: &str = "c.id, c.name, c.goal, c.division_code, c.unit, c.plan_version, c.created_name, c.created_at,
            COALESCE(d.full_name, c.division_code) AS place
     FROM campaign c LEFT JOIN division d ON d.code = c.division_code
     WHERE ((c.division_code >= $1 AND c.division_code < $2)
            OR c.division_code = SUBSTR($3, 1, CAST(LENGTH(c.division_code) AS INTEGER)))";

/// Writes a campaign; false where one of that id is there.
pub(super) async fn insert(tx: &mut Tx, campaign: &Campaign, by: Option<Uuid>) -> Result<bool, DbError> {
    let rows = tx
        .run(
            "INSERT INTO campaign (id, name, goal, division_code, unit, plan_version, created_by, created_name, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING",
            args![
                campaign.id,
                &campaign.name,
                &campaign.goal,
                &campaign.division_code,
                &campaign.unit,
                campaign.plan_version,
                by,
                &campaign.created_name,
                campaign.created_at
            ],
        )
        .await?;
    Ok(rows == 1)
}

pub(super) async fn insert_plan(
    tx: &mut Tx,
    campaign: Uuid,
    version: i64,
    plan: &Plan,
    reason: &str,
    stamp: &Stamp<'_>,
) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO campaign_plan (campaign_id, version, from_day, to_day, milestones, reason, by_user, by_name, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            campaign,
            version,
            plan.from,
            plan.to,
            serde_json::json!(plan.milestones).to_string(),
            reason,
            stamp.actor.user_id,
            &stamp.actor.name,
            stamp.now
        ],
    )
    .await
    .map(|_| ())
}

/// Counts the plan's version on, if nobody did since it was `seen`.
pub(super) async fn take_plan(tx: &mut Tx, id: Uuid, seen: i64) -> Result<bool, DbError> {
    let rows = tx
        .run("UPDATE campaign SET plan_version = plan_version + 1 WHERE id = $1 AND plan_version = $2", args![id, seen])
        .await?;
    Ok(rows == 1)
}

/// Who decided the plan in force, and when.
pub(super) async fn last_plan(tx: &mut Tx, id: Uuid) -> Result<Option<(String, i64)>, DbError> {
    tx.maybe("SELECT by_name, at FROM campaign_plan WHERE campaign_id = $1 ORDER BY version DESC LIMIT 1", args![id])
        .await
}

pub(super) async fn campaign_in(tx: &mut Tx, scope: &Scope, unit: &str, id: Uuid) -> Result<Option<Campaign>, DbError> {
    let sql = format!("SELECT {CAMPAIGN} AND c.id = $4");
    tx.maybe(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), unit, id]).await
}

pub(super) async fn campaign(db: &Db, scope: &Scope, unit: &str, id: Uuid) -> Result<Option<Campaign>, DbError> {
    let sql = format!("SELECT {CAMPAIGN} AND c.id = $4");
    db.maybe(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), unit, id]).await
}

pub(super) async fn campaigns(db: &Db, scope: &Scope, unit: &str) -> Result<Vec<Campaign>, DbError> {
    let sql = format!("SELECT {CAMPAIGN} ORDER BY c.created_at DESC, c.id");
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), unit]).await
}

/// Every plan of a campaign, the baseline first.
pub(super) async fn plans(db: &Db, id: Uuid) -> Result<Vec<PlanVersion>, DbError> {
    let rows: Vec<(i64, String, String, String, String, String, i64)> = db
        .all(
            "SELECT version, from_day, to_day, milestones, reason, by_name, at FROM campaign_plan WHERE campaign_id = $1
             ORDER BY version",
            args![id],
        )
        .await?;
    Ok(rows
        .into_iter()
        .map(|(version, from, to, milestones, reason, by_name, at)| PlanVersion {
            version,
            plan: Plan {
                from: from.parse().unwrap_or_default(),
                to: to.parse().unwrap_or_default(),
                milestones: serde_json::from_str::<Vec<Milestone>>(&milestones).unwrap_or_default(),
            },
            reason,
            by_name,
            at,
        })
        .collect())
}
