//! The situation page: every figure equals a recount of the base tables, in any scope, on both databases.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use taizhang::access::{Role, Scope};
use taizhang::args;
use taizhang::ledger::model::{Filter, State, Which};
use taizhang::platform::{App, ids};
use taizhang::situation::{self, Figures, HealthKind};
use uuid::Uuid;

use crate::register::{World, citizen_id, execute};
use crate::support::http::TestApp;
use crate::support::{each_database, machine, today};

/// What the world holds, kept apart from the database.
#[derive(Default)]
struct Truth {
    households: Vec<String>,
    persons: Vec<(Uuid, String)>,
    signals: Vec<(Uuid, String, &'static str, bool)>,
    items: Vec<(String, &'static str, String)>,
    covers: Vec<String>,
}

impl Truth {
    fn recount(&self, scope: &Scope) -> Figures {
        let inside = |code: &str| scope.contains(code);
        let with = |kind: &str| -> BTreeSet<Uuid> {
            self.signals
                .iter()
                .filter(|(_, code, of, active)| *active && *of == kind && inside(code))
                .map(|(person, ..)| *person)
                .collect()
        };
        let (confirmed, cured, died) = (with("epidemic.confirmed"), with("epidemic.cured"), with("epidemic.died"));
        let count = |set: &BTreeSet<Uuid>| set.len() as i64;
        let is_open = |state: &str| !["closed", "cancelled"].contains(&state);
        let today = today().to_string();
        let soon = (today_plus(7)).clone();
        let items = |test: &dyn Fn(&str, &str) -> bool| {
            self.items.iter().filter(|(code, state, deadline)| inside(code) && test(state, deadline)).count() as i64
        };
        let screened = |code: &str| self.covers.iter().any(|cover| code.starts_with(cover));
        Figures {
            households: self.households.iter().filter(|c| inside(c)).count() as i64,
            persons: self.persons.iter().filter(|(_, c)| inside(c)).count() as i64,
            monitored: 0,
            screened_households: self.households.iter().filter(|c| inside(c) && screened(c)).count() as i64,
            screened_persons: self.persons.iter().filter(|(_, c)| inside(c) && screened(c)).count() as i64,
            confirmed: count(&confirmed),
            cured: count(&cured),
            died: count(&died),
            in_treatment: confirmed.iter().filter(|p| !cured.contains(p) && !died.contains(p)).count() as i64,
            suspected: count(&with("epidemic.suspected")),
            contacts: count(&with("epidemic.close_contact")),
            open: items(&|state, _| is_open(state)),
            overdue: items(&|state, deadline| is_open(state) && deadline < today.as_str()),
            due_soon: items(&|state, deadline| {
                is_open(state) && deadline >= today.as_str() && deadline <= soon.as_str()
            }),
            closed: items(&|state, _| state == "closed"),
        }
    }
}

fn today_plus(days: u64) -> String {
    today().checked_add_days(chrono::Days::new(days)).unwrap().to_string()
}

async fn signal(
    app: &App,
    truth: &mut Truth,
    person: (Uuid, Uuid),
    code: &str,
    kind: &'static str,
    day: &str,
    active: bool,
) {
    truth.signals.push((person.0, code.to_owned(), kind, active));
    execute(
        app,
        "INSERT INTO signal (id, kind, subject, subject_id, person_id, household_id, division_code, fact_date,
                             learnt_at, probability, source, row_key, version, state, state_at)
         VALUES ($1, $2, 'person', $3, $3, $4, $5, $6, 1, 1.0, 'health.cases', $7, 1, $8, 1)",
        args![
            ids::new_id(),
            kind,
            person.0,
            person.1,
            code,
            day,
            ids::new_id().to_string(),
            if active { "active" } else { "withdrawn" }
        ],
    )
    .await;
}

/// A random world of two counties from a seed.
async fn world(app: &App, mut seed: u64) -> Truth {
    let mut next = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let mut truth = Truth::default();
    let mut world = World::new(app);
    for (code, name) in [("99", "东江省"), ("9901", "清河市"), ("990121", "固山县"), ("990122", "云岭县")] {
        world.division(code, name, name);
    }
    let mut homes = Vec::new();
    for at in 0..60_u64 {
        let village = format!("9901{}10{}20{}", next(2) + 21, next(2) + 1, next(3) + 1);
        let id = citizen_id(&format!("9901211970010{at:04}"));
        let phone = format!("139{at:08}");
        let new = crate::register::NewPerson { name: "张伟", id: &id, phone: &phone, is_head: true };
        let home = world.household(&format!("S{at:04}"), &village, &[new]);
        truth.households.push(village.clone());
        homes.push((home, village));
    }
    world.save().await;
    let rows: Vec<(Uuid, Uuid, String)> =
        app.db.all("SELECT id, household_id, division_code FROM person ORDER BY person_no", args![]).await.unwrap();
    let mut rollup: BTreeMap<String, i64> = BTreeMap::new();
    for (person, home, code) in rows {
        truth.persons.push((person, code.clone()));
        *rollup.entry(code.clone()).or_default() += 1;
        let day = format!("2020-02-{:02}", next(19) + 1);
        let who = (person, home);
        match next(8) {
            0 => signal(app, &mut truth, who, &code, "epidemic.confirmed", &day, true).await,
            1 => {
                // Two cards of one person count once.
                signal(app, &mut truth, who, &code, "epidemic.confirmed", "2020-02-03", true).await;
                signal(app, &mut truth, who, &code, "epidemic.confirmed", "2020-02-05", true).await;
                signal(app, &mut truth, who, &code, "epidemic.cured", &day, true).await;
            }
            2 => {
                signal(app, &mut truth, who, &code, "epidemic.confirmed", &day, true).await;
                signal(app, &mut truth, who, &code, "epidemic.died", "2020-02-19", true).await;
            }
            3 => signal(app, &mut truth, who, &code, "epidemic.confirmed", &day, false).await,
            4 => signal(app, &mut truth, who, &code, "epidemic.suspected", &day, true).await,
            5 => signal(app, &mut truth, who, &code, "epidemic.close_contact", &day, true).await,
            _ => {}
        }
        let states = ["assigned", "in_progress", "submitted", "closed", "cancelled", "to_verify"];
        let state = states[usize::try_from(next(6)).unwrap()];
        let deadline = today_plus(next(14)).replace("2020-02-2", "2020-02-1");
        truth.items.push((code.clone(), state, deadline.clone()));
        execute(
            app,
            "INSERT INTO item (id, number, ledger, source, rule_id, household_id, division_code, title, level, state,
                               round, owner_unit, owner_division, owner_name, deadline, measures, version, profile_id,
                               opened_at, opened_on, updated_at)
             VALUES ($1, $2, 'epidemic_assistance', 'finding', 'r', $3, $4, '{}', 'affected', $5, 1, '', $4, '', $6,
                     '[]', 1, $1, 1, '2020-02-19', 1)",
            args![ids::new_id(), person.to_string(), home, code.as_str(), state, deadline],
        )
        .await;
    }
    for (code, households) in rollup {
        execute(
            app,
            "INSERT INTO register_rollup (division_code, households, persons, monitored) VALUES ($1, $2, $2, 0)",
            args![code, households],
        )
        .await;
    }
    // One county screened whole, one town of the other, and a village of that town again.
    for (cover, state) in [("990121", "done"), ("99012210{}", "done"), ("990122101201", "done"), ("9901", "failed")] {
        let cover = cover.replace("{}", "1");
        if state == "done" {
            truth.covers.push(cover.clone());
        }
        execute(
            app,
            "INSERT INTO comparison (id, source, file_name, sha256, as_of, purpose, retention_until, division_code,
                                     state, mapping, created_at)
             VALUES ($1, 'health.cases', 'x', 'x', '2020-02-18', '', '', $2, $3, '{}', 1)",
            args![ids::new_id(), cover, state],
        )
        .await;
    }
    truth
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_equals_a_recount() {
    each_database(|app| async move {
        let truth = world(&app, 0xA5A5_1234_5678_9ABC).await;
        for root in ["99", "9901", "990121", "990122", "990122101", "990122101201", "98"] {
            let scope = Scope::subtree(root);
            let found = situation::situation(&app, &scope).await.unwrap();
            assert_eq!(found.total, truth.recount(&scope), "{root} on {}", app.db.name());
            for line in &found.lines {
                let inside = Scope::subtree(&line.code);
                assert_eq!(line.figures, truth.recount(&inside), "{} in {root}", line.code);
            }
            for kind in HealthKind::ALL {
                let list = situation::persons_with(&app, &scope, kind, 0, 1000).await.unwrap();
                let persons: BTreeSet<Uuid> = list.iter().map(|row| row.person_id).collect();
                assert_eq!(persons.len(), list.len(), "somebody is listed twice");
                let count = situation::counts_with(&app, &scope).await.unwrap()[&kind];
                assert_eq!(count, list.len() as i64);
                let figure = match kind {
                    HealthKind::Confirmed => found.total.confirmed,
                    HealthKind::InTreatment => found.total.in_treatment,
                    HealthKind::Cured => found.total.cured,
                    HealthKind::Died => found.total.died,
                    HealthKind::Suspected => found.total.suspected,
                    HealthKind::CloseContact => found.total.contacts,
                    HealthKind::Carrier => 0,
                };
                assert_eq!(count, figure, "{kind:?} in {root}");
            }
            // Each figure of items opens exactly its list.
            for (which, figure) in [
                (Which::Open, found.total.open),
                (Which::Overdue, found.total.overdue),
                (Which::DueSoon, found.total.due_soon),
                (Which::One(State::Closed), found.total.closed),
            ] {
                let named = Which::from_name(which.name()).unwrap();
                let filter = Filter { which: named, division: root.to_owned(), ..Filter::default() };
                let (_, total) = taizhang::ledger::list(&app, &machine(), &filter).await.unwrap();
                assert_eq!(total, figure, "{which:?} in {root}");
            }
            let days = situation::trend(&app, &scope).await.unwrap();
            if let Some(last) = days.last() {
                assert_eq!(last.confirmed, found.total.confirmed);
                assert_eq!(last.cured, found.total.cured);
                assert_eq!(last.died, found.total.died);
                let new: i64 = days.iter().map(|day| day.new_confirmed).sum();
                assert_eq!(new, found.total.confirmed);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_stays_in_the_readers_division() {
    each_database(|app| async move {
        world(&app, 7).await;
        let site = TestApp::new(&app);
        let mut browser = site.login(Role::CountyStaff, "990121").await;
        let page = browser.get("/situation").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(page.body.contains("固山县"));
        assert!(
            page.body.contains("/signals?kind=confirmed&#38;division=990121")
                || page.body.contains("/signals?kind=confirmed&amp;division=990121"),
            "no link to the list"
        );
        for path in [
            "/situation?division=990121101",
            "/situation?measure=overdue",
            "/signals?kind=confirmed",
            "/signals?kind=in_treatment&division=990121101",
            "/signals",
        ] {
            let page = browser.get(path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
            assert!(!page.body.contains("990121197"), "{path} shows an ID number");
        }
        for path in [
            "/situation?division=990122",
            "/situation?division=9901",
            "/situation?division=x",
            "/signals?division=990122&kind=confirmed",
        ] {
            assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        let ledger = browser.get("/situation").await.body;
        assert!(ledger.contains("/ledger?state=due_soon&#38;division=990121"), "no link to what is due soon");
        let due = browser.get("/ledger?state=due_soon&division=990121").await;
        assert!(due.status == StatusCode::OK && due.body.contains("7 日内到期"), "{}", due.body);
        let mut admin = site.login(Role::Admin, "99").await;
        let page = admin.get("/situation").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.body.contains("/signals?"), "an administrator sees no lists of persons");
        assert_eq!(admin.get("/signals").await.status, StatusCode::FORBIDDEN);
    })
    .await;
}
