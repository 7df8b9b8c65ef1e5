//! The one door to both databases: writes together, alone undone, and answered only when done.

use std::sync::Arc;
use std::time::{Duration, Instant};

use taizhang::args;
use taizhang::platform::{App, DbError, ErrorKind, UserError, settings};
use tokio::sync::Notify;

use crate::support::each_database;

async fn put(app: &App, n: usize) -> Result<usize, DbError> {
    let now = app.clock.now_ms();
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let key = format!("n{n:03}");
                settings::set(tx, &key, &serde_json::json!(n), now).await?;
                match n % 10 {
                    3 => {
                        // The second insert of the same key fails after the first statement went through.
                        tx.run("INSERT INTO setting (key, value, updated_at) VALUES ($1, '0', 0)", args![&key]).await?;
                    }
                    7 => panic!("a fault inside a write"),
                    _ => {}
                }
                Ok(n)
            })
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_failing_and_a_panicking_write_are_undone_alone() {
    each_database(|app| async move {
        let tasks: Vec<_> = (0..300)
            .map(|n| {
                let app = app.clone();
                tokio::spawn(async move {
                    let outcome = put(&app, n).await;
                    // Through another connection: what was answered is there.
                    let kept = settings::get(&app.db, &format!("n{n:03}")).await.unwrap();
                    (n, outcome, kept)
                })
            })
            .collect();
        for task in tasks {
            let (n, outcome, kept) = task.await.unwrap();
            match n % 10 {
                3 => {
                    assert!(matches!(outcome, Err(DbError::Unique(_) | DbError::Driver(_))), "{n}: {outcome:?}");
                    assert_eq!(kept, None, "{n} failed and left something");
                }
                7 => {
                    assert!(matches!(outcome, Err(DbError::Undone)), "{n}: {outcome:?}");
                    assert_eq!(kept, None, "{n} panicked and left something");
                }
                _ => {
                    assert_eq!(outcome.unwrap(), n);
                    assert_eq!(kept, Some(serde_json::json!(n)), "{n} was answered and is not there");
                }
            }
        }
        let (rows,): (i64,) = app.db.one("SELECT COUNT(*) FROM setting WHERE key LIKE 'n%'", args![]).await.unwrap();
        assert_eq!(rows, 240);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let app = crate::support::open(folder.path(), None).await;
    for n in [1, 2, 4] {
        put(&app, n).await.unwrap();
    }
    drop(app);
    let app = crate::support::open(folder.path(), None).await;
    for n in [1, 2, 4] {
        let kept = settings::get(&app.db, &format!("n{n:03}")).await.unwrap();
        assert_eq!(kept, Some(serde_json::json!(n)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_ranges_go_by_code_point_on_both() {
    each_database(|app| async move {
        let now = app.clock.now_ms();
        app.db
            .write::<(), DbError, _>(move |tx| {
                Box::pin(async move {
                    for key in ["a", "B", "中", "Z", "99", "9901", "98"] {
                        settings::set(tx, key, &serde_json::json!(1), now).await?;
                    }
                    Ok(())
                })
            })
            .await
            .unwrap();
        let keys: Vec<(String,)> =
            app.db.all("SELECT key FROM setting WHERE key <> 'vault.proof' ORDER BY key", args![]).await.unwrap();
        let keys: Vec<&str> = keys.iter().map(|(key,)| key.as_str()).collect();
        assert_eq!(keys, ["98", "99", "9901", "B", "Z", "a", "中"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_write_whose_asker_goes_away_in_the_middle_is_whole() {
    each_database(|app| async move {
        let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (said, waits, now) = (Arc::clone(&begun), Arc::clone(&go_on), app.clock.now_ms());
        let asked = app.clone();
        let asker = tokio::spawn(async move {
            asked
                .db
                .write::<(), DbError, _>(move |tx| {
                    Box::pin(async move {
                        settings::set(tx, "first", &serde_json::json!(1), now).await?;
                        said.notify_one();
                        waits.notified().await;
                        settings::set(tx, "second", &serde_json::json!(2), now).await
                    })
                })
                .await
        });
        begun.notified().await;
        asker.abort();
        assert!(asker.await.unwrap_err().is_cancelled());
        assert_eq!(settings::get(&app.db, "first").await.unwrap(), None, "the half is not to be seen");
        go_on.notify_one();
        // Writes of others, kept and failed, on every connection that there is.
        let others: Vec<_> = (0..40)
            .map(|n| {
                let app = app.clone();
                tokio::spawn(async move { put(&app, n).await })
            })
            .collect();
        for other in others {
            let _ = other.await.unwrap();
        }
        let mut kept = (None, None);
        for _ in 0..100 {
            kept = (settings::get(&app.db, "first").await.unwrap(), settings::get(&app.db, "second").await.unwrap());
            assert_eq!(kept.0.is_some(), kept.1.is_some(), "half of a write was kept: {kept:?}");
            if kept.0.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(kept.0.is_some(), "a write under way comes to its end");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_wrong_is_told_even_if_the_connection_is_gone() {
    each_database(|app| async move {
        let postgres = app.db.name() == "postgres";
        let outcome = app
            .db
            .write::<(), DbError, _>(move |tx| {
                Box::pin(async move {
                    settings::set(tx, "lost", &serde_json::json!(1), 0).await?;
                    if postgres {
                        // After this neither COMMIT nor ROLLBACK can be sent.
                        let _ = tx.all::<(bool,)>("SELECT pg_terminate_backend(pg_backend_pid())", args![]).await;
                    }
                    Err(DbError::Version("the first fault".to_owned()))
                })
            })
            .await;
        assert!(matches!(&outcome, Err(DbError::Version(why)) if why == "the first fault"), "{outcome:?}");
        assert_eq!(settings::get(&app.db, "lost").await.unwrap(), None);
        for n in [1, 2, 4] {
            put(&app, n).await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_small_write_is_not_answered_late_because_a_long_one_came_with_it() {
    each_database(|app| async move {
        let sleep = |app: &App, ms: u64| {
            let app = app.clone();
            tokio::spawn(async move {
                app.db
                    .write_alone::<(), DbError, _>(move |_| {
                        Box::pin(async move {
                            tokio::time::sleep(Duration::from_millis(ms)).await;
                            Ok(())
                        })
                    })
                    .await
            })
        };
        // While the first holds the writer, a small, a long and a small one gather behind it.
        let first = sleep(&app, 300);
        tokio::time::sleep(Duration::from_millis(100)).await;
        let asked = Instant::now();
        let before = tokio::spawn({
            let app = app.clone();
            async move { put(&app, 1).await }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        let long = sleep(&app, 2_000);
        before.await.unwrap().unwrap();
        assert!(asked.elapsed() < Duration::from_millis(1_500), "{:?}", asked.elapsed());
        assert!(!long.is_finished());
        assert_eq!(settings::get(&app.db, "n001").await.unwrap(), Some(serde_json::json!(1)), "answered is durable");
        long.await.unwrap().unwrap();
        first.await.unwrap().unwrap();
    })
    .await;
}

/// What `serve` and an import from the command line do to each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_may_write_to_one_sqlite_file() {
    use sqlx::{ConnectOptions, Connection};
    let folder = tempfile::tempdir().unwrap();
    let app = crate::support::open(folder.path(), None).await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("taizhang.db"));
    let mut other = options.connect().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let waiting = tokio::spawn({
        let app = app.clone();
        async move { put(&app, 1).await }
    });
    // Longer than SQLite itself is patient.
    tokio::time::sleep(Duration::from_millis(3_000)).await;
    assert!(!waiting.is_finished());
    assert_eq!(settings::get(&app.db, "n001").await.unwrap(), None, "reading goes on");
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    waiting.await.unwrap().unwrap();

    // Whoever is refused learns that trying again helps.
    sqlx::raw_sql("PRAGMA busy_timeout = 10").execute(&mut other).await.unwrap();
    let (held, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (said, waits) = (Arc::clone(&held), Arc::clone(&release));
    let holder = tokio::spawn(async move {
        app.db
            .write::<(), DbError, _>(move |_| {
                Box::pin(async move {
                    said.notify_one();
                    waits.notified().await;
                    Ok(())
                })
            })
            .await
    });
    held.notified().await;
    let refused = sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap_err();
    let refused = DbError::from(refused);
    assert_eq!((refused.code(), refused.kind()), ("database.busy", ErrorKind::Busy), "{refused}");
    assert_eq!(refused.kind().exit_code(), 7);
    release.notify_one();
    holder.await.unwrap().unwrap();
    other.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_with_the_character_nul_is_wrong_input_on_both() {
    each_database(|app| async move {
        let read = settings::get(&app.db, "a\0b").await.unwrap_err();
        assert_eq!((read.kind(), read.code()), (ErrorKind::Invalid, "database.nul"));
        let written = app
            .db
            .write::<(), DbError, _>(|tx| {
                Box::pin(async move { settings::set(tx, "\0", &serde_json::json!(1), 0).await })
            })
            .await;
        assert!(matches!(written, Err(DbError::Nul)), "{written:?}");
        assert_eq!(settings::get(&app.db, "a").await.unwrap(), None, "the database still answers");
    })
    .await;
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_told_at_once_with_what_is_expected() {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new");
    // A port that was free a moment ago: nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = format!("postgres://who:secret@127.0.0.1:{port}/db");
    for (address, code) in [("mysql://who:secret@host/db", "database.scheme"), (&refused, "database.unreachable")] {
        let asked = Instant::now();
        let error = App::open(&new, Some(address), taizhang::platform::Clock::system()).await.unwrap_err();
        assert_eq!((error.code(), error.kind()), (code, ErrorKind::Invalid));
        for lang in [taizhang::platform::Lang::Zh, taizhang::platform::Lang::En] {
            let text = error.message(lang);
            assert!(text.contains("postgres://") && !text.contains("secret") && !text.contains("error-"), "{text}");
        }
        let looked = taizhang::platform::Db::look(Some(address), &new).await.unwrap_err();
        assert_eq!(looked.code(), code);
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_of_one_moment_see_one_state_whatever_is_written_between_them() {
    each_database(|app| async move {
        for n in 0..20 {
            put(&app, n * 10).await.unwrap();
        }
        let halves = [
            "SELECT key FROM setting WHERE key < 'n100' AND key LIKE 'n%' ORDER BY key",
            "SELECT key FROM setting WHERE key >= 'n100' AND key LIKE 'n%' ORDER BY key",
        ];
        let mut readers = app.db.readers(2).await.unwrap();
        assert_eq!(readers.len(), 2, "nothing is written meanwhile");
        let mut seen: Vec<(String,)> = readers[0].all(halves[0], args![]).await.unwrap();
        // Between the halves one moves from the first to the second, and one goes the other way.
        app.db
            .write::<(), DbError, _>(|tx| {
                Box::pin(async move {
                    tx.run("UPDATE setting SET key = 'n999' WHERE key = 'n050'", args![]).await?;
                    tx.run("UPDATE setting SET key = 'n001' WHERE key = 'n150'", args![]).await?;
                    Ok(())
                })
            })
            .await
            .unwrap();
        let now: Vec<(String,)> = app.db.all(halves[1], args![]).await.unwrap();
        assert!(now.contains(&("n999".to_owned(),)), "others see what was written");
        readers[1]
            .each::<(String,), DbError>(halves[1], args![], |row| {
                seen.push(row);
                Ok(())
            })
            .await
            .unwrap();
        let wanted: Vec<(String,)> = (0..20).map(|n| (format!("n{:03}", n * 10),)).collect();
        assert_eq!(seen, wanted, "each once, as before the write");
        // A reader sees its moment until it ends, also on a second look.
        let again: Vec<(String,)> = readers[0].all(halves[0], args![]).await.unwrap();
        assert_eq!(again.len(), 10);
        drop(readers);
        let mut fresh = app.db.readers(1).await.unwrap();
        let (count,): (i64,) = fresh[0].one("SELECT COUNT(*) FROM setting WHERE key = 'n999'", args![]).await.unwrap();
        assert_eq!(count, 1);
    })
    .await;
}
