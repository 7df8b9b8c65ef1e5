//! All SQL of the household view: what the rules read of a household, and which households there is reason to ask about.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::NaiveDate;
use rustc_hash::FxHashMap;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::lines::IncomeLines;
use super::model::{HouseholdView, PersonView, ServantView, SignalView};
use super::profile::Profile;
use super::profile::view::{self, Fact, Facts, OfHousehold, OfPerson, Owner, Part};
use super::store::{ids_as_args, places};
use crate::access::Scope;
use crate::args;
use crate::platform::{Db, DbError, Tx, Value};

/// Whom or where somebody serves, their row, folded name, and blind indexes of number and phone.
type ServingRow<K> = (K, Uuid, String, Option<i64>, Option<i64>);

/// Somebody who serves households: by which other rows of the same person are known.
#[derive(Debug, Clone, sqlx::FromRow)]
struct ServantRow {
    id: Uuid,
    name_folded: String,
    id_index: Option<i64>,
    phone_index: Option<i64>,
}

impl ServantRow {
    /// One person serves many households and has a row for each: the same number, or the same name and phone.
    fn is(&self, other: &Self) -> bool {
        self.id == other.id
            || (self.id_index.is_some() && self.id_index == other.id_index)
            || (self.phone_index.is_some()
                && self.phone_index == other.phone_index
                && self.name_folded == other.name_folded)
    }
}

#[derive(Debug, Clone, sqlx::FromRow)]
struct SignalRow {
    subject: String,
    subject_id: Uuid,
    person_id: Option<Uuid>,
    household_id: Option<Uuid>,
    kind: String,
    fact_date: String,
    value: String,
    source: String,
    row_key: String,
    version: i64,
    state: String,
    state_reason: String,
}

impl SignalRow {
    fn view(self) -> SignalView {
        SignalView {
            person_id: if self.subject == "person" { self.person_id.or(Some(self.subject_id)) } else { None },
            kind: self.kind,
            fact_date: self.fact_date,
            value: serde_json::from_str(&self.value).unwrap_or_default(),
            source: self.source,
            row_key: self.row_key,
            version: self.version,
            state: self.state,
            state_reason: self.state_reason,
        }
    }
}

const SIGNAL_COLUMNS: &str = "subject, subject_id, person_id, household_id, kind, fact_date, value, source, row_key, version, state, \
                              state_reason";

/// Helpers and team members who have or had a signal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Servants {
    helpers: Vec<(ServantRow, Vec<SignalView>)>,
    team: Vec<(ServantRow, Vec<SignalView>)>,
}

impl Servants {
    /// Every signal of any of them.
    pub(super) fn signals(&self) -> impl Iterator<Item = &SignalView> {
        self.helpers.iter().chain(&self.team).flat_map(|(_, signals)| signals)
    }
}

/// Reads the helpers and team members who have or had a signal: few, whatever the size of the register.
pub(crate) async fn servants(tx: &mut Tx) -> Result<Servants, DbError> {
    let mut out = Servants::default();
    for (subject, table) in [("helper", "helper"), ("team_member", "work_team_member")] {
        let sql =
            format!("SELECT {SIGNAL_COLUMNS} FROM signal WHERE subject = $1 ORDER BY source, row_key, version, kind");
        let signals: Vec<SignalRow> = tx.all(AssertSqlSafe(sql), args![subject]).await?;
        let sql = format!(
            "SELECT id, name_folded, id_index, phone_index FROM {table}
             WHERE id IN (SELECT subject_id FROM signal WHERE subject = $1) ORDER BY id"
        );
        let rows: Vec<ServantRow> = tx.all(AssertSqlSafe(sql), args![subject]).await?;
        let mut by: HashMap<Uuid, Vec<SignalView>> = HashMap::new();
        for signal in signals {
            by.entry(signal.subject_id).or_default().push(signal.view());
        }
        let list = if subject == "helper" { &mut out.helpers } else { &mut out.team };
        list.extend(rows.into_iter().map(|row| {
            let signals = by.remove(&row.id).unwrap_or_default();
            (row, signals)
        }));
    }
    Ok(out)
}

