use codes::Sex;
use proptest::prelude::*;

use super::*;
use crate::record::{Birth, Id, IdSource, Place};

/// A registry of households in which everything that may confuse is common: few surnames, shared phones, close numbers.
fn registry(households: u64) -> Vec<Record> {
    let surnames = ["王", "李", "张", "刘", "陈"];
    let given = ["伟", "芳", "建国", "秀英", "志强", "桂兰", "明", "小红"];
    let mut out = Vec::new();
    for h in 0..households {
        let surname = surnames[(h % 5) as usize];
        for m in 0..3u64 {
            let key = h * 3 + m;
            let year = 1950 + (h * 7 + m * 23) % 60;
            let month = 1 + (h + m) % 12;
            let day = 1 + (h * 3 + m * 11) % 28;
            let name = format!("{surname}{}", given[((h / 5 + m * 3) % 8) as usize]);
            let birth = Birth::new(year as i32, month as u32, day as u32);
            let male = key % 2 == 0;
            let place = format!("9901{:02}{:03}{:03}", 1 + h % 3, 1 + h % 40 / 10, 1 + h % 10);
            let seventeen = format!("{}{:08}{:03}", &place[..6], birth.0, (key * 2 % 998) + u64::from(male));
            let check = codes::citizen_id::check_char(&seventeen).unwrap();
            let id = format!("{seventeen}{check}");
            out.push(Record {
                key,
                id: Id::read(&id),
                pinyin: codes::name::pinyin(&name).into(),
                name: name.into(),
                sex: Some(if male { Sex::Male } else { Sex::Female }),
                birth: Some(birth),
                phone: Some(13_900_000_000 + h),
                place: Place::new(&place),
                household: Some(h),
            });
        }
    }
    out
}

fn best(list: &[Record], registry: &[Record]) -> Vec<Link> {
    let mut links = TieredLinker::default().link(list, &mut registry.iter().cloned());
    let mut seen = std::collections::HashSet::new();
    links.retain(|l| seen.insert(l.left));
    links
}

fn card(person: &Record, change: impl FnOnce(&mut Record)) -> Record {
    let mut card = person.clone();
    card.key = 1;
    card.household = None;
    change(&mut card);
    card
}

fn rename(record: &mut Record, name: &str) {
    record.name = name.into();
    record.pinyin = codes::name::pinyin(name).into();
}

fn text(id: &Id) -> String {
    String::from_utf8(id.digits().unwrap().to_vec()).unwrap()
}

#[test]
fn each_kind_of_damage_falls_into_its_tier() {
    let all = registry(400);
    let person = &all[333];
    let id = text(&person.id);
    let mut typo = id.clone().into_bytes();
    typo[15] = b'0' + (typo[15] - b'0' + 1) % 10;
    let typo = String::from_utf8(typo).unwrap();
    let masked = format!("{}********{}", &id[..6], &id[14..]);
    type Damage = Box<dyn Fn(&mut Record)>;
    let damages: Vec<(&str, Tier, Damage)> = vec![
        ("nothing", Tier::IdExact, Box::new(|_| {})),
        (
            "moved and new phone",
            Tier::IdExact,
            Box::new(|r| {
                r.phone = Some(1);
                r.place = Place::new("110101001001");
            }),
        ),
        (
            "full width",
            Tier::IdRepaired,
            Box::new({
                let id = id.clone();
                move |r| r.id = Id::read(&format!(" {id}"))
            }),
        ),
        ("typo", Tier::IdRepaired, Box::new(move |r| r.id = Id::read(&typo))),
        ("masked", Tier::IdRepaired, Box::new(move |r| r.id = Id::read(&masked))),
        ("other name", Tier::IdNameDiffers, Box::new(|r| rename(r, "赵六"))),
        ("no id", Tier::NameBirthPlace, Box::new(|r| r.id = Id::Missing)),
        (
            "no id, no place",
            Tier::NameBirthPlace,
            Box::new(|r| {
                r.id = Id::Missing;
                r.place = Place::default();
            }),
        ),
        (
            "no id, no birth, phone",
            Tier::NamePhone,
            Box::new(|r| {
                r.id = Id::Missing;
                r.birth = None;
            }),
        ),
        (
            "name and village only",
            Tier::NamePlace,
            Box::new(|r| {
                r.id = Id::Missing;
                r.birth = None;
                r.phone = None;
            }),
        ),
        (
            "a newborn of the household",
            Tier::Household,
            Box::new(|r| {
                r.id = Id::Missing;
                r.birth = Some(Birth::new(2020, 1, 15));
                rename(r, "王小宝宝");
            }),
        ),
    ];
    for (what, tier, damage) in damages {
        let list = [card(person, damage)];
        let links = best(&list, &all);
        let link = links.first().unwrap_or_else(|| panic!("{what}: no link"));
        assert_eq!(link.tier, tier, "{what}");
        if tier != Tier::Household {
            assert_eq!(link.right, person.key, "{what}");
        }
        assert!((0.0..=100.0).contains(&link.score), "{what}");
    }
}

#[test]
fn a_stranger_matches_nobody() {
    let all = registry(400);
    let stranger = Record {
        key: 1,
        id: Id::read("11010519491231002X"),
        name: "欧阳不凡".into(),
        pinyin: codes::name::pinyin("欧阳不凡").into(),
        sex: Some(Sex::Female),
        birth: Some(Birth::new(1949, 12, 31)),
        phone: Some(18_600_000_000),
        place: Place::new("110105"),
        household: None,
    };
    assert_eq!(best(&[stranger], &all), vec![]);
}

