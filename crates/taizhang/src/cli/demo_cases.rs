//! The demo's monitoring: the register taken over, the departments' warnings drawn two weeks ago, and some of the clues
//! walked as far as people would have come since.

use chrono::{Days, NaiveDate};
use uuid::Uuid;

use super::{CliError, Env, Table};
use crate::access::{Actor, Role, Scope};
use crate::ledger;
use crate::monitor::model::{
    Comparison, Consent, Count, Filter, Given, Line, Minutes, NewMeasure, Notice, Step, Told, Visit,
};
use crate::monitor::{self, MonitorError, WarnAsked};
use crate::platform::{App, Clock, ids};

/// Clues that are walked.
const WALKED: i64 = 40;
/// Monitored households whose elimination is tried.
const TRIED: i64 = 60;
/// Days since the warnings were drawn.
const AGO: u64 = 14;

/// What the demo has of monitoring.
#[derive(Debug, serde::Serialize)]
pub(super) struct Cases {
    /// Households taken over from the register.
    taken_over: u64,
    /// Clues raised by warnings.
    clues: i64,
    /// Cases by state.
    states: Vec<Count>,
    #[serde(skip)]
    titles: Vec<String>,
}

impl Cases {
    /// For people.
    pub(super) fn table(&self, env: &Env) -> String {
        let mut table =
            Table::new([env.t("demo-monitor-state"), env.t("demo-monitor-cases"), env.t("monitor-cli-late")]);
        for (count, title) in self.states.iter().zip(&self.titles) {
            table.row([title.clone(), count.cases.to_string(), count.late.to_string()]);
        }
        table.to_string()
    }
}

struct Walk<'a> {
    env: &'a Env,
    today: NaiveDate,
}

/// Makes the demo's cases.
///
/// # Errors
/// The profile is faulty or the database fails.
pub(super) async fn run(env: &Env) -> Result<Cases, CliError> {
    let walk = Walk { env, today: env.app.clock.today() };
    let (taken_over, _) = monitor::take_over(&env.app, &env.actor).await?;
    let asked = WarnAsked { now: true, ..WarnAsked::default() };
    let pushes = monitor::warn(&walk.app(AGO), &env.actor, &asked).await?;
    // Around the village of the demo's logins, so that each of them has something to do.
    let filter = ledger::model::Filter { page: 1, per_page: 1, ..ledger::model::Filter::default() };
    let (items, _) = ledger::list(&env.app, &env.actor, &filter).await?;
    let home = items.first().map(|item| item.division_code.clone()).unwrap_or_default();
    let near = |line: &Line| {
        let same = line.division_code.bytes().zip(home.bytes()).take_while(|(a, b)| a == b).count();
        (std::cmp::Reverse(same), line.number.clone())
    };
    let county = home.get(..6).unwrap_or_default().to_owned();
    let list = |filter: Filter| {
        let county = county.clone();
        async move {
            let filter = Filter { division: county, page: 1, ..filter };
            monitor::list(&env.app, &env.actor, &filter).await
        }
    };
    let (mut clues, _) = list(Filter { state: "clue".to_owned(), per_page: 10_000, ..Filter::default() }).await?;
    clues.sort_by_key(near);
    for (n, line) in clues.iter().take(usize::try_from(WALKED).unwrap_or(0)).enumerate() {
        walk.clue(n, line).await?;
    }
    let (mut monitored, _) =
        list(Filter { state: "monitored".to_owned(), per_page: 10_000, ..Filter::default() }).await?;
    monitored.retain(|line| !line.marked_on.is_empty() && line.marked_on < walk.day(200).to_string());
    monitored.sort_by_key(near);
    let mut verified = 0;
    for line in monitored.iter().take(usize::try_from(TRIED).unwrap_or(0)) {
        if verified < 4 && walk.elimination(line, verified).await? {
            verified += 1;
        }
    }
    let states = monitor::counts(&env.app, &env.actor, "").await?;
    let profile = monitor::policy(&env.app).await?;
    let machine = profile.monitoring.as_ref().and_then(|policy| policy.machine.as_ref());
    let title = |id: &str| {
        let known = machine.and_then(|machine| machine.state(id));
        known.map_or_else(|| id.to_owned(), |state| state.title.get(env.lang).to_owned())
    };
    Ok(Cases {
        taken_over,
        clues: pushes.iter().map(|push| push.clues).sum(),
        titles: states.iter().map(|count| title(&count.state)).collect(),
        states,
    })
}

