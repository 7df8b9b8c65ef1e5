//! Quality defects planted in the register, one kind per rule of the 疑点数据 practice.

use crate::model::{Household, Monitor, Place, Sex};
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
    ("id_digits", true, "证件号码含有字母"),
    ("id_excel", true, "证件号码被表格软件损坏"),
    ("id_disability", true, "残疾证号类别错误"),
    ("name_missing", true, "姓名为空"),
    ("person_no_twice", true, "人口编号重复"),
    ("head_missing", false, "户内没有户主"),
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
    ("id_empty", false, "证件号码为空"),
    ("birth_differs", false, "出生日期与证件号码不符"),
    ("sex_differs", false, "性别与证件号码不符"),
    ("relation_unknown", false, "与户主关系不在代码表内"),
    ("health_unknown", false, "健康状况不在代码表内"),
    ("household_phone", false, "户联系电话不是11位"),
    ("members_zero", false, "家庭人口数为0"),
    ("members_differ", false, "家庭人口数与成员数不符"),
    ("persons_none", false, "户内没有成员"),
    ("income_sum", false, "纯收入与各项之和不符"),
    ("monitor_kind", false, "监测对象类别不在代码表内"),
    ("monitor_income_missing", false, "监测对象缺识别时收入"),
    ("monitor_flag_missing", false, "监测对象缺识别时三保障标志"),
    ("insurance_without_risk", false, "识别时未参保而风险无因病"),
    ("water_without_risk", false, "识别时饮水不安全而风险无因安全饮水"),
    ("disabled_without_disabled", false, "风险因残而户内无残疾人"),
    ("work_without_labour", false, "风险因务工就业不稳而户内无劳动力"),
    ("labour_lacking_all_able", false, "风险因缺劳动力而成员均有劳动力"),
    ("only_general", false, "有劳动力户只有综合保障"),
    ("support_not_listed", false, "有低保措施而户内无低保人员"),
    ("ended_illness", false, "因病风险消除而无健康等帮扶"),
    ("ended_school", false, "因学风险消除而无教育帮扶"),
    ("ended_no_measure", false, "帮扶消除而无帮扶措施"),
    ("ended_early", false, "识别两个月内即帮扶消除"),
    ("ended_below_line", false, "消除时收入低于监测线"),
    ("ended_empty", false, "消除时收入为空"),
    ("ended_no_labour", false, "整户无劳动能力户被消除"),
    ("id_ends_in_zeros", false, "证件号码以000结尾,真伪难辨"),
];

/// Rules that show on other rows than their own because of a planted one: the planted rule, what else it breaks.
pub(crate) fn consequences(rule: &str, members: usize) -> Vec<&'static str> {
    let mut out = Vec::new();
    if matches!(rule, "birth_future" | "id_duplicate") {
        out.push("birth_differs");
    }
    // A row that is held back is missing from its household.
    if RULES.iter().any(|r| r.0 == rule && r.1) {
        out.push(if members > 1 { "members_differ" } else { "persons_none" });
    }
    out
}

/// Rules on monitoring that few households offer a place for.
const RARE: [&str; 8] = [
    "disabled_without_disabled",
    "work_without_labour",
    "labour_lacking_all_able",
    "support_not_listed",
    "ended_illness",
    "ended_school",
    "ended_no_measure",
    "ended_no_labour",
];

