//! Linking by tiers of evidence: what kind of agreement it is comes first, how much of it second.

use std::cmp::Reverse;

use crate::index::Index;
use crate::level::{
    BirthLevel, FieldLevel, HouseholdLevel, IdLevel, NameLevel, Pattern, PhoneLevel, PlaceLevel, SexLevel,
};
use crate::record::Record;

/// Links a small list to a large registry.
pub trait Linker {
    /// The links found, ordered by the list's order and then the best first. `registry` is read once.
    fn link(&self, list: &[Record], registry: &mut dyn Iterator<Item = Record>) -> Vec<Link>;
}

/// One record of the list and one of the registry that may be the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Key of the record of the list.
    pub left: u64,
    /// Key of the record of the registry.
    pub right: u64,
    /// What kind of evidence.
    pub tier: Tier,
    /// How much evidence, 0 to 100.
    pub score: f64,
    /// The levels behind it.
    pub pattern: Pattern,
    /// The same in words and points.
    pub agreement: Vec<FieldLevel>,
}

/// Kinds of evidence, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// ID number equal and name agrees (一致).
    IdExact,
    /// ID number equal once its form is repaired, or one mistyped digit, or all visible digits; name agrees (证件修复后一致).
    IdRepaired,
    /// ID number equal, name does not agree (证件一致姓名不符).
    IdNameDiffers,
    /// Name, birth, sex and place agree (姓名+出生+地址).
    NameBirthPlace,
    /// Name and phone agree (姓名+电话).
    NamePhone,
    /// Name and village or household number agree, birth not known (姓名+村).
    NamePlace,
    /// Somebody of the same household or phone (同户).
    Household,
}

impl Tier {
    /// Every tier, the strongest first.
    pub const ALL: [Self; 7] = [
        Self::IdExact,
        Self::IdRepaired,
        Self::IdNameDiffers,
        Self::NameBirthPlace,
        Self::NamePhone,
        Self::NamePlace,
        Self::Household,
    ];

    /// A stable name, for storage and for text keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::IdExact => "id_exact",
            Self::IdRepaired => "id_repaired",
            Self::IdNameDiffers => "id_name_differs",
            Self::NameBirthPlace => "name_birth_place",
            Self::NamePhone => "name_phone",
            Self::NamePlace => "name_place",
            Self::Household => "household",
        }
    }

    /// The tier of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.name() == name)
    }

    /// The tier of a pattern; none where nothing that counts agrees.
    pub fn of(p: &Pattern) -> Option<Self> {
        use IdLevel as I;
        let name_agrees = p.name.agrees();
        match p.id {
            I::Exact if p.name == NameLevel::Exact => return Some(Self::IdExact),
            I::Format | I::From15 if p.name == NameLevel::Exact => return Some(Self::IdRepaired),
            I::Exact | I::Format | I::From15 => return Some(Self::IdNameDiffers),
            I::Typo | I::MaskedLong | I::MaskedShort
                if name_agrees
                // A mask hides the birth date: what stands in its column must not deny it.
                && p.birth != BirthLevel::Differ && p.sex != SexLevel::Differ =>
            {
                return Some(Self::IdRepaired);
            }
            _ => {}
        }
        let here = matches!(p.place, PlaceLevel::Village | PlaceLevel::Township | PlaceLevel::County);
        // Two valid numbers that differ are two people, unless everything else says that one was misrecorded.
        if p.id == I::Differ {
            let all = p.name == NameLevel::Exact
                && p.birth == BirthLevel::Exact
                && p.sex != SexLevel::Differ
                && (p.place == PlaceLevel::Village || p.phone == PhoneLevel::Same);
            return all.then_some(Self::NameBirthPlace);
        }
        if name_agrees && p.sex != SexLevel::Differ {
            let born = match p.birth {
                BirthLevel::Exact => here || p.name == NameLevel::Exact,
                BirthLevel::Slip | BirthLevel::Lunar | BirthLevel::YearOnly => {
                    matches!(p.place, PlaceLevel::Village | PlaceLevel::Township) && p.name <= NameLevel::LookAlike
                }
                _ => false,
            };
            if born {
                return Some(Self::NameBirthPlace);
            }
            if p.phone == PhoneLevel::Same && p.birth != BirthLevel::Differ {
                return Some(Self::NamePhone);
            }
            let placed = p.household == HouseholdLevel::Same
                || (p.place == PlaceLevel::Village && p.name <= NameLevel::Homophone)
                || (p.place == PlaceLevel::Township && p.name == NameLevel::Exact);
            if placed && matches!(p.birth, BirthLevel::Missing | BirthLevel::YearOnly) {
                return Some(Self::NamePlace);
            }
        }
        let same_home = p.household == HouseholdLevel::Same
            || (p.phone == PhoneLevel::Same && (here || p.name.agrees() || p.name == NameLevel::Surname));
        same_home.then_some(Self::Household)
    }
}

