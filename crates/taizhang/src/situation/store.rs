//! All SQL of the situation page.

use chrono::{Days, NaiveDate};
use sqlx::AssertSqlSafe;

use crate::access::Scope;
use crate::args;
use crate::ledger::model::SOON_DAYS;
use crate::platform::{Db, DbError};

use super::model::{AsOf, HealthKind, PersonSignal, Tier};

fn length_of(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(14)
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct Registered {
    pub(super) code: String,
    pub(super) households: i64,
    pub(super) persons: i64,
    pub(super) monitored: i64,
}

/// Roll-up of the register by the first `length` digits of the code.
pub(super) async fn registered(db: &Db, scope: &Scope, length: usize) -> Result<Vec<Registered>, DbError> {
    db.all(
        "SELECT substr(division_code, 1, CAST($3 AS INTEGER)) AS code,
                CAST(SUM(households) AS BIGINT) AS households, CAST(SUM(persons) AS BIGINT) AS persons,
                CAST(SUM(monitored) AS BIGINT) AS monitored
         FROM register_rollup WHERE division_code >= $1 AND division_code < $2
         GROUP BY substr(division_code, 1, CAST($3 AS INTEGER))",
        args![scope.lo(), scope.hi(), length_of(length)],
    )
    .await
}

/// Households and persons registered in a scope.
pub(super) async fn registered_in(db: &Db, scope: &Scope) -> Result<(i64, i64), DbError> {
    db.one(
        "SELECT CAST(COALESCE(SUM(households), 0) AS BIGINT), CAST(COALESCE(SUM(persons), 0) AS BIGINT)
         FROM register_rollup WHERE division_code >= $1 AND division_code < $2",
        args![scope.lo(), scope.hi()],
    )
    .await
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct Health {
    pub(super) code: String,
    pub(super) confirmed: i64,
    pub(super) cured: i64,
    pub(super) died: i64,
    pub(super) in_treatment: i64,
    pub(super) suspected: i64,
    pub(super) contacts: i64,
    pub(super) new_confirmed: i64,
    pub(super) new_cured: i64,
    pub(super) new_died: i64,
}

/// Persons of the register by what signals in force say of them. A person counts once however many cards there are;
/// as new if every signal of the kind was learnt since `since_ms`.
pub(super) async fn health(db: &Db, scope: &Scope, length: usize, since_ms: i64) -> Result<Vec<Health>, DbError> {
    db.all(
        "SELECT substr(code, 1, CAST($3 AS INTEGER)) AS code,
                CAST(SUM(c) AS BIGINT) AS confirmed, CAST(SUM(u) AS BIGINT) AS cured, CAST(SUM(x) AS BIGINT) AS died,
                CAST(SUM(CASE WHEN c = 1 AND u = 0 AND x = 0 THEN 1 ELSE 0 END) AS BIGINT) AS in_treatment,
                CAST(SUM(s) AS BIGINT) AS suspected, CAST(SUM(k) AS BIGINT) AS contacts,
                CAST(SUM(CASE WHEN c_at >= $4 THEN 1 ELSE 0 END) AS BIGINT) AS new_confirmed,
                CAST(SUM(CASE WHEN u_at >= $4 THEN 1 ELSE 0 END) AS BIGINT) AS new_cured,
                CAST(SUM(CASE WHEN x_at >= $4 THEN 1 ELSE 0 END) AS BIGINT) AS new_died
         FROM (SELECT person_id, MAX(division_code) AS code,
                      MAX(CASE WHEN kind = 'epidemic.confirmed' THEN 1 ELSE 0 END) AS c,
                      MAX(CASE WHEN kind = 'epidemic.cured' THEN 1 ELSE 0 END) AS u,
                      MAX(CASE WHEN kind = 'epidemic.died' THEN 1 ELSE 0 END) AS x,
                      MAX(CASE WHEN kind = 'epidemic.suspected' THEN 1 ELSE 0 END) AS s,
                      MAX(CASE WHEN kind = 'epidemic.close_contact' THEN 1 ELSE 0 END) AS k,
                      MIN(CASE WHEN kind = 'epidemic.confirmed' THEN learnt_at END) AS c_at,
                      MIN(CASE WHEN kind = 'epidemic.cured' THEN learnt_at END) AS u_at,
                      MIN(CASE WHEN kind = 'epidemic.died' THEN learnt_at END) AS x_at
               FROM signal
               WHERE state = 'active' AND subject = 'person' AND person_id IS NOT NULL
                 AND kind IN ('epidemic.confirmed', 'epidemic.cured', 'epidemic.died', 'epidemic.suspected',
                              'epidemic.close_contact')
                 AND division_code >= $1 AND division_code < $2
               GROUP BY person_id) AS one_person
         GROUP BY substr(code, 1, CAST($3 AS INTEGER))",
        args![scope.lo(), scope.hi(), length_of(length), since_ms],
    )
    .await
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct Items {
    pub(super) code: String,
    pub(super) open: i64,
    pub(super) overdue: i64,
    pub(super) due_soon: i64,
    pub(super) closed: i64,
}

/// Items by state; the index over division, state and deadline holds all that is read.
pub(super) async fn items(db: &Db, scope: &Scope, length: usize, today: NaiveDate) -> Result<Vec<Items>, DbError> {
    let soon = today.checked_add_days(Days::new(SOON_DAYS)).unwrap_or(today);
    db.all(
        "SELECT substr(division_code, 1, CAST($3 AS INTEGER)) AS code,
                CAST(SUM(CASE WHEN state NOT IN ('closed', 'cancelled') THEN 1 ELSE 0 END) AS BIGINT) AS open,
                CAST(SUM(CASE WHEN state NOT IN ('closed', 'cancelled') AND deadline <> '' AND deadline < $4
                              THEN 1 ELSE 0 END) AS BIGINT) AS overdue,
                CAST(SUM(CASE WHEN state NOT IN ('closed', 'cancelled') AND deadline >= $4 AND deadline <= $5
                              THEN 1 ELSE 0 END) AS BIGINT) AS due_soon,
                CAST(SUM(CASE WHEN state = 'closed' THEN 1 ELSE 0 END) AS BIGINT) AS closed
         FROM item WHERE division_code >= $1 AND division_code < $2
         GROUP BY substr(division_code, 1, CAST($3 AS INTEGER))",
        args![scope.lo(), scope.hi(), length_of(length), today, soon],
    )
    .await
}

/// Items opened or reopened, and closed, from `today` on.
pub(super) async fn changed_items(db: &Db, scope: &Scope, today: NaiveDate) -> Result<(i64, i64), DbError> {
    db.one(
        "SELECT CAST(COALESCE(SUM(opened + reopened), 0) AS BIGINT), CAST(COALESCE(SUM(closed), 0) AS BIGINT)
         FROM item_rollup WHERE division_code >= $1 AND division_code < $2 AND day >= $3",
        args![scope.lo(), scope.hi(), today],
    )
    .await
}

/// Divisions for which a comparison of health lists is done: above, at or below the scope. Which lists were compared
/// where is no personal data.
pub(super) async fn covers(db: &Db, scope: &Scope) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = db
        .all(
            "SELECT DISTINCT division_code FROM comparison
             WHERE state = 'done' AND source IN ('health.cases', 'health.contacts')
               AND ((division_code >= $1 AND division_code < $2)
                 OR substr($3, 1, CAST(length(division_code) AS INTEGER)) = division_code)
             ORDER BY division_code",
            args![scope.lo(), scope.hi(), scope.root()],
        )
        .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// The newest days that register files and comparisons speak of, of those that touch the scope.
pub(super) async fn as_of(db: &Db, scope: &Scope) -> Result<AsOf, DbError> {
    let (register,): (Option<String>,) = db
        .one(
            "SELECT MAX(as_of) FROM import
             WHERE state = 'committed' AND kind IN ('household', 'person')
               AND ((division_code >= $1 AND division_code < $2)
                 OR substr($3, 1, CAST(length(division_code) AS INTEGER)) = division_code)",
            args![scope.lo(), scope.hi(), scope.root()],
        )
        .await?;
    let (comparison,): (Option<String>,) = db
        .one(
            "SELECT MAX(as_of) FROM comparison
             WHERE state = 'done' AND source IN ('health.cases', 'health.contacts')
               AND ((division_code >= $1 AND division_code < $2)
                 OR substr($3, 1, CAST(length(division_code) AS INTEGER)) = division_code)",
            args![scope.lo(), scope.hi(), scope.root()],
        )
        .await?;
    Ok(AsOf { register: register.unwrap_or_default(), comparison: comparison.unwrap_or_default() })
}

/// The newest tier of each county in the scope, or of the county that holds it. Tiers are published, so the county
/// above a village officer's village is read as well.
pub(super) async fn tiers(db: &Db, scope: &Scope, today: NaiveDate) -> Result<Vec<Tier>, DbError> {
    let county = scope.root().get(..6).unwrap_or("");
    db.all(
        "SELECT t.county_code, t.tier, t.on_date, t.cumulative, t.recent FROM county_tier t
         JOIN (SELECT county_code, MAX(on_date) AS day FROM county_tier
               WHERE on_date <= $4 AND ((county_code >= $1 AND county_code < $2) OR county_code = $3)
               GROUP BY county_code) AS newest ON newest.county_code = t.county_code AND newest.day = t.on_date
         ORDER BY t.county_code",
        args![scope.lo(), scope.hi(), county, today],
    )
    .await
}

/// Codes and names of the divisions right below one.
pub(super) async fn names_below(db: &Db, parent: &str) -> Result<Vec<(String, String)>, DbError> {
    db.all("SELECT code, name FROM division WHERE parent_code = $1 AND valid_to = '' ORDER BY code", args![parent])
        .await
}

/// By day: persons for whom it is the first day of a signal of the kind in force.
pub(super) async fn firsts(db: &Db, scope: &Scope, kind: &'static str) -> Result<Vec<(String, i64)>, DbError> {
    db.all(
        "SELECT day, COUNT(*) FROM (
             SELECT MIN(fact_date) AS day FROM signal
             WHERE state = 'active' AND kind = $3 AND subject = 'person' AND person_id IS NOT NULL
               AND division_code >= $1 AND division_code < $2
             GROUP BY person_id) AS one_person
         GROUP BY day ORDER BY day",
        args![scope.lo(), scope.hi(), kind],
    )
    .await
}

/// By day: items opened or reopened, and closed.
pub(super) async fn item_days(db: &Db, scope: &Scope) -> Result<Vec<(String, i64, i64)>, DbError> {
    db.all(
        "SELECT day, CAST(SUM(opened + reopened) AS BIGINT), CAST(SUM(closed) AS BIGINT)
         FROM item_rollup WHERE division_code >= $1 AND division_code < $2
         GROUP BY day ORDER BY day",
        args![scope.lo(), scope.hi()],
    )
    .await
}

const WITH_SIGNAL: &str = "FROM (SELECT person_id, MIN(fact_date) AS fact_date, MAX(division_code) AS code FROM signal
           WHERE state = 'active' AND kind = $3 AND subject = 'person' AND person_id IS NOT NULL
             AND division_code >= $1 AND division_code < $2
           GROUP BY person_id) AS s
     JOIN person p ON p.id = s.person_id
     LEFT JOIN division d ON d.code = p.division_code
     WHERE (NOT $4 OR NOT EXISTS (
         SELECT 1 FROM signal o WHERE o.household_id = p.household_id AND o.state = 'active'
           AND o.person_id = s.person_id AND o.kind IN ('epidemic.cured', 'epidemic.died')))";

/// Persons with a signal of the kind in force.
pub(super) async fn persons_with(
    db: &Db,
    scope: &Scope,
    kind: HealthKind,
    offset: i64,
    limit: i64,
) -> Result<Vec<PersonSignal>, DbError> {
    db.all(
        AssertSqlSafe(format!(
            "SELECT s.person_id, p.household_id, p.name, p.sex, p.birth_date, p.id_enc,
                    COALESCE(d.full_name, '') AS place, s.fact_date,
                    EXISTS (SELECT 1 FROM signal o WHERE o.household_id = p.household_id AND o.state = 'active'
                            AND o.person_id = s.person_id AND o.kind = 'epidemic.cured') AS cured,
                    EXISTS (SELECT 1 FROM signal o WHERE o.household_id = p.household_id AND o.state = 'active'
                            AND o.person_id = s.person_id AND o.kind = 'epidemic.died') AS died,
                    (SELECT COUNT(*) FROM item t WHERE t.household_id = p.household_id
                        AND t.state NOT IN ('closed', 'cancelled')) AS open_items
             {WITH_SIGNAL}
             ORDER BY s.fact_date DESC, s.code, s.person_id LIMIT $5 OFFSET $6"
        )),
        args![scope.lo(), scope.hi(), kind.signal(), kind == HealthKind::InTreatment, limit, offset],
    )
    .await
}

/// How many persons there are on each such list: signal kind, persons, and of them those neither cured nor dead.
pub(super) async fn counts_with(db: &Db, scope: &Scope) -> Result<Vec<(String, i64, i64)>, DbError> {
    db.all(
        "SELECT s.kind, COUNT(*),
                CAST(SUM(CASE WHEN EXISTS (
                    SELECT 1 FROM signal o WHERE o.household_id = p.household_id AND o.state = 'active'
                      AND o.person_id = s.person_id AND o.kind IN ('epidemic.cured', 'epidemic.died'))
                    THEN 0 ELSE 1 END) AS BIGINT)
         FROM (SELECT DISTINCT kind, person_id FROM signal
               WHERE state = 'active' AND subject = 'person' AND person_id IS NOT NULL
                 AND kind IN ('epidemic.confirmed', 'epidemic.cured', 'epidemic.died', 'epidemic.suspected',
                              'epidemic.carrier', 'epidemic.close_contact')
                 AND division_code >= $1 AND division_code < $2) AS s
         JOIN person p ON p.id = s.person_id GROUP BY s.kind",
        args![scope.lo(), scope.hi()],
    )
    .await
}
