//! A synthetic province with ground truth (合成数据).
//!
//! Everything is invented: the province 云岭省 has area prefix 99, which GB/T 2260 assigns to nobody, so that no
//! ID number written here can belong to a living person. Names follow the frequencies of the national name
//! reports; households, incomes and lists follow the shapes of the registers they stand for. The same seed
//! writes the same bytes.

mod agencies;
mod damage;
mod defects;
mod evolve;
mod geo;
mod health;
mod model;
mod names;
mod registry;
mod rng;
mod sheet;
mod subject;
mod truth;
mod visits;
mod welfare;
mod world;

use chrono::NaiveDate;
use geo::{Epidemic, Geo, OUTSIDE, PROVINCE, group_name};
use model::{Household, Place};
use serde::Serialize;
use sheet::{Column, FileFormat, Frame, Table, col};
use std::path::Path;
use truth::Truth;
use world::World;

pub use damage::KINDS as DAMAGE_KINDS;
pub use defects::RULES as QUALITY_RULES;

/// What to make.
#[derive(Clone, Debug)]
pub struct Config {
    /// Registered persons, at least 1.
    pub persons: u64,
    /// The same seed writes the same bytes.
    pub seed: u64,
    /// The day of the register's export; lists end on the day before.
    pub as_of: NaiveDate,
    /// When set, a second export of the register on this later day is written too, with births, deaths, moves
    /// and changed telephones (更新后的导出).
    pub second_export: Option<NaiveDate>,
    /// Wrap ID numbers in CSV as `="…"`, the way exports meant for Excel do. `None`: only in [`Shape::Demo`].
    pub wrap_ids: Option<bool>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            persons: 60_000,
            seed: 2020,
            as_of: NaiveDate::from_ymd_opt(2020, 2, 20).unwrap_or_default(),
            second_export: None,
            wrap_ids: None,
        }
    }
}

/// Which formats to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A county's mix: XLSX for households, income, monitoring, helpers, teams and cases; GBK CSV for persons;
    /// UTF-8 CSV with a byte-order mark for divisions and the other lists.
    Demo,
    /// CSV only (UTF-8 with a byte-order mark), streamed.
    Bulk,
}

/// Why nothing, or not everything, was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SynthError {
    /// `persons` is 0 or beyond 20 million.
    #[error("persons must be between 1 and 20000000, not {0}")]
    Persons(u64),
    /// A second export must be later than the first by at least 28 days.
    #[error("the second export ({second}) must be at least 28 days after the first ({first})")]
    SecondExport {
        /// The first export's day.
        first: NaiveDate,
        /// The second export's day.
        second: NaiveDate,
    },
    /// More households than a worksheet has rows.
    #[error("{households} households do not fit a worksheet; use the bulk shape")]
    TooManyRows {
        /// Households asked for.
        households: u64,
    },
    /// A file could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
    /// A worksheet could not be written.
    #[error("cannot write {path}: {source}")]
    Sheet {
        /// The file.
        path: String,
        /// The cause.
        source: rust_xlsxwriter::XlsxError,
    },
}

impl SynthError {
    /// A stable code for messages in other languages.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Persons(_) => "synth-persons",
            Self::SecondExport { .. } => "synth-second-export",
            Self::TooManyRows { .. } => "synth-too-many-rows",
            Self::Write { .. } => "synth-write",
            Self::Sheet { .. } => "synth-sheet",
        }
    }
}

/// One file written.
#[derive(Clone, Debug, Serialize)]
pub struct ManifestFile {
    /// Path below the output directory, with `/`.
    pub path: String,
    /// divisions, household, income, person, monitor, helper, team, case, case_elsewhere, close_contact,
    /// medical_self_pay, dropout, dangerous_house, job_ended, disability_card, medical_insurance, water_supply, visit,
    /// truth_… .
    pub kind: String,
    /// xlsx, gbk or utf-8-bom.
    pub encoding: String,
    /// Data rows, without headers and totals.
    pub rows: u64,
    /// The day the file speaks of, written as YYYY-MM-DD.
    #[serde(serialize_with = "day_text")]
    pub as_of: NaiveDate,
}

