//! What a pair is worth to a clerk: the kind of evidence in a word, its strength in bits, and what may be decided without
//! anybody looking.

use linkage::engine::{Evidence, FIELDS, Model, ModelProblem, Pattern, Sighting};

use super::model::CompareError;

/// A match that nobody looks at has this many bits at least, all other candidates considered, besides the hard fact that
/// [`Weighed::is_certain`] asks for. By the model one in a thousand of pairs at 10 bits is two persons; with number and name
/// equal, none was in what this was tried on. A second candidate within 10 bits takes the first below it.
pub(super) const AUTOMATIC_BITS: f64 = 10.0;
/// A pair of fewer bits is not shown. At -4 bits one in seventeen is right: a clerk who looks at it in vain loses a
/// minute, a family that is not found loses its help.
pub(super) const REVIEW_BITS: f64 = -4.0;
/// Persons of the same home as a row are known by what they share with it; below this they are strangers who share it.
pub(super) const HOME_BITS: f64 = -22.0;
/// Candidates of one row.
pub(super) const MOST: usize = 5;

/// Kinds of evidence, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Tier {
    /// ID number and name equal (一致).
    IdExact,
    /// ID number equal once 15 digits are made 18, a slip is undone or what is hidden is left out; name agrees
    /// (证件修复后一致).
    IdRepaired,
    /// ID number equal, name is not (证件一致姓名不符).
    IdNameDiffers,
    /// Name, birth and place agree (姓名+出生+地址).
    NameBirthPlace,
    /// Name and birth agree, the place does not or is not known (姓名+出生).
    NameBirth,
    /// Name and phone agree (姓名+电话).
    NamePhone,
    /// Name and village or household number agree (姓名+村).
    NamePlace,
    /// Nothing of the above, but much is alike (多项相近).
    Similar,
    /// Somebody of the same household or phone (同户).
    Household,
}

impl Tier {
    /// A stable name, for storage and for text keys.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::IdExact => "id_exact",
            Self::IdRepaired => "id_repaired",
            Self::IdNameDiffers => "id_name_differs",
            Self::NameBirthPlace => "name_birth_place",
            Self::NameBirth => "name_birth",
            Self::NamePhone => "name_phone",
            Self::NamePlace => "name_place",
            Self::Similar => "similar",
            Self::Household => "household",
        }
    }

    /// The tier of a pair's levels.
    fn of(level: &Levels) -> Self {
        let equal = level.of("name") == "exact";
        let alike = matches!(
            level.of("name"),
            "exact"
                | "homophone"
                | "look_alike"
                | "fuzzy_sound"
                | "reordered"
                | "part"
                | "dropped"
                | "first_off"
                | "last_off"
                | "surname_off"
        );
        let denied = level.of("birth") == "differ" || level.of("sex") == "differ";
        match level.of("id") {
            "exact" if equal => return Self::IdExact,
            "old_15" if equal => return Self::IdRepaired,
            "exact" | "old_15" => return Self::IdNameDiffers,
            "typo" | "dropped" | "two_typos" | "masked_10" | "masked_8" | "masked_few" if alike && !denied => {
                return Self::IdRepaired;
            }
            _ => {}
        }
        let place = level.of("place");
        let home = place == "house";
        let village = home || matches!(place, "group" | "village" | "other_house");
        if alike && !denied {
            let born = matches!(
                level.of("birth"),
                "exact" | "digit" | "swapped" | "lunar" | "year_only" | "near_days" | "anniversary"
            );
            if born {
                let here = village || matches!(place, "township" | "county");
                return if here { Self::NameBirthPlace } else { Self::NameBirth };
            }
            if level.of("phone") == "same" {
                return Self::NamePhone;
            }
            if village || place == "township" {
                return Self::NamePlace;
            }
        }
        let near = village || matches!(place, "township" | "county");
        let kin = alike || level.of("name") == "surname";
        let calls = level.of("phone") == "same" && (near || kin);
        // Somebody with a number of their own who is registered nowhere is not asked about as one of a household.
        if (home || calls) && level.of("id") != "differ" { Self::Household } else { Self::Similar }
    }
}

/// The levels of a pair by the names of their fields.
struct Levels([usize; FIELDS.len()]);

impl Levels {
    fn of(&self, field: &str) -> &'static str {
        let levels = FIELDS.iter().zip(self.0).find(|(f, _)| f.name == field);
        levels.and_then(|(f, level)| f.levels.get(level).copied()).unwrap_or_default()
    }
}

/// One field's part in a pair's strength.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Part {
    /// A field of the engine, or `start`, `rarity`, `rivals`.
    pub(super) field: String,
    /// Its level; empty where there is none.
    #[serde(default)]
    pub(super) level: String,
    /// Bits for (above 0) or against; none in what was stored before candidates were weighed so.
    #[serde(default)]
    pub(super) bits: Option<f64>,
}

