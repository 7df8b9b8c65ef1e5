//! Every SQL text of the product is prepared on both databases, so that a wrong column, type or word fails here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, Connection, Executor, SqlSafeStr};

use crate::support::{self, postgres};

/// Files besides the stores that hold SQL: the platform's own tables and the audit chain.
const NOT_STORES: &[&str] = &["platform/jobs.rs", "platform/settings.rs", "access/audit.rs"];

struct Text {
    place: String,
    file: String,
    sql: String,
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// The string literals of Rust source with the line each begins on.
fn literals(text: &str) -> Vec<(usize, String)> {
    let chars: Vec<char> = text.chars().collect();
    let (mut out, mut i, mut line) = (Vec::new(), 0, 1);
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    while i < chars.len() {
        match at(i) {
            '\n' => line += 1,
            '/' if at(i + 1) == '/' => {
                while i + 1 < chars.len() && at(i + 1) != '\n' {
                    i += 1;
                }
            }
            '\'' => {
                // A character or a lifetime.
                if at(i + 1) == '\\' {
                    i += 3;
                } else if at(i + 2) == '\'' {
                    i += 2;
                }
            }
            'r' if (at(i + 1) == '"' || (at(i + 1) == '#' && (at(i + 2) == '"' || at(i + 2) == '#')))
                && !at(i.wrapping_sub(1)).is_alphanumeric() =>
            {
                let hashes = (i + 1..).take_while(|j| at(*j) == '#').count();
                let begun = line;
                i += hashes + 2;
                let mut literal = String::new();
                while i < chars.len() {
                    if at(i) == '"' && (1..=hashes).all(|k| at(i + k) == '#') {
                        i += hashes;
                        break;
                    }
                    line += usize::from(at(i) == '\n');
                    literal.push(at(i));
                    i += 1;
                }
                out.push((begun, literal));
            }
            '"' => {
                let begun = line;
                let mut literal = String::new();
                i += 1;
                while i < chars.len() && at(i) != '"' {
                    if at(i) == '\\' {
                        i += 1;
                        match at(i) {
                            '\n' => {
                                line += 1;
                                while at(i + 1).is_whitespace() {
                                    i += 1;
                                    line += usize::from(at(i) == '\n');
                                }
                            }
                            'n' => literal.push('\n'),
                            other => literal.push(other),
                        }
                    } else {
                        line += usize::from(at(i) == '\n');
                        literal.push(at(i));
                    }
                    i += 1;
                }
                out.push((begun, literal));
            }
            _ => {}
        }
        i += 1;
    }
    out
}

/// `const NAME: &str = "…";` of a file: the pieces that its texts are put together from.
fn pieces(text: &str) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for part in text.split("const ").skip(1) {
        let Some((name, rest)) = part.split_once(": &str =") else {
            continue;
        };
        if name.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit())
            && let Some((_, value)) = literals(rest).into_iter().next()
        {
            out.insert(name.to_owned(), value);
        }
    }
    out
}

fn is_sql(literal: &str) -> bool {
    ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "WITH "]
        .iter()
        .any(|verb| literal.trim_start().starts_with(verb))
}

fn texts() -> (Vec<Text>, Vec<String>) {
    let mut all = Vec::new();
    files(&source(), &mut all);
    all.sort();
    let (mut texts, mut dynamic) = (Vec::new(), Vec::new());
    for path in all {
        let text = std::fs::read_to_string(&path).unwrap();
        // Tests inside the source have their own tables.
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
        let pieces = pieces(text);
        let file = path.strip_prefix(source()).unwrap().display().to_string();
        for (line, literal) in literals(text).into_iter().filter(|(_, l)| is_sql(l)) {
            let place = format!("{file}:{line}");
            let mut sql = literal;
            for (name, value) in &pieces {
                sql = sql.replace(&format!("{{{name}}}"), value);
            }
            if file == "platform/db.rs" {
                // The one file that speaks to each database in its own words.
                continue;
            }
            // A lone verb is the beginning of a text that a macro puts together from a list of columns.
            if sql.contains('{') || matches!(sql.as_str(), "INSERT INTO " | "SELECT ") {
                dynamic.push(place);
                continue;
            }
            // The head of a many-row insert.
            if sql.starts_with("INSERT INTO") && !sql.contains("VALUES") && !sql.contains("SELECT") {
                let columns = sql.split(',').count();
                let values: Vec<String> = (1..=columns).map(|n| format!("${n}")).collect();
                sql = format!("{sql} VALUES ({})", values.join(", "));
            }
            let file = file.clone();
            texts.push(Text { place, file, sql });
        }
    }
    (texts, dynamic)
}

#[test]
fn sql_is_found_in_source_as_it_is_written() {
    let found = literals(
        "let a = \"SELECT \\\n    1\"; // \"UPDATE x\"\n fn f<'a>(c: char) { c == '\"' || c == '\\'' }\n r#\"WITH \"q\" AS\"#",
    );
    let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["SELECT 1", "WITH \"q\" AS"]);
    assert_eq!(found[1].0, 4);
    let (texts, _) = texts_of_product();
    assert!(texts > 20, "only {texts} SQL texts were found");
}

fn texts_of_product() -> (usize, usize) {
    let (texts, dynamic) = texts();
    (texts.len(), dynamic.len())
}

#[test]
fn sql_lies_in_stores_only() {
    let (texts, _) = texts();
    let astray: Vec<&str> = texts
        .iter()
        .filter(|text| !text.file.ends_with("store.rs") && !NOT_STORES.contains(&text.file.as_str()))
        .map(|text| text.place.as_str())
        .collect();
    assert!(astray.is_empty(), "SQL outside of a store.rs: {astray:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sql_text_is_understood_by_both_databases() {
    let (texts, dynamic) = texts();
    eprintln!("{} texts; put together elsewhere and not seen here: {dynamic:?}", texts.len());
    let mut faults = Vec::new();

    let folder = tempfile::tempdir().unwrap();
    let app = support::open(folder.path(), None).await;
    let file = folder.path().join("taizhang.db");
    let mut sqlite = sqlx::SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    for text in &texts {
        let sql = AssertSqlSafe(text.sql.clone()).into_sql_str();
        if let Err(error) = (&mut sqlite).prepare(sql).await {
            faults.push(format!("SQLite, {}: {error}\n  {}", text.place, text.sql));
        }
    }
    drop(app);

    if postgres::wanted() {
        let folder = tempfile::tempdir().unwrap();
        let url = postgres::fresh_database().await;
        let app = support::open(folder.path(), Some(&url)).await;
        let mut server = sqlx::PgConnection::connect(&url).await.unwrap();
        for text in &texts {
            let sql = AssertSqlSafe(text.sql.clone()).into_sql_str();
            let Err(error) = (&mut server).prepare(sql).await else {
                continue;
            };
            let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default();
            // A parameter whose type the text alone does not tell: at run time the bound value tells it.
            if !["42P18", "42P08"].contains(&code.as_ref()) {
                faults.push(format!("PostgreSQL, {}: {error}\n  {}", text.place, text.sql));
            }
        }
        drop(app);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}