fn day_text<S: serde::Serializer>(day: &NaiveDate, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(day)
}

/// What was written, also kept as `manifest.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// The seed.
    pub seed: u64,
    /// Registered persons.
    pub persons: u64,
    /// Registered households, those under monitoring who were never poor (边缘户) included.
    pub households: u64,
    /// Every file, in the order in which it should be imported.
    pub files: Vec<ManifestFile>,
}

const DIVISION: &[Column] = &[
    col("行政区划代码"),
    col("名称"),
    col("上级代码"),
    col("级别"),
    col("城乡分类代码"),
    col("启用日期"),
    col("停用日期"),
    col("原代码"),
];

const HOUSEHOLDS: &str = "建档立卡户信息";

struct Writer<'a> {
    world: &'a World,
    out: &'a Path,
    shape: Shape,
    wrap: bool,
    files: Vec<ManifestFile>,
}

impl Writer<'_> {
    fn format(&self, demo: FileFormat) -> FileFormat {
        if self.shape == Shape::Demo { demo } else { FileFormat::Utf8 }
    }

    fn open(
        &self,
        name: &str,
        demo: FileFormat,
        columns: &[Column],
        measure: &str,
        day: NaiveDate,
    ) -> Result<Table, SynthError> {
        let place = self.world.geo.register_of();
        let unit = format!("{place}扶贫开发办公室");
        let base = name.rsplit('/').next().unwrap_or(name);
        let title = format!("{place}{}", base.split('_').next().unwrap_or(base));
        // One office puts the totals on top, the others below.
        let first_total = (name == HOUSEHOLDS).then(|| self.world.persons());
        let frame = Frame { title: &title, unit: &unit, measure, day, first_total };
        Table::create(self.out, name, self.format(demo), self.wrap, &frame, columns)
    }

    fn close(&mut self, kind: &str, demo: FileFormat, table: Table, day: NaiveDate) -> Result<(), SynthError> {
        let (name, rows) = table.finish()?;
        let encoding = match self.format(demo) {
            FileFormat::Xlsx => "xlsx",
            FileFormat::Gbk => "gbk",
            FileFormat::Utf8 => "utf-8-bom",
        };
        self.files.push(ManifestFile { path: name, kind: kind.into(), encoding: encoding.into(), rows, as_of: day });
        Ok(())
    }

    fn divisions(&mut self) -> Result<(), SynthError> {
        let day = self.world.as_of;
        let mut w = self.open("行政区划", FileFormat::Utf8, DIVISION, "个", day)?;
        write_divisions(self.world, &self.world.geo, &mut w)?;
        self.close("divisions", FileFormat::Utf8, w, day)
    }

    /// The register's files; `second` writes the later export.
    fn register(
        &mut self,
        truth: &mut Truth,
        second: Option<NaiveDate>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), SynthError> {
        let world = self.world;
        let day = second.unwrap_or(world.as_of);
        let folder = if second.is_some() { format!("registry-{day}/") } else { String::new() };
        let name = |base: &str| format!("{folder}{base}");
        let (x, g) = (FileFormat::Xlsx, FileFormat::Gbk);
        let mut households = self.open(&name(HOUSEHOLDS), x, registry::HOUSEHOLD, "户、人、亩", day)?;
        let columns = if second.is_some() { evolve::drifted(registry::INCOME) } else { registry::INCOME.to_vec() };
        let mut income = self.open(&name("家庭收入信息"), x, &columns, "人、元", day)?;
        let mut persons = self.open(&name("家庭成员信息"), g, registry::PERSON, "人", day)?;
        let mut monitor = self.open(&name("监测对象信息"), x, registry::MONITOR, "户、人、元", day)?;
        let mut helpers = self.open(&name("帮扶责任人"), x, registry::HELPER, "人", day)?;
        let mut changes = match second {
            Some(_) => Some(evolve::log(world, &self.out.join("truth"))?),
            None => None,
        };
        let severe: Vec<bool> = world
            .workplaces
            .iter()
            .map(|p| p.county.is_some_and(|c| world.geo.counties[c].epidemic == Epidemic::Severe))
            .collect();
        let mut done = 0;
        let mut last_helper: Option<(u64, registry::Cadre)> = None;
        let added = if second.is_some() { world.newcomers() } else { 0 };
        for h in 0..world.households + added {
            // Defects are planted, and told, in the first export.
            let hh = if h < world.households { world.household(h) } else { world.clean_household(h) };
            let (families, helper) = match (second, &mut changes) {
                (Some(day), Some(log)) => (evolve::apply(world, hh, day, log)?, registry::helper_of(h)),
                _ => (vec![hh], registry::helper_of(h)),
            };
            for hh in &families {
                write_household(
                    world,
                    hh,
                    (second.is_none()).then_some(&mut *truth),
                    &severe,
                    &mut households,
                    &mut income,
                    &mut persons,
                    &mut monitor,
                )?;
                if last_helper.as_ref().is_none_or(|(n, _)| *n != helper) {
                    last_helper = Some((helper, registry::helper(world, helper)));
                }
                if let Some((_, who)) = &last_helper {
                    if second.is_none() && who.id.ends_with("000") {
                        truth.quality(helpers.name(), helpers.row(), "id_ends_in_zeros", &hh.no, "")?;
                    }
                    registry::helper_row(world, hh, who, &mut helpers)?;
                }
                done += hh.members.len() as u64;
            }
            if h % 4096 == 0 {
                progress(done);
            }
        }
        progress(done);
        let mut teams = self.open(&name("驻村工作队"), x, registry::TEAM, "人", day)?;
        for v in 0..world.geo.villages.len() {
            let village = &world.geo.villages[v];
            if village.poor && world.geo.counties[village.county].registered {
                registry::team_rows(world, v, &mut teams)?;
            }
        }
        for (kind, format, table) in [
            ("household", x, households),
            ("person", g, persons),
            ("income", x, income),
            ("monitor", x, monitor),
            ("helper", x, helpers),
            ("team", x, teams),
        ] {
            self.close(kind, format, table, day)?;
        }
        if let Some(log) = changes {
            let (name, rows) = log.finish()?;
            self.files.push(ManifestFile {
                path: format!("truth/{name}"),
                kind: "truth_changes".into(),
                encoding: "utf-8-bom".into(),
                rows,
                as_of: day,
            });
        }
        Ok(())
    }

    fn lists(&mut self, truth: &mut Truth, persons: u64) -> Result<(), SynthError> {
        let world = self.world;
        let mut pool = subject::Pool::new(world);
        let (home, elsewhere) = health::all_cases(world, &mut pool);
        for (number, day) in health::list_days(world.as_of).into_iter().enumerate() {
            let mut w = self.open(&format!("疫情报告卡_{day}"), FileFormat::Xlsx, health::CARD, "例", day)?;
            health::write_list(world, &home, number, &mut w, truth)?;
            self.close("case", FileFormat::Xlsx, w, day)?;
            let mut w = self.open(&format!("疫情报告卡_外县_{day}"), FileFormat::Gbk, health::CARD, "例", day)?;
            health::write_list(world, &elsewhere, number, &mut w, truth)?;
            self.close("case_elsewhere", FileFormat::Gbk, w, day)?;
        }
        let mut w = self.open("密切接触者", FileFormat::Utf8, health::CONTACT, "人", world.as_of)?;
        health::write_contacts(world, &home, &mut pool, &mut w, truth)?;
        self.close("close_contact", FileFormat::Utf8, w, world.as_of)?;
        for (which, list) in agencies::LISTS.iter().enumerate() {
            let mut w = self.open(list.name, FileFormat::Utf8, list.columns, "人、元", world.as_of)?;
            agencies::write(world, which, persons, &mut pool, &mut w, truth)?;
            self.close(list.kind, FileFormat::Utf8, w, world.as_of)?;
        }
        Ok(())
    }
}