/// [`servants`] where a rule asks about helpers or team members; nobody where none does.
pub(super) async fn servants_for(tx: &mut Tx, profile: &Profile) -> Result<Servants, DbError> {
    let reads = profile.reads();
    if reads.household(OfHousehold::HelperList) || reads.household(OfHousehold::TeamList) {
        servants(tx).await
    } else {
        Ok(Servants::default())
    }
}

fn signals_of(affected: &[(ServantRow, Vec<SignalView>)], row: &ServantRow) -> Vec<SignalView> {
    let mut out: Vec<SignalView> = Vec::new();
    for (_, signals) in affected.iter().filter(|(other, _)| other.is(row)) {
        for signal in signals {
            // The same list row may stand at several rows of the same helper.
            let twin = out
                .iter_mut()
                .find(|s| s.kind == signal.kind && s.source == signal.source && s.row_key == signal.row_key);
            match twin {
                Some(twin) if (signal.version, signal.is_active()) > (twin.version, twin.is_active()) => {
                    *twin = signal.clone()
                }
                Some(_) => {}
                None => out.push(signal.clone()),
            }
        }
    }
    out
}

/// Households served by anybody in `servants`.
pub(super) async fn households_served(db: &Db, servants: &Servants, day: NaiveDate) -> Result<BTreeSet<Uuid>, DbError> {
    let mut out = BTreeSet::new();
    let names: BTreeSet<&str> = servants.helpers.iter().map(|(row, _)| row.name_folded.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    for chunk in names.chunks(500) {
        let sql = format!(
            "SELECT id, household_id, name_folded, id_index, phone_index FROM helper
             WHERE (end_date = '' OR end_date >= $1) AND name_folded IN ({})",
            places(2, chunk.len())
        );
        let mut args = args![day];
        args.extend(chunk.iter().map(|name| Value::from(*name)));
        let rows: Vec<ServingRow<Uuid>> = db.all(AssertSqlSafe(sql), args).await?;
        for (id, household, name_folded, id_index, phone_index) in rows {
            let row = ServantRow { id, name_folded, id_index, phone_index };
            if servants.helpers.iter().any(|(other, _)| other.is(&row)) {
                out.insert(household);
            }
        }
    }
    for (row, _) in &servants.team {
        let villages: Vec<ServingRow<String>> = db
            .all(
                "SELECT division_code, id, name_folded, id_index, phone_index FROM work_team_member
                 WHERE (end_date = '' OR end_date >= $1) AND (id = $2 OR name_folded = $3)",
                args![day, row.id, &row.name_folded],
            )
            .await?;
        for (village, id, name_folded, id_index, phone_index) in villages {
            if !row.is(&ServantRow { id, name_folded, id_index, phone_index }) {
                continue;
            }
            let scope = Scope::subtree(&village);
            let rows: Vec<(Uuid,)> = db
                .all(
                    "SELECT id FROM household WHERE division_code >= $1 AND division_code < $2",
                    args![scope.lo(), scope.hi()],
                )
                .await?;
            out.extend(rows.into_iter().map(|r| r.0));
        }
    }
    Ok(out)
}

/// Households that have a signal in force or an open finding.
pub(super) async fn households_touched(db: &Db, scope: &Scope) -> Result<BTreeSet<Uuid>, DbError> {
    let mut out = BTreeSet::new();
    for sql in [
        "SELECT DISTINCT household_id FROM signal
         WHERE state = 'active' AND household_id IS NOT NULL AND division_code >= $1 AND division_code < $2",
        "SELECT DISTINCT household_id FROM finding
         WHERE state = 'open' AND household_id IS NOT NULL AND division_code >= $1 AND division_code < $2",
    ] {
        let rows: Vec<(Uuid,)> = db.all(sql, args![scope.lo(), scope.hi()]).await?;
        out.extend(rows.into_iter().map(|r| r.0));
    }
    Ok(out)
}

/// Households with somebody who works in a county.
pub(super) async fn households_working_in(db: &Db, county: &str, scope: &Scope) -> Result<Vec<(Uuid,)>, DbError> {
    let place = Scope::subtree(county);
    db.all(
        "SELECT DISTINCT household_id FROM person
         WHERE work_division >= $1 AND work_division < $2 AND division_code >= $3 AND division_code < $4",
        args![place.lo(), place.hi(), scope.lo(), scope.hi()],
    )
    .await
}

/// Households whose signals changed since `since_ms`, and whether a helper's or team member's did.
pub(super) async fn changed_since(db: &Db, since_ms: i64) -> Result<(BTreeSet<Uuid>, bool), DbError> {
    let mut out = BTreeSet::new();
    let mut servants = false;
    for subject in ["person", "household", "helper", "team_member"] {
        let rows: Vec<(Option<Uuid>,)> = db
            .all(
                "SELECT DISTINCT household_id FROM signal WHERE subject = $1 AND state_at >= $2",
                args![subject, since_ms],
            )
            .await?;
        servants |= !rows.is_empty() && !matches!(subject, "person" | "household");
        out.extend(rows.into_iter().filter_map(|r| r.0));
    }
    Ok((out, servants))
}

/// Whether a profile reads a part of the register.
fn reads(parts: u16, part: Part) -> bool {
    parts & part.bit() != 0
}

/// Every household of a scope.
pub(super) async fn households_in(db: &Db, scope: &Scope) -> Result<Vec<(Uuid,)>, DbError> {
    db.all(
        "SELECT id FROM household WHERE division_code >= $1 AND division_code < $2 ORDER BY id",
        args![scope.lo(), scope.hi()],
    )
    .await
}

/// The next households of the register in the order of their ids.
pub(super) async fn households_after(db: &Db, after: Uuid, limit: i64) -> Result<Vec<(Uuid,)>, DbError> {
    db.all("SELECT id FROM household WHERE id > $1 ORDER BY id LIMIT $2", args![after, limit]).await
}

/// How many households the register has.
pub(super) async fn households_in_all(db: &Db) -> Result<(i64,), DbError> {
    db.one("SELECT COUNT(*) FROM household", args![]).await
}

/// Of the household itself.
#[derive(Debug, sqlx::FromRow)]
struct HouseRow {
    id: Uuid,
    division_code: String,
    kind: String,
    registration: String,
    main_cause: String,
    member_count: i64,
    housing_grade: String,
    dangerous_house: Option<bool>,
    safe_water: Option<bool>,
}

impl HouseRow {
    fn view(self, lines: Option<&IncomeLines>, day: NaiveDate, words: &mut Words) -> HouseholdView {
        let mut facts = Facts::blank(Owner::Household);
        facts.put(OfHousehold::Type, words.word(&self.kind));
        facts.put(OfHousehold::Registration, words.word(&self.registration));
        facts.put(OfHousehold::MainCause, words.word(&self.main_cause));
        facts.put(OfHousehold::Members, Fact::Int(self.member_count));
        facts.put(OfHousehold::HousingGrade, words.word(&self.housing_grade));
        facts.put(OfHousehold::DangerousHouse, Fact::maybe_bool(self.dangerous_house));
        facts.put(OfHousehold::SafeWater, Fact::maybe_bool(self.safe_water));
        if let Some(lines) = lines {
            facts.put(OfHousehold::IncomeLine, Fact::maybe_number(lines.at(&self.division_code, day)));
        }
        HouseholdView {
            id: self.id,
            division_code: self.division_code,
            persons: Vec::new(),
            signals: Vec::new(),
            helpers: Vec::new(),
            team: Vec::new(),
            facts,
        }
    }
}

#[derive(Debug, sqlx::FromRow)]
struct PersonRow {
    id: Uuid,
    work_division: String,
    sex: String,
    birth_date: String,
    relation: String,
    is_head: bool,
    labour: String,
    health: String,
    education: String,
    schooling: String,
    work_months: Option<i64>,
    subsistence: Option<bool>,
    destitute: Option<bool>,
    serious_insured: Option<bool>,
}

impl PersonRow {
    fn view(self, day: NaiveDate, words: &mut Words) -> PersonView {
        let text = |number: Option<i64>| number.map(|n| n.to_string()).unwrap_or_default();
        let flag = |yes: Option<bool>| yes.map(|yes| yes.to_string()).unwrap_or_default();
        let columns = [
            self.work_division,
            self.sex,
            self.birth_date,
            self.relation,
            self.is_head.to_string(),
            self.labour,
            self.health,
            self.education,
            self.schooling,
            text(self.work_months),
            flag(self.subsistence),
            flag(self.destitute),
            flag(self.serious_insured),
        ];
        person_view(self.id, columns.each_ref().map(String::as_str), day, words)
    }
}

/// Texts that many rows share: each is kept once.
#[derive(Default)]
struct Words {
    words: FxHashMap<String, Arc<str>>,
    lists: FxHashMap<String, Arc<[String]>>,
}

impl Words {
    fn word(&mut self, text: &str) -> Fact {
        if let Some(known) = self.words.get(text) {
            return Fact::word(Arc::clone(known));
        }
        let new: Arc<str> = text.into();
        self.words.insert(text.to_owned(), Arc::clone(&new));
        Fact::word(new)
    }

    /// Several, as the register joins them.
    fn list(&mut self, text: &str) -> Fact {
        if let Some(known) = self.lists.get(text) {
            return Fact::Words(Arc::clone(known));
        }
        let parts = text.split([',', '，', '、']).map(str::trim).filter(|part| !part.is_empty());
        let new: Arc<[String]> = parts.map(str::to_owned).collect();
        self.lists.insert(text.to_owned(), Arc::clone(&new));
        Fact::Words(new)
    }
}

/// Columns of a household in one text.
const HOUSE_COLUMNS: usize = 7;
/// Columns of a person in one text: one value instead of thirteen to be handed from the database.
const PERSON_COLUMNS: usize = 13;
/// What lies between them.
const BETWEEN: &str = "\u{1f}";

/// A yes or no as either database writes it in a text; nothing where it is open.
fn written_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "true" => Some(true),
        "0" | "f" | "false" => Some(false),
        _ => None,
    }
}

