//! All SQL of deployments.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::deployments::{Carer, Deployment, Servant};
use crate::access::Scope;
use crate::args;
use crate::assess::places;
use crate::platform::{Db, DbError, Tx, Value};

/// A row `k` of helper that deployment `x` is about.
const IS_HELPER: &str = "x.kind = 'helper' AND x.name_folded = k.name_folded AND x.name = k.name AND x.unit = k.unit
       AND (x.phone_index IS NULL OR k.phone_index IS NULL OR x.phone_index = k.phone_index)
       AND SUBSTR(k.division_code, 1, CAST(LENGTH(x.division_code) AS INTEGER)) = x.division_code";
/// A deployment `x`.
const COLUMNS: &str = "x.id, x.kind, x.name, x.unit, x.phone_index, x.division_code,
            COALESCE(d.full_name, x.division_code) AS full_place, x.post, x.place, x.from_day, x.to_day, x.stand_in,
            x.stand_in_unit, x.note, x.by_name, x.fingerprint, x.version";
/// Inside a scope, or around it.
const SEEN: &str = "((x.division_code >= $1 AND x.division_code < $2)
        OR x.division_code = SUBSTR($3, 1, CAST(LENGTH(x.division_code) AS INTEGER)))";

/// Those who care for households of a scope, by the beginning of their name or their unit.
pub(super) async fn servants(db: &Db, scope: &Scope, text: &str) -> Result<Vec<Servant>, DbError> {
    db.all(
        "SELECT 'helper' AS kind, name, unit, phone_index, COUNT(DISTINCT household_id) AS cares_for,
                MIN(division_code) AS first_division, MAX(division_code) AS last_division
         FROM helper WHERE division_code >= $1 AND division_code < $2 AND end_date = ''
           AND ($3 = '' OR unit = $3 OR SUBSTR(name, 1, CAST(LENGTH($3) AS INTEGER)) = $3)
         GROUP BY name, unit, phone_index
         UNION ALL
         SELECT 'team_member' AS kind, name, unit, phone_index, COUNT(DISTINCT division_code) AS cares_for,
                MIN(division_code) AS first_division, MAX(division_code) AS last_division
         FROM work_team_member WHERE division_code >= $1 AND division_code < $2 AND end_date = ''
           AND ($3 = '' OR unit = $3 OR SUBSTR(name, 1, CAST(LENGTH($3) AS INTEGER)) = $3)
         GROUP BY name, unit, phone_index
         ORDER BY name, unit, kind, phone_index LIMIT 50",
        args![scope.lo(), scope.hi(), text],
    )
    .await
}

/// Those of one kind, name and unit, whom their phones tell apart.
pub(super) async fn servants_named(
    db: &Db,
    scope: &Scope,
    (kind, name, unit): (&str, &str, &str),
) -> Result<Vec<Servant>, DbError> {
    let args = args![scope.lo(), scope.hi(), name, unit];
    if kind == "team_member" {
        return db
            .all(
                "SELECT 'team_member' AS kind, name, unit, phone_index, COUNT(DISTINCT division_code) AS cares_for,
                        MIN(division_code) AS first_division, MAX(division_code) AS last_division
                 FROM work_team_member
                 WHERE division_code >= $1 AND division_code < $2 AND end_date = '' AND name = $3 AND unit = $4
                 GROUP BY name, unit, phone_index",
                args,
            )
            .await;
    }
    db.all(
        "SELECT 'helper' AS kind, name, unit, phone_index, COUNT(DISTINCT household_id) AS cares_for,
                MIN(division_code) AS first_division, MAX(division_code) AS last_division
         FROM helper WHERE division_code >= $1 AND division_code < $2 AND end_date = '' AND name = $3 AND unit = $4
         GROUP BY name, unit, phone_index",
        args,
    )
    .await
}

pub(super) async fn fingerprint(tx: &mut Tx, id: Uuid) -> Result<Option<i64>, DbError> {
    let row: Option<(i64,)> = tx.maybe("SELECT fingerprint FROM deployment WHERE id = $1", args![id]).await?;
    Ok(row.map(|(known,)| known))
}

/// Another deployment of that name and unit that shares a day with this one: post, first and last day.
pub(super) async fn overlapping(
    tx: &mut Tx,
    deployment: &Deployment,
    (name, unit): (&str, &str),
) -> Result<Option<(String, String, String)>, DbError> {
    tx.maybe(
        "SELECT post, from_day, to_day FROM deployment
         WHERE id <> $1 AND name = $2 AND unit = $3 AND ($5 = '' OR from_day <= $5) AND (to_day = '' OR to_day >= $4)
         ORDER BY from_day DESC",
        args![deployment.id, name, unit, &deployment.from_day, &deployment.to_day],
    )
    .await
}

pub(super) async fn insert(tx: &mut Tx, deployment: &Deployment, by: Option<Uuid>, now: i64) -> Result<(), DbError> {
    tx.run(
        "INSERT INTO deployment (id, kind, name, unit, phone_index, division_code, post, place, from_day, to_day, stand_in,
             stand_in_unit, note, by_user, by_name, fingerprint, version, recorded_at, updated_at, name_folded)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1, $17, $17, $18)",
        args![
            deployment.id,
            &deployment.kind,
            &deployment.name,
            &deployment.unit,
            deployment.phone_index,
            &deployment.division_code,
            &deployment.post,
            &deployment.place,
            &deployment.from_day,
            &deployment.to_day,
            &deployment.stand_in,
            &deployment.stand_in_unit,
            &deployment.note,
            by,
            &deployment.by_name,
            deployment.fingerprint,
            now,
            codes::name::fold(&deployment.name)
        ],
    )
    .await?;
    Ok(())
}

