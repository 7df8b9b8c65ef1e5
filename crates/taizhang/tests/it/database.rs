//! The one door to both databases: writes together, alone undone, and answered only when done.

use taizhang::args;
use taizhang::platform::{App, DbError, settings};

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
        let (rows,): (i64,) = app.db.one("SELECT COUNT(*) FROM setting", args![]).await.unwrap();
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
        let keys: Vec<(String,)> = app.db.all("SELECT key FROM setting ORDER BY key", args![]).await.unwrap();
        let keys: Vec<&str> = keys.iter().map(|(key,)| key.as_str()).collect();
        assert_eq!(keys, ["98", "99", "9901", "B", "Z", "a", "中"]);
    })
    .await;
}
