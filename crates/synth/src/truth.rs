//! Ground truth beside the files.

use crate::SynthError;
use crate::sheet::{FileFormat, Frame, Table, col};
use crate::world::World;
use std::path::Path;

/// What a row of a list truly is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Who {
    /// registered, kin, namesake, stranger, helper or team.
    pub(crate) role: &'static str,
    pub(crate) person: String,
    pub(crate) household: String,
    /// The registered household that a kin belongs to, or the true ID of a helper or team member.
    pub(crate) related: String,
}

pub(crate) struct Truth {
    cases: Table,
    lists: Table,
    quality: Table,
    forms: Table,
    impacts: Table,
}

impl Truth {
    pub(crate) fn create(world: &World, dir: &Path) -> Result<Self, SynthError> {
        let frame = Frame { title: "", unit: "", measure: "", day: world.as_of, first_total: None };
        let open = |name: &str, columns: &[&'static str]| {
            let columns: Vec<_> = columns.iter().map(|c| col(c)).collect();
            Table::create(dir, name, FileFormat::Utf8, false, &frame, &columns)
        };
        Ok(Self {
            cases: open(
                "truth_cases",
                &[
                    "list",
                    "row",
                    "card_no",
                    "version",
                    "class",
                    "outcome",
                    "role",
                    "person_no",
                    "household_no",
                    "related",
                    "damage",
                ],
            )?,
            lists: open(
                "truth_lists",
                &["list", "row", "kind", "role", "person_no", "household_no", "related", "damage"],
            )?,
            quality: open("truth_quality", &["file", "row", "rule", "severity", "household_no", "person_no"])?,
            forms: open("truth_id_forms", &["file", "row", "household_no", "person_no", "form"])?,
            impacts: open("truth_impacts", &["household_no", "person_no", "impact", "list", "row", "reference"])?,
        })
    }

    #[allow(clippy::too_many_arguments)]
    pub(crate) fn case(
        &mut self,
        list: &str,
        row: u32,
        card: &str,
        version: usize,
        class: &str,
        outcome: &str,
        who: &Who,
        damage: &[&str],
    ) -> Result<(), SynthError> {
        self.cases.texts(&[
            list,
            &row.to_string(),
            card,
            &version.to_string(),
            class,
            outcome,
            who.role,
            &who.person,
            &who.household,
            &who.related,
            &damage.join(";"),
        ])?;
        self.cases.end()
    }

    pub(crate) fn list(
        &mut self,
        list: &str,
        row: u32,
        kind: &str,
        who: &Who,
        damage: &[&str],
    ) -> Result<(), SynthError> {
        self.lists.texts(&[
            list,
            &row.to_string(),
            kind,
            who.role,
            &who.person,
            &who.household,
            &who.related,
            &damage.join(";"),
        ])?;
        self.lists.end()
    }

    pub(crate) fn quality(
        &mut self,
        file: &str,
        row: u32,
        rule: &str,
        household: &str,
        person: &str,
    ) -> Result<(), SynthError> {
        let severity = if crate::defects::RULES.iter().any(|r| r.0 == rule && r.1) { "error" } else { "doubt" };
        self.quality.texts(&[file, &row.to_string(), rule, severity, household, person])?;
        self.quality.end()
    }

    /// A sound number that the register's file writes in another form.
    pub(crate) fn form(
        &mut self,
        file: &str,
        row: u32,
        household: &str,
        person: &str,
        form: &str,
    ) -> Result<(), SynthError> {
        self.forms.texts(&[file, &row.to_string(), household, person, form])?;
        self.forms.end()
    }

    pub(crate) fn impact(
        &mut self,
        household: &str,
        person: &str,
        impact: &str,
        list: &str,
        row: u32,
        reference: &str,
    ) -> Result<(), SynthError> {
        let row = if row == 0 { String::new() } else { row.to_string() };
        self.impacts.texts(&[household, person, impact, list, &row, reference])?;
        self.impacts.end()
    }

    pub(crate) fn finish(self) -> Result<Vec<(&'static str, String, u64)>, SynthError> {
        let mut done = Vec::new();
        for (kind, table) in [
            ("truth_cases", self.cases),
            ("truth_lists", self.lists),
            ("truth_quality", self.quality),
            ("truth_id_forms", self.forms),
            ("truth_impacts", self.impacts),
        ] {
            let (name, rows) = table.finish()?;
            done.push((kind, name, rows));
        }
        Ok(done)
    }
}
