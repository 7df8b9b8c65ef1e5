//! All SQL of the register, and the small reads of signals, findings and items that the household file shows.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError, Tx, Value};

use super::divisions::{Alias, Division};
use super::model::{
    FindingLine, Helper, Household, Income, ItemLine, Monitoring, Person, SignalLine, StoredVersion, TeamMember,
};

/// All divisions and aliases.
pub(super) async fn division_tables(db: &Db) -> Result<(Vec<Division>, Vec<Alias>), DbError> {
    let nodes = db
        .all(
            "SELECT code, name, full_name, parent_code, level, valid_from, valid_to FROM division ORDER BY code",
            args![],
        )
        .await?;
    let aliases = db
        .all(
            "SELECT alias_code, alias_name, code, valid_from, valid_to FROM division_alias
             ORDER BY code, alias_code, alias_name",
            args![],
        )
        .await?;
    Ok((nodes, aliases))
}

/// One division. Names of divisions are public, so no scope is asked for.
pub(super) async fn division(db: &Db, code: &str) -> Result<Option<Division>, DbError> {
    db.maybe(
        "SELECT code, name, full_name, parent_code, level, valid_from, valid_to FROM division WHERE code = $1",
        args![code],
    )
    .await
}

/// The divisions right below one.
pub(super) async fn division_children(db: &Db, parent: &str) -> Result<Vec<Division>, DbError> {
    db.all(
        "SELECT code, name, full_name, parent_code, level, valid_from, valid_to FROM division
         WHERE parent_code = $1 AND valid_to = '' ORDER BY code",
        args![parent],
    )
    .await
}

const HOUSEHOLD: &str = "h.id, h.household_no, h.division_code, h.head_name, h.head_person_no, h.member_count, h.kind,
     h.registration, h.main_cause, h.phone_enc, h.housing_grade, h.dangerous_house, h.safe_water, h.attrs, h.version,
     h.import_id, h.sheet, h.line, h.as_of, h.recorded_at, COALESCE(i.file_name, '') AS file_name
     FROM household h LEFT JOIN import i ON i.id = h.import_id
     WHERE h.division_code >= $1 AND h.division_code < $2";

