//! Many people at work on the ledger at once, for minutes, then `kill -9` and a recount: how many durable updates a second,
//! how long each was waited for, and whether anything that was acknowledged is lost.
//!
//!     cargo bench -p taizhang --bench ledger_load -- --seconds 300
//!
//! A child process makes an installation and walks its items through their whole lives (start, measures, progress,
//! money, asking for the closing, check on site, closing, reopening), each step through [`ledger::act`] with its event,
//! its audit entry and its count in the roll-up; it writes a line for each step once that is acknowledged. The parent
//! reads the lines, kills the child in the middle, opens what is left and counts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use taizhang::access::{Actor, Role, Scope, audit};
use taizhang::args;
use taizhang::assess;
use taizhang::ledger::model::{Action, MoneyKind, NewMoney, State, Step};
use taizhang::ledger::{self, model};
use taizhang::platform::{App, Clock, DbError, Lang, Value, ids};
use uuid::Uuid;

struct Asked {
    seconds: u64,
    clients: usize,
    items: usize,
    data: PathBuf,
    child: bool,
}

fn asked() -> Asked {
    let words: Vec<String> = std::env::args().collect();
    let of = |name: &str| words.iter().position(|w| w == name).and_then(|at| words.get(at + 1)).cloned();
    let number = |name: &str, otherwise: u64| of(name).map_or(otherwise, |text| text.parse().expect("a number"));
    Asked {
        seconds: number("--seconds", 10),
        clients: number("--clients", 128) as usize,
        items: number("--items", 20_000) as usize,
        data: of("--data")
            .map_or_else(|| std::env::temp_dir().join(format!("taizhang-load-{}", std::process::id())), PathBuf::from),
        child: words.iter().any(|word| word == "--child"),
    }
}

fn main() {
    let asked = asked();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if asked.child {
        runtime.block_on(work(asked));
    } else {
        runtime.block_on(watch(&asked));
    }
}

async fn open(folder: &Path) -> App {
    App::open(folder, None, Clock::system()).await.unwrap()
}

async fn insert(app: &App, head: &'static str, rows: Vec<Vec<Value>>) {
    app.db
        .write::<_, DbError, _>(move |tx| Box::pin(async move { tx.insert_many(head, "", rows).await.map(|_| ()) }))
        .await
        .unwrap();
}

const PLACES: u64 = 500;

fn village(n: u64) -> String {
    format!("{}", 990_101_001_000 + n % PLACES)
}

/// Two who work and two who check: nobody has a hand in the work that they check.
fn people() -> Vec<Actor> {
    (0..4)
        .map(|n| Actor {
            user_id: Some(ids::new_id()),
            login: format!("load-{n}"),
            name: format!("load-{n}"),
            unit: String::new(),
            role: Role::CountyStaff,
            scope: Scope::subtree("990101"),
            lang: Lang::Zh,
            is_machine: false,
        })
        .collect()
}

async fn world(app: &App, count: usize) -> (Vec<Actor>, Vec<Uuid>) {
    let profile = assess::active_profile(app, &Actor::machine(Lang::Zh)).await.unwrap();
    let ledger = profile.profile.ledgers.keys().next().unwrap().clone();
    let today = app.clock.today().to_string();
    let measures = serde_json::json!([
        { "id": "health", "required": true, "done": false }, { "id": "social_security", "required": true, "done": false },
    ])
    .to_string();
    let (mut items, mut item_rows, mut event_rows) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..count as u64 {
        let id = ids::new_id();
        items.push(id);
        item_rows.push(args![
            id,
            format!("负载-{n:06}"),
            &ledger,
            "finding",
            "E01",
            village(n),
            "{}",
            "severe",
            "to_verify",
            1_i64,
            "",
            village(n),
            "",
            &today,
            &measures,
            1_i64,
            profile.id,
            0_i64,
            &today,
            0_i64
        ]);
        event_rows.push(args![
            ids::new_id(),
            id,
            1_i64,
            1_i64,
            0_i64,
            &today,
            village(n),
            "",
            "open",
            "",
            "to_verify",
            "",
            "{}",
            &ledger,
            "finding",
            1_i64
        ]);
    }
    insert(
        app,
        "INSERT INTO item (id, number, ledger, source, rule_id, division_code, title, level, state, round, owner_unit,
                           owner_division, owner_name, deadline, measures, version, profile_id, opened_at, opened_on, updated_at)",
        item_rows,
    )
    .await;
    insert(
        app,
        "INSERT INTO item_event (id, item_id, seq, round, at, day, division_code, actor_name, action, from_state, to_state,
                                 note, data, ledger, source, version)",
        event_rows,
    )
    .await;
    let mut opened = std::collections::BTreeMap::<String, i64>::new();
    for n in 0..count as u64 {
        *opened.entry(village(n)).or_default() += 1;
    }
    let rows = opened
        .into_iter()
        .map(|(place, n)| args![&ledger, "finding", place, &today, n, 0_i64, 0_i64, 0_i64, 0_i64, 0_i64])
        .collect();
    insert(
        app,
        "INSERT INTO item_rollup (ledger, source, division_code, day, opened, reopened, closed, cancelled, moved_in, moved_out)",
        rows,
    )
    .await;
    (people(), items)
}

