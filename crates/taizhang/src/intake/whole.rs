//! The quality rules that need the whole register.

use std::collections::HashMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::model::IntakeError;
use super::registrar::Found;
use super::rules::{self, Hit, Severity};
use super::{HITS_KEPT, store};
use crate::access::{Actor, Scope};
use crate::assess::lines::IncomeLines;
use crate::platform::{App, Tx};
use crate::register::attrs;

/// Runs the register-wide rules anew as of `day` in the actor's scope; their hits belong to `import`, the last of its
/// batch.
///
/// # Errors
/// The database fails.
pub async fn check_register(app: &App, actor: &Actor, import: Uuid, day: NaiveDate) -> Result<(), IntakeError> {
    let scope = actor.scope.clone();
    let lines = crate::assess::income_lines(&app.db, day).await?;
    app.db.write_alone(move |tx| Box::pin(async move { register_rules(tx, import, &scope, &lines, day).await })).await
}

pub(super) async fn register_rules(
    tx: &mut Tx,
    import: Uuid,
    scope: &Scope,
    lines: &IncomeLines,
    day: NaiveDate,
) -> Result<(), IntakeError> {
    store::clear_register_rules(tx, scope).await?;
    let (lo, hi) = (scope.lo(), scope.hi());
    for (rule, field, sql) in store::REGISTER_RULES {
        let hits = store::hits(tx, sql, crate::args![lo, hi]).await?;
        register_hits(tx, import, rule, field, hits).await?;
    }
    let mut below = Vec::new();
    for (region, yuan, others) in lines.parts(scope.root(), day) {
        let part = Scope::subtree(&region);
        let hits = store::hits(tx, store::INCOME_RULE, crate::args![part.lo(), part.hi(), yuan]).await?;
        // A narrower region with a line of its own answers for itself.
        below.extend(hits.into_iter().filter(|hit| !others.iter().any(|other| hit.0.starts_with(other))));
    }
    register_hits(tx, import, "register.income_not_monitored", "人均纯收入", below).await?;
    monitored_rules(tx, import, scope, day).await
}

async fn register_hits(
    tx: &mut Tx,
    import: Uuid,
    rule: &'static str,
    field: &'static str,
    hits: Vec<store::RegisterHit>,
) -> Result<(), IntakeError> {
    store::put_counts(tx, import, [(rule, hits.len() as i64)]).await?;
    let rows = hits
        .into_iter()
        .take(HITS_KEPT)
        .map(|(division, household_no, person_no, value)| Found {
            hit: Hit::new(rule, field, value),
            severity: Severity::Doubt,
            division,
            household_no,
            person_no,
            sheet: String::new(),
            line: 0,
        })
        .map(|found| found.values(import))
        .collect();
    store::put_issues(tx, rows).await?;
    Ok(())
}

/// Rules that hold a monitored household's risks and measures against its members.
async fn monitored_rules(tx: &mut Tx, import: Uuid, scope: &Scope, day: NaiveDate) -> Result<(), IntakeError> {
    use codes::lists::Labour;
    let members = store::monitored_members(tx, scope).await?;
    let mut out: HashMap<&'static str, Vec<store::RegisterHit>> = HashMap::new();
    for family in members.chunk_by(|a, b| a.household_no == b.household_no) {
        let first = &family[0];
        let risks: Vec<String> = serde_json::from_str(&first.risks).unwrap_or_default();
        let risk = |word: &str| risks.iter().any(|r| r.contains(word));
        let attrs = attrs::open(&first.attrs);
        let measures: Vec<&str> = rules::MEASURE_HEADERS
            .into_iter()
            .filter(|m| attrs.get(*m).and_then(|v| v.as_str()).is_some_and(rules::has_measure))
            .collect();
        let able: Vec<bool> = family
            .iter()
            .map(|p| Labour::parse(&p.labour).is_some_and(Labour::able) && !rules::in_school(&p.schooling))
            .collect();
        let any_able = able.contains(&true);
        // Who lacks labour lacks it among those of an age to work: neither children nor the old count.
        let of_age = |p: &store::MonitoredMember| {
            let birth: Option<NaiveDate> = p.birth_date.parse().ok();
            birth.and_then(|b| day.years_since(b)).is_some_and(|age| (16..60).contains(&age))
        };
        // A weak worker is one whom the household lacks.
        let full =
            |p: &store::MonitoredMember| matches!(Labour::parse(&p.labour), Some(Labour::Ordinary | Labour::Skilled));
        let workers: Vec<bool> =
            family.iter().zip(&able).filter(|(p, _)| of_age(p)).map(|(p, able)| *able && full(p)).collect();
        let all_able = !workers.is_empty() && !workers.contains(&false);
        let mut hit = |rule, value: &str| {
            out.entry(rule).or_default().push((
                first.division_code.clone(),
                first.household_no.clone(),
                String::new(),
                value.to_owned(),
            ));
        };
        if risk("因残") && !family.iter().any(|p| p.health.contains("残疾")) {
            hit("register.disability_risk", "因残");
        }
        if risk("务工就业不稳") && !any_able {
            hit("register.work_risk", "因务工就业不稳");
        }
        if risk("缺劳动力") && all_able {
            hit("register.labour_risk", "因缺劳动力");
        }
        let developing = measures.iter().any(|m| rules::DEVELOPING.contains(m));
        let old = rules::months_since(&first.identified_month, day).is_some_and(|m| m > 6);
        if !first.eliminated && any_able && old && !developing {
            hit("register.measure_not_developing", &first.identified_month);
        }
        if any_able && !measures.is_empty() && measures.iter().all(|m| *m == "综合保障") {
            hit("register.only_general_measure", "综合保障");
        }
        let listed = family.iter().any(|p| p.subsistence == Some(true) || p.destitute == Some(true));
        let claims =
            attrs.get("综合保障").and_then(|v| v.as_str()).is_some_and(|t| t.contains("低保") || t.contains("特困"));
        if claims && !listed {
            hit("register.support_not_listed", "综合保障");
        }
    }
    for (rule, hits) in out {
        let field = match rule {
            "register.measure_not_developing" => "实施开发式帮扶措施情况",
            "register.only_general_measure" | "register.support_not_listed" => "综合保障",
            _ => "致贫/返贫风险1",
        };
        register_hits(tx, import, rule, field, hits).await?;
    }
    Ok(())
}
