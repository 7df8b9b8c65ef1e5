//! The two sides of a pair as a page may show them: numbers that name a person are masked.

use codes::citizen_id;
use uuid::Uuid;

use super::super::lists::{self, Field};
use super::super::model::{Person, Staff};
use super::super::models::{FEW, Reader, Reading};
use super::super::{Candidate, CompareError, Content, Subject, staff, store};
use crate::access::Scope;
use crate::platform::{App, i18n};
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
    Ok(match Subject::from_name(&c.subject) {
        Subject::Person => match store::persons(&app.db, &[c.subject_id], scope).await?.into_iter().next() {
            Some(person) => Some(person_side(app, person)?),
            None => None,
        },
        Subject::Household => {
            let members = store::members(&app.db, c.subject_id, scope).await?;
            match members.into_iter().next() {
                Some(person) => Some(person_side(app, person)?),
                None => None,
            }
        }
        subject => match store::one_staff(&app.db, subject, c.subject_id, scope).await? {
            Some(staff) => Some(staff_side(app, staff)?),
            None => None,
        },
    })
}

/// A registered person, masked.
pub(super) fn person_side(app: &App, p: Person) -> Result<Side, CompareError> {
    let open = |place, sealed: &Option<Vec<u8>>| -> Result<String, CompareError> {
        Ok(match sealed {
            Some(sealed) => app.vault.open_text(place, sealed)?,
            None => String::new(),
        })
    };
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

/// How many of a thousand such pairs are wrong (of pairs below even odds: right), and on whose word; empty for a candidate
/// that was given points.
pub(super) fn candidate_strength(page: &Page, reader: &mut Reader, c: &Candidate) -> String {
    if c.is_in_bits() { strength_text(page, reader.read(c.score, c.model_version), c.score) } else { String::new() }
}

/// [`candidate_strength`] of a score.
pub(super) fn strength_text(page: &Page, reading: Reading, bits: f64) -> String {
    let (what, share) = if bits >= 0.0 { ("wrong", 1.0 - reading.same) } else { ("right", reading.same) };
    let basis = match reading {
        Reading { labels: 0, .. } => "model",
        Reading { near, .. } if near < FEW => "few",
        _ => "verdicts",
    };
    i18n::text_with(
        page.lang,
        &format!("compare-strength-{what}-{basis}"),
        &[
            ("n", in_a_thousand(page, share)),
            ("labels", reading.labels.to_string()),
            ("near", reading.near.to_string()),
        ],
    )
}

/// Of a thousand, with one figure behind the point where that says something. What is less than one in ten thousand nobody
/// has counted.
fn in_a_thousand(page: &Page, share: f64) -> String {
    let of = share * 1_000.0;
    if of < 0.1 {
        return page.t("compare-strength-least");
    }
    page.t1("compare-strength-about", "n", if of < 9.95 { format!("{of:.1}") } else { format!("{of:.0}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_score_says_on_whose_word() {
        let page = Page {
            lang: crate::platform::Lang::Zh,
            path: String::new(),
            csrf: String::new(),
            user: None,
            nav: Vec::new(),
            search: false,
            flash: None,
        };
        let text = |same, labels, near, bits| strength_text(&page, Reading { same, labels, near }, bits);
        let model = text(0.999, 0, 0, 10.0);
        assert!(model.contains("1.0 对认错") && model.contains("还没有人工判定"), "{model}");
        let few = text(0.999_999_9, 80, 3, 23.0);
        assert!(few.contains("不到 0.1 对认错") && few.contains("只有 3 条"), "{few}");
        let judged = text(0.93, 80, 40, 4.0);
        assert!(judged.contains("70 对认错") && judged.contains("80 条人工判定"), "{judged}");
        assert!(text(0.06, 80, 40, -4.0).contains("60 对是同一人"));
    }
}