impl Writer<'_> {
    /// Visits of the past with what is true about them; a county's only.
    fn visits(&mut self, truth_dir: &Path) -> Result<(), SynthError> {
        let world = self.world;
        let frame = Frame { title: "", unit: "", measure: "", day: world.as_of, first_total: None };
        let columns: Vec<Column> = visits::TRUTH.iter().map(|name| col(name)).collect();
        let mut truth = Table::create(truth_dir, "truth_checks", FileFormat::Utf8, false, &frame, &columns)?;
        let mut w = self.open("走访记录", FileFormat::Utf8, visits::VISIT, "次", world.as_of)?;
        visits::write(world, &mut w, &mut truth)?;
        self.close("visit", FileFormat::Utf8, w, world.as_of)?;
        let (name, rows) = truth.finish()?;
        self.files.push(ManifestFile {
            path: format!("truth/{name}"),
            kind: "truth_checks".into(),
            encoding: "utf-8-bom".into(),
            rows,
            as_of: world.as_of,
        });
        Ok(())
    }
}

fn write_divisions(world: &World, geo: &Geo, w: &mut Table) -> Result<(), SynthError> {
    const START: &str = "2010-01-01";
    let mut row =
        |code: &str, name: &str, parent: &str, level: &str, class: &str, from: &str, to: &str, former: &str| {
            w.texts(&[code, name, parent, level, class, from, to, former])?;
            w.end()
        };
    row(PROVINCE.0, PROVINCE.1, "", "省", "", START, "", "")?;
    for c in &geo.cities {
        row(&c.code, &c.name, PROVINCE.0, "市", "", START, "", "")?;
    }
    for (i, c) in geo.counties.iter().enumerate() {
        let former = world.former_code(i);
        let city = &geo.cities[c.city].code;
        if c.registered {
            row(&former, &c.name, city, "县", "", "2000-01-01", START, "")?;
        }
        row(&c.code, &c.name, city, "县", "", START, "", if c.registered { &former } else { "" })?;
        for t in &geo.townships[c.townships.clone()] {
            let (mut from, mut old) = (START.to_owned(), "");
            if let Some((code, name, day)) = &t.former {
                from = day.to_string();
                old = code;
                row(code, name, &c.code, "乡", "", START, &from, "")?;
            }
            row(&t.code, &t.name, &c.code, "乡", "", &from, "", old)?;
            for (v, village) in geo.villages[t.villages.clone()].iter().enumerate() {
                let community = village.name.ends_with("社区");
                let class = if community {
                    "121"
                } else if t.urban && v == 2 {
                    "122"
                } else {
                    "220"
                };
                row(&village.code, &village.name, &t.code, "村", class, START, "", "")?;
                if c.registered {
                    for g in 1..=village.groups {
                        let name = group_name(world.seed, t.villages.start + v, village.clans[0], g);
                        row(&format!("{}{g:02}", village.code), &name, &village.code, "组", "", START, "", "")?;
                    }
                }
            }
        }
    }
    let mut seen: Vec<&str> = Vec::new();
    for (p, province, c, city, d, district) in OUTSIDE {
        if !seen.contains(p) {
            seen.push(p);
            row(p, province, "", "省", "", START, "", "")?;
        }
        if !seen.contains(c) {
            seen.push(c);
            row(c, city, p, "市", "", START, "", "")?;
        }
        row(d, district, c, "县", "", START, "", "")?;
    }
    Ok(())
}