fn person_view(id: Uuid, columns: [&str; PERSON_COLUMNS], day: NaiveDate, words: &mut Words) -> PersonView {
    let [
        work,
        sex,
        born,
        relation,
        head,
        labour,
        health,
        education,
        schooling,
        months,
        subsistence,
        destitute,
        insured,
    ] = columns;
    let mut facts = Facts::blank(Owner::Person);
    facts.put_person(OfPerson::Sex, words.word(sex));
    let age = view::iso(born).filter(|_| born.len() == 10).and_then(|born| day.years_since(born));
    facts.put_person(OfPerson::Age, Fact::maybe_int(age.map(i64::from)));
    facts.put_person(OfPerson::Relation, words.word(relation));
    facts.put_person(OfPerson::Head, Fact::Bool(written_bool(head) == Some(true)));
    facts.put_person(OfPerson::Labour, words.word(labour));
    facts.put_person(OfPerson::Health, words.list(health));
    facts.put_person(OfPerson::Education, words.word(education));
    facts.put_person(OfPerson::Schooling, words.word(schooling));
    facts.put_person(OfPerson::WorkMonths, Fact::maybe_int(months.parse().ok()));
    facts.put_person(OfPerson::Subsistence, Fact::maybe_bool(written_bool(subsistence)));
    facts.put_person(OfPerson::Destitute, Fact::maybe_bool(written_bool(destitute)));
    facts.put_person(OfPerson::SeriousInsured, Fact::maybe_bool(written_bool(insured)));
    PersonView { id, work_county: work.to_owned(), facts }
}

