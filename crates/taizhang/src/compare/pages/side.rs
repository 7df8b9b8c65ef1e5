//! The two sides of a pair as a page may show them: numbers that name a person are masked.

use codes::citizen_id;
use uuid::Uuid;

use super::super::lists::{self, Field};
use super::super::model::{Person, Staff};
use super::super::{Candidate, CompareError, Content, Subject, staff, store};
use crate::access::Scope;
use crate::platform::App;
use crate::register::Divisions;
use crate::web::{Page, WebError};

pub(super) fn place_text(divisions: &Divisions, code: &str) -> String {
    divisions.full_name(code).unwrap_or(code).to_owned()
}

pub(super) fn pick(content: &Content, field: Field) -> Option<String> {
    let headers: Vec<String> = content.columns.keys().cloned().collect();
    let mapping = lists::Mapping::of(&headers);
    let (_, header) = mapping.columns.get(&field)?;
    content.columns.get(header).cloned()
}

/// A cell of a list as a page may show it: numbers that name a person are masked.
pub(super) fn masked_cell(header: &str, value: &str) -> String {
    let mapping = lists::Mapping::of(&[header.to_owned()]);
    if mapping.columns.contains_key(&Field::Phone) {
        codes::phone::mask(value)
    } else if mapping.columns.contains_key(&Field::IdNumber) || value.chars().filter(char::is_ascii_digit).count() >= 14
    {
        citizen_id::mask(value)
    } else {
        value.to_owned()
    }
}

/// The registered side of a candidate, masked.
pub(super) struct Side {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) sex: String,
    pub(super) birth: String,
    pub(super) phone: String,
    pub(super) household_id: Option<Uuid>,
    pub(super) household_no: String,
    pub(super) head: String,
    pub(super) unit: String,
}

pub(super) async fn registered_side(app: &App, c: &Candidate, scope: &Scope) -> Result<Option<Side>, WebError> {
    let open = |place, sealed: &Option<Vec<u8>>| -> Result<String, CompareError> {
        Ok(match sealed {
            Some(sealed) => app.vault.open_text(place, sealed)?,
            None => String::new(),
        })
    };
    let person_side = |p: Person| -> Result<Side, CompareError> {
        let mut phone = open("person.phone", &p.phone_enc)?;
        if phone.is_empty() {
            phone = open("household.phone", &p.household_phone_enc)?;
        }
        Ok(Side {
            id: mask_id(&open("person.id", &p.id_enc)?),
            phone: mask_phone(&phone),
            name: p.name,
            sex: p.sex,
            birth: p.birth_date,
            household_id: Some(p.household_id),
            household_no: p.household_no,
            head: p.head_name,
            unit: String::new(),
        })
    };
    Ok(match Subject::from_name(&c.subject) {
        Subject::Person => match store::persons(&app.db, &[c.subject_id], scope).await?.into_iter().next() {
            Some(person) => Some(person_side(person)?),
            None => None,
        },
        Subject::Household => {
            let members = store::members(&app.db, c.subject_id, scope).await?;
            match members.into_iter().next() {
                Some(person) => Some(person_side(person)?),
                None => None,
            }
        }
        subject => match store::one_staff(&app.db, subject, c.subject_id, scope).await? {
            Some(staff) => Some(staff_side(app, staff)?),
            None => None,
        },
    })
}

fn staff_side(app: &App, staff: Staff) -> Result<Side, CompareError> {
    let phone = match &staff.phone_enc {
        Some(sealed) => app.vault.open_text(staff::phone_place(&staff), sealed)?,
        None => String::new(),
    };
    Ok(Side {
        name: staff.name,
        id: String::new(),
        sex: staff.sex,
        birth: String::new(),
        phone: mask_phone(&phone),
        household_id: staff.household_id,
        household_no: String::new(),
        head: String::new(),
        unit: staff.unit,
    })
}

pub(super) fn mask_id(raw: &str) -> String {
    if raw.is_empty() { String::new() } else { citizen_id::mask(raw) }
}

pub(super) fn mask_phone(raw: &str) -> String {
    if raw.is_empty() { String::new() } else { codes::phone::mask(raw) }
}

/// A candidate's bits; nothing for one that was weighed in points.
pub(super) fn bits_text(c: &Candidate) -> String {
    if c.is_in_bits() { format!("{:+.1}", c.score) } else { String::new() }
}

/// A candidate's bits in words, or its points where it was given such.
pub(super) fn score_text(page: &Page, c: &Candidate) -> String {
    if c.is_in_bits() {
        page.t1("compare-score-line", "score", bits_text(c))
    } else {
        page.t1("compare-score-old", "score", format!("{:.0}", c.score))
    }
}

/// Bits beyond which nobody counts how rarely such a pair is wrong.
const BEYOND_COUNT: f64 = 20.0;

/// How likely a candidate is the wrong person, as a clerk says it; empty where it was given points.
pub(super) fn strength_text(page: &Page, c: &Candidate) -> String {
    if !c.is_in_bits() {
        return String::new();
    }
    if c.score >= BEYOND_COUNT {
        return page.t("compare-strength-sure");
    }
    let key = if c.score >= 0.0 { "compare-strength-wrong" } else { "compare-strength-right" };
    page.t1(key, "n", one_in(c.score.abs()))
}

/// One in how many, of odds in bits: one digit, the rest noughts.
fn one_in(bits: f64) -> u64 {
    let n = 1.0 + bits.min(60.0).exp2();
    let step = 10f64.powf(n.log10().floor());
    ((n / step).round() * step).max(2.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odds_are_said_in_round_numbers() {
        for (bits, n) in [(0.0, 2), (1.0, 3), (3.0, 9), (4.0, 20), (10.0, 1_000), (12.3, 5_000), (19.0, 500_000)] {
            assert_eq!(one_in(bits), n, "{bits}");
        }
    }
}