/// A pair, weighed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weighed {
    pub(super) tier: Tier,
    /// Log-odds that the two are one person, all other candidates considered.
    pub(super) bits: f64,
    /// Whether number and name are equal, at most after 15 digits were made 18.
    certain: bool,
    /// The levels in one text: `field=level,…` without those that are missing.
    pub(super) signature: String,
    pub(super) parts: Vec<Part>,
}

impl Weighed {
    pub(super) fn new(pattern: Pattern, bits: f64, evidence: &[Evidence]) -> Self {
        let level = Levels(pattern.levels());
        let tier = Tier::of(&level);
        let certain = tier == Tier::IdExact || (level.of("id") == "old_15" && level.of("birth") == "exact");
        let round = |bits: f64| (bits * 100.0).round() / 100.0;
        let part =
            |e: &Evidence| Part { field: e.field.to_owned(), level: e.level.to_owned(), bits: Some(round(e.bits)) };
        Self {
            tier,
            bits: round(bits),
            certain: certain && level.of("name") == "exact",
            signature: signature(FIELDS.iter().map(|f| (f.name, level.of(f.name)))),
            parts: evidence.iter().map(part).collect(),
        }
    }

    /// Of something that is either equal or not: fields with their levels and bits, after what a match starts with.
    pub(super) fn plain(tier: Tier, start: f64, fields: &[(&'static str, &'static str, f64)]) -> Self {
        let part = |(field, level, bits): (&str, &str, f64)| Part {
            field: field.to_owned(),
            level: level.to_owned(),
            bits: Some((bits * 100.0).round() / 100.0),
        };
        let parts: Vec<Part> = std::iter::once(("start", "", start)).chain(fields.iter().copied()).map(part).collect();
        Self {
            tier,
            bits: parts.iter().filter_map(|p| p.bits).sum(),
            certain: tier == Tier::IdExact,
            signature: signature(fields.iter().map(|(field, level, _)| (*field, *level))),
            parts,
        }
    }

    /// Whether it is the hard fact without which nothing is decided: number and name equal.
    pub(super) fn is_certain(&self) -> bool {
        self.certain
    }

    /// Whether it is to be shown at all: likely enough, or of somebody with the very number.
    pub(super) fn is_worth_a_look(&self) -> bool {
        self.tier != Tier::Household
            && (self.bits >= REVIEW_BITS || matches!(self.tier, Tier::IdExact | Tier::IdNameDiffers))
    }

    /// What is stored of its parts.
    pub(super) fn explanation(&self) -> String {
        serde_json::to_string(&self.parts).unwrap_or_else(|_| "[]".to_owned())
    }
}

fn signature<'a>(levels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let said: Vec<String> =
        levels.filter(|(_, level)| *level != "missing").map(|(field, level)| format!("{field}={level}")).collect();
    said.join(",")
}

/// Whether the best of a row's candidates needs nobody to look: the hard fact, the bits, and nobody else with that fact.
pub(super) fn is_automatic<'a>(mut candidates: impl Iterator<Item = &'a Weighed>) -> bool {
    let Some(best) = candidates.next() else {
        return false;
    };
    best.is_certain() && best.bits >= AUTOMATIC_BITS && !candidates.any(Weighed::is_certain)
}

/// The model that comes along.
pub(crate) const DEFAULT_MODEL: &str = include_str!("../../models/default.toml");

/// The levels of a place within one village.
const WITHIN: [&str; 4] = ["house", "group", "village", "other_house"];

/// The model that comes along, as lists are compared with it.
///
/// It was learned where most addresses have a house. A register says where a household lives as far as the village, so
/// that the same village is all of its levels within a village together, and no rarity.
pub(super) fn shipped() -> Result<Model, CompareError> {
    let mut model = Model::from_toml(DEFAULT_MODEL).map_err(|e| CompareError::Broken(format!("default.toml: {e}")))?;
    for field in model.field.iter_mut().filter(|f| f.name == "place") {
        let within: Vec<_> = field.level.iter().filter(|l| WITHIN.contains(&l.name.as_str())).cloned().collect();
        if let Some(village) = field.level.iter_mut().find(|l| l.name == "village") {
            village.same = within.iter().map(|l| l.same).sum();
            village.kin = within.iter().map(|l| l.kin).sum();
            village.stranger = within.iter().map(|l| l.stranger).sum();
        }
    }
    Ok(model)
}