/// The members of some households with what the register says of them.
async fn members(
    tx: &mut Tx,
    ids: &[Uuid],
    views: &mut BTreeMap<Uuid, HouseholdView>,
    day: NaiveDate,
) -> Result<(), DbError> {
    let mut words = Words::default();
    let sql = format!(
        "SELECT id, household_id, concat_ws($1, work_division, sex, birth_date, relation, is_head, labour, health, education,
                    schooling, COALESCE(CAST(work_months AS TEXT), ''), COALESCE(CAST(subsistence AS TEXT), ''),
                    COALESCE(CAST(destitute AS TEXT), ''), COALESCE(CAST(serious_insured AS TEXT), ''))
         FROM person WHERE household_id IN ({})",
        places(2, ids.len())
    );
    let mut args = args![BETWEEN];
    args.extend(ids_as_args(ids));
    let rows: Vec<(Uuid, Uuid, String)> = tx.all(AssertSqlSafe(sql), args).await?;
    for (id, household, columns) in rows {
        let Some(view) = views.get_mut(&household) else {
            continue;
        };
        let mut parts = columns.split(BETWEEN);
        let found: [&str; PERSON_COLUMNS] = std::array::from_fn(|_| parts.next().unwrap_or_default());
        if parts.next().is_some() {
            // One of the columns holds what lies between them: this one is read column by column.
            if let Some(row) = member(tx, id).await? {
                view.persons.push(row.view(day, &mut words));
            }
        } else {
            view.persons.push(person_view(id, found, day, &mut words));
        }
    }
    Ok(())
}

