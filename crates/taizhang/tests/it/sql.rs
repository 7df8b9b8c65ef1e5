//! Every SQL text of the product is prepared on both databases, so that a wrong column, type or word fails here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, Connection, Executor, SqlSafeStr};

use crate::support::{self, postgres};

/// Files besides the stores that hold SQL: the platform's own tables, the audit chain, and the columns of the register
/// that one definition gives to the insert, the update and the kept version.
const NOT_STORES: &[&str] = &["platform/jobs.rs", "platform/settings.rs", "access/audit.rs", "intake/records.rs"];

struct Text {
    place: String,
    file: String,
    sql: String,
}

pub(crate) fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

pub(crate) fn files(folder: &Path, out: &mut Vec<PathBuf>) {
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
pub(crate) fn literals(text: &str) -> Vec<(usize, String)> {
    scanned(text).into_iter().map(|(line, literal, _)| (line, literal)).collect()
}

/// [`literals`], each with where it ends.
fn scanned(text: &str) -> Vec<(usize, String, usize)> {
    let offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
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
                out.push((begun, literal, offsets[(i + 1).min(chars.len())]));
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
                out.push((begun, literal, offsets[(i + 1).min(chars.len())]));
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

/// The part of `text` from its first bracket to the one that closes it, without the two; literals are stepped over.
fn inside(text: &str) -> &str {
    let (mut depth, mut quoted, mut escaped, mut from) = (0, false, false, 0);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '{' | '[' => {
                if depth == 0 {
                    from = at + 1;
                }
                depth += 1;
            }
            ')' | '}' | ']' => {
                depth -= 1;
                if depth == 0 {
                    return &text[from..at];
                }
            }
            _ => {}
        }
    }
    text
}

/// The parts between the commas of an argument list.
fn arguments(list: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let mut out = vec![String::new()];
    for c in list.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth -= 1,
            ',' if depth == 0 => {
                out.push(String::new());
                continue;
            }
            _ => {}
        }
        out.last_mut().unwrap().push(c);
    }
    out.iter()
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|part| !part.is_empty())
        .collect()
}

/// The literals in the body of a function of a file.
fn literals_of(text: &str, function: &str) -> Option<Vec<String>> {
    let at = text.find(&format!("fn {function}("))?;
    let body = at + text[at..].find(" {\n")?;
    Some(literals(inside(&text[body..])).into_iter().map(|(_, literal)| literal).collect())
}

/// One file of the source, and what its texts are put together from.
struct Source {
    file: String,
    text: String,
    pieces: BTreeMap<String, String>,
}

impl Source {
    /// What may stand in the place of an expression of a text that is put together at run time: every alternative, or
    /// none if this test does not know the expression. Then it has to be taught here.
    fn alternatives(&self, expression: &str) -> Option<Vec<String>> {
        let one = |text: &str| Some(vec![text.to_owned()]);
        if let Some(piece) = self.pieces.get(expression) {
            return one(piece);
        }
        // A list of placeholders.
        if let Some(rest) = expression.strip_prefix("places(") {
            return Some(vec![format!("${}", rest.split(',').next()?.trim())]);
        }
        match (self.file.as_str(), expression) {
            ("assess/view_store.rs", "list") => one("$1"),
            ("assess/view_store.rs", "by_name") => one("$2"),
            ("assess/view_store.rs", "by_number") => one("$3"),
            ("assess/view_store.rs", "homes") => one("$4"),
            ("assess/store.rs" | "assess/view_store.rs", "table") => {
                Some(["person", "helper", "work_team_member"].map(str::to_owned).to_vec())
            }
            ("ledger/list_store.rs", "limit" | "most") => one("50"),
            ("ledger/list_store.rs", "offset") => one("0"),
            // By every column at once, with what they need.
            ("ledger/list_store.rs", "order") => {
                one(&format!("ORDER BY {}", literals_of(&self.text, "keys")?.join(", ")))
            }
            ("ledger/list_store.rs", "joins") => one(&literals_of(&self.text, "joins")?.concat()),
            ("ledger/list_store.rs", "own") => Some(vec![String::new(), " AND assignee_id = $4".to_owned()]),
            ("ledger/follow_store.rs", "columns.join(\", \")") => {
                let columns = self.pieces.get("FINDING_COLUMNS")?;
                one(&columns.split(", ").map(|column| format!("f.{}", column.trim())).collect::<Vec<_>>().join(", "))
            }
            // Every condition at once: each of them is understood if all of them are.
            ("ledger/list_store.rs", "wheres" | "counted") => {
                let (mut sql, mut pending) =
                    ("WHERE i.division_code >= $1 AND i.division_code < $2".to_owned(), String::new());
                for part in literals_of(&self.text, "conditions")? {
                    if part.starts_with(" AND ") && part.len() > 5 {
                        sql.push_str(&part);
                    } else if part.trim_start().starts_with("UNION") {
                        pending.push_str(&part);
                    } else if part.contains('?') && part.len() > 1 {
                        let open = part.matches('(').count() > part.matches(')').count();
                        if open {
                            pending = part;
                        } else {
                            sql.push_str(&format!(" AND {part}"));
                        }
                    }
                }
                if !pending.is_empty() {
                    sql.push_str(&format!(" AND {pending})"));
                }
                let mut n = 2;
                let numbered = sql.split('?').collect::<Vec<_>>();
                let mut out = numbered.first()?.to_string();
                for part in &numbered[1..] {
                    n += 1;
                    out.push_str(&format!("${n}{part}"));
                }
                one(&out.replace("{column}", "level"))
            }
            ("register/store.rs", "places.join(\", \")") => one("$3"),
            ("register/store.rs", "test") => Some(
                literals_of(&self.text, "column")?
                    .iter()
                    .flat_map(|column| {
                        [
                            format!("{column} > $3 AND {column} < $4"),
                            format!("{column} = $3 AND $4 <> ''"),
                            format!("{column} || '' > $3 AND {column} || '' < $4"),
                            format!("{column} || '' = $3 AND $4 <> ''"),
                        ]
                    })
                    .collect(),
            ),
            ("register/store.rs", "division") => {
                Some(vec!["p.division_code".to_owned(), "p.division_code || ''".to_owned()])
            }
            // A function of the file that answers with one of its literals.
            (_, call) => {
                let (function, _) = call.split_once('(')?;
                literals_of(&self.text, function).filter(|found| !found.is_empty())
            }
        }
    }

