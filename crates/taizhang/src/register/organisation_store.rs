//! SQL of organisations: who sees one is told by who of theirs names it.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::organisations::{Helped, Named, Organisation, OrganisationLine, OrganisationVersion, TeamOf, Worker};
use super::store::after;
use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError};

/// Somebody of the scope works there, or somebody from there helps or serves in it.
const VISIBLE: &str = "(EXISTS (SELECT 1 FROM organisation_alias a JOIN person p ON p.work_employer = a.name
          WHERE a.organisation_id = o.id AND p.work_employer <> '' AND p.division_code >= $1 AND p.division_code < $2)
     OR EXISTS (SELECT 1 FROM organisation_alias a JOIN helper k ON k.unit = a.name
          WHERE a.organisation_id = o.id AND k.unit <> '' AND k.division_code >= $1 AND k.division_code < $2)
     OR EXISTS (SELECT 1 FROM organisation_alias a JOIN work_team_member t ON t.unit = a.name
          WHERE a.organisation_id = o.id AND t.unit <> '' AND t.division_code >= $1 AND t.division_code < $2))";

/// One organisation, if somebody of the scope has to do with it.
pub(super) async fn organisation(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Organisation>, DbError> {
    db.maybe(
        AssertSqlSafe(format!(
            "SELECT o.id, o.name, o.credit_code, o.kind, o.division_code, o.address, o.contact, o.phone_enc, o.version,
                    o.sheet, o.line, o.as_of, o.recorded_at, COALESCE(i.file_name, '') AS file_name,
                    COALESCE(d.full_name, '') AS place
             FROM organisation o LEFT JOIN import i ON i.id = o.import_id LEFT JOIN division d ON d.code = o.division_code
             WHERE o.id = $3 AND {VISIBLE}"
        )),
        args![scope.lo(), scope.hi(), id],
    )
    .await
}

/// The spellings of its name.
pub(super) async fn spellings(db: &Db, id: Uuid) -> Result<Vec<(String,)>, DbError> {
    db.all("SELECT name FROM organisation_alias WHERE organisation_id = $1 ORDER BY name", args![id]).await
}

/// Its superseded versions.
pub(super) async fn versions(db: &Db, id: Uuid) -> Result<Vec<OrganisationVersion>, DbError> {
    db.all(
        "SELECT v.entity, v.entity_id, v.version, v.data, v.as_of, v.recorded_at, v.superseded_at,
                COALESCE(i.file_name, '') AS file_name
         FROM record_version v LEFT JOIN import i ON i.id = v.import_id
         WHERE v.entity = 'organisation' AND v.entity_id = $1 ORDER BY v.version",
        args![id],
    )
    .await
}

/// Who of a scope works there.
pub(super) async fn workers(db: &Db, scope: &Scope, id: Uuid, limit: i64) -> Result<Vec<Worker>, DbError> {
    db.all(
        "SELECT p.household_id, p.name, p.relation, h.head_name, p.work_place, COALESCE(d.full_name, '') AS place
         FROM organisation_alias a JOIN person p ON p.work_employer = a.name JOIN household h ON h.id = p.household_id
         LEFT JOIN division d ON d.code = p.division_code
         WHERE a.organisation_id = $3 AND p.work_employer <> '' AND p.division_code >= $1 AND p.division_code < $2
         ORDER BY p.division_code, p.person_no LIMIT $4",
        args![scope.lo(), scope.hi(), id, limit],
    )
    .await
}

/// Which households of a scope its people help.
pub(super) async fn helped(db: &Db, scope: &Scope, id: Uuid, limit: i64) -> Result<Vec<Helped>, DbError> {
    db.all(
        "SELECT k.household_id, k.name, h.head_name, h.household_no, k.start_date, k.end_date,
                COALESCE(d.full_name, '') AS place
         FROM organisation_alias a JOIN helper k ON k.unit = a.name JOIN household h ON h.id = k.household_id
         LEFT JOIN division d ON d.code = k.division_code
         WHERE a.organisation_id = $3 AND k.unit <> '' AND k.division_code >= $1 AND k.division_code < $2
         ORDER BY CASE WHEN k.end_date = '' THEN 0 ELSE 1 END, k.division_code, h.household_no, k.id LIMIT $4",
        args![scope.lo(), scope.hi(), id, limit],
    )
    .await
}

/// Which members of work teams in a scope it has sent.
pub(super) async fn sent(db: &Db, scope: &Scope, id: Uuid, limit: i64) -> Result<Vec<TeamOf>, DbError> {
    db.all(
        "SELECT t.name, t.team, t.role, t.start_date, t.end_date, COALESCE(d.full_name, '') AS place
         FROM organisation_alias a JOIN work_team_member t ON t.unit = a.name
         LEFT JOIN division d ON d.code = t.division_code
         WHERE a.organisation_id = $3 AND t.unit <> '' AND t.division_code >= $1 AND t.division_code < $2
         ORDER BY CASE WHEN t.end_date = '' THEN 0 ELSE 1 END, t.division_code, t.id LIMIT $4",
        args![scope.lo(), scope.hi(), id, limit],
    )
    .await
}

/// How many of a scope work there, how many households are helped from there, and how many it has sent.
pub(super) async fn figures(db: &Db, scope: &Scope, id: Uuid) -> Result<(i64, i64, i64), DbError> {
    db.one(
        "SELECT (SELECT COUNT(*) FROM organisation_alias a JOIN person p ON p.work_employer = a.name
                 WHERE a.organisation_id = $3 AND p.work_employer <> '' AND p.division_code >= $1
                   AND p.division_code < $2),
                (SELECT COUNT(DISTINCT k.household_id) FROM organisation_alias a JOIN helper k ON k.unit = a.name
                 WHERE a.organisation_id = $3 AND k.unit <> '' AND k.division_code >= $1 AND k.division_code < $2),
                (SELECT COUNT(*) FROM organisation_alias a JOIN work_team_member t ON t.unit = a.name
                 WHERE a.organisation_id = $3 AND t.unit <> '' AND t.division_code >= $1 AND t.division_code < $2)",
        args![scope.lo(), scope.hi(), id],
    )
    .await
}

