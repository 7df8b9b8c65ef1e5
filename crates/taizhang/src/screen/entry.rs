//! From the fields of a form, or the cells of a row, to a visit; every fault with its field, what was found and what
//! would be right.
//!
//! Fields: `visited_on`, `channel`, `spoken_to`, `note`, `mode` (`checks`, `unchanged`, `contact`); `food.PART`,
//! `clothing.PART`; `school.PERSON`, `school.PERSON.note`, `school` (asked, nobody of school age); `cover.PERSON.PART`,
//! `clinic`; `house.grade` (`none` for not assessed), `house.assessor`, `house.assessed_on`, `house.residence`,
//! `house.remedy`; `water.area`, `water.litres`, `water.quality`, `water.access`, `water.minutes`, `water.horizontal`,
//! `water.vertical`, `water.outage_days`. A yes is `yes`, `on` or `1`, a no is `no` or `0`.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use uuid::Uuid;

use super::judge::pupils;
use super::model::{Answers, Channel, Cover, Draft, FieldFault, House, Member, Parts, Pupil, Water};
use crate::assess::profile::checks::{Checks, Housing, Part};

/// Fields by name, as they came.
pub type Raw = BTreeMap<String, String>;

/// Most characters of a note.
pub const NOTE_MOST: usize = 2_000;
/// Most characters of a name or a unit.
const NAME_MOST: usize = 60;
/// The first year that a visit can be of: the registers begin in 2014.
const FIRST_YEAR: i32 = 2014;

struct Entry<'a> {
    raw: &'a Raw,
    checks: &'a Checks,
    members: &'a [Member],
    faults: Vec<FieldFault>,
}