    /// The statements that a literal with `{…}` may become; what is not known of it otherwise.
    fn expanded(&self, literal: &str, after: &str) -> Result<Vec<String>, String> {
        let mut given = arguments(after).into_iter();
        let mut done = vec![String::new()];
        let mut rest = literal;
        while let Some((before, tail)) = rest.split_once('{') {
            let (name, tail) = tail.split_once('}').ok_or("a bracket that does not close")?;
            let expression =
                if name.is_empty() { given.next().ok_or("an argument is missing")? } else { name.to_owned() };
            let found = self.alternatives(&expression).ok_or_else(|| format!("what may {{{expression}}} be?"))?;
            done = done
                .iter()
                .flat_map(|text| found.iter().map(move |alternative| format!("{text}{before}{alternative}")))
                .collect();
            rest = tail;
        }
        Ok(done.into_iter().map(|text| text + rest).collect())
    }

    /// The statements of `entity! { … }`, which a macro puts together from a list of columns.
    fn entities(&self) -> Vec<String> {
        let mut out = Vec::new();
        for part in self.text.split("\nentity! {").skip(1) {
            let whole = format!("{{{part}");
            let block = inside(&whole);
            let quoted: Vec<String> = literals(block).into_iter().map(|(_, literal)| literal).collect();
            let [table, key, id, updates @ ..] = quoted.as_slice() else { panic!("{}: {block}", self.file) };
            // Plain columns, then each column that an update sets in its own way: `name: Type = "how"`.
            let (_, fields) = block.split_once(&format!("id \"{id}\"")).unwrap();
            let (plain, own) = fields.split_once(';').unwrap_or((fields, ""));
            let mut columns: Vec<&str> =
                plain.split(',').filter_map(|field| Some(field.split_once(':')?.0.trim())).collect();
            let own: Vec<&str> = own.split(';').filter_map(|field| Some(field.split_once(':')?.0.trim())).collect();
            assert_eq!(own.len(), updates.len(), "{}: {block}", self.file);
            let mut set: Vec<String> = columns.iter().map(|column| format!("{column} = excluded.{column}")).collect();
            set.extend(own.iter().zip(updates).map(|(column, how)| format!("{column} = {how}")));
            columns.extend(own);
            let places: Vec<String> = (1..=columns.len()).map(|n| format!("${n}")).collect();
            let (list, places, set) = (columns.join(", "), places.join(", "), set.join(", "));
            out.push(format!("INSERT INTO {table} ({list}) VALUES ({places}) ON CONFLICT ({key}) DO UPDATE SET {set}"));
            out.push(format!("INSERT INTO {table} ({list}) VALUES ({places})"));
            out.push(format!("SELECT {list} FROM {table} WHERE {id} = $1"));
        }
        out
    }
}

