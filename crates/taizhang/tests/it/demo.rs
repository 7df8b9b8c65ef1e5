//! `taizhang demo` as a newcomer runs it, held against the truth that lies beside its files; and its pages in a browser.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use taizhang::args;
use taizhang::compare::{self, model::Verdict};
use taizhang::platform::App;
use uuid::Uuid;

use crate::support::{self, machine, postgres};

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

/// Households that a rule finds touched now.
async fn households_of(app: &App, rule: &str) -> BTreeSet<String> {
    let rows: Vec<(String,)> = app
        .db
        .all(
            "SELECT DISTINCT h.household_no FROM finding f JOIN household h ON h.id = f.household_id
             WHERE f.rule_id = $1 AND f.until = ''",
            args![rule],
        )
        .await
        .unwrap();
    rows.into_iter().map(|(no,)| no).collect()
}

/// An open row, its key, file and line; a candidate and what it is; the person and the household that it means.
type Open = (Uuid, String, String, i64, Uuid, String, Option<String>, Option<String>);

/// Decides every open row of the health lists as somebody would who knows the truth.
async fn review(app: &App, folder: &Path) {
    let text = std::fs::read_to_string(folder.join("input/truth/truth_impacts.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let head = reader.headers().unwrap().clone();
    let (mut persons, mut helped) = (BTreeSet::new(), BTreeSet::new());
    for row in reader.records().map(Result::unwrap) {
        let (impact, household) = (field(&head, &row, "impact"), field(&head, &row, "household_no").to_owned());
        let (list, line) = (field(&head, &row, "list").to_owned(), field(&head, &row, "row").to_owned());
        match impact {
            "close_contact" => {
                persons.insert((format!("{list}/{line}"), field(&head, &row, "person_no").to_owned()));
            }
            _ if impact.starts_with("case_") => {
                persons
                    .insert((field(&head, &row, "reference").to_owned(), field(&head, &row, "person_no").to_owned()));
            }
            _ if impact.starts_with("helper_") => {
                helped.insert((field(&head, &row, "reference").to_owned(), household));
            }
            _ => {}
        }
    }
    let open: Vec<Open> = app
        .db
        .all(
            "SELECT r.id, r.row_key, c.file_name, r.line, m.id, m.subject, p.person_no, h.household_no
             FROM list_row r
             JOIN comparison c ON c.id = r.comparison_id
             JOIN match_candidate m ON m.list_row_id = r.id AND m.verdict = 'pending'
             LEFT JOIN person p ON p.id = m.subject_id
             LEFT JOIN household h ON h.id = m.household_id
             WHERE r.current AND r.outcome = 'review' AND r.source IN ('health.cases', 'health.contacts')
             ORDER BY r.id, m.id",
            args![],
        )
        .await
        .unwrap();
    let mut done = BTreeSet::new();
    for (row, card, list, line, candidate, subject, person, household) in open {
        let person = person.unwrap_or_default();
        let right = persons.contains(&(card.clone(), person.clone()))
            || persons.contains(&(format!("{list}/{line}"), person))
            || (subject == "helper" && helped.contains(&(card, household.unwrap_or_default())));
        if right && done.insert(row) {
            compare::decide(app, &machine(), row, Some(candidate), Verdict::Confirm, "").await.unwrap();
        }
    }
}

/// What must be the same on both databases: everything but ids and times.
fn bare(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(key, _)| !matches!(key.as_str(), "id" | "seconds" | "took" | "password" | "input" | "comparison"))
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

    for (list, quality) in told["list_quality"].as_object().unwrap() {
        let number = |key: &str| quality[key].as_i64().unwrap();
        assert_eq!(number("decided"), number("decided_right"), "{list}: {quality}");
        assert!(number("best_right") * 10 >= number("truth") * 8, "{list}: {quality}");
    }
    let rules = &told["rule_quality"]["all"];
    assert!(rules["planted"].as_i64().unwrap() > 20, "{rules}");
    assert_eq!(rules["planted"], rules["right"], "what was planted is found: {}", told["rule_quality"]);
    assert_eq!(rules["found"], rules["right"], "nothing else is found: {}", told["rule_quality"]);

    // Departments' warnings: what they raise is borne out, and whoever has a large bill is among them.
    let clues = &told["clue_quality"];
    let number = |key: &str| clues[key].as_i64().unwrap();
    assert!(number("found") > 0 && number("right") == number("found"), "{clues}");
    assert!(number("must_found") * 10 >= number("must") * 8, "{clues}");
    let states: BTreeSet<&str> =
        told["monitoring"]["states"].as_array().unwrap().iter().map(|s| s["state"].as_str().unwrap()).collect();
    for state in ["clue", "monitored", "eliminated"] {
        assert!(states.contains(state), "no case is {state}: {states:?}");
    }

    // Whoever works in a county of high risk stands on the books.
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
    review(&app, &sqlite).await;
    for (impact, rule) in [
        ("case_confirmed", "E01"),
        ("case_suspected", "E02"),
        ("case_carrier", "E03"),
        ("close_contact", "E04"),
        ("case_cured", "E05"),
        ("case_dead", "E06"),
    ] {
        let found = households_of(&app, rule).await;
        let told = truth(&sqlite, "truth_impacts.csv", "household_no", |h, r| field(h, r, "impact") == impact);
        assert_eq!(found, told, "{rule}, {impact}");
        let must = matches!(impact, "case_confirmed" | "close_contact" | "case_cured" | "case_dead");
        assert!(!must || !told.is_empty(), "the province has no {impact}");
    }
    let told_helpers = truth(&sqlite, "truth_impacts.csv", "household_no", |head, row| {
        matches!(
            field(head, row, "impact"),
            "helper_case_confirmed" | "helper_case_suspected" | "helper_case_carrier" | "helper_case_dead"
        )
    });
    assert_eq!(households_of(&app, "E09").await, told_helpers, "households of helpers who are ill");
    assert!(!told_helpers.is_empty(), "no helper is ill");
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
