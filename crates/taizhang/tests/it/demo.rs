//! `taizhang demo` as a newcomer runs it, held against the truth that lies beside its files; and its pages in a browser.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use taizhang::args;

use crate::support::{self, postgres};

const PASSWORD: &str = "demo-Green7-Mountain";

fn taizhang() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taizhang"));
    command.env_remove("TAIZHANG_DATA").env_remove("TAIZHANG_DATABASE").stdin(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Runs the demo in a folder; what it says as JSON.
fn demo(folder: &Path, persons: &str, database: Option<&str>) -> Value {
    let mut command = taizhang();
    command.args(["demo", "--no-serve", "--json", "--persons", persons, "--password", PASSWORD, "--data"]).arg(folder);
    if let Some(url) = database {
        command.args(["--database", url]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A column of a truth file, of the rows that `keep` keeps.
fn truth(
    folder: &Path,
    file: &str,
    column: &str,
    keep: impl Fn(&csv::StringRecord, &csv::StringRecord) -> bool,
) -> BTreeSet<String> {
    let text = std::fs::read_to_string(folder.join("input/truth").join(file)).unwrap();
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let head = reader.headers().unwrap().clone();
    let at = head.iter().position(|h| h == column).unwrap();
    reader.records().map(Result::unwrap).filter(|row| keep(&head, row)).map(|row| row[at].to_owned()).collect()
}

fn field<'a>(head: &csv::StringRecord, row: &'a csv::StringRecord, name: &str) -> &'a str {
    &row[head.iter().position(|h| h == name).unwrap()]
}

/// What must be the same on both databases: everything but ids and times.
fn bare(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(key, _)| !matches!(key.as_str(), "id" | "seconds" | "password" | "input" | "comparison"))
                .map(|(key, value)| (key.clone(), bare(value)))
                .collect(),
        ),
        Value::Array(list) => Value::Array(list.iter().map(bare).collect()),
        Value::String(text) if text.parse::<uuid::Uuid>().is_ok() => Value::Null,
        other => other.clone(),
    }
}

#[tokio::test]
async fn the_whole_road_from_files_to_items_on_both_databases() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = folder.path().join("sqlite");
    let told = demo(&sqlite, "2000", None);
    for import in told["imports"].as_array().unwrap() {
        let number = |key: &str| import[key].as_i64().unwrap();
        assert_eq!(
            number("rows_total"),
            number("rows_new") + number("rows_changed") + number("rows_same") + number("rows_held"),
            "no row is lost: {import}"
        );
    }
    assert_eq!(told["persons"], 2000);
    let quality = &told["quality"];
    assert_eq!(quality["decided"], quality["decided_right"], "what is decided without a person is right: {quality}");
    assert!(quality["best_recall"].as_f64().unwrap() >= 0.95, "{quality}");

    // Every household of a registered, confirmed case that has a best candidate stands on the books.
    let app = support::open(&sqlite.join("data"), None).await;
    let rows: Vec<(String,)> = app
        .db
        .all("SELECT DISTINCT h.household_no FROM item i JOIN household h ON h.id = i.household_id", args![])
        .await
        .unwrap();
    let on_the_books: BTreeSet<String> = rows.into_iter().map(|(no,)| no).collect();
    let impacts = truth(&sqlite, "truth_impacts.csv", "household_no", |head, row| {
        field(head, row, "impact") == "works_in_high_tier_county"
    });
    let held = truth(&sqlite, "truth_quality.csv", "household_no", |head, row| field(head, row, "severity") == "error");
    let missed: Vec<&String> = impacts.difference(&on_the_books).filter(|no| !held.contains(*no)).collect();
    assert!(
        !impacts.is_empty() && missed.is_empty(),
        "{} touched households, not on the books: {missed:?}",
        impacts.len()
    );
    drop(app);

    // Again in the same folder: refused, and nothing of it touched.
    let again = taizhang().args(["demo", "--no-serve", "--data"]).arg(&sqlite).output().unwrap();
    assert_eq!(again.status.code(), Some(6), "{}", String::from_utf8_lossy(&again.stderr));

    if postgres::wanted() {
        let url = postgres::fresh_database().await;
        let other = demo(&folder.path().join("postgres"), "2000", Some(&url));
        assert_eq!(bare(&told), bare(&other));
    }
}

/// A server that stops when the test does.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `e2e/road.mjs` in headless Chromium. `TAIZHANG_SHOTS` names a folder for pictures of every page.
#[test]
fn the_pages_in_a_browser_in_both_languages_at_both_widths() {
    let scripts = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../e2e");
    assert!(
        scripts.join("node_modules/playwright-core").exists(),
        "the browser test needs Node.js 20, Chromium and `npm ci --prefix e2e`; .ci/test sees to all three"
    );
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("demo");
    let told = demo(&folder, "3000", None);
    let logins = told["logins"].as_array().unwrap();
    let village = logins.iter().find(|l| l["login"] == "village").unwrap()["division"].as_str().unwrap();
    let mut server = Server(
        taizhang()
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.join("data"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let mut said = String::new();
    let mut lines = BufReader::new(server.0.stdout.take().unwrap());
    let url = loop {
        assert!(lines.read_line(&mut said).unwrap() > 0, "the server stopped: {said}");
        if let Ok(value) = serde_json::from_str::<Value>(&said) {
            break value["url"].as_str().unwrap().to_owned();
        }
    };
    let output = Command::new("node")
        .arg(scripts.join("road.mjs"))
        .env("TAIZHANG_URL", url)
        .env("TAIZHANG_PASSWORD", PASSWORD)
        .env("TAIZHANG_VILLAGE", village)
        .env("TAIZHANG_INPUT", folder.join("input"))
        .output()
        .expect("node starts");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
