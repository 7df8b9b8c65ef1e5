//! How good the matches are, held against known answers.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::model::CompareError;
use super::reading::file_name;
use super::{count, files, store};
use crate::platform::App;

/// How good the matches of a source are, measured against known answers.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub struct Quality {
    /// Rows whose person is registered, by the answers.
    pub truth: i64,
    /// Matches made without a person, or confirmed by one.
    pub decided: i64,
    /// Of these the right ones.
    pub decided_right: i64,
    /// Matches if each open row were given its best candidate.
    pub best: i64,
    /// Of these the right ones.
    pub best_right: i64,
}

impl Quality {
    /// Share of right ones among the matches made: automatic, and with best candidates.
    pub fn precision(&self) -> (f64, f64) {
        (ratio(self.decided_right, self.decided), ratio(self.best_right, self.best))
    }

    /// Share of the registered persons on the list that were found: automatic, and with best candidates.
    pub fn recall(&self) -> (f64, f64) {
        (ratio(self.decided_right, self.truth), ratio(self.best_right, self.truth))
    }
}

fn ratio(part: i64, whole: i64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// Measures the matches of `source` against `answers`: row key (卡片编号) to 人口编号, or none for a stranger.
///
/// # Errors
/// The database fails.
pub async fn evaluate(
    app: &App,
    source: &str,
    answers: &HashMap<String, Option<String>>,
) -> Result<Quality, CompareError> {
    let mut quality = Quality { truth: count(answers.values().flatten().count()), ..Quality::default() };
    let mut seen = BTreeSet::new();
    for found in store::matches_by_key(&app.db, source).await? {
        let Some(answer) = answers.get(&found.row_key) else {
            continue;
        };
        if !seen.insert(found.row_key) {
            continue;
        }
        let right = i64::from(answer.as_deref() == Some(found.person_no.as_str()));
        quality.best += 1;
        quality.best_right += right;
        if found.verdict != "pending" {
            quality.decided += 1;
            quality.decided_right += right;
        }
    }
    Ok(quality)
}

/// Measures the matches of one list against `answers`: line of the file to 人口编号, or none for a stranger.
///
/// # Errors
/// The database fails.
pub async fn evaluate_lines(
    app: &App,
    file_name: &str,
    answers: &HashMap<i64, Option<String>>,
) -> Result<Quality, CompareError> {
    let mut quality = Quality { truth: count(answers.values().flatten().count()), ..Quality::default() };
    let mut seen = BTreeSet::new();
    for (line, verdict, person_no) in store::matches_by_line(&app.db, file_name).await? {
        let Some(answer) = answers.get(&line).filter(|_| seen.insert(line)) else {
            continue;
        };
        let right = i64::from(answer.as_deref() == Some(person_no.as_str()));
        quality.best += 1;
        quality.best_right += right;
        if verdict != "pending" {
            quality.decided += 1;
            quality.decided_right += right;
        }
    }
    Ok(quality)
}

/// [`evaluate`] against a CSV file with the columns `card_no`, `role` and `person_no`, where a role other than
/// `registered` means that the person is not in the register.
///
/// # Errors
/// The file is not readable or has other columns; the database fails.
pub async fn evaluate_file(app: &App, source: &str, file: &Path) -> Result<Quality, CompareError> {
    let fail = |why: String| CompareError::Truth { file: file_name(file), why };
    let (sheets, _) = files::read_sheets(file, &file_name(file)).await?;
    let rows = sheets.first().map_or(&[][..], |s| s.rows.as_slice());
    let Some(((_, headers), rows)) = rows.split_first() else {
        return Err(fail("no rows".to_owned()));
    };
    let column =
        |name: &str| headers.iter().position(|h| h.trim() == name).ok_or_else(|| fail(format!("no column {name}")));
    let (card, role, person) = (column("card_no")?, column("role")?, column("person_no")?);
    let mut answers = HashMap::new();
    for (_, cells) in rows {
        let get = |at: usize| cells.get(at).map_or("", |c| c.trim());
        let registered = get(role) == "registered" && !get(person).is_empty();
        answers.insert(get(card).to_owned(), registered.then(|| get(person).to_owned()));
    }
    evaluate(app, source, &answers).await
}