pub(super) async fn household(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Household>, DbError> {
    db.maybe(AssertSqlSafe(format!("SELECT {HOUSEHOLD} AND h.id = $3")), args![scope.lo(), scope.hi(), id]).await
}

pub(super) async fn household_by_no(db: &Db, scope: &Scope, no: &str) -> Result<Option<Household>, DbError> {
    db.maybe(AssertSqlSafe(format!("SELECT {HOUSEHOLD} AND h.household_no = $3")), args![scope.lo(), scope.hi(), no])
        .await
}

pub(super) async fn members(db: &Db, scope: &Scope, id: Uuid) -> Result<Vec<Person>, DbError> {
    db.all(
        "SELECT p.id, p.person_no, p.household_id, p.division_code, p.name, p.sex, p.birth_date, p.id_kind, p.id_enc,
                p.phone_enc, p.relation, p.is_head, p.labour, p.health, p.education, p.schooling, p.work_place,
                p.work_division, p.work_employer, p.work_months, p.attrs, p.version, p.import_id, p.sheet, p.line,
                p.as_of, p.recorded_at, COALESCE(i.file_name, '') AS file_name
         FROM person p LEFT JOIN import i ON i.id = p.import_id
         WHERE p.household_id = $3 AND p.division_code >= $1 AND p.division_code < $2
         ORDER BY p.is_head DESC, p.person_no",
        args![scope.lo(), scope.hi(), id],
    )
    .await
}

pub(super) async fn incomes(db: &Db, scope: &Scope, id: Uuid) -> Result<Vec<Income>, DbError> {
    db.all(
        "SELECT n.year, n.wage, n.operating, n.property, n.transfer, n.cost, n.net, n.per_capita, n.items, n.version,
                n.import_id, n.sheet, n.line, n.as_of, n.recorded_at, COALESCE(i.file_name, '') AS file_name
         FROM household_income n LEFT JOIN import i ON i.id = n.import_id
         WHERE n.household_id = $3 AND n.division_code >= $1 AND n.division_code < $2
         ORDER BY n.year DESC",
        args![scope.lo(), scope.hi(), id],
    )
    .await
}

pub(super) async fn monitoring(db: &Db, scope: &Scope, id: Uuid) -> Result<Option<Monitoring>, DbError> {
    db.maybe(
        "SELECT m.kind, m.identified_month, m.risks, m.eliminated, m.eliminated_month, m.attrs, m.version, m.import_id,
                m.sheet, m.line, m.as_of, m.recorded_at, COALESCE(i.file_name, '') AS file_name
         FROM monitoring m LEFT JOIN import i ON i.id = m.import_id
         WHERE m.household_id = $3 AND m.division_code >= $1 AND m.division_code < $2",
        args![scope.lo(), scope.hi(), id],
    )
    .await
}

pub(super) async fn helpers(db: &Db, scope: &Scope, id: Uuid) -> Result<Vec<Helper>, DbError> {
    db.all(
        "SELECT p.id, p.division_code, p.name, p.sex, p.unit, p.phone_enc, p.start_date, p.end_date, p.attrs,
                p.version, p.import_id, p.sheet, p.line, p.as_of, p.recorded_at,
                COALESCE(i.file_name, '') AS file_name
         FROM helper p LEFT JOIN import i ON i.id = p.import_id
         WHERE p.household_id = $3 AND p.division_code >= $1 AND p.division_code < $2
         ORDER BY CASE WHEN p.end_date = '' THEN 0 ELSE 1 END, p.start_date DESC, p.id",
        args![scope.lo(), scope.hi(), id],
    )
    .await
}

/// The serving members of a village's work team.
pub(super) async fn team(db: &Db, scope: &Scope, village: &str) -> Result<Vec<TeamMember>, DbError> {
    db.all(
        "SELECT p.id, p.team, p.division_code, p.name, p.role, p.unit, p.phone_enc, p.start_date, p.end_date, p.attrs,
                p.version, p.import_id, p.sheet, p.line, p.as_of, p.recorded_at,
                COALESCE(i.file_name, '') AS file_name
         FROM work_team_member p LEFT JOIN import i ON i.id = p.import_id
         WHERE p.division_code = $3 AND p.division_code >= $1 AND p.division_code < $2 AND p.end_date = ''
         ORDER BY CASE p.role WHEN '第一书记' THEN 0 WHEN '队长' THEN 1 ELSE 2 END, p.start_date, p.id",
        args![scope.lo(), scope.hi(), village],
    )
    .await
}

/// Signals about the household or its members, withdrawn ones too.
pub(super) async fn signals(db: &Db, scope: &Scope, id: Uuid) -> Result<Vec<SignalLine>, DbError> {
    db.all(
        "SELECT s.id, s.kind, s.subject, s.person_id, COALESCE(p.name, '') AS person_name, s.fact_date, s.learnt_at,
                s.probability, s.source, s.state, s.state_reason, s.state_at,
                COALESCE(c.file_name, '') AS file_name, COALESCE(l.sheet, '') AS sheet, COALESCE(l.line, 0) AS line
         FROM signal s
         LEFT JOIN person p ON p.id = s.person_id
         LEFT JOIN list_row l ON l.id = s.list_row_id
         LEFT JOIN comparison c ON c.id = l.comparison_id
         WHERE s.household_id = $3 AND s.division_code >= $1 AND s.division_code < $2
         ORDER BY s.fact_date DESC, s.learnt_at DESC, s.id",
        args![scope.lo(), scope.hi(), id],
    )
    .await
}

pub(super) async fn findings(db: &Db, scope: &Scope, id: Uuid) -> Result<Vec<FindingLine>, DbError> {
    db.all(
        "SELECT f.id, f.rule_id, COALESCE(p.name, '') AS person_name, f.level, f.since, f.until, f.evidence, f.state,
                f.end_reason, COALESCE(o.key, '') AS profile_key, COALESCE(o.version, 0) AS profile_version,
                t.id AS item_id, COALESCE(t.number, '') AS item_number, COALESCE(t.title, '') AS item_title
         FROM finding f
         LEFT JOIN person p ON p.id = f.person_id
         LEFT JOIN policy_profile o ON o.id = f.profile_id
         LEFT JOIN item t ON t.source_key = f.finding_key
         WHERE f.household_id = $3 AND f.division_code >= $1 AND f.division_code < $2
         ORDER BY CASE f.state WHEN 'open' THEN 0 ELSE 1 END,
                  CASE f.level WHEN 'severe' THEN 0 WHEN 'affected' THEN 1 ELSE 2 END, f.since DESC, f.id",
        args![scope.lo(), scope.hi(), id],
    )
    .await
}

pub(super) async fn items(db: &Db, scope: &Scope, id: Uuid) -> Result<Vec<ItemLine>, DbError> {
    db.all(
        "SELECT id, number, title, level, state, round, owner_unit, owner_name, deadline, opened_on, closed_on
         FROM item
         WHERE household_id = $3 AND division_code >= $1 AND division_code < $2
         ORDER BY CASE WHEN state IN ('closed', 'cancelled') THEN 1 ELSE 0 END, deadline, number",
        args![scope.lo(), scope.hi(), id],
    )
    .await
}

/// Superseded versions of the household, its income and monitoring, its members and helpers.
pub(super) async fn versions(db: &Db, scope: &Scope, id: Uuid) -> Result<Vec<StoredVersion>, DbError> {
    db.all(
        "SELECT v.entity, v.entity_id, v.version, v.data, v.as_of, v.recorded_at, v.superseded_at,
                COALESCE(i.file_name, '') AS file_name
         FROM record_version v LEFT JOIN import i ON i.id = v.import_id
         WHERE v.division_code >= $1 AND v.division_code < $2
           AND ((v.entity IN ('household', 'household_income', 'monitoring') AND v.entity_id = $3)
             OR (v.entity = 'person' AND v.entity_id IN (SELECT p.id FROM person p WHERE p.household_id = $3))
             OR (v.entity = 'helper' AND v.entity_id IN (SELECT k.id FROM helper k WHERE k.household_id = $3)))
         ORDER BY v.entity, v.entity_id, v.version",
        args![scope.lo(), scope.hi(), id],
    )
    .await
}

/// Where a sealed field lies and what it holds: division and sealed bytes.
pub(super) type Sealed = (String, Option<Vec<u8>>);

pub(super) async fn sealed_household_phone(tx: &mut Tx, household: Uuid) -> Result<Option<Sealed>, DbError> {
    tx.maybe("SELECT division_code, phone_enc FROM household WHERE id = $1", args![household]).await
}

pub(super) async fn sealed_person_id(tx: &mut Tx, household: Uuid, id: Uuid) -> Result<Option<Sealed>, DbError> {
    tx.maybe("SELECT division_code, id_enc FROM person WHERE id = $1 AND household_id = $2", args![id, household]).await
}

pub(super) async fn sealed_person_phone(tx: &mut Tx, household: Uuid, id: Uuid) -> Result<Option<Sealed>, DbError> {
    tx.maybe("SELECT division_code, phone_enc FROM person WHERE id = $1 AND household_id = $2", args![id, household])
        .await
}

pub(super) async fn sealed_helper_phone(tx: &mut Tx, household: Uuid, id: Uuid) -> Result<Option<Sealed>, DbError> {
    tx.maybe("SELECT division_code, phone_enc FROM helper WHERE id = $1 AND household_id = $2", args![id, household])
        .await
}

pub(super) async fn sealed_team_phone(tx: &mut Tx, id: Uuid) -> Result<Option<Sealed>, DbError> {
    tx.maybe("SELECT division_code, phone_enc FROM work_team_member WHERE id = $1", args![id]).await
}

// ---- search ----

/// A person found, before masking.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct FoundPerson {
    pub(super) id: Uuid,
    pub(super) household_id: Uuid,
    pub(super) household_no: String,
    pub(super) name: String,
    pub(super) sex: String,
    pub(super) birth_date: String,
    pub(super) id_enc: Option<Vec<u8>>,
    pub(super) relation: String,
    pub(super) head_name: String,
    pub(super) place: String,
}