/// What one client does with its next item: the next step of its life.
fn next(state: State, measure: usize, turn: u64, day: chrono::NaiveDate) -> (usize, Action) {
    match state {
        State::ToVerify | State::Assigned | State::Returned => (0, Action::Start),
        State::InProgress if turn.is_multiple_of(3) => (0, Action::Progress),
        State::InProgress if turn.is_multiple_of(7) => {
            let money = NewMoney { kind: MoneyKind::Spent, source: "county".to_owned(), fen: 12_345, day };
            (1, Action::Money(money))
        }
        State::InProgress if measure < 2 => {
            (1, Action::Measure { id: ["health", "social_security"][measure].to_owned() })
        }
        State::InProgress => (0, Action::Submit),
        State::Submitted => (2, Action::Check),
        State::Checking => (2, Action::Pass { place: "到户".to_owned() }),
        State::Closed | State::Cancelled => (3, Action::Reopen),
    }
}

async fn work(asked: Asked) {
    let app = open(&asked.data).await;
    let (people, items) = world(&app, asked.items).await;
    let (sender, acks) = std::sync::mpsc::channel::<(Uuid, u128)>();
    std::thread::spawn(move || {
        let mut out = std::io::BufWriter::new(std::io::stdout());
        while let Ok(first) = acks.recv() {
            for (event, micros) in std::iter::once(first).chain(acks.try_iter().take(500)) {
                writeln!(out, "{} {micros}", event.simple()).unwrap();
            }
            out.flush().unwrap();
        }
    });
    println!("ready");
    let clients: Vec<_> = (0..asked.clients)
        .map(|client| {
            let (app, people, sender) = (app.clone(), people.clone(), sender.clone());
            let mine: Vec<Uuid> = items.iter().skip(client).step_by(asked.clients).copied().collect();
            tokio::spawn(async move {
                let day = app.clock.today();
                let mut known: Vec<(i64, State, usize)> = vec![(1, State::ToVerify, 0); mine.len()];
                for turn in 0_u64.. {
                    let at = turn as usize % mine.len();
                    let (version, state, measures) = known[at];
                    let (who, action) = next(state, measures, turn / mine.len() as u64 + turn, day);
                    let measures = match &action {
                        Action::Measure { .. } => measures + 1,
                        Action::Reopen => 0,
                        _ => measures,
                    };
                    let step = Step {
                        event_id: ids::new_id(),
                        version,
                        action,
                        note: "已到户核实，按措施逐项落实，情况属实".to_owned(),
                    };
                    let (event, begun) = (step.event_id, Instant::now());
                    let done = ledger::act(&app, &people[who], mine[at], step).await.unwrap();
                    known[at] = (done.version, done.state, measures);
                    if sender.send((event, begun.elapsed().as_micros())).is_err() {
                        return;
                    }
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
}

async fn watch(asked: &Asked) {
    let words = [
        "--child".to_owned(),
        "--clients".to_owned(),
        asked.clients.to_string(),
        "--items".to_owned(),
        asked.items.to_string(),
        "--data".to_owned(),
        asked.data.display().to_string(),
    ];
    std::fs::create_dir_all(&asked.data).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap()).args(words).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    let begun = Instant::now();
    let ends = begun + Duration::from_secs(asked.seconds);
    let (mut acked, mut waits, mut windows) = (Vec::new(), Vec::new(), Vec::new());
    let mut killed = None;
    for line in lines {
        let Ok(line) = line else { break };
        // What the pipe still holds when the child is dead was acknowledged as well; half a line was not.
        let Some((event, micros)) = line.split_once(' ') else { continue };
        let (Ok(event), Ok(micros)) = (event.parse::<Uuid>(), micros.parse::<u64>()) else { continue };
        acked.push(event);
        if killed.is_some() {
            continue;
        }
        waits.push(micros);
        let window = begun.elapsed().as_secs() as usize / 10;
        if windows.len() <= window {
            windows.resize(window + 1, 0_u64);
        }
        windows[window] += 1;
        if Instant::now() >= ends {
            child.kill().unwrap();
            killed = Some(begun.elapsed());
        }
    }
    let took = killed.expect("the child ended by itself");
    child.wait().unwrap();
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize] as f64 / 1000.0;
    println!(
        "{} updates in {:.1} s: {:.0} a second; waited ms: p50 {:.1}, p95 {:.1}, p99 {:.1}, p99.9 {:.1}, most {:.1}",
        waits.len(),
        took.as_secs_f64(),
        waits.len() as f64 / took.as_secs_f64(),
        at(0.5),
        at(0.95),
        at(0.99),
        at(0.999),
        at(1.0)
    );
    let whole: Vec<u64> = windows.iter().take((took.as_secs() / 10) as usize).map(|n| n / 10).collect();
    println!("a second, in each ten seconds: {whole:?}");

    let app = open(&asked.data).await;
    let rows: Vec<(Uuid,)> = app.db.all("SELECT id FROM item_event WHERE actor_id IS NOT NULL", args![]).await.unwrap();
    let kept: HashSet<Uuid> = rows.into_iter().map(|row| row.0).collect();
    let lost = acked.iter().filter(|event| !kept.contains(event)).count();
    let (broken,): (i64,) = app
        .db
        .one(
            "SELECT COUNT(*) FROM item i WHERE i.version <> (SELECT COUNT(*) FROM item_event e WHERE e.item_id = i.id)
                 OR i.state <> (SELECT e.to_state FROM item_event e WHERE e.item_id = i.id ORDER BY e.seq DESC LIMIT 1)",
            args![],
        )
        .await
        .unwrap();
    let chain = audit::verify(&app.db).await.unwrap();
    let books = ledger::reconcile(&app, &Actor::machine(Lang::Zh), "").await.unwrap();
    let steps = steps_of(&app).await;
    println!(
        "after kill -9: {} acknowledged, {} in the log, {lost} lost; items that differ from their log {broken}; audit chain \
         of {} entries {}; books {} faults; {steps}",
        acked.len(),
        kept.len(),
        chain.entries,
        if chain.fault.is_none() { "whole" } else { "BROKEN" },
        books.faults.len()
    );
    let sound = lost == 0 && broken == 0 && chain.fault.is_none() && books.faults.is_empty();
    drop(app);
    std::fs::remove_dir_all(&asked.data).unwrap();
    assert!(sound, "not everything that was acknowledged is there");
}

/// What the updates were.
async fn steps_of(app: &App) -> String {
    let rows: Vec<(String, i64)> = app
        .db
        .all(
            "SELECT action, COUNT(*) FROM item_event WHERE actor_id IS NOT NULL GROUP BY action ORDER BY 2 DESC",
            args![],
        )
        .await
        .unwrap();
    let works = rows.iter().filter(|(action, _)| model::is_work(action, "in_progress")).map(|(_, n)| n).sum::<i64>();
    let all: Vec<String> = rows.iter().map(|(action, n)| format!("{action} {n}")).collect();
    format!("{} ({works} of them work)", all.join(", "))
}