/// Some households with what the register says of them.
async fn houses(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<HouseRow>, DbError> {
    let sql = format!(
        "SELECT id, division_code, concat_ws($1, kind, registration, main_cause, member_count, housing_grade,
                    COALESCE(CAST(dangerous_house AS TEXT), ''), COALESCE(CAST(safe_water AS TEXT), ''))
         FROM household WHERE id IN ({})",
        places(2, ids.len())
    );
    let mut args = args![BETWEEN];
    args.extend(ids_as_args(ids));
    let rows: Vec<(Uuid, String, String)> = tx.all(AssertSqlSafe(sql), args).await?;
    let mut out = Vec::with_capacity(rows.len());
    for (id, division_code, columns) in rows {
        let mut parts = columns.split(BETWEEN);
        let [kind, registration, main_cause, members, grade, dangerous, water]: [&str; HOUSE_COLUMNS] =
            std::array::from_fn(|_| parts.next().unwrap_or_default());
        if parts.next().is_some() {
            // As with a person.
            out.extend(house(tx, id).await?);
            continue;
        }
        out.push(HouseRow {
            id,
            division_code,
            kind: kind.to_owned(),
            registration: registration.to_owned(),
            main_cause: main_cause.to_owned(),
            member_count: members.parse().unwrap_or_default(),
            housing_grade: grade.to_owned(),
            dangerous_house: written_bool(dangerous),
            safe_water: written_bool(water),
        });
    }
    Ok(out)
}

async fn house(tx: &mut Tx, id: Uuid) -> Result<Option<HouseRow>, DbError> {
    tx.maybe(
        "SELECT id, division_code, kind, registration, main_cause, member_count, housing_grade, dangerous_house, safe_water
         FROM household WHERE id = $1",
        args![id],
    )
    .await
}

async fn member(tx: &mut Tx, id: Uuid) -> Result<Option<PersonRow>, DbError> {
    tx.maybe(
        "SELECT id, work_division, sex, birth_date, relation, is_head, labour, health, education, schooling, work_months,
                subsistence, destitute, serious_insured
         FROM person WHERE id = $1",
        args![id],
    )
    .await
}

#[derive(Debug, sqlx::FromRow)]
struct IncomeRow {
    household_id: Uuid,
    year: i64,
    net: f64,
    per_capita: f64,
    wage: f64,
    operating: f64,
    property: f64,
    transfer: f64,
}

#[derive(Debug, sqlx::FromRow)]
struct MonitoringRow {
    household_id: Uuid,
    kind: String,
    identified_month: String,
    risks: String,
    eliminated: bool,
    eliminated_month: String,
}

/// The views of some households with the parts that a profile reads; those no longer in the register are left out.
pub(super) async fn views(
    tx: &mut Tx,
    ids: &[Uuid],
    servants: &Servants,
    profile: &Profile,
    day: NaiveDate,
) -> Result<Vec<HouseholdView>, DbError> {
    views_with(tx, ids, servants, (profile, profile.parts()), day).await
}