#[test]
fn the_same_name_and_birthday_with_another_valid_number_is_another_person() {
    let all = registry(400);
    let other = card(&all[10], |r| {
        r.id = Id::read("11010519491231002X");
        r.phone = None;
        r.place = Place::new("110105");
    });
    assert!(best(&[other], &all).is_empty());
}

#[test]
fn the_member_who_fits_better_wins_over_kin() {
    let all = registry(400);
    for household in 0..400usize {
        for member in 0..3 {
            let person = &all[household * 3 + member];
            let list = [card(person, |r| r.id = Id::Missing)];
            let links = TieredLinker::default().link(&list, &mut all.iter().cloned());
            assert_eq!(links[0].right, person.key);
            assert!(links[1..].iter().all(|l| all[l.right as usize].household != person.household));
        }
    }
}

#[test]
fn at_most_five_and_the_best_first() {
    let mut all = registry(1);
    all.truncate(1);
    let person = all[0].clone();
    let many: Vec<Record> = (0..40)
        .map(|i| Record { key: i, household: Some(i), phone: (i == 33).then_some(13_900_000_000), ..person.clone() })
        .collect();
    let links = TieredLinker::default().link(&[card(&person, |r| r.id = Id::Missing)], &mut many.into_iter());
    assert_eq!(links.len(), 5);
    assert_eq!(links[0].right, 33);
    assert!(links.windows(2).all(|w| w[0].score >= w[1].score));
}

/// The large case, on demand: `cargo test -p linkage --release -- --ignored --nocapture`.
#[test]
#[ignore = "seconds long; a measurement"]
fn speed() {
    for (rows, persons) in [(200usize, 60_000u64), (100_000, 5_000_000)] {
        let all = registry(20_000);
        let list: Vec<Record> = (0..rows)
            .map(|i| {
                let mut r = card(&all[i * 7 % all.len()], |_| {});
                r.key = i as u64;
                if i % 3 == 0 {
                    r.id = Id::Missing;
                }
                r
            })
            .collect();
        let county = |i: u64| i / 60_000;
        let mut stream = (0..persons).map(|i| {
            let mut r = all[(i % 60_000) as usize].clone();
            r.key = i;
            // Each copy of the county is another county: other numbers, phones and places.
            let shift = county(i);
            if shift > 0 {
                let digits = *r.id.digits().unwrap();
                let mut digits = digits;
                digits[2] = b'0' + (shift / 10 % 10) as u8;
                digits[3] = b'0' + (shift % 10) as u8;
                r.id = Id::Valid { digits, source: IdSource::Clean };
                r.phone = r.phone.map(|p| p + shift * 100_000);
                r.place = Place::new(&format!("98{:02}01001001", shift % 100));
                r.household = r.household.map(|h| h + shift * 1_000_000);
                r.birth = r.birth.map(|b| Birth(b.0 + (shift as u32 % 3)));
            }
            r
        });
        let begun = std::time::Instant::now();
        let links = TieredLinker::default().link(&list, &mut stream);
        println!("{rows} x {persons}: {:?}, {} links", begun.elapsed(), links.len());
        assert!(links.len() >= rows);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_order_of_the_registry_changes_nothing(seed in any::<u64>(), pick in proptest::collection::vec(0usize..300, 1..20), cut in 0u8..4) {
        let all = registry(100);
        let list: Vec<Record> = pick.iter().enumerate().map(|(i, p)| {
            let mut r = card(&all[*p], |r| match cut {
                0 => r.id = Id::Missing,
                1 => { r.id = Id::Missing; r.birth = None; }
                2 => r.phone = None,
                _ => {}
            });
            r.key = i as u64;
            r
        }).collect();
        let mut shuffled = all.clone();
        let mut state = seed | 1;
        for i in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(i, (state >> 33) as usize % (i + 1));
        }
        let linker = TieredLinker::default();
        prop_assert_eq!(
            linker.link(&list, &mut all.into_iter()),
            linker.link(&list, &mut shuffled.into_iter())
        );
    }

    #[test]
    fn a_masked_or_mistyped_number_is_never_an_exact_match(at in 0usize..300, from in 4usize..9, to in 11usize..15, digit in 0usize..17, by in 1u8..10) {
        let all = registry(100);
        let person = &all[at];
        let mut masked = *person.id.digits().unwrap();
        masked[from..to].fill(b'*');
        let mut typo = *person.id.digits().unwrap();
        typo[digit] = b'0' + (typo[digit] - b'0' + by) % 10;
        for id in [Id::Masked(masked), Id::Broken(typo)] {
            let links = best(&[card(person, |r| r.id = id)], &all);
            prop_assert_eq!(links[0].right, person.key);
            prop_assert!(links[0].tier != Tier::IdExact);
        }
    }

    #[test]
    fn what_is_missing_never_lowers_below_what_differs(at in 0usize..300) {
        let all = registry(100);
        let person = &all[at];
        let with = |change: fn(&mut Record)| best(&[card(person, change)], &all)[0].score;
        let (all_known, no_phone, other_phone) = (with(|_| {}), with(|r| r.phone = None), with(|r| r.phone = Some(1)));
        prop_assert!(all_known >= no_phone && no_phone >= other_phone);
        let (no_place, other_place) = (with(|r| r.place = Place::default()), with(|r| r.place = Place::new("110101001001")));
        prop_assert!(no_place >= other_place);
    }
}
