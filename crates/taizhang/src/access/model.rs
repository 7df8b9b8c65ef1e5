//! Who acts, what they may do, and where.

use uuid::Uuid;

use crate::platform::Lang;

/// The part of the country that somebody may see: a division and everything below it, as the half-open range of codes
/// that each query of the product carries (`division_code >= lo AND division_code < hi`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    root: String,
    lo: String,
    hi: String,
}

impl Scope {
    /// The subtree of a division code; an empty code is the whole country.
    pub fn subtree(code: &str) -> Self {
        let hi = match code.as_bytes().split_last() {
            // Codes are digits: the next text after every code with this prefix ends in the next character.
            Some((last, rest)) => {
                let mut next = String::from_utf8_lossy(rest).into_owned();
                next.push(char::from(last.saturating_add(1)));
                next
            }
            None => "~".to_owned(),
        };
        Self { root: code.to_owned(), lo: code.to_owned(), hi }
    }

    /// The whole country: the command line on the machine itself, and tests.
    pub fn everything() -> Self {
        Self::subtree("")
    }

    /// The division at the top.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// First code of the range.
    pub fn lo(&self) -> &str {
        &self.lo
    }

    /// End of the range, itself outside.
    pub fn hi(&self) -> &str {
        &self.hi
    }

    /// Whether a division lies inside.
    pub fn contains(&self, code: &str) -> bool {
        self.lo.as_str() <= code && code < self.hi.as_str()
    }

    /// The part of this scope under `code`: `code`'s subtree if it lies inside, this scope if `code` is above it,
    /// nothing if they are apart.
    pub fn narrow(&self, code: &str) -> Option<Self> {
        if self.contains(code) {
            Some(Self::subtree(code))
        } else if self.root.starts_with(code) {
            Some(self.clone())
        } else {
            None
        }
    }
}

/// What somebody is here for (角色). Each role has a fixed set of capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// 系统管理员: users, settings, profile; sees no personal data.
    Admin,
    /// 审计员: the audit log and nothing else.
    Auditor,
    /// 省级分析员: sees all, assesses, imports.
    Analyst,
    /// 卫健数据员: brings in health lists, reviews matches.
    HealthClerk,
    /// 县级工作人员: imports, reviews, assigns and checks items.
    CountyStaff,
    /// 乡镇工作人员: assigns, works and checks items.
    TownshipStaff,
    /// 村级人员 (村两委, 驻村工作队): works items of the own village.
    VillageOfficer,
    /// 帮扶责任人: works items assigned to them.
    Helper,
}