impl Walk<'_> {
    /// The installation some days ago.
    fn app(&self, ago: u64) -> App {
        App { clock: Clock::fixed(self.day(ago)), ..self.env.app.clone() }
    }

    fn day(&self, ago: u64) -> NaiveDate {
        self.today.checked_sub_days(Days::new(ago)).unwrap_or(self.today)
    }

    /// Somebody of the demo who works where a case lies.
    fn actor(&self, role: Role, division: &str) -> Actor {
        let (login, digits) = match role {
            Role::CountyStaff => ("county", 6),
            Role::TownshipStaff => ("town", 9),
            _ => ("village", 12),
        };
        let place = division.get(..digits).unwrap_or(division);
        Actor {
            user_id: None,
            login: login.to_owned(),
            name: self.env.t(&format!("demo-name-{login}")),
            unit: place.to_owned(),
            role,
            scope: Scope::subtree(place),
            lang: self.env.lang,
            is_machine: false,
        }
    }

    /// The papers of every step, as they would be written some days ago.
    fn papers(&self, ago: u64, n: usize, risk: &str) -> Given {
        let (day, t) = (self.day(ago).to_string(), |key: &str| self.env.t(key));
        let paper = self.env.tf("demo-paper", &[("n", (n + 1).to_string())]);
        Given {
            consent: Some(Consent { day: day.clone(), paper: paper.clone(), ..Consent::default() }),
            visit: Some(Visit { day: day.clone(), who: t("demo-visitors"), found: t("demo-visit") }),
            minutes: Some(Minutes { day: day.clone(), present: 31, agreed: 29, paper }),
            notice: Some(Notice {
                from: day.clone(),
                to: self.day(ago).checked_add_days(Days::new(5)).map(|d| d.to_string()).unwrap_or_default(),
            }),
            comparison: Some(Comparison {
                day: day.clone(),
                agencies: t("demo-agencies"),
                result: "clear".to_owned(),
                found: t("demo-no-assets"),
            }),
            kind: "sudden_hardship".to_owned(),
            risks: vec![risk.to_owned()],
            answers: ["stable", "spending", "guarantees"].into_iter().map(|id| (id.to_owned(), true)).collect(),
            told: Some(Told { day: day.clone(), how: t("demo-told") }),
            measure: Some(NewMeasure {
                measure: if risk == "因病" { "health" } else { "social_security" }.to_owned(),
                risk: risk.to_owned(),
                from: day,
                to: String::new(),
                amount: Some(3_000.0),
                who: t("demo-aid"),
            }),
            ..Given::default()
        }
    }

    /// Takes a step some days ago.
    async fn step(
        &self,
        case: &Line,
        (role, action, ago): (Role, &str, u64),
        given: Given,
        note: &str,
    ) -> Result<(), MonitorError> {
        let (app, actor) = (self.app(ago), self.actor(role, &case.division_code));
        let whole = monitor::whole(&app, &actor, case.id, self.env.lang).await?;
        let step = Step {
            event_id: ids::new_id(),
            version: whole.case.version,
            action: action.to_owned(),
            note: note.to_owned(),
            given,
        };
        monitor::act(&app, &actor, case.id, step).await.map(|_| ())
    }

    async fn reply(&self, case: &Line, verdict: &str, note: &str, ago: u64) -> Result<(), MonitorError> {
        let (app, actor) = (self.app(ago), self.actor(Role::VillageOfficer, &case.division_code));
        let whole = monitor::whole(&app, &actor, case.id, self.env.lang).await?;
        let open: Vec<Uuid> = whole.clues.iter().filter(|clue| clue.verdict.is_empty()).map(|clue| clue.id).collect();
        for clue in open {
            let whole = monitor::whole(&app, &actor, case.id, self.env.lang).await?;
            let at = (whole.case.version, ids::new_id());
            monitor::reply(&app, &actor, (case.id, clue), at, (verdict, note)).await?;
        }
        Ok(())
    }

    /// Walks the n-th clue: some stay, some prove wrong, and some come as far as a measure.
    async fn clue(&self, n: usize, case: &Line) -> Result<(), MonitorError> {
        use Role::{CountyStaff as C, TownshipStaff as T, VillageOfficer as V};
        let t = |key: &str| self.env.t(key);
        let known = monitor::whole(&self.env.app, &self.env.actor, case.id, self.env.lang).await?;
        let risk = known.clues.iter().map(|clue| clue.risk.clone()).find(|risk| !risk.is_empty());
        let risk = risk.unwrap_or_else(|| "其他".to_owned());
        let papers = |ago: u64| self.papers(ago, n, &risk);
        match n % 8 {
            // Nobody has looked yet: overdue.
            0 => return Ok(()),
            1 => return self.reply(case, "false_alarm", &t("demo-false"), 13).await,
            _ => self.reply(case, "confirmed", &t("demo-true"), 13).await?,
        }
        let upto = n % 8;
        if upto == 7 {
            self.step(case, (V, "green", 12), Given::default(), &t("demo-green")).await?;
            self.step(case, (V, "measure_first", 12), papers(12), "").await?;
        }
        // Those who have just applied, and those whose notice is still up, began later.
        let late = [0, 0, 11, 0, 7].get(upto).copied().unwrap_or(0);
        let ago = |days: u64| days.saturating_sub(late);
        let line = [
            (V, "apply", ago(12)),
            (V, "visit", ago(11)),
            (V, "review", ago(10)),
            (V, "publish", ago(10)),
            (T, "compare", ago(9)),
            (T, "township", 4),
            (C, "mark", 3),
            (V, "measure", 1),
        ];
        let steps = match upto {
            2 => 1,
            3 => 2,
            4 => 5,
            5 => 6,
            _ => 8,
        };
        for (role, action, ago) in line.into_iter().take(steps) {
            self.step(case, (role, action, ago), papers(ago), "").await?;
        }
        if upto == 3 {
            self.step(case, (T, "reject", 6), papers(6), &t("demo-unfit")).await?;
        }
        Ok(())
    }

    /// Tries the elimination of a monitored household; false where its conditions forbid it.
    async fn elimination(&self, case: &Line, n: usize) -> Result<bool, MonitorError> {
        use Role::{CountyStaff as C, TownshipStaff as T, VillageOfficer as V};
        let whole = monitor::whole(&self.env.app, &self.env.actor, case.id, self.env.lang).await?;
        let by_record = whole.conditions.iter().all(|condition| condition.id == "measures" || condition.by_record());
        let risks = whole.case.risk_list();
        let known = |risk: &String| {
            let policy = whole.profile.monitoring.as_ref();
            policy.is_some_and(|policy| policy.risks.contains(risk))
        };
        if !by_record || risks.is_empty() || !risks.iter().all(known) {
            return Ok(false);
        }
        for risk in &risks {
            self.step(case, (V, "measure", 26), self.papers(26, n, risk), "").await?;
        }
        let risk = risks.first().map_or("", String::as_str);
        let begun = if n % 4 == 3 { 4 } else { 20 };
        self.step(case, (V, "verify", begun), self.papers(begun, n, risk), "").await?;
        let rest = [(V, "elim_publish", begun - 1), (T, "elim_township", 8), (C, "eliminate", 5)];
        for (role, action, ago) in rest.into_iter().take(if n % 4 == 3 { 1 } else { n % 4 + 1 }) {
            self.step(case, (role, action, ago), self.papers(ago, n, risk), "").await?;
        }
        Ok(true)
    }
}
