//! Visits, checks, coverage and the gap check, on both databases.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use taizhang::access::{Role, Scope};
use taizhang::args;
use taizhang::assess::profile::checks::{Checks, Indicator, Outcome};
use taizhang::assess::{self, profile};
use taizhang::platform::jobs::Progress;
use taizhang::platform::{App, Lang, UserError, ids};
use taizhang::screen::cover::{self, Which};
use taizhang::screen::entry::Raw;
use taizhang::screen::gap_export::{self, Edition};
use taizhang::screen::gaps::{self, State};
use taizhang::screen::model::{Became, ScreenError};
use taizhang::screen::rounds::{self, NewRound};
use taizhang::screen::{self, Correction, import};
use uuid::Uuid;

use crate::support::http::TestApp;
use crate::support::{each_database, machine, today};
use crate::world::{self, OTHER, VILLAGE};

fn raw(fields: &[(&str, &str)]) -> Raw {
    let mut out: Raw = [("visited_on", "2020-02-19"), ("channel", "on_site"), ("mode", "checks")]
        .into_iter()
        .map(|(field, text)| (field.to_owned(), text.to_owned()))
        .collect();
    out.extend(fields.iter().map(|(field, text)| ((*field).to_owned(), (*text).to_owned())));
    out
}

const FOOD: [(&str, &str); 2] = [("food.staple", "yes"), ("food.protein", "yes")];
const GOOD_WATER: [(&str, &str); 4] =
    [("water.litres", "60"), ("water.quality", "lab_good"), ("water.access", "piped"), ("water.outage_days", "0")];

/// Everything is well, for a household whose members have these ids and no child of school age.
fn all_well(day: &str, members: &[Uuid]) -> Raw {
    let mut out = raw(&[("visited_on", day), ("school", "asked"), ("clinic", "yes"), ("house.grade", "A")]);
    for (field, text) in FOOD.iter().chain(&GOOD_WATER) {
        out.insert((*field).to_owned(), (*text).to_owned());
    }
    for part in ["seasonal", "change", "bedding"] {
        out.insert(format!("clothing.{part}"), "yes".to_owned());
    }
    for member in members {
        for part in ["basic", "serious", "aid"] {
            out.insert(format!("cover.{member}.{part}"), "on".to_owned());
        }
    }
    out
}

fn with(mut out: Raw, fields: &[(&str, &str)]) -> Raw {
    out.extend(fields.iter().map(|(field, text)| ((*field).to_owned(), (*text).to_owned())));
    out
}

async fn record(app: &App, household: Uuid, raw: &Raw) -> screen::model::Recorded {
    screen::record(app, &machine(), household, ids::new_id(), raw).await.unwrap()
}

type Row = (String, String, String, i64, String);

async fn signals(app: &App) -> Vec<Row> {
    app.db
        .all(
            "SELECT kind, value, fact_date, version, state || state_reason FROM signal WHERE source = 'visit'
             ORDER BY kind, row_key, version",
            args![],
        )
        .await
        .unwrap()
}

async fn standing(app: &App, household: Uuid) -> BTreeMap<String, (String, String, String)> {
    let rows: Vec<(String, String, String, String)> = app
        .db
        .all(
            "SELECT indicator, result, since, checked_on FROM household_check WHERE household_id = $1",
            args![household],
        )
        .await
        .unwrap();
    rows.into_iter().map(|(indicator, a, b, c)| (indicator, (a, b, c))).collect()
}

