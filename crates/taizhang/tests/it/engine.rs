//! The run for everybody, the run for some households and the one inside a write say the same, whatever happens in between
//! and beside them; and both databases say it byte for byte.

use std::path::Path;

use chrono::NaiveDate;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use taizhang::access::Scope;
use taizhang::args;
use taizhang::assess::{self, profile};
use taizhang::platform::jobs::Progress;
use taizhang::platform::{App, Clock};
use taizhang::road::{self, RoadError, RoadReport};
use uuid::Uuid;

use crate::support::{machine, postgres};
use crate::world::{self, FAR, OTHER, VILLAGE};

/// Rules of every sort.
pub(crate) const SIXTY: &str = include_str!("../../../../bench/assess/sixty-rules.toml");

const HOUSEHOLDS: usize = 12;
const KINDS: [&str; 8] = [
    "epidemic.confirmed",
    "epidemic.cured",
    "epidemic.close_contact",
    "medical.self_pay",
    "education.dropout",
    "housing.dangerous",
    "jobs.ended",
    "epidemic.died",
];

/// Something that happens to a household.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Signal { kind: usize, of: usize, amount: i64 },
    EndSignal { of: usize },
    Income { of: usize, yuan: i64 },
    Monitored { of: usize, yes: bool },
    Water { of: usize, safe: bool },
    Labour { of: usize, able: bool },
    WorksAway { of: usize, far: bool },
    HelperIll { of: usize },
}

/// How it becomes known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum How {
    InTheWrite,
    Afterwards,
}