#[allow(clippy::too_many_arguments)]
fn write_household(
    world: &World,
    hh: &Household,
    mut truth: Option<&mut Truth>,
    severe: &[bool],
    households: &mut Table,
    income: &mut Table,
    persons: &mut Table,
    monitor: &mut Table,
) -> Result<(), SynthError> {
    if let Some(truth) = truth.as_deref_mut() {
        for (place, table) in [(Place::Household, &*households), (Place::Income, &*income), (Place::Monitor, &*monitor)]
        {
            for rule in registry::marks_at(hh, place) {
                truth.quality(table.name(), table.row(), rule, &hh.no, "")?;
            }
        }
        // What a planted defect breaks besides is told, too, so that nothing that is found is a surprise.
        for (place, rule) in &hh.marks {
            for other in defects::consequences(rule, hh.members.len()) {
                match place {
                    Place::Person(i) if other == "birth_differs" => {
                        truth.quality(persons.name(), persons.row() + *i as u32, other, &hh.no, &hh.members[*i].no)?;
                    }
                    _ => truth.quality(households.name(), households.row(), other, &hh.no, "")?,
                }
            }
        }
    }
    registry::household_row(world, hh, households)?;
    registry::income_row(world, hh, income)?;
    registry::monitor_row(world, hh, monitor)?;
    for (i, p) in hh.members.iter().enumerate().filter(|_| !hh.no_members) {
        if let Some(truth) = truth.as_deref_mut() {
            let form = p.id_form.as_ref().map(|(_, form)| *form);
            if let Some(form) = form {
                truth.form(persons.name(), persons.row(), &hh.no, &p.no, form)?;
            }
            let sound = p.id_text == p.id.as_str() && form != Some("id_15");
            if sound && p.id_text.ends_with("000") {
                truth.quality(persons.name(), persons.row(), "id_ends_in_zeros", &hh.no, &p.no)?;
            }
            for rule in registry::marks_at(hh, Place::Person(i)) {
                truth.quality(persons.name(), persons.row(), rule, &hh.no, &p.no)?;
            }
            if let Some(work) = p.work.filter(|w| severe[w.place as usize] && !p.hide_place) {
                truth.impact(
                    &hh.no,
                    &p.no,
                    "works_in_high_tier_county",
                    persons.name(),
                    persons.row(),
                    &world.workplaces[work.place as usize].name,
                )?;
            }
        }
        registry::person_row(world, hh, p, persons)?;
    }
    Ok(())
}