/// What the fields say.
///
/// # Errors
/// Every field that does not fit.
pub fn draft(
    raw: &Raw,
    id: Uuid,
    checks: &Checks,
    members: &[Member],
    today: NaiveDate,
) -> Result<Draft, Vec<FieldFault>> {
    let mut entry = Entry { raw, checks, members, faults: Vec::new() };
    if id.get_version_num() != 7 {
        entry.fault("id", "screen-fault-id", id.to_string(), "UUIDv7");
    }
    let visited_on = entry.day("visited_on", today);
    let channel = entry.one_of("channel", &Channel::ALL.map(|channel| (channel.name(), channel)));
    let spoken_to = entry.text("spoken_to", NAME_MOST);
    let note = entry.text("note", NOTE_MOST);
    let mode =
        entry.one_of("mode", &[("checks", Mode::Checks), ("unchanged", Mode::Unchanged), ("contact", Mode::Contact)]);
    let answers = match mode {
        Some(Mode::Checks) => entry.answers(visited_on.unwrap_or(today)),
        _ => Answers::default(),
    };
    if mode == Some(Mode::Checks) && answers.is_empty() && entry.faults.is_empty() {
        entry.fault("mode", "screen-fault-nothing", String::new(), "");
    }
    match (visited_on, channel, mode) {
        (Some(visited_on), Some(channel), Some(mode)) if entry.faults.is_empty() => {
            Ok(Draft { id, visited_on, channel, spoken_to, note, unchanged: mode == Mode::Unchanged, answers })
        }
        _ => Err(entry.faults),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Checks,
    Unchanged,
    Contact,
}

impl Entry<'_> {
    fn fault(&mut self, field: &str, what: &'static str, found: String, expected: impl Into<String>) {
        // A slip of the finger may be an ID number.
        let found = match found.chars().filter(char::is_ascii_digit).count() {
            0..=13 => found.chars().take(60).collect(),
            _ => codes::citizen_id::mask(&found),
        };
        self.faults.push(FieldFault { field: field.to_owned(), what, found, expected: expected.into() });
    }

    fn get(&self, field: &str) -> &str {
        self.raw.get(field).map_or("", |text| text.trim())
    }

    fn text(&mut self, field: &str, most: usize) -> String {
        let text = self.get(field).to_owned();
        if text.chars().count() > most {
            self.fault(field, "screen-fault-long", text.chars().count().to_string(), most.to_string());
        }
        text
    }

    fn one_of<T: Copy>(&mut self, field: &str, all: &[(&str, T)]) -> Option<T> {
        let text = self.get(field).to_owned();
        if let Some((_, found)) = all.iter().find(|(name, _)| *name == text) {
            return Some(*found);
        }
        let what = if text.is_empty() { "screen-fault-missing" } else { "screen-fault-choice" };
        self.fault(field, what, text, all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" | "));
        None
    }

    fn day(&mut self, field: &str, today: NaiveDate) -> Option<NaiveDate> {
        let text = self.get(field).to_owned();
        if text.is_empty() {
            self.fault(field, "screen-fault-missing", text, today.to_string());
            return None;
        }
        let day = NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok();
        match day.filter(|day| *day <= today && day.year() >= FIRST_YEAR) {
            Some(day) => Some(day),
            None => {
                self.fault(field, "screen-fault-day", text, format!("{FIRST_YEAR}-01-01 – {today}"));
                None
            }
        }
    }

    /// Yes or no; none where nothing is said.
    fn yes_no(&mut self, field: &str) -> Option<bool> {
        match self.get(field) {
            "yes" | "on" | "1" => Some(true),
            "no" | "0" => Some(false),
            "" => None,
            other => {
                let other = other.to_owned();
                self.fault(field, "screen-fault-choice", other, "yes | no");
                None
            }
        }
    }

    fn number(&mut self, field: &str, most: f64) -> Option<f64> {
        let text = self.get(field).to_owned();
        if text.is_empty() {
            return None;
        }
        let number = codes::text::half_width(&text).parse::<f64>().ok();
        match number.filter(|number| (0.0..=most).contains(number)) {
            Some(number) => Some(number),
            None => {
                self.fault(field, "screen-fault-number", text, format!("0–{most}"));
                None
            }
        }
    }

    fn needed<T>(&mut self, field: &str, found: Option<T>, expected: &str) -> Option<T> {
        if found.is_none() && !self.faults.iter().any(|fault| fault.field == field) {
            self.fault(field, "screen-fault-missing", String::new(), expected);
        }
        found
    }

    /// Whether any field of a group is filled in.
    fn any(&self, prefix: &str) -> bool {
        let rest = self.raw.range(prefix.to_owned()..);
        rest.take_while(|(field, _)| field.starts_with(prefix)).any(|(_, text)| !text.trim().is_empty())
    }

    fn answers(&mut self, day: NaiveDate) -> Answers {
        let checks = self.checks;
        Answers {
            food: self.parts("food", &checks.food),
            clothing: self.parts("clothing", &checks.clothing),
            schooling: self.schooling(day),
            insurance: self.insurance(),
            housing: self.housing(day),
            water: self.water(),
        }
    }

    fn parts(&mut self, group: &str, policy: &[Part]) -> Option<Parts> {
        if !self.any(&format!("{group}.")) {
            return None;
        }
        let mut out = Parts::new();
        for part in policy {
            let field = format!("{group}.{}", part.id);
            let found = self.yes_no(&field);
            if let Some(yes) = self.needed(&field, found, "yes | no") {
                out.insert(part.id.clone(), yes);
            }
        }
        Some(out)
    }

    fn schooling(&mut self, day: NaiveDate) -> Option<BTreeMap<Uuid, Pupil>> {
        if !self.any("school") {
            return None;
        }
        let states: Vec<(&str, &str)> =
            self.checks.schooling.states.iter().map(|state| (state.id.as_str(), state.id.as_str())).collect();
        let wanted = pupils(&self.checks.schooling, self.members, day);
        let mut out = BTreeMap::new();
        let members: Vec<Uuid> = self.members.iter().map(|member| member.id).collect();
        for id in members {
            let field = format!("school.{id}");
            if self.get(&field).is_empty() && !wanted.contains(&id) {
                continue;
            }
            let state = self.one_of(&field, &states).map(str::to_owned);
            let note = self.text(&format!("{field}.note"), NAME_MOST);
            if let Some(state) = state {
                out.insert(id, Pupil { state, note });
            }
        }
        Some(out)
    }

    fn insurance(&mut self) -> Option<Cover> {
        if !self.any("cover.") && !self.any("clinic") {
            return None;
        }
        let clinic = self.yes_no("clinic");
        let clinic = self.needed("clinic", clinic, "yes | no");
        let mut persons = BTreeMap::new();
        let members: Vec<Uuid> = self.members.iter().map(|member| member.id).collect();
        for id in members {
            let mut parts = Parts::new();
            for part in &self.checks.insurance.parts {
                // A box that is not ticked is not sent.
                let yes = self.yes_no(&format!("cover.{id}.{}", part.id)).unwrap_or(false);
                parts.insert(part.id.clone(), yes);
            }
            persons.insert(id, parts);
        }
        Some(Cover { persons, clinic: clinic? })
    }

    fn housing(&mut self, day: NaiveDate) -> Option<House> {
        if !self.any("house.grade") && !self.any("house.assess") {
            return None;
        }
        let mut grades: Vec<(&str, &str)> = Housing::GRADES.iter().map(|grade| (*grade, *grade)).collect();
        grades.push(("none", ""));
        let grade = self.one_of("house.grade", &grades)?.to_owned();
        let assessor = self.text("house.assessor", NAME_MOST);
        let assessed_on = self.get("house.assessed_on").to_owned();
        if !assessed_on.is_empty() {
            let known = NaiveDate::parse_from_str(&assessed_on, "%Y-%m-%d").ok();
            if known.is_none_or(|known| known > day || known.year() < 1990) {
                self.fault("house.assessed_on", "screen-fault-day", assessed_on.clone(), format!("1990-01-01 – {day}"));
            }
        }
        let residences: Vec<(&str, &str)> =
            self.checks.housing.residences.iter().map(|place| (place.id.as_str(), place.id.as_str())).collect();
        let remedies: Vec<(&str, &str)> =
            self.checks.housing.remedies.iter().map(|(id, _)| (id.as_str(), id.as_str())).collect();
        let chosen = |entry: &mut Self, field: &str, all: &[(&str, &str)]| {
            if entry.get(field).is_empty() { None } else { entry.one_of(field, all).map(str::to_owned) }
        };
        let residence = chosen(self, "house.residence", &residences).unwrap_or_default();
        let remedy = chosen(self, "house.remedy", &remedies).unwrap_or_default();
        // Of a house that is not safe one has to know where the household lives.
        if matches!(grade.as_str(), "C" | "D") && residence.is_empty() && !residences.is_empty() {
            let expected = residences.iter().map(|(id, _)| *id).collect::<Vec<_>>().join(" | ");
            self.needed("house.residence", None::<()>, &expected);
        }
        Some(House { grade, assessor, assessed_on, residence, remedy })
    }

    fn water(&mut self) -> Option<Water> {
        if !self.any("water.") {
            return None;
        }
        let area = match self.get("water.area") {
            // The usual case, where nobody says otherwise.
            "" => Some(false),
            _ => self.one_of("water.area", &[("rich", false), ("short", true)]),
        };
        let litres = self.number("water.litres", 1_000.0);
        let litres = self.needed("water.litres", litres, "35");
        let qualities: Vec<(&str, &str)> =
            self.checks.water.qualities.iter().map(|choice| (choice.id.as_str(), choice.id.as_str())).collect();
        let quality = self.one_of("water.quality", &qualities).map(str::to_owned);
        let piped = self.one_of("water.access", &[("piped", true), ("carried", false)]);
        let minutes = self.number("water.minutes", 1_440.0);
        let horizontal = self.number("water.horizontal", 50_000.0);
        let vertical = self.number("water.vertical", 5_000.0);
        if piped == Some(false) && minutes.is_none() && horizontal.is_none() && vertical.is_none() {
            self.needed("water.minutes", None::<()>, "20");
        }
        let outage = self.number("water.outage_days", 366.0);
        let outage = self.needed("water.outage_days", outage, "0–366");
        Some(Water {
            short_area: area?,
            litres: litres?,
            quality: quality?,
            piped: piped?,
            minutes,
            horizontal,
            vertical,
            // Checked to lie between 0 and 366 above.
            outage_days: outage?.round() as i64,
        })
    }
}