pub(crate) fn changes() -> impl Strategy<Value = Vec<(Change, How)>> {
    let of = 0..HOUSEHOLDS;
    let change = prop_oneof![
        4 => (0..KINDS.len(), of.clone(), 0_i64..40_000)
            .prop_map(|(kind, of, amount)| Change::Signal { kind, of, amount }),
        2 => of.clone().prop_map(|of| Change::EndSignal { of }),
        2 => (of.clone(), 2_000_i64..9_000).prop_map(|(of, yuan)| Change::Income { of, yuan }),
        2 => (of.clone(), any::<bool>()).prop_map(|(of, yes)| Change::Monitored { of, yes }),
        1 => (of.clone(), any::<bool>()).prop_map(|(of, safe)| Change::Water { of, safe }),
        1 => (of.clone(), any::<bool>()).prop_map(|(of, able)| Change::Labour { of, able }),
        1 => (of.clone(), any::<bool>()).prop_map(|(of, far)| Change::WorksAway { of, far }),
        1 => of.prop_map(|of| Change::HelperIll { of }),
    ];
    let how = prop_oneof![Just(How::InTheWrite), Just(How::Afterwards)];
    proptest::collection::vec((change, how), 1..14)
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A world on one database.
pub(crate) struct World {
    pub(crate) app: App,
    folder: tempfile::TempDir,
    url: Option<String>,
    households: Vec<(Uuid, Vec<Uuid>)>,
    helpers: Vec<Uuid>,
    signals: u32,
}

impl World {
    async fn new(url: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let app = opened(folder.path(), url.as_deref(), "2026-06-01").await;
        world::divisions(&app).await;
        assess::load_profile(&app, &machine(), SIXTY).await.unwrap();
        world::cases(&app, FAR, "2026-05-25", 60, "J1").await;
        let (mut households, mut helpers) = (Vec::new(), Vec::new());
        for n in 0..HOUSEHOLDS {
            let village = if n % 2 == 0 { VILLAGE } else { OTHER };
            let home = world::household(&app, n as u128 + 1, village, &["", "", ""][..n % 3 + 1]).await;
            // Its id must not differ from one database to the other.
            let helper = Uuid::from_u128(0xC000_0000 + n as u128);
            let made = world::helper(&app, home.0, village, &format!("刘{}", n / 3), n as i64 / 3 + 7).await;
            world::run(&app, "UPDATE helper SET id = $2 WHERE id = $1", args![made, helper]).await;
            households.push(home);
            helpers.push(helper);
        }
        Self { app, folder, url, households, helpers, signals: 0 }
    }

    async fn at(&mut self, today: &str) {
        self.app = opened(self.folder.path(), self.url.as_deref(), today).await;
    }

    pub(crate) async fn everybody(&self) -> RoadReport {
        road::run_all(&self.app, &machine(), &Scope::everything(), &Progress::default()).await.unwrap()
    }

    /// Every column that a run decides, and what the ledger made of it.
    pub(crate) async fn dump(&self) -> Vec<String> {
        let rows: Vec<(String,)> = self
            .app
            .db
            .all(
                "SELECT finding_key || '|' || rule_id || '|' || subject || '|' || subject_id || '|' || division_code || '|'
                        || level || '|' || since || '|' || until || '|' || evidence || '|' || state || '|' || end_reason
                        || '|' || CAST(version AS TEXT) || '|' || CAST(episode AS TEXT) || '|' || news
                 FROM finding ORDER BY finding_key",
                args![],
            )
            .await
            .unwrap();
        let items: Vec<(String,)> = self
            .app
            .db
            .all(
                "SELECT source_key || '|' || state || '|' || level || '|' || owner_name || '|' || deadline || '|'
                        || CAST(round AS TEXT) || '|' || CAST(finding_version AS TEXT)
                 FROM item ORDER BY source_key",
                args![],
            )
            .await
            .unwrap();
        rows.into_iter().chain(items).map(|row| row.0).collect()
    }

    /// What changes, as statements: text and values.
    fn statements(&mut self, change: &Change) -> (usize, Vec<(&'static str, Vec<taizhang::platform::Value>)>) {
        let now = self.app.clock.now_ms();
        self.signals += 1;
        let key = format!("row-{}", self.signals);
        match *change {
            Change::Signal { kind, of, amount } => {
                let (home, people) = &self.households[of];
                let kind = KINDS[kind];
                let about_home = kind == "housing.dangerous";
                let who = if about_home { *home } else { people[0] };
                let value = serde_json::json!({ "amount": amount, "grade": if amount % 2 == 0 { "C" } else { "A" } });
                let args = args![
                    Uuid::from_u128(0xD000_0000 + u128::from(self.signals)),
                    kind,
                    if about_home { "household" } else { "person" },
                    who,
                    (!about_home).then_some(who),
                    *home,
                    format!("2026-05-{:02}", 1 + amount % 28),
                    now,
                    value.to_string(),
                    key
                ];
                (of, vec![(SIGNAL, args)])
            }
            Change::EndSignal { of } => (
                of,
                vec![(
                    "UPDATE signal SET state = 'withdrawn', state_reason = 'excluded', state_at = $2
                     WHERE id = (SELECT id FROM signal WHERE household_id = $1 AND state = 'active' ORDER BY id LIMIT 1)",
                    args![self.households[of].0, now],
                )],
            ),
            Change::Income { of, yuan } => {
                let home = self.households[of].0;
                let args = args![home, yuan as f64, (yuan * 2) as f64];
                (of, vec![(INCOME, args)])
            }
            Change::Monitored { of, yes } => {
                let home = self.households[of].0;
                (of, vec![(MONITORED, args![home, !yes, if yes { "" } else { "2026-01" }])])
            }
            Change::Water { of, safe } => (
                of,
                vec![("UPDATE household SET safe_water = $2 WHERE id = $1", args![self.households[of].0, safe])],
            ),
            Change::Labour { of, able } => {
                let labour = if able { "普通劳动力" } else { "丧失劳动力" };
                (
                    of,
                    vec![(
                        "UPDATE person SET labour = $2 WHERE household_id = $1",
                        args![self.households[of].0, labour],
                    )],
                )
            }
            Change::WorksAway { of, far } => (
                of,
                vec![(
                    "UPDATE person SET work_division = $2 WHERE id = $1",
                    args![self.households[of].1[0], if far { FAR } else { "" }],
                )],
            ),
            Change::HelperIll { of } => {
                let args = args![
                    Uuid::from_u128(0xD000_0000 + u128::from(self.signals)),
                    "epidemic.confirmed",
                    "helper",
                    self.helpers[of],
                    None::<Uuid>,
                    self.households[of].0,
                    "2026-05-20",
                    now,
                    "{}",
                    key
                ];
                (of, vec![(SIGNAL, args)])
            }
        }
    }

    pub(crate) async fn change(&mut self, change: &Change, how: How) {
        // What reaches beyond the household is not for the write of one.
        let how = if matches!(change, Change::HelperIll { .. }) { How::Afterwards } else { how };
        let (of, statements) = self.statements(change);
        let home = self.households[of].0;
        let (today, now) = (self.app.clock.today(), self.app.clock.now_ms());
        let work = self.app.db.write::<_, RoadError, _>(move |tx| {
            Box::pin(async move {
                for (sql, args) in statements {
                    tx.run(sql, args).await?;
                }
                if how == How::InTheWrite {
                    road::household_changed(tx, &machine(), home, today, now).await?;
                }
                Ok(())
            })
        });
        work.await.unwrap();
        if how == How::Afterwards {
            road::signals_changed(&self.app, &machine(), &[home]).await.unwrap();
        }
    }

    /// A run for everybody has nothing to add.
    async fn is_complete(&self, what: &str) {
        let before = self.dump().await;
        let report = self.everybody().await;
        let f = report.findings;
        assert_eq!((f.opened, f.returned, f.changed, f.ended), (0, 0, 0, 0), "{what}");
        assert_eq!(report.items, Default::default(), "{what}");
        assert_eq!(self.dump().await, before, "{what}");
    }
}

const SIGNAL: &str =
    "INSERT INTO signal (id, kind, subject, subject_id, person_id, household_id, division_code, fact_date,
                         learnt_at, value, probability, source, row_key, version, state, state_at)
     VALUES ($1, $2, $3, $4, $5, $6, '990101001001', $7, $8, $9, 1.0, 'health.cases', $10, 1, 'active', $8)";
const INCOME: &str =
    "INSERT INTO household_income (household_id, year, division_code, wage, operating, property, transfer,
                         cost, net, per_capita, items, version, fingerprint, import_id, sheet, line, as_of, recorded_at)
     VALUES ($1, 2025, '990101001001', 0, 0, 0, 0, 0, $3, $2, '{}', 1, 0, $1, '', 1, '2026-01-01', 0)
     ON CONFLICT (household_id, year) DO UPDATE SET per_capita = excluded.per_capita, net = excluded.net";
