//! Data comparison (数据比对): an agency's list held against the register. Rows become signals where they match:
//! by themselves where ID number and name agree, otherwise once a person has looked. A revised row revises its signals.

mod again;
mod columns;
pub mod duplicates;
mod files;
mod job;
pub mod lists;
mod matching;
pub mod model;
mod model_store;
mod models;
mod named;
pub mod pages;
mod purge;
mod quality;
mod reading;
mod review;
mod run;
mod signals;
mod source_store;
pub mod sources;
mod staff;
mod store;
mod weigh;

use std::collections::BTreeMap;

use uuid::Uuid;

pub use again::{AgainReport, again};
pub use job::{AGAIN_JOB, DUPLICATES_JOB, JOB, JobParams, job_handlers};
pub use lists::{Held, Source};
pub use model::{
    Candidate, CompareError, CompareOptions, CompareReport, ComparisonRow, Counts, Decided, Group, ListRow,
    RETENTION_DAYS, Subject, Verdict,
};
pub use model_store::{Judged, judged};
pub use models::{
    ENOUGH, Lesson, Measure, ModelUse, ModelVersion, Proposal, adopt, choose, may_choose, proposal, versions,
};
pub use named::{Details, name};
pub use purge::{Purged, every_day, purge, sweep_uploads};
pub use quality::{Quality, evaluate, evaluate_file, evaluate_lines};
pub use reading::{Parsed, parse, parse_sheets};
pub use review::{decide, decide_many};
pub use run::run;
pub use sources::{
    ListSource, NewListSource, Retention, Schedule, Terms, add_source, edit_source, list_source, list_sources,
};
pub(crate) use store::follow_register;
pub(crate) use weigh::DEFAULT_MODEL;

use crate::access::Actor;
use crate::platform::{App, Vault};

/// Held rows that a report lists one by one.
pub const HELD_SHOWN: usize = 1_000;
/// Where a row's columns are sealed.
const FIELDS: &str = "list_row.fields";

/// One sheet of a list: lines with their numbers, from 1.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    /// Its name; empty for CSV.
    pub name: String,
    /// Lines in order.
    pub rows: Vec<(i64, Vec<String>)>,
}

/// What is sealed with a row: the columns as they came and what they state.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Content {
    pub(crate) columns: BTreeMap<String, String>,
    pub(crate) facts: Vec<StoredFact>,
    pub(crate) withdrawn: Option<String>,
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct StoredFact {
    pub(crate) kind: String,
    /// ISO day.
    pub(crate) date: String,
    pub(crate) value: serde_json::Value,
}

impl Content {
    fn of(row: &lists::Row) -> Self {
        Self {
            columns: row.fields.clone(),
            facts: row
                .facts
                .iter()
                .map(|f| StoredFact { kind: f.kind.to_owned(), date: f.date.to_string(), value: f.value.clone() })
                .collect(),
            withdrawn: row.withdrawn.map(str::to_owned),
        }
    }

    fn seal(&self, vault: &Vault) -> Result<Vec<u8>, CompareError> {
        let text = serde_json::to_vec(self).map_err(|e| CompareError::Broken(e.to_string()))?;
        Ok(vault.seal(FIELDS, &text)?)
    }

    pub(crate) fn open(vault: &Vault, sealed: &[u8]) -> Result<Self, CompareError> {
        let plain = vault.open_sealed(FIELDS, sealed)?;
        serde_json::from_slice(&plain).map_err(|e| CompareError::Broken(e.to_string()))
    }
}

/// What follows on changed signals down the road: assessment and ledger of the households touched.
async fn onward(app: &App, actor: &Actor, households: &[Uuid]) -> Result<(), CompareError> {
    use crate::platform::UserError;
    if households.is_empty() {
        return Ok(());
    }
    crate::road::signals_changed(app, actor, households)
        .await
        .map_err(|error| CompareError::Onward { code: error.code(), text: error.message(actor.lang) })?;
    Ok(())
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