/// The fields that would give these answers: what a form shows where something is known.
pub fn fields(answers: &Answers) -> Raw {
    let mut out = Raw::new();
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    for (group, parts) in [("food", &answers.food), ("clothing", &answers.clothing)] {
        for (id, have) in parts.iter().flatten() {
            out.insert(format!("{group}.{id}"), yes(*have));
        }
    }
    if let Some(children) = &answers.schooling {
        out.insert("school".to_owned(), "asked".to_owned());
        for (id, pupil) in children {
            out.insert(format!("school.{id}"), pupil.state.clone());
            out.insert(format!("school.{id}.note"), pupil.note.clone());
        }
    }
    if let Some(cover) = &answers.insurance {
        out.insert("clinic".to_owned(), yes(cover.clinic));
        for (id, parts) in &cover.persons {
            for (part, have) in parts {
                out.insert(format!("cover.{id}.{part}"), yes(*have));
            }
        }
    }
    if let Some(house) = &answers.housing {
        let grade = if house.grade.is_empty() { "none" } else { &house.grade };
        for (field, value) in [
            ("grade", grade),
            ("assessor", &house.assessor),
            ("assessed_on", &house.assessed_on),
            ("residence", &house.residence),
            ("remedy", &house.remedy),
        ] {
            out.insert(format!("house.{field}"), value.to_owned());
        }
    }
    if let Some(water) = &answers.water {
        let number = |value: Option<f64>| value.map(|n| n.to_string()).unwrap_or_default();
        for (field, value) in [
            ("area", if water.short_area { "short" } else { "rich" }.to_owned()),
            ("litres", water.litres.to_string()),
            ("quality", water.quality.clone()),
            ("access", if water.piped { "piped" } else { "carried" }.to_owned()),
            ("minutes", number(water.minutes)),
            ("horizontal", number(water.horizontal)),
            ("vertical", number(water.vertical)),
            ("outage_days", water.outage_days.to_string()),
        ] {
            out.insert(format!("water.{field}"), value);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::profile::{BUILT_IN, BUILT_IN_FILE, parse};
    use crate::platform::ids;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2020, 2, 20).unwrap()
    }

    fn child() -> Member {
        Member {
            id: Uuid::from_u128(7),
            name: "小明".to_owned(),
            birth_date: "2010-05-01".to_owned(),
            relation: "之子".to_owned(),
            serious_insured: None,
        }
    }

    fn raw(fields: &[(&str, &str)]) -> Raw {
        let mut out: Raw = [("visited_on", "2020-02-19"), ("channel", "on_site"), ("mode", "checks")]
            .into_iter()
            .map(|(field, text)| (field.to_owned(), text.to_owned()))
            .collect();
        out.extend(fields.iter().map(|(field, text)| ((*field).to_owned(), (*text).to_owned())));
        out
    }

    fn read(fields: &[(&str, &str)]) -> Result<Draft, Vec<FieldFault>> {
        let checks = parse(BUILT_IN_FILE, BUILT_IN).unwrap().checks.unwrap();
        draft(&raw(fields), ids::new_id(), &checks, &[child()], today())
    }

    #[test]
    fn whatever_was_answered_comes_back_as_the_same_fields() {
        let school = format!("school.{}", child().id);
        let basic = format!("cover.{}.basic", child().id);
        let whole = [
            ("food.staple", "yes"),
            ("food.protein", "no"),
            ("clothing.seasonal", "yes"),
            ("clothing.change", "yes"),
            ("clothing.bedding", "yes"),
            (school.as_str(), "enrolled"),
            (basic.as_str(), "on"),
            ("clinic", "yes"),
            ("house.grade", "C"),
            ("house.assessor", "县住建局"),
            ("house.assessed_on", "2019-11-02"),
            ("house.residence", "kin"),
            ("water.litres", "４０"),
            ("water.quality", "senses_good"),
            ("water.access", "carried"),
            ("water.minutes", "15"),
            ("water.outage_days", "0"),
        ];
        let first = read(&whole).unwrap();
        assert_eq!(first.answers.water.as_ref().unwrap().litres, 40.0, "full-width digits are digits");
        assert!(!first.answers.insurance.as_ref().unwrap().persons[&child().id]["aid"], "a box not ticked is a no");
        let again: Vec<(String, String)> = fields(&first.answers).into_iter().collect();
        let again: Vec<(&str, &str)> = again.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(read(&again).unwrap().answers, first.answers);
    }

    #[test]
    fn a_fault_names_its_field_and_what_would_be_right() {
        let faults = |fields: &[(&str, &str)]| -> Vec<(String, &'static str, String)> {
            read(fields).unwrap_err().into_iter().map(|fault| (fault.field, fault.what, fault.expected)).collect()
        };
        let one = |field: &str, what: &'static str, expected: &str| vec![(field.to_owned(), what, expected.to_owned())];
        assert_eq!(faults(&[]), one("mode", "screen-fault-nothing", ""));
        assert_eq!(
            faults(&[("mode", "contact"), ("visited_on", "2020-02-21")]),
            one("visited_on", "screen-fault-day", "2014-01-01 – 2020-02-20")
        );
        assert_eq!(
            faults(&[("mode", "contact"), ("visited_on", "")]),
            one("visited_on", "screen-fault-missing", "2020-02-20")
        );
        assert_eq!(
            faults(&[("mode", "contact"), ("channel", "pigeon")]),
            one("channel", "screen-fault-choice", "on_site | phone | wechat | video")
        );
        assert_eq!(faults(&[("food.staple", "yes")]), one("food.protein", "screen-fault-missing", "yes | no"));
        let long = "长".repeat(NOTE_MOST + 1);
        assert_eq!(faults(&[("mode", "contact"), ("note", &long)]), one("note", "screen-fault-long", "2000"));
        assert_eq!(
            faults(&[("house.grade", "D")]),
            one("house.residence", "screen-fault-missing", "own | kin | rented | public | relocated")
        );
        let of_water = faults(&[("water.litres", "-1"), ("water.access", "carried")]);
        let fields: Vec<&str> = of_water.iter().map(|fault| fault.0.as_str()).collect();
        assert_eq!(fields, ["water.litres", "water.quality", "water.minutes", "water.outage_days"]);
        assert_eq!(faults(&[("school", "asked")])[0].0, format!("school.{}", child().id), "a child is not passed over");
        // A number that may be somebody's is not repeated in full.
        let typed = read(&[("water.litres", "340323196503121012")]).unwrap_err();
        assert!(!typed[0].found.contains("340323196503121012"), "{typed:?}");
        let checks = parse(BUILT_IN_FILE, BUILT_IN).unwrap().checks.unwrap();
        let four = Uuid::from_u128(0x1111_2222_3333_4444_8555_6666_7777_8888);
        assert_eq!(draft(&raw(&[("mode", "contact")]), four, &checks, &[], today()).unwrap_err()[0].field, "id");
    }
}