/// A model for the register against itself: both records name their household, so that one village is either one
/// household or two. A person who is registered twice in a village is thought to be so as often in two households as in
/// one: no list was there to learn it from.
pub(super) fn for_register(model: &Model) -> Model {
    let mut model = model.clone();
    for field in model.field.iter_mut().filter(|f| f.name == "place") {
        let village = field.level.iter().find(|l| l.name == "village").map_or(0.5, |l| l.same);
        for level in field.level.iter_mut().filter(|l| matches!(l.name.as_str(), "house" | "other_house")) {
            level.same = (village / 2.0).clamp(1e-9, 1.0);
        }
    }
    model
}

/// A model as verdicts on its pairs would have it. Only the shares among records of one person move.
///
/// What the engine learns from has shares that sum to 1, which those of a village and of the levels within it cannot do at
/// once; so it is given a model in which only the village is common, and what it makes of each level is put on the level as
/// it was.
pub(super) fn learned(model: &Model, seen: &[Sighting]) -> Result<Model, CompareError> {
    let broken = |e: ModelProblem| CompareError::Broken(e.to_string());
    let mut plain = model.clone();
    for field in plain.field.iter_mut().filter(|f| f.name == "place") {
        let village = field.level.iter().find(|l| l.name == "village").cloned();
        for level in field.level.iter_mut().filter(|l| l.name != "village" && WITHIN.contains(&l.name.as_str())) {
            let Some(village) = &village else { continue };
            // Rare on every side, and for one person by far: the engine lets no level outweigh full agreement.
            (level.same, level.kin) = (village.same * 1e-6, village.kin * 1e-6);
            level.stranger = (village.stranger * 1e-10).max(1e-14);
        }
    }
    // Without verdicts the same comes out as went in, but for what makes the shares sum to 1.
    let given = plain.with_labels(seen).map_err(broken)?;
    let mut out = model.clone();
    let levels = |model: &Model| -> Vec<f64> { model.field.iter().flat_map(|f| &f.level).map(|l| l.same).collect() };
    let (before, after) = (levels(&plain), levels(&given));
    let all = out.field.iter_mut().flat_map(|f| &mut f.level);
    for ((level, before), after) in all.zip(before).zip(after) {
        level.same = (level.same * after / before).clamp(1e-12, 1.0);
    }
    out.matches_per_row = (model.matches_per_row * given.matches_per_row / plain.matches_per_row).max(1e-9);
    (out.labelled, out.calibration) = (given.labelled, given.calibration);
    Model::from_toml(&out.to_toml().map_err(broken)?).map_err(broken)
}

/// How many bits a pattern is worth more by one model than by another that knows the same strangers and kin.
pub(super) fn shift(from: &Model, to: &Model, pattern: Pattern) -> f64 {
    let same = |model: &Model, field: &str, level: &str| {
        let levels = model.field.iter().filter(|f| f.name == field).flat_map(|f| &f.level);
        levels.filter(|l| l.name == level).map(|l| l.same).next().unwrap_or(1.0)
    };
    let levels = FIELDS.iter().zip(pattern.levels()).filter(|(_, level)| *level > 0);
    let by: f64 = levels
        .filter_map(|(field, level)| Some((field.name, *field.levels.get(level)?)))
        .map(|(field, level)| (same(to, field, level) / same(from, field, level)).log2())
        .sum();
    by + (to.matches_per_row / from.matches_per_row).log2()
}

