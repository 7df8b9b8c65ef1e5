//! Quality defects planted in the register, one kind per rule of the 疑点数据 practice.

use crate::model::{Household, Place, Sex};
use crate::rng::{Rng, mix};
use crate::world::World;

/// Households with an error (a row that must be held back), per ten thousand.
const ERRORS: u64 = 32;
/// Households with a doubt, per ten thousand.
const DOUBTS: u64 = 560;

/// Every rule with a planted defect: id, whether it is an error, and what is wrong.
pub const RULES: &[(&str, bool, &str)] = &[
    ("id_checksum", true, "证件号码校验位错误"),
    ("id_length", true, "证件号码位数错误"),
    ("id_birth_month", true, "证件号码出生月份大于12"),
    ("birth_future", true, "证件号码出生日期晚于填报日"),
    ("id_duplicate", true, "证件号码重复"),
    ("head_missing", true, "户内没有户主"),
    ("head_twice", true, "户内有两个户主"),
    ("spouse_twice", false, "户内有两个配偶"),
    ("couple_same_sex", false, "户主与配偶证件性别相同"),
    ("relation_sex", false, "与户主关系与性别不符"),
    ("education_both", false, "文化程度与在校生状况同时填写"),
    ("education_none", false, "文化程度与在校生状况均为空"),
    ("health_empty", false, "健康状况为空"),
    ("phone_length", false, "联系电话不是11位"),
    ("work_place_only", false, "有务工所在地而无务工时间"),
    ("work_months_only", false, "有务工时间而无务工所在地"),
    ("insurance_both", false, "同时参加居民医保与职工医保"),
    ("insurance_none", false, "未参加任何基本医保"),
    ("serious_insurance_none", false, "脱贫户未参加大病保险"),
    ("dropout_ill_healthy", false, "因病失学而健康状况为健康"),
    ("disability_no_card", false, "健康状况为残疾而无残疾证"),
    ("able_no_labour", false, "16至59岁健康非在校却无劳动力"),
    ("no_labour_working", false, "无劳动力而有务工信息"),
    ("student_working", false, "在校生有务工信息"),
    ("dangerous_not_monitored", false, "危房户未纳入监测"),
    ("water_not_monitored", false, "饮水不安全未纳入监测"),
    ("income_below_line", false, "人均纯收入低于监测线未纳入监测"),
    ("operating_no_cost", false, "有生产经营性收入而无支出"),
    ("eco_without_fallow", false, "有生态补偿金而无退耕还林面积"),
    ("fallow_over_forest", false, "退耕还林面积大于林地与牧草地之和"),
    ("wage_small", false, "工资性收入小于300元"),
    ("wage_large", false, "工资性收入大于300000元"),
    ("monitor_time_missing", false, "监测对象缺识别时间"),
    ("monitor_risk_missing", false, "监测对象缺风险类型"),
    ("measure_none", false, "识别超过一个月无帮扶措施"),
    ("measure_not_developing", false, "识别超过六个月有劳动力无开发式措施"),
];

/// Whether the household carries a planted defect; such households are left out of case and agency lists so
/// that one thing is tested at a time.
pub(crate) fn is_marked(seed: u64, h: u64) -> bool {
    mix(seed ^ mix(h ^ 0xDEFEC7)) % 10_000 < ERRORS + DOUBTS
}

/// Plants at most one defect in a household, when its number says so and the household offers a place for it.
pub(crate) fn plant(world: &World, hh: &mut Household) {
    let roll = mix(world.seed ^ mix(hh.index ^ 0xDEFEC7)) % 10_000;
    if roll >= ERRORS + DOUBTS {
        return;
    }
    let mut rng = Rng::stream(world.seed, &[9, hh.index]);
    let error = roll < ERRORS;
    let rules: Vec<&'static str> = RULES.iter().filter(|r| r.1 == error).map(|r| r.0).collect();
    for _ in 0..12 {
        let rule = rng.pick(&rules);
        if let Some(place) = try_plant(world, hh, rule, &mut rng) {
            hh.marks.push((place, rule));
            return;
        }
    }
}

fn find(hh: &Household, rng: &mut Rng, test: impl Fn(&crate::model::Person) -> bool) -> Option<usize> {
    let n = hh.members.len();
    let start = rng.index(n);
    (0..n).map(|i| (start + i) % n).find(|&i| test(&hh.members[i]))
}

