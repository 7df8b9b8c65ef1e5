//! What-if says of a changed profile what putting it in force and assessing everybody then does, and changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::http::StatusCode;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use taizhang::access::{Role, Scope};
use taizhang::args;
use taizhang::assess::profile::edit::{self, Place};
use taizhang::assess::what_if::{Answer, Count, Question};
use taizhang::assess::{self, profile};
use taizhang::platform::DbError;
use taizhang::platform::jobs::{self, Progress};
use taizhang::web::job_handlers;
use uuid::Uuid;

use crate::engine::{How, SIXTY, World, changes, worlds};
use crate::support::http::TestApp;
use crate::support::{each_database, machine};
use crate::world::{self, OTHER, VILLAGE};

/// A household found by a rule, with the members whom it is about, and its division.
type Found = BTreeMap<(String, Uuid), BTreeSet<Uuid>>;

async fn found(world: &World) -> Found {
    let rows: Vec<(String, Uuid, Option<Uuid>)> = world
        .app
        .db
        .all("SELECT rule_id, household_id, person_id FROM finding WHERE state = 'open'", args![])
        .await
        .unwrap();
    let mut out = Found::new();
    for (rule, household, person) in rows {
        out.entry((rule, household)).or_default().insert(person.unwrap_or(household));
    }
    out
}

/// Those of `all` who are not among `other`, rule by rule.
fn only(all: &Found, other: &Found) -> Found {
    let mut out = Found::new();
    for (key, who) in all {
        let rest: BTreeSet<Uuid> = who.difference(other.get(key).unwrap_or(&BTreeSet::new())).copied().collect();
        if !rest.is_empty() {
            out.insert(key.clone(), rest);
        }
    }
    out
}

fn households(found: &Found, rule: Option<&str>) -> u64 {
    let of = found.keys().filter(|(id, _)| rule.is_none_or(|rule| rule == id));
    of.map(|(_, household)| *household).collect::<BTreeSet<Uuid>>().len() as u64
}

/// Everybody who moves, page by page.
async fn movers(world: &World, question: &Question, among: Option<Vec<Uuid>>, enters: bool) -> Found {
    let (mut out, mut after) = (Found::new(), None);
    loop {
        let (page, next) = question.movers(&world.app.db, among.clone(), enters, after, 3).await.unwrap();
        for mover in page {
            assert_eq!(mover.enters, enters);
            let who = if mover.persons.is_empty() { vec![mover.household] } else { mover.persons };
            out.entry((mover.rule, mover.household)).or_default().extend(who);
        }
        match next {
            Some(next) => after = Some(next),
            None => return out,
        }
    }
}