/// The organisations that a household's members, its helpers and its village's work team name.
pub(super) async fn of_household(
    db: &Db,
    scope: &Scope,
    household: Uuid,
    village: &str,
) -> Result<Vec<Named>, DbError> {
    db.all(
        "SELECT a.name AS spelling, o.id, o.name, o.credit_code
         FROM organisation_alias a JOIN organisation o ON o.id = a.organisation_id
         WHERE a.name IN (
             SELECT work_employer FROM person
             WHERE household_id = $3 AND division_code >= $1 AND division_code < $2
             UNION SELECT unit FROM helper WHERE household_id = $3 AND division_code >= $1 AND division_code < $2
             UNION SELECT unit FROM work_team_member
             WHERE division_code = $4 AND division_code >= $1 AND division_code < $2)",
        args![scope.lo(), scope.hi(), household, village],
    )
    .await
}

const LINE: &str = "o.id, o.name, o.credit_code, COALESCE(d.full_name, '') AS place
     FROM organisation o LEFT JOIN division d ON d.code = o.division_code WHERE";

/// Organisations of a scope with a spelling that holds `text`, which is folded.
pub(super) async fn named(db: &Db, scope: &Scope, text: &str, limit: i64) -> Result<Vec<OrganisationLine>, DbError> {
    db.all(
        AssertSqlSafe(format!(
            "SELECT {LINE} o.id IN (SELECT n.organisation_id FROM organisation_alias n
                                    WHERE REPLACE(n.name_folded, $3, '') <> n.name_folded)
                 AND {VISIBLE} ORDER BY o.name, o.id LIMIT $4"
        )),
        args![scope.lo(), scope.hi(), text, limit],
    )
    .await
}

/// Organisations of a scope of which the name in letters, or its initials, begins with `text`.
pub(super) async fn sounding(db: &Db, scope: &Scope, text: &str, limit: i64) -> Result<Vec<OrganisationLine>, DbError> {
    db.all(
        AssertSqlSafe(format!(
            "SELECT {LINE} o.id IN (SELECT n.organisation_id FROM organisation_alias n
                                    WHERE (n.pinyin >= $3 AND n.pinyin < $5) OR (n.initials >= $3 AND n.initials < $5))
                 AND {VISIBLE} ORDER BY o.name, o.id LIMIT $4"
        )),
        args![scope.lo(), scope.hi(), text, limit, after(text)],
    )
    .await
}

/// Organisations of a scope of which the credit code begins with `text`.
pub(super) async fn coded(db: &Db, scope: &Scope, text: &str, limit: i64) -> Result<Vec<OrganisationLine>, DbError> {
    db.all(
        AssertSqlSafe(format!(
            "SELECT {LINE} o.credit_code >= $3 AND o.credit_code < $5 AND {VISIBLE} ORDER BY o.name, o.id LIMIT $4"
        )),
        args![scope.lo(), scope.hi(), text, limit, after(text)],
    )
    .await
}