/// Every statement of the source, and the places whose statements are not known.
fn texts() -> (Vec<Text>, Vec<String>) {
    let mut all = Vec::new();
    files(&source(), &mut all);
    all.sort();
    let read: Vec<(String, String)> = all
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            // Tests inside the source have their own tables.
            let text = text.split("#[cfg(test)]\nmod ").next().unwrap().to_owned();
            (path.strip_prefix(source()).unwrap().display().to_string(), text)
        })
        .collect();
    let shared: BTreeMap<String, String> = read.iter().flat_map(|(_, text)| pieces(text)).collect();
    let (mut texts, mut unknown) = (Vec::new(), Vec::new());
    for (file, text) in read {
        // Those that speak to each database in its own words, and the one that only says BEGIN and COMMIT.
        if matches!(file.as_str(), "platform/db.rs" | "platform/db/writer.rs" | "platform/db/snapshot.rs") {
            continue;
        }
        let mut pieces_known = shared.clone();
        pieces_known.extend(pieces(&text));
        let source = Source { file: file.clone(), text: text.clone(), pieces: pieces_known };
        let mut push = |place: &str, sql: String| {
            texts.push(Text { place: place.to_owned(), file: file.clone(), sql });
        };
        // The halves of a many-row insert that have names.
        for call in text.split("insert_many(").skip(1) {
            let given = arguments(up_to_close(call));
            let named = |n: usize| given.get(n).and_then(|name| source.pieces.get(name));
            if let (Some(head), Some(tail)) = (named(0), named(1)) {
                push(&format!("{file}: {}", given[0]), format!("{} {tail}", with_values(head)));
            }
        }
        for (line, literal, end) in scanned(&text).into_iter().filter(|(_, literal, _)| is_sql(literal)) {
            let place = format!("{file}:{line}");
            // A lone verb is the beginning of a text that a macro puts together from a list of columns.
            if matches!(literal.as_str(), "INSERT INTO " | "SELECT ") {
                let found = source.entities();
                if found.is_empty() {
                    unknown.push(format!("{place}: a statement made by a macro that this test does not know"));
                }
                found.into_iter().for_each(|sql| push(&place, sql));
                continue;
            }
            // What follows it in the brackets that it stands in: the values of its `format!`, or the rest of a call.
            let after = up_to_close(&text[end..]);
            if literal.contains('{') {
                match source.expanded(&literal, after) {
                    Ok(found) => found.into_iter().for_each(|sql| push(&place, sql)),
                    Err(why) => unknown.push(format!("{place}: {why}")),
                }
                continue;
            }
            // The head of a many-row insert, and the clause that may end it.
            let mut sql = literal;
            if sql.starts_with("INSERT INTO") && !sql.contains("VALUES") && !sql.contains("SELECT") {
                sql = with_values(&sql);
                let tail = literals(after).into_iter().next().map(|(_, tail)| tail).unwrap_or_default();
                if tail.starts_with("ON CONFLICT") {
                    push(&place, format!("{sql} {tail}"));
                }
            }
            push(&place, sql);
        }
    }
    (texts, unknown)
}

/// The head of a many-row insert with one row.
fn with_values(head: &str) -> String {
    let values: Vec<String> = (1..=head.split(',').count()).map(|n| format!("${n}")).collect();
    format!("{head} VALUES ({})", values.join(", "))
}

/// The text up to the bracket that closes what is open at its beginning, without the comma that begins it.
fn up_to_close(text: &str) -> &str {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' if depth == 0 => return text[..at].trim_start_matches(','),
            ')' | '}' | ']' => depth -= 1,
            _ => {}
        }
    }
    text.trim_start_matches(',')
}

#[test]
fn sql_is_found_in_source_as_it_is_written() {
    let found = literals(
        "let a = \"SELECT \\\n    1\"; // \"UPDATE x\"\n fn f<'a>(c: char) { c == '\"' || c == '\\'' }\n r#\"WITH \"q\" AS\"#",
    );
    let seen: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(seen, ["SELECT 1", "WITH \"q\" AS"]);
    assert_eq!(found[1].0, 4);
    assert_eq!(scanned("f(\"SELECT {} {b}\", places(1, n), x)")[0].2, 17);
    let (texts, _) = texts();
    assert!(texts.len() > 200, "only {} SQL texts were found", texts.len());
}

#[test]
fn a_statement_put_together_at_run_time_is_known_in_all_its_forms_or_told() {
    let text = "const A: &str = \"a, b\";\nfn order(f: &F) -> &'static str {\n match f { X => \"ORDER BY a\", Y => \"ORDER BY b\" }\n}";
    let source = Source { file: "x/store.rs".to_owned(), text: text.to_owned(), pieces: pieces(text) };
    let found =
        source.expanded("SELECT {A} FROM t WHERE id IN ({}) {}", "places(2, ids.len()), order(filter)").unwrap();
    assert_eq!(
        found,
        ["SELECT a, b FROM t WHERE id IN ($2) ORDER BY a", "SELECT a, b FROM t WHERE id IN ($2) ORDER BY b"]
    );
    for (literal, after) in [("SELECT {columns} FROM t", ""), ("SELECT 1 {}", "made_elsewhere(x)"), ("SELECT 1 {}", "")]
    {
        assert!(source.expanded(literal, after).is_err(), "{literal}");
    }
    assert_eq!(arguments("places(1, n), \"a, (b\", c"), ["places(1, n)", "\"a, (b\"", "c"]);
    let (texts, _) = texts();
    for part in ["FROM item i LEFT JOIN", "ON CONFLICT (household_no) DO UPDATE", "f.finding_key"] {
        assert!(texts.iter().any(|text| text.sql.contains(part)), "{part} is prepared nowhere");
    }
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
    let (texts, unknown) = texts();
    assert!(
        unknown.is_empty(),
        "statements that this test cannot put together; teach `Source::alternatives`:\n{}",
        unknown.join("\n")
    );
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