/// Writes a province's files below `out` and returns what was written.
///
/// `progress` is called with the number of persons written so far.
///
/// # Errors
/// [`SynthError`] when the configuration cannot be met or a file cannot be written.
pub fn write_province(
    config: &Config,
    out: &Path,
    shape: Shape,
    progress: &mut dyn FnMut(u64),
) -> Result<Manifest, SynthError> {
    if config.persons == 0 || config.persons > 20_000_000 {
        return Err(SynthError::Persons(config.persons));
    }
    if let Some(second) = config.second_export.filter(|d| (*d - config.as_of).num_days() < 28) {
        return Err(SynthError::SecondExport { first: config.as_of, second });
    }
    let world = World::new(config.seed, config.as_of, config.persons);
    if shape == Shape::Demo && world.households > 1_000_000 {
        return Err(SynthError::TooManyRows { households: world.households });
    }
    let truth_dir = out.join("truth");
    std::fs::create_dir_all(&truth_dir)
        .map_err(|source| SynthError::Write { path: truth_dir.display().to_string(), source })?;
    let wrap = config.wrap_ids.unwrap_or(shape == Shape::Demo);
    let mut truth = Truth::create(&world, &truth_dir)?;
    let mut writer = Writer { world: &world, out, shape, wrap, files: Vec::new() };
    writer.divisions()?;
    writer.register(&mut truth, None, progress)?;
    writer.lists(&mut truth, config.persons)?;
    if shape == Shape::Demo {
        writer.visits(&truth_dir)?;
    }
    if let Some(second) = config.second_export {
        writer.register(&mut truth, Some(second), progress)?;
    }
    let mut files = writer.files;
    for (kind, name, rows) in truth.finish()? {
        files.push(ManifestFile {
            path: format!("truth/{name}"),
            kind: kind.into(),
            encoding: "utf-8-bom".into(),
            rows,
            as_of: config.as_of,
        });
    }
    let manifest = Manifest { seed: config.seed, persons: config.persons, households: world.households, files };
    let path = out.join("manifest.json");
    let text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    std::fs::write(&path, text).map_err(|source| SynthError::Write { path: path.display().to_string(), source })?;
    Ok(manifest)
}