const FOUND: &str = "p.id, p.household_id, h.household_no, p.name, p.sex, p.birth_date, p.id_enc, p.relation,
        h.head_name, COALESCE(d.full_name, '') AS place ";
const FROM_PERSON: &str = "FROM person p JOIN household h ON h.id = p.household_id
     LEFT JOIN division d ON d.code = p.division_code ";
/// One line a household: its head, or whoever comes first.
const FROM_HOUSEHOLD: &str = "FROM household h
     JOIN person p ON p.id = (SELECT m.id FROM person m WHERE m.household_id = h.id
                              ORDER BY m.is_head DESC, m.person_no LIMIT 1)
     LEFT JOIN division d ON d.code = h.division_code ";

/// What a person is looked up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Name,
    Pinyin,
    Initials,
}

impl By {
    fn column(self) -> &'static str {
        match self {
            Self::Name => "p.name_folded",
            Self::Pinyin => "p.pinyin",
            Self::Initials => "p.initials",
        }
    }
}

/// The text after every text that begins with `prefix`, by code point.
pub(super) fn after(prefix: &str) -> String {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return chars.into_iter().collect();
        }
    }
    char::MAX.to_string()
}

/// A township has some thousands of registered persons at the most: reading them all is cheaper than reading every
/// person of that name in a province. Text joined to '' keeps an index from being used, in both databases.
fn small(scope: &Scope) -> bool {
    scope.root().len() >= 9
}