fn try_plant(world: &World, hh: &mut Household, rule: &str, rng: &mut Rng) -> Option<Place> {
    let plain = |p: &crate::model::Person| p.id_text.len() == 18 && p.relation != "户主";
    match rule {
        "id_checksum" => {
            let i = find(hh, rng, plain)?;
            let p = &mut hh.members[i];
            let last = p.id_text.pop()?;
            p.id_text.push(if last == 'X' { '3' } else { char::from(b'0' + (last as u8 - b'0' + 1) % 10) });
            Some(Place::Person(i))
        }
        "id_length" => {
            let i = find(hh, rng, plain)?;
            hh.members[i].id_text.remove(10);
            Some(Place::Person(i))
        }
        "id_birth_month" => {
            let i = find(hh, rng, plain)?;
            let p = &mut hh.members[i];
            rewrite(p, |digits| {
                digits[10] = b'1';
                digits[11] = b'3';
            });
            Some(Place::Person(i))
        }
        "birth_future" => {
            let i = find(hh, rng, plain)?;
            let p = &mut hh.members[i];
            rewrite(p, |digits| digits[6..10].copy_from_slice(b"2031"));
            Some(Place::Person(i))
        }
        "id_duplicate" => {
            let other = world.clean_household(if hh.index == 0 { 1.min(world.households - 1) } else { hh.index - 1 });
            if other.index == hh.index {
                return None;
            }
            let sex = other.head().sex;
            let i = find(hh, rng, |p| plain(p) && p.age > 20 && p.sex == sex)?;
            hh.members[i].id_text = other.head().id.as_str().to_owned();
            Some(Place::Person(i))
        }
        "head_missing" => {
            if hh.members.len() < 2 {
                return None;
            }
            hh.members[0].relation = "其他";
            Some(Place::Person(0))
        }
        "head_twice" => {
            let i = find(hh, rng, |p| p.relation != "户主" && p.age > 20)?;
            hh.members[i].relation = "户主";
            Some(Place::Person(i))
        }
        "spouse_twice" => {
            if !hh.members.iter().any(|p| p.relation == "配偶") {
                return None;
            }
            let sex = hh.head().sex.other();
            let i = find(hh, rng, |p| !matches!(p.relation, "户主" | "配偶") && p.age > 20 && p.sex == sex)?;
            hh.members[i].relation = "配偶";
            Some(Place::Person(i))
        }
        "couple_same_sex" => {
            let i = find(hh, rng, |p| p.relation == "配偶" && p.id_text.len() == 18)?;
            let p = &mut hh.members[i];
            p.sex = p.sex.other();
            rewrite(p, |digits| {
                digits[16] = b'0' + (digits[16] - b'0') / 2 * 2 + u8::from(digits[16].is_multiple_of(2))
            });
            Some(Place::Person(i))
        }
        "relation_sex" => {
            let i = find(hh, rng, |p| matches!(p.relation, "之子" | "之女" | "之孙子" | "之孙女" | "之父" | "之母"))?;
            let p = &mut hh.members[i];
            p.relation = match p.relation {
                "之子" => "之女",
                "之女" => "之子",
                "之孙子" => "之孙女",
                "之孙女" => "之孙子",
                "之父" => "之母",
                _ => "之父",
            };
            Some(Place::Person(i))
        }
        "education_both" => {
            let i = find(hh, rng, crate::model::Person::is_student)?;
            hh.members[i].education = "小学";
            Some(Place::Person(i))
        }
        "education_none" => {
            let i = find(hh, rng, |p| !p.education.is_empty())?;
            hh.members[i].education = "";
            Some(Place::Person(i))
        }
        "health_empty" => {
            let i = find(hh, rng, |p| p.health == "健康")?;
            hh.members[i].health = "";
            Some(Place::Person(i))
        }
        "phone_length" => {
            let i = find(hh, rng, |p| !p.phone.is_empty() && p.relation != "户主")?;
            hh.members[i].phone.pop();
            Some(Place::Person(i))
        }
        "work_place_only" => {
            let i = find(hh, rng, |p| p.work.is_some())?;
            hh.members[i].hide_months = true;
            Some(Place::Person(i))
        }
        "work_months_only" => {
            let i = find(hh, rng, |p| p.work.is_some())?;
            hh.members[i].hide_place = true;
            Some(Place::Person(i))
        }
        "insurance_both" => {
            let i = find(hh, rng, |p| p.resident_insurance)?;
            hh.members[i].employee_insurance = true;
            Some(Place::Person(i))
        }
        "insurance_none" => {
            let i = find(hh, rng, |p| p.resident_insurance)?;
            hh.members[i].resident_insurance = false;
            Some(Place::Person(i))
        }
        "serious_insurance_none" => {
            if !hh.status.starts_with("已脱贫") {
                return None;
            }
            let i = find(hh, rng, |_| true)?;
            hh.members[i].serious_insurance = false;
            Some(Place::Person(i))
        }
        "dropout_ill_healthy" => {
            let i = find(hh, rng, |p| p.health == "健康" && (16..=19).contains(&p.age) && !p.is_student())?;
            hh.members[i].dropout = "因病";
            Some(Place::Person(i))
        }
        "disability_no_card" => {
            let i = find(hh, rng, |p| p.health == "健康" && p.age > 59)?;
            hh.members[i].health = "残疾";
            Some(Place::Person(i))
        }
        "able_no_labour" => {
            let i = find(hh, rng, |p| {
                p.health == "健康"
                    && (17..=58).contains(&p.age)
                    && p.school.is_empty()
                    && p.work.is_none()
                    && p.post.is_empty()
            })?;
            if hh.monitor.is_some() {
                return None;
            }
            hh.members[i].labour = "无劳动力";
            Some(Place::Person(i))
        }
        "no_labour_working" => {
            let i = find(hh, rng, |p| p.age > 70)?;
            hh.members[i].work = Some(crate::model::Work {
                place: world.county_of(hh.index) as u16,
                months: 6,
                company: rng.below(4000),
            });
            Some(Place::Person(i))
        }
        "student_working" => {
            let i = find(hh, rng, |p| p.is_student() && p.age >= 16)?;
            // Still 无劳动力 as every pupil would be a second defect in the same row.
            hh.members[i].labour = "普通劳动力";
            hh.members[i].work = Some(crate::model::Work {
                place: world.county_of(hh.index) as u16,
                months: 3,
                company: rng.below(4000),
            });
            Some(Place::Person(i))
        }
        "dangerous_not_monitored" => {
            if hh.monitor.is_some() {
                return None;
            }
            hh.dangerous = true;
            hh.danger_grade = "C级";
            Some(Place::Household)
        }
        "water_not_monitored" => {
            if hh.monitor.is_some() {
                return None;
            }
            hh.safe_water = false;
            Some(Place::Household)
        }
        "income_below_line" => {
            if hh.monitor.is_some() || hh.income.transfer_other == 0 {
                return None;
            }
            let n = hh.members.len() as i64;
            let target = rng.range(2600, 4700) * n;
            let mut cut = hh.income.net() - target;
            let i = &mut hh.income;
            for field in [
                &mut i.transfer_other,
                &mut i.dividend,
                &mut i.land_rent,
                &mut i.property_other,
                &mut i.pension,
                &mut i.dibao,
                &mut i.tekun,
            ] {
                let take = cut.clamp(0, *field);
                *field -= take;
                cut -= take;
            }
            if cut > 0 {
                let take = cut.clamp(0, (i.wage_work - 1200).max(0));
                i.wage_work -= take;
                cut -= take;
            }
            if cut > 0 {
                i.cost += cut.clamp(0, i.operating());
            }
            Some(Place::Income)
        }
        "operating_no_cost" => {
            if hh.income.operating() == 0 {
                return None;
            }
            hh.income.cost = 0;
            Some(Place::Income)
        }
        "eco_without_fallow" => {
            if hh.land[2] > 0 {
                return None;
            }
            hh.income.eco = 450;
            Some(Place::Income)
        }
        "fallow_over_forest" => {
            if hh.land[2] == 0 {
                return None;
            }
            hh.land[1] = hh.land[2].saturating_sub(4);
            hh.land[4] = 0;
            Some(Place::Household)
        }
        "wage_small" => {
            if hh.income.wages() != 0 || hh.monitor.is_some() {
                return None;
            }
            hh.income.wage_other = rng.range(20, 280);
            Some(Place::Income)
        }
        "wage_large" => {
            if hh.income.wage_work == 0 || hh.monitor.is_some() {
                return None;
            }
            // One zero too many, as fingers do.
            while hh.income.wages() <= 300_000 {
                hh.income.wage_work *= 10;
            }
            Some(Place::Income)
        }
        "monitor_time_missing" => {
            let m = hh.monitor.as_mut().filter(|m| m.eliminated.is_none())?;
            m.since = 0;
            Some(Place::Monitor)
        }
        "monitor_risk_missing" => {
            let clean = hh.safe_water && !hh.dangerous;
            let m = hh.monitor.as_mut().filter(|m| m.eliminated.is_none() && clean)?;
            m.risks.clear();
            Some(Place::Monitor)
        }
        "measure_none" => {
            let recent = crate::world::months_before(world.as_of, 2);
            let half_year = crate::world::months_before(world.as_of, 6);
            let m =
                hh.monitor.as_mut().filter(|m| m.eliminated.is_none() && m.since <= recent && m.since > half_year)?;
            m.measures = [false; 15];
            m.developing = false;
            Some(Place::Monitor)
        }
        "measure_not_developing" => {
            let half_year = crate::world::months_before(world.as_of, 7);
            let m = hh.monitor.as_mut().filter(|m| m.eliminated.is_none() && m.since <= half_year && !m.no_labour)?;
            for i in [0, 1, 2, 3] {
                m.measures[i] = false;
            }
            m.measures[10] = true;
            m.developing = false;
            Some(Place::Monitor)
        }
        _ => None,
    }
}

/// Changes digits of an ID and sets the check character anew, so that only the planted fault is wrong.
fn rewrite(p: &mut crate::model::Person, change: impl Fn(&mut [u8; 18])) {
    let mut digits = p.id.0;
    change(&mut digits);
    digits[17] = crate::model::check(&digits);
    p.id_text = String::from_utf8_lossy(&digits).into_owned();
    debug_assert!(matches!(p.sex, Sex::Male | Sex::Female));
}