fn rules(findings: &[assess::Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.rule_id.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_visit_finds_short_is_on_the_books_in_the_same_answer() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let (home, people) = world::household(&app, 1, VILLAGE, &["", ""]).await;
        let bad = with(all_well("2020-02-10", &people), &[("water.litres", "20"), ("food.protein", "no")]);
        let basic = format!("cover.{}.basic", people[1]);
        let done = record(&app, home, &with(bad, &[(&basic, "no")])).await;
        assert_eq!(done.became, Became::New);
        assert_eq!(rules(&done.opened), ["C01", "C03", "C06"]);
        assert_eq!(done.opened[1].person_id, Some(people[1]));
        let items = "SELECT COUNT(*) FROM item WHERE state = 'to_verify'";
        assert_eq!(world::number(&app, items, args![]).await, 3);
        let written = signals(&app).await;
        let kinds: Vec<&str> = written.iter().map(|row| row.0.as_str()).collect();
        assert_eq!(kinds, ["check.food", "check.insurance", "check.water"], "what was always met needs no signal");
        assert_eq!(written[2].1, r#"{"below":["quantity"],"result":"short"}"#);
        let water = ("short".to_owned(), "2020-02-10".to_owned(), "2020-02-10".to_owned());
        assert_eq!(standing(&app, home).await["water"], water);

        // Nothing changed, in one tap: the day moves, the beginning does not, and nothing is told anew.
        let same = raw(&[("mode", "unchanged"), ("channel", "phone")]);
        let done = record(&app, home, &same).await;
        assert!(done.opened.is_empty() && done.ended.is_empty());
        assert_eq!(
            standing(&app, home).await["water"],
            ("short".to_owned(), "2020-02-10".to_owned(), "2020-02-19".to_owned())
        );
        assert_eq!(signals(&app).await, written);

        // All is well: the findings end, and the items wait for somebody to check.
        let done = record(&app, home, &all_well("2020-02-20", &people)).await;
        assert_eq!((rules(&done.opened), rules(&done.ended)), (vec![], vec!["C01", "C03", "C06"]));
        assert_eq!(world::number(&app, items, args![]).await, 3);
        let active: Vec<Row> = signals(&app).await.into_iter().filter(|row| row.4 == "active").collect();
        assert!(active.iter().all(|row| row.1 == r#"{"result":"met"}"# && row.3 == 2), "{active:?}");

        let visits = "SELECT visits FROM household_visited WHERE household_id = $1";
        assert_eq!(world::number(&app, visits, args![home]).await, 3);
        let (last, all): (String, String) = app
            .db
            .one("SELECT last_phone, all_on FROM household_visited WHERE household_id = $1", args![home])
            .await
            .unwrap();
        assert_eq!((last.as_str(), all.as_str()), ("2020-02-19", "2020-02-20"));
        // A full run finds the same.
        let before: Vec<(String, String)> =
            app.db.all("SELECT finding_key, state FROM finding ORDER BY 1", args![]).await.unwrap();
        taizhang::road::run_all(&app, &machine(), &Scope::everything(), &Progress::default()).await.unwrap();
        let after: Vec<(String, String)> =
            app.db.all("SELECT finding_key, state FROM finding ORDER BY 1", args![]).await.unwrap();
        assert_eq!(before, after);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_or_late_upload_changes_nothing_that_is_newer() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let (home, people) = world::household(&app, 1, VILLAGE, &[""]).await;
        let id = ids::new_id();
        let fields = all_well("2020-02-18", &people);
        let first = screen::record(&app, &machine(), home, id, &fields).await.unwrap();
        assert_eq!(first.became, Became::New);
        let audit = "SELECT COUNT(*) FROM audit WHERE action = 'visit.record'";
        for _ in 0..3 {
            let again = screen::record(&app, &machine(), home, id, &fields).await.unwrap();
            assert_eq!(again.became, Became::Known);
        }
        assert_eq!(world::number(&app, audit, args![]).await, 1);
        let other = with(fields.clone(), &[("water.litres", "10")]);
        let error = screen::record(&app, &machine(), home, id, &other).await.unwrap_err();
        assert_eq!(error.code(), "screen.taken");
        // Ten at once are one.
        let id = ids::new_id();
        let mut uploads = tokio::task::JoinSet::new();
        for _ in 0..10 {
            let (app, fields) = (app.clone(), all_well("2020-02-19", &people));
            uploads.spawn(async move { screen::record(&app, &machine(), home, id, &fields).await.unwrap().became });
        }
        let outcomes = uploads.join_all().await;
        assert_eq!(outcomes.iter().filter(|became| **became == Became::New).count(), 1, "{outcomes:?}");

        // A week late, and bad: on record, and what stands is the newer one.
        let late = with(all_well("2020-02-11", &people), &[("water.litres", "10")]);
        let done = record(&app, home, &late).await;
        assert!(done.opened.is_empty(), "{:?}", rules(&done.opened));
        assert_eq!(standing(&app, home).await["water"].0, "met");
        assert_eq!(world::number(&app, "SELECT COUNT(*) FROM visit", args![]).await, 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_uploads_does_not_matter_on_either_database() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let mut ends = Vec::new();
        for (n, order) in [[0, 1, 2, 3], [3, 1, 0, 2], [2, 3, 1, 0]].into_iter().enumerate() {
            let (home, people) = world::household(&app, 1 + n as u128, VILLAGE, &[""]).await;
            let visits = [
                with(all_well("2020-02-10", &people), &[("house.grade", "D"), ("house.residence", "own")]),
                with(all_well("2020-02-12", &people), &[("water.outage_days", "40")]),
                raw(&[("visited_on", "2020-02-14"), ("mode", "unchanged")]),
                with(raw(&[("visited_on", "2020-02-16")]), &FOOD),
            ];
            let ids: Vec<Uuid> = visits.iter().map(|_| ids::new_id()).collect();
            for at in order {
                screen::record(&app, &machine(), home, ids[at], &visits[at]).await.unwrap();
            }
            let facts: Vec<(String, String, String)> = app
                .db
                .all(
                    "SELECT kind, value, fact_date FROM signal WHERE household_id = $1 AND state = 'active' ORDER BY kind",
                    args![home],
                )
                .await
                .unwrap();
            let open: Vec<(String,)> = app
                .db
                .all(
                    "SELECT rule_id FROM finding WHERE household_id = $1 AND state = 'open' ORDER BY rule_id",
                    args![home],
                )
                .await
                .unwrap();
            ends.push((standing(&app, home).await, facts, open));
        }
        assert_eq!(ends[0], ends[1]);
        assert_eq!(ends[0], ends[2]);
        assert_eq!(ends[0].2, [("C06".to_owned(),)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_keeps_what_was_said_and_takes_a_mistake_back() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let (home, people) = world::household(&app, 1, VILLAGE, &[""]).await;
        let officer = world::user(&app, "officer", Role::VillageOfficer, VILLAGE).await;
        let id = ids::new_id();
        let wrong = with(all_well("2020-02-18", &people), &[("water.litres", "3")]);
        let done = screen::record(&app, &officer, home, id, &wrong).await.unwrap();
        assert_eq!(rules(&done.opened), ["C06"]);
        let right = with(all_well("2020-02-18", &people), &[("water.litres", "63")]);
        let fix = |version, reason: &str| Correction { version, reason: reason.to_owned() };
        let error = screen::correct(&app, &officer, id, &right, fix(1, "  ")).await.unwrap_err();
        assert_eq!(error.code(), "screen.reason");
        let colleague = world::user(&app, "colleague", Role::VillageOfficer, VILLAGE).await;
        let error = screen::correct(&app, &colleague, id, &right, fix(1, "写错了数字")).await.unwrap_err();
        assert_eq!(error.code(), "screen.not_own");
        let done = screen::correct(&app, &officer, id, &right, fix(1, "写错了数字")).await.unwrap();
        assert_eq!((done.became, rules(&done.ended)), (Became::Corrected, vec!["C06"]));
        // Never true: the item is struck, not left for somebody to check.
        let state: (String,) = app.db.one("SELECT state FROM item", args![]).await.unwrap();
        assert_eq!(state.0, "cancelled");
        assert_eq!(signals(&app).await[0].4, "withdrawncorrected");
        let stale = screen::correct(&app, &officer, id, &wrong, fix(1, "再改一次")).await.unwrap_err();
        assert_eq!(stale.code(), "screen.stale");
        let (visit, versions) = screen::visit_file(&app, &officer, id).await.unwrap();
        assert_eq!((visit.version, versions.len(), versions[0].reason.as_str()), (2, 1, "写错了数字"));
        assert!(versions[0].data.contains("\"litres\":3.0"), "{}", versions[0].data);
        // Its own township may, and the fact counts on from where it stopped.
        let town = world::user(&app, "town", Role::TownshipStaff, "990101001").await;
        screen::correct(&app, &town, id, &wrong, fix(2, "现场复核确实不足")).await.unwrap();
        assert_eq!(signals(&app).await.last().map(|row| (row.3, row.4.clone())), Some((2, "active".to_owned())));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whoever_answers_for_a_household_records_its_visits() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let (home, _) = world::household(&app, 1, VILLAGE, &[""]).await;
        let (other, _) = world::household(&app, 2, OTHER, &[""]).await;
        let contact = world::contact("2020-02-19");
        let village = world::user(&app, "village", Role::VillageOfficer, VILLAGE).await;
        let county = world::user(&app, "county", Role::CountyStaff, "990101").await;
        let mut helper = world::user(&app, "liujun", Role::Helper, "990101").await;
        helper.name = "刘军".to_owned();
        helper.unit = "县林业局".to_owned();
        let go = async |actor, household| screen::record(&app, actor, household, ids::new_id(), &contact).await;
        assert!(go(&village, home).await.is_ok());
        assert_eq!(go(&village, other).await.unwrap_err().code(), "screen.not_found");
        assert_eq!(go(&county, home).await.unwrap_err().code(), "screen.forbidden");
        assert_eq!(go(&helper, home).await.unwrap_err().code(), "screen.not_found");
        let helps = world::helper(&app, home, VILLAGE, "刘军", 7).await;
        world::run(&app, "UPDATE helper SET unit = '县林业局' WHERE id = $1", args![helps]).await;
        assert!(go(&helper, home).await.is_ok());
        assert_eq!(go(&helper, other).await.unwrap_err().code(), "screen.not_found");
        let asked = cover::Asked::last_days(today(), 30);
        let (total, lines) = cover::coverage(&app, &helper, &helper.scope, &asked).await.unwrap();
        assert_eq!((total.registered, total.visited, lines.len()), (1, 1, 0), "a helper's own households alone");
        let error = screen::record(&app, &village, home, ids::new_id(), &raw(&[("food.staple", "maybe")])).await;
        let Err(ScreenError::Fields(faults)) = error else { panic!("{error:?}") };
        assert_eq!(faults[0].field, "food.staple");
        assert!(faults[0].message(Lang::Zh).contains("yes | no"));
    })
    .await;
}

/// A county of two townships: short, in doubt, incomplete, checked too long ago, unvisited.
async fn county(app: &App) -> Vec<Uuid> {
    world::divisions(app).await;
    let mut homes = Vec::new();
    for n in 1..=8_u128 {
        let village = if n <= 5 { VILLAGE } else { OTHER };
        let (home, people) = world::household(app, n, village, &["", ""]).await;
        let well = all_well("2020-02-15", &people);
        match n {
            1 => drop(record(app, home, &well).await),
            2 => drop(record(app, home, &with(well, &[("water.litres", "5"), ("food.staple", "no")])).await),
            3 => drop(record(app, home, &with(well, &[("house.grade", "none")])).await),
            4 => drop(record(app, home, &with(raw(&[("visited_on", "2020-02-10")]), &FOOD)).await),
            5 => drop(record(app, home, &all_well("2018-06-01", &people)).await),
            6 => drop(record(app, home, &with(well, &[("water.litres", "40")])).await),
            7 => drop(record(app, home, &world::contact("2020-02-01")).await),
            _ => {}
        }
        homes.push(home);
    }
    homes
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_of_the_gap_check_is_the_length_of_its_list() {
    each_database(|app| async move {
        county(&app).await;
        let checks = Checks::of(&assess::active_profile(&app, &machine()).await.unwrap().profile);
        let base = gaps::Asked::all(&checks, today());
        let whole = Scope::subtree("990101");
        let (total, places) = gaps::check(&app, &whole, &base).await.unwrap();
        assert_eq!((total.registered, total.complete), (8, 4), "households 1, 2, 3 and 6 are complete");
        let names: Vec<&str> = places.iter().map(|place| place.name.as_str()).collect();
        assert_eq!(names, ["新桥镇", "柳河镇"]);
        let water = total.counts[Indicator::Water as usize];
        assert_eq!((water.short, water.partly, water.met, water.unknown), (1, 1, 2, 4));
        // 2: water and food; 3: the house; 4: five unknown; 5, 7, 8: six each; 6: 基本安全 is no gap.
        assert_eq!(total.gaps(&checks), 2 + 1 + 5 + 18);
        let mut looked = 0;
        for place in places.iter().chain([&total]) {
            let scope = Scope::subtree(&place.code);
            let length = async |asked: &gaps::Asked| {
                let (lines, count) = gaps::list(&app, &checks, &scope, asked, (0, 1_000)).await.unwrap();
                assert_eq!(lines.len() as i64, count);
                lines
            };
            let every = length(&base).await;
            assert_eq!(every.len() as i64, place.gaps(&checks), "{}", place.name);
            for indicator in Indicator::ALL {
                for state in State::ALL {
                    let asked = gaps::Asked { indicator: Some(indicator), state: Some(state), ..base.clone() };
                    let lines = length(&asked).await;
                    let said = place.counts[indicator as usize].of(state);
                    assert_eq!(lines.len() as i64, said, "{} {indicator:?} {state:?}", place.name);
                    assert!(lines.iter().all(|line| line.state(asked.since) == state));
                    looked += 1;
                }
            }
            let sum: i64 = State::ALL.into_iter().map(|state| place.counts[0].of(state)).sum();
            assert_eq!(sum, place.registered, "nobody is left out of {}", place.name);
        }
        assert_eq!(looked, 3 * 6 * 4);
        // A page of the list after the other is the list.
        let (first, count) = gaps::list(&app, &checks, &whole, &base, (0, 20)).await.unwrap();
        let (rest, _) = gaps::list(&app, &checks, &whole, &base, (20, 20)).await.unwrap();
        assert_eq!((first.len() + rest.len()) as i64, count);

        // The file says the same, and the public one neither a full name nor what is wrong.
        let export = async |edition| {
            let bytes =
                gap_export::csv(&app, &machine(), &whole, &base, edition, "摘帽查缺补漏", Lang::Zh).await.unwrap();
            String::from_utf8(bytes).unwrap()
        };
        let (public, internal) = (export(Edition::Public).await, export(Edition::Internal).await);
        assert_eq!(public.lines().count() as i64, count + 1);
        assert!(internal.contains("赵2") && internal.contains("水量"), "{internal}");
        assert!(!public.contains("赵2") && public.contains("赵*") && !public.contains("水量"), "{public}");
        let book = gap_export::xlsx(&app, &machine(), &whole, &base, Edition::Internal, "摘帽查缺补漏", Lang::Zh).await;
        assert_eq!(&book.unwrap()[..2], b"PK");
        assert_eq!(
            gap_export::csv(&app, &machine(), &whole, &base, Edition::Public, " ", Lang::Zh).await.unwrap_err().code(),
            "screen.purpose"
        );
        let audited = "SELECT COUNT(*) FROM audit WHERE action = 'screen.export'";
        assert_eq!(world::number(&app, audited, args![]).await, 3);
        let staff = world::user(&app, "township", Role::TownshipStaff, "990101001").await;
        let refused = gap_export::csv(&app, &staff, &whole, &base, Edition::Public, "摘帽查缺补漏", Lang::Zh).await;
        assert_eq!(refused.unwrap_err().code(), "screen.forbidden");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn coverage_and_rounds_hide_nobody() {
    each_database(|app| async move {
        let homes = county(&app).await;
        let whole = Scope::subtree("990101");
        let all = (0, 1_000);
        let month = cover::Asked::last_days(today(), 30);
        let by_phone = cover::Asked { channel: Some(screen::model::Channel::Phone), ..month.clone() };
        let checked = cover::Asked { with_checks: true, ..month.clone() };
        let past =
            cover::Asked { since: "2018-01-01".parse().unwrap(), until: "2018-12-31".parse().ok(), ..month.clone() };
        for (asked, visited) in [(&month, 6), (&by_phone, 1), (&checked, 5), (&past, 1)] {
            let (total, lines) = cover::coverage(&app, &machine(), &whole, asked).await.unwrap();
            assert_eq!((total.registered, total.visited, total.never), (8, visited, 1), "{asked:?}");
            for line in lines.iter().chain([&total]) {
                let scope = Scope::subtree(&line.code);
                for (which, said) in
                    [(Which::Visited, line.visited), (Which::Unvisited, line.unvisited()), (Which::Never, line.never)]
                {
                    let (list, count) = cover::list(&app, &machine(), &scope, asked, which, all).await.unwrap();
                    assert_eq!((list.len() as i64, count), (said, said), "{} {which:?} {asked:?}", line.name);
                }
            }
        }
        let (never, _) = cover::list(&app, &machine(), &whole, &month, Which::Never, all).await.unwrap();
        assert_eq!(never[0].id, homes[7]);

        let staff = world::user(&app, "county", Role::CountyStaff, "990101").await;
        let new = NewRound {
            id: ids::new_id(),
            name: "春季排查".to_owned(),
            division: String::new(),
            from: "2020-02-01".parse().unwrap(),
            to: "2020-02-29".parse().unwrap(),
            on_site: true,
            with_checks: true,
        };
        let id = rounds::begin(&app, &staff, new.clone()).await.unwrap();
        assert_eq!(rounds::begin(&app, &staff, new.clone()).await.unwrap(), id, "the same again is the same");
        let (round, _, total, lines) = rounds::round(&app, &staff, id, "").await.unwrap();
        assert_eq!((round.state(today()), total.visited, total.registered, lines.len()), ("running", 5, 8, 2));
        let backwards = NewRound { id: ids::new_id(), to: "2020-01-01".parse().unwrap(), ..new.clone() };
        assert_eq!(rounds::begin(&app, &staff, backwards).await.unwrap_err().code(), "screen.round");
        // A village sees the round of its county, as far as it goes there.
        let officer = world::user(&app, "officer", Role::VillageOfficer, OTHER).await;
        let (_, scope, own, _) = rounds::round(&app, &officer, id, "").await.unwrap();
        assert_eq!((scope.root(), own.registered, own.visited), (OTHER, 3, 1));
        assert_eq!(rounds::begin(&app, &officer, new).await.unwrap_err().code(), "screen.forbidden");
        let elsewhere = world::user(&app, "far", Role::CountyStaff, world::FAR).await;
        assert!(rounds::rounds(&app, &elsewhere.scope).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_household_that_was_not_visited_in_time_is_found() {
    each_database(|app| async move {
        world::divisions(&app).await;
        assess::load_profile(&app, &machine(), profile::BUILT_IN).await.unwrap();
        let (home, people) = world::household(&app, 1, VILLAGE, &["", ""]).await;
        record(&app, home, &world::contact("2020-02-05")).await;
        world::signal(&app, "epidemic.confirmed", "person", people[0], home, "{}").await;
        taizhang::road::signals_changed(&app, &machine(), &[home]).await.unwrap();
        let open = "SELECT COUNT(*) FROM finding WHERE rule_id = 'C08' AND state = 'open'";
        assert_eq!(world::number(&app, open, args![]).await, 1);
        let list = assess::findings_of_household(&app.db, &Scope::everything(), home).await.unwrap();
        let late = list.iter().find(|finding| finding.rule_id == "C08").unwrap();
        let loaded = assess::active_profile(&app, &machine()).await.unwrap();
        let everywhere = Scope::everything();
        let said = assess::evidence_in_words(&app, &everywhere, &loaded.profile, &late.evidence, Lang::Zh);
        assert!(said.await.unwrap().concat().contains("15 天"));
        let done = record(&app, home, &world::contact("2020-02-20")).await;
        assert_eq!(rules(&done.ended), ["C08"], "a call ends it");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn past_visits_come_in_from_a_table_once() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let (home, people) = world::household(&app, 1, VILLAGE, &["", ""]).await;
        world::run(&app, "UPDATE person SET birth_date = '2010-05-01' WHERE id = $1", args![people[1]]).await;
        world::household(&app, 2, OTHER, &[""]).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("走访记录.csv");
        let head = "户编号,户主姓名,走访日期,走访方式,走访人,走访人身份,受访人,走访记录,是否无变化,主食够吃,能吃上肉蛋奶豆,就学情况,未参加基本医保成员,就近有医疗机构,房屋鉴定等级,现居住情况,水量,水质,供水方式,年停水天数,心情";
        let rows = [
            "H1,赵1,2020.2.10,入户,刘军,帮扶责任人,赵10,情况稳定,否,是,否,赵11:辍学,赵11,是,C级,住在本房,40,望闻问尝无异常,自来水入户,3,好",
            "H1,赵1,2020-02-15,电话,刘军,帮扶责任人,,,是,,,,,,,,,,,,",
            "H1,赵1,2020-02-16,入户,刘军,,,,,是,也许,,,,,,,,,,",
            "H2,赵2,2020-02-30,入户,孟洁,村干部,,,,,,,,,,,,,,,",
            "H9,某某,2020-02-16,入户,孟洁,村干部,,,,,,,,,,,,,,,",
            "合计,5,,,,,,,,,,,,,,,,,,,",
        ];
        std::fs::write(&file, format!("{head}\n{}\n", rows.join("\n"))).unwrap();
        let report = import::import_file(&app, &machine(), &file, true, &Progress::default()).await.unwrap();
        assert_eq!((report.rows, report.new, report.known, report.held), (5, 2, 0, 3), "{report:?}");
        assert_eq!(report.extra, ["心情"]);
        let held: Vec<(i64, &str, &str)> =
            report.held_rows.iter().map(|held| (held.line, held.column.as_str(), held.value.as_str())).collect();
        assert_eq!(held, [(4, "能吃上肉蛋奶豆", "也许"), (5, "走访日期", "2020-02-30"), (6, "户编号", "H9")]);
        assert!(report.held_rows[0].why_zh.contains("是 | 否"), "{:?}", report.held_rows[0]);
        let open: Vec<(String,)> =
            app.db.all("SELECT rule_id FROM finding WHERE state = 'open' ORDER BY rule_id", args![]).await.unwrap();
        let open: Vec<&str> = open.iter().map(|(rule,)| rule.as_str()).collect();
        assert_eq!(open, ["C01", "C02", "C03", "C05"]);
        assert_eq!(standing(&app, home).await["water"], ("partly".to_owned(), "2020-02-10".to_owned(), "2020-02-15".to_owned()));
        let again = import::import_file(&app, &machine(), &file, true, &Progress::default()).await.unwrap();
        assert_eq!((again.new, again.known, again.held), (0, 2, 3));
        assert_eq!(world::number(&app, "SELECT COUNT(*) FROM visit", args![]).await, 2);
        std::fs::write(&file, "姓名,电话\n张三,1\n").unwrap();
        let error = import::import_file(&app, &machine(), &file, true, &Progress::default()).await.unwrap_err();
        assert_eq!(error.code(), "screen.headers");
        assert!(error.message(Lang::Zh).contains("姓名、电话"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_a_visit_from_the_form_to_the_sheet() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let (home, people) = world::household(&app, 1, VILLAGE, &["", ""]).await;
        let server = TestApp::new(&app);
        let mut officer = server.login(Role::VillageOfficer, VILLAGE).await;
        let form = officer.get(&format!("/households/{home}/visit")).await;
        assert_eq!(form.status, StatusCode::OK, "{}", form.body);
        assert!(form.body.contains("水量") || form.body.contains("每人每天用水"));
        assert!(!form.body.contains("入户走访，情况无变化"), "nothing to take over yet");
        let id = ids::new_id().to_string();
        let post = async |officer: &mut crate::support::http::Browser, fields: &Raw| {
            let mut all: Vec<(&str, &str)> = vec![("id", &id)];
            all.extend(fields.iter().map(|(field, text)| (field.as_str(), text.as_str())));
            officer.post(&format!("/households/{home}/visits"), &all).await
        };
        let faulty = with(all_well("2020-02-19", &people), &[("water.litres", "很多")]);
        let reply = post(&mut officer, &faulty).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(reply.body.contains("很多") && reply.body.contains("每人每天用水"), "{}", reply.body);
        let bad = with(all_well("2020-02-19", &people), &[("water.litres", "12")]);
        let reply = post(&mut officer, &bad).await;
        assert!(reply.status.is_success() && reply.body.contains("入户核查：饮水不安全"), "{}", reply.body);
        let reply = post(&mut officer, &bad).await;
        assert!(reply.body.contains("没有改动"), "{}", reply.body);
        let json = officer.clone().with("accept", "application/json");
        let reply = post(&mut json.clone(), &bad).await;
        assert!(reply.body.contains("\"became\":\"known\""), "{}", reply.body);

        let card = officer.clone().with("hx-request", "true").get(&format!("/households/{home}/visits")).await;
        assert!(card.body.contains("不安全") && !card.body.contains("<html"), "{}", card.body);
        let form = officer.get(&format!("/households/{home}/visit")).await;
        assert!(form.body.contains("入户走访，情况无变化"), "in one tap");
        for (path, word) in [
            (format!("/households/{home}/visits"), "走访与核查"),
            (format!("/households/{home}/checks"), "每人每天 12 升"),
            (format!("/visits/{id}"), "每人每天 12 升"),
            (format!("/visits/{id}/edit"), "更正原因"),
            (format!("/households/{home}"), "走访与核查"),
            ("/screen".to_owned(), "覆盖率"),
            (format!("/screen/list?which=visited&division={VILLAGE}"), "赵1"),
            (format!("/screen/gaps?division={VILLAGE}"), "饮水安全 不安全"),
            (format!("/screen/gaps/list?division={VILLAGE}&indicator=water"), "水量"),
            ("/screen/rounds".to_owned(), "排查轮次"),
        ] {
            let reply = officer.get(&path).await;
            assert_eq!(reply.status, StatusCode::OK, "{path}");
            assert!(reply.body.contains(word), "{path}: {}", reply.body);
        }
        let mut county = server.login(Role::CountyStaff, "990101").await;
        let file = county
            .post("/screen/gaps/export", &[("purpose", "摘帽查缺补漏"), ("format", "csv"), ("edition", "internal")])
            .await;
        assert_eq!(file.status, StatusCode::OK, "{}", file.body);
        assert!(file.body.contains("水量") && file.header("content-disposition").contains("csv"));
        let reply = county.post("/screen/gaps/export", &[("purpose", "")]).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        let begun =
            county.post("/screen/rounds", &[("name", "春季排查"), ("from", "2020-02-01"), ("to", "2020-02-29")]).await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.body);
        let round = county.get(begun.location()).await;
        assert!(round.body.contains("春季排查") && round.body.contains("新桥镇"), "{}", round.body);
        assert_eq!(Outcome::from_name("short"), Some(Outcome::Short));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn visits_go_along_with_a_household_that_moves() {
    each_database(|app| async move {
        world::divisions(&app).await;
        let (home, people) = world::household(&app, 1, VILLAGE, &[""]).await;
        let bad = with(all_well("2020-02-19", &people), &[("water.litres", "12")]);
        record(&app, home, &bad).await;
        let import = ids::new_id();
        world::run(
            &app,
            "UPDATE household SET division_code = $2, import_id = $3 WHERE id = $1",
            args![home, OTHER, import],
        )
        .await;
        app.db
            .write::<_, taizhang::platform::DbError, _>(move |tx| {
                Box::pin(async move { screen::follow(tx, import).await })
            })
            .await
            .unwrap();
        let officer = world::user(&app, "officer", Role::VillageOfficer, OTHER).await;
        assert_eq!(screen::visits(&app, &officer.scope, home).await.unwrap().len(), 1);
        let checks = Checks::of(&assess::active_profile(&app, &machine()).await.unwrap().profile);
        let base = gaps::Asked::all(&checks, today());
        let (total, _) = gaps::check(&app, &officer.scope, &base).await.unwrap();
        assert_eq!(total.counts[Indicator::Water as usize].short, 1);
    })
    .await;
}