/// What one level of a model says in bits, held against strangers alone.
pub(super) fn bits_of(model: &Model, field: &str, level: &str) -> f64 {
    let levels = model.field.iter().filter(|f| f.name == field).flat_map(|f| &f.level);
    levels.filter(|l| l.name == level).map(|l| (l.same / l.stranger).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(text: &str) -> Tier {
        let mut levels = [0; FIELDS.len()];
        for part in text.split(',') {
            let (field, level) = part.split_once('=').unwrap();
            let at = FIELDS.iter().position(|f| f.name == field).unwrap();
            levels[at] = FIELDS[at].levels.iter().position(|l| *l == level).unwrap();
        }
        Tier::of(&Levels(levels))
    }

    #[test]
    fn each_pattern_has_a_word() {
        for (text, wanted) in [
            ("id=exact,name=exact,place=differ", Tier::IdExact),
            ("id=old_15,name=exact,birth=exact", Tier::IdRepaired),
            ("id=exact,name=homophone", Tier::IdNameDiffers),
            ("id=typo,name=exact", Tier::IdRepaired),
            ("id=masked_8,name=look_alike,birth=exact", Tier::IdRepaired),
            ("id=masked_8,name=exact,birth=differ,place=village", Tier::Similar),
            ("name=exact,birth=exact,place=county", Tier::NameBirthPlace),
            ("name=exact,birth=exact,place=differ", Tier::NameBirth),
            ("name=homophone,phone=same", Tier::NamePhone),
            ("name=exact,place=house", Tier::NamePlace),
            ("name=differ,place=house", Tier::Household),
            ("id=differ,name=differ,place=house", Tier::Similar),
            ("name=surname,phone=same", Tier::Household),
            ("name=differ,phone=same", Tier::Similar),
            ("id=differ,name=exact,birth=exact,place=village", Tier::NameBirthPlace),
        ] {
            assert_eq!(tier(text), wanted, "{text}");
        }
    }

    fn weighed(tier: Tier, bits: f64) -> Weighed {
        let certain = tier == Tier::IdExact;
        Weighed { tier, bits, certain, signature: String::new(), parts: Vec::new() }
    }

    #[test]
    fn only_a_hard_fact_with_bits_and_without_a_rival_needs_nobody() {
        let sure = weighed(Tier::IdExact, AUTOMATIC_BITS);
        assert!(is_automatic([&sure].into_iter()));
        assert!(is_automatic([&sure, &weighed(Tier::NameBirth, 0.0)].into_iter()));
        assert!(!is_automatic([&sure, &weighed(Tier::IdExact, -9.0)].into_iter()));
        assert!(!is_automatic([&weighed(Tier::IdExact, AUTOMATIC_BITS - 0.1)].into_iter()));
        assert!(!is_automatic([&weighed(Tier::NameBirthPlace, 40.0)].into_iter()));
        assert!(!is_automatic([&weighed(Tier::NameBirthPlace, 40.0), &sure].into_iter()));
        assert!(!is_automatic(std::iter::empty()));
        assert!(weighed(Tier::IdNameDiffers, -9.0).is_worth_a_look());
        assert!(!weighed(Tier::NameBirth, REVIEW_BITS - 0.1).is_worth_a_look());
    }

    fn seen(text: &str, bits: f64, same: bool) -> Sighting {
        Sighting { pattern: Pattern::from_signature(text).unwrap(), bits, same }
    }

    #[test]
    fn verdicts_move_what_they_speak_of_and_little_else() {
        let model = shipped().unwrap();
        let mut verdicts = Vec::new();
        for n in 0..300 {
            // Names that sound alike were thought to be even odds, and are one person in nine of ten.
            verdicts.push(seen("name=homophone,birth=exact,place=village", 0.0, n % 10 != 0));
            verdicts.push(seen("name=exact,birth=exact,place=village", 6.0, n % 64 != 0));
            verdicts.push(seen("name=exact,birth=digit,place=township", -3.0, n % 9 == 0));
        }
        let after = learned(&model, &verdicts).unwrap();
        let moved = |text: &str| shift(&model, &after, Pattern::from_signature(text).unwrap());
        let up = moved("name=homophone,birth=exact,place=village");
        // What a level was learned from before weighs against it; the rest is the calibration's.
        assert!(up > 1.0 && up < 4.0, "{up}");
        let read = after.calibration.as_ref().unwrap().bits(up);
        assert!((read - 3.2).abs() < 0.9, "{read}");
        assert!(moved("name=exact,birth=exact,place=village").abs() < 1.0);
        assert!(moved("name=exact,birth=digit,place=township").abs() < 1.0);
        assert!(moved("id=typo,phone=same").abs() < 1.0, "{}", moved("id=typo,phone=same"));
        // The way back is as long.
        let pattern = Pattern::from_signature("name=homophone,place=village").unwrap();
        assert!((shift(&model, &after, pattern) + shift(&after, &model, pattern)).abs() < 1e-9);
        let said = after.labelled.unwrap();
        assert!(said.pairs == 900 && said.surprise < said.surprise_before, "{said:?}");
        // A household on both sides is a household, and two of one village are not strangers.
        let register = for_register(&after);
        let bits = |level| bits_of(&register, "place", level);
        assert!(bits("house") > bits("other_house") && bits("other_house") > bits("township"));
    }

    #[test]
    fn the_model_takes_a_village_for_a_village() {
        let model = shipped().unwrap();
        let bits = |level| bits_of(&model, "place", level);
        assert!(bits("village") > 7.0 && bits("village") < bits("house"));
        assert!(bits("village") > bits("township"));
        assert!(bits_of(&model, "id", "exact") > 25.0);
        // Still a model: what is changed is a share, and a file can hold it.
        Model::from_toml(&model.to_toml().unwrap()).unwrap();
        let text = Weighed::plain(Tier::IdExact, -3.0, &[("id", "exact", 20.0), ("name", "exact", 10.0)]);
        assert_eq!((text.bits, text.signature.as_str()), (27.0, "id=exact,name=exact"));
        let parts: Vec<Part> = serde_json::from_str(&text.explanation()).unwrap();
        assert_eq!(parts, text.parts);
        let old: Vec<Part> = serde_json::from_str(r#"[{"field":"id","level":"format","points":45}]"#).unwrap();
        assert_eq!((old[0].level.as_str(), old[0].bits), ("format", None));
    }
}