/// [`Linker`] by [`Tier`] and [`Pattern::score`]. Of each household the member who fits best is kept, so that a
/// relative with the same phone and address does not stand beside the person meant.
#[derive(Debug, Clone, Copy)]
pub struct TieredLinker {
    /// Links kept for one record of the list.
    pub most: usize,
}

impl Default for TieredLinker {
    fn default() -> Self {
        Self { most: 5 }
    }
}

#[derive(Clone, Copy)]
struct Candidate {
    right: u64,
    household: Option<u64>,
    tier: Tier,
    score: i32,
    pattern: Pattern,
}

impl Candidate {
    fn rank(&self) -> (Tier, Reverse<i32>, u64) {
        (self.tier, Reverse(self.score), self.right)
    }

    /// An equal number under another name stands beside the member who fits by name: one of the two is the mistake.
    fn competes_with(&self, other: &Self) -> bool {
        self.household.is_some()
            && self.household == other.household
            && (self.tier == Tier::IdNameDiffers) == (other.tier == Tier::IdNameDiffers)
    }
}

impl TieredLinker {
    fn add(&self, kept: &mut Vec<Candidate>, new: Candidate) {
        if let Some(old) = kept.iter().position(|c| c.competes_with(&new)) {
            if kept[old].rank() <= new.rank() {
                return;
            }
            kept.remove(old);
        }
        let at = kept.partition_point(|c| c.rank() < new.rank());
        if at < self.most {
            kept.insert(at, new);
            kept.truncate(self.most);
        }
    }
}

impl Linker for TieredLinker {
    fn link(&self, list: &[Record], registry: &mut dyn Iterator<Item = Record>) -> Vec<Link> {
        let index = Index::new(list);
        let mut kept: Vec<Vec<Candidate>> = vec![Vec::new(); list.len()];
        let mut rows = Vec::new();
        for record in registry {
            index.candidates(&record, &mut rows);
            for at in &rows {
                let at = *at as usize;
                let pattern = Pattern::of(&list[at], &record);
                let Some(tier) = Tier::of(&pattern) else {
                    continue;
                };
                self.add(
                    &mut kept[at],
                    Candidate { right: record.key, household: record.household, tier, score: pattern.score(), pattern },
                );
            }
        }
        let mut links = Vec::new();
        for (left, candidates) in list.iter().zip(kept) {
            // Once somebody is found, a mere relative of somebody else is noise.
            let found = candidates.iter().any(|c| c.tier < Tier::NamePlace);
            for c in candidates {
                if found && c.tier == Tier::Household {
                    continue;
                }
                links.push(Link {
                    left: left.key,
                    right: c.right,
                    tier: c.tier,
                    score: f64::from(c.score),
                    pattern: c.pattern,
                    agreement: c.pattern.fields().to_vec(),
                });
            }
        }
        links
    }
}

#[cfg(test)]
mod tests;