/// [`views`] with the parts that are asked for, whatever the profile's rules read.
pub(super) async fn views_with(
    tx: &mut Tx,
    ids: &[Uuid],
    servants: &Servants,
    (profile, parts): (&Profile, u16),
    day: NaiveDate,
) -> Result<Vec<HouseholdView>, DbError> {
    let list = places(1, ids.len());
    let lines = reads(parts, Part::Line).then_some(&profile.income_lines);
    let mut words = Words::default();
    let mut views: BTreeMap<Uuid, HouseholdView> =
        houses(tx, ids).await?.into_iter().map(|row| (row.id, row.view(lines, day, &mut words))).collect();
    if reads(parts, Part::Persons) {
        members(tx, ids, &mut views, day).await?;
    } else {
        let sql = format!("SELECT id, household_id, work_division FROM person WHERE household_id IN ({list})");
        let rows: Vec<(Uuid, Uuid, String)> = tx.all(AssertSqlSafe(sql), ids_as_args(ids)).await?;
        for (id, household, work_county) in rows {
            if let Some(view) = views.get_mut(&household) {
                view.persons.push(PersonView { id, work_county, facts: Facts::default() });
            }
        }
    }
    views.values_mut().for_each(|view| view.persons.sort_unstable_by_key(|person| person.id));
    let sql = format!(
        "SELECT {SIGNAL_COLUMNS} FROM signal
         WHERE household_id IN ({list}) AND subject IN ('person', 'household')
         ORDER BY source, row_key, version, kind"
    );
    let rows: Vec<SignalRow> = tx.all(AssertSqlSafe(sql), ids_as_args(ids)).await?;
    for row in rows {
        if let Some(view) = row.household_id.and_then(|id| views.get_mut(&id)) {
            view.signals.push(row.view());
        }
    }
    if reads(parts, Part::Income) {
        incomes(tx, ids, &mut views).await?;
    }
    if reads(parts, Part::Estimate) {
        super::income::fill(tx, ids, profile.income_estimate.as_ref(), &mut views, day).await?;
    }
    if reads(parts, Part::Monitoring) {
        monitoring(tx, ids, &mut views).await?;
    }
    if reads(parts, Part::Case) {
        cases(tx, ids, &mut views, day).await?;
    }
    if reads(parts, Part::Serving) {
        serving(tx, ids, &mut views, day).await?;
    }
    if reads(parts, Part::Visits) {
        super::visit_view_store::visits(tx, ids, &mut views, day).await?;
    }
    if !servants.helpers.is_empty() {
        let known = Marks::of(servants.helpers.iter().map(|(row, _)| row));
        let rows = helpers_known(tx, ids, &known, day).await?;
        for (household, id, name_folded, id_index, phone_index) in rows {
            let signals = signals_of(&servants.helpers, &ServantRow { id, name_folded, id_index, phone_index });
            if let (false, Some(view)) = (signals.is_empty(), views.get_mut(&household)) {
                view.helpers.push(ServantView { id, signals });
            }
        }
    }
    if !servants.team.is_empty() {
        let villages: BTreeSet<String> =
            views.values().map(|view| village_of(&view.division_code).to_owned()).collect();
        let villages: Vec<String> = villages.into_iter().collect();
        for chunk in villages.chunks(500) {
            let sql = format!(
                "SELECT division_code, id, name_folded, id_index, phone_index FROM work_team_member
                 WHERE division_code IN ({}) AND (end_date = '' OR end_date >= $1) ORDER BY id",
                places(2, chunk.len())
            );
            let mut args = args![day];
            args.extend(chunk.iter().map(Value::from));
            let rows: Vec<ServingRow<String>> = tx.all(AssertSqlSafe(sql), args).await?;
            for (village, id, name_folded, id_index, phone_index) in rows {
                let signals = signals_of(&servants.team, &ServantRow { id, name_folded, id_index, phone_index });
                if signals.is_empty() {
                    continue;
                }
                for view in views.values_mut().filter(|view| village_of(&view.division_code) == village) {
                    view.team.push(ServantView { id, signals: signals.clone() });
                }
            }
        }
    }
    Ok(views.into_values().collect())
}

/// By what servants are known: rows of the same person have one of these.
struct Marks {
    names: Vec<String>,
    numbers: Vec<i64>,
}

impl Marks {
    fn of<'a>(rows: impl Iterator<Item = &'a ServantRow>) -> Self {
        let (mut names, mut numbers) = (BTreeSet::new(), BTreeSet::new());
        for row in rows {
            names.insert(row.name_folded.clone());
            numbers.extend(row.id_index);
        }
        // Never empty, for the list in the text: nobody has no name.
        if numbers.is_empty() {
            numbers.insert(0);
        }
        Self { names: names.into_iter().collect(), numbers: numbers.into_iter().collect() }
    }
}

