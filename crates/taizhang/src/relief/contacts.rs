//! Who was kept in touch with (联系): households by the channel that reached them since a day, and those whom nobody has
//! reached, village by village, with the helper who answers for each.

use chrono::{Days, NaiveDate};
use uuid::Uuid;

use super::contact_store as store;
use super::deployments::{self, Carer};
use super::error::ReliefError;
use crate::access::{Actor, Scope};
use crate::assess;
use crate::platform::App;
use crate::register;
use crate::screen::cover::length_below;

/// Days without contact that are asked about where nobody says.
pub const DAYS: u64 = 30;
/// The most days that can be asked about.
pub const DAYS_MOST: u64 = 3650;

/// The figures of a division, and the lists behind them.
pub const FIGURES: [&str; 8] = ["reached", "on_site", "phone", "wechat", "video", "remote", "missed", "never"];

/// How households of a division were reached.
#[derive(Debug, Clone, PartialEq, Eq, Default, sqlx::FromRow, serde::Serialize)]
#[allow(missing_docs)]
pub struct Reach {
    pub code: String,
    #[sqlx(default)]
    pub name: String,
    pub registered: i64,
    /// By any channel.
    pub reached: i64,
    pub on_site: i64,
    pub phone: i64,
    pub wechat: i64,
    pub video: i64,
    /// Reached, but nobody was on site.
    pub remote: i64,
    /// Not reached.
    pub missed: i64,
    /// Not reached, ever.
    pub never: i64,
}

impl Reach {
    /// A figure by its name.
    pub fn figure(&self, name: &str) -> i64 {
        match name {
            "registered" => self.registered,
            "reached" => self.reached,
            "on_site" => self.on_site,
            "phone" => self.phone,
            "wechat" => self.wechat,
            "video" => self.video,
            "remote" => self.remote,
            "missed" => self.missed,
            "never" => self.never,
            _ => 0,
        }
    }

    fn add(&mut self, other: &Self) {
        self.registered += other.registered;
        self.reached += other.reached;
        self.on_site += other.on_site;
        self.phone += other.phone;
        self.wechat += other.wechat;
        self.video += other.video;
        self.remote += other.remote;
        self.missed += other.missed;
        self.never += other.never;
    }
}

/// A household in a list.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Touch {
    pub id: Uuid,
    pub household_no: String,
    pub head_name: String,
    pub division_code: String,
    pub place: String,
    pub township: String,
    /// Last contact of any channel; empty where there was none.
    pub last_on: String,
    pub last_on_site: String,
    pub last_phone: String,
    pub last_wechat: String,
    pub last_video: String,
}

impl Touch {
    /// The channel of the last contact, the closest where there were several on that day; empty where there was none.
    pub fn last_channel(&self) -> &'static str {
        let all = [
            ("on_site", &self.last_on_site),
            ("phone", &self.last_phone),
            ("wechat", &self.last_wechat),
            ("video", &self.last_video),
        ];
        all.into_iter().find(|(_, day)| !self.last_on.is_empty() && **day == self.last_on).map_or("", |(name, _)| name)
    }
}

/// The first day of the last `days` days.
pub fn since(today: NaiveDate, days: u64) -> String {
    today.checked_sub_days(Days::new(days.min(DAYS_MOST))).unwrap_or(today).to_string()
}

/// How a division was reached since a day, and those right below it. A helper sees their own households as one line.
///
/// # Errors
/// The database fails.
pub async fn reach(app: &App, actor: &Actor, scope: &Scope, since: &str) -> Result<(Reach, Vec<Reach>), ReliefError> {
    let mut total = Reach { code: scope.root().to_owned(), ..Reach::default() };
    if let Some(own) = register::own_households(app, actor).await? {
        let own: Vec<Uuid> = own.into_iter().collect();
        for line in store::own_reach(&app.db, scope, since, &own).await? {
            total.add(&line);
        }
        return Ok((total, Vec::new()));
    }
    let length = i64::try_from(length_below(scope.root())).unwrap_or(12);
    let mut lines = store::reach(&app.db, scope, since, length).await?;
    let codes: Vec<String> = lines.iter().map(|line| line.code.clone()).collect();
    let names = assess::division_names(&app.db, &codes).await?;
    for line in &mut lines {
        line.name = names.get(&line.code).cloned().unwrap_or_else(|| line.code.clone());
        total.add(line);
    }
    Ok((total, lines))
}

/// The households behind a figure, village by village, each with whoever answers for it now; one page of them.
///
/// # Errors
/// The database fails.
pub async fn list(
    app: &App,
    actor: &Actor,
    scope: &Scope,
    since: &str,
    figure: &str,
    (offset, limit): (i64, i64),
) -> Result<Vec<(Touch, Vec<Carer>)>, ReliefError> {
    let lines = if let Some(own) = register::own_households(app, actor).await? {
        let own: Vec<Uuid> = own.into_iter().collect();
        let all = store::own_list(&app.db, scope, since, figure, &own).await?;
        let (at, most) = (usize::try_from(offset).unwrap_or(0), usize::try_from(limit).unwrap_or(0));
        all.into_iter().skip(at).take(most).collect()
    } else {
        store::list(&app.db, scope, since, figure, (offset, limit)).await?
    };
    let ids: Vec<Uuid> = lines.iter().map(|line| line.id).collect();
    let mut carers = deployments::carers(app, &ids, &app.clock.today().to_string()).await?;
    Ok(lines
        .into_iter()
        .map(|line| {
            let of = carers.remove(&line.id).unwrap_or_default();
            (line, of)
        })
        .collect())
}