/// Writes the end and who stands in; false where another version stands.
pub(super) async fn update(tx: &mut Tx, deployment: &Deployment, from: i64, now: i64) -> Result<bool, DbError> {
    let rows = tx
        .run(
            "UPDATE deployment SET to_day = $2, stand_in = $3, stand_in_unit = $4, version = version + 1, updated_at = $6
             WHERE id = $1 AND version = $5",
            args![
                deployment.id,
                &deployment.to_day,
                &deployment.stand_in,
                &deployment.stand_in_unit,
                from,
                now
            ],
        )
        .await?;
    Ok(rows > 0)
}

/// Deployments inside a scope or around it, each with the households that it concerns there.
pub(super) async fn all(db: &Db, scope: &Scope) -> Result<Vec<Deployment>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS}, (SELECT COUNT(DISTINCT k.household_id) FROM helper k
                            WHERE {IS_HELPER} AND k.end_date = '' AND k.division_code >= $1 AND k.division_code < $2)
                AS households
         FROM deployment x LEFT JOIN division d ON d.code = x.division_code
         WHERE {SEEN} ORDER BY x.from_day DESC, x.recorded_at DESC, x.id"
    );
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), scope.root()]).await
}

pub(super) async fn one(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Deployment>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS}, (SELECT COUNT(DISTINCT k.household_id) FROM helper k
                            WHERE {IS_HELPER} AND k.end_date = '' AND k.division_code >= $1 AND k.division_code < $2)
                AS households
         FROM deployment x LEFT JOIN division d ON d.code = x.division_code WHERE {SEEN} AND x.id = $4"
    );
    db.maybe(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), scope.root(), id]).await
}

/// A household of somebody who was sent.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Household {
    pub id: Uuid,
    pub household_no: String,
    pub head_name: String,
    pub place: String,
    /// Last contact of any channel; empty where there was none.
    pub last_on: String,
}

/// Households of a scope whose helper a deployment is about.
pub(super) async fn households(
    db: &Db,
    scope: &Scope,
    id: Uuid,
    (offset, limit): (i64, i64),
) -> Result<Vec<Household>, DbError> {
    let sql = format!(
        "SELECT DISTINCT h.id, h.household_no, h.head_name, h.division_code, COALESCE(d.name, '') AS place,
                COALESCE(s.last_on, '') AS last_on
         FROM deployment x JOIN helper k ON {IS_HELPER} JOIN household h ON h.id = k.household_id
         LEFT JOIN division d ON d.code = h.division_code LEFT JOIN household_visited s ON s.household_id = h.id
         WHERE x.id = $3 AND k.end_date = '' AND h.division_code >= $1 AND h.division_code < $2
         ORDER BY h.division_code, h.household_no LIMIT $4 OFFSET $5"
    );
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), id, limit, offset]).await
}

/// Helpers of some households who serve, each with the deployment that takes them away on a day.
pub(super) async fn carers(db: &Db, households: &[Uuid], day: &str) -> Result<Vec<Carer>, DbError> {
    let mut out = Vec::new();
    for chunk in households.chunks(500) {
        let sql = format!(
            "SELECT k.household_id, k.name, k.unit, x.id AS deployment_id, COALESCE(x.post, '') AS post,
                    COALESCE(x.from_day, '') AS from_day, COALESCE(x.to_day, '') AS to_day,
                    COALESCE(x.stand_in, '') AS stand_in, COALESCE(x.stand_in_unit, '') AS stand_in_unit
             FROM helper k LEFT JOIN deployment x ON {IS_HELPER} AND x.from_day <= $1 AND (x.to_day = '' OR x.to_day >= $1)
             WHERE k.end_date = '' AND k.household_id IN ({}) ORDER BY k.start_date, k.name, k.id, x.from_day",
            places(2, chunk.len())
        );
        let mut args = args![day];
        args.extend(chunk.iter().map(Value::from));
        out.extend(db.all::<Carer>(AssertSqlSafe(sql), args).await?);
    }
    Ok(out)
}

/// Members of a village's work team who are away on a day.
pub(super) async fn team_away(db: &Db, village: &str, day: &str) -> Result<Vec<Deployment>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS}, CAST(0 AS BIGINT) AS households FROM deployment x LEFT JOIN division d ON d.code = x.division_code
         WHERE x.kind = 'team_member' AND x.from_day <= $2 AND (x.to_day = '' OR x.to_day >= $2)
           AND EXISTS (SELECT 1 FROM work_team_member m WHERE m.division_code = $1 AND m.end_date = '' AND m.name = x.name
                       AND m.unit = x.unit
                       AND (x.phone_index IS NULL OR m.phone_index IS NULL OR x.phone_index = m.phone_index)
                       AND SUBSTR(m.division_code, 1, CAST(LENGTH(x.division_code) AS INTEGER)) = x.division_code)
         ORDER BY x.name, x.from_day"
    );
    db.all(AssertSqlSafe(sql), args![village, day]).await
}