/// More servants than these are told apart after they were read.
const MARKED: usize = 200;

/// The helpers in office of some households who may be one of those that are known.
async fn helpers_known(
    tx: &mut Tx,
    ids: &[Uuid],
    known: &Marks,
    day: NaiveDate,
) -> Result<Vec<ServingRow<Uuid>>, DbError> {
    let mut args = args![day];
    if known.names.len() > MARKED || known.numbers.len() > MARKED {
        let sql = format!(
            "SELECT household_id, id, name_folded, id_index, phone_index FROM helper
             WHERE (end_date = '' OR end_date >= $1) AND household_id IN ({}) ORDER BY id",
            places(2, ids.len())
        );
        args.extend(ids_as_args(ids));
        return tx.all(AssertSqlSafe(sql), args).await;
    }
    let (names, numbers) = (known.names.len(), known.numbers.len());
    let (by_name, by_number) = (places(2, names), places(2 + names, numbers));
    let homes = places(2 + names + numbers, ids.len());
    let sql = format!(
        "SELECT household_id, id, name_folded, id_index, phone_index FROM helper
         WHERE (end_date = '' OR end_date >= $1) AND (name_folded IN ({by_name}) OR id_index IN ({by_number}))
           AND household_id IN ({homes}) ORDER BY id"
    );
    args.extend(known.names.iter().map(Value::from));
    args.extend(known.numbers.iter().map(|n| Value::from(*n)));
    args.extend(ids_as_args(ids));
    tx.all(AssertSqlSafe(sql), args).await
}

/// The newest income of each household, and what a person had in the year before it.
async fn incomes(tx: &mut Tx, ids: &[Uuid], views: &mut BTreeMap<Uuid, HouseholdView>) -> Result<(), DbError> {
    let sql = format!(
        "SELECT household_id, year, net, per_capita, wage, operating, property, transfer FROM household_income
         WHERE household_id IN ({})",
        places(1, ids.len())
    );
    let mut rows: Vec<IncomeRow> = tx.all(AssertSqlSafe(sql), ids_as_args(ids)).await?;
    rows.sort_unstable_by_key(|row| (row.household_id, std::cmp::Reverse(row.year)));
    let mut newest: Option<(Uuid, i64)> = None;
    for row in rows {
        let Some(view) = views.get_mut(&row.household_id) else {
            continue;
        };
        match newest {
            Some((id, year)) if id == row.household_id => {
                if year == row.year + 1 {
                    view.facts.put(OfHousehold::IncomeBefore, Fact::Number(row.per_capita));
                }
            }
            _ => {
                newest = Some((row.household_id, row.year));
                view.facts.put(OfHousehold::IncomeYear, Fact::Int(row.year));
                view.facts.put(OfHousehold::Income, Fact::Number(row.net));
                view.facts.put(OfHousehold::IncomePerPerson, Fact::Number(row.per_capita));
                view.facts.put(OfHousehold::IncomeWage, Fact::Number(row.wage));
                view.facts.put(OfHousehold::IncomeOperating, Fact::Number(row.operating));
                view.facts.put(OfHousehold::IncomeProperty, Fact::Number(row.property));
                view.facts.put(OfHousehold::IncomeTransfer, Fact::Number(row.transfer));
            }
        }
    }
    Ok(())
}

async fn monitoring(tx: &mut Tx, ids: &[Uuid], views: &mut BTreeMap<Uuid, HouseholdView>) -> Result<(), DbError> {
    let sql = format!(
        "SELECT household_id, kind, identified_month, risks, eliminated, eliminated_month FROM monitoring
         WHERE household_id IN ({})",
        places(1, ids.len())
    );
    let rows: Vec<MonitoringRow> = tx.all(AssertSqlSafe(sql), ids_as_args(ids)).await?;
    for row in rows {
        if let Some(view) = views.get_mut(&row.household_id) {
            view.facts.put(OfHousehold::Monitored, Fact::Bool(!row.eliminated));
            view.facts.put(OfHousehold::MonitoringType, Fact::text(row.kind));
            view.facts.put(OfHousehold::MonitoredSince, Fact::day(&row.identified_month));
            view.facts.put(OfHousehold::EliminatedSince, Fact::day(&row.eliminated_month));
            view.facts.put(OfHousehold::Risks, Fact::Texts(serde_json::from_str(&row.risks).unwrap_or_default()));
        }
    }
    Ok(())
}