/// Persons whose name, pinyin or initials equal `text` or, with `prefix`, begin with it (longer ones only).
pub(super) async fn persons_named(
    db: &Db,
    scope: &Scope,
    by: By,
    text: &str,
    prefix: bool,
    limit: i64,
) -> Result<Vec<FoundPerson>, DbError> {
    let column = by.column();
    let (name, division) = if small(scope) {
        (format!("{column} || ''"), "p.division_code".to_owned())
    } else {
        (column.to_owned(), "p.division_code || ''".to_owned())
    };
    let test = if prefix { format!("{name} > $3 AND {name} < $4") } else { format!("{name} = $3 AND $4 <> ''") };
    // Made of literals of this file only.
    let sql = format!("SELECT {FOUND} {FROM_PERSON} WHERE {test} AND {division} >= $1 AND {division} < $2 LIMIT $5");
    db.all(AssertSqlSafe(sql), args![scope.lo(), scope.hi(), text, after(text), limit]).await
}

pub(super) async fn persons_by_id_index(
    db: &Db,
    scope: &Scope,
    index: i64,
    limit: i64,
) -> Result<Vec<FoundPerson>, DbError> {
    db.all(
        AssertSqlSafe(format!(
            "SELECT {FOUND} {FROM_PERSON}
             WHERE p.id_index = $3 AND p.division_code || '' >= $1 AND p.division_code || '' < $2 LIMIT $4"
        )),
        args![scope.lo(), scope.hi(), index, limit],
    )
    .await
}

pub(super) async fn persons_by_phone(
    db: &Db,
    scope: &Scope,
    index: i64,
    limit: i64,
) -> Result<Vec<FoundPerson>, DbError> {
    db.all(
        AssertSqlSafe(format!(
            "SELECT {FOUND} {FROM_PERSON}
             WHERE p.phone_index = $3 AND p.division_code || '' >= $1 AND p.division_code || '' < $2 LIMIT $4"
        )),
        args![scope.lo(), scope.hi(), index, limit],
    )
    .await
}

pub(super) async fn households_by_phone(
    db: &Db,
    scope: &Scope,
    index: i64,
    limit: i64,
) -> Result<Vec<FoundPerson>, DbError> {
    db.all(
        AssertSqlSafe(format!(
            "SELECT {FOUND} {FROM_HOUSEHOLD}
             WHERE h.phone_index = $3 AND h.division_code || '' >= $1 AND h.division_code || '' < $2 LIMIT $4"
        )),
        args![scope.lo(), scope.hi(), index, limit],
    )
    .await
}

