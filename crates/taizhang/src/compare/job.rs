//! Comparisons as jobs: started from a page, run by the queue.

use std::sync::Arc;

use uuid::Uuid;

use super::model::{CompareError, CompareOptions};
use super::{again, onward, run};
use crate::access::Actor;
use crate::platform::UserError;
use crate::platform::jobs::{Handler, JobFailure};

/// The kind of job that [`again::again`] is started as from a page.
pub const AGAIN_JOB: &str = "compare.again";

/// The kind of job that [`duplicates`](super::duplicates::duplicates) is started as from a page.
pub const DUPLICATES_JOB: &str = "compare.duplicates";

/// The kind of job that [`run`] is started as from a page.
pub const JOB: &str = "compare";

/// What a comparison job needs.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct JobParams {
    /// File inside the data folder's `uploads`; empty where open rows are looked at again.
    pub upload: String,
    /// How to compare.
    pub options: CompareOptions,
    /// Who asked: login, role and scope as they were.
    pub user_id: Option<Uuid>,
    /// Login.
    pub login: String,
    /// Name.
    pub name: String,
    /// Unit.
    pub unit: String,
    /// Role by name.
    pub role: String,
    /// Root of the scope.
    pub division: String,
}

impl JobParams {
    /// What a job needs to act for `actor`.
    pub fn of(actor: &Actor, upload: String, options: CompareOptions) -> Self {
        Self {
            upload,
            options,
            user_id: actor.user_id,
            login: actor.login.clone(),
            name: actor.name.clone(),
            unit: actor.unit.clone(),
            role: actor.role.name().to_owned(),
            division: actor.scope.root().to_owned(),
        }
    }

    fn actor(&self) -> Option<Actor> {
        Some(Actor {
            user_id: self.user_id,
            login: self.login.clone(),
            name: self.name.clone(),
            unit: self.unit.clone(),
            role: crate::access::Role::from_name(&self.role)?,
            scope: crate::access::Scope::subtree(&self.division),
            lang: crate::platform::Lang::Zh,
            is_machine: false,
        })
    }
}

/// The work of [`JOB`], [`AGAIN_JOB`] and [`DUPLICATES_JOB`]; an uploaded file is deleted at the end, whatever the end.
pub fn job_handlers() -> Vec<(&'static str, Handler)> {
    let params = |params| -> Result<(JobParams, Actor), JobFailure> {
        let params: JobParams = serde_json::from_value(params)
            .map_err(|e| JobFailure::Failed { code: "compare.broken", message: e.to_string() })?;
        let actor = params.actor().ok_or_else(|| JobFailure::from(CompareError::Forbidden))?;
        Ok((params, actor))
    };
    let new: Handler = Arc::new(move |app, given, progress| {
        Box::pin(async move {
            let (params, actor) = params(given)?;
            let path = app.folder.join("uploads").join(&params.upload);
            let result = run(&app, &actor, &path, params.options, &progress).await;
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(%error, "an uploaded list could not be deleted");
            }
            match result {
                Ok(report) => {
                    onward(&app, &actor, &report.households).await?;
                    Ok(serde_json::json!({ "href": format!("/comparisons/{}", report.id), "id": report.id }))
                }
                Err(error) => Err(failed(error)),
            }
        })
    });
    let again: Handler = Arc::new(move |app, given, progress| {
        Box::pin(async move {
            let (_, actor) = params(given)?;
            let report = again::again(&app, &actor, None, &progress).await.map_err(failed)?;
            onward(&app, &actor, &report.households).await?;
            let mut result = serde_json::to_value(&report).unwrap_or_default();
            if let Some(object) = result.as_object_mut() {
                object.insert("href".to_owned(), "/comparisons".into());
            }
            Ok(result)
        })
    });
    let doubled: Handler = Arc::new(move |app, given, progress| {
        Box::pin(async move {
            let (_, actor) = params(given)?;
            let report = super::duplicates::duplicates(&app, &actor, &progress).await.map_err(failed)?;
            let mut result = serde_json::to_value(&report).unwrap_or_default();
            if let Some(object) = result.as_object_mut() {
                object.insert("href".to_owned(), "/duplicates".into());
            }
            Ok(result)
        })
    });
    vec![(JOB, new), (AGAIN_JOB, again), (DUPLICATES_JOB, doubled)]
}

fn failed(error: CompareError) -> JobFailure {
    if matches!(error, CompareError::Cancelled) {
        return JobFailure::Cancelled;
    }
    tracing::warn!(code = error.code(), "a comparison failed");
    error.into()
}