/// The monitoring case of each household, and which of its risks a measure is on record against.
async fn cases(
    tx: &mut Tx,
    ids: &[Uuid],
    views: &mut BTreeMap<Uuid, HouseholdView>,
    day: NaiveDate,
) -> Result<(), DbError> {
    let sql = format!(
        "SELECT household_id, state, state_since, marked_on, risks FROM monitor_case
         WHERE household_id IN ({})",
        places(1, ids.len())
    );
    let rows: Vec<(Uuid, String, String, String, String)> = tx.all(AssertSqlSafe(sql), ids_as_args(ids)).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT c.household_id, m.measure, m.risk FROM monitor_measure m JOIN monitor_case c ON c.id = m.case_id
         WHERE c.household_id IN ({}) AND m.round = c.round ORDER BY m.recorded_at, m.id",
        places(1, ids.len())
    );
    let measures: Vec<(Uuid, String, String)> = tx.all(AssertSqlSafe(sql), ids_as_args(ids)).await?;
    for (id, state, since, marked, risks) in rows {
        let Some(view) = views.get_mut(&id) else {
            continue;
        };
        let own = measures.iter().filter(|(of, ..)| *of == id);
        let mut groups: Vec<String> = own.clone().map(|(_, group, _)| group.clone()).collect();
        groups.sort();
        groups.dedup();
        let mut without: Vec<String> = serde_json::from_str(&risks).unwrap_or_default();
        without.retain(|risk| own.clone().all(|(.., against)| against != risk));
        let days = NaiveDate::parse_from_str(&since, "%Y-%m-%d").ok().map(|since| (day - since).num_days());
        view.facts.put(OfHousehold::CaseState, Fact::text(state));
        view.facts.put(OfHousehold::CaseDays, Fact::maybe_int(days));
        view.facts.put(OfHousehold::CaseMarked, Fact::day(&marked));
        view.facts.put(OfHousehold::Measures, Fact::Texts(groups));
        view.facts.put(OfHousehold::RisksWithout, Fact::Texts(without));
    }
    Ok(())
}

/// How many helpers each household has in office, and how many members the team of its village.
async fn serving(
    tx: &mut Tx,
    ids: &[Uuid],
    views: &mut BTreeMap<Uuid, HouseholdView>,
    day: NaiveDate,
) -> Result<(), DbError> {
    let sql = format!(
        "SELECT household_id, COUNT(*) FROM helper
         WHERE (end_date = '' OR end_date >= $1) AND household_id IN ({}) GROUP BY household_id",
        places(2, ids.len())
    );
    let mut args = args![day];
    args.extend(ids_as_args(ids));
    let rows: Vec<(Uuid, i64)> = tx.all(AssertSqlSafe(sql), args).await?;
    for (id, count) in rows {
        if let Some(view) = views.get_mut(&id) {
            view.facts.put(OfHousehold::Helpers, Fact::Int(count));
        }
    }
    let villages: BTreeSet<String> = views.values().map(|view| village_of(&view.division_code).to_owned()).collect();
    let villages: Vec<String> = villages.into_iter().collect();
    let mut counts: HashMap<String, i64> = HashMap::new();
    for chunk in villages.chunks(500) {
        let sql = format!(
            "SELECT division_code, COUNT(*) FROM work_team_member
             WHERE (end_date = '' OR end_date >= $1) AND division_code IN ({}) GROUP BY division_code",
            places(2, chunk.len())
        );
        let mut args = args![day];
        args.extend(chunk.iter().map(Value::from));
        let rows: Vec<(String, i64)> = tx.all(AssertSqlSafe(sql), args).await?;
        counts.extend(rows);
    }
    for view in views.values_mut() {
        let count = counts.get(village_of(&view.division_code)).copied().unwrap_or(0);
        view.facts.put(OfHousehold::Team, Fact::Int(count));
    }
    Ok(())
}

fn village_of(code: &str) -> &str {
    code.get(..12).unwrap_or(code)
}