pub(super) async fn households_by_helper_phone(
    db: &Db,
    scope: &Scope,
    index: i64,
    limit: i64,
) -> Result<Vec<FoundPerson>, DbError> {
    db.all(
        AssertSqlSafe(format!(
            "SELECT {FOUND} {FROM_HOUSEHOLD}
             WHERE h.id IN (SELECT k.household_id FROM helper k WHERE k.phone_index = $3 AND k.end_date = '')
             AND h.division_code || '' >= $1 AND h.division_code || '' < $2 LIMIT $4"
        )),
        args![scope.lo(), scope.hi(), index, limit],
    )
    .await
}

/// Households whose 户编号 begins with `text`.
pub(super) async fn households_numbered(
    db: &Db,
    scope: &Scope,
    text: &str,
    limit: i64,
) -> Result<Vec<FoundPerson>, DbError> {
    db.all(
        AssertSqlSafe(format!(
            "SELECT {FOUND} {FROM_HOUSEHOLD}
             WHERE h.household_no >= $3 AND h.household_no < $5 AND h.division_code || '' >= $1 AND h.division_code || '' < $2 LIMIT $4"
        )),
        args![scope.lo(), scope.hi(), text, limit, after(text)],
    )
    .await
}

/// Persons whose 人口编号 begins with `text`.
pub(super) async fn persons_numbered(
    db: &Db,
    scope: &Scope,
    text: &str,
    limit: i64,
) -> Result<Vec<FoundPerson>, DbError> {
    db.all(
        AssertSqlSafe(format!(
            "SELECT {FOUND} {FROM_PERSON}
             WHERE p.person_no >= $3 AND p.person_no < $5 AND p.division_code || '' >= $1 AND p.division_code || '' < $2 LIMIT $4"
        )),
        args![scope.lo(), scope.hi(), text, limit, after(text)],
    )
    .await
}

/// A division found, with what is registered there.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct Place {
    pub code: String,
    pub name: String,
    pub full_name: String,
    pub level: i64,
    pub households: i64,
    pub persons: i64,
}

const PLACE: &str = "d.code, d.name, d.full_name, d.level,
     (SELECT CAST(COALESCE(SUM(r.households), 0) AS BIGINT) FROM register_rollup r
      WHERE r.division_code >= d.code AND r.division_code < d.code || ':') AS households,
     (SELECT CAST(COALESCE(SUM(r.persons), 0) AS BIGINT) FROM register_rollup r
      WHERE r.division_code >= d.code AND r.division_code < d.code || ':') AS persons
     FROM division d
     WHERE d.valid_to = '' AND d.level <= 5 AND d.code >= $1 AND d.code < $2";

/// Divisions down to villages whose name begins with `text`. (':' is the character after '9'.)
pub(super) async fn places_named(db: &Db, scope: &Scope, text: &str, limit: i64) -> Result<Vec<Place>, DbError> {
    db.all(
        AssertSqlSafe(format!("SELECT {PLACE} AND d.name >= $3 AND d.name < $5 ORDER BY d.level, d.code LIMIT $4")),
        args![scope.lo(), scope.hi(), text, limit, after(text)],
    )
    .await
}

/// Divisions whose pinyin begins with `text` or whose initials are `text`.
pub(super) async fn places_sounding(db: &Db, scope: &Scope, text: &str, limit: i64) -> Result<Vec<Place>, DbError> {
    db.all(
        AssertSqlSafe(format!(
            "SELECT {PLACE} AND ((d.pinyin >= $3 AND d.pinyin < $5) OR d.initials = $3) ORDER BY d.level, d.code LIMIT $4"
        )),
        args![scope.lo(), scope.hi(), text, limit, after(text)],
    )
    .await
}

/// Divisions of a code.
pub(super) async fn places_coded(db: &Db, scope: &Scope, text: &str, limit: i64) -> Result<Vec<Place>, DbError> {
    db.all(
        AssertSqlSafe(format!("SELECT {PLACE} AND d.code = $3 ORDER BY d.level, d.code LIMIT $4")),
        args![scope.lo(), scope.hi(), text, limit],
    )
    .await
}