const MONITORED: &str =
    "INSERT INTO monitoring (household_id, division_code, kind, identified_month, risks, eliminated,
                         eliminated_month, attrs, version, fingerprint, import_id, sheet, line, as_of, recorded_at)
     VALUES ($1, '990101001001', '脱贫不稳定户', '2025-03', '[]', $2, $3, '{}', 1, 0, $1, '', 1, '2026-01-01', 0)
     ON CONFLICT (household_id) DO UPDATE SET eliminated = excluded.eliminated,
         eliminated_month = excluded.eliminated_month";

async fn opened(folder: &Path, url: Option<&str>, today: &str) -> App {
    App::open(folder, url, Clock::fixed(day(today))).await.unwrap()
}

/// The same world on each database.
pub(crate) async fn worlds() -> Vec<World> {
    let mut out = vec![World::new(None).await];
    if postgres::wanted() {
        out.push(World::new(Some(postgres::fresh_database().await)).await);
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_changes_a_run_for_some_is_a_run_for_everybody_on_both_databases() {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let mut worlds = worlds().await;
    let mut met = std::collections::BTreeSet::new();
    for round in 0..14 {
        let script = changes().new_tree(&mut runner).unwrap().current();
        let mut dumps = Vec::new();
        for world in &mut worlds {
            if round == 0 {
                world.everybody().await;
            }
            for (change, how) in &script {
                world.change(change, *how).await;
            }
            world.is_complete(&format!("{} round {round}: {script:?}", world.app.db.name())).await;
            if round == 6 {
                // The day moves on: who was born, monitored or billed long enough ago is another.
                world.at("2026-11-20").await;
                world.everybody().await;
                world.is_complete("the next day").await;
            }
            if round == 10 {
                let other = SIXTY.replace("version = 1\n", "version = 2\n").replace("yuan = 5000", "yuan = 6500");
                assert_ne!(other, SIXTY);
                assess::load_profile(&world.app, &machine(), &other).await.unwrap();
                world.everybody().await;
                world.is_complete("another profile").await;
            }
            dumps.push(world.dump().await);
        }
        met.extend(dumps[0].iter().filter_map(|line| line.split('|').next().map(str::to_owned)));
        assert!(dumps.windows(2).all(|pair| pair[0] == pair[1]), "the databases differ in round {round}: {script:?}");
    }
    // A world in which little happens would show little.
    let rules = profile::parse("sixty", SIXTY).unwrap().rules;
    let hit = rules.iter().filter(|rule| met.contains(&rule.id)).count();
    assert!(hit >= 20, "{hit} rules: {met:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_for_everybody_beside_those_who_write_loses_nothing() {
    for mut world in worlds().await {
        let app = world.app.clone();
        let runs = tokio::spawn(async move {
            for _ in 0..6 {
                // Two at once now and then: a job of the server and somebody at the command line.
                let again = || road::run_all(&app, &THE_MACHINE, &ALL, &NOBODY_ASKS);
                let (a, b) = tokio::join!(again(), again());
                a.and(b).unwrap();
            }
        });
        let mut runner = TestRunner::deterministic();
        for _ in 0..12 {
            for (change, how) in changes().new_tree(&mut runner).unwrap().current() {
                world.change(&change, how).await;
            }
        }
        runs.await.unwrap();
        world.is_complete(world.app.db.name()).await;
    }
}

static THE_MACHINE: std::sync::LazyLock<taizhang::access::Actor> = std::sync::LazyLock::new(machine);
static ALL: std::sync::LazyLock<Scope> = std::sync::LazyLock::new(Scope::everything);
static NOBODY_ASKS: std::sync::LazyLock<Progress> = std::sync::LazyLock::new(Progress::default);

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_answered_with_the_findings_that_it_brought() {
    for world in worlds().await {
        let (home, people) = world.households[1].clone();
        let (today, now) = (world.app.clock.today(), world.app.clock.now_ms());
        let signal = args![
            Uuid::from_u128(1),
            "jobs.ended",
            "person",
            people[0],
            people[0],
            home,
            "2026-05-20",
            now,
            "{}",
            "row"
        ];
        let work = world.app.db.write::<_, RoadError, _>(move |tx| {
            Box::pin(async move {
                tx.run(SIGNAL, signal).await?;
                let first = road::household_changed(tx, &machine(), home, today, now).await?;
                tx.run("UPDATE signal SET state = 'withdrawn', state_reason = 'excluded'", args![]).await?;
                let second = road::household_changed(tx, &machine(), home, today, now).await?;
                Ok((first, second))
            })
        });
        let (first, second) = work.await.unwrap();
        let rules = |found: &[assess::Finding]| found.iter().map(|f| f.rule_id.clone()).collect::<Vec<_>>();
        let opened = rules(&first.findings.opened);
        assert!(opened.contains(&"R11".to_owned()) && first.items.opened >= 1, "{opened:?}");
        assert_eq!(rules(&second.findings.ended), ["R11", "W04"], "{second:?}");
        assert_eq!(second.items.cancelled, 2);
        // A write that is not kept leaves no finding either.
        let undone = world.app.db.write::<(), RoadError, _>(move |tx| {
            Box::pin(async move {
                tx.run("UPDATE signal SET state = 'active'", args![]).await?;
                road::household_changed(tx, &machine(), home, today, now).await?;
                Err(taizhang::platform::DbError::NotFound.into())
            })
        });
        undone.await.unwrap_err();
        let open = "SELECT COUNT(*) FROM finding WHERE rule_id = 'R11' AND state = 'open'";
        assert_eq!(world::number(&world.app, open, args![]).await, 0);
    }
}