/// Rules on the monitoring of a household; the others are everybody's.
fn on_monitoring(rule: &str) -> bool {
    const OTHERS: [&str; 8] = [
        "insurance_without_risk",
        "water_without_risk",
        "disabled_without_disabled",
        "work_without_labour",
        "labour_lacking_all_able",
        "only_general",
        "support_not_listed",
        "measure_none",
    ];
    rule.starts_with("monitor_") || rule.starts_with("ended_") || rule.starts_with("measure_") || OTHERS.contains(&rule)
}

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
    let rules: Vec<&'static str> =
        RULES.iter().filter(|r| r.1 == error && r.0 != "id_ends_in_zeros").map(|r| r.0).collect();
    // Few households are monitored and many rules are on them: there they are the first to be tried.
    let special: Vec<&'static str> = rules.iter().copied().filter(|r| on_monitoring(r)).collect();
    let (monitored, rare) = (hh.monitor.is_some() && !special.is_empty(), rng.per_cent(60));
    for attempt in 0..24 {
        let rule = match attempt {
            0..6 if monitored && rare => rng.pick(&RARE),
            0..16 if monitored => rng.pick(&special),
            _ => rng.pick(&rules),
        };
        // A try that fails half way must leave nothing behind.
        let mut changed = hh.clone();
        if let Some(place) = try_plant(world, &mut changed, rule, &mut rng) {
            *hh = changed;
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
            let year = format!("{:04}", chrono::Datelike::year(&world.as_of) + 11);
            rewrite(p, |digits| digits[6..10].copy_from_slice(year.as_bytes()));
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
        "id_digits" => {
            let i = find(hh, rng, |p| plain(p) && p.id_text[6..].contains('0'))?;
            let p = &mut hh.members[i];
            let at = 6 + p.id_text.get(6..17)?.find('0')?;
            // The letter O on the key beside the digit.
            p.id_text.replace_range(at..=at, "O");
            Some(Place::Person(i))
        }
        "id_excel" => {
            let i = find(hh, rng, |p| plain(p) && !p.id_text.ends_with('X'))?;
            let p = &mut hh.members[i];
            let mut cut = p.id_text.clone();
            cut.replace_range(15.., "000");
            let mut digits = p.id.0;
            digits[15] = b'0';
            digits[16] = b'0';
            // Where the check happens to fit, nobody can tell it from a sound number: that is another rule.
            let fits = crate::model::check(&digits) == b'0' && digits[14] != b'0';
            p.id_text = if fits || rng.per_cent(50) { crate::damage::scientific(&p.id_text) } else { cut };
            Some(Place::Person(i))
        }
        "id_disability" => {
            let i = find(hh, rng, |p| p.id_text.len() > 18 && p.relation != "户主")?;
            hh.members[i].id_text.replace_range(18..19, "8");
            if hh.members.iter().filter(|p| p.health.contains("残疾")).count() == 1 && hh.monitor.is_some() {
                return None;
            }
            Some(Place::Person(i))
        }
        "name_missing" => {
            let i = find(hh, rng, plain)?;
            hh.members[i].name.clear();
            Some(Place::Person(i))
        }
        "person_no_twice" => {
            let n = hh.members.len();
            if n < 2 || hh.members[n - 1].relation == "户主" {
                return None;
            }
            hh.members[n - 1].no = hh.members[n - 2].no.clone();
            Some(Place::Person(n - 1))
        }
        "id_empty" => {
            let i = find(hh, rng, plain)?;
            hh.members[i].id_text.clear();
            Some(Place::Person(i))
        }
        "birth_differs" => {
            let i = find(hh, rng, plain)?;
            let p = &mut hh.members[i];
            p.birth = p.birth.pred_opt()?;
            Some(Place::Person(i))
        }
        "sex_differs" => {
            let i = find(hh, rng, plain)?;
            hh.members[i].sex = hh.members[i].sex.other();
            Some(Place::Person(i))
        }
        "relation_unknown" => {
            let i = find(hh, rng, |p| p.relation == "之兄弟姐妹" || p.relation == "之侄儿" || p.relation == "其他")?;
            hh.members[i].relation = "寄养";
            Some(Place::Person(i))
        }
        "health_unknown" => {
            let i = find(hh, rng, |p| p.health == "健康")?;
            hh.members[i].health = "良好";
            Some(Place::Person(i))
        }
        "household_phone" => {
            hh.phone.pop();
            Some(Place::Household)
        }
        "members_zero" => {
            hh.count = Some(0);
            Some(Place::Household)
        }
        "members_differ" => {
            hh.count = Some(hh.members.len() as i64 + 1);
            Some(Place::Household)
        }
        "persons_none" => {
            if hh.monitor.is_some() {
                return None;
            }
            hh.no_members = true;
            Some(Place::Household)
        }
        "income_sum" => {
            hh.net_slip = rng.pick(&[900, -900, 90]);
            Some(Place::Income)
        }
        "monitor_kind" => {
            let m = hh.monitor.as_mut()?;
            m.class = "困难户";
            Some(Place::Monitor)
        }
        "monitor_income_missing" => {
            hh.monitor.as_mut()?.income = 0;
            Some(Place::Monitor)
        }
        "monitor_flag_missing" => {
            hh.monitor.as_mut().filter(|m| m.flags == [false; 4])?.no_flags = true;
            Some(Place::Monitor)
        }
        "insurance_without_risk" => {
            let m = hh.monitor.as_mut().filter(|m| !m.risks.contains(&"因病"))?;
            m.flags[3] = true;
            Some(Place::Monitor)
        }
        "water_without_risk" => {
            let m = hh.monitor.as_mut().filter(|m| !m.risks.contains(&"因安全饮水"))?;
            m.flags[2] = true;
            Some(Place::Monitor)
        }
        "disabled_without_disabled" => {
            if hh.members.iter().any(|p| p.health.contains("残疾")) {
                return None;
            }
            add_risk(hh, "因残")
        }
        "work_without_labour" => {
            if hh.members.iter().any(crate::model::Person::has_labour) {
                return None;
            }
            add_risk(hh, "因务工就业不稳")
        }
        "labour_lacking_all_able" => {
            if !hh.members.iter().all(|p| p.has_labour() && !p.is_student()) {
                return None;
            }
            add_risk(hh, "因缺劳动力")
        }
        "only_general" => {
            let half_year = crate::world::months_before(world.as_of, 6);
            let able = hh.members.iter().any(crate::model::Person::has_labour);
            let m = hh.monitor.as_mut().filter(|m| able && m.eliminated.is_none() && m.since > half_year)?;
            m.measures = [false; 15];
            m.measures[9] = true;
            m.developing = false;
            Some(Place::Monitor)
        }
        "support_not_listed" => {
            if hh.dibao || hh.tekun {
                return None;
            }
            let m = hh.monitor.as_mut()?;
            m.measures[9] = true;
            m.general = "纳入低保";
            Some(Place::Monitor)
        }
        "ended_illness" => {
            let m = ended(world, hh, true)?;
            if !m.risks.contains(&"因病") {
                return None;
            }
            for at in [6, 9, 10] {
                m.measures[at] = false;
            }
            Some(Place::Monitor)
        }
        "ended_school" => {
            let pupils = hh.members.iter().any(crate::model::Person::is_student);
            let m = ended(world, hh, true).filter(|m| pupils && m.risks.len() < 5)?;
            if !m.risks.contains(&"因学") {
                m.risks.push("因学");
            }
            m.measures[7] = false;
            m.measures[8] = false;
            Some(Place::Monitor)
        }
        "ended_no_measure" => {
            if hh.monitor.as_ref()?.risks.iter().any(|r| matches!(*r, "因病" | "因学")) {
                return None;
            }
            ended(world, hh, true)?.measures = [false; 15];
            Some(Place::Monitor)
        }
        "ended_early" => {
            let m = ended(world, hh, true)?;
            m.since = crate::world::months_before(world.as_of, 3);
            Some(Place::Monitor)
        }
        "ended_below_line" => {
            let m = ended(world, hh, true)?;
            m.eliminated = m.eliminated.map(|(when, _)| (when, crate::world::LINE - 700));
            Some(Place::Monitor)
        }
        "ended_empty" => {
            let m = ended(world, hh, true)?;
            m.eliminated = m.eliminated.map(|(when, _)| (when, 0));
            Some(Place::Monitor)
        }
        "ended_no_labour" => {
            let m = ended(world, hh, false)?;
            Some(Place::Monitor).filter(|_| m.no_labour)
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

/// One risk more, which nothing in the household bears out.
fn add_risk(hh: &mut Household, risk: &'static str) -> Option<Place> {
    let m = hh.monitor.as_mut().filter(|m| m.eliminated.is_none() && m.risks.len() < 5 && !m.risks.contains(&risk))?;
    m.risks.push(risk);
    Some(Place::Monitor)
}

/// The monitoring of a household, soundly ended a month ago: what is wrong with it is the caller's work.
fn ended<'h>(world: &World, hh: &'h mut Household, labour: bool) -> Option<&'h mut Monitor> {
    if hh.dangerous || !hh.safe_water {
        return None;
    }
    let m = hh.monitor.as_mut().filter(|m| m.no_labour != labour)?;
    m.since = crate::world::months_before(world.as_of, 9);
    m.eliminated = Some((crate::world::months_before(world.as_of, 1), crate::world::LINE + 600));
    m.how = "帮扶消除";
    m.measures[10] = true;
    if m.risks.contains(&"因学") {
        m.measures[7] = true;
    }
    Some(m)
}

/// Changes digits of an ID and sets the check character anew, so that only the planted fault is wrong.
fn rewrite(p: &mut crate::model::Person, change: impl Fn(&mut [u8; 18])) {
    let mut digits = p.id.0;
    change(&mut digits);
    digits[17] = crate::model::check(&digits);
    p.id_text = String::from_utf8_lossy(&digits).into_owned();
    debug_assert!(matches!(p.sex, Sex::Male | Sex::Female));
}
