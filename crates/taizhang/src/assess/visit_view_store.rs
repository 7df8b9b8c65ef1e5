//! The SQL of what rules read of visits and of the checks made with them.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::model::HouseholdView;
use super::profile::checks::Indicator;
use super::profile::view::{Fact, OfHousehold, number_of};
use super::store::{ids_as_args, places};
use crate::platform::{DbError, Tx};

#[derive(Debug, sqlx::FromRow)]
struct VisitedRow {
    household_id: Uuid,
    last_on: String,
    last_on_site: String,
    last_phone: String,
    last_wechat: String,
    last_video: String,
    visits: i64,
}

/// The fields of an indicator: outcome, day, role of who checked.
fn fields(indicator: Indicator) -> [OfHousehold; 3] {
    use OfHousehold as Of;
    match indicator {
        Indicator::Food => [Of::CheckFood, Of::CheckFoodDay, Of::CheckFoodBy],
        Indicator::Clothing => [Of::CheckClothing, Of::CheckClothingDay, Of::CheckClothingBy],
        Indicator::Schooling => [Of::CheckSchooling, Of::CheckSchoolingDay, Of::CheckSchoolingBy],
        Indicator::Insurance => [Of::CheckInsurance, Of::CheckInsuranceDay, Of::CheckInsuranceBy],
        Indicator::Housing => [Of::CheckHousing, Of::CheckHousingDay, Of::CheckHousingBy],
        Indicator::Water => [Of::CheckWater, Of::CheckWaterDay, Of::CheckWaterBy],
    }
}

/// When each household was last visited, and what its newest checks came to.
pub(super) async fn visits(
    tx: &mut Tx,
    ids: &[Uuid],
    views: &mut BTreeMap<Uuid, HouseholdView>,
    day: NaiveDate,
) -> Result<(), DbError> {
    let sql = format!(
        "SELECT household_id, last_on, last_on_site, last_phone, last_wechat, last_video, visits FROM household_visited
         WHERE household_id IN ({})",
        places(1, ids.len())
    );
    let rows: Vec<VisitedRow> = tx.all(AssertSqlSafe(sql), ids_as_args(ids)).await?;
    for row in rows {
        let Some(view) = views.get_mut(&row.household_id) else {
            continue;
        };
        let last = Fact::day(&row.last_on);
        if let Fact::Date(on) = &last {
            view.facts.put(OfHousehold::DaysSinceVisit, Fact::Int(number_of(day) - on));
        }
        view.facts.put(OfHousehold::LastVisit, last);
        view.facts.put(OfHousehold::LastOnSite, Fact::day(&row.last_on_site));
        view.facts.put(OfHousehold::LastPhone, Fact::day(&row.last_phone));
        view.facts.put(OfHousehold::LastVideo, Fact::day((&row.last_wechat).max(&row.last_video)));
        view.facts.put(OfHousehold::Visits, Fact::Int(row.visits));
    }
    let sql = format!(
        "SELECT household_id, indicator, result, checked_on, by_role FROM household_check WHERE household_id IN ({})",
        places(1, ids.len())
    );
    let rows: Vec<(Uuid, String, String, String, String)> = tx.all(AssertSqlSafe(sql), ids_as_args(ids)).await?;
    for (household, indicator, result, checked_on, by_role) in rows {
        let (Some(view), Some(indicator)) = (views.get_mut(&household), Indicator::from_name(&indicator)) else {
            continue;
        };
        let [outcome, on, by] = fields(indicator);
        view.facts.put(outcome, Fact::text(result));
        view.facts.put(on, Fact::day(&checked_on));
        view.facts.put(by, Fact::text(by_role));
    }
    Ok(())
}