/// What somebody may change: each alone, and all at once.
fn edits() -> Vec<Vec<(Place, &'static str)>> {
    let all = vec![
        (Place::Line(0), "6500"),
        (Place::TierThreshold, "70"),
        (Place::Warning("inpatient_other".into()), "2000"),
        // Asked only of those who have a signal.
        (
            Place::Condition("R11".into()),
            "person.signals.exists(s, s.kind == \"jobs.ended\") && !person.signals.exists(s, s.kind == \"medical.self_pay\")",
        ),
        (Place::Condition("R09".into()), "!household.safe_water && !household.monitored"),
        (Place::Condition("R12".into()), "household.monitored && household.helper_count <= 1"),
    ];
    all.iter().map(|edit| vec![edit.clone()]).chain([all.clone()]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_if_says_what_applying_does_and_changes_nothing() {
    for mut world in worlds().await {
        let mut runner = TestRunner::deterministic();
        for _ in 0..12 {
            for (change, _) in changes().new_tree(&mut runner).unwrap().current() {
                world.change(&change, How::InTheWrite).await;
            }
        }
        let (mut came, mut went, mut version) = (0, 0, 1);
        for edit in edits() {
            let text = edit::edited(
                SIXTY,
                &edit.iter().map(|(place, to)| (place.clone(), (*to).to_owned())).collect::<Vec<_>>(),
            );
            let text = text.unwrap();
            let told = format!("{} {edit:?}", world.app.db.name());
            let before = Arc::new(profile::parse("before", SIXTY).unwrap());
            let after = Arc::new(profile::parse("after", &text).unwrap());
            world.everybody().await;
            let (now, books) = (found(&world).await, world.dump().await);
            let today = world.app.clock.today();
            let all = Scope::everything();
            let question = Question::new(&world.app.db, &before, &after, today, &all).await.unwrap();
            assert!(!question.rules().is_empty(), "{told}");
            let answer = question.exact(&world.app.db, &Progress::default()).await.unwrap();
            // Few are counted at once.
            assert_eq!(question.estimate(&world.app.db).await.unwrap(), answer, "{told}");
            assert!(answer.is_exact(), "{told}");
            let entering = movers(&world, &question, None, true).await;
            let leaving = movers(&world, &question, None, false).await;
            let among = answer.movers_of(question.rules());
            assert_eq!(movers(&world, &question, among.clone(), true).await, entering, "{told}");
            assert_eq!(movers(&world, &question, among, false).await, leaving, "{told}");
            assert_eq!(world.dump().await, books, "{told}");
            assert!(
                world.app.db.all::<(String,)>("SELECT key FROM policy_profile", args![]).await.unwrap().len()
                    <= version
            );

            // And now really.
            let (first, second) = (version + 1, version + 2);
            let numbered = |text: &str, to: usize| text.replace("version = 1\n", &format!("version = {to}\n"));
            let text = numbered(&text, first);
            let text = match profile::check("after", &text) {
                Ok(_) => text,
                Err(error) => edit::corrected(&text, &error.problems).unwrap(),
            };
            assess::load_profile(&world.app, &machine(), &text).await.unwrap();
            world.everybody().await;
            let then = found(&world).await;
            assert_eq!((&only(&then, &now), &only(&now, &then)), (&entering, &leaving), "{told}");
            agrees(&answer, &now, &then, &told);
            came += answer.all.households_in;
            went += answer.all.households_out;
            assess::load_profile(&world.app, &machine(), &numbered(SIXTY, second)).await.unwrap();
            version = second;
        }
        assert!(came >= 3 && went >= 3, "{came} {went}");
    }
}

/// Counts are those of the lists, whole and rule by rule.
fn agrees(answer: &Answer, now: &Found, then: &Found, told: &str) {
    let (entering, leaving) = (only(then, now), only(now, then));
    assert_eq!(answer.all.households_in, households(&entering, None), "{told}");
    assert_eq!(answer.all.households_out, households(&leaving, None), "{told}");
    for (rule, count) in &answer.rules {
        let of = |found: &Found| -> u64 {
            found.iter().filter(|((id, _), _)| id == rule).map(|(_, who)| who.len() as u64).sum()
        };
        let is = Count {
            persons_in: count.persons_in,
            persons_out: count.persons_out,
            ..Count {
                before: of(now),
                after: of(then),
                households_in: households(&entering, Some(rule)),
                households_out: households(&leaving, Some(rule)),
                ..Count::default()
            }
        };
        assert_eq!(*count, is, "{told} {rule}");
    }
    let counties = answer.counties.values().fold((0, 0), |(i, o), n| (i + n.households_in, o + n.households_out));
    assert_eq!(counties, (answer.all.households_in, answer.all.households_out), "{told}");
}

/// A number that has nothing to do with the one that it is made of.
fn mixed(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_figure_comes_from_a_sample_and_lies_near_the_exact_one() {
    const MANY: u64 = 16_000;
    each_database(|app| async move {
        world::divisions(&app).await;
        let rows: Vec<_> = (0..MANY)
            .map(|n| {
                let id = Uuid::from_u128(u128::from(mixed(n)) << 64 | u128::from(n));
                let village = if n % 4 == 0 { OTHER } else { VILLAGE };
                // One in ten without safe water.
                let water = !mixed(n + MANY).is_multiple_of(10);
                args![
                    id,
                    format!("H{n}"),
                    village,
                    "赵",
                    1_i64,
                    "{}",
                    1_i64,
                    mixed(n) as i64,
                    id,
                    "",
                    1_i64,
                    "2026-01-01",
                    0_i64,
                    water
                ]
            })
            .collect();
        let work = app.db.write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                tx.insert_many(
                    "INSERT INTO household (id, household_no, division_code, head_name, member_count, attrs, version,
                                            fingerprint, import_id, sheet, line, as_of, recorded_at, safe_water)",
                    "",
                    rows,
                )
                .await
            })
        });
        work.await.unwrap();
        let edit = (Place::Condition("R09".to_owned()), "!household.safe_water && household.monitored".to_owned());
        let before = Arc::new(profile::parse("before", SIXTY).unwrap());
        let after = Arc::new(profile::parse("after", &edit::edited(SIXTY, &[edit]).unwrap()).unwrap());
        let today = app.clock.today();
        for (scope, part) in [(Scope::everything(), 1.0), (Scope::subtree("990101001"), 0.75)] {
            let question = Question::new(&app.db, &before, &after, today, &scope).await.unwrap();
            let first = question.estimate(&app.db).await.unwrap();
            let exact = question.exact(&app.db, &Progress::default()).await.unwrap();
            assert_eq!(exact.of, (MANY as f64 * part) as u64);
            assert_eq!(first.is_exact(), exact.of <= 12_000);
            assert!(exact.is_exact() && exact.all.households_in == 0);
            let share = exact.all.households_out as f64 / exact.of as f64;
            assert!((0.09..0.11).contains(&share), "{share}");
            if first.is_exact() {
                assert_eq!(first, exact);
                continue;
            }
            assert!((3_500..4_500).contains(&first.asked) && first.of == exact.of, "{first:?}");
            let (said, margin) = (first.scaled(first.all.households_out), first.margin(first.all.households_out));
            assert!(margin > 0 && margin < said / 5, "{said} ± {margin}");
            assert!(said.abs_diff(exact.all.households_out) <= margin, "{said} ± {margin}: {exact:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_who_enters_and_applies_only_when_told() {
    for world in worlds().await {
        let app = &world.app;
        let (home, _) = world::household(app, 77, VILLAGE, &[""]).await;
        world::run(app, "UPDATE household SET dangerous_house = TRUE WHERE id = $1", args![home]).await;
        world.everybody().await;
        let books = world.dump().await;
        let site = TestApp::new(app);
        let mut browser = site.login(Role::Analyst, "99").await;
        browser.get("/lang/en?next=/").await;

        let form = browser.get("/assess/profile/what-if").await;
        assert!(form.body.contains("name=\"line.0\" value=\"5000\""), "{}", form.body);
        let path = "/assess/profile/what-if";
        let wrong = browser.post(path, &[("line.0", "viel")]).await;
        assert!(wrong.status == StatusCode::OK && wrong.body.contains("cannot be “viel”"), "{}", wrong.body);
        let same = browser.post(path, &[("line.0", "5000")]).await;
        assert!(same.body.contains("Nothing was changed"), "{}", same.body);
        let broken = browser.post(path, &[("rule.R08", "household.no_such_field")]).await;
        assert!(broken.body.contains("no_such_field") && broken.body.contains("role=\"alert\""), "{}", broken.body);

        let sent = browser.post(path, &[("rule.R08", "household.housing_grade in [\"D\"]")]).await;
        let job = sent.location().to_owned();
        assert!(job.starts_with("/assess/profile/what-if/"), "{job}");
        // Before the job has run: the first figure, which is exact where few are concerned.
        let first = browser.get(&job).await;
        assert!(first.body.contains("hx-trigger=\"every 1s\"") && first.body.contains("Exact: all"), "{}", first.body);
        while jobs::run_next(app, &job_handlers()).await.unwrap() {}
        let page = browser.get(&job).await;
        assert!(!page.body.contains("hx-trigger"), "{}", page.body);
        assert!(page.body.contains("Exact: 13 households were asked"), "{}", page.body);
        assert!(page.body.contains("way=out&#38;rule=R08") || page.body.contains("way=out&rule=R08"), "{}", page.body);
        let list = browser.get(&format!("{job}/list?way=out&rule=R08&county=990101")).await;
        assert!(list.body.contains(&format!("/households/{home}")), "{}", list.body);
        assert!(browser.get(&format!("{job}/list?way=in&rule=R08")).await.body.contains("There are none"));
        assert_eq!(world.dump().await, books, "{}", app.db.name());
        let in_force = "SELECT COUNT(*) FROM policy_term";
        assert_eq!(world::number(app, in_force, args![]).await, 1);

        // Somebody of another place sees nothing of it.
        let mut other = site.login(Role::CountyStaff, "990202").await;
        assert_eq!(other.get(&job).await.status, StatusCode::NOT_FOUND);

        // The examples that the profile brings say otherwise: they are shown, and applying without them is refused.
        assert!(page.body.contains("rule R08 does not find this example"), "{}", page.body);
        let apply = format!("{job}/apply");
        let kept = browser.post(&apply, &[("version", "2")]).await;
        assert!(kept.status != StatusCode::SEE_OTHER && kept.body.contains("rule R08"), "{}", kept.body);
        let taken = browser.post(&apply, &[("version", "1"), ("examples", "correct")]).await;
        assert_ne!(taken.status, StatusCode::SEE_OTHER, "version 1 is taken by another text");
        let wrong = browser.post(&apply, &[("version", "x"), ("examples", "correct")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.body);
        assert_eq!(world::number(app, in_force, args![]).await, 1);
        let applied = browser.post(&apply, &[("version", "2"), ("examples", "correct")]).await;
        assert_eq!(applied.status, StatusCode::SEE_OTHER, "{}", applied.body);
        assert_eq!(world::number(app, in_force, args![]).await, 2);
        let late = browser.get(&job).await;
        assert!(late.body.contains("Another profile was applied meanwhile"), "{}", late.body);
        world.everybody().await;
        let open = "SELECT COUNT(*) FROM finding WHERE rule_id = 'R08' AND state = 'open' AND household_id = $1";
        assert_eq!(world::number(app, open, args![home]).await, 0);
    }
}
