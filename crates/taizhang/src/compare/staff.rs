//! Helpers and team members: their numbers are kept as blind indexes only, so that a number is either equal or unknown and
//! nothing is weighed but equality of number, name, sound of the name, and phone.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use linkage::engine::Model;
use linkage::{Id, IdSource};

use super::lists::{self, digits_of};
use super::matching::Found;
use super::model::{CompareError, Staff, Subject};
use super::store;
use super::weigh::{self, MOST, Tier, Weighed};
use crate::access::Scope;
use crate::platform::{App, Reader};

/// Adds to what each row may be the helpers and team members that it may be, the best first.
pub(super) async fn find(
    app: &App,
    reader: &mut Reader,
    model: &Model,
    scope: &Scope,
    rows: &[(&lists::Row, &str)],
    out: &mut [Vec<Found>],
) -> Result<(), CompareError> {
    let mut names = Vec::with_capacity(rows.len());
    let mut by_number: HashMap<i64, Vec<(usize, IdSource)>> = HashMap::new();
    let mut by_sound: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, (row, _)) in rows.iter().enumerate() {
        let name = codes::name::fold(&row.name);
        if let Id::Valid { digits, source } = Id::read(&row.id)
            && let Ok(digits) = std::str::from_utf8(&digits)
        {
            by_number.entry(app.vault.index("citizen_id", digits)).or_default().push((at, source));
        }
        if row.phone.is_some() {
            by_sound.entry(codes::name::pinyin(&name)).or_default().push(at);
        }
        names.push(name);
    }
    // Whom any row has the number or the sound of the name of; the others are counted.
    let (mut count, mut asked) = (0u32, Vec::new());
    store::each_staff::<CompareError>(reader, scope, |one| {
        count = count.saturating_add(1);
        if one.id_index.is_some_and(|index| by_number.contains_key(&index))
            || (one.phone_enc.is_some() && by_sound.contains_key(&codes::name::pinyin(&one.name_folded)))
        {
            asked.push(one);
        }
        Ok(())
    })
    .await?;
    asked.sort_by(|a, b| (&a.subject, a.id).cmp(&(&b.subject, b.id)));
    let start = (model.matches_per_row / f64::from(count.max(1))).log2();
    let bits = |field, level| (field, level, weigh::bits_of(model, field, level));
    let mut found: Vec<Vec<(&Staff, Weighed)>> = rows.iter().map(|_| Vec::new()).collect();
    let mut seen = HashSet::new();
    for one in &asked {
        // One cadre stands once for each household helped.
        if !seen.insert((one.subject.as_str(), one.name_folded.as_str(), one.id_index, one.phone_index)) {
            continue;
        }
        let mut numbered = HashSet::new();
        for (at, source) in one.id_index.and_then(|index| by_number.get(&index)).into_iter().flatten() {
            let (tier, id, name) = match (names[*at] == one.name_folded, source) {
                (true, IdSource::From15) => (Tier::IdRepaired, "old_15", "exact"),
                (true, _) => (Tier::IdExact, "exact", "exact"),
                (false, _) => (Tier::IdNameDiffers, "exact", "differ"),
            };
            numbered.insert(*at);
            found[*at].push((one, Weighed::plain(tier, start, &[bits("id", id), bits("name", name)])));
        }
        let (Some(sealed), Some(alike)) = (&one.phone_enc, by_sound.get(&codes::name::pinyin(&one.name_folded))) else {
            continue;
        };
        let phone = digits_of(&app.vault.open_text(phone_place(one), sealed)?);
        for at in alike.iter().filter(|at| !numbered.contains(at) && rows[**at].0.phone == phone) {
            let name = if names[*at] == one.name_folded { "exact" } else { "homophone" };
            let fields = [bits("name", name), bits("phone", "same")];
            found[*at].push((one, Weighed::plain(Tier::NamePhone, start, &fields)));
        }
    }
    for (mut candidates, out) in found.into_iter().zip(out) {
        candidates.sort_by_key(|(one, w)| (w.tier, Reverse((w.bits * 100.0) as i64), one.id));
        let automatic = weigh::is_automatic(candidates.iter().map(|(_, weighed)| weighed));
        for (one, weighed) in candidates.into_iter().take(if automatic { 1 } else { MOST }) {
            out.push(Found {
                subject: Subject::from_name(&one.subject),
                subject_id: one.id,
                household_id: one.household_id,
                version: 0,
                division: one.division_code.clone(),
                weighed,
                automatic,
            });
        }
    }
    Ok(())
}

/// Where the phone of a member of staff is sealed.
pub(super) fn phone_place(staff: &Staff) -> &'static str {
    if staff.subject == "helper" { "helper.phone" } else { "work_team_member.phone" }
}
