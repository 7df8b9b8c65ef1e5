//! Everything that is read cell by cell: numbers, names, dates, phones, divisions.
#![no_main]

use codes::{bank, citizen_id, credit_code, date, division, name, phone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &str| {
    if let Ok(reading) = citizen_id::read(raw) {
        let _ = format!("{reading:?}");
    }
    if let Ok(id) = citizen_id::CitizenId::parse(raw) {
        assert_eq!(citizen_id::CitizenId::parse(id.as_str()).as_ref(), Ok(&id));
        assert_eq!(citizen_id::check_char(&id.as_str()[..17]), id.as_str().chars().last());
        let _ = (id.birth_date(), id.sex(), id.area().len(), id.masked());
    }
    if let Some(id) = citizen_id::upgrade_15(raw) {
        assert!(citizen_id::CitizenId::parse(id.as_str()).is_ok());
    }
    if let Some(masked) = citizen_id::parse_masked(raw) {
        assert!(masked.visible_digits() <= 18);
        let _ = masked.pattern();
    }
    let _ = (citizen_id::check_char(raw), citizen_id::mask(raw), bank::mask(raw));
    if let Ok(code) = credit_code::CreditCode::read(raw) {
        assert_eq!(credit_code::CreditCode::read(code.as_str()).as_ref(), Ok(&code));
        let _ = (code.division(), code.organisation());
    }
    let _ = credit_code::check_char(raw);
    if let Ok(read) = date::read_date(raw) {
        let again = date::read_date(&read.iso());
        assert_eq!(again, Ok(read), "{raw:?}");
        let _ = (read.to_date(), read.first_day());
    }
    let _ = date::read_month(raw);
    if let Ok(number) = raw.trim().parse::<f64>() {
        let _ = date::from_excel_serial(number);
    }
    let folded = name::fold(raw);
    assert_eq!(name::fold(&folded), folded, "{raw:?}");
    assert!(folded.starts_with(name::surname(&folded)));
    let _ =
        (name::pinyin(&folded), name::place_pinyin(&folded), name::place_initials(&folded), name::initials(&folded));
    let _ = name::fuzzy_pinyin(&folded);
    let mut chars = raw.chars();
    if let (Some(a), Some(b)) = (chars.next(), chars.next()) {
        assert_eq!(name::homophones(a, b), name::homophones(b, a));
        let _ = name::readings(a);
    }
    if let Ok(read) = phone::read(raw) {
        let _ = (read.digits().len(), read.masked());
    }
    let _ = phone::mask(raw);
    if let Ok(code) = division::DivisionCode::parse(raw) {
        assert!(code.contains(&code));
        let (from, to) = code.range();
        assert!(from < to, "{from} {to}");
        let _ = (code.level(), code.parent(), code.ancestors());
    }
    let _ = codes::Sex::parse(raw);
});