/// The divisions right below one, with what is registered there.
pub(super) async fn places_below(db: &Db, scope: &Scope, parent: &str, limit: i64) -> Result<Vec<Place>, DbError> {
    db.all(
        AssertSqlSafe(format!("SELECT {PLACE} AND d.parent_code = $3 ORDER BY d.level, d.code LIMIT $4")),
        args![scope.lo(), scope.hi(), parent, limit],
    )
    .await
}

/// A household in a list.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct HouseholdLine {
    pub id: Uuid,
    pub household_no: String,
    pub head_name: String,
    pub member_count: i64,
    pub kind: String,
    pub registration: String,
    pub division_code: String,
    pub place: String,
    pub monitored: bool,
    pub open_items: i64,
}

/// Households of the items assigned to a user, those that a serving helper of that name and unit helps, and those of
/// helpers for whom somebody of that name and unit stands in on an ISO day.
pub(super) async fn helped_by(
    db: &Db,
    scope: &Scope,
    user: Uuid,
    name: &str,
    unit: &str,
    today: &str,
) -> Result<Vec<(Uuid,)>, DbError> {
    db.all(
        "SELECT household_id FROM item
         WHERE assignee_id = $3 AND household_id IS NOT NULL AND division_code >= $1 AND division_code < $2
         UNION
         SELECT household_id FROM helper
         WHERE end_date = '' AND unit <> '' AND name = $4 AND unit = $5 AND division_code >= $1 AND division_code < $2
         UNION
         SELECT k.household_id FROM deployment x JOIN helper k ON x.kind = 'helper' AND x.name_folded = k.name_folded
             AND x.name = k.name AND x.unit = k.unit
             AND (x.phone_index IS NULL OR k.phone_index IS NULL OR x.phone_index = k.phone_index)
             AND SUBSTR(k.division_code, 1, CAST(LENGTH(x.division_code) AS INTEGER)) = x.division_code
         WHERE x.stand_in_unit <> '' AND x.stand_in = $4 AND x.stand_in_unit = $5 AND x.from_day <= $6
           AND (x.to_day = '' OR x.to_day >= $6) AND k.end_date = '' AND k.division_code >= $1 AND k.division_code < $2",
        args![scope.lo(), scope.hi(), user, name, unit, today],
    )
    .await
}

/// Some households of a scope, in the order of their villages and numbers.
pub(super) async fn households_of(db: &Db, scope: &Scope, ids: &[Uuid]) -> Result<Vec<HouseholdLine>, DbError> {
    let mut out: Vec<HouseholdLine> = Vec::new();
    for chunk in ids.chunks(500) {
        let places: Vec<String> = (3..chunk.len() + 3).map(|n| format!("${n}")).collect();
        let sql = format!(
            "SELECT {LINE} WHERE h.division_code >= $1 AND h.division_code < $2 AND h.id IN ({})",
            places.join(", ")
        );
        let mut args = args![scope.lo(), scope.hi()];
        args.extend(chunk.iter().map(Value::from));
        out.extend(db.all::<HouseholdLine>(AssertSqlSafe(sql), args).await?);
    }
    out.sort_by(|a, b| (&a.division_code, &a.household_no).cmp(&(&b.division_code, &b.household_no)));
    Ok(out)
}

const LINE: &str = "h.id, h.household_no, h.head_name, h.member_count, h.kind, h.registration, h.division_code,
     COALESCE(d.name, '') AS place,
     EXISTS (SELECT 1 FROM monitoring m WHERE m.household_id = h.id AND NOT m.eliminated) AS monitored,
     (SELECT COUNT(*) FROM item t WHERE t.household_id = h.id AND t.state NOT IN ('closed', 'cancelled')) AS open_items
     FROM household h LEFT JOIN division d ON d.code = h.division_code";

/// Households of a village in the order of their groups and numbers.
pub(super) async fn households_in(
    db: &Db,
    scope: &Scope,
    offset: i64,
    limit: i64,
) -> Result<Vec<HouseholdLine>, DbError> {
    db.all(
        AssertSqlSafe(format!(
            "SELECT {LINE} WHERE h.division_code >= $1 AND h.division_code < $2
             ORDER BY h.division_code, h.household_no LIMIT $3 OFFSET $4"
        )),
        args![scope.lo(), scope.hi(), limit, offset],
    )
    .await
}