/// One thing that a role may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Capability {
    /// See counts by division.
    ViewFigures,
    /// Search and open household files, masked.
    ViewHouseholds,
    /// See an ID number or phone in full, with a reason.
    RevealPersonal,
    /// Bring in registry files.
    ImportRegister,
    /// Bring in agencies' lists and run comparisons.
    RunComparison,
    /// Decide doubtful matches.
    ReviewMatches,
    /// Run an assessment, load a policy profile.
    RunAssessment,
    /// See items.
    ViewItems,
    /// Assign items, set deadlines, reopen, cancel.
    AssignItems,
    /// Report progress, tick measures, ask for closing.
    WorkItems,
    /// Check on site and close.
    CheckItems,
    /// Take tables out as files.
    Export,
    /// Write down visits of households and what was checked.
    RecordVisits,
    /// Manage users and settings.
    ManageUsers,
    /// Read the audit log.
    ReadAudit,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 8] = [
        Self::Admin,
        Self::Auditor,
        Self::Analyst,
        Self::HealthClerk,
        Self::CountyStaff,
        Self::TownshipStaff,
        Self::VillageOfficer,
        Self::Helper,
    ];

    /// The name in the database and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Auditor => "auditor",
            Self::Analyst => "analyst",
            Self::HealthClerk => "health_clerk",
            Self::CountyStaff => "county_staff",
            Self::TownshipStaff => "township_staff",
            Self::VillageOfficer => "village_officer",
            Self::Helper => "helper",
        }
    }

    /// The role of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether somebody of this role works at a division of that code; an empty code is the whole country.
    pub fn fits(self, division_code: &str) -> bool {
        let digits = division_code.len();
        match self {
            Self::Admin | Self::Auditor | Self::Analyst => true,
            Self::HealthClerk | Self::CountyStaff => digits == 6,
            Self::TownshipStaff => digits == 9,
            Self::VillageOfficer => digits >= 12,
            Self::Helper => digits >= 6,
        }
    }

    /// What the role may do.
    pub fn capabilities(self) -> &'static [Capability] {
        use Capability::*;
        match self {
            Self::Admin => &[ViewFigures, ManageUsers],
            Self::Auditor => &[ReadAudit],
            Self::Analyst => &[
                ViewFigures,
                ViewHouseholds,
                RevealPersonal,
                ImportRegister,
                RunComparison,
                ReviewMatches,
                RunAssessment,
                ViewItems,
                AssignItems,
                Export,
            ],
            Self::HealthClerk => &[ViewFigures, ViewHouseholds, RevealPersonal, RunComparison, ReviewMatches],
            Self::CountyStaff => &[
                ViewFigures,
                ViewHouseholds,
                RevealPersonal,
                ImportRegister,
                RunComparison,
                ReviewMatches,
                RunAssessment,
                ViewItems,
                AssignItems,
                WorkItems,
                CheckItems,
                Export,
            ],
            Self::TownshipStaff => &[
                ViewFigures,
                ViewHouseholds,
                RevealPersonal,
                ReviewMatches,
                ViewItems,
                AssignItems,
                WorkItems,
                CheckItems,
                RecordVisits,
            ],
            Self::VillageOfficer => {
                &[ViewFigures, ViewHouseholds, RevealPersonal, ViewItems, WorkItems, CheckItems, RecordVisits]
            }
            Self::Helper => &[ViewHouseholds, ViewItems, WorkItems, RecordVisits],
        }
    }

    /// Whether the role may.
    pub fn may(self, capability: Capability) -> bool {
        self.capabilities().contains(&capability)
    }
}

/// Whoever acts: a signed-in user, or the command line on the machine itself.
#[derive(Debug, Clone)]
pub struct Actor {
    /// None for the command line.
    pub user_id: Option<Uuid>,
    /// Login, or `cli`.
    pub login: String,
    /// Name to show.
    pub name: String,
    /// Working unit to show.
    pub unit: String,
    /// Role.
    pub role: Role,
    /// Where.
    pub scope: Scope,
    /// Language to answer in.
    pub lang: Lang,
    /// The command line stands above roles: whoever runs it owns the data folder.
    pub is_machine: bool,
}

impl Actor {
    /// The command line on the machine itself.
    pub fn machine(lang: Lang) -> Self {
        Self {
            user_id: None,
            login: "cli".to_owned(),
            name: "cli".to_owned(),
            unit: String::new(),
            role: Role::Analyst,
            scope: Scope::everything(),
            lang,
            is_machine: true,
        }
    }

    /// Whether they may.
    pub fn may(&self, capability: Capability) -> bool {
        self.is_machine || self.role.may(capability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_subtree_holds_exactly_the_codes_that_start_with_it(root in "[0-9]{0,12}", code in "[0-9]{1,14}") {
            prop_assert_eq!(Scope::subtree(&root).contains(&code), code.starts_with(&root));
        }

        #[test]
        fn narrowing_never_widens(root in "[0-9]{0,6}", to in "[0-9]{0,9}", code in "[0-9]{1,12}") {
            let scope = Scope::subtree(&root);
            if let Some(narrow) = scope.narrow(&to) {
                prop_assert!(!narrow.contains(&code) || scope.contains(&code));
            }
        }
    }

    #[test]
    fn role_names_are_distinct_and_come_back() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(role));
        }
    }
}
